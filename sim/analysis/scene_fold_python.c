// How records of loops and coroutines change a scene. GILs: scene_fold_gil.c.
#include "sim/analysis/scene_fold.h"

#include <string.h>

// ---- coroutines

static SceneCoroutine *coroutine_of(Scene *scene, uint32_t serial)
{
    const SceneCoroutine *coroutine = scene_coroutine(scene, serial);
    ScenePython *python = &scene->python;
    return coroutine == NULL ? NULL : &python->coroutines.at[coroutine - python->coroutines.at];
}

static void set_coroutine(Scene *scene, SceneCoroutine *coroutine, CoroutineState state)
{
    SceneLoop *loop = &scene->python.loops.at[coroutine->loop - 1];
    if (coroutine->state == state)
        return;
    loop->in_state[coroutine->state]--;
    loop->in_state[state]++;
    coroutine->state = (uint8_t)state;
    coroutine->since_ns = scene->time_ns;
}

// A place of one that has ended is kept until half of all are.
static void forget_ended(ScenePython *python)
{
    enum { PLACES_LEAST = 64 };
    if (python->ended < PLACES_LEAST || python->ended * 2 < python->coroutines.count)
        return;
    size_t kept = 0;
    for (size_t i = 0; i < python->coroutines.count; i++)
        if (python->coroutines.at[i].state != COROUTINE_STATE_ENDED)
            python->coroutines.at[kept++] = python->coroutines.at[i];
    python->coroutines.count = kept;
    python->ended = 0;
}

static void leave_object(Scene *scene, SceneCoroutine *coroutine)
{
    if (coroutine->object != 0 && coroutine->object <= scene->syncs.count)
        scene->syncs.at[coroutine->object - 1].coroutines--;
    coroutine->object = 0;
}

static void end_coroutine(Scene *scene, SceneCoroutine *coroutine)
{
    leave_object(scene, coroutine);
    set_coroutine(scene, coroutine, COROUTINE_STATE_ENDED);
    scene->python.ended++;
}

static void on_coroutine_created(Scene *scene, const TraceRecord *record, uint32_t loop)
{
    ScenePython *python = &scene->python;
    uint32_t serial = coroutine_serial(record->a), function = coroutine_function(record->a);
    if (serial == 0 || function - 1 >= scene->scenario->function_count)
        return;
    size_t at = scene_coroutine_place(python, serial), count = python->coroutines.count;
    if (at < count && python->coroutines.at[at].serial == serial)
        return;
    ARRAY_EXTEND(&python->coroutines);
    SceneCoroutine *place = &python->coroutines.at[at];
    memmove(place + 1, place, (count - at) * sizeof *place); // nothing, but for a measured trace
    *place = (SceneCoroutine){
        .serial = serial,
        .function = function,
        .loop = loop,
        .creator = coroutine_serial(record->b),
        .state = COROUTINE_STATE_READY,
        .since_ns = scene->time_ns,
    };
    python->loops.at[loop - 1].in_state[COROUTINE_STATE_READY]++;
}

// The item of an executor that the coroutine awaits there: the last one that it has submitted. 0:
// it awaits none.
static uint32_t item_awaited(const Scene *scene, const SceneCoroutine *coroutine, const Op *op)
{
    enum { TO_THREAD = 2, IN_EXECUTOR }; // fields of `await`
    const SceneWork *work = &scene->python.work;
    if (op->code != OP_AWAIT || (op->arg[TO_THREAD] == 0 && op->arg[IN_EXECUTOR] == 0))
        return 0;
    for (size_t i = work->items.count; i-- > 0;)
        if (work->items.at[i].coroutine == coroutine->serial)
            return work->items.at[i].state != WORK_OVER ? work->items.at[i].number : 0;
    return 0;
}

