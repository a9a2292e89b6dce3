#include "sim/kernel/deadlock.h"

enum { REPORTED_MAX = 64 }; // blocked tasks named when there is no circle

// One that `task` waits for and that is not dead: the lock's owner, or a member of the group that
// it joins. NULL when there is none, or the task is not blocked.
static Task *waits_for(const Machine *machine, const Task *task)
{
    if (task->state != TASK_BLOCKED)
        return NULL;
    if (task->waits_sync.index1 != 0) {
        TaskId owner = machine->syncs[task->waits_sync.index1 - 1].owner;
        if (owner.index1 == 0 || task_at(machine, owner)->state == TASK_DEAD)
            return NULL;
        return task_at(machine, owner);
    }
    for (uint32_t i = 1; task->waits_join.index1 != 0 && i <= machine->task_count; i++) {
        Task *other = task_at(machine, (TaskId){i});
        if (ID_EQUAL(other->def, task->waits_join) && other->state == TASK_BLOCKED)
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

static void report_circle(Machine *machine, Task *first)
{
    Task *task = first;
    do {
        Task *next = waits_for(machine, task);
        report(machine, task, next);
        task = next;
    } while (task != first);
}

void deadlock_check(Machine *machine, Task *task)
{
    Task *at = task;
    for (uint32_t steps = 0; steps < machine->task_count; steps++) {
        if (at->waits_sync.index1 == 0)
            return; // joins are left to the end
        at = waits_for(machine, at);
        if (at == NULL || at->deadlocked)
            return;
        if (at == task) {
            report_circle(machine, task);
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

void deadlock_at_end(Machine *machine)
{
    bool found = false;
    uint32_t looked = 0;
    for (uint32_t i = 1; i <= machine->task_count; i++) {
        Task *task = task_at(machine, (TaskId){i});
        found = found || task->deadlocked;
        if (task->state != TASK_BLOCKED || task->deadlocked || ++looked > REPORTED_MAX)
            continue;
        Task *on_circle = find_circle(machine, task);
        if (on_circle != NULL && !on_circle->deadlocked) {
            report_circle(machine, on_circle);
            found = true;
        }
    }
    // No circle: they wait for a lock whose holder ended with it.
    looked = 0;
    for (uint32_t i = 1; !found && i <= machine->task_count && looked < REPORTED_MAX; i++) {
        Task *task = task_at(machine, (TaskId){i});
        if (task->state != TASK_BLOCKED)
            continue;
        TaskId owner = {0};
        if (task->waits_sync.index1 != 0)
            owner = machine->syncs[task->waits_sync.index1 - 1].owner;
        report(machine, task, owner.index1 != 0 ? task_at(machine, owner) : NULL);
        looked++;
    }
    machine->ended = true;
    machine->end = END_DEADLOCK;
}
