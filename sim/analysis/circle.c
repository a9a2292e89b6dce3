#include "sim/analysis/circle.h"

#include <inttypes.h>

static bool circle_write(TraceSink *sink, const TraceRecord *records, size_t count)
{
    Circle *circle = (Circle *)sink;
    for (size_t i = 0; i < count; i++) {
        if (records[i].kind != EVENT_DEADLOCK)
            continue;
        if (circle->members.count < CIRCLE_TOLD_MAX)
            *ARRAY_PUSH(&circle->members) = records[i];
        circle->count++;
    }
    return true;
}

void circle_open(Circle *circle)
{
    *circle = (Circle){.sink.write = circle_write};
}

void circle_free(Circle *circle)
{
    ARRAY_FREE(&circle->members);
}

static const char *lock_name(const Scenario *scenario, uint64_t id)
{
    if (id == 0 || id > scenario->sync_count)
        return "?"; // a trace from a file may say anything
    return scenario_string(scenario, scenario->syncs[id - 1].name);
}

static const char *member_text(const TraceRecord *member, const Metrics *metrics, Arena *arena)
{
    char waiter[96], holder[96];
    task_table_name(&metrics->threads, metrics->scenario, member->task, waiter);
    task_table_name(&metrics->threads, metrics->scenario, member->b, holder);
    if (member->a == 0)
        return arena_format(arena, "%s waits for %s to end", waiter, holder);
    return arena_format(arena, "%s waits for lock %s, which %s holds", waiter,
                        lock_name(metrics->scenario, member->a), holder);
}

const char *circle_text(const Circle *circle, const Metrics *metrics, Arena *arena)
{
    const char *text = "";
    for (size_t i = 0; i < circle->members.count; i++)
        text = arena_format(arena, "%s%s%s", text, i > 0 ? "; " : "",
                            member_text(&circle->members.at[i], metrics, arena));
    if (circle->count > circle->members.count)
        text = arena_format(arena, "%s; and %" PRIu64 " more", text,
                            circle->count - circle->members.count);
    return text;
}
