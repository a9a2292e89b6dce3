// The `expect:` language: what it accepts, every message with its column, and what lines say about
// values that the test itself gives.
#include "sim/scenario/expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char world_text[] =
    "machine: { cores: 2 }\n"
    "processes:\n"
    "  - name: web\n"
    "    locks: { cache: lock, log: lock }\n"
    "    functions: { job: [ { compute: 1ms } ] }\n"
    "    threads:\n"
    "      - { name: batch, run: [ { mark: tick } ] }\n"
    "      - { name: worker, count: 3, run: [ { span: { name: render, do: [ yield ] } } ] }\n"
    "      - { name: main, run: [ { spawn: { run: job, as: helper, count: 2 } } ] }\n"
    "  - name: db\n"
    "    locks: { log: lock }\n"
    "    threads:\n"
    "      - { name: main, run: [ { mark: \"odd (name)\" }, { mark: both } ] }\n"
    "      - { name: worker-2x, run: [ { span: { name: both, do: [ yield ] } } ] }\n";

static Scenario world;

static int world_open(void **state)
{
    (void)state;
    Diag diag = {0};
    bool good =
        scenario_parse(&world, "world.yaml", world_text, strlen(world_text), NULL, 0, &diag);
    if (!good)
        print_error("%s", diag_text(&diag));
    diag_free(&diag);
    return good ? 0 : 1;
}

static int world_close(void **state)
{
    (void)state;
    scenario_free(&world);
    return 0;
}

// -- Values that the test gives
// --------------------------------------------------------------------

enum { MS = 1000000 };

// Thread ids in order: batch 1, worker 2, main 3, (helper 4), then those of db. The values below
// are chosen so that sums and ranks are easy: workers 10, 20, 30 ms.
static size_t give_samples(void *context, MetricId metric, ExpectSubject subject, uint32_t id,
                           uint32_t instance, const double **values)
{
    (void)context;
    static const double makespan[] = {100.0 * MS}, zero[] = {0}, batch[] = {103.2 * MS},
                        workers[] = {30.0 * MS, 10.0 * MS, 20.0 * MS}, busy[] = {0.5, 0.55},
                        count[] = {500}, rate[] = {400}, migrated[] = {3};
    static double latency[200];
    for (int i = 0; i < 200; i++)
        latency[i] = (200 - i) * (double)MS; // 200 ms down to 1 ms
    *values = NULL;
    if (subject == SUBJECT_NONE) {
        *values = metric == METRIC_MAKESPAN ? makespan : zero;
        return 1;
    }
    if (subject == SUBJECT_CORE) {
        assert_true(id < 2);
        *values = &busy[id];
        return 1;
    }
    if (subject == SUBJECT_NAME) {
        *values = metric == METRIC_COUNT ? count : metric == METRIC_LATENCY ? latency : rate;
        return metric == METRIC_LATENCY ? 200 : 1;
    }
    if (subject == SUBJECT_LOCK || subject == SUBJECT_SYNC)
        return 0;
    assert_true(id >= 1 && id <= world.thread_count);
    if (metric == METRIC_MIGRATIONS && id == 1) {
        *values = migrated;
        return 1;
    }
    if (metric != METRIC_TURNAROUND || id > 2)
        return 0;
    *values = id == 1 ? batch : instance == 0 ? workers : &workers[instance - 1];
    return id == 2 && instance == 0 ? 3 : 1;
}

static size_t give_texts(void *context, const char *const **lines)
{
    (void)context;
    static const char *const printed[] = {"a", "b: \"c\""};
    *lines = printed;
    return 2;
}

static const ExpectSource source = {NULL, give_samples, give_texts};

// Whether `line` holds; what was found is in `found`, which holds 512 bytes.
static bool line_holds(const char *line, char *found)
{
    Diag diag = {0};
    Expect expect;
    if (!expect_parse(&world, line, (SourceAt){1, 1, 1}, &expect, &diag))
        fail_msg("%s\n%s", line, diag_text(&diag));
    assert_string_equal(expect.text, line);
    Arena arena = {0};
    const char *text;
    bool result = expect_holds(&world, &expect, &source, &arena, &text);
    snprintf(found, 512, "%s", text);
    arena_free(&arena);
    diag_free(&diag);
    return result;
}

