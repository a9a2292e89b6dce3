// Ops of coroutines: await, create_task, cancel, gather, wait. CPython Lib/asyncio/tasks.py.
#include "sim/base/check.h"
#include "sim/program/eager.h"
#include "sim/program/executors.h"
#include "sim/program/unwind.h"
#include "sim/python/object_memory.h"

#include <stdlib.h>

// ---- await

enum { AWAITED = 1, SLEPT };

// asyncio.sleep(). local[0]: its future, local[1]: its timer.
static StepResult begin_sleep(Machine *machine, Task *task, const Op *op, Coroutine *coroutine)
{
    Loop *loop = loop_at(machine, task->loop);
    Duration length = dist_draw(machine->scenario, op->arg[1], &task->rng);
    object_made(machine, loop->id, PYTHON_OBJECT_SLEEP);
    if (length.ns == 0) {
        coroutine->local[0] = 0;
        return coroutines_yield(machine, task, SLEPT);
    }
    uint32_t future = future_create(machine, loop->id, FUTURE_PLAIN);
    coroutine->local[0] = future;
    coroutine->local[1] =
        loop_call_later(machine, loop, length, (Callback){CALLBACK_SET_RESULT, future});
    return coroutines_await(machine, task, future, SLEPT);
}

static StepResult end_sleep(Machine *machine, Task *task, const Op *op, Coroutine *coroutine)
{
    if (coroutine->local[0] != 0) {
        loop_cancel_timer(machine, loop_at(machine, task->loop), coroutine->local[1]);
        future_drop(machine, coroutine->local[0]);
    }
    object_gone(machine, task->loop, PYTHON_OBJECT_SLEEP);
    return coroutines_over(machine, task, op);
}

// The tasks of a name, one after the other. local[0]: those that are left, as Links.
static StepResult await_next(Machine *machine, Task *task, const Op *op, Coroutine *coroutine)
{
    if (coroutine->local[0] == 0)
        return coroutines_over(machine, task, op);
    uint32_t future = link_at(machine, coroutine->local[0])->future;
    if (future == coroutine->future) {
        machine_fail(machine, machine->scenario->op_at[program_op_index(machine, op)],
                     "a task waits for itself");
        return STEP_ENDED;
    }
    return coroutines_await(machine, task, future, AWAITED);
}

static StepResult awaited_one(Machine *machine, Task *task, const Op *op, Coroutine *coroutine)
{
    uint32_t first = coroutine->local[0];
    Link link = *link_at(machine, first);
    if (coroutine->thrown != EXCEPTION_NONE) {
        links_free(machine, first);
        coroutine->local[0] = 0;
    } else {
        coroutine->local[0] = link.next;
        pool_give(&machine->asyncio->links, first);
        future_drop(machine, link.future);
    }
    return await_next(machine, task, op, coroutine);
}

static StepResult begin_await(Machine *machine, Task *task, const Op *op, Coroutine *coroutine)
{
    if (op->arg[1] != 0)
        return begin_sleep(machine, task, op, coroutine);
    const AwaitedDef *awaited = &machine->scenario->awaited[op->arg[0] - 1];
    if (awaited->name == 0) { // another coroutine: it runs here, as a part of this task
        if (!program_push(machine, task, program_op_index(machine, op), 0))
            return STEP_ENDED;
        object_made(machine, task->loop, PYTHON_OBJECT_COROUTINE);
        task->op = machine->scenario->functions[awaited->function - 1].entry;
        return STEP_NEXT;
    }
    if (!coroutines_awaited(machine, task, op, op->arg[0], &coroutine->local[0]))
        return STEP_ENDED;
    return await_next(machine, task, op, coroutine);
}

StepResult step_AWAIT(Machine *machine, Task *task, const Op *op)
{
    if (executors_awaits(op))
        return executors_await(machine, task, op);
    Coroutine *coroutine = coroutines_current(machine, task, op);
    if (coroutine == NULL)
        return STEP_ENDED;
    switch (task->phase) {
    case PHASE_ENTER:
        return begin_await(machine, task, op, coroutine);
    case SLEPT:
        return end_sleep(machine, task, op, coroutine);
    default:
        CHECKF(task->phase == AWAITED, "phase %u", task->phase);
        return awaited_one(machine, task, op, coroutine);
    }
}

// ---- create_task, cancel

