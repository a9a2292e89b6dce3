// Splits an `expect:` line into numbers with their units, texts, words and signs, and knows where
// in the file each stands. What they mean together is expect.c.
#include "sim/scenario/expect_token.h"

#include <string.h>

// What may follow a number; the units of time are those of quantity.h, with both signs for micro.
static const struct {
    const char *name;
    ExpectUnit unit;
    double factor;
} suffixes[] = {
    {"ns", UNIT_TIME, 1},        {"us", UNIT_TIME, 1e3},     {"\u00b5s", UNIT_TIME, 1e3},
    {"\u03bcs", UNIT_TIME, 1e3}, {"ms", UNIT_TIME, 1e6},     {"s", UNIT_TIME, 1e9},
    {"min", UNIT_TIME, 60e9},    {"h", UNIT_TIME, 3600e9},   {"k", UNIT_NUMBER, 1e3},
    {"M", UNIT_NUMBER, 1e6},     {"G", UNIT_NUMBER, 1e9},    {"B", UNIT_SIZE, 1},
    {"KiB", UNIT_SIZE, 0x1p10},  {"MiB", UNIT_SIZE, 0x1p20}, {"GiB", UNIT_SIZE, 0x1p30},
    {"TiB", UNIT_SIZE, 0x1p40},
};

// -- Places -----------------------------------------------------------------------------------

static uint32_t columns(const char *text, uint32_t bytes)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < bytes; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

// The source from `at` on, NULL when there is no such place.
static const char *source_at(const char *source, SourceAt at)
{
    for (uint32_t line = 1; line < at.line; line++) {
        source = strchr(source, '\n');
        if (source == NULL)
            return NULL;
        source++;
    }
    for (uint32_t column = 1; column < at.column; column++) {
        if (*source == '\0' || *source == '\n')
            return NULL;
        do
            source++;
        while (((unsigned char)*source & 0xc0) == 0x80);
    }
    return source;
}

// Where bytes [begin, end) of the line stand in the file. A scalar that YAML folded or unescaped
// does not stand there as it reads: then the place is the whole scalar.
SourceAt parser_place(const Parser *parser, uint32_t begin, uint32_t end)
{
    SourceAt at = parser->at;
    const char *source =
        parser->diag->source == NULL ? parser->text : source_at(parser->diag->source, at);
    uint32_t quote = source != NULL && (*source == '\'' || *source == '"') &&
                     strncmp(source, parser->text, parser->length) != 0;
    if (at.line == 0 || source == NULL ||
        strncmp(source + quote, parser->text, parser->length) != 0 ||
        memchr(parser->text, '\n', parser->length) != NULL)
        return at;
    at.column += quote + columns(parser->text, begin);
    at.length = columns(parser->text + begin, end - begin);
    at.length += at.length == 0;
    return at;
}

// -- Tokens -----------------------------------------------------------------------------------

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

uint32_t parser_skip_spaces(const Parser *parser, uint32_t i)
{
    while (parser->text[i] == ' ' || parser->text[i] == '\t' || parser->text[i] == '\n' ||
           parser->text[i] == '\r')
        i++;
    return i;
}

// The row of `suffixes` that stands at byte i, -1 for none; moves *i behind it.
static int read_word(const Parser *parser, uint32_t *i)
{
    const char *c = parser->text + *i;
    for (size_t s = 0; s < sizeof suffixes / sizeof suffixes[0]; s++) {
        size_t length = strlen(suffixes[s].name);
        if (strncmp(c, suffixes[s].name, length) != 0 || is_letter(c[length]) ||
            is_digit(c[length]) || c[length] == '(')
            continue;
        *i += (uint32_t)length;
        return (int)s;
    }
    return -1;
}

// "100milis": a word right behind a number that is no unit.
static bool bad_suffix(Parser *parser, const Token *token)
{
    uint32_t end = token->end;
    while (is_letter(parser->text[end]) || (unsigned char)parser->text[end] >= 0x80)
        end++;
    return FAIL(parser, token->begin, end, "'%.*s' is no unit of time (ns, us, ms, s)",
                (int)(end - token->end), parser->text + token->end);
}

// What follows a number: a percent sign, a unit, or a slash and a unit of time, after spaces or
// not.
static bool read_suffix(Parser *parser, Token *token)
{
    uint32_t i = parser_skip_spaces(parser, token->end);
    const char *c = parser->text + i;
    bool touches = i == token->end;
    if (*c == '%') {
        token->value /= 100;
        token->percent = true;
        token->end = i + 1;
        return true;
    }
    bool rate = *c == '/';
    if (rate)
        i = parser_skip_spaces(parser, i + 1);
    int row = read_word(parser, &i);
    if (row >= 0 && (!rate || suffixes[row].unit == UNIT_TIME)) {
        token->value *= rate ? 1e9 / suffixes[row].factor : suffixes[row].factor;
        token->unit = rate ? UNIT_RATE : suffixes[row].unit;
        token->end = i;
        return true;
    }
    bool word = is_letter(*c) || ((unsigned char)*c >= 0x80 && strncmp(c, "±", 2) != 0);
    return !(touches && word) || bad_suffix(parser, token);
}

