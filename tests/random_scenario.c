#include "tests/random_scenario.h"

#include "sim/base/check.h"
#include "sim/base/rng.h"
#include "sim/scenario/scenario.h"

#include <stdarg.h>
#include <stdio.h>

enum { LOCKS_MAX = 4, FUNCTIONS_MAX = 4, DEPTH_MAX = 3 };

typedef struct Draft {
    RandomScenario *out;
    Rng rng;
    unsigned cores;
    bool random_times;
    bool crowd;      // many threads
    bool sharing;    // there are shared variables
    Rng sharing_rng; // so that all else is as without them

    // Of the process being written.
    unsigned locks, functions, process;
    unsigned workers[8]; // the numbers of its threads so far that are not daemons
    unsigned worker_count;

    // Of the list of ops being written.
    int ops_left;
    int depth;
    unsigned held;    // locks: bit set
    int highest_held; // -1: none
    bool daemon;
    int function;    // the function that it is, -1: a thread's own list
    unsigned spawns; // groups that this thread's list has spawned so far
    unsigned thread; // its number
    bool forever;    // within such a loop
} Draft;

// ---- text and chance

__attribute__((format(printf, 2, 3))) static void put(Draft *draft, const char *format, ...)
{
    RandomScenario *out = draft->out;
    va_list values;
    va_start(values, format);
    int length = vsnprintf(out->yaml + out->length, sizeof out->yaml - out->length, format, values);
    va_end(values);
    CHECKF(length >= 0 && out->length + (size_t)length < sizeof out->yaml, "%zu bytes",
           out->length);
    out->length += (size_t)length;
}

static unsigned below(Draft *draft, unsigned bound)
{
    return (unsigned)rng_below(&draft->rng, bound);
}

static unsigned between(Draft *draft, unsigned least, unsigned most)
{
    return least + below(draft, most - least + 1);
}

static bool chance(Draft *draft, unsigned percent)
{
    return below(draft, 100) < percent;
}

// ---- times

// Round ones most of the time, so that events meet; sometimes nothing at all.
static void put_time(Draft *draft, unsigned most_us)
{
    switch (below(draft, 8)) {
    case 0:
        put(draft, "%uns", between(draft, 1, 5000));
        break;
    case 1:
        put(draft, "%uus", below(draft, most_us + 1));
        break;
    case 2:
        put(draft, "0s");
        break;
    case 3:
        put(draft, "%uus", between(draft, 1, 4) * 250);
        break;
    default:
        put(draft, "%ums", between(draft, 1, most_us / 1000));
    }
}

static void put_duration(Draft *draft, unsigned most_us)
{
    if (!draft->random_times || chance(draft, 60)) {
        put_time(draft, most_us);
        return;
    }
    unsigned us = between(draft, 1, most_us / 2);
    switch (below(draft, 6)) {
    case 0:
        put(draft, "exp(%uus)", us);
        break;
    case 1:
        put(draft, "\"uniform(%uus, %uus)\"", us, us + below(draft, most_us));
        break;
    case 2:
        put(draft, "\"normal(%uus, %uus)\"", us, between(draft, 1, us));
        break;
    case 3:
        put(draft, "\"lognormal(%uus, 0.%u)\"", us, between(draft, 1, 9));
        break;
    case 4:
        put(draft, "\"pareto(%uus, %u.5)\"", us, between(draft, 2, 4));
        break;
    default:
        put(draft, "\"choice([%uus, 1ms], [%u, 2])\"", us, between(draft, 1, 9));
    }
}

// ---- ops

static void put_items(Draft *draft);

static void put_block(Draft *draft)
{
    draft->depth++;
    put(draft, "[ ");
    put_items(draft);
    put(draft, " ]");
    draft->depth--;
}

static void put_repeat(Draft *draft)
{
    put(draft, "{ repeat: { times: %u, do: ", between(draft, 1, 3));
    put_block(draft);
    put(draft, " } }");
}

static void put_if(Draft *draft)
{
    // Without random times a chance is certain, so that what is asked can be counted beforehand.
    unsigned percent = draft->random_times ? below(draft, 101) : below(draft, 2) * 100;
    put(draft, "{ if: { chance: %u%%, then: ", percent);
    put_block(draft);
    if (chance(draft, 50)) {
        put(draft, ", else: ");
        put_block(draft);
    }
    put(draft, " } }");
}

