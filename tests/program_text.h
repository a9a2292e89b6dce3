// The Python program of a scenario, for tests of its text.
#pragma once
#include "sim/scenario/python_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

// Of the last program_text.
extern Scenario scenario;
extern Diag diag;
extern Arena arena;

// The program of the only process, or NULL with messages in `diag`. Fails the test when the
// scenario cannot be loaded.
const char *program_text(const char *yaml);
int program_text_free(void **state); // a teardown, too

#define EXPECT(text, part)                                                                         \
    do {                                                                                           \
        const char *found_in = (text);                                                             \
        if (strstr(found_in, (part)) == NULL)                                                      \
            fail_msg("no\n%s\nin\n%s", (part), found_in);                                          \
    } while (0)
