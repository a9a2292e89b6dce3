// libuv's thread pool (src/threadpool.c): four threads, started when they are first needed, one
// queue, first come first served. Slow work, such as looking up a name, is in a queue of its own,
// which has one place at a time in the other, and half of the threads may be at it at most. What is
// done is handed to the loop, which is woken by its eventfd, in the order in which it was done.
// What threads do about it, with its costs and waits, is sim/program/steps_uv_pool.c's.
//
// There is one a loop here; libuv has one a process. Its mutex, which is held for some
// instructions, costs what a free one does.
#pragma once
#include "sim/python/asyncio.h"

typedef struct UvWork {
    uint32_t function; // its first op: what a thread of the pool does
    uint32_t then;     // FunctionDef (index1) that the loop calls when it is done; 0: none
    uint32_t serial;   // from 1, in the order of coming
    uint32_t next;     // in a queue, or the next one that is not used
    bool slow;
} UvWork;

typedef struct UvWorkQueue {
    uint32_t first, last;
} UvWorkQueue;

typedef struct UvPool {
    ARRAY(UvWork) works;
    uint32_t free;
    UvWorkQueue queue, slow, done;
    bool slow_queued;      // UV_POOL_SLOW is in the queue
    uint32_t slow_running; // threads that do slow work
    uint32_t threads;      // that have been started
    uint32_t size;         // how many there are to be
    uint32_t idle;         // that wait
    uint32_t queued;       // works that no thread has taken
    uint32_t pending;      // works whose end the loop has not seen
    uint32_t serial;
    uint32_t loop;     // its number; 0: it is closed
    uint32_t executor; // ExecutorDef (index1)
    uint32_t eventfd;
    bool woken; // that has been written to, and has not been read since
    WaitList sleepers;
} UvPool;

static inline UvWork *uv_work_at(const UvPool *pool, uint32_t id)
{
    return &pool->works.at[id - 1];
}

// A new one, of the process's executor; its number.
uint32_t uv_pool_open(Machine *machine, uint32_t loop, uint32_t executor, uint32_t size);
static inline UvPool *uv_pool_at(const Machine *machine, uint32_t id)
{
    return machine->asyncio->uv_pools.at[id - 1];
}
// A new work, at the end of the queue. Its number. `*signals`: a thread that waits is to be woken.
uint32_t uv_pool_post(Machine *machine, UvPool *pool, uint32_t function, uint32_t then, bool slow,
                      bool *signals);
// Whether there is something for a thread to take.
bool uv_pool_has_work(const UvPool *pool);
// What a thread is to do; 0: it waits. `*more`: another thread is to be woken.
uint32_t uv_pool_take(UvPool *pool, bool *more);
// It is done, and handed to the loop.
void uv_pool_done(UvPool *pool, uint32_t work);
// The next one of those that the loop has taken from `done`, which keeps what it was until another
// one is posted; 0: none is left.
uint32_t uv_pool_next_done(UvPool *pool, UvWorkQueue *done);
void uv_pool_free(UvPool *pool);
