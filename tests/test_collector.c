// Python's objects and the garbage collector: when it runs, what it goes through, and whom it keeps
// waiting. What is worked out by hand stands beside each test.
#include "sim/python/collector.h"
#include "sim/ringside.h"
#include "tests/one_run.h"

#include <stdio.h>
#include <string.h>

enum { GROUP = 1 };

static ObjectGroup groups[GROUP + 1];
static Collector collector;

static int begin(void **state)
{
    (void)state;
    memset(groups, 0, sizeof groups);
    collector = (Collector){.threshold = 700, .groups = groups, .group_count = GROUP + 1};
    return 0;
}

// ---- counts

static void the_701st_object_makes_it_due(void **state)
{
    (void)state;
    assert_int_equal(collector_room(&collector), 701);
    collector_make(&collector, GROUP, 700, false);
    assert_int_equal(collector_due(&collector), -1);
    assert_int_equal(collector_room(&collector), 1);
    collector_make(&collector, GROUP, 1, false);
    assert_int_equal(collector_due(&collector), 0);
    collector.disabled = true;
    assert_int_equal(collector_due(&collector), -1);
}

static void what_is_freed_counts_against_it(void **state)
{
    uint64_t garbage;
    (void)state;
    collector_make(&collector, GROUP, 600, false);
    assert_int_equal(collector_drop(&collector, GROUP, &garbage), 600);
    assert_int_equal(garbage, 0);
    assert_int_equal(collector_room(&collector), 701);
}

static void one_reference_of_two_frees_nothing(void **state)
{
    uint64_t garbage;
    (void)state;
    assert_int_equal(collector_take(&collector, GROUP), 0);
    collector_make(&collector, GROUP, 70, false);
    collector_make(&collector, GROUP, 30, true);
    assert_int_equal(collector_give_back(&collector, GROUP), 0);
    assert_int_equal(collector_take(&collector, GROUP), 100);
    assert_int_equal(collector_give_back(&collector, GROUP), 100);
    assert_int_equal(collector_give_back(&collector, GROUP), 0);
    assert_int_equal(collector_drop(&collector, GROUP, &garbage), 70);
    assert_int_equal(garbage, 30);
}

static void cycles_wait_for_a_collection(void **state)
{
    uint64_t garbage;
    (void)state;
    collector_make(&collector, GROUP, 100, true);
    collector_make(&collector, GROUP, 20, false);
    assert_int_equal(collector_drop(&collector, GROUP, &garbage), 20);
    assert_int_equal(garbage, 100);
    Collection found = collector_look(&collector, 0);
    assert_int_equal(found.traversed, 100);
    assert_int_equal(found.freed, 100);
    collector_collect(&collector, 0);
    assert_int_equal(collector_look(&collector, 2).traversed, 0);
}

// Who survives a collection is in an older generation, and a younger one's does not find it there.
static void garbage_in_an_older_generation_waits_for_that(void **state)
{
    uint64_t garbage;
    (void)state;
    collector_make(&collector, GROUP, 50, true);
    collector_collect(&collector, 0);
    collector_drop(&collector, GROUP, &garbage);
    assert_int_equal(collector_look(&collector, 0).freed, 0);
    assert_int_equal(collector_look(&collector, 1).freed, 50);
}

// The second generation is collected after more than ten collections of the first, the oldest after
// more than ten of the second, but only when a quarter of it is new.
static void an_older_generation_is_collected_less_often(void **state)
{
    (void)state;
    for (int i = 0; i < 11; i++) {
        collector_make(&collector, GROUP, 701, false);
        assert_int_equal(collector_due(&collector), 0);
        collector_collect(&collector, 0);
    }
    collector_make(&collector, GROUP, 701, false);
    assert_int_equal(collector_due(&collector), 1);
    collector.count[2] = 11;
    collector.long_lived = 1000;
    collector.long_pending = 249;
    assert_int_equal(collector_due(&collector), 1);
    collector.long_pending = 250;
    assert_int_equal(collector_due(&collector), 2);
    collector_collect(&collector, 2);
    assert_int_equal(collector.long_lived, 12 * 701);
    assert_int_equal(collector.long_pending, 0);
    assert_int_equal(collector.count[0] + collector.count[1] + collector.count[2], 0);
}

