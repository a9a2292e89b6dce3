// The op asyncio.run: the event loop's turn, phase by phase. CPython Lib/asyncio/base_events.py
// (_run_once, run_until_complete), runners.py.
#include "sim/base/check.h"
#include "sim/kernel/process.h"
#include "sim/kernel/socket_pair.h"
#include "sim/program/coroutines.h"
#include "sim/program/executors.h"
#include "sim/program/gil_turn.h"
#include "sim/program/stream_callbacks.h"
#include "sim/program/thread_start.h"
#include "sim/program/unwind.h"
#include "sim/program/uvloop_turn.h"
#include "sim/program/wake_loop.h"
#include "sim/python/uvloop.h"

// ---- asyncio.run and its ends

static StepResult begin(Machine *machine, Task *task, const Op *op)
{
    if (task->coroutine != 0 || task->loop != 0) {
        machine_fail(machine, machine->scenario->op_at[program_op_index(machine, op)],
                     "'asyncio.run' in a thread that runs an event loop already");
        return STEP_ENDED;
    }
    task->loop = loop_open(machine, task, op->arg[ASYNCIO_RUN_LOOP] == EVENT_LOOP_LIBUV);
    Loop *loop = loop_at(machine, task->loop);
    loop->op = task->op;
    loop->debug = op->arg[1] != 0;
    loop->main = coroutine_create(machine, loop, op->arg[0], 0);
    loop->eager = op->arg[ASYNCIO_RUN_EAGER] != 0; // from the main task's first step on
    machine_emit(machine, EVENT_LOOP_STARTED, task->core, task->id,
                 coroutine_argument(machine, future_at(machine, loop->main)->data), 0);
    future_add_callback(machine, loop->main, (Callback){CALLBACK_STOP, loop->id});
    task->phase = loop->libuv ? UVLOOP_RUN : TURN;
    return STEP_NEXT;
}

// shutdown_asyncgens and, without an executor, shutdown_default_executor are coroutines that await
// nothing: one turn for each, and one for the callback that then stops the loop.
static void run_trivial_coroutine(Machine *machine, Loop *loop)
{
    loop_call_soon(machine, loop, (Callback){CALLBACK_RUNNER, loop->id}, 0);
}

// The loop has stopped: what asyncio.run does next. True when it is through.
static bool next_stage(Machine *machine, Loop *loop)
{
    loop->stopping = false;
    if (loop->stage == RUN_MAIN) {
        loop->exception = future_exception(machine, loop->main);
        uint32_t all = coroutine_cancel_all(machine, loop);
        loop->stage = RUN_CANCEL;
        if (all != 0) {
            future_add_callback(machine, all, (Callback){CALLBACK_STOP, loop->id});
            future_drop(machine, all);
            return false;
        }
    }
    loop->stage++;
    if (loop->stage == RUN_EXECUTOR && loop->runtime->minor < 9 && !loop->libuv)
        loop->stage++; // asyncio.run of 3.8 leaves its executor alone, uvloop.run does not
    if (loop->stage < RUN_CLOSED)
        run_trivial_coroutine(machine, loop);
    return loop->stage == RUN_CLOSED;
}

static StepResult end(Machine *machine, Task *task, const Op *op)
{
    uint32_t exception = loop_at(machine, task->loop)->exception;
    machine_emit(machine, EVENT_LOOP_ENDED, task->core, task->id, exception, 0);
    loop_close(machine, task->loop);
    task->loop = 0;
    return exception != EXCEPTION_NONE ? unwind_raise(machine, task, exception)
                                       : program_done(task, op);
}

// ---- a turn

static StepResult begin_turn(Machine *machine, Task *task, Loop *loop)
{
    loop_begin_turn(machine, loop);
    Duration cost = duration_add(loop_owed(loop), loop_cost(machine, loop, COST_LOOP_TURN));
    return program_work(machine, task, false, cost, POLL);
}

