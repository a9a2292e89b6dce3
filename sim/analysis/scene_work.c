#include "sim/analysis/scene_work.h"

#include "sim/analysis/scene.h"

const char *work_state_word(unsigned state)
{
    static const char *const words[WORK_STATE_COUNT] = {
#define X(id, word) word,
        WORK_STATES(X)
#undef X
    };
    return state < WORK_STATE_COUNT ? words[state] : "?";
}

const SceneItem *scene_item(const Scene *scene, uint32_t number)
{
    const SceneWork *work = &scene->python.work;
    size_t from = 0, to = work->items.count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (work->items.at[middle].number < number)
            from = middle + 1;
        else
            to = middle;
    }
    bool found = from < work->items.count && work->items.at[from].number == number &&
                 work->items.at[from].state != WORK_OVER;
    return found ? &work->items.at[from] : NULL;
}

const SceneItem *scene_item_named(const Scene *scene, uint32_t task, uint32_t name)
{
    const SceneWork *work = &scene->python.work;
    const Scenario *scenario = scene->scenario;
    const SceneItem *oldest = NULL;
    uint32_t batch = 0;
    for (size_t i = work->items.count; i-- > 0;) {
        const SceneItem *item = &work->items.at[i];
        const Op *op = item->op < scenario->op_count ? &scenario->ops[item->op] : NULL;
        if (item->by != task || op == NULL || op->code != OP_SUBMIT || op->arg[2] != name)
            continue;
        if (batch != 0 && item->batch != batch)
            break;
        batch = item->batch;
        oldest = item->state != WORK_OVER ? item : oldest;
    }
    return oldest;
}

uint32_t scene_items_in(const Scene *scene, uint32_t executor, uint32_t process, WorkState state)
{
    const SceneWork *work = &scene->python.work;
    uint32_t count = 0;
    for (size_t i = 0; i < work->items.count; i++) {
        const SceneItem *item = &work->items.at[i];
        count += item->state == state && item->executor == executor && item->process == process;
    }
    return count;
}

const SceneItem *scene_item_of(const Scene *scene, uint32_t worker)
{
    const SceneWork *work = &scene->python.work;
    uint32_t left = work->begun; // those begun stand in front as a rule
    for (size_t i = 0; left > 0 && i < work->items.count; i++) {
        const SceneItem *item = &work->items.at[i];
        left -= item->state == WORK_RUNS || item->state == WORK_RETURNS;
        if (item->state == WORK_RUNS && item->worker == worker)
            return item;
    }
    return NULL;
}

const SceneChunk *scene_chunk_of(const Scene *scene, uint32_t worker)
{
    const SceneWork *work = &scene->python.work;
    for (size_t i = 0; i < work->chunks.count; i++)
        if (work->chunks.at[i].worker == worker)
            return &work->chunks.at[i];
    return NULL;
}

const ScenePool *scene_pool(const Scene *scene, uint32_t pool)
{
    const SceneWork *work = &scene->python.work;
    return pool - 1 < work->pools.count && work->pools.at[pool - 1].by != 0
               ? &work->pools.at[pool - 1]
               : NULL;
}

size_t scene_stream_place(const SceneWork *work, uint32_t thread, uint64_t file)
{
    size_t from = 0, to = work->streams.count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const SceneStream *stream = &work->streams.at[middle];
        if (stream->thread < thread || (stream->thread == thread && stream->file < file))
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

const SceneStream *scene_stream(const Scene *scene, uint32_t thread, uint64_t file)
{
    const SceneWork *work = &scene->python.work;
    size_t at = scene_stream_place(work, thread, file);
    return at < work->streams.count && work->streams.at[at].thread == thread &&
                   work->streams.at[at].file == file
               ? &work->streams.at[at]
               : NULL;
}
