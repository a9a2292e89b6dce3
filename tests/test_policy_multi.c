// Round robin on several cores with caches that make jobs faster, as in the textbook's exercise
// multi.py: tables worked out by hand, and a loop of the exercise's rules, one unit a turn, over
// random jobs, machines and random numbers.
#include "sim/base/mt19937.h"
#include "tests/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MULTI(cores, more) "cores: " #cores ", scheduler: { policy: multi" more " }"
#define WARM               ", cache: 100KiB, warm_rate: 2, warm_up: 10ms"
#define SET(size)          ", working_set: " size

// ---- one core and its cache

// 10 of A's 30 warm it up; the other 20 go twice as fast.
TABLE(a_warm_job_is_faster, MULTI(1, "") WARM, JOB("A", "30ms", SET("50KiB")), {"A@0"},
      {{"A", 20 * MS, 0, 0}})

// A set that does not fit never gets warm.
TABLE(too_large_a_set_stays_cold, MULTI(1, "") WARM, JOB("A", "30ms", SET("101KiB")), {"A@0"},
      {{"A", 30 * MS, 0, 0}})

// A job without a working set fits into any cache.
TABLE(no_set_gets_warm, MULTI(1, "") WARM, JOB("A", "30ms", ""), {"A@0"}, {{"A", 20 * MS, 0, 0}})

// Two that fit together: each is cold for its first turn of 10, warm for its second, which has 20
// to do.
TABLE(two_sets_share_a_cache, MULTI(1, "") WARM,
      JOB("A", "30ms", SET("50KiB")) JOB("B", "30ms", SET("50KiB")), {"A@0 B@10 A@20 B@30"},
      {{"A", 30 * MS, 0, 10 * MS}, {"B", 40 * MS, 10 * MS, 20 * MS}})

// Two that do not: as A gets warm at the end of its turn it drives B out, and the other way round.
// Neither ever runs fast.
TABLE(two_sets_drive_each_other_out, MULTI(1, "") WARM,
      JOB("A", "30ms", SET("60KiB")) JOB("B", "30ms", SET("60KiB")),
      {"A@0 B@10 A@20 B@30 A@40 B@50"},
      {{"A", 50 * MS, 0, 20 * MS}, {"B", 60 * MS, 10 * MS, 30 * MS}})

// Warming up goes on in the next turn: slices of 4. A 0-4, B 4-8, A 8-12, B 12-16; A 16-20: 2 cold,
// then 2 fast, which do 4: of 20 are 20 - 10 - 4 = 6 left, 3 units: 24-27. B 20-24, 27-30.
TABLE(warming_up_goes_on, MULTI(1, ", slice: 4ms") WARM,
      JOB("A", "20ms", SET("50KiB")) JOB("B", "20ms", SET("50KiB")),
      {"A@0 B@4 A@8 B@12 A@16 B@20 A@24 B@27"},
      {{"A", 27 * MS, 0, 12 * MS}, {"B", 30 * MS, 4 * MS, 15 * MS}})

// Three of 40 of which two fit; who came first is driven out first. Each is warm at the end of a
// cold turn of 10, and by its next turn the two others have been: at 30 C drives A out, at 40 A
// drives B out, at 50 B C, and so on. Nobody ever runs fast.
TABLE(three_sets_where_two_fit, MULTI(1, "") WARM,
      JOB("A", "30ms", SET("40KiB")) JOB("B", "30ms", SET("40KiB")) JOB("C", "30ms", SET("40KiB")),
      {"A@0 B@10 C@20 A@30 B@40 C@50 A@60 B@70 C@80"}, {{"C", 90 * MS, 20 * MS, 60 * MS}})

// The exercise's clock goes by whole units (1 ms): after 10 cold ones 5 are left, 3 units at twice
// the speed.
TABLE(work_takes_whole_units, MULTI(1, "") WARM, JOB("A", "15ms", ""), {"A@0"},
      {{"A", 13 * MS, 0, 0}})
// Any other machine's does not.
TABLE(other_machines_have_no_units, "cores: 1, scheduler: fifo" WARM, JOB("A", "15ms", ""), {"A@0"},
      {{"A", 12500000, 0, 0}})

// A preempted turn keeps its work: R takes the core from 12 to 15. A: 10 cold, 2 fast (4 done),
// 16 left, 8 units from 15 on.
TABLE(a_preempted_turn_keeps_its_work, MULTI(1, ", slice: 1s") WARM,
      JOB("A", "30ms", "") JOB("R", "3ms", ", policy: fifo 9, start: 12ms"), {"A@0 R@12 A@15"},
      {{"A", 23 * MS, 0, 3 * MS}, {"R", 3 * MS, 0, 0}})

