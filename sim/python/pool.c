#include "sim/python/pool.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

void pool_grew(Machine *machine, uint64_t bytes)
{
    machine->python_bytes += bytes;
    if (machine_bytes(machine) > (uint64_t)machine->scenario->limits[LIMIT_MEMORY])
        machine_limit(machine, LIMIT_MEMORY);
}

static void add_chunk(Machine *machine, Pool *pool)
{
    size_t bytes = POOL_CHUNK * pool->item_bytes;
    unsigned char *chunk = malloc(bytes);
    CHECKF(chunk != NULL, "out of memory for %zu bytes", bytes);
    *ARRAY_PUSH(&pool->chunks) = chunk;
    pool_grew(machine, bytes);
}

uint32_t pool_take(Machine *machine, Pool *pool)
{
    uint32_t id = pool->free;
    if (id != 0) {
        memcpy(&pool->free, pool_at(pool, id), sizeof pool->free);
    } else {
        id = ++pool->used;
        CHECK(id != UINT32_MAX);
        if (id > pool->chunks.count * POOL_CHUNK)
            add_chunk(machine, pool);
    }
    memset(pool_at(pool, id), 0, pool->item_bytes);
    return id;
}

void pool_give(Pool *pool, uint32_t id)
{
    memcpy(pool_at(pool, id), &pool->free, sizeof pool->free);
    pool->free = id;
}

void pool_free(Pool *pool)
{
    for (size_t i = 0; i < pool->chunks.count; i++)
        free(pool->chunks.at[i]);
    ARRAY_FREE(&pool->chunks);
}
