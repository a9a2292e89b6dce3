// The classes above the normal one: SCHED_FIFO and SCHED_RR, the fair server that normal threads
// survive by, moving urgent threads between cores, deadlines, and priority inheritance. Costs are
// zero and ticks at multiples of 4 ms unless a test says otherwise.
#include "tests/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CORES(n) "cores: " #n ", scheduler: eevdf"
#define FIFO(n)  ", policy: fifo " #n
#define RR(n)    ", policy: rr " #n
#define AT(t)    ", start: " t

// ---- SCHED_FIFO

// A realtime thread runs before a normal one, whenever it comes.
TABLE(realtime_goes_before_normal, CORES(1), JOB("N", "5ms", "") JOB("R", "3ms", FIFO(1) AT("2ms")),
      {"N@0 R@2 N@5"}, {{"N", 8 * MS, 0, 3 * MS}, {"R", 3 * MS, 0, 0}})

// A higher priority preempts at once; the preempted one goes on before its equal, which waits
// longer.
TABLE(preempted_stays_first_of_its_priority, CORES(1),
      JOB("A", "4ms", FIFO(10)) JOB("B", "2ms", FIFO(10)) JOB("H", "1ms", FIFO(20) AT("1ms")),
      {"A@0 H@1 A@2 B@5"}, {{"A", 5 * MS, 0, 1 * MS}, {"B", 7 * MS, 5 * MS, 5 * MS}})

// An equal priority does not preempt.
TABLE(equal_priority_waits, CORES(1), JOB("A", "4ms", FIFO(10)) JOB("B", "1ms", FIFO(10) AT("1ms")),
      {"A@0 B@4"}, {{"B", 4 * MS, 3 * MS, 3 * MS}})

// A yield lets equals go first, and nobody lower: L, of 5, waits for A and B.
TABLE(yield_goes_to_the_tail, CORES(1),
      OPS("A", FIFO(10), C("1ms") ", yield, " C("1ms")) JOB("B", "2ms", FIFO(10))
          JOB("L", "1ms", FIFO(5)),
      {"A@0 B@1 A@3 L@4"}, {{"A", 4 * MS, 0, 2 * MS}, {"L", 5 * MS, 4 * MS, 4 * MS}})

TABLE(yield_alone_keeps_the_core, CORES(1),
      OPS("A", FIFO(10), C("1ms") ", yield, " C("1ms")) JOB("L", "1ms", FIFO(5)), {"A@0 L@2"},
      {{"A", 2 * MS, 0, 0}})

// One that comes back from sleep goes behind its equals.
TABLE(woken_goes_to_the_tail, CORES(1),
      OPS("A", FIFO(10), C("1ms") ", " S("1ms") ", " C("1ms")) JOB("B", "3ms", FIFO(10))
          JOB("D", "1ms", FIFO(10)),
      {"A@0 B@1 D@4 A@5"}, {{"A", 6 * MS, 0, 3 * MS}})

// Priorities 1 to 99 in their order, whatever the file's.
TABLE(priorities_in_order, CORES(1),
      JOB("a", "1ms", FIFO(1)) JOB("z", "1ms", FIFO(99)) JOB("m", "1ms", RR(50))
          JOB("n", "1ms", ""),
      {"z@0 m@1 a@2 n@3"}, {{"n", 4 * MS, 3 * MS, 3 * MS}})

// ---- SCHED_RR: 100 ms are 25 ticks of 4 ms.

TABLE(turns_of_100_ms, CORES(1), JOB("A", "250ms", RR(10)) JOB("B", "250ms", RR(10)),
      {"A@0 B@100 A@200 B@300 A@400 B@450"},
      {{"A", 450 * MS, 0, 200 * MS}, {"B", 500 * MS, 100 * MS, 250 * MS}})

// A turn counts ticks, not time: A, which begins at 1, has had 25 ticks at 100: 99 ms.
TABLE(a_turn_is_counted_in_ticks, CORES(1),
      JOB("A", "150ms", RR(10) AT("1ms")) JOB("B", "150ms", RR(10) AT("1ms")),
      {"A@1 B@100 A@200 B@251"}, {{"A", 250 * MS, 0, 100 * MS}})

