// What forked processes have of their own: copies of variables and of what threads synchronise by,
// as they are at the fork; and what is `shared`. Costs are zero unless a test says otherwise, so
// that only `compute` and `sleep` take time; the numbers are worked out beside each test.
#include "tests/hand_trace.h"
#include "tests/one_run.h"

#include "sim/analysis/deadlocks.h"
#include "sim/analysis/report.h"

#include <stdio.h>
#include <string.h>

// What was loaded, in order: "child 5, main 6".
static const char *loads(void)
{
    static char text[1024];
    size_t length = 0;
    text[0] = '\0';
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        if (record->kind == EVENT_LOAD)
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%s %lld",
                                       length > 0 ? ", " : "", simulated_name(&run, record->task),
                                       (long long)record->b);
    }
    return text;
}

static void expect_summary(const char *words)
{
    Report report = {.scenario = &run.scenario, .metrics = &metrics};
    HandText text;
    hand_text_open(&text);
    report_summary(&report, &text.writer);
    if (strstr(hand_text_end(&text), words) == NULL)
        fail_msg("no '%s' in\n%s", words, text.bytes.at);
    hand_text_free(&text);
}

// ---- variables

// The child finds what main has stored, its own stores are not main's, and its child's not its own.
static void a_child_has_copies_of_variables(void **state)
{
    (void)state;
    one_run("machine: { cores: 1, costs: zero }\nvariables: { x: 1 }\n"
            "functions:\n"
            "  grandchild: [ { load: x }, { store: { to: x, value: 30 } } ]\n"
            "  child: [ { load: x }, { store: { to: x, value: 20 } }, { fork: grandchild }, "
            "wait_child, { load: x } ]\n"
            "threads:\n"
            "  - { name: main, run: [ { store: { to: x, value: 10 } }, { fork: child }, "
            "wait_child, { load: x } ] }\n");
    assert_string_equal(loads(), "child 10, grandchild 20, child 20, main 10");
    assert_int_equal(metrics.data.variables[1].value, 10);
}

static void what_is_shared_is_there_once(void **state)
{
    (void)state;
    one_run("machine: { cores: 1, costs: zero }\nvariables: { x: { value: 1, shared: true } }\n"
            "functions: { child: [ { load: x }, { store: { to: x, value: 20 } } ] }\n"
            "threads:\n"
            "  - { name: main, run: [ { store: { to: x, value: 10 } }, { fork: child }, "
            "wait_child, { load: x } ] }\n");
    assert_string_equal(loads(), "child 10, main 20");
}

// spawn_process and exec begin a program: everything is as the scenario says.
static void a_new_program_begins_anew(void **state)
{
    (void)state;
    one_run("machine: { cores: 1, costs: zero }\nvariables: { x: 1 }\nlocks: { l: lock }\n"
            "functions:\n"
            "  child: [ { load: x }, { with: { lock: l, do: [ { add: x } ] } }, { exec: again } ]\n"
            "  again: [ { load: x }, { with: { lock: l, do: [] } } ]\n"
            "threads:\n"
            "  - { name: main, run: [ { store: { to: x, value: 10 } }, { lock: l }, "
            "{ spawn_process: child }, wait_child, { load: x }, { exec: again } ] }\n");
    // The child's add is a load too. main's program, too, begins anew, with l free.
    assert_string_equal(loads(), "child 1, child 1, child 1, main 10, main 1");
    assert_int_equal(run.result.end, END_DONE);
}