struct TaskName *coroutines_clear_name(Machine *machine, Loop *loop, uint32_t id)
{
    loop_drop_named(machine, loop, id);
    loop->names[id - 1].known = true;
    return &loop->names[id - 1];
}

// Makes room as they come: how many the op says may be more than the limit on memory lets be.
void coroutines_add_to_name(Machine *machine, struct TaskName *name, uint32_t future)
{
    if (name->count == name->room) {
        uint32_t room = name->room == 0 ? 1 : name->room * 2;
        name->futures = realloc(name->futures, room * sizeof *name->futures);
        CHECKF(name->futures != NULL, "out of memory for %u tasks", room);
        pool_grew(machine, (room - name->room) * sizeof *name->futures);
        name->room = room;
    }
    name->futures[name->count++] = future;
}

// That which the op `owner`, around this one, has opened.
uint32_t coroutines_group(const Machine *machine, const Task *task, const Op *op)
{
    uint32_t owner = op->arg[CREATE_TASK_GROUP];
    uint32_t at = owner == 0 ? 0 : task->frame;
    while (at != 0 && machine->frames.at[at].op != owner)
        at = machine->frames.at[at].parent;
    return at == 0 ? 0 : (uint32_t)machine->frames.at[at].value;
}

StepResult step_CREATE_TASK(Machine *machine, Task *task, const Op *op)
{
    enum { MADE = 1 };
    Loop *loop = coroutines_loop(machine, task, op);
    uint32_t count = op->arg[2] == 0 ? 1 : op->arg[2];
    if (loop == NULL)
        return STEP_ENDED;
    if (task->phase == PHASE_ENTER) {
        Duration each = machine_cost(machine, COST_CREATE_TASK);
        return program_work(machine, task, false, (Duration){each.ns * count}, MADE);
    }
    if (loop->eager)
        return eager_create_tasks(machine, task, op, count);
    uint32_t group = coroutines_group(machine, task, op);
    if (group != 0 && group_is_closed(machine, group))
        return unwind_raise(machine, task, EXCEPTION_ERROR); // RuntimeError
    struct TaskName *name =
        op->arg[1] == 0 ? NULL : coroutines_clear_name(machine, loop, op->arg[1]);
    for (uint32_t i = 0; i < count && !machine->ended; i++) {
        uint32_t future = coroutine_create(machine, loop, op->arg[0], task->coroutine);
        if (group != 0)
            group_add(machine, group, future);
        if (name != NULL)
            coroutines_add_to_name(machine, name, future);
        else
            future_drop(machine, future);
    }
    return program_done(task, op);
}

StepResult step_CANCEL(Machine *machine, Task *task, const Op *op)
{
    Loop *loop = coroutines_loop(machine, task, op);
    if (loop == NULL)
        return STEP_ENDED;
    const struct TaskName *name = &loop->names[op->arg[0] - 1];
    uint64_t self = coroutine_argument(machine, task->coroutine);
    if (!name->known) {
        coroutines_no_task(machine, op, op->arg[0]);
        return STEP_ENDED;
    }
    bool handle = machine->scenario->task_names[op->arg[0] - 1].handle;
    for (uint32_t i = 0; i < name->count; i++)
        if (handle)
            loop_stop_timer(machine, loop, name->futures[i]);
        else
            future_cancel(machine, name->futures[i], self);
    return program_done(task, op);
}

// ---- gather

StepResult step_GATHER(Machine *machine, Task *task, const Op *op)
{
    enum { GATHERED = 1 };
    Coroutine *coroutine = coroutines_current(machine, task, op);
    if (coroutine == NULL)
        return STEP_ENDED;
    uint32_t first;
    StepResult result;
    if (task->phase == GATHERED) {
        future_drop(machine, coroutine->local[0]);
        return coroutines_over(machine, task, op);
    }
    if (!eager_made(machine, task, op->arg[0], &result))
        return result;
    if (!coroutines_awaited(machine, task, op, op->arg[0], &first))
        return STEP_ENDED;
    coroutine->local[0] = gather_create(machine, task->loop, first, op->arg[1] != 0);
    return coroutines_await(machine, task, coroutine->local[0], GATHERED);
}

// ---- asyncio.wait

