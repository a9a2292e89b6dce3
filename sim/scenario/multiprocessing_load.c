// `connections:` and `pools:` of a process, the fields of ops that name them, and the library code
// behind them: as Lib/multiprocessing of CPython 3.12 has it in connection.py, queues.py and
// pool.py. One function here is one there.
#include "sim/scenario/library.h"

#include <string.h>

// What sem_t can count to: a queue without a bound has so much room (queues.py: SEM_VALUE_MAX).
enum { SEMAPHORE_MOST = INT32_MAX };

static const char *string(const Loader *loader, StringId id)
{
    return loader->strings.at[id.index1 - 1];
}

// ---- sending and receiving

// Connection._send_bytes: up to 16 KiB with the length before it in one write.
void multiprocessing_emit_send(Loader *loader, SourceAt at, PipeId pipe)
{
    library_op(loader, at, OP_LIB_COST, COST_CONNECTION, 0, 0);
    library_op(loader, at, OP_LIB_WRITE, pipe.index1, 0, 0);
    library_op(loader, at, OP_LIB_WRITE, pipe.index1, 1, 0);
}

// Connection._recv_bytes: the length, and then what it says.
void multiprocessing_emit_read(Loader *loader, SourceAt at, PipeId pipe)
{
    library_op(loader, at, OP_LIB_COST, COST_CONNECTION, 0, 0);
    library_op(loader, at, OP_LIB_READ, pipe.index1, 0, 0);
    library_op(loader, at, OP_LIB_READ, pipe.index1, 1, 0);
}

void multiprocessing_emit_write(Loader *loader, SourceAt at, PipeId pipe, SyncId lock)
{
    library_op(loader, at, OP_LIB_PICKLE, 0, 0, 0);
    if (!ID_NONE(lock))
        library_op(loader, at, OP_ACQUIRE, lock.index1, 0, 0);
    multiprocessing_emit_send(loader, at, pipe);
    if (!ID_NONE(lock))
        library_op(loader, at, OP_RELEASE, lock.index1, 0, 0);
}

// ---- connections

static void emit_arrived(Loader *loader, SourceAt at, uint32_t connection)
{
    library_op(loader, at, OP_LIB_GOT, connection, 0, 0);
    library_op(loader, at, OP_LIB_RUN_OBJECT, 0, 0, 0);
    library_op(loader, at, OP_RETURN, 0, 0, 0);
}

// Pipe, and SimpleQueue.put and get.
static void emit_simple(Loader *loader, ConnectionDef *def, uint32_t connection)
{
    def->send = library_here(loader);
    multiprocessing_emit_write(loader, def->at, def->pipe, def->write_lock);
    library_op(loader, def->at, OP_RETURN, 0, 0, 0);
    def->receive = library_here(loader);
    if (!ID_NONE(def->read_lock))
        library_op(loader, def->at, OP_ACQUIRE, def->read_lock.index1, 0, 0);
    multiprocessing_emit_read(loader, def->at, def->pipe);
    if (!ID_NONE(def->read_lock))
        library_op(loader, def->at, OP_RELEASE, def->read_lock.index1, 0, 0);
    library_op(loader, def->at, OP_LIB_UNPICKLE, 0, 0, 0);
    emit_arrived(loader, def->at, connection);
}

// Queue._feed.
static uint32_t emit_feeder(Loader *loader, const ConnectionDef *def, uint32_t connection)
{
    SourceAt at = def->at;
    uint32_t wait = library_op(loader, at, OP_LOCK, def->mutex.index1, 0, 0);
    uint32_t fed = library_op(loader, at, OP_LIB_IF_FED, connection, 0, 0);
    library_op(loader, at, OP_WAIT, def->filled.index1, 0, 0);
    library_aim(loader, fed, 1, library_here(loader));
    library_op(loader, at, OP_UNLOCK, def->mutex.index1, 0, 0);
    uint32_t next = library_op(loader, at, OP_LIB_UNFEED, connection, wait, 0);
    multiprocessing_emit_write(loader, at, def->pipe, def->write_lock);
    library_op(loader, at, OP_LIB_GOTO, next, 0, 0);
    library_aim(loader, next, 2, library_here(loader));
    library_op(loader, at, OP_RETURN, 0, 0, 0);
    return wait;
}

