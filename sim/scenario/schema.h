// The JSON Schema (draft 2020-12) of the scenario language, for editors that complete and check
// scenarios while they are typed. It follows from keys.def, ops.def, costs.def and LIMITS. It is
// wider than the language where a schema cannot be exact: names, units and ranges of what is
// written as text are the loader's to check.
#pragma once
#include "sim/base/arena.h"

// The schema as indented JSON text with a newline at its end, in `arena`.
char *schema_text(Arena *arena);
