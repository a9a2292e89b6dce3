#include "tests/simulate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

// The names of the first tasks, by TaskId, from the TASK_CREATED records; of one run at a time.
enum { NAMED_MAX = 1024 };

static char names[NAMED_MAX][96];
static const Simulated *named;

const ProcessMetrics *simulated_process(const Metrics *metrics, const char *name)
{
    const ProcessTable *table = &metrics->processes;
    char text[96];
    for (uint64_t pid = 1; pid <= table->processes.count; pid++)
        if (process_table_at(table, pid) != NULL &&
            strcmp(name, process_names_text(&table->names, &metrics->threads, metrics->scenario,
                                            pid, text)) == 0)
            return process_table_at(table, pid);
    fail_msg("no process %s", name);
    return NULL;
}

const char *simulated_name(const Simulated *run, uint32_t task)
{
    if (named != run) {
        named = run;
        memset(names, 0, sizeof names);
        for (uint64_t i = 0; i < run->memory.count; i++) {
            const TraceRecord *record = memory_sink_at(&run->memory, i);
            if (record->kind == EVENT_TASK_CREATED && record->task < NAMED_MAX)
                task_name(&run->scenario, (ThreadDefId){(uint32_t)record->a},
                          created_instance(record->b), names[record->task]);
        }
    }
    return task < NAMED_MAX && names[task][0] != '\0' ? names[task] : "?";
}

void simulate(Simulated *run, const char *yaml)
{
    named = NULL;
    *run = (Simulated){0};
    Diag diag = {.path = "test.yaml", .source = yaml};
    if (!scenario_parse(&run->scenario, "test.yaml", yaml, strlen(yaml), NULL, 0, &diag))
        fail_msg("%s", diag_text(&diag));
    memory_sink_open(&run->memory, 50000000);
    TraceSink *sinks[] = {&run->memory.sink};
    Trace trace;
    trace_open(&trace, sinks, 1);
    if (!ringside_run(&run->scenario, &trace, &run->result, &diag))
        fail_msg("%s", diag_text(&diag));
    trace_close(&trace);
    diag_free(&diag);
}

void simulated_free(Simulated *run)
{
    memory_sink_free(&run->memory);
    scenario_free(&run->scenario);
}

const char *simulate_failing(const char *yaml)
{
    static char text[4096];
    Scenario scenario;
    Diag diag = {.path = "test.yaml", .source = yaml};
    if (!scenario_parse(&scenario, "test.yaml", yaml, strlen(yaml), NULL, 0, &diag))
        fail_msg("it does not load: %s", diag_text(&diag));
    Trace trace;
    RunResult result;
    trace_open(&trace, NULL, 0);
    if (ringside_run(&scenario, &trace, &result, &diag))
        fail_msg("it runs without a failure");
    trace_close(&trace);
    snprintf(text, sizeof text, "%s", diag_text(&diag));
    diag_free(&diag);
    scenario_free(&scenario);
    return text;
}

void simulated_measure(const Simulated *run, Metrics *metrics)
{
    metrics_open(metrics, &run->scenario);
    for (uint64_t i = 0; i < run->memory.count; i++)
        metrics_add(metrics, memory_sink_at(&run->memory, i), 1);
    metrics_finish(metrics, &run->result);
}

const ThreadMetrics *simulated_thread(const Simulated *run, const Metrics *metrics,
                                      const char *thread)
{
    for (uint32_t task = 1; task <= run->result.tasks; task++)
        if (strcmp(simulated_name(run, task), thread) == 0)
            return metrics_thread(metrics, task);
    fail_msg("there is no thread '%s'", thread);
    return NULL;
}

static bool is(const Simulated *run, const TraceRecord *record, const char *thread)
{
    return thread == NULL ||
           (record->task != 0 && strcmp(simulated_name(run, record->task), thread) == 0);
}

const char *simulated_turns(const Simulated *run, int core, double until_ms)
{
    static char text[65536];
    size_t length = 0;
    text[0] = '\0';
    for (uint64_t i = 0; i < run->memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run->memory, i);
        if (record->core != core || (double)record->time_ns > until_ms * 1e6)
            continue;
        const char *name = NULL;
        if (record->kind == EVENT_SWITCH_IN) {
            name = simulated_name(run, record->task);
        } else if (record->kind == EVENT_SWITCH_OUT) {
            // Idle unless the same core switches in at the same instant.
            name = "-";
            for (uint64_t j = i + 1; j < run->memory.count; j++) {
                const TraceRecord *later = memory_sink_at(&run->memory, j);
                if (later->time_ns != record->time_ns)
                    break;
                if (later->core == core && later->kind == EVENT_SWITCH_IN)
                    name = NULL;
            }
        }
        if (name != NULL && length < sizeof text - 128)
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%s@%.9g",
                                       length > 0 ? " " : "", name, (double)record->time_ns / 1e6);
    }
    return text;
}

