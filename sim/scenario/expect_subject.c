// Finds what the parentheses of a metric name: a core, threads, a lock, a mark or a span. Only
// names are resolved here; units and grammar are expect.c.
#include "sim/scenario/expect_node.h"

#include "sim/trace/record.h"

#include <string.h>

// A search among the names of threads, of locks, or of all that threads synchronise by, which may
// be written "process/name".
typedef struct Search {
    const Scenario *scenario;
    ExpectSubject kind;
    uint32_t found, again; // ids; `again` is a second one of that name
} Search;

static uint32_t named_count(const Search *search)
{
    switch (search->kind) {
    case SUBJECT_THREADS:
        return search->scenario->thread_count;
    case SUBJECT_VARIABLE:
        return search->scenario->variable_count;
    case SUBJECT_PROCESS:
        return search->scenario->process_count;
    case SUBJECT_PIPE:
        return search->scenario->pipe_count;
    default:
        return search->scenario->sync_count;
    }
}

static const char *named_name(const Search *search, uint32_t index)
{
    const Scenario *scenario = search->scenario;
    switch (search->kind) {
    case SUBJECT_THREADS:
        return scenario_string(scenario, scenario->threads[index].name);
    case SUBJECT_VARIABLE:
        return scenario_string(scenario, scenario->variables[index].name);
    case SUBJECT_PROCESS:
        return scenario_string(scenario, scenario->processes[index].name);
    case SUBJECT_PIPE:
        return scenario_string(scenario, scenario->pipes[index].name);
    default:
        return scenario_string(scenario, scenario->syncs[index].name);
    }
}

static const char *named_process(const Search *search, uint32_t index)
{
    const Scenario *scenario = search->scenario;
    ProcessId process = search->kind == SUBJECT_THREADS    ? scenario->threads[index].process
                        : search->kind == SUBJECT_VARIABLE ? scenario->variables[index].process
                        : search->kind == SUBJECT_PIPE     ? scenario->pipes[index].process
                        : search->kind == SUBJECT_PROCESS  ? (ProcessId){0}
                                                           : scenario->syncs[index].process;
    if (ID_NONE(process) || process.index1 > scenario->process_count)
        return "";
    return scenario_string(scenario, scenario->processes[process.index1 - 1].name);
}

static bool same_text(const char *text, size_t length, const char *other)
{
    return strlen(other) == length && memcmp(text, other, length) == 0;
}

// Whether the item is of the kind that is searched.
static bool named_fits(const Search *search, uint32_t index)
{
    return search->kind != SUBJECT_LOCK || sync_is_lock(search->scenario->syncs[index].kind);
}

// Whether text[0..length) is the item's name, plain or after its process and a slash.
static bool named_is(const Search *search, uint32_t index, const char *text, size_t length)
{
    const char *name = named_name(search, index);
    if (same_text(text, length, name))
        return true;
    const char *process = named_process(search, index);
    size_t prefix = strlen(process);
    return length > prefix && memcmp(text, process, prefix) == 0 && text[prefix] == '/' &&
           same_text(text + prefix + 1, length - prefix - 1, name);
}

static void search_run(Search *search, const char *text, size_t length)
{
    search->found = search->again = 0;
    for (uint32_t i = 0; i < named_count(search); i++) {
        if (!named_fits(search, i) || !named_is(search, i, text, length))
            continue;
        if (search->found != 0) {
            search->again = i + 1;
            return;
        }
        search->found = i + 1;
    }
}

// "worker-12": writes 12 and the length of "worker"; false when there is no such ending.
static bool split_instance(const char *text, size_t *length, uint32_t *instance)
{
    const char *dash = strrchr(text, '-');
    if (dash == NULL || dash == text || dash[1] < '1' || dash[1] > '9')
        return false;
    uint64_t number = 0;
    for (const char *c = dash + 1; *c != '\0'; c++) {
        if (*c < '0' || *c > '9' || number > UINT32_MAX)
            return false;
        number = number * 10 + (uint64_t)(*c - '0');
    }
    *length = (size_t)(dash - text);
    *instance = (uint32_t)number;
    return number <= UINT32_MAX;
}

// "core 3" or "core3"; false when it is not of this form.
static bool split_core(const char *text, uint32_t *core)
{
    if (strncmp(text, "core", 4) != 0)
        return false;
    const char *c = text + 4;
    while (*c == ' ')
        c++;
    uint64_t number = 0;
    if (*c == '\0')
        return false;
    for (; *c != '\0'; c++) {
        if (*c < '0' || *c > '9')
            return false;
        if (number <= UINT32_MAX) // more is too many anyway
            number = number * 10 + (uint64_t)(*c - '0');
    }
    *core = number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
    return true;
}

