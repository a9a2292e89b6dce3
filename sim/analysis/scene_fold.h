// What the files that fold records into a scene share: finding what a record names, and the counts
// of threads. Not for readers of scenes.
#pragma once
#include "sim/analysis/scene.h"

// A damaged trace may name any task or process: what is far ahead of those seen is not believed.
// (A measured trace, merged from several, may bring creations a little out of order.)
enum { IDS_AHEAD = 1024 };

static inline SceneTask *task_of(Scene *scene, uint64_t id)
{
    return id - 1 < scene->tasks.count && scene->tasks.at[id - 1].def != 0
               ? &scene->tasks.at[id - 1]
               : NULL;
}

// The number of the object that the record's task means by `id`, a SyncId; 0: there is none.
static inline uint32_t sync_number(const Scene *scene, const TraceRecord *record, uint64_t id)
{
    return id - 1 < scene->scenario->sync_count
               ? instances_sync(&scene->instances, record->task, (uint32_t)id)
               : 0;
}

static inline SceneSync *sync_of(Scene *scene, const TraceRecord *record)
{
    uint32_t number = sync_number(scene, record, record->a);
    return number != 0 ? &scene->syncs.at[number - 1] : NULL;
}

static inline SceneProcess *process_of(Scene *scene, uint64_t pid)
{
    return pid - 1 < scene->processes.count ? &scene->processes.at[pid - 1] : NULL;
}

static inline int64_t later_by(int64_t ns, uint64_t by)
{
    int64_t room = INT64_MAX - ns;
    return ns + (by < (uint64_t)room ? (int64_t)by : room);
}

static inline void count_state(Scene *scene, const SceneTask *task, int by)
{
    SceneProcess *process = process_of(scene, task->process);
    scene->in_state[task->state] += (uint32_t)by;
    if (process != NULL)
        process->in_state[task->state] += (uint32_t)by;
}

static inline void count_thread(Scene *scene, uint32_t pid, int by)
{
    SceneProcess *process = process_of(scene, pid);
    if (process != NULL)
        process->threads = (uint32_t)((int64_t)process->threads + by);
}

// ---- scene_fold.c: places

// Out of its list, if it is in one, and to a place without joining a list there.
void scene_move_to(Scene *scene, SceneTask *task, PlaceKind place, uint32_t place_id);
// The same, to the end of the place's list.
void scene_join_list(Scene *scene, SceneTask *task, PlaceKind place, uint32_t place_id);
// What a task that runs does on its core.
void scene_set_mode(Scene *scene, SceneTask *task);

// ---- scene_fold_sync.c

// A record of a wait or a lock, of this task.
void scene_fold_sync(Scene *scene, const TraceRecord *record, SceneTask *task);
void scene_fold_level(Scene *scene, const TraceRecord *record); // SYNC_LEVEL

// ---- scene_fold_objects.c

// The record's thread is in this process from now.
void scene_move_thread(Scene *scene, SceneTask *task, uint32_t pid);
// PROCESS_STARTED, whose thread is `task`.
void scene_fold_started(Scene *scene, const TraceRecord *record, SceneTask *task);
// A record of a process, a pipe, a message queue or a variable.
void scene_fold_object(Scene *scene, const TraceRecord *record);

// ---- scene_fold_watches.c: what epoll sets watch

// EPOLL_WATCHES or EPOLL_TAKEN.
void scene_fold_watch(Scene *scene, const TraceRecord *record);

// ---- scene_fold_uv.c: Node's loops

// UV_TIMERS, UV_POLL, UV_CHECK, UV_CALL, UV_QUEUED, UV_CLEARED or UV_ENDED.
void scene_fold_uv(Scene *scene, const TraceRecord *record);
// The thread ends, and its loop with it, if it runs one.
void scene_leave_uv(Scene *scene, uint32_t thread);
// The thread's set is closed with its loop.
void scene_forget_watches(Scene *scene, uint32_t thread);

// ---- scene_fold_gil.c

void scene_fold_gil(Scene *scene, const TraceRecord *record);
// The thread has no GIL, and waits for none, any more.
void scene_leave_gil(Scene *scene, SceneTask *task);

// ---- scene_fold_work.c: executors, pools of processes, streams

void scene_fold_work(Scene *scene, const TraceRecord *record);
// The thread's loop is closed, and its streams with it.
void scene_forget_streams(Scene *scene, uint32_t thread);
// The thread has ended: it does no work.
void scene_leave_work(Scene *scene, uint32_t worker);

// ---- scene_fold_python.c

// A record of a GIL, of a loop or of a coroutine.
void scene_fold_python(Scene *scene, const TraceRecord *record);
// The thread begins an operation.
void scene_fold_python_op(Scene *scene, const SceneTask *task, uint32_t op);
// The thread has ended: it waits for no GIL and runs no loop.
void scene_fold_python_end(Scene *scene, SceneTask *task);
