// `ringside run FILE`: simulates a scenario, or reads the trace of an earlier run, and says what
// came out. Both go through the same sinks, so that both give the same report.
#include "sim/analysis/cmd_run.h"
#include "sim/analysis/deadlocks.h"
#include "sim/analysis/explain.h"
#include "sim/analysis/export_chrome.h"
#include "sim/analysis/narrate.h"
#include "sim/analysis/report.h"
#include "sim/cli_shipped.h"
#include "sim/ringside.h"
#include "sim/scenario/expect_node.h"
#include "sim/trace/layout.h"
#include "sim/trace/trace_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

// ---- a run

// One output of the trace. When it can take no more, the run goes on for the others, and the
// summary is complete; it ends (END_REFUSED) when nobody wants anything of it any more.
typedef struct Outlet {
    TraceSink sink;
    TraceSink *into;
    uint32_t *wanted; // the outputs of the run that have not refused, the summary among them
    bool refused;
} Outlet;

typedef struct Run {
    Options asked;
    Diag diag;
    Scenario scenario;
    TraceFile saved; // when the input is a saved trace
    bool is_saved;

    Outputs outputs;
    Outlet outlets[OUTPUT_COUNT];
    uint32_t wanted;
    HashSink hash;
    Metrics metrics;
    Narrator narrator;
    SceneTeller teller;
    MemorySink memory; // of a simulated run that is to be explained
    ChromeExport chrome;
    Report report;
} Run;

static void run_free(Run *run)
{
    outputs_free(&run->outputs);
    memory_sink_free(&run->memory);
    diag_free(&run->diag); // it quotes the scenario
    scenario_free(&run->scenario);
    trace_file_free(&run->saved);
    arena_free(&run->asked.scenario.arena);
    free(run);
}

// ---- reading the input

static bool is_trace(const char *bytes, size_t count)
{
    return count >= LAYOUT_MAGIC_BYTES && memcmp(bytes, TRACE_MAGIC, LAYOUT_MAGIC_BYTES) == 0;
}

static bool is_trace_path(const char *path)
{
    char bytes[LAYOUT_MAGIC_BYTES];
    FILE *file = fopen(path, "rb");
    size_t got = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file != NULL)
        fclose(file);
    return is_trace(bytes, got);
}

// The scenario that a saved trace was made from, which its header has.
static bool load_saved_scenario(Run *run)
{
    const TraceHeader *header = &run->saved.header;
    const char *overrides[CLI_OVERRIDES_MAX];
    size_t count = 0;
    const char *line = header->overrides;
    while (*line != 0) {
        size_t length = strcspn(line, "\n");
        if (count == CLI_OVERRIDES_MAX)
            return diag_fail(&run->diag, (SourceAt){0}, "the trace has more than %d overrides",
                             CLI_OVERRIDES_MAX);
        overrides[count++] = arena_text(&run->asked.scenario.arena, line, length);
        line += length + (line[length] != 0);
    }
    return scenario_parse(&run->scenario, header->scenario_path, header->scenario_text,
                          strlen(header->scenario_text), overrides, count, &run->diag);
}

static bool load_saved(Run *run, const char *path, const char *bytes, size_t length)
{
    const Options *asked = &run->asked;
    run->is_saved = true;
    run->diag.path = path;
    if (asked->scenario.changed_by != NULL || asked->paths[OUTPUT_SAVE] != NULL)
        return diag_fail(&run->diag, (SourceAt){0},
                         "this is a saved trace; %s needs the scenario itself, to run it again",
                         asked->scenario.changed_by != NULL ? asked->scenario.changed_by
                                                            : "--save");
    bool read = bytes != NULL ? trace_file_parse(&run->saved, bytes, length, &run->diag)
                              : trace_file_read(&run->saved, path, &run->diag);
    return read && load_saved_scenario(run);
}

static bool load(Run *run, const char *path)
{
    const Options *asked = &run->asked;
    if (strcmp(path, "-") != 0)
        return is_trace_path(path) ? load_saved(run, path, NULL, 0)
                                   : scenario_load(&run->scenario, path, asked->scenario.overrides,
                                                   asked->scenario.override_count, &run->diag);
    size_t length;
    const char *bytes = cli_read(&run->asked.scenario.arena, path, &length, &run->diag);
    if (bytes == NULL)
        return false;
    if (is_trace(bytes, length))
        return load_saved(run, "<stdin>", bytes, length);
    return scenario_parse(&run->scenario, "<stdin>", bytes, length, asked->scenario.overrides,
                          asked->scenario.override_count, &run->diag);
}

// ---- running

static bool outlet_write(TraceSink *sink, const TraceRecord *records, size_t count)
{
    Outlet *outlet = (Outlet *)sink;
    if (!outlet->refused && !outlet->into->write(outlet->into, records, count)) {
        outlet->refused = true;
        --*outlet->wanted;
    }
    return !outlet->refused || *outlet->wanted > 0;
}

