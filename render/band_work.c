// What hands work over, in the box of its process: executors with their threads or processes, pools
// of processes with their handlers, the buffers of streams.
#include "render/machine_bands.h"

#include "sim/base/size.h"

#include <inttypes.h>
#include <stdio.h>

// ---- workers

// Those who do the work of one executor or pool.
typedef struct Crew {
    ThreadDefId thread; // what they are made from
    uint32_t pid;       // of the process that has them, or that is their parent
    bool children;      // they are main threads of processes
    SyncId queue;       // those who wait there stand here
} Crew;

// A look at more threads than these would take longer than a frame may.
enum { THREADS_LOOKED_AT = 4096 };

static bool is_worker(const Scene *scene, uint32_t id, const Crew *crew)
{
    const SceneTask *task = scene_task(scene, id);
    if (task == NULL || task->state == TASK_STATE_ENDED || task->state == TASK_STATE_NOT_YET ||
        task->def != crew->thread.index1)
        return false;
    if (!crew->children)
        return task->process == crew->pid;
    const SceneProcess *process = scene_process(scene, task->process);
    return process != NULL && process->parent == crew->pid;
}

// Whose chip stands here: a thread that waits at this object; who does something stands elsewhere.
static bool stands_at(const Scene *scene, const SceneTask *task, SyncId object)
{
    return task_state_blocked((TaskState)task->state) && task->place == PLACE_SYNC &&
           scene_sync(scene, task->place_id) != NULL &&
           instances_sync_at(&scene->instances, task->place_id).id == object.index1;
}

// What it does, in short: "3", "4 to 6"; false: nothing.
static bool work_note(const Scene *scene, uint32_t id, char text[static 32])
{
    const SceneItem *item = scene_item_of(scene, id);
    const SceneChunk *chunk = scene_chunk_of(scene, id);
    if (item != NULL)
        snprintf(text, 32, "item %" PRIu32, item->serial);
    else if (chunk != NULL && chunk->count == 1)
        snprintf(text, 32, "item %" PRIu32, chunk->first);
    else if (chunk != NULL)
        snprintf(text, 32, "%" PRIu32 " to %" PRIu32, chunk->first,
                 chunk->first + chunk->count - 1);
    return item != NULL || chunk != NULL;
}

static bool put_worker(Stage *stage, Box *row, uint32_t id, const Crew *crew)
{
    char note[32];
    if (stands_at(stage->scene, scene_task(stage->scene, id), crew->queue))
        return stage_chip(stage, row, id);
    if (row->w < theme_px(stage->list->theme, 60))
        return false;
    stage_name(stage, row, id);
    if (work_note(stage->scene, id, note))
        stage_aside(stage, row, note);
    return true;
}

static void workers(Stage *stage, Box row, const Crew *crew)
{
    const Scene *scene = stage->scene;
    size_t most = scene->tasks.count < THREADS_LOOKED_AT ? scene->tasks.count : THREADS_LOOKED_AT;
    const char *what = crew->children ? "processes" : "threads";
    uint32_t all = 0, placed = 0;
    for (uint32_t id = 1; id <= most; id++)
        all += is_worker(scene, id, crew);
    stage_textf(stage, &row, STYLE_SMALL, COLOUR_TEXT_SOFT, all > 0 ? "%s" : "no %s yet", what);
    for (uint32_t id = 1; id <= most && placed < all; id++) {
        if (!is_worker(scene, id, crew))
            continue;
        Box room = row;
        room.w -= placed + 1 < all ? stage_more_w(stage, all) : 0;
        int before = room.w;
        if (!put_worker(stage, &room, id, crew))
            break;
        box_cut_left(&row, before - room.w);
        placed++;
    }
    stage_more(stage, &row, all - placed);
}

// ---- executors

static void draw_executor(Stage *stage, Box row, uint32_t pid, uint32_t number)
{
    const Scene *scene = stage->scene;
    const ExecutorDef *executor = &scene->scenario->executors[number - 1];
    const SceneSync *queue =
        scene_sync(scene, instances_sync_of(&scene->instances, pid, executor->queue.index1));
    stage_soft(stage, &row, executor->libuv ? "thread pool" : "executor");
    stage_label(stage, &row, STYLE_BOLD, COLOUR_TEXT,
                scenario_string(scene->scenario, executor->name));
    stage_textf(stage, &row, STYLE_SMALL, COLOUR_TEXT, "%" PRId64 " queued",
                queue != NULL ? queue->level : 0);
    uint32_t returns = executor->processes ? scene_items_in(scene, number, pid, WORK_RETURNS) : 0;
    if (returns > 0)
        stage_textf(stage, &row, STYLE_SMALL, COLOUR_TEXT_SOFT, "%" PRIu32 " on the way back",
                    returns);
    Crew crew = {executor->processes ? executor->child : executor->worker, pid, executor->processes,
                 executor->queue};
    workers(stage, row, &crew);
}