// FIFO beside RR of the same priority: A has its turn, then F runs to its end.
TABLE(rr_beside_fifo, CORES(1), JOB("A", "150ms", RR(10)) JOB("F", "150ms", FIFO(10)),
      {"A@0 F@100 A@250"}, {{"A", 300 * MS, 0, 150 * MS}, {"F", 250 * MS, 100 * MS, 100 * MS}})

// Preempted at 40 for 20, A goes on with the 60 that are left of its turn (15 ticks): to 120.
TABLE(a_preempted_turn_goes_on, CORES(1),
      JOB("A", "150ms", RR(10)) JOB("B", "30ms", RR(10)) JOB("H", "20ms", FIFO(20) AT("40ms")),
      {"A@0 H@40 A@60 B@120 A@150"}, {{"A", 200 * MS, 0, 50 * MS}})

// ---- the fair server

// N starves from 0 on: at 950 50 ms are left of its second, and it gets them, 950 - 1000. Its next
// second begins then: 1950 - 2000, and so on; 5 % of the time.
static void normal_threads_get_50_ms_of_a_second(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { costs: zero, " CORES(1) " }\nuntil: 4s\nthreads:\n" JOB(
                       "R", "100s", FIFO(50)) JOB("N", "100s", ""));
    assert_string_equal(simulated_turns(&run, 0, 1e9),
                        "R@0 N@950 R@1000 N@1950 R@2000 N@2950 R@3000 "
                        "N@3950 R@4000");
    assert_int_equal(simulated_on_core(&run, "N"), 200 * MS);
    simulated_free(&run);
}

// With costs, N's 50 ms begin a little after 950 and are not quite over at the tick at 1000: it has
// 54 ms to the next tick, and its next second begins there: on a real kernel 950.1 ms off and 54
// on. 19 times in 20 s: 19 * 54 / 20,000 = 5.1 %.
static void with_costs_it_is_5_1_percent(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { costs: typical, " CORES(1) " }\nuntil: 20s\nthreads:\n" JOB(
                       "R", "100s", FIFO(50)) JOB("N", "100s", ""));
    double share = (double)simulated_on_core(&run, "N") / 20e9;
    assert_true(share > 0.0508 && share < 0.0518);
    assert_int_equal(simulated_count(&run, EVENT_SWITCH_IN, "N"), 19);
    simulated_free(&run);
}

// What N runs while R sleeps counts: R computes 90 of each 100 ms, N has 10 of them, 100 ms of each
// second; the server never steps in and R is never preempted.
static void time_in_the_background_counts(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { costs: zero, " CORES(1) " }\nuntil: 5s\nthreads:\n" OPS(
                       "R", FIFO(50), "{ forever: [ { compute: 90ms }, { sleep: 10ms } ] }")
                       JOB("N", "100s", ""));
    assert_int_equal(simulated_on_core(&run, "N"), 500 * MS);
    Metrics metrics;
    simulated_measure(&run, &metrics);
    assert_int_equal(simulated_thread(&run, &metrics, "R")->switches_forced, 0);
    metrics_free(&metrics);
    simulated_free(&run);
}

// The server needs normal tasks: without any it does nothing, R runs on.
static void without_normal_threads_nothing_happens(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { costs: zero, " CORES(1) " }\nthreads:\n" JOB("R", "3s", FIFO(50)));
    assert_string_equal(simulated_turns(&run, 0, 1e9), "R@0");
    simulated_free(&run);
}

// A normal class of textbook round robin under a realtime thread: the same server, and N's slice of
// 20 ms is exact inside it: 950, 970, 990 (to 1000, when the server ends).
static void the_server_serves_any_scheduler(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { costs: zero, cores: 1, scheduler: { policy: rr, slice: 20ms } }\n"
                   "until: 1100ms\nthreads:\n" JOB("R", "100s", FIFO(50)) JOB("N", "100s", "")
                       JOB("M", "100s", ""));
    assert_string_equal(simulated_turns(&run, 0, 1e9), "R@0 N@950 M@970 N@990 R@1000");
    simulated_free(&run);
}

