// CPython's global interpreter lock: what it keeps and how that changes. Only who has it may
// execute bytecode. From 3.2 on it changes hands when who waits asks for it; in 2.7 it is a
// semaphore, which its holder releases after every hundred bytecodes and takes again at once, if it
// can. Nothing here takes time or blocks: the mutexes and condition variables that CPython protects
// and signals it with are objects of the machine, and the steps by which threads come to each
// change, with their costs and waits, are sim/program/gil_turn.c's. (CPython Python/ceval_gil.h,
// from 3.12 on Python/ceval_gil.c; 2.7 Python/ceval.c, thread_pthread.h)
#pragma once
#include "sim/kernel/machine.h"
#include "sim/kernel/process.h"

typedef struct Gil {
    bool locked;
    bool drop_request;  // somebody has waited long enough
    TaskId last_holder; // who has it, or had it last; none: nobody ever
    uint64_t switches;  // how often it has gone from one thread to another
    int64_t ticks_ns;   // 2.7: bytecode that its holder executes before it looks up again
} Gil;

// Its objects: numbers behind those of the scenario (sync_is_runtime).
typedef enum GilSync {
    GIL_MUTEX,            // protects the Gil
    GIL_CONDITION,        // it is free; under GIL_MUTEX
    GIL_SWITCH_MUTEX,     // protects that it changes hands
    GIL_SWITCH_CONDITION, // another thread has it; under GIL_SWITCH_MUTEX
    GIL_SEMAPHORE,        // 2.7: all that its GIL is; 1: it is free
    GIL_WORLD_STOPPED,    // a collector that stops the world waits until all have stopped
    GIL_WORLD_RUNS,       // those that have wait until they may go on
    GIL_SYNC_COUNT
} GilSync;

extern const SyncDef gil_syncs[GIL_SYNC_COUNT];
extern const SyncDef gil_object_lock;

// Whether its threads may execute bytecode, in the build without a GIL (sim/program/world.h).
typedef struct World {
    TaskId stopper;   // who stops it, or has; none: it runs
    uint32_t to_stop; // threads that are still to stop
    bool waits;       // the stopper sleeps until they have, or is about to
    bool stopped;     // all have
} World;

// An object that threads share in the build without a GIL (sim/program/object_lock.h).
typedef struct SharedObject {
    TaskId first_parked, last_parked; // who sleeps for it or is about to
    TaskId maker;                     // who has made what it refers to
} SharedObject;

// All interpreters of a process, of which each may have a GIL of its own: by Task.gil.
typedef struct Interpreter {
    const Runtime *runtime;
    World world;
    SharedObject *objects; // by variable of the process; NULL: it has a GIL
    Sync *object_locks;    // the same
    Rng rng;               // of the races between its threads
    uint32_t count;
    Gil *gils;
    Sync *syncs;      // GIL_SYNC_COUNT for each
    TaskId finalizer; // who ends it: nobody else gets the GIL any more; none: it has not ended
} Interpreter;

// The process's interpreter, made when first asked for. A forked process has its own, with a GIL
// that is free: CPython makes the GIL anew in the child (PyOS_AfterFork_Child).
Interpreter *interpreter_of(Machine *machine, Process *process);
// The process has become another program, of which `task` is the only thread: it has the new GIL.
void interpreter_restart(Machine *machine, Process *process, Task *task);

static inline SyncId gil_sync(const Machine *machine, const Task *task, GilSync sync)
{
    uint32_t first = machine->scenario->sync_count + 1 + task->gil * GIL_SYNC_COUNT;
    return (SyncId){first + (uint32_t)sync};
}

// A process's interpreter, as records name it.
static inline uint64_t interpreter_pack(const Task *task)
{
    return task->process.index1 | (uint64_t)task->gil << 32;
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
