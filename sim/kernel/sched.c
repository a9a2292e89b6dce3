#include "sim/kernel/sched.h"

#include "sim/base/check.h"
#include "sim/kernel/balance.h"
#include "sim/kernel/fair_server.h"
#include "sim/kernel/pelt.h"
#include "sim/kernel/placement.h"
#include "sim/kernel/priority.h"
#include "sim/kernel/runnable.h"
#include "sim/kernel/wait_list.h"
#include "sim/kernel/warmth.h"

// ---- asking for a decision

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
        core->dispatch_at = core_free_at(core, machine->now);
    machine_refresh(machine, core_number);
}

// The task on the core is done with its segment and waits for the decision.
static void dispatch_now(Machine *machine, int core_number)
{
    Core *core = &machine->cores[core_number];
    core->segment_end = INSTANT_NEVER;
    core->spinning = false;
    core->resched = true;
    core->dispatch_at = core_free_at(core, machine->now);
    machine_refresh(machine, core_number);
}

int sched_precedence(const RunQueue *queue, int sched_class)
{
    bool served = sched_class == SCHED_CLASS_NORMAL && queue->server.running;
    return served ? 2 * SCHED_CLASS_REALTIME - 1 : 2 * sched_class;
}

static bool preempts(Machine *machine, RunQueue *queue, Task *woken)
{
    if (woken->sched_class != queue->current->sched_class)
        return sched_precedence(queue, woken->sched_class) <
               sched_precedence(queue, queue->current->sched_class);
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

Duration sched_notice(Machine *machine, Task *task, int core_number, int from_core)
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
            core->dispatch_at = core_free_at(core, machine->now);
        } else {
            Instant ready = instant_add(machine->now, machine_cost(machine, COST_WAKE_IDLE));
            Instant free = core_free_at(core, machine->now);
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
        runnable_track(machine, queue);
        pelt_init_task(task, queue, machine->now);
        pelt_attach(queue, task);
    }
    runnable_join(machine, task, core, ENQUEUE_NEW);
    return sched_notice(machine, task, core, from_core);
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
        runnable_change_core(machine, task, target, MIGRATION_WAKEUP);
    RunQueue *queue = &machine->run_queues[target];
    runnable_track(machine, queue);
    if (delayed) {
        // It never left the queue, so it is not placed anew: it is only runnable again.
        task->state = TASK_RUNNABLE;
        runnable_count(machine, queue, task);
        runnable_set_idle(machine, target, false);
        policy_of(machine, task)->undelay(machine, queue, task);
        machine_emit(machine, EVENT_ENQUEUED, target, task->id, (uint64_t)task->fair.vruntime,
                     (uint64_t)task->fair.deadline);
    } else {
        runnable_join(machine, task, target, ENQUEUE_WAKEUP);
    }
    return sched_notice(machine, task, target, waker_core);
}

void sched_move(Machine *machine, Task *task, int to, MigrationReason reason)
{
    RunQueue *from = &machine->run_queues[task->core];
    runnable_track(machine, from);
    pelt_update_task(task, machine->now, false, true);
    policy_of(machine, task)->dequeue(machine, from, task, DEQUEUE_MOVED);
    runnable_discount(machine, from, task);
    if (from->asked && from->current != NULL)
        sched_resched(machine, from->core, SWITCH_PREEMPTED_WAKEUP);
    runnable_change_core(machine, task, to, reason);
    runnable_join(machine, task, to, ENQUEUE_MOVED);
    sched_notice(machine, task, to, to);
}

// ---- leaving the core

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
        runnable_discount(machine, queue, task);
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
    runnable_count(machine, queue, task);
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
        sched_notice(machine, task, task->core, task->core);
    }
    if (machine->fair_server)
        fair_server_update(machine, queue);
}

void sched_block(Machine *machine, Task *task, SwitchReason reason)
{
    runnable_leave(machine, task, DEQUEUE_BLOCK);
    task->state = TASK_BLOCKED;
    task->left = (Duration){0};
    task->out_reason = (uint8_t)reason;
    dispatch_now(machine, task->core);
}

void sched_exit(Machine *machine, Task *task)
{
    runnable_leave(machine, task, DEQUEUE_EXIT);
    task->state = TASK_DEAD;
    task->left = (Duration){0};
    task->out_reason = SWITCH_EXITED;
    dispatch_now(machine, task->core);
}

