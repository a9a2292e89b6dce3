// Locks, spawn and join, daemons, deadlocks, mistakes and limits of the simulated machine.
// Timelines are in microseconds and worked out in the comments; with `costs: zero` what is not
// computation or sleep takes no time.
#include "tests/simulate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { US = 1000, MS = 1000000 };

#define ZERO(cores) "machine: { cores: " cores ", scheduler: fifo, costs: zero }\n"
#define LOCK        "locks: { x: lock }\n"
#define LOCKS       "locks: { x: lock, y: lock }\n"

static Simulated run;
static Metrics metrics;

static void start(const char *yaml)
{
    simulate(&run, yaml);
    simulated_measure(&run, &metrics);
}

static int finish(void **state)
{
    (void)state;
    metrics_free(&metrics);
    simulated_free(&run);
    run = (Simulated){0};
    metrics = (Metrics){0};
    return 0;
}

static void expect_timeline(const char *thread, const char *timeline)
{
    assert_string_equal(simulated_timeline(&run, thread), timeline);
}

static void expect_end(EndReason end, int64_t ns)
{
    assert_string_equal(end_reason_text(run.result.end), end_reason_text(end));
    assert_int_equal(run.result.ended.ns, ns);
}

static void expect_cpu(const char *thread, int64_t user_ns, int64_t kernel_ns)
{
    const ThreadMetrics *found = simulated_thread(&run, &metrics, thread);
    assert_int_equal(found->cpu_user_ns, user_ns);
    assert_int_equal(found->cpu_kernel_ns, kernel_ns);
}

// ---- locks on the textbook machine

// A holds 0-5; B comes at 1, waits 4 and holds 5-8.
static void a_lock_is_held_by_one(void **state)
{
    (void)state;
    start(
        ZERO("2") LOCK
        "threads:\n"
        "  - { name: A, run: [ { with: { lock: x, do: [ { compute: 5us } ] } } ] }\n"
        "  - { name: B, start: 1us, run: [ { with: { lock: x, do: [ { compute: 3us } ] } } ] }\n");
    expect_timeline("A", "in 0, take x 0, release x 5, call futex wake 5, return 5, call exit 5, "
                         "ended 5, out exit 5");
    expect_timeline("B",
                    "in 1, call futex wait 1, wait x 1, out lock 1, woken 5, in 5, return 5, "
                    "take x 5, release x 8, call futex wake 8, return 8, call exit 8, ended 8");
    const SyncMetrics *lock = &metrics.syncs[1];
    assert_int_equal(lock->waits.total, 1);
    assert_int_equal(lock->waits.max, 4 * US);
    assert_int_equal(lock->holds.total, 2);
    assert_int_equal(lock->holds.max, 5 * US);
    assert_int_equal(lock->holds.min, 3 * US);
    expect_end(END_DONE, 8 * US);
}

// C, B and D come in this order while A holds, and get it in this order, 1 us each.
static void waiters_are_served_in_order(void **state)
{
    (void)state;
    start(ZERO("4") LOCK
          "functions: { f: [ { with: { lock: x, do: [ { compute: 1us } ] } } ] }\n"
          "threads:\n"
          "  - { name: A, run: [ { with: { lock: x, do: [ { compute: 10us } ] } } ] }\n"
          "  - { name: B, start: 2us, run: [ { call: f } ] }\n"
          "  - { name: C, start: 1us, run: [ { call: f } ] }\n"
          "  - { name: D, start: 3us, run: [ { call: f } ] }\n");
    assert_int_equal(simulated_time_of(&run, EVENT_LOCK_TAKEN, "C"), 10 * US);
    assert_int_equal(simulated_time_of(&run, EVENT_LOCK_TAKEN, "B"), 11 * US);
    assert_int_equal(simulated_time_of(&run, EVENT_LOCK_TAKEN, "D"), 12 * US);
    expect_end(END_DONE, 13 * US);
}

// One core. A sleeps 0-2 with the lock, B meanwhile begins to wait. At 3 A releases and wakes B,
// but goes on running and takes the lock again: nothing is handed over. B has its turn when A has
// ended, at 4, and finds it free.
static void a_running_thread_barges_in(void **state)
{
    (void)state;
    start(ZERO("1") LOCK
          "threads:\n"
          "  - { name: A, run: [ { lock: x }, { sleep: 2us }, { compute: 1us }, { unlock: x },\n"
          "                       { lock: x }, { compute: 1us }, { unlock: x } ] }\n"
          "  - { name: B, run: [ { with: { lock: x, do: [ { compute: 1us } ] } } ] }\n");
    expect_timeline("A", "in 0, take x 0, call clock_nanosleep 0, timer 0, out sleep 0, woken 2, "
                         "in 2, return 2, release x 3, call futex wake 3, return 3, take x 3, "
                         "release x 4, call exit 4, ended 4, out exit 4");
    expect_timeline("B",
                    "in 0, call futex wait 0, wait x 0, out lock 0, woken 3, in 4, return 4, "
                    "take x 4, release x 5, call futex wake 5, return 5, call exit 5, ended 5");
}

