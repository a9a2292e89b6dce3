// The options of `ringside run`.
#include "sim/analysis/cmd_run.h"

#include <string.h>
#include <sys/stat.h>

enum { KEY_JSON = 'j', KEY_CSV = 'c', KEY_NARRATE = 'n', KEY_TRACE = 't', KEY_SAVE = 'o' };
enum { KEY_SCENE = 'm', KEY_AT = 'a', KEY_WHY = 'w', KEY_PATH = 'p' };
enum { KEY_QUIET = 'q' };

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "What to print instead of the summary:", 1},
    {"json", KEY_JSON, "OUT", OPTION_ARG_OPTIONAL, "Everything counted, as one JSON document", 1},
    {"csv", KEY_CSV, "OUT", OPTION_ARG_OPTIONAL, "A table of the threads", 1},
    {"narrate", KEY_NARRATE, "OUT", OPTION_ARG_OPTIONAL, "Each event as a sentence", 1},
    {"scene", KEY_SCENE, "OUT", OPTION_ARG_OPTIONAL, "The machine at one instant, in words", 1},
    {"why", KEY_WHY, "THREAD", 0,
     "Why a thread is where it is: whom it waits for, and why; also of a coroutine by its number, "
     "such as '#2'",
     1},
    {"at", KEY_AT, "WHEN", 0, "At which instant: 12ms, or event:214; else the end", 1},
    {"critical-path", KEY_PATH, "SPAN", OPTION_ARG_OPTIONAL,
     "What the length of the run, or of a span, or of a coroutine ('#2'), is made of", 1},
    {"quiet", KEY_QUIET, NULL, 0, "No summary; only what went wrong", 1},
    {NULL, 0, NULL, 0, "What to write besides:", 2},
    {"trace", KEY_TRACE, "OUT.json", 0, "The trace for ui.perfetto.dev and chrome://tracing", 2},
    {"save", KEY_SAVE, "OUT.trace", 0, "The trace as it is, for a later `ringside run OUT.trace`",
     2},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    Options *asked = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &asked->scenario;
        return 0;
    case KEY_JSON:
        asked->paths[OUTPUT_JSON] = value != NULL ? value : "-";
        return 0;
    case KEY_CSV:
        asked->paths[OUTPUT_CSV] = value != NULL ? value : "-";
        return 0;
    case KEY_NARRATE:
        asked->paths[OUTPUT_NARRATE] = value != NULL ? value : "-";
        return 0;
    case KEY_SCENE:
        asked->paths[OUTPUT_SCENE] = value != NULL ? value : "-";
        return 0;
    case KEY_AT:
        if (!scene_at_parse(&asked->at, value))
            argp_error(state, "--at needs a time or an event, as in 12ms or event:214; found '%s'",
                       value);
        asked->at_given = true;
        return 0;
    case KEY_WHY:
        asked->why = value;
        asked->paths[OUTPUT_WHY] = "-";
        return 0;
    case KEY_PATH:
        asked->span = value;
        asked->paths[OUTPUT_PATH] = "-";
        return 0;
    case KEY_TRACE:
        asked->paths[OUTPUT_CHROME] = value;
        return 0;
    case KEY_SAVE:
        asked->paths[OUTPUT_SAVE] = value;
        return 0;
    case KEY_QUIET:
        asked->quiet = true;
        return 0;
    case ARGP_KEY_END: // an instant alone asks for the scene
        if (asked->at_given && asked->why == NULL && asked->paths[OUTPUT_SCENE] == NULL)
            asked->paths[OUTPUT_SCENE] = "-";
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&cli_scenario_argp, 0, "What to change:", 3}, {0}};
static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .children = children,
    .args_doc = "FILE",
    .doc =
        "Simulates a scenario and prints what came out. FILE is a scenario's file, the name of "
        "one that ships (see `ringside list`), a trace that --save wrote, or - for standard "
        "input. Of --json, --csv, --narrate and --scene one goes to standard output, more of them "
        "to "
        "files: --json=OUT."
        "\vExit status: 0 when every expectation held; 1 when one did not, or the run ended in a "
        "deadlock that no expectation speaks of or at a limit; 2 when the input or the command "
        "line is wrong or an output could not be written.\n\nExamples:\n"
        "  ringside run round-robin\n"
        "  ringside run hot-lock --why worker-3 --at 2ms\n"
        "  ringside run my.yaml --set machine.cores=4 --until 2s --json\n"
        "  ringside run my.yaml --trace my.json     then open it in ui.perfetto.dev",
};

void run_options_parse(Options *asked, int argc, char **argv)
{
    cli_parse(&argp, argc, argv, asked);
}

// ---- where outputs go

static bool same_file(const char *left, const char *right)
{
    struct stat a, b;
    if (strcmp(left, right) == 0)
        return true;
    return stat(left, &a) == 0 && stat(right, &b) == 0 && S_ISREG(a.st_mode) &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// No two outputs may go to one place, nor one to where the scenario is read from.
bool run_options_are_apart(const Options *asked, const char *input)
{
    for (int i = 0; i < OUTPUT_COUNT; i++) {
        const char *path = asked->paths[i];
        if (path == NULL)
            continue;
        if (strcmp(path, "-") != 0 && same_file(path, input)) {
            cli_wrong("%s would be overwritten: it is what is read", input);
            return false;
        }
        for (int k = 0; k < i; k++) {
            if (asked->paths[k] == NULL || strcmp(path, "/dev/null") == 0)
                continue;
            if (strcmp(path, "-") == 0 && strcmp(asked->paths[k], "-") == 0) {
                cli_wrong(
                    "only one output can go to standard output; give the others a file, as in "
                    "--json=out.json");
                return false;
            }
            if (same_file(path, asked->paths[k])) {
                cli_wrong("two outputs cannot go to the same file, %s", path);
                return false;
            }
        }
    }
    return true;
}

bool run_options_want_summary(const Options *asked)
{
    for (int i = 0; i < OUTPUT_COUNT; i++) {
        if (asked->paths[i] != NULL && strcmp(asked->paths[i], "-") == 0)
            return false;
    }
    return !asked->quiet;
}
