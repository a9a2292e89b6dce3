// libFuzzer: any bytes through the trace reader; what it accepts through everything that is
// computed from a trace. The scenario is the file's own when its text loads, else a fixed one, so
// that the readers are reached by more than the mutations that leave the text whole.
#include "sim/analysis/export_chrome.h"
#include "sim/analysis/metrics.h"
#include "sim/analysis/narrate.h"
#include "sim/analysis/report.h"
#include "sim/base/check.h"
#include "sim/trace/trace_file.h"

#include <stddef.h>
#include <stdint.h>
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
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Diag diag = {0};
    TraceFile file;
    if (trace_file_parse(&file, data, size, &diag)) {
        Scenario scenario;
        Diag scenario_diag = {0};
        const char *text = file.header.scenario_text;
        bool loaded =
            scenario_parse(&scenario, "fuzz", text, strlen(text), NULL, 0, &scenario_diag);
        if (!loaded)
            loaded =
                scenario_parse(&scenario, "fuzz", fixed, sizeof fixed - 1, NULL, 0, &scenario_diag);
        CHECK(loaded);
        read_all(&scenario, &file);
        scenario_free(&scenario);
        diag_free(&scenario_diag);
        trace_file_free(&file);
    } else {
        CHECK(diag.errors == 1);
    }
    diag_free(&diag);
    return 0;
}
