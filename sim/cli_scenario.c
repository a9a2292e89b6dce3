#include "sim/cli_scenario.h"

#include "sim/cli.h"
#include "sim/cli_shipped.h"

#include <string.h>

enum { OPTION_SET = 's', OPTION_SEED = 'S', OPTION_UNTIL = 'u' };

static const struct argp_option options[] = {
    {"set", OPTION_SET, "KEY=VALUE", 0, "A value in the file's place (machine.cores=4); repeatable",
     0},
    {"seed", OPTION_SEED, "N", 0, "Where the random numbers begin", 0},
    {"until", OPTION_UNTIL, "DURATION", 0, "The end of simulated time (2s)", 0},
    {0},
};

static void add_override(CliScenario *asked, struct argp_state *state, const char *option,
                         const char *text)
{
    if (asked->override_count == CLI_OVERRIDES_MAX)
        argp_error(state, "more than %d overrides", CLI_OVERRIDES_MAX);
    asked->overrides[asked->override_count++] = text;
    if (asked->changed_by == NULL)
        asked->changed_by = option;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    CliScenario *asked = state->input;
    switch (key) {
    case OPTION_SET:
        add_override(asked, state, "--set", value);
        return 0;
    case OPTION_SEED:
        add_override(asked, state, "--seed", arena_format(&asked->arena, "seed=%s", value));
        return 0;
    case OPTION_UNTIL:
        add_override(asked, state, "--until", arena_format(&asked->arena, "until=%s", value));
        return 0;
    case ARGP_KEY_ARG:
        if (asked->many)
            return ARGP_ERR_UNKNOWN;
        if (asked->file != NULL)
            argp_error(state, "only one FILE at a time");
        asked->file = value;
        return 0;
    case ARGP_KEY_NO_ARGS: // none of ours: those of a command with many are its own
        if (!asked->many)
            argp_error(state, "a FILE is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp cli_scenario_argp = {.options = options, .parser = parse_option};

const char *cli_scenario_load(CliScenario *asked, const char *argument, Scenario *scenario,
                              Diag *diag)
{
    const char *path = shipped_find(&asked->arena, argument, diag);
    if (path == NULL)
        return NULL;
    bool good;
    if (strcmp(path, "-") != 0) {
        good = scenario_load(scenario, path, asked->overrides, asked->override_count, diag);
    } else {
        size_t length;
        const char *text = cli_read(&asked->arena, path, &length, diag);
        good = text != NULL && scenario_parse(scenario, "<stdin>", text, length, asked->overrides,
                                              asked->override_count, diag);
    }
    return good ? path : NULL;
}
