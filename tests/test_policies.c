// FIFO and RR on the textbook machine (costs: zero) against tables worked out by hand. Each test
// shows who has the core when ("A@0 B@5": A from 0 ms, B from 5 ms, "-" for nobody) and then the
// turnaround, response and wait of every job to the nanosecond; the comment derives them. At the
// end a few hundred random job sets are compared with a loop that knows no events.
#include "tests/jobs.h"
#include "tests/simulate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MS = 1000000 };

// From its arrival to its end, to its first time on a core, and in between runnable without one.
typedef struct Job {
    const char *name;
    int64_t turnaround_ns, response_ns, wait_ns;
} Job;

enum { JOBS_MAX = 8, CORES_SHOWN = 2 };

typedef struct Table {
    const char *machine; // keys of `machine:` besides the costs
    const char *threads;
    const char *turns[CORES_SHOWN]; // by core
    Job jobs[JOBS_MAX];
} Table;

static void expect_job(const Simulated *run, const Metrics *metrics, const Job *job)
{
    const ThreadMetrics *thread = simulated_thread(run, metrics, job->name);
    int64_t turnaround = thread->end_ns - thread->start_ns;
    int64_t response = thread->first_ns - thread->start_ns;
    if (turnaround != job->turnaround_ns || response != job->response_ns ||
        thread->wait_ns != job->wait_ns)
        fail_msg("%s: turnaround %lld, response %lld, wait %lld; expected %lld, %lld, %lld",
                 job->name, (long long)turnaround, (long long)response, (long long)thread->wait_ns,
                 (long long)job->turnaround_ns, (long long)job->response_ns,
                 (long long)job->wait_ns);
}

static void expect_table(const Table *table)
{
    char yaml[4096];
    snprintf(yaml, sizeof yaml, "machine: { costs: zero, %s }\nthreads:\n%s", table->machine,
             table->threads);
    Simulated run;
    simulate(&run, yaml);
    assert_int_equal(run.result.end, END_DONE);
    for (int core = 0; core < CORES_SHOWN; core++)
        if (table->turns[core] != NULL)
            assert_string_equal(simulated_turns(&run, core, 1e9), table->turns[core]);
    static Metrics metrics;
    simulated_measure(&run, &metrics);
    for (int i = 0; i < JOBS_MAX && table->jobs[i].name != NULL; i++)
        expect_job(&run, &metrics, &table->jobs[i]);
    metrics_free(&metrics);
    simulated_free(&run);
}

#define TABLE(name, ...)                                                                           \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        expect_table(&(Table){__VA_ARGS__});                                                       \
    }

#define FIFO       "cores: 1, scheduler: fifo"
#define FIFO2      "cores: 2, scheduler: fifo"
#define RR(slice)  "cores: 1, scheduler: { policy: rr, slice: " slice " }"
#define RR2(slice) "cores: 2, scheduler: { policy: rr, slice: " slice " }"

// A job that only computes, and one of any ops; `more` is "" or ", start: 5ms" and the like.
#define JOB(name, length, more) "  - { name: " name more ", run: [ { compute: " length " } ] }\n"
#define OPS(name, ops)          "  - { name: " name ", run: [ " ops " ] }\n"
#define C(length)               "{ compute: " length " }"
#define S(length)               "{ sleep: " length " }"

// ---- FIFO, one core

// In the order of the file: A 0-5, B 5-8, C 8-16.
TABLE(fifo_equal_arrivals_run_in_file_order, FIFO,
      JOB("A", "5ms", "") JOB("B", "3ms", "") JOB("C", "8ms", ""), {"A@0 B@5 C@8"},
      {{"A", 5 * MS, 0, 0}, {"B", 8 * MS, 5 * MS, 5 * MS}, {"C", 16 * MS, 8 * MS, 8 * MS}})

// The convoy: mean turnaround (100 + 110 + 120) / 3 = 110, where the reverse order has 50.
TABLE(fifo_convoy, FIFO, JOB("A", "100ms", "") JOB("B", "10ms", "") JOB("C", "10ms", ""),
      {"A@0 B@100 C@110"},
      {{"A", 100 * MS, 0, 0},
       {"B", 110 * MS, 100 * MS, 100 * MS},
       {"C", 120 * MS, 110 * MS, 110 * MS}})

