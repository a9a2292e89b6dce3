// The other half of why.h: what a wait that is over was for.
#include "sim/analysis/critical_path.h"
#include "sim/analysis/deed.h"
#include "sim/analysis/preference.h"
#include "sim/analysis/scene_text.h"
#include "sim/analysis/why_telling.h"

#include <stdlib.h>

enum { STAYS_TOLD = 10, RIVALS_MAX = 16, RIVALS_TOLD = 4 };

// ---- how it ended

// The record that ends a wait of `task` which lasts when `next` records have happened: its wake-up
// or its switch-in, or its end; RECORD_NONE when the trace ends first.
static int64_t end_of_wait(const Recording *recording, uint32_t task, uint64_t next, bool runnable)
{
    EventKind end = runnable ? EVENT_SWITCH_IN : EVENT_WAKEUP;
    for (uint64_t i = next; i < recording->count; i++) {
        const TraceRecord *record = recording_at(recording, i);
        if (record->task != task)
            continue;
        if (record->kind == end || record->kind == EVENT_TASK_KILLED ||
            record->kind == EVENT_TASK_EXITED)
            return (int64_t)i;
    }
    return RECORD_NONE;
}

// The record with which `task`, woken by `wakeup`, begins to wait for the same thing again, because
// another was there first; RECORD_NONE when it does not.
static int64_t waits_again(const Recording *recording, uint32_t task, uint64_t wakeup,
                           uint32_t sync)
{
    for (uint64_t i = wakeup; i < recording->count; i++) {
        const TraceRecord *record = recording_at(recording, i);
        if (record->task != task)
            continue;
        switch ((EventKind)record->kind) {
        case EVENT_LOCK_WAIT:
        case EVENT_SYNC_WAIT:
            return record->a == sync ? (int64_t)i : RECORD_NONE;
        case EVENT_LOCK_TAKEN:
        case EVENT_LOCK_READ:
        case EVENT_SYNC_WAIT_OVER:
        case EVENT_OP_BEGUN:
        case EVENT_TASK_EXITED:
        case EVENT_TASK_KILLED:
            return RECORD_NONE;
        default:
            break;
        }
    }
    return RECORD_NONE;
}

static void tell_end(Why *why, const Recording *recording, const Scene *scene, uint32_t task,
                     const SceneTask *waiter, uint64_t end)
{
    const TraceRecord *record = recording_at(recording, end);
    const char *at = telling_time(why, record->time_ns);
    if (record->kind != EVENT_WAKEUP)
        telling_say(why, task, 0, "It ended at %s: %s.", at, telling_record(why, recording, end));
    else if (record->a != 0)
        telling_say(
            why, task, 0, "It ended at %s: %s.", at,
            telling_record(why, recording, deed_of_wakeup(recording, end, recording->count)));
    else if (waiter->state == TASK_STATE_THROTTLED)
        telling_say(why, task, 0, "It ended at %s: a new period began.", at);
    else
        telling_say(why, task, 0, "It ended at %s: a timer woke it.", at);
    if (record->kind != EVENT_WAKEUP || waiter->place != PLACE_SYNC ||
        scene_sync(scene, waiter->place_id) == NULL)
        return;
    uint32_t sync = instances_sync_at(&scene->instances, waiter->place_id).id;
    int64_t again = waits_again(recording, task, end, sync);
    if (again >= 0)
        telling_say(why, task, 0, "It was woken in vain: at %s %s.",
                    telling_time(why, recording_at(recording, (uint64_t)again)->time_ns),
                    telling_record(why, recording, (uint64_t)again));
}

// ---- who had the core

// Who had the core while the thread waited for it.
typedef struct Rival {
    uint32_t task; // 0: nobody
    int64_t ns;
    int64_t longest_ns; // at a stretch, as far as `why` is concerned
    bool user;          // that was in user mode
    const char *why;    // during that
} Rival;

typedef struct Rivals {
    Rival at[RIVALS_MAX];
    uint32_t count;
    int64_t others_ns; // of those that find no room
} Rivals;

static Rival *rival_of(Rivals *rivals, uint32_t task)
{
    for (uint32_t i = 0; i < rivals->count; i++)
        if (rivals->at[i].task == task)
            return &rivals->at[i];
    if (rivals->count == RIVALS_MAX)
        return NULL;
    rivals->at[rivals->count] = (Rival){.task = task};
    return &rivals->at[rivals->count++];
}

static int by_length(const void *left, const void *right)
{
    const Rival *a = left, *b = right;
    if (a->ns != b->ns)
        return a->ns > b->ns ? -1 : 1;
    return a->task < b->task ? -1 : a->task > b->task;
}

