// `ringside check FILE...`: reads scenarios and says what is wrong with them; runs nothing.
#include "sim/cli.h"
#include "sim/cli_shipped.h"
#include "sim/scenario/scenario.h"

#include <string.h>

typedef struct Check {
    char **files;
    int file_count;
    bool quiet;
    const char *overrides[64];
    size_t override_count;
} Check;

enum { KEY_SET = 's', KEY_QUIET = 'q' };

static const struct argp_option options[] = {
    {"set", KEY_SET, "KEY=VALUE", 0, "Check with this value in the file's place; repeatable", 0},
    {"quiet", KEY_QUIET, NULL, 0, "Say nothing about files that are right", 0},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    Check *check = state->input;
    switch (key) {
    case KEY_SET:
        if (check->override_count == sizeof check->overrides / sizeof *check->overrides)
            argp_error(state, "too many --set options");
        check->overrides[check->override_count++] = value;
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

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "FILE...",
    .doc = "Checks scenarios without running them: names, units, ranges and the expect lines. A "
           "FILE is a scenario's file, the name of one that ships, or - for standard input."
           "\vWhat is wrong goes to standard error with its line and column; then the exit status "
           "is 2.\n\nExample:\n  ringside check scenarios/*/*.yaml",
};

// Loads one file and shows its messages. Returns whether it is a good scenario.
static bool check_file(const Check *check, const char *argument)
{
    Arena arena = {0};
    Diag diag = {0};
    Scenario scenario = {0};
    const char *path = shipped_find(&arena, argument, &diag);
    bool good = path != NULL;
    if (good && strcmp(path, "-") == 0) {
        size_t length;
        const char *text = cli_read(&arena, path, &length, &diag);
        good = text != NULL && scenario_parse(&scenario, "<stdin>", text, length, check->overrides,
                                              check->override_count, &diag);
    } else if (good) {
        good = scenario_load(&scenario, path, check->overrides, check->override_count, &diag);
    }
    if (diag.first != NULL)
        cli_show(&diag);
    if (good && !check->quiet)
        printf("%s: ok\n", path);
    // The messages quote the scenario's text, so the scenario goes last.
    diag_free(&diag);
    scenario_free(&scenario);
    arena_free(&arena);
    return good;
}

int cmd_check(int argc, char **argv)
{
    Check check = {0};
    cli_parse(&argp, argc, argv, &check);
    bool good = true;
    for (int i = 0; i < check.file_count; i++)
        good = check_file(&check, check.files[i]) && good;
    return good ? CLI_OK : CLI_WRONG;
}
