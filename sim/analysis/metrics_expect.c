// What expect lines may ask of metrics: each metric of the language as a list of values.
#include "sim/analysis/metrics.h"

#include "sim/base/check.h"

#include <stdlib.h>

// The value of a thread for a metric of threads; false when it does not exist.
static bool thread_value(const ThreadMetrics *t, MetricId metric, double *value)
{
    int64_t number;
    switch (metric) {
    case METRIC_TURNAROUND:
        number = t->end_ns < 0 ? -1 : t->end_ns - t->start_ns;
        break;
    case METRIC_RESPONSE:
        number = t->first_ns < 0 ? -1 : t->first_ns - t->start_ns;
        break;
    case METRIC_FINISH:
        number = t->end_ns;
        break;
    case METRIC_WAIT:
        number = t->wait_ns;
        break;
    case METRIC_CPU_USER:
        number = t->cpu_user_ns;
        break;
    case METRIC_CPU_KERNEL:
        number = t->cpu_kernel_ns;
        break;
    case METRIC_CPU:
        number = t->cpu_user_ns + t->cpu_kernel_ns;
        break;
    case METRIC_SWITCHES_VOLUNTARY:
        number = t->switches_voluntary;
        break;
    case METRIC_SWITCHES_FORCED:
        number = t->switches_forced;
        break;
    case METRIC_CACHE_REFILL:
        number = t->refill_ns;
        break;
    case METRIC_LINES_MOVED:
        number = t->lines_moved;
        break;
    case METRIC_MIGRATIONS:
        number = t->migrations;
        break;
    default:
        return false;
    }
    *value = (double)number;
    return number >= 0;
}

static double *room_for(size_t count)
{
    double *values = malloc((count == 0 ? 1 : count) * sizeof *values);
    CHECKF(values != NULL, "out of memory for %zu values", count);
    return values;
}

// One value a thread made from the def, or that of one instance, in order of creation.
static void thread_values(const Metrics *metrics, MetricsValues *answer)
{
    answer->values = room_for(metrics->threads.count);
    for (uint32_t id = 1; id <= metrics->threads.id_max; id++) {
        const ThreadMetrics *t = metrics_thread(metrics, id);
        if (t == NULL || t->row.def != answer->id ||
            (answer->instance != 0 && t->row.instance != answer->instance))
            continue;
        if (thread_value(t, answer->metric, &answer->values[answer->count]))
            answer->count++;
    }
    double *fitting = realloc(answer->values, (answer->count + 1) * sizeof *fitting);
    if (fitting != NULL)
        answer->values = fitting;
}

// One value a process made from the entry, or that of one instance.
static void process_values(const Metrics *metrics, MetricsValues *answer)
{
    const ProcessTable *table = &metrics->processes;
    answer->values = room_for(table->processes.count);
    for (size_t pid = 1; pid <= table->processes.count; pid++) {
        const ProcessMetrics *process = process_table_at(table, pid);
        if (process == NULL || process->def != answer->id ||
            (answer->instance != 0 && process->instance != answer->instance))
            continue;
        if (process_value(process, answer->metric, &answer->values[answer->count]))
            answer->count++;
    }
}

// A single value, none when it is negative.
static void one_value(double value, MetricsValues *answer)
{
    answer->values = room_for(1);
    answer->values[0] = value;
    answer->count = value >= 0;
}

static bool is_lock(const Metrics *metrics, uint32_t id)
{
    return id > 0 && id <= metrics->scenario->sync_count &&
           sync_is_lock(metrics->scenario->syncs[id - 1].kind);
}

// What one object has counted.
static double sync_number(const Metrics *metrics, MetricId metric, uint32_t id)
{
    const SyncMetrics *sync = &metrics->syncs[id];
    switch (metric) {
    case METRIC_LEVEL_MIN:
        return (double)sync->level_min;
    case METRIC_LEVEL_MAX:
        return (double)sync->level_max;
    case METRIC_LEVEL_MEAN:
        return sync_metrics_level_mean(sync, metrics->now_ns);
    case METRIC_WAVES:
        return sync->waves;
    default:
        return (double)sync->lost;
    }
}

// A series of samples by its id, and whose samples of it; NULL when there is none.
static const Samples *series_of(const Metrics *metrics, MetricId metric, uint32_t id)
{
    switch (metric) {
    case METRIC_WAKE_LATENCY:
        return id == 0 || id > metrics->scenario->thread_count ? NULL : &metrics->wakes[id];
    case METRIC_LOCK_WAIT:
        return is_lock(metrics, id) ? &metrics->syncs[id].waits : NULL;
    case METRIC_LOCK_HOLD:
        return is_lock(metrics, id) ? &metrics->syncs[id].holds : NULL;
    case METRIC_WAITED:
        return id == 0 || id > metrics->scenario->sync_count ? NULL : &metrics->syncs[id].waits;
    case METRIC_RETURNED:
        return id == 0 || id > metrics->streams.count ? NULL : &metrics->streams.pipes[id].returned;
    case METRIC_HELD:
        return id == 0 || id > metrics->scenario->sync_count ? NULL : &metrics->syncs[id].holds;
    default:
        break;
    }
    uint32_t name1 = id == 0 || id > metrics->scenario->string_count ? 0 : metrics->name_of[id];
    return name1 == 0 ? NULL : &metrics->names.at[name1 - 1].latency;
}

static void sample_values(const Metrics *metrics, MetricsValues *answer)
{
    const Samples *series = series_of(metrics, answer->metric, answer->id);
    if (series == NULL)
        return;
    answer->values = room_for(series->kept);
    answer->count = samples_values(series, answer->instance, answer->values);
}

