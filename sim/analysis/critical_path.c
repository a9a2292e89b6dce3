#include "sim/analysis/critical_path_walk.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

// ---- where a thread is

int64_t path_before(const Recording *recording, uint32_t task, uint64_t at)
{
    while (at > 0) {
        if (recording_at(recording, --at)->task == task)
            return (int64_t)at;
    }
    return RECORD_NONE;
}

// Reads back to the last record that settles it. A thread may have been woken while it was still
// leaving its core: then it is runnable as soon as it has left.
Where path_where_is(const Recording *recording, uint32_t task, uint64_t at)
{
    bool queued = false, left = false;
    for (int64_t k = path_before(recording, task, at); k >= 0;
         k = path_before(recording, task, (uint64_t)k)) {
        const TraceRecord *record = recording_at(recording, (uint64_t)k);
        switch ((EventKind)record->kind) {
        case EVENT_ENQUEUED:
            queued = true;
            break;
        case EVENT_SWITCH_OUT:
            if (record->a == SWITCH_EXITED)
                return WHERE_ENDED;
            if (queued || record->a <= SWITCH_YIELDED)
                return WHERE_RUNNABLE;
            left = true;
            break;
        case EVENT_TASK_EXITED:
        case EVENT_TASK_KILLED:
            return WHERE_ENDED;
        case EVENT_TASK_CREATED:
            return WHERE_RUNNABLE;
        case EVENT_SWITCH_IN:
        case EVENT_KERNEL_ENTER:
        case EVENT_KERNEL_EXIT:
        case EVENT_PAGE_FAULT:
        case EVENT_SIGNAL_HANDLED:
        case EVENT_OP_BEGUN:
            return !left ? WHERE_ON_CORE : queued ? WHERE_RUNNABLE : WHERE_BLOCKED;
        default:
            break;
        }
    }
    return queued ? WHERE_RUNNABLE : left ? WHERE_BLOCKED : WHERE_NOT_YET;
}

static TaskState blocked_state(uint64_t reason)
{
    switch ((SwitchReason)reason) {
    case SWITCH_BLOCKED_LOCK:
    case SWITCH_BLOCKED_OBJECT:
        return TASK_STATE_WAITS_LOCK;
    case SWITCH_BLOCKED_GIL:
        return TASK_STATE_WAITS_GIL;
    case SWITCH_BLOCKED_WORLD:
        return TASK_STATE_WAITS_WORLD;
    case SWITCH_BLOCKED_SYNC:
        return TASK_STATE_WAITS_SYNC;
    case SWITCH_BLOCKED_START:
    case SWITCH_BLOCKED_JOIN:
        return TASK_STATE_WAITS_JOIN;
    case SWITCH_BLOCKED_CHILD:
        return TASK_STATE_WAITS_CHILD;
    case SWITCH_BLOCKED_SIGNAL:
        return TASK_STATE_WAITS_SIGNAL;
    case SWITCH_BLOCKED_PIPE:
        return TASK_STATE_WAITS_PIPE;
    case SWITCH_BLOCKED_MESSAGES:
        return TASK_STATE_WAITS_MESSAGES;
    case SWITCH_BLOCKED_EPOLL:
        return TASK_STATE_WAITS_EVENTS;
    case SWITCH_THROTTLED:
        return TASK_STATE_THROTTLED;
    case SWITCH_EXITED:
        return TASK_STATE_ENDED;
    default:
        return TASK_STATE_SLEEPS;
    }
}

// ---- the walk back

static bool is_over(const Walk *walk)
{
    return walk->to_ns <= walk->from_ns;
}

void path_tell(Walk *walk, int64_t time_ns, TaskState state)
{
    CriticalPath *path = walk->path;
    int64_t from = time_ns > walk->from_ns ? time_ns : walk->from_ns;
    if (from >= walk->to_ns)
        return;
    PathSegment *later =
        path->segments.count > walk->stay ? &path->segments.at[path->segments.count - 1] : NULL;
    if (later != NULL && later->state == state)
        later->from_ns = from;
    else
        *ARRAY_PUSH(&path->segments) = (PathSegment){.from_ns = from,
                                                     .to_ns = walk->to_ns,
                                                     .task = walk->task,
                                                     .coroutine = walk->coroutine,
                                                     .state = (uint8_t)state};
    walk->to_ns = from;
}

