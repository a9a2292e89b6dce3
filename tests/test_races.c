// Data races. By hand: for each thing that orders threads, a trace in which it orders two stores,
// and the same without it. Then random programs: what the fold finds must be what a graph of all
// records says (race_reference.h). What must race by hand is in the comments.
#include "tests/hand_trace.h"
#include "tests/race_reference.h"
#include "tests/random_scenario.h"
#include "tests/simulate.h"

#include "sim/analysis/races.h"
#include "sim/trace/trace_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

// ---- by hand

// x is plain, a atomic. The ops of the two threads are found by their lines: 9 to 14.
static const char names[] = "locks: { l: lock, w: rwlock }\n"
                            "semaphores: { s: 0 }\n"
                            "conditions: { c: l }\n"
                            "events: [ e ]\n"
                            "barriers: { b: 2 }\n"
                            "queues: { q: 3, u: unbounded }\n"
                            "variables: { x: 0, a: { value: 0, atomic: true } }\n"
                            "threads:\n"
                            "  - { name: one, run: [ { store: { to: x, value: 1 } },\n"
                            "    { load: x },\n"
                            "    { atomic_add: x },\n"
                            "    { store: { to: a, value: 1 } },\n"
                            "    { load: a },\n"
                            "    { compare_and_swap: { in: x, expect: 1, value: 2 } } ] }\n"
                            "  - { name: two, count: 3, run: [ yield ] }\n";

enum { STORE_X = 9, LOAD_X, ADD_X, STORE_A, LOAD_A, SWAP_X };
enum { L = 1, W, S, C, E, B, Q, U }; // SyncIds
enum { ONE = 1, TWO };               // ThreadDefIds

static HandTrace trace;
static int64_t now;

static uint32_t op_at(uint32_t line)
{
    uint32_t op = 1;
    while (trace.scenario.op_at[op].line != line)
        op++;
    return op;
}

static void begin(void)
{
    hand_open(&trace, names);
    now = 0;
    hand(&trace, now++, EVENT_TASK_CREATED, -1, 1, ONE, 1);
    for (uint32_t task = 2; task <= 4; task++)
        hand(&trace, now++, EVENT_TASK_CREATED, -1, task, TWO, task - 1);
}

static void say(uint32_t task, EventKind kind, uint64_t a, uint64_t b)
{
    hand(&trace, now++, kind, 0, task, a, b);
}

// Task `task` does the access of that line.
static void does(uint32_t task, uint32_t line)
{
    static const EventKind kinds[] = {EVENT_STORE, EVENT_LOAD, EVENT_ATOMIC_ADD,
                                      EVENT_STORE, EVENT_LOAD, EVENT_SWAPPED};
    uint32_t variable = line == STORE_A || line == LOAD_A ? 2 : 1;
    say(task, kinds[line - STORE_X], access_pack(variable, op_at(line)), 1);
}

// Ends the trace and counts the races, by the fold and by the reference.
static size_t races_now(void)
{
    static RacePair pairs[REFERENCE_PAIRS_MAX];
    Races races;
    Instances instances = {.scenario = &trace.scenario};
    races_open(&races, &instances);
    for (size_t i = 0; i < trace.records.count; i++)
        races_add(&races, &trace.records.at[i]);
    size_t expected, found = races.found.count;
    assert_true(
        race_reference(&trace.scenario, trace.records.at, trace.records.count, pairs, &expected));
    races_free(&races);
    hand_free(&trace);
    assert_int_equal(found, expected);
    return found;
}

// Stores of tasks 1 and 2, and between them a record of each.
static size_t stores_around(EventKind first, uint64_t a, uint64_t b, EventKind second, uint64_t a2,
                            uint64_t b2)
{
    begin();
    does(1, STORE_X);
    if (first != EVENT_NONE)
        say(1, first, a, b);
    if (second != EVENT_NONE)
        say(2, second, a2, b2);
    does(2, STORE_X);
    return races_now();
}

