// The fields of ops that name what the kernel has (sizes, memory, child processes, pipes, signals),
// and the keys that declare such things. One parser a type, as in compile.c.
#include "sim/scenario/loader.h"

#include <string.h>

static const char *string(const Loader *loader, StringId id)
{
    return loader->strings.at[id.index1 - 1];
}

// --- plain values -------------------------------------------------------------------------------

bool field_size(Loader *loader, const Node *node, const char *label, uint32_t *arg)
{
    uint64_t bytes;
    if (!value_size(loader, node, label, 1, MEMORY_BYTES_MAX, &bytes))
        return false;
    *ARRAY_PUSH(&loader->sizes) = bytes;
    *arg = (uint32_t)loader->sizes.count;
    return true;
}

bool field_code(Loader *loader, const Node *node, const char *label, uint32_t *arg)
{
    uint64_t code;
    if (!value_count(loader, node, label, 0, 255, &code))
        return false;
    *arg = (uint32_t)code + 1;
    return true;
}

bool field_flag(Loader *loader, const Node *node, const char *label, uint32_t *arg)
{
    bool flag = false;
    if (!value_bool(loader, node, label, &flag))
        return false;
    *arg = flag;
    return true;
}

// --- words of closed sets -----------------------------------------------------------------------

static const char *const access_words[] = {"read", "write"};

static const char *const signal_words[] = {
#define X(id, name, number, action) name,
    SIGNALS(X)
#undef X
};

static const char *const pipe_end_words[] = {
#define X(id, name) name,
    PIPE_ENDS(X)
#undef X
};

static const char *const syscall_words[] = {
#define NAMED_SYSCALL(name, syscall, cost) name,
#include "sim/scenario/syscalls.def"
#undef NAMED_SYSCALL
};

static const char *const return_when_words[] = {"first_completed", "first_exception",
                                                "all_completed"};

static const char *const event_loop_words[] = {"asyncio", "libuv"};

static const char *const start_method_words[] = {
#define X(id, word) word,
    START_METHODS(X)
#undef X
};

#define WORDS(table) table, sizeof table / sizeof *table

const char *const *field_words(FieldType type, size_t *count)
{
    const struct {
        const char *const *words;
        size_t count;
    } sets[FIELD_TYPE_COUNT] = {[FIELD_ACCESS] = {WORDS(access_words)},
                                [FIELD_SIGNAL] = {WORDS(signal_words)},
                                [FIELD_PIPE_END] = {WORDS(pipe_end_words)},
                                [FIELD_SYSCALL] = {WORDS(syscall_words)},
                                [FIELD_RETURN_WHEN] = {WORDS(return_when_words)},
                                [FIELD_EVENT_LOOP] = {WORDS(event_loop_words)},
                                [FIELD_START_METHOD] = {WORDS(start_method_words)}};
    *count = sets[type].count;
    return sets[type].words;
}

bool field_word(Loader *loader, FieldType type, const Node *node, const char *label, uint32_t *arg)
{
    size_t count;
    const char *const *words = field_words(type, &count);
    for (size_t i = 0; node->kind == NODE_TEXT && i < count; i++)
        if (strcmp(words[i], node->text) == 0) {
            *arg = (uint32_t)i + 1;
            return true;
        }
    const char *hint =
        node->kind == NODE_TEXT ? loader_suggest(loader, node->text, words, count) : NULL;
    return loader_fail(loader, node, hint, "%s must be one of %s; found %s", label,
                       loader_list(loader, words, count), loader_found(loader, node));
}

// --- memory -------------------------------------------------------------------------------------

bool field_memory(Loader *loader, ProcessId process, const Node *node, const char *label,
                  bool allocates, uint32_t *arg)
{
    StringId name;
    if (!value_name(loader, node, label, &name))
        return false;
    uint32_t *symbol = intern_symbol(loader, process, SYMBOL_MEMORY, name);
    if (*symbol == 0) {
        *ARRAY_PUSH(&loader->memories) =
            (MemoryDef){.name = name, .process = process, .at = node->at};
        *symbol = (uint32_t)loader->memories.count;
    }
    *arg = *symbol;
    MemoryDef *def = &loader->memories.at[*arg - 1];
    def->allocated = def->allocated || allocates;
    return true;
}

// A block may be touched further up in the file than it is allocated, in a function for one.
void kernel_finish_process(Loader *loader, ProcessId process)
{
    for (size_t i = 0; i < loader->memories.count; i++) {
        MemoryDef *def = &loader->memories.at[i];
        if (!ID_EQUAL(def->process, process) || def->allocated || loader->spawns_unknown)
            continue;
        const Node place = {.at = def->at};
        loader_fail(loader, &place, NULL, "no 'alloc' or 'new_objects' of this process makes '%s'",
                    string(loader, def->name));
        def->allocated = true;
    }
}

