#include "sim/program/program.h"

#include "sim/program/attention.h"
#include "sim/program/coroutines.h"
#include "sim/program/executors.h"
#include "sim/program/library.h"
#include "sim/program/steps_asyncio_objects.h"
#include "sim/program/unwind.h"

#include "sim/base/check.h"
#include "sim/base/count.h"
#include "sim/kernel/process.h"
#include "sim/kernel/process_data.h"
#include "sim/kernel/sched.h"
#include "sim/python/object_memory.h"

static const OpStep steps[OP_CODE_COUNT] = {
#define OP(id, name, group, text, example, ...) [OP_##id] = step_##id,
#include "sim/scenario/ops.def"
#undef OP
    [OP_EXCEPT] = step_EXCEPT,
#define LIBRARY_OP(id) [OP_##id] = step_##id,
#include "sim/scenario/library_ops.def"
#undef LIBRARY_OP
};

uint32_t program_op_index(const Machine *machine, const Op *op)
{
    return (uint32_t)(op - machine->scenario->ops);
}

// ---- frames

bool program_push(Machine *machine, Task *task, uint32_t op, uint64_t value)
{
    if (machine->open_frames >= machine->scenario->limits[LIMIT_FRAMES]) {
        machine_limit(machine, LIMIT_FRAMES);
        return false;
    }
    if (task->depth >= machine->scenario->limits[LIMIT_DEPTH]) {
        char depth[32];
        diag_warn(machine->diag, machine->scenario->op_at[op],
                  "calls and blocks are %s deep here; does a function call itself without end?",
                  count_text(task->depth, depth));
        machine_limit(machine, LIMIT_DEPTH);
        return false;
    }
    task->depth++;
    uint32_t index = machine->free_frame;
    if (index != 0) {
        machine->free_frame = machine->frames.at[index].parent;
    } else {
        ARRAY_EXTEND(&machine->frames);
        index = (uint32_t)machine->frames.count - 1;
    }
    machine->frames.at[index] = (Frame){op, task->frame, value};
    machine->open_frames++;
    task->frame = index;
    return true;
}

void program_pop(Machine *machine, Task *task)
{
    uint32_t index = task->frame;
    CHECK(index != 0);
    task->frame = machine->frames.at[index].parent;
    machine->frames.at[index].parent = machine->free_frame;
    machine->free_frame = index;
    machine->open_frames--;
    task->depth--;
}

Frame *program_frame(Machine *machine, const Task *task)
{
    CHECK(task->frame != 0);
    return &machine->frames.at[task->frame];
}

// ---- for step functions

StepResult program_done(Task *task, const Op *op)
{
    task->op = op->next;
    task->phase = PHASE_ENTER;
    return STEP_NEXT;
}

StepResult program_else(Task *task, const Op *op, uint32_t first)
{
    task->op = first != 0 ? first : op->next;
    task->phase = PHASE_ENTER;
    return STEP_NEXT;
}

Duration program_bytecode(const Machine *machine, const Task *task, Duration length)
{
    const Runtime *runtime = &process_family(machine, process_of(machine, task))->runtime;
    if (!runtime->free_threaded)
        return length;
    CostId row = runtime->minor == 13 ? COST_FREE_THREADING : COST_FREE_THREADING_3_14;
    int64_t more_ns = machine_cost(machine, row).ns;
    int64_t extra_ns = length.ns / 1000 * more_ns + length.ns % 1000 * more_ns / 1000;
    return duration_add(length, (Duration){extra_ns});
}

StepResult program_work(Machine *machine, Task *task, bool in_kernel, Duration length,
                        uint8_t phase)
{
    task->phase = phase;
    if (length.ns == 0)
        return STEP_NEXT;
    if (!in_kernel && task->turn != NULL) {
        length = gil_turn_ticks(machine, task, length);
        if (length.ns == 0)
            return STEP_NEXT;
    }
    sched_run(machine, task, in_kernel, length);
    return STEP_WORK;
}

StepResult program_syscall(Machine *machine, Task *task, SyscallId call, Duration length,
                           uint8_t phase)
{
    if (task->turn != NULL && gil_turn_before(machine, task, call))
        return gil_turn_call(machine, task, call, length, phase);
    return program_enter_kernel(machine, task, call, length, phase);
}

