// What threads synchronise by, as a process (or a scenario of one process) declares it: `locks:`,
// `semaphores:`, `conditions:`, `events:`, `barriers:` and `queues:`; and in `asyncio:`, under the
// same keys, what coroutines do. All share one space of names, so that an op or a test may name any
// of them.
#include "sim/scenario/loader.h"

#include <string.h>

static const char *const kind_words[] = {
#define X(id, word) word,
    SYNC_KINDS(X)
#undef X
};

enum {
    LOCK_KINDS = SYNC_RWLOCK + 1,
    // What a test may look at.
    SYNC_SET_TESTED = SYNC_SET_LOCKS | 1 << SYNC_SEMAPHORE | 1 << SYNC_EVENT | 1 << SYNC_QUEUE
};

static const char *string(const Loader *loader, StringId id)
{
    return loader->strings.at[id.index1 - 1];
}

// With its article.
static const char *const kind_texts[SYNC_KIND_COUNT] = {
    [SYNC_LOCK] = "a lock",           [SYNC_RLOCK] = "an rlock",  [SYNC_PI] = "a pi lock",
    [SYNC_SPIN] = "a spin lock",      [SYNC_RWLOCK] = "a rwlock", [SYNC_SEMAPHORE] = "a semaphore",
    [SYNC_CONDITION] = "a condition", [SYNC_EVENT] = "an event",  [SYNC_BARRIER] = "a barrier",
    [SYNC_QUEUE] = "a queue",
};

// A new object of this name; NULL, with a message, when there is one already.
static SyncDef *add(Loader *loader, ProcessId process, const Node *name_node, SyncKind kind,
                    const char *label)
{
    StringId name;
    if (!value_name(loader, name_node, label, &name)) {
        loader->names_incomplete = true;
        return NULL;
    }
    uint32_t *symbol = intern_symbol(loader, process, SYMBOL_SYNC, name);
    if (*symbol != 0) {
        const SyncDef *other = &loader->syncs.at[*symbol - 1];
        // A double key of one map is reported already.
        if (other->kind != kind && !(sync_is_lock(kind) && sync_is_lock(other->kind)))
            loader_fail(loader, name_node, NULL, "there is %s called '%s' (line %u)",
                        kind_texts[other->kind], string(loader, name), other->at.line);
        else if (kind == SYNC_EVENT || other->asyncio != loader->in_asyncio ||
                 (other->asyncio && kind == SYNC_LOCK))
            loader_fail(loader, name_node, NULL, "there is another %s '%s' (line %u)",
                        kind_words[kind], string(loader, name), other->at.line);
        return NULL;
    }
    SyncDef *def = ARRAY_PUSH(&loader->syncs);
    *def = (SyncDef){.name = name,
                     .process = process,
                     .at = name_node->at,
                     .kind = kind,
                     .asyncio = loader->in_asyncio};
    *symbol = (uint32_t)loader->syncs.count;
    return def;
}

static const char *quoted_name(Loader *loader, const SyncDef *def)
{
    return arena_format(&loader->scratch, "'%s'", string(loader, def->name));
}

static void load_shared(Loader *loader, SyncDef *def, const Node *map)
{
    const Node *shared = node_get(map, "shared");
    if (shared != NULL && def->asyncio)
        loader_fail(loader, shared->key, NULL,
                    "%s is one of asyncio's, which are not shared by processes",
                    quoted_name(loader, def));
    else if (shared != NULL)
        value_bool(loader, shared, "'shared'", &def->shared);
}

// --- locks --------------------------------------------------------------------------------------

static void load_kind(Loader *loader, SyncDef *def, const Node *node)
{
    for (int kind = 0; node->kind == NODE_TEXT && kind < LOCK_KINDS; kind++) {
        if (strcmp(node->text, kind_words[kind]) == 0) {
            def->kind = (SyncKind)kind;
            return;
        }
    }
    const char *hint =
        node->kind == NODE_TEXT ? loader_suggest(loader, node->text, kind_words, LOCK_KINDS) : NULL;
    loader_fail(loader, node, hint, "%s needs its kind, which is one of %s; found %s",
                quoted_name(loader, def), loader_list(loader, kind_words, LOCK_KINDS),
                loader_found(loader, node));
}

