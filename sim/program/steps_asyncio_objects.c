// Ops on asyncio's locks, semaphores, conditions, events and barriers, by coroutines; queues are in
// steps_asyncio_queue.c. What the objects are is in sim/python/objects.h. A wait is an await: the
// coroutine is suspended, and the loop goes on. Ops that do not wait may also stand in a plain
// function that the loop calls.
#include "sim/program/steps_asyncio_objects.h"

#include "sim/base/check.h"
#include "sim/program/unwind.h"

enum {
    TRY = 1,
    AWAITED,
    TAKEN,
    CONDITION_WAITED,
    RELOCK,
    RELOCK_WAITED,
    CONDITION_OVER,
    ARRIVE,
    FILL,
    BLOCKED,
};

// ---- for all kinds

void async_emit(Machine *machine, const Task *task, EventKind kind, SyncId id)
{
    machine_emit(machine, kind, task->core, task->id, id.index1,
                 coroutine_argument(machine, task->coroutine));
}

void async_level(Machine *machine, const Task *task, SyncId id, uint32_t level)
{
    machine_emit(machine, EVENT_SYNC_LEVEL, task->core, task->id, id.index1, level);
}

StepResult async_wait(Machine *machine, Task *task, SyncId id, Waiters *waiters, uint8_t phase)
{
    Coroutine *coroutine = coroutine_at(machine, task->coroutine);
    coroutine->local[0] = waiters_join(machine, loop_at(machine, task->loop), waiters);
    async_emit(machine, task, EVENT_ASYNC_WAIT, id);
    return coroutines_await(machine, task, coroutine->local[0], phase);
}

void async_wait_over(Machine *machine, const Task *task, SyncId id)
{
    Coroutine *coroutine = coroutine_at(machine, task->coroutine);
    future_drop(machine, coroutine->local[0]);
    coroutine->local[0] = 0;
    async_emit(machine, task, EVENT_ASYNC_WAIT_OVER, id);
}

StepResult async_raise(Machine *machine, Task *task)
{
    task->unwind_from = 0; // on the way out of a `with`, it takes the first one's place
    return unwind_raise(machine, task, EXCEPTION_ERROR);
}

static SyncId sync_named_by(const Op *op)
{
    return (SyncId){op->arg[0]};
}

static const SyncDef *def_of(const Machine *machine, SyncId id)
{
    return &machine->scenario->syncs[id.index1 - 1];
}

static unsigned minor_of(const Machine *machine, const Task *task)
{
    return loop_at(machine, task->loop)->runtime->minor;
}

// ---- locks

// The lock's own steps, from TRY on: TAKEN when it has it. What cancels it is raised.
static StepResult take_lock(Machine *machine, Task *task, const Op *op, AsyncObject *lock)
{
    SyncId id = sync_named_by(op);
    Coroutine *coroutine = coroutine_at(machine, task->coroutine);
    if (task->phase == TRY) {
        if (!async_lock_try(machine, lock))
            return async_wait(machine, task, id, &lock->waiters, AWAITED);
    } else {
        CHECKF(task->phase == AWAITED, "phase %u", task->phase);
        bool cancelled = coroutine->thrown != EXCEPTION_NONE;
        async_lock_awaited(machine, lock, coroutine->local[0], cancelled);
        async_wait_over(machine, task, id);
        if (cancelled)
            return coroutines_over(machine, task, op);
    }
    if (def_of(machine, id)->kind == SYNC_LOCK)
        async_emit(machine, task, EVENT_ASYNC_TAKEN, id);
    task->phase = TAKEN;
    return STEP_NEXT;
}

static StepResult release_lock(Machine *machine, Task *task, const Op *op)
{
    SyncId id = sync_named_by(op);
    AsyncObject *lock = object_of(loop_at(machine, task->loop), id);
    if (!lock->locked)
        return async_raise(machine, task); // RuntimeError
    async_emit(machine, task, EVENT_ASYNC_RELEASED, id);
    async_lock_release(machine, lock);
    return program_done(task, op);
}

// ---- semaphores

