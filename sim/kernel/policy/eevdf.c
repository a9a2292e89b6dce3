// EEVDF, Linux's fair scheduler since 6.6, as of 6.12 to 6.18 (kernel/sched/fair.c), on a flat
// queue without groups. Virtual time runs at 1024 / weight of real time. V is the weighted average
// of all vruntimes on the queue; a task is eligible while its vruntime is not ahead of V; the
// eligible task with the earliest deadline runs. A slice's end is noticed only when the running
// task is charged: at ticks, and when another task joins or leaves.
//
// Linux also has a buddy hint (PICK_BUDDY); we do not, because in a flat queue nothing sets it.
#include "sim/base/check.h"
#include "sim/kernel/entity_queue.h"
#include "sim/kernel/machine.h"

enum {
    BASE_SLICE_NS = 700000, // times 1 + floor(log2(cores)), of at most 8 cores
    NICE_0_WEIGHT = 1024
};

typedef struct Eevdf {
    EntityQueue tree; // current is outside
    int64_t last_average;
    int64_t base_slice_ns;
} Eevdf;

static Eevdf *eevdf(const RunQueue *queue)
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

static int64_t floor_divide(Int128 a, uint64_t b)
{
    // The 64-bit division is several times faster, and enough unless vruntimes are in the hours.
    if (a >= 0 && a <= INT64_MAX)
        return (int64_t)((uint64_t)a / b);
    Int128 quotient = a / (Int128)b;
    return (int64_t)(quotient - (a % (Int128)b != 0 && a < 0));
}

// V over the tree and the running task; rounded down. On an empty queue, what it last was.
static int64_t average(const RunQueue *queue)
{
    Eevdf *state = eevdf(queue);
    uint64_t weight = state->tree.weight;
    Int128 weighted = state->tree.weighted;
    const Task *current = current_of(queue);
    if (current != NULL) {
        weight += current->fair.weight;
        weighted += (Int128)current->fair.vruntime * current->fair.weight;
    }
    if (weight != 0)
        state->last_average = floor_divide(weighted, weight);
    return state->last_average;
}

static uint32_t entity_count(const RunQueue *queue)
{
    return entity_queue_count(&eevdf(queue)->tree) + (current_of(queue) != NULL);
}

static int64_t least_queued_slice(const Machine *machine, const RunQueue *queue)
{
    const Eevdf *state = eevdf(queue);
    const EntityQueue *tree = &state->tree;
    uint32_t count = entity_queue_count(tree);
    int64_t least = count > tree->custom_slices ? state->base_slice_ns : INT64_MAX;
    for (uint32_t i = 0; tree->custom_slices > 0 && i < count; i++) {
        const FairEntity *entity = &task_at(machine, entity_queue_item(tree, i)->task)->fair;
        if (entity->slice_ns < least)
            least = entity->slice_ns;
    }
    return least;
}

static int64_t clamp(int64_t x, int64_t limit)
{
    return x < -limit ? -limit : x > limit ? limit : x;
}

// The lag that `entity`, still on the queue, would leave with.
static int64_t lag_of(const Machine *machine, const RunQueue *queue, const FairEntity *entity)
{
    int64_t tick = machine->scenario->machine.tick_ns;
    int64_t limit = 2 * entity->slice_ns > tick ? 2 * entity->slice_ns : tick;
    return clamp(average(queue) - entity->vruntime, virtual_ns(limit, entity));
}

// place_entity: gives an entity that joins the queue its vruntime and deadline.
static void place(const RunQueue *queue, FairEntity *entity, bool new_task)
{
    const Eevdf *state = eevdf(queue);
    int64_t lag = 0;
    if (!entity->custom_slice)
        entity->slice_ns = state->base_slice_ns;
    uint64_t others =
        state->tree.weight + (current_of(queue) != NULL ? current_of(queue)->fair.weight : 0);
    if (others != 0 && entity->lag != 0) {
        // Joining moves V; inflated, the lag after joining is the lag that was kept.
        lag = (int64_t)((Int128)entity->lag * (Int128)(others + entity->weight) / (Int128)others);
    }
    entity->vruntime = average(queue) - lag;
    if (entity->relative_deadline) {
        entity->deadline += entity->vruntime;
        entity->relative_deadline = false;
        return;
    }
    int64_t slice = virtual_ns(entity->slice_ns, entity);
    entity->deadline = entity->vruntime + (new_task ? slice / 2 : slice);
}

