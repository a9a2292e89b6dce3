#include "sim/analysis/samples.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

static void samples_grow(Samples *samples)
{
    uint32_t capacity = samples->capacity == 0 ? 16 : 2 * samples->capacity;
    samples->values = realloc(samples->values, capacity * sizeof *samples->values);
    CHECK(samples->values != NULL);
    if (samples->owned) {
        samples->owners = realloc(samples->owners, capacity * sizeof *samples->owners);
        CHECK(samples->owners != NULL);
    }
    samples->capacity = capacity;
}

// SplitMix64: enough for a choice of samples.
static uint64_t next_random(Samples *samples)
{
    uint64_t z = samples->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void samples_add(Samples *samples, int64_t value, uint32_t owner)
{
    if (samples->total == 0 || value < samples->min)
        samples->min = value;
    if (samples->total == 0 || value > samples->max)
        samples->max = value;
    samples->total++;
    samples->sum += (double)value;
    uint64_t slot = samples->kept;
    if (slot == SAMPLES_MAX) {
        slot = next_random(samples) % samples->total;
        if (slot >= SAMPLES_MAX)
            return;
    } else {
        if (samples->kept == samples->capacity)
            samples_grow(samples);
        samples->kept++;
    }
    samples->values[slot] = value;
    if (samples->owned)
        samples->owners[slot] = owner;
}

static int compare_values(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

// The nearest rank: the least of `count` sorted values that at least `percent` % do not exceed.
static int64_t nearest_rank(const int64_t *sorted, uint64_t count, uint64_t percent)
{
    return sorted[(count * percent + 99) / 100 - 1];
}

SamplesSummary samples_summary(const Samples *samples)
{
    SamplesSummary summary = {.count = samples->total};
    if (samples->total == 0)
        return summary;
    int64_t *sorted = malloc(samples->kept * sizeof *sorted);
    CHECK(sorted != NULL);
    memcpy(sorted, samples->values, samples->kept * sizeof *sorted);
    qsort(sorted, samples->kept, sizeof *sorted, compare_values);
    summary.mean = (int64_t)(samples->sum / (double)samples->total + 0.5);
    summary.p50 = nearest_rank(sorted, samples->kept, 50);
    summary.p90 = nearest_rank(sorted, samples->kept, 90);
    summary.p99 = nearest_rank(sorted, samples->kept, 99);
    summary.max = samples->max;
    free(sorted);
    return summary;
}

size_t samples_values(const Samples *samples, uint32_t owner, double *values)
{
    size_t count = 0;
    for (uint32_t i = 0; i < samples->kept; i++)
        if (owner == 0 || (samples->owned && samples->owners[i] == owner))
            values[count++] = (double)samples->values[i];
    if (owner == 0 && samples->total > samples->kept) {
        values[0] = (double)samples->min;
        values[1] = (double)samples->max;
    }
    return count;
}

void samples_free(Samples *samples)
{
    free(samples->values);
    free(samples->owners);
    *samples = (Samples){0};
}
