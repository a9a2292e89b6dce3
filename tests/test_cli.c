// The command line as a user meets it: each test runs the built program with arguments and looks at
// its exit status, its two outputs and the files that it leaves. What the numbers are is tested
// where they are computed; here, that they arrive. Where outputs go is test_outputs.c.
#include "tests/run_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Each takes one lock at 0 and asks for the other's at 1 ms: two threads in a circle.
static const char deadlock[] = "title: Two locks in two orders\n"
                               "machine: { cores: 2, costs: zero }\n"
                               "locks: { x: lock, y: lock }\n"
                               "threads:\n"
                               "  - name: first\n"
                               "    run: [ { lock: x }, { compute: 1ms }, { lock: y } ]\n"
                               "  - name: second\n"
                               "    run: [ { lock: y }, { compute: 1ms }, { lock: x } ]\n";

static const char endless[] = "title: No end\n"
                              "limits: { events: 1000 }\n"
                              "threads:\n"
                              "  - name: hog\n"
                              "    run: [ { forever: [ { compute: 1ms } ] } ]\n";

static const char wrong[] = "title: A bare number\n"
                            "threads:\n"
                            "  - name: a\n"
                            "    run: [ { compute: 50 } ]\n";

// ---- the command table

static void test_version_and_help(void **state)
{
    (void)state;
    Ran ran = program_run("--version", NULL);
    assert_int_equal(ran.status, 0);
    assert_memory_equal(ran.out, "ringside ", 9);
    program_free(&ran);
    ran = program_run("--help", NULL);
    assert_int_equal(ran.status, 0);
    assert_contains(ran.out, "check");
    program_free(&ran);
    // Without arguments the same text is an answer to a mistake.
    ran = program_run(NULL);
    assert_int_equal(ran.status, 2);
    assert_string_equal(ran.out, "");
    assert_contains(ran.err, "Commands:");
    program_free(&ran);
}

static void test_every_command_explains_itself(void **state)
{
    (void)state;
    const char *const commands[] = {"run", "check", "list", "schema"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        Ran direct = program_run(commands[i], "--help", NULL),
            asked = program_run("help", commands[i], NULL);
        assert_int_equal(direct.status, 0);
        assert_contains(direct.out, "Example");
        assert_string_equal(direct.out, asked.out);
        program_free(&direct);
        program_free(&asked);
    }
}

static void test_wrong_command_lines(void **state)
{
    (void)state;
    ASSERT_RUN(2, "did you mean 'check'?", "chekc");
    ASSERT_RUN(2, "did you mean 'run'?", "help", "rum");
    ASSERT_RUN(2, "no command", "xyzzy-plugh");
    ASSERT_RUN(2, "--json", "--json");
    ASSERT_RUN(2, "a FILE is needed", "run");
    ASSERT_RUN(2, "a FILE is needed", "check");
    ASSERT_RUN(2, "--frobnicate", "run", "--frobnicate", "a.yaml");
    ASSERT_RUN(2, "missing.yaml", "run", "missing.yaml");
    ASSERT_RUN(2, "missing.yaml", "missing.yaml");
    ASSERT_RUN(2, "missing.yaml", "check", "missing.yaml");
    ASSERT_RUN(2, "directory", "check", ".");
    file_write("jobs.yaml", two_jobs);
    ASSERT_RUN(2, "one FILE", "run", "jobs.yaml", "jobs.yaml");
    ASSERT_RUN(2, "standard output", "run", "jobs.yaml", "--json", "--csv");
    ASSERT_RUN(2, "standard output", "run", "jobs.yaml", "--json", "--trace", "-");
    ASSERT_RUN(2, "same file", "run", "jobs.yaml", "--json=x", "--csv=x");
    ASSERT_RUN(2, "jobs.yaml", "run", "jobs.yaml", "--json=jobs.yaml");
}

// ---- check

static void test_check(void **state)
{
    (void)state;
    file_write("good.yaml", two_jobs);
    file_write("wrong.yaml", wrong);
    Ran ran = program_run("check", "good.yaml", NULL);
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.out, "good.yaml: ok\n");
    assert_string_equal(ran.err, "");
    program_free(&ran);
    // Line 4, and "50" begins behind `    run: [ { compute: `, which is 22 characters.
    ran = program_run("check", "wrong.yaml", "good.yaml", NULL);
    assert_int_equal(ran.status, 2);
    assert_string_equal(ran.out, "good.yaml: ok\n");
    assert_contains(ran.err, "wrong.yaml:4:23: error: ");
    assert_contains(ran.err, "^~");
    assert_null(strchr(ran.err, '\033'));
    program_free(&ran);
    ran = program_run_with((Setting){.input = two_jobs}, "check", "-", NULL);
    assert_int_equal(ran.status, 0);
    program_free(&ran);
    ran = program_run_with((Setting){.input = wrong}, "check", "-", NULL);
    assert_int_equal(ran.status, 2);
    assert_contains(ran.err, ":4:23: error: ");
    program_free(&ran);
    ASSERT_RUN(2, "machine.coers", "check", "good.yaml", "--set", "machine.coers=2");
    ASSERT_RUN(0, "", "check", "good.yaml", "--set", "machine.cores=2", "--quiet");
}

