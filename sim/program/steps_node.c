// The op node.run: a script, and then libuv's loop for as long as something is left to wait for;
// and the ops by which functions ask to be called. libuv src/unix/core.c (uv_run), Node
// lib/internal/timers.js and lib/internal/process/task_queues.js.
//
// An exception that no function handles ends the thread, as it ends Node.
#include "sim/base/check.h"
#include "sim/kernel/eventfd.h"
#include "sim/kernel/process.h"
#include "sim/kernel/sched.h"
#include "sim/program/coroutines.h"
#include "sim/python/selector.h"
#include "sim/python/uv_loop.h"

enum {
    CALLING = 1,
    RETURNED, // the function that was called has
    DRAIN,    // nextTick's queue, then microtasks, until both are empty
    TIMERS,
    NEXT_TIMER,
    TURN,
    POLL,
    IN_POLL,
    POLLED,
    READ_EVENT,
    READING_EVENT,
    HAS_READ,
    NEXT_DONE, // work of the thread pool
    CHECK,
    NEXT_IMMEDIATE,
};

static UvLoop *uv_of(const Machine *machine, const Task *task)
{
    return loop_at(machine, task->loop)->uv;
}

static void emit(Machine *machine, const Task *task, EventKind kind, uint32_t function,
                 UvQueueKind queue)
{
    machine_emit(machine, kind, task->core, task->id, coroutine_pack(0, function), queue);
}

// Calls a function, which costs its time first, and then whatever it has put off; goes on in
// `after`.
static StepResult call(Machine *machine, Task *task, uint32_t function, UvQueueKind from,
                       uint8_t after)
{
    static const CostId costs[] = {
        [UV_QUEUE_SCRIPT] = COST_UV_CALLBACK,  [UV_QUEUE_TICK] = COST_NEXT_TICK,
        [UV_QUEUE_MICROTASK] = COST_MICROTASK, [UV_QUEUE_IMMEDIATE] = COST_UV_CALLBACK,
        [UV_QUEUE_TIMER] = COST_UV_CALLBACK,   [UV_QUEUE_WORK] = COST_UV_CALLBACK,
    };
    UvLoop *uv = uv_of(machine, task);
    uv->function = function;
    uv->from = (uint8_t)from;
    uv->after = after;
    return program_work(machine, task, false, machine_cost(machine, costs[from]), CALLING);
}

static StepResult enter_function(Machine *machine, Task *task)
{
    uint32_t function = uv_of(machine, task)->function;
    emit(machine, task, EVENT_UV_CALL, function, (UvQueueKind)uv_of(machine, task)->from);
    coroutines_keep_loop(machine, task, RETURNED);
    coroutines_call(machine, task, function);
    return STEP_NEXT;
}

static StepResult begin(Machine *machine, Task *task, const Op *op)
{
    if (task->loop != 0) {
        machine_fail(machine, machine->scenario->op_at[program_op_index(machine, op)],
                     "'node.run' in a thread that runs an event loop already");
        return STEP_ENDED;
    }
    task->loop = uv_open(machine, task);
    loop_at(machine, task->loop)->op = task->op;
    return call(machine, task, coroutines_function_at(machine->scenario, op->arg[0]),
                UV_QUEUE_SCRIPT, TIMERS);
}

static StepResult go_to(Task *task, uint8_t phase)
{
    task->phase = phase;
    return STEP_NEXT;
}

// All ticks, then all microtasks, and again if those have put off more.
static StepResult drain(Machine *machine, Task *task)
{
    UvLoop *uv = uv_of(machine, task);
    bool ticks = uv_queue_count(&uv->ticks) > 0, microtasks = uv_queue_count(&uv->microtasks) > 0;
    uv->draining = microtasks && (uv->draining || !ticks);
    if (!ticks && !microtasks)
        return go_to(task, uv->after);
    uint32_t function = uv_queue_take(uv->draining ? &uv->microtasks : &uv->ticks);
    return call(machine, task, function, uv->draining ? UV_QUEUE_MICROTASK : UV_QUEUE_TICK,
                uv->after);
}

// A name that was given to it means nothing any more.
static StepResult returned(Machine *machine, Task *task)
{
    UvLoop *uv = uv_of(machine, task);
    uint32_t called = uv->timers.called, over = node_timers_called(&uv->timers);
    if (called != 0 && over == 0)
        emit(machine, task, EVENT_UV_QUEUED, uv->function, UV_QUEUE_TIMER);
    for (uint32_t i = 0; over != 0 && i < machine->scenario->task_name_count; i++)
        if (uv->names[i].timer == over)
            uv->names[i].timer = 0;
    return go_to(task, DRAIN);
}

static StepResult begin_timers(Machine *machine, Task *task)
{
    UvLoop *uv = uv_of(machine, task);
    machine_emit(machine, EVENT_UV_TIMERS, task->core, task->id, uv->timers.alive, 0);
    return go_to(task, node_timers_begin(machine, &uv->timers) ? NEXT_TIMER : TURN);
}