// --- processes ----------------------------------------------------------------------------------

// The template of the processes that a fork makes: a new one, or the one of an earlier fork with
// this name and function.
bool field_child(Loader *loader, ProcessId process, uint32_t function, uint32_t op,
                 const Node *node, const char *label, uint32_t *arg)
{
    StringId name = loader->functions.at[function - 1].name;
    bool named = node != NULL && !node_is_null(node);
    if (named && !value_name(loader, node, label, &name))
        return false;
    uint32_t *symbol = intern_symbol(loader, process, SYMBOL_CHILD, name);
    if (*symbol != 0 && loader->thread_functions.at[*symbol - 1] == function) {
        *arg = *symbol;
        loader->threads.at[*arg - 1].several = true;
        return true;
    }
    const Node op_place = {.at = loader->op_at.at[op]};
    const Node *place = named ? node : &op_place;
    uint32_t *taken = intern_symbol(loader, (ProcessId){0}, SYMBOL_PROCESS, name);
    if (*taken != 0) {
        SourceAt first = loader->processes.at[*taken - 1].at;
        return loader_fail(loader, place, NULL,
                           "the name '%s' belongs to another process (line %u); give this one "
                           "another with 'as'",
                           string(loader, name), first.line);
    }
    *ARRAY_PUSH(&loader->processes) =
        (ProcessDef){.name = name, .at = loader->op_at.at[op], .forked = true, .family = process};
    *taken = (uint32_t)loader->processes.count;
    ThreadDef *def =
        processes_add_thread(loader, name, (ProcessId){*taken}, function, loader->op_at.at[op]);
    def->spawned = def->forked = true;
    def->several = loader->loops > 0;
    *arg = (uint32_t)loader->threads.count;
    *intern_symbol(loader, process, SYMBOL_CHILD, name) = *arg;
    return true;
}

bool field_process(Loader *loader, const Node *node, const char *label, uint32_t op, uint32_t arg)
{
    StringId name;
    if (!value_name(loader, node, label, &name))
        return false;
    *ARRAY_PUSH(&loader->process_fixups) = (ProcessFixup){op, arg, node, label};
    return true;
}

void kernel_finish(Loader *loader)
{
    size_t count = 0;
    const char **names = ARENA_ARRAY(&loader->scratch, const char *, loader->processes.count + 1);
    for (size_t i = 0; i < loader->processes.count; i++)
        names[count++] = string(loader, loader->processes.at[i].name);
    for (size_t i = 0; i < loader->process_fixups.count; i++) {
        const ProcessFixup *fixup = &loader->process_fixups.at[i];
        StringId name = intern_string(loader, fixup->node->text);
        uint32_t process = *intern_symbol(loader, (ProcessId){0}, SYMBOL_PROCESS, name);
        loader->ops.at[fixup->op].arg[fixup->arg] = process;
        if (process == 0 && !loader->spawns_unknown && !loader->names_incomplete)
            loader_fail(
                loader, fixup->node, loader_suggest(loader, fixup->node->text, names, count),
                "%s: there is no process %s", fixup->label, loader_found(loader, fixup->node));
    }
}

// --- ops ----------------------------------------------------------------------------------------

void kernel_check_op(Loader *loader, unsigned code, const Node *key,
                     const Node *const given[OP_FIELDS_MAX])
{
    if (code == OP_TOUCH && given[0] == NULL && given[1] == NULL)
        loader_fail(loader, key, NULL, "'touch' needs a size or a block: touch: 64MiB");
    if ((code == OP_ON_SIGNAL || code == OP_ADD_SIGNAL_HANDLER) &&
        strcmp(given[0]->text, "KILL") == 0)
        loader_fail(loader, given[0], NULL, "KILL can be neither handled nor ignored");
}

// --- pipes and message queues -------------------------------------------------------------------

// An unknown name, with the nearest one that there is.
static bool unknown(Loader *loader, const Node *node, const char *label, const char *kind,
                    const char *const *names, size_t count)
{
    if (count == 0)
        return loader_fail(loader, node, NULL, "%s: there are no %ss here; found %s", label, kind,
                           loader_found(loader, node));
    return loader_fail(loader, node, loader_suggest(loader, node->text, names, count),
                       "%s: there is no %s %s", label, kind, loader_found(loader, node));
}

