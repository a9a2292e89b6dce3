// Where the command line's outputs go: files that appear whole or not at all, standard output,
// pipes, devices that are full; and saved traces, which give the report of the run that wrote them.
#include "tests/run_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Without an end, but for the limit of events: half a million of them.
static const char endless[] = "title: No end\n"
                              "machine: { cores: 1, scheduler: fifo, costs: zero }\n"
                              "limits: { events: 500000 }\n"
                              "threads:\n"
                              "  - name: hog\n"
                              "    run: [ { forever: [ { compute: 1us }, { mark: m } ] } ]\n";

// ---- files

static void test_outputs_to_files(void **state)
{
    (void)state;
    file_write("jobs.yaml", two_jobs);
    assert_int_equal(symlink("target.json", "link.json"), 0);
    file_write("target.json", "old");
    Ran ran =
        program_run("run", "jobs.yaml", "--json=link.json", "--csv=out.csv", "--narrate=out.txt",
                    "--trace", "trace.json", "--save", "out.trace", NULL);
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.err, "");
    assert_contains(ran.out, "Two jobs on one core"); // the summary still has standard output
    program_free(&ran);
    // jobs.yaml, link.json, target.json, out.csv, out.txt, trace.json, out.trace.
    assert_int_equal(program_files(), 7);
    struct stat status;
    assert_int_equal(lstat("link.json", &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    char *json_text = file_read("target.json"), *trace_text = file_read("trace.json");
    json_decref(json_parse(json_text));
    json_decref(json_parse(trace_text));
    free(json_text);
    free(trace_text);
}

// ---- saved traces

static void assert_same_report(const char *format)
{
    Ran ran = program_run("run", "random.yaml", "--set", "machine.cores=1", "--seed", "5", "--save",
                          "saved.trace", format, NULL);
    assert_int_equal(ran.status, 0);
    unlink("random.yaml"); // all that is needed is in the file
    Ran read = program_run("run", "saved.trace", format, NULL);
    assert_int_equal(read.status, 0);
    assert_string_equal(read.err, "");
    if (strcmp(format, "--json") == 0) {
        json_t *simulated = json_parse(ran.out), *saved = json_parse(read.out);
        assert_true(json_is_null(json_object_get(saved, "events"))); // the queue's, not the trace's
        assert_int_equal(json_int(saved, "seed"), 5);
        json_object_del(simulated, "events");
        json_object_del(saved, "events");
        json_object_del(simulated, "memory_bytes"); // the simulator's, too
        json_object_del(saved, "memory_bytes");
        assert_true(json_equal(simulated, saved));
        json_decref(simulated);
        json_decref(saved);
    } else {
        assert_string_equal(ran.out, read.out);
    }
    program_free(&ran);
    program_free(&read);
}

static void test_saved_trace_gives_the_same_report(void **state)
{
    (void)state;
    const char *const formats[] = {"--json", "--csv", "--narrate", "--trace=-"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        file_write("random.yaml", random_jobs);
        assert_same_report(formats[i]);
    }
}

static void test_saved_trace_through_pipes(void **state)
{
    (void)state;
    file_write("jobs.yaml", two_jobs);
    Ran ran = program_run_with((Setting){.out_path = "piped.trace"}, "run", "jobs.yaml", "--save",
                               "-", NULL);
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.err, "");
    program_free(&ran);
    ASSERT_RUN(0, "", "run", "piped.trace", "--quiet");
    ASSERT_RUN(0, "", "run", "jobs.yaml", "--save", "/dev/null", "--quiet");
    struct stat status;
    assert_int_equal(stat("/dev/null", &status), 0);
    assert_true(S_ISCHR(status.st_mode));
}

