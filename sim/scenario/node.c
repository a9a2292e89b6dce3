// Builds the tree from libfyaml's events, not from its documents: so the depth and the number of
// nodes are bounded by us, and places are counted by us, in characters. Two courtesies beyond YAML:
// `{ compute: uniform(1ms, 2ms) }` may be written without quotes although a comma ends a value
// there, and a line of `expect:` may hold ": " inside double quotes.
#include "sim/scenario/node.h"

#include "sim/base/array.h"
#include "sim/base/check.h"

#include <libfyaml.h>
#include <string.h>
#define uthash_fatal(message) CHECKF(false, "%s", message)
#include <uthash.h>

enum { EMPTY_LINES_MAX = 1000 };

typedef struct Frame {
    Node *container;
    Node *last; // its last item or value
    Node *key;  // of a map: the key that waits for its value
} Frame;

typedef struct Reader {
    const char *source;     // as given
    const char *masked;     // what libfyaml reads: the same length, see mask_expects
    size_t length, skipped; // skipped: a byte order mark's bytes
    Arena *arena;
    Diag *diag;
    struct fy_parser *parser;
    Frame frames[NODE_DEPTH_MAX];
    int depth;
    Node *root;
    uint32_t nodes;
    size_t read; // behind the last text or the last list item that is nothing
    // The place of byte `cursor`, from which the next place is counted.
    size_t cursor;
    uint32_t line, column;
} Reader;

bool node_is_null(const Node *node)
{
    return node->kind == NODE_TEXT && node->plain &&
           (node->text[0] == '\0' || strcmp(node->text, "~") == 0 ||
            strcmp(node->text, "null") == 0);
}