static void check_holds(const char *line)
{
    char found[512];
    if (!line_holds(line, found))
        fail_msg("does not hold: %s\n%s", line, found);
}

static void check_fails(const char *line, const char *expected)
{
    char found[512];
    if (line_holds(line, found))
        fail_msg("holds: %s", line);
    assert_string_equal(found, expected);
}

static void test_comparisons(void **state)
{
    (void)state;
    check_holds("makespan == 100ms");
    check_holds("makespan == 0.1s");
    check_holds("makespan != 100.000001 ms"); // 1 ns apart
    check_holds("makespan <= 100_000us");
    check_holds("100ms >= makespan and makespan > 99ms and makespan < 0.00167min");
    check_holds("makespan == 100µs * 1k");
    check_holds("throughput(tick) == 400/s and throughput(tick) == 0.4 / ms");
    check_holds("count(tick) == 500 and count(tick) == 0.5k");
    check_holds("utilization(core 1) == 55%");
    check_holds("utilization(core 0) + utilization(core1) == 1.05");
    check_fails("makespan < 100ms", "makespan = 100 ms, expected < 100 ms");
    check_fails("turnaround(batch) <= 100ms", "turnaround(batch) = 103.2 ms, expected <= 100 ms");
    check_fails("makespan == 100.000001ms", "makespan = 100 ms, expected == 100.000001 ms");
    check_fails("turnaround(batch) < makespan",
                "turnaround(batch) = 103.2 ms, expected < makespan = 100 ms");
    check_fails("utilization(core 0) + utilization(core 1) <= 1",
                "utilization(core 0) + utilization(core 1) = 1.05, expected <= 1");
    check_fails("90ms >= makespan", "90 ms, expected >= makespan = 100 ms");
    check_fails("throughput(tick) > 401/s", "throughput(tick) = 400/s, expected > 401/s");
}

static void test_calculations(void **state)
{
    (void)state;
    check_holds("2 + 3 * 4 == 14");
    check_holds("(2 + 3) * 4 == 20");
    check_holds("10 - 4 - 3 == 3"); // from the left
    check_holds("100 / 10 / 5 == 2");
    check_holds("-2 * -3 == 6 and - -1 == 1");
    check_holds("makespan / 50ms == 2");
    check_holds("count(tick) / makespan == 5/ms");          // 500 in 100 ms
    check_holds("throughput(tick) * makespan == 40");       // 400/s for 0.1 s
    check_holds("count(tick) / throughput(tick) == 1.25s"); // 500 at 400/s
    check_holds("throughput(tick) / (2/s) == 200");
    check_holds("makespan * 50% == 50ms and 2 * makespan - 50ms == 150ms");
    check_fails("makespan / deadlocked > 1ms", "deadlocked is 0 and divides makespan");
}

// As many digits as it takes to see why a line does not hold. batch has 103.2 ms, render 1 … 200
// ms.
static void test_digits(void **state)
{
    (void)state;
    char found[512];
    // Without a tolerance both sides are exact, also where they are equal.
    assert_true(line_holds("10 * makespan + 1504500ns == 1001.5045ms", found));
    assert_string_equal(found, "10 * makespan + 1504500ns = 1.0015045 s, expected == 1.0015045 s");
    check_fails("10 * makespan + 1504500ns != 1001.5045ms",
                "10 * makespan + 1504500ns = 1.0015045 s, expected != 1.0015045 s");
    check_fails("makespan == 100.0000005ms * 1", "makespan = 100 ms, expected == 100.0000005 ms");
    check_fails("utilization(core 1) == 0.549999",
                "utilization(core 1) = 0.55, expected == 0.549999");
    // 1001.5045 ms and 1001.6 ms both round to 1.002 s; 1001.5045 ms and 1 s do not.
    check_fails("10 * makespan + 1504500ns > 1001.6ms",
                "10 * makespan + 1504500ns = 1.0015045 s, expected > 1.0016 s");
    check_fails("10 * makespan + 1504500ns < 1s",
                "10 * makespan + 1504500ns = 1.002 s, expected < 1 s");
    // The tolerance ends at 103.2123 ms, which is 103.2 ms in four digits, as the value is.
    check_fails("turnaround(batch) + 12345ns == 100ms ± 3.2123ms",
                "turnaround(batch) + 12345ns = 103.212345 ms, expected == 100 ms ± 3.2123ms");
}

