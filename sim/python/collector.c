#include "sim/python/collector.h"

#include "sim/base/check.h"
#include "sim/kernel/process_data.h"

#include <string.h>

// gc.get_threshold(): 700, 10, 10; from 3.13 on the first is 2000.
enum { THRESHOLD = 700, THRESHOLD_3_13 = 2000, THRESHOLD_OLDER = 10 };

// The oldest generation is left alone until the objects that have come in since its last collection
// are a quarter of those that were there: else making n objects would take n^2.
enum { LONG_LIVED_PART = 4 };

// LOCAL_ALLOC_COUNT_THRESHOLD.
enum { BATCH = 512 };

Collector *collector_of(Machine *machine, Process *process)
{
    if (process->collector != NULL)
        return process->collector;
    const Runtime *runtime = &process_family(machine, process)->runtime;
    bool newer = runtime->major == 3 && runtime->minor >= 13;
    Collector *collector = ARENA_NEW(&machine->arena, Collector);
    collector->threshold = newer ? THRESHOLD_3_13 : THRESHOLD;
    collector->one_generation = runtime->free_threaded;
    collector->group_count = machine->scenario->memory_count + 1;
    collector->groups = ARENA_ARRAY(&machine->arena, ObjectGroup, collector->group_count);
    process->collector = collector;
    return collector;
}

void collector_fork(Machine *machine, const Process *parent, Process *child)
{
    const Collector *from = parent->collector;
    if (from == NULL)
        return;
    Collector *to = collector_of(machine, child);
    ObjectGroup *groups = to->groups;
    CHECK(to->group_count == from->group_count);
    memcpy(groups, from->groups, from->group_count * sizeof *groups);
    *to = *from;
    to->groups = groups;
    to->collecting = false; // a thread that is not there
}

void collector_forget(const Process *process)
{
    Collector *collector = process->collector;
    if (collector == NULL)
        return;
    ObjectGroup *groups = collector->groups;
    memset(groups, 0, collector->group_count * sizeof *groups);
    *collector = (Collector){.threshold = collector->threshold,
                             .one_generation = collector->one_generation,
                             .groups = groups,
                             .group_count = collector->group_count};
}

uint32_t collector_room(const Collector *collector)
{
    if (collector->disabled)
        return UINT32_MAX;
    return collector->count[0] > collector->threshold
               ? 0
               : collector->threshold + 1 - collector->count[0];
}

void collector_make(Collector *collector, uint32_t group, uint32_t count, bool cycles)
{
    ObjectGroup *objects = &collector->groups[group];
    *(cycles ? &objects->cyclic[0] : &objects->plain[0]) += count;
    collector->count[0] =
        count > UINT32_MAX - collector->count[0] ? UINT32_MAX : collector->count[0] + count;
}

static uint64_t alive(const ObjectGroup *objects)
{
    uint64_t count = objects->frozen_plain + objects->frozen_cyclic;
    for (int g = 0; g < GENERATIONS; g++)
        count += objects->plain[g] + objects->cyclic[g];
    return count;
}

uint64_t collector_take(Collector *collector, uint32_t group)
{
    ObjectGroup *objects = &collector->groups[group];
    uint64_t count = alive(objects);
    CHECK(objects->taken < UINT32_MAX);
    objects->taken += count > 0;
    return count;
}

uint64_t collector_give_back(Collector *collector, uint32_t group)
{
    ObjectGroup *objects = &collector->groups[group];
    if (objects->taken == 0)
        return 0;
    objects->taken--;
    return alive(objects);
}

uint64_t collector_drop(Collector *collector, uint32_t group, uint64_t *garbage)
{
    ObjectGroup *objects = &collector->groups[group];
    uint64_t freed = objects->frozen_plain;
    *garbage = objects->frozen_cyclic; // never found
    objects->frozen_plain = objects->frozen_cyclic = 0;
    for (int g = 0; g < GENERATIONS; g++) {
        freed += objects->plain[g];
        *garbage += objects->cyclic[g];
        objects->garbage[g] += objects->cyclic[g];
        objects->plain[g] = objects->cyclic[g] = 0;
    }
    collector->count[0] = freed < collector->count[0] ? collector->count[0] - (uint32_t)freed : 0;
    return freed;
}

uint32_t collector_batch(int32_t counted)
{
    return (uint32_t)(BATCH - counted);
}

bool collector_count(Collector *collector, int32_t *counted, int64_t count)
{
    int64_t now = *counted + count, told = now / BATCH * BATCH;
    *counted = (int32_t)(now - told);
    collector->young += told;
    return told > 0;
}

int collector_due(const Collector *collector)
{
    if (collector->one_generation) {
        bool due = !collector->disabled && !collector->collecting &&
                   collector->young > (int64_t)collector->threshold &&
                   collector->young > (int64_t)(collector->long_lived / LONG_LIVED_PART);
        return due ? GENERATIONS - 1 : -1;
    }
    if (collector->disabled || collector->count[0] <= collector->threshold)
        return -1;
    if (collector->count[2] > THRESHOLD_OLDER &&
        collector->long_pending >= collector->long_lived / LONG_LIVED_PART)
        return 2;
    return collector->count[1] > THRESHOLD_OLDER ? 1 : 0;
}

Collection collector_look(const Collector *collector, int generation)
{
    Collection found = {0};
    for (uint32_t i = 0; i < collector->group_count; i++) {
        const ObjectGroup *objects = &collector->groups[i];
        for (int g = 0; g <= generation; g++) {
            found.traversed += objects->plain[g] + objects->cyclic[g] + objects->garbage[g];
            found.freed += objects->garbage[g];
        }
    }
    return found;
}

// What is alive in generations up to this one, which has been collected.
static uint64_t grow_older(ObjectGroup *objects, int generation)
{
    int older = generation < GENERATIONS - 1 ? generation + 1 : generation;
    uint64_t plain = 0, cyclic = 0;
    for (int g = 0; g <= generation; g++) {
        plain += objects->plain[g];
        cyclic += objects->cyclic[g];
        objects->plain[g] = objects->cyclic[g] = objects->garbage[g] = 0;
    }
    objects->plain[older] += plain;
    objects->cyclic[older] += cyclic;
    return plain + cyclic;
}

void collector_collect(Collector *collector, int generation)
{
    CHECKF(generation >= 0 && generation < GENERATIONS, "generation %d", generation);
    uint64_t alive = 0;
    for (uint32_t i = 0; i < collector->group_count; i++)
        alive += grow_older(&collector->groups[i], generation);
    for (int g = 0; g <= generation; g++)
        collector->count[g] = 0;
    collector->young = 0;
    if (generation < GENERATIONS - 1)
        collector->count[generation + 1]++;
    if (generation == GENERATIONS - 2)
        collector->long_pending += alive;
    if (generation == GENERATIONS - 1) {
        collector->long_pending = 0;
        collector->long_lived = alive;
    }
}

void collector_freeze(Collector *collector)
{
    for (uint32_t i = 0; i < collector->group_count; i++) {
        ObjectGroup *objects = &collector->groups[i];
        for (int g = 0; g < GENERATIONS; g++) {
            objects->frozen_plain += objects->plain[g];
            objects->frozen_cyclic += objects->cyclic[g];
            objects->plain[g] = objects->cyclic[g] = objects->garbage[g] = 0;
        }
    }
    memset(collector->count, 0, sizeof collector->count);
}
