// Processes: what fork, spawn, exec, wait and exit cost and do, orphans and zombies, and signals in
// the middle of whatever a thread is doing. Timelines are worked out beside each test.
#include "simulate.h"

#include "sim/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *printed(const Simulated *run, const Metrics *metrics)
{
    static char text[1024];
    text[0] = 0;
    for (size_t i = 0; i < metrics->printed.count; i++) {
        if (i > 0)
            strcat(text, " ");
        strcat(text, scenario_string(&run->scenario, (StringId){metrics->printed.at[i]}));
    }
    return text;
}

typedef struct Measured {
    Simulated run;
    Metrics metrics;
} Measured;

static void measure(Measured *m, const char *yaml)
{
    simulate(&m->run, yaml);
    simulated_measure(&m->run, &m->metrics);
}

static void measured_free(Measured *m)
{
    metrics_free(&m->metrics);
    simulated_free(&m->run);
}

// ---- starting

static void a_fork_costs_by_what_is_resident(void **state)
{
    (void)state;
    Measured m;
    // 256 pages touched and 2 of the stack: 40 us + 258 * 15 ns = 43.87 us. The second fork finds
    // the same; a spawn takes 20 us whatever there is.
    measure(&m,
            "machine: { costs: { base: zero, fork_base: 40us, fork_page: 15ns, vfork: 20us } }\n"
            "functions: { child: [ yield ] }\n"
            "threads:\n"
            "  - name: a\n    run:\n"
            "      - touch: 1MiB\n"
            "      - span: { name: fork, do: [ { fork: child } ] }\n"
            "      - wait_child\n"
            "      - span: { name: again, do: [ { fork: child } ] }\n"
            "      - wait_child\n"
            "      - span: { name: spawn, do: [ { spawn_process: child } ] }\n");
    assert_int_equal(simulated_time_of(&m.run, EVENT_PROCESS_STARTED, "child-1"), 43870);
    const ThreadMetrics *first = simulated_thread(&m.run, &m.metrics, "child-1");
    const ThreadMetrics *second = simulated_thread(&m.run, &m.metrics, "child-2");
    const ThreadMetrics *third = simulated_thread(&m.run, &m.metrics, "child-3");
    assert_int_equal(second->start_ns - first->end_ns, 43870);
    assert_int_equal(third->start_ns - second->end_ns, 20000);
    measured_free(&m);
}

// The child's own: 300 us for its program; the parent's: 20 us.
static void a_spawned_process_loads_its_program(void **state)
{
    (void)state;
    Measured m;
    measure(&m, "machine: { cores: 2, costs: { base: zero, vfork: 20us, exec: 300us } }\n"
                "functions: { child: [ { compute: 1ms } ] }\n"
                "threads: [ { name: a, run: [ { spawn_process: child }, { compute: 5us } ] } ]\n");
    assert_int_equal(simulated_thread(&m.run, &m.metrics, "a")->end_ns, 25000);
    assert_int_equal(simulated_thread(&m.run, &m.metrics, "child")->end_ns, 1320000);
    assert_int_equal(simulated_process(&m.metrics, "child")->resident_max, 8192);
    measured_free(&m);
}

// d, a daemon, is the new program's main thread: it ends at 1 + 10 ms, and the run with it.
static void a_daemon_that_execs_is_the_main_thread(void **state)
{
    (void)state;
    Measured m;
    measure(&m, "machine: { cores: 2, costs: zero }\n"
                "functions: { prog: [ { compute: 10ms }, { print: done } ] }\n"
                "threads:\n"
                "  - { name: main, run: [ { compute: 50ms } ] }\n"
                "  - { name: d, daemon: true, run: [ { compute: 1ms }, { exec: prog } ] }\n");
    assert_int_equal(m.run.result.end, END_DONE);
    assert_int_equal(m.run.result.ended.ns, 11000000);
    assert_int_equal(m.metrics.worker_exit_ns, 11000000);
    assert_string_equal(printed(&m.run, &m.metrics), "done");
    measured_free(&m);
}

