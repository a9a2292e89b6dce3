#include "sim/python/uv_timers.h"

#include "sim/base/check.h"

static bool before(const UvTimer *a, const UvTimer *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->sequence < b->sequence;
}

static void swap(UvTimer *a, UvTimer *b)
{
    UvTimer kept = *a;
    *a = *b;
    *b = kept;
}

static void move_up(UvTimer *heap, size_t at)
{
    for (; at > 0 && before(&heap[at], &heap[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&heap[at], &heap[(at - 1) / 2]);
}

void uv_timers_add(UvTimers *timers, int64_t due_ms, uint32_t item)
{
    *ARRAY_PUSH(&timers->heap) = (UvTimer){due_ms, timers->sequence++, item};
    move_up(timers->heap.at, timers->heap.count - 1);
}

UvTimer uv_timers_take(UvTimers *timers)
{
    CHECK(!uv_timers_empty(timers));
    UvTimer *heap = timers->heap.at, first = heap[0];
    size_t count = --timers->heap.count, at = 0;
    heap[0] = heap[count];
    for (;;) {
        size_t least = 2 * at + 1;
        if (least + 1 < count && before(&heap[least + 1], &heap[least]))
            least++;
        if (least >= count || !before(&heap[least], &heap[at]))
            return first;
        swap(&heap[least], &heap[at]);
        at = least;
    }
}

void uv_timers_heapify(UvTimers *timers)
{
    for (size_t at = 1; at < timers->heap.count; at++)
        move_up(timers->heap.at, at);
}

void uv_timers_remove(UvTimers *timers, uint64_t sequence)
{
    size_t at = 0;
    while (at < timers->heap.count && timers->heap.at[at].sequence != sequence)
        at++;
    CHECK(at < timers->heap.count);
    timers->heap.at[at] = timers->heap.at[--timers->heap.count];
    uv_timers_heapify(timers);
}

void uv_timers_free(UvTimers *timers)
{
    ARRAY_FREE(&timers->heap);
}
