// Executors of threads: the ops submit, result and shutdown, awaiting them in a coroutine, and the
// library code of their threads. CPython Lib/concurrent/futures/thread.py and _base.py,
// Lib/asyncio/futures.py (wrap_future), base_events.py (run_in_executor,
// shutdown_default_executor).
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

static const ExecutorDef *def_of(const Machine *machine, uint32_t def)
{
    return &machine->scenario->executors[def - 1];
}

static void emit_item(Machine *machine, const Task *task, EventKind kind, uint32_t id)
{
    const WorkItem *item = item_at(machine, id);
    machine_emit(machine, kind, task->core, task->id, def_of(machine, item->executor)->name.index1,
                 item->serial);
}

static void emit_queue(Machine *machine, const Task *task, EventKind kind, const Executor *executor)
{
    uint32_t queue = def_of(machine, executor->def)->queue.index1;
    machine_emit(machine, kind, task->core, task->id, queue, task->op);
    machine_emit(machine, EVENT_SYNC_LEVEL, task->core, task->id, queue, executor->queue.count);
}

// ---- putting into the queue

enum {
    PUT = 120,
    PUT_IN_KERNEL,
    PUT_WOKE,
    PUT_DONE,
};

static StepResult give_to(Machine *machine, Task *task, uint32_t id, uint32_t worker)
{
    item_at(machine, id)->handed_to = worker;
    worker_at(machine, worker)->item = id;
    return futex_wake(machine, task, PUT_IN_KERNEL);
}

// Steps from phase PUT on, until the item is in the queue and one who waits is woken.
static StepResult put(Machine *machine, Task *task, Executor *executor, uint32_t id, bool *done)
{
    SimpleQueue *queue = &executor->queue;
    WaitList *sleepers = &queue->sleepers;
    uint32_t worker;
    switch (task->phase) {
    case PUT:
        simple_queue_add(machine, queue, id);
        if (item_at(machine, id)->function != 0) {
            queue->count++;
            emit_item(machine, task, EVENT_EXECUTOR_SUBMITTED, id);
            emit_queue(machine, task, EVENT_QUEUE_PUT, executor);
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
    } else if (executor->threads < def_of(machine, executor->def)->workers) {
        executor->threads++;
        task->phase = THREAD_START;
        return STEP_NEXT;
    }
    *done = true;
    return STEP_NEXT;
}

// Steps from SUBMIT_MAKE on, until an item that runs `function` has been submitted and a thread, if
// one is due, started. The item counts as held by the caller, too.
static StepResult submit(Machine *machine, Task *task, const Op *op, uint32_t id, uint32_t function,
                         bool *done)
{
    Executor *executor = executor_at(machine, id);
    bool part = false;
    StepResult result;
    if (task->phase == SUBMIT_MAKE) {
        task->scratch = item_hold(machine, item_create(machine, id, function));
        task->phase = PUT;
    }
    const ExecutorDef *def = def_of(machine, executor->def);
    if (def->processes) {
        *done = task->phase == PHASE_LIBRARY_DONE;
        return *done || library_call(machine, task, op, def->submit, (uint32_t)task->scratch)
                   ? STEP_NEXT
                   : STEP_ENDED;
    }
    if (task->phase == SUBMIT_ADJUST)
        return adjust(machine, task, executor, done);
    if (task->phase >= PUT) {
        result = put(machine, task, executor, (uint32_t)task->scratch, &part);
        if (part)
            task->phase = SUBMIT_ADJUST;
        return result;
    }
    return thread_start(machine, task, op, def_of(machine, executor->def)->worker, id, done);
}

static StepResult next_submit(Machine *machine, Task *task)
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
        return next_submit(machine, task);
    }
    // Found anew in each step: another thread may shut it down in between. An item that is on its
    // way then is done all the same, as its place in the queue is before the word to end.
    id = executor_get(machine, task->process, op->arg[0], 0);
    if (id == 0 && task->phase == SUBMIT_MAKE)
        return unwind_raise(machine, task, EXCEPTION_ERROR); // RuntimeError
    if (id == 0)
        id = executor_last(machine, task->process, op->arg[0], 0);
    StepResult result = submit(machine, task, op, id, op->arg[1], &done);
    if (!done)
        return result;
    if (op->arg[2] != 0)
        future_set_add(machine, task, op->arg[2], (uint32_t)task->scratch);
    else
        item_drop(machine, (uint32_t)task->scratch);
    return ++task->saved_depth == count ? program_done(task, op) : next_submit(machine, task);
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
                 def_of(machine, item->executor)->results.index1);
    if (item->state == ITEM_CANCELLED) // concurrent.futures.CancelledError
        return unwind_raise(machine, task, EXCEPTION_ERROR);
    if (item->exception != EXCEPTION_NONE)
        return unwind_raise(machine, task, item->exception);
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
    SyncId results = def_of(machine, item->executor)->results;
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

