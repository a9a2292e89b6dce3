// Op lists to flat programs, as scenario.h lays them out. Everything here follows from the rows of
// ops.def: one parser a field type, none for a single op. (The three loops are known by name, for
// the names of spawned threads.)
#include "sim/scenario/loader.h"

#include "sim/base/check.h"
#include "sim/trace/record.h"

#include <string.h>

typedef struct Compiler {
    Loader *loader;
    ProcessId process;
    const OpInfo *info;
    uint32_t op;       // the op whose fields are being parsed
    uint32_t function; // the Function that its FUNCTION field named
} Compiler;

// Operations that the language will have. They get a message of their own, not the nearest other
// word.
static const char *const later_ops[] = {
    "native",   "pipe",   "open", "connect", "listen",    "accept",     "recv",      "send",
    "sendfile", "select", "poll", "epoll",   "call_soon", "call_later", "to_thread", "executor"};

// --- field types --------------------------------------------------------------------------------

typedef bool (*FieldParser)(Compiler *compiler, const Node *node, const char *label, uint32_t *arg);

static bool parse_duration(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return value_dist(compiler->loader, node, label, arg);
}

static bool parse_count(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    uint64_t count;
    if (!value_count(compiler->loader, node, label, 1, 1000000000, &count))
        return false;
    *arg = (uint32_t)count;
    return true;
}

static bool parse_chance(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return value_chance(compiler->loader, node, label, arg);
}

static bool parse_text(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    const char *text;
    if (!value_text(compiler->loader, node, label, &text))
        return false;
    *arg = intern_string(compiler->loader, text).index1;
    return true;
}

static bool parse_name(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    if (node->kind == NODE_TEXT && !node->plain && node->text[0] == '\0')
        return loader_fail(compiler->loader, node, NULL, "%s needs a name that is not empty",
                           label);
    return parse_text(compiler, node, label, arg);
}

static bool parse_function(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    Loader *loader = compiler->loader;
    if (!compile_function(loader, compiler->process, node, label, &compiler->function))
        return false;
    uint32_t index = (uint32_t)(arg - loader->ops.at[compiler->op].arg);
    *ARRAY_PUSH(&loader->fixups) = (Fixup){compiler->op, index, compiler->function, NULL};
    return true;
}

// The names of one kind that the process has, in the scratch arena.
static const char **process_names(Loader *loader, ProcessId process, SymbolKind kind, size_t *count)
{
    bool functions = kind == SYMBOL_FUNCTION;
    size_t all = functions ? loader->functions.count : loader->threads.count;
    const char **names = ARENA_ARRAY(&loader->scratch, const char *, all + 1);
    *count = 0;
    for (size_t i = 0; i < all; i++) {
        ProcessId owner =
            functions ? loader->functions.at[i].process : loader->threads.at[i].process;
        StringId name = functions ? loader->functions.at[i].name : loader->threads.at[i].name;
        if (ID_EQUAL(owner, process))
            names[(*count)++] = loader->strings.at[name.index1 - 1];
    }
    return names;
}

// Reports a name that the process has not, with the nearest one that it has.
static bool unknown_name(Loader *loader, ProcessId process, const Node *node, const char *label,
                         SymbolKind kind)
{
    static const char *const kinds[] = {[SYMBOL_FUNCTION] = "function", [SYMBOL_THREAD] = "thread"};
    const char **names = NULL;
    size_t count = 0;
    if (loader->diag->errors < DIAG_ERRORS_MAX) // else nobody sees the hint
        names = process_names(loader, process, kind, &count);
    if (names != NULL && count == 0)
        return loader_fail(loader, node, NULL, "%s: this process has no %ss; found %s", label,
                           kinds[kind], loader_found(loader, node));
    return loader_fail(loader, node, loader_suggest(loader, node->text, names, count),
                       "%s: this process has no %s %s", label, kinds[kind],
                       loader_found(loader, node));
}

static bool parse_lock(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    unsigned kinds = SYNC_SET_LOCKS;
    // `async with` takes a semaphore as well.
    if (compiler->info == op_info(OP_WITH) &&
        sync_is_asyncio(compiler->loader, compiler->process, node))
        kinds |= 1u << SYNC_SEMAPHORE;
    return sync_named(compiler->loader, compiler->process, node, node->text, label, kinds, arg);
}

