#include "sim/program/eager.h"

#include "sim/base/check.h"
#include "sim/program/unwind.h"
#include "sim/python/asyncio.h"

enum { DEPTH_MOST = 1000 }; // sys.getrecursionlimit()

// Where the place of who makes tasks is kept: a coroutine's own; for a plain function a new one.
static uint32_t place_of_starter(Machine *machine, Task *task)
{
    if (task->coroutine != 0)
        return task->coroutine;
    uint32_t place = pool_take(machine, &machine->asyncio->coroutines);
    *coroutine_at(machine, place) = (Coroutine){.of_function = true};
    loop_at(machine, task->loop)->calling = false;
    return place;
}

StepResult eager_begin(Machine *machine, Task *task, uint32_t future, uint8_t phase)
{
    uint32_t id = future_at(machine, future)->data, starter = place_of_starter(machine, task);
    Coroutine *place = coroutine_at(machine, starter), *coroutine = coroutine_at(machine, id);
    task->phase = phase;
    coroutine_save(task, place);
    coroutine->starter = starter;
    coroutine->nesting = (uint16_t)(place->nesting + 1);
    if (coroutine->nesting > DEPTH_MOST) {
        machine_fail(machine, machine->scenario->op_at[task->op],
                     "tasks that begin one another as they are made are %d deep here: Python's "
                     "recursion limit",
                     DEPTH_MOST);
        return STEP_ENDED;
    }
    loop_owe(machine, loop_at(machine, task->loop), COST_TASK_STEP);
    machine_emit(machine, EVENT_COROUTINE_BEGUN, task->core, task->id,
                 coroutine_argument(machine, id), coroutine_argument(machine, task->coroutine));
    task->coroutine = id;
    coroutine_load(task, coroutine);
    coroutine->started = true;
    return STEP_NEXT;
}

StepResult eager_back(Machine *machine, Task *task, uint32_t starter)
{
    const Coroutine *place = coroutine_at(machine, starter);
    coroutine_load(task, place);
    task->coroutine = starter;
    if (place->of_function) {
        loop_at(machine, task->loop)->calling = true;
        task->coroutine = 0;
        pool_give(&machine->asyncio->coroutines, starter);
    }
    return STEP_NEXT;
}

// ---- functions that become tasks

bool eager_made(Machine *machine, Task *task, uint32_t awaited, StepResult *result)
{
    Coroutine *coroutine = coroutine_at(machine, task->coroutine);
    Loop *loop = loop_at(machine, task->loop);
    if (!loop->eager)
        return true;
    uint32_t functions = 0;
    for (const AwaitedDef *def = &machine->scenario->awaited[awaited - 1];; def++) {
        if (def->name == 0 && functions++ == coroutine->made) {
            uint32_t future = coroutine_create(machine, loop, def->function, task->coroutine);
            coroutine = coroutine_at(machine, task->coroutine);
            links_add(machine, &coroutine->made_first, &coroutine->made_last, future);
            coroutine->made++;
            loop_owe(machine, loop, COST_CREATE_TASK);
            *result = eager_begin(machine, task, future, EAGER_MAKING);
            return false;
        }
        if (def->last)
            break;
    }
    coroutine->made = 0;
    return true;
}

// ---- create_task

// The frame's value: how many are left, and above that the one that has begun last. Those before
// are in task->scratch, as a list of Links: its first and, above, its last.
static void keep_begun(Machine *machine, Task *task, const Op *op, uint32_t future)
{
    uint32_t first = (uint32_t)task->scratch, last = (uint32_t)(task->scratch >> 32);
    uint32_t group = coroutines_group(machine, task, op);
    if (group != 0)
        group_add(machine, group, future);
    links_add(machine, &first, &last, future);
    task->scratch = (uint64_t)last << 32 | first;
}

// What the name means changes when all of them have begun.
static StepResult all_begun(Machine *machine, Task *task, const Op *op)
{
    uint32_t first = (uint32_t)task->scratch;
    Loop *loop = loop_at(machine, task->loop);
    program_pop(machine, task);
    if (op->arg[1] != 0) {
        struct TaskName *name = coroutines_clear_name(machine, loop, op->arg[1]);
        for (uint32_t at = first; at != 0; at = link_at(machine, at)->next)
            coroutines_add_to_name(machine, name,
                                   future_hold(machine, link_at(machine, at)->future));
    }
    links_free(machine, first);
    return program_done(task, op);
}

StepResult eager_create_tasks(Machine *machine, Task *task, const Op *op, uint32_t count)
{
    if (task->phase != EAGER_MAKING) {
        task->scratch = 0;
        if (!program_push(machine, task, program_op_index(machine, op), count))
            return STEP_ENDED;
    }
    uint64_t value = program_frame(machine, task)->value;
    uint32_t left = (uint32_t)value, begun = (uint32_t)(value >> 32);
    if (begun != 0)
        keep_begun(machine, task, op, begun);
    if (left == 0)
        return all_begun(machine, task, op);
    uint32_t group = coroutines_group(machine, task, op);
    if (group != 0 && group_is_closed(machine, group)) {
        links_free(machine, (uint32_t)task->scratch);
        program_pop(machine, task);
        return unwind_raise(machine, task, EXCEPTION_ERROR); // RuntimeError
    }
    Loop *loop = loop_at(machine, task->loop);
    uint32_t future = coroutine_create(machine, loop, op->arg[0], task->coroutine);
    program_frame(machine, task)->value = (uint64_t)future << 32 | (left - 1);
    return eager_begin(machine, task, future, EAGER_MAKING);
}
