// How records of epoll sets change a scene.
#include "sim/analysis/scene_fold.h"

#include <string.h>

// Where the first file is that is not before this one.
static size_t place_of(const ScenePython *python, uint32_t set, uint64_t file)
{
    size_t from = 0, to = python->watches.count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const SceneWatch *watch = &python->watches.at[middle];
        if (watch->set < set || (watch->set == set && watch->file < file))
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static void count_watch(Scene *scene, uint32_t thread, int by)
{
    const SceneTask *task = task_of(scene, thread);
    if (task != NULL && task->loop != 0)
        scene->python.loops.at[task->loop - 1].watched += (uint32_t)by;
}

static void remove_at(Scene *scene, size_t at)
{
    ScenePython *python = &scene->python;
    SceneWatch *watch = &python->watches.at[at];
    count_watch(scene, watch->thread, -1);
    memmove(watch, watch + 1, (--python->watches.count - at) * sizeof *watch);
}

static void add_at(Scene *scene, size_t at, const TraceRecord *record)
{
    ScenePython *python = &scene->python;
    size_t behind = python->watches.count - at;
    ARRAY_EXTEND(&python->watches);
    SceneWatch *watch = &python->watches.at[at];
    memmove(watch + 1, watch, behind * sizeof *watch);
    *watch = (SceneWatch){
        .file = record->a,
        .set = epoll_set(record->b),
        .thread = record->task,
        .events = epoll_events(record->b),
    };
    count_watch(scene, record->task, 1);
}

void scene_fold_watch(Scene *scene, const TraceRecord *record)
{
    ScenePython *python = &scene->python;
    uint32_t set = epoll_set(record->b), events = epoll_events(record->b);
    size_t at = place_of(python, set, record->a);
    bool there = at < python->watches.count && python->watches.at[at].set == set &&
                 python->watches.at[at].file == record->a;
    if (record->kind == EVENT_EPOLL_TAKEN) {
        const SceneLoop *loop = scene_loop_of(scene, record->task);
        if (!there)
            return;
        python->watches.at[at].taken = events;
        python->watches.at[at].turn = loop == NULL ? 0 : loop->turns;
    } else if (there && events == 0) {
        remove_at(scene, at);
    } else if (there) {
        python->watches.at[at].events = events;
    } else if (events != 0 && task_of(scene, record->task) != NULL) {
        add_at(scene, at, record);
    }
}

void scene_forget_watches(Scene *scene, uint32_t thread)
{
    ScenePython *python = &scene->python;
    size_t kept = 0;
    for (size_t i = 0; i < python->watches.count; i++)
        if (python->watches.at[i].thread != thread)
            python->watches.at[kept++] = python->watches.at[i];
        else
            count_watch(scene, thread, -1);
    python->watches.count = kept;
}
