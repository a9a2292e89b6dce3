#include "sim/analysis/scene_python.h"

#include "sim/analysis/scene.h"

const char *loop_phase_word(unsigned phase)
{
    static const char *const words[LOOP_PHASE_COUNT] = {
#define X(id, word) word,
        LOOP_PHASES(X)
#undef X
    };
    return phase < LOOP_PHASE_COUNT ? words[phase] : "?";
}

const char *coroutine_state_word(unsigned state)
{
    static const char *const words[COROUTINE_STATE_COUNT] = {
#define X(id, word, sentence) word,
        COROUTINE_STATES(X)
#undef X
    };
    return state < COROUTINE_STATE_COUNT ? words[state] : "?";
}

const char *coroutine_state_sentence(unsigned state)
{
    static const char *const sentences[COROUTINE_STATE_COUNT] = {
#define X(id, word, sentence) sentence,
        COROUTINE_STATES(X)
#undef X
    };
    return state < COROUTINE_STATE_COUNT ? sentences[state] : "?";
}

const SceneLoop *scene_loop_of(const Scene *scene, uint32_t task)
{
    const SceneTask *thread = scene_task(scene, task);
    return thread != NULL && thread->loop != 0 ? &scene->python.loops.at[thread->loop - 1] : NULL;
}

size_t scene_coroutine_place(const ScenePython *python, uint32_t serial)
{
    const SceneCoroutine *at = python->coroutines.at;
    size_t from = 0, to = python->coroutines.count;
    // As long as none is missing between the first and this one, it is as far behind.
    size_t near = to > 0 ? (size_t)serial - at[0].serial : to;
    if (near < to && at[near].serial == serial)
        return near;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (at[middle].serial < serial)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

const SceneCoroutine *scene_coroutine(const Scene *scene, uint32_t serial)
{
    const ScenePython *python = &scene->python;
    size_t place = scene_coroutine_place(python, serial);
    if (place == python->coroutines.count || python->coroutines.at[place].serial != serial ||
        python->coroutines.at[place].state == COROUTINE_STATE_ENDED)
        return NULL;
    return &python->coroutines.at[place];
}

bool scene_awaited_by(const Scene *scene, const SceneCoroutine *coroutine, uint32_t serial)
{
    const SceneCoroutine *awaiter = scene_coroutine(scene, serial);
    if (awaiter == NULL || coroutine->awaited_by != serial ||
        awaiter->state != COROUTINE_STATE_WAITS_TASK)
        return false;
    return coroutine->awaited_at == AWAITED_IN_TURN
               ? scene->scenario->ops[awaiter->op].code == OP_AS_COMPLETED
               : coroutine->awaited_at == awaiter->resumed;
}

// Of one that runs: its loop's thread may sleep meanwhile, or wait for a core.
static unsigned thread_state(const Scene *scene, const SceneCoroutine *coroutine)
{
    const SceneTask *thread = NULL;
    if (coroutine->loop - 1 < scene->python.loops.count)
        thread = scene_task(scene, scene->python.loops.at[coroutine->loop - 1].thread);
    return thread != NULL ? thread->state : TASK_STATE_RUNNING_USER;
}

unsigned scene_coroutine_like(const Scene *scene, const SceneCoroutine *coroutine)
{
    const SyncDef *def;
    switch ((CoroutineState)coroutine->state) {
    case COROUTINE_STATE_READY:
        return TASK_STATE_RUNNABLE;
    case COROUTINE_STATE_RUNNING:
        return thread_state(scene, coroutine);
    case COROUTINE_STATE_SLEEPS:
        return TASK_STATE_SLEEPS;
    case COROUTINE_STATE_WAITS_TASK:
        return TASK_STATE_WAITS_JOIN;
    case COROUTINE_STATE_WAITS_OBJECT:
        def = scene_sync_def(scene, coroutine->waits_for);
        return def != NULL && sync_is_lock(def->kind) ? TASK_STATE_WAITS_LOCK
                                                      : TASK_STATE_WAITS_SYNC;
    case COROUTINE_STATE_WAITS_STREAM:
        return TASK_STATE_WAITS_PIPE;
    case COROUTINE_STATE_WAITS_ITEM:
    case COROUTINE_STATE_WAITS:
        return TASK_STATE_WAITS_SYNC;
    case COROUTINE_STATE_ENDED:
    case COROUTINE_STATE_COUNT:
        break;
    }
    return TASK_STATE_ENDED;
}

const SceneGil *scene_gil(const Scene *scene, uint64_t interpreter)
{
    const SceneProcess *process = scene_process(scene, (uint32_t)interpreter);
    uint32_t number = process != NULL ? process->first_gil : 0;
    while (number != 0 && scene->python.gils.at[number - 1].interpreter != interpreter >> 32)
        number = scene->python.gils.at[number - 1].next;
    return number != 0 ? &scene->python.gils.at[number - 1] : NULL;
}

const SceneGil *scene_gil_dropped_by(const Scene *scene, uint32_t task)
{
    const SceneTask *at = scene_task(scene, task);
    const SceneProcess *process = at != NULL ? scene_process(scene, at->process) : NULL;
    uint32_t number = process != NULL ? process->first_gil : 0;
    while (number != 0 && scene->python.gils.at[number - 1].dropper != task)
        number = scene->python.gils.at[number - 1].next;
    return number != 0 ? &scene->python.gils.at[number - 1] : NULL;
}

// Whether timer a comes before timer b.
static bool is_earlier(const ScenePython *python, uint32_t a, uint32_t b)
{
    int64_t first = python->timers.at[a - 1].due_ns, second = python->timers.at[b - 1].due_ns;
    return first < second || (first == second && a < b);
}

size_t scene_next_timers(const Scene *scene, uint32_t loop, uint32_t *timers, size_t most)
{
    const ScenePython *python = &scene->python;
    size_t count = 0;
    for (uint32_t number = 1; most > 0 && number <= python->timers.count; number++) {
        if (python->timers.at[number - 1].loop != loop ||
            (count == most && !is_earlier(python, number, timers[most - 1])))
            continue;
        size_t at = count < most ? count++ : most - 1;
        for (; at > 0 && is_earlier(python, number, timers[at - 1]); at--)
            timers[at] = timers[at - 1];
        timers[at] = number;
    }
    return count;
}

bool scene_waits_for_gil(const Scene *scene, uint32_t task)
{
    const SceneTask *at = scene_task(scene, task);
    return at != NULL && at->gil != 0 && scene->python.gils.at[at->gil - 1].holder != task;
}

int64_t scene_gil_asks_ns(const Scene *scene, uint32_t task)
{
    return scene_waits_for_gil(scene, task) ? scene_task(scene, task)->wakes_ns : -1;
}
