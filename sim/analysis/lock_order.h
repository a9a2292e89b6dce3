// The order in which locks are taken. Whoever takes lock B while it has lock A puts "A before B"; a
// circle of such orders (A before B somewhere, B before A elsewhere) can deadlock when the threads
// meet, although in this run they did not. A fold of the trace, part of metrics.h; after the idea
// of Linux's lockdep.
//
// Not reported: a circle that only one thread goes round (it cannot wait for itself, here), and one
// whose every step is taken under one and the same further lock, which lets one in at a time.
// Semaphores are no locks here: whoever likes may release them.
#pragma once
#include "sim/base/array.h"
#include "sim/scenario/scenario.h"
#include "sim/trace/record.h"

// "`from` before `to`": the first time it was seen.
typedef struct LockEdge {
    uint32_t from, to;       // SyncId.index1
    uint32_t task;           // TaskId.index1 of the first to do it
    bool others;             // other tasks did it too
    uint32_t from_op, to_op; // where it took them
    uint64_t gate;           // the further locks that were held every time (ids up to 64)
    uint32_t next;           // of the same `from`: index1
} LockEdge;

// A circle: `count` edges from `first` of LockOrder.circle_edges on.
typedef struct LockCircle {
    uint32_t first, count;
} LockCircle;

typedef struct LockHeld {
    uint32_t task, sync, op;
    uint32_t next; // of the same task: index1
} LockHeld;

enum { LOCK_CIRCLES_MAX = 32 };

typedef struct LockOrder {
    const Scenario *scenario;
    uint32_t *first_edge; // by SyncId.index1: index1 into edges
    ARRAY(LockEdge) edges;
    ARRAY(LockHeld) held;       // what every task has, the last taken first
    ARRAY(uint32_t) held_first; // by TaskId.index1: index1 into held
    uint32_t held_free;
    ARRAY(uint32_t) circle_edges; // indexes of edges
    ARRAY(LockCircle) circles;    // the shortest through each edge that no other circle has
} LockOrder;

void lock_order_open(LockOrder *order, const Scenario *scenario);
void lock_order_free(LockOrder *order);
// Any record about a lock of the scenario.
void lock_order_add(LockOrder *order, const TraceRecord *record);
// Looks for circles. Once, at the end.
void lock_order_finish(LockOrder *order);
