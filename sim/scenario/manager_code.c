// `managers:` of a process, and the library code of a manager: multiprocessing.Manager, as
// Lib/multiprocessing/managers.py of CPython 3.12 has it. A process of its own keeps the objects;
// each thread that uses them has a connection, and a thread in that process that serves it.
//
// CPython's connections are Unix sockets; here each is a pair of pipes, which cost about the same.
#include "sim/scenario/library.h"

#include <string.h>

// ---- the code

// What the manager's main thread and its clients share.
typedef struct ManagerPipes {
    PipeId address, connect;
} ManagerPipes;

// Server.serve_client, for the connection number `slot`, behind Server.handle_request, which has
// made sure of who that is.
static uint32_t emit_handler(Loader *loader, SourceAt at, PipeId requests, PipeId answers)
{
    uint32_t entry = library_op(loader, at, OP_LIB_COST, COST_MANAGER_CONNECT, 0, 0);
    library_op(loader, at, OP_LIB_WAKEUP, 0, 0, 0);
    multiprocessing_emit_send(loader, at, answers);
    uint32_t next = library_here(loader);
    multiprocessing_emit_read(loader, at, requests);
    library_op(loader, at, OP_LIB_UNPICKLE, 0, 0, 0);
    library_op(loader, at, OP_LIB_COST, COST_MANAGER_CALL, 0, 0);
    library_op(loader, at, OP_LIB_SERVE, 0, 0, 0);
    multiprocessing_emit_write(loader, at, answers, (SyncId){0});
    library_op(loader, at, OP_LIB_GOTO, next, 0, 0);
    library_op(loader, at, OP_RETURN, 0, 0, 0);
    return entry;
}

// Its main thread: it says where it listens, and then starts a thread for each connection. (CPython
// has one thread that listens and one that waits for the end.)
static uint32_t emit_server(Loader *loader, const ManagerDef *def, const ManagerPipes *pipes,
                            const ThreadDefId *handlers)
{
    SourceAt at = def->at;
    uint32_t entry = library_op(loader, at, OP_LIB_BOOT, def->start, 0, 0);
    library_op(loader, at, OP_LIB_STOP, 0, 0, 0); // a short message
    multiprocessing_emit_write(loader, at, pipes->address, (SyncId){0});
    uint32_t next = library_here(loader);
    multiprocessing_emit_read(loader, at, pipes->connect);
    uint32_t stop = library_op(loader, at, OP_LIB_IF_STOP, 0, 0, 0);
    for (uint32_t slot = 0; slot < def->clients; slot++) {
        uint32_t other = library_op(loader, at, OP_LIB_UNLESS_SLOT, slot, 0, 0);
        library_op(loader, at, OP_LIB_DROP, 0, 0, 0);
        library_op(loader, at, OP_SPAWN, 0, handlers[slot].index1, 1);
        library_op(loader, at, OP_LIB_GOTO, next, 0, 0);
        library_aim(loader, other, 1, library_here(loader));
    }
    library_aim(loader, stop, 0, library_here(loader));
    library_op(loader, at, OP_EXIT, 1, 0, 0); // with all its threads
    return entry;
}

// BaseManager.start.
static uint32_t emit_start(Loader *loader, const ManagerDef *def, const ManagerPipes *pipes)
{
    SourceAt at = def->at;
    uint32_t entry = library_op(loader, at, OP_LIB_COST, COST_PROCESS_START, 0, 0);
    library_op(loader, at, def->start == START_SPAWN ? OP_SPAWN_PROCESS : OP_FORK, 0,
               def->server.index1, 1);
    multiprocessing_emit_read(loader, at, pipes->address);
    library_op(loader, at, OP_LIB_DROP, 0, 0, 0);
    library_op(loader, at, OP_RETURN, 0, 0, 0);
    return entry;
}

// BaseProxy._connect and _callmethod of one connection; returns the first op of the second.
static uint32_t emit_client(Loader *loader, SourceAt at, const ManagerPipes *pipes, PipeId requests,
                            PipeId answers)
{
    library_op(loader, at, OP_LIB_COST, COST_MANAGER_CONNECT, 0, 0);
    multiprocessing_emit_send(loader, at, pipes->connect);
    multiprocessing_emit_read(loader, at, answers);
    library_op(loader, at, OP_LIB_DROP, 0, 0, 0);
    library_op(loader, at, OP_RETURN, 0, 0, 0);
    uint32_t call = library_here(loader);
    multiprocessing_emit_write(loader, at, requests, (SyncId){0});
    multiprocessing_emit_read(loader, at, answers);
    library_op(loader, at, OP_LIB_UNPICKLE, 0, 0, 0);
    library_op(loader, at, OP_LIB_DROP, 0, 0, 0);
    library_op(loader, at, OP_RETURN, 0, 0, 0);
    return call;
}

