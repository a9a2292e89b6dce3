// How each record changes a scene. Total: whatever ids a record names, every list stays a list.
#include "sim/analysis/scene_fold.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

// ---- places and their lists

typedef struct List {
    uint32_t *first, *last, *count; // NULL: there is no such list
} List;

static List list_of(Scene *scene, unsigned place, uint32_t id)
{
    const Scenario *scenario = scene->scenario;
    uint32_t i = id - 1;
    switch ((PlaceKind)place) {
    case PLACE_CORE:
        if (i < scene->core_count)
            return (List){&scene->cores[i].first, &scene->cores[i].last, &scene->cores[i].queued};
        break;
    case PLACE_SYNC:
        if (i < scene->syncs.count) {
            SceneSync *sync = &scene->syncs.at[i];
            return (List){&sync->first, &sync->last, &sync->waiting};
        }
        break;
    case PLACE_PIPE:
        if (i < scenario->pipe_count)
            return (List){&scene->pipes[i].first, &scene->pipes[i].last, &scene->pipes[i].waiting};
        break;
    case PLACE_MESSAGES:
        if (i < scenario->message_queue_count)
            return (List){&scene->messages[i].first, &scene->messages[i].last,
                          &scene->messages[i].waiting};
        break;
    case PLACE_JOIN:
    case PLACE_PROCESS:
    case PLACE_TIMER:
    case PLACE_SIGNAL:
        return (List){&scene->first_blocked, &scene->last_blocked, &scene->blocked};
    case PLACE_NONE:
    case PLACE_LOOP:
    case PLACE_POOL:
    case PLACE_STREAM:
    case PLACE_COUNT:
        break;
    }
    return (List){NULL, NULL, NULL};
}

static void unlist(Scene *scene, SceneTask *task)
{
    if (!task->listed)
        return;
    List list = list_of(scene, task->place, task->place_id);
    if (task->previous != 0)
        scene->tasks.at[task->previous - 1].next = task->next;
    else
        *list.first = task->next;
    if (task->next != 0)
        scene->tasks.at[task->next - 1].previous = task->previous;
    else
        *list.last = task->previous;
    --*list.count;
    task->next = task->previous = 0;
    task->listed = false;
}

void scene_move_to(Scene *scene, SceneTask *task, PlaceKind place, uint32_t place_id)
{
    unlist(scene, task);
    task->place = (uint8_t)place;
    task->place_id = place_id;
}

void scene_join_list(Scene *scene, SceneTask *task, PlaceKind place, uint32_t place_id)
{
    scene_move_to(scene, task, place, place_id);
    List list = list_of(scene, place, place_id);
    if (list.first == NULL)
        return;
    uint32_t id = (uint32_t)(task - scene->tasks.at) + 1;
    task->previous = *list.last;
    if (*list.last != 0)
        scene->tasks.at[*list.last - 1].next = id;
    else
        *list.first = id;
    *list.last = id;
    ++*list.count;
    task->listed = true;
}

// Normal threads of a machine with one queue for all cores: it is core 0's.
static bool shares_queue(const Scene *scene, const SceneTask *task)
{
    const Scenario *scenario = scene->scenario;
    return scenario->machine.global_queue && scenario->threads[task->def - 1].policy < POLICY_FIFO;
}

static void join_run_queue(Scene *scene, SceneTask *task, int core)
{
    scene_join_list(scene, task, PLACE_CORE, shares_queue(scene, task) ? 1 : (uint32_t)core + 1);
}

static bool in_run_queue(const SceneTask *task)
{
    return task->listed && task->place == PLACE_CORE;
}

// At something that it waits for, or is about to.
static bool at_wait(const SceneTask *task)
{
    return task->place != PLACE_NONE && task->place != PLACE_CORE;
}

// ---- states and times

static void set_state(Scene *scene, SceneTask *task, TaskState state)
{
    if (task->state == state)
        return;
    if (task->state == TASK_STATE_RUNNABLE)
        task->runnable_ns += scene->time_ns - task->since_ns;
    count_state(scene, task, -1);
    task->state = (uint8_t)state;
    count_state(scene, task, 1);
    task->since_ns = scene->time_ns;
}

