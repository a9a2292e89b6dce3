// The rows of GILs, of event loops and of coroutines, as a timeline is built.
#include "sim/analysis/timeline_fold.h"

// ---- GILs

static void follow_gil(Fold *fold, uint32_t number, int64_t now)
{
    const ScenePython *python = &fold->scene.python;
    if (number == 0)
        return;
    while (fold->gil_rows.count < python->gils.count) {
        const SceneGil *gil = &python->gils.at[fold->gil_rows.count];
        uint32_t row = timeline_row_add(fold->timeline, ROW_GIL, gil->process);
        row_of(fold, row)->process = gil->process;
        row_of(fold, row)->instance = gil->interpreter;
        timeline_row_set(row_of(fold, row), 0, TIMELINE_FREE, 0);
        *ARRAY_PUSH(&fold->gil_rows) = row;
    }
    const SceneGil *gil = &python->gils.at[number - 1];
    unsigned state = gil->holder == 0     ? TIMELINE_FREE
                     : gil->asked_ns >= 0 ? TIMELINE_GIL_ASKED
                     : gil->waiting > 0   ? TIMELINE_CONTENDED
                                          : TIMELINE_HELD;
    timeline_row_set(row_of(fold, fold->gil_rows.at[number - 1]), now, state, gil->holder);
}

// The one that the record's thread has or waits for, and the one that it did before.
static void follow_gils(Fold *fold, FoldTask *known, const TraceRecord *record)
{
    const SceneTask *task = scene_task(&fold->scene, record->task);
    bool of_gil = record->kind >= EVENT_GIL_WAIT && record->kind <= EVENT_GIL_RELEASED;
    if (!of_gil && task->gil == known->gil)
        return;
    follow_gil(fold, known->gil, record->time_ns);
    follow_gil(fold, task->gil, record->time_ns);
    known->gil = task->gil;
}

// ---- loops

static unsigned loop_state(const SceneLoop *loop)
{
    if (loop->callback != 0)
        return TIMELINE_LOOP_CALLS;
    return loop->phase == LOOP_PHASE_POLLS ? TIMELINE_LOOP_POLLS : TIMELINE_LOOP_TURNS;
}

static unsigned uv_state(const SceneUv *uv)
{
    if (uv->function != 0)
        return TIMELINE_LOOP_CALLS;
    return uv->phase == UV_PHASE_POLL ? TIMELINE_LOOP_POLLS : TIMELINE_LOOP_TURNS;
}

// Node's loop: what it calls is a function, and ready is what the turn calls or what comes before.
static void follow_uv(Fold *fold, FoldTask *known, const TraceRecord *record, const SceneUv *uv)
{
    bool calls = uv != NULL && uv->function != 0;
    uint32_t ready = 0;
    if (uv != NULL)
        ready = uv->queued[UV_QUEUE_TICK] + uv->queued[UV_QUEUE_MICROTASK] +
                uv->queued[UV_QUEUE_IMMEDIATE];
    timeline_row_set(row_of(fold, known->loop_row), record->time_ns,
                     uv == NULL ? TIMELINE_IDLE : uv_state(uv), calls ? uv->function : 0);
    timeline_row_set(row_of(fold, known->ready_row), record->time_ns, TIMELINE_LEVEL, ready);
}

static void follow_loop(Fold *fold, FoldTask *known, const TraceRecord *record)
{
    const SceneLoop *loop = scene_loop_of(&fold->scene, record->task);
    const SceneUv *uv = loop == NULL ? scene_uv_of(&fold->scene, record->task) : NULL;
    if (loop == NULL && uv == NULL && known->loop_row == 0)
        return;
    if (known->loop_row == 0) {
        known->loop_row = timeline_row_add(fold->timeline, ROW_LOOP, record->task);
        known->ready_row = timeline_row_add(fold->timeline, ROW_LEVEL, record->task);
        row_of(fold, known->ready_row)->place = PLACE_LOOP;
        row_of(fold, known->loop_row)->def = uv != NULL;
    }
    if (row_of(fold, known->loop_row)->def != 0) {
        follow_uv(fold, known, record, uv);
        return;
    }
    timeline_row_set(row_of(fold, known->loop_row), record->time_ns,
                     loop == NULL ? TIMELINE_IDLE : loop_state(loop),
                     loop == NULL ? 0 : loop->about);
    timeline_row_set(row_of(fold, known->ready_row), record->time_ns, TIMELINE_LEVEL,
                     loop == NULL ? 0 : loop->ready);
}

// ---- coroutines

static uint32_t subject_of(const Scene *scene, const SceneCoroutine *coroutine)
{
    if (coroutine->state == COROUTINE_STATE_WAITS_OBJECT)
        return instances_sync_at(&scene->instances, coroutine->waits_for).id;
    return coroutine->state == COROUTINE_STATE_WAITS_TASK ||
                   coroutine->state == COROUTINE_STATE_WAITS_STREAM
               ? coroutine->waits_for
               : 0;
}