static void put_span(Draft *draft)
{
    put(draft, "{ span: { name: s%u, do: ", below(draft, 3));
    put_block(draft);
    put(draft, " } }");
}

// Locks are taken in the order of their numbers, so that no circle can close, unless a deadlock is
// welcome.
static int choose_lock(Draft *draft)
{
    if (draft->locks == 0)
        return -1;
    if (draft->out->may_deadlock && chance(draft, 60))
        return (int)below(draft, draft->locks);
    int lowest = draft->highest_held + 1;
    return lowest >= (int)draft->locks
               ? -1
               : lowest + (int)below(draft, draft->locks - (unsigned)lowest);
}

static void put_locked(Draft *draft, int lock)
{
    unsigned held = draft->held;
    int highest = draft->highest_held;
    draft->held |= 1u << lock;
    draft->highest_held = lock > highest ? lock : highest;
    if (chance(draft, 60)) {
        put(draft, "{ with: { lock: l%d, do: ", lock);
        put_block(draft);
        put(draft, " } }");
    } else {
        put(draft, "{ lock: l%d }, { repeat: { times: 1, do: ", lock);
        put_block(draft);
        put(draft, " } }, { unlock: l%d }", lock);
    }
    draft->held = held;
    draft->highest_held = highest;
}

static bool free_to_wait(const Draft *draft)
{
    return draft->held == 0 || draft->out->may_deadlock;
}

// A function calls and spawns only functions before it, and only the last one spawns; daemons leave
// that one alone, so that whose threads are daemons can be told from the text.
static bool put_call(Draft *draft)
{
    unsigned limit = draft->function >= 0 ? (unsigned)draft->function : draft->functions;
    if (draft->daemon && limit == draft->functions && limit > 0)
        limit--;
    if (limit == 0 || !free_to_wait(draft))
        return false;
    put(draft, "{ call: f%u }", below(draft, limit));
    return true;
}

static bool put_spawn(Draft *draft)
{
    bool last = draft->function >= 0 && draft->function == (int)draft->functions - 1;
    unsigned limit = draft->functions > 0 ? draft->functions - 1 : 0;
    if (limit == 0 || (draft->function >= 0 && !last))
        return false;
    if (draft->function < 0 && !draft->daemon)
        limit = draft->functions;
    put(draft, "{ spawn: { run: f%u, as: p%u_%c%u_%u", below(draft, limit), draft->process,
        draft->function >= 0 ? 'f' : 't', draft->thread, draft->spawns);
    if (chance(draft, 50))
        put(draft, ", count: %u", between(draft, 1, 3));
    put(draft, " } }");
    draft->spawns++;
    return true;
}

// Who joins whom goes one way: earlier workers, and what the thread itself has spawned.
static bool put_join(Draft *draft)
{
    if (draft->function >= 0 || !free_to_wait(draft))
        return false;
    if (draft->spawns > 0 && chance(draft, 60)) {
        put(draft, "{ join: p%u_t%u_%u }", draft->process, draft->thread,
            below(draft, draft->spawns));
        return true;
    }
    if (draft->out->may_deadlock && !draft->daemon && chance(draft, 20)) {
        put(draft, "{ join: t%u }", draft->thread); // itself
        return true;
    }
    if (draft->worker_count == 0)
        return false;
    put(draft, "{ join: t%u }", draft->workers[below(draft, draft->worker_count)]);
    return true;
}

enum { VARIABLES = 4 };

// A number below `bound` that leaves the other draws alone.
static unsigned shared_below(Draft *draft, unsigned bound)
{
    return (unsigned)rng_below(&draft->sharing_rng, bound);
}

// Ops on a shared variable before the next op, if it is to have some.
static void put_sharing(Draft *draft)
{
    if (!draft->sharing || shared_below(draft, 100) >= 50)
        return;
    unsigned variable = shared_below(draft, VARIABLES), number = shared_below(draft, 9);
    switch (shared_below(draft, 6)) {
    case 0:
        put(draft, "{ load: v%u }, ", variable);
        break;
    case 1:
        put(draft, "{ load: v%u }, { compute: %uns }, { store: { to: v%u, plus: %u } }, ", variable,
            shared_below(draft, 3000), variable, number);
        break;
    case 2:
        put(draft, "{ store: { to: v%u, value: -%u } }, ", variable, number);
        break;
    case 3:
        put(draft, "{ atomic_add: { to: v%u, value: %u } }, ", variable, number);
        break;
    case 4:
        put(draft, "{ load: v%u }, { store: { to: v%u, from: v%u } }, ", variable,
            number % VARIABLES, variable);
        break;
    default:
        put(draft, "{ add: v%u }, ", variable);
    }
}

