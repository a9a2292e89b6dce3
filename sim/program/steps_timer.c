// The ops timer and cancel_timer: a thread that waits for an event of its own with a timeout, and
// does its function when that has not been set by then. CPython Lib/threading.py, Timer.
#include "sim/kernel/process.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/wait_list.h"
#include "sim/program/futex.h"
#include "sim/program/thread_start.h"

// In the trace all timers of a process wait at one event.
static SyncId timers_of(const Machine *machine, const Task *task)
{
    return process_family(machine, process_of(machine, task))->timers;
}

static bool is_cancelled(Machine *machine, const Task *task)
{
    return task->instance <= process_group(machine, task->process, task->def)->cancelled;
}

// task->scratch: how long the timer is to wait.
StepResult step_TIMER(Machine *machine, Task *task, const Op *op)
{
    bool done = false;
    if (task->phase == PHASE_ENTER) {
        task->scratch = (uint64_t)dist_draw(machine->scenario, op->arg[0], &task->rng).ns;
        task->phase = THREAD_START;
    }
    StepResult result =
        thread_start(machine, task, op, (ThreadDefId){op->arg[2]}, task->scratch, &done);
    return done ? program_done(task, op) : result;
}

// The timer's own thread.
StepResult step_LIB_TIMER(Machine *machine, Task *task, const Op *op)
{
    enum { LOOK = SYNC_PHASES, IN_KERNEL, WOKEN, RETURNED };
    SyncId id = timers_of(machine, task);
    WaitList *waiters = &sync_of(machine, task, id)->waiters;
    bool over = is_cancelled(machine, task) || futex_timed_out(machine, task);
    switch (task->phase) {
    case PHASE_ENTER:
        task->wait_until = instant_add(machine->now, (Duration){(int64_t)task->scratch});
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_LOCK), LOOK);
    case LOOK:
        if (!over)
            return futex_wait(machine, task, IN_KERNEL);
        break;
    case IN_KERNEL:
        if (!over)
            return futex_sleep(machine, task, op, id, waiters, WOKEN);
        return futex_return(machine, task, RETURNED);
    case WOKEN:
        return futex_return(machine, task, RETURNED);
    default: // RETURNED
        program_syscall_over(machine, task);
        futex_wait_over(machine, task, id, is_cancelled(machine, task) ? WAIT_WOKEN : WAIT_TIMEOUT);
    }
    if (!is_cancelled(machine, task))
        return program_done(task, op);
    task->op = op->arg[0];
    task->phase = PHASE_ENTER;
    return STEP_NEXT;
}

// The first of the process's timers of `def` that sleeps; NULL: none does.
static Task *sleeper(Machine *machine, const Task *task, ThreadDefId def)
{
    TaskId id = sync_of(machine, task, timers_of(machine, task))->waiters.first;
    while (!ID_NONE(id)) {
        Task *at = task_at(machine, id);
        if (ID_EQUAL(at->def, def) && ID_EQUAL(at->process, task->process))
            return at;
        id = at->next_waiter;
    }
    return NULL;
}

// Wakes them one by one, as each has an event of its own.
StepResult step_CANCEL_TIMER(Machine *machine, Task *task, const Op *op)
{
    enum { CANCEL = SYNC_PHASES, IN_KERNEL, WOKE };
    ThreadDefId def = {op->arg[0]};
    Task *woken;
    Duration cost = {0};
    switch (task->phase) {
    case PHASE_ENTER:
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_UNLOCK), CANCEL);
    case CANCEL: {
        ThreadGroup *group = process_group(machine, task->process, def);
        group->cancelled = group->created;
        break;
    }
    case IN_KERNEL:
        woken = sleeper(machine, task, def);
        if (woken != NULL) {
            wait_list_leave(machine, woken);
            sched_cancel_timer(machine, woken);
            cost = sched_wake(machine, woken, task->id, task->core);
        }
        return program_work(machine, task, true, cost, WOKE);
    default: // WOKE
        program_syscall_over(machine, task);
    }
    if (sleeper(machine, task, def) == NULL)
        return program_done(task, op);
    return futex_wake(machine, task, IN_KERNEL);
}
