#include "sim/program/attention.h"

#include "sim/base/check.h"
#include "sim/kernel/process_end.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/signal.h"
#include "sim/program/futex.h"

// What `attending` says is being seen to.
enum { ATTENDING_MEMORY = 1, ATTENDING_SIGNAL, ATTENDING_RETURN, ATTENDING_EXEC };

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

// ---- the stack of a new task, and new pages of its process's heap

static StepResult memory_faults(Machine *machine, Task *task)
{
    const ThreadDef *def = &machine->scenario->threads[task->def.index1 - 1];
    uint32_t pages = thread_stack_touched(def);
    task->new_pages = 0;
    if (task->stack_there) {
        pages = heap_claim(process_of(machine, task));
        task->new_pages = (uint8_t)pages;
        if (pages == 0) { // there, or another thread faults for them
            task->attention &= (uint8_t)~ATTENTION_MEMORY;
            return STEP_NEXT;
        }
    }
    task->attending = ATTENDING_MEMORY;
    Duration cost = {machine_cost(machine, COST_PF_ANON).ns * pages};
    return program_trap(machine, task, EVENT_PAGE_FAULT, FAULT_ANON, pages, cost, task->phase);
}

static StepResult memory_there(Machine *machine, Task *task)
{
    const ThreadDef *def = &machine->scenario->threads[task->def.index1 - 1];
    uint32_t pages = task->stack_there ? task->new_pages : thread_stack_touched(def);
    if (!process_make_room(machine, task, pages))
        return STEP_ENDED;
    Process *process = process_of(machine, task);
    if (task->stack_there)
        heap_fault(machine, process, pages, machine_node(machine, task->core));
    else
        process_stack_there(machine, task);
    if (process->heap.needed == process->heap.claimed)
        task->attention &= (uint8_t)~ATTENTION_MEMORY;
    address_space_say(machine, process, task->id);
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

// The call that it slept in, or was about to, is over.
static StepResult interrupted(Machine *machine, Task *task)
{
    const Op *op = &machine->scenario->ops[task->op];
    task->attention &= (uint8_t)~ATTENTION_INTERRUPTED;
    program_syscall_over(machine, task);
    if (op->code == OP_PAUSE)
        return program_done(task, op);
    task->attention |= ATTENTION_RESTART;
    return STEP_NEXT;
}

// It goes into the same call again, where it left it: the kernel has set it back to the instruction
// that enters (ERESTARTSYS).
static StepResult restart(Machine *machine, Task *task)
{
    enum { NO_COST = -1 };
    static const struct {
        uint16_t op;
        SyscallId call;
        int cost; // CostId besides half a system call
    } calls[] = {
        {OP_SLEEP, SYSCALL_CLOCK_NANOSLEEP, NO_COST},
        {OP_WAIT_CHILD, SYSCALL_WAIT4, NO_COST},
        {OP_READ, SYSCALL_READ, COST_PIPE_READ},
        {OP_READ_UNTIL_EOF, SYSCALL_READ, COST_PIPE_READ},
        {OP_WRITE, SYSCALL_WRITE, COST_PIPE_WRITE},
        {OP_LIB_POLL, SYSCALL_POLL, COST_EPOLL_WAIT},
        {OP_LIB_READ, SYSCALL_READ, COST_PIPE_READ},
        {OP_LIB_WRITE, SYSCALL_WRITE, COST_PIPE_WRITE},
        {OP_LIB_JOIN_CHILDREN, SYSCALL_WAIT4, NO_COST},
        {OP_JOIN_PROCESS, SYSCALL_WAIT4, NO_COST},
        {OP_SEND_MESSAGE, SYSCALL_MQ_SEND, COST_MESSAGE_SEND},
        {OP_RECEIVE_MESSAGE, SYSCALL_MQ_RECEIVE, COST_MESSAGE_RECEIVE},
        {OP_ASYNCIO_RUN, SYSCALL_EPOLL_WAIT,
         COST_EPOLL_WAIT}, // for the time left, as PEP 475 has it
    };
    task->attention &= (uint8_t)~ATTENTION_RESTART;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (calls[i].op != machine->scenario->ops[task->op].code)
            continue;
        Duration entry = half(machine_cost(machine, COST_SYSCALL), false);
        if (calls[i].cost != NO_COST)
            entry = duration_add(entry, machine_cost(machine, (CostId)calls[i].cost));
        return program_syscall(machine, task, calls[i].call, entry, task->restart);
    }
    return futex_wait(machine, task, task->restart); // all others wait at a futex
}

