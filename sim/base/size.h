// Sizes for a person. Not a parser: see sim/scenario/quantity.h.
#pragma once
#include <stdint.h>

// Writes `bytes` the way a person would: "512 B", "64 KiB", "1.25 GiB"; at most four significant
// digits after rounding. Returns `text`, which must hold 32 bytes.
char *size_text(uint64_t bytes, char text[static 32]);
