// Lottery and stride scheduling: shares by tickets, drawn and exact; against tables worked out by
// hand, and against loops of a few lines. Who wins a draw of Python's random numbers is derived in
// test_workload.c.
#include "sim/base/mt19937.h"
#include "tests/jobs.h"
#include "tests/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define STRIDE(slice)  "cores: 1, scheduler: { policy: stride, slice: " slice " }"
#define LOTTERY(slice) "cores: 1, scheduler: { policy: lottery, slice: " slice " }"
#define HELD(n)        ", tickets: " n

// ---- stride

// The textbook's: A, B, C hold 100, 50, 250 tickets: strides 100, 200, 40. Passes 0 0 0: A (tie:
// the first) 100; B 200; C 40, 80, 120; A (100) 200; C (120) 160, 200; then all at 200: A again.
TABLE(stride_textbook_sequence, STRIDE("1ms"),
      JOB("A", "2ms", HELD("100")) JOB("B", "1ms", HELD("50")) JOB("C", "5ms", HELD("250")),
      {"A@0 B@1 C@2 A@5 C@6"},
      {{"A", 6 * MS, 0, 4 * MS}, {"B", 2 * MS, 1 * MS, 1 * MS}, {"C", 8 * MS, 2 * MS, 3 * MS}})

// Equal tickets take turns, in the order of the file.
TABLE(stride_equal_tickets, STRIDE("2ms"), JOB("B", "4ms", "") JOB("A", "4ms", ""),
      {"B@0 A@2 B@4 A@6"}, {{"B", 6 * MS, 0, 2 * MS}, {"A", 8 * MS, 2 * MS, 4 * MS}})

// 3 : 1: strides 100 (of 100 tickets) and 300 (of 33: 10000 / 33 = 303, rounded down). A 100, B
// 303, A 200, A 300, A 400, B 606, A 500, A 600, A 700: one in four.
TABLE(stride_three_to_one, STRIDE("1ms"), JOB("A", "7ms", HELD("100")) JOB("B", "3ms", HELD("33")),
      {"A@0 B@1 A@2 B@5 A@6 B@9"}, {{"A", 9 * MS, 0, 2 * MS}, {"B", 10 * MS, 1 * MS, 7 * MS}})

// A part of a slice is a part of the stride. A (stride 100) ends its 0.5 ms at pass 50 and sleeps;
// B (100) 1: pass 100 at 1.5; A, back since 1, has 50, the least, and runs 1.5-2.5, pass 150; B.
TABLE(stride_part_of_a_slice, STRIDE("1ms"),
      OPS("A", "", C("500us") ", " S("500us") ", " C("2ms")) JOB("B", "3ms", ""),
      {"A@0 B@0.5 A@1.5 B@2.5 A@3.5 B@4.5"}, {{"A", 4500000, 0, 1500000}})

// Time away is not saved up: N comes at 10 and begins with A's pass at 9, when A's slice began,
// 900. N 10-11; then both are at 1000, and A is the first in the file: turns of 1.
TABLE(stride_newcomers_save_nothing, STRIDE("1ms"),
      JOB("A", "13ms", "") JOB("N", "3ms", ", start: 10ms"), {"A@0 N@10 A@11 N@12 A@13 N@14 A@15"},
      {{"N", 5 * MS, 0, 2 * MS}, {"A", 16 * MS, 0, 3 * MS}})

// A newcomer waits for the slice's end.
TABLE(stride_does_not_preempt, STRIDE("10ms"), JOB("A", "12ms", "") JOB("N", "1ms", ", start: 1ms"),
      {"A@0 N@10 A@11"}, {{"N", 10 * MS, 9 * MS, 9 * MS}})

// A yield ends the slice: A's pass is 50 then, B's 0.
TABLE(stride_yield, STRIDE("2ms"), OPS("A", "", C("1ms") ", yield, " C("1ms")) JOB("B", "2ms", ""),
      {"A@0 B@1 A@3"}, {{"A", 4 * MS, 0, 2 * MS}})

