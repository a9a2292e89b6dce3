// Round robin on several cores as in the multiprocessor exercise of Operating Systems: Three Easy
// Pieces (its program multi.py). Slices end at multiples of the slice, on all cores at once; who
// used one up goes to the tail of its list, and the cores that are free then choose in their order,
// each the first task that it may run. There is one list for all cores (`queue: global`) or one for
// each (`queue: core`).
//
// With a list for each core a new task joins the one that has been given the fewest; one that wakes
// up joins that of the core where it is woken. Every `peek` each core whose list is empty, even if
// it runs a task, looks at the list of one other core, drawn at random, and takes its first task.
// Tasks with an `affinity` are not taken away.
//
// With `shuffle` free cores choose in a random order. With `draws: python` the random numbers are
// those of the program, which draws an order every unit of its time.
//
// What happens at one instant happens in this order, which is multi.py's: ends of work, ends of
// slices, peeking, choosing. A task whose slice is over has its place in a list at once, although
// it is still current (it is `listed`); another core may choose it before it has left its own, and
// then has to wait for that, which takes no time on a machine without costs.
#include "sim/base/mt19937.h"
#include "sim/kernel/placement.h"
#include "sim/kernel/runnable.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/task_list.h"

enum { PAUSE_MOST = 1000000 };

// One for all cores.
typedef struct Multi {
    const MachineDef *def;
    TaskList *lists; // by core; with one for all, the first
    Task **chosen;   // by core: whom it will take at this instant, on no list any more
    uint32_t *given; // by core: how many new tasks its list has been given
    int *order;      // cores, in the order in which they choose
    int64_t orders;  // drawn so far: at most one a unit
    Rng rng;
    Mt19937 *python; // NULL: draws are our own
} Multi;

static Multi *multi(const RunQueue *queue)
{
    return queue->state[SCHED_CLASS_NORMAL];
}

static void multi_init(Machine *machine, RunQueue *queue, Arena *arena)
{
    Multi *state = ARENA_NEW(arena, Multi);
    const MachineDef *def = state->def = &machine->scenario->machine;
    state->lists = ARENA_ARRAY(arena, TaskList, machine->core_count);
    state->chosen = ARENA_ARRAY(arena, Task *, machine->core_count);
    state->given = ARENA_ARRAY(arena, uint32_t, machine->core_count);
    state->order = ARENA_ARRAY(arena, int, machine->core_count);
    // A stream that no task and no other policy has.
    state->rng = rng_make(machine->scenario->seed, UINT64_MAX - 1);
    if (def->python_draws) {
        state->python = ARENA_NEW(arena, Mt19937);
        mt19937_seed_drawn(state->python, def->python_seed, def->python_drawn);
    }
    queue->state[SCHED_CLASS_NORMAL] = state;
}

static void multi_free(RunQueue *queue)
{
    (void)queue;
}

// ---- places

static TaskList *list_of(Multi *state, int core)
{
    return &state->lists[state->def->global_queue ? 0 : core];
}

static void append(Multi *state, Task *task, int core)
{
    task->job.home = (int16_t)core;
    task_list_append(list_of(state, core), task);
}

// Takes the task from its list, or from the core that has chosen it.
static void unlist(Multi *state, Task *task)
{
    if (task->job.chosen_by1 != 0)
        state->chosen[task->job.chosen_by1 - 1] = NULL;
    else
        task_list_remove(list_of(state, task->job.home), task);
    task->job.chosen_by1 = 0;
    task->job.listed = false;
}

// Current goes to the tail, and its core is to choose.
static void give_up(RunQueue *queue, Task *current)
{
    if (!current->job.listed)
        append(multi(queue), current, queue->core);
    current->job.listed = true;
    queue->rotate = true;
}

static void begin_slice(Machine *machine, RunQueue *queue)
{
    int64_t slice_ns = multi(queue)->def->slice_ns;
    queue->slice_end = (Instant){(machine->now.ns / slice_ns + 1) * slice_ns};
}

// An idle core looks about it.
static void call(Machine *machine, int core)
{
    if (!core_is_idle(machine, core))
        return;
    runnable_set_idle(machine, core, false);
    sched_resched(machine, core, SWITCH_PREEMPTED_SLICE);
}

// ---- random numbers

static uint32_t draw_below(Multi *state, uint32_t bound)
{
    return state->python != NULL ? mt19937_below(state->python, bound)
                                 : (uint32_t)rng_below(&state->rng, bound);
}

