// SJF and STCF on the textbook machine against tables worked out by hand, and against a loop that
// knows no events. The tables show who has the core when ("A@0 B@5"), then turnaround, response and
// wait of every job; the comments derive them.
#include "tests/jobs.h"
#include "tests/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SJF  "cores: 1, scheduler: sjf"
#define STCF "cores: 1, scheduler: stcf"

// ---- SJF

// All come at 0: B 0-3, A 3-8, C 8-16. (FIFO: A, B, C.)
TABLE(sjf_runs_the_shortest_first, SJF, JOB("A", "5ms", "") JOB("B", "3ms", "") JOB("C", "8ms", ""),
      {"B@0 A@3 C@8"},
      {{"A", 8 * MS, 3 * MS, 3 * MS}, {"B", 3 * MS, 0, 0}, {"C", 16 * MS, 8 * MS, 8 * MS}})

// The convoy cured: 10, 20, 120, mean 50.
TABLE(sjf_cures_the_convoy, SJF, JOB("A", "100ms", "") JOB("B", "10ms", "") JOB("C", "10ms", ""),
      {"B@0 C@10 A@20"},
      {{"A", 120 * MS, 20 * MS, 20 * MS}, {"B", 10 * MS, 0, 0}, {"C", 20 * MS, 10 * MS, 10 * MS}})

// It does not preempt: A has begun when B and C come at 10, and they wait for 90.
TABLE(sjf_does_not_preempt, SJF,
      JOB("A", "100ms", "") JOB("B", "10ms", ", start: 10ms") JOB("C", "10ms", ", start: 10ms"),
      {"A@0 B@100 C@110"},
      {{"A", 100 * MS, 0, 0},
       {"B", 100 * MS, 90 * MS, 90 * MS},
       {"C", 110 * MS, 100 * MS, 100 * MS}})

// Equal lengths keep the order of the file.
TABLE(sjf_ties_by_file_order, SJF, JOB("B", "4ms", "") JOB("A", "4ms", "") JOB("C", "4ms", ""),
      {"B@0 A@4 C@8"}, {{"B", 4 * MS, 0, 0}, {"A", 8 * MS, 4 * MS, 4 * MS}})

// C is the file's first but comes last; of the equal ones the earlier goes first.
TABLE(sjf_ties_by_arrival, SJF,
      JOB("C", "2ms", ", start: 3ms") JOB("Z", "5ms", "") JOB("A", "2ms", ", start: 1ms"),
      {"Z@0 A@5 C@7"}, {{"A", 6 * MS, 4 * MS, 4 * MS}, {"C", 6 * MS, 4 * MS, 4 * MS}})

// The length is that of a burst: L computes 2 before it sleeps, and goes before M's 3; its second
// burst of 9 goes after N's 4. L 0-2, M 2-5, N 5-9, L (awake since 3) 9-18.
TABLE(sjf_goes_by_the_next_burst, SJF,
      OPS("L", "", C("2ms") ", " S("1ms") ", " C("9ms")) JOB("M", "3ms", "") JOB("N", "4ms", ""),
      {"L@0 M@2 N@5 L@9"}, {{"L", 18 * MS, 0, 6 * MS}, {"M", 5 * MS, 2 * MS, 2 * MS}})

// 3 * 2 in a loop, then 1: a burst of 7, longer than 6.
TABLE(sjf_adds_up_loops, SJF,
      OPS("L", "",
          "{ repeat: { times: 3, do: [ { compute: 1ms }, { compute: 1ms } ] } }, " C("1ms"))
          JOB("M", "6ms", ""),
      {"M@0 L@6"}, {{"L", 13 * MS, 6 * MS, 6 * MS}})

// The rest of a loop counts when a sleeper comes back in it: rounds of 1, sleep, 4: bursts of 1,
// then 4 + 1 = 5 (the end of one round and the begin of the next), then 4. M's 2 and N's 3 go
// before the
// 5. L 0-1, M 1-3, N 3-6, L 6-11, sleeps to 13, L 13-17.
TABLE(sjf_burst_reaches_into_the_next_round, SJF,
      OPS("L", "",
          "{ repeat: { times: 2, do: [ { compute: 1ms }, { sleep: 2ms }, { compute: 4ms } ] } }")
          JOB("M", "2ms", "") JOB("N", "3ms", ""),
      {"L@0 M@1 N@3 L@6 -@11 L@13"}, {{"L", 17 * MS, 0, 3 * MS}})