// The first w dies with the old program at 1 ms; the new one's sleeps from there on for 1 s, and
// it alone is joined. The same for a declared thread, whom nobody needs to join any more.
static void what_exec_kills_is_not_joined(void **state)
{
    (void)state;
    Measured m;
    measure(&m,
            "machine: { cores: 2, costs: zero }\n"
            "functions:\n"
            "  h: [ { sleep: 1s } ]\n"
            "  prog: [ { join: o }, { spawn: { run: h, as: w } }, { join: w }, { print: joined } "
            "]\n"
            "threads:\n"
            "  - { name: m, run: [ { spawn: { run: h, as: w } }, { sleep: 1ms }, { exec: prog } "
            "] }\n"
            "  - { name: o, run: [ { sleep: 5s } ] }\n");
    assert_int_equal(m.run.result.end, END_DONE);
    assert_int_equal(m.run.result.ended.ns, 1001000000);
    assert_string_equal(printed(&m.run, &m.metrics), "joined");
    measured_free(&m);
}

static void exec_drops_memory_and_threads(void **state)
{
    (void)state;
    Measured m;
    // At 1 ms the second thread dies and the 4 MiB are gone; handlers with them.
    measure(&m, "machine: { cores: 2, costs: zero }\n"
                "functions:\n"
                "  other: [ { print: other }, { sleep: 5ms }, { exit: 7 } ]\n"
                "  handler: [ { print: handled } ]\n"
                "threads:\n"
                "  - name: a\n    run:\n"
                "      - on_signal: { signal: TERM, run: handler }\n"
                "      - repeat: { times: 2, do: [ { touch: 2MiB } ] }\n"
                "      - sleep: 1ms\n"
                "      - repeat: { times: 3, do: [ { exec: other }, { print: never } ] }\n"
                "  - { name: b, run: [ { sleep: 1s } ] }\n"
                "  - { name: late, start: 3ms, run: [ { print: late } ] }\n");
    assert_int_equal(m.run.result.ended.ns, 6000000);
    assert_string_equal(printed(&m.run, &m.metrics), "other late");
    assert_int_equal(simulated_count(&m.run, EVENT_TASK_KILLED, "b"), 1);
    assert_int_equal(simulated_process(&m.metrics, "main")->status, 7);
    assert_int_equal(simulated_process(&m.metrics, "main")->resident, 0);
    measured_free(&m);
}

// Threads of a forked process belong to it, and joining waits for its own.
static void children_have_threads_of_their_own(void **state)
{
    (void)state;
    Measured m;
    measure(&m,
            "machine: { cores: 8, costs: zero }\n"
            "functions:\n"
            "  work: [ { compute: 2ms } ]\n"
            "  child: [ { spawn: { run: work, as: helper, count: 2 } }, { join: helper }, "
            "{ print: joined }, { exit: 4 } ]\n"
            "  slow: [ { sleep: 1ms }, { call: child } ]\n"
            "threads:\n"
            "  - { name: a, run: [ { fork: child }, { fork: slow }, wait_child, wait_child ] }\n");
    // Each waits for its own two: at 2 ms and at 3 ms, not both at 3 ms.
    assert_int_equal(simulated_thread(&m.run, &m.metrics, "child")->end_ns, 2000000);
    assert_int_equal(simulated_thread(&m.run, &m.metrics, "slow")->end_ns, 3000000);
    assert_int_equal(simulated_count(&m.run, EVENT_PROCESS_JOINED, NULL), 4);
    assert_int_equal(simulated_process(&m.metrics, "child")->status, 4);
    measured_free(&m);
}

// ---- ending and waiting

static void waiting_collects_exit_codes(void **state)
{
    (void)state;
    Measured m;
    // The first waits for 3 ms; the second has ended by then and is a zombie from 1 ms to 3 ms.
    measure(&m, "machine: { cores: 4, costs: zero }\n"
                "functions: { slow: [ { compute: 3ms }, { exit: 3 } ], fast: [ { compute: 1ms }, "
                "{ exit: 1 } ] }\n"
                "threads:\n"
                "  - name: a\n    run:\n"
                "      - fork: slow\n"
                "      - fork: fast\n"
                "      - wait_child: slow\n"
                "      - mark: first\n"
                "      - wait_child\n"
                "      - wait_child\n" // nobody is left: it returns at once
                "      - mark: second\n");
    assert_int_equal(simulated_process(&m.metrics, "slow")->status, 3);
    assert_int_equal(simulated_process(&m.metrics, "fast")->status, 1);
    assert_int_equal(m.run.result.ended.ns, 3000000);
    assert_int_equal(simulated_count(&m.run, EVENT_PROCESS_REAPED, "a"), 2);
    assert_int_equal(process_table_zombies(&m.metrics.processes), 0);
    measured_free(&m);
}

