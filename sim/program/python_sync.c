// threading's Condition, Semaphore, Event and Barrier: see monitor.h for what they are made of.
// Who was woken at a semaphore looks again, so that another may have taken what it was woken for;
// at an event it does not, and passes even if the event has been cleared since (in 2.7 it looks).
// Each takes the object's lock again first, one after the other. At a barrier who comes while the
// round before is still leaving waits until that is over.
#include "sim/program/data.h"
#include "sim/program/monitor.h"
#include "sim/program/unwind.h"

static unsigned version_of(const Machine *machine, const Task *task)
{
    const Runtime *runtime = &process_family(machine, process_of(machine, task))->runtime;
    return runtime->major * 100u + runtime->minor;
}

static void emit_level(Machine *machine, const Task *task, SyncId id, uint32_t level)
{
    machine_emit(machine, EVENT_SYNC_LEVEL, task->core, task->id, id.index1, level);
}

// ---- conditions

StepResult python_condition_wait(Machine *machine, Task *task, const Op *op, SyncId id)
{
    SyncId lock = sync_def(machine, id)->lock;
    switch (task->phase) {
    case PHASE_ENTER:
        if (!python_lock_may_release(machine, task, lock))
            return unwind_raise(machine, task, EXCEPTION_ERROR);
        task->scratch = 0;
        return program_work(machine, task, false, machine_cost(machine, COST_PYTHON_SYNC),
                            MONITOR_LOOK);
    case MONITOR_LOOK:
        return monitor_wait(machine, task, id, lock, 0, op->arg[1]);
    case MONITOR_AGAIN:
        monitor_leave(machine, task, !monitor_was_notified(task)); // it keeps the lock
        return program_else(task, op, monitor_failed(task) ? op->arg[2] : 0);
    default:
        return monitor_step(machine, task, op, id, lock);
    }
}

StepResult python_condition_notify(Machine *machine, Task *task, const Op *op, SyncId id,
                                   uint32_t count)
{
    SyncId lock = sync_def(machine, id)->lock;
    uint32_t notified;
    switch (task->phase) {
    case PHASE_ENTER:
        if (!python_lock_may_release(machine, task, lock))
            return unwind_raise(machine, task, EXCEPTION_ERROR);
        task->scratch = 0;
        return program_work(machine, task, false, machine_cost(machine, COST_PYTHON_SYNC),
                            MONITOR_LOOK);
    case MONITOR_LOOK:
        notified = monitor_notify(machine, task, id, 0, count);
        machine_emit(machine, EVENT_NOTIFIED, task->core, task->id, id.index1, notified);
        return STEP_NEXT;
    case MONITOR_LEFT:
        return program_done(task, op);
    default:
        return monitor_step(machine, task, op, id, lock);
    }
}

// ---- semaphores

static StepResult try_to_acquire(Machine *machine, Task *task, const Op *op, SyncId id)
{
    Semaphore *semaphore = &sync_of(machine, task, id)->semaphore;
    if (semaphore->value > 0) {
        semaphore->value--;
        machine_emit(machine, EVENT_ACQUIRED, task->core, task->id, id.index1,
                     program_op_index(machine, op));
        emit_level(machine, task, id, semaphore->value);
        return monitor_leave(machine, task, false);
    }
    if (!monitor_has_time(machine, task))
        return monitor_leave(machine, task, true);
    return monitor_wait(machine, task, id, id, 0, op->arg[1]);
}

// An op that looks under the object's lock, first and whenever it is woken: the one of `look`.
static StepResult look_until(Machine *machine, Task *task, const Op *op, SyncId id,
                             StepResult (*look)(Machine *, Task *, const Op *, SyncId))
{
    switch (task->phase) {
    case PHASE_ENTER:
        return monitor_begin(machine, task);
    case MONITOR_LOOK:
    case MONITOR_AGAIN:
        return look(machine, task, op, id);
    case MONITOR_LEFT:
        return program_else(task, op, monitor_failed(task) ? op->arg[2] : 0);
    default:
        return monitor_step(machine, task, op, id, id);
    }
}

StepResult python_acquire(Machine *machine, Task *task, const Op *op, SyncId id)
{
    return look_until(machine, task, op, id, try_to_acquire);
}

// One more is there. False when the run ends, because there are too many.
static bool add_one(Machine *machine, Task *task, const Op *op, SyncId id)
{
    Semaphore *semaphore = &sync_of(machine, task, id)->semaphore;
    if (!semaphore_has_room(machine, task, op, id))
        return false;
    semaphore->value++;
    machine_emit(machine, EVENT_RELEASED, task->core, task->id, id.index1,
                 program_op_index(machine, op));
    emit_level(machine, task, id, semaphore->value);
    return true;
}

// From 3.9 on several can be released at once; before, the program does it one by one.
StepResult python_release(Machine *machine, Task *task, const Op *op, SyncId id)
{
    uint32_t count = op->arg[1] == 0 ? 1 : op->arg[1];
    bool at_once = version_of(machine, task) >= 309;
    switch (task->phase) {
    case PHASE_ENTER:
        task->saved_depth = at_once ? 1 : count; // how often
        return monitor_begin(machine, task);
    case MONITOR_LOOK:
        for (uint32_t i = 0; i < (at_once ? count : 1); i++)
            if (!add_one(machine, task, op, id))
                return STEP_ENDED;
        monitor_notify(machine, task, id, 0, at_once ? count : 1);
        return STEP_NEXT;
    case MONITOR_LEFT:
        return --task->saved_depth == 0 ? program_done(task, op) : monitor_begin(machine, task);
    default:
        return monitor_step(machine, task, op, id, id);
    }
}

