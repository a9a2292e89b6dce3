// The fields of ops that name tasks, coroutines and exceptions; ops on asyncio's objects; which
// functions are coroutines (a Python `async def`), and whether ops that await stand only in those.
#include "sim/scenario/loader.h"

#include <string.h>

static const char *string(const Loader *loader, StringId id)
{
    return loader->strings.at[id.index1 - 1];
}

// ---- what an op needs ---------------------------------------------------------------------------

static bool is_asyncio(unsigned code)
{
    return op_info(code) != NULL && strcmp(op_info(code)->group, "asyncio") == 0;
}

// Those that Python writes with `await` or `async`: they stand in a coroutine.
static bool awaits(const Op *op)
{
    switch (op->code) {
    case OP_AWAIT:
    case OP_GATHER:
    case OP_ASYNCIO_WAIT:
    case OP_WAIT_FOR:
    case OP_TIMEOUT:
    case OP_SHIELD:
    case OP_AS_COMPLETED:
    case OP_TASK_GROUP:
    case OP_QUEUE_JOIN:
    case OP_READER_READ:
    case OP_READER_READLINE:
    case OP_READER_READEXACTLY:
    case OP_READER_LINES:
    case OP_READER_CHUNKS:
    case OP_WRITER_WRITE:
    case OP_WRITER_DRAIN:
    case OP_WRITER_CLOSE:
        return true;
    case OP_LOCK:
    case OP_WITH:
    case OP_ACQUIRE:
    case OP_WAIT:
    case OP_BARRIER:
    case OP_PUT:
    case OP_GET:
        return op->asyncio;
    default:
        return false;
    }
}

// The first version of Python 3 that has it.
static int least_minor(unsigned code)
{
    if (code == OP_QUEUE_SHUTDOWN)
        return 13;
    return code == OP_TIMEOUT || code == OP_RESCHEDULE || code == OP_TASK_GROUP ? 11 : 8;
}

bool asyncio_allows(Loader *loader, ProcessId process, unsigned code, const Node *key)
{
    const Runtime *runtime = &loader->processes.at[process.index1 - 1].runtime;
    if (strcmp(op_info(code)->group, "node") == 0 && !runtime->node)
        return loader_fail(loader, key, NULL, "'%s' needs a process with 'runtime: node'",
                           op_info(code)->name);
    if (!is_asyncio(code))
        return true;
    if (runtime->python && runtime->major == 3 && runtime->minor < least_minor(code))
        return loader_fail(loader, key, NULL, "'%s' needs Python 3.%d or later",
                           op_info(code)->name, least_minor(code));
    if (runtime->python && runtime->major == 3)
        return true;
    return loader_fail(loader, key, NULL,
                       "'%s' needs a process that runs Python 3, such as 'runtime: cpython-3.12'",
                       op_info(code)->name);
}

static bool is_list(const Node *node)
{
    return node != NULL && node->kind == NODE_LIST;
}

// Of the first four fields of `await`.
static int awaited_things(const Node *const given[OP_FIELDS_MAX])
{
    return (given[0] != NULL) + (given[1] != NULL) + (given[2] != NULL) + (given[3] != NULL);
}

bool asyncio_check_op(Loader *loader, unsigned code, const Node *key,
                      const Node *const given[OP_FIELDS_MAX])
{
    if (code == OP_AWAIT && awaited_things(given) != 1)
        return loader_fail(loader, key, NULL,
                           "'await' needs one of a name, 'sleep', 'to_thread' and "
                           "'run_in_executor': %s",
                           op_info(code)->example);
    if (code == OP_AWAIT && given[4] != NULL && given[3] == NULL)
        return loader_fail(loader, given[4], NULL, "'executor' goes with 'run_in_executor'");
    if ((code == OP_AWAIT || code == OP_WAIT_FOR || code == OP_SHIELD) && is_list(given[0]))
        return loader_fail(loader, given[0], NULL, "'%s' takes one name; 'gather' takes several",
                           op_info(code)->name);
    if (code == OP_TRY && given[1] == NULL && given[2] == NULL)
        return loader_fail(loader, key, NULL, "'try' needs 'except', 'finally' or both: %s",
                           op_info(code)->example);
    return true;
}

// ---- ops on asyncio's objects

// Whether a field of this type names an object that threads, or coroutines, synchronise by.
static bool names_sync(FieldType type)
{
    return type == FIELD_LOCK || type == FIELD_SEMAPHORE || type == FIELD_CONDITION ||
           type == FIELD_EVENT || type == FIELD_WAITED || type == FIELD_BARRIER ||
           type == FIELD_QUEUE;
}

