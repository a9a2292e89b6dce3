// Evaluates a parsed `expect:` line over a run's metrics and says what was found. Doubles: these
// are statistics, after simulated time has ended. Where the metrics come from is the source's.
#include "sim/base/check.h"
#include "sim/base/size.h"
#include "sim/scenario/expect_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Evaluation {
    const Scenario *scenario;
    const ExpectSource *source;
    const char *line;
    Arena *arena;
    const char *error; // why there is no value; NULL when there is one
} Evaluation;

typedef struct Texts {
    const char *const *at;
    size_t count;
} Texts;

static const char *words(const Evaluation *evaluation, const ExpectNode *node)
{
    return arena_text(evaluation->arena, evaluation->line + node->begin, node->end - node->begin);
}

// -- Samples ----------------------------------------------------------------------------------

// All samples of the node's subject or, when it has none, of every core, thread or lock.
static size_t collect(Evaluation *evaluation, const ExpectNode *node, const double **values)
{
    const ExpectSource *source = evaluation->source;
    const Scenario *scenario = evaluation->scenario;
    // A core that an override took away (see resolve_core) has no samples.
    if (node->subject == SUBJECT_CORE && !node->all && node->id >= scenario->machine.cores)
        return 0;
    if (!node->all)
        return source->samples(source->context, node->metric, node->subject, node->id,
                               node->instance, values);
    // Cores count from 0, the others from 1.
    uint32_t first = node->subject == SUBJECT_CORE ? 0 : 1;
    uint32_t count = node->subject == SUBJECT_CORE       ? scenario->machine.cores
                     : node->subject == SUBJECT_THREADS  ? scenario->thread_count
                     : node->subject == SUBJECT_VARIABLE ? scenario->variable_count
                     : node->subject == SUBJECT_PROCESS  ? scenario->process_count
                     : node->subject == SUBJECT_PIPE     ? scenario->pipe_count
                                                         : scenario->sync_count;
    const double *part;
    size_t total = 0, at = 0;
    for (uint32_t i = 0; i < count; i++)
        total += source->samples(source->context, node->metric, node->subject, first + i, 0, &part);
    double *all = ARENA_ARRAY(evaluation->arena, double, total);
    for (uint32_t i = 0; i < count; i++) {
        size_t found =
            source->samples(source->context, node->metric, node->subject, first + i, 0, &part);
        CHECK(found <= total - at);
        if (found > 0)
            memcpy(all + at, part, found * sizeof *all);
        at += found;
    }
    *values = all;
    return at;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The nearest rank: the least value that `percent` % of all are not above, which is the
// ceil(percent * count / 100)-th in ascending order. `count` is 1 or more.
static double percentile(Arena *arena, const double *values, size_t count, unsigned percent)
{
    double *sorted = ARENA_ARRAY(arena, double, count);
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_doubles);
    return sorted[(count * percent + 99) / 100 - 1];
}

static double statistic(Arena *arena, const double *values, size_t count, ExpectField field)
{
    double sum = 0, least = count > 0 ? values[0] : 0, greatest = least;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
        least = values[i] < least ? values[i] : least;
        greatest = values[i] > greatest ? values[i] : greatest;
    }
    switch (field) {
    case EXPECT_FIELD_MIN:
        return least;
    case EXPECT_FIELD_MAX:
        return greatest;
    case EXPECT_FIELD_MEAN:
        return sum / (double)count;
    case EXPECT_FIELD_P50:
        return percentile(arena, values, count, 50);
    case EXPECT_FIELD_P90:
        return percentile(arena, values, count, 90);
    case EXPECT_FIELD_P99:
        return percentile(arena, values, count, 99);
    default:
        return sum; // SUM, and the only value
    }
}

