// What threads synchronise by besides plain locks, each in a scenario small enough to work out by
// hand. Costs are zero unless a test says otherwise, so that times are those of the ops alone;
// every thread has a core of its own unless it is about who runs.
#include "sim/analysis/report.h"
#include "tests/hand_trace.h"
#include "tests/simulate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MACHINE "machine: { cores: 8, costs: zero }\n"

static Simulated run;
static Metrics metrics;

static void begin(const char *yaml)
{
    simulate(&run, yaml);
    simulated_measure(&run, &metrics);
}

static void end(void)
{
    metrics_free(&metrics);
    simulated_free(&run);
}

// All that is printed, each line with its time in ms: "a@1 b@2.5".
static const char *printed(void)
{
    static char text[4096];
    size_t length = 0;
    text[0] = '\0';
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        if (record->kind == EVENT_PRINT)
            length += (size_t)snprintf(
                text + length, sizeof text - length, "%s%s@%.12g", length > 0 ? " " : "",
                scenario_string(&run.scenario, (StringId){(uint32_t)record->a}),
                (double)record->time_ns / 1e6);
    }
    return text;
}

static void check_prints(const char *yaml, const char *expected)
{
    begin(yaml);
    assert_string_equal(printed(), expected);
    assert_int_equal(run.result.end, END_DONE);
    end();
}

static const SyncMetrics *sync_of(const char *name)
{
    for (uint32_t i = 0; i < run.scenario.sync_count; i++)
        if (strcmp(scenario_string(&run.scenario, run.scenario.syncs[i].name), name) == 0)
            return &metrics.syncs[i + 1];
    fail_msg("no %s", name);
    return NULL;
}

// ---- semaphores

// Two slots, four clients of 10 ms at once: two at 10 ms, two at 20.
static void a_semaphore_lets_as_many_in(void **state)
{
    (void)state;
    check_prints(MACHINE
                 "semaphores: { s: 2 }\nthreads:\n"
                 "  - { name: a, count: 4, run: [ { acquire: s }, { sleep: 10ms }, { print: out "
                 "}, { release: s } ] }\n",
                 "out@10 out@10 out@20 out@20");
    // As a signal: it is given three times at 5 ms, and kept for who comes later.
    check_prints(MACHINE
                 "semaphores: { s: 0 }\nthreads:\n"
                 "  - { name: a, count: 2, run: [ { acquire: s }, { print: got } ] }\n"
                 "  - { name: b, start: 9ms, run: [ { acquire: s }, { print: late } ] }\n"
                 "  - { name: g, run: [ { sleep: 5ms }, { release: { semaphore: s, count: 3 } "
                 "} ] }\n",
                 "got@5 got@5 late@9");
}

static void a_semaphore_wakes_in_order(void **state)
{
    (void)state;
    check_prints(MACHINE
                 "semaphores: { s: 0 }\nthreads:\n"
                 "  - { name: a, start: 1ms, run: [ { acquire: s }, { print: a } ] }\n"
                 "  - { name: b, start: 3ms, run: [ { acquire: s }, { print: b } ] }\n"
                 "  - { name: c, start: 2ms, run: [ { acquire: s }, { print: c } ] }\n"
                 "  - { name: g, run: [ { sleep: 5ms }, { repeat: { times: 3, do: [ { release: "
                 "s }, { sleep: 1ms } ] } } ] }\n",
                 "a@5 c@6 b@7");
}

// It gives up 4 ms after it came, at 6 ms; what is released at 8 ms is the other's.
static void acquiring_may_time_out(void **state)
{
    (void)state;
    check_prints(
        MACHINE
        "semaphores: { s: 0 }\nthreads:\n"
        "  - { name: a, start: 2ms, run: [ { acquire: { semaphore: s, timeout: 4ms, else: [ { "
        "print: gave-up } ] } }, { print: a } ] }\n"
        "  - { name: b, start: 3ms, run: [ { acquire: s }, { print: b } ] }\n"
        "  - { name: g, run: [ { sleep: 8ms }, { release: s } ] }\n",
        "gave-up@6 a@6 b@8");
    // In time: the timer is cancelled, and nothing happens at 10 s.
    begin(MACHINE
          "semaphores: { s: 0 }\nthreads:\n"
          "  - { name: a, run: [ { acquire: { semaphore: s, timeout: 10s, else: [ { print: no } "
          "] } } ] }\n"
          "  - { name: b, run: [ { sleep: 1ms }, { release: s }, { sleep: 1ms }, { acquire: s } ] "
          "}\n");
    assert_string_equal(printed(), "");
    assert_int_equal(run.result.end, END_DEADLOCK);
    assert_int_equal(run.result.ended.ns, 2000000);
    end();
    // Who releases and acquires at once is there before the one that it has woken, who gives up.
    check_prints(MACHINE
                 "semaphores: { s: 0 }\nthreads:\n"
                 "  - { name: a, run: [ { acquire: { semaphore: s, timeout: 10s, else: [ { print: "
                 "no } ] } } ] }\n"
                 "  - { name: b, run: [ { sleep: 1ms }, { release: s }, { acquire: s } ] }\n",
                 "no@10000");
    // Nothing to wait for is no wait, whatever the timeout.
    check_prints(MACHINE
                 "semaphores: { s: 1 }\nthreads:\n"
                 "  - { name: a, run: [ { acquire: { semaphore: s, timeout: 0s, else: [ { print: "
                 "no } ] } }, { acquire: { semaphore: s, timeout: 0s, else: [ { print: now } ] } "
                 "} ] }\n",
                 "now@0");
}

