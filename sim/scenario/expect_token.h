// The words of an `expect:` line: a parser's state and its tokens. Private to expect.c, which has
// the grammar, and expect_token.c.
#pragma once
#include "sim/scenario/expect_node.h"

typedef enum TokenKind {
    TOKEN_END,
    TOKEN_NUMBER,
    TOKEN_STRING,
    TOKEN_WORD,
    TOKEN_SIGN, // an operator or a bracket
    TOKEN_BAD,  // an error that was reported
} TokenKind;

typedef struct Token {
    TokenKind kind;
    uint32_t begin, end; // bytes of the line
    double value;        // NUMBER
    unsigned unit;
    bool percent;
    const char *text; // STRING: without quotes and escapes
} Token;

typedef struct Parser {
    Scenario *scenario;
    Diag *diag;
    const char *text;
    uint32_t length;
    SourceAt at;
    Token token; // the next one
    uint32_t nodes, depth;
} Parser;

// Where bytes [begin, end) of the line stand in the file.
SourceAt parser_place(const Parser *parser, uint32_t begin, uint32_t end);

#define FAIL(parser, begin, end, ...)                                                              \
    diag_fail((parser)->diag, parser_place(parser, begin, end), __VA_ARGS__)
#define FAIL_HINT(parser, begin, end, hint, ...)                                                   \
    diag_fail_hint((parser)->diag, parser_place(parser, begin, end), hint, __VA_ARGS__)

// Reads the token at or after byte i; one that is wrong is reported and becomes TOKEN_BAD.
void parser_advance_from(Parser *parser, uint32_t i);
// Reads the token behind the present one.
void parser_advance(Parser *parser);
// Whether the token is this word or sign.
bool parser_is(const Parser *parser, const char *text);
// The first byte from i on that is not blank.
uint32_t parser_skip_spaces(const Parser *parser, uint32_t i);
