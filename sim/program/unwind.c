// The ops try and raise, and how an exception goes its way. A block's ops end in an op that names
// the block's owner, so that the way out is found without keeping what is open: repeats, spans,
// calls and `try` have frames, which are closed; a lock that a `with` holds is released, which may
// take time.
#include "sim/program/unwind.h"

#include "sim/base/check.h"
#include "sim/kernel/process_data.h"
#include "sim/program/coroutines.h"
#include "sim/program/executors.h"
#include "sim/program/library.h"
#include "sim/python/multiprocessing.h"
#include "sim/python/object_memory.h"

// What a `try` is doing: its frame's value, with the exception that `finally` raises again above.
enum { TRY_BODY, TRY_HANDLER, TRY_FINALLY, TRY_BITS = 2 };

static StepResult go_to(Task *task, uint32_t op)
{
    task->op = op;
    task->phase = PHASE_ENTER;
    return STEP_NEXT;
}

// ---- the way out

static bool handles(uint32_t handler, uint32_t exception)
{
    bool error = exception != EXCEPTION_CANCELLED && exception != EXCEPTION_SYSTEM_EXIT;
    return handler == exception || (handler == EXCEPTION_ERROR && error);
}

// The first handler of the `try` that is for the exception; 0: none.
static uint32_t find_handler(const Op *ops, const Op *try, uint32_t exception)
{
    for (uint32_t at = try->arg[1]; at != 0 && ops[at].code == OP_EXCEPT; at = ops[at].next)
        if (handles(ops[at].arg[0], exception))
            return at;
    return 0;
}

// An exception leaves the `try`, from one of its blocks. True when it stays: the task goes on.
static bool enter_try(Machine *machine, Task *task, const Op *op)
{
    Frame *frame = program_frame(machine, task);
    uint64_t part = frame->value & ((1 << TRY_BITS) - 1);
    uint32_t handler =
        part == TRY_BODY ? find_handler(machine->scenario->ops, op, task->raising) : 0;
    if (handler != 0) {
        frame->value = TRY_HANDLER;
        task->raising = EXCEPTION_NONE;
        go_to(task, machine->scenario->ops[handler].arg[1]);
        return true;
    }
    if (part != TRY_FINALLY && op->arg[2] != 0) {
        frame->value = (uint64_t)task->raising << TRY_BITS | TRY_FINALLY;
        task->raising = EXCEPTION_NONE;
        go_to(task, op->arg[2]);
        return true;
    }
    program_pop(machine, task);
    return false;
}

// The scope of the frame's timeout may make another exception of it.
static void leave_scope(Machine *machine, Task *task)
{
    task->raising = timeout_leave(machine, loop_at(machine, task->loop),
                                  (uint32_t)program_frame(machine, task)->value, task->raising);
}

// An exception leaves a block of `owner`. True when the task has something to do there first.
static bool leave_block(Machine *machine, Task *task, uint32_t owner)
{
    const Op *op = &machine->scenario->ops[owner];
    switch (op->code) {
    case OP_REPEAT:
        program_pop(machine, task);
        return false;
    case OP_SPAN:
        machine_emit(machine, EVENT_SPAN_END, task->core, task->id, op->arg[0],
                     program_frame(machine, task)->value);
        program_pop(machine, task);
        return false;
    case OP_WITH:
        task->op = task->unwind_from = owner;
        task->phase = PHASE_BLOCK_DONE;
        return true;
    case OP_AS_COMPLETED:
        future_drop(machine, (uint32_t)program_frame(machine, task)->value);
        program_pop(machine, task);
        return false;
    case OP_POOL_IMAP:
    case OP_POOL_IMAP_UNORDERED:
        job_abandon(machine, (uint32_t)program_frame(machine, task)->value);
        program_pop(machine, task);
        return false;
    case OP_TASK_GROUP: // it takes the exception, and raises its own when its tasks have ended
        task->op = owner;
        task->phase = PHASE_BLOCK_DONE;
        return true;
    case OP_TIMEOUT:
        leave_scope(machine, task);
        program_pop(machine, task);
        return false;
    case OP_TRY:
        return enter_try(machine, task, op);
    default:
        return false;
    }
}

// Nobody handles it. A thread ends, as Python's do; a coroutine's task keeps the exception.
static StepResult uncaught(Machine *machine, Task *task)
{
    uint32_t exception = task->raising;
    task->raising = EXCEPTION_NONE;
    if (task->loop != 0)
        return coroutines_returns(machine, task, exception);
    return go_to(task, 0); // the end of its list
}

