// The order of everything that asyncio orders is CPython's: random programs run in the simulator
// and, printed as Python, in an interpreter with its own asyncio on a virtual clock (see
// differential/virtual_loop.py). What they print, and when, must be the same to the nanosecond.
//
// By hand with other programs, or another interpreter:
//   RINGSIDE_DIFFERENTIAL_SEED=1000 RINGSIDE_DIFFERENTIAL_COUNT=5000 RINGSIDE_PYTHON=python3.12
#include "sim/scenario/python_text.h"
#include "tests/asyncio_program.h"
#include "tests/recorded.h"
#include "tests/stream_program.h"
#include "tests/sync_laws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { COUNT_DEFAULT = 600, PROGRAM_BYTES = 1 << 16 };

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value == NULL || *value == '\0' ? otherwise : value;
}

// The interpreter's minor version; 0 when there is none that will do.
static int python_minor(const char *python)
{
    char command[512];
    snprintf(command, sizeof command,
             "%s -c 'import sys; print(sys.version_info[1] * (sys.version_info[0] == 3))' "
             "2>/dev/null",
             python);
    FILE *pipe = popen(command, "r");
    int minor = 0;
    if (pipe != NULL && fscanf(pipe, "%d", &minor) != 1)
        minor = 0;
    if (pipe != NULL)
        pclose(pipe);
    return minor > 13 ? 13 : minor < 8 ? 0 : minor;
}

// ---- the simulator's side

static void append(char **text, size_t *length, const char *part)
{
    size_t more = strlen(part);
    *text = realloc(*text, *length + more + 1);
    assert_non_null(*text);
    memcpy(*text + *length, part, more + 1);
    *length += more;
}

// What the run prints, as virtual_loop.py says it. The caller frees.
static char *simulated_prints(const Simulated *run)
{
    char *text = NULL, line[256];
    size_t length = 0;
    append(&text, &length, "");
    for (uint64_t i = 0; i < run->memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run->memory, i);
        if (record->kind != EVENT_PRINT)
            continue;
        snprintf(line, sizeof line, "%lld %s\n", (long long)record->time_ns,
                 scenario_string(&run->scenario, (StringId){(uint32_t)record->a}));
        append(&text, &length, line);
    }
    if (run->result.end == END_DEADLOCK)
        append(&text, &length, "stuck\n");
    else if (run->result.end != END_DONE)
        append(&text, &length, end_reason_text(run->result.end));
    return text;
}

// ---- both

static char *prints[1 << 20];

// What must hold of locks and the like in any run.
static void check_laws(const Simulated *run)
{
    static SyncLaws laws;
    memset(&laws, 0, sizeof laws);
    for (uint64_t i = 0; i < run->memory.count; i++) {
        const char *violated =
            sync_laws_add(&laws, &run->scenario, memory_sink_at(&run->memory, i));
        if (violated != NULL)
            fail_msg("%s", violated);
    }
}

// What the simulator prints of a scenario, and its program to `file`.
static char *write_program(FILE *file, uint64_t number, const char *yaml)
{
    Simulated run;
    simulate(&run, yaml);
    char *printed = simulated_prints(&run);
    if (run.scenario.sync_count <= SYNC_LAWS_MAX)
        check_laws(&run);
    Arena arena = {0};
    Diag diag = {0};
    const char *text = python_text(&run.scenario, (ProcessId){1}, &arena, &diag);
    if (text == NULL)
        fail_msg("%s", diag_text(&diag));
    fprintf(file, "#### %llu\n%s", (unsigned long long)number, text);
    arena_free(&arena);
    diag_free(&diag);
    simulated_free(&run);
    return printed;
}

typedef void (*Generator)(uint64_t seed, int minor, char *text, size_t room);

static void write_random(FILE *file, Generator generate, uint64_t first, uint64_t count, int minor)
{
    char *yaml = malloc(PROGRAM_BYTES);
    assert_non_null(yaml);
    for (uint64_t i = 0; i < count; i++) {
        generate(first + i, minor, yaml, PROGRAM_BYTES);
        prints[i] = write_program(file, first + i, yaml);
    }
    free(yaml);
}

// Whether a shipped scenario is one of the event loop that says what it prints, takes no time but
// its own, and has nothing that the virtual loop has not: a world outside, several programs. One
// that is stuck would be so in CPython for ever.
static bool fits(const char *path, const char *yaml, int minor)
{
    static const char *const unfit[] = {"pipes:", "processes:", "deadlocked",
                                        "loop: ", "threadsafe"};
    for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++)
        if (strstr(yaml, unfit[i]) != NULL)
            return false;
    return strstr(path, "/7-") != NULL && strstr(yaml, "printed ==") != NULL &&
           strstr(yaml, "costs: zero") != NULL &&
           (minor >= 11 || strstr(yaml, "task_group") == NULL) &&
           (minor >= 9 || strstr(yaml, "to_thread") == NULL);
}

