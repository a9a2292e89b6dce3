// The caches of a core, as far as threads feel them: how much of a thread's working set is still
// there when it comes back, and who has a cache line that several cores write to or read.
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
#include "sim/scenario/scenario.h"

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
// it has it already or nobody has: the first fetch, from memory, is free.
static inline Instant cache_line_take(CacheLine *line, int core, Instant now, Duration transfer)
{
    Instant from = line->ready.ns > now.ns ? line->ready : now;
    bool moves = line->owner1 != 0 && line->owner1 != core + 1;
    line->owner1 = core + 1;
    if (!moves)
        return from;
    line->ready = instant_add(from, transfer);
    return line->ready;
}

// A line that cores read as well (MSI): whoever has read it since the last write has a copy, and a
// write takes them all away. Copies are never evicted: a line that is fought over stays in use.
typedef struct SharedLine {
    CacheLine line; // its owner: the core that wrote last
    CoreSet copies; // the owner's included
} SharedLine;

// Core `core` reads or writes. Returns when it can; `*from1` is the number plus 1 of the core that
// the line comes from, 0 when it does not move. A line that nobody has written to is read for free,
// and what is on its way for one thread of a core counts as there for another.
Instant shared_line_read(SharedLine *shared, int core, Instant now, Duration transfer, int *from1);
Instant shared_line_write(SharedLine *shared, int core, Instant now, Duration transfer, int *from1);
