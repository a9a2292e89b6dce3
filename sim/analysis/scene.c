#include "sim/analysis/scene.h"

#include "sim/base/check.h"
#include "sim/base/wide.h"

#include <stdlib.h>
#include <string.h>

// Equal structures are equal bytes: no field has room before it.
_Static_assert(sizeof(SceneTask) == 152, "a field of SceneTask has room before it");
_Static_assert(sizeof(SceneCore) == 72, "a field of SceneCore has room before it");
_Static_assert(sizeof(SceneSync) == 48, "a field of SceneSync has room before it");
_Static_assert(sizeof(ScenePipe) == 24, "a field of ScenePipe has room before it");
_Static_assert(sizeof(SceneMessages) == 16, "a field of SceneMessages has room before it");
_Static_assert(sizeof(SceneGil) == 72, "a field of SceneGil has room before it");
_Static_assert(sizeof(SceneLoop) == 128, "a field of SceneLoop has room before it");
_Static_assert(sizeof(SceneReady) == 24, "a field of SceneReady has room before it");
_Static_assert(sizeof(SceneTimer) == 16, "a field of SceneTimer has room before it");
_Static_assert(sizeof(SceneCoroutine) == 64, "a field of SceneCoroutine has room before it");
_Static_assert(sizeof(SceneWatch) == 32, "a field of SceneWatch has room before it");
_Static_assert(sizeof(SceneItem) == 56, "a field of SceneItem has room before it");
_Static_assert(sizeof(SceneChunk) == 24, "a field of SceneChunk has room before it");
_Static_assert(sizeof(ScenePool) == 32, "a field of ScenePool has room before it");
_Static_assert(sizeof(SceneStream) == 32, "a field of SceneStream has room before it");
_Static_assert(sizeof(SceneProcess) == 136, "a field of SceneProcess has room before it");

// ---- words

const char *task_state_word(unsigned state)
{
    static const char *const words[TASK_STATE_COUNT] = {
#define X(id, word, sentence) word,
        TASK_STATES(X)
#undef X
    };
    return state < TASK_STATE_COUNT ? words[state] : "?";
}

const char *task_state_sentence(unsigned state)
{
    static const char *const sentences[TASK_STATE_COUNT] = {
#define X(id, word, sentence) sentence,
        TASK_STATES(X)
#undef X
    };
    return state < TASK_STATE_COUNT ? sentences[state] : "?";
}

const char *kernel_errand_word(unsigned errand)
{
    static const char *const words[KERNEL_ERRAND_COUNT] = {
#define X(id, word) word,
        KERNEL_ERRANDS(X)
#undef X
    };
    return errand < KERNEL_ERRAND_COUNT ? words[errand] : "?";
}

// ---- memory

static void *zeroed(size_t bytes)
{
    void *memory = calloc(1, bytes == 0 ? 1 : bytes);
    CHECKF(memory != NULL, "out of memory for %zu bytes", bytes);
    return memory;
}

static size_t objects_bytes(const Scenario *scenario)
{
    return scenario->pipe_count * sizeof(ScenePipe) +
           scenario->message_queue_count * sizeof(SceneMessages);
}

// All in one block, for copies in one piece. Every size is a multiple of 8.
static void open_objects(Scene *scene)
{
    const Scenario *scenario = scene->scenario;
    scene->pipes = zeroed(objects_bytes(scenario));
    scene->messages = (SceneMessages *)(void *)(scene->pipes + scenario->pipe_count);
    instances_open(&scene->instances, scenario);
    scene_open_instances(scene);
}

void scene_open_instances(Scene *scene)
{
    const Scenario *scenario = scene->scenario;
    const Instances *instances = &scene->instances;
    while (scene->syncs.count < instances_sync_count(instances)) {
        uint32_t number = (uint32_t)scene->syncs.count + 1;
        const SyncDef *def = &scenario->syncs[instances_sync_at(instances, number).id - 1];
        ARRAY_PUSH(&scene->syncs)->level = def->kind == SYNC_SEMAPHORE ? def->parameter : 0;
    }
    while (scene->variables.count < instances_variable_count(instances)) {
        uint32_t number = (uint32_t)scene->variables.count + 1;
        *ARRAY_PUSH(&scene->variables) =
            scenario->variables[instances_variable_at(instances, number).id - 1].value;
    }
}