// What it says overrides what it does: A says 1 and computes 9.
TABLE(sjf_believes_an_estimate, SJF, JOB("A", "9ms", ", estimate: 1ms") JOB("B", "5ms", ""),
      {"A@0 B@9"}, {{"B", 14 * MS, 9 * MS, 9 * MS}})

// A random burst counts with its mean: uniform(2, 6) is 4, less than B's 5 and more than C's 3.
// What it really takes is not known here.
static void sjf_takes_the_mean_of_random_bursts(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { costs: zero, scheduler: sjf }\nthreads:\n" JOB("B", "5ms", "")
                       JOB("A", "\"uniform(2ms, 6ms)\"", "") JOB("C", "3ms", ""));
    const char *turns = simulated_turns(&run, 0, 1e9);
    assert_true(strncmp(turns, "C@0 A@3 B@", 10) == 0);
    simulated_free(&run);
}

// An if counts as its likelier branch: 70 % of 1, else 9: B's 2 waits.
TABLE(sjf_takes_the_likelier_branch, SJF,
      JOB("B", "2ms", "")
          OPS("A", "",
              "{ if: { chance: 100%, then: [ { compute: 1ms } ], else: [ { compute: 9ms } ] } }"),
      {"A@0 B@1"}, {{"A", 1 * MS, 0, 0}, {"B", 3 * MS, 1 * MS, 1 * MS}})

// A yield lets those go that ask for no more than it still does: A has 3 left at 1; B asks for 3, D
// for 9.
TABLE(sjf_yield_to_an_equal, SJF,
      OPS("A", "", C("1ms") ", yield, " C("3ms")) JOB("B", "3ms", ", start: 1ms")
          JOB("D", "9ms", ", start: 0ms"),
      {"A@0 B@1 A@4 D@7"}, {{"A", 7 * MS, 0, 3 * MS}, {"B", 3 * MS, 0, 0}})

// ---- STCF

// The textbook's: A 100 from 0, B and C 10 from 10. B 10-20, C 20-30, A to 120: mean 50.
TABLE(stcf_preempts_for_shorter_jobs, STCF,
      JOB("A", "100ms", "") JOB("B", "10ms", ", start: 10ms") JOB("C", "10ms", ", start: 10ms"),
      {"A@0 B@10 C@20 A@30"},
      {{"A", 120 * MS, 0, 20 * MS}, {"B", 10 * MS, 0, 0}, {"C", 20 * MS, 10 * MS, 10 * MS}})

// A has 4 left when B comes with 4: the running one goes on.
TABLE(stcf_tie_keeps_the_running_job, STCF, JOB("A", "6ms", "") JOB("B", "4ms", ", start: 2ms"),
      {"A@0 B@6"}, {{"A", 6 * MS, 0, 0}, {"B", 8 * MS, 4 * MS, 4 * MS}})

// One nanosecond less preempts.
TABLE(stcf_one_nanosecond_less_preempts, STCF,
      JOB("A", "6ms", "") JOB("B", "3999999ns", ", start: 2ms"), {"A@0 B@2 A@5.999999"},
      {{"A", 9999999, 0, 3999999}, {"B", 3999999, 0, 0}})

// A (5 left) is preempted at 1 by B (2); at 3 A's 5 and C's 5 wait, equal: A came earlier.
TABLE(stcf_tie_of_waiters_by_arrival, STCF,
      JOB("A", "6ms", "") JOB("B", "2ms", ", start: 1ms") JOB("C", "5ms", ", start: 2ms"),
      {"A@0 B@1 A@3 C@8"}, {{"A", 8 * MS, 0, 2 * MS}, {"C", 11 * MS, 6 * MS, 6 * MS}})

