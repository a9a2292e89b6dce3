// The memory of Python's objects: what coroutines, tasks and threads take of their process's heap,
// when they give it back, and the pages that come of it. Sizes are rows of python_objects.def; what
// is alive is traced to a page, so that is how near the numbers here are.
#include "asyncio_program.h"
#include "simulate.h"

#include "sim/scenario/python_objects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PAGE = 4096 };

// What the last record of `kind` says of process `pid` at that time; 0 when there is none.
static int64_t said_at(const Simulated *run, EventKind kind, uint64_t pid, int64_t time_ns)
{
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < run->memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run->memory, i);
        if (record->kind == kind && record->a == pid && record->time_ns <= time_ns)
            bytes = record->b;
    }
    return (int64_t)bytes;
}

static int64_t most_said(const Simulated *run, EventKind kind, uint64_t pid)
{
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < run->memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run->memory, i);
        if (record->kind == kind && record->a == pid && record->b > bytes)
            bytes = record->b;
    }
    return (int64_t)bytes;
}

static uint64_t faulted_pages(const Simulated *run)
{
    uint64_t pages = 0;
    for (uint64_t i = 0; i < run->memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run->memory, i);
        pages += record->kind == EVENT_PAGE_FAULT ? record->b : 0;
    }
    return pages;
}

#define assert_near(bytes, expected)                                                               \
    assert_in_range((bytes), (expected) > PAGE ? (expected)-PAGE : 0, (expected) + PAGE)

#define MS(ms) ((int64_t)(ms)*1000000)

// ---- tasks

// A thousand tasks that sleep for 1 s; main, which keeps them or not, ends at 3 s.
#define SLEEPERS(runtime, as)                                                                      \
    "runtime: " runtime "\nmachine: { costs: zero, memory: 1GiB }\n"                               \
    "functions:\n"                                                                                 \
    "  sleeper: [ { await: { sleep: 1s } } ]\n"                                                    \
    "  main: [ { create_task: { run: sleeper, count: 1000" as " } }, { await: { sleep: 3s } } ]\n" \
    "threads: [ { name: main, run: [ { asyncio.run: main } ] } ]\n"

static void a_sleeping_task_is_five_objects(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, SLEEPERS("cpython-3.12", ""));
    // Coroutine 193, task 540, asyncio.sleep's coroutine 260, its future 145, its timer 300: 1438
    // B. Main is one more that sleeps.
    assert_near(said_at(&run, EVENT_HEAP, 1, MS(500)), 1001 * 1438);
    // They have ended, and nobody knows them: main is left.
    assert_near(said_at(&run, EVENT_HEAP, 1, MS(2000)), 1438);
    // At 1 s the thousand timers are due in one turn. Each one's future is done then, and its task
    // has a handle of 201 B to go on.
    assert_near(most_said(&run, EVENT_HEAP, 1), 1001 * 1438 + 1000 * 201);
    simulated_free(&run);
}

static void a_task_that_has_ended_is_kept_by_its_name(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, SLEEPERS("cpython-3.12", ", as: all"));
    // The task alone: its coroutine, its sleep and its timer are gone.
    assert_near(said_at(&run, EVENT_HEAP, 1, MS(2000)), 1000 * 540 + 1438);
    simulated_free(&run);
}

static void older_versions_need_more(void **state)
{
    (void)state;
    Simulated run;
    // 587 + 516 + 644 + 132 + 288 B.
    simulate(&run, SLEEPERS("cpython-3.8", ""));
    assert_near(said_at(&run, EVENT_HEAP, 1, MS(500)), 1001 * 2167);
    simulated_free(&run);
    // 193 + 526 + 260 + 145 + 301 B.
    simulate(&run, SLEEPERS("cpython-3.13", ""));
    assert_near(said_at(&run, EVENT_HEAP, 1, MS(500)), 1001 * 1425);
    simulated_free(&run);
}

