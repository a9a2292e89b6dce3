// CFS against sequences derived by hand from its rules, and against the rules in the plainest form
// over random threads, on the textbook machine (costs: zero) with ticks at multiples of 4 ms. On
// one core: latency 6 ms, granularity 0.75 ms, wake-up granularity 1 ms; on two twice that. A new
// task begins one part ahead: of n equal ones the last with 6 / n ms.
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

// ---- random cases

// What the rules say, on one core: the least vruntime runs; a queue is an array, and the order of
// insertion decides among equals. All times are in ns.

enum { TASKS = 12, STEPS = 8, TICK_NS = 4 * MS, END_NS = 300 * MS };

// It computes for run[0], goes away for away[0] (0: it yields), computes for run[1], …
typedef struct Program {
    int64_t start, run[STEPS], away[STEPS];
    int steps, nice;
} Program;

typedef struct Thread {
    const Program *program;
    int step, weight, order; // of insertion
    bool runnable;
    int64_t left, v, wakes, set; // wakes: -1: not asleep; set: order of going to sleep
} Thread;

typedef struct Cfs {
    Thread thread[TASKS];
    int count, inserted, slept;
    int64_t now, least, charged, taken;
    Thread *current, *last, *next, *skip;
    bool decide;
    char turns[16384];
    size_t length;
} Cfs;

static int64_t scaled(int64_t ns, const Thread *thread)
{
    return ns * 1024 / thread->weight;
}

static Thread *first_but(Cfs *cfs, const Thread *other)
{
    Thread *first = NULL;
    for (int i = 0; i < cfs->count; i++) {
        Thread *t = &cfs->thread[i];
        if (!t->runnable || t == cfs->current || t == other)
            continue;
        if (first == NULL || t->v < first->v || (t->v == first->v && t->order < first->order))
            first = t;
    }
    return first;
}

// min_vruntime: of current and the first in the queue, never back.
static void advance(Cfs *cfs)
{
    const Thread *first = first_but(cfs, NULL), *current = cfs->current;
    int64_t least = cfs->least;
    if (first != NULL && (current == NULL || first->v < current->v))
        least = first->v;
    else if (current != NULL)
        least = current->v;
    cfs->least = least > cfs->least ? least : cfs->least;
}

static void charge(Cfs *cfs)
{
    if (cfs->current == NULL)
        return;
    cfs->current->v += scaled(cfs->now - cfs->charged, cfs->current);
    cfs->current->left -= cfs->now - cfs->charged;
    cfs->charged = cfs->now;
    advance(cfs);
}

// 6 ms by weight; for more than eight threads 0.75 ms each.
static int64_t part(const Cfs *cfs, const Thread *thread, bool joining, int *threads)
{
    int64_t weights = joining ? thread->weight : 0;
    *threads = joining;
    for (int i = 0; i < cfs->count; i++)
        if (cfs->thread[i].runnable) {
            weights += cfs->thread[i].weight;
            ++*threads;
        }
    int64_t period = *threads > 8 ? *threads * INT64_C(750000) : 6 * MS;
    return period * thread->weight / weights;
}

static void forget(Cfs *cfs, const Thread *thread)
{
    if (cfs->last == thread)
        cfs->last = NULL;
    if (cfs->next == thread)
        cfs->next = NULL;
    if (cfs->skip == thread)
        cfs->skip = NULL;
}

// By more than the wake-up granularity.
static bool far_behind(const Thread *thread, const Thread *than)
{
    return than->v - thread->v > scaled(MS, thread) && than->v > thread->v;
}

static void join(Cfs *cfs, Thread *thread, bool is_new)
{
    int threads;
    charge(cfs);
    if (is_new)
        thread->v = cfs->least + scaled(part(cfs, thread, true, &threads), thread);
    else if (thread->v < cfs->least - 3 * MS)
        thread->v = cfs->least - 3 * MS;
    thread->runnable = true;
    thread->order = cfs->inserted++;
    thread->wakes = -1;
    thread->left = thread->program->run[thread->step];
    part(cfs, thread, false, &threads);
    if (cfs->current == NULL || cfs->decide || !far_behind(thread, cfs->current)) {
        cfs->decide = cfs->decide || cfs->current == NULL;
        return;
    }
    cfs->next = thread;
    if (threads >= 8)
        cfs->last = cfs->current;
    cfs->decide = true;
}