// ---- run

static void test_run_prints_a_summary(void **state)
{
    (void)state;
    file_write("jobs.yaml", two_jobs);
    Ran ran = program_run("run", "jobs.yaml", NULL);
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.err, "");
    assert_contains(ran.out, "Two jobs on one core");
    assert_contains(ran.out, "50 ms");
    assert_null(strchr(ran.out, '\033'));
    Ran short_form = program_run("jobs.yaml", NULL);
    assert_int_equal(short_form.status, 0);
    assert_string_equal(short_form.out, ran.out);
    program_free(&short_form);
    program_free(&ran);
    ran = program_run("run", "--quiet", "jobs.yaml", NULL);
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.out, "");
    assert_string_equal(ran.err, "");
    program_free(&ran);
}

static void test_run_json(void **state)
{
    (void)state;
    file_write("jobs.yaml", two_jobs);
    Ran ran = program_run("run", "jobs.yaml", "--json", NULL);
    assert_int_equal(ran.status, 0);
    json_t *json = json_parse(ran.out);
    assert_int_equal(json_int(json, "makespan_ns"), 50000000);
    assert_true(json_int(json, "events") > 0);
    assert_int_equal(strlen(json_text(json, "trace_hash")), 16);
    const json_t *b = json_item(json, "threads", 1);
    assert_string_equal(json_text(b, "name"), "b");
    // b waits for a's 30 ms, then runs its own 20 ms.
    assert_int_equal(json_int(b, "start_ns"), 0);
    assert_int_equal(json_int(b, "response_ns"), 30000000);
    assert_int_equal(json_int(b, "wait_ns"), 30000000);
    assert_int_equal(json_int(b, "turnaround_ns"), 50000000);
    assert_int_equal(json_int(b, "cpu_user_ns"), 20000000);
    assert_int_equal(json_int(b, "cpu_kernel_ns"), 0);
    assert_true(json_is_string(json_object_get(b, "process")));
    assert_int_equal(json_int(b, "switches_forced"), 0);
    assert_int_equal(json_int(b, "switches_voluntary"), 0);
    assert_int_equal(json_int(b, "migrations"), 0);
    const json_t *utilization = json_object_get(json_item(json, "cores", 0), "utilization");
    assert_true(json_number_value(utilization) == 1.0);
    assert_true(json_is_true(json_object_get(json_item(json, "expect", 0), "holds")));
    json_decref(json);
    program_free(&ran);
}

static void test_run_standard_input(void **state)
{
    (void)state;
    Ran ran = program_run_with((Setting){.input = two_jobs}, "run", "-", "--json", NULL);
    assert_int_equal(ran.status, 0);
    json_t *json = json_parse(ran.out);
    assert_int_equal(json_int(json, "makespan_ns"), 50000000);
    json_decref(json);
    program_free(&ran);
}

static void test_failed_expectation(void **state)
{
    (void)state;
    file_write("jobs.yaml", two_jobs);
    // On two cores both begin at once and the longer one takes 30 ms.
    Ran ran = program_run("run", "jobs.yaml", "--set", "machine.cores=2", "--json", NULL);
    assert_int_equal(ran.status, 1);
    assert_contains(ran.err, "jobs.yaml:10:");
    assert_contains(ran.err, "makespan == 50ms");
    assert_contains(ran.err, "30 ms");
    json_t *json = json_parse(ran.out);
    assert_int_equal(json_int(json, "makespan_ns"), 30000000);
    assert_true(json_is_false(json_object_get(json_item(json, "expect", 0), "holds")));
    json_decref(json);
    program_free(&ran);
    ASSERT_RUN(1, "makespan", "run", "jobs.yaml", "--set=machine.cores=2", "--quiet");
    ASSERT_RUN(2, "machine.coers", "run", "jobs.yaml", "--set", "machine.coers=2");
    ASSERT_RUN(2, "nonsense", "run", "jobs.yaml", "--set", "nonsense");
    ASSERT_RUN(2, "soon", "run", "jobs.yaml", "--until", "soon");
    ASSERT_RUN(2, "x1", "run", "jobs.yaml", "--seed", "x1");
}