StepResult program_enter_kernel(Machine *machine, Task *task, SyscallId call, Duration length,
                                uint8_t phase)
{
    CHECK(!task->in_kernel);
    task->in_kernel = true;
    task->kernel_segment = true;
    machine->cores[task->core].in_kernel = true;
    machine_emit(machine, EVENT_KERNEL_ENTER, task->core, task->id, call, 0);
    return program_work(machine, task, true, length, phase);
}

void program_syscall_over(Machine *machine, Task *task)
{
    CHECK(task->in_kernel);
    task->in_kernel = false;
    task->kernel_segment = false;
    machine_emit(machine, EVENT_KERNEL_EXIT, task->core, task->id, 0, 0);
}

bool program_interrupted(Task *task, uint8_t again)
{
    task->restart = again;
    if (!(task->attention & ATTENTION_SIGNAL) || task->in_turn)
        return false;
    task->attention |= ATTENTION_INTERRUPTED;
    return true;
}

StepResult program_blocked(Task *task, uint8_t phase)
{
    task->phase = phase;
    return STEP_BLOCKED;
}

// ---- the loop

static StepResult function_returns(Machine *machine, Task *task)
{
    if (task->frame == 0 && task->loop != 0)
        return coroutines_returns(machine, task, EXCEPTION_NONE);
    if (task->frame == 0 && task->phase == PHASE_ENTER && library_finishes(machine, task))
        return STEP_NEXT;
    if (task->frame == 0) {
        // The end of the thread's own list is an exit.
        return step_EXIT(machine, task, NULL);
    }
    uint32_t caller = program_frame(machine, task)->op;
    if (caller == 0)
        return attention_handler_returns(machine, task);
    const Op *op = &machine->scenario->ops[caller];
    if (op->code == OP_WAIT_FOR)
        timeout_leave(machine, loop_at(machine, task->loop),
                      (uint32_t)program_frame(machine, task)->value, EXCEPTION_NONE);
    else if (executors_calls(op->code))
        return executors_returns(machine, task, EXCEPTION_NONE);
    else if (library_calls(op))
        return library_returns(machine, task, op);
    else if (op->code == OP_AWAIT)
        object_gone(machine, task->loop, PYTHON_OBJECT_COROUTINE);
    else
        CHECK(op->code == OP_CALL || op->code == OP_GET);
    program_pop(machine, task);
    return program_done(task, op);
}

static StepResult step(Machine *machine, Task *task)
{
    const Op *op = &machine->scenario->ops[task->op];
    if (op->code == OP_BLOCK_END && op->arg[1] != 0) // the end of an `else`
        return program_done(task, &machine->scenario->ops[op->arg[0]]);
    if (op->code == OP_BLOCK_END) {
        task->op = op->arg[0];
        task->phase = PHASE_BLOCK_DONE;
        op = &machine->scenario->ops[task->op];
    }
    if (op->code == OP_RETURN)
        return function_returns(machine, task);
    // Of the library's own only those at which it may wait.
    if (task->phase == PHASE_ENTER &&
        (op->code <= OP_EXCEPT || op->code == OP_LIB_READ || op->code == OP_LIB_WRITE))
        machine_emit(machine, EVENT_OP_BEGUN, task->core, task->id, task->op, 0);
    return (op->asyncio ? step_async_object : steps[op->code])(machine, task, op);
}

// It has been stopped to look at what it is asked, and does not look here: the rest of what it was
// at, and on.
static StepResult pass_on(Machine *machine, Task *task)
{
    Duration left = task->unfinished;
    task->unfinished = (Duration){0};
    return left.ns > 0 ? program_work(machine, task, false, left, task->phase)
                       : step(machine, task);
}

bool program_stalls(Machine *machine)
{
    if (++machine->stalled_ops <= (uint64_t)machine->scenario->limits[LIMIT_STALL])
        return false;
    machine_limit(machine, LIMIT_STALL);
    return true;
}

void program_advance(Machine *machine, Task *task)
{
    StepResult result = STEP_NEXT;
    while (result == STEP_NEXT && !machine->ended) {
        if (program_stalls(machine))
            return;
        // User code goes on only if nothing else is due to run.
        if (!task->in_kernel && !sched_enters_user(machine, task))
            return;
        bool due = attention_due(task);
        if (due && gil_turn_passes(machine, task))
            result = pass_on(machine, task);
        else if (due)
            result = attention_step(machine, task);
        else if (unwind_due(task))
            result = unwind_go_on(machine, task);
        else
            result = step(machine, task);
    }
}
