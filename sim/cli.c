#include "sim/cli.h"

#include "sim/base/array.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void cli_parse(const struct argp *argp, int argc, char **argv, void *input)
{
    argp_err_exit_status = CLI_WRONG;
    // With exit on errors and for --help, a return means success.
    argp_parse(argp, argc, argv, 0, NULL, input);
}

// Standard output's failure is reported once.
static bool output_failed;

bool cli_colour(FILE *stream)
{
    const char *no_color = getenv("NO_COLOR");
    return (no_color == NULL || no_color[0] == 0) && isatty(fileno(stream));
}

int cli_wrong(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fputs("ringside: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    return CLI_WRONG;
}

void cli_note(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fputs("ringside: note: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
}

// Writes one line of messages, with its "error:" or "warning:" coloured.
static void show_line(const char *line, size_t length)
{
    static const struct {
        const char *word, *colour;
    } words[] = {
        {": error: ", "\033[1;31m"}, {": warning: ", "\033[1;35m"}, {": note: ", "\033[1;36m"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const char *found = memmem(line, length, words[i].word, strlen(words[i].word));
        if (found == NULL)
            continue;
        size_t before = (size_t)(found - line), word = strlen(words[i].word) - 3;
        fprintf(stderr, "\033[1m%.*s:\033[0m %s%.*s\033[0m%.*s", (int)before, line, words[i].colour,
                (int)word, found + 2, (int)(length - before - word - 2), found + 2 + word);
        return;
    }
    fwrite(line, 1, length, stderr);
}

void cli_show(Diag *diag)
{
    const char *text = diag_text(diag);
    if (diag->path == NULL && diag->first == diag->last)
        fputs("ringside: ", stderr); // not about a file
    if (!cli_colour(stderr)) {
        fputs(text, stderr);
        return;
    }
    while (*text != 0) {
        size_t length = strcspn(text, "\n");
        show_line(text, length);
        fputc('\n', stderr);
        text += length + (text[length] == '\n');
    }
}

// Why a write failed earlier is forgotten by now; the same refusal tells it again. Should the byte
// get through, it does no harm: the output has a hole already.
static int output_errno(void)
{
    return write(STDOUT_FILENO, "\n", 1) < 0 ? errno : EIO;
}

bool cli_flush_output(void)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    int error = errno != 0 ? errno : output_errno();
    if (!output_failed && error != EPIPE)
        cli_wrong("cannot write to standard output: %s", strerror(error));
    output_failed = true;
    return false;
}

char *cli_read(Arena *arena, const char *path, size_t *length, Diag *diag)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *stream = standard ? stdin : fopen(path, "rb");
    ARRAY(char) bytes = {0};
    char chunk[1 << 14];
    size_t got = 0;
    while (stream != NULL && (got = fread(chunk, 1, sizeof chunk, stream)) > 0) {
        size_t used = bytes.count;
        while (bytes.count < used + got)
            *ARRAY_PUSH(&bytes) = 0;
        memcpy(bytes.at + used, chunk, got);
    }
    bool good = stream != NULL && !ferror(stream);
    if (!good)
        diag_fail(diag, (SourceAt){0}, "cannot read %s: %s", standard ? "standard input" : path,
                  strerror(errno));
    if (stream != NULL && !standard)
        fclose(stream);
    *length = bytes.count;
    // From arena_alloc, because it is aligned for any type: the bytes may be a trace.
    char *text = good ? arena_alloc(arena, bytes.count + 1) : NULL;
    if (text != NULL && bytes.count > 0)
        memcpy(text, bytes.at, bytes.count);
    ARRAY_FREE(&bytes);
    return text;
}

// The temporary files under way, for the signal handler.
enum { UNFINISHED_MAX = 8 };
static char unfinished[UNFINISHED_MAX][4096];

static void remove_unfinished(int signal_number)
{
    for (int i = 0; i < UNFINISHED_MAX; i++) {
        if (unfinished[i][0] != 0)
            unlink(unfinished[i]);
    }
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void cli_guard(const char *path)
{
    for (int i = 0; i < UNFINISHED_MAX; i++) {
        if (unfinished[i][0] == 0 && strlen(path) < sizeof unfinished[i]) {
            strcpy(unfinished[i], path);
            break;
        }
    }
    signal(SIGINT, remove_unfinished);
    signal(SIGTERM, remove_unfinished);
    signal(SIGHUP, remove_unfinished);
}

void cli_unguard(const char *path)
{
    for (int i = 0; i < UNFINISHED_MAX; i++) {
        if (strcmp(unfinished[i], path) == 0)
            unfinished[i][0] = 0;
    }
}

char *cli_temporary_file(void)
{
    const char *const folders[] = {getenv("TMPDIR"), "/tmp"};
    char *path = NULL;
    for (size_t i = 0; i < 2; i++) {
        if (folders[i] == NULL || folders[i][0] == 0)
            continue;
        if (asprintf(&path, "%s/ringside-XXXXXX", folders[i]) < 0)
            abort();
        int descriptor = mkstemp(path);
        if (descriptor >= 0) {
            close(descriptor);
            cli_guard(path);
            return path;
        }
        free(path);
    }
    cli_wrong("cannot write to /tmp (TMPDIR names another folder): %s", strerror(errno));
    return NULL;
}

static bool open_temporary(CliFile *file, mode_t mode)
{
    if (asprintf(&file->temporary, "%s.XXXXXX", file->path) < 0)
        abort();
    int descriptor = mkstemp(file->temporary);
    if (descriptor < 0)
        return false;
    cli_guard(file->temporary);
    fchmod(descriptor, mode);
    file->stream = fdopen(descriptor, "wb");
    return file->stream != NULL;
}

bool cli_file_open(CliFile *file, const char *path)
{
    *file = (CliFile){0};
    if (strcmp(path, "-") == 0) {
        file->path = strdup("standard output");
        file->stream = stdout;
        return true;
    }
    // A link stays a link: what it points to is replaced.
    char *real = realpath(path, NULL);
    file->path = real != NULL ? real : strdup(path);
    struct stat status;
    bool exists = stat(file->path, &status) == 0;
    bool opened;
    if (exists && !S_ISREG(status.st_mode)) {
        file->stream = fopen(file->path, "wb");
        opened = file->stream != NULL;
    } else {
        mode_t mask = umask(0);
        umask(mask);
        opened = open_temporary(file, exists ? status.st_mode & 0777 : 0666 & ~mask);
    }
    if (!opened) {
        cli_wrong("cannot write to %s: %s", path, strerror(errno));
        cli_file_abandon(file);
    }
    return opened;
}

bool cli_file_write(CliFile *file, const char *bytes, size_t count)
{
    errno = 0;
    if (file->error == 0 && fwrite(bytes, 1, count, file->stream) != count)
        file->error = errno != 0 ? errno : EIO;
    return file->error == 0;
}

bool cli_file_close(CliFile *file)
{
    errno = 0;
    bool is_output = file->stream == stdout;
    bool good = file->error == 0 && fflush(file->stream) == 0 && !ferror(file->stream);
    if (!is_output)
        good = fclose(file->stream) == 0 && good;
    file->stream = NULL;
    if (good && file->temporary != NULL)
        good = rename(file->temporary, file->path) == 0;
    if (!good) {
        int error = file->error != 0 ? file->error : errno;
        if (error != EPIPE || !is_output)
            cli_wrong("cannot write to %s: %s", file->path, strerror(error != 0 ? error : EIO));
        output_failed = output_failed || file->temporary == NULL;
    } else if (file->temporary != NULL) {
        cli_unguard(file->temporary);
        free(file->temporary);
        file->temporary = NULL; // it is the file now
    }
    cli_file_abandon(file);
    return good;
}

void cli_file_abandon(CliFile *file)
{
    if (file->stream != NULL && file->stream != stdout)
        fclose(file->stream);
    if (file->temporary != NULL) {
        unlink(file->temporary);
        cli_unguard(file->temporary);
    }
    free(file->temporary);
    free(file->path);
    *file = (CliFile){0};
}
