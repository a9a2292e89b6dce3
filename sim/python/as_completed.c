// asyncio.as_completed (CPython Lib/asyncio/tasks.py): tasks in the order in which they end, by way
// of an asyncio.Queue that one coroutine reads. The tasks are a set there, so that of those that
// have ended before it begins, nobody can say which comes first; here it is their order in the
// list.
#include "sim/python/asyncio.h"

static Completed *completed_at(const Machine *machine, uint32_t id)
{
    return pool_at(&machine->asyncio->completed, future_at(machine, id)->data);
}

static Loop *loop_of(const Machine *machine, uint32_t id)
{
    return loop_at(machine, future_at(machine, id)->loop);
}

uint32_t completed_create(Machine *machine, uint32_t loop, uint32_t first, uint32_t *count)
{
    uint32_t id = future_create(machine, loop, FUTURE_COMPLETED);
    future_at(machine, id)->data = pool_take(machine, &machine->asyncio->completed);
    *count = links_count(machine, first, true, (Callback){CALLBACK_COMPLETED, id});
    links_unmark(machine, first);
    *completed_at(machine, id) = (Completed){.tasks = first, .todo = *count};
    return id;
}

void completed_limit(Machine *machine, uint32_t id, Duration timeout)
{
    completed_at(machine, id)->timer =
        loop_call_later(machine, loop_of(machine, id), timeout, (Callback){CALLBACK_LATE, id});
}

static void wake_getter(Machine *machine, const Completed *completed)
{
    if (completed->getter != 0 && !future_is_done(machine, completed->getter))
        future_set_result(machine, completed->getter);
}

void completed_task_done(Machine *machine, uint32_t id, uint32_t task)
{
    Completed *completed = completed_at(machine, id);
    if (completed->todo == 0)
        return; // its time was over before
    completed->todo--;
    links_add(machine, &completed->first, &completed->last, future_hold(machine, task));
    wake_getter(machine, completed);
    if (completed->todo > 0 || completed->timer == 0)
        return;
    loop_cancel_timer(machine, loop_of(machine, id), completed->timer);
    completed->timer = 0;
}

void completed_expire(Machine *machine, uint32_t id)
{
    Completed *completed = completed_at(machine, id);
    for (uint32_t at = completed->tasks; at != 0; at = link_at(machine, at)->next)
        future_remove_callback(machine, link_at(machine, at)->future,
                               (Callback){CALLBACK_COMPLETED, id});
    completed->late = completed->todo;
    completed->todo = 0;
    wake_getter(machine, completed);
    loop_drop_timer(machine, completed->timer);
    completed->timer = 0;
}

bool completed_take(Machine *machine, uint32_t id, uint32_t *exception)
{
    Completed *completed = completed_at(machine, id);
    uint32_t first = completed->first;
    if (first == 0) {
        *exception = EXCEPTION_TIMEOUT;
        return completed->late > 0 && completed->late-- > 0;
    }
    Link link = *link_at(machine, first);
    *exception = future_exception(machine, link.future);
    completed->first = link.next;
    if (link.next == 0)
        completed->last = 0;
    pool_give(&machine->asyncio->links, first);
    future_drop(machine, link.future);
    return true;
}

uint32_t completed_getter(Machine *machine, uint32_t id)
{
    uint32_t getter = future_create(machine, future_at(machine, id)->loop, FUTURE_PLAIN);
    completed_at(machine, id)->getter = getter;
    return getter;
}

void completed_got(Machine *machine, uint32_t id)
{
    Completed *completed = completed_at(machine, id);
    future_drop(machine, completed->getter);
    completed->getter = 0;
}

void completed_free(Machine *machine, uint32_t data)
{
    Completed completed = *(Completed *)pool_at(&machine->asyncio->completed, data);
    pool_give(&machine->asyncio->completed, data);
    links_free(machine, completed.first);
    links_free(machine, completed.tasks);
    if (completed.getter != 0)
        future_drop(machine, completed.getter);
}
