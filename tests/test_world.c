// Python without a GIL: who stops for a garbage collection, when, and for how long; and threads
// that share objects. What is worked out by hand stands beside each test; then laws over random
// programs.
#include "sim/base/rng.h"
#include "sim/python/collector.h"
#include "tests/one_run.h"
#include "tests/python_laws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COSTS "{ base: zero, object_new: 100ns, object_free: 60ns, gc_object: 40ns }"
#define FREE  "machine: { cores: 4, costs: " COSTS " }\nruntime: cpython-3.13t\n"

// ---- who stops

// a makes 100,000 objects in 10 ms, and goes through them for 4 ms from 11 ms on. b, which executes
// bytecode, stops all the while: its 30 ms end at 34 ms. c is in C, 30 ms, and does not stop; d's C
// is over at 12 ms, and it waits until 15 ms. e sleeps until 20 ms and knows nothing of it.
static void all_stop_that_execute_bytecode(void **state)
{
    (void)state;
    one_run("machine: { cores: 5, costs: " COSTS " }\nruntime: cpython-3.13t\nthreads:\n"
            "  - { name: a, run: [ gc.disable, { new_objects: { count: 100000, as: x } },\n"
            "    { compute: 1ms }, gc.collect, { mark: done } ] }\n"
            "  - { name: b, run: [ { compute: 30ms }, { mark: done } ] }\n"
            "  - { name: c, run: [ { native: 30ms }, { mark: done } ] }\n"
            "  - { name: d, run: [ { native: 12ms }, { mark: done } ] }\n"
            "  - { name: e, run: [ { sleep: 20ms }, { mark: done } ] }\n");
    assert_int_equal(simulated_time_of(&run, EVENT_WORLD_STOP, "a"), 11 * MS);
    assert_int_equal(simulated_time_of(&run, EVENT_WORLD_HELD, "b"), 11 * MS);
    assert_int_equal(simulated_time_of(&run, EVENT_WORLD_STARTED, "a"), 15 * MS);
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "a"), 15 * MS);
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "b"), 34 * MS);
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "c"), 30 * MS);
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "d"), 15 * MS);
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "e"), 20 * MS);
}

// Garbage is freed when the others go on: 100,000 * 60 ns from 14 ms on, while b is at work again.
static void garbage_is_freed_while_others_run(void **state)
{
    (void)state;
    one_run(FREE "threads:\n"
                 "  - { name: a, run: [ gc.disable, { new_objects: { count: 100000, as: x, cycles: "
                 "true } },\n"
                 "    { drop: x }, gc.collect, { mark: done } ] }\n"
                 "  - { name: b, run: [ { compute: 30ms }, { mark: done } ] }\n");
    assert_int_equal(simulated_time_of(&run, EVENT_WORLD_STARTED, "a"), 14 * MS);
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "a"), 20 * MS);
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "b"), 34 * MS);
}

// Additions, of 3 ms each, look up at their end only, where the loop jumps back. a, which wants to
// collect at 10 ms, waits until b is through with its fourth at 12 ms, and goes through 100,000
// objects until 16 ms.
static void one_stops_where_it_would_hand_on_the_gil(void **state)
{
    (void)state;
    one_run(
        "machine: { cores: 2, costs: { base: zero, object_new: 100ns, gc_object: 40ns, add: 3ms "
        "} }\nruntime: cpython-3.13t\nvariables: { x: 0 }\nthreads:\n"
        "  - { name: a, run: [ gc.disable, { new_objects: { count: 100000, as: o } },\n"
        "    gc.collect ] }\n"
        "  - { name: b, run: [ { repeat: { times: 5, do: [ { add: x } ] } } ] }\n");
    assert_int_equal(simulated_time_of(&run, EVENT_WORLD_STOP, "a"), 10 * MS);
    assert_int_equal(simulated_time_of(&run, EVENT_WORLD_HELD, "b"), 12 * MS);
    assert_int_equal(simulated_time_of(&run, EVENT_GC_BEGUN, "a"), 12 * MS);
    expect_end(END_DONE, (16 + 3) * MS);
}