static TraceSink *outlet_open(Run *run, OutputId output, TraceSink *into)
{
    Outlet *outlet = &run->outlets[output];
    *outlet = (Outlet){.sink.write = outlet_write, .into = into, .wanted = &run->wanted};
    return &outlet->sink;
}

// Whether all records are needed at once.
static bool is_explained(const Options *asked)
{
    return asked->paths[OUTPUT_WHY] != NULL || asked->paths[OUTPUT_PATH] != NULL;
}

static size_t open_sinks(Run *run, TraceSink **sinks)
{
    run->wanted = run_options_want_summary(&run->asked);
    for (int i = 0; i < OUTPUT_COUNT; i++)
        run->wanted += run->asked.paths[i] != NULL;
    size_t count = 0;
    metrics_open(&run->metrics, &run->scenario);
    sinks[count++] = &run->metrics.sink;
    hash_sink_open(&run->hash);
    sinks[count++] = &run->hash.sink;
    if (run->outputs.saving)
        sinks[count++] = outlet_open(run, OUTPUT_SAVE, &run->outputs.save.sink);
    if (run->outputs.at[OUTPUT_NARRATE].open) {
        narrator_open(&run->narrator, &run->scenario, &run->outputs.at[OUTPUT_NARRATE].writer);
        sinks[count++] = outlet_open(run, OUTPUT_NARRATE, &run->narrator.sink);
    }
    if (run->outputs.at[OUTPUT_SCENE].open) {
        scene_teller_open(&run->teller, &run->scenario, run->asked.at);
        sinks[count++] = &run->teller.sink;
    }
    if (run->outputs.at[OUTPUT_CHROME].open) {
        chrome_open(&run->chrome, &run->scenario, &run->outputs.at[OUTPUT_CHROME].writer);
        sinks[count++] = outlet_open(run, OUTPUT_CHROME, &run->chrome.sink);
    }
    if (is_explained(&run->asked) && !run->is_saved) {
        memory_sink_open(&run->memory, UINT64_MAX);
        sinks[count++] = &run->memory.sink;
    }
    return count;
}

static void feed_saved(const Run *run, TraceSink *const *sinks, size_t count)
{
    for (uint64_t at = 0; at < run->saved.count; at += TRACE_BATCH) {
        uint64_t left = run->saved.count - at;
        size_t batch = left < TRACE_BATCH ? (size_t)left : TRACE_BATCH;
        for (size_t i = 0; i < count; i++) {
            if (!sinks[i]->write(sinks[i], run->saved.records + at, batch))
                return; // its output says why when it is closed
        }
    }
}

// Sends the trace through all sinks. `sinks` are closed in any case.
static bool run_trace(Run *run)
{
    TraceSink *sinks[TRACE_SINKS_MAX];
    size_t count = open_sinks(run, sinks);
    bool good = true;
    if (run->is_saved) {
        feed_saved(run, sinks, count);
    } else {
        Trace trace;
        trace_open(&trace, sinks, (int)count);
        good = ringside_run(&run->scenario, &trace, &run->report.result, &run->diag);
        trace_close(&trace);
        run->report.has_result = good;
    }
    metrics_finish(&run->metrics, run->report.has_result ? &run->report.result : NULL);
    if (run->outputs.at[OUTPUT_NARRATE].open)
        narrator_free(&run->narrator);
    if (run->outputs.at[OUTPUT_CHROME].open)
        chrome_close(&run->chrome);
    return good;
}

// ---- reporting

static bool mentions_deadlock(const ExpectNode *node)
{
    return node != NULL && ((node->kind == TERM_METRIC && node->metric == METRIC_DEADLOCKED) ||
                            mentions_deadlock(node->left) || mentions_deadlock(node->right));
}

static bool expects_deadlock(const Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->expect_count; i++) {
        if (mentions_deadlock(scenario->expects[i].root))
            return true;
    }
    return false;
}

static void tell_deadlock(const Run *run, Diag *diag)
{
    char at[32];
    char *hint = arena_format(
        &diag->arena, "when that is the lesson, say so: `expect: [deadlocked == %" PRIu32 "]`",
        run->metrics.deadlocked);
    diag_fail_hint(diag, (SourceAt){0}, hint, "the run ended in a deadlock at %s: %s",
                   duration_text(run->metrics.now_ns, at),
                   deadlocks_text(&run->metrics, &diag->arena));
}

// A deadlock that was expected is no error, but nobody should have to look for it in the JSON.
static void tell_expected_deadlock(const Run *run)
{
    Arena arena = {0};
    char at[32];
    if (!run->asked.quiet && !run_options_want_summary(&run->asked))
        cli_note("the run ended in a deadlock at %s, as expected: %s",
                 duration_text(run->metrics.now_ns, at), deadlocks_text(&run->metrics, &arena));
    arena_free(&arena);
}

static void tell_limit(const Run *run, Diag *diag)
{
    LimitId limit = run->metrics.limit;
    char at[32], bound[32];
    limit_text(limit, run->scenario.limits[limit], bound);
    duration_text(run->metrics.now_ns, at);
    diag_fail(diag, (SourceAt){0},
              "the run was stopped%s%s by the limit '%s', %s; raise it with --set limits.%s=...",
              limit == LIMIT_TIME ? "" : " at ", limit == LIMIT_TIME ? "" : at, limit_name(limit),
              bound, limit_name(limit));
}

