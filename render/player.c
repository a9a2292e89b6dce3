#include "render/player.h"

#include "sim/base/check.h"

#include <inttypes.h>
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
    player->moved = 1;
}

TimeSpan player_whole(const Player *player)
{
    int64_t end = player->recording->end_ns;
    if (player->ghost != NULL && player->ghost->end_ns > end)
        end = player->ghost->end_ns;
    return (TimeSpan){0, end > 0 ? end : 1};
}

// The whole run in about twenty seconds, in steps of 1, 2 and 5.
static double fitting_speed(int64_t end_ns)
{
    double wanted = (double)end_ns / 20, speed = 1;
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
    player->speed = fitting_speed(player->recording->end_ns);
    tell_if_cut(player);
}

void player_free(Player *player)
{
    scene_free(&player->scene);
    scene_free(&player->was);
    rewind_free(&player->rewind);
}

static void go_to_time(Player *player, int64_t time_ns);
static void go_to_event(Player *player, uint64_t next);

// How many records lie before the instant.
static uint64_t records_before(const Player *player, int64_t time_ns)
{
    return time_ns > 0 ? recording_by(player->recording, time_ns - 1) : 0;
}

static void keep_instant(Player *player)
{
    player->kept_ns = player->time_ns;
    player->kept_records = player->scene.next - records_before(player, player->time_ns);
}

// To the instant that was gone to last, or the nearest that this take has; with as many of that
// instant's records.
static void go_back_to_kept(Player *player)
{
    uint64_t before = records_before(player, player->kept_ns);
    uint64_t all = recording_by(player->recording, player->kept_ns);
    if (player->kept_records == 0 && player->kept_ns == 0)
        go_to_event(player, 0);
    else if (player->kept_records > 0 && all > before && player->kept_records < all - before)
        go_to_event(player, before + player->kept_records);
    else
        go_to_time(player, player->kept_ns);
    player->moved = 1;
}

