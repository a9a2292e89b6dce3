// The report for programs: JSON and CSV. Both print rows of cells, and the list of keys says which
// cells a row has: a key that is not filled is null, and nothing else can be printed.
#include "sim/analysis/report_rows.h"

#include "sim/trace/record.h"

#include <string.h>

static const struct {
    Section section;
    const char *name;
} keys[KEY_COUNT] = {
#define REPORT_SECTION(id, key, text)
#define REPORT_KEY(section, id, key, type, text) {SECTION_##section, key},
#include "sim/trace/report_keys.def"
#undef REPORT_SECTION
#undef REPORT_KEY
};

// Not negative; nine decimals, whatever the locale.
static void write_number(Writer *writer, double number)
{
    uint64_t whole = number >= 1.8e19 ? UINT64_MAX : (uint64_t)number;
    uint64_t billionths = (uint64_t)((number - (double)whole) * 1e9 + 0.5);
    if (number >= 1.8e19)
        billionths = 0;
    whole += billionths / 1000000000;
    billionths %= 1000000000;
    char digits[9];
    for (int i = 8; i >= 0; i--, billionths /= 10)
        digits[i] = (char)('0' + billionths % 10);
    int length = 9;
    while (length > 1 && digits[length - 1] == '0')
        length--;
    writer_u64(writer, whole);
    writer_char(writer, '.');
    writer_bytes(writer, digits, (size_t)length);
}

static void write_cell_json(Writer *writer, const Cell *cell)
{
    switch (cell->type) {
    case CELL_ABSENT:
        writer_text(writer, "null");
        break;
    case CELL_TEXT:
        writer_json_text(writer, cell->text);
        break;
    case CELL_COUNT:
        writer_u64(writer, cell->count);
        break;
    case CELL_SIGNED:
        writer_i64(writer, (int64_t)cell->count);
        break;
    case CELL_NUMBER:
        write_number(writer, cell->number);
        break;
    case CELL_TRUTH:
        writer_text(writer, cell->truth ? "true" : "false");
        break;
    }
}

static int section_first(Section section)
{
    int key = 0;
    while (keys[key].section != section)
        key++;
    return key;
}

static void write_row(Writer *writer, Section section, const Row *row, bool first)
{
    writer_text(writer, first ? "\n    {" : ",\n    {");
    int begin = section_first(section);
    for (int key = begin; key < KEY_COUNT && keys[key].section == section; key++) {
        writer_text(writer, key == begin ? "\"" : ", \"");
        writer_text(writer, keys[key].name);
        writer_text(writer, "\": ");
        write_cell_json(writer, &row->cells[key]);
    }
    writer_char(writer, '}');
}

// --- lists --------------------------------------------------------------------------------------

static void thread_list(const Report *report, Writer *writer)
{
    const Metrics *metrics = report->metrics;
    bool first = true;
    for (uint32_t id = 1; id <= metrics->threads.id_max; id++) {
        const ThreadMetrics *thread = metrics_thread(metrics, id);
        if (thread == NULL)
            continue;
        Row row = {0};
        char name[96];
        row_of_thread(report, id, thread, &row, name);
        write_row(writer, SECTION_THREAD, &row, first);
        first = false;
    }
}

static void core_list(const Report *report, Writer *writer)
{
    for (uint32_t i = 0; i < report->metrics->core_count; i++) {
        Row row = {0};
        row_of_core(report->metrics, i, &row);
        write_row(writer, SECTION_CORE, &row, i == 0);
    }
}

static bool is_told(const Report *report, uint32_t number, bool locks)
{
    uint32_t id = instances_sync_at(&report->metrics->instances, number).id;
    return (sync_is_lock(report->scenario->syncs[id - 1].kind) != 0) == locks &&
           metrics_tells_sync(report->metrics, number);
}

