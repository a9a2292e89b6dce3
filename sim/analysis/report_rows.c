// What the rows of the report for programs say: from the metrics to cells.
#include "sim/analysis/report_rows.h"

#include "sim/trace/record.h"

#include <ctype.h>
#include <string.h>

void row_text(Row *row, Key key, const char *text)
{
    row->cells[key] = (Cell){.type = text == NULL ? CELL_ABSENT : CELL_TEXT, .text = text};
}

void row_count(Row *row, Key key, uint64_t count)
{
    row->cells[key] = (Cell){.type = CELL_COUNT, .count = count};
}

// Absent when negative.
void row_ns(Row *row, Key key, int64_t ns)
{
    row->cells[key] = (Cell){.type = ns < 0 ? CELL_ABSENT : CELL_COUNT, .count = (uint64_t)ns};
}

void row_number(Row *row, Key key, double number)
{
    row->cells[key] = (Cell){.type = number < 0 ? CELL_ABSENT : CELL_NUMBER, .number = number};
}

void row_signed(Row *row, Key key, int64_t number)
{
    row->cells[key] = (Cell){.type = CELL_SIGNED, .count = (uint64_t)number};
}

void row_truth(Row *row, Key key, bool truth)
{
    row->cells[key] = (Cell){.type = CELL_TRUTH, .truth = truth};
}

const char *declared_name(const Scenario *scenario, ProcessId process)
{
    return process.index1 == 0 || process.index1 > scenario->process_count
               ? NULL
               : scenario_string(scenario, scenario->processes[process.index1 - 1].name);
}

void row_of_thread(const Report *report, uint32_t id, const ThreadMetrics *t, Row *row,
                   char name[static 96])
{
    const Scenario *scenario = report->scenario;
    const ThreadDef *def = &scenario->threads[t->row.def - 1];
    task_table_name(&report->metrics->threads, scenario, id, name);
    row_text(row, KEY_THREAD_NAME, name);
    row_text(row, KEY_THREAD_PROCESS, declared_name(scenario, def->process));
    row_ns(row, KEY_THREAD_START_NS, t->start_ns);
    row_ns(row, KEY_THREAD_END_NS, t->end_ns);
    row_ns(row, KEY_THREAD_RESPONSE_NS, t->first_ns < 0 ? -1 : t->first_ns - t->start_ns);
    row_ns(row, KEY_THREAD_TURNAROUND_NS, t->end_ns < 0 ? -1 : t->end_ns - t->start_ns);
    row_ns(row, KEY_THREAD_WAIT_NS, t->wait_ns);
    row_ns(row, KEY_THREAD_CPU_USER_NS, t->cpu_user_ns);
    row_ns(row, KEY_THREAD_CPU_KERNEL_NS, t->cpu_kernel_ns);
    row_count(row, KEY_THREAD_SWITCHES_VOLUNTARY, t->switches_voluntary);
    row_count(row, KEY_THREAD_SWITCHES_FORCED, t->switches_forced);
    row_count(row, KEY_THREAD_MIGRATIONS, t->migrations);
    row_count(row, KEY_THREAD_WAKEUPS, t->wakeups);
    row_truth(row, KEY_THREAD_DAEMON, t->daemon);
}

void row_of_core(const Metrics *metrics, uint32_t number, Row *row)
{
    const CoreMetrics *core = &metrics->cores[number];
    row_count(row, KEY_CORE_CORE, number);
    row_number(row, KEY_CORE_UTILIZATION, metrics_utilization(metrics, number));
    row_ns(row, KEY_CORE_USER_NS, core->user_ns);
    row_ns(row, KEY_CORE_KERNEL_NS, core->kernel_ns);
    row_ns(row, KEY_CORE_INTERRUPT_NS, core->interrupt_ns);
    row_ns(row, KEY_CORE_IDLE_NS, core->idle_ns);
    row_count(row, KEY_CORE_SWITCHES, core->switches);
    row_count(row, KEY_CORE_INTERRUPTS, core->interrupts);
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
    return pid == 0 ? declared_name(report->scenario, declared)
                    : process_names_text(&metrics->processes.names, &metrics->threads,
                                         report->scenario, pid, text);
}

