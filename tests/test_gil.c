// The GIL: its state machine, who has it when, and what that does to latency. What is worked out by
// hand stands beside each test.
#include "sim/python/gil.h"
#include "tests/one_run.h"

#include <stdio.h>
#include <stdlib.h>

#define ONE ((TaskId){1})
#define TWO ((TaskId){2})

// ---- the state machine

static void taking_counts_switches_between_threads(void **state)
{
    (void)state;
    Gil gil = {0};
    assert_false(gil_has(&gil, ONE));
    gil_take(&gil, ONE);
    assert_true(gil_has(&gil, ONE));
    assert_false(gil_has(&gil, TWO));
    assert_int_equal(gil.switches, 1);
    gil_drop(&gil, ONE);
    assert_false(gil_has(&gil, ONE));
    gil_take(&gil, ONE); // the same thread again is no switch
    assert_int_equal(gil.switches, 1);
    gil_drop(&gil, ONE);
    gil_take(&gil, TWO);
    assert_int_equal(gil.switches, 2);
}

static void asks_after_a_whole_interval_with_one_holder(void **state)
{
    (void)state;
    Gil gil = {0};
    gil_take(&gil, ONE);
    assert_false(gil_should_ask(&gil, false, 1)); // woken before its time was over
    assert_true(gil_should_ask(&gil, true, 1));
    assert_false(gil_should_ask(&gil, true, 0)); // it changed hands meanwhile
    gil_drop(&gil, ONE);
    assert_false(gil_should_ask(&gil, true, 1)); // it is free
}

static void grants_a_request_until_another_has_it(void **state)
{
    (void)state;
    Gil gil = {0};
    gil_take(&gil, ONE);
    gil_ask(&gil);
    gil_drop(&gil, ONE);
    assert_true(gil_grants_request(&gil, ONE));
    assert_false(gil.drop_request);
    gil_ask(&gil);
    gil_take(&gil, TWO);
    assert_false(gil_grants_request(&gil, ONE)); // nothing to wait for any more
    assert_true(gil.drop_request);
}

static void which_calls_release_it(void **state)
{
    (void)state;
    assert_int_equal(gil_around(SYSCALL_READ), GIL_RELEASED);
    assert_int_equal(gil_around(SYSCALL_CLOCK_NANOSLEEP), GIL_RELEASED);
    assert_int_equal(gil_around(SYSCALL_GETPPID), GIL_KEPT);
    assert_int_equal(gil_around(SYSCALL_FUTEX_WAKE), GIL_KEPT);
    assert_int_equal(gil_around(SYSCALL_FUTEX_WAIT), GIL_LEFT);
    assert_int_equal(gil_around(SYSCALL_EXIT), GIL_GIVEN_BACK);
}

// ---- threads that compute

// When which thread takes the GIL, up to an instant: "a@0 b@5 a@10", milliseconds.
static const char *holders(double until_ms)
{
    static char text[4096];
    size_t length = 0;
    text[0] = '\0';
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        double ms = (double)record->time_ns / MS;
        if (record->kind == EVENT_GIL_TAKEN && ms <= until_ms && length < sizeof text - 64)
            length +=
                (size_t)snprintf(text + length, sizeof text - length, "%s%s@%g",
                                 length > 0 ? " " : "", simulated_name(&run, record->task), ms);
    }
    return text;
}

#define PYTHON(machine, threads)                                                                   \
    "machine: { " machine " }\n"                                                                   \
    "processes:\n"                                                                                 \
    "  - name: app\n"                                                                              \
    "    runtime: cpython-3.12\n"                                                                  \
    "    threads:\n" threads
#define HOG(name) "      - { name: " name ", run: [ { compute: 50ms } ] }\n"

