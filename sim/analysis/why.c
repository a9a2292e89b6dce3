#include "sim/analysis/why_asking.h"

#include "sim/analysis/lock_readers.h"
#include "sim/analysis/preference.h"
#include "sim/analysis/scene_text.h"
#include "sim/analysis/wakers.h"

#include "sim/base/size.h"

#include <string.h>

// ---- words

static Arena *arena_of(const Asking *asking)
{
    return &asking->why->arena;
}

const char *why_name(const Asking *asking, uint32_t task)
{
    char name[96];
    return arena_format(arena_of(asking), "%s", recording_task_name(asking->recording, task, name));
}

const char *why_argument(const Asking *asking, ArgType type, uint64_t value)
{
    char text[160];
    Names names = {asking->scene->scenario, &asking->recording->tasks,
                   &asking->recording->processes};
    return arena_format(arena_of(asking), "%s",
                        narrate_argument(&names, type, value, text, sizeof text));
}

const char *why_time(const Asking *asking, int64_t ns)
{
    char text[32];
    return arena_format(arena_of(asking), "%s", duration_text(ns, text));
}

const char *why_sync(const Asking *asking, uint32_t number)
{
    const SyncDef *def = scene_sync_def(asking->scene, number);
    Names names = {asking->scene->scenario, &asking->recording->tasks,
                   &asking->recording->processes};
    char name[SYNC_NAME_SIZE];
    return arena_format(arena_of(asking), "%s %s",
                        sync_is_lock(def->kind) ? "lock" : sync_kind_word(def->kind),
                        scene_sync_name(asking->scene, &names, number, name));
}

// ", at line 12 (compute)"; "" before the first operation.
static const char *place_text(const Asking *asking, const SceneTask *task)
{
    if (task->op == 0)
        return "";
    return arena_format(arena_of(asking), ", at %s", why_argument(asking, ARG_OP, task->op));
}

void why_say(Asking *asking, uint32_t task, const char *format, ...)
{
    Why *why = asking->why;
    if (why->count == WHY_LINES_MAX)
        return;
    va_list values;
    va_start(values, format);
    const char *text = arena_vformat(&why->arena, format, values);
    va_end(values);
    if (why->count == WHY_LINES_MAX - 1)
        text = "And so on: this goes further.";
    why->lines[why->count++] = (WhyLine){text, task, asking->depth, asking->coroutine};
}

// "a, b, c and 4 more": the first of `count` tasks.
static const char *names_text(const Asking *asking, const uint32_t *first, uint32_t count)
{
    const char *text = "";
    uint32_t named = count < WHY_NAMED_MAX ? count : WHY_NAMED_MAX;
    for (uint32_t i = 0; i < named; i++) {
        const char *between = i == 0 ? "" : i + 1 == count ? " and " : ", ";
        text = arena_format(arena_of(asking), "%s%s%s", text, between, why_name(asking, first[i]));
    }
    if (count > named)
        text = arena_format(arena_of(asking), "%s and %u more", text, count - named);
    return text;
}

// The names of those that `wanted` takes; the first of them, and how many they are.
typedef bool (*Wanted)(const Asking *asking, const void *what, uint32_t id, const SceneTask *task);

static const char *list_tasks(const Asking *asking, Wanted wanted, const void *what,
                              uint32_t first[WHY_NAMED_MAX], uint32_t *count)
{
    *count = 0;
    memset(first, 0, WHY_NAMED_MAX * sizeof *first);
    for (uint32_t id = 1; id <= asking->scene->tasks.count; id++) {
        const SceneTask *task = scene_task(asking->scene, id);
        if (task == NULL || !wanted(asking, what, id, task))
            continue;
        if (*count < WHY_NAMED_MAX)
            first[*count] = id;
        ++*count;
    }
    return names_text(asking, first, *count);
}

// What is said of each of the first of a list in turn, one step deeper.
static void tell_reasons(Asking *asking, const uint32_t *tasks, uint32_t count, bool only)
{
    for (uint32_t i = 0; i < count && i < WHY_NAMED_MAX; i++)
        why_reason(asking, tasks[i], only);
}

