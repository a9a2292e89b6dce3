// Running the built program as a user does, in a folder of its own, for tests of the command line.
// They are cmocka's: what goes wrong here fails the test.
#pragma once
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

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

// Scenarios to run. One core, first come first served, no costs: a runs 0..30 ms, b 30..50 ms; and
// three threads that compute, sleep, print and mark at random.
extern const char two_jobs[], random_jobs[];

// Before and after each test: its own folder, which is the working directory.
int program_set_up(void **state);
int program_tear_down(void **state);
// How many entries the folder has: temporary files must not stay.
int program_files(void);

// Arguments end with NULL. What it returns is freed with program_free.
Ran program_run(const char *first, ...);
Ran program_run_with(Setting setting, const char *first, ...);
void program_free(Ran *ran);

// The file's text, which the caller frees; NULL when it cannot be read.
char *file_read(const char *path);
void file_write(const char *path, const char *text);

void assert_contains(const char *text, const char *part);

json_t *json_parse(const char *text);
int64_t json_int(const json_t *object, const char *key);
const char *json_text(const json_t *object, const char *key);
const json_t *json_item(const json_t *object, const char *key, size_t index);

// Runs and expects this status, and this text in what it says on standard error ("" for silence).
#define ASSERT_RUN(expected_status, expected_error, ...)                                           \
    do {                                                                                           \
        Ran checked = program_run(__VA_ARGS__, NULL);                                              \
        if (checked.status != (expected_status))                                                   \
            fail_msg("status %d, expected %d; it said:\n%s", checked.status, (expected_status),    \
                     checked.err);                                                                 \
        if (*(expected_error) == 0)                                                                \
            assert_string_equal(checked.err, "");                                                  \
        else                                                                                       \
            assert_contains(checked.err, (expected_error));                                        \
        program_free(&checked);                                                                    \
    } while (0)
