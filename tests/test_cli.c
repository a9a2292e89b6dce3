// The command line as a user meets it: each test runs the built program with arguments and looks at
// its exit status, its two outputs and the files that it leaves. What the numbers are is tested
// where they are computed; here, that they arrive.
#include "sim/base/array.h"

#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

// One core, first come first served, no costs: a runs 0..30 ms, b 30..50 ms.
static const char two_jobs[] = "title: Two jobs on one core\n"
                               "lesson: First come, first served.\n"
                               "machine: { cores: 1, scheduler: fifo, costs: zero }\n"
                               "threads:\n"
                               "  - name: a\n"
                               "    run: [ { compute: 30ms } ]\n"
                               "  - name: b\n"
                               "    run: [ { compute: 20ms } ]\n"
                               "expect:\n"
                               "  - makespan == 50ms\n";

static const char random_jobs[] =
    "title: Random work\n"
    "machine: { cores: 2 }\n"
    "threads:\n"
    "  - name: worker\n"
    "    count: 3\n"
    "    run:\n"
    "      - repeat:\n"
    "          times: 5\n"
    "          do: [ { compute: exp(1ms) }, { sleep: exp(1ms) },\n"
    "                { print: \"quoted \\\"text\\\"\" }, { mark: lap } ]\n";

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

// ---- running the program

enum { ARGUMENTS_MAX = 16 };

typedef struct Ran {
    int status;      // exit status; 128 + the signal when one ended it
    char *out, *err; // what it wrote
} Ran;

// How the program is run besides its arguments.
typedef struct Setting {
    const char *input;     // standard input; NULL: empty
    const char *out_path;  // standard output goes there; NULL: is captured
    bool broken_pipe;      // standard output is a pipe that nobody reads
    rlim_t file_bytes_max; // files cannot grow beyond this; 0: no limit
} Setting;

static char folder[PATH_MAX]; // each test's own, and its working directory

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    ARRAY(char) text = {0};
    for (int c; (c = fgetc(file)) != EOF;)
        *ARRAY_PUSH(&text) = (char)c;
    *ARRAY_PUSH(&text) = 0;
    fclose(file);
    return text.at;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void redirect(int descriptor, const char *path, int flags)
{
    int opened = open(path, flags, 0600);
    if (opened < 0 || dup2(opened, descriptor) < 0)
        _exit(126);
    close(opened);
}

static void become_program(const Setting *setting, char **argv)
{
    redirect(STDIN_FILENO, setting->input != NULL ? "../in" : "/dev/null", O_RDONLY);
    redirect(STDERR_FILENO, "../err", O_WRONLY | O_CREAT | O_TRUNC);
    if (setting->broken_pipe) {
        int ends[2];
        if (pipe(ends) != 0 || dup2(ends[1], STDOUT_FILENO) < 0)
            _exit(126);
        close(ends[0]);
        close(ends[1]);
    } else {
        redirect(STDOUT_FILENO, setting->out_path != NULL ? setting->out_path : "../out",
                 O_WRONLY | O_CREAT | O_TRUNC);
    }
    if (setting->file_bytes_max != 0) {
        struct rlimit limit = {setting->file_bytes_max, setting->file_bytes_max};
        signal(SIGXFSZ, SIG_IGN); // then the write fails, as on a full disk
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    execv(RINGSIDE_BINARY, argv);
    _exit(127);
}

static Ran run_as(Setting setting, const char *first, va_list more)
{
    const char *argv[ARGUMENTS_MAX + 2] = {RINGSIDE_BINARY};
    int count = 1;
    for (const char *word = first; word != NULL; word = va_arg(more, const char *)) {
        assert_true(count <= ARGUMENTS_MAX);
        argv[count++] = word;
    }
    unlink("../out");
    if (setting.input != NULL)
        write_file("../in", setting.input);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        become_program(&setting, (char **)argv);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    Ran ran = {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
               read_file("../out"), read_file("../err")};
    return ran;
}

// Arguments end with NULL.
static Ran run_set(Setting setting, const char *first, ...)
{
    va_list more;
    va_start(more, first);
    Ran ran = run_as(setting, first, more);
    va_end(more);
    return ran;
}

static Ran run(const char *first, ...)
{
    va_list more;
    va_start(more, first);
    Ran ran = run_as((Setting){0}, first, more);
    va_end(more);
    return ran;
}

static void ran_free(Ran *ran)
{
    free(ran->out);
    free(ran->err);
}

static void assert_contains(const char *text, const char *part)
{
    assert_non_null(text);
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, text);
}