void scene_open(Scene *scene, const Scenario *scenario)
{
    *scene = (Scene){.scenario = scenario, .core_count = scenario->machine.cores};
    scene->cores = zeroed(scene->core_count * sizeof *scene->cores);
    open_objects(scene);
    for (uint32_t i = 0; i < scenario->process_count; i++) {
        SceneProcess *process = ARRAY_PUSH(&scene->processes);
        // The place of a forked one is only its template.
        process->def = scenario->processes[i].forked ? 0 : i + 1;
    }
}

static void free_python(ScenePython *python)
{
    ARRAY_FREE(&python->gils);
    ARRAY_FREE(&python->loops);
    ARRAY_FREE(&python->ready);
    ARRAY_FREE(&python->timers);
    ARRAY_FREE(&python->coroutines);
    ARRAY_FREE(&python->watches);
    ARRAY_FREE(&python->uvs);
    ARRAY_FREE(&python->work.items);
    ARRAY_FREE(&python->work.chunks);
    ARRAY_FREE(&python->work.pools);
    ARRAY_FREE(&python->work.streams);
}

void scene_free(Scene *scene)
{
    free_python(&scene->python);
    ARRAY_FREE(&scene->tasks);
    ARRAY_FREE(&scene->processes);
    ARRAY_FREE(&scene->syncs);
    ARRAY_FREE(&scene->variables);
    instances_free(&scene->instances);
    free(scene->cores);
    free(scene->pipes);
    *scene = (Scene){0};
}

// Makes `*items` of `capacity` hold a copy of `count` items; memory is kept for the next copy.
static void copy_items(void **items, size_t *capacity, const void *from, size_t count, size_t bytes)
{
    if (*capacity < count) {
        free(*items);
        *items = zeroed(count * bytes);
        *capacity = count;
    }
    if (count > 0)
        memcpy(*items, from, count * bytes);
}

// Makes the array `to` equal to `from`, in the memory that it has if that is enough.
#define COPY_ARRAY(to, from)                                                                       \
    do {                                                                                           \
        void *items_ = (to)->at;                                                                   \
        copy_items(&items_, &(to)->capacity, (from)->at, (from)->count, sizeof *(from)->at);       \
        (to)->at = items_;                                                                         \
        (to)->count = (from)->count;                                                               \
    } while (0)

static void copy_work(SceneWork *to, const SceneWork *from)
{
    COPY_ARRAY(&to->items, &from->items);
    COPY_ARRAY(&to->chunks, &from->chunks);
    COPY_ARRAY(&to->pools, &from->pools);
    COPY_ARRAY(&to->streams, &from->streams);
    to->submitted = from->submitted;
    to->over = from->over;
    to->begun = from->begun;
}

static void copy_python(ScenePython *to, const ScenePython *from)
{
    COPY_ARRAY(&to->gils, &from->gils);
    COPY_ARRAY(&to->loops, &from->loops);
    COPY_ARRAY(&to->ready, &from->ready);
    COPY_ARRAY(&to->timers, &from->timers);
    COPY_ARRAY(&to->coroutines, &from->coroutines);
    COPY_ARRAY(&to->watches, &from->watches);
    COPY_ARRAY(&to->uvs, &from->uvs);
    copy_work(&to->work, &from->work);
    to->ready_free = from->ready_free;
    to->ready_used = from->ready_used;
    to->timers_set = from->timers_set;
    to->ended = from->ended;
}

void scene_copy(Scene *to, const Scene *from)
{
    CHECK(to->scenario == from->scenario);
    Scene kept = *to;
    COPY_ARRAY(&kept.tasks, &from->tasks);
    COPY_ARRAY(&kept.processes, &from->processes);
    COPY_ARRAY(&kept.syncs, &from->syncs);
    COPY_ARRAY(&kept.variables, &from->variables);
    copy_python(&kept.python, &from->python);
    instances_copy(&kept.instances, &from->instances);
    if (kept.core_count < from->core_count) {
        free(kept.cores);
        kept.cores = zeroed(from->core_count * sizeof *kept.cores);
    }
    memcpy(kept.cores, from->cores, from->core_count * sizeof *kept.cores);
    memcpy(kept.pipes, from->pipes, objects_bytes(from->scenario));

    *to = *from;
    to->tasks = kept.tasks;
    to->processes = kept.processes;
    to->cores = kept.cores;
    to->pipes = kept.pipes;
    to->messages = kept.messages;
    to->instances = kept.instances;
    to->syncs = kept.syncs;
    to->variables = kept.variables;
    to->python = kept.python;
}

