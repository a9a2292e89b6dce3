// `executors:` of a process, the fields of ops that name them or futures, and the library code of
// their threads. As Lib/concurrent/futures/thread.py of CPython.
#include "sim/scenario/library.h"

#include <string.h>

enum { EXECUTOR_THREADS_MAX = 10000, UV_POOL_DEFAULT = 4, UV_POOL_MAX = 1024 };

static const char *string(const Loader *loader, StringId id)
{
    return loader->strings.at[id.index1 - 1];
}

// ---- an executor

// ThreadPoolExecutor's own choice: for what waits, not for what computes.
static uint32_t default_workers(const Loader *loader)
{
    uint32_t workers = loader->scenario->machine.cores + 4;
    return workers < 32 ? workers : 32;
}

// Shuts a loop's executor down and waits for its threads.
static void emit_stop(Loader *loader, SourceAt at, uint32_t executor, ThreadDefId worker)
{
    library_op(loader, at, OP_LIB_EXECUTOR_STOP, executor, 1, 0);
    library_op(loader, at, OP_JOIN, worker.index1, 0, 0);
}

// `method`: how its processes start; NULL: it has threads.
static void add_executor(Loader *loader, ProcessId process, StringId name, SourceAt at,
                         uint32_t workers, bool is_default, const StartMethod *method)
{
    uint32_t id = (uint32_t)loader->executors.count + 1;
    ExecutorDef def = {
        .name = name, .process = process, .at = at, .is_default = is_default, .workers = workers};
    def.queue = library_sync(loader, process, at, name, NULL, (SyncDef){.kind = SYNC_QUEUE});
    def.results = library_sync(loader, process, at, name, "results", (SyncDef){.kind = SYNC_EVENT});
    if (method != NULL) {
        def.processes = true;
        def.start = *method;
        process_pool_emit(loader, &def, id);
    } else {
        uint32_t work = library_op(loader, at, OP_LIB_EXECUTOR_WORK, id, 0, 0);
        library_op(loader, at, OP_RETURN, 0, 0, 0);
        def.worker = library_thread(loader, process, at, name, NULL, work);
        loader->threads.at[def.worker.index1 - 1].several = true;
    }
    if (is_default) {
        uint32_t stop = library_here(loader);
        emit_stop(loader, at, id, def.worker);
        library_op(loader, at, OP_LIB_EXECUTOR_STOPPED, 0, 0, 0);
        library_op(loader, at, OP_RETURN, 0, 0, 0);
        def.stopper = library_thread(loader, process, at, name, "shutdown", stop);
    }
    *ARRAY_PUSH(&loader->executors) = def;
}

static void load_process_pool(Loader *loader, ProcessId process, const Node *map, StringId name)
{
    const Node *processes = node_get(map, "processes"), *start = node_get(map, "start");
    uint64_t workers = loader->scenario->machine.cores; // os.cpu_count()
    uint32_t word = 0;
    if (node_get(map, "threads") != NULL)
        loader_fail(loader, map->key, NULL, "'%s' has either 'threads' or 'processes'",
                    map->key->text);
    if (processes != NULL)
        value_count(loader, processes, "'processes'", 1, POOL_PROCESSES_MAX, &workers);
    if (start != NULL)
        field_word(loader, FIELD_START_METHOD, start, "'start'", &word);
    StartMethod method = word == 0 ? START_FORK : (StartMethod)(word - 1);
    add_executor(loader, process, name, map->key->at, (uint32_t)workers, false, &method);
}

