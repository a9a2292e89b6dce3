// Pools of equal things that come and go, such as futures: in chunks that never move, with a list
// of free ones, so that nothing is allocated once warm. Things have numbers from 1; 0 is none.
#pragma once
#include "sim/kernel/machine.h"

enum { POOL_CHUNK = 4096 };

typedef struct Pool {
    ARRAY(unsigned char *) chunks;
    size_t item_bytes; // at least 4: a free item begins with the next free one
    uint32_t used;     // the items up to here have been handed out before
    uint32_t free;     // the first of those that have been given back
} Pool;

// What Python or Node keeps takes so many bytes more. Past the limit of memory the run ends.
void pool_grew(Machine *machine, uint64_t bytes);

// A new item, zeroed. Past the limit of memory the run ends, and the item can still be used.
uint32_t pool_take(Machine *machine, Pool *pool);
void pool_give(Pool *pool, uint32_t id);
void pool_free(Pool *pool);

static inline void *pool_at(const Pool *pool, uint32_t id)
{
    uint32_t index = id - 1;
    return pool->chunks.at[index / POOL_CHUNK] + index % POOL_CHUNK * pool->item_bytes;
}
