// Pipes: 64 KiB of bytes between those who have the write end open and those who have the read end
// open. Writes of at most 4 KiB go in whole or wait; larger ones as room comes, so that others'
// bytes may come between. Reads take what is there. (Linux fs/pipe.c.)
//
// Bytes have no content here but the ends of lines, and room is counted in bytes; Linux counts in
// pages of which a write may leave a part empty. A copy takes its time first and finds out then
// what has become of the pipe meanwhile; Linux holds the pipe's mutex during it.
#pragma once
#include "sim/kernel/bytes.h"
#include "sim/kernel/epoll.h"
#include "sim/kernel/process.h"

enum { PIPE_BYTES = 65536, PIPE_ATOMIC_BYTES = 4096 };

typedef struct Pipe {
    uint32_t level;                // bytes inside
    Bytes text;                    // the same
    uint32_t open[PIPE_END_COUNT]; // processes that have the end open
    WaitList waiters[PIPE_END_COUNT];
    WaitList *poller; // where a thread may sleep in poll(2) until it can be read; NULL: nowhere
    uint32_t watchers[PIPE_END_COUNT]; // epoll.c's
} Pipe;

static inline Pipe *pipe_at(const Machine *machine, PipeId pipe)
{
    return &machine->pipes[pipe.index1 - 1];
}

// Opens the pipes of the declared processes.
void pipe_init(Machine *machine);
void pipe_free(Machine *machine);
// What a fork or a spawn_process leaves open in the child.
void pipe_fork(Machine *machine, const Process *parent, Process *child);
bool pipe_is_open(const Process *process, PipeId pipe, PipeEnd end);
// `process` closes the end, which it has open. `by`: the task that does it, NULL when it ends.
void pipe_close(Machine *machine, Process *process, PipeId pipe, PipeEnd end, Task *by);
// Everything that `process`, which ends, has open.
void pipe_close_all(Machine *machine, Process *process, Task *by);

// Tasks of `process` have been killed: wake-ups that they got for its pipes are others'.
void pipe_pass_on(Machine *machine, const Process *process, Task *by);

// What epoll would say of this end now. (Linux pipe_poll: there is room for a write when one of the
// sixteen pages is free.)
EpollMask pipe_ready(const Pipe *pipe, PipeEnd end);

// How many of `left` bytes of a write of `size` go in now; 0: it must wait.
uint32_t pipe_room(const Pipe *pipe, uint64_t size, uint64_t left);
// `task` has written or read so many bytes: they are in the pipe or gone from it, and who waits for
// that is woken. Returns what that costs the task.
// `line` and `done`: as of bytes_add.
Duration pipe_written(Machine *machine, Task *task, PipeId pipe, uint32_t bytes, uint64_t line,
                      uint64_t done);
Duration pipe_read(Machine *machine, Task *task, PipeId pipe, uint32_t bytes);
// The same from, and into, a buffer of the process.
Duration pipe_written_from(Machine *machine, Task *task, PipeId pipe, uint32_t bytes, Bytes *from);
Duration pipe_read_into(Machine *machine, Task *task, PipeId pipe, uint32_t bytes, Bytes *to);
// `task`, running, waits at its end of the pipe; to write, with task->writing bytes.
void pipe_wait(Machine *machine, Task *task, PipeId pipe, PipeEnd end);
