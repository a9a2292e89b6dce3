// What the files that build a timeline share: the fold over the records, and how its rows grow. Not
// for readers of timelines.
#pragma once
#include "sim/analysis/timeline.h"

typedef struct FoldCore {
    int64_t irq_until_ns; // an interrupt has it until then
    uint32_t task;        // who has it, TaskId; 0: nobody
    uint8_t state;        // it is in when no interrupt has it: a TimelineState
} FoldCore;

typedef struct FoldTask {
    uint32_t row, spans_row;      // plus 1; 0: none yet
    uint32_t sync;                // number of the object that it waits for; 0
    uint32_t span;                // the innermost open one
    uint32_t gil;                 // number of the GIL that it has or waits for; 0
    uint32_t loop_row, ready_row; // plus 1; 0: it has run no loop yet
    uint8_t state;                // TaskState
} FoldTask;

typedef struct FoldCoroutine {
    uint32_t serial, row; // plus 1
} FoldCoroutine;

typedef struct FoldStream {
    uint64_t file;
    uint32_t thread, row; // plus 1
} FoldStream;

typedef struct Fold {
    Timeline *timeline;
    Scene scene;
    FoldCore *cores;
    ARRAY(FoldTask) tasks;     // by TaskId - 1
    ARRAY(uint32_t) copies;    // by the object's number, less those of the scenario: its row plus 1
    ARRAY(uint32_t) gil_rows;  // by the GIL's number - 1: its row plus 1
    ARRAY(uint32_t) pool_rows; // by the pool's number - 1: its row plus 1
    ARRAY(FoldStream) stream_rows;
    FoldCoroutine coroutines[TIMELINE_COROUTINES]; // those that have a row, by serial
    uint32_t coroutine_count;
    OpenSpans spans;
    uint8_t object_of[EVENT_KIND_COUNT]; // PlaceKind of what the kind's first argument names
} Fold;

static inline TimelineRow *row_of(Fold *fold, uint32_t row_plus_1)
{
    return &fold->timeline->rows.at[row_plus_1 - 1];
}

// A new row; its place among the rows plus 1.
uint32_t timeline_row_add(Timeline *timeline, TimelineRowKind kind, uint32_t id);
// The row is in this state from `now` on. What lasted no time is forgotten.
void timeline_row_set(TimelineRow *row, int64_t now, unsigned state, uint32_t subject);
// Moves the row to the next place of `rows` if what it is about was ever used.
void timeline_keep_used(TimelineRow *rows, size_t *to, TimelineRow *row);

// ---- timeline_python.c: rows of GILs, loops and coroutines

// Follows the record, which the scene has in it. For the record's task, if any.
void timeline_follow_python(Fold *fold, const TraceRecord *record);
// Puts the rows of GILs, or those of the thread's loops, behind the `*to` rows that are there.
void timeline_order_gils(const Fold *fold, const TimelineRow *from, TimelineRow *rows, size_t *to);
void timeline_order_loops(const Fold *fold, uint32_t task, TimelineRow *from, TimelineRow *rows,
                          size_t *to);

// ---- timeline_work.c: rows of pools and of streams

void timeline_follow_work(Fold *fold, const TraceRecord *record);
void timeline_order_work(const Fold *fold, TimelineRow *from, TimelineRow *rows, size_t *to);
