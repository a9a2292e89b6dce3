// The items of a queue, whoever waits for them: first in first out in a ring, or by priority in a
// heap, where items of one priority come out in the order in which they came in.
#pragma once
#include "sim/kernel/sync.h"

// `item.sequence` is filled in. Grows without a bound of its own: the caller counts.
void queue_insert(Queue *queue, bool by_priority, QueueItem item);
// The item that is next; not when the queue is empty.
QueueItem queue_take(Queue *queue, bool by_priority);
