#include "sim/cli_shipped.h"

#include "sim/base/array.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

// Installed as PREFIX/bin/ringside, the scenarios are PREFIX/share/ringside/scenarios.
static const char *default_folder(Arena *arena)
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length > 0) {
        program[length] = 0;
        char *installed = arena_format(arena, "%s/../share/ringside/scenarios", dirname(program));
        if (is_folder(installed))
            return installed;
    }
    return RINGSIDE_SCENARIO_DIR;
}

// The name without ".yaml", or NULL when it is no scenario's file name.
static char *scenario_name(Arena *arena, const char *file)
{
    size_t length = strlen(file);
    if (file[0] == '.' || length < 6 || strcmp(file + length - 5, ".yaml") != 0)
        return NULL;
    return arena_text(arena, file, length - 5);
}

static int shipped_compare(const void *left, const void *right)
{
    const Shipped *a = left, *b = right;
    int order = strverscmp(a->chapter, b->chapter); // chapter 10 comes after chapter 9
    return order != 0 ? order : strcmp(a->name, b->name);
}

typedef ARRAY(Shipped) ShippedArray;

static void read_chapter(ShippedList *list, ShippedArray *found, const char *chapter)
{
    const char *folder = arena_format(&list->arena, "%s/%s", list->folder, chapter);
    DIR *directory = opendir(folder);
    if (directory == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char *name = scenario_name(&list->arena, entry->d_name);
        if (name == NULL)
            continue;
        Shipped *shipped = ARRAY_PUSH(found);
        shipped->chapter = chapter;
        shipped->name = name;
        shipped->path = arena_format(&list->arena, "%s/%s", folder, entry->d_name);
    }
    closedir(directory);
}

bool shipped_read(ShippedList *list, const char *folder, Diag *diag)
{
    *list = (ShippedList){0};
    list->folder = folder != NULL ? folder : default_folder(&list->arena);
    DIR *directory = opendir(list->folder);
    if (directory == NULL)
        return diag_fail(diag, (SourceAt){0}, "cannot read the scenarios' folder %s: %s",
                         list->folder, strerror(errno));
    ShippedArray found = {0};
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] != '.')
            read_chapter(list, &found,
                         arena_text(&list->arena, entry->d_name, strlen(entry->d_name)));
    }
    closedir(directory);
    if (found.count > 0) {
        Shipped *at = ARENA_ARRAY(&list->arena, Shipped, found.count);
        memcpy(at, found.at, found.count * sizeof *at);
        qsort(at, found.count, sizeof *at, shipped_compare);
        list->at = at;
    }
    list->count = found.count;
    ARRAY_FREE(&found);
    return true;
}

void shipped_free(ShippedList *list)
{
    arena_free(&list->arena);
    *list = (ShippedList){0};
}

// Whether `argument` is a way to write this scenario's name.
static bool is_name_of(const Shipped *shipped, const char *argument)
{
    size_t chapter = strlen(shipped->chapter);
    if (strncmp(argument, shipped->chapter, chapter) == 0 && argument[chapter] == '/')
        argument += chapter + 1;
    size_t name = strlen(shipped->name);
    return strncmp(argument, shipped->name, name) == 0 &&
           (argument[name] == 0 || strcmp(argument + name, ".yaml") == 0);
}

static const Shipped *find_shipped(const ShippedList *list, const char *argument)
{
    for (size_t i = 0; i < list->count; i++) {
        if (is_name_of(&list->at[i], argument))
            return &list->at[i];
    }
    return NULL;
}

static const char *nearest_name(const ShippedList *list, const char *argument)
{
    const char *word = strrchr(argument, '/');
    char *copy = strdup(word != NULL ? word + 1 : argument);
    char *suffix = strstr(copy, ".yaml");
    if (suffix != NULL)
        *suffix = 0;
    const char **names = calloc(list->count + 1, sizeof *names);
    for (size_t i = 0; i < list->count; i++)
        names[i] = list->at[i].name;
    const char *nearest = diag_nearest(copy, names, list->count);
    free(names);
    free(copy);
    return nearest;
}

const char *shipped_find(Arena *arena, const char *argument, Diag *diag)
{
    if (strcmp(argument, "-") == 0 || access(argument, F_OK) == 0)
        return arena_text(arena, argument, strlen(argument));
    ShippedList list;
    Diag unread = {0};
    shipped_read(&list, NULL, &unread); // without the folder, there is just no such file
    diag_free(&unread);
    const Shipped *shipped = find_shipped(&list, argument);
    const char *path = NULL;
    if (shipped != NULL) {
        path = arena_text(arena, shipped->path, strlen(shipped->path));
    } else {
        const char *nearest = nearest_name(&list, argument);
        if (nearest != NULL)
            diag_fail(diag, (SourceAt){0},
                      "no file and no shipped scenario is called '%s'; did you mean '%s'?",
                      argument, nearest);
        else
            diag_fail(diag, (SourceAt){0},
                      "no file and no shipped scenario is called '%s'; `ringside list` lists them",
                      argument);
    }
    shipped_free(&list);
    return path;
}

bool shipped_exists(const char *argument)
{
    Arena arena = {0};
    Diag diag = {0};
    bool found = shipped_find(&arena, argument, &diag) != NULL;
    diag_free(&diag);
    arena_free(&arena);
    return found;
}