// random.shuffle of 0, 1, 2, …
static void draw_order(const Machine *machine, Multi *state)
{
    for (uint32_t i = 0; i < machine->core_count; i++)
        state->order[i] = (int)i;
    for (uint32_t i = machine->core_count - 1; i > 0; i--) {
        uint32_t other = draw_below(state, i + 1);
        int core = state->order[i];
        state->order[i] = state->order[other];
        state->order[other] = core;
    }
    state->orders++;
}

static int64_t unit_now(const Machine *machine, const Multi *state)
{
    return machine->now.ns / state->def->unit_ns;
}

// Those of the program's orders that it has drawn by the beginning of `unit`. Our own are drawn
// when they are needed. The program draws while it has nothing to run, too; of a pause of more than
// a million units we leave out the rest, lest a late arrival keep us drawing.
static void draw_orders_before(const Machine *machine, Multi *state, int64_t unit)
{
    if (state->orders < unit - PAUSE_MOST)
        state->orders = unit - PAUSE_MOST;
    while (state->python != NULL && state->def->shuffled && state->orders < unit)
        draw_order(machine, state);
}

// ---- choosing

static void choose(const Machine *machine, Multi *state, int core)
{
    TaskList *list = list_of(state, core);
    Task *task = list->head;
    while (task != NULL && !placement_allows(machine, task, core))
        task = task->queue_next;
    if (task == NULL)
        return;
    task_list_remove(list, task);
    task->job.chosen_by1 = (uint16_t)(core + 1);
    state->chosen[core] = task;
}

// A core that has got something urgent to run gives back whom it has chosen.
static void give_back(const Machine *machine, Multi *state)
{
    for (int core = 0; machine->urgent_classes && core < (int)machine->core_count; core++) {
        const Task *current = machine->run_queues[core].current;
        Task *task = state->chosen[core];
        if (task == NULL || current == NULL || current->sched_class == SCHED_CLASS_NORMAL)
            continue;
        state->chosen[core] = NULL;
        task->job.chosen_by1 = 0;
        task_list_prepend(list_of(state, task->job.home), task);
    }
}

static bool is_free(const Machine *machine, int core)
{
    const Task *current = machine->run_queues[core].current;
    return current == NULL || (current->sched_class == SCHED_CLASS_NORMAL && current->job.listed);
}

// All free cores choose, in a random order.
static void choose_in_random_order(Machine *machine, Multi *state)
{
    if (state->python != NULL)
        draw_orders_before(machine, state, unit_now(machine, state) + 1);
    else
        draw_order(machine, state);
    for (uint32_t i = 0; i < machine->core_count; i++) {
        int core = state->order[i];
        if (state->chosen[core] == NULL && is_free(machine, core))
            choose(machine, state, core);
        if (state->chosen[core] != NULL)
            call(machine, core);
    }
}

static TaskId multi_pick(Machine *machine, RunQueue *queue)
{
    Multi *state = multi(queue);
    Task *current = run_queue_current(queue, SCHED_CLASS_NORMAL);
    if (current != NULL && !current->job.listed)
        return current->id;
    give_back(machine, state);
    if (state->chosen[queue->core] == NULL) {
        if (state->def->shuffled && state->def->global_queue)
            choose_in_random_order(machine, state);
        else
            choose(machine, state, queue->core);
    }
    Task *chosen = state->chosen[queue->core];
    if (chosen == NULL || !placement_can_take(machine, chosen, queue->core))
        return (TaskId){0};
    if (chosen == current) {
        unlist(state, current);
        queue->rotate = false;
        begin_slice(machine, queue);
    }
    return chosen->id;
}

// ---- peeking

static void await_peek(Machine *machine)
{
    RunQueue *keeper = &machine->run_queues[0];
    int64_t peek_ns = machine->scenario->machine.peek_ns;
    if (peek_ns == 0 || machine->single || machine->scenario->machine.global_queue ||
        keeper->due[SCHED_CLASS_NORMAL].ns != INSTANT_NEVER.ns)
        return;
    Instant next = {(machine->now.ns / peek_ns + 1) * peek_ns};
    run_queue_set_due(keeper, SCHED_CLASS_NORMAL, next);
    machine_refresh(machine, keeper->core);
}

static void steal(Machine *machine, Multi *state, int core)
{
    int other = (int)draw_below(state, machine->core_count - 1);
    other += other >= core;
    Task *task = state->lists[other].head;
    while (task != NULL && task->affinity != 0)
        task = task->queue_next;
    if (task == NULL)
        return;
    task_list_remove(&state->lists[other], task);
    append(state, task, core);
    if (!task->job.listed) // else it moves when it has left its core
        runnable_change_core(machine, task, core, MIGRATION_PEEK);
    call(machine, core);
}

