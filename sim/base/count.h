// Counts for a person. Not a parser: see sim/scenario/quantity.h.
#pragma once
#include <stdint.h>

// Writes `count` with commas, "12,345,678". Returns `text`, which must hold 32 bytes.
char *count_text(uint64_t count, char text[static 32]);
