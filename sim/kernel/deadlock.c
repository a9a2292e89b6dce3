#include "sim/kernel/deadlock.h"

#include "sim/base/check.h"
#include "sim/kernel/process_data.h"

enum { REPORTED_MAX = 64 }; // blocked tasks named when there is no circle

// It cannot go on by itself: it sleeps without a timer, or spins for a lock.
static bool is_stuck(const Task *task)
{
    return (task->state == TASK_BLOCKED && task->timer_sequence == 0) ||
           (task->spins && task->state != TASK_DEAD);
}

// One that `task` waits for and that is not dead: the lock's owner, or a member of the group that
// it joins. NULL when there is none, or the task is not stuck. Nobody has a semaphore, a
// condition or a queue: whoever comes may free those who wait for one.
static Task *waits_for(const Machine *machine, const Task *task)
{
    if (!is_stuck(task))
        return NULL;
    if (task->waits_sync.index1 != 0) {
        TaskId owner = sync_of(machine, task, task->waits_sync)->owner;
        if (owner.index1 == 0 || task_at(machine, owner)->state == TASK_DEAD)
            return NULL;
        return task_at(machine, owner);
    }
    for (uint32_t i = 1; task->waits_join.index1 != 0 && i <= machine->task_count; i++) {
        Task *other = task_at(machine, (TaskId){i});
        if (ID_EQUAL(other->def, task->waits_join) && ID_EQUAL(other->process, task->process) &&
            is_stuck(other))
            return other;
    }
    return NULL;
}

static void report(Machine *machine, Task *task, const Task *holder)
{
    task->deadlocked = true;
    machine_emit(machine, EVENT_DEADLOCK, CORE_NONE, task->id, task->waits_sync.index1,
                 holder == NULL ? 0 : holder->id.index1);
}

// By which op a member waits; behind the records of all members.
static void report_place(Machine *machine, const Task *task)
{
    machine_emit(machine, EVENT_DEADLOCK_PLACE, CORE_NONE, task->id, task->op, 0);
}

static void report_circle(Machine *machine, Task *first)
{
    Task *task = first;
    do {
        Task *next = waits_for(machine, task);
        report(machine, task, next);
        task = next;
    } while (task != first);
    do {
        report_place(machine, task);
        task = waits_for(machine, task);
    } while (task != first);
}

// A circle of spinners never sleeps, so that its machine is never without events: the run is over
// when nobody else is left.
static bool everyone_is_deadlocked(const Machine *machine)
{
    for (uint32_t i = 1; i <= machine->task_count; i++) {
        const Task *task = task_at(machine, (TaskId){i});
        if (task->state != TASK_DEAD && !task->deadlocked)
            return false;
    }
    return machine->arrival_next == machine->arrival_count;
}

// A thread that waits for nothing of this may still release the lock that `task` waits for.
static bool may_be_handed(const Machine *machine, const Task *task)
{
    return !sync_is_runtime(machine, task->waits_sync) &&
           machine->scenario->syncs[task->waits_sync.index1 - 1].handed;
}

void deadlock_check(Machine *machine, Task *task)
{
    Task *at = task;
    for (uint32_t steps = 0; steps < machine->task_count; steps++) {
        if (at->waits_sync.index1 == 0 || may_be_handed(machine, at))
            return; // joins and such locks are left to the end
        at = waits_for(machine, at);
        if (at == NULL || at->deadlocked)
            return;
        if (at == task) {
            report_circle(machine, task);
            if (task->spins && everyone_is_deadlocked(machine)) {
                machine->ended = true;
                machine->end = END_DEADLOCK;
            }
            return;
        }
    }
}

// A task on a circle that can be reached from `task`, or NULL. Brent: the marker jumps ahead at
// powers of two, so a circle is noticed within twice its length.
static Task *find_circle(const Machine *machine, Task *task)
{
    Task *marker = task, *at = task;
    for (uint64_t steps = 1, power = 1; (at = waits_for(machine, at)) != NULL; steps++) {
        if (at == marker)
            return at;
        if (steps == power) {
            marker = at;
            power *= 2;
        }
    }
    return NULL;
}

// No circle: they wait for a lock whose holder ended with it, or for a semaphore, a condition, an
// event, a barrier or a queue that nobody is left to do something to.
static void report_stuck(Machine *machine)
{
    uint32_t looked = 0;
    for (uint32_t i = 1; i <= machine->task_count && looked < REPORTED_MAX; i++) {
        Task *task = task_at(machine, (TaskId){i});
        if (!is_stuck(task))
            continue;
        TaskId owner = {0};
        if (task->waits_sync.index1 != 0)
            owner = sync_of(machine, task, task->waits_sync)->owner;
        report(machine, task, owner.index1 != 0 ? task_at(machine, owner) : NULL);
        report_place(machine, task);
        looked++;
    }
}

void deadlock_at_end(Machine *machine)
{
    bool found = false;
    uint32_t looked = 0;
    for (uint32_t i = 1; i <= machine->task_count; i++) {
        Task *task = task_at(machine, (TaskId){i});
        // It may starve behind a spinner that never ends, but no policy leaves its core idle.
        CHECKF(task->state != TASK_RUNNABLE || !ID_NONE(machine->cores[task->core].current),
               "task %u is runnable on idle core %d", i, task->core);
        found = found || task->deadlocked;
        if (!is_stuck(task) || task->deadlocked || ++looked > REPORTED_MAX)
            continue;
        Task *on_circle = find_circle(machine, task);
        if (on_circle != NULL && !on_circle->deadlocked) {
            report_circle(machine, on_circle);
            found = true;
        }
    }
    if (!found)
        report_stuck(machine);
    machine->ended = true;
    machine->end = END_DEADLOCK;
}