// Two cores. A releases at 2, wakes B and takes the lock again at the same instant, on its own
// core; B comes too late, waits anew, and gets it at 5. For the metrics that is one wait, of 4 us.
static void the_woken_thread_may_wait_again(void **state)
{
    (void)state;
    start(
        ZERO("2") LOCK
        "threads:\n"
        "  - { name: A, run: [ { lock: x }, { compute: 2us }, { unlock: x },\n"
        "                       { lock: x }, { compute: 3us }, { unlock: x } ] }\n"
        "  - { name: B, start: 1us, run: [ { with: { lock: x, do: [ { compute: 1us } ] } } ] }\n");
    expect_timeline("B",
                    "in 1, call futex wait 1, wait x 1, out lock 1, woken 2, in 2, return 2, "
                    "call futex wait 2, wait x 2, out lock 2, woken 5, in 5, return 5, "
                    "take x 5, release x 6, call futex wake 6, return 6, call exit 6, ended 6");
    assert_int_equal(metrics.syncs[1].waits.total, 1);
    assert_int_equal(metrics.syncs[1].waits.max, 4 * US);
    assert_int_equal(simulated_thread(&run, &metrics, "B")->switches_voluntary, 2);
}

// The futex looks at its value again before it sleeps. B finds the lock taken at 0 and needs
// 1 (half a system call) + 10 to get to sleep, at 11; but A has released at 5 and, its system call
// done at 7, woken nobody. So B goes back, at 12, takes the lock, as contended, holds it 12-15 and
// pays for a wake-up (2) that no one waits for. It never slept.
static void a_futex_checks_before_it_sleeps(void **state)
{
    (void)state;
    start("machine: { cores: 2, scheduler: fifo,\n"
          "           costs: { base: zero, syscall: 2us, futex_wait: 10us } }\n" LOCK "threads:\n"
          "  - { name: A, run: [ { with: { lock: x, do: [ { compute: 5us } ] } } ] }\n"
          "  - { name: B, run: [ { with: { lock: x, do: [ { compute: 3us } ] } } ] }\n");
    expect_timeline("A", "in 0, take x 0, release x 5, call futex wake 5, return 7, call exit 7, "
                         "ended 7, out exit 7");
    expect_timeline("B", "in 0, call futex wait 0, return 12, take x 12, release x 15, "
                         "call futex wake 15, return 17, call exit 17, ended 17");
    expect_cpu("B", 3 * US, 14 * US);
}

// `lock` and `unlock` are worth what `with` is.
static void with_is_lock_and_unlock(void **state)
{
    (void)state;
    start(ZERO("2") LOCK
          "threads:\n"
          "  - { name: A, run: [ { lock: x }, { compute: 5us }, { unlock: x } ] }\n"
          "  - { name: B, start: 1us, run: [ { lock: x }, { compute: 3us }, { unlock: x } ] }\n");
    uint64_t hash = simulated_hash(&run);
    finish(state);
    start(
        ZERO("2") LOCK
        "threads:\n"
        "  - { name: A, run: [ { with: { lock: x, do: [ { compute: 5us } ] } } ] }\n"
        "  - { name: B, start: 1us, run: [ { with: { lock: x, do: [ { compute: 3us } ] } } ] }\n");
    assert_true(simulated_hash(&run) == hash);
}

// ---- what things cost

// 0-100 in user mode. The system call's first half takes 1: the timer is set at 101 for 50 later,
// with 5 of slack, so at 156 it expires at the latest; the idle core takes 9 more to notice, and 1
// for the interrupt, 165-166. Second half 166-167, 10 of work, exit 177-182.
static void a_sleep_costs(void **state)
{
    (void)state;
    start("machine: { scheduler: fifo, costs: { base: zero, syscall: 2us, timer_slack: 5us,\n"
          "           timer_latency: 7us, timer_latency_idle: 9us, timer_irq: 1us,\n"
          "           context_switch: 10us, thread_exit: 5us } }\n"
          "threads:\n"
          "  - { name: A, run: [ { compute: 100us }, { sleep: 50us }, { compute: 10us } ] }\n");
    expect_timeline("A", "in 0, call clock_nanosleep 100, timer 101, out sleep 101, woken 165, "
                         "in 166, return 167, call exit 177, ended 182");
    expect_cpu("A", 110 * US, 7 * US);
    const CoreMetrics *core = &metrics.cores[0];
    assert_int_equal(core->interrupt_ns, 1 * US);
    assert_int_equal(core->idle_ns, 64 * US); // 101 to 165
    expect_end(END_DONE, 182 * US);
}

// The same beside B, which computes: the busy core takes 7 to notice (101 + 50 + 5 + 7 = 163) and B
// loses 1 to the interrupt. B's switch takes 101-111, its work 200 and the interrupt 111-312; A's
// switch 312-322 (no thread_exit here), and the rest of its sleep call 322-323.
static void an_interrupt_is_paid_by_who_runs(void **state)
{
    (void)state;
    start("machine: { scheduler: fifo, costs: { base: zero, syscall: 2us, timer_slack: 5us,\n"
          "           timer_latency: 7us, timer_latency_idle: 9us, timer_irq: 1us,\n"
          "           context_switch: 10us } }\n"
          "threads:\n"
          "  - { name: A, run: [ { compute: 100us }, { sleep: 50us }, { compute: 10us } ] }\n"
          "  - { name: B, run: [ { compute: 200us } ] }\n");
    expect_timeline("A", "in 0, call clock_nanosleep 100, timer 101, out sleep 101, woken 163, "
                         "in 312, return 323, call exit 333, ended 333");
    expect_timeline("B", "in 101, return 111, call exit 312, ended 312, out exit 312");
    expect_cpu("A", 110 * US, 12 * US); // kernel: 1 + 10 + 1
    expect_cpu("B", 200 * US, 10 * US);
    assert_int_equal(metrics.cores[0].interrupt_ns, 1 * US);
    assert_int_equal(metrics.cores[0].idle_ns, 0);
}

