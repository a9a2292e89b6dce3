// The deadline class, SCHED_DEADLINE (Linux kernel/sched/deadline.c): earliest deadline first, with
// a constant bandwidth server a task. A task may run for `runtime` in each `period`, and should
// have done so within `deadline` of the period's begin. The one with the earliest deadline runs, of
// equals the running one, then the one that was queued first. One that has used its runtime up is
// throttled: it sleeps until its next period, in which it has a whole runtime again, less what it
// overran. A task that wakes up goes on with its deadline when it can keep it at no more than its
// share of a core; else a new period begins for it.
//
// As in Linux without HRTICK_DL, that the runtime is used up is noticed at timer ticks. Linux also
// lends unused runtime to others on request (SCHED_FLAG_RECLAIM) and reserves bandwidth on fork; we
// do neither. One that blocks just as its runtime ends sleeps there at least to its next period;
// here it may come back at once, with its deadline a period later (the server of Abeni and Buttazzo
// 1998).
#include "sim/kernel/task_list.h"

#include "sim/base/wide.h"

typedef struct Edf {
    TaskList waiting; // the earliest deadline first
} Edf;

static Edf *edf(const RunQueue *queue)
{
    return queue->state[SCHED_CLASS_DEADLINE];
}

static const ThreadDef *def_of(const Machine *machine, const Task *task)
{
    return &machine->scenario->threads[task->def.index1 - 1];
}

static void deadline_init(Machine *machine, RunQueue *queue, Arena *arena)
{
    (void)machine;
    queue->state[SCHED_CLASS_DEADLINE] = ARENA_NEW(arena, Edf);
}

static void deadline_free(RunQueue *queue)
{
    (void)queue;
}

// Behind those with the same deadline, or before them when it ran until now.
static void insert(RunQueue *queue, Task *task, bool ran)
{
    TaskList *list = &edf(queue)->waiting;
    Task *next = NULL, *last = list->tail;
    while (last != NULL && task->edf.deadline_ns < last->edf.deadline_ns + ran) {
        next = last;
        last = last->queue_previous;
    }
    task_list_insert(list, task, next);
}

static void begin_period(const Machine *machine, Task *task)
{
    const ThreadDef *def = def_of(machine, task);
    task->edf.deadline_ns = machine->now.ns + def->deadline_ns;
    task->edf.left_ns = def->runtime_ns;
}

// replenish_dl_entity: the next period, or the first one that has runtime left after an overrun.
static void replenish(const Machine *machine, Task *task)
{
    const ThreadDef *def = def_of(machine, task);
    do {
        task->edf.deadline_ns += def->period_ns;
        task->edf.left_ns += def->runtime_ns;
    } while (task->edf.left_ns <= 0);
    if (task->edf.deadline_ns < machine->now.ns)
        begin_period(machine, task);
    task->edf.throttled = false;
}

// dl_entity_overflow: to keep its deadline it would need more than its share of a core from now.
static bool overflows(const Machine *machine, const Task *task)
{
    const ThreadDef *def = def_of(machine, task);
    int64_t time = task->edf.deadline_ns - machine->now.ns;
    return time <= 0 ||
           (Int128)task->edf.left_ns * def->deadline_ns > (Int128)def->runtime_ns * time;
}

static void deadline_enqueue(Machine *machine, RunQueue *queue, Task *task, EnqueueReason reason)
{
    if (!task->edf.inherited) {
        if (reason == ENQUEUE_WAKEUP && task->edf.throttled)
            replenish(machine, task);
        else if (reason == ENQUEUE_NEW || (reason == ENQUEUE_WAKEUP && overflows(machine, task)))
            begin_period(machine, task);
    }
    insert(queue, task, false);
}

static int64_t next_period_ns(const Machine *machine, const Task *task)
{
    const ThreadDef *def = def_of(machine, task);
    return task->edf.deadline_ns - def->deadline_ns + def->period_ns;
}

static bool deadline_charge(Machine *machine, RunQueue *queue)
{
    Task *task = run_queue_current(queue, SCHED_CLASS_DEADLINE);
    if (task == NULL)
        return false;
    task->edf.left_ns -= machine->now.ns - queue->exec_start.ns;
    queue->exec_start = machine->now;
    if (task->edf.inherited || task->edf.left_ns > 0)
        return false;
    task->edf.throttled = true;
    if (next_period_ns(machine, task) <= machine->now.ns)
        replenish(machine, task);
    return true;
}

static bool deadline_dequeue(Machine *machine, RunQueue *queue, Task *task, DequeueReason reason)
{
    (void)reason;
    if (queue->current == task)
        deadline_charge(machine, queue);
    else
        task_list_remove(&edf(queue)->waiting, task);
    return true;
}

static Instant deadline_suspended_until(Machine *machine, const Task *task)
{
    return task->edf.throttled ? (Instant){next_period_ns(machine, task)} : INSTANT_NEVER;
}

static TaskId deadline_pick(Machine *machine, RunQueue *queue)
{
    (void)machine;
    const Task *current = run_queue_current(queue, SCHED_CLASS_DEADLINE);
    const Task *first = edf(queue)->waiting.head;
    if (current != NULL && (first == NULL || current->edf.deadline_ns <= first->edf.deadline_ns))
        return current->id;
    return first != NULL ? first->id : (TaskId){0};
}

static void deadline_put_back(Machine *machine, RunQueue *queue, Task *task)
{
    (void)machine;
    insert(queue, task, true);
}

static void deadline_take(Machine *machine, RunQueue *queue, Task *task)
{
    (void)machine;
    task_list_remove(&edf(queue)->waiting, task);
}

static bool deadline_preempts(Machine *machine, RunQueue *queue, Task *woken)
{
    (void)machine;
    return woken->edf.deadline_ns < queue->current->edf.deadline_ns;
}

static int64_t deadline_rank(const Machine *machine, const Task *task)
{
    (void)machine;
    return task->edf.deadline_ns;
}

// It is done for this period: it gives the rest of its runtime back.
static void deadline_yield(Machine *machine, RunQueue *queue, Task *task)
{
    deadline_charge(machine, queue);
    if (task->edf.inherited)
        return;
    task->edf.left_ns = task->edf.left_ns < 0 ? task->edf.left_ns : 0;
    task->edf.throttled = true;
}

static uint32_t deadline_count(const RunQueue *queue)
{
    return edf(queue)->waiting.count;
}

static TaskId deadline_at(const RunQueue *queue, uint32_t index)
{
    return task_list_at(&edf(queue)->waiting, index)->id;
}

const SchedPolicy policy_deadline = {
    .name = "deadline",
    .sched_class = SCHED_CLASS_DEADLINE,
    .uses_tick = true,
    .preemptive = true,
    .init = deadline_init,
    .free = deadline_free,
    .enqueue = deadline_enqueue,
    .dequeue = deadline_dequeue,
    .charge = deadline_charge,
    .suspended_until = deadline_suspended_until,
    .pick = deadline_pick,
    .put_back = deadline_put_back,
    .take = deadline_take,
    .preempts = deadline_preempts,
    .rank = deadline_rank,
    .yield = deadline_yield,
    .count = deadline_count,
    .at = deadline_at,
};
