// The ops put and get: a queue with or without a bound, first in first out or by priority. Who
// finds it full or empty sleeps; an item that comes wakes one who wants it, room that comes one who
// has something to put; both look again, because another may have been faster. An item may carry a
// function, which the one who gets it calls: that is how a pool's workers get their tasks.
#include "sim/program/monitor.h"

#include "sim/kernel/queue_items.h"

// ---- what both ops share

static Duration access_cost(const Machine *machine, const Task *task, SyncId id)
{
    return duration_add(sync_cost(machine, task, id, COST_MUTEX_LOCK),
                        machine_cost(machine, COST_MUTEX_UNLOCK));
}

static void emit_change(Machine *machine, const Task *task, const Op *op, SyncId id, EventKind kind)
{
    machine_emit(machine, kind, task->core, task->id, id.index1, program_op_index(machine, op));
    machine_emit(machine, EVENT_SYNC_LEVEL, task->core, task->id, id.index1,
                 sync_of(machine, task, id)->queue.count);
}

enum { TRY = SYNC_PHASES, IN_KERNEL, WOKEN, RETURNED, WAKE, WOKE, CALLED };

// ---- put

static bool is_full(const Machine *machine, const Task *task, SyncId id)
{
    uint32_t capacity = sync_def(machine, id)->parameter;
    return capacity != 0 && sync_of(machine, task, id)->queue.count >= capacity;
}

// False when a limit was reached.
static bool add_item(Machine *machine, Task *task, const Op *op, SyncId id)
{
    Queue *queue = &sync_of(machine, task, id)->queue;
    if (machine->queued_items >= (uint64_t)machine->scenario->limits[LIMIT_ITEMS]) {
        machine_limit(machine, LIMIT_ITEMS);
        return false;
    }
    machine->queued_items++;
    QueueItem item = {.priority = op->arg[2], .function = op->arg[1]};
    queue_insert(queue, sync_def(machine, id)->by_priority, item);
    emit_change(machine, task, op, id, EVENT_QUEUE_PUT);
    return true;
}

static StepResult put(Machine *machine, Task *task, const Op *op, SyncId id)
{
    if (!add_item(machine, task, op, id))
        return STEP_ENDED;
    bool wanted = sync_of(machine, task, id)->queue.getting > 0;
    return wanted ? futex_wake(machine, task, WAKE) : program_done(task, op);
}

// ---- Python's queue.Queue, with its conditions not_empty and not_full

enum { NOT_EMPTY, NOT_FULL };

StepResult python_put(Machine *machine, Task *task, const Op *op, SyncId id)
{
    switch (task->phase) {
    case PHASE_ENTER:
        return monitor_begin(machine, task);
    case MONITOR_LOOK:
    case MONITOR_AGAIN:
        if (is_full(machine, task, id))
            return monitor_has_time(machine, task)
                       ? monitor_wait(machine, task, id, id, NOT_FULL, op->arg[3])
                       : monitor_leave(machine, task, true);
        if (!add_item(machine, task, op, id))
            return STEP_ENDED;
        monitor_notify(machine, task, id, NOT_EMPTY, 1);
        return STEP_NEXT;
    case MONITOR_LEFT:
        return program_done(task, op);
    default:
        return monitor_step(machine, task, op, id, id);
    }
}

StepResult step_PUT(Machine *machine, Task *task, const Op *op)
{
    SyncId id = {op->arg[0]};
    Sync *sync = sync_of(machine, task, id);
    if (sync_def(machine, id)->python)
        return python_put(machine, task, op, id);
    switch (task->phase) {
    case PHASE_ENTER:
        return program_work(machine, task, false, access_cost(machine, task, id), TRY);
    case TRY:
        if (!is_full(machine, task, id))
            return put(machine, task, op, id);
        sync->queue.putting++;
        futex_set_timeout(machine, task, op->arg[3]);
        return futex_wait(machine, task, IN_KERNEL);
    case IN_KERNEL:
        if (is_full(machine, task, id) && !futex_timed_out(machine, task))
            return futex_sleep(machine, task, op, id, &sync->others, WOKEN);
        return futex_return(machine, task, RETURNED);
    case WOKEN:
        return futex_return(machine, task, RETURNED);
    case RETURNED:
        program_syscall_over(machine, task);
        if (is_full(machine, task, id) && !futex_timed_out(machine, task))
            return futex_wait(machine, task, IN_KERNEL);
        sync->queue.putting--;
        futex_wait_over(machine, task, id, is_full(machine, task, id) ? WAIT_TIMEOUT : WAIT_WOKEN);
        return is_full(machine, task, id) ? program_done(task, op) : put(machine, task, op, id);
    case WAKE:
        return futex_wake_now(machine, task, &sync->waiters, 1, WOKE);
    default:
        program_syscall_over(machine, task);
        return program_done(task, op);
    }
}

