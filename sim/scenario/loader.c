// The loader's messages, and the checks that only need the tables: which keys a map may have.
#include "sim/scenario/loader.h"

#include "sim/base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Beyond this many errors they are only counted, so that a file of nothing but mistakes costs
// neither time nor memory.
enum { QUOTED_MAX = 60, ERRORS_WORDED_MAX = 1000 };

static bool only_counting(const Loader *loader)
{
    return loader->diag->errors >= ERRORS_WORDED_MAX;
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

__attribute__((format(printf, 5, 0))) static bool fail(Loader *loader, const Node *node,
                                                       SourceAt at, const char *hint,
                                                       const char *format, va_list values)
{
    if (only_counting(loader)) {
        loader->diag->errors++;
        return false;
    }
    const char *text = arena_vformat(&loader->scratch, format, values);
    if (node->override == 0)
        return hint != NULL ? diag_fail_hint(loader->diag, at, hint, "%s", text)
                            : diag_fail(loader->diag, at, "%s", text);
    const char *override = loader_quote(loader, loader->overrides[node->override - 1]);
    if (hint == NULL)
        return diag_fail(loader->diag, (SourceAt){0}, "--set %s: %s", override, text);
    return diag_fail_hint(loader->diag, (SourceAt){0}, hint, "--set %s: %s", override, text);
}

bool loader_fail(Loader *loader, const Node *node, const char *hint, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fail(loader, node, node->at, hint, format, values);
    va_end(values);
    return false;
}

bool loader_fail_part(Loader *loader, const Node *node, size_t start, size_t length,
                      const char *hint, const char *format, ...)
{
    SourceAt at = node->at;
    // The part's place is known when the text stands in the source as it is. (A quoted text's place
    // begins behind the quote.)
    size_t text_length = strlen(node->text);
    if (node->override == 0 && node->end - node->start == text_length &&
        memcmp(loader->source + node->start, node->text, text_length) == 0 &&
        memchr(node->text, '\n', text_length) == NULL && start + length <= text_length) {
        at.length = 0;
        for (size_t i = 0; i < start + length; i++) {
            bool character = !is_continuation(node->text[i]);
            at.column += character && i < start;
            at.length += character && i >= start;
        }
        at.length += at.length == 0;
    }
    va_list values;
    va_start(values, format);
    fail(loader, node, at, hint, format, values);
    va_end(values);
    return false;
}

const char *loader_quote(Loader *loader, const char *text)
{
    if (only_counting(loader))
        return "";
    size_t length = strlen(text);
    size_t shown = length < QUOTED_MAX ? length : QUOTED_MAX;
    while (shown < length && shown > 0 && is_continuation(text[shown]))
        shown--;
    char *copy =
        arena_format(&loader->scratch, "%.*s%s", (int)shown, text, shown < length ? "…" : "");
    for (char *at = copy; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == 0xC2 && (unsigned char)at[1] < 0xA0) // U+0080 to U+009F
            at[0] = at[1] = '?';
        else if (byte < 0x20 || byte == 0x7F)
            *at = byte == '\n' || byte == '\t' ? ' ' : '?';
    }
    return copy;
}

const char *loader_found(Loader *loader, const Node *node)
{
    if (node->kind != NODE_TEXT)
        return node->kind == NODE_LIST ? "a list" : "a map";
    if (node->plain && node->text[0] == '\0')
        return "nothing";
    return arena_format(&loader->scratch, "'%s'", loader_quote(loader, node->text));
}

const char *loader_suggest(Loader *loader, const char *word, const char *const *candidates,
                           size_t count)
{
    // A file with very many mistakes would cost their number times that of the candidates.
    if (loader->diag->errors > DIAG_ERRORS_MAX)
        return NULL;
    const char *nearest = diag_nearest(word, candidates, count);
    if (nearest == NULL)
        return NULL;
    return arena_format(&loader->scratch, "did you mean %s?", loader_quote(loader, nearest));
}

const char *loader_list(Loader *loader, const char *const *words, size_t count)
{
    const char *list = "";
    for (size_t i = 0; i < count && !only_counting(loader); i++)
        if (words[i] != NULL)
            list =
                arena_format(&loader->scratch, "%s%s%s", list, *list == '\0' ? "" : ", ", words[i]);
    return list;
}