void row_of_lock(const Report *report, uint32_t id, Row *row, char holder[static 96],
                 char owner[static 96])
{
    Instance instance = instances_sync_at(&report->metrics->instances, id);
    const SyncDef *def = &report->scenario->syncs[instance.id - 1];
    SamplesSummary holds = samples_summary(&report->metrics->syncs[id].holds);
    SamplesSummary waits = samples_summary(&report->metrics->syncs[id].waits);
    row_text(row, KEY_LOCK_NAME, scenario_string(report->scenario, def->name));
    row_text(row, KEY_LOCK_PROCESS, owner_name(report, def->process, instance.pid, owner));
    row_text(row, KEY_LOCK_KIND, sync_kind_word(def->kind));
    row_count(row, KEY_LOCK_HOLDS, holds.count);
    row_ns(row, KEY_LOCK_HOLD_MEAN_NS, if_any(&holds, holds.mean));
    row_ns(row, KEY_LOCK_HOLD_P99_NS, if_any(&holds, holds.p99));
    row_ns(row, KEY_LOCK_HOLD_MAX_NS, if_any(&holds, holds.max));
    row_count(row, KEY_LOCK_WAITS, waits.count);
    row_ns(row, KEY_LOCK_WAIT_MEAN_NS, if_any(&waits, waits.mean));
    row_ns(row, KEY_LOCK_WAIT_P99_NS, if_any(&waits, waits.p99));
    row_ns(row, KEY_LOCK_WAIT_MAX_NS, if_any(&waits, waits.max));
    const SyncMetrics *lock = &report->metrics->syncs[id];
    row_count(row, KEY_LOCK_OPEN_HOLDS, lock->holders.count);
    if (lock->holders.count > 0)
        row_text(row, KEY_LOCK_HELD_BY,
                 task_table_name(&report->metrics->threads, report->scenario,
                                 lock->holders.at[0].task, holder));
    row_count(row, KEY_LOCK_OPEN_WAITS, lock->open_waits);
}

// The line of an operation; 0 when it has none.
static uint64_t line_of(const Scenario *scenario, uint32_t op)
{
    return op == 0 || op >= scenario->op_count ? 0 : scenario->op_at[op].line;
}

void row_line(Row *row, Key key, uint64_t line)
{
    if (line != 0)
        row_count(row, key, line);
}

static const char *sync_name(const Scenario *scenario, uint32_t sync)
{
    return sync == 0 || sync > scenario->sync_count
               ? NULL
               : scenario_string(scenario, scenario->syncs[sync - 1].name);
}

void row_of_object(const Report *report, uint32_t id, Row *row, char owner[static 96])
{
    Instance instance = instances_sync_at(&report->metrics->instances, id);
    const SyncDef *def = &report->scenario->syncs[instance.id - 1];
    const SyncMetrics *sync = &report->metrics->syncs[id];
    SamplesSummary waits = samples_summary(&sync->waits);
    row_text(row, KEY_OBJECT_NAME, sync_name(report->scenario, instance.id));
    row_text(row, KEY_OBJECT_PROCESS, owner_name(report, def->process, instance.pid, owner));
    row_text(row, KEY_OBJECT_KIND, sync_kind_word(def->kind));
    row_ns(row, KEY_OBJECT_LEVEL_MIN, sync->level_min);
    row_ns(row, KEY_OBJECT_LEVEL_MAX, sync->level_max);
    row_number(row, KEY_OBJECT_LEVEL_MEAN, sync_metrics_level_mean(sync, report->metrics->now_ns));
    row_ns(row, KEY_OBJECT_LEVEL_END, sync->level);
    row_count(row, KEY_OBJECT_WAITS, waits.count);
    row_ns(row, KEY_OBJECT_WAIT_MEAN_NS, if_any(&waits, waits.mean));
    row_ns(row, KEY_OBJECT_WAIT_P99_NS, if_any(&waits, waits.p99));
    row_ns(row, KEY_OBJECT_WAIT_MAX_NS, if_any(&waits, waits.max));
    row_count(row, KEY_OBJECT_OPEN_WAITS, sync->open_waits);
    row_count(row, KEY_OBJECT_WAVES, sync->waves);
    row_count(row, KEY_OBJECT_LOST_NOTIFIES, sync->lost);
}

