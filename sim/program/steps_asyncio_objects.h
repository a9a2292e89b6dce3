// What the steps of ops on asyncio's objects share.
#pragma once
#include "sim/program/coroutines.h"
#include "sim/python/objects.h"

// The step of any op whose object is asyncio's (Op.asyncio).
StepResult step_async_object(Machine *machine, Task *task, const Op *op);
// Whether the object is what a test asks for: set, held, above 0, not empty.
bool async_object_test(const Machine *machine, const Task *task, SyncId id);

// The coroutine joins the list and awaits; local[0] is its future until async_wait_over.
StepResult async_wait(Machine *machine, Task *task, SyncId id, Waiters *waiters, uint8_t phase);
void async_wait_over(Machine *machine, const Task *task, SyncId id);
// RuntimeError or ValueError.
StepResult async_raise(Machine *machine, Task *task);
// A record about the object, with the coroutine that runs.
void async_emit(Machine *machine, const Task *task, EventKind kind, SyncId id);
void async_level(Machine *machine, const Task *task, SyncId id, uint32_t level);

// The step of an op on a queue.
OpStep async_queue_step(const Op *op);
