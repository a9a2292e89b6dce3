// What the threads of an executor do: they get items from the queue, run their functions and tell
// whoever waits for the result. CPython Lib/concurrent/futures/thread.py (_worker) and
// Modules/_queuemodule.c.
#include "sim/base/check.h"
#include "sim/kernel/process.h"
#include "sim/program/coroutines.h"
#include "sim/program/data.h"
#include "sim/program/executors.h"
#include "sim/program/futex.h"
#include "sim/program/gil_turn.h"
#include "sim/program/library.h"
#include "sim/program/thread_start.h"
#include "sim/program/unwind.h"
#include "sim/program/wake_loop.h"

static const Runtime *runtime_of(const Machine *machine, const Task *task)
{
    return &process_family(machine, process_of(machine, task))->runtime;
}

// From which version on its SimpleQueue hands an item to who has waited for longest.
static bool hands_over(const Runtime *runtime)
{
    return runtime->minor >= 13;
}

// From which version on a thread is known as idle only when it has found the queue empty; before,
// after each item.
static bool counts_idle(const Runtime *runtime)
{
    return runtime->minor >= 12;
}

enum {
    WORK_GET = 1,
    WORK_TRY,
    WORK_IN_KERNEL,
    WORK_WOKEN,
    WORK_RETURNED,
    WORK_LOCKED,
    WORK_TOOK,
    WORK_TOOK_WOKE,
    PARKED,
    PARKED_IN_KERNEL,
    PARKED_WOKEN,
    PARKED_RETURNED,
    WORK_HAVE,
    WORK_RUN,
    WORK_RAN,
    WORK_SET,
    WORK_NOTIFY = EXECUTORS_NOTIFY,
    WORK_NOTIFYING,
    WORK_NOTIFIED,
    WORK_TELL,
    WORK_NEXT = WORK_TELL + WAKE_LOOP_PHASES,
};

static Worker *worker_of(Machine *machine, const Task *task)
{
    return worker_at(machine, (uint32_t)program_frame(machine, task)->value);
}

static StepResult begin_work(Machine *machine, Task *task, const Op *op)
{
    uint32_t id = pool_take(machine, &machine->executors->workers);
    *worker_at(machine, id) = (Worker){.executor = (uint32_t)task->scratch};
    if (!program_push(machine, task, program_op_index(machine, op), id))
        return STEP_ENDED;
    return program_go(task, WORK_GET);
}

// It has an item, or will have the one that it is handed.
static StepResult take_item(Machine *machine, Task *task, SimpleQueue *queue)
{
    worker_of(machine, task)->item = simple_queue_take(machine, queue);
    if (!queue->locked)
        return program_go(task, WORK_HAVE);
    queue->locked = false;
    queue->lock_free = true;
    return queue->waiting > 0 ? futex_wake(machine, task, WORK_TOOK) : program_go(task, WORK_HAVE);
}

// queue.SimpleQueue.get up to 3.12, where there was nothing.
static StepResult get(Machine *machine, Task *task, const Op *op, const Executor *executor,
                      SimpleQueue *queue)
{
    SyncId id = executor_def(machine, executor->def)->queue;
    switch (task->phase) {
    case WORK_TRY:
        if (queue->first != 0)
            return take_item(machine, task, queue);
        if (queue->lock_free) {
            queue->lock_free = false;
            return program_go(task, WORK_LOCKED);
        }
        queue->waiting++;
        task->wait_until = INSTANT_NEVER;
        return futex_wait(machine, task, WORK_IN_KERNEL);
    case WORK_IN_KERNEL:
        if (!queue->lock_free)
            return futex_sleep(machine, task, op, id, &queue->sleepers, WORK_WOKEN);
        return futex_return(machine, task, WORK_RETURNED);
    case WORK_WOKEN:
        return futex_return(machine, task, WORK_RETURNED);
    case WORK_RETURNED:
        program_syscall_over(machine, task);
        if (!queue->lock_free)
            return futex_wait(machine, task, WORK_IN_KERNEL);
        queue->waiting--;
        queue->lock_free = false;
        futex_wait_over(machine, task, id, WAIT_WOKEN);
        gil_turn_again(task);
        return program_go(task, WORK_LOCKED);
    case WORK_LOCKED:
        queue->locked = true;
        return program_go(task, WORK_TRY);
    case WORK_TOOK:
        return futex_wake_now(machine, task, &queue->sleepers, 1, WORK_TOOK_WOKE);
    default: // WORK_TOOK_WOKE
        program_syscall_over(machine, task);
        return program_go(task, WORK_HAVE);
    }
}

