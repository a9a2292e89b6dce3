// Ops between threads: spawn and join. What threads synchronise by has a file a kind.
#include "sim/program/thread_start.h"

// task->scratch: how many have been started.
StepResult step_SPAWN(Machine *machine, Task *task, const Op *op)
{
    uint32_t count = op->arg[2] == 0 ? 1 : op->arg[2];
    bool done = false;
    ThreadDefId def = {op->arg[1]};
    if (task->phase == PHASE_ENTER) {
        task->scratch = 0;
        task->phase = THREAD_START;
    }
    StepResult result = thread_start(machine, task, op, def, 0, &done);
    if (!done)
        return result;
    if (++task->scratch == count)
        return program_done(task, op);
    task->phase = THREAD_START;
    return thread_start(machine, task, op, def, 0, &done);
}

StepResult step_JOIN(Machine *machine, Task *task, const Op *op)
{
    bool done = false;
    if (task->phase == PHASE_ENTER)
        task->phase = THREAD_JOIN;
    StepResult result = thread_join(machine, task, op, (ThreadDefId){op->arg[0]}, &done);
    return done ? program_done(task, op) : result;
}
