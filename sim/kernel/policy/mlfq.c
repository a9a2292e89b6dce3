// The multi-level feedback queue (Corbató 1962; as in Operating Systems: Three Easy Pieces and its
// program mlfq.py). Level 0 is the highest; the first task of the highest level that has any runs.
// One that has used up its slice goes to the tail of its level, and one that has used up as many
// slices as its level allots goes one level down. Every `boost` all tasks go to the highest level.
// Newcomers begin there.
//
// A task that blocks keeps what is left of its slice and its allotment, so that blocking just in
// time does not keep it up; with `stay` it gets both anew, which is how a program games the older
// rule. It comes back to the tail of its level, with `io: head` to the head.
//
// What happens at one instant happens in this order, which is mlfq.py's: ends, blocks and ends of
// slices; then the boost, which appends the levels to the highest from the lowest up; then arrivals
// and wake-ups; then the choice. A task that is preempted keeps its slice and stays first of its
// level. A slice's end or a boost gives the running task its new place at once, before those who
// come at the same instant: it is then `listed`, on a level's list although it is current.
//
// With one queue for all cores every core is asked anew after a boost.
#include "sim/kernel/placement.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/task_list.h"

typedef struct Mlfq {
    const MachineDef *def;
    TaskList levels[SCHED_LEVELS_MAX];
} Mlfq;

static Mlfq *mlfq(const RunQueue *queue)
{
    return queue->state[SCHED_CLASS_NORMAL];
}

static void mlfq_init(Machine *machine, RunQueue *queue, Arena *arena)
{
    Mlfq *state = ARENA_NEW(arena, Mlfq);
    state->def = &machine->scenario->machine;
    queue->state[SCHED_CLASS_NORMAL] = state;
}

static void mlfq_free(RunQueue *queue)
{
    (void)queue;
}

// ---- slices and allotments

static void renew_slice(const Mlfq *state, Task *task)
{
    task->job.left_ns = state->def->level_slice_ns[task->job.level];
}

static void renew_allotment(const Mlfq *state, Task *task)
{
    renew_slice(state, task);
    task->job.allotment = state->def->level_allotment[task->job.level];
}

// One of its slices is over.
static void spend_slice(const Mlfq *state, Task *task)
{
    if (--task->job.allotment > 0) {
        renew_slice(state, task);
        return;
    }
    if (task->job.level + 1u < state->def->levels)
        task->job.level++;
    renew_allotment(state, task);
}

static uint32_t boosts_until(const Machine *machine)
{
    int64_t boost_ns = machine->scenario->machine.boost_ns;
    return boost_ns == 0 ? 0 : (uint32_t)(machine->now.ns / boost_ns);
}

static void boost_task(const Machine *machine, const Mlfq *state, Task *task)
{
    task->job.level = 0;
    task->job.epoch = boosts_until(machine);
    renew_allotment(state, task);
}

static bool mlfq_charge(Machine *machine, RunQueue *queue)
{
    Task *task = run_queue_current(queue, SCHED_CLASS_NORMAL);
    if (task != NULL) {
        task->job.left_ns -= machine->now.ns - queue->exec_start.ns;
        queue->exec_start = machine->now;
    }
    return false;
}

// ---- places

static TaskList *level_of(const RunQueue *queue, const Task *task)
{
    return &mlfq(queue)->levels[task->job.level];
}

static void list_current(const RunQueue *queue, Task *current, bool first)
{
    if (first)
        task_list_prepend(level_of(queue, current), current);
    else
        task_list_append(level_of(queue, current), current);
    current->job.listed = true;
}

static void unlist(const RunQueue *queue, Task *task)
{
    task_list_remove(level_of(queue, task), task);
    task->job.listed = false;
}

static void begin_slice(Machine *machine, RunQueue *queue, const Task *task)
{
    queue->slice_end = instant_add(machine->now, (Duration){task->job.left_ns});
}

// ---- boosts

