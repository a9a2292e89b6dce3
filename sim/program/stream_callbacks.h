// What an event loop calls for its streams, as steps of the thread that runs it.
#pragma once
#include "sim/program/program.h"
#include "sim/python/stream.h"

// The phases of stream_callback and of epoll_ctl, from here on.
enum { STREAM_PHASES = 24, STREAM_PHASES_END = 60 };

// Steps, from STREAM_PHASES on, of the loop's current callback, which is one of its streams'; then
// it is done with and task->phase is `next`.
StepResult stream_callback(Machine *machine, Task *task, Loop *loop, uint8_t next);

// Steps of three phases from `first` on: epoll_ctl(2), so that the loop watches the stream's end
// for `events`, or no longer; then task->phase is `next`. Without a call when nothing changes.
StepResult stream_watch(Machine *machine, Task *task, Loop *loop, const Stream *stream,
                        EpollMask events, uint8_t first, uint8_t next);
StepResult stream_unwatch(Machine *machine, Task *task, Loop *loop, const Stream *stream,
                          EpollMask events, uint8_t first, uint8_t next);

// Steps of four phases from `first` on: write(2) of `size` bytes that does not wait. They come from
// the stream's buffer; `line` not NULL: new ones, in lines of that length or, 0, in none. Then
// task->phase is `next`, and task->scratch how many were written; STREAM_BROKEN: nobody reads them.
#define STREAM_BROKEN UINT64_MAX
StepResult stream_write(Machine *machine, Task *task, Stream *stream, uint64_t size,
                        const uint64_t *line, uint8_t first, uint8_t next);
