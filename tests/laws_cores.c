#include "tests/laws.h"

// ---- where the time goes

void laws_account(Laws *laws, LawCore *core, int64_t now)
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

// One queue feeds all cores: a task joins it by the name of some core, and any core may have it.
static bool shared_queue(const Laws *laws)
{
    return laws->scenario->machine.global_queue || is_policy(laws, SCHEDULER_MULTI);
}

// There are threads that go before the scheduler's.
static bool has_urgent(const Laws *laws)
{
    for (uint32_t i = 0; i < laws->scenario->thread_count; i++)
        if (laws->scenario->threads[i].policy >= POLICY_FIFO)
            return true;
    return false;
}

static bool is_plain(const Laws *laws, SchedulerKind kind)
{
    return is_policy(laws, kind) && !shared_queue(laws) && !has_urgent(laws);
}

void laws_leave_queue(Laws *laws, LawTask *task)
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
    if (core->task == 0 && core->must_switch_ns == NONE && !shared_queue(laws))
        core->must_switch_ns = now + latency;
}

static bool allowed(const Laws *laws, const LawTask *task, int core)
{
    uint32_t set = laws_scheduled(laws, task)->affinity;
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

// ---- cores

void laws_on_switch_in(Laws *laws, const TraceRecord *record, LawTask *task)
{
    LawCore *core = &laws->cores[record->core];
    LAW(core->task == 0, "core: it runs task %u already", core->task);
    LAW(task->core == NONE, "core: the task runs on core %d already", task->core);
    LAW(task->queue == record->core, "queue: it comes from queue %d", task->queue);
    LAW(allowed(laws, task, record->core), "core: not one of its affinity");
    if (!laws->report->hold)
        return;
    int64_t due = core->must_switch_ns;
    LAW(shared_queue(laws) || record->time_ns <= later(due, core->irq_until_ns),
        "idle: it was due at %lld ns", (long long)due);
    if (is_plain(laws, SCHEDULER_FIFO) || is_plain(laws, SCHEDULER_RR))
        LAW(queue_head(laws, record->core) == task, "policy: it is not the head of the queue");
    laws_leave_queue(laws, task);
    core->must_switch_ns = NONE;
    core->task = record->task;
    core->slice_from_ns = core->in_ns = record->time_ns;
    core->joined = false;
    task->core = record->core;
    // Entering another task than the last costs a switch, except from idle.
    bool pays = core->out_task != 0 && core->out_task != record->task &&
                laws_cost(laws, COST_CONTEXT_SWITCH) > 0;
    if (shared_queue(laws)) // its queue says nothing about whether the core was idle
        pays = core->out_ns == record->time_ns && core->last_task != record->task &&
               laws_cost(laws, COST_CONTEXT_SWITCH) > 0;
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
    // The first end of a slice before which somebody waited. (One who comes at that very instant
    // may come behind the decision.)
    int64_t waited = later(core->queued_since_ns - core->slice_from_ns, 0);
    int64_t end = (waited / slice + 1) * slice;
    LAW(ran <= end, "policy: it overran its slice, which ended %lld ns ago",
        (long long)(ran - end));
}

static void check_reason(Laws *laws, const TraceRecord *record, const LawCore *core,
                         const LawTask *task)
{
    SwitchReason reason = (SwitchReason)record->a;
    bool preempted = !switch_is_voluntary(reason);
    // A yield gives the rest of a deadline thread's runtime back, and so it is throttled.
    LAW(!preempted || (!task->in_call && !task->in_kernel) ||
            (reason == SWITCH_THROTTLED && task->call == SYSCALL_SCHED_YIELD),
        "kernel: preempted in the kernel");
    LAW(reason != SWITCH_YIELDED || task->call == SYSCALL_SCHED_YIELD, "kernel: it did not yield");
    LAW((reason == SWITCH_EXITED) == !task->work.alive, "life: switched out for the wrong reason");
    LAW((reason == SWITCH_BLOCKED_SLEEP) == (task->work.alive && task->waited == WAITS_TIMER) &&
            (reason == SWITCH_BLOCKED_LOCK) == (task->work.alive && task->waited == WAITS_LOCK) &&
            (reason == SWITCH_BLOCKED_JOIN) == (task->work.alive && task->waited == WAITS_JOIN),
        "core: switched out for the wrong reason");
    LAW(record->b == (task->waits == WAITS_LOCK ? task->lock : 0), "lock: it waits for another");
    if (is_plain(laws, SCHEDULER_FIFO))
        LAW(!preempted, "policy: FIFO does not preempt");
    if (is_plain(laws, SCHEDULER_RR))
        LAW(!preempted || reason == SWITCH_PREEMPTED_SLICE, "policy: RR preempts for slices only");
    if (is_policy(laws, SCHEDULER_EEVDF))
        LAW(reason != SWITCH_PREEMPTED_SLICE, "policy: EEVDF has no exact slices");
    int64_t tick = laws->scenario->machine.tick_ns;
    LAW(reason != SWITCH_PREEMPTED_TICK || record->time_ns / tick > core->in_ns / tick,
        "policy: no tick came while it ran");
    LAW(reason != SWITCH_PREEMPTED_WAKEUP || core->joined || shared_queue(laws),
        "policy: nobody came or left while it ran");
}

void laws_on_switch_out(Laws *laws, const TraceRecord *record, LawTask *task)
{
    LawCore *core = &laws->cores[record->core];
    LAW(core->task == record->task, "core: it runs task %u", core->task);
    LAW(task->core == record->core, "core: the task runs on core %d", task->core);
    if (!laws->report->hold)
        return;
    check_reason(laws, record, core, task);
    if (is_plain(laws, SCHEDULER_RR) && laws->free_of_cost)
        check_rr_slice(laws, record, core);
    core->task = 0;
    core->out_ns = record->time_ns;
    core->last_task = record->task;
    task->core = NONE;
    task->waited = WAITS_NOT;
    if (record->a == SWITCH_THROTTLED) { // it sleeps to its next period
        task->waits = WAITS_TIMER;
        task->timer_from_ns = record->time_ns;
        task->timer_to_ns = INT64_MAX;
    }
    if (task->work.alive && task->waits == WAITS_NOT && task->queue == NONE)
        join_queue(laws, task, record->core, record->time_ns, 0);
    // Whoever is queued here goes on at once; else the core is idle, if only for an instant.
    core->out_task = core->queued > 0 ? record->task : 0;
    if (core->queued > 0 && !shared_queue(laws))
        core->must_switch_ns = record->time_ns;
}

void laws_on_enqueued(Laws *laws, const TraceRecord *record, LawTask *task)
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
    join_queue(laws, task, record->core, record->time_ns, laws_cost(laws, COST_WAKE_IDLE));
}