// Queue.put.
void multiprocessing_emit_put(Loader *loader, const ConnectionDef *def, uint32_t connection)
{
    SourceAt at = def->at;
    library_op(loader, at, OP_LIB_COST, COST_QUEUE_PUT, 0, 0);
    library_op(loader, at, OP_ACQUIRE, def->room.index1, 0, 0);
    library_op(loader, at, OP_LOCK, def->mutex.index1, 0, 0);
    uint32_t started = library_op(loader, at, OP_LIB_UNLESS_FEEDER, connection, 0, 0);
    library_op(loader, at, OP_SPAWN, 0, def->feeder.index1, 1);
    library_aim(loader, started, 1, library_here(loader));
    library_op(loader, at, OP_LIB_FEED, connection, 0, 0);
    library_op(loader, at, OP_NOTIFY, def->filled.index1, 0, 0);
    library_op(loader, at, OP_UNLOCK, def->mutex.index1, 0, 0);
}

// Queue.close, and what puts the last word into the buffer (_finalize_close).
void multiprocessing_emit_close(Loader *loader, const ConnectionDef *def, uint32_t connection)
{
    SourceAt at = def->at;
    uint32_t none = library_op(loader, at, OP_LIB_IF_NO_FEEDER, connection, 0, 0);
    library_op(loader, at, OP_LOCK, def->mutex.index1, 0, 0);
    library_op(loader, at, OP_LIB_FEED_LAST, connection, 0, 0);
    library_op(loader, at, OP_NOTIFY, def->filled.index1, 0, 0);
    library_op(loader, at, OP_UNLOCK, def->mutex.index1, 0, 0);
    library_aim(loader, none, 1, library_here(loader));
}

// Queue.get, up to the object.
uint32_t multiprocessing_emit_take(Loader *loader, const ConnectionDef *def)
{
    SourceAt at = def->at;
    uint32_t entry = library_op(loader, at, OP_LIB_COST, COST_QUEUE_GET, 0, 0);
    library_op(loader, at, OP_ACQUIRE, def->read_lock.index1, 0, 0);
    multiprocessing_emit_read(loader, at, def->pipe);
    library_op(loader, at, OP_RELEASE, def->room.index1, 0, 0);
    library_op(loader, at, OP_RELEASE, def->read_lock.index1, 0, 0);
    library_op(loader, at, OP_LIB_UNPICKLE, 0, 0, 0);
    return entry;
}

static void emit_queue(Loader *loader, ConnectionDef *def, uint32_t connection)
{
    uint32_t entry = emit_feeder(loader, def, connection);
    def->feeder = library_thread(loader, def->process, def->at, def->name, "feeder", entry);
    def->send = library_here(loader);
    multiprocessing_emit_put(loader, def, connection);
    library_op(loader, def->at, OP_RETURN, 0, 0, 0);
    def->receive = multiprocessing_emit_take(loader, def);
    emit_arrived(loader, def->at, connection);
}

static bool load_kind(Loader *loader, const Node *node, const char *label, ConnectionKind *kind)
{
    static const char *const words[] = {
#define X(id, word, text) word,
        CONNECTION_KINDS(X)
#undef X
    };
    for (int i = 0; node->kind == NODE_TEXT && i < CONNECTION_KIND_COUNT; i++)
        if (strcmp(words[i], node->text) == 0) {
            *kind = (ConnectionKind)i;
            return true;
        }
    const char *hint = node->kind == NODE_TEXT
                           ? loader_suggest(loader, node->text, words, CONNECTION_KIND_COUNT)
                           : NULL;
    return loader_fail(loader, node, hint, "%s needs its kind, which is one of %s; found %s", label,
                       loader_list(loader, words, CONNECTION_KIND_COUNT),
                       loader_found(loader, node));
}

