// Reports of a run written by hand: JSON with exactly the keys of the list, CSV, and the summary.
#include "hand_trace.h"
#include "simulate.h"

#include "sim/analysis/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define US 1000

static const char yaml[] =
    "title: By hand\n"
    "lesson: A lesson that is long enough to be broken into two lines.\n"
    "machine: { cores: 2 }\n"
    "processes:\n"
    "  - name: app\n"
    "    locks: { cache: lock }\n"
    "    variables: { x: -3 }\n"
    "    threads:\n"
    "      - name: main\n"
    "        run:\n"
    "          - span: { name: render, do: [ { compute: 1ms } ] }\n"
    "          - mark: pass\n"
    "          - print: \"a, \\\"b\\\"\"\n"
    "      - name: worker\n"
    "        count: 30\n"
    "        run: [ { with: { lock: cache, do: [ { compute: 1ms } ] } }, { add: x } ]\n"
    "expect:\n"
    "  - makespan == 20us\n"
    "  - count(pass) == 7\n";

typedef struct Fixture {
    HandTrace trace;
    Metrics metrics;
    Report report;
    Arena arena;
    HandText text;
} Fixture;

// main runs 0..16 on core 0 with a span of 8 us and a mark, and stores -2 in x, which was -3; the
// first worker adds 1, and nothing orders the two; then the first `workers` workers have
// 1 us each on core 0, of 20, the last of them not at all.
static void set_up(Fixture *f, uint32_t workers)
{
    memset(f, 0, sizeof *f);
    HandTrace *t = &f->trace;
    hand_open(t, yaml);
    hand(t, 0, EVENT_TASK_CREATED, -1, 1, 1, 1);
    for (uint32_t i = 1; i <= workers; i++)
        hand(t, 0, EVENT_TASK_CREATED, -1, 1 + i, 2, i);
    hand(t, 0, EVENT_SWITCH_IN, 0, 1, 0, 0);
    hand(t, 1, EVENT_SPAN_BEGIN, 0, 1, hand_string(t, "render"), 1);
    hand(t, 9, EVENT_SPAN_END, 0, 1, hand_string(t, "render"), 1);
    hand(t, 9, EVENT_MARK, 0, 1, hand_string(t, "pass"), 0);
    hand(t, 9, EVENT_PRINT, 0, 1, hand_string(t, "a, \"b\""), 0);
    uint32_t add = 1;
    while (t->scenario.ops[add].code != OP_ADD)
        add++;
    hand(t, 10, EVENT_STORE, 0, 1, access_pack(1, add), (uint64_t)-2);
    hand(t, 16, EVENT_TASK_EXITED, 0, 1, 0, 0);
    hand(t, 16, EVENT_SWITCH_OUT, 0, 1, SWITCH_EXITED, 0);
    hand(t, 16, EVENT_SWITCH_IN, 0, 2, 0, 0);
    hand(t, 17, EVENT_LOAD, 0, 2, access_pack(1, add), (uint64_t)-2);
    hand(t, 18, EVENT_STORE, 0, 2, access_pack(1, add), (uint64_t)-1);
    hand(t, 20, EVENT_TASK_EXITED, 0, 2, 0, 0);
    hand(t, 20, EVENT_SWITCH_OUT, 0, 2, SWITCH_EXITED, 0);
    hand(t, 20, EVENT_RUN_END, -1, 0, END_DONE, 0);
    metrics_open(&f->metrics, &t->scenario);
    metrics_add(&f->metrics, t->records.at, t->records.count);
    RunResult result = {.end = END_DONE, .events = 12345, .bytes = 4096, .tasks = 1 + workers};
    metrics_finish(&f->metrics, &result);
    f->report = (Report){.scenario = &t->scenario,
                         .metrics = &f->metrics,
                         .has_hash = true,
                         .trace_hash = 0x0123456789abcdefu,
                         .has_result = true,
                         .result = result};
    assert_int_equal(report_expectations(&f->report, &f->arena), 1);
    hand_text_open(&f->text);
}

static void tear_down(Fixture *f)
{
    hand_text_free(&f->text);
    arena_free(&f->arena);
    metrics_free(&f->metrics);
    hand_free(&f->trace);
}