static void load_executor(Loader *loader, ProcessId process, const Node *node)
{
    StringId name;
    uint64_t workers = default_workers(loader);
    if (!value_name(loader, node->key, "an executor", &name))
        return;
    uint32_t *symbol = intern_symbol(loader, process, SYMBOL_EXECUTOR, name);
    *symbol = (uint32_t)loader->executors.count + 1;
    if (node->kind == NODE_MAP) {
        loader_keys(loader, node, SECTION_EXECUTOR, node->key);
        const Node *threads = node_get(node, "threads");
        if (threads != NULL)
            value_count(loader, threads, "'threads'", 1, EXECUTOR_THREADS_MAX, &workers);
        if (node_get(node, "processes") != NULL || node_get(node, "start") != NULL) {
            load_process_pool(loader, process, node, name);
            return;
        }
    } else if (!node_is_null(node)) {
        value_count(loader, node, arena_format(&loader->scratch, "'%s'", node->key->text), 1,
                    EXECUTOR_THREADS_MAX, &workers);
    }
    add_executor(loader, process, name, node->key->at, (uint32_t)workers, false, NULL);
}

// ---- the default executor

// The first operation below the node that has one of two names; NULL: there is none.
static const Node *find_user(const Node *node, const char *name, const char *other)
{
    for (const Node *at = node->kind == NODE_TEXT ? NULL : node->first; at != NULL; at = at->next) {
        bool names = at->key != NULL && at->key->kind == NODE_TEXT &&
                     (strcmp(at->key->text, name) == 0 || strcmp(at->key->text, other) == 0);
        const Node *user = names ? at->key : find_user(at, name, other);
        if (user != NULL)
            return user;
    }
    return NULL;
}

// ---- libuv's thread pool

// How many threads `node.run` says that it has.
static void load_pool_size(Loader *loader, const Node *node, uint64_t *size)
{
    for (const Node *at = node->kind == NODE_TEXT ? NULL : node->first; at != NULL; at = at->next) {
        bool runs =
            at->key != NULL && at->key->kind == NODE_TEXT && strcmp(at->key->text, "node.run") == 0;
        const Node *pool = runs && at->kind == NODE_MAP ? node_get(at, "pool") : NULL;
        if (pool != NULL)
            value_count(loader, pool, "'pool' of 'node.run'", 1, UV_POOL_MAX, size);
        else
            load_pool_size(loader, at, size);
    }
}

// Only when something is queued for it.
static void load_uv_pool(Loader *loader, ProcessId process, const Node *owner)
{
    const Node *user = find_user(owner, "queue_work", "queue_work");
    uint64_t workers = UV_POOL_DEFAULT;
    if (user == NULL)
        return;
    load_pool_size(loader, owner, &workers);
    uint32_t id = (uint32_t)loader->executors.count + 1;
    StringId name = intern_string(loader, "libuv");
    ExecutorDef def = {.name = name,
                       .process = process,
                       .at = user->at,
                       .libuv = true,
                       .is_default = true,
                       .workers = (uint32_t)workers};
    def.queue = library_sync(loader, process, user->at, name, NULL, (SyncDef){.kind = SYNC_QUEUE});
    def.results =
        library_sync(loader, process, user->at, name, "results", (SyncDef){.kind = SYNC_EVENT});
    uint32_t work = library_op(loader, user->at, OP_LIB_UV_WORK, 0, 0, 0);
    library_op(loader, user->at, OP_RETURN, 0, 0, 0);
    def.worker = library_thread(loader, process, user->at, name, NULL, work);
    loader->threads.at[def.worker.index1 - 1].several = true;
    *ARRAY_PUSH(&loader->executors) = def;
    loader->processes.at[process.index1 - 1].default_executor = id;
}

static void load_timers(Loader *loader, ProcessId process, const Node *owner);

