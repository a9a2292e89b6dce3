#include "tests/scene_laws.h"

#include <stddef.h>

#define LAW(condition, text)                                                                       \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return (text);                                                                         \
    } while (0)

// Walks a list; the number of tasks in it goes up by `*listed`.
static const char *list_law(const Scene *scene, uint32_t first, uint32_t last, uint32_t count,
                            PlaceKind place, uint32_t id, uint32_t *listed)
{
    uint32_t seen = 0, before = 0;
    for (uint32_t at = first; at != 0; at = scene->tasks.at[at - 1].next) {
        LAW(seen++ < count, "a list is longer than it says");
        const SceneTask *task = scene_task(scene, at);
        LAW(task != NULL && task->listed, "a list has somebody who is not listed");
        LAW(task->previous == before, "a list's links do not agree");
        LAW(place == PLACE_TIMER ? task->place >= PLACE_JOIN
                                 : task->place == place && task->place_id == id,
            "a list has somebody who is elsewhere");
        before = at;
    }
    LAW(seen == count && last == before, "a list is shorter than it says");
    *listed += count;
    return NULL;
}

static const char *lists_law(const Scene *scene)
{
    const Scenario *scenario = scene->scenario;
    uint32_t listed = 0, tasks_listed = 0;
    const char *broken = list_law(scene, scene->first_blocked, scene->last_blocked, scene->blocked,
                                  PLACE_TIMER, 0, &listed);
    for (uint32_t i = 0; broken == NULL && i < scene->core_count; i++)
        broken = list_law(scene, scene->cores[i].first, scene->cores[i].last,
                          scene->cores[i].queued, PLACE_CORE, i + 1, &listed);
    for (uint32_t i = 0; broken == NULL && i < scene->syncs.count; i++)
        broken = list_law(scene, scene->syncs.at[i].first, scene->syncs.at[i].last,
                          scene->syncs.at[i].waiting, PLACE_SYNC, i + 1, &listed);
    for (uint32_t i = 0; broken == NULL && i < scenario->pipe_count; i++)
        broken = list_law(scene, scene->pipes[i].first, scene->pipes[i].last,
                          scene->pipes[i].waiting, PLACE_PIPE, i + 1, &listed);
    for (uint32_t i = 0; broken == NULL && i < scenario->message_queue_count; i++)
        broken = list_law(scene, scene->messages[i].first, scene->messages[i].last,
                          scene->messages[i].waiting, PLACE_MESSAGES, i + 1, &listed);
    if (broken != NULL)
        return broken;
    for (size_t i = 0; i < scene->tasks.count; i++)
        tasks_listed += scene->tasks.at[i].listed;
    LAW(tasks_listed == listed, "somebody is listed and in no list");
    return NULL;
}

// ---- Python

static const char *gil_law(const Scene *scene, uint32_t number, uint32_t *named)
{
    const SceneGil *gil = &scene->python.gils.at[number - 1];
    uint32_t seen = 0, before = 0;
    for (uint32_t at = gil->first; at != 0; at = scene->tasks.at[at - 1].gil_next) {
        LAW(seen++ < gil->waiting, "more wait for a GIL than it says");
        const SceneTask *task = scene_task(scene, at);
        LAW(task != NULL && task->gil == number && task->state != TASK_STATE_ENDED,
            "somebody waits for a GIL and does not know it");
        LAW(at != gil->holder, "somebody waits for a GIL that it holds");
        LAW(task->gil_previous == before, "the links of a GIL's list do not agree");
        LAW(scene_waits_for_gil(scene, at), "a waiter does not wait");
        before = at;
    }
    LAW(seen == gil->waiting && before == gil->last, "fewer wait for a GIL than it says");
    *named += seen;
    if (gil->holder == 0)
        return NULL;
    const SceneTask *holder = scene_task(scene, gil->holder);
    LAW(holder != NULL && holder->gil == number && holder->state != TASK_STATE_ENDED,
        "a GIL's holder does not have it");
    LAW(holder->process == gil->process, "somebody of another process has the GIL");
    ++*named;
    return NULL;
}

