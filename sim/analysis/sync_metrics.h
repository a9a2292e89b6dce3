// What a run says of one lock, semaphore, condition, event, barrier or queue: waits, holds, what it
// counted over time, waves, who has it at the moment. A fold of the trace, part of metrics.h.
//
// - A wait is from the first time that a thread could not have it to the time that it had it, or
//   gave up (a timeout): being woken and having to wait again is one wait.
// - The level is what the object counts: a semaphore's value, a queue's items, a barrier's threads
//   that have come, 1 or 0 for an event; the readers or the one writer of a rwlock; how deep a lock
//   is held.
// - Waves: who had to wait, and got it when somebody of wave n gave it up, is of wave n + 1; who
//   did not have to wait is of wave 1. A semaphore of 10 and 30 threads that come together make
//   three waves. A barrier's waves are its rounds.
// - Of asyncio's objects coroutines wait and hold; one that is woken and must wait again waits
// twice.
#pragma once
#include "sim/analysis/samples.h"
#include "sim/base/array.h"
#include "sim/scenario/scenario.h"
#include "sim/trace/record.h"

// Somebody who has it.
typedef struct SyncHold {
    uint32_t task, op, wave; // op: which took it
    int64_t since_ns;
    uint64_t coroutine; // of asyncio's: who has it, run by `task`
} SyncHold;

// A coroutine that waits for it.
typedef struct AsyncWaiter {
    uint64_t coroutine;
    int64_t since_ns;
} AsyncWaiter;

typedef struct SyncMetrics {
    Samples waits, holds;
    ARRAY(SyncHold) holders; // at the end: those who still have it
    uint32_t open_waits;     // at the end: who still waits for it
    int64_t level, level_min, level_max;
    int64_t begun_ns; // it is there from then on
    int64_t level_since_ns;
    double level_ns; // the level times how long it was so, up to level_since_ns
    uint32_t waves, given_up_wave;
    uint64_t lost; // notifications of a condition that nobody waited for
    // asyncio's. Waiters before `awaiting_from` have gone on.
    ARRAY(AsyncWaiter) awaiting;
    size_t awaiting_from;
    uint64_t woken; // the coroutine whose wait is just over
} SyncMetrics;

// How many coroutines wait for it.
static inline uint32_t sync_metrics_awaiting(const SyncMetrics *metrics)
{
    return (uint32_t)(metrics->awaiting.count - metrics->awaiting_from);
}

// It is there from `now_ns` on.
void sync_metrics_open(SyncMetrics *metrics, const SyncDef *def, int64_t now_ns);
// It is a copy of `from`, made at `now_ns` for task `child` by task `forker`: what that one holds,
// the child holds.
void sync_metrics_copy(SyncMetrics *metrics, const SyncMetrics *from, int64_t now_ns,
                       uint32_t forker, uint32_t child);
void sync_metrics_free(SyncMetrics *metrics);

// What a thread waits for: part of its metrics.
typedef struct SyncWait {
    uint32_t sync; // SyncId.index1; 0: nothing
    int64_t since_ns;
    uint32_t woken_by; // SyncId.index1: its wait there is just over; 0: none
} SyncWait;

// `record` is about the object of `metrics`; `wait` is that of the record's thread.
void sync_metrics_add(SyncMetrics *metrics, SyncWait *wait, const TraceRecord *record);
// The mean of the level over the time that it was there, up to `now_ns`; the level itself when that
// is none.
double sync_metrics_level_mean(const SyncMetrics *metrics, int64_t now_ns);