static void children_that_nobody_waits_for_are_zombies(void **state)
{
    (void)state;
    Measured m;
    measure(&m,
            "machine: { costs: zero }\nuntil: 10ms\n"
            "functions: { child: [ { compute: 1ms } ] }\n"
            "threads: [ { name: a, run: [ { fork: { run: child, count: 3 } }, { sleep: 1s } ] } "
            "]\n");
    assert_int_equal(process_table_zombies(&m.metrics.processes), 3);
    measured_free(&m);
}

static void orphans_are_adopted(void **state)
{
    (void)state;
    Measured m;
    // The parent ends at 1 ms; its child lives until 5 ms, its zombie goes with it.
    measure(&m, "machine: { cores: 4, costs: zero }\n"
                "functions: { long: [ { compute: 5ms } ], short: [ yield ], parent: [ { fork: long "
                "}, { fork: short }, { compute: 1ms } ] }\n"
                "threads: [ { name: a, run: [ { fork: parent }, wait_child ] } ]\n");
    assert_int_equal(m.run.result.ended.ns, 5000000);
    assert_int_equal(simulated_count(&m.run, EVENT_PROCESS_ADOPTED, NULL), 2);
    assert_int_equal(process_table_zombies(&m.metrics.processes), 0);
    assert_int_equal(simulated_thread(&m.run, &m.metrics, "a")->end_ns, 1000000);
    measured_free(&m);
}

static void an_exit_code_ends_all_threads(void **state)
{
    (void)state;
    Measured m;
    measure(&m, "machine: { cores: 4, costs: zero }\n"
                "processes:\n"
                "  - name: p\n    threads:\n"
                "      - { name: a, run: [ { compute: 2ms }, { exit: 0 } ] }\n"
                "      - { name: b, run: [ { compute: 9ms } ] }\n"
                "      - { name: c, run: [ { sleep: 9ms } ] }\n"
                "      - { name: late, start: 5ms, run: [ { print: never } ] }\n"
                "  - name: q\n    threads: [ { name: d, run: [ { compute: 3ms } ] } ]\n");
    assert_int_equal(m.run.result.ended.ns, 3000000);
    assert_int_equal(m.run.result.end, END_DONE);
    assert_int_equal(simulated_count(&m.run, EVENT_TASK_KILLED, NULL), 2);
    assert_int_equal(m.metrics.printed_count, 0);
    assert_int_equal(simulated_process(&m.metrics, "p")->status, 0);
    measured_free(&m);
}

static int64_t end_of(const char *program)
{
    Measured m;
    char yaml[512];
    snprintf(yaml, sizeof yaml,
             "machine: { costs: { base: zero, thread_exit: 3us, process_exit: 30us, munmap_page: "
             "60ns } }\n"
             "threads: [ { name: a, run: [ %s ] } ]\n",
             program);
    measure(&m, yaml);
    int64_t end_ns = m.run.result.ended.ns;
    measured_free(&m);
    return end_ns;
}

// thread_exit 3 us, process_exit 30 us, 2 + 256 pages * 60 ns = 15.48 us: 48.48 us after the touch,
// whether the thread says `exit` or just ends. Of a scenario about threads alone the thread's end
// is all.
static void an_end_pays_for_its_pages(void **state)
{
    (void)state;
    assert_int_equal(end_of("{ touch: 1MiB }, { exit: 0 }"), 48480);
    assert_int_equal(end_of("{ touch: 1MiB }"), 48480);
    assert_int_equal(end_of("{ compute: 1us }"), 4000);
}

// ---- signals

