// The simulated machine: everything that one run has. A plain struct, so that every layer's state
// can be seen here; each layer changes only its own part.
#pragma once
#include "sim/base/arena.h"
#include "sim/base/array.h"
#include "sim/base/diag.h"
#include "sim/engine/event_queue.h"
#include "sim/hardware/cache.h"
#include "sim/hardware/core.h"
#include "sim/hardware/memory.h"
#include "sim/kernel/address_space.h"
#include "sim/kernel/entity_queue.h"
#include "sim/kernel/run_queue.h"
#include "sim/kernel/sync.h"
#include "sim/kernel/task.h"
#include "sim/scenario/scenario.h"
#include "sim/trace/trace.h"

#include <stdbool.h>

enum { TASK_CHUNK = 1024 };

// An open block or call of a task; frames of all tasks share one pool.
typedef struct Frame {
    uint32_t op;     // the op that opened it
    uint32_t parent; // frame index; 0: none
    uint64_t value;  // repeats left, a span's serial
} Frame;

// That a task reads under a reader-writer lock; one pool, too (read_holds.h).
typedef struct ReadHold {
    SyncId sync;
    uint32_t next; // of the same task; 0: none
} ReadHold;

// A task's own copy of a shared variable; copies of all tasks share one pool.
typedef struct Copy {
    uint32_t variable; // VariableId.index1
    uint32_t next;     // of the same task; 0: none
    int64_t value;
} Copy;

// How many tasks of a ThreadDef there are, and who waits for all of them to end.
typedef struct ThreadGroup {
    uint32_t created, ended;
    uint32_t cancelled; // of timers: those up to this instance will not run their function
    WaitList joiners;
} ThreadGroup;

typedef struct Process Process; // process.h
typedef struct Warmth Warmth;   // warmth.c

typedef struct Arrival {
    int64_t time_ns;
    ThreadDefId def;
    uint32_t instance;
} Arrival;

typedef struct Machine Machine;

struct Machine {
    const Scenario *scenario;
    Arena arena;
    Diag *diag;
    Trace *trace;
    Instant now;
    bool single; // one core: no load tracking, placement or balancing

    EventQueue queue; // slot per core, then one for the outside world
    uint32_t core_count;
    Core *cores;
    RunQueue *run_queues;
    uint64_t *weights; // of the runnable normal tasks of each queue; side by side, to be searched
    // No queue weighs less than least_weight, and all before least_from weigh more.
    uint64_t least_weight;
    uint32_t least_from;
    const SchedPolicy *policies[SCHED_CLASS_COUNT]; // NULL: no task of that class
    bool uses_tick;                                 // one of them does
    bool shared_queue;                              // normal tasks wait in one queue for all cores
    bool urgent_classes;                            // there are deadline or realtime tasks
    bool fair_server;                               // there are realtime tasks
    bool slackless_timers;                          // some timers may not expire late
    uint64_t *idle_cores; // bit set: nothing to run and nothing on its way
    uint32_t idle_count;
    int handling;        // the core whose event is being handled, CORE_NONE for the world's
    uint32_t overloaded; // cores with more than one runnable task
    Instant idle_balanced_at;
    Rng balance_rng; // for the race between ticks, see balance.c

    EntityPositions positions; // of the fair queues' entities
    ARRAY(Task *) task_chunks;
    uint32_t task_count;
    uint32_t timer_sequence;
    bool cancelled_timers; // there may be some that nobody waits for
    uint64_t recency;      // last given to a task

    Arrival *arrivals; // sorted by time, then as they stand in the scenario
    uint32_t arrival_count, arrival_next;

