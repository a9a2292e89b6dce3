// What became of the shared variables: their values, how often they were accessed, and the updates
// that were lost. A fold of the trace.
//
// An update is a store or an atomic change. A store that writes a copy builds on what its thread
// had loaded; updates that others have made since then are overwritten without having been seen,
// and lost. So each value has a length: one more than that of the value it builds on. Atomic
// changes, and stores of a number or of another variable's copy, build on what is there, which they
// replace on purpose. Of all updates, those that the last value does not build on are lost: when
// all of them add 1, value + lost updates is the number of updates.
#pragma once
#include "sim/analysis/instances.h"

// A store over an update that its thread had not seen.
typedef struct LostUpdate {
    int64_t time_ns;
    uint32_t task, op;       // who stored; 0: no update is lost
    uint32_t of_task, of_op; // whose update, the last one, went with it
} LostUpdate;

typedef struct VariableMetrics {
    int64_t value; // the last one
    uint64_t loads, stores, atomics, failed_swaps;
    uint64_t updates;            // stores + atomics
    uint64_t length;             // of updates that the value builds on, it included
    uint32_t last_task, last_op; // of the last update
    LostUpdate first_lost;
} VariableMetrics;

// What a task's copy of a variable builds on.
typedef struct LoadedLength {
    uint64_t key; // task and variable; 0: free
    uint64_t length;
} LoadedLength;

typedef struct SharedData {
    const Scenario *scenario;
    const Instances *instances; // which variable is meant; set before the first record
    VariableMetrics *variables; // by number, see instances.h
    uint32_t variable_count, variable_room;
    LoadedLength *loaded; // a hash map
    size_t room, count;
} SharedData;

// `scenario` and `instances` outlive it. Without variables it stays empty and costs nothing.
void shared_data_open(SharedData *data, const Instances *instances);
// The next record, which `instances` have had. Whatever its ids refer to, it is taken without harm.
void shared_data_add(SharedData *data, const TraceRecord *record);
void shared_data_free(SharedData *data);

// The variable's name; prefixed "process/" when another process has one of that name, "variable 7"
// when there is none. Returns `text`.
char *variable_name(const Scenario *scenario, uint32_t variable, char text[static 96]);

static inline uint64_t variable_lost_updates(const VariableMetrics *variable)
{
    return variable->updates - variable->length;
}
