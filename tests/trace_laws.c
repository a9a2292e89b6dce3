#include "tests/trace_laws.h"

#include "sim/base/check.h"
#include "tests/trace_work.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NONE = -1 };

typedef enum Waits { WAITS_NOT, WAITS_TIMER, WAITS_LOCK, WAITS_JOIN } Waits;

typedef struct LawTask {
    TaskWork work;
    bool daemon;
    int core;  // on which it runs, or NONE
    int queue; // on which it waits for a core, or NONE
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
    bool joined;                  // a task has joined its queue since
    uint32_t out_task;            // who has just left it for another
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

__attribute__((format(printf, 2, 3))) static void broken(Laws *laws, const char *format, ...)
{
    if (!laws->report->hold)
        return;
    laws->report->hold = false;
    char text[256];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    const TraceRecord *record =
        &laws->records[laws->index < laws->count ? laws->index : laws->count - 1];
    snprintf(laws->report->violated, sizeof laws->report->violated,
             "%s (record %zu: %s, %lld ns, core %d, task %u, a %llu, b %llu)", text, laws->index,
             event_info(record->kind)->id, (long long)record->time_ns, record->core, record->task,
             (unsigned long long)record->a, (unsigned long long)record->b);
}

#define LAW(condition, ...)                                                                        \
    do {                                                                                           \
        if (!(condition))                                                                          \
            broken(laws, __VA_ARGS__);                                                             \
    } while (0)

static int64_t cost(const Laws *laws, CostId id)
{
    return laws->scenario->machine.costs[id];
}

static const ThreadDef *def_of(const Laws *laws, const LawTask *task)
{
    return &laws->scenario->threads[task->work.def - 1];
}

static bool is_policy(const Laws *laws, SchedulerKind kind)
{
    return laws->scenario->machine.scheduler == kind;
}

// ---- where the time goes

// The core's time up to `now`: first to the interrupts that have it, then to who runs.
static void account(Laws *laws, LawCore *core, int64_t now)
{
    LawsReport *report = laws->report;
    int64_t irq_to = core->irq_until_ns < now ? core->irq_until_ns : now;
    if (irq_to > core->at_ns) {
        report->interrupt_ns += irq_to - core->at_ns;
        core->at_ns = irq_to;
    }
    int64_t ns = now - core->at_ns;
    core->at_ns = now;
    if (core->task == 0) {
        report->idle_ns += ns;
    } else if (laws->tasks[core->task].in_kernel) {
        report->kernel_ns += ns;
        laws->tasks[core->task].work.kernel_ns += ns;
    } else {
        report->user_ns += ns;
        laws->tasks[core->task].work.user_ns += ns;
    }
}

// ---- queues

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void leave_queue(Laws *laws, LawTask *task)
{
    LawCore *core = &laws->cores[task->queue];
    task->queue = NONE;
    if (--core->queued == 0)
        core->must_switch_ns = NONE;
}

static void join_queue(Laws *laws, LawTask *task, int number, int64_t now, int64_t latency)
{
    LawCore *core = &laws->cores[number];
    task->queue = number;
    task->queued_order = ++laws->order;
    core->joined = true;
    if (core->queued++ == 0)
        core->queued_since_ns = now;
    if (core->task == 0 && core->must_switch_ns == NONE)
        core->must_switch_ns = now + latency;
}

static bool allowed(const Laws *laws, const LawTask *task, int core)
{
    uint32_t set = def_of(laws, task)->affinity;
    return set == 0 || core_set_has(&laws->scenario->core_sets[set - 1], core);
}

static const LawTask *queue_head(const Laws *laws, int core)
{
    const LawTask *head = NULL;
    for (uint32_t i = 1; i <= laws->task_count; i++) {
        const LawTask *task = &laws->tasks[i];
        if (task->queue == core && (head == NULL || task->queued_order < head->queued_order))
            head = task;
    }
    return head;
}

// ---- life

static uint32_t expected_members(const Laws *laws, uint32_t def)
{
    const ThreadDef *thread = &laws->scenario->threads[def - 1];
    return thread->spawned ? laws->groups[def - 1].created : thread->count;
}

static void on_created(Laws *laws, const TraceRecord *record)
{
    LAW(record->task == laws->task_count + 1, "life: tasks are not numbered as they come");
    LAW(record->a > 0 && record->a <= laws->scenario->thread_count, "life: of no thread");
    if (!laws->report->hold || record->task >= LAWS_TASKS_MAX)
        return;
    LawTask *task = &laws->tasks[++laws->task_count];
    LawGroup *group = &laws->groups[record->a - 1];
    *task = (LawTask){.work = {.def = (uint32_t)record->a,
                               .instance = (uint32_t)record->b,
                               .alive = true,
                               .created_at = laws->index},
                      .woken = true,
                      .core = NONE,
                      .queue = NONE,
                      .joins = NONE,
                      .last_core = NONE,
                      .daemon = laws->daemon_defs[record->a - 1]};
    group->created++;
    const ThreadDef *def = def_of(laws, task);
    LAW(def->spawned || group->created <= def->count, "life: more threads than the scenario has");
    LawProcess *process = &laws->processes[def->process.index1 - 1];
    LAW(!process->ended, "life: created in a process that has ended");
    if (def->spawned && !task->daemon) {
        process->workers++;
        laws->workers++;
    }
}

static bool no_member_lives(const Laws *laws, uint32_t process)
{
    for (uint32_t i = 1; i <= laws->task_count; i++)
        if (laws->tasks[i].work.alive && def_of(laws, &laws->tasks[i])->process.index1 == process)
            return false;
    return true;
}

static void end_task(Laws *laws, LawTask *task, int64_t now)
{
    task->work.alive = false;
    task->work.ended_ns = now;
    task->waits = WAITS_NOT;
    if (task->queue != NONE)
        leave_queue(laws, task);
}

static void on_exited(Laws *laws, const TraceRecord *record, LawTask *task)
{
    LAW(task->in_call && task->call == SYSCALL_EXIT, "life: ends outside of exit");
    end_task(laws, task, record->time_ns);
    laws->groups[task->work.def - 1].ended++;
    LawProcess *process = &laws->processes[def_of(laws, task)->process.index1 - 1];
    if (task->daemon)
        return;
    laws->workers--;
    process->ended = --process->workers == 0;
}

static void on_killed(Laws *laws, const TraceRecord *record, LawTask *task)
{
    LAW(task->daemon, "life: killed, but not a daemon");
    LAW(laws->processes[def_of(laws, task)->process.index1 - 1].ended,
        "life: killed while its process works");
    end_task(laws, task, record->time_ns);
    task->work.killed = true;
}

// At the end of each instant, and of the run, nobody is left of a process that has ended.
static void check_ended_processes(Laws *laws)
{
    for (uint32_t i = 1; i <= laws->scenario->process_count; i++)
        LAW(!laws->processes[i - 1].ended || no_member_lives(laws, i),
            "life: process %u has ended and a daemon of it lives", i);
}

// ---- cores

static void on_switch_in(Laws *laws, const TraceRecord *record, LawTask *task)
{
    LawCore *core = &laws->cores[record->core];
    LAW(core->task == 0, "core: it runs task %u already", core->task);
    LAW(task->core == NONE, "core: the task runs on core %d already", task->core);
    LAW(task->queue == record->core, "queue: it comes from queue %d", task->queue);
    LAW(allowed(laws, task, record->core), "core: not one of its affinity");
    if (!laws->report->hold)
        return;
    int64_t due = core->must_switch_ns;
    LAW(record->time_ns <= later(due, core->irq_until_ns), "idle: it was due at %lld ns",
        (long long)due);
    if (!is_policy(laws, SCHEDULER_EEVDF))
        LAW(queue_head(laws, record->core) == task, "policy: it is not the head of the queue");
    leave_queue(laws, task);
    core->must_switch_ns = NONE;
    core->task = record->task;
    core->slice_from_ns = core->in_ns = record->time_ns;
    core->joined = false;
    task->core = record->core;
    // Entering another task than the last costs a switch, except from idle.
    bool pays = core->out_task != 0 && core->out_task != record->task &&
                cost(laws, COST_CONTEXT_SWITCH) > 0;
    LAW(record->a == (task->in_call || pays), "kernel: switched in in the wrong mode");
    task->in_kernel = record->a != 0;
    task->work.switches_paid += pays;
    core->out_task = 0;
}

static void check_rr_slice(Laws *laws, const TraceRecord *record, const LawCore *core)
{
    int64_t slice = laws->scenario->machine.slice_ns, ran = record->time_ns - core->slice_from_ns;
    if (record->a == SWITCH_PREEMPTED_SLICE)
        LAW(ran > 0 && ran % slice == 0, "policy: preempted within its slice");
    if (core->queued == 0)
        return;
    // The first slice's end at which somebody waited.
    int64_t waited = later(core->queued_since_ns - core->slice_from_ns, 1);
    int64_t end = (waited + slice - 1) / slice * slice;
    LAW(ran <= end, "policy: it overran its slice, which ended %lld ns ago",
        (long long)(ran - end));
}

static void check_reason(Laws *laws, const TraceRecord *record, const LawCore *core,
                         const LawTask *task)
{
    SwitchReason reason = (SwitchReason)record->a;
    bool preempted = !switch_is_voluntary(reason);
    LAW(!preempted || (!task->in_call && !task->in_kernel), "kernel: preempted in the kernel");
    LAW(reason != SWITCH_YIELDED || task->call == SYSCALL_SCHED_YIELD, "kernel: it did not yield");
    LAW((reason == SWITCH_EXITED) == !task->work.alive, "life: switched out for the wrong reason");
    LAW((reason == SWITCH_BLOCKED_SLEEP) == (task->work.alive && task->waited == WAITS_TIMER) &&
            (reason == SWITCH_BLOCKED_LOCK) == (task->work.alive && task->waited == WAITS_LOCK) &&
            (reason == SWITCH_BLOCKED_JOIN) == (task->work.alive && task->waited == WAITS_JOIN),
        "core: switched out for the wrong reason");
    LAW(record->b == (task->waits == WAITS_LOCK ? task->lock : 0), "lock: it waits for another");
    if (is_policy(laws, SCHEDULER_FIFO))
        LAW(!preempted, "policy: FIFO does not preempt");
    if (is_policy(laws, SCHEDULER_RR))
        LAW(!preempted || reason == SWITCH_PREEMPTED_SLICE, "policy: RR preempts for slices only");
    if (is_policy(laws, SCHEDULER_EEVDF))
        LAW(reason != SWITCH_PREEMPTED_SLICE, "policy: EEVDF has no exact slices");
    int64_t tick = laws->scenario->machine.tick_ns;
    LAW(reason != SWITCH_PREEMPTED_TICK || record->time_ns / tick > core->in_ns / tick,
        "policy: no tick came while it ran");
    LAW(reason != SWITCH_PREEMPTED_WAKEUP || core->joined, "policy: nobody woke up while it ran");
}

static void on_switch_out(Laws *laws, const TraceRecord *record, LawTask *task)
{
    LawCore *core = &laws->cores[record->core];
    LAW(core->task == record->task, "core: it runs task %u", core->task);
    LAW(task->core == record->core, "core: the task runs on core %d", task->core);
    if (!laws->report->hold)
        return;
    check_reason(laws, record, core, task);
    if (is_policy(laws, SCHEDULER_RR) && laws->free_of_cost)
        check_rr_slice(laws, record, core);
    core->task = 0;
    task->core = NONE;
    task->waited = WAITS_NOT;
    if (task->work.alive && task->waits == WAITS_NOT && task->queue == NONE)
        join_queue(laws, task, record->core, record->time_ns, 0);
    // Whoever is queued here goes on at once; else the core is idle, if only for an instant.
    core->out_task = core->queued > 0 ? record->task : 0;
    if (core->queued > 0)
        core->must_switch_ns = record->time_ns;
}

static void on_enqueued(Laws *laws, const TraceRecord *record, LawTask *task)
{
    LAW(task->woken, "queue: joined without a wake-up");
    LAW(task->joins == NONE || task->joins == record->core, "queue: it should join queue %d",
        task->joins);
    LAW(task->last_core == NONE || task->last_core == record->core,
        "queue: moved from %d without a migration", task->last_core);
    LAW(task->queue == NONE, "queue: it is on queue %d already", task->queue);
    LAW(allowed(laws, task, record->core), "queue: not one of its affinity");
    if (!laws->report->hold)
        return;
    task->woken = false;
    task->joins = NONE;
    task->last_core = record->core;
    join_queue(laws, task, record->core, record->time_ns, cost(laws, COST_WAKE_IDLE));
}

static void on_migrated(Laws *laws, const TraceRecord *record, LawTask *task)
{
    LAW(task->core == NONE, "queue: moved while it runs");
    LAW((int)record->a - 1 == task->last_core, "queue: it was on queue %d", task->last_core);
    LAW(record->core != task->last_core, "queue: moved to where it is");
    if (record->b == MIGRATION_WAKEUP) {
        LAW(task->woken && task->joins == record->core, "queue: not where its wake-up sent it");
    } else {
        LAW(task->queue == (int)record->a - 1, "queue: it is on queue %d", task->queue);
        if (laws->report->hold)
            leave_queue(laws, task);
        task->woken = true;
    }
    task->joins = task->last_core = record->core;
}

// ---- the kernel

static void on_kernel_enter(Laws *laws, const TraceRecord *record, LawTask *task)
{
    LAW(!task->in_call && !task->in_kernel, "kernel: entered twice");
    LAW(record->a < SYSCALL_COUNT, "kernel: no such call");
    if (!laws->report->hold)
        return;
    task->in_call = task->in_kernel = true;
    task->call = (uint32_t)record->a;
    task->work.calls[record->a]++;
    // A yield that finds nobody else begins a new slice.
    if (record->a == SYSCALL_SCHED_YIELD)
        laws->cores[record->core].slice_from_ns = record->time_ns;
}

static void on_kernel_exit(Laws *laws, LawTask *task)
{
    LAW(task->in_kernel, "kernel: left twice");
    LAW(task->waits == WAITS_NOT, "kernel: left while blocked");
    task->in_call = task->in_kernel = false;
}

static void on_irq(Laws *laws, const TraceRecord *record)
{
    LawCore *core = &laws->cores[record->core];
    LAW(core->task == record->task, "core: interrupted, it runs task %u", core->task);
    core->irq_until_ns = later(core->irq_until_ns, record->time_ns) + (int64_t)record->b;
}

// ---- blocking and waking

static void block(Laws *laws, LawTask *task, Waits waits, uint32_t call)
{
    LAW(task->in_call && task->call == call, "kernel: blocks outside of its system call");
    LAW(task->waits == WAITS_NOT, "wakeup: blocks twice");
    task->waits = task->waited = waits;
}

static void on_timer_set(Laws *laws, const TraceRecord *record, LawTask *task)
{
    block(laws, task, WAITS_TIMER, SYSCALL_CLOCK_NANOSLEEP);
    int64_t latency = later(cost(laws, COST_TIMER_LATENCY), cost(laws, COST_TIMER_LATENCY_IDLE));
    task->timer_from_ns = record->time_ns + (int64_t)record->a;
    task->timer_to_ns = task->timer_from_ns + (int64_t)record->b + latency;
    LAW((int64_t)record->b == cost(laws, COST_TIMER_SLACK), "wakeup: another slack");
}

// Whom a blocked task waits for to release a lock; 0 when nobody, or when it is not such a task.
static uint32_t waits_for(const Laws *laws, uint32_t id)
{
    const LawTask *task = &laws->tasks[id];
    if (task->waits != WAITS_LOCK)
        return 0;
    uint32_t holder = laws->holders[task->lock - 1];
    return holder != 0 && laws->tasks[holder].work.alive ? holder : 0;
}

static void on_lock_wait(Laws *laws, const TraceRecord *record, LawTask *task)
{
    LAW(record->b != 0 && record->b == laws->holders[record->a - 1], "lock: another has it");
    LAW(!task->owes_lock || task->lock == record->a, "lock: it waits for another one already");
    block(laws, task, WAITS_LOCK, SYSCALL_FUTEX_WAIT);
    task->lock = (uint32_t)record->a;
    task->owes_lock = true;
    task->lock_order = ++laws->order;
    uint32_t at = record->task;
    for (uint32_t steps = 0; steps <= laws->task_count; steps++) {
        at = waits_for(laws, at);
        if (at == 0)
            return;
        if (at == record->task) {
            laws->circle_first = laws->circle_next = at;
            return;
        }
    }
}

static void on_lock_taken(Laws *laws, const TraceRecord *record, LawTask *task)
{
    uint32_t *holder = &laws->holders[record->a - 1];
    LAW(*holder == 0, "lock: task %u has it", *holder);
    LAW(!task->owes_lock || task->lock == record->a, "lock: it waits for another one");
    *holder = record->task;
    task->owes_lock = false;
}

static void on_lock_released(Laws *laws, const TraceRecord *record)
{
    uint32_t *holder = &laws->holders[record->a - 1];
    LAW(*holder == record->task, "lock: released, but task %u has it", *holder);
    *holder = 0;
}

static void on_join_wait(Laws *laws, const TraceRecord *record, LawTask *task)
{
    uint32_t def = (uint32_t)record->a;
    uint32_t alive = expected_members(laws, def) - laws->groups[def - 1].ended;
    LAW(record->b == alive && alive > 0, "join: %u are alive", alive);
    block(laws, task, WAITS_JOIN, SYSCALL_FUTEX_WAIT);
    task->join = def;
}

static void check_waker(Laws *laws, const TraceRecord *record)
{
    int core = (int)record->b - 1;
    LAW(core >= 0 && core < (int)laws->scenario->machine.cores, "wakeup: from no core");
    if (!laws->report->hold || record->a == 0)
        return;
    LAW(record->a <= laws->task_count && laws->cores[core].task == record->a,
        "wakeup: the waker does not run there");
}

static void on_wakeup(Laws *laws, const TraceRecord *record, LawTask *task)
{
    LAW(task->waits != WAITS_NOT, "wakeup: it is not blocked");
    check_waker(laws, record);
    if (!laws->report->hold)
        return;
    const LawTask *waker = record->a == 0 ? NULL : &laws->tasks[record->a];
    if (task->waits == WAITS_TIMER) {
        LAW(waker == NULL, "wakeup: a sleeper is woken by a task");
        LAW(record->time_ns >= task->timer_from_ns, "wakeup: before its timer");
        LAW(record->time_ns <= task->timer_to_ns, "wakeup: long after its timer");
    } else if (task->waits == WAITS_LOCK) {
        LAW(waker != NULL && waker->in_call && waker->call == SYSCALL_FUTEX_WAKE,
            "wakeup: not by a futex wake");
        for (uint32_t i = 1; i <= laws->task_count; i++) {
            const LawTask *other = &laws->tasks[i];
            LAW(other->waits != WAITS_LOCK || other->lock != task->lock ||
                    other->lock_order >= task->lock_order,
                "wakeup: task %u waits longer", i);
        }
    } else {
        LAW(waker != NULL && !waker->work.alive && waker->work.def == task->join,
            "join: woken by another");
        LAW(laws->groups[task->join - 1].ended == expected_members(laws, task->join),
            "join: woken before all have ended");
    }
    task->waits = WAITS_NOT;
    task->woken = true;
    task->joins = record->core;
}

// ---- deadlocks and the end

static void on_deadlock(Laws *laws, const TraceRecord *record, LawTask *task)
{
    LAW(!task->reported, "deadlock: reported twice");
    task->reported = true;
    LAW(task->waits != WAITS_NOT, "deadlock: it is not blocked");
    if (task->waits == WAITS_LOCK) {
        LAW(record->a == task->lock, "deadlock: it waits for lock %u", task->lock);
        LAW(record->b == laws->holders[task->lock - 1], "deadlock: another has it");
    } else {
        LAW(record->a == 0 && task->waits == WAITS_JOIN, "deadlock: it waits for no lock");
        LAW(record->b == 0 || laws->tasks[record->b].work.def == task->join,
            "deadlock: it does not wait for that one");
    }
    if (laws->circle_next == 0)
        return;
    LAW(laws->circle_next == record->task, "deadlock: the circle goes on with task %u",
        laws->circle_next);
    laws->circle_next = waits_for(laws, record->task);
    if (laws->circle_next == laws->circle_first)
        laws->circle_next = 0;
}

static void check_deadlock_end(Laws *laws)
{
    for (uint32_t i = 1; i <= laws->task_count; i++) {
        const LawTask *task = &laws->tasks[i];
        if (!task->work.alive)
            continue;
        LAW(task->waits == WAITS_LOCK || task->waits == WAITS_JOIN,
            "deadlock: the run ends, but task %u can go on", i);
        if (task->waits == WAITS_LOCK)
            LAW(laws->holders[task->lock - 1] != 0, "lock: task %u sleeps on a free lock", i);
    }
}

static void check_end(Laws *laws, const RunResult *result)
{
    const TraceRecord *last = &laws->records[laws->count - 1];
    LAW(last->kind == EVENT_RUN_END && last->a == result->end &&
            last->time_ns == result->ended.ns && laws->task_count == result->tasks,
        "time: the trace does not end as the result says");
    LAW((laws->workers == 0) == (result->end == END_DONE), "life: %u workers at the end",
        laws->workers);
    if (result->end == END_UNTIL)
        LAW(last->time_ns == laws->scenario->until_ns, "time: it does not end at its until");
    if (result->end == END_DEADLOCK)
        check_deadlock_end(laws);
    for (uint32_t i = 0; i < laws->scenario->machine.cores; i++) {
        LawCore *core = &laws->cores[i];
        account(laws, core, last->time_ns);
        LAW(core->must_switch_ns == NONE ||
                last->time_ns <= later(core->must_switch_ns, core->irq_until_ns),
            "idle: core %u idles at the end", i);
    }
    LawsReport *report = laws->report;
    LAW(report->user_ns + report->kernel_ns + report->interrupt_ns + report->idle_ns ==
            last->time_ns * laws->scenario->machine.cores,
        "sum: the cores' times do not add up");
}

// ---- one record

static bool needs_core(EventKind kind)
{
    switch (kind) {
    case EVENT_TASK_CREATED:
    case EVENT_TASK_KILLED:
    case EVENT_DEADLOCK:
    case EVENT_RUN_END:
        return false;
    default:
        return true;
    }
}

// Records of what a task does itself, which takes a core to do.
static bool is_deed(EventKind kind)
{
    switch (kind) {
    case EVENT_ENQUEUED:
    case EVENT_SWITCH_IN:
    case EVENT_SWITCH_OUT:
    case EVENT_WAKEUP:
    case EVENT_MIGRATED:
    case EVENT_IRQ:
        return false;
    default:
        return needs_core(kind);
    }
}

static bool check_record(Laws *laws, const TraceRecord *record)
{
    EventKind kind = (EventKind)record->kind;
    int cores = (int)laws->scenario->machine.cores;
    LAW(needs_core(kind) ? record->core >= 0 && record->core < cores : record->core == CORE_NONE,
        "core: there is no such core");
    bool anonymous = kind == EVENT_RUN_END || kind == EVENT_IRQ || kind == EVENT_TASK_CREATED;
    LAW(anonymous || (record->task > 0 && record->task <= laws->task_count),
        "life: there is no such task");
    if (!laws->report->hold || anonymous)
        return laws->report->hold;
    const LawTask *task = &laws->tasks[record->task];
    LAW(task->work.alive || kind == EVENT_SWITCH_OUT, "life: it has ended");
    LAW(!task->woken || kind == EVENT_ENQUEUED || kind == EVENT_MIGRATED,
        "wakeup: it does not join a queue");
    LAW(!is_deed(kind) || task->core == record->core, "core: it runs on core %d", task->core);
    LAW(!is_deed(kind) || task->waits == WAITS_NOT, "core: it is blocked");
    bool in_user_mode = kind == EVENT_MARK || kind == EVENT_SPAN_BEGIN || kind == EVENT_SPAN_END ||
                        kind == EVENT_LOCK_TAKEN || kind == EVENT_LOCK_RELEASED;
    LAW(!in_user_mode || !task->in_kernel, "kernel: it does this in user mode");
    LAW(kind != EVENT_PRINT || (task->in_call && task->call == SYSCALL_WRITE),
        "kernel: prints without a system call");
    return laws->report->hold;
}

static void apply(Laws *laws, const TraceRecord *record)
{
    LawTask *task = &laws->tasks[record->task < LAWS_TASKS_MAX ? record->task : 0];
    switch ((EventKind)record->kind) {
    case EVENT_TASK_CREATED:
        on_created(laws, record);
        break;
    case EVENT_TASK_EXITED:
        on_exited(laws, record, task);
        break;
    case EVENT_TASK_KILLED:
        on_killed(laws, record, task);
        break;
    case EVENT_ENQUEUED:
        on_enqueued(laws, record, task);
        break;
    case EVENT_SWITCH_IN:
        on_switch_in(laws, record, task);
        break;
    case EVENT_SWITCH_OUT:
        on_switch_out(laws, record, task);
        break;
    case EVENT_WAKEUP:
        on_wakeup(laws, record, task);
        break;
    case EVENT_MIGRATED:
        on_migrated(laws, record, task);
        break;
    case EVENT_KERNEL_ENTER:
        on_kernel_enter(laws, record, task);
        break;
    case EVENT_KERNEL_EXIT:
        on_kernel_exit(laws, task);
        break;
    case EVENT_IRQ:
        on_irq(laws, record);
        break;
    case EVENT_TIMER_SET:
        on_timer_set(laws, record, task);
        break;
    case EVENT_LOCK_WAIT:
        on_lock_wait(laws, record, task);
        break;
    case EVENT_LOCK_TAKEN:
        on_lock_taken(laws, record, task);
        break;
    case EVENT_LOCK_RELEASED:
        on_lock_released(laws, record);
        break;
    case EVENT_JOIN_WAIT:
        on_join_wait(laws, record, task);
        break;
    case EVENT_DEADLOCK:
        on_deadlock(laws, record, task);
        break;
    default:
        break;
    }
}

// ---- all of it

// Which spawned threads are daemons: those of spawns in daemons' programs.
static void mark_list(Laws *laws, uint32_t index, bool daemon, int depth)
{
    const Op *ops = laws->scenario->ops;
    CHECKF(depth < 64, "op %u", index);
    for (; ops[index].code != OP_RETURN && ops[index].code != OP_BLOCK_END;
         index = ops[index].next) {
        const OpInfo *info = op_info(ops[index].code);
        for (int i = 0; i < OP_FIELDS_MAX && info->fields[i].name != NULL; i++) {
            uint32_t arg = ops[index].arg[i];
            if (info->fields[i].type == FIELD_BLOCK && arg != 0)
                mark_list(laws, arg, daemon, depth + 1);
            if (info->fields[i].type == FIELD_FUNCTION && ops[index].code == OP_CALL)
                mark_list(laws, arg, daemon, depth + 1);
            if (info->fields[i].type == FIELD_SPAWNED) {
                laws->daemon_defs[arg - 1] = daemon;
                mark_list(laws, laws->scenario->threads[arg - 1].entry, daemon, depth + 1);
            }
        }
    }
}

static void open_laws(Laws *laws)
{
    const Scenario *scenario = laws->scenario;
    laws->cores = calloc(scenario->machine.cores, sizeof *laws->cores);
    laws->processes = calloc(scenario->process_count, sizeof *laws->processes);
    laws->groups = calloc(scenario->thread_count, sizeof *laws->groups);
    laws->daemon_defs = calloc(scenario->thread_count, sizeof *laws->daemon_defs);
    laws->holders = calloc(scenario->sync_count + 1, sizeof *laws->holders);
    for (uint32_t i = 0; i < scenario->machine.cores; i++)
        laws->cores[i].must_switch_ns = NONE;
    laws->free_of_cost = true;
    for (int i = 0; i < COST_COUNT; i++)
        laws->free_of_cost = laws->free_of_cost && scenario->machine.costs[i] == 0;
    for (uint32_t i = 0; i < scenario->thread_count; i++) {
        const ThreadDef *def = &scenario->threads[i];
        if (def->spawned)
            continue;
        laws->daemon_defs[i] = def->daemon;
        mark_list(laws, def->entry, def->daemon, 0);
        laws->processes[def->process.index1 - 1].workers += def->daemon ? 0 : def->count;
        laws->workers += def->daemon ? 0 : def->count;
    }
}

static void close_laws(Laws *laws)
{
    free(laws->cores);
    free(laws->processes);
    free(laws->groups);
    free(laws->daemon_defs);
    free(laws->holders);
    free(laws);
}

static void fold(Laws *laws)
{
    int64_t now = 0;
    for (laws->index = 0; laws->index < laws->count && laws->report->hold; laws->index++) {
        const TraceRecord *record = &laws->records[laws->index];
        LAW(record->time_ns >= now, "time: it goes back");
        LAW(record->kind != EVENT_RUN_END || laws->index == laws->count - 1,
            "time: the run goes on behind its end");
        LAW(laws->circle_next == 0 || record->kind == EVENT_DEADLOCK,
            "deadlock: a circle is not reported");
        if (record->time_ns > now || record->kind == EVENT_RUN_END)
            check_ended_processes(laws);
        now = record->time_ns;
        if (!check_record(laws, record))
            return;
        if (record->core != CORE_NONE)
            account(laws, &laws->cores[record->core], now);
        apply(laws, record);
    }
}

void trace_laws(const Scenario *scenario, const TraceRecord *records, size_t count,
                const RunResult *result, LawsReport *report)
{
    *report = (LawsReport){.hold = true};
    Laws *laws = calloc(1, sizeof *laws);
    laws->scenario = scenario;
    laws->records = records;
    laws->count = count;
    laws->report = report;
    open_laws(laws);
    LAW(count > 0, "time: there is no trace");
    fold(laws);
    if (report->hold) {
        laws->index = count - 1;
        check_end(laws, result);
    }
    TaskWork *works = calloc(laws->task_count + 1, sizeof *works);
    for (uint32_t i = 1; i <= laws->task_count; i++) {
        works[i] = laws->tasks[i].work;
        report->tasks[i].user_ns = works[i].user_ns;
        report->tasks[i].kernel_ns = works[i].kernel_ns;
    }
    if (report->hold)
        report->hold = trace_work(scenario, records, count, works, laws->task_count,
                                  report->violated, sizeof report->violated);
    free(works);
    close_laws(laws);
}
