// Executors of processes (ProcessPoolExecutor): when their processes begin, how many items they
// have in hand, and what becomes of them when one process dies.
#include "tests/one_run.h"

#include <stdio.h>
#include <string.h>

#define PYTHON "runtime: cpython-3.12\n"

static uint64_t sum(EventKind kind)
{
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        bytes += record->kind == kind ? record->b : 0;
    }
    return bytes;
}

// All that began has ended and was collected, and nothing is left in a pipe.
static void expect_nothing_left(void)
{
    assert_int_equal(run.result.end, END_DONE);
    assert_int_equal(simulated_count(&run, EVENT_PROCESS_STARTED, NULL),
                     simulated_count(&run, EVENT_PROCESS_REAPED, NULL));
    assert_int_equal(simulated_count(&run, EVENT_PROCESS_ADOPTED, NULL), 0);
    assert_int_equal(sum(EVENT_PIPE_WRITTEN), sum(EVENT_PIPE_READ));
    assert_int_equal(simulated_count(&run, EVENT_OBJECT_SENT, NULL),
                     simulated_count(&run, EVENT_OBJECT_GOT, NULL));
}

static uint64_t started_with(const char *version, const char *start, uint32_t submits)
{
    char yaml[1000];
    snprintf(
        yaml, sizeof yaml,
        ZERO("8") "runtime: cpython-%s\n"
                  "executors: { pool: { processes: 4, start: %s } }\n"
                  "functions: { work: [ { compute: 1ms } ] }\n"
                  "threads:\n  - name: main\n    run:\n"
                  "      - submit: { to: pool, run: work, as: f, count: %u }\n      - result: f\n"
                  "      - submit: { to: pool, run: work, as: f }\n      - result: f\n",
        version, start, submits);
    one_run(yaml);
    expect_nothing_left();
    return simulated_count(&run, EVENT_PROCESS_STARTED, NULL);
}

static void processes_start_at_once_or_as_needed(void **state)
{
    (void)state;
    // With fork all four at the first submit. With spawn one a submit while none is known to be
    // idle: one, or three; the submit after that finds idle ones. 3.8 starts all in any case.
    assert_int_equal(started_with("3.12", "fork", 1), 4);
    one_run_end(NULL);
    assert_int_equal(started_with("3.12", "spawn", 1), 1);
    one_run_end(NULL);
    assert_int_equal(started_with("3.12", "spawn", 3), 3);
    one_run_end(NULL);
    assert_int_equal(started_with("3.12", "spawn", 7), 4);
    one_run_end(NULL);
    assert_int_equal(started_with("3.9", "spawn", 1), 1);
    one_run_end(NULL);
    assert_int_equal(started_with("3.8", "spawn", 1), 4);
}

static uint64_t processes_killed(void)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        count += record->kind == EVENT_PROCESS_ENDED && record->b == STATUS_SIGNALLED + SIGNAL_TERM;
    }
    return count;
}

static const char *lines_printed(void)
{
    static char text[500];
    text[0] = 0;
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        if (record->kind == EVENT_PRINT)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%lld %s\n",
                     (long long)record->time_ns / MS,
                     scenario_string(&run.scenario, (StringId){(uint32_t)record->a}));
    }
    return text;
}

// Three processes; one dies at 50 ms. Its own item, the two that the others do and the three that
// wait fail at that instant, in the order in which they came, and the pool takes no more. What was
// done at 30 ms is done. Items of 30 ms: two are done at 30, and the next of the two would be
// at 60.
static void a_process_that_dies_breaks_the_pool(void **state)
{
    (void)state;
    one_run(ZERO("8") PYTHON
            "executors: { pool: { processes: 3 } }\n"
            "functions:\n"
            "  crash: [ { compute: 50ms }, { exit: 3 } ]\n"
            "  work: [ { compute: 30ms }, { mark: work } ]\n"
            "threads:\n"
            "  - name: main\n"
            "    run:\n"
            "      - submit: { to: pool, run: crash, as: bad }\n"
            "      - submit: { to: pool, run: work, as: early, count: 2 }\n"
            "      - submit: { to: pool, run: work, as: late, count: 5 }\n"
            "      - result: early\n"
            "      - print: early\n"
            "      - try: { do: [ { result: bad } ], except: { broken: [ { print: bad } ] } }\n"
            "      - try: { do: [ { result: late } ], except: { error: [ { print: late } ] } }\n"
            "      - try: { do: [ { submit: { to: pool, run: work } } ], except: { broken: [ { "
            "print: closed } ] } }\n");
    assert_string_equal(lines_printed(), "30 early\n50 bad\n50 late\n50 closed\n");
    assert_int_equal(run.result.end, END_DONE);
    assert_int_equal(run.result.ended.ns, 50 * MS);
    assert_int_equal(simulated_count(&run, EVENT_MARK, NULL), 2);
    assert_int_equal(processes_killed(), 2);
    assert_int_equal(simulated_count(&run, EVENT_EXECUTOR_DONE, NULL), 8);
    assert_int_equal(simulated_count(&run, EVENT_PROCESS_STARTED, NULL),
                     simulated_count(&run, EVENT_PROCESS_REAPED, NULL));
}