// An item that nobody has begun is cancelled.
static void cancel_items(Machine *machine, const Task *task, Executor *executor)
{
    while (executor->queue.first != 0) {
        uint32_t id = simple_queue_take(machine, &executor->queue);
        executor->queue.count--;
        emit_queue(machine, task, EVENT_QUEUE_GOT, executor);
        item_cancel(machine, id);
        item_drop(machine, id);
    }
}

// Steps from PHASE_ENTER on: the word to end is put into the queue.
static StepResult stop(Machine *machine, Task *task, uint32_t id, bool cancel, bool *done)
{
    Executor *executor = executor_at(machine, id);
    const ExecutorDef *def = def_of(machine, executor->def);
    *done = task->phase == PHASE_LIBRARY_DONE;
    if (*done)
        return STEP_NEXT;
    if (task->phase == PHASE_ENTER) {
        executor->shut_down = true;
        if (cancel)
            cancel_items(machine, task, executor);
        if (def->processes) {
            const Op *op = &machine->scenario->ops[task->op];
            return library_call(machine, task, op, def->stop, id) ? STEP_NEXT : STEP_ENDED;
        }
        task->scratch = item_create(machine, id, 0);
        task->phase = PUT;
    }
    return put(machine, task, executor, (uint32_t)task->scratch, done);
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
    if (task->phase == PHASE_ENTER || task->phase >= PUT) {
        result = stop_open(machine, task, op->arg[0], 0, op->arg[1] != 0, &done);
        if (!done)
            return result;
        done = false;
        task->phase = THREAD_JOIN;
    }
    result = thread_join(machine, task, op, def_of(machine, op->arg[0])->worker, &done);
    return done ? program_done(task, op) : result;
}

// ---- a thread of an executor

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
    WORK_NOTIFY,
    WORK_NOTIFYING,
    WORK_NOTIFIED,
    WORK_TELL,
    WORK_NEXT = WORK_TELL + WAKE_LOOP_PHASES,
};

static Worker *worker_of(Machine *machine, const Task *task)
{
    return worker_at(machine, (uint32_t)program_frame(machine, task)->value);
}

static StepResult go(Task *task, uint8_t phase)
{
    task->phase = phase;
    return STEP_NEXT;
}

static StepResult begin_work(Machine *machine, Task *task, const Op *op)
{
    uint32_t id = pool_take(machine, &machine->executors->workers);
    *worker_at(machine, id) = (Worker){.executor = (uint32_t)task->scratch};
    if (!program_push(machine, task, program_op_index(machine, op), id))
        return STEP_ENDED;
    return go(task, WORK_GET);
}

// It has an item, or will have the one that it is handed.
static StepResult take_item(Machine *machine, Task *task, SimpleQueue *queue)
{
    worker_of(machine, task)->item = simple_queue_take(machine, queue);
    if (!queue->locked)
        return go(task, WORK_HAVE);
    queue->locked = false;
    queue->lock_free = true;
    return queue->waiting > 0 ? futex_wake(machine, task, WORK_TOOK) : go(task, WORK_HAVE);
}

// queue.SimpleQueue.get up to 3.12, where there was nothing.
static StepResult get(Machine *machine, Task *task, const Op *op, const Executor *executor,
                      SimpleQueue *queue)
{
    SyncId id = def_of(machine, executor->def)->queue;
    switch (task->phase) {
    case WORK_TRY:
        if (queue->first != 0)
            return take_item(machine, task, queue);
        if (queue->lock_free) {
            queue->lock_free = false;
            return go(task, WORK_LOCKED);
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
        return go(task, WORK_LOCKED);
    case WORK_LOCKED:
        queue->locked = true;
        return go(task, WORK_TRY);
    case WORK_TOOK:
        return futex_wake_now(machine, task, &queue->sleepers, 1, WORK_TOOK_WOKE);
    default: // WORK_TOOK_WOKE
        program_syscall_over(machine, task);
        return go(task, WORK_HAVE);
    }
}

// The same from 3.13 on: it waits until it is handed an item.
static StepResult park(Machine *machine, Task *task, const Op *op, const Executor *executor,
                       SimpleQueue *queue)
{
    SyncId id = def_of(machine, executor->def)->queue;
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
        return go(task, WORK_HAVE);
    }
}

static StepResult begin_get(const Machine *machine, Task *task, Executor *executor)
{
    const Runtime *runtime = runtime_of(machine, task);
    if (executor->queue.first == 0 && counts_idle(runtime))
        executor->idle++;
    return go(task, executor->queue.first == 0 && hands_over(runtime) ? PARKED : WORK_TRY);
}