static json_t *report_document(Fixture *f)
{
    report_json(&f->report, &f->text.writer);
    json_error_t error;
    json_t *document = json_loads(hand_text_end(&f->text), JSON_REJECT_DUPLICATES, &error);
    if (document == NULL)
        fail_msg("line %d: %s\n%s", error.line, error.text, f->text.bytes.at);
    return document;
}

static int64_t number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        fail_msg("'%s' is no whole number", key);
    return json_integer_value(value);
}

static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void test_json(void **state)
{
    (void)state;
    Fixture f;
    set_up(&f, 2);
    json_t *d = report_document(&f);
    assert_string_equal(text(d, "title"), "By hand");
    assert_string_equal(text(d, "end"), "done");
    assert_string_equal(text(d, "source"), "simulated");
    assert_true(json_is_null(json_object_get(d, "limit")));
    assert_int_equal(number(d, "makespan_ns"), 20 * US);
    assert_int_equal(number(d, "ended_ns"), 20 * US);
    assert_int_equal(number(d, "events"), 12345);
    assert_int_equal(number(d, "records"), f.trace.records.count);
    assert_int_equal(number(d, "memory_bytes"), 4096);
    assert_string_equal(text(d, "trace_hash"), "0123456789abcdef");
    assert_int_equal(json_array_size(json_object_get(d, "overrides")), 0);
    assert_string_equal(json_string_value(json_array_get(json_object_get(d, "processes"), 0)),
                        "app");

    const json_t *threads = json_object_get(d, "threads");
    assert_int_equal(json_array_size(threads), 3);
    const json_t *first = json_array_get(threads, 0), *never = json_array_get(threads, 2);
    assert_string_equal(text(first, "name"), "main");
    assert_string_equal(text(first, "process"), "app");
    assert_int_equal(number(first, "response_ns"), 0);
    assert_int_equal(number(first, "turnaround_ns"), 16 * US);
    assert_int_equal(number(first, "cpu_user_ns"), 16 * US);
    assert_int_equal(number(first, "switches_voluntary"), 0);
    assert_true(json_is_false(json_object_get(first, "daemon")));
    // The last worker never ran and never ended.
    assert_string_equal(text(never, "name"), "worker-2");
    assert_int_equal(number(never, "start_ns"), 0);
    assert_true(json_is_null(json_object_get(never, "response_ns")));
    assert_true(json_is_null(json_object_get(never, "turnaround_ns")));
    assert_true(json_is_null(json_object_get(never, "end_ns")));

    const json_t *core = json_array_get(json_object_get(d, "cores"), 0);
    const json_t *idle = json_array_get(json_object_get(d, "cores"), 1);
    assert_true(json_real_value(json_object_get(core, "utilization")) == 1.0);
    assert_true(json_real_value(json_object_get(idle, "utilization")) == 0.0);
    assert_int_equal(number(idle, "idle_ns"), 20 * US);
    const json_t *lock = json_array_get(json_object_get(d, "locks"), 0);
    assert_string_equal(text(lock, "name"), "cache");
    assert_int_equal(number(lock, "waits"), 0);
    assert_true(json_is_null(json_object_get(lock, "wait_max_ns")));
    const json_t *variable = json_array_get(json_object_get(d, "variables"), 0);
    assert_string_equal(text(variable, "name"), "x");
    assert_int_equal(number(variable, "value"), -1);
    assert_int_equal(number(variable, "loads"), 1);
    assert_int_equal(number(variable, "stores"), 2);
    assert_int_equal(number(variable, "lost_updates"), 0);
    assert_int_equal(number(variable, "races"), 1);
    assert_true(json_is_null(json_object_get(d, "races_missing")));
    const json_t *race = json_array_get(json_object_get(d, "races"), 0);
    assert_string_equal(text(race, "variable"), "x");
    assert_int_equal(number(race, "first_line"), 16);
    assert_string_equal(text(race, "first_thread"), "main");
    assert_string_equal(text(race, "first_access"), "writes");
    assert_int_equal(number(race, "second_line"), 16);
    assert_string_equal(text(race, "second_thread"), "worker-1");
    assert_string_equal(text(race, "second_access"), "reads");
    assert_int_equal(number(race, "time_ns"), 17 * US);
    // One span in 20 us: 50,000 a second.
    const json_t *span = json_array_get(json_object_get(d, "spans"), 0);
    assert_int_equal(number(span, "latency_p99_ns"), 8 * US);
    assert_true(json_real_value(json_object_get(span, "throughput")) == 50000.0);
    assert_int_equal(number(json_array_get(json_object_get(d, "marks"), 0), "count"), 1);
    assert_string_equal(json_string_value(json_array_get(json_object_get(d, "printed"), 0)),
                        "a, \"b\"");
    const json_t *expect = json_object_get(d, "expect");
    assert_true(json_is_true(json_object_get(json_array_get(expect, 0), "holds")));
    assert_true(json_is_false(json_object_get(json_array_get(expect, 1), "holds")));
    assert_int_equal(number(json_array_get(expect, 1), "line"), 19);
    json_decref(d);
    tear_down(&f);
}

