#include "sim/python/node_timers.h"

#include "sim/base/check.h"

#include <string.h>

#define MS_NS          1000000
#define TIMEOUT_MAX_MS INT32_MAX // TIMEOUT_MAX

static NodeTimer *timer_at(const NodeTimers *timers, uint32_t id)
{
    return &timers->timers.at[id - 1];
}

static NodeTimerList *list_at(const NodeTimers *timers, uint32_t id)
{
    return &timers->lists.at[id - 1];
}

void node_timers_look(const Machine *machine, NodeTimers *timers)
{
    timers->now_ms = machine->now.ns / MS_NS;
}

// ---- lists

// Where in by_ms the first list is that is no shorter.
static size_t place_of(const NodeTimers *timers, int64_t ms)
{
    size_t low = 0, high = timers->by_ms.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list_at(timers, timers->by_ms.at[middle])->ms < ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// The list of this duration; 0: there is none.
static uint32_t find_list(const NodeTimers *timers, int64_t ms)
{
    size_t place = place_of(timers, ms);
    uint32_t id = place < timers->by_ms.count ? timers->by_ms.at[place] : 0;
    return id != 0 && list_at(timers, id)->ms == ms ? id : 0;
}

static void queue_list(NodeTimers *timers, uint32_t id)
{
    NodeTimerList *list = list_at(timers, id);
    list->sequence = timers->queue.sequence;
    uv_timers_add(&timers->queue, list->due_ms, id);
}

static uint32_t new_list(NodeTimers *timers, int64_t ms, size_t place)
{
    uint32_t id = timers->free_list;
    if (id != 0) {
        timers->free_list = list_at(timers, id)->next;
    } else {
        ARRAY_EXTEND(&timers->lists);
        id = (uint32_t)timers->lists.count;
    }
    *list_at(timers, id) = (NodeTimerList){.ms = ms};
    ARRAY_EXTEND(&timers->by_ms);
    uint32_t *at = &timers->by_ms.at[place];
    memmove(at + 1, at, (timers->by_ms.count - 1 - place) * sizeof *at);
    *at = id;
    return id;
}

static void give_list(NodeTimers *timers, uint32_t id)
{
    NodeTimerList *list = list_at(timers, id);
    if (list->is_running)
        return; // when that is over
    list->next = timers->free_list;
    timers->free_list = id;
}

// It leaves the map, and the queue, where it is not while its timers are called.
static void drop_list(NodeTimers *timers, uint32_t id)
{
    NodeTimerList *list = list_at(timers, id);
    size_t place = place_of(timers, list->ms);
    uint32_t *at = &timers->by_ms.at[place];
    CHECK(*at == id);
    memmove(at, at + 1, (--timers->by_ms.count - place) * sizeof *at);
    list->dead = true;
    if (!list->is_running)
        uv_timers_remove(&timers->queue, list->sequence);
    give_list(timers, id);
}

static void append(NodeTimers *timers, uint32_t list_id, uint32_t id)
{
    NodeTimerList *list = list_at(timers, list_id);
    NodeTimer *timer = timer_at(timers, id);
    timer->list = list_id;
    timer->next = 0;
    timer->previous = list->last;
    if (list->last != 0)
        timer_at(timers, list->last)->next = id;
    else
        list->first = id;
    list->last = id;
}

static void leave(NodeTimers *timers, uint32_t id)
{
    NodeTimer *timer = timer_at(timers, id);
    NodeTimerList *list = list_at(timers, timer->list);
    *(timer->previous != 0 ? &timer_at(timers, timer->previous)->next : &list->first) = timer->next;
    *(timer->next != 0 ? &timer_at(timers, timer->next)->previous : &list->last) = timer->previous;
    timer->list = 0;
}

// ---- setting and clearing

// insert().
static void insert(NodeTimers *timers, uint32_t id, int64_t start_ms)
{
    int64_t ms = timer_at(timers, id)->ms;
    timer_at(timers, id)->start_ms = start_ms;
    uint32_t list = find_list(timers, ms);
    if (list == 0) {
        list = new_list(timers, ms, place_of(timers, ms));
        list_at(timers, list)->due_ms = start_ms + ms;
        queue_list(timers, list);
        if (timers->next_ms > start_ms + ms) {
            timers->due_ms = timers->now_ms + ms;
            timers->next_ms = start_ms + ms;
        }
    }
    append(timers, list, id);
}

uint32_t node_timers_set(const Machine *machine, NodeTimers *timers, Duration after, bool repeats,
                         uint32_t function)
{
    uint32_t id = timers->free_timer;
    if (id != 0) {
        timers->free_timer = timer_at(timers, id)->next;
    } else {
        ARRAY_EXTEND(&timers->timers);
        id = (uint32_t)timers->timers.count;
    }
    int64_t ms = after.ns / MS_NS;
    if (ms < 1 || ms > TIMEOUT_MAX_MS)
        ms = 1;
    *timer_at(timers, id) = (NodeTimer){.function = function, .repeats = repeats, .ms = ms};
    timers->alive++;
    node_timers_look(machine, timers);
    insert(timers, id, timers->now_ms);
    return id;
}

static void end_timer(NodeTimers *timers, uint32_t id)
{
    NodeTimer *timer = timer_at(timers, id);
    timers->alive--;
    timer->function = 0;
    timer->next = timers->free_timer;
    timers->free_timer = id;
}

// clearTimeout: unenroll(). The timer that is being called has left its list, which ends with it
// all the same.
void node_timers_clear(NodeTimers *timers, uint32_t id)
{
    NodeTimer *timer = timer_at(timers, id);
    uint32_t list = timer->list != 0 ? timer->list : find_list(timers, timer->ms);
    if (timer->list != 0)
        leave(timers, id);
    if (list != 0 && list_at(timers, list)->first == 0)
        drop_list(timers, list);
    if (id == timers->called)
        timer->cleared = true; // it is over when it returns
    else
        end_timer(timers, id);
}

// ---- processTimers

bool node_timers_begin(const Machine *machine, NodeTimers *timers)
{
    node_timers_look(machine, timers);
    if (timers->due_ms < 0 || timers->due_ms > timers->now_ms)
        return false;
    timers->due_ms = -1;
    timers->begun_ms = timers->now_ms;
    timers->next_ms = INT64_MAX;
    timers->list = 0;
    timers->over = false;
    return true;
}

// No more of the list is due: what its next instant is, if there is anything left in it.
static void end_list(NodeTimers *timers)
{
    uint32_t id = timers->list;
    NodeTimerList *list = list_at(timers, id);
    timers->list = 0;
    if (!list->dead && list->first == 0)
        drop_list(timers, id);
    list->is_running = false;
    if (list->dead) {
        give_list(timers, id);
        return;
    }
    int64_t due_ms = timer_at(timers, list->first)->start_ms + list->ms;
    list->due_ms = due_ms > timers->begun_ms ? due_ms : timers->begun_ms + 1;
    queue_list(timers, id);
}

// RunTimers has libuv's timer at the next list's instant from now on. It does not look at the clock
// for that.
static void end_lists(NodeTimers *timers)
{
    if (uv_timers_empty(&timers->queue))
        return;
    timers->next_ms = uv_timers_first(&timers->queue).due_ms;
    int64_t ms = timers->next_ms - timers->now_ms;
    timers->due_ms = timers->now_ms + (ms > 0 ? ms : 1);
}

// Goes on to the next timer that is due: the first of timers->list. There is none: processTimers
// returns.
static void advance(NodeTimers *timers)
{
    while (!timers->over) {
        if (timers->list == 0) {
            timers->over = uv_timers_empty(&timers->queue) ||
                           uv_timers_first(&timers->queue).due_ms > timers->begun_ms;
            if (timers->over) {
                end_lists(timers);
                return;
            }
            timers->list = uv_timers_take(&timers->queue).item;
            list_at(timers, timers->list)->is_running = true;
        }
        const NodeTimerList *list = list_at(timers, timers->list);
        uint32_t id = list->first;
        if (id != 0 && timers->begun_ms - timer_at(timers, id)->start_ms >= list->ms)
            return;
        end_list(timers);
    }
}

uint32_t node_timers_next(const Machine *machine, NodeTimers *timers)
{
    advance(timers);
    if (timers->over)
        return 0;
    uint32_t id = list_at(timers, timers->list)->first;
    leave(timers, id);
    timers->called = id;
    if (timer_at(timers, id)->repeats)
        node_timers_look(machine, timers);
    timers->again_ms = timers->now_ms;
    return timer_at(timers, id)->function;
}

uint32_t node_timers_called(NodeTimers *timers)
{
    uint32_t id = timers->called;
    if (id == 0)
        return 0;
    const NodeTimer *timer = timer_at(timers, id);
    bool again = timer->repeats && !timer->cleared;
    timers->called = 0;
    if (again)
        insert(timers, id, timers->again_ms);
    else
        end_timer(timers, id);
    advance(timers);
    return again ? 0 : id;
}

uint64_t node_timers_bytes(const NodeTimers *timers)
{
    return timers->timers.capacity * sizeof(NodeTimer) +
           timers->lists.capacity * sizeof(NodeTimerList) +
           timers->by_ms.capacity * sizeof(uint32_t) +
           timers->queue.heap.capacity * sizeof(UvTimer);
}

void node_timers_free(NodeTimers *timers)
{
    ARRAY_FREE(&timers->timers);
    ARRAY_FREE(&timers->lists);
    ARRAY_FREE(&timers->by_ms);
    uv_timers_free(&timers->queue);
}