static bool is_handle_op(unsigned code)
{
    return code == OP_CALL_SOON || code == OP_CALL_LATER || code == OP_CALL_AT;
}

// A name of `as` means tasks, or what `call_later` and its like give, which can only be cancelled.
static void check_handle(Loader *loader, const Op *op, const Node *const given[OP_FIELDS_MAX])
{
    const OpInfo *info = op_info(op->code);
    for (int i = 0; i < OP_FIELDS_MAX; i++) {
        if (info->fields[i].type != FIELD_NEW_TASK || given[i] == NULL || op->arg[i] == 0)
            continue;
        TaskNameDef *def = &loader->task_names.at[op->arg[i] - 1];
        bool handle = is_handle_op(op->code);
        if (def->used && def->handle != handle)
            loader_fail(loader, given[i], NULL,
                        handle ? "'%s' means a task already (line %u); the callback needs another "
                                 "name"
                               : "'%s' means a callback already (line %u); the task needs another "
                                 "name",
                        given[i]->text, def->at.line);
        def->used = true;
        def->handle = handle;
    }
}

void asyncio_finish_op(Loader *loader, uint32_t at, const Node *key,
                       const Node *const given[OP_FIELDS_MAX])
{
    Op *op = &loader->ops.at[at];
    const OpInfo *info = op_info(op->code);
    check_handle(loader, op, given);
    if (!names_sync(info->fields[0].type) || op->arg[0] == 0)
        return;
    const SyncDef *def = &loader->syncs.at[op->arg[0] - 1];
    op->asyncio = def->asyncio;
    bool asyncio_only =
        op->code == OP_TASK_DONE || op->code == OP_QUEUE_JOIN || op->code == OP_QUEUE_SHUTDOWN;
    if (asyncio_only && !def->asyncio)
        loader_fail(loader, key, NULL, "'%s' is for queues of 'asyncio:'; '%s' is one of threads",
                    info->name, string(loader, def->name));
    for (int i = 1; i < OP_FIELDS_MAX && info->fields[i].name != NULL && def->asyncio; i++) {
        const char *name = info->fields[i].name;
        if (given[i] != NULL && (strcmp(name, "timeout") == 0 || strcmp(name, "else") == 0))
            loader_fail(loader, given[i]->key, NULL,
                        "'%s': '%s' is asyncio's, where the op 'timeout' or 'wait_for' limits a "
                        "wait",
                        info->name, string(loader, def->name));
    }
}

void asyncio_check_run(Loader *loader, ProcessId process, uint32_t at,
                       const Node *const given[OP_FIELDS_MAX])
{
    enum { EAGER_TASKS = 12 };
    const Op *op = &loader->ops.at[at];
    const Runtime *runtime = &loader->processes.at[process.index1 - 1].runtime;
    if (op->code != OP_ASYNCIO_RUN || op->arg[ASYNCIO_RUN_EAGER] == 0)
        return;
    if (runtime->minor < EAGER_TASKS)
        loader_fail(loader, given[ASYNCIO_RUN_EAGER], NULL, "'eager' needs Python 3.%d or later",
                    EAGER_TASKS);
    else if (op->arg[ASYNCIO_RUN_LOOP] == EVENT_LOOP_LIBUV)
        loader_fail(loader, given[ASYNCIO_RUN_EAGER], NULL,
                    "'eager' is for asyncio's own loop, not for uvloop");
}

// ---- one field ----------------------------------------------------------------------------------

bool field_coroutine(Loader *loader, ProcessId process, const Node *node, const char *label,
                     uint32_t *arg)
{
    if (!compile_function(loader, process, node, label, arg))
        return false;
    loader->functions.at[*arg - 1].coroutine = true;
    return true;
}

bool field_new_task(Loader *loader, ProcessId process, const Node *node, const char *label,
                    uint32_t *arg)
{
    StringId name;
    if (!value_name(loader, node, label, &name))
        return false;
    if (*intern_symbol(loader, process, SYMBOL_FUNCTION, name) != 0)
        return loader_fail(loader, node, NULL,
                           "%s: '%s' is a function; the task needs another name", label,
                           node->text);
    uint32_t *symbol = intern_symbol(loader, process, SYMBOL_TASK, name);
    if (*symbol == 0) {
        *ARRAY_PUSH(&loader->task_names) =
            (TaskNameDef){.name = name, .process = process, .at = node->at};
        *symbol = (uint32_t)loader->task_names.count;
    }
    *arg = *symbol;
    return true;
}