// Each of two processes adds 100 to its own x: nothing is lost and nothing races. With one x for
// both, on two cores at once, each load is followed by the other's, so that of two stores one is
// lost.
static void copies_do_not_race(void **state)
{
    (void)state;
    static const char text[] =
        "machine: { cores: 2, costs: { base: zero, load: 1us, store: 1us } }\n"
        "variables: { x: { value: 0, shared: %s } }\n"
        "functions: { work: [ { repeat: { times: 100, do: [ { add: x } ] } } ] }\n"
        "threads: [ { name: main, run: [ { fork: { run: work, count: 2 } }, wait_child, "
        "wait_child, "
        "{ load: x } ] } ]\n";
    char yaml[1024];
    snprintf(yaml, sizeof yaml, text, "false");
    one_run(yaml);
    assert_int_equal(metrics.races.found.count, 0);
    assert_int_equal(metrics.data.variables[1].updates, 0);
    assert_int_equal(metrics.data.variable_count, 3);
    for (uint32_t number = 2; number <= 3; number++) {
        char name[192];
        assert_int_equal(metrics.data.variables[number].value, 100);
        assert_int_equal(variable_lost_updates(&metrics.data.variables[number]), 0);
        assert_string_equal(metrics_variable_name(&metrics, number, name),
                            number == 2 ? "work-1/x" : "work-2/x");
    }
    one_run_end(NULL);
    snprintf(yaml, sizeof yaml, text, "true");
    one_run(yaml);
    assert_int_equal(metrics.data.variable_count, 1);
    assert_int_equal(metrics.data.variables[1].value, 100);
    assert_int_equal(variable_lost_updates(&metrics.data.variables[1]), 100);
    // One pair of places: the add, and the add in the other process. main's load comes after both.
    assert_int_equal(metrics.races.found.count, 1);
}

// What orders processes: fork, wait_child, a pipe, a message. Without one of them there is a race.
static size_t races_of(const char *main_ops, const char *child_ops)
{
    char yaml[1024];
    snprintf(yaml, sizeof yaml,
             "machine: { cores: 2, costs: zero }\nvariables: { x: { value: 0, shared: true } }\n"
             "pipes: [ p ]\nmessage_queues: { q: 4 }\nfunctions: { child: [ %s ] }\n"
             "threads: [ { name: main, run: [ %s ] } ]\n",
             child_ops, main_ops);
    one_run(yaml);
    size_t count = metrics.races.found.count;
    one_run_end(NULL);
    return count;
}

static void what_orders_two_processes(void **state)
{
    (void)state;
    const char *store = "{ store: { to: x, value: 1 } }";
    assert_int_equal(races_of("{ store: { to: x, value: 1 } }, { fork: child }", store), 0);
    assert_int_equal(races_of("{ fork: child }, { store: { to: x, value: 1 } }", store), 1);
    assert_int_equal(
        races_of("{ fork: child }, { sleep: 1ms }, { store: { to: x, value: 1 } }", store), 1);
    assert_int_equal(races_of("{ fork: child }, wait_child, { store: { to: x, value: 1 } }", store),
                     0);
    assert_int_equal(races_of("{ fork: child }, { read: { pipe: p, size: 1B } }, { store: { to: x, "
                              "value: 1 } }",
                              "{ store: { to: x, value: 1 } }, { write: { pipe: p, size: 1B } }"),
                     0);
    assert_int_equal(
        races_of("{ fork: child }, { receive_message: q }, { store: { to: x, value: 1 "
                 "} }",
                 "{ store: { to: x, value: 1 } }, { send_message: { queue: q, size: 1B "
                 "} }"),
        0);
}

// ---- locks and the like

// worker holds l from 0 to 4 ms; main forks at 1 ms. worker releases its l at 4 ms and main has it
// then; the child's l stays taken, and the child waits for it for ever.
static const char orphaned_lock[] =
    "machine: { cores: 4, costs: zero }\nlocks: { l: lock }\n"
    "functions: { child: [ { with: { lock: l, do: [ { print: never } ] } } ] }\n"
    "threads:\n"
    "  - { name: worker, run: [ { with: { lock: l, do: [ { compute: 4ms } ] } } ] }\n"
    "  - { name: main, run: [ { sleep: 1ms }, { fork: child }, { with: { lock: l, do: [ { compute: "
    "1ms } ] } }, wait_child ] }\n";