// b frees its 100,000 objects from 10 ms on, in C, which takes 6 ms and does not look up. a, which
// wants to collect at 12 ms, looks each millisecond whether b has gone into a system call, to no
// avail, and goes through its 20,000 objects from 16 ms on, in 0.8 ms.
static void code_in_c_is_waited_for(void **state)
{
    (void)state;
    one_run(FREE
            "threads:\n"
            "  - { name: b, run: [ gc.disable, { new_objects: { count: 100000, as: x } },\n"
            "    { drop: x }, { compute: 1ms } ] }\n"
            "  - { name: a, run: [ { new_objects: { count: 20000, as: o } }, { compute: 10ms },\n"
            "    gc.collect ] }\n");
    assert_int_equal(simulated_time_of(&run, EVENT_WORLD_STOP, "a"), 12 * MS);
    assert_int_equal(simulated_count(&run, EVENT_TIMER_SET, "a"), 4);
    assert_int_equal(simulated_time_of(&run, EVENT_GC_BEGUN, "a"), 16 * MS);
    expect_end(END_DONE, 17800 * US);
}

// Who asks for a collection while another thread is at one has it done, and goes on at once.
static void one_collects_at_a_time(void **state)
{
    (void)state;
    one_run("machine: { cores: 2, costs: { base: zero, object_new: 100ns, object_free: 60ns } }\n"
            "runtime: cpython-3.13t\nthreads:\n"
            "  - { name: a, run: [ gc.disable, { new_objects: { count: 100000, as: x, cycles: true "
            "} },\n    { drop: x }, gc.collect ] }\n" // frees until 16 ms
            "  - { name: b, run: [ { compute: 12ms }, gc.collect, { mark: done } ] }\n");
    assert_int_equal(simulated_count(&run, EVENT_GC_BEGUN, NULL), 1);
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "b"), 12 * MS);
    expect_end(END_DONE, 16 * MS);
}

// On one core the others are stopped where they stand. 20 ms and 300 ms of bytecode, 8 ms of
// collection.
static void on_one_core_they_stop_too(void **state)
{
    (void)state;
    one_run("machine: { cores: 1, scheduler: rr, costs: " COSTS " }\nruntime: cpython-3.13t\n"
            "threads:\n"
            "  - { name: a, run: [ gc.disable, { new_objects: { count: 200000, as: x } },\n"
            "    gc.collect, { mark: done } ] }\n"
            "  - { name: b, count: 3, run: [ { compute: 100ms } ] }\n");
    assert_int_equal(simulated_count(&run, EVENT_GC_BEGUN, NULL), 1);
    expect_end(END_DONE, 20 * MS + 8 * MS + 300 * MS);
}

// A program that execs runs alone, and has not stopped.
static void a_new_program_runs(void **state)
{
    (void)state;
    one_run(FREE "functions: { program: [ gc.collect, { compute: 1ms } ] }\nthreads:\n"
                 "  - { name: t, run: [ { compute: 2ms }, { exec: program } ] }\n"
                 "  - { name: c, run: [ gc.disable, { new_objects: { count: 10000, as: x } },\n"
                 "    { compute: 500us }, gc.collect, { compute: 50ms } ] }\n");
    // The collection is at 1.5 ms, and 0.4 ms long.
    expect_end(END_DONE, (2000 + 400 + 1000) * US);
}

// ---- when

static ObjectGroup group[1];

// A thread tells the collector of 512 objects at a time: 2048 are the first sum of those above
// 2000.
static void a_collection_is_due_at_2048(void **state)
{
    Collector collector = {
        .threshold = 2000, .one_generation = true, .groups = group, .group_count = 1};
    int32_t one = 0, other = 0;
    (void)state;
    memset(group, 0, sizeof group);
    assert_int_equal(collector_batch(one), 512);
    assert_false(collector_count(&collector, &one, 511));
    assert_int_equal(collector_batch(one), 1);
    assert_true(collector_count(&collector, &one, 1));
    for (int i = 0; i < 2; i++)
        assert_true(collector_count(&collector, &one, 512));
    assert_false(collector_count(&collector, &other, 500));
    assert_int_equal(collector_due(&collector), -1); // 1536 are told of
    assert_true(collector_count(&collector, &one, 512));
    assert_int_equal(collector_due(&collector), 2);
    // Freeing 600 tells of 512 less.
    assert_false(collector_count(&collector, &one, -600));
    assert_int_equal(one, -88);
    assert_int_equal(collector.young, 2048 - 512);
    assert_int_equal(collector_due(&collector), -1);
}

// With 20,000 objects left by the last one it takes more than 5,000: 10 * 512 = 5120.
static void a_quarter_must_be_new(void **state)
{
    Collector collector = {.threshold = 2000,
                           .one_generation = true,
                           .long_lived = 20000,
                           .groups = group,
                           .group_count = 1};
    int32_t counted = 0;
    (void)state;
    for (int i = 1; i <= 10; i++) {
        assert_int_equal(collector_due(&collector), -1);
        collector_count(&collector, &counted, 512);
    }
    assert_int_equal(collector_due(&collector), 2);
    collector.collecting = true;
    assert_int_equal(collector_due(&collector), -1);
}

