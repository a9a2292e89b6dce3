// `processes:` and, for short scenarios, `threads:`, `locks:` and `functions:` of the whole file,
// which are then one process called main. Names first, then ops, so that an op may name what comes
// later.
#include "sim/scenario/loader.h"

#include <string.h>

static const char *string(const Loader *loader, StringId id)
{
    return loader->strings.at[id.index1 - 1];
}

static bool name_taken(Loader *loader, const Node *node, const char *kind, SourceAt first)
{
    if (first.line == 0)
        return loader_fail(loader, node, NULL, "there is another %s '%s'", kind, node->text);
    return loader_fail(loader, node, NULL, "there is another %s '%s' (line %u)", kind, node->text,
                       first.line);
}

// --- functions ----------------------------------------------------------------------------------

static void load_function(Loader *loader, ProcessId process, const Node *node)
{
    StringId name;
    if (!value_name(loader, node->key, "a function", &name))
        return;
    uint32_t *symbol = intern_symbol(loader, process, SYMBOL_FUNCTION, name);
    if (*symbol != 0)
        return;
    *ARRAY_PUSH(&loader->functions) = (Function){.name = name, .process = process, .body = node};
    *symbol = (uint32_t)loader->functions.count;
}

static void load_names(Loader *loader, ProcessId process, const Node *map, const char *label,
                       void (*load)(Loader *, ProcessId, const Node *))
{
    if (map == NULL || node_is_null(map) || !loader_map(loader, map, label))
        return;
    for (const Node *node = map->first; node != NULL; node = node->next)
        load(loader, process, node);
}

// --- threads ------------------------------------------------------------------------------------

static void add_core(Loader *loader, const Node *node, CoreSet *set)
{
    int core, cores = loader->cores_known ? (int)loader->scenario->machine.cores : CORES_MAX;
    if (cores > 1 || !loader->cores_known) {
        if (!value_integer(loader, node, "'affinity'", 0, cores - 1, &core))
            return;
    } else {
        if (!value_integer(loader, node, "'affinity'", 0, CORES_MAX - 1, &core))
            return;
        if (core > 0) {
            loader_fail(loader, node, NULL, "'affinity': this machine has only core 0; found %s",
                        loader_found(loader, node));
            return;
        }
    }
    set->words[core / 64] |= (uint64_t)1 << (core % 64);
}

static void load_affinity(Loader *loader, const Node *node, ThreadDef *def)
{
    CoreSet set = {0};
    if (node->kind == NODE_MAP || node_is_null(node) ||
        (node->kind == NODE_LIST && node->count == 0)) {
        loader_fail(loader, node, NULL,
                    "'affinity' needs a core's number or a list of them; "
                    "found %s",
                    node->kind == NODE_LIST ? "an empty list" : loader_found(loader, node));
        return;
    }
    if (node->kind == NODE_TEXT)
        add_core(loader, node, &set);
    else
        for (const Node *core = node->first; core != NULL; core = core->next)
            add_core(loader, core, &set);
    def->affinity = intern_core_set(loader, &set);
}

static void load_stack(Loader *loader, const Node *map, ThreadDef *def)
{
    const Node *stack = node_get(map, "stack"), *touched = node_get(map, "stack_touched");
    const Node *working = node_get(map, "working_set");
    uint64_t bytes;
    if (working != NULL)
        value_size(loader, working, "'working_set'", 1, UINT64_C(1) << 40, &def->working_set);
    if (stack != NULL && value_size(loader, stack, "'stack'", 16 << 10, UINT64_C(1) << 40, &bytes))
        def->stack_pages = (uint32_t)pages_of(bytes);
    if (touched == NULL ||
        !value_size(loader, touched, "'stack_touched'", 1, UINT64_C(1) << 40, &bytes))
        return;
    def->stack_touched = (uint32_t)pages_of(bytes);
    if (def->stack_touched > thread_stack_pages(def))
        loader_fail(loader, touched, NULL, "'stack_touched' is more than the stack has");
}

