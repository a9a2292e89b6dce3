// The realtime class: SCHED_FIFO and SCHED_RR with priorities 1 (least) to 99 (Linux
// kernel/sched/rt.c). The first task of the highest priority runs until it blocks, yields or one of
// a higher priority wakes up; preempted, it stays first of its priority. Under RR a task that has
// run for 100 ms, counted in timer ticks, goes behind its equals.
//
// Where waiting ones go when another core could run them is push_pull.c's, how normal tasks survive
// them fair_server.c's.
#include "sim/kernel/task_list.h"

enum {
    PRIORITIES = 100,
    TURN_NS = 100000000 // sched_rr_timeslice_ms
};

typedef struct Realtime {
    TaskList waiting[PRIORITIES];
    uint64_t filled[2]; // bit set: there are some of this priority
    uint32_t turn_ticks;
} Realtime;

static Realtime *realtime(const RunQueue *queue)
{
    return queue->state[SCHED_CLASS_REALTIME];
}

static void realtime_init(Machine *machine, RunQueue *queue, Arena *arena)
{
    Realtime *state = ARENA_NEW(arena, Realtime);
    int64_t ticks = TURN_NS / machine->scenario->machine.tick_ns;
    state->turn_ticks = ticks > 0 ? (uint32_t)ticks : 1;
    queue->state[SCHED_CLASS_REALTIME] = state;
}

static void realtime_free(RunQueue *queue)
{
    (void)queue;
}

static TaskList *list_of(const RunQueue *queue, const Task *task)
{
    return &realtime(queue)->waiting[task->realtime.priority];
}

static void insert(RunQueue *queue, Task *task, bool first)
{
    Realtime *state = realtime(queue);
    int priority = task->realtime.priority;
    state->filled[priority / 64] |= (uint64_t)1 << (priority % 64);
    if (first)
        task_list_prepend(&state->waiting[priority], task);
    else
        task_list_append(&state->waiting[priority], task);
}

static void remove_queued(RunQueue *queue, Task *task)
{
    Realtime *state = realtime(queue);
    int priority = task->realtime.priority;
    task_list_remove(&state->waiting[priority], task);
    if (state->waiting[priority].count == 0)
        state->filled[priority / 64] &= ~((uint64_t)1 << (priority % 64));
}

// The first task of the highest priority; NULL when there is none.
static Task *first_queued(const RunQueue *queue)
{
    const Realtime *state = realtime(queue);
    for (int word = 1; word >= 0; word--)
        if (state->filled[word] != 0)
            return state->waiting[word * 64 + 63 - __builtin_clzll(state->filled[word])].head;
    return NULL;
}

static void realtime_enqueue(Machine *machine, RunQueue *queue, Task *task, EnqueueReason reason)
{
    (void)machine;
    if (reason == ENQUEUE_NEW || task->realtime.ticks_left == 0)
        task->realtime.ticks_left = realtime(queue)->turn_ticks;
    insert(queue, task, false);
}

static bool realtime_dequeue(Machine *machine, RunQueue *queue, Task *task, DequeueReason reason)
{
    (void)machine;
    (void)reason;
    if (queue->current != task)
        remove_queued(queue, task);
    return true;
}

static bool realtime_charge(Machine *machine, RunQueue *queue)
{
    (void)machine;
    (void)queue;
    return false;
}

// task_tick_rt.
static bool realtime_tick(Machine *machine, RunQueue *queue)
{
    (void)machine;
    Task *current = run_queue_current(queue, SCHED_CLASS_REALTIME);
    if (current == NULL || !current->realtime.turns || --current->realtime.ticks_left > 0)
        return false;
    current->realtime.ticks_left = realtime(queue)->turn_ticks;
    queue->rotate = list_of(queue, current)->count > 0;
    return queue->rotate;
}

static TaskId realtime_pick(Machine *machine, RunQueue *queue)
{
    (void)machine;
    const Task *current = run_queue_current(queue, SCHED_CLASS_REALTIME);
    const Task *first = first_queued(queue);
    if (current != NULL &&
        (first == NULL || first->realtime.priority < current->realtime.priority ||
         (first->realtime.priority == current->realtime.priority && !queue->rotate))) {
        queue->rotate = false;
        return current->id;
    }
    return first != NULL ? first->id : (TaskId){0};
}

static void realtime_put_back(Machine *machine, RunQueue *queue, Task *task)
{
    (void)machine;
    insert(queue, task, !queue->rotate);
}

static void realtime_take(Machine *machine, RunQueue *queue, Task *task)
{
    (void)machine;
    remove_queued(queue, task);
}

static bool realtime_preempts(Machine *machine, RunQueue *queue, Task *woken)
{
    (void)machine;
    return woken->realtime.priority > queue->current->realtime.priority;
}

static int64_t realtime_rank(const Machine *machine, const Task *task)
{
    (void)machine;
    return -(int64_t)task->realtime.priority;
}

static void realtime_yield(Machine *machine, RunQueue *queue, Task *task)
{
    (void)machine;
    (void)task;
    queue->rotate = true;
}

static uint32_t realtime_count(const RunQueue *queue)
{
    const Realtime *state = realtime(queue);
    uint32_t count = 0;
    if ((state->filled[0] | state->filled[1]) == 0)
        return 0;
    for (int priority = 1; priority < PRIORITIES; priority++)
        count += state->waiting[priority].count;
    return count;
}

// The highest priority first.
static TaskId realtime_at(const RunQueue *queue, uint32_t index)
{
    Realtime *state = realtime(queue);
    for (int priority = PRIORITIES - 1; priority > 0; priority--) {
        TaskList *list = &state->waiting[priority];
        if (index < list->count)
            return task_list_at(list, index)->id;
        index -= list->count;
    }
    return (TaskId){0};
}

const SchedPolicy policy_realtime = {
    .name = "realtime",
    .sched_class = SCHED_CLASS_REALTIME,
    .uses_tick = true,
    .preemptive = true,
    .init = realtime_init,
    .free = realtime_free,
    .enqueue = realtime_enqueue,
    .dequeue = realtime_dequeue,
    .charge = realtime_charge,
    .tick = realtime_tick,
    .pick = realtime_pick,
    .put_back = realtime_put_back,
    .take = realtime_take,
    .preempts = realtime_preempts,
    .rank = realtime_rank,
    .yield = realtime_yield,
    .count = realtime_count,
    .at = realtime_at,
};
