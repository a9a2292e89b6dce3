// For tests of what is computed from a recording: a scenario given as text, run and recorded; and
// the scenarios that ship, one after the other.
#pragma once
#include "sim/analysis/recording.h"
#include "sim/analysis/why.h"
#include "tests/simulate.h"

#include <glob.h>

typedef struct Recorded {
    Simulated run;
    Recording recording;
} Recorded;

// Fails the test when `yaml` cannot be loaded or run. Free it after use.
void record_run(Recorded *recorded, const char *yaml);
void recorded_free(Recorded *recorded);

// The paths of all scenarios that ship, in order; freed with globfree.
void shipped_paths(glob_t *paths);
// The file's text, which the caller frees.
char *shipped_text(const char *path);

// The id of the task called `name`; fails the test when there is none.
uint32_t recorded_task(const Recorded *recorded, const char *name);

// That the chain is these lines, each indented by its depth.
void expect_why(const Why *why, const char *expected);
