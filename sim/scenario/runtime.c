// `runtime:` of a process: what runs its code.
#include "sim/scenario/loader.h"

#include <string.h>

#define SWITCH_INTERVAL_DEFAULT_NS 5000000 // sys.getswitchinterval()

// Of CPython 3.8 to 3.13 on two cores: with it the latencies of a thread that reads from a pipe,
// behind 2 to 4 threads that compute, are those measured.
#define STEAL_DEFAULT (UINT32_MAX / 5 * 3)

static const struct {
    const char *text;
    uint8_t major, minor;
    bool free_threaded;
} versions[] = {
    {"2.7", 2, 7, false},   {"3.8", 3, 8, false},   {"3.9", 3, 9, false},   {"3.10", 3, 10, false},
    {"3.11", 3, 11, false}, {"3.12", 3, 12, false}, {"3.13", 3, 13, false}, {"3.13t", 3, 13, true},
};

enum { VERSION_COUNT = sizeof versions / sizeof *versions };

static const char *version_list(Loader *loader, const char *before)
{
    const char *words[VERSION_COUNT];
    for (int i = 0; i < VERSION_COUNT; i++)
        words[i] = arena_format(&loader->scratch, "%s%s", before, versions[i].text);
    return loader_list(loader, words, VERSION_COUNT);
}

static bool set_version(Runtime *runtime, const char *text)
{
    for (int i = 0; i < VERSION_COUNT; i++) {
        if (strcmp(versions[i].text, text) != 0)
            continue;
        *runtime = (Runtime){.python = true,
                             .major = versions[i].major,
                             .minor = versions[i].minor,
                             .free_threaded = versions[i].free_threaded,
                             .has_gil = !versions[i].free_threaded,
                             .switch_interval_ns = SWITCH_INTERVAL_DEFAULT_NS,
                             .steal = STEAL_DEFAULT};
        return true;
    }
    return false;
}

static bool load_map(Loader *loader, const Node *map, Runtime *runtime)
{
    const Node *python = node_get(map, "python"), *gil = node_get(map, "gil"),
               *interval = node_get(map, "switch_interval"), *steal = node_get(map, "steal");
    if (!loader_keys(loader, map, SECTION_RUNTIME, map->key) || python == NULL)
        return false;
    if (python->kind != NODE_TEXT || !set_version(runtime, python->text))
        return loader_fail(loader, python, NULL, "'python' needs a version, one of %s; found %s",
                           version_list(loader, ""), loader_found(loader, python));
    if (gil != NULL && (gil->kind != NODE_TEXT || strcmp(gil->text, "none") != 0))
        return loader_fail(loader, gil, NULL, "'gil' can only be none; found %s",
                           loader_found(loader, gil));
    runtime->has_gil = runtime->has_gil && gil == NULL;
    if (steal != NULL && !value_chance(loader, steal, "'steal'", &runtime->steal))
        return false;
    return interval == NULL || value_duration(loader, interval, "'switch_interval'", 1,
                                              DURATION_MAX_NS, &runtime->switch_interval_ns);
}

bool runtime_load(Loader *loader, const Node *node, Runtime *runtime)
{
    static const char prefix[] = "cpython-";
    *runtime = (Runtime){0};
    if (node == NULL)
        return true;
    if (node->kind == NODE_MAP)
        return load_map(loader, node, runtime);
    if (node->kind == NODE_TEXT && strcmp(node->text, "c") == 0)
        return true;
    if (node->kind == NODE_TEXT && strncmp(node->text, prefix, sizeof prefix - 1) == 0 &&
        set_version(runtime, node->text + sizeof prefix - 1))
        return true;
    return loader_fail(loader, node, NULL, "'runtime' needs one of c, %s; found %s",
                       version_list(loader, prefix), loader_found(loader, node));
}

// CPython 2.7 has the GIL that lets go every hundred bytecodes and forces nobody to switch.
void runtime_finish(Loader *loader, ProcessId process, const Node *at, size_t first_thread)
{
    const Runtime *runtime = &loader->processes.at[process.index1 - 1].runtime;
    bool several = false;
    uint64_t threads = 0;
    for (size_t i = first_thread; i < loader->threads.count; i++) {
        const ThreadDef *thread = &loader->threads.at[i];
        threads += ID_EQUAL(thread->process, process) ? thread->count : 0;
        several = several || (ID_EQUAL(thread->process, process) && thread->spawned);
    }
    if (runtime->has_gil && runtime->major == 2 && (several || threads > 1))
        loader_fail(loader, at, NULL,
                    "the GIL of CPython 2.7 is not in this version of ringside yet: a process that "
                    "it runs can have one thread only");
}
