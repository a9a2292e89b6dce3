// Random asyncio programs, as scenarios.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Writes the scenario of `seed`, for CPython 3.`minor`, into `text`; at most `room` bytes.
void asyncio_program(uint64_t seed, int minor, char *text, size_t room);
// The same with eager tasks; 3.12 or later.
void asyncio_eager_program(uint64_t seed, int minor, char *text, size_t room);
