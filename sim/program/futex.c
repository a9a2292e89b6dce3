#include "sim/program/futex.h"

#include "sim/kernel/deadlock.h"
#include "sim/kernel/process.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/wait_list.h"

Duration sync_cost(const Machine *machine, const Task *task, SyncId id, CostId in_c)
{
    Duration cost = machine_cost(machine, in_c);
    if (sync_is_runtime(machine, id) || sync_def(machine, id)->library ||
        !process_family(machine, process_of(machine, task))->runtime.python)
        return cost;
    return duration_add(cost, machine_cost(machine, COST_PYTHON_SYNC));
}

// ---- waiting

void futex_set_timeout(Machine *machine, Task *task, uint32_t timeout)
{
    task->wait_until = INSTANT_NEVER;
    if (timeout != 0)
        task->wait_until =
            instant_add(machine->now, dist_draw(machine->scenario, timeout, &task->rng));
}

bool futex_timed_out(const Machine *machine, const Task *task)
{
    return task->wait_until.ns <= machine->now.ns;
}

StepResult futex_wait(Machine *machine, Task *task, uint8_t phase)
{
    Duration entry = half(machine_cost(machine, COST_SYSCALL), false);
    return program_syscall(machine, task, SYSCALL_FUTEX_WAIT,
                           duration_add(entry, machine_cost(machine, COST_FUTEX_WAIT)), phase);
}

// What the trace says of a wait: for a lock who has it, else by which op.
static void emit_wait(Machine *machine, const Task *task, const Op *op, SyncId id)
{
    const Sync *sync = sync_of(machine, task, id);
    if (sync_is_runtime(machine, id))
        return;
    if (sync_is_lock(sync_def(machine, id)->kind) && sync->owner.index1 != 0)
        machine_emit(machine, EVENT_LOCK_WAIT, task->core, task->id, id.index1, sync->owner.index1);
    else
        machine_emit(machine, EVENT_SYNC_WAIT, task->core, task->id, id.index1,
                     program_op_index(machine, op));
}

static SwitchReason runtime_reason(const Machine *machine, SyncId id)
{
    if (id.index1 & SYNC_OF_OBJECT)
        return SWITCH_BLOCKED_OBJECT;
    switch ((id.index1 - 1 - machine->scenario->sync_count) % GIL_SYNC_COUNT) {
    case GIL_WORLD_STOPPED:
        return SWITCH_BLOCKED_SYNC;
    case GIL_WORLD_RUNS:
        return SWITCH_BLOCKED_WORLD;
    default:
        return SWITCH_BLOCKED_GIL;
    }
}

static SwitchReason block_reason(const Machine *machine, SyncId id)
{
    if (sync_is_runtime(machine, id))
        return runtime_reason(machine, id);
    return sync_is_lock(sync_def(machine, id)->kind) ? SWITCH_BLOCKED_LOCK : SWITCH_BLOCKED_SYNC;
}

// None is left when who was woken for nothing sleeps again while its timer might fire already, but
// had slack: it has that slack once more (Linux: what is left of it).
static Duration time_left(const Machine *machine, const Task *task)
{
    Duration left = instant_since(task->wait_until, machine->now);
    return left.ns < 0 ? (Duration){0} : left;
}

StepResult futex_sleep(Machine *machine, Task *task, const Op *op, SyncId id, WaitList *list,
                       uint8_t phase)
{
    if (program_interrupted(task, task->phase))
        return STEP_NEXT;
    emit_wait(machine, task, op, id);
    wait_list_add(machine, list, task);
    task->waits_sync = id;
    task->slept = true;
    if (task->wait_until.ns != INSTANT_NEVER.ns)
        process_set_timer(machine, task, time_left(machine, task));
    sched_block(machine, task, block_reason(machine, id));
    deadlock_check(machine, task);
    return program_blocked(task, phase);
}

StepResult futex_return(Machine *machine, Task *task, uint8_t phase)
{
    task->waits_sync = (SyncId){0};
    return program_work(machine, task, true, half(machine_cost(machine, COST_SYSCALL), true),
                        phase);
}

void futex_wait_over(Machine *machine, Task *task, SyncId id, WaitEnd end)
{
    if (task->slept && !sync_is_runtime(machine, id))
        machine_emit(machine, EVENT_SYNC_WAIT_OVER, task->core, task->id, id.index1, end);
    task->slept = false;
}

// ---- waking

StepResult futex_wake(Machine *machine, Task *task, uint8_t phase)
{
    Duration call = machine_cost(machine, COST_SYSCALL);
    return program_syscall(machine, task, SYSCALL_FUTEX_WAKE,
                           duration_add(call, machine_cost(machine, COST_FUTEX_WAKE)), phase);
}

StepResult futex_wake_now(Machine *machine, Task *task, WaitList *list, uint32_t count,
                          uint8_t phase)
{
    Duration cost = {0};
    Task *woken;
    while (count-- > 0 && (woken = wait_list_take(machine, list)) != NULL)
        cost = duration_add(cost, sched_wake(machine, woken, task->id, task->core));
    return program_work(machine, task, true, cost, phase);
}
