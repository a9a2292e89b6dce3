// The multi-level feedback queue against tables worked out by hand, and against a loop of the rules
// that the textbook's program mlfq.py follows, one unit of time a turn.
#include "tests/jobs.h"
#include "tests/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MLFQ(parameters)  "cores: 1, scheduler: { policy: mlfq, " parameters " }"
#define MLFQ2(parameters) "cores: 2, scheduler: { policy: mlfq, queue: global, " parameters " }"

// ---- one core

// Slices of 2: A sinks at 2 and 4 and stays on the lowest of three levels.
TABLE(a_long_job_sinks, MLFQ("slice: 2ms"), JOB("A", "9ms", ""), {"A@0"}, {{"A", 9 * MS, 0, 0}})

// A is on level 2 when B comes at 5 and preempts at once; B sinks at 7 to level 1 (still above A)
// and ends at 8. A, preempted 1 into its slice, has 1 left of it; alone it just goes on.
TABLE(a_newcomer_goes_first, MLFQ("slice: 2ms"),
      JOB("A", "9ms", "") JOB("B", "3ms", ", start: 5ms"), {"A@0 B@5 A@8"},
      {{"A", 12 * MS, 0, 3 * MS}, {"B", 3 * MS, 0, 0}})

// Both start on level 0 and sink together: level 0 A 0-1, B 1-2; level 1 A 2-3, B 3-4; then
// level 2.
TABLE(equals_take_turns, MLFQ("slice: 1ms"), JOB("A", "4ms", "") JOB("B", "3ms", ""),
      {"A@0 B@1 A@2 B@3 A@4 B@5 A@6"}, {{"A", 7 * MS, 0, 3 * MS}, {"B", 6 * MS, 1 * MS, 3 * MS}})

// Slices of 1, 2, 4 on levels 0, 1, 2: A 0-1, B 1-2, A 2-4, B 4-6, A 6-10, B 10-14, A 14-15.
TABLE(longer_slices_below, MLFQ("slice: [1ms, 2ms, 4ms]"), JOB("A", "8ms", "") JOB("B", "7ms", ""),
      {"A@0 B@1 A@2 B@4 A@6 B@10 A@14"},
      {{"A", 15 * MS, 0, 7 * MS}, {"B", 14 * MS, 1 * MS, 7 * MS}})

// Two slices a level: A and B take turns on level 0 twice each, 0-4, then on level 1.
TABLE(an_allotment_of_two_slices, MLFQ("slice: [1ms, 3ms], allotment: [2, 1]"),
      JOB("A", "5ms", "") JOB("B", "2ms", ""), {"A@0 B@1 A@2 B@3 A@4"},
      {{"A", 7 * MS, 0, 2 * MS}, {"B", 4 * MS, 1 * MS, 2 * MS}})

// A preempted task keeps its place and the rest of its slice: on level 1 (from 4 on) A has run 1 of
// its 2 when C comes at 5 and takes 5-6; A goes on with 6-7, before B.
TABLE(a_preempted_task_stays_first, MLFQ("slice: 2ms, levels: 2"),
      JOB("A", "6ms", "") JOB("B", "6ms", "") JOB("C", "1ms", ", start: 5ms"),
      {"A@0 B@2 A@4 C@5 A@6 B@7 A@9 B@11"},
      {{"A", 11 * MS, 0, 5 * MS}, {"B", 13 * MS, 2 * MS, 7 * MS}})

// Blocking does not renew a slice. I runs 1 of its 2 and sleeps to 2; H runs 1-3 and sinks. I runs
// 3-4: its slice is over as it blocks, so it sinks, too, and comes back at 5 behind H, whose slice
// on the lower level ends at 6. I 6-7, H 7-9.
TABLE(blocking_keeps_the_account, MLFQ("slice: 2ms, levels: 2"),
      OPS("I", "", C("1ms") ", " S("1ms") ", " C("1ms") ", " S("1ms") ", " C("1ms"))
          JOB("H", "6ms", ""),
      {"I@0 H@1 I@3 H@4 I@6 H@7"}, {{"I", 7 * MS, 0, 2 * MS}, {"H", 9 * MS, 1 * MS, 3 * MS}})