// ---- on a core, or waiting for one

static void tell_running(Asking *asking, uint32_t id, const SceneTask *task)
{
    const char *name = why_name(asking, id), *since = why_time(asking, task->since_ns);
    const SceneCore *core = task->core >= 0 && (uint32_t)task->core < asking->scene->core_count
                                ? &asking->scene->cores[task->core]
                                : NULL;
    if (task->state == TASK_STATE_RUNNING_KERNEL && task->syscall != 0)
        why_say(asking, id, "%s is in the kernel on core %d since %s: %s.", name, task->core, since,
                syscall_name(task->syscall - 1u));
    else if (task->state == TASK_STATE_RUNNING_KERNEL)
        why_say(asking, id, "%s is in the kernel on core %d since %s: %s.", name, task->core, since,
                kernel_errand_word(task->errand));
    else
        why_say(asking, id, "%s runs on core %d since %s%s.", name, task->core,
                core != NULL && core->task == id ? why_time(asking, core->since_ns) : since,
                place_text(asking, task));
    why_tell_needs_gil(asking, id);
    if (core != NULL && core->irq_until_ns > asking->scene->time_ns)
        why_say(asking, id, "An interrupt has core %d until %s: %s.", task->core,
                why_time(asking, core->irq_until_ns), irq_name(core->irq));
}

static const char *others_text(const Asking *asking, uint32_t others)
{
    if (others < 2)
        return others == 1 ? "; another waits there too" : "";
    return arena_format(arena_of(asking), "; %u others wait there too", others);
}

// Whether a core is idle, and the thread may run on every one.
static bool takes_any_core(const Scene *scene, const SceneTask *task)
{
    if (scene->scenario->threads[task->def - 1].affinity != 0)
        return false;
    for (uint32_t i = 0; i < scene->core_count; i++)
        if (scene->cores[i].task == 0)
            return true;
    return false;
}

static void tell_runnable(Asking *asking, uint32_t id, const SceneTask *task)
{
    const Scene *scene = asking->scene;
    const char *name = why_name(asking, id), *since = why_time(asking, task->since_ns);
    if (task->core < 0 || (uint32_t)task->core >= scene->core_count) {
        why_say(asking, id, "%s is runnable since %s.", name, since);
        return;
    }
    const SceneCore *core = &scene->cores[task->core];
    bool shared = scene->scenario->machine.global_queue && scene->core_count > 1;
    const char *where = shared ? "in the queue that all cores share"
                               : arena_format(arena_of(asking), "on core %d", task->core);
    if (core->irq_until_ns > scene->time_ns) {
        why_say(asking, id, "%s is runnable %s since %s; an interrupt has core %d until %s: %s.",
                name, where, since, task->core, why_time(asking, core->irq_until_ns),
                irq_name(core->irq));
    } else if (core->task == 0 || core->task == id || (shared && takes_any_core(scene, task))) {
        why_say(asking, id, "%s is runnable %s since %s, and a core is about to take it.", name,
                where, since);
        return;
    }
    const SceneTask *running = scene_task(scene, core->task);
    if (running == NULL)
        return;
    const char *why = preference_text(arena_of(asking), asking->recording, scene, core->task, id);
    why_say(asking, id, "%s is runnable %s since %s behind %s%s%s.", name, where, since,
            why_name(asking, core->task), why, shared ? "" : others_text(asking, core->queued - 1));
    why_reason(asking, core->task, false);
}

// ---- waits for locks

// Others read under the lock; new ones may join them, unless the lock prefers writers.
static void tell_readers(Asking *asking, uint32_t id, const SceneTask *task, const char *waits)
{
    uint32_t readers[WHY_NAMED_MAX + 1];
    uint32_t count =
        lock_readers(asking->recording, asking->scene, task->wants, readers, WHY_NAMED_MAX + 1);
    why_say(asking, id, "%s; %s %s under it%s.", waits,
            names_text(asking, readers, count < WHY_NAMED_MAX ? count : WHY_NAMED_MAX),
            count == 1 ? "reads" : "read", count > WHY_NAMED_MAX ? ", and others" : "");
    tell_reasons(asking, readers, count, false);
}

