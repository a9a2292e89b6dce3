// The event loop's lists: what is ready, and timers. CPython Lib/asyncio/base_events.py, _run_once.
#include "sim/python/object_memory.h"
#include "sim/python/objects.h"
#include "sim/python/stream.h"
#include "sim/python/uv_loop.h"
#include "sim/python/uvloop.h"

#include "sim/base/check.h"
#include "sim/kernel/eventfd.h"

#include <stdlib.h>

enum {
    TIMERS_LEAST = 100, // with more, and half of them cancelled, the heap is built anew
    READY_ROOM_LEAST = 64
};

#define POLL_NS_MOST        (INT64_C(86400) * 1000000000) // MAXIMUM_SELECT_TIMEOUT
#define CLOCK_RESOLUTION_NS 1                             // time.get_clock_info("monotonic")
#define SLOW_CALLBACK_NS    100000000                     // slow_callback_duration

// ---- life

static void *take_memory(Machine *machine, size_t count, size_t bytes)
{
    void *memory = calloc(count + 1, bytes);
    CHECKF(memory != NULL, "out of memory for %zu items", count);
    machine->python_bytes += (count + 1) * bytes;
    return memory;
}

static Asyncio *asyncio_of(Machine *machine)
{
    if (machine->asyncio != NULL)
        return machine->asyncio;
    Asyncio *asyncio = take_memory(machine, 0, sizeof *asyncio);
    asyncio->futures.item_bytes = sizeof(Future);
    asyncio->callbacks.item_bytes = sizeof(DoneCallback);
    asyncio->links.item_bytes = sizeof(Link);
    asyncio->gathers.item_bytes = sizeof(Gather);
    asyncio->waits.item_bytes = sizeof(Wait);
    asyncio->completed.item_bytes = sizeof(Completed);
    asyncio->timers.item_bytes = sizeof(Timer);
    asyncio->coroutines.item_bytes = sizeof(Coroutine);
    asyncio->scopes.item_bytes = sizeof(TimeoutScope);
    asyncio->groups.item_bytes = sizeof(Group);
    asyncio->members.item_bytes = sizeof(Member);
    machine->asyncio = asyncio;
    return asyncio;
}

static void make_objects(Machine *machine, Loop *loop)
{
    const Scenario *scenario = machine->scenario;
    bool any = false;
    for (uint32_t i = 0; i < scenario->sync_count; i++)
        any = any || scenario->syncs[i].asyncio;
    if (!any)
        return;
    loop->objects = take_memory(machine, scenario->sync_count, sizeof *loop->objects);
    for (uint32_t i = 0; i < scenario->sync_count; i++)
        if (scenario->syncs[i].kind == SYNC_SEMAPHORE)
            loop->objects[i].value = scenario->syncs[i].parameter;
}

uint32_t loop_open_bare(Machine *machine, Task *thread)
{
    Asyncio *asyncio = asyncio_of(machine);
    const Scenario *scenario = machine->scenario;
    Loop *loop = take_memory(machine, 0, sizeof *loop);
    *ARRAY_PUSH(&asyncio->loops) = loop;
    *ARRAY_PUSH(&asyncio->threads) = thread->id;
    loop->id = (uint32_t)asyncio->loops.count;
    loop->thread = thread->id;
    loop->stream = thread->rng.stream;
    uint32_t process = scenario->threads[thread->def.index1 - 1].process.index1;
    loop->runtime = &scenario->processes[process - 1].runtime;
    loop->instances = take_memory(machine, scenario->function_count, sizeof *loop->instances);
    loop->names = take_memory(machine, scenario->task_name_count, sizeof *loop->names);
    return loop->id;
}

uint32_t loop_open(Machine *machine, Task *thread, bool libuv)
{
    uint32_t id = loop_open_bare(machine, thread);
    loop_at(machine, id)->libuv = libuv;
    make_objects(machine, loop_at(machine, id));
    selector_open(machine, loop_at(machine, id));
    return id;
}