static void pages_come_by_faults_and_stay(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, SLEEPERS("cpython-3.12", ""));
    // 1001 * 1438 + 1000 * 201 B: 1640438 B are 401 pages (1642496 B), and the stack has two.
    assert_int_equal(faulted_pages(&run), 401 + 2);
    assert_int_equal(most_said(&run, EVENT_MEMORY_RESIDENT, 1), 403 * PAGE);
    assert_int_equal(said_at(&run, EVENT_MEMORY_RESIDENT, 1, MS(2000)), 403 * PAGE);
    // Two arenas of 1 MiB, and 8 MiB for the stack.
    assert_int_equal(most_said(&run, EVENT_MEMORY_RESERVED, 1), 10 << 20);
    // What the process had is given back with its end.
    assert_int_equal(said_at(&run, EVENT_MEMORY_RESIDENT, 1, run.result.ended.ns), 0);
    assert_int_equal(said_at(&run, EVENT_HEAP, 1, run.result.ended.ns), 0);
    simulated_free(&run);
}

static void each_page_takes_its_fault(void **state)
{
    (void)state;
    Simulated run;
    // 100 tasks that wait for nothing: each has a coroutine, a task and a handle until it runs, 193
    // + 540 + 201 = 934 B. With main's 193 + 540 they are 94133 B, 23 pages (94208 B).
    simulate(&run,
             "runtime: cpython-3.12\n"
             "machine: { memory: 1GiB, costs: { base: zero, pf_anon: 500ns } }\n"
             "functions:\n"
             "  nothing: [ { mark: here } ]\n"
             "  main: [ { create_task: { run: nothing, count: 100, as: all } }, { await: all } ]\n"
             "threads: [ { name: main, run: [ { asyncio.run: main } ] } ]\n");
    assert_int_equal(faulted_pages(&run), 23 + 2);
    assert_int_equal(run.result.ended.ns, 25 * 500);
    simulated_free(&run);
}

static void scenarios_that_do_not_speak_of_memory_have_none(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "runtime: cpython-3.12\n"
                   "functions: { main: [ { await: { sleep: 1s } } ] }\n"
                   "threads: [ { name: main, run: [ { asyncio.run: main } ] } ]\n");
    assert_int_equal(most_said(&run, EVENT_HEAP, 1), 0);
    assert_int_equal(faulted_pages(&run), 0);
    simulated_free(&run);
}

static void a_loop_leaves_nothing_behind(void **state)
{
    (void)state;
    Simulated once, often;
    // All sorts of awaiting, some of it cancelled; a hundred loops need no more than one.
    static const char body[] =
        "runtime: cpython-3.12\nmachine: { costs: zero, memory: 1GiB }\n"
        "functions:\n"
        "  work: [ { compute: 1ms } ]\n"
        "  inner: [ { await: { sleep: 1s } } ]\n"
        "  outer: [ { await: inner } ]\n"
        "  fails: [ { await: { sleep: 1ms } }, { raise: Failed } ]\n"
        "  nested:\n"
        "    - try: { do: [ { await: fails } ], except: { Failed: [ { mark: handled } ] } }\n"
        "  main:\n"
        "    - create_task: { run: outer, as: slow, count: 300 }\n"
        "    - create_task: { run: nested, as: quick, count: 300 }\n"
        "    - await: quick\n"
        "    - cancel: slow\n"
        "    - await: { sleep: 1ms }\n"
        "    - wait_for: { task: nested, timeout: 1s }\n"
        "    - await: { to_thread: work }\n"
        "threads:\n  - name: main\n    run:\n"
        "      - repeat: { times: %s, do: [ { asyncio.run: main } ] }\n"
        "      - sleep: 1ms\n";
    char text[2048];
    snprintf(text, sizeof text, body, "1");
    simulate(&once, text);
    snprintf(text, sizeof text, body, "100");
    simulate(&often, text);
    int64_t most = most_said(&once, EVENT_HEAP, 1);
    assert_true(most > 300 * 1438);
    assert_near(most_said(&often, EVENT_HEAP, 1), most);
    // Before the process ends, nothing is alive.
    assert_near(said_at(&often, EVENT_HEAP, 1, often.result.ended.ns - 1), 0);
    simulated_free(&once);
    simulated_free(&often);
}

