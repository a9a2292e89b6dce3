// The command line that play, picture and film have in common: what is shown, in which theme and
// size, and what is changed about it. Of the command line: it may end the program with a message.
#pragma once
#include "render/take.h"
#include "sim/cli_scenario.h"

typedef struct ShowOptions {
    CliScenario scenario;
    uint64_t records_max; // of the run, kept; 0: as many as usual
    int w, h;             // pixels
    bool dark, large;
    // To be set before parsing: the bounds of w and h.
    int w_least, h_least, side_most;
} ShowOptions;

// A child of the commands' parsers. Its input is the ShowOptions.
extern const struct argp show_argp;

// What the file argument means: a path, the name of a scenario that ships, or "-" for standard
// input, which is read here. On false `diag` says why there is none. What `source` points to is in
// the options' arena.
bool show_source(ShowOptions *asked, TakeSource *source, Diag *diag);
