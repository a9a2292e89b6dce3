// Signals to threads that wait: whatever a thread sleeps in, the handler runs at once, and the call
// begins anew behind it; KILL ends it where it is. Costs are zero unless a test says otherwise, so
// that only `compute` and `sleep` take time; the numbers are worked out beside each test.
#include "tests/one_run.h"

#include <stdio.h>
#include <string.h>

// boss sends a signal at 3 ms to the process of b, which waits from 1 ms on for what c does at 8
// ms; then b works for 1 ms.
static const char waiting[] =
    "machine: { cores: 4, costs: zero }\n"
    "pipes: [ p ]\n"
    "message_queues: { m: 1 }\n"
    "processes:\n"
    "  - name: boss\n"
    "    threads: [ { name: boss, run: [ { sleep: 3ms }, { kill: { process: other, signal: %s } } "
    "] } ]\n"
    "  - name: other\n"
    "    locks: { l: lock, r: rlock, i: pi, w: rwlock, k: lock }\n"
    "    conditions: { c: k }\n"
    "    semaphores: { s: 0 }\n"
    "    barriers: { b: 2 }\n"
    "    queues: { q: 1 }\n"
    "    events: [ e ]\n"
    "    functions:\n"
    "      handler: [ { print: handled }, { compute: 1ms } ]\n"
    "      child: [ { sleep: 8ms } ]\n"
    "    threads:\n"
    "      - { name: b, run: [ { on_signal: { signal: TERM, run: handler } }, { sleep: 1ms }, %s, "
    "{ compute: 1ms } ] }\n"
    "      - { name: c, run: [ %s ] }\n";

typedef struct Wait {
    const char *waits, *lets_go;
} Wait;

static const Wait waits[] = {
    {"{ lock: l }", "{ with: { lock: l, do: [ { compute: 8ms } ] } }"},
    {"{ with: { lock: r, do: [] } }", "{ with: { lock: r, do: [ { compute: 8ms } ] } }"},
    {"{ lock: i }", "{ with: { lock: i, do: [ { compute: 8ms } ] } }"},
    {"{ lock: w }", "{ with: { lock: w, mode: read, do: [ { compute: 8ms } ] } }"},
    {"{ lock: { lock: w, mode: read } }", "{ with: { lock: w, do: [ { compute: 8ms } ] } }"},
    {"{ acquire: s }", "{ sleep: 8ms }, { release: s }"},
    {"{ acquire: { semaphore: s, timeout: 7ms, else: [] } }", "{ sleep: 20us }"},
    {"{ barrier: b }", "{ sleep: 8ms }, { barrier: b }"},
    {"{ wait: e }", "{ sleep: 8ms }, { set: e }"},
    {"{ with: { lock: k, do: [ { wait: c } ] } }",
     "{ sleep: 8ms }, { with: { lock: k, do: [ { notify: c } ] } }"},
    {"{ get: q }", "{ sleep: 8ms }, { put: q }"},
    {"{ put: q }, { put: q }", "{ sleep: 8ms }, { get: q }"},
    {"{ join: c }", "{ sleep: 8ms }"},
    {"{ sleep: 7ms }", "{ sleep: 1ms }"},
    {"{ read: { pipe: p, size: 1B } }", "{ sleep: 8ms }, { write: { pipe: p, size: 1B } }"},
    {"{ write: { pipe: p, size: 65KiB } }", "{ sleep: 8ms }, { read: { pipe: p, size: 64KiB } }"},
    {"{ receive_message: m }", "{ sleep: 8ms }, { send_message: { queue: m, size: 1B } }"},
    {"{ repeat: { times: 2, do: [ { send_message: { queue: m, size: 1B } } ] } }",
     "{ sleep: 8ms }, { receive_message: m }"},
};

enum { WAITS = sizeof waits / sizeof waits[0] };

static void run_wait(const Wait *wait, const char *signal)
{
    char yaml[4096];
    snprintf(yaml, sizeof yaml, waiting, signal, wait->waits, wait->lets_go);
    one_run(yaml);
}

