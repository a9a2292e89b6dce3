#include "render/cmd_options.h"

#include "sim/cli.h"
#include "sim/cli_shipped.h"
#include "sim/scenario/quantity.h"

#include <stdio.h>
#include <string.h>

// Above the characters: none of them has a letter.
enum {
    OPTION_SET = 0x300,
    OPTION_SEED,
    OPTION_UNTIL,
    OPTION_RECORDS,
    OPTION_SIZE,
    OPTION_THEME,
    OPTION_LARGE
};

static const struct argp_option options[] = {
    // Its group's heading is the command's, which has options in it too.
    {"size", OPTION_SIZE, "WxH", 0, "In pixels", 3},
    {"theme", OPTION_THEME, "light|dark", 0, "The colours (default light, for projectors)", 3},
    {"large", OPTION_LARGE, NULL, 0, "Large type, for the back row", 3},
    {NULL, 0, NULL, 0, "What to change:", 4},
    {"set", OPTION_SET, "KEY=VALUE", 0, "A value in the file's place (machine.cores=4); repeatable",
     4},
    {"seed", OPTION_SEED, "N", 0, "Where the random numbers begin", 4},
    {"until", OPTION_UNTIL, "DURATION", 0, "The end of simulated time (2s)", 4},
    {"records", OPTION_RECORDS, "N", 0,
     "How many events of a long run are kept (default 20M; a million takes up to 100 MB)", 4},
    {0},
};

static void add_override(ShowOptions *asked, struct argp_state *state, const char *text)
{
    if (asked->override_count == OVERRIDES_MAX)
        argp_error(state, "more than %d overrides", OVERRIDES_MAX);
    asked->overrides[asked->override_count++] = text;
}

static void parse_size(ShowOptions *asked, struct argp_state *state, const char *text)
{
    char rest;
    if (sscanf(text, "%dx%d%c", &asked->w, &asked->h, &rest) != 2 || asked->w < asked->w_least ||
        asked->h < asked->h_least || asked->w > asked->side_most || asked->h > asked->side_most)
        argp_error(state, "'%s' is no size; 1600x900 is one (from %dx%d to %dx%d)", text,
                   asked->w_least, asked->h_least, asked->side_most, asked->side_most);
}

static void parse_theme(ShowOptions *asked, struct argp_state *state, const char *name)
{
    asked->dark = strcmp(name, "dark") == 0;
    if (!asked->dark && strcmp(name, "light") != 0)
        argp_error(state, "'%s' is no theme; there are light and dark", name);
}

static void parse_records(ShowOptions *asked, struct argp_state *state, const char *text)
{
    if (quantity_count(text, strlen(text), &asked->records_max) != QUANTITY_GOOD ||
        asked->records_max == 0)
        argp_error(state, "'%s' is no number of events; 50M is one", text);
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    ShowOptions *asked = state->input;
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
    case OPTION_RECORDS:
        parse_records(asked, state, value);
        return 0;
    case OPTION_SIZE:
        parse_size(asked, state, value);
        return 0;
    case OPTION_THEME:
        parse_theme(asked, state, value);
        return 0;
    case OPTION_LARGE:
        asked->large = true;
        return 0;
    case ARGP_KEY_ARG:
        if (asked->file != NULL)
            argp_error(state, "only one FILE at a time");
        asked->file = value;
        return 0;
    case ARGP_KEY_END:
        if (asked->file == NULL)
            argp_error(state, "a FILE is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp show_argp = {.options = options, .parser = parse_option};

bool show_source(ShowOptions *asked, TakeSource *source, Diag *diag)
{
    *source = (TakeSource){.path = shipped_find(&asked->arena, asked->file, diag),
                           .records_max = asked->records_max};
    if (source->path == NULL || strcmp(source->path, "-") != 0)
        return source->path != NULL;
    source->path = "<stdin>";
    source->bytes = cli_read(&asked->arena, "-", &source->length, diag);
    return source->bytes != NULL;
}
