// The tree of a parsed `expect:` line, shared by its parser and its evaluator. Private to them and
// to the reference, which lists the fields.
#pragma once
#include "sim/scenario/expect.h"

// What a metric of several values can be asked for. FIELD(ID, "name", "what it is")
#define EXPECT_FIELDS(X)                                                                           \
    X(MIN, "min", "the least value")                                                               \
    X(MAX, "max", "the greatest value")                                                            \
    X(MEAN, "mean", "the sum over the count")                                                      \
    X(SUM, "sum", "all values added")                                                              \
    X(P50, "p50", "the median: half of the values are no more than this")                          \
    X(P90, "p90", "nine in ten values are no more than this")                                      \
    X(P99, "p99", "99 in 100 values are no more than this")                                        \
    X(COUNT, "count", "how many values there are")

typedef enum ExpectField {
    EXPECT_FIELD_ONLY, // none given: the value of a metric that has exactly one
#define X(id, name, text) EXPECT_FIELD_##id,
    EXPECT_FIELDS(X)
#undef X
        EXPECT_FIELD_COUNT_OF
} ExpectField;

// The two-sided comparisons. X(ID, "as written")
#define EXPECT_COMPARISONS(X) X(EQ, "==") X(NE, "!=") X(LE, "<=") X(LT, "<") X(GE, ">=") X(GT, ">")

typedef enum ExpectNodeKind {
    TERM_VALUE,  // a literal number, time or rate
    TERM_TEXTS,  // a literal string or list of strings
    TERM_METRIC, // a metric call
    TERM_NEGATE,
    TERM_ADD,
    TERM_SUBTRACT,
    TERM_MULTIPLY,
    TERM_DIVIDE,
#define X(id, text) TERM_##id,
    EXPECT_COMPARISONS(X)
#undef X
        TERM_NOT,
    TERM_AND,
    TERM_OR,
} ExpectNodeKind;

// The unit of a comparison, beside those of ExpectUnit.
enum { UNIT_TRUTH = UNIT_TEXTS + 1 };

struct ExpectNode {
    ExpectNodeKind kind;
    unsigned unit;                  // ExpectUnit or UNIT_TRUTH
    uint32_t begin, end;            // its bytes in the line
    const ExpectNode *left, *right; // operands; a negation or a `not` has only `left`

    double value;                // TERM_VALUE: nanoseconds, per second, or a number
    bool percent;                // TERM_VALUE written with %
    const ExpectNode *tolerance; // of == and !=: a TERM_VALUE, NULL when none is given

    const char **texts; // TERM_TEXTS
    uint32_t text_count;

    MetricId metric; // TERM_METRIC
    ExpectSubject subject;
    bool all; // no subject given: every core, thread or lock
    uint32_t id, instance;
    ExpectField field;
};

// A line is refused when it is longer or has more parts, and parentheses may not nest deeper: the
// parser and the evaluator are recursive.
enum {
    EXPECT_BYTES_MAX = 8192,
    EXPECT_NODES_MAX = 1000,
    EXPECT_DEPTH_MAX = 50,
    EXPECTS_MAX = 10000, // lines of a scenario
};

// Whether no metric is in `node`, a number, time or rate in which nothing is divided by 0; then
// `*value` is what it comes to.
bool expect_constant(const ExpectNode *node, double *value);

extern const char *const expect_field_names[EXPECT_FIELD_COUNT_OF]; // NULL for ONLY

// Which subject `text` names for `metric`; fills the node's subject, id and instance. When there is
// none returns false and sets `problem` and perhaps `hint` (in `arena`).
bool expect_resolve(const Scenario *scenario, ExpectNode *node, const char *text, Arena *arena,
                    const char **problem, const char **hint);