// The waiter asks after 5 ms, the holder drops the GIL at once and starts to wait itself: turns of
// 5 ms. Both have computed for 50 ms when the second one ends, at 100 ms; the first ends one turn
// before, at 95 ms, when the other is about to ask for the 19th time.
static void two_hogs_on_two_cores(void **state)
{
    (void)state;
    one_run(PYTHON("cores: 2, costs: zero", HOG("a") HOG("b")));
    assert_string_equal(holders(24), "a@0 b@5 a@10 b@15 a@20");
    assert_int_equal(simulated_thread(&run, &metrics, "a")->end_ns, 95 * MS);
    expect_end(END_DONE, 100 * MS);
    assert_int_equal(simulated_count(&run, EVENT_GIL_ASKED, NULL), 18);
    assert_int_equal(simulated_count(&run, EVENT_GIL_DROPPED, NULL), 18);
}

// On one core the waiter needs the core to ask. a has it until the tick at 4 ms; then b finds the
// GIL taken and sleeps for 5 ms. At 9 ms it preempts a, asks and sleeps; a drops the GIL and waits
// until b has it. b then keeps the core while a, which has been woken by that, waits for it: until
// a tick finds a eligible. From then on every turn is the same: it begins 1 ms behind a tick; 3 ms
// later a tick lets the other one look, which sleeps for 5 ms, and asks: 8 ms, two ticks, not 5.
static void two_hogs_on_one_core_hold_it_for_two_ticks(void **state)
{
    (void)state;
    one_run(PYTHON("cores: 1, costs: zero", HOG("a") HOG("b")));
    assert_string_equal(holders(46), "a@0 b@9 a@21 b@29 a@37 b@45");
    expect_end(END_DONE, 100 * MS);
    one_run_end(state);
    // A tick of 10 ms: 10 ms.
    one_run(PYTHON("cores: 1, costs: zero, tick: 10ms", HOG("a") HOG("b")));
    assert_string_equal(holders(66), "a@0 b@15 a@35 b@45 a@55 b@65");
}

static void a_shorter_interval_switches_more_often(void **state)
{
    (void)state;
    one_run(
        "machine: { cores: 2, costs: zero }\n"
        "runtime: { python: \"3.12\", switch_interval: 1ms }\n"
        "threads: [ { name: a, run: [ { compute: 5ms } ] }, { name: b, run: [ { compute: 5ms } ] } "
        "]\n");
    assert_string_equal(holders(3), "a@0 b@1 a@2 b@3");
    assert_int_equal(simulated_count(&run, EVENT_GIL_DROPPED, NULL), 8);
}

// Each process has its own: nobody waits.
static void processes_do_not_share_it(void **state)
{
    (void)state;
    one_run("machine: { cores: 2, costs: zero }\n"
            "runtime: cpython-3.12\n"
            "functions: { work: [ { compute: 50ms } ] }\n"
            "threads: [ { name: main, run: [ { fork: work }, { call: work }, wait_child ] } ]\n");
    expect_end(END_DONE, 50 * MS);
    assert_int_equal(simulated_count(&run, EVENT_GIL_WAIT, NULL), 0);
}

// What execs has a new interpreter, and the GIL of that; the thread that waited is gone.
static void a_new_program_has_a_new_one(void **state)
{
    (void)state;
    one_run("machine: { cores: 2, costs: zero }\n"
            "runtime: cpython-3.12\n"
            "functions: { program: [ { compute: 10ms } ] }\n"
            "threads:\n"
            "  - { name: main, run: [ { compute: 2ms }, { exec: program } ] }\n"
            "  - { name: other, run: [ { compute: 50ms } ] }\n");
    expect_end(END_DONE, 12 * MS);
}

// Without a GIL both compute at once; the build without one takes 1.4 times as long for bytecode.
static void without_it_threads_overlap(void **state)
{
    (void)state;
    one_run("machine: { cores: 2, costs: zero }\nruntime: { python: \"3.12\", gil: none }\n"
            "threads: [ { name: a, count: 2, run: [ { compute: 50ms } ] } ]\n");
    expect_end(END_DONE, 50 * MS);
    one_run_end(state);
    one_run("machine: { cores: 2, costs: { base: zero, free_threading: 400ns } }\n"
            "runtime: cpython-3.13t\n"
            "threads: [ { name: a, count: 2, run: [ { compute: 50ms } ] } ]\n");
    expect_end(END_DONE, 70 * MS);
}

