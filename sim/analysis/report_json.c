// The report for programs: JSON and CSV. Both print rows of cells, and the list of keys says which
// cells a row has: a key that is not filled is null, and nothing else can be printed.
#include "sim/analysis/report.h"

#include "sim/analysis/deadlocks.h"
#include "sim/trace/record.h"

#include <ctype.h>
#include <string.h>

typedef enum Section {
#define REPORT_SECTION(id, key, text) SECTION_##id,
#define REPORT_KEY(section, id, key, type, text)
#include "sim/trace/report_keys.def"
#undef REPORT_SECTION
#undef REPORT_KEY
    SECTION_COUNT
} Section;

typedef enum Key {
#define REPORT_SECTION(id, key, text)
#define REPORT_KEY(section, id, key, type, text) KEY_##section##_##id,
#include "sim/trace/report_keys.def"
#undef REPORT_SECTION
#undef REPORT_KEY
    KEY_COUNT
} Key;

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

typedef struct Cell {
    enum { CELL_ABSENT, CELL_TEXT, CELL_COUNT, CELL_SIGNED, CELL_NUMBER, CELL_TRUTH } type;
    const char *text;
    uint64_t count;
    double number;
    bool truth;
} Cell;

// A row, indexed by Key; only its section's cells are used.
typedef struct Row {
    Cell cells[KEY_COUNT];
} Row;

static void set_text(Row *row, Key key, const char *text)
{
    row->cells[key] = (Cell){.type = text == NULL ? CELL_ABSENT : CELL_TEXT, .text = text};
}

static void set_count(Row *row, Key key, uint64_t count)
{
    row->cells[key] = (Cell){.type = CELL_COUNT, .count = count};
}

// Absent when negative.
static void set_ns(Row *row, Key key, int64_t ns)
{
    row->cells[key] = (Cell){.type = ns < 0 ? CELL_ABSENT : CELL_COUNT, .count = (uint64_t)ns};
}

static void set_number(Row *row, Key key, double number)
{
    row->cells[key] = (Cell){.type = number < 0 ? CELL_ABSENT : CELL_NUMBER, .number = number};
}

static void set_signed(Row *row, Key key, int64_t number)
{
    row->cells[key] = (Cell){.type = CELL_SIGNED, .count = (uint64_t)number};
}

static void set_truth(Row *row, Key key, bool truth)
{
    row->cells[key] = (Cell){.type = CELL_TRUTH, .truth = truth};
}

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

// --- rows ---------------------------------------------------------------------------------------

static const char *process_name(const Scenario *scenario, ProcessId process)
{
    return process.index1 == 0 || process.index1 > scenario->process_count
               ? NULL
               : scenario_string(scenario, scenario->processes[process.index1 - 1].name);
}

static void thread_row(const Report *report, uint32_t id, const ThreadMetrics *t, Row *row,
                       char name[static 96])
{
    const Scenario *scenario = report->scenario;
    const ThreadDef *def = &scenario->threads[t->row.def - 1];
    task_table_name(&report->metrics->threads, scenario, id, name);
    set_text(row, KEY_THREAD_NAME, name);
    set_text(row, KEY_THREAD_PROCESS, process_name(scenario, def->process));
    set_ns(row, KEY_THREAD_START_NS, t->start_ns);
    set_ns(row, KEY_THREAD_END_NS, t->end_ns);
    set_ns(row, KEY_THREAD_RESPONSE_NS, t->first_ns < 0 ? -1 : t->first_ns - t->start_ns);
    set_ns(row, KEY_THREAD_TURNAROUND_NS, t->end_ns < 0 ? -1 : t->end_ns - t->start_ns);
    set_ns(row, KEY_THREAD_WAIT_NS, t->wait_ns);
    set_ns(row, KEY_THREAD_CPU_USER_NS, t->cpu_user_ns);
    set_ns(row, KEY_THREAD_CPU_KERNEL_NS, t->cpu_kernel_ns);
    set_count(row, KEY_THREAD_SWITCHES_VOLUNTARY, t->switches_voluntary);
    set_count(row, KEY_THREAD_SWITCHES_FORCED, t->switches_forced);
    set_count(row, KEY_THREAD_MIGRATIONS, t->migrations);
    set_count(row, KEY_THREAD_WAKEUPS, t->wakeups);
    set_truth(row, KEY_THREAD_DAEMON, t->daemon);
}