void sched_kill(Machine *machine, Task *task)
{
    if (task->state == TASK_DEAD)
        return;
    Core *core = &machine->cores[task->core];
    bool on_core = ID_EQUAL(core->current, task->id);
    if (task->state == TASK_RUNNABLE) {
        runnable_leave(machine, task, DEQUEUE_EXIT);
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

void sched_linger(Machine *machine, const Task *task, Duration length)
{
    Core *core = &machine->cores[task->core];
    CHECKF(task->state == TASK_DEAD && ID_EQUAL(core->current, task->id), "task %u",
           task->id.index1);
    core->in_kernel = true;
    core->dispatch_at = instant_add(core->dispatch_at, length);
    machine_refresh(machine, task->core);
}

void sched_yield_to_others(Machine *machine, Task *task)
{
    RunQueue *queue = &machine->run_queues[task->core];
    policy_of(machine, task)->yield(machine, queue, task);
    Core *core = &machine->cores[task->core];
    core->resched_reason = SWITCH_YIELDED;
    dispatch_now(machine, task->core);
}

// ---- timers

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
    task->expired = false;
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

static Duration slack_of(const Machine *machine, TaskId task)
{
    bool exact = machine->slackless_timers && task_at(machine, task)->slackless;
    return exact ? (Duration){0} : machine_cost(machine, COST_TIMER_SLACK);
}

void sched_expire_timers(Machine *machine, int core_number)
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
        task->expired = true;
        if (machine->cancelled_timers)
            drop_cancelled_timers(machine, core_number);
        wait_list_leave(machine, task);
        if (task->waits_sync.index1 != 0)
            priority_give_up(machine, task);
        sched_wake(machine, task, (TaskId){0}, core_number);
    }
}

// ---- work on a core

// What of the working set has been driven out of the core's cache is loaded as the task goes on.
void sched_load_working_set(Machine *machine, Task *task)
{
    if (machine->warmths != NULL)
        return; // instead of that it begins cold
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
    core->spinning = false;
    if (!in_kernel)
        length = warmth_begin(machine, task, length);
    core->segment_end = instant_add(core_free_at(core, machine->now), length);
}

void sched_spin(Machine *machine, Task *task)
{
    // Longer than any run, so that no event is due for it.
    sched_run(machine, task, false, (Duration){4 * DURATION_MAX_NS});
    machine->cores[task->core].spinning = true;
}

bool sched_stop_spinning(Machine *machine, Task *task, Duration delay)
{
    Core *core = &machine->cores[task->core];
    if (!ID_EQUAL(core->current, task->id) || !core->spinning)
        return false;
    Instant end = instant_add(core_free_at(core, machine->now), delay);
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

void sched_take_interrupt(Machine *machine, int core_number, IrqId irq, Duration cost)
{
    Core *core = &machine->cores[core_number];
    if (cost.ns == 0)
        return;
    machine_emit(machine, EVENT_IRQ, core_number, core->current, irq, (uint64_t)cost.ns);
    core_interrupt(core, machine->now, cost);
    if (core->dispatch_at.ns != INSTANT_NEVER.ns && core->dispatch_at.ns < core->irq_until.ns)
        core->dispatch_at = core->irq_until;
}

// Whether `task` executes in user mode at the moment. If not, but it has a segment to go on with
// when it has a core again, that is cut off.
static bool is_at_work(const Machine *machine, Task *task)
{
    const Core *core = &machine->cores[task->core];
    if (task->in_kernel)
        return false; // it looks about it on its way back
    if (ID_EQUAL(core->current, task->id) && !core->switching)
        return core->segment_end.ns != INSTANT_NEVER.ns;
    task->unfinished = duration_add(task->unfinished, task->left);
    task->left = (Duration){0};
    return false;
}

// Its segment in user mode ends at `from`, if it has not come to its end by then.
static void cut_short(Machine *machine, Task *task, Instant from)
{
    Core *core = &machine->cores[task->core];
    if (instant_before(from, core->segment_end)) {
        Duration rest = {0};
        if (!core->spinning)
            rest = warmth_end(machine, task, instant_since(core->segment_end, from));
        task->unfinished = duration_add(task->unfinished, rest);
        core->segment_end = from;
    }
    machine_refresh(machine, task->core);
}

void sched_interrupt(Machine *machine, Task *task, int from_core)
{
    if (!task_minds_signals(task) || !is_at_work(machine, task))
        return;
    if (from_core != task->core)
        sched_take_interrupt(machine, task->core, IRQ_RESCHEDULE, machine_cost(machine, COST_IPI));
    cut_short(machine, task, core_free_at(&machine->cores[task->core], machine->now));
}

void sched_stop_within(Machine *machine, Task *task, Duration delay)
{
    if (!is_at_work(machine, task))
        return;
    Instant free = core_free_at(&machine->cores[task->core], machine->now);
    cut_short(machine, task, instant_add(free, delay));
}
