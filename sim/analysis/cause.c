#include "sim/analysis/cause.h"

#include "sim/analysis/deed.h"
#include "sim/analysis/sentence.h"

#include <stdio.h>

// How many records a cause is looked for among: a view asks again for every frame.
enum { BACK_MOST = 4096 };

typedef struct Asked {
    const Recording *recording;
    const Scene *scene;
    const TraceRecord *record;
    uint64_t index; // of the record
} Asked;

// The last record before this one that `wanted` wants of `task`; NULL when none is near.
static const TraceRecord *before(const Asked *asked, uint32_t task,
                                 bool (*wanted)(const TraceRecord *record))
{
    uint64_t stop = asked->index > BACK_MOST ? asked->index - BACK_MOST : 0;
    for (uint64_t i = asked->index; i > stop; i--) {
        const TraceRecord *record = recording_at(asked->recording, i - 1);
        if (record->task == task && wanted(record))
            return record;
    }
    return NULL;
}

static bool begins_to_wait_for_a_core(const TraceRecord *record)
{
    return record->kind == EVENT_ENQUEUED || record->kind == EVENT_SWITCH_OUT;
}

// By which rule it is somebody's turn.
static const char *rule_text(const Asked *asked)
{
    static const char *const rules[SCHEDULER_COUNT] = {
        [SCHEDULER_FIFO] = "first come, first served",
        [SCHEDULER_SJF] = "whoever asks for the least goes first",
        [SCHEDULER_STCF] = "whoever needs the least until it is done goes first",
        [SCHEDULER_RR] = "they take turns",
        [SCHEDULER_MLFQ] = "the highest level that has any goes first, and takes turns",
        [SCHEDULER_LOTTERY] = "a ticket is drawn",
        [SCHEDULER_STRIDE] = "whoever has had the least for its tickets goes first",
        [SCHEDULER_MULTI] = "they take turns",
        [SCHEDULER_CFS] = "whoever has had the least for its weight goes first",
        [SCHEDULER_EEVDF] = "of those below their share the earliest deadline goes first",
    };
    const char *rule = rules[asked->scene->scenario->machine.scheduler];
    return rule != NULL ? rule : "it is its turn";
}

static const char *policy_name(const Asked *asked)
{
    return scheduler_info(asked->scene->scenario->machine.scheduler)->name;
}

static bool is_urgent(const Asked *asked, uint32_t id)
{
    const SceneTask *task = scene_task(asked->scene, id);
    return task != NULL && asked->scene->scenario->threads[task->def - 1].policy >= POLICY_FIFO;
}

// Who gets the core: how long it has waited, and by which rule it is its turn.
static bool of_switch_in(const Asked *asked, char *text, size_t size)
{
    const TraceRecord *since = before(asked, asked->record->task, begins_to_wait_for_a_core);
    const SceneCore *core = &asked->scene->cores[asked->record->core];
    char waited[64] = "", ns[32];
    if (since != NULL && asked->record->time_ns > since->time_ns)
        snprintf(waited, sizeof waited, "It has waited %s. ",
                 duration_text(asked->record->time_ns - since->time_ns, ns));
    if (core->queued == 0)
        snprintf(text, size, "%sNobody else is in the core's run queue.", waited);
    else if (is_urgent(asked, asked->record->task))
        snprintf(text, size, "%sIts class goes before the normal threads.", waited);
    else
        snprintf(text, size, "%sThe rule of %s: %s.", waited, policy_name(asked), rule_text(asked));
    return true;
}

static bool of_switch_out(const Asked *asked, char *text, size_t size)
{
    if (switch_is_voluntary((SwitchReason)asked->record->a) || asked->record->a == SWITCH_THROTTLED)
        return false;
    snprintf(text, size, "It could go on, and waits for a core again. The rule of %s: %s.",
             policy_name(asked), rule_text(asked));
    return true;
}

static bool of_wakeup(const Asked *asked, char *text, size_t size)
{
    if (asked->record->a == 0) {
        snprintf(text, size, "What it had set a timer for has come.");
        return true;
    }
    uint64_t deed = deed_of_wakeup(asked->recording, asked->index, BACK_MOST);
    if (deed == asked->index)
        return false;
    Names names = {asked->recording->scenario, &asked->recording->tasks,
                   &asked->recording->processes};
    char sentence[256];
    snprintf(
        text, size, "Because of what came before: %s.",
        narrate_sentence(&names, recording_at(asked->recording, deed), sentence, sizeof sentence));
    return true;
}

static bool of_enqueued(const Asked *asked, char *text, size_t size)
{
    if (asked->record->core < 0)
        return false;
    const SceneCore *core = &asked->scene->cores[asked->record->core];
    char name[96];
    if (core->task == 0)
        snprintf(text, size, "The core is idle and will take it.");
    else
        snprintf(text, size, "It can run, but %s has the core.",
                 recording_task_name(asked->recording, core->task, name));
    return true;
}

