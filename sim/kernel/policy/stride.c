// Stride scheduling (Waldspurger 1995): every task has a stride, 10000 divided by its tickets, and
// a pass, which grows by its stride for each slice that it runs. At the end of a slice the task
// with the lowest pass is next, of equals the one that stands first in the scenario. What lottery
// scheduling gives on average, this gives exactly.
//
// A part of a slice counts as that part of the stride. Newcomers, and tasks that have blocked,
// begin at the pass that the last slice began with when theirs is lower: time that nobody asked for
// is not saved up. They wait for the end of the slice.
#include "sim/kernel/task_list.h"

enum { STRIDE_OF_ONE_TICKET = 10000 };

typedef struct Stride {
    TaskList waiting; // the next to run first
    int64_t slice_ns;
    int64_t last_pass; // of the one that has the slice, when it got it
} Stride;

static Stride *stride(const RunQueue *queue)
{
    return queue->state[SCHED_CLASS_NORMAL];
}

static void stride_init(Machine *machine, RunQueue *queue, Arena *arena)
{
    Stride *state = ARENA_NEW(arena, Stride);
    state->slice_ns = machine->scenario->machine.slice_ns;
    queue->state[SCHED_CLASS_NORMAL] = state;
}

static void stride_free(RunQueue *queue)
{
    (void)queue;
}

static bool goes_before(const Task *a, const Task *b)
{
    return a->job.pass != b->job.pass ? a->job.pass < b->job.pass : task_precedes(a, b);
}

static void insert(RunQueue *queue, Task *task)
{
    TaskList *list = &stride(queue)->waiting;
    Task *next = NULL, *last = list->tail;
    while (last != NULL && goes_before(task, last)) {
        next = last;
        last = last->queue_previous;
    }
    task_list_insert(list, task, next);
}

// Passes are kept times the slice's nanoseconds: for each nanosecond one stride.
static bool stride_charge(Machine *machine, RunQueue *queue)
{
    Task *task = run_queue_current(queue, SCHED_CLASS_NORMAL);
    if (task == NULL)
        return false;
    uint32_t tickets = machine->scenario->threads[task->scheduled_as.index1 - 1].tickets;
    int64_t ran = machine->now.ns - queue->exec_start.ns;
    task->job.pass += ran * (STRIDE_OF_ONE_TICKET / tickets);
    queue->exec_start = machine->now;
    return false;
}

static void stride_enqueue(Machine *machine, RunQueue *queue, Task *task, EnqueueReason reason)
{
    (void)reason;
    (void)machine;
    if (task->job.pass < stride(queue)->last_pass)
        task->job.pass = stride(queue)->last_pass;
    insert(queue, task);
}

static bool stride_dequeue(Machine *machine, RunQueue *queue, Task *task, DequeueReason reason)
{
    if (queue->current == task)
        stride_charge(machine, queue);
    else
        task_list_remove(&stride(queue)->waiting, task);
    // Another queue's passes may be anywhere.
    if (reason == DEQUEUE_MOVED)
        task->job.pass = 0;
    return true;
}

static void begin_slice(Machine *machine, RunQueue *queue, const Task *task)
{
    stride(queue)->last_pass = task->job.pass;
    queue->slice_end = instant_add(machine->now, (Duration){stride(queue)->slice_ns});
}

static TaskId stride_pick(Machine *machine, RunQueue *queue)
{
    Task *current = run_queue_current(queue, SCHED_CLASS_NORMAL);
    if (current != NULL && !queue->rotate)
        return current->id;
    const Task *first = task_list_first_for(machine, &stride(queue)->waiting, queue->core);
    if (current != NULL && (first == NULL || goes_before(current, first))) {
        queue->rotate = false;
        begin_slice(machine, queue, current);
        return current->id;
    }
    return first != NULL ? first->id : (TaskId){0};
}

static void stride_put_back(Machine *machine, RunQueue *queue, Task *task)
{
    (void)machine;
    insert(queue, task);
}

static void stride_take(Machine *machine, RunQueue *queue, Task *task)
{
    task_list_remove(&stride(queue)->waiting, task);
    begin_slice(machine, queue, task);
}

static bool stride_preempts(Machine *machine, RunQueue *queue, Task *woken)
{
    (void)machine;
    (void)queue;
    (void)woken;
    return false;
}

static void stride_yield(Machine *machine, RunQueue *queue, Task *task)
{
    (void)machine;
    (void)task;
    queue->rotate = true;
}

static void stride_slice_used(Machine *machine, RunQueue *queue)
{
    (void)machine;
    queue->rotate = true;
}

static uint32_t stride_count(const RunQueue *queue)
{
    return stride(queue)->waiting.count;
}

static TaskId stride_at(const RunQueue *queue, uint32_t index)
{
    return task_list_at(&stride(queue)->waiting, index)->id;
}

const SchedPolicy policy_stride = {
    .name = "stride",
    .sched_class = SCHED_CLASS_NORMAL,
    .init = stride_init,
    .free = stride_free,
    .enqueue = stride_enqueue,
    .dequeue = stride_dequeue,
    .charge = stride_charge,
    .pick = stride_pick,
    .put_back = stride_put_back,
    .take = stride_take,
    .preempts = stride_preempts,
    .yield = stride_yield,
    .slice_used = stride_slice_used,
    .count = stride_count,
    .at = stride_at,
};
