// The order in which locks are taken. Whoever takes lock B while it has lock A puts "A before B"; a
// circle of such orders (A before B somewhere, B before A elsewhere) can deadlock when the threads
// meet, although in this run they did not. A fold of the trace, part of metrics.h; after the idea
// of Linux's lockdep.
//
// Not reported: a circle that only one thread goes round (it cannot wait for itself, here), and one
// whose every step is taken under one and the same gate: a further lock, which lets one in at a
// time, or a semaphore, which lets in fewer than the circle has steps. A semaphore counts as a gate
// as long as only those who have acquired it release it; it makes no order itself, because whoever
// likes may release it. Nor reported: a circle in which nobody would wait, because a lock is held
// for reading and wanted for reading (unless it prefers writers and has one); and one of whose
// orders was taken for the last time before the thread was spawned that takes another. That a join
// or a semaphore keeps two orders apart is not seen.
#pragma once
#include "sim/analysis/instances.h"

// "`from` before `to`": the first time it was seen.
typedef struct LockEdge {
    uint32_t from, to;          // numbers, see instances.h; once finished, SyncId.index1
    uint32_t task;              // TaskId.index1 of the first to do it
    bool others;                // other tasks did it too
    bool from_reads, to_reads;  // each time, `from` was held and `to` taken with other readers
    uint64_t last;              // LockOrder.sequence when it was last seen
    uint32_t from_op, to_op;    // where it took them
    uint32_t gates, gate_count; // in LockOrder.gates: what else was held every time
    uint32_t next;              // of the same `from`: index1
} LockEdge;

// A circle: `count` edges from `first` of LockOrder.circle_edges on.
typedef struct LockCircle {
    uint32_t first, count;
} LockCircle;

typedef struct LockHeld {
    uint32_t task, sync, op;
    uint32_t next; // of the same task: index1
    bool gate;     // a semaphore: only as a gate
    bool reads;    // with others: keeps nobody out
} LockHeld;

// A task that another one has made when there were orders already.
typedef struct LockChild {
    uint32_t maker;    // TaskId.index1, 0: none
    uint64_t sequence; // LockOrder.sequence then
} LockChild;

enum { LOCK_CIRCLES_MAX = 32 };

typedef struct LockOrder {
    const Instances *instances;
    ARRAY(uint32_t) first_edge; // by number: index1 into edges
    ARRAY(LockEdge) edges;
    ARRAY(uint32_t) gates;
    ARRAY(bool) open_gates; // by number: semaphores that one has released who had not acquired them
    ARRAY(bool) written;    // by number: locks that one has taken alone
    ARRAY(LockChild) children;  // by TaskId.index1
    uint64_t sequence;          // of the records so far
    ARRAY(LockHeld) held;       // what every task has, the last taken first
    ARRAY(uint32_t) held_first; // by TaskId.index1: index1 into held
    uint32_t held_free;
    ARRAY(uint32_t) circle_edges; // indexes of edges
    ARRAY(LockCircle) circles;    // the shortest through each edge that no other circle has
} LockOrder;

// `instances` outlive it.
void lock_order_open(LockOrder *order, const Instances *instances);
void lock_order_free(LockOrder *order);
// Any record about a lock or a semaphore of the scenario; `number`: which one.
void lock_order_add(LockOrder *order, const TraceRecord *record, uint32_t number);
// `task` has been made by `maker` (TaskId.index1).
void lock_order_made(LockOrder *order, uint32_t task, uint32_t maker);
// Looks for circles. Once, at the end.
void lock_order_finish(LockOrder *order);
