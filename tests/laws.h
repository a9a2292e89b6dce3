// What the files of trace_laws.h share: the picture of cores, tasks, queues and locks that the fold
// keeps, and the laws' way of saying that one is broken. Private to laws_*.c and trace_laws.c.
#pragma once
#include "tests/trace_laws.h"
#include "tests/trace_work.h"

enum { NONE = -1 };

typedef enum Waits { WAITS_NOT, WAITS_TIMER, WAITS_LOCK, WAITS_JOIN } Waits;

typedef struct LawTask {
    TaskWork work;
    bool daemon;
    uint32_t scheduled_as; // ThreadDefId: its own, or what its creator has
    int core;              // on which it runs, or NONE
    int queue;             // on which it waits for a core, or NONE
    uint64_t queued_order;
    Waits waits;         // blocked for this
    Waits waited;        // at its last block, until it is switched out
    uint32_t lock, join; // what it waits for
    bool owes_lock;      // it waited for `lock` and has not got it yet
    uint64_t lock_order;
    int64_t timer_from_ns, timer_to_ns;
    bool woken;    // its next record must be MIGRATED or ENQUEUED
    int joins;     // then it joins this core's queue; NONE: any
    int last_core; // whose queue it joined last
    bool reported; // as a member of a deadlock
    bool in_call, in_kernel;
    uint32_t call;
} LawTask;

typedef struct LawCore {
    uint32_t task;
    int64_t at_ns, irq_until_ns;
    int64_t
        must_switch_ns; // a task is queued and nobody runs: SWITCH_IN by then; NONE: none is due
    int queued;
    int64_t queued_since_ns;      // without a break
    int64_t slice_from_ns, in_ns; // its task's slice and time on the core began
    bool joined;                  // a task has joined or left its queue since
    uint32_t out_task;            // who has just left it for another
    uint32_t last_task;           // who left it last, and when
    int64_t out_ns;
} LawCore;

typedef struct LawProcess {
    uint32_t workers; // not ended, arrivals included
    bool ended;
} LawProcess;

typedef struct LawGroup {
    uint32_t created, ended;
} LawGroup;

typedef struct Laws {
    const Scenario *scenario;
    const TraceRecord *records;
    size_t count, index;
    LawsReport *report;
    LawTask tasks[LAWS_TASKS_MAX];
    uint32_t task_count;
    LawCore *cores;
    LawProcess *processes;
    LawGroup *groups;
    uint32_t *holders; // by SyncId.index1 - 1
    bool *daemon_defs; // by ThreadDefId.index1 - 1
    uint32_t workers;
    uint64_t order;
    bool free_of_cost;
    // A closed circle of locks that DEADLOCK records must now spell out.
    uint32_t circle_next;
    uint32_t circle_first;
} Laws;

// Reports the first violation, with the record at which it shows.
__attribute__((format(printf, 2, 3))) void laws_broken(Laws *laws, const char *format, ...);

#define LAW(condition, ...)                                                                        \
    do {                                                                                           \
        if (!(condition))                                                                          \
            laws_broken(laws, __VA_ARGS__);                                                        \
    } while (0)

static inline int64_t laws_cost(const Laws *laws, CostId id)
{
    return laws->scenario->machine.costs[id];
}

static inline const ThreadDef *laws_def(const Laws *laws, const LawTask *task)
{
    return &laws->scenario->threads[task->work.def - 1];
}

// Who has its policy and its affinity: a thread that another has started has that one's, unless
// that is a deadline.
static inline const ThreadDef *laws_scheduled(const Laws *laws, const LawTask *task)
{
    return &laws->scenario->threads[task->scheduled_as - 1];
}

static inline bool is_policy(const Laws *laws, SchedulerKind kind)
{
    return laws->scenario->machine.scheduler == kind;
}

static inline int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline uint32_t laws_members(const Laws *laws, uint32_t def)
{
    const ThreadDef *thread = &laws->scenario->threads[def - 1];
    return thread->spawned ? laws->groups[def - 1].created : thread->count;
}

// laws_cores.c: time, queues, cores and the kernel.

// The core's time up to `now`: first to the interrupts that have it, then to who runs.
void laws_account(Laws *laws, LawCore *core, int64_t now);
void laws_leave_queue(Laws *laws, LawTask *task);
void laws_on_switch_in(Laws *laws, const TraceRecord *record, LawTask *task);
void laws_on_switch_out(Laws *laws, const TraceRecord *record, LawTask *task);
void laws_on_enqueued(Laws *laws, const TraceRecord *record, LawTask *task);
void laws_on_migrated(Laws *laws, const TraceRecord *record, LawTask *task);
void laws_on_kernel_enter(Laws *laws, const TraceRecord *record, LawTask *task);
void laws_on_kernel_exit(Laws *laws, LawTask *task);
void laws_on_irq(Laws *laws, const TraceRecord *record);

// laws_waits.c: blocking and waking, locks, joins and deadlocks.

void laws_on_timer_set(Laws *laws, const TraceRecord *record, LawTask *task);
void laws_on_lock_wait(Laws *laws, const TraceRecord *record, LawTask *task);
void laws_on_lock_taken(Laws *laws, const TraceRecord *record, LawTask *task);
void laws_on_lock_released(Laws *laws, const TraceRecord *record);
void laws_on_join_wait(Laws *laws, const TraceRecord *record, LawTask *task);
void laws_on_wakeup(Laws *laws, const TraceRecord *record, LawTask *task);
void laws_on_deadlock(Laws *laws, const TraceRecord *record, LawTask *task);
// A run may end as a deadlock only when nobody can go on.
void laws_deadlock_end(Laws *laws);
