#include "sim/kernel/sched.h"

#include "sim/base/check.h"
#include "sim/kernel/balance.h"
#include "sim/kernel/fair_server.h"
#include "sim/kernel/pelt.h"
#include "sim/kernel/placement.h"
#include "sim/kernel/push_pull.h"
#include "sim/kernel/wait_list.h"

// ---- who is runnable where

static void set_idle(Machine *machine, int core, bool idle)
{
    uint64_t bit = (uint64_t)1 << (core % 64);
    uint64_t *word = &machine->idle_cores[core / 64];
    if (((*word & bit) != 0) == idle)
        return;
    *word ^= bit;
    machine->idle_count += idle ? 1 : UINT32_MAX;
}

// Balancing looks at normal tasks only, and only where every core has its own queue.
static bool counts(const Machine *machine, const Task *task)
{
    return task->sched_class == SCHED_CLASS_NORMAL && !machine->shared_queue;
}

static void count_runnable(Machine *machine, RunQueue *queue, const Task *task)
{
    if (!counts(machine, task))
        return;
    machine->weights[queue->core] += task->fair.weight;
    if (++queue->runnable == 2)
        machine->overloaded++;
}

static void discount_runnable(Machine *machine, RunQueue *queue, const Task *task)
{
    if (!counts(machine, task))
        return;
    uint64_t weight = machine->weights[queue->core] -= task->fair.weight;
    placement_note_lighter(machine, (uint32_t)queue->core, weight);
    if (queue->runnable-- == 2)
        machine->overloaded--;
}

static void track_queue(Machine *machine, RunQueue *queue)
{
    if (!machine->single)
        pelt_update_queue(queue, machine->now, queue->current != NULL,
                          machine->weights[queue->core]);
}

static void enqueue(Machine *machine, Task *task, int core, EnqueueReason reason)
{
    RunQueue *queue = &machine->run_queues[core];
    task->core = (int16_t)core;
    task->state = TASK_RUNNABLE;
    task->recency = ++machine->recency;
    count_runnable(machine, queue, task);
    set_idle(machine, core, false);
    policy_of(machine, task)->enqueue(machine, queue, task, reason);
    if (machine->fair_server && task->sched_class == SCHED_CLASS_NORMAL)
        fair_server_update(machine, queue);
    machine_emit(machine, EVENT_ENQUEUED, core, task->id, (uint64_t)task->fair.vruntime,
                 (uint64_t)task->fair.deadline);
}

// ---- asking for a decision

static Instant after_interrupts(const Machine *machine, const Core *core)
{
    return core->irq_until.ns > machine->now.ns ? core->irq_until : machine->now;
}

void sched_resched(Machine *machine, int core_number, SwitchReason reason)
{
    Core *core = &machine->cores[core_number];
    if (core->resched)
        return;
    core->resched = true;
    core->resched_reason = (uint8_t)reason;
    // Kernel code is not preempted (preemption model NONE): the flag is seen on return to user
    // mode.
    if (!core->in_kernel)
        core->dispatch_at = after_interrupts(machine, core);
    machine_refresh(machine, core_number);
}

// The task on the core is done with its segment and waits for the decision.
static void dispatch_now(Machine *machine, int core_number)
{
    Core *core = &machine->cores[core_number];
    core->segment_end = INSTANT_NEVER;
    core->resched = true;
    core->dispatch_at = after_interrupts(machine, core);
    machine_refresh(machine, core_number);
}

// Where a class stands on this queue: the lower runs first.
static int precedence(const RunQueue *queue, int sched_class)
{
    bool served = sched_class == SCHED_CLASS_NORMAL && queue->server.running;
    return served ? 2 * SCHED_CLASS_REALTIME - 1 : 2 * sched_class;
}

static bool preempts(Machine *machine, RunQueue *queue, Task *woken)
{
    if (woken->sched_class != queue->current->sched_class)
        return precedence(queue, woken->sched_class) <
               precedence(queue, queue->current->sched_class);
    const SchedPolicy *policy = policy_of(machine, woken);
    return policy->preemptive && policy->preempts(machine, queue, woken);
}

