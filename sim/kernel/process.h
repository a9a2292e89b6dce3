// Processes and their tasks: how threads come (declared ones arrive, others are spawned) and end,
// and sleeping on a timer. A declared process is there from the beginning; others are forked
// (fork.h). How processes end is process_end.h.
#pragma once
#include "sim/kernel/address_space.h"
#include "sim/kernel/heap.h"
#include "sim/kernel/machine.h"

typedef enum ProcessState {
    PROCESS_ALIVE,
    PROCESS_ZOMBIE, // it has ended, and its parent has not asked for how
    PROCESS_GONE
} ProcessState;

// What a process does with a signal besides an op index, its handler's first op.
#define HANDLER_DEFAULT ((uint32_t)0)
#define HANDLER_IGNORE  UINT32_MAX

struct Process {
    Pid pid;
    ProcessId def;
    uint32_t instance; // from 1, among those of `def`
    uint8_t state;     // ProcessState
    uint16_t status;   // how it ended: an exit code, or STATUS_SIGNALLED + SignalId

    uint32_t alive;        // its tasks that have not ended, those still to arrive included
    uint32_t workers;      // of those, the ones that are not daemons
    uint32_t leaving;      // of those, the ones that are on their way out (step_EXIT)
    TaskId first;          // its first task
    TaskId oldest, newest; // of its tasks that have begun and not ended, a list in that order
    ThreadGroup *groups;   // by ThreadDefId, of a process that is not declared; NULL: none yet

    Pid parent; // none: init
    Pid first_child, next_sibling, previous_sibling;
    uint32_t children;                          // that have not ended
    Pid first_zombie, last_zombie, next_zombie; // those that have, in that order
    WaitList waiters;                           // tasks of it in wait_child
    WaitList *poller; // where one of its parent sleeps in poll(2) until it ends; NULL: nowhere

    AddressSpace space;
    Heap heap;
    uint8_t *pipe_ends; // by PipeId.index1: a bit a PipeEnd that is open; NULL: none
    uint32_t handlers[SIGNAL_COUNT];
    uint32_t
        wakeup_loop; // Python's signal.set_wakeup_fd: the loop that is told of signals; 0: none
    struct Collector *collector;     // sim/python/collector.h; NULL: it has no objects to collect
    struct Interpreter *interpreter; // sim/python/gil.h; NULL: it has none, or no thread of it ran
    struct Feeder *feeders;     // sim/python/multiprocessing.h: by connection; NULL: it has none
    Sync *runtime_syncs;        // the interpreter's; see sync_is_runtime
    Sync *object_locks;         // of Python objects, by variable of the process; the same
    Sync *syncs;                // its own copies, NULL: it uses the machine's; see process_data.h
    int64_t *values;            // the same
    SharedLine *variable_lines; // the same
};

static inline Process *process_at(const Machine *machine, Pid pid)
{
    return machine->processes.at[pid.index1 - 1];
}

static inline Process *process_of(const Machine *machine, const Task *task)
{
    return process_at(machine, task->process);
}

// Makes the declared processes.
void process_init(Machine *machine);
void process_free(Machine *machine);
// A new process made from `def`, a child of `parent`.
Process *process_create(Machine *machine, ProcessId def, Process *parent);
// The process's threads made from `def`.
ThreadGroup *process_group(Machine *machine, Pid pid, ThreadDefId def);

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
// The same in `process`, whose first task it is when it has none.
Duration process_add_task(Machine *machine, Process *process, ThreadDefId def, Task *creator);
// Whether a task more is within the limit; else the run ends.
bool process_has_room(Machine *machine);
// `task`, dead, is off the list of its process's tasks.
void process_unlist(Machine *machine, Task *task);
// The pages of the stack that `task` uses are there, now that it runs; what the interpreter keeps
// of a thread is about to come.
void process_stack_there(Machine *machine, Task *task);
// The stack of `task`, which is dead, is no longer resident or reserved.
void process_release_stack(Machine *machine, Task *task);
// `task` has ended: a join of its group waits for it no longer. Returns the group, NULL when the
// process never had another thread, which could join or be joined.
ThreadGroup *process_count_ended(Machine *machine, const Task *task);
// `task`, running, ends: joiners wake up, and a process without workers ends with it.
void process_exit(Machine *machine, Task *task);
// A timer will wake `task`, which is running and about to sleep, after `length`.
void process_set_timer(Machine *machine, Task *task, Duration length);
// `task`, running, sleeps for at least `length`.
void process_sleep(Machine *machine, Task *task, Duration length);
