// CPython's global interpreter lock, 3.2 to 3.13: what it keeps and how that changes. Only who has
// it may execute bytecode. Nothing here takes time or blocks: the mutexes and condition variables
// that CPython protects and signals it with are objects of the machine, and the steps by which
// threads come to each change, with their costs and waits, are sim/program/gil_turn.c's.
// (CPython Python/ceval_gil.h, from 3.12 on Python/ceval_gil.c)
#pragma once
#include "sim/kernel/machine.h"
#include "sim/kernel/process.h"

typedef struct Gil {
    bool locked;
    bool drop_request;  // somebody has waited long enough
    TaskId last_holder; // who has it, or had it last; none: nobody ever
    uint64_t switches;  // how often it has gone from one thread to another
} Gil;

// Its objects: numbers behind those of the scenario (sync_is_runtime).
typedef enum GilSync {
    GIL_MUTEX,            // protects the Gil
    GIL_CONDITION,        // it is free; under GIL_MUTEX
    GIL_SWITCH_MUTEX,     // protects that it changes hands
    GIL_SWITCH_CONDITION, // another thread has it; under GIL_SWITCH_MUTEX
    GIL_SYNC_COUNT
} GilSync;

extern const SyncDef gil_syncs[GIL_SYNC_COUNT];

typedef struct Interpreter {
    const Runtime *runtime;
    Rng rng; // of the races between its threads
    Gil gil;
    Sync syncs[GIL_SYNC_COUNT];
} Interpreter;

// The process's interpreter, made when first asked for. A forked process has its own, with a GIL
// that is free: CPython makes the GIL anew in the child (PyOS_AfterFork_Child).
Interpreter *interpreter_of(Machine *machine, Process *process);
// The process has become another program, of which `task` is the only thread: it has the new GIL.
void interpreter_restart(Machine *machine, Process *process, Task *task);

static inline SyncId gil_sync(const Machine *machine, GilSync sync)
{
    return (SyncId){machine->scenario->sync_count + 1 + (uint32_t)sync};
}

static inline bool gil_has(const Gil *gil, TaskId task)
{
    return gil->locked && ID_EQUAL(gil->last_holder, task);
}

// `task` takes it; it must be free.
void gil_take(Gil *gil, TaskId task);
// `task`, which has it, lets go of it.
void gil_drop(Gil *gil, TaskId task);
// Whether a waiter whose wait has ended asks for a drop: when it waited for a whole interval and
// the GIL stayed with the same thread, that is, there were as many `switches` when the wait began.
bool gil_should_ask(const Gil *gil, bool timed_out, uint64_t switches);
void gil_ask(Gil *gil);
// Whether `task`, which has dropped it on request, is to wait until another thread has taken it
// ("forced switching"). The request is granted by that.
bool gil_grants_request(Gil *gil, TaskId task);

// What a thread does with the GIL around a system call.
typedef enum GilAround {
    GIL_KEPT,
    GIL_RELEASED,  // it needs it again as soon as the call is over
    GIL_LEFT,      // in a lock's code in C: it needs it again when that is done
    GIL_GIVEN_BACK // it needs it no more
} GilAround;

GilAround gil_around(SyscallId call);
