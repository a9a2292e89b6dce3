// Per-entity load tracking: how much a task or a core has been running (util), runnable
// (runnable) and how heavy its runnable tasks were (load), as averages that halve in 32 ms. The
// continuous form of Linux kernel/sched/pelt.c: over a time dt with constant state s,
// x becomes s + (x - s) * 2^(-dt / 32 ms). Full scale is 1024, kept times 2^10 for precision.
#pragma once
#include "sim/kernel/run_queue.h"

#define PELT_FULL (1024 << 10)

// 2^(-dt/32 ms) as a Q32 fraction of at most 2^32 - 1.
uint32_t pelt_decay_q32(int64_t dt_ns);

// Brings a task's averages up to `now`, during which it was running or runnable, or neither.
void pelt_update_task(Task *task, Instant now, bool running, bool runnable);
// The same for a run queue whose runnable tasks weigh `weight` together; call before they or the
// current one change.
void pelt_update_queue(RunQueue *queue, Instant now, bool running, uint64_t weight);
// A task's averages join or leave the queue's when it moves; both must be up to date.
void pelt_attach(RunQueue *queue, const Task *task);
void pelt_detach(RunQueue *queue, const Task *task);
// A new task counts as runnable all along, and as using half of what the core has to spare.
void pelt_init_task(Task *task, const RunQueue *queue, Instant now);
