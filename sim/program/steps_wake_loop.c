// Ops that call into an event loop from outside: from another thread, and from a signal. CPython
// asyncio/base_events.py (call_soon_threadsafe), unix_events.py (add_signal_handler).
#include "sim/base/check.h"
#include "sim/kernel/process.h"
#include "sim/program/coroutines.h"
#include "sim/program/wake_loop.h"

// The FunctionDef (index1) whose first op is `entry`.
static uint32_t function_at(const Scenario *scenario, uint32_t entry)
{
    uint32_t function = 1;
    while (scenario->functions[function - 1].entry != entry)
        function++;
    return function;
}

// The first loop of the process that is open; 0: none.
static uint32_t loop_of(const Machine *machine, Pid process)
{
    size_t count = machine->asyncio == NULL ? 0 : machine->asyncio->loops.count;
    for (uint32_t id = 1; id <= count; id++)
        if (wake_loop_is_open(machine, id) &&
            ID_EQUAL(task_at(machine, loop_at(machine, id)->thread)->process, process))
            return id;
    return 0;
}

// task->scratch: the loop.
StepResult step_CALL_SOON_THREADSAFE(Machine *machine, Task *task, const Op *op)
{
    enum { CALLED = 1 };
    bool done = false;
    if (task->phase == PHASE_ENTER)
        return program_work(machine, task, false, machine_cost(machine, COST_CALL_SOON), CALLED);
    if (task->phase == CALLED)
        task->scratch = loop_of(machine, task->process);
    if (task->scratch == 0) {
        machine_fail(machine, machine->scenario->op_at[program_op_index(machine, op)],
                     "'call_soon_threadsafe': this process runs no event loop now");
        return STEP_ENDED;
    }
    Callback callback = {CALLBACK_CALL, function_at(machine->scenario, op->arg[0])};
    StepResult result =
        wake_loop(machine, task, (uint32_t)task->scratch, callback, 0, CALLED, &done);
    return done ? program_done(task, op) : result;
}

StepResult step_ADD_SIGNAL_HANDLER(Machine *machine, Task *task, const Op *op)
{
    enum { SET = 1 };
    Loop *loop = coroutines_loop(machine, task, op);
    SignalId signal = (SignalId)(op->arg[0] - 1);
    if (loop == NULL)
        return STEP_ENDED;
    if (task->phase == PHASE_ENTER)
        return program_syscall(machine, task, SYSCALL_RT_SIGACTION,
                               machine_cost(machine, COST_SYSCALL), SET);
    Process *process = process_of(machine, task);
    loop->signal_functions[signal] = function_at(machine->scenario, op->arg[1]);
    process->handlers[signal] = op->arg[ADD_SIGNAL_HANDLER_CODE];
    process->wakeup_loop = loop->id;
    program_syscall_over(machine, task);
    return program_done(task, op);
}

// The handler in C: whichever thread the signal has interrupted sends its number. (Python's own
// part of it, a function that does nothing, costs nothing here.)
StepResult step_LIB_WAKEUP_FD(Machine *machine, Task *task, const Op *op)
{
    uint32_t loop = process_of(machine, task)->wakeup_loop;
    bool done = false;
    if (task->phase == PHASE_ENTER && (loop == 0 || !wake_loop_is_open(machine, loop)))
        return program_done(task, op);
    StepResult result =
        wake_loop_send(machine, task, loop, (uint8_t)(op->arg[0] + 1), PHASE_ENTER, &done);
    return done ? program_done(task, op) : result;
}