// By the rows of costs: a finds 0 and waits: 6 ns of user time, then 100 / 2 + 200 ns in the
// kernel. b releases at 1 us: 6 ns, then 100 + 150 ns in the kernel. On one core that waits for
// nothing else a is on its core again at once, leaves the kernel after the other 50 ns, and is
// done.
// a has l from 0 to 4. b gives up at 2, after 1 ms; then it waits for the other 2, for which it has
// time, and has it at 4. What `else` does is done without the lock.
static void taking_a_lock_may_time_out(void **state)
{
    (void)state;
    const char *const kinds[] = {"lock", "rlock", "pi", "rwlock"};
    for (int i = 0; i < 4; i++) {
        char yaml[1024];
        snprintf(yaml, sizeof yaml,
                 MACHINE
                 "locks: { l: %s }\nthreads:\n"
                 "  - { name: a, run: [ { with: { lock: l, do: [ { compute: 4ms } ] } } ] }\n"
                 "  - name: b\n"
                 "    start: 1ms\n"
                 "    run:\n"
                 "      - with: { lock: l, timeout: 1ms, do: [ { print: has } ], else: [ { "
                 "print: late } ] }\n"
                 "      - lock: { lock: l, timeout: 3ms, else: [ { print: late }, exit ] }\n"
                 "      - print: has\n"
                 "      - unlock: l\n",
                 kinds[i]);
        begin(yaml);
        assert_string_equal(printed(), "late@2 has@4");
        assert_int_equal(run.result.end, END_DONE);
        assert_int_equal(sync_of("l")->waits.total, 2);
        assert_int_equal((int64_t)sync_of("l")->waits.sum, 3000000);
        assert_int_equal(sync_of("l")->holds.total, 2);
        end();
    }
    // Nobody has it: no time is needed.
    check_prints(MACHINE
                 "locks: { l: lock }\nthreads:\n"
                 "  - { name: a, run: [ { with: { lock: l, timeout: 0ms, do: [ { print: has } "
                 "] } } ] }\n",
                 "has@0");
}

// A reads from 0 to 6, w wants to write from 1 on, b to read from 2 on. Where writers are preferred
// b waits behind w, until w gives up at 3; else it reads at once.
static void a_writer_that_gives_up_lets_readers_in(void **state)
{
    (void)state;
    const char *program = MACHINE
        "locks: { l: %s }\nthreads:\n"
        "  - { name: a, run: [ { with: { lock: l, mode: read, do: [ { compute: 6ms } ] } } ] }\n"
        "  - { name: w, start: 1ms, run: [ { with: { lock: l, timeout: 2ms, do: [], else: [ { "
        "print: w } ] } } ] }\n"
        "  - { name: b, start: 2ms, run: [ { with: { lock: l, mode: read, do: [ { print: b } ] "
        "} } ] }\n";
    char yaml[1024];
    snprintf(yaml, sizeof yaml, program, "rwlock");
    check_prints(yaml, "b@2 w@3");
    snprintf(yaml, sizeof yaml, program, "{ kind: rwlock, prefer: writers }");
    check_prints(yaml, "w@3 b@3");
}

// a and b have a lock each at 0 and want the other's at 1: no deadlock, for a gives up at 3 and
// releases its own.
static void a_timeout_is_no_deadlock(void **state)
{
    (void)state;
    begin(MACHINE
          "locks: { x: lock, y: lock }\nthreads:\n"
          "  - { name: a, run: [ { with: { lock: x, do: [ { compute: 1ms }, { with: { lock: y, "
          "timeout: 2ms, do: [ { print: both } ], else: [ { print: late } ] } } ] } } ] }\n"
          "  - { name: b, run: [ { with: { lock: y, do: [ { compute: 1ms }, { with: { lock: x, "
          "do: [ { print: both } ] } } ] } } ] }\n");
    assert_string_equal(printed(), "late@3 both@3");
    assert_int_equal(run.result.end, END_DONE);
    assert_int_equal(metrics.deadlocked, 0);
    end();
}

