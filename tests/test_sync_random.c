// The laws of sync_laws.h in random scenarios: threads that take and give locks of every kind,
// semaphores, events, conditions, barriers and queues, on one to four cores, under several
// schedulers, with and without costs, in C and in several Pythons. All of them are written so that
// they end; a fifth has a thread less than its barrier wants, or a get too many, and must end in a
// deadlock, with nobody waiting for what is there. RINGSIDE_SEEDS says how many (1000),
// RINGSIDE_SEED=N tries only that one.
#include "sim/base/rng.h"
#include "tests/simulate.h"
#include "tests/sync_laws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { YAML_BYTES = 1 << 15, OPS_MOST = 6 };

typedef struct Draft {
    char yaml[YAML_BYTES];
    size_t length;
    Rng rng;
    bool may_spin, hangs, python;
    unsigned barriers; // how often each thread comes to the barrier
} Draft;

static unsigned below(Draft *draft, unsigned bound)
{
    return (unsigned)rng_below(&draft->rng, bound);
}

static bool chance(Draft *draft, unsigned percent)
{
    return below(draft, 100) < percent;
}

__attribute__((format(printf, 2, 3))) static void put(Draft *draft, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    draft->length +=
        (size_t)vsnprintf(draft->yaml + draft->length, YAML_BYTES - draft->length, format, values);
    va_end(values);
    assert_true(draft->length < YAML_BYTES);
}

static void put_work(Draft *draft, bool only_compute)
{
    unsigned kind = below(draft, only_compute ? 2 : 4);
    if (kind == 3)
        put(draft, "yield");
    else
        put(draft, "{ %s: %u%s }", kind < 2 ? "compute" : "sleep", below(draft, 30),
            kind == 0 ? "us" : "0us");
}

static void put_with(Draft *draft, const char *lock, bool only_compute)
{
    put(draft, "{ with: { lock: %s, ", lock);
    if (strcmp(lock, "spin") != 0 && chance(draft, 30)) // who gives up does nothing under it
        put(draft, "timeout: %uus, else: [ yield ], ", below(draft, 60));
    put(draft, "do: [ ");
    put_work(draft, only_compute);
    if (strcmp(lock, "re") == 0 && chance(draft, 50))
        put(draft, ", { with: { lock: re, do: [ yield ] } }");
    put(draft, " ] } }");
}

// One thing that ends whatever the others do.
static void put_step(Draft *draft)
{
    switch (below(draft, 9)) {
    case 0:
        put_with(draft, "l", false);
        break;
    case 1:
        put_with(draft, "re", false);
        break;
    case 2:
        put_with(draft, draft->may_spin ? "spin" : "l", true);
        break;
    case 3:
        put(draft, "{ with: { lock: rw, mode: read, ");
        if (chance(draft, 30))
            put(draft, "timeout: %uus, ", below(draft, 60));
        put(draft, "do: [ ");
        put_work(draft, false);
        put(draft, " ] } }");
        break;
    case 4:
        put_with(draft, "rw", false);
        break;
    case 5:
        put(draft, "{ acquire: s }, ");
        put_work(draft, false);
        put(draft, ", { release: s }");
        break;
    case 6: // who gives up adds one, so that both ways add as much
        put(draft, "{ acquire: { semaphore: s, timeout: %uus, else: [ { release: s } ] } }, ",
            below(draft, 300));
        put_work(draft, false);
        put(draft, ", { release: s }");
        break;
    case 7: // who has put gets: while it is full, somebody is about to get
        put(draft, "{ put: { queue: q, priority: %u } }, ", 1 + below(draft, 3));
        put_work(draft, false);
        put(draft, ", { get: q }");
        break;
    default:
        put_work(draft, false);
    }
}

static void put_thread(Draft *draft, unsigned number, unsigned count)
{
    put(draft, "  - { name: t%u, count: %u, run: [ ", number, count);
    for (unsigned round = 0; round <= draft->barriers; round++) {
        unsigned steps = below(draft, OPS_MOST);
        for (unsigned i = 0; i < steps; i++) {
            put_step(draft);
            put(draft, ", ");
        }
        if (round < draft->barriers)
            put(draft, "{ barrier: b }, ");
    }
    // Everybody waits for the first thread's word, with the lock or without.
    if (number == 0)
        put(draft, "{ with: { lock: l, do: [ { set: e }, { notify_all: c } ] } }");
    else if (chance(draft, 50))
        put(draft,
            "{ with: { lock: l, do: [ { while: { test: not e, do: [ { wait: c } ] } } ] } }");
    else
        put(draft, "{ wait: e }");
    if (draft->hangs && number == 0)
        put(draft, ", { get: q }");
    put(draft, " ] }\n");
}

