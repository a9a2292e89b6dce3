// The scenario that a command's arguments mean: FILE, and the options that change what it says.
#pragma once
#include "sim/scenario/scenario.h"

#include <argp.h>

enum { CLI_OVERRIDES_MAX = 256 };

typedef struct CliScenario {
    Arena arena; // of what the arguments are made into
    bool many;   // to be set before parsing: the command takes its FILEs itself
    const char *file;
    const char *overrides[CLI_OVERRIDES_MAX]; // "machine.cores=4"
    size_t override_count;
    const char *changed_by; // the first option that gave an override; NULL: none
} CliScenario;

// A child of the commands' parsers, with --set, --seed and --until. Its input is the CliScenario.
extern const struct argp cli_scenario_argp;

// Loads the scenario that `argument` means: a file, the name of one that ships, or "-" for standard
// input. Returns its path, in asked's arena, or NULL with messages in `diag`.
const char *cli_scenario_load(CliScenario *asked, const char *argument, Scenario *scenario,
                              Diag *diag);