// What no record before has said: the operation tells what it waits for.
static CoroutineState wait_of_op(const Scene *scene, SceneCoroutine *coroutine)
{
    const Op *op = &scene->scenario->ops[coroutine->op];
    uint32_t timer = coroutine->waits_for;
    coroutine->waits_for = 0;
    switch (op->code) {
    case OP_AS_COMPLETED:
        return COROUTINE_STATE_WAITS_TASK;
    case OP_READER_READ:
    case OP_READER_READLINE:
    case OP_READER_READEXACTLY:
    case OP_READER_LINES:
    case OP_READER_CHUNKS:
    case OP_WRITER_DRAIN:
        coroutine->waits_for = op->arg[0];
        return COROUTINE_STATE_WAITS_STREAM;
    case OP_AWAIT:
        if (op->arg[1] != 0 && timer != 0) { // asyncio.sleep(): its timer is the last that it set
            coroutine->waits_for = timer;
            return COROUTINE_STATE_SLEEPS;
        }
        coroutine->waits_for = item_awaited(scene, coroutine, op);
        return coroutine->waits_for != 0 ? COROUTINE_STATE_WAITS_ITEM : COROUTINE_STATE_WAITS;
    default:
        return COROUTINE_STATE_WAITS;
    }
}

// It does not run any more: back to the loop, or to who has begun it as an eager task.
static void leave_running(Scene *scene, SceneLoop *loop, SceneCoroutine *coroutine)
{
    bool function = coroutine->starter1 == 1; // that the loop has called
    SceneCoroutine *starter =
        coroutine->starter1 > 1 ? coroutine_of(scene, coroutine->starter1 - 1) : NULL;
    coroutine->starter1 = 0;
    if (loop->running != coroutine->serial)
        return;
    loop->running = starter != NULL ? starter->serial : 0;
    if (starter != NULL)
        set_coroutine(scene, starter, COROUTINE_STATE_RUNNING);
    else if (!function)
        loop->callback = loop->about = loop->function = 0;
}

static void on_suspended(Scene *scene, const TraceRecord *record, SceneCoroutine *coroutine)
{
    SceneLoop *loop = &scene->python.loops.at[coroutine->loop - 1];
    leave_running(scene, loop, coroutine);
    coroutine->op = record->b < scene->scenario->op_count ? (uint32_t)record->b : 0;
    CoroutineState state =
        coroutine->wait != 0 ? (CoroutineState)(coroutine->wait - 1) : wait_of_op(scene, coroutine);
    coroutine->wait = 0;
    set_coroutine(scene, coroutine, state);
}

static void on_resumed(Scene *scene, SceneCoroutine *coroutine)
{
    SceneLoop *loop = &scene->python.loops.at[coroutine->loop - 1];
    SceneCoroutine *before = coroutine_of(scene, loop->running);
    if (before != NULL && before != coroutine) // only in a damaged trace
        set_coroutine(scene, before, COROUTINE_STATE_WAITS);
    loop->running = coroutine->serial;
    coroutine->waits_for = coroutine->wait = 0;
    coroutine->waker = 0;
    coroutine->cancelled = false;
    coroutine->resumed++;
    set_coroutine(scene, coroutine, COROUTINE_STATE_RUNNING);
}

// An eager task: whoever has made it stands still.
static void on_begun(Scene *scene, const TraceRecord *record, SceneCoroutine *coroutine)
{
    on_resumed(scene, coroutine);
    coroutine->starter1 = coroutine_serial(record->b) + 1;
}

static void on_awaits(Scene *scene, const TraceRecord *record, SceneCoroutine *coroutine)
{
    uint32_t serial = coroutine_serial(record->b);
    SceneCoroutine *awaited = coroutine_of(scene, serial);
    if (scene->scenario->ops[coroutine->op].code == OP_AS_COMPLETED) { // it may not wait at all
        if (awaited != NULL) {
            awaited->awaited_by = coroutine->serial;
            awaited->awaited_at = AWAITED_IN_TURN;
        }
        return;
    }
    bool first = coroutine->wait != COROUTINE_STATE_WAITS_TASK + 1;
    coroutine->wait = COROUTINE_STATE_WAITS_TASK + 1;
    coroutine->waits_for = first ? serial : 0;
    if (awaited == NULL)
        return;
    awaited->awaited_by = coroutine->serial;
    awaited->awaited_at = coroutine->resumed;
}

