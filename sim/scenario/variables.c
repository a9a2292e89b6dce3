// Variables that the threads of a process share, and what ops and tests say of them: names, whole
// numbers, comparisons. Nothing here knows how they are accessed.
#include "sim/scenario/loader.h"
#include "sim/scenario/quantity.h"

#include <string.h>

static const char *const comparison_words[] = {
#define X(id, word) word,
    COMPARISONS(X)
#undef X
};

// ---- whole numbers

static bool read_integer(const char *text, size_t length, int64_t *value)
{
    bool negative = length > 0 && text[0] == '-';
    uint64_t size;
    if (quantity_count(text + negative, length - negative, &size) != QUANTITY_GOOD ||
        size > INT32_MAX)
        return false;
    *value = negative ? -(int64_t)size : (int64_t)size;
    return true;
}

static bool value_integer64(Loader *loader, const Node *node, const char *label, int64_t *value)
{
    if (node->kind == NODE_TEXT && read_integer(node->text, strlen(node->text), value))
        return true;
    return loader_fail(loader, node, NULL, "%s needs a whole number from -%d to %d; found %s",
                       label, INT32_MAX, INT32_MAX, loader_found(loader, node));
}

bool variable_integer(Loader *loader, const Node *node, const char *label, uint32_t *arg)
{
    int64_t value;
    if (!value_integer64(loader, node, label, &value))
        return false;
    *arg = (uint32_t)(int32_t)value ^ (uint32_t)INT32_MIN;
    return true;
}

// ---- declared

// The variables of a process that name one line are on it. Memory that processes share is on other
// pages than what each has for itself, so that one line never has both.
static void place_on_line(Loader *loader, ProcessId process, VariableDef *def, const Node *line)
{
    if (line == NULL || !value_name(loader, line, "'line'", &def->line_name))
        return;
    uint32_t *first = intern_symbol(loader, process, SYMBOL_LINE, def->line_name);
    if (*first == 0) {
        *first = def->line.index1;
        return;
    }
    const VariableDef *other = &loader->variables.at[*first - 1];
    if (other->shared != def->shared)
        loader_fail(
            loader, line, NULL,
            "'%s' and '%s' cannot be on one line: one is shared by processes and one is not",
            loader->strings.at[other->name.index1 - 1], loader->strings.at[def->name.index1 - 1]);
    def->line.index1 = *first;
}

static void load_variable(Loader *loader, ProcessId process, const Node *node)
{
    StringId name;
    if (!value_name(loader, node->key, "a variable", &name)) {
        loader->names_incomplete = true;
        return;
    }
    uint32_t *symbol = intern_symbol(loader, process, SYMBOL_VARIABLE, name);
    if (*symbol != 0)
        return; // a double key, reported already
    VariableDef *def = ARRAY_PUSH(&loader->variables);
    *def = (VariableDef){.name = name, .process = process, .at = node->key->at};
    *symbol = (uint32_t)loader->variables.count;
    def->line.index1 = *symbol;
    const char *label = arena_format(&loader->scratch, "'%s'", node->key->text);
    if (node->kind != NODE_MAP) {
        value_integer64(loader, node, label, &def->value);
        return;
    }
    loader_keys(loader, node, SECTION_VARIABLE, node->key);
    const Node *value = node_get(node, "value"), *atomic = node_get(node, "atomic");
    const Node *shared = node_get(node, "shared");
    if (value != NULL)
        value_integer64(loader, value, "'value'", &def->value);
    if (atomic != NULL)
        value_bool(loader, atomic, "'atomic'", &def->atomic);
    if (shared != NULL)
        value_bool(loader, shared, "'shared'", &def->shared);
    const Node *of_thread = node_get(node, "thread_local");
    if (of_thread != NULL && value_bool(loader, of_thread, "'thread_local'", &def->of_thread) &&
        def->of_thread && def->shared)
        loader_fail(loader, of_thread, NULL,
                    "'thread_local': what processes share is no single thread's");
    place_on_line(loader, process, def, node_get(node, "line"));
}

void variables_load(Loader *loader, ProcessId process, const Node *owner)
{
    const Node *map = node_get(owner, "variables");
    if (map == NULL || node_is_null(map) || !loader_map(loader, map, "'variables'"))
        return;
    for (const Node *node = map->first; node != NULL; node = node->next)
        load_variable(loader, process, node);
}

// ---- named by an op