// ---- several cores

// Two urgent ones on two cores, N on core 0 must go to wait: R1 takes idle core 1, R2 preempts N.
TABLE(urgent_threads_take_the_least_urgent_core, CORES(2),
      JOB("N", "5ms", "") JOB("R", "6ms", FIFO(10) AT("1ms")) JOB("Q", "3ms", FIFO(10) AT("2ms")),
      {"N@0 Q@2 N@5", "R@1 -@7"},
      {{"N", 8 * MS, 0, 3 * MS}, {"R", 6 * MS, 0, 0}, {"Q", 3 * MS, 0, 0}})

// R of 10 and Q of 20 have both cores; H of 30 preempts the lower one, R, which goes on where Q
// ends.
TABLE(the_lowest_priority_makes_way, CORES(2),
      JOB("R", "9ms", FIFO(10)) JOB("Q", "4ms", FIFO(20)) JOB("H", "9ms", FIFO(30) AT("1ms")),
      {"R@0 H@1 -@10", "Q@0 R@4"},
      {{"R", 12 * MS, 0, 3 * MS}, {"Q", 4 * MS, 0, 0}, {"H", 9 * MS, 0, 0}})

// A pinned urgent thread preempts on its core although the other is idle; the normal one it drives
// away follows when the balancer finds it cold, not before: here it waits.
TABLE(pinned_urgent_thread, CORES(2),
      JOB("N", "3ms", ", affinity: 0") JOB("R", "2ms", FIFO(10) ", affinity: 0, start: 1ms"),
      {"N@0 R@1 N@3"}, {{"N", 5 * MS, 0, 2 * MS}, {"R", 2 * MS, 0, 0}})

// ---- deadlines

#define DL(runtime, deadline, period)                                                              \
    ", policy: { deadline: { runtime: " runtime ", deadline: " deadline ", period: " period " } }"

// The earliest deadline first: B's at 10, A's at 20; before realtime and normal threads.
TABLE(earliest_deadline_first, CORES(1),
      JOB("N", "1ms", "") JOB("R", "1ms", FIFO(99)) JOB("A", "3ms", DL("4ms", "20ms", "20ms"))
          JOB("B", "2ms", DL("4ms", "10ms", "20ms")),
      {"B@0 A@2 R@5 N@6"}, {{"A", 5 * MS, 2 * MS, 2 * MS}, {"B", 2 * MS, 0, 0}})

// A comes with a deadline at 12 when B, of 20, runs: it preempts. C's deadline, 2 + 18 = 20, is
// equal to B's: B goes on first.
TABLE(an_earlier_deadline_preempts, CORES(1),
      JOB("B", "6ms", DL("7ms", "20ms", "20ms"))
          JOB("A", "2ms", DL("4ms", "10ms", "20ms") AT("2ms"))
              JOB("C", "1ms", DL("4ms", "18ms", "18ms") AT("2ms")),
      {"B@0 A@2 B@4 C@8"},
      {{"A", 2 * MS, 0, 0}, {"B", 8 * MS, 0, 2 * MS}, {"C", 7 * MS, 6 * MS, 6 * MS}})

// 4 ms of each 10, and a hog: throttled at the tick at 4 until its next period. 0-4, 10-14 would be
// noticed at the tick at 16 only: 2 ms too many, which its next period lacks: 20-24 is noticed at
// 24 (2 ms were left), 4 - 2 = 2 overrun: 30-32; then 40-44 again.
static void a_hog_is_throttled(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { costs: zero, " CORES(1) " }\nuntil: 45ms\nthreads:\n" JOB(
                       "D", "1s", DL("4ms", "10ms", "10ms")));
    assert_string_equal(simulated_turns(&run, 0, 1e9),
                        "D@0 -@4 D@10 -@16 D@20 -@24 D@30 -@32 D@40 -@44");
    simulated_free(&run);
}

