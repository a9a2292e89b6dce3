// One value each: a text of the tree to an integer, with its range, or a message that says what is
// expected there, in which unit, and what was found.
#include "sim/scenario/loader.h"
#include "sim/scenario/quantity.h"

#include <inttypes.h>
#include <string.h>

static bool is_text(const Node *node)
{
    return node->kind == NODE_TEXT && !(node->plain && node->text[0] == '\0');
}

bool value_text(Loader *loader, const Node *node, const char *label, const char **text)
{
    if (!is_text(node))
        return loader_fail(loader, node, NULL, "%s needs a text; found %s", label,
                           loader_found(loader, node));
    *text = node->text;
    return true;
}

bool value_name(Loader *loader, const Node *node, const char *label, StringId *name)
{
    if (!is_text(node))
        return loader_fail(loader, node, NULL, "%s needs a name; found %s", label,
                           loader_found(loader, node));
    size_t length = strlen(node->text);
    bool good = length > 0;
    for (size_t i = 0; i < length; i++) {
        char c = node->text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
        good = good && (letter || (i > 0 && ((c >= '0' && c <= '9') || c == '-')));
    }
    if (!good)
        return loader_fail(loader, node, NULL,
                           "%s needs a name of letters, digits, _ and -, a letter first; found %s",
                           label, loader_found(loader, node));
    if (length > NAME_BYTES_MAX)
        return loader_fail(loader, node, NULL, "%s needs a name of at most %d bytes; this has %zu",
                           label, NAME_BYTES_MAX, length);
    *name = intern_string(loader, node->text);
    return true;
}

bool value_symbol(Loader *loader, ProcessId process, SymbolKind symbol, const char *kind,
                  const Node *node, const char *label, uint32_t *arg)
{
    StringId name;
    if (!value_name(loader, node, label, &name))
        return false;
    *arg = *intern_symbol(loader, process, symbol, name);
    if (*arg != 0)
        return true;
    if (loader->diag->errors >= DIAG_ERRORS_MAX) // nobody sees the hint
        return false;
    size_t count;
    const char **names = intern_names(loader, process, symbol, &count);
    if (count == 0)
        return loader_fail(loader, node, NULL, "%s: this process has no %ss; found %s", label, kind,
                           loader_found(loader, node));
    return loader_fail(loader, node, loader_suggest(loader, node->text, names, count),
                       "%s: this process has no %s %s", label, kind, loader_found(loader, node));
}

// 1024, 4_000_000_000: large ones grouped so that they can be read.
static const char *number_text(Loader *loader, uint64_t value)
{
    if (value < 10000)
        return arena_format(&loader->scratch, "%" PRIu64, value);
    const char *text = "";
    for (; value >= 1000; value /= 1000)
        text = arena_format(&loader->scratch, "_%03" PRIu64 "%s", value % 1000, text);
    return arena_format(&loader->scratch, "%" PRIu64 "%s", value, text);
}

bool value_count(Loader *loader, const Node *node, const char *label, uint64_t least, uint64_t most,
                 uint64_t *count)
{
    QuantityError error = QUANTITY_NOT_A_NUMBER;
    uint64_t number = 0;
    if (is_text(node))
        error = quantity_count(node->text, strlen(node->text), &number);
    if (error == QUANTITY_GOOD && number >= least && number <= most) {
        *count = number;
        return true;
    }
    if (error == QUANTITY_GOOD || error == QUANTITY_TOO_LARGE || error == QUANTITY_NEGATIVE)
        return loader_fail(loader, node, NULL, "%s must be from %s to %s; found %s", label,
                           number_text(loader, least), number_text(loader, most),
                           loader_found(loader, node));
    return loader_fail(loader, node, NULL,
                       "%s needs a whole number (such as 1000, 1_000 or 1k); found %s", label,
                       loader_found(loader, node));
}

bool value_integer(Loader *loader, const Node *node, const char *label, int least, int most,
                   int *value)
{
    uint64_t size = 0;
    QuantityError error = QUANTITY_NOT_A_NUMBER;
    bool negative = is_text(node) && node->text[0] == '-';
    if (is_text(node))
        error = quantity_count(node->text + negative, strlen(node->text) - negative, &size);
    if (error != QUANTITY_GOOD && error != QUANTITY_TOO_LARGE)
        return loader_fail(loader, node, NULL, "%s needs a whole number from %d to %d; found %s",
                           label, least, most, loader_found(loader, node));
    bool small = error == QUANTITY_GOOD && size <= 1000000;
    int number = small ? (int)size : 0;
    *value = negative ? -number : number;
    if (!small || *value < least || *value > most)
        return loader_fail(loader, node, NULL, "%s must be from %d to %d; found %s", label, least,
                           most, loader_found(loader, node));
    return true;
}