static void a_lock_that_another_holds_stays_held(void **state)
{
    (void)state;
    one_run(orphaned_lock);
    assert_int_equal(run.result.end, END_DEADLOCK);
    assert_int_equal(simulated_time_of(&run, EVENT_LOCK_TAKEN, "main"), 4 * MS);
    assert_int_equal(run.result.ended.ns, 5 * MS);
    assert_int_equal(simulated_count(&run, EVENT_LOCK_TAKEN, "child"), 0);
    assert_int_equal(metrics.printed.count, 0);
    Arena arena = {0};
    assert_string_equal(deadlocks_text(&metrics, &arena),
                        "main waits in `wait_child` (test.yaml:6), and nobody is left to wake it; "
                        "child waits for lock l (test.yaml:3), which worker held at the fork "
                        "(test.yaml:5)");
    arena_free(&arena);
    expect_summary("child waits for what another process's thread held at the fork");
    expect_summary("child/l ");
}

// One for both processes: the child has it when main has given it back, at 5 ms.
static void a_shared_lock_is_released_for_all(void **state)
{
    (void)state;
    char yaml[1024];
    const char *from = strstr(orphaned_lock, "{ l: lock }");
    snprintf(yaml, sizeof yaml, "%.*s{ l: { kind: lock, shared: true } }%s",
             (int)(from - orphaned_lock), orphaned_lock, from + strlen("{ l: lock }"));
    one_run(yaml);
    assert_int_equal(run.result.end, END_DONE);
    assert_int_equal(metrics.printed.count, 1);
    assert_int_equal(simulated_count(&run, EVENT_LOCK_TAKEN, "child"), 1);
}

// What the forking thread holds, the child holds: it is a copy of that thread. It must release it.
static void a_lock_of_the_forking_thread_is_the_childs(void **state)
{
    (void)state;
    one_run(
        "machine: { cores: 2, costs: zero }\nlocks: { l: lock, r: rlock }\n"
        "functions: { child: [ { lock: r }, { unlock: r }, { unlock: r }, { unlock: l }, "
        "{ lock: l } ] }\n"
        "threads: [ { name: main, run: [ { lock: l }, { lock: r }, { fork: child }, wait_child, "
        "{ unlock: r }, { unlock: l } ] } ]\n");
    assert_int_equal(run.result.end, END_DONE);
    assert_int_equal(simulated_count(&run, EVENT_LOCK_RELEASED, "main"), 2);
    assert_int_equal(simulated_count(&run, EVENT_LOCK_RELEASED, "child"), 2);
}

// What the forking thread reads under, the child's first thread reads under too: each of them
// unlocks its own, and what is shared remains main's.
static void a_read_lock_of_the_forking_thread_is_the_childs(void **state)
{
    (void)state;
    static const char yaml[] =
        "machine: { cores: 2, costs: zero }\n"
        "locks: { w: rwlock, s: { kind: rwlock, shared: true } }\n"
        "functions: { child: [ { unlock: w }, { lock: w }, { unlock: w }%s ] }\n"
        "threads: [ { name: main, run: [ { lock: { lock: w, mode: read } }, { lock: { lock: s, "
        "mode: read } }, { fork: child }, wait_child, { unlock: w }, { unlock: s } ] } ]\n";
    char text[1024];
    snprintf(text, sizeof text, yaml, "");
    one_run(text);
    assert_int_equal(run.result.end, END_DONE);
    assert_int_equal(simulated_count(&run, EVENT_LOCK_READ_RELEASED, "main"), 2);
    assert_int_equal(simulated_count(&run, EVENT_LOCK_READ_RELEASED, "child"), 1);
    assert_int_equal(simulated_count(&run, EVENT_LOCK_RELEASED, "child"), 1);
    snprintf(text, sizeof text, yaml, ", { unlock: s }");
    assert_non_null(
        strstr(simulate_failing(text), "child unlocks 's', which it does not hold (others read)"));
}

