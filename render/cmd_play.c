// `ringside play FILE`: the window. Feeds the player events and time, draws its frames, and fulfils
// what it asks for: another run, a picture, the whole screen.
#include "render/rerun.h"
#include "render/sdl.h"
#include "render/views.h"
#include "sim/cli.h"
#include "sim/cli_shipped.h"
#include "sim/ringside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// ---- the command line

enum { OVERRIDES_MAX = 256, WINDOW_W = 1600, WINDOW_H = 900 };

typedef struct Options {
    Arena arena;
    const char *file;
    const char *overrides[OVERRIDES_MAX + PLAYER_OVERRIDES];
    size_t override_count;
    int w, h;
    bool dark, large, fullscreen, say, places;
} Options;

enum { OPTION_SET = 's', OPTION_SEED = 'S', OPTION_UNTIL = 'u', OPTION_SIZE = 'z' };
enum { OPTION_THEME = 't', OPTION_LARGE = 'l', OPTION_FULLSCREEN = 'f' };
enum { OPTION_SAY = 'y', OPTION_PLACES = 'p' };

static const struct argp_option options[] = {
    {"set", OPTION_SET, "KEY=VALUE", 0, "A value in the file's place (machine.cores=4); repeatable",
     1},
    {"seed", OPTION_SEED, "N", 0, "Where the random numbers begin", 1},
    {"until", OPTION_UNTIL, "DURATION", 0, "The end of simulated time (2s)", 1},
    {"theme", OPTION_THEME, "light|dark", 0, "The colours (default light, for projectors)", 2},
    {"large", OPTION_LARGE, NULL, 0, "Large type, for the back row", 2},
    {"size", OPTION_SIZE, "WxH", 0, "The window's size (default 1600x900)", 2},
    {"fullscreen", OPTION_FULLSCREEN, NULL, 0, "The whole screen", 2},
    {NULL, 0, NULL, 0, "For scripts:", 3},
    {"say", OPTION_SAY, NULL, 0,
     "Says on standard output what is shown, whenever that changes: event, time, a hash of the "
     "scene, zoom, selection",
     3},
    {"places", OPTION_PLACES, NULL, 0, "And where each thread and core can be clicked", 3},
    {0},
};

static void add_override(Options *asked, struct argp_state *state, const char *text)
{
    if (asked->override_count == OVERRIDES_MAX)
        argp_error(state, "more than %d overrides", OVERRIDES_MAX);
    asked->overrides[asked->override_count++] = text;
}