// A 0-3, nobody 3-5, B 5-7; C comes at 6 and runs 7-11: turnaround 5, wait 1.
TABLE(fifo_idles_until_the_next_arrival, FIFO,
      JOB("A", "3ms", "") JOB("B", "2ms", ", start: 5ms") JOB("C", "4ms", ", start: 6ms"),
      {"A@0 -@3 B@5 C@7"},
      {{"A", 3 * MS, 0, 0}, {"B", 2 * MS, 0, 0}, {"C", 5 * MS, 1 * MS, 1 * MS}})

// The five processes of Stallings, Operating Systems, table 9.4: they come at 0, 2, 4, 6, 8 and
// need 3, 6, 4, 5, 2. His figure 9.5, FCFS, has them end at 3, 9, 13, 18, 20.
#define STALLINGS                                                                                  \
    JOB("A", "3ms", "")                                                                            \
    JOB("B", "6ms", ", start: 2ms")                                                                \
    JOB("C", "4ms", ", start: 4ms")                                                                \
    JOB("D", "5ms", ", start: 6ms") JOB("E", "2ms", ", start: 8ms")
#define STALLINGS_FCFS                                                                             \
    {                                                                                              \
        {"A", 3 * MS, 0, 0}, {"B", 7 * MS, 1 * MS, 1 * MS}, {"C", 9 * MS, 5 * MS, 5 * MS},         \
            {"D", 12 * MS, 7 * MS, 7 * MS},                                                        \
        {                                                                                          \
            "E", 12 * MS, 10 * MS, 10 * MS                                                         \
        }                                                                                          \
    }
TABLE(fifo_textbook_table, FIFO, STALLINGS, {"A@0 B@3 C@9 D@13 E@18"}, STALLINGS_FCFS)

// A ends at 4, when B comes; C has waited since 1 and goes first: C 4-7, B 7-9.
TABLE(fifo_arrival_at_a_completion_queues_behind, FIFO,
      JOB("A", "4ms", "") JOB("B", "2ms", ", start: 4ms") JOB("C", "3ms", ", start: 1ms"),
      {"A@0 C@4 B@7"},
      {{"A", 4 * MS, 0, 0}, {"C", 6 * MS, 3 * MS, 3 * MS}, {"B", 5 * MS, 3 * MS, 3 * MS}})

// A ends at 4, when B comes and nobody waits: B runs at once, and the core is not idle in between.
TABLE(fifo_arrival_at_a_completion_runs_at_once, FIFO,
      JOB("A", "4ms", "") JOB("B", "2ms", ", start: 4ms"), {"A@0 B@4"},
      {{"A", 4 * MS, 0, 0}, {"B", 2 * MS, 0, 0}})

// B and A both come at 2 and queue up as they stand in the file: Z 0-5, B 5-6, A 6-7.
TABLE(fifo_ties_queue_in_file_order, FIFO,
      JOB("Z", "5ms", "") JOB("B", "1ms", ", start: 2ms") JOB("A", "1ms", ", start: 2ms"),
      {"Z@0 B@5 A@6"},
      {{"Z", 5 * MS, 0, 0}, {"B", 4 * MS, 3 * MS, 3 * MS}, {"A", 5 * MS, 4 * MS, 4 * MS}})

// Three of one entry come together, in the order of their numbers, before the next entry's.
TABLE(fifo_count_makes_jobs_in_order, FIFO, JOB("J", "2ms", ", count: 3") JOB("K", "1ms", ""),
      {"J-1@0 J-2@2 J-3@4 K@6"},
      {{"J-1", 2 * MS, 0, 0},
       {"J-2", 4 * MS, 2 * MS, 2 * MS},
       {"J-3", 6 * MS, 4 * MS, 4 * MS},
       {"K", 7 * MS, 6 * MS, 6 * MS}})

TABLE(fifo_one_job_alone, FIFO, JOB("A", "7ms", ""), {"A@0"}, {{"A", 7 * MS, 0, 0}})

// A 0-2, sleeps 2-5, waits 5-6 for B, runs 6-8.
TABLE(fifo_sleeper_waits_its_turn, FIFO,
      OPS("A", C("2ms") ", " S("3ms") ", " C("2ms")) JOB("B", "4ms", ""), {"A@0 B@2 A@6"},
      {{"A", 8 * MS, 0, 1 * MS}, {"B", 6 * MS, 2 * MS, 2 * MS}})

// A sleeps from 1 for 4, B from 2 for 3: both wake at 5. A's timer was set first, so A goes first:
// A 5-6, B 6-7. B has waited 0-1 and 5-6.
TABLE(fifo_sleepers_wake_in_the_order_of_their_timers, FIFO,
      OPS("A", C("1ms") ", " S("4ms") ", " C("1ms")) OPS("B", C("1ms") ", " S("3ms") ", " C("1ms")),
      {"A@0 B@1 -@2 A@5 B@6"}, {{"A", 6 * MS, 0, 0}, {"B", 7 * MS, 1 * MS, 2 * MS}})