// The report of a run of `yaml`.
static json_t *document_of(const char *yaml_text)
{
    Simulated run;
    Metrics metrics;
    HandText text;
    simulate(&run, yaml_text);
    simulated_measure(&run, &metrics);
    hand_text_open(&text);
    report_json(&(Report){.scenario = &run.scenario, .metrics = &metrics}, &text.writer);
    json_t *document = json_loads(hand_text_end(&text), JSON_REJECT_DUPLICATES, NULL);
    hand_text_free(&text);
    metrics_free(&metrics);
    simulated_free(&run);
    return document;
}

// What the fixture has not: semaphores, a circle in the order of locks, and a deadlock.
static json_t *stuck_document(void)
{
    static const char stuck[] =
        "machine: { cores: 2, costs: zero }\nlocks: { x: lock, y: lock }\nsemaphores: { s: 0 }\n"
        "threads:\n"
        "  - { name: a, run: [ { lock: x }, { lock: y }, { unlock: y }, { unlock: x } ] }\n"
        "  - name: b\n    start: 1ms\n    run:\n      - lock: y\n      - lock: x\n      - acquire: "
        "s\n";
    return document_of(stuck);
}

// Two pipes, of which one is broken, and a process that wants more memory than there is.
static json_t *broken_document(void)
{
    return document_of(
        "machine: { cores: 4, memory: 2MiB, costs: zero }\npipes: [ line ]\n"
        "processes:\n"
        "  - name: w\n    threads: [ { name: w, run: [ { write: { pipe: line, size: 5B } }, "
        "{ sleep: 3ms },\n"
        "        { write: { pipe: line, size: 1KiB } } ] } ]\n"
        "  - name: r\n    threads: [ { name: r, run: [ { read: { pipe: line, size: 4B } } ] } "
        "]\n"
        "  - name: m\n    threads: [ { name: m, start: 1ms, run: [ { touch: 8MiB } ] } ]\n"
        "  - name: x\n    threads: [ { name: x, run: [ { compute: 2ms }, { exit: 5 } ] } "
        "]\n");
}

static void test_troubles(void **state)
{
    (void)state;
    json_t *d = broken_document();
    // At 1 ms the memory runs out (510 of 512 pages are taken in batches of 64), at 3 ms the pipe
    // breaks.
    const json_t *troubles = json_object_get(d, "troubles");
    assert_int_equal(json_array_size(troubles), 2);
    const json_t *memory = json_array_get(troubles, 0), *pipe = json_array_get(troubles, 1);
    assert_string_equal(text(memory, "kind"), "out of memory");
    assert_int_equal(number(memory, "line"), 10);
    assert_string_equal(text(memory, "about"), "m");
    assert_string_equal(text(pipe, "kind"), "pipe broken");
    assert_string_equal(text(pipe, "thread"), "w");
    assert_int_equal(number(pipe, "time_ns"), 3000 * US);
    assert_int_equal(number(pipe, "line"), 6);
    assert_string_equal(text(pipe, "about"), "line");
    const json_t *line = json_array_get(json_object_get(d, "pipes"), 0);
    assert_int_equal(number(line, "written_bytes"), 5);
    assert_int_equal(number(line, "read_bytes"), 4);
    const json_t *ends = json_object_get(d, "process_ends");
    assert_int_equal(json_array_size(ends), 4);
    assert_string_equal(text(json_array_get(ends, 0), "killed_by"), "PIPE");
    assert_int_equal(number(json_array_get(ends, 0), "resident_bytes"), 8192);
    assert_string_equal(text(json_array_get(ends, 2), "killed_by"), "KILL");
    assert_int_equal(number(json_array_get(ends, 3), "exit_code"), 5);
    json_decref(d);
}

