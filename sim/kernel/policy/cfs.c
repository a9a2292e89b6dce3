// CFS, Linux's fair scheduler before 6.6 (kernel/sched/fair.c as of 5.2), on a flat queue without
// groups. The task with the least vruntime runs, for a part of a latency target that is its share
// by weight; virtual time runs at 1024 / weight of real time. The end of the part is noticed at
// timer ticks only. A task that has slept begins a little behind the others, but not far.
//
// A new task begins as if it had just had its part (START_DEBIT), which is the smaller the more
// there are: of those that arrive at one instant the last one runs first.
//
// The queue's entities are kept by EntityQueue, whose deadline is the vruntime here.
#include "sim/kernel/entity_queue.h"
#include "sim/kernel/machine.h"

enum {
    LATENCY_NS = 6000000, // this and the next two times 1 + floor(log2(cores)), of at most 8 cores
    LEAST_NS = 750000,    // min_granularity: no part is shorter
    WAKEUP_NS = 1000000,  // wakeup_granularity: lead that a waking task must have to preempt
    SHARED_BY_MOST = 8,   // tasks that the latency is divided among; with more, it grows
    NICE_0_WEIGHT = 1024
};

typedef struct Cfs {
    EntityQueue tree; // current is outside
    int64_t factor;
    int64_t least_vruntime; // never goes back
    TaskId next;            // buddies: who preempted last, if it has not run since,
    TaskId last;            // and who was preempted
    TaskId skip;            // who yielded
} Cfs;

static Cfs *cfs(const RunQueue *queue)
{
    return queue->state[SCHED_CLASS_NORMAL];
}

static Task *current_of(const RunQueue *queue)
{
    return run_queue_current(queue, SCHED_CLASS_NORMAL);
}

static int64_t virtual_ns(int64_t ns, const FairEntity *entity)
{
    return entity->weight == NICE_0_WEIGHT ? ns : ns * NICE_0_WEIGHT / entity->weight;
}

static uint32_t entity_count(const RunQueue *queue)
{
    return entity_queue_count(&cfs(queue)->tree) + (current_of(queue) != NULL);
}

static Task *leftmost(const Machine *machine, const RunQueue *queue)
{
    const Entity *best = entity_queue_best(&cfs(queue)->tree, INT64_MAX);
    return best == NULL ? NULL : task_at(machine, best->task);
}

static void insert(RunQueue *queue, Task *task)
{
    task->fair.deadline = task->fair.vruntime;
    entity_queue_insert(&cfs(queue)->tree, task);
}

static void remove_entity(RunQueue *queue, Task *task)
{
    entity_queue_remove(&cfs(queue)->tree, task);
}

// sched_slice: the part of `task` among `count` tasks of `weight` together.
static int64_t part_ns(const RunQueue *queue, const Task *task, uint32_t count, uint64_t weight)
{
    int64_t factor = cfs(queue)->factor;
    int64_t period = count > SHARED_BY_MOST ? count * LEAST_NS * factor : LATENCY_NS * factor;
    return (int64_t)((uint64_t)period * task->fair.weight / weight);
}

static uint64_t weight_of_all(const RunQueue *queue)
{
    const Task *current = current_of(queue);
    return cfs(queue)->tree.weight + (current != NULL ? current->fair.weight : 0);
}

// ---- the policy's functions

static void cfs_init(Machine *machine, RunQueue *queue, Arena *arena)
{
    Cfs *state = ARENA_NEW(arena, Cfs);
    uint32_t cores = machine->core_count < 8 ? machine->core_count : 8;
    state->factor = 1 + 31 - __builtin_clz(cores);
    state->tree.positions = &machine->positions;
    queue->state[SCHED_CLASS_NORMAL] = state;
}

static void cfs_free(RunQueue *queue)
{
    entity_queue_free(&cfs(queue)->tree);
}

// update_min_vruntime: `current` may be NULL.
static void advance_least(const Machine *machine, RunQueue *queue, const Task *current)
{
    const Task *left = leftmost(machine, queue);
    if (left == NULL || (current != NULL && current->fair.vruntime < left->fair.vruntime))
        left = current;
    if (left != NULL && left->fair.vruntime > cfs(queue)->least_vruntime)
        cfs(queue)->least_vruntime = left->fair.vruntime;
}

// update_curr.
static bool cfs_charge(Machine *machine, RunQueue *queue)
{
    Task *current = current_of(queue);
    if (current != NULL) {
        int64_t ran = machine->now.ns - queue->exec_start.ns;
        queue->exec_start = machine->now;
        current->fair.vruntime += virtual_ns(ran, &current->fair);
    }
    advance_least(machine, queue, current);
    return false;
}

static void forget_buddy(RunQueue *queue, const Task *task)
{
    Cfs *state = cfs(queue);
    if (ID_EQUAL(state->next, task->id))
        state->next = (TaskId){0};
    if (ID_EQUAL(state->last, task->id))
        state->last = (TaskId){0};
    if (ID_EQUAL(state->skip, task->id))
        state->skip = (TaskId){0};
}

static void cfs_enqueue(Machine *machine, RunQueue *queue, Task *task, EnqueueReason reason)
{
    Cfs *state = cfs(queue);
    FairEntity *entity = &task->fair;
    if (current_of(queue) != NULL)
        cfs_charge(machine, queue);
    if (reason == ENQUEUE_NEW) {
        uint64_t weight = weight_of_all(queue) + entity->weight;
        int64_t part = part_ns(queue, task, entity_count(queue) + 1, weight);
        entity->vruntime = state->least_vruntime + virtual_ns(part, entity);
    } else {
        // While it was away, its vruntime was relative to where it left (`lag`): that queue's
        // least.
        entity->vruntime = entity->lag + (reason == ENQUEUE_MOVED ? state->least_vruntime : 0);
    }
    if (reason == ENQUEUE_WAKEUP) {
        const RunQueue *home = &machine->run_queues[entity->home];
        if (home != queue)
            entity->vruntime += state->least_vruntime - cfs(home)->least_vruntime;
        int64_t from = state->least_vruntime - LATENCY_NS * state->factor / 2;
        if (entity->vruntime < from)
            entity->vruntime = from;
    }
    insert(queue, task);
}