// What a handler may change of its thread. Four frames keep it, of which the uppermost, which has
// no op, marks the end of the handler: the op with its scratch, when its wait gives up, the rest of
// its segment, and the small rest.
static bool save_interrupted(Machine *machine, Task *task)
{
    bool again = (task->attention & ATTENTION_RESTART) != 0;
    uint64_t rest = (uint64_t)task->saved_depth << 32 | (uint64_t)task->masked << 24 |
                    (uint64_t)task->restart << 16 | (uint64_t)task->slept << 9 |
                    (uint64_t)again << 8 | task->phase;
    return program_push(machine, task, task->op, task->scratch) &&
           program_push(machine, task, 0, (uint64_t)task->wait_until.ns) &&
           program_push(machine, task, 0, (uint64_t)task->unfinished.ns) &&
           program_push(machine, task, 0, rest);
}

static uint64_t pop_value(Machine *machine, Task *task)
{
    uint64_t value = program_frame(machine, task)->value;
    program_pop(machine, task);
    return value;
}

static void restore_interrupted(Machine *machine, Task *task)
{
    uint64_t rest = pop_value(machine, task);
    task->saved_depth = (uint32_t)(rest >> 32);
    signal_mask(task, (uint8_t)(rest >> 24));
    task->restart = (uint8_t)(rest >> 16);
    task->slept = rest >> 9 & 1;
    if (rest >> 8 & 1)
        task->attention |= ATTENTION_RESTART;
    task->phase = (uint8_t)rest;
    task->unfinished = (Duration){(int64_t)pop_value(machine, task)};
    task->wait_until = (Instant){(int64_t)pop_value(machine, task)};
    task->op = program_frame(machine, task)->op;
    task->scratch = pop_value(machine, task);
}

static StepResult handle_signal(Machine *machine, Task *task)
{
    SignalId signal;
    uint32_t handler = signal_take(machine, task, &signal);
    if (handler == 0)
        return resume_unfinished(machine, task);
    if (!save_interrupted(machine, task))
        return STEP_ENDED;
    task->attention &= (uint8_t)~ATTENTION_RESTART;
    task->unfinished = (Duration){0};
    task->slept = false;
    signal_mask(task, (uint8_t)(task->masked | 1u << signal));
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
    restore_interrupted(machine, task);
    program_syscall_over(machine, task);
    if (task->phase != PHASE_ENTER) // else it is about to be said
        machine_emit(machine, EVENT_OP_BEGUN, task->core, task->id, task->op, 0);
    // One that waited for this handler's end comes before the rest of the segment.
    return task->attention & ATTENTION_SIGNAL ? STEP_NEXT : resume_unfinished(machine, task);
}

// ---- which

StepResult attention_step(Machine *machine, Task *task)
{
    if (task->in_turn)
        return gil_turn_step(machine, task);
    uint8_t attending = task->attending;
    task->attending = 0;
    switch (attending) {
    case ATTENDING_MEMORY:
        return memory_there(machine, task);
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
    if (task->attention & ATTENTION_MEMORY)
        return memory_faults(machine, task);
    if (gil_turn_due(task))
        return gil_turn_begin(machine, task);
    if (task->attention & ATTENTION_SIGNAL)
        return handle_signal(machine, task);
    return restart(machine, task);
}
