// What a thread must do, in order, found by walking its ops with no machine beneath: an oracle for
// traces. Which thread runs when, what waits and what things cost do not matter to it.
#pragma once
#include "sim/scenario/scenario.h"
#include "sim/trace/record.h"

// What a trace shows of one step. `kind` and `a` as in the trace; of KERNEL_ENTER only the calls
// that every run makes, so no futexes. A join leaves no record of its own when there is nothing to
// wait for, so it is shown as WALK_JOIN with the ThreadDefId in `a`.
typedef struct WalkStep {
    uint16_t kind;
    uint64_t a;
} WalkStep;

enum { WALK_JOIN = EVENT_KIND_COUNT };

// What the steps so far ask for.
typedef struct WalkTotals {
    int64_t compute_ns;
    uint64_t locks, unlocks;
    int64_t access_ns; // of shared variables, at the machine's costs
} WalkTotals;

typedef struct Walk {
    const Scenario *scenario;
    Rng rng;
    WalkTotals totals;
    // Gets each step; false ends the walk.
    bool (*step)(void *context, WalkStep step);
    void *context;
    uint64_t ops;
    bool stopped, ended;
} Walk;

// Walks the task's whole life, its end included, unless `step` or the bound on ops (a million) ends
// it before. Returns whether it came to the end.
bool program_walk(Walk *walk, ThreadDefId def, uint32_t instance);

// Whether a record is one that the walk shows.
bool program_walk_shows(const TraceRecord *record);