// What it has been counted with; its streams count for themselves.
static uint64_t bytes_of(const Machine *machine, const Loop *loop)
{
    const Scenario *scenario = machine->scenario;
    uint64_t bytes = sizeof *loop + loop->room * sizeof *loop->ready +
                     (scenario->function_count + (uint64_t)1) * sizeof *loop->instances +
                     (scenario->task_name_count + (uint64_t)1) * sizeof *loop->names +
                     loop->selector.room * sizeof *loop->selector.events +
                     loop->timers.entries.capacity * sizeof(TimerQueueEntry) +
                     loop->uvloop.timers.heap.capacity * sizeof(UvTimer);
    for (uint32_t i = 0; i < scenario->task_name_count; i++)
        bytes += loop->names[i].room * sizeof *loop->names[i].futures;
    if (loop->objects != NULL)
        bytes += (scenario->sync_count + (uint64_t)1) * sizeof *loop->objects;
    return bytes + (loop->uv != NULL ? loop->uv->bytes : 0);
}

static void free_memory(Machine *machine, Loop *loop)
{
    uint64_t bytes = bytes_of(machine, loop);
    CHECK(bytes <= machine->python_bytes);
    machine->python_bytes -= bytes;
    for (uint32_t i = 0; loop->objects != NULL && i < machine->scenario->sync_count; i++) {
        machine->queued_items -= loop->objects[i].items.count;
        free(loop->objects[i].items.items);
    }
    free(loop->objects);
    uv_free(loop->uv);
    for (uint32_t i = 0; i < machine->scenario->task_name_count; i++)
        free(loop->names[i].futures);
    free(loop->names);
    free(loop->instances);
    free(loop->ready);
    free(loop->selector.events);
    streams_free(machine, loop);
    timer_queue_free(&loop->timers);
    uv_timers_free(&loop->uvloop.timers);
    free(loop);
}

void uv_close(Machine *machine, uint32_t id)
{
    Loop *loop = loop_at(machine, id);
    if (loop->uv->pool != 0) {
        UvPool *pool = uv_pool_at(machine, loop->uv->pool);
        pool->loop = 0;
        eventfd_close(machine, pool->eventfd);
        epoll_shut(machine, loop->selector.epoll);
    }
    free_memory(machine, loop_at(machine, id));
    machine->asyncio->loops.at[id - 1] = NULL;
}

void loop_close(Machine *machine, uint32_t id)
{
    Asyncio *asyncio = machine->asyncio;
    Loop *loop = loop_at(machine, id);
    selector_close(machine, loop);
    for (; loop->count > 0; loop->count--) {
        loop->current = loop->ready[loop->head];
        loop->head = (loop->head + 1) & (loop->room - 1);
        loop_done_with_current(machine, loop);
    }
    while (loop->timers.entries.count > 0)
        loop_drop_timer(machine, timer_queue_pop(&loop->timers).timer);
    uvloop_free(machine, loop);
    for (uint32_t i = 1; i <= machine->scenario->task_name_count; i++)
        loop_drop_named(machine, loop, i);
    future_drop(machine, loop->main);
    for (uint32_t i = 0; loop->objects != NULL && i < machine->scenario->sync_count; i++) {
        waiters_free(machine, &loop->objects[i].waiters);
        waiters_free(machine, &loop->objects[i].others);
        waiters_free(machine, &loop->objects[i].joiners);
    }
    free_memory(machine, asyncio->loops.at[id - 1]);
    asyncio->loops.at[id - 1] = NULL;
}

void asyncio_free(Machine *machine)
{
    Asyncio *asyncio = machine->asyncio;
    if (asyncio == NULL)
        return;
    for (size_t i = 0; i < asyncio->loops.count; i++)
        if (asyncio->loops.at[i] != NULL)
            free_memory(machine, asyncio->loops.at[i]);
    ARRAY_FREE(&asyncio->loops);
    for (size_t i = 0; i < asyncio->uv_pools.count; i++)
        uv_pool_free(asyncio->uv_pools.at[i]);
    ARRAY_FREE(&asyncio->uv_pools);
    ARRAY_FREE(&asyncio->threads);
    pool_free(&asyncio->futures);
    pool_free(&asyncio->callbacks);
    pool_free(&asyncio->links);
    pool_free(&asyncio->gathers);
    pool_free(&asyncio->waits);
    pool_free(&asyncio->completed);
    pool_free(&asyncio->timers);
    pool_free(&asyncio->coroutines);
    pool_free(&asyncio->scopes);
    pool_free(&asyncio->groups);
    pool_free(&asyncio->members);
    free(asyncio);
    machine->asyncio = NULL;
}

