// A spin lock: who finds it taken tries again and again, in user space, on its core, until it has
// it or is preempted. The attempts are not simulated one by one: a spinner has an endless segment
// of work, which a release cuts short for all who spin. Of those the one that has waited longest is
// first (on a real machine it is whoever's core gets the cache line first).
//
// With more spinners than cores most have none, and look at the lock when they get one. So that a
// release does not visit them, the lock's list is of those who have found it taken on their core;
// who has lost the core since leaves the list when a release comes across it.
#include "sim/program/futex.h"

#include "sim/kernel/deadlock.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/wait_list.h"

enum { SPINNING = LOCK_WOKEN };

// On its core from now. Its turn is that of its first attempt.
static StepResult spin(Machine *machine, Task *task, SyncId id)
{
    Sync *sync = sync_of(machine, task, id);
    if (task->waits_in != &sync->waiters)
        wait_list_add(machine, &sync->waiters, task);
    task->waits_sync = id;
    task->phase = SPINNING;
    sched_spin(machine, task);
    return STEP_WORK;
}

StepResult spinlock_take(Machine *machine, Task *task, const Op *op, SyncId id, LockEnd *end)
{
    Sync *sync = sync_of(machine, task, id);
    if (task->phase == LOCK_BEGIN)
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_LOCK), LOCK_TRY);
    if (!sync->spin.taken) {
        wait_list_leave(machine, task);
        task->spins = 0;
        task->waits_sync = (SyncId){0};
        sync->spin.taken = true;
        lock_taken(machine, task, op, id);
        *end = LOCK_HAS;
        return STEP_NEXT;
    }
    if (task->phase == SPINNING)
        return spin(machine, task, id);
    machine_emit(machine, EVENT_LOCK_SPIN, task->core, task->id, id.index1, sync->owner.index1);
    task->spins = ++sync->spin.turns;
    task->waits_sync = id;
    deadlock_check(machine, task);
    return spin(machine, task, id);
}

// Those who spin look a nanosecond from now, the first of them at once: so they find it taken,
// unless the first one could not go on.
static void stop_spinners(Machine *machine, const WaitList *spinners)
{
    Task *first = NULL;
    TaskId next;
    for (TaskId id = spinners->first; id.index1 != 0; id = next) {
        Task *task = task_at(machine, id);
        next = task->next_waiter;
        if (!sched_stop_spinning(machine, task, (Duration){1}))
            wait_list_leave(machine, task);
        else if (first == NULL || task->spins < first->spins)
            first = task;
    }
    if (first != NULL)
        sched_stop_spinning(machine, first, (Duration){0});
}

StepResult spinlock_release(Machine *machine, Task *task, SyncId id, bool *done)
{
    Sync *sync = sync_of(machine, task, id);
    if (task->phase == UNLOCK_BEGIN)
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_UNLOCK),
                            UNLOCK_DONE);
    sync->spin.taken = false;
    lock_released(machine, task, id);
    stop_spinners(machine, &sync->waiters);
    *done = true;
    return STEP_NEXT;
}
