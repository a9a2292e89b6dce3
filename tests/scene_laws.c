#include "tests/scene_laws.h"

#include <stddef.h>

#define LAW(condition, text)                                                                       \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return (text);                                                                         \
    } while (0)

// Walks a list; the number of tasks in it goes up by `*listed`.
static const char *list_law(const Scene *scene, uint32_t first, uint32_t last, uint32_t count,
                            PlaceKind place, uint32_t id, uint32_t *listed)
{
    uint32_t seen = 0, before = 0;
    for (uint32_t at = first; at != 0; at = scene->tasks.at[at - 1].next) {
        LAW(seen++ < count, "a list is longer than it says");
        const SceneTask *task = scene_task(scene, at);
        LAW(task != NULL && task->listed, "a list has somebody who is not listed");
        LAW(task->previous == before, "a list's links do not agree");
        LAW(place == PLACE_TIMER ? task->place >= PLACE_JOIN
                                 : task->place == place && task->place_id == id,
            "a list has somebody who is elsewhere");
        before = at;
    }
    LAW(seen == count && last == before, "a list is shorter than it says");
    *listed += count;
    return NULL;
}

static const char *lists_law(const Scene *scene)
{
    const Scenario *scenario = scene->scenario;
    uint32_t listed = 0, tasks_listed = 0;
    const char *broken = list_law(scene, scene->first_blocked, scene->last_blocked, scene->blocked,
                                  PLACE_TIMER, 0, &listed);
    for (uint32_t i = 0; broken == NULL && i < scene->core_count; i++)
        broken = list_law(scene, scene->cores[i].first, scene->cores[i].last,
                          scene->cores[i].queued, PLACE_CORE, i + 1, &listed);
    for (uint32_t i = 0; broken == NULL && i < scene->syncs.count; i++)
        broken = list_law(scene, scene->syncs.at[i].first, scene->syncs.at[i].last,
                          scene->syncs.at[i].waiting, PLACE_SYNC, i + 1, &listed);
    for (uint32_t i = 0; broken == NULL && i < scenario->pipe_count; i++)
        broken = list_law(scene, scene->pipes[i].first, scene->pipes[i].last,
                          scene->pipes[i].waiting, PLACE_PIPE, i + 1, &listed);
    for (uint32_t i = 0; broken == NULL && i < scenario->message_queue_count; i++)
        broken = list_law(scene, scene->messages[i].first, scene->messages[i].last,
                          scene->messages[i].waiting, PLACE_MESSAGES, i + 1, &listed);
    if (broken != NULL)
        return broken;
    for (size_t i = 0; i < scene->tasks.count; i++)
        tasks_listed += scene->tasks.at[i].listed;
    LAW(tasks_listed == listed, "somebody is listed and in no list");
    return NULL;
}

const char *scene_laws(const Scene *scene)
{
    uint32_t in_state[TASK_STATE_COUNT] = {0}, running = 0, busy = 0;
    for (uint32_t id = 1; id <= scene->tasks.count; id++) {
        const SceneTask *task = scene_task(scene, id);
        if (task == NULL)
            continue;
        LAW(task->state < TASK_STATE_COUNT, "somebody is in no state");
        in_state[task->state]++;
        LAW(task->since_ns <= scene->time_ns, "somebody is in a state from later on");
        if (!task_state_runs((TaskState)task->state))
            continue;
        running++;
        LAW(task->core >= 0 && (uint32_t)task->core < scene->core_count &&
                scene->cores[task->core].task == id,
            "somebody runs, but not on its core");
        LAW((task->state == TASK_STATE_RUNNING_KERNEL) == (scene->cores[task->core].in_kernel != 0),
            "somebody and its core are not in the same mode");
    }
    for (int i = 0; i < TASK_STATE_COUNT; i++)
        LAW(in_state[i] == scene->in_state[i], "a state has more or less in it than it says");
    for (uint32_t i = 0; i < scene->core_count; i++) {
        const SceneTask *task = scene_task(scene, scene->cores[i].task);
        LAW((task != NULL) == (scene->cores[i].task != 0), "a core runs nobody that there is");
        busy += task != NULL && task->state != TASK_STATE_ENDED;
        CoreTimes times = scene_core_times(scene, i);
        LAW(times.user_ns >= 0 && times.kernel_ns >= 0 && times.irq_ns >= 0 && times.idle_ns >= 0,
            "a core's times do not add up");
    }
    for (size_t i = 0; i < scene->processes.count; i++)
        for (int state = 0; state < TASK_STATE_COUNT; state++)
            in_state[state] -= scene->processes.at[i].in_state[state];
    for (int state = 0; state < TASK_STATE_COUNT; state++)
        LAW(in_state[state] == 0, "the processes' threads are not all threads");
    LAW(busy == running, "a core runs somebody who does not run");
    return lists_law(scene);
}