static void emit(Machine *machine, const Loop *loop, EventKind kind, uint64_t a, uint64_t b)
{
    machine_emit(machine, kind, task_at(machine, loop->thread)->core, loop->thread, a, b);
}

Duration loop_cost(const Machine *machine, const Loop *loop, CostId cost)
{
    static const CostId uvloop[COST_COUNT] = {
        [COST_LOOP_TURN] = COST_UVLOOP_TURN,
        [COST_LOOP_CALLBACK] = COST_UVLOOP_CALLBACK,
        [COST_CALL_SOON] = COST_UVLOOP_CALL_SOON,
        [COST_CALL_LATER] = COST_UVLOOP_CALL_LATER,
    };
    bool cheaper = loop->libuv && uvloop[cost] != (CostId)0;
    return machine_cost(machine, cheaper ? uvloop[cost] : cost);
}

void loop_owe(Machine *machine, Loop *loop, CostId cost)
{
    loop->owed_ns += loop_cost(machine, loop, cost).ns;
}

// ---- ready

// The coroutine that a callback resumes, or would: of a future that only one waits for, that one.
static uint64_t subject(const Machine *machine, Callback callback, uint32_t argument)
{
    if (callback.kind == CALLBACK_TIMEOUT) {
        const TimeoutScope *scope = pool_at(&machine->asyncio->scopes, callback.target);
        return coroutine_argument(machine, scope->coroutine);
    }
    if (callback.kind == CALLBACK_CALL)
        return coroutine_pack(0, callback.target);
    uint32_t future = callback.kind == CALLBACK_STEP ? callback.target : argument;
    if (callback.kind == CALLBACK_SET_RESULT ||
        (callback.kind == CALLBACK_RELEASE && argument == 0)) {
        uint32_t first = future_at(machine, callback.target)->first;
        const DoneCallback *done = first == 0 ? NULL : pool_at(&machine->asyncio->callbacks, first);
        future = done != NULL && done->callback.kind == CALLBACK_STEP ? done->callback.target : 0;
    }
    if (future == 0 || future_at(machine, future)->kind != FUTURE_TASK)
        return 0;
    return coroutine_argument(machine, future_at(machine, future)->data);
}

static void grow_ready(Machine *machine, Loop *loop)
{
    uint32_t room = loop->room == 0 ? READY_ROOM_LEAST : loop->room * 2;
    Ready *ready = malloc(room * sizeof *ready);
    CHECKF(ready != NULL, "out of memory for %u callbacks", room);
    for (uint32_t i = 0; i < loop->count; i++)
        ready[i] = loop->ready[(loop->head + i) & (loop->room - 1)];
    free(loop->ready);
    pool_grew(machine, (room - loop->room) * sizeof *ready);
    loop->ready = ready;
    loop->room = room;
    loop->head = 0;
}

static void add_ready(Machine *machine, Loop *loop, Ready ready)
{
    if (loop->count == loop->room)
        grow_ready(machine, loop);
    if (ready.timer == 0) // else the timer is its handle
        object_made(machine, loop->id, PYTHON_OBJECT_HANDLE);
    if (!machine->trace->off)
        ready.subject = subject(machine, ready.callback, ready.argument);
    loop->ready[(loop->head + loop->count++) & (loop->room - 1)] = ready;
    emit(machine, loop, EVENT_CALLBACK_READY, ready.callback.kind, ready.subject);
}

void loop_add_callback(Machine *machine, Loop *loop, Callback callback)
{
    add_ready(machine, loop, (Ready){.callback = callback});
}

void loop_call_soon_threadsafe(Machine *machine, Loop *loop, Callback callback, uint32_t argument)
{
    if (argument != 0)
        future_hold(machine, argument);
    add_ready(machine, loop, (Ready){.callback = callback, .argument = argument});
}

void loop_call_soon(Machine *machine, Loop *loop, Callback callback, uint32_t argument)
{
    if (argument != 0)
        future_hold(machine, argument);
    add_ready(machine, loop, (Ready){.callback = callback, .argument = argument});
    loop->uvloop.idle = true;
    loop_owe(machine, loop, COST_CALL_SOON);
}

