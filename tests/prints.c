#include "tests/prints.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

const char *prints_of(const Simulated *run)
{
    static char text[4096];
    size_t length = 0;
    text[0] = '\0';
    for (uint64_t i = 0; i < run->memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run->memory, i);
        if (record->kind != EVENT_PRINT)
            continue;
        length +=
            (size_t)snprintf(text + length, sizeof text - length, "%s%s@%g", length > 0 ? " " : "",
                             scenario_string(&run->scenario, (StringId){(uint32_t)record->a}),
                             (double)record->time_ns / 1e6);
        assert_true(length < sizeof text - 200);
    }
    if (run->result.end != END_DONE)
        snprintf(text + length, sizeof text - length, "%s%s", length > 0 ? " " : "",
                 end_reason_text(run->result.end));
    return text;
}

void expect_prints(const char *version, const char *top, const char *functions, const char *prints)
{
    static Simulated run;
    char yaml[8192];
    int length = snprintf(yaml, sizeof yaml,
                          "machine: { costs: zero }\nruntime: cpython-%s\n%sfunctions:\n%s"
                          "threads: [ { name: t, run: [ { asyncio.run: main } ] } ]\n",
                          version, top, functions);
    assert_true(length < (int)sizeof yaml);
    simulate(&run, yaml);
    assert_string_equal(prints_of(&run), prints);
    simulated_free(&run);
}

void expect_lines_hold(const Simulated *run)
{
    Metrics metrics;
    simulated_measure(run, &metrics);
    ExpectSource source = metrics_expect_source(&metrics);
    Arena arena = {0};
    for (uint32_t i = 0; i < run->scenario.expect_count; i++) {
        const char *found = "";
        if (!expect_holds(&run->scenario, &run->scenario.expects[i], &source, &arena, &found))
            fail_msg("'%s': found %s", run->scenario.expects[i].text, found);
    }
    arena_free(&arena);
    metrics_free(&metrics);
}
