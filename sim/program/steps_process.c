// Ops on processes: fork, spawn_process, exec, wait_child, kill, on_signal, pause.
#include "sim/kernel/fork.h"
#include "sim/kernel/process_end.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/signal.h"
#include "sim/kernel/wait_list.h"
#include "sim/program/children.h"
#include "sim/program/data.h"
#include "sim/program/world.h"
#include "sim/python/collector.h"
#include "sim/python/gil.h"

// ---- new processes

// As a spawn of threads: a system call a process. The child of a spawn_process has its program to
// begin first, which is the cost of an exec and its own. `before`: what the caller does before
// each.
static StepResult start_children(Machine *machine, Task *task, const Op *op, bool copy,
                                 Duration before)
{
    enum { CALLED = 1, STARTED, PREPARED };
    uint32_t count = op->arg[2] == 0 ? 1 : op->arg[2];
    if (task->phase == CALLED) {
        Duration cost = fork_start(machine, task, (ThreadDefId){op->arg[1]}, copy);
        if (!machine->ended) { // else there was no room for it
            const Task *child = task_at(machine, (TaskId){machine->task_count});
            if (copy)
                collector_fork(machine, process_of(machine, task), process_of(machine, child));
            data_ordered(machine, task, op, EVENT_SPAWNED, machine->task_count);
        }
        return program_work(machine, task, true, cost, STARTED);
    }
    if (task->phase == STARTED) {
        program_syscall_over(machine, task);
        if (++task->scratch == count)
            return program_done(task, op);
    } else if (task->phase == PHASE_ENTER) {
        task->scratch = 0;
    }
    if (task->phase != PREPARED && before.ns > 0)
        return program_work(machine, task, false, before, PREPARED);
    Duration cost =
        copy ? fork_cost(machine, process_of(machine, task)) : machine_cost(machine, COST_VFORK);
    return program_syscall(machine, task, copy ? SYSCALL_FORK : SYSCALL_VFORK,
                           duration_add(machine_cost(machine, COST_SYSCALL), cost), CALLED);
}

StepResult step_FORK(Machine *machine, Task *task, const Op *op)
{
    return start_children(machine, task, op, true, (Duration){0});
}

StepResult step_SPAWN_PROCESS(Machine *machine, Task *task, const Op *op)
{
    return start_children(machine, task, op, false, (Duration){0});
}

StepResult step_START_PROCESS(Machine *machine, Task *task, const Op *op)
{
    return start_children(machine, task, op, op->arg[3] != START_SPAWN + 1,
                          machine_cost(machine, COST_PROCESS_START));
}

StepResult step_EXEC(Machine *machine, Task *task, const Op *op)
{
    enum { LOADED = 1 };
    if (task->phase == PHASE_ENTER) {
        Duration cost =
            duration_add(machine_cost(machine, COST_SYSCALL), machine_cost(machine, COST_EXEC));
        return program_syscall(machine, task, SYSCALL_EXECVE, cost, LOADED);
    }
    fork_exec(machine, task);
    machine_free_frames(machine, task);
    if (task->turn != NULL) // it runs Python
        interpreter_restart(machine, process_of(machine, task), task);
    if (world_may_stop(machine, task))
        world_restart(machine, task);
    task->op = op->arg[0];
    task->phase = PHASE_ENTER;
    program_syscall_over(machine, task);
    return STEP_NEXT;
}

// ---- waiting for children