static void on_coroutine(Scene *scene, const TraceRecord *record)
{
    SceneCoroutine *coroutine = coroutine_of(scene, coroutine_serial(record->a));
    if (coroutine == NULL)
        return;
    SceneLoop *loop = &scene->python.loops.at[coroutine->loop - 1];
    switch ((EventKind)record->kind) {
    case EVENT_COROUTINE_RESUMED:
        on_resumed(scene, coroutine);
        break;
    case EVENT_COROUTINE_BEGUN:
        on_begun(scene, record, coroutine);
        break;
    case EVENT_COROUTINE_SUSPENDED:
        on_suspended(scene, record, coroutine);
        break;
    case EVENT_COROUTINE_DONE:
        leave_running(scene, loop, coroutine);
        end_coroutine(scene, coroutine);
        forget_ended(&scene->python);
        break;
    case EVENT_COROUTINE_CANCEL:
        coroutine->cancelled = true;
        break;
    case EVENT_COROUTINE_AWAITS:
        on_awaits(scene, record, coroutine);
        break;
    default:
        break;
    }
}

// ---- asyncio's objects

static void on_async(Scene *scene, const TraceRecord *record)
{
    SceneSync *sync = sync_of(scene, record);
    uint32_t number = sync_number(scene, record, record->a);
    SceneCoroutine *coroutine = coroutine_of(scene, coroutine_serial(record->b));
    if (sync == NULL)
        return;
    bool lock = sync_is_lock(scene_sync_def(scene, number)->kind);
    switch ((EventKind)record->kind) {
    case EVENT_ASYNC_WAIT:
        if (coroutine == NULL)
            break;
        leave_object(scene, coroutine);
        coroutine->object = coroutine->waits_for = number;
        coroutine->wait = COROUTINE_STATE_WAITS_OBJECT + 1;
        sync->coroutines++;
        break;
    case EVENT_ASYNC_WAIT_OVER:
        if (coroutine != NULL && coroutine->object == number)
            leave_object(scene, coroutine);
        break;
    case EVENT_ASYNC_TAKEN:
        if (!lock)
            break;
        sync->coroutine = coroutine_serial(record->b);
        sync->held_since_ns = scene->time_ns;
        break;
    default:
        if (sync->coroutine == coroutine_serial(record->b))
            sync->coroutine = 0;
        break;
    }
}

// ---- loops

// The number of the loop that the thread runs: begins one if it runs none; 0: there is no such
// thread.
static uint32_t loop_of(Scene *scene, uint32_t thread)
{
    ScenePython *python = &scene->python;
    SceneTask *task = task_of(scene, thread);
    if (task == NULL || task->state == TASK_STATE_ENDED)
        return 0;
    if (task->loop != 0)
        return task->loop;
    uint32_t number = 1;
    while (number <= python->loops.count && python->loops.at[number - 1].thread != 0)
        number++;
    if (number > python->loops.count)
        ARRAY_EXTEND(&python->loops);
    python->loops.at[number - 1] = (SceneLoop){
        .thread = thread,
        .started_ns = scene->time_ns,
        .phase_since_ns = scene->time_ns,
        .poll_until_ns = -1,
    };
    task->loop = number;
    for (size_t i = 0; i < python->watches.count; i++) // its set is there before it
        python->loops.at[number - 1].watched += python->watches.at[i].thread == thread;
    return number;
}