static void load_thread_values(Loader *loader, const Node *map, ThreadDef *def)
{
    const Node *count = node_get(map, "count"), *start = node_get(map, "start"),
               *nice = node_get(map, "nice"), *affinity = node_get(map, "affinity"),
               *is_daemon = node_get(map, "daemon"), *slice = node_get(map, "slice");
    uint64_t number;
    int level;
    if (count != NULL && value_count(loader, count, "'count'", 1, 1000000000, &number))
        def->count = (uint32_t)number;
    if (start != NULL)
        value_dist(loader, start, "'start'", &def->start);
    if (nice != NULL && value_integer(loader, nice, "'nice'", -20, 19, &level))
        def->nice = (int8_t)level;
    if (affinity != NULL)
        load_affinity(loader, affinity, def);
    if (is_daemon != NULL)
        value_bool(loader, is_daemon, "'daemon'", &def->daemon);
    if (slice != NULL)
        value_duration(loader, slice, "'slice'", EEVDF_SLICE_LEAST_NS, EEVDF_SLICE_MOST_NS,
                       &def->slice_ns);
    const Node *interpreter = node_get(map, "interpreter");
    if (interpreter != NULL)
        runtime_load_interpreter(loader, interpreter, def);
    const Node *policy = node_get(map, "policy"), *tickets = node_get(map, "tickets"),
               *estimate = node_get(map, "estimate");
    if (policy != NULL)
        thread_policy_load(loader, policy, def);
    if (tickets != NULL && value_count(loader, tickets, "'tickets'", 1, TICKETS_MOST, &number))
        def->tickets = (uint32_t)number;
    if (estimate != NULL)
        value_duration(loader, estimate, "'estimate'", 1, DURATION_MAX_NS, &def->estimate_ns);
    def->several = def->count > 1;
    load_stack(loader, map, def);
}

ThreadDef *processes_add_thread(Loader *loader, StringId name, ProcessId process, uint32_t function,
                                SourceAt at)
{
    ThreadDef *def = ARRAY_PUSH(&loader->threads);
    *def = (ThreadDef){.name = name, .process = process, .tickets = TICKETS_DEFAULT, .at = at};
    *ARRAY_PUSH(&loader->thread_functions) = function;
    return def;
}

static void load_thread(Loader *loader, ProcessId process, const Node *map)
{
    if (!loader_map(loader, map, "a thread"))
        return;
    loader_keys(loader, map, SECTION_THREAD, map);
    const Node *name = node_get(map, "name");
    StringId id;
    if (name == NULL || !value_name(loader, name, "'name'", &id)) {
        loader->names_incomplete = true;
        id = intern_string(loader, "?");
    } else {
        uint32_t *symbol = intern_symbol(loader, process, SYMBOL_THREAD, id);
        if (*symbol != 0)
            name_taken(loader, name, "thread", loader->threads.at[*symbol - 1].at);
        else
            *symbol = (uint32_t)loader->threads.count + 1;
    }
    ThreadDef *def =
        processes_add_thread(loader, id, process, 0, name != NULL ? name->at : map->at);
    def->count = 1;
    load_thread_values(loader, map, def);
}

static void load_run(Loader *loader, ProcessId process, const Node *run, size_t thread)
{
    if (run->kind == NODE_TEXT && !node_is_null(run)) {
        uint32_t function = 0;
        if (compile_function(loader, process, run, "'run'", &function))
            loader->thread_functions.at[thread] = function;
        return;
    }
    uint32_t entry;
    compile_ops(loader, process, run, "'run'", &entry);
    loader->threads.at[thread].entry = entry;
}

static void load_ops(Loader *loader, ProcessId process, const Node *threads, size_t first_function,
                     size_t first_thread)
{
    for (size_t i = first_function; i < loader->functions.count; i++) {
        Function function = loader->functions.at[i];
        const char *label =
            arena_format(&loader->scratch, "the function '%s'", string(loader, function.name));
        compile_ops(loader, process, function.body, label, &function.entry);
        loader->functions.at[i].entry = function.entry;
    }
    size_t thread = first_thread;
    for (const Node *map = threads->first; map != NULL; map = map->next) {
        if (map->kind != NODE_MAP)
            continue; // made no thread
        const Node *run = node_get(map, "run");
        if (run != NULL)
            load_run(loader, process, run, thread);
        thread++;
    }
}

static void load_threads(Loader *loader, ProcessId process, const Node *node, const Node *functions)
{
    size_t first_function = loader->functions.count, first_thread = loader->threads.count;
    load_names(loader, process, functions, "'functions'", load_function);
    if (!loader_items(loader, node, "'threads'", "threads"))
        return;
    if (node->count == 0)
        loader_fail(loader, node, NULL, "'threads' is empty: there is nothing to run");
    bool works = false;
    for (const Node *map = node->first; map != NULL; map = map->next)
        load_thread(loader, process, map);
    for (size_t i = first_thread; i < loader->threads.count; i++)
        works = works || !loader->threads.at[i].daemon;
    if (!works && loader->threads.count > first_thread)
        loader_fail(loader, node->key, NULL,
                    "all threads of the process are daemons, which end with its last other thread");
    loader->spawns_unknown = loader->names_incomplete;
    load_ops(loader, process, node, first_function, first_thread);
    compile_finish(loader, process);
    asyncio_finish(loader, process, first_function, first_thread);
}

