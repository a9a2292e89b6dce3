// Mistakes that only running a scenario shows, and the limits that end a run.
// Timelines are in microseconds and worked out in the comments; with `costs: zero` what is not
// computation or sleep takes no time.
#include "tests/one_run.h"

#include <stdio.h>
#include <string.h>

// ---- mistakes and limits

static void unlocking_what_is_not_held(void **state)
{
    (void)state;
    assert_string_equal(
        simulate_failing("machine: { costs: zero }\n"
                         "locks: { x: lock }\n"
                         "threads:\n"
                         "  - { name: A, run: [ { compute: 1ms }, { unlock: x } ] }\n"),
        "test.yaml:4:43: error: at 1000000 ns A unlocks 'x', which it does not hold (nobody does)\n"
        "    4 |   - { name: A, run: [ { compute: 1ms }, { unlock: x } ] }\n"
        "      |                                           ^~~~~~\n");
    assert_string_equal(
        simulate_failing("machine: { costs: zero }\n"
                         "locks: { x: lock }\n"
                         "threads:\n"
                         "  - { name: A, run: [ { lock: x }, { compute: 1ms } ] }\n"
                         "  - name: B\n"
                         "    count: 2\n"
                         "    run:\n"
                         "      - unlock: x\n"),
        "test.yaml:8:9: error: at 1000000 ns B-1 unlocks 'x', which it does not hold (A does)\n"
        "    8 |       - unlock: x\n"
        "      |         ^~~~~~\n");
}

static void expect_limit(LimitId limit, int64_t ns)
{
    expect_end(END_LIMIT, ns);
    assert_int_equal(run.result.limit, limit);
    const TraceRecord *last = memory_sink_at(&run.memory, run.memory.count - 1);
    assert_int_equal(last->kind, EVENT_RUN_END);
    assert_int_equal(last->b, limit);
}

static void a_function_that_calls_itself(void **state)
{
    (void)state;
    // Each call passes a mark on its way down. A's first call is one deep, f's own calls are the
    // other 9,999, and the ten-thousandth passing finds no room for one more.
    one_run(ZERO("1") "functions: { f: [ { mark: down }, { call: f } ] }\n"
                      "threads:\n"
                      "  - { name: A, run: [ { compute: 1us }, { call: f } ] }\n");
    expect_limit(LIMIT_DEPTH, 1 * US);
    assert_int_equal(simulated_count(&run, EVENT_MARK, "A"), 10000);
}

// Two repeats in each other around a call, whose function opens a span: four deep.
#define FOUR_DEEP                                                                                  \
    "functions: { f: [ { span: { name: s, do: [ { compute: 1us } ] } } ] }\n"                      \
    "threads:\n"                                                                                   \
    "  - { name: A, run: [ { repeat: { times: 2, do: [ { repeat: { times: 2, do: [\n"              \
    "      { call: f } ] } } ] } } ] }\n"

// Each of the many things that one op does counts as an op: so a count without end, which takes no
// time, ends at the limit; and the names of tasks take memory as the tasks come, not all at first.
static void counts_without_end(void **state)
{
    (void)state;
    one_run(ZERO("1") "runtime: cpython-3.12\n"
                      "limits: { stall: 1000 }\n"
                      "asyncio: { semaphores: { slots: 1 } }\n"
                      "functions: { f: [ { release: { semaphore: slots, count: 1000000000 } } ] }\n"
                      "threads: [ { name: A, run: [ { asyncio.run: f } ] } ]\n");
    expect_limit(LIMIT_STALL, 0);
    one_run_end(state);
    one_run(ZERO("1") "runtime: cpython-3.12\n"
                      "limits: { memory: 10000000 }\n"
                      "functions:\n"
                      "  f: [ { create_task: { run: g, as: many, count: 1000000000 } } ]\n"
                      "  g: [ { await: { sleep: 1s } } ]\n"
                      "threads: [ { name: A, run: [ { asyncio.run: f } ] } ]\n");
    expect_limit(LIMIT_MEMORY, 0);
}