bool field_task_name(Loader *loader, const Node *node, const char *label, uint32_t op, uint32_t arg)
{
    StringId name;
    if (!value_name(loader, node, label, &name))
        return false;
    *ARRAY_PUSH(&loader->awaited_fixups) =
        (AwaitedFixup){.op = op, .arg = arg, .node = node, .label = label};
    return true;
}

static bool add_awaited(Loader *loader, const Node *node, const char *label, bool last)
{
    StringId name;
    if (!value_name(loader, node, label, &name))
        return false;
    *ARRAY_PUSH(&loader->awaited) = (AwaitedDef){.last = last};
    *ARRAY_PUSH(&loader->awaited_fixups) =
        (AwaitedFixup){.awaited = (uint32_t)loader->awaited.count, .node = node, .label = label};
    return true;
}

bool field_awaited(Loader *loader, const Node *node, const char *label, uint32_t *arg)
{
    *arg = (uint32_t)loader->awaited.count + 1;
    if (node->kind != NODE_LIST)
        return add_awaited(loader, node, label, true);
    if (node->count == 0)
        return loader_fail(loader, node, NULL, "%s needs at least one name; found an empty list",
                           label);
    bool good = true;
    for (const Node *item = node->first; item != NULL; item = item->next)
        good = add_awaited(loader, item, label, item->next == NULL) && good;
    return good;
}

bool field_exception(Loader *loader, const Node *node, const char *label, uint32_t *arg)
{
    static const char *const words[] = {
#define X(id, name, python) name,
        EXCEPTIONS(X)
#undef X
    };
    StringId name;
    if (!value_name(loader, node, label, &name))
        return false;
    for (uint32_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], node->text) == 0) {
            *arg = i + 1;
            return true;
        }
    *arg = EXCEPTION_OWN + name.index1;
    return true;
}

// ---- the end of a process -----------------------------------------------------------------------

static bool unknown(Loader *loader, ProcessId process, const AwaitedFixup *fixup)
{
    size_t count = 0;
    const char **names = ARENA_ARRAY(&loader->scratch, const char *,
                                     loader->functions.count + loader->task_names.count + 1);
    for (size_t i = 0; i < loader->task_names.count; i++)
        if (ID_EQUAL(loader->task_names.at[i].process, process))
            names[count++] = string(loader, loader->task_names.at[i].name);
    for (size_t i = 0; i < loader->functions.count && fixup->awaited != 0; i++)
        if (ID_EQUAL(loader->functions.at[i].process, process))
            names[count++] = string(loader, loader->functions.at[i].name);
    if (loader->processes.at[process.index1 - 1].runtime.node)
        return loader_fail(
            loader, fixup->node, loader_suggest(loader, fixup->node->text, names, count),
            "%s: this process has no timer or immediate '%s'; 'as' of 'set_timeout', "
            "'set_interval' and 'set_immediate' names them",
            fixup->label, loader_quote(loader, fixup->node->text));
    return loader_fail(loader, fixup->node, loader_suggest(loader, fixup->node->text, names, count),
                       "%s: this process has no task%s '%s'; 'as' of 'create_task' names tasks",
                       fixup->label, fixup->awaited != 0 ? " or function" : "",
                       loader_quote(loader, fixup->node->text));
}

static void resolve_names(Loader *loader, ProcessId process)
{
    for (size_t i = 0; i < loader->awaited_fixups.count; i++) {
        const AwaitedFixup *fixup = &loader->awaited_fixups.at[i];
        StringId text = intern_string(loader, fixup->node->text);
        uint32_t name = *intern_symbol(loader, process, SYMBOL_TASK, text);
        uint32_t function = 0;
        if (fixup->awaited != 0)
            function = *intern_symbol(loader, process, SYMBOL_FUNCTION, text);
        if (fixup->awaited == 0)
            loader->ops.at[fixup->op].arg[fixup->arg] = name;
        else
            loader->awaited.at[fixup->awaited - 1].name = name;
        if (name != 0 && fixup->awaited != 0 && loader->task_names.at[name - 1].handle)
            loader_fail(loader, fixup->node, NULL,
                        "%s: '%s' is a callback (line %u), which can only be cancelled",
                        fixup->label, fixup->node->text, loader->task_names.at[name - 1].at.line);
        if (name == 0 && function == 0) {
            if (!loader->spawns_unknown)
                unknown(loader, process, fixup);
        } else if (name == 0) {
            loader->awaited.at[fixup->awaited - 1].function = function;
            loader->functions.at[function - 1].coroutine = true;
        }
    }
    loader->awaited_fixups.count = 0;
}

// ---- which functions are coroutines

typedef struct Colours {
    Loader *loader;
    const uint32_t *function_at; // by op index: the function (index1) whose entry it is
    size_t first_function;
} Colours;

