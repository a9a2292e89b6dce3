// `machine:` and `limits:`: a few numbers with their ranges.
#include "sim/scenario/loader.h"

#include <string.h>

// A tick of 100 us is 10,000 Hz, ten times the fastest kernel; one of 1 s is beyond the slowest.
static const int64_t tick_least_ns = 100000, tick_most_ns = 1000000000;
// Textbook round robin also has slices of seconds.
static const int64_t rr_slice_least_ns = 1000, rr_slice_most_ns = 3600000000000;
static const int64_t tick_default_ns = 4000000, rr_slice_default_ns = 10000000;

static const char *const policies[SCHEDULER_COUNT] = {
#define SCHEDULER(id, name, parameters, sentence) [SCHEDULER_##id] = #name,
#include "sim/scenario/schedulers.def"
#undef SCHEDULER
};

static void load_policy(Loader *loader, const Node *node, const char *label)
{
    if (node->kind == NODE_TEXT)
        for (int i = 0; i < SCHEDULER_COUNT; i++)
            if (strcmp(policies[i], node->text) == 0) {
                loader->scenario->machine.scheduler = (SchedulerKind)i;
                return;
            }
    loader_fail(loader, node, loader_suggest(loader, node->text, policies, SCHEDULER_COUNT),
                "%s needs a scheduler (%s); found %s", label,
                loader_list(loader, policies, SCHEDULER_COUNT), loader_found(loader, node));
}

static void load_slice(Loader *loader, const Node *node)
{
    MachineDef *machine = &loader->scenario->machine;
    if (machine->scheduler == SCHEDULER_FIFO)
        loader_fail(loader, node->key, NULL, "fifo has no slice: a thread runs until it blocks");
    else if (machine->scheduler == SCHEDULER_RR)
        value_duration(loader, node, "'slice'", rr_slice_least_ns, rr_slice_most_ns,
                       &machine->slice_ns);
    else
        value_duration(loader, node, "'slice'", EEVDF_SLICE_LEAST_NS, EEVDF_SLICE_MOST_NS,
                       &machine->slice_ns);
}

static void load_scheduler(Loader *loader, const Node *node)
{
    if (node->kind != NODE_MAP) {
        load_policy(loader, node, "'scheduler'");
        return;
    }
    loader_keys(loader, node, SECTION_SCHEDULER, node->key);
    const Node *policy = node_get(node, "policy"), *slice = node_get(node, "slice");
    uint32_t errors = loader->diag->errors;
    if (policy != NULL)
        load_policy(loader, policy, "'policy'");
    if (slice != NULL && loader->diag->errors == errors)
        load_slice(loader, slice);
}

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

static void load_keys(Loader *loader, const Node *node)
{
    MachineDef *machine = &loader->scenario->machine;
    loader_keys(loader, node, SECTION_MACHINE, node->key);
    const Node *cores = node_get(node, "cores"), *scheduler = node_get(node, "scheduler"),
               *tick = node_get(node, "tick"), *costs = node_get(node, "costs");
    if (cores != NULL)
        load_cores(loader, cores);
    if (scheduler != NULL)
        load_scheduler(loader, scheduler);
    if (tick != NULL)
        value_duration(loader, tick, "'tick'", tick_least_ns, tick_most_ns, &machine->tick_ns);
    if (costs != NULL)
        load_costs(loader, costs);
}

void machine_load(Loader *loader, const Node *root)
{
    MachineDef *machine = &loader->scenario->machine;
    *machine = (MachineDef){.cores = 1, .scheduler = SCHEDULER_EEVDF, .tick_ns = tick_default_ns};
    for (int i = 0; i < COST_COUNT; i++)
        machine->costs[i] = cost_info((CostId)i)->typical_ns;
    loader->cores_known = true;

    const Node *node = node_get(root, "machine");
    if (node != NULL && !node_is_null(node) && loader_map(loader, node, "'machine'"))
        load_keys(loader, node);
    if (machine->slice_ns == 0 && machine->scheduler == SCHEDULER_RR)
        machine->slice_ns = rr_slice_default_ns;
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
        // Ids of tasks are 32 bits; the other bounds are only there to be far away.
        uint64_t most = i == LIMIT_TASKS || i == LIMIT_FRAMES ? 4000000000 : 1000000000000000;
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
