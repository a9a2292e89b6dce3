#include "sim/analysis/table.h"

#include "sim/base/check.h"
#include "sim/base/count.h"
#include "sim/base/time.h"

#include <string.h>

// The bytes of the first `columns` code points of `text`.
static size_t bytes_of_columns(const char *text, int columns)
{
    size_t at = 0;
    while (text[at] != 0) {
        bool begins = ((unsigned char)text[at] & 0xc0) != 0x80;
        if (begins && columns-- == 0)
            break;
        at++;
    }
    return at;
}

void table_text(Table *table, const char *text)
{
    char *copy;
    if (text_columns(text) <= TABLE_CELL_COLUMNS_MAX) {
        copy = arena_text(table->arena, text, strlen(text));
    } else {
        int length = (int)bytes_of_columns(text, TABLE_CELL_COLUMNS_MAX - 1);
        copy = arena_format(table->arena, "%.*s…", length, text);
    }
    for (char *c = copy; *c != 0; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    *ARRAY_PUSH(&table->cells) = copy;
}

void table_ns(Table *table, int64_t ns)
{
    char text[32];
    table_text(table, ns < 0 ? "-" : duration_text(ns, text));
}

void table_count(Table *table, uint64_t count)
{
    char text[32];
    table_text(table, count_text(count, text));
}

static void row_print(const Table *table, const char *const *row, const int *widths, Writer *writer)
{
    writer_text(writer, "  ");
    for (int i = 0; i < table->columns; i++) {
        int room = widths[i] - text_columns(row[i]);
        bool left = table->left >> i & 1;
        writer_fill(writer, ' ', left ? 0 : room);
        writer_text(writer, row[i]);
        if (i + 1 < table->columns)
            writer_fill(writer, ' ', 2 + (left ? room : 0));
    }
}

void table_print(Table *table, Writer *writer, bool colour)
{
    CHECK(table->columns > 0 && table->columns <= TABLE_COLUMNS_MAX);
    CHECK(table->cells.count % (size_t)table->columns == 0);
    int widths[TABLE_COLUMNS_MAX] = {0};
    for (size_t i = 0; i < table->cells.count; i++) {
        int width = text_columns(table->cells.at[i]);
        int *widest = &widths[i % (size_t)table->columns];
        *widest = width > *widest ? width : *widest;
    }
    for (size_t i = 0; i < table->cells.count; i += (size_t)table->columns) {
        bool heading = colour && i == 0;
        writer_text(writer, heading ? "\x1b[2m" : "");
        row_print(table, &table->cells.at[i], widths, writer);
        writer_text(writer, heading ? "\x1b[0m\n" : "\n");
    }
    ARRAY_FREE(&table->cells);
}