// With a tick of 1 ms it is exact, and it never has more than its 40 %.
static void throttling_is_exact_at_ticks(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { costs: zero, tick: 1ms, " CORES(1) " }\nuntil: 1s\nthreads:\n" JOB(
                       "D", "10s", DL("4ms", "10ms", "10ms")) JOB("N", "10s", ""));
    assert_int_equal(simulated_on_core(&run, "D"), 400 * MS);
    assert_int_equal(simulated_on_core(&run, "N"), 600 * MS);
    simulated_free(&run);
}

// Three with runtimes of 2 in 8, 3 in 12 and 5 in 20 ask for 75 % together: none misses a deadline,
// each has its share to the millisecond (ticks of 1 ms).
static void admitted_threads_all_get_their_runtime(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run,
             "machine: { costs: zero, tick: 1ms, " CORES(1) " }\nuntil: 1200ms\nthreads:\n" JOB(
                 "A", "10s", DL("2ms", "8ms", "8ms")) JOB("B", "10s", DL("3ms", "12ms", "12ms"))
                 JOB("C", "10s", DL("5ms", "20ms", "20ms")) JOB("N", "10s", ""));
    assert_int_equal(simulated_on_core(&run, "A"), 300 * MS);
    assert_int_equal(simulated_on_core(&run, "B"), 300 * MS);
    assert_int_equal(simulated_on_core(&run, "C"), 300 * MS);
    assert_int_equal(simulated_on_core(&run, "N"), 300 * MS);
    simulated_free(&run);
}

// A yield gives back what is left of the runtime: 1 of 4 ms in each 10.
static void yield_waits_for_the_next_period(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { costs: zero, " CORES(1) " }\nuntil: 35ms\nthreads:\n" OPS(
                       "D", DL("4ms", "10ms", "10ms"), "{ forever: [ { compute: 1ms }, yield ] }"));
    assert_string_equal(simulated_turns(&run, 0, 1e9), "D@0 -@1 D@10 -@11 D@20 -@21 D@30 -@31");
    simulated_free(&run);
}

// The constant bandwidth server: D runs 1 of its 4 at 0, sleeps to 8: with 3 left it would need
// more than 40 % of the 2 ms to its deadline at 10: a new period begins, with a deadline at 18. E,
// of 15, goes first.
TABLE(waking_late_begins_a_new_period, CORES(1),
      OPS("D", DL("4ms", "10ms", "10ms"), C("1ms") ", " S("7ms") ", " C("1ms"))
          JOB("E", "8ms", DL("9ms", "15ms", "20ms") AT("1ms")),
      {"D@0 E@1 D@9"}, {{"D", 10 * MS, 0, 1 * MS}, {"E", 8 * MS, 0, 0}})

// Sleeping less, to 3, it keeps its deadline at 10 (3 left, 40 % of 7 is 2.8: too much) - so it has
// 2 left instead: it used 2. 40 % of 7 is 2.8 > 2: kept, and it preempts E.
TABLE(waking_early_keeps_the_deadline, CORES(1),
      OPS("D", DL("4ms", "10ms", "10ms"), C("2ms") ", " S("1ms") ", " C("1ms"))
          JOB("E", "8ms", DL("9ms", "15ms", "20ms") AT("1ms")),
      {"D@0 E@2 D@3 E@4"}, {{"D", 4 * MS, 0, 0}, {"E", 10 * MS, 1 * MS, 2 * MS}})

// ---- priority inversion and inheritance

// L holds the lock when H comes at 1 and waits for it; M, between them, comes at 2 and computes.
#define INVERSION(kind)                                                                            \
    "locks: { l: " kind " }\nmachine: { costs: zero, " CORES(                                      \
        1) " }\nthreads:\n"                                                                        \
           "  - { name: L, policy: fifo 10, run: [ { with: { lock: l, do: [ { compute: 10ms } ] "  \
           "} }, "                                                                                 \
           "{ compute: 1ms } ] }\n"                                                                \
           "  - { name: H, policy: fifo 30, start: 1ms, run: [ { with: { lock: l, do: [ { "        \
           "compute: 5ms "                                                                         \
           "} ] } } ] }\n"                                                                         \
           "  - { name: M, policy: fifo 20, start: 2ms, run: [ { compute: 50ms } ] }\n"

