// Ops on what processes exchange bytes by: write, read, read_until_eof and close of pipes, and
// messages. A transfer is a system call whose copy takes time by the byte; what the pipe or the
// queue then has decides how much of it was of use, and whether it goes on, waits or is over.
#include "sim/kernel/message_queue.h"
#include "sim/kernel/pipe.h"
#include "sim/kernel/process_data.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/signal.h"
#include "sim/program/files.h"
#include "sim/program/unwind.h"

#include <inttypes.h>

// Phases of all of them.
enum { LOOK = 1, COPIED, RETURNED, ENDED_RETURNED, BROKEN_RETURNED };

static uint64_t size_of(const Machine *machine, const Op *op)
{
    return machine->scenario->sizes[op->arg[1] - 1];
}

Duration file_copy_cost(const Machine *machine, uint64_t bytes)
{
    uint64_t page = (uint64_t)machine_cost(machine, COST_COPY_PAGE).ns;
    // Exact for whole pages; the rest in proportion.
    return (Duration){
        (int64_t)(bytes / PAGE_BYTES * page + bytes % PAGE_BYTES * page / PAGE_BYTES)};
}

static StepResult enter_call(Machine *machine, Task *task, SyscallId call, CostId cost)
{
    return program_syscall(
        machine, task, call,
        duration_add(half(machine_cost(machine, COST_SYSCALL), false), machine_cost(machine, cost)),
        LOOK);
}

static StepResult leave_call(Machine *machine, Task *task, Duration more, uint8_t phase)
{
    Duration rest = half(machine_cost(machine, COST_SYSCALL), true);
    return program_work(machine, task, true, duration_add(rest, more), phase);
}

// ---- pipes

bool file_is_open(Machine *machine, Task *task, const Op *op, PipeEnd end)
{
    PipeId pipe = {op->arg[0]};
    if (pipe_is_open(process_of(machine, task), pipe, end))
        return true;
    char name[96];
    machine_fail(
        machine, machine->scenario->op_at[program_op_index(machine, op)],
        "at %" PRId64 " ns %s uses the %s end of '%s', which its process has closed",
        machine->now.ns, machine_task_name(machine, task->id, name), pipe_end_name(end),
        scenario_string(machine->scenario, machine->scenario->pipes[pipe.index1 - 1].name));
    return false;
}

// What a write has left, and above it how much it is copying.
enum { LEFT_BITS = 47 };

static uint64_t write_left(const Task *task)
{
    return task->scratch & ((UINT64_C(1) << LEFT_BITS) - 1);
}

// Nobody can read what it writes: SIGPIPE, which ends the process unless it says otherwise; then
// the write returns an error (EPIPE). Python says otherwise from the start: it ignores the signal,
// and raises the error.
static StepResult write_broken(Machine *machine, Task *task, const Op *op)
{
    uint32_t line = machine->scenario->op_at[program_op_index(machine, op)].line;
    machine_emit(machine, EVENT_PIPE_BROKEN, task->core, task->id, op->arg[0], line);
    Process *process = process_of(machine, task);
    bool python = process_family(machine, process)->runtime.python;
    if (!python || process->handlers[SIGNAL_PIPE] != HANDLER_DEFAULT)
        signal_send(machine, process, SIGNAL_PIPE, task);
    if (task->state == TASK_DEAD)
        return STEP_ENDED;
    return leave_call(machine, task, (Duration){0}, python ? BROKEN_RETURNED : RETURNED);
}

static StepResult write_look(Machine *machine, Task *task, const Op *op, uint64_t size)
{
    PipeId id = {op->arg[0]};
    const Pipe *pipe = pipe_at(machine, id);
    uint64_t left = write_left(task);
    if (!file_is_open(machine, task, op, PIPE_END_WRITE))
        return STEP_ENDED;
    if (pipe->open[PIPE_END_READ] == 0)
        return write_broken(machine, task, op);
    uint32_t bytes = pipe_room(pipe, size, left);
    if (bytes == 0) {
        if (program_interrupted(task, LOOK))
            return STEP_NEXT;
        task->writing = size;
        pipe_wait(machine, task, id, PIPE_END_WRITE);
        return program_blocked(task, LOOK);
    }
    task->scratch = left | (uint64_t)bytes << LEFT_BITS;
    return program_work(machine, task, true, file_copy_cost(machine, bytes), COPIED);
}

