#include "sim/kernel/runnable.h"

#include "sim/kernel/fair_server.h"
#include "sim/kernel/pelt.h"
#include "sim/kernel/placement.h"

void runnable_set_idle(Machine *machine, int core, bool idle)
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

void runnable_count(Machine *machine, RunQueue *queue, const Task *task)
{
    if (!counts(machine, task))
        return;
    machine->weights[queue->core] += task->fair.weight;
    if (++queue->runnable == 2)
        machine->overloaded++;
}

void runnable_discount(Machine *machine, RunQueue *queue, const Task *task)
{
    if (!counts(machine, task))
        return;
    uint64_t weight = machine->weights[queue->core] -= task->fair.weight;
    placement_note_lighter(machine, (uint32_t)queue->core, weight);
    if (queue->runnable-- == 2)
        machine->overloaded--;
}

void runnable_track(Machine *machine, RunQueue *queue)
{
    if (!machine->single)
        pelt_update_queue(queue, machine->now, queue->current != NULL,
                          machine->weights[queue->core]);
}

void runnable_join(Machine *machine, Task *task, int core, EnqueueReason reason)
{
    RunQueue *queue = &machine->run_queues[core];
    task->core = (int16_t)core;
    task->state = TASK_RUNNABLE;
    task->recency = ++machine->recency;
    runnable_count(machine, queue, task);
    runnable_set_idle(machine, core, false);
    policy_of(machine, task)->enqueue(machine, queue, task, reason);
    if (machine->fair_server && task->sched_class == SCHED_CLASS_NORMAL)
        fair_server_update(machine, queue);
    machine_emit(machine, EVENT_ENQUEUED, core, task->id, (uint64_t)task->fair.vruntime,
                 (uint64_t)task->fair.deadline);
}

void runnable_leave(Machine *machine, Task *task, DequeueReason reason)
{
    RunQueue *queue = &machine->run_queues[task->core];
    bool running = queue->current == task;
    if (!machine->single) {
        runnable_track(machine, queue);
        pelt_update_task(task, machine->now, running, true);
    }
    if (machine->fair_server)
        fair_server_update(machine, queue);
    policy_of(machine, task)->dequeue(machine, queue, task, reason);
    runnable_discount(machine, queue, task);
    if (running) {
        task->last_ran = machine->now;
        queue->current = NULL;
        queue->slice_end = INSTANT_NEVER;
    }
    if (machine->fair_server)
        fair_server_update(machine, queue);
}

void runnable_change_core(Machine *machine, Task *task, int to, MigrationReason reason)
{
    int from = task->core;
    if (!machine->single) {
        runnable_track(machine, &machine->run_queues[from]);
        runnable_track(machine, &machine->run_queues[to]);
        pelt_detach(&machine->run_queues[from], task);
        pelt_attach(&machine->run_queues[to], task);
    }
    task->core = (int16_t)to;
    machine_emit(machine, EVENT_MIGRATED, to, task->id, (uint64_t)from + 1, reason);
}
