// A lock of kind pi: glibc's mutex with PTHREAD_PRIO_INHERIT. Free, it is taken in user space as
// any other; else the kernel queues the thread by priority and lends the holder the highest one
// that waits (priority.h). Releasing it hands it over to the first waiter, before anyone else can
// have it. (Linux kernel/futex/pi.c, kernel/locking/rtmutex.c)
#include "sim/base/check.h"
#include "sim/kernel/priority.h"
#include "sim/kernel/sched.h"
#include "sim/program/futex.h"

static void taken(Machine *machine, Task *task, SyncId id, uint8_t word)
{
    sync_of(machine, task, id)->mutex.word = word;
    sync_of(machine, task, id)->mutex.depth = 1;
    task->slept = false;
    task->waits_sync = (SyncId){0};
    lock_taken(machine, task, &machine->scenario->ops[task->op], id);
}

StepResult pi_lock_take(Machine *machine, Task *task, const Op *op, SyncId id, LockEnd *end)
{
    Sync *sync = sync_of(machine, task, id);
    Mutex *mutex = &sync->mutex;
    switch (task->phase) {
    case LOCK_BEGIN:
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_LOCK), LOCK_TRY);
    case LOCK_TRY:
        if (mutex->word == 0) {
            taken(machine, task, id, 1);
            *end = LOCK_HAS;
            return STEP_NEXT;
        }
        mutex->word = 2;
        return futex_wait(machine, task, LOCK_IN_KERNEL);
    case LOCK_IN_KERNEL: {
        if (mutex->word == 0) { // released meanwhile
            taken(machine, task, id, 1);
            return futex_return(machine, task, LOCK_RETURNED);
        }
        mutex->word = 2;
        if (futex_timed_out(machine, task))
            return futex_return(machine, task, LOCK_RETURNED);
        StepResult result = futex_sleep(machine, task, op, id, &sync->waiters, LOCK_WOKEN);
        priority_wait(machine, task);
        return result;
    }
    case LOCK_WOKEN:
        return futex_return(machine, task, LOCK_RETURNED);
    default:
        program_syscall_over(machine, task);
        // What it lent went back when its timer took it out of the list (priority_give_up).
        if (!ID_EQUAL(sync->owner, task->id)) {
            CHECKF(futex_timed_out(machine, task), "task %u", task->id.index1);
            return lock_given_up(machine, task, id, end);
        }
        *end = LOCK_HAS;
        return STEP_NEXT;
    }
}

// In the kernel: gives the lock to the first waiter.
static StepResult hand_over(Machine *machine, Task *task, SyncId id)
{
    Sync *sync = sync_of(machine, task, id);
    Duration cost = {0};
    lock_released(machine, task, id);
    sync->mutex.word = 0;
    sync->mutex.depth = 0;
    Task *next = priority_take_waiter(machine, &sync->waiters);
    if (next != NULL)
        taken(machine, next, id, sync->waiters.first.index1 != 0 ? 2 : 1);
    priority_release(machine, task);
    if (next != NULL)
        cost = sched_wake(machine, next, task->id, task->core);
    return program_work(machine, task, true, cost, UNLOCK_WOKE);
}

StepResult pi_lock_release(Machine *machine, Task *task, SyncId id, bool *done)
{
    Sync *sync = sync_of(machine, task, id);
    switch (task->phase) {
    case UNLOCK_BEGIN:
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_UNLOCK),
                            UNLOCK_DONE);
    case UNLOCK_DONE:
        if (sync->mutex.word == 2)
            return futex_wake(machine, task, UNLOCK_IN_KERNEL);
        sync->mutex.word = 0;
        sync->mutex.depth = 0;
        lock_released(machine, task, id);
        *done = true;
        return STEP_NEXT;
    case UNLOCK_IN_KERNEL:
        return hand_over(machine, task, id);
    default:
        program_syscall_over(machine, task);
        *done = true;
        return STEP_NEXT;
    }
}
