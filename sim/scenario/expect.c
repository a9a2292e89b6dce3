// Parses and checks an `expect:` line: a recursive-descent parser that gives every part its unit,
// so that a time is never compared with a bare number. What the subjects are called is
// expect_subject.c; whether a line holds is expect_eval.c.
//
//   or         = and { "or" and }
//   and        = not { "and" not }
//   not        = "not" not | comparison
//   comparison = sum [ ("==" | "!=" | "<=" | "<" | ">=" | ">") sum [ ("±" | "+-") literal ] ]
//   sum        = product { ("+" | "-") product }
//   product    = unary { ("*" | "/") unary }
//   unary      = "-" unary | literal | string | "[" [ string { "," string } ] "]"
//              | metric [ "(" subject ")" ] [ "." field ] | "(" or ")"
//   literal    = number [ "%" | unit of time | "/" unit of time | "k" | "M" | "G" ]
#include "sim/base/check.h"
#include "sim/scenario/expect_token.h"

#include <string.h>

static const MetricInfo metric_infos[METRIC_KINDS] = {
#define X(id, name, subject, unit, text)                                                           \
    [METRIC_##id] = {name, SUBJECT_##subject, UNIT_##unit, text},
    METRICS(X)
#undef X
};

const MetricInfo *metric_info(MetricId id)
{
    CHECKF((unsigned)id < METRIC_KINDS, "%d", (int)id);
    return &metric_infos[id];
}

const char *const expect_field_names[EXPECT_FIELD_COUNT_OF] = {
#define X(id, name, text) [EXPECT_FIELD_##id] = name,
    EXPECT_FIELDS(X)
#undef X
};

static const char *const unit_names[] = {"a number", "a time", "a rate",
                                         "a size",   "texts",  "a comparison"};

static const struct {
    const char *text;
    ExpectNodeKind kind;
} comparisons[] = {
#define X(id, text) {text, TERM_##id},
    EXPECT_COMPARISONS(X)
#undef X
};

// Reports that the next token is not what the grammar asks for, unless it was reported already.
static ExpectNode *unexpected(Parser *parser, const char *wanted)
{
    const Token *token = &parser->token;
    if (token->kind == TOKEN_END)
        FAIL(parser, token->begin, token->begin, "expected %s at the end of the line", wanted);
    else if (token->kind != TOKEN_BAD)
        FAIL(parser, token->begin, token->end, "expected %s; found '%.*s'", wanted,
             (int)(token->end - token->begin), parser->text + token->begin);
    return NULL;
}

static ExpectNode *parse_or(Parser *parser);

static ExpectNode *new_node(Parser *parser, ExpectNodeKind kind, uint32_t begin, uint32_t end)
{
    if (++parser->nodes > EXPECT_NODES_MAX) {
        FAIL(parser, begin, end, "the expectation has more than %d parts", EXPECT_NODES_MAX);
        return NULL;
    }
    ExpectNode *node = ARENA_NEW(&parser->scenario->arena, ExpectNode);
    node->kind = kind;
    node->begin = begin;
    node->end = end;
    return node;
}

static ExpectNode *new_binary(Parser *parser, ExpectNodeKind kind, unsigned unit,
                              const ExpectNode *left, const ExpectNode *right)
{
    ExpectNode *node = new_node(parser, kind, left->begin, right->end);
    if (node == NULL)
        return NULL;
    node->unit = unit;
    node->left = left;
    node->right = right;
    return node;
}

// Goes one level down; false, with a message, when that is too deep.
static bool enter(Parser *parser)
{
    if (++parser->depth <= EXPECT_DEPTH_MAX)
        return true;
    return FAIL(parser, parser->token.begin, parser->token.end,
                "parentheses and signs nest more than %d deep", EXPECT_DEPTH_MAX);
}

static ExpectNode *parse_literal(Parser *parser)
{
    Token token = parser->token;
    if (token.kind != TOKEN_NUMBER)
        return unexpected(parser, "a number");
    parser_advance(parser);
    ExpectNode *node = new_node(parser, TERM_VALUE, token.begin, token.end);
    if (node == NULL)
        return NULL;
    node->unit = token.unit;
    node->value = token.value;
    node->percent = token.percent;
    return node;
}

// A string, or a list of them in brackets.
static ExpectNode *parse_texts(Parser *parser)
{
    ExpectNode *node = new_node(parser, TERM_TEXTS, parser->token.begin, parser->token.end);
    if (node == NULL)
        return NULL;
    node->unit = UNIT_TEXTS;
    bool list = parser_is(parser, "[");
    if (list)
        parser_advance(parser);
    // Each text but the last takes three bytes at least.
    node->texts = ARENA_ARRAY(&parser->scenario->arena, const char *, parser->length / 3 + 2);
    while (!(list && parser_is(parser, "]"))) {
        if (parser->token.kind != TOKEN_STRING)
            return unexpected(parser, list ? "a string or ']'" : "a string");
        node->texts[node->text_count++] = parser->token.text;
        node->end = parser->token.end;
        parser_advance(parser);
        if (!list)
            return node;
        if (parser_is(parser, ","))
            parser_advance(parser);
        else if (!parser_is(parser, "]"))
            return unexpected(parser, "',' or ']'");
    }
    node->end = parser->token.end;
    parser_advance(parser);
    return node;
}

// The text between the parentheses: anything up to ")", or a quoted string. The token is "(".
static const char *read_subject(Parser *parser, uint32_t *begin, uint32_t *end)
{
    *begin = parser_skip_spaces(parser, parser->token.end);
    char first = parser->text[*begin];
    if (first == '"' || first == '\'') {
        parser_advance(parser);
        if (parser->token.kind != TOKEN_STRING)
            return NULL;
        const char *text = parser->token.text;
        *end = parser->token.end;
        parser_advance(parser);
        if (parser_is(parser, ")"))
            return text;
        unexpected(parser, "')'");
        return NULL;
    }
    const char *close = strchr(parser->text + *begin, ')');
    if (close == NULL) {
        FAIL(parser, parser->token.begin, parser->token.end, "the parenthesis is not closed");
        return NULL;
    }
    *end = (uint32_t)(close - parser->text);
    parser_advance_from(parser, *end);
    while (*end > *begin && parser->text[*end - 1] == ' ')
        --*end;
    return arena_text(&parser->scenario->arena, parser->text + *begin, *end - *begin);
}

static const char *subject_example(ExpectSubject subject)
{
    return subject == SUBJECT_CORE       ? "core 0"
           : subject == SUBJECT_THREADS  ? "a thread's name"
           : subject == SUBJECT_LOCK     ? "a lock's name"
           : subject == SUBJECT_VARIABLE ? "a variable's name"
           : subject == SUBJECT_SYNC     ? "the name of a lock, a semaphore, a queue or the like"
           : subject == SUBJECT_PROCESS  ? "a process's name"
           : subject == SUBJECT_PIPE     ? "a pipe's name"
                                         : "the name of a mark or span";
}

// What is in the parentheses, or that there are none.
static bool parse_subject(Parser *parser, ExpectNode *node)
{
    const MetricInfo *info = metric_info(node->metric);
    node->subject = info->subject;
    if (!parser_is(parser, "(")) {
        node->all = info->subject != SUBJECT_NONE;
        if (info->subject == SUBJECT_NAME)
            return FAIL(parser, node->begin, node->end, "'%s' needs %s in parentheses", info->name,
                        subject_example(SUBJECT_NAME));
        return true;
    }
    uint32_t begin, end;
    const char *text = read_subject(parser, &begin, &end);
    if (text == NULL)
        return false;
    if (*text == '\0' && info->subject != SUBJECT_NONE)
        return FAIL(parser, begin, end, "'%s' needs %s in the parentheses", info->name,
                    subject_example(info->subject));
    const char *problem, *hint;
    if (!expect_resolve(parser->scenario, node, text, &parser->scenario->arena, &problem, &hint))
        return FAIL_HINT(parser, begin, end, hint, "%s", problem);
    node->end = parser->token.end;
    parser_advance(parser);
    return true;
}

static bool parse_field(Parser *parser, ExpectNode *node)
{
    parser_advance(parser); // the point
    Token token = parser->token;
    const char *word = parser->text + token.begin;
    size_t length = token.end - token.begin;
    if (token.kind != TOKEN_WORD)
        return unexpected(parser, "a field (min, max, mean, sum, p50, p90, p99, count)") != NULL;
    for (int f = EXPECT_FIELD_ONLY + 1; f < EXPECT_FIELD_COUNT_OF; f++)
        if (strlen(expect_field_names[f]) == length &&
            memcmp(word, expect_field_names[f], length) == 0)
            node->field = (ExpectField)f;
    Arena *arena = &parser->scenario->arena;
    if (node->field == EXPECT_FIELD_ONLY) {
        word = arena_text(arena, word, length);
        const char *nearest = diag_nearest(word, expect_field_names, EXPECT_FIELD_COUNT_OF);
        return FAIL_HINT(parser, token.begin, token.end,
                         nearest ? arena_format(arena, "did you mean %s?", nearest) : NULL,
                         "no field is called '%s'; there are min, max, mean, sum, p50, p90, p99 "
                         "and count",
                         word);
    }
    const MetricInfo *info = metric_info(node->metric);
    if (info->unit == UNIT_TEXTS && node->field != EXPECT_FIELD_COUNT)
        return FAIL(parser, token.begin, token.end, "'%s' is texts: its only field is count",
                    info->name);
    if (info->subject == SUBJECT_NONE && info->unit != UNIT_TEXTS)
        return FAIL(parser, token.begin, token.end, "'%s' is one value; it has no fields",
                    info->name);
    if (node->field == EXPECT_FIELD_COUNT)
        node->unit = UNIT_NUMBER;
    node->end = token.end;
    parser_advance(parser);
    return true;
}

static ExpectNode *parse_metric(Parser *parser)
{
    Token token = parser->token;
    ExpectNode *node = new_node(parser, TERM_METRIC, token.begin, token.end);
    if (node == NULL)
        return NULL;
    const char *names[METRIC_KINDS];
    const char *word =
        arena_text(&parser->scenario->arena, parser->text + token.begin, token.end - token.begin);
    node->metric = METRIC_KINDS;
    for (int m = 0; m < METRIC_KINDS; m++) {
        names[m] = metric_infos[m].name;
        if (strcmp(word, names[m]) == 0)
            node->metric = (MetricId)m;
    }
    if (node->metric == METRIC_KINDS) {
        const char *nearest = diag_nearest(word, names, METRIC_KINDS);
        FAIL_HINT(parser, token.begin, token.end,
                  nearest ? arena_format(&parser->scenario->arena, "did you mean %s?", nearest)
                          : NULL,
                  "no metric is called '%s'", word);
        return NULL;
    }
    node->unit = metric_infos[node->metric].unit;
    parser_advance(parser);
    if (!parse_subject(parser, node) || (parser_is(parser, ".") && !parse_field(parser, node)))
        return NULL;
    return node;
}

static ExpectNode *parse_unary(Parser *parser)
{
    uint32_t begin = parser->token.begin;
    if (parser_is(parser, "-")) {
        if (!enter(parser))
            return NULL;
        parser_advance(parser);
        ExpectNode *operand = parse_unary(parser);
        parser->depth--;
        if (operand == NULL)
            return NULL;
        if (operand->unit >= UNIT_TEXTS) {
            FAIL(parser, operand->begin, operand->end, "%s cannot be negated",
                 unit_names[operand->unit]);
            return NULL;
        }
        ExpectNode *node = new_binary(parser, TERM_NEGATE, operand->unit, operand, operand);
        if (node != NULL) {
            node->begin = begin;
            node->right = NULL;
        }
        return node;
    }
    if (parser_is(parser, "(")) {
        if (!enter(parser))
            return NULL;
        parser_advance(parser);
        ExpectNode *inner = parse_or(parser);
        parser->depth--;
        if (inner == NULL)
            return NULL;
        if (!parser_is(parser, ")"))
            return unexpected(parser, "')'");
        inner->begin = begin;
        inner->end = parser->token.end;
        parser_advance(parser);
        return inner;
    }
    if (parser->token.kind == TOKEN_NUMBER)
        return parse_literal(parser);
    if (parser->token.kind == TOKEN_STRING || parser_is(parser, "["))
        return parse_texts(parser);
    if (parser->token.kind != TOKEN_WORD || parser_is(parser, "and") || parser_is(parser, "or") ||
        parser_is(parser, "not"))
        return unexpected(parser, "a metric or a value");
    return parse_metric(parser);
}

// The unit of a product or quotient; UNIT_TRUTH when it has none.
static unsigned product_unit(bool divide, unsigned left, unsigned right)
{
    if (left >= UNIT_TEXTS || right >= UNIT_TEXTS)
        return UNIT_TRUTH;
    if (right == UNIT_NUMBER)
        return left;
    if (left == UNIT_SIZE || right == UNIT_SIZE)
        return divide && left == right          ? UNIT_NUMBER
               : !divide && left == UNIT_NUMBER ? UNIT_SIZE
                                                : UNIT_TRUTH;
    if (divide)
        return left == right         ? UNIT_NUMBER
               : left != UNIT_NUMBER ? UNIT_TRUTH
               : right == UNIT_TIME  ? UNIT_RATE
                                     : UNIT_TIME;
    return left == UNIT_NUMBER ? right : left != right ? UNIT_NUMBER : UNIT_TRUTH;
}

static ExpectNode *parse_product(Parser *parser)
{
    ExpectNode *left = parse_unary(parser);
    while (left != NULL && (parser_is(parser, "*") || parser_is(parser, "/"))) {
        bool divide = parser_is(parser, "/");
        parser_advance(parser);
        ExpectNode *right = parse_unary(parser);
        if (right == NULL)
            return NULL;
        unsigned unit = product_unit(divide, left->unit, right->unit);
        if (unit == UNIT_TRUTH) {
            FAIL(parser, left->begin, right->end, "cannot %s %s by %s",
                 divide ? "divide" : "multiply", unit_names[left->unit], unit_names[right->unit]);
            return NULL;
        }
        double divisor;
        if (divide && expect_constant(right, &divisor) && divisor == 0) {
            FAIL(parser, right->begin, right->end, "'%.*s' is 0, by which nothing can be divided",
                 (int)(right->end - right->begin), parser->text + right->begin);
            return NULL;
        }
        left = new_binary(parser, divide ? TERM_DIVIDE : TERM_MULTIPLY, unit, left, right);
    }
    return left;
}

// "did you mean 100ms?" when a bare number stands where a unit is due; NULL otherwise.
static const char *unit_hint(const Parser *parser, const ExpectNode *node, unsigned unit)
{
    if (node->kind != TERM_VALUE || node->unit != UNIT_NUMBER || node->percent ||
        parser->text[node->begin] == '(' || unit == UNIT_TEXTS)
        return NULL;
    return arena_format(&parser->scenario->arena, "did you mean %.*s%s?",
                        (int)(node->end - node->begin), parser->text + node->begin,
                        unit == UNIT_TIME   ? "ms"
                        : unit == UNIT_SIZE ? "KiB"
                                            : "/s");
}

// Both sides must have one unit to be added or compared.
static bool check_units(Parser *parser, const char *verb, const ExpectNode *left,
                        const ExpectNode *right)
{
    if (left->unit == right->unit && left->unit < UNIT_TRUTH)
        return true;
    const ExpectNode *blame = left->kind == TERM_VALUE && right->kind != TERM_VALUE ? left : right;
    const ExpectNode *other = blame == left ? right : left;
    if (left->unit == UNIT_TRUTH || right->unit == UNIT_TRUTH) {
        blame = left->unit == UNIT_TRUTH ? left : right;
        return FAIL(parser, blame->begin, blame->end,
                    "cannot %s a comparison; join comparisons with 'and' or 'or'", verb);
    }
    return FAIL_HINT(parser, blame->begin, blame->end, unit_hint(parser, blame, other->unit),
                     "cannot %s '%.*s' and '%.*s': one is %s, the other %s", verb,
                     (int)(left->end - left->begin), parser->text + left->begin,
                     (int)(right->end - right->begin), parser->text + right->begin,
                     unit_names[left->unit], unit_names[right->unit]);
}

static ExpectNode *parse_sum(Parser *parser)
{
    ExpectNode *left = parse_product(parser);
    while (left != NULL && (parser_is(parser, "+") || parser_is(parser, "-"))) {
        bool subtract = parser_is(parser, "-");
        parser_advance(parser);
        ExpectNode *right = parse_product(parser);
        if (right == NULL)
            return NULL;
        if (left->unit == UNIT_TEXTS && right->unit == UNIT_TEXTS) {
            FAIL(parser, left->begin, right->end, "texts can only be compared");
            return NULL;
        }
        if (!check_units(parser, subtract ? "subtract" : "add", left, right))
            return NULL;
        left = new_binary(parser, subtract ? TERM_SUBTRACT : TERM_ADD, left->unit, left, right);
    }
    return left;
}

static bool parse_tolerance(Parser *parser, ExpectNode *node)
{
    Token sign = parser->token;
    parser_advance(parser);
    const ExpectNode *tolerance = parse_literal(parser);
    if (tolerance == NULL)
        return false;
    if ((node->kind != TERM_EQ && node->kind != TERM_NE) || node->left->unit == UNIT_TEXTS)
        return FAIL(parser, sign.begin, tolerance->end,
                    "only == and != of numbers, times and rates take a tolerance");
    if (!tolerance->percent && tolerance->unit != node->left->unit)
        return FAIL_HINT(parser, tolerance->begin, tolerance->end,
                         unit_hint(parser, tolerance, node->left->unit),
                         "the tolerance is %s; it must be a percentage or %s",
                         unit_names[tolerance->unit], unit_names[node->left->unit]);
    node->tolerance = tolerance;
    node->end = tolerance->end;
    return true;
}

static ExpectNode *parse_comparison(Parser *parser)
{
    ExpectNode *left = parse_sum(parser);
    ExpectNodeKind kind = TERM_VALUE;
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++)
        if (parser_is(parser, comparisons[i].text))
            kind = comparisons[i].kind;
    if (left == NULL || kind == TERM_VALUE)
        return left;
    Token sign = parser->token;
    parser_advance(parser);
    const ExpectNode *right = parse_sum(parser);
    if (right == NULL || !check_units(parser, "compare", left, right))
        return NULL;
    if (left->unit == UNIT_TEXTS && kind != TERM_EQ && kind != TERM_NE) {
        FAIL(parser, sign.begin, sign.end, "texts are only compared with == and !=");
        return NULL;
    }
    ExpectNode *node = new_binary(parser, kind, UNIT_TRUTH, left, right);
    if (node != NULL && (parser_is(parser, "±") || parser_is(parser, "+-")) &&
        !parse_tolerance(parser, node))
        return NULL;
    return node;
}

