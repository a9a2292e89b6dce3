// The building of a timeline: one pass over the records that follows each change of the scene with
// an interval, then the indexes. The queries are timeline.c's.
#include "sim/analysis/timeline_fold.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

static void *zeroed(size_t count, size_t bytes)
{
    void *memory = calloc(count == 0 ? 1 : count, bytes);
    CHECKF(memory != NULL, "out of memory for %zu items of %zu bytes", count, bytes);
    return memory;
}

// ---- rows

uint32_t timeline_row_add(Timeline *timeline, TimelineRowKind kind, uint32_t id)
{
    *ARRAY_PUSH(&timeline->rows) = (TimelineRow){.kind = (uint8_t)kind, .id = id};
    return (uint32_t)timeline->rows.count;
}

void timeline_row_set(TimelineRow *row, int64_t now, unsigned state, uint32_t subject)
{
    size_t count = row->intervals.count;
    if (count > 0) {
        TimelineInterval *last = &row->intervals.at[count - 1];
        if (last->state == state && last->subject == subject)
            return;
        if (now <= last->begin_ns) {
            *last = (TimelineInterval){last->begin_ns, subject, (uint8_t)state};
            const TimelineInterval *before = last - 1;
            if (count > 1 && before->state == state && before->subject == subject)
                row->intervals.count--;
            return;
        }
    }
    *ARRAY_PUSH(&row->intervals) = (TimelineInterval){now, subject, (uint8_t)state};
}

// ---- objects

// While the rows are made: those of all objects that there are follow those of the cores, first by
// SyncId, then by PipeId, then by MessageQueueId.
static TimelineRow *object_row(Fold *fold, PlaceKind place, uint32_t id)
{
    const Scenario *scenario = fold->scene.scenario;
    size_t row = fold->timeline->object_first + id - 1;
    row += place != PLACE_SYNC ? scenario->sync_count : 0;
    row += place == PLACE_MESSAGES ? scenario->pipe_count : 0;
    return &fold->timeline->rows.at[row];
}

static void set_level(TimelineRow *row, int64_t now, uint64_t level)
{
    timeline_row_set(row, now, TIMELINE_LEVEL, level > UINT32_MAX ? UINT32_MAX : (uint32_t)level);
}

// By the object's number in the scene.
static TimelineRow *sync_row(Fold *fold, uint32_t number)
{
    uint32_t first = fold->scene.scenario->sync_count;
    return number <= first ? object_row(fold, PLACE_SYNC, number)
                           : row_of(fold, fold->copies.at[number - first - 1]);
}

static void follow_sync(Fold *fold, uint32_t number, int64_t now)
{
    const SceneSync *sync = scene_sync(&fold->scene, number);
    if (sync == NULL)
        return;
    TimelineRow *row = sync_row(fold, number);
    const SceneCoroutine *coroutine = scene_coroutine(&fold->scene, sync->coroutine);
    if (!sync_is_lock(scene_sync_def(&fold->scene, number)->kind))
        set_level(row, now, sync->level < 0 ? 0 : (uint64_t)sync->level);
    else if (sync->holder != 0)
        timeline_row_set(row, now, sync->waiting > 0 ? TIMELINE_CONTENDED : TIMELINE_HELD,
                         sync->holder);
    else if (coroutine != NULL)
        timeline_row_set(row, now, sync->coroutines > 0 ? TIMELINE_CONTENDED : TIMELINE_HELD,
                         fold->scene.python.loops.at[coroutine->loop - 1].thread);
    else if (sync->readers > 0)
        timeline_row_set(row, now, TIMELINE_READ, sync->readers);
    else
        timeline_row_set(row, now, TIMELINE_FREE, 0);
}

// A loop's end takes its objects with it.
static void follow_loop_end(Fold *fold, const TraceRecord *record)
{
    if (record->kind != EVENT_LOOP_ENDED && record->kind != EVENT_TASK_EXITED &&
        record->kind != EVENT_TASK_KILLED)
        return;
    for (uint32_t number = 1; number <= fold->scene.syncs.count; number++)
        if (scene_sync_def(&fold->scene, number)->asyncio)
            follow_sync(fold, number, record->time_ns);
}