// Its capacity; 0: without a bound.
static void load_capacity(Loader *loader, const Node *node, const ConnectionDef *def,
                          uint32_t *capacity)
{
    uint64_t number = 0;
    if (def->kind != CONNECTION_QUEUE)
        loader_fail(loader, node->key, NULL, "only a queue has a 'capacity': '%s' is a %s",
                    string(loader, def->name),
                    def->kind == CONNECTION_PIPE ? "pipe" : "simple_queue");
    else if (node->kind != NODE_TEXT || strcmp(node->text, "unbounded") != 0)
        value_count(loader, node, "'capacity'", 1, SEMAPHORE_MOST, &number);
    *capacity = (uint32_t)number;
}

static bool is_new(Loader *loader, ProcessId process, const Node *name, SymbolKind kind,
                   const char *label, StringId *id)
{
    if (!value_name(loader, name, label, id)) {
        loader->names_incomplete = true;
        return false;
    }
    return *intern_symbol(loader, process, kind, *id) == 0; // a double key is reported already
}

// What it consists of, and its code; `room`: its capacity, 0 without a bound.
static void complete(Loader *loader, ConnectionDef *def, uint32_t room)
{
    ProcessId process = def->process;
    uint32_t index = (uint32_t)loader->connections.count + 1;
    def->capacity = room;
    def->pipe = library_pipe(loader, process, def->at, def->name, NULL);
    if (def->kind != CONNECTION_PIPE) {
        def->read_lock = library_semaphore(loader, process, def->at, def->name, "get-lock", 1);
        def->write_lock = library_semaphore(loader, process, def->at, def->name, "put-lock", 1);
    }
    if (def->kind == CONNECTION_QUEUE) {
        def->room = library_semaphore(loader, process, def->at, def->name, "room",
                                      room == 0 ? SEMAPHORE_MOST : room);
        def->mutex = library_sync(loader, process, def->at, def->name, "buffer",
                                  (SyncDef){.kind = SYNC_LOCK});
        def->filled = library_sync(loader, process, def->at, def->name, "filled",
                                   (SyncDef){.kind = SYNC_CONDITION, .lock = def->mutex});
        emit_queue(loader, def, index);
    } else {
        emit_simple(loader, def, index);
    }
    *ARRAY_PUSH(&loader->connections) = *def;
}

uint32_t multiprocessing_add(Loader *loader, ProcessId process, SourceAt at, StringId owner,
                             const char *what, ConnectionKind kind, uint32_t capacity)
{
    ConnectionDef def = {.name = library_name(loader, owner, what),
                         .process = process,
                         .at = at,
                         .kind = kind,
                         .library = true};
    complete(loader, &def, capacity);
    return (uint32_t)loader->connections.count;
}

static void load_connection(Loader *loader, ProcessId process, const Node *node)
{
    ConnectionDef def = {.process = process, .at = node->key->at};
    if (!is_new(loader, process, node->key, SYMBOL_CONNECTION, "a connection", &def.name))
        return;
    const Node *kind = node, *capacity = NULL;
    uint32_t room = 0;
    if (node->kind == NODE_MAP) {
        loader_keys(loader, node, SECTION_CONNECTION, node->key);
        kind = node_get(node, "kind");
        capacity = node_get(node, "capacity");
    }
    const char *label = arena_format(&loader->scratch, "'%s'", string(loader, def.name));
    if (kind == NULL || !load_kind(loader, kind, label, &def.kind))
        def.kind = CONNECTION_PIPE;
    else if (capacity != NULL)
        load_capacity(loader, capacity, &def, &room);
    complete(loader, &def, room);
    *intern_symbol(loader, process, SYMBOL_CONNECTION, def.name) =
        (uint32_t)loader->connections.count;
}

// ---- pools

static void load_pool(Loader *loader, ProcessId process, const Node *node)
{
    PoolDef def = {.process = process, .at = node->key->at};
    if (!is_new(loader, process, node->key, SYMBOL_POOL, "a pool", &def.name))
        return;
    uint64_t workers = loader->scenario->machine.cores; // os.cpu_count()
    const Node *processes = node;
    const char *label = arena_format(&loader->scratch, "'%s'", string(loader, def.name));
    if (node->kind == NODE_MAP) {
        loader_keys(loader, node, SECTION_POOL, node->key);
        const Node *start = node_get(node, "start");
        uint32_t method = 0;
        processes = node_get(node, "processes");
        label = "'processes'";
        if (start != NULL && field_word(loader, FIELD_START_METHOD, start, "'start'", &method))
            def.start = (StartMethod)(method - 1);
    }
    if (processes != NULL && !node_is_null(processes))
        value_count(loader, processes, label, 1, POOL_PROCESSES_MAX, &workers);
    def.workers = (uint32_t)workers;
    uint32_t index = (uint32_t)loader->pools.count + 1;
    pool_emit(loader, &def, index);
    *ARRAY_PUSH(&loader->pools) = def;
    *intern_symbol(loader, process, SYMBOL_POOL, def.name) = index;
}