static void tell_wakers(Asking *asking, uint32_t id, const SceneTask *task, const char *object);

// A Lock of Python, which any thread may release.
static bool has_no_owner(const Asking *asking, const SceneTask *task)
{
    const SyncDef *def = scene_sync_def(asking->scene, task->wants);
    return def->python && def->kind == SYNC_LOCK && task->place == PLACE_SYNC;
}

static void tell_lock(Asking *asking, uint32_t id, const SceneTask *task, const char *waits)
{
    const SceneSync *sync = scene_sync(asking->scene, task->wants);
    const char *name = why_name(asking, id), *lock = why_sync(asking, task->wants);
    const char *since = why_time(asking, task->since_ns);
    // Woken, and too late, it waits anew; what it waits for is the same.
    if (task->wants_since_ns < task->since_ns && task->state == TASK_STATE_WAITS_LOCK)
        since = arena_format(arena_of(asking), "%s, and has wanted it since %s", since,
                             why_time(asking, task->wants_since_ns));
    const SceneTask *holder = scene_task(asking->scene, sync->holder);
    if (holder == NULL && sync->readers > 0) {
        tell_readers(asking, id, task,
                     arena_format(arena_of(asking), "%s %s %s since %s", name, waits, lock, since));
        return;
    }
    if (holder == NULL) {
        why_say(asking, id, "%s %s %s since %s; nobody has it now.", name, waits, lock, since);
        return;
    }
    const char *holds = why_name(asking, sync->holder);
    if (sync->holder == id) {
        why_say(asking, id, "%s %s %s since %s, which it holds itself.", name, waits, lock, since);
        if (has_no_owner(asking, task))
            tell_wakers(asking, id, task, arena_format(arena_of(asking), " %s", lock));
        else
            asking->why->circle = true;
    } else if (scene_sync_orphaned(asking->scene, task->wants)) {
        why_say(asking, id,
                "%s %s %s since %s; %s held it at the fork, so nobody will release the copy.", name,
                waits, lock, since, holds);
    } else if (holder->state == TASK_STATE_ENDED && has_no_owner(asking, task)) {
        why_say(asking, id, "%s %s %s since %s; %s held it when it ended.", name, waits, lock,
                since, holds);
        tell_wakers(asking, id, task, arena_format(arena_of(asking), " %s", lock));
    } else if (holder->state == TASK_STATE_ENDED) {
        why_say(asking, id,
                "%s %s %s since %s; %s held it when it ended, so nobody will release it.", name,
                waits, lock, since, holds);
    } else {
        why_say(asking, id, "%s %s %s since %s; %s holds it since %s.", name, waits, lock, since,
                holds, why_time(asking, sync->held_since_ns));
        why_reason(asking, sync->holder, task->wakes_ns < 0);
    }
}

// ---- waits that somebody's deed ends

// Threads of two processes do not mean the same queue, unless it is shared.
static bool share_object(const Asking *asking, const SceneTask *waiter, const SceneTask *other)
{
    const Instances *instances = &asking->scene->instances;
    if (waiter->place != PLACE_SYNC)
        return true;
    uint32_t id = instances_sync_at(instances, waiter->place_id).id;
    return instances_sync_of(instances, other->process, id) == waiter->place_id;
}

// It waits at the same place for the same: it has come to the barrier, it wants an item itself.
static bool waits_likewise(const Scenario *scenario, const SceneTask *waiter,
                           const SceneTask *other)
{
    return waiter->state == other->state && waiter->place == other->place &&
           waiter->place_id == other->place_id && waiter->op < scenario->op_count &&
           other->op < scenario->op_count &&
           scenario->ops[waiter->op].code == scenario->ops[other->op].code;
}