    Sync *syncs;                // by SyncId; see process_data.h
    ThreadGroup *groups;        // by ThreadDefId
    ARRAY(Process *) processes; // by Pid; they do not move
    uint32_t *process_counts;   // forked so far, by ProcessId
    Memory memory;
    Cache *caches;              // by core
    Warmth *warmths;            // by core; NULL: caches make nobody faster, see warmth.h
    CacheLine *lines;           // by StringId.index1 of their names
    SharedLine *variable_lines; // by VariableDef.line; NULL: they cost nothing; see process_data.h
    Rng device_rng;
    Instant device_at;                   // its next interrupt
    struct Pipe *pipes;                  // by PipeId
    struct MessageQueue *message_queues; // by MessageQueueId
    struct Epolls *epolls;               // epoll.c; NULL: nobody has opened one yet
    struct SocketPairs *socket_pairs;    // socket_pair.c; the same
    struct Eventfds *eventfds;           // eventfd.c; the same
    uint64_t file_bytes;                 // what is known of bytes on their way takes; bytes.c's
    ARRAY(Block) blocks;                 // of the address spaces; blocks[0] is not used
    uint32_t free_block;                 // list through `next`
    ARRAY(SharedPages) shared_pages;
    uint32_t workers;    // tasks that are not daemons and have not ended, arrivals included
    ARRAY(Frame) frames; // frames[0] is not used
    uint32_t free_frame; // list through `parent`
    uint32_t open_frames;
    uint32_t span_serial;
    int64_t *values;            // by VariableId; see process_data.h
    ARRAY(Copy) copies;         // copies[0] is not used
    uint32_t free_copy;         // list through `next`
    ARRAY(ReadHold) read_holds; // the same
    uint32_t free_read_hold;
    ARRAY(Waiter *) waiters; // at Python's objects, by number - 1; they do not move
    uint32_t free_waiter;    // list through `next`
    uint64_t data_bytes;     // what forked processes have copied; see process_data.h
    uint64_t queued_items;   // in all queues
    struct Multiprocessing *multiprocessing; // sim/python/multiprocessing.h; NULL: there is none
    struct Executors *executors;             // sim/python/executor.h; NULL: none has been used yet
    struct Asyncio *asyncio; // sim/python/asyncio.h; NULL: no thread has run a loop yet
    uint64_t python_bytes;   // that those take

    uint64_t events;
    uint64_t stalled_ops; // ops since time last moved
    bool ended, failed;
    EndReason end;
    LimitId limit;

    // The program layer: does ops of `task`, which is on a core, until it has a segment of work,
    // blocks or ends.
    void (*advance)(Machine *machine, Task *task);
    // How much CPU time `task`, which is about to become runnable, will ask for until it next
    // sleeps, joins or ends; see program_burst.
    Duration (*burst)(const Machine *machine, const Task *task);
};

static inline Task *task_at(const Machine *machine, TaskId id)
{
    uint32_t index = id.index1 - 1;
    return &machine->task_chunks.at[index / TASK_CHUNK][index % TASK_CHUNK];
}

static inline const SchedPolicy *policy_of(const Machine *machine, const Task *task)
{
    return machine->policies[task->sched_class];
}

static inline ThreadPolicy thread_policy(const Machine *machine, const Task *task)
{
    return machine->scenario->threads[task->scheduled_as.index1 - 1].policy;
}

// The node of memory that is near to `core`.
static inline unsigned machine_node(const Machine *machine, int core)
{
    return (unsigned)core * machine->scenario->machine.nodes / machine->core_count;
}

static inline Duration machine_cost(const Machine *machine, CostId id)
{
    return (Duration){machine->scenario->machine.costs[id]};
}

static inline void machine_emit(Machine *machine, EventKind kind, int core, TaskId task, uint64_t a,
                                uint64_t b)
{
    trace_emit(machine->trace, machine->now, kind, core, task, a, b);
}

// What the machine's state takes, in bytes; the trace is not part of it.
uint64_t machine_bytes(const Machine *machine);
// Ends the run at a limit.
void machine_limit(Machine *machine, LimitId limit);
// Ends the run for a mistake of the scenario that only running it shows; `at` is its place.
__attribute__((format(printf, 3, 4))) void machine_fail(Machine *machine, SourceAt at,
                                                        const char *format, ...);
// Closes all open blocks and calls of a task that ends or begins another program.
void machine_free_frames(Machine *machine, Task *task);
// The task's name, for messages; as task_name.
char *machine_task_name(const Machine *machine, TaskId id, char text[static 96]);
// Puts the core's earliest event into the event queue; call after any change to the core.
void machine_refresh(Machine *machine, int core);
