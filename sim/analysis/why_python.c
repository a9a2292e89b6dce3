// Why threads of Python and coroutines are not getting on: the GIL and the event loop.
#include "sim/analysis/sentence.h"
#include "sim/analysis/why_asking.h"

#include <inttypes.h>

static void coroutine_reason(Asking *asking, uint32_t serial);

// ---- words

static Arena *arena_of(const Asking *asking)
{
    return &asking->why->arena;
}

const char *why_coroutine_name(const Asking *asking, uint32_t serial)
{
    const SceneCoroutine *coroutine = scene_coroutine(asking->scene, serial);
    if (coroutine == NULL)
        return arena_format(arena_of(asking), "#%" PRIu32, serial);
    return why_argument(asking, ARG_COROUTINE, coroutine_pack(serial, coroutine->function));
}

// ", at line 12 (compute)"; "" before the first operation.
static const char *place_text(const Asking *asking, uint32_t op)
{
    return op == 0 ? ""
                   : arena_format(arena_of(asking), ", at %s", why_argument(asking, ARG_OP, op));
}

// ---- the GIL

// "; it has been asked to drop it at 8.1 ms", "; io asks for it at 8.1 ms".
static const char *asked_text(const Asking *asking, const SceneGil *gil, uint32_t id)
{
    if (gil->asked_ns >= 0)
        return arena_format(arena_of(asking), " and has been asked to drop it at %s",
                            why_time(asking, gil->asked_ns));
    int64_t asks_ns = scene_gil_asks_ns(asking->scene, id);
    if (asks_ns < asking->scene->time_ns)
        return "";
    return arena_format(arena_of(asking), "; at %s %s asks for it, if %s still has it",
                        why_time(asking, asks_ns), why_name(asking, id),
                        why_name(asking, gil->holder));
}

static void tell_gil(Asking *asking, uint32_t id, const SceneTask *task)
{
    const SceneGil *gil = &asking->scene->python.gils.at[task->gil - 1];
    const char *name = why_name(asking, id), *since = why_time(asking, task->gil_since_ns);
    if (gil->holder == 0) {
        why_say(asking, id, "%s waits for the GIL since %s; nobody has it now.", name, since);
        return;
    }
    why_say(asking, id, "%s waits for the GIL since %s; %s holds it since %s%s.", name, since,
            why_name(asking, gil->holder), why_time(asking, gil->since_ns),
            asked_text(asking, gil, id));
    why_reason(asking, gil->holder, false);
}

// It has dropped the GIL because it was asked to.
static void tell_dropper(Asking *asking, uint32_t id, const SceneGil *gil)
{
    why_say(asking, id,
            "%s has dropped the GIL at %s, because it was asked to, and waits until another thread "
            "has taken it.",
            why_name(asking, id), why_time(asking, gil->since_ns));
    if (gil->first != 0)
        why_reason(asking, gil->first, false);
}

void why_tell_needs_gil(Asking *asking, uint32_t id)
{
    const SceneTask *task = scene_task(asking->scene, id);
    if (!scene_waits_for_gil(asking->scene, id))
        return;
    const SceneGil *gil = &asking->scene->python.gils.at[task->gil - 1];
    if (gil->holder != 0)
        why_say(asking, id, "It needs the GIL since %s, which %s holds since %s%s.",
                why_time(asking, task->gil_since_ns), why_name(asking, gil->holder),
                why_time(asking, gil->since_ns), asked_text(asking, gil, id));
    else
        why_say(asking, id, "It needs the GIL since %s, which nobody has now.",
                why_time(asking, task->gil_since_ns));
}

// ---- loops

// Whose timer is due next, and when.
static const char *timer_text(const Asking *asking, const SceneLoop *loop)
{
    uint32_t number = scene_task(asking->scene, loop->thread)->loop, first;
    if (scene_next_timers(asking->scene, number, &first, 1) == 0)
        return ", and no timer is set";
    const SceneTimer *timer = &asking->scene->python.timers.at[first - 1];
    return arena_format(arena_of(asking), "; its next timer is due at %s%s%s",
                        why_time(asking, timer->due_ns),
                        timer->coroutine != 0 ? ", and was set by " : "",
                        timer->coroutine != 0 ? why_coroutine_name(asking, timer->coroutine) : "");
}

static void tell_poll(Asking *asking, uint32_t id, const SceneLoop *loop)
{
    why_say(asking, id, "%s waits for events since %s: nothing is ready in its event loop%s.",
            why_name(asking, id), why_time(asking, loop->phase_since_ns), timer_text(asking, loop));
}