static bool could_wake(const Asking *asking, const void *what, uint32_t id, const SceneTask *task)
{
    const Wakers *wakers = what;
    uint32_t waiter = asking->chain[asking->depth];
    if (id == waiter ||
        waits_likewise(asking->scene->scenario, scene_task(asking->scene, waiter), task))
        return false;
    return task->state != TASK_STATE_ENDED && task->state != TASK_STATE_NOT_YET &&
           wakers->may[task->def - 1] &&
           share_object(asking, scene_task(asking->scene, waiter), task);
}

// ", or its time is over at 3 s".
static const char *timeout_text(const Asking *asking, const SceneTask *task)
{
    if (task->wakes_ns < 0)
        return "";
    return arena_format(arena_of(asking), ", or at %s its time is over",
                        why_time(asking, task->wakes_ns));
}

static void tell_wakers(Asking *asking, uint32_t id, const SceneTask *task, const char *object)
{
    Wakers wakers = wakers_of(arena_of(asking), asking->scene, task);
    uint32_t first[WHY_NAMED_MAX], count;
    if (wakers.deed == NULL)
        return;
    const char *who = list_tasks(asking, could_wake, &wakers, first, &count);
    const char *timeout = timeout_text(asking, task);
    if (count == 0) {
        why_say(asking, id,
                "It goes on when somebody %s%s%s; no thread that is there has an operation "
                "for that.",
                wakers.deed, object, timeout);
        return;
    }
    why_say(asking, id, "It goes on when somebody %s%s%s; %s could.", wakers.deed, object, timeout,
            who);
    tell_reasons(asking, first, count, false);
}

static const char *level_text(const Asking *asking, const SceneTask *task)
{
    const SyncDef *def = scene_sync_def(asking->scene, task->place_id);
    long long level = (long long)scene_sync(asking->scene, task->place_id)->level;
    Arena *arena = arena_of(asking);
    switch (def->kind) {
    case SYNC_SEMAPHORE:
        return arena_format(arena, ", which is at %lld", level);
    case SYNC_BARRIER:
        return arena_format(arena, ", to which %lld of %u have come", level, def->parameter);
    case SYNC_QUEUE:
        if (level == 0)
            return ", which is empty";
        return def->parameter == 0
                   ? arena_format(arena, ", which holds %lld", level)
                   : arena_format(arena, ", which holds %lld of at most %u", level, def->parameter);
    case SYNC_EVENT:
        return level == 0 ? ", which is not set" : ", which is set";
    default:
        return "";
    }
}

static void tell_sync(Asking *asking, uint32_t id, const SceneTask *task)
{
    const char *object = why_sync(asking, task->place_id);
    why_say(asking, id, "%s waits at %s since %s%s.", why_name(asking, id), object,
            why_time(asking, task->since_ns), level_text(asking, task));
    tell_wakers(asking, id, task, arena_format(arena_of(asking), " %s", object));
}

static void tell_pipe(Asking *asking, uint32_t id, const SceneTask *task)
{
    char size[32];
    const char *pipe = why_argument(asking, ARG_PIPE, task->place_id);
    const Scenario *scenario = asking->scene->scenario;
    unsigned code = task->op < scenario->op_count ? scenario->ops[task->op].code : OP_RETURN;
    bool writes = code == OP_WRITE || code == OP_LIB_WRITE;
    why_say(asking, id, "%s waits at the %s end of pipe %s since %s; %s are in it.",
            why_name(asking, id), pipe_end_name(writes ? PIPE_END_WRITE : PIPE_END_READ), pipe,
            why_time(asking, task->since_ns),
            size_text(asking->scene->pipes[task->place_id - 1].bytes, size));
    tell_wakers(asking, id, task,
                arena_format(arena_of(asking), " pipe %s, or all who could have closed it", pipe));
}