static void what_orders_two_threads(void **state)
{
    (void)state;
    assert_int_equal(stores_around(EVENT_NONE, 0, 0, EVENT_NONE, 0, 0), 1);
    assert_int_equal(stores_around(EVENT_LOCK_RELEASED, L, 0, EVENT_LOCK_TAKEN, L, 0), 0);
    assert_int_equal(stores_around(EVENT_LOCK_RELEASED, L, 0, EVENT_LOCK_TAKEN, W, 0), 1);
    assert_int_equal(stores_around(EVENT_LOCK_TAKEN, L, 0, EVENT_LOCK_TAKEN, L, 0), 1);
    // A writer and readers, in both directions; readers among each other not.
    assert_int_equal(stores_around(EVENT_LOCK_RELEASED, W, 0, EVENT_LOCK_READ, W, 0), 0);
    assert_int_equal(stores_around(EVENT_LOCK_READ_RELEASED, W, 0, EVENT_LOCK_TAKEN, W, 0), 0);
    assert_int_equal(stores_around(EVENT_LOCK_READ_RELEASED, W, 0, EVENT_LOCK_READ, W, 0), 1);
    assert_int_equal(stores_around(EVENT_RELEASED, S, 0, EVENT_ACQUIRED, S, 0), 0);
    assert_int_equal(stores_around(EVENT_ACQUIRED, S, 0, EVENT_ACQUIRED, S, 0), 1);
    assert_int_equal(stores_around(EVENT_EVENT_SET, E, 0, EVENT_EVENT_PASSED, E, 0), 0);
    assert_int_equal(stores_around(EVENT_EVENT_CLEARED, E, 0, EVENT_EVENT_PASSED, E, 0), 1);
    // A notification that wakes, one that nobody heard, and a wait that ended for another reason.
    assert_int_equal(stores_around(EVENT_NOTIFIED, C, 1, EVENT_SYNC_WAIT_OVER, C, WAIT_WOKEN), 0);
    assert_int_equal(stores_around(EVENT_NOTIFIED, C, 0, EVENT_SYNC_WAIT_OVER, C, WAIT_WOKEN), 1);
    assert_int_equal(stores_around(EVENT_NOTIFIED, C, 1, EVENT_SYNC_WAIT_OVER, C, WAIT_TIMEOUT), 1);
    assert_int_equal(stores_around(EVENT_QUEUE_PUT, Q, 0, EVENT_QUEUE_GOT, Q, 0), 0);
    assert_int_equal(stores_around(EVENT_QUEUE_PUT, Q, 0, EVENT_QUEUE_PUT, Q, 0), 1);
    // Who gets makes room for who puts, where room is bounded.
    assert_int_equal(stores_around(EVENT_QUEUE_GOT, Q, 0, EVENT_QUEUE_PUT, Q, 0), 0);
    assert_int_equal(stores_around(EVENT_QUEUE_GOT, U, 0, EVENT_QUEUE_PUT, U, 0), 1);
    assert_int_equal(stores_around(EVENT_SPAWNED, 2, 0, EVENT_NONE, 0, 0), 0);
    assert_int_equal(stores_around(EVENT_SPAWNED, 3, 0, EVENT_NONE, 0, 0), 1);
    assert_int_equal(stores_around(EVENT_TASK_EXITED, 0, 0, EVENT_JOINED, ONE, 0), 0);
    assert_int_equal(stores_around(EVENT_TASK_EXITED, 0, 0, EVENT_JOINED, TWO, 0), 1);
    assert_int_equal(stores_around(EVENT_PRINT, L, 0, EVENT_MARK, L, 0), 1);
}

// What is given away before the store does not order it.
static void a_release_is_of_what_came_before(void **state)
{
    (void)state;
    begin();
    does(1, LOAD_X);
    say(1, EVENT_LOCK_RELEASED, L, 0);
    does(1, STORE_X); // behind the release
    say(2, EVENT_LOCK_TAKEN, L, 0);
    does(2, STORE_X);
    assert_int_equal(races_now(), 1); // the two stores; not the load and the store
}

