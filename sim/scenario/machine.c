// `machine:` and `limits:`: a few numbers with their ranges.
#include "sim/scenario/loader.h"

#include <string.h>

// A tick of 100 us is 10,000 Hz, ten times the fastest kernel; one of 1 s is beyond the slowest.
static const int64_t tick_least_ns = 100000, tick_most_ns = 1000000000;
static const int64_t tick_default_ns = 4000000;
static const int64_t device_irq_default_ns = 2000;
static const uint64_t cache_default_bytes = 1 << 20;
static const uint64_t warm_rate_most = 1000;
static const int64_t warm_up_default_ns = 10000000;

static void load_profile(Loader *loader, const Node *node, const char *needs)
{
    static const char *const profiles[] = {"zero", "typical"};
    int64_t *costs = loader->scenario->machine.costs;
    if (node->kind == NODE_TEXT && strcmp(node->text, "zero") == 0)
        memset(costs, 0, sizeof loader->scenario->machine.costs);
    else if (node->kind != NODE_TEXT || strcmp(node->text, "typical") != 0)
        loader_fail(loader, node, loader_suggest(loader, node->text, profiles, 2), "%s; found %s",
                    needs, loader_found(loader, node));
}

static void unknown_cost(Loader *loader, const Node *key)
{
    const char *names[COST_COUNT + 1] = {"base"};
    for (int i = 0; i < COST_COUNT; i++)
        names[i + 1] = cost_info((CostId)i)->name;
    loader_unknown(loader, key, "'costs' has no key", "it has", names, COST_COUNT + 1);
}

static void load_cost(Loader *loader, const Node *node)
{
    for (int i = 0; i < COST_COUNT; i++)
        if (strcmp(cost_info((CostId)i)->name, node->key->text) == 0) {
            const char *label = arena_format(&loader->scratch, "'%s'", node->key->text);
            value_duration(loader, node, label, 0, DURATION_MAX_NS,
                           &loader->scenario->machine.costs[i]);
            return;
        }
    unknown_cost(loader, node->key);
}

static void load_costs(Loader *loader, const Node *node)
{
    if (node->kind != NODE_MAP) {
        load_profile(loader, node, "'costs' needs zero, typical, or a map of costs");
        return;
    }
    // The base comes first wherever it stands in the map.
    const Node *base = node_get(node, "base");
    if (base != NULL)
        load_profile(loader, base, "'base' needs zero or typical");
    for (const Node *value = node->first; value != NULL; value = value->next)
        if (value != base && strcmp(value->key->text, "base") != 0)
            load_cost(loader, value);
}

static void load_cores(Loader *loader, const Node *node)
{
    uint64_t cores;
    loader->cores_known = value_count(loader, node, "'cores'", 1, CORES_MAX, &cores);
    if (loader->cores_known)
        loader->scenario->machine.cores = (uint32_t)cores;
}

static void load_memory(Loader *loader, const Node *node)
{
    MachineDef *machine = &loader->scenario->machine;
    const Node *memory = node_get(node, "memory");
    uint64_t bytes;
    if (memory != NULL &&
        value_size(loader, memory, "'memory'", 1 << 20, PHYSICAL_BYTES_MAX, &bytes))
        machine->memory_pages = bytes / PAGE_BYTES;
    const Node *cache = node_get(node, "cache"), *nodes = node_get(node, "nodes");
    uint64_t count;
    if (cache != NULL && value_size(loader, cache, "'cache'", 1 << 10, 1 << 30, &bytes))
        machine->cache_bytes = bytes;
    if (nodes != NULL && value_count(loader, nodes, "'nodes'", 1, 64, &count)) {
        machine->nodes = (uint32_t)count;
        if (loader->cores_known && count > machine->cores)
            loader_fail(loader, nodes, NULL, "'nodes' is more than there are cores");
    }
}

static void load_warmth(Loader *loader, const Node *node)
{
    MachineDef *machine = &loader->scenario->machine;
    const Node *rate = node_get(node, "warm_rate"), *warm_up = node_get(node, "warm_up");
    uint64_t number;
    if (rate != NULL && value_count(loader, rate, "'warm_rate'", 1, warm_rate_most, &number))
        machine->warm_rate = (uint32_t)number;
    if (warm_up != NULL)
        value_duration(loader, warm_up, "'warm_up'", 1, DURATION_MAX_NS, &machine->warm_up_ns);
}

// Nothing but 0 is ever drawn from it.
static bool is_always_zero(const Loader *loader, const Dist *dist)
{
    switch (dist->kind) {
    case DIST_UNIFORM:
        return dist->b == 0;
    case DIST_NORMAL:
        return dist->a == 0 && dist->b == 0;
    case DIST_CHOICE:
        for (uint32_t i = 0; i < dist->choice_count; i++)
            if (loader->choices.at[dist->choice_first + i].ns > 0)
                return false;
        return true;
    default:
        return dist->a == 0;
    }
}