bool value_bool(Loader *loader, const Node *node, const char *label, bool *value)
{
    static const struct {
        const char *text;
        bool value;
    } others[] = {{"yes", true}, {"on", true},   {"True", true},   {"1", true},
                  {"no", false}, {"off", false}, {"False", false}, {"0", false}};

    const char *hint = NULL;
    if (is_text(node)) {
        *value = strcmp(node->text, "true") == 0;
        if (*value || strcmp(node->text, "false") == 0)
            return true;
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
            if (strcmp(node->text, others[i].text) == 0)
                hint = others[i].value ? "did you mean true?" : "did you mean false?";
    }
    return loader_fail(loader, node, hint, "%s needs true or false; found %s", label,
                       loader_found(loader, node));
}

bool value_chance(Loader *loader, const Node *node, const char *label, uint32_t *parts)
{
    QuantityError error = QUANTITY_NOT_A_NUMBER;
    if (is_text(node))
        error = quantity_chance(node->text, strlen(node->text), parts);
    if (error == QUANTITY_GOOD)
        return true;
    const char *hint = NULL;
    uint64_t whole = 0;
    if (error == QUANTITY_TOO_LARGE &&
        quantity_count(node->text, strlen(node->text), &whole) == 0 && whole <= 100)
        hint = arena_format(&loader->scratch, "did you mean %" PRIu64 "%%?", whole);
    if (error == QUANTITY_TOO_PRECISE)
        return loader_fail(loader, node, NULL, "%s has more than 7 decimals", label);
    return loader_fail(loader, node, hint,
                       "%s needs a probability from 0%% to 100%% (or 0 to 1); found %s", label,
                       loader_found(loader, node));
}

// What the person may have meant by a duration that is not one.
static const char *duration_hint(Loader *loader, const char *text, QuantityError error)
{
    static const char *const spelled[][2] = {
        {"sec", "s"},          {"secs", "s"},   {"second", "s"},  {"seconds", "s"},
        {"msec", "ms"},        {"msecs", "ms"}, {"usec", "us"},   {"usecs", "us"},
        {"nsec", "ns"},        {"hour", "h"},   {"hours", "h"},   {"minute", "min"},
        {"minutes", "min"},    {"mins", "min"}, {"millis", "ms"}, {"micros", "us"},
        {"milliseconds", "ms"}};

    size_t number = strspn(text, "0123456789_. ");
    while (number > 0 && text[number - 1] == ' ')
        number--;
    const char *unit = text + number + strspn(text + number, " ");
    const char *meant = NULL;
    if (error == QUANTITY_NO_UNIT)
        meant = "ms";
    if (error == QUANTITY_BAD_UNIT) {
        if (strcmp(unit, "m") == 0)
            return "did you mean ms, or min?";
        for (size_t i = 0; i < sizeof spelled / sizeof spelled[0] && meant == NULL; i++)
            if (strcmp(unit, spelled[i][0]) == 0)
                meant = spelled[i][1];
        if (meant == NULL)
            meant = diag_nearest(unit, quantity_time_units, 6);
    }
    if (meant == NULL || number > 30)
        return NULL;
    return arena_format(&loader->scratch, "did you mean %.*s%s?", (int)number, text, meant);
}

bool value_duration_part(Loader *loader, const Node *node, size_t start, size_t length,
                         const char *label, int64_t *ns)
{
    const char *part = arena_text(&loader->scratch, node->text + start, length);
    QuantityError error = quantity_duration(part, length, ns);
    switch (error) {
    case QUANTITY_GOOD:
        return true;
    case QUANTITY_TOO_PRECISE:
        return loader_fail_part(loader, node, start, length, NULL,
                                "%s: '%s' is finer than 1 ns, the unit of simulated time", label,
                                loader_quote(loader, part));
    case QUANTITY_TOO_LARGE:
        return loader_fail_part(loader, node, start, length, NULL,
                                "%s: '%s' is longer than 10 years", label,
                                loader_quote(loader, part));
    case QUANTITY_NEGATIVE:
        return loader_fail_part(loader, node, start, length, NULL,
                                "%s: a duration cannot be negative; found '%s'", label,
                                loader_quote(loader, part));
    default:
        return loader_fail_part(loader, node, start, length, duration_hint(loader, part, error),
                                "%s needs a duration with a unit (ns, us, ms, s); found '%s'",
                                label, loader_quote(loader, part));
    }
}