static void lock_list(const Report *report, Writer *writer)
{
    bool first = true;
    for (uint32_t id = 1; id <= report->metrics->sync_count; id++) {
        Row row = {0};
        if (!is_told(report, id, true))
            continue;
        char holder[96], owner[96];
        row_of_lock(report, id, &row, holder, owner);
        write_row(writer, SECTION_LOCK, &row, first);
        first = false;
    }
}

static void object_list(const Report *report, Writer *writer)
{
    bool first = true;
    for (uint32_t id = 1; id <= report->metrics->sync_count; id++) {
        Row row = {0};
        char owner[96];
        if (!is_told(report, id, false))
            continue;
        row_of_object(report, id, &row, owner);
        write_row(writer, SECTION_OBJECT, &row, first);
        first = false;
    }
}

static void deadlock_list(const Report *report, Writer *writer)
{
    const Metrics *metrics = report->metrics;
    DeadlockGroup group = {0};
    for (size_t i = 0; i < metrics->deadlocks.count; i++) {
        Row row = {0};
        char thread[96], holder[96];
        if (i == group.first + group.count)
            group = deadlock_group(metrics, i);
        row_of_deadlock(report, &metrics->deadlocks.at[i], group.cause, &row, thread, holder);
        write_row(writer, SECTION_DEADLOCK, &row, i == 0);
    }
}

static void circle_list(const Report *report, Writer *writer)
{
    const LockOrder *order = &report->metrics->lock_order;
    for (size_t c = 0; c < order->circles.count; c++) {
        for (uint32_t i = 0; i < order->circles.at[c].count; i++) {
            Row row = {0};
            char thread[96];
            uint32_t edge = order->circle_edges.at[order->circles.at[c].first + i];
            row_of_circle(report, c + 1, &order->edges.at[edge], &row, thread);
            write_row(writer, SECTION_LOCK_CIRCLE, &row, c == 0 && i == 0);
        }
    }
}

static void variable_list(const Report *report, Writer *writer)
{
    for (uint32_t id = 1; id <= report->metrics->data.variable_count; id++) {
        Row row = {0};
        char owner[96];
        if (!metrics_tells_variable(report->metrics, id))
            continue;
        row_of_variable(report, id, &row, owner);
        write_row(writer, SECTION_VARIABLE, &row, id == 1);
    }
}

static void race_list(const Report *report, Writer *writer)
{
    const Races *races = &report->metrics->races;
    for (size_t i = 0; i < races->found.count; i++) {
        Row row = {0};
        char first[96], second[96];
        row_of_race(report, &races->found.at[i], &row, first, second);
        write_row(writer, SECTION_RACE, &row, i == 0);
    }
}

static void process_end_list(const Report *report, Writer *writer)
{
    const ProcessTable *table = &report->metrics->processes;
    bool first = true;
    for (uint64_t pid = 1; pid <= table->processes.count; pid++) {
        const ProcessMetrics *process = process_table_at(table, pid);
        Row row = {0};
        char name[96];
        if (process == NULL)
            continue;
        row_of_process_end(report, pid, process, &row, name);
        write_row(writer, SECTION_PROCESS_END, &row, first);
        first = false;
    }
}

static void pipe_list(const Report *report, Writer *writer)
{
    for (uint32_t id = 1; id <= report->scenario->pipe_count; id++) {
        const PipeMetrics *pipe = &report->metrics->processes.pipes[id];
        Row row = {0};
        StringId name = report->scenario->pipes[id - 1].name;
        row_text(&row, KEY_PIPE_NAME, scenario_string(report->scenario, name));
        row_count(&row, KEY_PIPE_WRITTEN_BYTES, pipe->written);
        row_count(&row, KEY_PIPE_READ_BYTES, pipe->read);
        const StreamMetrics *stream = &report->metrics->streams.pipes[id];
        row_count(&row, KEY_PIPE_STREAM_READS, stream->returned.total);
        row_count(&row, KEY_PIPE_UNREAD_BYTES, stream->unread);
        row_count(&row, KEY_PIPE_UNSENT_BYTES, stream->unsent);
        write_row(writer, SECTION_PIPE, &row, id == 1);
    }
}