static const char two_cores[] =
    "machine: { cores: 2, costs: zero }\n"
    "processes:\n"
    "  - name: boss\n"
    "    threads: [ { name: a, run: [ { sleep: 3ms }, { kill: %s } ] } ]\n"
    "  - name: other\n"
    "    functions: { handler: [ { print: handled }, { compute: 1ms } ] }\n"
    "    threads:\n"
    "      - { name: b, run: [ %s ] }\n";

static void signal_to(Measured *m, const char *kill, const char *program)
{
    char yaml[2000];
    snprintf(yaml, sizeof yaml, two_cores, kill, program);
    measure(m, yaml);
}

static void term_ends_who_says_nothing(void **state)
{
    (void)state;
    Measured m;
    signal_to(&m, "other", "{ compute: 10ms }, { print: never }");
    assert_int_equal(m.run.result.ended.ns, 3000000);
    assert_int_equal(simulated_process(&m.metrics, "other")->status,
                     STATUS_SIGNALLED + SIGNAL_TERM);
    assert_int_equal(m.metrics.printed_count, 0);
    measured_free(&m);
}

// 10 ms of work from 0 on, interrupted at 3 ms for 1 ms: it ends at 11 ms.
static void a_handler_runs_in_the_middle(void **state)
{
    (void)state;
    Measured m;
    signal_to(&m, "other",
              "{ on_signal: { signal: TERM, run: handler } }, { compute: 10ms }, { print: end }");
    assert_int_equal(m.run.result.ended.ns, 11000000);
    assert_string_equal(printed(&m.run, &m.metrics), "handled end");
    assert_int_equal(simulated_time_of(&m.run, EVENT_SIGNAL_HANDLED, "b"), 3000000);
    measured_free(&m);
}

// kill 200 + syscall 100 at 3 ms; the other core takes 800 ns of interrupt, then 500 ns and, after
// the handler, 100 ns of rt_sigreturn. Sleeping takes two halves of a call, and rt_sigaction 100 ns
// come first: 10 ms + 1 ms + 100 + 800 + 500 + 100 ns. print 100 ns is the handler's.
static void a_handler_has_its_cost(void **state)
{
    (void)state;
    Measured m;
    char yaml[2000];
    snprintf(yaml, sizeof yaml, two_cores, "other",
             "{ on_signal: { signal: TERM, run: handler } }, { compute: 10ms }");
    char *zero = strstr(yaml, "costs: zero");
    char text[2400];
    snprintf(text, sizeof text,
             "%.*scosts: { base: zero, syscall: 100ns, kill: 200ns, ipi: 800ns, "
             "signal_deliver: 500ns }%s",
             (int)(zero - yaml), yaml, zero + strlen("costs: zero"));
    measure(&m, text);
    // a: 50 ns, 3 ms, 50 ns, then kill.
    assert_int_equal(simulated_time_of(&m.run, EVENT_SIGNAL_SENT, "a"), 3000400);
    assert_int_equal(simulated_time_of(&m.run, EVENT_SIGNAL_HANDLED, "b"), 3001200);
    assert_int_equal(m.run.result.ended.ns, 11000000 + 100 + 800 + 500 + 100 + 100);
    assert_int_equal(m.metrics.cores[1].interrupt_ns + m.metrics.cores[0].interrupt_ns, 800);
    measured_free(&m);
}

static void an_ignored_signal_does_nothing(void **state)
{
    (void)state;
    Measured m;
    signal_to(&m, "other", "{ on_signal: TERM }, { compute: 10ms }");
    assert_int_equal(m.run.result.ended.ns, 10000000);
    assert_int_equal(simulated_count(&m.run, EVENT_SIGNAL_SENT, NULL), 1);
    measured_free(&m);
}

static void kill_cannot_be_handled(void **state)
{
    (void)state;
    Measured m;
    signal_to(&m, "{ process: other, signal: KILL }",
              "{ on_signal: { signal: TERM, run: handler } }, { sleep: 10ms }");
    assert_int_equal(m.run.result.ended.ns, 3000000);
    assert_int_equal(simulated_process(&m.metrics, "other")->status,
                     STATUS_SIGNALLED + SIGNAL_KILL);
    measured_free(&m);
}

