// The steps of what only library code does (sim/scenario/library_ops.def).
#include "sim/program/library.h"

#include "sim/base/check.h"
#include "sim/kernel/pipe.h"
#include "sim/program/children.h"
#include "sim/program/executors.h"
#include "sim/program/files.h"
#include "sim/program/futex.h"
#include "sim/python/multiprocessing.h"

#include <inttypes.h>

static StepResult go_to(Task *task, uint32_t op)
{
    task->op = op;
    task->phase = PHASE_ENTER;
    return STEP_NEXT;
}

static StepResult go_if(Task *task, const Op *op, bool holds, uint32_t place)
{
    return holds ? go_to(task, place) : program_done(task, op);
}

// Python code, before the next op.
static StepResult python_work(Machine *machine, Task *task, const Op *op, Duration length)
{
    task->op = op->next;
    return program_work(machine, task, false, length, PHASE_ENTER);
}

static Message *in_hand(const Machine *machine, const Task *task)
{
    CHECK(task->message != 0);
    return message_at(machine, task->message);
}

// ---- calling library code

enum { STAGE_BITS = 32 };

bool library_call(Machine *machine, Task *task, const Op *op, uint32_t entry, uint32_t stage)
{
    uint64_t value = (uint64_t)task->message << STAGE_BITS | stage;
    if (!program_push(machine, task, program_op_index(machine, op), value))
        return false;
    task->message = 0;
    go_to(task, entry);
    return true;
}

bool library_calls(const Op *op)
{
    switch (op->code) {
    case OP_AWAIT: // else it calls a coroutine
        return executors_awaits(op);
    case OP_SUBMIT:
    case OP_SHUTDOWN:
    case OP_LIB_EXECUTOR_STOP:
    case OP_SEND_OBJECT:
    case OP_RECEIVE_OBJECT:
    case OP_POOL_APPLY:
    case OP_POOL_MAP:
    case OP_POOL_IMAP:
    case OP_POOL_IMAP_UNORDERED:
    case OP_POOL_CLOSE:
    case OP_MANAGER_CALL:
    case OP_LIB_SERVE:
    case OP_LIB_RUN_OBJECT:
    case OP_LIB_RUN_CHUNK:
        return true;
    default:
        return false;
    }
}

StepResult library_returns(Machine *machine, Task *task, const Op *op)
{
    uint64_t value = program_frame(machine, task)->value;
    program_pop(machine, task);
    task->message = (uint32_t)(value >> STAGE_BITS);
    task->scratch = (uint32_t)value;
    task->op = program_op_index(machine, op);
    task->phase = PHASE_LIBRARY_DONE;
    if (op->code <= OP_EXCEPT) // of the scenario: there it is again
        machine_emit(machine, EVENT_OP_BEGUN, task->core, task->id, task->op, 0);
    return STEP_NEXT;
}

bool library_unwinds(Machine *machine, Task *task, const Op *op)
{
    library_returns(machine, task, op);
    if (op->code != OP_LIB_RUN_CHUNK)
        return false;
    Job *job = job_at(machine, in_hand(machine, task)->job);
    if (job->exception == EXCEPTION_NONE)
        job->exception = task->raising;
    task->raising = EXCEPTION_NONE;
    return true;
}

bool library_finishes(Machine *machine, Task *task)
{
    const Process *process = process_of(machine, task);
    uint32_t finish = process_family(machine, process)->finish;
    if (finish == 0 || task->daemon || process->workers - process->leaving > 1)
        return false;
    go_to(task, finish);
    return true;
}

// ---- going on

StepResult step_LIB_GOTO(Machine *machine, Task *task, const Op *op)
{
    (void)machine;
    return go_to(task, op->arg[0]);
}

StepResult step_LIB_COST(Machine *machine, Task *task, const Op *op)
{
    return python_work(machine, task, op, machine_cost(machine, (CostId)op->arg[0]));
}

StepResult step_LIB_BOOT(Machine *machine, Task *task, const Op *op)
{
    Duration length = machine_cost(machine, COST_PROCESS_BOOT);
    if (op->arg[0] == START_SPAWN)
        length = duration_add(machine_cost(machine, COST_PYTHON_START),
                              machine_cost(machine, COST_PYTHON_IMPORT));
    return python_work(machine, task, op, length);
}