// Objects that stay: a collection at 2048, and at each 2048 more up to 8192. A quarter of 8192 is
// 2048, and 2048 are not more: the next one is at 8192 + 5 * 512 = 10,752. Making one takes 100 ns,
// and a collection 40 ns for each that is there.
static void making_objects_collects_now_and_then(void **state)
{
    (void)state;
    one_run(FREE "threads: [ { name: t, run: [ { new_objects: { count: 10752, as: x } } ] } ]\n");
    assert_int_equal(simulated_count(&run, EVENT_GC_BEGUN, NULL), 5);
    expect_end(END_DONE, 10752 * 100 + (2048 + 4096 + 6144 + 8192 + 10752) * 40);
    one_run_end(state);
    one_run(FREE "threads: [ { name: t, run: [ { new_objects: { count: 10751, as: x } } ] } ]\n");
    assert_int_equal(simulated_count(&run, EVENT_GC_BEGUN, NULL), 4);
}

// ---- threads that share objects

// A load takes 1 ns, and 12 ns more to count the reference to what another thread has stored; the
// cache line comes over in 60 ns, for a load, too. What the thread itself has stored it counts for
// nothing, and the line is there. A store takes 1 ns and 12 ns for the lock.
static void references_are_counted(void **state)
{
    static const struct {
        const char *python;
        int64_t first_ns, second_ns, store_ns, own_ns;
    } cases[] = {{"3.13t", 60 + 1 + 12, 1 + 12, 12 + 1, 1}, {"3.13", 60 + 1, 1, 60 + 1, 1}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char yaml[1024];
        snprintf(
            yaml, sizeof yaml,
            "machine: { cores: 2, costs: { base: zero, load: 1ns, store: 1ns, object_lock: "
            "12ns, shared_reference: 12ns, line_transfer: 60ns } }\n"
            "runtime: cpython-%s\nvariables: { x: 0 }\nthreads:\n"
            "  - { name: a, affinity: 0, run: [ { store: { to: x, value: 1 } } ] }\n"
            "  - { name: b, affinity: 1, start: 1ms, run: [ { mark: m }, { load: x }, { mark: m "
            "}, { load: x }, { mark: m }, { store: { to: x, plus: 1 } }, { mark: m }, { load: x "
            "}, { mark: m } ] }\n",
            cases[i].python);
        one_run(yaml);
        const int64_t parts[] = {cases[i].first_ns, cases[i].second_ns, cases[i].store_ns,
                                 cases[i].own_ns};
        int64_t at = MS;
        size_t part = 0;
        for (uint64_t n = 0; n < run.memory.count; n++) {
            const TraceRecord *record = memory_sink_at(&run.memory, n);
            if (record->kind != EVENT_MARK)
                continue;
            assert_int_equal(record->time_ns, at);
            at += part < 4 ? parts[part] : 0;
            part++;
        }
        assert_int_equal(part, 5);
        one_run_end(state);
    }
}

// Variables of a thread of its own, and those in memory that processes share, are no objects of
// Python that threads share.
static void others_have_no_lock(void **state)
{
    (void)state;
    one_run(
        "machine: { cores: 2, costs: { base: zero, object_lock: 1ms, shared_reference: 1ms } }\n"
        "runtime: cpython-3.13t\n"
        "variables: { own: { value: 0, thread_local: true }, all: { value: 0, shared: true } }\n"
        "threads: [ { name: a, run: [ { add: own }, { add: all } ] } ]\n");
    expect_end(END_DONE, 0);
}

#define SHARING(store)                                                                             \
    "machine: { cores: 2, costs: { base: zero, syscall: 10us, store: " store " } }\n"              \
    "runtime: cpython-3.13t\nvariables: { x: 0 }\n"

