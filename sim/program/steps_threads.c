// Ops between threads: spawn and join, lock, unlock and with. A lock is glibc's normal mutex over
// a futex: a compare-and-swap in user space when it is free; else the thread marks it contended and
// sleeps in the kernel. Unlocking a contended mutex wakes one sleeper but hands nothing over: a
// running thread may take it first, and the woken one tries again ("barging").
#include "sim/base/check.h"
#include "sim/kernel/deadlock.h"
#include "sim/kernel/process.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/wait_list.h"
#include "sim/program/program.h"

#include <inttypes.h>

// ---- spawn and join

StepResult step_SPAWN(Machine *machine, Task *task, const Op *op)
{
    enum { CLONED = 1, WOKE };
    ThreadDefId def = {op->arg[1]};
    uint32_t count = op->arg[2] == 0 ? 1 : op->arg[2];
    switch (task->phase) {
    case PHASE_ENTER:
        task->scratch = 0;
        return program_syscall(machine, task, SYSCALL_CLONE, machine_cost(machine, COST_CLONE),
                               CLONED);
    case CLONED:
        return program_work(machine, task, true, process_spawn(machine, def, task), WOKE);
    default:
        program_syscall_over(machine, task);
        if (++task->scratch == count)
            return program_done(task, op);
        return program_syscall(machine, task, SYSCALL_CLONE, machine_cost(machine, COST_CLONE),
                               CLONED);
    }
}

// How many of the group's tasks have yet to end, those still to arrive included.
static uint32_t group_alive(const Machine *machine, ThreadDefId def)
{
    const ThreadGroup *group = &machine->groups[def.index1 - 1];
    const ThreadDef *thread = &machine->scenario->threads[def.index1 - 1];
    return (thread->spawned ? group->created : thread->count) - group->ended;
}

StepResult step_JOIN(Machine *machine, Task *task, const Op *op)
{
    enum { IN_KERNEL = 1, WOKEN, RETURNED };
    ThreadDefId def = {op->arg[0]};
    uint32_t alive = group_alive(machine, def);
    Duration call = machine_cost(machine, COST_SYSCALL);
    switch (task->phase) {
    case PHASE_ENTER:
        if (alive == 0)
            return program_done(task, op);
        return program_syscall(
            machine, task, SYSCALL_FUTEX_WAIT,
            duration_add(half(call, false), machine_cost(machine, COST_FUTEX_WAIT)), IN_KERNEL);
    case IN_KERNEL:
        if (alive > 0) {
            machine_emit(machine, EVENT_JOIN_WAIT, task->core, task->id, def.index1, alive);
            wait_list_add(machine, &machine->groups[def.index1 - 1].joiners, task);
            task->waits_join = def;
            sched_block(machine, task, SWITCH_BLOCKED_JOIN);
            return program_blocked(task, WOKEN);
        }
        // They ended while this one was on its way: the futex's value has changed.
        return program_work(machine, task, true, half(call, true), RETURNED);
    case WOKEN:
        task->waits_join = (ThreadDefId){0};
        return program_work(machine, task, true, half(call, true), RETURNED);
    default:
        program_syscall_over(machine, task);
        return program_done(task, op);
    }
}

// ---- locks

// Phases of taking and of releasing a mutex. `with` does both, so they are numbered through.
enum {
    LOCK_TRY = 1,
    LOCK_IN_KERNEL,
    LOCK_WOKEN,
    LOCK_RETURNED,
    UNLOCK_DONE,
    UNLOCK_IN_KERNEL,
    UNLOCK_WOKE,
    UNLOCK_RETURNED
};

static Sync *mutex_of(Machine *machine, const Op *op)
{
    return &machine->syncs[op->arg[0] - 1];
}

static void mutex_taken(Machine *machine, Task *task, Sync *mutex, uint8_t word, uint32_t lock)
{
    mutex->mutex.word = word;
    mutex->owner = task->id;
    machine_emit(machine, EVENT_LOCK_TAKEN, task->core, task->id, lock, 0);
}

static StepResult mutex_sleep(Machine *machine, Task *task, Sync *mutex, uint32_t lock)
{
    machine_emit(machine, EVENT_LOCK_WAIT, task->core, task->id, lock, mutex->owner.index1);
    wait_list_add(machine, &mutex->waiters, task);
    task->waits_sync = (SyncId){lock};
    sched_block(machine, task, SWITCH_BLOCKED_LOCK);
    deadlock_check(machine, task);
    return program_blocked(task, LOCK_WOKEN);
}

