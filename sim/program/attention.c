#include "sim/program/attention.h"

#include "sim/base/check.h"
#include "sim/kernel/process_end.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/signal.h"

// What `attending` says is being seen to.
enum { ATTENDING_STACK = 1, ATTENDING_SIGNAL, ATTENDING_RETURN, ATTENDING_EXEC };

// ---- kernel time between ops

StepResult program_trap(Machine *machine, Task *task, EventKind kind, uint64_t a, uint64_t b,
                        Duration length, uint8_t phase)
{
    CHECK(!task->in_kernel);
    task->in_kernel = true;
    task->kernel_segment = true;
    machine->cores[task->core].in_kernel = true;
    machine_emit(machine, kind, task->core, task->id, a, b);
    return program_work(machine, task, true, length, phase);
}

// ---- the stack of a new task

static StepResult stack_faults(Machine *machine, Task *task)
{
    const ThreadDef *def = &machine->scenario->threads[task->def.index1 - 1];
    uint32_t pages = thread_stack_touched(def);
    task->attending = ATTENDING_STACK;
    Duration cost = {machine_cost(machine, COST_PF_ANON).ns * pages};
    return program_trap(machine, task, EVENT_PAGE_FAULT, FAULT_ANON, pages, cost, task->phase);
}

static StepResult stack_there(Machine *machine, Task *task)
{
    const ThreadDef *def = &machine->scenario->threads[task->def.index1 - 1];
    uint32_t pages = thread_stack_touched(def);
    if (!process_make_room(machine, task, pages))
        return STEP_ENDED;
    Process *process = process_of(machine, task);
    address_space_stack(machine, process, 0, pages);
    address_space_say(machine, process, task->id);
    task->attention &= (uint8_t)~ATTENTION_STACK;
    program_syscall_over(machine, task);
    return STEP_NEXT;
}

// ---- the program of a spawned process

static StepResult load_program(Machine *machine, Task *task)
{
    task->attention &= (uint8_t)~ATTENTION_EXEC;
    task->attending = ATTENDING_EXEC;
    return program_syscall(
        machine, task, SYSCALL_EXECVE,
        duration_add(machine_cost(machine, COST_SYSCALL), machine_cost(machine, COST_EXEC)),
        task->phase);
}

// ---- signals

static StepResult resume_unfinished(Machine *machine, Task *task)
{
    Duration left = task->unfinished;
    task->unfinished = (Duration){0};
    return program_work(machine, task, false, left, task->phase);
}

// The call that it slept in is over: a sleep ends early, as nanosleep does; all else begins anew,
// as with SA_RESTART.
static StepResult interrupted(Machine *machine, Task *task)
{
    const Op *op = &machine->scenario->ops[task->op];
    task->attention &= (uint8_t)~ATTENTION_INTERRUPTED;
    program_syscall_over(machine, task);
    if (op->code == OP_SLEEP || op->code == OP_PAUSE)
        return program_done(task, op);
    task->phase = PHASE_ENTER;
    return STEP_NEXT;
}

// Two frames keep what is interrupted: the op with its scratch, and above it (marked by op 0) the
// phase and the rest of its segment.
static StepResult handle_signal(Machine *machine, Task *task)
{
    SignalId signal;
    uint32_t handler = signal_take(machine, task, &signal);
    if (handler == 0)
        return resume_unfinished(machine, task);
    uint64_t rest = (uint64_t)task->unfinished.ns << 8 | task->phase;
    if (!program_push(machine, task, task->op, task->scratch) ||
        !program_push(machine, task, 0, rest))
        return STEP_ENDED;
    task->unfinished = (Duration){0};
    task->op = handler;
    task->attending = ATTENDING_SIGNAL;
    return program_trap(machine, task, EVENT_SIGNAL_HANDLED, signal, 0,
                        machine_cost(machine, COST_SIGNAL_DELIVER), PHASE_ENTER);
}

StepResult attention_handler_returns(Machine *machine, Task *task)
{
    task->attending = ATTENDING_RETURN;
    return program_syscall(machine, task, SYSCALL_RT_SIGRETURN, machine_cost(machine, COST_SYSCALL),
                           PHASE_ENTER);
}

static StepResult handler_returned(Machine *machine, Task *task)
{
    uint64_t rest = program_frame(machine, task)->value;
    program_pop(machine, task);
    task->op = program_frame(machine, task)->op;
    task->scratch = program_frame(machine, task)->value;
    program_pop(machine, task);
    task->phase = (uint8_t)(rest & 255);
    task->unfinished = (Duration){(int64_t)(rest >> 8)};
    program_syscall_over(machine, task);
    return resume_unfinished(machine, task);
}

// ---- which

StepResult attention_step(Machine *machine, Task *task)
{
    uint8_t attending = task->attending;
    task->attending = 0;
    switch (attending) {
    case ATTENDING_STACK:
        return stack_there(machine, task);
    case ATTENDING_EXEC:
    case ATTENDING_SIGNAL:
        program_syscall_over(machine, task);
        return STEP_NEXT;
    case ATTENDING_RETURN:
        return handler_returned(machine, task);
    default:
        break;
    }
    if (task->attention & ATTENTION_INTERRUPTED)
        return interrupted(machine, task);
    if (task->attention & ATTENTION_EXEC)
        return load_program(machine, task);
    if (task->attention & ATTENTION_STACK)
        return stack_faults(machine, task);
    return handle_signal(machine, task);
}