// The thread's own end: the next one is to end, too.
static StepResult pass_on_end(Machine *machine, Task *task, uint32_t executor, const Op *op)
{
    bool done = false;
    if (task->phase == WORK_HAVE) {
        task->scratch = item_create(machine, executor, 0);
        task->phase = PUT;
    }
    StepResult result =
        put(machine, task, executor_at(machine, executor), (uint32_t)task->scratch, &done);
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
    emit_queue(machine, task, EVENT_QUEUE_GOT, executor);
    return program_work(machine, task, false,
                        half(machine_cost(machine, COST_EXECUTOR_ITEM), false), WORK_RUN);
}

static StepResult run_item(Machine *machine, Task *task, const Op *op, WorkItem *item, uint32_t id)
{
    if (item->state == ITEM_CANCELLED)
        return go(task, WORK_NEXT);
    item->state = ITEM_RUNNING;
    emit_item(machine, task, EVENT_EXECUTOR_RUN, id);
    if (!program_push(machine, task, program_op_index(machine, op), 0))
        return STEP_ENDED;
    task->op = item->function;
    return go(task, PHASE_ENTER);
}

bool executors_calls(unsigned code)
{
    return code == OP_LIB_EXECUTOR_WORK || code == OP_LIB_RUN_CALL;
}

StepResult executors_returns(Machine *machine, Task *task, uint32_t exception)
{
    uint32_t op = program_frame(machine, task)->op;
    if (machine->scenario->ops[op].code == OP_LIB_RUN_CALL)
        return process_pool_returns(machine, task, exception);
    program_pop(machine, task);
    item_at(machine, worker_of(machine, task)->item)->exception = exception;
    task->op = op;
    return go(task, WORK_RAN);
}

// No thread waits for its result any more; a coroutine may.
static StepResult told_next(Machine *machine, Task *task, const WorkItem *item)
{
    if (item->future == 0 || !wake_loop_is_open(machine, item->loop))
        return go(task, WORK_NEXT);
    return program_work(machine, task, false, machine_cost(machine, COST_CALL_SOON), WORK_TELL);
}

// The item's result is there: who waits for it goes on.
static StepResult set_result(Machine *machine, Task *task, const Op *op, WorkItem *item,
                             uint32_t id)
{
    switch (task->phase) {
    case WORK_SET:
        item->state = ITEM_DONE;
        emit_item(machine, task, EVENT_EXECUTOR_DONE, id);
        data_ordered(machine, task, op, EVENT_EVENT_SET,
                     def_of(machine, item->executor)->results.index1);
        return go(task, WORK_NOTIFY);
    case WORK_NOTIFY: // Condition.notify_all releases each waiter's own lock
        if (ID_NONE(item->waiters.first))
            return told_next(machine, task, item);
        return futex_wake(machine, task, WORK_NOTIFYING);
    case WORK_NOTIFYING:
        return futex_wake_now(machine, task, &item->waiters, 1, WORK_NOTIFIED);
    default: // WORK_NOTIFIED
        program_syscall_over(machine, task);
        return go(task, WORK_NOTIFY);
    }
}

// What a coroutine awaits is done, in the loop's next turn.
static StepResult tell_loop(Machine *machine, Task *task, const WorkItem *item, uint8_t first,
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
        return go(task, WORK_SET);
    *done = task->phase == WORK_NEXT;
    if (*done || task->phase < WORK_TELL)
        return *done ? STEP_NEXT : set_result(machine, task, op, item, id);
    StepResult result = tell_loop(machine, task, item, WORK_TELL, &told);
    return told ? go(task, WORK_NEXT) : result;
}

void executors_emit_item(Machine *machine, const Task *task, EventKind kind, uint32_t id)
{
    emit_item(machine, task, kind, id);
}

void executors_emit_queue(Machine *machine, const Task *task, EventKind kind, uint32_t executor)
{
    emit_queue(machine, task, kind, executor_at(machine, executor));
}

static StepResult next_item(Machine *machine, Task *task, Worker *worker, Executor *executor)
{
    item_drop(machine, worker->item);
    worker->item = 0;
    if (!counts_idle(runtime_of(machine, task)))
        executor->idle++;
    return go(task, WORK_GET);
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
    if (task->phase >= PUT)
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
        result = tell_loop(machine, task, item, WORK_TELL, &told);
        return told ? go(task, WORK_NEXT) : result;
    }
}

// ---- coroutines

enum { AWAIT_TO_THREAD = 2, AWAIT_FUNCTION, AWAIT_EXECUTOR }; // fields of `await`
enum { AWAIT_SUBMITTED = 1, AWAIT_TELL, AWAIT_LINKED = AWAIT_TELL + WAKE_LOOP_PHASES, AWAITED };

bool executors_awaits(const Op *op)
{
    return op->arg[AWAIT_TO_THREAD] != 0 || op->arg[AWAIT_FUNCTION] != 0;
}