// The same of what Node, and a loop of asyncio, is to call later: a list of it takes memory however
// it is asked for, and a script that never ends asks for ever.
static void put_off_without_end(void **state)
{
    static const char *const ops[] = {
        "set_timeout: { after: 1h, run: g }",
        "set_immediate: g",
        "next_tick: g",
        "queue_microtask: g",
        "queue_work: g",
    };
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        char yaml[400];
        snprintf(yaml, sizeof yaml,
                 ZERO("1") "runtime: node\n"
                           "limits: { memory: 10000000 }\n"
                           "functions: { g: [ mark: g ], f: [ { forever: [ { %s } ] } ] }\n"
                           "threads: [ { name: A, run: [ { node.run: f } ] } ]\n",
                 ops[i]);
        one_run(yaml);
        expect_limit(LIMIT_MEMORY, 0);
        one_run_end(state);
    }
    one_run(ZERO("1") "runtime: cpython-3.12\n"
                      "limits: { memory: 10000000 }\n"
                      "functions: { g: [ mark: g ], f: [ { forever: [ { call_soon: g } ] } ] }\n"
                      "threads: [ { name: A, run: [ { asyncio.run: f } ] } ]\n");
    expect_limit(LIMIT_MEMORY, 0);
}

// A loop that is closed gives back its memory, more than 500 bytes: twenty thousand loops, one
// after the other, stay within ten megabytes.
static void loops_one_after_the_other(void **state)
{
    static const char *const runs[] = {
        "runtime: cpython-3.12\n"
        "functions: { g: [ mark: g ], f: [ { call_later: { after: 1h, run: g, as: h } } ] }\n"
        "threads: [ { name: A, run: [ { repeat: { times: 20000, do: [ { asyncio.run: f } ] } } ] "
        "} ]\n",
        "runtime: node\n"
        "functions: { g: [ mark: g ], f: [ { set_immediate: g } ] }\n"
        "threads: [ { name: A, run: [ { repeat: { times: 20000, do: [ { node.run: f } ] } } ] } "
        "]\n",
    };
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        char yaml[512];
        snprintf(yaml, sizeof yaml, ZERO("1") "limits: { memory: 10000000 }\n%s", runs[i]);
        one_run(yaml);
        expect_end(END_DONE, 0);
        one_run_end(state);
    }
}

static void the_limit_of_depth(void **state)
{
    (void)state;
    one_run(ZERO("1") "limits: { depth: 3 }\n" FOUR_DEEP);
    expect_limit(LIMIT_DEPTH, 0);
    assert_int_equal(simulated_count(&run, EVENT_SPAN_BEGIN, NULL), 0);
    one_run_end(state);
    one_run(ZERO("1") "limits: { depth: 4 }\n" FOUR_DEEP);
    expect_end(END_DONE, 4 * US);
}

static void expect_limit_text(LimitId limit, int64_t bound, const char *expected)
{
    char text[32];
    assert_string_equal(limit_text(limit, bound, text), expected);
}

static void the_bounds_of_limits_in_words(void **state)
{
    (void)state;
    expect_limit_text(LIMIT_TIME, INT64_C(604800000000000), "168h");
    expect_limit_text(LIMIT_TIME, INT64_C(5400000000000), "5400s");
    expect_limit_text(LIMIT_TIME, 5 * MS, "5ms");
    expect_limit_text(LIMIT_TIME, 1001 * US, "1001us");
    expect_limit_text(LIMIT_TIME, 1, "1ns");
    expect_limit_text(LIMIT_STALL, 10000000, "10,000,000");
    expect_limit_text(LIMIT_DEPTH, 999, "999");
}
// A loop in which no time passes ends at the limit, at the instant where it was stuck; what was
// traced before is kept.
static void a_loop_without_time_stalls(void **state)
{
    (void)state;
    one_run(ZERO("1") "limits: { stall: 1000 }\n"
                      "threads:\n"
                      "  - { name: A, run: [ { compute: 3us }, { forever: [ { mark: m } ] } ] }\n");
    expect_limit(LIMIT_STALL, 3 * US);
    assert_in_range(simulated_count(&run, EVENT_MARK, "A"), 300, 1000);
}

// Time that passes, if only a nanosecond a round, is no stall.
static void a_loop_with_time_does_not_stall(void **state)
{
    (void)state;
    one_run(ZERO(
        "1") "limits: { stall: 1000 }\n"
             "threads:\n"
             "  - { name: A, run: [ { repeat: { times: 100000, do: [ { compute: 1ns } ] } } ] }\n");
    expect_end(END_DONE, 100 * US);
}

static void the_limit_of_events(void **state)
{
    (void)state;
    one_run(ZERO("1") "limits: { events: 100 }\n"
                      "threads:\n"
                      "  - { name: A, run: [ { forever: [ { compute: 1us } ] } ] }\n");
    assert_int_equal(run.result.events, 100);
    assert_int_equal(run.result.limit, LIMIT_EVENTS);
}