static char *trace_hash(const char *seed)
{
    Ran ran = program_run("run", "random.yaml", "--json", "--seed", seed, NULL);
    assert_int_equal(ran.status, 0);
    json_t *json = json_parse(ran.out);
    char *hash = strdup(json_text(json, "trace_hash"));
    assert_int_equal(json_int(json, "seed"), atoi(seed));
    json_decref(json);
    program_free(&ran);
    return hash;
}

static void test_seed(void **state)
{
    (void)state;
    file_write("random.yaml", random_jobs);
    char *first = trace_hash("1"), *again = trace_hash("1"), *other = trace_hash("2");
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    free(first);
    free(again);
    free(other);
}

static void test_until(void **state)
{
    (void)state;
    file_write("jobs.yaml", two_jobs);
    Ran ran = program_run("run", "jobs.yaml", "--until", "10ms", "--json", NULL);
    assert_int_equal(ran.status, 1); // the makespan is not 50 ms then
    json_t *json = json_parse(ran.out);
    assert_string_equal(json_text(json, "end"), "until");
    assert_int_equal(json_int(json, "ended_ns"), 10000000);
    json_decref(json);
    program_free(&ran);
}

static void test_deadlock(void **state)
{
    (void)state;
    file_write("deadlock.yaml", deadlock);
    Ran ran = program_run("run", "deadlock.yaml", "--json", NULL);
    assert_int_equal(ran.status, 1);
    assert_contains(ran.err, "deadlock at 1 ms: 2 threads wait for each other in a circle: ");
    assert_contains(ran.err, "first waits for lock y (deadlock.yaml:6), which second holds "
                             "(deadlock.yaml:8)");
    assert_contains(ran.err, "second waits for lock x (deadlock.yaml:8), which first holds "
                             "(deadlock.yaml:6)");
    json_t *json = json_parse(ran.out);
    assert_string_equal(json_text(json, "end"), "deadlock");
    assert_int_equal(json_int(json, "deadlocked"), 2);
    json_decref(json);
    program_free(&ran);
    // A scenario that says so is about its deadlock.
    FILE *file = fopen("deadlock.yaml", "a");
    assert_non_null(file);
    fputs("expect: [ deadlocked == 2 ]\n", file);
    fclose(file);
    ASSERT_RUN(0, "", "run", "deadlock.yaml", "--quiet");
    // Expected or not, the summary names it; where there is none, standard error does.
    ran = program_run("run", "deadlock.yaml", NULL);
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.err, "");
    assert_contains(ran.out, "deadlock: 2 threads wait for each other in a circle\n"
                             "  second waits for lock x (deadlock.yaml:8), which first holds "
                             "(deadlock.yaml:6)\n"
                             "  first waits for lock y (deadlock.yaml:6), which second holds "
                             "(deadlock.yaml:8)\n");
    program_free(&ran);
    ASSERT_RUN(0,
               "ringside: note: the run ended in a deadlock at 1 ms, as expected: 2 threads wait "
               "for each other in a circle: second waits for lock x",
               "run", "deadlock.yaml", "--json");
}

static void test_limit(void **state)
{
    (void)state;
    file_write("endless.yaml", endless);
    Ran ran = program_run("run", "endless.yaml", "--json", NULL);
    assert_int_equal(ran.status, 1);
    assert_contains(ran.err, "events");
    assert_contains(ran.err, "--set limits.events="); // the way to raise it
    json_t *json = json_parse(ran.out);
    assert_string_equal(json_text(json, "end"), "limit");
    assert_string_equal(json_text(json, "limit"), "events");
    assert_int_equal(json_int(json, "events"), 1000);
    json_decref(json);
    program_free(&ran);
}

// What is said of a limit: its bound as the reference writes it, and the way to raise it.
static void test_limit_messages(void **state)
{
    (void)state;
    file_write("long.yaml", "threads:\n  - { name: a, run: [ { compute: 300h } ] }\n");
    ASSERT_RUN(1,
               "long.yaml: error: the run was stopped by the limit 'time', 168h; raise it with "
               "--set limits.time=...\n",
               "run", "long.yaml", "--quiet", "--set", "machine.costs=zero");
    file_write("stall.yaml", "threads:\n  - { name: a, run: [ { forever: [ { mark: m } ] } ] }\n");
    ASSERT_RUN(1,
               "stall.yaml: error: the run was stopped at 0 ns by the limit 'stall', 20,000; raise "
               "it with --set limits.stall=...\n",
               "run", "stall.yaml", "--quiet", "--set", "machine.costs=zero", "--set",
               "limits.stall=20000");
    // A function that calls itself: what was traced is kept, and the summary says how it ended.
    file_write("calls.yaml", "machine: { costs: zero }\n"
                             "functions:\n"
                             "  f: [ { compute: 1us }, { call: f } ]\n"
                             "threads:\n"
                             "  - { name: a, run: [ { call: f } ] }\n");
    Ran ran = program_run("run", "calls.yaml", NULL);
    assert_int_equal(ran.status, 1);
    assert_contains(ran.out, "makespan 10 ms   a limit was reached (depth, 10,000; raise it with "
                             "--set limits.depth=…)");
    assert_contains(ran.err, "the limit 'depth', 10,000; raise it");
    assert_contains(ran.err,
                    "calls.yaml:3:28: warning: calls and blocks are 10,000 deep here; does "
                    "a function call itself without end?");
    program_free(&ran);
}

