// Ops between threads: spawn and join. What threads synchronise by has a file a kind.
#include "sim/kernel/process.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/wait_list.h"
#include "sim/program/data.h"
#include "sim/program/futex.h"

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
    case CLONED: {
        Duration cost = process_spawn(machine, def, task);
        if (!machine->ended) // else there was no room for it
            data_ordered(machine, task, op, EVENT_SPAWNED, machine->task_count);
        return program_work(machine, task, true, cost, WOKE);
    }
    default:
        program_syscall_over(machine, task);
        if (++task->scratch == count)
            return program_done(task, op);
        return program_syscall(machine, task, SYSCALL_CLONE, machine_cost(machine, COST_CLONE),
                               CLONED);
    }
}

// How many of the group's tasks have yet to end, those still to arrive included.
static uint32_t group_alive(Machine *machine, const Task *task, ThreadDefId def)
{
    const ThreadGroup *group = process_group(machine, task->process, def);
    const ThreadDef *thread = &machine->scenario->threads[def.index1 - 1];
    return (thread->spawned ? group->created : thread->count) - group->ended;
}

StepResult step_JOIN(Machine *machine, Task *task, const Op *op)
{
    enum { IN_KERNEL = 1, WOKEN, RETURNED };
    ThreadDefId def = {op->arg[0]};
    uint32_t alive = group_alive(machine, task, def);
    Duration call = machine_cost(machine, COST_SYSCALL);
    switch (task->phase) {
    case PHASE_ENTER:
        if (alive == 0) {
            data_ordered(machine, task, op, EVENT_JOINED, def.index1);
            return program_done(task, op);
        }
        return futex_wait(machine, task, IN_KERNEL);
    case IN_KERNEL:
        if (alive > 0) {
            if (program_interrupted(task, IN_KERNEL))
                return STEP_NEXT;
            machine_emit(machine, EVENT_JOIN_WAIT, task->core, task->id, def.index1, alive);
            wait_list_add(machine, &process_group(machine, task->process, def)->joiners, task);
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
        data_ordered(machine, task, op, EVENT_JOINED, def.index1);
        return program_done(task, op);
    }
}