static bool parse_semaphore(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return sync_named(compiler->loader, compiler->process, node, node->text, label,
                      1u << SYNC_SEMAPHORE, arg);
}

static bool parse_condition(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return sync_named(compiler->loader, compiler->process, node, node->text, label,
                      1u << SYNC_CONDITION, arg);
}

static bool parse_event(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return sync_named(compiler->loader, compiler->process, node, node->text, label,
                      1u << SYNC_EVENT, arg);
}

static bool parse_waited(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return sync_named(compiler->loader, compiler->process, node, node->text, label,
                      1u << SYNC_CONDITION | 1u << SYNC_EVENT, arg);
}

static bool parse_barrier(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return sync_named(compiler->loader, compiler->process, node, node->text, label,
                      1u << SYNC_BARRIER, arg);
}

static bool parse_queue(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return sync_named(compiler->loader, compiler->process, node, node->text, label,
                      1u << SYNC_QUEUE, arg);
}

static bool parse_test(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    if (variable_is_test(node))
        return variable_test(compiler->loader, compiler->process, node, label, arg);
    return sync_test(compiler->loader, compiler->process, node, label, arg);
}

static bool parse_variable(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return variable_named(compiler->loader, compiler->process, node, label, arg);
}

static bool parse_integer(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return variable_integer(compiler->loader, node, label, arg);
}

static bool parse_mode(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    Loader *loader = compiler->loader;
    *arg = node->kind == NODE_TEXT && strcmp(node->text, "read") == 0;
    if (*arg == 0 && (node->kind != NODE_TEXT || strcmp(node->text, "write") != 0))
        return loader_fail(loader, node, NULL, "%s needs read or write; found %s", label,
                           loader_found(loader, node));
    uint32_t lock = loader->ops.at[compiler->op].arg[0]; // the field before
    if (lock == 0 || loader->syncs.at[lock - 1].kind == SYNC_RWLOCK)
        return true;
    return loader_fail(loader, node, NULL,
                       "%s: only a rwlock is taken for reading; '%s' is of kind %s", label,
                       loader->strings.at[loader->syncs.at[lock - 1].name.index1 - 1],
                       sync_kind_word(loader->syncs.at[lock - 1].kind));
}

static bool parse_thread(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    Loader *loader = compiler->loader;
    StringId name;
    if (!value_name(loader, node, label, &name))
        return false;
    // The name may belong to a spawn that comes later.
    uint32_t index = (uint32_t)(arg - loader->ops.at[compiler->op].arg);
    *ARRAY_PUSH(&loader->fixups) = (Fixup){compiler->op, index, 0, node};
    return true;
}

// The template of the threads that a spawn makes: a new one, or the one of an earlier spawn with
// this name and function.
static bool parse_spawned(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    Loader *loader = compiler->loader;
    CHECK(compiler->function != 0); // a row with a SPAWNED field has a FUNCTION field before it
    const Function *function = &loader->functions.at[compiler->function - 1];
    StringId name = function->name;
    bool named = node != NULL && !node_is_null(node);
    if (named && !value_name(loader, node, label, &name))
        return false;
    uint32_t *symbol = intern_symbol(loader, compiler->process, SYMBOL_THREAD, name);
    if (*symbol != 0) {
        *arg = *symbol;
        ThreadDef *def = &loader->threads.at[*arg - 1];
        def->several = true;
        if (def->spawned && loader->thread_functions.at[*arg - 1] == compiler->function)
            return true;
        const char *who = loader->strings.at[name.index1 - 1];
        const Node place = {.at = loader->op_at.at[compiler->op]};
        return loader_fail(loader, named ? node : &place, NULL,
                           "the name '%s' belongs to other threads (line %u); give these another "
                           "with 'as'",
                           who, def->at.line);
    }
    ThreadDef *def = processes_add_thread(loader, name, compiler->process, compiler->function,
                                          loader->op_at.at[compiler->op]);
    def->spawned = true;
    def->several = loader->loops > 0;
    *arg = *symbol = (uint32_t)loader->threads.count;
    return true;
}

static bool parse_size(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return field_size(compiler->loader, node, label, arg);
}

static bool parse_code(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return field_code(compiler->loader, node, label, arg);
}

static bool parse_flag(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return field_flag(compiler->loader, node, label, arg);
}

