// `ringside python FILE`: the Python program that a scenario stands for.
#include "sim/cli.h"
#include "sim/cli_shipped.h"
#include "sim/scenario/python_text.h"

#include <string.h>

typedef struct PythonCommand {
    const char *file, *process;
    const char *overrides[64];
    size_t override_count;
} PythonCommand;

enum { KEY_SET = 's', KEY_PROCESS = 'p' };

static const struct argp_option options[] = {
    {"set", KEY_SET, "KEY=VALUE", 0, "With this value in the file's place; repeatable", 0},
    {"process", KEY_PROCESS, "NAME", 0, "The program of this process (default: the only one)", 0},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    PythonCommand *command = state->input;
    switch (key) {
    case KEY_SET:
        if (command->override_count == sizeof command->overrides / sizeof *command->overrides)
            argp_error(state, "too many --set options");
        command->overrides[command->override_count++] = value;
        return 0;
    case KEY_PROCESS:
        command->process = value;
        return 0;
    case ARGP_KEY_ARG:
        if (command->file != NULL)
            argp_error(state, "one FILE at a time");
        command->file = value;
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
    .doc = "Prints the Python program that a scenario stands for. It runs in the CPython that its "
           "`runtime` says, or a newer one. FILE is a scenario's file, the name of one that ships, "
           "or - for standard input."
           "\vExample:\n  ringside python await-lets-others-run | python3 -",
};

// The process that is meant; none, with a message, when that is not clear.
static ProcessId find_process(const Scenario *scenario, const char *name, Diag *diag)
{
    ProcessId found = {0};
    uint32_t count = 0;
    for (uint32_t i = 0; i < scenario->process_count; i++) {
        const ProcessDef *process = &scenario->processes[i];
        if (process->forked ||
            (name != NULL && strcmp(scenario_string(scenario, process->name), name) != 0))
            continue;
        found = (ProcessId){i + 1};
        count++;
    }
    if (count == 1)
        return found;
    if (name != NULL)
        diag_fail(diag, (SourceAt){0}, "the scenario has no process '%s'", name);
    else
        diag_fail(diag, (SourceAt){0},
                  "the scenario has %u processes, and a program is one; name it with --process",
                  count);
    return (ProcessId){0};
}

static bool load(const PythonCommand *command, Arena *arena, Scenario *scenario, Diag *diag)
{
    const char *path = shipped_find(arena, command->file, diag);
    if (path == NULL)
        return false;
    if (strcmp(path, "-") != 0)
        return scenario_load(scenario, path, command->overrides, command->override_count, diag);
    size_t length;
    const char *text = cli_read(arena, path, &length, diag);
    return text != NULL && scenario_parse(scenario, "<stdin>", text, length, command->overrides,
                                          command->override_count, diag);
}

int cmd_python(int argc, char **argv)
{
    PythonCommand command = {0};
    cli_parse(&argp, argc, argv, &command);
    Arena arena = {0};
    Diag diag = {0};
    Scenario scenario = {0};
    const char *text = NULL;
    if (load(&command, &arena, &scenario, &diag)) {
        ProcessId process = find_process(&scenario, command.process, &diag);
        if (process.index1 != 0)
            text = python_text(&scenario, process, &arena, &diag);
    }
    if (text != NULL)
        fputs(text, stdout);
    if (diag.first != NULL)
        cli_show(&diag);
    diag_free(&diag);
    scenario_free(&scenario);
    arena_free(&arena);
    return text != NULL ? CLI_OK : CLI_WRONG;
}
