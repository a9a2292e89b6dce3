// The summary's part about processes: what went wrong with them, with the lines of the scenario
// that did it, and their memory and pipes.
#include "sim/analysis/report.h"

#include "sim/analysis/table.h"
#include "sim/base/size.h"

#include <stdio.h>
#include <string.h>

enum { ROWS_MAX = 20 };

static void say_bold(const Report *report, Writer *writer, const char *colour, const char *text)
{
    if (report->colour)
        writer_format(writer, "\x1b[%sm%s\x1b[0m", colour, text);
    else
        writer_text(writer, text);
}

static void say_place(const Report *report, Writer *writer, uint32_t line)
{
    const char *path = report->scenario->path, *slash = strrchr(path, '/');
    if (line != 0)
        writer_format(writer, " (%s:%u)", slash != NULL ? slash + 1 : path, line);
}

static void say_trouble(const Report *report, Writer *writer, const TroubleMetrics *trouble)
{
    const Metrics *metrics = report->metrics;
    const Scenario *scenario = report->scenario;
    char name[96], time[32];
    bool memory = trouble->kind == EVENT_OUT_OF_MEMORY;
    say_bold(report, writer, "1;31", memory ? "out of memory" : "broken pipe");
    writer_format(writer, ": at %s %s ", duration_text(trouble->time_ns, time),
                  task_table_name(&metrics->threads, scenario, trouble->task, name));
    if (memory) {
        writer_text(writer, "touches what there is not");
        say_place(report, writer, trouble->line);
        writer_format(writer, "; %s, which has most, is killed\n",
                      process_names_text(&metrics->processes.names, &metrics->threads, scenario,
                                         trouble->about, name));
        return;
    }
    const char *pipe = trouble->about == 0 || trouble->about > scenario->pipe_count
                           ? "?"
                           : scenario_string(scenario, scenario->pipes[trouble->about - 1].name);
    writer_format(writer, "writes to %s", pipe);
    say_place(report, writer, trouble->line);
    writer_text(writer, ", and nobody has its read end open\n");
}

void report_troubles(const Report *report, Writer *writer)
{
    const ProcessTable *table = &report->metrics->processes;
    for (uint32_t i = 0; i < table->trouble_count; i++)
        say_trouble(report, writer, &table->troubles[i]);
    uint64_t all = table->oom_kills + table->broken_pipes;
    if (all > table->trouble_count)
        writer_format(writer, "  … and %llu more of these\n",
                      (unsigned long long)(all - table->trouble_count));
}

static void size_cell(Table *table, bool known, uint64_t bytes)
{
    char text[32];
    table_text(table, known ? size_text(bytes, text) : "-");
}

static void end_cell(Table *table, const ProcessMetrics *process)
{
    char text[32] = "-";
    if (process->ended && process->status < STATUS_SIGNALLED)
        snprintf(text, sizeof text, "code %u", process->status);
    else if (process->ended)
        snprintf(text, sizeof text, "killed by %s",
                 signal_name(process->status - STATUS_SIGNALLED));
    table_text(table, text);
}

static void heading(const Report *report, Writer *writer, const char *text)
{
    writer_char(writer, '\n');
    say_bold(report, writer, "1", text);
    writer_char(writer, '\n');
}

// Whether any process had objects of Python.
static bool has_objects(const ProcessTable *table)
{
    for (size_t i = 0; i < table->processes.count; i++)
        if (table->processes.at[i].heap_max > 0)
            return true;
    return false;
}

static void process_row(const Report *report, Table *rows, uint64_t pid,
                        const ProcessMetrics *process)
{
    const Metrics *metrics = report->metrics;
    char name[96];
    double faults = 0;
    process_value(process, METRIC_PAGE_FAULTS, &faults);
    table_text(rows, process_names_text(&metrics->processes.names, &metrics->threads,
                                        report->scenario, pid, name));
    size_cell(rows, process->said, process->reserved_max);
    size_cell(rows, process->said, process->resident_max);
    size_cell(rows, process->said, process->private_max);
    size_cell(rows, process->said, process->shared_max);
    if (has_objects(&metrics->processes))
        size_cell(rows, process->said, process->heap_max);
    table_count(rows, (uint64_t)faults);
    table_count(rows, process->faults[FAULT_COW]);
    end_cell(rows, process);
}

