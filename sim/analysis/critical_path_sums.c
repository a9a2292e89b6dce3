// What a critical path is made of, added up; and which span is the longest of its name.
#include "sim/analysis/critical_path_walk.h"

#include "sim/analysis/sentence.h"
#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

// ---- the finished path

static void reverse(CriticalPath *path)
{
    for (size_t i = 0, k = path->segments.count; i + 1 < k; i++) {
        PathSegment kept = path->segments.at[i];
        path->segments.at[i] = path->segments.at[--k];
        path->segments.at[k] = kept;
    }
}

static int by_length(const void *left, const void *right)
{
    const PathShare *a = left, *b = right;
    if (a->ns != b->ns)
        return a->ns > b->ns ? -1 : 1;
    if (a->task != b->task)
        return a->task < b->task ? -1 : 1;
    return a->coroutine < b->coroutine ? -1 : a->coroutine > b->coroutine;
}

static PathShare *share_of_coroutine(CriticalPath *path, uint32_t task, uint32_t coroutine)
{
    for (size_t i = 0; i < path->shares.count; i++)
        if (path->shares.at[i].coroutine == coroutine)
            return &path->shares.at[i];
    PathShare *share = ARRAY_PUSH(&path->shares);
    share->task = task;
    share->coroutine = coroutine;
    return share;
}

// The row of a task. `rows` has for each task of the trace its row plus 1; one that the trace does
// not know can only be the earliest of the path, and gets a row of its own.
static PathShare *share_of(CriticalPath *path, uint32_t *rows, uint32_t id_max, uint32_t task,
                           uint32_t coroutine)
{
    if (coroutine != 0)
        return share_of_coroutine(path, task, coroutine);
    if (task <= id_max && rows[task] != 0)
        return &path->shares.at[rows[task] - 1];
    PathShare *share = ARRAY_PUSH(&path->shares);
    share->task = task;
    if (task <= id_max)
        rows[task] = (uint32_t)path->shares.count;
    return share;
}

static void add_up(CriticalPath *path, const Recording *recording)
{
    uint32_t id_max = recording->tasks.id_max;
    uint32_t *rows = calloc((size_t)id_max + 1, sizeof *rows);
    CHECKF(rows != NULL, "out of memory for %u tasks", id_max);
    for (size_t i = 0; i < path->segments.count; i++) {
        const PathSegment *segment = &path->segments.at[i];
        int64_t ns = segment->to_ns - segment->from_ns;
        PathShare *share = share_of(path, rows, id_max, segment->task, segment->coroutine);
        path->by_state[segment->state] += ns;
        share->ns += ns;
        share->by_state[segment->state] += ns;
    }
    free(rows);
    if (path->shares.count > 0)
        qsort(path->shares.at, path->shares.count, sizeof *path->shares.at, by_length);
}

void path_finish(CriticalPath *path, const Recording *recording)
{
    reverse(path);
    add_up(path, recording);
}

void critical_path_free(CriticalPath *path)
{
    ARRAY_FREE(&path->segments);
    ARRAY_FREE(&path->shares);
}

// ---- names

// As COROUTINE_CREATED has it; with no function when there is no such record.
static uint64_t coroutine_argument(const Recording *recording, uint32_t serial)
{
    for (uint64_t i = 0; i < recording->count; i++) {
        const TraceRecord *record = recording_at(recording, i);
        if (record->kind == EVENT_COROUTINE_CREATED && coroutine_serial(record->a) == serial)
            return record->a;
    }
    return coroutine_pack(serial, 0);
}

const char *critical_path_name(Arena *arena, const Recording *recording, uint32_t task,
                               uint32_t coroutine)
{
    char name[128];
    Names names = {recording->scenario, &recording->tasks, &recording->processes};
    if (coroutine != 0)
        narrate_argument(&names, ARG_COROUTINE, coroutine_argument(recording, coroutine), name,
                         sizeof name);
    else
        recording_task_name(recording, task, name);
    return arena_format(arena, "%s", name);
}

// ---- spans

// A span that has begun, as `critical_path_longest_span` meets it.
typedef struct BegunSpan {
    uint64_t record, serial;
    uint32_t task;
} BegunSpan;

int64_t critical_path_longest_span(const Recording *recording, const char *name)
{
    ARRAY(BegunSpan) begun = {0};
    int64_t longest = RECORD_NONE, longest_ns = -1;
    for (uint64_t i = 0; i < recording->count; i++) {
        const TraceRecord *record = recording_at(recording, i);
        bool begins = record->kind == EVENT_SPAN_BEGIN;
        if (!begins && record->kind != EVENT_SPAN_END)
            continue;
        if (record->a > UINT32_MAX ||
            strcmp(scenario_string(recording->scenario, (StringId){(uint32_t)record->a}), name) !=
                0)
            continue;
        if (begins) {
            *ARRAY_PUSH(&begun) = (BegunSpan){i, record->b, record->task};
            continue;
        }
        for (size_t k = begun.count; k > 0; k--) {
            BegunSpan *span = &begun.at[k - 1];
            if (span->task != record->task || span->serial != record->b)
                continue;
            int64_t ns = record->time_ns - recording_at(recording, span->record)->time_ns;
            if (ns > longest_ns || (ns == longest_ns && (int64_t)span->record < longest)) {
                longest_ns = ns;
                longest = (int64_t)span->record;
            }
            *span = begun.at[--begun.count];
            break;
        }
    }
    ARRAY_FREE(&begun);
    return longest;
}