static void put_timed(Draft *draft, const char *what, unsigned most_us)
{
    put(draft, "{ %s: ", what);
    put_duration(draft, most_us);
    put(draft, " }");
}

// An operation with a list of others in it, by the number that was drawn; false when it is none of
// these, or there is no room for one.
static bool put_nested(Draft *draft, unsigned drawn)
{
    if (draft->depth >= DEPTH_MAX || draft->ops_left <= 0)
        return false;
    int lock;
    switch (drawn) {
    case 7:
    case 8:
        put_repeat(draft);
        return true;
    case 9:
        put_if(draft);
        return true;
    case 10:
        put_span(draft);
        return true;
    case 11:
    case 12:
    case 13:
    case 14:
        lock = choose_lock(draft);
        if (lock >= 0)
            put_locked(draft, lock);
        return lock >= 0;
    default:
        return false;
    }
}

// An operation that leads elsewhere; false as above.
static bool put_leap(Draft *draft, unsigned drawn)
{
    switch (drawn) {
    case 15:
        return put_call(draft);
    case 16:
        return !draft->forever && draft->depth < 2 && put_spawn(draft);
    case 17:
        return put_join(draft);
    case 18:
        if (draft->depth == 0 || !free_to_wait(draft) || !chance(draft, 30))
            return false;
        put(draft, "exit");
        return true;
    default:
        return false;
    }
}

static void put_op(Draft *draft)
{
    put_sharing(draft);
    draft->ops_left--;
    unsigned drawn = below(draft, 24);
    if (drawn <= 2)
        put_timed(draft, "sleep", 6000);
    else if (drawn <= 4)
        put(draft, "yield");
    else if (drawn == 5)
        put(draft, "{ print: \"line %u\" }", below(draft, 5));
    else if (drawn == 6)
        put(draft, "{ mark: m%u }", below(draft, 3));
    else if (!put_nested(draft, drawn) && !put_leap(draft, drawn))
        put_timed(draft, "compute", 5000);
}

static void put_items(Draft *draft)
{
    unsigned count = between(draft, 1, 4);
    for (unsigned i = 0; i < count && (i == 0 || draft->ops_left > 0); i++) {
        put(draft, i > 0 ? ", " : "");
        put_op(draft);
    }
}

// ---- threads and functions

static void begin_list(Draft *draft, int function, bool daemon)
{
    draft->function = function;
    draft->daemon = daemon;
    draft->ops_left = function >= 0 ? 8 : 14;
    draft->depth = 0;
    draft->held = draft->spawns = 0;
    draft->highest_held = -1;
    draft->forever = false;
}

static void put_functions(Draft *draft)
{
    draft->functions = below(draft, FUNCTIONS_MAX + 1);
    if (draft->functions == 0)
        return;
    put(draft, "    functions:\n");
    for (unsigned i = 0; i < draft->functions; i++) {
        begin_list(draft, (int)i, false);
        put(draft, "      f%u: [ ", i);
        put_items(draft);
        put(draft, " ]\n");
    }
}

static void put_locks(Draft *draft)
{
    draft->locks = below(draft, LOCKS_MAX + 1);
    if (draft->locks == 0)
        return;
    put(draft, "    locks: {");
    for (unsigned i = 0; i < draft->locks; i++)
        put(draft, "%s l%u: lock", i > 0 ? "," : "", i);
    put(draft, " }\n");
}

static void put_affinity(Draft *draft)
{
    unsigned first = below(draft, draft->cores), count = 0;
    put(draft, ", affinity: [ %u", first);
    for (unsigned core = first + 1; core < draft->cores && count < 3; core++) {
        if (chance(draft, 40)) {
            put(draft, ", %u", core);
            count++;
        }
    }
    put(draft, " ]");
}

