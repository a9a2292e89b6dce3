// A turn of uvloop's loop, phase by phase: what asyncio.run does where its loop is libuv's (see
// sim/python/uvloop.h). What it has in common with asyncio's is in steps_loop.c: epoll_wait, and
// what each callback does.
#pragma once
#include "sim/program/program.h"
#include "sim/python/asyncio.h"

// The phases of the op asyncio.run. Executors and streams have more: executors.h and
// stream_callbacks.h.
enum {
    TURN = 1, // asyncio's
    POLL,
    IN_EPOLL,
    POLLED,
    EVENTS,
    NEXT_CALLBACK,
    CALLBACK,
    RECEIVE, // from the self-pipe
    RECEIVING,
    RECEIVED,
    SIGNALLED,           // three phases of wake_loop_send
    UVLOOP_PHASES = 160, // behind those of streams, of threads (thread_start.h) and of executors
    UVLOOP_RUN = UVLOOP_PHASES,
    UVLOOP_BEGIN,
    UVLOOP_STOPPED,   // uv_run has returned
    UVLOOP_TURN,      // a turn begins
    UVLOOP_CALL_IDLE, // calls what is ready, with the GIL
    UVLOOP_CALL,      // calls loop->current, with the GIL
    UVLOOP_LEAVE,     // lets go of the GIL
    UVLOOP_READ,      // what has woken it
    UVLOOP_READING,
    UVLOOP_HAS_READ,
    UVLOOP_WOKEN,
    UVLOOP_PHASES_END
};

// Whether the thread has to take the GIL before it calls something: it does so next, and then its
// phase begins anew.
bool uvloop_takes_gil(Task *task);
// uv_run begins.
StepResult uvloop_run(Machine *machine, Task *task, Loop *loop);
// Back from epoll_wait.
StepResult uvloop_polled(Machine *machine, Task *task, Loop *loop);
// In phase NEXT_CALLBACK, but for what is ready in the idle phase.
StepResult uvloop_next(Machine *machine, Task *task, Loop *loop);
// In its own phases.
StepResult uvloop_step(Machine *machine, Task *task, Loop *loop);
