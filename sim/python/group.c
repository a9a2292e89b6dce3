// asyncio.TaskGroup (CPython Lib/asyncio/taskgroups.py). Its tasks are a set there, whose order
// when all are cancelled is nobody's to say; here it is that of their creation.
#include "sim/python/asyncio.h"

static Member *member_at(const Machine *machine, uint32_t id)
{
    return pool_at(&machine->asyncio->members, id);
}

uint32_t group_enter(Machine *machine, uint32_t coroutine)
{
    uint32_t id = pool_take(machine, &machine->asyncio->groups);
    group_at(machine, id)->coroutine = coroutine;
    return id;
}

bool group_is_closed(const Machine *machine, uint32_t id)
{
    const Group *group = group_at(machine, id);
    return group->aborting || (group->exiting && group->first == 0);
}

void group_add(Machine *machine, uint32_t id, uint32_t future)
{
    Group *group = group_at(machine, id);
    uint32_t at = pool_take(machine, &machine->asyncio->members);
    *member_at(machine, at) =
        (Member){.group = id, .future = future_hold(machine, future), .previous = group->last};
    if (group->last != 0)
        member_at(machine, group->last)->next = at;
    else
        group->first = at;
    group->last = at;
    if (future_is_done(machine, future)) // an eager one, which has awaited nothing
        group_member_done(machine, at);
    else
        future_add_callback(machine, future, (Callback){CALLBACK_MEMBER, at});
}

static void abort_group(Machine *machine, Group *group)
{
    uint64_t by = coroutine_argument(machine, group->coroutine);
    group->aborting = true;
    for (uint32_t at = group->first; at != 0; at = member_at(machine, at)->next)
        future_cancel(machine, member_at(machine, at)->future, by);
}

static void remove_member(Machine *machine, Group *group, uint32_t at)
{
    Member member = *member_at(machine, at);
    if (member.previous != 0)
        member_at(machine, member.previous)->next = member.next;
    else
        group->first = member.next;
    if (member.next != 0)
        member_at(machine, member.next)->previous = member.previous;
    else
        group->last = member.previous;
    pool_give(&machine->asyncio->members, at);
}

void group_member_done(Machine *machine, uint32_t at)
{
    Group *group = group_at(machine, member_at(machine, at)->group);
    uint32_t future = member_at(machine, at)->future;
    remove_member(machine, group, at);
    if (group->waiter != 0 && group->first == 0 && !future_is_done(machine, group->waiter))
        future_set_result(machine, group->waiter);
    const Future *done = future_at(machine, future);
    bool failed = done->state == FUTURE_DONE && done->exception != EXCEPTION_NONE;
    future_drop(machine, future);
    if (!failed)
        return;
    group->failed = true;
    if (group->aborting || group->parent_cancelled)
        return;
    abort_group(machine, group);
    group->parent_cancelled = true;
    future_cancel(machine, coroutine_at(machine, group->coroutine)->future, 0);
}

// Up to 3.12 the group takes its own cancellation of the coroutine back as the coroutine comes to
// the block's end, from 3.13 on when all members have ended.
static void uncancel_parent(Machine *machine, const Loop *loop, Group *group)
{
    if (group->parent_cancelled && coroutine_uncancel(machine, loop, group->coroutine) == 0)
        group->propagate = false;
}

void group_begin_exit(Machine *machine, const Loop *loop, uint32_t id, uint32_t exception)
{
    Group *group = group_at(machine, id);
    group->exiting = true;
    group->exception = exception;
    group->propagate = exception == EXCEPTION_CANCELLED;
    if (loop->runtime->minor < 13)
        uncancel_parent(machine, loop, group);
    if (exception != EXCEPTION_NONE && !group->aborting)
        abort_group(machine, group);
}

void group_cancelled(Machine *machine, uint32_t id)
{
    Group *group = group_at(machine, id);
    if (group->aborting)
        return;
    group->propagate = true;
    abort_group(machine, group);
}

uint32_t group_leave(Machine *machine, const Loop *loop, uint32_t id)
{
    Group *group = group_at(machine, id);
    bool changed = loop->runtime->minor >= 13;
    if (changed)
        uncancel_parent(machine, loop, group);
    bool propagate = group->propagate && !group->failed;
    bool failed = group->failed ||
                  (group->exception != EXCEPTION_NONE && group->exception != EXCEPTION_CANCELLED);
    uint32_t coroutine = group->coroutine;
    pool_give(&machine->asyncio->groups, id);
    if (propagate)
        return EXCEPTION_CANCELLED;
    if (!failed)
        return EXCEPTION_NONE;
    // Somebody else's cancellation is not lost with the exceptions: it comes at the next await.
    if (changed && coroutine_at(machine, coroutine)->cancel_requests > 0) {
        coroutine_uncancel(machine, loop, coroutine);
        future_cancel(machine, coroutine_at(machine, coroutine)->future,
                      coroutine_argument(machine, coroutine));
    }
    return EXCEPTION_GROUP;
}
