// Shared variables: what each op does and how long it takes, what happens when a thread is
// preempted between two accesses, values, and lost updates. Costs are typical unless a scenario
// says otherwise: load, add and store 1 ns each, an atomic access 6 ns.
#include "tests/hand_trace.h"
#include "tests/random_scenario.h"
#include "tests/simulate.h"
#include "tests/trace_laws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static Simulated run;
static Metrics metrics;

static void simulate_and_measure(const char *yaml)
{
    simulate(&run, yaml);
    simulated_measure(&run, &metrics);
}

static void done(void)
{
    metrics_free(&metrics);
    simulated_free(&run);
}

static const VariableMetrics *variable(const char *name)
{
    char text[96];
    for (uint32_t i = 1; i <= run.scenario.variable_count; i++)
        if (strcmp(variable_name(&run.scenario, i, text), name) == 0)
            return &metrics.data.variables[i];
    fail_msg("there is no variable '%s'", name);
    return NULL;
}

static int64_t value(const char *name)
{
    return variable(name)->value;
}

// The accesses in order: "one L0@1 S1@3": who, which, the value, and when in ns.
static const char *accesses(void)
{
    static char text[8192];
    size_t length = 0;
    text[0] = '\0';
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        char letter = record->kind == EVENT_LOAD          ? 'L'
                      : record->kind == EVENT_STORE       ? 'S'
                      : record->kind == EVENT_ATOMIC_ADD  ? 'A'
                      : record->kind == EVENT_SWAPPED     ? 'C'
                      : record->kind == EVENT_SWAP_FAILED ? 'F'
                                                          : 0;
        if (letter != 0 && length < sizeof text - 128)
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%s %c%lld@%lld",
                                       length > 0 ? ", " : "", simulated_name(&run, record->task),
                                       letter, (long long)record->b, (long long)record->time_ns);
    }
    return text;
}

// ---- each op

static void ops_take_their_steps(void **state)
{
    (void)state;
    // A load at 1, x + 1 stored at 3 (add 1, store 1), the copy again plus 4 at 4, y from it at 5,
    // a number at 6, and an atomic addition 6 ns later.
    simulate_and_measure("variables: { x: 7, y: -1 }\n"
                         "threads:\n"
                         "  - name: a\n"
                         "    run:\n"
                         "      - add: x\n"
                         "      - store: { to: x, plus: 4 }\n"
                         "      - store: { to: y, from: x, plus: -20 }\n"
                         "      - store: { to: x, value: 100 }\n"
                         "      - atomic_add: { to: x, value: -1 }\n");
    assert_string_equal(accesses(), "a L7@1, a S8@3, a S12@4, a S-8@5, a S100@6, a A99@12");
    assert_int_equal(value("x"), 99);
    assert_int_equal(value("y"), -8);
    const VariableMetrics *x = variable("x");
    assert_int_equal(x->loads, 1);
    assert_int_equal(x->stores, 3);
    assert_int_equal(x->atomics, 1);
    assert_int_equal(variable_lost_updates(x), 0);
    // All of it is the thread's user time.
    assert_int_equal(simulated_thread(&run, &metrics, "a")->cpu_user_ns, 12);
    done();
}

static void compare_and_swap_compares(void **state)
{
    (void)state;
    // It is 5, not 3: the copy becomes 5; so the second one, which expects the copy, succeeds. The
    // third fails and goes to its else.
    simulate_and_measure(
        "variables: { x: 5 }\n"
        "threads:\n"
        "  - name: a\n"
        "    run:\n"
        "      - compare_and_swap: { in: x, expect: 3, value: 9 }\n"
        "      - compare_and_swap: { in: x, plus: 2 }\n"
        "      - compare_and_swap: { in: x, expect: 0, value: 1, else: [ { print: no } ] }\n"
        "      - compare_and_swap: { in: x, expect: 7, value: 0, else: [ { print: never } ] }\n");
    assert_string_equal(accesses(), "a F5@6, a C7@12, a F7@18, a C0@524");
    assert_int_equal(variable("x")->failed_swaps, 2);
    assert_int_equal(metrics.printed_count, 1);
    done();
}

