// `ringside play FILE`: the window. Feeds the player events and time, draws its frames, and fulfils
// what it asks for: another run, a picture, the whole screen.
#include "render/cmd_options.h"
#include "render/rerun.h"
#include "render/sdl.h"
#include "render/views.h"
#include "sim/cli.h"
#include "sim/ringside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// ---- the command line

enum { WINDOW_W = 1600, WINDOW_H = 900, LEAST_W = 1024, LEAST_H = 640, SIDE_MOST = 16384 };

typedef struct Options {
    ShowOptions show;
    bool fullscreen, say, places;
} Options;

enum { OPTION_FULLSCREEN = 0x100, OPTION_SAY, OPTION_PLACES };

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "What to show:", 3},
    {"fullscreen", OPTION_FULLSCREEN, NULL, 0, "The whole screen", 3},
    {NULL, 0, NULL, 0, "For scripts:", 5},
    {"say", OPTION_SAY, NULL, 0,
     "Says on standard output what is shown, whenever that changes: event, time, a hash of the "
     "scene, zoom, selection",
     5},
    {"places", OPTION_PLACES, NULL, 0, "And where each thread and core can be clicked", 5},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    (void)value;
    Options *asked = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &asked->show;
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
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&show_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .children = children,
    .args_doc = "FILE",
    .doc = "Opens the window on a scenario: a file, the name of one that ships (see `ringside "
           "list`), a trace that `ringside run --save` wrote, or standard input (-). In it, H "
           "shows the keys."
           "\vExamples:\n"
           "  ringside play philosophers-deadlock\n"
           "  ringside play my.yaml --theme dark --large --set machine.cores=4",
};

// ---- the show

typedef struct Show {
    Options asked;
    TakeSource source;
    struct stat seen; // the file as it was last read
    int missed;       // how often in a row it was not there when it was looked for
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
    Theme theme = theme_for_window(show->player.theme, show->player.large, density, w, h);
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
    const ShowOptions *asked = &show->asked.show;
    Arena arena = {0};
    size_t count;
    const char **overrides = player_overrides(&show->player, &arena, asked->scenario.overrides,
                                              asked->scenario.override_count, &count);
    if (show->source.bytes == NULL)
        stat(show->source.path, &show->seen);
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
    rerun_drop(show->rerun, oldest);
}

