// The classes above the normal one, on one core, against loops of their rules, one millisecond a
// turn, over random threads: SCHED_FIFO and SCHED_RR by priority, and deadlines with a constant
// bandwidth server each. Costs are zero. Cases worked out by hand are in test_policy_realtime.c.
#include "tests/simulate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { THREADS = 6, STEPS = 6, TURN = 100 };

// It computes for run[0], goes away for away[0] (0: it yields), computes for run[1], … (ms)
typedef struct Program {
    int start, steps, run[STEPS], away[STEPS];
    int priority; // 0: it has deadlines
    bool turns;
    int runtime, deadline, period;
} Program;

typedef struct Thread {
    Program program;
    int step, left;
    int wakes, set; // set: order of its timers; wakes: -1: no timer
    bool queued, throttled;
    int place; // in its queue: the least first
    int turn_left;
    int due, budget;
} Thread;

typedef struct State {
    Thread thread[THREADS];
    int count, tick, until;
    int current; // -1: idle
    bool rotate; // current goes behind its equals
    int now, first, last, timers, over;
    char turns[8192];
    size_t length;
} State;

// ---- what both have in common

static void queue(State *s, Thread *t, bool in_front)
{
    t->queued = true;
    t->place = in_front ? --s->first : ++s->last;
}

static void set_timer(State *s, Thread *t, int when)
{
    t->wakes = when;
    t->set = s->timers++;
}

// The thread whose timer is due, the earliest first; NULL when there is none.
static Thread *due_timer(State *s)
{
    Thread *found = NULL;
    for (int i = 0; i < s->count; i++) {
        Thread *t = &s->thread[i];
        if (t->wakes >= 0 && t->wakes <= s->now &&
            (found == NULL || t->wakes < found->wakes ||
             (t->wakes == found->wakes && t->set < found->set)))
            found = t;
    }
    if (found != NULL)
        found->wakes = -1;
    return found;
}

typedef enum Step { STEP_YIELD, STEP_SLEEP, STEP_END } Step;

// Current has done its work; what now?
static Step next_step(State *s, Thread *t)
{
    int away = t->program.away[t->step];
    if (++t->step == t->program.steps) {
        s->over++;
        return STEP_END;
    }
    t->left = t->program.run[t->step];
    if (away == 0)
        return STEP_YIELD;
    set_timer(s, t, s->now + away);
    return STEP_SLEEP;
}

static void give_core(State *s, int chosen)
{
    char name[16] = "-";
    if (chosen >= 0)
        snprintf(name, sizeof name, "T%d", chosen);
    s->length += (size_t)snprintf(s->turns + s->length, sizeof s->turns - s->length, "%s%s@%d",
                                  s->length == 0 ? "" : " ", name, s->now);
}

// ---- priorities

static int best_priority(const State *s)
{
    int best = -1;
    for (int i = 0; i < s->count; i++) {
        const Thread *t = &s->thread[i];
        if (t->queued && (best < 0 || t->program.priority > s->thread[best].program.priority ||
                          (t->program.priority == s->thread[best].program.priority &&
                           t->place < s->thread[best].place)))
            best = i;
    }
    return best;
}

static void decide_by_priority(State *s, int before)
{
    int best = best_priority(s), current = s->current;
    if (current >= 0) {
        int mine = s->thread[current].program.priority,
            other = best < 0 ? 0 : s->thread[best].program.priority;
        if (other < mine || (other == mine && !s->rotate))
            best = current;
        else
            queue(s, &s->thread[current], !s->rotate);
    }
    s->rotate = false;
    s->current = best;
    if (best >= 0)
        s->thread[best].queued = false;
    if (best != before)
        give_core(s, best);
}

static void tick_of_turn(State *s, Thread *t)
{
    if (!t->program.turns || --t->turn_left > 0)
        return;
    t->turn_left = TURN / s->tick;
    for (int i = 0; i < s->count; i++)
        s->rotate = s->rotate ||
                    (s->thread[i].queued && s->thread[i].program.priority == t->program.priority);
}

