// Node's event loop: libuv's phases (uv_run of 1.45 and later: timers, poll, check, and round
// again) with what Node puts between them: after every callback the nextTick queue, then the
// microtasks. What has no use here is left out: pending, idle, prepare and closing callbacks, and
// files.
//
// It lives in a Loop, whose thread runs plain functions as asyncio's call_soon has them run.
#pragma once
#include "sim/python/asyncio.h"

// A timer: whole milliseconds of a clock that is looked at when it is set.
typedef struct UvTimer {
    int64_t due_ms;
    uint64_t sequence; // of one instant, the one set first is first
    uint32_t function;
} UvTimer;

// Functions (FunctionDef's index1) in the order in which they came.
typedef struct UvQueue {
    ARRAY(uint32_t) functions;
    size_t first;
} UvQueue;

struct UvLoop {
    ARRAY(UvTimer) timers; // a binary heap
    uint64_t sequence;
    UvQueue ticks, microtasks, immediates;
    size_t checked;    // immediates that this check phase has yet to run
    bool draining;     // microtasks, until there are none
    uint32_t function; // that is about to be called
    uint8_t after;     // the phase that goes on when ticks and microtasks are through
    int64_t now_ms;    // as of the last look at the clock
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
// Not when it is empty.
uint32_t uv_queue_take(UvQueue *queue);

void uv_update_time(const Machine *machine, UvLoop *uv);
// setTimeout: at least a millisecond, whole ones.
void uv_set_timeout(const Machine *machine, UvLoop *uv, Duration after, uint32_t function);
// The function of a timer that is due, and no more set; 0: none is.
uint32_t uv_take_timer(UvLoop *uv);
// Whether there is anything to wait for.
bool uv_is_alive(const UvLoop *uv);
// For how many milliseconds epoll may wait.
int64_t uv_poll_ms(const UvLoop *uv);