// ---- pools

// Items of a pool: those back, on their way, being done and queued as parts of one bar.
static void pool_bar(Stage *stage, Box *row, const ScenePool *pool)
{
    const Theme *theme = stage->list->theme;
    int w = theme_px(theme, 90), h = theme_px(theme, 9), x = 0;
    if (w > row->w || pool->asked == 0)
        return;
    Box place = box_cut_left(row, w);
    box_cut_left(row, stage_gap(stage));
    if (stage->dry)
        return;
    Box bar = {place.x, place.y + (place.h - h) / 2, w, h};
    const struct {
        uint32_t until;
        ColourRole colour;
    } parts[] = {{pool->back, COLOUR_GOOD}, {pool->done, COLOUR_IO}, {pool->begun, COLOUR_RUNNING}};
    draw_fill(stage->list, bar, COLOUR_RULE);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int end = (int)((int64_t)parts[i].until * w / pool->asked);
        if (end > x)
            draw_fill(stage->list, (Box){bar.x + x, bar.y, end - x, h}, parts[i].colour);
        x = end > x ? end : x;
    }
    draw_stroke(stage->list, bar, 0, 1, COLOUR_TEXT_SOFT);
}

static void pool_line(Stage *stage, Box row, uint32_t pid, uint32_t number)
{
    const Scene *scene = stage->scene;
    const PoolDef *def = &scene->scenario->pools[number - 1];
    const ScenePool *pool = scene_pool(scene, number);
    const SceneSync *done =
        scene_sync(scene, instances_sync_of(&scene->instances, pid, def->done.index1));
    stage_soft(stage, &row, "pool");
    stage_label(stage, &row, STYLE_BOLD, COLOUR_TEXT, scenario_string(scene->scenario, def->name));
    if (pool == NULL) {
        stage_soft(stage, &row, "nothing asked yet");
    } else {
        pool_bar(stage, &row, pool);
        stage_textf(stage, &row, STYLE_SMALL, COLOUR_TEXT, "%" PRIu32 " queued",
                    scene_pool_queued(pool));
        stage_textf(stage, &row, STYLE_SMALL, COLOUR_TEXT, "%" PRIu32 " of %" PRIu32 " back",
                    pool->back, pool->asked);
    }
    if (done == NULL || done->waiting == 0 ||
        row.w < draw_text_width(stage->list, STYLE_SMALL, "waiting main +1"))
        return;
    stage_soft(stage, &row, "waiting");
    stage_list(stage, &row, done->first, done->waiting, NULL);
}

// Its three threads, by what they do.
static void handlers_line(Stage *stage, Box row, uint32_t pid, const PoolDef *def)
{
    const Scene *scene = stage->scene;
    const ThreadDefId threads[] = {def->worker_handler, def->task_handler, def->result_handler};
    const SyncId places[] = {def->change, def->jobs, def->result_lock};
    size_t most = scene->tasks.count < THREADS_LOOKED_AT ? scene->tasks.count : THREADS_LOOKED_AT;
    stage_soft(stage, &row, "handlers");
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        Crew crew = {threads[i], pid, false, places[i]};
        for (uint32_t id = 1; id <= most; id++)
            if (is_worker(scene, id, &crew) && !put_worker(stage, &row, id, &crew))
                return;
    }
}

static void draw_pool(Stage *stage, Box *box, uint32_t pid, uint32_t number)
{
    const PoolDef *def = &stage->scene->scenario->pools[number - 1];
    Crew crew = {def->worker, pid, true, def->task_lock};
    pool_line(stage, stage_row(stage, box), pid, number);
    if (stage_has_row(stage, *box))
        workers(stage, stage_row(stage, box), &crew);
    if (stage_has_row(stage, *box))
        handlers_line(stage, stage_row(stage, box), pid, def);
}

// ---- streams