static void core_row(const Metrics *metrics, uint32_t number, Row *row)
{
    const CoreMetrics *core = &metrics->cores[number];
    set_count(row, KEY_CORE_CORE, number);
    set_number(row, KEY_CORE_UTILIZATION, metrics_utilization(metrics, number));
    set_ns(row, KEY_CORE_USER_NS, core->user_ns);
    set_ns(row, KEY_CORE_KERNEL_NS, core->kernel_ns);
    set_ns(row, KEY_CORE_INTERRUPT_NS, core->interrupt_ns);
    set_ns(row, KEY_CORE_IDLE_NS, core->idle_ns);
    set_count(row, KEY_CORE_SWITCHES, core->switches);
    set_count(row, KEY_CORE_INTERRUPTS, core->interrupts);
}

static int64_t if_any(const SamplesSummary *summary, int64_t ns)
{
    return summary->count == 0 ? -1 : ns;
}

// Whose an object is: its declared process, or the forked one whose copy it is.
static const char *owner_name(const Report *report, ProcessId declared, uint32_t pid,
                              char text[static 96])
{
    const Metrics *metrics = report->metrics;
    return pid == 0 ? process_name(report->scenario, declared)
                    : process_names_text(&metrics->processes.names, &metrics->threads,
                                         report->scenario, pid, text);
}

static void lock_row(const Report *report, uint32_t id, Row *row, char holder[static 96],
                     char owner[static 96])
{
    Instance instance = instances_sync_at(&report->metrics->instances, id);
    const SyncDef *def = &report->scenario->syncs[instance.id - 1];
    SamplesSummary holds = samples_summary(&report->metrics->syncs[id].holds);
    SamplesSummary waits = samples_summary(&report->metrics->syncs[id].waits);
    set_text(row, KEY_LOCK_NAME, scenario_string(report->scenario, def->name));
    set_text(row, KEY_LOCK_PROCESS, owner_name(report, def->process, instance.pid, owner));
    set_text(row, KEY_LOCK_KIND, sync_kind_word(def->kind));
    set_count(row, KEY_LOCK_HOLDS, holds.count);
    set_ns(row, KEY_LOCK_HOLD_MEAN_NS, if_any(&holds, holds.mean));
    set_ns(row, KEY_LOCK_HOLD_P99_NS, if_any(&holds, holds.p99));
    set_ns(row, KEY_LOCK_HOLD_MAX_NS, if_any(&holds, holds.max));
    set_count(row, KEY_LOCK_WAITS, waits.count);
    set_ns(row, KEY_LOCK_WAIT_MEAN_NS, if_any(&waits, waits.mean));
    set_ns(row, KEY_LOCK_WAIT_P99_NS, if_any(&waits, waits.p99));
    set_ns(row, KEY_LOCK_WAIT_MAX_NS, if_any(&waits, waits.max));
    const SyncMetrics *lock = &report->metrics->syncs[id];
    set_count(row, KEY_LOCK_OPEN_HOLDS, lock->holders.count);
    if (lock->holders.count > 0)
        set_text(row, KEY_LOCK_HELD_BY,
                 task_table_name(&report->metrics->threads, report->scenario,
                                 lock->holders.at[0].task, holder));
    set_count(row, KEY_LOCK_OPEN_WAITS, lock->open_waits);
}

// The line of an operation; 0 when it has none.
static uint64_t line_of(const Scenario *scenario, uint32_t op)
{
    return op == 0 || op >= scenario->op_count ? 0 : scenario->op_at[op].line;
}

