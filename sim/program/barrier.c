// The op barrier: a counter and one futex. The last of as many threads as the scenario says opens
// it for all and goes on; it is then closed for the next round. (After glibc
// nptl/pthread_barrier_wait.c, which also counts those who leave, so that a barrier may be
// destroyed.)
//
// One whose time is over breaks the barrier, as Python's does (threading.Barrier; POSIX has no wait
// with a timeout): all who wait there, and all who come later, go on by their `else`.
#include "sim/program/monitor.h"

static void emit_level(Machine *machine, const Task *task, SyncId id)
{
    machine_emit(machine, EVENT_SYNC_LEVEL, task->core, task->id, id.index1,
                 sync_of(machine, task, id)->barrier.arrived);
}

// Nobody comes to it any more: who waits need not.
static void break_up(Machine *machine, Task *task, SyncId id)
{
    Barrier *barrier = &sync_of(machine, task, id)->barrier;
    machine_emit(machine, EVENT_BARRIER_BROKEN, task->core, task->id, id.index1,
                 barrier->arrived - 1);
    barrier->broken = true;
    barrier->arrived = 0;
    emit_level(machine, task, id);
}

// True when `task` is the last one.
static bool arrive(Machine *machine, Task *task, SyncId id)
{
    Barrier *barrier = &sync_of(machine, task, id)->barrier;
    task->scratch = barrier->round;
    barrier->arrived++;
    emit_level(machine, task, id);
    if (barrier->arrived < sync_def(machine, id)->parameter)
        return false;
    barrier->arrived = 0;
    barrier->round++;
    machine_emit(machine, EVENT_BARRIER_OPENED, task->core, task->id, id.index1, barrier->round);
    emit_level(machine, task, id);
    return true;
}

// Its round is not over, and the barrier whole.
static bool must_wait(const Machine *machine, const Task *task, SyncId id)
{
    const Barrier *barrier = &sync_of(machine, task, id)->barrier;
    return barrier->round == task->scratch && !barrier->broken;
}

StepResult step_BARRIER(Machine *machine, Task *task, const Op *op)
{
    enum { ARRIVE = SYNC_PHASES, WAIT, WOKEN, RETURNED, WAKE, WOKE, WAKE_BROKEN, BROKE };
    SyncId id = {op->arg[0]};
    Sync *sync = sync_of(machine, task, id);
    if (sync_def(machine, id)->python)
        return python_barrier(machine, task, op, id);
    switch (task->phase) {
    case PHASE_ENTER:
        return program_work(machine, task, false, sync_cost(machine, task, id, COST_MUTEX_LOCK),
                            ARRIVE);
    case ARRIVE:
        if (sync->barrier.broken)
            return program_else(task, op, op->arg[2]);
        futex_set_timeout(machine, task, op->arg[1]);
        if (!arrive(machine, task, id))
            return futex_wait(machine, task, WAIT);
        if (sync_def(machine, id)->parameter == 1)
            return program_done(task, op);
        return futex_wake(machine, task, WAKE);
    case WAIT:
        if (must_wait(machine, task, id) && !futex_timed_out(machine, task))
            return futex_sleep(machine, task, op, id, &sync->waiters, WOKEN);
        return futex_return(machine, task, RETURNED);
    case WOKEN:
        return futex_return(machine, task, RETURNED);
    case RETURNED:
        program_syscall_over(machine, task);
        if (must_wait(machine, task, id) && futex_timed_out(machine, task)) {
            futex_wait_over(machine, task, id, WAIT_TIMEOUT);
            break_up(machine, task, id);
            return futex_wake(machine, task, WAKE_BROKEN);
        }
        if (must_wait(machine, task, id)) // woken for the round before
            return futex_wait(machine, task, WAIT);
        if (sync->barrier.round == task->scratch) {
            futex_wait_over(machine, task, id, WAIT_BROKEN);
            return program_else(task, op, op->arg[2]);
        }
        futex_wait_over(machine, task, id, WAIT_WOKEN);
        return program_done(task, op);
    case WAKE_BROKEN:
        return futex_wake_now(machine, task, &sync->waiters, UINT32_MAX, BROKE);
    case BROKE:
        program_syscall_over(machine, task);
        return program_else(task, op, op->arg[2]);
    case WAKE:
        return futex_wake_now(machine, task, &sync->waiters, UINT32_MAX, WOKE);
    default:
        program_syscall_over(machine, task);
        return program_done(task, op);
    }
}