// Values, flags and items are copied: main has acquired 1 of 3 and put 2 items. The child acquires
// the 2 that are left and gets both items, main as well.
static void values_flags_and_items_are_copied(void **state)
{
    (void)state;
    one_run("machine: { cores: 2, costs: zero }\nsemaphores: { s: 3 }\nevents: [ e, f ]\n"
            "queues: { q: 5 }\n"
            "functions: { child: [ { acquire: s }, { acquire: s }, { get: q }, { get: q }, "
            "{ wait: e }, { set: f } ] }\n"
            "threads: [ { name: main, run: [ { acquire: s }, { put: q }, { put: q }, { set: e }, "
            "{ fork: child }, wait_child, { acquire: s }, { acquire: s }, { get: q }, { get: q }, "
            "{ wait: { for: f, timeout: 1ms, else: [ { print: clear } ] } } ] } ]\n");
    assert_int_equal(run.result.end, END_DONE);
    assert_int_equal(metrics.printed.count, 1);
    assert_int_equal(run.result.ended.ns, 1 * MS);
    // The child's semaphore, the first of its copies: from 2 to 0.
    const SyncMetrics *semaphore = &metrics.syncs[run.scenario.sync_count + 1];
    assert_int_equal(semaphore->level_max, 2);
    assert_int_equal(semaphore->level, 0);
}

// A barrier, a condition and a queue for two processes.
static void shared_objects_synchronise_processes(void **state)
{
    (void)state;
    // Both come to b: main at 3 ms. Then the child waits for c, main notifies at 5 ms; the child
    // puts an item at 6 ms, which main gets.
    one_run("machine: { cores: 2, costs: zero }\nlocks: { l: { kind: lock, shared: true } }\n"
            "barriers: { b: { threads: 2, shared: true } }\n"
            "conditions: { c: { lock: l, shared: true } }\n"
            "queues: { q: { capacity: 1, shared: true } }\n"
            "events: [ { name: e, shared: true } ]\n"
            "functions: { child: [ { barrier: b }, { with: { lock: l, do: [ { wait: c } ] } }, "
            "{ compute: 1ms }, { put: q }, { wait: e } ] }\n"
            "threads: [ { name: main, run: [ { fork: child }, { compute: 3ms }, { barrier: b }, "
            "{ compute: 2ms }, { with: { lock: l, do: [ { notify: c } ] } }, { get: q }, "
            "{ compute: 1ms }, { set: e }, wait_child ] } ]\n");
    assert_int_equal(run.result.end, END_DONE);
    assert_int_equal(simulated_time_of(&run, EVENT_QUEUE_GOT, "main"), 6 * MS);
    assert_int_equal(run.result.ended.ns, 7 * MS);
}

// Copies of queues end with their processes: 50 children with 10 items each, one after the other,
// within a limit of 25.
static void copies_end_with_their_process(void **state)
{
    (void)state;
    one_run("machine: { costs: zero }\nlimits: { items: 25 }\nqueues: { q: unbounded }\n"
            "functions: { child: [ { compute: 1ms }, { exit: 0 } ] }\n"
            "threads: [ { name: main, run: [ { repeat: { times: 10, do: [ { put: q } ] } }, "
            "{ repeat: { times: 50, do: [ { fork: child }, wait_child ] } } ] } ]\n");
    assert_int_equal(run.result.end, END_DONE);
    assert_int_equal(run.result.ended.ns, 50 * MS);
}

