#include "sim/analysis/writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void writer_open(Writer *writer, bool (*write)(void *, const char *, size_t), void *context)
{
    writer->write = write;
    writer->context = context;
    writer->used = 0;
    writer->written = 0;
    writer->failed = false;
}

static bool write_to_file(void *context, const char *bytes, size_t count)
{
    return fwrite(bytes, 1, count, context) == count;
}

void writer_open_file(Writer *writer, void *file)
{
    writer_open(writer, write_to_file, file);
}

bool writer_flush(Writer *writer)
{
    if (writer->used > 0 && !writer->failed &&
        !writer->write(writer->context, writer->buffer, writer->used))
        writer->failed = true;
    writer->written += writer->used;
    writer->used = 0;
    return !writer->failed;
}

void writer_bytes_slow(Writer *writer, const char *bytes, size_t count)
{
    while (count > 0) {
        if (writer->used == WRITER_BUFFER)
            writer_flush(writer);
        size_t room = WRITER_BUFFER - writer->used;
        size_t piece = count < room ? count : room;
        memcpy(writer->buffer + writer->used, bytes, piece);
        writer->used += piece;
        bytes += piece;
        count -= piece;
    }
}

void writer_fill(Writer *writer, char c, int count)
{
    for (int i = 0; i < count; i++)
        writer_char(writer, c);
}

void writer_u64(Writer *writer, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    writer_bytes(writer, digits + at, sizeof digits - at);
}

void writer_i64(Writer *writer, int64_t value)
{
    if (value < 0)
        writer_char(writer, '-');
    writer_u64(writer, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void writer_hex(Writer *writer, uint64_t value, int digits)
{
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
        writer_char(writer, "0123456789abcdef"[value >> shift & 15]);
}

void writer_format(Writer *writer, const char *format, ...)
{
    char text[1001];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    writer_text(writer, text);
}

// The length of the well-formed UTF-8 sequence at `s`, 0 when there is none (RFC 3629: no overlong
// forms, no surrogates, nothing above U+10FFFF).
static int utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    int length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    for (int i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80) // also stops at the text's end
            return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] > 0x9f;
    bool beyond = s[0] == 0xf4 && s[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : length;
}

void writer_json_text(Writer *writer, const char *text)
{
    writer_char(writer, '"');
    for (const unsigned char *s = (const unsigned char *)text; *s != 0;) {
        const unsigned char *plain = s;
        while (*s >= 0x20 && *s < 0x7f && *s != '"' && *s != '\\')
            s++;
        writer_bytes(writer, (const char *)plain, (size_t)(s - plain));
        if (*s == 0)
            break;
        int length = utf8_length(s);
        if (*s == '"' || *s == '\\') {
            writer_char(writer, '\\');
            writer_char(writer, (char)*s);
        } else if (*s < 0x20 || *s == 0x7f) {
            writer_text(writer, "\\u00");
            writer_hex(writer, *s, 2);
        } else if (length == 0) {
            writer_text(writer, "\\ufffd");
        } else {
            writer_bytes(writer, (const char *)s, (size_t)length);
        }
        s += length == 0 ? 1 : length;
    }
    writer_char(writer, '"');
}

void writer_us(Writer *writer, int64_t ns)
{
    uint64_t value = (uint64_t)ns;
    writer_u64(writer, value / 1000);
    writer_char(writer, '.');
    writer_char(writer, (char)('0' + value / 100 % 10));
    writer_char(writer, (char)('0' + value / 10 % 10));
    writer_char(writer, (char)('0' + value % 10));
}

int text_columns(const char *text)
{
    int columns = 0;
    for (; *text != 0; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}