static double metric_value(Evaluation *evaluation, const ExpectNode *node)
{
    if (metric_info(node->metric)->unit == UNIT_TEXTS) {
        const char *const *lines;
        return (double)evaluation->source->texts(evaluation->source->context, &lines);
    }
    const double *values = NULL;
    size_t count = collect(evaluation, node, &values);
    if (node->field == EXPECT_FIELD_COUNT)
        return (double)count;
    // Of all variables together; there may be none.
    bool counts = node->metric == METRIC_RACES || node->metric == METRIC_LOST_UPDATES;
    if (node->all && counts && node->field == EXPECT_FIELD_ONLY)
        return statistic(evaluation->arena, values, count, EXPECT_FIELD_SUM);
    if (node->field == EXPECT_FIELD_ONLY && count > 1) {
        evaluation->error =
            arena_format(evaluation->arena,
                         "%s has %zu values: ask for .min, .max, .mean, .sum, .p50, .p90 or .p99",
                         words(evaluation, node), count);
        return 0;
    }
    if (count == 0 && node->field != EXPECT_FIELD_SUM) {
        evaluation->error =
            arena_format(evaluation->arena, "%s has no value in this run", words(evaluation, node));
        return 0;
    }
    return statistic(evaluation->arena, values, count, node->field);
}

// -- Values -----------------------------------------------------------------------------------

static double absolute(double x)
{
    return x < 0 ? -x : x;
}

// Times are in nanoseconds and rates per second: their product is off by the factor 1e9.
static double product(const ExpectNode *node, double left, double right)
{
    bool timed = (node->left->unit == UNIT_TIME) != (node->right->unit == UNIT_TIME);
    bool rated = (node->left->unit == UNIT_RATE) != (node->right->unit == UNIT_RATE);
    if (node->kind == TERM_MULTIPLY)
        return timed && rated ? left * right / 1e9 : left * right;
    // number / time is a rate, number / rate a time.
    return node->left->unit == UNIT_NUMBER && node->right->unit != UNIT_NUMBER ? left / right * 1e9
                                                                               : left / right;
}

// The value of a number, time or rate. With an error set, what it returns means nothing.
static double evaluate(Evaluation *evaluation, const ExpectNode *node)
{
    if (evaluation->error != NULL)
        return 0;
    if (node->kind == TERM_VALUE)
        return node->value;
    if (node->kind == TERM_METRIC)
        return metric_value(evaluation, node);
    double left = evaluate(evaluation, node->left);
    if (node->kind == TERM_NEGATE)
        return -left;
    double right = evaluate(evaluation, node->right);
    switch (node->kind) {
    case TERM_ADD:
        return left + right;
    case TERM_SUBTRACT:
        return left - right;
    case TERM_DIVIDE:
        if (right == 0 && evaluation->error == NULL)
            evaluation->error =
                arena_format(evaluation->arena, "%s is 0 and divides %s",
                             words(evaluation, node->right), words(evaluation, node->left));
        return right == 0 ? 0 : product(node, left, right);
    case TERM_MULTIPLY:
        return product(node, left, right);
    default:
        CHECKF(false, "node %d", (int)node->kind);
        return 0;
    }
}

// Equal without a tolerance: less than half a nanosecond apart for times, which are whole
// nanoseconds; for the rest, up to the rounding of doubles.
static bool nearly_equal(unsigned unit, double left, double right)
{
    double apart = absolute(left - right);
    if (unit == UNIT_TIME)
        return apart < 0.5;
    return apart <= 1e-9 * (absolute(left) > absolute(right) ? absolute(left) : absolute(right));
}

static bool compare(const ExpectNode *node, double left, double right)
{
    bool equal = nearly_equal(node->left->unit, left, right);
    if (node->tolerance != NULL) {
        double allowed = node->tolerance->value * (node->tolerance->percent ? absolute(right) : 1);
        double apart = absolute(left - right);
        equal = apart <= allowed || nearly_equal(node->left->unit, apart, allowed);
    }
    switch (node->kind) {
    case TERM_EQ:
        return equal;
    case TERM_NE:
        return !equal;
    case TERM_LT:
        return left < right && !equal;
    case TERM_LE:
        return left < right || equal;
    case TERM_GT:
        return left > right && !equal;
    default:
        return left > right || equal;
    }
}

// -- What was found, for a person --------------------------------------------------------------

