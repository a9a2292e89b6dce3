// asyncio.shield (CPython Lib/asyncio/tasks.py): who awaits the outer future can be cancelled, and
// the inner one goes on.
#include "sim/python/asyncio.h"

uint32_t shield_create(Machine *machine, uint32_t inner)
{
    if (future_is_done(machine, inner))
        return future_hold(machine, inner);
    uint32_t outer = future_create(machine, future_at(machine, inner)->loop, FUTURE_PLAIN);
    future_add_callback(machine, inner, (Callback){CALLBACK_SHIELD_INNER, outer});
    future_add_callback(machine, outer, (Callback){CALLBACK_SHIELD_OUTER, inner});
    return outer;
}

void shield_inner_done(Machine *machine, uint32_t outer, uint32_t inner)
{
    if (future_is_done(machine, outer))
        return;
    if (future_at(machine, inner)->state == FUTURE_CANCELLED)
        future_set_cancelled(machine, outer);
    else
        future_set_exception(machine, outer, future_exception(machine, inner));
}

void shield_outer_done(Machine *machine, uint32_t outer, uint32_t inner)
{
    if (!future_is_done(machine, inner))
        future_remove_callback(machine, inner, (Callback){CALLBACK_SHIELD_INNER, outer});
}
