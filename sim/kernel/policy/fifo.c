// The two simplest textbook policies. FIFO: tasks run in the order in which they became runnable,
// each until it blocks, yields or ends. RR (round robin): the same, but a task that has run for a
// slice goes to the tail. A task that comes back from blocking, or finds nobody else waiting at
// the end of its slice, gets a fresh slice.
//
// Ties: a task whose work ends exactly with its slice has ended (completions come before slice
// ends). One whose slice ends queues up behind those that wake or arrive at that instant, because
// a core decides after everything else (EventClass); so do the tables of the textbooks (Stallings,
// Operating Systems, figure 9.5, round robin).
#include "sim/kernel/task_list.h"

typedef struct Fifo {
    TaskList waiting;
    int64_t slice_ns; // 0: FIFO
    bool aligned;     // slices end at multiples of the slice
} Fifo;

static Fifo *fifo(const RunQueue *queue)
{
    return queue->state[SCHED_CLASS_NORMAL];
}

static void fifo_init(Machine *machine, RunQueue *queue, Arena *arena)
{
    (void)machine;
    queue->state[SCHED_CLASS_NORMAL] = ARENA_NEW(arena, Fifo);
}

static void rr_init(Machine *machine, RunQueue *queue, Arena *arena)
{
    fifo_init(machine, queue, arena);
    fifo(queue)->slice_ns = machine->scenario->machine.slice_ns;
    fifo(queue)->aligned = machine->scenario->machine.aligned_slices;
}

static void fifo_free(RunQueue *queue)
{
    (void)queue;
}

static void fifo_enqueue(Machine *machine, RunQueue *queue, Task *task, EnqueueReason reason)
{
    (void)machine;
    (void)reason;
    task_list_append(&fifo(queue)->waiting, task);
}

static bool fifo_dequeue(Machine *machine, RunQueue *queue, Task *task, DequeueReason reason)
{
    (void)machine;
    (void)reason;
    if (queue->current != task)
        task_list_remove(&fifo(queue)->waiting, task);
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
    if (slice_ns == 0)
        return;
    int64_t begun_ns = fifo(queue)->aligned ? machine->now.ns % slice_ns : 0;
    queue->slice_end = instant_add(machine->now, (Duration){slice_ns - begun_ns});
}

static TaskId fifo_pick(Machine *machine, RunQueue *queue)
{
    const Task *current = run_queue_current(queue, SCHED_CLASS_NORMAL);
    if (current != NULL && !queue->rotate)
        return current->id;
    const Task *first = task_list_first_for(machine, &fifo(queue)->waiting, queue->core);
    if (current != NULL && first == NULL) {
        queue->rotate = false;
        begin_slice(machine, queue);
        return current->id;
    }
    return first != NULL ? first->id : (TaskId){0};
}

static void fifo_put_back(Machine *machine, RunQueue *queue, Task *task)
{
    (void)machine;
    task_list_append(&fifo(queue)->waiting, task);
}

static void fifo_take(Machine *machine, RunQueue *queue, Task *task)
{
    task_list_remove(&fifo(queue)->waiting, task);
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
    queue->rotate = true;
}

static void rr_slice_used(Machine *machine, RunQueue *queue)
{
    (void)machine;
    queue->rotate = true;
}

static uint32_t fifo_count(const RunQueue *queue)
{
    return fifo(queue)->waiting.count;
}

static TaskId fifo_at(const RunQueue *queue, uint32_t index)
{
    return task_list_at(&fifo(queue)->waiting, index)->id;
}

#define FIFO_FUNCTIONS                                                                             \
    .sched_class = SCHED_CLASS_NORMAL, .free = fifo_free, .enqueue = fifo_enqueue,                 \
    .dequeue = fifo_dequeue, .charge = fifo_charge, .pick = fifo_pick, .put_back = fifo_put_back,  \
    .take = fifo_take, .preempts = fifo_preempts, .yield = fifo_yield, .count = fifo_count,        \
    .at = fifo_at

const SchedPolicy policy_fifo = {.name = "fifo", .init = fifo_init, FIFO_FUNCTIONS};

const SchedPolicy policy_rr = {
    .name = "rr", .init = rr_init, .slice_used = rr_slice_used, FIFO_FUNCTIONS};
