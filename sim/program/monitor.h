// The parts of which threading and queue make their objects, as CPython has them: Condition,
// Semaphore, Event, Barrier and Queue are Python code over plain locks. One lock protects the
// object. Who has to wait makes a lock for this wait, takes it, joins a queue, gives up the
// object's lock, and blocks on taking its own a second time; who notifies releases the locks of the
// first in the queue. Who was woken takes the object's lock again, and may find that another has
// been faster. Who gives up leaves the queue when it has that lock: a notification that comes in
// between is lost. (CPython Lib/threading.py, Lib/queue.py, Modules/_threadmodule.c;
// Python/thread_pthread.h: a lock is a POSIX semaphore of 0 or 1. Taking it, a thread first tries;
// only if it must wait, it lets go of the GIL. In 2.7 it lets go of it in any case, and a wait with
// a timeout does not block, but looks again and again, after 1, 2, 4 … up to 50 ms.)
//
// Steps, like those in futex.h.
#pragma once
#include "sim/program/futex.h"

// A lock, from phase `base` on (10 phases are its own): when it has been taken or given up,
// `*end`, LOCK_NOT_YET before, says which. It waits until task->wait_until. `id` is a lock, or the
// object that it protects.
StepResult python_lock_take(Machine *machine, Task *task, const Op *op, SyncId id, uint8_t base,
                            LockEnd *end);
// The same for releasing it. It needs no owner: see python_lock_may_release.
StepResult python_lock_release(Machine *machine, Task *task, SyncId id, uint8_t base, bool *done);
// Whether release raises no RuntimeError: a Lock is taken, by whomever; an RLock is the task's own.
// It is also what a condition asks about its lock before it waits or notifies.
bool python_lock_may_release(Machine *machine, const Task *task, SyncId id);

// Phases of an op on an object.
enum {
    MONITOR_ENTER = 20, // takes the object's lock
    MONITOR_LOOK = 30,  // has it: the op says how it goes on
    MONITOR_MAKE,       // waits: makes a lock for that,
    MONITOR_GIVE = 40,  // gives up the object's,
    MONITOR_SLEEP = 50, // takes its own a second time,
    MONITOR_RETAKE = 70,
    MONITOR_BACK = 80,  // and has the object's again
    MONITOR_AGAIN = 81, // the op says how it goes on
    MONITOR_NOTIFY = 90,
    MONITOR_LEAVE = 100, // releases the object's lock
    MONITOR_LEFT = 110   // the op does what is left to do
};

// Where an op on the object begins: in a while it is in MONITOR_LOOK, with the object's lock.
StepResult monitor_begin(Machine *machine, Task *task);
// Goes on in any phase but MONITOR_LOOK, MONITOR_AGAIN and MONITOR_LEFT. `lock` is what protects
// the object: itself, or a condition's lock.
StepResult monitor_step(Machine *machine, Task *task, const Op *op, SyncId id, SyncId lock);

// What MONITOR_LOOK and MONITOR_AGAIN may choose. `queue` is one of Monitor.queues.
// Waits; the first time of an op says for how long at most, by a Dist (0: as long as it takes).
StepResult monitor_wait(Machine *machine, Task *task, SyncId id, SyncId lock, uint8_t queue,
                        uint32_t timeout);
// Whether the op's last wait ended by a notification.
bool monitor_was_notified(const Task *task);
// Whether there is time left to wait, or the op has not waited yet.
bool monitor_has_time(const Machine *machine, const Task *task);
// Notifies up to `count` of those who wait, then leaves. Returns how many that are.
uint32_t monitor_notify(Machine *machine, Task *task, SyncId id, uint8_t queue, uint32_t count);
// Leaves. `failed` can be asked for in MONITOR_LEFT.
StepResult monitor_leave(Machine *machine, Task *task, bool failed);
bool monitor_failed(const Task *task);

// A mark of the op's own.
void monitor_mark(Task *task);
bool monitor_marked(const Task *task);

// The ops, on objects of Python (SyncDef.python).
StepResult python_condition_wait(Machine *machine, Task *task, const Op *op, SyncId id);
StepResult python_condition_notify(Machine *machine, Task *task, const Op *op, SyncId id,
                                   uint32_t count);
StepResult python_acquire(Machine *machine, Task *task, const Op *op, SyncId id);
StepResult python_release(Machine *machine, Task *task, const Op *op, SyncId id);
StepResult python_event_wait(Machine *machine, Task *task, const Op *op, SyncId id);
StepResult python_event_change(Machine *machine, Task *task, const Op *op, SyncId id, bool set);
StepResult python_barrier(Machine *machine, Task *task, const Op *op, SyncId id);
StepResult python_put(Machine *machine, Task *task, const Op *op, SyncId id);
StepResult python_get(Machine *machine, Task *task, const Op *op, SyncId id);
