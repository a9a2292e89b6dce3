#include "render/cmd_stage.h"

#include "render/views.h"
#include "sim/base/time.h"
#include "sim/cli.h"
#include "sim/cli_shipped.h"
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
    OPTION_SET = 0x100,
    OPTION_SEED,
    OPTION_UNTIL,
    OPTION_BESIDE,
    OPTION_SIZE,
    OPTION_THEME,
    OPTION_LARGE,
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
    {"select", OPTION_SELECT, "THREAD", 0, "With this thread selected", 3},
    {"why", OPTION_WHY, NULL, 0, "Why that thread does not run, instead of the event", 3},
    {"zoom", OPTION_ZOOM, "FROM..TO", 0, "The part of the run on the timeline (5ms..12ms)", 3},
    {"beside", OPTION_BESIDE, "KEY=VALUE", 0,
     "With the run that has this value instead as its ghost, and both runs' numbers; repeatable",
     3},
    {"size", OPTION_SIZE, "WxH", 0, "In pixels", 3},
    {"theme", OPTION_THEME, "light|dark", 0, "The colours (default light)", 3},
    {"large", OPTION_LARGE, NULL, 0, "Large type", 3},
    {NULL, 0, NULL, 0, "What to change:", 4},
    {"set", OPTION_SET, "KEY=VALUE", 0, "A value in the file's place (machine.cores=4); repeatable",
     4},
    {"seed", OPTION_SEED, "N", 0, "Where the random numbers begin", 4},
    {"until", OPTION_UNTIL, "DURATION", 0, "The end of simulated time (2s)", 4},
    {0},
};

static void add_override(StageOptions *asked, struct argp_state *state, const char *text)
{
    if (asked->override_count == STAGE_OVERRIDES_MAX)
        argp_error(state, "more than %d overrides", STAGE_OVERRIDES_MAX);
    asked->overrides[asked->override_count++] = text;
}

static int64_t parse_time(struct argp_state *state, const char *text, size_t length)
{
    int64_t ns = 0;
    if (quantity_duration(text, length, &ns) != QUANTITY_GOOD)
        argp_error(state, "'%.*s' is no time; 12ms is one (ns, us, ms, s, min, h)", (int)length,
                   text);
    return ns;
}

int64_t stage_parse_time(struct argp_state *state, const char *text)
{
    return parse_time(state, text, strlen(text));
}

static void parse_size(StageOptions *asked, struct argp_state *state, const char *text)
{
    char rest;
    if (sscanf(text, "%dx%d%c", &asked->w, &asked->h, &rest) != 2 || asked->w < SIDE_LEAST ||
        asked->h < SIDE_LEAST || asked->w > CANVAS_SIDE_MAX || asked->h > CANVAS_SIDE_MAX)
        argp_error(state, "'%s' is no size; 1600x900 is one (from %dx%d to %dx%d)", text,
                   SIDE_LEAST, SIDE_LEAST, CANVAS_SIDE_MAX, CANVAS_SIDE_MAX);
}

static void parse_view(StageOptions *asked, struct argp_state *state, const char *name)
{
    for (asked->view = 0; asked->view < VIEW_COUNT; asked->view++) {
        if (strcmp(views[asked->view].name, name) == 0)
            return;
    }
    argp_error(state, "'%s' is no view; there are play, machine, now, program and timeline", name);
}

