// Exceptions: from the op that raises one out through the blocks and calls around it, to the `try`
// that handles it or to the end of the program.
#pragma once
#include "sim/program/program.h"

// Raises `exception` at the op that the task is at.
StepResult unwind_raise(Machine *machine, Task *task, uint32_t exception);
// Whether the task has seen to an op on the exception's way (a lock to be released), and the
// exception goes on.
static inline bool unwind_due(const Task *task)
{
    return task->unwind_from != 0 && task->phase == PHASE_ENTER;
}
StepResult unwind_go_on(Machine *machine, Task *task);
