#include "sim/python/uv_loop.h"

#include "sim/base/check.h"

#include <stdlib.h>

#define MS_NS 1000000

// ---- queues

void uv_queue_push(UvQueue *queue, uint32_t function)
{
    if (queue->first > 0 && queue->first == queue->functions.count)
        queue->first = queue->functions.count = 0;
    *ARRAY_PUSH(&queue->functions) = function;
}

uint32_t uv_queue_take(UvQueue *queue)
{
    CHECK(queue->first < queue->functions.count);
    return queue->functions.at[queue->first++];
}

// ---- timers

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

void uv_update_time(const Machine *machine, UvLoop *uv)
{
    uv->now_ms = machine->now.ns / MS_NS;
}

void uv_set_timeout(const Machine *machine, UvLoop *uv, Duration after, uint32_t function)
{
    int64_t ms = after.ns / MS_NS < 1 ? 1 : after.ns / MS_NS;
    uv_update_time(machine, uv);
    *ARRAY_PUSH(&uv->timers) = (UvTimer){uv->now_ms + ms, uv->sequence++, function};
    UvTimer *heap = uv->timers.at;
    for (size_t at = uv->timers.count - 1; at > 0 && before(&heap[at], &heap[(at - 1) / 2]);
         at = (at - 1) / 2)
        swap(&heap[at], &heap[(at - 1) / 2]);
}

uint32_t uv_take_timer(UvLoop *uv)
{
    UvTimer *heap = uv->timers.at;
    if (uv->timers.count == 0 || heap[0].due_ms > uv->now_ms)
        return 0;
    uint32_t function = heap[0].function;
    size_t count = --uv->timers.count, at = 0;
    heap[0] = heap[count];
    for (;;) {
        size_t least = 2 * at + 1;
        if (least + 1 < count && before(&heap[least + 1], &heap[least]))
            least++;
        if (least >= count || !before(&heap[least], &heap[at]))
            return function;
        swap(&heap[least], &heap[at]);
        at = least;
    }
}

bool uv_is_alive(const UvLoop *uv)
{
    return uv->timers.count > 0 || uv_queue_count(&uv->immediates) > 0;
}

int64_t uv_poll_ms(const UvLoop *uv)
{
    if (uv_queue_count(&uv->immediates) > 0 || uv->timers.count == 0)
        return 0;
    int64_t ms = uv->timers.at[0].due_ms - uv->now_ms;
    return ms < 0 ? 0 : ms;
}

// ---- life

uint32_t uv_open(Machine *machine, Task *thread)
{
    uint32_t id = loop_open_bare(machine, thread);
    UvLoop *uv = calloc(1, sizeof *uv);
    CHECKF(uv != NULL, "out of memory for %zu bytes", sizeof *uv);
    loop_at(machine, id)->uv = uv;
    return id;
}

void uv_free(UvLoop *uv)
{
    if (uv == NULL)
        return;
    ARRAY_FREE(&uv->timers);
    ARRAY_FREE(&uv->ticks.functions);
    ARRAY_FREE(&uv->microtasks.functions);
    ARRAY_FREE(&uv->immediates.functions);
    free(uv);
}
