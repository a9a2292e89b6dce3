// Tasks and their coroutines: CPython Lib/asyncio/tasks.py, Task. A coroutine's place in its
// program is kept here while it waits; while it runs, it is the thread's own (see steps_asyncio.c).
#include "sim/python/object_memory.h"

#include "sim/base/check.h"

#include <stdlib.h>

uint64_t coroutine_argument(const Machine *machine, uint32_t id)
{
    if (id == 0)
        return 0;
    const Coroutine *coroutine = coroutine_at(machine, id);
    return coroutine_pack(coroutine->serial, coroutine->function);
}

static void emit(Machine *machine, const Loop *loop, EventKind kind, uint64_t a, uint64_t b)
{
    machine_emit(machine, kind, task_at(machine, loop->thread)->core, loop->thread, a, b);
}

// FNV-1a (Fowler, Noll, Vo).
static uint64_t hash_text(uint64_t hash, const char *text)
{
    do
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    while (*text++ != '\0');
    return hash;
}

// A stream for each coroutine of a function: more tasks of another function leave it alone.
static Rng coroutine_rng(const Machine *machine, Loop *loop, uint32_t function)
{
    const Scenario *scenario = machine->scenario;
    const char *name = scenario_string(scenario, scenario->functions[function - 1].name);
    uint64_t hash = hash_text(loop->stream, name);
    return rng_make(scenario->seed, hash + loop->instances[function - 1]);
}

uint32_t coroutine_create(Machine *machine, Loop *loop, uint32_t function, uint32_t creator)
{
    uint32_t id = pool_take(machine, &machine->asyncio->coroutines);
    uint32_t future = future_create(machine, loop->id, FUTURE_TASK);
    Coroutine *coroutine = coroutine_at(machine, id);
    loop->instances[function - 1]++;
    *coroutine = (Coroutine){.serial = ++machine->asyncio->coroutine_serial,
                             .function = function,
                             .future = future_hold(machine, future),
                             .alive = true,
                             .op = machine->scenario->functions[function - 1].entry,
                             .rng = coroutine_rng(machine, loop, function)};
    future_at(machine, future)->data = id;
    loop->tasks_alive++;
    object_made(machine, loop->id, PYTHON_OBJECT_COROUTINE);
    emit(machine, loop, EVENT_COROUTINE_CREATED, coroutine_argument(machine, id),
         coroutine_argument(machine, creator));
    if (loop->eager)
        return future;
    future_hold(machine, future);
    loop_call_soon(machine, loop, (Callback){CALLBACK_STEP, future}, 0);
    return future;
}

enum { CANCEL_DEPTH_MOST = 1000 }; // sys.getrecursionlimit()

bool coroutine_cancel(Machine *machine, uint32_t id, uint64_t by)
{
    Coroutine *coroutine = coroutine_at(machine, id);
    if (machine->asyncio->cancel_depth >= CANCEL_DEPTH_MOST) {
        machine_fail(machine, machine->scenario->op_at[coroutine->op],
                     "tasks that wait for one another, %d deep, cannot be cancelled: Python's "
                     "recursion limit; does one wait for itself?",
                     CANCEL_DEPTH_MOST);
        return true;
    }
    machine->asyncio->cancel_depth++;
    Loop *loop = loop_at(machine, future_at(machine, coroutine->future)->loop);
    emit(machine, loop, EVENT_COROUTINE_CANCEL, coroutine_argument(machine, id), by);
    coroutine->cancel_requests++;
    if (coroutine->waits_for == 0 || !future_cancel(machine, coroutine->waits_for, by))
        coroutine->must_cancel = true;
    machine->asyncio->cancel_depth--;
    return true;
}

uint16_t coroutine_uncancel(Machine *machine, const Loop *loop, uint32_t id)
{
    Coroutine *coroutine = coroutine_at(machine, id);
    if (coroutine->cancel_requests > 0)
        coroutine->cancel_requests--;
    if (coroutine->cancel_requests == 0 && loop->runtime->minor >= 13)
        coroutine->must_cancel = false;
    return coroutine->cancel_requests;
}

void coroutine_end(Machine *machine, uint32_t id, uint32_t exception)
{
    Coroutine *coroutine = coroutine_at(machine, id);
    uint32_t future = coroutine->future;
    Loop *loop = loop_at(machine, future_at(machine, future)->loop);
    if (exception == EXCEPTION_NONE && coroutine->must_cancel)
        exception = EXCEPTION_CANCELLED;
    emit(machine, loop, EVENT_COROUTINE_DONE, coroutine_argument(machine, id), exception);
    if (exception == EXCEPTION_CANCELLED)
        future_set_cancelled(machine, future);
    else
        future_set_exception(machine, future, exception);
    future_at(machine, future)->data = 0;
    coroutine->alive = false;
    pool_give(&machine->asyncio->coroutines, id);
    loop->tasks_alive--;
    object_gone(machine, loop->id, PYTHON_OBJECT_COROUTINE);
    future_drop(machine, future);
}

void coroutine_save(const Task *task, Coroutine *coroutine)
{
    coroutine->phase = task->phase;
    coroutine->op = task->op;
    coroutine->frame = task->frame;
    coroutine->depth = task->depth;
    coroutine->copies = task->copies;
    coroutine->scratch = task->scratch;
    coroutine->rng = task->rng;
}

void coroutine_load(Task *task, const Coroutine *coroutine)
{
    task->phase = coroutine->phase;
    task->op = coroutine->op;
    task->frame = coroutine->frame;
    task->depth = coroutine->depth;
    task->copies = coroutine->copies;
    task->scratch = coroutine->scratch;
    task->rng = coroutine->rng;
}

// ---- all of a loop

typedef struct Alive {
    uint32_t serial, future;
} Alive;

static int by_serial(const void *left, const void *right)
{
    const Alive *a = left, *b = right;
    return a->serial < b->serial ? -1 : a->serial > b->serial;
}

uint32_t coroutine_cancel_all(Machine *machine, Loop *loop)
{
    const Pool *pool = &machine->asyncio->coroutines;
    if (loop->tasks_alive == 0)
        return 0;
    Alive *alive = malloc(loop->tasks_alive * sizeof *alive);
    CHECKF(alive != NULL, "out of memory for %u tasks", loop->tasks_alive);
    uint32_t count = 0, first = 0, last = 0;
    for (uint32_t id = 1; id <= pool->used; id++) {
        const Coroutine *coroutine = coroutine_at(machine, id);
        if (coroutine->alive && future_at(machine, coroutine->future)->loop == loop->id)
            alive[count++] = (Alive){coroutine->serial, coroutine->future};
    }
    qsort(alive, count, sizeof *alive, by_serial);
    for (uint32_t i = 0; i < count; i++) {
        links_add(machine, &first, &last, future_hold(machine, alive[i].future));
        future_cancel(machine, alive[i].future, 0);
    }
    free(alive);
    return gather_create(machine, loop->id, first, true);
}
