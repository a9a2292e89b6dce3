// What `ringside run --why` and `--critical-path` print: the answers of why.h and critical_path.h
// as text.
#pragma once
#include "sim/analysis/critical_path.h"
#include "sim/analysis/why.h"
#include "sim/analysis/writer.h"
#include "sim/base/diag.h"

// Why the thread called `name` is where it is in `scene`, and what its wait came to. False, with a
// message, when no thread of the recording is called so.
bool explain_why(Writer *writer, const Recording *recording, const Scene *scene, const char *name,
                 Diag *diag);
// The critical path of the run, or of the longest span called `span` when that is not NULL, or of
// the coroutine that it means ("#2"). False, with a message, when there is no such coroutine, or
// no such span that ends.
bool explain_path(Writer *writer, const Recording *recording, const char *span, Diag *diag);