static void test_saved_trace_is_what_it_is(void **state)
{
    (void)state;
    file_write("jobs.yaml", two_jobs);
    ASSERT_RUN(0, "", "run", "jobs.yaml", "--save", "saved.trace", "--quiet");
    ASSERT_RUN(2, "saved.trace", "run", "saved.trace", "--seed", "2");
    ASSERT_RUN(2, "saved.trace", "run", "saved.trace", "--set", "machine.cores=2");
    ASSERT_RUN(2, "saved.trace", "run", "saved.trace", "--until", "1s");
    ASSERT_RUN(2, "saved.trace", "run", "saved.trace", "--save", "other.trace");
    assert_int_equal(truncate("saved.trace", 1000), 0);
    ASSERT_RUN(2, "saved.trace", "run", "saved.trace");
    // A trace keeps the verdict of its scenario.
    ASSERT_RUN(1, "makespan", "run", "jobs.yaml", "--set", "machine.cores=2", "--save",
               "failed.trace", "--quiet");
    ASSERT_RUN(1, "makespan", "run", "failed.trace", "--quiet");
}

static void test_trace_is_strict_json(void **state)
{
    (void)state;
    file_write("random.yaml", random_jobs);
    ASSERT_RUN(0, "", "run", "random.yaml", "--trace", "out.json", "--quiet");
    char *text = file_read("out.json");
    json_t *json = json_parse(text);
    assert_true(json_array_size(json_object_get(json, "traceEvents")) > 10);
    json_decref(json);
    free(text);
}

// ---- what can go wrong with outputs

static void test_unwritable_outputs(void **state)
{
    (void)state;
    file_write("jobs.yaml", two_jobs);
    ASSERT_RUN(2, "/nowhere/x", "run", "jobs.yaml", "--json=/nowhere/x");
    ASSERT_RUN(2, "/nowhere/x", "run", "jobs.yaml", "--trace", "/nowhere/x");
    ASSERT_RUN(2, "/nowhere/x", "run", "jobs.yaml", "--save", "/nowhere/x");
    ASSERT_RUN(2, "/dev/full", "run", "jobs.yaml", "--json=/dev/full");
    ASSERT_RUN(2, "/dev/full", "run", "jobs.yaml", "--trace", "/dev/full");
    ASSERT_RUN(2, "/dev/full", "run", "jobs.yaml", "--save", "/dev/full");
    assert_int_equal(program_files(), 1);
    const char *const commands[][3] = {{"run", "jobs.yaml", NULL},
                                       {"run", "jobs.yaml", "--json"},
                                       {"run", "jobs.yaml", "--narrate"},
                                       {"run", "jobs.yaml", "--trace=-"},
                                       {"check", "jobs.yaml", NULL},
                                       {"run", "--help", NULL},
                                       {"schema", NULL, NULL},
                                       {"--version", NULL, NULL}};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const char *const *words = commands[i];
        Ran full = program_run_with((Setting){.out_path = "/dev/full"}, words[0], words[1],
                                    words[2], NULL);
        assert_int_equal(full.status, 2);
        assert_contains(full.err, "standard output: No space left on device");
        program_free(&full);
        Ran broken =
            program_run_with((Setting){.broken_pipe = true}, words[0], words[1], words[2], NULL);
        // A reader that has seen enough is no news: `ringside run X --narrate | head` says nothing.
        assert_int_equal(broken.status, 2);
        assert_string_equal(broken.err, "");
        program_free(&broken);
    }
}

// One line says what could not be written and why; the summary is that of the whole run.
static void test_a_full_output_leaves_the_summary_whole(void **state)
{
    (void)state;
    file_write("endless.yaml", endless);
    Ran whole = program_run("run", "endless.yaml", NULL);
    assert_int_equal(whole.status, 1);
    assert_contains(whole.out, "500,000 events");
    const char *const options[] = {"--narrate=/dev/full", "--trace=/dev/full", "--save=/dev/full"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        Ran ran = program_run("run", "endless.yaml", options[i], NULL);
        assert_int_equal(ran.status, 2);
        assert_string_equal(ran.out, whole.out);
        assert_memory_equal(
            ran.err,
            "ringside: cannot write to /dev/full: No space left on device\nendless.yaml: ", 73);
        program_free(&ran);
    }
    program_free(&whole);
}

