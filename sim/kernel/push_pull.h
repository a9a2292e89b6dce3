// Realtime and deadline tasks on several cores: no core runs one, or anything less, while a more
// urgent one that it may run waits elsewhere (Linux kernel/sched/rt.c and deadline.c:
// find_lowest_rq, push_rt_task, pull_rt_task). They are placed and moved by urgency alone, never
// for balance.
#pragma once
#include "sim/kernel/machine.h"

// Where a realtime or deadline task that wakes up or is new should run: on the core that has the
// least urgent thing to do, of equals on the one where it was; there even if it must wait, when no
// core has anything less urgent.
int push_pull_place(const Machine *machine, const Task *task);
// Before `queue`'s core decides: pulls a task that waits elsewhere and is more urgent than what is
// here.
void push_pull_before(Machine *machine, RunQueue *queue);
// After it has decided: pushes tasks that have to wait here to where they need not.
void push_pull_after(Machine *machine, RunQueue *queue);