static void parse_zoom(StageOptions *asked, struct argp_state *state, const char *text)
{
    const char *dots = strstr(text, "..");
    if (dots == NULL)
        argp_error(state, "'%s' is no part of the run; 5ms..12ms is one", text);
    asked->has_zoom = true;
    asked->zoom.from_ns = parse_time(state, text, (size_t)(dots - text));
    asked->zoom.to_ns = stage_parse_time(state, dots + 2);
    if (asked->zoom.from_ns >= asked->zoom.to_ns)
        argp_error(state, "'%s': a part of the run ends after it begins", text);
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    StageOptions *asked = state->input;
    switch (key) {
    case OPTION_OUTPUT:
        asked->output = value;
        return 0;
    case OPTION_SET:
        add_override(asked, state, value);
        return 0;
    case OPTION_SEED:
        add_override(asked, state, arena_format(&asked->arena, "seed=%s", value));
        return 0;
    case OPTION_UNTIL:
        add_override(asked, state, arena_format(&asked->arena, "until=%s", value));
        return 0;
    case OPTION_BESIDE:
        if (asked->beside_count == STAGE_OVERRIDES_MAX)
            argp_error(state, "more than %d values", STAGE_OVERRIDES_MAX);
        asked->beside[asked->beside_count++] = value;
        return 0;
    case OPTION_SIZE:
        parse_size(asked, state, value);
        return 0;
    case OPTION_THEME:
        asked->dark = strcmp(value, "dark") == 0;
        if (!asked->dark && strcmp(value, "light") != 0)
            argp_error(state, "'%s' is no theme; there are light and dark", value);
        return 0;
    case OPTION_LARGE:
        asked->large = true;
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
    case ARGP_KEY_ARG:
        if (asked->file != NULL)
            argp_error(state, "only one FILE at a time");
        asked->file = value;
        return 0;
    case ARGP_KEY_END:
        if (asked->file == NULL)
            argp_error(state, "a FILE is needed");
        if (asked->output == NULL)
            argp_error(state, "-o OUT is needed: where to write it");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp stage_argp = {.options = options, .parser = parse_option};

// ---- the stage

// What is drawn is read from: a file, or standard input's bytes.
typedef struct Input {
    const char *path;
    const char *bytes; // NULL: of the file
    size_t length;
} Input;

static bool find_input(Input *input, StageOptions *asked, Diag *diag)
{
    *input = (Input){.path = shipped_find(&asked->arena, asked->file, diag)};
    if (input->path == NULL || strcmp(input->path, "-") != 0)
        return input->path != NULL;
    input->bytes = cli_read(&asked->arena, "-", &input->length, diag);
    return input->bytes != NULL;
}

// NULL, with messages, when it cannot be run.
static Take *make_take(const Input *input, const char *const *overrides, size_t count)
{
    char *error;
    Take *take = input->bytes != NULL
                     ? take_of_bytes("<stdin>", input->bytes, input->length, overrides, count,
                                     ringside_run, &error)
                     : take_make(input->path, overrides, count, ringside_run, NULL, &error);
    if (take == NULL)
        fputs(error, stderr);
    free(error);
    return take;
}

// The run that is asked for and, when another is asked for beside it, that one, each override of it
// in the place of one before.
static bool make_takes(Stage *stage, StageOptions *asked, Diag *diag)
{
    Input input;
    if (!find_input(&input, asked, diag))
        return false;
    stage->take = make_take(&input, asked->overrides, asked->override_count);
    if (stage->take == NULL || asked->beside_count == 0)
        return stage->take != NULL;
    const char *overrides[2 * STAGE_OVERRIDES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < asked->override_count; i++)
        overrides[count++] = asked->overrides[i];
    for (size_t i = 0; i < asked->beside_count; i++)
        overrides[count++] = asked->beside[i];
    stage->before = make_take(&input, overrides, count);
    return stage->before != NULL;
}

static void open_player(Stage *stage)
{
    Player *player = &stage->player;
    player_open(player, stage->before != NULL ? stage->before : stage->take);
    if (stage->before != NULL)
        player_show(player, stage->take);
    player->theme = stage->asked->dark ? THEME_DARK : THEME_LIGHT;
    player->large = stage->asked->large;
    player->why = stage->asked->why;
}

// The thread of that name, or a message with the nearest one.
static bool select_task(Stage *stage, const char *name, Diag *diag)
{
    const Recording *recording = stage->player.recording;
    uint32_t count = recording->tasks.id_max;
    Arena arena = {0};
    const char **names = ARENA_ARRAY(&arena, const char *, count + 1);
    char text[96];
    for (uint32_t task = 1; task <= count && stage->player.selected_task == 0; task++) {
        recording_task_name(recording, task, text);
        if (strcmp(text, name) == 0)
            stage->player.selected_task = task;
        names[task - 1] = arena_text(&arena, text, strlen(text));
    }
    bool found = stage->player.selected_task != 0;
    const char *nearest = found ? NULL : diag_nearest(name, names, count);
    if (!found && nearest != NULL)
        diag_fail(diag, (SourceAt){0}, "no thread is called '%s'; did you mean '%s'?", name,
                  nearest);
    else if (!found)
        diag_fail(diag, (SourceAt){0}, "no thread is called '%s'", name);
    arena_free(&arena);
    return found;
}

static bool set_zoom(Stage *stage, TimeSpan zoom, Diag *diag)
{
    int64_t end = player_whole(&stage->player).to_ns;
    char ended[32];
    if (zoom.from_ns >= end)
        return diag_fail(diag, (SourceAt){0}, "there is nothing to zoom to: the run ends at %s",
                         duration_text(end, ended));
    stage->player.zoom = (TimeSpan){zoom.from_ns, zoom.to_ns < end ? zoom.to_ns : end};
    return true;
}

static bool set_up(Stage *stage, StageOptions *asked, Diag *diag)
{
    if (!make_takes(stage, asked, diag) || !fonts_open(&stage->fonts, diag))
        return false;
    open_player(stage);
    stage->theme = theme_make(stage->player.theme, stage->player.large, 1);
    canvas_open(&stage->canvas, asked->w, asked->h);
    return (!asked->has_zoom || set_zoom(stage, asked->zoom, diag)) &&
           (asked->task == NULL || select_task(stage, asked->task, diag));
}

bool stage_open(Stage *stage, StageOptions *asked)
{
    *stage = (Stage){.asked = asked};
    Diag diag = {0};
    bool good = set_up(stage, asked, &diag);
    if (diag.first != NULL)
        cli_show(&diag);
    diag_free(&diag);
    return good;
}

void stage_draw(Stage *stage)
{
    int w = stage->canvas.w, h = stage->canvas.h;
    DrawList *frame = &stage->frame;
    draw_begin(frame, stage->fonts, &stage->theme, w, h);
    if (views[stage->asked->view].draw == NULL) {
        layout_draw(frame, w, h, &stage->player);
    } else {
        draw_fill(frame, frame->frame, COLOUR_GROUND);
        Box inside = box_inset(frame->frame, theme_px(&stage->theme, 10));
        views[stage->asked->view].draw(frame, inside, &stage->player);
    }
    canvas_draw(&stage->canvas, frame);
}

void stage_close(Stage *stage)
{
    if (stage->player.take != NULL)
        player_free(&stage->player);
    take_free(stage->take);
    take_free(stage->before);
    draw_free(&stage->frame);
    canvas_free(&stage->canvas);
    fonts_close(stage->fonts);
}
