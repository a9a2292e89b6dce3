// The circle of a deadlock: who waits for what, and who has it. A sink that keeps only the records
// that name the circle, so that it can be told when the trace itself is not stored.
#pragma once
#include "sim/analysis/metrics.h"
#include "sim/base/arena.h"
#include "sim/base/array.h"
#include "sim/trace/trace.h"

enum { CIRCLE_TOLD_MAX = 12 };

typedef struct Circle {
    TraceSink sink;
    ARRAY(TraceRecord) members; // the first CIRCLE_TOLD_MAX
    uint64_t count;
} Circle;

void circle_open(Circle *circle);
void circle_free(Circle *circle);

// "first waits for lock y, which second holds; second waits for …", in `arena`; "" when the trace
// had no deadlock. Names come from the finished `metrics` of the same trace.
const char *circle_text(const Circle *circle, const Metrics *metrics, Arena *arena);
