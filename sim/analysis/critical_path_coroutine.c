// Critical paths that go through coroutines. While one runs, the path is that of its thread; from
// there back it was ready, and before that somebody made it so.
#include "sim/analysis/critical_path_walk.h"

#include "sim/base/check.h"

#include <stdlib.h>

// ---- finding records

// Whether the record is one of the coroutine itself: of where it is, not of what is done about it.
static bool is_of(const TraceRecord *record, uint32_t serial)
{
    switch ((EventKind)record->kind) {
    case EVENT_COROUTINE_CREATED:
    case EVENT_COROUTINE_RESUMED:
    case EVENT_COROUTINE_SUSPENDED:
    case EVENT_COROUTINE_DONE:
        return coroutine_serial(record->a) == serial;
    default:
        return false;
    }
}

static int64_t last_of(const Recording *recording, uint32_t serial, uint64_t at)
{
    while (at > 0)
        if (is_of(recording_at(recording, --at), serial))
            return (int64_t)at;
    return RECORD_NONE;
}

// The last record before `at` that puts this callback about the coroutine on the ready list, after
// record `since`.
static int64_t ready_before(const Recording *recording, uint64_t callback, uint32_t serial,
                            uint64_t at, uint64_t since)
{
    while (at > since) {
        const TraceRecord *record = recording_at(recording, --at);
        if (record->kind == EVENT_CALLBACK_READY && record->a == callback &&
            coroutine_serial(record->b) == serial)
            return (int64_t)at;
    }
    return RECORD_NONE;
}

uint32_t path_coroutine_at(const Walk *walk, uint32_t task, uint64_t index)
{
    if (walk->loops == NULL || task > walk->recording->tasks.id_max || walk->loops[task] == 0)
        return 0;
    for (int64_t k = path_before(walk->recording, task, index); k >= 0;
         k = path_before(walk->recording, task, (uint64_t)k)) {
        const TraceRecord *record = recording_at(walk->recording, (uint64_t)k);
        switch ((EventKind)record->kind) {
        case EVENT_COROUTINE_RESUMED:
            return coroutine_serial(record->a);
        case EVENT_COROUTINE_SUSPENDED:
        case EVENT_COROUTINE_DONE:
        case EVENT_CALLBACK_RUN:
        case EVENT_LOOP_TURN:
        case EVENT_LOOP_ENDED:
            return 0;
        default:
            break;
        }
    }
    return 0;
}

// ---- going on elsewhere

// What was told last is the first that is known of the coroutine: the path has come to it from
// `task` and its coroutine (0: none), which run on before record `index`.
static void go_on(Walk *walk, uint32_t task, uint32_t coroutine, uint64_t index, uint64_t link,
                  PathLink kind)
{
    path_jump(walk, task, link, kind);
    walk->at = index;
    walk->coroutine = coroutine;
    walk->where = path_where_is(walk->recording, task, index);
}

// The thread's state just before record `index`: in which the coroutine that it runs is.
static TaskState state_before(const Walk *walk, uint64_t index)
{
    TaskState state;
    for (int64_t k = path_before(walk->recording, walk->task, index); k >= 0;
         k = path_before(walk->recording, walk->task, (uint64_t)k))
        if (path_begins_state(walk, recording_at(walk->recording, (uint64_t)k), &state))
            return state;
    return TASK_STATE_NOT_YET;
}

// ---- waits

static TaskState wait_state(const Recording *recording, uint64_t op)
{
    const Scenario *scenario = recording->scenario;
    switch (op < scenario->op_count ? scenario->ops[op].code : OP_RETURN) {
    case OP_AWAIT:
        return scenario->ops[op].arg[1] != 0 ? TASK_STATE_SLEEPS : TASK_STATE_WAITS_JOIN;
    case OP_GATHER:
    case OP_ASYNCIO_WAIT:
    case OP_AS_COMPLETED:
        return TASK_STATE_WAITS_JOIN;
    case OP_READER_READ:
    case OP_READER_READLINE:
    case OP_READER_READEXACTLY:
    case OP_READER_LINES:
    case OP_READER_CHUNKS:
    case OP_WRITER_DRAIN:
        return TASK_STATE_WAITS_PIPE;
    default:
        return TASK_STATE_WAITS_SYNC;
    }
}

