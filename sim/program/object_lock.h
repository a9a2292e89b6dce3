// Objects that threads share in the build of Python without a GIL. Each variable is here an
// object's attribute, and a load of it takes a reference to its value:
//
// - Every object has a lock of its own, a PyMutex, under which it is changed, but not read: a store
//   takes it. Who does not get it, and sees nobody sleep for it, lets others of its core go first
//   (sched_yield) forty times, during which it does not look at the lock; then it tries again, and
//   sleeps until it is let go of. Who has waited for a millisecond is handed it; before, whoever
//   comes first has it. (CPython 3.13 Python/lock.c, _PyMutex_LockTimed. 3.15 looks at times.)
// - A count of references is written to by every load. The thread that made the object counts
//   without care; others do it atomically (COST_SHARED_REFERENCE). Either way the count's cache
//   line has to be there for writing: two threads that only read a variable fetch it from each
//   other.
//
// So x += 1 is a load and a store, of which each is whole; in between anything may happen.
//
// What threads share besides, they share without this: functions, modules and types, whose counts
// are deferred (nobody writes to them). Locks, queues and the like have their costs as everywhere.
#pragma once
#include "sim/program/program.h"

// Whether the variable is such an object for the task: its process has no GIL, and it is neither
// thread-local nor in memory that processes share.
bool object_shared(const Machine *machine, const Task *task, uint32_t variable);
// What a load of the variable, which is one, takes to count its reference, besides its cache line.
Duration object_reference_cost(const Machine *machine, const Task *task, uint32_t variable);
// The task has made what the variable refers to from now on.
void object_value_made(const Machine *machine, const Task *task, uint32_t variable);

// Takes the lock of the variable's object, in a turn if it is not free: the op goes on in `phase`,
// having it.
StepResult object_lock(Machine *machine, Task *task, uint32_t variable, uint8_t phase);
// The task, which has it, lets go of it and goes on in `phase`.
StepResult object_unlock(Machine *machine, Task *task, uint32_t variable, uint8_t phase);
// A turn at either goes on.
StepResult object_step(Machine *machine, Task *task);
// In such a turn: the task, which has slept, is attached to its interpreter again.
StepResult object_attached(Machine *machine, Task *task);
