#include "sim/kernel/warmth.h"

#include "sim/hardware/warm_cache.h"

// The segment of a core that is work.
typedef struct Stretch {
    TaskId task; // none: no such segment
    Duration work, length;
    bool warm;
} Stretch;

struct Warmth {
    WarmCache cache;
    Stretch stretch;
};

void warmth_init(Machine *machine)
{
    if (machine->scenario->machine.warm_rate > 1)
        machine->warmths = ARENA_ARRAY(&machine->arena, Warmth, machine->core_count);
}

void warmth_free(Machine *machine)
{
    for (uint32_t i = 0; machine->warmths != NULL && i < machine->core_count; i++)
        warm_cache_free(&machine->warmths[i].cache);
}

Duration warmth_begin(Machine *machine, const Task *task, Duration work)
{
    // Longer than any duration: it only spins.
    if (machine->warmths == NULL || work.ns == 0 || work.ns > DURATION_MAX_NS)
        return work;
    const MachineDef *def = &machine->scenario->machine;
    Warmth *here = &machine->warmths[task->core];
    int64_t cold_ns = warm_cache_left(&here->cache, task->id, task->working_set, def->warm_up_ns);
    int64_t length_ns = work.ns < cold_ns ? work.ns : cold_ns;
    if (cold_ns == 0) {
        // The exercise's clock goes by whole units.
        int64_t in_a_unit = (int64_t)def->warm_rate * def->unit_ns;
        length_ns = (work.ns + in_a_unit - 1) / in_a_unit * def->unit_ns;
    }
    here->stretch = (Stretch){task->id, work, {length_ns}, cold_ns == 0};
    return here->stretch.length;
}

static void tell(Machine *machine, const Task *task, const WarmCache *cache, size_t driven_out)
{
    bool fits = true;
    for (size_t i = cache->cold.count - driven_out; i < cache->cold.count; i++) {
        const WarmSet *lost = &cache->cold.at[i];
        if (ID_EQUAL(lost->task, task->id))
            fits = false;
        else
            machine_emit(machine, EVENT_CACHE_LOST, task->core, lost->task, lost->bytes,
                         task->id.index1);
    }
    if (fits)
        machine_emit(machine, EVENT_CACHE_WARM, task->core, task->id, task->working_set, 0);
}

Duration warmth_end(Machine *machine, const Task *task, Duration rest)
{
    Warmth *here = machine->warmths == NULL ? NULL : &machine->warmths[task->core];
    if (here == NULL || !ID_EQUAL(here->stretch.task, task->id))
        return rest;
    const MachineDef *def = &machine->scenario->machine;
    Stretch stretch = here->stretch;
    here->stretch = (Stretch){0};
    int64_t ran_ns = stretch.length.ns - rest.ns;
    size_t driven_out;
    if (!stretch.warm && warm_cache_run(&here->cache, task->id, ran_ns, def->cache_bytes,
                                        def->warm_up_ns, &driven_out))
        tell(machine, task, &here->cache, driven_out);
    int64_t left_ns = stretch.work.ns - ran_ns * (stretch.warm ? (int64_t)def->warm_rate : 1);
    return (Duration){left_ns > 0 ? left_ns : 0};
}