static void parse_size(Options *asked, struct argp_state *state, const char *text)
{
    char rest;
    if (sscanf(text, "%dx%d%c", &asked->w, &asked->h, &rest) != 2 || asked->w < 1024 ||
        asked->h < 640 || asked->w > 16384 || asked->h > 16384)
        argp_error(state, "'%s' is no size; 1600x900 is one, and 1024x640 the smallest", text);
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    Options *asked = state->input;
    switch (key) {
    case OPTION_SET:
        add_override(asked, state, value);
        return 0;
    case OPTION_SEED:
        add_override(asked, state, arena_format(&asked->arena, "seed=%s", value));
        return 0;
    case OPTION_UNTIL:
        add_override(asked, state, arena_format(&asked->arena, "until=%s", value));
        return 0;
    case OPTION_THEME:
        asked->dark = strcmp(value, "dark") == 0;
        if (!asked->dark && strcmp(value, "light") != 0)
            argp_error(state, "'%s' is no theme; there are light and dark", value);
        return 0;
    case OPTION_LARGE:
        asked->large = true;
        return 0;
    case OPTION_SIZE:
        parse_size(asked, state, value);
        return 0;
    case OPTION_FULLSCREEN:
        asked->fullscreen = true;
        return 0;
    case OPTION_SAY:
        asked->say = true;
        return 0;
    case OPTION_PLACES:
        asked->say = asked->places = true;
        return 0;
    case ARGP_KEY_ARG:
        if (asked->file != NULL)
            argp_error(state, "only one FILE at a time");
        asked->file = value;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "a FILE is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "FILE",
    .doc = "Opens the window on a scenario: a file, the name of one that ships (see `ringside "
           "list`), or a trace that `ringside run --save` wrote. In it, H shows the keys."
           "\vExamples:\n"
           "  ringside play philosophers-deadlock\n"
           "  ringside play my.yaml --theme dark --large --set machine.cores=4",
};

// ---- the show

typedef struct Show {
    Options asked;
    const char *path;
    struct stat seen; // the file as it was last read
    Rerun *rerun;
    Take *take, *before; // owned: what the player shows, and its ghost
    char *error;         // of the last run, owned
    char message[128];
    Player player;
    SdlWindow *window;
    Canvas canvas;
    DrawList frame;
    Fonts *fonts;
    bool dirty, closed;
    char said[512];
} Show;

static void draw(Show *show)
{
    int w, h;
    float density;
    sdl_window_size(show->window, &w, &h, &density);
    Theme theme = theme_make(show->player.theme, show->player.large, density);
    canvas_resize(&show->canvas, w, h);
    draw_begin(&show->frame, show->fonts, &theme, w, h);
    layout_draw(&show->frame, w, h, &show->player);
    canvas_draw(&show->canvas, &show->frame);
    sdl_window_show(show->window, &show->canvas);
    show->dirty = false;
}

static void say_places(const Show *show)
{
    char name[96];
    for (size_t i = 0; i < show->frame.hits.count; i++) {
        const Hit *hit = &show->frame.hits.at[i];
        int x = hit->box.x + hit->box.w / 2, y = hit->box.y + hit->box.h / 2;
        if (hit->action == HIT_TASK)
            printf("  %d,%d thread %s\n", x, y,
                   recording_task_name(show->player.recording, hit->argument, name));
        else if (hit->action == HIT_CORE)
            printf("  %d,%d core %" PRIu32 "\n", x, y, hit->argument);
        else if (hit->action == HIT_TIMELINE || hit->action == HIT_SEEK)
            printf("  %d,%d %s, %d wide\n", x, y, hit->action == HIT_SEEK ? "bar" : "timeline",
                   hit->box.w);
    }
}

static void say(Show *show)
{
    const Player *player = &show->player;
    if (!show->asked.say)
        return;
    char line[sizeof show->said], name[96];
    snprintf(line, sizeof line,
             "event %" PRIu64 " of %" PRIu64 "  time %" PRId64 "  scene %016" PRIx64
             "  zoom %" PRId64 "-%" PRId64 "  selected %s  cores %" PRIu32 "  size %dx%d%s%s%s",
             player->scene.next, player->recording->count, player->time_ns,
             scene_hash(&player->scene), player->zoom.from_ns, player->zoom.to_ns,
             recording_task_name(player->recording, player->selected_task, name),
             player->scenario->machine.cores, show->canvas.w, show->canvas.h,
             player->playing ? "  playing" : "", player->error != NULL ? "  error" : "",
             player->help ? "  help" : "");
    if (strcmp(line, show->said) == 0)
        return;
    strcpy(show->said, line);
    puts(line);
    if (show->asked.places)
        say_places(show);
    fflush(stdout);
}

// ---- what the player asks for

static void run_again(Show *show)
{
    const Options *asked = &show->asked;
    Arena arena = {0};
    const char *overrides[OVERRIDES_MAX + PLAYER_OVERRIDES];
    memcpy(overrides, asked->overrides, asked->override_count * sizeof *overrides);
    size_t count = asked->override_count +
                   player_overrides(&show->player, &arena, overrides + asked->override_count);
    stat(show->path, &show->seen);
    rerun_start(show->rerun, overrides, count);
    arena_free(&arena);
}

static void take_over(Show *show)
{
    Take *take;
    char *error;
    if (!rerun_collect(show->rerun, &take, &error))
        return;
    show->dirty = true;
    if (take == NULL)
        player_fail(&show->player, error);
    free(show->error);
    show->error = error;
    if (take == NULL)
        return;
    Take *oldest = show->before;
    show->before = show->take;
    show->take = take;
    player_show(&show->player, take);
    take_free(oldest);
}

// The first name that is still free, in the folder that ringside was started in.
static bool free_name(const Show *show, char *path, size_t bytes)
{
    const char *name = strrchr(show->path, '/');
    name = name != NULL ? name + 1 : show->path;
    int length = (int)strcspn(name, ".");
    for (int i = 1; i < 1000; i++) {
        snprintf(path, bytes, "%.*s-%d.png", length > 60 ? 60 : length, name, i);
        if (access(path, F_OK) != 0)
            return true;
    }
    return false;
}

static void save_picture(Show *show)
{
    Diag diag = {0};
    char path[96];
    if (!free_name(show, path, sizeof path))
        snprintf(show->message, sizeof show->message, "there are 999 pictures already");
    else if (canvas_save_png(&show->canvas, path, &diag))
        snprintf(show->message, sizeof show->message, "%s is written", path);
    else
        snprintf(show->message, sizeof show->message, "%s cannot be written", path);
    show->player.message = show->message;
    diag_free(&diag);
}

static void fulfil(Show *show)
{
    switch (player_take_request(&show->player)) {
    case REQUEST_RUN:
        run_again(show);
        break;
    case REQUEST_PICTURE:
        save_picture(show);
        break;
    case REQUEST_FULLSCREEN:
        sdl_window_fullscreen(show->window, show->player.fullscreen);
        break;
    case REQUEST_QUIT:
        show->closed = true;
        break;
    case REQUEST_NONE:
        break;
    }
}

// The file has been written since it was last read: by an editor, in place or renamed over it.
static void watch(Show *show)
{
    struct stat now;
    if (show->take->saved || stat(show->path, &now) != 0)
        return;
    const struct stat *seen = &show->seen;
    bool same = now.st_ino == seen->st_ino && now.st_size == seen->st_size &&
                now.st_mtim.tv_sec == seen->st_mtim.tv_sec &&
                now.st_mtim.tv_nsec == seen->st_mtim.tv_nsec;
    if (!same)
        run_again(show);
}

// ---- the loop

static void react(Show *show, const WindowEvent *event)
{
    show->dirty = show->dirty || event->kind != WINDOW_POINTER ||
                  event->pointer.kind != POINTER_MOVE || show->player.pressed.action != HIT_NONE;
    if (event->kind == WINDOW_KEY)
        player_key(&show->player, event->key);
    else if (event->kind == WINDOW_POINTER)
        player_pointer(&show->player, &show->frame, event->pointer);
    else if (event->kind == WINDOW_CLOSED)
        show->closed = true;
    fulfil(show);
}

enum { FRAME_MS = 16, WATCH_MS = 200 };

static void loop(Show *show)
{
    double then = sdl_seconds(), watched = then;
    draw(show);
    say(show);
    while (!show->closed) {
        bool moves = show->player.playing || show->player.moved < 1;
        WindowEvent event;
        int wait = show->dirty ? 0 : moves ? FRAME_MS : WATCH_MS;
        bool came = sdl_window_event(show->window, wait, &event);
        while (came && !show->closed) {
            react(show, &event);
            came = sdl_window_event(show->window, 0, &event);
        }
        double now = sdl_seconds();
        if (player_pass(&show->player, now - then))
            show->dirty = true;
        then = now;
        if (now - watched > WATCH_MS / 1000.0) {
            watch(show);
            watched = now;
        }
        take_over(show);
        if (show->dirty && !show->closed)
            draw(show);
        say(show);
    }
}

static bool open_show(Show *show, Diag *diag)
{
    show->path = shipped_find(&show->asked.arena, show->asked.file, diag);
    if (show->path == NULL || !fonts_open(&show->fonts, diag))
        return false;
    stat(show->path, &show->seen);
    char *error;
    show->take = take_make(show->path, show->asked.overrides, show->asked.override_count,
                           ringside_run, NULL, &error);
    if (show->take == NULL) {
        fputs(error, stderr);
        free(error);
        return false;
    }
    player_open(&show->player, show->take);
    show->player.theme = show->asked.dark ? THEME_DARK : THEME_LIGHT;
    show->player.large = show->asked.large;
    show->player.fullscreen = show->asked.fullscreen;
    show->window = sdl_window_open(show->take->scenario.title, show->asked.w, show->asked.h, diag);
    if (show->window == NULL)
        return false;
    show->rerun = rerun_open(show->path, ringside_run);
    canvas_open(&show->canvas, show->asked.w, show->asked.h);
    if (show->asked.fullscreen)
        sdl_window_fullscreen(show->window, true);
    return true;
}

static void close_show(Show *show)
{
    if (show->rerun != NULL) {
        rerun_close(show->rerun);
        canvas_free(&show->canvas);
    }
    sdl_window_close(show->window);
    if (show->take != NULL)
        player_free(&show->player);
    take_free(show->take);
    take_free(show->before);
    draw_free(&show->frame);
    fonts_close(show->fonts);
    free(show->error);
    arena_free(&show->asked.arena);
    free(show);
}

int cmd_play(int argc, char **argv)
{
    Show *show = calloc(1, sizeof *show);
    if (show == NULL)
        return cli_wrong("no memory left");
    show->asked.w = WINDOW_W;
    show->asked.h = WINDOW_H;
    cli_parse(&argp, argc, argv, &show->asked);
    Diag diag = {0};
    bool good = open_show(show, &diag);
    if (good)
        loop(show);
    if (diag.first != NULL)
        cli_show(&diag);
    diag_free(&diag);
    close_show(show);
    return good ? CLI_OK : CLI_WRONG;
}
