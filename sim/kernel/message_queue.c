#include "sim/kernel/message_queue.h"

#include "sim/base/check.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/wait_list.h"

void message_queue_init(Machine *machine)
{
    const Scenario *scenario = machine->scenario;
    machine->message_queues =
        ARENA_ARRAY(&machine->arena, MessageQueue, scenario->message_queue_count + 1);
    for (uint32_t i = 0; i < scenario->message_queue_count; i++) {
        MessageQueue *queue = &machine->message_queues[i];
        queue->capacity = scenario->message_queues[i].capacity;
        queue->bytes = ARENA_ARRAY(&machine->arena, uint64_t, queue->capacity);
    }
}

// Whoever can go on now: a receiver when there is a message, a sender when there is room.
static Duration changed(Machine *machine, MessageQueue *queue, Task *by)
{
    Duration cost = {0};
    Task *receiver = queue->count > 0 ? wait_list_take(machine, &queue->receivers) : NULL;
    if (receiver != NULL)
        cost = sched_wake(machine, receiver, by->id, by->core);
    Task *sender = queue->count < queue->capacity ? wait_list_take(machine, &queue->senders) : NULL;
    if (sender != NULL)
        cost = duration_add(cost, sched_wake(machine, sender, by->id, by->core));
    return cost;
}

Duration message_queue_send(Machine *machine, Task *task, MessageQueueId id, uint64_t bytes)
{
    MessageQueue *queue = message_queue_at(machine, id);
    CHECK(queue->count < queue->capacity);
    queue->bytes[(queue->first + queue->count++) % queue->capacity] = bytes;
    machine_emit(machine, EVENT_MESSAGE_SENT, task->core, task->id, id.index1, bytes);
    return changed(machine, queue, task);
}

Duration message_queue_receive(Machine *machine, Task *task, MessageQueueId id)
{
    MessageQueue *queue = message_queue_at(machine, id);
    CHECK(queue->count > 0);
    uint64_t bytes = queue->bytes[queue->first];
    queue->first = (queue->first + 1) % queue->capacity;
    queue->count--;
    machine_emit(machine, EVENT_MESSAGE_RECEIVED, task->core, task->id, id.index1, bytes);
    return changed(machine, queue, task);
}

void message_queue_wait(Machine *machine, Task *task, MessageQueueId id, bool sends)
{
    MessageQueue *queue = message_queue_at(machine, id);
    machine_emit(machine, EVENT_MESSAGE_WAIT, task->core, task->id, id.index1, queue->count);
    wait_list_add(machine, sends ? &queue->senders : &queue->receivers, task);
    sched_block(machine, task, SWITCH_BLOCKED_MESSAGES);
}