// sched_yield takes 2 + 3, then B's switch 10: 105-115, its 30, its exit 4: 149, A's switch to 159.
static void a_yield_costs(void **state)
{
    (void)state;
    start("machine: { scheduler: fifo, costs: { base: zero, syscall: 2us, yield: 3us,\n"
          "           context_switch: 10us, thread_exit: 4us } }\n"
          "threads:\n"
          "  - { name: A, run: [ { compute: 100us }, yield, { compute: 50us } ] }\n"
          "  - { name: B, run: [ { compute: 30us } ] }\n");
    expect_timeline("A", "in 0, call sched_yield 100, out yield 105, in 149, return 159, "
                         "call exit 209, ended 213");
    expect_timeline("B", "in 105, return 115, call exit 145, ended 149, out exit 149");
    expect_cpu("A", 150 * US, 19 * US); // 5 + 10 + 4
    expect_cpu("B", 30 * US, 14 * US);
}

// A: taking the lock 0-1, into sleep 1-2, till 102, out of it -103, work -123, releasing -124, the
// futex wake 2 + 4 -130; its end is free. B: switch 2-12, trying 12-13, futex wait 1 + 3 -17, woken
// at 130, switch -140, out of the futex -141, work -146, releasing -147, futex wake -153.
static void a_contended_lock_costs(void **state)
{
    (void)state;
    start(
        "machine: { scheduler: fifo, costs: { base: zero, syscall: 2us, context_switch: 10us,\n"
        "           mutex_lock: 1us, mutex_unlock: 1us, futex_wait: 3us, futex_wake: 4us } }\n" LOCK
        "threads:\n"
        "  - { name: A, run: [ { lock: x }, { sleep: 100us }, { compute: 20us }, { unlock: x } ] "
        "}\n"
        "  - { name: B, run: [ { lock: x }, { compute: 5us }, { unlock: x } ] }\n");
    expect_timeline("A", "in 0, take x 1, call clock_nanosleep 1, timer 2, out sleep 2, woken 102, "
                         "in 102, return 103, release x 124, call futex wake 124, return 130, "
                         "call exit 130, ended 130, out exit 130");
    expect_timeline("B", "in 2, return 12, call futex wait 13, wait x 17, out lock 17, woken 130, "
                         "in 130, return 141, take x 141, release x 147, call futex wake 147, "
                         "return 153, call exit 153, ended 153");
    expect_cpu("A", 22 * US, 8 * US); // user 1 + 20 + 1; kernel 1 + 1 + 6
    expect_cpu("B", 7 * US, 31 * US); // user 1 + 5 + 1; kernel 10 + 4 + 10 + 1 + 6
    expect_end(END_DONE, 153 * US);
}

// Waking a thread on an idle core: A's system call 50-52, then the interrupt that it sends costs it
// 8; B begins 6 after the wake-up, with no switch to pay, and is out of its futex at 59.
static void waking_an_idle_core_costs(void **state)
{
    (void)state;
    start("machine: { cores: 2, scheduler: fifo, costs: { base: zero, syscall: 2us,\n"
          "           context_switch: 10us, wake_idle: 6us, wake_idle_waker: 8us } }\n" LOCK
          "threads:\n"
          "  - { name: A, run: [ { with: { lock: x, do: [ { compute: 50us } ] } }, { compute: "
          "100us } ] }\n"
          "  - { name: B, run: [ { lock: x }, { compute: 10us } ] }\n");
    expect_timeline("A", "in 0, take x 0, release x 50, call futex wake 50, return 60, "
                         "call exit 160, ended 160");
    expect_timeline("B",
                    "in 0, call futex wait 0, wait x 1, out lock 1, woken 52, in 58, return 59, "
                    "take x 59, call exit 69, ended 69, out exit 69");
}

// Ticks at 4 and 8 ms take 10 us each from the one who runs: 9 ms of work end at 9.02 ms.
static void ticks_cost(void **state)
{
    (void)state;
    start("machine: { scheduler: eevdf, tick: 4ms, costs: { base: zero, tick: 10us } }\n"
          "threads:\n"
          "  - { name: A, run: [ { compute: 9ms } ] }\n");
    expect_end(END_DONE, 9 * MS + 20 * US);
    expect_cpu("A", 9 * MS, 0);
    assert_int_equal(metrics.cores[0].interrupt_ns, 20 * US);
}

// A's timer may expire from 100 to 150, B's from 120 to 170: one interrupt, at 150, serves both.
static void timers_share_an_interrupt_within_their_slack(void **state)
{
    (void)state;
    start("machine: { scheduler: fifo, costs: { base: zero, timer_slack: 50us, timer_irq: 1us } }\n"
          "threads:\n"
          "  - { name: A, run: [ { sleep: 100us } ] }\n"
          "  - { name: B, run: [ { sleep: 120us } ] }\n");
    assert_int_equal(simulated_time_of(&run, EVENT_WAKEUP, "A"), 150 * US);
    assert_int_equal(simulated_time_of(&run, EVENT_WAKEUP, "B"), 150 * US);
    assert_int_equal(simulated_count(&run, EVENT_IRQ, NULL), 1);
}

// A tick at the very instant at which a thread yields: the tick's interrupt comes first (10 us),
// and the yield is over behind it. (Once it was never over.)
static void a_yield_at_a_tick_returns(void **state)
{
    (void)state;
    start("machine: { scheduler: eevdf, tick: 4ms, costs: { base: zero, tick: 10us } }\n"
          "threads:\n"
          "  - { name: A, run: [ { compute: 4ms }, yield, { compute: 1us } ] }\n");
    expect_timeline("A", "in 0, call sched_yield 4000, return 4010, call exit 4011, ended 4011");
}

// ---- spawn and join