// The same from 3.13 on: it waits until it is handed an item.
static StepResult park(Machine *machine, Task *task, const Op *op, const Executor *executor,
                       SimpleQueue *queue)
{
    SyncId id = executor_def(machine, executor->def)->queue;
    Worker *worker = worker_of(machine, task);
    switch (task->phase) {
    case PARKED:
        simple_queue_park(machine, queue, (uint32_t)program_frame(machine, task)->value);
        task->wait_until = INSTANT_NEVER;
        return futex_wait(machine, task, PARKED_IN_KERNEL);
    case PARKED_IN_KERNEL:
        if (worker->item == 0)
            return futex_sleep(machine, task, op, id, &worker->sleeper, PARKED_WOKEN);
        return futex_return(machine, task, PARKED_RETURNED);
    case PARKED_WOKEN:
        return futex_return(machine, task, PARKED_RETURNED);
    default: // PARKED_RETURNED
        program_syscall_over(machine, task);
        if (worker->item == 0)
            return futex_wait(machine, task, PARKED_IN_KERNEL);
        futex_wait_over(machine, task, id, WAIT_WOKEN);
        gil_turn_again(task);
        return program_go(task, WORK_HAVE);
    }
}

static StepResult begin_get(const Machine *machine, Task *task, Executor *executor)
{
    const Runtime *runtime = runtime_of(machine, task);
    if (executor->queue.first == 0 && counts_idle(runtime))
        executor->idle++;
    return program_go(task, executor->queue.first == 0 && hands_over(runtime) ? PARKED : WORK_TRY);
}

// The thread's own end: the next one is to end, too.
static StepResult pass_on_end(Machine *machine, Task *task, uint32_t executor, const Op *op)
{
    bool done = false;
    if (task->phase == WORK_HAVE) {
        task->scratch = item_create(machine, executor, 0);
        task->phase = EXECUTORS_PUT;
    }
    StepResult result = executors_put(machine, task, executor_at(machine, executor),
                                      (uint32_t)task->scratch, &done);
    if (!done)
        return result;
    pool_give(&machine->executors->workers, (uint32_t)program_frame(machine, task)->value);
    program_pop(machine, task);
    return program_done(task, op);
}

static StepResult have_item(Machine *machine, Task *task, const Op *op, Worker *worker,
                            Executor *executor)
{
    uint32_t id = worker->item;
    if (item_at(machine, id)->function == 0) {
        item_drop(machine, id);
        worker->item = 0;
        return pass_on_end(machine, task, worker->executor, op);
    }
    executor->queue.count--;
    executors_emit_queue(machine, task, EVENT_QUEUE_GOT, executor);
    return program_work(machine, task, false,
                        half(machine_cost(machine, COST_EXECUTOR_ITEM), false), WORK_RUN);
}

static StepResult run_item(Machine *machine, Task *task, const Op *op, WorkItem *item, uint32_t id)
{
    if (item->state == ITEM_CANCELLED)
        return program_go(task, WORK_NEXT);
    item->state = ITEM_RUNNING;
    executors_emit_item(machine, task, EVENT_EXECUTOR_RUN, id);
    if (!program_push(machine, task, program_op_index(machine, op), 0))
        return STEP_ENDED;
    task->op = item->function;
    return program_go(task, PHASE_ENTER);
}

bool executors_calls(unsigned code)
{
    return code == OP_LIB_EXECUTOR_WORK || code == OP_LIB_RUN_CALL || code == OP_LIB_UV_WORK;
}

StepResult executors_returns(Machine *machine, Task *task, uint32_t exception)
{
    uint32_t op = program_frame(machine, task)->op;
    if (machine->scenario->ops[op].code == OP_LIB_RUN_CALL)
        return process_pool_returns(machine, task, exception);
    if (machine->scenario->ops[op].code == OP_LIB_UV_WORK)
        return uv_pool_returns(machine, task);
    program_pop(machine, task);
    item_at(machine, worker_of(machine, task)->item)->exception = exception;
    task->op = op;
    return program_go(task, WORK_RAN);
}

