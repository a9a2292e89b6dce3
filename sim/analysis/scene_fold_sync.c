// How waits, locks and levels change a scene: what threads synchronise by, and what they wait for.
#include "sim/analysis/scene_fold.h"

static void begin_wait(Scene *scene, const TraceRecord *record, SceneTask *task, bool spins)
{
    uint32_t number = sync_number(scene, record, record->a);
    if (number == 0 || task->state == TASK_STATE_ENDED)
        return;
    if (task->wants != number)
        task->wants_since_ns = scene->time_ns;
    task->wants = number;
    task->holder = record->kind == EVENT_SYNC_WAIT ? 0 : (uint32_t)record->b;
    task->spins = spins;
    scene_join_list(scene, task, PLACE_SYNC, task->wants);
    if (task_state_runs((TaskState)task->state))
        scene_set_mode(scene, task);
}

static void end_wait(Scene *scene, const TraceRecord *record, SceneTask *task)
{
    if (task->wants == 0 || task->wants != sync_number(scene, record, record->a))
        return;
    task->wants = task->holder = 0;
    task->spins = false;
    bool runs = task_state_runs((TaskState)task->state);
    if (task->place == PLACE_SYNC)
        scene_move_to(scene, task, runs ? PLACE_CORE : PLACE_NONE,
                      runs ? (uint32_t)task->core + 1 : 0);
    if (runs)
        scene_set_mode(scene, task);
}

static void on_lock(Scene *scene, const TraceRecord *record, SceneTask *task)
{
    SceneSync *sync = sync_of(scene, record);
    if (sync == NULL)
        return;
    switch (record->kind) {
    case EVENT_LOCK_TAKEN:
        end_wait(scene, record, task);
        sync->holder = record->task;
        sync->depth = 1;
        sync->held_since_ns = scene->time_ns;
        break;
    case EVENT_LOCK_RELEASED:
        if (sync->holder == released_holder(record))
            sync->holder = sync->depth = 0;
        break;
    case EVENT_LOCK_NESTED:
        if (sync->holder == record->task)
            sync->depth = record->b > UINT32_MAX ? UINT32_MAX : (uint32_t)record->b;
        break;
    case EVENT_LOCK_READ:
        end_wait(scene, record, task);
        if (sync->readers++ == 0)
            sync->held_since_ns = scene->time_ns;
        break;
    case EVENT_LOCK_READ_RELEASED:
        sync->readers -= sync->readers > 0;
        break;
    default:
        break;
    }
}

void scene_fold_level(Scene *scene, const TraceRecord *record)
{
    SceneSync *sync = sync_of(scene, record);
    if (sync != NULL)
        sync->level = record->b > INT64_MAX ? INT64_MAX : (int64_t)record->b;
}

// Waits at something that is no SyncId.
static void wait_at(Scene *scene, const TraceRecord *record, SceneTask *task, PlaceKind place)
{
    if (task->state != TASK_STATE_ENDED)
        scene_join_list(scene, task, place, (uint32_t)record->a);
}

void scene_fold_sync(Scene *scene, const TraceRecord *record, SceneTask *task)
{
    switch ((EventKind)record->kind) {
    case EVENT_LOCK_WAIT:
    case EVENT_SYNC_WAIT:
        begin_wait(scene, record, task, false);
        break;
    case EVENT_LOCK_SPIN:
        begin_wait(scene, record, task, true);
        break;
    case EVENT_SYNC_WAIT_OVER:
        end_wait(scene, record, task);
        break;
    case EVENT_LOCK_TAKEN:
    case EVENT_LOCK_RELEASED:
    case EVENT_LOCK_NESTED:
    case EVENT_LOCK_READ:
    case EVENT_LOCK_READ_RELEASED:
        on_lock(scene, record, task);
        break;
    case EVENT_JOIN_WAIT:
        wait_at(scene, record, task, PLACE_JOIN);
        break;
    case EVENT_CHILD_WAIT:
        wait_at(scene, record, task, PLACE_PROCESS);
        break;
    case EVENT_PIPE_WAIT:
        wait_at(scene, record, task, PLACE_PIPE);
        break;
    case EVENT_MESSAGE_WAIT:
        wait_at(scene, record, task, PLACE_MESSAGES);
        break;
    default:
        break;
    }
}
