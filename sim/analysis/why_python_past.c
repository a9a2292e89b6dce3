// What a wait for a GIL, or of a coroutine, was for.
#include "sim/analysis/sentence.h"
#include "sim/analysis/why_telling.h"

#include <stdlib.h>

enum { STRETCHES_MAX = 16, STRETCHES_TOLD = 4 };

// Who had it meanwhile: a TaskId of the GIL, a serial of a loop; 0: nobody.
typedef struct Stretch {
    uint32_t who;
    int64_t ns;
} Stretch;

typedef struct Stretches {
    Stretch at[STRETCHES_MAX];
    uint32_t count;
    int64_t others_ns; // of those that find no room
} Stretches;

static void add_stretch(Stretches *stretches, uint32_t who, int64_t ns)
{
    uint32_t i = 0;
    while (i < stretches->count && stretches->at[i].who != who)
        i++;
    if (i == STRETCHES_MAX) {
        stretches->others_ns += ns;
        return;
    }
    stretches->at[i].who = who;
    stretches->at[i].ns += ns;
    stretches->count += i == stretches->count;
}

static int by_length(const void *left, const void *right)
{
    const Stretch *a = left, *b = right;
    if (a->ns != b->ns)
        return a->ns > b->ns ? -1 : 1;
    return a->who < b->who ? -1 : a->who > b->who;
}

// The longest first; what the others come to is added up.
static void sort_stretches(Stretches *stretches)
{
    qsort(stretches->at, stretches->count, sizeof stretches->at[0], by_length);
    for (uint32_t i = STRETCHES_TOLD; i < stretches->count; i++)
        stretches->others_ns += stretches->at[i].ns;
    if (stretches->count > STRETCHES_TOLD)
        stretches->count = STRETCHES_TOLD;
}

// ---- the GIL

typedef struct GilWait {
    Stretches holders;
    int64_t to_ns, asked_ns; // asked_ns: the first time; -1: never
    uint64_t let_go;         // index plus 1 of the last record that let go of it
    bool over;
} GilWait;

// Folds on until the task has the GIL, or is no more.
static void follow_gil_wait(GilWait *wait, const Recording *recording, Scene *scene, uint32_t task,
                            uint32_t number)
{
    int64_t at = scene->time_ns;
    *wait = (GilWait){.to_ns = recording->end_ns, .asked_ns = -1};
    while (scene->next < recording->count && !wait->over) {
        const TraceRecord *record = recording_at(recording, scene->next);
        uint32_t holder = scene->python.gils.at[number - 1].holder;
        add_stretch(&wait->holders, holder, record->time_ns - at);
        at = record->time_ns;
        if (record->kind == EVENT_GIL_ASKED && record->task == task && wait->asked_ns < 0)
            wait->asked_ns = at;
        scene_fold(scene, record);
        if (holder != 0 && scene->python.gils.at[number - 1].holder == 0)
            wait->let_go = scene->next;
        wait->over = !scene_waits_for_gil(scene, task);
        wait->to_ns = wait->over ? at : wait->to_ns;
    }
}

bool why_gil_so_long(Why *why, const Recording *recording, const Scene *scene, uint32_t task)
{
    if (!scene_waits_for_gil(scene, task))
        return false;
    int64_t from_ns = scene_task(scene, task)->gil_since_ns;
    GilWait wait;
    Scene at;
    scene_open(&at, recording->scenario);
    recording_seek_time(recording, &at, from_ns);
    follow_gil_wait(&wait, recording, &at, task, scene_task(scene, task)->gil);
    scene_free(&at);
    sort_stretches(&wait.holders);
    telling_say(why, task, 0, "%s waited for the GIL for %s, from %s to %s.",
                telling_name(why, recording, task), telling_time(why, wait.to_ns - from_ns),
                telling_time(why, from_ns),
                wait.over ? telling_time(why, wait.to_ns) : "the end of the run");
    for (uint32_t i = 0; i < wait.holders.count; i++) {
        const Stretch *holder = &wait.holders.at[i];
        if (holder->ns > 0)
            telling_say(why, holder->who, 1, "For %s %s had it.", telling_time(why, holder->ns),
                        holder->who == 0 ? "nobody" : telling_name(why, recording, holder->who));
    }
    if (wait.holders.others_ns > 0)
        telling_say(why, 0, 1, "For %s others had it.", telling_time(why, wait.holders.others_ns));
    if (wait.asked_ns >= 0)
        telling_say(why, task, 0, "It asked for it at %s, after a switch interval.",
                    telling_time(why, wait.asked_ns));
    if (wait.over && wait.let_go != 0)
        telling_say(why, task, 0, "What let it go on, at %s: %s.",
                    telling_time(why, recording_at(recording, wait.let_go - 1)->time_ns),
                    telling_record(why, recording, wait.let_go - 1));
    return true;
}

// ---- coroutines

typedef struct CoroutineWait {
    Stretches ran;       // serials, while it was ready
    int64_t ready_ns;    // -1: it never was
    uint64_t made_ready; // index of the record
    uint32_t by;         // serial of who ran then; 0: nobody
    int64_t to_ns;
    uint64_t end; // index of the record that ends it
    bool over, ended;
} CoroutineWait;

