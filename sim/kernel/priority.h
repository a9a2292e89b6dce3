// A task's class and priority while it runs, and lending it: who waits for a lock of kind pi lends
// its priority to the one who holds it, and through it to whom that one waits for (Linux
// kernel/locking/rtmutex.c, kernel/sched/core.c rt_mutex_setprio). Only realtime and deadline tasks
// have something to lend: normal ones are all alike to a pi lock.
#pragma once
#include "sim/kernel/machine.h"

typedef struct Priority {
    SchedClass sched_class;
    uint8_t realtime;    // of the realtime class: 1 .. 99
    int64_t deadline_ns; // of the deadline class: when, since the run began
} Priority;

// What a new task that is scheduled as `def` says begins with.
void priority_begin(Task *task, const ThreadDef *def);
// Changes what a task runs with, wherever it is: blocked, queued or on a core. `lent` when it has
// that from another. Who should run now is decided anew.
void priority_set(Machine *machine, Task *task, Priority priority, bool lent);

// `task` has just gone to sleep on a lock of kind pi (task->waits_sync): lends.
void priority_wait(Machine *machine, Task *task);
// `task` has left the list of what it waited for (task->waits_sync) without having it: its time is
// over, a signal came, or it was killed. What it lent goes back, along the whole chain.
void priority_give_up(Machine *machine, const Task *task);
// `task` has released a pi lock: it keeps what waiters of others that it holds lend it.
void priority_release(Machine *machine, Task *task);
// Takes the waiter with the highest priority off a pi lock's list, of equals the first that came.
Task *priority_take_waiter(Machine *machine, WaitList *list);
