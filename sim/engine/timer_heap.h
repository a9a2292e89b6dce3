// A heap of timers, ordered by (time, sequence): one a core. Cancelling is the owner's business
// (an entry whose sequence its task no longer expects is stale).
#pragma once
#include "sim/base/array.h"
#include "sim/base/ids.h"
#include "sim/base/time.h"

typedef struct TimerEntry {
    int64_t time_ns;
    uint32_t sequence;
    TaskId task;
} TimerEntry;

typedef struct TimerHeap {
    ARRAY(TimerEntry) entries; // 4-ary, entries.at[0] is the earliest
} TimerHeap;

void timer_heap_push(TimerHeap *heap, TimerEntry entry);
// Removes the earliest; the heap must not be empty.
TimerEntry timer_heap_pop(TimerHeap *heap);
void timer_heap_free(TimerHeap *heap);

static inline const TimerEntry *timer_heap_first(const TimerHeap *heap)
{
    return heap->entries.count > 0 ? &heap->entries.at[0] : 0;
}