// The marks and spans of that name: bit 0 a mark, bit 1 a span. Writes its StringId.
static unsigned find_name(const Scenario *scenario, const char *text, uint32_t *id)
{
    unsigned kinds = 0;
    for (uint32_t i = 0; i < scenario->op_count && kinds != 3; i++) {
        const Op *op = &scenario->ops[i];
        if (op->code != OP_MARK && op->code != OP_SPAN)
            continue;
        if (strcmp(scenario_string(scenario, (StringId){op->arg[0]}), text) != 0)
            continue;
        *id = op->arg[0];
        kinds |= op->code == OP_MARK ? 1 : 2;
    }
    return kinds;
}

static const char *suggest(Arena *arena, const char *text, const char *const *candidates,
                           size_t count)
{
    const char *nearest = diag_nearest(text, candidates, count);
    return nearest == NULL ? NULL : arena_format(arena, "did you mean %s?", nearest);
}

static const char *suggest_named(const Search *search, const char *text, Arena *arena)
{
    uint32_t count = named_count(search);
    const char **names = ARENA_ARRAY(arena, const char *, count + 1);
    for (uint32_t i = 0; i < count; i++)
        names[i] = named_fits(search, i) ? named_name(search, i) : NULL;
    return suggest(arena, text, names, count);
}

static const char *suggest_name(const Scenario *scenario, bool spans_only, const char *text,
                                Arena *arena)
{
    const char **names = ARENA_ARRAY(arena, const char *, scenario->op_count + 1);
    size_t count = 0;
    for (uint32_t i = 0; i < scenario->op_count; i++) {
        const Op *op = &scenario->ops[i];
        if (op->code == OP_SPAN || (op->code == OP_MARK && !spans_only))
            names[count++] = scenario_string(scenario, (StringId){op->arg[0]});
    }
    return suggest(arena, text, names, count);
}

// What else `text` names: "a lock", or NULL for nothing.
static const char *other_kind(const Scenario *scenario, ExpectSubject wanted, const char *text,
                              Arena *arena)
{
    uint32_t id;
    Search search = {scenario, SUBJECT_THREADS, 0, 0};
    if (wanted != SUBJECT_CORE && split_core(text, &id))
        return "a core";
    search_run(&search, text, strlen(text));
    if (wanted != SUBJECT_THREADS && search.found != 0)
        return "a thread";
    search.kind = SUBJECT_SYNC;
    search_run(&search, text, strlen(text));
    if (wanted != SUBJECT_SYNC && search.found != 0) {
        SyncKind kind = scenario->syncs[search.found - 1].kind;
        if (wanted != SUBJECT_LOCK || !sync_is_lock(kind))
            return arena_format(arena, "%s %s", kind == SYNC_EVENT ? "an" : "a",
                                sync_is_lock(kind) ? "lock" : sync_kind_word(kind));
    }
    search.kind = SUBJECT_VARIABLE;
    search_run(&search, text, strlen(text));
    if (wanted != SUBJECT_VARIABLE && search.found != 0)
        return "a variable";
    search.kind = SUBJECT_PIPE;
    search_run(&search, text, strlen(text));
    if (wanted != SUBJECT_PIPE && search.found != 0)
        return "a pipe";
    search.kind = SUBJECT_PROCESS;
    search_run(&search, text, strlen(text));
    if (wanted != SUBJECT_PROCESS && search.found != 0)
        return "a process";
    unsigned kinds = find_name(scenario, text, &id);
    if (wanted != SUBJECT_NAME && kinds != 0)
        return kinds & 2 ? "a span" : "a mark";
    return NULL;
}

static bool overridden(const Scenario *scenario)
{
    return scenario->overrides != NULL && scenario->overrides[0] != '\0';
}

static bool resolve_core(const Scenario *scenario, ExpectNode *node, const char *text, Arena *arena,
                         const char **problem)
{
    if (!split_core(text, &node->id)) {
        *problem = arena_format(arena, "'%s' is not a core; write %s(core 0)", text,
                                metric_info(node->metric)->name);
        return false;
    }
    // With `--set machine.cores=1` a line about core 1 is not wrong: it only cannot hold.
    uint32_t cores = scenario->machine.cores;
    if (node->id < cores || overridden(scenario))
        return true;
    *problem = cores == 1 ? "the machine has one core: core 0"
                          : arena_format(arena, "the machine has %u cores: core 0 to core %u",
                                         cores, cores - 1);
    return false;
}

