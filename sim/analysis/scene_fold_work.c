// How records of executors, of pools of processes and of streams change a scene.
#include "sim/analysis/scene_fold.h"

#include <string.h>

// ---- executors

// The executor that a thread of this process calls so; 0: there is none.
static uint32_t executor_named(const Scene *scene, uint32_t pid, uint64_t name)
{
    const Scenario *scenario = scene->scenario;
    const SceneProcess *process = scene_process(scene, pid);
    if (process == NULL || process->def - 1 >= scenario->process_count)
        return 0;
    uint32_t family = scenario->processes[process->def - 1].family.index1;
    for (uint32_t i = 0; i < scenario->executor_count; i++)
        if (scenario->executors[i].name.index1 == name &&
            scenario->executors[i].process.index1 == family)
            return i + 1;
    return 0;
}

// Places of items that are over are kept until half of all are.
static void forget_over(SceneWork *work)
{
    enum { PLACES_LEAST = 64 };
    if (work->over < PLACES_LEAST || work->over * 2 < work->items.count)
        return;
    size_t kept = 0;
    for (size_t i = 0; i < work->items.count; i++)
        if (work->items.at[i].state != WORK_OVER)
            work->items.at[kept++] = work->items.at[i];
    work->items.count = kept;
    work->over = 0;
}

static void end_item(SceneWork *work, SceneItem *item)
{
    work->begun -= item->state != WORK_QUEUED;
    item->state = WORK_OVER;
    work->over++;
}

// Which item of how many it is that one `submit` makes. (One that is cut short by an exception is
// taken for a part of the next.)
static void count_batch(const Scene *scene, SceneItem *item)
{
    const Scenario *scenario = scene->scenario;
    const SceneWork *work = &scene->python.work;
    const Op *op = &scenario->ops[item->op];
    uint32_t count = op->code == OP_SUBMIT && op->arg[3] != 0 ? op->arg[3] : 1;
    item->batch = item->number;
    item->nth = 1;
    for (size_t i = work->items.count; count > 1 && i-- > 0;) {
        const SceneItem *before = &work->items.at[i];
        if (before->by != item->by)
            continue;
        if (before->op == item->op && before->nth < count) {
            item->batch = before->batch;
            item->nth = before->nth + 1;
        }
        break;
    }
}

static void on_submitted(Scene *scene, const TraceRecord *record, const SceneTask *task)
{
    SceneWork *work = &scene->python.work;
    uint32_t executor = executor_named(scene, task->process, record->a);
    if (executor == 0 || record->b > UINT32_MAX)
        return;
    // Another executor of that name: what the one before has not begun, nobody will do.
    bool anew = record->b == 1 && !scene->scenario->executors[executor - 1].is_default;
    for (size_t i = 0; anew && i < work->items.count; i++) {
        SceneItem *item = &work->items.at[i];
        if (item->state == WORK_QUEUED && item->executor == executor &&
            item->process == task->process)
            end_item(work, item);
    }
    const SceneLoop *loop = scene_loop_of(scene, record->task);
    SceneItem item = {
        .number = ++work->submitted,
        .executor = executor,
        .process = task->process,
        .serial = (uint32_t)record->b,
        .by = record->task,
        .coroutine = loop != NULL ? loop->running : 0,
        .op = task->op,
        .state = WORK_QUEUED,
        .since_ns = scene->time_ns,
    };
    count_batch(scene, &item);
    forget_over(work);
    ARRAY_EXTEND(&work->items);
    work->items.at[work->items.count - 1] = item;
}

// The worker has done the item that it did before, if any: of a process's the result is on its way.
static void leave_item(Scene *scene, uint32_t worker)
{
    SceneWork *work = &scene->python.work;
    uint32_t left = work->begun; // those begun stand in front as a rule
    for (size_t i = 0; left > 0 && i < work->items.count; i++) {
        SceneItem *item = &work->items.at[i];
        left -= item->state == WORK_RUNS || item->state == WORK_RETURNS;
        if (item->state != WORK_RUNS || item->worker != worker)
            continue;
        item->state = WORK_RETURNS;
        item->since_ns = scene->time_ns;
    }
}

// Who takes an item from the queue may be overtaken by as many as there are workers before it
// begins; what more than those have passed has been cancelled.
static void on_run(Scene *scene, const TraceRecord *record, uint32_t executor, uint32_t pid)
{
    SceneWork *work = &scene->python.work;
    uint32_t workers = scene->scenario->executors[executor - 1].workers;
    bool libuv = scene->scenario->executors[executor - 1].libuv; // nothing is cancelled there
    leave_item(scene, record->task);
    for (size_t i = 0; i < work->items.count; i++) {
        SceneItem *item = &work->items.at[i];
        if (item->state != WORK_QUEUED || item->executor != executor || item->process != pid)
            continue;
        if (!libuv && (uint64_t)item->serial + workers < record->b) {
            end_item(work, item);
        } else if (item->serial == record->b) {
            item->state = WORK_RUNS;
            work->begun++;
            item->worker = record->task;
            item->since_ns = scene->time_ns;
            break;
        }
    }
    forget_over(work);
}

static void on_done(Scene *scene, const TraceRecord *record, uint32_t executor, uint32_t pid)
{
    SceneWork *work = &scene->python.work;
    uint32_t left = work->begun;
    for (size_t i = 0; left > 0 && i < work->items.count; i++) {
        SceneItem *item = &work->items.at[i];
        bool begun = item->state == WORK_RUNS || item->state == WORK_RETURNS;
        left -= begun;
        if (!begun || item->executor != executor || item->process != pid ||
            item->serial != record->b)
            continue;
        end_item(work, item);
        break;
    }
    forget_over(work);
}

