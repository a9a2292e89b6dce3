// The caches of a core, as far as threads feel them: how much of a thread's working set is still
// there when it comes back, and who has a cache line that several cores write to.
//
// A cache holds whole working sets, the one used last in full and of the oldest what is left of the
// room (least recently used). Real caches hold lines and mix; a thread that runs for less than it
// takes to load its set loads a part only.
//
// What is in the cache is near, wherever its memory is: on a machine with several nodes far memory
// is paid for when a set is loaded (cache_refill_far) and when pages are gone through
// (memory_page_far), and a `compute` takes its length on every core. A real computation whose set
// does not fit its cache goes on paying, by how often it misses, which no op says.
#pragma once
#include "sim/base/array.h"
#include "sim/base/ids.h"
#include "sim/base/time.h"

#include <stdint.h>

typedef struct CacheSet {
    TaskId task;
    uint64_t bytes;
} CacheSet;

typedef struct Cache {
    uint64_t size;
    ARRAY(CacheSet) sets; // the one used last is the last
} Cache;

// `task` begins to use `bytes`: they are in the cache from now. Returns how many were not.
uint64_t cache_use(Cache *cache, TaskId task, uint64_t bytes);
void cache_free(Cache *cache);

// A line that one core at a time may write to.
typedef struct CacheLine {
    int owner1;    // core number plus 1; 0: none has it
    Instant ready; // when it has come to its owner
} CacheLine;

// Core `core` writes to the line: when it has it, after waiting for its turn and `transfer`, unless
// it has it already.
static inline Instant cache_line_take(CacheLine *line, int core, Instant now, Duration transfer)
{
    if (line->owner1 == core + 1)
        return line->ready.ns > now.ns ? line->ready : now;
    Instant from = line->ready.ns > now.ns ? line->ready : now;
    line->owner1 = core + 1;
    line->ready = instant_add(from, transfer);
    return line->ready;
}