static Function *called(const Colours *colours, uint32_t entry)
{
    uint32_t function = colours->function_at[entry];
    return function == 0 ? NULL : &colours->loader->functions.at[function - 1];
}

// Whether one of the ops of the list that begins at `entry` awaits, or calls what does.
static bool list_awaits(const Colours *colours, uint32_t entry)
{
    const Op *ops = colours->loader->ops.at;
    for (uint32_t at = entry; ops[at].code != OP_RETURN; at++) {
        if (awaits(&ops[at]))
            return true;
        const Function *function = ops[at].code == OP_CALL ? called(colours, ops[at].arg[0]) : NULL;
        if (function != NULL && function->coroutine)
            return true;
    }
    return false;
}

// A function that calls a coroutine awaits it, and so is one itself: until no more are found.
static void find_coroutines(const Colours *colours)
{
    Loader *loader = colours->loader;
    for (bool found = true; found;) {
        found = false;
        for (size_t i = colours->first_function; i < loader->functions.count; i++) {
            Function *function = &loader->functions.at[i];
            if (function->coroutine || !list_awaits(colours, function->entry))
                continue;
            function->coroutine = found = true;
        }
    }
}

// The ops of a thread's list are no coroutine's.
static void check_thread(const Colours *colours, uint32_t entry)
{
    Loader *loader = colours->loader;
    for (uint32_t at = entry; loader->ops.at[at].code != OP_RETURN; at++) {
        const Op *op = &loader->ops.at[at];
        const Node place = {.at = loader->op_at.at[at]};
        const Function *function = op->code == OP_CALL ? called(colours, op->arg[0]) : NULL;
        if (awaits(op))
            loader_fail(loader, &place, NULL,
                        "'%s' awaits, and so stands in a function that is run as a coroutine",
                        op_info(op->code)->name);
        else if (function != NULL && function->coroutine)
            loader_fail(loader, &place, NULL,
                        "'%s' is a coroutine: 'asyncio.run' runs it, or 'create_task' in another",
                        string(loader, function->name));
    }
}

// Threads, children, handlers and items of queues run functions that are no coroutines.
static void check_uses(const Colours *colours, uint32_t first_op)
{
    Loader *loader = colours->loader;
    for (size_t at = first_op; at < loader->ops.count; at++) {
        const Op *op = &loader->ops.at[at];
        const OpInfo *info = op_info(op->code);
        // Who gets an item of asyncio's queue is a coroutine, and can await what it says.
        bool anything = op->code == OP_CALL || (op->code == OP_PUT && op->asyncio);
        for (int i = 0; info != NULL && !anything && i < OP_FIELDS_MAX; i++) {
            if (info->fields[i].type != FIELD_FUNCTION || op->arg[i] == 0)
                continue;
            const Function *function = called(colours, op->arg[i]);
            const Node place = {.at = loader->op_at.at[at]};
            if (function != NULL && function->coroutine)
                loader_fail(loader, &place, NULL,
                            "'%s' runs a plain function; '%s' is a coroutine, for it awaits or is "
                            "run as a task",
                            info->name, string(loader, function->name));
        }
    }
}

void asyncio_finish(Loader *loader, ProcessId process, size_t first_function, size_t first_thread)
{
    resolve_names(loader, process);
    if (!loader->processes.at[process.index1 - 1].runtime.python || loader->ops_full)
        return;
    uint32_t *function_at = ARENA_ARRAY(&loader->scratch, uint32_t, loader->ops.count + 1);
    uint32_t first_op = UINT32_MAX;
    for (size_t i = first_function; i < loader->functions.count; i++) {
        uint32_t entry = loader->functions.at[i].entry;
        function_at[entry] = (uint32_t)i + 1;
        first_op = entry < first_op ? entry : first_op;
    }
    Colours colours = {loader, function_at, first_function};
    find_coroutines(&colours);
    for (size_t i = first_thread; i < loader->threads.count; i++) {
        const ThreadDef *thread = &loader->threads.at[i];
        const Function *function = called(&colours, thread->entry);
        first_op = thread->entry < first_op ? thread->entry : first_op;
        const Node place = {.at = thread->at};
        if (thread->spawned || thread->forked)
            continue; // its op is looked at
        if (function == NULL)
            check_thread(&colours, thread->entry);
        else if (function->coroutine)
            loader_fail(
                loader, &place, NULL,
                "a thread runs a plain function; '%s' is a coroutine: 'asyncio.run' runs it",
                string(loader, function->name));
    }
    check_uses(&colours, first_op);
}