static void tell_messages(Asking *asking, uint32_t id, const SceneTask *task)
{
    const char *queue = why_argument(asking, ARG_MESSAGES, task->place_id);
    why_say(asking, id, "%s waits at message queue %s since %s; it holds %u.", why_name(asking, id),
            queue, why_time(asking, task->since_ns),
            asking->scene->messages[task->place_id - 1].count);
    tell_wakers(asking, id, task, arena_format(arena_of(asking), " %s", queue));
}

// ---- waits for ends

static bool is_joined(const Asking *asking, const void *what, uint32_t id, const SceneTask *task)
{
    const SceneTask *joiner = what;
    (void)asking;
    (void)id;
    return task->def == joiner->place_id && task->process == joiner->process &&
           task->state != TASK_STATE_ENDED;
}

static void tell_join(Asking *asking, uint32_t id, const SceneTask *task)
{
    uint32_t first[WHY_NAMED_MAX], count;
    const char *who = list_tasks(asking, is_joined, task, first, &count);
    const char *since = why_time(asking, task->since_ns), *name = why_name(asking, id);
    if (count == 0) {
        why_say(asking, id, "%s waits since %s for threads to end that have yet to arrive: %s.",
                name, since, why_argument(asking, ARG_DEF, task->place_id));
        return;
    }
    why_say(asking, id, "%s waits since %s for %s to end: %s %s there.", name, since,
            why_argument(asking, ARG_DEF, task->place_id), who,
            count == 1 ? "is still" : "are still");
    // A signal ends the wait only to begin it again.
    tell_reasons(asking, first, count, true);
}

static bool is_child(const Asking *asking, const void *what, uint32_t id, const SceneTask *task)
{
    const SceneTask *parent = what;
    const Scene *scene = asking->scene;
    if (task->process - 1 >= scene->processes.count || task->state == TASK_STATE_ENDED)
        return false;
    const SceneProcess *process = &scene->processes.at[task->process - 1];
    return process->parent == parent->process && process->first_task == id && !process->ended;
}

static void tell_child(Asking *asking, uint32_t id, const SceneTask *task)
{
    uint32_t first[WHY_NAMED_MAX], count;
    const char *who = list_tasks(asking, is_child, task, first, &count);
    why_say(asking, id, "%s waits since %s for a child to end%s%s%s.", why_name(asking, id),
            why_time(asking, task->since_ns), count > 0 ? "; its children are " : "", who, "");
    tell_reasons(asking, first, count, false);
}

// ---- the chain

// The state, or SLEEPS when the thing it waits at is none of the scenario's (a damaged trace).
static TaskState known_wait(const Scene *scene, const SceneTask *task)
{
    const Scenario *scenario = scene->scenario;
    bool known = true;
    if (task->state == TASK_STATE_WAITS_LOCK)
        known = scene_sync(scene, task->wants) != NULL;
    else if (task->state == TASK_STATE_WAITS_SYNC)
        known = task->place == PLACE_SYNC && scene_sync(scene, task->place_id) != NULL;
    else if (task->state == TASK_STATE_WAITS_PIPE)
        known = task->place == PLACE_PIPE && task->place_id > 0 &&
                task->place_id <= scenario->pipe_count;
    else if (task->state == TASK_STATE_WAITS_MESSAGES)
        known = task->place == PLACE_MESSAGES && task->place_id > 0 &&
                task->place_id <= scenario->message_queue_count;
    return known ? (TaskState)task->state : TASK_STATE_SLEEPS;
}