// Says on standard error what did not come out as it should. Returns the exit status.
static int judge(const Run *run)
{
    Diag diag = {.path = run->scenario.path, .source = run->scenario.source};
    const Metrics *metrics = &run->metrics;
    if (metrics->end == END_LIMIT && metrics->ended)
        tell_limit(run, &diag);
    bool deadlock = metrics->end == END_DEADLOCK && metrics->ended;
    if (deadlock && expects_deadlock(&run->scenario))
        tell_expected_deadlock(run);
    else if (deadlock)
        tell_deadlock(run, &diag);
    for (uint32_t i = 0; i < run->scenario.expect_count; i++) {
        const ReportExpect *one = &run->report.expects[i];
        if (!one->holds)
            diag_fail(&diag, one->expect->at, "expectation failed: %s; found %s", one->expect->text,
                      one->found);
    }
    int status = diag.errors > 0 ? CLI_FAILED : CLI_OK;
    if (diag.errors > 0)
        cli_show(&diag);
    diag_free(&diag);
    return status;
}

static bool print_summary(Run *run)
{
    struct winsize size;
    run->report.colour = cli_colour(stdout);
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        run->report.columns = size.ws_col;
    Output output;
    if (!output_open(&output, "-"))
        return false;
    report_summary(&run->report, &output.writer);
    return output_close(&output);
}

static void seek_scene(const Recording *recording, Scene *scene, SceneAt at)
{
    if (at.by_time)
        recording_seek_time(recording, scene, at.time_ns);
    else
        recording_seek(recording, scene,
                       at.by_event && at.event < recording->count ? at.event : recording->count);
}

static bool explain(Run *run)
{
    if (!is_explained(&run->asked))
        return true;
    Output *outputs = run->outputs.at;
    Recording recording;
    Scene scene;
    bool good = true;
    if (run->is_saved)
        recording_of_file(&recording, &run->scenario, &run->saved);
    else
        recording_of_memory(&recording, &run->scenario, &run->memory);
    scene_open(&scene, &run->scenario);
    seek_scene(&recording, &scene, run->asked.at);
    if (outputs[OUTPUT_WHY].open)
        good = explain_why(&outputs[OUTPUT_WHY].writer, &recording, &scene, run->asked.why,
                           &run->diag);
    if (outputs[OUTPUT_PATH].open)
        good =
            explain_path(&outputs[OUTPUT_PATH].writer, &recording, run->asked.span, &run->diag) &&
            good;
    scene_free(&scene);
    recording_free(&recording);
    return good;
}

// Completes every output that was asked for.
static bool write_outputs(Run *run)
{
    Output *outputs = run->outputs.at;
    if (outputs[OUTPUT_JSON].open)
        report_json(&run->report, &outputs[OUTPUT_JSON].writer);
    if (outputs[OUTPUT_CSV].open)
        report_csv(&run->report, &outputs[OUTPUT_CSV].writer);
    if (outputs[OUTPUT_SCENE].open)
        scene_teller_write(&run->teller, &outputs[OUTPUT_SCENE].writer);
    bool good = explain(run);
    good = outputs_close(&run->outputs, &run->diag) && good;
    if (run_options_want_summary(&run->asked))
        good = print_summary(run) && good;
    return good;
}

static int report(Run *run)
{
    Report *report = &run->report;
    report->scenario = &run->scenario;
    report->metrics = &run->metrics;
    report->measured = run->is_saved && run->saved.header.measured;
    report->has_hash = true;
    report->trace_hash = hash_sink_value(&run->hash);
    report_expectations(report, &run->asked.scenario.arena);
    bool written = write_outputs(run);
    // What was cut short because nobody wanted the rest says nothing about expectations.
    if (run->metrics.end == END_REFUSED)
        return CLI_WRONG;
    int status = judge(run);
    return written ? status : CLI_WRONG;
}

static int run_file(Run *run)
{
    const char *path =
        shipped_find(&run->asked.scenario.arena, run->asked.scenario.file, &run->diag);
    if (path != NULL && !run_options_are_apart(&run->asked, path))
        return CLI_WRONG;
    if (path == NULL || !load(run, path) ||
        !outputs_open(&run->outputs, &run->asked, &run->scenario, &run->diag))
        return CLI_WRONG;
    int status = run_trace(run) ? report(run) : CLI_WRONG;
    metrics_free(&run->metrics);
    if (run->asked.paths[OUTPUT_SCENE] != NULL)
        scene_teller_free(&run->teller);
    return status;
}

int cmd_run(int argc, char **argv)
{
    Run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return cli_wrong("no memory left");
    run_options_parse(&run->asked, argc, argv);
    int status = run_file(run);
    if (run->diag.first != NULL) // warnings too
        cli_show(&run->diag);
    run_free(run);
    return status;
}