Node *node_get(const Node *map, const char *key)
{
    for (Node *value = map->first; value != NULL; value = value->next)
        if (strcmp(value->key->text, key) == 0)
            return value;
    return NULL;
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

// Whether the byte at `offset` begins a character that takes a column: all but a line's end and a
// byte order mark.
static bool takes_column(const Reader *reader, size_t offset)
{
    char byte = reader->source[offset];
    return !is_continuation(byte) && byte != '\n' && offset >= reader->skipped;
}

// The place of byte `offset`, counted from the place asked for last: libfyaml's tokens come nearly
// in order, so that all places together cost little more than one walk over the source.
static SourceAt place(Reader *reader, size_t offset)
{
    if (offset > reader->length)
        offset = reader->length;
    bool another_line = false;
    while (reader->cursor > offset) {
        reader->cursor--;
        reader->column -= takes_column(reader, reader->cursor);
        if (reader->source[reader->cursor] == '\n') {
            reader->line--;
            another_line = true;
        }
    }
    if (another_line) {
        reader->column = 1;
        for (size_t i = offset; i > 0 && reader->source[i - 1] != '\n'; i--)
            reader->column += takes_column(reader, i - 1);
    }
    for (; reader->cursor < offset; reader->cursor++) {
        reader->column += takes_column(reader, reader->cursor);
        if (reader->source[reader->cursor] == '\n') {
            reader->line++;
            reader->column = 1;
        }
    }
    return (SourceAt){reader->line, reader->column, 1};
}

// How many columns the bytes [start, end) take as far as their line goes, at least 1.
static uint32_t columns(const Reader *reader, size_t start, size_t end)
{
    uint32_t count = 0;
    for (size_t i = start; i < end && i < reader->length && reader->source[i] != '\n'; i++)
        count += !is_continuation(reader->source[i]) && reader->source[i] != '\r';
    return count > 0 ? count : 1;
}

static SourceAt place_range(Reader *reader, size_t start, size_t end)
{
    SourceAt at = place(reader, start);
    at.length = columns(reader, start, end);
    return at;
}

// --- what libfyaml may be given -----------------------------------------------------------------

// The length of the valid UTF-8 character at `at`, or 0.
static size_t utf8_bytes(const unsigned char *at, size_t left)
{
    unsigned char first = at[0];
    size_t bytes = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first > 0xF4 || bytes == 0 || bytes > left)
        return 0;
    for (size_t i = 1; i < bytes; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    // Overlong forms, surrogates and what lies beyond U+10FFFF.
    if ((first == 0xE0 && at[1] < 0xA0) || (first == 0xED && at[1] > 0x9F) ||
        (first == 0xF0 && at[1] < 0x90) || (first == 0xF4 && at[1] > 0x8F))
        return 0;
    return bytes;
}

// A text file: valid UTF-8 without control characters. Nor does it have very many empty lines in a
// row, over which libfyaml 0.7 takes the square of their number.
static bool check_characters(Reader *reader)
{
    int empty = 0;
    for (size_t i = 0; i < reader->length;) {
        const unsigned char *at = (const unsigned char *)reader->source + i;
        empty = *at == '\n' ? empty + 1 : *at == ' ' || *at == '\r' ? empty : 0;
        if (empty > EMPTY_LINES_MAX)
            return diag_fail(reader->diag, place(reader, i), "more than %d empty lines in a row",
                             EMPTY_LINES_MAX);
        size_t bytes = utf8_bytes(at, reader->length - i);
        if (bytes == 0)
            return diag_fail(reader->diag, place(reader, i),
                             "not a text: byte 0x%02X is not valid UTF-8 here", at[0]);
        bool control = (*at < 0x20 && *at != '\t' && *at != '\n' && *at != '\r') || *at == 0x7F ||
                       (*at == 0xC2 && at[1] < 0xA0 && at[1] != 0x85);
        if (control)
            return diag_fail(reader->diag, place(reader, i), "not a text: control character 0x%02X",
                             bytes == 1 ? *at : at[1]);
        i += bytes;
    }
    return true;
}

static const char *line_end(const char *line)
{
    const char *end = strchr(line, '\n');
    return end != NULL ? end : line + strlen(line);
}

// Replaces the inside of double-quoted parts of one item of `expect:`, [item, end).
static void mask_item(char *item, const char *end)
{
    if (item == end || strchr("\"'|>[{&*!#%@`?", *item) != NULL)
        return; // YAML's own forms
    bool inside = false;
    for (; item < end; item++) {
        if (*item == '"')
            inside = !inside;
        else if (inside && *item != '\r')
            *item = 'x';
    }
}

// YAML would read `- printed == ["a: b"]` as a map, because of the ": ". Nobody who writes such a
// line means a map, so libfyaml gets a text of the same length in which the quoted parts are x's,
// and plain texts are then taken from the source.
static void mask_expects(char *text)
{
    bool expects = false;
    for (char *line = text; *line != '\0';) {
        const char *end = line_end(line);
        char *at = line;
        while (*at == ' ')
            at++;
        if (at == line && *at != '-' && *at != '#' && *at != '\n' && *at != '\r')
            expects = strncmp(line, "expect:", 7) == 0;
        else if (expects && at[0] == '-' && at[1] == ' ') {
            at += 2;
            while (*at == ' ')
                at++;
            mask_item(at, end);
        }
        line += end - line + (*end == '\n');
    }
}

// --- the tree -----------------------------------------------------------------------------------

static Node *node_new(Reader *reader, NodeKind kind, size_t start, size_t end)
{
    Node *node = ARENA_NEW(reader->arena, Node);
    node->kind = kind;
    node->start = (uint32_t)(start < reader->length ? start : reader->length);
    node->end = (uint32_t)(end < reader->length ? end : reader->length);
    node->at = place_range(reader, node->start, node->end);
    node->text = "";
    reader->nodes++;
    return node;
}

static bool attach(Reader *reader, Node *node)
{
    if (reader->depth == 0) {
        reader->root = node;
        return true;
    }
    Frame *frame = &reader->frames[reader->depth - 1];
    if (frame->container->kind == NODE_MAP && frame->key == NULL) {
        if (node->kind != NODE_TEXT)
            return diag_fail(reader->diag, node->at, "a key must be a word; found a %s",
                             node->kind == NODE_LIST ? "list" : "map");
        frame->key = node;
        return true;
    }
    node->key = frame->key;
    if (node->key != NULL && node->kind == NODE_TEXT && node->plain && node->text[0] == '\0')
        node->at = node->key->at; // nothing was written: the key is the place to look at
    frame->key = NULL;
    if (frame->last == NULL)
        frame->container->first = node;
    else
        frame->last->next = node;
    frame->last = node;
    frame->container->count++;
    return true;
}

// The bytes [start, end) of the source as one text: a line break and the blanks around it are one
// blank, as YAML folds plain texts.
static const char *source_text(const Reader *reader, size_t start, size_t end)
{
    char *text = arena_text(reader->arena, reader->source + start, end - start);
    char *out = text;
    for (const char *in = text; *in != '\0';) {
        size_t blanks = strspn(in, " \t\r\n");
        if (memchr(in, '\n', blanks) != NULL)
            *out++ = ' ';
        else
            while (blanks > 0 && blanks-- > 0)
                *out++ = *in++;
        in += blanks;
        if (*in != '\0')
            *out++ = *in++;
    }
    *out = '\0';
    return text;
}

static bool read_scalar(Reader *reader, struct fy_event *event)
{
    struct fy_token *token = event->scalar.value;
    size_t start = reader->read, end = start;
    const struct fy_mark *mark = token != NULL ? fy_token_start_mark(token) : NULL;
    if (mark != NULL) {
        start = end = mark->input_pos + reader->skipped;
        mark = fy_token_end_mark(token);
        if (mark != NULL && mark->input_pos + reader->skipped > start)
            end = mark->input_pos + reader->skipped;
    } else if (reader->depth > 0 &&
               reader->frames[reader->depth - 1].container->kind == NODE_LIST) {
        // A list item that is nothing has no place of its own: its dash is the next one.
        const char *dash = strchr(reader->source + start, '-');
        start = dash != NULL ? (size_t)(dash - reader->source) : start;
        end = start + (dash != NULL);
    }
    reader->read = end;
    Node *node = node_new(reader, NODE_TEXT, start, end);
    size_t length = 0;
    const char *text = token != NULL ? fy_token_get_text(token, &length) : NULL;
    node->plain = token == NULL || fy_token_scalar_style(token) == FYSS_PLAIN;
    if (text == NULL || length == 0)
        return attach(reader, node);
    if (memchr(text, '\0', length) != NULL)
        return diag_fail(reader->diag, node->at, "a text must not contain \\0");
    bool masked = memcmp(reader->source + node->start, reader->masked + node->start,
                         node->end - node->start) != 0;
    if (masked && !node->plain)
        return diag_fail(reader->diag, node->at,
                         "a line of 'expect' is written as it is, or in quotes of its own");
    if (masked)
        node->text = source_text(reader, node->start, node->end);
    else
        node->text = arena_text(reader->arena, text, length);
    return attach(reader, node);
}

static bool is_flow(const Reader *reader, const Node *node)
{
    return node->override == 0 && node->start < reader->length &&
           (reader->source[node->start] == '[' || reader->source[node->start] == '{');
}

static int open_parentheses(const char *text)
{
    int open = 0;
    for (; *text != '\0'; text++)
        open += (*text == '(') - (*text == ')');
    return open;
}

// The last text of what the comma split off, when `node` can be such a part: `2ms)` is an item of a
// list, or a key without a value.
static const Node *split_off(const Node *node)
{
    if (node == NULL || node->kind != NODE_TEXT || !node->plain)
        return NULL;
    if (node->key == NULL)
        return node;
    return node->key->plain && node->text[0] == '\0' ? node->key : NULL;
}

// Puts together what commas inside parentheses have split: see the top of this file.
static void join_parentheses(const Reader *reader, Node *container)
{
    for (Node *node = container->first; node != NULL; node = node->next) {
        if (node->kind != NODE_TEXT || !node->plain)
            continue;
        int open = open_parentheses(node->text);
        const Node *part;
        bool joined = false;
        while (open > 0 && (part = split_off(node->next)) != NULL) {
            open += open_parentheses(part->text);
            node->end = part->end;
            node->next = node->next->next;
            container->count--;
            joined = true;
        }
        if (joined) {
            node->text = source_text(reader, node->start, node->end);
            node->at.length = columns(reader, node->start, node->end);
        }
    }
}

typedef struct SeenKey {
    const Node *key;
    UT_hash_handle hh;
} SeenKey;

static void double_key(Reader *reader, const Node *key, const Node *first)
{
    diag_fail(reader->diag, key->at, "'%s' is given twice (first in line %u)", key->text,
              first->at.line);
}

static void check_double_keys(Reader *reader, const Node *map)
{
    if (map->count <= 8) {
        for (const Node *value = map->first; value != NULL; value = value->next)
            for (const Node *other = map->first; other != value; other = other->next)
                if (strcmp(other->key->text, value->key->text) == 0) {
                    double_key(reader, value->key, other->key);
                    break;
                }
        return;
    }
    Arena arena = {0};
    SeenKey *seen = NULL, *found;
    for (const Node *value = map->first; value != NULL; value = value->next) {
        const char *text = value->key->text;
        unsigned length = (unsigned)strlen(text);
        HASH_FIND(hh, seen, text, length, found);
        if (found != NULL) {
            double_key(reader, value->key, found->key);
            continue;
        }
        SeenKey *fresh = ARENA_NEW(&arena, SeenKey);
        fresh->key = value->key;
        HASH_ADD_KEYPTR(hh, seen, text, length, fresh);
    }
    HASH_CLEAR(hh, seen);
    arena_free(&arena);
}

static bool open_container(Reader *reader, struct fy_event *event, NodeKind kind)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    size_t start = mark != NULL ? mark->input_pos + reader->skipped : reader->cursor;
    Node *node = node_new(reader, kind, start, start);
    if (!attach(reader, node))
        return false;
    if (reader->depth == NODE_DEPTH_MAX)
        return diag_fail(reader->diag, node->at, "more than %d lists and maps inside each other",
                         NODE_DEPTH_MAX);
    reader->frames[reader->depth++] = (Frame){.container = node};
    return true;
}