static void load_preference(Loader *loader, SyncDef *def, const Node *node)
{
    if (def->kind != SYNC_RWLOCK)
        loader_fail(loader, node->key, NULL, "only a rwlock prefers readers or writers; %s is %s",
                    quoted_name(loader, def), kind_texts[def->kind]);
    else if (node->kind == NODE_TEXT && strcmp(node->text, "writers") == 0)
        def->prefer_writers = true;
    else if (node->kind != NODE_TEXT || strcmp(node->text, "readers") != 0)
        loader_fail(loader, node, NULL, "'prefer' needs readers or writers; found %s",
                    loader_found(loader, node));
}

static void load_lock(Loader *loader, ProcessId process, const Node *node)
{
    SyncDef *def = add(loader, process, node->key, SYNC_LOCK, "a lock");
    if (def == NULL)
        return;
    if (node->kind != NODE_MAP) {
        load_kind(loader, def, node);
        return;
    }
    loader_keys(loader, node, SECTION_LOCK, node->key);
    const Node *kind = node_get(node, "kind"), *prefer = node_get(node, "prefer");
    if (kind != NULL)
        load_kind(loader, def, kind);
    if (prefer != NULL)
        load_preference(loader, def, prefer);
    load_shared(loader, def, node);
}

// asyncio's, which are of one kind.
static void load_asyncio_locks(Loader *loader, ProcessId process, const Node *list)
{
    if (list == NULL || node_is_null(list) ||
        !loader_items(loader, list, "'locks' of 'asyncio'", "names"))
        return;
    for (const Node *node = list->first; node != NULL; node = node->next)
        add(loader, process, node, SYNC_LOCK, "a lock");
}

// --- semaphores, barriers, events ---------------------------------------------------------------

// Its only number, alone or in a map under `key`.
static void load_number(Loader *loader, SyncDef *def, const Node *node, Section section,
                        const char *key, uint64_t least)
{
    const char *label = quoted_name(loader, def);
    uint64_t number;
    if (node->kind == NODE_MAP) {
        loader_keys(loader, node, section, node->key);
        load_shared(loader, def, node);
        node = node_get(node, key);
        label = arena_format(&loader->scratch, "'%s'", key);
    }
    if (node != NULL && value_count(loader, node, label, least, 1000000000, &number))
        def->parameter = (uint32_t)number;
}

static void load_semaphore(Loader *loader, ProcessId process, const Node *node)
{
    SyncDef *def = add(loader, process, node->key, SYNC_SEMAPHORE, "a semaphore");
    if (def == NULL)
        return;
    load_number(loader, def, node, SECTION_SEMAPHORE, "value", 0);
    const Node *bounded = node->kind == NODE_MAP ? node_get(node, "bounded") : NULL;
    if (bounded != NULL && !def->asyncio)
        loader_fail(loader, bounded->key, NULL,
                    "only one of asyncio's semaphores is bounded; '%s' "
                    "is one of threads",
                    string(loader, def->name));
    else if (bounded != NULL)
        value_bool(loader, bounded, "'bounded'", &def->bounded);
}

static void load_barrier(Loader *loader, ProcessId process, const Node *node)
{
    SyncDef *def = add(loader, process, node->key, SYNC_BARRIER, "a barrier");
    if (def != NULL)
        load_number(loader, def, node, SECTION_BARRIER, "threads", 1);
}