void scene_set_mode(Scene *scene, SceneTask *task)
{
    set_state(scene, task,
              task->errand != KERNEL_ERRAND_NONE ? TASK_STATE_RUNNING_KERNEL
              : task->spins                      ? TASK_STATE_SPINNING
                                                 : TASK_STATE_RUNNING_USER);
}

// Shares out the core's time up to now: first to the interrupts that have it, then to who runs.
static void share_out(Scene *scene, SceneCore *core)
{
    int64_t now = scene->time_ns, at = core->at_ns;
    if (core->irq_until_ns > at) {
        int64_t end = core->irq_until_ns < now ? core->irq_until_ns : now;
        core->irq_ns += end - at;
        at = end;
    }
    int64_t ran = now - at;
    core->at_ns = now;
    if (core->task == 0)
        return;
    SceneTask *task = &scene->tasks.at[core->task - 1];
    task->ran = task->ran || ran > 0;
    if (core->in_kernel != 0) {
        core->kernel_ns += ran;
        task->kernel_ns += ran;
    } else {
        core->user_ns += ran;
        task->user_ns += ran;
    }
}

// The record's core, its time shared out; NULL when it has none.
static SceneCore *core_of(Scene *scene, const TraceRecord *record)
{
    if (record->core < 0 || record->core >= CORES_MAX)
        return NULL;
    uint32_t number = (uint32_t)record->core;
    if (number >= scene->core_count) {
        SceneCore *cores = realloc(scene->cores, (number + 1) * sizeof *cores);
        CHECK(cores != NULL);
        memset(cores + scene->core_count, 0, (number + 1 - scene->core_count) * sizeof *cores);
        scene->cores = cores;
        scene->core_count = number + 1;
    }
    share_out(scene, &scene->cores[number]);
    return &scene->cores[number];
}

static void give_core(Scene *scene, SceneCore *core, uint32_t task, bool in_kernel)
{
    core->task = task;
    core->in_kernel = in_kernel;
    core->since_ns = scene->time_ns;
}

// The task that runs on the record's core, if it is the record's own; its time shared out.
static SceneTask *running(Scene *scene, const TraceRecord *record, SceneCore **core)
{
    *core = core_of(scene, record);
    return *core != NULL && (*core)->task == record->task ? task_of(scene, record->task) : NULL;
}

// ---- life

static void on_created(Scene *scene, const TraceRecord *record)
{
    const Scenario *scenario = scene->scenario;
    uint64_t def = record->a;
    if (record->task == 0 || record->task > scene->tasks.count + IDS_AHEAD || def == 0 ||
        def > scenario->thread_count || task_of(scene, record->task) != NULL)
        return;
    while (scene->tasks.count < record->task)
        ARRAY_EXTEND(&scene->tasks);
    uint32_t process = scenario->threads[def - 1].process.index1;
    scene->tasks.at[record->task - 1] = (SceneTask){
        .state = TASK_STATE_NOT_YET,
        .daemon = created_daemon(record->b),
        .core = CORE_NONE,
        .def = (uint32_t)def,
        .instance = created_instance(record->b),
        .process = process,
        .since_ns = scene->time_ns,
        .wakes_ns = -1,
    };
    count_state(scene, &scene->tasks.at[record->task - 1], 1);
    count_thread(scene, process, 1);
    if (process_of(scene, process) != NULL)
        process_of(scene, process)->started = true;
}

// It keeps its core until it is switched out.
static void on_ended(Scene *scene, SceneTask *task)
{
    if (task->state == TASK_STATE_ENDED)
        return;
    scene_move_to(scene, task, PLACE_NONE, 0);
    set_state(scene, task, TASK_STATE_ENDED);
    task->wants = task->holder = 0;
    task->spins = false;
    task->wakes_ns = -1;
    count_thread(scene, task->process, -1);
    scene_fold_python_end(scene, task);
}

// ---- scheduling