// 256 pages and 2 of the stack: 30 us + 258 * 60 ns = 45,480 ns. b has core 0 when it is killed at
// 1 ms: that is busy for so long, in the kernel and for b, before c gets it; c works until
// 2,045,480. Asleep (on no core), b costs nobody anything.
static void a_killed_process_is_torn_down_on_its_core(void **state)
{
    (void)state;
    static const char *const victims[] = {"{ compute: 10ms }", "{ sleep: 10ms }"};
    for (int asleep = 0; asleep < 2; asleep++) {
        char yaml[2000];
        snprintf(yaml, sizeof yaml,
                 "machine: { cores: 2, scheduler: fifo, costs: { base: zero, process_exit: 30us, "
                 "munmap_page: 60ns } }\n"
                 "processes:\n"
                 "  - name: other\n"
                 "    threads: [ { name: b, affinity: [ 0 ], run: [ { touch: 1MiB }, %s ] } ]\n"
                 "  - name: boss\n"
                 "    threads:\n"
                 "      - { name: a, affinity: [ 1 ], run: [ { compute: 1ms }, "
                 "{ kill: { process: other, signal: KILL } }, { compute: 5ms }, exit ] }\n"
                 "      - { name: c, affinity: [ 0 ], start: 500us, run: [ { compute: 1ms } ] }\n",
                 victims[asleep]);
        Measured m;
        measure(&m, yaml);
        int64_t torn_ns = asleep ? 0 : 45480;
        assert_int_equal(simulated_time_of(&m.run, EVENT_TASK_KILLED, "b"), 1000000);
        assert_int_equal(simulated_thread(&m.run, &m.metrics, "b")->cpu_kernel_ns, torn_ns);
        const ThreadMetrics *c = simulated_thread(&m.run, &m.metrics, "c");
        assert_int_equal(c->end_ns, asleep ? 1500000 : 1000000 + torn_ns + 1000000);
        const CoreMetrics *core = &m.metrics.cores[0];
        assert_int_equal(core->user_ns + core->kernel_ns + core->interrupt_ns + core->idle_ns,
                         m.run.result.ended.ns);
        measured_free(&m);
    }
}

// The handler takes 1 ms of the 7 that a sleep of 10 ms has left; the work behind it takes 2 ms.
static void a_sleep_goes_on(void **state)
{
    (void)state;
    Measured m;
    signal_to(&m, "other",
              "{ on_signal: { signal: TERM, run: handler } }, { sleep: 10ms }, { compute: 2ms }");
    assert_int_equal(m.run.result.ended.ns, 12000000);
    measured_free(&m);
}

static void a_pause_ends_with_a_handler(void **state)
{
    (void)state;
    Measured m;
    signal_to(&m, "other",
              "{ on_signal: { signal: TERM, run: handler } }, pause, { compute: 2ms }");
    assert_int_equal(m.run.result.ended.ns, 6000000);
    measured_free(&m);
}

// A join goes on waiting: for the thread's 10 ms, of which its main thread's handler takes none.
static void a_join_begins_anew(void **state)
{
    (void)state;
    Measured m;
    char yaml[2000];
    snprintf(yaml, sizeof yaml, two_cores, "other",
             "{ on_signal: { signal: TERM, run: handler } }, { join: c }, { print: end }");
    strcat(yaml, "      - { name: c, run: [ { sleep: 10ms } ] }\n");
    measure(&m, yaml);
    assert_string_equal(printed(&m.run, &m.metrics), "handled end");
    assert_int_equal(m.run.result.ended.ns, 10000000);
    measured_free(&m);
}