// When nobody wants any more of it the run ends: nothing is said about its limit, which it has not
// come to. With another output it goes on, and that one is complete.
static void test_a_run_that_nobody_reads_ends(void **state)
{
    (void)state;
    file_write("endless.yaml", endless);
    Ran ran =
        program_run_with((Setting){.broken_pipe = true}, "run", "endless.yaml", "--narrate", NULL);
    assert_int_equal(ran.status, 2);
    assert_string_equal(ran.err, "");
    program_free(&ran);
    ran = program_run("run", "endless.yaml", "--quiet", "--narrate=/dev/full", NULL);
    assert_int_equal(ran.status, 2);
    assert_string_equal(ran.err, "ringside: cannot write to /dev/full: No space left on device\n");
    program_free(&ran);
    ran = program_run_with((Setting){.broken_pipe = true}, "run", "endless.yaml", "--narrate",
                           "--json=out.json", NULL);
    assert_int_equal(ran.status, 2);
    program_free(&ran);
    char *text = file_read("out.json");
    json_t *json = json_parse(text);
    assert_int_equal(json_int(json, "events"), 500000);
    assert_string_equal(json_text(json, "end"), "limit");
    json_decref(json);
    free(text);
}

// The copy that a saved trace on a pipe needs is made in $TMPDIR, or in /tmp where that cannot be.
static void test_temporary_folder(void **state)
{
    (void)state;
    const char *before = getenv("TMPDIR");
    file_write("jobs.yaml", two_jobs);
    assert_int_equal(mkdir("scratch", 0700), 0);
    const char *const folders[] = {"/nowhere", "", "scratch"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        assert_int_equal(setenv("TMPDIR", folders[i], 1), 0);
        Ran ran = program_run_with((Setting){.out_path = "piped.trace"}, "run", "jobs.yaml",
                                   "--save", "-", NULL);
        assert_int_equal(ran.status, 0);
        assert_string_equal(ran.err, "");
        program_free(&ran);
        ASSERT_RUN(0, "", "run", "piped.trace", "--quiet");
        assert_int_equal(program_files(),
                         3); // the scenario, the trace, and scratch, which is empty
    }
    // A file that may not be as large as the trace fails where $TMPDIR is, which is told.
    Ran ran = program_run_with((Setting){.out_path = "piped.trace", .file_bytes_max = 512}, "run",
                               "jobs.yaml", "--save", "-", NULL);
    assert_int_equal(ran.status, 2);
    assert_contains(ran.err, "scratch/ringside-");
    program_free(&ran);
    assert_int_equal(before != NULL ? setenv("TMPDIR", before, 1) : unsetenv("TMPDIR"), 0);
}

static void test_files_whole_or_not_at_all(void **state)
{
    (void)state;
    file_write("random.yaml", random_jobs);
    const char *const options[] = {"--json=out", "--narrate=out", "--trace=out", "--save=out"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        file_write("out", "what was there before");
        Ran ran = program_run_with((Setting){.file_bytes_max = 1024}, "run", "random.yaml",
                                   "--quiet", options[i], NULL);
        assert_int_equal(ran.status, 2);
        assert_contains(ran.err, "File too large");
        program_free(&ran);
        char *text = file_read("out");
        assert_string_equal(text, "what was there before");
        free(text);
        assert_int_equal(program_files(), 2);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, program_set_up, program_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_outputs_to_files),
        TEST(test_saved_trace_gives_the_same_report),
        TEST(test_saved_trace_through_pipes),
        TEST(test_saved_trace_is_what_it_is),
        TEST(test_trace_is_strict_json),
        TEST(test_unwritable_outputs),
        TEST(test_a_full_output_leaves_the_summary_whole),
        TEST(test_a_run_that_nobody_reads_ends),
        TEST(test_temporary_folder),
        TEST(test_files_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
