#include "sim/analysis/open_spans.h"

void open_spans_push(OpenSpans *spans, uint32_t *top, OpenSpan span)
{
    if (spans->pool.count == 0)
        (void)ARRAY_PUSH(&spans->pool);
    uint32_t index = spans->free;
    if (index != 0) {
        spans->free = spans->pool.at[index].below;
    } else {
        index = (uint32_t)spans->pool.count;
        (void)ARRAY_PUSH(&spans->pool);
    }
    span.below = *top;
    spans->pool.at[index] = span;
    *top = index;
}

// Takes the span that `*link` refers to out of its task's stack.
static void take_out(OpenSpans *spans, uint32_t *link, OpenSpan *ended)
{
    uint32_t index = *link;
    *ended = spans->pool.at[index];
    *link = ended->below;
    spans->pool.at[index].below = spans->free;
    spans->free = index;
}

bool open_spans_end(OpenSpans *spans, uint32_t *top, uint32_t name, uint64_t serial,
                    OpenSpan *ended)
{
    uint32_t *link = top;
    for (int depth = 0; *link != 0 && depth < OPEN_SPANS_SEARCHED; depth++) {
        OpenSpan *span = &spans->pool.at[*link];
        if (span->name == name && span->serial == serial) {
            take_out(spans, link, ended);
            return true;
        }
        link = &span->below;
    }
    return false;
}

bool open_spans_pop(OpenSpans *spans, uint32_t *top, OpenSpan *ended)
{
    if (*top == 0)
        return false;
    take_out(spans, top, ended);
    return true;
}

void open_spans_free(OpenSpans *spans)
{
    ARRAY_FREE(&spans->pool);
    *spans = (OpenSpans){0};
}