// Each clone takes 20. main waits from 40; f-1 runs 40-50, f-2 50-60, which wakes main.
static void spawn_makes_as_many_as_asked(void **state)
{
    (void)state;
    start("machine: { scheduler: fifo, costs: { base: zero, clone: 20us } }\n"
          "functions: { f: [ { compute: 10us } ] }\n"
          "threads:\n"
          "  - { name: main, run: [ { spawn: { run: f, count: 2 } }, { join: f }, { compute: 1us } "
          "] }\n");
    expect_timeline("main", "in 0, call clone 0, return 20, call clone 20, return 40, "
                            "call futex wait 40, join 40, out join 40, woken 60, in 60, return 60, "
                            "call exit 61, ended 61");
    expect_timeline("f-1", "in 40, call exit 50, ended 50, out exit 50");
    expect_timeline("f-2", "in 50, call exit 60, ended 60, out exit 60");
    assert_int_equal(simulated_thread(&run, &metrics, "f-1")->start_ns, 20 * US);
    assert_int_equal(run.result.tasks, 3);
}

// Nobody is there yet, or no longer: join returns without a system call.
static void joining_nobody_takes_no_time(void **state)
{
    (void)state;
    start(
        "machine: { cores: 2, scheduler: fifo, costs: { base: zero, syscall: 2us } }\n"
        "functions: { f: [ { compute: 10us } ] }\n"
        "threads:\n"
        "  - { name: main, run: [ { join: f }, { spawn: f }, { compute: 50us }, { join: f } ] }\n");
    expect_timeline("main", "in 0, call clone 0, return 0, call exit 50, ended 50");
}

// A thread that has yet to arrive is waited for: it comes at 5 and computes 1.
static void join_waits_for_those_to_come(void **state)
{
    (void)state;
    start(ZERO("1") "threads:\n"
                    "  - { name: main, run: [ { join: late } ] }\n"
                    "  - { name: late, start: 5us, run: [ { compute: 1us } ] }\n");
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "main"), 6 * US);
    expect_end(END_DONE, 6 * US);
}

// Five that come at different times: whoever is there may have ended long before the next one
// comes, but the join lasts until the last of the five has ended.
static void join_waits_for_all_that_come_apart(void **state)
{
    (void)state;
    start(ZERO("1") "threads:\n"
                    "  - { name: main, run: [ { join: w } ] }\n"
                    "  - { name: w, count: 5, start: exp(10ms), run: [ { compute: 1us } ] }\n");
    int64_t last = 0;
    for (uint32_t task = 2; task <= 6; task++) {
        int64_t end = metrics_thread(&metrics, task)->end_ns;
        last = end > last ? end : last;
    }
    assert_int_equal(run.result.tasks, 6);
    assert_int_equal(simulated_thread(&run, &metrics, "main")->end_ns, last);
    assert_int_equal(simulated_count(&run, EVENT_WAKEUP, "main"), 1);
}

// A join waits for the whole group: its threads end at 1, 3 and 6 (one core, in order).
static void join_waits_for_all_of_a_group(void **state)
{
    (void)state;
    start(ZERO("1") "functions:\n"
                    "  a: [ { join: w }, { print: a } ]\n"
                    "threads:\n"
                    "  - { name: first, run: [ { call: a } ] }\n"
                    "  - { name: second, run: [ { call: a } ] }\n"
                    "  - { name: w, count: 3, run: [ { compute: 2us } ] }\n");
    // Both joiners wake when w-3 ends, in the order in which they came.
    assert_string_equal(simulated_turns(&run, 0, 1e9),
                        "first@0 second@0 w-1@0 w-2@0.002 w-3@0.004 first@0.006 second@0.006");
}

// ---- daemons

// main ends at 1 ms; the daemon needs 5 and is killed in the middle; nothing after that.
static void a_daemon_ends_with_its_process(void **state)
{
    (void)state;
    start(ZERO("2") "threads:\n"
                    "  - { name: main, run: [ { compute: 1ms } ] }\n"
                    "  - { name: back, daemon: true, run: [ { compute: 5ms } ] }\n");
    expect_timeline("back", "in 0, killed 1000");
    expect_end(END_DONE, 1 * MS);
    expect_cpu("back", 1 * MS, 0);
}

static void a_thread_that_is_no_daemon_is_waited_for(void **state)
{
    (void)state;
    start(ZERO("2") "threads:\n"
                    "  - { name: main, run: [ { compute: 1ms } ] }\n"
                    "  - { name: back, run: [ { compute: 5ms } ] }\n");
    expect_end(END_DONE, 5 * MS);
}

