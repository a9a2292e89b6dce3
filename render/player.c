#include "render/player_parts.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

const PlayerKeyInfo *player_key_info(PlayerKey key)
{
    static const PlayerKeyInfo infos[KEY_COUNT] = {
#define X(id, key, modifiers, shown, text) [KEY_##id] = {key, modifiers, shown, text},
        PLAYER_KEYS(X)
#undef X
    };
    CHECKF(key < KEY_COUNT, "key %u", (unsigned)key);
    return &infos[key];
}

const char *costs_word(const Scenario *scenario)
{
    bool zero = true, typical = true;
    for (int i = 0; i < COST_COUNT; i++) {
        int64_t cost = scenario->machine.costs[i];
        zero = zero && cost == 0;
        typical = typical && cost == cost_info((CostId)i)->typical_ns;
    }
    return zero ? "zero" : typical ? "typical" : "own";
}

const Runtime *python_runtime(const Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->process_count; i++)
        if (scenario->processes[i].runtime.python)
            return &scenario->processes[i].runtime;
    return NULL;
}

// ---- the take

static void adopt(Player *player, const Take *take)
{
    player->take = take;
    player->scenario = &take->scenario;
    player->recording = &take->recording;
    player->ghost = player->before != NULL ? &player->before->recording : NULL;
    scene_open(&player->scene, player->scenario);
    scene_open(&player->was, player->scenario);
    rewind_open(&player->rewind, player->recording);
    player->asked = calloc(1, sizeof *player->asked);
    CHECK(player->asked != NULL);
    player->moved = 1;
}

bool player_by_event(const Player *player)
{
    return player->take->timeline.by_event;
}

int64_t player_place(const Player *player)
{
    return player_by_event(player) ? (int64_t)player->scene.next : player->time_ns;
}

TimeSpan player_whole(const Player *player)
{
    const Timeline *timeline = &player->take->timeline;
    const Timeline *ghost = player->before != NULL ? &player->before->timeline : NULL;
    int64_t end = timeline->end_ns;
    if (ghost != NULL && ghost->by_event == timeline->by_event && ghost->end_ns > end)
        end = ghost->end_ns;
    return (TimeSpan){0, end > 0 ? end : 1};
}

// The whole run in about twenty seconds, in steps of 1, 2 and 5.
static double fitting_speed(int64_t end)
{
    double wanted = (double)end / 20, speed = 1;
    static const double steps[] = {2, 2.5, 2};
    for (int i = 0; speed < wanted; i = (i + 1) % 3)
        speed *= steps[i];
    return speed;
}

static void tell_if_cut(Player *player)
{
    if (player->take->cut)
        player->message = "The run is longer than what is kept of it; --records keeps more events.";
}

void player_open(Player *player, const Take *take)
{
    *player = (Player){.selected_core = CORE_NONE};
    adopt(player, take);
    player->zoom = player_whole(player);
    player->speed = fitting_speed(take->timeline.end_ns);
    player_look_at_gils(player);
    tell_if_cut(player);
}

void player_free(Player *player)
{
    scene_free(&player->scene);
    scene_free(&player->was);
    rewind_free(&player->rewind);
    if (player->asked != NULL)
        why_free(&player->asked->why);
    free(player->asked);
    player->asked = NULL;
}

void player_show(Player *player, const Take *take)
{
    TimeSpan whole = player_whole(player);
    bool zoomed = player->zoom.from_ns != whole.from_ns || player->zoom.to_ns != whole.to_ns;
    player_free(player);
    player->before = player->take;
    adopt(player, take);
    whole = player_whole(player);
    bool other_axis = player->before->timeline.by_event != take->timeline.by_event;
    if (!zoomed || other_axis || player->zoom.from_ns >= whole.to_ns)
        player->zoom = whole;
    if (other_axis) {
        player->speed = fitting_speed(take->timeline.end_ns);
        player->marked = (TimeSpan){0, 0};
    }
    if (player->selected_task > player->recording->tasks.id_max)
        player->selected_task = 0;
    if (player->selected_core >= (int)player->scenario->machine.cores)
        player->selected_core = CORE_NONE;
    if (player->marked.to_ns > whole.to_ns)
        player->marked = (TimeSpan){0, 0};
    player_go_back(player);
    player->change_shown = player->change;
    player_look_at_gils(player);
    player->error = NULL;
    tell_if_cut(player);
}

static bool same_change(const Change *a, const Change *b)
{
    return a->cores == b->cores && a->scheduler == b->scheduler && a->costs == b->costs &&
           a->seed == b->seed && a->gil == b->gil;
}

