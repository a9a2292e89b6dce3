// What streams have done, by pipe: what each read of them returned, and how full their buffers
// were.
#pragma once
#include "sim/analysis/samples.h"
#include "sim/scenario/scenario.h"
#include "sim/trace/record.h"

typedef struct StreamMetrics {
    Samples returned;             // bytes, a read each
    uint64_t unread, unsent;      // the most bytes in a reader's buffer, and in a writer's
    uint64_t pauses, drain_waits; // how often a reader was not read any more; a writer too full
} StreamMetrics;

typedef struct StreamTable {
    StreamMetrics *pipes; // by PipeId
    uint32_t count;
} StreamTable;

void stream_table_open(StreamTable *table, const Scenario *scenario);
void stream_table_free(StreamTable *table);
static inline bool stream_table_takes(unsigned kind)
{
    return kind >= EVENT_STREAM_LEVEL && kind <= EVENT_STREAM_READ;
}
void stream_table_add(StreamTable *table, const TraceRecord *record);
