// A scene's executors, pools of processes and streams in words.
#include "sim/analysis/scene_say.h"

#include <inttypes.h>

// ---- executors

static bool has_worker(const SceneTask *task, const Scene *scene, const ExecutorDef *executor,
                       uint32_t pid)
{
    if (task == NULL || task->state == TASK_STATE_ENDED)
        return false;
    if (!executor->processes)
        return task->process == pid && task->def == executor->worker.index1;
    const SceneProcess *process = scene_process(scene, task->process);
    return task->def == executor->child.index1 && process != NULL && process->parent == pid;
}

static void say_workers(const Teller *teller, const ExecutorDef *executor, uint32_t pid)
{
    const Scene *scene = teller->scene;
    uint32_t workers = 0;
    for (uint32_t id = 1; id <= scene->tasks.count; id++)
        workers += has_worker(scene_task(scene, id), scene, executor, pid);
    writer_format(teller->writer, ", %" PRIu32 " of %" PRIu32 " %s", workers, executor->workers,
                  executor->processes ? "processes" : "threads");
}

static void say_runs(const Teller *teller, uint32_t executor, uint32_t pid)
{
    const SceneWork *work = &teller->scene->python.work;
    uint32_t said = 0, more = 0;
    for (size_t i = 0; i < work->items.count; i++) {
        const SceneItem *item = &work->items.at[i];
        if (item->executor != executor || item->process != pid || item->worker == 0 ||
            item->state == WORK_OVER)
            continue;
        if (said++ >= NAMES_MOST) {
            more++;
            continue;
        }
        say(teller, said == 1 ? "; " : ", ");
        say_value(teller, ARG_TASK, item->worker);
        writer_format(teller->writer,
                      item->state == WORK_RUNS ? ": item %" PRIu32 " (for "
                                               : ": item %" PRIu32 " returns (for ",
                      item->serial);
        say_ns(teller, since(teller, item->since_ns));
        say(teller, ")");
    }
    if (more > 0)
        writer_format(teller->writer, " and %" PRIu32 " more", more);
}

// One that nobody has given anything to, and that has no threads, says nothing.
static void say_executor(Teller *teller, uint32_t executor, uint32_t pid)
{
    const Scene *scene = teller->scene;
    const ExecutorDef *def = &scene->scenario->executors[executor - 1];
    uint32_t queued = scene_items_in(scene, executor, pid, WORK_QUEUED);
    bool used = queued > 0;
    for (uint32_t id = 1; id <= scene->tasks.count && !used; id++)
        used = has_worker(scene_task(scene, id), scene, def, pid);
    if (!used)
        return;
    heading(teller, "executors, pools and streams");
    label(teller, ARG_TEXT, def->name.index1, "executor ");
    writer_format(teller->writer, "%" PRIu32 " queued", queued);
    say_workers(teller, def, pid);
    say_runs(teller, executor, pid);
    writer_char(teller->writer, '\n');
}

static void say_executors(Teller *teller)
{
    const Scene *scene = teller->scene;
    const Scenario *scenario = scene->scenario;
    for (uint32_t pid = 1; pid <= scene->processes.count; pid++) {
        const SceneProcess *process = scene_process(scene, pid);
        if (process == NULL || process->ended || process->def - 1 >= scenario->process_count)
            continue;
        uint32_t family = scenario->processes[process->def - 1].family.index1;
        for (uint32_t i = 0; i < scenario->executor_count; i++)
            if (scenario->executors[i].process.index1 == family)
                say_executor(teller, i + 1, pid);
    }
}

// ---- pools

static void say_pool(Teller *teller, uint32_t number)
{
    const Scene *scene = teller->scene;
    const SceneWork *work = &scene->python.work;
    const ScenePool *pool = scene_pool(scene, number);
    if (pool == NULL)
        return;
    heading(teller, "executors, pools and streams");
    label(teller, ARG_TEXT, scene->scenario->pools[number - 1].name.index1, "pool ");
    writer_format(teller->writer,
                  "%" PRIu32 " items: %" PRIu32 " queued, %" PRIu32 " being done, %" PRIu32
                  " returning, %" PRIu32 " back",
                  pool->asked, scene_pool_queued(pool), pool->begun - pool->done,
                  pool->done - pool->back, pool->back);
    uint32_t said = 0;
    for (size_t i = 0; i < work->chunks.count && said < NAMES_MOST; i++) {
        const SceneChunk *chunk = &work->chunks.at[i];
        if (chunk->pool != number)
            continue;
        say(teller, said++ == 0 ? "; " : ", ");
        say_value(teller, ARG_TASK, chunk->worker);
        say(teller, ": ");
        say_value(teller, ARG_ITEMS, items_pack(chunk->first, chunk->count));
        say(teller, " (for ");
        say_ns(teller, since(teller, chunk->since_ns));
        say(teller, ")");
    }
    writer_char(teller->writer, '\n');
}

// ---- streams

static void say_stream(Teller *teller, const SceneStream *stream)
{
    heading(teller, "executors, pools and streams");
    label(teller, ARG_TASK, stream->thread, "stream of ");
    say_value(teller, ARG_FILE, stream->file);
    say(teller, ": ");
    say_size(teller, stream->bytes);
    say(teller, " in its buffer");
    if (stream->paused != 0)
        say(teller, file_kind(stream->file) == FILE_PIPE_READ ? "; the pipe is not read"
                                                              : "; drain() waits");
    writer_char(teller->writer, '\n');
}

void scene_text_work(Teller *teller)
{
    const SceneWork *work = &teller->scene->python.work;
    say_executors(teller);
    for (uint32_t number = 1; number <= work->pools.count; number++)
        say_pool(teller, number);
    for (size_t i = 0; i < work->streams.count; i++)
        say_stream(teller, &work->streams.at[i]);
    teller->headed = false;
}
