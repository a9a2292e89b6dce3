// Ops that say what comes next: repeat, forever, while, call, if, exit; and the two that only
// observe, mark and span.
#include "sim/kernel/process_data.h"
#include "sim/kernel/process_end.h"
#include "sim/program/data.h"
#include "sim/program/library.h"
#include "sim/program/program.h"
#include "sim/program/test.h"
#include "sim/program/unwind.h"
#include "sim/python/executor.h"

static StepResult go_to(Task *task, uint32_t op)
{
    task->op = op;
    task->phase = PHASE_ENTER;
    return STEP_NEXT;
}

StepResult step_REPEAT(Machine *machine, Task *task, const Op *op)
{
    uint32_t times = op->arg[0], body = op->arg[1];
    if (task->phase == PHASE_ENTER) {
        if (!program_push(machine, task, program_op_index(machine, op), times))
            return STEP_ENDED;
        return go_to(task, body);
    }
    Frame *frame = program_frame(machine, task);
    if (--frame->value > 0)
        return go_to(task, body);
    program_pop(machine, task);
    return program_done(task, op);
}

StepResult step_FOREVER(Machine *machine, Task *task, const Op *op)
{
    (void)machine;
    return go_to(task, op->arg[0]);
}

StepResult step_WHILE(Machine *machine, Task *task, const Op *op)
{
    enum { LOADED = 1 };
    if (task->phase != LOADED && test_loads(machine, op->arg[0]))
        return program_work(machine, task, false, test_load_cost(machine, task, op->arg[0]),
                            LOADED);
    return test_holds(machine, task, op, op->arg[0]) ? go_to(task, op->arg[1])
                                                     : program_done(task, op);
}

StepResult step_CALL(Machine *machine, Task *task, const Op *op)
{
    enum { CALLED = 1 };
    // A call in C is a matter of two instructions, and not worth an event.
    if (task->phase == PHASE_ENTER &&
        process_family(machine, process_of(machine, task))->runtime.python)
        return program_work(machine, task, false, machine_cost(machine, COST_PYTHON_CALL), CALLED);
    if (!program_push(machine, task, program_op_index(machine, op), 0))
        return STEP_ENDED;
    return go_to(task, op->arg[0]);
}

StepResult step_IF(Machine *machine, Task *task, const Op *op)
{
    if (task->phase == PHASE_BLOCK_DONE)
        return program_done(task, op);
    enum { LOADED = 1 };
    bool holds;
    if (op->arg[3] != 0 && task->phase == PHASE_ENTER && test_loads(machine, op->arg[3]))
        return program_work(machine, task, false, test_load_cost(machine, task, op->arg[3]),
                            LOADED);
    if (op->arg[3] != 0)
        holds = test_holds(machine, task, op, op->arg[3]);
    else // a chance of 1 is stored as the largest number and must always hold
        holds = op->arg[0] == UINT32_MAX || rng_u32(&task->rng) < op->arg[0];
    if (holds)
        return go_to(task, op->arg[1]);
    return op->arg[2] != 0 ? go_to(task, op->arg[2]) : program_done(task, op);
}

StepResult step_EXIT(Machine *machine, Task *task, const Op *op)
{
    enum { ENDED = 1 };
    bool whole = op != NULL && op->arg[0] != 0; // NULL at the end of a thread's list
    if (task->phase == PHASE_ENTER) {
        bool finished = op == NULL || op->arg[1] != 0; // behind its process's library code
        if (!finished && !whole && unwind_exits(machine, task))
            return unwind_exit(machine, task);
        machine_free_frames(machine, task);
        if (!finished && !whole && library_finishes(machine, task))
            return STEP_NEXT;
        process_of(machine, task)->leaving += !task->daemon;
        future_sets_forget(machine, task);
        data_forget(machine, task);
        Duration cost = duration_add(machine_cost(machine, COST_THREAD_EXIT),
                                     process_end_cost(machine, task, whole));
        return program_syscall(machine, task, whole ? SYSCALL_EXIT_GROUP : SYSCALL_EXIT, cost,
                               ENDED);
    }
    if (whole)
        process_exit_all(machine, task, (uint16_t)(op->arg[0] - 1));
    else
        process_exit(machine, task);
    return STEP_ENDED;
}

StepResult step_MARK(Machine *machine, Task *task, const Op *op)
{
    machine_emit(machine, EVENT_MARK, task->core, task->id, op->arg[0], 0);
    return program_done(task, op);
}

StepResult step_SPAN(Machine *machine, Task *task, const Op *op)
{
    if (task->phase == PHASE_ENTER) {
        uint32_t serial = ++machine->span_serial;
        if (!program_push(machine, task, program_op_index(machine, op), serial))
            return STEP_ENDED;
        machine_emit(machine, EVENT_SPAN_BEGIN, task->core, task->id, op->arg[0], serial);
        return go_to(task, op->arg[1]);
    }
    machine_emit(machine, EVENT_SPAN_END, task->core, task->id, op->arg[0],
                 program_frame(machine, task)->value);
    program_pop(machine, task);
    return program_done(task, op);
}