static bool cfs_dequeue(Machine *machine, RunQueue *queue, Task *task, DequeueReason reason)
{
    cfs_charge(machine, queue);
    forget_buddy(queue, task);
    if (queue->current != task)
        remove_entity(queue, task);
    task->fair.home = (int16_t)queue->core;
    task->fair.lag = task->fair.vruntime;
    if (reason == DEQUEUE_MOVED)
        task->fair.lag -= cfs(queue)->least_vruntime;
    // The one that leaves may have held it back.
    advance_least(machine, queue, queue->current == task ? NULL : current_of(queue));
    return true;
}

// wakeup_preempt_entity: how clearly `other` should run rather than `task`: 1 when it is behind by
// more than the granularity, 0 when by less, -1 when not at all.
static int clearly_behind(const RunQueue *queue, const Task *task, const Task *other)
{
    int64_t lead = task->fair.vruntime - other->fair.vruntime;
    if (lead <= 0)
        return -1;
    return lead > virtual_ns(WAKEUP_NS * cfs(queue)->factor, &other->fair);
}

// check_preempt_tick: has current had its part, or is it far ahead of the others?
static bool cfs_tick(Machine *machine, RunQueue *queue)
{
    cfs_charge(machine, queue);
    const Task *current = current_of(queue), *left = leftmost(machine, queue);
    if (current == NULL || left == NULL)
        return false;
    int64_t part = part_ns(queue, current, entity_count(queue), weight_of_all(queue));
    int64_t ran = machine->now.ns - current->fair.taken_ns;
    if (ran > part) {
        forget_buddy(queue, current);
        return true;
    }
    return ran >= LEAST_NS * cfs(queue)->factor &&
           current->fair.vruntime - left->fair.vruntime > part;
}

// The queued one with the least vruntime but for `first`, or current when that is less.
static Task *second_to(const Machine *machine, RunQueue *queue, Task *first, Task *current)
{
    if (first == current)
        return leftmost(machine, queue);
    remove_entity(queue, first);
    Task *second = leftmost(machine, queue);
    insert(queue, first);
    return second == NULL || (current != NULL && current->fair.vruntime < second->fair.vruntime)
               ? current
               : second;
}

// pick_next_entity.
static TaskId cfs_pick(Machine *machine, RunQueue *queue)
{
    Cfs *state = cfs(queue);
    Task *current = current_of(queue), *left = leftmost(machine, queue);
    if (left == NULL || (current != NULL && current->fair.vruntime < left->fair.vruntime))
        left = current;
    if (left == NULL)
        return (TaskId){0};
    Task *chosen = left;
    if (ID_EQUAL(state->skip, left->id)) {
        Task *second = second_to(machine, queue, left, current);
        if (second != NULL && clearly_behind(queue, second, left) < 1)
            chosen = second;
    }
    if (state->last.index1 != 0 && clearly_behind(queue, task_at(machine, state->last), left) < 1)
        chosen = task_at(machine, state->last);
    if (state->next.index1 != 0 && clearly_behind(queue, task_at(machine, state->next), left) < 1)
        chosen = task_at(machine, state->next);
    state->skip = (TaskId){0};
    forget_buddy(queue, chosen);
    return chosen->id;
}

static void cfs_put_back(Machine *machine, RunQueue *queue, Task *task)
{
    (void)machine;
    insert(queue, task);
}

static void cfs_take(Machine *machine, RunQueue *queue, Task *task)
{
    remove_entity(queue, task);
    task->fair.taken_ns = machine->now.ns;
}

// check_preempt_wakeup.
static bool cfs_preempts(Machine *machine, RunQueue *queue, Task *woken)
{
    Cfs *state = cfs(queue);
    const Task *current = queue->current;
    ThreadPolicy how = thread_policy(machine, woken), against = thread_policy(machine, current);
    if (against == POLICY_IDLE && how != POLICY_IDLE)
        return true;
    if (how != POLICY_NORMAL)
        return false;
    cfs_charge(machine, queue);
    if (clearly_behind(queue, current, woken) < 1)
        return false;
    state->next = woken->id;
    if (entity_count(queue) >= SHARED_BY_MOST)
        state->last = current->id;
    return true;
}

static void cfs_yield(Machine *machine, RunQueue *queue, Task *task)
{
    if (entity_count(queue) == 1)
        return;
    cfs_charge(machine, queue);
    forget_buddy(queue, task);
    cfs(queue)->skip = task->id;
}

static uint32_t cfs_count(const RunQueue *queue)
{
    return entity_queue_count(&cfs(queue)->tree);
}

static TaskId cfs_at(const RunQueue *queue, uint32_t index)
{
    return entity_queue_item(&cfs(queue)->tree, index)->task;
}

const SchedPolicy policy_cfs = {
    .name = "cfs",
    .sched_class = SCHED_CLASS_NORMAL,
    .uses_tick = true,
    .preemptive = true,
    .init = cfs_init,
    .free = cfs_free,
    .enqueue = cfs_enqueue,
    .dequeue = cfs_dequeue,
    .charge = cfs_charge,
    .tick = cfs_tick,
    .pick = cfs_pick,
    .put_back = cfs_put_back,
    .take = cfs_take,
    .preempts = cfs_preempts,
    .yield = cfs_yield,
    .count = cfs_count,
    .at = cfs_at,
};