// BaseManager._finalize_manager: the server is told to end, and does.
static uint32_t emit_finish(Loader *loader, const ManagerDef *def, const ManagerPipes *pipes)
{
    SourceAt at = def->at;
    uint32_t entry = library_op(loader, at, OP_LIB_STOP, 0, 0, 0);
    multiprocessing_emit_write(loader, at, pipes->connect, (SyncId){0});
    ProcessId server = {0};
    if (!ID_NONE(def->server))
        server = loader->threads.at[def->server.index1 - 1].process;
    library_op(loader, at, OP_LIB_JOIN_CHILDREN, server.index1, 0, 0);
    library_op(loader, at, OP_RETURN, 0, 0, 0);
    return entry;
}

static void emit_manager(Loader *loader, ManagerDef *def)
{
    ProcessId process = def->process;
    SourceAt at = def->at;
    ThreadDefId *handlers = ARENA_ARRAY(&loader->scratch, ThreadDefId, def->clients);
    PipeId *requests = ARENA_ARRAY(&loader->scratch, PipeId, def->clients);
    PipeId *answers = ARENA_ARRAY(&loader->scratch, PipeId, def->clients);
    ManagerPipes pipes = {
        .address = library_pipe(loader, process, at, def->name, "address"),
        .connect = library_pipe(loader, process, at, def->name, "connect"),
    };
    for (uint32_t i = 0; i < def->clients; i++) {
        const char *number = arena_format(&loader->scratch, "%u", i + 1);
        requests[i] = library_pipe(loader, process, at, def->name,
                                   arena_format(&loader->scratch, "requests-%s", number));
        answers[i] = library_pipe(loader, process, at, def->name,
                                  arena_format(&loader->scratch, "answers-%s", number));
        handlers[i] = library_thread(loader, process, at, def->name,
                                     arena_format(&loader->scratch, "handler-%s", number),
                                     emit_handler(loader, at, requests[i], answers[i]));
    }
    def->server = library_child(loader, process, at, def->name, "server", false,
                                emit_server(loader, def, &pipes, handlers));
    def->begin = emit_start(loader, def, &pipes);
    def->finish = emit_finish(loader, def, &pipes);
    def->client = library_here(loader);
    for (uint32_t i = 0; i < def->clients; i++) {
        uint32_t first = library_here(loader);
        def->call_ops = emit_client(loader, at, &pipes, requests[i], answers[i]) - first;
        def->client_ops = library_here(loader) - first;
    }
}

// ---- what the file says

void managers_load_one(Loader *loader, ProcessId process, const Node *node)
{
    ManagerDef def = {.process = process, .at = node->key->at};
    uint64_t clients = 8;
    uint32_t method = 0;
    if (!value_name(loader, node->key, "a manager", &def.name)) {
        loader->names_incomplete = true;
        return;
    }
    uint32_t *symbol = intern_symbol(loader, process, SYMBOL_MANAGER, def.name);
    if (*symbol != 0)
        return; // a double key, reported already
    *symbol = (uint32_t)loader->managers.count + 1;
    const Node *count = node;
    if (node->kind == NODE_MAP) {
        loader_keys(loader, node, SECTION_MANAGER, node->key);
        const Node *start = node_get(node, "start");
        count = node_get(node, "clients");
        if (start != NULL)
            field_word(loader, FIELD_START_METHOD, start, "'start'", &method);
    }
    if (count != NULL && !node_is_null(count))
        value_count(loader, count, arena_format(&loader->scratch, "'%s'", count->key->text), 1,
                    MANAGER_CLIENTS_MAX, &clients);
    def.clients = (uint32_t)clients;
    def.start = method == 0 ? START_FORK : (StartMethod)(method - 1);
    emit_manager(loader, &def);
    *ARRAY_PUSH(&loader->managers) = def;
}

bool field_manager(Loader *loader, ProcessId process, const Node *node, const char *label,
                   uint32_t *arg)
{
    return value_symbol(loader, process, SYMBOL_MANAGER, "manager", node, label, arg);
}

bool managers_any(const Loader *loader, ProcessId process)
{
    for (size_t i = 0; i < loader->managers.count; i++)
        if (ID_EQUAL(loader->managers.at[i].process, process))
            return true;
    return false;
}

void managers_emit_finish(Loader *loader, ProcessId process)
{
    for (size_t i = 0; i < loader->managers.count; i++) {
        const ManagerDef *def = &loader->managers.at[i];
        if (!ID_EQUAL(def->process, process))
            continue;
        uint32_t unless = library_op(loader, def->at, OP_LIB_UNLESS_BEGUN, (uint32_t)i + 1, 0, 0);
        library_op(loader, def->at, OP_CALL, def->finish, 0, 0);
        library_aim(loader, unless, 1, library_here(loader));
    }
}