// The object that the record's first argument names, if any.
static void follow_object(Fold *fold, const TraceRecord *record)
{
    const Scenario *scenario = fold->scene.scenario;
    uint64_t id = record->a;
    switch (fold->object_of[record->kind]) {
    case PLACE_SYNC:
        if (id - 1 < scenario->sync_count)
            follow_sync(fold, instances_sync(&fold->scene.instances, record->task, (uint32_t)id),
                        record->time_ns);
        break;
    case PLACE_PIPE:
        if (id - 1 < scenario->pipe_count)
            set_level(object_row(fold, PLACE_PIPE, (uint32_t)id), record->time_ns,
                      fold->scene.pipes[id - 1].bytes);
        break;
    case PLACE_MESSAGES:
        if (id - 1 < scenario->message_queue_count)
            set_level(object_row(fold, PLACE_MESSAGES, (uint32_t)id), record->time_ns,
                      fold->scene.messages[id - 1].count);
        break;
    default:
        break;
    }
}

static void open_object(Fold *fold, PlaceKind place, uint32_t id)
{
    bool lock = place == PLACE_SYNC && sync_is_lock(fold->scene.scenario->syncs[id - 1].kind);
    uint32_t row = timeline_row_add(fold->timeline, lock ? ROW_LOCK : ROW_LEVEL, id);
    row_of(fold, row)->place = (uint8_t)place;
    if (place == PLACE_SYNC)
        follow_sync(fold, id, 0);
    else
        set_level(row_of(fold, row), 0, 0);
}

// Rows for the objects that processes have got of their own, and what a fork has put into them.
static void follow_copies(Fold *fold, const TraceRecord *record)
{
    const Scene *scene = &fold->scene;
    uint32_t first = scene->scenario->sync_count;
    while (first + fold->copies.count < scene->syncs.count) {
        uint32_t number = first + (uint32_t)fold->copies.count + 1;
        Instance object = instances_sync_at(&scene->instances, number);
        bool lock = sync_is_lock(scene->scenario->syncs[object.id - 1].kind);
        uint32_t row = timeline_row_add(fold->timeline, lock ? ROW_LOCK : ROW_LEVEL, object.id);
        row_of(fold, row)->place = PLACE_SYNC;
        row_of(fold, row)->process = object.pid;
        *ARRAY_PUSH(&fold->copies) = row;
        follow_sync(fold, number, record->time_ns);
    }
    if (record->kind != EVENT_PROCESS_COPIED || record->a > UINT32_MAX)
        return;
    for (uint32_t id = 1; id <= first; id++)
        follow_sync(fold, instances_sync_of(&scene->instances, (uint32_t)record->a, id),
                    record->time_ns);
}

static void open_objects(Fold *fold)
{
    const Scenario *scenario = fold->scene.scenario;
    Timeline *timeline = fold->timeline;
    const struct {
        PlaceKind place;
        uint32_t count;
    } objects[] = {{PLACE_SYNC, scenario->sync_count},
                   {PLACE_PIPE, scenario->pipe_count},
                   {PLACE_MESSAGES, scenario->message_queue_count}};
    timeline->object_first = timeline->rows.count;
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++)
        for (uint32_t id = 1; id <= objects[i].count; id++)
            open_object(fold, objects[i].place, id);
    for (unsigned kind = 0; kind < EVENT_KIND_COUNT; kind++) {
        ArgType type = event_info(kind)->arg[0].type;
        fold->object_of[kind] = (uint8_t)(type == ARG_LOCK || type == ARG_SYNC ? PLACE_SYNC
                                          : type == ARG_PIPE                   ? PLACE_PIPE
                                          : type == ARG_MESSAGES               ? PLACE_MESSAGES
                                                                               : PLACE_NONE);
    }
}

// ---- cores and their interrupts

// Ends an interrupt that was over by `now`: whoever has the core goes on from that instant.
static void core_catch_up(Fold *fold, int number, int64_t now)
{
    FoldCore *core = &fold->cores[number];
    int64_t end = core->irq_until_ns;
    if (end < 0 || end > now)
        return;
    core->irq_until_ns = -1;
    timeline_row_set(&fold->timeline->rows.at[number], end, core->state, core->task);
    if (core->task != 0 && core->task <= fold->tasks.count &&
        fold->tasks.at[core->task - 1].row != 0)
        timeline_row_set(row_of(fold, fold->tasks.at[core->task - 1].row), end, core->state,
                         (uint32_t)number + 1);
}

static void core_interrupt(FoldCore *core, const TraceRecord *record)
{
    int64_t begin = core->irq_until_ns >= 0 ? core->irq_until_ns : record->time_ns;
    int64_t room = INT64_MAX - begin;
    if (record->b > 0)
        core->irq_until_ns = begin + (record->b < (uint64_t)room ? (int64_t)record->b : room);
}

