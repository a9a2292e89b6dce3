// A trace to move about in: all records, the scenario that names things, and key frames, so that
// the scene at any record is a short fold away. The trace may be simulated or measured: nobody here
// asks.
#pragma once
#include "sim/analysis/process_names.h"
#include "sim/analysis/scene.h"
#include "sim/analysis/task_table.h"
#include "sim/trace/sinks.h"
#include "sim/trace/trace_file.h"

// How far apart key frames are: at least so many records, and a record for so many bytes of the
// frame. A record takes 32 bytes, so that the frames take at most half of the records' memory.
enum { KEY_RECORDS_LEAST = 1024, KEY_FRAME_SHARE = 16 };

typedef struct Recording {
    const Scenario *scenario;
    const MemorySink *memory; // one of these two holds the records
    const TraceRecord *records;
    uint64_t count;
    int64_t end_ns;               // time of the last record; 0 without records
    ARRAY(Scene) key_frames;      // in order
    uint64_t key_bytes, last_key; // what they take; how many records before the last one
    TaskTable tasks;              // names of all tasks of the trace
    ProcessNames processes;
} Recording;

// Which records a step stops at. Zero-initialised with `core` CORE_NONE: every record.
typedef struct RecordFilter {
    uint32_t task; // TaskId; 0: any
    int core;      // CORE_NONE: any
    bool by_kind;
    bool kinds[EVENT_KIND_COUNT]; // with by_kind: the wanted ones
} RecordFilter;

enum { RECORD_NONE = -1 };

// Folds the whole trace once. `scenario` and the records outlive the recording and do not change.
void recording_of_memory(Recording *recording, const Scenario *scenario, const MemorySink *memory);
void recording_of_file(Recording *recording, const Scenario *scenario, const TraceFile *file);
void recording_free(Recording *recording);

const TraceRecord *recording_at(const Recording *recording, uint64_t index); // index < count
// How many records have happened by `time_ns`: those at that instant included.
uint64_t recording_by(const Recording *recording, int64_t time_ns);

// Makes `scene` (open, of the same scenario) the one with the first `next` records folded, next <=
// count. Steps forward by folding, anything else from the nearest key frame.
void recording_seek(const Recording *recording, Scene *scene, uint64_t next);
// The scene at an instant, all records of that instant folded; its time is `time_ns`, which may lie
// between records (0 <= time_ns <= end_ns; clamped).
void recording_seek_time(const Recording *recording, Scene *scene, int64_t time_ns);

bool record_wanted(const RecordFilter *filter, const TraceRecord *record);
// The index of the next wanted record from `from` on (direction 1), or of the last one before
// `from` (direction -1); RECORD_NONE when there is none.
int64_t recording_find(const Recording *recording, uint64_t from, int direction,
                       const RecordFilter *filter);

// "hog-2", "thread 17" for an unknown id. Returns `text`.
char *recording_task_name(const Recording *recording, uint32_t task, char text[static 96]);
