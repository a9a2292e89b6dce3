// Vector clocks: what a thread, or an object that threads synchronise by, knows of each thread's
// progress. A thread's own entry counts its releases; an access at count c of thread u happened
// before everything that knows at least c of u. (Lamport; Mattern; as FastTrack uses them: Flanagan
// and Freund, PLDI 2009.)
#pragma once
#include <stddef.h>
#include <stdint.h>

// Zero-initialise. Threads beyond `count` are known at 0: not at all.
typedef struct VectorClock {
    uint32_t *at;
    uint32_t count;
} VectorClock;

static inline uint32_t vector_clock_get(const VectorClock *clock, uint32_t thread)
{
    return thread < clock->count ? clock->at[thread] : 0;
}

// Each adds to `*bytes` what memory it took.
void vector_clock_set(VectorClock *clock, uint32_t thread, uint32_t value, size_t *bytes);
// From now on `clock` knows what `other` knows too.
void vector_clock_join(VectorClock *clock, const VectorClock *other, size_t *bytes);
// From now on `clock` knows just what `other` knows.
void vector_clock_copy(VectorClock *clock, const VectorClock *other, size_t *bytes);
// Takes its memory off `*bytes`.
void vector_clock_free(VectorClock *clock, size_t *bytes);