// Where `task`, which has joined the queue that all cores share, should preempt: on the core whose
// current task has the highest rank, if that is higher than its own; `otherwise` when there is none
// or an idle core has been found.
static int weakest_core(Machine *machine, const Task *task, int otherwise)
{
    const SchedPolicy *policy = policy_of(machine, task);
    if (policy->rank == NULL || machine->run_queues[otherwise].current == NULL)
        return otherwise;
    int64_t worst = policy->rank(machine, task);
    for (uint32_t i = 0; i < machine->core_count; i++) {
        const Task *current = run_queue_current(&machine->run_queues[i], SCHED_CLASS_NORMAL);
        if (current == NULL || machine->cores[i].resched ||
            !placement_allows(machine, task, (int)i))
            continue;
        int64_t rank = policy->rank(machine, current);
        if (rank > worst) {
            worst = rank;
            otherwise = (int)i;
        }
    }
    return otherwise;
}

// `task` has just become runnable on `core_number`: preempt, wake the idle core, or let it wait.
// Returns what sending an interrupt costs the waker on `from_core`.
static Duration notice(Machine *machine, Task *task, int core_number, int from_core)
{
    if (machine->shared_queue && task->sched_class == SCHED_CLASS_NORMAL)
        core_number = weakest_core(machine, task, core_number);
    Core *core = &machine->cores[core_number];
    RunQueue *queue = &machine->run_queues[core_number];
    Duration cost = {0};
    if (queue->current != NULL) {
        if (!core->resched && (queue->asked || preempts(machine, queue, task)))
            sched_resched(machine, core_number, SWITCH_PREEMPTED_WAKEUP);
    } else if (core->current.index1 == 0 && !core->resched) {
        if (!machine->single) {
            int64_t idle_ns = machine->now.ns - queue->idle_since.ns;
            balance_note_idle(queue, (Duration){idle_ns});
        }
        core->resched = true;
        if (from_core == core_number || from_core == CORE_NONE) {
            core->dispatch_at = after_interrupts(machine, core);
        } else {
            Instant ready = instant_add(machine->now, machine_cost(machine, COST_WAKE_IDLE));
            Instant free = after_interrupts(machine, core);
            core->dispatch_at = instant_before(free, ready) ? ready : free;
            cost = machine_cost(machine, COST_WAKE_IDLE_WAKER);
        }
        machine_refresh(machine, core_number);
    }
    return cost;
}

// ---- starting, waking, moving

Duration sched_start(Machine *machine, Task *task, int core, int from_core)
{
    RunQueue *queue = &machine->run_queues[core];
    if (!machine->single) {
        track_queue(machine, queue);
        pelt_init_task(task, queue, machine->now);
        pelt_attach(queue, task);
    }
    enqueue(machine, task, core, ENQUEUE_NEW);
    return notice(machine, task, core, from_core);
}

static void change_core(Machine *machine, Task *task, int to, MigrationReason reason)
{
    int from = task->core;
    if (!machine->single) {
        track_queue(machine, &machine->run_queues[from]);
        track_queue(machine, &machine->run_queues[to]);
        pelt_detach(&machine->run_queues[from], task);
        pelt_attach(&machine->run_queues[to], task);
    }
    task->core = (int16_t)to;
    machine_emit(machine, EVENT_MIGRATED, to, task->id, (uint64_t)from + 1, reason);
}

Duration sched_wake(Machine *machine, Task *task, TaskId waker, int waker_core)
{
    CHECKF(task->state == TASK_BLOCKED, "task %u", task->id.index1);
    bool delayed = task->fair.delayed;
    // A task that is only just leaving its core is woken there (Linux waits for on_cpu to clear).
    bool leaving = ID_EQUAL(machine->cores[task->core].current, task->id);
    int target = delayed || leaving ? task->core : placement_for_wakeup(machine, task, waker_core);
    machine_emit(machine, EVENT_WAKEUP, target, task->id, waker.index1, (uint64_t)waker_core + 1);
    if (!machine->single)
        pelt_update_task(task, machine->now, false, false);
    if (target != task->core)
        change_core(machine, task, target, MIGRATION_WAKEUP);
    RunQueue *queue = &machine->run_queues[target];
    track_queue(machine, queue);
    if (delayed) {
        // It never left the queue, so it is not placed anew: it is only runnable again.
        task->state = TASK_RUNNABLE;
        count_runnable(machine, queue, task);
        set_idle(machine, target, false);
        policy_of(machine, task)->undelay(machine, queue, task);
        machine_emit(machine, EVENT_ENQUEUED, target, task->id, (uint64_t)task->fair.vruntime,
                     (uint64_t)task->fair.deadline);
    } else {
        enqueue(machine, task, target, ENQUEUE_WAKEUP);
    }
    return notice(machine, task, target, waker_core);
}

