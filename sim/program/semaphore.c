// The ops acquire and release: glibc's semaphore, a value and a count of those in the slow path in
// one word. release adds one, and wakes one if somebody waits; who comes by meanwhile may take it
// first. (glibc nptl/sem_waitcommon.c, sem_post.c)
#include "sim/program/futex.h"

static void emit_level(Machine *machine, const Task *task, SyncId id)
{
    machine_emit(machine, EVENT_SYNC_LEVEL, task->core, task->id, id.index1,
                 sync_of(machine, task, id)->semaphore.value);
}

static StepResult take(Machine *machine, Task *task, const Op *op, SyncId id)
{
    sync_of(machine, task, id)->semaphore.value--;
    machine_emit(machine, EVENT_ACQUIRED, task->core, task->id, id.index1,
                 program_op_index(machine, op));
    emit_level(machine, task, id);
    return program_done(task, op);
}

StepResult step_ACQUIRE(Machine *machine, Task *task, const Op *op)
{
    enum { TRY = SYNC_PHASES, IN_KERNEL, WOKEN, RETURNED };
    SyncId id = {op->arg[0]};
    Sync *sync = sync_of(machine, task, id);
    Semaphore *semaphore = &sync->semaphore;
    switch (task->phase) {
    case PHASE_ENTER:
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_LOCK), TRY);
    case TRY:
        if (semaphore->value > 0)
            return take(machine, task, op, id);
        semaphore->waiting++;
        futex_set_timeout(machine, task, op->arg[1]);
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
        if (semaphore->value > 0) {
            futex_wait_over(machine, task, id, WAIT_WOKEN);
            return take(machine, task, op, id);
        }
        futex_wait_over(machine, task, id, WAIT_TIMEOUT);
        return program_else(task, op, op->arg[2]);
    }
}

StepResult step_RELEASE(Machine *machine, Task *task, const Op *op)
{
    enum { POST = SYNC_PHASES, IN_KERNEL, WOKE };
    SyncId id = {op->arg[0]};
    Sync *sync = sync_of(machine, task, id);
    uint32_t count = op->arg[1] == 0 ? 1 : op->arg[1];
    switch (task->phase) {
    case PHASE_ENTER:
        task->scratch = 0;
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_UNLOCK), POST);
    case POST:
        if (sync->semaphore.value == UINT32_MAX) {
            machine_fail(machine, machine->scenario->op_at[program_op_index(machine, op)],
                         "the semaphore '%s' has been released more than %u times too often",
                         scenario_string(machine->scenario, sync_def(machine, id)->name),
                         UINT32_MAX);
            return STEP_ENDED;
        }
        sync->semaphore.value++;
        machine_emit(machine, EVENT_RELEASED, task->core, task->id, id.index1,
                     program_op_index(machine, op));
        emit_level(machine, task, id);
        if (sync->semaphore.waiting > 0)
            return futex_wake(machine, task, IN_KERNEL);
        break;
    case IN_KERNEL:
        return futex_wake_now(machine, task, &sync->waiters, 1, WOKE);
    default:
        program_syscall_over(machine, task);
    }
    if (++task->scratch == count)
        return program_done(task, op);
    return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_UNLOCK), POST);
}
