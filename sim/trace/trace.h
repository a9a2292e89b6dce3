// The writing side of a trace: a small batch that every machine appends to, and the sinks that it
// is handed to when full. Records are appended in order of time. Reading is trace_file.h.
#pragma once
#include "sim/base/diag.h"
#include "sim/trace/record.h"

#include <stdbool.h>
#include <stddef.h>

enum { TRACE_BATCH = 2048, TRACE_SINKS_MAX = 8 };

// Somewhere for records to go. `write` gets them in order and must not keep the pointer. Returns
// false when it can take no more (disk full, records limit): the run then ends with that limit.
typedef struct TraceSink {
    bool (*write)(struct TraceSink *sink, const TraceRecord *records, size_t count);
} TraceSink;

typedef struct Trace {
    TraceRecord *next, *end; // where the next record goes; the end of the batch
    TraceRecord *batch;
    TraceSink *sinks[TRACE_SINKS_MAX];
    int sink_count;
    bool refused;     // a sink returned false
    bool off;         // no sinks: records are not even built
    uint64_t records; // handed to the sinks so far
} Trace;

// `sinks` outlive the trace. With none, tracing is off and costs one branch an event.
void trace_open(Trace *trace, TraceSink *const *sinks, int count);
// Hands what the batch holds to the sinks. Returns false when a sink refused, now or before.
bool trace_flush(Trace *trace);
void trace_close(Trace *trace); // flushes and frees

// How many records have been emitted; 0 while tracing is off.
static inline uint64_t trace_records(const Trace *trace)
{
    return trace->off ? 0 : trace->records + (uint64_t)(trace->next - trace->batch);
}

static inline void trace_emit(Trace *trace, Instant now, EventKind kind, int core, TaskId task,
                              uint64_t a, uint64_t b)
{
    if (trace->off)
        return;
    if (__builtin_expect(trace->next == trace->end, 0))
        trace_flush(trace);
    *trace->next++ = (TraceRecord){now.ns, (uint16_t)kind, (int16_t)core, task.index1, a, b};
}
