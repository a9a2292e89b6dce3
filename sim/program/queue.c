// The ops put and get: a queue with or without a bound, first in first out or by priority. Who
// finds it full or empty sleeps; an item that comes wakes one who wants it, room that comes one who
// has something to put; both look again, because another may have been faster (as with the
// conditions in Python's queue.Queue). An item may carry a function, which the one who gets it
// calls: that is how a pool's workers get their tasks.
#include "sim/program/futex.h"

#include "sim/base/check.h"

#include <stdlib.h>

// ---- the items

static bool before(const QueueItem *a, const QueueItem *b)
{
    return a->priority != b->priority ? a->priority < b->priority : a->sequence < b->sequence;
}

static void swap(QueueItem *a, QueueItem *b)
{
    QueueItem kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_up(QueueItem *items, uint32_t at)
{
    for (; at > 0 && before(&items[at], &items[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&items[at], &items[(at - 1) / 2]);
}

static void sift_down(QueueItem *items, uint32_t count)
{
    uint32_t at = 0;
    for (;;) {
        uint32_t least = 2 * at + 1;
        if (least + 1 < count && before(&items[least + 1], &items[least]))
            least++;
        if (least >= count || !before(&items[least], &items[at]))
            return;
        swap(&items[least], &items[at]);
        at = least;
    }
}

// Room for one more: twice as much when there is none, the ring's head at the beginning.
static void make_room(Queue *queue)
{
    if (queue->count < queue->room)
        return;
    uint32_t room = queue->room == 0 ? 16 : queue->room * 2;
    QueueItem *items = malloc(room * sizeof *items);
    CHECKF(items != NULL, "out of memory for %u items", room);
    for (uint32_t i = 0; i < queue->count; i++)
        items[i] = queue->items[(queue->head + i) % queue->room];
    free(queue->items);
    queue->items = items;
    queue->room = room;
    queue->head = 0;
}

static void insert(Queue *queue, bool by_priority, QueueItem item)
{
    make_room(queue);
    item.sequence = queue->sequence++;
    if (by_priority) {
        queue->items[queue->count] = item;
        sift_up(queue->items, queue->count++);
    } else {
        queue->items[(queue->head + queue->count++) % queue->room] = item;
    }
}

static QueueItem take(Queue *queue, bool by_priority)
{
    CHECK(queue->count > 0);
    QueueItem item = queue->items[queue->head];
    queue->count--;
    if (by_priority) {
        queue->items[0] = queue->items[queue->count];
        sift_down(queue->items, queue->count);
    } else {
        queue->head = (queue->head + 1) % queue->room;
    }
    return item;
}

// ---- what both ops share

static Duration access_cost(const Machine *machine)
{
    return duration_add(machine_cost(machine, COST_MUTEX_LOCK),
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

static StepResult put(Machine *machine, Task *task, const Op *op, SyncId id)
{
    Queue *queue = &sync_of(machine, task, id)->queue;
    if (machine->queued_items >= (uint64_t)machine->scenario->limits[LIMIT_ITEMS]) {
        machine_limit(machine, LIMIT_ITEMS);
        return STEP_ENDED;
    }
    machine->queued_items++;
    QueueItem item = {.priority = op->arg[2], .function = op->arg[1]};
    insert(queue, sync_def(machine, id)->by_priority, item);
    emit_change(machine, task, op, id, EVENT_QUEUE_PUT);
    return queue->getting > 0 ? futex_wake(machine, task, WAKE) : program_done(task, op);
}

StepResult step_PUT(Machine *machine, Task *task, const Op *op)
{
    SyncId id = {op->arg[0]};
    Sync *sync = sync_of(machine, task, id);
    switch (task->phase) {
    case PHASE_ENTER:
        return program_work(machine, task, false, access_cost(machine), TRY);
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

static StepResult get(Machine *machine, Task *task, const Op *op, SyncId id)
{
    Queue *queue = &sync_of(machine, task, id)->queue;
    QueueItem item = take(queue, sync_def(machine, id)->by_priority);
    machine->queued_items--;
    task->scratch = item.function;
    emit_change(machine, task, op, id, EVENT_QUEUE_GOT);
    return queue->putting > 0 ? futex_wake(machine, task, WAKE) : call_function(machine, task, op);
}

StepResult step_GET(Machine *machine, Task *task, const Op *op)
{
    SyncId id = {op->arg[0]};
    Sync *sync = sync_of(machine, task, id);
    Queue *queue = &sync->queue;
    switch (task->phase) {
    case PHASE_ENTER:
        return program_work(machine, task, false, access_cost(machine), TRY);
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