static StepResult take_semaphore(Machine *machine, Task *task, const Op *op, AsyncObject *semaphore)
{
    SyncId id = sync_named_by(op);
    Coroutine *coroutine = coroutine_at(machine, task->coroutine);
    unsigned minor = minor_of(machine, task);
    uint32_t before = semaphore->value;
    SemaphoreEnd end = SEMAPHORE_AGAIN;
    if (task->phase == AWAITED) {
        bool cancelled = coroutine->thrown != EXCEPTION_NONE;
        end = async_semaphore_awaited(machine, minor, semaphore, coroutine->local[0], cancelled);
        async_wait_over(machine, task, id);
    }
    if (end == SEMAPHORE_AGAIN && async_semaphore_try(machine, minor, semaphore))
        end = SEMAPHORE_HAS;
    if (semaphore->value != before)
        async_level(machine, task, id, semaphore->value);
    if (end == SEMAPHORE_RAISES)
        return coroutines_over(machine, task, op);
    if (end == SEMAPHORE_AGAIN)
        return async_wait(machine, task, id, &semaphore->waiters, AWAITED);
    async_emit(machine, task, EVENT_ASYNC_TAKEN, id);
    task->phase = TAKEN;
    return STEP_NEXT;
}

// False: a bounded one would exceed its bound.
static bool give_back(Machine *machine, Task *task, SyncId id)
{
    AsyncObject *semaphore = object_of(loop_at(machine, task->loop), id);
    const SyncDef *def = def_of(machine, id);
    if ((def->bounded && semaphore->value >= def->parameter) || semaphore->value == UINT32_MAX)
        return false;
    uint32_t before = semaphore->value;
    async_emit(machine, task, EVENT_ASYNC_RELEASED, id);
    async_semaphore_release(machine, minor_of(machine, task), semaphore);
    if (semaphore->value != before)
        async_level(machine, task, id, semaphore->value);
    return true;
}

static StepResult step_release(Machine *machine, Task *task, const Op *op)
{
    for (uint32_t count = op->arg[1] == 0 ? 1 : op->arg[1]; count > 0; count--) {
        if (program_stalls(machine))
            return STEP_ENDED;
        if (!give_back(machine, task, sync_named_by(op)))
            return async_raise(machine, task); // ValueError
    }
    return program_done(task, op);
}

// ---- lock, acquire, with

static StepResult take(Machine *machine, Task *task, const Op *op)
{
    AsyncObject *object = object_of(loop_at(machine, task->loop), sync_named_by(op));
    bool semaphore = def_of(machine, sync_named_by(op))->kind == SYNC_SEMAPHORE;
    return semaphore ? take_semaphore(machine, task, op, object)
                     : take_lock(machine, task, op, object);
}

static StepResult step_take(Machine *machine, Task *task, const Op *op)
{
    return task->phase == TAKEN ? program_done(task, op) : take(machine, task, op);
}

static StepResult step_with(Machine *machine, Task *task, const Op *op)
{
    if (task->phase == TAKEN)
        return program_else(task, op, op->arg[1]);
    if (task->phase != PHASE_BLOCK_DONE)
        return take(machine, task, op);
    if (def_of(machine, sync_named_by(op))->kind == SYNC_LOCK)
        return release_lock(machine, task, op);
    return give_back(machine, task, sync_named_by(op)) ? program_done(task, op)
                                                       : async_raise(machine, task);
}

// ---- conditions

// Releases the lock and waits to be notified; goes on in `after`, with the lock, and with what was
// thrown meanwhile in `thrown`. local[1]: that; local[2]: `after`.
static StepResult begin_condition(Machine *machine, Task *task, SyncId id, AsyncObject *lock,
                                  Waiters *waiters, uint8_t after)
{
    coroutine_at(machine, task->coroutine)->local[2] = after;
    async_lock_release(machine, lock);
    return async_wait(machine, task, id, waiters, CONDITION_WAITED);
}

static StepResult have_lock_again(Machine *machine, Task *task, SyncId id)
{
    Coroutine *coroutine = coroutine_at(machine, task->coroutine);
    coroutine->thrown = coroutine->local[1];
    task->phase = (uint8_t)coroutine->local[2];
    if (def_of(machine, id)->kind == SYNC_LOCK)
        async_emit(machine, task, EVENT_ASYNC_TAKEN, id);
    return STEP_NEXT;
}

