// New processes: fork, which copies this one's memory on write; spawn (posix_spawn), which begins
// with none; and exec, which begins anew in the same process.
// What becomes of variables and locks is process_data.h's.
#pragma once
#include "sim/kernel/process.h"

// What a fork of `process` costs besides the system call: its page tables are copied.
Duration fork_cost(const Machine *machine, const Process *process);
// A child whose first task is made from `def`, started for `creator`, which is running. `copy`:
// with a copy of the memory. Returns what starting it costs the creator. Past the limit of tasks
// the run ends.
Duration fork_start(Machine *machine, Task *creator, ThreadDefId def, bool copy);
// `task`'s process becomes another program: its other tasks and its memory are gone.
void fork_exec(Machine *machine, Task *task);