// A turn that sleeps is over; the cache does not forget. A: 10 cold, 5 fast (10), sleeps 15-20,
// then another 10 in 5.
TABLE(sleeping_keeps_the_cache_warm, MULTI(1, "") WARM,
      OPS("A", "", C("20ms") ", " S("5ms") ", " C("10ms")), {"A@0 -@15 A@20"},
      {{"A", 25 * MS, 0, 0}})

// ---- one queue

// At 10 the list is C, A, B: core 0 takes C, core 1 A. At 15 A is done and core 1 takes B. At 20
// both cores give up their jobs, C before B, and take them again.
TABLE(slices_end_together, MULTI(2, ", queue: global"),
      JOB("A", "15ms", "") JOB("B", "20ms", "") JOB("C", "12ms", ""),
      {"A@0 C@10 -@22", "B@0 A@10 B@15"},
      {{"A", 15 * MS, 0, 0}, {"B", 25 * MS, 0, 5 * MS}, {"C", 22 * MS, 10 * MS, 10 * MS}})

// The only job gives up core 1 at 10, and the first free core takes it: core 0.
TABLE(the_first_free_core_takes_it, MULTI(2, ", queue: global"),
      JOB("A", "5ms", "") JOB("B", "20ms", ""), {"A@0 -@5 B@10", "B@0 -@10"},
      {{"A", 5 * MS, 0, 0}, {"B", 20 * MS, 0, 0}})

// What that costs: core 1 is warm for B from 10 on, core 0 is not. 0-10 on core 1, then 10 cold on
// core 0, and the last 10 fast: 25.
TABLE(moving_leaves_the_warm_cache, MULTI(2, ", queue: global") WARM,
      JOB("A", "5ms", SET("50KiB")) JOB("B", "30ms", SET("50KiB")), {"A@0 -@5 B@10", "B@0 -@10"},
      {{"B", 25 * MS, 0, 0}})

// With an affinity it stays: 10 cold, then 20 in 10.
TABLE(affinity_keeps_the_warm_cache, MULTI(2, ", queue: global") WARM,
      JOB("A", "5ms", SET("50KiB")) JOB("B", "30ms", ", affinity: 1" SET("50KiB")),
      {"A@0 -@5", "B@0"}, {{"B", 20 * MS, 0, 0}})

// A core skips who may not run there: at 10 the list is P, B, A; core 0 passes P over, which core 1
// takes.
TABLE(a_core_skips_the_pinned, MULTI(2, ", queue: global"),
      JOB("B", "20ms", "") JOB("A", "10ms", "") JOB("P", "5ms", ", affinity: 1"),
      {"B@0", "A@0 P@10 -@15"}, {{"P", 15 * MS, 10 * MS, 10 * MS}, {"B", 20 * MS, 0, 0}})

// ---- a queue for each core

// New ones are dealt out in turn: A to core 0, B to 1, C to 0. Nobody looks at another's list.
TABLE(jobs_are_dealt_out, MULTI(2, ", queue: core"),
      JOB("A", "20ms", "") JOB("B", "10ms", "") JOB("C", "20ms", ""),
      {"A@0 C@10 A@20 C@30", "B@0 -@10"},
      {{"A", 30 * MS, 0, 10 * MS}, {"B", 10 * MS, 0, 0}, {"C", 40 * MS, 10 * MS, 20 * MS}})

// Dealing respects affinity: A to core 0, B must go there, too, so that C goes to 1.
TABLE(dealing_respects_affinity, MULTI(2, ", queue: core"),
      JOB("A", "10ms", "") JOB("B", "10ms", ", affinity: 0") JOB("C", "10ms", ""),
      {"A@0 B@10", "C@0 -@10"}, {{"B", 20 * MS, 10 * MS, 10 * MS}, {"C", 10 * MS, 0, 0}})

// Core 1 has nothing from 10 on and looks about it at 30: core 0's list is C, A (A has just given
// up its turn), and it takes C. Both have 10 left.
TABLE(peeking_takes_the_first, MULTI(2, ", queue: core, peek: 30ms"),
      JOB("A", "30ms", "") JOB("B", "10ms", "") JOB("C", "20ms", ""),
      {"A@0 C@10 A@20", "B@0 -@10 C@30"},
      {{"A", 40 * MS, 0, 10 * MS}, {"C", 40 * MS, 10 * MS, 20 * MS}})