static const char *gils_law(const Scene *scene)
{
    uint32_t named = 0, known = 0;
    for (uint32_t number = 1; number <= scene->python.gils.count; number++) {
        const char *broken = gil_law(scene, number, &named);
        if (broken != NULL)
            return broken;
    }
    for (size_t i = 0; i < scene->tasks.count; i++)
        known += scene->tasks.at[i].gil != 0;
    LAW(named == known, "somebody has or waits for a GIL that does not know it");
    return NULL;
}

static const char *loop_law(const Scene *scene, uint32_t number, uint32_t *ready)
{
    const ScenePython *python = &scene->python;
    const SceneLoop *loop = &python->loops.at[number - 1];
    uint32_t in_state[COROUTINE_STATE_COUNT] = {0}, timers = 0, seen = 0, last = 0;
    if (loop->thread == 0)
        return NULL;
    LAW(scene_loop_of(scene, loop->thread) == loop, "a loop's thread runs another one");
    for (uint32_t at = loop->first; at != 0; at = python->ready.at[at - 1].next) {
        LAW(seen++ < loop->ready, "a ready list is longer than it says");
        last = at;
    }
    LAW(seen == loop->ready && last == loop->last, "a ready list is shorter than it says");
    *ready += seen;
    for (size_t i = 0; i < python->timers.count; i++)
        timers += python->timers.at[i].loop == number;
    LAW(timers == loop->timers, "a loop has more or fewer timers than it says");
    for (size_t i = 0; i < python->coroutines.count; i++)
        if (python->coroutines.at[i].loop == number)
            in_state[python->coroutines.at[i].state]++;
    for (int state = 0; state < COROUTINE_STATE_ENDED; state++)
        LAW(in_state[state] == loop->in_state[state],
            "more or fewer coroutines are in a state than their loop says");
    uint32_t watched = 0;
    for (size_t i = 0; i < python->watches.count; i++)
        watched += python->watches.at[i].thread == loop->thread;
    LAW(watched == loop->watched, "a loop's selector watches more or fewer files than it says");
    LAW(in_state[COROUTINE_STATE_RUNNING] == (loop->running != 0),
        "a loop runs several coroutines");
    const SceneCoroutine *running = scene_coroutine(scene, loop->running);
    LAW(loop->running == 0 || (running != NULL && running->state == COROUTINE_STATE_RUNNING),
        "a loop's coroutine does not run");
    return NULL;
}

static const char *coroutines_law(const Scene *scene)
{
    const ScenePython *python = &scene->python;
    uint32_t ended = 0, before = 0, at_objects = 0, counted = 0;
    for (size_t i = 0; i < python->coroutines.count; i++) {
        const SceneCoroutine *coroutine = &python->coroutines.at[i];
        LAW(coroutine->serial > before, "coroutines are not in order");
        before = coroutine->serial;
        ended += coroutine->state == COROUTINE_STATE_ENDED;
        LAW(coroutine->state == COROUTINE_STATE_ENDED || coroutine->loop != 0,
            "a coroutine is nobody's");
        LAW(coroutine->state != COROUTINE_STATE_SLEEPS ||
                coroutine->waits_for - 1 < python->timers.count,
            "a coroutine sleeps and has no timer");
        at_objects += coroutine->object != 0;
    }
    LAW(ended == python->ended, "more or fewer coroutines have ended than it says");
    for (size_t i = 0; i < scene->syncs.count; i++)
        counted += scene->syncs.at[i].coroutines;
    LAW(counted == at_objects, "more or fewer coroutines wait at objects than those say");
    return NULL;
}

