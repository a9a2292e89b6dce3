// libuv's thread pool: the op queue_work, and what the pool's threads do. libuv src/threadpool.c,
// src/unix/async.c.
#include "sim/base/check.h"
#include "sim/kernel/eventfd.h"
#include "sim/kernel/process.h"
#include "sim/program/coroutines.h"
#include "sim/program/executors.h"
#include "sim/program/futex.h"
#include "sim/program/thread_start.h"
#include "sim/python/uv_loop.h"

static const ExecutorDef *def_of(const Machine *machine, const UvPool *pool)
{
    return &machine->scenario->executors[pool->executor - 1];
}

static void emit_work(Machine *machine, const Task *task, const UvPool *pool, EventKind kind,
                      uint32_t serial)
{
    machine_emit(machine, kind, task->core, task->id, def_of(machine, pool)->name.index1, serial);
}

static void emit_queue(Machine *machine, const Task *task, const UvPool *pool, EventKind kind)
{
    uint32_t queue = def_of(machine, pool)->queue.index1;
    machine_emit(machine, kind, task->core, task->id, queue, task->op);
    machine_emit(machine, EVENT_SYNC_LEVEL, task->core, task->id, queue, pool->queued);
}

// Taking the pool's mutex and letting go of it.
static Duration mutex_cost(const Machine *machine)
{
    return duration_add(machine_cost(machine, COST_MUTEX_LOCK),
                        machine_cost(machine, COST_MUTEX_UNLOCK));
}

// ---- queue_work

enum { POST = 1, POSTED, POST_IN_KERNEL, POST_WOKE };

// Opening the set and the eventfd costs nothing here: libuv has them from the beginning.
static void open_pool(Machine *machine, Task *task, Loop *loop)
{
    const Process *process = process_of(machine, task);
    uint32_t executor = process_family(machine, process)->default_executor;
    uint32_t size = machine->scenario->executors[executor - 1].workers;
    loop->uv->pool = uv_pool_open(machine, loop->id, executor, size);
    UvPool *pool = uv_pool_at(machine, loop->uv->pool);
    pool->eventfd = eventfd_open(machine);
    loop->selector.epoll = epoll_open(machine, task->process);
    epoll_add(machine, loop->selector.epoll, (File){FILE_EVENTFD, pool->eventfd}, EPOLL_IN, 0,
              task);
}

static StepResult begin_queue_work(Machine *machine, Task *task, const Op *op)
{
    if (task->loop == 0) {
        machine_fail(machine, machine->scenario->op_at[program_op_index(machine, op)],
                     "'queue_work': this thread runs no event loop; 'node.run' starts one");
        return STEP_ENDED;
    }
    Loop *loop = loop_at(machine, task->loop);
    if (loop->uv->pool == 0)
        open_pool(machine, task, loop);
    UvPool *pool = uv_pool_at(machine, loop->uv->pool);
    return program_go(task, pool->threads < pool->size ? THREAD_START : POST);
}

// All of them are started with the first work. (libuv also waits until each of them has begun; here
// the work is there at once.)
static StepResult start_threads(Machine *machine, Task *task, const Op *op, uint32_t id)
{
    UvPool *pool = uv_pool_at(machine, id);
    bool done = false;
    StepResult result = thread_start(machine, task, op, def_of(machine, pool)->worker, id, &done);
    if (!done)
        return result;
    pool->threads++;
    return program_go(task, pool->threads < pool->size ? THREAD_START : POST);
}

StepResult step_QUEUE_WORK(Machine *machine, Task *task, const Op *op)
{
    if (task->phase == PHASE_ENTER)
        return begin_queue_work(machine, task, op);
    uint32_t id = loop_at(machine, task->loop)->uv->pool;
    UvPool *pool = uv_pool_at(machine, id);
    uint32_t then = op->arg[1] == 0 ? 0 : coroutines_function_at(machine->scenario, op->arg[1]);
    bool signals = false;
    switch (task->phase) {
    case POST:
        return program_work(machine, task, false, mutex_cost(machine), POSTED);
    case POSTED:
        uv_pool_post(machine, pool, op->arg[0], then, op->arg[2] != 0, &signals);
        emit_work(machine, task, pool, EVENT_EXECUTOR_SUBMITTED, pool->serial);
        emit_queue(machine, task, pool, EVENT_QUEUE_PUT);
        if (then != 0)
            machine_emit(machine, EVENT_UV_QUEUED, task->core, task->id, coroutine_pack(0, then),
                         UV_QUEUE_WORK);
        return signals ? futex_wake(machine, task, POST_IN_KERNEL) : program_done(task, op);
    case POST_IN_KERNEL:
        return futex_wake_now(machine, task, &pool->sleepers, 1, POST_WOKE);
    case POST_WOKE:
        program_syscall_over(machine, task);
        return program_done(task, op);
    default:
        return start_threads(machine, task, op, id);
    }
}

// ---- a thread of the pool