// Current has done its work.
static void step(Cfs *cfs)
{
    Thread *thread = cfs->current;
    int64_t away = thread->program->away[thread->step];
    int threads;
    part(cfs, thread, false, &threads);
    bool ends = ++thread->step == thread->program->steps;
    if (!ends && away == 0) {
        thread->left = thread->program->run[thread->step];
        if (threads > 1) {
            forget(cfs, thread);
            cfs->skip = thread;
        }
        cfs->decide = true;
        return;
    }
    forget(cfs, thread);
    thread->runnable = false;
    if (!ends) {
        thread->wakes = cfs->now + away;
        thread->set = cfs->slept++;
    }
    cfs->current = NULL;
    cfs->decide = true;
    advance(cfs);
}

static void tick(Cfs *cfs)
{
    int threads;
    charge(cfs);
    const Thread *first = first_but(cfs, NULL);
    if (cfs->current == NULL || first == NULL)
        return;
    int64_t due = part(cfs, cfs->current, false, &threads), ran = cfs->now - cfs->taken;
    if (ran > due)
        forget(cfs, cfs->current);
    if (ran > due || (ran >= 750000 && cfs->current->v - first->v > due))
        cfs->decide = true;
}

static Thread *pick(Cfs *cfs)
{
    Thread *first = first_but(cfs, NULL), *current = cfs->current;
    if (first == NULL || (current != NULL && current->v < first->v))
        first = current;
    if (first == NULL)
        return NULL;
    Thread *chosen = first;
    if (cfs->skip == first) {
        Thread *second = first_but(cfs, first);
        if (first != current && current != NULL && (second == NULL || current->v < second->v))
            second = current;
        if (second != NULL && !far_behind(first, second))
            chosen = second;
    }
    if (cfs->last != NULL && !far_behind(first, cfs->last))
        chosen = cfs->last;
    if (cfs->next != NULL && !far_behind(first, cfs->next))
        chosen = cfs->next;
    cfs->skip = NULL;
    forget(cfs, chosen);
    return chosen;
}

static void show(Cfs *cfs, const Thread *thread)
{
    char name[16] = "-";
    if (thread != NULL)
        snprintf(name, sizeof name, "T%d", (int)(thread - cfs->thread));
    cfs->length +=
        (size_t)snprintf(cfs->turns + cfs->length, sizeof cfs->turns - cfs->length, "%s%s@%.9g",
                         cfs->length == 0 ? "" : " ", name, (double)cfs->now / 1e6);
}

static void decide(Cfs *cfs, const Thread *before)
{
    cfs->decide = false;
    Thread *chosen = pick(cfs);
    if (cfs->current != NULL && chosen != cfs->current)
        cfs->current->order = cfs->inserted++;
    if (chosen != cfs->current)
        cfs->taken = cfs->now;
    cfs->current = chosen;
    cfs->charged = cfs->now;
    if (chosen != before)
        show(cfs, chosen);
}

static Thread *next_to_wake(Cfs *cfs)
{
    Thread *first = NULL;
    for (int i = 0; i < cfs->count; i++) {
        Thread *t = &cfs->thread[i];
        if (t->wakes >= 0 && (first == NULL || t->wakes < first->wakes ||
                              (t->wakes == first->wakes && t->set < first->set)))
            first = t;
    }
    return first;
}

static int64_t next_instant(Cfs *cfs)
{
    int64_t next = END_NS;
    const Thread *wakes = next_to_wake(cfs);
    if (wakes != NULL && wakes->wakes < next)
        next = wakes->wakes;
    for (int i = 0; i < cfs->count; i++)
        if (cfs->thread[i].program->start > cfs->now && cfs->thread[i].program->start < next)
            next = cfs->thread[i].program->start;
    if (cfs->current != NULL) {
        int64_t done = cfs->charged + cfs->current->left;
        int64_t ticks = (cfs->now / TICK_NS + 1) * TICK_NS;
        next = done < next ? done : next;
        next = ticks < next ? ticks : next;
    }
    return next;
}

// In the order of one instant: ends of work, timers, the tick, arrivals, the decision.
static void reference(Cfs *cfs)
{
    for (cfs->now = 0; cfs->now < END_NS; cfs->now = next_instant(cfs)) {
        const Thread *before = cfs->current;
        charge(cfs);
        if (cfs->current != NULL && cfs->current->left == 0)
            step(cfs);
        for (Thread *t; (t = next_to_wake(cfs)) != NULL && t->wakes == cfs->now;)
            join(cfs, t, false);
        if (cfs->now % TICK_NS == 0)
            tick(cfs);
        for (int i = 0; i < cfs->count; i++)
            if (cfs->thread[i].program->start == cfs->now)
                join(cfs, &cfs->thread[i], true);
        if (cfs->decide)
            decide(cfs, before);
    }
}