// The rest of it. `id`: the condition; `lock_id`: its lock, for the trace.
static StepResult go_on_at_condition(Machine *machine, Task *task, SyncId id, SyncId lock_id,
                                     AsyncObject *lock, Waiters *waiters)
{
    Coroutine *coroutine = coroutine_at(machine, task->coroutine);
    uint32_t thrown = coroutine->thrown;
    coroutine->thrown = EXCEPTION_NONE;
    if (task->phase == CONDITION_WAITED) {
        waiters_remove(machine, waiters, coroutine->local[0]);
        async_wait_over(machine, task, id);
        coroutine->local[1] = thrown;
    } else if (task->phase == RELOCK_WAITED) {
        bool cancelled = thrown != EXCEPTION_NONE;
        async_lock_awaited(machine, lock, coroutine->local[0], cancelled);
        async_wait_over(machine, task, lock_id);
        if (!cancelled)
            return have_lock_again(machine, task, lock_id);
        coroutine->local[1] = thrown; // it does not leave without the lock
    }
    if (async_lock_try(machine, lock))
        return have_lock_again(machine, task, lock_id);
    return async_wait(machine, task, lock_id, &lock->waiters, RELOCK_WAITED);
}

static StepResult step_condition(Machine *machine, Task *task, const Op *op)
{
    Loop *loop = loop_at(machine, task->loop);
    SyncId id = sync_named_by(op), lock_id = def_of(machine, id)->lock;
    AsyncObject *condition = object_of(loop, id), *lock = object_of(loop, lock_id);
    switch (task->phase) {
    case TRY:
        if (!lock->locked)
            return async_raise(machine, task); // RuntimeError
        async_emit(machine, task, EVENT_ASYNC_RELEASED, lock_id);
        return begin_condition(machine, task, id, lock, &condition->waiters, CONDITION_OVER);
    case CONDITION_OVER:
        // It may have been notified: from 3.13 on another is, in its place.
        if (coroutine_at(machine, task->coroutine)->thrown != EXCEPTION_NONE &&
            minor_of(machine, task) >= 13)
            waiters_wake(machine, &condition->waiters, 1);
        return coroutines_over(machine, task, op);
    default:
        return go_on_at_condition(machine, task, id, lock_id, lock, &condition->waiters);
    }
}

static StepResult step_notify(Machine *machine, Task *task, const Op *op)
{
    Loop *loop = loop_at(machine, task->loop);
    SyncId id = sync_named_by(op);
    AsyncObject *condition = object_of(loop, id);
    if (!object_of(loop, def_of(machine, id)->lock)->locked)
        return async_raise(machine, task); // RuntimeError
    uint32_t wanted = op->code == OP_NOTIFY_ALL ? UINT32_MAX : op->arg[1] == 0 ? 1 : op->arg[1];
    uint32_t woken = waiters_wake(machine, &condition->waiters, wanted);
    machine_emit(machine, EVENT_NOTIFIED, task->core, task->id, id.index1, woken);
    return program_done(task, op);
}

// ---- events

static StepResult step_event(Machine *machine, Task *task, const Op *op)
{
    SyncId id = sync_named_by(op);
    AsyncObject *event = object_of(loop_at(machine, task->loop), id);
    if (task->phase == TRY && event->set)
        return program_done(task, op);
    if (task->phase == TRY)
        return async_wait(machine, task, id, &event->waiters, AWAITED);
    waiters_remove(machine, &event->waiters, coroutine_at(machine, task->coroutine)->local[0]);
    async_wait_over(machine, task, id);
    return coroutines_over(machine, task, op);
}

static StepResult step_set(Machine *machine, Task *task, const Op *op)
{
    SyncId id = sync_named_by(op);
    AsyncObject *event = object_of(loop_at(machine, task->loop), id);
    bool sets = op->code == OP_SET;
    machine_emit(machine, sets ? EVENT_EVENT_SET : EVENT_EVENT_CLEARED, task->core, task->id,
                 id.index1, program_op_index(machine, op));
    async_level(machine, task, id, sets);
    if (sets && !event->set)
        waiters_wake(machine, &event->waiters, UINT32_MAX);
    event->set = sets;
    return program_done(task, op);
}