// Killed wherever they are: running on another core, queued, asleep, waiting for a lock and waiting
// in a join; one that has not come yet never does. The other process goes on.
static void daemons_are_killed_wherever_they_are(void **state)
{
    (void)state;
    start(
        "machine: { cores: 2, scheduler: fifo, costs: zero }\n"
        "processes:\n"
        "  - name: p\n"
        "    locks: { x: lock }\n"
        "    threads:\n"
        "      - { name: main, affinity: 0, run: [ { sleep: 1us }, { compute: 1us } ] }\n"
        "      - { name: runs, affinity: 1, daemon: true, run: [ { compute: 1s } ] }\n"
        "      - { name: queued, affinity: 1, daemon: true, run: [ { compute: 1s } ] }\n"
        "      - { name: sleeps, affinity: 0, daemon: true, run: [ { sleep: 1h } ] }\n"
        "      - { name: holds, affinity: 0, daemon: true, run: [ { lock: x }, { sleep: 1h } ] }\n"
        "      - { name: waits, affinity: 0, daemon: true, run: [ { lock: x } ] }\n"
        "      - { name: joins, affinity: 0, daemon: true, run: [ { join: main }, { lock: x } ] }\n"
        "      - { name: late, start: 5us, daemon: true, run: [ { compute: 1s } ] }\n"
        "  - name: q\n"
        "    threads:\n"
        "      - { name: other, affinity: 1, run: [ { compute: 3us } ] }\n");
    expect_timeline("main", "in 0, call clock_nanosleep 0, timer 0, out sleep 0, woken 1, in 1, "
                            "return 1, call exit 2, ended 2, out exit 2");
    expect_timeline("runs", "in 0, killed 2, out exit 2");
    expect_timeline("queued", "killed 2");
    expect_timeline("sleeps", "in 0, call clock_nanosleep 0, timer 0, out sleep 0, killed 2");
    expect_timeline("waits", "in 0, call futex wait 0, wait x 0, out lock 0, killed 2");
    expect_timeline("joins", "in 0, call futex wait 0, join 0, out join 0, woken 2, killed 2");
    expect_timeline("other", "in 2, call exit 5, ended 5");
    assert_int_equal(run.result.tasks, 8); // not `late`
    expect_end(END_DONE, 5 * US);
}

// What a daemon starts is a daemon.
static void a_daemons_threads_are_daemons(void **state)
{
    (void)state;
    start(ZERO("3") "functions: { f: [ { compute: 1s } ] }\n"
                    "threads:\n"
                    "  - { name: main, run: [ { compute: 2us } ] }\n"
                    "  - { name: back, daemon: true, run: [ { spawn: f }, { compute: 1s } ] }\n");
    expect_timeline("f", "in 0, killed 2");
    expect_end(END_DONE, 2 * US);
    // The trace says so, not only the scenario: the entry `f` does not.
    assert_true(simulated_thread(&run, &metrics, "f")->daemon);
    assert_true(simulated_thread(&run, &metrics, "back")->daemon);
    assert_false(simulated_thread(&run, &metrics, "main")->daemon);
    assert_int_equal(metrics_makespan_ns(&metrics), 2 * US);
}

// ---- deadlocks

// The DEADLOCK records: "B x A, A y B" says that B waits for x, which A holds, and so on round.
static const char *circle(void)
{
    static char text[1024];
    size_t length = 0;
    text[0] = '\0';
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        if (record->kind != EVENT_DEADLOCK)
            continue;
        const char *lock =
            record->a == 0 ? "join"
                           : scenario_string(&run.scenario, run.scenario.syncs[record->a - 1].name);
        char waiter[96];
        snprintf(waiter, sizeof waiter, "%s", simulated_name(&run, record->task));
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s %s %s",
                                   length > 0 ? ", " : "", waiter, lock,
                                   simulated_name(&run, (uint32_t)record->b));
    }
    return text;
}

#define CROSSED                                                                                    \
    "threads:\n"                                                                                   \
    "  - { name: A, run: [ { lock: x }, { sleep: 1ms }, { lock: y } ] }\n"                         \
    "  - { name: B, run: [ { lock: y }, { sleep: 1ms }, { lock: x } ] }\n"

// Both wake at 1 ms; A waits for y, and B closes the circle at that instant.
static void two_locks_in_two_orders(void **state)
{
    (void)state;
    start(ZERO("1") LOCKS CROSSED);
    assert_string_equal(circle(), "B x A, A y B");
    expect_end(END_DEADLOCK, 1 * MS);
}

// Five philosophers, each with the fork to the left in hand, for the fork to the right.
static void five_philosophers(void **state)
{
    (void)state;
    start("machine: { cores: 5, scheduler: eevdf, costs: zero }\n"
          "locks: { f1: lock, f2: lock, f3: lock, f4: lock, f5: lock }\n"
          "threads:\n"
          "  - { name: P1, run: [ { lock: f1 }, { sleep: 1ms }, { lock: f2 } ] }\n"
          "  - { name: P2, run: [ { lock: f2 }, { sleep: 1ms }, { lock: f3 } ] }\n"
          "  - { name: P3, run: [ { lock: f3 }, { sleep: 1ms }, { lock: f4 } ] }\n"
          "  - { name: P4, run: [ { lock: f4 }, { sleep: 1ms }, { lock: f5 } ] }\n"
          "  - { name: P5, run: [ { lock: f5 }, { sleep: 1ms }, { lock: f1 } ] }\n");
    assert_string_equal(circle(), "P5 f1 P1, P1 f2 P2, P2 f3 P3, P3 f4 P4, P4 f5 P5");
    expect_end(END_DEADLOCK, 1 * MS);
}

static void a_lock_taken_twice(void **state)
{
    (void)state;
    start(ZERO("1") LOCK "threads:\n"
                         "  - { name: A, run: [ { lock: x }, { compute: 1us }, { lock: x } ] }\n");
    assert_string_equal(circle(), "A x A");
    expect_end(END_DEADLOCK, 1 * US);
}

// A ends with the lock: B waits for ever. There is no circle, so all who wait are named, with the
// holder that is no more.
static void a_lock_whose_holder_has_ended(void **state)
{
    (void)state;
    start(ZERO("1") LOCK "threads:\n"
                         "  - { name: A, run: [ { lock: x }, { compute: 1us } ] }\n"
                         "  - { name: B, run: [ { compute: 1us }, { lock: x } ] }\n");
    assert_string_equal(circle(), "B x A");
    expect_end(END_DEADLOCK, 2 * US);
}

