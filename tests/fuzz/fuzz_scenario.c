// libFuzzer target over the scenario loader: any bytes give a scenario or messages, never a crash,
// a leak or an endless loop. What follows a zero byte is taken as overrides, one a line. Seeds are
// the scenarios that ship, tests/bad and a few of its own; new finds go to the first folder:
//
//   fuzz_scenario -dict=tests/fuzz/fuzz_scenario.dict CORPUS tests/fuzz/scenario_corpus tests/bad
//       scenarios
#include "sim/base/check.h"
#include "sim/scenario/python_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OVERRIDES_MAX = 8 };

// Whether it begins threads or processes, which it knows by their ThreadDef: Python's own library
// code gives it no function besides.
static bool begins_threads(const Scenario *scenario, const Op *op)
{
    return (op->code == OP_SPAWN || op->code == OP_FORK || op->code == OP_SPAWN_PROCESS) &&
           op->arg[1] > 0 && op->arg[1] <= scenario->thread_count;
}

// What every loaded program promises, so that a machine may step it without checks.
static void check_program(const Scenario *scenario)
{
    CHECK(scenario->op_count > 0 && scenario->ops[0].code == OP_RETURN);
    for (uint32_t i = 0; i < scenario->op_count; i++) {
        const Op *op = &scenario->ops[i];
        CHECK(op->code < OP_CODE_COUNT && op->next > i && op->next <= scenario->op_count);
        const OpInfo *info = op_info(op->code);
        for (int f = 0; info != NULL && f < OP_FIELDS_MAX && info->fields[f].name != NULL; f++) {
            uint32_t arg = op->arg[f];
            bool required = (info->fields[f].flags & FIELD_REQUIRED) != 0;
            switch (info->fields[f].type) {
            case FIELD_BLOCK:
                CHECK(!required || arg > 0);
                CHECK(arg == 0 || (arg > i && arg < op->next));
                CHECK(arg == 0 || scenario->ops[op->next - 1].code == OP_BLOCK_END);
                break;
            case FIELD_FUNCTION:
                CHECK(!required || arg > 0 || begins_threads(scenario, op));
                CHECK(arg < scenario->op_count);
                break;
            case FIELD_DURATION:
                CHECK(!required || arg > 0);
                CHECK(arg <= scenario->dist_count);
                break;
            case FIELD_LOCK:
            case FIELD_SEMAPHORE:
            case FIELD_CONDITION:
            case FIELD_EVENT:
            case FIELD_WAITED:
            case FIELD_BARRIER:
            case FIELD_QUEUE:
                CHECK(arg > 0 && arg <= scenario->sync_count);
                break;
            case FIELD_TEST:
                CHECK(!required || arg > 0);
                CHECK(arg <= scenario->test_count);
                break;
            case FIELD_THREAD:
            case FIELD_SPAWNED:
                CHECK(arg > 0 && arg <= scenario->thread_count);
                break;
            case FIELD_TEXT:
            case FIELD_NAME:
                CHECK(arg > 0 && arg <= scenario->string_count);
                break;
            default:
                break;
            }
        }
    }
    for (uint32_t i = 0; i < scenario->thread_count; i++) {
        const ThreadDef *thread = &scenario->threads[i];
        CHECK(thread->entry > 0 && thread->entry < scenario->op_count);
        CHECK(thread->affinity <= scenario->core_set_count &&
              thread->start <= scenario->dist_count);
        CHECK(thread->spawned ? thread->count == 0 : thread->count > 0);
        char name[96];
        task_name(scenario, (ThreadDefId){i + 1}, UINT32_MAX, name);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena arena = {0};
    const char *text = arena_text(&arena, (const char *)data, size);
    size_t length = strlen(text);
    const char *overrides[OVERRIDES_MAX];
    size_t count = 0;
    for (char *line = strtok((char *)text + length + (length < size), "\n");
         line != NULL && count < OVERRIDES_MAX; line = strtok(NULL, "\n"))
        overrides[count++] = line;

    Diag diag = {0};
    Scenario scenario;
    // Without a zero byte everything is the document.
    if (scenario_parse(&scenario, "fuzz.yaml", text, length, overrides, count, &diag)) {
        CHECK(diag.errors == 0);
        check_program(&scenario);
        // All of it as a program of Python, or messages.
        const char *python = python_text(&scenario, (ProcessId){0}, &arena, &diag);
        CHECK((python == NULL) == (diag.errors > 0));
    } else {
        CHECK(diag.errors > 0 && diag.first != NULL);
    }
    diag_text(&diag);
    scenario_free(&scenario);
    diag_free(&diag);
    arena_free(&arena);
    return 0;
}
