// How records of GILs change a scene.
#include "sim/analysis/scene_fold.h"

// A process has as many as interpreters at most.
enum { GILS_MOST = INTERPRETERS_MAX + 1 };

static SceneGil *gil_at(Scene *scene, uint32_t number)
{
    return number - 1 < scene->python.gils.count ? &scene->python.gils.at[number - 1] : NULL;
}

static int64_t switch_interval(const Scenario *scenario, uint32_t def)
{
    uint32_t family =
        def - 1 < scenario->process_count ? scenario->processes[def - 1].family.index1 : 0;
    return family != 0 ? scenario->processes[family - 1].runtime.switch_interval_ns : 0;
}

// The number of the GIL that the record names: a new one if it is the first record of it; 0: none.
static uint32_t gil_of(Scene *scene, const TraceRecord *record)
{
    SceneProcess *process = process_of(scene, (uint32_t)record->a);
    uint32_t interpreter = (uint32_t)(record->a >> 32), number, last = 0;
    if (process == NULL || process->def == 0)
        return 0;
    for (number = process->first_gil; number != 0; number = gil_at(scene, number)->next) {
        if (gil_at(scene, number)->interpreter == interpreter)
            return number;
        last = number;
    }
    if (process->gils >= GILS_MOST) // only in a damaged trace
        return 0;
    *ARRAY_PUSH(&scene->python.gils) = (SceneGil){
        .process = (uint32_t)record->a,
        .interpreter = interpreter,
        .since_ns = scene->time_ns,
        .asked_ns = -1,
        .interval_ns = switch_interval(scene->scenario, process->def),
    };
    number = (uint32_t)scene->python.gils.count;
    if (last == 0)
        process->first_gil = number;
    else
        gil_at(scene, last)->next = number;
    process->gils++;
    return number;
}

static bool waits_for_gil(const Scene *scene, const SceneTask *task)
{
    uint32_t id = (uint32_t)(task - scene->tasks.at) + 1;
    return task->gil != 0 && scene->python.gils.at[task->gil - 1].holder != id;
}

static void leave_gil_list(Scene *scene, SceneTask *task)
{
    if (!waits_for_gil(scene, task))
        return;
    SceneGil *gil = gil_at(scene, task->gil);
    if (task->gil_previous != 0)
        scene->tasks.at[task->gil_previous - 1].gil_next = task->gil_next;
    else
        gil->first = task->gil_next;
    if (task->gil_next != 0)
        scene->tasks.at[task->gil_next - 1].gil_previous = task->gil_previous;
    else
        gil->last = task->gil_previous;
    gil->waiting--;
    task->gil = task->gil_next = task->gil_previous = 0;
}

// The holder lets go of it.
static void free_gil(Scene *scene, SceneGil *gil)
{
    SceneTask *holder = task_of(scene, gil->holder);
    if (holder != NULL)
        holder->gil = 0;
    if (gil->holder != 0)
        gil->last_holder = gil->holder;
    gil->holder = 0;
    gil->since_ns = scene->time_ns;
}

static void on_gil_wait(Scene *scene, SceneTask *task, uint32_t number)
{
    SceneGil *gil = gil_at(scene, number);
    if (task->gil != 0 || task->state == TASK_STATE_ENDED)
        return;
    uint32_t id = (uint32_t)(task - scene->tasks.at) + 1;
    task->gil = number;
    task->gil_since_ns = scene->time_ns;
    task->gil_previous = gil->last;
    if (gil->last != 0)
        scene->tasks.at[gil->last - 1].gil_next = id;
    else
        gil->first = id;
    gil->last = id;
    gil->waiting++;
}

static void on_gil_taken(Scene *scene, SceneTask *task, uint32_t number)
{
    SceneGil *gil = gil_at(scene, number);
    uint32_t id = (uint32_t)(task - scene->tasks.at) + 1;
    if (task->state == TASK_STATE_ENDED || gil->holder == id)
        return;
    leave_gil_list(scene, task);
    if (task->gil != 0) // only in a damaged trace: it has another one
        free_gil(scene, gil_at(scene, task->gil));
    if (gil->holder != 0)
        free_gil(scene, gil);
    gil->holder = id;
    gil->since_ns = scene->time_ns;
    gil->taken++;
    gil->asker = gil->dropper = 0;
    gil->asked_ns = -1;
    task->gil = number;
}

void scene_fold_gil(Scene *scene, const TraceRecord *record)
{
    SceneTask *task = task_of(scene, record->task);
    bool own = task != NULL && task->process == (uint32_t)record->a;
    uint32_t number = own ? gil_of(scene, record) : 0;
    SceneGil *gil = gil_at(scene, number);
    if (gil == NULL)
        return;
    switch ((EventKind)record->kind) {
    case EVENT_GIL_WAIT:
        on_gil_wait(scene, task, number);
        break;
    case EVENT_GIL_ASKED:
        if (gil->asked_ns >= 0)
            break; // it has been asked for already
        gil->asker = record->task;
        gil->asked_ns = scene->time_ns;
        break;
    case EVENT_GIL_TAKEN:
        on_gil_taken(scene, task, number);
        break;
    default:
        if (gil->holder != record->task)
            break;
        free_gil(scene, gil);
        gil->dropper = record->kind == EVENT_GIL_DROPPED ? record->task : 0;
        break;
    }
}

void scene_leave_gil(Scene *scene, SceneTask *task)
{
    uint32_t id = (uint32_t)(task - scene->tasks.at) + 1;
    SceneGil *gil = gil_at(scene, task->gil);
    if (gil != NULL && gil->holder == id)
        free_gil(scene, gil);
    else if (gil != NULL)
        leave_gil_list(scene, task);
    const SceneProcess *process = process_of(scene, task->process);
    gil = process == NULL ? NULL : gil_at(scene, process->first_gil);
    for (; gil != NULL; gil = gil_at(scene, gil->next))
        if (gil->dropper == id)
            gil->dropper = 0;
}