// Runs and expects this status, and this text in what it says on standard error ("" for silence).
#define ASSERT_RUN(expected_status, expected_error, ...)                                           \
    do {                                                                                           \
        Ran checked = run(__VA_ARGS__, NULL);                                                      \
        if (checked.status != (expected_status))                                                   \
            fail_msg("status %d, expected %d; it said:\n%s", checked.status, (expected_status),    \
                     checked.err);                                                                 \
        if (*(expected_error) == 0)                                                                \
            assert_string_equal(checked.err, "");                                                  \
        else                                                                                       \
            assert_contains(checked.err, (expected_error));                                        \
        ran_free(&checked);                                                                        \
    } while (0)

static json_t *parse_json(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL)
        fail_msg("line %d, column %d: %s in:\n%.2000s", error.line, error.column, error.text, text);
    return json;
}

static int64_t json_int(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        fail_msg("no integer '%s'", key);
    return json_integer_value(value);
}

static const char *json_text(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value))
        fail_msg("no text '%s'", key);
    return json_string_value(value);
}

static const json_t *json_item(const json_t *object, const char *key, size_t index)
{
    const json_t *item = json_array_get(json_object_get(object, key), index);
    if (item == NULL)
        fail_msg("no item %zu in '%s'", index, key);
    return item;
}

// How many entries the test's folder has: temporary files must not stay.
static int count_entry(const char *path, const struct stat *status, int type, struct FTW *at);
static int entries;

static int count_files(void)
{
    entries = 0;
    nftw(".", count_entry, 8, FTW_PHYS);
    return entries - 1; // but the folder itself
}

static int count_entry(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)path, (void)status, (void)type, (void)at;
    entries++;
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/ringside-cli-XXXXXX");
    return mkdtemp(folder) == NULL || chdir(folder) != 0 || mkdir("files", 0700) != 0 ||
           chdir("files") != 0;
}

static int tear_down(void **state)
{
    (void)state;
    return chdir("/") != 0 || nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS) != 0;
}

// ---- the command table

static void test_version_and_help(void **state)
{
    (void)state;
    Ran ran = run("--version", NULL);
    assert_int_equal(ran.status, 0);
    assert_memory_equal(ran.out, "ringside ", 9);
    ran_free(&ran);
    ran = run("--help", NULL);
    assert_int_equal(ran.status, 0);
    assert_contains(ran.out, "check");
    ran_free(&ran);
    // Without arguments the same text is an answer to a mistake.
    ran = run(NULL);
    assert_int_equal(ran.status, 2);
    assert_string_equal(ran.out, "");
    assert_contains(ran.err, "Commands:");
    ran_free(&ran);
}

