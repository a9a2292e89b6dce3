// From bytes to a Scenario: the order of work, the keys of the whole file, and the end of its life.
#include "sim/scenario/scenario.h"

#include "sim/base/check.h"
#include "sim/scenario/expect.h"
#include "sim/scenario/loader.h"
#include "sim/scenario/python_objects.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- keys of the whole file ---------------------------------------------------------------------

static void load_text(Loader *loader, const Node *root, const char *key, const char **text)
{
    const Node *node = node_get(root, key);
    *text = "";
    if (node == NULL || node_is_null(node))
        return;
    const char *label = arena_format(&loader->scratch, "'%s'", key);
    if (value_text(loader, node, label, text))
        *text = arena_text(&loader->scenario->arena, *text, strlen(*text));
}

static void load_root(Loader *loader, Node *root)
{
    Scenario *scenario = loader->scenario;
    const Node *seed = node_get(root, "seed"), *until = node_get(root, "until");
    loader_keys(loader, root, SECTION_SCENARIO, root);
    load_text(loader, root, "title", &scenario->title);
    load_text(loader, root, "lesson", &scenario->lesson);
    scenario->seed = 1;
    if (seed != NULL)
        value_count(loader, seed, "'seed'", 0, UINT64_MAX, &scenario->seed);
    if (until != NULL)
        value_duration(loader, until, "'until'", 1, DURATION_MAX_NS, &scenario->until_ns);
    limits_load(loader, node_get(root, "limits"));
    machine_load(loader, root);
    workload_load(loader, root);
    processes_load(loader, root);
    thread_policy_admit(loader);
}

// --- expectations: once all names are known -----------------------------------------------------

static void parse_expect(Loader *loader, const Node *node, Expect *expect)
{
    Scenario *scenario = loader->scenario;
    const char *text = arena_text(&scenario->arena, node->text, strlen(node->text));
    if (node->override == 0) {
        expect_parse(scenario, text, node->at, expect, loader->diag);
        return;
    }
    Diag diag = {0};
    expect_parse(scenario, text, node->at, expect, &diag);
    for (const DiagMessage *message = diag.first; message != NULL; message = message->next)
        if (message->level == DIAG_ERROR)
            loader_fail(loader, node, message->hint, "%s", message->text);
    diag_free(&diag);
}

static void load_expects(Loader *loader, const Node *root)
{
    Scenario *scenario = loader->scenario;
    const Node *list = node_get(root, "expect");
    if (list == NULL || node_is_null(list) ||
        !loader_items(loader, list, "'expect'", "comparisons"))
        return;
    scenario->expects = ARENA_ARRAY(&scenario->arena, Expect, list->count + 1);
    for (const Node *node = list->first; node != NULL; node = node->next) {
        if (node->kind != NODE_TEXT || node->text[0] == '\0')
            loader_fail(loader, node, NULL,
                        "'expect' needs a comparison, such as makespan <= 10ms; found %s",
                        loader_found(loader, node));
        else if (!loader->names_incomplete)
            parse_expect(loader, node, &scenario->expects[scenario->expect_count++]);
    }
}

// --- the end of loading -------------------------------------------------------------------------

static void *copy(Scenario *scenario, const void *items, size_t count, size_t bytes)
{
    void *memory = arena_alloc(&scenario->arena, (count + 1) * bytes);
    if (count > 0)
        memcpy(memory, items, count * bytes);
    return memory;
}

#define KEEP(field, count_field, array)                                                            \
    (scenario->field = copy(scenario, (array).at, (array).count, sizeof *(array).at),              \
     scenario->count_field = (uint32_t)(array).count)

// What the scenario is about: memory and processes are accounted only where they are spoken of, so
// that the traces of all others stay small.
static void note_subjects(Scenario *scenario)
{
    scenario->names_memory = scenario->machine.memory_pages != 0;
    for (uint32_t i = 0; i < scenario->thread_count; i++)
        if (scenario->threads[i].stack_pages != 0 || scenario->threads[i].stack_touched != 0)
            scenario->names_memory = true;
    for (uint32_t i = 0; i < scenario->op_count; i++) {
        const Op *op = &scenario->ops[i];
        const OpInfo *info = op_info(op->code);
        if (info == NULL)
            continue;
        bool processes =
            strcmp(info->group, "processes") == 0 || strcmp(info->group, "multiprocessing") == 0;
        if (strcmp(info->group, "memory") == 0)
            scenario->names_memory = true;
        if (processes)
            scenario->tracks_memory = true;
        bool files = strcmp(info->group, "files") == 0; // a broken pipe ends its writer
        if (processes || files || (op->code == OP_EXIT && op->arg[0] != 0))
            scenario->tracks_processes = true;
    }
    scenario->tracks_memory |= scenario->names_memory;
}

