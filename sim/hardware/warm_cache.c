#include "sim/hardware/warm_cache.h"

#include "sim/base/check.h"

#include <string.h>

static WarmSet *find(WarmSet *sets, size_t count, TaskId task)
{
    for (size_t i = 0; i < count; i++)
        if (ID_EQUAL(sets[i].task, task))
            return &sets[i];
    return NULL;
}

static WarmSet take_out(WarmSet *sets, size_t *count, WarmSet *set)
{
    WarmSet taken = *set;
    size_t behind = (size_t)(sets + --*count - set);
    memmove(set, set + 1, behind * sizeof *set);
    return taken;
}

int64_t warm_cache_left(WarmCache *cache, TaskId task, uint64_t bytes, int64_t warm_up_ns)
{
    WarmSet *set = find(cache->warm.at, cache->warm.count, task);
    if (set != NULL && set->bytes == bytes)
        return 0;
    if (set != NULL) // its working set is another now
        take_out(cache->warm.at, &cache->warm.count, set);
    set = find(cache->cold.at, cache->cold.count, task);
    if (set == NULL) {
        set = ARRAY_PUSH(&cache->cold);
        *set = (WarmSet){task, bytes, warm_up_ns};
    }
    set->bytes = bytes;
    return set->left_ns;
}

// Drives out who came first until the rest fits. Returns how many.
static size_t make_room(WarmCache *cache, uint64_t size, int64_t warm_up_ns)
{
    uint64_t sum = 0;
    size_t out = 0;
    for (size_t i = 0; i < cache->warm.count; i++)
        sum += cache->warm.at[i].bytes;
    for (; sum > size; out++) {
        WarmSet gone = take_out(cache->warm.at, &cache->warm.count, &cache->warm.at[0]);
        sum -= gone.bytes;
        gone.left_ns = warm_up_ns;
        *ARRAY_PUSH(&cache->cold) = gone;
    }
    return out;
}

bool warm_cache_run(WarmCache *cache, TaskId task, int64_t ran_ns, uint64_t size,
                    int64_t warm_up_ns, size_t *driven_out)
{
    WarmSet *set = find(cache->cold.at, cache->cold.count, task);
    CHECKF(set != NULL, "task %u has not run here", task.index1);
    set->left_ns -= ran_ns;
    if (set->left_ns > 0)
        return false;
    WarmSet warm = take_out(cache->cold.at, &cache->cold.count, set);
    warm.left_ns = 0;
    *ARRAY_PUSH(&cache->warm) = warm;
    *driven_out = make_room(cache, size, warm_up_ns);
    return true;
}

void warm_cache_free(WarmCache *cache)
{
    ARRAY_FREE(&cache->warm);
    ARRAY_FREE(&cache->cold);
}