static void set_line(Row *row, Key key, uint64_t line)
{
    if (line != 0)
        set_count(row, key, line);
}

static const char *sync_name(const Scenario *scenario, uint32_t sync)
{
    return sync == 0 || sync > scenario->sync_count
               ? NULL
               : scenario_string(scenario, scenario->syncs[sync - 1].name);
}

static void object_row(const Report *report, uint32_t id, Row *row, char owner[static 96])
{
    Instance instance = instances_sync_at(&report->metrics->instances, id);
    const SyncDef *def = &report->scenario->syncs[instance.id - 1];
    const SyncMetrics *sync = &report->metrics->syncs[id];
    SamplesSummary waits = samples_summary(&sync->waits);
    set_text(row, KEY_OBJECT_NAME, sync_name(report->scenario, instance.id));
    set_text(row, KEY_OBJECT_PROCESS, owner_name(report, def->process, instance.pid, owner));
    set_text(row, KEY_OBJECT_KIND, sync_kind_word(def->kind));
    set_ns(row, KEY_OBJECT_LEVEL_MIN, sync->level_min);
    set_ns(row, KEY_OBJECT_LEVEL_MAX, sync->level_max);
    set_number(row, KEY_OBJECT_LEVEL_MEAN, sync_metrics_level_mean(sync, report->metrics->now_ns));
    set_ns(row, KEY_OBJECT_LEVEL_END, sync->level);
    set_count(row, KEY_OBJECT_WAITS, waits.count);
    set_ns(row, KEY_OBJECT_WAIT_MEAN_NS, if_any(&waits, waits.mean));
    set_ns(row, KEY_OBJECT_WAIT_P99_NS, if_any(&waits, waits.p99));
    set_ns(row, KEY_OBJECT_WAIT_MAX_NS, if_any(&waits, waits.max));
    set_count(row, KEY_OBJECT_OPEN_WAITS, sync->open_waits);
    set_count(row, KEY_OBJECT_WAVES, sync->waves);
    set_count(row, KEY_OBJECT_LOST_NOTIFIES, sync->lost);
}

static void deadlock_row(const Report *report, const DeadlockMetrics *member, DeadlockCause cause,
                         Row *row, char thread[static 96], char holder[static 96])
{
    const Scenario *scenario = report->scenario;
    const TaskTable *threads = &report->metrics->threads;
    uint32_t op;
    uint32_t by = metrics_holder(report->metrics, member, &op);
    set_text(row, KEY_DEADLOCK_THREAD, task_table_name(threads, scenario, member->task, thread));
    set_line(row, KEY_DEADLOCK_LINE, line_of(scenario, member->op));
    set_text(row, KEY_DEADLOCK_WAITS_FOR, sync_name(scenario, member->sync));
    if (sync_name(scenario, member->sync) != NULL)
        set_text(row, KEY_DEADLOCK_KIND, sync_kind_word(scenario->syncs[member->sync - 1].kind));
    if (by != 0)
        set_text(row, KEY_DEADLOCK_HOLDER, task_table_name(threads, scenario, by, holder));
    set_line(row, KEY_DEADLOCK_HOLDER_LINE, line_of(scenario, op));
    set_text(row, KEY_DEADLOCK_CAUSE, deadlock_cause_word(cause));
}

static void circle_row(const Report *report, uint64_t number, const LockEdge *edge, Row *row,
                       char thread[static 96])
{
    const Scenario *scenario = report->scenario;
    set_count(row, KEY_LOCK_CIRCLE_CIRCLE, number);
    set_text(row, KEY_LOCK_CIRCLE_THREAD,
             task_table_name(&report->metrics->threads, scenario, edge->task, thread));
    set_text(row, KEY_LOCK_CIRCLE_FIRST, sync_name(scenario, edge->from));
    set_line(row, KEY_LOCK_CIRCLE_FIRST_LINE, line_of(scenario, edge->from_op));
    set_text(row, KEY_LOCK_CIRCLE_SECOND, sync_name(scenario, edge->to));
    set_line(row, KEY_LOCK_CIRCLE_SECOND_LINE, line_of(scenario, edge->to_op));
}