static void follow_core(Fold *fold, int number, int64_t now)
{
    FoldCore *core = &fold->cores[number];
    const SceneCore *scene = &fold->scene.cores[number];
    const SceneTask *task = scene_task(&fold->scene, scene->task);
    core->task = scene->task;
    core->state = (uint8_t)(task == NULL            ? TIMELINE_IDLE
                            : scene->in_kernel != 0 ? TASK_STATE_RUNNING_KERNEL
                            : task->spins           ? TASK_STATE_SPINNING
                                                    : TASK_STATE_RUNNING_USER);
    bool interrupted = core->irq_until_ns >= 0;
    timeline_row_set(&fold->timeline->rows.at[number], now,
                     interrupted ? TIMELINE_INTERRUPT : core->state, core->task);
}

// ---- threads

// Where it runs, or ran last; NULL: it never did, or on a core that the machine does not have.
static const FoldCore *core_of_task(const Fold *fold, const SceneTask *task)
{
    bool known = task->core >= 0 && (uint32_t)task->core < fold->scene.scenario->machine.cores;
    return known ? &fold->cores[task->core] : NULL;
}

// What a thread without a core waits for.
static uint32_t task_subject(const Scene *scene, const SceneTask *task)
{
    bool waits = task->state != TASK_STATE_RUNNABLE && task->place != PLACE_NONE &&
                 task->place != PLACE_CORE && task->place != PLACE_TIMER;
    if (!waits || task->place != PLACE_SYNC)
        return waits ? task->place_id : 0;
    return scene_sync(scene, task->place_id) == NULL
               ? 0
               : instances_sync_at(&scene->instances, task->place_id).id;
}

static void follow_task(Fold *fold, uint32_t id, int64_t now)
{
    const SceneTask *task = scene_task(&fold->scene, id);
    if (task == NULL || task->def == 0)
        return;
    while (fold->tasks.count < id)
        (void)ARRAY_PUSH(&fold->tasks);
    FoldTask *known = &fold->tasks.at[id - 1];
    if (known->row == 0) {
        known->row = timeline_row_add(fold->timeline, ROW_TASK, id);
        row_of(fold, known->row)->def = task->def;
        row_of(fold, known->row)->instance = task->instance;
    }
    const FoldCore *core = core_of_task(fold, task);
    bool has_core = core != NULL && core->task == id;
    // One that is killed while it runs has its core until it is switched out.
    unsigned state = !has_core                 ? task->state
                     : core->irq_until_ns >= 0 ? TIMELINE_INTERRUPT
                                               : core->state;
    timeline_row_set(row_of(fold, known->row), now, state,
                     has_core ? (uint32_t)task->core + 1 : task_subject(&fold->scene, task));

    uint32_t sync = task->place == PLACE_SYNC ? task->place_id : 0;
    if (sync != known->sync) {
        uint32_t left = known->sync;
        known->sync = sync;
        follow_sync(fold, left, now);
        follow_sync(fold, sync, now);
    }
}

static void follow_spans(Fold *fold, FoldTask *task, const TraceRecord *record)
{
    OpenSpan span = {record->time_ns, record->b, record->a > UINT32_MAX ? 0 : (uint32_t)record->a,
                     0};
    if (record->kind == EVENT_SPAN_BEGIN) {
        if (task->spans_row == 0)
            task->spans_row = timeline_row_add(fold->timeline, ROW_SPANS, record->task);
        open_spans_push(&fold->spans, &task->span, span);
    } else if (record->kind == EVENT_SPAN_END) {
        open_spans_end(&fold->spans, &task->span, span.name, span.serial, &span);
    } else { // the thread's end
        while (open_spans_pop(&fold->spans, &task->span, &span))
            continue;
    }
    if (task->spans_row == 0)
        return;
    TimelineRow *row = row_of(fold, task->spans_row);
    if (row->intervals.count == 0)
        timeline_row_set(row, 0, TIMELINE_NO_SPAN, 0);
    if (task->span == 0)
        timeline_row_set(row, record->time_ns, TIMELINE_NO_SPAN, 0);
    else
        timeline_row_set(row, record->time_ns, TIMELINE_IN_SPAN,
                         fold->spans.pool.at[task->span].name);
}

// ---- records