static StepResult unwind(Machine *machine, Task *task, uint32_t at)
{
    const Op *ops = machine->scenario->ops;
    for (;;) {
        while (ops[at].code != OP_RETURN && ops[at].code != OP_BLOCK_END)
            at = ops[at].next;
        if (ops[at].code == OP_BLOCK_END) {
            bool with_nothing = ops[at].arg[1] != 0; // an `else` has nothing to undo
            at = ops[at].arg[0];
            if (!with_nothing && leave_block(machine, task, at))
                return STEP_NEXT;
            at = ops[at].next;
            continue;
        }
        if (task->frame == 0)
            return uncaught(machine, task);
        at = program_frame(machine, task)->op;
        if (at == 0) {
            machine_fail(machine, machine->scenario->op_at[task->op],
                         "an exception leaves a signal's handler; handle it there");
            return STEP_ENDED;
        }
        if (executors_calls(ops[at].code)) { // the item's future keeps it
            uint32_t exception = task->raising;
            task->raising = EXCEPTION_NONE;
            return executors_returns(machine, task, exception);
        }
        if (library_calls(&ops[at])) {
            if (library_unwinds(machine, task, &ops[at]))
                return STEP_NEXT;
            at = ops[at].next;
            continue;
        }
        if (ops[at].code == OP_WAIT_FOR)
            leave_scope(machine, task);
        if (ops[at].code == OP_AWAIT)
            object_gone(machine, task->loop, PYTHON_OBJECT_COROUTINE);
        program_pop(machine, task);
        at = ops[at].next;
    }
}

StepResult unwind_raise(Machine *machine, Task *task, uint32_t exception)
{
    machine_emit(machine, EVENT_RAISED, task->core, task->id, exception, task->op);
    task->raising = exception;
    return unwind(machine, task, task->op);
}

// Only blocks and calls of the thread's own are open, or of the item that it does.
bool unwind_exits(Machine *machine, const Task *task)
{
    const Op *ops = machine->scenario->ops;
    if (!process_family(machine, process_of(machine, task))->runtime.python || task->loop != 0)
        return false;
    for (uint32_t at = task->frame; at != 0; at = machine->frames.at[at].parent) {
        uint16_t code = ops[machine->frames.at[at].op].code;
        bool call = code == OP_CALL || code == OP_GET;
        if (executors_calls(code))
            return true;
        if (!call && code != OP_REPEAT && code != OP_SPAN && code != OP_TRY)
            return false;
    }
    return true;
}

StepResult unwind_exit(Machine *machine, Task *task)
{
    task->raising = EXCEPTION_SYSTEM_EXIT;
    return unwind(machine, task, task->op);
}

StepResult unwind_go_on(Machine *machine, Task *task)
{
    uint32_t from = task->unwind_from;
    task->unwind_from = 0;
    return unwind(machine, task, machine->scenario->ops[from].next);
}

// ---- the ops

StepResult step_RAISE(Machine *machine, Task *task, const Op *op)
{
    return unwind_raise(machine, task, op->arg[0]);
}

StepResult step_TRY(Machine *machine, Task *task, const Op *op)
{
    if (task->phase == PHASE_ENTER) {
        if (!program_push(machine, task, program_op_index(machine, op), TRY_BODY))
            return STEP_ENDED;
        return go_to(task, op->arg[0]);
    }
    Frame *frame = program_frame(machine, task);
    bool finally_done = (frame->value & ((1 << TRY_BITS) - 1)) == TRY_FINALLY;
    uint32_t exception = (uint32_t)(frame->value >> TRY_BITS);
    if (!finally_done && op->arg[2] != 0) {
        frame->value = TRY_FINALLY;
        return go_to(task, op->arg[2]);
    }
    program_pop(machine, task);
    if (finally_done && exception == EXCEPTION_SYSTEM_EXIT)
        return unwind_exit(machine, task);
    if (finally_done && exception != EXCEPTION_NONE)
        return unwind_raise(machine, task, exception);
    return program_done(task, op);
}

// A handler is at its end, and with it the `try`, but for its `finally`.
StepResult step_EXCEPT(Machine *machine, Task *task, const Op *op)
{
    (void)machine;
    CHECK(task->phase == PHASE_BLOCK_DONE);
    task->op = op->arg[2];
    return STEP_NEXT;
}