static void what_is_frozen_is_not_looked_at(void **state)
{
    uint64_t garbage;
    (void)state;
    collector_make(&collector, GROUP, 100, false);
    collector_freeze(&collector);
    assert_int_equal(collector_look(&collector, 2).traversed, 0);
    assert_int_equal(collector_drop(&collector, GROUP, &garbage), 100); // counts work as before
}

// ---- in a run

#define COSTS "{ base: zero, object_new: 100ns, object_free: 60ns, gc_object: 40ns }"

// The generations that are collected, in order: "00010".
static const char *collected(void)
{
    static char text[256];
    size_t length = 0;
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        if (record->kind == EVENT_GC_BEGUN && length < sizeof text - 1)
            text[length++] = (char)('0' + record->a);
    }
    text[length] = '\0';
    return text;
}

// 10,000 objects: one collection for each 701, that is 14. The twelfth is of the second generation,
// where the 11 * 701 are that the first eleven have left: it goes through 12 * 701, the others
// through 701 each. That is 25 * 701 = 17,525 at 40 ns, besides 100 ns for each object made:
// 1,701,000 ns. (gc.callbacks of CPython 3.8 and 3.12 give the same generations, in the same
// order.)
static void making_objects_collects_now_and_then(void **state)
{
    (void)state;
    one_run("machine: { cores: 1, costs: " COSTS " }\nruntime: cpython-3.12\n"
            "threads: [ { name: t, run: [ { new_objects: { count: 10000, as: x } } ] } ]\n");
    assert_string_equal(collected(), "00000000000100");
    expect_end(END_DONE, 10000 * 100 + 25 * 701 * 40);
    one_run_end(state);
    // 3.13 has a threshold of 2000: 4 collections of 2001.
    one_run("machine: { cores: 1, costs: " COSTS " }\nruntime: cpython-3.13\n"
            "threads: [ { name: t, run: [ { new_objects: { count: 10000, as: x } } ] } ]\n");
    assert_string_equal(collected(), "0000");
    expect_end(END_DONE, 10000 * 100 + 4 * 2001 * 40);
}

// a makes 100,000 objects in 10 ms, computes for 5 ms, and goes through the objects from 15 ms to
// 19 ms. b has slept until 11 ms and asks for the GIL at 16 ms, which a hears at 19 ms. Had a
// computed in that time, b would have had it at 16 ms.
static void a_collection_is_not_interrupted(void **state)
{
    (void)state;
    static const char *const inside[] = {"gc.collect", "{ compute: 4ms }"};
    static const int64_t has_it_ms[] = {19, 16};
    for (int i = 0; i < 2; i++) {
        char yaml[1024];
        snprintf(yaml, sizeof yaml,
                 "machine: { cores: 2, costs: " COSTS " }\nruntime: cpython-3.12\n"
                 "threads:\n"
                 "  - { name: b, run: [ { sleep: 11ms }, { mark: has } ] }\n"
                 "  - { name: a, run: [ gc.disable, { new_objects: { count: 100000, as: x } }, { "
                 "compute: 5ms }, %s, { compute: 10ms } ] }\n",
                 inside[i]);
        if (i > 0)
            one_run_end(state);
        one_run(yaml);
        assert_int_equal(simulated_time_of(&run, EVENT_MARK, "b"), has_it_ms[i] * MS);
    }
}

// So is freeing many at once: 100,000 * 60 ns from 10 ms on. A handler of a signal at 12 ms waits,
// too.
static void freeing_many_is_not_interrupted(void **state)
{
    (void)state;
    one_run(
        "machine: { cores: 2, costs: " COSTS " }\n"
        "processes:\n"
        "  - name: app\n"
        "    runtime: cpython-3.12\n"
        "    functions: { handler: [ { mark: handled } ] }\n"
        "    threads:\n"
        "      - name: a\n"
        "        run: [ { on_signal: { signal: USR1, run: handler } }, gc.disable, { new_objects: "
        "{ count: 100000, as: x } }, { drop: x }, { compute: 1ms } ]\n"
        "  - name: outside\n"
        "    threads: [ { name: k, run: [ { sleep: 12ms }, { kill: { process: app, signal: USR1 "
        "} } ] } ]\n");
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "a"), 16 * MS);
    expect_end(END_DONE, 17 * MS);
}

