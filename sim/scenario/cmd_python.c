// `ringside python FILE`: the Python program that a scenario stands for.
#include "sim/cli.h"
#include "sim/cli_scenario.h"
#include "sim/scenario/python_text.h"

#include <string.h>

typedef struct PythonCommand {
    CliScenario scenario;
    const char *process;
} PythonCommand;

enum { KEY_PROCESS = 'p' };

static const struct argp_option options[] = {
    {"process", KEY_PROCESS, "NAME", 0, "The program of this process (default: of all of them)", 0},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    PythonCommand *command = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &command->scenario;
        return 0;
    case KEY_PROCESS:
        command->process = value;
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
    .args_doc = "FILE",
    .doc = "Prints the Python program that a scenario stands for. It runs in the CPython that its "
           "`runtime` says, or a newer one. Of several processes it starts each as one. FILE is a "
           "scenario's file, the name of one that ships, "
           "or - for standard input."
           "\vExample:\n  ringside python await-lets-others-run | python3 -",
};

// The process that is meant; none: all of them. false, with a message, when there is no such one.
static bool find_process(const Scenario *scenario, const char *name, ProcessId *found, Diag *diag)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < scenario->process_count; i++) {
        const ProcessDef *process = &scenario->processes[i];
        if (process->forked ||
            (name != NULL && strcmp(scenario_string(scenario, process->name), name) != 0))
            continue;
        *found = (ProcessId){i + 1};
        count++;
    }
    if (name != NULL && count == 0)
        return diag_fail(diag, (SourceAt){0}, "the scenario has no process '%s'", name);
    if (count > 1)
        *found = (ProcessId){0};
    return true;
}

int cmd_python(int argc, char **argv)
{
    PythonCommand command = {0};
    cli_parse(&argp, argc, argv, &command);
    Arena *arena = &command.scenario.arena;
    Diag diag = {0};
    Scenario scenario = {0};
    const char *text = NULL;
    if (cli_scenario_load(&command.scenario, command.scenario.file, &scenario, &diag) != NULL) {
        ProcessId process = {0};
        if (find_process(&scenario, command.process, &process, &diag))
            text = python_text(&scenario, process, arena, &diag);
    }
    if (text != NULL)
        fputs(text, stdout);
    if (diag.first != NULL)
        cli_show(&diag);
    diag_free(&diag);
    scenario_free(&scenario);
    arena_free(arena);
    return text != NULL ? CLI_OK : CLI_WRONG;
}