// b handles it from 3 to 4 ms, waits on until 8 ms and works until 9.
static void every_wait_goes_on(void **state)
{
    (void)state;
    for (int i = 0; i < WAITS; i++) {
        run_wait(&waits[i], "TERM");
        if (run.result.end != END_DONE || run.result.ended.ns != 9 * MS ||
            simulated_time_of(&run, EVENT_SIGNAL_HANDLED, "b") != 3 * MS)
            fail_msg("%s: handled at %lld, ends at %lld", waits[i].waits,
                     (long long)simulated_time_of(&run, EVENT_SIGNAL_HANDLED, "b"),
                     (long long)run.result.ended.ns);
        expect_cpu("b", 2 * MS, 0); // the handler and the work
        one_run_end(NULL);
    }
}

static void kill_ends_every_wait(void **state)
{
    (void)state;
    for (int i = 0; i < WAITS; i++) {
        run_wait(&waits[i], "KILL");
        if (run.result.end != END_DONE || run.result.ended.ns != 3 * MS)
            fail_msg("%s: ends at %lld", waits[i].waits, (long long)run.result.ended.ns);
        expect_cpu("b", 0, 0);
        one_run_end(NULL);
    }
}

// A child that ends at 8 ms, and one that ends in the middle of the handler: the wait finds it
// after.
static void wait_child_goes_on(void **state)
{
    (void)state;
    static const Wait late = {"{ fork: child }, wait_child", "{ sleep: 1ms }"};
    run_wait(&late, "TERM");
    expect_end(END_DONE, 10 * MS); // forked at 1 ms, it ends at 9 ms
    assert_int_equal(simulated_time_of(&run, EVENT_SIGNAL_HANDLED, "b"), 3 * MS);
    one_run_end(NULL);
}

// c releases at 3.5 ms, while the handler runs: b finds the semaphore at 2 when it comes back at 4
// ms, and need not sleep. It counts as one who waits no more than once: the next release wakes
// nobody.
static void what_comes_during_the_handler_is_found(void **state)
{
    (void)state;
    static const Wait wait = {"{ acquire: s }",
                              "{ sleep: 3500us }, { release: s }, { sleep: 4ms }, { release: s }"};
    run_wait(&wait, "TERM");
    assert_int_equal(simulated_time_of(&run, EVENT_ACQUIRED, "b"), 4 * MS);
    expect_timeline("c",
                    "in 0, return 0, call clock_nanosleep 0, timer 0, out sleep 0, woken 3500, in "
                    "3500, return 3500, call futex wake 3500, return 3500, call clock_nanosleep "
                    "3500, timer 3500, out sleep 3500, woken 7500, in 7500, return 7500, call exit "
                    "7500, ended 7500");
}

// From 1 ms on b waits for 2.5 ms at most. That is over at 3.5 ms, in the handler: b gives up at 4.
static void a_timeout_runs_on_during_the_handler(void **state)
{
    (void)state;
    static const Wait wait = {
        "{ acquire: { semaphore: s, timeout: 2500us, else: [ { mark: over } ] } }",
        "{ sleep: 1us }"};
    run_wait(&wait, "TERM");
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "b"), 4 * MS);
    expect_end(END_DONE, 5 * MS);
}

// The handler itself waits for a lock with a timeout of its own, from 3 to 5 ms; that of the call
// that it interrupts is still 6 ms from 1 ms on.
static void a_handler_may_wait(void **state)
{
    (void)state;
    one_run(
        "machine: { cores: 4, costs: zero }\n"
        "processes:\n"
        "  - { name: boss, threads: [ { name: boss, run: [ { sleep: 3ms }, { kill: other } ] } ] "
        "}\n"
        "  - name: other\n"
        "    semaphores: { s: 0, t: 0 }\n"
        "    functions: { handler: [ { acquire: { semaphore: t, timeout: 2ms, else: [ { mark: h } "
        "] "
        "} } ] }\n"
        "    threads:\n"
        "      - { name: b, run: [ { on_signal: { signal: TERM, run: handler } }, { sleep: 1ms }, "
        "{ acquire: { semaphore: s, timeout: 6ms, else: [ { print: over } ] } } ] }\n");
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "b"), 5 * MS);
    expect_end(END_DONE, 7 * MS);
}