// Digits with at most one point. Decimal digits are gathered as a whole number, so that 1.2s is
// exactly 1,200,000,000 ns.
static bool read_number(Parser *parser, Token *token)
{
    uint64_t digits = 0;
    double scale = 1;
    uint32_t i = token->begin;
    bool point = false;
    for (;
         is_digit(parser->text[i]) || parser->text[i] == '_' || (parser->text[i] == '.' && !point);
         i++) {
        if (parser->text[i] == '_') // groups digits: 1_000_000
            continue;
        if (parser->text[i] == '.') {
            if (!is_digit(parser->text[i + 1]))
                break;
            point = true;
            continue;
        }
        if (digits >= 100000000000000000) { // 18 digits and more are finer than a double
            while (is_digit(parser->text[i]))
                i++;
            return FAIL(parser, token->begin, i, "the number has too many digits");
        }
        digits = digits * 10 + (uint64_t)(parser->text[i] - '0');
        if (point)
            scale *= 10;
    }
    token->value = (double)digits;
    token->end = i;
    token->unit = UNIT_NUMBER;
    if (!read_suffix(parser, token))
        return false;
    token->value /= scale;
    return true;
}

// A string in double or single quotes; \n, \t, \" and \\ as in YAML within double ones.
static bool read_string(Parser *parser, Token *token)
{
    char quote = parser->text[token->begin];
    char *text = arena_alloc(&parser->scenario->arena, parser->length + 1);
    uint32_t length = 0, i = token->begin + 1;
    for (; parser->text[i] != quote; i++) {
        char c = parser->text[i];
        if (c == '\0')
            return FAIL(parser, token->begin, token->begin + 1, "the string does not end");
        if (c == '\\' && quote == '"') {
            c = parser->text[++i];
            if (c != 'n' && c != 't' && c != '"' && c != '\\')
                return FAIL(parser, i - 1, i + (c != '\0'),
                            "unknown escape in a string; there are \\n, \\t, \\\" and \\\\");
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        text[length++] = c;
    }
    token->text = text;
    token->end = i + 1;
    return true;
}

bool parser_is(const Parser *parser, const char *text)
{
    const Token *token = &parser->token;
    size_t length = strlen(text);
    return (token->kind == TOKEN_WORD || token->kind == TOKEN_SIGN) &&
           token->end - token->begin == length &&
           memcmp(parser->text + token->begin, text, length) == 0;
}

// The sign at byte i: its length, 0 for none.
static uint32_t sign_length(const char *c)
{
    static const char *const signs[] = {"==", "!=", "<=", ">=", "+-", "±", "<", ">", "+",
                                        "-",  "*",  "/",  "(",  ")",  "[", "]", ",", "."};
    for (size_t s = 0; s < sizeof signs / sizeof signs[0]; s++) {
        size_t length = strlen(signs[s]);
        if (strncmp(c, signs[s], length) == 0)
            return (uint32_t)length;
    }
    return 0;
}

// Reads the token at or after byte i.
void parser_advance_from(Parser *parser, uint32_t i)
{
    i = parser_skip_spaces(parser, i);
    const char *c = parser->text + i;
    Token token = {.begin = i, .end = i};
    bool good = true;
    if (*c == '\0') {
        token.kind = TOKEN_END;
    } else if (is_digit(*c)) {
        token.kind = TOKEN_NUMBER;
        good = read_number(parser, &token);
    } else if (*c == '"' || *c == '\'') {
        token.kind = TOKEN_STRING;
        good = read_string(parser, &token);
    } else if (is_letter(*c)) {
        token.kind = TOKEN_WORD;
        while (is_letter(parser->text[token.end]) || is_digit(parser->text[token.end]))
            token.end++;
    } else if ((token.end += sign_length(c)) > i) {
        token.kind = TOKEN_SIGN;
    } else {
        do
            token.end++;
        while (((unsigned char)parser->text[token.end] & 0xc0) == 0x80);
        const char *hint = *c == '=' ? "did you mean ==?" : NULL;
        good = FAIL_HINT(parser, i, token.end, hint, "unexpected '%.*s'", (int)(token.end - i), c);
    }
    if (!good)
        token.kind = TOKEN_BAD;
    parser->token = token;
}

void parser_advance(Parser *parser)
{
    parser_advance_from(parser, parser->token.end);
}