static void test_every_command_explains_itself(void **state)
{
    (void)state;
    const char *const commands[] = {"run", "check", "list", "schema"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        Ran direct = run(commands[i], "--help", NULL), asked = run("help", commands[i], NULL);
        assert_int_equal(direct.status, 0);
        assert_contains(direct.out, "Example");
        assert_string_equal(direct.out, asked.out);
        ran_free(&direct);
        ran_free(&asked);
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
    write_file("jobs.yaml", two_jobs);
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
    write_file("good.yaml", two_jobs);
    write_file("wrong.yaml", wrong);
    Ran ran = run("check", "good.yaml", NULL);
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.out, "good.yaml: ok\n");
    assert_string_equal(ran.err, "");
    ran_free(&ran);
    // Line 4, and "50" begins behind `    run: [ { compute: `, which is 22 characters.
    ran = run("check", "wrong.yaml", "good.yaml", NULL);
    assert_int_equal(ran.status, 2);
    assert_string_equal(ran.out, "good.yaml: ok\n");
    assert_contains(ran.err, "wrong.yaml:4:23: error: ");
    assert_contains(ran.err, "^~");
    assert_null(strchr(ran.err, '\033'));
    ran_free(&ran);
    ran = run_set((Setting){.input = two_jobs}, "check", "-", NULL);
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    ran = run_set((Setting){.input = wrong}, "check", "-", NULL);
    assert_int_equal(ran.status, 2);
    assert_contains(ran.err, ":4:23: error: ");
    ran_free(&ran);
    ASSERT_RUN(2, "machine.coers", "check", "good.yaml", "--set", "machine.coers=2");
    ASSERT_RUN(0, "", "check", "good.yaml", "--set", "machine.cores=2", "--quiet");
}

// ---- run

static void test_run_prints_a_summary(void **state)
{
    (void)state;
    write_file("jobs.yaml", two_jobs);
    Ran ran = run("run", "jobs.yaml", NULL);
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.err, "");
    assert_contains(ran.out, "Two jobs on one core");
    assert_contains(ran.out, "50 ms");
    assert_null(strchr(ran.out, '\033'));
    Ran short_form = run("jobs.yaml", NULL);
    assert_int_equal(short_form.status, 0);
    assert_string_equal(short_form.out, ran.out);
    ran_free(&short_form);
    ran_free(&ran);
    ran = run("run", "--quiet", "jobs.yaml", NULL);
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.out, "");
    assert_string_equal(ran.err, "");
    ran_free(&ran);
}

static void test_run_json(void **state)
{
    (void)state;
    write_file("jobs.yaml", two_jobs);
    Ran ran = run("run", "jobs.yaml", "--json", NULL);
    assert_int_equal(ran.status, 0);
    json_t *json = parse_json(ran.out);
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
    ran_free(&ran);
}

static void test_run_standard_input(void **state)
{
    (void)state;
    Ran ran = run_set((Setting){.input = two_jobs}, "run", "-", "--json", NULL);
    assert_int_equal(ran.status, 0);
    json_t *json = parse_json(ran.out);
    assert_int_equal(json_int(json, "makespan_ns"), 50000000);
    json_decref(json);
    ran_free(&ran);
}

static void test_failed_expectation(void **state)
{
    (void)state;
    write_file("jobs.yaml", two_jobs);
    // On two cores both begin at once and the longer one takes 30 ms.
    Ran ran = run("run", "jobs.yaml", "--set", "machine.cores=2", "--json", NULL);
    assert_int_equal(ran.status, 1);
    assert_contains(ran.err, "jobs.yaml:10:");
    assert_contains(ran.err, "makespan == 50ms");
    assert_contains(ran.err, "30 ms");
    json_t *json = parse_json(ran.out);
    assert_int_equal(json_int(json, "makespan_ns"), 30000000);
    assert_true(json_is_false(json_object_get(json_item(json, "expect", 0), "holds")));
    json_decref(json);
    ran_free(&ran);
    ASSERT_RUN(1, "makespan", "run", "jobs.yaml", "--set=machine.cores=2", "--quiet");
    ASSERT_RUN(2, "machine.coers", "run", "jobs.yaml", "--set", "machine.coers=2");
    ASSERT_RUN(2, "nonsense", "run", "jobs.yaml", "--set", "nonsense");
    ASSERT_RUN(2, "soon", "run", "jobs.yaml", "--until", "soon");
    ASSERT_RUN(2, "x1", "run", "jobs.yaml", "--seed", "x1");
}