static void processes(const Report *report, Writer *writer, Arena *arena)
{
    static const char *const words[] = {"",       "reserved", "resident", "private", "shared",
                                        "Python", "faults",   "copied",   "end"};
    enum { COLUMNS = sizeof words / sizeof words[0], PYTHON = 5 };
    const ProcessTable *table = &report->metrics->processes;
    if (!report->scenario->tracks_memory && !report->scenario->tracks_processes)
        return;
    heading(report, writer, "Processes, and the most memory that they had");
    Table rows = {.arena = arena};
    bool objects = has_objects(table);
    for (int i = 0; i < COLUMNS; i++)
        if (i != PYTHON || objects)
            table_text(&rows, words[i]);
    rows.columns = COLUMNS - !objects;
    rows.left = 1;
    uint64_t shown = 0, hidden = 0;
    for (uint64_t pid = 1; pid <= table->processes.count; pid++) {
        const ProcessMetrics *process = process_table_at(table, pid);
        if (process == NULL)
            continue;
        if (shown++ < ROWS_MAX)
            process_row(report, &rows, pid, process);
        else
            hidden++;
    }
    table_print(&rows, writer, report->colour);
    if (hidden > 0)
        writer_format(writer, "  … and %llu more\n", (unsigned long long)hidden);
}

static void pipes(const Report *report, Writer *writer, Arena *arena)
{
    const Scenario *scenario = report->scenario;
    if (scenario->pipe_count == 0)
        return;
    heading(report, writer, "Pipes");
    Table rows = {.arena = arena, .columns = 4, .left = 1};
    table_text(&rows, "");
    table_text(&rows, "written");
    table_text(&rows, "read");
    table_text(&rows, "inside");
    for (uint32_t i = 1; i <= scenario->pipe_count && i <= ROWS_MAX; i++) {
        const PipeMetrics *pipe = &report->metrics->processes.pipes[i];
        table_text(&rows, scenario_string(scenario, scenario->pipes[i - 1].name));
        size_cell(&rows, true, pipe->written);
        size_cell(&rows, true, pipe->read);
        size_cell(&rows, pipe->written >= pipe->read, pipe->written - pipe->read);
    }
    table_print(&rows, writer, report->colour);
}

static bool is_used(const StreamMetrics *stream)
{
    return stream->returned.total > 0 || stream->unread > 0 || stream->unsent > 0;
}

static void streams(const Report *report, Writer *writer, Arena *arena)
{
    const StreamTable *table = &report->metrics->streams;
    uint32_t used = 0;
    for (uint32_t i = 1; i <= table->count; i++)
        used += is_used(&table->pipes[i]);
    if (used == 0)
        return;
    heading(report, writer, "Streams");
    Table rows = {.arena = arena, .columns = 6, .left = 1};
    table_text(&rows, "");
    table_text(&rows, "reads");
    table_text(&rows, "least");
    table_text(&rows, "most");
    table_text(&rows, "unread at most");
    table_text(&rows, "unsent at most");
    for (uint32_t i = 1, shown = 0; i <= table->count && shown < ROWS_MAX; i++) {
        const StreamMetrics *stream = &table->pipes[i];
        bool read = stream->returned.total > 0;
        if (!is_used(stream))
            continue;
        shown++;
        table_text(&rows, scenario_string(report->scenario, report->scenario->pipes[i - 1].name));
        table_count(&rows, stream->returned.total);
        size_cell(&rows, read, (uint64_t)stream->returned.min);
        size_cell(&rows, read, (uint64_t)stream->returned.max);
        size_cell(&rows, true, stream->unread);
        size_cell(&rows, true, stream->unsent);
    }
    table_print(&rows, writer, report->colour);
}

void report_processes(const Report *report, Writer *writer, Arena *arena)
{
    processes(report, writer, arena);
    pipes(report, writer, arena);
    streams(report, writer, arena);
}
