// A task: a thread as the kernel sees it, together with where it stands in its program. Tasks live
// in chunks that never move; what is stored elsewhere is a TaskId.
#pragma once
#include "sim/base/ids.h"
#include "sim/base/rng.h"
#include "sim/base/time.h"
#include "sim/trace/vocabulary.h"

#include <stdbool.h>

typedef enum TaskState {
    TASK_RUNNABLE, // on a run queue, or on a core
    TASK_BLOCKED,
    TASK_DEAD
} TaskState;

// What the fair policies keep for a task: virtual times in nanoseconds at nice 0.
typedef struct FairEntity {
    int64_t vruntime;
    int64_t deadline;      // relative to vruntime while `relative_deadline`
    int64_t lag;           // V - vruntime when it last left a queue
    int64_t protect_until; // vruntime up to which a wake-up does not preempt it
    int64_t slice_ns;
    int64_t taken_ns; // CFS: when it last got its core
    int16_t home;     // CFS: the queue that it last left
    uint32_t weight;
    bool custom_slice;
    bool relative_deadline;
    bool delayed; // asleep, but kept on the queue until its lag is used up
} FairEntity;

// Per-entity load tracking: parts of 1024, times 2^10 for precision.
typedef struct TaskLoad {
    int64_t since_ns; // up to when it is tracked
    int32_t util;     // share of time running
    int32_t runnable; // share of time runnable
} TaskLoad;

// What the textbook policies keep for a task.
typedef struct JobEntity {
    int64_t left_ns;     // SJF, STCF: of its burst; MLFQ: of its slice
    int64_t ready_ns;    // SJF, STCF: since when it asks for this burst
    int64_t pass;        // stride: strides * ns
    uint32_t epoch;      // MLFQ: boosts up to the last one that reached it
    uint32_t allotment;  // MLFQ: slices left at its level
    uint8_t level;       // MLFQ: 0 is the highest
    bool listed;         // MLFQ, multi: it is current, and has its place in the queue already
    int16_t home;        // multi: the core whose list it is on
    uint16_t chosen_by1; // multi: the core that will take it at this instant, plus 1
} JobEntity;

// What the realtime class keeps: 1 (least) .. 99, and how much of a round robin turn is left.
typedef struct RealtimeEntity {
    uint8_t priority; // 0: it is not of this class
    bool turns;       // SCHED_RR
    uint32_t ticks_left;
} RealtimeEntity;

// What the deadline class keeps.
typedef struct DeadlineEntity {
    int64_t left_ns; // of its runtime in this period
    int64_t deadline_ns;
    int64_t own_deadline_ns; // while it has another's
    bool throttled;          // its runtime is used up
    bool inherited;          // the deadline is another's: it is not throttled
} DeadlineEntity;

// What a task has to see to before it goes on in user mode: a bit each.
typedef enum Attention {
    ATTENTION_MEMORY = 1,      // pages of its stack or of its process's heap are not there yet
    ATTENTION_SIGNAL = 2,      // a signal has a handler that it is to run
    ATTENTION_INTERRUPTED = 4, // a signal has ended its waiting
    ATTENTION_EXEC = 8,        // its process has a program to load first
    ATTENTION_RESTART = 16,    // the call that a signal has interrupted is to begin anew
    ATTENTION_GIL_TAKE = 32,   // it is without the GIL that it needs to go on
    ATTENTION_GIL_LATER = 64,  // the same, but code in C runs without it up to the end of this op
    ATTENTION_GIL_DROP = 128,  // somebody asks it to drop the GIL
} Attention;