// A word of a closed set; which set follows from the field's type.
static bool parse_word(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    size_t index = (size_t)(arg - compiler->loader->ops.at[compiler->op].arg);
    return field_word(compiler->loader, compiler->info->fields[index].type, node, label, arg);
}

static bool parse_memory(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return field_memory(compiler->loader, compiler->process, node, label, false, arg);
}

static bool parse_new_memory(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return field_memory(compiler->loader, compiler->process, node, label, true, arg);
}

static bool parse_pipe(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return field_pipe(compiler->loader, compiler->process, compiler->op, node, label, arg);
}

static bool parse_messages(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return field_messages(compiler->loader, node, label, arg);
}

static bool parse_process(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    uint32_t index = (uint32_t)(arg - compiler->loader->ops.at[compiler->op].arg);
    return field_process(compiler->loader, node, label, compiler->op, index);
}

static bool parse_coroutine(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return field_coroutine(compiler->loader, compiler->process, node, label, arg);
}

static bool parse_new_task(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return field_new_task(compiler->loader, compiler->process, node, label, arg);
}

static bool parse_task_name(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    uint32_t index = (uint32_t)(arg - compiler->loader->ops.at[compiler->op].arg);
    return field_task_name(compiler->loader, node, label, compiler->op, index);
}

static bool parse_awaited(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return field_awaited(compiler->loader, node, label, arg);
}

static bool parse_exception(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return field_exception(compiler->loader, node, label, arg);
}

static bool parse_connection(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return field_connection(compiler->loader, compiler->process, node, label, arg);
}

static bool parse_pool(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return field_pool(compiler->loader, compiler->process, node, label, arg);
}

static bool parse_executor(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return field_executor(compiler->loader, compiler->process, node, label, arg);
}

static bool parse_new_futures(Compiler *compiler, const Node *node, const char *label,
                              uint32_t *arg)
{
    return field_future(compiler->loader, compiler->process, node, label, true, arg);
}

static bool parse_futures(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return field_future(compiler->loader, compiler->process, node, label, false, arg);
}

static bool parse_manager(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return field_manager(compiler->loader, compiler->process, node, label, arg);
}

static bool parse_work(Compiler *compiler, const Node *node, const char *label, uint32_t *arg)
{
    return field_work(compiler->loader, compiler->process, node, label, arg);
}

// BLOCK and HANDLERS are not here: their ops follow those of the other fields.
static const FieldParser parsers[FIELD_TYPE_COUNT] = {
    [FIELD_DURATION] = parse_duration,
    [FIELD_COUNT] = parse_count,
    [FIELD_CHANCE] = parse_chance,
    [FIELD_TEXT] = parse_text,
    [FIELD_NAME] = parse_name,
    [FIELD_FUNCTION] = parse_function,
    [FIELD_LOCK] = parse_lock,
    [FIELD_THREAD] = parse_thread,
    [FIELD_SPAWNED] = parse_spawned,
    [FIELD_MODE] = parse_mode,
    [FIELD_SEMAPHORE] = parse_semaphore,
    [FIELD_CONDITION] = parse_condition,
    [FIELD_EVENT] = parse_event,
    [FIELD_WAITED] = parse_waited,
    [FIELD_BARRIER] = parse_barrier,
    [FIELD_QUEUE] = parse_queue,
    [FIELD_TEST] = parse_test,
    [FIELD_VARIABLE] = parse_variable,
    [FIELD_INTEGER] = parse_integer,
    [FIELD_SIZE] = parse_size,
    [FIELD_CODE] = parse_code,
    [FIELD_FLAG] = parse_flag,
    [FIELD_SYSCALL] = parse_word,
    [FIELD_ACCESS] = parse_word,
    [FIELD_SIGNAL] = parse_word,
    [FIELD_PIPE_END] = parse_word,
    [FIELD_MEMORY] = parse_memory,
    [FIELD_NEW_MEMORY] = parse_new_memory,
    [FIELD_PROCESS] = parse_process,
    [FIELD_PIPE] = parse_pipe,
    [FIELD_MESSAGES] = parse_messages,
    [FIELD_COROUTINE] = parse_coroutine,
    [FIELD_NEW_TASK] = parse_new_task,
    [FIELD_TASK_NAME] = parse_task_name,
    [FIELD_AWAITED] = parse_awaited,
    [FIELD_RETURN_WHEN] = parse_word,
    [FIELD_EXCEPTION] = parse_exception,
    [FIELD_START_METHOD] = parse_word,
    [FIELD_EVENT_LOOP] = parse_word,
    [FIELD_CONNECTION] = parse_connection,
    [FIELD_POOL] = parse_pool,
    [FIELD_MANAGER] = parse_manager,
    [FIELD_WORK] = parse_work,
    [FIELD_EXECUTOR] = parse_executor,
    [FIELD_NEW_FUTURES] = parse_new_futures,
    [FIELD_FUTURES] = parse_futures,
};

