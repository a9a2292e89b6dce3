// How records of processes, pipes, message queues and variables change a scene.
#include "sim/analysis/scene_fold.h"

// ---- processes

void scene_move_thread(Scene *scene, SceneTask *task, uint32_t pid)
{
    if (process_of(scene, pid) == NULL)
        return;
    scene_leave_gil(scene, task);
    if (task->state != TASK_STATE_ENDED) {
        count_thread(scene, task->process, -1);
        count_thread(scene, pid, 1);
    }
    count_state(scene, task, -1);
    task->process = pid;
    count_state(scene, task, 1);
}

void scene_fold_started(Scene *scene, const TraceRecord *record, SceneTask *task)
{
    uint64_t pid = record->a;
    if (pid <= scene->scenario->process_count || pid > scene->processes.count + IDS_AHEAD)
        return;
    while (scene->processes.count < pid)
        ARRAY_EXTEND(&scene->processes);
    SceneProcess *process = &scene->processes.at[pid - 1];
    if (process->def != 0)
        return;
    process->def = scene->scenario->threads[task->def - 1].process.index1;
    process->parent = (uint32_t)record->b;
    process->first_task = record->task;
    process->started = true;
    scene_move_thread(scene, task, (uint32_t)pid);
}

static void on_process(Scene *scene, const TraceRecord *record)
{
    SceneProcess *process = process_of(scene, record->a);
    if (process == NULL || process->def == 0)
        return;
    switch (record->kind) {
    case EVENT_PROCESS_EXECED:
        process->execed = true;
        break;
    case EVENT_PROCESS_ENDED:
        process->ended = true;
        process->status = (uint32_t)record->b;
        process->reaped = process->parent == 0; // init collects at once
        break;
    case EVENT_PROCESS_ADOPTED:
        process->parent = 0;
        process->reaped = process->ended;
        break;
    case EVENT_PROCESS_REAPED:
        process->reaped = true;
        break;
    case EVENT_MEMORY_RESERVED:
        process->reserved = record->b;
        break;
    case EVENT_MEMORY_RESIDENT:
        process->resident = record->b;
        break;
    case EVENT_MEMORY_SHARED:
        process->shared = record->b;
        break;
    case EVENT_HEAP:
        process->heap = record->b;
        break;
    default:
        break;
    }
}

// A process begins with copies of what its parent has. What the forking thread holds, the child's
// first thread holds; nobody waits at a copy.
static void on_copied(Scene *scene, const TraceRecord *record)
{
    const Scenario *scenario = scene->scenario;
    const SceneProcess *child = process_of(scene, record->a);
    if (child == NULL || record->b > UINT32_MAX)
        return;
    uint32_t to_pid = (uint32_t)record->a, from_pid = (uint32_t)record->b;
    for (uint32_t id = 1; id <= scenario->sync_count; id++) {
        uint32_t to = instances_sync_of(&scene->instances, to_pid, id);
        uint32_t from = instances_sync_of(&scene->instances, from_pid, id);
        if (to == id || to == from || scenario->syncs[id - 1].library)
            continue; // there is only one, or Python makes a new one
        SceneSync *copy = &scene->syncs.at[to - 1];
        const SceneSync *sync = &scene->syncs.at[from - 1];
        copy->holder = sync->holder == record->task ? child->first_task : sync->holder;
        copy->depth = sync->depth;
        copy->readers = sync->readers;
        copy->level = sync->level;
        copy->held_since_ns = scene->time_ns;
    }
    for (uint32_t id = 1; id <= scenario->variable_count; id++) {
        uint32_t to = instances_variable_of(&scene->instances, to_pid, id);
        uint32_t from = instances_variable_of(&scene->instances, from_pid, id);
        if (to != id)
            scene->variables.at[to - 1] = scene->variables.at[from - 1];
    }
}

// ---- pipes, data

static void on_pipe(Scene *scene, const TraceRecord *record)
{
    if (record->a - 1 >= scene->scenario->pipe_count)
        return;
    ScenePipe *pipe = &scene->pipes[record->a - 1];
    if (record->kind == EVENT_PIPE_WRITTEN)
        pipe->bytes += record->b;
    else if (record->kind == EVENT_PIPE_READ)
        pipe->bytes -= record->b < pipe->bytes ? record->b : pipe->bytes;
    else if (record->b < PIPE_END_COUNT)
        pipe->closed[record->b] = true;
}

static void on_message(Scene *scene, const TraceRecord *record)
{
    if (record->a - 1 >= scene->scenario->message_queue_count)
        return;
    SceneMessages *queue = &scene->messages[record->a - 1];
    if (record->kind == EVENT_MESSAGE_SENT)
        queue->count++;
    else
        queue->count -= queue->count > 0;
}

static void on_access(Scene *scene, const TraceRecord *record)
{
    uint32_t variable = access_variable(record->a);
    if (variable - 1 >= scene->scenario->variable_count)
        return;
    uint32_t number = instances_variable(&scene->instances, record->task, variable);
    scene->variables.at[number - 1] = (int64_t)record->b;
}

void scene_fold_object(Scene *scene, const TraceRecord *record)
{
    switch ((EventKind)record->kind) {
    case EVENT_PROCESS_COPIED:
        on_copied(scene, record);
        break;
    case EVENT_PIPE_WRITTEN:
    case EVENT_PIPE_READ:
    case EVENT_PIPE_CLOSED:
        on_pipe(scene, record);
        break;
    case EVENT_MESSAGE_SENT:
    case EVENT_MESSAGE_RECEIVED:
        on_message(scene, record);
        break;
    case EVENT_LOAD:
    case EVENT_STORE:
    case EVENT_ATOMIC_ADD:
    case EVENT_SWAPPED:
    case EVENT_SWAP_FAILED:
        on_access(scene, record);
        break;
    default:
        on_process(scene, record);
        break;
    }
}
