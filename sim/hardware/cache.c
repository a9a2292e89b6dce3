#include "sim/hardware/cache.h"

#include <string.h>

static uint64_t take_out(Cache *cache, TaskId task)
{
    for (size_t i = cache->sets.count; i-- > 0;) {
        CacheSet set = cache->sets.at[i];
        if (!ID_EQUAL(set.task, task))
            continue;
        cache->sets.count--;
        memmove(&cache->sets.at[i], &cache->sets.at[i + 1],
                (cache->sets.count - i) * sizeof(CacheSet));
        return set.bytes;
    }
    return 0;
}

// Drops what does not fit, oldest first.
static void evict(Cache *cache)
{
    uint64_t room = cache->size;
    size_t kept = cache->sets.count;
    while (kept > 0 && room > 0) {
        CacheSet *set = &cache->sets.at[kept - 1];
        set->bytes = set->bytes < room ? set->bytes : room;
        room -= set->bytes;
        kept--;
    }
    cache->sets.count -= kept;
    memmove(&cache->sets.at[0], &cache->sets.at[kept], cache->sets.count * sizeof(CacheSet));
}

uint64_t cache_use(Cache *cache, TaskId task, uint64_t bytes)
{
    uint64_t had = take_out(cache, task);
    if (bytes > 0) {
        *ARRAY_PUSH(&cache->sets) = (CacheSet){task, bytes};
        evict(cache);
    }
    return bytes > had ? bytes - had : 0;
}

void cache_free(Cache *cache)
{
    ARRAY_FREE(&cache->sets);
}
