#include "sim/python/gil.h"

#include "sim/base/check.h"
#include "sim/kernel/process_data.h"

const SyncDef gil_syncs[GIL_SYNC_COUNT] = {
    [GIL_MUTEX] = {.kind = SYNC_LOCK},
    [GIL_CONDITION] = {.kind = SYNC_CONDITION},
    [GIL_SWITCH_MUTEX] = {.kind = SYNC_LOCK},
    [GIL_SWITCH_CONDITION] = {.kind = SYNC_CONDITION},
};

// ---- interpreters

Interpreter *interpreter_of(Machine *machine, Process *process)
{
    if (process->interpreter == NULL) {
        process->interpreter = ARENA_NEW(&machine->arena, Interpreter);
        process->interpreter->rng =
            rng_make(machine->scenario->seed, ~(uint64_t)process->pid.index1);
        process->interpreter->runtime = &process_family(machine, process)->runtime;
        process->runtime_syncs = process->interpreter->syncs;
    }
    return process->interpreter;
}

void interpreter_restart(Machine *machine, Process *process, Task *task)
{
    Interpreter *interpreter = interpreter_of(machine, process);
    *interpreter = (Interpreter){.runtime = interpreter->runtime, .rng = interpreter->rng};
    gil_take(&interpreter->gil, task->id);
    task->attention &= (uint8_t)~ATTENTION_GIL_DROP;
}

// ---- the lock

void gil_take(Gil *gil, TaskId task)
{
    CHECK(!gil->locked);
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
        return GIL_RELEASED;
    case SYSCALL_FUTEX_WAIT:
        return GIL_LEFT;
    case SYSCALL_EXIT:
        return GIL_GIVEN_BACK;
    default:
        return GIL_KEPT;
    }
}
