#include "sim/program/coroutines.h"

#include "sim/base/check.h"
#include "sim/program/eager.h"
#include "sim/program/unwind.h"
#include "sim/python/uv_loop.h"

// ---- where the thread is

Loop *coroutines_loop(Machine *machine, Task *task, const Op *op)
{
    if (task->loop != 0)
        return loop_at(machine, task->loop);
    machine_fail(machine, machine->scenario->op_at[program_op_index(machine, op)],
                 "'%s': this thread runs no event loop; 'asyncio.run' starts one",
                 op_info(op->code)->name);
    return NULL;
}

Coroutine *coroutines_current(Machine *machine, Task *task, const Op *op)
{
    if (task->coroutine != 0)
        return coroutine_at(machine, task->coroutine);
    machine_fail(machine, machine->scenario->op_at[program_op_index(machine, op)],
                 "'%s' awaits, and no coroutine runs here", op_info(op->code)->name);
    return NULL;
}

void coroutines_keep_loop(Machine *machine, const Task *task, uint8_t phase)
{
    Loop *loop = loop_at(machine, task->loop);
    loop->phase = phase;
    loop->op = task->op;
    loop->frame = task->frame;
    loop->depth = task->depth;
    loop->copies = task->copies;
    loop->scratch = task->scratch;
    loop->rng = task->rng;
}

// It draws from the thread's random numbers.
void coroutines_call(Machine *machine, Task *task, uint32_t function)
{
    loop_at(machine, task->loop)->calling = true;
    task->phase = PHASE_ENTER;
    task->op = machine->scenario->functions[function - 1].entry;
    task->frame = task->depth = task->copies = 0;
    task->scratch = 0;
}

// The loop's own place again.
static StepResult back_to_loop(Machine *machine, Task *task)
{
    const Loop *loop = loop_at(machine, task->loop);
    task->coroutine = 0;
    task->phase = loop->phase;
    task->op = loop->op;
    task->frame = loop->frame;
    task->depth = loop->depth;
    task->copies = loop->copies;
    task->scratch = loop->scratch;
    task->rng = loop->rng;
    return STEP_NEXT;
}

// ---- waiting

static StepResult suspend(Machine *machine, Task *task, uint8_t phase)
{
    Coroutine *coroutine = coroutine_at(machine, task->coroutine);
    machine_emit(machine, EVENT_COROUTINE_SUSPENDED, task->core, task->id,
                 coroutine_argument(machine, task->coroutine), task->op);
    task->phase = phase;
    coroutine_save(task, coroutine);
    uint32_t starter = coroutine->starter;
    coroutine->starter = coroutine->nesting = 0;
    return starter != 0 ? eager_back(machine, task, starter) : back_to_loop(machine, task);
}

void coroutines_awaits_all(Machine *machine, const Task *task, uint32_t first)
{
    for (uint32_t at = machine->trace->off ? 0 : first; at != 0; at = link_at(machine, at)->next)
        coroutines_awaits(machine, task, link_at(machine, at)->future);
}

void coroutines_awaits(Machine *machine, const Task *task, uint32_t future)
{
    const Future *awaited = future_at(machine, future);
    if (awaited->state != FUTURE_PENDING || awaited->data == 0)
        return;
    if (awaited->kind == FUTURE_TASK)
        machine_emit(machine, EVENT_COROUTINE_AWAITS, task->core, task->id,
                     coroutine_argument(machine, task->coroutine),
                     coroutine_argument(machine, awaited->data));
    if (awaited->kind != FUTURE_GATHER)
        return;
    const Gather *gather = pool_at(&machine->asyncio->gathers, awaited->data);
    coroutines_awaits_all(machine, task, gather->first);
}

StepResult coroutines_await(Machine *machine, Task *task, uint32_t future, uint8_t phase)
{
    Coroutine *coroutine = coroutine_at(machine, task->coroutine);
    if (future_is_done(machine, future)) {
        coroutine->thrown = future_exception(machine, future);
        task->phase = phase;
        return STEP_NEXT;
    }
    coroutines_awaits(machine, task, future);
    coroutine->waits_for = future_hold(machine, future);
    future_add_callback(machine, future, (Callback){CALLBACK_STEP, coroutine->future});
    uint64_t self = coroutine_argument(machine, task->coroutine);
    if (coroutine->must_cancel && future_cancel(machine, future, self))
        coroutine->must_cancel = false;
    return suspend(machine, task, phase);
}