static bool close_container(Reader *reader)
{
    Node *container = reader->frames[--reader->depth].container;
    if (is_flow(reader, container))
        join_parentheses(reader, container);
    if (container->kind == NODE_MAP)
        check_double_keys(reader, container);
    return true; // a double key is no reason to stop: there may be more to say
}

static bool refuse(Reader *reader, struct fy_token *token, const char *format)
{
    const struct fy_mark *start = fy_token_start_mark(token), *end = fy_token_end_mark(token);
    SourceAt at = {0};
    if (start != NULL && end != NULL)
        at = place_range(reader, start->input_pos + reader->skipped,
                         end->input_pos + reader->skipped);
    return diag_fail(reader->diag, at, "%s", format);
}

static const char anchors_text[] =
    "anchors (&name) and aliases (*name) are not part of the language; what is used twice can be a "
    "function, and a text that begins with & or * needs quotes";
static const char tags_text[] =
    "tags (!name) are not part of the language; a text that begins with ! needs quotes";

// Anchors and tags stand on nodes of all kinds.
static bool check_properties(Reader *reader, struct fy_token *anchor, struct fy_token *tag)
{
    if (anchor != NULL)
        return refuse(reader, anchor, anchors_text);
    return tag == NULL || refuse(reader, tag, tags_text);
}

