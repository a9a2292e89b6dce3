// Running coroutines: the thread that runs a loop takes a coroutine's place in its program as its
// own, does its ops until it awaits something, and puts it back. So every op works in a coroutine
// as it does in a thread; one that blocks, blocks the whole loop.
#pragma once
#include "sim/program/program.h"
#include "sim/python/asyncio.h"

// The coroutine that the task runs; NULL, and the run ends with a message, when it runs none.
Coroutine *coroutines_current(Machine *machine, Task *task, const Op *op);
// The loop that the task runs. The same for a loop.
Loop *coroutines_loop(Machine *machine, Task *task, const Op *op);
// A name of the scenario means nothing any more, and new ones can be added to it.
struct TaskName *coroutines_clear_name(Machine *machine, Loop *loop, uint32_t name);
// `future`, which becomes the name's, is one of those that it means.
void coroutines_add_to_name(Machine *machine, struct TaskName *name, uint32_t future);
// The FunctionDef (index1) whose first op is `entry`.
uint32_t coroutines_function_at(const Scenario *scenario, uint32_t entry);
// The thread takes up a plain function that the loop calls.
void coroutines_call(Machine *machine, Task *task, uint32_t function);
// Keeps the loop's own place, which it goes on from in `phase`.
void coroutines_keep_loop(Machine *machine, const Task *task, uint8_t phase);
// The coroutine goes on in `phase` when `future`, which stays the caller's, is done; at once if it
// is. Its `thrown` then says what awaiting it raised.
StepResult coroutines_await(Machine *machine, Task *task, uint32_t future, uint8_t phase);
// Says, for the trace, that the coroutine is about to wait for the end of a task, or of those in
// the list of futures that begins at Link `first`, as far as they have not ended.
void coroutines_awaits(Machine *machine, const Task *task, uint32_t future);
void coroutines_awaits_all(Machine *machine, const Task *task, uint32_t first);
// The coroutine lets all that is ready go first, and goes on in `phase`.
StepResult coroutines_yield(Machine *machine, Task *task, uint8_t phase);
// What the coroutine was given as it went on, which is raised now; else the op is over.
StepResult coroutines_over(Machine *machine, Task *task, const Op *op);
// The program of the coroutine, or of the function that the loop has called, is at its end, with an
// exception or none: back to the loop.
StepResult coroutines_returns(Machine *machine, Task *task, uint32_t exception);

// The group that the op create_task is to add to; 0: none.
uint32_t coroutines_group(const Machine *machine, const Task *task, const Op *op);
// What an op awaits, as a list of futures (Links), each held: new tasks of functions, and tasks by
// name. False when a name has no task yet, which ends the run.
bool coroutines_awaited(Machine *machine, Task *task, const Op *op, uint32_t awaited,
                        uint32_t *first);
// The same for an op that awaits only one.
bool coroutines_awaited_one(Machine *machine, Task *task, const Op *op, uint32_t awaited,
                            uint32_t *future);
// Ends the run, because the op needs a task that its name does not mean yet; returns false.
bool coroutines_no_task(Machine *machine, const Op *op, uint32_t name);