static void test_tolerance(void **state)
{
    (void)state;
    check_holds("turnaround(batch) == 100ms ± 3.2%");
    check_holds("turnaround(batch) == 100ms +- 3.2%");
    check_holds("turnaround(batch) == 100ms ± 3.2ms");
    check_holds("turnaround(batch) != 100ms ± 3%");
    check_holds("1 + 2 == 4 ± 1");
    check_holds("utilization(core 0) == 50.4% ± 1%"); // 1 % of 50.4 %
    check_fails("turnaround(batch) == 100ms ± 3%",
                "turnaround(batch) = 103.2 ms, expected == 100 ms ± 3%");
    check_fails("utilization(core 0) == 51% ± 1%",
                "utilization(core 0) = 0.5, expected == 0.51 ± 1%");
}

// Nearest ranks of 1 … 200 ms: p50 is number 100, p90 180, p99 198; of 10, 20, 30 ms: p50 is number
// ceil(1.5) = 2, p90 ceil(2.7) = 3.
static void test_fields(void **state)
{
    (void)state;
    check_holds("latency(render).p50 == 100ms");
    check_holds("latency(render).p90 == 180ms");
    check_holds("latency(render).p99 == 198ms");
    check_holds("latency(render).min == 1ms and latency(render).max == 200ms");
    check_holds("latency(render).mean == 100.5ms"); // 201 / 2
    check_holds("latency(render).count == 200");
    check_holds("turnaround(worker).p50 == 20ms and turnaround(worker).p90 == 30ms");
    check_holds("turnaround(worker).sum == 60ms and turnaround(worker).count == 3");
    check_holds("turnaround(worker-1) == 30ms and turnaround(worker-3) == 20ms");
    check_holds("turnaround(web/worker-2).max == 10ms and turnaround(web/batch) == 103.2ms");
    check_holds("printed.count == 2");
    check_fails("turnaround(worker) < 1s",
                "turnaround(worker) has 3 values: ask for .min, .max, .mean, .sum, .p50, .p90 or "
                ".p99");
    check_fails("turnaround(helper) < 1s", "turnaround(helper) has no value in this run");
    check_holds("turnaround(helper).count == 0 and turnaround(helper-7).sum == 0ms");
}

static void test_all_subjects(void **state)
{
    (void)state;
    check_holds("utilization.sum == 1.05 and utilization.count == 2");
    check_holds("turnaround.count == 4 and turnaround.max == 103.2ms"); // batch and three workers
    check_holds("migrations.sum == 3");
    check_holds("lock_wait.count == 0");
}

static void test_words(void **state)
{
    (void)state;
    check_holds("not makespan > 1s");
    check_holds("not not makespan == 100ms");
    check_holds("makespan > 1s or makespan > 2s or makespan < 3s");
    check_holds("makespan > 1s and makespan > 2s or makespan < 3s"); // `and` binds tighter
    check_holds("(makespan < 1s or 1 == 2) and 2 == 2");
    check_fails("makespan < 1s and makespan > 1s", "makespan = 100 ms, expected > 1 s");
    check_fails("makespan > 1s or makespan > 2s",
                "makespan = 100 ms, expected > 1 s; makespan = 100 ms, expected > 2 s");
    check_fails("not makespan < 1s", "not (makespan = 100 ms, expected < 1 s)");
    // What does not exist fails a line either way round.
    check_fails("not turnaround(helper) < 1s", "not (turnaround(helper) has no value in this run)");
}