// How long the lines are that a write is made of; 0: it is of none.
static uint64_t line_bytes(const Machine *machine, const Op *op)
{
    bool lines = op->code == OP_WRITE && op->arg[2] != 0;
    return lines ? machine->scenario->sizes[op->arg[1] - 1] : 0;
}

static StepResult write_copied(Machine *machine, Task *task, const Op *op, uint64_t size)
{
    PipeId id = {op->arg[0]};
    const Pipe *pipe = pipe_at(machine, id);
    uint64_t left = write_left(task), copied = task->scratch >> LEFT_BITS;
    // Others may have filled the pipe meanwhile, or closed it.
    uint32_t bytes = pipe->open[PIPE_END_READ] == 0 ? 0 : pipe_room(pipe, size, left);
    bytes = bytes < copied ? bytes : (uint32_t)copied;
    Duration cost = {0};
    if (bytes > 0)
        cost = pipe_written(machine, task, id, bytes, line_bytes(machine, op), size - left);
    task->scratch = left - bytes;
    if (left > bytes)
        return program_work(machine, task, true, cost, LOOK);
    return leave_call(machine, task, cost, RETURNED);
}

StepResult file_write_bytes(Machine *machine, Task *task, const Op *op, uint64_t size, bool *done)
{
    switch (task->phase) {
    case PHASE_ENTER:
        task->scratch = size;
        return enter_call(machine, task, SYSCALL_WRITE, COST_PIPE_WRITE);
    case LOOK:
        return write_look(machine, task, op, size);
    case COPIED:
        return write_copied(machine, task, op, size);
    default:
        program_syscall_over(machine, task);
        *done = true;
        return STEP_NEXT;
    }
}

StepResult step_WRITE(Machine *machine, Task *task, const Op *op)
{
    bool done = false;
    bool broken = task->phase == BROKEN_RETURNED;
    uint64_t size = size_of(machine, op) * (op->arg[2] == 0 ? 1 : op->arg[2]);
    StepResult result = file_write_bytes(machine, task, op, size, &done);
    if (done && broken)
        return unwind_raise(machine, task, EXCEPTION_ERROR); // BrokenPipeError
    return done ? program_done(task, op) : result;
}

// One read, from PHASE_ENTER to RETURNED, or to ENDED_RETURNED at the end of the file.
static StepResult read_step(Machine *machine, Task *task, const Op *op, uint64_t size)
{
    PipeId id = {op->arg[0]};
    const Pipe *pipe = pipe_at(machine, id);
    if (task->phase == PHASE_ENTER)
        return enter_call(machine, task, SYSCALL_READ, COST_PIPE_READ);
    if (task->phase == COPIED && pipe->level > 0) {
        uint32_t bytes = task->scratch < pipe->level ? (uint32_t)task->scratch : pipe->level;
        task->scratch = bytes;
        return leave_call(machine, task, pipe_read(machine, task, id, bytes), RETURNED);
    }
    if (!file_is_open(machine, task, op, PIPE_END_READ))
        return STEP_ENDED;
    if (pipe->level > 0) {
        task->scratch = size < pipe->level ? size : pipe->level;
        return program_work(machine, task, true, file_copy_cost(machine, task->scratch), COPIED);
    }
    if (pipe->open[PIPE_END_WRITE] == 0) {
        machine_emit(machine, EVENT_PIPE_EOF, task->core, task->id, id.index1, 0);
        return leave_call(machine, task, (Duration){0}, ENDED_RETURNED);
    }
    if (program_interrupted(task, LOOK))
        return STEP_NEXT;
    pipe_wait(machine, task, id, PIPE_END_READ);
    return program_blocked(task, LOOK);
}

