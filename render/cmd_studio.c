#include "render/cmd_studio.h"

#include "render/coroutine_chip.h"
#include "render/views.h"
#include "sim/base/time.h"
#include "sim/cli.h"
#include "sim/ringside.h"
#include "sim/scenario/quantity.h"

#include <stdlib.h>
#include <string.h>

// What can be drawn: everything, as the window shows it, or one part alone.
static const struct {
    const char *name;
    void (*draw)(DrawList *list, Box box, const Player *player); // NULL: the whole window
} views[] = {
    {"play", NULL},
    {"machine", view_machine},
    {"now", view_now},
    {"program", view_program},
    {"timeline", view_timeline},
};

enum { VIEW_COUNT = sizeof views / sizeof *views };

// ---- the options

enum { SIDE_LEAST = 64 };
// Above the characters: only -o has a letter.
enum {
    OPTION_OUTPUT = 'o',
    OPTION_BESIDE = 0x100,
    OPTION_VIEW,
    OPTION_SELECT,
    OPTION_WHY,
    OPTION_ZOOM
};

static const struct argp_option options[] = {
    {"output", OPTION_OUTPUT, "OUT", 0, "Where to write it", 1},
    {NULL, 0, NULL, 0, "What to show:", 3},
    {"view", OPTION_VIEW, "NAME", 0,
     "One part of the window: machine, now, program or timeline (default play, all of it)", 3},
    {"select", OPTION_SELECT, "NAME", 0, "With this thread or coroutine selected ('worker #3')", 3},
    {"why", OPTION_WHY, NULL, 0, "Why that thread does not run, instead of the event", 3},
    {"zoom", OPTION_ZOOM, "FROM..TO", 0, "The part of the run on the timeline (5ms..12ms)", 3},
    {"beside", OPTION_BESIDE, "KEY=VALUE", 0,
     "With the run that has this value instead as its ghost, and both runs' numbers; repeatable",
     3},
    {0},
};

StudioOptions studio_options(int w, int h)
{
    return (StudioOptions){.show = {.w = w,
                                    .h = h,
                                    .w_least = SIDE_LEAST,
                                    .h_least = SIDE_LEAST,
                                    .side_most = CANVAS_SIDE_MAX}};
}

static int64_t parse_time(struct argp_state *state, const char *text, size_t length)
{
    int64_t ns = 0;
    if (quantity_duration(text, length, &ns) != QUANTITY_GOOD)
        argp_error(state, "'%.*s' is no time; 12ms is one (ns, us, ms, s, min, h)", (int)length,
                   text);
    return ns;
}

int64_t studio_parse_time(struct argp_state *state, const char *text)
{
    return parse_time(state, text, strlen(text));
}

static void parse_view(StudioOptions *asked, struct argp_state *state, const char *name)
{
    for (asked->view = 0; asked->view < VIEW_COUNT; asked->view++) {
        if (strcmp(views[asked->view].name, name) == 0)
            return;
    }
    argp_error(state, "'%s' is no view; there are play, machine, now, program and timeline", name);
}

static void parse_zoom(StudioOptions *asked, struct argp_state *state, const char *text)
{
    const char *dots = strstr(text, "..");
    if (dots == NULL)
        argp_error(state, "'%s' is no part of the run; 5ms..12ms is one", text);
    asked->has_zoom = true;
    asked->zoom.from_ns = parse_time(state, text, (size_t)(dots - text));
    asked->zoom.to_ns = studio_parse_time(state, dots + 2);
    if (asked->zoom.from_ns >= asked->zoom.to_ns)
        argp_error(state, "'%s': a part of the run ends after it begins", text);
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    StudioOptions *asked = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &asked->show;
        return 0;
    case OPTION_OUTPUT:
        asked->output = value;
        return 0;
    case OPTION_BESIDE:
        if (asked->beside_count == CLI_OVERRIDES_MAX)
            argp_error(state, "more than %d values", CLI_OVERRIDES_MAX);
        asked->beside[asked->beside_count++] = value;
        return 0;
    case OPTION_VIEW:
        parse_view(asked, state, value);
        return 0;
    case OPTION_SELECT:
        asked->task = value;
        return 0;
    case OPTION_WHY:
        asked->why = true;
        return 0;
    case OPTION_ZOOM:
        parse_zoom(asked, state, value);
        return 0;
    case ARGP_KEY_END: // after the child's, which sees to it that there is a FILE
        if (asked->output == NULL)
            argp_error(state, "-o OUT is needed: where to write it");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&show_argp, 0, NULL, 0}, {0}};
const struct argp studio_argp = {.options = options, .parser = parse_option, .children = children};

// ---- the studio

// NULL, with messages, when it cannot be run.
static Take *make_take(const TakeSource *source, const char *const *overrides, size_t count)
{
    char *error;
    Take *take = take_from(source, overrides, count, ringside_run, NULL, &error);
    if (take == NULL)
        fputs(error, stderr);
    free(error);
    return take;
}

// The run that is asked for and, when another is asked for beside it, that one, each override of it
// in the place of one before.
static bool make_takes(Studio *studio, StudioOptions *asked, Diag *diag)
{
    TakeSource source;
    const ShowOptions *show = &asked->show;
    if (!show_source(&asked->show, &source, diag))
        return false;
    studio->take = make_take(&source, show->scenario.overrides, show->scenario.override_count);
    if (studio->take == NULL || asked->beside_count == 0)
        return studio->take != NULL;
    const char *overrides[2 * CLI_OVERRIDES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < show->scenario.override_count; i++)
        overrides[count++] = show->scenario.overrides[i];
    for (size_t i = 0; i < asked->beside_count; i++)
        overrides[count++] = asked->beside[i];
    studio->before = make_take(&source, overrides, count);
    return studio->before != NULL;
}