static void load_events(Loader *loader, ProcessId process, const Node *list)
{
    if (list == NULL || node_is_null(list) || !loader_items(loader, list, "'events'", "names"))
        return;
    for (const Node *node = list->first; node != NULL; node = node->next) {
        const Node *name = node;
        if (node->kind == NODE_MAP) {
            loader_keys(loader, node, SECTION_EVENT, node);
            name = node_get(node, "name");
        }
        SyncDef *def = name == NULL ? NULL : add(loader, process, name, SYNC_EVENT, "an event");
        if (def != NULL && node->kind == NODE_MAP)
            load_shared(loader, def, node);
    }
}

// --- conditions ---------------------------------------------------------------------------------

// Locks are loaded before.
static void load_condition_lock(Loader *loader, ProcessId process, SyncDef *def, const Node *node)
{
    StringId name;
    const char *label = quoted_name(loader, def);
    if (!value_name(loader, node, label, &name))
        return;
    uint32_t lock = *intern_symbol(loader, process, SYMBOL_SYNC, name);
    if (lock != 0 && def->asyncio && !loader->syncs.at[lock - 1].asyncio) {
        loader_fail(loader, node, NULL,
                    "%s: the lock of one of asyncio's conditions is asyncio's too; '%s' is one of "
                    "threads",
                    label, node->text);
        return;
    }
    if (lock != 0 && loader->syncs.at[lock - 1].kind < SYNC_SPIN) {
        def->lock = (SyncId){lock};
        return;
    }
    if (lock == 0)
        loader_fail(
            loader, node, NULL,
            "%s: a condition needs the lock that goes with it; this process has no lock '%s'",
            label, node->text);
    else
        loader_fail(loader, node, NULL,
                    "%s: a condition goes with a lock, an rlock or a pi lock; '%s' is %s", label,
                    node->text, kind_texts[loader->syncs.at[lock - 1].kind]);
}

static void load_condition(Loader *loader, ProcessId process, const Node *node)
{
    SyncDef *def = add(loader, process, node->key, SYNC_CONDITION, "a condition");
    if (def == NULL)
        return;
    if (node->kind != NODE_MAP) {
        load_condition_lock(loader, process, def, node);
        return;
    }
    loader_keys(loader, node, SECTION_CONDITION, node->key);
    const Node *lock = node_get(node, "lock"), *spurious = node_get(node, "spurious");
    if (lock != NULL)
        load_condition_lock(loader, process, def, lock);
    if (spurious != NULL && def->asyncio)
        loader_fail(loader, spurious->key, NULL,
                    "%s is one of asyncio's: no wait at it ends for no reason",
                    quoted_name(loader, def));
    else if (spurious != NULL)
        value_chance(loader, spurious, "'spurious'", &def->spurious);
    load_shared(loader, def, node);
    if (def->spurious != 0 && !def->shared &&
        loader->processes.at[process.index1 - 1].runtime.python)
        loader_fail(loader, spurious->key, NULL,
                    "%s is one of Python's: no wait at it ends for no reason",
                    quoted_name(loader, def));
    if (def->shared && def->lock.index1 != 0 && !loader->syncs.at[def->lock.index1 - 1].shared)
        loader_fail(
            loader, node->key, NULL,
            "%s is shared by processes, and its lock '%s' is not: a copy of the lock in each "
            "of them keeps nobody out",
            quoted_name(loader, def), string(loader, loader->syncs.at[def->lock.index1 - 1].name));
}

// --- queues -------------------------------------------------------------------------------------

static void load_capacity(Loader *loader, SyncDef *def, const Node *node, const char *label)
{
    uint64_t capacity;
    if (node->kind == NODE_TEXT && strcmp(node->text, "unbounded") == 0)
        return;
    if (value_count(loader, node, label, 1, 1000000000, &capacity))
        def->parameter = (uint32_t)capacity;
}