// Nobody has ended its wait but the loop itself: the wait is on the path.
static void wait_itself(Walk *walk, uint64_t at)
{
    int64_t last = last_of(walk->recording, walk->coroutine, at);
    const TraceRecord *record = last < 0 ? NULL : recording_at(walk->recording, (uint64_t)last);
    if (record == NULL || record->kind != EVENT_COROUTINE_SUSPENDED) {
        walk->coroutine = 0; // it has not begun: the path is its thread's
        walk->at = at;
        walk->where = path_where_is(walk->recording, walk->task, at);
        return;
    }
    path_tell(walk, record->time_ns, wait_state(walk->recording, record->b));
    walk->at = (uint64_t)last;
    walk->where = path_where_is(walk->recording, walk->task, (uint64_t)last);
}

// The item of an executor that the coroutine awaited last before `at` has been done by a thread;
// RECORD_NONE when that is not known.
static int64_t done_for(const Walk *walk, uint64_t at)
{
    const Recording *recording = walk->recording;
    const TraceRecord *submitted = NULL;
    int64_t waits = last_of(recording, walk->coroutine, at);
    for (int64_t k = waits; k > 0 && submitted == NULL; k--) {
        const TraceRecord *record = recording_at(recording, (uint64_t)k - 1);
        if (record->task != walk->task)
            continue;
        if (record->kind == EVENT_COROUTINE_RESUMED)
            return RECORD_NONE;
        if (record->kind == EVENT_EXECUTOR_SUBMITTED)
            submitted = record;
    }
    for (uint64_t i = at; submitted != NULL && i > (uint64_t)waits; i--) {
        const TraceRecord *record = recording_at(recording, i - 1);
        if (record->kind == EVENT_EXECUTOR_DONE && record->a == submitted->a &&
            record->b == submitted->b)
            return (int64_t)i - 1;
    }
    return RECORD_NONE;
}

// Who made the file ready that the loop was told of last before `at`.
static int64_t input_for(const Walk *walk, uint64_t at)
{
    const TraceRecord *taken = NULL;
    for (uint64_t i = at; i > 0; i--) {
        const TraceRecord *record = recording_at(walk->recording, i - 1);
        if (taken == NULL && record->kind == EVENT_EPOLL_TAKEN && record->task == walk->task)
            taken = record;
        if (taken == NULL || record->kind != EVENT_EPOLL_READY || record->a != taken->a)
            continue;
        return record->task != 0 && record->task != walk->task ? (int64_t)i - 1 : RECORD_NONE;
    }
    return RECORD_NONE;
}

// ---- who made it ready

// Who does what a callback of the loop waited for, before record `ready`; false: the loop itself.
static bool leave_to_thread(Walk *walk, uint64_t callback, uint64_t ready)
{
    bool executor = callback == CALLBACK_EXECUTOR_DONE;
    bool stream = callback == CALLBACK_READ_READY || callback == CALLBACK_WRITE_READY;
    int64_t deed = executor ? done_for(walk, ready) : stream ? input_for(walk, ready) : RECORD_NONE;
    const TraceRecord *record = deed < 0 ? NULL : recording_at(walk->recording, (uint64_t)deed);
    if (record == NULL || record->task == 0)
        return false;
    // Up to here the loop had yet to hear of it.
    path_tell(walk, record->time_ns, TASK_STATE_RUNNABLE);
    go_on(walk, record->task, path_coroutine_at(walk, record->task, (uint64_t)deed), (uint64_t)deed,
          (uint64_t)deed, executor ? PATH_RESULT : PATH_INPUT);
    return true;
}

