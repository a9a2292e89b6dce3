// Why those are not getting on who wait for work that they have handed over, or for work to do:
// executors, pools of processes, streams.
#include "sim/analysis/sentence.h"
#include "sim/analysis/wakers.h"
#include "sim/analysis/why_asking.h"

#include "sim/base/size.h"

#include <inttypes.h>

static Arena *arena_of(const Asking *asking)
{
    return &asking->why->arena;
}

// ---- items of executors

static const char *executor_name(const Asking *asking, uint32_t executor)
{
    const Scenario *scenario = asking->scene->scenario;
    return why_argument(asking, ARG_TEXT, scenario->executors[executor - 1].name.index1);
}

// The thread that hands an executor's items to its processes and takes their results.
static uint32_t manager_of(const Scene *scene, const SceneItem *item)
{
    const ExecutorDef *executor = &scene->scenario->executors[item->executor - 1];
    for (uint32_t id = 1; executor->processes && id <= scene->tasks.count; id++) {
        const SceneTask *task = scene_task(scene, id);
        if (task != NULL && task->def == executor->worker.index1 &&
            task->process == item->process && task->state != TASK_STATE_ENDED)
            return id;
    }
    return 0;
}

// What those are doing who are to come to the item, the first of them one step deeper.
static void tell_workers(Asking *asking, const SceneItem *item)
{
    const SceneWork *work = &asking->scene->python.work;
    uint32_t told = 0;
    for (size_t i = 0; i < work->items.count && told < WHY_NAMED_MAX; i++) {
        const SceneItem *other = &work->items.at[i];
        if (other->state != WORK_RUNS || other->executor != item->executor ||
            other->process != item->process)
            continue;
        why_reason(asking, other->worker, false);
        told++;
    }
}

// "main waits since 5 ms for item 3 of pool", and what becomes of that.
static void tell_waits_item(Asking *asking, uint32_t thread, const char *who, int64_t since_ns,
                            const SceneItem *item)
{
    const Scene *scene = asking->scene;
    const char *pool = executor_name(asking, item->executor);
    const char *waits =
        arena_format(arena_of(asking), "%s waits since %s for item %" PRIu32 " of executor %s", who,
                     why_time(asking, since_ns), item->serial, pool);
    if (item->state == WORK_RUNS) {
        why_say(asking, thread, "%s, which %s does since %s.", waits,
                why_name(asking, item->worker), why_time(asking, item->since_ns));
        why_reason(asking, item->worker, false);
    } else if (item->state == WORK_RETURNS) {
        uint32_t manager = manager_of(scene, item);
        why_say(asking, thread, "%s, which %s has done at %s; its result is on its way back.",
                waits, why_name(asking, item->worker), why_time(asking, item->since_ns));
        if (manager != 0)
            why_reason(asking, manager, false);
    } else {
        uint32_t runs = scene_items_in(scene, item->executor, item->process, WORK_RUNS);
        uint32_t ahead = 0;
        for (size_t i = 0; i < scene->python.work.items.count; i++) {
            const SceneItem *other = &scene->python.work.items.at[i];
            ahead += other->state == WORK_QUEUED && other->executor == item->executor &&
                     other->process == item->process && other->number < item->number;
        }
        why_say(asking, thread,
                "%s, which waits its turn since %s: %" PRIu32 " %s before it in the queue, %" PRIu32
                " %s being done.",
                waits, why_time(asking, item->since_ns), ahead, ahead == 1 ? "is" : "are", runs,
                runs == 1 ? "is" : "are");
        tell_workers(asking, item);
    }
}

void why_tell_item(Asking *asking, const SceneCoroutine *coroutine, uint32_t thread)
{
    const SceneItem *item = scene_item(asking->scene, coroutine->waits_for);
    const char *name = why_coroutine_name(asking, coroutine->serial);
    if (item != NULL) {
        tell_waits_item(asking, thread, name, coroutine->since_ns, item);
        return;
    }
    why_say(asking, thread,
            "%s waits since %s for what an executor has done by now; its loop is yet to look.",
            name, why_time(asking, coroutine->since_ns));
    why_tell_loop(asking, coroutine);
}

// ---- pools of processes

static void tell_pool(Asking *asking, uint32_t id, const SceneTask *task, uint32_t number)
{
    const Scene *scene = asking->scene;
    const SceneWork *work = &scene->python.work;
    const ScenePool *pool = scene_pool(scene, number);
    const char *name =
        why_argument(asking, ARG_TEXT, scene->scenario->pools[number - 1].name.index1);
    why_say(asking, id,
            "%s waits since %s for results of pool %s: of %" PRIu32 " items that it was asked for "
            "%" PRIu32 " are back, %" PRIu32 " on their way, %" PRIu32 " being done, and %" PRIu32
            " wait their turn.",
            why_name(asking, id), why_time(asking, task->since_ns), name, pool->asked, pool->back,
            pool->done - pool->back, pool->begun - pool->done, scene_pool_queued(pool));
    uint32_t told = 0;
    for (size_t i = 0; i < work->chunks.count && told < WHY_NAMED_MAX; i++) {
        if (work->chunks.at[i].pool != number)
            continue;
        why_reason(asking, work->chunks.at[i].worker, false);
        told++;
    }
}

// ---- threads

static bool waits_at(const Scene *scene, const SceneTask *task, SyncId object)
{
    return task->place == PLACE_SYNC && scene_sync(scene, task->place_id) != NULL &&
           instances_sync_at(&scene->instances, task->place_id).id == object.index1;
}

