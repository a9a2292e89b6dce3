#include "sim/python/executor.h"

#include "sim/base/check.h"
#include "sim/python/asyncio.h"

#include <stdlib.h>

// ---- life

static Executors *executors_of(Machine *machine)
{
    if (machine->executors != NULL)
        return machine->executors;
    Executors *executors = calloc(1, sizeof *executors);
    CHECKF(executors != NULL, "out of memory for %zu bytes", sizeof *executors);
    executors->items.item_bytes = sizeof(WorkItem);
    executors->workers.item_bytes = sizeof(Worker);
    machine->executors = executors;
    return executors;
}

void executors_free(Machine *machine)
{
    Executors *executors = machine->executors;
    if (executors == NULL)
        return;
    for (size_t i = 0; i < executors->all.count; i++)
        free(executors->all.at[i]);
    for (size_t i = 0; i < executors->sets.count; i++)
        free(executors->sets.at[i].items);
    ARRAY_FREE(&executors->all);
    ARRAY_FREE(&executors->sets);
    pool_free(&executors->items);
    pool_free(&executors->workers);
    free(executors);
    machine->executors = NULL;
}

static bool is(const Executor *executor, Pid process, uint32_t def, uint32_t loop)
{
    return executor->def == def && ID_EQUAL(executor->process, process) &&
           (loop == 0 || executor->loop == loop);
}

// 0: there is none.
static uint32_t find_newest(const Machine *machine, Pid process, uint32_t def, uint32_t loop)
{
    const Executors *executors = machine->executors;
    size_t i = executors == NULL ? 0 : executors->all.count;
    while (i > 0 && !is(executors->all.at[i - 1], process, def, loop))
        i--;
    return (uint32_t)i;
}

uint32_t executor_find(const Machine *machine, Pid process, uint32_t def, uint32_t loop)
{
    uint32_t id = find_newest(machine, process, def, loop);
    while (id > 0 && (executor_at(machine, id)->shut_down ||
                      !is(executor_at(machine, id), process, def, loop)))
        id--;
    return id;
}

uint32_t executor_last(const Machine *machine, Pid process, uint32_t def, uint32_t loop)
{
    uint32_t id = find_newest(machine, process, def, loop);
    CHECKF(id != 0, "no executor %u", def);
    return id;
}

uint32_t executor_get(Machine *machine, Pid process, uint32_t def, uint32_t loop)
{
    Executors *executors = executors_of(machine);
    uint32_t id = find_newest(machine, process, def, loop);
    if (id != 0)
        return executor_at(machine, id)->shut_down ? 0 : id;
    Executor *executor = calloc(1, sizeof *executor);
    CHECKF(executor != NULL, "out of memory for %zu bytes", sizeof *executor);
    machine->python_bytes += sizeof *executor;
    *executor = (Executor){.def = def, .process = process, .loop = loop};
    executor->queue.lock_free = true;
    *ARRAY_PUSH(&executors->all) = executor;
    return (uint32_t)executors->all.count;
}

uint32_t executor_refusal(const Machine *machine, Pid process, uint32_t def, uint32_t loop)
{
    uint32_t id = find_newest(machine, process, def, loop);
    bool broken = id != 0 && executor_at(machine, id)->broken;
    return broken ? EXCEPTION_BROKEN : EXCEPTION_ERROR;
}

// ---- items

uint32_t item_create(Machine *machine, uint32_t executor_id, uint32_t function)
{
    uint32_t id = pool_take(machine, &executors_of(machine)->items);
    Executor *executor = executor_at(machine, executor_id);
    *item_at(machine, id) = (WorkItem){
        .references = 1,
        .executor = executor->def,
        .serial = function == 0 ? 0 : ++executor->serial,
        .function = function,
    };
    return id;
}

uint32_t item_hold(Machine *machine, uint32_t id)
{
    item_at(machine, id)->references++;
    return id;
}