// ---- without a GIL

static void tell_world(Asking *asking, uint32_t id, const SceneTask *task)
{
    why_say(asking, id,
            "%s waits since %s: %s collects garbage, and until it is done no other thread executes "
            "bytecode.",
            why_name(asking, id), why_time(asking, task->since_ns), why_name(asking, task->holder));
    why_reason(asking, task->holder, false);
}

static void tell_changed(Asking *asking, uint32_t id, const SceneTask *task)
{
    why_say(asking, id, "%s waits since %s for an object that %s changes.", why_name(asking, id),
            why_time(asking, task->since_ns), why_name(asking, task->holder));
    why_reason(asking, task->holder, false);
}

bool why_tell_python(Asking *asking, uint32_t id)
{
    const Scene *scene = asking->scene;
    const SceneTask *task = scene_task(scene, id);
    if (!task_state_blocked((TaskState)task->state))
        return false;
    const SceneGil *gil = scene_gil_dropped_by(scene, id);
    const SceneLoop *loop = scene_loop_of(scene, id);
    if (task->state == TASK_STATE_WAITS_GIL && scene_waits_for_gil(scene, id))
        tell_gil(asking, id, task);
    else if (task->state == TASK_STATE_WAITS_GIL && gil != NULL)
        tell_dropper(asking, id, gil);
    else if (loop != NULL && loop->phase == LOOP_PHASE_POLLS && loop->ready == 0 &&
             task->state == TASK_STATE_WAITS_EVENTS)
        tell_poll(asking, id, loop);
    else if (task->state == TASK_STATE_WAITS_WORLD && scene_task(scene, task->holder) != NULL)
        tell_world(asking, id, task);
    else if (task->state == TASK_STATE_WAITS_LOCK && task->wants == 0 &&
             scene_task(scene, task->holder) != NULL)
        tell_changed(asking, id, task);
    else
        return false;
    return true;
}

void why_tell_loop(Asking *asking, const SceneCoroutine *coroutine)
{
    const Scene *scene = asking->scene;
    const SceneLoop *loop = &scene->python.loops.at[coroutine->loop - 1];
    const SceneCoroutine *running = scene_coroutine(scene, loop->running);
    const SceneTask *thread = scene_task(scene, loop->thread);
    const char *name = why_name(asking, loop->thread);
    bool blocked = thread != NULL && task_state_blocked((TaskState)thread->state);
    if (running == coroutine) {
        if (blocked)
            why_say(asking, loop->thread,
                    "Its thread is blocked, so that the loop resumes nobody else.");
    } else if (running != NULL) {
        why_say(asking, loop->thread, "The loop of %s runs %s since %s%s%s.", name,
                why_coroutine_name(asking, running->serial), why_time(asking, running->since_ns),
                place_text(asking, running->op), blocked ? ", which blocks its thread" : "");
    } else if (loop->callback != 0) {
        why_say(asking, loop->thread, "The loop of %s is to %s %s since %s.", name,
                callback_sentence(loop->callback - 1),
                why_argument(asking, ARG_COROUTINE, coroutine_pack(loop->about, loop->function)),
                why_time(asking, loop->calls_since_ns));
    } else {
        why_say(asking, loop->thread, "The loop of %s is in its turn %" PRIu32 ": %s since %s.",
                name, loop->turns, loop_phase_word(loop->phase),
                why_time(asking, loop->phase_since_ns));
    }
    if (thread != NULL && thread->state != TASK_STATE_RUNNING_USER)
        why_reason(asking, loop->thread, false);
}

// ---- coroutines

// How many callbacks come before it; those of its loop's list that are in front of it.
static uint32_t count_ahead(const Scene *scene, const SceneCoroutine *coroutine)
{
    const ScenePython *python = &scene->python;
    uint32_t ahead = 0, at = python->loops.at[coroutine->loop - 1].first;
    while (at != 0) {
        const SceneReady *ready = &python->ready.at[at - 1];
        if (ready->callback == CALLBACK_STEP && ready->coroutine == coroutine->serial)
            break;
        ahead++;
        at = ready->next;
    }
    return ahead;
}