static void variable_row(const Report *report, uint32_t id, Row *row, char owner[static 96])
{
    Instance instance = instances_variable_at(&report->metrics->instances, id);
    const VariableDef *def = &report->scenario->variables[instance.id - 1];
    const VariableMetrics *variable = &report->metrics->data.variables[id];
    set_text(row, KEY_VARIABLE_NAME, scenario_string(report->scenario, def->name));
    set_text(row, KEY_VARIABLE_PROCESS, owner_name(report, def->process, instance.pid, owner));
    set_signed(row, KEY_VARIABLE_VALUE, variable->value);
    set_count(row, KEY_VARIABLE_LOADS, variable->loads);
    set_count(row, KEY_VARIABLE_STORES, variable->stores);
    set_count(row, KEY_VARIABLE_ATOMICS, variable->atomics);
    set_count(row, KEY_VARIABLE_FAILED_SWAPS, variable->failed_swaps);
    set_count(row, KEY_VARIABLE_LOST_UPDATES, variable_lost_updates(variable));
    set_count(row, KEY_VARIABLE_RACES, races_of_number(&report->metrics->races, id));
}

static void race_row(const Report *report, const Race *race, Row *row, char first[static 96],
                     char second[static 96])
{
    const Scenario *scenario = report->scenario;
    const VariableDef *def = &scenario->variables[race->variable - 1];
    const TaskTable *threads = &report->metrics->threads;
    set_text(row, KEY_RACE_VARIABLE, scenario_string(scenario, def->name));
    set_text(row, KEY_RACE_PROCESS, process_name(scenario, def->process));
    set_count(row, KEY_RACE_FIRST_LINE, scenario->op_at[race->first.op].line);
    set_text(row, KEY_RACE_FIRST_THREAD,
             task_table_name(threads, scenario, race->first.task, first));
    set_text(row, KEY_RACE_FIRST_ACCESS, access_kind_word(race->first.kind));
    set_count(row, KEY_RACE_SECOND_LINE, scenario->op_at[race->second.op].line);
    set_text(row, KEY_RACE_SECOND_THREAD,
             task_table_name(threads, scenario, race->second.task, second));
    set_text(row, KEY_RACE_SECOND_ACCESS, access_kind_word(race->second.kind));
    set_ns(row, KEY_RACE_TIME_NS, race->time_ns);
}

static void span_row(const Report *report, const NameMetrics *name, Row *row)
{
    SamplesSummary latency = samples_summary(&name->latency);
    set_text(row, KEY_SPAN_NAME, scenario_string(report->scenario, (StringId){name->name}));
    set_count(row, KEY_SPAN_COUNT, latency.count);
    set_number(row, KEY_SPAN_THROUGHPUT, metrics_throughput(report->metrics, latency.count));
    set_ns(row, KEY_SPAN_LATENCY_MEAN_NS, if_any(&latency, latency.mean));
    set_ns(row, KEY_SPAN_LATENCY_P50_NS, if_any(&latency, latency.p50));
    set_ns(row, KEY_SPAN_LATENCY_P90_NS, if_any(&latency, latency.p90));
    set_ns(row, KEY_SPAN_LATENCY_P99_NS, if_any(&latency, latency.p99));
    set_ns(row, KEY_SPAN_LATENCY_MAX_NS, if_any(&latency, latency.max));
}

static void mark_row(const Report *report, const NameMetrics *name, Row *row)
{
    set_text(row, KEY_MARK_NAME, scenario_string(report->scenario, (StringId){name->name}));
    set_count(row, KEY_MARK_COUNT, name->passages);
    set_number(row, KEY_MARK_THROUGHPUT, metrics_throughput(report->metrics, name->passages));
}

