// Shortest job first (SJF) and shortest time to completion first (STCF): tasks run in the order of
// how much CPU time they ask for until they next sleep, join or end, the least first. SJF looks
// only when the core is free; under STCF a task that asks for less than what is left of the
// running one's preempts it. The times are what the program says, which no real scheduler knows;
// see program_burst.
//
// Ties: the running task goes on; else the one that has been runnable for longer, else the one that
// stands first in the scenario.
#include "sim/kernel/task_list.h"

typedef struct Shortest {
    TaskList waiting; // the next to run first
} Shortest;

static Shortest *shortest(const RunQueue *queue)
{
    return queue->state[SCHED_CLASS_NORMAL];
}

static void shortest_init(Machine *machine, RunQueue *queue, Arena *arena)
{
    (void)machine;
    queue->state[SCHED_CLASS_NORMAL] = ARENA_NEW(arena, Shortest);
}

static void shortest_free(RunQueue *queue)
{
    (void)queue;
}

static bool goes_before(const Task *a, const Task *b)
{
    if (a->job.left_ns != b->job.left_ns)
        return a->job.left_ns < b->job.left_ns;
    if (a->job.ready_ns != b->job.ready_ns)
        return a->job.ready_ns < b->job.ready_ns;
    return task_precedes(a, b);
}

static void insert(RunQueue *queue, Task *task)
{
    TaskList *list = &shortest(queue)->waiting;
    Task *next = NULL, *last = list->tail;
    while (last != NULL && goes_before(task, last)) {
        next = last;
        last = last->queue_previous;
    }
    task_list_insert(list, task, next);
}

static void shortest_enqueue(Machine *machine, RunQueue *queue, Task *task, EnqueueReason reason)
{
    if (reason != ENQUEUE_MOVED) {
        task->job.left_ns = machine->burst(machine, task).ns;
        task->job.ready_ns = machine->now.ns;
    }
    insert(queue, task);
}

// What is left of the burst of a task; the running one's is charged only now and then.
static int64_t left_now(const Machine *machine, const Task *task)
{
    const RunQueue *queue = &machine->run_queues[task->core];
    int64_t left = task->job.left_ns;
    if (queue->current == task)
        left -= machine->now.ns - queue->exec_start.ns;
    return left > 0 ? left : 0;
}

static bool shortest_charge(Machine *machine, RunQueue *queue)
{
    Task *task = run_queue_current(queue, SCHED_CLASS_NORMAL);
    if (task != NULL) {
        task->job.left_ns = left_now(machine, task);
        queue->exec_start = machine->now;
    }
    return false;
}

static bool shortest_dequeue(Machine *machine, RunQueue *queue, Task *task, DequeueReason reason)
{
    (void)reason;
    if (queue->current == task)
        shortest_charge(machine, queue);
    else
        task_list_remove(&shortest(queue)->waiting, task);
    return true;
}

static TaskId choose(Machine *machine, RunQueue *queue, bool preemptive)
{
    const Task *current = run_queue_current(queue, SCHED_CLASS_NORMAL);
    const Task *first = task_list_first_for(machine, &shortest(queue)->waiting, queue->core);
    if (current == NULL)
        return first != NULL ? first->id : (TaskId){0};
    // One that yields lets those go first that ask for as much as it still does.
    bool gives_way = first != NULL && (queue->rotate ? first->job.left_ns <= current->job.left_ns
                                       : preemptive  ? first->job.left_ns < current->job.left_ns
                                                     : false);
    if (gives_way)
        return first->id;
    queue->rotate = false;
    return current->id;
}

static TaskId sjf_pick(Machine *machine, RunQueue *queue)
{
    return choose(machine, queue, false);
}

static TaskId stcf_pick(Machine *machine, RunQueue *queue)
{
    return choose(machine, queue, true);
}

static void shortest_put_back(Machine *machine, RunQueue *queue, Task *task)
{
    if (queue->rotate)
        task->job.ready_ns = machine->now.ns;
    insert(queue, task);
}

static void shortest_take(Machine *machine, RunQueue *queue, Task *task)
{
    (void)machine;
    task_list_remove(&shortest(queue)->waiting, task);
}

static bool sjf_preempts(Machine *machine, RunQueue *queue, Task *woken)
{
    (void)machine;
    (void)queue;
    (void)woken;
    return false;
}

static bool stcf_preempts(Machine *machine, RunQueue *queue, Task *woken)
{
    shortest_charge(machine, queue);
    return woken->job.left_ns < queue->current->job.left_ns;
}

static void shortest_yield(Machine *machine, RunQueue *queue, Task *task)
{
    (void)machine;
    (void)task;
    queue->rotate = true;
}

static uint32_t shortest_count(const RunQueue *queue)
{
    return shortest(queue)->waiting.count;
}

static TaskId shortest_at(const RunQueue *queue, uint32_t index)
{
    return task_list_at(&shortest(queue)->waiting, index)->id;
}

#define SHORTEST_FUNCTIONS                                                                         \
    .sched_class = SCHED_CLASS_NORMAL, .init = shortest_init, .free = shortest_free,               \
    .enqueue = shortest_enqueue, .dequeue = shortest_dequeue, .charge = shortest_charge,           \
    .put_back = shortest_put_back, .take = shortest_take, .yield = shortest_yield,                 \
    .count = shortest_count, .at = shortest_at

const SchedPolicy policy_sjf = {
    .name = "sjf", .pick = sjf_pick, .preempts = sjf_preempts, SHORTEST_FUNCTIONS};

const SchedPolicy policy_stcf = {.name = "stcf",
                                 .preemptive = true,
                                 .pick = stcf_pick,
                                 .preempts = stcf_preempts,
                                 .rank = left_now,
                                 SHORTEST_FUNCTIONS};