// By way of a third: 1 releases to 2, which releases to 3.
static void order_is_handed_on(void **state)
{
    (void)state;
    begin();
    does(1, STORE_X);
    say(1, EVENT_LOCK_RELEASED, L, 0);
    say(2, EVENT_LOCK_TAKEN, L, 0);
    say(2, EVENT_RELEASED, S, 0);
    say(3, EVENT_ACQUIRED, S, 0);
    does(3, STORE_X);
    assert_int_equal(races_now(), 0);
}

// Two loads never race; a load and a store do.
static void loads_do_not_race(void **state)
{
    (void)state;
    begin();
    does(1, LOAD_X);
    does(2, LOAD_X);
    does(3, LOAD_X);
    assert_int_equal(races_now(), 0);
    begin();
    does(1, LOAD_X);
    does(2, LOAD_X);
    does(3, STORE_X); // with either load: one pair of places
    assert_int_equal(races_now(), 1);
}

// An atomic access races with a plain store, not with a plain load nor with another atomic one.
static void atomic_accesses(void **state)
{
    (void)state;
    begin();
    does(1, ADD_X);
    does(2, ADD_X);
    does(3, SWAP_X);
    does(4, LOAD_X);
    assert_int_equal(races_now(), 0);
    begin();
    does(1, STORE_X);
    does(2, ADD_X);
    assert_int_equal(races_now(), 1);
    begin();
    does(1, ADD_X);
    does(2, STORE_X);
    assert_int_equal(races_now(), 1);
}

// An atomic flag publishes what was stored before it, to who loads it afterwards.
static void an_atomic_flag_publishes(void **state)
{
    (void)state;
    begin();
    does(1, STORE_X);
    does(1, STORE_A);
    does(2, LOAD_A);
    does(2, STORE_X);
    assert_int_equal(races_now(), 0);
    begin(); // 2 looked too early
    does(2, LOAD_A);
    does(1, STORE_X);
    does(1, STORE_A);
    does(2, STORE_X);
    assert_int_equal(races_now(), 1);
    begin(); // another's store lies over it: 3 may not have seen that of 1
    does(1, STORE_X);
    does(1, STORE_A);
    does(2, STORE_A);
    does(3, LOAD_A);
    does(3, STORE_X);
    assert_int_equal(races_now(), 1);
    begin(); // an addition keeps up the chain
    does(1, STORE_X);
    does(1, ADD_X);
    does(2, ADD_X);
    does(3, SWAP_X);
    does(3, STORE_X);
    assert_int_equal(races_now(), 0);
}

// Everybody is behind everybody who came to the barrier, in each round anew.
static void a_barrier_orders_all(void **state)
{
    (void)state;
    begin();
    does(1, STORE_X);
    say(1, EVENT_SYNC_LEVEL, B, 1);
    say(2, EVENT_SYNC_LEVEL, B, 2);
    say(2, EVENT_BARRIER_OPENED, B, 1);
    say(2, EVENT_SYNC_LEVEL, B, 0);
    does(2, STORE_X); // ordered
    does(1, STORE_X); // races with it: the same pair of places
    assert_int_equal(races_now(), 1);
    begin();
    say(1, EVENT_SYNC_LEVEL, B, 1);
    say(2, EVENT_SYNC_LEVEL, B, 2);
    say(2, EVENT_BARRIER_OPENED, B, 1);
    does(1, STORE_X); // after the first round
    say(3, EVENT_SYNC_LEVEL, B, 1);
    does(3, STORE_X);
    assert_int_equal(races_now(), 1);
    begin(); // who was in the first round is not in the second
    say(1, EVENT_SYNC_LEVEL, B, 1);
    say(2, EVENT_SYNC_LEVEL, B, 2);
    say(2, EVENT_BARRIER_OPENED, B, 1);
    does(3, STORE_X);
    say(3, EVENT_SYNC_LEVEL, B, 1);
    say(4, EVENT_SYNC_LEVEL, B, 2);
    say(4, EVENT_BARRIER_OPENED, B, 2);
    does(1, STORE_X);
    assert_int_equal(races_now(), 1);
}

