// Tasks come and go: creating a thread, ending it, what its process and those who wait for it do
// then, and sleeping on a timer.
#pragma once
#include "sim/kernel/machine.h"

// The random numbers of the `instance`-th task of `def`; for instance 0, those of the times at
// which its threads arrive. They depend on the seed, the names of the process and the thread and
// the instance, on nothing else: a thread added or moved elsewhere in the scenario leaves them
// alone.
Rng process_rng(const Scenario *scenario, ThreadDefId def, uint32_t instance);
// Fills machine->arrivals with every thread of the scenario that starts by itself.
void process_plan_arrivals(Machine *machine);
// The first of machine->arrivals starts now.
void process_arrive(Machine *machine);
// When the next arrival is due; INSTANT_NEVER after the last.
Instant process_next_arrival(const Machine *machine);
// Creates a thread from `def` for `creator`, which is running. Returns what it costs the creator
// besides the system call. Past the limit of tasks the run ends.
Duration process_spawn(Machine *machine, ThreadDefId def, Task *creator);
// `task`, running, ends: joiners wake up, and a process without workers kills its daemons.
void process_exit(Machine *machine, Task *task);
// A timer will wake `task`, which is running and about to sleep, after `length`.
void process_set_timer(Machine *machine, Task *task, Duration length);
// `task`, running, sleeps for at least `length`.
void process_sleep(Machine *machine, Task *task, Duration length);