static void test_texts(void **state)
{
    (void)state;
    check_holds("printed == [\"a\", \"b: \\\"c\\\"\"]");
    check_holds("printed == ['a', 'b: \"c\"']");
    check_holds("printed != []");
    check_holds("printed != \"a\"");
    check_fails("printed == [\"a\", \"x\"]", "line 2 of printed is \"b: \"c\"\", expected \"x\"");
    check_fails("printed == \"a\"", "line 2 of printed is \"b: \"c\"\", expected nothing more");
    check_fails("printed == ['a', 'b: \"c\"', 'd']",
                "line 3 of printed is nothing more, expected \"d\"");
}

static void test_subjects(void **state)
{
    (void)state;
    check_holds("count(\"odd (name)\") == 500");
    check_holds("count( both ) == 500 and latency(both).count == 200");
    check_holds("turnaround(worker-2x).count == 0"); // a name of its own
    check_holds("turnaround(web/main).count == 0 and turnaround(db/main).count == 0");
    check_holds("lock_wait(web/log).count == 0 and lock_hold(cache).count == 0");
}

// -- Messages -------------------------------------------------------------------------------------

// Checks the message of a wrong line: the part of the line that it points at (its last occurrence,
// or the line's end when it is empty), its text, its hint.
static void check_bad(const char *line, const char *part, const char *text, const char *hint)
{
    Diag diag = {0};
    Expect expect;
    if (expect_parse(&world, line, (SourceAt){7, 5, 1}, &expect, &diag))
        fail_msg("accepted: %s", line);
    assert_int_equal(diag.errors, 1);
    const DiagMessage *message = diag.first;
    assert_string_equal(message->text, text);
    if (hint == NULL)
        assert_null(message->hint);
    else
        assert_string_equal(message->hint, hint);
    assert_int_equal(message->at.line, 7);
    uint32_t column = 5;
    const char *at = strstr(line, part);
    assert_non_null(at);
    for (const char *next = at; *part != '\0' && next != NULL; next = strstr(next + 1, part))
        at = next;
    if (*part == '\0')
        at = line + strlen(line);
    for (const char *c = line; c < at; c++)
        column += ((unsigned char)*c & 0xc0) != 0x80;
    assert_int_equal(message->at.column, column);
    uint32_t length = 0;
    for (const char *c = part; *c != '\0'; c++)
        length += ((unsigned char)*c & 0xc0) != 0x80;
    assert_int_equal(message->at.length, length == 0 ? 1 : length);
    diag_free(&diag);
}

static void test_bad_names(void **state)
{
    (void)state;
    check_bad("makespam < 1s", "makespam", "no metric is called 'makespam'",
              "did you mean makespan?");
    check_bad("zzz < 1s", "zzz", "no metric is called 'zzz'", NULL);
    check_bad("1s > turnaround(bacth)", "bacth", "no thread is called 'bacth'",
              "did you mean batch?");
    check_bad("latency(rendr).max < 1s", "rendr", "no span is called 'rendr'",
              "did you mean render?");
    check_bad("latency(tick).max < 1s", "tick",
              "'tick' is a mark, which has no latency; a span has", NULL);
    check_bad("count(tock) == 1", "tock", "no mark or span is called 'tock'", "did you mean tick?");
    check_bad("lock_wait(cahce).max < 1s", "cahce", "no lock is called 'cahce'",
              "did you mean cache?");
    check_bad("turnaround(worker).p95 < 1s", "p95",
              "no field is called 'p95'; there are min, max, mean, sum, p50, p90, p99 and count",
              "did you mean p90?");
    check_bad("turnaround(main) < 1s", "main",
              "several processes have a thread 'main'; write web/main or db/main", NULL);
    check_bad("lock_hold(log).max < 1s", "log",
              "several processes have a lock 'log'; write web/log or db/log", NULL);
    check_bad("turnaround(worker-4) < 1s", "worker-4",
              "'worker' is 3 threads; there is no number 4", NULL);
    check_bad("turnaround(batch-2) < 1s", "batch-2", "'batch' is 1 thread; there is no number 2",
              NULL);
    check_bad("turnaround(worker-99999999999) < 1s", "worker-99999999999",
              "no thread is called 'worker-99999999999'", NULL);
}