// --- one op -------------------------------------------------------------------------------------

static unsigned find_op(const char *name)
{
    for (unsigned code = 0; code < OP_CODE_COUNT; code++)
        if (op_info(code) != NULL && strcmp(op_info(code)->name, name) == 0)
            return code;
    return OP_RETURN;
}

static int field_count(const OpInfo *info)
{
    int count = 0;
    while (count < OP_FIELDS_MAX && info->fields[count].name != NULL)
        count++;
    return count;
}

static int field_index(const OpInfo *info, const char *name)
{
    for (int i = 0; i < field_count(info); i++)
        if (strcmp(info->fields[i].name, name) == 0)
            return i;
    return -1;
}

static int short_field(const OpInfo *info)
{
    for (int i = 0; i < field_count(info); i++)
        if (info->fields[i].flags & FIELD_SHORT)
            return i;
    return -1;
}

static bool unknown_field(Compiler *compiler, const Node *key)
{
    const char *names[OP_FIELDS_MAX];
    int count = field_count(compiler->info);
    for (int i = 0; i < count; i++)
        names[i] = compiler->info->fields[i].name;
    const char *what =
        arena_format(&compiler->loader->scratch, "'%s' has no field", compiler->info->name);
    if (find_op(key->text) != OP_RETURN)
        return loader_fail(compiler->loader, key, "operations are a list, each behind a '- '",
                           "%s '%s'", what, key->text);
    if (compiler->info == op_info(OP_ASYNCIO_RUN) && strcmp(key->text, "uvloop") == 0)
        return loader_fail(compiler->loader, key, "'loop: libuv' is what uvloop runs",
                           "%s 'uvloop'", what);
    return loader_unknown(compiler->loader, key, what, "it has", names, count);
}

// Finds the value of each field. `value` is NULL for a bare name.
static bool find_fields(Compiler *compiler, const Node *key, const Node *value,
                        const Node *given[OP_FIELDS_MAX])
{
    Loader *loader = compiler->loader;
    const OpInfo *info = compiler->info;
    int brief = short_field(info), count = field_count(info);
    bool good = true;
    if (value != NULL && node_is_null(value))
        value = NULL;
    if (value != NULL && value->kind == NODE_MAP) {
        for (const Node *field = value->first; field != NULL; field = field->next) {
            int index = field_index(info, field->key->text);
            if (index < 0 && count > 0)
                good = unknown_field(compiler, field->key);
            else if (index >= 0)
                given[index] = field;
        }
    } else if (value != NULL && brief >= 0) {
        given[brief] = value;
    }
    if (value != NULL && count == 0 && (value->kind != NODE_MAP || value->count > 0))
        return loader_fail(loader, value, NULL, "'%s' takes no value; found %s", info->name,
                           loader_found(loader, value));
    if (value != NULL && value->kind != NODE_MAP && brief < 0 && count > 0)
        return loader_fail(loader, value, NULL, "'%s' needs its fields by name: %s", info->name,
                           info->example);
    if (!good)
        return false; // a missing field is likely the misspelled one
    if (info == op_info(OP_IF) && (given[0] == NULL) == (given[3] == NULL))
        good = loader_fail(loader, key, NULL, "'if' needs either a 'chance' or a 'test': %s",
                           info->example);
    good = variable_fields(loader, find_op(info->name), key, given) && good;
    good = asyncio_check_op(loader, find_op(info->name), key, given) && good;
    for (int i = 0; i < count; i++)
        if ((info->fields[i].flags & FIELD_REQUIRED) && given[i] == NULL)
            good = loader_fail(loader, key, NULL, "'%s' needs '%s', %s: %s", info->name,
                               info->fields[i].name, info->fields[i].text, info->example);
    return good;
}