static void multi_due(Machine *machine, RunQueue *queue)
{
    Multi *state = multi(queue);
    run_queue_set_due(queue, SCHED_CLASS_NORMAL, INSTANT_NEVER);
    draw_orders_before(machine, state, unit_now(machine, state));
    bool any = false;
    for (int core = 0; core < (int)machine->core_count; core++) {
        any = any || state->lists[core].head != NULL ||
              run_queue_current(&machine->run_queues[core], SCHED_CLASS_NORMAL) != NULL;
        if (state->lists[core].head == NULL)
            steal(machine, state, core);
    }
    if (any)
        await_peek(machine);
}

// ---- the policy's functions

static int multi_place_new(const Machine *machine, const Task *task)
{
    const uint32_t *given = multi(&machine->run_queues[0])->given;
    int best = CORE_NONE;
    if (machine->scenario->machine.global_queue)
        return best; // where a core is idle
    for (int core = 0; core < (int)machine->core_count; core++)
        if (placement_allows(machine, task, core) &&
            (best == CORE_NONE || given[core] < given[best]))
            best = core;
    return best;
}

static void multi_enqueue(Machine *machine, RunQueue *queue, Task *task, EnqueueReason reason)
{
    if (reason == ENQUEUE_NEW)
        multi(queue)->given[queue->core]++;
    append(multi(queue), task, queue->core);
    await_peek(machine);
}

static bool multi_dequeue(Machine *machine, RunQueue *queue, Task *task, DequeueReason reason)
{
    (void)reason;
    int chosen_by = task->job.chosen_by1 - 1;
    if (queue->current != task || task->job.listed)
        unlist(multi(queue), task);
    if (chosen_by >= 0)
        call(machine, chosen_by); // it may have another
    return true;
}

static bool multi_charge(Machine *machine, RunQueue *queue)
{
    (void)machine;
    (void)queue;
    return false;
}

static void multi_put_back(Machine *machine, RunQueue *queue, Task *task)
{
    if (!task->job.listed)
        append(multi(queue), task, queue->core);
    task->job.listed = false;
    give_back(machine, multi(queue));
    if (task->job.chosen_by1 != 0)
        call(machine, task->job.chosen_by1 - 1);
}

static void multi_take(Machine *machine, RunQueue *queue, Task *task)
{
    unlist(multi(queue), task);
    begin_slice(machine, queue);
}

static bool multi_preempts(Machine *machine, RunQueue *queue, Task *woken)
{
    (void)machine;
    (void)queue;
    (void)woken;
    return false;
}

static void multi_yield(Machine *machine, RunQueue *queue, Task *task)
{
    (void)machine;
    give_up(queue, task);
}

static void multi_slice_used(Machine *machine, RunQueue *queue)
{
    give_up(queue, queue->current);
    // In one list its place may come before that of this core: an idle one may have it.
    for (int core = 0; multi(queue)->def->global_queue && machine->idle_count > 0 &&
                       core < (int)machine->core_count;
         core++)
        call(machine, core);
}

static uint32_t multi_count(const RunQueue *queue)
{
    const TaskList *list = list_of(multi(queue), queue->core);
    const Task *current = run_queue_current(queue, SCHED_CLASS_NORMAL);
    bool on_it = current != NULL && current->job.listed && current->job.chosen_by1 == 0 &&
                 list_of(multi(queue), current->job.home) == list;
    return list->count - on_it;
}

static TaskId multi_at(const RunQueue *queue, uint32_t index)
{
    const Task *task = list_of(multi(queue), queue->core)->head;
    for (; task != NULL; task = task->queue_next)
        if (task != queue->current && index-- == 0)
            return task->id;
    return (TaskId){0};
}

const SchedPolicy policy_multi = {
    .name = "multi",
    .sched_class = SCHED_CLASS_NORMAL,
    .one_state = true,
    .init = multi_init,
    .free = multi_free,
    .place_new = multi_place_new,
    .enqueue = multi_enqueue,
    .dequeue = multi_dequeue,
    .charge = multi_charge,
    .pick = multi_pick,
    .put_back = multi_put_back,
    .take = multi_take,
    .preempts = multi_preempts,
    .yield = multi_yield,
    .slice_used = multi_slice_used,
    .due = multi_due,
    .count = multi_count,
    .at = multi_at,
};
