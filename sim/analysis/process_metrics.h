// Metrics of processes and their memory, folded from the same records as metrics.h does threads
// and cores. Part of Metrics; nothing here formats.
//
// Memory is traced only in scenarios that speak of it: in others a process has none. The greatest
// values are what it had at some instant; `private` is what was resident and not shared.
#pragma once
#include "sim/analysis/process_names.h"
#include "sim/scenario/expect.h"

typedef struct ProcessMetrics {
    uint32_t def;                        // ProcessId.index1
    uint32_t instance;                   // from 1, among the processes of `def`
    uint64_t reserved, resident, shared; // bytes, now
    uint64_t reserved_max, resident_max, shared_max, private_max;
    uint64_t heap_max;                 // bytes of objects
    uint64_t faults[FAULT_KIND_COUNT]; // pages
    bool said;                         // its memory was traced
    bool ended, reaped;
    uint32_t status; // when it has ended
} ProcessMetrics;

typedef struct PipeMetrics {
    uint64_t written, read; // bytes
} PipeMetrics;

// What went wrong, with the line of the scenario that did it; the first few of each.
typedef struct TroubleMetrics {
    EventKind kind;
    int64_t time_ns;
    uint32_t task, line;
    uint64_t about; // Pid or PipeId
} TroubleMetrics;

enum { TROUBLES_KEPT = 8 };

typedef struct ProcessTable {
    const Scenario *scenario;
    ProcessNames names;
    ARRAY(ProcessMetrics) processes; // by Pid, less 1
    ARRAY(uint32_t) task_pids;       // by TaskId, for tasks of other processes than their entry's
    uint32_t *counts;                // by ProcessId: forked so far
    TroubleMetrics troubles[TROUBLES_KEPT];
    uint32_t trouble_count;
    uint64_t oom_kills, broken_pipes;
    PipeMetrics *pipes; // by PipeId.index1
} ProcessTable;

// Whether a record of this kind is for the table: the rows of processes and memory follow each
// other, but for the last.
static inline bool process_table_takes(unsigned kind)
{
    return (kind >= EVENT_PAGE_FAULT && kind <= EVENT_MESSAGE_WAIT) || kind == EVENT_HEAP;
}

void process_table_open(ProcessTable *table, const Scenario *scenario);
// `def`: of the record's task, 0 when it is not known.
void process_table_add(ProcessTable *table, const TraceRecord *record, uint32_t def);
void process_table_free(ProcessTable *table);

// The process with this Pid, NULL when there is none.
ProcessMetrics *process_table_at(const ProcessTable *table, uint64_t pid);
// The process of a task made from `def`.
uint32_t process_table_of(const ProcessTable *table, uint32_t task, uint32_t def);
// How many processes nobody has collected; they have ended and their parent has not.
uint64_t process_table_zombies(const ProcessTable *table);
// The value of a metric of processes; false when it does not exist.
bool process_value(const ProcessMetrics *process, MetricId metric, double *value);