// Two of the three processes ignore SIGTERM; the third dies at 5 ms. Each is sent the signal once:
// both go on, end their items at 30 ms and wait for more, which never comes. So the executor's
// shutdown, which joins them, never ends, as in CPython.
static void a_process_may_ignore_that_its_pool_is_broken(void **state)
{
    (void)state;
    one_run(ZERO("8") PYTHON
            "executors: { pool: { processes: 3 } }\n"
            "functions:\n"
            "  crash: [ { compute: 5ms }, { exit: 3 } ]\n"
            "  work: [ { on_signal: TERM }, { compute: 30ms }, { print: survived } ]\n"
            "threads:\n"
            "  - name: main\n"
            "    run:\n"
            "      - submit: { to: pool, run: work, as: f, count: 2 }\n"
            "      - submit: { to: pool, run: crash }\n"
            "      - try: { do: [ { result: f } ], except: { broken: [ { print: broken } ] } }\n"
            "      - shutdown: pool\n"
            "      - print: never\n");
    assert_string_equal(lines_printed(), "5 broken\n30 survived\n30 survived\n");
    assert_int_equal(run.result.end, END_DEADLOCK);
    assert_int_equal(processes_killed(), 0);
    assert_int_equal(simulated_count(&run, EVENT_SIGNAL_SENT, NULL), 2); // once each
}

// Another thread may collect the process that has died before the executor looks.
static void a_process_that_others_collect_breaks_the_pool_too(void **state)
{
    (void)state;
    one_run(ZERO("8") PYTHON
            "executors: { pool: { processes: 2 } }\n"
            "functions: { crash: [ { compute: 5ms }, { exit: 3 } ], work: [ { compute: 30ms } ] }\n"
            "threads:\n"
            "  - name: main\n"
            "    run:\n"
            "      - submit: { to: pool, run: crash, as: f }\n"
            "      - submit: { to: pool, run: work, as: f }\n"
            "      - wait_child\n"
            "      - print: collected\n"
            "      - try: { do: [ { result: f } ], except: { broken: [ { print: broken } ] } }\n");
    assert_string_equal(lines_printed(), "5 collected\n5 broken\n");
    assert_int_equal(run.result.end, END_DONE);
}

// Coroutines that await such items are told in their loop.
static void a_loop_is_told_of_a_broken_pool(void **state)
{
    (void)state;
    one_run(ZERO("8") PYTHON
            "executors: { pool: { processes: 2 } }\n"
            "functions:\n"
            "  crash: [ { compute: 5ms }, { exit: 3 } ]\n"
            "  work: [ { compute: 10ms } ]\n"
            "  ask: [ { await: { run_in_executor: crash, executor: pool } } ]\n"
            "  other: [ { await: { run_in_executor: work, executor: pool } } ]\n"
            "  main:\n"
            "    - create_task: { run: other, as: o }\n"
            "    - try: { do: [ { await: ask } ], except: { broken: [ { print: asked } ] } }\n"
            "    - try: { do: [ { await: o } ], except: { broken: [ { print: other } ] } }\n"
            "    - try: { do: [ { await: other } ], except: { broken: [ { print: again } ] } }\n"
            "threads: [ { name: t, run: [ { asyncio.run: main } ] } ]\n");
    assert_string_equal(lines_printed(), "5 asked\n5 other\n5 again\n");
    assert_int_equal(run.result.end, END_DONE);
}

static void the_call_queue_holds_one_more_than_there_are_processes(void **state)
{
    (void)state;
    // Ten items, two processes. Before the first is done two are being done and three wait in the
    // queue to the processes: five are left to the manager.
    one_run(ZERO("8") PYTHON "executors: { pool: { processes: 2 } }\n"
                             "functions: { work: [ { compute: 10ms } ] }\n"
                             "threads:\n  - name: main\n    run:\n"
                             "      - submit: { to: pool, run: work, as: f, count: 9 }\n"
                             "      - sleep: 1ms\n" // all is quiet
                             "      - submit: { to: pool, run: work, as: g }\n"
                             "      - result: f\n      - result: g\n");
    uint64_t level = 0, submitted = 0;
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        submitted += record->kind == EVENT_EXECUTOR_SUBMITTED;
        if (record->kind == EVENT_SYNC_LEVEL && record->time_ns < 10 * MS &&
            strcmp(scenario_string(&run.scenario, run.scenario.syncs[record->a - 1].name),
                   "pool") == 0)
            level = record->b;
    }
    assert_int_equal(submitted, 10);
    assert_int_equal(level, 10 - 2 - 3);
    assert_int_equal(run.result.ended.ns, 50 * MS); // ten items of 10 ms over two
    expect_nothing_left();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(processes_start_at_once_or_as_needed, one_run_end),
        cmocka_unit_test_teardown(the_call_queue_holds_one_more_than_there_are_processes,
                                  one_run_end),
        cmocka_unit_test_teardown(a_process_that_dies_breaks_the_pool, one_run_end),
        cmocka_unit_test_teardown(a_process_may_ignore_that_its_pool_is_broken, one_run_end),
        cmocka_unit_test_teardown(a_process_that_others_collect_breaks_the_pool_too, one_run_end),
        cmocka_unit_test_teardown(a_loop_is_told_of_a_broken_pool, one_run_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