static void set_phase(Scene *scene, SceneLoop *loop, LoopPhase phase)
{
    loop->callback = loop->about = loop->function = 0;
    if (loop->phase != phase)
        loop->phase_since_ns = scene->time_ns;
    loop->phase = phase;
    loop->poll_until_ns = -1;
}

static void add_ready(Scene *scene, SceneLoop *loop, uint32_t callback, uint64_t coroutine)
{
    ScenePython *python = &scene->python;
    uint32_t place = python->ready_free;
    if (place != 0) {
        python->ready_free = python->ready.at[place - 1].next;
    } else {
        ARRAY_EXTEND(&python->ready);
        place = (uint32_t)python->ready.count;
    }
    python->ready_used++;
    python->ready.at[place - 1] = (SceneReady){
        .callback = callback,
        .coroutine = coroutine_serial(coroutine),
        .function = coroutine_function(coroutine),
        .since_ns = scene->time_ns,
    };
    if (loop->last != 0)
        python->ready.at[loop->last - 1].next = place;
    else
        loop->first = place;
    loop->last = place;
    loop->ready++;
}

// Takes the first one from the ready list, which is not empty.
static SceneReady pop_ready(ScenePython *python, SceneLoop *loop)
{
    uint32_t place = loop->first;
    SceneReady ready = python->ready.at[place - 1];
    loop->first = ready.next;
    loop->last = loop->first == 0 ? 0 : loop->last;
    loop->ready--;
    loop->snapshot -= loop->snapshot > 0;
    python->ready.at[place - 1] = (SceneReady){.next = python->ready_free};
    python->ready_free = place;
    if (--python->ready_used == 0) // a burst is not kept in mind for ever
        python->ready.count = python->ready_free = 0;
    return ready;
}

static void on_ready(Scene *scene, const TraceRecord *record, SceneLoop *loop)
{
    uint32_t serial = coroutine_serial(record->b);
    add_ready(scene, loop, record->a > UINT32_MAX ? UINT32_MAX : (uint32_t)record->a, record->b);
    SceneCoroutine *coroutine = record->a == CALLBACK_STEP ? coroutine_of(scene, serial) : NULL;
    if (coroutine == NULL)
        return;
    coroutine->waker = loop->running == serial ? 0 : loop->running;
    if (coroutine->state == COROUTINE_STATE_RUNNING) { // it only lets others go on
        coroutine->wait = COROUTINE_STATE_READY + 1;
        return;
    }
    coroutine->waits_for = 0;
    set_coroutine(scene, coroutine, COROUTINE_STATE_READY);
}

// Those before it in the list have been cancelled, and are passed over.
static void on_run(Scene *scene, const TraceRecord *record, SceneLoop *loop)
{
    uint32_t serial = coroutine_serial(record->b);
    while (loop->ready > 0) {
        SceneReady ready = pop_ready(&scene->python, loop);
        if (ready.callback == record->a &&
            coroutine_pack(ready.coroutine, ready.function) == record->b)
            break;
    }
    set_phase(scene, loop, LOOP_PHASE_CALLBACKS);
    loop->callback = record->a >= UINT32_MAX ? 0 : (uint32_t)record->a + 1;
    loop->about = serial;
    loop->function = coroutine_function(record->b);
    loop->calls_since_ns = scene->time_ns;
}

// Not of those that are ready: a timer's, or an event's.
static void on_calls(Scene *scene, const TraceRecord *record, SceneLoop *loop)
{
    set_phase(scene, loop,
              loop->phase == LOOP_PHASE_TIMERS ? LOOP_PHASE_TIMERS : LOOP_PHASE_EVENTS);
    loop->callback = record->a >= UINT32_MAX ? 0 : (uint32_t)record->a + 1;
    loop->about = coroutine_serial(record->b);
    loop->function = coroutine_function(record->b);
    loop->calls_since_ns = scene->time_ns;
}