static void add_instant(Timeline *timeline, const TraceRecord *record, TimelineInstantKind kind)
{
    uint32_t what = record->a > UINT32_MAX ? 0 : (uint32_t)record->a;
    *ARRAY_PUSH(&timeline->instants) =
        (TimelineInstant){record->time_ns, record->task, what, (uint8_t)kind};
    timeline->instant_counts[kind]++;
}

// What the scene does not keep.
static void follow_instant(Fold *fold, const TraceRecord *record)
{
    Timeline *timeline = fold->timeline;
    switch ((EventKind)record->kind) {
    case EVENT_WAKEUP:
        *ARRAY_PUSH(&timeline->wakeups) = (TimelineWakeup){
            record->time_ns, record->a > UINT32_MAX ? 0 : (uint32_t)record->a, record->task};
        break;
    case EVENT_MARK:
        add_instant(timeline, record, INSTANT_MARK);
        break;
    case EVENT_PRINT:
        add_instant(timeline, record, INSTANT_PRINT);
        break;
    case EVENT_MIGRATED:
        add_instant(timeline, record, INSTANT_MIGRATED);
        break;
    case EVENT_GIL_ASKED:
        add_instant(timeline, record, INSTANT_GIL_ASKED);
        break;
    case EVENT_SPAN_BEGIN:
    case EVENT_SPAN_END:
    case EVENT_TASK_EXITED:
    case EVENT_TASK_KILLED:
        if (record->task != 0 && record->task <= fold->tasks.count)
            follow_spans(fold, &fold->tasks.at[record->task - 1], record);
        break;
    default:
        break;
    }
}

static void fold_record(Fold *fold, const TraceRecord *record)
{
    int64_t now = record->time_ns;
    uint32_t cores = fold->scene.scenario->machine.cores;
    int core = record->core >= 0 && (uint32_t)record->core < cores ? record->core : CORE_NONE;
    if (core != CORE_NONE) {
        core_catch_up(fold, core, now);
        if (record->kind == EVENT_IRQ)
            core_interrupt(&fold->cores[core], record);
    }
    scene_fold(&fold->scene, record);
    follow_copies(fold, record);
    if (core != CORE_NONE)
        follow_core(fold, core, now);
    if (record->task != 0)
        follow_task(fold, record->task, now);
    timeline_follow_python(fold, record);
    timeline_follow_work(fold, record);
    follow_object(fold, record);
    follow_loop_end(fold, record);
    follow_instant(fold, record);
}

static void fold_open(Fold *fold, Timeline *timeline)
{
    const Scenario *scenario = timeline->recording->scenario;
    *fold = (Fold){.timeline = timeline};
    scene_open(&fold->scene, scenario);
    fold->cores = zeroed(scenario->machine.cores, sizeof *fold->cores);
    for (uint32_t i = 0; i < scenario->machine.cores; i++) {
        timeline_row_add(timeline, ROW_CORE, i);
        timeline_row_set(&timeline->rows.at[i], 0, TIMELINE_IDLE, 0);
        fold->cores[i] = (FoldCore){-1, 0, TIMELINE_IDLE};
    }
    open_objects(fold);
}

static void fold_free(Fold *fold)
{
    scene_free(&fold->scene);
    open_spans_free(&fold->spans);
    ARRAY_FREE(&fold->tasks);
    ARRAY_FREE(&fold->copies);
    ARRAY_FREE(&fold->gil_rows);
    ARRAY_FREE(&fold->pool_rows);
    ARRAY_FREE(&fold->stream_rows);
    free(fold->cores);
}

// ---- indexes

static void index_levels(TimelineRow *row)
{
    size_t count = row->intervals.count;
    row->level_sums = zeroed(timeline_row_blocks(row), sizeof *row->level_sums);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const TimelineInterval *at = &row->intervals.at[i];
        row->level_most = at->subject > row->level_most ? at->subject : row->level_most;
        if (i % TIMELINE_BLOCK == 0)
            row->level_sums[i / TIMELINE_BLOCK] = sum;
        if (i + 1 < count)
            sum += (double)at->subject * (double)(at[1].begin_ns - at->begin_ns);
    }
}