static void test_deadlock(void **state)
{
    (void)state;
    json_t *d = stuck_document();
    assert_string_equal(text(d, "end"), "deadlock");
    const json_t *object = json_array_get(json_object_get(d, "objects"), 0);
    assert_string_equal(text(object, "name"), "s");
    assert_string_equal(text(object, "kind"), "semaphore");
    assert_int_equal(number(object, "level_end"), 0);
    const json_t *member = json_array_get(json_object_get(d, "deadlock"), 0);
    assert_string_equal(text(member, "thread"), "b");
    assert_string_equal(text(member, "waits_for"), "s");
    assert_int_equal(number(member, "line"), 11);
    const json_t *steps = json_object_get(d, "lock_circles");
    assert_int_equal(json_array_size(steps), 2);
    assert_string_equal(text(json_array_get(steps, 0), "thread"), "a");
    assert_string_equal(text(json_array_get(steps, 1), "thread"), "b");
    assert_string_equal(text(json_array_get(steps, 1), "first"), "y");
    assert_int_equal(number(json_array_get(steps, 1), "first_line"), 9);
    assert_int_equal(number(json_array_get(steps, 1), "second_line"), 10);
    json_decref(d);
}

// Each object has the keys of its section, in the list's order, and no other.
static void test_keys(void **state)
{
    (void)state;
    static const struct {
        const char *section, *key;
    } expected[] = {
#define REPORT_SECTION(id, key, text)
#define REPORT_KEY(section, id, key, type, text) {#section, key},
#include "sim/trace/report_keys.def"
#undef REPORT_SECTION
#undef REPORT_KEY
    };
    static const struct {
        const char *section, *list;
    } sections[] = {
#define REPORT_SECTION(id, key, text) {#id, key},
#define REPORT_KEY(section, id, key, type, text)
#include "sim/trace/report_keys.def"
#undef REPORT_SECTION
#undef REPORT_KEY
    };
    Fixture f;
    set_up(&f, 2);
    json_t *d = report_document(&f), *stuck = stuck_document(), *broken = broken_document();
    for (size_t s = 0; s < sizeof sections / sizeof *sections; s++) {
        json_t *object =
            sections[s].list[0] == 0 ? d : json_array_get(json_object_get(d, sections[s].list), 0);
        if (object == NULL)
            object = json_array_get(json_object_get(stuck, sections[s].list), 0);
        if (object == NULL)
            object = json_array_get(json_object_get(broken, sections[s].list), 0);
        assert_non_null(object);
        void *at = json_object_iter(object);
        for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
            if (strcmp(expected[i].section, sections[s].section) != 0)
                continue;
            assert_non_null(at);
            assert_string_equal(json_object_iter_key(at), expected[i].key);
            at = json_object_iter_next(object, at);
        }
        assert_null(at);
    }
    json_decref(broken);
    json_decref(stuck);
    json_decref(d);
    tear_down(&f);
}

// A trace from a file has no count of events and no memory; expectations may be left out; what is
// not known is null, and lists without rows are empty.
static void test_unknown_values(void **state)
{
    (void)state;
    Fixture f;
    set_up(&f, 2);
    f.metrics.has_events = false;
    f.report.has_result = f.report.has_hash = false;
    f.report.expects = NULL;
    f.report.measured = true;
    json_t *d = report_document(&f);
    assert_true(json_is_null(json_object_get(d, "events")));
    assert_true(json_is_null(json_object_get(d, "memory_bytes")));
    assert_true(json_is_null(json_object_get(d, "trace_hash")));
    assert_string_equal(text(d, "source"), "measured");
    assert_int_equal(json_array_size(json_object_get(d, "expect")), 0);
    json_decref(d);
    tear_down(&f);
}