static char *trace_hash(const char *seed)
{
    Ran ran = run("run", "random.yaml", "--json", "--seed", seed, NULL);
    assert_int_equal(ran.status, 0);
    json_t *json = parse_json(ran.out);
    char *hash = strdup(json_text(json, "trace_hash"));
    assert_int_equal(json_int(json, "seed"), atoi(seed));
    json_decref(json);
    ran_free(&ran);
    return hash;
}

static void test_seed(void **state)
{
    (void)state;
    write_file("random.yaml", random_jobs);
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
    write_file("jobs.yaml", two_jobs);
    Ran ran = run("run", "jobs.yaml", "--until", "10ms", "--json", NULL);
    assert_int_equal(ran.status, 1); // the makespan is not 50 ms then
    json_t *json = parse_json(ran.out);
    assert_string_equal(json_text(json, "end"), "until");
    assert_int_equal(json_int(json, "ended_ns"), 10000000);
    json_decref(json);
    ran_free(&ran);
}

static void test_deadlock(void **state)
{
    (void)state;
    write_file("deadlock.yaml", deadlock);
    Ran ran = run("run", "deadlock.yaml", "--json", NULL);
    assert_int_equal(ran.status, 1);
    assert_contains(ran.err, "deadlock at 1 ms: ");
    assert_contains(ran.err, "first waits for lock y, which second holds");
    assert_contains(ran.err, "second waits for lock x, which first holds");
    json_t *json = parse_json(ran.out);
    assert_string_equal(json_text(json, "end"), "deadlock");
    assert_int_equal(json_int(json, "deadlocked"), 2);
    json_decref(json);
    ran_free(&ran);
    // A scenario that says so is about its deadlock.
    FILE *file = fopen("deadlock.yaml", "a");
    assert_non_null(file);
    fputs("expect: [ deadlocked == 2 ]\n", file);
    fclose(file);
    ASSERT_RUN(0, "", "run", "deadlock.yaml", "--quiet");
}

static void test_limit(void **state)
{
    (void)state;
    write_file("endless.yaml", endless);
    Ran ran = run("run", "endless.yaml", "--json", NULL);
    assert_int_equal(ran.status, 1);
    assert_contains(ran.err, "events");
    assert_contains(ran.err, "--set limits.events="); // the way to raise it
    json_t *json = parse_json(ran.out);
    assert_string_equal(json_text(json, "end"), "limit");
    assert_string_equal(json_text(json, "limit"), "events");
    assert_int_equal(json_int(json, "events"), 1000);
    json_decref(json);
    ran_free(&ran);
}

static void test_narrate(void **state)
{
    (void)state;
    write_file("jobs.yaml", two_jobs);
    Ran ran = run("run", "jobs.yaml", "--narrate", NULL);
    assert_int_equal(ran.status, 0);
    assert_contains(ran.out, "core 0 switches to a");
    assert_contains(ran.out, "core 0 switches to b");
    assert_contains(ran.out, "b ends");
    ran_free(&ran);
}

static void test_csv(void **state)
{
    (void)state;
    write_file("jobs.yaml", two_jobs);
    Ran ran = run("run", "jobs.yaml", "--csv", NULL);
    assert_int_equal(ran.status, 0);
    assert_contains(ran.out, "turnaround_ns");
    assert_contains(ran.out, "50000000");
    ran_free(&ran);
}