void sched_move(Machine *machine, Task *task, int to, MigrationReason reason)
{
    RunQueue *from = &machine->run_queues[task->core];
    track_queue(machine, from);
    pelt_update_task(task, machine->now, false, true);
    policy_of(machine, task)->dequeue(machine, from, task, DEQUEUE_MOVED);
    discount_runnable(machine, from, task);
    if (from->asked && from->current != NULL)
        sched_resched(machine, from->core, SWITCH_PREEMPTED_WAKEUP);
    change_core(machine, task, to, reason);
    enqueue(machine, task, to, ENQUEUE_MOVED);
    notice(machine, task, to, to);
}

// ---- leaving the core

static void leave_queue(Machine *machine, Task *task, DequeueReason reason)
{
    RunQueue *queue = &machine->run_queues[task->core];
    bool running = queue->current == task;
    if (!machine->single) {
        track_queue(machine, queue);
        pelt_update_task(task, machine->now, running, true);
    }
    if (machine->fair_server)
        fair_server_update(machine, queue);
    policy_of(machine, task)->dequeue(machine, queue, task, reason);
    discount_runnable(machine, queue, task);
    if (running) {
        task->last_ran = machine->now;
        queue->current = NULL;
        queue->slice_end = INSTANT_NEVER;
    }
    if (machine->fair_server)
        fair_server_update(machine, queue);
}

bool sched_leave_class(Machine *machine, Task *task)
{
    RunQueue *queue = &machine->run_queues[task->core];
    bool running = queue->current == task;
    if (task->state != TASK_RUNNABLE && !task->fair.delayed)
        return false;
    if (machine->fair_server)
        fair_server_update(machine, queue);
    policy_of(machine, task)->dequeue(machine, queue, task, DEQUEUE_MOVED);
    if (task->state == TASK_RUNNABLE)
        discount_runnable(machine, queue, task);
    if (running) {
        queue->current = NULL;
        queue->slice_end = INSTANT_NEVER;
    }
    return running;
}

void sched_join_class(Machine *machine, Task *task, bool running, bool lowered)
{
    RunQueue *queue = &machine->run_queues[task->core];
    if (task->state != TASK_RUNNABLE)
        return;
    count_runnable(machine, queue, task);
    const SchedPolicy *policy = policy_of(machine, task);
    policy->enqueue(machine, queue, task, ENQUEUE_MOVED);
    if (running) {
        policy->take(machine, queue, task);
        queue->current = task;
        queue->exec_start = machine->now;
        if (lowered)
            sched_resched(machine, task->core, SWITCH_PREEMPTED_WAKEUP);
        machine_refresh(machine, task->core);
    } else {
        notice(machine, task, task->core, task->core);
    }
    if (machine->fair_server)
        fair_server_update(machine, queue);
}

void sched_block(Machine *machine, Task *task, SwitchReason reason)
{
    leave_queue(machine, task, DEQUEUE_BLOCK);
    task->state = TASK_BLOCKED;
    task->left = (Duration){0};
    task->out_reason = (uint8_t)reason;
    dispatch_now(machine, task->core);
}

void sched_exit(Machine *machine, Task *task)
{
    leave_queue(machine, task, DEQUEUE_EXIT);
    task->state = TASK_DEAD;
    task->left = (Duration){0};
    task->out_reason = SWITCH_EXITED;
    dispatch_now(machine, task->core);
}

// Cancelled timers are dropped when they come first: an earliest timer is always one that somebody
// waits for.
static void drop_cancelled_timers(Machine *machine, int core_number)
{
    TimerHeap *timers = &machine->cores[core_number].timers;
    const TimerEntry *first;
    while ((first = timer_heap_first(timers)) != NULL &&
           task_at(machine, first->task)->timer_sequence != first->sequence)
        timer_heap_pop(timers);
}

Duration sched_timer_slack(const Machine *machine, const Task *task)
{
    bool exact = task->sched_class != SCHED_CLASS_NORMAL;
    return exact ? (Duration){0} : machine_cost(machine, COST_TIMER_SLACK);
}

