// The selector of an event loop: which files it watches for it, and who is called when one of them
// can be read or written. CPython Lib/selectors.py (EpollSelector), asyncio/selector_events.py. The
// loop watches one file from the beginning: its self-pipe, by which other threads and signals wake
// it. (Making the loop, its epoll set and its self-pipe costs nothing here.)
#pragma once
#include "sim/python/asyncio.h"

// What self_pipe_receive found.
typedef enum SelfPipe { SELF_PIPE_EMPTY, SELF_PIPE_BYTES } SelfPipe;

enum { SELF_PIPE_ROOM = 4096 };

void selector_open(Machine *machine, Loop *loop);
void selector_close(Machine *machine, Loop *loop);

// epoll_wait: what has come is kept for selector_process. Returns how many events there are; their
// time in the kernel is `*cost`.
uint32_t selector_take(Machine *machine, Loop *loop, Task *task, Duration *cost);
// The loop's thread sleeps in epoll_wait.
void selector_sleep(Machine *machine, Loop *loop, Task *task);
// The callbacks of what has come are ready, in the order of the events; of one file that of its
// reader before that of its writer.
void selector_process(Machine *machine, Loop *loop);

// loop.add_reader, add_writer and their like: the epoll_ctl(2) that they make. `data`: what the
// callback is about. `events`: EPOLL_IN or EPOLL_OUT. Returns what waking costs (nobody, as a
// rule).
Duration selector_add(Machine *machine, Loop *loop, File file, EpollMask events, uint32_t data);
void selector_remove(Machine *machine, Loop *loop, File file, EpollMask events);
EpollMask selector_watched(const Machine *machine, const Loop *loop, File file);

// Any thread: the callback is ready, and the loop is to be woken by a byte in its self-pipe. See
// wake_loop in sim/program/wake_loop.h, which does both.
void loop_call_soon_threadsafe(Machine *machine, Loop *loop, Callback callback, uint32_t argument);