static void test_bad_subjects(void **state)
{
    (void)state;
    check_bad("utilization(core 2) < 1", "core 2", "the machine has 2 cores: core 0 to core 1",
              NULL);
    check_bad("utilization(core 99999999999999999999) < 1", "core 99999999999999999999",
              "the machine has 2 cores: core 0 to core 1", NULL);
    check_bad("utilization(0) < 1", "0", "'0' is not a core; write utilization(core 0)", NULL);
    check_bad("utilization(batch) < 1", "batch",
              "'utilization' is about a core; 'batch' is a thread", NULL);
    check_bad("turnaround(core 0) < 1s", "core 0",
              "'turnaround' is about threads; 'core 0' is a core", NULL);
    check_bad("turnaround(cache) < 1s", "cache", "'turnaround' is about threads; 'cache' is a lock",
              NULL);
    check_bad("lock_wait(render).max < 1s", "render",
              "'lock_wait' is about a lock; 'render' is a span", NULL);
    check_bad("latency(worker).max < 1s", "worker",
              "'latency' is about a mark or a span; 'worker' is a thread", NULL);
    check_bad("makespan(batch) < 1s", "batch",
              "'makespan' is about the whole run; it takes no parentheses", NULL);
    check_bad("latency.max < 1s", "latency",
              "'latency' needs the name of a mark or span in parentheses", NULL);
    check_bad("1s > turnaround()", ")", "'turnaround' needs a thread's name in the parentheses",
              NULL);
}

static void test_bad_units(void **state)
{
    (void)state;
    check_bad("makespan == 100", "100",
              "cannot compare 'makespan' and '100': one is a time, the other a number",
              "did you mean 100ms?");
    check_bad("400 == throughput(tick)", "400",
              "cannot compare '400' and 'throughput(tick)': one is a number, the other a rate",
              "did you mean 400/s?");
    check_bad("makespan < throughput(tick)", "throughput(tick)",
              "cannot compare 'makespan' and 'throughput(tick)': one is a time, the other a rate",
              NULL);
    check_bad("makespan < 50%", "50%",
              "cannot compare 'makespan' and '50%': one is a time, the other a number", NULL);
    check_bad("makespan + 5 < 1s", "5",
              "cannot add 'makespan' and '5': one is a time, the other a number",
              "did you mean 5ms?");
    check_bad("makespan - printed.count < 1s", "printed.count",
              "cannot subtract 'makespan' and 'printed.count': one is a time, the other a number",
              NULL);
    check_bad("makespan * 2ms < 1s", "makespan * 2ms", "cannot multiply a time by a time", NULL);
    check_bad("makespan / throughput(tick) < 1s", "makespan / throughput(tick)",
              "cannot divide a time by a rate", NULL);
    check_bad("printed * 2 == \"a\"", "printed * 2", "cannot multiply texts by a number", NULL);
    check_bad("-printed == \"a\"", "printed", "texts cannot be negated", NULL);
    check_bad("printed + \"a\" == \"b\"", "printed + \"a\"", "texts can only be compared", NULL);
    check_bad("printed < \"a\"", "<", "texts are only compared with == and !=", NULL);
    check_bad("printed == 2", "2",
              "cannot compare 'printed' and '2': one is texts, the other a number", NULL);
    check_bad("makespan == 1s ± 3", "3",
              "the tolerance is a number; it must be a percentage or a time", "did you mean 3ms?");
    check_bad("makespan <= 1s ± 3%", "± 3%",
              "only == and != of numbers, times and rates take a tolerance", NULL);
    check_bad("printed == \"a\" ± 3%", "± 3%",
              "only == and != of numbers, times and rates take a tolerance", NULL);
    check_bad("makespan.max < 1s", "max", "'makespan' is one value; it has no fields", NULL);
    check_bad("printed.max == 1", "max", "'printed' is texts: its only field is count", NULL);
    check_bad("makespan == 100millis", "100millis", "'millis' is no unit of time (ns, us, ms, s)",
              NULL);
}