// A deadline thread's class is not inherited, so that its child is scheduled as its own template
// says: with 100 tickets, as everybody. D forks at 0 and ends; A and the child, c, share the 4 ms
// in turns of 1 ms under stride (A is the first in the file), in drawn ones under the lottery.
static void a_deadline_threads_child_has_tickets(void **state)
{
    (void)state;
    static const char *const policies[] = {"stride", "lottery"};
    for (int i = 0; i < 2; i++) {
        char yaml[512];
        snprintf(yaml, sizeof yaml,
                 "machine: { cores: 1, costs: zero, scheduler: { policy: %s, slice: 1ms } }\n"
                 "functions: { c: [ { compute: 2ms } ] }\n"
                 "threads:\n"
                 "  - { name: D, policy: { deadline: { runtime: 1ms, period: 10ms } }, run: [ { "
                 "fork: c } ] }\n"
                 "  - { name: A, run: [ { compute: 2ms } ] }\n",
                 policies[i]);
        Simulated run;
        simulate(&run, yaml);
        assert_int_equal(run.result.end, END_DONE);
        assert_int_equal(run.result.ended.ns, 4 * MS);
        if (i == 0)
            assert_string_equal(simulated_turns(&run, 0, 5), "D@0 A@0 c@1 A@2 c@3");
        simulated_free(&run);
    }
}

// ---- random job sets

// One unit a turn: who ends or goes away leaves, sleepers and newcomers come. Returns how many have
// ended; `*running` is -1 when nobody has the core any more.
static int settle(ReferenceJobs *jobs, int now, int *running)
{
    ReferenceJob *job = *running < 0 ? NULL : &jobs->job[*running];
    int ended = 0;
    if (job != NULL && (job->left == 0 || job_sleeps(job))) {
        job->present = false;
        ended = job->left == 0;
        if (ended)
            job->end = now;
        else
            job->back = now + job->away;
        *running = -1;
    }
    return ended;
}

static bool comes(const ReferenceJob *job, int now)
{
    return now == (job->first < 0 && job->back < 0 ? job->start : job->back);
}

static void run_unit(ReferenceJobs *jobs, int running, int now)
{
    for (int i = 0; i < jobs->count; i++)
        jobs->job[i].wait += jobs->job[i].present && i != running;
    if (running < 0)
        return;
    if (jobs->job[running].first < 0)
        jobs->job[running].first = now;
    jobs->job[running].left--;
}

static void stride_reference(ReferenceJobs *jobs, int slice)
{
    int64_t pass[REFERENCE_JOBS_MAX] = {0}, last = 0;
    int running = -1, ran = 0, ended = 0;
    for (int now = 0;; now++) {
        ended += settle(jobs, now, &running);
        if (ended == jobs->count)
            return;
        for (int i = 0; i < jobs->count; i++) {
            if (!comes(&jobs->job[i], now))
                continue;
            jobs->job[i].present = true;
            jobs->job[i].back = -1;
            if (pass[i] < last)
                pass[i] = last;
        }
        if (running < 0 || ran == slice) {
            running = -1;
            for (int i = 0; i < jobs->count; i++)
                if (jobs->job[i].present && (running < 0 || pass[i] < pass[running]))
                    running = i;
            ran = 0;
            if (running >= 0)
                last = pass[running];
        }
        run_unit(jobs, running, now);
        if (running >= 0)
            pass[running] += 10000 / jobs->job[running].tickets;
        ran++;
    }
}

static void stride_agrees_with_a_loop(void **state)
{
    (void)state;
    Rng rng = rng_make(21, 0);
    for (int round = 0; round < 300; round++) {
        ReferenceJobs jobs = jobs_draw(&rng, round % 2 == 1);
        int slice = 1 + (int)rng_below(&rng, 4);
        stride_reference(&jobs, slice);
        char machine[128];
        snprintf(machine, sizeof machine, "cores: 1, scheduler: { policy: stride, slice: %dms }",
                 slice);
        jobs_agree(&jobs, machine);
    }
}

// ---- lottery

static int draw(const ReferenceJobs *jobs, Mt19937 *mt)
{
    int all = 0;
    for (int i = 0; i < jobs->count; i++)
        all += jobs->job[i].present ? jobs->job[i].tickets : 0;
    if (all == 0)
        return -1;
    // int(random.random() * 1000001)
    double random = (double)mt19937_random_q53(mt) / 9007199254740992.0;
    int winner = (int)(random * 1000001) % all;
    for (int i = 0; i < jobs->count; i++) {
        winner -= jobs->job[i].present ? jobs->job[i].tickets : 0;
        if (winner < 0)
            return i;
    }
    return -1;
}