static void test_outputs_to_files(void **state)
{
    (void)state;
    write_file("jobs.yaml", two_jobs);
    assert_int_equal(symlink("target.json", "link.json"), 0);
    write_file("target.json", "old");
    Ran ran = run("run", "jobs.yaml", "--json=link.json", "--csv=out.csv", "--narrate=out.txt",
                  "--trace", "trace.json", "--save", "out.trace", NULL);
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.err, "");
    assert_contains(ran.out, "Two jobs on one core"); // the summary still has standard output
    ran_free(&ran);
    // jobs.yaml, link.json, target.json, out.csv, out.txt, trace.json, out.trace.
    assert_int_equal(count_files(), 7);
    struct stat status;
    assert_int_equal(lstat("link.json", &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    char *json_text = read_file("target.json"), *trace_text = read_file("trace.json");
    json_decref(parse_json(json_text));
    json_decref(parse_json(trace_text));
    free(json_text);
    free(trace_text);
}

// ---- saved traces

static void assert_same_report(const char *format)
{
    Ran ran = run("run", "random.yaml", "--set", "machine.cores=1", "--seed", "5", "--save",
                  "saved.trace", format, NULL);
    assert_int_equal(ran.status, 0);
    unlink("random.yaml"); // all that is needed is in the file
    Ran read = run("run", "saved.trace", format, NULL);
    assert_int_equal(read.status, 0);
    assert_string_equal(read.err, "");
    if (strcmp(format, "--json") == 0) {
        json_t *simulated = parse_json(ran.out), *saved = parse_json(read.out);
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
    ran_free(&ran);
    ran_free(&read);
}

static void test_saved_trace_gives_the_same_report(void **state)
{
    (void)state;
    const char *const formats[] = {"--json", "--csv", "--narrate", "--trace=-"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        write_file("random.yaml", random_jobs);
        assert_same_report(formats[i]);
    }
}

static void test_saved_trace_through_pipes(void **state)
{
    (void)state;
    write_file("jobs.yaml", two_jobs);
    Ran ran =
        run_set((Setting){.out_path = "piped.trace"}, "run", "jobs.yaml", "--save", "-", NULL);
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.err, "");
    ran_free(&ran);
    ASSERT_RUN(0, "", "run", "piped.trace", "--quiet");
    ASSERT_RUN(0, "", "run", "jobs.yaml", "--save", "/dev/null", "--quiet");
    struct stat status;
    assert_int_equal(stat("/dev/null", &status), 0);
    assert_true(S_ISCHR(status.st_mode));
}

static void test_saved_trace_is_what_it_is(void **state)
{
    (void)state;
    write_file("jobs.yaml", two_jobs);
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
    write_file("random.yaml", random_jobs);
    ASSERT_RUN(0, "", "run", "random.yaml", "--trace", "out.json", "--quiet");
    char *text = read_file("out.json");
    json_t *json = parse_json(text);
    assert_true(json_array_size(json_object_get(json, "traceEvents")) > 10);
    json_decref(json);
    free(text);
}

// ---- what can go wrong with outputs

static void test_unwritable_outputs(void **state)
{
    (void)state;
    write_file("jobs.yaml", two_jobs);
    ASSERT_RUN(2, "/nowhere/x", "run", "jobs.yaml", "--json=/nowhere/x");
    ASSERT_RUN(2, "/nowhere/x", "run", "jobs.yaml", "--trace", "/nowhere/x");
    ASSERT_RUN(2, "/nowhere/x", "run", "jobs.yaml", "--save", "/nowhere/x");
    ASSERT_RUN(2, "/dev/full", "run", "jobs.yaml", "--json=/dev/full");
    ASSERT_RUN(2, "/dev/full", "run", "jobs.yaml", "--trace", "/dev/full");
    ASSERT_RUN(2, "/dev/full", "run", "jobs.yaml", "--save", "/dev/full");
    assert_int_equal(count_files(), 1);
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
        Ran full = run_set((Setting){.out_path = "/dev/full"}, words[0], words[1], words[2], NULL);
        assert_int_equal(full.status, 2);
        assert_contains(full.err, "standard output: No space left on device");
        ran_free(&full);
        Ran broken = run_set((Setting){.broken_pipe = true}, words[0], words[1], words[2], NULL);
        assert_int_equal(broken.status, 2);
        assert_contains(broken.err, "standard output: Broken pipe");
        ran_free(&broken);
    }
}

