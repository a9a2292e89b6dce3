#include "sim/analysis/recording.h"

#include "sim/base/check.h"

// ---- the records

// The records from `index` on that lie in one piece; how many in `count`.
static const TraceRecord *piece_at(const Recording *recording, uint64_t index, uint64_t *count)
{
    *count = recording->count - index;
    if (recording->memory == NULL)
        return recording->records + index;
    uint64_t in_chunk = TRACE_CHUNK_RECORDS - index % TRACE_CHUNK_RECORDS;
    if (in_chunk < *count)
        *count = in_chunk;
    return memory_sink_at(recording->memory, index);
}

const TraceRecord *recording_at(const Recording *recording, uint64_t index)
{
    CHECKF(index < recording->count, "record %llu of %llu", (unsigned long long)index,
           (unsigned long long)recording->count);
    return recording->memory != NULL ? memory_sink_at(recording->memory, index)
                                     : &recording->records[index];
}

uint64_t recording_by(const Recording *recording, int64_t time_ns)
{
    uint64_t from = 0, to = recording->count;
    while (from < to) {
        uint64_t middle = from + (to - from) / 2;
        if (recording_at(recording, middle)->time_ns <= time_ns)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static void fold_to(const Recording *recording, Scene *scene, uint64_t next)
{
    while (scene->next < next) {
        uint64_t count;
        const TraceRecord *records = piece_at(recording, scene->next, &count);
        if (count > next - scene->next)
            count = next - scene->next;
        for (uint64_t i = 0; i < count; i++)
            scene_fold(scene, &records[i]);
    }
}

// ---- key frames

// How many records after the last key frame one of this scene may come: with a record for so many
// of its bytes, all of them together take at most half of what the records take.
static uint64_t key_spacing(const Scene *scene)
{
    uint64_t spacing = scene_bytes(scene) / KEY_FRAME_SHARE;
    return spacing < KEY_RECORDS_LEAST ? KEY_RECORDS_LEAST : spacing;
}

static void add_key_frame(Recording *recording, const Scene *scene)
{
    Scene *frame = ARRAY_PUSH(&recording->key_frames);
    scene_open(frame, scene->scenario);
    scene_copy(frame, scene);
    recording->key_bytes += scene_bytes(scene);
    recording->last_key = scene->next;
}

// Adds a key frame if one is due. Returns when to ask again: a scene that grows puts it off.
static uint64_t visit_key(Recording *recording, const Scene *scene)
{
    if (scene->next >= recording->last_key + key_spacing(scene))
        add_key_frame(recording, scene);
    return recording->last_key + key_spacing(scene);
}

// The last key frame at or before `next`; NULL when there is none.
static const Scene *key_before(const Recording *recording, uint64_t next)
{
    size_t from = 0, to = recording->key_frames.count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (recording->key_frames.at[middle].next <= next)
            from = middle + 1;
        else
            to = middle;
    }
    return from > 0 ? &recording->key_frames.at[from - 1] : NULL;
}

static void learn_names(Recording *recording, const TraceRecord *record)
{
    if (record->kind == EVENT_TASK_CREATED)
        task_table_add(&recording->tasks, recording->scenario, record->task, record->a, record->b);
    else if (record->kind == EVENT_PROCESS_STARTED)
        process_names_add(&recording->processes, recording->scenario, record);
}

// ---- making one

static void fold_all(Recording *recording)
{
    Scene scene;
    scene_open(&scene, recording->scenario);
    uint64_t key = visit_key(recording, &scene);
    while (scene.next < recording->count) {
        uint64_t count;
        const TraceRecord *records = piece_at(recording, scene.next, &count);
        for (uint64_t i = 0; i < count; i++) {
            scene_fold(&scene, &records[i]);
            learn_names(recording, &records[i]);
            if (scene.next == key)
                key = visit_key(recording, &scene);
        }
    }
    recording->end_ns = scene.time_ns;
    scene_free(&scene);
}

void recording_of_memory(Recording *recording, const Scenario *scenario, const MemorySink *memory)
{
    *recording = (Recording){.scenario = scenario, .memory = memory, .count = memory->count};
    recording->tasks.row_bytes = sizeof(TaskRow);
    fold_all(recording);
}

void recording_of_file(Recording *recording, const Scenario *scenario, const TraceFile *file)
{
    *recording = (Recording){.scenario = scenario, .records = file->records, .count = file->count};
    recording->tasks.row_bytes = sizeof(TaskRow);
    fold_all(recording);
}

void recording_free(Recording *recording)
{
    for (size_t i = 0; i < recording->key_frames.count; i++)
        scene_free(&recording->key_frames.at[i]);
    ARRAY_FREE(&recording->key_frames);
    task_table_free(&recording->tasks);
    process_names_free(&recording->processes);
    *recording = (Recording){0};
}

// ---- moving about

static void restart(Scene *scene)
{
    const Scenario *scenario = scene->scenario;
    scene_free(scene);
    scene_open(scene, scenario);
}

void recording_seek(const Recording *recording, Scene *scene, uint64_t next)
{
    CHECKF(next <= recording->count, "record %llu of %llu", (unsigned long long)next,
           (unsigned long long)recording->count);
    CHECK(scene->scenario == recording->scenario);
    const Scene *key = key_before(recording, next);
    bool behind = scene->next > next;
    if (key != NULL && (behind || scene->next < key->next))
        scene_copy(scene, key);
    else if (behind)
        restart(scene);
    fold_to(recording, scene, next);
    scene->time_ns = next > 0 ? recording_at(recording, next - 1)->time_ns : 0;
}

void recording_seek_time(const Recording *recording, Scene *scene, int64_t time_ns)
{
    time_ns = time_ns < 0 ? 0 : time_ns > recording->end_ns ? recording->end_ns : time_ns;
    recording_seek(recording, scene, recording_by(recording, time_ns));
    scene->time_ns = time_ns;
}

bool record_wanted(const RecordFilter *filter, const TraceRecord *record)
{
    return (filter->task == 0 || record->task == filter->task) &&
           (filter->core == CORE_NONE || record->core == filter->core) &&
           (!filter->by_kind || filter->kinds[record->kind]);
}

int64_t recording_find(const Recording *recording, uint64_t from, int direction,
                       const RecordFilter *filter)
{
    if (direction < 0) {
        for (uint64_t i = from < recording->count ? from : recording->count; i > 0; i--)
            if (record_wanted(filter, recording_at(recording, i - 1)))
                return (int64_t)(i - 1);
        return RECORD_NONE;
    }
    while (from < recording->count) {
        uint64_t count;
        const TraceRecord *records = piece_at(recording, from, &count);
        for (uint64_t i = 0; i < count; i++)
            if (record_wanted(filter, &records[i]))
                return (int64_t)(from + i);
        from += count;
    }
    return RECORD_NONE;
}

char *recording_task_name(const Recording *recording, uint32_t task, char text[static 96])
{
    return task_table_name(&recording->tasks, recording->scenario, task, text);
}
