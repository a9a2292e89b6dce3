// The rows of pools of processes (items that nobody has begun) and of streams (bytes in their
// buffers), as a timeline is built. An executor's is that of its queue.
#include "sim/analysis/timeline_fold.h"

static uint32_t level_of(uint64_t level)
{
    return level > UINT32_MAX ? UINT32_MAX : (uint32_t)level;
}

static void follow_pools(Fold *fold, int64_t now)
{
    const SceneWork *work = &fold->scene.python.work;
    while (fold->pool_rows.count < work->pools.count) {
        uint32_t number = (uint32_t)fold->pool_rows.count + 1;
        uint32_t row = timeline_row_add(fold->timeline, ROW_LEVEL, number);
        row_of(fold, row)->place = PLACE_POOL;
        timeline_row_set(row_of(fold, row), 0, TIMELINE_LEVEL, 0);
        *ARRAY_PUSH(&fold->pool_rows) = row;
    }
    for (uint32_t number = 1; number <= work->pools.count; number++)
        timeline_row_set(row_of(fold, fold->pool_rows.at[number - 1]), now, TIMELINE_LEVEL,
                         scene_pool_queued(&work->pools.at[number - 1]));
}

// The row of a stream, as the record names it; a new one if it is the first record of it.
static TimelineRow *stream_row(Fold *fold, const TraceRecord *record)
{
    for (size_t i = 0; i < fold->stream_rows.count; i++) {
        const FoldStream *stream = &fold->stream_rows.at[i];
        if (stream->thread == record->task && stream->file == record->a)
            return row_of(fold, stream->row);
    }
    uint32_t row = timeline_row_add(fold->timeline, ROW_LEVEL, file_id(record->a));
    row_of(fold, row)->place = PLACE_STREAM;
    row_of(fold, row)->process = scene_task(&fold->scene, record->task)->process;
    row_of(fold, row)->instance =
        file_kind(record->a) == FILE_PIPE_READ ? PIPE_END_READ : PIPE_END_WRITE;
    timeline_row_set(row_of(fold, row), 0, TIMELINE_LEVEL, 0);
    *ARRAY_PUSH(&fold->stream_rows) = (FoldStream){record->a, record->task, row};
    return row_of(fold, row);
}

// The streams of a loop go with it.
static void end_streams(Fold *fold, const TraceRecord *record)
{
    for (size_t i = 0; i < fold->stream_rows.count; i++)
        if (fold->stream_rows.at[i].thread == record->task)
            timeline_row_set(row_of(fold, fold->stream_rows.at[i].row), record->time_ns,
                             TIMELINE_LEVEL, 0);
}

void timeline_follow_work(Fold *fold, const TraceRecord *record)
{
    switch ((EventKind)record->kind) {
    case EVENT_POOL_ASKED:
    case EVENT_POOL_RUN:
        follow_pools(fold, record->time_ns);
        break;
    case EVENT_STREAM_LEVEL:
        if (scene_stream(&fold->scene, record->task, record->a) != NULL)
            timeline_row_set(stream_row(fold, record), record->time_ns, TIMELINE_LEVEL,
                             level_of(record->b));
        break;
    case EVENT_LOOP_ENDED:
    case EVENT_TASK_EXITED:
    case EVENT_TASK_KILLED:
        end_streams(fold, record);
        break;
    default:
        break;
    }
}

void timeline_order_work(const Fold *fold, TimelineRow *from, TimelineRow *rows, size_t *to)
{
    for (size_t i = 0; i < fold->pool_rows.count; i++)
        timeline_keep_used(rows, to, &from[fold->pool_rows.at[i] - 1]);
    for (size_t i = 0; i < fold->stream_rows.count; i++)
        timeline_keep_used(rows, to, &from[fold->stream_rows.at[i].row - 1]);
}