// Two signals while it waits, the second in the first one's handler: that one is interrupted in
// turn.
static void signals_nest_in_a_wait(void **state)
{
    (void)state;
    one_run("machine: { cores: 4, costs: zero }\n"
            "processes:\n"
            "  - { name: boss, threads: [ { name: boss, run: [ { sleep: 2ms }, { kill: other }, "
            "{ sleep: 1ms }, { kill: { process: other, signal: USR1 } } ] } ] }\n"
            "  - name: other\n"
            "    events: [ e ]\n"
            "    functions:\n"
            "      outer: [ { compute: 2ms }, { mark: outer } ]\n"
            "      inner: [ { compute: 1ms }, { mark: inner } ]\n"
            "    threads:\n"
            "      - { name: b, run: [ { on_signal: { signal: TERM, run: outer } }, { on_signal: { "
            "signal: USR1, run: inner } }, { wait: e }, { compute: 1ms } ] }\n"
            "      - { name: c, run: [ { sleep: 8ms }, { set: e } ] }\n");
    // outer from 2 to 3 and from 4 to 5 ms, inner from 3 to 4, and e is set at 8 ms.
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "b"), 5 * MS);
    assert_int_equal(simulated_count(&run, EVENT_SIGNAL_HANDLED, "b"), 2);
    expect_end(END_DONE, 9 * MS);
    expect_cpu("b", 4 * MS, 0);
}

// While a handler runs, its own signal waits (once, however often it comes) and another interrupts:
// outer from 1 ms, inner at 3 ms, outer ends at 6 ms; then the outer that came at 2 ms and at 4 ms,
// from 6 to 11 ms; b's 20 ms end at 30 ms.
static void a_handler_is_not_interrupted_by_its_own_signal(void **state)
{
    (void)state;
    one_run(
        "machine: { cores: 2, costs: zero }\n"
        "processes:\n"
        "  - name: other\n"
        "    functions:\n"
        "      outer: [ { print: outer }, { compute: 5ms }, { print: ends } ]\n"
        "      inner: [ { print: inner } ]\n"
        "    threads:\n"
        "      - { name: b, run: [ { on_signal: { signal: USR1, run: outer } }, { on_signal: { "
        "signal: INT, run: inner } }, { compute: 20ms } ] }\n"
        "  - name: boss\n"
        "    threads:\n"
        "      - { name: boss, run: [ { sleep: 1ms }, { kill: { process: other, signal: USR1 } "
        "}, { sleep: 1ms }, { kill: { process: other, signal: USR1 } }, { sleep: 1ms }, { kill: "
        "{ process: other, signal: INT } }, { sleep: 1ms }, { kill: { process: other, signal: "
        "USR1 } } ] }\n");
    static const char *const expected[] = {"outer", "inner", "ends", "outer", "ends"};
    assert_int_equal(metrics.printed.count, 5);
    for (int i = 0; i < 5; i++)
        assert_string_equal(scenario_string(&run.scenario, (StringId){metrics.printed.at[i]}),
                            expected[i]);
    assert_int_equal(simulated_time_of(&run, EVENT_SIGNAL_HANDLED, "b"), 6 * MS);
    expect_end(END_DONE, 30 * MS);
    expect_cpu("b", 30 * MS, 0);
}

// b's first thread handles USR1 from 1 ms on; the next one, at 2 ms, is its second thread's, which
// sleeps. Both handlers end 5 ms after their signals.
static void another_thread_handles_what_the_first_masks(void **state)
{
    (void)state;
    one_run(
        "machine: { cores: 3, costs: zero }\n"
        "processes:\n"
        "  - name: other\n"
        "    functions: { outer: [ { compute: 5ms }, { mark: over } ] }\n"
        "    threads:\n"
        "      - { name: b, run: [ { on_signal: { signal: USR1, run: outer } }, { sleep: 20ms } "
        "] }\n"
        "      - { name: c, run: [ { sleep: 20ms } ] }\n"
        "  - name: boss\n"
        "    threads:\n"
        "      - { name: boss, run: [ { sleep: 1ms }, { kill: { process: other, signal: USR1 } "
        "}, { sleep: 1ms }, { kill: { process: other, signal: USR1 } } ] }\n");
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "b"), 6 * MS);
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "c"), 7 * MS);
    expect_end(END_DONE, 20 * MS);
}