static const char *named_word(ExpectSubject subject)
{
    return subject == SUBJECT_THREADS    ? "thread"
           : subject == SUBJECT_LOCK     ? "lock"
           : subject == SUBJECT_VARIABLE ? "variable"
           : subject == SUBJECT_PROCESS  ? "process"
           : subject == SUBJECT_PIPE     ? "pipe"
                                         : "lock, semaphore, queue or the like";
}

// The search found two of that name: says how to tell them apart.
static bool ambiguous(const Search *search, const char *text, Arena *arena, const char **problem)
{
    if (strcmp(named_process(search, search->found - 1),
               named_process(search, search->again - 1)) == 0)
        *problem = arena_format(arena, "there are several %s called '%s' in one process",
                                search->kind == SUBJECT_THREADS    ? "threads"
                                : search->kind == SUBJECT_VARIABLE ? "variables"
                                                                   : "locks",
                                text);
    else
        *problem = arena_format(
            arena, "several processes have a %s '%s'; write %s/%s or %s/%s",
            named_word(search->kind), text, named_process(search, search->found - 1),
            named_name(search, search->found - 1), named_process(search, search->again - 1),
            named_name(search, search->again - 1));
    return false;
}

static bool resolve_named(const Scenario *scenario, ExpectNode *node, const char *text,
                          Arena *arena, const char **problem, const char **hint)
{
    Search search = {scenario, node->subject, 0, 0};
    size_t length = strlen(text);
    search_run(&search, text, length);
    bool numbered = node->subject == SUBJECT_THREADS || node->subject == SUBJECT_PROCESS;
    if (search.found == 0 && numbered && split_instance(text, &length, &node->instance)) {
        search_run(&search, text, length);
        if (search.found == 0)
            length = strlen(text);
    }
    if (search.again != 0)
        return ambiguous(&search, arena_text(arena, text, length), arena, problem);
    node->id = search.found;
    if (search.found == 0) {
        *problem = arena_format(arena, "no %s is called '%s'", named_word(node->subject), text);
        *hint = suggest_named(&search, text, arena);
        return false;
    }
    if (node->subject != SUBJECT_THREADS || node->instance == 0)
        return true;
    const ThreadDef *def = &scenario->threads[search.found - 1];
    if (def->spawned || node->instance <= def->count || overridden(scenario))
        return true;
    *problem = arena_format(arena, "'%.*s' is %u thread%s; there is no number %u", (int)length,
                            text, def->count, def->count == 1 ? "" : "s", node->instance);
    return false;
}

static bool resolve_name(const Scenario *scenario, ExpectNode *node, const char *text, Arena *arena,
                         const char **problem, const char **hint)
{
    unsigned kinds = find_name(scenario, text, &node->id);
    bool spans_only = node->metric == METRIC_LATENCY;
    if (kinds & 2 || (kinds & 1 && !spans_only))
        return true;
    if (kinds & 1) {
        *problem = arena_format(arena, "'%s' is a mark, which has no latency; a span has", text);
        return false;
    }
    *problem =
        arena_format(arena, "no %s is called '%s'", spans_only ? "span" : "mark or span", text);
    *hint = suggest_name(scenario, spans_only, text, arena);
    return false;
}

bool expect_resolve(const Scenario *scenario, ExpectNode *node, const char *text, Arena *arena,
                    const char **problem, const char **hint)
{
    static const char *const about[] = {
        "the whole run", "a core",           "threads",
        "a lock",        "a mark or a span", "a lock, a semaphore, a queue or the like",
        "a variable",    "a process",        "a pipe"};
    const char *metric = metric_info(node->metric)->name;
    bool found;
    *problem = *hint = NULL;
    switch (node->subject) {
    case SUBJECT_CORE:
        found = resolve_core(scenario, node, text, arena, problem);
        break;
    case SUBJECT_THREADS:
    case SUBJECT_LOCK:
    case SUBJECT_SYNC:
    case SUBJECT_VARIABLE:
    case SUBJECT_PROCESS:
    case SUBJECT_PIPE:
        found = resolve_named(scenario, node, text, arena, problem, hint);
        break;
    case SUBJECT_NAME:
        found = resolve_name(scenario, node, text, arena, problem, hint);
        break;
    default:
        *problem =
            arena_format(arena, "'%s' is about the whole run; it takes no parentheses", metric);
        return false;
    }
    const char *other = found ? NULL : other_kind(scenario, node->subject, text, arena);
    if (other != NULL) {
        *hint = NULL;
        *problem = arena_format(arena, "'%s' is about %s; '%s' is %s", metric, about[node->subject],
                                text, other);
    }
    return found;
}
