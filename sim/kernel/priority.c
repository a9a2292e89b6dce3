#include "sim/kernel/priority.h"

#include "sim/kernel/process_data.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/wait_list.h"

static const ThreadDef *def_of(const Machine *machine, const Task *task)
{
    return &machine->scenario->threads[task->scheduled_as.index1 - 1];
}

static Priority own_priority(const Task *task, const ThreadDef *def)
{
    switch (def->policy) {
    case POLICY_DEADLINE:
        return (Priority){SCHED_CLASS_DEADLINE, 0,
                          task->boosted ? task->edf.own_deadline_ns : task->edf.deadline_ns};
    case POLICY_FIFO:
    case POLICY_RR:
        return (Priority){SCHED_CLASS_REALTIME, def->priority, 0};
    default:
        return (Priority){SCHED_CLASS_NORMAL, 0, 0};
    }
}

static Priority current_priority(const Task *task)
{
    return (Priority){task->sched_class, task->realtime.priority, task->edf.deadline_ns};
}

static bool higher(Priority a, Priority b)
{
    if (a.sched_class != b.sched_class)
        return a.sched_class < b.sched_class;
    if (a.sched_class == SCHED_CLASS_REALTIME)
        return a.realtime > b.realtime;
    return a.sched_class == SCHED_CLASS_DEADLINE && a.deadline_ns < b.deadline_ns;
}

static void assign(Task *task, Priority priority, bool lent)
{
    if (lent && !task->boosted)
        task->edf.own_deadline_ns = task->edf.deadline_ns;
    task->sched_class = (uint8_t)priority.sched_class;
    task->realtime.priority = priority.realtime;
    if (priority.sched_class == SCHED_CLASS_DEADLINE)
        task->edf.deadline_ns = priority.deadline_ns;
    task->edf.inherited = lent && priority.sched_class == SCHED_CLASS_DEADLINE;
    task->boosted = lent;
}

void priority_begin(Task *task, const ThreadDef *def)
{
    // SCHED_IDLE: lighter than the lightest nice level.
    enum { WEIGHT_IDLE = 3 };
    task->fair.weight = def->policy == POLICY_IDLE ? WEIGHT_IDLE : nice_weight(def->nice);
    task->realtime.turns = def->policy == POLICY_RR;
    assign(task, own_priority(task, def), false);
}

void priority_set(Machine *machine, Task *task, Priority priority, bool lent)
{
    bool lowered = higher(current_priority(task), priority);
    bool running = sched_leave_class(machine, task);
    assign(task, priority, lent);
    sched_join_class(machine, task, running, lowered);
}

// ---- locks of kind pi

static bool is_pi(const Machine *machine, SyncId id)
{
    return id.index1 != 0 && !sync_is_runtime(machine, id) &&
           machine->scenario->syncs[id.index1 - 1].kind == SYNC_PI;
}

static void lend(Machine *machine, Task *to, const Task *from)
{
    machine_emit(machine, EVENT_PRIORITY_LENT, CORE_NONE, to->id, from->id.index1,
                 from->sched_class == SCHED_CLASS_REALTIME ? from->realtime.priority : 0);
    priority_set(machine, to, current_priority(from), true);
}

void priority_wait(Machine *machine, Task *task)
{
    // A circle of waits ends where nobody gains any more.
    const Task *waiter = task;
    while (waiter->state == TASK_BLOCKED && is_pi(machine, waiter->waits_sync)) {
        TaskId owner = sync_of(machine, waiter, waiter->waits_sync)->owner;
        Task *holder = owner.index1 == 0 ? NULL : task_at(machine, owner);
        if (holder == NULL || holder->state == TASK_DEAD ||
            !higher(current_priority(waiter), current_priority(holder)))
            return;
        lend(machine, holder, waiter);
        waiter = holder;
    }
}

static Task *first_waiter(const Machine *machine, const WaitList *list)
{
    Task *first = NULL;
    for (TaskId id = list->first; id.index1 != 0; id = task_at(machine, id)->next_waiter) {
        Task *task = task_at(machine, id);
        if (task->state != TASK_DEAD &&
            (first == NULL || higher(current_priority(task), current_priority(first))))
            first = task;
    }
    return first;
}

void priority_release(Machine *machine, Task *task)
{
    if (!task->boosted)
        return;
    Priority priority = own_priority(task, def_of(machine, task));
    bool lent = false;
    const ProcessDef *family = process_family(machine, process_of(machine, task));
    for (uint32_t i = 1; i <= family->sync_count; i++) {
        SyncId id = {family->sync_first + i};
        const Sync *sync = sync_of(machine, task, id);
        if (!is_pi(machine, id) || !ID_EQUAL(sync->owner, task->id))
            continue;
        const Task *waiter = first_waiter(machine, &sync->waiters);
        if (waiter != NULL && higher(current_priority(waiter), priority)) {
            priority = current_priority(waiter);
            lent = true;
        }
    }
    if (!higher(current_priority(task), priority))
        return;
    machine_emit(machine, EVENT_PRIORITY_BACK, CORE_NONE, task->id, 0, 0);
    priority_set(machine, task, priority, lent);
}

void priority_give_up(Machine *machine, const Task *task)
{
    while (is_pi(machine, task->waits_sync)) {
        TaskId owner = sync_of(machine, task, task->waits_sync)->owner;
        Task *holder = owner.index1 == 0 ? NULL : task_at(machine, owner);
        if (holder == NULL || holder->state == TASK_DEAD || !holder->boosted)
            return;
        Priority before = current_priority(holder);
        priority_release(machine, holder);
        if (!higher(before, current_priority(holder)) || holder->state != TASK_BLOCKED)
            return;
        task = holder; // what it lends is less now
    }
}

Task *priority_take_waiter(Machine *machine, WaitList *list)
{
    Task *task = first_waiter(machine, list);
    if (task != NULL) {
        wait_list_leave(machine, task);
        sched_cancel_timer(machine, task);
    }
    return task;
}