// main waits for f to end, and f for main's lock.
static void a_deadlock_through_a_join(void **state)
{
    (void)state;
    start(ZERO("1") LOCK "functions: { f: [ { lock: x } ] }\n"
                         "threads:\n"
                         "  - { name: main, run: [ { lock: x }, { spawn: f }, { join: f } ] }\n");
    assert_string_equal(circle(), "main join f, f x main");
    expect_end(END_DEADLOCK, 0);
}

static void a_thread_that_joins_itself(void **state)
{
    (void)state;
    start(ZERO("1") "threads:\n"
                    "  - { name: A, run: [ { compute: 1us }, { join: A } ] }\n");
    assert_string_equal(circle(), "A join A");
    expect_end(END_DEADLOCK, 1 * US);
}

// The circle is reported when it closes, at 1 ms; C computes on, and the run ends when it is done,
// at 10 ms, long before its `until`. D waits for a lock of the circle, but is no member.
static void others_go_on_beside_a_deadlock(void **state)
{
    (void)state;
    start(ZERO("2") "until: 1s\n" LOCKS CROSSED "  - { name: C, run: [ { compute: 10ms } ] }\n"
                    "  - { name: D, start: 2ms, run: [ { lock: x } ] }\n");
    assert_string_equal(circle(), "B x A, A y B");
    assert_int_equal(simulated_time_of(&run, EVENT_DEADLOCK, "B"), 1 * MS);
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "C"), 10 * MS);
    expect_end(END_DEADLOCK, 10 * MS);
}

// A daemon that never rests keeps the run going to its `until`.
static void a_daemon_goes_on_beside_a_deadlock(void **state)
{
    (void)state;
    start(ZERO("1") "until: 5ms\n" LOCKS CROSSED
                    "  - { name: back, daemon: true, run: [ { forever: [ { sleep: 1ms } ] } ] }\n");
    assert_string_equal(circle(), "B x A, A y B");
    expect_end(END_UNTIL, 5 * MS);
}

// A deadlock ends the run at once, though a thread that was killed would have slept for an hour.
static void the_timer_of_a_dead_thread_wakes_nobody(void **state)
{
    (void)state;
    start("machine: { scheduler: fifo, costs: { base: zero, timer_irq: 1us } }\n"
          "processes:\n"
          "  - name: p\n"
          "    threads:\n"
          "      - { name: back, daemon: true, run: [ { sleep: 1h } ] }\n"
          "      - { name: main, run: [ { compute: 1us } ] }\n"
          "  - name: q\n"
          "    locks: { x: lock }\n"
          "    threads:\n"
          "      - { name: A, run: [ { compute: 2us }, { lock: x }, { lock: x } ] }\n");
    expect_timeline("back", "in 0, call clock_nanosleep 0, timer 0, out sleep 0, killed 1");
    expect_end(END_DEADLOCK, 3 * US);
    assert_int_equal(simulated_count(&run, EVENT_IRQ, NULL), 0);
}

// ---- mistakes and limits

static void unlocking_what_is_not_held(void **state)
{
    (void)state;
    assert_string_equal(
        simulate_failing("machine: { costs: zero }\n"
                         "locks: { x: lock }\n"
                         "threads:\n"
                         "  - { name: A, run: [ { compute: 1ms }, { unlock: x } ] }\n"),
        "test.yaml:4:43: error: at 1000000 ns A unlocks 'x', which it does not hold (nobody does)\n"
        "    4 |   - { name: A, run: [ { compute: 1ms }, { unlock: x } ] }\n"
        "      |                                           ^~~~~~\n");
    assert_string_equal(
        simulate_failing("machine: { costs: zero }\n"
                         "locks: { x: lock }\n"
                         "threads:\n"
                         "  - { name: A, run: [ { lock: x }, { compute: 1ms } ] }\n"
                         "  - name: B\n"
                         "    count: 2\n"
                         "    run:\n"
                         "      - unlock: x\n"),
        "test.yaml:8:9: error: at 1000000 ns B-1 unlocks 'x', which it does not hold (A does)\n"
        "    8 |       - unlock: x\n"
        "      |         ^~~~~~\n");
}

static void expect_limit(LimitId limit, int64_t ns)
{
    expect_end(END_LIMIT, ns);
    assert_int_equal(run.result.limit, limit);
    const TraceRecord *last = memory_sink_at(&run.memory, run.memory.count - 1);
    assert_int_equal(last->kind, EVENT_RUN_END);
    assert_int_equal(last->b, limit);
}

static void a_function_that_calls_itself(void **state)
{
    (void)state;
    // Each call passes a mark on its way down. A's first call is one deep, f's own calls are the
    // other 9,999, and the ten-thousandth passing finds no room for one more.
    start(ZERO("1") "functions: { f: [ { mark: down }, { call: f } ] }\n"
                    "threads:\n"
                    "  - { name: A, run: [ { compute: 1us }, { call: f } ] }\n");
    expect_limit(LIMIT_DEPTH, 1 * US);
    assert_int_equal(simulated_count(&run, EVENT_MARK, "A"), 10000);
}

// Two repeats in each other around a call, whose function opens a span: four deep.
#define FOUR_DEEP                                                                                  \
    "functions: { f: [ { span: { name: s, do: [ { compute: 1us } ] } } ] }\n"                      \
    "threads:\n"                                                                                   \
    "  - { name: A, run: [ { repeat: { times: 2, do: [ { repeat: { times: 2, do: [\n"              \
    "      { call: f } ] } } ] } } ] }\n"

