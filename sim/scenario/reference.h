// The reference of the scenario language in Markdown: scenarios/README.md is this text, so that it
// cannot go stale. It follows from keys.def, ops.def, costs.def, LIMITS, METRICS and the report's
// keys.
#pragma once
#include "sim/base/arena.h"

// The reference with a newline at its end, in `arena`.
char *reference_text(Arena *arena);
