// The GIL: its state machine, who has it when, and what that does to latency. What is worked out by
// hand stands beside each test.
#include "sim/python/gil.h"
#include "tests/one_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    assert_int_equal(gil_around(SYSCALL_EXIT_GROUP), GIL_GIVEN_BACK);
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

// ---- Python 2.7

// Who has it, with those of its turns left out that follow another of its own: its holder lets go
// of it and takes it again all the time.
static uint32_t hand_overs(uint32_t *first_at_ms, uint32_t most)
{
    uint32_t count = 0, holder = 0;
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        if (record->kind != EVENT_GIL_TAKEN || record->task == holder)
            continue;
        holder = record->task;
        if (count < most)
            first_at_ms[count] = (uint32_t)(record->time_ns / MS);
        count++;
    }
    return count;
}

#define PYTHON_2(machine, threads)                                                                 \
    "machine: { " machine " }\nruntime: cpython-2.7\nthreads:\n" threads

// With `costs: zero` letting go and taking again are one instant: nobody on another core comes
// between. a has it to its end, and b finds it free then.
static void in_2_7_nobody_comes_between_at_no_cost(void **state)
{
    (void)state;
    one_run(PYTHON_2("cores: 2, costs: zero", HOG("a") HOG("b")));
    assert_int_equal(simulated_thread(&run, &metrics, "a")->end_ns, 50 * MS);
    expect_end(END_DONE, 100 * MS);
    assert_int_equal(simulated_count(&run, EVENT_GIL_ASKED, NULL), 0);
}

// On one core the scheduler says who has it. At a tick the other thread is let onto the core, finds
// it taken, and sleeps; a microsecond later the holder lets go of it and wakes that one, which has
// the earlier deadline and so gets the core at the end of the system call: there and then, while it
// is free. The very first time it has only just come, and has not run for less: it waits for two
// ticks more. So it changes hands at 4, 12, 16, 20 ms: a tick each, and not the 5 ms of later
// versions' interval.
static void in_2_7_two_hogs_on_one_core_hold_it_for_a_tick(void **state)
{
    uint32_t at_ms[6];
    (void)state;
    one_run(PYTHON_2("cores: 1", HOG("a") HOG("b")));
    assert_true(hand_overs(at_ms, 6) >= 20);
    for (uint32_t i = 2; i < 5; i++)
        assert_int_equal(at_ms[i + 1] - at_ms[i], 4);
}

