#include "sim/analysis/stream_metrics.h"

#include "sim/base/check.h"

#include <stdlib.h>

void stream_table_open(StreamTable *table, const Scenario *scenario)
{
    table->count = scenario->pipe_count;
    table->pipes = calloc(table->count + 1, sizeof *table->pipes);
    CHECKF(table->pipes != NULL, "out of memory for %u streams", table->count);
}

void stream_table_free(StreamTable *table)
{
    for (uint32_t i = 1; i <= table->count; i++)
        samples_free(&table->pipes[i].returned);
    free(table->pipes);
    *table = (StreamTable){0};
}

void stream_table_add(StreamTable *table, const TraceRecord *record)
{
    bool read = record->kind == EVENT_STREAM_READ;
    uint64_t pipe = read ? record->a : file_id(record->a);
    if (pipe == 0 || pipe > table->count)
        return;
    StreamMetrics *stream = &table->pipes[pipe];
    bool writer = !read && file_kind(record->a) == FILE_PIPE_WRITE;
    uint64_t *most = writer ? &stream->unsent : &stream->unread;
    switch ((EventKind)record->kind) {
    case EVENT_STREAM_READ:
        samples_add(&stream->returned, (int64_t)(record->b & INT64_MAX), 0);
        break;
    case EVENT_STREAM_LEVEL:
        *most = record->b > *most ? record->b : *most;
        break;
    case EVENT_STREAM_PAUSED:
        stream->pauses += !writer;
        stream->drain_waits += writer;
        break;
    default:
        break;
    }
}
