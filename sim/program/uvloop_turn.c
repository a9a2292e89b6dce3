#include "sim/program/uvloop_turn.h"

#include "sim/base/check.h"
#include "sim/kernel/eventfd.h"
#include "sim/program/gil_turn.h"
#include "sim/python/uvloop.h"

static StepResult go_to(Task *task, uint8_t phase)
{
    task->phase = phase;
    return STEP_NEXT;
}

bool uvloop_takes_gil(Task *task)
{
    bool without = (task->attention & ATTENTION_GIL_LATER) != 0;
    gil_turn_again(task);
    return without;
}

// ---- phases

static StepResult begin_timers(Machine *machine, Task *task, Loop *loop)
{
    loop->uvloop.phase = UVLOOP_TIMERS;
    uvloop_begin_timers(machine, loop);
    return go_to(task, NEXT_CALLBACK);
}

// libuv is without the GIL from the beginning.
StepResult uvloop_run(Machine *machine, Task *task, Loop *loop)
{
    loop->uvloop.idle = true;
    loop->uvloop.stop = false;
    return gil_turn_leave(machine, task, UVLOOP_BEGIN);
}

static StepResult begin_turn(Machine *machine, Task *task, Loop *loop)
{
    loop_begin_turn(machine, loop);
    loop->uvloop.phase = UVLOOP_IDLE;
    return program_work(machine, task, false, loop_cost(machine, loop, COST_LOOP_TURN),
                        loop->uvloop.idle ? UVLOOP_CALL_IDLE : POLL);
}

// _on_idle.
static StepResult begin_idle(Machine *machine, Task *task, Loop *loop)
{
    if (uvloop_takes_gil(task))
        return STEP_NEXT;
    loop->snapshot = loop->count;
    loop->uvloop.called = true;
    machine_emit(machine, EVENT_LOOP_SNAPSHOT, task->core, task->id, loop->snapshot, 0);
    return go_to(task, NEXT_CALLBACK);
}

static StepResult end_idle(Machine *machine, Task *task, Loop *loop)
{
    Uvloop *uv = &loop->uvloop;
    uv->idle = loop->count > 0;
    uv->stop = loop->stopping;
    return program_work(machine, task, false, loop_owed(loop), UVLOOP_LEAVE);
}

StepResult uvloop_polled(Machine *machine, Task *task, Loop *loop)
{
    uvloop_update_time(machine, loop);
    loop->uvloop.next = 0;
    loop->uvloop.phase = UVLOOP_EVENTS;
    return go_to(task, NEXT_CALLBACK);
}

StepResult uvloop_next(Machine *machine, Task *task, Loop *loop)
{
    Uvloop *uv = &loop->uvloop;
    if (uv->phase == UVLOOP_IDLE)
        return end_idle(machine, task, loop);
    if (uv->called)
        return program_work(machine, task, false, loop_owed(loop), UVLOOP_LEAVE);
    if (uv->phase == UVLOOP_TIMERS) {
        if (uvloop_next_timer(machine, loop))
            return go_to(task, UVLOOP_CALL);
        return go_to(task, uv->stop ? UVLOOP_STOPPED : UVLOOP_TURN);
    }
    switch (uvloop_next_event(machine, loop)) {
    case UVLOOP_CALLBACK_EVENT:
        return go_to(task, UVLOOP_CALL);
    case UVLOOP_WOKEN_EVENT:
        return go_to(task, UVLOOP_READ);
    case UVLOOP_NO_EVENT:
        break;
    }
    uv->closing = 0;
    return begin_timers(machine, task, loop);
}

// What a timer or an event is for.
static StepResult call_current(Machine *machine, Task *task, Loop *loop)
{
    if (uvloop_takes_gil(task))
        return STEP_NEXT;
    loop_call_current(machine, loop);
    loop->uvloop.called = true;
    bool timer = loop->uvloop.phase == UVLOOP_TIMERS;
    Duration cost = timer ? machine_cost(machine, COST_UVLOOP_TIMER)
                          : loop_cost(machine, loop, COST_LOOP_CALLBACK);
    return program_work(machine, task, false, cost, CALLBACK);
}

// ---- being woken: uv__async_io, _on_wake

static StepResult read_eventfd(Machine *machine, Task *task, Loop *loop)
{
    Duration half_call = half(machine_cost(machine, COST_SYSCALL), task->phase != UVLOOP_READ);
    switch (task->phase) {
    case UVLOOP_READ:
        return program_syscall(machine, task, SYSCALL_READ,
                               duration_add(half_call, machine_cost(machine, COST_EVENTFD)),
                               UVLOOP_READING);
    case UVLOOP_READING:
        eventfd_read(machine, loop->uvloop.eventfd);
        return program_work(machine, task, true, half_call, UVLOOP_HAS_READ);
    default:
        program_syscall_over(machine, task);
        loop->uvloop.woken = false;
        return go_to(task, UVLOOP_WOKEN);
    }
}

static StepResult woken(Machine *machine, Task *task, Loop *loop)
{
    Uvloop *uv = &loop->uvloop;
    if (uvloop_takes_gil(task))
        return STEP_NEXT;
    uv->idle = uv->idle || loop->count > 0;
    uv->called = true;
    return program_work(machine, task, false, loop_cost(machine, loop, COST_LOOP_CALLBACK),
                        NEXT_CALLBACK);
}

static StepResult leave(Machine *machine, Task *task, Loop *loop)
{
    loop->uvloop.called = false;
    return gil_turn_leave(machine, task, loop->uvloop.phase == UVLOOP_IDLE ? POLL : NEXT_CALLBACK);
}

StepResult uvloop_step(Machine *machine, Task *task, Loop *loop)
{
    switch (task->phase) {
    case UVLOOP_RUN:
        return uvloop_run(machine, task, loop);
    case UVLOOP_BEGIN: // timers that are due from before come first; none is when the loop is new
        return begin_timers(machine, task, loop);
    case UVLOOP_TURN:
        return begin_turn(machine, task, loop);
    case UVLOOP_CALL_IDLE:
        return begin_idle(machine, task, loop);
    case UVLOOP_CALL:
        return call_current(machine, task, loop);
    case UVLOOP_LEAVE:
        return leave(machine, task, loop);
    case UVLOOP_WOKEN:
        return woken(machine, task, loop);
    default:
        CHECKF(task->phase >= UVLOOP_READ && task->phase <= UVLOOP_HAS_READ, "phase %u",
               task->phase);
        return read_eventfd(machine, task, loop);
    }
}
