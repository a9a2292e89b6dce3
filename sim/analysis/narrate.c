#include "sim/analysis/narrate.h"

static bool narrator_write(TraceSink *sink, const TraceRecord *records, size_t count)
{
    Narrator *narrator = (Narrator *)sink;
    for (size_t i = 0; i < count; i++)
        narrate(narrator, &records[i]);
    return !narrator->writer->failed;
}

void narrator_open(Narrator *narrator, const Scenario *scenario, Writer *writer)
{
    *narrator = (Narrator){
        .sink.write = narrator_write,
        .scenario = scenario,
        .writer = writer,
        .tasks.row_bytes = sizeof(TaskRow),
    };
}

void narrator_free(Narrator *narrator)
{
    task_table_free(&narrator->tasks);
    process_names_free(&narrator->processes);
}

static void say_time(Writer *writer, int64_t ns)
{
    uint64_t time = ns < 0 ? 0 : (uint64_t)ns;
    uint64_t whole = time / 1000000, rest = time % 1000000;
    char digits[6];
    for (int i = 5; i >= 0; i--, rest /= 10)
        digits[i] = (char)('0' + rest % 10);
    int width = 1;
    for (uint64_t above = whole; above >= 10; above /= 10)
        width++;
    writer_fill(writer, ' ', 6 - width);
    writer_u64(writer, whole);
    writer_char(writer, '.');
    writer_bytes(writer, digits, sizeof digits);
    writer_text(writer, " ms  ");
}

void narrate(Narrator *narrator, const TraceRecord *record)
{
    Writer *writer = narrator->writer;
    if (record->kind == EVENT_TASK_CREATED)
        task_table_add(&narrator->tasks, narrator->scenario, record->task, record->a, record->b);
    process_names_add(&narrator->processes, narrator->scenario, record);
    say_time(writer, record->time_ns);
    Names names = {narrator->scenario, &narrator->tasks, &narrator->processes};
    sentence_say(writer, &names, record);
    writer_char(writer, '\n');
}
