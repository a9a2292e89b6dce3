// Processes, connections and pools in the program that `ringside python` writes. An object is a
// function, or None, with as many bytes as the scenario says. A pool is made at its first use.
#include "sim/scenario/python_writer.h"

#include <inttypes.h>

static const char *connection_name(Python *python, uint32_t connection)
{
    return python_name(python, PYTHON_SYNC, python->scenario->connections[connection - 1].name);
}

static bool is_own(const Python *python, const ConnectionDef *def)
{
    return ID_EQUAL(def->process, python->process) && !def->library;
}

static bool has_connections(const Python *python)
{
    for (uint32_t i = 0; i < python->scenario->connection_count; i++)
        if (is_own(python, &python->scenario->connections[i]))
            return true;
    return false;
}

const char *python_method(StartMethod method)
{
    static const char *const words[] = {
#define X(id, word) word,
        START_METHODS(X)
#undef X
    };
    return words[method];
}

static uint64_t size_or(const Python *python, uint32_t size, uint64_t otherwise)
{
    return size == 0 ? otherwise : python->scenario->sizes[size - 1];
}

// A process that does not begin as a copy is handed its connections, which must be of its kind.
static bool starts_anew(const Op *op)
{
    return op->code == OP_START_PROCESS && op->arg[3] > START_FORK + 1;
}

static const char *connection_module(Python *python)
{
    for (uint32_t i = 0; i < python->scenario->op_count; i++)
        if (starts_anew(&python->scenario->ops[i]))
            return arena_format(python->arena, "multiprocessing.get_context(\"%s\")",
                                python_method((StartMethod)(python->scenario->ops[i].arg[3] - 1)));
    return "multiprocessing";
}

void python_multiprocessing_objects(Python *python)
{
    const Scenario *scenario = python->scenario;
    const char *module = connection_module(python);
    for (uint32_t i = 0; i < scenario->connection_count; i++) {
        const ConnectionDef *def = &scenario->connections[i];
        const char *name = connection_name(python, i + 1);
        if (!is_own(python, def))
            continue;
        if (def->kind == CONNECTION_PIPE)
            python_line(python, "%s_reader, %s_writer = multiprocessing.Pipe(duplex=False)", name,
                        name);
        else if (def->kind == CONNECTION_SIMPLE_QUEUE)
            python_line(python, "%s = %s.SimpleQueue()", name, module);
        else if (def->capacity == 0)
            python_line(python, "%s = %s.Queue()", name, module);
        else
            python_line(python, "%s = %s.Queue(%u)", name, module, def->capacity);
    }
}

void python_close_pools(Python *python)
{
    for (uint32_t i = 0; i < python->scenario->pool_count; i++) {
        const PoolDef *def = &python->scenario->pools[i];
        if (ID_EQUAL(def->process, python->process))
            python_line(python, "close_pool(%s)", python_literal(python, def->name));
    }
}

// ---- operations

// The process's connections by their names: {"results": results}.
static const char *connections(Python *python)
{
    const char *text = "{", *comma = "";
    for (uint32_t i = 0; i < python->scenario->connection_count; i++) {
        const ConnectionDef *def = &python->scenario->connections[i];
        const char *name = connection_name(python, i + 1);
        if (!is_own(python, def))
            continue;
        const char *format = def->kind == CONNECTION_PIPE
                                 ? "%s%s\"%s_reader\": %s_reader, \"%s_writer\": %s_writer"
                                 : "%s%s\"%s\": %s";
        text = arena_format(python->arena, format, text, comma, name, name, name, name);
        comma = ", ";
    }
    return arena_format(python->arena, "%s}", text);
}

static void write_start(Python *python, const Op *op)
{
    const char *name = python_threads(python, op->arg[1]);
    const char *function = python_function_name(python, op->arg[0]);
    StartMethod method = op->arg[3] == 0 ? START_FORK : (StartMethod)(op->arg[3] - 1);
    const char *arguments = arena_format(python->arena, "target=%s", function);
    const char *context =
        arena_format(python->arena, "multiprocessing.get_context(\"%s\")", python_method(method));
    if (starts_anew(op) && has_connections(python))
        arguments = arena_format(python->arena, "target=adopt, args=(%s, %s)", function,
                                 connections(python));
    python_loop(python, op->arg[2]);
    python_line(python, "%s.append(%s.Process(%s))", name, context, arguments);
    python_line(python, "%s[-1].start()", name);
    python_loop_end(python, op->arg[2]);
}

