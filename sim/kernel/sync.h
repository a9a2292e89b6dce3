// What threads synchronise by: the words that they share in memory, and the lists of those asleep
// on them. The words are the program's (user space looks at them and changes them without the
// kernel), the lists are the kernel's. What happens to them is in sim/program, one file a kind.
#pragma once
#include "sim/base/ids.h"

#include <stdbool.h>
#include <stdint.h>

// Tasks asleep on an address, first come first served.
typedef struct WaitList {
    TaskId first, last;
} WaitList;

// glibc's normal mutex, and the re-entrant one with a depth.
typedef struct Mutex {
    uint8_t word;   // 0 free, 1 taken, 2 taken and perhaps waited for
    uint32_t depth; // a re-entrant one: how often its owner has taken it
} Mutex;

typedef struct SpinLock {
    bool taken;
    uint64_t turns; // how many have begun to spin
} SpinLock;

// glibc's semaphore: a value, and how many are in its slow path.
typedef struct Semaphore {
    uint32_t value, waiting;
} Semaphore;

// glibc's condition variable (2.25 and later) without its fixed number of slots. Waiters join the
// second group; signals go to the first. When all of the first group have been signalled, the
// second becomes the first. Groups are numbered, so that no late waiter meets another group's
// signals; glibc has two slots and a signaller waits until the old group has left one.
typedef struct Condition {
    uint64_t first;       // the number of the first group; the second has the next one
    uint32_t unsignalled; // waiters of the first group that no signal is for yet
    uint32_t signals;     // signals of the first group that no waiter has taken yet
    uint32_t second;      // waiters of the second group
} Condition;

typedef struct Event {
    bool set;
    uint32_t waiting;
} Event;

// Python's threading.Barrier: one whose wait is given up is broken, for all and for good. (POSIX
// has no wait with a timeout; there is no reset here.)
typedef struct Barrier {
    bool broken;
    uint32_t arrived;
    uint32_t leaving; // Python: of the round that is over, still to go
    uint64_t round;
} Barrier;

// glibc's reader-writer lock: in a read phase readers come and go by a counter, in a write phase a
// writer has it. Readers that come in a write phase are counted, and get the lock all at once, as
// the next read phase begins; the last reader hands it to a writer that waits.
typedef struct RwLock {
    uint32_t readers;         // that read now
    uint32_t queued_readers;  // that wait for the next read phase
    uint32_t waiting_writers; // in their slow path
    uint64_t read_phase;      // how many began by a hand-over
    bool granted;             // handed to a writer that has not come yet
} RwLock;

typedef struct QueueItem {
    uint64_t priority, sequence; // first out: the least of both, in this order
    uint32_t function;           // first op of what to do with it; 0: nothing
} QueueItem;

// A queue of items behind a lock that is never held for long (not modelled), with a futex for those
// who find it empty and one for those who find it full.
typedef struct Queue {
    QueueItem *items; // by priority: a heap; else a ring from `head`
    uint32_t head, count, room;
    uint32_t getting, putting; // in their slow paths
    uint64_t sequence;
} Queue;

// What CPython makes its locks of: a semaphore of 0 or 1. Those asleep for it are Sync.waiters.
typedef struct PythonLock {
    bool taken;
    uint32_t waiting; // in their slow paths
    TaskId handed_to; // 3.14: who has been given it, and does not know yet
} PythonLock;

// One wait at an object of Python: a lock of its own, taken when it is made, which the one who
// notifies releases (sim/program/monitor.h).
typedef struct Waiter {
    WaitList sleeper; // who sleeps for it, if anybody
    bool released, contended;
    bool listed;             // in its object's queue
    uint8_t queue;           // which of them: Monitor.queues
    uint8_t polls;           // 2.7: how often it has looked
    uint32_t next, previous; // there; or, of one that is free, the next free one
    int64_t until_ns;        // when the whole wait gives up
} Waiter;

// Those who wait, first come first served: numbers of Machine.waiters.
typedef struct WaiterQueue {
    uint32_t first, last, count;
} WaiterQueue;

// An object of Python besides its state: a lock that protects that, and the waits of its one or two
// conditions.
typedef struct Monitor {
    PythonLock lock;
    WaiterQueue queues[2]; // a queue: those who get, those who put
} Monitor;

typedef struct Sync {
    TaskId owner;     // who holds it alone; none: nobody
    WaitList waiters; // a rwlock: readers; a queue: getters; a condition: groups of even number; a
                      // spin lock: those who had a core and spun on it when last looked at
    WaitList others;  // a rwlock: writers; a queue: putters; a condition: groups of odd number
    Monitor monitor;  // of Python's objects; `waiters` are then those who wait for its lock
    union {
        Mutex mutex;
        SpinLock spin;
        Semaphore semaphore;
        Condition condition;
        Event event;
        Barrier barrier;
        RwLock rwlock;
        Queue queue;
    };
} Sync;
