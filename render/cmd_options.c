#include "render/cmd_options.h"

#include "sim/cli.h"
#include "sim/cli_shipped.h"
#include "sim/scenario/quantity.h"

#include <stdio.h>
#include <string.h>

// Above the characters: none of them has a letter.
enum { OPTION_RECORDS = 0x300, OPTION_SIZE, OPTION_THEME, OPTION_LARGE };

static const struct argp_option options[] = {
    // Its group's heading is the command's, which has options in it too.
    {"size", OPTION_SIZE, "WxH", 0, "In pixels", 3},
    {"theme", OPTION_THEME, "light|dark", 0, "The colours (default light, for projectors)", 3},
    {"large", OPTION_LARGE, NULL, 0, "Large type, for the back row", 3},
    {"records", OPTION_RECORDS, "N", 0,
     "How many events of a long run are kept (default 20M; a million takes up to 100 MB)", 3},
    {0},
};

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
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &asked->scenario;
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
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&cli_scenario_argp, 0, "What to change:", 4}, {0}};
const struct argp show_argp = {.options = options, .parser = parse_option, .children = children};

bool show_source(ShowOptions *asked, TakeSource *source, Diag *diag)
{
    *source = (TakeSource){.path = shipped_find(&asked->scenario.arena, asked->scenario.file, diag),
                           .records_max = asked->records_max};
    if (source->path == NULL || strcmp(source->path, "-") != 0)
        return source->path != NULL;
    source->path = "<stdin>";
    source->bytes = cli_read(&asked->scenario.arena, "-", &source->length, diag);
    return source->bytes != NULL;
}
