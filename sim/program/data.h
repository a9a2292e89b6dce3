// What other ops need of shared variables: `while` and `if` load one. The ops are in steps_data.c.
#pragma once
#include "sim/program/program.h"

// What the load of a variable (index1) that begins now takes, its cache line's way here included.
// Takes the line: once for each load, right before its time is spent.
Duration data_load_cost(Machine *machine, const Task *task, uint32_t variable);
// `task`, by `op`, loads the variable (index1) now, into its copy.
int64_t data_load(Machine *machine, Task *task, const Op *op, uint32_t variable);
// `task` has ended: its thread-local variables are gone.
void data_forget(Machine *machine, Task *task);
// Writes a record of what orders `task` with others (SPAWNED, JOINED, EVENT_PASSED), by `op`, when
// there are variables that they may share: races are judged by it, see sim/analysis/races.h.
void data_ordered(Machine *machine, const Task *task, const Op *op, EventKind kind, uint64_t by);
