// The two simplest textbook policies. FIFO: tasks run in the order in which they became runnable,
// each until it blocks, yields or ends. RR (round robin): the same, but a task that has run for a
// slice goes to the tail. A task that comes back from blocking, or finds nobody else waiting at
// the end of its slice, gets a fresh slice.
//
// Ties: a task whose work ends exactly with its slice has ended (completions come before slice
// ends). One whose slice ends queues up behind those that wake or arrive at that instant, because
// a core decides after everything else (EventClass); so do the tables of the textbooks (Stallings,
// Operating Systems, figure 9.5, round robin).
#include "sim/base/check.h"
#include "sim/kernel/machine.h"

typedef struct Fifo {
    Task *head, *tail;
    uint32_t count;
    int64_t slice_ns; // 0: FIFO
    bool rotate;      // current is to go behind the others
    // Where the last fifo_at was, so that walking the list by index is linear.
    Task *cursor;
    uint32_t cursor_index;
} Fifo;

static Fifo *fifo(const RunQueue *queue)
{
    return queue->state;
}

// ---- the list

static void append(Fifo *list, Task *task)
{
    task->queue_next = NULL;
    task->queue_previous = list->tail;
    if (list->tail != NULL)
        list->tail->queue_next = task;
    else
        list->head = task;
    list->tail = task;
    list->count++;
    list->cursor = NULL;
}

static void take_out(Fifo *list, Task *task)
{
    if (task->queue_previous != NULL)
        task->queue_previous->queue_next = task->queue_next;
    else
        list->head = task->queue_next;
    if (task->queue_next != NULL)
        task->queue_next->queue_previous = task->queue_previous;
    else
        list->tail = task->queue_previous;
    task->queue_next = task->queue_previous = NULL;
    list->count--;
    list->cursor = NULL;
}

// ---- the policy's functions

static void fifo_init(Machine *machine, RunQueue *queue, Arena *arena)
{
    (void)machine;
    queue->state = ARENA_NEW(arena, Fifo);
}

static void rr_init(Machine *machine, RunQueue *queue, Arena *arena)
{
    fifo_init(machine, queue, arena);
    fifo(queue)->slice_ns = machine->scenario->machine.slice_ns;
}

static void fifo_free(RunQueue *queue)
{
    (void)queue;
}

static void fifo_enqueue(Machine *machine, RunQueue *queue, Task *task, EnqueueReason reason)
{
    (void)machine;
    (void)reason;
    append(fifo(queue), task);
}

static bool fifo_dequeue(Machine *machine, RunQueue *queue, Task *task, DequeueReason reason)
{
    (void)machine;
    (void)reason;
    if (queue->current != task)
        take_out(fifo(queue), task);
    return true;
}

static bool fifo_charge(Machine *machine, RunQueue *queue)
{
    (void)machine;
    (void)queue;
    return false;
}

static void begin_slice(Machine *machine, RunQueue *queue)
{
    int64_t slice_ns = fifo(queue)->slice_ns;
    if (slice_ns > 0)
        queue->slice_end = instant_add(machine->now, (Duration){slice_ns});
}

static TaskId fifo_pick(Machine *machine, RunQueue *queue)
{
    Fifo *list = fifo(queue);
    if (queue->current != NULL && (!list->rotate || list->head == NULL)) {
        if (list->rotate)
            begin_slice(machine, queue);
        list->rotate = false;
        return queue->current->id;
    }
    return list->head != NULL ? list->head->id : (TaskId){0};
}

static void fifo_put_back(Machine *machine, RunQueue *queue, Task *task)
{
    (void)machine;
    append(fifo(queue), task);
}

static void fifo_take(Machine *machine, RunQueue *queue, Task *task)
{
    fifo(queue)->rotate = false;
    take_out(fifo(queue), task);
    begin_slice(machine, queue);
}

static bool fifo_preempts(Machine *machine, RunQueue *queue, Task *woken)
{
    (void)machine;
    (void)queue;
    (void)woken;
    return false;
}

static void fifo_yield(Machine *machine, RunQueue *queue, Task *task)
{
    (void)machine;
    (void)task;
    fifo(queue)->rotate = true;
}

static void rr_slice_used(Machine *machine, RunQueue *queue)
{
    (void)machine;
    fifo(queue)->rotate = true;
}

static uint32_t fifo_count(const RunQueue *queue)
{
    return fifo(queue)->count;
}

static TaskId fifo_at(const RunQueue *queue, uint32_t index)
{
    Fifo *list = fifo(queue);
    CHECKF(index < list->count, "%u of %u", index, list->count);
    if (list->cursor == NULL || list->cursor_index > index) {
        list->cursor = list->head;
        list->cursor_index = 0;
    }
    for (; list->cursor_index < index; list->cursor_index++)
        list->cursor = list->cursor->queue_next;
    return list->cursor->id;
}

#define FIFO_FUNCTIONS                                                                             \
    .free = fifo_free, .enqueue = fifo_enqueue, .dequeue = fifo_dequeue, .charge = fifo_charge,    \
    .pick = fifo_pick, .put_back = fifo_put_back, .take = fifo_take, .preempts = fifo_preempts,    \
    .yield = fifo_yield, .count = fifo_count, .at = fifo_at

const SchedPolicy policy_fifo = {.name = "fifo", .init = fifo_init, FIFO_FUNCTIONS};

const SchedPolicy policy_rr = {
    .name = "rr", .init = rr_init, .slice_used = rr_slice_used, FIFO_FUNCTIONS};