// Both have a copy of the line when they want to swap, at 1. It comes to a first, at 61, which
// swaps at 67; then to b, at 121: b's swap fails at 127, loads 1 and swaps at 134, since the line
// is there.
static void a_failed_swap_is_tried_again(void **state)
{
    (void)state;
    simulate_and_measure(
        "machine: { cores: 2 }\nvariables: { x: 0 }\n"
        "threads:\n"
        "  - { name: a, run: [ { load: x }, { compare_and_swap: { in: x, plus: 1 } } ] }\n"
        "  - name: b\n"
        "    run: [ { load: x }, { compare_and_swap: { in: x, plus: 1, retry: [ { load: x } ] } } "
        "]\n");
    assert_string_equal(accesses(), "a L0@1, b L0@1, a C1@67, b F1@127, b L1@128, b C2@134");
    done();
}

// while loads before each round; if loads once. x is 0, 1, 2, 3: three rounds of 1 + 3 ns and the
// last look at 13; then if at 14.
static void tests_load(void **state)
{
    (void)state;
    simulate_and_measure(
        "variables: { x: 0 }\n"
        "threads:\n"
        "  - name: a\n"
        "    run:\n"
        "      - while: { test: x < 3, do: [ { add: x } ] }\n"
        "      - if: { test: x != 3, then: [ { print: no } ], else: [ { print: \"yes\" } ] }\n");
    assert_string_equal(accesses(), "a L0@1, a L0@2, a S1@4, a L1@5, a L1@6, a S2@8, a L2@9, "
                                    "a L2@10, a S3@12, a L3@13, a L3@14");
    assert_int_equal(metrics.printed_count, 1);
    assert_string_equal(scenario_string(&run.scenario, (StringId){metrics.printed.at[0]}), "yes");
    done();
}

