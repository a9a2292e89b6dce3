// `ringside picture` and `ringside film` as a user meets them: what they write and that it is
// whole, what they say when it cannot be. What is in a picture is tested by its draw list
// (test_frames.c).
#include "render/take.h"
#include "sim/ringside.h"
#include "tests/run_program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t big_endian(const unsigned char *at)
{
    return (int64_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

// A file's bytes, at most `most`; the number of them.
static size_t read_bytes(const char *path, unsigned char *bytes, size_t most)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t got = fread(bytes, 1, most, file);
    fclose(file);
    return got;
}

static void check_png_size(const char *path, int w, int h)
{
    unsigned char bytes[24];
    assert_int_equal(read_bytes(path, bytes, sizeof bytes), sizeof bytes);
    assert_memory_equal(bytes, "\x89PNG\r\n\x1A\n", 8);
    assert_int_equal(big_endian(bytes + 16), w);
    assert_int_equal(big_endian(bytes + 20), h);
}

static void check_same(const char *one, const char *other, bool same)
{
    enum { MOST = 1 << 20 };
    unsigned char *a = malloc(MOST), *b = malloc(MOST);
    assert_true(a != NULL && b != NULL);
    size_t count = read_bytes(one, a, MOST);
    bool found = count == read_bytes(other, b, MOST) && memcmp(a, b, count) == 0;
    free(a);
    free(b);
    if (found != same)
        fail_msg("%s and %s are %s", one, other, same ? "not the same" : "the same");
}

// ---- pictures

static void a_picture_has_the_size_that_was_asked_for(void **state)
{
    (void)state;
    file_write("jobs.yaml", two_jobs);
    ASSERT_RUN(0, "", "picture", "jobs.yaml", "-o", "a.png");
    check_png_size("a.png", 1600, 900);
    ASSERT_RUN(0, "", "picture", "jobs.yaml", "-o", "b.png", "--size", "1024x640", "--at", "5ms");
    check_png_size("b.png", 1024, 640);
    assert_int_equal(program_files(), 3);
}

static void the_same_instant_is_the_same_picture(void **state)
{
    (void)state;
    file_write("jobs.yaml", two_jobs);
    ASSERT_RUN(0, "", "picture", "jobs.yaml", "-o", "a.png", "--at", "10ms");
    ASSERT_RUN(0, "", "picture", "jobs.yaml", "-o", "b.png", "--at", "10ms");
    ASSERT_RUN(0, "", "picture", "jobs.yaml", "-o", "c.png", "--at", "40ms");
    check_same("a.png", "b.png", true);
    check_same("a.png", "c.png", false);
    // Half-way through when nothing is said.
    ASSERT_RUN(0, "", "picture", "jobs.yaml", "-o", "d.png");
    ASSERT_RUN(0, "", "picture", "jobs.yaml", "-o", "e.png", "--at", "25ms");
    check_same("d.png", "e.png", true);
    ASSERT_RUN(0, "", "picture", "jobs.yaml", "-o", "f.png", "--event", "0");
    check_same("d.png", "f.png", false);
}

static void every_option_changes_the_picture(void **state)
{
    (void)state;
    static const char *const changes[][2] = {
        {"--theme", "dark"},      {"--large", "--large"},         {"--view", "machine"},
        {"--view", "now"},        {"--view", "program"},          {"--view", "timeline"},
        {"--select", "b"},        {"--zoom", "5ms..10ms"},        {"--set", "machine.cores=2"},
        {"--set", "title=Other"}, {"--beside", "machine.cores=2"}};
    file_write("jobs.yaml", two_jobs);
    ASSERT_RUN(0, "", "picture", "jobs.yaml", "-o", "a.png");
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        ASSERT_RUN(0, "", "picture", "jobs.yaml", "-o", "b.png", changes[i][0], changes[i][1]);
        check_same("a.png", "b.png", false);
    }
}

static void a_saved_trace_has_the_same_picture(void **state)
{
    (void)state;
    file_write("jobs.yaml", two_jobs);
    ASSERT_RUN(0, "", "run", "--quiet", "jobs.yaml", "--save", "jobs.trace");
    ASSERT_RUN(0, "", "picture", "jobs.yaml", "-o", "a.png", "--at", "10ms");
    ASSERT_RUN(0, "", "picture", "jobs.trace", "-o", "b.png", "--at", "10ms");
    check_same("a.png", "b.png", true);
    ASSERT_RUN(2, "saved trace", "picture", "jobs.trace", "-o", "b.png", "--seed", "2");
}