// b spins for s from 1 ms on. At 3 ms its handler takes the core, and sleeps for m until 5 ms. c
// releases s at 4 ms, while b does not look: neither its sleep nor its handler's work is cut short.
// The handler works for 1 ms, until 6 ms; only then b sees that s is free, and has it until 7 ms.
static void a_spinner_handles_it_first(void **state)
{
    (void)state;
    Measured m;
    measure(&m, "machine: { cores: 4, costs: zero }\n"
                "processes:\n"
                "  - name: other\n"
                "    locks: { s: spin, m: lock }\n"
                "    functions: { handler: [ { with: { lock: m, do: [ { compute: 1ms } ] } } ] }\n"
                "    threads:\n"
                "      - { name: b, run: [ { on_signal: { signal: TERM, run: handler } }, "
                "{ compute: 1ms }, { with: { lock: s, do: [ { compute: 1ms } ] } } ] }\n"
                "      - { name: c, run: [ { with: { lock: s, do: [ { compute: 4ms } ] } } ] }\n"
                "      - { name: d, run: [ { with: { lock: m, do: [ { compute: 5ms } ] } } ] }\n"
                "  - name: boss\n"
                "    threads: [ { name: a, run: [ { sleep: 3ms }, { kill: other } ] } ]\n");
    assert_int_equal(simulated_time_of(&m.run, EVENT_SIGNAL_HANDLED, "b"), 3000000);
    assert_int_equal(simulated_count(&m.run, EVENT_LOCK_SPIN, "b"), 1);
    assert_int_equal(m.run.result.ended.ns, 7000000);
    measured_free(&m);
}

// Queued behind a hog on one core: it is handled when the thread next runs, before its own work.
static void a_waiting_thread_handles_it_when_it_runs(void **state)
{
    (void)state;
    Measured m;
    measure(&m, "machine: { cores: 1, scheduler: fifo, costs: zero }\n"
                "processes:\n"
                "  - name: other\n"
                "    functions: { handler: [ { print: handled } ] }\n"
                "    threads:\n"
                "      - { name: b, run: [ { on_signal: { signal: USR1, run: handler } }, yield, "
                "{ print: work }, { compute: 1ms } ] }\n"
                "  - name: boss\n"
                "    threads: [ { name: a, run: [ { compute: 4ms }, { kill: { process: other, "
                "signal: USR1 } }, { compute: 1ms } ] } ]\n");
    assert_string_equal(printed(&m.run, &m.metrics), "handled work");
    assert_int_equal(simulated_time_of(&m.run, EVENT_SIGNAL_HANDLED, "b"), 5000000);
    measured_free(&m);
}

static void a_child_that_ends_sends_chld(void **state)
{
    (void)state;
    Measured m;
    measure(&m,
            "machine: { cores: 2, costs: zero }\n"
            "functions:\n"
            "  child: [ { compute: 2ms }, { exit: 5 } ]\n"
            "  reap: [ { print: chld }, wait_child ]\n"
            "threads:\n"
            "  - { name: a, run: [ { on_signal: { signal: CHLD, run: reap } }, { fork: child }, "
            "{ compute: 10ms } ] }\n");
    assert_string_equal(printed(&m.run, &m.metrics), "chld");
    assert_int_equal(simulated_time_of(&m.run, EVENT_PROCESS_REAPED, "a"), 2000000);
    assert_int_equal(m.run.result.ended.ns, 10000000);
    measured_free(&m);
}

// Every process of the name gets it, the sender last, which does not come back.
static void a_name_may_be_several_processes(void **state)
{
    (void)state;
    Measured m;
    measure(&m,
            "machine: { cores: 8, costs: zero }\n"
            "functions: { child: [ { compute: 1s } ] }\n"
            "threads:\n"
            "  - { name: a, run: [ { fork: { run: child, as: crowd, count: 5 } }, { sleep: 1ms }, "
            "{ kill: crowd }, { repeat: { times: 5, do: [ wait_child ] } }, { kill: main }, "
            "{ print: never } ] }\n");
    assert_int_equal(m.run.result.ended.ns, 1000000);
    assert_int_equal(simulated_count(&m.run, EVENT_PROCESS_REAPED, "a"), 5);
    assert_int_equal(simulated_process(&m.metrics, "crowd-3")->status,
                     STATUS_SIGNALLED + SIGNAL_TERM);
    assert_int_equal(simulated_process(&m.metrics, "main")->status, STATUS_SIGNALLED + SIGNAL_TERM);
    assert_int_equal(m.metrics.printed_count, 0);
    measured_free(&m);
}

// ---- whatever happens