// a has the object's lock from 0 to 5 ms. b finds it taken at 1 ms and yields forty times, 10 us
// each, up to 1.4 ms; then it sleeps. At 5 ms it has waited for more than a millisecond, and is
// handed the lock: a, which wants it again at once, waits until b has stored at 10 ms (b is back
// from the kernel 5 us after a has gone in to wake it, and 5 us later in user mode).
static void who_waits_spins_and_sleeps(void **state)
{
    (void)state;
    one_run(
        SHARING("5ms") "threads:\n"
                       "  - { name: a, run: [ { store: { to: x, value: 1 } }, { store: { to: x, "
                       "value: 2 } }, { mark: done } ] }\n"
                       "  - { name: b, run: [ { compute: 1ms }, { store: { to: x, value: 3 } }, "
                       "{ mark: done } ] }\n");
    assert_int_equal(simulated_time_of(&run, EVENT_OBJECT_WAIT, "b"), 1 * MS);
    assert_int_equal(simulated_count(&run, EVENT_SWITCH_OUT, "b"), 1 + 1); // asleep, and at its end
    uint64_t yields = 0;
    for (uint64_t n = 0; n < run.memory.count; n++) {
        const TraceRecord *record = memory_sink_at(&run.memory, n);
        yields += record->kind == EVENT_KERNEL_ENTER && record->a == SYSCALL_SCHED_YIELD &&
                  record->time_ns < 2 * MS;
    }
    assert_int_equal(yields, 40);
    assert_int_equal(simulated_time_of(&run, EVENT_OBJECT_WAIT, "a"), 5 * MS + 10 * US);
    assert_true(simulated_time_of(&run, EVENT_MARK, "b") <
                simulated_time_of(&run, EVENT_MARK, "a"));
    assert_int_equal(metrics.data.variables[1].value, 2);
}

// a has the lock until 50 us. b finds it taken at 10 us, and sees that it is free only after its
// forty yields of 10 us each: at 410 us it has it, and stores for 50 us.
static void who_spins_does_not_look(void **state)
{
    (void)state;
    one_run(SHARING("50us") "threads:\n"
                            "  - { name: a, run: [ { store: { to: x, value: 1 } } ] }\n"
                            "  - { name: b, run: [ { compute: 10us }, { store: { to: x, value: 3 "
                            "} }, { mark: done } ] }\n");
    assert_int_equal(simulated_time_of(&run, EVENT_OBJECT_WAIT, "b"), 10 * US);
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "b"), 10 * US + 40 * 10 * US + 50 * US);
    expect_end(END_DONE, 460 * US);
}

// Stores of 300 us. b, which waits from 100 us on, sleeps at 500 us; it is woken at 600 us, and a,
// which is there, has the lock again before b is. Only the wait of a millisecond hands it over.
static void a_short_wait_is_not_handed_anything(void **state)
{
    (void)state;
    one_run(SHARING("300us") "threads:\n"
                             "  - { name: a, run: [ { repeat: { times: 20, do: [ { store: { to: x, "
                             "value: 1 } } ] } }, { mark: done } ] }\n"
                             "  - { name: b, run: [ { compute: 100us }, { store: { to: x, value: 3 "
                             "} }, { mark: done } ] }\n");
    int64_t stored_ns = simulated_time_of(&run, EVENT_MARK, "b");
    // From 1.1 ms on it is handed over: when the store is over that a is at then. a has lost time
    // for waking b, 10 us each.
    assert_true(stored_ns > 1100 * US + 300 * US &&
                stored_ns < 1100 * US + 2 * 300 * US + 100 * US);
    assert_true(simulated_count(&run, EVENT_OBJECT_WAIT, "b") == 1);
}

// ---- laws

enum { PROGRAMS = 300 };

typedef struct Text {
    char yaml[4096];
    size_t length;
    Rng rng;
} Text;

__attribute__((format(printf, 2, 3))) static void put(Text *text, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    text->length += (size_t)vsnprintf(text->yaml + text->length, sizeof text->yaml - text->length,
                                      format, values);
    va_end(values);
    assert_true(text->length < sizeof text->yaml);
}

static unsigned below(Text *text, unsigned bound)
{
    return (unsigned)rng_below(&text->rng, bound);
}

static void put_op(Text *text, unsigned thread)
{
    unsigned amount = 1 + below(text, 40);
    switch (below(text, 11)) {
    case 0:
        put(text, "{ native: %u0us }", amount);
        break;
    case 1:
        put(text, "{ sleep: %u0us }", amount);
        break;
    case 2:
        put(text, "gc.collect");
        break;
    case 3:
        put(text, "{ new_objects: { count: %u00, as: o%u } }, { drop: o%u }", amount, thread,
            thread);
        break;
    case 4:
        put(text, "{ new_objects: { count: %u00, as: g, cycles: true } }", amount);
        break;
    case 5:
        put(text, "{ with: { lock: l, do: [ { compute: %uus }, gc.collect ] } }", amount);
        break;
    case 6:
        put(text, "{ with: { lock: l, do: [ { compute: %u0us } ] } }", amount);
        break;
    case 7:
        put(text, "{ add: x }, { load: x }, { store: { to: x, plus: 1 } }");
        break;
    case 8:
        put(text, "{ spawn: { run: f, as: s%u } }, { join: s%u }", thread, thread);
        break;
    case 9:
        put(text, "{ print: x }, yield");
        break;
    default:
        put(text, "{ compute: %u0us }", amount);
        break;
    }
}