// A wakes at 5, when B ends; C waits since 0: C 5-9, A 9-10 after a wait of 4.
TABLE(fifo_wakeup_at_a_completion_queues_behind, FIFO,
      OPS("A", C("2ms") ", " S("3ms") ", " C("1ms")) JOB("B", "3ms", "") JOB("C", "4ms", ""),
      {"A@0 B@2 C@5 A@9"},
      {{"A", 10 * MS, 0, 4 * MS}, {"B", 5 * MS, 2 * MS, 2 * MS}, {"C", 9 * MS, 5 * MS, 5 * MS}})

// A wakes at 5, when D comes: timers go before arrivals. B 2-8, A 8-9, D 9-10.
TABLE(fifo_wakeup_goes_before_an_arrival, FIFO,
      OPS("A", C("2ms") ", " S("3ms") ", " C("1ms")) JOB("B", "6ms", "")
          JOB("D", "1ms", ", start: 5ms"),
      {"A@0 B@2 A@8 D@9"},
      {{"A", 9 * MS, 0, 3 * MS}, {"B", 8 * MS, 2 * MS, 2 * MS}, {"D", 5 * MS, 4 * MS, 4 * MS}})

// A gives way at 2: B 2-5, A 5-7.
TABLE(fifo_yield_goes_to_the_tail, FIFO,
      OPS("A", C("2ms") ", yield, " C("2ms")) JOB("B", "3ms", ""), {"A@0 B@2 A@5"},
      {{"A", 7 * MS, 0, 3 * MS}, {"B", 5 * MS, 2 * MS, 2 * MS}})

// With nobody to give way to, a yield changes nothing.
TABLE(fifo_yield_alone_keeps_the_core, FIFO,
      OPS("A", C("1ms") ", yield, " C("1ms") ", yield, " C("1ms")), {"A@0"}, {{"A", 3 * MS, 0, 0}})

TABLE(fifo_ignores_nice, FIFO, JOB("A", "5ms", ", nice: 19") JOB("B", "3ms", ", nice: -20"),
      {"A@0 B@5"}, {{"A", 5 * MS, 0, 0}, {"B", 8 * MS, 5 * MS, 5 * MS}})

// 7 + 1 + 1,000,000,000 ns: nothing is rounded.
TABLE(fifo_counts_nanoseconds, FIFO, JOB("A", "7ns", "") JOB("B", "1ns", "") JOB("C", "1s", ""),
      {"A@0 B@7e-06 C@8e-06"}, {{"A", 7, 0, 0}, {"B", 8, 7, 7}, {"C", 1000000008, 8, 8}})

// ---- FIFO, two cores

// New threads go to the idle core with the lowest number: A on 0, B on 1. With none idle, to the
// core with the least weight to run, the lower number first: C on 0 (1 : 1), D on 1 (2 : 1). Core
// 1: B 0-2, D 2-3; falling idle it takes C, which waits on core 0: C 3-7.
TABLE(fifo_two_cores_share_the_queue_when_one_falls_idle, FIFO2,
      JOB("A", "6ms", "") JOB("B", "2ms", "") JOB("C", "4ms", "") JOB("D", "1ms", ""),
      {"A@0 -@6", "B@0 D@2 C@3"},
      {{"A", 6 * MS, 0, 0},
       {"B", 2 * MS, 0, 0},
       {"C", 7 * MS, 3 * MS, 3 * MS},
       {"D", 3 * MS, 2 * MS, 2 * MS}})

// The same jobs, pinned: two queues that know nothing of each other. C stays: 6-10.
TABLE(fifo_pinned_jobs_stay, FIFO2,
      JOB("A", "6ms", ", affinity: 0") JOB("B", "2ms", ", affinity: 1")
          JOB("C", "4ms", ", affinity: 0") JOB("D", "1ms", ", affinity: 1"),
      {"A@0 C@6", "B@0 D@2 -@3"},
      {{"A", 6 * MS, 0, 0},
       {"B", 2 * MS, 0, 0},
       {"C", 10 * MS, 6 * MS, 6 * MS},
       {"D", 3 * MS, 2 * MS, 2 * MS}})

