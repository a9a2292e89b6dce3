// Library code from the side of the program: ops that call it, and the end of a process, which
// does. See sim/scenario/library.h for what it is, steps_library.c for what only it does.
#pragma once
#include "sim/program/program.h"

// Goes to the library code at `entry`; when that returns, `op` goes on in PHASE_BLOCK_DONE with
// `stage` as its scratch, and what the task had in its hands before. False when a limit is reached.
bool library_call(Machine *machine, Task *task, const Op *op, uint32_t entry, uint32_t stage);
// Whether this op does so.
bool library_calls(const Op *op);
// The code that `op` has called returns.
StepResult library_returns(Machine *machine, Task *task, const Op *op);
// An exception leaves the code that `op` has called. True when it goes no further: a pool's worker
// sends it back.
bool library_unwinds(Machine *machine, Task *task, const Op *op);
// `task` is at the end of its list. True when it has to do its process's library code for that
// first, and goes there: it is the last thread that is not a daemon.
bool library_finishes(Machine *machine, Task *task);