static void standard_input_is_a_file_like_any(void **state)
{
    (void)state;
    file_write("jobs.yaml", two_jobs);
    // The file's name, which the program's panel shows, is another one.
    ASSERT_RUN(0, "", "picture", "jobs.yaml", "-o", "a.png", "--view", "timeline");
    Ran ran = program_run_with((Setting){.input = two_jobs}, "picture", "-", "-o", "b.png",
                               "--view", "timeline", NULL);
    assert_int_equal(ran.status, 0);
    program_free(&ran);
    check_same("a.png", "b.png", true);
    ran = program_run_with((Setting){.input = "threads: 5\n"}, "picture", "-", "-o", "b.png", NULL);
    assert_int_equal(ran.status, 2);
    assert_contains(ran.err, "<stdin>:1:");
    program_free(&ran);
}

// A trace from standard input is bytes in memory.
static void a_take_can_be_of_bytes(void **state)
{
    (void)state;
    enum { MOST = 1 << 16 };
    file_write("jobs.yaml", two_jobs);
    ASSERT_RUN(0, "", "run", "--quiet", "jobs.yaml", "--save", "jobs.trace");
    unsigned char *bytes = malloc(MOST);
    assert_non_null(bytes);
    size_t length = read_bytes("jobs.trace", bytes, MOST);
    assert_true(length < MOST);
    char *error;
    Take *take =
        take_of_bytes("<stdin>", (const char *)bytes, length, NULL, 0, ringside_run, &error);
    assert_non_null(take);
    assert_true(take->saved);
    assert_int_equal(take->headline.makespan_ns, 50000000);
    take_free(take);
    take = take_of_bytes("<stdin>", (const char *)bytes, length - 1, NULL, 0, ringside_run, &error);
    assert_null(take);
    assert_contains(error, "error:");
    free(error);
    free(bytes);
}

static void a_picture_goes_to_standard_output(void **state)
{
    (void)state;
    file_write("jobs.yaml", two_jobs);
    ASSERT_RUN(0, "", "picture", "jobs.yaml", "-o", "a.png");
    Ran ran =
        program_run_with((Setting){.out_path = "b.png"}, "picture", "jobs.yaml", "-o", "-", NULL);
    assert_int_equal(ran.status, 0);
    program_free(&ran);
    check_same("a.png", "b.png", true);
}

static void wrong_pictures_say_what_is_wrong(void **state)
{
    (void)state;
    file_write("jobs.yaml", two_jobs);
#define WRONG(text, ...) ASSERT_RUN(2, text, "picture", __VA_ARGS__)
    WRONG("a FILE is needed", "-o", "a.png");
    WRONG("-o OUT is needed", "jobs.yaml");
    WRONG("-o jobs.yaml: a picture's name ends in .png", "jobs.yaml", "-o", "jobs.yaml");
    WRONG("only one FILE", "jobs.yaml", "jobs.yaml", "-o", "a.png");
    WRONG("missing.yaml", "missing.yaml", "-o", "a.png");
    WRONG("'12' is no time; 12ms is one", "jobs.yaml", "-o", "a.png", "--at", "12");
    WRONG("there is nothing at 51 ms: the run ends at 50 ms", "jobs.yaml", "-o", "a.png", "--at",
          "51ms");
    WRONG("'x' is no number of events", "jobs.yaml", "-o", "a.png", "--event", "x");
    WRONG("there is no event 999: the run has ", "jobs.yaml", "-o", "a.png", "--event", "999");
    WRONG("--at and --event", "jobs.yaml", "-o", "a.png", "--at", "1ms", "--event", "1");
    WRONG("'10x' is no size; 1600x900 is one", "jobs.yaml", "-o", "a.png", "--size", "10x");
    WRONG("'10x10' is no size", "jobs.yaml", "-o", "a.png", "--size", "10x10");
    WRONG("'1600x900x' is no size", "jobs.yaml", "-o", "a.png", "--size", "1600x900x");
    WRONG("'pink' is no theme", "jobs.yaml", "-o", "a.png", "--theme", "pink");
    WRONG("'all' is no view", "jobs.yaml", "-o", "a.png", "--view", "all");
    file_write("workers.yaml", random_jobs);
    WRONG("no thread is called 'worekr-1'; did you mean 'worker-1'?", "workers.yaml", "-o", "a.png",
          "--select", "worekr-1");
    WRONG("'5ms' is no part of the run", "jobs.yaml", "-o", "a.png", "--zoom", "5ms");
    WRONG("ends after it begins", "jobs.yaml", "-o", "a.png", "--zoom", "5ms..5ms");
    WRONG("nothing to zoom to: the run ends at 50 ms", "jobs.yaml", "-o", "a.png", "--zoom",
          "50ms..60ms");
    WRONG("'machine' has no key 'bores' (did you mean cores?)", "jobs.yaml", "-o", "a.png",
          "--beside", "machine.bores=1");
    WRONG("cannot write to nowhere/a.png: No such file", "jobs.yaml", "-o", "nowhere/a.png");
#undef WRONG
    assert_int_equal(program_files(), 2); // the scenarios
}

