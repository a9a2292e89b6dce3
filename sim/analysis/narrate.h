// Narration: every record of a trace as a line, its time and its sentence
// (sentence.h). A sink, so that it can speak while the run goes on; fed from a
// file it says the same.
#pragma once
#include "sim/analysis/sentence.h"
#include "sim/trace/trace.h"

typedef struct Narrator {
    TraceSink sink; // refuses once the writer has failed
    const Scenario *scenario;
    Writer *writer;
    TaskTable tasks;
    ProcessNames processes;
} Narrator;

// `scenario` and `writer` outlive the narrator; the caller flushes the writer.
void narrator_open(Narrator *narrator, const Scenario *scenario, Writer *writer);
// One line: the time since the run began in milliseconds, exact to the
// nanosecond, and the sentence. Ids that refer to nothing are named by their
// number.
void narrate(Narrator *narrator, const TraceRecord *record);
void narrator_free(Narrator *narrator);
