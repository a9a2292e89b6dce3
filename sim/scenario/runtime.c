// `runtime:` of a process: what runs its code.
#include "sim/scenario/loader.h"

#include <string.h>

// A hundred of Python 2.7's ticks (sys.getcheckinterval()), measured with loops: 0.7 us of
// additions, 1.1 us of calls, 1.4 us of list.append.
#define CHECK_INTERVAL_DEFAULT_NS 1000
#define CHECK_INTERVAL_LEAST_NS   100

// Between threads on different cores of which the holder sees the request within a microsecond, see
// gil_turn.c: so it was observed, and so the latencies behind two and three threads are those
// measured.
#define STEAL_DEFAULT (UINT32_MAX / 5 * 3)

static const struct {
    const char *text;
    uint8_t major, minor;
    bool free_threaded;
} versions[] = {
    {"2.7", 2, 7, false},   {"3.8", 3, 8, false},   {"3.9", 3, 9, false},   {"3.10", 3, 10, false},
    {"3.11", 3, 11, false}, {"3.12", 3, 12, false}, {"3.13", 3, 13, false}, {"3.13t", 3, 13, true},
    {"3.14", 3, 14, false}, {"3.14t", 3, 14, true},
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
                             .check_interval_ns = CHECK_INTERVAL_DEFAULT_NS,
                             .steal = STEAL_DEFAULT};
        return true;
    }
    return false;
}

// What says when the GIL changes hands: in 2.7 a count of bytecodes, later a time.
static bool load_turns(Loader *loader, const Node *map, Runtime *runtime)
{
    const Node *interval = node_get(map, "switch_interval"), *steal = node_get(map, "steal"),
               *check = node_get(map, "check_interval");
    const Node *later = interval != NULL ? interval : steal;
    if (runtime->major == 2 && later != NULL)
        return loader_fail(loader, later, NULL,
                           "Python 2.7 has no '%s': its GIL changes hands by 'check_interval'",
                           interval != NULL ? "switch_interval" : "steal");
    if (runtime->major != 2 && check != NULL)
        return loader_fail(loader, check, NULL,
                           "only Python 2.7 has a 'check_interval'; from 3.2 on it is "
                           "'switch_interval'");
    if (check != NULL && !value_duration(loader, check, "'check_interval'", CHECK_INTERVAL_LEAST_NS,
                                         DURATION_MAX_NS, &runtime->check_interval_ns))
        return false;
    if (steal != NULL && !value_chance(loader, steal, "'steal'", &runtime->steal))
        return false;
    return interval == NULL || value_duration(loader, interval, "'switch_interval'", 1,
                                              DURATION_MAX_NS, &runtime->switch_interval_ns);
}

static bool load_map(Loader *loader, const Node *map, Runtime *runtime)
{
    const Node *python = node_get(map, "python"), *gil = node_get(map, "gil");
    if (!loader_keys(loader, map, SECTION_RUNTIME, map->key) || python == NULL)
        return false;
    if (python->kind != NODE_TEXT || !set_version(runtime, python->text))
        return loader_fail(loader, python, NULL, "'python' needs a version, one of %s; found %s",
                           version_list(loader, ""), loader_found(loader, python));
    if (gil != NULL && (gil->kind != NODE_TEXT || strcmp(gil->text, "none") != 0))
        return loader_fail(loader, gil, NULL, "'gil' can only be none; found %s",
                           loader_found(loader, gil));
    runtime->has_gil = runtime->has_gil && gil == NULL;
    return load_turns(loader, map, runtime);
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
    runtime->node = node->kind == NODE_TEXT && strcmp(node->text, "node") == 0;
    if (runtime->node)
        return true;
    if (node->kind == NODE_TEXT && strncmp(node->text, prefix, sizeof prefix - 1) == 0 &&
        set_version(runtime, node->text + sizeof prefix - 1))
        return true;
    return loader_fail(loader, node, NULL, "'runtime' needs one of c, node, %s; found %s",
                       version_list(loader, prefix), loader_found(loader, node));
}

void runtime_load_interpreter(Loader *loader, const Node *node, ThreadDef *def)
{
    enum { OWN_GIL = 12 }; // PEP 684
    ProcessDef *process = &loader->processes.at[def->process.index1 - 1];
    StringId name;
    if (!value_name(loader, node, "'interpreter'", &name))
        return;
    if (!process->runtime.python || process->runtime.major < 3 || !process->runtime.has_gil) {
        loader_fail(loader, node, NULL,
                    "'interpreter' needs a process that runs Python 3 with a GIL, such as "
                    "'runtime: cpython-3.12'");
        return;
    }
    uint32_t *symbol = intern_symbol(loader, def->process, SYMBOL_INTERPRETER, name);
    if (*symbol == 0 && process->interpreters == INTERPRETERS_MAX) {
        loader_fail(loader, node, NULL,
                    "a process has %d interpreters at most besides its main one", INTERPRETERS_MAX);
        return;
    }
    if (*symbol == 0)
        *symbol = ++process->interpreters;
    def->gil = process->runtime.minor >= OWN_GIL ? *symbol : 0;
}

// The threads of 3.14 are those of 3.13. What else it has was not compared with it, and is refused.
static bool is_of_its_library(const char *group)
{
    static const char *const groups[] = {"asyncio", "executors", "multiprocessing"};
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (strcmp(group, groups[i]) == 0)
            return true;
    return false;
}

bool runtime_allows(Loader *loader, ProcessId process, unsigned code, const Node *key)
{
    const Runtime *runtime = &loader->processes.at[process.index1 - 1].runtime;
    const OpInfo *info = op_info(code);
    bool newest = runtime->major == 3 && runtime->minor >= 14;
    if (newest && is_of_its_library(info->group))
        return loader_fail(loader, key, NULL,
                           "'%s' needs Python 3.13 or older: of 3.14 only threads are modelled",
                           info->name);
    if (strcmp(info->group, "objects") != 0)
        return true;
    if (!runtime->python)
        return loader_fail(loader, key, NULL,
                           "'%s' needs a process that runs Python: 'runtime: cpython-3.12'",
                           info->name);
    if (newest)
        return loader_fail(
            loader, key, NULL,
            "'%s' needs Python 3.13 or older: 3.14 has another collector, which is not modelled",
            info->name);
    if (code == OP_GC_FREEZE && runtime->major == 2)
        return loader_fail(loader, key, NULL, "'%s' needs Python 3.7 or later", info->name);
    return true;
}
