// Lottery scheduling (Waldspurger and Weihl 1994): each time slice goes to the holder of a ticket
// that is drawn among those of the runnable tasks. A task that blocks or ends gives up the rest of
// its slice, and another ticket is drawn. Newcomers wait for the next draw.
//
// With `draws: python` the winners are those that lottery.py, the program of an exercise in
// Operating Systems: Three Easy Pieces, draws from Python's random numbers: a number up to
// 1,000,000, of which the remainder by the tickets says the winner.
#include "sim/base/mt19937.h"
#include "sim/kernel/placement.h"
#include "sim/kernel/task_list.h"

typedef struct Lottery {
    TaskList waiting; // as they stand in the scenario
    int64_t slice_ns;
    Rng rng;
    Mt19937 *python; // NULL: draws are our own
} Lottery;

static Lottery *lottery(const RunQueue *queue)
{
    return queue->state[SCHED_CLASS_NORMAL];
}

static void lottery_init(Machine *machine, RunQueue *queue, Arena *arena)
{
    const MachineDef *def = &machine->scenario->machine;
    Lottery *state = ARENA_NEW(arena, Lottery);
    state->slice_ns = def->slice_ns;
    // A stream for each queue, and none that a task has (their streams are hashes of names).
    state->rng = rng_make(machine->scenario->seed, UINT64_MAX - 1 - (uint64_t)queue->core);
    if (def->python_draws) {
        state->python = ARENA_NEW(arena, Mt19937);
        mt19937_seed_drawn(state->python, def->python_seed, def->python_drawn);
    }
    queue->state[SCHED_CLASS_NORMAL] = state;
}

static void lottery_free(RunQueue *queue)
{
    (void)queue;
}

static void insert(RunQueue *queue, Task *task)
{
    TaskList *list = &lottery(queue)->waiting;
    Task *next = NULL, *last = list->tail;
    while (last != NULL && task_precedes(task, last)) {
        next = last;
        last = last->queue_previous;
    }
    task_list_insert(list, task, next);
}

static void lottery_enqueue(Machine *machine, RunQueue *queue, Task *task, EnqueueReason reason)
{
    (void)machine;
    (void)reason;
    insert(queue, task);
}

static bool lottery_dequeue(Machine *machine, RunQueue *queue, Task *task, DequeueReason reason)
{
    (void)machine;
    (void)reason;
    if (queue->current != task)
        task_list_remove(&lottery(queue)->waiting, task);
    return true;
}

static bool lottery_charge(Machine *machine, RunQueue *queue)
{
    (void)machine;
    (void)queue;
    return false;
}

static uint64_t tickets_of(const Machine *machine, const Task *task)
{
    return machine->scenario->threads[task->scheduled_as.index1 - 1].tickets;
}

// The tasks that take part in a draw, as they stand in the scenario: the queued ones that may run
// on this core, and current.
static const Task *next_player(const Machine *machine, const RunQueue *queue, const Task *current,
                               const Task *after)
{
    const Task *queued = lottery(queue)->waiting.head;
    bool current_next = current != NULL && (after == NULL || task_precedes(after, current));
    if (after != NULL && after != current)
        queued = after->queue_next;
    while (queued != NULL && ((after != NULL && task_precedes(queued, after)) ||
                              !placement_can_take(machine, queued, queue->core)))
        queued = queued->queue_next;
    if (queued == NULL || (current_next && task_precedes(current, queued)))
        return current_next ? current : NULL;
    return queued;
}

static const Task *draw(Machine *machine, RunQueue *queue, const Task *current)
{
    Lottery *state = lottery(queue);
    uint64_t all = 0;
    for (const Task *task = NULL; (task = next_player(machine, queue, current, task)) != NULL;)
        all += tickets_of(machine, task);
    if (all == 0)
        return NULL;
    uint64_t winner = state->python != NULL ? mt19937_scaled(state->python, 1000001, 0) % all
                                            : rng_below(&state->rng, all);
    uint64_t sum = 0;
    const Task *task = NULL;
    do {
        task = next_player(machine, queue, current, task);
        sum += tickets_of(machine, task);
    } while (sum <= winner);
    return task;
}

static void begin_slice(Machine *machine, RunQueue *queue)
{
    queue->slice_end = instant_add(machine->now, (Duration){lottery(queue)->slice_ns});
}

static TaskId lottery_pick(Machine *machine, RunQueue *queue)
{
    const Task *current = run_queue_current(queue, SCHED_CLASS_NORMAL);
    if (current != NULL && !queue->rotate)
        return current->id;
    const Task *winner = draw(machine, queue, current);
    if (winner == NULL)
        return (TaskId){0};
    if (winner == current) {
        queue->rotate = false;
        begin_slice(machine, queue);
    }
    return winner->id;
}

static void lottery_put_back(Machine *machine, RunQueue *queue, Task *task)
{
    (void)machine;
    insert(queue, task);
}

static void lottery_take(Machine *machine, RunQueue *queue, Task *task)
{
    task_list_remove(&lottery(queue)->waiting, task);
    begin_slice(machine, queue);
}

static bool lottery_preempts(Machine *machine, RunQueue *queue, Task *woken)
{
    (void)machine;
    (void)queue;
    (void)woken;
    return false;
}

static void lottery_yield(Machine *machine, RunQueue *queue, Task *task)
{
    (void)machine;
    (void)task;
    queue->rotate = true;
}

static void lottery_slice_used(Machine *machine, RunQueue *queue)
{
    (void)machine;
    queue->rotate = true;
}

static uint32_t lottery_count(const RunQueue *queue)
{
    return lottery(queue)->waiting.count;
}

static TaskId lottery_at(const RunQueue *queue, uint32_t index)
{
    return task_list_at(&lottery(queue)->waiting, index)->id;
}

const SchedPolicy policy_lottery = {
    .name = "lottery",
    .sched_class = SCHED_CLASS_NORMAL,
    .init = lottery_init,
    .free = lottery_free,
    .enqueue = lottery_enqueue,
    .dequeue = lottery_dequeue,
    .charge = lottery_charge,
    .pick = lottery_pick,
    .put_back = lottery_put_back,
    .take = lottery_take,
    .preempts = lottery_preempts,
    .yield = lottery_yield,
    .slice_used = lottery_slice_used,
    .count = lottery_count,
    .at = lottery_at,
};