static Program draw_program(Rng *rng, bool nices, bool yields)
{
    Program p = {.steps = 1 + (int)rng_below(rng, STEPS)};
    p.start = (int64_t)rng_below(rng, 3) == 0 ? 0 : (int64_t)rng_below(rng, 80) * MS / 4;
    if (nices)
        p.nice = (int)rng_below(rng, 16) - 5;
    for (int i = 0; i < p.steps; i++) {
        p.run[i] = (1 + (int64_t)rng_below(rng, 60)) * MS / 4;
        p.away[i] = (1 + (int64_t)rng_below(rng, 60)) * MS / 4;
        if (yields && rng_below(rng, 3) == 0)
            p.away[i] = 0;
    }
    return p;
}

static size_t write_program(const Program *p, int index, char *yaml, size_t room)
{
    size_t at = (size_t)snprintf(yaml, room, "  - { name: T%d, nice: %d, start: %lldus, run: [ ",
                                 index, p->nice, (long long)p->start / 1000);
    for (int i = 0; i < p->steps; i++) {
        at += (size_t)snprintf(yaml + at, room - at, "{ compute: %lldus }",
                               (long long)p->run[i] / 1000);
        if (i + 1 < p->steps && p->away[i] == 0)
            at += (size_t)snprintf(yaml + at, room - at, ", yield, ");
        else if (i + 1 < p->steps)
            at += (size_t)snprintf(yaml + at, room - at, ", { sleep: %lldus }, ",
                                   (long long)p->away[i] / 1000);
    }
    return at + (size_t)snprintf(yaml + at, room - at, " ] }\n");
}

static void agree(uint64_t seed, int most, bool nices, bool yields)
{
    static Cfs cfs;
    static char yaml[32768];
    static const int weights[] = {3121, 2501, 1991, 1586, 1277, 1024, 820, 655,
                                  526,  423,  335,  272,  215,  172,  137, 110};
    Rng rng = rng_make(seed, 0);
    for (int round = 0; round < 150; round++) {
        Program program[TASKS];
        memset(&cfs, 0, sizeof cfs);
        cfs.count = 1 + (int)rng_below(&rng, (uint64_t)most);
        size_t at = (size_t)snprintf(yaml, sizeof yaml,
                                     "machine: { cores: 1, scheduler: cfs, costs: zero }\n"
                                     "until: %dms\nthreads:\n",
                                     END_NS / MS);
        for (int i = 0; i < cfs.count; i++) {
            program[i] = draw_program(&rng, nices, yields);
            cfs.thread[i] = (Thread){
                .program = &program[i], .weight = weights[program[i].nice + 5], .wakes = -1};
            at += write_program(&program[i], i, yaml + at, sizeof yaml - at);
        }
        reference(&cfs);
        Simulated run;
        simulate(&run, yaml);
        const char *got = simulated_turns(&run, 0, (double)END_NS / 1e6 - 1e-6);
        // The core does not fall idle any more when the last thread ends.
        size_t length = strlen(got);
        if (strncmp(got, cfs.turns, length) != 0 ||
            (cfs.turns[length] != '\0' && strncmp(cfs.turns + length, " -@", 3) != 0))
            fail_msg("%s\nexpected\n%s\nin\n%s", got, cfs.turns, yaml);
        simulated_free(&run);
    }
}

static void few_threads_agree_with_the_rules(void **state)
{
    (void)state;
    agree(41, 4, false, false);
}

static void nice_levels_agree_with_the_rules(void **state)
{
    (void)state;
    agree(42, 6, true, false);
}

static void yields_agree_with_the_rules(void **state)
{
    (void)state;
    agree(43, 5, true, true);
}

static void many_threads_agree_with_the_rules(void **state)
{
    (void)state;
    agree(44, TASKS, false, true);
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
        cmocka_unit_test(few_threads_agree_with_the_rules),
        cmocka_unit_test(nice_levels_agree_with_the_rules),
        cmocka_unit_test(yields_agree_with_the_rules),
        cmocka_unit_test(many_threads_agree_with_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