void sched_set_alarm(Machine *machine, Task *task, Instant when)
{
    if (++machine->timer_sequence == 0)
        machine->timer_sequence = 1; // 0 is "no timer"
    task->timer_sequence = machine->timer_sequence;
    task->slackless = task->sched_class != SCHED_CLASS_NORMAL;
    machine->slackless_timers = machine->slackless_timers || task->slackless;
    Instant latest = instant_add(when, sched_timer_slack(machine, task));
    TimerEntry entry = {latest.ns, task->timer_sequence, task->id};
    timer_heap_push(&machine->cores[task->core].timers, entry);
    machine_refresh(machine, task->core);
}

void sched_cancel_timer(Machine *machine, Task *task)
{
    if (task->timer_sequence == 0)
        return;
    task->timer_sequence = 0;
    machine->cancelled_timers = true;
    drop_cancelled_timers(machine, task->core);
    machine_refresh(machine, task->core);
}

void sched_kill(Machine *machine, Task *task)
{
    if (task->state == TASK_DEAD)
        return;
    Core *core = &machine->cores[task->core];
    bool on_core = ID_EQUAL(core->current, task->id);
    if (task->state == TASK_RUNNABLE) {
        leave_queue(machine, task, DEQUEUE_EXIT);
    } else if (task->fair.delayed) {
        policy_of(machine, task)
            ->dequeue(machine, &machine->run_queues[task->core], task, DEQUEUE_EXIT);
    }
    task->state = TASK_DEAD;
    sched_cancel_timer(machine, task);
    if (on_core) {
        task->left = (Duration){0};
        task->out_reason = SWITCH_EXITED;
        dispatch_now(machine, task->core);
    }
}

void sched_yield_to_others(Machine *machine, Task *task)
{
    RunQueue *queue = &machine->run_queues[task->core];
    policy_of(machine, task)->yield(machine, queue, task);
    Core *core = &machine->cores[task->core];
    core->resched_reason = SWITCH_YIELDED;
    dispatch_now(machine, task->core);
}

void sched_run(Machine *machine, Task *task, bool in_kernel, Duration length)
{
    Core *core = &machine->cores[task->core];
    if (!in_kernel) {
        length = duration_add(length, task->refill);
        task->refill = (Duration){0};
    }
    task->kernel_segment = in_kernel;
    task->left = length;
    core->in_kernel = in_kernel;
    core->segment_end = instant_add(after_interrupts(machine, core), length);
}

bool sched_cut_work(Machine *machine, Task *task, Duration delay)
{
    Core *core = &machine->cores[task->core];
    bool works = ID_EQUAL(core->current, task->id) && !core->switching &&
                 core->segment_end.ns != INSTANT_NEVER.ns;
    if (!works) {
        task->left = (Duration){0};
        return false;
    }
    Instant end = instant_add(after_interrupts(machine, core), delay);
    core->segment_end = instant_min(core->segment_end, end);
    machine_refresh(machine, task->core);
    return true;
}

bool sched_enters_user(Machine *machine, Task *task)
{
    Core *core = &machine->cores[task->core];
    core->in_kernel = false;
    if (!core->resched)
        return true;
    task->kernel_segment = false;
    task->left = (Duration){0};
    dispatch_now(machine, task->core);
    return false;
}

// ---- deciding

static void become_idle(Machine *machine, Core *core, RunQueue *queue)
{
    core->current = (TaskId){0};
    core->in_kernel = false;
    core->next_tick = INSTANT_NEVER;
    queue->idle_since = machine->now;
    set_idle(machine, queue->core, true);
    balance_note_going_idle(machine, queue);
}

// What of the working set has been driven out of the core's cache is loaded as the task goes on.
void sched_load_working_set(Machine *machine, Task *task)
{
    if (task->home1 == 0)
        task->home1 = (int8_t)(machine_node(machine, task->core) + 1);
    bool far = machine_node(machine, task->core) + 1 != (unsigned)task->home1;
    uint64_t missing = cache_use(&machine->caches[task->core], task->id, task->working_set);
    if (missing == 0)
        return;
    int64_t page = machine_cost(machine, far ? COST_CACHE_REFILL_FAR : COST_CACHE_REFILL).ns;
    Duration cost = {(int64_t)(missing / PAGE_BYTES) * page +
                     (int64_t)(missing % PAGE_BYTES) * page / PAGE_BYTES};
    task->refill = duration_add(task->refill, cost);
    machine_emit(machine, EVENT_CACHE_REFILL, task->core, task->id, missing, (uint64_t)cost.ns);
}

