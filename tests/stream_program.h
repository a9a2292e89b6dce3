// Random asyncio programs whose tasks talk through streams, as scenarios.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Writes the scenario of `seed`, for CPython 3.`minor`, into `text`; at most `room` bytes.
void stream_program(uint64_t seed, int minor, char *text, size_t room);