static void load_queue(Loader *loader, ProcessId process, const Node *node)
{
    SyncDef *def = add(loader, process, node->key, SYNC_QUEUE, "a queue");
    if (def == NULL)
        return;
    if (node->kind != NODE_MAP) {
        load_capacity(loader, def, node, quoted_name(loader, def));
        return;
    }
    loader_keys(loader, node, SECTION_QUEUE, node->key);
    const Node *capacity = node_get(node, "capacity"), *order = node_get(node, "order");
    if (capacity != NULL)
        load_capacity(loader, def, capacity, "'capacity'");
    load_shared(loader, def, node);
    if (order == NULL)
        return;
    def->by_priority = order->kind == NODE_TEXT && strcmp(order->text, "priority") == 0;
    if (!def->by_priority && (order->kind != NODE_TEXT || strcmp(order->text, "fifo") != 0))
        loader_fail(loader, order, NULL, "'order' needs fifo or priority; found %s",
                    loader_found(loader, order));
}

// --- all of a process ---------------------------------------------------------------------------

static void load_map(Loader *loader, ProcessId process, const Node *owner, const char *key,
                     void (*load)(Loader *, ProcessId, const Node *))
{
    const Node *map = node_get(owner, key);
    const char *label = arena_format(&loader->scratch, "'%s'", key);
    if (map == NULL || node_is_null(map) || !loader_map(loader, map, label))
        return;
    for (const Node *node = map->first; node != NULL; node = node->next)
        load(loader, process, node);
}

static void load_asyncio(Loader *loader, ProcessId process, const Node *map)
{
    const Runtime *runtime = &loader->processes.at[process.index1 - 1].runtime;
    if (map == NULL || node_is_null(map) || !loader_map(loader, map, "'asyncio'"))
        return;
    loader_keys(loader, map, SECTION_ASYNCIO, map->key);
    if (!runtime->python || runtime->major < 3) {
        loader_fail(loader, map->key, NULL,
                    "'asyncio' needs a process that runs Python 3, such as 'runtime: "
                    "cpython-3.12'");
        return;
    }
    const Node *barriers = node_get(map, "barriers");
    if (barriers != NULL && runtime->minor < 11)
        loader_fail(loader, barriers->key, NULL, "asyncio's barriers need Python 3.11 or later");
    loader->in_asyncio = true;
    load_asyncio_locks(loader, process, node_get(map, "locks"));
    load_map(loader, process, map, "semaphores", load_semaphore);
    load_map(loader, process, map, "conditions", load_condition);
    load_events(loader, process, node_get(map, "events"));
    load_map(loader, process, map, "barriers", load_barrier);
    load_map(loader, process, map, "queues", load_queue);
    loader->in_asyncio = false;
}

void syncs_load(Loader *loader, ProcessId process, const Node *owner)
{
    load_map(loader, process, owner, "locks", load_lock);
    load_map(loader, process, owner, "semaphores", load_semaphore);
    load_map(loader, process, owner, "conditions", load_condition);
    load_events(loader, process, node_get(owner, "events"));
    load_map(loader, process, owner, "barriers", load_barrier);
    load_map(loader, process, owner, "queues", load_queue);
    load_asyncio(loader, process, node_get(owner, "asyncio"));
}

// --- Python's own -------------------------------------------------------------------------------

// A shared one is multiprocessing's, a semaphore of the kernel's; POSIX's other locks are C's.
static bool is_python(const Loader *loader, const SyncDef *def)
{
    bool python = loader->processes.at[def->process.index1 - 1].runtime.python;
    if (!python || def->shared || def->library || def->asyncio)
        return false;
    if (def->kind == SYNC_CONDITION)
        return def->lock.index1 != 0 && loader->syncs.at[def->lock.index1 - 1].python;
    return def->kind != SYNC_PI && def->kind != SYNC_SPIN && def->kind != SYNC_RWLOCK;
}

void syncs_finish(Loader *loader)
{
    for (size_t i = 0; i < loader->syncs.count; i++) { // a condition comes behind its lock
        SyncDef *def = &loader->syncs.at[i];
        def->python = is_python(loader, def);
    }
    for (size_t i = 0; i < loader->ops.count; i++) {
        const Op *op = &loader->ops.at[i];
        if (op->code == OP_UNLOCK && op->arg[0] != 0) {
            SyncDef *def = &loader->syncs.at[op->arg[0] - 1];
            def->handed = def->python && def->kind == SYNC_LOCK;
        }
    }
}

