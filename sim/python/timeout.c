// asyncio.timeout (CPython Lib/asyncio/timeouts.py): a scope that cancels the task in it when its
// time is over, and as the task leaves turns that cancellation into a TimeoutError.
#include "sim/python/asyncio.h"

static TimeoutScope *scope_at(const Machine *machine, uint32_t id)
{
    return pool_at(&machine->asyncio->scopes, id);
}

static void set_timer(Machine *machine, Loop *loop, uint32_t id, Duration after)
{
    Callback callback = {CALLBACK_TIMEOUT, id};
    scope_at(machine, id)->timer = after.ns <= 0 ? loop_call_soon_timer(machine, loop, callback)
                                                 : loop_call_later(machine, loop, after, callback);
}

uint32_t timeout_enter(Machine *machine, Loop *loop, uint32_t coroutine, Duration after)
{
    uint32_t id = pool_take(machine, &machine->asyncio->scopes);
    *scope_at(machine, id) =
        (TimeoutScope){.coroutine = coroutine,
                       .cancel_requests = coroutine_at(machine, coroutine)->cancel_requests};
    set_timer(machine, loop, id, after);
    return id;
}

bool timeout_reschedule(Machine *machine, Loop *loop, uint32_t id, Duration after)
{
    if (scope_at(machine, id)->expiring)
        return false;
    loop_cancel_timer(machine, loop, scope_at(machine, id)->timer);
    set_timer(machine, loop, id, after);
    return true;
}

void timeout_expire(Machine *machine, uint32_t id)
{
    TimeoutScope *scope = scope_at(machine, id);
    future_cancel(machine, coroutine_at(machine, scope->coroutine)->future, 0);
    scope->expiring = true;
}

uint32_t timeout_leave(Machine *machine, Loop *loop, uint32_t id, uint32_t exception)
{
    TimeoutScope scope = *scope_at(machine, id);
    loop_cancel_timer(machine, loop, scope.timer);
    pool_give(&machine->asyncio->scopes, id);
    if (!scope.expiring)
        return exception;
    uint16_t requests = coroutine_uncancel(machine, loop, scope.coroutine);
    bool ours = requests <= scope.cancel_requests;
    return ours && exception == EXCEPTION_CANCELLED ? EXCEPTION_TIMEOUT : exception;
}