static void test_bad_grammar(void **state)
{
    (void)state;
    check_bad("makespan", "makespan", "'makespan' is a time; compare it with something", NULL);
    check_bad("makespan < 1s and 5", "5", "'5' is a number; compare it with something", NULL);
    check_bad("1 / 0 == 1", "0", "'0' is 0, by which nothing can be divided", NULL);
    check_bad("makespan / 0ns == 1", "0ns", "'0ns' is 0, by which nothing can be divided", NULL);
    check_bad("makespan / (2 * 3 - 6) < 1s", "(2 * 3 - 6)",
              "'(2 * 3 - 6)' is 0, by which nothing can be divided", NULL);
    check_bad("not makespan", "makespan", "'makespan' is a time; compare it with something", NULL);
    check_bad("(makespan < 1s) == 1", "(makespan < 1s)",
              "cannot compare a comparison; join comparisons with 'and' or 'or'", NULL);
    check_bad("1s < makespan < 2s", "<", "expected 'and', 'or' or the end of the line; found '<'",
              NULL);
}

static void test_bad_tokens(void **state)
{
    (void)state;
    check_bad("makespan = 1s", "=", "unexpected '='", "did you mean ==?");
    check_bad("makespan ≤ 1s", "≤", "unexpected '≤'", NULL);
    check_bad("makespan <", "", "expected a metric or a value at the end of the line", NULL);
    check_bad("", "", "expected a metric or a value at the end of the line", NULL);
    check_bad("makespan < and 1s", "and", "expected a metric or a value; found 'and'", NULL);
    check_bad("makespan < 1s 2", "2", "expected 'and', 'or' or the end of the line; found '2'",
              NULL);
    check_bad("makespan 1s", "1s", "expected a comparison; found '1s'", NULL);
    check_bad("makespan < (1s", "", "expected ')' at the end of the line", NULL);
    check_bad("turnaround(batch < 1s", "(", "the parenthesis is not closed", NULL);
    check_bad("turnaround(\"batch\" < 1s", "<", "expected ')'; found '<'", NULL);
    check_bad("turnaround(batch). < 1s", "<",
              "expected a field (min, max, mean, sum, p50, p90, p99, count); found '<'", NULL);
    check_bad("printed == [\"a\" \"b\"]", "\"b\"", "expected ',' or ']'; found '\"b\"'", NULL);
    check_bad("printed == [\"a\", 5]", "5", "expected a string or ']'; found '5'", NULL);
    check_bad("printed == \"a", "\"", "the string does not end", NULL);
    check_bad("printed == \"\\q\"", "\\q",
              "unknown escape in a string; there are \\n, \\t, \\\" and \\\\", NULL);
    check_bad("makespan == 1s ± makespan", "makespan", "expected a number; found 'makespan'", NULL);
    check_bad("deadlocked < 1234567890123456789", "1234567890123456789",
              "the number has too many digits", NULL);
}

// -- Bounds and places ----------------------------------------------------------------------------

static bool parses(const char *line, Diag *diag)
{
    Expect expect;
    return expect_parse(&world, line, (SourceAt){3, 7, 4}, &expect, diag);
}

// A line of `count` times `open`, then "1 == 1", then `count` times `close`.
static char *nested(const char *open, const char *middle, const char *close, int count)
{
    static char line[20000];
    line[0] = '\0';
    for (int i = 0; i < count; i++)
        strcat(line, open);
    strcat(line, middle);
    for (int i = 0; i < count; i++)
        strcat(line, close);
    return line;
}

static void check_refused(const char *line, const char *text)
{
    Diag diag = {0};
    assert_false(parses(line, &diag));
    assert_string_equal(diag.first->text, text);
    diag_free(&diag);
}