static void comparisons_compare(void **state)
{
    (void)state;
    static const struct {
        const char *test;
        bool holds; // of 5
    } cases[] = {{"x == 5", true}, {"x==4", false},   {"x != 5", false}, {"x != 4", true},
                 {"x < 5", false}, {"x < 6", true},   {"x <= 5", true},  {"x <= 4", false},
                 {"x > 5", false}, {"x > 4", true},   {"x >= 5", true},  {"x >= 6", false},
                 {"x > -5", true}, {"x < -1", false}, {"x <= 1k", true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char yaml[256];
        snprintf(yaml, sizeof yaml,
                 "variables: { x: 5 }\nthreads:\n  - name: a\n    run:\n"
                 "      - if: { test: %s, then: [ { store: { to: x, value: 1 } } ] }\n",
                 cases[i].test);
        simulate_and_measure(yaml);
        if ((value("x") == 1) != cases[i].holds)
            fail_msg("%s %s", cases[i].test, cases[i].holds ? "does not hold" : "holds");
        done();
    }
}

static void a_copy_must_have_been_loaded(void **state)
{
    (void)state;
    assert_string_equal(
        simulate_failing("variables: { x: 0, y: 0 }\n"
                         "threads:\n"
                         "  - { name: a, run: [ { load: y }, { store: { to: y, from: x } } ] }\n"),
        "test.yaml:3:38: error: at 1 ns a stores its copy of 'x', which it has not loaded\n"
        "    3 |   - { name: a, run: [ { load: y }, { store: { to: y, from: x } } ] }\n"
        "      |                                      ^~~~~\n");
    assert_string_equal(
        simulate_failing("variables: { x: 0 }\n"
                         "threads:\n"
                         "  - { name: a, run: [ { compare_and_swap: { in: x, plus: 1 } } ] }\n"),
        "test.yaml:3:25: error: at 0 ns a compares with its copy of 'x', which it has not loaded\n"
        "    3 |   - { name: a, run: [ { compare_and_swap: { in: x, plus: 1 } } ] }\n"
        "      |                         ^~~~~~~~~~~~~~~~\n");
}

// ---- threads

// Round robin, 10 us: a loads at 1 ns and works; b, at 10 us, loads the same 0, adds 1 at once and
// is done; a stores its 0 + 5 over it. With costs of zero but for the slice nothing else takes
// time.
static void preempted_between_load_and_store(void **state)
{
    (void)state;
    simulate_and_measure(
        "machine: { scheduler: { policy: rr, slice: 10us }, costs: zero }\nvariables: { x: 0 }\n"
        "threads:\n"
        "  - { name: a, run: [ { load: x }, { compute: 15us }, { store: { to: x, plus: 5 } } ] }\n"
        "  - { name: b, run: [ { add: x } ] }\n");
    assert_string_equal(accesses(), "a L0@0, b L0@10000, b S1@10000, a S5@15000");
    assert_int_equal(value("x"), 5);
    assert_int_equal(variable_lost_updates(variable("x")), 1);
    const LostUpdate *lost_update = &variable("x")->first_lost; // a's store over b's
    assert_int_equal(lost_update->task, 1);
    assert_int_equal(lost_update->of_task, 2);
    assert_int_equal(lost_update->time_ns, 15000);
    assert_int_equal(run.scenario.op_at[lost_update->op].line, 4);
    assert_int_equal(run.scenario.op_at[lost_update->of_op].line, 5);
    assert_int_equal(races_about(&metrics.races, 1), 2); // load (a) and store (b); store and store
    done();
}

static void count_to_200000(const char *machine, const char *op, int64_t least, int64_t most)
{
    char yaml[512];
    snprintf(yaml, sizeof yaml,
             "machine: %s\nvariables: { x: 0 }\nlocks: { l: lock, s: spin }\n"
             "threads:\n  - name: a\n    count: 2\n    run:\n"
             "      - repeat: { times: 100000, do: [ { %s } ] }\n",
             machine, op);
    simulate_and_measure(yaml);
    const VariableMetrics *x = variable("x");
    if (x->value < least || x->value > most)
        fail_msg("%s on %s: %lld", op, machine, (long long)x->value);
    assert_int_equal(x->value + (int64_t)variable_lost_updates(x), 200000);
    assert_int_equal(metrics.races.found.count, most < 200000);
    done();
}

// On two cores the two are in step all the time: every second update is lost. On one core, of 300
// us of work with slices of 10 us, each slice but a third of them ends between a load and its store
// (1 and 2 ns of each 3), and takes what the other did in its next slice. Locks and atomic
// additions lose nothing.
static void updates_are_lost_without_a_lock(void **state)
{
    (void)state;
    static const char two[] = "{ cores: 2 }",
                      one[] = "{ cores: 1, scheduler: { policy: rr, slice: 10us } }";
    count_to_200000(two, "add: x", 100000, 100000);
    count_to_200000(one, "add: x", 100000, 190000);
    count_to_200000(two, "with: { lock: l, do: [ { add: x } ] }", 200000, 200000);
    count_to_200000(one, "with: { lock: l, do: [ { add: x } ] }", 200000, 200000);
    count_to_200000(two, "with: { lock: s, do: [ { add: x } ] }", 200000, 200000);
    count_to_200000(two, "atomic_add: x", 200000, 200000);
    count_to_200000(one, "atomic_add: x", 200000, 200000);
}

// Each process has its own.
static void processes_share_nothing(void **state)
{
    (void)state;
    simulate_and_measure("processes:\n"
                         "  - name: p\n    variables: { x: 1 }\n"
                         "    threads: [ { name: a, run: [ { add: x } ] } ]\n"
                         "  - name: q\n    variables: { x: 10 }\n"
                         "    threads: [ { name: b, run: [ { add: x } ] } ]\n");
    assert_int_equal(value("p/x"), 2);
    assert_int_equal(value("q/x"), 11);
    assert_int_equal(metrics.races.found.count, 0);
    done();
}

// ---- lost updates by hand

static HandTrace trace;
static uint32_t add_op, store_op, from_op;

static void begin(void)
{
    hand_open(&trace, "variables: { x: 0, y: 0 }\n"
                      "threads:\n"
                      "  - { name: t, count: 4, run: [ { add: x }, { store: { to: x, value: 9 } }, "
                      "{ load: y }, { store: { to: x, from: y } } ] }\n");
    add_op = 1;
    while (trace.scenario.ops[add_op].code != OP_ADD)
        add_op++;
    store_op = add_op + 1;
    from_op = add_op + 3;
    assert_int_equal(trace.scenario.ops[from_op].code, OP_STORE);
}

static void say(uint32_t task, EventKind kind, uint32_t op, uint64_t x)
{
    hand(&trace, 0, kind, 0, task, access_pack(1, op), x);
}

static uint64_t lost(void)
{
    SharedData data;
    Instances instances = {.scenario = &trace.scenario};
    shared_data_open(&data, &instances);
    for (size_t i = 0; i < trace.records.count; i++)
        shared_data_add(&data, &trace.records.at[i]);
    uint64_t count = variable_lost_updates(&data.variables[1]);
    shared_data_free(&data);
    hand_free(&trace);
    return count;
}

static void lost_updates_by_hand(void **state)
{
    (void)state;
    begin(); // one after the other
    say(1, EVENT_LOAD, add_op, 0);
    say(1, EVENT_STORE, add_op, 1);
    say(2, EVENT_LOAD, add_op, 1);
    say(2, EVENT_STORE, add_op, 2);
    assert_int_equal(lost(), 0);

    begin(); // 1 slept over three updates of 2, an atomic one among them
    say(1, EVENT_LOAD, add_op, 0);
    say(2, EVENT_LOAD, add_op, 0);
    say(2, EVENT_STORE, add_op, 1);
    say(2, EVENT_ATOMIC_ADD, add_op, 2);
    say(3, EVENT_SWAPPED, add_op, 3);
    say(1, EVENT_STORE, add_op, 1);
    assert_int_equal(lost(), 3);

    begin(); // of three that loaded 0 two are lost, though the third overwrites only one of them
    for (uint32_t task = 1; task <= 3; task++)
        say(task, EVENT_LOAD, add_op, 0);
    for (uint32_t task = 1; task <= 3; task++)
        say(task, EVENT_STORE, add_op, 1);
    assert_int_equal(lost(), 2);

    begin(); // 3 has loaded 1's value, which 2 overwrites, and brings it back; lost is 2's
    say(2, EVENT_LOAD, add_op, 0);
    say(1, EVENT_STORE, add_op, 1);
    say(3, EVENT_LOAD, add_op, 1);
    say(2, EVENT_STORE, add_op, 1);
    say(3, EVENT_STORE, add_op, 2);
    assert_int_equal(lost(), 1);

    begin(); // a number, and another variable's copy, replace on purpose; but they may be lost
    say(1, EVENT_LOAD, add_op, 0);
    say(2, EVENT_STORE, store_op, 9);
    say(2, EVENT_STORE, from_op, 7);
    say(1, EVENT_STORE, add_op, 1);
    assert_int_equal(lost(), 2);
}

// ---- random scenarios

static LawsReport laws;

// What memory says, replayed: a load finds what was stored last, an atomic change changes that.
static void replay(const TraceRecord *records, size_t count, uint64_t seed)
{
    int64_t values[64];
    assert_true(run.scenario.variable_count < 64);
    for (uint32_t i = 0; i < run.scenario.variable_count; i++)
        values[i] = run.scenario.variables[i].value;
    for (size_t i = 0; i < count; i++) {
        const TraceRecord *record = &records[i];
        uint32_t id = access_variable(record->a) - 1;
        int64_t number = (int64_t)record->b;
        const Op *op = &run.scenario.ops[access_op(record->a)];
        if (record->kind == EVENT_LOAD && number != values[id])
            fail_msg("seed %llu: it loads %lld, which is not there", (unsigned long long)seed,
                     (long long)number);
        if (record->kind == EVENT_ATOMIC_ADD && number != values[id] + op_integer(op->arg[1]))
            fail_msg("seed %llu: it adds wrongly", (unsigned long long)seed);
        if (record->kind == EVENT_STORE || record->kind == EVENT_ATOMIC_ADD)
            values[id] = number;
    }
    for (uint32_t i = 0; i < run.scenario.variable_count; i++)
        assert_int_equal(metrics.data.variables[i + 1].value, values[i]);
}

// Updates that the last value does not build on, by following each value back to what it builds on.
static uint64_t lost_by_reference(const TraceRecord *records, size_t count, uint32_t id)
{
    enum { UPDATES_MAX = 20000, TASKS_MAX = 4096 };
    static uint32_t built_on[UPDATES_MAX], loaded[TASKS_MAX]; // 0: the first value
    static bool has_loaded[TASKS_MAX];
    memset(has_loaded, 0, sizeof has_loaded);
    uint32_t updates = 0;
    for (size_t i = 0; i < count; i++) {
        const TraceRecord *record = &records[i];
        bool access = record->kind == EVENT_LOAD || record->kind == EVENT_STORE ||
                      record->kind == EVENT_ATOMIC_ADD;
        if (!access || access_variable(record->a) != id)
            continue;
        assert_true(record->task < TASKS_MAX && updates + 1 < UPDATES_MAX);
        const Op *op = &run.scenario.ops[access_op(record->a)];
        bool own = op->code == OP_ADD || (op->code == OP_STORE && op->arg[1] == 0 &&
                                          (op->arg[2] == 0 || op->arg[2] == op->arg[0]));
        if (record->kind != EVENT_LOAD) {
            bool sees = record->kind == EVENT_STORE && own && has_loaded[record->task];
            uint32_t from = sees ? loaded[record->task] : updates;
            built_on[++updates] = from;
        }
        loaded[record->task] = updates;
        has_loaded[record->task] = true;
    }
    uint32_t kept = 0;
    for (uint32_t at = updates; at != 0; at = built_on[at])
        kept++;
    return updates - kept;
}

static void random_scenarios_keep_the_laws(void **state)
{
    (void)state;
    static RandomScenario scenario;
    uint64_t losing = 0, updates = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        random_sharing_scenario(&scenario, seed);
        simulate_and_measure(scenario.yaml);
        size_t count = run.memory.count;
        TraceRecord *records = malloc(count * sizeof *records);
        for (size_t i = 0; i < count; i++)
            records[i] = *memory_sink_at(&run.memory, i);
        trace_laws(&run.scenario, records, count, &run.result, &laws);
        if (!laws.hold)
            fail_msg("seed %llu: %s\n%s", (unsigned long long)seed, laws.violated, scenario.yaml);
        replay(records, count, seed);
        for (uint32_t id = 1; id <= run.scenario.variable_count; id++) {
            const VariableMetrics *x = &metrics.data.variables[id];
            assert_int_equal(variable_lost_updates(x), lost_by_reference(records, count, id));
            losing += variable_lost_updates(x) > 0;
            updates += x->updates;
        }
        free(records);
        done();
    }
    print_message("%llu updates; %llu variables lose some\n", (unsigned long long)updates,
                  (unsigned long long)losing);
    assert_true(losing > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ops_take_their_steps),
        cmocka_unit_test(compare_and_swap_compares),
        cmocka_unit_test(a_failed_swap_is_tried_again),
        cmocka_unit_test(tests_load),
        cmocka_unit_test(comparisons_compare),
        cmocka_unit_test(a_copy_must_have_been_loaded),
        cmocka_unit_test(preempted_between_load_and_store),
        cmocka_unit_test(updates_are_lost_without_a_lock),
        cmocka_unit_test(processes_share_nothing),
        cmocka_unit_test(lost_updates_by_hand),
        cmocka_unit_test(random_scenarios_keep_the_laws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