void item_drop(Machine *machine, uint32_t id)
{
    WorkItem *item = item_at(machine, id);
    CHECKF(item->references > 0, "item %u", id);
    if (--item->references > 0)
        return;
    if (item->future != 0)
        future_drop(machine, item->future);
    pool_give(&machine->executors->items, id);
}

void item_cancel(Machine *machine, uint32_t id)
{
    WorkItem *item = item_at(machine, id);
    if (item->state == ITEM_PENDING)
        item->state = ITEM_CANCELLED;
}

// ---- the queue

void simple_queue_add(Machine *machine, SimpleQueue *queue, uint32_t item)
{
    item_at(machine, item)->next = 0;
    if (queue->last == 0)
        queue->first = item;
    else
        item_at(machine, queue->last)->next = item;
    queue->last = item;
}

uint32_t simple_queue_take(Machine *machine, SimpleQueue *queue)
{
    uint32_t item = queue->first;
    CHECK(item != 0);
    queue->first = item_at(machine, item)->next;
    if (queue->first == 0)
        queue->last = 0;
    return item;
}

void simple_queue_park(Machine *machine, SimpleQueue *queue, uint32_t worker)
{
    worker_at(machine, worker)->next = 0;
    if (queue->last_parked == 0)
        queue->parked = worker;
    else
        worker_at(machine, queue->last_parked)->next = worker;
    queue->last_parked = worker;
}

uint32_t simple_queue_unpark(Machine *machine, SimpleQueue *queue)
{
    uint32_t worker = queue->parked;
    if (worker == 0)
        return 0;
    queue->parked = worker_at(machine, worker)->next;
    if (queue->parked == 0)
        queue->last_parked = 0;
    return worker;
}

// ---- names of futures

FutureSet *future_set_find(const Machine *machine, const Task *task, uint32_t name)
{
    for (uint32_t at = task->futures; at != 0; at = machine->executors->sets.at[at - 1].next)
        if (machine->executors->sets.at[at - 1].name == name)
            return &machine->executors->sets.at[at - 1];
    return NULL;
}

static void empty_set(Machine *machine, FutureSet *set)
{
    for (; set->count > 0; set->count--)
        item_drop(machine, set->items[set->count - 1]);
}

void future_set_begin(Machine *machine, Task *task, uint32_t name)
{
    Executors *executors = executors_of(machine);
    FutureSet *set = future_set_find(machine, task, name);
    if (set != NULL) {
        empty_set(machine, set);
        return;
    }
    uint32_t id = executors->free_set;
    if (id != 0) {
        executors->free_set = executors->sets.at[id - 1].next;
    } else {
        ARRAY_EXTEND(&executors->sets);
        id = (uint32_t)executors->sets.count;
        machine->python_bytes += sizeof(FutureSet);
    }
    executors->sets.at[id - 1] = (FutureSet){.next = task->futures, .name = name};
    task->futures = id;
}

void future_set_add(Machine *machine, const Task *task, uint32_t name, uint32_t item)
{
    FutureSet *set = future_set_find(machine, task, name);
    if (set->count == set->room) {
        uint32_t room = set->room == 0 ? 8 : set->room * 2;
        uint32_t *items = realloc(set->items, room * sizeof *items);
        CHECKF(items != NULL, "out of memory for %u futures", room);
        pool_grew(machine, (room - set->room) * sizeof *items);
        set->items = items;
        set->room = room;
    }
    set->items[set->count++] = item;
}

void future_sets_forget(Machine *machine, Task *task)
{
    while (task->futures != 0) {
        uint32_t id = task->futures;
        FutureSet *set = &machine->executors->sets.at[id - 1];
        empty_set(machine, set);
        machine->python_bytes -= set->room * sizeof *set->items;
        free(set->items);
        task->futures = set->next;
        *set = (FutureSet){.next = machine->executors->free_set};
        machine->executors->free_set = id;
    }
}
