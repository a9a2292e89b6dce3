// The end of a process of Python: the last thread that is not a daemon takes the interpreter apart,
// and what its daemons see of that. Times are in microseconds.
#include "tests/one_run.h"

#include <stdio.h>

#define ENDS_IN_10                                                                                 \
    "machine: { cores: 2, scheduler: fifo, costs: { base: zero, python_end: 10us } }\n"

// main ends at 5 and takes Python apart up to 15. D's code in C is over at 8; it comes for the GIL
// and ends there.
static void a_daemon_that_comes_for_the_gil_ends(void **state)
{
    (void)state;
    one_run(ENDS_IN_10 "runtime: cpython-3.13\n"
                       "threads:\n"
                       "  - { name: main, run: [ { sleep: 5us } ] }\n"
                       "  - { name: D, daemon: true, run: [ { native: 8us }, { mark: m } ] }\n");
    assert_int_equal(simulated_time_of(&run, EVENT_PYTHON_ENDS, "main"), 5 * US);
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "D"), 8 * US);
    assert_int_equal(simulated_count(&run, EVENT_MARK, "D"), 0);
    expect_end(END_DONE, 15 * US);
}

// In 3.14 it sleeps, until the process ends.
static void in_3_14_it_hangs(void **state)
{
    (void)state;
    one_run(ENDS_IN_10 "runtime: cpython-3.14\n"
                       "threads:\n"
                       "  - { name: main, run: [ { sleep: 5us } ] }\n"
                       "  - { name: D, daemon: true, run: [ { native: 8us }, { mark: m } ] }\n");
    assert_int_equal(simulated_count(&run, EVENT_TASK_EXITED, "D"), 0);
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_KILLED, "D"), 15 * US);
    expect_cpu("D", 8 * US, 0);
    expect_end(END_DONE, 15 * US);
}

// What needs no GIL goes on up to the end; who sleeps never wakes up.
static void code_in_c_goes_on(void **state)
{
    (void)state;
    one_run(ENDS_IN_10 "runtime: cpython-3.12\n"
                       "threads:\n"
                       "  - { name: main, run: [ { sleep: 5us } ] }\n"
                       "  - { name: D, daemon: true, run: [ { native: 40us }, { mark: m } ] }\n"
                       "  - { name: S, daemon: true, run: [ { sleep: 40us }, { mark: m } ] }\n");
    expect_cpu("D", 15 * US, 0);
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_KILLED, "D"), 15 * US);
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_KILLED, "S"), 15 * US);
    expect_end(END_DONE, 15 * US);
}

// D has the GIL when main wakes up at 5, and drops it when it is asked to, at 5 + 3. Then main
// ends, up to 18; D, which wants it again, ends at once or, if it was asleep for it already, when
// it looks up after another 3.
static void who_had_the_gil_does_not_get_it_again(void **state)
{
    (void)state;
    one_run(ENDS_IN_10 "runtime: { python: \"3.12\", switch_interval: 3us }\n"
                       "threads:\n"
                       "  - { name: main, run: [ { sleep: 5us } ] }\n"
                       "  - { name: D, daemon: true, run: [ { compute: 1ms }, { mark: m } ] }\n");
    assert_int_equal(simulated_time_of(&run, EVENT_PYTHON_ENDS, "main"), 8 * US);
    assert_in_range(simulated_time_of(&run, EVENT_TASK_EXITED, "D"), 8 * US, 11 * US);
    expect_cpu("D", 8 * US, 0);
    expect_end(END_DONE, 18 * US);
}

// A daemon that ends so keeps the lock that it has; nobody is left to want it.
static void with_a_lock_in_hand(void **state)
{
    (void)state;
    one_run(ENDS_IN_10 "runtime: cpython-3.12\n" LOCK "threads:\n"
                       "  - { name: main, run: [ { sleep: 5us } ] }\n"
                       "  - { name: D, daemon: true, run: [\n"
                       "      { with: { lock: x, do: [ { native: 8us }, { mark: m } ] } } ] }\n");
    assert_int_equal(simulated_count(&run, EVENT_LOCK_RELEASED, "D"), 0);
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "D"), 8 * US);
    expect_end(END_DONE, 15 * US);
}

// Without daemons nobody sees it, and it is not counted.
static void only_where_there_are_daemons(void **state)
{
    (void)state;
    one_run(ENDS_IN_10 "runtime: cpython-3.12\n"
                       "threads: [ { name: main, run: [ { sleep: 5us } ] } ]\n");
    assert_int_equal(simulated_count(&run, EVENT_PYTHON_ENDS, NULL), 0);
    expect_end(END_DONE, 5 * US);
}

#define TEST(function) cmocka_unit_test_teardown(function, one_run_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_daemon_that_comes_for_the_gil_ends),
        TEST(in_3_14_it_hangs),
        TEST(code_in_c_goes_on),
        TEST(who_had_the_gil_does_not_get_it_again),
        TEST(with_a_lock_in_hand),
        TEST(only_where_there_are_daemons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