static void on_enqueued(Scene *scene, const TraceRecord *record, SceneTask *task)
{
    if (task->state == TASK_STATE_ENDED || core_of(scene, record) == NULL)
        return;
    task->vruntime = (int64_t)record->a;
    task->ran = false;
    task->deadline = (int64_t)record->b;
    join_run_queue(scene, task, record->core);
    // Woken while it is still leaving its core, it is in the queue already.
    if (task_state_runs((TaskState)task->state))
        return;
    task->core = record->core;
    set_state(scene, task, TASK_STATE_RUNNABLE);
}

// Only in a damaged trace: who has the core, or has another one, gives it up without being told.
static void take_away(Scene *scene, SceneCore *core)
{
    share_out(scene, core);
    SceneTask *task = task_of(scene, core->task);
    give_core(scene, core, 0, false);
    if (task == NULL || task->state == TASK_STATE_ENDED)
        return;
    if (!in_run_queue(task))
        scene_move_to(scene, task, PLACE_NONE, 0);
    set_state(scene, task, TASK_STATE_RUNNABLE);
}

static void on_switch_in(Scene *scene, const TraceRecord *record, SceneTask *task)
{
    SceneCore *core = core_of(scene, record);
    if (core == NULL || task->state == TASK_STATE_ENDED)
        return;
    if (core->task != 0)
        take_away(scene, core);
    if (task_state_runs((TaskState)task->state))
        take_away(scene, &scene->cores[task->core]);
    bool in_kernel = record->a != 0;
    if (!in_kernel)
        task->syscall = 0;
    task->errand = (uint8_t)(!in_kernel           ? KERNEL_ERRAND_NONE
                             : task->syscall != 0 ? KERNEL_ERRAND_SYSCALL
                                                  : KERNEL_ERRAND_SWITCH);
    if (task->spins)
        scene_join_list(scene, task, PLACE_SYNC, task->wants);
    else
        scene_move_to(scene, task, PLACE_CORE, (uint32_t)record->core + 1);
    task->core = record->core;
    task->vruntime = (int64_t)record->b;
    task->ran = false;
    task->wakes_ns = -1;
    task->switches++;
    give_core(scene, core, record->task, in_kernel);
    scene_set_mode(scene, task);
}

// The state of a thread that has left its core for a reason, and where it is when no record before
// has said what it waits for.
static const struct {
    TaskState state;
    PlaceKind place;
} outside[SWITCH_REASON_COUNT] = {
    [SWITCH_PREEMPTED_TICK] = {TASK_STATE_RUNNABLE, PLACE_CORE},
    [SWITCH_PREEMPTED_WAKEUP] = {TASK_STATE_RUNNABLE, PLACE_CORE},
    [SWITCH_PREEMPTED_SLICE] = {TASK_STATE_RUNNABLE, PLACE_CORE},
    [SWITCH_PREEMPTED_MOVE] = {TASK_STATE_RUNNABLE, PLACE_CORE},
    [SWITCH_PREEMPTED_SERVER] = {TASK_STATE_RUNNABLE, PLACE_CORE},
    [SWITCH_YIELDED] = {TASK_STATE_RUNNABLE, PLACE_CORE},
    [SWITCH_BLOCKED_SLEEP] = {TASK_STATE_SLEEPS, PLACE_TIMER},
    [SWITCH_BLOCKED_LOCK] = {TASK_STATE_WAITS_LOCK, PLACE_SYNC},
    [SWITCH_BLOCKED_JOIN] = {TASK_STATE_WAITS_JOIN, PLACE_JOIN},
    [SWITCH_EXITED] = {TASK_STATE_ENDED, PLACE_NONE},
    [SWITCH_BLOCKED_SYNC] = {TASK_STATE_WAITS_SYNC, PLACE_SYNC},
    [SWITCH_THROTTLED] = {TASK_STATE_THROTTLED, PLACE_TIMER},
    [SWITCH_BLOCKED_PIPE] = {TASK_STATE_WAITS_PIPE, PLACE_PIPE},
    [SWITCH_BLOCKED_MESSAGES] = {TASK_STATE_WAITS_MESSAGES, PLACE_MESSAGES},
    [SWITCH_BLOCKED_CHILD] = {TASK_STATE_WAITS_CHILD, PLACE_PROCESS},
    [SWITCH_BLOCKED_SIGNAL] = {TASK_STATE_WAITS_SIGNAL, PLACE_SIGNAL},
    [SWITCH_BLOCKED_EPOLL] = {TASK_STATE_WAITS_EVENTS, PLACE_TIMER},
    [SWITCH_BLOCKED_GIL] = {TASK_STATE_WAITS_GIL, PLACE_TIMER},
    [SWITCH_BLOCKED_OBJECT] = {TASK_STATE_WAITS_LOCK, PLACE_TIMER},
    [SWITCH_BLOCKED_WORLD] = {TASK_STATE_WAITS_WORLD, PLACE_TIMER},
    [SWITCH_BLOCKED_START] = {TASK_STATE_WAITS_JOIN, PLACE_TIMER},
};