// A on 0, B on 1, C on 0. A gives way to C at 3. B ends at 3.2 and its core takes A, although A has
// left core 0 only just: there are no ticks at which it could look again. A 3.2-5.2.
TABLE(fifo_an_idle_core_takes_who_waits, FIFO2,
      OPS("A", C("3ms") ", yield, " C("2ms")) JOB("B", "3200us", "") JOB("C", "4ms", ""),
      {"A@0 C@3", "B@0 A@3.2 -@5.2"},
      {{"A", 5200000, 0, 200000}, {"B", 3200000, 0, 0}, {"C", 7 * MS, 3 * MS, 3 * MS}})

// A and C share core 0, B has core 1. A's turns are 0-10, 20-30, …: at 100, when B ends, A and C
// have had 50 each; the one whose turn it is stays, the other one goes to core 1, and both end at
// 150.
TABLE(rr_an_idle_core_takes_who_waits, RR2("10ms"),
      JOB("A", "100ms", "") JOB("B", "100ms", "") JOB("C", "100ms", ""),
      {"A@0 C@10 A@20 C@30 A@40 C@50 A@60 C@70 A@80 C@90 A@100", "B@0 C@100"},
      {{"A", 150 * MS, 0, 50 * MS}, {"B", 100 * MS, 0, 0}, {"C", 150 * MS, 10 * MS, 50 * MS}})

// ---- RR, one core

// Arpaci-Dusseau, figure 7.7: three jobs of 5, a slice of 1. Responses 0, 1, 2: mean 1.
TABLE(rr_three_equal_jobs, RR("1ms"), JOB("A", "5ms", "") JOB("B", "5ms", "") JOB("C", "5ms", ""),
      {"A@0 B@1 C@2 A@3 B@4 C@5 A@6 B@7 C@8 A@9 B@10 C@11 A@12 B@13 C@14"},
      {{"A", 13 * MS, 0, 8 * MS}, {"B", 14 * MS, 1 * MS, 9 * MS}, {"C", 15 * MS, 2 * MS, 10 * MS}})

// A's work ends exactly with its slice, at 4: it has ended and does not queue again. B 4-8, C 8-11,
// B 11-13.
TABLE(rr_job_that_ends_with_its_slice, RR("4ms"),
      JOB("A", "4ms", "") JOB("B", "6ms", "") JOB("C", "3ms", ""), {"A@0 B@4 C@8 B@11"},
      {{"A", 4 * MS, 0, 0}, {"B", 13 * MS, 4 * MS, 7 * MS}, {"C", 11 * MS, 8 * MS, 8 * MS}})

// B comes at 4, when A's slice ends. The core decides after all else of that instant, so B is
// there: B 4-7, A 7-11.
TABLE(rr_arrival_at_a_slice_end_goes_first, RR("4ms"),
      JOB("A", "8ms", "") JOB("B", "3ms", ", start: 4ms"), {"A@0 B@4 A@7"},
      {{"A", 11 * MS, 0, 3 * MS}, {"B", 3 * MS, 0, 0}})

// The same with C waiting since 1: at 4 the queue is C, B, and A behind them. C 4-6, B 6-9, A 9-13.
TABLE(rr_arrival_at_a_slice_end_queues_before_the_preempted, RR("4ms"),
      JOB("A", "8ms", "") JOB("B", "3ms", ", start: 4ms") JOB("C", "2ms", ", start: 1ms"),
      {"A@0 C@4 B@6 A@9"},
      {{"A", 13 * MS, 0, 5 * MS}, {"C", 5 * MS, 3 * MS, 3 * MS}, {"B", 5 * MS, 2 * MS, 2 * MS}})

// Stallings, figure 9.5, q = 1: they end at 4, 18, 17, 20, 15. Queue behind the one that runs, at
// each ms: 2 B|A 3 A|B 4 B|C 5 C|B 6 B|DC 7 D|CB 8 C|BED 9 B|EDC 10 E|DCB 11 D|CBE 12 C|BED
// 13 B|EDC 14 E|DCB 15 D|CB 16 C|BD 17 B|D 18 D.
TABLE(rr_textbook_table_slice_1, RR("1ms"), STALLINGS,
      {"A@0 B@2 A@3 B@4 C@5 B@6 D@7 C@8 B@9 E@10 D@11 C@12 B@13 E@14 D@15 C@16 B@17 D@18"},
      {{"A", 4 * MS, 0, 1 * MS},
       {"B", 16 * MS, 0, 10 * MS},
       {"C", 13 * MS, 1 * MS, 9 * MS},
       {"D", 14 * MS, 1 * MS, 9 * MS},
       {"E", 7 * MS, 2 * MS, 5 * MS}})