// --- named by an op -----------------------------------------------------------------------------

// "lock", "condition or event"; with articles: "a lock", "a condition or an event".
static const char *kinds_text(Loader *loader, unsigned kinds, bool articles)
{
    if (kinds == SYNC_SET_LOCKS)
        return articles ? "a lock" : "lock";
    if (kinds == SYNC_SET_TESTED)
        return articles ? "a lock, a semaphore, an event or a queue"
                        : "lock, semaphore, event or queue";
    const char *text = NULL;
    for (int kind = 0; kind < SYNC_KIND_COUNT; kind++) {
        const char *word = articles ? kind_texts[kind] : kind_words[kind];
        if (kinds >> kind & 1)
            text = text == NULL ? word : arena_format(&loader->scratch, "%s or %s", text, word);
    }
    return text;
}

static bool unknown(Loader *loader, ProcessId process, const Node *node, const char *text,
                    const char *label, unsigned kinds)
{
    const char **names = ARENA_ARRAY(&loader->scratch, const char *, loader->syncs.count + 1);
    size_t count = 0;
    for (size_t i = 0; i < loader->syncs.count && loader->diag->errors < DIAG_ERRORS_MAX; i++) {
        const SyncDef *def = &loader->syncs.at[i];
        if (ID_EQUAL(def->process, process) && kinds >> def->kind & 1)
            names[count++] = string(loader, def->name);
    }
    const char *what = kinds_text(loader, kinds, false);
    const char *quoted = loader_quote(loader, text);
    if (count == 0 && loader->diag->errors < DIAG_ERRORS_MAX && strchr(what, ' ') == NULL)
        return loader_fail(loader, node, NULL, "%s: this process has no %ss; found '%s'", label,
                           what, quoted);
    return loader_fail(loader, node, loader_suggest(loader, text, names, count),
                       "%s: this process has no %s '%s'", label, what, quoted);
}

bool sync_named(Loader *loader, ProcessId process, const Node *node, const char *text,
                const char *label, unsigned kinds, uint32_t *sync)
{
    if (node->kind != NODE_TEXT || node_is_null(node))
        return loader_fail(loader, node, NULL, "%s needs a name; found %s", label,
                           loader_found(loader, node));
    *sync = *intern_symbol(loader, process, SYMBOL_SYNC, intern_string(loader, text));
    if (*sync == 0)
        return unknown(loader, process, node, text, label, kinds);
    const SyncDef *def = &loader->syncs.at[*sync - 1];
    if (kinds >> def->kind & 1)
        return true;
    return loader_fail(loader, node, NULL, "%s: '%s' is %s (line %u), not %s", label, text,
                       kind_texts[def->kind], def->at.line, kinds_text(loader, kinds, true));
}

bool sync_is_asyncio(Loader *loader, ProcessId process, const Node *node)
{
    if (node->kind != NODE_TEXT || node_is_null(node))
        return false;
    uint32_t id = *intern_symbol(loader, process, SYMBOL_SYNC, intern_string(loader, node->text));
    return id != 0 && loader->syncs.at[id - 1].asyncio;
}

bool sync_test(Loader *loader, ProcessId process, const Node *node, const char *label,
               uint32_t *test)
{
    const char *text = node->kind == NODE_TEXT ? node->text : "";
    bool negated = strncmp(text, "not ", 4) == 0;
    text += negated ? 4 + strspn(text + 4, " ") : 0;
    uint32_t sync;
    if (!sync_named(loader, process, node, text, label, SYNC_SET_TESTED, &sync))
        return false;
    *ARRAY_PUSH(&loader->tests) = (TestDef){.sync = {sync}, .negated = negated};
    *test = (uint32_t)loader->tests.count;
    return true;
}