static void on_switch_out(Scene *scene, const TraceRecord *record)
{
    SceneCore *core;
    SceneTask *task = running(scene, record, &core);
    if (task == NULL || record->a >= SWITCH_REASON_COUNT)
        return;
    give_core(scene, core, 0, false);
    TaskState state = outside[record->a].state;
    if (task->state == TASK_STATE_ENDED || state == TASK_STATE_ENDED) {
        on_ended(scene, task);
        return;
    }
    if (in_run_queue(task)) // woken while it was leaving
        state = TASK_STATE_RUNNABLE;
    else if (state == TASK_STATE_RUNNABLE)
        join_run_queue(scene, task, record->core);
    else if (!at_wait(task))
        scene_join_list(scene, task, outside[record->a].place,
                        outside[record->a].place == PLACE_SYNC
                            ? sync_number(scene, record, record->b)
                            : (uint32_t)record->b);
    if (in_run_queue(task) && !shares_queue(scene, task))
        task->core = (int16_t)(task->place_id - 1);
    if (task->errand == KERNEL_ERRAND_SWITCH)
        task->errand = KERNEL_ERRAND_NONE;
    set_state(scene, task, state);
}

static void on_wakeup(Scene *scene, const TraceRecord *record, SceneTask *task)
{
    task->waker = (uint32_t)record->a;
    task->waker_record = (uint32_t)(scene->next + 1);
    task->wakes_ns = -1;
    if (at_wait(task))
        scene_move_to(scene, task, PLACE_NONE, 0);
}

static void on_migrated(Scene *scene, const TraceRecord *record, SceneTask *task)
{
    if (task->state == TASK_STATE_ENDED || task_state_runs((TaskState)task->state) ||
        core_of(scene, record) == NULL)
        return;
    task->core = record->core;
    if (!in_run_queue(task))
        return;
    // Out of a queue, with an ENQUEUED to follow; only the one that all cores share is not left.
    if (record->b != MIGRATION_SHARED_QUEUE)
        scene_move_to(scene, task, PLACE_NONE, 0);
}

// ---- the kernel

static void on_kernel(Scene *scene, const TraceRecord *record, KernelErrand errand)
{
    SceneCore *core;
    SceneTask *task = running(scene, record, &core);
    if (task == NULL)
        return;
    core->in_kernel = errand != KERNEL_ERRAND_NONE;
    if (task->state == TASK_STATE_ENDED)
        return;
    task->errand = (uint8_t)errand;
    if (errand == KERNEL_ERRAND_SYSCALL) {
        task->syscall = (uint16_t)(record->a + 1);
    } else if (errand == KERNEL_ERRAND_NONE) {
        task->syscall = 0;
        if (at_wait(task) && !task->spins) // it need not sleep after all
            scene_move_to(scene, task, PLACE_CORE, (uint32_t)record->core + 1);
    }
    scene_set_mode(scene, task);
}