void row_of_deadlock(const Report *report, const DeadlockMetrics *member, DeadlockCause cause,
                     Row *row, char thread[static 96], char holder[static 96])
{
    const Scenario *scenario = report->scenario;
    const TaskTable *threads = &report->metrics->threads;
    uint32_t op;
    uint32_t by = metrics_holder(report->metrics, member, &op);
    row_text(row, KEY_DEADLOCK_THREAD, task_table_name(threads, scenario, member->task, thread));
    row_line(row, KEY_DEADLOCK_LINE, line_of(scenario, member->op));
    row_text(row, KEY_DEADLOCK_WAITS_FOR, sync_name(scenario, member->sync));
    if (sync_name(scenario, member->sync) != NULL)
        row_text(row, KEY_DEADLOCK_KIND, sync_kind_word(scenario->syncs[member->sync - 1].kind));
    if (by != 0)
        row_text(row, KEY_DEADLOCK_HOLDER, task_table_name(threads, scenario, by, holder));
    row_line(row, KEY_DEADLOCK_HOLDER_LINE, line_of(scenario, op));
    row_text(row, KEY_DEADLOCK_CAUSE, deadlock_cause_word(cause));
}

void row_of_circle(const Report *report, uint64_t number, const LockEdge *edge, Row *row,
                   char thread[static 96])
{
    const Scenario *scenario = report->scenario;
    row_count(row, KEY_LOCK_CIRCLE_CIRCLE, number);
    row_text(row, KEY_LOCK_CIRCLE_THREAD,
             task_table_name(&report->metrics->threads, scenario, edge->task, thread));
    row_text(row, KEY_LOCK_CIRCLE_FIRST, sync_name(scenario, edge->from));
    row_line(row, KEY_LOCK_CIRCLE_FIRST_LINE, line_of(scenario, edge->from_op));
    row_text(row, KEY_LOCK_CIRCLE_SECOND, sync_name(scenario, edge->to));
    row_line(row, KEY_LOCK_CIRCLE_SECOND_LINE, line_of(scenario, edge->to_op));
}

void row_of_variable(const Report *report, uint32_t id, Row *row, char owner[static 96])
{
    Instance instance = instances_variable_at(&report->metrics->instances, id);
    const VariableDef *def = &report->scenario->variables[instance.id - 1];
    const VariableMetrics *variable = &report->metrics->data.variables[id];
    row_text(row, KEY_VARIABLE_NAME, scenario_string(report->scenario, def->name));
    row_text(row, KEY_VARIABLE_PROCESS, owner_name(report, def->process, instance.pid, owner));
    row_signed(row, KEY_VARIABLE_VALUE, variable->value);
    row_count(row, KEY_VARIABLE_LOADS, variable->loads);
    row_count(row, KEY_VARIABLE_STORES, variable->stores);
    row_count(row, KEY_VARIABLE_ATOMICS, variable->atomics);
    row_count(row, KEY_VARIABLE_FAILED_SWAPS, variable->failed_swaps);
    row_count(row, KEY_VARIABLE_LOST_UPDATES, variable_lost_updates(variable));
    row_count(row, KEY_VARIABLE_RACES, races_of_number(&report->metrics->races, id));
}

void row_of_race(const Report *report, const Race *race, Row *row, char first[static 96],
                 char second[static 96])
{
    const Scenario *scenario = report->scenario;
    const VariableDef *def = &scenario->variables[race->variable - 1];
    const TaskTable *threads = &report->metrics->threads;
    row_text(row, KEY_RACE_VARIABLE, scenario_string(scenario, def->name));
    row_text(row, KEY_RACE_PROCESS, declared_name(scenario, def->process));
    row_count(row, KEY_RACE_FIRST_LINE, scenario->op_at[race->first.op].line);
    row_text(row, KEY_RACE_FIRST_THREAD,
             task_table_name(threads, scenario, race->first.task, first));
    row_text(row, KEY_RACE_FIRST_ACCESS, access_kind_word(race->first.kind));
    row_count(row, KEY_RACE_SECOND_LINE, scenario->op_at[race->second.op].line);
    row_text(row, KEY_RACE_SECOND_THREAD,
             task_table_name(threads, scenario, race->second.task, second));
    row_text(row, KEY_RACE_SECOND_ACCESS, access_kind_word(race->second.kind));
    row_ns(row, KEY_RACE_TIME_NS, race->time_ns);
}

void row_of_span(const Report *report, const NameMetrics *name, Row *row)
{
    SamplesSummary latency = samples_summary(&name->latency);
    row_text(row, KEY_SPAN_NAME, scenario_string(report->scenario, (StringId){name->name}));
    row_count(row, KEY_SPAN_COUNT, latency.count);
    row_number(row, KEY_SPAN_THROUGHPUT, metrics_throughput(report->metrics, latency.count));
    row_ns(row, KEY_SPAN_LATENCY_MEAN_NS, if_any(&latency, latency.mean));
    row_ns(row, KEY_SPAN_LATENCY_P50_NS, if_any(&latency, latency.p50));
    row_ns(row, KEY_SPAN_LATENCY_P90_NS, if_any(&latency, latency.p90));
    row_ns(row, KEY_SPAN_LATENCY_P99_NS, if_any(&latency, latency.p99));
    row_ns(row, KEY_SPAN_LATENCY_MAX_NS, if_any(&latency, latency.max));
}