static size_t work_bytes(const SceneWork *work)
{
    return work->items.count * sizeof(SceneItem) + work->chunks.count * sizeof(SceneChunk) +
           work->pools.count * sizeof(ScenePool) + work->streams.count * sizeof(SceneStream);
}

static size_t python_bytes(const ScenePython *python)
{
    return python->gils.count * sizeof(SceneGil) + python->loops.count * sizeof(SceneLoop) +
           python->ready.count * sizeof(SceneReady) + python->timers.count * sizeof(SceneTimer) +
           python->coroutines.count * sizeof(SceneCoroutine) +
           python->watches.count * sizeof(SceneWatch) + python->uvs.count * sizeof(SceneUv) +
           work_bytes(&python->work);
}

size_t scene_bytes(const Scene *scene)
{
    return sizeof *scene + scene->tasks.count * sizeof(SceneTask) +
           scene->processes.count * sizeof(SceneProcess) + scene->core_count * sizeof(SceneCore) +
           scene->syncs.count * sizeof(SceneSync) + scene->variables.count * sizeof(int64_t) +
           instances_bytes(&scene->instances) + objects_bytes(scene->scenario) +
           python_bytes(&scene->python);
}

// ---- hash

static uint64_t mix(uint64_t a, uint64_t b)
{
    UInt128 product = (UInt128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_value(uint64_t state, uint64_t value)
{
    return mix(state ^ value ^ 0x9e3779b97f4a7c15u, 0xd6e8feb86659fd93u) +
           (state << 29 | state >> 35);
}

static uint64_t hash_bytes(uint64_t state, const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    for (; count >= sizeof(uint64_t); count -= sizeof(uint64_t), at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        state = hash_value(state, word);
    }
    CHECK(count == 0);
    return state;
}

// Whose process's copy each number is.
static uint64_t hash_instances(uint64_t state, const Instances *instances)
{
    for (size_t i = 0; i < instances->syncs.count; i++)
        state = hash_value(state,
                           (uint64_t)instances->syncs.at[i].pid << 32 | instances->syncs.at[i].id);
    for (size_t i = 0; i < instances->variables.count; i++)
        state = hash_value(state, (uint64_t)instances->variables.at[i].pid << 32 |
                                      instances->variables.at[i].id);
    return state;
}

static uint64_t hash_work(uint64_t h, const SceneWork *work)
{
    h = hash_value(h, (uint64_t)work->submitted << 32 | work->over);
    h = hash_value(h, work->begun);
    h = hash_bytes(h, work->items.at, work->items.count * sizeof(SceneItem));
    h = hash_bytes(h, work->chunks.at, work->chunks.count * sizeof(SceneChunk));
    h = hash_bytes(h, work->pools.at, work->pools.count * sizeof(ScenePool));
    return hash_bytes(h, work->streams.at, work->streams.count * sizeof(SceneStream));
}

static uint64_t hash_python(uint64_t h, const ScenePython *python)
{
    h = hash_value(h, (uint64_t)python->ready_free << 32 | python->ready_used);
    h = hash_value(h, (uint64_t)python->timers_set << 32 | python->ended);
    h = hash_bytes(h, python->gils.at, python->gils.count * sizeof(SceneGil));
    h = hash_bytes(h, python->loops.at, python->loops.count * sizeof(SceneLoop));
    h = hash_bytes(h, python->ready.at, python->ready.count * sizeof(SceneReady));
    h = hash_bytes(h, python->timers.at, python->timers.count * sizeof(SceneTimer));
    h = hash_bytes(h, python->watches.at, python->watches.count * sizeof(SceneWatch));
    h = hash_bytes(h, python->uvs.at, python->uvs.count * sizeof(SceneUv));
    h = hash_work(h, &python->work);
    return hash_bytes(h, python->coroutines.at, python->coroutines.count * sizeof(SceneCoroutine));
}

uint64_t scene_hash(const Scene *scene)
{
    uint64_t h = hash_value(scene->next, (uint64_t)scene->time_ns);
    h = hash_value(h,
                   (uint64_t)scene->ended << 40 | (uint64_t)scene->end << 32 | scene->deadlocked);
    h = hash_value(h, (uint64_t)scene->first_blocked << 32 | scene->last_blocked);
    h = hash_value(h, scene->blocked);
    for (int i = 0; i < TASK_STATE_COUNT; i++)
        h = hash_value(h, scene->in_state[i]);
    h = hash_value(h, scene->tasks.count);
    h = hash_bytes(h, scene->tasks.at, scene->tasks.count * sizeof(SceneTask));
    h = hash_value(h, scene->processes.count);
    h = hash_bytes(h, scene->processes.at, scene->processes.count * sizeof(SceneProcess));
    h = hash_value(h, scene->core_count);
    h = hash_bytes(h, scene->cores, scene->core_count * sizeof(SceneCore));
    h = hash_instances(h, &scene->instances);
    h = hash_bytes(h, scene->syncs.at, scene->syncs.count * sizeof(SceneSync));
    h = hash_bytes(h, scene->variables.at, scene->variables.count * sizeof(int64_t));
    h = hash_python(h, &scene->python);
    return hash_bytes(h, scene->pipes, objects_bytes(scene->scenario));
}

// ---- objects of processes

static bool is_alive(const Scene *scene, uint32_t pid)
{
    const SceneProcess *process = scene_process(scene, pid);
    return process != NULL && !process->ended;
}

bool scene_sync_there(const Scene *scene, uint32_t number)
{
    Instance object = instances_sync_at(&scene->instances, number);
    return object.pid == 0 ||
           (is_alive(scene, object.pid) &&
            instances_sync_of(&scene->instances, object.pid, object.id) == number);
}

bool scene_variable_there(const Scene *scene, uint32_t number)
{
    Instance object = instances_variable_at(&scene->instances, number);
    return object.pid == 0 ||
           (is_alive(scene, object.pid) &&
            instances_variable_of(&scene->instances, object.pid, object.id) == number);
}

bool scene_sync_orphaned(const Scene *scene, uint32_t number)
{
    Instance object = instances_sync_at(&scene->instances, number);
    uint32_t holder = scene_sync(scene, number)->holder;
    return object.pid != 0 && holder != 0 &&
           instances_sync(&scene->instances, holder, object.id) != number;
}

bool scene_knows_vruntime(const Scene *scene, const SceneTask *task)
{
    const Scenario *scenario = scene->scenario;
    SchedulerKind kind = scenario->machine.scheduler;
    return !task->ran && (kind == SCHEDULER_EEVDF || kind == SCHEDULER_CFS) &&
           scenario->threads[task->def - 1].policy < POLICY_FIFO;
}

// ---- times up to the scene's instant

bool scene_core_interrupted(const Scene *scene, uint32_t core)
{
    return scene->cores[core].irq_until_ns > scene->time_ns;
}

// What is left of the core's time since it was shared out last, less what an interrupt takes of it.
static int64_t unshared_ns(const Scene *scene, const SceneCore *core, int64_t *irq_ns)
{
    int64_t now = scene->time_ns, until = core->irq_until_ns < now ? core->irq_until_ns : now;
    *irq_ns = until > core->at_ns ? until - core->at_ns : 0;
    int64_t ns = now - core->at_ns;
    return ns > *irq_ns ? ns - *irq_ns : 0;
}

CoreTimes scene_core_times(const Scene *scene, uint32_t core)
{
    CHECK(core < scene->core_count);
    const SceneCore *at = &scene->cores[core];
    int64_t irq_ns, ns = unshared_ns(scene, at, &irq_ns);
    bool busy = at->task != 0, in_kernel = busy && at->in_kernel != 0;
    CoreTimes times = {
        .user_ns = at->user_ns + (busy && !in_kernel ? ns : 0),
        .kernel_ns = at->kernel_ns + (in_kernel ? ns : 0),
        .irq_ns = at->irq_ns + irq_ns,
    };
    times.idle_ns = scene->time_ns - times.user_ns - times.kernel_ns - times.irq_ns;
    return times;
}

TaskTimes scene_task_times(const Scene *scene, uint32_t task)
{
    const SceneTask *at = scene_task(scene, task);
    if (at == NULL)
        return (TaskTimes){0};
    TaskTimes times = {
        .user_ns = at->user_ns,
        .kernel_ns = at->kernel_ns,
        .runnable_ns = at->runnable_ns,
        .state_ns = scene->time_ns - at->since_ns,
    };
    if (at->state == TASK_STATE_RUNNABLE)
        times.runnable_ns += times.state_ns;
    if (at->core < 0 || (uint32_t)at->core >= scene->core_count ||
        scene->cores[at->core].task != task)
        return times;
    const SceneCore *core = &scene->cores[at->core];
    int64_t irq_ns, ns = unshared_ns(scene, core, &irq_ns);
    if (core->in_kernel != 0)
        times.kernel_ns += ns;
    else
        times.user_ns += ns;
    return times;
}