// wait4(2) for a child made from `which`, or any; at its end `*done` is true.
static StepResult wait_child(Machine *machine, Task *task, ProcessId which, bool *done)
{
    enum { LOOK = 1, RETURNED };
    Process *process = process_of(machine, task);
    Duration call = machine_cost(machine, COST_SYSCALL);
    switch (task->phase) {
    case PHASE_ENTER:
        return program_syscall(machine, task, SYSCALL_WAIT4, half(call, false), LOOK);
    case LOOK: {
        Process *child = process_ended_child(machine, process, which);
        Duration rest = half(call, true);
        if (child != NULL) {
            machine_emit(machine, EVENT_PROCESS_REAPED, task->core, task->id, child->pid.index1,
                         child->status);
            process_reap(machine, child);
            rest = duration_add(rest, machine_cost(machine, COST_WAIT_CHILD));
        } else if (process_has_child(machine, process, which)) {
            if (program_interrupted(task, LOOK))
                return STEP_NEXT;
            machine_emit(machine, EVENT_CHILD_WAIT, task->core, task->id, process->pid.index1,
                         process->children);
            wait_list_add(machine, &process->waiters, task);
            sched_block(machine, task, SWITCH_BLOCKED_CHILD);
            return program_blocked(task, LOOK);
        }
        // Without a child to wait for, wait4 returns an error at once (ECHILD).
        return program_work(machine, task, true, rest, RETURNED);
    }
    default:
        program_syscall_over(machine, task);
        *done = true;
        return STEP_NEXT;
    }
}

StepResult step_WAIT_CHILD(Machine *machine, Task *task, const Op *op)
{
    bool done = false;
    StepResult result = wait_child(machine, task, (ProcessId){op->arg[0]}, &done);
    return done ? program_done(task, op) : result;
}

StepResult children_join(Machine *machine, Task *task, const Op *op, ProcessId which)
{
    bool done = false;
    if (task->phase == PHASE_ENTER && !process_has_child(machine, process_of(machine, task), which))
        return program_done(task, op);
    StepResult result = wait_child(machine, task, which, &done);
    if (done)
        task->phase = PHASE_ENTER; // the next one
    return result;
}

// ---- signals

StepResult step_KILL(Machine *machine, Task *task, const Op *op)
{
    enum { SENT = 1, RETURNED };
    SignalId signal = op->arg[1] == 0 ? SIGNAL_TERM : (SignalId)(op->arg[1] - 1);
    if (task->phase == PHASE_ENTER) {
        Duration cost =
            duration_add(machine_cost(machine, COST_SYSCALL), machine_cost(machine, COST_KILL));
        return program_syscall(machine, task, SYSCALL_KILL, cost, SENT);
    }
    // All processes of that name, its own last.
    Process *own = process_of(machine, task);
    for (size_t i = 0; i < machine->processes.count; i++) {
        Process *process = machine->processes.at[i];
        if (process != own && process->def.index1 == op->arg[0])
            signal_send(machine, process, signal, task);
    }
    if (own->def.index1 == op->arg[0])
        signal_send(machine, own, signal, task);
    if (task->state == TASK_DEAD)
        return STEP_ENDED;
    program_syscall_over(machine, task);
    return program_done(task, op);
}

StepResult step_ON_SIGNAL(Machine *machine, Task *task, const Op *op)
{
    enum { SET = 1 };
    if (task->phase == PHASE_ENTER)
        return program_syscall(machine, task, SYSCALL_RT_SIGACTION,
                               machine_cost(machine, COST_SYSCALL), SET);
    process_of(machine, task)->handlers[op->arg[0] - 1] =
        op->arg[1] == 0 ? HANDLER_IGNORE : op->arg[1];
    program_syscall_over(machine, task);
    return program_done(task, op);
}

StepResult step_PAUSE(Machine *machine, Task *task, const Op *op)
{
    enum { ASLEEP = 1 };
    (void)op; // a signal ends it: see attention.c
    if (task->phase == PHASE_ENTER)
        return program_syscall(machine, task, SYSCALL_PAUSE, machine_cost(machine, COST_SYSCALL),
                               ASLEEP);
    if (program_interrupted(task, ASLEEP))
        return STEP_NEXT;
    sched_block(machine, task, SWITCH_BLOCKED_SIGNAL);
    return program_blocked(task, ASLEEP);
}