// The operands of not, and, or are comparisons.
static bool check_truth(Parser *parser, const ExpectNode *node)
{
    if (node->unit == UNIT_TRUTH)
        return true;
    return FAIL(parser, node->begin, node->end, "'%.*s' is %s; compare it with something",
                (int)(node->end - node->begin), parser->text + node->begin, unit_names[node->unit]);
}

static ExpectNode *parse_not(Parser *parser)
{
    if (!parser_is(parser, "not"))
        return parse_comparison(parser);
    uint32_t begin = parser->token.begin;
    if (!enter(parser))
        return NULL;
    parser_advance(parser);
    ExpectNode *operand = parse_not(parser);
    parser->depth--;
    if (operand == NULL || !check_truth(parser, operand))
        return NULL;
    ExpectNode *node = new_binary(parser, TERM_NOT, UNIT_TRUTH, operand, operand);
    if (node != NULL) {
        node->begin = begin;
        node->right = NULL;
    }
    return node;
}

static ExpectNode *parse_joined(Parser *parser, const char *word, ExpectNodeKind kind,
                                ExpectNode *(*parse_part)(Parser *))
{
    ExpectNode *left = parse_part(parser);
    while (left != NULL && parser_is(parser, word)) {
        parser_advance(parser);
        const ExpectNode *right = parse_part(parser);
        if (right == NULL || !check_truth(parser, left) || !check_truth(parser, right))
            return NULL;
        left = new_binary(parser, kind, UNIT_TRUTH, left, right);
    }
    return left;
}

