// What the benchmarks share: time, quantiles, and a run kept as a recording.
#pragma once
#include "sim/analysis/recording.h"
#include "sim/trace/sinks.h"

// CPU time of the program: what else the machine does then does not count.
double cpu_ms(void);
// "p50 0.010 ms, p99 0.020 ms, max 0.100 ms" of what took so long. Sorts `ms`; the text lives until
// the next call.
const char *quantiles(double *ms, int count);
double quantile(const double *sorted_ms, int count, int percent);
// Whether the only argument is --smoke; ends the program when it is another one.
bool only_smoke(int argc, char **argv);

typedef struct TimedRun {
    Scenario scenario;
    MemorySink memory;
    Recording recording;
    double recording_ms; // to make it
} TimedRun;

// Runs `yaml` until it has so many records; ends the program when it cannot.
void timed_run(TimedRun *run, const char *yaml, uint64_t records);
void timed_run_free(TimedRun *run);

// Twenty threads on eight cores that compute, share a lock and sleep; and ten thousand that sleep.
extern const char few_threads[], many_threads[];
