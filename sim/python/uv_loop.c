#include "sim/python/uv_loop.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

// ---- queues

void uv_queue_push(UvQueue *queue, uint32_t function)
{
    size_t left = uv_queue_count(queue);
    if (queue->first > left) { // most of the room is of those taken
        memmove(queue->functions.at, queue->functions.at + queue->first,
                left * sizeof *queue->functions.at);
        queue->first = 0;
        queue->functions.count = left;
    }
    *ARRAY_PUSH(&queue->functions) = function;
}

uint32_t uv_queue_take(UvQueue *queue)
{
    CHECK(queue->first < queue->functions.count);
    queue->taken++;
    return queue->functions.at[queue->first++];
}

// ---- immediates

void uv_set_immediate(UvLoop *uv, uint32_t function, uint32_t name)
{
    uv->immediates_alive++;
    if (name != 0)
        uv->names[name - 1] =
            (UvName){.immediate = uv->immediates.taken + uv_queue_count(&uv->immediates) + 1};
    uv_queue_push(&uv->immediates, function);
}

uint32_t uv_clear_immediate(UvLoop *uv, uint32_t name)
{
    uint64_t number = uv->names[name - 1].immediate;
    uv->names[name - 1].immediate = 0;
    if (number <= uv->immediates.taken)
        return 0; // none, or it has been called
    size_t at = uv->immediates.first + (size_t)(number - uv->immediates.taken - 1);
    uint32_t function = uv->immediates.functions.at[at];
    uv->immediates_alive -= function != 0;
    uv->immediates.functions.at[at] = 0;
    return function;
}

// ---- timers

void uv_set_timer(const Machine *machine, UvLoop *uv, Duration after, bool repeats,
                  uint32_t function, uint32_t name)
{
    uint32_t timer = node_timers_set(machine, &uv->timers, after, repeats, function);
    if (name != 0)
        uv->names[name - 1] = (UvName){.timer = timer};
}

uint32_t uv_clear_timer(UvLoop *uv, uint32_t name)
{
    uint32_t timer = uv->names[name - 1].timer;
    uv->names[name - 1].timer = 0;
    if (timer == 0)
        return 0;
    uint32_t function = timer == uv->timers.called ? 0 : uv->timers.timers.at[timer - 1].function;
    node_timers_clear(&uv->timers, timer);
    return function;
}

// ---- memory

static uint64_t queue_bytes(const UvQueue *queue)
{
    return queue->functions.capacity * sizeof *queue->functions.at;
}

void uv_count_bytes(Machine *machine, UvLoop *uv)
{
    uint64_t bytes = queue_bytes(&uv->ticks) + queue_bytes(&uv->microtasks) +
                     queue_bytes(&uv->immediates) + node_timers_bytes(&uv->timers);
    if (bytes == uv->bytes)
        return;
    pool_grew(machine, bytes - uv->bytes);
    uv->bytes = bytes;
}

// ---- the turn

bool uv_is_alive(const Machine *machine, const UvLoop *uv)
{
    return uv->timers.alive > 0 || uv->immediates_alive > 0 ||
           (uv->pool != 0 && uv_pool_at(machine, uv->pool)->pending > 0);
}

int64_t uv_poll_ms(const Machine *machine, const UvLoop *uv)
{
    if (uv->immediates_alive > 0 || !uv_is_alive(machine, uv))
        return 0;
    if (uv->timers.due_ms < 0)
        return -1;
    int64_t ms = uv->timers.due_ms - uv->timers.now_ms;
    return ms < 0 ? 0 : ms;
}

// ---- life

uint32_t uv_open(Machine *machine, Task *thread)
{
    uint32_t id = loop_open_bare(machine, thread);
    size_t names = machine->scenario->task_name_count;
    UvLoop *uv = calloc(1, sizeof *uv);
    CHECKF(uv != NULL, "out of memory for %zu bytes", sizeof *uv);
    uv->names = calloc(names + 1, sizeof *uv->names);
    CHECKF(uv->names != NULL, "out of memory for %zu names", names);
    uv->timers.due_ms = -1;
    uv->timers.next_ms = INT64_MAX;
    loop_at(machine, id)->uv = uv;
    return id;
}

void uv_free(UvLoop *uv)
{
    if (uv == NULL)
        return;
    node_timers_free(&uv->timers);
    ARRAY_FREE(&uv->ticks.functions);
    ARRAY_FREE(&uv->microtasks.functions);
    ARRAY_FREE(&uv->immediates.functions);
    free(uv->names);
    free(uv);
}