static void follow_coroutine(Fold *fold, const FoldCoroutine *known, int64_t now)
{
    const SceneCoroutine *coroutine = scene_coroutine(&fold->scene, known->serial);
    TimelineRow *row = row_of(fold, known->row);
    if (coroutine == NULL)
        timeline_row_set(row, now, TASK_STATE_ENDED, 0);
    else
        timeline_row_set(row, now, scene_coroutine_like(&fold->scene, coroutine),
                         subject_of(&fold->scene, coroutine));
}

static void add_coroutine(Fold *fold, const TraceRecord *record)
{
    const SceneCoroutine *coroutine = scene_coroutine(&fold->scene, coroutine_serial(record->a));
    uint32_t count = fold->coroutine_count;
    if (coroutine == NULL || coroutine->resumed > 0)
        return;
    if (count == TIMELINE_COROUTINES ||
        (count > 0 && coroutine->serial <= fold->coroutines[count - 1].serial)) {
        fold->timeline->coroutines_left_out++;
        return;
    }
    uint32_t row = timeline_row_add(fold->timeline, ROW_COROUTINE, coroutine->serial);
    row_of(fold, row)->def = coroutine->function;
    row_of(fold, row)->instance = record->task;
    fold->coroutines[fold->coroutine_count++] = (FoldCoroutine){coroutine->serial, row};
}

static void follow_serial(Fold *fold, uint32_t serial, int64_t now)
{
    uint32_t count = fold->coroutine_count;
    if (count == 0 || serial == 0 || serial > fold->coroutines[count - 1].serial)
        return;
    for (uint32_t i = 0; i < count; i++)
        if (fold->coroutines[i].serial == serial)
            follow_coroutine(fold, &fold->coroutines[i], now);
}

static void follow_coroutines(Fold *fold, const TraceRecord *record)
{
    switch ((EventKind)record->kind) {
    case EVENT_COROUTINE_CREATED:
        add_coroutine(fold, record);
        follow_serial(fold, coroutine_serial(record->a), record->time_ns);
        break;
    case EVENT_COROUTINE_RESUMED:
    case EVENT_COROUTINE_BEGUN:
    case EVENT_COROUTINE_SUSPENDED:
    case EVENT_COROUTINE_DONE:
        follow_serial(fold, coroutine_serial(record->a), record->time_ns);
        break;
    case EVENT_CALLBACK_READY:
        follow_serial(fold, coroutine_serial(record->b), record->time_ns);
        break;
    case EVENT_LOOP_ENDED:
    case EVENT_TASK_EXITED:
    case EVENT_TASK_KILLED:
        for (uint32_t i = 0; i < fold->coroutine_count; i++)
            follow_coroutine(fold, &fold->coroutines[i], record->time_ns);
        break;
    default:
        break;
    }
}

// The coroutine that runs in the record's thread, when the thread begins to do something else.
static void follow_running(Fold *fold, FoldTask *known, const TraceRecord *record)
{
    unsigned state = scene_task(&fold->scene, record->task)->state;
    if (state == known->state)
        return;
    known->state = (uint8_t)state;
    const SceneLoop *loop = scene_loop_of(&fold->scene, record->task);
    if (loop != NULL)
        follow_serial(fold, loop->running, record->time_ns);
}

void timeline_follow_python(Fold *fold, const TraceRecord *record)
{
    if (scene_task(&fold->scene, record->task) == NULL || record->task > fold->tasks.count)
        return;
    FoldTask *known = &fold->tasks.at[record->task - 1];
    follow_gils(fold, known, record);
    follow_running(fold, known, record);
    follow_coroutines(fold, record);
    follow_loop(fold, known, record);
}

// ---- order

void timeline_order_gils(const Fold *fold, const TimelineRow *from, TimelineRow *rows, size_t *to)
{
    for (size_t i = 0; i < fold->gil_rows.count; i++)
        rows[(*to)++] = from[fold->gil_rows.at[i] - 1];
}

void timeline_order_loops(const Fold *fold, uint32_t task, TimelineRow *from, TimelineRow *rows,
                          size_t *to)
{
    const FoldTask *known = &fold->tasks.at[task - 1];
    if (known->loop_row == 0)
        return;
    rows[(*to)++] = from[known->loop_row - 1];
    // What is never ready for any time needs no row.
    TimelineRow *ready = &from[known->ready_row - 1];
    bool ever = ready->intervals.count > 1 ||
                (ready->intervals.count == 1 && ready->intervals.at[0].subject > 0);
    if (ever)
        rows[(*to)++] = *ready;
    else
        ARRAY_FREE(&ready->intervals);
    for (uint32_t i = 0; i < fold->coroutine_count; i++) {
        const TimelineRow *row = &from[fold->coroutines[i].row - 1];
        if (row->instance == task)
            rows[(*to)++] = *row;
    }
}
