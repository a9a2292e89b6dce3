// A loop's timers: a binary heap with exactly the moves of Python's heapq, because timers of one
// instant come out in the order of the heap, which is not that in which they were set.
#pragma once
#include "sim/base/array.h"
#include "sim/base/time.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct TimerQueueEntry {
    int64_t when_ns;
    uint32_t timer;
} TimerQueueEntry;

typedef struct TimerQueue {
    ARRAY(TimerQueueEntry) entries; // entries.at[0] is the earliest
} TimerQueue;

void timer_queue_push(TimerQueue *queue, TimerQueueEntry entry); // heapq.heappush
TimerQueueEntry timer_queue_pop(TimerQueue *queue);              // heapq.heappop; not when empty
void timer_queue_heapify(TimerQueue *queue);                     // heapq.heapify
void timer_queue_free(TimerQueue *queue);
