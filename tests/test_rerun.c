// Running again on a thread of its own. Also run under the thread sanitizer (test.sh, stage tsan).
#include "render/rerun.h"
#include "sim/ringside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { MS = 1000000 };

// Ends at 4 ms on one core, at 2 on two; with `until: 10000s` the daemon goes on for as long.
static const char text[] = "machine: { cores: 1, costs: zero, scheduler: fifo }\n"
                           "threads:\n"
                           "  - { name: A, count: 2, run: [ { compute: 2ms } ] }\n";
static const char endless[] = "machine: { cores: 1, costs: zero, scheduler: fifo }\n"
                              "until: 10000s\n"
                              "threads:\n"
                              "  - { name: A, run: [ { forever: [ { sleep: 1us } ] } ] }\n";

static char path[32];
static Rerun *rerun;

static void open_with(const char *yaml, size_t length)
{
    strcpy(path, "/tmp/ringside-rerun-XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_true(write(file, yaml, length) == (ssize_t)length);
    close(file);
    rerun = rerun_open(&(TakeSource){.path = path}, ringside_run);
}

static int open_text(void **state)
{
    (void)state;
    open_with(text, sizeof text - 1);
    return 0;
}

static int open_endless(void **state)
{
    (void)state;
    open_with(endless, sizeof endless - 1);
    return 0;
}

static int close_rerun(void **state)
{
    (void)state;
    rerun_close(rerun);
    unlink(path);
    return 0;
}

static void wait_for(Take **take, char **error)
{
    *take = NULL;
    *error = NULL;
    while (!rerun_collect(rerun, take, error))
        nanosleep(&(struct timespec){.tv_nsec = MS}, NULL);
}

static void a_run_comes_back_once(void **state)
{
    (void)state;
    Take *take;
    char *error;
    assert_false(rerun_collect(rerun, &take, &error));
    rerun_start(rerun, NULL, 0);
    assert_true(rerun_busy(rerun));
    wait_for(&take, &error);
    assert_null(error);
    assert_int_equal(take->headline.makespan_ns, 4 * MS);
    assert_false(rerun_busy(rerun));
    assert_false(rerun_collect(rerun, &(Take *){NULL}, &error));
    take_free(take);
}

// The last one that was asked for is the one that comes.
static void the_last_one_counts(void **state)
{
    (void)state;
    Take *take;
    char *error;
    const char *two = "machine.cores=2", *wrong = "machine.cores=no";
    for (int i = 0; i < 20; i++)
        rerun_start(rerun, i % 2 == 0 ? &wrong : NULL, i % 2 == 0);
    rerun_start(rerun, &two, 1);
    wait_for(&take, &error);
    assert_null(error);
    assert_int_equal(take->headline.makespan_ns, 2 * MS);
    take_free(take);
    rerun_start(rerun, &wrong, 1);
    wait_for(&take, &error);
    assert_null(take);
    assert_non_null(strstr(error, "cores"));
    free(error);
}

// Ten billion sleeps would take an hour: giving the run up does not wait for them.
static void an_endless_run_is_given_up(void **state)
{
    (void)state;
    rerun_start(rerun, NULL, 0);
    nanosleep(&(struct timespec){.tv_nsec = 20 * MS}, NULL);
    assert_true(rerun_busy(rerun));
    const char *short_one = "until=1ms";
    rerun_start(rerun, &short_one, 1);
    Take *take;
    char *error;
    wait_for(&take, &error);
    assert_null(error);
    assert_int_equal(take->recording.end_ns, MS);
    take_free(take);
    rerun_start(rerun, NULL, 0); // and closing gives this one up
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_comes_back_once, open_text, close_rerun),
        cmocka_unit_test_setup_teardown(the_last_one_counts, open_text, close_rerun),
        cmocka_unit_test_setup_teardown(an_endless_run_is_given_up, open_endless, close_rerun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