// Stallings, Operating Systems, figure 9.5 (shortest remaining time): A, B, C, D, E come at 0, 2,
// 4, 6, 8 and need 3, 6, 4, 5, 2. A 0-3, B 3-4, C 4-8, E 8-10, B 10-15, D 15-20.
TABLE(stcf_textbook_table, STCF,
      JOB("A", "3ms", "") JOB("B", "6ms", ", start: 2ms") JOB("C", "4ms", ", start: 4ms")
          JOB("D", "5ms", ", start: 6ms") JOB("E", "2ms", ", start: 8ms"),
      {"A@0 B@3 C@4 E@8 B@10 D@15"},
      {{"A", 3 * MS, 0, 0},
       {"B", 13 * MS, 1 * MS, 7 * MS},
       {"C", 4 * MS, 0, 0},
       {"D", 14 * MS, 9 * MS, 9 * MS},
       {"E", 2 * MS, 0, 0}})

// A sleeper that comes back is a new job of its next burst: S 0-1, away to 3, its burst of 1
// preempts H (8 left of 10), again at 6, at 9.
TABLE(stcf_sleeper_preempts, STCF,
      OPS("S", "", "{ repeat: { times: 3, do: [ { compute: 1ms }, { sleep: 2ms } ] } }, " C("1ms"))
          JOB("H", "10ms", ""),
      {"S@0 H@1 S@3 H@4 S@6 H@7 S@9 H@10"}, {{"S", 10 * MS, 0, 0}, {"H", 14 * MS, 1 * MS, 4 * MS}})

// A chain of ever shorter jobs: each preempts the one before, and they end in reverse.
TABLE(stcf_nested_preemptions, STCF,
      JOB("A", "9ms", "") JOB("B", "5ms", ", start: 1ms") JOB("C", "3ms", ", start: 2ms")
          JOB("D", "1ms", ", start: 3ms"),
      {"A@0 B@1 C@2 D@3 C@4 B@6 A@10"},
      {{"A", 18 * MS, 0, 9 * MS},
       {"B", 9 * MS, 0, 4 * MS},
       {"C", 4 * MS, 0, 1 * MS},
       {"D", 1 * MS, 0, 0}})

// Arrival at a completion: A ends at 4; B (3) and C (2) are there: C first.
TABLE(stcf_arrival_at_a_completion, STCF,
      JOB("A", "4ms", "") JOB("B", "3ms", ", start: 4ms") JOB("C", "2ms", ", start: 4ms"),
      {"A@0 C@4 B@6"}, {{"B", 5 * MS, 2 * MS, 2 * MS}, {"C", 2 * MS, 0, 0}})

// ---- one queue for two cores

// Core 0 takes the shorter one, B. C (1) preempts the one with more left, which is A (9 against 6).
TABLE(stcf_global_preempts_the_longest, "cores: 2, scheduler: { policy: stcf, queue: global }",
      JOB("A", "10ms", "") JOB("B", "7ms", "") JOB("C", "1ms", ", start: 1ms"),
      {"B@0 -@7", "A@0 C@1 A@2"},
      {{"A", 11 * MS, 0, 1 * MS}, {"B", 7 * MS, 0, 0}, {"C", 1 * MS, 0, 0}})

// Shortest first over both cores: B 0-1 and C 0-2, then A on core 0 at 1, D on core 1 at 2.
TABLE(sjf_global_feeds_both_cores, "cores: 2, scheduler: { policy: sjf, queue: global }",
      JOB("A", "5ms", "") JOB("B", "1ms", "") JOB("C", "2ms", "") JOB("D", "6ms", ""),
      {"B@0 A@1 -@6", "C@0 D@2"}, {{"A", 6 * MS, 1 * MS, 1 * MS}, {"D", 8 * MS, 2 * MS, 2 * MS}})

// ---- random job sets

typedef struct State {
    int burst[REFERENCE_JOBS_MAX], since[REFERENCE_JOBS_MAX];
    int running;
} State;

// The present job with the least left of its burst; of equals the running one, the one that has
// been there longer, the one with the lower number.
static int least(const ReferenceJobs *jobs, const State *state)
{
    int best = state->running;
    for (int i = 0; i < jobs->count; i++) {
        if (!jobs->job[i].present || i == best)
            continue;
        int difference = best < 0 ? -1 : state->burst[i] - state->burst[best];
        if (difference == 0 && best != state->running)
            difference = state->since[i] - state->since[best];
        if (difference < 0)
            best = i;
    }
    return best;
}