void player_show(Player *player, const Take *take)
{
    TimeSpan whole = player_whole(player);
    bool zoomed = player->zoom.from_ns != whole.from_ns || player->zoom.to_ns != whole.to_ns;
    player_free(player);
    player->before = player->take;
    adopt(player, take);
    whole = player_whole(player);
    if (!zoomed || player->zoom.from_ns >= whole.to_ns)
        player->zoom = whole;
    if (player->selected_task > player->recording->tasks.id_max)
        player->selected_task = 0;
    if (player->selected_core >= (int)player->scenario->machine.cores)
        player->selected_core = CORE_NONE;
    if (player->marked.to_ns > whole.to_ns)
        player->marked = (TimeSpan){0, 0};
    go_back_to_kept(player);
    player->change_shown = player->change;
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

// ---- the instant

const TraceRecord *player_current(const Player *player)
{
    return player->scene.next > 0 ? recording_at(player->recording, player->scene.next - 1) : NULL;
}

const TraceRecord *player_next(const Player *player)
{
    return player->scene.next < player->recording->count
               ? recording_at(player->recording, player->scene.next)
               : NULL;
}

// The timeline follows the instant: when it leaves what is shown, what is shown goes after it.
static void keep_in_view(Player *player)
{
    int64_t length = player->zoom.to_ns - player->zoom.from_ns;
    TimeSpan whole = player_whole(player);
    if (player->time_ns >= player->zoom.from_ns && player->time_ns <= player->zoom.to_ns)
        return;
    int64_t from = player->time_ns - length / 3;
    if (from > whole.to_ns - length)
        from = whole.to_ns - length;
    if (from < 0)
        from = 0;
    player->zoom = (TimeSpan){from, from + length};
}

static void new_question(Player *player)
{
    player->revealed = false;
    player->guess = GUESS_NONE;
    player->message = NULL;
}

static void go_to_event(Player *player, uint64_t next)
{
    if (next > player->recording->count)
        next = player->recording->count;
    scene_copy(&player->was, &player->scene);
    player->moved = 0;
    rewind_seek(&player->rewind, &player->scene, next);
    player->time_ns = next > 0 ? recording_at(player->recording, next - 1)->time_ns : 0;
    player->elapsed_ns = 0;
    keep_in_view(player);
    new_question(player);
}

void player_seek_event(Player *player, uint64_t next)
{
    go_to_event(player, next);
    keep_instant(player);
}

static void go_to_time(Player *player, int64_t time_ns)
{
    int64_t end = player->recording->end_ns;
    player->time_ns = time_ns < 0 ? 0 : time_ns > end ? end : time_ns;
    uint64_t next = player->scene.next;
    recording_seek_time(player->recording, &player->scene, player->time_ns);
    player->moved = 1;
    player->elapsed_ns = 0;
    keep_in_view(player);
    if (player->scene.next != next)
        new_question(player);
}

void player_seek_time(Player *player, int64_t time_ns)
{
    go_to_time(player, time_ns);
    keep_instant(player);
}

static void step(Player *player, int direction, const RecordFilter *filter)
{
    player->playing = false;
    uint64_t at = player->scene.next;
    // Backwards the record that happened last is undone: the search begins before it.
    uint64_t from = direction > 0 ? at : at > 0 ? at - 1 : 0;
    int64_t found = recording_find(player->recording, from, direction, filter);
    if (found == RECORD_NONE)
        player_seek_event(player, direction > 0 ? player->recording->count : 0);
    else
        player_seek_event(player, (uint64_t)found + 1);
}

static void step_event(Player *player, int direction)
{
    player->playing = false;
    uint64_t next = player->scene.next;
    if (direction > 0)
        player_seek_event(player, next + 1);
    else if (next > 0)
        player_seek_event(player, next - 1);
}

// To where the selected coroutine next goes on, waits or ends, or did so before.
static void step_coroutine(Player *player, int direction)
{
    RecordFilter filter = {.core = CORE_NONE, .by_kind = true};
    filter.kinds[EVENT_COROUTINE_RESUMED] = filter.kinds[EVENT_COROUTINE_SUSPENDED] = true;
    filter.kinds[EVENT_COROUTINE_DONE] = true;
    player->playing = false;
    uint64_t at = player->scene.next, from = direction > 0 ? at : at > 0 ? at - 1 : 0;
    int64_t found;
    while ((found = recording_find(player->recording, from, direction, &filter)) != RECORD_NONE) {
        uint64_t coroutine = recording_at(player->recording, (uint64_t)found)->a;
        if (coroutine_serial(coroutine) == player->selected_coroutine) {
            player_seek_event(player, (uint64_t)found + 1);
            return;
        }
        from = direction > 0 ? (uint64_t)found + 1 : (uint64_t)found;
    }
    player_seek_event(player, direction > 0 ? player->recording->count : 0);
}

static void step_switch(Player *player, int direction)
{
    if (player->selected_coroutine != 0) {
        step_coroutine(player, direction);
        return;
    }
    RecordFilter filter = {.task = player->selected_task, .core = player->selected_core};
    filter.by_kind = true;
    filter.kinds[EVENT_SWITCH_IN] = filter.kinds[EVENT_SWITCH_OUT] = true;
    step(player, direction, &filter);
}

bool player_pass(Player *player, double seconds)
{
    bool changed = false;
    if (player->moved < 1) {
        player->moved += (float)(seconds / 0.15);
        player->moved = player->moved > 1 ? 1 : player->moved;
        changed = true;
    }
    if (!player->playing)
        return changed;
    double elapsed = player->elapsed_ns + seconds * player->speed;
    int64_t left = player->recording->end_ns - player->time_ns;
    if (elapsed >= (double)left) {
        player_seek_time(player, player->recording->end_ns);
        player->playing = false;
        return true;
    }
    int64_t whole_ns = (int64_t)elapsed;
    player_seek_time(player, player->time_ns + whole_ns);
    player->elapsed_ns = elapsed - (double)whole_ns;
    return true;
}

// ---- zoom

enum { ZOOM_LEAST_NS = 20 };

// Keeps `about_ns` where it is; factor below 1 shows less.
static void zoom_about(Player *player, int64_t about_ns, double factor)
{
    TimeSpan whole = player_whole(player);
    double length = (double)(player->zoom.to_ns - player->zoom.from_ns);
    double wanted = length * factor, most = (double)(whole.to_ns - whole.from_ns);
    if (wanted < ZOOM_LEAST_NS)
        wanted = ZOOM_LEAST_NS;
    if (wanted >= most) {
        player->zoom = whole;
        return;
    }
    double share = (double)(about_ns - player->zoom.from_ns) / length;
    double from = (double)about_ns - share * wanted;
    from = from < 0 ? 0 : from + wanted > most ? most - wanted : from;
    player->zoom.from_ns = (int64_t)from;
    player->zoom.to_ns = (int64_t)from + (int64_t)wanted;
}

static void pan(Player *player, TimeSpan from, double by_ns)
{
    TimeSpan whole = player_whole(player);
    int64_t length = from.to_ns - from.from_ns, start = from.from_ns + (int64_t)by_ns;
    if (start > whole.to_ns - length)
        start = whole.to_ns - length;
    if (start < 0)
        start = 0;
    player->zoom = (TimeSpan){start, start + length};
}

// ---- changing the machine

static void ask_for_run(Player *player)
{
    if (player->take->saved) {
        player->message = "this is a saved trace: it cannot be run again";
        player->change = (Change){0};
        return;
    }
    player->request = REQUEST_RUN;
}

static void change_cores(Player *player)
{
    uint32_t cores =
        player->change.cores != 0 ? player->change.cores : player->scenario->machine.cores;
    uint32_t more = 1;
    while (more <= cores && more < 8)
        more *= 2;
    player->change.cores = cores >= 8 ? 1 : more;
    ask_for_run(player);
}

static void change_scheduler(Player *player)
{
    const char *now = player->change.scheduler != NULL
                          ? player->change.scheduler
                          : scheduler_info(player->scenario->machine.scheduler)->name;
    int kind = 0;
    while (kind < SCHEDULER_COUNT && strcmp(scheduler_info((SchedulerKind)kind)->name, now) != 0)
        kind++;
    player->change.scheduler = scheduler_info((SchedulerKind)((kind + 1) % SCHEDULER_COUNT))->name;
    ask_for_run(player);
}

static void change_costs(Player *player)
{
    const char *now =
        player->change.costs != NULL ? player->change.costs : costs_word(player->scenario);
    player->change.costs = strcmp(now, "zero") == 0 ? "typical" : "zero";
    ask_for_run(player);
}

static void change_seed(Player *player)
{
    uint64_t now = player->change.seed != 0 ? player->change.seed : player->scenario->seed;
    player->change.seed = now < 9 ? now + 1 : 1;
    ask_for_run(player);
}

// Whether the scenario as it is written has a GIL: what is shown may be the other thing.
static bool written_with_gil(const Player *player, const Runtime *runtime)
{
    return player->change_shown.gil == GIL_AS_WRITTEN ? runtime->has_gil
                                                      : player->change_shown.gil == GIL_NONE;
}

static void change_gil(Player *player)
{
    const Runtime *runtime = python_runtime(player->scenario);
    if (runtime == NULL) {
        player->message = "no process of this scenario runs Python: there is no GIL";
        return;
    }
    if (player->change.gil != GIL_AS_WRITTEN)
        player->change.gil = GIL_AS_WRITTEN;
    else
        player->change.gil = written_with_gil(player, runtime) ? GIL_NONE : GIL_ONE;
    ask_for_run(player);
}

// The runtime of each Python process: as an override it is the whole scenario's, or that of an item
// of `processes`.
static size_t override_gil(const Player *player, Arena *arena, const char **overrides)
{
    const Scenario *scenario = player->scenario;
    size_t count = 0;
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
    size_t most = given_count + OTHERS + player->scenario->process_count, used = given_count;
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

// ---- keys

static void play_or_pause(Player *player)
{
    player->playing = !player->playing;
    if (player->playing && player->time_ns >= player->recording->end_ns)
        player_seek_event(player, 0);
}

static void select_only(Player *player, uint32_t task, int core, uint32_t coroutine)
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
    select_only(player, task, CORE_NONE, 0);
}

static void leave(Player *player)
{
    if (player->help) {
        player->help = false;
    } else {
        select_only(player, 0, CORE_NONE, 0);
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
    new_question(player);
}

static void run_as_written(Player *player)
{
    player->change = (Change){0};
    ask_for_run(player);
}

void player_key(Player *player, PlayerKey key)
{
    switch (key) {
    case KEY_PLAY:
        play_or_pause(player);
        break;
    case KEY_NEXT:
    case KEY_PAGE_NEXT:
        step_event(player, 1);
        break;
    case KEY_BACK:
    case KEY_PAGE_BACK:
        step_event(player, -1);
        break;
    case KEY_NEXT_SWITCH:
        step_switch(player, 1);
        break;
    case KEY_BACK_SWITCH:
        step_switch(player, -1);
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
        zoom_about(player, player->time_ns, 0.5);
        break;
    case KEY_ZOOM_OUT:
        zoom_about(player, player->time_ns, 2);
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
        change_cores(player);
        break;
    case KEY_SCHEDULER:
        change_scheduler(player);
        break;
    case KEY_COSTS:
        change_costs(player);
        break;
    case KEY_GIL:
        change_gil(player);
        break;
    case KEY_SEED:
        change_seed(player);
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
        ask_for_run(player);
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

// ---- the pointer

static int64_t time_at(TimeSpan span, Box box, int x)
{
    double share = box.w > 0 ? (double)(x - box.x) / box.w : 0;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    return span.from_ns + (int64_t)(share * (double)(span.to_ns - span.from_ns));
}

// Whether the thread or the core of the hit acts at the instant of the next event. What happens at
// one instant has an order in the trace, but nobody can know it by thinking: all of them are right.
static bool acts_next(const Player *player, Hit hit)
{
    enum { LOOKED_AT = 4096 };
    const Recording *recording = player->recording;
    uint64_t first = player->scene.next, last = recording->count;
    last = last - first < LOOKED_AT ? last : first + LOOKED_AT;
    int64_t time_ns = recording_at(recording, first)->time_ns;
    for (uint64_t i = first; i < last; i++) {
        const TraceRecord *record = recording_at(recording, i);
        if (record->time_ns != time_ns)
            return false;
        if (hit.action == HIT_TASK ? record->task == hit.argument
                                   : record->core == (int)hit.argument)
            return true;
    }
    return false;
}

// In a quiz a click on a task or a core says who will act next.
static bool is_guess(Player *player, Hit hit)
{
    const TraceRecord *next = player_next(player);
    if (!player->quiz || player->revealed || next == NULL)
        return false;
    bool right = acts_next(player, hit);
    player->guess = right ? GUESS_RIGHT : GUESS_WRONG;
    player->guesses++;
    player->guesses_right += right;
    player->revealed = true;
    return true;
}

// To where a thread next comes to this line of the scenario; from the beginning when none does.
static void seek_line(Player *player, uint32_t line)
{
    RecordFilter filter = {.task = player->selected_task, .core = CORE_NONE, .by_kind = true};
    filter.kinds[EVENT_OP_BEGUN] = true;
    player->playing = false;
    for (int round = 0; round < 2; round++) {
        uint64_t from = round == 0 ? player->scene.next : 0;
        int64_t at;
        while ((at = recording_find(player->recording, from, 1, &filter)) != RECORD_NONE) {
            uint64_t op = recording_at(player->recording, (uint64_t)at)->a;
            from = (uint64_t)at + 1;
            if (op < player->scenario->op_count && player->scenario->op_at[op].line == line) {
                player_seek_event(player, from);
                return;
            }
        }
    }
}

static void click(Player *player, Hit hit, int x)
{
    switch (hit.action) {
    case HIT_KEY:
        player_key(player, (PlayerKey)hit.argument);
        break;
    case HIT_TASK:
        if (!is_guess(player, hit)) {
            bool same = player->selected_task == hit.argument;
            select_only(player, same ? 0 : hit.argument, CORE_NONE, 0);
        }
        break;
    case HIT_COROUTINE: {
        bool same = player->selected_coroutine == hit.argument;
        select_only(player, 0, CORE_NONE, same ? 0 : hit.argument);
        break;
    }
    case HIT_CORE:
        if (!is_guess(player, hit)) {
            bool same = player->selected_core == (int)hit.argument;
            select_only(player, 0, same ? CORE_NONE : (int)hit.argument, 0);
        }
        break;
    case HIT_LINE:
        seek_line(player, hit.argument);
        break;
    case HIT_TIMELINE:
        player->playing = false;
        if (hit.argument != 0)
            select_only(player, hit.argument, CORE_NONE, 0);
        player_seek_time(player, time_at(player->zoom, hit.box, x));
        break;
    default:
        break;
    }
}

static void scrub(Player *player, int x)
{
    TimeSpan whole = {0, player->recording->end_ns};
    player->playing = false;
    player_seek_time(player, time_at(whole, player->pressed.box, x));
}

static void scroll_rows(Player *player, int y)
{
    Box track = player->pressed.box;
    double share = track.h > 0 ? (double)(y - track.y) / track.h : 0;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    player->first_row = (int)(share * player->pressed.argument + 0.5);
}

// From where the button went down to here.
static void mark(Player *player, int x)
{
    int64_t one = time_at(player->pressed_zoom, player->pressed.box, player->pressed_x);
    int64_t other = time_at(player->pressed_zoom, player->pressed.box, x);
    player->marked = one < other ? (TimeSpan){one, other} : (TimeSpan){other, one};
}

static const Hit *hit_of(const DrawList *frame, int x, int y, HitAction action)
{
    for (size_t i = frame->hits.count; i-- > 0;) {
        if (frame->hits.at[i].action == action && box_has(frame->hits.at[i].box, x, y))
            return &frame->hits.at[i];
    }
    return NULL;
}

static void turn_wheel(Player *player, const DrawList *frame, Pointer pointer)
{
    const Hit *plot = hit_of(frame, pointer.x, pointer.y, HIT_TIMELINE);
    const Hit *rows = hit_of(frame, pointer.x, pointer.y, HIT_ROWS);
    int lines = (int)(pointer.amount > 0 ? -1 : 1) * 3;
    if (plot != NULL && (pointer.modifiers & WITH_SHIFT) == 0) {
        int64_t about = time_at(player->zoom, plot->box, pointer.x);
        zoom_about(player, about, pointer.amount > 0 ? 0.8 : 1.25);
    } else if (rows != NULL) {
        int row = player->first_row + lines;
        player->first_row = row < 0 ? 0 : row > (int)rows->argument ? (int)rows->argument : row;
    } else {
        const Hit *program = hit_of(frame, pointer.x, pointer.y, HIT_PROGRAM);
        if (program == NULL)
            return;
        // The view says with the hit which line it shows first.
        int first = (int)program->argument + lines;
        player->first_line = first < 1 ? 1 : first;
    }
}

void player_pointer(Player *player, const DrawList *frame, Pointer pointer)
{
    enum { DRAG_PIXELS = 4 };
    switch (pointer.kind) {
    case POINTER_DOWN:
        player->pressed = draw_hit_at(frame, pointer.x, pointer.y);
        player->pressed_x = pointer.x;
        player->pressed_y = pointer.y;
        player->pressed_zoom = player->zoom;
        player->dragged = false;
        player->marking =
            player->pressed.action == HIT_TIMELINE && (pointer.modifiers & WITH_SHIFT) != 0;
        if (player->pressed.action == HIT_SEEK)
            scrub(player, pointer.x);
        else if (player->pressed.action == HIT_SCROLL)
            scroll_rows(player, pointer.y);
        break;
    case POINTER_MOVE: {
        int dx = pointer.x - player->pressed_x, dy = pointer.y - player->pressed_y;
        if (dx * dx + dy * dy > DRAG_PIXELS * DRAG_PIXELS)
            player->dragged = true;
        if (player->pressed.action == HIT_SEEK) {
            scrub(player, pointer.x);
        } else if (player->pressed.action == HIT_SCROLL) {
            scroll_rows(player, pointer.y);
        } else if (player->marking && player->dragged) {
            mark(player, pointer.x);
        } else if (player->pressed.action == HIT_TIMELINE && player->dragged) {
            TimeSpan zoom = player->pressed_zoom;
            pan(player, zoom,
                -(double)dx * (double)(zoom.to_ns - zoom.from_ns) / player->pressed.box.w);
        }
        break;
    }
    case POINTER_UP: {
        Hit hit = draw_hit_at(frame, pointer.x, pointer.y);
        bool same =
            hit.action == player->pressed.action && hit.argument == player->pressed.argument;
        if (same && !player->dragged)
            click(player, hit, pointer.x);
        player->pressed = (Hit){0};
        break;
    }
    case POINTER_WHEEL:
        turn_wheel(player, frame, pointer);
        break;
    }
}