static void count_rival(Why *why, Rivals *rivals, const Recording *recording, const Scene *scene,
                        uint32_t task, int64_t ns)
{
    const SceneTask *waiter = scene_task(scene, task);
    if (ns <= 0 || waiter == NULL || waiter->core < 0 ||
        (uint32_t)waiter->core >= scene->core_count)
        return;
    Rival *rival = rival_of(rivals, scene->cores[waiter->core].task);
    if (rival == NULL) {
        rivals->others_ns += ns;
        return;
    }
    rival->ns += ns;
    const SceneTask *running = scene_task(scene, rival->task);
    bool user = running != NULL && running->state != TASK_STATE_RUNNING_KERNEL;
    // The reason of a stretch that counts: one outside the kernel, where nobody is preempted. It is
    // not found anew for every one that is a little longer.
    if (rival->user ? !user || ns <= 2 * rival->longest_ns : !user && ns <= 2 * rival->longest_ns)
        return;
    rival->user = user;
    rival->longest_ns = ns;
    rival->why =
        running == NULL ? "" : preference_text(&why->arena, recording, scene, rival->task, task);
}

// Folds the wait once more, from the instant at which it began.
static void find_rivals(Why *why, Rivals *rivals, const Recording *recording, uint32_t task,
                        int64_t from_ns, int64_t to_ns)
{
    Scene scene;
    scene_open(&scene, recording->scenario);
    recording_seek_time(recording, &scene, from_ns);
    int64_t at = from_ns;
    while (scene.next < recording->count) {
        const TraceRecord *record = recording_at(recording, scene.next);
        if (record->time_ns >= to_ns)
            break;
        count_rival(why, rivals, recording, &scene, task, record->time_ns - at);
        at = record->time_ns;
        scene_fold(&scene, record);
    }
    count_rival(why, rivals, recording, &scene, task, to_ns - at);
    scene_free(&scene);
    qsort(rivals->at, rivals->count, sizeof rivals->at[0], by_length);
}

// ---- what was done meanwhile

// The time of the segments first … end - 1, by state: "running 1 ms, runnable 300 us".
static const char *states_text(Why *why, const CriticalPath *path, size_t first, size_t end)
{
    int64_t ns[TASK_STATE_COUNT] = {0};
    for (size_t i = first; i < end; i++)
        ns[path->segments.at[i].state] += path->segments.at[i].to_ns - path->segments.at[i].from_ns;
    const char *text = "";
    for (int s = 0; s < TASK_STATE_COUNT; s++)
        if (ns[s] > 0)
            text = arena_format(&why->arena, "%s%s%s %s", text, *text == 0 ? "" : ", ",
                                task_state_word((unsigned)s), telling_time(why, ns[s]));
    return text;
}

// How the path came from the segment before to this one.
static const char *link_text(Why *why, const Recording *recording, const PathSegment *segment)
{
    if (segment->link == PATH_SAME)
        return "";
    if (segment->link == PATH_HELD)
        return " It held the GIL.";
    if (segment->link == PATH_READY)
        return " That made the other ready.";
    uint64_t record = segment->link == PATH_WOKEN
                          ? deed_of_wakeup(recording, segment->record, recording->count)
                          : segment->record;
    return arena_format(&why->arena, " Then %s.", telling_record(why, recording, record));
}

// Who had the core during the longest of the segments first … end - 1 in which the thread waited
// for it.
static void tell_rival(Why *why, const Recording *recording, const CriticalPath *path, size_t first,
                       size_t end)
{
    const PathSegment *longest = NULL;
    for (size_t i = first; i < end; i++) {
        const PathSegment *segment = &path->segments.at[i];
        if (segment->state == TASK_STATE_RUNNABLE &&
            (longest == NULL ||
             segment->to_ns - segment->from_ns > longest->to_ns - longest->from_ns))
            longest = segment;
    }
    if (longest == NULL)
        return;
    Rivals rivals = {0};
    find_rivals(why, &rivals, recording, longest->task, longest->from_ns, longest->to_ns);
    if (rivals.count > 0 && rivals.at[0].task != 0)
        telling_say(why, rivals.at[0].task, 2, "For %s its core ran %s%s.",
                    telling_time(why, rivals.at[0].ns),
                    telling_name(why, recording, rivals.at[0].task), rivals.at[0].why);
}

static size_t end_of_stay(const CriticalPath *path, size_t first)
{
    size_t end = first + 1;
    while (end < path->segments.count && path->segments.at[end].link == PATH_SAME)
        end++;
    return end;
}

void telling_path(Why *why, const Recording *recording, const CriticalPath *path)
{
    size_t stays = 0, told = 0;
    for (size_t i = 0; i < path->segments.count; i = end_of_stay(path, i))
        stays++;
    if (stays > STAYS_TOLD)
        telling_say(why, 0, 1, "Of %zu steps, the last %d:", stays, STAYS_TOLD);
    for (size_t i = 0, end; i < path->segments.count; i = end) {
        end = end_of_stay(path, i);
        if (++told + STAYS_TOLD <= stays)
            continue;
        const PathSegment *first = &path->segments.at[i];
        bool last = end == path->segments.count;
        telling_say(why, first->task, 1, "From %s to %s it took %s: %s.%s",
                    telling_time(why, first->from_ns),
                    telling_time(why, path->segments.at[end - 1].to_ns),
                    critical_path_name(&why->arena, recording, first->task, first->coroutine),
                    states_text(why, path, i, end),
                    last ? "" : link_text(why, recording, &path->segments.at[end]));
        tell_rival(why, recording, path, i, end);
    }
}

