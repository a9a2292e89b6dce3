// For tests of what is computed from a trace: a scenario given as text, for its names, and records
// written by hand, as a machine would have written them.
#pragma once
#include "sim/analysis/writer.h"
#include "sim/base/array.h"
#include "sim/scenario/scenario.h"
#include "sim/trace/record.h"

typedef struct HandTrace {
    Scenario scenario;
    ARRAY(TraceRecord) records;
    uint64_t ns_per_unit; // of the times given to hand(); 1000 after hand_open: microseconds
} HandTrace;

// Fails the test, with the messages, when `yaml` cannot be loaded.
void hand_open(HandTrace *trace, const char *yaml);
void hand_free(HandTrace *trace);
void hand(HandTrace *trace, int64_t time, EventKind kind, int core, uint32_t task, uint64_t a,
          uint64_t b);
// The id of a text of the scenario; fails the test when it has none.
uint32_t hand_string(const HandTrace *trace, const char *text);

// Any records at all: kinds are known, time does not go back, and ids are sometimes of nothing.
void hand_random(HandTrace *trace, uint64_t seed, size_t count);

// A writer into memory. `text` ends in a zero after hand_text_end.
typedef struct HandText {
    Writer writer;
    ARRAY(char) bytes;
} HandText;

void hand_text_open(HandText *text);
const char *hand_text_end(HandText *text); // flushes
void hand_text_free(HandText *text);
