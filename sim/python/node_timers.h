// Node's timers (lib/internal/timers.js): one list for each duration, in which timers are in the
// order in which they were set, and a queue of the lists by when the first of each is due. All of a
// list that are due are called before the next list's, so that timers of different durations may
// come out of order. Under all of them is one timer of libuv's, at the earliest list's instant.
//
// A timer's duration is in whole milliseconds of libuv's clock; one if it is less, or does not fit
// into 31 bits (24.8 days).
#pragma once
#include "sim/kernel/machine.h"
#include "sim/python/uv_timers.h"

typedef struct NodeTimer {
    uint32_t function;       // FunctionDef's index1; 0: it is over
    uint32_t list;           // index1; 0: in none
    uint32_t next, previous; // in that, or the next one that is not used
    bool repeats, cleared;
    int64_t start_ms, ms;
} NodeTimer;

typedef struct NodeTimerList {
    int64_t ms, due_ms;
    uint64_t sequence; // that it is in the queue with
    uint32_t first, last;
    uint32_t next;   // the next one that is not used
    bool dead;       // nothing new goes into it
    bool is_running; // its timers are being called
} NodeTimerList;

typedef struct NodeTimers {
    ARRAY(NodeTimer) timers;
    ARRAY(NodeTimerList) lists;
    ARRAY(uint32_t) by_ms; // lists, by duration
    UvTimers queue;        // of lists, but for the one that is gone through
    uint32_t free_timer, free_list;
    uint32_t alive;   // timers that are set, the one that is being called included
    int64_t now_ms;   // libuv's clock, as of the last look at it
    int64_t due_ms;   // of libuv's one timer; -1: it is not set
    int64_t next_ms;  // when the first list is due, as far as Node knows; INT64_MAX: no list is
    int64_t begun_ms; // what processTimers was told that the time is
    uint32_t list;    // that is gone through; 0: none
    bool over;        // processTimers has returned
    uint32_t called;  // the timer that is being called; 0: none
    int64_t again_ms; // when its next time began to count, if it is an interval
} NodeTimers;

void node_timers_look(const Machine *machine, NodeTimers *timers); // at the clock
// The number of a new timer.
uint32_t node_timers_set(const Machine *machine, NodeTimers *timers, Duration after, bool repeats,
                         uint32_t function);
void node_timers_clear(NodeTimers *timers, uint32_t timer);
// libuv's timers phase: whether its one timer is due; then processTimers begins.
bool node_timers_begin(const Machine *machine, NodeTimers *timers);
// The function of the next one to call; 0: processTimers is over.
uint32_t node_timers_next(const Machine *machine, NodeTimers *timers);
// What was called has returned, and its ticks and microtasks have yet to run. The timer that is
// over by that, for good; 0: none.
uint32_t node_timers_called(NodeTimers *timers);
// The memory that they take.
uint64_t node_timers_bytes(const NodeTimers *timers);
void node_timers_free(NodeTimers *timers);
