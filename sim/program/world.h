// How a garbage collection of the build without a GIL stops the world, as CPython's stop_the_world
// does (3.13 Python/pystate.c). A thread that executes bytecode is "attached" to its interpreter;
// one that is in a system call around which the GIL would be released, or in code in C that would
// release it, is not. The collector asks all that are attached to stop, which they do where they
// would hand on the GIL; those that are not need not stop, but wait when they want to attach again.
// When none is attached the collector goes to work, and then starts the world.
//
// CPython stops it a second time for a moment, to look for objects that finalizers have brought
// back; here there are no finalizers, and it is stopped once.
#pragma once
#include "sim/program/program.h"

// Whether the task runs under an interpreter without a GIL that stops the world.
bool world_may_stop(const Machine *machine, const Task *task);
// Whether it is attached. It has had to do with its interpreter.
bool world_attached(const Task *task);

// The task is asked to stop, or wants to attach: a turn at the end of which it is attached.
StepResult world_attach(Machine *machine, Task *task);
// The task, attached, is so no more: until `again`, an Attention bit, is due, or for ever (0).
// False: it goes on at once. True: it is the last that a collector waits for, and a turn has begun
// that tells it, at the end of which it enters the call that GilTurn says.
bool world_detach(Machine *machine, Task *task, uint8_t again);
// The task, attached, stops the world, and goes on in `phase` when all others have stopped: in C,
// and nothing interrupts it until it has started the world again. Nobody else may be at it.
StepResult world_stop(Machine *machine, Task *task, uint8_t phase);
// The task, which has stopped the world, starts it and goes on in `phase`.
StepResult world_start(Machine *machine, Task *task, uint8_t phase);
// A turn at either goes on.
StepResult world_step(Machine *machine, Task *task);

// What the task counts of objects made, less those freed, before it tells the collector.
int32_t *world_objects(Machine *machine, Task *task);
// The task's process has begun another program, of which it is the only thread, attached.
void world_restart(Machine *machine, Task *task);