// How messages call a field: the op when it is the short one, else "'times' of 'repeat'". Made once
// for each, because a scenario may have a million ops.
static const char *field_label(const Compiler *compiler, int index)
{
    Loader *loader = compiler->loader;
    const char **label = &loader->field_labels[loader->ops.at[compiler->op].code][index];
    const OpField *field = &compiler->info->fields[index];
    if (*label == NULL && (field->flags & FIELD_SHORT))
        *label = arena_format(&loader->scratch, "'%s'", compiler->info->name);
    else if (*label == NULL)
        *label = arena_format(&loader->scratch, "'%s' of '%s'", field->name, compiler->info->name);
    return *label;
}

// Appends an op. At the limit reports it once and returns false.
static bool emit(Loader *loader, uint16_t code, uint32_t arg, const Node *at)
{
    if (loader->ops.count >= OPS_MAX) {
        if (!loader->ops_full)
            loader_fail(loader, at, NULL, "more than %d operations; use 'repeat' or 'call'",
                        OPS_MAX);
        loader->ops_full = true;
        return false;
    }
    uint32_t next = (uint32_t)loader->ops.count + 1;
    *ARRAY_PUSH(&loader->ops) = (Op){.code = code, .next = next, .arg = {arg}};
    *ARRAY_PUSH(&loader->op_at) = at->at;
    return true;
}

static void compile_list(Loader *loader, ProcessId process, const Node *list, const char *label);

// The handlers of a `try`: a list of OP_EXCEPT, each with its ops.
static void compile_handlers(const Compiler *compiler, const Node *key, const Node *map, int field)
{
    Loader *loader = compiler->loader;
    if (!loader_map(loader, map, field_label(compiler, field)))
        return;
    loader->ops.at[compiler->op].arg[field] = (uint32_t)loader->ops.count;
    for (const Node *body = map->first; body != NULL && !loader->ops_full; body = body->next) {
        uint32_t except = (uint32_t)loader->ops.count, exception;
        const char *label =
            arena_format(&loader->scratch, "'%s'", loader_quote(loader, body->key->text));
        if (!field_exception(loader, body->key, "'except'", &exception) ||
            !emit(loader, OP_EXCEPT, exception, body->key))
            continue;
        loader->ops.at[except].arg[1] = (uint32_t)loader->ops.count;
        loader->ops.at[except].arg[2] = compiler->op;
        compile_list(loader, compiler->process, body, label);
        emit(loader, OP_BLOCK_END, except, key);
        loader->ops.at[except].next = (uint32_t)loader->ops.count;
    }
    emit(loader, OP_BLOCK_END, compiler->op, key);
}

static void compile_blocks(Compiler compiler, const Node *key, const Node *given[OP_FIELDS_MAX])
{
    Loader *loader = compiler.loader;
    bool loop = loader->ops.at[compiler.op].code == OP_REPEAT ||
                loader->ops.at[compiler.op].code == OP_FOREVER ||
                loader->ops.at[compiler.op].code == OP_WHILE ||
                loader->ops.at[compiler.op].code == OP_AS_COMPLETED;
    loader->loops += loop;
    uint32_t task_group = loader->task_group, timeout = loader->timeout;
    if (loader->ops.at[compiler.op].code == OP_TASK_GROUP)
        loader->task_group = compiler.op;
    if (loader->ops.at[compiler.op].code == OP_TIMEOUT)
        loader->timeout = compiler.op;
    for (int i = 0; i < field_count(compiler.info); i++) {
        if (compiler.info->fields[i].type == FIELD_HANDLERS && given[i] != NULL)
            compile_handlers(&compiler, key, given[i], i);
        if (compiler.info->fields[i].type != FIELD_BLOCK || given[i] == NULL)
            continue;
        loader->ops.at[compiler.op].arg[i] = (uint32_t)loader->ops.count;
        compile_list(loader, compiler.process, given[i], field_label(&compiler, i));
        if (emit(loader, OP_BLOCK_END, compiler.op, key))
            loader->ops.at[loader->ops.count - 1].arg[1] =
                strcmp(compiler.info->fields[i].name, "else") == 0;
    }
    loader->loops -= loop;
    loader->task_group = task_group;
    loader->timeout = timeout;
    loader->ops.at[compiler.op].next = (uint32_t)loader->ops.count;
}