static void tell_blocked(Asking *asking, uint32_t id, const SceneTask *task)
{
    const char *name = why_name(asking, id), *since = why_time(asking, task->since_ns);
    switch (known_wait(asking->scene, task)) {
    case TASK_STATE_WAITS_LOCK:
        tell_lock(asking, id, task, "waits for");
        break;
    case TASK_STATE_WAITS_SYNC:
        tell_sync(asking, id, task);
        break;
    case TASK_STATE_WAITS_JOIN:
        tell_join(asking, id, task);
        break;
    case TASK_STATE_WAITS_CHILD:
        tell_child(asking, id, task);
        break;
    case TASK_STATE_WAITS_SIGNAL:
        why_say(asking, id, "%s waits for a signal since %s.", name, since);
        tell_wakers(asking, id, task, "");
        break;
    case TASK_STATE_WAITS_PIPE:
        tell_pipe(asking, id, task);
        break;
    case TASK_STATE_WAITS_MESSAGES:
        tell_messages(asking, id, task);
        break;
    default:
        why_say(asking, id, "%s %s since %s%s%s.", name, task_state_sentence(task->state), since,
                task->wakes_ns >= 0 ? "; its timer is due at " : "",
                task->wakes_ns >= 0 ? why_time(asking, task->wakes_ns) : "");
        break;
    }
}

static void tell_state(Asking *asking, uint32_t id, const SceneTask *task)
{
    if (why_tell_python(asking, id) || why_tell_work(asking, id))
        return;
    if (task->state == TASK_STATE_SPINNING && task->wants != 0)
        tell_lock(asking, id, task, "spins for");
    else if (task_state_runs(task->state))
        tell_running(asking, id, task);
    else if (task->state == TASK_STATE_RUNNABLE)
        tell_runnable(asking, id, task);
    else if (task_state_blocked(task->state))
        tell_blocked(asking, id, task);
    else if (task->state == TASK_STATE_ENDED)
        why_say(asking, id, "%s has ended at %s.", why_name(asking, id),
                why_time(asking, task->since_ns));
    else
        why_say(asking, id, "%s has not started.", why_name(asking, id));
}

// Whether `id` is on the chain already; then that is said. A circle in which each waits for the
// next and for nobody else is a deadlock.
static bool tell_circle(Asking *asking, uint32_t id)
{
    uint32_t from = 0;
    while (from < asking->depth && asking->chain[from] != id)
        from++;
    if (from == asking->depth)
        return false;
    bool deadlock = true;
    for (uint32_t i = from + 1; i < asking->depth; i++)
        deadlock = deadlock && asking->only[i];
    deadlock = deadlock && asking->only[asking->depth];
    if (deadlock) {
        asking->why->circle = true;
        why_say(asking, id,
                "And %s is where this began: they wait for each other in a circle, a "
                "deadlock.",
                why_name(asking, id));
    } else {
        why_say(asking, id, "What %s waits for is told above.", why_name(asking, id));
    }
    return true;
}

static bool is_told(const Asking *asking, uint32_t id)
{
    for (uint32_t i = 0; i < asking->why->count; i++)
        if (asking->why->lines[i].task == id && asking->why->lines[i].coroutine == 0)
            return true;
    return false;
}

void why_reason(Asking *asking, uint32_t id, bool only)
{
    const SceneTask *task = scene_task(asking->scene, id);
    // Of several who could help, one that has been spoken of needs no more words.
    if (!only && is_told(asking, id))
        return;
    uint32_t coroutine = asking->coroutine;
    asking->coroutine = 0;
    asking->depth++;
    if (asking->depth < WHY_DEPTH_MAX && task != NULL) {
        asking->only[asking->depth] = only;
        if (!tell_circle(asking, id)) {
            asking->chain[asking->depth] = id;
            tell_state(asking, id, task);
        }
    } else if (task != NULL) {
        why_say(asking, id, "And so on: this goes further.");
    }
    asking->depth--;
    asking->coroutine = coroutine;
}

void why_now(Why *why, const Recording *recording, const Scene *scene, uint32_t task)
{
    why_clear(why);
    Asking asking = {.why = why, .recording = recording, .scene = scene};
    const SceneTask *asked = scene_task(scene, task);
    asking.chain[0] = task;
    if (asked != NULL)
        tell_state(&asking, task, asked);
    else
        why_say(&asking, task, "%s has not started.", why_name(&asking, task));
}

void why_clear(Why *why)
{
    arena_reset(&why->arena);
    why->count = 0;
    why->circle = false;
}

void why_free(Why *why)
{
    arena_free(&why->arena);
    *why = (Why){0};
}