// Steps until the mutex is taken; then `*taken` is true and the result STEP_NEXT.
static StepResult mutex_lock(Machine *machine, Task *task, const Op *op, bool *taken)
{
    Sync *mutex = mutex_of(machine, op);
    uint32_t lock = op->arg[0];
    Duration call = machine_cost(machine, COST_SYSCALL);
    switch (task->phase) {
    case PHASE_ENTER:
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_LOCK), LOCK_TRY);
    case LOCK_TRY:
        if (mutex->mutex.word == 0) {
            mutex_taken(machine, task, mutex, 1, lock);
            *taken = true;
            return STEP_NEXT;
        }
        mutex->mutex.word = 2;
        return program_syscall(
            machine, task, SYSCALL_FUTEX_WAIT,
            duration_add(half(call, false), machine_cost(machine, COST_FUTEX_WAIT)),
            LOCK_IN_KERNEL);
    case LOCK_IN_KERNEL:
        // The kernel looks at the word again under its own lock: sleep only if still contended.
        if (mutex->mutex.word == 2)
            return mutex_sleep(machine, task, mutex, lock);
        return program_work(machine, task, true, half(call, true), LOCK_RETURNED);
    case LOCK_WOKEN:
        task->waits_sync = (SyncId){0};
        return program_work(machine, task, true, half(call, true), LOCK_RETURNED);
    default:
        program_syscall_over(machine, task);
        // It cannot know whether others sleep too, so it takes the mutex as contended.
        if (mutex->mutex.word == 0) {
            mutex_taken(machine, task, mutex, 2, lock);
            *taken = true;
            return STEP_NEXT;
        }
        mutex->mutex.word = 2;
        return program_syscall(
            machine, task, SYSCALL_FUTEX_WAIT,
            duration_add(half(call, false), machine_cost(machine, COST_FUTEX_WAIT)),
            LOCK_IN_KERNEL);
    }
}

static bool mutex_owned(Machine *machine, Task *task, const Op *op)
{
    Sync *mutex = mutex_of(machine, op);
    if (ID_EQUAL(mutex->owner, task->id))
        return true;
    char name[96], holder[96];
    const Scenario *scenario = machine->scenario;
    machine_fail(machine, scenario->op_at[program_op_index(machine, op)],
                 "at %" PRId64 " ns %s unlocks '%s', which it does not hold (%s does)",
                 machine->now.ns, machine_task_name(machine, task->id, name),
                 scenario_string(scenario, scenario->syncs[op->arg[0] - 1].name),
                 machine_task_name(machine, mutex->owner, holder));
    return false;
}

// Steps until the mutex is released; then `*released` is true and the result STEP_NEXT.
static StepResult mutex_unlock(Machine *machine, Task *task, const Op *op, bool *released)
{
    Sync *mutex = mutex_of(machine, op);
    switch (task->phase) {
    case PHASE_ENTER:
    case PHASE_BLOCK_DONE:
        if (!mutex_owned(machine, task, op))
            return STEP_ENDED;
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_UNLOCK),
                            UNLOCK_DONE);
    case UNLOCK_DONE: {
        bool contended = mutex->mutex.word == 2;
        mutex->mutex.word = 0;
        mutex->owner = (TaskId){0};
        machine_emit(machine, EVENT_LOCK_RELEASED, task->core, task->id, op->arg[0], 0);
        if (contended) {
            return program_syscall(machine, task, SYSCALL_FUTEX_WAKE,
                                   duration_add(machine_cost(machine, COST_SYSCALL),
                                                machine_cost(machine, COST_FUTEX_WAKE)),
                                   UNLOCK_IN_KERNEL);
        }
        *released = true;
        return STEP_NEXT;
    }
    case UNLOCK_IN_KERNEL: {
        Task *woken = wait_list_take(machine, &mutex->waiters);
        Duration cost = {0};
        if (woken != NULL)
            cost = sched_wake(machine, woken, task->id, task->core);
        return program_work(machine, task, true, cost, UNLOCK_WOKE);
    }
    default:
        program_syscall_over(machine, task);
        *released = true;
        return STEP_NEXT;
    }
}

StepResult step_LOCK(Machine *machine, Task *task, const Op *op)
{
    bool taken = false;
    StepResult result = mutex_lock(machine, task, op, &taken);
    return taken ? program_done(task, op) : result;
}

StepResult step_UNLOCK(Machine *machine, Task *task, const Op *op)
{
    bool released = false;
    StepResult result = mutex_unlock(machine, task, op, &released);
    return released ? program_done(task, op) : result;
}

StepResult step_WITH(Machine *machine, Task *task, const Op *op)
{
    bool done = false;
    if (task->phase < UNLOCK_DONE) {
        StepResult result = mutex_lock(machine, task, op, &done);
        if (done) {
            task->op = op->arg[1];
            task->phase = PHASE_ENTER;
        }
        return result;
    }
    StepResult result = mutex_unlock(machine, task, op, &done);
    return done ? program_done(task, op) : result;
}