void path_jump(Walk *walk, uint32_t task, uint64_t index, PathLink link)
{
    CriticalPath *path = walk->path;
    if (path->segments.count > walk->stay) {
        PathSegment *first = &path->segments.at[path->segments.count - 1];
        first->link = (uint8_t)link;
        first->record = index;
    }
    walk->stay = path->segments.count;
    walk->task = task;
    walk->coroutine = path_coroutine_at(walk, task, index);
    walk->at = index;
    walk->where = path_where_is(walk->recording, task, index);
    walk->spinning = false;
}

// ---- spinning

// Whether two tasks mean the same object by `sync`: forked processes have their own.
static bool same_object(Walk *walk, uint32_t left, uint32_t right, uint32_t sync)
{
    const Recording *recording = walk->recording;
    if (!walk->has_instances) {
        instances_open(&walk->instances, recording->scenario);
        for (uint64_t i = 0; i < recording->count; i++)
            instances_add(&walk->instances, recording_at(recording, i));
        walk->has_instances = true;
    }
    return instances_sync(&walk->instances, left, sync) ==
           instances_sync(&walk->instances, right, sync);
}

// The task takes a spin lock with record `taken`. If it spun for it: since when, and who released
// it.
static void find_release(Walk *walk, uint64_t taken)
{
    const Recording *recording = walk->recording;
    uint64_t lock = recording_at(recording, taken)->a, released = 0;
    for (uint64_t i = taken; i > 0; i--) {
        const TraceRecord *record = recording_at(recording, i - 1);
        if (record->kind == EVENT_LOCK_RELEASED && record->a == lock && released == 0 &&
            same_object(walk, record->task, walk->task, (uint32_t)lock))
            released = i; // the index plus 1
        if (record->task != walk->task)
            continue;
        if (record->kind == EVENT_LOCK_SPIN && record->a == lock && released > 0) {
            path_tell(walk, recording_at(recording, taken)->time_ns, TASK_STATE_RUNNING_USER);
            walk->spinning = true;
            walk->released = released - 1;
            return;
        }
        if (record->kind == EVENT_OP_BEGUN || record->kind == EVENT_TASK_CREATED)
            return; // it had the lock at once
    }
}

static bool is_spin_lock(const Recording *recording, uint64_t lock)
{
    const Scenario *scenario = recording->scenario;
    return lock > 0 && lock <= scenario->sync_count && scenario->syncs[lock - 1].kind == SYNC_SPIN;
}

// It has spun from `time_ns` to the end of what is known of it: nobody has released the lock.
static void was_spinning(Walk *walk, int64_t time_ns)
{
    path_tell(walk, time_ns, TASK_STATE_RUNNING_USER);
    for (size_t i = walk->stay; i < walk->path->segments.count; i++) {
        PathSegment *segment = &walk->path->segments.at[i];
        if (segment->state == TASK_STATE_RUNNING_USER)
            segment->state = TASK_STATE_SPINNING;
    }
}

// ---- waiting for a GIL

// The Pid of whose GIL the walk's task waits for before record `k`; 0: for none.
static uint64_t gil_wanted(const Walk *walk, uint64_t k)
{
    for (int64_t i = path_before(walk->recording, walk->task, k); i >= 0;
         i = path_before(walk->recording, walk->task, (uint64_t)i)) {
        const TraceRecord *record = recording_at(walk->recording, (uint64_t)i);
        switch ((EventKind)record->kind) {
        case EVENT_GIL_WAIT:
        case EVENT_GIL_ASKED:
            return record->a;
        case EVENT_SWITCH_OUT:
            if (record->a != SWITCH_BLOCKED_GIL)
                return 0;
            break;
        case EVENT_GIL_TAKEN:
        case EVENT_GIL_DROPPED:
        case EVENT_GIL_RELEASED:
        case EVENT_OP_BEGUN:
        case EVENT_TASK_CREATED:
            return 0;
        default:
            break;
        }
    }
    return 0;
}

// A timer has woken the task with record `k`. If it waited for a GIL, the path goes on with who
// had that.
static void leave_to_holder(Walk *walk, uint64_t k)
{
    uint64_t pid = gil_wanted(walk, k);
    for (uint64_t i = k; pid != 0 && i > 0; i--) {
        const TraceRecord *record = recording_at(walk->recording, i - 1);
        if (record->a != pid)
            continue;
        if (record->kind == EVENT_GIL_DROPPED || record->kind == EVENT_GIL_RELEASED)
            return; // nobody has it
        if (record->kind != EVENT_GIL_TAKEN)
            continue;
        if (record->task != 0 && record->task != walk->task)
            path_jump(walk, record->task, k, PATH_HELD);
        return;
    }
}

