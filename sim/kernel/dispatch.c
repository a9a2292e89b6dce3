#include "sim/kernel/dispatch.h"

#include "sim/kernel/balance.h"
#include "sim/kernel/fair_server.h"
#include "sim/kernel/pelt.h"
#include "sim/kernel/placement.h"
#include "sim/kernel/process_data.h"
#include "sim/kernel/push_pull.h"
#include "sim/kernel/runnable.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/warmth.h"

// ---- deciding

static void become_idle(Machine *machine, Core *core, RunQueue *queue)
{
    core->current = (TaskId){0};
    core->in_kernel = false;
    core->next_tick = INSTANT_NEVER;
    queue->idle_since = machine->now;
    runnable_set_idle(machine, queue->core, true);
    balance_note_going_idle(machine, queue);
}

static void resume(Machine *machine, Core *core, Task *task)
{
    core->in_kernel = task->kernel_segment;
    if (task->left.ns > 0 && !task->kernel_segment) {
        task->left = duration_add(task->left, task->refill);
        task->refill = (Duration){0};
    }
    Duration length = task->kernel_segment ? task->left : warmth_begin(machine, task, task->left);
    core->segment_end = instant_add(core_free_at(core, machine->now), length);
    if (task->left.ns == 0)
        machine->advance(machine, task);
}

static void switch_in(Machine *machine, Core *core, RunQueue *queue, Task *task, bool from_task)
{
    Instant now = machine->now;
    if (!machine->single) {
        runnable_track(machine, queue);
        pelt_update_task(task, now, false, true);
    }
    if (task->core != queue->core) { // only cores that share something take each other's tasks
        bool one_queue = machine->scenario->machine.global_queue;
        runnable_change_core(machine, task, queue->core,
                             one_queue ? MIGRATION_SHARED_QUEUE : MIGRATION_PEEK);
    }
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
        core->segment_end = instant_add(core_free_at(core, machine->now), cost);
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
            sched_precedence(queue, c) > sched_precedence(queue, queue->current->sched_class))
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
    runnable_leave(machine, task, DEQUEUE_BLOCK);
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
    runnable_set_idle(machine, idle, false);
    sched_notice(machine, task, idle, CORE_NONE);
}

// Whether the core switches to `next` from another task, not from idle. With one queue for all
// cores it may have been idle between the two for no time at all, until `next` was to be had.
static bool comes_from_task(const Machine *machine, const RunQueue *queue, const Task *previous,
                            const Task *next)
{
    if (previous != NULL)
        return previous != next;
    return machine->shared_queue && queue->left_by.index1 != 0 &&
           queue->left_at.ns == machine->now.ns && !ID_EQUAL(queue->left_by, next->id);
}

void dispatch_decide(Machine *machine, int core_number)
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
            still_runs->left =
                warmth_end(machine, still_runs, instant_since(core->segment_end, machine->now));
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
        else if (machine->warmths != NULL)
            resume(machine, core, next);
        return;
    }
    if (still_runs != NULL) {
        if (!machine->single) {
            runnable_track(machine, queue);
            pelt_update_task(still_runs, machine->now, true, true);
        }
        still_runs->last_ran = machine->now;
        policy_of(machine, still_runs)->put_back(machine, queue, still_runs);
        still_runs->out_reason = core->resched_reason;
        queue->current = NULL;
    }
    if (previous != NULL) {
        if (core->spinning) // nothing of a busy wait is left to do: it looks when it is back
            previous->left = (Duration){0};
        machine_emit(machine, EVENT_SWITCH_OUT, core_number, previous->id, previous->out_reason,
                     previous->state == TASK_BLOCKED &&
                             !sync_is_runtime(machine, previous->waits_sync)
                         ? previous->waits_sync.index1
                         : 0);
        queue->left_by = previous->id;
        queue->left_at = machine->now;
    }
    core->spinning = false;
    if (next == NULL)
        become_idle(machine, core, queue);
    else
        switch_in(machine, core, queue, next, comes_from_task(machine, queue, previous, next));
    if (machine->fair_server)
        fair_server_update(machine, queue);
    if (machine->shared_queue && previous != NULL && previous != next)
        offer_to_idle_core(machine, previous);
    if (machine->urgent_classes && !machine->single)
        push_pull_after(machine, queue);
}

// ---- the other events

void dispatch_on_segment(Machine *machine, int core_number)
{
    Core *core = &machine->cores[core_number];
    Task *task = task_at(machine, core->current);
    if (core->switching) {
        core->switching = false;
        if (!task->in_kernel)
            machine_emit(machine, EVENT_KERNEL_EXIT, core_number, task->id, 0, 0);
        if (core->resched && !task->in_kernel) {
            core->in_kernel = false;
            core->segment_end = instant_add(core_free_at(core, machine->now), task->left);
            core->dispatch_at = core_free_at(core, machine->now);
        } else {
            resume(machine, core, task);
        }
    } else {
        task->left = warmth_end(machine, task, (Duration){0});
        if (task->left.ns > 0)
            resume(machine, core, task); // at another rate
        else
            machine->advance(machine, task);
    }
}

void dispatch_on_slice(Machine *machine, int core_number)
{
    RunQueue *queue = &machine->run_queues[core_number];
    queue->slice_end = INSTANT_NEVER;
    if (queue->current != NULL) {
        policy_of(machine, queue->current)->slice_used(machine, queue);
        sched_resched(machine, core_number, SWITCH_PREEMPTED_SLICE);
    }
}

static void interrupt(Machine *machine, int core_number, IrqId irq, CostId cost_id)
{
    sched_take_interrupt(machine, core_number, irq, machine_cost(machine, cost_id));
}

void dispatch_on_device(Machine *machine, int core_number)
{
    const MachineDef *def = &machine->scenario->machine;
    sched_take_interrupt(machine, core_number, IRQ_DEVICE, (Duration){def->device_irq_ns});
    sched_take_interrupt(machine, core_number, IRQ_SOFTIRQ, (Duration){def->device_softirq_ns});
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

void dispatch_on_tick(Machine *machine, int core_number)
{
    Core *core = &machine->cores[core_number];
    RunQueue *queue = &machine->run_queues[core_number];
    if (queue->due_first.ns <= machine->now.ns)
        call_due(machine, queue);
    if (core->next_tick.ns > machine->now.ns)
        return;
    core->next_tick = instant_add(core->next_tick, (Duration){machine->scenario->machine.tick_ns});
    interrupt(machine, core_number, IRQ_TICK, COST_TICK);
    sched_expire_timers(machine, core_number);
    if (queue->current != NULL && charge_tick(machine, queue))
        sched_resched(machine, core_number, SWITCH_PREEMPTED_TICK);
    if (machine->fair_server)
        fair_server_update(machine, queue);
    if (!machine->single)
        balance_tick(machine, queue);
}

void dispatch_on_timer(Machine *machine, int core_number)
{
    interrupt(machine, core_number, IRQ_TIMER, COST_TIMER_IRQ);
    sched_expire_timers(machine, core_number);
}