static void test_files_whole_or_not_at_all(void **state)
{
    (void)state;
    write_file("random.yaml", random_jobs);
    const char *const options[] = {"--json=out", "--narrate=out", "--trace=out", "--save=out"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        write_file("out", "what was there before");
        Ran ran = run_set((Setting){.file_bytes_max = 1024}, "run", "random.yaml", "--quiet",
                          options[i], NULL);
        assert_int_equal(ran.status, 2);
        assert_contains(ran.err, "File too large");
        ran_free(&ran);
        char *text = read_file("out");
        assert_string_equal(text, "what was there before");
        free(text);
        assert_int_equal(count_files(), 2);
    }
}

// ---- shipped scenarios

static void test_list(void **state)
{
    (void)state;
    assert_int_equal(mkdir("book", 0700), 0);
    assert_int_equal(mkdir("book/10-late", 0700), 0);
    assert_int_equal(mkdir("book/9-early", 0700), 0);
    write_file("book/README.md", "no scenario");
    write_file("book/10-late/two-jobs.yaml", two_jobs);
    write_file("book/9-early/random.yaml", random_jobs);
    Ran ran = run("list", "--folder", "book", NULL);
    assert_int_equal(ran.status, 0);
    // By chapter's number; without a lesson, the title.
    assert_string_equal(ran.out, "9 early\n"
                                 "  random    Random work\n"
                                 "\n"
                                 "10 late\n"
                                 "  two-jobs  First come, first served.\n");
    ran_free(&ran);
    ran = run("list", "--folder", "book", "--names", NULL);
    assert_string_equal(ran.out, "9-early/random\n10-late/two-jobs\n");
    ran_free(&ran);
    ran = run("list", "--folder", "book", "--names", "10", NULL);
    assert_string_equal(ran.out, "10-late/two-jobs\n");
    ran_free(&ran);
    ASSERT_RUN(2, "no chapter '7'", "list", "--folder", "book", "7");
    ASSERT_RUN(2, "nowhere", "list", "--folder", "nowhere");
    write_file("book/9-early/wrong.yaml", wrong);
    ran = run("list", "--folder", "book", NULL);
    assert_int_equal(ran.status, 2);
    assert_contains(ran.out, "not a scenario");
    ran_free(&ran);
}

static void test_shipped_scenarios_by_name(void **state)
{
    (void)state;
    Ran names = run("list", "--names", NULL);
    assert_int_equal(names.status, 0);
    char *line = strtok(names.out, "\n");
    assert_non_null(line);
    char *short_name = strchr(line, '/') + 1;
    ASSERT_RUN(0, "", "check", "--quiet", line);
    ASSERT_RUN(0, "", "check", "--quiet", short_name);
    Ran ran = run("run", "--quiet", short_name, NULL);
    assert_in_range(ran.status, 0, 1); // whether it keeps its expectations is tested elsewhere
    ran_free(&ran);
    char almost[256];
    snprintf(almost, sizeof almost, "did you mean '%s'?", short_name);
    char mistyped[256];
    snprintf(mistyped, sizeof mistyped, "%sx", short_name);
    ASSERT_RUN(2, almost, "run", mistyped);
    ran_free(&names);
}

static void test_schema(void **state)
{
    (void)state;
    Ran ran = run("schema", NULL);
    assert_int_equal(ran.status, 0);
    json_t *json = parse_json(ran.out);
    assert_non_null(json_object_get(json, "$schema"));
    json_decref(json);
    ran_free(&ran);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
        TEST(test_narrate),
        TEST(test_csv),
        TEST(test_outputs_to_files),
        TEST(test_saved_trace_gives_the_same_report),
        TEST(test_saved_trace_through_pipes),
        TEST(test_saved_trace_is_what_it_is),
        TEST(test_trace_is_strict_json),
        TEST(test_unwritable_outputs),
        TEST(test_files_whole_or_not_at_all),
        TEST(test_list),
        TEST(test_shipped_scenarios_by_name),
        TEST(test_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