// Which loop asyncio.run was told to run.
static bool runs_libuv(const Scene *scene, uint32_t thread)
{
    const SceneTask *task = scene_task(scene, thread);
    if (task == NULL || task->op >= scene->scenario->op_count)
        return false;
    const Op *op = &scene->scenario->ops[task->op];
    return op->code == OP_ASYNCIO_RUN && op->arg[ASYNCIO_RUN_LOOP] == EVENT_LOOP_LIBUV;
}

static void on_turn(Scene *scene, const TraceRecord *record, SceneLoop *loop)
{
    while (loop->ready > record->a) // the last ones had been cancelled
        pop_ready(&scene->python, loop);
    loop->snapshot = 0;
    loop->turns++;
    loop->phase_since_ns = scene->time_ns;
    set_phase(scene, loop, LOOP_PHASE_TURN);
}

static void on_poll(Scene *scene, const TraceRecord *record, SceneLoop *loop)
{
    int64_t ms = (int64_t)record->a;
    set_phase(scene, loop, LOOP_PHASE_POLLS);
    if (ms >= 0)
        loop->poll_until_ns =
            later_by(scene->time_ns, ms < INT64_MAX / 1000000 ? (uint64_t)ms * 1000000 : INT64_MAX);
}

static void on_timer(Scene *scene, const TraceRecord *record, uint32_t number)
{
    ScenePython *python = &scene->python;
    uint64_t id = record->a;
    bool sets = record->kind == EVENT_LOOP_TIMER_SET;
    if (id == 0 || id > python->timers.count + (sets ? IDS_AHEAD : 0))
        return;
    while (python->timers.count < id)
        ARRAY_EXTEND(&python->timers);
    SceneTimer *timer = &python->timers.at[id - 1];
    if (timer->loop != 0) {
        python->loops.at[timer->loop - 1].timers--;
        python->timers_set--;
    }
    *timer = (SceneTimer){0};
    if (!sets)
        return;
    SceneLoop *loop = &python->loops.at[number - 1];
    *timer = (SceneTimer){number, loop->running, later_by(scene->time_ns, record->b)};
    loop->timers++;
    python->timers_set++;
    SceneCoroutine *coroutine = coroutine_of(scene, loop->running);
    if (coroutine != NULL && coroutine->wait == 0)
        coroutine->waits_for = (uint32_t)id;
}

// Each loop has objects of asyncio of its own: the next one finds them as they are at first.
static void forget_objects(Scene *scene, uint32_t pid)
{
    for (uint32_t number = 1; number <= scene->syncs.count; number++) {
        const SyncDef *def = scene_sync_def(scene, number);
        SceneSync *sync = &scene->syncs.at[number - 1];
        uint32_t owner = instances_sync_at(&scene->instances, number).pid;
        if (!def->asyncio || (owner != 0 && owner != pid))
            continue;
        sync->coroutine = 0;
        sync->level = def->kind == SYNC_SEMAPHORE ? def->parameter : 0;
    }
}

// Its timers, its ready list and its coroutines go with it.
static void close_loop(Scene *scene, uint32_t number)
{
    ScenePython *python = &scene->python;
    SceneLoop *loop = &python->loops.at[number - 1];
    while (loop->ready > 0)
        pop_ready(python, loop);
    for (size_t i = 0; loop->timers > 0 && i < python->timers.count; i++)
        if (python->timers.at[i].loop == number) {
            python->timers.at[i] = (SceneTimer){0};
            python->timers_set--;
            loop->timers--;
        }
    uint32_t alive = 0;
    for (int state = 0; state < COROUTINE_STATE_ENDED; state++)
        alive += loop->in_state[state];
    for (size_t i = 0; alive > 0 && i < python->coroutines.count; i++) {
        SceneCoroutine *coroutine = &python->coroutines.at[i];
        if (coroutine->loop != number || coroutine->state == COROUTINE_STATE_ENDED)
            continue;
        end_coroutine(scene, coroutine);
        alive--;
    }
    SceneTask *task = task_of(scene, loop->thread);
    if (task != NULL) {
        forget_objects(scene, task->process);
        scene_forget_watches(scene, loop->thread);
        scene_forget_streams(scene, loop->thread);
        task->loop = 0;
    }
    *loop = (SceneLoop){0};
    forget_ended(python);
}