// The same scenario for the CPython at hand, which is none with a longer name.
static void set_version(char *yaml, int minor)
{
    static const char written[] = "cpython-3.12";
    for (char *at = yaml; (at = strstr(at, written)) != NULL; at++) {
        char name[24];
        size_t length = (size_t)snprintf(name, sizeof name, "cpython-3.%d", minor);
        assert_true(length < sizeof written);
        memcpy(at, name, length);
        memmove(at + length, at + sizeof written - 1, strlen(at + sizeof written - 1) + 1);
    }
}

static uint64_t write_shipped(FILE *file, int minor)
{
    glob_t paths;
    uint64_t count = 0;
    shipped_paths(&paths);
    for (size_t i = 0; i < paths.gl_pathc; i++) {
        char *yaml = shipped_text(paths.gl_pathv[i]);
        if (fits(paths.gl_pathv[i], yaml, minor)) {
            set_version(yaml, minor);
            prints[count] = write_program(file, count, yaml);
            count++;
        }
        free(yaml);
    }
    globfree(&paths);
    return count;
}

// Reads one program's lines, up to the next one's number (kept in `line`).
static char *python_prints(FILE *pipe, char *line, size_t room)
{
    char *text = NULL;
    size_t length = 0;
    append(&text, &length, "");
    while (fgets(line, (int)room, pipe) != NULL && strncmp(line, "#### ", 5) != 0)
        append(&text, &length, line);
    return text;
}

// Runs the programs of `path` in CPython and compares; removes the file. Returns the lines printed.
static uint64_t compare(const char *python, const char *path, uint64_t first, uint64_t count)
{
    char command[1024], line[1024];
    uint64_t wrong = 0, lines = 0, close_calls = 0;
    snprintf(command, sizeof command,
             "%s " RINGSIDE_SOURCE_DIR "/tests/differential/virtual_loop.py %s", python, path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(line, sizeof line, pipe));
    for (uint64_t i = 0; i < count; i++) {
        assert_int_equal(strtoull(line + 5, NULL, 10), first + i);
        char *expected = python_prints(pipe, line, sizeof line);
        for (const char *c = expected; *c != '\0'; c++)
            lines += *c == '\n';
        size_t length = strlen(expected);
        if (length >= 6 && strcmp(expected + length - 6, "close\n") == 0)
            close_calls++; // nobody can say which of two threads was first
        else if (strcmp(expected, prints[i]) != 0 && ++wrong <= 3)
            print_message("program %llu: CPython prints\n%sthe simulator\n%s",
                          (unsigned long long)(first + i), expected, prints[i]);
        free(expected);
        free(prints[i]);
    }
    pclose(pipe);
    unlink(path);
    if (close_calls * 10 > count)
        fail_msg("%llu of %llu programs are too close to call", (unsigned long long)close_calls,
                 (unsigned long long)count);
    if (wrong > 0)
        fail_msg("%llu of %llu programs differ", (unsigned long long)wrong,
                 (unsigned long long)count);
    return lines;
}

static const char *python;
static int minor;

static FILE *open_file(char path[static 40])
{
    strcpy(path, "/tmp/ringside-differential-XXXXXX");
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    FILE *file = fdopen(descriptor, "w");
    assert_non_null(file);
    return file;
}

static void need_python(void)
{
    python = setting("RINGSIDE_PYTHON", "python3");
    minor = python_minor(python);
    if (minor == 0) {
        print_message("no CPython of 3.8 or later: %s\n", python);
        skip();
    }
}

static void compare_random(Generator generate)
{
    need_python();
    uint64_t first = strtoull(setting("RINGSIDE_DIFFERENTIAL_SEED", "1"), NULL, 10);
    uint64_t count = strtoull(setting("RINGSIDE_DIFFERENTIAL_COUNT", "0"), NULL, 10);
    count = count == 0 ? COUNT_DEFAULT : count;
    assert_true(count <= sizeof prints / sizeof *prints);
    char path[40];
    FILE *file = open_file(path);
    write_random(file, generate, first, count, minor);
    fclose(file);
    uint64_t lines = compare(python, path, first, count);
    print_message("%llu programs, %llu lines, as CPython 3.%d prints them\n",
                  (unsigned long long)count, (unsigned long long)lines, minor);
    assert_true(lines > 5 * count); // they do say something
}

static void random_programs(void **state)
{
    (void)state;
    compare_random(asyncio_program);
}

// The same, with tasks that begin as they are made.
static void random_eager_programs(void **state)
{
    (void)state;
    need_python();
    if (minor < 12) {
        print_message("no eager tasks before CPython 3.12: %s\n", python);
        skip();
    }
    compare_random(asyncio_eager_program);
}

// Its pipes are real ones, and what epoll says of them is the kernel's.
static void random_streams(void **state)
{
    (void)state;
    compare_random(stream_program);
}

static void shipped_scenarios(void **state)
{
    (void)state;
    need_python();
    char path[40];
    FILE *file = open_file(path);
    uint64_t count = write_shipped(file, minor);
    fclose(file);
    assert_true(count >= 5);
    compare(python, path, 0, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_programs),
        cmocka_unit_test(random_eager_programs),
        cmocka_unit_test(random_streams),
        cmocka_unit_test(shipped_scenarios),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