typedef struct Task {
    // Read or written at nearly every event, so they come first and together: with a hundred
    // thousand tasks each line of memory counts.
    TaskId id;
    ThreadDefId def;
    // Its program: the op it is at, the phase within it, its open blocks and calls.
    uint32_t op;
    uint32_t frame;
    uint32_t depth;
    uint8_t phase;
    uint8_t state;       // TaskState
    uint8_t sched_class; // SchedClass
    uint8_t attention;   // Attention bits
    bool in_kernel;      // inside a system call
    bool kernel_segment;
    uint8_t out_reason;
    bool in_turn;       // it takes or drops the GIL: nothing that signals would interrupt
    bool in_c;          // it does code in C with the GIL, which nothing interrupts
    int16_t core;       // whose run queue it is on, or was last on
    bool slept;         // in the wait that it is in
    uint8_t signals;    // pending ones with a handler: a bit a SignalId
    uint32_t coroutine; // of its loop, whose program it runs at the moment; 0: its own, or the loop
    Duration left;      // of its current segment, while it is not on a core
    Rng rng;
    FairEntity fair;
    TaskLoad load;
    Instant last_ran;          // when it last left a core
    Duration refill;           // user time that loading its working set will take, besides its work
    Duration unfinished;       // of a segment in user mode that a signal cut short
    uint64_t recency;          // order in which tasks joined a queue or a core
    uint32_t timer_sequence;   // of the timer it expects; 0: none
    uint32_t affinity;         // CoreSet (index1); 0: every core
    Instant wait_until;        // when the wait that it is in gives up; INSTANT_NEVER: it does not
    struct WaitList *waits_in; // the list that it is on; lists do not move
    uint64_t scratch;          // for the op it is at
    TaskId starting;           // the new thread whose beginning it waits for (thread_start.h)
    TaskId starter;            // the one who waits for its own beginning
    uint32_t gil;              // whose GIL it needs: a number of its process's interpreters
    struct GilTurn *turn;      // sim/program/gil_turn.h; NULL: it has never had to do with a GIL

    // Who it is.
    Pid process;
    TaskId next, previous; // of its process's tasks that have not ended
    uint32_t instance;     // from 1, among the tasks of `def`
    // Whose nice, policy, affinity, slice and tickets it has: those of `def`, or what its creator
    // has.
    ThreadDefId scheduled_as;
    bool daemon;
    bool deadlocked;      // reported as a member of a deadlock
    uint8_t masked;       // those of the handlers that it is in, which wait: the same bits
    uint8_t attending;    // what it is seeing to; attention.c's
    uint8_t restart;      // the phase in which an interrupted call begins anew
    int8_t home1;         // node where it began, plus 1: there its working set lies
    bool boosted;         // it has its priority from another
    bool slackless;       // its timer has no slack
    bool expired;         // its timer has, since it was last set
    bool stack_there;     // in scenarios that speak of memory
    uint8_t new_pages;    // of the heap that it faults for
    uint64_t working_set; // bytes

    // Scheduling by other policies.
    struct Task *queue_next, *queue_previous; // in a policy's list; tasks do not move
    JobEntity job;
    RealtimeEntity realtime;
    DeadlineEntity edf;

    // Waiting: in a futex's or a join's list, or for a timer.
    TaskId next_waiter, previous_waiter;
    SyncId waits_sync;
    ThreadDefId waits_join;
    uint64_t spins; // waits for waits_sync on its core: its turn; 0: it does not

    uint32_t copies;      // of shared variables: the first of Machine.copies; 0: none
    uint32_t locals;      // its own of thread-local variables: the first of Machine.copies; 0: none
    uint32_t futures;     // that it has named: the first of Executors.sets; 0: none
    uint32_t read_holds;  // of reader-writer locks: the first of Machine.read_holds; 0: none
    uint32_t saved_depth; // of the re-entrant lock that it gave up to wait for a condition
    uint32_t loop;        // the event loop that it runs; 0: none
    uint32_t raising;     // the exception that unwinds its program; EXCEPTION_NONE
    uint64_t writing;     // how long the write to a pipe is with which it waits
    uint32_t message; // what library code has in its hands (sim/python/multiprocessing.h); 0: none
    uint32_t unwind_from; // the op that sees to itself before the exception goes on; 0: none
} Task;

// Whether a signal may stop what the task does in user mode: not code in C that Python has called.
static inline bool task_minds_signals(const Task *task)
{
    return !task->in_turn && !task->in_c && (task->attention & ATTENTION_GIL_LATER) == 0;
}