// The timeline's words for a record; NULL when it is left out.
static const char *deed(const Simulated *run, const TraceRecord *record)
{
    static char text[128];
    const char *word = NULL;
    switch ((EventKind)record->kind) {
    case EVENT_SWITCH_IN:
        return "in";
    case EVENT_SWITCH_OUT:
        word = switch_reason_word((unsigned)record->a);
        snprintf(text, sizeof text, "out %s", word);
        return text;
    case EVENT_WAKEUP:
        return "woken";
    case EVENT_MIGRATED:
        return "move";
    case EVENT_KERNEL_ENTER:
        snprintf(text, sizeof text, "call %s", syscall_name((unsigned)record->a));
        return text;
    case EVENT_KERNEL_EXIT:
        return "return";
    case EVENT_TIMER_SET:
        return "timer";
    case EVENT_LOCK_WAIT:
    case EVENT_LOCK_TAKEN:
    case EVENT_LOCK_RELEASED:
        word = record->kind == EVENT_LOCK_WAIT    ? "wait"
               : record->kind == EVENT_LOCK_TAKEN ? "take"
                                                  : "release";
        snprintf(text, sizeof text, "%s %s", word,
                 scenario_string(&run->scenario, run->scenario.syncs[record->a - 1].name));
        return text;
    case EVENT_JOIN_WAIT:
        return "join";
    case EVENT_PRINT:
        return "print";
    case EVENT_MARK:
        return "mark";
    case EVENT_SPAN_BEGIN:
        return "begin";
    case EVENT_SPAN_END:
        return "end";
    case EVENT_TASK_EXITED:
        return "ended";
    case EVENT_TASK_KILLED:
        return "killed";
    default:
        return NULL;
    }
}

const char *simulated_timeline(const Simulated *run, const char *thread)
{
    static char text[65536];
    size_t length = 0;
    text[0] = '\0';
    for (uint64_t i = 0; i < run->memory.count && length < sizeof text - 192; i++) {
        const TraceRecord *record = memory_sink_at(&run->memory, i);
        const char *what = is(run, record, thread) ? deed(run, record) : NULL;
        if (what != NULL)
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%s %.12g",
                                       length > 0 ? ", " : "", what, (double)record->time_ns / 1e3);
    }
    return text;
}

int64_t simulated_on_core(const Simulated *run, const char *thread)
{
    int64_t total = 0, since = -1;
    for (uint64_t i = 0; i < run->memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run->memory, i);
        if (!is(run, record, thread))
            continue;
        if (record->kind == EVENT_SWITCH_IN) {
            since = record->time_ns;
        } else if (record->kind == EVENT_SWITCH_OUT) {
            total += record->time_ns - since;
            since = -1;
        }
    }
    return since >= 0 ? total + run->result.ended.ns - since : total;
}

uint64_t simulated_count(const Simulated *run, EventKind kind, const char *thread)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < run->memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run->memory, i);
        count += record->kind == kind && is(run, record, thread);
    }
    return count;
}

size_t simulated_wake_latencies(const Simulated *run, const char *thread, int64_t *ns, size_t most)
{
    size_t count = 0;
    int64_t woken = -1;
    for (uint64_t i = 0; i < run->memory.count && count < most; i++) {
        const TraceRecord *record = memory_sink_at(&run->memory, i);
        if (!is(run, record, thread))
            continue;
        if (record->kind == EVENT_WAKEUP)
            woken = record->time_ns;
        if (record->kind == EVENT_SWITCH_IN && woken >= 0) {
            ns[count++] = record->time_ns - woken;
            woken = -1;
        }
    }
    return count;
}

int64_t simulated_time_of(const Simulated *run, EventKind kind, const char *thread)
{
    int64_t time = -1;
    for (uint64_t i = 0; i < run->memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run->memory, i);
        if (record->kind == kind && is(run, record, thread))
            time = record->time_ns;
    }
    return time;
}

uint64_t simulated_hash(const Simulated *run)
{
    HashSink hash;
    hash_sink_open(&hash);
    for (uint64_t i = 0; i < run->memory.count; i++)
        hash.sink.write(&hash.sink, memory_sink_at(&run->memory, i), 1);
    return hash_sink_value(&hash);
}