static void write_program(Text *text, uint64_t seed)
{
    text->length = 0;
    text->rng = rng_make(seed, 0);
    unsigned threads = 2 + below(text, 4);
    static const char *const costs[] = {"", ", costs: zero", ", costs: { store: 30us }",
                                        ", costs: { store: 2ms }"};
    put(text, "machine: { cores: %u%s }\nruntime: cpython-3.13t\nlocks: { l: lock }\n",
        1 + below(text, 4), costs[below(text, 4)]);
    put(text,
        "variables: { x: 0 }\nfunctions: { f: [ { compute: %uus }, gc.collect ] }\nthreads:\n",
        1 + below(text, 50));
    for (unsigned i = 0; i < threads; i++) {
        put(text, "  - { name: t%u, start: %uus, run: [ ", i, below(text, 100));
        for (unsigned ops = 1 + below(text, 8); ops > 0; ops--) {
            put_op(text, i);
            put(text, ops > 1 ? ", " : " ] }\n");
        }
    }
}

static const char *broken_law(const TraceRecord *records, size_t count)
{
    static char text[256];
    return python_laws(&run.scenario, records, count, text);
}

static TraceRecord *records_of_run(void)
{
    TraceRecord *records = calloc(run.memory.count + 1, sizeof *records);
    assert_non_null(records);
    for (uint64_t i = 0; i < run.memory.count; i++)
        records[i] = *memory_sink_at(&run.memory, i);
    return records;
}

// All come to their end, and nobody executes bytecode in a world that is stopped.
static void laws_hold(void **state)
{
    static Text text;
    uint64_t stops = 0, held = 0;
    for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
        write_program(&text, seed);
        one_run(text.yaml);
        TraceRecord *records = records_of_run();
        const char *broken = broken_law(records, run.memory.count);
        free(records);
        if (broken != NULL || run.result.end != END_DONE)
            fail_msg("seed %llu: %s\n%s", (unsigned long long)seed,
                     broken == NULL ? "does not end" : broken, text.yaml);
        stops += simulated_count(&run, EVENT_WORLD_STOP, NULL);
        held += simulated_count(&run, EVENT_WORLD_HELD, NULL);
        one_run_end(state);
    }
    print_message("%llu collections, for which %llu threads have waited\n",
                  (unsigned long long)stops, (unsigned long long)held);
    assert_true(stops > 2 * PROGRAMS && held > PROGRAMS);
}

// A trace in which a record is missing breaks one.
static void laws_can_break(void **state)
{
    static const EventKind kinds[] = {EVENT_WORLD_STOP, EVENT_GC_BEGUN, EVENT_WORLD_STARTED};
    (void)state;
    one_run(FREE "threads:\n"
                 "  - { name: a, run: [ gc.disable, { new_objects: { count: 1000, as: x } },\n"
                 "    gc.collect, { compute: 1ms }, gc.collect ] }\n"
                 "  - { name: b, run: [ { compute: 10ms } ] }\n");
    TraceRecord *records = records_of_run();
    assert_null(broken_law(records, run.memory.count));
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        size_t kept = 0, left_out = 0;
        for (uint64_t i = 0; i < run.memory.count; i++) {
            records[kept] = *memory_sink_at(&run.memory, i);
            bool drop = records[kept].kind == kinds[k] && left_out++ == 0;
            kept += !drop;
        }
        if (broken_law(records, kept) == NULL)
            fail_msg("no law needs a %s", event_info(kinds[k])->id);
    }
    free(records);
}

int main(void)
{
#define RUN(test) cmocka_unit_test_teardown(test, one_run_end)
    const struct CMUnitTest tests[] = {
        RUN(all_stop_that_execute_bytecode),
        RUN(garbage_is_freed_while_others_run),
        RUN(one_stops_where_it_would_hand_on_the_gil),
        RUN(code_in_c_is_waited_for),
        RUN(one_collects_at_a_time),
        RUN(on_one_core_they_stop_too),
        RUN(a_new_program_runs),
        cmocka_unit_test(a_collection_is_due_at_2048),
        cmocka_unit_test(a_quarter_must_be_new),
        RUN(making_objects_collects_now_and_then),
        cmocka_unit_test(references_are_counted),
        RUN(others_have_no_lock),
        RUN(who_waits_spins_and_sleeps),
        RUN(who_spins_does_not_look),
        RUN(a_short_wait_is_not_handed_anything),
        cmocka_unit_test(laws_hold),
        RUN(laws_can_break),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