// No thread waits for its result any more; a coroutine may.
static StepResult told_next(Machine *machine, Task *task, const WorkItem *item)
{
    if (item->future == 0 || !wake_loop_is_open(machine, item->loop))
        return program_go(task, WORK_NEXT);
    return program_work(machine, task, false, machine_cost(machine, COST_CALL_SOON), WORK_TELL);
}

// The item's result is there: who waits for it goes on.
static StepResult set_result(Machine *machine, Task *task, const Op *op, WorkItem *item,
                             uint32_t id)
{
    switch (task->phase) {
    case WORK_SET:
        item->state = ITEM_DONE;
        executors_emit_item(machine, task, EVENT_EXECUTOR_DONE, id);
        data_ordered(machine, task, op, EVENT_EVENT_SET,
                     executor_def(machine, item->executor)->results.index1);
        return program_go(task, WORK_NOTIFY);
    case WORK_NOTIFY: // Condition.notify_all releases each waiter's own lock
        if (ID_NONE(item->waiters.first))
            return told_next(machine, task, item);
        return futex_wake(machine, task, WORK_NOTIFYING);
    case WORK_NOTIFYING:
        return futex_wake_now(machine, task, &item->waiters, 1, WORK_NOTIFIED);
    default: // WORK_NOTIFIED
        program_syscall_over(machine, task);
        return program_go(task, WORK_NOTIFY);
    }
}

StepResult executors_tell_loop(Machine *machine, Task *task, const WorkItem *item, uint8_t first,
                               bool *done)
{
    Callback callback = {CALLBACK_EXECUTOR_DONE, item->future};
    if (task->phase == first && wake_loop_is_open(machine, item->loop))
        future_hold(machine, item->future);
    return wake_loop(machine, task, item->loop, callback, 0, first, done);
}

StepResult executors_item_done(Machine *machine, Task *task, const Op *op, uint32_t id, bool *done)
{
    WorkItem *item = item_at(machine, id);
    bool told = false;
    if (task->phase == PHASE_ENTER)
        return program_go(task, WORK_SET);
    *done = task->phase == WORK_NEXT;
    if (*done || task->phase < WORK_TELL)
        return *done ? STEP_NEXT : set_result(machine, task, op, item, id);
    StepResult result = executors_tell_loop(machine, task, item, WORK_TELL, &told);
    return told ? program_go(task, WORK_NEXT) : result;
}

static StepResult next_item(Machine *machine, Task *task, Worker *worker, Executor *executor)
{
    item_drop(machine, worker->item);
    worker->item = 0;
    if (!counts_idle(runtime_of(machine, task)))
        executor->idle++;
    return program_go(task, WORK_GET);
}

StepResult step_LIB_EXECUTOR_WORK(Machine *machine, Task *task, const Op *op)
{
    if (task->phase == PHASE_ENTER)
        return begin_work(machine, task, op);
    Worker *worker = worker_of(machine, task);
    Executor *executor = executor_at(machine, worker->executor);
    WorkItem *item = worker->item == 0 ? NULL : item_at(machine, worker->item);
    bool told = false;
    StepResult result;
    if (task->phase == WORK_GET)
        return begin_get(machine, task, executor);
    if (task->phase < PARKED)
        return get(machine, task, op, executor, &executor->queue);
    if (task->phase < WORK_HAVE)
        return park(machine, task, op, executor, &executor->queue);
    if (task->phase >= EXECUTORS_PUT)
        return pass_on_end(machine, task, worker->executor, op);
    CHECK(item != NULL);
    switch (task->phase) {
    case WORK_HAVE:
        return have_item(machine, task, op, worker, executor);
    case WORK_RUN:
        return run_item(machine, task, op, item, worker->item);
    case WORK_RAN:
        return program_work(machine, task, false,
                            half(machine_cost(machine, COST_EXECUTOR_ITEM), true), WORK_SET);
    case WORK_NEXT:
        return next_item(machine, task, worker, executor);
    default:
        if (task->phase < WORK_TELL)
            return set_result(machine, task, op, item, worker->item);
        result = executors_tell_loop(machine, task, item, WORK_TELL, &told);
        return told ? program_go(task, WORK_NEXT) : result;
    }
}