// Folds on until it runs, or is no more.
static void follow_coroutine(CoroutineWait *wait, const Recording *recording, Scene *scene,
                             uint32_t serial)
{
    int64_t at = scene->time_ns;
    *wait = (CoroutineWait){.to_ns = recording->end_ns, .ready_ns = -1};
    const SceneCoroutine *coroutine = scene_coroutine(scene, serial);
    if (coroutine != NULL && coroutine->state == COROUTINE_STATE_READY)
        wait->ready_ns = at;
    while (scene->next < recording->count && !wait->over && coroutine != NULL) {
        const TraceRecord *record = recording_at(recording, scene->next);
        uint32_t running = scene->python.loops.at[coroutine->loop - 1].running;
        if (wait->ready_ns >= 0)
            add_stretch(&wait->ran, running, record->time_ns - at);
        at = record->time_ns;
        scene_fold(scene, record);
        coroutine = scene_coroutine(scene, serial);
        bool ready = coroutine != NULL && coroutine->state == COROUTINE_STATE_READY;
        if (ready && wait->ready_ns < 0) {
            wait->ready_ns = at;
            wait->made_ready = scene->next;
            wait->by = coroutine->waker;
        }
        wait->ended = coroutine == NULL;
        wait->over = wait->ended || coroutine->state == COROUTINE_STATE_RUNNING;
        wait->to_ns = wait->over ? at : wait->to_ns;
        wait->end = scene->next - 1;
    }
}

// What it waited for, if that is more than itself and its loop.
static void tell_path(Why *why, const Recording *recording, uint32_t serial, int64_t from_ns,
                      const CoroutineWait *wait)
{
    CriticalPath path;
    bool others = false;
    critical_path_of_coroutine(&path, recording, serial, wait->end, from_ns, wait->to_ns);
    for (size_t i = 0; i < path.segments.count; i++)
        others = others || path.segments.at[i].coroutine != serial;
    if (others)
        telling_path(why, recording, &path);
    critical_path_free(&path);
}

static const char *coroutine_name(Why *why, const Recording *recording, const Scene *scene,
                                  uint32_t serial)
{
    const SceneCoroutine *coroutine = scene_coroutine(scene, serial);
    Names names = {recording->scenario, &recording->tasks, &recording->processes};
    char text[128];
    if (coroutine == NULL)
        return arena_format(&why->arena, "#%u", serial);
    return arena_format(&why->arena, "%s",
                        narrate_argument(&names, ARG_COROUTINE,
                                         coroutine_pack(serial, coroutine->function), text,
                                         sizeof text));
}

static void tell_ready(Why *why, const Recording *recording, const Scene *scene,
                       const CoroutineWait *wait, uint32_t thread)
{
    if (wait->made_ready != 0)
        telling_say(why, thread, 0, "It was made ready at %s%s%s.",
                    telling_time(why, wait->ready_ns), wait->by != 0 ? ", while the loop ran " : "",
                    wait->by != 0 ? coroutine_name(why, recording, scene, wait->by) : "");
    if (wait->made_ready != 0 && wait->to_ns > wait->ready_ns)
        telling_say(why, thread, 0, "It was ready for %s until the loop resumed it.",
                    telling_time(why, wait->to_ns - wait->ready_ns));
    for (uint32_t i = 0; i < wait->ran.count; i++) {
        const Stretch *ran = &wait->ran.at[i];
        if (ran->ns > 0)
            telling_say(why, thread, 1, "For %s the loop %s%s.", telling_time(why, ran->ns),
                        ran->who == 0 ? "ran no coroutine" : "ran ",
                        ran->who == 0 ? "" : coroutine_name(why, recording, scene, ran->who));
    }
    if (wait->ran.others_ns > 0)
        telling_say(why, thread, 1, "For %s it ran others.",
                    telling_time(why, wait->ran.others_ns));
}

bool why_coroutine_so_long(Why *why, const Recording *recording, const Scene *scene,
                           uint32_t serial)
{
    why_clear(why);
    const SceneCoroutine *coroutine = scene_coroutine(scene, serial);
    if (coroutine == NULL || coroutine->state == COROUTINE_STATE_RUNNING)
        return false;
    uint32_t thread = scene->python.loops.at[coroutine->loop - 1].thread;
    CoroutineWait wait;
    Scene at;
    scene_open(&at, recording->scenario);
    recording_seek_time(recording, &at, coroutine->since_ns);
    follow_coroutine(&wait, recording, &at, serial);
    scene_free(&at);
    sort_stretches(&wait.ran);
    telling_say(why, thread, 0, "%s %s for %s, from %s to %s.",
                coroutine_name(why, recording, scene, serial),
                coroutine->state == COROUTINE_STATE_SLEEPS  ? "slept"
                : coroutine->state == COROUTINE_STATE_READY ? "was ready"
                                                            : "waited",
                telling_time(why, wait.to_ns - coroutine->since_ns),
                telling_time(why, coroutine->since_ns),
                wait.over ? telling_time(why, wait.to_ns) : "the end of the run");
    if (wait.ready_ns >= 0)
        tell_ready(why, recording, scene, &wait, thread);
    if (wait.over && coroutine->state != COROUTINE_STATE_READY)
        tell_path(why, recording, serial, coroutine->since_ns, &wait);
    for (uint32_t i = 0; i < why->count; i++)
        why->lines[i].coroutine = serial;
    return true;
}
