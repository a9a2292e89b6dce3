// Eager tasks (asyncio.eager_task_factory, 3.12): a task begins as it is made, in the midst of the
// operation that makes it, and runs until it first awaits what is not done yet, or ends. Then the
// one who has made it goes on: a coroutine, or a plain function that the loop has called. (CPython
// Lib/asyncio/tasks.py, Task.__eager_start)
//
// What gather is given becomes tasks, all of which begin before it waits for any. CPython takes
// them one by one: there a function that awaits a task named before it in the same list comes
// behind gather with that task, and here ahead of it.
#pragma once
#include "sim/program/coroutines.h"

// The new task of `future` begins; who has made it goes on in `phase` afterwards.
StepResult eager_begin(Machine *machine, Task *task, uint32_t future, uint8_t phase);
// A coroutine awaits for the first time, or ends, and was begun by the one whose place is kept in
// `starter` (Coroutine.starter): the thread goes on there.
StepResult eager_back(Machine *machine, Task *task, uint32_t starter);

// The phase in which an op that makes tasks of functions, which coroutines_awaited then gives it,
// begins anew for each. True: all of them have begun. False: one is about to.
enum { EAGER_MAKING = 200 };
bool eager_made(Machine *machine, Task *task, uint32_t awaited, StepResult *result);
// The op create_task, from phase EAGER_MAKING on: makes and begins `count` of them, one by one.
StepResult eager_create_tasks(Machine *machine, Task *task, const Op *op, uint32_t count);
