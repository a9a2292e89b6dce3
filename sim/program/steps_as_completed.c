// The op as_completed: a loop over tasks in the order in which they end.
#include "sim/base/check.h"
#include "sim/program/eager.h"

enum { NEXT = 1, GOT };

// The frame's value: what as_completed has to give, and above it how many tasks are left.
static uint32_t source(Machine *machine, const Task *task)
{
    return (uint32_t)program_frame(machine, task)->value;
}

static StepResult leave(Machine *machine, Task *task, const Op *op)
{
    future_drop(machine, source(machine, task));
    program_pop(machine, task);
    return coroutines_over(machine, task, op);
}

static StepResult begin(Machine *machine, Task *task, const Op *op)
{
    uint32_t first, count;
    if (!coroutines_awaited(machine, task, op, op->arg[0], &first))
        return STEP_ENDED;
    coroutines_awaits_all(machine, task, first); // said once: it takes them one by one
    uint32_t id = completed_create(machine, task->loop, first, &count);
    if (op->arg[1] != 0)
        completed_limit(machine, id, dist_draw(machine->scenario, op->arg[1], &task->rng));
    if (!program_push(machine, task, program_op_index(machine, op), (uint64_t)count << 32 | id))
        return STEP_ENDED;
    task->phase = NEXT;
    return STEP_NEXT;
}

// Takes one, or waits for it.
static StepResult take(Machine *machine, Task *task, const Op *op, Coroutine *coroutine)
{
    uint32_t exception;
    if (!completed_take(machine, source(machine, task), &exception))
        return coroutines_await(machine, task, completed_getter(machine, source(machine, task)),
                                GOT);
    coroutine->thrown = exception;
    if (exception != EXCEPTION_NONE)
        return leave(machine, task, op);
    task->op = op->arg[2] != 0 ? op->arg[2] : task->op;
    task->phase = op->arg[2] != 0 ? PHASE_ENTER : NEXT;
    return STEP_NEXT;
}

StepResult step_AS_COMPLETED(Machine *machine, Task *task, const Op *op)
{
    Coroutine *coroutine = coroutines_current(machine, task, op);
    StepResult result;
    if (coroutine == NULL)
        return STEP_ENDED;
    switch (task->phase) {
    case PHASE_ENTER:
    case EAGER_MAKING:
        return eager_made(machine, task, op->arg[0], &result) ? begin(machine, task, op) : result;
    case GOT:
        completed_got(machine, source(machine, task));
        return coroutine->thrown != EXCEPTION_NONE ? leave(machine, task, op)
                                                   : take(machine, task, op, coroutine);
    default: { // for the first time, or behind the block
        Frame *frame = program_frame(machine, task);
        if (frame->value >> 32 == 0)
            return leave(machine, task, op);
        frame->value -= (uint64_t)1 << 32;
        return take(machine, task, op, coroutine);
    }
    }
}
