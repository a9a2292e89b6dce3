#include "sim/python/uvloop.h"

#include "sim/base/check.h"
#include "sim/python/selector.h"

#define MS_NS 1000000

static void emit(Machine *machine, const Loop *loop, EventKind kind, uint64_t a, uint64_t b)
{
    machine_emit(machine, kind, task_at(machine, loop->thread)->core, loop->thread, a, b);
}

// ---- timers

void uvloop_update_time(const Machine *machine, Loop *loop)
{
    loop->uvloop.now_ms = machine->now.ns / MS_NS;
}

// Python's round().
static int64_t round_to_ms(int64_t ns)
{
    int64_t ms = ns / MS_NS, rest = ns % MS_NS;
    bool up = rest > MS_NS / 2 || (rest == MS_NS / 2 && ms % 2 != 0);
    return ms + up;
}

// libuv takes a timer that is stopped out at once. Here that is done when there are many, so that
// they need no room for ever.
static void forget_cancelled(Machine *machine, Loop *loop)
{
    enum { LEAST = 100 };
    UvTimers *timers = &loop->uvloop.timers;
    size_t count = timers->heap.count, kept = 0;
    if (count < LEAST || loop->timers_cancelled * (uint64_t)2 < count)
        return;
    for (size_t i = 0; i < count; i++) {
        UvTimer entry = timers->heap.at[i];
        Timer *timer = timer_at(machine, entry.item);
        if (timer->cancelled) {
            timer->scheduled = false;
            loop_drop_timer(machine, entry.item);
        } else {
            timers->heap.at[kept++] = entry;
        }
    }
    timers->heap.count = kept;
    loop->timers_cancelled = 0;
    uv_timers_heapify(timers);
}

uint32_t uvloop_call_later(Machine *machine, Loop *loop, Duration after, Callback callback)
{
    int64_t ms = after.ns > 0 ? round_to_ms(after.ns) : 0;
    if (ms == 0)
        return loop_call_soon_timer(machine, loop, callback);
    forget_cancelled(machine, loop);
    uint32_t id = loop_make_timer(machine, loop, callback);
    timer_at(machine, id)->scheduled = true;
    uvloop_update_time(machine, loop);
    int64_t due_ms = loop->uvloop.now_ms + ms;
    size_t room = loop->uvloop.timers.heap.capacity;
    uv_timers_add(&loop->uvloop.timers, due_ms, id);
    pool_grew(machine, (loop->uvloop.timers.heap.capacity - room) * sizeof(UvTimer));
    emit(machine, loop, EVENT_LOOP_TIMER_SET, id, (uint64_t)(due_ms * MS_NS - machine->now.ns));
    loop_owe(machine, loop, COST_CALL_LATER);
    return id;
}

uint32_t uvloop_timers(const Loop *loop)
{
    return (uint32_t)loop->uvloop.timers.heap.count - loop->timers_cancelled;
}

// The first timer that is set; false: none is.
static bool first_timer(Machine *machine, Loop *loop, UvTimer *first)
{
    UvTimers *timers = &loop->uvloop.timers;
    while (!uv_timers_empty(timers)) {
        *first = uv_timers_first(timers);
        Timer *timer = timer_at(machine, first->item);
        if (!timer->cancelled)
            return true;
        uv_timers_take(timers);
        loop->timers_cancelled--;
        timer->scheduled = false;
        loop_drop_timer(machine, first->item);
    }
    return false;
}

int64_t uvloop_poll_ms(Machine *machine, Loop *loop)
{
    const Uvloop *uv = &loop->uvloop;
    UvTimer first;
    if (uv->stop || uv->idle || uv->closing > 0)
        return 0;
    if (!first_timer(machine, loop, &first))
        return -1;
    return first.due_ms > uv->now_ms ? first.due_ms - uv->now_ms : 0;
}

void uvloop_begin_timers(Machine *machine, Loop *loop)
{
    uvloop_update_time(machine, loop);
    loop->uvloop.due_ms = loop->uvloop.now_ms;
    if (uvloop_timers(loop) > 0)
        emit(machine, loop, EVENT_LOOP_TIMERS, uvloop_timers(loop), 0);
}

bool uvloop_next_timer(Machine *machine, Loop *loop)
{
    UvTimer first;
    if (!first_timer(machine, loop, &first) || first.due_ms > loop->uvloop.due_ms)
        return false;
    Timer *timer = timer_at(machine, uv_timers_take(&loop->uvloop.timers).item);
    timer->scheduled = false;
    loop->uvloop.closing++; // once it has been called
    emit(machine, loop, EVENT_LOOP_TIMER_FIRED, first.item, 0);
    loop->current = (Ready){.callback = timer->callback, .timer = first.item};
    return true;
}

// ---- events

// The reader, and then the writer, of a file that has become ready.
UvloopEvent uvloop_next_event(Machine *machine, Loop *loop)
{
    Selector *selector = &loop->selector;
    while (loop->uvloop.next < 2 * selector->count) {
        EpollEvent event = selector->events[loop->uvloop.next / 2];
        bool writer = loop->uvloop.next++ % 2 != 0;
        EpollMask watched = selector_watched(machine, loop, event.file);
        if ((event.events & (writer ? ~EPOLL_IN : ~EPOLL_OUT)) == 0 ||
            (watched & (writer ? EPOLL_OUT : EPOLL_IN)) == 0)
            continue;
        if (event.file.kind == FILE_EVENTFD)
            return UVLOOP_WOKEN_EVENT;
        loop->current.callback = event.file.kind == FILE_SELF_PIPE
                                     ? (Callback){CALLBACK_READ_SELF, loop->id}
                                 : writer ? (Callback){CALLBACK_WRITE_READY, event.data}
                                          : (Callback){CALLBACK_READ_READY, event.data};
        return UVLOOP_CALLBACK_EVENT;
    }
    selector->count = 0;
    return UVLOOP_NO_EVENT;
}

void uvloop_free(Machine *machine, Loop *loop)
{
    UvTimers *timers = &loop->uvloop.timers;
    while (!uv_timers_empty(timers))
        loop_drop_timer(machine, uv_timers_take(timers).item);
}