// ---- one record

static TaskState user_state(const Walk *walk)
{
    return walk->spinning ? TASK_STATE_SPINNING : TASK_STATE_RUNNING_USER;
}

static TaskState gap_state(const Walk *walk)
{
    return walk->where == WHERE_ENDED ? TASK_STATE_ENDED : TASK_STATE_RUNNABLE;
}

bool path_begins_state(const Walk *walk, const TraceRecord *record, TaskState *state)
{
    switch ((EventKind)record->kind) {
    case EVENT_SWITCH_IN:
        *state = record->a != 0 ? TASK_STATE_RUNNING_KERNEL : user_state(walk);
        return true;
    case EVENT_KERNEL_ENTER:
    case EVENT_PAGE_FAULT:
    case EVENT_SIGNAL_HANDLED:
        *state = TASK_STATE_RUNNING_KERNEL;
        return true;
    case EVENT_KERNEL_EXIT:
        *state = user_state(walk);
        return true;
    case EVENT_SWITCH_OUT:
        *state = walk->where == WHERE_BLOCKED ? blocked_state(record->a) : gap_state(walk);
        return true;
    case EVENT_WAKEUP:
    case EVENT_TASK_CREATED:
        *state = TASK_STATE_RUNNABLE;
        // Woken while still leaving its core, it is in the kernel until it has left.
        if (walk->where == WHERE_ON_CORE)
            *state = TASK_STATE_RUNNING_KERNEL;
        return true;
    case EVENT_TASK_EXITED:
    case EVENT_TASK_KILLED:
        *state = TASK_STATE_ENDED;
        return true;
    default:
        return false;
    }
}

// Behind the told state: where the task was before record `k`, or whom the path goes on with.
static void step_over(Walk *walk, uint64_t k)
{
    const TraceRecord *record = recording_at(walk->recording, k);
    walk->at = k;
    switch ((EventKind)record->kind) {
    case EVENT_SWITCH_IN:
        walk->where = WHERE_RUNNABLE;
        break;
    case EVENT_SWITCH_OUT:
        walk->where = WHERE_ON_CORE;
        break;
    case EVENT_WAKEUP:
        if (record->a != 0 && record->a <= UINT32_MAX && record->a != walk->task)
            path_jump(walk, (uint32_t)record->a, k, PATH_WOKEN);
        else if (walk->where != WHERE_ON_CORE)
            walk->where = WHERE_BLOCKED;
        if (record->a == 0 && walk->where == WHERE_BLOCKED)
            leave_to_holder(walk, k);
        break;
    case EVENT_TASK_CREATED:
        walk->where = WHERE_NOT_YET;
        if (created_by(record->b) != 0)
            path_jump(walk, created_by(record->b), k, PATH_CREATED);
        break;
    case EVENT_TASK_EXITED:
    case EVENT_TASK_KILLED:
        walk->where = path_where_is(walk->recording, walk->task, k);
        break;
    case EVENT_LOCK_TAKEN:
        if (is_spin_lock(walk->recording, record->a))
            find_release(walk, k);
        break;
    case EVENT_LOCK_SPIN:
        was_spinning(walk, record->time_ns);
        break;
    default:
        break;
    }
}

// It spun until the lock was released: from there on the path is the releaser's.
static void leave_to_releaser(Walk *walk)
{
    const Recording *recording = walk->recording;
    const TraceRecord *release = recording_at(recording, walk->released);
    TaskState state = TASK_STATE_SPINNING;
    for (int64_t k = path_before(recording, walk->task, walk->released); k >= 0;
         k = path_before(recording, walk->task, (uint64_t)k)) {
        const TraceRecord *record = recording_at(recording, (uint64_t)k);
        if (record->kind == EVENT_LOCK_SPIN || path_begins_state(walk, record, &state))
            break;
    }
    path_tell(walk, release->time_ns, state);
    path_jump(walk, release->task, walk->released, PATH_RELEASED);
}

void path_walk_back(Walk *walk)
{
    walk->where = path_where_is(walk->recording, walk->task, walk->at);
    while (!is_over(walk)) {
        if (walk->given_up != NULL && atomic_load(walk->given_up))
            return;
        int64_t k = path_before(walk->recording, walk->task, walk->at);
        if (k < 0 || walk->where == WHERE_NOT_YET) {
            path_tell(walk, walk->from_ns, TASK_STATE_NOT_YET);
            return;
        }
        if (walk->spinning && (uint64_t)k < walk->released) {
            leave_to_releaser(walk);
            continue;
        }
        const TraceRecord *record = recording_at(walk->recording, (uint64_t)k);
        TaskState state;
        if (walk->coroutine != 0 && path_leave_coroutine(walk, (uint64_t)k))
            continue;
        if (path_begins_state(walk, record, &state))
            path_tell(walk, record->time_ns, state);
        step_over(walk, (uint64_t)k);
    }
}