static void trouble_list(const Report *report, Writer *writer)
{
    const Metrics *metrics = report->metrics;
    const Scenario *scenario = report->scenario;
    for (uint32_t i = 0; i < metrics->processes.trouble_count; i++) {
        const TroubleMetrics *trouble = &metrics->processes.troubles[i];
        Row row = {0};
        char thread[96], about[96];
        row_text(&row, KEY_TROUBLE_KIND, event_info(trouble->kind)->name);
        row_ns(&row, KEY_TROUBLE_TIME_NS, trouble->time_ns);
        row_text(&row, KEY_TROUBLE_THREAD,
                 task_table_name(&metrics->threads, scenario, trouble->task, thread));
        if (trouble->line != 0)
            row_count(&row, KEY_TROUBLE_LINE, trouble->line);
        if (trouble->kind == EVENT_OUT_OF_MEMORY)
            row_text(&row, KEY_TROUBLE_ABOUT,
                     process_names_text(&metrics->processes.names, &metrics->threads, scenario,
                                        trouble->about, about));
        else if (trouble->about > 0 && trouble->about <= scenario->pipe_count)
            row_text(&row, KEY_TROUBLE_ABOUT,
                     scenario_string(scenario, scenario->pipes[trouble->about - 1].name));
        write_row(writer, SECTION_TROUBLE, &row, i == 0);
    }
}

static void name_list(const Report *report, Writer *writer, Section section)
{
    bool first = true;
    for (size_t i = 0; i < report->metrics->names.count; i++) {
        const NameMetrics *name = &report->metrics->names.at[i];
        Row row = {0};
        if (!(section == SECTION_SPAN ? name->is_span : name->is_mark))
            continue;
        if (section == SECTION_SPAN)
            row_of_span(report, name, &row);
        else
            row_of_mark(report, name, &row);
        write_row(writer, section, &row, first);
        first = false;
    }
}

static void expect_list(const Report *report, Writer *writer)
{
    for (uint32_t i = 0; report->expects != NULL && i < report->scenario->expect_count; i++) {
        Row row = {0};
        row_of_expect(&report->expects[i], &row);
        write_row(writer, SECTION_EXPECT, &row, i == 0);
    }
}

static void text_item(Writer *writer, const char *text, bool first)
{
    writer_text(writer, first ? "\n    " : ",\n    ");
    writer_json_text(writer, text);
}

static void printed_list(const Report *report, Writer *writer)
{
    const Metrics *metrics = report->metrics;
    for (size_t i = 0; i < metrics->printed.count; i++)
        text_item(writer, scenario_string(report->scenario, (StringId){metrics->printed.at[i]}),
                  i == 0);
}

static void process_list(const Report *report, Writer *writer)
{
    for (uint32_t i = 1; i <= report->scenario->process_count; i++)
        text_item(writer, declared_name(report->scenario, (ProcessId){i}), i == 1);
}

static void override_list(const Report *report, Writer *writer)
{
    Arena arena = {0};
    const char *line = report->scenario->overrides;
    for (bool first = true; line != NULL && *line != 0; first = false) {
        size_t length = strcspn(line, "\n");
        text_item(writer, arena_text(&arena, line, length), first);
        line += length + (line[length] == '\n');
    }
    arena_free(&arena);
}