enum {
    GET = 1,
    LOOK,
    IN_KERNEL,
    WOKEN,
    RETURNED,
    TELL, // another thread that there is more
    TOLD,
    RUN,
    RAN,
    WRITING,
    WROTE,
};

// Of its outer frame: what it does now, and its pool.
static uint64_t *place(Machine *machine, const Task *task)
{
    return &program_frame(machine, task)->value;
}

static UvPool *pool_of(Machine *machine, const Task *task)
{
    return uv_pool_at(machine, (uint32_t)*place(machine, task));
}

static uint32_t work_of(Machine *machine, const Task *task)
{
    return (uint32_t)(*place(machine, task) >> 32);
}

static StepResult begin_thread(Machine *machine, Task *task, const Op *op)
{
    if (!program_push(machine, task, program_op_index(machine, op), task->scratch))
        return STEP_ENDED;
    return program_go(task, GET);
}

static StepResult look(Machine *machine, Task *task, UvPool *pool)
{
    bool more = false;
    uint32_t work = uv_pool_take(pool, &more);
    *place(machine, task) = (uint64_t)work << 32 | (uint32_t)*place(machine, task);
    if (work != 0)
        return more && pool->idle > 0 ? futex_wake(machine, task, TELL) : program_go(task, RUN);
    pool->idle++;
    task->wait_until = INSTANT_NEVER;
    return futex_wait(machine, task, IN_KERNEL);
}

static StepResult wait_for_work(Machine *machine, Task *task, const Op *op, UvPool *pool)
{
    SyncId queue = def_of(machine, pool)->queue;
    switch (task->phase) {
    case IN_KERNEL:
        if (!uv_pool_has_work(pool))
            return futex_sleep(machine, task, op, queue, &pool->sleepers, WOKEN);
        return futex_return(machine, task, RETURNED);
    case WOKEN:
        return futex_return(machine, task, RETURNED);
    default:
        program_syscall_over(machine, task);
        pool->idle--;
        futex_wait_over(machine, task, queue, WAIT_WOKEN);
        return program_go(task, LOOK);
    }
}

static StepResult run_work(Machine *machine, Task *task, const Op *op, const UvPool *pool)
{
    const UvWork *work = uv_work_at(pool, work_of(machine, task));
    uint32_t function = work->function;
    emit_queue(machine, task, pool, EVENT_QUEUE_GOT);
    emit_work(machine, task, pool, EVENT_EXECUTOR_RUN, work->serial);
    if (!program_push(machine, task, program_op_index(machine, op), 0))
        return STEP_ENDED;
    task->op = function;
    return program_go(task, PHASE_ENTER);
}

StepResult uv_pool_returns(Machine *machine, Task *task)
{
    uint32_t op = program_frame(machine, task)->op;
    program_pop(machine, task);
    task->op = op;
    return program_work(machine, task, false, mutex_cost(machine), RAN);
}

// Hands it to the loop, and wakes that unless somebody has already.
static StepResult work_done(Machine *machine, Task *task, UvPool *pool)
{
    uint32_t work = work_of(machine, task);
    Duration half_call = half(machine_cost(machine, COST_SYSCALL), task->phase == WRITING);
    switch (task->phase) {
    case RAN:
        emit_work(machine, task, pool, EVENT_EXECUTOR_DONE, uv_work_at(pool, work)->serial);
        uv_pool_done(pool, work);
        if (pool->woken || pool->loop == 0)
            return program_go(task, GET);
        pool->woken = true;
        return program_syscall(machine, task, SYSCALL_WRITE,
                               duration_add(half_call, machine_cost(machine, COST_EVENTFD)),
                               WRITING);
    case WRITING: {
        Duration cost = {0};
        if (pool->loop != 0)
            cost = eventfd_write(machine, pool->eventfd, task);
        return program_work(machine, task, true, duration_add(half_call, cost), WROTE);
    }
    default:
        program_syscall_over(machine, task);
        return program_go(task, GET);
    }
}

StepResult step_LIB_UV_WORK(Machine *machine, Task *task, const Op *op)
{
    if (task->phase == PHASE_ENTER)
        return begin_thread(machine, task, op);
    UvPool *pool = pool_of(machine, task);
    switch (task->phase) {
    case GET:
        return program_work(machine, task, false, mutex_cost(machine), LOOK);
    case LOOK:
        return look(machine, task, pool);
    case IN_KERNEL:
    case WOKEN:
    case RETURNED:
        return wait_for_work(machine, task, op, pool);
    case TELL:
        return futex_wake_now(machine, task, &pool->sleepers, 1, TOLD);
    case TOLD:
        program_syscall_over(machine, task);
        return program_go(task, RUN);
    case RUN:
        return run_work(machine, task, op, pool);
    default:
        CHECKF(task->phase >= RAN && task->phase <= WROTE, "phase %u", task->phase);
        return work_done(machine, task, pool);
    }
}