void row_of_mark(const Report *report, const NameMetrics *name, Row *row)
{
    row_text(row, KEY_MARK_NAME, scenario_string(report->scenario, (StringId){name->name}));
    row_count(row, KEY_MARK_COUNT, name->passages);
    row_number(row, KEY_MARK_THROUGHPUT, metrics_throughput(report->metrics, name->passages));
}

void row_of_expect(const ReportExpect *expect, Row *row)
{
    row_text(row, KEY_EXPECT_TEXT, expect->expect->text);
    if (expect->expect->at.line != 0)
        row_count(row, KEY_EXPECT_LINE, expect->expect->at.line);
    row_truth(row, KEY_EXPECT_HOLDS, expect->holds);
    row_text(row, KEY_EXPECT_FOUND, expect->found);
}

void row_of_process_end(const Report *report, uint64_t pid, const ProcessMetrics *process, Row *row,
                        char name[static 96])
{
    const Metrics *metrics = report->metrics;
    uint64_t faults = 0;
    for (int i = 0; i < FAULT_KIND_COUNT; i++)
        faults += process->faults[i];
    process_names_text(&metrics->processes.names, &metrics->threads, report->scenario, pid, name);
    row_text(row, KEY_PROCESS_END_NAME, name);
    if (process->said) {
        row_count(row, KEY_PROCESS_END_RESERVED_BYTES, process->reserved_max);
        row_count(row, KEY_PROCESS_END_RESIDENT_BYTES, process->resident_max);
        row_count(row, KEY_PROCESS_END_PRIVATE_BYTES, process->private_max);
        row_count(row, KEY_PROCESS_END_SHARED_BYTES, process->shared_max);
        row_count(row, KEY_PROCESS_END_HEAP_BYTES, process->heap_max);
    }
    row_count(row, KEY_PROCESS_END_FAULTS, faults);
    row_count(row, KEY_PROCESS_END_COPIED, process->faults[FAULT_COW]);
    if (process->ended && process->status < STATUS_SIGNALLED)
        row_count(row, KEY_PROCESS_END_EXIT_CODE, process->status);
    else if (process->ended)
        row_text(row, KEY_PROCESS_END_KILLED_BY, signal_name(process->status - STATUS_SIGNALLED));
}

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

void row_of_run(const Report *report, Row *row, char end[static 32], char hash[static 17],
                char missing[static 160])
{
    const Metrics *metrics = report->metrics;
    const Scenario *scenario = report->scenario;
    row_text(row, KEY_RUN_TITLE, scenario->title);
    row_text(row, KEY_RUN_LESSON, scenario->lesson);
    row_text(row, KEY_RUN_FILE, scenario->path);
    row_count(row, KEY_RUN_SEED, scenario->seed);
    row_text(row, KEY_RUN_SOURCE, report->measured ? "measured" : "simulated");
    row_text(row, KEY_RUN_END, end_word(metrics->end, end));
    row_text(row, KEY_RUN_LIMIT, metrics->end == END_LIMIT ? limit_name(metrics->limit) : NULL);
    row_ns(row, KEY_RUN_ENDED_NS, metrics->now_ns);
    row_ns(row, KEY_RUN_MAKESPAN_NS, metrics_makespan_ns(metrics));
    if (metrics->has_events)
        row_count(row, KEY_RUN_EVENTS, metrics->events);
    row_count(row, KEY_RUN_RECORDS, metrics->records);
    if (report->has_result)
        row_count(row, KEY_RUN_MEMORY_BYTES, report->result.bytes);
    if (report->has_hash) {
        for (int i = 0; i < 16; i++)
            hash[i] = "0123456789abcdef"[report->trace_hash >> (60 - 4 * i) & 15];
        hash[16] = 0;
        row_text(row, KEY_RUN_TRACE_HASH, hash);
    }
    row_count(row, KEY_RUN_DEADLOCKED, metrics->deadlocked);
    row_text(row, KEY_RUN_RACES_MISSING, races_missing(&metrics->races, missing));
}
