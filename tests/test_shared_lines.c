// Cache lines under shared variables: who waits for one to come over, and who does not. A load, a
// store and an addition take 1 ns, an atomic addition 6 ns, and a line 60 ns from one core to
// another; all else is free. The numbers are worked out beside each test.
#include "tests/one_run.h"

#define MACHINE(cores)                                                                             \
    "machine: { cores: " cores ", scheduler: fifo, costs: { base: zero, load: 1ns, store: 1ns, "   \
    "add: 1ns, atomic: 6ns, line_transfer: 60ns } }\n"

static void expect_thread(const char *name, int64_t end_ns, uint32_t lines_moved)
{
    const ThreadMetrics *thread = simulated_thread(&run, &metrics, name);
    assert_int_equal(thread->end_ns, end_ns);
    assert_int_equal(thread->lines_moved, lines_moved);
}

// a finds the line free: 0 to 6. b has it from 60 on, adds until 66, and so on in turns: a 120 to
// 126, b 180 to 186, a 240 to 246, b 300 to 306.
static void atomic_additions_take_turns(void **state)
{
    (void)state;
    one_run(MACHINE(
        "2") "variables: { x: 0 }\nthreads:\n"
             "  - { name: a, run: [ { repeat: { times: 3, do: [ { atomic_add: x } ] } } ] }\n"
             "  - { name: b, run: [ { repeat: { times: 3, do: [ { atomic_add: x } ] } } ] }\n");
    expect_thread("a", 246, 2);
    expect_thread("b", 306, 3);
    assert_int_equal(metrics.data.variables[1].value, 6);
}

// Two variables, which share nothing but their line: the same turns. Each on its own: 3 * 6 ns.
static void false_sharing(void **state)
{
    (void)state;
#define COUNTERS                                                                                   \
    "threads:\n"                                                                                   \
    "  - { name: a, run: [ { repeat: { times: 3, do: [ { atomic_add: x } ] } } ] }\n"              \
    "  - { name: b, run: [ { repeat: { times: 3, do: [ { atomic_add: y } ] } } ] }\n"
    one_run(MACHINE("2") "variables: { x: { line: both }, y: { line: both } }\n" COUNTERS);
    expect_thread("a", 246, 2);
    expect_thread("b", 306, 3);
    one_run_end(state);
    one_run(MACHINE("2") "variables: { x: 0, y: 0 }\n" COUNTERS);
    expect_thread("a", 18, 0);
    expect_thread("b", 18, 0);
}

// w stores until 1. q and r ask for the line at 10 and get it at 70 and at 130, the load takes 1 ns
// more, and the second one finds it there. w's store at 200 takes all copies away: 260, 261. Its
// own load finds the line there: 262.
static void readers_have_copies_until_the_next_write(void **state)
{
    (void)state;
    one_run(
        MACHINE("3") "variables: { x: 0 }\nthreads:\n"
                     "  - { name: w, run: [ { store: { to: x, value: 1 } }, { compute: 199ns }, "
                     "{ store: { to: x, value: 2 } }, { load: x } ] }\n"
                     "  - { name: q, start: 10ns, run: [ { load: x }, { load: x } ] }\n"
                     "  - { name: r, start: 10ns, run: [ { load: x }, { load: x } ] }\n");
    expect_thread("w", 262, 1);
    expect_thread("q", 72, 1);
    expect_thread("r", 132, 1);
}

// What nobody has written costs its readers nothing. The spinner looks every nanosecond until w's
// store, at 10, takes the line: w has it at 70 and has stored at 71; the spinner's look of 10
// waits until 130 and sees at 131 what was stored.
static void a_spinner_reads_its_own_copy(void **state)
{
    (void)state;
    one_run(
        MACHINE("2") "variables: { x: 0 }\nthreads:\n"
                     "  - { name: w, run: [ { compute: 10ns }, { store: { to: x, value: 1 } } ] }\n"
                     "  - { name: spinner, run: [ { while: { test: x == 0, do: [] } } ] }\n");
    expect_thread("w", 71, 1);
    expect_thread("spinner", 131, 1);
    assert_int_equal(metrics.data.variables[1].loads, 11);
}

static uint64_t records_of(EventKind kind)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < run.memory.count; i++)
        count += memory_sink_at(&run.memory, i)->kind == kind;
    return count;
}

// On one core nothing moves: 6 * 6 ns. On a machine whose lines move in no time, nothing is traced.
static void lines_that_cost_nothing(void **state)
{
    (void)state;
#define BOTH                                                                                       \
    "variables: { x: 0 }\nthreads:\n"                                                              \
    "  - { name: a, count: 2, run: [ { repeat: { times: 3, do: [ { atomic_add: x } ] } } ] }\n"
    one_run(MACHINE("1") BOTH);
    expect_end(END_DONE, 36);
    assert_int_equal(records_of(EVENT_LINE_MOVED), 0);
    one_run_end(state);
    one_run("machine: { cores: 2, costs: { base: zero, atomic: 6ns } }\n" BOTH);
    expect_end(END_DONE, 18);
    assert_int_equal(records_of(EVENT_LINE_MOVED), 0);
}

// main stores until 1 and forks; the child loads on the other core. Its own copy of x lies on
// another line, that nobody has written to: 1 ns. A shared x is on main's core: 61 ns.
static void a_copy_has_a_line_of_its_own(void **state)
{
    (void)state;
#define FORK                                                                                       \
    "functions: { child: [ { load: x } ] }\nthreads:\n"                                            \
    "  - { name: main, run: [ { store: { to: x, value: 1 } }, { fork: child }, { compute: 1us }, " \
    "wait_child ] }\n"
    one_run(MACHINE("2") "variables: { x: 0 }\n" FORK);
    expect_thread("child", 2, 0);
    one_run_end(state);
    one_run(MACHINE("2") "variables: { x: { shared: true } }\n" FORK);
    expect_thread("child", 62, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(atomic_additions_take_turns, one_run_end),
        cmocka_unit_test_teardown(false_sharing, one_run_end),
        cmocka_unit_test_teardown(readers_have_copies_until_the_next_write, one_run_end),
        cmocka_unit_test_teardown(a_spinner_reads_its_own_copy, one_run_end),
        cmocka_unit_test_teardown(lines_that_cost_nothing, one_run_end),
        cmocka_unit_test_teardown(a_copy_has_a_line_of_its_own, one_run_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
