// The timeline: what every core, lock, thread and span of a recording was doing when, as intervals
// of states, indexed so that a view can ask for any stretch of time at any width without looking at
// the records. A fold of the trace over the scene; not a picture, and not the scene, which knows
// one instant and all of it.
//
// The intervals of a row follow one another without a gap from the row's first instant (0, or a
// thread's creation) to the end of the recording, and none of them is empty: what takes no time is
// not in a row. Beside them each row keeps, for every TIMELINE_BLOCK intervals, how long it has
// been in each state until then. So the time in each state between any two instants costs two
// searches and two short scans, however much happens between them.
//
// An interrupt has its core from the instant that its record tells, or from the end of those before
// it on that core, and nobody else runs there meanwhile (as in metrics.h): core and thread are both
// in TIMELINE_INTERRUPT.
#pragma once
#include "sim/analysis/open_spans.h"
#include "sim/analysis/recording.h"

#include <stdatomic.h>

// What rows are in besides the states of threads. X(ID, "word")
#define TIMELINE_STATES(X)                                                                         \
    X(INTERRUPT, "interrupt") /* a core serves one, and so does not run its thread */              \
    X(IDLE, "idle")           /* a core */                                                         \
    X(FREE, "free")           /* a lock */                                                         \
    X(HELD, "held")           /* a lock, and nobody waits for it */                                \
    X(CONTENDED, "held, others wait")                                                              \
    X(READ, "held by readers")                                                                     \
    X(LEVEL, "level") /* what counts: a queue, a pipe */                                           \
    X(IN_SPAN, "in a span")                                                                        \
    X(NO_SPAN, "in no span")                                                                       \
    X(GIL_ASKED, "held, asked to drop it")                                                         \
    X(LOOP_CALLS, "calls") /* a loop: it calls a callback */                                       \
    X(LOOP_POLLS, "polls") /* asks the selector for events */                                      \
    X(LOOP_TURNS, "turns") /* what a turn costs besides those */

typedef enum TimelineState {
    TIMELINE_THREAD_STATES = TASK_STATE_COUNT - 1, // 0 .. this are a TaskState
#define X(id, word) TIMELINE_##id,
    TIMELINE_STATES(X)
#undef X
        TIMELINE_STATE_COUNT
} TimelineState;

_Static_assert(TIMELINE_STATE_COUNT <= 32, "a row's states are a mask of 32 bits");

const char *timeline_state_word(unsigned state);

// What a row is about. Cores come first, then GILs, then objects: locks that somebody takes or
// waits for, and what counts (the value of a semaphore, the items of a queue or a pool, the bytes
// of a pipe or a stream …) if it ever changes; of what Python's library has, executors' queues
// only. Then threads; one's spans have a row, below its own, when it begins any, and so has the
// event loop that it runs: the loop itself, how many callbacks are ready (a ROW_LEVEL), and its
// coroutines, in the order of their creation, up to TIMELINE_COROUTINES of them in all.
typedef enum TimelineRowKind {
    ROW_CORE,
    ROW_LOCK,
    ROW_LEVEL,
    ROW_TASK,
    ROW_SPANS,
    ROW_GIL,
    ROW_LOOP,
    ROW_COROUTINE
} TimelineRowKind;

enum { TIMELINE_COROUTINES = 32 };

typedef struct TimelineInterval {
    int64_t begin_ns; // it lasts to the next one's beginning, the last one to the recording's end
    // Whom or what the state is about. A core: TaskId of who has it. A lock: TaskId of who holds
    // it (of asyncio's: of the thread whose coroutine does), or the number of its readers. What
    // counts: the level, at most UINT32_MAX. A thread: the core plus 1 while it has one, the id of
    // what it waits for (see PlaceKind) while it waits, else 0. Spans: StringId of the innermost
    // one. A GIL: TaskId of its holder. A loop: serial of the coroutine that the callback is about,
    // 0: of none. A coroutine, whose states are those of threads: RUNNABLE from when it is ready,
    // RUNNING_USER while its code is being executed, also when the thread waits meanwhile; SLEEPS;
    // WAITS_JOIN for the coroutine with that serial, or 0: for several; WAITS_LOCK and WAITS_SYNC
    // at the SyncId, 0: for something else; WAITS_PIPE for the stream of that PipeId. ENDED.
    uint32_t subject;
    uint8_t state; // TimelineState
} TimelineInterval;

enum { TIMELINE_BLOCK = 16 };

typedef struct TimelineRow {
    uint8_t kind;  // TimelineRowKind
    uint8_t place; // of an object: PLACE_SYNC, PLACE_PIPE or PLACE_MESSAGES; of the level of a
                   // ready list: PLACE_LOOP; of the items that a pool has not begun: PLACE_POOL;
                   // of the buffer of a stream: PLACE_STREAM
    uint32_t id; // core, TaskId, SyncId, or the id that belongs to `place`. A GIL: Pid. A loop and
                 // its ready list: TaskId of its thread. A coroutine: its serial. A pool: PoolDef's
                 // index1. A stream: PipeId.
    uint32_t process; // Pid, when the object is a process's own copy, of a GIL or stream; else 0
    uint32_t states;  // that occur in it: a mask
    // Of a thread. A GIL: `instance` is its interpreter's number, 0 the main one's. A coroutine:
    // its function, and TaskId of its loop's thread. A stream: `instance` is its PipeEnd.
    uint32_t def, instance;
    ARRAY(TimelineInterval) intervals;
    // Of every block when there are several, else NULL: when it begins, and in the same memory how
    // long the row was in each of `states` before it.
    int64_t *begins_ns, *sums_ns;
    uint8_t columns; // how many states occur: sums a block
    // What counts: its highest level, and before every block the sum of level x ns.
    uint32_t level_most;
    double *level_sums;
} TimelineRow;

