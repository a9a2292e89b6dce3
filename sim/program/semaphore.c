// The ops acquire and release: glibc's semaphore, a value and a count of those in the slow path in
// one word. release adds one, and wakes one if somebody waits; who comes by meanwhile may take it
// first. (glibc nptl/sem_waitcommon.c, sem_post.c)
#include "sim/program/monitor.h"

static void emit_level(Machine *machine, const Task *task, SyncId id)
{
    machine_emit(machine, EVENT_SYNC_LEVEL, task->core, task->id, id.index1,
                 sync_of(machine, task, id)->semaphore.value);
}

// sem_wait, or with a time sem_clockwait; sem_post: the words only, which is all that a runtime's
// own semaphore needs.

static void begin_to_wait(Machine *machine, Task *task, const Op *op, SyncId id)
{
    sync_of(machine, task, id)->semaphore.waiting++;
    if (sync_is_runtime(machine, id))
        task->wait_until = INSTANT_NEVER;
    else
        futex_set_timeout(machine, task, op->arg[1]);
}

StepResult semaphore_take(Machine *machine, Task *task, const Op *op, SyncId id, LockEnd *end)
{
    enum { TRY = SEMAPHORE_TRY, IN_KERNEL, WOKEN, RETURNED };
    Sync *sync = sync_of(machine, task, id);
    Semaphore *semaphore = &sync->semaphore;
    switch (task->phase) {
    case PHASE_ENTER:
        return program_work(machine, task, false, sync_cost(machine, task, id, COST_MUTEX_LOCK),
                            TRY);
    case TRY:
        if (semaphore->value > 0) {
            semaphore->value--;
            *end = LOCK_HAS;
            return STEP_NEXT;
        }
        begin_to_wait(machine, task, op, id);
        return futex_wait(machine, task, IN_KERNEL);
    case IN_KERNEL:
        if (semaphore->value == 0 && !futex_timed_out(machine, task))
            return futex_sleep(machine, task, op, id, &sync->waiters, WOKEN);
        return futex_return(machine, task, RETURNED);
    case WOKEN:
        return futex_return(machine, task, RETURNED);
    default: // RETURNED
        program_syscall_over(machine, task);
        if (semaphore->value == 0 && !futex_timed_out(machine, task))
            return futex_wait(machine, task, IN_KERNEL);
        semaphore->waiting--;
        *end = semaphore->value > 0 ? LOCK_HAS : LOCK_GAVE_UP;
        futex_wait_over(machine, task, id, *end == LOCK_HAS ? WAIT_WOKEN : WAIT_TIMEOUT);
        if (*end == LOCK_HAS)
            semaphore->value--;
        return STEP_NEXT;
    }
}

StepResult semaphore_release(Machine *machine, Task *task, SyncId id, bool *done)
{
    enum { POST = SEMAPHORE_POST, IN_KERNEL, WOKE };
    Sync *sync = sync_of(machine, task, id);
    switch (task->phase) {
    case PHASE_ENTER:
        return program_work(machine, task, false, sync_cost(machine, task, id, COST_MUTEX_UNLOCK),
                            POST);
    case POST:
        sync->semaphore.value++;
        if (sync->semaphore.waiting > 0)
            return futex_wake(machine, task, IN_KERNEL);
        break;
    case IN_KERNEL:
        return futex_wake_now(machine, task, &sync->waiters, 1, WOKE);
    default:
        program_syscall_over(machine, task);
    }
    *done = true;
    return STEP_NEXT;
}

StepResult step_ACQUIRE(Machine *machine, Task *task, const Op *op)
{
    SyncId id = {op->arg[0]};
    LockEnd end = LOCK_NOT_YET;
    if (sync_def(machine, id)->python)
        return python_acquire(machine, task, op, id);
    StepResult result = semaphore_take(machine, task, op, id, &end);
    if (end == LOCK_NOT_YET)
        return result;
    if (end == LOCK_GAVE_UP)
        return program_else(task, op, op->arg[2]);
    machine_emit(machine, EVENT_ACQUIRED, task->core, task->id, id.index1,
                 program_op_index(machine, op));
    emit_level(machine, task, id);
    return program_done(task, op);
}

bool semaphore_has_room(Machine *machine, const Task *task, const Op *op, SyncId id)
{
    if (sync_of(machine, task, id)->semaphore.value < UINT32_MAX)
        return true;
    machine_fail(machine, machine->scenario->op_at[program_op_index(machine, op)],
                 "the semaphore '%s' has been released more than %u times too often",
                 scenario_string(machine->scenario, sync_def(machine, id)->name), UINT32_MAX);
    return false;
}

// Before one more is there.
static bool says_released(Machine *machine, Task *task, const Op *op, SyncId id)
{
    const Semaphore *semaphore = &sync_of(machine, task, id)->semaphore;
    if (!semaphore_has_room(machine, task, op, id))
        return false;
    machine_emit(machine, EVENT_RELEASED, task->core, task->id, id.index1,
                 program_op_index(machine, op));
    machine_emit(machine, EVENT_SYNC_LEVEL, task->core, task->id, id.index1, semaphore->value + 1);
    return true;
}

StepResult step_RELEASE(Machine *machine, Task *task, const Op *op)
{
    SyncId id = {op->arg[0]};
    uint32_t count = op->arg[1] == 0 ? 1 : op->arg[1];
    bool done = false;
    if (sync_def(machine, id)->python)
        return python_release(machine, task, op, id);
    if (task->phase == PHASE_ENTER)
        task->scratch = 0;
    if (task->phase == SEMAPHORE_POST && !says_released(machine, task, op, id))
        return STEP_ENDED;
    StepResult result = semaphore_release(machine, task, id, &done);
    if (!done)
        return result;
    if (++task->scratch == count)
        return program_done(task, op);
    return program_work(machine, task, false, sync_cost(machine, task, id, COST_MUTEX_UNLOCK),
                        SEMAPHORE_POST);
}