// On two cores the one that waits is woken at every release, needs 4 us to come, and by then the
// other has it again, of which the release itself, a system call of 1.25 us, is the one part in
// which it is free: it sleeps again, and is woken again. Each such round is two switches, and takes
// at most those 4 us, a round of the holder's (1 us of bytecode, 1.25 us for the call) and the way
// to sleep: less than 8 us, so more than 125,000 rounds a second. The calls are made by who has the
// GIL: of each 2.3 us or less, 1 us is bytecode. A hundred milliseconds of bytecode take at least
// a quarter longer for that.
static void in_2_7_two_hogs_on_two_cores_make_a_convoy(void **state)
{
    (void)state;
    one_run(PYTHON_2("cores: 2", HOG("a") HOG("b")));
    double seconds = (double)run.result.ended.ns / 1e9;
    uint64_t sleeps = simulated_thread(&run, &metrics, "a")->switches_voluntary +
                      simulated_thread(&run, &metrics, "b")->switches_voluntary;
    assert_true((double)sleeps > 125000 * seconds);
    assert_true(run.result.ended.ns > 125 * MS && run.result.ended.ns < 250 * MS);
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

// From 3.12 on each sub-interpreter has one: threads of different ones overlap, those of one take
// turns, among them those that one of them starts. Before, the whole process has one.
static void interpreters_have_one_each_since_3_12(void **state)
{
#define THREE(version)                                                                             \
    "machine: { cores: 4, costs: zero }\nruntime: cpython-" version "\n"                           \
    "functions: { more: [ { compute: 10ms } ] }\n"                                                 \
    "threads:\n"                                                                                   \
    "  - { name: a, run: [ { compute: 50ms } ] }\n"                                                \
    "  - { name: b, interpreter: one, run: [ { spawn: more }, { compute: 20ms } ] }\n"             \
    "  - { name: c, interpreter: two, run: [ { compute: 50ms } ] }\n"                              \
    "  - { name: d, interpreter: one, run: [ { compute: 20ms } ] }\n"
    (void)state;
    one_run(THREE("3.12"));
    // a and c are alone in theirs; b, d and more take turns of 5 ms: 20 + 20 + 10.
    assert_int_equal(simulated_thread(&run, &metrics, "a")->end_ns, 50 * MS);
    assert_int_equal(simulated_thread(&run, &metrics, "c")->end_ns, 50 * MS);
    expect_end(END_DONE, 50 * MS);
    one_run_end(state);
    one_run(THREE("3.11"));
    expect_end(END_DONE, (50 + 20 + 10 + 50 + 20) * MS);
}

// A thousand of them are allowed, the next one is not.
static void a_process_has_so_many_interpreters(void **state)
{
    enum { LINE = 64, HEAD = 64 };
    (void)state;
    for (int count = INTERPRETERS_MAX; count <= INTERPRETERS_MAX + 1; count++) {
        Scenario scenario;
        Diag diag = {0};
        char *yaml = malloc(HEAD + LINE * (size_t)count);
        int length = sprintf(yaml, "runtime: cpython-3.12\nthreads:\n");
        for (int i = 0; i < count; i++)
            length += sprintf(yaml + length,
                              "  - { name: t%d, interpreter: i%d, run: [ yield ] }\n", i, i);
        bool loads = scenario_parse(&scenario, "t.yaml", yaml, (size_t)length, NULL, 0, &diag);
        assert_int_equal(loads, count == INTERPRETERS_MAX);
        if (!loads)
            assert_non_null(strstr(diag_text(&diag), "t.yaml:1003:33: error: a process has 1000 "
                                                     "interpreters at most besides its main one"));
        scenario_free(&scenario);
        diag_free(&diag);
        free(yaml);
    }
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

// x += 1, of 3 ms each, three times in two threads. From 3.10 on who is asked for the GIL in the
// middle of one, at 5 ms and at 11 ms, drops it behind it, where the loop jumps back. Up to 3.9 it
// does so at once, 2 ms into its second one, with the 1 it has loaded: b counts from there to 2,
// and loads that when it is asked at 10 ms. a stores its 2 at 11 ms and 3 at 14 ms; b its 3 at 15
// ms, then 4.
static void an_addition_is_over_first_since_3_10(void **state)
{
#define ADDING                                                                                     \
    "machine: { cores: 2, costs: { base: zero, add: 3ms } }\n"                                     \
    "variables: { x: 0 }\n"                                                                        \
    "threads:\n"                                                                                   \
    "  - { name: a, run: [ { repeat: { times: 3, do: [ { add: x } ] } } ] }\n"                     \
    "  - { name: b, run: [ { repeat: { times: 3, do: [ { add: x } ] } } ] }\n"
    static const struct {
        const char *python, *holders;
        int64_t value;
    } cases[] = {
        {"runtime: cpython-3.8\n", "a@0 b@5 a@10 b@14", 4},
        {"runtime: cpython-3.9\n", "a@0 b@5 a@10 b@14", 4},
        {"runtime: cpython-3.10\n", "a@0 b@6 a@12 b@15", 6},
        {"runtime: cpython-3.13\n", "a@0 b@6 a@12 b@15", 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char yaml[512];
        snprintf(yaml, sizeof yaml, "%s%s", cases[i].python, ADDING);
        one_run(yaml);
        assert_string_equal(holders(30), cases[i].holders);
        assert_int_equal(metrics.data.variables[1].value, cases[i].value);
        expect_end(END_DONE, 18 * MS);
        one_run_end(state);
    }
}

// The signal comes at 1 ms, into x += 1, which takes 3 ms. Up to 3.9 it is handled there and then,
// from 3.10 on behind the addition; without a GIL it is no different.
static void a_handler_waits_for_an_addition_since_3_10(void **state)
{
    static const struct {
        const char *python;
        int64_t handled_ms;
    } cases[] = {{"3.9", 1}, {"3.10", 3}, {"3.13", 3}, {"3.13t", 3}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char yaml[768];
        snprintf(yaml, sizeof yaml,
                 "machine: { cores: 2, costs: { base: zero, add: 3ms } }\n"
                 "processes:\n"
                 "  - name: app\n"
                 "    runtime: cpython-%s\n"
                 "    variables: { x: 0 }\n"
                 "    functions: { handler: [ { mark: handled } ] }\n"
                 "    threads:\n"
                 "      - name: main\n"
                 "        run: [ { on_signal: { signal: USR1, run: handler } }, { add: x } ]\n"
                 "  - name: outside\n"
                 "    threads:\n"
                 "      - name: k\n"
                 "        run: [ { compute: 1ms }, { kill: { process: app, signal: USR1 } } ]\n",
                 cases[i].python);
        one_run(yaml);
        assert_int_equal(simulated_time_of(&run, EVENT_MARK, "main"), cases[i].handled_ms * MS);
        expect_end(END_DONE, 3 * MS);
        one_run_end(state);
    }
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

// An event loop releases it around each poll. The loop comes at 1 ms and has it at 6 ms. Ten turns
// that find something ready: who waits is told each time that it is free, but it is taken again at
// that instant. Then ten times 1 ms of waiting, in which the hog takes it, and 5 ms until it is
// asked: 6 + 10 * 6 = 66 ms. The loop's first interval and those ten: eleven requests.
static void a_loop_that_waits_loses_it(void **state)
{
    (void)state;
    one_run("machine: { cores: 2, costs: zero }\n"
            "runtime: cpython-3.12\n"
            "functions:\n"
            "  main:\n"
            "    - repeat: { times: 10, do: [ { await: { sleep: 0s } } ] }\n"
            "    - mark: polled\n"
            "    - repeat: { times: 10, do: [ { await: { sleep: 1ms } } ] }\n"
            "threads:\n"
            "  - { name: hog, daemon: true, run: [ { forever: [ { compute: 100us } ] } ] }\n"
            "  - { name: loop, start: 1ms, run: [ { asyncio.run: main } ] }\n");
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "loop"), 6 * MS);
    expect_end(END_DONE, 66 * MS);
    assert_int_equal(simulated_count(&run, EVENT_GIL_ASKED, NULL), 11);
}

// ---- laws

// Each has one holder at a time, who drops it, and operations begin with one's own only.
static void check_one_holder(void)
{
    enum { TASKS = 16, GILS = 2 };
    uint32_t holders[GILS] = {0};
    uint64_t own[TASKS] = {0}; // interpreters
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        assert_true(record->task < TASKS);
        switch (record->kind) {
        case EVENT_GIL_TAKEN:
            assert_true(record->a >> 32 < GILS);
            assert_int_equal(holders[record->a >> 32], 0);
            holders[record->a >> 32] = record->task;
            own[record->task] = record->a >> 32;
            break;
        case EVENT_GIL_DROPPED:
        case EVENT_GIL_RELEASED:
            assert_int_equal(holders[record->a >> 32], record->task);
            holders[record->a >> 32] = 0;
            break;
        case EVENT_OP_BEGUN:
            assert_int_equal(holders[own[record->task]], record->task);
            break;
        case EVENT_GIL_ASKED:
            assert_true(record->b != 0 && record->b != record->task);
            break;
        default:
            break;
        }
    }
    assert_int_equal(holders[0], 0);
    assert_int_equal(holders[1], 0);
}

// All kinds of waits at once, signals among them, on one to four cores, with and without costs; all
// threads end, and each has computed what it was to.
static void it_has_one_holder_whatever_threads_do(void **state)
{
    (void)state;
    static const char *const interpreters[] = {"3.12\", switch_interval: 5ms",
                                               "3.12\", switch_interval: 100us", "2.7\"",
                                               "3.12\", switch_interval: 100us"};
    for (unsigned i = 0; i < 96; i++) {
        const char *side = i / 12 % 4 == 3 ? "interpreter: side, " : "";
        char yaml[2048];
        snprintf(
            yaml, sizeof yaml,
            "seed: %u\nmachine: { cores: %u, costs: %s }\n"
            "runtime: { python: \"%s }\n"
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
            "  - { name: third, count: 2, %srun: [ { repeat: { times: 10, do: [ { acquire: s }, { "
            "compute: 100us }, { release: s }, { with: { lock: y, do: [ { sleep: 50us }, { notify: "
            "c } ] } }, yield ] } } ] }\n",
            i, 1 + i % 4, i / 4 % 3 == 0 ? "zero" : "typical", interpreters[i / 12 % 4], side);
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

// `hogs` threads compute, each on the core of its number, from `cores` on again at 0; from outside
// 400 bytes come, 10 to 30 ms apart, each read by a thread that then marks that it has the GIL.
// Fills the median and mean latency, microseconds.
static void read_behind_hogs(const char *python, unsigned hogs, unsigned cores, double *median_us,
                             double *mean_us)
{
    enum { BYTES = 400 };
    static double waits_us[BYTES], sent_us[BYTES];
    char yaml[4096];
    size_t length = (size_t)snprintf(
        yaml, sizeof yaml,
        "machine: { cores: %u }\npipes: [ line ]\n"
        "processes:\n"
        "  - name: outside\n"
        "    threads:\n"
        "      - name: writer\n"
        "        affinity: [%u]\n"
        "        run: [ { sleep: 50ms }, { repeat: { times: 400, do: [ { sleep: "
        "\"uniform(10ms, 30ms)\" }, { write: { pipe: line, size: 1B } } ] } } ]\n"
        "  - name: app\n"
        "    runtime: %s\n"
        "    threads:\n"
        "      - { name: reader, affinity: [%s], run: [ { repeat: { times: 400, do: [ { read: { "
        "pipe: line, size: 1B } }, { mark: got } ] } } ] }\n",
        cores + 1, cores, python, cores == 1 ? "0" : "0, 1");
    for (unsigned i = 0; i < hogs; i++)
        length += (size_t)snprintf(yaml + length, sizeof yaml - length,
                                   "      - { name: hog%u, daemon: true, affinity: [%u], run: [ { "
                                   "forever: [ { compute: 1s } ] } ] }\n",
                                   i, i % cores);
    assert_true(length < sizeof yaml);
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
    one_run_end(NULL);
}

// Behind one: the reader wakes up while the hog computes, waits for 5,000 us, 50 us of timer slack
// and the timer's interrupt, asks, and has the GIL: with less than 20 us of wake-ups, switches and
// futex calls it is 5.05 to 5.07 ms. (CPython on a virtual machine with slower wake-ups and timers:
// 5.24 to 5.36 ms; on one core, where nothing idle must be woken, 5.10 to 5.17 ms.)
static void behind_one_hog_it_takes_an_interval(void **state)
{
    double median_us, mean_us;
    (void)state;
    read_behind_hogs("cpython-3.12", 1, 2, &median_us, &mean_us);
    assert_true(median_us > 5050 && median_us < 5070);
    assert_true(mean_us > 5050 && mean_us < 5080);
}

// Behind more, on a core each: every 5.06 ms the GIL changes hands, but among all of them. The hog
// that has dropped it is the next to ask, as only its interval has no switch in it; the reader
// never asks. Behind two there are, when it is dropped, the reader, which has waited for longest,
// and the one that asks. With a chance of 0.6 that one gets ahead (gil_turn.c says why). A byte
// comes at any moment of a turn, half a turn before the next drop on average, and then every
// further drop is missed with 0.6: a mean of 5.06 / 2 + 5.06 * 0.6 / 0.4 = 10.1 ms; the median is
// in the second turn, as the first drop has 0.4 and the first two 0.64: 5.06 * (1 + 0.1 / 0.24),
// less half a turn at most: 4.6 to 7.2. Some readers come when one hog only wants it. (CPython on
// two cores: 5.4 to 9.6 and 7.4 to 12.4 ms.)
//
// Behind four of which two share a core each, a hog that times out needs the core first, which
// another may have that computes: then turns take up to two ticks, and who is late comes behind.
// (CPython so: 15.4 to 19.0 and 23 to 32 ms; ours are a tenth to a fifth less.)
static void behind_more_hogs_it_takes_several(void **state)
{
    double median2_us, mean2_us, median4_us, mean4_us;
    (void)state;
    read_behind_hogs("cpython-3.12", 2, 2, &median2_us, &mean2_us);
    read_behind_hogs("cpython-3.12", 4, 2, &median4_us, &mean4_us);
    assert_true(median2_us > 4600 && median2_us < 9600);
    assert_true(mean2_us > 7400 && mean2_us < 12400);
    assert_true(median4_us > 1.5 * median2_us && median4_us < 19000);
    assert_true(mean4_us > 1.5 * mean2_us && mean4_us < 32000);
}

// On one core who asks is asleep by the time the holder has the core again: nobody gets ahead, and
// it goes to who has waited for longest. But a wait is for one interval, and begins anew behind
// everyone else's; and who has timed out waits for the core, too, so that turns are two ticks, 8
// ms. So `steal` has no say here, and no other number is fitted. CPython 3.12 held to one of two
// cores:
//   hogs   median, ms      mean, ms
//   2      4.2 ..  5.1     5.1 ..  6.1
//   3     12.9 .. 13.0    16.7 .. 17.1
//   4     14.7 .. 17.7    22.6 .. 25.1
// On two cores of that machine, whose kernel keeps threads of little load together on one, they
// were 5.8 to 8.4 behind two and 18 to 29 (mean 24 to 36) behind four: most hand-overs are within
// one core then. Of 400 waits of which a tenth take 50 ms and more the mean is known to within 10
// %; within three tenths of the table all are.
static void on_one_core_it_is_first_come_first_served(void **state)
{
    static const struct {
        unsigned hogs;
        double median_least_us, median_most_us, mean_least_us, mean_most_us;
    } cases[] = {
        {2, 4200, 5100, 5100, 6100},
        {3, 12900, 13000, 16700, 17100},
        {4, 14700, 17700, 22600, 25100},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double median_us, mean_us, other_median_us, other_mean_us;
        read_behind_hogs("{ python: \"3.12\", steal: 0% }", cases[i].hogs, 1, &median_us, &mean_us);
        read_behind_hogs("{ python: \"3.12\", steal: 100% }", cases[i].hogs, 1, &other_median_us,
                         &other_mean_us);
        assert_true(median_us == other_median_us && mean_us == other_mean_us);
        assert_true(median_us > 0.7 * cases[i].median_least_us);
        assert_true(median_us < 1.3 * cases[i].median_most_us);
        assert_true(mean_us > 0.7 * cases[i].mean_least_us);
        assert_true(mean_us < 1.3 * cases[i].mean_most_us);
    }
}

// However many cores are idle, nobody is shut out: who was woken for nothing, as another has taken
// its signal, does not get ahead of that one.
static void on_many_cores_nobody_is_shut_out(void **state)
{
    double median_us, mean_us;
    (void)state;
    read_behind_hogs("cpython-3.12", 4, 6, &median_us, &mean_us);
    assert_true(median_us < 4 * 5060);
    assert_true(mean_us < 6 * 5060);
}

// In 2.7 the reader tries again after each release, every 2.3 us while it is awake, and needs 4 us
// to wake up: some rounds of that. (CPython 2.7 on a machine with slower wake-ups: 130 us.)
static void in_2_7_a_reader_has_it_after_some_rounds(void **state)
{
    double median_us, mean_us;
    (void)state;
    read_behind_hogs("cpython-2.7", 1, 2, &median_us, &mean_us);
    assert_true(median_us > 4 && median_us < 130);
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
        RUN(in_2_7_nobody_comes_between_at_no_cost),
        RUN(in_2_7_two_hogs_on_one_core_hold_it_for_a_tick),
        RUN(in_2_7_two_hogs_on_two_cores_make_a_convoy),
        RUN(processes_do_not_share_it),
        RUN(interpreters_have_one_each_since_3_12),
        cmocka_unit_test(a_process_has_so_many_interpreters),
        RUN(a_new_program_has_a_new_one),
        RUN(without_it_threads_overlap),
        cmocka_unit_test(an_addition_is_over_first_since_3_10),
        cmocka_unit_test(a_handler_waits_for_an_addition_since_3_10),
        RUN(code_in_c_releases_it),
        RUN(a_sleeper_releases_it_and_asks_for_it),
        RUN(who_waits_for_a_lock_releases_it),
        RUN(getppid_keeps_it),
        RUN(a_signal_is_handled_with_it),
        RUN(a_loop_that_waits_loses_it),
        RUN(it_has_one_holder_whatever_threads_do),
        cmocka_unit_test(behind_one_hog_it_takes_an_interval),
        cmocka_unit_test(behind_more_hogs_it_takes_several),
        cmocka_unit_test(on_one_core_it_is_first_come_first_served),
        cmocka_unit_test(on_many_cores_nobody_is_shut_out),
        cmocka_unit_test(in_2_7_a_reader_has_it_after_some_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