// --- processes ----------------------------------------------------------------------------------

static ProcessId add_process(Loader *loader, StringId name, SourceAt at)
{
    ProcessId process = {(uint32_t)loader->processes.count + 1};
    *ARRAY_PUSH(&loader->processes) = (ProcessDef){.name = name, .at = at, .family = process};
    return process;
}

// What its threads share.
static void load_data(Loader *loader, ProcessId process, const Node *owner)
{
    uint32_t sync_first = (uint32_t)loader->syncs.count;
    uint32_t variable_first = (uint32_t)loader->variables.count;
    syncs_load(loader, process, owner);
    variables_load(loader, process, owner);
    executors_load(loader, process, owner);
    multiprocessing_load(loader, process, owner);
    ProcessDef *def = &loader->processes.at[process.index1 - 1];
    def->sync_first = sync_first;
    def->sync_count = (uint32_t)loader->syncs.count - sync_first;
    def->variable_first = variable_first;
    def->variable_count = (uint32_t)loader->variables.count - variable_first;
    for (size_t i = sync_first; i < loader->syncs.count; i++)
        def->owns_data = def->owns_data || !loader->syncs.at[i].shared;
    for (size_t i = variable_first; i < loader->variables.count; i++)
        def->owns_data = def->owns_data || !loader->variables.at[i].shared;
}

static void load_process(Loader *loader, const Node *map)
{
    if (!loader_map(loader, map, "a process"))
        return;
    loader_keys(loader, map, SECTION_PROCESS, map);
    const Node *name_node = node_get(map, "name"), *threads = node_get(map, "threads");
    StringId name = {0};
    if (name_node == NULL || !value_name(loader, name_node, "'name'", &name)) {
        loader->names_incomplete = true;
        name = intern_string(loader, "?");
    }
    ProcessId process = add_process(loader, name, name_node != NULL ? name_node->at : map->at);
    loader->processes.at[process.index1 - 1].listed = true;
    uint32_t *symbol = intern_symbol(loader, (ProcessId){0}, SYMBOL_PROCESS, name);
    if (*symbol == 0)
        *symbol = process.index1;
    else if (!loader->names_incomplete)
        name_taken(loader, name_node, "process", loader->processes.at[*symbol - 1].at);
    if (!runtime_load(loader, node_get(map, "runtime"),
                      &loader->processes.at[process.index1 - 1].runtime)) {
        loader->names_incomplete = true; // which ops it may have is not known
        return;
    }
    load_data(loader, process, map);
    kernel_load_names(loader, process, map);
    if (threads != NULL)
        load_threads(loader, process, threads, node_get(map, "functions"));
}

void processes_load(Loader *loader, const Node *root)
{
    static const char *const short_keys[] = {"threads",   "locks",    "semaphores", "conditions",
                                             "events",    "barriers", "queues",     "variables",
                                             "functions", "runtime",  "asyncio",    "connections",
                                             "pools",     "managers"};
    const Node *processes = node_get(root, "processes"), *threads = node_get(root, "threads");
    if (processes == NULL && threads == NULL) {
        if (node_get(root, "workload") != NULL)
            return; // it is wrong, or it would have made some
        loader_fail(loader, root, NULL,
                    "there is nothing to run: neither 'processes' nor "
                    "'threads' is here");
        return;
    }
    if (processes == NULL) {
        ProcessId process = add_process(loader, intern_string(loader, "main"), root->at);
        *intern_symbol(loader, (ProcessId){0}, SYMBOL_PROCESS, loader->processes.at[0].name) =
            process.index1;
        if (!runtime_load(loader, node_get(root, "runtime"), &loader->processes.at[0].runtime))
            return;
        kernel_load_names(loader, process, root);
        load_data(loader, process, root);
        load_threads(loader, process, threads, node_get(root, "functions"));
        executors_emit_boot(loader);
        kernel_finish(loader);
        signal_handlers_finish(loader);
        return;
    }
    for (size_t i = 0; i < sizeof short_keys / sizeof short_keys[0]; i++) {
        const Node *stray = node_get(root, short_keys[i]);
        if (stray != NULL)
            loader_fail(loader, stray->key, NULL,
                        "'%s' stands beside 'processes'; it belongs into one of them",
                        short_keys[i]);
    }
    kernel_load_names(loader, (ProcessId){0}, root);
    if (!loader_items(loader, processes, "'processes'", "processes"))
        return;
    if (processes->count == 0)
        loader_fail(loader, processes, NULL, "'processes' is empty: there is nothing to run");
    for (const Node *map = processes->first; map != NULL; map = map->next)
        load_process(loader, map);
    executors_emit_boot(loader);
    kernel_finish(loader);
    signal_handlers_finish(loader);
}
