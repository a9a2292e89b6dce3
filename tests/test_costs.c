// What system calls, switches, sleeps, wake-ups, interrupts and contended locks cost.
// Timelines are in microseconds and worked out in the comments; with `costs: zero` what is not
// computation or sleep takes no time.
#include "tests/one_run.h"

#include <stdio.h>
#include <string.h>

// ---- what things cost

// 0-100 in user mode. The system call's first half takes 1: the timer is set at 101 for 50 later,
// with 5 of slack, so at 156 it expires at the latest; the idle core takes 9 more to notice, and 1
// for the interrupt, 165-166. Second half 166-167, 10 of work, exit 177-182.
static void a_sleep_costs(void **state)
{
    (void)state;
    one_run("machine: { scheduler: fifo, costs: { base: zero, syscall: 2us, timer_slack: 5us,\n"
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
    one_run("machine: { scheduler: fifo, costs: { base: zero, syscall: 2us, timer_slack: 5us,\n"
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

// A function of Python costs its call, whatever it does: three calls of 2 us about 10 us of work
// each, 36 us; a function of C costs nothing, 30 us.
static void a_call_in_python_costs(void **state)
{
    (void)state;
    static const char text[] =
        "machine: { scheduler: fifo, costs: { base: zero, python_call: 2us } }\n"
        "runtime: %s\n"
        "functions: { work: [ { compute: 10us } ] }\n"
        "threads:\n"
        "  - { name: A, run: [ { repeat: { times: 3, do: [ { call: work } ] } } ] }\n";
    char scenario[sizeof text + 16];
    snprintf(scenario, sizeof scenario, text, "cpython-3.12");
    one_run(scenario);
    expect_end(END_DONE, 36 * US);
    one_run_end(NULL);
    snprintf(scenario, sizeof scenario, text, "c");
    one_run(scenario);
    expect_end(END_DONE, 30 * US);
}

// sched_yield takes 2 + 3, then B's switch 10: 105-115, its 30, its exit 4: 149, A's switch to 159.
static void a_yield_costs(void **state)
{
    (void)state;
    one_run("machine: { scheduler: fifo, costs: { base: zero, syscall: 2us, yield: 3us,\n"
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
    one_run(
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
    one_run("machine: { cores: 2, scheduler: fifo, costs: { base: zero, syscall: 2us,\n"
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
    one_run("machine: { scheduler: eevdf, tick: 4ms, costs: { base: zero, tick: 10us } }\n"
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
    one_run(
        "machine: { scheduler: fifo, costs: { base: zero, timer_slack: 50us, timer_irq: 1us } }\n"
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
    one_run("machine: { scheduler: eevdf, tick: 4ms, costs: { base: zero, tick: 10us } }\n"
            "threads:\n"
            "  - { name: A, run: [ { compute: 4ms }, yield, { compute: 1us } ] }\n");
    expect_timeline("A", "in 0, call sched_yield 4000, return 4010, call exit 4011, ended 4011");
}

int main(void)
{
#define RUN(test) cmocka_unit_test_teardown(test, one_run_end)
    const struct CMUnitTest tests[] = {
        RUN(a_sleep_costs),
        RUN(an_interrupt_is_paid_by_who_runs),
        RUN(a_call_in_python_costs),
        RUN(a_yield_costs),
        RUN(a_contended_lock_costs),
        RUN(waking_an_idle_core_costs),
        RUN(ticks_cost),
        RUN(timers_share_an_interrupt_within_their_slack),
        RUN(a_yield_at_a_tick_returns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
