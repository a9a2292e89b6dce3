// Events: a flag that threads wait for; and the op `wait`, which waits for an event or a condition.
// set wakes everyone who waits, and whoever comes later passes at once, until clear. Who was woken
// passes, even if the flag has been cleared again meanwhile. (Python's are in python_sync.c.)
#include "sim/program/monitor.h"

#include "sim/program/data.h"
#include "sim/program/wait.h"

static void emit_change(Machine *machine, const Task *task, const Op *op, SyncId id, bool set)
{
    machine_emit(machine, set ? EVENT_EVENT_SET : EVENT_EVENT_CLEARED, task->core, task->id,
                 id.index1, program_op_index(machine, op));
    machine_emit(machine, EVENT_SYNC_LEVEL, task->core, task->id, id.index1, set);
}

StepResult event_wait(Machine *machine, Task *task, const Op *op, SyncId id)
{
    enum { LOOK = SYNC_PHASES, IN_KERNEL, WOKEN, RETURNED };
    Sync *sync = sync_of(machine, task, id);
    Event *event = &sync->event;
    switch (task->phase) {
    case PHASE_ENTER:
        return program_work(machine, task, false, sync_cost(machine, task, id, COST_MUTEX_LOCK),
                            LOOK);
    case LOOK:
        if (event->set) {
            data_ordered(machine, task, op, EVENT_EVENT_PASSED, id.index1);
            return program_done(task, op);
        }
        event->waiting++;
        task->scratch = 0;
        futex_set_timeout(machine, task, op->arg[1]);
        return futex_wait(machine, task, IN_KERNEL);
    case IN_KERNEL:
        if (!event->set && !futex_timed_out(machine, task))
            return futex_sleep(machine, task, op, id, &sync->waiters, WOKEN);
        task->scratch = event->set;
        return futex_return(machine, task, RETURNED);
    case WOKEN: // by set, unless its time is over
        task->scratch = event->set || !futex_timed_out(machine, task);
        return futex_return(machine, task, RETURNED);
    default: {
        program_syscall_over(machine, task);
        event->waiting--;
        bool woken = task->scratch != 0;
        futex_wait_over(machine, task, id, woken ? WAIT_WOKEN : WAIT_TIMEOUT);
        if (woken)
            data_ordered(machine, task, op, EVENT_EVENT_PASSED, id.index1);
        return woken ? program_done(task, op) : program_else(task, op, op->arg[2]);
    }
    }
}

StepResult step_WAIT(Machine *machine, Task *task, const Op *op)
{
    SyncId id = {op->arg[0]};
    if (sync_def(machine, id)->kind == SYNC_CONDITION)
        return condition_wait(machine, task, op, id);
    if (sync_def(machine, id)->python)
        return python_event_wait(machine, task, op, id);
    return event_wait(machine, task, op, id);
}

StepResult step_SET(Machine *machine, Task *task, const Op *op)
{
    enum { CHANGE = SYNC_PHASES, IN_KERNEL, WOKE };
    SyncId id = {op->arg[0]};
    Sync *sync = sync_of(machine, task, id);
    if (sync_def(machine, id)->python)
        return python_event_change(machine, task, op, id, true);
    switch (task->phase) {
    case PHASE_ENTER:
        return program_work(machine, task, false, sync_cost(machine, task, id, COST_MUTEX_UNLOCK),
                            CHANGE);
    case CHANGE:
        sync->event.set = true;
        emit_change(machine, task, op, id, true);
        if (sync->event.waiting == 0)
            return program_done(task, op);
        return futex_wake(machine, task, IN_KERNEL);
    case IN_KERNEL:
        return futex_wake_now(machine, task, &sync->waiters, UINT32_MAX, WOKE);
    default:
        program_syscall_over(machine, task);
        return program_done(task, op);
    }
}

StepResult step_CLEAR(Machine *machine, Task *task, const Op *op)
{
    enum { CHANGE = SYNC_PHASES };
    SyncId id = {op->arg[0]};
    if (sync_def(machine, id)->python)
        return python_event_change(machine, task, op, id, false);
    if (task->phase == PHASE_ENTER)
        return program_work(machine, task, false, sync_cost(machine, task, id, COST_MUTEX_UNLOCK),
                            CHANGE);
    sync_of(machine, task, id)->event.set = false;
    emit_change(machine, task, op, id, false);
    return program_done(task, op);
}
