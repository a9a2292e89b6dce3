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

// More records than this are not kept unless a source says otherwise; the take then ends early and
// says so (`cut`). A record takes 32 bytes, and its share of key frames and timeline about as many.
enum { TAKE_RECORDS_MAX = 20000000 };

// What a take is made of: a file, or what was read from one already.
typedef struct TakeSource {
    const char *path;  // of the scenario or the saved trace; for messages only when there are bytes
    const char *bytes; // which outlive the take and, of a trace, are aligned for any type; NULL:
                       // the file is read
    size_t length;
    uint64_t records_max; // kept of a run; 0: TAKE_RECORDS_MAX
} TakeSource;

// The numbers that two takes are compared by.
typedef struct Headline {
    int64_t makespan_ns;
    double utilization; // of all cores, 0 .. 1; -1 when the run had no length
    uint64_t switches;
    int64_t wait_ns;       // runnable and without a core, all threads together
    uint64_t resident_max; // bytes, of the process that had most; 0: memory is not spoken of
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
    uint64_t records_max; // of which no more are kept
    bool cut;             // and the run has more
} Take;

// Loads the scenario (or reads the saved trace) and runs it. NULL when that cannot be: then
// `*error` is the whole message, which the caller frees. A run that ends in a deadlock or at a
// limit is a take like any other. When `*given_up` becomes true the run ends soon, and what comes
// of it is of no use; NULL: it never does.
Take *take_from(const TakeSource *source, const char *const *overrides, size_t override_count,
                TakeSimulate simulate, const atomic_bool *given_up, char **error);
// The same of the file at `path`.
Take *take_make(const char *path, const char *const *overrides, size_t override_count,
                TakeSimulate simulate, const atomic_bool *given_up, char **error);
// The same of a scenario's text or a trace's bytes; `name` is for messages ("<stdin>").
Take *take_of_bytes(const char *name, const char *bytes, size_t length,
                    const char *const *overrides, size_t override_count, TakeSimulate simulate,
                    char **error);
void take_free(Take *take); // NULL is allowed
