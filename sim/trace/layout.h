// The bytes of a trace file, shared by its writer and its reader and by nothing else.
//
//   0  magic                     24  seed (u64)                   56  the four texts, one after
//   8  version (u32)             32  record count (u64)               another, without a zero
//  12  header bytes (u32)        40  length of each text (4 u32):     behind; then zeroes up to
//  16  record bytes (u32) = 32       path, scenario, overrides,       `header bytes`, which is a
//  20  flags (u32): 1 measured       machine                          multiple of 32
//
// Then the records, as in record.h. All numbers are little-endian.
#pragma once
#include "sim/trace/trace_file.h"

// Its first byte is no text's, and a transfer that rewrites line ends spoils it (as PNG's does).
#define TRACE_MAGIC "\x89RST\r\n\x1a\n"

enum {
    LAYOUT_MAGIC_BYTES = 8,
    LAYOUT_VERSION = 8,
    LAYOUT_HEADER_BYTES = 12,
    LAYOUT_RECORD_BYTES = 16,
    LAYOUT_FLAGS = 20,
    LAYOUT_SEED = 24,
    LAYOUT_COUNT = 32,
    LAYOUT_LENGTHS = 40,
    LAYOUT_TEXTS = 56,
    LAYOUT_TEXT_COUNT = 4,
    LAYOUT_ALIGN = 32,
    LAYOUT_FLAG_MEASURED = 1,
};

static inline void layout_put(unsigned char *bytes, int width, uint64_t value)
{
    for (int i = 0; i < width; i++)
        bytes[i] = (unsigned char)(value >> 8 * i);
}

static inline uint64_t layout_get(const unsigned char *bytes, int width)
{
    uint64_t value = 0;
    for (int i = 0; i < width; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

// Records are written as they lie in memory, which is right on the machines that we build for.
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a big-endian machine must swap records");
