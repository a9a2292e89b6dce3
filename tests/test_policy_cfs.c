// CFS against sequences derived by hand from its rules, on the textbook machine (costs: zero) with
// ticks at multiples of 4 ms. On one core: latency 6 ms, granularity 0.75 ms, wake-up granularity
// 1 ms; on two twice that. A new task begins one part ahead: of n equal ones the last with 6 / n
// ms.
#include "tests/simulate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MS = 1000000 };

static void expect_turns(int cores, const char *until, const char *threads, const char *turns)
{
    char yaml[4096];
    snprintf(yaml, sizeof yaml,
             "machine: { cores: %d, scheduler: cfs, costs: zero }\nuntil: %s\nthreads:\n%s", cores,
             until, threads);
    Simulated run;
    simulate(&run, yaml);
    assert_string_equal(simulated_turns(&run, 0, 1e9), turns);
    simulated_free(&run);
}

#define HOG(name, more) "  - { name: " name more ", run: [ { compute: 100s } ] }\n"

// A begins at 6, B at 3. B's part of 3 is over at the tick at 4: B is at 7, A at 6. Then A is at
// 10, B at 7, and so on: turns of a tick.
static void two_hogs_on_one_core(void **state)
{
    (void)state;
    expect_turns(1, "22ms", HOG("A", "") HOG("B", ""), "B@0 A@4 B@8 A@12 B@16 A@20");
}

// With two cores the parts are 6 ms, and the second tick notices their end: turns of 8 ms.
static void two_hogs_scaled_to_two_cores(void **state)
{
    (void)state;
    expect_turns(2, "44ms", HOG("A", ", affinity: 0") HOG("B", ", affinity: 0"),
                 "B@0 A@8 B@16 A@24 B@32 A@40");
}

// With four cores latency is 18 ms, parts 9 ms: 12 ms at ticks.
static void two_hogs_scaled_to_four_cores(void **state)
{
    (void)state;
    expect_turns(4, "50ms", HOG("A", ", affinity: 0") HOG("B", ", affinity: 0"),
                 "B@0 A@12 B@24 A@36 B@48");
}

// Nine: a period of 9 * 0.75, parts of 0.75, so every tick ends a turn. They begin at 6, 3, 2, 1.5,
// 1.2, 1, 0.857, 0.75 and (of nine) 0.75: H before I, which came later. B (3) still comes before H
// (4.75), A (6) does not.
static void nine_hogs_go_round(void **state)
{
    (void)state;
    expect_turns(1, "42ms",
                 HOG("A", "") HOG("B", "") HOG("C", "") HOG("D", "") HOG("E", "") HOG("F", "")
                     HOG("G", "") HOG("H", "") HOG("I", ""),
                 "H@0 I@4 G@8 F@12 E@16 D@20 C@24 B@28 H@32 I@36 G@40");
}

// 9 * 0.75 ms are enough for nine, eight share 6 ms. A lone one has no turns at all.
static void one_hog_alone(void **state)
{
    (void)state;
    expect_turns(1, "50ms", HOG("A", ""), "A@0");
}

// Nice 0 weighs 1024, nice 5 335: 75.3 % and 24.7 %.
static void shares_go_by_weight(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { scheduler: cfs, costs: zero }\nuntil: 40s\nthreads:\n" HOG("A", "")
                       HOG("B", ", nice: 5"));
    assert_in_range((uint64_t)simulated_on_core(&run, "A"), 40e9 * 0.7535 * 0.99,
                    40e9 * 0.7535 * 1.01);
    simulated_free(&run);
}

static void three_nice_levels_share_by_weight(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { scheduler: cfs, costs: zero }\nuntil: 40s\nthreads:\n" HOG(
                       "A", ", nice: -5") HOG("B", "") HOG("C", ", nice: 5"));
    assert_in_range((uint64_t)simulated_on_core(&run, "A"), 40e9 * 0.6966 * 0.99,
                    40e9 * 0.6966 * 1.01);
    assert_in_range((uint64_t)simulated_on_core(&run, "C"), 40e9 * 0.0748 * 0.99,
                    40e9 * 0.0748 * 1.01);
    simulated_free(&run);
}