static int put_ops(char *text, size_t room, Rng *rng, int depth)
{
    static const char *const ops[] = {"{ compute: 130us }",
                                      "{ sleep: 210us }",
                                      "{ touch: 600KiB }",
                                      "{ touch: { block: b } }",
                                      "{ touch: { block: b, size: 20KiB, access: read } }",
                                      "wait_child",
                                      "yield",
                                      "{ syscall: open }",
                                      "{ kill: { process: p, signal: USR1 } }",
                                      "{ kill: { process: k2, signal: USR1 } }",
                                      "{ kill: { process: k2 } }",
                                      "{ with: { lock: l, do: [ { compute: 40us } ] } }",
                                      "{ write_line: { line: x, times: 9 } }",
                                      "{ working_set: 200KiB }",
                                      "{ spawn: { run: work, as: w } }",
                                      "{ join: w }",
                                      "{ exit: 2 }",
                                      "{ kill: { process: k1, signal: KILL } }"};
    int at = 0, count = 2 + (int)rng_below(rng, 7);
    for (int i = 0; i < count; i++) {
        const char *op = ops[rng_below(rng, sizeof ops / sizeof ops[0] - (depth > 0 ? 2 : 0))];
        at += snprintf(text + at, room - (size_t)at, "%s%s", i > 0 ? ", " : "", op);
        if (depth > 0 && rng_below(rng, 3) == 0)
            at += snprintf(text + at, room - (size_t)at,
                           rng_below(rng, 4) > 0
                               ? ", { fork: { run: f%d, as: k%d, count: %d } }"
                               : ", { spawn_process: { run: plain, as: plain%d%d, count: %d } }",
                           depth, depth, 1 + (int)rng_below(rng, 3));
    }
    return at;
}

static void put_scenario(char *yaml, size_t room, uint64_t seed)
{
    static const char *const costs[] = {
        "zero", "typical",
        ("{ base: typical, pf_anon: 7us, fork_base: 1us, ipi: 3us, signal_deliver: 9us, "
         "cache_refill: 5us, line_transfer: 777ns, context_switch: 13us }")};
    Rng rng = rng_make(seed, 7);
    char lists[4][3000];
    for (int i = 0; i < 4; i++)
        put_ops(lists[i], sizeof lists[i], &rng, i == 3 ? 0 : i == 2 ? 0 : 2 - i);
    // One draw a line: the order in which a call's arguments are evaluated is the compiler's.
    int cores = 1 + (int)rng_below(&rng, 4);
    const char *scheduler = rng_below(&rng, 2) ? "eevdf" : "rr";
    int memory = 1 + (int)rng_below(&rng, 3);
    const char *cost = costs[rng_below(&rng, 3)];
    const char *interrupts =
        rng_below(&rng, 2) ? ", interrupts: { every: exp(300us), softirq: 11us }" : "";
    snprintf(yaml, room,
             "machine: { cores: %d, scheduler: %s, nodes: 1, memory: %dMiB, costs: %s%s }\n"
             "seed: %d\nuntil: 200ms\n"
             "processes:\n  - name: p\n    locks: { l: lock }\n    functions:\n"
             "      handler: [ { compute: 15us }, { touch: 4KiB } ]\n"
             "      work: [ { compute: 70us }, { touch: 8KiB } ]\n"
             "      plain: [ { compute: 90us }, { touch: 64KiB }, { exit: 9 } ]\n"
             "      f2: [ %s ]\n      f1: [ %s ]\n"
             "    threads:\n"
             "      - name: t\n        run: [ { on_signal: { signal: USR1, run: handler } }, "
             "{ spawn: { run: work, as: w } }, { alloc: { size: 128KiB, as: b } }, { touch: { "
             "block: b } }, "
             "{ fork: { run: f1, as: k1 } }, { fork: { run: f2, as: k2 } }, %s ]\n"
             "      - { name: u, run: [ { sleep: 30us }, { compute: 400us } ] }\n",
             cores, scheduler, memory, cost, interrupts, (int)seed, lists[1], lists[2], lists[0]);
}