static void test_narrate(void **state)
{
    (void)state;
    file_write("jobs.yaml", two_jobs);
    Ran ran = program_run("run", "jobs.yaml", "--narrate", NULL);
    assert_int_equal(ran.status, 0);
    assert_contains(ran.out, "core 0 switches to a");
    assert_contains(ran.out, "core 0 switches to b");
    assert_contains(ran.out, "b ends");
    program_free(&ran);
}

static void test_csv(void **state)
{
    (void)state;
    file_write("jobs.yaml", two_jobs);
    Ran ran = program_run("run", "jobs.yaml", "--csv", NULL);
    assert_int_equal(ran.status, 0);
    assert_contains(ran.out, "turnaround_ns");
    assert_contains(ran.out, "50000000");
    program_free(&ran);
}

// ---- shipped scenarios

static void test_list(void **state)
{
    (void)state;
    assert_int_equal(mkdir("book", 0700), 0);
    assert_int_equal(mkdir("book/10-late", 0700), 0);
    assert_int_equal(mkdir("book/9-early", 0700), 0);
    file_write("book/README.md", "no scenario");
    file_write("book/10-late/two-jobs.yaml", two_jobs);
    file_write("book/9-early/random.yaml", random_jobs);
    Ran ran = program_run("list", "--folder", "book", NULL);
    assert_int_equal(ran.status, 0);
    // By chapter's number; without a lesson, the title.
    assert_string_equal(ran.out, "9 early\n"
                                 "  random    Random work\n"
                                 "\n"
                                 "10 late\n"
                                 "  two-jobs  First come, first served.\n");
    program_free(&ran);
    ran = program_run("list", "--folder", "book", "--names", NULL);
    assert_string_equal(ran.out, "9-early/random\n10-late/two-jobs\n");
    program_free(&ran);
    ran = program_run("list", "--folder", "book", "--names", "10", NULL);
    assert_string_equal(ran.out, "10-late/two-jobs\n");
    program_free(&ran);
    ASSERT_RUN(2, "no chapter '7'", "list", "--folder", "book", "7");
    ASSERT_RUN(2, "nowhere", "list", "--folder", "nowhere");
    file_write("book/9-early/wrong.yaml", wrong);
    ran = program_run("list", "--folder", "book", NULL);
    assert_int_equal(ran.status, 2);
    assert_contains(ran.out, "not a scenario");
    program_free(&ran);
}

static void test_shipped_scenarios_by_name(void **state)
{
    (void)state;
    Ran names = program_run("list", "--names", NULL);
    assert_int_equal(names.status, 0);
    char *line = strtok(names.out, "\n");
    assert_non_null(line);
    char *short_name = strchr(line, '/') + 1;
    ASSERT_RUN(0, "", "check", "--quiet", line);
    ASSERT_RUN(0, "", "check", "--quiet", short_name);
    Ran ran = program_run("run", "--quiet", short_name, NULL);
    assert_in_range(ran.status, 0, 1); // whether it keeps its expectations is tested elsewhere
    program_free(&ran);
    char almost[256];
    snprintf(almost, sizeof almost, "did you mean '%s'?", short_name);
    char mistyped[256];
    snprintf(mistyped, sizeof mistyped, "%sx", short_name);
    ASSERT_RUN(2, almost, "run", mistyped);
    program_free(&names);
}

static void test_schema(void **state)
{
    (void)state;
    Ran ran = program_run("schema", NULL);
    assert_int_equal(ran.status, 0);
    json_t *json = json_parse(ran.out);
    assert_non_null(json_object_get(json, "$schema"));
    json_decref(json);
    program_free(&ran);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, program_set_up, program_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_version_and_help),
        TEST(test_every_command_explains_itself),
        TEST(test_wrong_command_lines),
        TEST(test_check),
        TEST(test_run_prints_a_summary),
        TEST(test_run_json),
        TEST(test_run_standard_input),
        TEST(test_failed_expectation),
        TEST(test_seed),
        TEST(test_until),
        TEST(test_deadlock),
        TEST(test_limit),
        TEST(test_limit_messages),
        TEST(test_narrate),
        TEST(test_csv),
        TEST(test_list),
        TEST(test_shipped_scenarios_by_name),
        TEST(test_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