// ---- of a task

static void follow(CriticalPath *path, const Recording *recording, uint32_t task, uint64_t next,
                   int64_t from_ns, int64_t to_ns, const atomic_bool *given_up)
{
    *path = (CriticalPath){.from_ns = from_ns, .to_ns = to_ns};
    Walk walk = {.recording = recording,
                 .path = path,
                 .task = task,
                 .at = next < recording->count ? next : recording->count,
                 .from_ns = from_ns,
                 .to_ns = to_ns,
                 .given_up = given_up};
    path_walk_back(&walk);
    if (walk.has_instances)
        instances_free(&walk.instances);
    path_finish(path, recording);
}

void critical_path_of_task(CriticalPath *path, const Recording *recording, uint32_t task,
                           uint64_t next, int64_t from_ns, int64_t to_ns)
{
    follow(path, recording, task, next, from_ns, to_ns, NULL);
}

// ---- the whole run

// Whether the record is something that its task does on a core.
static bool is_done_by_task(const TraceRecord *record)
{
    switch ((EventKind)record->kind) {
    case EVENT_NONE:
    case EVENT_TASK_CREATED:
    case EVENT_TASK_KILLED:
    case EVENT_ENQUEUED:
    case EVENT_WAKEUP:
    case EVENT_MIGRATED:
    case EVENT_IRQ:
    case EVENT_PROCESS_STARTED:
    case EVENT_PROCESS_JOINED:
    case EVENT_PRIORITY_LENT:
    case EVENT_PRIORITY_BACK:
    case EVENT_DEADLOCK:
    case EVENT_DEADLOCK_PLACE:
    case EVENT_RUN_END:
        return false;
    default:
        return record->task != 0;
    }
}

// The record from which the run's path is followed back.
static int64_t last_deed(const Recording *recording)
{
    uint64_t count = recording->count;
    const TraceRecord *end = count > 0 ? recording_at(recording, count - 1) : NULL;
    bool by_itself = end != NULL && end->kind == EVENT_RUN_END && end->a == END_DONE;
    int64_t last = RECORD_NONE;
    for (uint64_t i = count; i > 0; i--) {
        const TraceRecord *record = recording_at(recording, i - 1);
        if (by_itself && record->kind == EVENT_TASK_EXITED)
            return (int64_t)i - 1;
        if (last < 0 && is_done_by_task(record))
            last = (int64_t)i - 1;
        if (last >= 0 && !by_itself)
            break;
    }
    return last;
}

void critical_path_of_run(CriticalPath *path, const Recording *recording)
{
    critical_path_of_run_unless(path, recording, NULL);
}

void critical_path_of_run_unless(CriticalPath *path, const Recording *recording,
                                 const atomic_bool *given_up)
{
    int64_t last = last_deed(recording);
    uint32_t task = last < 0 ? 0 : recording_at(recording, (uint64_t)last)->task;
    follow(path, recording, task, recording->count, 0, recording->end_ns, given_up);
}

// ---- spans

// The index of the SPAN_END of the span that record `begin` opens; RECORD_NONE when it has none.
static int64_t end_of_span(const Recording *recording, uint64_t begin)
{
    const TraceRecord *first = recording_at(recording, begin);
    for (uint64_t i = begin + 1; i < recording->count; i++) {
        const TraceRecord *record = recording_at(recording, i);
        if (record->task != first->task)
            continue;
        if (record->kind == EVENT_SPAN_END && record->a == first->a && record->b == first->b)
            return (int64_t)i;
    }
    return RECORD_NONE;
}

bool critical_path_of_span(CriticalPath *path, const Recording *recording, uint64_t begin)
{
    *path = (CriticalPath){0};
    if (begin >= recording->count || recording_at(recording, begin)->kind != EVENT_SPAN_BEGIN)
        return false;
    int64_t end = end_of_span(recording, begin);
    if (end < 0)
        return false;
    const TraceRecord *first = recording_at(recording, begin);
    critical_path_of_task(path, recording, first->task, (uint64_t)end, first->time_ns,
                          recording_at(recording, (uint64_t)end)->time_ns);
    return true;
}