static void an_acquire_costs_its_parts(void **state)
{
    (void)state;
    begin("machine: { cores: 1, scheduler: fifo, costs: { base: zero, syscall: 100ns, futex_wait: "
          "200ns, futex_wake: 150ns, mutex_lock: 6ns, mutex_unlock: 6ns } }\n"
          "semaphores: { s: 0 }\nthreads:\n"
          "  - { name: a, run: [ { acquire: s } ] }\n"
          "  - { name: b, run: [ { compute: 1us }, { release: s } ] }\n");
    // a is off its core at 256 ns; b computes to 1256, is in the kernel from 1262 to 1512 ns.
    assert_int_equal(simulated_time_of(&run, EVENT_SYNC_WAIT, "a"), 256);
    assert_int_equal(simulated_time_of(&run, EVENT_RELEASED, "b"), 1262);
    assert_int_equal(simulated_time_of(&run, EVENT_WAKEUP, "a"), 1512);
    assert_int_equal(simulated_time_of(&run, EVENT_ACQUIRED, "a"), 1562);
    assert_int_equal(run.result.ended.ns, 1562);
    end();
}

static void waves_are_counted(void **state)
{
    (void)state;
    // 3 slots, 8 clients: 3 + 3 + 2.
    begin(MACHINE
          "semaphores: { s: 3 }\nthreads:\n"
          "  - { name: a, count: 8, run: [ { acquire: s }, { sleep: 10ms }, { release: s } ] }\n");
    assert_int_equal(sync_of("s")->waves, 3);
    assert_int_equal(sync_of("s")->waits.total, 5);
    assert_int_equal(sync_of("s")->level_min, 0);
    assert_int_equal(sync_of("s")->level_max, 3);
    assert_int_equal(sync_of("s")->holds.total, 8);
    assert_int_equal(sync_of("s")->holds.max, 10000000);
    // The value is 0 up to 20 ms, and 1 from then to the end at 30 ms: the third wave has two.
    assert_true(sync_metrics_level_mean(sync_of("s"), metrics.now_ns) > 0.333 &&
                sync_metrics_level_mean(sync_of("s"), metrics.now_ns) < 0.334);
    end();
}

// ---- events and barriers

static void an_event_stays_set(void **state)
{
    (void)state;
    check_prints(MACHINE
                 "events: [ e ]\nthreads:\n"
                 "  - { name: a, run: [ { wait: e }, { print: a } ] }\n"
                 "  - { name: b, start: 7ms, run: [ { wait: e }, { print: b } ] }\n"
                 "  - { name: s, run: [ { sleep: 5ms }, { set: e }, { sleep: 5ms }, { clear: e } "
                 "] }\n"
                 "  - { name: c, start: 12ms, run: [ { wait: { for: e, timeout: 3ms, else: [ { "
                 "print: no } ] } } ] }\n",
                 "a@5 b@7 no@15");
}

static void a_barrier_is_used_again(void **state)
{
    (void)state;
    // Rounds end when the slower one comes: at 3, then 3 + 4, then 7 + 3.
    check_prints(MACHINE
                 "barriers: { b: 2 }\nthreads:\n"
                 "  - { name: a, run: [ { sleep: 1ms }, { barrier: b }, { sleep: 4ms }, { "
                 "barrier: b }, { sleep: 2ms }, { barrier: b }, { print: a } ] }\n"
                 "  - { name: c, run: [ { repeat: { times: 3, do: [ { sleep: 3ms }, { barrier: b "
                 "} ] } } ] }\n",
                 "a@10");
    check_prints(MACHINE "barriers: { b: 1 }\nthreads:\n"
                         "  - { name: a, run: [ { barrier: b }, { barrier: b }, { print: a } ] }\n",
                 "a@0");
}

// ---- conditions

// For three, of whom a comes at 1 and waits 2 ms at most, and b at 2: at 3 a breaks it, for b too.
// c, who comes later, need not wait.
static void a_barrier_that_breaks(void **state)
{
    (void)state;
    check_prints(MACHINE
                 "barriers: { b: 3 }\nthreads:\n"
                 "  - { name: a, start: 1ms, run: [ { barrier: { barrier: b, timeout: 2ms, else: "
                 "[ { print: a } ] } } ] }\n"
                 "  - { name: b, start: 2ms, run: [ { barrier: { barrier: b, else: [ { print: b "
                 "} ] } } ] }\n"
                 "  - { name: c, start: 5ms, run: [ { barrier: { barrier: b, else: [ { print: c "
                 "} ] } }, { print: on } ] }\n",
                 "a@3 b@3 c@5 on@5");
    // In time, it opens as ever.
    check_prints(MACHINE
                 "barriers: { b: 2 }\nthreads:\n"
                 "  - { name: a, run: [ { barrier: { barrier: b, timeout: 2ms, else: [ { print: "
                 "a } ] } }, { print: on } ] }\n"
                 "  - { name: b, start: 1ms, run: [ { barrier: b } ] }\n",
                 "on@1");
}

