// A core's run queue and the interface of a scheduling policy. The task on the core ("current") is
// outside the policy's queue, as in Linux; `put_back` returns it there.
#pragma once
#include "sim/base/arena.h"
#include "sim/kernel/task.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Machine Machine;
typedef struct RunQueue RunQueue;

// What keeps realtime tasks from starving normal ones; see fair_server.h.
typedef struct FairServer {
    bool active;      // normal tasks are here
    bool running;     // normal tasks go before realtime ones
    Instant since;    // its runtime is charged up to here
    Instant due;      // when it will look again; INSTANT_NEVER
    Instant deadline; // the end of its period
    int64_t left_ns;  // of its runtime in this period
} FairServer;

// Scheduling classes, in order of precedence: a runnable task of an earlier class always preempts
// one of a later class (Linux: dl_sched_class, rt_sched_class, fair_sched_class). The scenario's
// `scheduler:` fills the last.
typedef enum SchedClass {
    SCHED_CLASS_DEADLINE,
    SCHED_CLASS_REALTIME,
    SCHED_CLASS_NORMAL,
    SCHED_CLASS_COUNT
} SchedClass;

typedef enum EnqueueReason { ENQUEUE_NEW, ENQUEUE_WAKEUP, ENQUEUE_MOVED } EnqueueReason;
typedef enum DequeueReason { DEQUEUE_BLOCK, DEQUEUE_EXIT, DEQUEUE_MOVED } DequeueReason;

// All that a scheduler is. Every function gets the core's run queue; the time is machine->now. A
// policy sees the tasks of its class only: run_queue_current says whether current is one of them.
typedef struct SchedPolicy {
    const char *name; // as in `scheduler: NAME`
    SchedClass sched_class;
    bool uses_tick;  // its decisions fall on timer ticks
    bool preemptive; // a wake-up may preempt
    bool one_state;  // its state is one for all cores, whatever the scenario's `queue` says
    // Allocates queue->state[sched_class].
    void (*init)(Machine *machine, RunQueue *queue, Arena *arena);
    void (*free)(RunQueue *queue);
    // The core where `task`, which is new, becomes runnable. NULL or CORE_NONE: placement.h's rule.
    int (*place_new)(const Machine *machine, const Task *task);
    // `task` becomes runnable here; it is not current.
    void (*enqueue)(Machine *machine, RunQueue *queue, Task *task, EnqueueReason reason);
    // `task` (current or queued) stops being runnable here. False: the policy keeps it on the
    // queue all the same (delayed dequeue) and gives it up later in `pick`.
    bool (*dequeue)(Machine *machine, RunQueue *queue, Task *task, DequeueReason reason);
    // Charges current with what it ran. Returns true when it asks for a new decision.
    bool (*charge)(Machine *machine, RunQueue *queue);
    // The same at a timer tick. NULL: as `charge`.
    bool (*tick)(Machine *machine, RunQueue *queue);
    // The task to run next: a queued one, or current to let it go on; none when there is none.
    TaskId (*pick)(Machine *machine, RunQueue *queue);
    // Current, still runnable, leaves the core for another.
    void (*put_back)(Machine *machine, RunQueue *queue, Task *task);
    // The picked task becomes current.
    void (*take)(Machine *machine, RunQueue *queue, Task *task);
    // A delayed task wakes up where it is. NULL when `dequeue` never returns false.
    void (*undelay)(Machine *machine, RunQueue *queue, Task *task);
    // Whether `woken`, just enqueued, should preempt current.
    bool (*preempts)(Machine *machine, RunQueue *queue, Task *woken);
    void (*yield)(Machine *machine, RunQueue *queue, Task *task);
    // An exact slice (queue->slice_end) is used up. NULL when the policy has none.
    void (*slice_used)(Machine *machine, RunQueue *queue);
    // The instant that run_queue_set_due named has come. NULL when the policy names none.
    void (*due)(Machine *machine, RunQueue *queue);
    // Until when `task`, current and just charged, must not run; INSTANT_NEVER when it may. NULL
    // when it always may.
    Instant (*suspended_until)(Machine *machine, const Task *task);
    // How little a task matters now: a newcomer that matters more preempts. NULL when newcomers
    // never preempt, or not for what they are. Where a task may choose among cores, it goes to the
    // one whose current task has the highest rank.
    int64_t (*rank)(const Machine *machine, const Task *task);
    // The queued tasks, current excluded, in any order, for load balancing.
    uint32_t (*count)(const RunQueue *queue);
    TaskId (*at)(const RunQueue *queue, uint32_t index);
} SchedPolicy;

struct RunQueue {
    int core;
    void *state[SCHED_CLASS_COUNT]; // the policies'
    Task *current;                  // on the core and runnable, or NULL
    uint32_t runnable; // normal tasks that can run here, current included, delayed ones not
    TaskId left_by;    // who left the core last, and when
    Instant left_at;
    Instant exec_start; // current is charged up to here
    Instant slice_end;  // set by the policy; INSTANT_NEVER when it has no exact slices
    bool asked;         // charging current has shown that a decision is due (need_resched)
    bool rotate;        // current is to go behind the others: it yielded, or its slice is over
    Instant due[SCHED_CLASS_COUNT]; // when a policy wants to be called; INSTANT_NEVER
    Instant due_first;              // the earliest of them, and of the fair server's
    FairServer server;

    // Load tracking and balancing; see pelt.h and balance.h.
    int64_t load_since_ns;
    int32_t util;
    int64_t load_runnable;
    int64_t load;
    int64_t next_balance_jiffy;
    uint32_t balance_interval_ms;
    uint32_t balance_failed;
    Instant idle_since;
    Duration idle_average;
};

// Current if it belongs to `sched_class`, else NULL.
static inline Task *run_queue_current(const RunQueue *queue, SchedClass sched_class)
{
    return queue->current != NULL && queue->current->sched_class == sched_class ? queue->current
                                                                                : NULL;
}

// The earliest of the instants that somebody waits for on this queue.
static inline void run_queue_refresh_due(RunQueue *queue)
{
    Instant first = queue->server.due;
    for (int c = 0; c < SCHED_CLASS_COUNT; c++)
        if (queue->due[c].ns < first.ns)
            first = queue->due[c];
    queue->due_first = first;
}

static inline void run_queue_init_due(RunQueue *queue)
{
    queue->server.due = INSTANT_NEVER;
    for (int c = 0; c < SCHED_CLASS_COUNT; c++)
        queue->due[c] = INSTANT_NEVER;
    queue->due_first = INSTANT_NEVER;
}

// The policy of `sched_class` is called at `when`, or not at INSTANT_NEVER. On another core than
// the one whose event is being handled, machine_refresh must follow.
static inline void run_queue_set_due(RunQueue *queue, SchedClass sched_class, Instant when)
{
    queue->due[sched_class] = when;
    run_queue_refresh_due(queue);
}

// The policies, by SchedulerKind.
const SchedPolicy *sched_policy(unsigned scheduler_kind);
// The policies of the two classes above the normal one.
extern const SchedPolicy policy_realtime, policy_deadline;

// The kernel's table of weights, nice -20 .. 19 (Linux kernel/sched/core.c sched_prio_to_weight).
uint32_t nice_weight(int nice);