static void open_player(Studio *studio)
{
    Player *player = &studio->player;
    player_open(player, studio->before != NULL ? studio->before : studio->take);
    if (studio->before != NULL)
        player_show(player, studio->take);
    player->theme = studio->asked->show.dark ? THEME_DARK : THEME_LIGHT;
    player->large = studio->asked->show.large;
    player->why = studio->asked->why;
}

// The coroutine of that name ("worker #3"); false when there is none.
static bool select_coroutine(Studio *studio, const char *name)
{
    const Recording *recording = studio->player.recording;
    RecordFilter filter = {.core = CORE_NONE, .by_kind = true};
    char text[96];
    const char *number = strrchr(name, '#');
    if (number == NULL)
        return false;
    unsigned long serial = strtoul(number + 1, NULL, 10);
    filter.kinds[EVENT_COROUTINE_CREATED] = true;
    int64_t at = recording_find(recording, 0, 1, &filter);
    for (; at != RECORD_NONE; at = recording_find(recording, (uint64_t)at + 1, 1, &filter)) {
        uint64_t coroutine = recording_at(recording, (uint64_t)at)->a;
        if (coroutine_serial(coroutine) != serial)
            continue;
        coroutine_name(&studio->player, coroutine_serial(coroutine), coroutine_function(coroutine),
                       text);
        if (strcmp(text, name) == 0)
            studio->player.selected_coroutine = coroutine_serial(coroutine);
    }
    return studio->player.selected_coroutine != 0;
}

// The thread of that name, or a message with the nearest one.
static bool select_task(Studio *studio, const char *name, Diag *diag)
{
    const Recording *recording = studio->player.recording;
    uint32_t count = recording->tasks.id_max;
    Arena arena = {0};
    const char **names = ARENA_ARRAY(&arena, const char *, count + 1);
    char text[96];
    for (uint32_t task = 1; task <= count && studio->player.selected_task == 0; task++) {
        recording_task_name(recording, task, text);
        if (strcmp(text, name) == 0)
            studio->player.selected_task = task;
        names[task - 1] = arena_text(&arena, text, strlen(text));
    }
    bool found = studio->player.selected_task != 0;
    const char *nearest = found ? NULL : diag_nearest(name, names, count);
    if (!found && nearest != NULL)
        diag_fail(diag, (SourceAt){0}, "no thread is called '%s'; did you mean '%s'?", name,
                  nearest);
    else if (!found)
        diag_fail(diag, (SourceAt){0}, "no thread is called '%s'", name);
    arena_free(&arena);
    return found;
}

static bool set_zoom(Studio *studio, TimeSpan zoom, Diag *diag)
{
    int64_t end = player_whole(&studio->player).to_ns;
    char ended[32];
    if (zoom.from_ns >= end)
        return diag_fail(diag, (SourceAt){0}, "there is nothing to zoom to: the run ends at %s",
                         duration_text(end, ended));
    studio->player.zoom = (TimeSpan){zoom.from_ns, zoom.to_ns < end ? zoom.to_ns : end};
    return true;
}

static bool set_up(Studio *studio, StudioOptions *asked, Diag *diag)
{
    if (!make_takes(studio, asked, diag) || !fonts_open(&studio->fonts, diag))
        return false;
    open_player(studio);
    bool window = views[asked->view].draw == NULL;
    studio->theme = window ? theme_for_window(studio->player.theme, studio->player.large, 1,
                                              asked->show.w, asked->show.h)
                           : theme_make(studio->player.theme, studio->player.large, 1);
    canvas_open(&studio->canvas, asked->show.w, asked->show.h);
    return (!asked->has_zoom || set_zoom(studio, asked->zoom, diag)) &&
           (asked->task == NULL || select_coroutine(studio, asked->task) ||
            select_task(studio, asked->task, diag));
}

bool studio_open(Studio *studio, StudioOptions *asked)
{
    *studio = (Studio){.asked = asked};
    Diag diag = {0};
    bool good = set_up(studio, asked, &diag);
    if (diag.first != NULL)
        cli_show(&diag);
    diag_free(&diag);
    return good;
}

void studio_draw(Studio *studio)
{
    int w = studio->canvas.w, h = studio->canvas.h;
    DrawList *frame = &studio->frame;
    draw_begin(frame, studio->fonts, &studio->theme, w, h);
    if (views[studio->asked->view].draw == NULL) {
        layout_draw(frame, w, h, &studio->player);
    } else {
        draw_fill(frame, frame->frame, COLOUR_GROUND);
        Box inside = box_inset(frame->frame, theme_px(&studio->theme, 10));
        views[studio->asked->view].draw(frame, inside, &studio->player);
    }
    canvas_draw(&studio->canvas, frame);
}

void studio_close(Studio *studio)
{
    if (studio->player.take != NULL)
        player_free(&studio->player);
    take_free(studio->take);
    take_free(studio->before);
    draw_free(&studio->frame);
    canvas_free(&studio->canvas);
    fonts_close(studio->fonts);
}