// The sums before every block, and which states occur.
static void row_index(TimelineRow *row, int64_t end_ns)
{
    size_t count = row->intervals.count;
    for (size_t i = 0; i < count; i++)
        row->states |= UINT32_C(1) << row->intervals.at[i].state;
    row->columns = (uint8_t)__builtin_popcount(row->states);
    if (row->kind == ROW_LEVEL)
        index_levels(row);
    if (count <= TIMELINE_BLOCK)
        return;
    unsigned column[TIMELINE_STATE_COUNT] = {0};
    for (unsigned state = 0, next = 0; state < TIMELINE_STATE_COUNT; state++)
        if (row->states >> state & 1)
            column[state] = next++;
    size_t blocks = timeline_row_blocks(row);
    row->begins_ns = zeroed(blocks, (1 + row->columns) * sizeof *row->begins_ns);
    row->sums_ns = row->begins_ns + blocks;
    int64_t now[TIMELINE_STATE_COUNT] = {0};
    for (size_t i = 0; i < count; i++) {
        const TimelineInterval *at = &row->intervals.at[i];
        if (i % TIMELINE_BLOCK == 0) {
            size_t block = i / TIMELINE_BLOCK;
            row->begins_ns[block] = at->begin_ns;
            memcpy(&row->sums_ns[block * row->columns], now, row->columns * sizeof now[0]);
        }
        now[column[at->state]] += (i + 1 < count ? at[1].begin_ns : end_ns) - at->begin_ns;
    }
}

// What begins at the recording's end does not last.
static void row_trim(TimelineRow *row, int64_t end_ns)
{
    while (row->intervals.count > 0 &&
           row->intervals.at[row->intervals.count - 1].begin_ns >= end_ns)
        row->intervals.count--;
}

static bool object_used(const TimelineRow *row)
{
    if (row->intervals.count != 1)
        return row->intervals.count > 1;
    unsigned state = row->intervals.at[0].state;
    return state != TIMELINE_FREE && state != TIMELINE_LEVEL;
}

void timeline_keep_used(TimelineRow *rows, size_t *to, TimelineRow *row)
{
    if (object_used(row))
        rows[(*to)++] = *row;
    else
        ARRAY_FREE(&row->intervals);
}

// What only Python's library knows of says nothing to who does not: the queues of its executors do.
static bool is_hidden(const Scenario *scenario, uint32_t sync)
{
    for (uint32_t i = 0; i < scenario->executor_count; i++)
        if (scenario->executors[i].queue.index1 == sync)
            return false;
    return scenario->syncs[sync - 1].library;
}

static void keep_sync(const Scenario *scenario, TimelineRow *rows, size_t *to, TimelineRow *row)
{
    if (is_hidden(scenario, row->id))
        ARRAY_FREE(&row->intervals);
    else
        timeline_keep_used(rows, to, row);
}

// Puts the rows into their order: cores, GILs, objects that were used, threads with their spans and
// loops below.
static void order_rows(Fold *fold)
{
    Timeline *timeline = fold->timeline;
    TimelineRow *from = timeline->rows.at;
    const Scenario *scenario = fold->scene.scenario;
    size_t count = timeline->rows.count, to = timeline->object_first;
    size_t objects = scenario->sync_count + scenario->pipe_count + scenario->message_queue_count;
    TimelineRow *rows = zeroed(count, sizeof *rows);
    memcpy(rows, from, to * sizeof *rows);
    timeline->gil_first = to;
    timeline_order_gils(fold, from, rows, &to);
    TimelineRow *object = &from[timeline->object_first];
    timeline->object_first = to;
    for (size_t i = 0; i < scenario->sync_count; i++)
        keep_sync(scenario, rows, &to, object++);
    for (size_t i = 0; i < fold->copies.count; i++)
        keep_sync(scenario, rows, &to, &from[fold->copies.at[i] - 1]);
    timeline_order_work(fold, from, rows, &to); // says more than the pipes that it goes through
    for (size_t i = scenario->sync_count; i < objects; i++)
        timeline_keep_used(rows, &to, object++);
    timeline->task_first = to;
    for (size_t i = 0; i < fold->tasks.count; i++) {
        const FoldTask *task = &fold->tasks.at[i];
        *ARRAY_PUSH(&timeline->task_rows) = task->row == 0 ? 0 : (uint32_t)to + 1;
        if (task->row != 0)
            rows[to++] = from[task->row - 1];
        if (task->spans_row != 0)
            rows[to++] = from[task->spans_row - 1];
        timeline_order_loops(fold, (uint32_t)i + 1, from, rows, &to);
    }
    free(from);
    timeline->rows.at = rows;
    timeline->rows.count = to;
    timeline->rows.capacity = count;
}

