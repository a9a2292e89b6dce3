// Why one thread has a core while another, which could run, waits for it: the scheduler's own
// reason, as far as the trace and the scenario prove it. Where numbers decide that no record tells
// (a level, a share, a deadline that was renewed meanwhile), it is the rule, without numbers.
#pragma once
#include "sim/analysis/recording.h"
#include "sim/base/arena.h"

// What follows "WAITS is runnable behind RUNS": ", whose virtual deadline is earlier (…)". In
// `scene`, of that recording, `runs` has a core and `waits` is runnable; it lives in `arena`. ""
// when nothing can be said.
const char *preference_text(Arena *arena, const Recording *recording, const Scene *scene,
                            uint32_t runs, uint32_t waits);