// Writes the items of a key that is a list.
static void list_json(const Report *report, Writer *writer, Key key)
{
    switch (key) {
    case KEY_RUN_OVERRIDES:
        override_list(report, writer);
        break;
    case KEY_RUN_PROCESSES:
        process_list(report, writer);
        break;
    case KEY_RUN_THREADS:
        thread_list(report, writer);
        break;
    case KEY_RUN_CORES:
        core_list(report, writer);
        break;
    case KEY_RUN_LOCKS:
        lock_list(report, writer);
        break;
    case KEY_RUN_OBJECTS:
        object_list(report, writer);
        break;
    case KEY_RUN_DEADLOCK:
        deadlock_list(report, writer);
        break;
    case KEY_RUN_LOCK_CIRCLES:
        circle_list(report, writer);
        break;
    case KEY_RUN_VARIABLES:
        variable_list(report, writer);
        break;
    case KEY_RUN_RACES:
        race_list(report, writer);
        break;
    case KEY_RUN_PROCESS_ENDS:
        process_end_list(report, writer);
        break;
    case KEY_RUN_PIPES:
        pipe_list(report, writer);
        break;
    case KEY_RUN_TROUBLES:
        trouble_list(report, writer);
        break;
    case KEY_RUN_SPANS:
        name_list(report, writer, SECTION_SPAN);
        break;
    case KEY_RUN_MARKS:
        name_list(report, writer, SECTION_MARK);
        break;
    case KEY_RUN_PRINTED:
        printed_list(report, writer);
        break;
    case KEY_RUN_EXPECT:
        expect_list(report, writer);
        break;
    default:
        break;
    }
}

static bool is_list(Key key)
{
    return key == KEY_RUN_OVERRIDES || key == KEY_RUN_PROCESSES ||
           (key >= KEY_RUN_THREADS && key <= KEY_RUN_EXPECT);
}

// --- documents ----------------------------------------------------------------------------------

void report_json(const Report *report, Writer *writer)
{
    Row row = {0};
    char end[32], hash[17], missing[160];
    row_of_run(report, &row, end, hash, missing);
    for (int key = 0; key < KEY_COUNT && keys[key].section == SECTION_RUN; key++) {
        writer_text(writer, key == 0 ? "{\n  \"" : ",\n  \"");
        writer_text(writer, keys[key].name);
        writer_text(writer, "\": ");
        if (!is_list((Key)key)) {
            write_cell_json(writer, &row.cells[key]);
            continue;
        }
        writer_char(writer, '[');
        uint64_t before = writer->written + writer->used;
        list_json(report, writer, (Key)key);
        bool empty = writer->written + writer->used == before;
        writer_text(writer, empty ? "]" : "\n  ]");
    }
    writer_text(writer, "\n}\n");
}

static void write_cell_csv(Writer *writer, const Cell *cell)
{
    if (cell->type == CELL_ABSENT)
        return;
    if (cell->type != CELL_TEXT) {
        write_cell_json(writer, cell);
        return;
    }
    bool quoted = cell->text[strcspn(cell->text, ",\"\r\n")] != 0;
    writer_text(writer, quoted ? "\"" : "");
    for (const char *c = cell->text; *c != 0; c++) {
        if (*c == '"')
            writer_char(writer, '"');
        writer_char(writer, *c);
    }
    writer_text(writer, quoted ? "\"" : "");
}

void report_csv(const Report *report, Writer *writer)
{
    int begin = section_first(SECTION_THREAD);
    for (int key = begin; key < KEY_COUNT && keys[key].section == SECTION_THREAD; key++) {
        writer_text(writer, key == begin ? "" : ",");
        writer_text(writer, keys[key].name);
    }
    writer_char(writer, '\n');
    for (uint32_t id = 1; id <= report->metrics->threads.id_max; id++) {
        const ThreadMetrics *thread = metrics_thread(report->metrics, id);
        if (thread == NULL)
            continue;
        Row row = {0};
        char name[96];
        row_of_thread(report, id, thread, &row, name);
        for (int key = begin; key < KEY_COUNT && keys[key].section == SECTION_THREAD; key++) {
            writer_text(writer, key == begin ? "" : ",");
            write_cell_csv(writer, &row.cells[key]);
        }
        writer_char(writer, '\n');
    }
}
