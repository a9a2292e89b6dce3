// Executors: the ops submit, result and shutdown. CPython Lib/concurrent/futures/thread.py and
// _base.py. What their threads do is in executor_worker.c, what coroutines await of them in
// executor_await.c.
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

const ExecutorDef *executor_def(const Machine *machine, uint32_t def)
{
    return &machine->scenario->executors[def - 1];
}

void executors_emit_item(Machine *machine, const Task *task, EventKind kind, uint32_t id)
{
    const WorkItem *item = item_at(machine, id);
    uint32_t name = executor_def(machine, item->executor)->name.index1;
    machine_emit(machine, kind, task->core, task->id, name, item->serial);
}

void executors_emit_queue(Machine *machine, const Task *task, EventKind kind,
                          const Executor *executor)
{
    uint32_t queue = executor_def(machine, executor->def)->queue.index1;
    machine_emit(machine, kind, task->core, task->id, queue, task->op);
    machine_emit(machine, EVENT_SYNC_LEVEL, task->core, task->id, queue, executor->queue.count);
}

// ---- putting into the queue

enum { PUT_IN_KERNEL = EXECUTORS_PUT + 1, PUT_WOKE, PUT_DONE };

static StepResult give_to(Machine *machine, Task *task, uint32_t id, uint32_t worker)
{
    item_at(machine, id)->handed_to = worker;
    worker_at(machine, worker)->item = id;
    return futex_wake(machine, task, PUT_IN_KERNEL);
}

StepResult executors_put(Machine *machine, Task *task, Executor *executor, uint32_t id, bool *done)
{
    SimpleQueue *queue = &executor->queue;
    WaitList *sleepers = &queue->sleepers;
    uint32_t worker;
    switch (task->phase) {
    case EXECUTORS_PUT:
        simple_queue_add(machine, queue, id);
        if (item_at(machine, id)->function != 0) {
            queue->count++;
            executors_emit_item(machine, task, EVENT_EXECUTOR_SUBMITTED, id);
            executors_emit_queue(machine, task, EVENT_QUEUE_PUT, executor);
        }
        worker = simple_queue_unpark(machine, queue);
        if (worker != 0)
            return give_to(machine, task, simple_queue_take(machine, queue), worker);
        if (queue->locked) { // somebody may wait
            queue->locked = false;
            queue->lock_free = true;
            if (queue->waiting > 0)
                return futex_wake(machine, task, PUT_IN_KERNEL);
        }
        break;
    case PUT_IN_KERNEL:
        worker = item_at(machine, id)->handed_to;
        if (worker != 0)
            sleepers = &worker_at(machine, worker)->sleeper;
        return futex_wake_now(machine, task, sleepers, 1, PUT_WOKE);
    default:
        program_syscall_over(machine, task);
    }
    task->phase = PUT_DONE;
    *done = true;
    return STEP_NEXT;
}

// ---- submitting

// While it submits, task->scratch is the item, and task->saved_depth how many are done.
enum { SUBMIT_MAKE = 112, SUBMIT_ADJUST };

// A token saves a thread; without one, a new thread is started as long as there may be more.
static StepResult adjust(Machine *machine, Task *task, Executor *executor, bool *done)
{
    if (executor->idle > 0) {
        executor->idle--;
    } else if (executor->threads < executor_def(machine, executor->def)->workers) {
        executor->threads++;
        task->phase = THREAD_START;
        return STEP_NEXT;
    }
    *done = true;
    return STEP_NEXT;
}

StepResult executors_submit(Machine *machine, Task *task, const Op *op, uint32_t id,
                            uint32_t function, bool *done)
{
    Executor *executor = executor_at(machine, id);
    bool part = false;
    StepResult result;
    if (task->phase == SUBMIT_MAKE) {
        task->scratch = item_hold(machine, item_create(machine, id, function));
        task->phase = EXECUTORS_PUT;
    }
    const ExecutorDef *def = executor_def(machine, executor->def);
    if (def->processes) {
        *done = task->phase == PHASE_LIBRARY_DONE;
        return *done || library_call(machine, task, op, def->submit, (uint32_t)task->scratch)
                   ? STEP_NEXT
                   : STEP_ENDED;
    }
    if (task->phase == SUBMIT_ADJUST)
        return adjust(machine, task, executor, done);
    if (task->phase >= EXECUTORS_PUT) {
        result = executors_put(machine, task, executor, (uint32_t)task->scratch, &part);
        if (part)
            task->phase = SUBMIT_ADJUST;
        return result;
    }
    return thread_start(machine, task, op, executor_def(machine, executor->def)->worker, id, done);
}