static inline size_t timeline_row_blocks(const TimelineRow *row)
{
    return (row->intervals.count + TIMELINE_BLOCK - 1) / TIMELINE_BLOCK;
}

typedef struct TimelineWakeup {
    int64_t time_ns;
    uint32_t waker; // TaskId; 0: an interrupt
    uint32_t woken;
} TimelineWakeup;

typedef enum TimelineInstantKind {
    INSTANT_MARK,
    INSTANT_PRINT,
    INSTANT_MIGRATED,
    INSTANT_GIL_ASKED, // `what` is the Pid: asks its holder to drop it
    INSTANT_KIND_COUNT
} TimelineInstantKind;

// Something that a thread does at one instant.
typedef struct TimelineInstant {
    int64_t time_ns;
    uint32_t task;
    uint32_t what; // StringId, or the core that it comes from plus 1
    uint8_t kind;  // TimelineInstantKind
} TimelineInstant;

// Which items of a list are about which thread: those of TaskId t are at ids[first[t - 1]] ..
// ids[first[t]], in the order of time.
typedef struct TimelineIndex {
    uint32_t *first, *ids;
} TimelineIndex;

// A thread by what it is called by in every run of a scenario.
typedef struct TimelineName {
    uint32_t def, instance, task;
} TimelineName;

typedef struct Timeline {
    const Recording *recording;
    int64_t end_ns;
    bool by_event;   // the run takes no time: each event has a place of its own, from 1, and all
                     // times of rows, wake-ups and instants are these instead of nanoseconds
    uint32_t states; // that occur in any row: a mask
    ARRAY(TimelineRow) rows;
    size_t gil_first, object_first, task_first; // rows; cores begin at 0
    uint32_t coroutines_left_out;               // that have no row
    ARRAY(uint32_t) task_rows;                  // by TaskId - 1: its row plus 1; 0: none
    ARRAY(TimelineWakeup) wakeups;              // in the order of time
    ARRAY(TimelineInstant) instants;
    size_t instant_counts[INSTANT_KIND_COUNT];
    TimelineIndex wakeups_of, instants_of; // a wake-up is both the waker's and the woken one's
    ARRAY(TimelineName) names;             // in order
} Timeline;

// Folds the whole recording once, which outlives the timeline.
void timeline_open(Timeline *timeline, const Recording *recording);
// The same, but when `*given_up` becomes true it ends soon, and what comes of it is of no use.
void timeline_open_unless(Timeline *timeline, const Recording *recording,
                          const atomic_bool *given_up);
void timeline_free(Timeline *timeline);
size_t timeline_bytes(const Timeline *timeline); // of memory

// The row of a thread; NULL when there is none.
const TimelineRow *timeline_task_row(const Timeline *timeline, uint32_t task);
// The row that is about the same as `row`, which is another recording's of the same scenario on
// another machine: same core, lock, or thread by its entry and its number. NULL: none.
const TimelineRow *timeline_like(const Timeline *timeline, const TimelineRow *row);

// "core 0", "lock cache", "web-3". Returns `text`.
char *timeline_row_name(const Timeline *timeline, const TimelineRow *row, char text[static 128]);

// The interval that the row is in at `time_ns`, SIZE_MAX before the row's first instant and behind
// the recording's end.
size_t timeline_at(const Timeline *timeline, const TimelineRow *row, int64_t time_ns);
int64_t timeline_interval_end(const Timeline *timeline, const TimelineRow *row, size_t interval);

// How long the row was in each state within [from_ns, to_ns): adds up to the part of that in which
// the row exists.
void timeline_sums(const Timeline *timeline, const TimelineRow *row, int64_t from_ns, int64_t to_ns,
                   int64_t ns[static TIMELINE_STATE_COUNT]);

// The mean level of a ROW_LEVEL within [from_ns, to_ns), of the part in which the row exists; the
// level at from_ns when there is no such part or no length.
double timeline_level(const Timeline *timeline, const TimelineRow *row, int64_t from_ns,
                      int64_t to_ns);

// One pixel column of a row.
typedef struct TimelineBin {
    int64_t ns[TIMELINE_STATE_COUNT]; // in each state
    size_t interval; // the first that it meets; of two, the one that takes more of it
    size_t touched;  // intervals that it meets; 0: the row does not exist there
    uint8_t state;   // which takes most of it, of equal ones the lower one
} TimelineBin;

// Bins `first` .. `first` + `count` of those that cut [from_ns, to_ns) into `of` equal ones, to a
// nanosecond. A stretch shorter than `of` nanoseconds has bins of no length, which meet the
// interval at their instant. Costs O(count + log intervals) searches, never the number of records.
void timeline_bins(const Timeline *timeline, const TimelineRow *row, int64_t from_ns, int64_t to_ns,
                   size_t of, size_t first, size_t count, TimelineBin *bins);
// Where bin `bin` begins.
int64_t timeline_bin_ns(int64_t from_ns, int64_t to_ns, size_t of, size_t bin);

// Items of a thread with from_ns <= time < to_ns, as indexes into `wakeups` or `instants`.
typedef struct TimelineItems {
    const uint32_t *ids;
    size_t count;
} TimelineItems;

TimelineItems timeline_wakeups(const Timeline *timeline, uint32_t task, int64_t from_ns,
                               int64_t to_ns);
TimelineItems timeline_instants(const Timeline *timeline, uint32_t task, int64_t from_ns,
                                int64_t to_ns);