static bool of_irq(const Asked *asked, char *text, size_t size)
{
    char name[96];
    if (asked->record->task == 0)
        return false;
    snprintf(text, size, "%s has the core and must stop for it.",
             recording_task_name(asked->recording, asked->record->task, name));
    return true;
}

// ---- Python

static bool of_gil(const Asked *asked, char *text, size_t size)
{
    const SceneGil *gil = scene_gil(asked->scene, asked->record->a);
    const SceneTask *task = scene_task(asked->scene, asked->record->task);
    char name[96], ns[32];
    if (gil == NULL || task == NULL)
        return false;
    if (asked->record->kind == EVENT_GIL_ASKED)
        snprintf(text, size, "It waits since %s, and %s has had the GIL for all of the interval.",
                 duration_text(task->gil_since_ns, ns),
                 recording_task_name(asked->recording, gil->holder, name));
    else if (gil->asked_ns >= 0)
        snprintf(text, size, "%s has asked for it at %s.",
                 recording_task_name(asked->recording, gil->asker, name),
                 duration_text(gil->asked_ns, ns));
    else
        return false;
    return true;
}

static const char *coroutine_text(const Asked *asked, uint32_t serial, char text[static 128])
{
    const SceneCoroutine *coroutine = scene_coroutine(asked->scene, serial);
    Names names = {asked->recording->scenario, &asked->recording->tasks,
                   &asked->recording->processes};
    uint32_t function = coroutine == NULL ? 0 : coroutine->function;
    return narrate_argument(&names, ARG_COROUTINE, coroutine_pack(serial, function), text, 128);
}

// What made a callback ready: what the loop calls or runs just then, or a timer.
static bool of_ready(const Asked *asked, char *text, size_t size)
{
    const SceneLoop *loop = scene_loop_of(asked->scene, asked->record->task);
    char name[128];
    if (loop == NULL)
        return false;
    if (loop->running != 0)
        snprintf(text, size, "Because of what %s does.",
                 coroutine_text(asked, loop->running, name));
    else if (loop->callback != 0 && loop->about != 0)
        snprintf(text, size, "The loop was to %s %s.", callback_sentence(loop->callback - 1),
                 coroutine_text(asked, loop->about, name));
    else if (loop->phase == LOOP_PHASE_POLLS || loop->callback != 0)
        snprintf(text, size, "What it had set a timer for has come, or an event.");
    else
        return false;
    return true;
}

// What was called before, and what is to be called after.
static bool of_run(const Asked *asked, char *text, size_t size)
{
    const SceneLoop *loop = scene_loop_of(asked->scene, asked->record->task);
    if (loop == NULL)
        return false;
    if (loop->snapshot == 0)
        snprintf(text, size, "It is the last one of this turn.");
    else
        snprintf(text, size, "It is the first of those that were ready as the turn began; %u more.",
                 loop->snapshot);
    return true;
}

// The record has come: the phase is the scene's.
static bool of_calls(const Asked *asked, char *text, size_t size)
{
    const SceneLoop *loop = scene_loop_of(asked->scene, asked->record->task);
    if (loop == NULL)
        return false;
    if (loop->phase == LOOP_PHASE_TIMERS)
        snprintf(text, size, "Its timer was due as the timers phase began.");
    else
        snprintf(text, size, "Its event has come: libuv calls at once what it is for.");
    return true;
}

bool cause_text(const Recording *recording, const Scene *scene, char *text, size_t size)
{
    if (scene->next == 0)
        return false;
    Asked asked = {.recording = recording, .scene = scene, .index = scene->next - 1};
    asked.record = recording_at(recording, asked.index);
    bool on_core = asked.record->core >= 0 && (uint32_t)asked.record->core < scene->core_count;
    switch ((EventKind)asked.record->kind) {
    case EVENT_SWITCH_IN:
        return on_core && of_switch_in(&asked, text, size);
    case EVENT_SWITCH_OUT:
        return of_switch_out(&asked, text, size);
    case EVENT_WAKEUP:
        return of_wakeup(&asked, text, size);
    case EVENT_ENQUEUED:
        return on_core && of_enqueued(&asked, text, size);
    case EVENT_GIL_ASKED:
    case EVENT_GIL_DROPPED:
        return of_gil(&asked, text, size);
    case EVENT_CALLBACK_READY:
        return of_ready(&asked, text, size);
    case EVENT_LOOP_CALLS:
        return of_calls(&asked, text, size);
    case EVENT_CALLBACK_RUN:
        return of_run(&asked, text, size);
    case EVENT_IRQ:
        return of_irq(&asked, text, size);
    default:
        return false;
    }
}