// ---- who releases it

// C code runs without it: a's 20 ms and b's 20 ms of bytecode overlap. a needs the GIL again behind
// that, which b has until then.
static void code_in_c_releases_it(void **state)
{
    (void)state;
    one_run(PYTHON("cores: 2, costs: zero",
                   "      - { name: a, run: [ { native: 20ms }, { compute: 1ms } ] }\n"
                   "      - { name: b, run: [ { compute: 20ms } ] }\n"));
    expect_end(END_DONE, 21 * MS);
    assert_int_equal(simulated_count(&run, EVENT_GIL_ASKED, NULL), 0);
    assert_string_equal(holders(30), "a@0 b@0 a@20");
}

// a sleeps from 1 ms to 3 ms. It asks 5 ms later, as b has held the GIL all along, and computes for
// 1 ms: it ends at 9 ms. b has 30 ms to do, and waits for 1 ms at the beginning and at 8 ms.
static void a_sleeper_releases_it_and_asks_for_it(void **state)
{
    (void)state;
    one_run(
        PYTHON("cores: 2, costs: zero",
               "      - { name: a, run: [ { compute: 1ms }, { sleep: 2ms }, { compute: 1ms } ] }\n"
               "      - { name: b, run: [ { compute: 30ms } ] }\n"));
    assert_string_equal(holders(40), "a@0 b@1 a@8 b@9");
    assert_int_equal(simulated_thread(&run, &metrics, "a")->end_ns, 9 * MS);
    expect_end(END_DONE, 32 * MS);
}

// A free lock is taken with the GIL. For a taken one the GIL is released, so that its holder, which
// computes with it for 3 ms, can go on; the lock is taken before the GIL is.
static void who_waits_for_a_lock_releases_it(void **state)
{
    (void)state;
    one_run("machine: { cores: 2, costs: zero }\n"
            "runtime: cpython-3.12\n"
            "locks: { x: lock }\n"
            "threads:\n"
            "  - { name: a, run: [ { with: { lock: x, do: [ { sleep: 1ms }, { compute: 3ms } ] } } "
            "] }\n"
            "  - { name: b, run: [ { with: { lock: x, do: [ { compute: 1ms } ] } } ] }\n");
    assert_string_equal(holders(9), "a@0 b@0 a@1 b@4");
    expect_end(END_DONE, 5 * MS);
}

// A system call that does not block in Python's eyes keeps it: getppid is called with the GIL.
static void getppid_keeps_it(void **state)
{
    (void)state;
    one_run(PYTHON(
        "cores: 1, costs: zero",
        "      - { name: a, run: [ { repeat: { times: 10, do: [ { syscall: getppid } ] } } ] }\n"));
    assert_int_equal(simulated_count(&run, EVENT_GIL_RELEASED, NULL), 1); // at its end
}

// A handler that a signal calls while its thread waits for the GIL runs when the thread has it: b,
// which is in a sleep when the signal comes at 2 ms, asks at 7 ms, handles it, and sleeps on up to
// 10 ms.
static void a_signal_is_handled_with_it(void **state)
{
    (void)state;
    one_run("machine: { cores: 3, costs: zero }\n"
            "processes:\n"
            "  - name: app\n"
            "    runtime: cpython-3.12\n"
            "    functions: { handler: [ { mark: handled } ] }\n"
            "    threads:\n"
            "      - { name: b, run: [ { on_signal: { signal: USR1, run: handler } }, { sleep: "
            "10ms } ] }\n"
            "      - { name: hog, daemon: true, run: [ { compute: 1s } ] }\n"
            "  - name: outside\n"
            "    threads: [ { name: k, run: [ { sleep: 2ms }, { kill: { process: app, signal: USR1 "
            "} } ] } "
            "]\n");
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "b"), 7 * MS);
}