// A program that execs has none of the objects that it had.
static void a_new_program_has_no_objects(void **state)
{
    (void)state;
    one_run("machine: { cores: 1, costs: " COSTS " }\nruntime: cpython-3.12\n"
            "functions: { program: [ gc.collect ] }\n"
            "threads: [ { name: t, run: [ gc.disable, { new_objects: { count: 1000, as: x, cycles: "
            "true } }, { exec: program } ] } ]\n");
    expect_end(END_DONE, 1000 * 100);
}

// 1,000 objects at 100 ns are there at 100 us. A second reference to each is 3 us and giving it up
// again as much; the last one frees them, 60 us.
static void the_last_reference_frees(void **state)
{
    (void)state;
    one_run("machine: { cores: 1, costs: { base: zero, object_new: 100ns, object_free: 60ns, "
            "object_reference: 3ns } }\nruntime: cpython-3.12\n"
            "threads: [ { name: t, run: [ gc.disable, { new_objects: { count: 1000, as: x } }, "
            "{ take: x }, { mark: taken }, { drop: x }, { mark: given back }, { drop: x } ] } ]\n");
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "t"), 106 * US);
    assert_int_equal(simulated_count(&run, EVENT_OBJECTS_FREED, NULL), 1);
    expect_end(END_DONE, 166 * US);
}

// The child collects what it has copies of: it goes through 1,000 objects, 40 us, that are all
// garbage there, 60 us; in the parent they are alive, 40 us more. The parent has frozen 500 others
// before, which nobody goes through.
static void a_forked_process_has_copies(void **state)
{
    (void)state;
    one_run("machine: { cores: 1, costs: " COSTS " }\nruntime: cpython-3.12\n"
            "functions: { child: [ { drop: x }, gc.collect ] }\n"
            "threads: [ { name: t, run: [ gc.disable, { new_objects: { count: 500, as: y } }, "
            "gc.freeze, { new_objects: { count: 1000, as: x, cycles: true } }, { fork: child }, "
            "wait_child, gc.collect ] } ]\n");
    expect_end(END_DONE, 150 * US + 100 * US + 40 * US);
}

// Objects that are not there cannot be dropped.
static void dropping_none_fails_the_run(void **state)
{
    Scenario scenario;
    Diag diag = {0};
    static const char yaml[] =
        "runtime: cpython-3.12\n"
        "threads: [ { name: t, run: [ { new_objects: { count: 1, as: x } }, { drop: x }, { drop: x "
        "} ] } ]\n";
    (void)state;
    assert_true(scenario_parse(&scenario, "t.yaml", yaml, strlen(yaml), NULL, 0, &diag));
    Trace trace;
    RunResult result;
    trace_open(&trace, NULL, 0);
    assert_false(ringside_run(&scenario, &trace, &result, &diag));
    trace_close(&trace);
    assert_non_null(strstr(diag_text(&diag), "t drops 'x', of which its process has no objects"));
    scenario_free(&scenario);
    diag_free(&diag);
}

int main(void)
{
#define COUNTS(test) cmocka_unit_test_setup(test, begin)
#define RUN(test)    cmocka_unit_test_teardown(test, one_run_end)
    const struct CMUnitTest tests[] = {
        COUNTS(the_701st_object_makes_it_due),
        COUNTS(what_is_freed_counts_against_it),
        COUNTS(one_reference_of_two_frees_nothing),
        COUNTS(cycles_wait_for_a_collection),
        COUNTS(garbage_in_an_older_generation_waits_for_that),
        COUNTS(an_older_generation_is_collected_less_often),
        COUNTS(what_is_frozen_is_not_looked_at),
        RUN(making_objects_collects_now_and_then),
        RUN(a_collection_is_not_interrupted),
        RUN(freeing_many_is_not_interrupted),
        RUN(a_new_program_has_no_objects),
        RUN(the_last_reference_frees),
        RUN(a_forked_process_has_copies),
        cmocka_unit_test(dropping_none_fails_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