// On its way to sleep: it enters the kernel at 0 and would sleep at 100 us, for ever; the signal
// comes at 50 us. It does not sleep, and handles it; the second time, from 100 us on, it sleeps.
static void a_signal_on_the_way_into_a_call_is_not_lost(void **state)
{
    (void)state;
    one_run("machine: { cores: 2, costs: { base: zero, futex_wait: 100us } }\nuntil: 1ms\n"
            "processes:\n"
            "  - { name: boss, threads: [ { name: boss, run: [ { compute: 50us }, { kill: other } "
            "] } ] }\n"
            "  - name: other\n"
            "    semaphores: { s: 0 }\n"
            "    functions: { handler: [ { mark: handled } ] }\n"
            "    threads: [ { name: b, run: [ { on_signal: { signal: TERM, run: handler } }, { "
            "acquire: "
            "s } ] } ]\n");
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "b"), 100 * US);
    assert_int_equal(simulated_time_of(&run, EVENT_SYNC_WAIT, "b"), 200 * US);
    assert_int_equal(simulated_count(&run, EVENT_SYNC_WAIT, "b"), 1);
}

// ---- pi locks: who goes away lends no more

// low (1) takes i at 0 for 10 ms of work. The child of starter (50), which inherits that priority,
// waits for i from 1 ms on and lends low its own, so that mid (5), which comes at 2 ms for 4 ms,
// must wait. At 3 ms the child is killed, or handles a signal for a long time: low has 1 again, mid
// goes first, from 3 to 7 ms, and low ends at 14.
static void expect_given_back(const char *signal)
{
    char yaml[2048];
    snprintf(yaml, sizeof yaml,
             "machine: { cores: 1, costs: zero }\n"
             "processes:\n"
             "  - name: p\n"
             "    locks: { i: { kind: pi, shared: true } }\n"
             "    functions:\n"
             "      handler: [ { sleep: 30ms } ]\n"
             "      child: [ { on_signal: { signal: TERM, run: handler } }, { lock: i }, { unlock: "
             "i } ]\n"
             "    threads:\n"
             "      - { name: low, policy: fifo 1, run: [ { with: { lock: i, do: [ { compute: 10ms "
             "} ] } } ] }\n"
             "      - { name: mid, policy: fifo 5, start: 2ms, run: [ { compute: 4ms } ] }\n"
             "      - { name: starter, policy: fifo 50, start: 1ms, run: [ { fork: child } ] }\n"
             "  - name: boss\n"
             "    threads: [ { name: boss, policy: fifo 90, run: [ { sleep: 3ms }, { kill: { "
             "process: child, "
             "signal: %s } } ] } ]\n",
             signal);
    one_run(yaml);
    assert_int_equal(simulated_time_of(&run, EVENT_PRIORITY_LENT, "low"), 1 * MS);
    assert_int_equal(simulated_time_of(&run, EVENT_PRIORITY_BACK, "low"), 3 * MS);
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "mid"), 7 * MS);
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "low"), 14 * MS);
}

static void who_is_killed_lends_no_more(void **state)
{
    (void)state;
    expect_given_back("KILL");
}

static void who_handles_a_signal_lends_no_more(void **state)
{
    (void)state;
    expect_given_back("TERM");
}

int main(void)
{
#define RUN(test) cmocka_unit_test_teardown(test, one_run_end)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_wait_goes_on),
        cmocka_unit_test(kill_ends_every_wait),
        cmocka_unit_test(wait_child_goes_on),
        RUN(what_comes_during_the_handler_is_found),
        RUN(a_timeout_runs_on_during_the_handler),
        RUN(a_handler_may_wait),
        RUN(signals_nest_in_a_wait),
        RUN(a_handler_is_not_interrupted_by_its_own_signal),
        RUN(another_thread_handles_what_the_first_masks),
        RUN(a_signal_on_the_way_into_a_call_is_not_lost),
        RUN(who_is_killed_lends_no_more),
        RUN(who_handles_a_signal_lends_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
