// glibc's normal mutex over a futex, and the re-entrant one: a compare-and-swap in user space when
// it is free; else the thread marks it contended and sleeps in the kernel. Unlocking a contended
// mutex wakes one sleeper but hands nothing over: a running thread may take it first, and the woken
// one tries again ("barging"). (glibc nptl/pthread_mutex_lock.c, lowlevellock.h)
#include "sim/program/futex.h"

static void taken(Machine *machine, Task *task, const Op *op, SyncId id, uint8_t word, LockEnd *end)
{
    Mutex *mutex = &sync_of(machine, task, id)->mutex;
    mutex->word = word;
    mutex->depth = 1;
    task->slept = false;
    lock_taken(machine, task, op, id);
    *end = LOCK_HAS;
}

// The owner of a re-entrant lock takes it again, or gives one of several back.
static void change_depth(Machine *machine, const Task *task, SyncId id, uint32_t depth)
{
    sync_of(machine, task, id)->mutex.depth = depth;
    machine_emit(machine, EVENT_LOCK_NESTED, task->core, task->id, id.index1, depth);
}

static bool holds_reentrant(Machine *machine, const Task *task, SyncId id)
{
    return sync_def(machine, id)->kind == SYNC_RLOCK &&
           ID_EQUAL(sync_of(machine, task, id)->owner, task->id);
}

StepResult mutex_take(Machine *machine, Task *task, const Op *op, SyncId id, LockEnd *end)
{
    Sync *sync = sync_of(machine, task, id);
    Mutex *mutex = &sync->mutex;
    switch (task->phase) {
    case LOCK_BEGIN:
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_LOCK), LOCK_TRY);
    case LOCK_TRY:
        if (holds_reentrant(machine, task, id)) {
            change_depth(machine, task, id, mutex->depth + 1);
            *end = LOCK_HAS;
            return STEP_NEXT;
        }
        if (mutex->word == 0) {
            taken(machine, task, op, id, 1, end);
            return STEP_NEXT;
        }
        mutex->word = 2;
        return futex_wait(machine, task, LOCK_IN_KERNEL);
    case LOCK_IN_KERNEL:
        // The kernel looks at the word again under its own lock: sleep only if still contended.
        if (mutex->word == 2 && !futex_timed_out(machine, task))
            return futex_sleep(machine, task, op, id, &sync->waiters, LOCK_WOKEN);
        return futex_return(machine, task, LOCK_RETURNED);
    case LOCK_WOKEN:
        return futex_return(machine, task, LOCK_RETURNED);
    default:
        program_syscall_over(machine, task);
        // It cannot know whether others sleep too, so it takes the mutex as contended.
        if (mutex->word == 0) {
            taken(machine, task, op, id, 2, end);
            return STEP_NEXT;
        }
        // Whoever has it now may have taken it while it looked free: who gives up says, too, that
        // others may wait.
        mutex->word = 2;
        if (futex_timed_out(machine, task))
            return lock_given_up(machine, task, id, end);
        return futex_wait(machine, task, LOCK_IN_KERNEL);
    }
}

StepResult mutex_release(Machine *machine, Task *task, const Op *op, SyncId id, bool *done)
{
    Sync *sync = sync_of(machine, task, id);
    Mutex *mutex = &sync->mutex;
    (void)op;
    switch (task->phase) {
    case UNLOCK_BEGIN:
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_UNLOCK),
                            UNLOCK_DONE);
    case UNLOCK_DONE: {
        if (mutex->depth > 1) {
            change_depth(machine, task, id, mutex->depth - 1);
            *done = true;
            return STEP_NEXT;
        }
        bool contended = mutex->word == 2;
        mutex->word = 0;
        mutex->depth = 0;
        lock_released(machine, task, id);
        if (contended)
            return futex_wake(machine, task, UNLOCK_IN_KERNEL);
        *done = true;
        return STEP_NEXT;
    }
    case UNLOCK_IN_KERNEL:
        return futex_wake_now(machine, task, &sync->waiters, 1, UNLOCK_WOKE);
    default:
        program_syscall_over(machine, task);
        *done = true;
        return STEP_NEXT;
    }
}
