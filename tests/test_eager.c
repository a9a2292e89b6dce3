// Eager tasks: what begins when, and that nothing else changes. That the order is CPython's, the
// differential test finds; here is what a reader can follow.
#include "tests/one_run.h"
#include "tests/python_laws.h"

#include "sim/analysis/scene.h"
#include "tests/asyncio_program.h"
#include "tests/scene_laws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What is printed, in order, with its millisecond: "a@0 b@1".
static const char *prints(void)
{
    static char text[512];
    size_t length = 0;
    text[0] = '\0';
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        if (record->kind == EVENT_PRINT && length < sizeof text - 40)
            length += (size_t)snprintf(
                text + length, sizeof text - length, "%s%s@%lld", length > 0 ? " " : "",
                scenario_string(&run.scenario, (StringId){(uint32_t)record->a}),
                (long long)record->time_ns / MS);
    }
    return text;
}

#define EAGER(run)                                                                                 \
    "threads: [ { name: t, run: [ { asyncio.run: { main: main, eager: " run " } } ] } ]\n"
#define PROGRAM                                                                                    \
    "machine: { costs: zero }\nruntime: cpython-3.12\nfunctions:\n"                                \
    "  job: [ { print: a }, { await: { sleep: 1ms } }, { print: b } ]\n"                           \
    "  main: [ { print: m }, { create_task: { run: job, as: t } }, { print: n }, { await: t } ]\n"

// The task's first part comes before the line behind create_task; else in the loop's next turn.
static void it_begins_as_it_is_made(void **state)
{
    (void)state;
    one_run(PROGRAM EAGER("true"));
    assert_string_equal(prints(), "m@0 a@0 n@0 b@1");
    assert_int_equal(simulated_count(&run, EVENT_COROUTINE_BEGUN, NULL), 1);
    one_run_end(state);
    one_run(PROGRAM EAGER("false"));
    assert_string_equal(prints(), "m@0 n@0 a@0 b@1");
    assert_int_equal(simulated_count(&run, EVENT_COROUTINE_BEGUN, NULL), 0);
    one_run_end(state);
}

// One that awaits nothing has ended when create_task is over: main does not wait for it, and the
// loop has no turn for it. What the three turns and callbacks of asyncio.run's end are, they are.
static void one_that_awaits_nothing_costs_no_turn(void **state)
{
    uint64_t turns[2], steps[2];
    (void)state;
    for (int eager = 0; eager < 2; eager++) {
        char yaml[512];
        snprintf(yaml, sizeof yaml,
                 "machine: { costs: zero }\nruntime: cpython-3.12\nfunctions:\n"
                 "  job: [ { print: a } ]\n"
                 "  main: [ { create_task: { run: job, as: t, count: 100 } }, { gather: t } ]\n%s",
                 eager ? EAGER("true") : EAGER("false"));
        one_run(yaml);
        turns[eager] = simulated_count(&run, EVENT_LOOP_TURN, NULL);
        steps[eager] = simulated_count(&run, EVENT_COROUTINE_RESUMED, NULL);
        one_run_end(state);
    }
    // main's step, the 100 tasks', and main again when gather is done; eager: main's only.
    assert_int_equal(steps[0], 1 + 100 + 1);
    assert_int_equal(steps[1], 1);
    // The turn of the tasks, that of gather's callbacks, and that in which main goes on.
    assert_int_equal(turns[0] - turns[1], 3);
}

// A plain function that the loop calls makes one, too, and goes on behind it.
static void a_plain_function_makes_one(void **state)
{
    (void)state;
    one_run("machine: { costs: zero }\nruntime: cpython-3.12\nfunctions:\n"
            "  job: [ { print: a }, { await: { sleep: 1ms } }, { print: b } ]\n"
            "  call: [ { print: f }, { create_task: job }, { print: g } ]\n"
            "  main: [ { call_soon: call }, { await: { sleep: 5ms } } ]\n" EAGER("true"));
    assert_string_equal(prints(), "f@0 a@0 g@0 b@1");
    one_run_end(state);
}

// Each begins the next one as it is made: a thousand is where Python's stack ends.
static void too_deep_ends_the_run(void **state)
{
    (void)state;
    const char *said =
        simulate_failing("machine: { costs: zero }\nruntime: cpython-3.12\nfunctions:\n"
                         "  job: [ { create_task: job } ]\n"
                         "  main: [ { create_task: job } ]\n" EAGER("true"));
    assert_non_null(strstr(said, "tasks that begin one another as they are made are 1000 deep"));
}

// In random programs the laws of Python's traces hold, and those of scenes.
static void laws_hold(void **state)
{
    static char yaml[1 << 16];
    uint64_t begun = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        char text[256];
        asyncio_eager_program(seed, 12 + (int)(seed % 2), yaml, sizeof yaml);
        one_run(yaml);
        TraceRecord *records = calloc(run.memory.count + 1, sizeof *records);
        assert_non_null(records);
        Scene scene;
        scene_open(&scene, &run.scenario);
        for (uint64_t i = 0; i < run.memory.count; i++) {
            records[i] = *memory_sink_at(&run.memory, i);
            scene_fold(&scene, &records[i]);
            const char *broken = scene_laws(&scene);
            if (broken != NULL)
                fail_msg("seed %llu: record %llu: %s", (unsigned long long)seed,
                         (unsigned long long)i, broken);
        }
        scene_free(&scene);
        const char *broken = python_laws(&run.scenario, records, run.memory.count, text);
        free(records);
        if (broken != NULL)
            fail_msg("seed %llu: %s", (unsigned long long)seed, broken);
        begun += simulated_count(&run, EVENT_COROUTINE_BEGUN, NULL);
        one_run_end(state);
    }
    print_message("%llu tasks have begun as they were made\n", (unsigned long long)begun);
    assert_true(begun > 2 * 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_begins_as_it_is_made),
        cmocka_unit_test(one_that_awaits_nothing_costs_no_turn),
        cmocka_unit_test(a_plain_function_makes_one),
        cmocka_unit_test(too_deep_ends_the_run),
        cmocka_unit_test(laws_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
