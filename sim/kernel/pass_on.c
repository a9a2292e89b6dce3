#include "sim/kernel/pass_on.h"

#include "sim/kernel/message_queue.h"
#include "sim/kernel/process_data.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/wait_list.h"

static void wake_first(Machine *machine, WaitList *list, const Task *by)
{
    Task *task = wait_list_take(machine, list);
    if (task != NULL)
        sched_wake(machine, task, by != NULL ? by->id : (TaskId){0},
                   by != NULL ? by->core : task->core);
}

static void pass_on_messages(Machine *machine, const Task *by)
{
    for (uint32_t i = 0; i < machine->scenario->message_queue_count; i++) {
        MessageQueue *queue = &machine->message_queues[i];
        if (queue->count > 0)
            wake_first(machine, &queue->receivers, by);
        if (queue->count < queue->capacity)
            wake_first(machine, &queue->senders, by);
    }
}

static void pass_on_queue(Machine *machine, Sync *sync, uint32_t capacity, const Task *by)
{
    if (sync->queue.count > 0)
        wake_first(machine, &sync->waiters, by);
    if (capacity == 0 || sync->queue.count < capacity)
        wake_first(machine, &sync->others, by);
}

static void pass_on_sync(Machine *machine, const SyncDef *def, Sync *sync, const Task *by)
{
    switch (def->kind) {
    case SYNC_LOCK:
    case SYNC_RLOCK:
        if (ID_NONE(sync->owner))
            wake_first(machine, &sync->waiters, by);
        break;
    case SYNC_SEMAPHORE:
        if (sync->semaphore.value > 0)
            wake_first(machine, &sync->waiters, by);
        break;
    case SYNC_RWLOCK: // readers are woken all together
        if (ID_NONE(sync->owner) && sync->rwlock.readers == 0)
            wake_first(machine, &sync->others, by);
        break;
    case SYNC_CONDITION:
        if (sync->condition.signals > 0)
            wake_first(machine, sync->condition.first % 2 == 0 ? &sync->waiters : &sync->others,
                       by);
        break;
    case SYNC_QUEUE:
        pass_on_queue(machine, sync, def->parameter, by);
        break;
    default:
        // A pi lock is handed over by the kernel, nobody sleeps for a spin lock, and events and
        // barriers wake all.
        break;
    }
}

void pass_on_wakeups(Machine *machine, Process *process, const Task *by)
{
    const Scenario *scenario = machine->scenario;
    const ProcessDef *family = process_family(machine, process);
    pass_on_messages(machine, by);
    for (uint32_t i = 0; i < family->sync_count; i++) {
        uint32_t id = family->sync_first + i;
        if (scenario->syncs[id].shared)
            pass_on_sync(machine, &scenario->syncs[id], &machine->syncs[id], by);
    }
}