// How often a name was passed or ended; a name that nothing reached has a count of 0.
static double name_count(const Metrics *metrics, const MetricsValues *answer)
{
    uint32_t name1 = answer->id == 0 || answer->id > metrics->scenario->string_count
                         ? 0
                         : metrics->name_of[answer->id];
    const NameMetrics *name = name1 == 0 ? NULL : &metrics->names.at[name1 - 1];
    uint64_t count = name == NULL ? 0 : name->passages + name->latency.total;
    return answer->metric == METRIC_COUNT ? (double)count : metrics_throughput(metrics, count);
}

// About a shared variable. Its value may be negative.
static void variable_value(const Metrics *metrics, MetricsValues *answer)
{
    if (answer->id == 0 || answer->id > metrics->scenario->variable_count)
        return;
    const VariableMetrics *variable = &metrics->data.variables[answer->id];
    answer->values = room_for(1);
    answer->count = 1;
    if (answer->metric == METRIC_VALUE)
        answer->values[0] = (double)variable->value;
    else if (answer->metric == METRIC_LOST_UPDATES)
        answer->values[0] = (double)variable_lost_updates(variable);
    else
        answer->values[0] = races_about(&metrics->races, answer->id);
}

static void answer_make(const Metrics *metrics, MetricsValues *answer)
{
    switch (answer->metric) {
    case METRIC_MAKESPAN:
        one_value((double)metrics_makespan_ns(metrics), answer);
        break;
    case METRIC_EVENTS:
        one_value(metrics->has_events ? (double)metrics->events : -1, answer);
        break;
    case METRIC_DEADLOCKED:
        one_value(metrics->deadlocked, answer);
        break;
    case METRIC_SLOW_CALLBACKS:
        one_value((double)metrics->slow_callbacks, answer);
        break;
    case METRIC_LOCK_CIRCLES:
        one_value((double)metrics->lock_order.circles.count, answer);
        break;
    case METRIC_LEVEL_MIN:
    case METRIC_LEVEL_MAX:
    case METRIC_LEVEL_MEAN:
    case METRIC_WAVES:
    case METRIC_LOST_NOTIFIES:
        if (answer->id > 0 && answer->id <= metrics->scenario->sync_count)
            one_value(sync_number(metrics, answer->metric, answer->id), answer);
        break;
    case METRIC_VALUE:
    case METRIC_LOST_UPDATES:
    case METRIC_RACES:
        variable_value(metrics, answer);
        break;
    case METRIC_UTILIZATION:
        if (answer->id < metrics->core_count)
            one_value(metrics_utilization(metrics, answer->id), answer);
        break;
    case METRIC_WAKE_LATENCY:
    case METRIC_LOCK_WAIT:
    case METRIC_LOCK_HOLD:
    case METRIC_WAITED:
    case METRIC_HELD:
    case METRIC_LATENCY:
    case METRIC_RETURNED:
        sample_values(metrics, answer);
        break;
    case METRIC_COUNT:
    case METRIC_THROUGHPUT:
        one_value(name_count(metrics, answer), answer);
        break;
    case METRIC_PRINTED:
        break;
    case METRIC_RESERVED:
    case METRIC_RESIDENT:
    case METRIC_PRIVATE:
    case METRIC_SHARED:
    case METRIC_HEAP:
    case METRIC_PAGE_FAULTS:
    case METRIC_PAGES_COPIED:
    case METRIC_EXIT_CODE:
    case METRIC_KILLED_BY:
        process_values(metrics, answer);
        break;
    case METRIC_ZOMBIES:
        one_value((double)process_table_zombies(&metrics->processes), answer);
        break;
    case METRIC_BROKEN_PIPES:
        one_value((double)metrics->processes.broken_pipes, answer);
        break;
    case METRIC_WRITTEN:
    case METRIC_READ:
        if (answer->id <= metrics->scenario->pipe_count) {
            const PipeMetrics *pipe = &metrics->processes.pipes[answer->id];
            one_value((double)(answer->metric == METRIC_WRITTEN ? pipe->written : pipe->read),
                      answer);
        }
        break;
    case METRIC_UNREAD:
    case METRIC_UNSENT:
        if (answer->id > 0 && answer->id <= metrics->streams.count) {
            const StreamMetrics *stream = &metrics->streams.pipes[answer->id];
            one_value((double)(answer->metric == METRIC_UNREAD ? stream->unread : stream->unsent),
                      answer);
        }
        break;
    case METRIC_OOM_KILLS:
        one_value((double)metrics->processes.oom_kills, answer);
        break;
    default:
        thread_values(metrics, answer);
        break;
    }
}

static size_t samples(void *context, MetricId metric, ExpectSubject subject, uint32_t id,
                      uint32_t instance, const double **values)
{
    (void)subject; // follows from the metric
    Metrics *metrics = context;
    MetricsValues *answer = NULL;
    for (size_t i = 0; i < metrics->answers.count && answer == NULL; i++) {
        MetricsValues *given = &metrics->answers.at[i];
        if (given->metric == metric && given->id == id && given->instance == instance)
            answer = given;
    }
    if (answer == NULL) {
        answer = ARRAY_PUSH(&metrics->answers);
        *answer = (MetricsValues){.metric = metric, .id = id, .instance = instance};
        answer_make(metrics, answer);
    }
    *values = answer->values;
    return answer->count;
}

static size_t texts(void *context, const char *const **lines)
{
    Metrics *metrics = context;
    while (metrics->lines.count < metrics->printed.count) {
        StringId text = {metrics->printed.at[metrics->lines.count]};
        *ARRAY_PUSH(&metrics->lines) = scenario_string(metrics->scenario, text);
    }
    *lines = metrics->lines.at;
    return metrics->lines.count;
}

ExpectSource metrics_expect_source(Metrics *metrics)
{
    return (ExpectSource){.context = metrics, .samples = samples, .texts = texts};
}
