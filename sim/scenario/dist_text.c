// Distributions as written: "lognormal(4ms, 0.4)". Only reads and checks; drawing is dist.c.
#include "sim/scenario/loader.h"
#include "sim/scenario/quantity.h"

#include <string.h>

enum { PARAMETERS_MAX = 2, CHOICES_MAX = 1000 };

typedef enum ParameterType {
    PARAMETER_NONE,
    PARAMETER_TIME,       // a duration, 0 allowed
    PARAMETER_TIME_ABOVE, // a duration above 0
    PARAMETER_FACTOR,     // a number, 0 allowed
    PARAMETER_FACTOR_ABOVE,
    PARAMETER_TIMES,   // [duration, …]
    PARAMETER_WEIGHTS, // [number, …]
} ParameterType;

typedef struct Form {
    DistKind kind;
    const char *name, *usage;
} Form;

static const Form forms[] = {
#define DIST(kind, name, parameters, example, text) {DIST_##kind, name, name "(" parameters ")"},
#include "sim/scenario/dists.def"
#undef DIST
};

enum { FORM_COUNT = sizeof forms / sizeof forms[0] };

static const struct {
    ParameterType types[PARAMETERS_MAX];
    int factor_most; // of a FACTOR
} parameters[] = {
    [DIST_EXPONENTIAL] = {{PARAMETER_TIME_ABOVE}, 0},
    [DIST_UNIFORM] = {{PARAMETER_TIME, PARAMETER_TIME}, 0},
    [DIST_NORMAL] = {{PARAMETER_TIME_ABOVE, PARAMETER_TIME}, 0},
    [DIST_LOGNORMAL] = {{PARAMETER_TIME_ABOVE, PARAMETER_FACTOR}, 3},
    [DIST_PARETO] = {{PARAMETER_TIME_ABOVE, PARAMETER_FACTOR_ABOVE}, 100},
    [DIST_CHOICE] = {{PARAMETER_TIMES, PARAMETER_WEIGHTS}, 0},
};

// A part of the node's text.
typedef struct Part {
    size_t start, length;
} Part;

typedef struct DistText {
    Loader *loader;
    const Node *node;
    const char *label;
    const Form *form;
    Dist dist;
} DistText;

static Part trim(const char *text, Part part)
{
    while (part.length > 0 && strchr(" \t\n", text[part.start]) != NULL) {
        part.start++;
        part.length--;
    }
    while (part.length > 0 && strchr(" \t\n", text[part.start + part.length - 1]) != NULL)
        part.length--;
    return part;
}

// Splits at the commas outside brackets. Returns how many parts there are; the first `room` are
// written.
static size_t split(const char *text, Part whole, Part *parts, size_t room)
{
    size_t count = 0, start = whole.start;
    int depth = 0;
    if (trim(text, whole).length == 0)
        return 0;
    for (size_t i = whole.start; i <= whole.start + whole.length; i++) {
        bool end = i == whole.start + whole.length;
        char c = end ? ',' : text[i];
        depth += (c == '[' || c == '(') - (c == ']' || c == ')');
        if (!end && (c != ',' || depth > 0))
            continue;
        if (count < room)
            parts[count] = trim(text, (Part){start, i - start});
        count++;
        start = i + 1;
    }
    return count;
}

static const char *part_text(const DistText *text, Part part)
{
    return arena_text(&text->loader->scratch, text->node->text + part.start, part.length);
}

static bool fail_part(const DistText *text, Part part, const char *what)
{
    return loader_fail_part(text->loader, text->node, part.start, part.length, NULL,
                            "%s: in %s, %s; found '%s'", text->label, text->form->usage, what,
                            loader_quote(text->loader, part_text(text, part)));
}

static bool parse_time(const DistText *text, Part part, int64_t least_ns, int64_t *ns)
{
    if (!value_duration_part(text->loader, text->node, part.start, part.length, text->label, ns))
        return false;
    return *ns >= least_ns || fail_part(text, part, "a duration must be above 0");
}

static bool parse_factor(const DistText *text, Part part, int64_t least_q32, int64_t *q32)
{
    const char *start = text->node->text + part.start;
    int most = parameters[text->form->kind].factor_most;
    QuantityError error = quantity_q32(start, part.length, q32);
    if (error == QUANTITY_GOOD && *q32 >= least_q32 && *q32 <= (int64_t)most << 32)
        return true;
    if (error == QUANTITY_TOO_PRECISE)
        return fail_part(text, part, "a number has at most 9 decimals");
    return fail_part(text, part,
                     arena_format(&text->loader->scratch, "a number %s to %d is due",
                                  least_q32 > 0 ? "above 0, up" : "from 0", most));
}

