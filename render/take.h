// A take: one run of a scenario with everything that the window needs of it: the scenario as it was
// loaded, the records, their index and the numbers. Made whole, on any thread, and then only read;
// a change of the machine makes another take.
#pragma once
#include "sim/analysis/critical_path.h"
#include "sim/analysis/metrics.h"
#include "sim/analysis/recording.h"
#include "sim/analysis/timeline.h"

#include <stdatomic.h>

// How scenarios are run: ringside_run, which render may not name itself.
typedef bool (*TakeSimulate)(const Scenario *scenario, Trace *trace, RunResult *result, Diag *diag);

// More records than this are not kept; the take then ends early and says so (`cut`).
enum { TAKE_RECORDS_MAX = 20000000 };

// The numbers that two takes are compared by.
typedef struct Headline {
    int64_t makespan_ns;
    double utilization; // of all cores, 0 .. 1; -1 when the run had no length
    uint64_t switches;
    int64_t wait_ns; // runnable and without a core, all threads together
} Headline;

typedef struct Take {
    Scenario scenario;
    bool measured; // read from the trace of a real machine
    bool saved;    // read from a file: it cannot be run again
    TraceFile file;
    MemorySink memory;
    Recording recording;
    Timeline timeline;
    CriticalPath path; // of the whole run
    Headline headline;
    bool cut;
} Take;

// Loads the scenario (or reads the saved trace) at `path` and runs it. NULL when that cannot be:
// then
// `*error` is the whole message, which the caller frees. A run that ends in a deadlock or at a
// limit is a take like any other. When `*given_up` becomes true the run ends soon, and what comes
// of it is of no use; NULL: it never does.
Take *take_make(const char *path, const char *const *overrides, size_t override_count,
                TakeSimulate simulate, const atomic_bool *given_up, char **error);
// The same of a scenario's text or a trace's bytes, which outlive the take and, for a trace, are
// aligned for any type; `name` is for messages ("<stdin>").
Take *take_of_bytes(const char *name, const char *bytes, size_t length,
                    const char *const *overrides, size_t override_count, TakeSimulate simulate,
                    char **error);
void take_free(Take *take); // NULL is allowed