static void the_limit_of_depth(void **state)
{
    (void)state;
    start(ZERO("1") "limits: { depth: 3 }\n" FOUR_DEEP);
    expect_limit(LIMIT_DEPTH, 0);
    assert_int_equal(simulated_count(&run, EVENT_SPAN_BEGIN, NULL), 0);
    finish(state);
    start(ZERO("1") "limits: { depth: 4 }\n" FOUR_DEEP);
    expect_end(END_DONE, 4 * US);
}

static void expect_limit_text(LimitId limit, int64_t bound, const char *expected)
{
    char text[32];
    assert_string_equal(limit_text(limit, bound, text), expected);
}

static void the_bounds_of_limits_in_words(void **state)
{
    (void)state;
    expect_limit_text(LIMIT_TIME, INT64_C(604800000000000), "168h");
    expect_limit_text(LIMIT_TIME, INT64_C(5400000000000), "5400s");
    expect_limit_text(LIMIT_TIME, 5 * MS, "5ms");
    expect_limit_text(LIMIT_TIME, 1001 * US, "1001us");
    expect_limit_text(LIMIT_TIME, 1, "1ns");
    expect_limit_text(LIMIT_STALL, 10000000, "10,000,000");
    expect_limit_text(LIMIT_DEPTH, 999, "999");
}
// A loop in which no time passes ends at the limit, at the instant where it was stuck; what was
// traced before is kept.
static void a_loop_without_time_stalls(void **state)
{
    (void)state;
    start(ZERO("1") "limits: { stall: 1000 }\n"
                    "threads:\n"
                    "  - { name: A, run: [ { compute: 3us }, { forever: [ { mark: m } ] } ] }\n");
    expect_limit(LIMIT_STALL, 3 * US);
    assert_in_range(simulated_count(&run, EVENT_MARK, "A"), 300, 1000);
}

// Time that passes, if only a nanosecond a round, is no stall.
static void a_loop_with_time_does_not_stall(void **state)
{
    (void)state;
    start(ZERO(
        "1") "limits: { stall: 1000 }\n"
             "threads:\n"
             "  - { name: A, run: [ { repeat: { times: 100000, do: [ { compute: 1ns } ] } } ] }\n");
    expect_end(END_DONE, 100 * US);
}

static void the_limit_of_events(void **state)
{
    (void)state;
    start(ZERO("1") "limits: { events: 100 }\n"
                    "threads:\n"
                    "  - { name: A, run: [ { forever: [ { compute: 1us } ] } ] }\n");
    assert_int_equal(run.result.events, 100);
    assert_int_equal(run.result.limit, LIMIT_EVENTS);
}

static void the_limit_of_simulated_time(void **state)
{
    (void)state;
    start(ZERO("1") "limits: { time: 5ms }\n"
                    "threads:\n"
                    "  - { name: A, run: [ { compute: 10ms } ] }\n");
    expect_limit(LIMIT_TIME, 5 * MS);
    expect_cpu("A", 5 * MS, 0);
}

// What ends at the limit is within it.
static void the_limit_of_simulated_time_is_included(void **state)
{
    (void)state;
    start(ZERO("1") "limits: { time: 5ms }\n"
                    "threads:\n"
                    "  - { name: A, run: [ { compute: 5ms } ] }\n");
    expect_end(END_DONE, 5 * MS);
}

// main and three of f are four; a fifth is one too many.
static void the_limit_of_tasks(void **state)
{
    (void)state;
    start(ZERO(
        "1") "limits: { tasks: 4 }\n"
             "functions: { f: [ { compute: 1us } ] }\n"
             "threads:\n"
             "  - { name: main, run: [ { compute: 1us }, { spawn: { run: f, count: 4 } } ] }\n");
    expect_limit(LIMIT_TASKS, 1 * US);
    assert_int_equal(run.result.tasks, 4);
    finish(state);
    start(ZERO(
        "1") "limits: { tasks: 4 }\n"
             "functions: { f: [ { compute: 1us } ] }\n"
             "threads:\n"
             "  - { name: main, run: [ { compute: 1us }, { spawn: { run: f, count: 3 } } ] }\n");
    expect_end(END_DONE, 4 * US);
    finish(state);
    start(ZERO("1") "limits: { tasks: 4 }\n"
                    "threads:\n"
                    "  - { name: w, count: 5, run: [ { compute: 1us } ] }\n");
    expect_limit(LIMIT_TASKS, 0);
    assert_int_equal(run.result.tasks, 0);
}

// Each thread is three blocks deep when it sleeps: two together are six frames.
#define DEEP                                                                                       \
    "threads:\n"                                                                                   \
    "  - { name: w, count: 2, run: [ { repeat: { times: 1, do: [ { span: { name: s, do: [\n"       \
    "      { repeat: { times: 1, do: [ { sleep: 1us } ] } } ] } } ] } } ] }\n"

static void the_limit_of_frames(void **state)
{
    (void)state;
    start(ZERO("1") "limits: { frames: 5 }\n" DEEP);
    expect_limit(LIMIT_FRAMES, 0);
    finish(state);
    start(ZERO("1") "limits: { frames: 6 }\n" DEEP);
    expect_end(END_DONE, 1 * US);
}

static void a_full_output_ends_the_run(void **state)
{
    (void)state;
    const char *yaml = ZERO("1") "threads:\n"
                                 "  - { name: A, run: [ { forever: [ { compute: 1us }, { mark: m } "
                                 "] } ] }\n";
    Diag diag = {.path = "test.yaml", .source = yaml};
    MemorySink memory;
    Scenario scenario;
    Trace trace;
    RunResult result;
    assert_true(scenario_parse(&scenario, "test.yaml", yaml, strlen(yaml), NULL, 0, &diag));
    memory_sink_open(&memory, 5000);
    TraceSink *sinks[] = {&memory.sink};
    trace_open(&trace, sinks, 1);
    assert_true(ringside_run(&scenario, &trace, &result, &diag));
    assert_int_equal(result.end, END_REFUSED);
    assert_int_equal(memory.count, 5001); // and the RUN_END
    trace_close(&trace);
    memory_sink_free(&memory);
    scenario_free(&scenario);
    diag_free(&diag);
}