static void account_for_everything(const Simulated *run, uint64_t seed)
{
    Metrics metrics;
    simulated_measure(run, &metrics);
    int64_t threads = 0, cores = 0;
    for (uint32_t i = 0; i < metrics.core_count; i++) {
        const CoreMetrics *core = &metrics.cores[i];
        cores += core->user_ns + core->kernel_ns;
        if (core->user_ns + core->kernel_ns + core->interrupt_ns + core->idle_ns !=
            run->result.ended.ns)
            fail_msg("seed %d: core %u's times do not add up", (int)seed, i);
    }
    for (uint32_t id = 1; id <= metrics.threads.id_max; id++) {
        const ThreadMetrics *thread = metrics_thread(&metrics, id);
        if (thread != NULL)
            threads += thread->cpu_user_ns + thread->cpu_kernel_ns;
    }
    if (threads != cores)
        fail_msg("seed %d: the threads got %lld ns of %lld", (int)seed, (long long)threads,
                 (long long)cores);
    uint64_t limit = run->scenario.machine.memory_pages * 4096;
    for (size_t i = 0; i < metrics.processes.processes.count; i++) {
        const ProcessMetrics *p = &metrics.processes.processes.at[i];
        if (p->shared > p->resident || p->resident > p->reserved || p->resident_max > limit)
            fail_msg("seed %d: process %d shares %d of %d resident", (int)seed, (int)i + 1,
                     (int)p->shared, (int)p->resident);
        if (p->ended && (p->resident != 0 || p->reserved != 0 || p->shared != 0))
            fail_msg("seed %d: process %d leaves memory behind", (int)seed, (int)i + 1);
    }
    metrics_free(&metrics);
}

// Processes come and go at random, with signals, faults, too little memory and interrupts: no
// nanosecond and no page is lost, and the same seed is the same trace.
static void nothing_is_lost(void **state)
{
    (void)state;
    static char yaml[20000];
    int oom = 0, handled = 0, reaped = 0, deadlocks = 0;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        Simulated run, again;
        put_scenario(yaml, sizeof yaml, seed);
        simulate(&run, yaml);
        account_for_everything(&run, seed);
        oom += simulated_count(&run, EVENT_OUT_OF_MEMORY, NULL) > 0;
        handled += simulated_count(&run, EVENT_SIGNAL_HANDLED, NULL) > 0;
        reaped += simulated_count(&run, EVENT_PROCESS_REAPED, NULL) > 0;
        deadlocks += run.result.end == END_DEADLOCK;
        if (seed % 10 == 0) {
            simulate(&again, yaml);
            assert_true(simulated_hash(&run) == simulated_hash(&again));
            simulated_free(&again);
        }
        simulated_free(&run);
    }
    // The scenarios do reach all of this.
    assert_true(oom > 50 && handled > 100 && reaped > 200);
    assert_true(deadlocks < 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fork_costs_by_what_is_resident),
        cmocka_unit_test(a_spawned_process_loads_its_program),
        cmocka_unit_test(exec_drops_memory_and_threads),
        cmocka_unit_test(a_daemon_that_execs_is_the_main_thread),
        cmocka_unit_test(what_exec_kills_is_not_joined),
        cmocka_unit_test(children_have_threads_of_their_own),
        cmocka_unit_test(waiting_collects_exit_codes),
        cmocka_unit_test(children_that_nobody_waits_for_are_zombies),
        cmocka_unit_test(orphans_are_adopted),
        cmocka_unit_test(an_exit_code_ends_all_threads),
        cmocka_unit_test(an_end_pays_for_its_pages),
        cmocka_unit_test(term_ends_who_says_nothing),
        cmocka_unit_test(a_handler_runs_in_the_middle),
        cmocka_unit_test(a_handler_has_its_cost),
        cmocka_unit_test(an_ignored_signal_does_nothing),
        cmocka_unit_test(kill_cannot_be_handled),
        cmocka_unit_test(a_killed_process_is_torn_down_on_its_core),
        cmocka_unit_test(a_sleep_goes_on),
        cmocka_unit_test(a_pause_ends_with_a_handler),
        cmocka_unit_test(a_join_begins_anew),
        cmocka_unit_test(a_spinner_handles_it_first),
        cmocka_unit_test(a_waiting_thread_handles_it_when_it_runs),
        cmocka_unit_test(a_child_that_ends_sends_chld),
        cmocka_unit_test(a_name_may_be_several_processes),
        cmocka_unit_test(nothing_is_lost),
    };
    return cmocka_run_group_tests_name("processes", tests, NULL, NULL);
}
