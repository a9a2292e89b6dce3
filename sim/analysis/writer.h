// A writer: text in small pieces to wherever it goes, through one buffer. The exporters and reports
// write millions of pieces; none of them knows whether it writes to a file or to memory.
// Not a formatter of numbers in a locale: what it writes is the same everywhere.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { WRITER_BUFFER = 16384 };

typedef struct Writer {
    // Takes `count` bytes; false when it cannot (the disk is full). Called with full buffers.
    bool (*write)(void *context, const char *bytes, size_t count);
    void *context;
    size_t used;      // bytes in the buffer
    uint64_t written; // bytes handed over before them
    bool failed;      // a write failed: what follows is dropped
    char buffer[WRITER_BUFFER];
} Writer;

void writer_open(Writer *writer, bool (*write)(void *, const char *, size_t), void *context);
// The same for a `FILE *` (declared so that this header needs no stdio). The caller closes it.
void writer_open_file(Writer *writer, void *file);
// Hands over what the buffer holds. Returns false when this or an earlier write failed.
bool writer_flush(Writer *writer);

// For pieces that may not fit in what is left of the buffer.
void writer_bytes_slow(Writer *writer, const char *bytes, size_t count);

static inline void writer_bytes(Writer *writer, const char *bytes, size_t count)
{
    if (count > WRITER_BUFFER - writer->used) {
        writer_bytes_slow(writer, bytes, count);
        return;
    }
    memcpy(writer->buffer + writer->used, bytes, count);
    writer->used += count;
}

// Inline, so that the length of a literal is known when it is compiled.
static inline void writer_text(Writer *writer, const char *text)
{
    writer_bytes(writer, text, strlen(text));
}

static inline void writer_char(Writer *writer, char c)
{
    writer_bytes(writer, &c, 1);
}

void writer_fill(Writer *writer, char c, int count); // nothing when count <= 0
void writer_u64(Writer *writer, uint64_t value);
void writer_i64(Writer *writer, int64_t value);
void writer_hex(Writer *writer, uint64_t value, int digits);
// Pieces that are longer than 1,000 bytes are cut: for numbers and words, not for texts of users.
__attribute__((format(printf, 2, 3))) void writer_format(Writer *writer, const char *format, ...);

// A JSON string with its quotes. Invalid UTF-8 becomes U+FFFD, so that the result is always JSON.
void writer_json_text(Writer *writer, const char *text);
// Nanoseconds as microseconds with three decimals, exactly: "12.345". ns >= 0.
void writer_us(Writer *writer, int64_t ns);
// Columns (code points) that `text` takes on a terminal, wide characters apart.
int text_columns(const char *text);
