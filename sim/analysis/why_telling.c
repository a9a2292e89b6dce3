#include "sim/analysis/why_telling.h"

#include "sim/analysis/sentence.h"

const char *telling_name(Why *why, const Recording *recording, uint32_t task)
{
    char name[96];
    return arena_format(&why->arena, "%s", recording_task_name(recording, task, name));
}

const char *telling_time(Why *why, int64_t ns)
{
    char text[32];
    return arena_format(&why->arena, "%s", duration_text(ns, text));
}

const char *telling_record(Why *why, const Recording *recording, uint64_t index)
{
    char text[240];
    Names names = {recording->scenario, &recording->tasks, &recording->processes};
    return arena_format(
        &why->arena, "%s",
        narrate_sentence(&names, recording_at(recording, index), text, sizeof text));
}

void telling_say(Why *why, uint32_t task, uint32_t depth, const char *format, ...)
{
    if (why->count == WHY_LINES_MAX)
        return;
    va_list values;
    va_start(values, format);
    const char *text = arena_vformat(&why->arena, format, values);
    va_end(values);
    why->lines[why->count++] = (WhyLine){text, task, depth, 0};
}