// Drops zeros after the decimal point, and the point with them.
static char *trim(char *text)
{
    if (strchr(text, '.') == NULL)
        return text;
    size_t length = strlen(text);
    while (text[length - 1] == '0')
        text[--length] = '\0';
    if (text[length - 1] == '.')
        text[length - 1] = '\0';
    return text;
}

// A time to the nanosecond in the largest unit that it fills: "100.000003 ms". Means and products
// may have a part of a nanosecond besides, to the picosecond.
static const char *exact_time(Arena *arena, double ns)
{
    static const struct {
        double ns;
        int decimals;
        const char *name;
    } units[] = {{1e9, 9, "s"}, {1e6, 6, "ms"}, {1e3, 3, "us"}, {1, 0, "ns"}};
    double size = absolute(ns);
    size_t i = 0;
    while (i < 3 && !(size >= units[i].ns))
        i++;
    bool whole = size < 9e15 && (double)(int64_t)ns == ns;
    const char *digits =
        trim(arena_format(arena, "%.*f", units[i].decimals + (whole ? 0 : 3), ns / units[i].ns));
    return arena_format(arena, "%s %s", digits, units[i].name);
}

static const char *value_text(Arena *arena, unsigned unit, double value, bool exact)
{
    const char *suffix = unit == UNIT_RATE ? "/s" : "";
    if (unit == UNIT_TIME && (exact || !(absolute(value) <= 9e18)))
        return exact_time(arena, value);
    if (unit == UNIT_TIME) {
        char text[32];
        int64_t ns = (int64_t)(value < 0 ? value - 0.5 : value + 0.5);
        return arena_format(arena, "%s", duration_text(ns, text));
    }
    if (unit == UNIT_SIZE && !exact && value >= 0 && value < 9e18) {
        char text[32];
        return arena_format(arena, "%s", size_text((uint64_t)(value + 0.5), text));
    }
    suffix = unit == UNIT_SIZE ? " B" : suffix;
    if (absolute(value) < 1e15 && (double)(int64_t)value == value)
        return arena_format(arena, "%.0f%s", value, suffix);
    return arena_format(arena, exact ? "%.12g%s" : "%.4g%s", value, suffix);
}

static const char *comparison_sign(const ExpectNode *node)
{
    static const char *const signs[] = {
#define X(id, text) text,
        EXPECT_COMPARISONS(X)
#undef X
    };
    return signs[node->kind - TERM_EQ];
}

static bool is_constant(const ExpectNode *node)
{
    if (node->kind == TERM_METRIC)
        return false;
    return (node->left == NULL || is_constant(node->left)) &&
           (node->right == NULL || is_constant(node->right));
}

bool expect_constant(const ExpectNode *node, double *value)
{
    Evaluation evaluation = {0}; // a constant asks for none of it
    if (!is_constant(node))
        return false;
    *value = evaluate(&evaluation, node);
    return true;
}

// "turnaround(batch) = 103.2 ms", or the value alone when nothing in the node can vary.
static const char *side_text(const Evaluation *evaluation, const ExpectNode *node,
                             const char *value)
{
    if (is_constant(node))
        return value;
    return arena_format(evaluation->arena, "%s = %s", words(evaluation, node), value);
}

static const char *tolerance_text(const Evaluation *evaluation, const ExpectNode *node)
{
    if (node->tolerance == NULL)
        return "";
    return arena_format(evaluation->arena, " ± %s", words(evaluation, node->tolerance));
}

// Whether four digits, as they are printed, would not tell what the line is about: only the exact
// values say whether two numbers are equal, and a value just beyond the other side, or just beyond
// the end of its tolerance, must not look as if it were that.
static bool needs_all_digits(Arena *arena, const ExpectNode *node, double left, double right)
{
    if ((node->kind == TERM_EQ || node->kind == TERM_NE) && node->tolerance == NULL)
        return true;
    double end = right;
    if (node->tolerance != NULL) {
        double allowed = node->tolerance->value * (node->tolerance->percent ? absolute(right) : 1);
        end = left < right ? right - allowed : right + allowed;
    }
    unsigned unit = node->left->unit;
    return left != end &&
           strcmp(value_text(arena, unit, left, false), value_text(arena, unit, end, false)) == 0;
}