// "[a, b]" to its parts, which live in the scratch arena.
static bool parse_list(const DistText *text, Part part, Part **items, size_t *count)
{
    const char *start = text->node->text + part.start;
    if (part.length < 2 || start[0] != '[' || start[part.length - 1] != ']')
        return fail_part(text, part, "a list in brackets is due");
    Part inside = {part.start + 1, part.length - 2};
    *count = split(text->node->text, inside, NULL, 0);
    if (*count == 0 || *count > CHOICES_MAX)
        return fail_part(text, part, "a list of 1 to 1000 is due");
    *items = ARENA_ARRAY(&text->loader->scratch, Part, *count);
    split(text->node->text, inside, *items, *count);
    return true;
}

static bool parse_choice(DistText *text, const Part *parts)
{
    Loader *loader = text->loader;
    Part *times, *weights;
    size_t time_count, weight_count;
    if (!parse_list(text, parts[0], &times, &time_count) ||
        !parse_list(text, parts[1], &weights, &weight_count))
        return false;
    if (time_count != weight_count)
        return fail_part(text, parts[1], "each duration needs a weight");
    text->dist.choice_first = (uint32_t)loader->choices.count;
    text->dist.choice_count = (uint32_t)time_count;
    uint64_t sum = 0;
    for (size_t i = 0; i < time_count; i++) {
        DistChoice choice = {0};
        if (!parse_time(text, times[i], 0, &choice.ns))
            return false;
        const char *weight = text->node->text + weights[i].start;
        if (quantity_micro(weight, weights[i].length, &choice.weight) != QUANTITY_GOOD)
            return fail_part(text, weights[i],
                             "a weight from 0 to 10^9 with at most 6 decimals is due");
        sum += choice.weight; // at most 1000 * 10^15
        *ARRAY_PUSH(&loader->choices) = choice;
    }
    return sum > 0 || fail_part(text, parts[1], "one weight must be above 0");
}

static bool parse_parameter(DistText *text, size_t index, Part part)
{
    int64_t *value = index == 0 ? &text->dist.a : &text->dist.b;
    switch (parameters[text->form->kind].types[index]) {
    case PARAMETER_TIME:
        return parse_time(text, part, 0, value);
    case PARAMETER_TIME_ABOVE:
        return parse_time(text, part, 1, value);
    case PARAMETER_FACTOR:
        return parse_factor(text, part, 0, value);
    case PARAMETER_FACTOR_ABOVE:
        return parse_factor(text, part, 1, value);
    default:
        return true;
    }
}

static bool find_form(DistText *text, Part name)
{
    const char *names[FORM_COUNT];
    for (size_t i = 0; i < FORM_COUNT; i++) {
        names[i] = forms[i].name;
        if (strlen(names[i]) == name.length &&
            memcmp(text->node->text + name.start, names[i], name.length) == 0)
            text->form = &forms[i];
    }
    if (text->form != NULL)
        return true;
    Loader *loader = text->loader;
    const char *word = part_text(text, name);
    const char *hint = loader_suggest(loader, word, names, FORM_COUNT);
    return loader_fail_part(loader, text->node, name.start, name.length, hint,
                            "%s: there is no distribution '%s'%s%s", text->label,
                            loader_quote(loader, word), hint == NULL ? "; there are " : "",
                            hint == NULL ? loader_list(loader, names, FORM_COUNT) : "");
}

bool dist_text(Loader *loader, const Node *node, const char *label, uint32_t *dist)
{
    DistText text = {.loader = loader, .node = node, .label = label};
    Part whole = trim(node->text, (Part){0, strlen(node->text)});
    const char *open = strchr(node->text, '(');
    size_t inside = (size_t)(open - node->text) + 1, end = whole.start + whole.length;
    if (!find_form(&text, trim(node->text, (Part){whole.start, inside - 1 - whole.start})))
        return false;
    if (end <= inside || node->text[end - 1] != ')')
        return fail_part(&text, whole, "the closing ) is missing or not last");

    Part parts[PARAMETERS_MAX] = {0};
    size_t due = parameters[text.form->kind].types[1] == PARAMETER_NONE ? 1 : 2;
    size_t count = split(node->text, (Part){inside, end - 1 - inside}, parts, PARAMETERS_MAX);
    if (count != due)
        return fail_part(&text, whole, due == 1 ? "one value is due" : "two values are due");
    text.dist.kind = text.form->kind;
    if (text.form->kind == DIST_CHOICE) {
        if (!parse_choice(&text, parts))
            return false;
    } else {
        for (size_t i = 0; i < due; i++)
            if (!parse_parameter(&text, i, parts[i]))
                return false;
        if (text.form->kind == DIST_UNIFORM && text.dist.b < text.dist.a)
            return fail_part(&text, parts[1], "the second value must not be less than the first");
    }
    *dist = intern_dist(loader, text.dist);
    return true;
}