// A size as a person writes it: the largest unit of which it is a whole number.
static const char *size_text(Loader *loader, uint64_t bytes)
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int unit = 0;
    for (; unit < 4 && bytes >= 1024 && bytes % 1024 == 0; unit++)
        bytes /= 1024;
    return arena_format(&loader->scratch, "%" PRIu64 "%s", bytes, names[unit]);
}

// What the person may have meant by a size that is not one.
static const char *size_hint(Loader *loader, const char *text, QuantityError error)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t number = strspn(text, "0123456789_.");
    const char *unit = text + number + strspn(text + number, " ");
    const char *meant = error == QUANTITY_NO_UNIT ? "KiB" : NULL;
    if (error == QUANTITY_BAD_UNIT)
        for (size_t i = 0; i < sizeof units / sizeof units[0] && meant == NULL; i++)
            if ((*unit | 0x20) == (units[i][0] | 0x20))
                meant = units[i];
    if (meant == NULL || number > 30)
        return NULL;
    return arena_format(&loader->scratch, "did you mean %.*s%s?", (int)number, text, meant);
}

bool value_size(Loader *loader, const Node *node, const char *label, uint64_t least, uint64_t most,
                uint64_t *bytes)
{
    QuantityError error = QUANTITY_NOT_A_NUMBER;
    if (is_text(node))
        error = quantity_size(node->text, strlen(node->text), bytes);
    if (error == QUANTITY_GOOD && *bytes >= least && *bytes <= most)
        return true;
    if (error == QUANTITY_GOOD || error == QUANTITY_TOO_LARGE || error == QUANTITY_NEGATIVE)
        return loader_fail(loader, node, NULL, "%s must be from %s to %s; found %s", label,
                           size_text(loader, least), size_text(loader, most),
                           loader_found(loader, node));
    if (error == QUANTITY_TOO_PRECISE)
        return loader_fail(loader, node, NULL, "%s is no whole number of bytes; found %s", label,
                           loader_found(loader, node));
    return loader_fail(loader, node, is_text(node) ? size_hint(loader, node->text, error) : NULL,
                       "%s needs a size with a unit (B, KiB, MiB, GiB); found %s", label,
                       loader_found(loader, node));
}

static bool need_duration(Loader *loader, const Node *node, const char *label)
{
    return loader_fail(loader, node, NULL,
                       "%s needs a duration with a unit (ns, us, ms, s); found %s", label,
                       loader_found(loader, node));
}

bool value_duration(Loader *loader, const Node *node, const char *label, int64_t least_ns,
                    int64_t most_ns, int64_t *ns)
{
    if (!is_text(node))
        return need_duration(loader, node, label);
    if (strchr(node->text, '(') != NULL)
        return loader_fail(loader, node, NULL, "%s needs a duration, not a distribution; found %s",
                           label, loader_found(loader, node));
    if (!value_duration_part(loader, node, 0, strlen(node->text), label, ns))
        return false;
    if (*ns >= least_ns && *ns <= most_ns)
        return true;
    char least[32], most[32];
    if (most_ns == DURATION_MAX_NS)
        return loader_fail(loader, node, NULL, "%s must be at least %s; found %s", label,
                           duration_text(least_ns, least), loader_found(loader, node));
    return loader_fail(loader, node, NULL, "%s must be from %s to %s; found %s", label,
                       duration_text(least_ns, least), duration_text(most_ns, most),
                       loader_found(loader, node));
}

bool value_dist(Loader *loader, const Node *node, const char *label, uint32_t *dist)
{
    if (!is_text(node))
        return need_duration(loader, node, label);
    if (strchr(node->text, '(') != NULL)
        return dist_text(loader, node, label, dist);
    int64_t ns;
    if (!value_duration_part(loader, node, 0, strlen(node->text), label, &ns))
        return false;
    *dist = intern_dist(loader, (Dist){.kind = DIST_CONSTANT, .a = ns});
    return true;
}
