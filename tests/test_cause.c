// The causes of events, of small runs that can be worked out by hand.
#include "sim/analysis/cause.h"
#include "tests/one_run.h"
#include "tests/recorded.h"

#include <string.h>

static Recorded recorded;
static Scene scene;

static void record(const char *yaml)
{
    record_run(&recorded, yaml);
    scene_open(&scene, &recorded.run.scenario);
}

static int end(void **state)
{
    (void)state;
    scene_free(&scene);
    recorded_free(&recorded);
    recorded = (Recorded){0};
    return 0;
}

// The cause of the first event of this kind of `thread` at or after an instant; "" when none is
// told.
static const char *cause(EventKind kind, const char *thread, int64_t from_us)
{
    static char text[512];
    RecordFilter filter = {.core = CORE_NONE, .by_kind = true};
    filter.task = thread != NULL ? recorded_task(&recorded, thread) : 0;
    filter.kinds[kind] = true;
    int64_t found = recording_find(&recorded.recording,
                                   recording_by(&recorded.recording, from_us * US - 1), 1, &filter);
    if (found == RECORD_NONE)
        fail_msg("there is no such event");
    recording_seek(&recorded.recording, &scene, (uint64_t)found + 1);
    return cause_text(&recorded.recording, &scene, text, sizeof text) ? text : "";
}

static void of_turns(void **state)
{
    (void)state;
    // a 0-10, b 10-20, a 20-25, b 25-30.
    record("machine: { cores: 1, scheduler: { policy: rr, slice: 10ms }, costs: zero }\n"
           "threads:\n"
           "  - { name: a, run: [ { compute: 15ms } ] }\n"
           "  - { name: b, run: [ { compute: 15ms } ] }\n");
    assert_string_equal(cause(EVENT_SWITCH_IN, "a", 0), "The rule of rr: they take turns.");
    assert_string_equal(cause(EVENT_SWITCH_OUT, "a", 0),
                        "It could go on, and waits for a core again. The rule of rr: they take "
                        "turns.");
    assert_string_equal(cause(EVENT_SWITCH_IN, "b", 0),
                        "It has waited 10 ms. The rule of rr: they take turns.");
    assert_string_equal(cause(EVENT_SWITCH_IN, "b", 25000),
                        "It has waited 5 ms. Nobody else is in the core's run queue.");
    // An end has no cause but itself.
    assert_string_equal(cause(EVENT_TASK_EXITED, "a", 0), "");
    recording_seek(&recorded.recording, &scene, 0);
    char text[64];
    assert_false(cause_text(&recorded.recording, &scene, text, sizeof text));
}

static void of_wakeups(void **state)
{
    (void)state;
    record(ZERO("2") "locks: { x: lock }\n"
                     "threads:\n"
                     "  - { name: h, run: [ { with: { lock: x, do: [ { compute: 5ms } ] } }, { "
                     "compute: 5ms } ] }\n"
                     "  - { name: w, start: 1ms, run: [ { with: { lock: x, do: [ { sleep: 2ms } ] "
                     "} } ] }\n");
    assert_string_equal(cause(EVENT_WAKEUP, "w", 0),
                        "Because of what came before: h releases lock x.");
    assert_string_equal(cause(EVENT_ENQUEUED, "w", 5000), "The core is idle and will take it.");
    assert_string_equal(cause(EVENT_WAKEUP, "w", 6000), "What it had set a timer for has come.");
}

static void of_the_gil(void **state)
{
    (void)state;
    // Without costs b asks after the switch interval, 5 ms, and a drops the GIL at once.
    record(ZERO("2") "runtime: cpython-3.12\n"
                     "threads:\n"
                     "  - { name: a, run: [ { compute: 8ms } ] }\n"
                     "  - { name: b, run: [ { compute: 8ms } ] }\n");
    assert_string_equal(cause(EVENT_GIL_ASKED, "b", 0),
                        "It waits since 0 ns, and a has had the GIL for all of the interval.");
    assert_string_equal(cause(EVENT_GIL_DROPPED, "a", 0), "b has asked for it at 5 ms.");
}

static void of_callbacks(void **state)
{
    (void)state;
    record(ZERO("1") "runtime: cpython-3.12\n"
                     "functions:\n"
                     "  w: [ { await: { sleep: 3ms } } ]\n"
                     "  main: [ { create_task: { run: w, as: t } }, { await: t } ]\n"
                     "threads: [ { name: m, run: [ { asyncio.run: main } ] } ]\n");
    // At 3 ms the timer's callback is ready, and nothing else.
    assert_string_equal(cause(EVENT_CALLBACK_READY, "m", 3000),
                        "What it had set a timer for has come, or an event.");
    assert_string_equal(cause(EVENT_CALLBACK_RUN, "m", 3000), "It is the last one of this turn.");
}

static void of_who_must_wait(void **state)
{
    (void)state;
    record(ZERO("1") "threads:\n"
                     "  - { name: a, run: [ { compute: 5ms } ] }\n"
                     "  - { name: b, start: 1ms, run: [ { compute: 1ms } ] }\n");
    assert_string_equal(cause(EVENT_ENQUEUED, "b", 0), "It can run, but a has the core.");
}

static void of_interrupts_and_classes(void **state)
{
    (void)state;
    record("machine: { cores: 1, tick: 4ms, costs: { base: zero, tick: 10us } }\n"
           "threads:\n"
           "  - { name: a, count: 2, run: [ { compute: 6ms } ] }\n"
           "  - { name: r, policy: fifo 10, start: 1ms, run: [ { compute: 1ms } ] }\n");
    assert_string_equal(cause(EVENT_SWITCH_IN, "r", 0),
                        "Its class goes before the normal threads.");
    assert_non_null(strstr(cause(EVENT_IRQ, NULL, 0), "has the core and must stop for it."));
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_turns),     TEST(of_wakeups),       TEST(of_the_gil),
        TEST(of_callbacks), TEST(of_who_must_wait), TEST(of_interrupts_and_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
