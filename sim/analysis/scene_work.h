// What a scene knows of work that is handed over: the items of executors that are not done yet,
// what the processes of pools do, and the buffers of asyncio's streams. Told by the records of
// executors, pools and streams; who waits for it is in the threads and coroutines of the scene.
//
// An executor is told by its name and the process that has it: the default executors of two loops
// of one process are one here, and where both have an item of one number it is the older one's.
#pragma once
#include "sim/base/array.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Scene Scene;

// Where an item is. X(ID, "word")
#define WORK_STATES(X)                                                                             \
    X(QUEUED, "waits its turn")                                                                    \
    X(RUNS, "is done now")                                                                         \
    X(RETURNS, "has a result, which is on its way back") /* of an executor of processes */         \
    X(OVER, "is over")

typedef enum WorkState {
#define X(id, word) WORK_##id,
    WORK_STATES(X)
#undef X
        WORK_STATE_COUNT
} WorkState;

// What was submitted to an executor and is not done. Those in state OVER are gone, and only their
// places are left for a while.
typedef struct SceneItem {
    uint32_t number;    // of all items of the run, from 1, in the order of submission
    uint32_t executor;  // ExecutorDef's index1
    uint32_t process;   // Pid: whose executor it is
    uint32_t serial;    // its number there
    uint32_t by;        // TaskId: who has submitted it
    uint32_t coroutine; // serial: which coroutine of that thread; 0: none
    uint32_t op;        // where in the scenario
    uint32_t worker;    // TaskId: who does it, or did; 0: nobody yet
    uint32_t state;     // WorkState
    uint32_t batch;     // number of the first item that was submitted together with it
    uint32_t nth;       // from 1, of those
    uint32_t unused;
    int64_t since_ns; // in this state
} SceneItem;

// What a pool's worker does now.
typedef struct SceneChunk {
    uint32_t pool;         // PoolDef's index1
    uint32_t worker;       // TaskId
    uint32_t first, count; // items of their job
    int64_t since_ns;
} SceneChunk;

// Items of a pool so far: no more are back than are done, no more done than begun, no more begun
// than asked for. What is asked for and not begun waits in its queue of tasks.
typedef struct ScenePool {
    uint32_t asked, begun, done, back;
    uint32_t by; // TaskId: who has asked last; 0: nobody ever
    uint32_t unused;
    int64_t asked_ns; // when
} ScenePool;

// asyncio's stream at an end of a pipe. In the order of thread and file; gone with its loop.
typedef struct SceneStream {
    uint64_t file;    // see file_pack
    uint32_t thread;  // TaskId: whose loop it is of
    uint32_t paused;  // a reader is not read; who drains a writer waits
    uint64_t bytes;   // in its buffer
    int64_t since_ns; // so many
} SceneStream;

typedef struct SceneWork {
    ARRAY(SceneItem) items; // by number
    ARRAY(SceneChunk) chunks;
    ARRAY(ScenePool) pools; // by PoolDef's index1 - 1, as far as there are any records of them
    ARRAY(SceneStream) streams;
    uint32_t submitted; // number of the last item
    uint32_t over;      // how many places of `items` are of those that are over,
    uint32_t begun;     // and how many of those that somebody has begun
    uint32_t unused;
} SceneWork;

const char *work_state_word(unsigned state);

// The item with this number that is not done yet; NULL: there is none.
const SceneItem *scene_item(const Scene *scene, uint32_t number);
// The oldest item that is not done of those that `task` has submitted together, last, at an op that
// calls futures `name` (FutureNameDef's index1); NULL: there is none.
const SceneItem *scene_item_named(const Scene *scene, uint32_t task, uint32_t name);
// How many items of an executor of a process are in this state.
uint32_t scene_items_in(const Scene *scene, uint32_t executor, uint32_t process, WorkState state);
// What the thread does of an executor's, or a pool's; NULL: nothing.
const SceneItem *scene_item_of(const Scene *scene, uint32_t worker);
const SceneChunk *scene_chunk_of(const Scene *scene, uint32_t worker);
// NULL: it has never been asked for anything.
const ScenePool *scene_pool(const Scene *scene, uint32_t pool);
static inline uint32_t scene_pool_queued(const ScenePool *pool)
{
    return pool->asked - pool->begun;
}

// The stream of the loop of `thread` at an end of a pipe (see file_pack); NULL: its buffer has
// always been empty.
const SceneStream *scene_stream(const Scene *scene, uint32_t thread, uint64_t file);
// Where in `streams` the first one is that is not before this one.
size_t scene_stream_place(const SceneWork *work, uint32_t thread, uint64_t file);
