// `ringside run FILE`: simulates a scenario, or reads the trace of an earlier run, and says what
// came out. Both go through the same sinks, so that both give the same report.
#include "sim/analysis/deadlocks.h"
#include "sim/analysis/export_chrome.h"
#include "sim/analysis/narrate.h"
#include "sim/analysis/report.h"
#include "sim/cli.h"
#include "sim/cli_shipped.h"
#include "sim/ringside.h"
#include "sim/scenario/expect_node.h"
#include "sim/trace/layout.h"
#include "sim/trace/sinks.h"
#include "sim/trace/trace_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

// ---- the command line

enum { OVERRIDES_MAX = 256 };

// What can be written where. The save comes last: it has a writer of its own.
typedef enum OutputId {
    OUTPUT_JSON,
    OUTPUT_CSV,
    OUTPUT_NARRATE,
    OUTPUT_CHROME,
    OUTPUT_SAVE
} OutputId;

enum { OUTPUT_COUNT = OUTPUT_SAVE + 1 };

typedef struct Options {
    Arena arena;
    const char *file;
    const char *paths[OUTPUT_COUNT]; // NULL: not asked for
    const char *overrides[OVERRIDES_MAX];
    size_t override_count;
    const char *changes; // the first option that changes the scenario; NULL: none
    bool quiet;
} Options;

enum { KEY_JSON = 'j', KEY_CSV = 'c', KEY_NARRATE = 'n', KEY_TRACE = 't', KEY_SAVE = 'o' };
enum { KEY_SET = 's', KEY_SEED = 'S', KEY_UNTIL = 'u', KEY_QUIET = 'q' };

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "What to print instead of the summary:", 1},
    {"json", KEY_JSON, "OUT", OPTION_ARG_OPTIONAL, "Everything counted, as one JSON document", 1},
    {"csv", KEY_CSV, "OUT", OPTION_ARG_OPTIONAL, "A table of the threads", 1},
    {"narrate", KEY_NARRATE, "OUT", OPTION_ARG_OPTIONAL, "Each event as a sentence", 1},
    {"quiet", KEY_QUIET, NULL, 0, "No summary; only what went wrong", 1},
    {NULL, 0, NULL, 0, "What to write besides:", 2},
    {"trace", KEY_TRACE, "OUT.json", 0, "The trace for ui.perfetto.dev and chrome://tracing", 2},
    {"save", KEY_SAVE, "OUT.trace", 0, "The trace as it is, for a later `ringside run OUT.trace`",
     2},
    {NULL, 0, NULL, 0, "What to change:", 3},
    {"set", KEY_SET, "KEY=VALUE", 0, "A value in the file's place (machine.cores=4); repeatable",
     3},
    {"seed", KEY_SEED, "N", 0, "Where the random numbers begin", 3},
    {"until", KEY_UNTIL, "DURATION", 0, "The end of simulated time (2s)", 3},
    {0},
};

