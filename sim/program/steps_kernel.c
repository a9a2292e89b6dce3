// The op that only crosses into the kernel and back: a system call by its name.
#include "sim/program/program.h"

typedef struct NamedSyscall {
    SyscallId id;
    int cost; // CostId, or -1
} NamedSyscall;

static const NamedSyscall named[] = {
#define COST_NONE                          (-1)
#define NAMED_SYSCALL(name, syscall, cost) {SYSCALL_##syscall, COST_##cost},
#include "sim/scenario/syscalls.def"
#undef NAMED_SYSCALL
};

StepResult step_SYSCALL(Machine *machine, Task *task, const Op *op)
{
    enum { DONE = 1 };
    if (task->phase == PHASE_ENTER) {
        const NamedSyscall *call = &named[op->arg[0] - 1];
        Duration own = {0};
        if (op->arg[1] != 0)
            own = dist_draw(machine->scenario, op->arg[1], &task->rng);
        else if (call->cost >= 0)
            own = machine_cost(machine, (CostId)call->cost);
        return program_syscall(machine, task, call->id,
                               duration_add(machine_cost(machine, COST_SYSCALL), own), DONE);
    }
    program_syscall_over(machine, task);
    return program_done(task, op);
}