// Without inheritance M preempts L, and H waits for M: L 0-2 (1-1: H), M 2-52, L 52-60, H 60-65.
static void inversion_without_inheritance(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, INVERSION("lock"));
    assert_string_equal(simulated_turns(&run, 0, 1e9), "L@0 H@1 L@1 M@2 L@52 H@60 L@65");
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "H"), 65 * MS);
    simulated_free(&run);
}

// With it L runs on at H's priority until it releases at 10; H 10-15, M 15-65, L 65-66.
static void inheritance_cures_it(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, INVERSION("pi"));
    assert_string_equal(simulated_turns(&run, 0, 1e9), "L@0 H@1 L@1 H@10 M@15 L@65");
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "H"), 15 * MS);
    assert_int_equal(simulated_count(&run, EVENT_PRIORITY_LENT, "L"), 1);
    assert_int_equal(simulated_time_of(&run, EVENT_PRIORITY_BACK, "L"), 10 * MS);
    simulated_free(&run);
}

// A normal thread that holds a pi lock becomes realtime for as long.
static void a_normal_holder_becomes_realtime(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run,
             "locks: { l: pi }\nmachine: { costs: zero, " CORES(
                 1) " }\nthreads:\n"
                    "  - { name: N, run: [ { with: { lock: l, do: [ { compute: 10ms } ] } }, { "
                    "compute: 1ms } ] }\n"
                    "  - { name: R, policy: fifo 1, start: 2ms, run: [ { compute: 20ms } ] }\n"
                    "  - { name: H, policy: fifo 30, start: 1ms, run: [ { with: { lock: l, do: [ { "
                    "compute: 5ms } ] } } ] }\n");
    assert_string_equal(simulated_turns(&run, 0, 1e9), "N@0 H@1 N@1 H@10 R@15 N@35");
    simulated_free(&run);
}

// Through a chain: H waits for M's lock b, M for L's lock a: L runs at H's priority, past X.
// L 0-1, M takes b at 1 and waits for a; H at 2 waits for b; X (25) at 3 must wait. L to 10, then M
// has a and b to 12, H 12-13, X.
static void priority_goes_through_a_chain(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run,
             "locks: { a: pi, b: pi }\nmachine: { costs: zero, " CORES(
                 1) " }\nthreads:\n"
                    "  - { name: L, policy: fifo 10, run: [ { with: { lock: a, do: [ { compute: "
                    "10ms } ] } } ] }\n"
                    "  - { name: M, policy: fifo 20, start: 1ms, run: [ { lock: b }, { lock: a }, "
                    "{ compute: 2ms }, { unlock: a }, { unlock: b }, { compute: 7ms } ] }\n"
                    "  - { name: H, policy: fifo 30, start: 2ms, run: [ { with: { lock: b, do: [ { "
                    "compute: 1ms } ] } } ] }\n"
                    "  - { name: X, policy: fifo 25, start: 3ms, run: [ { compute: 4ms } ] }\n");
    assert_string_equal(simulated_turns(&run, 0, 1e9),
                        "L@0 M@1 L@1 H@2 L@2 M@10 H@12 X@13 M@17 L@24");
    // L had M's 20 at 1 and H's 30 at 2; M had H's 30.
    assert_int_equal(simulated_count(&run, EVENT_PRIORITY_LENT, "L"), 2);
    assert_int_equal(simulated_count(&run, EVENT_PRIORITY_LENT, "M"), 1);
    simulated_free(&run);
}

