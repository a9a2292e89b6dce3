// One queue for all cores (`queue: global`), on the textbook machine: whoever is free takes the
// next one that it may run. Tables worked out by hand, and a loop of a few lines over random job
// sets.
#include "tests/jobs.h"
#include "tests/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define GLOBAL(policy, more) "cores: 2, scheduler: { policy: " policy ", queue: global" more " }"

// A 0-6 and B 0-2; C is next and takes the core that is free first: 2-6 on core 1. D at 6 on core
// 0. (With a queue for each core C would wait behind A.)
TABLE(the_next_one_takes_the_first_free_core, GLOBAL("fifo", ""),
      JOB("A", "6ms", "") JOB("B", "2ms", "") JOB("C", "4ms", "") JOB("D", "1ms", ""),
      {"A@0 D@6", "B@0 C@2 -@6"},
      {{"A", 6 * MS, 0, 0},
       {"B", 2 * MS, 0, 0},
       {"C", 6 * MS, 2 * MS, 2 * MS},
       {"D", 7 * MS, 6 * MS, 6 * MS}})

// Round robin over three on two cores: at 1 both slices end; core 0 takes C, core 1 the first
// behind it, A. At 2 core 0 takes B, core 1 C; at 3 core 0 A, core 1 B. Each has run 2 of every 3
// ms.
TABLE(three_take_turns_on_two_cores, GLOBAL("rr", ", slice: 1ms"),
      JOB("A", "2ms", "") JOB("B", "2ms", "") JOB("C", "2ms", ""), {"A@0 C@1 B@2", "B@0 A@1 C@2"},
      {{"A", 2 * MS, 0, 0}, {"B", 3 * MS, 0, 1 * MS}, {"C", 3 * MS, 1 * MS, 1 * MS}})

// P may run on core 1 only: when core 0 is free at 1, it takes Q, which stands behind P.
TABLE(affinity_is_respected, GLOBAL("fifo", ""),
      JOB("A", "1ms", "") JOB("B", "5ms", "") JOB("P", "2ms", ", affinity: 1") JOB("Q", "1ms", ""),
      {"A@0 Q@1 -@2", "B@0 P@5"}, {{"P", 7 * MS, 5 * MS, 5 * MS}, {"Q", 2 * MS, 1 * MS, 1 * MS}})

// A sleeper goes on wherever a core is idle: S leaves core 0, which takes C; it comes back at 3
// when core 1 is idle.
TABLE(a_sleeper_wakes_on_an_idle_core, GLOBAL("fifo", ""),
      OPS("S", "", C("1ms") ", " S("2ms") ", " C("1ms")) JOB("B", "2ms", "") JOB("C", "5ms", ""),
      {"S@0 C@1", "B@0 -@2 S@3 -@4"}, {{"S", 4 * MS, 0, 0}, {"C", 6 * MS, 1 * MS, 1 * MS}})

// Slices aligned to multiples of 2 end for both at once, although B came at 1.
TABLE(aligned_slices_end_together, GLOBAL("rr", ", slice: 2ms, align: true"),
      JOB("A", "3ms", "") JOB("B", "3ms", ", start: 1ms") JOB("C", "2ms", ", start: 1ms"),
      {"A@0 C@2 -@4", "B@1 A@2 B@3"}, {{"A", 3 * MS, 0, 0}, {"C", 3 * MS, 1 * MS, 1 * MS}})

// A realtime thread drives N away from core 0 where it is pinned; core 1 is idle and takes N at
// once.
TABLE(who_is_driven_away_goes_elsewhere, GLOBAL("fifo", ""),
      JOB("N", "4ms", "") JOB("R", "3ms", ", affinity: 0, policy: fifo 5, start: 1ms"),
      {"N@0 R@1", "N@1"}, {{"N", 4 * MS, 0, 0}, {"R", 3 * MS, 0, 0}})

// ---- random job sets

// FIFO on `cores` cores, one unit a turn: cores in their order take the head of the one queue.
static void reference(ReferenceJobs *jobs, int cores)
{
    int queue[1024], head = 0, tail = 0, ended = 0, running[4] = {-1, -1, -1, -1};
    for (int now = 0; ended < jobs->count; now++) {
        for (int core = 0; core < cores; core++) {
            ReferenceJob *job = running[core] < 0 ? NULL : &jobs->job[running[core]];
            if (job != NULL && job->left == 0) {
                job->end = now;
                job->present = false;
                running[core] = -1;
                ended++;
            }
        }
        for (int i = 0; i < jobs->count; i++)
            if (jobs->job[i].start == now) {
                jobs->job[i].present = true;
                queue[tail++] = i;
            }
        for (int core = 0; core < cores; core++)
            if (running[core] < 0 && head < tail)
                running[core] = queue[head++];
        for (int i = 0; i < jobs->count; i++)
            jobs->job[i].wait += jobs->job[i].present;
        for (int core = 0; core < cores; core++) {
            if (running[core] < 0)
                continue;
            ReferenceJob *job = &jobs->job[running[core]];
            if (job->first < 0)
                job->first = now;
            job->wait--;
            job->left--;
        }
    }
}

static void fifo_agrees_with_a_loop(void **state)
{
    (void)state;
    Rng rng = rng_make(31, 0);
    for (int round = 0; round < 300; round++) {
        ReferenceJobs jobs = jobs_draw(&rng, false);
        int cores = 2 + (int)rng_below(&rng, 3);
        reference(&jobs, cores);
        char machine[128];
        snprintf(machine, sizeof machine, "cores: %d, scheduler: { policy: fifo, queue: global }",
                 cores);
        jobs_agree(&jobs, machine);
    }
}

// No core is idle while somebody waits: n jobs on m cores under any policy with one queue end when
// a work-conserving machine can at the earliest: all work over m, plus less than the longest job.
static void no_core_idles_while_jobs_wait(void **state)
{
    (void)state;
    static const char *const policies[] = {"fifo", "sjf",     "stcf",  "rr",
                                           "mlfq", "lottery", "stride"};
    Rng rng = rng_make(32, 0);
    for (int round = 0; round < 140; round++) {
        int cores = 2 + (int)rng_below(&rng, 3), count = 3 + (int)rng_below(&rng, 12);
        int64_t work = 0, longest = 0;
        char yaml[4096];
        size_t at = (size_t)snprintf(yaml, sizeof yaml,
                                     "machine: { cores: %d, costs: zero, scheduler: { policy: %s, "
                                     "queue: global } }\nthreads:\n",
                                     cores, policies[round % 7]);
        for (int i = 0; i < count; i++) {
            int64_t us = 1 + (int64_t)rng_below(&rng, 50000);
            work += us * 1000;
            longest = us * 1000 > longest ? us * 1000 : longest;
            at += (size_t)snprintf(yaml + at, sizeof yaml - at,
                                   "  - { name: J%d, run: [ { compute: %lldus } ] }\n", i,
                                   (long long)us);
        }
        Simulated run;
        simulate(&run, yaml);
        if (run.result.ended.ns > work / cores + longest)
            fail_msg("it ends at %lld ns:\n%s", (long long)run.result.ended.ns, yaml);
        simulated_free(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_one_takes_the_first_free_core),
        cmocka_unit_test(three_take_turns_on_two_cores),
        cmocka_unit_test(affinity_is_respected),
        cmocka_unit_test(a_sleeper_wakes_on_an_idle_core),
        cmocka_unit_test(aligned_slices_end_together),
        cmocka_unit_test(who_is_driven_away_goes_elsewhere),
        cmocka_unit_test(fifo_agrees_with_a_loop),
        cmocka_unit_test(no_core_idles_while_jobs_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