static StepResult enter_epoll(Machine *machine, Task *task, Loop *loop)
{
    int64_t ms = loop->libuv ? uvloop_poll_ms(machine, loop) : loop_poll_ms(machine, loop);
    machine_emit(machine, EVENT_LOOP_POLL, task->core, task->id, (uint64_t)ms, 0);
    loop->poll_until = INSTANT_NEVER;
    if (ms >= 0)
        loop->poll_until = instant_add(machine->now, (Duration){ms * 1000000});
    Duration entry = half(machine_cost(machine, COST_SYSCALL), false);
    return program_syscall(machine, task, SYSCALL_EPOLL_WAIT,
                           duration_add(entry, machine_cost(machine, COST_EPOLL_WAIT)), IN_EPOLL);
}

// Takes what has come; with nothing there, and time left, sleeps. The timeout counts from the call,
// so that entering the kernel is part of it.
static StepResult in_epoll(Machine *machine, Task *task, Loop *loop)
{
    Duration exit = half(machine_cost(machine, COST_SYSCALL), true), cost;
    loop->polling = false;
    if (selector_take(machine, loop, task, &cost) > 0 || loop->poll_until.ns <= machine->now.ns)
        return program_work(machine, task, true, duration_add(exit, cost), POLLED);
    if (task->attention & ATTENTION_SIGNAL) // its handler needs the GIL: see gil_turn.h
        gil_turn_again(task);
    if (program_interrupted(task, IN_EPOLL))
        return STEP_NEXT;
    loop->polling = true;
    if (loop->poll_until.ns != INSTANT_NEVER.ns)
        process_set_timer(machine, task, instant_since(loop->poll_until, machine->now));
    selector_sleep(machine, loop, task);
    return program_blocked(task, IN_EPOLL);
}

// Back from the kernel. Once asyncio's thread has the GIL again, it looks at what has come.
static StepResult polled(Machine *machine, Task *task)
{
    program_syscall_over(machine, task);
    task->phase = EVENTS;
    return STEP_NEXT;
}

static StepResult end_poll(Machine *machine, Task *task, Loop *loop)
{
    if (loop->libuv)
        return uvloop_polled(machine, task, loop);
    selector_process(machine, loop);
    loop_end_poll(machine, loop);
    task->phase = NEXT_CALLBACK;
    return STEP_NEXT;
}

static StepResult next_callback(Machine *machine, Task *task, Loop *loop)
{
    bool again;
    if (loop->libuv && (loop->uvloop.phase != UVLOOP_IDLE || loop->snapshot == 0))
        return uvloop_next(machine, task, loop);
    if (loop_next(machine, loop, &again)) {
        Duration cost = duration_add(loop_owed(loop), loop_cost(machine, loop, COST_LOOP_CALLBACK));
        if (loop->current.callback.kind == CALLBACK_STEP)
            cost = duration_add(cost, machine_cost(machine, COST_TASK_STEP));
        return program_work(machine, task, false, cost, CALLBACK);
    }
    task->phase = again ? NEXT_CALLBACK : TURN;
    return STEP_NEXT;
}

// ---- callbacks

// The thread's own place is kept, and the coroutine's taken.
static void enter_coroutine(Machine *machine, Task *task, uint32_t id)
{
    coroutines_keep_loop(machine, task, NEXT_CALLBACK);
    task->coroutine = id;
    coroutine_load(task, coroutine_at(machine, id));
}

// Task.__step, and __wakeup when it is told of a future.
static StepResult step_coroutine(Machine *machine, Task *task, Loop *loop)
{
    uint32_t argument = loop->current.argument;
    uint32_t id = future_at(machine, loop->current.callback.target)->data;
    uint32_t thrown = argument == 0 ? EXCEPTION_NONE : future_exception(machine, argument);
    Coroutine *coroutine = coroutine_at(machine, id);
    if (coroutine->must_cancel)
        thrown = EXCEPTION_CANCELLED;
    coroutine->must_cancel = false;
    if (coroutine->waits_for != 0)
        future_drop(machine, coroutine->waits_for);
    coroutine->waits_for = 0;
    coroutine->thrown = thrown;
    loop_done_with_current(machine, loop);
    machine_emit(machine, EVENT_COROUTINE_RESUMED, task->core, task->id,
                 coroutine_argument(machine, id), thrown);
    enter_coroutine(machine, task, id);
    if (!coroutine->started && thrown != EXCEPTION_NONE)
        return coroutines_returns(machine, task, thrown); // it has not even begun
    coroutine->started = true;
    return STEP_NEXT;
}