bool loader_unknown(Loader *loader, const Node *word, const char *what, const char *listed,
                    const char *const *candidates, size_t count)
{
    const char *hint = loader_suggest(loader, word->text, candidates, count);
    const char *quoted = loader_quote(loader, word->text);
    if (hint != NULL)
        return loader_fail(loader, word, hint, "%s '%s'", what, quoted);
    return loader_fail(loader, word, NULL, "%s '%s'; %s %s", what, quoted, listed,
                       loader_list(loader, candidates, count));
}

bool loader_map(Loader *loader, const Node *node, const char *label)
{
    if (node->kind == NODE_MAP)
        return true;
    return loader_fail(loader, node, NULL, "%s needs a map of keys; found %s", label,
                       loader_found(loader, node));
}

bool loader_items(Loader *loader, const Node *node, const char *label, const char *of_what)
{
    if (node->kind == NODE_LIST)
        return true;
    return loader_fail(loader, node, NULL,
                       "%s needs a list of %s (each begins with '- '); found %s", label, of_what,
                       loader_found(loader, node));
}

enum { REQUIRED = 1 };

typedef struct KeyRow {
    Section section;
    const char *name;
    int required;
    const char *text;
} KeyRow;

static const KeyRow rows[] = {
#define KEY(section, name, type, flags, value, text) {SECTION_##section, name, flags, text},
#include "sim/scenario/keys.def"
#undef KEY
};

enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

static const char *const section_names[] = {
    [SECTION_SCENARIO] = "a scenario",   [SECTION_MACHINE] = "'machine'",
    [SECTION_SCHEDULER] = "'scheduler'", [SECTION_DEVICE] = "'interrupts'",
    [SECTION_COSTS] = "'costs'",         [SECTION_PROCESS] = "a process",
    [SECTION_THREAD] = "a thread",       [SECTION_LOCK] = "a lock",
    [SECTION_SEMAPHORE] = "a semaphore", [SECTION_EVENT] = "an event",
    [SECTION_RUNTIME] = "'runtime'",     [SECTION_BARRIER] = "a barrier",
    [SECTION_CONDITION] = "a condition", [SECTION_QUEUE] = "a queue",
    [SECTION_ASYNCIO] = "'asyncio'",     [SECTION_VARIABLE] = "a variable",
    [SECTION_POLICY] = "'policy'",       [SECTION_DEADLINE] = "'deadline'",
    [SECTION_WORKLOAD] = "'workload'",   [SECTION_CONNECTION] = "a connection",
    [SECTION_POOL] = "a pool",           [SECTION_MANAGER] = "a manager",
    [SECTION_EXECUTOR] = "an executor",
};

// Keys that the language will have. They get a message of their own, not the nearest other word.
static const struct {
    Section section;
    const char *name;
} later[] = {
    {SECTION_SCENARIO, "network"},
    {SECTION_MACHINE, "nic"},
    {SECTION_MACHINE, "numa"},
    {SECTION_MACHINE, "smt"},
};

size_t loader_key_names(Section section, const char **names, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].section == section && count < room)
            names[count++] = rows[i].name;
    return count;
}

static bool is_key(Section section, const char *name)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].section == section && strcmp(rows[i].name, name) == 0)
            return true;
    return false;
}

static bool unknown_key(Loader *loader, const Node *key, Section section)
{
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
        if (later[i].section == section && strcmp(later[i].name, key->text) == 0)
            return loader_fail(loader, key, NULL, "'%s' is not in this version of ringside yet",
                               key->text);
    const char *names[ROW_COUNT];
    size_t count = loader_key_names(section, names, ROW_COUNT);
    return loader_unknown(loader, key,
                          arena_format(&loader->scratch, "%s has no key", section_names[section]),
                          "it has", names, count);
}

bool loader_keys(Loader *loader, const Node *map, Section section, const Node *at)
{
    bool good = true;
    for (const Node *value = map->first; value != NULL; value = value->next)
        if (!is_key(section, value->key->text))
            good = unknown_key(loader, value->key, section);
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].section == section && rows[i].required && !node_get(map, rows[i].name))
            good = loader_fail(loader, at, NULL, "%s needs the key '%s'", section_names[section],
                               rows[i].name);
    return good;
}