// H (30) lends L (10) its priority from 1 to 4, when it gives up: M (20), which L kept out, is next
// once H has done its 1 ms, and L goes on with what is left of its 10 at 11.
static void who_gives_up_takes_its_priority_back(void **state)
{
    (void)state;
    Simulated run;
    simulate(
        &run,
        "locks: { l: pi }\nmachine: { costs: zero, " CORES(
            1) " }\nthreads:\n"
               "  - { name: L, policy: fifo 10, run: [ { with: { lock: l, do: [ { compute: "
               "10ms } ] } } ] }\n"
               "  - { name: H, policy: fifo 30, start: 1ms, run: [ { with: { lock: l, timeout: "
               "3ms, do: [ { compute: 9ms } ], else: [ { compute: 1ms } ] } } ] }\n"
               "  - { name: M, policy: fifo 20, start: 2ms, run: [ { compute: 6ms } ] }\n");
    assert_string_equal(simulated_turns(&run, 0, 1e9), "L@0 H@1 L@1 H@4 M@5 L@11");
    assert_int_equal(simulated_time_of(&run, EVENT_PRIORITY_BACK, "L"), 4 * MS);
    assert_int_equal(simulated_count(&run, EVENT_LOCK_TAKEN, "H"), 0);
    simulated_free(&run);
}

// The waiter with the highest priority gets the lock. A (10) and B (20) wait when L releases at 9:
// B has it. D (20), which could not preempt L at its lent 20, comes to the lock only now; it is
// before A all the same.
static void the_highest_waiter_is_first(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "locks: { l: pi }\nmachine: { costs: zero, " CORES(
                       1) " }\nthreads:\n"
                          "  - { name: L, policy: fifo 1, run: [ { with: { lock: l, do: [ { "
                          "compute: 9ms } ] } } ] }\n"
                          "  - { name: A, policy: fifo 10, start: 1ms, run: [ { with: { lock: l, "
                          "do: [ { compute: 1ms } ] } } ] }\n"
                          "  - { name: B, policy: fifo 20, start: 2ms, run: [ { with: { lock: l, "
                          "do: [ { compute: 1ms } ] } } ] }\n"
                          "  - { name: D, policy: fifo 20, start: 3ms, run: [ { with: { lock: l, "
                          "do: [ { compute: 1ms } ] } } ] }\n");
    assert_string_equal(simulated_turns(&run, 0, 1e9),
                        "L@0 A@1 L@1 B@2 L@2 D@9 B@9 D@10 A@11 L@12");
    simulated_free(&run);
}

// What one lock lent is given back with it; what another lends is kept. L holds a and b; A (20)
// waits for a, B (30) for b. Releasing b at 4 L falls to 20, still past M (15).
static void releasing_one_of_two_locks(void **state)
{
    (void)state;
    Simulated run;
    simulate(
        &run,
        "locks: { a: pi, b: pi }\nmachine: { costs: zero, " CORES(
            1) " }\nthreads:\n"
               "  - { name: L, policy: fifo 10, run: [ { lock: a }, { lock: b }, { compute: 4ms }, "
               "{ unlock: b }, { compute: 4ms }, { unlock: a }, { compute: 1ms } ] }\n"
               "  - { name: A, policy: fifo 20, start: 1ms, run: [ { with: { lock: a, do: [ { "
               "compute: 1ms } ] } } ] }\n"
               "  - { name: B, policy: fifo 30, start: 2ms, run: [ { with: { lock: b, do: [ { "
               "compute: 1ms } ] } } ] }\n"
               "  - { name: M, policy: fifo 15, start: 3ms, run: [ { compute: 5ms } ] }\n");
    assert_string_equal(simulated_turns(&run, 0, 1e9), "L@0 A@1 L@1 B@2 L@2 B@4 L@5 A@9 M@10 L@15");
    simulated_free(&run);
}

// L is lent H's priority while it waits for a core behind M: it goes before M at once. L 0-1, M
// 1-2, L 2-11, H 11-16, M 16-45; L ends when it next has the core.
static void a_boosted_waiter_runs_at_once(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run,
             "locks: { l: pi }\nmachine: { costs: zero, " CORES(
                 1) " }\nthreads:\n"
                    "  - { name: L, policy: fifo 10, run: [ { with: { lock: l, do: [ { compute: "
                    "10ms } ] } } ] }\n"
                    "  - { name: M, policy: fifo 20, start: 1ms, run: [ { compute: 30ms } ] }\n"
                    "  - { name: H, policy: fifo 30, start: 2ms, run: [ { with: { lock: l, do: [ { "
                    "compute: 5ms } ] } } ] }\n");
    assert_string_equal(simulated_turns(&run, 0, 1e9), "L@0 M@1 H@2 L@2 H@11 M@16 L@45");
    simulated_free(&run);
}

