// The caches of a textbook's machine: a thread runs `rate` times as fast on a core whose cache
// holds its working set. It gets there by running on the core for the warm-up time, which may be in
// several turns; then whatever does not fit beside it is driven out, whose set came first first.
// One that does not fit by itself never gets warm. Who is driven out begins anew.
//
// A cache knows every thread that has run on its core, and threads that have ended keep their place
// in it until they are driven out. (The exercise multi.py of Operating Systems: Three Easy Pieces,
// as far as its warm-up time is above 0.)
#pragma once
#include "sim/base/array.h"
#include "sim/base/ids.h"
#include "sim/base/time.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct WarmSet {
    TaskId task;
    uint64_t bytes;
    int64_t left_ns; // until it is warm; 0: it is
} WarmSet;

typedef struct WarmCache {
    ARRAY(WarmSet) warm; // whose set it holds; the one that came last is last
    ARRAY(WarmSet) cold; // who has run here and is not warm
} WarmCache;

// How long `task` must still run here before it is warm, 0 when it is; a newcomer from now on
// belongs to those who have run here.
int64_t warm_cache_left(WarmCache *cache, TaskId task, uint64_t bytes, int64_t warm_up_ns);
// `task`, cold, has run here for `ran_ns`, at most what was left. True: it is warm now, or would be
// if its set fitted in; what it drives out is at the end of `cold`, *driven_out of them.
bool warm_cache_run(WarmCache *cache, TaskId task, int64_t ran_ns, uint64_t size,
                    int64_t warm_up_ns, size_t *driven_out);
void warm_cache_free(WarmCache *cache);