// The report: both places, who was there, what they did, and when.
static void both_places_are_told(void **state)
{
    (void)state;
    begin();
    does(2, LOAD_X);
    does(1, STORE_X);
    Races races;
    Instances instances = {.scenario = &trace.scenario};
    races_open(&races, &instances);
    for (size_t i = 0; i < trace.records.count; i++)
        races_add(&races, &trace.records.at[i]);
    assert_int_equal(races.found.count, 1);
    const Race *race = &races.found.at[0];
    assert_int_equal(race->variable, 1);
    assert_int_equal(race->first.op, op_at(LOAD_X));
    assert_int_equal(race->first.task, 2);
    assert_int_equal(race->first.kind, ACCESS_READ);
    assert_int_equal(race->second.op, op_at(STORE_X));
    assert_int_equal(race->second.task, 1);
    assert_int_equal(race->second.kind, ACCESS_WRITE);
    assert_int_equal(race->time_ns, (now - 1) * 1000);
    assert_int_equal(races_about(&races, 1), 1);
    assert_int_equal(races_about(&races, 2), 0);
    char text[160];
    assert_null(races_missing(&races, text));
    races_free(&races);
    hand_free(&trace);
}

// a stores x at 0 and sets go at 1 ms; b looks at 0 and at 2 ms. Who finds the event set goes on
// because of that; who looked and found nothing, and then stores, does not.
static void looking_at_an_event_orders(void **state)
{
    (void)state;
    static const char *const tests[] = {"not go", "go"};
    for (size_t races = 0; races < 2; races++) {
        char yaml[512];
        snprintf(
            yaml, sizeof yaml,
            "machine: { cores: 2, costs: zero }\nvariables: { x: 0 }\nevents: [ go ]\nthreads:\n"
            "  - { name: a, run: [ { store: { to: x, value: 1 } }, { compute: 1ms }, { set: go "
            "} ] }\n"
            "  - { name: b, run: [ { while: { test: %s, do: [ { compute: 2ms } ] } }, { store: "
            "{ to: x, value: 2 } } ] }\n",
            tests[races]);
        Simulated run;
        Metrics metrics;
        simulate(&run, yaml);
        simulated_measure(&run, &metrics);
        assert_int_equal(metrics.races.found.count, races);
        metrics_free(&metrics);
        simulated_free(&run);
    }
}

// What a saved trace tells is what the run told: the same races, by the names in its header.
static void saved_traces_tell_the_same(void **state)
{
    (void)state;
    static const char yaml[] =
        "machine: { cores: 2 }\nvariables: { x: 0, y: 0 }\nlocks: { l: lock }\n"
        "threads:\n"
        "  - name: a\n    count: 2\n    run:\n"
        "      - add: x\n"
        "      - with: { lock: l, do: [ { add: y } ] }\n";
    char path[] = "/tmp/ringside-races-XXXXXX";
    close(mkstemp(path));
    Simulated run;
    simulate(&run, yaml);
    Diag diag = {0};
    FileSink sink;
    TraceHeader header = {
        .scenario_path = "test.yaml", .scenario_text = yaml, .overrides = "", .machine = ""};
    assert_true(file_sink_open(&sink, path, &header, &diag));
    for (uint64_t i = 0; i < run.memory.count; i++)
        assert_true(sink.sink.write(&sink.sink, memory_sink_at(&run.memory, i), 1));
    assert_true(file_sink_close(&sink, &diag));
    simulated_free(&run);

    TraceFile file;
    Scenario scenario;
    Metrics metrics;
    assert_true(trace_file_read(&file, path, &diag));
    assert_true(scenario_parse(&scenario, "test.yaml", file.header.scenario_text,
                               strlen(file.header.scenario_text), NULL, 0, &diag));
    metrics_open(&metrics, &scenario);
    metrics_add(&metrics, file.records, file.count);
    metrics_finish(&metrics, NULL);
    assert_int_equal(metrics.races.found.count, 1);
    assert_int_equal(scenario.op_at[metrics.races.found.at[0].first.op].line, 8);
    assert_int_equal(metrics.data.variables[1].value, 1);
    assert_int_equal(metrics.data.variables[2].value, 2);
    metrics_free(&metrics);
    scenario_free(&scenario);
    trace_file_free(&file);
    diag_free(&diag);
    unlink(path);
}

// ---- limits and damage