static void compile_fields(Compiler *compiler, const Node *given[OP_FIELDS_MAX])
{
    Loader *loader = compiler->loader;
    int spawned = -1, count = field_count(compiler->info);
    uint32_t made = 1;
    for (int i = 0; i < count; i++) {
        FieldType type = compiler->info->fields[i].type;
        uint32_t *arg = &loader->ops.at[compiler->op].arg[i];
        if (type == FIELD_SPAWNED) {
            if (compiler->function != 0 &&
                parse_spawned(compiler, given[i], field_label(compiler, i), arg))
                spawned = i;
            else
                loader->spawns_unknown = true;
        } else if (type == FIELD_CHILD) {
            // A child's template joins the list of threads, which a spawned thread's does too.
            if (compiler->function != 0 &&
                field_child(loader, compiler->process, compiler->function, compiler->op, given[i],
                            field_label(compiler, i), arg))
                spawned = i;
            else
                loader->spawns_unknown = true;
        } else if (parsers[type] != NULL && given[i] != NULL) {
            parsers[type](compiler, given[i], field_label(compiler, i), arg);
            if (type == FIELD_COUNT)
                made = *arg;
        }
    }
    if (spawned >= 0 && made > 1)
        loader->threads.at[loader->ops.at[compiler->op].arg[spawned] - 1].several = true;
}

// Who spins looks at the lock and at nothing else (POSIX has no pthread_spin_timedlock either).
static void check_timeout(const Compiler *compiler, const Node *given[OP_FIELDS_MAX])
{
    Loader *loader = compiler->loader;
    const Op *op = &loader->ops.at[compiler->op];
    int timeout = field_index(compiler->info, "timeout");
    if ((op->code != OP_LOCK && op->code != OP_WITH) || given[timeout] == NULL || op->arg[0] == 0 ||
        loader->syncs.at[op->arg[0] - 1].kind != SYNC_SPIN)
        return;
    loader_fail(loader, given[timeout], NULL, "%s: '%s' is a spin lock, which has no timeout",
                field_label(compiler, timeout),
                loader->strings.at[loader->syncs.at[op->arg[0] - 1].name.index1 - 1]);
}

static void unknown_op(Loader *loader, const Node *key)
{
    for (size_t i = 0; i < sizeof later_ops / sizeof later_ops[0]; i++)
        if (strcmp(later_ops[i], key->text) == 0) {
            loader_fail(loader, key, NULL,
                        "the operation '%s' is not in this version of ringside yet", key->text);
            return;
        }
    const char *names[OP_CODE_COUNT] = {0};
    for (unsigned code = 0; code < OP_CODE_COUNT; code++)
        if (op_info(code) != NULL)
            names[code] = op_info(code)->name;
    loader_unknown(loader, key, "there is no operation", "there are", names, OP_CODE_COUNT);
}

// A second key beside an operation's: one that should stand in it, or the next operation.
static void stray_key(Loader *loader, const Node *stray, const Node *key, unsigned code)
{
    const char *text = loader_quote(loader, stray->text);
    if (code != OP_RETURN && field_index(op_info(code), stray->text) >= 0)
        loader_fail(loader, stray, NULL,
                    "'%s' is a field of '%s': it stands below it, two blanks further in", text,
                    key->text);
    else
        loader_fail(loader, stray, NULL,
                    "an operation is one key behind a '- '; '%s' is a second one beside '%s'", text,
                    loader_quote(loader, key->text));
}

