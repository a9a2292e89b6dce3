// Deadlocks: circles of tasks each of which waits for what the next one has. A circle of locks is
// found when it closes; circles through joins when nothing is left that could wake anyone.
#pragma once
#include "sim/kernel/machine.h"

// `task` has just blocked on a lock: traces a DEADLOCK record for each member if that closed a
// circle. The run goes on, because other tasks may.
void deadlock_check(Machine *machine, Task *task);
// Nothing is left to happen although tasks remain: traces who waits for whom and ends the run.
void deadlock_at_end(Machine *machine);