// ---- the policy's functions

static void eevdf_init(Machine *machine, RunQueue *queue, Arena *arena)
{
    Eevdf *state = ARENA_NEW(arena, Eevdf);
    uint32_t cores = machine->core_count < 8 ? machine->core_count : 8;
    int log2 = 31 - __builtin_clz(cores);
    int64_t configured = machine->scenario->machine.slice_ns;
    state->base_slice_ns = configured > 0 ? configured : BASE_SLICE_NS * (1 + log2);
    state->tree.positions = &machine->positions;
    queue->state[SCHED_CLASS_NORMAL] = state;
}

static void eevdf_free(RunQueue *queue)
{
    entity_queue_free(&eevdf(queue)->tree);
}

// update_curr: charges the running task; true when it asks for a decision.
static bool eevdf_charge(Machine *machine, RunQueue *queue)
{
    Task *task = current_of(queue);
    int64_t ran = task == NULL ? 0 : machine->now.ns - queue->exec_start.ns;
    if (ran <= 0)
        return false;
    FairEntity *entity = &task->fair;
    queue->exec_start = machine->now;
    entity->vruntime += virtual_ns(ran, entity);
    bool expired = entity->vruntime >= entity->deadline;
    if (expired)
        entity->deadline = entity->vruntime + virtual_ns(entity->slice_ns, entity);
    if (entity_count(queue) == 1)
        return false;
    // Also when another task joins or leaves: the request is then seen by sched.c.
    if (expired || entity->vruntime >= entity->protect_until)
        queue->asked = true;
    return queue->asked;
}

static void eevdf_enqueue(Machine *machine, RunQueue *queue, Task *task, EnqueueReason reason)
{
    eevdf_charge(machine, queue);
    place(queue, &task->fair, reason == ENQUEUE_NEW);
    entity_queue_insert(&eevdf(queue)->tree, task);
}

static bool eevdf_dequeue(Machine *machine, RunQueue *queue, Task *task, DequeueReason reason)
{
    FairEntity *entity = &task->fair;
    eevdf_charge(machine, queue);
    bool running = queue->current == task;
    if (reason == DEQUEUE_BLOCK) {
        CHECK(running);
        if (entity->vruntime > average(queue)) {
            // Delayed dequeue: it ran ahead of its share, so it stays and competes until its lag
            // is used up. It is not current any more, and must be in the tree to be found.
            entity->delayed = true;
            entity_queue_insert(&eevdf(queue)->tree, task);
            return false;
        }
    }
    entity->lag = lag_of(machine, queue, entity);
    if (reason == DEQUEUE_MOVED) {
        entity->deadline -= entity->vruntime;
        entity->relative_deadline = true;
    }
    entity->delayed = false;
    if (!running)
        entity_queue_remove(&eevdf(queue)->tree, task);
    return true;
}

// Begins to load a task that is about to run: on a large machine it comes from main memory.
static void prefetch(const Task *task)
{
    for (size_t offset = 0; offset < sizeof *task; offset += 64)
        __builtin_prefetch((const char *)task + offset, 1);
}

// The choice among the tree and, unless protected, current; delayed tasks included.
static Task *choose(const Machine *machine, RunQueue *queue, bool protect)
{
    Eevdf *state = eevdf(queue);
    Task *current = current_of(queue);
    if (entity_count(queue) == 1)
        return current != NULL ? current
                               : task_at(machine, entity_queue_item(&state->tree, 0)->task);
    int64_t limit = average(queue);
    if (current != NULL && current->fair.vruntime > limit)
        current = NULL;
    if (current != NULL && protect && current->fair.vruntime < current->fair.protect_until)
        return current;
    const Entity *best = entity_queue_best(&state->tree, limit);
    if (best != NULL)
        prefetch(task_at(machine, best->task));
    if (best == NULL || (current != NULL && current->fair.deadline < best->deadline))
        return current;
    return task_at(machine, best->task);
}

