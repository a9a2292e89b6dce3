// Ops that take time: compute, native, sleep, yield; and print, a system call that takes some.
#include "sim/kernel/process.h"
#include "sim/kernel/sched.h"
#include "sim/program/gil_turn.h"
#include "sim/program/program.h"

StepResult step_COMPUTE(Machine *machine, Task *task, const Op *op)
{
    enum { COMPUTED = 1 };
    if (task->phase == COMPUTED)
        return program_done(task, op);
    Duration length = dist_draw(machine->scenario, op->arg[0], &task->rng);
    return program_work(machine, task, false, program_bytecode(machine, task, length), COMPUTED);
}

StepResult step_NATIVE(Machine *machine, Task *task, const Op *op)
{
    enum { RELEASED = 1, COMPUTED };
    switch (task->phase) {
    case PHASE_ENTER:
        return gil_turn_leave(machine, task, RELEASED);
    case RELEASED:
        return program_work(machine, task, false,
                            dist_draw(machine->scenario, op->arg[0], &task->rng), COMPUTED);
    default:
        return program_done(task, op);
    }
}

StepResult step_SLEEP(Machine *machine, Task *task, const Op *op)
{
    enum { IN_KERNEL = 1, AGAIN, WOKEN, RETURNED };
    Duration call = machine_cost(machine, COST_SYSCALL), length;
    switch (task->phase) {
    case PHASE_ENTER:
        return program_syscall(machine, task, SYSCALL_CLOCK_NANOSLEEP, half(call, false),
                               IN_KERNEL);
    case IN_KERNEL:
        length = dist_draw(machine->scenario, op->arg[0], &task->rng);
        task->scratch = (uint64_t)instant_add(machine->now, length).ns;
        if (program_interrupted(task, AGAIN))
            return STEP_NEXT;
        process_sleep(machine, task, length);
        return program_blocked(task, WOKEN);
    case AGAIN: // for what is left
        length = instant_since((Instant){(int64_t)task->scratch}, machine->now);
        if (length.ns <= 0)
            return program_work(machine, task, true, half(call, true), RETURNED);
        if (program_interrupted(task, AGAIN))
            return STEP_NEXT;
        process_sleep(machine, task, length);
        return program_blocked(task, WOKEN);
    case WOKEN:
        return program_work(machine, task, true, half(call, true), RETURNED);
    default:
        program_syscall_over(machine, task);
        return program_done(task, op);
    }
}

StepResult step_YIELD(Machine *machine, Task *task, const Op *op)
{
    enum { IN_KERNEL = 1, RETURNED };
    switch (task->phase) {
    case PHASE_ENTER: {
        Duration cost =
            duration_add(machine_cost(machine, COST_SYSCALL), machine_cost(machine, COST_YIELD));
        return program_syscall(machine, task, SYSCALL_SCHED_YIELD, cost, IN_KERNEL);
    }
    case IN_KERNEL:
        task->phase = RETURNED;
        sched_yield_to_others(machine, task);
        return STEP_BLOCKED; // still runnable, but whether it goes on is decided first
    default:
        program_syscall_over(machine, task);
        return program_done(task, op);
    }
}

StepResult step_PRINT(Machine *machine, Task *task, const Op *op)
{
    enum { WRITTEN = 1 };
    if (task->phase == PHASE_ENTER) {
        Duration cost =
            duration_add(machine_cost(machine, COST_SYSCALL), machine_cost(machine, COST_PRINT));
        return program_syscall(machine, task, SYSCALL_WRITE, cost, WRITTEN);
    }
    machine_emit(machine, EVENT_PRINT, task->core, task->id, op->arg[0], 0);
    program_syscall_over(machine, task);
    return program_done(task, op);
}
