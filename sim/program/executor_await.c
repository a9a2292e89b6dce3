// Executors and event loops: coroutines that await an item, and the end of asyncio.run. CPython
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
    if (item->state == ITEM_CANCELLED) // by a shutdown
        future_cancel(machine, target, 0);
    else if (item->exception != EXCEPTION_NONE)
        future_set_exception(machine, target, executors_exception(item));
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
    future_add_callback(machine, future, (Callback){CALLBACK_EXECUTOR_CHECK, future});
    coroutine->local[0] = future;
    coroutine->local[1] = id;
    item->loop = task->loop;
    item->future = future_hold(machine, future);
    return program_go(task, item->state >= ITEM_DONE ? AWAIT_TELL : AWAIT_LINKED);
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
        return executors_next_submit(machine, task);
    case AWAIT_SUBMITTED:
        return wrap(machine, task, coroutine);
    case AWAIT_LINKED:
        return coroutines_await(machine, task, coroutine->local[0], AWAITED);
    case AWAITED:
        future_drop(machine, coroutine->local[0]);
        item_drop(machine, coroutine->local[1]);
        data_ordered(machine, task, op, EVENT_EVENT_PASSED,
                     executor_def(machine, awaited_def(machine, task, op))->results.index1);
        return coroutines_over(machine, task, op);
    default:
        break;
    }
    if (task->phase < AWAIT_LINKED) {
        result = executors_tell_loop(machine, task, item_at(machine, coroutine->local[1]),
                                     AWAIT_TELL, &done);
        return done ? program_go(task, AWAIT_LINKED) : result;
    }
    uint32_t id = awaited_executor(machine, task, op);
    if (id == 0)
        return unwind_raise(
            machine, task,
            executor_refusal(machine, task->process, awaited_def(machine, task, op), 0));
    result = executors_submit(machine, task, op, id, function, &done);
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
    return program_go(task, next);
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
    ThreadDefId stopper = executor_def(machine, def)->stopper;
    if (task->phase >= EXECUTORS_JOIN) {
        result = thread_join(machine, task, op, stopper, &done);
        return done ? stopped(machine, task, next) : result;
    }
    result = thread_start(machine, task, op, stopper, task->loop, &done);
    return done ? program_go(task, next) : result;
}
