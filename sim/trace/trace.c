// The batch between a machine and its sinks. It knows nothing about what records mean.
#include "sim/trace/trace.h"

#include "sim/base/check.h"

#include <stdlib.h>

void trace_open(Trace *trace, TraceSink *const *sinks, int count)
{
    CHECKF(count >= 0 && count <= TRACE_SINKS_MAX, "%d sinks", count);
    *trace = (Trace){.sink_count = count, .off = count == 0};
    for (int i = 0; i < count; i++)
        trace->sinks[i] = sinks[i];
    if (trace->off)
        return;
    trace->batch = malloc(TRACE_BATCH * sizeof *trace->batch);
    CHECK(trace->batch != NULL);
    trace->next = trace->batch;
    trace->end = trace->batch + TRACE_BATCH;
}

bool trace_flush(Trace *trace)
{
    size_t count = (size_t)(trace->next - trace->batch);
    if (trace->off || count == 0)
        return !trace->refused;
    // Every sink gets every batch, also after another one (or itself) refused: the run ends soon,
    // and whoever still can should hold its end.
    for (int i = 0; i < trace->sink_count; i++)
        if (!trace->sinks[i]->write(trace->sinks[i], trace->batch, count))
            trace->refused = true;
    trace->records += count;
    trace->next = trace->batch;
    return !trace->refused;
}

void trace_close(Trace *trace)
{
    trace_flush(trace);
    free(trace->batch);
    trace->batch = trace->next = trace->end = NULL;
    trace->off = true;
}