static void expect_row(const ReportExpect *expect, Row *row)
{
    set_text(row, KEY_EXPECT_TEXT, expect->expect->text);
    if (expect->expect->at.line != 0)
        set_count(row, KEY_EXPECT_LINE, expect->expect->at.line);
    set_truth(row, KEY_EXPECT_HOLDS, expect->holds);
    set_text(row, KEY_EXPECT_FOUND, expect->found);
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
        thread_row(report, id, thread, &row, name);
        write_row(writer, SECTION_THREAD, &row, first);
        first = false;
    }
}

static void core_list(const Report *report, Writer *writer)
{
    for (uint32_t i = 0; i < report->metrics->core_count; i++) {
        Row row = {0};
        core_row(report->metrics, i, &row);
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
        lock_row(report, id, &row, holder, owner);
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
        object_row(report, id, &row, owner);
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
        deadlock_row(report, &metrics->deadlocks.at[i], group.cause, &row, thread, holder);
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
            circle_row(report, c + 1, &order->edges.at[edge], &row, thread);
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
        variable_row(report, id, &row, owner);
        write_row(writer, SECTION_VARIABLE, &row, id == 1);
    }
}

static void race_list(const Report *report, Writer *writer)
{
    const Races *races = &report->metrics->races;
    for (size_t i = 0; i < races->found.count; i++) {
        Row row = {0};
        char first[96], second[96];
        race_row(report, &races->found.at[i], &row, first, second);
        write_row(writer, SECTION_RACE, &row, i == 0);
    }
}

static void process_end_row(const Report *report, uint64_t pid, const ProcessMetrics *process,
                            Row *row, char name[static 96])
{
    const Metrics *metrics = report->metrics;
    uint64_t faults = 0;
    for (int i = 0; i < FAULT_KIND_COUNT; i++)
        faults += process->faults[i];
    process_names_text(&metrics->processes.names, &metrics->threads, report->scenario, pid, name);
    set_text(row, KEY_PROCESS_END_NAME, name);
    if (process->said) {
        set_count(row, KEY_PROCESS_END_RESERVED_BYTES, process->reserved_max);
        set_count(row, KEY_PROCESS_END_RESIDENT_BYTES, process->resident_max);
        set_count(row, KEY_PROCESS_END_PRIVATE_BYTES, process->private_max);
        set_count(row, KEY_PROCESS_END_SHARED_BYTES, process->shared_max);
        set_count(row, KEY_PROCESS_END_HEAP_BYTES, process->heap_max);
    }
    set_count(row, KEY_PROCESS_END_FAULTS, faults);
    set_count(row, KEY_PROCESS_END_COPIED, process->faults[FAULT_COW]);
    if (process->ended && process->status < STATUS_SIGNALLED)
        set_count(row, KEY_PROCESS_END_EXIT_CODE, process->status);
    else if (process->ended)
        set_text(row, KEY_PROCESS_END_KILLED_BY, signal_name(process->status - STATUS_SIGNALLED));
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
        process_end_row(report, pid, process, &row, name);
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
        set_text(&row, KEY_PIPE_NAME, scenario_string(report->scenario, name));
        set_count(&row, KEY_PIPE_WRITTEN_BYTES, pipe->written);
        set_count(&row, KEY_PIPE_READ_BYTES, pipe->read);
        const StreamMetrics *stream = &report->metrics->streams.pipes[id];
        set_count(&row, KEY_PIPE_STREAM_READS, stream->returned.total);
        set_count(&row, KEY_PIPE_UNREAD_BYTES, stream->unread);
        set_count(&row, KEY_PIPE_UNSENT_BYTES, stream->unsent);
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
        set_text(&row, KEY_TROUBLE_KIND, event_info(trouble->kind)->name);
        set_ns(&row, KEY_TROUBLE_TIME_NS, trouble->time_ns);
        set_text(&row, KEY_TROUBLE_THREAD,
                 task_table_name(&metrics->threads, scenario, trouble->task, thread));
        if (trouble->line != 0)
            set_count(&row, KEY_TROUBLE_LINE, trouble->line);
        if (trouble->kind == EVENT_OUT_OF_MEMORY)
            set_text(&row, KEY_TROUBLE_ABOUT,
                     process_names_text(&metrics->processes.names, &metrics->threads, scenario,
                                        trouble->about, about));
        else if (trouble->about > 0 && trouble->about <= scenario->pipe_count)
            set_text(&row, KEY_TROUBLE_ABOUT,
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
            span_row(report, name, &row);
        else
            mark_row(report, name, &row);
        write_row(writer, section, &row, first);
        first = false;
    }
}