static StepResult next_timer(Machine *machine, Task *task)
{
    uint32_t function = node_timers_next(machine, &uv_of(machine, task)->timers);
    if (function == 0)
        return go_to(task, TURN);
    return call(machine, task, function, UV_QUEUE_TIMER, NEXT_TIMER);
}

static StepResult end(Machine *machine, Task *task, const Op *op)
{
    machine_emit(machine, EVENT_UV_ENDED, task->core, task->id, 0, 0);
    uv_close(machine, task->loop);
    task->loop = 0;
    return program_done(task, op);
}

// Node has libuv measure how long it waits (UV_METRICS_IDLE_TIME): before it waits it looks without
// waiting, and takes what has passed since its last look at the clock from the wait.
static StepResult enter_poll(Machine *machine, Task *task, Loop *loop)
{
    int64_t ms = uv_poll_ms(machine, loop->uv);
    loop->uv->looks = ms != 0 && !loop->uv->looks;
    if (loop->uv->looks)
        ms = 0;
    machine_emit(machine, EVENT_UV_POLL, task->core, task->id, (uint64_t)ms, 0);
    loop->poll_until = INSTANT_NEVER;
    if (ms >= 0)
        loop->poll_until = instant_add(machine->now, (Duration){ms * 1000000});
    Duration entry = half(machine_cost(machine, COST_SYSCALL), false);
    return program_syscall(machine, task, SYSCALL_EPOLL_WAIT,
                           duration_add(entry, machine_cost(machine, COST_EPOLL_WAIT)), IN_POLL);
}

static StepResult in_poll(Machine *machine, Task *task, Loop *loop)
{
    Duration exit = half(machine_cost(machine, COST_SYSCALL), true), cost = {0};
    bool watches = loop->uv->pool != 0;
    if ((watches && selector_take(machine, loop, task, &cost) > 0) ||
        loop->poll_until.ns <= machine->now.ns)
        return program_work(machine, task, true, duration_add(exit, cost), POLLED);
    if (program_interrupted(task, IN_POLL))
        return STEP_NEXT;
    if (loop->poll_until.ns != INSTANT_NEVER.ns)
        process_set_timer(machine, task, instant_since(loop->poll_until, machine->now));
    if (watches)
        selector_sleep(machine, loop, task);
    else
        sched_block(machine, task, SWITCH_BLOCKED_EPOLL);
    return program_blocked(task, IN_POLL);
}

static StepResult polled(Machine *machine, Task *task, Loop *loop)
{
    program_syscall_over(machine, task);
    node_timers_look(machine, &loop->uv->timers);
    bool woken = loop->selector.count > 0;
    loop->selector.count = 0;
    if (!woken && loop->uv->looks && uv_poll_ms(machine, loop->uv) != 0)
        return go_to(task, POLL);
    loop->uv->looks = false;
    return go_to(task, woken ? READ_EVENT : CHECK);
}

// uv__work_done: all that has been done by now, one after the other.
static StepResult read_event(Machine *machine, Task *task, Loop *loop)
{
    UvPool *pool = uv_pool_at(machine, loop->uv->pool);
    Duration half_call = half(machine_cost(machine, COST_SYSCALL), task->phase != READ_EVENT);
    switch (task->phase) {
    case READ_EVENT:
        return program_syscall(machine, task, SYSCALL_READ,
                               duration_add(half_call, machine_cost(machine, COST_EVENTFD)),
                               READING_EVENT);
    case READING_EVENT:
        eventfd_read(machine, pool->eventfd);
        return program_work(machine, task, true, half_call, HAS_READ);
    default:
        program_syscall_over(machine, task);
        pool->woken = false;
        loop->uv->finished = pool->done;
        pool->done = (UvWorkQueue){0};
        return go_to(task, NEXT_DONE);
    }
}

static StepResult next_done(Machine *machine, Task *task, Loop *loop)
{
    UvPool *pool = uv_pool_at(machine, loop->uv->pool);
    uint32_t work = uv_pool_next_done(pool, &loop->uv->finished);
    if (work == 0)
        return go_to(task, CHECK);
    uint32_t function = uv_work_at(pool, work)->then;
    return function == 0 ? STEP_NEXT : call(machine, task, function, UV_QUEUE_WORK, NEXT_DONE);
}

// The check phase runs the immediates that are there when it begins.
static StepResult begin_check(Machine *machine, Task *task)
{
    UvLoop *uv = uv_of(machine, task);
    uv->checked = uv_queue_count(&uv->immediates);
    machine_emit(machine, EVENT_UV_CHECK, task->core, task->id, uv->checked, 0);
    return go_to(task, NEXT_IMMEDIATE);
}

static StepResult next_immediate(Machine *machine, Task *task)
{
    UvLoop *uv = uv_of(machine, task);
    if (uv->checked == 0)
        return go_to(task, TIMERS);
    uv->checked--;
    uint32_t function = uv_queue_take(&uv->immediates);
    if (function == 0)
        return STEP_NEXT; // taken back
    uv->immediates_alive--;
    return call(machine, task, function, UV_QUEUE_IMMEDIATE, NEXT_IMMEDIATE);
}

