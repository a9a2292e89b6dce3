// The ops call_soon, call_later and call_at: plain functions that the loop calls, and their
// handles.
#include "sim/program/coroutines.h"

// `handle`: the timer, held; `name`: what it is called, 0 for nothing.
static StepResult keep(Machine *machine, Task *task, const Op *op, uint32_t handle, uint32_t name)
{
    if (name == 0) {
        loop_drop_timer(machine, handle);
    } else {
        Loop *loop = loop_at(machine, task->loop);
        coroutines_add_to_name(machine, coroutines_clear_name(machine, loop, name), handle);
    }
    return program_done(task, op);
}

StepResult step_CALL_SOON(Machine *machine, Task *task, const Op *op)
{
    Loop *loop = coroutines_loop(machine, task, op);
    if (loop == NULL)
        return STEP_ENDED;
    Callback callback = {CALLBACK_CALL, coroutines_function_at(machine->scenario, op->arg[0])};
    return keep(machine, task, op, loop_call_soon_timer(machine, loop, callback), op->arg[1]);
}

StepResult step_CALL_LATER(Machine *machine, Task *task, const Op *op)
{
    Loop *loop = coroutines_loop(machine, task, op);
    if (loop == NULL)
        return STEP_ENDED;
    Callback callback = {CALLBACK_CALL, coroutines_function_at(machine->scenario, op->arg[1])};
    Duration after = dist_draw(machine->scenario, op->arg[0], &task->rng);
    return keep(machine, task, op, loop_call_later(machine, loop, after, callback), op->arg[2]);
}

StepResult step_CALL_AT(Machine *machine, Task *task, const Op *op)
{
    Loop *loop = coroutines_loop(machine, task, op);
    if (loop == NULL)
        return STEP_ENDED;
    Callback callback = {CALLBACK_CALL, coroutines_function_at(machine->scenario, op->arg[1])};
    Duration at = dist_draw(machine->scenario, op->arg[0], &task->rng);
    uint32_t timer = loop_call_at(machine, loop, (Instant){at.ns}, callback);
    return keep(machine, task, op, timer, op->arg[2]);
}
