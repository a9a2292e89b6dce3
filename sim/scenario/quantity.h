// Numbers and units as a person writes them, to integers: no floating point, no rounding of time.
// Knows nothing about YAML. Spaces around a quantity and before its unit are allowed, and so is _
// between digits (1_000_000).
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum QuantityError {
    QUANTITY_GOOD,
    QUANTITY_NOT_A_NUMBER,
    QUANTITY_NEGATIVE,
    QUANTITY_NO_UNIT,     // a bare number where a unit is due
    QUANTITY_BAD_UNIT,    // an unknown unit
    QUANTITY_TOO_PRECISE, // finer than 1 ns, or more decimals than can be kept
    QUANTITY_TOO_LARGE,   // a duration beyond DURATION_MAX_NS, a number beyond 64 bits
} QuantityError;

// "5ms", "1.5 us": nanoseconds. Units: ns us µs ms s min h.
QuantityError quantity_duration(const char *text, size_t length, int64_t *ns);

// "1000000", "1_000_000", "1M": a whole number. Suffixes k, M, G are thousands.
QuantityError quantity_count(const char *text, size_t length, uint64_t *value);

// "64MiB", "1.5 GiB", "512B": bytes. Units: B KiB MiB GiB TiB. QUANTITY_TOO_LARGE from 2^62 on.
QuantityError quantity_size(const char *text, size_t length, uint64_t *bytes);

// "0.25", at most nine decimals: times 2^32, rounded to the nearest. Whole part below 2^30.
QuantityError quantity_q32(const char *text, size_t length, int64_t *q32);

// "30%" or "0.3": parts per 2^32 - 1, rounded to the nearest. QUANTITY_TOO_LARGE above 1.
QuantityError quantity_chance(const char *text, size_t length, uint32_t *parts);

// "2.5", at most six decimals: times 10^6. QUANTITY_TOO_LARGE above 10^9.
QuantityError quantity_micro(const char *text, size_t length, uint64_t *millionths);

// The names of the units of time, NULL-terminated, and all in one text for messages.
extern const char *const quantity_time_units[];