static StepResult go_on(Machine *machine, Task *task, const Op *op)
{
    Loop *loop = loop_at(machine, task->loop);
    switch (task->phase) {
    case CALLING:
        return enter_function(machine, task);
    case RETURNED:
        return returned(machine, task);
    case DRAIN:
        return drain(machine, task);
    case TIMERS: // once before the first turn, then at the end of each
        return begin_timers(machine, task);
    case NEXT_TIMER:
        return next_timer(machine, task);
    case TURN:
        if (!uv_is_alive(machine, loop->uv))
            return end(machine, task, op);
        return program_work(machine, task, false, machine_cost(machine, COST_UV_TURN), POLL);
    case POLL:
        return enter_poll(machine, task, loop);
    case IN_POLL:
        return in_poll(machine, task, loop);
    case POLLED:
        return polled(machine, task, loop);
    case READ_EVENT:
    case READING_EVENT:
    case HAS_READ:
        return read_event(machine, task, loop);
    case NEXT_DONE:
        return next_done(machine, task, loop);
    case CHECK:
        return begin_check(machine, task);
    default:
        CHECKF(task->phase == NEXT_IMMEDIATE, "phase %u", task->phase);
        return next_immediate(machine, task);
    }
}

StepResult step_NODE_RUN(Machine *machine, Task *task, const Op *op)
{
    return task->phase == PHASE_ENTER ? begin(machine, task, op) : go_on(machine, task, op);
}

// ---- asking to be called

static UvLoop *asked(Machine *machine, Task *task, const Op *op)
{
    if (task->loop != 0)
        return uv_of(machine, task);
    machine_fail(machine, machine->scenario->op_at[program_op_index(machine, op)],
                 "'%s': this thread runs no event loop; 'node.run' starts one",
                 op_info(op->code)->name);
    return NULL;
}

static StepResult push(Machine *machine, Task *task, const Op *op, UvQueue *queue, UvQueueKind kind)
{
    uint32_t function = coroutines_function_at(machine->scenario, op->arg[0]);
    uv_queue_push(queue, function);
    uv_count_bytes(machine, uv_of(machine, task));
    emit(machine, task, EVENT_UV_QUEUED, function, kind);
    return program_done(task, op);
}

static StepResult set_timer(Machine *machine, Task *task, const Op *op, bool repeats)
{
    UvLoop *uv = asked(machine, task, op);
    if (uv == NULL)
        return STEP_ENDED;
    Duration after = dist_draw(machine->scenario, op->arg[0], &task->rng);
    uint32_t function = coroutines_function_at(machine->scenario, op->arg[1]);
    uv_set_timer(machine, uv, after, repeats, function, op->arg[2]);
    uv_count_bytes(machine, uv);
    emit(machine, task, EVENT_UV_QUEUED, function, UV_QUEUE_TIMER);
    return program_done(task, op);
}

StepResult step_SET_TIMEOUT(Machine *machine, Task *task, const Op *op)
{
    return set_timer(machine, task, op, false);
}

StepResult step_SET_INTERVAL(Machine *machine, Task *task, const Op *op)
{
    return set_timer(machine, task, op, true);
}

StepResult step_CLEAR_TIMEOUT(Machine *machine, Task *task, const Op *op)
{
    UvLoop *uv = asked(machine, task, op);
    if (uv == NULL)
        return STEP_ENDED;
    uint32_t function = uv_clear_timer(uv, op->arg[0]);
    if (function != 0)
        emit(machine, task, EVENT_UV_CLEARED, function, UV_QUEUE_TIMER);
    return program_done(task, op);
}

StepResult step_SET_IMMEDIATE(Machine *machine, Task *task, const Op *op)
{
    UvLoop *uv = asked(machine, task, op);
    if (uv == NULL)
        return STEP_ENDED;
    uint32_t function = coroutines_function_at(machine->scenario, op->arg[0]);
    uv_set_immediate(uv, function, op->arg[1]);
    uv_count_bytes(machine, uv);
    emit(machine, task, EVENT_UV_QUEUED, function, UV_QUEUE_IMMEDIATE);
    return program_done(task, op);
}

StepResult step_CLEAR_IMMEDIATE(Machine *machine, Task *task, const Op *op)
{
    UvLoop *uv = asked(machine, task, op);
    if (uv == NULL)
        return STEP_ENDED;
    uint32_t function = uv_clear_immediate(uv, op->arg[0]);
    if (function != 0)
        emit(machine, task, EVENT_UV_CLEARED, function, UV_QUEUE_IMMEDIATE);
    return program_done(task, op);
}

StepResult step_NEXT_TICK(Machine *machine, Task *task, const Op *op)
{
    UvLoop *uv = asked(machine, task, op);
    return uv == NULL ? STEP_ENDED : push(machine, task, op, &uv->ticks, UV_QUEUE_TICK);
}

StepResult step_QUEUE_MICROTASK(Machine *machine, Task *task, const Op *op)
{
    UvLoop *uv = asked(machine, task, op);
    return uv == NULL ? STEP_ENDED : push(machine, task, op, &uv->microtasks, UV_QUEUE_MICROTASK);
}
