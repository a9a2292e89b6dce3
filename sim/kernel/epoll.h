// epoll: a set of files that a program watches, and the list of those of them that are ready. A
// file that changes puts itself on the lists of the sets that watch it, and wakes one thread that
// waits there; so what waiting costs does not depend on how many files are watched. (Linux
// fs/eventpoll.c.)
//
// Watching is level-triggered: what epoll_wait has handed over goes to the end of the list again,
// and the next epoll_wait looks whether it is still ready. Who waits last is woken first. Not here:
// edge-triggered, one-shot and exclusive watching, and sets that watch sets.
#pragma once
#include "sim/kernel/machine.h"

// What can be watched; `id` is what its kind says: a PipeId or a SocketPairId.
typedef struct File {
    uint8_t kind; // FileKind
    uint32_t id;
} File;

// As EPOLL_EVENTS says, one bit each. Errors and hang-ups are handed over whether asked for or not.
typedef uint8_t EpollMask;

typedef struct EpollEvent {
    File file;
    EpollMask events;
    uint32_t data; // what the watcher has given
} EpollEvent;

typedef struct Epolls Epolls; // epoll.c

void epolls_free(Machine *machine);
// What the sets take, in bytes.
uint64_t epolls_bytes(const Machine *machine);

// A new set of `process`; its number.
uint32_t epoll_open(Machine *machine, Pid process);
// It and all that it watches.
void epoll_shut(Machine *machine, uint32_t epoll);
// All sets of a process that ends or becomes another program. (A forked child has no part in its
// parent's sets here.)
void epoll_shut_all(Machine *machine, Pid process);
// `by`, in the kernel, has the set watch a file that it does not watch yet. When the file is ready
// it is on the list at once.
Duration epoll_add(Machine *machine, uint32_t epoll, File file, EpollMask events, uint32_t data,
                   Task *by);
// It watches the file, which it does already, for other events.
Duration epoll_modify(Machine *machine, uint32_t epoll, File file, EpollMask events, Task *by);
void epoll_remove(Machine *machine, uint32_t epoll, File file, Task *by);
// What it watches the file for; 0: it does not.
EpollMask epoll_mask(const Machine *machine, uint32_t epoll, File file);
// How many files it watches.
uint32_t epoll_count(const Machine *machine, uint32_t epoll);

// epoll_wait: hands over up to `most` events, first come first served, to `out`. Returns how many.
// `*cost`: what waking the next one who waits takes.
uint32_t epoll_take(Machine *machine, uint32_t epoll, EpollEvent *out, uint32_t most, Task *by,
                    Duration *cost);
// `task`, running in epoll_wait, sleeps until the set has something on its list or, when it has set
// a timer, until that is over.
void epoll_sleep(Machine *machine, uint32_t epoll, Task *task);

// The file has changed, and what `events` says may be so now. `by`: who has done it, NULL when its
// process has ended. Returns what waking costs `by`.
Duration epoll_changed(Machine *machine, File file, EpollMask events, Task *by);
// Nobody has the file open any more: nobody watches it.
void epoll_forget(Machine *machine, File file);