// More threads than have room: the rest is not looked at, and that is said. Threads whose end is
// known to the next make room.
static void too_many_threads_are_told(void **state)
{
    (void)state;
    for (int joined = 0; joined < 2; joined++) {
        hand_open(&trace, names);
        Races races;
        Instances instances = {.scenario = &trace.scenario};
        races_open(&races, &instances);
        uint64_t store = access_pack(1, op_at(STORE_X));
        for (uint32_t task = 1; task <= RACES_THREADS_MAX + 2; task++) {
            TraceRecord records[] = {
                {.kind = EVENT_TASK_CREATED, .task = task, .a = TWO, .b = task},
                {.kind = EVENT_JOINED, .task = task, .a = TWO},
                {.kind = EVENT_STORE, .task = task, .a = store},
                {.kind = EVENT_TASK_EXITED, .task = task},
            };
            for (size_t i = 0; i < sizeof records / sizeof *records; i++)
                if (joined || records[i].kind != EVENT_JOINED)
                    races_add(&races, &records[i]);
        }
        char text[160];
        assert_int_equal(races.threads.count, joined ? 1 : RACES_THREADS_MAX);
        assert_int_equal(races.found.count, joined ? 0 : 1);
        if (joined)
            assert_null(races_missing(&races, text));
        else
            assert_string_equal(races_missing(&races, text),
                                "races were looked for among the first 1024 threads only");
        races_free(&races);
        hand_free(&trace);
    }
}

// Records of anything at all do no harm.
static void any_records_are_taken(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        hand_open(&trace, names);
        hand_random(&trace, seed, 2000);
        Races races;
        Instances instances = {.scenario = &trace.scenario};
        races_open(&races, &instances);
        for (size_t i = 0; i < trace.records.count; i++)
            races_add(&races, &trace.records.at[i]);
        races_free(&races);
        hand_free(&trace);
    }
}

// ---- additions of Python

// How many pairs of places race in a run of two threads, one with these ops and one with those.
static size_t races_between(const char *runtime, const char *one, const char *other)
{
    char yaml[512];
    Simulated run;
    Races races;
    snprintf(yaml, sizeof yaml,
             "machine: { cores: 2 }\nruntime: %s\nvariables: { x: 0 }\nthreads:\n"
             "  - { name: a, run: [ %s ] }\n  - { name: b%s ] }\n",
             runtime, one, other);
    simulate(&run, yaml);
    Instances instances;
    instances_open(&instances, &run.scenario);
    races_open(&races, &instances);
    for (uint64_t i = 0; i < run.memory.count; i++) {
        instances_add(&instances, memory_sink_at(&run.memory, i));
        races_add(&races, memory_sink_at(&run.memory, i));
    }
    size_t found = races.found.count;
    races_free(&races);
    instances_free(&instances);
    simulated_free(&run);
    return found;
}

// Under the GIL nobody comes into the middle of another's x += 1 from 3.10 on: it counts as one
// access. Before, without a GIL, and under another interpreter's, it does not.
static void additions_under_one_gil_are_whole(void **state)
{
#define ADDS ", run: [ { add: x }"
    (void)state;
    assert_int_equal(races_between("cpython-3.9", "{ add: x }", ADDS), 1);
    assert_int_equal(races_between("cpython-3.10", "{ add: x }", ADDS), 0);
    assert_int_equal(races_between("cpython-3.13", "{ add: x }", ADDS), 0);
    assert_int_equal(races_between("cpython-3.13t", "{ add: x }", ADDS), 1);
    assert_int_equal(races_between("c", "{ add: x }", ADDS), 1);
    assert_int_equal(races_between("cpython-3.12", "{ add: x }", ", interpreter: own" ADDS), 1);
    // What loads and stores by itself may have the addition in between: two pairs.
    assert_int_equal(
        races_between("cpython-3.12", "{ load: x }, { store: { to: x, plus: 1 } }", ADDS), 2);
}

// ---- random programs

typedef struct Program {
    char yaml[1 << 14];
    size_t length;
    Rng rng;
    int depth;
    bool holds; // a lock
} Program;

