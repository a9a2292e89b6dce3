#include "render/take.h"

#include "sim/base/check.h"
#include "sim/trace/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OVERRIDES_MAX = 256 };

static bool is_trace(const TakeSource *source)
{
    char bytes[LAYOUT_MAGIC_BYTES];
    if (source->bytes != NULL)
        return source->length >= sizeof bytes &&
               memcmp(source->bytes, TRACE_MAGIC, sizeof bytes) == 0;
    FILE *file = fopen(source->path, "rb");
    size_t got = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file != NULL)
        fclose(file);
    return got == sizeof bytes && memcmp(bytes, TRACE_MAGIC, sizeof bytes) == 0;
}

static void sum_up(Headline *headline, const Metrics *metrics)
{
    double busy = 0;
    headline->makespan_ns = metrics_makespan_ns(metrics);
    for (uint32_t i = 0; i < metrics->core_count; i++) {
        headline->switches += metrics->cores[i].switches;
        busy += metrics_utilization(metrics, i);
    }
    headline->utilization = busy < 0 ? -1 : busy / metrics->core_count;
    for (uint32_t id = 1; id <= metrics->threads.id_max; id++) {
        const ThreadMetrics *thread = metrics_thread(metrics, id);
        headline->wait_ns += thread != NULL ? thread->wait_ns : 0;
    }
    for (uint64_t pid = 1; pid <= metrics->processes.processes.count; pid++) {
        const ProcessMetrics *process = process_table_at(&metrics->processes, pid);
        if (process != NULL && process->resident_max > headline->resident_max)
            headline->resident_max = process->resident_max;
    }
}

// What the views ask of the whole recording. Of a large one each part takes its time: when the take
// is given up meanwhile, the rest is left out.
static void index_recording(Take *take, const atomic_bool *given_up)
{
    if (given_up == NULL || !atomic_load(given_up))
        timeline_open_unless(&take->timeline, &take->recording, given_up);
    if (given_up == NULL || !atomic_load(given_up))
        critical_path_of_run_unless(&take->path, &take->recording, given_up);
}

// The scenario that a saved trace was made from, which its header has.
static bool load_saved_scenario(Take *take, Diag *diag)
{
    const TraceHeader *header = &take->file.header;
    const char *overrides[OVERRIDES_MAX];
    size_t count = 0;
    for (const char *line = header->overrides; *line != 0;) {
        size_t length = strcspn(line, "\n");
        if (count == OVERRIDES_MAX)
            return diag_fail(diag, (SourceAt){0}, "the trace has more than %d overrides",
                             OVERRIDES_MAX);
        overrides[count++] = arena_text(&diag->arena, line, length);
        line += length + (line[length] != 0);
    }
    return scenario_parse(&take->scenario, header->scenario_path, header->scenario_text,
                          strlen(header->scenario_text), overrides, count, diag);
}

static bool read_saved(Take *take, const TakeSource *source, const atomic_bool *given_up,
                       Diag *diag)
{
    take->saved = true;
    bool read = source->bytes != NULL
                    ? trace_file_parse(&take->file, source->bytes, source->length, diag)
                    : trace_file_read(&take->file, source->path, diag);
    if (!read || !load_saved_scenario(take, diag))
        return false;
    take->measured = take->file.header.measured;
    Metrics *metrics = calloc(1, sizeof *metrics);
    CHECK(metrics != NULL);
    metrics_open(metrics, &take->scenario);
    metrics_add(metrics, take->file.records, take->file.count);
    metrics_finish(metrics, NULL);
    sum_up(&take->headline, metrics);
    metrics_free(metrics);
    free(metrics);
    recording_of_file(&take->recording, &take->scenario, &take->file);
    index_recording(take, given_up);
    return true;
}

// A sink that refuses, and so ends the run, when nobody wants the take any more.
typedef struct Patience {
    TraceSink sink;
    const atomic_bool *given_up;
} Patience;

static bool patience_write(TraceSink *sink, const TraceRecord *records, size_t count)
{
    (void)records;
    (void)count;
    const atomic_bool *given_up = ((Patience *)sink)->given_up;
    return given_up == NULL || !atomic_load(given_up);
}

static bool simulate_it(Take *take, TakeSimulate simulate, const atomic_bool *given_up, Diag *diag)
{
    Metrics *metrics = calloc(1, sizeof *metrics);
    CHECK(metrics != NULL);
    metrics_open(metrics, &take->scenario);
    memory_sink_open(&take->memory, take->records_max);
    Patience patience = {.sink.write = patience_write, .given_up = given_up};
    TraceSink *sinks[] = {&take->memory.sink, &metrics->sink, &patience.sink};
    Trace trace;
    RunResult result = {0};
    trace_open(&trace, sinks, 3);
    bool good = simulate(&take->scenario, &trace, &result, diag);
    trace_close(&trace);
    metrics_finish(metrics, good ? &result : NULL);
    sum_up(&take->headline, metrics);
    take->cut = metrics->end == END_REFUSED;
    metrics_free(metrics);
    free(metrics);
    if (!good)
        return false;
    recording_of_memory(&take->recording, &take->scenario, &take->memory);
    index_recording(take, given_up);
    return true;
}

static bool load(Take *take, const TakeSource *source, const char *const *overrides,
                 size_t override_count, Diag *diag)
{
    return source->bytes != NULL
               ? scenario_parse(&take->scenario, source->path, source->bytes, source->length,
                                overrides, override_count, diag)
               : scenario_load(&take->scenario, source->path, overrides, override_count, diag);
}

static bool take_fill(Take *take, const TakeSource *source, const char *const *overrides,
                      size_t override_count, TakeSimulate simulate, const atomic_bool *given_up,
                      Diag *diag)
{
    if (!is_trace(source))
        return load(take, source, overrides, override_count, diag) &&
               simulate_it(take, simulate, given_up, diag);
    if (override_count > 0)
        return diag_fail(diag, (SourceAt){0},
                         "%s is a saved trace: it cannot be run again with changes", source->path);
    return read_saved(take, source, given_up, diag);
}

Take *take_from(const TakeSource *source, const char *const *overrides, size_t override_count,
                TakeSimulate simulate, const atomic_bool *given_up, char **error)
{
    Take *take = calloc(1, sizeof *take);
    CHECK(take != NULL);
    take->records_max = source->records_max > 0 ? source->records_max : TAKE_RECORDS_MAX;
    Diag diag = {0};
    bool good = take_fill(take, source, overrides, override_count, simulate, given_up, &diag);
    *error = good ? NULL : strdup(diag_text(&diag)); // before the scenario goes, which it quotes
    diag_free(&diag);
    if (good)
        return take;
    take_free(take);
    return NULL;
}

Take *take_make(const char *path, const char *const *overrides, size_t override_count,
                TakeSimulate simulate, const atomic_bool *given_up, char **error)
{
    TakeSource source = {.path = path};
    return take_from(&source, overrides, override_count, simulate, given_up, error);
}

Take *take_of_bytes(const char *name, const char *bytes, size_t length,
                    const char *const *overrides, size_t override_count, TakeSimulate simulate,
                    char **error)
{
    TakeSource source = {.path = name, .bytes = bytes, .length = length};
    return take_from(&source, overrides, override_count, simulate, NULL, error);
}

void take_free(Take *take)
{
    if (take == NULL)
        return;
    critical_path_free(&take->path);
    timeline_free(&take->timeline);
    recording_free(&take->recording);
    memory_sink_free(&take->memory);
    trace_file_free(&take->file);
    scenario_free(&take->scenario);
    free(take);
}
