// What the parts of `ringside run` share: what it was asked for, and where that goes.
#pragma once
#include "sim/analysis/scene_text.h"
#include "sim/analysis/writer.h"
#include "sim/cli.h"
#include "sim/cli_scenario.h"
#include "sim/trace/sinks.h"

// ---- cmd_run_options.c

// What can be written where. The save comes last: it has a writer of its own.
typedef enum OutputId {
    OUTPUT_JSON,
    OUTPUT_CSV,
    OUTPUT_NARRATE,
    OUTPUT_SCENE,
    OUTPUT_WHY,
    OUTPUT_PATH, // the critical path
    OUTPUT_CHROME,
    OUTPUT_SAVE
} OutputId;

enum { OUTPUT_COUNT = OUTPUT_SAVE + 1 };

typedef struct Options {
    CliScenario scenario;
    const char *paths[OUTPUT_COUNT]; // NULL: not asked for
    SceneAt at;                      // of the scene and of the question why
    bool at_given;
    const char *why;  // the thread that it is asked about
    const char *span; // whose critical path; NULL: the run's
    bool quiet;
} Options;

// Reads the command line, or ends the program with a message. `asked` is zeroed.
void run_options_parse(Options *asked, int argc, char **argv);
// No two outputs may go to one place, nor one to where the scenario is read from; else a message.
bool run_options_are_apart(const Options *asked, const char *input);
bool run_options_want_summary(const Options *asked);

// ---- cmd_run_outputs.c

typedef struct Output {
    CliFile file;
    Writer writer;
    bool open;
} Output;

typedef struct Outputs {
    Output at[OUTPUT_SAVE];
    FileSink save;
    bool saving;
    const char *save_to; // as asked for
    char *save_path;     // where the sink writes: the same, or a temporary file that is copied
    bool save_copied;
} Outputs;

bool output_open(Output *output, const char *path);
bool output_close(Output *output);
// Opens all that were asked for. `outputs` is zeroed; in any case end with outputs_free.
bool outputs_open(Outputs *outputs, const Options *asked, const Scenario *scenario, Diag *diag);
// Completes every output; one that fails does not keep the others from it.
bool outputs_close(Outputs *outputs, Diag *diag);
// Gives up what is still open.
void outputs_free(Outputs *outputs);
