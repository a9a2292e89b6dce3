// The library's public face: load a scenario (scenario.h), run it here, read its trace.
#pragma once
#include "sim/scenario/scenario.h"
#include "sim/trace/trace.h"

#define RINGSIDE_VERSION "0.1.0"

typedef struct RunResult {
    EndReason end;
    LimitId limit;   // for END_LIMIT
    Instant ended;   // when the run ended
    uint64_t events; // pops of the event queue
    uint64_t bytes;  // memory that the run held at its peak, trace excluded
    uint32_t tasks;  // created
} RunResult;

// Simulates `scenario` from its beginning to its end and writes the trace to `trace`. A pure
// function of the scenario: its overrides and its seed are part of it. A limit or a deadlock is a
// result, not a failure; false means that the run could not be made (then `diag` says why).
bool ringside_run(const Scenario *scenario, Trace *trace, RunResult *result, Diag *diag);
