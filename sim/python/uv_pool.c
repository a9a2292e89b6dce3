#include "sim/python/uv_pool.h"

#include "sim/base/check.h"

#include <stdlib.h>

// In the queue: the place of the first slow work.
#define UV_POOL_SLOW 1

// The first of `works` is that place, so that it can be linked.
static UvWork *work_at(const UvPool *pool, uint32_t id)
{
    return &pool->works.at[id - 1];
}

static void add(UvPool *pool, UvWorkQueue *queue, uint32_t id)
{
    work_at(pool, id)->next = 0;
    if (queue->last != 0)
        work_at(pool, queue->last)->next = id;
    else
        queue->first = id;
    queue->last = id;
}

static uint32_t take(const UvPool *pool, UvWorkQueue *queue)
{
    uint32_t id = queue->first;
    if (id == 0)
        return 0;
    queue->first = work_at(pool, id)->next;
    if (queue->first == 0)
        queue->last = 0;
    return id;
}

uint32_t uv_pool_open(Machine *machine, uint32_t loop, uint32_t executor, uint32_t size)
{
    UvPool *pool = calloc(1, sizeof *pool);
    CHECKF(pool != NULL, "out of memory for %zu bytes", sizeof *pool);
    pool->loop = loop;
    pool->executor = executor;
    pool->size = size;
    ARRAY_EXTEND(&pool->works); // UV_POOL_SLOW
    *ARRAY_PUSH(&machine->asyncio->uv_pools) = pool;
    return (uint32_t)machine->asyncio->uv_pools.count;
}

uint32_t uv_pool_post(Machine *machine, UvPool *pool, uint32_t function, uint32_t then, bool slow,
                      bool *signals)
{
    uint32_t id = pool->free;
    if (id != 0) {
        pool->free = work_at(pool, id)->next;
    } else {
        size_t room = pool->works.capacity;
        ARRAY_EXTEND(&pool->works);
        pool_grew(machine, (pool->works.capacity - room) * sizeof *pool->works.at);
        id = (uint32_t)pool->works.count;
    }
    *work_at(pool, id) =
        (UvWork){.function = function, .then = then, .slow = slow, .serial = ++pool->serial};
    pool->pending++;
    pool->queued++;
    add(pool, slow ? &pool->slow : &pool->queue, id);
    *signals = !(slow && pool->slow_queued) && pool->idle > 0; // else who does that sees to it
    if (slow && !pool->slow_queued) {
        pool->slow_queued = true;
        add(pool, &pool->queue, UV_POOL_SLOW);
    }
    return id;
}

static bool slow_is_full(const UvPool *pool)
{
    return pool->slow_running >= (pool->size + 1) / 2;
}

bool uv_pool_has_work(const UvPool *pool)
{
    uint32_t first = pool->queue.first;
    return first != 0 &&
           !(first == UV_POOL_SLOW && work_at(pool, first)->next == 0 && slow_is_full(pool));
}

uint32_t uv_pool_take(UvPool *pool, bool *more)
{
    *more = false;
    while (uv_pool_has_work(pool)) {
        uint32_t id = take(pool, &pool->queue);
        if (id != UV_POOL_SLOW) {
            pool->queued--;
            return id;
        }
        if (slow_is_full(pool)) { // behind all others
            add(pool, &pool->queue, id);
            continue;
        }
        pool->slow_running++;
        pool->queued--;
        uint32_t slow = take(pool, &pool->slow);
        pool->slow_queued = pool->slow.first != 0;
        if (pool->slow_queued) {
            add(pool, &pool->queue, UV_POOL_SLOW);
            *more = true;
        }
        return slow;
    }
    return 0;
}

void uv_pool_done(UvPool *pool, uint32_t work)
{
    pool->slow_running -= work_at(pool, work)->slow;
    add(pool, &pool->done, work);
}

uint32_t uv_pool_next_done(UvPool *pool, UvWorkQueue *done)
{
    uint32_t id = take(pool, done);
    if (id == 0)
        return 0;
    pool->pending--;
    work_at(pool, id)->next = pool->free;
    pool->free = id;
    return id;
}

void uv_pool_free(UvPool *pool)
{
    ARRAY_FREE(&pool->works);
    free(pool);
}