// q = 4: they end at 3, 17, 11, 20, 19. At 7 C and D wait, B goes behind them; C's work ends with
// its slice at 11; at 15 B and E wait, D goes behind them.
TABLE(rr_textbook_table_slice_4, RR("4ms"), STALLINGS, {"A@0 B@3 C@7 D@11 B@15 E@17 D@19"},
      {{"A", 3 * MS, 0, 0},
       {"B", 15 * MS, 1 * MS, 9 * MS},
       {"C", 7 * MS, 3 * MS, 3 * MS},
       {"D", 14 * MS, 5 * MS, 9 * MS},
       {"E", 11 * MS, 9 * MS, 9 * MS}})

// No job is longer than 6: with a slice of 6 (the longest ends with it) or more, RR is FIFO.
TABLE(rr_slice_as_long_as_the_longest_job, RR("6ms"), STALLINGS, {"A@0 B@3 C@9 D@13 E@18"},
      STALLINGS_FCFS)
TABLE(rr_slice_longer_than_every_job, RR("1s"), STALLINGS, {"A@0 B@3 C@9 D@13 E@18"},
      STALLINGS_FCFS)

// Alone, it goes on at the end of each slice without a switch.
TABLE(rr_one_job_alone, RR("4ms"), JOB("A", "25ms", ""), {"A@0"}, {{"A", 25 * MS, 0, 0}})

// Alone at 4, A gets a fresh slice, 4-8. B comes at 5 and waits for its end: B 8-10, A 10-12.
TABLE(rr_fresh_slice_when_alone, RR("4ms"), JOB("A", "10ms", "") JOB("B", "2ms", ", start: 5ms"),
      {"A@0 B@8 A@10"}, {{"A", 12 * MS, 0, 2 * MS}, {"B", 5 * MS, 3 * MS, 3 * MS}})

// A uses 2 of its slice, sleeps 2-5 and comes back with a fresh one: B 2-6, A 6-10, B 10-14,
// A 14-16, B 16-18. A waits 5-6 and 10-14; B 0-2, 6-10 and 14-16.
TABLE(rr_fresh_slice_after_sleep, RR("4ms"),
      OPS("A", C("2ms") ", " S("3ms") ", " C("6ms")) JOB("B", "10ms", ""),
      {"A@0 B@2 A@6 B@10 A@14 B@16"}, {{"A", 16 * MS, 0, 5 * MS}, {"B", 18 * MS, 2 * MS, 8 * MS}})

// A begins to sleep exactly at its slice's end: that is a sleep, not a preemption. B 4-8; A is back
// at 6 and runs 8-9; B 9-10.
TABLE(rr_sleep_at_a_slice_end, RR("4ms"),
      OPS("A", C("4ms") ", " S("2ms") ", " C("1ms")) JOB("B", "5ms", ""), {"A@0 B@4 A@8 B@9"},
      {{"A", 9 * MS, 0, 2 * MS}, {"B", 10 * MS, 4 * MS, 5 * MS}})

// A wakes at 6, when B's slice ends: the queue is C, A, and B behind them. C 6-10, A 10-11,
// B 11-13, C 13-15.
TABLE(rr_wakeup_at_a_slice_end_queues_before_the_preempted, RR("4ms"),
      OPS("A", C("2ms") ", " S("4ms") ", " C("1ms")) JOB("B", "6ms", "") JOB("C", "6ms", ""),
      {"A@0 B@2 C@6 A@10 B@11 C@13"},
      {{"A", 11 * MS, 0, 4 * MS}, {"B", 13 * MS, 2 * MS, 7 * MS}, {"C", 15 * MS, 6 * MS, 9 * MS}})

// Two computations are one stretch of work: their border, at the slice's end, changes nothing.
TABLE(rr_slice_end_between_two_computations, RR("4ms"),
      OPS("A", C("4ms") ", " C("4ms")) JOB("B", "2ms", ""), {"A@0 B@4 A@6"},
      {{"A", 10 * MS, 0, 2 * MS}, {"B", 6 * MS, 4 * MS, 4 * MS}})

// A gives the rest of its slice away at 1 and later gets a whole one: B 1-5, A 5-9, B 9-11,
// A 11-12.
TABLE(rr_yield_gives_up_the_slice, RR("4ms"),
      OPS("A", C("1ms") ", yield, " C("5ms")) JOB("B", "6ms", ""), {"A@0 B@1 A@5 B@9 A@11"},
      {{"A", 12 * MS, 0, 6 * MS}, {"B", 11 * MS, 1 * MS, 5 * MS}})