static void write_join(Python *python, const Op *op)
{
    if (!python_is_child(python, op->arg[0])) {
        python_no_child(python, op);
        return;
    }
    uint32_t thread = python_main_thread(python, op->arg[0]);
    const char *name = python_threads(python, thread);
    if (!python_starts(python, thread)) {
        python_line(python, "while %s:", name);
        python_line(python, "    wait_child(%s)", name);
        return;
    }
    python_line(python, "for child_process in %s:", name);
    python_line(python, "    child_process.join()");
}

// Each object that it is made of has its share of the bytes.
static void write_send(Python *python, const Op *op)
{
    const ConnectionDef *def = &python->scenario->connections[op->arg[0] - 1];
    const char *function = op->arg[3] == 0 ? "None" : python_function_name(python, op->arg[3]);
    uint64_t bytes = size_or(python, op->arg[1], 0);
    const char *content = arena_format(python->arena, "bytes(%" PRIu64 ")", bytes);
    if (op->arg[2] > 1)
        content = arena_format(python->arena, "[bytes(%" PRIu64 ") for _ in range(%u)]",
                               bytes / op->arg[2], op->arg[2]);
    python_line(python, "%s%s.%s((%s, %s))", connection_name(python, op->arg[0]),
                def->kind == CONNECTION_PIPE ? "_writer" : "",
                def->kind == CONNECTION_PIPE ? "send" : "put", function, content);
}

static void write_receive(Python *python, const Op *op)
{
    const ConnectionDef *def = &python->scenario->connections[op->arg[0] - 1];
    python_line(python, "received, _ = %s%s.%s()", connection_name(python, op->arg[0]),
                def->kind == CONNECTION_PIPE ? "_reader" : "",
                def->kind == CONNECTION_PIPE ? "recv" : "get");
    python_line(python, "if received is not None:");
    python_line(python, "    received()");
}

// "[work, other]".
static const char *work_list(Python *python, uint32_t work)
{
    const char *text = "[";
    for (const WorkDef *def = &python->scenario->works[work - 1];; def++) {
        const FunctionDef *function = &python->scenario->functions[def->function - 1];
        text = arena_format(python->arena, "%s%s%s", text, python_function(python, function),
                            def->last ? "]" : ", ");
        if (def->last)
            return text;
    }
}

static void write_pool(Python *python, const Op *op)
{
    const PoolDef *def = &python->scenario->pools[op->arg[0] - 1];
    bool one = op->code == OP_POOL_APPLY;
    const char *pool =
        arena_format(python->arena, "pool_of(%s, %u, \"%s\")", python_literal(python, def->name),
                     def->workers, python_method(def->start));
    const char *items = arena_format(python->arena, "pool_items(%s, %u, %" PRIu64 ", %" PRIu64 ")",
                                     work_list(python, op->arg[1]), one ? 1 : op->arg[2],
                                     size_or(python, op->arg[one ? 2 : 3], 0),
                                     size_or(python, op->arg[one ? 3 : 4], 0));
    if (one) {
        python_line(python, "%s.apply(run_item, %s)", pool, items);
    } else if (op->code == OP_POOL_MAP) {
        python_line(python, op->arg[5] == 0 ? "%s.map(run_item, %s)" : "%s.map(run_item, %s, %u)",
                    pool, items, op->arg[5]);
    } else {
        python_line(python, "for _ in %s.%s(run_item, %s):", pool,
                    op->code == OP_POOL_IMAP ? "imap" : "imap_unordered", items);
        python_block(python, op->arg[5]);
    }
}

static void write_call(Python *python, const Op *op)
{
    const ManagerDef *def = &python->scenario->managers[op->arg[0] - 1];
    python_line(python, "kept_by(%s, \"%s\").call(%s, bytes(%" PRIu64 "), %" PRIu64 ")",
                python_literal(python, def->name), python_method(def->start),
                op->arg[1] == 0 ? "None" : python_function_name(python, op->arg[1]),
                size_or(python, op->arg[2], 0), size_or(python, op->arg[3], 0));
}

bool python_multiprocessing_op(Python *python, const Op *op)
{
    switch (op->code) {
    case OP_START_PROCESS:
        write_start(python, op);
        return true;
    case OP_JOIN_PROCESS:
        write_join(python, op);
        return true;
    case OP_SEND_OBJECT:
        write_send(python, op);
        return true;
    case OP_RECEIVE_OBJECT:
        write_receive(python, op);
        return true;
    case OP_POOL_APPLY:
    case OP_POOL_MAP:
    case OP_POOL_IMAP:
    case OP_POOL_IMAP_UNORDERED:
        write_pool(python, op);
        return true;
    case OP_MANAGER_CALL:
        write_call(python, op);
        return true;
    case OP_POOL_CLOSE:
        python_line(python, "close_pool(%s)",
                    python_literal(python, python->scenario->pools[op->arg[0] - 1].name));
        return true;
    default:
        return false;
    }
}