static void a_full_disk_leaves_no_picture(void **state)
{
    (void)state;
    file_write("jobs.yaml", two_jobs);
    file_write("a.png", "what was there");
    Ran ran = program_run_with((Setting){.file_bytes_max = 1000}, "picture", "jobs.yaml", "-o",
                               "a.png", NULL);
    assert_int_equal(ran.status, 2);
    assert_contains(ran.err, "cannot write to ");
    program_free(&ran);
    char *text = file_read("a.png");
    assert_string_equal(text, "what was there");
    free(text);
    assert_int_equal(program_files(), 2);
}

// ---- films

static void both_commands_explain_themselves(void **state)
{
    (void)state;
    static const char *const commands[] = {"picture", "film"};
    for (size_t i = 0; i < 2; i++) {
        Ran direct = program_run(commands[i], "--help", NULL);
        Ran asked = program_run("help", commands[i], NULL);
        assert_int_equal(direct.status, 0);
        assert_contains(direct.out, "Example");
        assert_string_equal(direct.out, asked.out);
        program_free(&direct);
        program_free(&asked);
    }
}

static void films_begin_as_their_kind_does(void **state)
{
    (void)state;
    unsigned char bytes[12];
    file_write("jobs.yaml", two_jobs);
    ASSERT_RUN(0, "", "film", "jobs.yaml", "-o", "a.gif", "--seconds", "0.3", "--size", "320x240");
    read_bytes("a.gif", bytes, sizeof bytes);
    assert_memory_equal(bytes, "GIF89a", 6);
    assert_int_equal(bytes[6] | bytes[7] << 8, 320);
    assert_int_equal(bytes[8] | bytes[9] << 8, 240);
    // Odd sides, which this kind cannot have, are made even.
    ASSERT_RUN(0, "", "film", "jobs.yaml", "-o", "a.mp4", "--seconds", "0.3", "--size", "321x241");
    read_bytes("a.mp4", bytes, sizeof bytes);
    assert_memory_equal(bytes + 4, "ftyp", 4);
    assert_int_equal(program_files(), 3);
}

static void wrong_films_say_what_is_wrong(void **state)
{
    (void)state;
    file_write("jobs.yaml", two_jobs);
#define WRONG(text, ...) ASSERT_RUN(2, text, "film", "jobs.yaml", "-o", __VA_ARGS__)
    WRONG("-o a.png: a film's name ends in .gif or .mp4", "a.png");
    WRONG("-o -: a film's name ends in .gif or .mp4", "-");
    WRONG("there is nothing to film from 60 ms to 50 ms: the run ends at 50 ms", "a.gif", "--from",
          "60ms");
    WRONG("there is nothing to film from 0 ns to 51 ms", "a.gif", "--to", "51ms");
    WRONG("'0' is no length of a film", "a.gif", "--seconds", "0");
    WRONG("'nan' is no length of a film", "a.gif", "--seconds", "nan");
    WRONG("'61': a film has 1 to 60 frames", "a.gif", "--fps", "61");
    WRONG("cannot write to nowhere/a.gif: No such file", "nowhere/a.gif");
#undef WRONG
    assert_int_equal(program_files(), 1);
}

// A program of that name in this folder, and only this folder is searched for programs.
static char *stand_in_for_ffmpeg(const char *script)
{
    char *path = strdup(getenv("PATH")), here[4096];
    assert_true(path != NULL && getcwd(here, sizeof here) != NULL);
    if (script != NULL) {
        file_write("ffmpeg", script);
        assert_int_equal(chmod("ffmpeg", 0700), 0);
    }
    setenv("PATH", here, 1);
    return path;
}