// Executors, pools of processes and streams.
static const char *work_law(const Scene *scene)
{
    const SceneWork *work = &scene->python.work;
    uint32_t over = 0, begun = 0, before = 0;
    for (size_t i = 0; i < work->items.count; i++) {
        const SceneItem *item = &work->items.at[i];
        LAW(item->number > before && item->number <= work->submitted, "items are not in order");
        before = item->number;
        over += item->state == WORK_OVER;
        begun += item->state == WORK_RUNS || item->state == WORK_RETURNS;
        LAW(item->state == WORK_OVER || (item->worker == 0) == (item->state == WORK_QUEUED),
            "an item is being done by nobody, or waits its turn with somebody");
        LAW(item->batch <= item->number && item->nth > 0, "an item is of no batch");
        const SceneTask *worker = scene_task(scene, item->worker);
        LAW(item->state != WORK_RUNS || (worker != NULL && worker->state != TASK_STATE_ENDED),
            "somebody who is not there does an item");
    }
    LAW(over == work->over && begun == work->begun, "more or fewer items are over, or begun");
    for (size_t i = 0; i < work->chunks.count; i++) {
        const SceneTask *worker = scene_task(scene, work->chunks.at[i].worker);
        LAW(worker != NULL && worker->state != TASK_STATE_ENDED &&
                scene_chunk_of(scene, work->chunks.at[i].worker) == &work->chunks.at[i],
            "somebody who is not there does a pool's work, or does it twice");
    }
    for (size_t i = 0; i < work->pools.count; i++) {
        const ScenePool *pool = &work->pools.at[i];
        LAW(pool->back <= pool->done && pool->done <= pool->begun && pool->begun <= pool->asked,
            "a pool has done what it was not asked for");
    }
    for (size_t i = 0; i < work->streams.count; i++) {
        const SceneStream *stream = &work->streams.at[i];
        LAW(scene_stream(scene, stream->thread, stream->file) == stream,
            "streams are not in order");
        LAW(scene_loop_of(scene, stream->thread) != NULL, "a stream is of no loop");
    }
    return NULL;
}

static const char *python_law(const Scene *scene)
{
    uint32_t ready = 0;
    const char *broken = gils_law(scene);
    for (uint32_t i = 1; broken == NULL && i <= scene->python.loops.count; i++)
        broken = loop_law(scene, i, &ready);
    LAW(broken != NULL || ready == scene->python.ready_used,
        "something is ready and on no loop's list");
    broken = broken != NULL ? broken : coroutines_law(scene);
    return broken != NULL ? broken : work_law(scene);
}

const char *scene_laws(const Scene *scene)
{
    uint32_t in_state[TASK_STATE_COUNT] = {0}, running = 0, busy = 0;
    for (uint32_t id = 1; id <= scene->tasks.count; id++) {
        const SceneTask *task = scene_task(scene, id);
        if (task == NULL)
            continue;
        LAW(task->state < TASK_STATE_COUNT, "somebody is in no state");
        in_state[task->state]++;
        LAW(task->since_ns <= scene->time_ns, "somebody is in a state from later on");
        if (!task_state_runs((TaskState)task->state))
            continue;
        running++;
        LAW(task->core >= 0 && (uint32_t)task->core < scene->core_count &&
                scene->cores[task->core].task == id,
            "somebody runs, but not on its core");
        LAW((task->state == TASK_STATE_RUNNING_KERNEL) == (scene->cores[task->core].in_kernel != 0),
            "somebody and its core are not in the same mode");
    }
    for (int i = 0; i < TASK_STATE_COUNT; i++)
        LAW(in_state[i] == scene->in_state[i], "a state has more or less in it than it says");
    for (uint32_t i = 0; i < scene->core_count; i++) {
        const SceneTask *task = scene_task(scene, scene->cores[i].task);
        LAW((task != NULL) == (scene->cores[i].task != 0), "a core runs nobody that there is");
        busy += task != NULL && task->state != TASK_STATE_ENDED;
        CoreTimes times = scene_core_times(scene, i);
        LAW(times.user_ns >= 0 && times.kernel_ns >= 0 && times.irq_ns >= 0 && times.idle_ns >= 0,
            "a core's times do not add up");
    }
    for (size_t i = 0; i < scene->processes.count; i++)
        for (int state = 0; state < TASK_STATE_COUNT; state++)
            in_state[state] -= scene->processes.at[i].in_state[state];
    for (int state = 0; state < TASK_STATE_COUNT; state++)
        LAW(in_state[state] == 0, "the processes' threads are not all threads");
    LAW(busy == running, "a core runs somebody who does not run");
    const char *broken = lists_law(scene);
    return broken != NULL ? broken : python_law(scene);
}
