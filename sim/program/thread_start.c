#include "sim/program/thread_start.h"

#include "sim/kernel/process.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/wait_list.h"
#include "sim/program/data.h"
#include "sim/program/futex.h"
#include "sim/program/gil_turn.h"

static bool is_python(const Machine *machine, const Task *task)
{
    return process_family(machine, process_of(machine, task))->runtime.python;
}

// ---- starting

enum {
    CLONE = THREAD_START + 1,
    CLONED,
    LEAVE_KERNEL,
    LOOK,
    IN_KERNEL,
    WOKEN,
    RETURNED,
};

// The new thread has not run yet.
static void set_up(Machine *machine, Task *task, uint64_t value)
{
    Task *child = task_at(machine, (TaskId){machine->task_count});
    child->scratch = value;
    if (!is_python(machine, task))
        return;
    child->op = machine->scenario->thread_boot;
    child->phase = THREAD_START; // no op of the scenario: it begins none
    child->starter = task->id;
    task->starting = child->id;
}

static StepResult wait_for_start(Machine *machine, Task *task, bool *done)
{
    Duration call = machine_cost(machine, COST_SYSCALL);
    bool begun = ID_NONE(task->starting);
    switch (task->phase) {
    case LOOK:
        *done = begun;
        return begun ? STEP_NEXT : futex_wait(machine, task, IN_KERNEL);
    case IN_KERNEL:
        if (begun)
            return program_work(machine, task, true, half(call, true), RETURNED);
        if (program_interrupted(task, IN_KERNEL))
            return STEP_NEXT;
        sched_block(machine, task, SWITCH_BLOCKED_START);
        return program_blocked(task, WOKEN);
    case WOKEN:
        return program_work(machine, task, true, half(call, true), RETURNED);
    default: // RETURNED
        program_syscall_over(machine, task);
        gil_turn_again(task);
        task->phase = LOOK;
        return STEP_NEXT;
    }
}

StepResult thread_start(Machine *machine, Task *task, const Op *op, ThreadDefId def, uint64_t value,
                        bool *done)
{
    if (task->phase == THREAD_START && is_python(machine, task))
        return program_work(machine, task, false, machine_cost(machine, COST_THREAD_START), CLONE);
    switch (task->phase) {
    case THREAD_START:
    case CLONE:
        return program_syscall(machine, task, SYSCALL_CLONE, machine_cost(machine, COST_CLONE),
                               CLONED);
    case CLONED: {
        uint32_t tasks = machine->task_count;
        Duration cost = process_spawn(machine, def, task);
        if (machine->task_count > tasks) { // else there was no room for it
            set_up(machine, task, value);
            if (!machine->ended)
                data_ordered(machine, task, op, EVENT_SPAWNED, machine->task_count);
        }
        return program_work(machine, task, true, cost, LEAVE_KERNEL);
    }
    case LEAVE_KERNEL:
        program_syscall_over(machine, task);
        task->phase = LOOK;
        *done = !is_python(machine, task);
        return STEP_NEXT;
    default:
        return wait_for_start(machine, task, done);
    }
}

// What a new thread of Python does before its function: it tells who has started it.
StepResult step_LIB_THREAD_BOOT(Machine *machine, Task *task, const Op *op)
{
    enum { BOOTED = THREAD_START + 1, TELL, TOLD };
    Task *starter = ID_NONE(task->starter) ? NULL : task_at(machine, task->starter);
    (void)op;
    switch (task->phase) {
    case THREAD_START:
        return program_work(machine, task, false, machine_cost(machine, COST_THREAD_BOOT), BOOTED);
    case BOOTED:
        task->starter = (TaskId){0};
        if (starter != NULL && ID_EQUAL(starter->starting, task->id)) {
            starter->starting = (TaskId){0};
            bool sleeps =
                starter->state == TASK_BLOCKED && starter->out_reason == SWITCH_BLOCKED_START;
            task->starter = starter->id;
            if (sleeps)
                return futex_wake(machine, task, TELL);
        }
        break;
    case TELL: {
        bool sleeps = starter->state == TASK_BLOCKED && starter->out_reason == SWITCH_BLOCKED_START;
        Duration cost = {0};
        if (sleeps)
            cost = sched_wake(machine, starter, task->id, task->core);
        return program_work(machine, task, true, cost, TOLD);
    }
    default: // TOLD
        program_syscall_over(machine, task);
    }
    task->starter = (TaskId){0};
    task->op = machine->scenario->threads[task->def.index1 - 1].entry;
    task->phase = PHASE_ENTER;
    return STEP_NEXT;
}

// ---- joining

// How many of the group's tasks have yet to end, those still to arrive included.
static uint32_t group_alive(Machine *machine, const Task *task, ThreadDefId def)
{
    const ThreadGroup *group = process_group(machine, task->process, def);
    const ThreadDef *thread = &machine->scenario->threads[def.index1 - 1];
    return (thread->spawned ? group->created : thread->count) - group->ended;
}

StepResult thread_join(Machine *machine, Task *task, const Op *op, ThreadDefId def, bool *done)
{
    enum { JOINING = THREAD_JOIN + 1, JOIN_WOKEN, JOIN_RETURNED };
    uint32_t alive = group_alive(machine, task, def);
    Duration call = machine_cost(machine, COST_SYSCALL);
    switch (task->phase) {
    case THREAD_JOIN:
        if (alive > 0)
            return futex_wait(machine, task, JOINING);
        break;
    case JOINING:
        if (alive > 0) {
            if (program_interrupted(task, JOINING))
                return STEP_NEXT;
            machine_emit(machine, EVENT_JOIN_WAIT, task->core, task->id, def.index1, alive);
            wait_list_add(machine, &process_group(machine, task->process, def)->joiners, task);
            task->waits_join = def;
            sched_block(machine, task, SWITCH_BLOCKED_JOIN);
            return program_blocked(task, JOIN_WOKEN);
        }
        // They ended while this one was on its way: the futex's value has changed.
        return program_work(machine, task, true, half(call, true), JOIN_RETURNED);
    case JOIN_WOKEN:
        task->waits_join = (ThreadDefId){0};
        return program_work(machine, task, true, half(call, true), JOIN_RETURNED);
    default:
        program_syscall_over(machine, task);
        gil_turn_again(task);
    }
    data_ordered(machine, task, op, EVENT_JOINED, def.index1);
    *done = true;
    return STEP_NEXT;
}