// Py_Finalize. A process that another has started ends in os._exit instead (multiprocessing). What
// it does is code in C that keeps the GIL. In CPython the main thread does it, which has joined all
// others that are not daemons; here the last of them does.
StepResult step_LIB_FINALIZE(Machine *machine, Task *task, const Op *op)
{
    enum { FINALIZED = 1 };
    Process *process = process_of(machine, task);
    if (task->phase == FINALIZED) {
        task->in_c = false;
        return program_done(task, op);
    }
    if (!ID_NONE(process->parent))
        return program_done(task, op);
    interpreter_of(machine, process)->finalizer = task->id;
    machine_emit(machine, EVENT_PYTHON_ENDS, task->core, task->id, interpreter_pack(task), 0);
    task->in_c = true;
    return program_work(machine, task, false, machine_cost(machine, COST_PYTHON_END), FINALIZED);
}

// ---- bytes

static Duration pack_cost(const Machine *machine, const Message *message, CostId one,
                          CostId further)
{
    uint64_t kib = (uint64_t)machine_cost(machine, COST_PICKLE_KIB).ns;
    uint64_t ns = (message->bytes >> 10) * kib + (message->bytes & 1023) * kib / 1024;
    if (message->objects > 1)
        ns += (message->objects - 1) * (uint64_t)machine_cost(machine, further).ns;
    return duration_add(machine_cost(machine, one), (Duration){(int64_t)ns});
}

StepResult step_LIB_PICKLE(Machine *machine, Task *task, const Op *op)
{
    return python_work(machine, task, op,
                       pack_cost(machine, in_hand(machine, task), COST_PICKLE, COST_PICKLE_OBJECT));
}

StepResult step_LIB_UNPICKLE(Machine *machine, Task *task, const Op *op)
{
    return python_work(
        machine, task, op,
        pack_cost(machine, in_hand(machine, task), COST_UNPICKLE, COST_UNPICKLE_OBJECT));
}

// The sender's hands are empty.
static StepResult sent(Machine *machine, Task *task, const Op *op)
{
    message_drop(machine, task->message);
    task->message = 0;
    return program_done(task, op);
}

// With its first byte the message is on its way, and its receiver may have it before the sender is
// back from his write.
StepResult step_LIB_WRITE(Machine *machine, Task *task, const Op *op)
{
    PipeId pipe = {op->arg[0]};
    Message *message = in_hand(machine, task);
    bool small = message->bytes <= MESSAGE_SMALL_BYTES, rest = op->arg[1] == 1, done = false;
    if (rest && small)
        return sent(machine, task, op);
    uint64_t size = rest ? message->bytes : MESSAGE_HEADER_BYTES + (small ? message->bytes : 0);
    uint32_t level = pipe_at(machine, pipe)->level;
    StepResult result = file_write_bytes(machine, task, op, size, &done);
    if (!rest && message->users == 1 && pipe_at(machine, pipe)->level > level) {
        message->users++;
        message->left = MESSAGE_HEADER_BYTES;
        message_list_add(machine, &machine->multiprocessing->sent[pipe.index1], task->message);
    }
    if (!done)
        return result;
    return rest ? sent(machine, task, op) : program_done(task, op);
}

// Two read one pipe without a lock: one takes another's bytes for a length.
static StepResult garbled(Machine *machine, Task *task, const Op *op)
{
    char name[96];
    const PipeDef *pipe = &machine->scenario->pipes[op->arg[0] - 1];
    machine_fail(machine, machine->scenario->op_at[program_op_index(machine, op)],
                 "at %" PRId64 " ns %s reads from '%s' what was meant for another, who reads it at "
                 "the same time: a simple_queue or a queue has a lock for that",
                 machine->now.ns, machine_task_name(machine, task->id, name),
                 scenario_string(machine->scenario, pipe->name));
    return STEP_ENDED;
}