// ---- the end of a process

// Whether threads of Python may still be there when the last that is not a daemon has ended.
static bool has_daemons(const Loader *loader, ProcessId process)
{
    if (!loader->processes.at[process.index1 - 1].runtime.has_gil)
        return false;
    for (size_t i = 0; i < loader->threads.count; i++) {
        const ThreadDef *def = &loader->threads.at[i];
        if (ID_EQUAL(def->process, process) && def->daemon && !def->library)
            return true;
    }
    return false;
}

// util._exit_function: pools first, then the last word to the feeders; children are joined, and
// the feeders when all is in their pipes. (A pool that is still open is terminated there, with a
// signal to its workers; here it is closed, which its workers see at once: they have no tasks.)
static uint32_t emit_finish(Loader *loader, ProcessId process)
{
    SourceAt at = loader->processes.at[process.index1 - 1].at;
    uint32_t entry = library_here(loader);
    executors_emit_finish(loader, process);
    for (size_t i = 0; i < loader->pools.count; i++) {
        const PoolDef *def = &loader->pools.at[i];
        if (!ID_EQUAL(def->process, process))
            continue;
        uint32_t unless = library_op(loader, def->at, OP_LIB_UNLESS_OPEN, (uint32_t)i + 1, 0, 0);
        library_op(loader, def->at, OP_CALL, def->close, 0, 0);
        library_aim(loader, unless, 1, library_here(loader));
    }
    for (size_t i = 0; i < loader->connections.count; i++) {
        const ConnectionDef *def = &loader->connections.at[i];
        if (!ID_EQUAL(def->process, process) || def->kind != CONNECTION_QUEUE)
            continue;
        multiprocessing_emit_close(loader, def, (uint32_t)i + 1);
    }
    managers_emit_finish(loader, process);
    library_op(loader, at, OP_LIB_JOIN_CHILDREN, 0, 0, 0);
    for (size_t i = 0; i < loader->connections.count; i++) {
        const ConnectionDef *def = &loader->connections.at[i];
        if (ID_EQUAL(def->process, process) && def->kind == CONNECTION_QUEUE)
            library_op(loader, def->at, OP_JOIN, def->feeder.index1, 0, 0);
    }
    if (has_daemons(loader, process))
        library_op(loader, at, OP_LIB_FINALIZE, 0, 0, 0);
    library_op(loader, at, OP_EXIT, 0, 1, 0); // 1: all this has been done
    return entry;
}

// Whether anything of multiprocessing is in it.
static bool uses_any(const Loader *loader, ProcessId process)
{
    bool any = executors_any(loader, process) || managers_any(loader, process) ||
               has_daemons(loader, process);
    for (size_t i = 0; i < loader->connections.count; i++)
        any = any || ID_EQUAL(loader->connections.at[i].process, process);
    for (size_t i = 0; i < loader->pools.count; i++)
        any = any || ID_EQUAL(loader->pools.at[i].process, process);
    for (size_t i = 0; i < loader->child_boots.count; i++)
        any = any || ID_EQUAL(loader->child_boots.at[i].process, process);
    return any;
}

void multiprocessing_finish(Loader *loader, ProcessId process)
{
    if (!uses_any(loader, process))
        return;
    for (size_t i = 0; i < loader->child_boots.count; i++) {
        const ChildBoot *boot = &loader->child_boots.at[i];
        if (!ID_EQUAL(boot->process, process))
            continue;
        ThreadDef *def = &loader->threads.at[boot->thread - 1];
        uint32_t entry = library_op(loader, def->at, OP_LIB_BOOT, boot->start, 0, 0);
        library_op(loader, def->at, OP_LIB_GOTO, def->entry, 0, 0);
        def->entry = entry;
    }
    loader->processes.at[process.index1 - 1].finish = emit_finish(loader, process);
}

