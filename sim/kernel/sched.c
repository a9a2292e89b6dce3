#include "sim/kernel/sched.h"

#include "sim/base/check.h"
#include "sim/kernel/balance.h"
#include "sim/kernel/pelt.h"
#include "sim/kernel/placement.h"
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

static bool preempts(Machine *machine, RunQueue *queue, Task *woken)
{
    if (woken->sched_class != queue->current->sched_class)
        return woken->sched_class < queue->current->sched_class;
    const SchedPolicy *policy = policy_of(machine, woken);
    return policy->preemptive && policy->preempts(machine, queue, woken);
}

// `task` has just become runnable on `core_number`: preempt, wake the idle core, or let it wait.
// Returns what sending an interrupt costs the waker on `from_core`.
static Duration notice(Machine *machine, Task *task, int core_number, int from_core)
{
    Core *core = &machine->cores[core_number];
    RunQueue *queue = &machine->run_queues[core_number];
    Duration cost = {0};
    if (queue->current != NULL) {
        if (!core->resched && preempts(machine, queue, task))
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
    policy_of(machine, task)->dequeue(machine, queue, task, reason);
    discount_runnable(machine, queue, task);
    if (running) {
        task->last_ran = machine->now;
        queue->current = NULL;
        queue->slice_end = INSTANT_NEVER;
    }
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

static void resume(Machine *machine, Core *core, Task *task)
{
    core->in_kernel = task->kernel_segment;
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
    // From idle, the wake-up latency has already paid for entering the task.
    Duration cost = {from_task ? machine_cost(machine, COST_CONTEXT_SWITCH).ns : 0};
    machine_emit(machine, EVENT_SWITCH_IN, queue->core, task->id, cost.ns > 0 || task->in_kernel,
                 (uint64_t)task->fair.vruntime);
    if (cost.ns > 0) {
        core->switching = true;
        core->in_kernel = true;
        core->segment_end = instant_add(after_interrupts(machine, core), cost);
    } else {
        resume(machine, core, task);
    }
}

// The first class that has a task to run, down to that of the task that could go on.
static TaskId pick(Machine *machine, RunQueue *queue)
{
    TaskId next = {0};
    for (int c = 0; c < SCHED_CLASS_COUNT && next.index1 == 0; c++) {
        if (queue->current != NULL && c > queue->current->sched_class)
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
    }
    Task *next = pick_next(machine, queue);
    core->resched = false;
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

static void run_timers(Machine *machine, int core_number)
{
    Core *core = &machine->cores[core_number];
    int64_t slack = machine_cost(machine, COST_TIMER_SLACK).ns;
    const TimerEntry *first;
    // Entries are ordered by latest expiry; whatever may expire already, does, so that timers
    // share interrupts (Linux __hrtimer_run_queues).
    while ((first = timer_heap_first(&core->timers)) != NULL &&
           first->time_ns - slack <= machine->now.ns) {
        TimerEntry entry = timer_heap_pop(&core->timers);
        Task *task = task_at(machine, entry.task);
        task->timer_sequence = 0;
        if (machine->cancelled_timers)
            drop_cancelled_timers(machine, core_number);
        wait_list_leave(machine, task);
        sched_wake(machine, task, (TaskId){0}, core_number);
    }
}

static void interrupt(Machine *machine, int core_number, IrqId irq, CostId cost_id)
{
    Core *core = &machine->cores[core_number];
    Duration cost = machine_cost(machine, cost_id);
    if (cost.ns == 0)
        return;
    machine_emit(machine, EVENT_IRQ, core_number, core->current, irq, (uint64_t)cost.ns);
    core_interrupt(core, machine->now, cost);
    if (core->dispatch_at.ns != INSTANT_NEVER.ns && core->dispatch_at.ns < core->irq_until.ns)
        core->dispatch_at = core->irq_until;
}

void sched_on_tick(Machine *machine, int core_number)
{
    Core *core = &machine->cores[core_number];
    RunQueue *queue = &machine->run_queues[core_number];
    core->next_tick = instant_add(core->next_tick, (Duration){machine->scenario->machine.tick_ns});
    interrupt(machine, core_number, IRQ_TICK, COST_TICK);
    run_timers(machine, core_number);
    if (queue->current != NULL && policy_of(machine, queue->current)->charge(machine, queue))
        sched_resched(machine, core_number, SWITCH_PREEMPTED_TICK);
    if (!machine->single)
        balance_tick(machine, queue);
}

void sched_on_timer(Machine *machine, int core_number)
{
    interrupt(machine, core_number, IRQ_TIMER, COST_TIMER_IRQ);
    run_timers(machine, core_number);
}