// L, normal, runs on core 1 when H, on core 0, comes to wait for its lock at 1: L is realtime from
// then on, so that R, which may run on core 1 only, does not preempt it at 2. At 10 L is normal
// again and makes way at once.
static void a_running_holder_is_boosted_where_it_is(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "locks: { l: pi }\nmachine: { costs: zero, " CORES(
                       2) " }\nthreads:\n"
                          "  - { name: L, affinity: 1, run: [ { with: { lock: l, do: [ { compute: "
                          "10ms } ] } }, "
                          "{ compute: 1ms } ] }\n"
                          "  - { name: H, affinity: 0, policy: fifo 30, start: 1ms, run: [ { with: "
                          "{ lock: l, do: "
                          "[ { compute: 5ms } ] } } ] }\n"
                          "  - { name: R, affinity: 1, policy: fifo 20, start: 2ms, run: [ { "
                          "compute: 3ms } ] }\n");
    assert_string_equal(simulated_turns(&run, 1, 1e9), "L@0 R@10 L@13 -@14");
    assert_string_equal(simulated_turns(&run, 0, 1e9), "H@1 -@1 H@10");
    simulated_free(&run);
}

// A deadline is lent like a priority, without its runtime: N, normal, holds the lock for 10 ms,
// longer than D's runtime of 2, and is not throttled.
static void a_deadline_is_lent(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run,
             "locks: { l: pi }\nmachine: { costs: zero, " CORES(
                 1) " }\nthreads:\n"
                    "  - { name: N, run: [ { with: { lock: l, do: [ { compute: 10ms } ] } } ] }\n"
                    "  - { name: R, policy: fifo 99, start: 2ms, run: [ { compute: 20ms } ] }\n"
                    "  - { name: D, policy: { deadline: { runtime: 2ms, period: 100ms } }, start: "
                    "1ms, run: [ { "
                    "with: { lock: l, do: [ { compute: 1ms } ] } } ] }\n");
    assert_string_equal(simulated_turns(&run, 0, 1e9), "N@0 D@1 N@1 D@10 R@11 N@31");
    simulated_free(&run);
}

// R is preempted on core 0 by P, which may run nowhere else, and pushed to core 1 at once, where N
// is less urgent.
TABLE(a_preempted_thread_is_pushed, CORES(2),
      JOB("R", "5ms", FIFO(10)) JOB("N", "9ms", ", affinity: 1")
          JOB("P", "3ms", FIFO(20) ", affinity: 0, start: 2ms"),
      {"R@0 P@2 -@5", "N@0 R@2 N@5"}, {{"R", 5 * MS, 0, 0}, {"N", 12 * MS, 0, 3 * MS}})

// ---- batch and idle

// An idle thread has next to no share: weight 3 to 1024, 0.29 %.
static void idle_threads_have_next_to_nothing(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { costs: zero, " CORES(1) " }\nuntil: 30s\nthreads:\n" JOB(
                       "N", "100s", "") JOB("I", "100s", ", policy: idle"));
    double share = (double)simulated_on_core(&run, "I") / 30e9;
    assert_true(share > 0.0025 && share < 0.0035);
    simulated_free(&run);
}

// It is preempted by any wake-up, at once: S wakes up every 10 ms and never waits.
static void idle_threads_are_preempted_at_once(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run,
             "machine: { costs: zero, " CORES(
                 1) " }\nthreads:\n"
                    "  - { name: I, daemon: true, policy: idle, run: [ { compute: 100s } ] }\n"
                    "  - { name: S, run: [ { repeat: { times: 50, do: [ { sleep: 10ms }, { "
                    "compute: 2ms } ] } } ] }\n");
    int64_t waits[64];
    size_t count = simulated_wake_latencies(&run, "S", waits, 64);
    assert_int_equal(count, 50);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(waits[i], 0);
    simulated_free(&run);
}

