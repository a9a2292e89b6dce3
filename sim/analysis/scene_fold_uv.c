// How records of Node's loops change a scene.
#include "sim/analysis/scene_fold.h"

static SceneUv *uv_of(Scene *scene, uint32_t thread)
{
    ScenePython *python = &scene->python;
    const SceneTask *task = task_of(scene, thread);
    size_t at = 0, unused = 0;
    if (task == NULL || task->state == TASK_STATE_ENDED)
        return NULL;
    while (at < python->uvs.count && python->uvs.at[at].thread != thread)
        at++;
    if (at < python->uvs.count)
        return &python->uvs.at[at];
    while (unused < python->uvs.count && python->uvs.at[unused].thread != 0)
        unused++;
    if (unused == python->uvs.count)
        (void)ARRAY_PUSH(&python->uvs);
    python->uvs.at[unused] = (SceneUv){.thread = thread, .poll_until_ns = -1};
    return &python->uvs.at[unused];
}

// A function has come into a queue, or has left it.
static void count(SceneUv *uv, uint64_t queue, bool comes)
{
    if (queue >= UV_QUEUE_COUNT)
        return;
    if (comes)
        uv->queued[queue]++;
    else
        uv->queued[queue] -= uv->queued[queue] > 0;
}

static void on_phase(const Scene *scene, const TraceRecord *record, SceneUv *uv)
{
    uv->phase = record->kind == EVENT_UV_TIMERS ? UV_PHASE_TIMERS
                : record->kind == EVENT_UV_POLL ? UV_PHASE_POLL
                                                : UV_PHASE_CHECK;
    uv->turns += record->kind == EVENT_UV_CHECK;
    uv->function = 0;
    uv->poll_until_ns = -1;
    int64_t ms = (int64_t)record->a;
    if (uv->phase == UV_PHASE_POLL && ms >= 0)
        uv->poll_until_ns =
            later_by(scene->time_ns, ms < INT64_MAX / 1000000 ? (uint64_t)ms * 1000000 : INT64_MAX);
}

void scene_fold_uv(Scene *scene, const TraceRecord *record)
{
    SceneUv *uv = record->kind == EVENT_UV_ENDED ? NULL : uv_of(scene, record->task);
    if (uv == NULL) {
        scene_leave_uv(scene, record->task);
        return;
    }
    switch ((EventKind)record->kind) {
    case EVENT_UV_QUEUED:
    case EVENT_UV_CLEARED:
        count(uv, record->b, record->kind == EVENT_UV_QUEUED);
        break;
    case EVENT_UV_CALL:
        count(uv, record->b, false);
        uv->function = coroutine_function(record->a);
        uv->from = (uint32_t)record->b;
        uv->since_ns = scene->time_ns;
        break;
    default:
        on_phase(scene, record, uv);
        uv->since_ns = scene->time_ns;
        break;
    }
}

const SceneUv *scene_uv_of(const Scene *scene, uint32_t task)
{
    for (size_t i = 0; task != 0 && i < scene->python.uvs.count; i++)
        if (scene->python.uvs.at[i].thread == task)
            return &scene->python.uvs.at[i];
    return NULL;
}

void scene_leave_uv(Scene *scene, uint32_t thread)
{
    for (size_t i = 0; i < scene->python.uvs.count; i++)
        if (scene->python.uvs.at[i].thread == thread)
            scene->python.uvs.at[i] = (SceneUv){0};
}