// The program of `seed`, whose loop runs forty times, in a scenario that speaks of memory.
static void write_program(uint64_t seed, bool eager, char *text, size_t room)
{
    static const int minors[] = {9, 10, 11, 12, 13};
    static const char machine[] = "machine: { memory: 4GiB, ";
    size_t taken = strlen(machine);
    if (eager)
        asyncio_eager_program(seed, 12 + (int)(seed % 2), text + taken, room - taken);
    else
        asyncio_program(seed, minors[seed % 5], text + taken, room - taken);
    const char *rest = text + taken + strlen("machine: { ");
    memcpy(text, machine, taken);
    memmove(text + taken, rest, strlen(rest) + 1);
    char *threads = strstr(text, "\nthreads:\n");
    assert_non_null(threads);
    snprintf(threads, room - (size_t)(threads - text),
             "\nthreads:\n  - name: t\n    run:\n      - repeat:\n          times: 40\n"
             "          do:\n            - try: { do: [ { asyncio.run: %s } ], except: { "
             "cancelled: [ { mark: c } ], error: [ { mark: e } ] } }\n      - sleep: 1s\n",
             eager ? "{ main: f0, eager: true }" : "f0");
}

// Whatever a program awaits, cancels and abandons: when its loop is closed, all is given back. What
// is left are threads of executors. An object of 145 B that stays would be 5.8 KB after forty
// loops. Some programs wait for ever. asyncio.run of 3.8 leaves its executor's threads alone.
static void random_programs_leave_nothing_behind(void **state)
{
    (void)state;
    enum { PROGRAMS = 120, ROOM = 1 << 16, THREADS_MOST = 8 };
    char *text = calloc(1, ROOM);
    assert_non_null(text);
    int looked_at = 0;
    for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
        Simulated run;
        write_program(seed, seed % 4 == 0, text, ROOM);
        simulate(&run, text);
        if (run.result.end != END_DONE) {
            assert_int_equal(run.result.end, END_DEADLOCK);
            simulated_free(&run);
            continue;
        }
        looked_at++;
        int64_t left = said_at(&run, EVENT_HEAP, 1, run.result.ended.ns - MS(500));
        const Runtime *runtime = &run.scenario.processes[0].runtime;
        int64_t thread = python_object_bytes(runtime, PYTHON_OBJECT_THREAD);
        int64_t threads = (left + PAGE) / thread;
        if (threads > THREADS_MOST || left - threads * thread > PAGE)
            fail_msg("program %llu leaves %lld B", (unsigned long long)seed, (long long)left);
        simulated_free(&run);
    }
    assert_true(looked_at > PROGRAMS * 3 / 4);
    free(text);
}

static void an_awaited_coroutine_is_one_object_more(void **state)
{
    (void)state;
    Simulated run;
    // Each sleeper awaits another coroutine that sleeps: 1438 + 2 * 193 B.
    simulate(&run,
             "runtime: cpython-3.12\nmachine: { costs: zero, memory: 1GiB }\n"
             "functions:\n"
             "  inmost: [ { await: { sleep: 1s } } ]\n"
             "  inner: [ { await: inmost } ]\n"
             "  outer: [ { await: inner }, { await: { sleep: 1s } } ]\n"
             "  main: [ { create_task: { run: outer, count: 1000 } }, { await: { sleep: 3s } } ]\n"
             "threads: [ { name: main, run: [ { asyncio.run: main } ] } ]\n");
    assert_near(said_at(&run, EVENT_HEAP, 1, MS(500)), 1000 * (1438 + 2 * 193) + 1438);
    assert_near(said_at(&run, EVENT_HEAP, 1, MS(1500)), 1001 * 1438);
    simulated_free(&run);
}

