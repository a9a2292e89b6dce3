// Overrides: "machine.cores=4" changes the tree before anything is checked, so that a changed
// scenario is checked like a written one. A path's words are keys; an item of a list is found by
// its `name`, or by its number from 0. What a value stands for (cores, a duration) is not known
// here.
#include "sim/scenario/loader.h"

#include <string.h>

enum { PATH_WORDS_MAX = 64 };

typedef struct Override {
    Loader *loader;
    Node *root;
    Node *value;
    uint16_t number;
    const char *path; // for messages: what stands before the =
    const char *words[PATH_WORDS_MAX];
    size_t word_count;
} Override;

// The maps that a path may name although the scenario has none: those with defaults for all keys.
// A single word that stands there is the value of `short_key`.
static const struct {
    const char *path, *short_key, *short_value;
} optional_maps[] = {
    {"machine", NULL, NULL},
    {"limits", NULL, NULL},
    {"machine.costs", "base", "typical"},
    {"machine.scheduler", "policy", "eevdf"},
};

enum { OPTIONAL_COUNT = sizeof optional_maps / sizeof optional_maps[0] };

static bool fail(const Override *override, const char *hint, const char *what)
{
    Loader *loader = override->loader;
    const char *text = loader_quote(loader, loader->overrides[override->number - 1]);
    if (hint != NULL)
        return diag_fail_hint(loader->diag, (SourceAt){0}, hint, "--set %s: %s", text, what);
    return diag_fail(loader->diag, (SourceAt){0}, "--set %s: %s", text, what);
}

static void stamp(Node *node, uint16_t number)
{
    node->override = number;
    node->at = (SourceAt){0};
    if (node->key != NULL) {
        node->key->override = number;
        node->key->at = (SourceAt){0};
    }
    for (Node *child = node->first; child != NULL; child = child->next)
        stamp(child, number);
}

static Node *new_node(const Override *override, NodeKind kind, const char *text)
{
    Node *node = ARENA_NEW(&override->loader->scratch, Node);
    node->kind = kind;
    node->plain = true;
    node->override = override->number;
    node->text = arena_text(&override->loader->scratch, text, strlen(text));
    return node;
}

static Node *add_key(const Override *override, Node *map, const char *key)
{
    Node *value = new_node(override, NODE_TEXT, "");
    value->key = new_node(override, NODE_TEXT, key);
    Node **end = &map->first;
    while (*end != NULL)
        end = &(*end)->next;
    *end = value;
    map->count++;
    return value;
}

// The first `count` words of the path, with dots.
static const char *path_so_far(const Override *override, size_t count)
{
    const char *path = "";
    for (size_t i = 0; i < count; i++)
        path = arena_format(&override->loader->scratch, "%s%s%s", path, i > 0 ? "." : "",
                            override->words[i]);
    return path;
}

static size_t find_optional(const Override *override, size_t word_count)
{
    const char *path = path_so_far(override, word_count);
    size_t i = 0;
    while (i < OPTIONAL_COUNT && strcmp(optional_maps[i].path, path) != 0)
        i++;
    return i;
}

// Makes `node`, at the first `word_count` words, a map when it may be one.
static void promote(const Override *override, Node *node, size_t word_count)
{
    size_t i = find_optional(override, word_count);
    if (node->kind != NODE_TEXT || i == OPTIONAL_COUNT)
        return;
    const char *value = node_is_null(node) ? optional_maps[i].short_value : node->text;
    const char *key = optional_maps[i].short_key;
    if (key == NULL && !node_is_null(node))
        return;
    Node short_value = *node;
    node->kind = NODE_MAP;
    node->first = NULL;
    node->count = 0;
    if (key == NULL)
        return;
    Node *added = add_key(override, node, key);
    Node *added_key = added->key;
    *added = short_value; // keeps its place in the source, for messages about it
    added->key = added_key;
    added->next = NULL;
    added->text = value;
}

static Node *find_item(const Node *list, const char *word)
{
    for (Node *item = list->first; item != NULL; item = item->next) {
        const Node *name = item->kind == NODE_MAP ? node_get(item, "name") : NULL;
        if (name != NULL && name->kind == NODE_TEXT && strcmp(name->text, word) == 0)
            return item;
    }
    size_t length = strlen(word);
    if (length == 0 || length > 9 || strspn(word, "0123456789") != length)
        return NULL;
    uint32_t number = 0;
    for (; *word != '\0'; word++)
        number = number * 10 + (uint32_t)(*word - '0');
    Node *item = list->first;
    while (item != NULL && number-- > 0)
        item = item->next;
    return item;
}