// Finds the variable called `text`, a part of `node` or all of it.
static bool find(Loader *loader, ProcessId process, const Node *node, const char *text,
                 const char *label, uint32_t *variable)
{
    *variable = *intern_symbol(loader, process, SYMBOL_VARIABLE, intern_string(loader, text));
    if (*variable != 0)
        return true;
    const char **names = ARENA_ARRAY(&loader->scratch, const char *, loader->variables.count + 1);
    size_t count = 0;
    for (size_t i = 0; i < loader->variables.count && loader->diag->errors < DIAG_ERRORS_MAX; i++)
        if (ID_EQUAL(loader->variables.at[i].process, process))
            names[count++] = loader->strings.at[loader->variables.at[i].name.index1 - 1];
    const char *quoted = loader_quote(loader, text);
    if (count == 0)
        return loader_fail(loader, node, NULL, "%s: this process has no variables; found '%s'",
                           label, quoted);
    return loader_fail(loader, node, loader_suggest(loader, text, names, count),
                       "%s: this process has no variable '%s'", label, quoted);
}

bool variable_named(Loader *loader, ProcessId process, const Node *node, const char *label,
                    uint32_t *variable)
{
    if (node->kind != NODE_TEXT || node_is_null(node))
        return loader_fail(loader, node, NULL, "%s needs the name of a variable; found %s", label,
                           loader_found(loader, node));
    return find(loader, process, node, node->text, label, variable);
}

// ---- tests

bool variable_is_test(const Node *node)
{
    return node->kind == NODE_TEXT && strpbrk(node->text, "=<>!") != NULL;
}

// The operator that `text` begins with, longest first; COMPARISON_COUNT when there is none.
static Comparison comparison_at(const char *text)
{
    int found = 0;
    while (found < COMPARISON_COUNT &&
           strncmp(text, comparison_words[found], strlen(comparison_words[found])) != 0)
        found++;
    return (Comparison)found;
}

bool variable_test(Loader *loader, ProcessId process, const Node *node, const char *label,
                   uint32_t *test)
{
    const char *sign = strpbrk(node->text, "=<>!");
    Comparison comparison = comparison_at(sign);
    if (comparison == COMPARISON_COUNT)
        return loader_fail(loader, node,
                           sign[0] != '='                     ? NULL
                           : sign[1] == '<' || sign[1] == '>' ? "the = comes last"
                                                              : "did you mean ==?",
                           "%s: a comparison is one of ==, !=, <, <=, > and >=; found %s", label,
                           loader_found(loader, node));
    size_t length = (size_t)(sign - node->text);
    while (length > 0 && node->text[length - 1] == ' ')
        length--;
    if (length == 0)
        return loader_fail(loader, node, NULL,
                           "%s: a comparison begins with a variable, as in x >= 30; found %s",
                           label, loader_found(loader, node));
    if (strncmp(node->text, "not ", 4) == 0)
        return loader_fail(loader, node, NULL,
                           "%s: 'not' goes with a name; turn the comparison around: %s", label,
                           loader_found(loader, node));
    const char *number = sign + strlen(comparison_words[comparison]);
    number += strspn(number, " ");
    TestDef def = {.comparison = comparison};
    if (!read_integer(number, strlen(number), &def.value))
        return loader_fail(
            loader, node, NULL,
            "%s: a variable is compared with a whole number, as in x >= 30; found %s", label,
            loader_found(loader, node));
    if (!find(loader, process, node, arena_text(&loader->scratch, node->text, length), label,
              &def.variable.index1))
        return false;
    *ARRAY_PUSH(&loader->tests) = def;
    *test = (uint32_t)loader->tests.count;
    return true;
}

// ---- fields that exclude or need each other

bool variable_fields(Loader *loader, unsigned code, const Node *key, const Node *const *given)
{
    enum { STORE_VALUE = 1, STORE_FROM, STORE_PLUS };
    enum { SWAP_VALUE = 2, SWAP_PLUS, SWAP_RETRY, SWAP_ELSE };
    if (code == OP_STORE && given[STORE_VALUE] != NULL &&
        (given[STORE_FROM] != NULL || given[STORE_PLUS] != NULL))
        return loader_fail(loader, given[STORE_VALUE]->key, NULL,
                           "'store' stores a 'value', or a copy ('from', 'plus'), not both");
    if (code == OP_COMPARE_AND_SWAP && (given[SWAP_VALUE] == NULL) == (given[SWAP_PLUS] == NULL))
        return loader_fail(loader, key, NULL,
                           "'compare_and_swap' needs either a 'value' or a 'plus': %s",
                           op_info(code)->example);
    if (code == OP_COMPARE_AND_SWAP && given[SWAP_RETRY] != NULL && given[SWAP_ELSE] != NULL)
        return loader_fail(loader, given[SWAP_ELSE]->key, NULL,
                           "'compare_and_swap' tries again ('retry') or does not ('else')");
    return true;
}