bool loop_next(Machine *machine, Loop *loop, bool *again)
{
    *again = false;
    if (loop->snapshot == 0)
        return false;
    loop->snapshot--;
    loop->current = loop->ready[loop->head];
    loop->head = (loop->head + 1) & (loop->room - 1);
    loop->count--;
    uint32_t timer = loop->current.timer;
    if (timer != 0 && timer_at(machine, timer)->cancelled) {
        *again = true;
        loop_done_with_current(machine, loop);
        return false;
    }
    emit(machine, loop, EVENT_CALLBACK_RUN, loop->current.callback.kind, loop->current.subject);
    return true;
}

void loop_call_current(Machine *machine, Loop *loop)
{
    Ready *current = &loop->current;
    if (current->timer == 0)
        object_made(machine, loop->id, PYTHON_OBJECT_HANDLE);
    if (!machine->trace->off)
        current->subject = subject(machine, current->callback, current->argument);
    emit(machine, loop, EVENT_LOOP_CALLS, current->callback.kind, current->subject);
}

void loop_time_callback(const Machine *machine, Loop *loop)
{
    loop->timing = loop->debug;
    loop->timed = loop->current.subject;
    loop->timed_from = machine->now;
}

void loop_time_over(Machine *machine, Loop *loop)
{
    int64_t took_ns = machine->now.ns - loop->timed_from.ns;
    if (loop->timing && took_ns >= SLOW_CALLBACK_NS)
        emit(machine, loop, EVENT_SLOW_CALLBACK, loop->timed, (uint64_t)took_ns);
    loop->timing = false;
}

void loop_done_with_current(Machine *machine, Loop *loop)
{
    Ready *current = &loop->current;
    if (current->argument != 0)
        future_drop(machine, current->argument);
    if (current->timer != 0) // it holds the callback's future
        loop_drop_timer(machine, current->timer);
    else if (callback_holds(current->callback))
        future_drop(machine, current->callback.target);
    if (current->timer == 0)
        object_gone(machine, loop->id, PYTHON_OBJECT_HANDLE);
    *current = (Ready){0};
}

// ---- timers

uint32_t loop_make_timer(Machine *machine, const Loop *loop, Callback callback)
{
    uint32_t id = pool_take(machine, &machine->asyncio->timers);
    *timer_at(machine, id) = (Timer){.references = 2, .loop = loop->id, .callback = callback};
    object_made(machine, loop->id, PYTHON_OBJECT_TIMER);
    if (callback_holds(callback))
        future_hold(machine, callback.target);
    return id;
}

uint32_t loop_call_soon_timer(Machine *machine, Loop *loop, Callback callback)
{
    uint32_t id = loop_make_timer(machine, loop, callback);
    add_ready(machine, loop, (Ready){.callback = callback, .timer = id});
    loop->uvloop.idle = true;
    loop_owe(machine, loop, COST_CALL_SOON);
    return id;
}

uint32_t loop_call_later(Machine *machine, Loop *loop, Duration after, Callback callback)
{
    if (loop->libuv)
        return uvloop_call_later(machine, loop, after, callback);
    return loop_call_at(machine, loop, instant_add(machine->now, after), callback);
}

uint32_t loop_call_at(Machine *machine, Loop *loop, Instant when, Callback callback)
{
    if (loop->libuv) { // loop.time() has whole milliseconds, too
        int64_t time_ns = machine->now.ns - machine->now.ns % 1000000;
        return uvloop_call_later(machine, loop, (Duration){when.ns - time_ns}, callback);
    }
    int64_t after_ns = when.ns > machine->now.ns ? when.ns - machine->now.ns : 0;
    uint32_t id = loop_make_timer(machine, loop, callback);
    timer_at(machine, id)->scheduled = true;
    size_t room = loop->timers.entries.capacity;
    timer_queue_push(&loop->timers, (TimerQueueEntry){when.ns, id});
    room = loop->timers.entries.capacity - room;
    pool_grew(machine, room * sizeof(TimerQueueEntry));
    emit(machine, loop, EVENT_LOOP_TIMER_SET, id, (uint64_t)after_ns);
    loop_owe(machine, loop, COST_CALL_LATER);
    return id;
}