static bool number_holds(Evaluation *evaluation, const ExpectNode *node, const char **found)
{
    double left = evaluate(evaluation, node->left);
    double right = evaluate(evaluation, node->right);
    if (evaluation->error != NULL) {
        *found = evaluation->error;
        return false;
    }
    Arena *arena = evaluation->arena;
    unsigned unit = node->left->unit;
    bool exact = needs_all_digits(arena, node, left, right);
    const char *left_text = value_text(arena, unit, left, exact);
    const char *right_text = value_text(arena, unit, right, exact);
    *found =
        arena_format(arena, "%s, expected %s %s%s", side_text(evaluation, node->left, left_text),
                     comparison_sign(node), side_text(evaluation, node->right, right_text),
                     tolerance_text(evaluation, node));
    return compare(node, left, right);
}

// -- Texts ------------------------------------------------------------------------------------

static Texts texts_of(const Evaluation *evaluation, const ExpectNode *node)
{
    Texts texts = {node->texts, node->text_count};
    if (node->kind == TERM_METRIC)
        texts.count = evaluation->source->texts(evaluation->source->context, &texts.at);
    return texts;
}

static const char *line_or_end(const Evaluation *evaluation, Texts texts, size_t index)
{
    return index < texts.count ? arena_format(evaluation->arena, "\"%s\"", texts.at[index])
                               : "nothing more";
}

static bool texts_hold(Evaluation *evaluation, const ExpectNode *node, const char **found)
{
    Texts left = texts_of(evaluation, node->left), right = texts_of(evaluation, node->right);
    size_t same = 0;
    while (same < left.count && same < right.count && strcmp(left.at[same], right.at[same]) == 0)
        same++;
    bool equal = same == left.count && same == right.count;
    const char *name = words(evaluation, node->left);
    Arena *arena = evaluation->arena;
    if (equal)
        *found = arena_format(arena, "%s has the %zu line%s as written", name, left.count,
                              left.count == 1 ? "" : "s");
    else
        *found =
            arena_format(arena, "line %zu of %s is %s, expected %s", same + 1, name,
                         line_or_end(evaluation, left, same), line_or_end(evaluation, right, same));
    return equal == (node->kind == TERM_EQ);
}

// -- Truth ------------------------------------------------------------------------------------

static bool holds(Evaluation *evaluation, const ExpectNode *node, const char **found)
{
    Arena *arena = evaluation->arena;
    if (node->kind == TERM_NOT) {
        bool inner = holds(evaluation, node->left, found);
        *found = arena_format(arena, "not (%s)", *found);
        // A value that does not exist makes a line fail, whatever stands before it.
        return evaluation->error == NULL && !inner;
    }
    if (node->kind != TERM_AND && node->kind != TERM_OR)
        return node->left->unit == UNIT_TEXTS ? texts_hold(evaluation, node, found)
                                              : number_holds(evaluation, node, found);
    const char *left_found, *right_found;
    bool left = holds(evaluation, node->left, &left_found);
    bool decided = left == (node->kind == TERM_OR);
    if (evaluation->error != NULL || decided) {
        *found = left_found;
        return evaluation->error == NULL && left;
    }
    bool right = holds(evaluation, node->right, &right_found);
    // A failed `and` shows the part that failed; otherwise both parts tell something.
    *found = node->kind == TERM_AND && !right
                 ? right_found
                 : arena_format(arena, "%s; %s", left_found, right_found);
    return evaluation->error == NULL && right;
}

bool expect_holds(const Scenario *scenario, const Expect *expect, const ExpectSource *source,
                  Arena *arena, const char **found)
{
    Evaluation evaluation = {
        .scenario = scenario, .source = source, .line = expect->text, .arena = arena};
    const char *text = "";
    bool result = holds(&evaluation, expect->root, &text);
    if (found != NULL)
        *found = text;
    return result;
}