static void resume(Machine *machine, Core *core, Task *task)
{
    core->in_kernel = task->kernel_segment;
    if (task->left.ns > 0 && !task->kernel_segment) {
        task->left = duration_add(task->left, task->refill);
        task->refill = (Duration){0};
    }
    core->segment_end = instant_add(after_interrupts(machine, core), task->left);
    if (task->left.ns == 0)
        machine->advance(machine, task);
}

static void switch_in(Machine *machine, Core *core, RunQueue *queue, Task *task, bool from_task)
{
    Instant now = machine->now;
    if (!machine->single) {
        track_queue(machine, queue);
        pelt_update_task(task, now, false, true);
    }
    if (task->core != queue->core) // from the queue that all cores share
        change_core(machine, task, queue->core, MIGRATION_SHARED_QUEUE);
    queue->rotate = false;
    queue->slice_end = INSTANT_NEVER;
    policy_of(machine, task)->take(machine, queue, task);
    queue->current = task;
    task->recency = ++machine->recency;
    queue->exec_start = now;
    core->current = task->id;
    if (machine->uses_tick && core->next_tick.ns == INSTANT_NEVER.ns) {
        int64_t tick = machine->scenario->machine.tick_ns;
        core->next_tick = (Instant){(now.ns / tick + 1) * tick};
    }
    // Entering a task from idle is part of what woke the core: wake_idle, or the latency of a
    // timer's interrupt. Arrivals and pulls by the balancer are taken to find the core awake.
    Duration cost = {from_task ? machine_cost(machine, COST_CONTEXT_SWITCH).ns : 0};
    machine_emit(machine, EVENT_SWITCH_IN, queue->core, task->id, cost.ns > 0 || task->in_kernel,
                 (uint64_t)task->fair.vruntime);
    if (task->working_set > 0)
        sched_load_working_set(machine, task);
    if (cost.ns > 0) {
        core->switching = true;
        core->in_kernel = true;
        core->segment_end = instant_add(after_interrupts(machine, core), cost);
        // A slice is time to run: were the switch taken from it, a slice no longer than a switch
        // would never let anyone get ahead.
        if (queue->slice_end.ns != INSTANT_NEVER.ns) {
            queue->slice_end = instant_add(queue->slice_end, cost);
            queue->exec_start = instant_add(queue->exec_start, cost);
        }
    } else {
        resume(machine, core, task);
    }
}

// The first class that has a task to run, down to that of the task that could go on.
static TaskId pick(Machine *machine, RunQueue *queue)
{
    static const uint8_t usual[] = {SCHED_CLASS_DEADLINE, SCHED_CLASS_REALTIME, SCHED_CLASS_NORMAL};
    static const uint8_t served[] = {SCHED_CLASS_DEADLINE, SCHED_CLASS_NORMAL,
                                     SCHED_CLASS_REALTIME};
    const uint8_t *order = queue->server.running ? served : usual;
    TaskId next = {0};
    for (int i = 0; i < SCHED_CLASS_COUNT && next.index1 == 0; i++) {
        int c = order[i];
        if (queue->current != NULL &&
            precedence(queue, c) > precedence(queue, queue->current->sched_class))
            return queue->current->id;
        if (machine->policies[c] != NULL)
            next = machine->policies[c]->pick(machine, queue);
    }
    return next;
}

static Task *pick_next(Machine *machine, RunQueue *queue)
{
    TaskId next = pick(machine, queue);
    if (next.index1 == 0 && !machine->single && balance_new_idle(machine, queue))
        next = pick(machine, queue);
    return next.index1 == 0 ? NULL : task_at(machine, next);
}

// A policy may have had enough of the task that runs: then it sleeps, with its work half done.
static bool suspend_if_due(Machine *machine, Task *task)
{
    const SchedPolicy *policy = policy_of(machine, task);
    Instant until =
        policy->suspended_until == NULL ? INSTANT_NEVER : policy->suspended_until(machine, task);
    if (until.ns == INSTANT_NEVER.ns)
        return false;
    leave_queue(machine, task, DEQUEUE_BLOCK);
    task->state = TASK_BLOCKED;
    task->out_reason = SWITCH_THROTTLED;
    sched_set_alarm(machine, task, until);
    return true;
}

