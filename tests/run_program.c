#include "tests/run_program.h"

#include "sim/base/array.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 16 };

const char two_jobs[] = "title: Two jobs on one core\n"
                        "lesson: First come, first served.\n"
                        "machine: { cores: 1, scheduler: fifo, costs: zero }\n"
                        "threads:\n"
                        "  - name: a\n"
                        "    run: [ { compute: 30ms } ]\n"
                        "  - name: b\n"
                        "    run: [ { compute: 20ms } ]\n"
                        "expect:\n"
                        "  - makespan == 50ms\n";

const char random_jobs[] = "title: Random work\n"
                           "machine: { cores: 2 }\n"
                           "threads:\n"
                           "  - name: worker\n"
                           "    count: 3\n"
                           "    run:\n"
                           "      - repeat:\n"
                           "          times: 5\n"
                           "          do: [ { compute: exp(1ms) }, { sleep: exp(1ms) },\n"
                           "                { print: \"quoted \\\"text\\\"\" }, { mark: lap } ]\n";

static char folder[PATH_MAX]; // each test's own, and its working directory

char *file_read(const char *path)
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

void file_write(const char *path, const char *text)
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

static Ran start(Setting setting, const char *first, va_list more)
{
    const char *argv[ARGUMENTS_MAX + 2] = {RINGSIDE_BINARY};
    int count = 1;
    for (const char *word = first; word != NULL; word = va_arg(more, const char *)) {
        assert_true(count <= ARGUMENTS_MAX);
        argv[count++] = word;
    }
    unlink("../out");
    if (setting.input != NULL)
        file_write("../in", setting.input);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        become_program(&setting, (char **)argv);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    Ran ran = {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
               file_read("../out"), file_read("../err")};
    return ran;
}

Ran program_run_with(Setting setting, const char *first, ...)
{
    va_list more;
    va_start(more, first);
    Ran ran = start(setting, first, more);
    va_end(more);
    return ran;
}

Ran program_run(const char *first, ...)
{
    va_list more;
    va_start(more, first);
    Ran ran = start((Setting){0}, first, more);
    va_end(more);
    return ran;
}

void program_free(Ran *ran)
{
    free(ran->out);
    free(ran->err);
}

void assert_contains(const char *text, const char *part)
{
    assert_non_null(text);
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, text);
}

json_t *json_parse(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL)
        fail_msg("line %d, column %d: %s in:\n%.2000s", error.line, error.column, error.text, text);
    return json;
}

int64_t json_int(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        fail_msg("no integer '%s'", key);
    return json_integer_value(value);
}

const char *json_text(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value))
        fail_msg("no text '%s'", key);
    return json_string_value(value);
}

const json_t *json_item(const json_t *object, const char *key, size_t index)
{
    const json_t *item = json_array_get(json_object_get(object, key), index);
    if (item == NULL)
        fail_msg("no item %zu in '%s'", index, key);
    return item;
}

static int count_entry(const char *path, const struct stat *status, int type, struct FTW *at);
static int entries;

int program_files(void)
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

int program_set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/ringside-cli-XXXXXX");
    return mkdtemp(folder) == NULL || chdir(folder) != 0 || mkdir("files", 0700) != 0 ||
           chdir("files") != 0;
}

int program_tear_down(void **state)
{
    (void)state;
    return chdir("/") != 0 || nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS) != 0;
}
