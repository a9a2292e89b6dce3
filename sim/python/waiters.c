#include "sim/python/objects.h"

uint32_t waiters_join(Machine *machine, Loop *loop, Waiters *waiters)
{
    uint32_t future = future_create(machine, loop->id, FUTURE_PLAIN);
    links_add(machine, &waiters->first, &waiters->last, future_hold(machine, future));
    return future;
}

// Takes out the Link behind `before` (0: the first).
static void unlink_after(Machine *machine, Waiters *waiters, uint32_t before)
{
    uint32_t at = before == 0 ? waiters->first : link_at(machine, before)->next;
    Link link = *link_at(machine, at);
    if (before == 0)
        waiters->first = link.next;
    else
        link_at(machine, before)->next = link.next;
    if (waiters->last == at)
        waiters->last = before;
    pool_give(&machine->asyncio->links, at);
    future_drop(machine, link.future);
}

void waiters_remove(Machine *machine, Waiters *waiters, uint32_t future)
{
    uint32_t before = 0;
    for (uint32_t at = waiters->first; at != 0; at = link_at(machine, at)->next) {
        if (link_at(machine, at)->future == future) {
            unlink_after(machine, waiters, before);
            return;
        }
        before = at;
    }
}

void waiters_wake_first(Machine *machine, const Waiters *waiters)
{
    if (waiters->first == 0)
        return;
    uint32_t future = link_at(machine, waiters->first)->future;
    if (!future_is_done(machine, future))
        future_set_result(machine, future);
}

bool waiters_pop(Machine *machine, Waiters *waiters)
{
    while (waiters->first != 0) {
        uint32_t future = link_at(machine, waiters->first)->future;
        bool wakes = !future_is_done(machine, future);
        if (wakes)
            future_set_result(machine, future);
        unlink_after(machine, waiters, 0);
        if (wakes)
            return true;
    }
    return false;
}

uint32_t waiters_wake(Machine *machine, const Waiters *waiters, uint32_t count)
{
    uint32_t woken = 0;
    for (uint32_t at = waiters->first; at != 0 && woken < count; at = link_at(machine, at)->next) {
        uint32_t future = link_at(machine, at)->future;
        if (future_is_done(machine, future))
            continue;
        future_set_result(machine, future);
        woken++;
    }
    return woken;
}

bool waiters_any(const Machine *machine, const Waiters *waiters)
{
    for (uint32_t at = waiters->first; at != 0; at = link_at(machine, at)->next)
        if (future_at(machine, link_at(machine, at)->future)->state != FUTURE_CANCELLED)
            return true;
    return false;
}

void waiters_free(Machine *machine, Waiters *waiters)
{
    links_free(machine, waiters->first);
    *waiters = (Waiters){0};
}
