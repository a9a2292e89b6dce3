// `ringside run --why` and `--critical-path`: what they print, of runs and of saved traces, and
// what they say to questions that make no sense.
#include "tests/run_program.h"

#include <stdlib.h>
#include <string.h>

// b wants the lock at 1 ms, which a has until 3 ms; its span takes from then to 5 ms.
static const char two_threads[] =
    "title: A lock between two\n"
    "machine: { cores: 2, scheduler: fifo, costs: zero }\n"
    "locks: { x: lock }\n"
    "threads:\n"
    "  - name: a\n"
    "    run: [ { with: { lock: x, do: [ { compute: 3ms } ] } } ]\n"
    "  - name: b\n"
    "    run: [ { compute: 1ms }, { span: { name: work, do: [ { with: { lock: x, do: [ { compute: "
    "2ms } ] } } ] } } ]\n";

static void expect_output(const char *expected, const char *file, const char *option,
                          const char *more)
{
    Ran ran = program_run("run", file, option, more, NULL);
    assert_string_equal(ran.err, "");
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.out, expected);
    program_free(&ran);
}

static const char why_b[] = "At 2 ms:\n"
                            "  b waits for lock x since 1 ms; a holds it since 0 ns.\n"
                            "    a runs on core 0 since 0 ns, at line 6 (compute).\n"
                            "\n"
                            "The whole wait:\n"
                            "  b waited for lock x for 2 ms, from 1 ms to 3 ms.\n"
                            "  It ended at 3 ms: a releases lock x.\n"
                            "    From 1 ms to 3 ms it took a: running 2 ms.\n";

static void test_why(void **state)
{
    (void)state;
    file_write("two.yaml", two_threads);
    expect_output(why_b, "two.yaml", "--why=b", "--at=2ms");
    // Without an instant it is the end.
    expect_output("At 5 ms:\n  b has ended at 5 ms.\n", "two.yaml", "--why=b", NULL);
    ASSERT_RUN(0, "", "run", "two.yaml", "--quiet", "--save", "two.trace");
    expect_output(why_b, "two.trace", "--why=b", "--at=2ms");
}

static void test_path(void **state)
{
    (void)state;
    file_write("two.yaml", two_threads);
    Ran ran = program_run("run", "two.yaml", "--critical-path", NULL);
    assert_int_equal(ran.status, 0);
    assert_contains(ran.out, "Critical path of the run, 5 ms:\n  running 5 ms (100.0 %)\n");
    assert_contains(ran.out, "By thread:\n  a 3 ms: running 3 ms\n  b 2 ms: running 2 ms\n");
    assert_contains(ran.out, "woken by a");
    program_free(&ran);
    // Of the span's 4 ms a has 2.
    ran = program_run("run", "two.yaml", "--critical-path=work", NULL);
    assert_int_equal(ran.status, 0);
    assert_contains(ran.out, "Critical path of the longest span work, 4 ms:\n");
    assert_contains(ran.out, "  a 2 ms: running 2 ms\n  b 2 ms: running 2 ms\n");
    program_free(&ran);
}

static void test_mistakes(void **state)
{
    (void)state;
    file_write("two.yaml", two_threads);
    ASSERT_RUN(2, "error: no thread is called 'bb'; one is called 'b'", "run", "two.yaml",
               "--why=bb");
    ASSERT_RUN(2, "error: no span called 'play' has ended", "run", "two.yaml",
               "--critical-path=play");
    ASSERT_RUN(2, "only one output can go to standard output", "run", "two.yaml", "--why=b",
               "--critical-path");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_why, program_set_up, program_tear_down),
        cmocka_unit_test_setup_teardown(test_path, program_set_up, program_tear_down),
        cmocka_unit_test_setup_teardown(test_mistakes, program_set_up, program_tear_down),
    };
    return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
