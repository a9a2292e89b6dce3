// libFuzzer: any bytes through the trace reader; what it accepts through everything that is
// computed from a trace. The scenario is the file's own when its text loads, else a fixed one, so
// that the readers are reached by more than the mutations that leave the text whole.
#include "sim/analysis/export_chrome.h"
#include "sim/analysis/metrics.h"
#include "sim/analysis/narrate.h"
#include "sim/analysis/recording.h"
#include "sim/analysis/report.h"
#include "sim/analysis/timeline.h"
#include "sim/base/check.h"
#include "sim/trace/layout.h"
#include "sim/trace/trace_file.h"
#include "tests/scene_laws.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char fixed[] = "title: Fixed\n"
                            "machine: { cores: 2 }\n"
                            "processes:\n"
                            "  - name: app\n"
                            "    locks: { cache: lock }\n"
                            "    threads:\n"
                            "      - name: a\n"
                            "        count: 3\n"
                            "        run:\n"
                            "          - span: { name: s, do: [ { compute: 1ms } ] }\n"
                            "          - mark: m\n"
                            "          - with: { lock: cache, do: [ { print: x } ] }\n"
                            "      - name: d\n"
                            "        daemon: true\n"
                            "        run: [ { compute: 1ms } ]\n"
                            "expect:\n"
                            "  - latency(s).p99 < 1ms\n"
                            "  - wait(a).max + lock_wait(cache).max < 1s\n";

static bool swallow(void *context, const char *bytes, size_t count)
{
    (void)context;
    (void)bytes;
    return count > 0;
}

static void check_metrics(const Metrics *metrics)
{
    for (uint32_t i = 0; i < metrics->core_count; i++) {
        const CoreMetrics *core = &metrics->cores[i];
        CHECK(core->user_ns + core->kernel_ns + core->interrupt_ns + core->idle_ns ==
              metrics->now_ns);
    }
}

// In the timeline every row is in some state all the time, also when it is asked for in pieces.
static void check_timeline(const Recording *recording)
{
    enum { PIECES = 7 };
    Timeline timeline;
    timeline_open(&timeline, recording);
    for (size_t i = 0; i < timeline.rows.count; i++) {
        const TimelineRow *row = &timeline.rows.at[i];
        TimelineBin bins[PIECES];
        timeline_bins(&timeline, row, 0, timeline.end_ns, PIECES, 0, PIECES, bins);
        int64_t ns = 0;
        for (int k = 0; k < PIECES; k++)
            for (unsigned state = 0; state < TIMELINE_STATE_COUNT; state++)
                ns += bins[k].ns[state];
        CHECK(ns ==
              (row->intervals.count == 0 ? 0 : timeline.end_ns - row->intervals.at[0].begin_ns));
    }
    timeline_free(&timeline);
}

// Folded, at each record a scene is one; and a seek back gives the one that was there.
static void fold_all(const Scenario *scenario, const TraceFile *file)
{
    Recording recording;
    recording_of_file(&recording, scenario, file);
    Scene scene;
    scene_open(&scene, scenario);
    uint64_t middle = file->count / 2, there = scene_hash(&scene);
    while (scene.next < file->count) {
        scene_fold(&scene, &file->records[scene.next]);
        const char *broken = scene_laws(&scene);
        CHECKF(broken == NULL, "%s, behind record %llu", broken, (unsigned long long)scene.next);
        if (scene.next == middle)
            there = scene_hash(&scene);
    }
    recording_seek(&recording, &scene, middle);
    CHECK(scene_hash(&scene) == there);
    recording_seek_time(&recording, &scene, recording.end_ns / 2);
    check_timeline(&recording);
    scene_free(&scene);
    recording_free(&recording);
}