// The same with `stay`: at 4 I has a whole slice again and stays above, so that it preempts H at 5.
TABLE(gaming_stays_on_top, MLFQ("slice: 2ms, levels: 2, stay: true"),
      OPS("I", "", C("1ms") ", " S("1ms") ", " C("1ms") ", " S("1ms") ", " C("1ms"))
          JOB("H", "6ms", ""),
      {"I@0 H@1 I@3 H@4 I@5 H@6"}, {{"I", 6 * MS, 0, 1 * MS}, {"H", 9 * MS, 1 * MS, 3 * MS}})

// A boost every 6. G sleeps in time and stays above. G 0-1, A 1-3 (sinks), G 3-4, K 4-6: its slice
// is over at 6, so it sinks behind A just before the boost lifts both behind G, which waits
// since 5. G 6-7, A 7-9 (sinks), K 9-11 (ends), G 11-12 (ends), A 12-14.
TABLE(a_boost_lifts_the_sunken, MLFQ("slice: 2ms, levels: 2, stay: true, boost: 6ms"),
      OPS("G", "", "{ repeat: { times: 3, do: [ { compute: 1ms }, { sleep: 1ms } ] } }, " C("1ms"))
          JOB("A", "6ms", "") JOB("K", "4ms", ", start: 4ms"),
      {"G@0 A@1 G@3 K@4 G@6 A@7 K@9 G@11 A@12"}, {{"A", 14 * MS, 1 * MS, 8 * MS}})

// A boost renews the running task's slice: alone on its level it would end at 4, is renewed at 3,
// and B waits until 5.
TABLE(a_boost_renews_the_running_slice, MLFQ("slice: 4ms, levels: 1, boost: 3ms"),
      JOB("A", "5ms", "") JOB("B", "1ms", ""), {"A@0 B@5"}, {{"B", 6 * MS, 5 * MS, 5 * MS}})

// At a boost the lower levels are appended to the highest, the lowest first. A sinks to level 2 by
// 2, B by 4, C to level 1 at 5: the boost makes A, B, C of [A, B] below [C]. A 5-6, B 6-7 (ends), C
// 7-8, then on level 1 A 8-9 and C 9-10 (ends), A 10-11.
TABLE(a_boost_appends_the_lowest_level_first, MLFQ("slice: 1ms, boost: 5ms"),
      JOB("A", "5ms", "") JOB("B", "3ms", ", start: 2ms") JOB("C", "3ms", ", start: 4ms"),
      {"A@0 B@2 C@4 A@5 B@6 C@7 A@8 C@9 A@10"}, {{"A", 11 * MS, 0, 6 * MS}})

// Who comes back goes to the head with `io: head`, before the running task of its level: at 3 both
// are on level 0, H with 1 left of its slice of 3, and S takes the core at once; with `tail` it
// waits until H has used it up.
TABLE(io_to_the_tail, MLFQ("slice: 3ms"),
      OPS("S", "", C("1ms") ", " S("2ms") ", " C("1ms")) JOB("H", "6ms", ""), {"S@0 H@1 S@4 H@5"},
      {{"S", 5 * MS, 0, 1 * MS}})
TABLE(io_to_the_head, MLFQ("slice: 3ms, io: head"),
      OPS("S", "", C("1ms") ", " S("2ms") ", " C("1ms")) JOB("H", "6ms", ""), {"S@0 H@1 S@3 H@4"},
      {{"S", 4 * MS, 0, 0}})

// A newcomer goes before who comes back at the same instant (2), both to the tail of level 0.
TABLE(newcomers_before_sleepers, MLFQ("slice: 4ms"),
      OPS("S", "", C("1ms") ", " S("1ms") ", " C("1ms")) JOB("H", "4ms", "")
          JOB("N", "1ms", ", start: 2ms"),
      {"S@0 H@1 N@5 S@6"}, {{"S", 7 * MS, 0, 4 * MS}, {"N", 4 * MS, 3 * MS, 3 * MS}})

// A yield goes to the tail of its level and keeps the slice: A has 1 left of 2 and sinks at 4.
TABLE(yield_keeps_the_slice, MLFQ("slice: 2ms, levels: 2"),
      OPS("A", "", C("1ms") ", yield, " C("3ms")) JOB("B", "2ms", ""), {"A@0 B@1 A@3"},
      {{"A", 6 * MS, 0, 2 * MS}, {"B", 3 * MS, 1 * MS, 1 * MS}})

// ---- two cores, one queue

