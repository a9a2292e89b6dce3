#include "sim/analysis/vector_clock.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

static void grow(VectorClock *clock, uint32_t count, size_t *bytes)
{
    if (count <= clock->count)
        return;
    // Eight at a time: threads come one by one.
    uint32_t room = (count + 7) / 8 * 8;
    uint32_t *at = realloc(clock->at, room * sizeof *at);
    CHECKF(at != NULL, "out of memory for a clock of %u threads", room);
    memset(at + clock->count, 0, (room - clock->count) * sizeof *at);
    *bytes += (room - clock->count) * sizeof *at;
    clock->at = at;
    clock->count = room;
}

void vector_clock_set(VectorClock *clock, uint32_t thread, uint32_t value, size_t *bytes)
{
    grow(clock, thread + 1, bytes);
    clock->at[thread] = value;
}

void vector_clock_join(VectorClock *clock, const VectorClock *other, size_t *bytes)
{
    grow(clock, other->count, bytes);
    for (uint32_t i = 0; i < other->count; i++)
        if (other->at[i] > clock->at[i])
            clock->at[i] = other->at[i];
}

void vector_clock_copy(VectorClock *clock, const VectorClock *other, size_t *bytes)
{
    grow(clock, other->count, bytes);
    for (uint32_t i = 0; i < clock->count; i++)
        clock->at[i] = vector_clock_get(other, i);
}

void vector_clock_free(VectorClock *clock, size_t *bytes)
{
    *bytes -= clock->count * sizeof *clock->at;
    free(clock->at);
    *clock = (VectorClock){0};
}