// ---- get

// The item's function, if it has one, as an op `call` would do it.
static StepResult call_function(Machine *machine, Task *task, const Op *op)
{
    uint32_t function = (uint32_t)task->scratch;
    if (function == 0)
        return program_done(task, op);
    if (!program_push(machine, task, program_op_index(machine, op), 0))
        return STEP_ENDED;
    task->op = function;
    task->phase = PHASE_ENTER;
    return STEP_NEXT;
}

// Returns the item's function.
static uint32_t take_item(Machine *machine, const Task *task, const Op *op, SyncId id)
{
    Queue *queue = &sync_of(machine, task, id)->queue;
    QueueItem item = queue_take(queue, sync_def(machine, id)->by_priority);
    machine->queued_items--;
    emit_change(machine, task, op, id, EVENT_QUEUE_GOT);
    return item.function;
}

StepResult python_get(Machine *machine, Task *task, const Op *op, SyncId id)
{
    switch (task->phase) {
    case PHASE_ENTER:
        return monitor_begin(machine, task);
    case MONITOR_LOOK:
    case MONITOR_AGAIN:
        if (sync_of(machine, task, id)->queue.count == 0)
            return monitor_has_time(machine, task)
                       ? monitor_wait(machine, task, id, id, NOT_EMPTY, op->arg[1])
                       : monitor_leave(machine, task, true);
        task->saved_depth = take_item(machine, task, op, id);
        monitor_notify(machine, task, id, NOT_FULL, 1);
        return STEP_NEXT;
    case MONITOR_LEFT:
        if (monitor_failed(task))
            return program_else(task, op, op->arg[2]);
        task->scratch = task->saved_depth;
        return call_function(machine, task, op);
    default:
        return monitor_step(machine, task, op, id, id);
    }
}

static StepResult get(Machine *machine, Task *task, const Op *op, SyncId id)
{
    const Queue *queue = &sync_of(machine, task, id)->queue;
    task->scratch = take_item(machine, task, op, id);
    return queue->putting > 0 ? futex_wake(machine, task, WAKE) : call_function(machine, task, op);
}

StepResult step_GET(Machine *machine, Task *task, const Op *op)
{
    SyncId id = {op->arg[0]};
    Sync *sync = sync_of(machine, task, id);
    Queue *queue = &sync->queue;
    if (sync_def(machine, id)->python)
        return python_get(machine, task, op, id);
    switch (task->phase) {
    case PHASE_ENTER:
        return program_work(machine, task, false, access_cost(machine, task, id), TRY);
    case TRY:
        if (queue->count > 0)
            return get(machine, task, op, id);
        queue->getting++;
        futex_set_timeout(machine, task, op->arg[1]);
        return futex_wait(machine, task, IN_KERNEL);
    case IN_KERNEL:
        if (queue->count == 0 && !futex_timed_out(machine, task))
            return futex_sleep(machine, task, op, id, &sync->waiters, WOKEN);
        return futex_return(machine, task, RETURNED);
    case WOKEN:
        return futex_return(machine, task, RETURNED);
    case RETURNED:
        program_syscall_over(machine, task);
        if (queue->count == 0 && !futex_timed_out(machine, task))
            return futex_wait(machine, task, IN_KERNEL);
        queue->getting--;
        futex_wait_over(machine, task, id, queue->count == 0 ? WAIT_TIMEOUT : WAIT_WOKEN);
        return queue->count == 0 ? program_else(task, op, op->arg[2]) : get(machine, task, op, id);
    case WAKE:
        return futex_wake_now(machine, task, &sync->others, 1, WOKE);
    default: // WOKE
        program_syscall_over(machine, task);
        return call_function(machine, task, op);
    }
}
