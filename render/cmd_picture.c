// `ringside picture FILE -o OUT.png`: what the window would show at one instant, with no window.
#include "render/cmd_studio.h"
#include "sim/cli.h"
#include "sim/scenario/quantity.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct Options {
    StudioOptions studio;
    bool has_time, has_event;
    int64_t time_ns;
    uint64_t event;
} Options;

enum { OPTION_AT = 0x200, OPTION_EVENT };

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "When:", 2},
    {"at", OPTION_AT, "TIME", 0, "At this simulated time (12ms); default: half-way through", 2},
    {"event", OPTION_EVENT, "N", 0, "After so many events", 2},
    {0},
};

static bool ends_in(const char *text, const char *ending)
{
    size_t length = strlen(text), most = strlen(ending);
    return length >= most && strcmp(text + length - most, ending) == 0;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    Options *asked = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &asked->studio;
        return 0;
    case OPTION_AT:
        asked->has_time = true;
        asked->time_ns = studio_parse_time(state, value);
        return 0;
    case OPTION_EVENT:
        asked->has_event = true;
        if (quantity_count(value, strlen(value), &asked->event) != QUANTITY_GOOD)
            argp_error(state, "'%s' is no number of events", value);
        return 0;
    case ARGP_KEY_END: // after the child's, which sees to it that there is an output
        // The ending also keeps a slip from overwriting the scenario.
        if (strcmp(asked->studio.output, "-") != 0 && !ends_in(asked->studio.output, ".png"))
            argp_error(state, "-o %s: a picture's name ends in .png", asked->studio.output);
        if (asked->has_time && asked->has_event)
            argp_error(state, "--at and --event both say when; give one of them");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&studio_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .children = children,
    .args_doc = "FILE",
    .doc =
        "Draws a scenario, or a trace that `ringside run --save` wrote, as the window would show "
        "it at one instant, and writes a PNG picture. It needs no display."
        "\vExamples:\n"
        "  ringside picture round-robin -o rr.png --at 12ms\n"
        "  ringside picture my.yaml -o timeline.png --view timeline --size 1200x400 --theme dark",
};

// False, with a message, when the run has not so many events or is not so long.
static bool seek(Studio *studio, const Options *asked)
{
    Player *player = &studio->player;
    const Recording *recording = player->recording;
    char at[32], end[32];
    if (asked->has_event && asked->event > recording->count) {
        cli_wrong("there is no event %" PRIu64 ": the run has %" PRIu64, asked->event,
                  recording->count);
        return false;
    }
    if (asked->has_time && asked->time_ns > recording->end_ns) {
        cli_wrong("there is nothing at %s: the run ends at %s", duration_text(asked->time_ns, at),
                  duration_text(recording->end_ns, end));
        return false;
    }
    // The zoom that was asked for stays, wherever the instant is.
    TimeSpan zoom = player->zoom;
    if (asked->has_event)
        player_seek_event(player, asked->event);
    else if (!asked->has_time && player_by_event(player))
        player_seek_event(player, recording->count / 2);
    else
        player_seek_time(player, asked->has_time ? asked->time_ns : recording->end_ns / 2);
    player->moved = 1;
    player->zoom = zoom;
    return true;
}

static bool write_picture(const Studio *studio, const char *path)
{
    Diag diag = {0};
    unsigned char *png = NULL;
    size_t count = 0;
    CliFile file;
    bool good = canvas_encode_png(&studio->canvas, &png, &count, &diag);
    if (!good)
        cli_show(&diag);
    good = good && cli_file_open(&file, path);
    if (good) {
        cli_file_write(&file, (const char *)png, count);
        good = cli_file_close(&file);
    }
    free(png);
    diag_free(&diag);
    return good;
}

int cmd_picture(int argc, char **argv)
{
    Options asked = {.studio = studio_options(1600, 900)};
    cli_parse(&argp, argc, argv, &asked);
    Studio studio;
    bool good = studio_open(&studio, &asked.studio) && seek(&studio, &asked);
    if (good) {
        studio_draw(&studio);
        good = write_picture(&studio, asked.studio.output);
    }
    studio_close(&studio);
    arena_free(&asked.studio.show.scenario.arena);
    return good ? CLI_OK : CLI_WRONG;
}