void executors_load(Loader *loader, ProcessId process, const Node *owner)
{
    load_timers(loader, process, owner);
    const Runtime *runtime = &loader->processes.at[process.index1 - 1].runtime;
    const Node *map = node_get(owner, "executors");
    bool python3 = runtime->python && runtime->major >= 3;
    if (map != NULL && !node_is_null(map) && !python3) {
        loader_fail(loader, map->key, NULL,
                    "'executors' are of a process that runs Python 3, such as 'runtime: "
                    "cpython-3.12'");
        loader->names_incomplete = true;
    } else if (map != NULL && !node_is_null(map) && loader_map(loader, map, "'executors'")) {
        for (const Node *node = map->first; node != NULL; node = node->next)
            load_executor(loader, process, node);
    }
    if (runtime->node)
        load_uv_pool(loader, process, owner);
    const Node *user = python3 ? find_user(owner, "to_thread", "run_in_executor") : NULL;
    if (user == NULL)
        return;
    uint32_t id = (uint32_t)loader->executors.count + 1;
    loader->processes.at[process.index1 - 1].default_executor = id;
    add_executor(loader, process, intern_string(loader, "asyncio"), user->at,
                 default_workers(loader), true, NULL);
}

// ---- timers

static void load_timers(Loader *loader, ProcessId process, const Node *owner)
{
    const Node *user = find_user(owner, "timer", "timer");
    if (user == NULL)
        return;
    StringId name = intern_string(loader, "timers");
    SyncId timers =
        library_sync(loader, process, user->at, name, NULL, (SyncDef){.kind = SYNC_EVENT});
    loader->processes.at[process.index1 - 1].timers = timers;
}

static bool is_timer(const Loader *loader, uint32_t thread)
{
    for (size_t i = 0; i < loader->timers.count; i++)
        if (loader->timers.at[i] == thread)
            return true;
    return false;
}

// A name means threads that a `spawn` starts, or those of a `timer`.
static void check_timer(Loader *loader, uint32_t op, const Node *key)
{
    bool timer = loader->ops.at[op].code == OP_TIMER;
    uint32_t thread = loader->ops.at[op].arg[timer ? 2 : 1];
    if (thread == 0 || is_timer(loader, thread) == timer)
        return;
    const ThreadDef *def = &loader->threads.at[thread - 1];
    bool new =
        def->at.line == loader->op_at.at[op].line && def->at.column == loader->op_at.at[op].column;
    if (timer && new)
        *ARRAY_PUSH(&loader->timers) = thread;
    else
        loader_fail(
            loader, key, NULL,
            "the name '%s' belongs to other threads (line %u); give these another with 'as'",
            string(loader, def->name), def->at.line);
}

// The thread waits first, and then calls its function, or does not.
static void emit_timer(Loader *loader, uint32_t thread)
{
    ThreadDef *def = &loader->threads.at[thread - 1];
    SourceAt at = def->at;
    uint32_t function = def->entry;
    uint32_t entry = library_op(loader, at, OP_LIB_TIMER, 0, 0, 0);
    library_op(loader, at, OP_CALL, function, 0, 0);
    library_aim(loader, entry, 0, library_here(loader));
    library_op(loader, at, OP_RETURN, 0, 0, 0);
    def->entry = entry;
}

// ---- fields of ops

bool field_executor(Loader *loader, ProcessId process, const Node *node, const char *label,
                    uint32_t *arg)
{
    return value_symbol(loader, process, SYMBOL_EXECUTOR, "executor", node, label, arg);
}

bool field_future(Loader *loader, ProcessId process, const Node *node, const char *label,
                  bool submits, uint32_t *arg)
{
    StringId name;
    if (!value_name(loader, node, label, &name))
        return false;
    uint32_t *symbol = intern_symbol(loader, process, SYMBOL_FUTURE, name);
    if (*symbol == 0) {
        *ARRAY_PUSH(&loader->future_names) =
            (FutureNameDef){.name = name, .process = process, .at = node->at};
        *symbol = (uint32_t)loader->future_names.count;
    }
    FutureNameDef *def = &loader->future_names.at[*symbol - 1];
    def->submitted = def->submitted || submits;
    *arg = *symbol;
    return true;
}

