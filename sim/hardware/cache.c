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

// ---- lines

static void add_copy(SharedLine *shared, int core)
{
    shared->copies.words[core / 64] |= UINT64_C(1) << (core % 64);
}

// The number plus 1 of a core besides `core` that has a copy, the owner first; 0: none has.
static int other_copy1(const SharedLine *shared, int core)
{
    if (shared->line.owner1 != 0 && shared->line.owner1 != core + 1)
        return shared->line.owner1;
    for (int word = 0; word < CORES_MAX / 64; word++) {
        uint64_t others = shared->copies.words[word];
        if (word == core / 64)
            others &= ~(UINT64_C(1) << (core % 64));
        if (others != 0)
            return word * 64 + __builtin_ctzll(others) + 1;
    }
    return 0;
}

// The line comes over when it is free; everyone's turn is in the order of asking.
static Instant bring(SharedLine *shared, Instant now, Duration transfer)
{
    Instant from = shared->line.ready.ns > now.ns ? shared->line.ready : now;
    shared->line.ready = instant_add(from, transfer);
    return shared->line.ready;
}

Instant shared_line_read(SharedLine *shared, int core, Instant now, Duration transfer, int *from1)
{
    bool moves = shared->line.owner1 != 0 && !core_set_has(&shared->copies, core);
    *from1 = moves ? shared->line.owner1 : 0;
    add_copy(shared, core);
    return moves ? bring(shared, now, transfer) : now;
}

Instant shared_line_write(SharedLine *shared, int core, Instant now, Duration transfer, int *from1)
{
    *from1 = other_copy1(shared, core);
    shared->copies = (CoreSet){0};
    add_copy(shared, core);
    shared->line.owner1 = core + 1;
    return *from1 == 0 ? now : bring(shared, now, transfer);
}
