// Executors from the side of the program. The ops are in steps_executor.c, the library code of
// their threads in executor_worker.c, what coroutines and loops have to do with them in
// executor_await.c.
#pragma once
#include "sim/program/program.h"
#include "sim/program/thread_start.h"
#include "sim/program/unwind.h"
#include "sim/python/asyncio.h"
#include "sim/python/executor.h"

// What the scenario says of an executor; `def`: number from 1.
const ExecutorDef *executor_def(const Machine *machine, uint32_t def);

// Steps from phase EXECUTORS_PUT on, until the item is in the queue and one who waits is woken.
enum { EXECUTORS_PUT = 120 };
StepResult executors_put(Machine *machine, Task *task, Executor *executor, uint32_t id, bool *done);
// Pays for a submit; then steps until an item that runs `function` has been submitted and a thread,
// if one is due, started. task->scratch is the item, which the caller holds too.
StepResult executors_next_submit(Machine *machine, Task *task);
StepResult executors_submit(Machine *machine, Task *task, const Op *op, uint32_t id,
                            uint32_t function, bool *done);
// Steps from phase `first` on: what a coroutine awaits is done, in its loop's next turn.
StepResult executors_tell_loop(Machine *machine, Task *task, const WorkItem *item, uint8_t first,
                               bool *done);

// `await: { to_thread: … }` and `{ run_in_executor: … }`: the op in all of its phases.
bool executors_awaits(const Op *op);
StepResult executors_await(Machine *machine, Task *task, const Op *op);
// The loop's callbacks: what a coroutine awaits has been done (EXECUTOR_DONE), or is over and
// perhaps cancelled (EXECUTOR_CHECK). `target`: its future.
void executors_done(Machine *machine, uint32_t target);
void executors_check(Machine *machine, uint32_t target);

// What the item raises where it is not SystemExit that leaves: an error then.
static inline uint32_t executors_exception(const WorkItem *item)
{
    return item->exception == EXCEPTION_SYSTEM_EXIT ? (uint32_t)EXCEPTION_ERROR : item->exception;
}

// A library op has called a function that has returned, with an exception or none.
bool executors_calls(unsigned code);
StepResult executors_returns(Machine *machine, Task *task, uint32_t exception);

// For executors of processes (steps_process_pool.c): steps from PHASE_ENTER on, until the item,
// whose exception is set, is done and who waits for it knows; uses task->scratch. And what happens
// to it, as records.
StepResult executors_item_done(Machine *machine, Task *task, const Op *op, uint32_t id, bool *done);
// The same from EXECUTORS_NOTIFY on for an item that has been cancelled.
enum { EXECUTORS_NOTIFY = 17 };
void executors_emit_item(Machine *machine, const Task *task, EventKind kind, uint32_t id);
void executors_emit_queue(Machine *machine, const Task *task, EventKind kind,
                          const Executor *executor);
// An item's function has returned to the process that does it, with an exception or none.
StepResult uv_pool_returns(Machine *machine, Task *task); // of libuv's pool: steps_uv_pool.c
StepResult process_pool_returns(Machine *machine, Task *task, uint32_t exception);

// The end of asyncio.run, shutdown_default_executor: steps from phase EXECUTORS_CLOSE on, then the
// op goes on in `next`. A thread of its own shuts the loop's default executor down, if it has one,
// and calls back (EXECUTOR_STOPPED) when it is through; it is joined then, from phase
// EXECUTORS_JOIN on, and the loop stops.
enum { EXECUTORS_CLOSE = 100, EXECUTORS_JOIN = THREAD_JOIN };
StepResult executors_close(Machine *machine, Task *task, const Op *op, uint8_t next);