// A thread of an older Python uses more of its stack than one in C.
static void set_stacks(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->thread_count; i++) {
        ThreadDef *def = &scenario->threads[i];
        if (def->stack_touched == 0)
            def->stack_touched =
                runtime_stack_touched(&scenario->processes[def->process.index1 - 1].runtime);
    }
}

static void keep_functions(Loader *loader)
{
    Scenario *scenario = loader->scenario;
    scenario->function_count = (uint32_t)loader->functions.count;
    scenario->functions = ARENA_ARRAY(&scenario->arena, FunctionDef, loader->functions.count + 1);
    for (size_t i = 0; i < loader->functions.count; i++) {
        const Function *function = &loader->functions.at[i];
        scenario->functions[i] =
            (FunctionDef){function->name, function->process, function->entry, function->coroutine};
    }
}

// Moves what was collected into the scenario's arena.
static void keep(Loader *loader)
{
    Scenario *scenario = loader->scenario;
    KEEP(strings, string_count, loader->strings);
    KEEP(processes, process_count, loader->processes);
    KEEP(threads, thread_count, loader->threads);
    KEEP(syncs, sync_count, loader->syncs);
    KEEP(tests, test_count, loader->tests);
    KEEP(variables, variable_count, loader->variables);
    KEEP(dists, dist_count, loader->dists);
    KEEP(choices, choice_count, loader->choices);
    KEEP(core_sets, core_set_count, loader->core_sets);
    KEEP(ops, op_count, loader->ops);
    KEEP(op_at, op_count, loader->op_at);
    KEEP(sizes, size_count, loader->sizes);
    KEEP(memories, memory_count, loader->memories);
    KEEP(pipes, pipe_count, loader->pipes);
    KEEP(pipe_uses, pipe_use_count, loader->pipe_uses);
    KEEP(message_queues, message_queue_count, loader->message_queues);
    KEEP(task_names, task_name_count, loader->task_names);
    KEEP(awaited, awaited_count, loader->awaited);
    KEEP(connections, connection_count, loader->connections);
    KEEP(managers, manager_count, loader->managers);
    KEEP(pools, pool_count, loader->pools);
    KEEP(executors, executor_count, loader->executors);
    KEEP(future_names, future_name_count, loader->future_names);
    KEEP(works, work_count, loader->works);
    keep_functions(loader);
    note_subjects(scenario);
    set_stacks(scenario);
}

static void loader_free(Loader *loader)
{
    intern_free(loader);
    ARRAY_FREE(&loader->strings);
    ARRAY_FREE(&loader->processes);
    ARRAY_FREE(&loader->threads);
    ARRAY_FREE(&loader->thread_functions);
    ARRAY_FREE(&loader->syncs);
    ARRAY_FREE(&loader->tests);
    ARRAY_FREE(&loader->variables);
    ARRAY_FREE(&loader->dists);
    ARRAY_FREE(&loader->choices);
    ARRAY_FREE(&loader->core_sets);
    ARRAY_FREE(&loader->ops);
    ARRAY_FREE(&loader->op_at);
    ARRAY_FREE(&loader->functions);
    ARRAY_FREE(&loader->fixups);
    ARRAY_FREE(&loader->sizes);
    ARRAY_FREE(&loader->memories);
    ARRAY_FREE(&loader->pipes);
    ARRAY_FREE(&loader->pipe_uses);
    ARRAY_FREE(&loader->message_queues);
    ARRAY_FREE(&loader->process_fixups);
    ARRAY_FREE(&loader->task_names);
    ARRAY_FREE(&loader->awaited);
    ARRAY_FREE(&loader->awaited_fixups);
    ARRAY_FREE(&loader->connections);
    ARRAY_FREE(&loader->pools);
    ARRAY_FREE(&loader->managers);
    ARRAY_FREE(&loader->executors);
    ARRAY_FREE(&loader->timers);
    ARRAY_FREE(&loader->future_names);
    ARRAY_FREE(&loader->works);
    ARRAY_FREE(&loader->child_boots);
    arena_free(&loader->scratch);
}