void executors_done(Machine *machine, uint32_t target)
{
    if (future_is_done(machine, target))
        return; // cancelled meanwhile
    loop_owe(machine, loop_at(machine, future_at(machine, target)->loop), COST_EXECUTOR_RESULT);
    const WorkItem *item = item_at(machine, future_at(machine, target)->data);
    if (item->exception != EXCEPTION_NONE)
        future_set_exception(machine, target, item->exception);
    else
        future_set_result(machine, target);
}

void executors_check(Machine *machine, uint32_t target)
{
    if (future_at(machine, target)->state == FUTURE_CANCELLED)
        item_cancel(machine, future_at(machine, target)->data);
}

static uint32_t awaited_def(const Machine *machine, const Task *task, const Op *op)
{
    uint32_t def = op->arg[AWAIT_EXECUTOR];
    return def != 0 ? def : process_family(machine, process_of(machine, task))->default_executor;
}

static uint32_t awaited_executor(Machine *machine, const Task *task, const Op *op)
{
    uint32_t loop = op->arg[AWAIT_EXECUTOR] != 0 ? 0 : task->loop;
    return executor_get(machine, task->process, awaited_def(machine, task, op), loop);
}

// A future of the loop's, for the item's: its end is told to the loop, by the thread that does it,
// or here when that has been faster.
static StepResult wrap(Machine *machine, Task *task, Coroutine *coroutine)
{
    uint32_t id = (uint32_t)task->scratch;
    WorkItem *item = item_at(machine, id);
    uint32_t future = future_create(machine, task->loop, FUTURE_PLAIN);
    future_at(machine, future)->data = id;
    future_hold(machine, future);
    future_add_callback(machine, future, (Callback){CALLBACK_EXECUTOR_CHECK, future});
    coroutine->local[0] = future;
    coroutine->local[1] = id;
    item->loop = task->loop;
    item->future = future_hold(machine, future);
    return go(task, item->state >= ITEM_DONE ? AWAIT_TELL : AWAIT_LINKED);
}

StepResult executors_await(Machine *machine, Task *task, const Op *op)
{
    Coroutine *coroutine = coroutines_current(machine, task, op);
    bool done = false;
    StepResult result;
    if (coroutine == NULL)
        return STEP_ENDED;
    uint32_t function =
        op->arg[AWAIT_TO_THREAD] != 0 ? op->arg[AWAIT_TO_THREAD] : op->arg[AWAIT_FUNCTION];
    switch (task->phase) {
    case PHASE_ENTER:
        return next_submit(machine, task);
    case AWAIT_SUBMITTED:
        return wrap(machine, task, coroutine);
    case AWAIT_LINKED:
        return coroutines_await(machine, task, coroutine->local[0], AWAITED);
    case AWAITED:
        future_drop(machine, coroutine->local[0]);
        item_drop(machine, coroutine->local[1]);
        data_ordered(machine, task, op, EVENT_EVENT_PASSED,
                     def_of(machine, awaited_def(machine, task, op))->results.index1);
        return coroutines_over(machine, task, op);
    default:
        break;
    }
    if (task->phase < AWAIT_LINKED) {
        result = tell_loop(machine, task, item_at(machine, coroutine->local[1]), AWAIT_TELL, &done);
        return done ? go(task, AWAIT_LINKED) : result;
    }
    uint32_t id = awaited_executor(machine, task, op);
    if (id == 0)
        return unwind_raise(machine, task, EXCEPTION_ERROR); // RuntimeError: it is shut down
    result = submit(machine, task, op, id, function, &done);
    if (!done)
        return result;
    return program_work(machine, task, false, machine_cost(machine, COST_WRAP_FUTURE),
                        AWAIT_SUBMITTED);
}

// ---- the end of asyncio.run

static StepResult stopped(Machine *machine, Task *task, uint8_t next)
{
    Loop *loop = loop_at(machine, task->loop);
    loop_call_soon(machine, loop, (Callback){CALLBACK_STOP, loop->id}, 0);
    return go(task, next);
}

StepResult executors_close(Machine *machine, Task *task, const Op *op, uint8_t next)
{
    uint32_t def = process_family(machine, process_of(machine, task))->default_executor;
    bool done = false;
    StepResult result;
    if (task->phase == EXECUTORS_CLOSE) {
        if (def == 0 || executor_find(machine, task->process, def, task->loop) == 0)
            return stopped(machine, task, next);
        task->phase = THREAD_START;
    }
    ThreadDefId stopper = def_of(machine, def)->stopper;
    if (task->phase >= EXECUTORS_JOIN) {
        result = thread_join(machine, task, op, stopper, &done);
        return done ? stopped(machine, task, next) : result;
    }
    result = thread_start(machine, task, op, stopper, task->loop, &done);
    return done ? go(task, next) : result;
}