static StepResult call_function(Machine *machine, Task *task, Loop *loop)
{
    uint32_t function = loop->current.callback.target;
    loop_done_with_current(machine, loop);
    coroutines_keep_loop(machine, task, NEXT_CALLBACK);
    coroutines_call(machine, task, function);
    return STEP_NEXT;
}

// _process_self_data, _handle_signal: for each signal its callback is ready, and the loop is woken
// for that once more, by itself. Bytes of 0 only wake.
static StepResult handle_received(Machine *machine, Task *task, Loop *loop)
{
    Selector *selector = &loop->selector;
    bool done = true;
    StepResult result = STEP_NEXT;
    if (task->phase > SIGNALLED)
        result = wake_loop_send(machine, task, loop->id, 0, SIGNALLED, &done);
    while (done && selector->received_next < selector->received_count) {
        uint8_t signal1 = selector->received[selector->received_next++];
        uint32_t function = signal1 == 0 ? 0 : loop->signal_functions[signal1 - 1];
        if (function == 0)
            continue;
        loop_add_callback(machine, loop, (Callback){CALLBACK_CALL, function});
        return wake_loop_send(machine, task, loop->id, 0, SIGNALLED, &done);
    }
    if (done)
        task->phase = RECEIVE; // until there is no more
    return result;
}

// _read_from_self.
static StepResult read_self(Machine *machine, Task *task, Loop *loop)
{
    Duration entry = half(machine_cost(machine, COST_SYSCALL), false);
    Selector *selector = &loop->selector;
    switch (task->phase) {
    case RECEIVE:
        return program_syscall(machine, task, SYSCALL_RECVFROM,
                               duration_add(entry, machine_cost(machine, COST_SOCKET_PAIR_RECEIVE)),
                               RECEIVING);
    case RECEIVING:
        selector->received_next = 0;
        selector->received_count = socket_pair_receive(
            machine, selector->self_pipe, selector->received, sizeof selector->received);
        return program_work(machine, task, true, half(machine_cost(machine, COST_SYSCALL), true),
                            RECEIVED);
    case RECEIVED:
        program_syscall_over(machine, task);
        if (selector->received_count > 0) {
            task->phase = SIGNALLED;
            return STEP_NEXT;
        }
        loop_done_with_current(machine, loop);
        task->phase = NEXT_CALLBACK;
        return STEP_NEXT;
    default:
        return handle_received(machine, task, loop);
    }
}

