// A series of measured lengths of time: waits, holds, latencies. Keeps every sample up to
// SAMPLES_MAX; beyond it a uniform random choice of that many (reservoir sampling, Vitter's
// algorithm R, with our own generator, so that the choice is the same everywhere). Count, sum,
// least and greatest stay exact; a percentile p of a choice has the rank error of sampling, one
// standard deviation of sqrt(p (1 - p) / 2^20), at most 0.05 % of rank.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SAMPLES_MAX = 1 << 20 };

// Zero-initialise; `owned` (before the first sample) keeps with every sample whose it is.
typedef struct Samples {
    int64_t *values;
    uint32_t *owners;
    uint64_t total; // samples added
    uint64_t random;
    double sum; // exact below 2^53 ns, 104 days
    int64_t min, max;
    uint32_t kept, capacity;
    bool owned;
} Samples;

typedef struct SamplesSummary {
    uint64_t count;                   // the rest means nothing when 0
    int64_t mean, p50, p90, p99, max; // ns; mean rounded
} SamplesSummary;

void samples_add(Samples *samples, int64_t value, uint32_t owner);
SamplesSummary samples_summary(const Samples *samples);
// Writes the samples of `owner` (0: all) to `values`, which has room for `kept`; returns how many.
// With all of them the least and the greatest are always included.
size_t samples_values(const Samples *samples, uint32_t owner, double *values);
void samples_free(Samples *samples);