// A sleeper comes back half a latency (3 ms) behind the hog: further than 1 ms, so it preempts,
// every time. (Under EEVDF some of its wake-ups wait for a tick.)
static void a_sleeper_preempts_every_time(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { scheduler: cfs, costs: zero }\nthreads:\n"
                   "  - { name: H, daemon: true, run: [ { compute: 100s } ] }\n"
                   "  - { name: S, run: [ { repeat: { times: 100, do: [ { sleep: 7ms }, { compute: "
                   "1ms } ] } } ] }\n");
    int64_t waits[128];
    size_t count = simulated_wake_latencies(&run, "S", waits, 128);
    assert_int_equal(count, 100);
    for (size_t i = 1; i < count; i++)
        assert_int_equal(waits[i], 0);
    simulated_free(&run);
}

// It is not let further behind than 3 ms, however long it slept. S goes to sleep at 4, when it
// first has the core, and comes back at 1004, 3 ms behind H. It preempts; at the tick at 1008 it
// has run 4, more than its part of 3, and is 1 ahead of H: turns of a tick from then on.
static void sleep_is_not_saved_up(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { scheduler: cfs, costs: zero }\nuntil: 1030ms\nthreads:\n"
                   "  - { name: S, run: [ { sleep: 1000ms }, { compute: 1s } ] }\n" HOG("H", ""));
    assert_string_equal(simulated_turns(&run, 0, 1e9),
                        "H@0 S@4 H@4 S@1004 H@1008 S@1012 H@1016 S@1020 H@1024 S@1028");
    simulated_free(&run);
}

// A yields every 0.5 ms, B is a hog. B 0-4 (7), A from 6: at 4.5 it is at 6.5 and B within 1 ms of
// it: B goes on to 8 (10.5). A 8-11: it yields at 8.5, 9 … in vain until it is at 9.5, within 1 ms.
// B 11-16: its part of 3 is over at the tick at 16.
static void a_yield_lets_near_ones_go_first(void **state)
{
    (void)state;
    expect_turns(
        1, "17ms",
        "  - { name: A, run: [ { forever: [ { compute: 500us }, yield ] } ] }\n" HOG("B", ""),
        "B@0 A@4 B@4.5 A@8 B@11 A@16");
}

// An idle thread makes way for any other at once.
static void idle_threads_make_way(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run,
             "machine: { scheduler: cfs, costs: zero }\nthreads:\n"
             "  - { name: I, daemon: true, policy: idle, run: [ { compute: 100s } ] }\n"
             "  - { name: S, run: [ { repeat: { times: 20, do: [ { sleep: 500us }, { compute: "
             "3ms } ] } } ] }\n");
    int64_t waits[32];
    size_t count = simulated_wake_latencies(&run, "S", waits, 32);
    assert_int_equal(count, 20);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(waits[i], 0);
    simulated_free(&run);
}

// Four hogs on two cores are balanced as under any fair scheduler: two and two, half a core each.
static void four_hogs_on_two_cores(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { cores: 2, scheduler: cfs, costs: zero }\nuntil: 4s\nthreads:\n" HOG(
                       "A", "") HOG("B", "") HOG("C", "") HOG("D", ""));
    static const char *const names[] = {"A", "B", "C", "D"};
    for (int i = 0; i < 4; i++)
        assert_in_range((uint64_t)simulated_on_core(&run, names[i]), 1980 * (uint64_t)MS,
                        2020 * (uint64_t)MS);
    simulated_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hogs_on_one_core),
        cmocka_unit_test(two_hogs_scaled_to_two_cores),
        cmocka_unit_test(two_hogs_scaled_to_four_cores),
        cmocka_unit_test(nine_hogs_go_round),
        cmocka_unit_test(one_hog_alone),
        cmocka_unit_test(shares_go_by_weight),
        cmocka_unit_test(three_nice_levels_share_by_weight),
        cmocka_unit_test(a_sleeper_preempts_every_time),
        cmocka_unit_test(sleep_is_not_saved_up),
        cmocka_unit_test(a_yield_lets_near_ones_go_first),
        cmocka_unit_test(idle_threads_make_way),
        cmocka_unit_test(four_hogs_on_two_cores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