// A 0-4 ends as B comes; C, there since 0, goes first: C 4-5, B 5-9, B again (alone) 9-11.
TABLE(rr_arrival_at_a_completion_at_a_slice_end, RR("4ms"),
      JOB("A", "4ms", "") JOB("B", "6ms", ", start: 4ms") JOB("C", "1ms", ""), {"A@0 C@4 B@5"},
      {{"A", 4 * MS, 0, 0}, {"B", 7 * MS, 1 * MS, 1 * MS}, {"C", 5 * MS, 4 * MS, 4 * MS}})

TABLE(rr_ignores_nice, RR("2ms"), JOB("A", "3ms", ", nice: 19") JOB("B", "3ms", ", nice: -20"),
      {"A@0 B@2 A@4 B@5"}, {{"A", 5 * MS, 0, 2 * MS}, {"B", 6 * MS, 2 * MS, 3 * MS}})

// In microseconds: A 0-1, B 1-2, A 2-3, B 3-3.5, A 3.5-4. Slices wait for no tick.
TABLE(rr_counts_nanoseconds, RR("1us"), JOB("A", "2500ns", "") JOB("B", "1500ns", ""),
      {"A@0 B@0.001 A@0.002 B@0.003 A@0.0035"}, {{"A", 4000, 0, 1500}, {"B", 3500, 1000, 2000}})

// The slice that the reference promises when none is given: 10 ms.
TABLE(rr_default_slice, "cores: 1, scheduler: rr", JOB("A", "15ms", "") JOB("B", "15ms", ""),
      {"A@0 B@10 A@20 B@25"}, {{"A", 25 * MS, 0, 10 * MS}, {"B", 30 * MS, 10 * MS, 15 * MS}})

// ---- RR, two cores

// A on 0, B on 1, C on 0. Core 0: A 0-2, C 2-4, A from 4. B ends at 5; core 1 takes C, which left
// core 0 one ms ago: C 5-8, its remaining 3. A goes on alone to 7. C has waited 0-2 and 4-5.
TABLE(rr_two_cores_three_jobs, RR2("2ms"),
      JOB("A", "5ms", "") JOB("B", "5ms", "") JOB("C", "5ms", ""), {"A@0 C@2 A@4 -@7", "B@0 C@5"},
      {{"A", 7 * MS, 0, 2 * MS}, {"B", 5 * MS, 0, 0}, {"C", 8 * MS, 2 * MS, 3 * MS}})

// Two pairs on their own cores: each pair takes turns.
TABLE(rr_two_cores_pinned, RR2("1ms"),
      JOB("A", "2ms", ", affinity: 0") JOB("B", "2ms", ", affinity: 1")
          JOB("C", "2ms", ", affinity: 0") JOB("D", "2ms", ", affinity: 1"),
      {"A@0 C@1 A@2 C@3", "B@0 D@1 B@2 D@3"},
      {{"A", 3 * MS, 0, 1 * MS},
       {"B", 3 * MS, 0, 1 * MS},
       {"C", 4 * MS, 1 * MS, 2 * MS},
       {"D", 4 * MS, 1 * MS, 2 * MS}})

// ---- random job sets

typedef struct JobSet {
    int count, slice; // slice 0: FIFO
    int start[JOBS_MAX], length[JOBS_MAX];
    int first[JOBS_MAX], end[JOBS_MAX]; // the reference's answer
} JobSet;

// One unit of time a turn: whoever has used up its work or slice leaves, arrivals queue up, a
// preempted job goes behind them, and the head of the queue runs.
static void reference(JobSet *set)
{
    int queue[1024], head = 0, tail = 0, running = -1, ran = 0, ended = 0;
    int left[JOBS_MAX];
    memcpy(left, set->length, sizeof left);
    for (int now = 0; ended < set->count; now++) {
        int preempted = -1;
        if (running >= 0 && left[running] == 0) {
            set->end[running] = now;
            ended++;
            running = -1;
        } else if (running >= 0 && set->slice > 0 && ran == set->slice) {
            preempted = running;
            running = -1;
        }
        for (int job = 0; job < set->count; job++)
            if (set->start[job] == now)
                queue[tail++] = job;
        if (preempted >= 0)
            queue[tail++] = preempted;
        if (running < 0 && head < tail) {
            running = queue[head++];
            ran = 0;
            if (left[running] == set->length[running])
                set->first[running] = now;
        }
        if (running >= 0) {
            left[running]--;
            ran++;
        }
    }
}