static void test_csv(void **state)
{
    (void)state;
    Fixture f;
    set_up(&f, 2);
    f.trace.scenario.strings[hand_string(&f.trace, "app") - 1] = "a,\"b\"";
    report_csv(&f.report, &f.text.writer);
    assert_string_equal(
        hand_text_end(&f.text),
        "name,process,start_ns,end_ns,response_ns,turnaround_ns,wait_ns,cpu_user_ns,"
        "cpu_kernel_ns,switches_voluntary,switches_forced,migrations,wakeups,daemon\n"
        "main,\"a,\"\"b\"\"\",0,16000,0,16000,0,16000,0,0,0,0,0,false\n"
        "worker-1,\"a,\"\"b\"\"\",0,20000,16000,20000,0,4000,0,0,0,0,0,false\n"
        "worker-2,\"a,\"\"b\"\"\",0,,,,0,0,0,0,0,0,0,false\n");
    tear_down(&f);
}

static void has(const char *summary, const char *part)
{
    if (strstr(summary, part) == NULL)
        fail_msg("no '%s' in:\n%s", part, summary);
}

static void test_summary(void **state)
{
    (void)state;
    Fixture f;
    set_up(&f, 2);
    f.report.columns = 50;
    report_summary(&f.report, &f.text.writer);
    const char *summary = hand_text_end(&f.text);
    assert_null(strchr(summary, '\x1b')); // colour only when asked for
    has(summary, "By hand\n"
                 "  A lesson that is long enough to be broken into\n"
                 "  two lines.\n");
    has(summary, "makespan 20 us   every thread ended   12,345 events");
    has(summary, "trace 0123456789abcdef\n");
    has(summary,
        "Threads (3)\n"
        "            start  response  turnaround  wait   user  kernel  voluntary  forced  moves\n"
        "  main       0 ns      0 ns       16 us  0 ns  16 us    0 ns          0       0      0\n"
        "  worker-1   0 ns     16 us       20 us  0 ns   4 us    0 ns          0       0      0\n"
        "  worker-2   0 ns         -           -  0 ns   0 ns    0 ns          0       0      0\n");
    has(summary, "  core 0  ████████████████████  100.0 %  20 us");
    has(summary, "  core 1  ░░░░░░░░░░░░░░░░░░░░    0.0 %   0 ns");
    has(summary, "  cache     0");
    has(summary, "  render      1  50000 /s  8 us");
    has(summary, "  pass      1  50000 /s\n");
    has(summary, "  x     -1      1       2               0             0             0\n");
    has(summary,
        "  x: main writes (hand.yaml:16), worker-1 reads (hand.yaml:16); nothing orders them "
        "(first at 17 us)\n");
    has(summary, "Printed\n  a, \"b\"\n");
    has(summary, "  ✓ makespan == 20us");
    has(summary, "  ✗ count(pass) == 7");
    tear_down(&f);
}

// With more than 20 threads there is a row an entry: main, and worker with its 25. One of them
// ended, at 20, and had 4 us: the mean over 25 is 160 ns.
static void test_many_threads(void **state)
{
    (void)state;
    Fixture f;
    set_up(&f, 25);
    f.report.colour = true;
    report_summary(&f.report, &f.text.writer);
    const char *summary = hand_text_end(&f.text);
    has(summary, "Threads (26)");
    has(summary, "\n  worker                   25   0 ns     16 us       20 us    20 us  0 ns"
                 "  160 ns");
    has(summary, "\x1b[32m✓\x1b[0m");
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),           cmocka_unit_test(test_deadlock),
        cmocka_unit_test(test_troubles),       cmocka_unit_test(test_keys),
        cmocka_unit_test(test_unknown_values), cmocka_unit_test(test_csv),
        cmocka_unit_test(test_summary),        cmocka_unit_test(test_many_threads),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