// The walk's coroutine, or a callback that then made it ready, was put on the ready list by record
// `ready`. A coroutine that ran then has done it; of a callback it is asked again; what the loop
// did by itself, or an executor's thread or a pipe had it do, is found out.
static void leave_to_maker(Walk *walk, uint64_t ready)
{
    enum { CALLBACKS_MOST = 8 };
    const Recording *recording = walk->recording;
    uint64_t link = ready;
    for (int callbacks = 0; callbacks < CALLBACKS_MOST; callbacks++) {
        const TraceRecord *run = NULL;
        for (int64_t k = path_before(recording, walk->task, ready); k >= 0 && run == NULL;
             k = path_before(recording, walk->task, (uint64_t)k)) {
            const TraceRecord *record = recording_at(recording, (uint64_t)k);
            uint32_t serial = coroutine_serial(record->a);
            bool ran =
                record->kind == EVENT_COROUTINE_RESUMED || record->kind == EVENT_COROUTINE_DONE;
            if (ran && serial == walk->coroutine) { // it has only let others go first
                walk->at = ready;
                walk->where = path_where_is(recording, walk->task, ready);
                return;
            }
            if (ran) {
                go_on(walk, walk->task, serial, ready, link, PATH_READY);
                return;
            }
            if (record->kind == EVENT_CALLBACK_RUN)
                run = record;
            else if (record->kind == EVENT_LOOP_TURN || record->kind == EVENT_LOOP_POLL ||
                     record->kind == EVENT_LOOP_ENDED)
                break;
        }
        int64_t before = run == NULL
                             ? RECORD_NONE
                             : ready_before(recording, run->a, coroutine_serial(run->b), ready, 0);
        if (before < 0 || leave_to_thread(walk, run->a, (uint64_t)before)) {
            if (before < 0)
                wait_itself(walk, ready);
            return;
        }
        ready = (uint64_t)before;
        bool timer = run->a == CALLBACK_SET_RESULT;
        path_tell(walk, recording_at(recording, ready)->time_ns, TASK_STATE_RUNNABLE);
        if (timer)
            break;
    }
    wait_itself(walk, ready);
}

bool path_leave_coroutine(Walk *walk, uint64_t k)
{
    const TraceRecord *record = recording_at(walk->recording, k);
    if (record->kind != EVENT_COROUTINE_RESUMED || coroutine_serial(record->a) != walk->coroutine)
        return false;
    path_tell(walk, record->time_ns, state_before(walk, k));
    int64_t ready = ready_before(walk->recording, CALLBACK_STEP, walk->coroutine, k, 0);
    if (ready < 0) {
        wait_itself(walk, k);
        return true;
    }
    path_tell(walk, recording_at(walk->recording, (uint64_t)ready)->time_ns, TASK_STATE_RUNNABLE);
    leave_to_maker(walk, (uint64_t)ready);
    return true;
}

// ---- where it begins

static uint8_t *loops_of(const Recording *recording)
{
    uint8_t *loops = calloc((size_t)recording->tasks.id_max + 1, 1);
    CHECKF(loops != NULL, "out of memory for %u tasks", recording->tasks.id_max);
    for (uint64_t i = 0; i < recording->count; i++) {
        const TraceRecord *record = recording_at(recording, i);
        if (record->kind == EVENT_COROUTINE_RESUMED && record->task <= recording->tasks.id_max)
            loops[record->task] = 1;
    }
    return loops;
}

static void begin(Walk *walk, uint64_t last)
{
    const Recording *recording = walk->recording;
    const TraceRecord *record = recording_at(recording, last);
    int64_t ready = RECORD_NONE;
    if (record->kind == EVENT_COROUTINE_DONE) {
        path_tell(walk, record->time_ns, TASK_STATE_ENDED);
        walk->at = last;
    } else if (record->kind != EVENT_COROUTINE_RESUMED) {
        ready = ready_before(recording, CALLBACK_STEP, walk->coroutine, walk->at, last);
        if (ready < 0) {
            wait_itself(walk, walk->at);
        } else {
            path_tell(walk, recording_at(recording, (uint64_t)ready)->time_ns, TASK_STATE_RUNNABLE);
            leave_to_maker(walk, (uint64_t)ready);
        }
    }
}

void critical_path_of_coroutine(CriticalPath *path, const Recording *recording, uint32_t serial,
                                uint64_t next, int64_t from_ns, int64_t to_ns)
{
    *path = (CriticalPath){.from_ns = from_ns, .to_ns = to_ns};
    uint8_t *loops = loops_of(recording);
    uint64_t at = next < recording->count ? next : recording->count;
    int64_t last = last_of(recording, serial, at);
    Walk walk = {.recording = recording,
                 .path = path,
                 .task = last < 0 ? 0 : recording_at(recording, (uint64_t)last)->task,
                 .coroutine = serial,
                 .loops = loops,
                 .at = at,
                 .from_ns = from_ns,
                 .to_ns = to_ns};
    if (last < 0)
        path_tell(&walk, from_ns, TASK_STATE_NOT_YET);
    else
        begin(&walk, (uint64_t)last);
    if (last >= 0)
        path_walk_back(&walk);
    if (walk.has_instances)
        instances_free(&walk.instances);
    free(loops);
    path_finish(path, recording);
}