// ---- laws

// It has one holder at a time, who drops it, and operations begin with it only.
static void check_one_holder(void)
{
    uint32_t holder = 0;
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        switch (record->kind) {
        case EVENT_GIL_TAKEN:
            assert_int_equal(holder, 0);
            holder = record->task;
            break;
        case EVENT_GIL_DROPPED:
        case EVENT_GIL_RELEASED:
            assert_int_equal(holder, record->task);
            holder = 0;
            break;
        case EVENT_OP_BEGUN:
            assert_int_equal(holder, record->task);
            break;
        case EVENT_GIL_ASKED:
            assert_true(record->b != 0 && record->b != record->task);
            break;
        default:
            break;
        }
    }
    assert_int_equal(holder, 0);
}

// All kinds of waits at once, signals among them, on one to four cores, with and without costs; all
// threads end, and each has computed what it was to.
static void it_has_one_holder_whatever_threads_do(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 48; i++) {
        char yaml[2048];
        snprintf(
            yaml, sizeof yaml,
            "seed: %u\nmachine: { cores: %u, costs: %s }\n"
            "runtime: { python: \"3.12\", switch_interval: %s }\n"
            "locks: { x: lock, y: rlock }\nsemaphores: { s: 1 }\nconditions: { c: x }\n"
            "queues: { q: 2 }\n"
            "functions: { handler: [ { compute: 10us } ] }\n"
            "threads:\n"
            "  - { name: boss, run: [ { on_signal: { signal: USR1, run: handler } }, { repeat: { "
            "times: 20, do: [ { sleep: \"exp(200us)\" }, { put: q }, { kill: { process: main, "
            "signal: USR1 } } ] } } ] }\n"
            "  - { name: user, count: 3, run: [ { repeat: { times: 10, do: [ { compute: "
            "\"exp(300us)\" }, { with: { lock: x, do: [ { compute: 50us }, { wait: { for: c, "
            "timeout: 100us } } ] } }, { print: hello } ] } } ] }\n"
            "  - { name: getter, count: 2, run: [ { repeat: { times: 10, do: [ { get: q }, { "
            "native: \"exp(300us)\" } ] } } ] }\n"
            "  - { name: third, count: 2, run: [ { repeat: { times: 10, do: [ { acquire: s }, { "
            "compute: 100us }, { release: s }, { with: { lock: y, do: [ { sleep: 50us }, { notify: "
            "c } ] } }, yield ] } } ] }\n",
            i, 1 + i % 4, i / 4 % 3 == 0 ? "zero" : "typical", i / 12 % 2 == 0 ? "5ms" : "100us");
        if (i > 0)
            one_run_end(state);
        one_run(yaml);
        assert_int_equal(run.result.end, END_DONE);
        check_one_holder();
        assert_int_equal(simulated_count(&run, EVENT_TASK_EXITED, NULL), 8);
    }
}

// ---- latency of a thread that waits for input

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

