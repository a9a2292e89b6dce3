// Races found the slow way, for tests of sim/analysis/races.h: the records that order threads are
// the nodes of a graph, every pair of them is asked whether one orders the other, and for each node
// the set of all accesses that happened before it is kept. No clocks, nothing forgotten.
#pragma once
#include "sim/scenario/scenario.h"
#include "sim/trace/record.h"

#include <stdbool.h>
#include <stddef.h>

enum { REFERENCE_NODES_MAX = 3000, REFERENCE_PAIRS_MAX = 4096 };

// A pair of places (indices of ops); low <= high.
typedef struct RacePair {
    uint32_t low, high;
} RacePair;

// Fills `pairs` with those that race, in ascending order. False when the trace is too long for it.
bool race_reference(const Scenario *scenario, const TraceRecord *records, size_t count,
                    RacePair pairs[REFERENCE_PAIRS_MAX], size_t *pair_count);
