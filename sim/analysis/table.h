// A table of text for a terminal: cells are collected, then printed in columns as wide as their
// widest cell. For tens of rows, not for millions.
#pragma once
#include "sim/analysis/writer.h"
#include "sim/base/arena.h"
#include "sim/base/array.h"

enum { TABLE_COLUMNS_MAX = 16, TABLE_CELL_COLUMNS_MAX = 36 };

// Zero-initialise; set `arena`. `left`: bit i set, column i is aligned to the left.
typedef struct Table {
    Arena *arena;
    int columns;
    unsigned left;
    ARRAY(const char *) cells; // row after row; the first row is the heading
} Table;

// One cell more, in the order of reading. Control characters become '?', long texts are cut.
void table_text(Table *table, const char *text);
void table_ns(Table *table, int64_t ns);        // negative: a dash
void table_count(Table *table, uint64_t count); // with thousands separated: 12,345
// Prints and empties it; lines begin with two spaces, the heading is dim when `colour`.
void table_print(Table *table, Writer *writer, bool colour);