static void put_thread(Draft *draft, unsigned number)
{
    bool daemon = number > 0 && chance(draft, 25);
    draft->thread = number;
    begin_list(draft, -1, daemon);
    put(draft, "      - { name: t%u", number);
    if (chance(draft, 30))
        put(draft, ", count: %u", between(draft, 2, draft->crowd ? 12 : 3));
    if (chance(draft, 40)) {
        put(draft, ", start: ");
        put_duration(draft, 8000);
    }
    if (chance(draft, 40))
        put(draft, ", nice: %d", (int)below(draft, 40) - 20);
    if (chance(draft, 25))
        put_affinity(draft);
    if (chance(draft, 15))
        put(draft, ", slice: %uus", between(draft, 100, 5000));
    if (daemon)
        put(draft, ", daemon: true");
    put(draft, ", run: [ ");
    put_items(draft);
    if (daemon ? chance(draft, 70) : !draft->out->ends && chance(draft, 60)) {
        draft->forever = true;
        draft->ops_left += 4;
        put(draft, ", { forever: [ { sleep: %uus }, ", between(draft, 100, 5000));
        put_items(draft);
        put(draft, " ] }");
    }
    put(draft, " ] }\n");
    if (!daemon)
        draft->workers[draft->worker_count++] = number;
}

static void put_process(Draft *draft, unsigned number)
{
    draft->process = number;
    draft->worker_count = 0;
    put(draft, "  - name: p%u\n", number);
    put_locks(draft);
    if (draft->sharing)
        put(draft, "    variables: { v0: 0, v1: 5, v2: -3, v3: { value: 0, atomic: true } }\n");
    put_functions(draft);
    put(draft, "    threads:\n");
    if (number == 0)
        draft->out->first_thread = draft->out->length;
    unsigned threads = draft->crowd ? between(draft, 4, 8) : between(draft, 1, 5);
    for (unsigned i = 0; i < threads; i++)
        put_thread(draft, i);
}

// ---- the machine

static void put_costs(Draft *draft)
{
    unsigned kind = below(draft, 3);
    if (kind < 2) {
        put(draft, ", costs: %s", kind == 0 ? "zero" : "typical");
        return;
    }
    put(draft, ", costs: { base: %s", chance(draft, 50) ? "zero" : "typical");
    // Those of what these scenarios do; a new row must not change all of them.
    for (int cost = 0; cost <= COST_PRINT; cost++)
        if (chance(draft, 30))
            put(draft, ", %s: %uns", cost_info((CostId)cost)->name,
                below(draft, 4) * between(draft, 1, 5000));
    put(draft, " }");
}

static void put_machine(Draft *draft)
{
    draft->cores = between(draft, 1, 8);
    if (chance(draft, 25))
        draft->cores = 1;
    put(draft, "machine: { cores: %u, tick: %ums, scheduler: ", draft->cores,
        between(draft, 1, 10));
    switch (below(draft, 5)) {
    case 0:
        put(draft, "fifo");
        break;
    case 1:
        put(draft, "{ policy: rr, slice: %uus }", between(draft, 1, 20) * 250);
        break;
    case 2:
        put(draft, "{ policy: eevdf, slice: %uus }", between(draft, 1, 20) * 250);
        break;
    default:
        put(draft, "eevdf");
    }
    put_costs(draft);
    put(draft, " }\n");
}

static void write(RandomScenario *scenario, uint64_t seed, bool sharing)
{
    scenario->length = 0;
    Draft draft = {.out = scenario,
                   .rng = rng_make(seed, 0),
                   .sharing = sharing,
                   .sharing_rng = rng_make(seed, 1)};
    scenario->may_deadlock = chance(&draft, 20);
    scenario->ends = chance(&draft, 60);
    draft.random_times = chance(&draft, 50);
    draft.crowd = chance(&draft, 10);
    put(&draft, "seed: %u\n", below(&draft, 1000));
    put_machine(&draft);
    // Daemons go on when everyone else has run into a deadlock.
    if (scenario->ends)
        put(&draft, "until: %s\n", scenario->may_deadlock ? "300ms" : "100s");
    else
        put(&draft, "until: %ums\n", between(&draft, 1, 60));
    put(&draft, "limits: { events: 50000 }\nprocesses:\n");
    unsigned processes = between(&draft, 1, 3);
    for (unsigned i = 0; i < processes; i++)
        put_process(&draft, i);
}

void random_scenario(RandomScenario *scenario, uint64_t seed)
{
    write(scenario, seed, false);
}

void random_sharing_scenario(RandomScenario *scenario, uint64_t seed)
{
    write(scenario, seed, true);
}