// A and B sink at 2 to level 1. Core 0 takes C, which waits above; core 1 takes the first below, A;
// core 0 has B when C has ended.
TABLE(global_levels, MLFQ2("slice: 2ms, levels: 2"),
      JOB("A", "6ms", "") JOB("B", "6ms", "") JOB("C", "1ms", ""), {"A@0 C@2 B@3", "B@0 A@2 -@6"},
      {{"A", 6 * MS, 0, 0}, {"B", 7 * MS, 0, 1 * MS}, {"C", 3 * MS, 2 * MS, 2 * MS}})

// N comes on level 0 when both cores run sunken tasks: the first of those on the lowest level makes
// way, and goes on when N is done.
TABLE(global_newcomer_preempts_one, MLFQ2("slice: 1ms, levels: 2"),
      JOB("A", "4ms", "") JOB("B", "4ms", "") JOB("N", "500us", ", start: 2500us"),
      {"A@0 N@2.5 A@3", "B@0 -@4"}, {{"N", MS / 2, 0, 0}, {"A", 4500000, 0, 500000}})

// ---- random job sets

typedef struct Rules {
    int levels, slice[4], allotment[4], boost;
    bool stay, head;
} Rules;

typedef struct Levels {
    int queue[4][64], count[4]; // 0 is the highest
    int level[REFERENCE_JOBS_MAX], ticks[REFERENCE_JOBS_MAX], allotment[REFERENCE_JOBS_MAX];
} Levels;

static void append(Levels *l, int level, int job)
{
    l->queue[level][l->count[level]++] = job;
}

static void take_first(Levels *l, int level)
{
    memmove(l->queue[level], l->queue[level] + 1, (size_t)--l->count[level] * sizeof(int));
}

static void renew(Levels *l, const Rules *rules, int job)
{
    l->ticks[job] = rules->slice[l->level[job]];
    l->allotment[job] = rules->allotment[l->level[job]];
}

static void boost(Levels *l, const Rules *rules, const ReferenceJobs *jobs)
{
    for (int level = rules->levels - 1; level > 0; level--) {
        for (int i = 0; i < l->count[level]; i++)
            append(l, 0, l->queue[level][i]);
        l->count[level] = 0;
    }
    for (int i = 0; i < jobs->count; i++) {
        l->level[i] = 0;
        renew(l, rules, i);
    }
}

// Arrivals, then those whose time away is over, in the order in which they went.
static void deliver(Levels *l, const Rules *rules, ReferenceJobs *jobs, int now, int *gone,
                    int gone_count)
{
    for (int i = 0; i < jobs->count; i++)
        if (jobs->job[i].start == now) {
            append(l, 0, i);
            jobs->job[i].present = true;
        }
    for (int g = 0; g < gone_count; g++) {
        ReferenceJob *job = &jobs->job[gone[g]];
        if (job->back != now)
            continue;
        int level = l->level[gone[g]];
        job->back = -1;
        job->present = true;
        append(l, level, gone[g]);
        if (rules->head) {
            memmove(l->queue[level] + 1, l->queue[level],
                    (size_t)(l->count[level] - 1) * sizeof(int));
            l->queue[level][0] = gone[g];
        }
    }
}

// After a unit of `i`: it ends, or goes away, or has used up a slice, or the last two.
static void account(Levels *l, const Rules *rules, ReferenceJobs *jobs, int i, int now, int *gone,
                    int *gone_count)
{
    ReferenceJob *job = &jobs->job[i];
    int level = l->level[i], ticks = --l->ticks[i];
    if (--job->left == 0) {
        take_first(l, level);
        job->end = now;
        job->present = false;
        return;
    }
    bool sleeps = job_sleeps(job);
    if (sleeps) {
        take_first(l, level);
        gone[(*gone_count)++] = i;
        job->back = now + job->away;
        job->present = false;
        if (rules->stay)
            renew(l, rules, i);
    }
    if (ticks > 0)
        return;
    if (!sleeps)
        take_first(l, level);
    if (--l->allotment[i] == 0) {
        if (level + 1 < rules->levels)
            l->level[i] = level + 1;
        renew(l, rules, i);
    } else {
        l->ticks[i] = rules->slice[level];
    }
    if (!sleeps)
        append(l, l->level[i], i);
}