static bool tell_executors(Asking *asking, uint32_t id, const SceneTask *task)
{
    const Scenario *scenario = asking->scene->scenario;
    const Op *op = task->op < scenario->op_count ? &scenario->ops[task->op] : NULL;
    for (uint32_t i = 0; i < scenario->executor_count; i++) {
        const ExecutorDef *executor = &scenario->executors[i];
        if (waits_at(asking->scene, task, executor->queue)) {
            why_say(asking, id,
                    "%s waits since %s for something to do: nothing is left for it in "
                    "the queue of executor %s.",
                    why_name(asking, id), why_time(asking, task->since_ns),
                    executor_name(asking, i + 1));
            return true;
        }
        const SceneItem *item = op != NULL && op->code == OP_RESULT
                                    ? scene_item_named(asking->scene, id, op->arg[0])
                                    : NULL;
        if (item == NULL || !waits_at(asking->scene, task, executor->results))
            continue;
        tell_waits_item(asking, id, why_name(asking, id), task->since_ns, item);
        return true;
    }
    return false;
}

// A worker that waits for its turn to take a task, or for one to come.
static bool tell_pool_worker(Asking *asking, uint32_t id, const SceneTask *task, uint32_t number)
{
    const PoolDef *pool = &asking->scene->scenario->pools[number - 1];
    bool idle = task->def == pool->worker.index1 && scene_chunk_of(asking->scene, id) == NULL;
    bool waits = task->state == TASK_STATE_WAITS_SYNC ||
                 (task->state == TASK_STATE_WAITS_PIPE && task->place_id == pool->tasks.index1);
    if (!idle || !waits)
        return false;
    why_say(asking, id, "%s waits since %s for something to do: pool %s has no task for it yet.",
            why_name(asking, id), why_time(asking, task->since_ns),
            why_argument(asking, ARG_TEXT, pool->name.index1));
    return true;
}

bool why_tell_work(Asking *asking, uint32_t id)
{
    const Scene *scene = asking->scene;
    const SceneTask *task = scene_task(scene, id);
    if (!task_state_blocked((TaskState)task->state))
        return false;
    for (uint32_t number = 1; number <= scene->scenario->pool_count; number++) {
        if (tell_pool_worker(asking, id, task, number))
            return true;
        if (scene_pool(scene, number) == NULL ||
            !waits_at(scene, task, scene->scenario->pools[number - 1].done))
            continue;
        tell_pool(asking, id, task, number);
        return true;
    }
    return tell_executors(asking, id, task);
}

// ---- streams

// Which end of the pipe the operation waits at.
static PipeEnd end_of(const Op *op)
{
    return op->code == OP_WRITER_DRAIN ? PIPE_END_WRITE : PIPE_END_READ;
}

// Who could end the wait, in words and one step deeper.
static void tell_stream_wakers(Asking *asking, uint32_t thread, uint32_t pipe, PipeEnd end)
{
    const Scene *scene = asking->scene;
    Wakers wakers = wakers_of_stream(arena_of(asking), scene, pipe, end);
    uint32_t found[WHY_NAMED_MAX], count = 0;
    const char *who = "";
    for (uint32_t id = 1; id <= scene->tasks.count && count < WHY_NAMED_MAX; id++) {
        const SceneTask *task = scene_task(scene, id);
        if (task == NULL || task->state == TASK_STATE_ENDED || task->state == TASK_STATE_NOT_YET ||
            !wakers.may[task->def - 1])
            continue;
        who = arena_format(arena_of(asking), "%s%s%s", who, count > 0 ? " or " : "",
                           why_name(asking, id));
        found[count++] = id;
    }
    if (count == 0) {
        why_say(asking, thread, "No thread that is there %s it, as the program has it.",
                wakers.deed);
        return;
    }
    why_say(asking, thread, "It goes on when somebody %s it: %s.", wakers.deed, who);
    for (uint32_t i = 0; i < count; i++)
        why_reason(asking, found[i], false);
}

void why_tell_stream(Asking *asking, const SceneCoroutine *coroutine, uint32_t thread)
{
    const Scene *scene = asking->scene;
    PipeEnd end = end_of(&scene->scenario->ops[coroutine->op]);
    bool reads = end == PIPE_END_READ;
    const SceneStream *stream = scene_stream(
        scene, thread, file_pack(reads ? FILE_PIPE_READ : FILE_PIPE_WRITE, coroutine->waits_for));
    char buffered[32], piped[32];
    size_text(stream != NULL ? stream->bytes : 0, buffered);
    size_text(scene->pipes[coroutine->waits_for - 1].bytes, piped);
    const char *name = why_coroutine_name(asking, coroutine->serial);
    const char *since = why_time(asking, coroutine->since_ns);
    const char *pipe = why_argument(asking, ARG_PIPE, coroutine->waits_for);
    if (reads)
        why_say(asking, thread,
                "%s waits since %s for bytes of pipe %s: %s are in its stream's buffer, %s in the "
                "pipe.",
                name, since, pipe, buffered, piped);
    else
        why_say(asking, thread,
                "%s waits since %s in drain() until the buffer of its stream to pipe %s is empty: "
                "%s are in it, and %s in the pipe, from which nobody has read them.",
                name, since, pipe, buffered, piped);
    tell_stream_wakers(asking, thread, coroutine->waits_for, end);
}