StepResult coroutines_yield(Machine *machine, Task *task, uint8_t phase)
{
    Coroutine *coroutine = coroutine_at(machine, task->coroutine);
    Loop *loop = loop_at(machine, task->loop);
    future_hold(machine, coroutine->future);
    loop_call_soon(machine, loop, (Callback){CALLBACK_STEP, coroutine->future}, 0);
    return suspend(machine, task, phase);
}

StepResult coroutines_over(Machine *machine, Task *task, const Op *op)
{
    Coroutine *coroutine = coroutine_at(machine, task->coroutine);
    uint32_t thrown = coroutine->thrown;
    coroutine->thrown = EXCEPTION_NONE;
    return thrown != EXCEPTION_NONE ? unwind_raise(machine, task, thrown) : program_done(task, op);
}

StepResult coroutines_returns(Machine *machine, Task *task, uint32_t exception)
{
    machine_free_frames(machine, task);
    Loop *loop = loop_at(machine, task->loop);
    if (loop->calling) { // what it raises is logged, and no more
        loop->calling = false;
        if (loop->uv != NULL && exception != EXCEPTION_NONE) {
            machine_emit(machine, EVENT_UV_ENDED, task->core, task->id, 0, 0);
            uv_close(machine, loop->id);
            task->loop = task->op = 0; // the end of the thread
            task->phase = PHASE_ENTER;
            return STEP_NEXT;
        }
        loop->rng = task->rng;
        return back_to_loop(machine, task);
    }
    uint32_t starter = coroutine_at(machine, task->coroutine)->starter;
    coroutine_end(machine, task->coroutine, exception);
    return starter != 0 ? eager_back(machine, task, starter) : back_to_loop(machine, task);
}

// ---- what is awaited

bool coroutines_no_task(Machine *machine, const Op *op, uint32_t name)
{
    const Scenario *scenario = machine->scenario;
    machine_fail(machine, scenario->op_at[program_op_index(machine, op)],
                 "'%s': there is no task '%s' yet", op_info(op->code)->name,
                 scenario_string(scenario, scenario->task_names[name - 1].name));
    return false;
}

static bool add_named(Machine *machine, Task *task, const Op *op, uint32_t name, uint32_t *first,
                      uint32_t *last)
{
    const struct TaskName *tasks = &loop_at(machine, task->loop)->names[name - 1];
    if (!tasks->known)
        return coroutines_no_task(machine, op, name);
    for (uint32_t i = 0; i < tasks->count; i++)
        links_add(machine, first, last, future_hold(machine, tasks->futures[i]));
    return true;
}

// The next one of those that have begun already (eager_made).
static uint32_t take_made(Machine *machine, uint32_t id)
{
    Coroutine *coroutine = coroutine_at(machine, id);
    uint32_t first = coroutine->made_first;
    Link link = *link_at(machine, first);
    coroutine->made_first = link.next;
    if (link.next == 0)
        coroutine->made_last = 0;
    pool_give(&machine->asyncio->links, first);
    return link.future;
}

bool coroutines_awaited(Machine *machine, Task *task, const Op *op, uint32_t awaited,
                        uint32_t *first)
{
    Loop *loop = loop_at(machine, task->loop);
    uint32_t last = 0;
    *first = 0;
    for (const AwaitedDef *def = &machine->scenario->awaited[awaited - 1];; def++) {
        if (def->name != 0) {
            if (!add_named(machine, task, op, def->name, first, &last))
                return false;
        } else if (loop->eager) {
            links_add(machine, first, &last, take_made(machine, task->coroutine));
        } else {
            links_add(machine, first, &last,
                      coroutine_create(machine, loop, def->function, task->coroutine));
            loop_owe(machine, loop, COST_CREATE_TASK);
        }
        if (def->last)
            return true;
    }
}

bool coroutines_awaited_one(Machine *machine, Task *task, const Op *op, uint32_t awaited,
                            uint32_t *future)
{
    uint32_t first;
    if (!coroutines_awaited(machine, task, op, awaited, &first))
        return false;
    if (first == 0 || link_at(machine, first)->next != 0) {
        machine_fail(machine, machine->scenario->op_at[program_op_index(machine, op)],
                     "'%s' waits for one task; this name means several", op_info(op->code)->name);
        return false;
    }
    *future = future_hold(machine, link_at(machine, first)->future);
    links_free(machine, first);
    return true;
}

// ---- functions

// Functions are compiled in order.
uint32_t coroutines_function_at(const Scenario *scenario, uint32_t entry)
{
    uint32_t low = 0, high = scenario->function_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (scenario->functions[middle].entry <= entry)
            low = middle;
        else
            high = middle;
    }
    CHECKF(scenario->functions[low].entry == entry, "no function begins at %u", entry);
    return low + 1;
}
