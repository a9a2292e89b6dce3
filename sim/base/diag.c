#include "sim/base/diag.h"

#include "sim/base/array.h"

#include <stdio.h>
#include <string.h>

// A line of source longer than this is shown in part, around the column in question.
enum { SHOWN_COLUMNS = 160, SHOWN_BEFORE = 60, NEAREST_LENGTH_MAX = 63 };

// Whether `a` stands before `b`. A message without a place stands after all that have one.
static bool at_before(SourceAt a, SourceAt b)
{
    if (a.line == 0 || b.line == 0)
        return a.line != 0 && b.line == 0;
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

// Takes out the last error, so that the errors kept are the first in the source.
static void drop_last_error(Diag *diag)
{
    DiagMessage *before = NULL, *before_error = NULL, *error = NULL;
    for (DiagMessage *message = diag->first; message != NULL; message = message->next) {
        if (message->level == DIAG_ERROR) {
            before_error = before;
            error = message;
        }
        before = message;
    }
    if (error == NULL)
        return;
    if (before_error != NULL)
        before_error->next = error->next;
    else
        diag->first = error->next;
    if (diag->last == error)
        diag->last = before_error;
}

// Whether an error at `at` would stand after all of the errors kept, when no more are kept.
static bool would_be_dropped(const Diag *diag, SourceAt at)
{
    if (diag->errors < DIAG_ERRORS_MAX)
        return false;
    for (const DiagMessage *message = diag->first; message != NULL; message = message->next)
        if (message->level == DIAG_ERROR && at_before(at, message->at))
            return false;
    return true;
}

static void insert(Diag *diag, DiagMessage *message)
{
    DiagMessage *before = NULL;
    for (DiagMessage *other = diag->first; other != NULL; other = other->next)
        if (!at_before(message->at, other->at))
            before = other;
    if (before == NULL) {
        message->next = diag->first;
        diag->first = message;
    } else {
        message->next = before->next;
        before->next = message;
    }
    if (message->next == NULL)
        diag->last = message;
}

__attribute__((format(printf, 5, 0))) static void
add(Diag *diag, DiagLevel level, SourceAt at, const char *hint, const char *format, va_list values)
{
    if (level == DIAG_ERROR) {
        bool dropped = would_be_dropped(diag, at);
        if (!dropped && diag->errors >= DIAG_ERRORS_MAX)
            drop_last_error(diag);
        diag->errors++;
        if (dropped)
            return;
    } else if (++diag->warnings > DIAG_ERRORS_MAX) {
        return;
    }
    DiagMessage *message = ARENA_NEW(&diag->arena, DiagMessage);
    message->level = level;
    message->at = at;
    message->text = arena_vformat(&diag->arena, format, values);
    message->hint = hint == NULL ? NULL : arena_text(&diag->arena, hint, strlen(hint));
    insert(diag, message);
}

bool diag_fail(Diag *diag, SourceAt at, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    add(diag, DIAG_ERROR, at, NULL, format, values);
    va_end(values);
    return false;
}

bool diag_fail_hint(Diag *diag, SourceAt at, const char *hint, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    add(diag, DIAG_ERROR, at, hint, format, values);
    va_end(values);
    return false;
}

void diag_warn(Diag *diag, SourceAt at, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    add(diag, DIAG_WARNING, at, NULL, format, values);
    va_end(values);
}

typedef ARRAY(char) Text;

static void text_bytes(Text *text, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        *ARRAY_PUSH(text) = bytes[i];
}

__attribute__((format(printf, 2, 3))) static void text_format(Text *text, const char *format, ...)
{
    char small[256];
    va_list values, again;
    va_start(values, format);
    va_copy(again, values);
    int length = vsnprintf(small, sizeof small, format, values);
    if (length > 0 && (size_t)length < sizeof small) {
        text_bytes(text, small, (size_t)length);
    } else if (length > 0) {
        Arena arena = {0};
        text_bytes(text, arena_vformat(&arena, format, again), (size_t)length);
        arena_free(&arena);
    }
    va_end(again);
    va_end(values);
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

// Bytes of the character at `at`, which ends before `end`: a stray continuation counts as one.
static size_t character_bytes(const char *at, const char *end)
{
    size_t bytes = 1;
    while (at + bytes < end && is_continuation(at[bytes]))
        bytes++;
    return bytes;
}

static void character_show(Text *text, const char *at, size_t bytes)
{
    unsigned char first = (unsigned char)*at;
    bool control = first < 0x20 || first == 0x7F || (first == 0xC2 && (unsigned char)at[1] < 0xA0);
    bool whole = bytes == (first < 0x80 ? 1u : first < 0xE0 ? 2u : first < 0xF0 ? 3u : 4u);
    if (control || !whole || is_continuation(*at))
        text_bytes(text, "?", 1); // never let a scenario steer the terminal
    else
        text_bytes(text, at, bytes);
}

// The start of line `line` of the source and, in `*end`, where its text ends; NULL: no such line.
static const char *source_line(const char *source, uint32_t line, const char **end)
{
    const char *start = source;
    for (uint32_t i = 1; i < line; i++) {
        start = strchr(start, '\n');
        if (start == NULL)
            return NULL;
        start++;
    }
    const char *stop = strchr(start, '\n');
    if (stop == NULL)
        stop = start + strlen(start);
    if (stop > start && stop[-1] == '\r')
        stop--;
    *end = stop;
    return start;
}

// The line itself and, under it, the caret with its tail and the hint.
static void show_source(Text *text, const Diag *diag, const DiagMessage *message)
{
    const char *end = NULL;
    const char *line = source_line(diag->source, message->at.line, &end);
    if (line == NULL)
        return;
    if (end - line >= 3 && message->at.line == 1 && memcmp(line, "\xEF\xBB\xBF", 3) == 0)
        line += 3; // a byte order mark takes no column

    uint32_t column = message->at.column > 0 ? message->at.column : 1;
    uint32_t first = 1;
    if (column > SHOWN_COLUMNS - 20)
        first = column - SHOWN_BEFORE;
    Text under = {0};
    text_format(text, "%5u | ", message->at.line);
    text_format(&under, "      | ");
    if (first > 1) {
        text_format(text, "…");
        text_format(&under, " ");
    }
    uint32_t at = 1, shown_end = first + SHOWN_COLUMNS;
    for (; line < end && at < shown_end; at++) {
        size_t bytes = character_bytes(line, end);
        if (at >= first) {
            bool tab = *line == '\t';
            if (tab)
                text_bytes(text, "\t", 1);
            else
                character_show(text, line, bytes);
            if (at < column)
                text_bytes(&under, tab ? "\t" : " ", 1);
        }
        line += bytes;
    }
    if (line < end)
        text_format(text, "…");
    for (; at < column && at < shown_end; at++)
        text_bytes(&under, " ", 1);

    text_bytes(&under, "^", 1);
    for (uint32_t i = 1; i < message->at.length && column + i < shown_end; i++)
        text_bytes(&under, "~", 1);
    if (message->hint != NULL)
        text_format(&under, " %s", message->hint);
    text_bytes(text, "\n", 1);
    text_bytes(text, under.at, under.count);
    text_bytes(text, "\n", 1);
    ARRAY_FREE(&under);
}

static void show(Text *text, const Diag *diag, const DiagMessage *message)
{
    static const char *const levels[] = {"error", "warning", "note"};
    if (diag->path != NULL)
        text_format(text, "%s:", diag->path);
    if (message->at.line > 0)
        text_format(text, "%s%u:%u:", diag->path == NULL ? "line " : "", message->at.line,
                    message->at.column);
    text_format(text, "%s%s: %s", text->count > 0 && text->at[text->count - 1] == ':' ? " " : "",
                levels[message->level], message->text);
    bool in_source = message->at.line > 0 && diag->source != NULL;
    if (!in_source && message->hint != NULL)
        text_format(text, " (%s)", message->hint);
    text_bytes(text, "\n", 1);
    if (in_source)
        show_source(text, diag, message);
}

const char *diag_text(Diag *diag)
{
    Text text = {0};
    for (const DiagMessage *message = diag->first; message != NULL; message = message->next)
        show(&text, diag, message);
    if (diag->errors > DIAG_ERRORS_MAX)
        text_format(&text, "and %u more errors\n", diag->errors - DIAG_ERRORS_MAX);
    const char *copy = arena_text(&diag->arena, text.at, text.count);
    ARRAY_FREE(&text);
    return copy;
}

void diag_free(Diag *diag)
{
    arena_free(&diag->arena);
    *diag = (Diag){0};
}

// ASCII only, so that no locale has a say.
static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

// Optimal string alignment: insertions, deletions, changes and swaps of neighbours, each one step.
// Letters that differ in case only are equal. Both lengths are at most NEAREST_LENGTH_MAX.
static unsigned edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned row[3][NEAREST_LENGTH_MAX + 1];
    unsigned *before = row[0], *above = row[1], *now = row[2];
    for (size_t j = 0; j <= b_length; j++)
        above[j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            int x = lower(a[i - 1]), y = lower(b[j - 1]);
            unsigned best = above[j - 1] + (x != y);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            bool swapped = i > 1 && j > 1 && x == lower(b[j - 2]) && y == lower(a[i - 2]);
            if (swapped && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
        unsigned *reuse = before;
        before = above;
        above = now;
        now = reuse;
    }
    return above[b_length];
}

const char *diag_nearest(const char *word, const char *const *candidates, size_t count)
{
    size_t length = strlen(word);
    if (length == 0 || length > NEAREST_LENGTH_MAX)
        return NULL;
    const char *nearest = NULL;
    unsigned least = 0;
    for (size_t i = 0; i < count; i++) {
        if (candidates[i] == NULL)
            continue;
        size_t other = strlen(candidates[i]);
        if (other == 0 || other > NEAREST_LENGTH_MAX)
            continue;
        // Near enough: a third of the longer word may differ, so that a word of two letters is
        // never taken for another one of two letters that shares none.
        size_t longer = length > other ? length : other;
        unsigned allowed = (unsigned)((longer + 2) / 3);
        unsigned distance = edit_distance(word, length, candidates[i], other);
        if (distance <= allowed && distance < longer && (nearest == NULL || distance < least)) {
            nearest = candidates[i];
            least = distance;
        }
    }
    return nearest;
}
