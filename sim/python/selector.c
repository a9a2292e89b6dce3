#include "sim/python/selector.h"

#include "sim/base/check.h"
#include "sim/kernel/eventfd.h"
#include "sim/kernel/socket_pair.h"

#include <stdlib.h>

static File self_pipe(const Loop *loop)
{
    return (File){FILE_SELF_PIPE, loop->selector.self_pipe};
}

void selector_open(Machine *machine, Loop *loop)
{
    Task *thread = task_at(machine, loop->thread);
    loop->selector.epoll = epoll_open(machine, thread->process);
    loop->selector.self_pipe = socket_pair_open(machine);
    epoll_add(machine, loop->selector.epoll, self_pipe(loop), EPOLL_IN, 0, thread);
    if (!loop->libuv)
        return;
    loop->uvloop.eventfd = eventfd_open(machine);
    epoll_add(machine, loop->selector.epoll, (File){FILE_EVENTFD, loop->uvloop.eventfd}, EPOLL_IN,
              0, thread);
}

void selector_close(Machine *machine, Loop *loop)
{
    socket_pair_close(machine, loop->selector.self_pipe);
    if (loop->libuv)
        eventfd_close(machine, loop->uvloop.eventfd);
    epoll_shut(machine, loop->selector.epoll);
}

// ---- waiting

// CPython's epoll returns at most as many events as files are watched.
static void make_room(Machine *machine, Selector *selector)
{
    uint32_t most = epoll_count(machine, selector->epoll);
    if (most <= selector->room)
        return;
    uint32_t room = most < 8 ? 8 : most * 2;
    selector->events = realloc(selector->events, room * sizeof *selector->events);
    CHECKF(selector->events != NULL, "out of memory for %u events", room);
    machine->python_bytes += (room - selector->room) * sizeof *selector->events;
    selector->room = room;
}

uint32_t selector_take(Machine *machine, Loop *loop, Task *task, Duration *cost)
{
    Selector *selector = &loop->selector;
    make_room(machine, selector);
    uint32_t most = epoll_count(machine, selector->epoll);
    selector->count = epoll_take(machine, selector->epoll, selector->events, most, task, cost);
    *cost = duration_add(*cost,
                         (Duration){machine_cost(machine, COST_EPOLL_EVENT).ns * selector->count});
    return selector->count;
}

void selector_sleep(Machine *machine, Loop *loop, Task *task)
{
    epoll_sleep(machine, loop->selector.epoll, task);
}

void selector_process(Machine *machine, Loop *loop)
{
    Selector *selector = &loop->selector;
    for (uint32_t i = 0; i < selector->count; i++) {
        EpollEvent event = selector->events[i];
        EpollMask watched = selector_watched(machine, loop, event.file);
        loop_owe(machine, loop, COST_SELECTOR_EVENT);
        // An error or a hang-up counts as both.
        if ((event.events & ~EPOLL_OUT) && (watched & EPOLL_IN))
            loop_add_callback(machine, loop,
                              event.file.kind == FILE_SELF_PIPE
                                  ? (Callback){CALLBACK_READ_SELF, loop->id}
                                  : (Callback){CALLBACK_READ_READY, event.data});
        if ((event.events & ~EPOLL_IN) && (watched & EPOLL_OUT))
            loop_add_callback(machine, loop, (Callback){CALLBACK_WRITE_READY, event.data});
    }
    selector->count = 0;
}

// ---- watching

EpollMask selector_watched(const Machine *machine, const Loop *loop, File file)
{
    return epoll_mask(machine, loop->selector.epoll, file);
}

Duration selector_add(Machine *machine, Loop *loop, File file, EpollMask events, uint32_t data)
{
    Task *thread = task_at(machine, loop->thread);
    EpollMask before = selector_watched(machine, loop, file);
    if (before == 0)
        return epoll_add(machine, loop->selector.epoll, file, events, data, thread);
    return epoll_modify(machine, loop->selector.epoll, file, before | events, thread);
}

void selector_remove(Machine *machine, Loop *loop, File file, EpollMask events)
{
    Task *thread = task_at(machine, loop->thread);
    EpollMask left = selector_watched(machine, loop, file) & (EpollMask)~events;
    if (left == 0)
        epoll_remove(machine, loop->selector.epoll, file, thread);
    else
        epoll_modify(machine, loop->selector.epoll, file, left, thread);
}
