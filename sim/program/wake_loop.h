// Waking an event loop from outside: loop.call_soon_threadsafe(), which puts a callback on the
// ready list and then sends a byte into the loop's self-pipe, so that a loop that sleeps in
// epoll_wait wakes up and finds it. CPython asyncio/selector_events.py, _write_to_self and
// _read_from_self. uvloop's loops have an eventfd for threads, and the self-pipe only for signals.
#pragma once
#include "sim/program/program.h"
#include "sim/python/selector.h"

// How many phases wake_loop uses, from the caller's `first` on.
enum { WAKE_LOOP_PHASES = 3 };

// Whether the loop is there still; call_soon_threadsafe raises RuntimeError when not.
bool wake_loop_is_open(const Machine *machine, uint32_t loop);
// The steps of `task`, of any thread of the loop's process, that call_soon_threadsafe takes, when
// task->phase is `first` and until it sets `*done`: then the op is in phase `first` again. When the
// loop has been closed meanwhile, nothing happens. `argument`: as of loop_call_soon.
StepResult wake_loop(Machine *machine, Task *task, uint32_t loop, Callback callback,
                     uint32_t argument, uint8_t first, bool *done);
// The second half of it: only the byte.
StepResult wake_loop_send(Machine *machine, Task *task, uint32_t loop, uint8_t byte, uint8_t first,
                          bool *done);
