// Node's event loop: libuv's phases (uv_run of 1.45 and later: timers, poll, check, and round
// again) with what Node puts between them: after every callback the nextTick queue, then the
// microtasks. What has no use here is left out: pending, prepare and closing callbacks, and files
// other than the eventfd by which the thread pool wakes the loop.
//
// It lives in a Loop, whose thread runs plain functions as asyncio's call_soon has them run.
// Node's timers are node_timers.h's, the thread pool is uv_pool.h's.
#pragma once
#include "sim/python/asyncio.h"
#include "sim/python/node_timers.h"
#include "sim/python/uv_pool.h"

// Functions (FunctionDef's index1) in the order in which they came; 0: it has been taken back.
typedef struct UvQueue {
    ARRAY(uint32_t) functions;
    size_t first;
    uint64_t taken; // so many have been
} UvQueue;

// What a name of the scenario stands for: the last timer, or immediate, that it was given to.
typedef struct UvName {
    uint32_t timer;     // 0: none, or it is over
    uint64_t immediate; // how many were pushed before it, plus 1; 0: none
} UvName;

struct UvLoop {
    NodeTimers timers;
    uint32_t pool;        // UvPool's number; 0: nothing has been queued for one
    UvWorkQueue finished; // work whose end the poll phase has yet to call back for
    UvQueue ticks, microtasks, immediates;
    uint64_t immediates_alive; // those that nobody has taken back
    UvName *names;             // by TaskNameDef
    size_t checked;            // immediates that this check phase has yet to run
    bool looks;                // at what there is, before it waits
    bool draining;             // microtasks, until there are none
    uint32_t function;         // that is about to be called
    uint8_t from;              // UvQueueKind: where that comes from
    uint8_t after;             // the phase that goes on when ticks and microtasks are through
    uint64_t bytes;            // of memory that it has been counted with
};

// A loop for `thread`, and its end.
uint32_t uv_open(Machine *machine, Task *thread);
void uv_close(Machine *machine, uint32_t loop);
void uv_free(UvLoop *uv);

void uv_queue_push(UvQueue *queue, uint32_t function);
static inline size_t uv_queue_count(const UvQueue *queue)
{
    return queue->functions.count - queue->first;
}
// Not when it is empty. 0: it has been taken back.
uint32_t uv_queue_take(UvQueue *queue);

// setImmediate and clearImmediate; `name`: 0 for none.
void uv_set_immediate(UvLoop *uv, uint32_t function, uint32_t name);
// Its function; 0: there was none to take back.
uint32_t uv_clear_immediate(UvLoop *uv, uint32_t name);
// setTimeout, or setInterval, whose name it becomes; clearTimeout.
void uv_set_timer(const Machine *machine, UvLoop *uv, Duration after, bool repeats,
                  uint32_t function, uint32_t name);
// Its function; 0: it was not set any more, or is being called.
uint32_t uv_clear_timer(UvLoop *uv, uint32_t name);

// Counts what its queues and timers have grown by; past the limit of memory the run ends.
void uv_count_bytes(Machine *machine, UvLoop *uv);

// Whether there is anything to wait for.
bool uv_is_alive(const Machine *machine, const UvLoop *uv);
// For how many milliseconds epoll may wait: 0 not at all, -1 without end.
int64_t uv_poll_ms(const Machine *machine, const UvLoop *uv);