void laws_on_migrated(Laws *laws, const TraceRecord *record, LawTask *task)
{
    LAW(task->core == NONE, "queue: moved while it runs");
    LAW((int)record->a - 1 == task->last_core, "queue: it was on queue %d", task->last_core);
    LAW(record->core != task->last_core, "queue: moved to where it is");
    if (record->b == MIGRATION_WAKEUP) {
        LAW(task->woken && task->joins == record->core, "queue: not where its wake-up sent it");
    } else {
        LAW(task->queue == (int)record->a - 1, "queue: it is on queue %d", task->queue);
        // Leaving a queue charges its running task, which may show that a decision is due.
        if (laws->report->hold) {
            laws_leave_queue(laws, task);
            laws->cores[record->a - 1].joined = true;
        }
        // From the shared queue it comes at once.
        task->woken = record->b != MIGRATION_SHARED_QUEUE;
        if (laws->report->hold && !task->woken)
            join_queue(laws, task, record->core, record->time_ns, 0);
    }
    task->joins = task->last_core = record->core;
}

// ---- the kernel

void laws_on_kernel_enter(Laws *laws, const TraceRecord *record, LawTask *task)
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

void laws_on_kernel_exit(Laws *laws, LawTask *task)
{
    LAW(task->in_kernel, "kernel: left twice");
    LAW(task->waits == WAITS_NOT, "kernel: left while blocked");
    task->in_call = task->in_kernel = false;
}

void laws_on_irq(Laws *laws, const TraceRecord *record)
{
    LawCore *core = &laws->cores[record->core];
    LAW(core->task == record->task, "core: interrupted, it runs task %u", core->task);
    core->irq_until_ns = later(core->irq_until_ns, record->time_ns) + (int64_t)record->b;
}