// The first name that is still free, in the folder that ringside was started in.
static bool free_name(const Show *show, char *path, size_t bytes)
{
    const char *given = show->source.bytes != NULL ? "stdin" : show->source.path;
    const char *name = strrchr(given, '/');
    name = name != NULL ? name + 1 : given;
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

// The file has been written since it was last read: by an editor, in place or renamed over it. Or
// it is gone, and not only for the moment in which an editor renames: then reading it again says
// so.
static void watch(Show *show)
{
    enum { MISSED_MOST = 3 };
    struct stat now;
    if (show->take->saved || show->source.bytes != NULL)
        return;
    if (stat(show->source.path, &now) != 0) {
        if (++show->missed == MISSED_MOST) {
            show->seen = (struct stat){0}; // whatever comes there is new
            run_again(show);
        }
        return;
    }
    show->missed = 0;
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

// ---- the first run

// While a long run is not done yet: what is waited for.
static void draw_waiting(Show *show)
{
    int w, h;
    float density;
    const ShowOptions *asked = &show->asked.show;
    sdl_window_size(show->window, &w, &h, &density);
    Theme theme =
        theme_for_window(asked->dark ? THEME_DARK : THEME_LIGHT, asked->large, density, w, h);
    canvas_resize(&show->canvas, w, h);
    draw_begin(&show->frame, show->fonts, &theme, w, h);
    Box all = show->frame.frame;
    draw_fill(&show->frame, all, COLOUR_GROUND);
    draw_text(&show->frame, box_cut_top(&all, h / 2), ALIGN_CENTRE, STYLE_TITLE, COLOUR_ACCENT,
              "ringside");
    draw_text(&show->frame, box_cut_top(&all, h / 8), ALIGN_CENTRE, STYLE_BODY, COLOUR_TEXT,
              "It is a long run; it is shown when it is done.");
    canvas_draw(&show->canvas, &show->frame);
    sdl_window_show(show->window, &show->canvas);
}

static bool open_window(Show *show, const char *title, Diag *diag)
{
    const ShowOptions *asked = &show->asked.show;
    show->window = sdl_window_open(title, asked->w, asked->h, diag);
    if (show->window == NULL)
        return false;
    canvas_open(&show->canvas, asked->w, asked->h);
    if (show->asked.fullscreen)
        sdl_window_fullscreen(show->window, true);
    return true;
}

// The run takes longer than anybody waits for a window: shows one meanwhile, which can be closed.
static bool wait_in_window(Show *show, char **error, Diag *diag)
{
    if (!open_window(show, "ringside", diag))
        return false;
    draw_waiting(show);
    if (show->asked.say) {
        puts("runs");
        fflush(stdout);
    }
    while (!show->closed && !rerun_collect(show->rerun, &show->take, error)) {
        WindowEvent event;
        if (!sdl_window_event(show->window, FRAME_MS, &event))
            continue;
        if (event.kind == WINDOW_CHANGED)
            draw_waiting(show);
        show->closed =
            event.kind == WINDOW_CLOSED || (event.kind == WINDOW_KEY && event.key == KEY_QUIT);
    }
    return true;
}

// False, with a message, when there is no first run. When the window was closed before it was done
// there is neither a run nor a message.
static bool first_take(Show *show, Diag *diag)
{
    enum { PATIENCE_MS = 100 };
    const ShowOptions *asked = &show->asked.show;
    char *error = NULL;
    rerun_start(show->rerun, asked->scenario.overrides, asked->scenario.override_count);
    bool done = false;
    for (int i = 0; i < PATIENCE_MS && !done; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        done = rerun_collect(show->rerun, &show->take, &error);
    }
    if (!done && !wait_in_window(show, &error, diag))
        return false;
    if (error != NULL)
        fputs(error, stderr);
    bool good = error == NULL;
    free(error);
    return good;
}

static bool open_show(Show *show, Diag *diag)
{
    const ShowOptions *asked = &show->asked.show;
    if (!show_source(&show->asked.show, &show->source, diag) || !fonts_open(&show->fonts, diag))
        return false;
    if (show->source.bytes == NULL)
        stat(show->source.path, &show->seen);
    show->rerun = rerun_open(&show->source, ringside_run);
    if (!first_take(show, diag))
        return false;
    if (show->closed)
        return true;
    player_open(&show->player, show->take);
    show->player.theme = asked->dark ? THEME_DARK : THEME_LIGHT;
    show->player.large = asked->large;
    show->player.fullscreen = show->asked.fullscreen;
    if (show->window == NULL)
        return open_window(show, show->take->scenario.title, diag);
    sdl_window_title(show->window, show->take->scenario.title);
    return true;
}

static void close_show(Show *show)
{
    if (show->rerun != NULL)
        rerun_close(show->rerun);
    if (show->window != NULL)
        canvas_free(&show->canvas);
    sdl_window_close(show->window);
    if (show->player.take != NULL)
        player_free(&show->player);
    take_free(show->take);
    take_free(show->before);
    draw_free(&show->frame);
    fonts_close(show->fonts);
    free(show->error);
    arena_free(&show->asked.show.scenario.arena);
    free(show);
}

int cmd_play(int argc, char **argv)
{
    Show *show = calloc(1, sizeof *show);
    if (show == NULL)
        return cli_wrong("no memory left");
    show->asked.show = (ShowOptions){.w = WINDOW_W,
                                     .h = WINDOW_H,
                                     .w_least = LEAST_W,
                                     .h_least = LEAST_H,
                                     .side_most = SIDE_MOST};
    cli_parse(&argp, argc, argv, &show->asked);
    Diag diag = {0};
    bool good = open_show(show, &diag);
    if (good && !show->closed)
        loop(show);
    if (diag.first != NULL)
        cli_show(&diag);
    diag_free(&diag);
    close_show(show);
    return good ? CLI_OK : CLI_WRONG;
}
