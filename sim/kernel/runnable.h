// The books on who is runnable where: the policies' queues, and what is counted about them (which
// cores are idle, how many tasks each queue has, what they weigh, how loaded it has been). Every
// task that joins or leaves a queue does so through here, so that the books agree with the queues.
#pragma once
#include "sim/kernel/machine.h"

// Whether `core` has anything to run or anything on its way.
void runnable_set_idle(Machine *machine, int core, bool idle);
// `task` counts among those that can run on `queue` from now, or does not any more. For those who
// change a queue without runnable_join and runnable_leave.
void runnable_count(Machine *machine, RunQueue *queue, const Task *task);
void runnable_discount(Machine *machine, RunQueue *queue, const Task *task);
// Brings the queue's load up to now; before anything changes that it depends on.
void runnable_track(Machine *machine, RunQueue *queue);

// `task`, which is on no queue, joins that of `core`.
void runnable_join(Machine *machine, Task *task, int core, EnqueueReason reason);
// `task`, current or queued, leaves its queue; what it does then is the caller's business.
void runnable_leave(Machine *machine, Task *task, DequeueReason reason);
// `task`, which is on no queue or on one that all cores share, belongs to another core from now.
void runnable_change_core(Machine *machine, Task *task, int to, MigrationReason reason);
