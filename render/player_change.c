// What is changed about the machine, and how that is said to whoever runs the scenario again.
#include "render/player_parts.h"

#include <inttypes.h>
#include <string.h>

void player_ask_for_run(Player *player)
{
    if (player->take->saved) {
        player->message = "this is a saved trace: it cannot be run again";
        player->change = (Change){0};
        return;
    }
    player->request = REQUEST_RUN;
}

void player_change_cores(Player *player)
{
    uint32_t cores =
        player->change.cores != 0 ? player->change.cores : player->scenario->machine.cores;
    uint32_t more = 1;
    while (more <= cores && more < 8)
        more *= 2;
    player->change.cores = cores >= 8 ? 1 : more;
    player_ask_for_run(player);
}

void player_change_scheduler(Player *player)
{
    const char *now = player->change.scheduler != NULL
                          ? player->change.scheduler
                          : scheduler_info(player->scenario->machine.scheduler)->name;
    int kind = 0;
    while (kind < SCHEDULER_COUNT && strcmp(scheduler_info((SchedulerKind)kind)->name, now) != 0)
        kind++;
    player->change.scheduler = scheduler_info((SchedulerKind)((kind + 1) % SCHEDULER_COUNT))->name;
    player_ask_for_run(player);
}

void player_change_costs(Player *player)
{
    const char *now =
        player->change.costs != NULL ? player->change.costs : costs_word(player->scenario);
    player->change.costs = strcmp(now, "zero") == 0 ? "typical" : "zero";
    player_ask_for_run(player);
}

void player_change_seed(Player *player)
{
    uint64_t now = player->change.seed != 0 ? player->change.seed : player->scenario->seed;
    player->change.seed = now < 9 ? now + 1 : 1;
    player_ask_for_run(player);
}

enum { OWN_GIL = 12 }; // 3.12, from which on an interpreter has its own (PEP 684)

// Whether it is a thread of the scenario that starts with this process.
static bool has_interpreter(const ThreadDef *thread, uint32_t process)
{
    return thread->process.index1 == process && thread->count > 0 && !thread->library &&
           !thread->spawned;
}

// Whether a process has several threads from its beginning that could have an interpreter each, and
// does not say so itself.
static bool has_several(const Scenario *scenario, uint32_t process)
{
    const Runtime *runtime = &scenario->processes[process - 1].runtime;
    uint32_t threads = 0, apart = 0;
    if (!runtime->python || runtime->major < 3 || runtime->minor < OWN_GIL ||
        scenario->processes[process - 1].forked)
        return false;
    for (uint32_t i = 0; i < scenario->thread_count; i++) {
        const ThreadDef *thread = &scenario->threads[i];
        threads += has_interpreter(thread, process);
        apart += has_interpreter(thread, process) && thread->gil != 0;
    }
    return threads > 1 && apart == 0;
}

void player_look_at_gils(Player *player)
{
    if (player->change_shown.gil != GIL_AS_WRITTEN)
        return;
    player->gil_each = false;
    for (uint32_t i = 1; i <= player->scenario->process_count; i++)
        player->gil_each =
            player->gil_each || (player->scenario->processes[i - 1].runtime.has_gil &&
                                 has_several(player->scenario, i));
}

// Whether the scenario as it is written has a GIL: what is shown may be the other thing.
static bool written_with_gil(const Player *player, const Runtime *runtime)
{
    return player->change_shown.gil == GIL_AS_WRITTEN ? runtime->has_gil
                                                      : player->change_shown.gil != GIL_ONE;
}

void player_change_gil(Player *player)
{
    const Runtime *runtime = python_runtime(player->scenario);
    if (runtime == NULL) {
        player->message = "no process of this scenario runs Python: there is no GIL";
        return;
    }
    bool with = written_with_gil(player, runtime);
    if (player->change.gil == GIL_AS_WRITTEN)
        player->change.gil = with ? GIL_NONE : GIL_ONE;
    else if (player->change.gil == GIL_NONE && player->gil_each)
        player->change.gil = GIL_EACH;
    else
        player->change.gil = GIL_AS_WRITTEN;
    player_ask_for_run(player);
}

// Of each process whose threads may have an interpreter each: theirs, called as they are.
static size_t override_interpreters(const Player *player, Arena *arena, const char **overrides)
{
    const Scenario *scenario = player->scenario;
    size_t count = 0;
    for (uint32_t i = 0; i < scenario->thread_count; i++) {
        const ThreadDef *thread = &scenario->threads[i];
        uint32_t process = thread->process.index1;
        const ProcessDef *def = &scenario->processes[process - 1];
        bool several = player->change_shown.gil == GIL_EACH ? thread->gil != 0
                                                            : has_several(scenario, process);
        if (!has_interpreter(thread, process) || !several)
            continue;
        const char *name = scenario_string(scenario, thread->name);
        overrides[count++] = def->listed
                                 ? arena_format(arena, "processes.%s.threads.%s.interpreter=%s",
                                                scenario_string(scenario, def->name), name, name)
                                 : arena_format(arena, "threads.%s.interpreter=%s", name, name);
    }
    return count;
}

// The runtime of each Python process: as an override it is the whole scenario's, or that of an item
// of `processes`.
static size_t override_gil(const Player *player, Arena *arena, const char **overrides)
{
    const Scenario *scenario = player->scenario;
    size_t count = 0;
    if (player->change.gil == GIL_EACH)
        return override_interpreters(player, arena, overrides);
    for (uint32_t i = 0; i < scenario->process_count; i++) {
        const ProcessDef *process = &scenario->processes[i];
        const char *place = "runtime";
        if (process->forked || !process->runtime.python)
            continue;
        if (process->listed)
            place = arena_format(arena, "processes.%s.runtime",
                                 scenario_string(scenario, process->name));
        overrides[count++] = player->change.gil == GIL_NONE
                                 ? arena_format(arena, "%s=cpython-3.13t", place)
                                 : arena_format(arena, "%s=cpython-%u.%u", place,
                                                process->runtime.major, process->runtime.minor);
    }
    return count;
}

const char **player_overrides(const Player *player, Arena *arena, const char *const *given,
                              size_t given_count, size_t *count)
{
    enum { OTHERS = 4 };
    const Change *change = &player->change;
    size_t most =
        given_count + OTHERS + player->scenario->process_count + player->scenario->thread_count;
    size_t used = given_count;
    const char **overrides = ARENA_ARRAY(arena, const char *, most);
    for (size_t i = 0; i < given_count; i++)
        overrides[i] = given[i];
    if (change->cores != 0)
        overrides[used++] = arena_format(arena, "machine.cores=%" PRIu32, change->cores);
    if (change->scheduler != NULL)
        overrides[used++] = arena_format(arena, "machine.scheduler=%s", change->scheduler);
    if (change->costs != NULL)
        overrides[used++] = arena_format(arena, "machine.costs=%s", change->costs);
    if (change->gil != GIL_AS_WRITTEN)
        used += override_gil(player, arena, overrides + used);
    if (change->seed != 0)
        overrides[used++] = arena_format(arena, "seed=%" PRIu64, change->seed);
    *count = used;
    return overrides;
}

PlayerRequest player_take_request(Player *player)
{
    PlayerRequest request = player->request;
    player->request = REQUEST_NONE;
    return request;
}
