// `ringside list`: the scenarios that ship, by chapter, one line of lesson each.
#include "sim/cli.h"
#include "sim/cli_shipped.h"
#include "sim/scenario/scenario.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

typedef struct List {
    const char *folder, *chapter;
    bool names;
} List;

enum { KEY_FOLDER = 'f', KEY_NAMES = 'n' };

static const struct argp_option options[] = {
    {"folder", KEY_FOLDER, "DIR", 0, "List the scenarios of DIR, which has one folder a chapter",
     0},
    {"names", KEY_NAMES, NULL, 0, "Print only the names, as CHAPTER/NAME", 0},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    List *list = state->input;
    switch (key) {
    case KEY_FOLDER:
        list->folder = value;
        return 0;
    case KEY_NAMES:
        list->names = true;
        return 0;
    case ARGP_KEY_ARG:
        if (list->chapter != NULL)
            argp_error(state, "at most one CHAPTER");
        list->chapter = value;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "[CHAPTER]",
    .doc = "Lists the scenarios that ship, by chapter, with the lesson of each. CHAPTER is a "
           "chapter's number or the beginning of its name."
           "\vExample:\n  ringside list 3",
};

// The width to which lines are cut on a terminal; 0 elsewhere: not cut.
static int terminal_columns(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}

// Prints `text` on one line: white space becomes one space, and at `columns` characters (0: none)
// it is cut with an ellipsis.
static void print_line(const char *text, int columns)
{
    int used = 0;
    for (const char *c = text; *c != 0; c++) {
        if (*c == ' ' || *c == '\n') {
            if (c[strspn(c, " \n")] == 0)
                break;
            if (c[1] == ' ' || c[1] == '\n')
                continue;
        }
        bool begins = (*c & 0xC0) != 0x80; // the first byte of a UTF-8 character
        if (begins && columns > 0 && ++used >= columns && c[1] != 0) {
            fputs("…", stdout);
            break;
        }
        putchar(*c == '\n' ? ' ' : *c);
    }
    putchar('\n');
}

// "3-schedulers" is "3 schedulers", "2-user-space-and-kernel" "2 user space and kernel".
static void print_chapter(const char *chapter)
{
    bool colour = cli_colour(stdout);
    fputs(colour ? "\033[1m" : "", stdout);
    for (const char *c = chapter; *c != 0; c++)
        putchar(*c == '-' ? ' ' : *c);
    fputs(colour ? "\033[0m\n" : "\n", stdout);
}

// One scenario with its lesson. Returns false when its file is not a scenario.
static bool print_scenario(const Shipped *shipped, int width, int columns)
{
    Diag diag = {0};
    Scenario scenario = {0};
    bool good = scenario_load(&scenario, shipped->path, NULL, 0, &diag);
    printf("  %-*s  ", width, shipped->name);
    if (good) {
        bool has_lesson = scenario.lesson != NULL && *scenario.lesson != 0;
        const char *text = has_lesson ? scenario.lesson : scenario.title;
        print_line(text != NULL ? text : "", columns > width + 24 ? columns - width - 4 : 0);
    } else {
        puts("(not a scenario; `ringside check` says why)");
    }
    diag_free(&diag);
    scenario_free(&scenario);
    return good;
}

static bool is_chapter(const Shipped *shipped, const char *chapter)
{
    return chapter == NULL || strncmp(shipped->chapter, chapter, strlen(chapter)) == 0;
}

static bool print_list(const List *list, const ShippedList *shipped)
{
    int width = 0;
    for (size_t i = 0; i < shipped->count; i++) {
        int length = (int)strlen(shipped->at[i].name);
        width = length > width ? length : width;
    }
    bool good = true;
    const char *chapter = "";
    for (size_t i = 0; i < shipped->count; i++) {
        const Shipped *one = &shipped->at[i];
        if (!is_chapter(one, list->chapter))
            continue;
        if (list->names) {
            printf("%s/%s\n", one->chapter, one->name);
            continue;
        }
        if (strcmp(one->chapter, chapter) != 0) {
            if (*chapter != 0)
                putchar('\n');
            print_chapter(one->chapter);
        }
        chapter = one->chapter;
        good = print_scenario(one, width, terminal_columns()) && good;
    }
    return good;
}

int cmd_list(int argc, char **argv)
{
    List list = {0};
    cli_parse(&argp, argc, argv, &list);
    ShippedList shipped;
    Diag diag = {0};
    if (!shipped_read(&shipped, list.folder, &diag)) {
        cli_show(&diag);
        diag_free(&diag);
        shipped_free(&shipped);
        return CLI_WRONG;
    }
    size_t listed = 0;
    for (size_t i = 0; i < shipped.count; i++)
        listed += is_chapter(&shipped.at[i], list.chapter);
    int status = CLI_OK;
    if (listed == 0 && list.chapter != NULL)
        status = cli_wrong("there is no chapter '%s' in %s", list.chapter, shipped.folder);
    else if (!print_list(&list, &shipped))
        status = CLI_WRONG;
    diag_free(&diag);
    shipped_free(&shipped);
    return status;
}