// Small numbers, so that arrivals, ends of slices and ends of jobs often meet.
static JobSet draw_job_set(Rng *rng, bool slices)
{
    JobSet set = {.count = 1 + (int)rng_below(rng, JOBS_MAX)};
    set.slice = slices ? 1 + (int)rng_below(rng, 5) : 0;
    for (int i = 0; i < set.count; i++) {
        set.start[i] = (int)rng_below(rng, 16);
        set.length[i] = 1 + (int)rng_below(rng, 12);
    }
    return set;
}

static void write_job_set(const JobSet *set, char *yaml, size_t bytes)
{
    size_t at = 0;
    if (set->slice > 0)
        at += (size_t)snprintf(yaml, bytes,
                               "machine: { costs: zero, scheduler: { policy: rr, slice: %dms } }\n",
                               set->slice);
    else
        at += (size_t)snprintf(yaml, bytes, "machine: { costs: zero, scheduler: fifo }\n");
    at += (size_t)snprintf(yaml + at, bytes - at, "threads:\n");
    for (int i = 0; i < set->count; i++)
        at += (size_t)snprintf(yaml + at, bytes - at,
                               "  - { name: J%d, start: %dms, run: [ { compute: %dms } ] }\n", i,
                               set->start[i], set->length[i]);
}

static void agree_on_random_job_sets(bool slices)
{
    static Metrics metrics;
    Rng rng = rng_make(1, slices);
    for (int round = 0; round < 400; round++) {
        JobSet set = draw_job_set(&rng, slices);
        reference(&set);
        char yaml[2048];
        write_job_set(&set, yaml, sizeof yaml);
        Simulated run;
        simulate(&run, yaml);
        simulated_measure(&run, &metrics);
        for (int i = 0; i < set.count; i++) {
            char name[16];
            snprintf(name, sizeof name, "J%d", i);
            const ThreadMetrics *thread = simulated_thread(&run, &metrics, name);
            int wait = set.end[i] - set.start[i] - set.length[i];
            if (thread->start_ns != (int64_t)set.start[i] * MS ||
                thread->first_ns != (int64_t)set.first[i] * MS ||
                thread->end_ns != (int64_t)set.end[i] * MS || thread->wait_ns != (int64_t)wait * MS)
                fail_msg("%s: first %lld, end %lld, wait %lld ns; expected %d, %d, %d ms, in\n%s",
                         name, (long long)thread->first_ns, (long long)thread->end_ns,
                         (long long)thread->wait_ns, set.first[i], set.end[i], wait, yaml);
        }
        metrics_free(&metrics);
        simulated_free(&run);
    }
}

static void fifo_agrees_with_a_loop_without_events(void **state)
{
    (void)state;
    agree_on_random_job_sets(false);
}

static void rr_agrees_with_a_loop_without_events(void **state)
{
    (void)state;
    agree_on_random_job_sets(true);
}

// The same loop for jobs that sleep: those who come back queue up in the order in which they went,
// before arrivals.
static void sleepy_reference(ReferenceJobs *jobs, int slice)
{
    int queue[1024], head = 0, tail = 0, running = -1, ran = 0, ended = 0;
    int gone[REFERENCE_JOBS_MAX], gone_count = 0; // in the order in which they went
    for (int now = 0; ended < jobs->count; now++) {
        int preempted = -1;
        ReferenceJob *job = running < 0 ? NULL : &jobs->job[running];
        if (job != NULL && (job->left == 0 || job_sleeps(job))) {
            job->present = false;
            if (job->left == 0) {
                job->end = now;
                ended++;
            } else {
                job->back = now + job->away;
                gone[gone_count++] = running;
            }
            running = -1;
        } else if (job != NULL && slice > 0 && ran == slice) {
            preempted = running;
            running = -1;
        }
        int still_gone = 0;
        for (int i = 0; i < gone_count; i++) {
            if (jobs->job[gone[i]].back == now) {
                jobs->job[gone[i]].back = -1;
                jobs->job[gone[i]].present = true;
                queue[tail++] = gone[i];
            } else {
                gone[still_gone++] = gone[i];
            }
        }
        gone_count = still_gone;
        for (int i = 0; i < jobs->count; i++)
            if (jobs->job[i].start == now) {
                jobs->job[i].present = true;
                queue[tail++] = i;
            }
        if (preempted >= 0)
            queue[tail++] = preempted;
        if (running < 0 && head < tail) {
            running = queue[head++];
            ran = 0;
            if (jobs->job[running].first < 0)
                jobs->job[running].first = now;
        }
        for (int i = 0; i < jobs->count; i++)
            jobs->job[i].wait += jobs->job[i].present && i != running;
        if (running >= 0) {
            jobs->job[running].left--;
            ran++;
        }
    }
}

