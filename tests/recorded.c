#include "tests/recorded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void record_run(Recorded *recorded, const char *yaml)
{
    simulate(&recorded->run, yaml);
    recording_of_memory(&recorded->recording, &recorded->run.scenario, &recorded->run.memory);
}

void recorded_free(Recorded *recorded)
{
    recording_free(&recorded->recording);
    simulated_free(&recorded->run);
}

void shipped_paths(glob_t *paths)
{
    if (glob(RINGSIDE_SOURCE_DIR "/scenarios/*/*.yaml", 0, NULL, paths) != 0)
        fail_msg("no scenarios in %s", RINGSIDE_SOURCE_DIR);
}

char *shipped_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s cannot be read", path);
    char *text = calloc(1, 1 << 16);
    assert_non_null(text);
    size_t length = fread(text, 1, (1 << 16) - 1, file);
    fclose(file);
    assert_in_range(length, 1, (1 << 16) - 2);
    return text;
}

uint32_t recorded_task(const Recorded *recorded, const char *name)
{
    char text[96];
    for (uint32_t id = 1; id <= recorded->recording.tasks.id_max; id++)
        if (strcmp(recording_task_name(&recorded->recording, id, text), name) == 0)
            return id;
    fail_msg("no thread is called '%s'", name);
    return 0;
}

void expect_why(const Why *why, const char *expected)
{
    char text[1 << 13];
    size_t used = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < why->count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%*s%s\n",
                                 2 * (int)why->lines[i].depth, "", why->lines[i].text);
    assert_string_equal(text, expected);
}