bool executors_allow(Loader *loader, ProcessId process, unsigned code, const Node *key)
{
    const Runtime *runtime = &loader->processes.at[process.index1 - 1].runtime;
    if (strcmp(op_info(code)->group, "executors") != 0 || (runtime->python && runtime->major >= 3))
        return true;
    return loader_fail(loader, key, NULL,
                       "'%s' needs a process that runs Python 3, such as 'runtime: cpython-3.12'",
                       op_info(code)->name);
}

void executors_check_op(Loader *loader, ProcessId process, uint32_t op, const Node *key,
                        const Node *const given[OP_FIELDS_MAX])
{
    const Runtime *runtime = &loader->processes.at[process.index1 - 1].runtime;
    const uint32_t *arg = loader->ops.at[op].arg;
    if (loader->ops.at[op].code == OP_TIMER || loader->ops.at[op].code == OP_SPAWN)
        check_timer(loader, op, key);
    if (!runtime->python || runtime->minor >= 9)
        return;
    if (loader->ops.at[op].code == OP_AWAIT && given[2] != NULL)
        loader_fail(loader, key, NULL,
                    "'to_thread' needs Python 3.9 or later; 'run_in_executor' does the same");
    if (loader->ops.at[op].code == OP_SHUTDOWN && arg[1] != 0)
        loader_fail(loader, key, NULL, "'cancel_futures' needs Python 3.9 or later");
}

// ---- the end of a process

// Whether every cancel_timer of the process names a timer.
static void check_cancels(Loader *loader, ProcessId process)
{
    for (size_t i = 0; i < loader->ops.count; i++) {
        uint32_t thread = loader->ops.at[i].arg[0];
        if (loader->ops.at[i].code != OP_CANCEL_TIMER || thread == 0 || is_timer(loader, thread) ||
            !ID_EQUAL(loader->threads.at[thread - 1].process, process))
            continue;
        const Node place = {.at = loader->op_at.at[i]};
        loader_fail(loader, &place, NULL, "'cancel_timer': '%s' are threads that no 'timer' starts",
                    string(loader, loader->threads.at[thread - 1].name));
    }
}

void executors_finish(Loader *loader, ProcessId process)
{
    check_cancels(loader, process);
    for (size_t i = 0; i < loader->timers.count; i++)
        if (ID_EQUAL(loader->threads.at[loader->timers.at[i] - 1].process, process))
            emit_timer(loader, loader->timers.at[i]);
    for (size_t i = 0; i < loader->future_names.count && !loader->spawns_unknown; i++) {
        const FutureNameDef *def = &loader->future_names.at[i];
        const Node place = {.at = def->at};
        if (ID_EQUAL(def->process, process) && !def->submitted)
            loader_fail(loader, &place, NULL,
                        "no 'submit' gives the name '%s' to what it submits ('as')",
                        string(loader, def->name));
    }
}

bool executors_any(const Loader *loader, ProcessId process)
{
    for (size_t i = 0; i < loader->executors.count; i++)
        if (ID_EQUAL(loader->executors.at[i].process, process) && !loader->executors.at[i].libuv)
            return true;
    return false;
}

void executors_emit_finish(Loader *loader, ProcessId process)
{
    for (int join = 0; join < 2; join++)
        for (size_t i = 0; i < loader->executors.count; i++) {
            const ExecutorDef *def = &loader->executors.at[i];
            if (!ID_EQUAL(def->process, process) || def->libuv)
                continue;
            if (join)
                library_op(loader, def->at, OP_JOIN, def->worker.index1, 0, 0);
            else
                library_op(loader, def->at, OP_LIB_EXECUTOR_STOP, (uint32_t)i + 1, 0, 0);
        }
}

void executors_emit_boot(Loader *loader)
{
    for (size_t i = 0; i < loader->processes.count; i++) {
        const ProcessDef *def = &loader->processes.at[i];
        if (!def->runtime.python)
            continue;
        loader->scenario->thread_boot = library_op(loader, def->at, OP_LIB_THREAD_BOOT, 0, 0, 0);
        return;
    }
}