static void test_bounds(void **state)
{
    (void)state;
    check_holds(nested("(", "1 == 1", ")", 50));
    check_refused(nested("(", "1 == 1", ")", 51), "parentheses and signs nest more than 50 deep");
    check_refused(nested("not ", "1 == 1", "", 51), "parentheses and signs nest more than 50 deep");
    check_refused(nested("-", "1 == 1", "", 5000), "parentheses and signs nest more than 50 deep");
    // n additions have n + 1 numbers; with the comparison and its right side 2 n + 3 parts.
    check_holds(nested("", "498 == 0", "+1", 498));
    check_refused(nested("", "1 == 0", "+1", 499), "the expectation has more than 1000 parts");
    check_refused(nested("", "1 == 1", " ", 8187), "the expectation is longer than 8192 bytes");
}

// Where the message of `line` is said to stand when the source is `text`.
static SourceAt place_in(const char *text, const char *line, SourceAt at)
{
    Diag diag = {.source = text};
    Expect expect;
    assert_false(expect_parse(&world, line, at, &expect, &diag));
    SourceAt place = diag.first->at;
    diag_free(&diag);
    return place;
}

static void check_place(SourceAt place, uint32_t line, uint32_t column, uint32_t length)
{
    assert_int_equal(place.line, line);
    assert_int_equal(place.column, column);
    assert_int_equal(place.length, length);
}

static void test_places(void **state)
{
    (void)state;
    const char *line = "1s ± x";
    // Plain; with the column of the text or of its quote; after characters of several bytes.
    check_place(place_in("a\n- 1s < xy\n", "1s < xy", (SourceAt){2, 3, 7}), 2, 8, 2);
    check_place(place_in("- '1s < xy'", "1s < xy", (SourceAt){1, 4, 7}), 1, 9, 2);
    check_place(place_in("- '1s < xy'", "1s < xy", (SourceAt){1, 3, 9}), 1, 9, 2);
    check_place(place_in("- \"µs±\": 1s < xy", "1s < xy", (SourceAt){1, 10, 7}), 1, 15, 2);
    // Unescaped or folded by YAML: the whole scalar.
    check_place(place_in("- \"1s \\x3c xy\"", "1s < xy", (SourceAt){1, 3, 13}), 1, 3, 13);
    check_place(place_in("- 1s <\n   xy", "1s < xy", (SourceAt){1, 3, 4}), 1, 3, 4);
    // A place outside the source, and no place at all.
    check_place(place_in("a", line, (SourceAt){9, 9, 1}), 9, 9, 1);
    check_place(place_in("a", line, (SourceAt){0, 0, 0}), 0, 0, 0);
}

// Only the first messages are kept: the later lines are refused without being read.
static void test_many_errors(void **state)
{
    (void)state;
    Diag diag = {0};
    for (int i = 0; i < 1000; i++)
        assert_false(parses("makespan ==", &diag));
    assert_int_equal(diag.errors, 1000);
    diag_free(&diag);
}

// A scenario whose machine was changed by an override still loads; the line about the core that is
// gone cannot hold.
static void test_overridden_cores(void **state)
{
    (void)state;
    Scenario fewer = world;
    fewer.machine.cores = 1;
    fewer.overrides = "machine.cores=1\n";
    Diag diag = {0};
    Expect expect;
    assert_true(
        expect_parse(&fewer, "utilization(core 1) < 1", (SourceAt){1, 1, 1}, &expect, &diag));
    Arena arena = {0};
    const char *found;
    assert_false(expect_holds(&fewer, &expect, &source, &arena, &found));
    assert_string_equal(found, "utilization(core 1) has no value in this run");
    arena_free(&arena);
    diag_free(&diag);
    world.arena = fewer.arena; // the line was kept in it
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comparisons),  cmocka_unit_test(test_calculations),
        cmocka_unit_test(test_digits),       cmocka_unit_test(test_tolerance),
        cmocka_unit_test(test_fields),       cmocka_unit_test(test_all_subjects),
        cmocka_unit_test(test_words),        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_subjects),     cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_bad_subjects), cmocka_unit_test(test_bad_units),
        cmocka_unit_test(test_bad_grammar),  cmocka_unit_test(test_bad_tokens),
        cmocka_unit_test(test_bounds),       cmocka_unit_test(test_places),
        cmocka_unit_test(test_many_errors),  cmocka_unit_test(test_overridden_cores),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
