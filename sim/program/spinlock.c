// A spin lock: who finds it taken tries again and again, in user space, on its core, until it has
// it or is preempted. The attempts are not simulated one by one: a spinner has an endless segment
// of work, which a release cuts short for all who spin. Of those the one that has spun longest is
// first (on a real machine it is whoever's core gets the cache line first).
#include "sim/program/futex.h"

#include "sim/kernel/deadlock.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/wait_list.h"

enum { SPINNING = LOCK_WOKEN };

// Longer than any run, so that no event is due for it.
#define SPIN_FOREVER ((Duration){4 * DURATION_MAX_NS})

static StepResult spin(Machine *machine, Task *task)
{
    return program_work(machine, task, false, SPIN_FOREVER, SPINNING);
}

StepResult spinlock_take(Machine *machine, Task *task, const Op *op, SyncId id, bool *done)
{
    Sync *sync = sync_at(machine, id);
    if (task->phase == LOCK_BEGIN)
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_LOCK), LOCK_TRY);
    if (sync->mutex.word == 0) {
        wait_list_leave(machine, task);
        task->spins = false;
        task->waits_sync = (SyncId){0};
        sync->mutex.word = 1;
        lock_taken(machine, task, op, id);
        *done = true;
        return STEP_NEXT;
    }
    if (task->phase == SPINNING)
        return spin(machine, task);
    machine_emit(machine, EVENT_LOCK_SPIN, task->core, task->id, id.index1, sync->owner.index1);
    wait_list_add(machine, &sync->waiters, task);
    task->spins = true;
    task->waits_sync = id;
    deadlock_check(machine, task);
    return spin(machine, task);
}

// The first of those who spin on a core looks at once; the others a nanosecond later, so that they
// find it taken unless the first one could not go on.
static void cut_spinners(Machine *machine, const WaitList *spinners)
{
    Duration delay = {0};
    for (TaskId id = spinners->first; id.index1 != 0; id = task_at(machine, id)->next_waiter) {
        Task *task = task_at(machine, id);
        if (task->state != TASK_DEAD && sched_cut_work(machine, task, delay))
            delay = (Duration){1};
    }
}

StepResult spinlock_release(Machine *machine, Task *task, SyncId id, bool *done)
{
    Sync *sync = sync_at(machine, id);
    if (task->phase == UNLOCK_BEGIN)
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_UNLOCK),
                            UNLOCK_DONE);
    sync->mutex.word = 0;
    lock_released(machine, task, id);
    cut_spinners(machine, &sync->waiters);
    *done = true;
    return STEP_NEXT;
}