// `hogs` threads compute; from outside 400 bytes come, 10 to 30 ms apart, each read by a thread
// that then marks that it has the GIL. Fills the median and mean latency, microseconds.
static void read_behind_hogs(unsigned hogs, double *median_us, double *mean_us)
{
    enum { BYTES = 400 };
    static double waits_us[BYTES], sent_us[BYTES];
    char yaml[2048];
    snprintf(yaml, sizeof yaml,
             "machine: { cores: 2 }\npipes: [ line ]\n"
             "processes:\n"
             "  - name: outside\n"
             "    threads:\n"
             "      - name: writer\n"
             "        run: [ { sleep: 50ms }, { repeat: { times: 400, do: [ { sleep: "
             "\"uniform(10ms, 30ms)\" }, { write: { pipe: line, size: 1B } } ] } } ]\n"
             "  - name: app\n"
             "    runtime: cpython-3.12\n"
             "    threads:\n"
             "      - { name: hog, daemon: true, count: %u, run: [ { forever: [ { compute: 100us } "
             "] } ] "
             "}\n"
             "      - { name: reader, run: [ { repeat: { times: 400, do: [ { read: { pipe: line, "
             "size: 1B "
             "} }, { mark: got } ] } } ] }\n",
             hogs);
    one_run(yaml);
    size_t sent = 0, got = 0;
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        if (record->kind == EVENT_PIPE_WRITTEN)
            sent_us[sent++] = (double)record->time_ns / US;
        if (record->kind == EVENT_MARK) {
            waits_us[got] = (double)record->time_ns / US - sent_us[got];
            got++;
        }
    }
    assert_int_equal(got, BYTES);
    *mean_us = 0;
    for (size_t i = 0; i < BYTES; i++)
        *mean_us += waits_us[i] / BYTES;
    qsort(waits_us, BYTES, sizeof waits_us[0], by_value);
    *median_us = waits_us[BYTES / 2];
}

// Behind one: the reader wakes up while the hog computes, waits for 5,000 us, 50 us of timer slack
// and the timer's interrupt, asks, and has the GIL: with less than 20 us of wake-ups, switches and
// futex calls it is 5.05 to 5.07 ms. (CPython on a virtual machine with slower wake-ups and timers:
// 5.24 to 5.36 ms.)
static void behind_one_hog_it_takes_an_interval(void **state)
{
    double median_us, mean_us;
    (void)state;
    read_behind_hogs(1, &median_us, &mean_us);
    assert_true(median_us > 5050 && median_us < 5070);
    assert_true(mean_us > 5050 && mean_us < 5080);
}

// Behind more: every 5.06 ms the GIL changes hands, but among all of them. The hog that has dropped
// it is the next to ask, and with a chance of 0.6 the next to have it; the reader's own interval is
// never over without a switch, so that it never asks. It has the GIL when it has waited for longest
// of all and who asks does not get ahead. CPython 3.8 to 3.13 on two cores has been measured with
// medians of 5.8 to 8.4 ms and means of 7.6 to 12 ms behind two hogs. Behind four it was 18 to 29
// and 24 to 36 ms; here it is longer than behind two, but only two thirds of that, for a reason not
// found yet.
static void behind_more_hogs_it_takes_several(void **state)
{
    double median2_us, mean2_us, median4_us, mean4_us;
    (void)state;
    read_behind_hogs(2, &median2_us, &mean2_us);
    one_run_end(state);
    read_behind_hogs(4, &median4_us, &mean4_us);
    assert_true(median2_us > 5800 && median2_us < 8400);
    assert_true(mean2_us > 7600 && mean2_us < 12000);
    assert_true(median4_us > 1.3 * median2_us);
    assert_true(mean4_us > 1.3 * mean2_us);
}

int main(void)
{
#define RUN(test) cmocka_unit_test_teardown(test, one_run_end)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taking_counts_switches_between_threads),
        cmocka_unit_test(asks_after_a_whole_interval_with_one_holder),
        cmocka_unit_test(grants_a_request_until_another_has_it),
        cmocka_unit_test(which_calls_release_it),
        RUN(two_hogs_on_two_cores),
        RUN(two_hogs_on_one_core_hold_it_for_two_ticks),
        RUN(a_shorter_interval_switches_more_often),
        RUN(processes_do_not_share_it),
        RUN(a_new_program_has_a_new_one),
        RUN(without_it_threads_overlap),
        RUN(code_in_c_releases_it),
        RUN(a_sleeper_releases_it_and_asks_for_it),
        RUN(who_waits_for_a_lock_releases_it),
        RUN(getppid_keeps_it),
        RUN(a_signal_is_handled_with_it),
        RUN(it_has_one_holder_whatever_threads_do),
        RUN(behind_one_hog_it_takes_an_interval),
        RUN(behind_more_hogs_it_takes_several),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
