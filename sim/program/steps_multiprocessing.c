// Ops of multiprocessing: processes, objects, pools. What threads and processes do behind them is
// library code.
#include "sim/program/children.h"
#include "sim/program/futex.h"
#include "sim/program/library.h"
#include "sim/program/unwind.h"
#include "sim/python/multiprocessing.h"

#include <inttypes.h>

static uint64_t size_or(const Machine *machine, uint32_t size, uint64_t otherwise)
{
    return size == 0 ? otherwise : machine->scenario->sizes[size - 1];
}

// ---- processes

StepResult step_JOIN_PROCESS(Machine *machine, Task *task, const Op *op)
{
    return children_join(machine, task, op, (ProcessId){op->arg[0]});
}

// ---- objects

StepResult step_SEND_OBJECT(Machine *machine, Task *task, const Op *op)
{
    if (task->phase == PHASE_LIBRARY_DONE)
        return program_done(task, op);
    const ConnectionDef *def = connection_def(machine, op->arg[0]);
    uint64_t bytes = size_or(machine, op->arg[1], MESSAGE_OBJECT_BYTES);
    machine_emit(machine, EVENT_OBJECT_SENT, task->core, task->id, def->name.index1, bytes);
    if (!library_call(machine, task, op, def->send, 0))
        return STEP_ENDED;
    task->message = message_make(machine, MESSAGE_OBJECT, bytes, op->arg[2] == 0 ? 1 : op->arg[2]);
    message_at(machine, task->message)->function = op->arg[3];
    return STEP_NEXT;
}

StepResult step_RECEIVE_OBJECT(Machine *machine, Task *task, const Op *op)
{
    if (task->phase == PHASE_LIBRARY_DONE)
        return program_done(task, op);
    const ConnectionDef *def = connection_def(machine, op->arg[0]);
    return library_call(machine, task, op, def->receive, 0) ? STEP_NEXT : STEP_ENDED;
}

// ---- pools: what they are asked for

// What library code returns to, in the stage of a call; the rest is the job.
enum { STAGE_OPENED, STAGE_SUBMITTED, STAGES };

static bool is_stream(const Op *op)
{
    return op->code == OP_POOL_IMAP || op->code == OP_POOL_IMAP_UNORDERED;
}

// A job for what the op says. `apply` has one item; imap gives out its items one by one.
static uint32_t make_job(Machine *machine, const Task *task, const Op *op)
{
    bool one = op->code == OP_POOL_APPLY;
    uint32_t count = one ? 1 : op->arg[2], chunk = op->code == OP_POOL_MAP ? op->arg[5] : 1;
    uint32_t id = job_make(machine, op->arg[0], op->arg[1], count, chunk, op->code == OP_POOL_IMAP);
    Job *job = job_at(machine, id);
    job->streamed = is_stream(op);
    job->item_bytes = size_or(machine, op->arg[one ? 2 : 3], MESSAGE_ITEM_BYTES);
    job->result_bytes = size_or(machine, op->arg[one ? 3 : 4], MESSAGE_ITEM_BYTES);
    machine_emit(machine, EVENT_POOL_ASKED, task->core, task->id,
                 pool_def(machine, op->arg[0])->name.index1, items_pack(1, count));
    return id;
}

static StepResult submit(Machine *machine, Task *task, const Op *op)
{
    uint32_t stage = make_job(machine, task, op) * STAGES + STAGE_SUBMITTED;
    uint32_t entry = pool_def(machine, op->arg[0])->submit;
    return library_call(machine, task, op, entry, stage) ? STEP_NEXT : STEP_ENDED;
}

static StepResult not_its_own(Machine *machine, const Task *task, const Op *op)
{
    char name[96];
    machine_fail(machine, machine->scenario->op_at[program_op_index(machine, op)],
                 "at %" PRId64 " ns %s uses the pool '%s', which another process has opened",
                 machine->now.ns, machine_task_name(machine, task->id, name),
                 scenario_string(machine->scenario, pool_def(machine, op->arg[0])->name));
    return STEP_ENDED;
}

// Its processes and threads are started at its first use.
static StepResult begin(Machine *machine, Task *task, const Op *op)
{
    WorkerPool *pool = worker_pool(machine, op->arg[0]);
    if (pool->opened && !ID_EQUAL(pool->by, task->process))
        return not_its_own(machine, task, op);
    if (pool->opened)
        return submit(machine, task, op);
    *pool = (WorkerPool){.opened = true, .by = task->process};
    uint32_t entry = pool_def(machine, op->arg[0])->open;
    return library_call(machine, task, op, entry, STAGE_OPENED) ? STEP_NEXT : STEP_ENDED;
}