static void tell_ready(Asking *asking, const SceneCoroutine *coroutine, uint32_t thread)
{
    const SceneLoop *loop = &asking->scene->python.loops.at[coroutine->loop - 1];
    uint32_t ahead = count_ahead(asking->scene, coroutine);
    const char *behind =
        ahead == 0   ? ", and is the next to be called"
        : ahead == 1 ? ", behind one callback"
                     : arena_format(arena_of(asking), ", behind %" PRIu32 " callbacks", ahead);
    bool later = loop->phase == LOOP_PHASE_CALLBACKS && ahead >= loop->snapshot;
    if (loop->about == coroutine->serial && loop->callback == CALLBACK_STEP + 1) {
        why_say(asking, thread, "%s is ready since %s, and the loop is about to resume it.",
                why_coroutine_name(asking, coroutine->serial),
                why_time(asking, coroutine->since_ns));
    } else {
        why_say(asking, thread, "%s is ready since %s%s%s.",
                why_coroutine_name(asking, coroutine->serial),
                why_time(asking, coroutine->since_ns), behind,
                later ? ", in the loop's next turn" : "");
    }
    why_tell_loop(asking, coroutine);
}

static void tell_sleep(Asking *asking, const SceneCoroutine *coroutine, uint32_t thread)
{
    const SceneTimer *timer = &asking->scene->python.timers.at[coroutine->waits_for - 1];
    bool set = timer->loop != 0, due = timer->due_ns <= asking->scene->time_ns;
    const char *name = why_coroutine_name(asking, coroutine->serial);
    const char *since = why_time(asking, coroutine->since_ns);
    if (!set)
        why_say(asking, thread, "%s sleeps since %s; its timer has fired.", name, since);
    else if (!due)
        why_say(asking, thread, "%s sleeps since %s; its timer is due at %s.", name, since,
                why_time(asking, timer->due_ns));
    else
        why_say(asking, thread,
                "%s sleeps since %s; its timer was due at %s, but the loop has not looked since.",
                name, since, why_time(asking, timer->due_ns));
    if (!set || due)
        why_tell_loop(asking, coroutine);
}

// Those whose end it awaits: the first of them, and how many there are.
static uint32_t find_awaited(const Scene *scene, uint32_t serial, uint32_t first[WHY_NAMED_MAX])
{
    const ScenePython *python = &scene->python;
    uint32_t count = 0;
    for (size_t i = 0; i < python->coroutines.count; i++) {
        const SceneCoroutine *coroutine = &python->coroutines.at[i];
        if (coroutine->state == COROUTINE_STATE_ENDED || coroutine->awaited_by != serial ||
            !scene_awaited_by(scene, coroutine, serial))
            continue;
        if (count < WHY_NAMED_MAX)
            first[count] = coroutine->serial;
        count++;
    }
    return count;
}

// Whether one of several is enough for it to go on.
static bool takes_first(const Scene *scene, const SceneCoroutine *coroutine)
{
    const Op *op = &scene->scenario->ops[coroutine->op];
    return op->code == OP_AS_COMPLETED ||
           (op->code == OP_ASYNCIO_WAIT && op->arg[1] == RETURN_WHEN_FIRST_COMPLETED + 1);
}

static void tell_awaits(Asking *asking, const SceneCoroutine *coroutine, uint32_t thread)
{
    const char *name = why_coroutine_name(asking, coroutine->serial);
    const char *since = why_time(asking, coroutine->since_ns), *who = "";
    uint32_t first[WHY_NAMED_MAX], count = find_awaited(asking->scene, coroutine->serial, first);
    uint32_t named = count < WHY_NAMED_MAX ? count : WHY_NAMED_MAX;
    for (uint32_t i = 0; i < named; i++)
        who = arena_format(arena_of(asking), "%s%s%s", who,
                           i == 0                             ? ""
                           : i + 1 == named && named == count ? " and "
                                                              : ", ",
                           why_coroutine_name(asking, first[i]));
    if (count > named)
        who = arena_format(arena_of(asking), "%s and %" PRIu32 " more", who, count - named);
    bool first_only = count > 1 && takes_first(asking->scene, coroutine);
    if (count == 0) {
        why_say(asking, thread, "%s waits since %s for a task that has ended.", name, since);
        why_tell_loop(asking, coroutine);
        return;
    }
    why_say(asking, thread,
            first_only ? "%s waits since %s for the first to end of %s."
                       : "%s waits since %s for the end of %s.",
            name, since, who);
    for (uint32_t i = 0; i < named; i++)
        coroutine_reason(asking, first[i]);
}

