// Which core a waking or a new task goes to (Linux kernel/sched/fair.c select_task_rq_fair). All
// cores share one last-level cache. Linux also skips the waker's core for pairs that wake many
// (wake_wide) and takes hints from pipes and sockets (sync wake-ups); we do not yet, because
// nothing here wakes that way. Some vendors' kernels pack light pairs onto one core; ours spreads
// them.
#pragma once
#include "sim/kernel/machine.h"

int placement_for_wakeup(const Machine *machine, const Task *task, int waker_core);
// `parent_core`: where its creator runs, CORE_NONE when it arrives from outside.
int placement_for_new(Machine *machine, const Task *task, int parent_core);
// The first idle core from `from` on, around, that `task` may run on; CORE_NONE when there is none.
int placement_idle_core(const Machine *machine, const Task *task, int from);
bool placement_allows(const Machine *machine, const Task *task, int core);
// Whether `core` may take the queued `task` now: not one that another core is only just leaving
// (Linux waits for on_cpu to clear).
bool placement_can_take(const Machine *machine, const Task *task, int core);

// A queue has become lighter: keeps what is known about the lightest ones true.
static inline void placement_note_lighter(Machine *machine, uint32_t core, uint64_t weight)
{
    if (weight < machine->least_weight ||
        (weight == machine->least_weight && core < machine->least_from)) {
        machine->least_weight = weight;
        machine->least_from = core;
    }
}