// A core that runs a job looks, too, when nobody else waits there: at 15 core 1 takes C, which then
// waits before B: at 20 core 0 has A alone.
TABLE(a_busy_core_peeks, MULTI(2, ", queue: core, slice: 20ms, peek: 15ms"),
      JOB("A", "28ms", "") JOB("B", "25ms", "") JOB("C", "5ms", ""), {"A@0 -@28", "B@0 C@20 B@25"},
      {{"A", 28 * MS, 0, 0}, {"B", 30 * MS, 0, 5 * MS}, {"C", 25 * MS, 20 * MS, 20 * MS}})

// Who has an affinity is left where it is, though core 1 would be allowed: C was dealt to core 0.
TABLE(peeking_leaves_the_pinned, MULTI(2, ", queue: core, peek: 5ms"),
      JOB("A", "20ms", ", affinity: 0") JOB("B", "5ms", "") JOB("C", "10ms", ", affinity: [0, 1]")
          JOB("D", "5ms", ", affinity: 0"),
      {"A@0 C@10 D@20 A@25", "B@0 -@5"},
      {{"A", 35 * MS, 0, 15 * MS}, {"C", 20 * MS, 10 * MS, 10 * MS}})

// ---- beside urgent threads, with costs

// Whatever is in a core's way, nobody waits beside an idle core for long: 300 ms of jobs and about
// 30 ms of urgent threads (an eighth of a core each) take three cores 110 ms, and a few more for
// chance and costs.
static void urgent_threads_hold_nobody_back(void **state)
{
    (void)state;
    for (int variant = 0; variant < 40; variant++) {
        char yaml[1024];
        snprintf(
            yaml, sizeof yaml,
            "seed: %d\nmachine: { cores: 3, costs: %s, scheduler: { policy: multi, slice: 2ms, "
            "queue: global, shuffle: %s } }\nthreads:\n"
            "  - { name: job, count: 6, run: [ { repeat: { times: 10, do: [ { compute: 5ms }, "
            "yield ] } } ] }\n"
            "  - { name: urgent, count: 2, policy: fifo 5, daemon: true, run: [ { forever: [ { "
            "compute: exp(1ms) }, { sleep: exp(7ms) } ] } ] }\n",
            variant, variant % 4 < 2 ? "zero" : "typical", variant % 2 == 0 ? "true" : "false");
        Simulated run;
        simulate(&run, yaml);
        assert_int_equal(run.result.end, END_DONE);
        assert_true(run.result.ended.ns < 125 * (int64_t)MS);
        simulated_free(&run);
    }
}

// ---- random cases

enum { JOBS = 8, CORES = 4 };

typedef struct Case {
    int cores, jobs, slice, peek, rate, warm_up, cache, seed;
    bool per_core, shuffle;
    int length[JOBS], set[JOBS], affinity[JOBS]; // a bit a core; 0: any
} Case;

// What the loop knows of the caches: in_cache lists jobs from the one that came last.
typedef struct State {
    int list[CORES][JOBS], waiting[CORES]; // with one queue only list[0]
    int runs[CORES];                       // -1: nobody
    int left[JOBS];
    int in_cache[CORES][JOBS], cached[CORES];
    int to_warm[CORES][JOBS]; // -1: it has not run there
    Mt19937 mt;
} State;

static bool may_run(const Case *c, int job, int core)
{
    return c->affinity[job] == 0 || (c->affinity[job] >> core & 1) != 0;
}

static void put(State *s, int list, int job)
{
    s->list[list][s->waiting[list]++] = job;
}

static int take_at(State *s, int list, int index)
{
    int job = s->list[list][index];
    memmove(&s->list[list][index], &s->list[list][index + 1],
            (size_t)(--s->waiting[list] - index) * sizeof(int));
    return job;
}

// Round and round the cores, each takes the first that is left and that it may run.
static void deal(const Case *c, State *s)
{
    bool dealt[JOBS] = {false};
    for (int left = c->jobs; left > 0;)
        for (int core = 0; core < c->cores; core++)
            for (int job = 0; job < c->jobs; job++)
                if (!dealt[job] && may_run(c, job, core)) {
                    put(s, core, job);
                    dealt[job] = true;
                    left--;
                    break;
                }
}

