#include "sim/python/gil.h"

#include "sim/base/check.h"
#include "sim/kernel/process_data.h"
#include "sim/python/collector.h"

#include <string.h>

const SyncDef gil_syncs[GIL_SYNC_COUNT] = {
    [GIL_MUTEX] = {.kind = SYNC_LOCK},          [GIL_CONDITION] = {.kind = SYNC_CONDITION},
    [GIL_SWITCH_MUTEX] = {.kind = SYNC_LOCK},   [GIL_SWITCH_CONDITION] = {.kind = SYNC_CONDITION},
    [GIL_SEMAPHORE] = {.kind = SYNC_SEMAPHORE}, [GIL_WORLD_STOPPED] = {.kind = SYNC_EVENT},
    [GIL_WORLD_RUNS] = {.kind = SYNC_EVENT},
};

const SyncDef gil_object_lock = {.kind = SYNC_LOCK};

// ---- interpreters

static void free_all(Interpreter *interpreter)
{
    memset(interpreter->gils, 0, interpreter->count * sizeof *interpreter->gils);
    memset(interpreter->syncs, 0, GIL_SYNC_COUNT * interpreter->count * sizeof *interpreter->syncs);
    for (uint32_t i = 0; i < interpreter->count; i++)
        interpreter->syncs[i * GIL_SYNC_COUNT + GIL_SEMAPHORE].semaphore.value = 1;
}

Interpreter *interpreter_of(Machine *machine, Process *process)
{
    if (process->interpreter != NULL)
        return process->interpreter;
    const ProcessDef *family = process_family(machine, process);
    Interpreter *interpreter = ARENA_NEW(&machine->arena, Interpreter);
    interpreter->rng = rng_make(machine->scenario->seed, ~(uint64_t)process->pid.index1);
    interpreter->runtime = &family->runtime;
    interpreter->count = family->interpreters + 1;
    interpreter->gils = ARENA_ARRAY(&machine->arena, Gil, interpreter->count);
    interpreter->syncs = ARENA_ARRAY(&machine->arena, Sync, interpreter->count * GIL_SYNC_COUNT);
    if (runtime_stops_world(&family->runtime)) {
        uint32_t count = family->variable_count;
        interpreter->objects = ARENA_ARRAY(&machine->arena, SharedObject, count);
        interpreter->object_locks = ARENA_ARRAY(&machine->arena, Sync, count);
        process->object_locks = interpreter->object_locks;
    }
    free_all(interpreter);
    process->interpreter = interpreter;
    process->runtime_syncs = interpreter->syncs;
    return interpreter;
}

void interpreter_restart(Machine *machine, Process *process, Task *task)
{
    Interpreter *interpreter = interpreter_of(machine, process);
    free_all(interpreter);
    uint32_t count = process_family(machine, process)->variable_count;
    if (interpreter->objects != NULL) {
        memset(interpreter->objects, 0, count * sizeof *interpreter->objects);
        memset(interpreter->object_locks, 0, count * sizeof *interpreter->object_locks);
    }
    collector_forget(process);
    task->gil = 0;
    if (interpreter->runtime->has_gil) {
        gil_take(&interpreter->gils[0], task->id);
        interpreter->syncs[GIL_SEMAPHORE].semaphore.value = 0;
    }
    task->attention &= (uint8_t)~ATTENTION_GIL_DROP;
}

// ---- the lock

void gil_take(Gil *gil, TaskId task)
{
    CHECKF(!gil->locked, "task %u has it", gil->last_holder.index1);
    gil->locked = true;
    if (!ID_EQUAL(gil->last_holder, task)) {
        gil->last_holder = task;
        gil->switches++;
    }
}

void gil_drop(Gil *gil, TaskId task)
{
    CHECK(gil_has(gil, task));
    gil->locked = false;
}

bool gil_should_ask(const Gil *gil, bool timed_out, uint64_t switches)
{
    return timed_out && gil->locked && gil->switches == switches;
}

void gil_ask(Gil *gil)
{
    gil->drop_request = true;
}

bool gil_grants_request(Gil *gil, TaskId task)
{
    if (!ID_EQUAL(gil->last_holder, task))
        return false; // it has gone on already
    gil->drop_request = false;
    return true;
}

// ---- around system calls

// As Modules/posixmodule.c, timemodule.c, selectmodule.c and _io/fileio.c of CPython have
// Py_BEGIN_ALLOW_THREADS; POSIX message queues are not in its library, their usual package does it.
// A futex wait is that of a lock or the like, which has been tried without before
// (Python/thread_pthread.h, Modules/_threadmodule.c acquire_timed).
GilAround gil_around(SyscallId call)
{
    switch (call) {
    case SYSCALL_CLOCK_NANOSLEEP:
    case SYSCALL_SCHED_YIELD:
    case SYSCALL_READ:
    case SYSCALL_WRITE:
    case SYSCALL_CLOSE:
    case SYSCALL_OPENAT:
    case SYSCALL_NEWFSTATAT:
    case SYSCALL_WAIT4:
    case SYSCALL_PAUSE:
    case SYSCALL_MQ_SEND:
    case SYSCALL_MQ_RECEIVE:
    case SYSCALL_EPOLL_WAIT:
    case SYSCALL_POLL:
    case SYSCALL_EPOLL_CTL:
    case SYSCALL_SENDTO:
    case SYSCALL_RECVFROM:
        return GIL_RELEASED;
    case SYSCALL_FUTEX_WAIT:
        return GIL_LEFT;
    case SYSCALL_EXIT:
    case SYSCALL_EXIT_GROUP: // Py_Finalize comes first
        return GIL_GIVEN_BACK;
    default:
        return GIL_KEPT;
    }
}
