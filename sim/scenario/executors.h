// What a process of Python has of concurrent.futures, compiled: its executors, and the names that
// futures get.
#pragma once
#include "sim/base/ids.h"
#include "sim/scenario/multiprocessing.h"
#include "sim/trace/vocabulary.h"

#include <stdbool.h>
#include <stdint.h>

// By numbers from 1 on (index1) in Scenario.executors.
typedef struct ExecutorDef {
    StringId name;
    ProcessId process;
    SourceAt at;
    bool is_default;  // of each event loop, for `to_thread`; made when first used
    uint32_t workers; // threads, at most
    SyncId queue;     // where its threads wait for items; in the trace, too, it holds them
    SyncId results;   // where threads wait for an item's end
    ThreadDefId worker;
    bool libuv; // it is the thread pool of Node's loop
    // Of processes (process_pool.c): `worker` is the thread that manages them.
    bool processes;
    bool on_demand; // each is started when none is idle; else all with the first item
    StartMethod start;
    uint32_t calls, returns; // connections: items on their way to a process, results back
    PipeId wakeup;           // wakes the manager
    ThreadDefId child;       // the main thread of its processes
    uint32_t submit, stop;   // library code
    ThreadDefId stopper; // the default's: the thread that shuts it down at the end of asyncio.run
} ExecutorDef;

// A name that `submit` gives to futures. It means what the thread submitted last under it.
typedef struct FutureNameDef {
    StringId name;
    ProcessId process;
    SourceAt at;
    bool submitted; // some submit gives it; the loader's
} FutureNameDef;