StepResult executors_next_submit(Machine *machine, Task *task)
{
    return program_work(machine, task, false, machine_cost(machine, COST_EXECUTOR_SUBMIT),
                        SUBMIT_MAKE);
}

StepResult step_SUBMIT(Machine *machine, Task *task, const Op *op)
{
    uint32_t count = op->arg[3] == 0 ? 1 : op->arg[3], id;
    bool done = false;
    if (task->phase == PHASE_ENTER) {
        task->saved_depth = 0;
        if (op->arg[2] != 0)
            future_set_begin(machine, task, op->arg[2]);
        return executors_next_submit(machine, task);
    }
    // Found anew in each step: another thread may shut it down in between. An item that is on its
    // way then is done all the same, as its place in the queue is before the word to end.
    id = executor_get(machine, task->process, op->arg[0], 0);
    if (id == 0 && task->phase == SUBMIT_MAKE)
        return unwind_raise(machine, task, executor_refusal(machine, task->process, op->arg[0], 0));
    if (id == 0)
        id = executor_last(machine, task->process, op->arg[0], 0);
    StepResult result = executors_submit(machine, task, op, id, op->arg[1], &done);
    if (!done)
        return result;
    if (op->arg[2] != 0)
        future_set_add(machine, task, op->arg[2], (uint32_t)task->scratch);
    else
        item_drop(machine, (uint32_t)task->scratch);
    return ++task->saved_depth == count ? program_done(task, op)
                                        : executors_next_submit(machine, task);
}

// ---- results

enum { RESULT_LOOK = 1, RESULT_IN_KERNEL, RESULT_WOKEN, RESULT_RETURNED, RESULT_LATE };

static StepResult next_result(Machine *machine, Task *task, const Op *op, const FutureSet *set)
{
    if (task->saved_depth == set->count)
        return program_done(task, op);
    return program_work(machine, task, false, machine_cost(machine, COST_FUTURE_RESULT),
                        RESULT_LOOK);
}

static StepResult look_at_result(Machine *machine, Task *task, const Op *op, const FutureSet *set)
{
    const WorkItem *item = item_at(machine, set->items[task->saved_depth]);
    if (item->state < ITEM_DONE) {
        futex_set_timeout(machine, task, op->arg[1]);
        return futex_wait(machine, task, RESULT_IN_KERNEL);
    }
    data_ordered(machine, task, op, EVENT_EVENT_PASSED,
                 executor_def(machine, item->executor)->results.index1);
    if (item->state == ITEM_CANCELLED) // concurrent.futures.CancelledError
        return unwind_raise(machine, task, EXCEPTION_ERROR);
    if (item->exception == EXCEPTION_SYSTEM_EXIT && unwind_exits(machine, task))
        return unwind_exit(machine, task);
    if (item->exception != EXCEPTION_NONE)
        return unwind_raise(machine, task, executors_exception(item));
    task->saved_depth++;
    return next_result(machine, task, op, set);
}

StepResult step_RESULT(Machine *machine, Task *task, const Op *op)
{
    const FutureSet *set = future_set_find(machine, task, op->arg[0]);
    if (set == NULL) {
        const Scenario *scenario = machine->scenario;
        machine_fail(machine, scenario->op_at[program_op_index(machine, op)],
                     "'result': this thread has submitted nothing as '%s' yet",
                     scenario_string(scenario, scenario->future_names[op->arg[0] - 1].name));
        return STEP_ENDED;
    }
    if (task->phase == PHASE_ENTER) {
        task->saved_depth = 0;
        return next_result(machine, task, op, set);
    }
    WorkItem *item = item_at(machine, set->items[task->saved_depth]);
    SyncId results = executor_def(machine, item->executor)->results;
    switch (task->phase) {
    case RESULT_LOOK:
        return look_at_result(machine, task, op, set);
    case RESULT_IN_KERNEL:
        if (item->state < ITEM_DONE && !futex_timed_out(machine, task))
            return futex_sleep(machine, task, op, results, &item->waiters, RESULT_WOKEN);
        return futex_return(machine, task, RESULT_RETURNED);
    case RESULT_WOKEN:
        return futex_return(machine, task, RESULT_RETURNED);
    case RESULT_RETURNED:
        program_syscall_over(machine, task);
        futex_wait_over(machine, task, results,
                        item->state < ITEM_DONE ? WAIT_TIMEOUT : WAIT_WOKEN);
        gil_turn_again(task);
        task->phase = item->state < ITEM_DONE ? RESULT_LATE : RESULT_LOOK;
        return STEP_NEXT;
    default: // RESULT_LATE
        return unwind_raise(machine, task, EXCEPTION_TIMEOUT);
    }
}