// What could stand in the place of a word that is not there.
static const char *suggest(const Override *override, const Node *parent, size_t word)
{
    Loader *loader = override->loader;
    const char **names = ARENA_ARRAY(&loader->scratch, const char *, parent->count + 32u);
    size_t count = 0;
    for (const Node *child = parent->first; child != NULL; child = child->next) {
        const Node *name = child->kind == NODE_MAP ? node_get(child, "name") : NULL;
        if (parent->kind == NODE_MAP)
            names[count++] = child->key->text;
        else if (name != NULL && name->kind == NODE_TEXT)
            names[count++] = name->text;
    }
    if (word == 0)
        count += loader_key_names(SECTION_SCENARIO, names + count, 32);
    else if (word == 1 && strcmp(override->words[0], "machine") == 0)
        count += loader_key_names(SECTION_MACHINE, names + count, 32);
    return loader_suggest(loader, override->words[word], names, count);
}

static bool no_such(const Override *override, const Node *parent, size_t word)
{
    Loader *loader = override->loader;
    const char *where = word == 0 ? "the scenario" : path_so_far(override, word);
    const char *what =
        parent->kind == NODE_TEXT
            ? arena_format(&loader->scratch, "'%s' is a single value, without keys", where)
            : arena_format(&loader->scratch, "there is no '%s' in %s%s%s", override->words[word],
                           word == 0 ? "" : "'", where, word == 0 ? "" : "'");
    return fail(override, suggest(override, parent, word), what);
}

// The node that the path names; a last word that a map does not have is added.
static Node *walk(const Override *override)
{
    Node *node = override->root;
    for (size_t i = 0; i < override->word_count; i++) {
        promote(override, node, i);
        const char *word = override->words[i];
        bool last = i + 1 == override->word_count;
        Node *child = NULL;
        if (node->kind == NODE_MAP) {
            child = node_get(node, word);
            bool may_add = last || find_optional(override, i + 1) < OPTIONAL_COUNT;
            if (child == NULL && may_add)
                child = add_key(override, node, word);
        } else if (node->kind == NODE_LIST) {
            child = find_item(node, word);
        }
        if (child == NULL) {
            no_such(override, node, i);
            return NULL;
        }
        node = child;
    }
    return node;
}

static bool split_path(Override *override)
{
    Loader *loader = override->loader;
    for (const char *at = override->path;;) {
        size_t length = strcspn(at, ".");
        if (length == 0)
            return fail(override, NULL, "the path has an empty word");
        if (override->word_count == PATH_WORDS_MAX)
            return fail(override, NULL, "the path has too many words");
        override->words[override->word_count++] = arena_text(&loader->scratch, at, length);
        if (at[length] == '\0')
            return true;
        at += length + 1;
    }
}

// Reads the value as YAML. Its mistakes are reported with the override's name, not with a line.
static bool read_value(Override *override, const char *text)
{
    Loader *loader = override->loader;
    Diag diag = {0};
    bool good = node_read(text, strlen(text), &loader->scratch, &override->value, &diag);
    good = good && diag.errors == 0;
    for (const DiagMessage *message = diag.first; message != NULL; message = message->next)
        if (message->level == DIAG_ERROR)
            fail(override, message->hint, message->text);
    diag_free(&diag);
    if (good)
        stamp(override->value, override->number);
    return good;
}

static void apply(Loader *loader, Node *root, size_t index)
{
    Override override = {.loader = loader, .root = root, .number = (uint16_t)(index + 1)};
    const char *text = loader->overrides[index];
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text || equals[1] == '\0') {
        fail(&override, NULL, "an override is KEY=VALUE, as in machine.cores=4");
        return;
    }
    if (strchr(text, '\n') != NULL) {
        fail(&override, NULL, "an override is one line");
        return;
    }
    override.path = arena_text(&loader->scratch, text, (size_t)(equals - text));
    if (!split_path(&override) || !read_value(&override, equals + 1))
        return;
    Node *place = walk(&override);
    if (place == NULL)
        return;
    Node *key = place->key, *next = place->next;
    *place = *override.value;
    place->key = key;
    place->next = next;
}

void overrides_apply(Loader *loader, Node *root)
{
    if (loader->override_count > UINT16_MAX) {
        diag_fail(loader->diag, (SourceAt){0}, "more than %d overrides", UINT16_MAX);
        return;
    }
    for (size_t i = 0; i < loader->override_count; i++)
        apply(loader, root, i);
}
