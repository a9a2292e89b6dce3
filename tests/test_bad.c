// Malformed scenarios and the exact text that answers them: tests/bad/NAME.yaml and NAME.txt, with
// overrides, one a line, in NAME.set. To see what the loader says now, without the right answer:
// `ringside check tests/bad/NAME.yaml`.
#include "sim/scenario/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_INPUTS = 40, OVERRIDES_MAX = 16, NAME_MAX_BYTES = 200 };

static const char folder[] = RINGSIDE_SOURCE_DIR "/tests/bad";

// The bytes of folder/NAME.extension in `arena`, or NULL when there is no such file.
static const char *read_file(Arena *arena, const char *name, const char *extension, size_t *length)
{
    FILE *file = fopen(arena_format(arena, "%s/%s.%s", folder, name, extension), "rb");
    if (file == NULL)
        return NULL;
    char *bytes = arena_alloc(arena, 1 << 20);
    *length = fread(bytes, 1, (1 << 20) - 1, file);
    fclose(file);
    return bytes;
}

static size_t read_overrides(Arena *arena, const char *name, const char *overrides[OVERRIDES_MAX])
{
    size_t length, count = 0;
    const char *text = read_file(arena, name, "set", &length);
    if (text == NULL)
        return 0;
    for (char *line = strtok((char *)text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        assert_true(count < OVERRIDES_MAX);
        overrides[count++] = line;
    }
    return count;
}

// Whether the loader refuses NAME.yaml with the text in NAME.txt.
static bool answers(const char *name)
{
    Arena arena = {0};
    Diag diag = {0};
    Scenario scenario;
    const char *overrides[OVERRIDES_MAX];
    size_t length = 0, expected_length = 0;
    const char *text = read_file(&arena, name, "yaml", &length);
    const char *expected = read_file(&arena, name, "txt", &expected_length);
    size_t count = read_overrides(&arena, name, overrides);
    const char *path = arena_format(&arena, "%s.yaml", name);
    bool loaded = scenario_parse(&scenario, path, text, length, overrides, count, &diag);
    const char *found = diag_text(&diag);
    bool good = !loaded && expected != NULL && strcmp(found, expected) == 0;
    if (!good)
        print_error("%s: %s\n--- found:\n%s--- expected:\n%s", name,
                    loaded ? "was taken for good" : "another answer", found,
                    expected != NULL ? expected : "(there is no .txt)\n");
    scenario_free(&scenario);
    diag_free(&diag);
    arena_free(&arena);
    return good;
}

static void every_bad_input_is_answered(void **state)
{
    (void)state;
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    int inputs = 0, wrong = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        size_t length = strlen(entry->d_name);
        if (length < 6 || length > NAME_MAX_BYTES || strcmp(entry->d_name + length - 5, ".yaml"))
            continue;
        char name[NAME_MAX_BYTES + 1];
        snprintf(name, sizeof name, "%.*s", (int)(length - 5), entry->d_name);
        inputs++;
        wrong += !answers(name);
    }
    closedir(directory);
    assert_int_equal(wrong, 0);
    assert_true(inputs >= LEAST_INPUTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_bad_input_is_answered)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
