// Ops on asyncio's queues: put, get, task_done, queue.join, queue.shutdown. CPython
// Lib/asyncio/queues.py. Who puts into a full one, or gets from an empty one, waits; an item that
// comes wakes one getter, one that goes a putter, and who is woken looks again: another may have
// been faster.
#include "sim/program/steps_asyncio_objects.h"

#include "sim/base/check.h"
#include "sim/kernel/queue_items.h"

enum { TRY = 1, WOKEN };

static SyncId queue_named_by(const Op *op)
{
    return (SyncId){op->arg[0]};
}

static const SyncDef *def_of(const Machine *machine, const Op *op)
{
    return &machine->scenario->syncs[op->arg[0] - 1];
}

static void emit_change(Machine *machine, const Task *task, const Op *op, EventKind kind,
                        uint32_t count)
{
    machine_emit(machine, kind, task->core, task->id, op->arg[0], program_op_index(machine, op));
    async_level(machine, task, queue_named_by(op), count);
}

// The wait is over. True when it was cancelled, which is raised: if there is something for this one
// after all, another of `waiters` is woken in its place.
static bool cancelled(Machine *machine, Task *task, const Op *op, Waiters *waiters, bool possible)
{
    Coroutine *coroutine = coroutine_at(machine, task->coroutine);
    uint32_t future = coroutine->local[0];
    bool thrown = coroutine->thrown != EXCEPTION_NONE;
    if (thrown) {
        waiters_remove(machine, waiters, future);
        if (possible && future_at(machine, future)->state != FUTURE_CANCELLED)
            waiters_pop(machine, waiters);
    }
    async_wait_over(machine, task, queue_named_by(op));
    return thrown;
}

// ---- put

static bool is_full(const Machine *machine, const Op *op, const AsyncObject *queue)
{
    uint32_t capacity = def_of(machine, op)->parameter;
    return capacity != 0 && queue->items.count >= capacity;
}

static StepResult put(Machine *machine, Task *task, const Op *op, AsyncObject *queue)
{
    if (machine->queued_items >= (uint64_t)machine->scenario->limits[LIMIT_ITEMS]) {
        machine_limit(machine, LIMIT_ITEMS);
        return STEP_ENDED;
    }
    machine->queued_items++;
    QueueItem item = {.priority = op->arg[2], .function = op->arg[1]};
    queue_insert(&queue->items, def_of(machine, op)->by_priority, item);
    queue->unfinished++;
    emit_change(machine, task, op, EVENT_QUEUE_PUT, queue->items.count);
    waiters_pop(machine, &queue->waiters);
    return program_done(task, op);
}

static StepResult step_put(Machine *machine, Task *task, const Op *op)
{
    AsyncObject *queue = object_of(loop_at(machine, task->loop), queue_named_by(op));
    bool full = is_full(machine, op, queue);
    if (task->phase == WOKEN && cancelled(machine, task, op, &queue->others, !full))
        return coroutines_over(machine, task, op);
    if (queue->shut_down)
        return async_raise(machine, task); // QueueShutDown
    if (full)
        return async_wait(machine, task, queue_named_by(op), &queue->others, WOKEN);
    return put(machine, task, op, queue);
}

// ---- get

// Takes an item, and does what it says, as an op `call` would.
static StepResult get(Machine *machine, Task *task, const Op *op, AsyncObject *queue)
{
    QueueItem item = queue_take(&queue->items, def_of(machine, op)->by_priority);
    machine->queued_items--;
    emit_change(machine, task, op, EVENT_QUEUE_GOT, queue->items.count);
    waiters_pop(machine, &queue->others);
    if (item.function == 0)
        return program_done(task, op);
    if (!program_push(machine, task, program_op_index(machine, op), 0))
        return STEP_ENDED;
    task->op = item.function;
    task->phase = PHASE_ENTER;
    return STEP_NEXT;
}

static StepResult step_get(Machine *machine, Task *task, const Op *op)
{
    AsyncObject *queue = object_of(loop_at(machine, task->loop), queue_named_by(op));
    bool empty = queue->items.count == 0;
    if (task->phase == WOKEN && cancelled(machine, task, op, &queue->waiters, !empty))
        return coroutines_over(machine, task, op);
    if (empty && queue->shut_down)
        return async_raise(machine, task); // QueueShutDown
    if (empty)
        return async_wait(machine, task, queue_named_by(op), &queue->waiters, WOKEN);
    return get(machine, task, op, queue);
}

// ---- task_done, queue.join

static StepResult step_task_done(Machine *machine, Task *task, const Op *op)
{
    AsyncObject *queue = object_of(loop_at(machine, task->loop), queue_named_by(op));
    if (queue->unfinished == 0)
        return async_raise(machine, task); // ValueError
    if (--queue->unfinished == 0)
        waiters_wake(machine, &queue->joiners, UINT32_MAX);
    return program_done(task, op);
}

// Who was woken goes on, even if there are new items by then.
static StepResult step_join(Machine *machine, Task *task, const Op *op)
{
    AsyncObject *queue = object_of(loop_at(machine, task->loop), queue_named_by(op));
    if (task->phase == TRY && queue->unfinished == 0)
        return program_done(task, op);
    if (task->phase == TRY)
        return async_wait(machine, task, queue_named_by(op), &queue->joiners, WOKEN);
    waiters_remove(machine, &queue->joiners, coroutine_at(machine, task->coroutine)->local[0]);
    async_wait_over(machine, task, queue_named_by(op));
    return coroutines_over(machine, task, op);
}

// ---- queue.shutdown

// The items are got, and done with.
static void throw_away(Machine *machine, const Task *task, const Op *op, AsyncObject *queue)
{
    while (queue->items.count > 0) {
        queue_take(&queue->items, def_of(machine, op)->by_priority);
        machine->queued_items--;
        emit_change(machine, task, op, EVENT_QUEUE_GOT, queue->items.count);
        if (queue->unfinished > 0)
            queue->unfinished--;
    }
    if (queue->unfinished == 0)
        waiters_wake(machine, &queue->joiners, UINT32_MAX);
}

// All who wait go on, and look.
static StepResult step_shutdown(Machine *machine, Task *task, const Op *op)
{
    AsyncObject *queue = object_of(loop_at(machine, task->loop), queue_named_by(op));
    queue->shut_down = true;
    if (op->arg[1] != 0)
        throw_away(machine, task, op, queue);
    while (waiters_pop(machine, &queue->waiters))
        continue;
    while (waiters_pop(machine, &queue->others))
        continue;
    return program_done(task, op);
}

OpStep async_queue_step(const Op *op)
{
    switch (op->code) {
    case OP_PUT:
        return step_put;
    case OP_GET:
        return step_get;
    case OP_TASK_DONE:
        return step_task_done;
    case OP_QUEUE_SHUTDOWN:
        return step_shutdown;
    default:
        CHECKF(op->code == OP_QUEUE_JOIN, "op %u", op->code);
        return step_join;
    }
}

StepResult step_TASK_DONE(Machine *machine, Task *task, const Op *op)
{
    return step_async_object(machine, task, op);
}

StepResult step_QUEUE_JOIN(Machine *machine, Task *task, const Op *op)
{
    return step_async_object(machine, task, op);
}

StepResult step_QUEUE_SHUTDOWN(Machine *machine, Task *task, const Op *op)
{
    return step_async_object(machine, task, op);
}
