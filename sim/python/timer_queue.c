// CPython Modules/_heapqmodule.c: siftdown moves an entry towards the root, siftup a hole to a leaf
// and then the entry up from there.
#include "sim/python/timer_queue.h"

static void move_towards_root(TimerQueueEntry *at, size_t start, size_t hole)
{
    TimerQueueEntry entry = at[hole];
    while (hole > start) {
        size_t parent = (hole - 1) / 2;
        if (entry.when_ns >= at[parent].when_ns)
            break;
        at[hole] = at[parent];
        hole = parent;
    }
    at[hole] = entry;
}

static void move_hole_to_leaf(TimerQueueEntry *at, size_t count, size_t start)
{
    TimerQueueEntry entry = at[start];
    size_t hole = start;
    for (size_t child; (child = 2 * hole + 1) < count; hole = child) {
        // The right one unless the left one is really earlier.
        if (child + 1 < count && at[child].when_ns >= at[child + 1].when_ns)
            child++;
        at[hole] = at[child];
    }
    at[hole] = entry;
    move_towards_root(at, start, hole);
}

void timer_queue_push(TimerQueue *queue, TimerQueueEntry entry)
{
    *ARRAY_PUSH(&queue->entries) = entry;
    move_towards_root(queue->entries.at, 0, queue->entries.count - 1);
}

TimerQueueEntry timer_queue_pop(TimerQueue *queue)
{
    TimerQueueEntry last = ARRAY_POP(&queue->entries);
    if (queue->entries.count == 0)
        return last;
    TimerQueueEntry first = queue->entries.at[0];
    queue->entries.at[0] = last;
    move_hole_to_leaf(queue->entries.at, queue->entries.count, 0);
    return first;
}

void timer_queue_heapify(TimerQueue *queue)
{
    for (size_t i = queue->entries.count / 2; i-- > 0;)
        move_hole_to_leaf(queue->entries.at, queue->entries.count, i);
}

void timer_queue_free(TimerQueue *queue)
{
    ARRAY_FREE(&queue->entries);
}
