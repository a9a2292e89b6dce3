// The summary for a terminal.
#include "sim/analysis/report.h"

#include "sim/analysis/deadlocks.h"
#include "sim/analysis/sentence.h"
#include "sim/analysis/table.h"
#include "sim/base/count.h"
#include "sim/trace/record.h"

#include <stdio.h>
#include <string.h>

enum { ROWS_MAX = 20, PRINTED_ROWS_MAX = 12, BAR_COLUMNS = 20, COLUMNS_DEFAULT = 100 };

#define BOLD  "1"
#define DIM   "2"
#define RED   "1;31"
#define GREEN "32"

uint32_t report_expectations(Report *report, Arena *arena)
{
    const Scenario *scenario = report->scenario;
    ExpectSource source = metrics_expect_source(report->metrics);
    uint32_t failed = 0;
    report->expects = ARENA_ARRAY(arena, ReportExpect, scenario->expect_count);
    for (uint32_t i = 0; i < scenario->expect_count; i++) {
        ReportExpect *row = &report->expects[i];
        row->expect = &scenario->expects[i];
        row->found = "";
        row->holds = expect_holds(scenario, row->expect, &source, arena, &row->found);
        failed += !row->holds;
    }
    return failed;
}

static void say(const Report *report, Writer *writer, const char *colour, const char *text)
{
    if (report->colour)
        writer_format(writer, "\x1b[%sm", colour);
    for (; *text != 0; text++)
        writer_char(writer, (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
    if (report->colour)
        writer_text(writer, "\x1b[0m");
}

// `text` in lines of at most `columns`, each begun with two spaces. Breaks at spaces only.
static void say_wrapped(Writer *writer, const char *text, int columns)
{
    int at = 0;
    while (*text != 0) {
        text += strspn(text, " \t\r\n");
        size_t length = strcspn(text, " \t\r\n");
        int width = 0;
        for (size_t i = 0; i < length; i++)
            width += ((unsigned char)text[i] & 0xc0) != 0x80;
        if (length == 0)
            break;
        if (at > 0 && at + 1 + width > columns) {
            writer_char(writer, '\n');
            at = 0;
        }
        writer_text(writer, at == 0 ? "  " : " ");
        for (size_t i = 0; i < length; i++)
            writer_char(writer, (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i]);
        at += at == 0 ? 2 + width : 1 + width;
        text += length;
    }
    if (at > 0)
        writer_char(writer, '\n');
}

static void say_more(Writer *writer, uint64_t more, const char *what)
{
    char text[32];
    if (more > 0)
        writer_format(writer, "  … and %s more%s\n", count_text(more, text), what);
}

static void heading(const Report *report, Writer *writer, const char *text)
{
    writer_char(writer, '\n');
    say(report, writer, BOLD, text);
    writer_char(writer, '\n');
}

static void head(const Report *report, Writer *writer)
{
    const Scenario *scenario = report->scenario;
    int columns = report->columns > 20 ? report->columns : COLUMNS_DEFAULT;
    if (scenario->title != NULL && scenario->title[0] != 0) {
        say(report, writer, BOLD, scenario->title);
        writer_char(writer, '\n');
    }
    if (scenario->lesson != NULL)
        say_wrapped(writer, scenario->lesson, columns);
    // The overrides, so that a changed machine is never taken for the scenario's own.
    for (const char *line = scenario->overrides; line != NULL && *line != 0;) {
        size_t length = strcspn(line, "\n");
        writer_text(writer, line == scenario->overrides ? "  with " : ", ");
        writer_bytes(writer, line, length);
        line += length + (line[length] == '\n');
        if (*line == 0)
            writer_char(writer, '\n');
    }
}

static void how_it_ended(const Report *report, Writer *writer)
{
    const Metrics *metrics = report->metrics;
    char text[32];
    writer_char(writer, '\n');
    say(report, writer, BOLD, "makespan ");
    say(report, writer, BOLD, duration_text(metrics_makespan_ns(metrics), text));
    writer_text(writer, "   ");
    bool bad = metrics->end == END_DEADLOCK || metrics->end == END_LIMIT;
    say(report, writer, bad ? RED : DIM, end_reason_text(metrics->end));
    if (metrics->end == END_LIMIT) {
        const char *name = limit_name(metrics->limit);
        int64_t bound = metrics->limit < LIMIT_COUNT ? report->scenario->limits[metrics->limit] : 0;
        limit_text(metrics->limit, bound, text);
        writer_format(writer, " (%s, %s; raise it with --set limits.%s=…)", name, text, name);
    }
    if (metrics->has_events)
        writer_format(writer, "   %s events", count_text(metrics->events, text));
    writer_format(writer, "   %s records", count_text(metrics->records, text));
    if (report->has_hash) {
        writer_text(writer, "   trace ");
        writer_hex(writer, report->trace_hash, 16);
    }
    writer_char(writer, '\n');
}

// --- deadlocks and what may become one ----------------------------------------------------------

// " (scenario.yaml:12)", nothing when the operation has no line.
static void say_place(const Report *report, Writer *writer, uint32_t op)
{
    const Scenario *scenario = report->scenario;
    const char *slash = strrchr(scenario->path, '/'), *file = slash ? slash + 1 : scenario->path;
    if (op > 0 && op < scenario->op_count && scenario->op_at[op].line != 0)
        writer_format(writer, " (%s:%u)", file, scenario->op_at[op].line);
}

static void say_object(const Report *report, Writer *writer, uint32_t sync)
{
    const Scenario *scenario = report->scenario;
    if (sync == 0 || sync > scenario->sync_count)
        writer_text(writer, "threads to end");
    else
        writer_format(writer, "%s %s", sync_kind_word(scenario->syncs[sync - 1].kind),
                      scenario_string(scenario, scenario->syncs[sync - 1].name));
}

static void deadlocks(const Report *report, Writer *writer, Arena *arena)
{
    const Metrics *metrics = report->metrics;
    size_t count = metrics->deadlocks.count, shown = 0;
    for (size_t i = 0; i < count && shown < ROWS_MAX;) {
        DeadlockGroup group = deadlock_group(metrics, i);
        say(report, writer, RED, "deadlock");
        writer_format(writer, ": %s\n", deadlock_group_text(metrics, group, arena));
        for (size_t k = 0; k < group.count && shown < ROWS_MAX; k++, shown++)
            writer_format(writer, "  %s\n",
                          deadlock_member_text(metrics, i + k, group.cause, arena));
        i += group.count;
    }
    say_more(writer, metrics->deadlocked - shown, "");
}

static void lock_circles(const Report *report, Writer *writer)
{
    const LockOrder *order = &report->metrics->lock_order;
    for (size_t c = 0; c < order->circles.count; c++) {
        LockCircle circle = order->circles.at[c];
        say(report, writer, RED, "warning");
        writer_text(writer,
                    ": locks are taken in orders that can deadlock; it did not happen here\n");
        for (uint32_t i = 0; i < circle.count; i++) {
            const LockEdge *edge = &order->edges.at[order->circle_edges.at[circle.first + i]];
            char name[96];
            writer_format(
                writer, "  %s takes ",
                task_table_name(&report->metrics->threads, report->scenario, edge->task, name));
            say_object(report, writer, edge->from);
            say_place(report, writer, edge->from_op);
            writer_text(writer, " and then ");
            say_object(report, writer, edge->to);
            say_place(report, writer, edge->to_op);
            writer_char(writer, '\n');
        }
    }
}

// --- threads ------------------------------------------------------------------------------------

// Threads of one row: one thread, or all of a ThreadDef with their means.
typedef struct ThreadRow {
    uint64_t count, responded, ended;
    double start, response, turnaround, wait, user, kernel;
    uint64_t voluntary, forced, migrations;
    int64_t turnaround_max;
} ThreadRow;

static void thread_row_add(ThreadRow *row, const ThreadMetrics *t)
{
    row->count++;
    row->start += (double)t->start_ns;
    if (t->first_ns >= 0) {
        row->responded++;
        row->response += (double)(t->first_ns - t->start_ns);
    }
    if (t->end_ns >= 0) {
        row->ended++;
        row->turnaround += (double)(t->end_ns - t->start_ns);
        if (t->end_ns - t->start_ns > row->turnaround_max)
            row->turnaround_max = t->end_ns - t->start_ns;
    }
    row->wait += (double)t->wait_ns;
    row->user += (double)t->cpu_user_ns;
    row->kernel += (double)t->cpu_kernel_ns;
    row->voluntary += t->switches_voluntary;
    row->forced += t->switches_forced;
    row->migrations += t->migrations;
}

static int64_t mean_ns(double sum, uint64_t count)
{
    return count == 0 ? -1 : (int64_t)(sum / (double)count + 0.5);
}

static void thread_row_print(Table *table, const char *name, const ThreadRow *row, bool grouped)
{
    table_text(table, name);
    if (grouped)
        table_count(table, row->count);
    table_ns(table, mean_ns(row->start, row->count));
    table_ns(table, mean_ns(row->response, row->responded));
    table_ns(table, mean_ns(row->turnaround, row->ended));
    if (grouped)
        table_ns(table, row->ended == 0 ? -1 : row->turnaround_max);
    table_ns(table, mean_ns(row->wait, row->count));
    table_ns(table, mean_ns(row->user, row->count));
    table_ns(table, mean_ns(row->kernel, row->count));
    table_count(table, row->voluntary);
    table_count(table, row->forced);
    table_count(table, row->migrations);
}

static void table_heading(Table *table, const char *const *words, int count)
{
    for (int i = 0; i < count; i++)
        table_text(table, words[i]);
    table->columns = count;
    table->left = 1;
}

#define HEADING(table, ...)                                                                        \
    table_heading((table), (const char *const[]){__VA_ARGS__},                                     \
                  (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)))

static void threads_single(const Report *report, Table *table)
{
    const Metrics *metrics = report->metrics;
    HEADING(table, "", "start", "response", "turnaround", "wait", "user", "kernel", "voluntary",
            "forced", "moves");
    for (uint32_t id = 1; id <= metrics->threads.id_max; id++) {
        const ThreadMetrics *thread = metrics_thread(metrics, id);
        if (thread == NULL)
            continue;
        ThreadRow row = {0};
        char name[96];
        thread_row_add(&row, thread);
        task_table_name(&metrics->threads, report->scenario, id, name);
        thread_row_print(table, name, &row, false);
    }
}

// A row for each entry of `threads:` (or spawn); returns how many entries did not fit.
static uint64_t threads_grouped(const Report *report, Table *table, Arena *arena)
{
    const Metrics *metrics = report->metrics;
    const Scenario *scenario = report->scenario;
    ThreadRow *rows = ARENA_ARRAY(arena, ThreadRow, scenario->thread_count + 1);
    for (uint32_t id = 1; id <= metrics->threads.id_max; id++) {
        const ThreadMetrics *thread = metrics_thread(metrics, id);
        if (thread != NULL)
            thread_row_add(&rows[thread->row.def], thread);
    }
    HEADING(table, "mean of each entry", "threads", "start", "response", "turnaround", "longest",
            "wait", "user", "kernel", "voluntary", "forced", "moves");
    uint64_t shown = 0, hidden = 0;
    for (uint32_t def = 1; def <= scenario->thread_count; def++) {
        if (rows[def].count == 0)
            continue;
        if (shown == ROWS_MAX) {
            hidden++;
            continue;
        }
        shown++;
        thread_row_print(table, scenario_string(scenario, scenario->threads[def - 1].name),
                         &rows[def], true);
    }
    return hidden;
}

static void threads(const Report *report, Writer *writer, Arena *arena)
{
    uint32_t count = report->metrics->threads.count;
    Table table = {.arena = arena};
    char text[32], title[64];
    snprintf(title, sizeof title, count > 1 ? "Threads (%s)" : "Threads", count_text(count, text));
    heading(report, writer, title);
    if (count == 0) {
        writer_text(writer, "  none was created\n");
        return;
    }
    uint64_t hidden = 0;
    if (count <= ROWS_MAX)
        threads_single(report, &table);
    else
        hidden = threads_grouped(report, &table, arena);
    table_print(&table, writer, report->colour);
    say_more(writer, hidden, " entries");
}

// --- the rest -----------------------------------------------------------------------------------

static char *percent_text(double share, char text[static 32])
{
    snprintf(text, 32, "%.1f %%", share * 100);
    return text;
}

static const char *bar_text(Arena *arena, double share)
{
    int full = share <= 0 ? 0 : (int)(share * BAR_COLUMNS + 0.5);
    char *text = arena_alloc(arena, 3 * BAR_COLUMNS + 1), *end = text;
    for (int i = 0; i < BAR_COLUMNS; i++, end += 3)
        memcpy(end, i < full ? "█" : "░", 3);
    return text;
}

static void cores(const Report *report, Writer *writer, Arena *arena)
{
    const Metrics *metrics = report->metrics;
    Table table = {.arena = arena};
    heading(report, writer, "Cores");
    HEADING(&table, "", "", "busy", "user", "kernel", "interrupts", "idle", "switches");
    table.left = 3;
    for (uint32_t i = 0; i < metrics->core_count && i < ROWS_MAX; i++) {
        const CoreMetrics *core = &metrics->cores[i];
        char text[32];
        double share = metrics_utilization(metrics, i);
        snprintf(text, sizeof text, "core %u", i);
        table_text(&table, text);
        table_text(&table, bar_text(arena, share));
        table_text(&table, share < 0 ? "-" : percent_text(share, text));
        table_ns(&table, core->user_ns);
        table_ns(&table, core->kernel_ns);
        table_ns(&table, core->interrupt_ns);
        table_ns(&table, core->idle_ns);
        table_count(&table, core->switches);
    }
    table_print(&table, writer, report->colour);
    if (metrics->core_count <= ROWS_MAX)
        return;
    say_more(writer, metrics->core_count - ROWS_MAX, "");
    double sum = 0;
    for (uint32_t i = 0; i < metrics->core_count; i++)
        sum += metrics_utilization(metrics, i);
    char text[32];
    if (sum >= 0)
        writer_format(writer, "  all %u cores: %s busy\n", metrics->core_count,
                      percent_text(sum / metrics->core_count, text));
}

static void table_summary_ns(Table *table, const SamplesSummary *summary, int64_t ns)
{
    table_ns(table, summary->count == 0 ? -1 : ns);
}

// Who still held it when the run ended: "kant", "kant and 2 more"; "-" for nobody.
static const char *held_by(const Report *report, const SyncMetrics *lock, Arena *arena)
{
    if (lock->holders.count == 0)
        return "-";
    char name[96];
    task_table_name(&report->metrics->threads, report->scenario, lock->holders.at[0].task, name);
    return lock->holders.count == 1
               ? arena_format(arena, "%s", name)
               : arena_format(arena, "%s and %zu more", name, lock->holders.count - 1);
}

static SyncKind kind_of(const Report *report, uint32_t number)
{
    uint32_t id = instances_sync_at(&report->metrics->instances, number).id;
    return report->scenario->syncs[id - 1].kind;
}

// Whether something was still open when the run ended: only then is it worth a column.
static bool any_open(const Report *report, bool of_locks)
{
    for (uint32_t i = 1; i <= report->metrics->sync_count; i++) {
        const SyncMetrics *sync = &report->metrics->syncs[i];
        bool is_lock = sync_is_lock(kind_of(report, i)) != 0;
        if (is_lock == of_locks && (sync->open_waits > 0 || (is_lock && sync->holders.count > 0)))
            return true;
    }
    return false;
}

static bool is_told(const Report *report, uint32_t number, bool locks)
{
    return (sync_is_lock(kind_of(report, number)) != 0) == locks &&
           metrics_tells_sync(report->metrics, number);
}

static uint32_t count_syncs(const Report *report, bool locks)
{
    uint32_t count = 0;
    for (uint32_t i = 1; i <= report->metrics->sync_count; i++)
        count += is_told(report, i, locks);
    return count;
}

static void locks(const Report *report, Writer *writer, Arena *arena)
{
    Table table = {.arena = arena};
    uint32_t count = count_syncs(report, true), row = 0;
    if (count == 0)
        return;
    bool open = any_open(report, true);
    HEADING(&table, "", "held", "mean hold", "longest", "waited for", "mean wait", "longest");
    if (open) {
        table_text(&table, "still held by");
        table_text(&table, "still waited for by");
        table.left |= 1u << table.columns;
        table.columns += 2;
    }
    for (uint32_t i = 1; i <= report->metrics->sync_count; i++) {
        char name[192];
        if (!is_told(report, i, true) || ++row > ROWS_MAX)
            continue;
        const SyncMetrics *lock = &report->metrics->syncs[i];
        SamplesSummary holds = samples_summary(&lock->holds), waits = samples_summary(&lock->waits);
        table_text(&table, metrics_sync_name(report->metrics, i, name));
        table_count(&table, holds.count);
        table_summary_ns(&table, &holds, holds.mean);
        table_summary_ns(&table, &holds, holds.max);
        table_count(&table, waits.count);
        table_summary_ns(&table, &waits, waits.mean);
        table_summary_ns(&table, &waits, waits.max);
        if (open) {
            table_text(&table, held_by(report, lock, arena));
            table_count(&table, lock->open_waits);
        }
    }
    heading(report, writer, "Locks");
    table_print(&table, writer, report->colour);
    say_more(writer, count > ROWS_MAX ? count - ROWS_MAX : 0, "");
}

static void objects(const Report *report, Writer *writer, Arena *arena)
{
    Table table = {.arena = arena};
    uint32_t count = count_syncs(report, false), row = 0;
    if (count == 0)
        return;
    bool open = any_open(report, false);
    HEADING(&table, "", "least", "mean", "most", "at the end", "waits", "mean wait", "longest",
            "waves");
    if (open) {
        table_text(&table, "still waited at by");
        table.columns++;
    }
    for (uint32_t i = 1; i <= report->metrics->sync_count; i++) {
        if (!is_told(report, i, false) || ++row > ROWS_MAX)
            continue;
        const SyncMetrics *sync = &report->metrics->syncs[i];
        SamplesSummary waits = samples_summary(&sync->waits);
        char mean[32], name[192];
        snprintf(mean, sizeof mean, "%.2f", sync_metrics_level_mean(sync, report->metrics->now_ns));
        table_text(&table, arena_format(arena, "%s %s", sync_kind_word(kind_of(report, i)),
                                        metrics_sync_name(report->metrics, i, name)));
        table_count(&table, (uint64_t)sync->level_min);
        table_text(&table, mean);
        table_count(&table, (uint64_t)sync->level_max);
        table_count(&table, (uint64_t)sync->level);
        table_count(&table, waits.count);
        table_summary_ns(&table, &waits, waits.mean);
        table_summary_ns(&table, &waits, waits.max);
        table_count(&table, sync->waves);
        if (open)
            table_count(&table, sync->open_waits);
    }
    heading(report, writer, "Semaphores, queues and the like");
    table_print(&table, writer, report->colour);
    say_more(writer, count > ROWS_MAX ? count - ROWS_MAX : 0, "");
}

static void variables(const Report *report, Writer *writer, Arena *arena)
{
    const Scenario *scenario = report->scenario;
    if (scenario->variable_count == 0)
        return;
    Table table = {.arena = arena};
    heading(report, writer, "Shared variables");
    HEADING(&table, "", "value", "loads", "stores", "atomic changes", "failed swaps",
            "lost updates");
    uint32_t row = 0;
    for (uint32_t i = 1; i <= report->metrics->data.variable_count; i++) {
        if (!metrics_tells_variable(report->metrics, i) || ++row > ROWS_MAX)
            continue;
        const VariableMetrics *variable = &report->metrics->data.variables[i];
        char name[192];
        table_text(&table, metrics_variable_name(report->metrics, i, name));
        table_text(&table, arena_format(arena, "%lld", (long long)variable->value));
        table_count(&table, variable->loads);
        table_count(&table, variable->stores);
        table_count(&table, variable->atomics);
        table_count(&table, variable->failed_swaps);
        table_count(&table, variable_lost_updates(variable));
    }
    table_print(&table, writer, report->colour);
    say_more(writer, row > ROWS_MAX ? row - ROWS_MAX : 0, "");
}

// The first update of each variable that was lost, with both places.
static void lost_updates(const Report *report, Writer *writer)
{
    const Metrics *metrics = report->metrics;
    uint32_t row = 0;
    for (uint32_t i = 1; i <= metrics->data.variable_count; i++) {
        const LostUpdate *lost = &metrics->data.variables[i].first_lost;
        if (lost->task == 0 || !metrics_tells_variable(metrics, i) || ++row > ROWS_MAX)
            continue;
        if (row == 1)
            heading(report, writer, "Lost updates");
        char name[192], time[32];
        writer_text(writer, "  ");
        say(report, writer, RED, metrics_variable_name(metrics, i, name));
        writer_format(writer, ": %s stores",
                      task_table_name(&metrics->threads, report->scenario, lost->task, name));
        say_place(report, writer, lost->op);
        writer_format(writer, " over what %s had stored",
                      task_table_name(&metrics->threads, report->scenario, lost->of_task, name));
        say_place(report, writer, lost->of_op);
        writer_format(writer, " and it had not seen (first at %s)\n",
                      duration_text(lost->time_ns, time));
    }
    say_more(writer, row > ROWS_MAX ? row - ROWS_MAX : 0, "");
}

// What event loops in debug mode have warned of.
static void slow_callbacks(const Report *report, Writer *writer)
{
    const Metrics *metrics = report->metrics;
    const Names names = {.scenario = report->scenario, .tasks = &metrics->threads};
    uint64_t count = metrics->slow_callbacks;
    if (count > 0)
        heading(report, writer, "Slow callbacks");
    for (uint64_t i = 0; i < count && i < SLOW_CALLBACKS_MAX; i++) {
        char took[32], time[32];
        writer_text(writer, "  ");
        sentence_argument(writer, &names, ARG_COROUTINE, metrics->slow[i].coroutine);
        writer_format(writer, " kept the loop for %s (until %s)\n",
                      duration_text(metrics->slow[i].took_ns, took),
                      duration_text(metrics->slow[i].time_ns, time));
    }
    say_more(writer, count > SLOW_CALLBACKS_MAX ? count - SLOW_CALLBACKS_MAX : 0, "");
}

static void race_side(const Report *report, Writer *writer, const RaceSide *side)
{
    char name[96];
    writer_format(writer, "%s %s",
                  task_table_name(&report->metrics->threads, report->scenario, side->task, name),
                  access_kind_word(side->kind));
    say_place(report, writer, side->op);
}

// Pairs of accesses that nothing orders, with both places.
static void races(const Report *report, Writer *writer)
{
    const Races *races = &report->metrics->races;
    char text[160];
    const char *missing = races_missing(races, text);
    if (races->found.count == 0 && missing == NULL)
        return;
    heading(report, writer, "Races");
    for (size_t i = 0; i < races->found.count && i < ROWS_MAX; i++) {
        const Race *race = &races->found.at[i];
        char name[96];
        writer_text(writer, "  ");
        say(report, writer, RED, variable_name(report->scenario, race->variable, name));
        writer_text(writer, ": ");
        race_side(report, writer, &race->first);
        writer_text(writer, ", ");
        race_side(report, writer, &race->second);
        char time[32];
        writer_format(writer, "; nothing orders them (first at %s)\n",
                      duration_text(race->time_ns, time));
    }
    say_more(writer, races->found.count > ROWS_MAX ? races->found.count - ROWS_MAX : 0, "");
    if (missing != NULL)
        writer_format(writer, "  %s\n", missing);
}

static char *rate_text(double rate, char text[static 32])
{
    if (rate < 0)
        snprintf(text, 32, "-");
    else
        snprintf(text, 32, rate < 100 ? "%.2f /s" : "%.0f /s", rate);
    return text;
}

static void span_row(const Report *report, Table *table, const NameMetrics *name)
{
    SamplesSummary latency = samples_summary(&name->latency);
    char text[32];
    table_text(table, scenario_string(report->scenario, (StringId){name->name}));
    table_count(table, latency.count);
    table_text(table, rate_text(metrics_throughput(report->metrics, latency.count), text));
    table_summary_ns(table, &latency, latency.mean);
    table_summary_ns(table, &latency, latency.p50);
    table_summary_ns(table, &latency, latency.p90);
    table_summary_ns(table, &latency, latency.p99);
    table_summary_ns(table, &latency, latency.max);
}

static void mark_row(const Report *report, Table *table, const NameMetrics *name)
{
    char text[32];
    table_text(table, scenario_string(report->scenario, (StringId){name->name}));
    table_count(table, name->passages);
    table_text(table, rate_text(metrics_throughput(report->metrics, name->passages), text));
}

static void spans_or_marks(const Report *report, Writer *writer, Arena *arena, bool spans)
{
    const Metrics *metrics = report->metrics;
    Table table = {.arena = arena};
    uint64_t rows = 0;
    for (size_t i = 0; i < metrics->names.count; i++) {
        const NameMetrics *name = &metrics->names.at[i];
        if (!(spans ? name->is_span : name->is_mark))
            continue;
        if (rows == 0 && spans)
            HEADING(&table, "", "count", "rate", "mean", "p50", "p90", "p99", "max");
        else if (rows == 0)
            HEADING(&table, "", "count", "rate");
        if (rows++ >= ROWS_MAX)
            continue;
        if (spans)
            span_row(report, &table, name);
        else
            mark_row(report, &table, name);
    }
    if (rows == 0)
        return;
    heading(report, writer, spans ? "Spans" : "Marks");
    table_print(&table, writer, report->colour);
    say_more(writer, rows > ROWS_MAX ? rows - ROWS_MAX : 0, "");
}

static void printed(const Report *report, Writer *writer)
{
    const Metrics *metrics = report->metrics;
    if (metrics->printed_count == 0)
        return;
    heading(report, writer, "Printed");
    size_t shown =
        metrics->printed.count < PRINTED_ROWS_MAX ? metrics->printed.count : PRINTED_ROWS_MAX;
    for (size_t i = 0; i < shown; i++) {
        writer_text(writer, "  ");
        const char *text = scenario_string(report->scenario, (StringId){metrics->printed.at[i]});
        for (; *text != 0; text++)
            writer_char(writer, (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
        writer_char(writer, '\n');
    }
    say_more(writer, metrics->printed_count - shown, "");
}

static void expectations(const Report *report, Writer *writer)
{
    if (report->expects == NULL || report->scenario->expect_count == 0)
        return;
    heading(report, writer, "Expected");
    for (uint32_t i = 0; i < report->scenario->expect_count; i++) {
        const ReportExpect *row = &report->expects[i];
        writer_text(writer, "  ");
        say(report, writer, row->holds ? GREEN : RED, row->holds ? "✓" : "✗");
        writer_char(writer, ' ');
        say(report, writer, row->holds ? "0" : RED, row->expect->text);
        if (row->found != NULL && row->found[0] != 0) {
            writer_text(writer, "   ");
            say(report, writer, DIM, row->found);
        }
        writer_char(writer, '\n');
    }
}

void report_summary(const Report *report, Writer *writer)
{
    Arena arena = {0};
    head(report, writer);
    how_it_ended(report, writer);
    deadlocks(report, writer, &arena);
    lock_circles(report, writer);
    report_troubles(report, writer);
    threads(report, writer, &arena);
    cores(report, writer, &arena);
    locks(report, writer, &arena);
    objects(report, writer, &arena);
    variables(report, writer, &arena);
    lost_updates(report, writer);
    races(report, writer);
    slow_callbacks(report, writer);
    report_processes(report, writer, &arena);
    spans_or_marks(report, writer, &arena, true);
    spans_or_marks(report, writer, &arena, false);
    printed(report, writer);
    expectations(report, writer);
    arena_free(&arena);
}
