// libuv's timers: a binary heap by the millisecond at which they are due and, of one millisecond,
// by the order in which they were set. libuv src/timer.c.
#pragma once
#include "sim/base/array.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct UvTimer {
    int64_t due_ms;
    uint64_t sequence; // of one millisecond, the one set first is first
    uint32_t item;     // what it is for: its owner's
} UvTimer;

typedef struct UvTimers {
    ARRAY(UvTimer) heap; // heap.at[0] is the first
    uint64_t sequence;   // of the next one
} UvTimers;

void uv_timers_add(UvTimers *timers, int64_t due_ms, uint32_t item);
static inline bool uv_timers_empty(const UvTimers *timers)
{
    return timers->heap.count == 0;
}
// The first one, and that without it; not when it is empty.
static inline UvTimer uv_timers_first(const UvTimers *timers)
{
    return timers->heap.at[0];
}
UvTimer uv_timers_take(UvTimers *timers);
// The same of any one. Looks at all.
void uv_timers_remove(UvTimers *timers, uint64_t sequence);
// The heap is one again, whatever the order of its items.
void uv_timers_heapify(UvTimers *timers);
void uv_timers_free(UvTimers *timers);