// ---- what the file says

static void load_names(Loader *loader, ProcessId process, const Node *owner, const char *key,
                       void (*load)(Loader *, ProcessId, const Node *))
{
    const Node *map = node_get(owner, key);
    const char *label = arena_format(&loader->scratch, "'%s'", key);
    if (map == NULL || node_is_null(map))
        return;
    const Runtime *runtime = &loader->processes.at[process.index1 - 1].runtime;
    if (!runtime->python || runtime->major < 3) {
        loader_fail(loader, map->key, NULL,
                    "%s are of a process that runs Python 3, such as 'runtime: cpython-3.12'",
                    label);
        loader->names_incomplete = true;
        return;
    }
    if (loader_map(loader, map, label))
        for (const Node *node = map->first; node != NULL; node = node->next)
            load(loader, process, node);
}

void multiprocessing_load(Loader *loader, ProcessId process, const Node *owner)
{
    load_names(loader, process, owner, "connections", load_connection);
    load_names(loader, process, owner, "pools", load_pool);
    load_names(loader, process, owner, "managers", managers_load_one);
}

// ---- fields of ops

bool field_connection(Loader *loader, ProcessId process, const Node *node, const char *label,
                      uint32_t *arg)
{
    return value_symbol(loader, process, SYMBOL_CONNECTION, "connection", node, label, arg);
}

bool field_pool(Loader *loader, ProcessId process, const Node *node, const char *label,
                uint32_t *arg)
{
    return value_symbol(loader, process, SYMBOL_POOL, "pool", node, label, arg);
}

bool field_work(Loader *loader, ProcessId process, const Node *node, const char *label,
                uint32_t *arg)
{
    const Node *only = node->kind == NODE_LIST ? node->first : node;
    size_t first = loader->works.count;
    if (only == NULL)
        return loader_fail(loader, node, NULL, "%s needs a function's name or a list of them",
                           label);
    for (const Node *item = only; item != NULL; item = item->next) {
        uint32_t function;
        if (!compile_function(loader, process, item, label, &function))
            return false;
        *ARRAY_PUSH(&loader->works) = (WorkDef){.function = function};
        if (node->kind != NODE_LIST)
            break;
    }
    loader->works.at[loader->works.count - 1].last = true;
    *arg = (uint32_t)first + 1;
    return true;
}

bool multiprocessing_allows(Loader *loader, ProcessId process, unsigned code, const Node *key)
{
    const Runtime *runtime = &loader->processes.at[process.index1 - 1].runtime;
    if (strcmp(op_info(code)->group, "multiprocessing") != 0 ||
        (runtime->python && runtime->major == 3))
        return true;
    return loader_fail(loader, key, NULL,
                       "'%s' needs a process that runs Python 3, such as 'runtime: cpython-3.12'",
                       op_info(code)->name);
}

void multiprocessing_check_op(Loader *loader, ProcessId process, uint32_t op, const Node *key)
{
    const Op *start = &loader->ops.at[op];
    bool stream = start->code == OP_POOL_IMAP || start->code == OP_POOL_IMAP_UNORDERED;
    if (stream && start->arg[2] > POOL_STREAM_MAX)
        loader_fail(loader, key, NULL, "'%s' can have ten million items at most",
                    op_info(start->code)->name);
    if (start->code != OP_START_PROCESS || start->arg[1] == 0)
        return;
    StartMethod method = start->arg[3] == 0 ? START_FORK : (StartMethod)(start->arg[3] - 1);
    for (size_t i = 0; i < loader->child_boots.count; i++) {
        const ChildBoot *boot = &loader->child_boots.at[i];
        if (boot->thread != start->arg[1])
            continue;
        if (boot->start != method)
            loader_fail(loader, key, NULL,
                        "'%s' begins in another way in line %u; give these processes another name "
                        "with 'as'",
                        string(loader, loader->threads.at[boot->thread - 1].name),
                        loader->threads.at[boot->thread - 1].at.line);
        return;
    }
    *ARRAY_PUSH(&loader->child_boots) = (ChildBoot){process, start->arg[1], method};
}
