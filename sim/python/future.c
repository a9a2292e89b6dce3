// Futures: CPython Lib/asyncio/futures.py. What happens when one is done is never done at once: its
// callbacks are made ready, in the order in which they were added, for the loop's next turn.
#include "sim/python/object_memory.h"

#include "sim/base/check.h"

static PythonObjectId object_of_kind(unsigned kind)
{
    return kind == FUTURE_TASK ? PYTHON_OBJECT_TASK : PYTHON_OBJECT_FUTURE;
}

uint32_t future_create(Machine *machine, uint32_t loop, FutureKind kind)
{
    uint32_t id = pool_take(machine, &machine->asyncio->futures);
    Future *future = future_at(machine, id);
    future->kind = (uint8_t)kind;
    future->loop = loop;
    future->references = 1;
    object_made(machine, loop, object_of_kind(kind));
    return id;
}

uint32_t future_hold(Machine *machine, uint32_t id)
{
    future_at(machine, id)->references++;
    return id;
}

static void drop_target(Machine *machine, Callback callback)
{
    if (callback_holds(callback))
        future_drop(machine, callback.target);
}

static DoneCallback *callback_at(const Machine *machine, uint32_t id)
{
    return pool_at(&machine->asyncio->callbacks, id);
}

void future_drop(Machine *machine, uint32_t id)
{
    Future *future = future_at(machine, id);
    CHECKF(future->references > 0, "future %u", id);
    if (--future->references > 0)
        return;
    // Nobody will ever finish it.
    for (uint32_t at = future->first; at != 0;) {
        DoneCallback done = *callback_at(machine, at);
        pool_give(&machine->asyncio->callbacks, at);
        drop_target(machine, done.callback);
        at = done.next;
    }
    if (future->kind == FUTURE_GATHER)
        gather_free(machine, future->data);
    if (future->kind == FUTURE_COMPLETED)
        completed_free(machine, future->data);
    if (future->kind == FUTURE_WAIT)
        pool_give(&machine->asyncio->waits, future->data);
    object_gone(machine, future->loop, object_of_kind(future->kind));
    pool_give(&machine->asyncio->futures, id);
}

void future_add_callback(Machine *machine, uint32_t id, Callback callback)
{
    Future *future = future_at(machine, id);
    if (callback_holds(callback))
        future_hold(machine, callback.target);
    if (future->state != FUTURE_PENDING) {
        loop_call_soon(machine, loop_at(machine, future->loop), callback, id);
        return;
    }
    uint32_t at = pool_take(machine, &machine->asyncio->callbacks);
    *callback_at(machine, at) = (DoneCallback){.callback = callback};
    if (future->last != 0)
        callback_at(machine, future->last)->next = at;
    else
        future->first = at;
    future->last = at;
}

void future_remove_callback(Machine *machine, uint32_t id, Callback callback)
{
    Future *future = future_at(machine, id);
    uint32_t before = 0;
    for (uint32_t at = future->first; at != 0;) {
        DoneCallback *done = callback_at(machine, at);
        uint32_t next = done->next;
        if (done->callback.kind != callback.kind || done->callback.target != callback.target) {
            before = at;
            at = next;
            continue;
        }
        if (before != 0)
            callback_at(machine, before)->next = next;
        else
            future->first = next;
        if (future->last == at)
            future->last = before;
        pool_give(&machine->asyncio->callbacks, at);
        drop_target(machine, callback);
        at = next;
    }
}

// It is done from now: the loop gets its callbacks, and what they hold.
static void finish(Machine *machine, uint32_t id, FutureState state, uint32_t exception)
{
    Future *future = future_at(machine, id);
    CHECKF(future->state == FUTURE_PENDING, "future %u", id);
    future->state = (uint8_t)state;
    future->exception = exception;
    uint32_t at = future->first;
    future->first = future->last = 0;
    while (at != 0) {
        DoneCallback done = *callback_at(machine, at);
        pool_give(&machine->asyncio->callbacks, at);
        loop_call_soon(machine, loop_at(machine, future->loop), done.callback, id);
        at = done.next;
    }
}

void future_set_result(Machine *machine, uint32_t id)
{
    finish(machine, id, FUTURE_DONE, EXCEPTION_NONE);
}

void future_set_exception(Machine *machine, uint32_t id, uint32_t exception)
{
    finish(machine, id, FUTURE_DONE, exception);
}

void future_set_cancelled(Machine *machine, uint32_t id)
{
    finish(machine, id, FUTURE_CANCELLED, EXCEPTION_CANCELLED);
}

bool future_cancel(Machine *machine, uint32_t id, uint64_t by)
{
    Future *future = future_at(machine, id);
    if (future->state != FUTURE_PENDING)
        return false;
    switch (future->kind) {
    case FUTURE_TASK:
        return coroutine_cancel(machine, future->data, by);
    case FUTURE_GATHER:
        return gather_cancel(machine, id, by);
    default:
        future_set_cancelled(machine, id);
        return true;
    }
}

uint32_t future_exception(const Machine *machine, uint32_t id)
{
    const Future *future = future_at(machine, id);
    CHECKF(future->state != FUTURE_PENDING, "future %u", id);
    return future->exception;
}