static void run_by_priority(State *s)
{
    s->current = -1;
    for (s->now = 0; s->now < s->until && s->over < s->count; s->now++) {
        int before = s->current;
        Thread *t = before < 0 ? NULL : &s->thread[before];
        if (t != NULL && t->left == 0) {
            if (next_step(s, t) == STEP_YIELD)
                s->rotate = true;
            else
                s->current = -1;
        }
        for (Thread *woken; (woken = due_timer(s)) != NULL;)
            queue(s, woken, false);
        if (s->current >= 0 && s->now % s->tick == 0)
            tick_of_turn(s, t);
        for (int i = 0; i < s->count; i++)
            if (s->thread[i].program.start == s->now) {
                s->thread[i].turn_left = TURN / s->tick;
                queue(s, &s->thread[i], false);
            }
        decide_by_priority(s, before);
        if (s->current >= 0)
            s->thread[s->current].left--;
    }
}

// ---- deadlines

static void begin_period(const State *s, Thread *t)
{
    t->due = s->now + t->program.deadline;
    t->budget = t->program.runtime;
}

static int next_period(const Thread *t)
{
    return t->due - t->program.deadline + t->program.period;
}

static void replenish(const State *s, Thread *t)
{
    t->throttled = false;
    do {
        t->due += t->program.period;
        t->budget += t->program.runtime;
    } while (t->budget <= 0);
    if (t->due < s->now)
        begin_period(s, t);
}

// What is left of the budget would be more than its share of the time to its deadline.
static bool too_late(const State *s, const Thread *t)
{
    return t->due <= s->now ||
           t->budget * t->program.deadline > t->program.runtime * (t->due - s->now);
}

static void spend(const State *s, Thread *t)
{
    if (t->budget > 0)
        return;
    t->throttled = true;
    if (next_period(t) <= s->now)
        replenish(s, t);
}

static int earliest(const State *s)
{
    int best = -1;
    for (int i = 0; i < s->count; i++) {
        const Thread *t = &s->thread[i];
        if (t->queued && (best < 0 || t->due < s->thread[best].due ||
                          (t->due == s->thread[best].due && t->place < s->thread[best].place)))
            best = i;
    }
    return best;
}

static void decide_by_deadline(State *s, int before)
{
    Thread *t = s->current < 0 ? NULL : &s->thread[s->current];
    if (t != NULL && t->throttled) {
        set_timer(s, t, next_period(t));
        s->current = -1;
        t = NULL;
    }
    int best = earliest(s);
    if (t != NULL && (best < 0 || t->due <= s->thread[best].due))
        best = s->current;
    else if (t != NULL)
        queue(s, t, true);
    s->current = best;
    if (best >= 0)
        s->thread[best].queued = false;
    if (best != before)
        give_core(s, best);
}

static void wake_by_deadline(State *s, Thread *t)
{
    if (t->throttled)
        replenish(s, t);
    else if (too_late(s, t))
        begin_period(s, t);
    queue(s, t, false);
}

static void run_by_deadline(State *s)
{
    s->current = -1;
    for (s->now = 0; s->now < s->until && s->over < s->count; s->now++) {
        int before = s->current;
        Thread *t = before < 0 ? NULL : &s->thread[before];
        if (t != NULL && t->left == 0) {
            spend(s, t);
            if (next_step(s, t) != STEP_YIELD) {
                s->current = -1;
            } else { // it gives back what is left
                t->budget = t->budget < 0 ? t->budget : 0;
                t->throttled = true;
            }
        }
        for (Thread *woken; (woken = due_timer(s)) != NULL;)
            wake_by_deadline(s, woken);
        if (s->current >= 0 && !t->throttled)
            spend(s, t);
        for (int i = 0; i < s->count; i++)
            if (s->thread[i].program.start == s->now) {
                begin_period(s, &s->thread[i]);
                queue(s, &s->thread[i], false);
            }
        decide_by_deadline(s, before);
        // A timer that is due already wakes it at once.
        for (Thread *woken; (woken = due_timer(s)) != NULL;) {
            wake_by_deadline(s, woken);
            decide_by_deadline(s, s->current);
        }
        if (s->current >= 0) {
            s->thread[s->current].left--;
            s->thread[s->current].budget--;
        }
    }
}

// ---- random threads

static int between(Rng *rng, int least, int most)
{
    return least + (int)rng_below(rng, (uint64_t)(most - least + 1));
}