// A task that is back in the queue that all cores share may run where the one that took its core
// may not; or it woke up while it was leaving, when no other core could have it.
static void offer_to_idle_core(Machine *machine, Task *task)
{
    if (task->sched_class != SCHED_CLASS_NORMAL || task->state != TASK_RUNNABLE ||
        ID_EQUAL(machine->cores[task->core].current, task->id))
        return;
    int idle = placement_idle_core(machine, task, 0);
    if (idle == CORE_NONE)
        return;
    set_idle(machine, idle, false);
    notice(machine, task, idle, CORE_NONE);
}

void sched_on_dispatch(Machine *machine, int core_number)
{
    Core *core = &machine->cores[core_number];
    RunQueue *queue = &machine->run_queues[core_number];
    Task *previous = core->current.index1 == 0 ? NULL : task_at(machine, core->current);
    Task *still_runs = queue->current;
    core->dispatch_at = INSTANT_NEVER;
    core->switching = false;

    if (still_runs != NULL) {
        // Interrupts may have stretched the segment, but what is left of it is work.
        if (core->segment_end.ns != INSTANT_NEVER.ns)
            still_runs->left = instant_since(core->segment_end, machine->now);
        policy_of(machine, still_runs)->charge(machine, queue);
        if (machine->fair_server)
            fair_server_update(machine, queue);
        if (suspend_if_due(machine, still_runs))
            still_runs = NULL;
    }
    if (machine->urgent_classes && !machine->single)
        push_pull_before(machine, queue);
    Task *next = pick_next(machine, queue);
    core->resched = queue->asked = false;
    if (next != NULL && next == still_runs) {
        if (next->left.ns == 0)
            machine->advance(machine, next);
        return;
    }
    if (still_runs != NULL) {
        if (!machine->single) {
            track_queue(machine, queue);
            pelt_update_task(still_runs, machine->now, true, true);
        }
        still_runs->last_ran = machine->now;
        policy_of(machine, still_runs)->put_back(machine, queue, still_runs);
        still_runs->out_reason = core->resched_reason;
        queue->current = NULL;
    }
    if (previous != NULL) {
        machine_emit(machine, EVENT_SWITCH_OUT, core_number, previous->id, previous->out_reason,
                     previous->state == TASK_BLOCKED ? previous->waits_sync.index1 : 0);
    }
    if (next == NULL)
        become_idle(machine, core, queue);
    else
        switch_in(machine, core, queue, next, previous != NULL && previous != next);
    if (machine->fair_server)
        fair_server_update(machine, queue);
    if (machine->shared_queue && previous != NULL && previous != next)
        offer_to_idle_core(machine, previous);
    if (machine->urgent_classes && !machine->single)
        push_pull_after(machine, queue);
}

// ---- the other events

void sched_on_segment(Machine *machine, int core_number)
{
    Core *core = &machine->cores[core_number];
    Task *task = task_at(machine, core->current);
    if (core->switching) {
        core->switching = false;
        if (!task->in_kernel)
            machine_emit(machine, EVENT_KERNEL_EXIT, core_number, task->id, 0, 0);
        if (core->resched && !task->in_kernel) {
            core->in_kernel = false;
            core->segment_end = instant_add(after_interrupts(machine, core), task->left);
            core->dispatch_at = after_interrupts(machine, core);
        } else {
            resume(machine, core, task);
        }
    } else {
        task->left = (Duration){0};
        machine->advance(machine, task);
    }
}

void sched_on_slice(Machine *machine, int core_number)
{
    RunQueue *queue = &machine->run_queues[core_number];
    queue->slice_end = INSTANT_NEVER;
    if (queue->current != NULL) {
        policy_of(machine, queue->current)->slice_used(machine, queue);
        sched_resched(machine, core_number, SWITCH_PREEMPTED_SLICE);
    }
}

static Duration slack_of(const Machine *machine, TaskId task)
{
    bool exact = machine->slackless_timers && task_at(machine, task)->slackless;
    return exact ? (Duration){0} : machine_cost(machine, COST_TIMER_SLACK);
}

