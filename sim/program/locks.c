// The ops lock, unlock and with: what all kinds of locks have in common. How each kind is taken and
// released is in mutex.c, spinlock.c and rwlock.c.
#include "sim/program/monitor.h"

#include "sim/base/check.h"
#include "sim/kernel/read_holds.h"
#include "sim/program/unwind.h"

#include <inttypes.h>
#include <stdio.h>

// ---- for the kinds

void lock_taken(Machine *machine, Task *task, const Op *op, SyncId id)
{
    sync_of(machine, task, id)->owner = task->id;
    if (!sync_is_runtime(machine, id))
        machine_emit(machine, EVENT_LOCK_TAKEN, task->core, task->id, id.index1,
                     program_op_index(machine, op));
}

void lock_released(Machine *machine, Task *task, SyncId id)
{
    Sync *sync = sync_of(machine, task, id);
    uint32_t other = ID_EQUAL(sync->owner, task->id) ? 0 : sync->owner.index1;
    sync->owner = (TaskId){0};
    if (!sync_is_runtime(machine, id))
        machine_emit(machine, EVENT_LOCK_RELEASED, task->core, task->id, id.index1, other);
}

bool lock_owned(Machine *machine, Task *task, const Op *op, SyncId id, const char *does)
{
    const Sync *sync = sync_of(machine, task, id);
    if (ID_EQUAL(sync->owner, task->id))
        return true;
    char name[96], owner[96], holder[128];
    const Scenario *scenario = machine->scenario;
    snprintf(holder, sizeof holder, "%s does", machine_task_name(machine, sync->owner, owner));
    bool read = sync_def(machine, id)->kind == SYNC_RWLOCK && sync->rwlock.readers > 0;
    machine_fail(machine, scenario->op_at[program_op_index(machine, op)],
                 "at %" PRId64 " ns %s %s '%s', which it does not hold (%s)", machine->now.ns,
                 machine_task_name(machine, task->id, name), does,
                 scenario_string(scenario, sync_def(machine, id)->name),
                 read ? "others read" : holder);
    return false;
}

StepResult lock_given_up(Machine *machine, Task *task, SyncId id, LockEnd *end)
{
    futex_wait_over(machine, task, id, WAIT_TIMEOUT);
    *end = LOCK_GAVE_UP;
    return STEP_NEXT;
}

// ---- any kind

StepResult lock_take(Machine *machine, Task *task, const Op *op, SyncId id, bool reading,
                     LockEnd *end)
{
    if (sync_def(machine, id)->python)
        return python_lock_take(machine, task, op, id, LOCK_BEGIN, end);
    switch (sync_def(machine, id)->kind) {
    case SYNC_PI:
        return pi_lock_take(machine, task, op, id, end);
    case SYNC_SPIN:
        return spinlock_take(machine, task, op, id, end);
    case SYNC_RWLOCK:
        return reading ? rwlock_read(machine, task, op, id, end)
                       : rwlock_write(machine, task, op, id, end);
    default:
        return mutex_take(machine, task, op, id, end);
    }
}

StepResult lock_release(Machine *machine, Task *task, const Op *op, SyncId id, bool *done)
{
    SyncKind kind = sync_def(machine, id)->kind;
    if (sync_def(machine, id)->python)
        return python_lock_release(machine, task, id, UNLOCK_BEGIN, done);
    bool reads = kind == SYNC_RWLOCK && read_holds_has(machine, task, id);
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

// When the op begins: its timeout counts from now.
static void begin_taking(Machine *machine, Task *task, uint32_t timeout)
{
    if (task->phase != PHASE_ENTER)
        return;
    futex_set_timeout(machine, task, timeout);
    task->phase = LOCK_BEGIN;
}

StepResult step_LOCK(Machine *machine, Task *task, const Op *op)
{
    LockEnd end = LOCK_NOT_YET;
    begin_taking(machine, task, op->arg[2]);
    StepResult result = lock_take(machine, task, op, lock_of(op), op->arg[1] != 0, &end);
    if (end == LOCK_NOT_YET)
        return result;
    return end == LOCK_HAS ? program_done(task, op) : program_else(task, op, op->arg[3]);
}

// RuntimeError: in Python an exception, in C the end of the run (lock_owned).
static bool raises(Machine *machine, const Task *task, SyncId id)
{
    return sync_def(machine, id)->python && task->phase == UNLOCK_BEGIN &&
           !python_lock_may_release(machine, task, id);
}

StepResult step_UNLOCK(Machine *machine, Task *task, const Op *op)
{
    bool done = false;
    if (task->phase == PHASE_ENTER)
        task->phase = UNLOCK_BEGIN;
    if (raises(machine, task, lock_of(op)))
        return unwind_raise(machine, task, EXCEPTION_ERROR);
    StepResult result = lock_release(machine, task, op, lock_of(op), &done);
    return done ? program_done(task, op) : result;
}

StepResult step_WITH(Machine *machine, Task *task, const Op *op)
{
    bool done = false;
    begin_taking(machine, task, op->arg[3]);
    if (task->phase == PHASE_BLOCK_DONE)
        task->phase = UNLOCK_BEGIN;
    if (task->phase < UNLOCK_BEGIN) {
        LockEnd end = LOCK_NOT_YET;
        StepResult result = lock_take(machine, task, op, lock_of(op), op->arg[2] != 0, &end);
        if (end == LOCK_NOT_YET)
            return result;
        return program_else(task, op, end == LOCK_HAS ? op->arg[1] : op->arg[4]);
    }
    if (raises(machine, task, lock_of(op))) {
        task->unwind_from = 0; // instead of what was on its way
        return unwind_raise(machine, task, EXCEPTION_ERROR);
    }
    StepResult result = lock_release(machine, task, op, lock_of(op), &done);
    return done ? program_done(task, op) : result;
}
