// asyncio's locks, semaphores, conditions, events, barriers and queues: what they count, and who
// waits at them. CPython Lib/asyncio/locks.py and queues.py of 3.8 to 3.13. A waiter is a future;
// the coroutine that awaits it looks again when it goes on, because the loop has run others between
// that and the wake-up. Each loop has its own objects, made as asyncio.run begins.
//
// What is here never waits: the steps that await are in sim/program/steps_asyncio_objects.c.
#pragma once
#include "sim/kernel/sync.h"
#include "sim/python/asyncio.h"

// Futures in the order in which they came: a deque there, Links here. Each is held.
typedef struct Waiters {
    uint32_t first, last;
} Waiters;

struct AsyncObject {
    bool locked;           // a lock, a barrier's lock
    bool set;              // an event
    bool wakeup_scheduled; // a semaphore of 3.9: who was woken has not gone on yet
    bool draining;         // a barrier: all have come, and not all have left
    bool shut_down;        // a queue
    uint32_t value;        // a semaphore's; a barrier: how many are in it
    uint32_t unfinished;   // a queue's items that are not done with
    Waiters waiters;       // of a queue: getters
    Waiters others;        // a queue's putters; who waits at a barrier's condition
    Waiters joiners;       // who waits until all of a queue's items are done with
    Queue items;
};

// The loop's object of this SyncId.
static inline AsyncObject *object_of(const Loop *loop, SyncId id)
{
    return &loop->objects[id.index1 - 1];
}

// ---- waiters.c

// A new future at the end of the list; held by the caller, too.
uint32_t waiters_join(Machine *machine, Loop *loop, Waiters *waiters);
// Takes it out of the list, if it is in it.
void waiters_remove(Machine *machine, Waiters *waiters, uint32_t future);
// Wakes the first, unless that has been done; it stays in the list.
void waiters_wake_first(Machine *machine, const Waiters *waiters);
// Takes waiters from the list up to one that it can wake, and wakes that. False: there is none.
bool waiters_pop(Machine *machine, Waiters *waiters);
// Wakes up to `count`, which stay in the list; how many it was.
uint32_t waiters_wake(Machine *machine, const Waiters *waiters, uint32_t count);
// Whether one of them has not been cancelled.
bool waiters_any(const Machine *machine, const Waiters *waiters);
void waiters_free(Machine *machine, Waiters *waiters);

// ---- async_lock.c

// Takes the lock if it is free and nobody waits for it.
bool async_lock_try(const Machine *machine, AsyncObject *lock);
// The coroutine that awaited `future` for it goes on; `cancelled`, without the lock.
void async_lock_awaited(Machine *machine, AsyncObject *lock, uint32_t future, bool cancelled);
void async_lock_release(Machine *machine, AsyncObject *lock);

// ---- async_semaphore.c

typedef enum SemaphoreEnd {
    SEMAPHORE_HAS,
    SEMAPHORE_AGAIN, // it has to try again
    SEMAPHORE_RAISES
} SemaphoreEnd;

// Takes one, if `minor`'s rules let it.
bool async_semaphore_try(const Machine *machine, unsigned minor, AsyncObject *semaphore);
// The coroutine that awaited `future` goes on.
SemaphoreEnd async_semaphore_awaited(Machine *machine, unsigned minor, AsyncObject *semaphore,
                                     uint32_t future, bool cancelled);
void async_semaphore_release(Machine *machine, unsigned minor, AsyncObject *semaphore);