static void use_pipe(Loader *loader, ProcessId process, uint32_t op, uint32_t pipe)
{
    uint16_t code = loader->ops.at[op].code;
    PipeUse *use = NULL;
    if (!ID_NONE(loader->pipes.at[pipe - 1].process))
        return; // both ends are open in its process
    for (size_t i = 0; i < loader->pipe_uses.count && use == NULL; i++)
        if (ID_EQUAL(loader->pipe_uses.at[i].process, process) &&
            loader->pipe_uses.at[i].pipe.index1 == pipe)
            use = &loader->pipe_uses.at[i];
    if (use == NULL) {
        use = ARRAY_PUSH(&loader->pipe_uses);
        *use = (PipeUse){.process = process, .pipe = {pipe}};
    }
    bool writes = code == OP_WRITE || stream_writes(code);
    use->end[PIPE_END_WRITE] |= writes;
    use->end[PIPE_END_READ] |= code == OP_READ || code == OP_READ_UNTIL_EOF || stream_reads(code);
}

bool field_pipe(Loader *loader, ProcessId process, uint32_t op, const Node *node, const char *label,
                uint32_t *arg)
{
    StringId name;
    if (!value_name(loader, node, label, &name))
        return false;
    *arg = *intern_symbol(loader, process, SYMBOL_PIPE, name);
    if (*arg == 0)
        *arg = *intern_symbol(loader, (ProcessId){0}, SYMBOL_PIPE, name);
    if (*arg != 0) {
        use_pipe(loader, process, op, *arg);
        return true;
    }
    size_t count = 0;
    const char **names = ARENA_ARRAY(&loader->scratch, const char *, loader->pipes.count + 1);
    for (size_t i = 0; i < loader->pipes.count; i++)
        if (ID_NONE(loader->pipes.at[i].process) || ID_EQUAL(loader->pipes.at[i].process, process))
            names[count++] = string(loader, loader->pipes.at[i].name);
    return unknown(loader, node, label, "pipe", names, count);
}

bool field_messages(Loader *loader, const Node *node, const char *label, uint32_t *arg)
{
    StringId name;
    if (!value_name(loader, node, label, &name))
        return false;
    *arg = *intern_symbol(loader, (ProcessId){0}, SYMBOL_MESSAGES, name);
    if (*arg != 0)
        return true;
    size_t count = loader->message_queues.count;
    const char **names = ARENA_ARRAY(&loader->scratch, const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        names[i] = string(loader, loader->message_queues.at[i].name);
    return unknown(loader, node, label, "message queue", names, count);
}

static void load_pipe(Loader *loader, ProcessId owner, const Node *node)
{
    StringId name;
    if (!value_name(loader, node, "a pipe", &name))
        return;
    uint32_t *symbol = intern_symbol(loader, owner, SYMBOL_PIPE, name);
    if (*symbol != 0) {
        loader_fail(loader, node, NULL, "there is another pipe '%s' (line %u)", node->text,
                    loader->pipes.at[*symbol - 1].at.line);
        return;
    }
    *ARRAY_PUSH(&loader->pipes) = (PipeDef){.name = name, .process = owner, .at = node->at};
    *symbol = (uint32_t)loader->pipes.count;
}

static void load_message_queue(Loader *loader, const Node *node)
{
    StringId name;
    uint64_t capacity = 1;
    if (!value_name(loader, node->key, "a message queue", &name))
        return;
    const char *label = arena_format(&loader->scratch, "'%s'", string(loader, name));
    value_count(loader, node, label, 1, 65536, &capacity);
    uint32_t *symbol = intern_symbol(loader, (ProcessId){0}, SYMBOL_MESSAGES, name);
    if (*symbol != 0)
        return; // a double key, reported already
    *ARRAY_PUSH(&loader->message_queues) =
        (MessageQueueDef){.name = name, .capacity = (uint32_t)capacity, .at = node->key->at};
    *symbol = (uint32_t)loader->message_queues.count;
}

void kernel_load_names(Loader *loader, ProcessId owner, const Node *map)
{
    const Node *pipes = node_get(map, "pipes"), *queues = node_get(map, "message_queues");
    if (pipes != NULL && loader_items(loader, pipes, "'pipes'", "names"))
        for (const Node *node = pipes->first; node != NULL; node = node->next)
            load_pipe(loader, owner, node);
    if (queues != NULL && loader_map(loader, queues, "'message_queues'"))
        for (const Node *node = queues->first; node != NULL; node = node->next)
            load_message_queue(loader, node);
}