__attribute__((format(printf, 2, 3))) static void put(Program *program, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    program->length += (size_t)vsnprintf(program->yaml + program->length,
                                         sizeof program->yaml - program->length, format, values);
    va_end(values);
    assert_true(program->length < sizeof program->yaml);
}

static unsigned below(Program *program, unsigned bound)
{
    return (unsigned)rng_below(&program->rng, bound);
}

static void put_ops(Program *program, unsigned count);

static void put_locked(Program *program, const char *lock, const char *mode)
{
    bool held = program->holds;
    put(program, "{ with: { lock: %s, %sdo: [ ", lock, mode);
    program->holds = true;
    put_ops(program, 1 + below(program, 3));
    if (lock[0] == 'l' && below(program, 3) == 0)
        put(program, ", { wait: { for: c, timeout: %uus } }", 1 + below(program, 20));
    if (lock[0] == 'l' && below(program, 3) == 0)
        put(program, ", { notify_all: c }");
    program->holds = held;
    put(program, " ] } }");
}

static void put_one(Program *program)
{
    unsigned v = below(program, 3), us = 1 + below(program, 30);
    bool nest = !program->holds && program->depth < 3;
    program->depth++;
    switch (below(program, 18)) {
    case 0:
    case 1:
        put(program, "{ load: v%u }", v);
        break;
    case 2:
        put(program, "{ store: { to: v%u, value: %u } }", v, us);
        break;
    case 3:
    case 4:
        put(program, "{ add: v%u }", v);
        break;
    case 5:
        put(program, "{ atomic_add: v%u }", v);
        break;
    case 6:
        put(program, "{ load: v%u }, { compare_and_swap: { in: v%u, plus: 1, retry: [ yield ] } }",
            v, v);
        break;
    case 7:
        put(program, "{ if: { test: v%u >= %u, then: [ ", v, below(program, 4));
        put_ops(program, 1);
        put(program, " ] } }");
        break;
    case 8:
    case 9:
        if (nest) {
            put_locked(program, "l", "");
            break;
        }
        // fall through
    case 10:
        if (nest) {
            put_locked(program, "w", below(program, 2) ? "mode: read, " : "");
            break;
        }
        // fall through
    case 11:
        put(program, "{ acquire: { semaphore: s, timeout: %uus } }", us);
        break;
    case 12:
        put(program, "{ release: s }");
        break;
    case 13:
        put(program, "{ wait: { for: e, timeout: %uus } }", us);
        break;
    case 14:
        put(program, below(program, 2) ? "{ set: e }" : "{ clear: e }");
        break;
    case 15:
        put(program,
            below(program, 2) ? "{ put: { queue: %s, timeout: %uus } }"
                              : "{ get: { queue: %s, timeout: %uus } }",
            below(program, 2) ? "q" : "u", us);
        break;
    case 16:
        put(program, "{ compute: %uns }", below(program, 2000));
        break;
    default:
        put(program, "{ sleep: %uus }", us);
    }
    program->depth--;
}

static void put_ops(Program *program, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        put(program, i > 0 ? ", " : "");
        put_one(program);
    }
}

// Two or three threads, a barrier for two of them, a group that is spawned and joined.
static void write_program(Program *program, uint64_t seed)
{
    *program = (Program){.rng = rng_make(seed, 7)};
    put(program,
        "machine: { cores: %u, scheduler: { policy: rr, slice: 20us }, costs: %s }\n"
        "until: 50ms\n"
        "locks: { l: lock, w: rwlock }\nsemaphores: { s: 1 }\nconditions: { c: l }\nevents: [ e ]\n"
        "barriers: { b: 2 }\nqueues: { q: 1, u: unbounded }\n"
        "variables: { v0: 0, v1: 1, v2: { value: 0, atomic: true } }\nfunctions:\n  f: [ ",
        1 + below(program, 3), below(program, 4) == 0 ? "zero" : "typical");
    put_ops(program, 3);
    put(program, " ]\nthreads:\n");
    for (unsigned i = 0; i < 2 + below(program, 2); i++) {
        put(program, "  - { name: t%u, run: [ ", i);
        put_ops(program, 4);
        if (i < 2)
            put(program, ", { barrier: b }, ");
        else
            put(program, ", { spawn: { run: f, as: g, count: 2 } }, ");
        put_ops(program, 2);
        put(program, ", { repeat: { times: 2, do: [ ");
        put_ops(program, 2);
        put(program, " ] } }%s ] }\n", i == 2 ? ", { join: g }, { add: v0 }" : "");
    }
}

