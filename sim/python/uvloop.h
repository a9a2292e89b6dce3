// The loop of uvloop: asyncio's coroutines in libuv's phases (uv_run of 1.45 and later, which
// uvloop has had since 0.19; timers as from 1.48 on). uvloop loop.pyx, cbhandles.pyx; libuv
// src/unix/core.c, src/timer.c. A turn:
//
//   idle      what is ready as it begins, one after the other (asyncio's call_soon, tasks' steps)
//   poll      epoll_wait, not at all when something is ready or a timer is being closed, else until
//             the first timer; then at once what each event is for
//   closing   timers that are over or cancelled
//   timers    what those are for that are due as the phase begins
//
// Time is in whole milliseconds of a clock that is looked at now and then: when a timer is set,
// after the wait and before the timers phase. How long to wait is counted from the last look, so
// that what was called since makes timers late. What call_later is given is rounded to them, halves
// to the even one; what is none by that is ready at once. (libuv may take a coarser clock of the
// kernel's where that ticks each millisecond; it does not here.)
//
// The GIL is held only while something is called: for all of the idle phase once, else for each
// call.
//
// Left out: streams write at once, as asyncio's do, where uvloop gathers what is written up to the
// end of the idle phase; and what libuv polls again at once when 1024 events have come.
#pragma once
#include "sim/python/asyncio.h"

// What uvloop_next_event has found.
typedef enum UvloopEvent { UVLOOP_NO_EVENT, UVLOOP_CALLBACK_EVENT, UVLOOP_WOKEN_EVENT } UvloopEvent;

// call_later. The timer is held by the caller.
uint32_t uvloop_call_later(Machine *machine, Loop *loop, Duration after, Callback callback);
// A look at the clock.
void uvloop_update_time(const Machine *machine, Loop *loop);
// How many timers are set.
uint32_t uvloop_timers(const Loop *loop);
// For how many milliseconds epoll may wait: 0 not at all, -1 without end.
int64_t uvloop_poll_ms(Machine *machine, Loop *loop);
// The timers phase begins: a look at the clock, which says what is due.
void uvloop_begin_timers(Machine *machine, Loop *loop);
// What the next timer that is due is for becomes loop->current; false: there is none left.
bool uvloop_next_timer(Machine *machine, Loop *loop);
// The same of what epoll has returned.
UvloopEvent uvloop_next_event(Machine *machine, Loop *loop);
void uvloop_free(Machine *machine, Loop *loop);
