#include "tests/program_text.h"

Scenario scenario;
Diag diag;
Arena arena;

const char *program_text(const char *yaml)
{
    if (!scenario_parse(&scenario, "t.yaml", yaml, strlen(yaml), NULL, 0, &diag))
        fail_msg("%s", diag_text(&diag));
    return python_text(&scenario, (ProcessId){1}, &arena, &diag);
}

int program_text_free(void **state)
{
    (void)state;
    diag_free(&diag);
    scenario_free(&scenario);
    arena_free(&arena);
    return 0;
}
