#include "hand_trace.h"

#include "sim/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

void hand_open(HandTrace *trace, const char *yaml)
{
    memset(trace, 0, sizeof *trace);
    trace->ns_per_unit = 1000;
    Diag diag = {.path = "hand.yaml", .source = yaml};
    if (!scenario_parse(&trace->scenario, "hand.yaml", yaml, strlen(yaml), NULL, 0, &diag))
        fail_msg("%s", diag_text(&diag));
    diag_free(&diag);
}

void hand_free(HandTrace *trace)
{
    scenario_free(&trace->scenario);
    ARRAY_FREE(&trace->records);
}

void hand(HandTrace *trace, int64_t time, EventKind kind, int core, uint32_t task, uint64_t a,
          uint64_t b)
{
    *ARRAY_PUSH(&trace->records) = (TraceRecord){
        .time_ns = time * (int64_t)trace->ns_per_unit,
        .kind = (uint16_t)kind,
        .core = (int16_t)core,
        .task = task,
        .a = a,
        .b = b,
    };
}

uint32_t hand_string(const HandTrace *trace, const char *text)
{
    for (uint32_t i = 0; i < trace->scenario.string_count; i++)
        if (strcmp(trace->scenario.strings[i], text) == 0)
            return i + 1;
    fail_msg("the scenario has no text '%s'", text);
    return 0;
}

static uint64_t random_argument(Rng *rng, ArgType type)
{
    uint32_t value;
    switch (type) {
    case ARG_SWITCH_REASON:
        return rng_below(rng, SWITCH_REASON_COUNT);
    case ARG_SYSCALL:
        return rng_below(rng, SYSCALL_COUNT);
    case ARG_IRQ:
        return rng_below(rng, IRQ_COUNT);
    case ARG_MIGRATION_REASON:
        return rng_below(rng, MIGRATION_REASON_COUNT);
    case ARG_LIMIT:
        return rng_below(rng, LIMIT_COUNT);
    case ARG_END_REASON:
        return rng_below(rng, END_REASON_COUNT);
    case ARG_NS:
        return rng_below(rng, 5000);
    case ARG_ACCESS:
        // One of two draws a line: a call's arguments are evaluated in the compiler's order.
        value = (uint32_t)rng_below(rng, 5);
        return access_pack(value, (uint32_t)rng_below(rng, 40));
    default:
        return rng_below(rng, 40) == 0 ? UINT32_MAX - rng_below(rng, 2) : rng_below(rng, 5);
    }
}

void hand_random(HandTrace *trace, uint64_t seed, size_t count)
{
    Rng rng = rng_make(seed, 1);
    int64_t now = 0;
    for (size_t i = 0; i < count; i++) {
        if (rng_below(&rng, 3) > 0)
            now += (int64_t)rng_below(&rng, 3000);
        bool create = rng_below(&rng, 20) == 0;
        // Half of them move threads, for without those the others say little.
        bool moves = rng_below(&rng, 2) == 0;
        unsigned kind =
            1 + (unsigned)rng_below(&rng, moves ? EVENT_KERNEL_EXIT : EVENT_KIND_COUNT - 2);
        if (create)
            kind = EVENT_TASK_CREATED;
        const EventInfo *info = event_info(kind);
        *ARRAY_PUSH(&trace->records) = (TraceRecord){
            .time_ns = now,
            .kind = (uint16_t)kind,
            .core = (int16_t)((int)rng_below(&rng, 4) - 1),
            .task = (uint32_t)random_argument(&rng, ARG_TASK),
            .a = random_argument(&rng, info->arg[0].type),
            .b = random_argument(&rng, info->arg[1].type),
        };
    }
    *ARRAY_PUSH(&trace->records) =
        (TraceRecord){.time_ns = now + 100, .kind = EVENT_RUN_END, .core = CORE_NONE};
}

static bool text_write(void *context, const char *bytes, size_t count)
{
    HandText *text = context;
    for (size_t i = 0; i < count; i++)
        *ARRAY_PUSH(&text->bytes) = bytes[i];
    return true;
}

void hand_text_open(HandText *text)
{
    memset(&text->bytes, 0, sizeof text->bytes);
    writer_open(&text->writer, text_write, text);
}

const char *hand_text_end(HandText *text)
{
    writer_flush(&text->writer);
    *ARRAY_PUSH(&text->bytes) = 0;
    text->bytes.count--;
    return text->bytes.at;
}

void hand_text_free(HandText *text)
{
    ARRAY_FREE(&text->bytes);
}
