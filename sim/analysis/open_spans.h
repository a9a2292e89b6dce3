// The spans that tasks have begun and not ended: a stack a task, all in one pool. Not statistics:
// metrics and exporters decide what a span that ends is worth.
#pragma once
#include "sim/base/array.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct OpenSpan {
    int64_t begin_ns;
    uint64_t serial;
    uint32_t name;  // StringId.index1
    uint32_t below; // the span of the same task that it began within; 0: none
} OpenSpan;

// Zero-initialise. `pool.at[0]` is not used.
typedef struct OpenSpans {
    ARRAY(OpenSpan) pool;
    uint32_t free; // list through `below`
} OpenSpans;

// Spans of a task end in the reverse order of their beginnings. One that is out of order is looked
// for only this deep, so that a damaged trace cannot make its reader slow.
enum { OPEN_SPANS_SEARCHED = 64 };

// `*top` is the task's innermost open span, 0 when it has none.
void open_spans_push(OpenSpans *spans, uint32_t *top, OpenSpan span);
// Takes the span with this name and serial off; false when it is not open.
bool open_spans_end(OpenSpans *spans, uint32_t *top, uint32_t name, uint64_t serial,
                    OpenSpan *ended);
// Takes the innermost span off; false when there is none.
bool open_spans_pop(OpenSpans *spans, uint32_t *top, OpenSpan *ended);
void open_spans_free(OpenSpans *spans);