static void add_override(Options *asked, struct argp_state *state, const char *option,
                         const char *text)
{
    if (asked->override_count == OVERRIDES_MAX)
        argp_error(state, "more than %d overrides", OVERRIDES_MAX);
    asked->overrides[asked->override_count++] = text;
    if (asked->changes == NULL)
        asked->changes = option;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    Options *asked = state->input;
    switch (key) {
    case KEY_JSON:
        asked->paths[OUTPUT_JSON] = value != NULL ? value : "-";
        return 0;
    case KEY_CSV:
        asked->paths[OUTPUT_CSV] = value != NULL ? value : "-";
        return 0;
    case KEY_NARRATE:
        asked->paths[OUTPUT_NARRATE] = value != NULL ? value : "-";
        return 0;
    case KEY_TRACE:
        asked->paths[OUTPUT_CHROME] = value;
        return 0;
    case KEY_SAVE:
        asked->paths[OUTPUT_SAVE] = value;
        return 0;
    case KEY_SET:
        add_override(asked, state, "--set", value);
        return 0;
    case KEY_SEED:
        add_override(asked, state, "--seed", arena_format(&asked->arena, "seed=%s", value));
        return 0;
    case KEY_UNTIL:
        add_override(asked, state, "--until", arena_format(&asked->arena, "until=%s", value));
        return 0;
    case KEY_QUIET:
        asked->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        if (asked->file != NULL)
            argp_error(state, "only one FILE at a time");
        asked->file = value;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "a FILE is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "FILE",
    .doc =
        "Simulates a scenario and prints what came out. FILE is a scenario's file, the name of "
        "one that ships (see `ringside list`), a trace that --save wrote, or - for standard "
        "input. Of --json, --csv and --narrate one goes to standard output, more of them to "
        "files: --json=OUT."
        "\vExit status: 0 when every expectation held; 1 when one did not, or the run ended in a "
        "deadlock that no expectation speaks of or at a limit; 2 when the input or the command "
        "line is wrong or an output could not be written.\n\nExamples:\n"
        "  ringside run round-robin\n"
        "  ringside run my.yaml --set machine.cores=4 --until 2s --json\n"
        "  ringside run my.yaml --trace my.json     then open it in ui.perfetto.dev",
};

static bool same_file(const char *left, const char *right)
{
    struct stat a, b;
    if (strcmp(left, right) == 0)
        return true;
    return stat(left, &a) == 0 && stat(right, &b) == 0 && S_ISREG(a.st_mode) &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// No two outputs may go to one place, nor one to where the scenario is read from.
static bool outputs_are_apart(const Options *asked, const char *input)
{
    for (int i = 0; i < OUTPUT_COUNT; i++) {
        const char *path = asked->paths[i];
        if (path == NULL)
            continue;
        if (strcmp(path, "-") != 0 && same_file(path, input)) {
            cli_wrong("%s would be overwritten: it is what is read", input);
            return false;
        }
        for (int k = 0; k < i; k++) {
            if (asked->paths[k] == NULL || strcmp(path, "/dev/null") == 0)
                continue;
            if (strcmp(path, "-") == 0 && strcmp(asked->paths[k], "-") == 0) {
                cli_wrong(
                    "only one output can go to standard output; give the others a file, as in "
                    "--json=out.json");
                return false;
            }
            if (same_file(path, asked->paths[k])) {
                cli_wrong("two outputs cannot go to the same file, %s", path);
                return false;
            }
        }
    }
    return true;
}

// ---- a run and its outputs

// One output of the trace. When it can take no more, the run goes on for the others, and the
// summary is complete; it ends (END_REFUSED) when nobody wants anything of it any more.
typedef struct Outlet {
    TraceSink sink;
    TraceSink *into;
    uint32_t *wanted; // the outputs of the run that have not refused, the summary among them
    bool refused;
} Outlet;

typedef struct Output {
    CliFile file;
    Writer writer;
    bool open;
} Output;

typedef struct Run {
    Options asked;
    Diag diag;
    Scenario scenario;
    TraceFile saved; // when the input is a saved trace
    bool is_saved;

    Output outputs[OUTPUT_SAVE];
    FileSink save;
    bool saving;
    char *save_path; // where the sink writes: the save's path, or a temporary file that is copied
    bool save_copied;

    Outlet outlets[OUTPUT_COUNT];
    uint32_t wanted;
    HashSink hash;
    Metrics metrics;
    Narrator narrator;
    ChromeExport chrome;
    Report report;
} Run;

static bool output_write(void *context, const char *bytes, size_t count)
{
    return cli_file_write(&((Output *)context)->file, bytes, count);
}

static bool output_open(Output *output, const char *path)
{
    output->open = cli_file_open(&output->file, path);
    if (output->open)
        writer_open(&output->writer, output_write, output);
    return output->open;
}

static bool output_close(Output *output)
{
    output->open = false;
    writer_flush(&output->writer); // a failure is the file's too
    return cli_file_close(&output->file);
}

// The sink needs a path that it can rename to. For standard output, a pipe or a device that is a
// temporary file; its bytes are copied when it is complete.
static bool save_open(Run *run)
{
    const char *path = run->asked.paths[OUTPUT_SAVE];
    char *real = realpath(path, NULL);
    struct stat status;
    run->save_copied = strcmp(path, "-") == 0 ||
                       (real != NULL && stat(real, &status) == 0 && !S_ISREG(status.st_mode));
    run->save_path = run->save_copied ? cli_temporary_file() : strdup(real != NULL ? real : path);
    free(real);
    if (run->save_path == NULL)
        return false;
    TraceHeader header = {
        .measured = false,
        .seed = run->scenario.seed,
        .scenario_path = run->scenario.path,
        .scenario_text = run->scenario.source,
        .overrides = run->scenario.overrides,
        .machine = "",
    };
    run->saving = file_sink_open(&run->save, run->save_path, &header, &run->diag);
    if (run->saving)
        cli_guard(run->save.temporary_path);
    return run->saving;
}

static bool save_copy(const Run *run)
{
    CliFile out;
    FILE *from = fopen(run->save_path, "rb");
    bool good = from != NULL && cli_file_open(&out, run->asked.paths[OUTPUT_SAVE]);
    char bytes[1 << 16];
    for (size_t got; good && (got = fread(bytes, 1, sizeof bytes, from)) > 0;)
        cli_file_write(&out, bytes, got);
    good = good && cli_file_close(&out);
    if (from != NULL)
        fclose(from);
    return good;
}

static bool save_close(Run *run)
{
    char *temporary = strdup(run->save.temporary_path);
    run->saving = false;
    bool good = file_sink_close(&run->save, &run->diag);
    cli_unguard(temporary);
    free(temporary);
    return good && (!run->save_copied || save_copy(run));
}

static bool outputs_open(Run *run)
{
    for (int i = 0; i < OUTPUT_SAVE; i++) {
        const char *path = run->asked.paths[i];
        if (path != NULL && !output_open(&run->outputs[i], path))
            return false;
    }
    return run->asked.paths[OUTPUT_SAVE] == NULL || save_open(run);
}

static void run_free(Run *run)
{
    for (int i = 0; i < OUTPUT_SAVE; i++) {
        if (run->outputs[i].open)
            cli_file_abandon(&run->outputs[i].file);
    }
    if (run->saving)
        file_sink_abandon(&run->save);
    if (run->save_copied && run->save_path != NULL) {
        unlink(run->save_path);
        cli_unguard(run->save_path);
    }
    free(run->save_path);
    diag_free(&run->diag); // it quotes the scenario
    scenario_free(&run->scenario);
    trace_file_free(&run->saved);
    arena_free(&run->asked.arena);
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
    const char *overrides[OVERRIDES_MAX];
    size_t count = 0;
    const char *line = header->overrides;
    while (*line != 0) {
        size_t length = strcspn(line, "\n");
        if (count == OVERRIDES_MAX)
            return diag_fail(&run->diag, (SourceAt){0}, "the trace has more than %d overrides",
                             OVERRIDES_MAX);
        overrides[count++] = arena_text(&run->asked.arena, line, length);
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
    if (asked->changes != NULL || asked->paths[OUTPUT_SAVE] != NULL)
        return diag_fail(&run->diag, (SourceAt){0},
                         "this is a saved trace; %s needs the scenario itself, to run it again",
                         asked->changes != NULL ? asked->changes : "--save");
    bool read = bytes != NULL ? trace_file_parse(&run->saved, bytes, length, &run->diag)
                              : trace_file_read(&run->saved, path, &run->diag);
    return read && load_saved_scenario(run);
}

static bool load(Run *run, const char *path)
{
    const Options *asked = &run->asked;
    if (strcmp(path, "-") != 0)
        return is_trace_path(path) ? load_saved(run, path, NULL, 0)
                                   : scenario_load(&run->scenario, path, asked->overrides,
                                                   asked->override_count, &run->diag);
    size_t length;
    const char *bytes = cli_read(&run->asked.arena, path, &length, &run->diag);
    if (bytes == NULL)
        return false;
    if (is_trace(bytes, length))
        return load_saved(run, "<stdin>", bytes, length);
    return scenario_parse(&run->scenario, "<stdin>", bytes, length, asked->overrides,
                          asked->override_count, &run->diag);
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

static bool prints_summary(const Options *asked)
{
    for (int i = 0; i < OUTPUT_COUNT; i++) {
        if (asked->paths[i] != NULL && strcmp(asked->paths[i], "-") == 0)
            return false;
    }
    return !asked->quiet;
}

static size_t open_sinks(Run *run, TraceSink **sinks)
{
    run->wanted = prints_summary(&run->asked);
    for (int i = 0; i < OUTPUT_COUNT; i++)
        run->wanted += run->asked.paths[i] != NULL;
    size_t count = 0;
    metrics_open(&run->metrics, &run->scenario);
    sinks[count++] = &run->metrics.sink;
    hash_sink_open(&run->hash);
    sinks[count++] = &run->hash.sink;
    if (run->saving)
        sinks[count++] = outlet_open(run, OUTPUT_SAVE, &run->save.sink);
    if (run->outputs[OUTPUT_NARRATE].open) {
        narrator_open(&run->narrator, &run->scenario, &run->outputs[OUTPUT_NARRATE].writer);
        sinks[count++] = outlet_open(run, OUTPUT_NARRATE, &run->narrator.sink);
    }
    if (run->outputs[OUTPUT_CHROME].open) {
        chrome_open(&run->chrome, &run->scenario, &run->outputs[OUTPUT_CHROME].writer);
        sinks[count++] = outlet_open(run, OUTPUT_CHROME, &run->chrome.sink);
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
    if (run->outputs[OUTPUT_NARRATE].open)
        narrator_free(&run->narrator);
    if (run->outputs[OUTPUT_CHROME].open)
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
    if (!run->asked.quiet && !prints_summary(&run->asked))
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

// Completes every output that was asked for; one that fails does not keep the others from it.
static bool write_outputs(Run *run)
{
    Output *outputs = run->outputs;
    if (outputs[OUTPUT_JSON].open)
        report_json(&run->report, &outputs[OUTPUT_JSON].writer);
    if (outputs[OUTPUT_CSV].open)
        report_csv(&run->report, &outputs[OUTPUT_CSV].writer);
    bool good = true;
    for (int i = 0; i < OUTPUT_SAVE; i++) {
        if (outputs[i].open)
            good = output_close(&outputs[i]) && good;
    }
    if (run->saving)
        good = save_close(run) && good;
    if (prints_summary(&run->asked))
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
    report_expectations(report, &run->asked.arena);
    bool written = write_outputs(run);
    // What was cut short because nobody wanted the rest says nothing about expectations.
    if (run->metrics.end == END_REFUSED)
        return CLI_WRONG;
    int status = judge(run);
    return written ? status : CLI_WRONG;
}

static int run_file(Run *run)
{
    const char *path = shipped_find(&run->asked.arena, run->asked.file, &run->diag);
    if (path != NULL && !outputs_are_apart(&run->asked, path))
        return CLI_WRONG;
    if (path == NULL || !load(run, path) || !outputs_open(run))
        return CLI_WRONG;
    int status = run_trace(run) ? report(run) : CLI_WRONG;
    metrics_free(&run->metrics);
    return status;
}

int cmd_run(int argc, char **argv)
{
    Run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return cli_wrong("no memory left");
    cli_parse(&argp, argc, argv, &run->asked);
    int status = run_file(run);
    if (run->diag.first != NULL) // warnings too
        cli_show(&run->diag);
    run_free(run);
    return status;
}