// ---- the flow of a program

// `exit` leaves all blocks and calls at once: the span has no end, and what follows is not done.
// Its frames are free again: a hundred such threads, one after another, need no more than three.
static void exit_leaves_nested_blocks(void **state)
{
    (void)state;
    start(ZERO("1") "limits: { frames: 3 }\n"
                    "functions:\n"
                    "  f: [ { span: { name: s, do: [ { compute: 1us }, exit, { mark: no } ] } }, { "
                    "mark: no } ]\n"
                    "threads:\n"
                    "  - { name: w, count: 100, run: [ { repeat: { times: 2, do: [ { call: f } ] } "
                    "}, { mark: no } ] }\n");
    expect_end(END_DONE, 100 * US);
    assert_int_equal(simulated_count(&run, EVENT_SPAN_BEGIN, NULL), 100);
    assert_int_equal(simulated_count(&run, EVENT_SPAN_END, NULL), 0);
    assert_int_equal(simulated_count(&run, EVENT_MARK, NULL), 0);
}

// 2 x 3 rounds of 1 us, and the mark after each inner loop.
static void loops_nest(void **state)
{
    (void)state;
    start(ZERO(
        "1") "threads:\n"
             "  - { name: A, run: [ { repeat: { times: 2, do: [\n"
             "      { repeat: { times: 3, do: [ { compute: 1us } ] } }, { mark: m } ] } } ] }\n");
    expect_timeline("A", "in 0, mark 3, mark 6, call exit 6, ended 6");
}

static void certain_and_impossible_chances(void **state)
{
    (void)state;
    start(ZERO(
        "1") "threads:\n"
             "  - { name: A, run: [ { repeat: { times: 1000, do: [\n"
             "      { if: { chance: 100%, then: [ { mark: m } ], else: [ { compute: 1s } ] } },\n"
             "      { if: { chance: 0%, then: [ { compute: 1s } ] } } ] } } ] }\n");
    assert_int_equal(simulated_count(&run, EVENT_MARK, "A"), 1000);
    expect_end(END_DONE, 0);
}

// A chance of 30 % in 10,000 tries: mean 3000, standard deviation sqrt(10000 * 0.3 * 0.7) = 45.8;
// six of them either way are 2725 to 3275.
static void a_chance_is_met(void **state)
{
    (void)state;
    start(ZERO("1") "threads:\n"
                    "  - { name: A, run: [ { repeat: { times: 10000, do: [\n"
                    "      { if: { chance: 30%, then: [ { mark: m } ] } } ] } } ] }\n");
    assert_in_range(simulated_count(&run, EVENT_MARK, "A"), 2725, 3275);
}

int main(void)
{
#define RUN(test) cmocka_unit_test_teardown(test, finish)
    const struct CMUnitTest tests[] = {
        RUN(a_lock_is_held_by_one),
        RUN(waiters_are_served_in_order),
        RUN(a_running_thread_barges_in),
        RUN(the_woken_thread_may_wait_again),
        RUN(a_futex_checks_before_it_sleeps),
        RUN(with_is_lock_and_unlock),
        RUN(a_sleep_costs),
        RUN(an_interrupt_is_paid_by_who_runs),
        RUN(a_yield_costs),
        RUN(a_contended_lock_costs),
        RUN(waking_an_idle_core_costs),
        RUN(ticks_cost),
        RUN(timers_share_an_interrupt_within_their_slack),
        RUN(a_yield_at_a_tick_returns),
        RUN(spawn_makes_as_many_as_asked),
        RUN(joining_nobody_takes_no_time),
        RUN(join_waits_for_those_to_come),
        RUN(join_waits_for_all_that_come_apart),
        RUN(join_waits_for_all_of_a_group),
        RUN(a_daemon_ends_with_its_process),
        RUN(a_thread_that_is_no_daemon_is_waited_for),
        RUN(daemons_are_killed_wherever_they_are),
        RUN(a_daemons_threads_are_daemons),
        RUN(two_locks_in_two_orders),
        RUN(five_philosophers),
        RUN(a_lock_taken_twice),
        RUN(a_lock_whose_holder_has_ended),
        RUN(a_deadlock_through_a_join),
        RUN(a_thread_that_joins_itself),
        RUN(others_go_on_beside_a_deadlock),
        RUN(a_daemon_goes_on_beside_a_deadlock),
        RUN(the_timer_of_a_dead_thread_wakes_nobody),
        cmocka_unit_test(unlocking_what_is_not_held),
        RUN(a_function_that_calls_itself),
        RUN(the_limit_of_depth),
        cmocka_unit_test(the_bounds_of_limits_in_words),
        RUN(a_loop_without_time_stalls),
        RUN(a_loop_with_time_does_not_stall),
        RUN(the_limit_of_events),
        RUN(the_limit_of_simulated_time),
        RUN(the_limit_of_simulated_time_is_included),
        RUN(the_limit_of_tasks),
        RUN(the_limit_of_frames),
        cmocka_unit_test(a_full_output_ends_the_run),
        RUN(exit_leaves_nested_blocks),
        RUN(loops_nest),
        RUN(certain_and_impossible_chances),
        RUN(a_chance_is_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