void loop_drop_timer(Machine *machine, uint32_t id)
{
    Timer *timer = timer_at(machine, id);
    CHECKF(timer->references > 0, "timer %u", id);
    if (--timer->references > 0)
        return;
    if (callback_holds(timer->callback))
        future_drop(machine, timer->callback.target);
    object_gone(machine, timer->loop, PYTHON_OBJECT_TIMER);
    pool_give(&machine->asyncio->timers, id);
}

void loop_drop_named(Machine *machine, Loop *loop, uint32_t name)
{
    struct TaskName *names = &loop->names[name - 1];
    for (; names->count > 0; names->count--) {
        uint32_t id = names->futures[names->count - 1];
        if (machine->scenario->task_names[name - 1].handle)
            loop_drop_timer(machine, id);
        else
            future_drop(machine, id);
    }
}

void loop_stop_timer(Machine *machine, Loop *loop, uint32_t id)
{
    Timer *timer = timer_at(machine, id);
    if (timer->cancelled)
        return;
    loop->timers_cancelled += timer->scheduled;
    loop->uvloop.closing += timer->scheduled;
    if (timer->scheduled)
        emit(machine, loop, EVENT_LOOP_TIMER_CANCELLED, id, 0);
    timer->cancelled = true;
}

void loop_cancel_timer(Machine *machine, Loop *loop, uint32_t id)
{
    loop_stop_timer(machine, loop, id);
    loop_drop_timer(machine, id);
}

// Leaves the heap.
static void unschedule(Machine *machine, uint32_t id)
{
    timer_at(machine, id)->scheduled = false;
    loop_drop_timer(machine, id);
}

static void rebuild(Machine *machine, Loop *loop)
{
    TimerQueue *timers = &loop->timers;
    size_t kept = 0;
    for (size_t i = 0; i < timers->entries.count; i++) {
        TimerQueueEntry entry = timers->entries.at[i];
        if (timer_at(machine, entry.timer)->cancelled)
            unschedule(machine, entry.timer);
        else
            timers->entries.at[kept++] = entry;
    }
    timers->entries.count = kept;
    timer_queue_heapify(timers);
    loop->timers_cancelled = 0;
}

void loop_begin_turn(Machine *machine, Loop *loop)
{
    TimerQueue *timers = &loop->timers;
    if (loop->libuv) {
        emit(machine, loop, EVENT_LOOP_TURN, loop->count, uvloop_timers(loop));
        return;
    }
    if (timers->entries.count > TIMERS_LEAST &&
        (uint64_t)loop->timers_cancelled * 2 > timers->entries.count) {
        rebuild(machine, loop);
    } else {
        while (timers->entries.count > 0 &&
               timer_at(machine, timers->entries.at[0].timer)->cancelled) {
            loop->timers_cancelled--;
            unschedule(machine, timer_queue_pop(timers).timer);
        }
    }
    emit(machine, loop, EVENT_LOOP_TURN, loop->count, timers->entries.count);
}

int64_t loop_poll_ms(const Machine *machine, const Loop *loop)
{
    if (loop->count > 0 || loop->stopping)
        return 0;
    if (loop->timers.entries.count == 0)
        return -1;
    int64_t ns = loop->timers.entries.at[0].when_ns - machine->now.ns;
    ns = ns < 0 ? 0 : ns > POLL_NS_MOST ? POLL_NS_MOST : ns;
    return (ns + 999999) / 1000000; // EpollSelector.select rounds up
}

void loop_end_poll(Machine *machine, Loop *loop)
{
    TimerQueue *timers = &loop->timers;
    int64_t end_ns = machine->now.ns + CLOCK_RESOLUTION_NS;
    while (timers->entries.count > 0 && timers->entries.at[0].when_ns < end_ns) {
        uint32_t id = timer_queue_pop(timers).timer;
        Timer *timer = timer_at(machine, id);
        timer->scheduled = false;
        loop->timers_cancelled -= timer->cancelled;
        emit(machine, loop, EVENT_LOOP_TIMER_FIRED, id, 0);
        add_ready(machine, loop, (Ready){.callback = timer->callback, .timer = id});
    }
    loop->snapshot = loop->count;
    emit(machine, loop, EVENT_LOOP_SNAPSHOT, loop->snapshot, 0);
}