static void compile_op(Loader *loader, ProcessId process, const Node *item)
{
    if (item->kind == NODE_LIST || (item->kind == NODE_MAP && item->count == 0) ||
        (item->kind == NODE_TEXT && node_is_null(item))) {
        loader_fail(loader, item, NULL, "an operation is due, such as 'compute: 5ms'; found %s",
                    item->kind == NODE_MAP ? "an empty map" : loader_found(loader, item));
        return;
    }
    const Node *value = item->kind == NODE_MAP ? item->first : NULL;
    const Node *key = value != NULL ? value->key : item;
    unsigned code = find_op(key->text);
    if (value != NULL && value->next != NULL) {
        loader->spawns_unknown = true;
        stray_key(loader, value->next->key, key, code);
        return;
    }
    if (code == OP_RETURN) {
        unknown_op(loader, key);
        loader->spawns_unknown = true; // it may have been meant to be one
        return;
    }
    if (!asyncio_allows(loader, process, code, key) ||
        !runtime_allows(loader, process, code, key) ||
        !executors_allow(loader, process, code, key) ||
        !multiprocessing_allows(loader, process, code, key))
        return;
    Compiler compiler = {.loader = loader,
                         .process = process,
                         .info = op_info(code),
                         .op = (uint32_t)loader->ops.count};
    const Node *given[OP_FIELDS_MAX] = {0};
    if (!find_fields(&compiler, key, value, given)) {
        loader->spawns_unknown = true;
        return;
    }
    if (!emit(loader, (uint16_t)code, 0, key))
        return;
    compile_fields(&compiler, given);
    check_timeout(&compiler, given);
    asyncio_finish_op(loader, compiler.op, key, given);
    asyncio_check_run(loader, process, compiler.op, given);
    stream_finish_op(loader, &loader->ops.at[compiler.op], given);
    if (code == OP_RESCHEDULE && loader->timeout == 0)
        loader_fail(loader, key, NULL,
                    "'reschedule' stands in the 'timeout' to which it gives another time");
    if (code == OP_RESCHEDULE)
        loader->ops.at[compiler.op].arg[RESCHEDULE_TIMEOUT] = loader->timeout;
    if (code == OP_CREATE_TASK)
        loader->ops.at[compiler.op].arg[CREATE_TASK_GROUP] = loader->task_group;
    kernel_check_op(loader, code, key, given);
    executors_check_op(loader, process, compiler.op, key, given);
    multiprocessing_check_op(loader, process, compiler.op, key);
    compile_blocks(compiler, key, given);
}

static void compile_list(Loader *loader, ProcessId process, const Node *list, const char *label)
{
    if (list->kind != NODE_LIST) {
        loader_fail(loader, list, NULL,
                    "%s needs a list of operations (each begins with '- '); found %s", label,
                    loader_found(loader, list));
        return;
    }
    for (const Node *item = list->first; item != NULL && !loader->ops_full; item = item->next)
        compile_op(loader, process, item);
}

// --- lists, functions, and what had to wait -----------------------------------------------------

void compile_ops(Loader *loader, ProcessId process, const Node *list, const char *label,
                 uint32_t *entry)
{
    *entry = (uint32_t)loader->ops.count;
    compile_list(loader, process, list, label);
    emit(loader, OP_RETURN, 0, list);
}

bool compile_function(Loader *loader, ProcessId process, const Node *node, const char *label,
                      uint32_t *function)
{
    StringId name;
    if (!value_name(loader, node, label, &name))
        return false;
    *function = *intern_symbol(loader, process, SYMBOL_FUNCTION, name);
    return *function != 0 || unknown_name(loader, process, node, label, SYMBOL_FUNCTION);
}

static void finish_thread(Loader *loader, ProcessId process, const Fixup *fixup)
{
    StringId name = intern_string(loader, fixup->thread->text);
    uint32_t def = *intern_symbol(loader, process, SYMBOL_THREAD, name);
    loader->ops.at[fixup->op].arg[fixup->arg] = def;
    if (def != 0 || loader->spawns_unknown)
        return;
    const OpInfo *info = op_info(loader->ops.at[fixup->op].code);
    unknown_name(loader, process, fixup->thread, arena_format(&loader->scratch, "'%s'", info->name),
                 SYMBOL_THREAD);
}

void compile_finish(Loader *loader, ProcessId process)
{
    for (size_t i = 0; i < loader->fixups.count; i++) {
        const Fixup *fixup = &loader->fixups.at[i];
        if (fixup->thread != NULL)
            finish_thread(loader, process, fixup);
        else
            loader->ops.at[fixup->op].arg[fixup->arg] =
                loader->functions.at[fixup->function - 1].entry;
    }
    loader->fixups.count = 0;
    kernel_finish_process(loader, process);
    for (size_t i = 0; i < loader->threads.count; i++) {
        uint32_t function = loader->thread_functions.at[i];
        if (function != 0 && ID_EQUAL(loader->functions.at[function - 1].process, process))
            loader->threads.at[i].entry = loader->functions.at[function - 1].entry;
    }
    executors_finish(loader, process);
    multiprocessing_finish(loader, process);
}