static void load_device(Loader *loader, const Node *node)
{
    MachineDef *machine = &loader->scenario->machine;
    const Node *device = node_get(node, "interrupts");
    if (device == NULL || !loader_map(loader, device, "'interrupts'") ||
        !loader_keys(loader, device, SECTION_DEVICE, device->key))
        return;
    const Node *core = node_get(device, "core"), *irq = node_get(device, "irq"),
               *softirq = node_get(device, "softirq");
    int number;
    machine->device_irq_ns = device_irq_default_ns;
    const Node *every = node_get(device, "every");
    if (value_dist(loader, every, "'every'", &machine->device_every) &&
        is_always_zero(loader, &loader->dists.at[machine->device_every - 1]))
        loader_fail(loader, every, NULL,
                    "'every' needs time between two interrupts; found %s, which is always 0",
                    loader_found(loader, every));
    if (core != NULL &&
        value_integer(loader, core, "'core'", 0,
                      loader->cores_known ? (int)machine->cores - 1 : CORES_MAX - 1, &number))
        machine->device_core = (uint32_t)number;
    if (irq != NULL)
        value_duration(loader, irq, "'irq'", 0, DURATION_MAX_NS, &machine->device_irq_ns);
    if (softirq != NULL)
        value_duration(loader, softirq, "'softirq'", 0, DURATION_MAX_NS,
                       &machine->device_softirq_ns);
}

static void load_keys(Loader *loader, const Node *node)
{
    MachineDef *machine = &loader->scenario->machine;
    loader_keys(loader, node, SECTION_MACHINE, node->key);
    const Node *cores = node_get(node, "cores"), *scheduler = node_get(node, "scheduler"),
               *tick = node_get(node, "tick"), *costs = node_get(node, "costs");
    if (cores != NULL)
        load_cores(loader, cores);
    if (scheduler != NULL)
        scheduler_load(loader, scheduler);
    if (tick != NULL)
        value_duration(loader, tick, "'tick'", tick_least_ns, tick_most_ns, &machine->tick_ns);
    if (costs != NULL)
        load_costs(loader, costs);
    load_memory(loader, node);
    load_warmth(loader, node);
    load_device(loader, node);
}

void machine_load(Loader *loader, const Node *root)
{
    MachineDef *machine = &loader->scenario->machine;
    *machine = (MachineDef){.cores = 1, .scheduler = SCHEDULER_EEVDF, .tick_ns = tick_default_ns};
    for (int i = 0; i < COST_COUNT; i++)
        machine->costs[i] = cost_info((CostId)i)->typical_ns;
    machine->nodes = 1;
    machine->cache_bytes = cache_default_bytes;
    machine->warm_rate = 1;
    machine->warm_up_ns = warm_up_default_ns;
    loader->cores_known = true;

    const Node *node = node_get(root, "machine");
    if (node != NULL && !node_is_null(node) && loader_map(loader, node, "'machine'"))
        load_keys(loader, node);
    scheduler_defaults(machine);
}

// --- limits -------------------------------------------------------------------------------------

static const struct {
    const char *name;
    int64_t value;
} limits[LIMIT_COUNT] = {
#define X(id, name, value, text) {name, value},
    LIMITS(X)
#undef X
};

static void load_limit(Loader *loader, const Node *node)
{
    const char *names[LIMIT_COUNT];
    for (int i = 0; i < LIMIT_COUNT; i++) {
        names[i] = limits[i].name;
        if (strcmp(names[i], node->key->text) != 0)
            continue;
        const char *label = arena_format(&loader->scratch, "'%s'", names[i]);
        uint64_t count;
        // Ids of tasks and frames are 32 bits; the other bounds are only there to be far away.
        bool is_id = i == LIMIT_TASKS || i == LIMIT_FRAMES || i == LIMIT_DEPTH;
        uint64_t most = is_id ? 4000000000 : 1000000000000000;
        if (i == LIMIT_TIME)
            value_duration(loader, node, label, 1, DURATION_MAX_NS, &loader->scenario->limits[i]);
        else if (value_count(loader, node, label, 1, most, &count))
            loader->scenario->limits[i] = (int64_t)count;
        return;
    }
    loader_unknown(loader, node->key, "'limits' has no key", "it has", names, LIMIT_COUNT);
}

void limits_load(Loader *loader, const Node *node)
{
    for (int i = 0; i < LIMIT_COUNT; i++)
        loader->scenario->limits[i] = limits[i].value;
    if (node == NULL || node_is_null(node) || !loader_map(loader, node, "'limits'"))
        return;
    for (const Node *value = node->first; value != NULL; value = value->next)
        load_limit(loader, value);
}