StepResult file_read_bytes(Machine *machine, Task *task, const Op *op, uint64_t size, bool *done)
{
    if (task->phase != RETURNED && task->phase != ENDED_RETURNED)
        return read_step(machine, task, op, size);
    if (task->phase == ENDED_RETURNED)
        task->scratch = 0;
    program_syscall_over(machine, task);
    *done = true;
    return STEP_NEXT;
}

StepResult step_READ(Machine *machine, Task *task, const Op *op)
{
    bool done = false;
    StepResult result = file_read_bytes(machine, task, op, size_of(machine, op), &done);
    return done ? program_done(task, op) : result;
}

StepResult step_READ_UNTIL_EOF(Machine *machine, Task *task, const Op *op)
{
    if (task->phase == PHASE_BLOCK_DONE)
        task->phase = PHASE_ENTER;
    if (task->phase != RETURNED && task->phase != ENDED_RETURNED)
        return read_step(machine, task, op, size_of(machine, op));
    bool ended = task->phase == ENDED_RETURNED;
    program_syscall_over(machine, task);
    if (ended)
        return program_done(task, op);
    task->phase = PHASE_ENTER;
    if (op->arg[2] != 0)
        task->op = op->arg[2];
    return STEP_NEXT;
}

StepResult step_CLOSE(Machine *machine, Task *task, const Op *op)
{
    PipeId pipe = {op->arg[0]};
    PipeEnd end = (PipeEnd)(op->arg[1] - 1);
    if (task->phase == PHASE_ENTER)
        return program_syscall(machine, task, SYSCALL_CLOSE, machine_cost(machine, COST_SYSCALL),
                               RETURNED);
    if (!file_is_open(machine, task, op, end))
        return STEP_ENDED;
    machine_emit(machine, EVENT_PIPE_CLOSED, task->core, task->id, pipe.index1, end);
    pipe_close(machine, process_of(machine, task), pipe, end, task);
    program_syscall_over(machine, task);
    return program_done(task, op);
}

// ---- messages

StepResult step_SEND_MESSAGE(Machine *machine, Task *task, const Op *op)
{
    MessageQueueId id = {op->arg[0]};
    const MessageQueue *queue = message_queue_at(machine, id);
    bool full = queue->count == queue->capacity;
    if (task->phase == PHASE_ENTER)
        return enter_call(machine, task, SYSCALL_MQ_SEND, COST_MESSAGE_SEND);
    if (task->phase == RETURNED) {
        program_syscall_over(machine, task);
        return program_done(task, op);
    }
    if (full) {
        if (program_interrupted(task, LOOK))
            return STEP_NEXT;
        message_queue_wait(machine, task, id, true);
        return program_blocked(task, LOOK);
    }
    if (task->phase == LOOK)
        return program_work(machine, task, true, file_copy_cost(machine, size_of(machine, op)),
                            COPIED);
    Duration cost = message_queue_send(machine, task, id, size_of(machine, op));
    return leave_call(machine, task, cost, RETURNED);
}

StepResult step_RECEIVE_MESSAGE(Machine *machine, Task *task, const Op *op)
{
    MessageQueueId id = {op->arg[0]};
    const MessageQueue *queue = message_queue_at(machine, id);
    if (task->phase == PHASE_ENTER)
        return enter_call(machine, task, SYSCALL_MQ_RECEIVE, COST_MESSAGE_RECEIVE);
    if (task->phase == RETURNED) {
        program_syscall_over(machine, task);
        return program_done(task, op);
    }
    if (queue->count == 0) {
        if (program_interrupted(task, LOOK))
            return STEP_NEXT;
        message_queue_wait(machine, task, id, false);
        return program_blocked(task, LOOK);
    }
    if (task->phase == LOOK)
        return program_work(machine, task, true,
                            file_copy_cost(machine, queue->bytes[queue->first]), COPIED);
    return leave_call(machine, task, message_queue_receive(machine, task, id), RETURNED);
}
