// The program `ringside`: the command table (a name, a sentence, a function) and nothing else.
#include "sim/cli.h"
#include "sim/cli_shipped.h"
#include "sim/ringside.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int cmd_help(int argc, char **argv);

static const Command commands[] = {
    {"play", "Opens the window on a scenario.", cmd_play},
    {"run", "Simulates a scenario and prints what came out.", cmd_run},
    {"picture", "Draws what the window would show at one instant.", cmd_picture},
    {"film", "Films what the window would show while the run plays.", cmd_film},
    {"check", "Checks scenarios for mistakes, without running them.", cmd_check},
    {"list", "Lists the scenarios that ship, by chapter.", cmd_list},
    {"python", "Prints the Python program that a scenario stands for.", cmd_python},
    {"schema", "Prints the JSON Schema of the scenario language, for editors.", cmd_schema},
    {"help", "Explains a command: ringside help run.", cmd_help},
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static const Command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static int run_command(const Command *command, int argc, char **argv)
{
    char title[64];
    snprintf(title, sizeof title, "ringside %s", command->name);
    argv[0] = title; // what argp calls the program in its messages
    return command->run(argc, argv);
}

// At exit, because argp too prints and exits: what could not be written is an error.
static void check_output(void)
{
    if (!cli_flush_output())
        _exit(CLI_WRONG);
}

static int print_help(FILE *stream)
{
    fprintf(stream,
            "Usage: ringside COMMAND [ARGUMENT...]\n"
            "   or: ringside FILE                    (play where there is a display, else run)\n"
            "Simulates what happens between a program's threads and the processor's cores.\n\n"
            "Commands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(stream, "  %-8s %s\n", commands[i].name, commands[i].text);
    fprintf(stream, "\nEach command explains itself: ringside run --help\n"
                    "Exit status: 0 success; 1 an expectation failed; 2 the input or the command "
                    "line is wrong.\n\n"
                    "Example:\n"
                    "  ringside list\n"
                    "  ringside play philosophers-deadlock\n"
                    "  ringside run round-robin --set machine.cores=2\n");
    return CLI_OK;
}

static int unknown_command(const char *name)
{
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i].name;
    const char *nearest = diag_nearest(name, names, COMMAND_COUNT);
    if (nearest != NULL)
        return cli_wrong("no command, file or shipped scenario is called '%s'; did you mean '%s'?",
                         name, nearest);
    return cli_wrong("no command, file or shipped scenario is called '%s'; `ringside help` lists "
                     "the commands, `ringside list` the scenarios",
                     name);
}

static int cmd_help(int argc, char **argv)
{
    if (argc < 2 || argv[1][0] == '-')
        return print_help(stdout);
    const Command *command = find_command(argv[1]);
    if (command == NULL)
        return unknown_command(argv[1]);
    if (command->run == cmd_help)
        return print_help(stdout);
    char *arguments[] = {argv[1], (char[]){"--help"}, NULL};
    return run_command(command, 2, arguments);
}

// What looks like a file's name is one, so that the message about a missing file is about a file.
static bool is_file_argument(const char *argument)
{
    return strcmp(argument, "-") == 0 || strchr(argument, '/') != NULL ||
           strchr(argument, '.') != NULL || shipped_exists(argument);
}

// A file alone is played when there is a window to play it in.
static const char *default_command(int argc, const char *file)
{
    bool display = getenv("DISPLAY") != NULL || getenv("WAYLAND_DISPLAY") != NULL;
    return argc == 2 && display && strcmp(file, "-") != 0 ? "play" : "run";
}

int main(int argc, char **argv)
{
    // A reader that goes away is an error of writing, reported like any other.
    signal(SIGPIPE, SIG_IGN);
    atexit(check_output);
    if (argc < 2) {
        print_help(stderr);
        return CLI_WRONG;
    }
    const char *first = argv[1];
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
        printf("ringside %s\n", RINGSIDE_VERSION);
        return CLI_OK;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-?") == 0 || strcmp(first, "-h") == 0)
        return print_help(stdout);
    const Command *command = find_command(first);
    if (command != NULL)
        return run_command(command, argc - 1, argv + 1);
    if (first[0] == '-' && first[1] != 0)
        return cli_wrong("there is no option '%s' here; options come after a command: ringside run "
                         "FILE --json",
                         first);
    if (is_file_argument(first))
        return run_command(find_command(default_command(argc, first)), argc, argv);
    return unknown_command(first);
}