static Program draw_program(Rng *rng, bool deadlines, int unit)
{
    Program p = {.steps = between(rng, 1, STEPS)};
    p.start = rng_below(rng, 3) == 0 ? 0 : unit * between(rng, 0, 15);
    for (int i = 0; i < p.steps; i++) {
        p.run[i] = unit * between(rng, 1, 12);
        p.away[i] = rng_below(rng, 4) == 0 ? 0 : unit * between(rng, 1, 8);
    }
    if (deadlines) {
        p.runtime = between(rng, 1, 5);
        p.deadline = p.runtime + between(rng, 0, 12);
        p.period = p.deadline + (rng_below(rng, 2) == 0 ? 0 : between(rng, 0, 10));
        return p;
    }
    p.priority = between(rng, 1, 3);
    p.turns = rng_below(rng, 2) == 0;
    return p;
}

static size_t write_program(const Program *p, int index, char *yaml, size_t room)
{
    size_t at =
        (size_t)snprintf(yaml, room, "  - { name: T%d, start: %dms, policy: ", index, p->start);
    if (p->priority > 0)
        at +=
            (size_t)snprintf(yaml + at, room - at, "%s %d", p->turns ? "rr" : "fifo", p->priority);
    else
        at += (size_t)snprintf(yaml + at, room - at,
                               "{ deadline: { runtime: %dms, deadline: %dms, period: %dms } }",
                               p->runtime, p->deadline, p->period);
    at += (size_t)snprintf(yaml + at, room - at, ", run: [ ");
    for (int i = 0; i < p->steps; i++) {
        at += (size_t)snprintf(yaml + at, room - at, "{ compute: %dms }", p->run[i]);
        if (i + 1 < p->steps && p->away[i] == 0)
            at += (size_t)snprintf(yaml + at, room - at, ", yield, ");
        else if (i + 1 < p->steps)
            at += (size_t)snprintf(yaml + at, room - at, ", { sleep: %dms }, ", p->away[i]);
    }
    return at + (size_t)snprintf(yaml + at, room - at, " ] }\n");
}

static void agree(uint64_t seed, bool deadlines)
{
    static State s;
    static const int ticks[] = {1, 4, 5, 10};
    Rng rng = rng_make(seed, 0);
    for (int round = 0; round < 300; round++) {
        char yaml[8192];
        memset(&s, 0, sizeof s);
        s.count = between(&rng, 1, THREADS);
        s.tick = deadlines ? 1 : ticks[rng_below(&rng, 4)];
        s.until = 2000;
        // Long computations, so that turns of 100 ms end.
        int unit = deadlines ? 1 : between(&rng, 1, 3) * 10;
        size_t at = (size_t)snprintf(yaml, sizeof yaml,
                                     "machine: { cores: 1, costs: zero, tick: %dms }\n"
                                     "until: %dms\nthreads:\n",
                                     s.tick, s.until);
        double free = 0.9; // of the core; more than 0.95 is not given away
        for (int i = 0; i < s.count; i++) {
            Thread *t = &s.thread[i];
            t->program = draw_program(&rng, deadlines, unit);
            while (deadlines && t->program.runtime > 0.6 * free * t->program.period)
                t->program.period += 5;
            if (deadlines)
                free -= (double)t->program.runtime / t->program.period;
            t->left = t->program.run[0];
            t->wakes = -1;
            at += write_program(&t->program, i, yaml + at, sizeof yaml - at);
        }
        if (deadlines)
            run_by_deadline(&s);
        else
            run_by_priority(&s);
        Simulated run;
        simulate(&run, yaml);
        const char *got = simulated_turns(&run, 0, s.until - 1);
        // The core does not fall idle any more when the last thread ends.
        size_t length = strlen(got);
        if (strncmp(got, s.turns, length) != 0 ||
            (s.turns[length] != '\0' && strncmp(s.turns + length, " -@", 3) != 0))
            fail_msg("%s\nexpected\n%s\nin\n%s", got, s.turns, yaml);
        simulated_free(&run);
    }
}

static void priorities_agree_with_a_loop(void **state)
{
    (void)state;
    agree(51, false);
}

static void deadlines_agree_with_a_loop(void **state)
{
    (void)state;
    agree(52, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(priorities_agree_with_a_loop),
        cmocka_unit_test(deadlines_agree_with_a_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
