#include "sim/engine/timer_heap.h"

#include <stdbool.h>

enum { FAN_OUT = 4 };

static bool entry_before(const TimerEntry *a, const TimerEntry *b)
{
    // Sequences wrap after four billion timers; their difference stays small.
    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns
                                    : (int32_t)(a->sequence - b->sequence) < 0;
}

void timer_heap_push(TimerHeap *heap, TimerEntry entry)
{
    ARRAY_EXTEND(&heap->entries);
    TimerEntry *at = heap->entries.at;
    size_t hole = heap->entries.count - 1;
    while (hole > 0) {
        size_t parent = (hole - 1) / FAN_OUT;
        if (!entry_before(&entry, &at[parent]))
            break;
        at[hole] = at[parent];
        hole = parent;
    }
    at[hole] = entry;
}

TimerEntry timer_heap_pop(TimerHeap *heap)
{
    TimerEntry *at = heap->entries.at;
    TimerEntry first = at[0], last = ARRAY_POP(&heap->entries);
    size_t count = heap->entries.count, hole = 0;
    for (;;) {
        size_t child = hole * FAN_OUT + 1, least = child;
        if (child >= count)
            break;
        size_t end = child + FAN_OUT < count ? child + FAN_OUT : count;
        for (size_t i = child + 1; i < end; i++)
            if (entry_before(&at[i], &at[least]))
                least = i;
        if (!entry_before(&at[least], &last))
            break;
        at[hole] = at[least];
        hole = least;
    }
    if (count > 0)
        at[hole] = last;
    return first;
}

void timer_heap_free(TimerHeap *heap)
{
    ARRAY_FREE(&heap->entries);
}