// ---- shutting down

// Steps from PHASE_ENTER on: what nobody has begun is cancelled, and who waits for it knows.
static StepResult cancel_items(Machine *machine, Task *task, const Op *op, Executor *executor,
                               bool *done)
{
    bool told = false;
    if (task->phase != PHASE_ENTER) {
        StepResult result = executors_item_done(machine, task, op, (uint32_t)task->scratch, &told);
        if (!told)
            return result;
        item_drop(machine, (uint32_t)task->scratch);
        task->phase = PHASE_ENTER;
    }
    *done = executor->queue.first == 0;
    if (*done)
        return STEP_NEXT;
    uint32_t id = simple_queue_take(machine, &executor->queue);
    executor->queue.count--;
    executors_emit_queue(machine, task, EVENT_QUEUE_GOT, executor);
    item_cancel(machine, id);
    task->scratch = id;
    task->phase = EXECUTORS_NOTIFY;
    return STEP_NEXT;
}

// Steps from PHASE_ENTER on: the word to end is put into the queue.
static StepResult stop(Machine *machine, Task *task, uint32_t id, bool cancel, bool *done)
{
    Executor *executor = executor_at(machine, id);
    const ExecutorDef *def = executor_def(machine, executor->def);
    *done = task->phase == PHASE_LIBRARY_DONE;
    if (*done)
        return STEP_NEXT;
    if (task->phase < THREAD_START) {
        const Op *op = &machine->scenario->ops[task->op];
        bool cancelled = !cancel;
        executor->shut_down = true;
        StepResult result = STEP_NEXT;
        if (cancel)
            result = cancel_items(machine, task, op, executor, &cancelled);
        if (!cancelled)
            return result;
        if (def->processes) {
            return library_call(machine, task, op, def->stop, id) ? STEP_NEXT : STEP_ENDED;
        }
        task->scratch = item_create(machine, id, 0);
        task->phase = EXECUTORS_PUT;
    }
    return executors_put(machine, task, executor, (uint32_t)task->scratch, done);
}

// The same for the process's executor that `def` means and that still takes items, of a loop (0:
// any). task->saved_depth: its number.
static StepResult stop_open(Machine *machine, Task *task, uint32_t def, uint32_t loop, bool cancel,
                            bool *done)
{
    if (task->phase == PHASE_ENTER)
        task->saved_depth = executor_find(machine, task->process, def, loop);
    *done = task->saved_depth == 0;
    return *done ? STEP_NEXT : stop(machine, task, task->saved_depth, cancel, done);
}

// arg[1]: of the loop that the thread has been started for.
StepResult step_LIB_EXECUTOR_STOP(Machine *machine, Task *task, const Op *op)
{
    bool done = false;
    uint32_t loop = op->arg[1] == 0 ? 0 : (uint32_t)task->scratch;
    StepResult result = stop_open(machine, task, op->arg[0], loop, false, &done);
    if (!done)
        return result;
    if (loop == 0 && executor_find(machine, task->process, op->arg[0], 0) != 0) {
        task->phase = PHASE_ENTER; // of another loop
        return STEP_NEXT;
    }
    return program_done(task, op);
}

// The default executor is shut down and its threads have ended: so the loop is told.
StepResult step_LIB_EXECUTOR_STOPPED(Machine *machine, Task *task, const Op *op)
{
    enum { TELL = 1 };
    bool done = false;
    if (task->phase == PHASE_ENTER)
        return program_work(machine, task, false, machine_cost(machine, COST_CALL_SOON), TELL);
    uint32_t loop = executor_at(machine, task->saved_depth)->loop;
    Callback callback = {CALLBACK_EXECUTOR_STOPPED, loop};
    StepResult result = wake_loop(machine, task, loop, callback, 0, TELL, &done);
    return done ? program_done(task, op) : result;
}

StepResult step_SHUTDOWN(Machine *machine, Task *task, const Op *op)
{
    bool done = false;
    StepResult result;
    if (task->phase == PHASE_ENTER) // one that has had no submit takes none from now, too
        executor_get(machine, task->process, op->arg[0], 0);
    if (task->phase < THREAD_START || task->phase >= EXECUTORS_PUT) {
        result = stop_open(machine, task, op->arg[0], 0, op->arg[1] != 0, &done);
        if (!done)
            return result;
        done = false;
        task->phase = THREAD_JOIN;
    }
    result = thread_join(machine, task, op, executor_def(machine, op->arg[0])->worker, &done);
    return done ? program_done(task, op) : result;
}