static void expect_list(const Report *report, Writer *writer)
{
    for (uint32_t i = 0; report->expects != NULL && i < report->scenario->expect_count; i++) {
        Row row = {0};
        expect_row(&report->expects[i], &row);
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
        text_item(writer, process_name(report->scenario, (ProcessId){i}), i == 1);
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

// "done", "until"…: the ids of END_REASONS in lower case.
static const char *end_word(EndReason end, char text[static 32])
{
#define X(id, word) #id,
    static const char *const ids[] = {END_REASONS(X)};
#undef X
    const char *id = (unsigned)end < END_REASON_COUNT ? ids[end] : "?";
    size_t i = 0;
    for (; id[i] != 0 && i < 31; i++)
        text[i] = (char)tolower((unsigned char)id[i]);
    text[i] = 0;
    return text;
}

static void run_row(const Report *report, Row *row, char end[static 32], char hash[static 17],
                    char missing[static 160])
{
    const Metrics *metrics = report->metrics;
    const Scenario *scenario = report->scenario;
    set_text(row, KEY_RUN_TITLE, scenario->title);
    set_text(row, KEY_RUN_LESSON, scenario->lesson);
    set_text(row, KEY_RUN_FILE, scenario->path);
    set_count(row, KEY_RUN_SEED, scenario->seed);
    set_text(row, KEY_RUN_SOURCE, report->measured ? "measured" : "simulated");
    set_text(row, KEY_RUN_END, end_word(metrics->end, end));
    set_text(row, KEY_RUN_LIMIT, metrics->end == END_LIMIT ? limit_name(metrics->limit) : NULL);
    set_ns(row, KEY_RUN_ENDED_NS, metrics->now_ns);
    set_ns(row, KEY_RUN_MAKESPAN_NS, metrics_makespan_ns(metrics));
    if (metrics->has_events)
        set_count(row, KEY_RUN_EVENTS, metrics->events);
    set_count(row, KEY_RUN_RECORDS, metrics->records);
    if (report->has_result)
        set_count(row, KEY_RUN_MEMORY_BYTES, report->result.bytes);
    if (report->has_hash) {
        for (int i = 0; i < 16; i++)
            hash[i] = "0123456789abcdef"[report->trace_hash >> (60 - 4 * i) & 15];
        hash[16] = 0;
        set_text(row, KEY_RUN_TRACE_HASH, hash);
    }
    set_count(row, KEY_RUN_DEADLOCKED, metrics->deadlocked);
    set_text(row, KEY_RUN_RACES_MISSING, races_missing(&metrics->races, missing));
}

void report_json(const Report *report, Writer *writer)
{
    Row row = {0};
    char end[32], hash[17], missing[160];
    run_row(report, &row, end, hash, missing);
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
        thread_row(report, id, thread, &row, name);
        for (int key = begin; key < KEY_COUNT && keys[key].section == SECTION_THREAD; key++) {
            writer_text(writer, key == begin ? "" : ",");
            write_cell_csv(writer, &row.cells[key]);
        }
        writer_char(writer, '\n');
    }
}