// Reads on until the header, or the rest, is there.
StepResult step_LIB_READ(Machine *machine, Task *task, const Op *op)
{
    MessageList *list = &machine->multiprocessing->sent[op->arg[0]];
    bool rest = op->arg[1] == 1, done = false;
    if (rest && task->phase == PHASE_ENTER && in_hand(machine, task)->left == 0)
        return program_done(task, op); // an empty one
    uint64_t size = task->message == 0 ? MESSAGE_HEADER_BYTES : in_hand(machine, task)->left;
    StepResult result = file_read_bytes(machine, task, op, size, &done);
    if (!done)
        return result;
    uint64_t bytes = task->scratch;
    CHECK(bytes > 0); // who reads has the other end open, too
    if (task->message == 0)
        task->message = message_list_take(machine, list);
    if (task->message == 0)
        return garbled(machine, task, op);
    Message *message = in_hand(machine, task);
    message->left -= bytes;
    if (message->left > 0)
        return go_to(task, program_op_index(machine, op));
    if (!rest)
        message->left = message->bytes;
    return program_done(task, op);
}

// ---- objects

StepResult step_LIB_GOT(Machine *machine, Task *task, const Op *op)
{
    const ConnectionDef *def = connection_def(machine, op->arg[0]);
    machine_emit(machine, EVENT_OBJECT_GOT, task->core, task->id, def->name.index1,
                 in_hand(machine, task)->bytes);
    return program_done(task, op);
}

StepResult step_LIB_RUN_OBJECT(Machine *machine, Task *task, const Op *op)
{
    if (task->phase == PHASE_LIBRARY_DONE)
        return program_done(task, op);
    uint32_t function = in_hand(machine, task)->function;
    message_drop(machine, task->message);
    task->message = 0;
    if (function == 0)
        return program_done(task, op);
    return library_call(machine, task, op, function, 0) ? STEP_NEXT : STEP_ENDED;
}

// ---- a queue's buffer

static Feeder *feeder(Machine *machine, const Task *task, const Op *op)
{
    return feeder_of(machine, process_of(machine, task), op->arg[0]);
}

StepResult step_LIB_FEED(Machine *machine, Task *task, const Op *op)
{
    message_list_add(machine, &feeder(machine, task, op)->buffer, task->message);
    task->message = 0;
    return program_done(task, op);
}

StepResult step_LIB_FEED_LAST(Machine *machine, Task *task, const Op *op)
{
    message_list_add(machine, &feeder(machine, task, op)->buffer,
                     message_make(machine, MESSAGE_LAST, MESSAGE_STOP_BYTES, 1));
    return program_done(task, op);
}

StepResult step_LIB_UNLESS_FEEDER(Machine *machine, Task *task, const Op *op)
{
    Feeder *own = feeder(machine, task, op);
    bool started = own->started;
    own->started = true;
    return go_if(task, op, started, op->arg[1]);
}

StepResult step_LIB_IF_NO_FEEDER(Machine *machine, Task *task, const Op *op)
{
    return go_if(task, op, !feeder(machine, task, op)->started, op->arg[1]);
}

StepResult step_LIB_IF_FED(Machine *machine, Task *task, const Op *op)
{
    return go_if(task, op, feeder(machine, task, op)->buffer.first != 0, op->arg[1]);
}

StepResult step_LIB_UNFEED(Machine *machine, Task *task, const Op *op)
{
    task->message = message_list_take(machine, &feeder(machine, task, op)->buffer);
    if (task->message == 0)
        return go_to(task, op->arg[1]);
    if (in_hand(machine, task)->kind != MESSAGE_LAST)
        return program_done(task, op);
    message_drop(machine, task->message);
    task->message = 0;
    feeder(machine, task, op)->started = false;
    return go_to(task, op->arg[2]);
}

// ---- pools

StepResult step_LIB_STOP(Machine *machine, Task *task, const Op *op)
{
    task->message = message_make(machine, MESSAGE_STOP, MESSAGE_STOP_BYTES, 1);
    return program_done(task, op);
}

