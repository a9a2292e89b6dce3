// Simulated time: integer nanoseconds in two types that cannot be mixed. An Instant counts from
// the beginning of the run; a Duration is a length. Not a clock: nothing here reads one.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t ns;
} Instant;

typedef struct {
    int64_t ns;
} Duration;

// Later than every event. Far enough from INT64_MAX that adding any allowed duration is safe.
#define INSTANT_NEVER ((Instant){INT64_MAX / 2})

// The longest duration that a scenario may name: 10 years.
#define DURATION_MAX_NS ((int64_t)10 * 365 * 24 * 3600 * 1000000000)

static inline Instant instant_add(Instant t, Duration d)
{
    return (Instant){t.ns + d.ns};
}

static inline Duration instant_since(Instant later, Instant earlier)
{
    return (Duration){later.ns - earlier.ns};
}

static inline bool instant_before(Instant a, Instant b)
{
    return a.ns < b.ns;
}

static inline Instant instant_min(Instant a, Instant b)
{
    return a.ns < b.ns ? a : b;
}

static inline Duration duration_add(Duration a, Duration b)
{
    return (Duration){a.ns + b.ns};
}

// Writes `ns` the way a person would: "12.5 ms", "800 ns", "1.25 s"; at most four significant
// digits after rounding. Returns `text`, which must hold 32 bytes.
char *duration_text(int64_t ns, char text[static 32]);
