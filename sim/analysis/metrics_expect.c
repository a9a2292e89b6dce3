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

// A single value, none when it is negative.
static void one_value(double value, MetricsValues *answer)
{
    answer->values = room_for(1);
    answer->values[0] = value;
    answer->count = value >= 0;
}

// A series of samples by its id, and whose samples of it; NULL when there is none.
static const Samples *series_of(const Metrics *metrics, MetricId metric, uint32_t id)
{
    switch (metric) {
    case METRIC_WAKE_LATENCY:
        return id == 0 || id > metrics->scenario->thread_count ? NULL : &metrics->wakes[id];
    case METRIC_LOCK_WAIT:
        return id == 0 || id > metrics->scenario->sync_count ? NULL : &metrics->syncs[id].waits;
    case METRIC_LOCK_HOLD:
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
    case METRIC_UTILIZATION:
        if (answer->id < metrics->core_count)
            one_value(metrics_utilization(metrics, answer->id), answer);
        break;
    case METRIC_WAKE_LATENCY:
    case METRIC_LOCK_WAIT:
    case METRIC_LOCK_HOLD:
    case METRIC_LATENCY:
        sample_values(metrics, answer);
        break;
    case METRIC_COUNT:
    case METRIC_THROUGHPUT:
        one_value(name_count(metrics, answer), answer);
        break;
    case METRIC_PRINTED:
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