// A timer that is cancelled stays on the heap until it is its turn, or until there are more than a
// hundred and more than half of them are cancelled.
static void cancelled_timers_are_kept_for_a_while(void **state)
{
    (void)state;
    Simulated few, many;
    static const char body[] = "runtime: cpython-3.12\nmachine: { costs: zero, memory: 1GiB }\n"
                               "functions:\n"
                               "  sleeper: [ { await: { sleep: 10s } } ]\n"
                               "  main:\n"
                               "    - create_task: { run: sleeper, as: all, count: %s }\n"
                               "    - await: { sleep: 1s }\n"
                               "    - cancel: all\n"
                               "    - await: { sleep: 1s }\n"
                               "    - await: { sleep: 1s }\n"
                               "threads: [ { name: main, run: [ { asyncio.run: main } ] } ]\n";
    char text[1024];
    snprintf(text, sizeof text, body, "90");
    simulate(&few, text);
    // The tasks are kept by their name, 540 B each, the timers by the heap, 300 B each, with the
    // future that each would have ended, 145 B; main sleeps.
    assert_near(said_at(&few, EVENT_HEAP, 1, MS(1500)), 90 * (540 + 300 + 145) + 1438);
    // Main's timer came before them. When it is off the heap, they are the first, and go.
    assert_near(said_at(&few, EVENT_HEAP, 1, MS(2500)), 90 * 540 + 1438);
    snprintf(text, sizeof text, body, "200");
    simulate(&many, text);
    assert_near(said_at(&many, EVENT_HEAP, 1, MS(1500)), 200 * 540 + 1438);
    simulated_free(&few);
    simulated_free(&many);
}

// ---- the program's own objects

// A list of one item takes 81 B. Those in a cycle are garbage when they are dropped, and take what
// they took until a collection finds them.
static void garbage_takes_memory_until_it_is_found(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "runtime: cpython-3.12\nmachine: { costs: zero, memory: 1GiB }\n"
                   "threads:\n"
                   "  - name: main\n    run:\n"
                   "      - gc.disable\n"
                   "      - new_objects: { count: 10000, as: plain }\n"
                   "      - new_objects: { count: 20000, as: cyclic, cycles: true }\n"
                   "      - sleep: 2ms\n"
                   "      - drop: plain\n"
                   "      - drop: cyclic\n"
                   "      - sleep: 2ms\n"
                   "      - gc.collect\n"
                   "      - sleep: 2ms\n");
    assert_near(said_at(&run, EVENT_HEAP, 1, MS(1)), 30000 * 81);
    assert_near(said_at(&run, EVENT_HEAP, 1, MS(3)), 20000 * 81);
    assert_int_equal(said_at(&run, EVENT_HEAP, 1, MS(5)), 0);
    // 30000 * 81 B are 594 pages; with the stack's two, and they stay.
    assert_int_equal(said_at(&run, EVENT_MEMORY_RESIDENT, 1, MS(5)), 596 * PAGE);
    simulated_free(&run);
}

// ---- threads, processes

static void a_thread_of_python_is_more_than_its_stack(void **state)
{
    (void)state;
    Simulated run;
    static const char body[] = "machine: { costs: zero, memory: 1GiB }\n"
                               "processes:\n"
                               "  - name: new\n    runtime: cpython-3.12\n"
                               "    threads: [ { name: w, count: 101, run: [ { sleep: 1s } ] } ]\n"
                               "  - name: old\n    runtime: cpython-3.8\n"
                               "    threads: [ { name: w, count: 101, run: [ { sleep: 1s } ] } ]\n"
                               "  - name: c\n"
                               "    threads: [ { name: w, count: 101, run: [ { sleep: 1s } ] } ]\n";
    simulate(&run, body);
    // All but the main thread have something on the heap: 100 * 8008 B are 196 pages, 100 * 5890 B
    // 144. The stacks have 2, 3 and 2 pages.
    assert_int_equal(said_at(&run, EVENT_MEMORY_RESIDENT, 1, MS(500)), (101 * 2 + 196) * PAGE);
    assert_int_equal(said_at(&run, EVENT_MEMORY_RESIDENT, 2, MS(500)), (101 * 3 + 144) * PAGE);
    assert_int_equal(said_at(&run, EVENT_MEMORY_RESIDENT, 3, MS(500)), 101 * 2 * PAGE);
    // Arenas of 1 MiB and of 256 KiB: one, and three.
    assert_int_equal(said_at(&run, EVENT_MEMORY_RESERVED, 1, MS(500)), (101 * 8 + 1) * (1 << 20));
    assert_int_equal(said_at(&run, EVENT_MEMORY_RESERVED, 2, MS(500)),
                     101 * 8 * (1 << 20) + 3 * (256 << 10));
    simulated_free(&run);
}