static void on_irq(Scene *scene, const TraceRecord *record)
{
    SceneCore *core = core_of(scene, record);
    if (core == NULL)
        return;
    int64_t begin = core->irq_until_ns > scene->time_ns ? core->irq_until_ns : scene->time_ns;
    core->irq_until_ns = later_by(begin, record->b);
    core->irq = (uint32_t)record->a;
}

// ---- all of them

static void on_deadlock(Scene *scene, SceneTask *task)
{
    scene->deadlocked += !task->deadlocked;
    task->deadlocked = true;
}

// Records that change the task that they are about, and perhaps what it meets there.
static void fold_task(Scene *scene, const TraceRecord *record)
{
    SceneTask *task = task_of(scene, record->task);
    if (task == NULL)
        return;
    switch ((EventKind)record->kind) {
    case EVENT_TASK_EXITED:
    case EVENT_TASK_KILLED:
        on_ended(scene, task);
        break;
    case EVENT_OP_BEGUN:
        task->op = record->a < scene->scenario->op_count ? (uint32_t)record->a : 0;
        scene_fold_python_op(scene, task, task->op);
        break;
    case EVENT_ENQUEUED:
        on_enqueued(scene, record, task);
        break;
    case EVENT_SWITCH_IN:
        on_switch_in(scene, record, task);
        break;
    case EVENT_WAKEUP:
        on_wakeup(scene, record, task);
        break;
    case EVENT_MIGRATED:
        on_migrated(scene, record, task);
        break;
    case EVENT_TIMER_SET:
        task->wakes_ns = later_by(scene->time_ns, record->a);
        break;
    case EVENT_LOCK_WAIT:
    case EVENT_SYNC_WAIT:
    case EVENT_LOCK_SPIN:
    case EVENT_SYNC_WAIT_OVER:
    case EVENT_LOCK_TAKEN:
    case EVENT_LOCK_RELEASED:
    case EVENT_LOCK_NESTED:
    case EVENT_LOCK_READ:
    case EVENT_LOCK_READ_RELEASED:
    case EVENT_JOIN_WAIT:
    case EVENT_CHILD_WAIT:
    case EVENT_PIPE_WAIT:
    case EVENT_MESSAGE_WAIT:
        scene_fold_sync(scene, record, task);
        break;
    case EVENT_PROCESS_STARTED:
        scene_fold_started(scene, record, task);
        break;
    case EVENT_PROCESS_JOINED:
        scene_move_thread(scene, task, (uint32_t)record->a);
        break;
    case EVENT_PYTHON_ENDS: // what it does now stands in no line
        task->op = 0;
        break;
    case EVENT_PRIORITY_LENT:
        task->lender = (uint32_t)record->a;
        break;
    case EVENT_PRIORITY_BACK:
        task->lender = 0;
        break;
    case EVENT_DEADLOCK:
        on_deadlock(scene, task);
        break;
    default:
        break; // says what happens, and changes nothing that a scene has
    }
}

// Those that say which process a thread is in, and that a program begins with objects of its own.
static bool begins_instances(unsigned kind)
{
    return kind == EVENT_TASK_CREATED || kind == EVENT_PROCESS_STARTED ||
           kind == EVENT_PROCESS_JOINED || kind == EVENT_PROCESS_EXECED;
}

