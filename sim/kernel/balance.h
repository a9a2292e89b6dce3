// Load balancing: moving queued tasks between cores, periodically and when a core runs out of
// work. One scheduling domain of all cores, a group a core (Linux kernel/sched/fair.c
// sched_balance_rq and its helpers).
#pragma once
#include "sim/kernel/machine.h"

// A core's queue at boot.
void balance_init(Machine *machine, RunQueue *queue);
// From the timer tick of `queue`'s core: balances it when due, and the idle cores when someone has
// work to give away.
void balance_tick(Machine *machine, RunQueue *queue);
// `queue`'s core is about to fall idle: tries to pull a task. Returns whether it has one now.
bool balance_new_idle(Machine *machine, RunQueue *queue);
// Keeps track of how long the core is idle each time.
void balance_note_going_idle(Machine *machine, RunQueue *queue);
void balance_note_idle(RunQueue *queue, Duration idle);