static bool read_event(Reader *reader, struct fy_event *event)
{
    if (reader->nodes > NODES_MAX)
        return diag_fail(reader->diag, (SourceAt){0}, "more than %d texts, lists and maps",
                         NODES_MAX);
    switch (event->type) {
    case FYET_SCALAR:
        return check_properties(reader, event->scalar.anchor, event->scalar.tag) &&
               read_scalar(reader, event);
    case FYET_SEQUENCE_START:
        return check_properties(reader, event->sequence_start.anchor, event->sequence_start.tag) &&
               open_container(reader, event, NODE_LIST);
    case FYET_MAPPING_START:
        return check_properties(reader, event->mapping_start.anchor, event->mapping_start.tag) &&
               open_container(reader, event, NODE_MAP);
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END:
        return close_container(reader);
    case FYET_ALIAS:
        return refuse(reader, event->alias.anchor, anchors_text);
    case FYET_DOCUMENT_START:
        if (reader->root != NULL) {
            const struct fy_mark *mark = fy_event_start_mark(event);
            SourceAt at = {0};
            if (mark != NULL)
                at = place(reader, mark->input_pos + reader->skipped);
            return diag_fail(reader->diag, at, "a second document begins; a file is one scenario");
        }
        return true;
    default:
        return true;
    }
}

// --- libfyaml's life ----------------------------------------------------------------------------

static void swallow(struct fy_diag *diag, void *user, const char *text, size_t length)
{
    (void)diag, (void)user, (void)text, (void)length;
}