// One unit a turn: who is done ends or sleeps, arrivals and sleepers come, and who is chosen runs;
// under SJF only when the core is free.
static void reference(ReferenceJobs *jobs, bool preemptive)
{
    State state = {.running = -1};
    int ended = 0;
    for (int now = 0; ended < jobs->count; now++) {
        ReferenceJob *ran = state.running < 0 ? NULL : &jobs->job[state.running];
        if (ran != NULL && (ran->left == 0 || job_sleeps(ran))) {
            ran->present = false;
            ended += ran->left == 0;
            if (ran->left == 0)
                ran->end = now;
            else
                ran->back = now + ran->away;
            state.running = -1;
        }
        for (int i = 0; i < jobs->count; i++) {
            ReferenceJob *job = &jobs->job[i];
            if (now != (job->first < 0 && job->back < 0 ? job->start : job->back))
                continue;
            job->present = true;
            job->back = -1;
            state.burst[i] = job_burst(job);
            state.since[i] = now;
        }
        if (state.running < 0 || preemptive)
            state.running = least(jobs, &state);
        for (int i = 0; i < jobs->count; i++)
            jobs->job[i].wait += jobs->job[i].present && i != state.running;
        if (state.running >= 0) {
            ReferenceJob *job = &jobs->job[state.running];
            if (job->first < 0)
                job->first = now;
            job->left--;
            state.burst[state.running]--;
        }
    }
}

static void agree(bool preemptive, bool sleepy)
{
    Rng rng = rng_make(7, preemptive);
    for (int round = 0; round < 300; round++) {
        ReferenceJobs jobs = jobs_draw(&rng, sleepy);
        reference(&jobs, preemptive);
        jobs_agree(&jobs, preemptive ? STCF : SJF);
    }
}

static void sjf_agrees_with_a_loop(void **state)
{
    (void)state;
    agree(false, false);
}

static void sjf_agrees_with_a_loop_when_jobs_sleep(void **state)
{
    (void)state;
    agree(false, true);
}

static void stcf_agrees_with_a_loop(void **state)
{
    (void)state;
    agree(true, false);
}

static void stcf_agrees_with_a_loop_when_jobs_sleep(void **state)
{
    (void)state;
    agree(true, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sjf_runs_the_shortest_first),
        cmocka_unit_test(sjf_cures_the_convoy),
        cmocka_unit_test(sjf_does_not_preempt),
        cmocka_unit_test(sjf_ties_by_file_order),
        cmocka_unit_test(sjf_ties_by_arrival),
        cmocka_unit_test(sjf_goes_by_the_next_burst),
        cmocka_unit_test(sjf_adds_up_loops),
        cmocka_unit_test(sjf_burst_reaches_into_the_next_round),
        cmocka_unit_test(sjf_believes_an_estimate),
        cmocka_unit_test(sjf_takes_the_likelier_branch),
        cmocka_unit_test(sjf_yield_to_an_equal),
        cmocka_unit_test(stcf_preempts_for_shorter_jobs),
        cmocka_unit_test(stcf_tie_keeps_the_running_job),
        cmocka_unit_test(stcf_one_nanosecond_less_preempts),
        cmocka_unit_test(stcf_tie_of_waiters_by_arrival),
        cmocka_unit_test(stcf_textbook_table),
        cmocka_unit_test(stcf_sleeper_preempts),
        cmocka_unit_test(stcf_nested_preemptions),
        cmocka_unit_test(stcf_arrival_at_a_completion),
        cmocka_unit_test(stcf_global_preempts_the_longest),
        cmocka_unit_test(sjf_global_feeds_both_cores),
        cmocka_unit_test(sjf_takes_the_mean_of_random_bursts),
        cmocka_unit_test(sjf_agrees_with_a_loop),
        cmocka_unit_test(sjf_agrees_with_a_loop_when_jobs_sleep),
        cmocka_unit_test(stcf_agrees_with_a_loop),
        cmocka_unit_test(stcf_agrees_with_a_loop_when_jobs_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