static void put_machine(Draft *draft)
{
    static const char *const schedulers[] = {"fifo", "{ policy: rr, slice: 250us }", "eevdf"};
    unsigned scheduler = below(draft, 3), cores = 1 + below(draft, 4);
    // Under FIFO a spinner may keep its core from the holder for ever.
    draft->may_spin = scheduler != 0;
    put(draft,
        "seed: %u\nlimits: { events: 2M }\nmachine: { cores: %u, scheduler: %s, costs: %s }\n",
        below(draft, 1000), cores, schedulers[scheduler], chance(draft, 50) ? "zero" : "typical");
    static const char *const runtimes[] = {
        "c", "cpython-2.7", "cpython-3.8", "cpython-3.12", "cpython-3.13t", "cpython-3.14", "c",
        "c"};
    unsigned runtime = below(draft, 8);
    draft->python = strcmp(runtimes[runtime], "c") != 0;
    draft->may_spin = draft->may_spin && !draft->python; // there the GIL is kept from the holder
    put(draft, "runtime: %s\n", runtimes[runtime]);
}

static void draft_scenario(Draft *draft, uint64_t seed)
{
    draft->length = 0;
    draft->rng = rng_make(seed, 77);
    draft->hangs = chance(draft, 20);
    draft->barriers = below(draft, 3);
    put_machine(draft);
    unsigned threads = 1 + below(draft, 4), counts[4], total = 0;
    counts[0] = 1;
    for (unsigned i = 0; i < threads; i++) {
        if (i > 0)
            counts[i] = 1 + below(draft, 4);
        total += counts[i];
    }
    put(draft, "locks: { l: lock, re: rlock, spin: spin, rw: %s }\n",
        chance(draft, 50) ? "rwlock" : "{ kind: rwlock, prefer: writers }");
    put(draft,
        "semaphores: { s: %u }\nconditions: { c: { lock: l, spurious: %u%% } }\nevents: [ e ]\n",
        1 + below(draft, 3), draft->python ? 0 : below(draft, 2) * 30);
    put(draft, "barriers: { b: %u }\nqueues: { q: { capacity: %u, order: %s } }\nthreads:\n", total,
        1 + below(draft, 3), chance(draft, 50) ? "fifo" : "priority");
    for (unsigned i = 0; i < threads; i++)
        put_thread(draft, i, counts[i]);
}

static Draft draft;
static uint64_t seen[EVENT_KIND_COUNT];

static void try_seed(uint64_t seed)
{
    static Simulated run;
    static Metrics metrics;
    SyncLaws laws = {0};
    draft_scenario(&draft, seed);
    simulate(&run, draft.yaml);
    simulated_measure(&run, &metrics);
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        const char *violated = sync_laws_add(&laws, &run.scenario, record);
        if (violated != NULL)
            fail_msg("seed %u, record %u (%s): %s\n%s", (unsigned)seed, (unsigned)i,
                     event_info(record->kind)->name, violated, draft.yaml);
        seen[record->kind]++;
    }
    EndReason end = draft.hangs ? END_DEADLOCK : END_DONE;
    if (run.result.end != end)
        fail_msg("seed %u: %s\n%s", (unsigned)seed, end_reason_text(run.result.end), draft.yaml);
    const char *lost = sync_laws_stuck(&laws, &run.scenario);
    if (lost != NULL)
        fail_msg("seed %u: %s\n%s", (unsigned)seed, lost, draft.yaml);
    // Every nanosecond of every core is user, kernel, interrupt or idle time.
    int64_t total = 0;
    for (uint32_t i = 0; i < metrics.core_count; i++)
        total += metrics.cores[i].user_ns + metrics.cores[i].kernel_ns +
                 metrics.cores[i].interrupt_ns + metrics.cores[i].idle_ns;
    assert_true(total == run.result.ended.ns * (int64_t)metrics.core_count);
    metrics_free(&metrics);
    simulated_free(&run);
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text == NULL || text[0] == '\0' ? otherwise : strtoull(text, NULL, 10);
}

static void laws_hold(void **state)
{
    (void)state;
    uint64_t only = number_from("RINGSIDE_SEED", 0), seeds = number_from("RINGSIDE_SEEDS", 1000);
    for (uint64_t seed = only != 0 ? only : 1; seed <= (only != 0 ? only : seeds); seed++)
        try_seed(seed);
    if (only != 0 || seeds < 200)
        return;
    static const EventKind kinds[] = {
        EVENT_LOCK_WAIT,      EVENT_LOCK_SPIN, EVENT_LOCK_NESTED, EVENT_LOCK_READ, EVENT_SYNC_WAIT,
        EVENT_SYNC_WAIT_OVER, EVENT_ACQUIRED,  EVENT_RELEASED,    EVENT_NOTIFIED,  EVENT_EVENT_SET,
        EVENT_BARRIER_OPENED, EVENT_QUEUE_PUT, EVENT_QUEUE_GOT,   EVENT_DEADLOCK};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (seen[kinds[i]] == 0)
            fail_msg("no run has a record '%s'", event_info(kinds[i])->name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(laws_hold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