static void lottery_reference(ReferenceJobs *jobs, int slice, uint64_t seed)
{
    Mt19937 mt;
    mt19937_seed(&mt, seed);
    int running = -1, ran = 0, ended = 0;
    for (int now = 0;; now++) {
        ended += settle(jobs, now, &running);
        if (ended == jobs->count)
            return;
        for (int i = 0; i < jobs->count; i++) {
            if (!comes(&jobs->job[i], now))
                continue;
            jobs->job[i].present = true;
            jobs->job[i].back = -1;
        }
        if (running < 0 || ran == slice) {
            running = draw(jobs, &mt);
            ran = 0;
        }
        run_unit(jobs, running, now);
        ran++;
    }
}

static void lottery_agrees_with_a_loop(void **state)
{
    (void)state;
    Rng rng = rng_make(22, 0);
    for (int round = 0; round < 300; round++) {
        ReferenceJobs jobs = jobs_draw(&rng, round % 2 == 1);
        int slice = 1 + (int)rng_below(&rng, 4);
        // `seed:` is 1 when the file says nothing.
        lottery_reference(&jobs, slice, 1);
        char machine[128];
        snprintf(machine, sizeof machine,
                 "cores: 1, scheduler: { policy: lottery, slice: %dms, draws: python }", slice);
        jobs_agree(&jobs, machine);
    }
}

// 75 : 25 tickets, 10,000 draws: the share of A is 75 % with a standard deviation of
// sqrt(0.75 * 0.25 / 10,000) = 0.43 %; six of those are 2.6 %.
static void lottery_shares_by_tickets(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { costs: zero, " LOTTERY("1ms") " }\nuntil: 10s\nthreads:\n" JOB(
                       "A", "100s", HELD("75")) JOB("B", "100s", HELD("25")));
    double share = (double)simulated_on_core(&run, "A") / 10e9;
    assert_true(share > 0.724 && share < 0.776);
    simulated_free(&run);
}

// Another seed is another order, the same seed the same.
static void lottery_is_drawn_from_the_seed(void **state)
{
    (void)state;
    uint64_t hash[3];
    static const char *const seeds[] = {"seed: 5", "seed: 6", "seed: 5"};
    for (int i = 0; i < 3; i++) {
        char yaml[512];
        snprintf(yaml, sizeof yaml, "%s\nmachine: { costs: zero, %s }\nthreads:\n%s", seeds[i],
                 LOTTERY("1ms"), JOB("A", "50ms", "") JOB("B", "50ms", ""));
        Simulated run;
        simulate(&run, yaml);
        hash[i] = simulated_hash(&run);
        simulated_free(&run);
    }
    assert_true(hash[0] != hash[1]);
    assert_true(hash[0] == hash[2]);
}

// With one queue for two cores each core draws among those that it may run: P may run on core 1
// only, and D, which nobody else stands against, on core 0.
TABLE(lottery_global_respects_affinity,
      "cores: 2, scheduler: { policy: lottery, slice: 1ms, queue: global }",
      JOB("P", "3ms", ", affinity: 1") JOB("D", "2ms", ", affinity: 0"), {"D@0 -@2", "P@0"},
      {{"P", 3 * MS, 0, 0}, {"D", 2 * MS, 0, 0}})

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stride_textbook_sequence),
        cmocka_unit_test(stride_equal_tickets),
        cmocka_unit_test(stride_three_to_one),
        cmocka_unit_test(stride_part_of_a_slice),
        cmocka_unit_test(stride_newcomers_save_nothing),
        cmocka_unit_test(stride_does_not_preempt),
        cmocka_unit_test(stride_yield),
        cmocka_unit_test(a_deadline_threads_child_has_tickets),
        cmocka_unit_test(stride_agrees_with_a_loop),
        cmocka_unit_test(lottery_agrees_with_a_loop),
        cmocka_unit_test(lottery_shares_by_tickets),
        cmocka_unit_test(lottery_is_drawn_from_the_seed),
        cmocka_unit_test(lottery_global_respects_affinity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