static ExpectNode *parse_and(Parser *parser)
{
    return parse_joined(parser, "and", TERM_AND, parse_not);
}

static ExpectNode *parse_or(Parser *parser)
{
    return parse_joined(parser, "or", TERM_OR, parse_and);
}

bool expect_parse(Scenario *scenario, const char *text, SourceAt at, Expect *expect, Diag *diag)
{
    // Later errors are only counted: no work for messages that nobody will see.
    if (diag->errors >= DIAG_ERRORS_MAX)
        return diag_fail(diag, at, "not read");
    if (scenario->expect_count > EXPECTS_MAX)
        return diag_fail(diag, at, "there are more than %d expectations", EXPECTS_MAX);
    size_t length = strlen(text);
    if (length > EXPECT_BYTES_MAX)
        return diag_fail(diag, at, "the expectation is longer than %d bytes", EXPECT_BYTES_MAX);

    Parser parser = {.scenario = scenario, .diag = diag, .at = at, .length = (uint32_t)length};
    parser.text = arena_text(&scenario->arena, text, length);
    parser_advance_from(&parser, 0);
    const ExpectNode *root = parse_or(&parser);
    if (root == NULL)
        return false;
    if (parser.token.kind != TOKEN_END) {
        unexpected(&parser, root->unit == UNIT_TRUTH ? "'and', 'or' or the end of the line"
                                                     : "a comparison");
        return false;
    }
    if (!check_truth(&parser, root))
        return false;
    *expect = (Expect){.text = parser.text, .at = at, .root = root};
    return true;
}