static void read_all(const Scenario *scenario, const TraceFile *file)
{
    static Writer writer;
    static Metrics metrics;
    writer_open(&writer, swallow, NULL);

    metrics_open(&metrics, scenario);
    metrics_add(&metrics, file->records, file->count);
    metrics_finish(&metrics, NULL);
    check_metrics(&metrics);
    Arena arena = {0};
    Report report = {.scenario = scenario, .metrics = &metrics};
    report_expectations(&report, &arena);
    report_summary(&report, &writer);
    report_json(&report, &writer);
    report_csv(&report, &writer);
    arena_free(&arena);
    metrics_free(&metrics);

    Narrator narrator;
    narrator_open(&narrator, scenario, &writer);
    narrator.sink.write(&narrator.sink, file->records, file->count);
    narrator_free(&narrator);

    ChromeExport chrome;
    chrome_open(&chrome, scenario, &writer);
    chrome_add(&chrome, file->records, file->count);
    chrome_close(&chrome);
    writer_flush(&writer);
    fold_all(scenario, file);
}

// Into the range that the reader lets pass. Ids may be of nothing: now and then they are.
static uint64_t folded(ArgType type, uint64_t value)
{
    uint64_t max = trace_arg_max(type);
    if (max < UINT32_MAX)
        return value % (max + 1);
    return value % 8 == 7 ? (uint32_t)(value << 24) : value % 8;
}

// A whole file whose records are made of `data`; its size in `size_out`. The caller frees it.
static unsigned char *file_of_records(const uint8_t *data, size_t size, size_t *size_out)
{
    size_t count = size / 12;
    *size_out = 64 + count * sizeof(TraceRecord);
    unsigned char *bytes = calloc(1, *size_out);
    CHECK(bytes != NULL);
    memcpy(bytes, TRACE_MAGIC, LAYOUT_MAGIC_BYTES);
    layout_put(bytes + LAYOUT_VERSION, 4, TRACE_FILE_VERSION);
    layout_put(bytes + LAYOUT_HEADER_BYTES, 4, 64);
    layout_put(bytes + LAYOUT_RECORD_BYTES, 4, sizeof(TraceRecord));
    layout_put(bytes + LAYOUT_COUNT, 8, count);
    TraceRecord *records = (TraceRecord *)(void *)(bytes + 64);
    int64_t now = 0;
    for (size_t i = 0; i < count; i++, data += 12) {
        unsigned kind = 1 + data[0] % (EVENT_KIND_COUNT - 1);
        const EventInfo *info = event_info(kind);
        now += (int64_t)layout_get(data + 4, 2) << (data[1] >> 6) * 8;
        records[i] = (TraceRecord){
            .time_ns = now,
            .kind = (uint16_t)kind,
            .core = (int16_t)(data[1] % 5 - 1),
            .task = data[2] % 8,
            .a = folded(info->arg[0].type, layout_get(data + 6, 3)),
            .b = folded(info->arg[1].type, layout_get(data + 9, 3)),
        };
        if (info->arg[1].type == ARG_NS)
            records[i].b = layout_get(data + 9, 3);
    }
    return bytes;
}

// Loaded once: loading it for each input would be most of the work.
static const Scenario *fixed_scenario(void)
{
    static Scenario scenario;
    static bool loaded;
    if (!loaded) {
        Diag diag = {0};
        loaded = scenario_parse(&scenario, "fixed", fixed, sizeof fixed - 1, NULL, 0, &diag);
        CHECK(loaded);
        diag_free(&diag);
    }
    return &scenario;
}

static void read_bytes(const void *bytes, size_t size, bool good)
{
    Diag diag = {0};
    TraceFile file;
    if (!trace_file_parse(&file, bytes, size, &diag)) {
        CHECK(diag.errors == 1 && !good);
        diag_free(&diag);
        return;
    }
    Scenario own;
    Diag own_diag = {0};
    const char *text = file.header.scenario_text;
    bool has_own =
        text[0] != 0 && scenario_parse(&own, "fuzz", text, strlen(text), NULL, 0, &own_diag);
    read_all(has_own ? &own : fixed_scenario(), &file);
    if (has_own)
        scenario_free(&own);
    diag_free(&own_diag);
    trace_file_free(&file);
    diag_free(&diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == (uint8_t)TRACE_MAGIC[0]) {
        read_bytes(data, size, false);
        return 0;
    }
    size_t file_size;
    unsigned char *bytes = file_of_records(data, size, &file_size);
    read_bytes(bytes, file_size, true);
    free(bytes);
    return 0;
}