void scene_fold(Scene *scene, const TraceRecord *record)
{
    scene->time_ns = record->time_ns;
    if (begins_instances(record->kind)) {
        instances_add(&scene->instances, record);
        scene_open_instances(scene);
    }
    switch ((EventKind)record->kind) {
    case EVENT_TASK_CREATED:
        on_created(scene, record);
        break;
    case EVENT_SWITCH_OUT:
        on_switch_out(scene, record);
        break;
    case EVENT_KERNEL_ENTER:
        on_kernel(scene, record, KERNEL_ERRAND_SYSCALL);
        break;
    case EVENT_KERNEL_EXIT:
        on_kernel(scene, record, KERNEL_ERRAND_NONE);
        break;
    case EVENT_PAGE_FAULT:
        on_kernel(scene, record, KERNEL_ERRAND_FAULT);
        break;
    case EVENT_SIGNAL_HANDLED:
        on_kernel(scene, record, KERNEL_ERRAND_SIGNAL);
        break;
    case EVENT_IRQ:
        on_irq(scene, record);
        break;
    case EVENT_SYNC_LEVEL:
        scene_fold_level(scene, record);
        break;
    case EVENT_LOAD:
    case EVENT_STORE:
    case EVENT_ATOMIC_ADD:
    case EVENT_SWAPPED:
    case EVENT_SWAP_FAILED:
    case EVENT_PROCESS_EXECED:
    case EVENT_PROCESS_ENDED:
    case EVENT_PROCESS_ADOPTED:
    case EVENT_PROCESS_REAPED:
    case EVENT_PROCESS_COPIED:
    case EVENT_MEMORY_RESERVED:
    case EVENT_MEMORY_RESIDENT:
    case EVENT_MEMORY_SHARED:
    case EVENT_HEAP:
    case EVENT_PIPE_WRITTEN:
    case EVENT_PIPE_READ:
    case EVENT_PIPE_CLOSED:
    case EVENT_MESSAGE_SENT:
    case EVENT_MESSAGE_RECEIVED:
        scene_fold_object(scene, record);
        break;
    case EVENT_EPOLL_WATCHES:
    case EVENT_EPOLL_TAKEN:
        scene_fold_watch(scene, record);
        break;
    case EVENT_WORLD_HELD:
    case EVENT_OBJECT_WAIT:
        if (task_of(scene, record->task) != NULL)
            task_of(scene, record->task)->holder = (uint32_t)record->b;
        break;
    case EVENT_GIL_WAIT:
    case EVENT_GIL_ASKED:
    case EVENT_GIL_TAKEN:
    case EVENT_GIL_DROPPED:
    case EVENT_GIL_RELEASED:
    case EVENT_LOOP_STARTED:
    case EVENT_LOOP_ENDED:
    case EVENT_LOOP_TURN:
    case EVENT_LOOP_POLL:
    case EVENT_LOOP_SNAPSHOT:
    case EVENT_LOOP_TIMERS:
    case EVENT_LOOP_CALLS:
    case EVENT_CALLBACK_READY:
    case EVENT_CALLBACK_RUN:
    case EVENT_LOOP_TIMER_SET:
    case EVENT_LOOP_TIMER_FIRED:
    case EVENT_LOOP_TIMER_CANCELLED:
    case EVENT_COROUTINE_CREATED:
    case EVENT_COROUTINE_RESUMED:
    case EVENT_COROUTINE_BEGUN:
    case EVENT_COROUTINE_SUSPENDED:
    case EVENT_COROUTINE_DONE:
    case EVENT_COROUTINE_CANCEL:
    case EVENT_COROUTINE_AWAITS:
    case EVENT_ASYNC_WAIT:
    case EVENT_ASYNC_WAIT_OVER:
    case EVENT_ASYNC_TAKEN:
    case EVENT_ASYNC_RELEASED:
    case EVENT_UV_TIMERS:
    case EVENT_UV_POLL:
    case EVENT_UV_CHECK:
    case EVENT_UV_CALL:
    case EVENT_UV_QUEUED:
    case EVENT_UV_CLEARED:
    case EVENT_UV_ENDED:
        scene_fold_python(scene, record);
        break;
    case EVENT_EXECUTOR_SUBMITTED:
    case EVENT_EXECUTOR_RUN:
    case EVENT_EXECUTOR_DONE:
    case EVENT_POOL_ASKED:
    case EVENT_POOL_RUN:
    case EVENT_POOL_DONE:
    case EVENT_POOL_RESULT:
    case EVENT_STREAM_LEVEL:
    case EVENT_STREAM_PAUSED:
    case EVENT_STREAM_RESUMED:
        scene_fold_work(scene, record);
        break;
    case EVENT_RUN_END:
        scene->ended = true;
        scene->end = (uint8_t)record->a;
        break;
    default:
        fold_task(scene, record);
        break;
    }
    scene->next++;
}