// ---- pools: waiting for results

enum { IN_KERNEL = 1, WOKEN, RETURNED };

static bool ready(const Machine *machine, const Task *task, const Op *op)
{
    uint32_t job = (uint32_t)task->scratch;
    return is_stream(op) ? job_has_next(machine, job) : job_over(machine, job);
}

// A result of imap: the ops that follow each, with the job in a frame.
static StepResult use_next(Machine *machine, Task *task, const Op *op)
{
    uint32_t job = (uint32_t)task->scratch;
    job_at(machine, job)->taken++;
    if (!program_push(machine, task, program_op_index(machine, op), job))
        return STEP_ENDED;
    task->op = op->arg[5];
    task->phase = PHASE_ENTER;
    return STEP_NEXT;
}

// An item has raised an exception, which comes out where its result is waited for: of `imap` a
// little too early, with the next result of any item.
static StepResult failed(Machine *machine, Task *task, uint32_t id)
{
    uint32_t exception = job_at(machine, id)->exception;
    job_abandon(machine, id);
    return unwind_raise(machine, task, exception);
}

static StepResult wait_for_results(Machine *machine, Task *task, const Op *op)
{
    task->wait_until = INSTANT_NEVER;
    if (!ready(machine, task, op))
        return futex_wait(machine, task, IN_KERNEL);
    uint32_t id = (uint32_t)task->scratch;
    Job *job = job_at(machine, id);
    if (job->exception != EXCEPTION_NONE)
        return failed(machine, task, id);
    if (is_stream(op) && op->arg[5] != 0)
        return use_next(machine, task, op);
    while (is_stream(op) && ++job->taken < job->count)
        if (!job_has_next(machine, id))
            return futex_wait(machine, task, IN_KERNEL);
    job_drop(machine, id);
    return program_done(task, op);
}

static StepResult used(Machine *machine, Task *task, const Op *op)
{
    uint32_t id = (uint32_t)program_frame(machine, task)->value;
    const Job *job = job_at(machine, id);
    program_pop(machine, task);
    task->scratch = id;
    if (job->taken < job->count)
        return wait_for_results(machine, task, op);
    job_drop(machine, id);
    return program_done(task, op);
}

static StepResult pool_step(Machine *machine, Task *task, const Op *op)
{
    SyncId done = pool_def(machine, op->arg[0])->done;
    switch (task->phase) {
    case PHASE_ENTER:
        return begin(machine, task, op);
    case PHASE_LIBRARY_DONE:
        if (task->scratch % STAGES == STAGE_OPENED)
            return submit(machine, task, op);
        task->scratch /= STAGES;
        return wait_for_results(machine, task, op);
    case PHASE_BLOCK_DONE:
        return used(machine, task, op);
    case IN_KERNEL:
        if (!ready(machine, task, op))
            return futex_sleep(machine, task, op, done,
                               &job_at(machine, (uint32_t)task->scratch)->waiters, WOKEN);
        return futex_return(machine, task, RETURNED);
    case WOKEN:
        return futex_return(machine, task, RETURNED);
    default:
        program_syscall_over(machine, task);
        futex_wait_over(machine, task, done, WAIT_WOKEN);
        return wait_for_results(machine, task, op);
    }
}

StepResult step_POOL_APPLY(Machine *machine, Task *task, const Op *op)
{
    return pool_step(machine, task, op);
}

StepResult step_POOL_MAP(Machine *machine, Task *task, const Op *op)
{
    return pool_step(machine, task, op);
}

StepResult step_POOL_IMAP(Machine *machine, Task *task, const Op *op)
{
    return pool_step(machine, task, op);
}

StepResult step_POOL_IMAP_UNORDERED(Machine *machine, Task *task, const Op *op)
{
    return pool_step(machine, task, op);
}

StepResult step_POOL_CLOSE(Machine *machine, Task *task, const Op *op)
{
    WorkerPool *pool = worker_pool(machine, op->arg[0]);
    if (task->phase == PHASE_LIBRARY_DONE || !pool->opened)
        return program_done(task, op);
    if (!ID_EQUAL(pool->by, task->process))
        return not_its_own(machine, task, op);
    pool->opened = false;
    uint32_t entry = pool_def(machine, op->arg[0])->close;
    return library_call(machine, task, op, entry, 0) ? STEP_NEXT : STEP_ENDED;
}