static TaskId eevdf_pick(Machine *machine, RunQueue *queue)
{
    while (entity_count(queue) > 0) {
        Task *task = choose(machine, queue, true);
        CHECK(task != NULL);
        if (!task->fair.delayed)
            return task->id;
        // Its lag is used up: it leaves for good (DELAY_ZERO: with no credit).
        FairEntity *entity = &task->fair;
        int64_t lag = lag_of(machine, queue, entity);
        entity->lag = lag < 0 ? lag : 0;
        entity->delayed = false;
        entity_queue_remove(&eevdf(queue)->tree, task);
    }
    return (TaskId){0};
}

static void eevdf_put_back(Machine *machine, RunQueue *queue, Task *task)
{
    (void)machine;
    entity_queue_insert(&eevdf(queue)->tree, task);
}

static void eevdf_take(Machine *machine, RunQueue *queue, Task *task)
{
    FairEntity *entity = &task->fair;
    entity_queue_remove(&eevdf(queue)->tree, task);
    // RUN_TO_PARITY: until here in virtual time, only a shorter slice may preempt it.
    int64_t least = least_queued_slice(machine, queue);
    entity->protect_until = entity->deadline;
    if (least < entity->slice_ns) {
        int64_t until = entity->vruntime + virtual_ns(least, entity);
        if (until < entity->protect_until)
            entity->protect_until = until;
    }
}

static void eevdf_undelay(Machine *machine, RunQueue *queue, Task *task)
{
    FairEntity *entity = &task->fair;
    eevdf_charge(machine, queue);
    entity->lag = lag_of(machine, queue, entity);
    entity->delayed = false;
    if (entity->lag > 0) {
        entity_queue_remove(&eevdf(queue)->tree, task);
        entity->lag = 0;
        place(queue, entity, false);
        entity_queue_insert(&eevdf(queue)->tree, task);
    }
}

static bool eevdf_preempts(Machine *machine, RunQueue *queue, Task *woken)
{
    FairEntity *current = &queue->current->fair;
    ThreadPolicy how = thread_policy(machine, woken);
    if (thread_policy(machine, queue->current) == POLICY_IDLE && how != POLICY_IDLE) {
        current->protect_until = current->vruntime;
        return true;
    }
    if (how == POLICY_BATCH || how == POLICY_IDLE)
        return false;
    eevdf_charge(machine, queue);
    bool shorter = woken->fair.slice_ns < current->slice_ns;
    if (choose(machine, queue, !shorter) == woken) {
        if (shorter && current->vruntime < current->protect_until)
            current->protect_until = current->vruntime;
        return true;
    }
    if (shorter) {
        int64_t until = current->vruntime + virtual_ns(least_queued_slice(machine, queue), current);
        if (until < current->protect_until)
            current->protect_until = until;
    }
    return false;
}

static void eevdf_yield(Machine *machine, RunQueue *queue, Task *task)
{
    FairEntity *entity = &task->fair;
    eevdf_charge(machine, queue);
    if (entity_count(queue) == 1 || entity->vruntime > average(queue))
        return;
    entity->vruntime = entity->deadline;
    entity->deadline += virtual_ns(entity->slice_ns, entity);
}

static uint32_t eevdf_count(const RunQueue *queue)
{
    return entity_queue_count(&eevdf(queue)->tree);
}

static TaskId eevdf_at(const RunQueue *queue, uint32_t index)
{
    return entity_queue_item(&eevdf(queue)->tree, index)->task;
}

const SchedPolicy policy_eevdf = {
    .name = "eevdf",
    .sched_class = SCHED_CLASS_NORMAL,
    .uses_tick = true,
    .preemptive = true,
    .init = eevdf_init,
    .free = eevdf_free,
    .enqueue = eevdf_enqueue,
    .dequeue = eevdf_dequeue,
    .charge = eevdf_charge,
    .pick = eevdf_pick,
    .put_back = eevdf_put_back,
    .take = eevdf_take,
    .undelay = eevdf_undelay,
    .preempts = eevdf_preempts,
    .yield = eevdf_yield,
    .count = eevdf_count,
    .at = eevdf_at,
};
