// For tests of the simulated machine: runs a scenario given as text and looks at its trace.
#pragma once
#include "sim/analysis/metrics.h"
#include "sim/ringside.h"
#include "sim/trace/sinks.h"

typedef struct Simulated {
    Scenario scenario;
    RunResult result;
    MemorySink memory;
} Simulated;

// Loads and runs `yaml`; fails the test, with the messages, when it cannot. Free it after use.
void simulate(Simulated *run, const char *yaml);
void simulated_free(Simulated *run);
// Runs `yaml`, which must load but whose run must fail, and returns the messages. They live until
// the next call.
const char *simulate_failing(const char *yaml);

// The run's metrics. Free with metrics_free, before the run.
void simulated_measure(const Simulated *run, Metrics *metrics);
// The metrics of the only task called `thread`; fails the test when there is none.
const ThreadMetrics *simulated_thread(const Simulated *run, const Metrics *metrics,
                                      const char *thread);
// The metrics of the process called `name`; fails the test when there is none.
const ProcessMetrics *simulated_process(const Metrics *metrics, const char *name);
// The name of a task, by TaskId.index1; "?" when there is none. Of the first 1,023 only.
const char *simulated_name(const Simulated *run, uint32_t task);

// Who gets `core` when: "A@0 B@4 A@8", times in milliseconds with as many decimals as needed; "-"
// when it falls idle. Threads are called by name. Lives until the next call.
const char *simulated_turns(const Simulated *run, int core, double until_ms);

// What `thread` does when, times in microseconds: "in 0, call clock_nanosleep 100, timer 101, out
// sleep 101, woken 165, in 166, return 167". Its creation and its queueing are left out, and a move
// to another core is "move". Lives until the next call.
const char *simulated_timeline(const Simulated *run, const char *thread);

// Time that the (only) task of `thread` was on a core, in ns, context switches included.
int64_t simulated_on_core(const Simulated *run, const char *thread);
// The number of records of `kind`, of `thread` when not NULL.
uint64_t simulated_count(const Simulated *run, EventKind kind, const char *thread);
// From each wake-up of `thread` to its next switch-in, ns; at most `most`. Returns how many.
size_t simulated_wake_latencies(const Simulated *run, const char *thread, int64_t *ns, size_t most);
// The instant of the only (or last) record of `kind` of `thread`; -1 when there is none.
int64_t simulated_time_of(const Simulated *run, EventKind kind, const char *thread);
// A 64-bit hash of the trace.
uint64_t simulated_hash(const Simulated *run);