// Two mistakes that libfyaml's words do not explain.
static const char *syntax_hint(const Reader *reader, uint32_t line)
{
    const char *at = reader->source + reader->skipped;
    for (uint32_t i = 1; i < line && *at != '\0'; i++)
        at = line_end(at) + (*line_end(at) == '\n');
    const char *end = line_end(at), *choice = strstr(at, "choice(");
    if (at[strspn(at, " ")] == '\t')
        return "a line begins with spaces, never with a tab";
    if (choice != NULL && choice < end)
        return "inside { } and [ ] this needs quotes: \"choice([...], [...])\"";
    return NULL;
}

// Turns the first of libfyaml's messages into ours.
static void report_syntax(Reader *reader, struct fy_diag *messages)
{
    void *iterator = NULL;
    struct fy_diag_error *error = fy_diag_errors_iterate(messages, &iterator);
    if (error == NULL || error->msg == NULL) {
        diag_fail(reader->diag, place(reader, reader->cursor), "not valid YAML");
        return;
    }
    SourceAt at = {0};
    if (error->line > 0)
        at = (SourceAt){(uint32_t)error->line, error->column > 0 ? (uint32_t)error->column : 1, 1};
    const char *hint = syntax_hint(reader, at.line);
    char *text = arena_text(reader->arena, error->msg, strcspn(error->msg, "\n"));
    char *misspelled = strstr(text, "indendation"); // libfyaml 0.7 does
    if (misspelled != NULL)
        memcpy(misspelled, "indentation", strlen("indentation"));
    if (hint != NULL)
        diag_fail_hint(reader->diag, at, hint, "not valid YAML: %s", text);
    else
        diag_fail(reader->diag, at, "not valid YAML: %s", text);
}

static bool read_events(Reader *reader, struct fy_diag *messages)
{
    for (;;) {
        struct fy_event *event = fy_parser_parse(reader->parser);
        if (event == NULL)
            break;
        bool good = read_event(reader, event);
        bool ended = event->type == FYET_STREAM_END;
        fy_parser_event_free(reader->parser, event);
        if (!good)
            return false;
        if (ended)
            return true;
    }
    report_syntax(reader, messages);
    return false;
}

static bool parse(Reader *reader)
{
    struct fy_diag_cfg diag_cfg;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    diag_cfg.output_fn = swallow;
    diag_cfg.colorize = false;
    struct fy_diag *messages = fy_diag_create(&diag_cfg);
    CHECK(messages != NULL);
    fy_diag_set_collect_errors(messages, true);

    // JSON_NONE: the default looks at the first characters and may then read JSON's rules.
    struct fy_parse_cfg cfg = {
        .flags = FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE | FYPCF_ALLOW_DUPLICATE_KEYS,
        .diag = messages,
    };
    reader->parser = fy_parser_create(&cfg);
    CHECK(reader->parser != NULL);
    bool good = fy_parser_set_string(reader->parser, reader->masked + reader->skipped,
                                     reader->length - reader->skipped) == 0 &&
                read_events(reader, messages);
    fy_parser_destroy(reader->parser);
    fy_diag_destroy(messages); // not fy_diag_unref, which leaves the messages behind
    return good;
}

bool node_read(const char *source, size_t length, Arena *arena, Node **root, Diag *diag)
{
    *root = NULL;
    if (length > SOURCE_BYTES_MAX)
        return diag_fail(diag, (SourceAt){0}, "larger than %d MiB", SOURCE_BYTES_MAX >> 20);
    Reader reader = {
        .source = source, .length = length, .arena = arena, .diag = diag, .line = 1, .column = 1};
    if (length >= 3 && memcmp(source, "\xEF\xBB\xBF", 3) == 0)
        reader.skipped = 3;
    if (!check_characters(&reader))
        return false;

    Arena scratch = {0};
    char *masked = arena_text(&scratch, source, length);
    mask_expects(masked);
    reader.masked = masked;
    bool good = parse(&reader);
    arena_free(&scratch);
    if (!good)
        return false;
    if (reader.root == NULL)
        return diag_fail(diag, (SourceAt){0}, "empty: there is no scenario");
    *root = reader.root;
    return true;
}
