// `ringside check FILE...`: reads scenarios and says what is wrong with them; runs nothing.
#include "sim/cli.h"
#include "sim/cli_scenario.h"

typedef struct Check {
    CliScenario scenario;
    char **files;
    int file_count;
    bool quiet;
} Check;

enum { KEY_QUIET = 'q' };

static const struct argp_option options[] = {
    {"quiet", KEY_QUIET, NULL, 0, "Say nothing about files that are right", 0},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    (void)value;
    Check *check = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        check->scenario.many = true;
        state->child_inputs[0] = &check->scenario;
        return 0;
    case KEY_QUIET:
        check->quiet = true;
        return 0;
    case ARGP_KEY_ARGS:
        check->files = state->argv + state->next;
        check->file_count = state->argc - state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "a FILE is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&cli_scenario_argp, 0, "What to change:", 1}, {0}};
static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .children = children,
    .args_doc = "FILE...",
    .doc = "Checks scenarios without running them: names, units, ranges and the expect lines. A "
           "FILE is a scenario's file, the name of one that ships, or - for standard input."
           "\vWhat is wrong goes to standard error with its line and column; then the exit status "
           "is 2.\n\nExample:\n  ringside check scenarios/*/*.yaml",
};

// Loads one file and shows its messages. Returns whether it is a good scenario.
static bool check_file(Check *check, const char *argument)
{
    Diag diag = {0};
    Scenario scenario = {0};
    const char *path = cli_scenario_load(&check->scenario, argument, &scenario, &diag);
    if (diag.first != NULL)
        cli_show(&diag);
    if (path != NULL && !check->quiet)
        printf("%s: ok\n", path);
    // The messages quote the scenario's text, so the scenario goes last.
    diag_free(&diag);
    scenario_free(&scenario);
    return path != NULL;
}

int cmd_check(int argc, char **argv)
{
    Check check = {0};
    cli_parse(&argp, argc, argv, &check);
    bool good = true;
    for (int i = 0; i < check.file_count; i++)
        good = check_file(&check, check.files[i]) && good;
    arena_free(&check.scenario.arena);
    return good ? CLI_OK : CLI_WRONG;
}
