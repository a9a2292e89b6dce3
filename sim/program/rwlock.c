// glibc's reader-writer lock (nptl/pthread_rwlock_common.c): any number read together, or one
// writes. By default it prefers readers: as long as one reads, others may join, and a writer waits.
// A lock that prefers writers lets no reader in while a writer waits. Who ends a phase hands the
// lock over: the last reader to a writer, a writer to all readers that wait. Writers among each
// other compete, as for a mutex. (glibc also lets a waiting writer spin first; we do not.)
#include "sim/program/futex.h"

#include "sim/base/check.h"
#include "sim/kernel/read_holds.h"

enum { WAKE_WRITER, WAKE_READERS };

// ---- reading

static bool may_read(const Machine *machine, const Task *task, SyncId id)
{
    const Sync *sync = sync_of(machine, task, id);
    const RwLock *lock = &sync->rwlock;
    bool after_you = sync_def(machine, id)->prefer_writers && lock->waiting_writers > 0;
    return sync->owner.index1 == 0 && !lock->granted && !after_you;
}

static StepResult reads(Machine *machine, Task *task, const Op *op, SyncId id, LockEnd *end)
{
    task->slept = false;
    read_holds_add(machine, task, id);
    machine_emit(machine, EVENT_LOCK_READ, task->core, task->id, id.index1,
                 program_op_index(machine, op));
    *end = LOCK_HAS;
    return STEP_NEXT;
}

StepResult rwlock_read(Machine *machine, Task *task, const Op *op, SyncId id, LockEnd *end)
{
    Sync *sync = sync_of(machine, task, id);
    RwLock *lock = &sync->rwlock;
    switch (task->phase) {
    case LOCK_BEGIN:
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_LOCK), LOCK_TRY);
    case LOCK_TRY:
        if (may_read(machine, task, id)) {
            lock->readers++;
            return reads(machine, task, op, id, end);
        }
        lock->queued_readers++;
        task->scratch = lock->read_phase;
        return futex_wait(machine, task, LOCK_IN_KERNEL);
    case LOCK_IN_KERNEL:
        if (lock->read_phase == task->scratch && !futex_timed_out(machine, task))
            return futex_sleep(machine, task, op, id, &sync->waiters, LOCK_WOKEN);
        return futex_return(machine, task, LOCK_RETURNED);
    case LOCK_WOKEN:
        return futex_return(machine, task, LOCK_RETURNED);
    default:
        program_syscall_over(machine, task);
        if (lock->read_phase != task->scratch)
            return reads(machine, task, op, id, end);
        if (futex_timed_out(machine, task)) {
            lock->queued_readers--;
            return lock_given_up(machine, task, id, end);
        }
        // Woken by what was meant for the phase before.
        return futex_wait(machine, task, LOCK_IN_KERNEL);
    }
}

// All who wait to read have the lock, with those who read already.
static void begin_read_phase(RwLock *lock)
{
    lock->readers += lock->queued_readers;
    lock->queued_readers = 0;
    lock->read_phase++;
}

// ---- writing

static bool may_write(const Sync *sync)
{
    return sync->rwlock.granted || (sync->owner.index1 == 0 && sync->rwlock.readers == 0);
}

// A writer gives up. The readers that it alone kept waiting, in a lock that prefers writers, go on
// with those who read now (glibc __pthread_rwlock_wrlock_full, after its timed_out).
static StepResult stops_writing(Machine *machine, Task *task, SyncId id, LockEnd *end)
{
    const Sync *sync = sync_of(machine, task, id);
    RwLock *lock = &sync_of(machine, task, id)->rwlock;
    lock->waiting_writers--;
    if (lock->waiting_writers > 0 || lock->queued_readers == 0 || sync->owner.index1 != 0 ||
        lock->granted)
        return lock_given_up(machine, task, id, end);
    begin_read_phase(lock);
    return futex_wake(machine, task, LOCK_LET_IN);
}

static StepResult writes(Machine *machine, Task *task, const Op *op, SyncId id, LockEnd *end)
{
    task->slept = false;
    sync_of(machine, task, id)->rwlock.granted = false;
    lock_taken(machine, task, op, id);
    *end = LOCK_HAS;
    return STEP_NEXT;
}

StepResult rwlock_write(Machine *machine, Task *task, const Op *op, SyncId id, LockEnd *end)
{
    Sync *sync = sync_of(machine, task, id);
    RwLock *lock = &sync->rwlock;
    switch (task->phase) {
    case LOCK_BEGIN:
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_LOCK), LOCK_TRY);
    case LOCK_TRY:
        if (may_write(sync) && !lock->granted)
            return writes(machine, task, op, id, end);
        lock->waiting_writers++;
        return futex_wait(machine, task, LOCK_IN_KERNEL);
    case LOCK_IN_KERNEL:
        if (!may_write(sync) && !futex_timed_out(machine, task))
            return futex_sleep(machine, task, op, id, &sync->others, LOCK_WOKEN);
        return futex_return(machine, task, LOCK_RETURNED);
    case LOCK_WOKEN:
        return futex_return(machine, task, LOCK_RETURNED);
    case LOCK_LET_IN:
        return futex_wake_now(machine, task, &sync->waiters, UINT32_MAX, LOCK_LEAVES);
    case LOCK_LEAVES:
        program_syscall_over(machine, task);
        return lock_given_up(machine, task, id, end);
    default:
        program_syscall_over(machine, task);
        if (may_write(sync)) {
            lock->waiting_writers--;
            return writes(machine, task, op, id, end);
        }
        if (futex_timed_out(machine, task))
            return stops_writing(machine, task, id, end);
        return futex_wait(machine, task, LOCK_IN_KERNEL);
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
        begin_read_phase(lock);
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
    read_holds_drop(machine, task, id);
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
