// Runs again, on a thread of its own, so that the window goes on meanwhile: whatever is asked here
// is answered at once. One run at a time: asking for another one while one is under way gives that
// one up, and the other begins as soon as it has ended.
#pragma once
#include "render/take.h"

typedef struct Rerun Rerun;

// `source` and `simulate` are for all runs to come; the source's path is copied, its bytes outlive
// the rerun.
Rerun *rerun_open(const TakeSource *source, TakeSimulate simulate);
void rerun_close(Rerun *rerun); // gives up what is under way, and waits until it has ended

// Copies the overrides.
void rerun_start(Rerun *rerun, const char *const *overrides, size_t count);
bool rerun_busy(const Rerun *rerun); // started, and not collected yet
// When the run is done, returns true, and either the take, which is the caller's from then on, or
// the message why there is none, which the caller frees. False: not yet, or nothing was started.
bool rerun_collect(Rerun *rerun, Take **take, char **error);
// Frees a take that nobody looks at any more; a large one takes its time. NULL is allowed.
void rerun_drop(Rerun *rerun, Take *take);