static void the_limit_of_simulated_time(void **state)
{
    (void)state;
    one_run(ZERO("1") "limits: { time: 5ms }\n"
                      "threads:\n"
                      "  - { name: A, run: [ { compute: 10ms } ] }\n");
    expect_limit(LIMIT_TIME, 5 * MS);
    expect_cpu("A", 5 * MS, 0);
}

// What ends at the limit is within it.
static void the_limit_of_simulated_time_is_included(void **state)
{
    (void)state;
    one_run(ZERO("1") "limits: { time: 5ms }\n"
                      "threads:\n"
                      "  - { name: A, run: [ { compute: 5ms } ] }\n");
    expect_end(END_DONE, 5 * MS);
}

// main and three of f are four; a fifth is one too many.
static void the_limit_of_tasks(void **state)
{
    (void)state;
    one_run(ZERO(
        "1") "limits: { tasks: 4 }\n"
             "functions: { f: [ { compute: 1us } ] }\n"
             "threads:\n"
             "  - { name: main, run: [ { compute: 1us }, { spawn: { run: f, count: 4 } } ] }\n");
    expect_limit(LIMIT_TASKS, 1 * US);
    assert_int_equal(run.result.tasks, 4);
    one_run_end(state);
    one_run(ZERO(
        "1") "limits: { tasks: 4 }\n"
             "functions: { f: [ { compute: 1us } ] }\n"
             "threads:\n"
             "  - { name: main, run: [ { compute: 1us }, { spawn: { run: f, count: 3 } } ] }\n");
    expect_end(END_DONE, 4 * US);
    one_run_end(state);
    one_run(ZERO("1") "limits: { tasks: 4 }\n"
                      "threads:\n"
                      "  - { name: w, count: 5, run: [ { compute: 1us } ] }\n");
    expect_limit(LIMIT_TASKS, 0);
    assert_int_equal(run.result.tasks, 0);
}

// Each thread is three blocks deep when it sleeps: two together are six frames.
#define DEEP                                                                                       \
    "threads:\n"                                                                                   \
    "  - { name: w, count: 2, run: [ { repeat: { times: 1, do: [ { span: { name: s, do: [\n"       \
    "      { repeat: { times: 1, do: [ { sleep: 1us } ] } } ] } } ] } } ] }\n"

static void the_limit_of_frames(void **state)
{
    (void)state;
    one_run(ZERO("1") "limits: { frames: 5 }\n" DEEP);
    expect_limit(LIMIT_FRAMES, 0);
    one_run_end(state);
    one_run(ZERO("1") "limits: { frames: 6 }\n" DEEP);
    expect_end(END_DONE, 1 * US);
}

static void a_full_output_ends_the_run(void **state)
{
    (void)state;
    const char *yaml = ZERO("1") "threads:\n"
                                 "  - { name: A, run: [ { forever: [ { compute: 1us }, { mark: m } "
                                 "] } ] }\n";
    Diag diag = {.path = "test.yaml", .source = yaml};
    MemorySink memory;
    Scenario scenario;
    Trace trace;
    RunResult result;
    assert_true(scenario_parse(&scenario, "test.yaml", yaml, strlen(yaml), NULL, 0, &diag));
    memory_sink_open(&memory, 5000);
    TraceSink *sinks[] = {&memory.sink};
    trace_open(&trace, sinks, 1);
    assert_true(ringside_run(&scenario, &trace, &result, &diag));
    assert_int_equal(result.end, END_REFUSED);
    assert_int_equal(memory.count, 5001); // and the RUN_END
    trace_close(&trace);
    memory_sink_free(&memory);
    scenario_free(&scenario);
    diag_free(&diag);
}

int main(void)
{
#define RUN(test) cmocka_unit_test_teardown(test, one_run_end)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unlocking_what_is_not_held),
        RUN(a_function_that_calls_itself),
        RUN(counts_without_end),
        RUN(put_off_without_end),
        cmocka_unit_test(loops_one_after_the_other),
        RUN(the_limit_of_depth),
        cmocka_unit_test(the_bounds_of_limits_in_words),
        RUN(a_loop_without_time_stalls),
        RUN(a_loop_with_time_does_not_stall),
        RUN(the_limit_of_events),
        RUN(the_limit_of_simulated_time),
        RUN(the_limit_of_simulated_time_is_included),
        RUN(the_limit_of_tasks),
        RUN(the_limit_of_frames),
        cmocka_unit_test(a_full_output_ends_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
