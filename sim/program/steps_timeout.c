// Ops that give up waiting: timeout and wait_for. CPython Lib/asyncio/timeouts.py and tasks.py;
// from 3.12 on wait_for is a timeout around an await, before that it waits for a task of its own.
#include "sim/base/check.h"
#include "sim/program/eager.h"
#include "sim/program/unwind.h"

// ---- timeout

StepResult step_TIMEOUT(Machine *machine, Task *task, const Op *op)
{
    if (coroutines_current(machine, task, op) == NULL)
        return STEP_ENDED;
    Loop *loop = loop_at(machine, task->loop);
    if (task->phase == PHASE_ENTER) {
        Duration after = dist_draw(machine->scenario, op->arg[0], &task->rng);
        uint32_t scope = timeout_enter(machine, loop, task->coroutine, after);
        if (!program_push(machine, task, program_op_index(machine, op), scope))
            return STEP_ENDED;
        task->op = op->arg[1];
        return STEP_NEXT;
    }
    timeout_leave(machine, loop, (uint32_t)program_frame(machine, task)->value, EXCEPTION_NONE);
    program_pop(machine, task);
    return program_done(task, op);
}

StepResult step_RESCHEDULE(Machine *machine, Task *task, const Op *op)
{
    if (coroutines_current(machine, task, op) == NULL)
        return STEP_ENDED;
    uint32_t at = task->frame;
    while (at != 0 && machine->frames.at[at].op != op->arg[RESCHEDULE_TIMEOUT])
        at = machine->frames.at[at].parent;
    CHECKF(at != 0, "op %u is not in its timeout", task->op);
    Duration after = dist_draw(machine->scenario, op->arg[0], &task->rng);
    uint32_t scope = (uint32_t)machine->frames.at[at].value;
    if (!timeout_reschedule(machine, loop_at(machine, task->loop), scope, after))
        return unwind_raise(machine, task, EXCEPTION_ERROR); // RuntimeError
    return program_done(task, op);
}

// ---- wait_for

enum { RELEASED = 1, CANCELLED_BY_US, CANCELLED_WITH_US, SCOPED };

// local[0]: the future, local[1]: what this task waits for, local[2]: the timer or the scope.

// Gives everything back; the op ends with `exception`.
static StepResult end(Machine *machine, Task *task, const Op *op, Coroutine *coroutine,
                      uint32_t exception)
{
    if (coroutine->local[2] != 0)
        loop_cancel_timer(machine, loop_at(machine, task->loop), coroutine->local[2]);
    if (coroutine->local[1] != 0)
        future_drop(machine, coroutine->local[1]);
    future_drop(machine, coroutine->local[0]);
    coroutine->thrown = exception;
    return coroutines_over(machine, task, op);
}

// _cancel_and_wait(): until the future has ended.
static StepResult cancel_and_wait(Machine *machine, Task *task, Coroutine *coroutine, uint8_t phase)
{
    uint32_t waiter = future_create(machine, task->loop, FUTURE_PLAIN);
    if (coroutine->local[1] != 0)
        future_drop(machine, coroutine->local[1]);
    coroutine->local[1] = waiter;
    future_add_callback(machine, coroutine->local[0], (Callback){CALLBACK_RELEASE, waiter});
    future_cancel(machine, coroutine->local[0], coroutine_argument(machine, task->coroutine));
    coroutines_awaits(machine, task, coroutine->local[0]);
    return coroutines_await(machine, task, waiter, phase);
}

static StepResult begin_with_task(Machine *machine, Task *task, const Op *op, Coroutine *coroutine,
                                  Duration timeout)
{
    Loop *loop = loop_at(machine, task->loop);
    uint32_t future = coroutine->local[0];
    if (timeout.ns == 0 && future_is_done(machine, future))
        return end(machine, task, op, coroutine, future_exception(machine, future));
    if (timeout.ns == 0)
        return cancel_and_wait(machine, task, coroutine, CANCELLED_BY_US);
    uint32_t waiter = future_create(machine, loop->id, FUTURE_PLAIN);
    Callback release = {CALLBACK_RELEASE, waiter};
    coroutine->local[1] = waiter;
    coroutine->local[2] = loop_call_later(machine, loop, timeout, release);
    future_add_callback(machine, future, release);
    coroutines_awaits(machine, task, future);
    return coroutines_await(machine, task, waiter, RELEASED);
}