// Which threads an item is about; returns how many, at most two different ones.
static size_t wakeup_tasks(const Timeline *timeline, size_t item, uint32_t tasks[static 2])
{
    const TimelineWakeup *wakeup = &timeline->wakeups.at[item];
    tasks[0] = wakeup->woken;
    tasks[1] = wakeup->waker;
    return wakeup->waker == wakeup->woken ? 1 : 2;
}

static size_t instant_tasks(const Timeline *timeline, size_t item, uint32_t tasks[static 2])
{
    tasks[0] = timeline->instants.at[item].task;
    return 1;
}

// A counting sort by thread, which keeps the order of time.
static void index_make(TimelineIndex *index, const Timeline *timeline, size_t items,
                       size_t (*tasks_of)(const Timeline *, size_t, uint32_t[static 2]))
{
    uint32_t count = (uint32_t)timeline->task_rows.count, tasks[2];
    index->first = zeroed(count + 2, sizeof *index->first);
    uint32_t *next = index->first + 1; // while counting and filling, one place ahead
    for (size_t i = 0; i < items; i++)
        for (size_t t = tasks_of(timeline, i, tasks); t-- > 0;)
            if (tasks[t] - 1 < count)
                next[tasks[t]]++;
    for (uint32_t i = 1; i <= count; i++)
        next[i] += next[i - 1];
    index->ids = zeroed(next[count], sizeof *index->ids);
    for (size_t i = 0; i < items; i++)
        for (size_t t = tasks_of(timeline, i, tasks); t-- > 0;)
            if (tasks[t] - 1 < count)
                index->ids[next[tasks[t] - 1]++] = (uint32_t)i;
}

static int by_name(const void *a, const void *b)
{
    const TimelineName *x = a, *y = b;
    if (x->def != y->def)
        return x->def < y->def ? -1 : 1;
    if (x->instance != y->instance)
        return x->instance < y->instance ? -1 : 1;
    return x->task < y->task ? -1 : x->task > y->task;
}

static void index_names(Timeline *timeline)
{
    for (size_t i = 0; i < timeline->task_rows.count; i++) {
        uint32_t row = timeline->task_rows.at[i];
        if (row == 0)
            continue;
        const TimelineRow *task = &timeline->rows.at[row - 1];
        *ARRAY_PUSH(&timeline->names) = (TimelineName){task->def, task->instance, task->id};
    }
    if (timeline->names.count > 0)
        qsort(timeline->names.at, timeline->names.count, sizeof *timeline->names.at, by_name);
}

// The record, at its place in order instead of its time if that is how the timeline has it.
static void fold_at(Fold *fold, uint64_t index)
{
    TraceRecord record = *recording_at(fold->timeline->recording, index);
    if (fold->timeline->by_event)
        record.time_ns = (int64_t)index + 1;
    fold_record(fold, &record);
}

void timeline_open(Timeline *timeline, const Recording *recording)
{
    timeline_open_unless(timeline, recording, NULL);
}

void timeline_open_unless(Timeline *timeline, const Recording *recording,
                          const atomic_bool *given_up)
{
    enum { RECORDS_AT_ONCE = 65536 };
    bool by_event = recording->end_ns == 0 && recording->count > 0;
    *timeline = (Timeline){.recording = recording,
                           .by_event = by_event,
                           .end_ns = by_event ? (int64_t)recording->count + 1 : recording->end_ns};
    Fold fold;
    fold_open(&fold, timeline);
    for (uint64_t i = 0; i < recording->count; i++) {
        if (i % RECORDS_AT_ONCE == 0 && given_up != NULL && atomic_load(given_up))
            break;
        fold_at(&fold, i);
    }
    for (uint32_t i = 0; i < recording->scenario->machine.cores; i++)
        core_catch_up(&fold, (int)i, timeline->end_ns);
    for (size_t i = 0; i < timeline->rows.count; i++)
        row_trim(&timeline->rows.at[i], timeline->end_ns);
    order_rows(&fold);
    fold_free(&fold);
    for (size_t i = 0; i < timeline->rows.count; i++) {
        row_index(&timeline->rows.at[i], timeline->end_ns);
        timeline->states |= timeline->rows.at[i].states;
    }
    index_make(&timeline->wakeups_of, timeline, timeline->wakeups.count, wakeup_tasks);
    index_make(&timeline->instants_of, timeline, timeline->instants.count, instant_tasks);
    index_names(timeline);
}