void player_fail(Player *player, const char *error)
{
    player->error = error;
    player->change_failed = !same_change(&player->change, &player->change_shown);
    player->change = player->change_shown;
}

// ---- keys

static bool is_at_end(const Player *player)
{
    return player_by_event(player) ? player->scene.next >= player->recording->count
                                   : player->time_ns >= player->recording->end_ns;
}

static void play_or_pause(Player *player)
{
    player->playing = !player->playing;
    if (player->playing && is_at_end(player))
        player_seek_event(player, 0);
}

void player_select(Player *player, uint32_t task, int core, uint32_t coroutine)
{
    player->selected_task = task;
    player->selected_core = core;
    player->selected_coroutine = coroutine;
}

static void select_task(Player *player, int direction)
{
    uint32_t most = player->recording->tasks.id_max;
    uint32_t task = player->selected_task;
    for (uint32_t i = 0; i <= most; i++) {
        task = direction > 0 ? (task >= most ? 0 : task + 1) : (task == 0 ? most : task - 1);
        if (task == 0 || task_table_at(&player->recording->tasks, task) != NULL)
            break;
    }
    player_select(player, task, CORE_NONE, 0);
}

static void leave(Player *player)
{
    if (player->help) {
        player->help = false;
    } else {
        player_select(player, 0, CORE_NONE, 0);
        player->marked = (TimeSpan){0, 0};
        player->why = false;
        player->first_line = 0;
        player->message = NULL;
    }
}

static void toggle_quiz(Player *player)
{
    player->quiz = !player->quiz;
    player->guesses = player->guesses_right = 0;
    player->playing = false;
    player_new_question(player);
}

static void run_as_written(Player *player)
{
    player->change = (Change){0};
    player_ask_for_run(player);
}

void player_key(Player *player, PlayerKey key)
{
    switch (key) {
    case KEY_PLAY:
        play_or_pause(player);
        break;
    case KEY_NEXT:
    case KEY_PAGE_NEXT:
        player_step_event(player, 1);
        break;
    case KEY_BACK:
    case KEY_PAGE_BACK:
        player_step_event(player, -1);
        break;
    case KEY_NEXT_SWITCH:
        player_step_switch(player, 1);
        break;
    case KEY_BACK_SWITCH:
        player_step_switch(player, -1);
        break;
    case KEY_HOME:
        player->playing = false;
        player_seek_event(player, 0);
        break;
    case KEY_END:
        player->playing = false;
        player_seek_event(player, player->recording->count);
        break;
    case KEY_FASTER:
        player->speed = player->speed < 1e12 ? player->speed * 2 : player->speed;
        break;
    case KEY_SLOWER:
        player->speed = player->speed > 1 ? player->speed / 2 : player->speed;
        break;
    case KEY_ZOOM_IN:
        player_zoom_about(player, player_place(player), 0.5);
        break;
    case KEY_ZOOM_OUT:
        player_zoom_about(player, player_place(player), 2);
        break;
    case KEY_ZOOM_ALL:
        player->zoom = player_whole(player);
        break;
    case KEY_NEXT_TASK:
        select_task(player, 1);
        break;
    case KEY_BACK_TASK:
        select_task(player, -1);
        break;
    case KEY_CORES:
        player_change_cores(player);
        break;
    case KEY_SCHEDULER:
        player_change_scheduler(player);
        break;
    case KEY_COSTS:
        player_change_costs(player);
        break;
    case KEY_GIL:
        player_change_gil(player);
        break;
    case KEY_SEED:
        player_change_seed(player);
        break;
    case KEY_ORIGINAL:
        run_as_written(player);
        break;
    case KEY_WHY:
        player->why = !player->why;
        break;
    case KEY_QUIZ:
        toggle_quiz(player);
        break;
    case KEY_REVEAL:
        player->revealed = true;
        break;
    case KEY_THEME:
        player->theme = (ThemeName)((player->theme + 1) % THEME_COUNT);
        break;
    case KEY_LARGE:
        player->large = !player->large;
        break;
    case KEY_PICTURE:
        player->request = REQUEST_PICTURE;
        break;
    case KEY_FULLSCREEN:
        player->fullscreen = !player->fullscreen;
        player->request = REQUEST_FULLSCREEN;
        break;
    case KEY_RELOAD:
        player_ask_for_run(player);
        break;
    case KEY_HELP:
        player->help = !player->help;
        break;
    case KEY_LEAVE:
        leave(player);
        break;
    case KEY_QUIT:
        player->request = REQUEST_QUIT;
        break;
    case KEY_COUNT:
        break;
    }
}