// ---- barriers

// A barrier is a count under a condition: who comes while the last round leaves is blocked, then
// counts, and waits until the round is full; the last one to leave lets the next round in.

static StepResult leave_barrier(Machine *machine, Task *task, const Op *op, AsyncObject *barrier)
{
    SyncId id = sync_named_by(op);
    barrier->value--;
    if (!barrier->draining)
        async_level(machine, task, id, barrier->value); // cancelled: the round is not full
    if (barrier->value == 0) {
        barrier->draining = false;
        waiters_wake(machine, &barrier->others, UINT32_MAX);
    }
    async_lock_release(machine, barrier);
    return coroutines_over(machine, task, op);
}

static StepResult arrive(Machine *machine, Task *task, const Op *op, AsyncObject *barrier)
{
    SyncId id = sync_named_by(op);
    async_level(machine, task, id, ++barrier->value);
    task->phase = FILL;
    if (barrier->value < def_of(machine, id)->parameter)
        return STEP_NEXT;
    barrier->draining = true;
    barrier->unfinished++; // rounds
    machine_emit(machine, EVENT_BARRIER_OPENED, task->core, task->id, id.index1,
                 barrier->unfinished);
    async_level(machine, task, id, 0);
    waiters_wake(machine, &barrier->others, UINT32_MAX);
    return STEP_NEXT;
}

static StepResult step_barrier(Machine *machine, Task *task, const Op *op)
{
    SyncId id = sync_named_by(op);
    AsyncObject *barrier = object_of(loop_at(machine, task->loop), id);
    bool thrown = coroutine_at(machine, task->coroutine)->thrown != EXCEPTION_NONE;
    switch (task->phase) {
    case TRY:
    case AWAITED:
        return take_lock(machine, task, op, barrier);
    case TAKEN:
    case BLOCKED:
        if (thrown) {
            async_lock_release(machine, barrier);
            return coroutines_over(machine, task, op);
        }
        if (barrier->draining)
            return begin_condition(machine, task, id, barrier, &barrier->others, BLOCKED);
        return arrive(machine, task, op, barrier);
    case FILL:
        if (thrown || barrier->draining)
            return leave_barrier(machine, task, op, barrier);
        return begin_condition(machine, task, id, barrier, &barrier->others, FILL);
    default:
        return go_on_at_condition(machine, task, id, id, barrier, &barrier->others);
    }
}

// ---- one op

static OpStep step_of(const Machine *machine, const Op *op)
{
    switch (op->code) {
    case OP_LOCK:
    case OP_ACQUIRE:
        return step_take;
    case OP_WITH:
        return step_with;
    case OP_UNLOCK:
        return release_lock;
    case OP_RELEASE:
        return step_release;
    case OP_WAIT:
        return def_of(machine, sync_named_by(op))->kind == SYNC_EVENT ? step_event : step_condition;
    case OP_NOTIFY:
    case OP_NOTIFY_ALL:
        return step_notify;
    case OP_SET:
    case OP_CLEAR:
        return step_set;
    case OP_BARRIER:
        return step_barrier;
    default:
        return async_queue_step(op);
    }
}

StepResult step_async_object(Machine *machine, Task *task, const Op *op)
{
    if (coroutines_loop(machine, task, op) == NULL)
        return STEP_ENDED;
    bool queue = def_of(machine, sync_named_by(op))->kind == SYNC_QUEUE;
    if (task->phase == PHASE_ENTER)
        return program_work(machine, task, false,
                            machine_cost(machine, queue ? COST_ASYNC_QUEUE : COST_ASYNC_LOCK), TRY);
    return step_of(machine, op)(machine, task, op);
}

bool async_object_test(const Machine *machine, const Task *task, SyncId id)
{
    const AsyncObject *object = object_of(loop_at(machine, task->loop), id);
    switch (def_of(machine, id)->kind) {
    case SYNC_EVENT:
        return object->set;
    case SYNC_QUEUE:
        return object->items.count > 0;
    case SYNC_SEMAPHORE:
        return object->value > 0;
    default:
        return object->locked;
    }
}
