// The ops lock, unlock and with: what all kinds of locks have in common. How each kind is taken and
// released is in mutex.c, spinlock.c and rwlock.c.
#include "sim/program/futex.h"

#include "sim/base/check.h"

#include <inttypes.h>

// ---- for the kinds

void lock_taken(Machine *machine, Task *task, const Op *op, SyncId id)
{
    sync_of(machine, task, id)->owner = task->id;
    machine_emit(machine, EVENT_LOCK_TAKEN, task->core, task->id, id.index1,
                 program_op_index(machine, op));
}

void lock_released(Machine *machine, Task *task, SyncId id)
{
    sync_of(machine, task, id)->owner = (TaskId){0};
    machine_emit(machine, EVENT_LOCK_RELEASED, task->core, task->id, id.index1, 0);
}

bool lock_owned(Machine *machine, Task *task, const Op *op, SyncId id, const char *does)
{
    const Sync *sync = sync_of(machine, task, id);
    if (ID_EQUAL(sync->owner, task->id))
        return true;
    char name[96], holder[96];
    const Scenario *scenario = machine->scenario;
    machine_fail(machine, scenario->op_at[program_op_index(machine, op)],
                 "at %" PRId64 " ns %s %s '%s', which it does not hold (%s does)", machine->now.ns,
                 machine_task_name(machine, task->id, name), does,
                 scenario_string(scenario, sync_def(machine, id)->name),
                 machine_task_name(machine, sync->owner, holder));
    return false;
}

// ---- any kind

StepResult lock_take(Machine *machine, Task *task, const Op *op, SyncId id, bool reading,
                     bool *done)
{
    switch (sync_def(machine, id)->kind) {
    case SYNC_PI:
        return pi_lock_take(machine, task, op, id, done);
    case SYNC_SPIN:
        return spinlock_take(machine, task, op, id, done);
    case SYNC_RWLOCK:
        return reading ? rwlock_read(machine, task, op, id, done)
                       : rwlock_write(machine, task, op, id, done);
    default:
        return mutex_take(machine, task, op, id, done);
    }
}

StepResult lock_release(Machine *machine, Task *task, const Op *op, SyncId id, bool *done)
{
    SyncKind kind = sync_def(machine, id)->kind;
    // A reader-writer lock has readers that nobody counts one by one.
    bool reads = kind == SYNC_RWLOCK && sync_of(machine, task, id)->rwlock.readers > 0;
    if (task->phase == UNLOCK_BEGIN && !reads && !lock_owned(machine, task, op, id, "unlocks"))
        return STEP_ENDED;
    switch (kind) {
    case SYNC_PI:
        return pi_lock_release(machine, task, id, done);
    case SYNC_SPIN:
        return spinlock_release(machine, task, id, done);
    case SYNC_RWLOCK:
        return rwlock_release(machine, task, id, done);
    default:
        return mutex_release(machine, task, op, id, done);
    }
}

// ---- ops

static SyncId lock_of(const Op *op)
{
    return (SyncId){op->arg[0]};
}

StepResult step_LOCK(Machine *machine, Task *task, const Op *op)
{
    bool done = false;
    if (task->phase == PHASE_ENTER)
        task->phase = LOCK_BEGIN;
    StepResult result = lock_take(machine, task, op, lock_of(op), op->arg[1] != 0, &done);
    return done ? program_done(task, op) : result;
}

StepResult step_UNLOCK(Machine *machine, Task *task, const Op *op)
{
    bool done = false;
    if (task->phase == PHASE_ENTER)
        task->phase = UNLOCK_BEGIN;
    StepResult result = lock_release(machine, task, op, lock_of(op), &done);
    return done ? program_done(task, op) : result;
}

StepResult step_WITH(Machine *machine, Task *task, const Op *op)
{
    bool done = false;
    if (task->phase == PHASE_ENTER)
        task->phase = LOCK_BEGIN;
    if (task->phase == PHASE_BLOCK_DONE)
        task->phase = UNLOCK_BEGIN;
    if (task->phase < UNLOCK_BEGIN) {
        StepResult result = lock_take(machine, task, op, lock_of(op), op->arg[2] != 0, &done);
        if (done) {
            task->op = op->arg[1];
            task->phase = PHASE_ENTER;
        }
        return result;
    }
    StepResult result = lock_release(machine, task, op, lock_of(op), &done);
    return done ? program_done(task, op) : result;
}
