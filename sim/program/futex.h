// Waiting and waking, as the ops that synchronise do it: the fast path is in user space and looks
// at a word; the slow path enters the kernel, which looks at the word once more (it may have
// changed on the way: EAGAIN) and lets the thread sleep in a list, first come first served. Nothing
// is handed over by waking: the woken one looks at the word again. Steps, not calls: each returns
// what a step function returns, and the op goes on in the phase given. The fast path costs what it
// costs for a mutex, whatever the kind: an atomic operation on a shared word.
#pragma once
#include "sim/kernel/process_data.h"
#include "sim/program/program.h"
#include "sim/python/gil.h"

// Phases of taking and of releasing a lock of any kind; every op that does either numbers its own
// from SYNC_PHASES on.
enum {
    LOCK_BEGIN = 1,
    LOCK_TRY,
    LOCK_IN_KERNEL,
    LOCK_WOKEN,
    LOCK_RETURNED,
    LOCK_LET_IN, // a writer has given up: readers that waited behind it are woken
    LOCK_LEAVES,
    UNLOCK_BEGIN = 10,
    UNLOCK_DONE,
    UNLOCK_IN_KERNEL,
    UNLOCK_WOKE,
    SYNC_PHASES = 20
};

static inline const SyncDef *sync_def(const Machine *machine, SyncId id)
{
    if (id.index1 & SYNC_OF_OBJECT)
        return &gil_object_lock;
    if (sync_is_runtime(machine, id))
        return &gil_syncs[(id.index1 - 1 - machine->scenario->sync_count) % GIL_SYNC_COUNT];
    return &machine->scenario->syncs[id.index1 - 1];
}

// What an operation on the object takes in user space: what it costs in C, and in a process of
// Python what its Python code does besides. (A Lock and an RLock of Python are written in C.)
Duration sync_cost(const Machine *machine, const Task *task, SyncId id, CostId in_c);

// How far taking a lock has come.
typedef enum LockEnd {
    LOCK_NOT_YET,
    LOCK_HAS,     // it has the lock
    LOCK_GAVE_UP, // its time is over, and it has not
} LockEnd;

// The instant at which a wait that begins now gives up, as the op's timeout (a Dist) says: kept in
// task->wait_until.
void futex_set_timeout(Machine *machine, Task *task, uint32_t timeout);
// Whether that instant has come.
bool futex_timed_out(const Machine *machine, const Task *task);

// Enters the kernel to wait.
StepResult futex_wait(Machine *machine, Task *task, uint8_t phase);
// In the kernel: sleeps in `list` until it is woken or its time is over. Interrupted by a signal,
// the op comes here again, from the phase that it is in now.
StepResult futex_sleep(Machine *machine, Task *task, const Op *op, SyncId id, WaitList *list,
                       uint8_t phase);
// In the kernel, awake: on the way back to user space.
StepResult futex_return(Machine *machine, Task *task, uint8_t phase);
// Back in user space after a wait that is over for good.
void futex_wait_over(Machine *machine, Task *task, SyncId id, WaitEnd end);

// Enters the kernel to wake.
StepResult futex_wake(Machine *machine, Task *task, uint8_t phase);
// In the kernel: wakes up to `count` tasks that sleep in `list`; the rest of the call takes as long
// as that costs.
StepResult futex_wake_now(Machine *machine, Task *task, WaitList *list, uint32_t count,
                          uint8_t phase);

// Steps until the lock is taken or given up, from LOCK_BEGIN on, with task->wait_until set: then
// `*end`, LOCK_NOT_YET before, says which. `reading`: a reader-writer lock, for reading. As glibc's
// timed locks do, one whose time is over on the way to or in the kernel gives up; unlike them it
// looks once more, and has the lock if it finds it free.
StepResult lock_take(Machine *machine, Task *task, const Op *op, SyncId id, bool reading,
                     LockEnd *end);
// Steps until the lock is released, from UNLOCK_BEGIN on; then `*done` is true. Finds out by itself
// whether it was for reading.
StepResult lock_release(Machine *machine, Task *task, const Op *op, SyncId id, bool *done);
// The same for one kind each.
StepResult mutex_take(Machine *machine, Task *task, const Op *op, SyncId id, LockEnd *end);
StepResult mutex_release(Machine *machine, Task *task, const Op *op, SyncId id, bool *done);
StepResult pi_lock_take(Machine *machine, Task *task, const Op *op, SyncId id, LockEnd *end);
StepResult pi_lock_release(Machine *machine, Task *task, SyncId id, bool *done);
StepResult spinlock_take(Machine *machine, Task *task, const Op *op, SyncId id, LockEnd *end);
StepResult spinlock_release(Machine *machine, Task *task, SyncId id, bool *done);
StepResult rwlock_read(Machine *machine, Task *task, const Op *op, SyncId id, LockEnd *end);
StepResult rwlock_write(Machine *machine, Task *task, const Op *op, SyncId id, LockEnd *end);
StepResult rwlock_release(Machine *machine, Task *task, SyncId id, bool *done);

// The same for a condition: steps from PHASE_ENTER on until `task`, which holds `lock`, has waited
// at the condition `id` and holds `lock` again. It waits until task->wait_until, which the caller
// has set by phase CONDITION_JOIN; condition_timed_out: that instant came before a notification.
enum { CONDITION_JOIN = SYNC_PHASES };
StepResult condition_sleep(Machine *machine, Task *task, const Op *op, SyncId id, SyncId lock,
                           bool *done);
bool condition_timed_out(const Task *task);
// Steps from PHASE_ENTER on until `wanted` waiters, or all, have been notified; uses task->scratch.
StepResult condition_notify(Machine *machine, Task *task, SyncId id, bool all, uint32_t wanted,
                            bool *done);

// The same for a semaphore, from PHASE_ENTER on. One more is there right after SEMAPHORE_POST, one
// less when `*end` is LOCK_HAS.
enum { SEMAPHORE_TRY = SYNC_PHASES, SEMAPHORE_POST = SYNC_PHASES };
StepResult semaphore_take(Machine *machine, Task *task, const Op *op, SyncId id, LockEnd *end);
StepResult semaphore_release(Machine *machine, Task *task, SyncId id, bool *done);
// Whether its value can be one more; if not, the run ends.
bool semaphore_has_room(Machine *machine, const Task *task, const Op *op, SyncId id);

// Its time is over: it goes without the lock.
StepResult lock_given_up(Machine *machine, Task *task, SyncId id, LockEnd *end);
// `task` has the lock alone from now, by `op`.
void lock_taken(Machine *machine, Task *task, const Op *op, SyncId id);
// `task` has no longer.
void lock_released(Machine *machine, Task *task, SyncId id);
// Whether `task` has the lock alone; if not, the run ends: it `does` ("unlocks") what it must not.
bool lock_owned(Machine *machine, Task *task, const Op *op, SyncId id, const char *does);
