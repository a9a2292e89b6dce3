// glibc's reader-writer lock (nptl/pthread_rwlock_common.c): any number read together, or one
// writes. By default it prefers readers: as long as one reads, others may join, and a writer waits.
// A lock that prefers writers lets no reader in while a writer waits. Who ends a phase hands the
// lock over: the last reader to a writer, a writer to all readers that wait. Writers among each
// other compete, as for a mutex. (glibc also lets a waiting writer spin first; we do not.)
#include "sim/program/futex.h"

#include "sim/base/check.h"

enum { WAKE_WRITER, WAKE_READERS };

// ---- reading

static bool may_read(const Machine *machine, const Task *task, SyncId id)
{
    const Sync *sync = sync_of(machine, task, id);
    const RwLock *lock = &sync->rwlock;
    bool after_you = sync_def(machine, id)->prefer_writers && lock->waiting_writers > 0;
    return sync->owner.index1 == 0 && !lock->granted && !after_you;
}

static StepResult reads(Machine *machine, Task *task, const Op *op, SyncId id, bool *done)
{
    task->slept = false;
    machine_emit(machine, EVENT_LOCK_READ, task->core, task->id, id.index1,
                 program_op_index(machine, op));
    *done = true;
    return STEP_NEXT;
}

StepResult rwlock_read(Machine *machine, Task *task, const Op *op, SyncId id, bool *done)
{
    Sync *sync = sync_of(machine, task, id);
    RwLock *lock = &sync->rwlock;
    switch (task->phase) {
    case LOCK_BEGIN:
        task->wait_until = INSTANT_NEVER;
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_LOCK), LOCK_TRY);
    case LOCK_TRY:
        if (may_read(machine, task, id)) {
            lock->readers++;
            return reads(machine, task, op, id, done);
        }
        lock->queued_readers++;
        task->scratch = lock->read_phase;
        return futex_wait(machine, task, LOCK_IN_KERNEL);
    case LOCK_IN_KERNEL:
        if (lock->read_phase == task->scratch)
            return futex_sleep(machine, task, op, id, &sync->waiters, LOCK_WOKEN);
        return futex_return(machine, task, LOCK_RETURNED);
    case LOCK_WOKEN:
        return futex_return(machine, task, LOCK_RETURNED);
    default:
        program_syscall_over(machine, task);
        if (lock->read_phase == task->scratch) // woken by what was meant for the phase before
            return futex_wait(machine, task, LOCK_IN_KERNEL);
        return reads(machine, task, op, id, done);
    }
}

// ---- writing

static bool may_write(const Sync *sync)
{
    return sync->rwlock.granted || (sync->owner.index1 == 0 && sync->rwlock.readers == 0);
}

static StepResult writes(Machine *machine, Task *task, const Op *op, SyncId id, bool *done)
{
    task->slept = false;
    sync_of(machine, task, id)->rwlock.granted = false;
    lock_taken(machine, task, op, id);
    *done = true;
    return STEP_NEXT;
}

StepResult rwlock_write(Machine *machine, Task *task, const Op *op, SyncId id, bool *done)
{
    Sync *sync = sync_of(machine, task, id);
    RwLock *lock = &sync->rwlock;
    switch (task->phase) {
    case LOCK_BEGIN:
        task->wait_until = INSTANT_NEVER;
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_LOCK), LOCK_TRY);
    case LOCK_TRY:
        if (may_write(sync) && !lock->granted)
            return writes(machine, task, op, id, done);
        lock->waiting_writers++;
        return futex_wait(machine, task, LOCK_IN_KERNEL);
    case LOCK_IN_KERNEL:
        if (!may_write(sync))
            return futex_sleep(machine, task, op, id, &sync->others, LOCK_WOKEN);
        return futex_return(machine, task, LOCK_RETURNED);
    case LOCK_WOKEN:
        return futex_return(machine, task, LOCK_RETURNED);
    default:
        program_syscall_over(machine, task);
        if (!may_write(sync))
            return futex_wait(machine, task, LOCK_IN_KERNEL);
        lock->waiting_writers--;
        return writes(machine, task, op, id, done);
    }
}

// ---- releasing

// Nobody has the lock any more: says who does from now. Returns whom to wake, or -1.
static int hand_over(RwLock *lock, bool to_writer)
{
    if (to_writer && lock->waiting_writers > 0) {
        lock->granted = true;
        return WAKE_WRITER;
    }
    if (lock->queued_readers > 0) {
        lock->readers = lock->queued_readers;
        lock->queued_readers = 0;
        lock->read_phase++;
        return WAKE_READERS;
    }
    return lock->waiting_writers > 0 ? WAKE_WRITER : -1;
}

static int release(Machine *machine, Task *task, SyncId id)
{
    Sync *sync = sync_of(machine, task, id);
    if (ID_EQUAL(sync->owner, task->id)) {
        lock_released(machine, task, id);
        return hand_over(&sync->rwlock, sync_def(machine, id)->prefer_writers);
    }
    CHECK(sync->rwlock.readers > 0);
    machine_emit(machine, EVENT_LOCK_READ_RELEASED, task->core, task->id, id.index1, 0);
    return --sync->rwlock.readers > 0 ? -1 : hand_over(&sync->rwlock, true);
}

StepResult rwlock_release(Machine *machine, Task *task, SyncId id, bool *done)
{
    Sync *sync = sync_of(machine, task, id);
    switch (task->phase) {
    case UNLOCK_BEGIN:
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_UNLOCK),
                            UNLOCK_DONE);
    case UNLOCK_DONE: {
        int whom = release(machine, task, id);
        task->scratch = (uint64_t)whom;
        if (whom >= 0)
            return futex_wake(machine, task, UNLOCK_IN_KERNEL);
        *done = true;
        return STEP_NEXT;
    }
    case UNLOCK_IN_KERNEL:
        if (task->scratch == WAKE_READERS)
            return futex_wake_now(machine, task, &sync->waiters, UINT32_MAX, UNLOCK_WOKE);
        return futex_wake_now(machine, task, &sync->others, 1, UNLOCK_WOKE);
    default:
        program_syscall_over(machine, task);
        *done = true;
        return STEP_NEXT;
    }
}