// Its future has ended, or the time is over, or this task is cancelled.
static StepResult released(Machine *machine, Task *task, const Op *op, Coroutine *coroutine)
{
    uint32_t future = coroutine->local[0];
    bool cancelled = coroutine->thrown != EXCEPTION_NONE;
    if (future_is_done(machine, future))
        return end(machine, task, op, coroutine, future_exception(machine, future));
    future_remove_callback(machine, future, (Callback){CALLBACK_RELEASE, coroutine->local[1]});
    return cancel_and_wait(machine, task, coroutine,
                           cancelled ? CANCELLED_WITH_US : CANCELLED_BY_US);
}

// What it raises when the future has ended late: that it has a result after all counts from 3.9 on.
static uint32_t late_exception(const Machine *machine, const Task *task, uint32_t future)
{
    uint32_t exception = future_exception(machine, future);
    bool always = loop_at(machine, task->loop)->runtime->minor < 9;
    return always || exception == EXCEPTION_CANCELLED ? EXCEPTION_TIMEOUT : exception;
}

static StepResult cancelled(Machine *machine, Task *task, const Op *op, Coroutine *coroutine)
{
    uint32_t future = coroutine->local[0], thrown = coroutine->thrown;
    future_remove_callback(machine, future, (Callback){CALLBACK_RELEASE, coroutine->local[1]});
    if (thrown == EXCEPTION_NONE && task->phase == CANCELLED_WITH_US)
        thrown = EXCEPTION_CANCELLED;
    else if (thrown == EXCEPTION_NONE)
        thrown = late_exception(machine, task, future);
    return end(machine, task, op, coroutine, thrown);
}

// From 3.12 on: the scope is the frame's value.
static StepResult begin_in_scope(Machine *machine, Task *task, const Op *op, Duration timeout)
{
    Loop *loop = loop_at(machine, task->loop);
    const AwaitedDef *awaited = &machine->scenario->awaited[op->arg[0] - 1];
    uint32_t scope = timeout_enter(machine, loop, task->coroutine, timeout);
    if (!program_push(machine, task, program_op_index(machine, op), scope))
        return STEP_ENDED;
    if (awaited->name != 0)
        return coroutines_await(machine, task, coroutine_at(machine, task->coroutine)->local[0],
                                SCOPED);
    task->op = machine->scenario->functions[awaited->function - 1].entry;
    return STEP_NEXT;
}

static StepResult leave_scope(Machine *machine, Task *task, const Op *op, Coroutine *coroutine)
{
    future_drop(machine, coroutine->local[0]);
    coroutine->thrown =
        timeout_leave(machine, loop_at(machine, task->loop),
                      (uint32_t)program_frame(machine, task)->value, coroutine->thrown);
    program_pop(machine, task);
    return coroutines_over(machine, task, op);
}

static StepResult begin(Machine *machine, Task *task, const Op *op, Coroutine *coroutine)
{
    bool scoped = loop_at(machine, task->loop)->runtime->minor >= 12;
    const AwaitedDef *awaited = &machine->scenario->awaited[op->arg[0] - 1];
    StepResult result;
    bool again = task->phase == EAGER_MAKING; // a time of nothing
    Duration timeout = again ? (Duration){0} : dist_draw(machine->scenario, op->arg[1], &task->rng);
    scoped = scoped && timeout.ns > 0;
    coroutine->local[1] = coroutine->local[2] = 0;
    if (scoped && awaited->name == 0)
        return begin_in_scope(machine, task, op, timeout);
    if (!eager_made(machine, task, op->arg[0], &result))
        return result;
    if (!coroutines_awaited_one(machine, task, op, op->arg[0], &coroutine->local[0]))
        return STEP_ENDED;
    return scoped ? begin_in_scope(machine, task, op, timeout)
                  : begin_with_task(machine, task, op, coroutine, timeout);
}

StepResult step_WAIT_FOR(Machine *machine, Task *task, const Op *op)
{
    Coroutine *coroutine = coroutines_current(machine, task, op);
    if (coroutine == NULL)
        return STEP_ENDED;
    switch (task->phase) {
    case PHASE_ENTER:
    case EAGER_MAKING:
        return begin(machine, task, op, coroutine);
    case RELEASED:
        return released(machine, task, op, coroutine);
    case SCOPED:
        return leave_scope(machine, task, op, coroutine);
    default:
        CHECKF(task->phase == CANCELLED_BY_US || task->phase == CANCELLED_WITH_US, "phase %u",
               task->phase);
        return cancelled(machine, task, op, coroutine);
    }
}