static void peek(const Case *c, State *s)
{
    for (int core = 0; core < c->cores; core++) {
        if (s->waiting[core] > 0)
            continue;
        int other = (int)mt19937_below(&s->mt, (uint32_t)c->cores - 1);
        other += other >= core;
        for (int i = 0; i < s->waiting[other]; i++)
            if (c->affinity[s->list[other][i]] == 0) {
                put(s, core, take_at(s, other, i));
                break;
            }
    }
}

static void assign(const Case *c, State *s)
{
    int order[CORES] = {0, 1, 2, 3};
    for (int i = c->cores - 1; c->shuffle && i > 0; i--) {
        int other = (int)mt19937_below(&s->mt, (uint32_t)i + 1), core = order[i];
        order[i] = order[other];
        order[other] = core;
    }
    for (int i = 0; i < c->cores; i++) {
        int core = order[i], list = c->per_core ? core : 0;
        for (int j = 0; s->runs[core] < 0 && j < s->waiting[list]; j++)
            if (may_run(c, s->list[list][j], core))
                s->runs[core] = take_at(s, list, j);
    }
}

static bool is_warm(const State *s, int core, int job)
{
    for (int i = 0; i < s->cached[core]; i++)
        if (s->in_cache[core][i] == job)
            return true;
    return false;
}

static void warm(const Case *c, State *s, int core, int job)
{
    if (s->to_warm[core][job] < 0)
        s->to_warm[core][job] = c->warm_up;
    if (--s->to_warm[core][job] > 0)
        return;
    memmove(&s->in_cache[core][1], &s->in_cache[core][0], (size_t)s->cached[core]++ * sizeof(int));
    s->in_cache[core][0] = job;
    for (;;) {
        int sum = 0;
        for (int i = 0; i < s->cached[core]; i++)
            sum += c->set[s->in_cache[core][i]];
        if (sum <= c->cache)
            return;
        s->to_warm[core][s->in_cache[core][--s->cached[core]]] = c->warm_up;
    }
}

static void run_unit(const Case *c, State *s, int core)
{
    int job = s->runs[core];
    bool fast = is_warm(s, core, job);
    s->left[job] -= fast ? c->rate : 1;
    if (!fast)
        warm(c, s, core, job);
    if (s->left[job] <= 0)
        s->runs[core] = -1;
}

// What simulated_turns says of each core.
static void reference(const Case *c, char turns[CORES][8192])
{
    State s;
    memset(&s, 0, sizeof s);
    memset(s.to_warm, -1, sizeof s.to_warm);
    memset(s.runs, -1, sizeof s.runs);
    memcpy(s.left, c->length, sizeof s.left);
    mt19937_seed(&s.mt, (uint64_t)c->seed);
    if (c->per_core)
        deal(c, &s);
    for (int job = 0; !c->per_core && job < c->jobs; job++)
        put(&s, 0, job);
    int shown[CORES] = {-1, -1, -1, -1};
    size_t at[CORES] = {0};
    bool over = false;
    for (int now = 0; !over; now++) {
        for (int core = 0; core < c->cores && now % c->slice == 0; core++)
            if (s.runs[core] >= 0) {
                put(&s, c->per_core ? core : 0, s.runs[core]);
                s.runs[core] = -1;
            }
        if (c->per_core && c->peek > 0 && now > 0 && now % c->peek == 0)
            peek(c, &s);
        assign(c, &s);
        over = true;
        for (int core = 0; core < c->cores; core++) {
            int job = s.runs[core];
            char name[16] = "-";
            if (job >= 0)
                snprintf(name, sizeof name, "J%d", job);
            if (job != shown[core])
                at[core] += (size_t)snprintf(turns[core] + at[core], 8192 - at[core], "%s%s@%d",
                                             at[core] == 0 ? "" : " ", name, now);
            shown[core] = job;
            over = over && job < 0;
            if (job >= 0)
                run_unit(c, &s, core);
        }
    }
}

static int between(Rng *rng, int least, int most)
{
    return least + (int)rng_below(rng, (uint64_t)(most - least + 1));
}