static void on_loop(Scene *scene, const TraceRecord *record)
{
    uint32_t number = loop_of(scene, record->task);
    if (number == 0)
        return;
    SceneLoop *loop = &scene->python.loops.at[number - 1];
    switch ((EventKind)record->kind) {
    case EVENT_LOOP_STARTED:
        loop->main = coroutine_serial(record->a);
        loop->libuv = runs_libuv(scene, record->task);
        break;
    case EVENT_LOOP_ENDED:
        close_loop(scene, number);
        break;
    case EVENT_LOOP_TURN:
        on_turn(scene, record, loop);
        break;
    case EVENT_LOOP_POLL:
        on_poll(scene, record, loop);
        break;
    case EVENT_LOOP_SNAPSHOT:
        set_phase(scene, loop, LOOP_PHASE_CALLBACKS);
        loop->snapshot = record->a < loop->ready ? (uint32_t)record->a : loop->ready;
        break;
    case EVENT_LOOP_TIMERS:
        set_phase(scene, loop, LOOP_PHASE_TIMERS);
        break;
    case EVENT_LOOP_CALLS:
        on_calls(scene, record, loop);
        break;
    case EVENT_CALLBACK_READY:
        on_ready(scene, record, loop);
        break;
    case EVENT_CALLBACK_RUN:
        on_run(scene, record, loop);
        break;
    case EVENT_COROUTINE_CREATED:
        on_coroutine_created(scene, record, number);
        break;
    default:
        on_timer(scene, record, number);
        break;
    }
}

// ---- all of them

void scene_fold_python(Scene *scene, const TraceRecord *record)
{
    switch ((EventKind)record->kind) {
    case EVENT_GIL_WAIT:
    case EVENT_GIL_ASKED:
    case EVENT_GIL_TAKEN:
    case EVENT_GIL_DROPPED:
    case EVENT_GIL_RELEASED:
        scene_fold_gil(scene, record);
        break;
    case EVENT_COROUTINE_RESUMED:
    case EVENT_COROUTINE_BEGUN:
    case EVENT_COROUTINE_SUSPENDED:
    case EVENT_COROUTINE_DONE:
    case EVENT_COROUTINE_CANCEL:
    case EVENT_COROUTINE_AWAITS:
        on_coroutine(scene, record);
        break;
    case EVENT_ASYNC_WAIT:
    case EVENT_ASYNC_WAIT_OVER:
    case EVENT_ASYNC_TAKEN:
    case EVENT_ASYNC_RELEASED:
        on_async(scene, record);
        break;
    case EVENT_UV_TIMERS:
    case EVENT_UV_POLL:
    case EVENT_UV_CHECK:
    case EVENT_UV_CALL:
    case EVENT_UV_QUEUED:
    case EVENT_UV_CLEARED:
    case EVENT_UV_ENDED:
        scene_fold_uv(scene, record);
        break;
    default:
        on_loop(scene, record);
        break;
    }
}

void scene_fold_python_op(Scene *scene, const SceneTask *task, uint32_t op)
{
    if (task->loop == 0)
        return;
    SceneCoroutine *coroutine = coroutine_of(scene, scene->python.loops.at[task->loop - 1].running);
    if (coroutine != NULL)
        coroutine->op = op;
}

void scene_fold_python_end(Scene *scene, SceneTask *task)
{
    scene_leave_gil(scene, task);
    scene_leave_uv(scene, (uint32_t)(task - scene->tasks.at) + 1);
    scene_leave_work(scene, (uint32_t)(task - scene->tasks.at) + 1);
    if (task->loop != 0)
        close_loop(scene, task->loop);
}
