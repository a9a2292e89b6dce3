// What the commands share: exit statuses, messages on standard error, output files that appear
// whole or not at all, and finding the scenario that an argument means. Not a library: it prints,
// and only main.c and the cmd_*.c files may use it.
#pragma once
#include "sim/base/arena.h"
#include "sim/base/diag.h"

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum {
    CLI_OK = 0,
    CLI_FAILED = 1, // an expectation failed, or the run ended as it should not
    CLI_WRONG = 2,  // the input or the command line is wrong, or the system refused
};

// A command: `run` gets its own arguments, argv[0] being "ringside NAME", and returns a status.
typedef struct Command {
    const char *name;
    const char *text; // one sentence
    int (*run)(int argc, char **argv);
} Command;

int cmd_play(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_picture(int argc, char **argv);
int cmd_film(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_python(int argc, char **argv);
int cmd_schema(int argc, char **argv);

// Parses with argp: --help, its own messages on standard error, and exit status CLI_WRONG.
void cli_parse(const struct argp *argp, int argc, char **argv, void *input);

// Whether to colour what goes to `stream`: it is a terminal and NO_COLOR is not set.
bool cli_colour(FILE *stream);
// "ringside: …" on standard error; returns CLI_WRONG, so that a command can return it.
__attribute__((format(printf, 1, 2))) int cli_wrong(const char *format, ...);
// "ringside: note: …" on standard error.
__attribute__((format(printf, 1, 2))) void cli_note(const char *format, ...);
// All messages of `diag` on standard error.
void cli_show(Diag *diag);
// Flushes standard output. Returns false, with a message, when any of it could not be written. That
// its reader has gone away (`… | head`) is no news to anybody: then there is no message.
bool cli_flush_output(void);

// Reads all of `path`, "-" being standard input, into `arena` with a zero behind it. Returns NULL
// with a message in `diag` when it cannot be read.
char *cli_read(Arena *arena, const char *path, size_t *length, Diag *diag);

// An output that gets its name only when it is complete. "-" is standard output; a device or a
// pipe is written directly.
typedef struct CliFile {
    FILE *stream;
    char *path;
    char *temporary; // NULL: written directly
    int error;       // errno of the first failed write, 0 when none
} CliFile;

bool cli_file_open(CliFile *file, const char *path); // false, with a message on standard error
bool cli_file_write(CliFile *file, const char *bytes, size_t count); // false once a write failed
// Completes the file. On any error removes it, prints why (as cli_flush_output) and returns false.
bool cli_file_close(CliFile *file);
void cli_file_abandon(CliFile *file); // removes what was written

// A temporary file that must go when a signal ends the program, and that it has got its name or is
// gone. At most eight at a time; `path` is copied.
void cli_guard(const char *path);
void cli_unguard(const char *path);
// A new, empty, guarded temporary file in $TMPDIR or, when that cannot be, in /tmp. Its path, which
// the caller frees; NULL, with a message on standard error, when there is no room for one.
char *cli_temporary_file(void);
