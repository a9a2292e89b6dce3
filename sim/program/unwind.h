// Exceptions: from the op that raises one out through the blocks and calls around it, to the `try`
// that handles it or to the end of the program.
#pragma once
#include "sim/program/program.h"

// Raises `exception` at the op that the task is at.
StepResult unwind_raise(Machine *machine, Task *task, uint32_t exception);
// What unwinds a thread that leaves; unlike the exceptions that can be raised it has no name.
#define EXCEPTION_SYSTEM_EXIT UINT32_MAX

// Whether leaving by `exit`, at which the task is, is an exception: SystemExit in a thread of
// Python, which no handler here is for, so that what it holds by `with` is released and `finally`
// is done. An executor's item keeps it, and leaves whoever asks for its result. (Not of a
// coroutine, nor of a function that a pool calls: that thread ends at once. Who awaits such an item
// gets an error, where in asyncio the loop ends.)
bool unwind_exits(Machine *machine, const Task *task);
StepResult unwind_exit(Machine *machine, Task *task);
// Whether the task has seen to an op on the exception's way (a lock to be released), and the
// exception goes on.
static inline bool unwind_due(const Task *task)
{
    return task->unwind_from != 0 && task->phase == PHASE_ENTER;
}
StepResult unwind_go_on(Machine *machine, Task *task);
