#include "sim/analysis/process_metrics.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

// A damaged trace may name any process or task.
enum { IDS_AHEAD = 1024 };

void process_table_open(ProcessTable *table, const Scenario *scenario)
{
    memset(table, 0, sizeof *table);
    table->scenario = scenario;
    table->counts = calloc(scenario->process_count + 1, sizeof *table->counts);
    table->pipes = calloc(scenario->pipe_count + 1, sizeof *table->pipes);
    CHECK(table->counts != NULL && table->pipes != NULL);
    for (uint32_t i = 1; i <= scenario->process_count; i++) {
        ProcessMetrics *process = ARRAY_PUSH(&table->processes);
        // The place of a forked one is only its template.
        process->def = scenario->processes[i - 1].forked ? 0 : i;
        process->instance = 1;
    }
}

void process_table_free(ProcessTable *table)
{
    process_names_free(&table->names);
    ARRAY_FREE(&table->processes);
    ARRAY_FREE(&table->task_pids);
    free(table->counts);
    free(table->pipes);
    memset(table, 0, sizeof *table);
}

ProcessMetrics *process_table_at(const ProcessTable *table, uint64_t pid)
{
    if (pid == 0 || pid > table->processes.count || table->processes.at[pid - 1].def == 0)
        return NULL;
    return &table->processes.at[pid - 1];
}

static void set_task_pid(ProcessTable *table, uint32_t task, uint64_t pid)
{
    if (task > table->task_pids.count + IDS_AHEAD || pid > UINT32_MAX)
        return;
    while (table->task_pids.count <= task)
        ARRAY_EXTEND(&table->task_pids);
    table->task_pids.at[task] = (uint32_t)pid;
}

uint32_t process_table_of(const ProcessTable *table, uint32_t task, uint32_t def)
{
    if (task < table->task_pids.count && table->task_pids.at[task] != 0)
        return table->task_pids.at[task];
    return def == 0 || def > table->scenario->thread_count
               ? 0
               : table->scenario->threads[def - 1].process.index1;
}

static void started(ProcessTable *table, const TraceRecord *record, uint32_t def)
{
    uint64_t pid = record->a;
    process_names_add(&table->names, table->scenario, record);
    if (def == 0 || def > table->scenario->thread_count || pid <= table->scenario->process_count ||
        pid > table->processes.count + IDS_AHEAD)
        return;
    while (table->processes.count < pid)
        ARRAY_EXTEND(&table->processes);
    ProcessMetrics *process = &table->processes.at[pid - 1];
    if (process->def != 0)
        return;
    process->def = table->scenario->threads[def - 1].process.index1;
    process->instance = ++table->counts[process->def];
    set_task_pid(table, record->task, pid);
}

static void memory_changes(ProcessMetrics *process, const TraceRecord *record)
{
    process->said = true;
    if (record->kind == EVENT_MEMORY_RESERVED)
        process->reserved = record->b;
    else if (record->kind == EVENT_MEMORY_RESIDENT)
        process->resident = record->b;
    else
        process->shared = record->b;
}

// Changes of one instant come one after the other: what is greatest is looked at between them, so
// only values that go up together may count for a moment what is gone already.
static void memory_greatest(ProcessMetrics *process)
{
    uint64_t private =
        process->resident > process->shared ? process->resident - process->shared : 0;
    if (process->reserved > process->reserved_max)
        process->reserved_max = process->reserved;
    if (process->resident > process->resident_max)
        process->resident_max = process->resident;
    if (process->shared > process->shared_max)
        process->shared_max = process->shared;
    if (private > process->private_max)
        process->private_max = private;
}

static void trouble(ProcessTable *table, const TraceRecord *record)
{
    if (table->trouble_count >= TROUBLES_KEPT)
        return;
    table->troubles[table->trouble_count++] =
        (TroubleMetrics){.kind = (EventKind)record->kind,
                         .time_ns = record->time_ns,
                         .task = record->task,
                         .line = record->b > UINT32_MAX ? 0 : (uint32_t)record->b,
                         .about = record->a};
}

void process_table_add(ProcessTable *table, const TraceRecord *record, uint32_t def)
{
    ProcessMetrics *process;
    switch ((EventKind)record->kind) {
    case EVENT_PROCESS_STARTED:
        started(table, record, def);
        break;
    case EVENT_PROCESS_JOINED:
        set_task_pid(table, record->task, record->a);
        break;
    case EVENT_PAGE_FAULT:
        process = process_table_at(table, process_table_of(table, record->task, def));
        if (process != NULL && record->a < FAULT_KIND_COUNT)
            process->faults[record->a] += record->b;
        break;
    case EVENT_MEMORY_RESERVED:
    case EVENT_MEMORY_RESIDENT:
    case EVENT_MEMORY_SHARED:
        process = process_table_at(table, record->a);
        if (process == NULL)
            break;
        memory_changes(process, record);
        memory_greatest(process);
        break;
    case EVENT_HEAP:
        process = process_table_at(table, record->a);
        if (process != NULL && record->b > process->heap_max)
            process->heap_max = record->b;
        break;
    case EVENT_PROCESS_ENDED:
    case EVENT_PROCESS_REAPED:
    case EVENT_PROCESS_ADOPTED:
        process = process_table_at(table, record->a);
        if (process == NULL)
            break;
        if (record->kind == EVENT_PROCESS_ENDED) {
            process->ended = true;
            process->status = (uint32_t)record->b;
        }
        // init collects whatever it is given.
        process->reaped = process->reaped || record->kind != EVENT_PROCESS_ENDED;
        break;
    case EVENT_OUT_OF_MEMORY:
        table->oom_kills++;
        trouble(table, record);
        break;
    case EVENT_PIPE_WRITTEN:
        if (record->a <= table->scenario->pipe_count)
            table->pipes[record->a].written += record->b;
        break;
    case EVENT_PIPE_READ:
        if (record->a <= table->scenario->pipe_count)
            table->pipes[record->a].read += record->b;
        break;
    case EVENT_PIPE_BROKEN:
        table->broken_pipes++;
        trouble(table, record);
        break;
    default:
        break;
    }
}

uint64_t process_table_zombies(const ProcessTable *table)
{
    uint64_t count = 0;
    for (size_t i = table->scenario->process_count; i < table->processes.count; i++) {
        const ProcessMetrics *process = &table->processes.at[i];
        count += process->ended && !process->reaped;
    }
    return count;
}

bool process_value(const ProcessMetrics *process, MetricId metric, double *value)
{
    bool memory = process->said;
    switch (metric) {
    case METRIC_RESERVED:
        *value = (double)process->reserved_max;
        return memory;
    case METRIC_RESIDENT:
        *value = (double)process->resident_max;
        return memory;
    case METRIC_PRIVATE:
        *value = (double)process->private_max;
        return memory;
    case METRIC_SHARED:
        *value = (double)process->shared_max;
        return memory;
    case METRIC_HEAP:
        *value = (double)process->heap_max;
        return memory;
    case METRIC_PAGE_FAULTS:
        *value = 0;
        for (int i = 0; i < FAULT_KIND_COUNT; i++)
            *value += (double)process->faults[i];
        return true;
    case METRIC_PAGES_COPIED:
        *value = (double)process->faults[FAULT_COW];
        return true;
    case METRIC_EXIT_CODE:
        *value = process->status;
        return process->ended && process->status < STATUS_SIGNALLED;
    case METRIC_KILLED_BY:
        *value = signal_number(process->status - STATUS_SIGNALLED);
        return process->ended && process->status >= STATUS_SIGNALLED;
    default:
        return false;
    }
}