static void a_condition_gives_its_lock_up(void **state)
{
    (void)state;
    // The notifier can take the lock at 2 ms because the waiter has given it up; it keeps it for 3
    // ms after its notification, and the waiter goes on only then.
    check_prints(MACHINE
                 "locks: { l: lock }\nconditions: { c: l }\nthreads:\n"
                 "  - { name: w, run: [ { with: { lock: l, do: [ { wait: c }, { print: w } ] } } ] "
                 "}\n"
                 "  - { name: n, start: 2ms, run: [ { with: { lock: l, do: [ { notify: c }, { "
                 "print: n }, { sleep: 3ms } ] } } ] }\n",
                 "n@2 w@5");
}

static void notifications_go_to_those_who_wait(void **state)
{
    (void)state;
    const char *waiters = MACHINE
        "locks: { l: lock }\nconditions: { c: l }\nuntil: 20ms\nthreads:\n"
        "  - { name: a, start: 1ms, run: [ { lock: l }, { wait: c }, { print: a }, { unlock: l } "
        "] }\n"
        "  - { name: b, start: 2ms, run: [ { lock: l }, { wait: c }, { print: b }, { unlock: l } "
        "] }\n"
        "  - { name: c, start: 3ms, run: [ { lock: l }, { wait: c }, { print: c }, { unlock: l } "
        "] }\n  - { name: n, start: %s, run: [ %s ] }\n";
    static const struct {
        const char *start, *ops, *printed;
    } cases[] = {
        {"5ms", "{ notify: c }, { sleep: 1ms }, { notify: c }", "a@5 b@6"},
        {"5ms", "{ notify: { condition: c, count: 2 } }", "a@5 b@5"},
        {"5ms", "{ notify_all: c }", "a@5 b@5 c@5"},
        // Who comes after it does not hear it.
        {"2500us", "{ notify_all: c }", "a@2.5 b@2.5"},
        {"0s", "{ notify_all: c }", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char yaml[2048];
        snprintf(yaml, sizeof yaml, waiters, cases[i].start, cases[i].ops);
        begin(yaml);
        assert_string_equal(printed(), cases[i].printed);
        end();
    }
}

static void a_timed_wait_takes_the_lock_again(void **state)
{
    (void)state;
    // Its time is over at 4 ms, and it has the lock again when the other gives it up, at 7 ms.
    check_prints(MACHINE
                 "locks: { l: lock }\nconditions: { c: l }\nthreads:\n"
                 "  - { name: w, run: [ { with: { lock: l, do: [ { wait: { for: c, timeout: 4ms, "
                 "else: [ { print: late } ] } }, { print: on } ] } } ] }\n"
                 "  - { name: n, start: 2ms, run: [ { with: { lock: l, do: [ { sleep: 5ms } ] } } "
                 "] }\n",
                 "late@7 on@7");
}

// A wait gives a re-entrant lock up whole, and has it as deep again afterwards.
static void a_wait_keeps_the_depth(void **state)
{
    (void)state;
    begin(MACHINE "locks: { l: rlock }\nconditions: { c: l }\nthreads:\n"
                  "  - { name: w, run: [ { lock: l }, { lock: l }, { wait: c }, { unlock: l }, { "
                  "sleep: 1ms }, { "
                  "unlock: l }, { print: w } ] }\n"
                  "  - { name: n, start: 2ms, run: [ { lock: l }, { notify: c }, { unlock: l }, { "
                  "lock: l }, { "
                  "print: n }, { unlock: l } ] }\n");
    // w wakes at 2 ms and may or may not have it before n's second time; if it has, n waits for it.
    assert_int_equal(run.result.end, END_DONE);
    assert_int_equal(run.result.ended.ns, 3000000);
    assert_int_equal(sync_of("l")->level_max, 2);
    end();
}

static void waiting_without_the_lock_is_a_mistake(void **state)
{
    (void)state;
    const char *text =
        simulate_failing(MACHINE "locks: { l: lock }\nconditions: { c: l }\nthreads:\n"
                                 "  - { name: w, run: [ { wait: c } ] }\n");
    assert_non_null(strstr(text,
                           "test.yaml:5:25: error: at 0 ns w waits without the lock 'l', which it "
                           "does not hold (nobody does)"));
    text = simulate_failing(MACHINE "locks: { l: rwlock }\nthreads:\n"
                                    "  - { name: w, run: [ { unlock: l } ] }\n");
    assert_non_null(strstr(text, "w unlocks 'l', which it does not hold"));
    text = simulate_failing(MACHINE "locks: { l: spin }\nthreads:\n"
                                    "  - { name: w, run: [ { unlock: l } ] }\n");
    assert_non_null(strstr(text, "w unlocks 'l', which it does not hold"));
}

// Readers are known one by one: b, at 1 ms, is told that it does not read, although a does. Who
// reads twice may unlock twice, and no more often.
static void readers_are_known(void **state)
{
    (void)state;
    const char *text = simulate_failing(
        MACHINE "locks: { l: rwlock }\nthreads:\n"
                "  - { name: a, run: [ { lock: { lock: l, mode: read } }, { compute: 10ms } ] }\n"
                "  - { name: b, run: [ { compute: 1ms }, { unlock: l } ] }\n");
    assert_non_null(strstr(text, "at 1000000 ns b unlocks 'l', which it does not hold (others "
                                 "read)"));
    text = simulate_failing(
        MACHINE "locks: { l: rwlock, m: rwlock }\nthreads:\n"
                "  - { name: a, run: [ { lock: { lock: l, mode: read } }, { lock: { lock: m, mode: "
                "read } }, { lock: { lock: l, mode: read } }, { unlock: l }, { unlock: m }, { "
                "unlock: l }, { compute: 1ms }, { unlock: l } ] }\n");
    assert_non_null(strstr(text, "at 1000000 ns a unlocks 'l', which it does not hold (nobody "
                                 "does)"));
}

// ---- reader-writer locks and others

// Readers of 10 ms at 0 and 4 ms overlap; the writer of 2 comes at 1, and has it at 14 ms when
// readers go first. When writers do, the reader of 4 ms waits until it is done, 10 + 2, to 22 ms.
static void readers_share_and_writers_do_not(void **state)
{
    (void)state;
    const char *program = MACHINE "locks: { l: %s }\nthreads:\n"
                                  "  - { name: r, run: [ { with: { lock: l, mode: read, do: [ { "
                                  "sleep: 10ms }, { print: r } ] } } ] "
                                  "}\n"
                                  "  - { name: s, start: 4ms, run: [ { with: { lock: l, mode: "
                                  "read, do: [ { sleep: 10ms }, { print: "
                                  "s } ] } } ] }\n"
                                  "  - { name: w, start: 1ms, run: [ { with: { lock: l, do: [ { "
                                  "sleep: 2ms }, { print: w } ] } } ] "
                                  "}\n";
    char yaml[2048];
    snprintf(yaml, sizeof yaml, program, "rwlock");
    check_prints(yaml, "r@10 s@14 w@16");
    snprintf(yaml, sizeof yaml, program, "{ kind: rwlock, prefer: writers }");
    check_prints(yaml, "r@10 w@12 s@22");
}

// The writer hands over to all readers that wait, before the writer that waits longer.
static void a_writer_hands_over_to_readers(void **state)
{
    (void)state;
    check_prints(MACHINE
                 "locks: { l: rwlock }\nthreads:\n"
                 "  - { name: w, run: [ { lock: l }, { sleep: 10ms }, { unlock: l } ] }\n"
                 "  - { name: v, start: 1ms, run: [ { lock: l }, { print: v }, { unlock: l } ] }\n"
                 "  - { name: r, count: 3, start: 2ms, run: [ { lock: { lock: l, mode: read } }, { "
                 "sleep: 5ms }, { print: r }, { unlock: l } ] }\n",
                 "r@15 r@15 r@15 v@15");
}

// Two cores, three threads, FIFO: the spinner keeps its core from 0 to 10 ms, and the third thread
// runs only when the holder is done with the other.
static void a_spinner_keeps_its_core(void **state)
{
    (void)state;
    check_prints(
        "machine: { cores: 2, scheduler: fifo, costs: zero }\nlocks: { l: spin }\nthreads:\n"
        "  - { name: h, run: [ { with: { lock: l, do: [ { compute: 10ms } ] } }, { print: h } ] }\n"
        "  - { name: s, run: [ { with: { lock: l, do: [ { compute: 2ms } ] } }, { print: s } ] }\n"
        "  - { name: o, run: [ { compute: 1ms }, { print: o } ] }\n",
        "h@10 o@11 s@12");
    // The longest spinner is next, whatever its core.
    check_prints(MACHINE
                 "locks: { l: spin }\nthreads:\n"
                 "  - { name: h, run: [ { with: { lock: l, do: [ { compute: 10ms } ] } } ] }\n"
                 "  - { name: a, start: 3ms, run: [ { with: { lock: l, do: [ { compute: 1ms }, { "
                 "print: a } ] } } ] }\n"
                 "  - { name: b, start: 1ms, run: [ { with: { lock: l, do: [ { compute: 1ms }, { "
                 "print: b } ] } } ] }\n"
                 "  - { name: c, start: 2ms, run: [ { with: { lock: l, do: [ { compute: 1ms }, { "
                 "print: c } ] } } ] }\n",
                 "b@11 c@12 a@13");
}

// A thread that spins for what it has itself never sleeps: still a deadlock, and the run ends.
static void spinning_for_oneself_is_a_deadlock(void **state)
{
    (void)state;
    begin("machine: { cores: 1, costs: zero }\nlocks: { l: spin }\nthreads:\n"
          "  - { name: a, run: [ { compute: 1ms }, { lock: l }, { lock: l } ] }\n");
    assert_int_equal(run.result.end, END_DEADLOCK);
    assert_int_equal(run.result.ended.ns, 1000000);
    assert_int_equal(metrics.deadlocked, 1);
    end();
}

// ---- queues

static void a_queue_keeps_its_order(void **state)
{
    (void)state;
    const char *program = MACHINE
        "queues: { q: { order: %s } }\nfunctions:\n"
        "  a: [ { print: a } ]\n  b: [ { print: b } ]\n  c: [ { print: c } ]\n  d: [ { print: d } "
        "]\n"
        "threads:\n"
        "  - name: p\n    run:\n"
        "      - put: { queue: q, run: a, priority: 3 }\n      - put: { queue: q, run: b, "
        "priority: 1 }\n"
        "      - put: { queue: q, run: c, priority: 2 }\n      - put: { queue: q, run: d, "
        "priority: 1 }\n"
        "  - { name: g, start: 1ms, run: [ { repeat: { times: 4, do: [ { get: q } ] } } ] }\n";
    char yaml[2048];
    snprintf(yaml, sizeof yaml, program, "fifo");
    check_prints(yaml, "a@1 b@1 c@1 d@1");
    // The least first, and of equal ones the older.
    snprintf(yaml, sizeof yaml, program, "priority");
    check_prints(yaml, "b@1 d@1 c@1 a@1");
}

static void a_full_queue_holds_the_producer_up(void **state)
{
    (void)state;
    // Two places: the third put waits for the first get, at 10 ms, the fourth for the one at 20.
    check_prints(
        MACHINE "queues: { q: 2 }\nthreads:\n"
                "  - { name: p, run: [ { repeat: { times: 4, do: [ { put: q }, { print: p } ] } } "
                "] }\n"
                "  - { name: g, run: [ { repeat: { times: 4, do: [ { sleep: 10ms }, { get: q } ] } "
                "} ] }\n",
        "p@0 p@0 p@10 p@20");
    // With a timeout the item is dropped: at 3 ms, and the next one at 6.
    begin(MACHINE
          "queues: { q: 1 }\nthreads:\n"
          "  - { name: p, run: [ { repeat: { times: 3, do: [ { put: { queue: q, timeout: 3ms } }, "
          "{ print: p } ] } } ] }\n");
    assert_string_equal(printed(), "p@0 p@3 p@6");
    assert_int_equal(sync_of("q")->level, 1);
    end();
}

static void an_empty_queue_holds_the_consumer_up(void **state)
{
    (void)state;
    check_prints(MACHINE
                 "queues: { q: unbounded }\nfunctions: { f: [ { sleep: 2ms }, { print: f } ] }\n"
                 "threads:\n"
                 "  - { name: g, run: [ { get: q }, { print: g }, { get: { queue: q, timeout: 4ms, "
                 "else: [ { print: none } ] } } ] }\n"
                 "  - { name: p, run: [ { sleep: 5ms }, { put: { queue: q, run: f } } ] }\n",
                 "f@7 g@7 none@11");
}

static void many_items_come_out_as_they_went_in(void **state)
{
    (void)state;
    // 1000 items grow the ring several times, with its head in the middle; depth over time is the
    // area under a triangle: up to 1000 at once, down by one every 1 us: (1000 + … + 1) us / 1000
    // us.
    begin(MACHINE
          "queues: { q: unbounded }\nthreads:\n"
          "  - { name: p, run: [ { repeat: { times: 20, do: [ { put: q } ] } }, { repeat: { times: "
          "20, do: [ { get: q } ] } }, { repeat: { times: 1000, do: [ { put: q } ] } }, { repeat: "
          "{ times: 1000, do: [ { compute: 1us }, { get: q } ] } } ] }\n");
    assert_int_equal(sync_of("q")->level_max, 1000);
    assert_int_equal(sync_of("q")->level, 0);
    double mean = sync_metrics_level_mean(sync_of("q"), metrics.now_ns);
    assert_true(mean > 500.4 && mean < 500.6);
    end();
}

// ---- ends

static uint32_t deadlocked(const char *yaml)
{
    begin(yaml);
    assert_int_equal(run.result.end, END_DEADLOCK);
    uint32_t count = metrics.deadlocked;
    end();
    return count;
}

static void nobody_left_to_wake_is_a_deadlock(void **state)
{
    (void)state;
    assert_int_equal(deadlocked(MACHINE "semaphores: { s: 1 }\nthreads:\n"
                                        "  - { name: a, count: 3, run: [ { acquire: s } ] }\n"),
                     2);
    assert_int_equal(
        deadlocked(MACHINE "events: [ e ]\nthreads: [ { name: a, run: [ { wait: e } ] } ]\n"), 1);
    assert_int_equal(deadlocked(MACHINE "barriers: { b: 3 }\nthreads:\n"
                                        "  - { name: a, count: 2, run: [ { barrier: b } ] }\n"),
                     2);
    assert_int_equal(deadlocked(MACHINE "queues: { q: 1 }\nthreads:\n"
                                        "  - { name: a, run: [ { put: q }, { put: q } ] }\n"),
                     1);
    assert_int_equal(deadlocked(MACHINE
                                "locks: { l: rwlock }\nthreads:\n"
                                "  - { name: a, run: [ { lock: { lock: l, mode: read } } ] }\n"
                                "  - { name: b, start: 1ms, run: [ { lock: l } ] }\n"),
                     1);
}

static void a_deadlock_says_where(void **state)
{
    (void)state;
    begin(MACHINE
          "locks: { x: lock, y: lock }\nthreads:\n"
          "  - name: first\n    run:\n      - lock: x\n      - compute: 1ms\n      - lock: y\n"
          "  - name: second\n    run:\n      - lock: y\n      - compute: 1ms\n      - lock: x\n");
    assert_int_equal(metrics.deadlocks.count, 2);
    for (int i = 0; i < 2; i++) {
        const DeadlockMetrics *member = &metrics.deadlocks.at[i];
        bool first = strcmp(simulated_name(&run, member->task), "first") == 0;
        uint32_t op, holder = metrics_holder(&metrics, member, &op);
        // `lock: y` of the first is on line 8, and y was taken by the second on line 11.
        assert_int_equal(run.scenario.op_at[member->op].line, first ? 8 : 13);
        assert_int_equal(run.scenario.op_at[op].line, first ? 11 : 6);
        assert_string_equal(simulated_name(&run, holder), first ? "second" : "first");
    }
    end();
}

// ---- reports, which name the scenario's lines

static HandText text;

// Free with hand_text_free.
static const char *summary(void)
{
    Report report = {.scenario = &run.scenario, .metrics = &metrics};
    hand_text_open(&text);
    report_summary(&report, &text.writer);
    return hand_text_end(&text);
}

static void the_report_names_lines(void **state)
{
    (void)state;
    begin(MACHINE
          "locks: { x: lock, y: lock }\nthreads:\n"
          "  - name: first\n    run:\n      - lock: x\n      - compute: 1ms\n      - lock: y\n"
          "  - name: second\n    run:\n      - lock: y\n      - compute: 1ms\n      - lock: x\n");
    const char *said = summary();
    assert_non_null(strstr(said, "deadlock: 2 threads wait for each other in a circle\n"));
    assert_non_null(strstr(said, "  first waits for lock y (test.yaml:8), which second holds "
                                 "(test.yaml:11)\n"));
    assert_non_null(strstr(said, "  second waits for lock x (test.yaml:13), which first holds "
                                 "(test.yaml:6)\n"));
    hand_text_free(&text);
    end();
    begin(MACHINE "semaphores: { s: 1 }\nthreads:\n"
                  "  - name: a\n    count: 2\n    run:\n      - acquire: s\n");
    said = summary();
    assert_non_null(strstr(said, "deadlock: a-2 waits for something whose holder has ended\n"));
    assert_non_null(strstr(said, "  a-2 waits for semaphore s (test.yaml:7), which a-1 held "
                                 "when it ended (test.yaml:7)\n"));
    hand_text_free(&text);
    end();
    begin(MACHINE "locks: { x: lock, y: lock }\nthreads:\n"
                  "  - name: first\n    run:\n      - lock: x\n      - lock: y\n      - unlock: y\n"
                  "      - unlock: x\n"
                  "  - name: second\n    start: 1ms\n    run:\n      - lock: y\n      - lock: x\n"
                  "      - unlock: x\n      - unlock: y\n");
    said = summary();
    assert_non_null(strstr(said,
                           "warning: locks are taken in orders that can deadlock; it did not "
                           "happen here\n"
                           "  first takes lock x (test.yaml:6) and then lock y (test.yaml:7)\n"
                           "  second takes lock y (test.yaml:13) and then lock x "
                           "(test.yaml:14)\n"));
    hand_text_free(&text);
    end();
}

// ---- the order of locks

static size_t circles(const char *threads)
{
    char yaml[4096];
    snprintf(yaml, sizeof yaml,
             MACHINE "locks: { a: lock, b: lock, c: lock, g: lock }\nthreads:\n%s", threads);
    begin(yaml);
    assert_int_equal(run.result.end, END_DONE);
    size_t count = metrics.lock_order.circles.count;
    end();
    return count;
}

#define BOTH(x, y) "{ with: { lock: " x ", do: [ { with: { lock: " y ", do: [ yield ] } } ] } }"

static void a_circle_in_the_order_is_found(void **state)
{
    (void)state;
    assert_int_equal(circles("  - { name: t, run: [ " BOTH(
                         "a", "b") " ] }\n"
                                   "  - { name: u, start: 1ms, run: [ " BOTH("b", "a") " ] }\n"),
                     1);
    // Three locks in a ring.
    assert_int_equal(
        circles("  - { name: t, run: [ " BOTH(
            "a", "b") " ] }\n"
                      "  - { name: u, start: 1ms, run: [ " BOTH(
                          "b", "c") " ] }\n"
                                    "  - { name: v, start: 2ms, run: [ " BOTH("c", "a") " ] }\n"),
        1);
    // One order for all.
    assert_int_equal(circles("  - { name: t, count: 3, run: [ " BOTH("a", "b") ", " BOTH(
                         "b", "c") ", " BOTH("a", "c") " ] }\n"),
                     0);
    // One thread alone does not wait for itself; two of its kind may wait for each other.
    assert_int_equal(circles("  - { name: t, run: [ " BOTH("a", "b") ", " BOTH("b", "a") " ] }\n"),
                     0);
    assert_int_equal(circles("  - { name: t, run: [ " BOTH("a", "b") ", " BOTH(
                         "b", "a") " ] }\n"
                                   "  - { name: u, start: 1ms, run: [ " BOTH("a", "b") " ] }\n"),
                     1);
    // A further lock around both orders lets one in at a time.
    assert_int_equal(
        circles("  - { name: t, run: [ { with: { lock: g, do: [ " BOTH(
            "a", "b") " ] } } ] }\n"
                      "  - { name: u, start: 1ms, run: [ { with: { lock: g, do: [ " BOTH(
                          "b", "a") " ] } } ] }\n"),
        0);
    // Around one of them it does not.
    assert_int_equal(circles("  - { name: t, run: [ { with: { lock: g, do: [ " BOTH(
                         "a", "b") " ] } } ] }\n"
                                   "  - { name: u, start: 1ms, run: [ " BOTH("b", "a") " ] }\n"),
                     1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_semaphore_lets_as_many_in),
        cmocka_unit_test(a_semaphore_wakes_in_order),
        cmocka_unit_test(acquiring_may_time_out),
        cmocka_unit_test(taking_a_lock_may_time_out),
        cmocka_unit_test(a_writer_that_gives_up_lets_readers_in),
        cmocka_unit_test(a_timeout_is_no_deadlock),
        cmocka_unit_test(a_barrier_that_breaks),
        cmocka_unit_test(an_acquire_costs_its_parts),
        cmocka_unit_test(waves_are_counted),
        cmocka_unit_test(an_event_stays_set),
        cmocka_unit_test(a_barrier_is_used_again),
        cmocka_unit_test(a_condition_gives_its_lock_up),
        cmocka_unit_test(notifications_go_to_those_who_wait),
        cmocka_unit_test(a_timed_wait_takes_the_lock_again),
        cmocka_unit_test(a_wait_keeps_the_depth),
        cmocka_unit_test(waiting_without_the_lock_is_a_mistake),
        cmocka_unit_test(readers_are_known),
        cmocka_unit_test(readers_share_and_writers_do_not),
        cmocka_unit_test(a_writer_hands_over_to_readers),
        cmocka_unit_test(a_spinner_keeps_its_core),
        cmocka_unit_test(spinning_for_oneself_is_a_deadlock),
        cmocka_unit_test(a_queue_keeps_its_order),
        cmocka_unit_test(a_full_queue_holds_the_producer_up),
        cmocka_unit_test(an_empty_queue_holds_the_consumer_up),
        cmocka_unit_test(many_items_come_out_as_they_went_in),
        cmocka_unit_test(nobody_left_to_wake_is_a_deadlock),
        cmocka_unit_test(a_deadlock_says_where),
        cmocka_unit_test(the_report_names_lines),
        cmocka_unit_test(a_circle_in_the_order_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