static void agree_when_jobs_sleep(uint64_t seed, bool slices)
{
    Rng rng = rng_make(seed, 0);
    for (int round = 0; round < 300; round++) {
        ReferenceJobs jobs = jobs_draw(&rng, true);
        int slice = slices ? 1 + (int)rng_below(&rng, 5) : 0;
        sleepy_reference(&jobs, slice);
        char machine[128] = FIFO;
        if (slices)
            snprintf(machine, sizeof machine, "cores: 1, scheduler: { policy: rr, slice: %dms }",
                     slice);
        jobs_agree(&jobs, machine);
    }
}

static void fifo_agrees_when_jobs_sleep(void **state)
{
    (void)state;
    agree_when_jobs_sleep(61, false);
}

static void rr_agrees_when_jobs_sleep(void **state)
{
    (void)state;
    agree_when_jobs_sleep(62, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fifo_equal_arrivals_run_in_file_order),
        cmocka_unit_test(fifo_convoy),
        cmocka_unit_test(fifo_idles_until_the_next_arrival),
        cmocka_unit_test(fifo_textbook_table),
        cmocka_unit_test(fifo_arrival_at_a_completion_queues_behind),
        cmocka_unit_test(fifo_arrival_at_a_completion_runs_at_once),
        cmocka_unit_test(fifo_ties_queue_in_file_order),
        cmocka_unit_test(fifo_count_makes_jobs_in_order),
        cmocka_unit_test(fifo_one_job_alone),
        cmocka_unit_test(fifo_sleeper_waits_its_turn),
        cmocka_unit_test(fifo_sleepers_wake_in_the_order_of_their_timers),
        cmocka_unit_test(fifo_wakeup_at_a_completion_queues_behind),
        cmocka_unit_test(fifo_wakeup_goes_before_an_arrival),
        cmocka_unit_test(fifo_yield_goes_to_the_tail),
        cmocka_unit_test(fifo_yield_alone_keeps_the_core),
        cmocka_unit_test(fifo_ignores_nice),
        cmocka_unit_test(fifo_counts_nanoseconds),
        cmocka_unit_test(fifo_two_cores_share_the_queue_when_one_falls_idle),
        cmocka_unit_test(fifo_pinned_jobs_stay),
        cmocka_unit_test(fifo_an_idle_core_takes_who_waits),
        cmocka_unit_test(rr_an_idle_core_takes_who_waits),
        cmocka_unit_test(rr_three_equal_jobs),
        cmocka_unit_test(rr_job_that_ends_with_its_slice),
        cmocka_unit_test(rr_arrival_at_a_slice_end_goes_first),
        cmocka_unit_test(rr_arrival_at_a_slice_end_queues_before_the_preempted),
        cmocka_unit_test(rr_textbook_table_slice_1),
        cmocka_unit_test(rr_textbook_table_slice_4),
        cmocka_unit_test(rr_slice_as_long_as_the_longest_job),
        cmocka_unit_test(rr_slice_longer_than_every_job),
        cmocka_unit_test(rr_one_job_alone),
        cmocka_unit_test(rr_fresh_slice_when_alone),
        cmocka_unit_test(rr_fresh_slice_after_sleep),
        cmocka_unit_test(rr_sleep_at_a_slice_end),
        cmocka_unit_test(rr_wakeup_at_a_slice_end_queues_before_the_preempted),
        cmocka_unit_test(rr_slice_end_between_two_computations),
        cmocka_unit_test(rr_yield_gives_up_the_slice),
        cmocka_unit_test(rr_arrival_at_a_completion_at_a_slice_end),
        cmocka_unit_test(rr_ignores_nice),
        cmocka_unit_test(rr_counts_nanoseconds),
        cmocka_unit_test(rr_default_slice),
        cmocka_unit_test(rr_two_cores_three_jobs),
        cmocka_unit_test(rr_two_cores_pinned),
        cmocka_unit_test(fifo_agrees_with_a_loop_without_events),
        cmocka_unit_test(rr_agrees_with_a_loop_without_events),
        cmocka_unit_test(fifo_agrees_when_jobs_sleep),
        cmocka_unit_test(rr_agrees_when_jobs_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