StepResult step_LIB_IF_STOP(Machine *machine, Task *task, const Op *op)
{
    if (in_hand(machine, task)->kind != MESSAGE_STOP)
        return program_done(task, op);
    message_drop(machine, task->message);
    task->message = 0;
    uint32_t pool = op->arg[1];
    if (pool == 0 || worker_pool(machine, pool)->jobs == 0)
        return go_to(task, op->arg[0]);
    worker_pool(machine, pool)->closing = true;
    return go_to(task, op->arg[2]);
}

StepResult step_LIB_TAKE_JOB(Machine *machine, Task *task, const Op *op)
{
    uint32_t job = job_take(machine, op->arg[0]);
    worker_pool(machine, op->arg[0])->current = job;
    return go_if(task, op, job == 0, op->arg[1]);
}

static void emit_items(Machine *machine, const Task *task, EventKind kind, uint32_t pool,
                       const Message *chunk)
{
    machine_emit(machine, kind, task->core, task->id, pool_def(machine, pool)->name.index1,
                 items_pack(chunk->first + 1, chunk->count));
}

StepResult step_LIB_NEXT_CHUNK(Machine *machine, Task *task, const Op *op)
{
    task->message = job_next_chunk(machine, worker_pool(machine, op->arg[0])->current);
    return go_if(task, op, task->message == 0, op->arg[1]);
}

// The chunk's items, one after the other; then its message is that of the results.
StepResult step_LIB_RUN_CHUNK(Machine *machine, Task *task, const Op *op)
{
    Message *chunk = in_hand(machine, task);
    const Job *job = job_at(machine, chunk->job);
    uint32_t item = task->phase == PHASE_LIBRARY_DONE ? (uint32_t)task->scratch + 1 : 0;
    if (item == 0)
        emit_items(machine, task, EVENT_POOL_RUN, op->arg[0], chunk);
    if (item < chunk->count) {
        uint32_t function = job_function(machine, job, chunk->first + item);
        return library_call(machine, task, op, function, item) ? STEP_NEXT : STEP_ENDED;
    }
    emit_items(machine, task, EVENT_POOL_DONE, op->arg[0], chunk);
    uint64_t bytes = MESSAGE_RESULT_BYTES + chunk->count * job->result_bytes;
    task->message = message_answer(machine, task->message, bytes);
    return program_done(task, op);
}

static StepResult result_set(Machine *machine, Task *task, const Op *op)
{
    const WorkerPool *pool = worker_pool(machine, op->arg[0]);
    return go_if(task, op, pool->closing && pool->jobs == 0, op->arg[1]);
}

StepResult step_LIB_SET_RESULT(Machine *machine, Task *task, const Op *op)
{
    enum { IN_KERNEL = 1, WOKE };
    if (task->phase == IN_KERNEL)
        return futex_wake_now(machine, task, &job_at(machine, (uint32_t)task->scratch)->waiters, 1,
                              WOKE);
    if (task->phase == WOKE) {
        program_syscall_over(machine, task);
        return result_set(machine, task, op);
    }
    const Message *chunk = in_hand(machine, task);
    uint32_t job = chunk->job;
    emit_items(machine, task, EVENT_POOL_RESULT, op->arg[0], chunk);
    job_chunk_done(machine, job, chunk->first);
    message_drop(machine, task->message);
    task->message = 0;
    task->scratch = job;
    if (!ID_NONE(job_at(machine, job)->waiters.first) && // else it may be gone
        (job_at(machine, job)->streamed ? job_has_next(machine, job) : job_over(machine, job)))
        return futex_wake(machine, task, IN_KERNEL);
    return result_set(machine, task, op);
}

StepResult step_LIB_UNLESS_OPEN(Machine *machine, Task *task, const Op *op)
{
    WorkerPool *pool = worker_pool(machine, op->arg[0]);
    bool own = pool->opened && ID_EQUAL(pool->by, task->process);
    if (own)
        pool->opened = false;
    return go_if(task, op, !own, op->arg[1]);
}

// ---- processes

StepResult step_LIB_JOIN_CHILDREN(Machine *machine, Task *task, const Op *op)
{
    return children_join(machine, task, op, (ProcessId){op->arg[0]});
}