static void check_film_fails(const char *script, const char *text)
{
    file_write("jobs.yaml", two_jobs);
    char *path = stand_in_for_ffmpeg(script);
    Ran ran = program_run("film", "jobs.yaml", "-o", "a.mp4", "--seconds", "1", "--size", "320x240",
                          NULL);
    setenv("PATH", path, 1);
    free(path);
    assert_int_equal(ran.status, 2);
    assert_contains(ran.err, text);
    program_free(&ran);
    assert_int_equal(program_files(), script != NULL ? 2 : 1);
}

static void without_ffmpeg_there_is_no_film(void **state)
{
    (void)state;
    check_film_fails(NULL, "a film needs the program ffmpeg, which is not installed");
}

static void what_ffmpeg_says_is_passed_on(void **state)
{
    (void)state;
    check_film_fails("#!/bin/sh\necho 'no encoder' >&2\nexit 3\n", "ffmpeg failed: no encoder");
    check_film_fails("#!/bin/sh\nexit 3\n", "ffmpeg failed: it says nothing");
    check_film_fails("#!/bin/sh\nkill -9 $$\n", "ffmpeg was ended by a signal");
    // It reads everything, writes half a film and then fails.
    check_film_fails("#!/bin/sh\n/bin/cat >/dev/null\nfor to; do :; done\n"
                     "echo half >\"${to#file:}\"\necho 'disk full' >&2\nexit 1\n",
                     "ffmpeg failed: disk full");
    // It ends well, but has not read the frames.
    check_film_fails("#!/bin/sh\nexit 0\n", "ffmpeg ended before the film did");
}

static void sleep_ms(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

// Waits until a process, which need not be a child of ours, is gone.
static bool goes_away(pid_t process)
{
    for (int i = 0; i < 500; i++) {
        if (kill(process, 0) != 0 && errno == ESRCH)
            return true;
        sleep_ms(10);
    }
    return false;
}

// Starts a long film; a stand-in for ffmpeg tells its process number and waits for ever.
static pid_t start_long_film(pid_t *encoder)
{
    file_write("jobs.yaml", two_jobs);
    char *path = stand_in_for_ffmpeg("#!/bin/sh\necho $$ >number.new\n/bin/mv number.new number\n"
                                     "exec /bin/sleep 600\n");
    pid_t film = fork();
    if (film == 0) {
        execl(RINGSIDE_BINARY, "ringside", "film", "jobs.yaml", "-o", "a.mp4", (char *)NULL);
        _exit(127);
    }
    setenv("PATH", path, 1);
    free(path);
    for (int i = 0; i < 1000 && access("number", F_OK) != 0; i++)
        sleep_ms(10);
    char *number = file_read("number");
    assert_non_null(number);
    *encoder = (pid_t)atoi(number);
    free(number);
    return film;
}

static void an_interrupted_film_leaves_nothing(void **state)
{
    (void)state;
    static const int signals[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < 2; i++) {
        pid_t encoder, film = start_long_film(&encoder);
        kill(film, signals[i]);
        int status;
        assert_int_equal(waitpid(film, &status, 0), film);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == signals[i]);
        assert_true(goes_away(encoder));
        unlink("number");
        assert_int_equal(program_files(), 2); // the scenario and the stand-in
    }
}

#define PROGRAM_TEST(function)                                                                     \
    cmocka_unit_test_setup_teardown(function, program_set_up, program_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(a_picture_has_the_size_that_was_asked_for),
        PROGRAM_TEST(the_same_instant_is_the_same_picture),
        PROGRAM_TEST(every_option_changes_the_picture),
        PROGRAM_TEST(a_saved_trace_has_the_same_picture),
        PROGRAM_TEST(standard_input_is_a_file_like_any),
        PROGRAM_TEST(a_take_can_be_of_bytes),
        PROGRAM_TEST(a_picture_goes_to_standard_output),
        PROGRAM_TEST(wrong_pictures_say_what_is_wrong),
        PROGRAM_TEST(a_full_disk_leaves_no_picture),
        PROGRAM_TEST(both_commands_explain_themselves),
        PROGRAM_TEST(films_begin_as_their_kind_does),
        PROGRAM_TEST(wrong_films_say_what_is_wrong),
        PROGRAM_TEST(without_ffmpeg_there_is_no_film),
        PROGRAM_TEST(what_ffmpeg_says_is_passed_on),
        PROGRAM_TEST(an_interrupted_film_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