static void reference(ReferenceJobs *jobs, const Rules *rules)
{
    Levels l = {0};
    int gone[256], gone_count = 0, left = 0;
    for (int i = 0; i < jobs->count; i++) {
        renew(&l, rules, i);
        left += jobs->job[i].length;
    }
    for (int now = 0; left > 0; now++) {
        if (rules->boost > 0 && now > 0 && now % rules->boost == 0)
            boost(&l, rules, jobs);
        deliver(&l, rules, jobs, now, gone, gone_count);
        int level = 0;
        while (level < rules->levels && l.count[level] == 0)
            level++;
        if (level == rules->levels)
            continue;
        int running = l.queue[level][0];
        for (int i = 0; i < jobs->count; i++)
            jobs->job[i].wait += jobs->job[i].present && i != running;
        if (jobs->job[running].first < 0)
            jobs->job[running].first = now;
        left--;
        account(&l, rules, jobs, running, now + 1, gone, &gone_count);
    }
}

static Rules draw_rules(Rng *rng)
{
    Rules rules = {.levels = 1 + (int)rng_below(rng, 4)};
    for (int i = 0; i < 4; i++) {
        rules.slice[i] = 1 + (int)rng_below(rng, 5);
        rules.allotment[i] = 1 + (int)rng_below(rng, 3);
    }
    rules.boost = rng_below(rng, 2) == 0 ? 0 : 3 + (int)rng_below(rng, 12);
    rules.stay = rng_below(rng, 3) == 0;
    rules.head = rng_below(rng, 3) == 0;
    return rules;
}

static void write_rules(const Rules *rules, char *text, size_t room)
{
    size_t at =
        (size_t)snprintf(text, room, "cores: 1, scheduler: { policy: mlfq, stay: %s, io: %s",
                         rules->stay ? "true" : "false", rules->head ? "head" : "tail");
    if (rules->boost > 0)
        at += (size_t)snprintf(text + at, room - at, ", boost: %dms", rules->boost);
    for (int list = 0; list < 2; list++) {
        at += (size_t)snprintf(text + at, room - at, ", %s: [", list == 0 ? "slice" : "allotment");
        for (int i = 0; i < rules->levels; i++)
            at += (size_t)snprintf(text + at, room - at, "%s%d%s", i == 0 ? "" : ", ",
                                   list == 0 ? rules->slice[i] : rules->allotment[i],
                                   list == 0 ? "ms" : "");
        at += (size_t)snprintf(text + at, room - at, "]");
    }
    snprintf(text + at, room - at, " }");
}

static void agree(uint64_t seed, bool sleepy)
{
    Rng rng = rng_make(seed, 0);
    for (int round = 0; round < 400; round++) {
        Rules rules = draw_rules(&rng);
        ReferenceJobs jobs = jobs_draw(&rng, sleepy);
        int away = jobs.job[0].away; // the program has one length for every I/O
        for (int i = 0; i < jobs.count; i++)
            jobs.job[i].away = away;
        reference(&jobs, &rules);
        char machine[512];
        write_rules(&rules, machine, sizeof machine);
        jobs_agree(&jobs, machine);
    }
}

static void it_agrees_with_a_loop(void **state)
{
    (void)state;
    agree(11, false);
}

static void it_agrees_with_a_loop_when_jobs_sleep(void **state)
{
    (void)state;
    agree(12, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_job_sinks),
        cmocka_unit_test(a_newcomer_goes_first),
        cmocka_unit_test(equals_take_turns),
        cmocka_unit_test(longer_slices_below),
        cmocka_unit_test(an_allotment_of_two_slices),
        cmocka_unit_test(a_preempted_task_stays_first),
        cmocka_unit_test(blocking_keeps_the_account),
        cmocka_unit_test(gaming_stays_on_top),
        cmocka_unit_test(a_boost_lifts_the_sunken),
        cmocka_unit_test(a_boost_renews_the_running_slice),
        cmocka_unit_test(a_boost_appends_the_lowest_level_first),
        cmocka_unit_test(io_to_the_tail),
        cmocka_unit_test(io_to_the_head),
        cmocka_unit_test(newcomers_before_sleepers),
        cmocka_unit_test(yield_keeps_the_slice),
        cmocka_unit_test(global_levels),
        cmocka_unit_test(global_newcomer_preempts_one),
        cmocka_unit_test(it_agrees_with_a_loop),
        cmocka_unit_test(it_agrees_with_a_loop_when_jobs_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
