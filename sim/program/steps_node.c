// The op node.run: a script, and then libuv's loop for as long as something is left to wait for;
// and the ops by which functions ask to be called. libuv src/unix/core.c (uv_run), Node
// lib/internal/ timers.js and process/task_queues.js.
//
// An exception that no function handles ends the thread, as it ends Node.
#include "sim/base/check.h"
#include "sim/kernel/process.h"
#include "sim/kernel/sched.h"
#include "sim/program/coroutines.h"
#include "sim/python/uv_loop.h"

enum {
    CALLING = 1,
    DRAIN, // nextTick's queue, then microtasks, until both are empty
    TIMERS,
    NEXT_TIMER,
    TURN,
    POLL,
    IN_POLL,
    POLLED,
    NEXT_IMMEDIATE,
};

static UvLoop *uv_of(const Machine *machine, const Task *task)
{
    return loop_at(machine, task->loop)->uv;
}

// Calls a function, which costs its time first, and then whatever it has put off; goes on in
// `after`.
static StepResult call(Machine *machine, Task *task, uint32_t function, CostId cost, uint8_t after)
{
    UvLoop *uv = uv_of(machine, task);
    uv->function = function;
    uv->after = after;
    return program_work(machine, task, false, machine_cost(machine, cost), CALLING);
}

static StepResult enter_function(Machine *machine, Task *task)
{
    uint32_t function = uv_of(machine, task)->function;
    machine_emit(machine, EVENT_UV_CALL, task->core, task->id, coroutine_pack(0, function), 0);
    coroutines_keep_loop(machine, task, DRAIN);
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
                COST_UV_CALLBACK, TIMERS);
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
    return call(machine, task, function, uv->draining ? COST_MICROTASK : COST_NEXT_TICK, uv->after);
}

static StepResult begin_timers(Machine *machine, Task *task)
{
    UvLoop *uv = uv_of(machine, task);
    uv_update_time(machine, uv);
    machine_emit(machine, EVENT_UV_TIMERS, task->core, task->id, uv->timers.count, 0);
    return go_to(task, NEXT_TIMER);
}

// A timer that a callback sets is for later, because it is a millisecond away at least.
static StepResult next_timer(Machine *machine, Task *task)
{
    UvLoop *uv = uv_of(machine, task);
    uv_update_time(machine, uv);
    uint32_t function = uv_take_timer(uv);
    if (function == 0)
        return go_to(task, TURN);
    return call(machine, task, function, COST_UV_CALLBACK, NEXT_TIMER);
}

static StepResult end(Machine *machine, Task *task, const Op *op)
{
    uv_close(machine, task->loop);
    task->loop = 0;
    return program_done(task, op);
}

static StepResult enter_poll(Machine *machine, Task *task, Loop *loop)
{
    int64_t ms = uv_poll_ms(loop->uv);
    machine_emit(machine, EVENT_UV_POLL, task->core, task->id, (uint64_t)ms, 0);
    loop->poll_until = instant_add(machine->now, (Duration){ms * 1000000});
    Duration entry = half(machine_cost(machine, COST_SYSCALL), false);
    return program_syscall(machine, task, SYSCALL_EPOLL_WAIT,
                           duration_add(entry, machine_cost(machine, COST_EPOLL_WAIT)), IN_POLL);
}

static StepResult in_poll(Machine *machine, Task *task, const Loop *loop)
{
    if (loop->poll_until.ns <= machine->now.ns)
        return program_work(machine, task, true, half(machine_cost(machine, COST_SYSCALL), true),
                            POLLED);
    if (program_interrupted(task, IN_POLL))
        return STEP_NEXT;
    process_set_timer(machine, task, instant_since(loop->poll_until, machine->now));
    sched_block(machine, task, SWITCH_BLOCKED_EPOLL);
    return program_blocked(task, IN_POLL);
}

// The check phase runs the immediates that are there when it begins.
static StepResult begin_check(Machine *machine, Task *task)
{
    UvLoop *uv = uv_of(machine, task);
    program_syscall_over(machine, task);
    uv_update_time(machine, uv);
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
    return call(machine, task, uv_queue_take(&uv->immediates), COST_UV_CALLBACK, NEXT_IMMEDIATE);
}

static StepResult go_on(Machine *machine, Task *task, const Op *op)
{
    Loop *loop = loop_at(machine, task->loop);
    switch (task->phase) {
    case CALLING:
        return enter_function(machine, task);
    case DRAIN:
        return drain(machine, task);
    case TIMERS: // once before the first turn, then at the end of each
        return begin_timers(machine, task);
    case NEXT_TIMER:
        return next_timer(machine, task);
    case TURN:
        if (!uv_is_alive(loop->uv))
            return end(machine, task, op);
        return program_work(machine, task, false, machine_cost(machine, COST_UV_TURN), POLL);
    case POLL:
        return enter_poll(machine, task, loop);
    case IN_POLL:
        return in_poll(machine, task, loop);
    case POLLED:
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

static StepResult push(Machine *machine, Task *task, const Op *op, UvQueue *queue)
{
    uv_queue_push(queue, coroutines_function_at(machine->scenario, op->arg[0]));
    return program_done(task, op);
}

StepResult step_SET_TIMEOUT(Machine *machine, Task *task, const Op *op)
{
    UvLoop *uv = asked(machine, task, op);
    if (uv == NULL)
        return STEP_ENDED;
    Duration after = dist_draw(machine->scenario, op->arg[0], &task->rng);
    uv_set_timeout(machine, uv, after, coroutines_function_at(machine->scenario, op->arg[1]));
    return program_done(task, op);
}

StepResult step_SET_IMMEDIATE(Machine *machine, Task *task, const Op *op)
{
    UvLoop *uv = asked(machine, task, op);
    return uv == NULL ? STEP_ENDED : push(machine, task, op, &uv->immediates);
}

StepResult step_NEXT_TICK(Machine *machine, Task *task, const Op *op)
{
    UvLoop *uv = asked(machine, task, op);
    return uv == NULL ? STEP_ENDED : push(machine, task, op, &uv->ticks);
}

StepResult step_QUEUE_MICROTASK(Machine *machine, Task *task, const Op *op)
{
    UvLoop *uv = asked(machine, task, op);
    return uv == NULL ? STEP_ENDED : push(machine, task, op, &uv->microtasks);
}
