// asyncio.gather and asyncio.wait (CPython Lib/asyncio/tasks.py): a future that is done when all of
// its children are, or when the first fails; or when enough are. gather: up to 3.11 a child that is
// done already reports in the next turn as all others do; from 3.12 on at once.
#include "sim/python/asyncio.h"

static Gather *gather_at(const Machine *machine, uint32_t id)
{
    return pool_at(&machine->asyncio->gathers, id);
}

// ---- lists

void links_add(Machine *machine, uint32_t *first, uint32_t *last, uint32_t future)
{
    uint32_t id = pool_take(machine, &machine->asyncio->links);
    *link_at(machine, id) = (Link){.future = future};
    if (*last != 0)
        link_at(machine, *last)->next = id;
    else
        *first = id;
    *last = id;
}

void links_free(Machine *machine, uint32_t first)
{
    while (first != 0) {
        Link link = *link_at(machine, first);
        pool_give(&machine->asyncio->links, first);
        future_drop(machine, link.future);
        first = link.next;
    }
}

// ---- gather

// The children count once each, however often they are given: returns how many there are, and has
// those that `callback` is for call it.
uint32_t links_count(Machine *machine, uint32_t first, bool done_too, Callback callback)
{
    uint32_t children = 0;
    for (uint32_t at = first; at != 0; at = link_at(machine, at)->next) {
        uint32_t child = link_at(machine, at)->future;
        Future *future = future_at(machine, child);
        if (future->counted)
            continue;
        future->counted = true;
        children++;
        if (done_too || future->state == FUTURE_PENDING)
            future_add_callback(machine, child, callback);
    }
    return children;
}

void links_unmark(Machine *machine, uint32_t first)
{
    for (uint32_t at = first; at != 0; at = link_at(machine, at)->next)
        future_at(machine, link_at(machine, at)->future)->counted = false;
}

uint32_t gather_create(Machine *machine, uint32_t loop, uint32_t first, bool return_exceptions)
{
    uint32_t outer = future_create(machine, loop, FUTURE_GATHER);
    uint32_t id = pool_take(machine, &machine->asyncio->gathers);
    Gather *gather = gather_at(machine, id);
    *gather = (Gather){.first = first, .return_exceptions = return_exceptions};
    future_at(machine, outer)->data = id;
    bool at_once = loop_at(machine, loop)->runtime->minor >= 12;
    gather->children = links_count(machine, first, !at_once, (Callback){CALLBACK_GATHER, outer});
    for (uint32_t at = first; at != 0; at = link_at(machine, at)->next) {
        uint32_t child = link_at(machine, at)->future;
        Future *future = future_at(machine, child);
        if (at_once && future->counted && future->state != FUTURE_PENDING)
            gather_child_done(machine, outer, child);
        future->counted = false;
    }
    return outer;
}

void gather_child_done(Machine *machine, uint32_t outer, uint32_t child)
{
    Gather *gather = gather_at(machine, future_at(machine, outer)->data);
    gather->finished++;
    if (future_is_done(machine, outer))
        return;
    uint32_t exception = future_exception(machine, child);
    if (!gather->return_exceptions && exception != EXCEPTION_NONE) {
        future_set_exception(machine, outer, exception);
        return;
    }
    if (gather->finished < gather->children)
        return;
    if (gather->cancel_requested)
        future_set_exception(machine, outer, EXCEPTION_CANCELLED);
    else
        future_set_result(machine, outer);
}

bool gather_cancel(Machine *machine, uint32_t outer, uint64_t by)
{
    Gather *gather = gather_at(machine, future_at(machine, outer)->data);
    bool cancelled = false;
    for (uint32_t at = gather->first; at != 0; at = link_at(machine, at)->next)
        cancelled = future_cancel(machine, link_at(machine, at)->future, by) || cancelled;
    gather->cancel_requested = gather->cancel_requested || cancelled;
    return cancelled;
}

void gather_free(Machine *machine, uint32_t id)
{
    links_free(machine, gather_at(machine, id)->first);
    pool_give(&machine->asyncio->gathers, id);
}

// ---- wait

static Wait *wait_at(const Machine *machine, uint32_t waiter)
{
    return pool_at(&machine->asyncio->waits, future_at(machine, waiter)->data);
}

uint32_t wait_create(Machine *machine, uint32_t loop, uint32_t first, ReturnWhen return_when)
{
    uint32_t waiter = future_create(machine, loop, FUTURE_WAIT);
    future_at(machine, waiter)->data = pool_take(machine, &machine->asyncio->waits);
    uint32_t pending = links_count(machine, first, true, (Callback){CALLBACK_WAIT, waiter});
    *wait_at(machine, waiter) = (Wait){.pending = pending, .return_when = (uint8_t)return_when};
    links_unmark(machine, first);
    return waiter;
}

void wait_limit(Machine *machine, uint32_t waiter, Duration timeout)
{
    Loop *loop = loop_at(machine, future_at(machine, waiter)->loop);
    wait_at(machine, waiter)->timer =
        loop_call_later(machine, loop, timeout, (Callback){CALLBACK_RELEASE, waiter});
}

void wait_child_done(Machine *machine, uint32_t waiter, uint32_t child)
{
    Wait *wait = wait_at(machine, waiter);
    const Future *done = future_at(machine, child);
    bool failed = done->state == FUTURE_DONE && done->exception != EXCEPTION_NONE;
    wait->pending--;
    if (wait->pending > 0 && wait->return_when != RETURN_WHEN_FIRST_COMPLETED &&
        !(wait->return_when == RETURN_WHEN_FIRST_EXCEPTION && failed))
        return;
    // Here, not when the waiter goes on: the heap is another one by then.
    if (wait->timer != 0)
        loop_stop_timer(machine, loop_at(machine, done->loop), wait->timer);
    if (!future_is_done(machine, waiter))
        future_set_result(machine, waiter);
}

void wait_end(Machine *machine, uint32_t waiter, uint32_t first)
{
    Loop *loop = loop_at(machine, future_at(machine, waiter)->loop);
    Wait *wait = wait_at(machine, waiter);
    if (wait->timer != 0)
        loop_cancel_timer(machine, loop, wait->timer);
    wait->timer = 0;
    for (uint32_t at = first; at != 0; at = link_at(machine, at)->next)
        future_remove_callback(machine, link_at(machine, at)->future,
                               (Callback){CALLBACK_WAIT, waiter});
}