static const char *join_overrides(Scenario *scenario, const char *const *overrides, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += strlen(overrides[i]) + 1;
    char *text = arena_alloc(&scenario->arena, bytes + 1), *at = text;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(overrides[i]);
        memcpy(at, overrides[i], length);
        at[length] = '\n';
        at += length + 1;
    }
    return text;
}

static void load_tree(Loader *loader, size_t length)
{
    Node *root;
    *ARRAY_PUSH(&loader->ops) = (Op){.code = OP_RETURN, .next = 1};
    *ARRAY_PUSH(&loader->op_at) = (SourceAt){0};
    if (!node_read(loader->source, length, &loader->scratch, &root, loader->diag) ||
        !loader_map(loader, root, "a scenario"))
        return;
    overrides_apply(loader, root); // a wrong one is no reason not to look for more mistakes
    load_root(loader, root);
    syncs_finish(loader);
    keep(loader);
    load_expects(loader, root);
}

bool scenario_parse(Scenario *scenario, const char *path, const char *text, size_t length,
                    const char *const *overrides, size_t override_count, Diag *diag)
{
    *scenario = (Scenario){0};
    // The messages may outlive the scenario, so the Diag gets texts of its own.
    diag->path = arena_text(&diag->arena, path, strlen(path));
    diag->source = NULL;
    if (length > SOURCE_BYTES_MAX)
        return diag_fail(diag, (SourceAt){0}, "the file is larger than %d MiB",
                         SOURCE_BYTES_MAX >> 20);
    diag->source = arena_text(&diag->arena, text, length);
    scenario->path = arena_text(&scenario->arena, path, strlen(path));
    scenario->source = arena_text(&scenario->arena, text, length);
    scenario->overrides = join_overrides(scenario, overrides, override_count);

    uint32_t errors = diag->errors;
    Loader loader = {.scenario = scenario,
                     .diag = diag,
                     .source = scenario->source,
                     .overrides = overrides,
                     .override_count = override_count};
    load_tree(&loader, length);
    loader_free(&loader);
    if (diag->errors == errors)
        return true;
    scenario_free(scenario);
    return false;
}

// All of a file, or the first bytes of one that is too large. NULL when it cannot be read; the
// caller frees.
static char *read_all(const char *path, size_t *length, Diag *diag)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        diag_fail(diag, (SourceAt){0}, "cannot open '%s': %s", path, strerror(errno));
        return NULL;
    }
    size_t room = 1 << 16;
    char *text = malloc(room);
    CHECK(text != NULL);
    *length = 0;
    size_t got;
    while ((got = fread(text + *length, 1, room - *length, file)) > 0) {
        *length += got;
        if (*length > SOURCE_BYTES_MAX)
            break;
        if (*length == room) {
            room *= 2;
            text = realloc(text, room);
            CHECK(text != NULL);
        }
    }
    int error = ferror(file) ? errno : 0;
    fclose(file);
    if (error == 0)
        return text;
    diag_fail(diag, (SourceAt){0}, "cannot read '%s': %s", path, strerror(error));
    free(text);
    return NULL;
}

bool scenario_load(Scenario *scenario, const char *path, const char *const *overrides,
                   size_t override_count, Diag *diag)
{
    *scenario = (Scenario){0};
    size_t length = 0;
    char *text = read_all(path, &length, diag);
    if (text == NULL)
        return false;
    bool good = scenario_parse(scenario, path, text, length, overrides, override_count, diag);
    free(text);
    return good;
}

void scenario_free(Scenario *scenario)
{
    arena_free(&scenario->arena);
    *scenario = (Scenario){0};
}

char *task_name(const Scenario *scenario, ThreadDefId def, uint32_t instance, char text[static 96])
{
    if (def.index1 == 0 || def.index1 > scenario->thread_count) {
        snprintf(text, 96, "?");
        return text;
    }
    const ThreadDef *thread = &scenario->threads[def.index1 - 1];
    bool prefix = false;
    for (uint32_t i = 0; i < scenario->thread_count && !prefix; i++)
        prefix = ID_EQUAL(scenario->threads[i].name, thread->name) &&
                 !ID_EQUAL(scenario->threads[i].process, thread->process);
    const char *owner = "";
    if (prefix)
        owner = scenario_string(scenario, scenario->processes[thread->process.index1 - 1].name);
    const char *name = scenario_string(scenario, thread->name);
    if (thread->several || instance > 1)
        snprintf(text, 96, "%s%s%s-%" PRIu32, owner, prefix ? "/" : "", name, instance);
    else
        snprintf(text, 96, "%s%s%s", owner, prefix ? "/" : "", name);
    return text;
}
