// The law of work, of trace_laws.h: what a thread shows of its program is what its program says, in
// order, and the CPU time that it gets is what its ops ask for. It compares a trace with
// program_walk.h; who runs when is none of its business.
#pragma once
#include "sim/scenario/scenario.h"
#include "sim/trace/record.h"

// What the fold over the trace has found out about one task.
typedef struct TaskWork {
    uint32_t def, instance;
    bool alive, killed;
    size_t created_at; // index of its TASK_CREATED
    int64_t ended_ns;
    int64_t user_ns, kernel_ns; // on a core, interrupts taken off
    uint64_t calls[SYSCALL_COUNT];
    uint64_t switches_paid; // that it was switched to from another task
} TaskWork;

// `tasks` by TaskId.index1, up to `task_count`. False: `violated` says which law is.
bool trace_work(const Scenario *scenario, const TraceRecord *records, size_t count,
                const TaskWork *tasks, uint32_t task_count, char *violated, size_t violated_bytes);