// Orders of locks in two processes are orders of different locks.
static void copies_have_no_common_order(void **state)
{
    (void)state;
    static const char text[] =
        "machine: { cores: 1, costs: zero }\n"
        "locks: { a: { kind: lock, shared: %s }, b: { kind: lock, shared: %s } }\n"
        "functions: { child: [ { lock: b }, { lock: a }, { unlock: a }, { unlock: b } ] }\n"
        "threads: [ { name: main, run: [ { fork: child }, wait_child, { lock: a }, { lock: b } ] } "
        "]\n";
    char yaml[1024];
    snprintf(yaml, sizeof yaml, text, "false", "false");
    one_run(yaml);
    assert_int_equal(metrics.lock_order.circles.count, 0);
    one_run_end(NULL);
    snprintf(yaml, sizeof yaml, text, "true", "true");
    one_run(yaml);
    assert_int_equal(metrics.lock_order.circles.count, 1);
}

// c1 sleeps from 0 on, c2 from 1 ms on, both for what main gives to one of them at 2 ms; c1 is
// woken on the same core and killed before it can run. c2 goes on in its place, and all is over at
// 2 ms.
static void a_killed_waiter_passes_its_wakeup_on(void **state)
{
    (void)state;
    static const struct {
        const char *before, *waits, *gives;
    } cases[] = {
        {"yield", "{ lock: l }, { unlock: l }", "{ unlock: l }"},
        {"yield", "{ lock: r }, { unlock: r }", "{ unlock: r }"},
        {"yield", "{ lock: w }, { unlock: w }", "{ unlock: w }"},
        {"yield", "{ acquire: s }", "{ release: s }"},
        {"yield", "{ get: q }", "{ put: q }"},
        {"{ put: q }", "{ put: q }", "{ get: q }"},
        {"yield", "{ with: { lock: k, do: [ { wait: c } ] } }",
         "{ with: { lock: k, do: [ { notify: c } ] } }"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char yaml[2048];
        snprintf(yaml, sizeof yaml,
                 "machine: { cores: 1, scheduler: fifo, costs: zero }\n"
                 "processes:\n"
                 "  - name: p\n"
                 "    locks: { l: { kind: lock, shared: true }, r: { kind: rlock, shared: true }, "
                 "w: { kind: rwlock, shared: true }, k: { kind: lock, shared: true } }\n"
                 "    semaphores: { s: { value: 0, shared: true } }\n"
                 "    queues: { q: { capacity: 1, shared: true } }\n"
                 "    conditions: { c: { lock: k, shared: true } }\n"
                 "    functions: { child: [ %s ] }\n"
                 "    threads:\n"
                 "      - { name: m, run: [ { lock: l }, { lock: r }, { lock: w }, %s, { fork: { "
                 "run: child, as: c1 } }, { sleep: 1ms }, { fork: { run: child, as: c2 } }, { "
                 "sleep: 1ms }, %s, { kill: { process: c1, signal: KILL } }, wait_child, "
                 "wait_child ] }\n",
                 cases[i].waits, cases[i].before, cases[i].gives);
        one_run(yaml);
        if (run.result.end != END_DONE || run.result.ended.ns != 2 * MS ||
            simulated_count(&run, EVENT_TASK_EXITED, "c2") != 1)
            fail_msg("%s: ends at %lld", cases[i].waits, (long long)run.result.ended.ns);
        one_run_end(NULL);
    }
}

int main(void)
{
#define RUN(test) cmocka_unit_test_teardown(test, one_run_end)
    const struct CMUnitTest tests[] = {
        RUN(a_child_has_copies_of_variables),
        RUN(what_is_shared_is_there_once),
        RUN(a_new_program_begins_anew),
        RUN(copies_do_not_race),
        cmocka_unit_test(what_orders_two_processes),
        RUN(a_lock_that_another_holds_stays_held),
        RUN(a_shared_lock_is_released_for_all),
        RUN(a_lock_of_the_forking_thread_is_the_childs),
        RUN(a_read_lock_of_the_forking_thread_is_the_childs),
        RUN(values_flags_and_items_are_copied),
        RUN(shared_objects_synchronise_processes),
        cmocka_unit_test(a_killed_waiter_passes_its_wakeup_on),
        RUN(copies_end_with_their_process),
        RUN(copies_have_no_common_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