// ---- the two kinds of waits

static const char *waited_text(Why *why, const Recording *recording, const Scene *scene,
                               const SceneTask *task)
{
    char text[SYNC_NAME_SIZE];
    Names names = {recording->scenario, &recording->tasks, &recording->processes};
    const SyncDef *sync = scene_sync_def(scene, task->place_id);
    const char *what = "";
    ArgType type = ARG_NONE;
    switch ((PlaceKind)task->place) {
    case PLACE_SYNC:
        if (sync == NULL)
            return "waited";
        return arena_format(&why->arena, "waited for %s %s",
                            sync_is_lock(sync->kind) ? "lock" : sync_kind_word(sync->kind),
                            scene_sync_name(scene, &names, task->place_id, text));
    case PLACE_JOIN:
        type = ARG_DEF;
        break;
    case PLACE_PIPE:
        type = ARG_PIPE;
        what = "pipe ";
        break;
    case PLACE_MESSAGES:
        type = ARG_MESSAGES;
        what = "message queue ";
        break;
    default:
        return task->state == TASK_STATE_WAITS_CHILD    ? "waited for a child"
               : task->state == TASK_STATE_WAITS_SIGNAL ? "waited for a signal"
               : task->state == TASK_STATE_WAITS_EVENTS ? "waited for events of its files"
               : task->state == TASK_STATE_WAITS_WORLD  ? "waited for the collector"
               : task->state == TASK_STATE_THROTTLED    ? "was throttled"
                                                        : "slept";
    }
    return arena_format(&why->arena, "waited for %s%s", what,
                        narrate_argument(&names, type, task->place_id, text, sizeof text));
}

static void tell_blocked(Why *why, const Recording *recording, const Scene *scene, uint32_t task,
                         int64_t end)
{
    const SceneTask *waiter = scene_task(scene, task);
    int64_t to_ns = end < 0 ? recording->end_ns : recording_at(recording, (uint64_t)end)->time_ns;
    telling_say(why, task, 0, "%s %s for %s, from %s to %s.", telling_name(why, recording, task),
                waited_text(why, recording, scene, waiter),
                telling_time(why, to_ns - waiter->since_ns), telling_time(why, waiter->since_ns),
                end < 0 ? "the end of the run" : telling_time(why, to_ns));
    if (end < 0)
        return;
    tell_end(why, recording, scene, task, waiter, (uint64_t)end);
    const TraceRecord *record = recording_at(recording, (uint64_t)end);
    if (record->kind != EVENT_WAKEUP || record->a == 0)
        return;
    CriticalPath path;
    critical_path_of_task(&path, recording, task, (uint64_t)end + 1, waiter->since_ns, to_ns);
    telling_path(why, recording, &path);
    critical_path_free(&path);
}

static void tell_runnable(Why *why, const Recording *recording, uint32_t task,
                          const SceneTask *waiter, int64_t end)
{
    int64_t to_ns = end < 0 ? recording->end_ns : recording_at(recording, (uint64_t)end)->time_ns;
    telling_say(why, task, 0, "%s was runnable for %s, from %s to %s.",
                telling_name(why, recording, task), telling_time(why, to_ns - waiter->since_ns),
                telling_time(why, waiter->since_ns),
                end < 0 ? "the end of the run" : telling_time(why, to_ns));
    Rivals rivals = {0};
    find_rivals(why, &rivals, recording, task, waiter->since_ns, to_ns);
    for (uint32_t i = 0; i < rivals.count; i++) {
        const Rival *rival = &rivals.at[i];
        if (i >= RIVALS_TOLD)
            rivals.others_ns += rival->ns;
        else if (rival->task == 0)
            telling_say(why, 0, 1, "For %s its core was idle, or on its way to it.",
                        telling_time(why, rival->ns));
        else
            telling_say(why, rival->task, 1, "For %s its core ran %s%s.",
                        telling_time(why, rival->ns), telling_name(why, recording, rival->task),
                        rival->why);
    }
    if (rivals.others_ns > 0)
        telling_say(why, 0, 1, "For %s it ran others.", telling_time(why, rivals.others_ns));
}

bool why_so_long(Why *why, const Recording *recording, const Scene *scene, uint32_t task)
{
    why_clear(why);
    const SceneTask *found = scene_task(scene, task);
    if (found == NULL || (found->state != TASK_STATE_RUNNABLE && !task_state_blocked(found->state)))
        return false;
    if (why_gil_so_long(why, recording, scene, task))
        return true;
    SceneTask waiter = *found;
    bool runnable = waiter.state == TASK_STATE_RUNNABLE;
    int64_t end = end_of_wait(recording, task, scene->next, runnable);
    if (runnable)
        tell_runnable(why, recording, task, &waiter, end);
    else
        tell_blocked(why, recording, scene, task, end);
    return true;
}