static StepResult run_callback(Machine *machine, Task *task, Loop *loop)
{
    Ready *current = &loop->current;
    task->phase = NEXT_CALLBACK;
    switch (current->callback.kind) {
    case CALLBACK_STEP:
        return step_coroutine(machine, task, loop);
    case CALLBACK_CALL:
        return call_function(machine, task, loop);
    case CALLBACK_SET_RESULT:
    case CALLBACK_RELEASE:
        if (!future_is_done(machine, current->callback.target))
            future_set_result(machine, current->callback.target);
        break;
    case CALLBACK_GATHER:
        gather_child_done(machine, current->callback.target, current->argument);
        break;
    case CALLBACK_WAIT:
        wait_child_done(machine, current->callback.target, current->argument);
        break;
    case CALLBACK_MEMBER:
        group_member_done(machine, current->callback.target);
        break;
    case CALLBACK_COMPLETED:
        completed_task_done(machine, current->callback.target, current->argument);
        break;
    case CALLBACK_LATE:
        completed_expire(machine, current->callback.target);
        break;
    case CALLBACK_SHIELD_INNER:
        shield_inner_done(machine, current->callback.target, current->argument);
        break;
    case CALLBACK_SHIELD_OUTER:
        shield_outer_done(machine, current->argument, current->callback.target);
        break;
    case CALLBACK_TIMEOUT:
        timeout_expire(machine, current->callback.target);
        break;
    case CALLBACK_STOP: // uvloop's stop() makes a callback ready that stops
        if (loop->libuv)
            loop_call_soon(machine, loop, (Callback){CALLBACK_LOOP_STOP, loop->id}, 0);
        else
            loop->stopping = true;
        break;
    case CALLBACK_LOOP_STOP:
        loop->stopping = true;
        break;
    case CALLBACK_EXECUTOR_DONE:
        executors_done(machine, current->callback.target);
        break;
    case CALLBACK_EXECUTOR_CHECK:
        executors_check(machine, current->callback.target);
        break;
    case CALLBACK_EXECUTOR_STOPPED:
        loop_call_soon(machine, loop, (Callback){CALLBACK_EXECUTOR_JOIN, loop->id}, 0);
        break;
    case CALLBACK_EXECUTOR_JOIN:
        task->phase = EXECUTORS_JOIN;
        break;
    case CALLBACK_READ_SELF:
        task->phase = RECEIVE;
        return STEP_NEXT;
    case CALLBACK_READ_READY:
    case CALLBACK_WRITE_READY:
    case CALLBACK_STREAM_MADE:
    case CALLBACK_STREAM_WATCH:
    case CALLBACK_STREAM_EOF:
    case CALLBACK_STREAM_LOST:
        task->phase = STREAM_PHASES;
        return STEP_NEXT;
    default:
        CHECKF(current->callback.kind == CALLBACK_RUNNER, "callback %u", current->callback.kind);
        if (loop->stage == RUN_EXECUTOR)
            task->phase = EXECUTORS_CLOSE;
        else
            loop_call_soon(machine, loop, (Callback){CALLBACK_STOP, loop->id}, 0);
    }
    loop_done_with_current(machine, loop);
    return STEP_NEXT;
}

StepResult step_ASYNCIO_RUN(Machine *machine, Task *task, const Op *op)
{
    if (task->phase == PHASE_ENTER)
        return begin(machine, task, op);
    Loop *loop = loop_at(machine, task->loop);
    switch (task->phase) {
    case TURN:
        if (loop->stopping && next_stage(machine, loop))
            return end(machine, task, op);
        return begin_turn(machine, task, loop);
    case POLL:
        return enter_epoll(machine, task, loop);
    case IN_EPOLL:
        return in_epoll(machine, task, loop);
    case POLLED:
        return polled(machine, task);
    case EVENTS:
        return end_poll(machine, task, loop);
    case RECEIVE:
    case RECEIVING:
    case RECEIVED:
    case SIGNALLED:
    case SIGNALLED + 1:
    case SIGNALLED + 2:
        return read_self(machine, task, loop);
    case NEXT_CALLBACK:
        loop_time_over(machine, loop);
        return next_callback(machine, task, loop);
    case CALLBACK:
        loop_time_callback(machine, loop);
        return run_callback(machine, task, loop);
    case UVLOOP_STOPPED:
        if (uvloop_takes_gil(task))
            return STEP_NEXT;
        return next_stage(machine, loop) ? end(machine, task, op) : uvloop_run(machine, task, loop);
    default:
        if (task->phase >= UVLOOP_PHASES && task->phase < UVLOOP_PHASES_END)
            return uvloop_step(machine, task, loop);
        if (task->phase >= STREAM_PHASES && task->phase < STREAM_PHASES_END)
            return stream_callback(machine, task, loop, NEXT_CALLBACK);
        return executors_close(machine, task, op, NEXT_CALLBACK);
    }
}
