// The critical path: what the length of a run, or of a span, is made of. It is followed from the
// end back: as long as a thread runs, or is runnable and waits for a core, that is the path; where
// it had been blocked, the path goes on with who woke it, at that instant, because what the woken
// one waited for was what the other one did meanwhile. A wait that only a timer ended is itself on
// the path, but for one for a GIL: its timer is the switch interval, and who held the GIL all the
// while is who it waited for. A new thread leads to the one that created it, a thread that spun for
// a lock to the one that released it.
//
// The segments tile the interval: nothing is counted twice, nothing is left out. Time that
// interrupts take from a thread on its core counts as the thread's. Not a history of one thread
// (that is the timeline), and not a promise: what makes a segment shorter may bring another path to
// light that is as long.
#pragma once
#include "sim/analysis/recording.h"
#include "sim/base/arena.h"
#include "sim/base/array.h"

#include <stdatomic.h>

// How the path comes from the segment before to this one.
typedef enum PathLink {
    PATH_SAME,     // the same thread goes on
    PATH_WOKEN,    // the thread before has woken it: `record` is the WAKEUP
    PATH_CREATED,  // the thread before has created it: the TASK_CREATED
    PATH_RELEASED, // the thread before has released the lock that it spun for: the LOCK_RELEASED
    PATH_HELD,     // the thread before had the GIL that it waited for a switch interval long: the
                   // WAKEUP
    // Only on paths of coroutines:
    PATH_READY,  // the one before has made the coroutine ready: the CALLBACK_READY
    PATH_RESULT, // the thread before has done what the coroutine awaited: the EXECUTOR_DONE
    PATH_INPUT,  // the thread before has written, or read, the pipe of its stream: the EPOLL_READY
} PathLink;

typedef struct PathSegment {
    int64_t from_ns, to_ns; // from < to
    uint32_t task;          // TaskId
    uint32_t coroutine;     // serial of the coroutine of that thread's loop whose segment it is; 0
    uint8_t state;          // TaskState
    uint8_t link;           // PathLink
    uint64_t record;        // index of the link's record; 0 for PATH_SAME
} PathSegment;

typedef struct PathShare {
    uint32_t task, coroutine;
    int64_t ns;
    int64_t by_state[TASK_STATE_COUNT];
} PathShare;

typedef struct CriticalPath {
    int64_t from_ns, to_ns;
    ARRAY(PathSegment) segments;        // in order of time; each begins where the one before ends
    int64_t by_state[TASK_STATE_COUNT]; // their sum is to - from, and so is that of the shares
    ARRAY(PathShare) shares; // a row a thread or coroutine of the path, the longest first
} CriticalPath;

// Each of these makes a path, which is freed with critical_path_free whatever was returned. It
// costs a pass over the records of the interval. The recording need not be whole: damaged traces
// give some path that tiles the interval.

// Of the whole run: from its last thread's end, or else from the last one that did something.
void critical_path_of_run(CriticalPath *path, const Recording *recording);
// The same, but when `*given_up` becomes true it ends soon, and what comes of it is of no use.
void critical_path_of_run_unless(CriticalPath *path, const Recording *recording,
                                 const atomic_bool *given_up);
// Of the span that begins with record `begin`, a SPAN_BEGIN. False, with an empty path, when that
// is none or the span does not end.
bool critical_path_of_span(CriticalPath *path, const Recording *recording, uint64_t begin);
// Of `task` in an interval: how it came to where it is once `next` records have happened (the last
// of them not after `to_ns`), from_ns <= to_ns.
void critical_path_of_task(CriticalPath *path, const Recording *recording, uint32_t task,
                           uint64_t next, int64_t from_ns, int64_t to_ns);
// Of a coroutine, by its serial, in an interval: how it came to where it is once `next` records
// have happened. Where it runs its segments are those of its thread; it is RUNNABLE from when it is
// ready, and the path goes on with who made it so: another coroutine, the thread that did what it
// awaited of an executor (and from there on with whom that waited for), or who wrote to the pipe
// that it reads. What only a timer ended is itself on the path.
void critical_path_of_coroutine(CriticalPath *path, const Recording *recording, uint32_t serial,
                                uint64_t next, int64_t from_ns, int64_t to_ns);
void critical_path_free(CriticalPath *path);

// "web-1", or "handle #3" of a coroutine of it, in the arena.
const char *critical_path_name(Arena *arena, const Recording *recording, uint32_t task,
                               uint32_t coroutine);

// The index of the SPAN_BEGIN of the longest span called `name` that ends, the first of equals;
// RECORD_NONE when there is none.
int64_t critical_path_longest_span(const Recording *recording, const char *name);