// How full the buffer is, up to twice its mark, which is in the middle.
static void stream_gauge(Stage *stage, Box *row, const SceneStream *stream)
{
    const Theme *theme = stage->list->theme;
    int w = theme_px(theme, 72), h = theme_px(theme, 9);
    if (w > row->w)
        return;
    Box place = box_cut_left(row, w);
    box_cut_left(row, stage_gap(stage));
    if (stage->dry)
        return;
    uint64_t full = 2 * (uint64_t)(file_kind(stream->file) == FILE_PIPE_READ ? STREAM_LIMIT
                                                                             : STREAM_HIGH_WATER);
    uint64_t bytes = stream->bytes < full ? stream->bytes : full;
    Box bar = {place.x, place.y + (place.h - h) / 2, w, h};
    int mark = theme_px(theme, 3);
    draw_fill(stage->list, bar, COLOUR_RULE);
    draw_fill(stage->list, (Box){bar.x, bar.y, (int)(bytes * (uint64_t)w / full), h},
              stream->paused != 0 ? COLOUR_LOCK : COLOUR_IO);
    draw_stroke(stage->list, bar, 0, 1, COLOUR_TEXT_SOFT);
    draw_line(stage->list, bar.x + w / 2, bar.y - mark, bar.x + w / 2, box_bottom(bar) + mark,
              theme_px(theme, 1.5f), 0, COLOUR_TEXT);
}

static void draw_stream(Stage *stage, Box row, const SceneStream *stream)
{
    const Scenario *scenario = stage->scene->scenario;
    bool reads = file_kind(stream->file) == FILE_PIPE_READ;
    char size[32];
    if (file_id(stream->file) - 1 >= scenario->pipe_count)
        return;
    stage_soft(stage, &row, reads ? "stream from" : "stream to");
    stage_label(stage, &row, STYLE_BOLD, COLOUR_TEXT,
                scenario_string(scenario, scenario->pipes[file_id(stream->file) - 1].name));
    stream_gauge(stage, &row, stream);
    stage_text(stage, &row, STYLE_SMALL, COLOUR_TEXT, size_text(stream->bytes, size));
    if (stream->paused != 0)
        stage_flag(stage, &row, reads ? "does not read" : "drain() waits");
    else
        stage_aside(stage, &row, reads ? "mark: 64 KiB, stops at 128" : "mark: 64 KiB");
}

// ---- all of it

static bool is_pools_own(const PoolDef *pool, uint32_t sync)
{
    return pool->task_lock.index1 == sync || pool->result_lock.index1 == sync ||
           pool->change.index1 == sync || pool->jobs.index1 == sync || pool->done.index1 == sync;
}

bool band_work_has(const Scenario *scenario, uint32_t sync)
{
    for (uint32_t i = 0; i < scenario->executor_count; i++)
        if (scenario->executors[i].queue.index1 == sync)
            return true;
    for (uint32_t i = 0; i < scenario->pool_count; i++)
        if (is_pools_own(&scenario->pools[i], sync))
            return true;
    return false;
}

// Executors and pools not in a forked process, which does not use its copies.
void band_work(Stage *stage, Box *box, uint32_t pid, ProcessId family)
{
    const Scene *scene = stage->scene;
    const Scenario *scenario = scene->scenario;
    const SceneWork *work = &scene->python.work;
    bool own = ID_EQUAL(family, (ProcessId){scene_process(scene, pid)->def});
    for (uint32_t i = 0; own && i < scenario->executor_count && stage_has_row(stage, *box); i++)
        if (ID_EQUAL(scenario->executors[i].process, family))
            draw_executor(stage, stage_row(stage, box), pid, i + 1);
    for (uint32_t i = 0; own && i < scenario->pool_count && stage_has_row(stage, *box); i++)
        if (ID_EQUAL(scenario->pools[i].process, family))
            draw_pool(stage, box, pid, i + 1);
    for (size_t i = 0; i < work->streams.count && stage_has_row(stage, *box); i++) {
        const SceneTask *thread = scene_task(scene, work->streams.at[i].thread);
        if (thread != NULL && thread->process == pid)
            draw_stream(stage, stage_row(stage, box), &work->streams.at[i]);
    }
}

static bool has_streams(const Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->op_count; i++)
        if (scenario->ops[i].code >= OP_READER_READ && scenario->ops[i].code <= OP_WRITER_CLOSE)
            return true;
    return false;
}

int band_work_rows(const Scenario *scenario)
{
    enum { POOL_ROWS = 3 };
    return (int)scenario->executor_count + POOL_ROWS * (int)scenario->pool_count +
           2 * has_streams(scenario);
}
