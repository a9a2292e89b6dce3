// Bytes on their way: in a pipe, or in a buffer. They have no content here, but where a line ends
// is known, so that a reader can look for it. What is known of equal lines is kept once for all of
// them.
#pragma once
#include "sim/kernel/machine.h"

// Lines that end at `first`, `first` + `every`, … (offsets behind their last byte), `count` of
// them.
typedef struct LineRun {
    uint64_t first;
    uint64_t every;
    uint64_t count;
} LineRun;

// Offsets count from the first byte that has ever been in it.
typedef struct Bytes {
    uint64_t begin, end;
    LineRun *runs; // a ring of `room` (a power of two) from `head`
    uint32_t head, count, room;
} Bytes;

static inline uint64_t bytes_length(const Bytes *bytes)
{
    return bytes->end - bytes->begin;
}

// Adds `more` bytes at the end. `line` 0: no line ends in them; else they are of lines of that
// length, and `done` bytes of those have been added before.
void bytes_add(Machine *machine, Bytes *bytes, uint64_t more, uint64_t line, uint64_t done);
// Takes `length` bytes from the beginning and adds them to `to`; NULL: they are gone.
void bytes_move(Machine *machine, Bytes *bytes, uint64_t length, Bytes *to);
// How long the first line is, with its end; 0: no line ends here.
uint64_t bytes_line(const Bytes *bytes);
void bytes_free(Machine *machine, Bytes *bytes);
