// Message queues (POSIX mq_overview(7)): whole messages, at most so many at a time, in order. They
// have no ends to close: whoever uses one has it. Priorities are left out.
#pragma once
#include "sim/kernel/process.h"

typedef struct MessageQueue {
    uint32_t capacity, count, first; // a ring
    uint64_t *bytes;                 // of each message
    WaitList senders, receivers;
} MessageQueue;

void message_queue_init(Machine *machine);

static inline MessageQueue *message_queue_at(const Machine *machine, MessageQueueId queue)
{
    return &machine->message_queues[queue.index1 - 1];
}

// The queue has room, or a message. Returns what waking another costs `task`.
Duration message_queue_send(Machine *machine, Task *task, MessageQueueId queue, uint64_t bytes);
Duration message_queue_receive(Machine *machine, Task *task, MessageQueueId queue);
// `task`, running, waits for room or for a message.
void message_queue_wait(Machine *machine, Task *task, MessageQueueId queue, bool sends);
