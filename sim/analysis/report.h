// Reports of a finished run: the summary that a teacher would show, JSON for programs, CSV for
// tables. All say what metrics counted; nothing is measured here. The JSON keys are
// sim/trace/report_keys.def.
#pragma once
#include "sim/analysis/metrics.h"
#include "sim/analysis/writer.h"

// An expect line and what became of it.
typedef struct ReportExpect {
    const Expect *expect;
    const char *found;
    bool holds;
} ReportExpect;

typedef struct Report {
    const Scenario *scenario;
    Metrics *metrics;    // finished
    bool measured;       // a real machine wrote the trace
    bool has_hash;       // `trace_hash` is known
    uint64_t trace_hash; // hash_sink_value
    bool has_result;     // `result` is known: it is not for a trace read from a file
    RunResult result;
    ReportExpect *expects; // scenario->expect_count; filled by report_expectations
    // For the summary only.
    bool colour;
    int columns; // of the terminal; 0: 100
} Report;

// Evaluates the scenario's expect lines over the metrics. Results live in `arena`. Returns how many
// do not hold.
uint32_t report_expectations(Report *report, Arena *arena);

// Without report_expectations the expect lines are left out. The caller flushes the writer.
void report_summary(const Report *report, Writer *writer);
// Streams: a million threads take no more memory than one.
void report_json(const Report *report, Writer *writer);
// The threads, one a row, columns as the keys of a thread; RFC 4180 with "\n"; absent: empty.
void report_csv(const Report *report, Writer *writer);

// Parts of the summary that report_processes.c writes: what ran out or broke, one line each, and
// the tables of processes and pipes, where the scenario has something to say there.
void report_troubles(const Report *report, Writer *writer);
void report_processes(const Report *report, Writer *writer, Arena *arena);