static void run_timers(Machine *machine, int core_number)
{
    Core *core = &machine->cores[core_number];
    const TimerEntry *first;
    // Entries are ordered by latest expiry; whatever may expire already, does, so that timers
    // share interrupts (Linux __hrtimer_run_queues).
    while ((first = timer_heap_first(&core->timers)) != NULL &&
           first->time_ns - slack_of(machine, first->task).ns <= machine->now.ns) {
        TimerEntry entry = timer_heap_pop(&core->timers);
        Task *task = task_at(machine, entry.task);
        task->timer_sequence = 0;
        if (machine->cancelled_timers)
            drop_cancelled_timers(machine, core_number);
        wait_list_leave(machine, task);
        sched_wake(machine, task, (TaskId){0}, core_number);
    }
}

static void take_interrupt(Machine *machine, int core_number, IrqId irq, Duration cost)
{
    Core *core = &machine->cores[core_number];
    if (cost.ns == 0)
        return;
    machine_emit(machine, EVENT_IRQ, core_number, core->current, irq, (uint64_t)cost.ns);
    core_interrupt(core, machine->now, cost);
    if (core->dispatch_at.ns != INSTANT_NEVER.ns && core->dispatch_at.ns < core->irq_until.ns)
        core->dispatch_at = core->irq_until;
}

static void interrupt(Machine *machine, int core_number, IrqId irq, CostId cost_id)
{
    take_interrupt(machine, core_number, irq, machine_cost(machine, cost_id));
}

void sched_on_device(Machine *machine, int core_number)
{
    const MachineDef *def = &machine->scenario->machine;
    take_interrupt(machine, core_number, IRQ_DEVICE, (Duration){def->device_irq_ns});
    take_interrupt(machine, core_number, IRQ_SOFTIRQ, (Duration){def->device_softirq_ns});
    machine_refresh(machine, core_number);
}

static bool charge_tick(Machine *machine, RunQueue *queue)
{
    const SchedPolicy *policy = policy_of(machine, queue->current);
    return policy->tick != NULL ? policy->tick(machine, queue) : policy->charge(machine, queue);
}

// An instant that a policy or the fair server waits for has come.
static void call_due(Machine *machine, RunQueue *queue)
{
    interrupt(machine, queue->core, IRQ_TIMER, COST_TIMER_IRQ);
    for (int c = 0; c < SCHED_CLASS_COUNT; c++)
        if (queue->due[c].ns <= machine->now.ns)
            machine->policies[c]->due(machine, queue);
    if (queue->server.due.ns <= machine->now.ns)
        fair_server_update(machine, queue);
}

void sched_on_tick(Machine *machine, int core_number)
{
    Core *core = &machine->cores[core_number];
    RunQueue *queue = &machine->run_queues[core_number];
    if (queue->due_first.ns <= machine->now.ns)
        call_due(machine, queue);
    if (core->next_tick.ns > machine->now.ns)
        return;
    core->next_tick = instant_add(core->next_tick, (Duration){machine->scenario->machine.tick_ns});
    interrupt(machine, core_number, IRQ_TICK, COST_TICK);
    run_timers(machine, core_number);
    if (queue->current != NULL && charge_tick(machine, queue))
        sched_resched(machine, core_number, SWITCH_PREEMPTED_TICK);
    if (machine->fair_server)
        fair_server_update(machine, queue);
    if (!machine->single)
        balance_tick(machine, queue);
}

void sched_on_timer(Machine *machine, int core_number)
{
    interrupt(machine, core_number, IRQ_TIMER, COST_TIMER_IRQ);
    run_timers(machine, core_number);
}

void sched_interrupt(Machine *machine, Task *task, int from_core)
{
    if (task->in_kernel)
        return; // it looks about it on its way back
    Core *core = &machine->cores[task->core];
    if (!ID_EQUAL(core->current, task->id) || core->switching) {
        task->unfinished = duration_add(task->unfinished, task->left);
        task->left = (Duration){0};
        return;
    }
    if (core->segment_end.ns == INSTANT_NEVER.ns)
        return;
    if (from_core != task->core)
        interrupt(machine, task->core, IRQ_RESCHEDULE, COST_IPI);
    Instant from = after_interrupts(machine, core);
    if (instant_before(from, core->segment_end)) {
        Duration rest = instant_since(core->segment_end, from);
        task->unfinished = duration_add(task->unfinished, rest);
        core->segment_end = from;
    }
    machine_refresh(machine, task->core);
}