static void a_forked_process_shares_the_heap(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "runtime: cpython-3.12\nmachine: { costs: zero, memory: 1GiB }\n"
                   "functions: { child: [ { sleep: 500ms } ] }\n"
                   "threads:\n"
                   "  - { name: w, count: 100, run: [ { sleep: 1s } ] }\n"
                   "  - { name: forks, start: 1ms, run: [ { fork: child }, { sleep: 1s } ] }\n");
    // 100 threads besides the main thread: 100 * 8008 B are 196 pages. The child has them, with the
    // objects on them, and a stack of its own.
    Metrics metrics;
    simulated_measure(&run, &metrics);
    const ProcessMetrics *parent = simulated_process(&metrics, "main");
    const ProcessMetrics *child = simulated_process(&metrics, "child");
    assert_int_equal(parent->shared_max, 196 * PAGE);
    assert_int_equal(parent->resident_max, (196 + 2 * 101) * PAGE);
    assert_int_equal(child->shared_max, 196 * PAGE);
    assert_int_equal(child->resident_max, (196 + 2) * PAGE);
    assert_int_equal(child->private_max, 2 * PAGE);
    assert_near((int64_t)parent->heap_max, 100 * 8008);
    metrics_free(&metrics);
    simulated_free(&run);
}

// The program that calls exec from a coroutine is gone with all that it had.
static void exec_empties_the_heap(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "runtime: cpython-3.12\nmachine: { costs: zero, memory: 1GiB }\n"
                   "functions:\n"
                   "  other: [ { sleep: 1s } ]\n"
                   "  sleeper: [ { await: { sleep: 1s } } ]\n"
                   "  main:\n"
                   "    - create_task: { run: sleeper, as: all, count: 1000 }\n"
                   "    - await: { sleep: 1ms }\n"
                   "    - exec: other\n"
                   "threads: [ { name: main, run: [ { asyncio.run: main } ] } ]\n");
    assert_int_equal(run.result.end, END_DONE);
    assert_near(most_said(&run, EVENT_HEAP, 1), 1001 * 1438);
    assert_int_equal(said_at(&run, EVENT_HEAP, 1, MS(500)), 0);
    assert_int_equal(said_at(&run, EVENT_MEMORY_RESIDENT, 1, MS(500)), 2 * PAGE);
    simulated_free(&run);
}

static void memory_runs_out_under_tasks(void **state)
{
    (void)state;
    Simulated run;
    // 1001 * 1438 B are more than 1 MiB: the process is killed.
    simulate(
        &run,
        "runtime: cpython-3.12\nmachine: { costs: zero, memory: 1MiB }\n"
        "functions:\n"
        "  sleeper: [ { await: { sleep: 1s } } ]\n"
        "  main: [ { create_task: { run: sleeper, count: 1000 } }, { await: { sleep: 3s } } ]\n"
        "threads: [ { name: main, run: [ { asyncio.run: main } ] } ]\n");
    assert_int_equal(simulated_count(&run, EVENT_OUT_OF_MEMORY, NULL), 1);
    assert_true(most_said(&run, EVENT_MEMORY_RESIDENT, 1) <= 1 << 20);
    simulated_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sleeping_task_is_five_objects),
        cmocka_unit_test(a_task_that_has_ended_is_kept_by_its_name),
        cmocka_unit_test(older_versions_need_more),
        cmocka_unit_test(pages_come_by_faults_and_stay),
        cmocka_unit_test(each_page_takes_its_fault),
        cmocka_unit_test(scenarios_that_do_not_speak_of_memory_have_none),
        cmocka_unit_test(a_loop_leaves_nothing_behind),
        cmocka_unit_test(random_programs_leave_nothing_behind),
        cmocka_unit_test(an_awaited_coroutine_is_one_object_more),
        cmocka_unit_test(cancelled_timers_are_kept_for_a_while),
        cmocka_unit_test(garbage_takes_memory_until_it_is_found),
        cmocka_unit_test(a_thread_of_python_is_more_than_its_stack),
        cmocka_unit_test(a_forked_process_shares_the_heap),
        cmocka_unit_test(exec_empties_the_heap),
        cmocka_unit_test(memory_runs_out_under_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