static int by_places(const void *a, const void *b)
{
    const RacePair *x = a, *y = b;
    return x->low != y->low ? (x->low > y->low) - (x->low < y->low)
                            : (x->high > y->high) - (x->high < y->high);
}

// The fold finds what the reference finds. Returns how many races; -1: too long for the reference.
static int check_run(const Simulated *run, uint64_t seed, const char *yaml)
{
    static RacePair expected[REFERENCE_PAIRS_MAX], found[REFERENCE_PAIRS_MAX];
    size_t count = run->memory.count, expected_count;
    TraceRecord *records = malloc(count * sizeof *records);
    Races races;
    Instances instances = {.scenario = &run->scenario};
    races_open(&races, &instances);
    for (size_t i = 0; i < count; i++) {
        records[i] = *memory_sink_at(&run->memory, i);
        races_add(&races, &records[i]);
    }
    bool fits = race_reference(&run->scenario, records, count, expected, &expected_count);
    free(records);
    size_t found_count = races.found.count;
    assert_true(found_count <= REFERENCE_PAIRS_MAX);
    for (size_t i = 0; i < found_count; i++) {
        uint32_t a = races.found.at[i].first.op, b = races.found.at[i].second.op;
        found[i] = (RacePair){a < b ? a : b, a < b ? b : a};
    }
    races_free(&races);
    if (!fits)
        return -1;
    qsort(found, found_count, sizeof *found, by_places);
    for (size_t i = 0; i < found_count || i < expected_count; i++)
        if (i >= found_count || i >= expected_count || by_places(&found[i], &expected[i]) != 0)
            fail_msg("seed %llu: %zu races found, %zu expected; the %zu-th is another\n%s",
                     (unsigned long long)seed, found_count, expected_count, i, yaml);
    return (int)found_count;
}

static void small_programs_agree(void **state)
{
    (void)state;
    static Program program;
    int racy = 0, clean = 0, total = 0;
    for (uint64_t seed = 1; seed <= 1500; seed++) {
        write_program(&program, seed);
        Simulated run;
        simulate(&run, program.yaml);
        int races = check_run(&run, seed, program.yaml);
        assert_true(races >= 0);
        racy += races > 0;
        clean += races == 0;
        total += races;
        simulated_free(&run);
    }
    print_message("%d programs race, at %d pairs of places; %d do not\n", racy, total, clean);
    assert_true(racy > 100 && clean > 10);
}

static void random_scenarios_agree(void **state)
{
    (void)state;
    static RandomScenario scenario;
    int compared = 0, racy = 0;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        random_sharing_scenario(&scenario, seed);
        Simulated run;
        simulate(&run, scenario.yaml);
        int races = check_run(&run, seed, scenario.yaml);
        compared += races >= 0;
        racy += races > 0;
        simulated_free(&run);
    }
    print_message("%d scenarios compared, %d of them race\n", compared, racy);
    assert_true(compared > 50 && racy > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_orders_two_threads),
        cmocka_unit_test(a_release_is_of_what_came_before),
        cmocka_unit_test(order_is_handed_on),
        cmocka_unit_test(loads_do_not_race),
        cmocka_unit_test(atomic_accesses),
        cmocka_unit_test(an_atomic_flag_publishes),
        cmocka_unit_test(a_barrier_orders_all),
        cmocka_unit_test(both_places_are_told),
        cmocka_unit_test(looking_at_an_event_orders),
        cmocka_unit_test(saved_traces_tell_the_same),
        cmocka_unit_test(too_many_threads_are_told),
        cmocka_unit_test(any_records_are_taken),
        cmocka_unit_test(additions_under_one_gil_are_whole),
        cmocka_unit_test(small_programs_agree),
        cmocka_unit_test(random_scenarios_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