// A batch thread's wake-ups preempt nobody: it waits for a tick, up to 4 ms, each time.
static void batch_threads_do_not_preempt(void **state)
{
    (void)state;
    for (int batch = 0; batch < 2; batch++) {
        char yaml[512];
        snprintf(yaml, sizeof yaml,
                 "machine: { costs: zero, " CORES(
                     1) " }\nthreads:\n"
                        "  - { name: H, daemon: true, run: [ { compute: 100s } ] }\n"
                        "  - { name: S, policy: %s, run: [ { repeat: { times: 50, do: [ { sleep: "
                        "7ms }, { "
                        "compute: 100us } ] } } ] }\n",
                 batch == 1 ? "batch" : "normal");
        Simulated run;
        simulate(&run, yaml);
        int64_t waits[64];
        size_t count = simulated_wake_latencies(&run, "S", waits, 64);
        assert_int_equal(count, 50);
        int at_once = 0;
        for (size_t i = 0; i < count; i++)
            at_once += waits[i] == 0;
        if (batch == 1)
            assert_true(at_once <= 3); // only when it wakes up at a tick
        else
            assert_true(at_once >= 25);
        simulated_free(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(realtime_goes_before_normal),
        cmocka_unit_test(preempted_stays_first_of_its_priority),
        cmocka_unit_test(equal_priority_waits),
        cmocka_unit_test(yield_goes_to_the_tail),
        cmocka_unit_test(yield_alone_keeps_the_core),
        cmocka_unit_test(woken_goes_to_the_tail),
        cmocka_unit_test(priorities_in_order),
        cmocka_unit_test(turns_of_100_ms),
        cmocka_unit_test(a_turn_is_counted_in_ticks),
        cmocka_unit_test(rr_beside_fifo),
        cmocka_unit_test(a_preempted_turn_goes_on),
        cmocka_unit_test(normal_threads_get_50_ms_of_a_second),
        cmocka_unit_test(with_costs_it_is_5_1_percent),
        cmocka_unit_test(time_in_the_background_counts),
        cmocka_unit_test(without_normal_threads_nothing_happens),
        cmocka_unit_test(the_server_serves_any_scheduler),
        cmocka_unit_test(urgent_threads_take_the_least_urgent_core),
        cmocka_unit_test(the_lowest_priority_makes_way),
        cmocka_unit_test(pinned_urgent_thread),
        cmocka_unit_test(earliest_deadline_first),
        cmocka_unit_test(an_earlier_deadline_preempts),
        cmocka_unit_test(a_hog_is_throttled),
        cmocka_unit_test(throttling_is_exact_at_ticks),
        cmocka_unit_test(admitted_threads_all_get_their_runtime),
        cmocka_unit_test(yield_waits_for_the_next_period),
        cmocka_unit_test(waking_late_begins_a_new_period),
        cmocka_unit_test(waking_early_keeps_the_deadline),
        cmocka_unit_test(inversion_without_inheritance),
        cmocka_unit_test(inheritance_cures_it),
        cmocka_unit_test(a_normal_holder_becomes_realtime),
        cmocka_unit_test(priority_goes_through_a_chain),
        cmocka_unit_test(the_highest_waiter_is_first),
        cmocka_unit_test(who_gives_up_takes_its_priority_back),
        cmocka_unit_test(releasing_one_of_two_locks),
        cmocka_unit_test(a_boosted_waiter_runs_at_once),
        cmocka_unit_test(a_running_holder_is_boosted_where_it_is),
        cmocka_unit_test(a_deadline_is_lent),
        cmocka_unit_test(a_preempted_thread_is_pushed),
        cmocka_unit_test(idle_threads_have_next_to_nothing),
        cmocka_unit_test(idle_threads_are_preempted_at_once),
        cmocka_unit_test(batch_threads_do_not_preempt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