// A process of an executor does what its parent has been given.
static void on_executor(Scene *scene, const TraceRecord *record, const SceneTask *task)
{
    uint32_t pid = task->process, executor = executor_named(scene, pid, record->a);
    const SceneProcess *process = scene_process(scene, pid);
    bool runs = record->kind == EVENT_EXECUTOR_RUN;
    if (runs && process != NULL && process->parent != 0) {
        uint32_t parents = executor_named(scene, process->parent, record->a);
        if (parents != 0 && scene->scenario->executors[parents - 1].processes) {
            executor = parents;
            pid = process->parent;
        }
    }
    if (executor == 0)
        return;
    if (runs)
        on_run(scene, record, executor, pid);
    else
        on_done(scene, record, executor, pid);
}

// ---- pools of processes

static ScenePool *pool_named(Scene *scene, uint64_t name, uint32_t *number)
{
    SceneWork *work = &scene->python.work;
    for (uint32_t i = 0; i < scene->scenario->pool_count; i++) {
        if (scene->scenario->pools[i].name.index1 != name)
            continue;
        while (work->pools.count <= i)
            ARRAY_EXTEND(&work->pools);
        *number = i + 1;
        return &work->pools.at[i];
    }
    return NULL;
}

static void forget_chunk(SceneWork *work, uint32_t worker)
{
    for (size_t i = work->chunks.count; i-- > 0;)
        if (work->chunks.at[i].worker == worker)
            work->chunks.at[i] = work->chunks.at[--work->chunks.count];
}

// More items, at most up to what comes before them: a damaged trace may name any number.
static uint32_t more_of(uint32_t items, uint32_t count, uint32_t most)
{
    return count < most - items ? items + count : most;
}

static void on_pool(Scene *scene, const TraceRecord *record)
{
    uint32_t number = 0, count = items_count(record->b);
    ScenePool *pool = pool_named(scene, record->a, &number);
    SceneWork *work = &scene->python.work;
    if (pool == NULL)
        return;
    switch ((EventKind)record->kind) {
    case EVENT_POOL_ASKED:
        pool->asked = more_of(pool->asked, count, UINT32_MAX);
        pool->by = record->task;
        pool->asked_ns = scene->time_ns;
        break;
    case EVENT_POOL_RUN:
        pool->begun = more_of(pool->begun, count, pool->asked);
        forget_chunk(work, record->task);
        ARRAY_EXTEND(&work->chunks);
        work->chunks.at[work->chunks.count - 1] =
            (SceneChunk){number, record->task, items_first(record->b), count, scene->time_ns};
        break;
    case EVENT_POOL_DONE:
        pool->done = more_of(pool->done, count, pool->begun);
        forget_chunk(work, record->task);
        break;
    default:
        pool->back = more_of(pool->back, count, pool->done);
        break;
    }
}

// ---- streams

static void on_stream(Scene *scene, const TraceRecord *record, const SceneTask *task)
{
    SceneWork *work = &scene->python.work;
    size_t at = scene_stream_place(work, record->task, record->a);
    if (task->loop == 0)
        return;
    if (at == work->streams.count || work->streams.at[at].thread != record->task ||
        work->streams.at[at].file != record->a) {
        size_t behind = work->streams.count - at;
        ARRAY_EXTEND(&work->streams);
        SceneStream *place = &work->streams.at[at];
        memmove(place + 1, place, behind * sizeof *place);
        *place = (SceneStream){.file = record->a, .thread = record->task};
    }
    SceneStream *stream = &work->streams.at[at];
    if (record->kind == EVENT_STREAM_LEVEL) {
        stream->bytes = record->b;
        stream->since_ns = scene->time_ns;
    } else {
        stream->paused = record->kind == EVENT_STREAM_PAUSED;
    }
}

void scene_forget_streams(Scene *scene, uint32_t thread)
{
    SceneWork *work = &scene->python.work;
    size_t kept = 0;
    for (size_t i = 0; i < work->streams.count; i++)
        if (work->streams.at[i].thread != thread)
            work->streams.at[kept++] = work->streams.at[i];
    work->streams.count = kept;
}

// ---- all of them

void scene_fold_work(Scene *scene, const TraceRecord *record)
{
    const SceneTask *task = task_of(scene, record->task);
    if (task == NULL || task->state == TASK_STATE_ENDED)
        return;
    switch ((EventKind)record->kind) {
    case EVENT_EXECUTOR_SUBMITTED:
        on_submitted(scene, record, task);
        break;
    case EVENT_EXECUTOR_RUN:
    case EVENT_EXECUTOR_DONE:
        on_executor(scene, record, task);
        break;
    case EVENT_POOL_ASKED:
    case EVENT_POOL_RUN:
    case EVENT_POOL_DONE:
    case EVENT_POOL_RESULT:
        on_pool(scene, record);
        break;
    default:
        on_stream(scene, record, task);
        break;
    }
}

void scene_leave_work(Scene *scene, uint32_t worker)
{
    SceneWork *work = &scene->python.work;
    forget_chunk(work, worker);
    for (size_t i = 0; work->begun > 0 && i < work->items.count; i++)
        if (work->items.at[i].state == WORK_RUNS && work->items.at[i].worker == worker)
            end_item(work, &work->items.at[i]);
}