// local[0]: what it waits for, local[1]: the futures, as Links.
static StepResult begin_wait(Machine *machine, Task *task, const Op *op, Coroutine *coroutine,
                             uint8_t phase)
{
    ReturnWhen when = op->arg[1] == 0 ? RETURN_WHEN_ALL_COMPLETED : (ReturnWhen)(op->arg[1] - 1);
    uint32_t first;
    if (!coroutines_awaited(machine, task, op, op->arg[0], &first))
        return STEP_ENDED;
    uint32_t waiter = wait_create(machine, task->loop, first, when);
    coroutine->local[0] = waiter;
    coroutine->local[1] = first;
    if (op->arg[2] != 0)
        wait_limit(machine, waiter, dist_draw(machine->scenario, op->arg[2], &task->rng));
    if (!future_is_done(machine, waiter))
        coroutines_awaits_all(machine, task, first);
    return coroutines_await(machine, task, waiter, phase);
}

StepResult step_ASYNCIO_WAIT(Machine *machine, Task *task, const Op *op)
{
    enum { WAITED = 1 };
    Coroutine *coroutine = coroutines_current(machine, task, op);
    if (coroutine == NULL)
        return STEP_ENDED;
    StepResult result;
    bool begins = task->phase == PHASE_ENTER || task->phase == EAGER_MAKING;
    if (begins && !eager_made(machine, task, op->arg[0], &result))
        return result;
    if (begins)
        return begin_wait(machine, task, op, coroutine, WAITED);
    wait_end(machine, coroutine->local[0], coroutine->local[1]);
    future_drop(machine, coroutine->local[0]);
    links_free(machine, coroutine->local[1]);
    return coroutines_over(machine, task, op);
}

// ---- shield

StepResult step_SHIELD(Machine *machine, Task *task, const Op *op)
{
    enum { SHIELDED = 1 };
    Coroutine *coroutine = coroutines_current(machine, task, op);
    if (coroutine == NULL)
        return STEP_ENDED;
    if (task->phase == SHIELDED) {
        future_drop(machine, coroutine->local[0]);
        return coroutines_over(machine, task, op);
    }
    uint32_t inner;
    StepResult result;
    if (!eager_made(machine, task, op->arg[0], &result))
        return result;
    if (!coroutines_awaited_one(machine, task, op, op->arg[0], &inner))
        return STEP_ENDED;
    coroutine->local[0] = shield_create(machine, inner);
    coroutines_awaits(machine, task, inner);
    future_drop(machine, inner);
    return coroutines_await(machine, task, coroutine->local[0], SHIELDED);
}

// ---- task_group

enum { GROUP_WAITED = 1 };

static void awaits_members(Machine *machine, const Task *task, const Group *group)
{
    uint32_t at = machine->trace->off ? 0 : group->first;
    while (at != 0) {
        const Member *member = pool_at(&machine->asyncio->members, at);
        coroutines_awaits(machine, task, member->future);
        at = member->next;
    }
}

// Waits while there are members; then the op is over.
static StepResult exit_group(Machine *machine, Task *task, const Op *op, Coroutine *coroutine)
{
    uint32_t id = (uint32_t)program_frame(machine, task)->value;
    Group *group = group_at(machine, id);
    if (group->first != 0) {
        group->waiter = future_create(machine, task->loop, FUTURE_PLAIN);
        awaits_members(machine, task, group);
        return coroutines_await(machine, task, group->waiter, GROUP_WAITED);
    }
    coroutine->thrown = group_leave(machine, loop_at(machine, task->loop), id);
    program_pop(machine, task);
    return coroutines_over(machine, task, op);
}

StepResult step_TASK_GROUP(Machine *machine, Task *task, const Op *op)
{
    Coroutine *coroutine = coroutines_current(machine, task, op);
    if (coroutine == NULL)
        return STEP_ENDED;
    if (task->phase == PHASE_ENTER) {
        uint32_t id = group_enter(machine, task->coroutine);
        if (!program_push(machine, task, program_op_index(machine, op), id))
            return STEP_ENDED;
        task->op = op->arg[0];
        return STEP_NEXT;
    }
    uint32_t id = (uint32_t)program_frame(machine, task)->value;
    if (task->phase == PHASE_BLOCK_DONE) {
        group_begin_exit(machine, loop_at(machine, task->loop), id, task->raising);
        task->raising = EXCEPTION_NONE;
    } else {
        Group *group = group_at(machine, id);
        future_drop(machine, group->waiter);
        group->waiter = 0;
        if (coroutine->thrown != EXCEPTION_NONE)
            group_cancelled(machine, id);
        coroutine->thrown = EXCEPTION_NONE;
    }
    return exit_group(machine, task, op, coroutine);
}