// ---- events

static StepResult pass(Machine *machine, Task *task, const Op *op, SyncId id)
{
    data_ordered(machine, task, op, EVENT_EVENT_PASSED, id.index1);
    return monitor_leave(machine, task, false);
}

StepResult python_event_wait(Machine *machine, Task *task, const Op *op, SyncId id)
{
    const Event *event = &sync_of(machine, task, id)->event;
    bool looks_again = version_of(machine, task) < 300;
    switch (task->phase) {
    case PHASE_ENTER:
        return monitor_begin(machine, task);
    case MONITOR_LOOK:
        if (event->set)
            return pass(machine, task, op, id);
        return monitor_wait(machine, task, id, id, 0, op->arg[1]);
    case MONITOR_AGAIN:
        if (looks_again ? event->set : monitor_was_notified(task))
            return pass(machine, task, op, id);
        return monitor_leave(machine, task, true);
    case MONITOR_LEFT:
        return program_else(task, op, monitor_failed(task) ? op->arg[2] : 0);
    default:
        return monitor_step(machine, task, op, id, id);
    }
}

StepResult python_event_change(Machine *machine, Task *task, const Op *op, SyncId id, bool set)
{
    switch (task->phase) {
    case PHASE_ENTER:
        return monitor_begin(machine, task);
    case MONITOR_LOOK:
        sync_of(machine, task, id)->event.set = set;
        machine_emit(machine, set ? EVENT_EVENT_SET : EVENT_EVENT_CLEARED, task->core, task->id,
                     id.index1, program_op_index(machine, op));
        emit_level(machine, task, id, set);
        monitor_notify(machine, task, id, 0, set ? UINT32_MAX : 0);
        return STEP_NEXT;
    case MONITOR_LEFT:
        return program_done(task, op);
    default:
        return monitor_step(machine, task, op, id, id);
    }
}

// ---- barriers

// It goes on; the last one to go lets in who has come for the next round.
static StepResult leave_round(Machine *machine, Task *task, SyncId id)
{
    Barrier *barrier = &sync_of(machine, task, id)->barrier;
    if (--barrier->leaving > 0)
        return monitor_leave(machine, task, false);
    monitor_notify(machine, task, id, 0, UINT32_MAX);
    return STEP_NEXT;
}

static StepResult open(Machine *machine, Task *task, SyncId id)
{
    Barrier *barrier = &sync_of(machine, task, id)->barrier;
    barrier->leaving = barrier->arrived;
    barrier->arrived = 0;
    barrier->round++;
    machine_emit(machine, EVENT_BARRIER_OPENED, task->core, task->id, id.index1, barrier->round);
    emit_level(machine, task, id, 0);
    if (barrier->leaving == 1)
        return leave_round(machine, task, id);
    barrier->leaving--;
    monitor_notify(machine, task, id, 0, UINT32_MAX);
    return STEP_NEXT;
}

static StepResult break_up(Machine *machine, Task *task, SyncId id)
{
    Barrier *barrier = &sync_of(machine, task, id)->barrier;
    machine_emit(machine, EVENT_BARRIER_BROKEN, task->core, task->id, id.index1,
                 barrier->arrived - 1);
    barrier->broken = true;
    barrier->arrived = 0;
    emit_level(machine, task, id, 0);
    monitor_leave(machine, task, true); // but first
    monitor_notify(machine, task, id, 0, UINT32_MAX);
    return STEP_NEXT;
}

// It is not in a round yet.
static StepResult come(Machine *machine, Task *task, const Op *op, SyncId id)
{
    Barrier *barrier = &sync_of(machine, task, id)->barrier;
    if (barrier->broken)
        return monitor_leave(machine, task, true);
    if (barrier->leaving > 0) // without a timeout
        return monitor_wait(machine, task, id, id, 0, 0);
    monitor_leave(machine, task, false); // a wait for its round is another
    monitor_mark(task);
    emit_level(machine, task, id, ++barrier->arrived);
    if (barrier->arrived == sync_def(machine, id)->parameter)
        return open(machine, task, id);
    return monitor_wait(machine, task, id, id, 0, op->arg[1]);
}

static StepResult go_on(Machine *machine, Task *task, const Op *op, SyncId id)
{
    const Barrier *barrier = &sync_of(machine, task, id)->barrier;
    if (!monitor_marked(task))
        return come(machine, task, op, id);
    if (barrier->leaving > 0)
        return leave_round(machine, task, id);
    if (barrier->broken)
        return monitor_leave(machine, task, true);
    if (monitor_has_time(machine, task))
        return monitor_wait(machine, task, id, id, 0, op->arg[1]);
    return break_up(machine, task, id);
}

StepResult python_barrier(Machine *machine, Task *task, const Op *op, SyncId id)
{
    return look_until(machine, task, op, id, go_on);
}