static void tell_object(Asking *asking, const SceneCoroutine *coroutine, uint32_t thread)
{
    const SceneSync *sync = scene_sync(asking->scene, coroutine->waits_for);
    const SyncDef *def = scene_sync_def(asking->scene, coroutine->waits_for);
    const char *name = why_coroutine_name(asking, coroutine->serial);
    const char *object = why_sync(asking, coroutine->waits_for);
    const char *since = why_time(asking, coroutine->since_ns);
    if (sync_is_lock(def->kind) && sync->coroutine != 0) {
        why_say(asking, thread, "%s waits for %s since %s; %s holds it since %s.", name, object,
                since, why_coroutine_name(asking, sync->coroutine),
                why_time(asking, sync->held_since_ns));
        coroutine_reason(asking, sync->coroutine);
        return;
    }
    const char *level = def->kind == SYNC_QUEUE
                            ? arena_format(arena_of(asking), ", which holds %" PRId64, sync->level)
                        : def->kind == SYNC_SEMAPHORE
                            ? arena_format(arena_of(asking), ", which is at %" PRId64, sync->level)
                            : "";
    why_say(asking, thread, "%s waits at %s since %s%s; %" PRIu32 " %s there in all.", name, object,
            since, level, sync->coroutines, sync->coroutines == 1 ? "waits" : "wait");
}

static void tell_coroutine(Asking *asking, const SceneCoroutine *coroutine)
{
    const SceneLoop *loop = &asking->scene->python.loops.at[coroutine->loop - 1];
    const char *name = why_coroutine_name(asking, coroutine->serial);
    const char *since = why_time(asking, coroutine->since_ns);
    switch ((CoroutineState)coroutine->state) {
    case COROUTINE_STATE_READY:
        tell_ready(asking, coroutine, loop->thread);
        break;
    case COROUTINE_STATE_RUNNING:
        why_say(asking, loop->thread, "%s runs since %s, in the event loop of %s%s.", name, since,
                why_name(asking, loop->thread), place_text(asking, coroutine->op));
        why_tell_loop(asking, coroutine);
        break;
    case COROUTINE_STATE_SLEEPS:
        tell_sleep(asking, coroutine, loop->thread);
        break;
    case COROUTINE_STATE_WAITS_TASK:
        tell_awaits(asking, coroutine, loop->thread);
        break;
    case COROUTINE_STATE_WAITS_OBJECT:
        tell_object(asking, coroutine, loop->thread);
        break;
    case COROUTINE_STATE_WAITS_ITEM:
        why_tell_item(asking, coroutine, loop->thread);
        break;
    case COROUTINE_STATE_WAITS_STREAM:
        why_tell_stream(asking, coroutine, loop->thread);
        break;
    case COROUTINE_STATE_WAITS:
    case COROUTINE_STATE_ENDED:
    case COROUTINE_STATE_COUNT:
        why_say(asking, loop->thread, "%s waits since %s%s.", name, since,
                place_text(asking, coroutine->op));
        break;
    }
    if (coroutine->cancelled)
        why_say(asking, loop->thread, "It has been asked to cancel itself.");
}

// Whether it is on the chain already, each waiting for the next; then that is said.
static bool tell_circle(Asking *asking, const SceneCoroutine *coroutine)
{
    for (uint32_t i = 0; i < asking->depth; i++) {
        if (asking->coroutines[i] != coroutine->serial)
            continue;
        asking->why->circle = true;
        why_say(asking, asking->scene->python.loops.at[coroutine->loop - 1].thread,
                "And %s is where this began: they wait for each other in a circle.",
                why_coroutine_name(asking, coroutine->serial));
        return true;
    }
    return false;
}

static void coroutine_reason(Asking *asking, uint32_t serial)
{
    const SceneCoroutine *coroutine = scene_coroutine(asking->scene, serial);
    if (coroutine == NULL || asking->depth + 1 >= WHY_DEPTH_MAX)
        return;
    uint32_t before = asking->coroutine;
    asking->coroutine = serial;
    asking->depth++;
    asking->chain[asking->depth] = 0;
    asking->only[asking->depth] = false;
    if (!tell_circle(asking, coroutine)) {
        asking->coroutines[asking->depth] = serial;
        tell_coroutine(asking, coroutine);
        asking->coroutines[asking->depth] = 0;
    }
    asking->depth--;
    asking->coroutine = before;
}

void why_coroutine_now(Why *why, const Recording *recording, const Scene *scene, uint32_t serial)
{
    why_clear(why);
    Asking asking = {.why = why, .recording = recording, .scene = scene, .coroutine = serial};
    const SceneCoroutine *coroutine = scene_coroutine(scene, serial);
    asking.coroutines[0] = serial;
    if (coroutine != NULL)
        tell_coroutine(&asking, coroutine);
    else
        why_say(&asking, 0, "%s is not there: it has not been made yet, or has ended.",
                why_coroutine_name(&asking, serial));
}