static Case draw_case(Rng *rng)
{
    static const int slices[] = {1, 3, 5, 10, 10, 20}, peeks[] = {0, 7, 10, 30};
    Case c = {.cores = between(rng, 1, CORES)};
    c.jobs = between(rng, 1, JOBS);
    c.slice = slices[rng_below(rng, 6)];
    c.per_core = rng_below(rng, 2) == 0;
    if (c.cores > 1)
        c.peek = peeks[rng_below(rng, 4)];
    c.shuffle = rng_below(rng, 3) == 0;
    c.rate = between(rng, 1, 4);
    c.warm_up = between(rng, 1, 15);
    c.cache = between(rng, 20, 200);
    c.seed = between(rng, 0, 100000);
    for (int job = 0; job < c.jobs; job++) {
        c.length[job] = between(rng, 1, 80);
        c.set[job] = between(rng, 1, 120);
        if (rng_below(rng, 4) == 0)
            c.affinity[job] = between(rng, 1, (1 << c.cores) - 1);
    }
    return c;
}

static void write_case(const Case *c, char *yaml, size_t room)
{
    size_t at = (size_t)snprintf(
        yaml, room,
        "seed: %d\nmachine: { cores: %d, costs: zero, cache: %dKiB, warm_rate: %d, warm_up: %dms, "
        "scheduler: { policy: multi, slice: %dms, queue: %s, shuffle: %s, draws: python",
        c->seed, c->cores, c->cache, c->rate, c->warm_up, c->slice, c->per_core ? "core" : "global",
        c->shuffle ? "true" : "false");
    if (c->peek > 0)
        at += (size_t)snprintf(yaml + at, room - at, ", peek: %dms", c->peek);
    at += (size_t)snprintf(yaml + at, room - at, " } }\nthreads:\n");
    for (int job = 0; job < c->jobs; job++) {
        at += (size_t)snprintf(yaml + at, room - at, "  - { name: J%d, working_set: %dKiB, ", job,
                               c->set[job]);
        const char *open = "affinity: [ ";
        for (int core = 0; core < c->cores && c->affinity[job] != 0; core++)
            if ((c->affinity[job] >> core & 1) != 0) {
                at += (size_t)snprintf(yaml + at, room - at, "%s%d", open, core);
                open = ", ";
            }
        at += (size_t)snprintf(yaml + at, room - at, "%srun: [ { compute: %dms } ] }\n",
                               c->affinity[job] != 0 ? " ], " : "", c->length[job]);
    }
}

static void it_agrees_with_a_loop(void **state)
{
    (void)state;
    static char turns[CORES][8192];
    Rng rng = rng_make(21, 0);
    for (int round = 0; round < 600; round++) {
        Case c = draw_case(&rng);
        char yaml[4096];
        write_case(&c, yaml, sizeof yaml);
        memset(turns, 0, sizeof turns);
        reference(&c, turns);
        Simulated run;
        simulate(&run, yaml);
        for (int core = 0; core < c.cores; core++) {
            const char *got = simulated_turns(&run, core, 1e9);
            // The last core to end does not fall idle any more.
            size_t length = strlen(got);
            if (strncmp(got, turns[core], length) != 0 ||
                (turns[core][length] != '\0' && strncmp(turns[core] + length, " -@", 3) != 0))
                fail_msg("core %d:\n%s\nexpected\n%s\nin\n%s", core, got, turns[core], yaml);
        }
        simulated_free(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_warm_job_is_faster),
        cmocka_unit_test(too_large_a_set_stays_cold),
        cmocka_unit_test(no_set_gets_warm),
        cmocka_unit_test(two_sets_share_a_cache),
        cmocka_unit_test(two_sets_drive_each_other_out),
        cmocka_unit_test(warming_up_goes_on),
        cmocka_unit_test(three_sets_where_two_fit),
        cmocka_unit_test(work_takes_whole_units),
        cmocka_unit_test(other_machines_have_no_units),
        cmocka_unit_test(a_preempted_turn_keeps_its_work),
        cmocka_unit_test(sleeping_keeps_the_cache_warm),
        cmocka_unit_test(slices_end_together),
        cmocka_unit_test(the_first_free_core_takes_it),
        cmocka_unit_test(moving_leaves_the_warm_cache),
        cmocka_unit_test(affinity_keeps_the_warm_cache),
        cmocka_unit_test(a_core_skips_the_pinned),
        cmocka_unit_test(jobs_are_dealt_out),
        cmocka_unit_test(dealing_respects_affinity),
        cmocka_unit_test(peeking_takes_the_first),
        cmocka_unit_test(a_busy_core_peeks),
        cmocka_unit_test(peeking_leaves_the_pinned),
        cmocka_unit_test(urgent_threads_hold_nobody_back),
        cmocka_unit_test(it_agrees_with_a_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