static void await_boost(Machine *machine, RunQueue *queue)
{
    int64_t boost_ns = machine->scenario->machine.boost_ns;
    if (boost_ns == 0)
        return;
    // The queue that all cores share is looked after by the first.
    RunQueue *keeper = machine->shared_queue ? &machine->run_queues[0] : queue;
    if (keeper->due[SCHED_CLASS_NORMAL].ns != INSTANT_NEVER.ns)
        return;
    Instant next = {(machine->now.ns / boost_ns + 1) * boost_ns};
    run_queue_set_due(keeper, SCHED_CLASS_NORMAL, next);
    machine_refresh(machine, keeper->core);
}

// The running tasks of the cores that `queue` feeds, the last core's first, one a call.
static RunQueue *feeds(Machine *machine, RunQueue *queue, uint32_t index)
{
    if (!machine->shared_queue)
        return index == 0 ? queue : NULL;
    return index < machine->core_count ? &machine->run_queues[machine->core_count - 1 - index]
                                       : NULL;
}

static void mlfq_due(Machine *machine, RunQueue *queue)
{
    Mlfq *state = mlfq(queue);
    RunQueue *fed;
    bool any = false;
    for (uint32_t i = 0; (fed = feeds(machine, queue, i)) != NULL; i++) {
        Task *current = run_queue_current(fed, SCHED_CLASS_NORMAL);
        any = any || current != NULL;
        mlfq_charge(machine, fed);
        if (current != NULL && !current->job.listed)
            list_current(queue, current, true);
    }
    for (uint32_t level = state->def->levels; level-- > 1;) {
        Task *task;
        while ((task = state->levels[level].head) != NULL) {
            task_list_remove(&state->levels[level], task);
            task_list_append(&state->levels[0], task);
        }
    }
    for (Task *task = state->levels[0].head; task != NULL; task = task->queue_next)
        boost_task(machine, state, task);
    run_queue_set_due(queue, SCHED_CLASS_NORMAL, INSTANT_NEVER);
    if (any || state->levels[0].head != NULL)
        await_boost(machine, queue);
    for (uint32_t i = 0; (fed = feeds(machine, queue, i)) != NULL; i++)
        if (run_queue_current(fed, SCHED_CLASS_NORMAL) != NULL) {
            fed->slice_end = INSTANT_NEVER; // it gets another with its place
            sched_resched(machine, fed->core, SWITCH_PREEMPTED_SLICE);
            machine_refresh(machine, fed->core);
        }
}

// ---- the policy's functions

static void mlfq_enqueue(Machine *machine, RunQueue *queue, Task *task, EnqueueReason reason)
{
    const Mlfq *state = mlfq(queue);
    // A boost reaches those who are blocked, too.
    if (reason == ENQUEUE_NEW || task->job.epoch != boosts_until(machine))
        boost_task(machine, state, task);
    await_boost(machine, queue);
    TaskList *list = level_of(queue, task);
    task->job.ready_ns = reason == ENQUEUE_WAKEUP ? machine->now.ns : -1;
    if (reason != ENQUEUE_WAKEUP || !state->def->io_first) {
        // Newcomers go before those who come back at this instant, which the engine wakes first.
        Task *next = NULL, *last = list->tail;
        bool first = reason == ENQUEUE_NEW && !state->def->io_first;
        while (first && last != NULL && last->job.ready_ns == machine->now.ns) {
            next = last;
            last = last->queue_previous;
        }
        task_list_insert(list, task, next);
        return;
    }
    // The running task of this level, which stands first, is then behind it.
    Task *current = run_queue_current(queue, SCHED_CLASS_NORMAL);
    if (current != NULL && !current->job.listed && current->job.level == task->job.level)
        list_current(queue, current, true);
    task_list_prepend(list, task);
}

static void block(const Mlfq *state, Task *task)
{
    bool slice_over = task->job.left_ns <= 0;
    if (state->def->io_renews)
        renew_allotment(state, task);
    if (slice_over)
        spend_slice(state, task);
}

static bool mlfq_dequeue(Machine *machine, RunQueue *queue, Task *task, DequeueReason reason)
{
    bool running = queue->current == task;
    if (running)
        mlfq_charge(machine, queue);
    if (!running || task->job.listed)
        unlist(queue, task);
    if (running && reason == DEQUEUE_BLOCK)
        block(mlfq(queue), task);
    return true;
}

// The first task that this core may have: one that is listed although it runs is another core's.
static Task *first_of(const Machine *machine, const RunQueue *queue, const TaskList *list)
{
    Task *task = list->head;
    while (task != NULL && ((task->job.listed && task != queue->current) ||
                            !placement_can_take(machine, task, queue->core)))
        task = task->queue_next;
    return task;
}

static TaskId mlfq_pick(Machine *machine, RunQueue *queue)
{
    const Mlfq *state = mlfq(queue);
    Task *current = run_queue_current(queue, SCHED_CLASS_NORMAL);
    Task *first = NULL;
    for (uint32_t level = 0; level < state->def->levels && first == NULL; level++) {
        if (current != NULL && !current->job.listed && level == current->job.level)
            return current->id;
        first = first_of(machine, queue, &state->levels[level]);
    }
    if (first == NULL)
        return (TaskId){0};
    if (first == current) {
        unlist(queue, current);
        queue->rotate = false;
        begin_slice(machine, queue, current);
    }
    return first->id;
}

static void mlfq_put_back(Machine *machine, RunQueue *queue, Task *task)
{
    (void)machine;
    if (!task->job.listed)
        list_current(queue, task, true);
    task->job.listed = false;
}

static void mlfq_take(Machine *machine, RunQueue *queue, Task *task)
{
    unlist(queue, task);
    begin_slice(machine, queue, task);
}

static bool mlfq_preempts(Machine *machine, RunQueue *queue, Task *woken)
{
    (void)machine;
    const Task *current = queue->current;
    return woken->job.level < current->job.level ||
           (woken->job.level == current->job.level && current->job.listed);
}

static int64_t mlfq_rank(const Machine *machine, const Task *task)
{
    (void)machine;
    return task->job.level;
}

// To the tail of its level, with what is left of its slice.
static void mlfq_yield(Machine *machine, RunQueue *queue, Task *task)
{
    mlfq_charge(machine, queue);
    if (task->job.left_ns <= 0)
        spend_slice(mlfq(queue), task);
    if (!task->job.listed)
        list_current(queue, task, false);
}

static void mlfq_slice_used(Machine *machine, RunQueue *queue)
{
    Task *task = queue->current;
    mlfq_charge(machine, queue);
    if (task->job.listed)
        unlist(queue, task);
    spend_slice(mlfq(queue), task);
    list_current(queue, task, false);
}

static uint32_t mlfq_count(const RunQueue *queue)
{
    const Mlfq *state = mlfq(queue);
    uint32_t count = 0;
    for (uint32_t level = 0; level < state->def->levels; level++)
        count += state->levels[level].count;
    const Task *current = run_queue_current(queue, SCHED_CLASS_NORMAL);
    return count - (current != NULL && current->job.listed);
}

static TaskId mlfq_at(const RunQueue *queue, uint32_t index)
{
    const Mlfq *state = mlfq(queue);
    for (uint32_t level = 0; level < state->def->levels; level++)
        for (const Task *task = state->levels[level].head; task != NULL; task = task->queue_next)
            if (task != queue->current && index-- == 0)
                return task->id;
    return (TaskId){0};
}

const SchedPolicy policy_mlfq = {
    .name = "mlfq",
    .sched_class = SCHED_CLASS_NORMAL,
    .preemptive = true,
    .init = mlfq_init,
    .free = mlfq_free,
    .enqueue = mlfq_enqueue,
    .dequeue = mlfq_dequeue,
    .charge = mlfq_charge,
    .pick = mlfq_pick,
    .put_back = mlfq_put_back,
    .take = mlfq_take,
    .preempts = mlfq_preempts,
    .yield = mlfq_yield,
    .slice_used = mlfq_slice_used,
    .due = mlfq_due,
    .rank = mlfq_rank,
    .count = mlfq_count,
    .at = mlfq_at,
};
