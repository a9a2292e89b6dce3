// `machine: { scheduler: … }`: a policy by name, or with its parameters. Which policy takes which
// of them is said in schedulers.def.
#include "sim/scenario/loader.h"

#include <string.h>

// Textbook schedulers also have slices of seconds.
static const int64_t slice_least_ns = 1000, slice_most_ns = 3600000000000;
static const int64_t slice_default_ns = 10000000;

enum { LEVELS_DEFAULT = 3, ALLOTMENT_MOST = 1000000 };

static const char *const policies[SCHEDULER_COUNT] = {
#define SCHEDULER(id, name, parameters, sentence) [SCHEDULER_##id] = #name,
#include "sim/scenario/schedulers.def"
#undef SCHEDULER
};

static bool load_policy(Loader *loader, const Node *node, const char *label)
{
    if (node->kind == NODE_TEXT)
        for (int i = 0; i < SCHEDULER_COUNT; i++)
            if (strcmp(policies[i], node->text) == 0) {
                loader->scenario->machine.scheduler = (SchedulerKind)i;
                return true;
            }
    return loader_fail(loader, node, loader_suggest(loader, node->text, policies, SCHEDULER_COUNT),
                       "%s needs a scheduler (%s); found %s", label,
                       loader_list(loader, policies, SCHEDULER_COUNT), loader_found(loader, node));
}

// Whether `key` is one of the words of `parameters`.
static bool takes(const char *parameters, const char *key)
{
    size_t length = strlen(key);
    for (const char *at = parameters; (at = strstr(at, key)) != NULL; at += length)
        if ((at == parameters || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

static bool check_parameters(Loader *loader, const Node *map)
{
    const SchedulerInfo *info = scheduler_info(loader->scenario->machine.scheduler);
    const char *names[32];
    size_t count = loader_key_names(SECTION_SCHEDULER, names, 32);
    bool good = true;
    for (const Node *value = map->first; value != NULL; value = value->next) {
        bool known = false; // unknown keys have been reported
        for (size_t i = 0; i < count; i++)
            known = known || strcmp(names[i], value->key->text) == 0;
        if (!known || strcmp(value->key->text, "policy") == 0 ||
            takes(info->parameters, value->key->text))
            continue;
        const char *taken[32];
        size_t taken_count = 0;
        for (size_t i = 0; i < count; i++)
            if (takes(info->parameters, names[i]))
                taken[taken_count++] = names[i];
        good = loader_fail(loader, value->key, NULL, "%s takes no %s; it %s%s", info->name,
                           value->key->text, taken_count == 0 ? "has no parameters" : "takes ",
                           loader_list(loader, taken, taken_count));
    }
    return good;
}

// ---- the parameters

static void load_slice(Loader *loader, const Node *node)
{
    MachineDef *machine = &loader->scenario->machine;
    bool eevdf = machine->scheduler == SCHEDULER_EEVDF;
    int64_t least_ns = eevdf ? EEVDF_SLICE_LEAST_NS : slice_least_ns,
            most_ns = eevdf ? EEVDF_SLICE_MOST_NS : slice_most_ns;
    value_duration(loader, node, "'slice'", least_ns, most_ns, &machine->slice_ns);
}

// A list is for one level after the other, from the highest, and says how many there are unless
// `levels` does; a single value is for all.
static bool count_items(Loader *loader, const Node *node, const char *label, uint32_t *levels)
{
    if (node->kind != NODE_LIST)
        return true;
    if (node->count == 0 || node->count > SCHED_LEVELS_MAX)
        return loader_fail(loader, node, NULL, "%s needs 1 to %d items, one a level; found %u",
                           label, SCHED_LEVELS_MAX, node->count);
    if (*levels == 0)
        *levels = node->count;
    if (*levels != node->count)
        return loader_fail(loader, node, NULL, "%s has %u items for %u levels", label, node->count,
                           *levels);
    return true;
}

static void load_levels(Loader *loader, const Node *map)
{
    MachineDef *machine = &loader->scenario->machine;
    const Node *levels = node_get(map, "levels"), *slice = node_get(map, "slice"),
               *allotment = node_get(map, "allotment");
    uint64_t number;
    uint32_t count = 0;
    if (levels != NULL && value_count(loader, levels, "'levels'", 1, SCHED_LEVELS_MAX, &number))
        count = (uint32_t)number;
    if (slice != NULL && count_items(loader, slice, "'slice'", &count)) {
        const Node *item = slice->kind == NODE_LIST ? slice->first : slice;
        for (int i = 0; i < SCHED_LEVELS_MAX && item != NULL; i++) {
            value_duration(loader, item, "'slice'", slice_least_ns, slice_most_ns,
                           &machine->level_slice_ns[i]);
            item = slice->kind == NODE_LIST ? item->next : item;
        }
    }
    if (allotment != NULL && count_items(loader, allotment, "'allotment'", &count)) {
        const Node *item = allotment->kind == NODE_LIST ? allotment->first : allotment;
        for (int i = 0; i < SCHED_LEVELS_MAX && item != NULL; i++) {
            if (value_count(loader, item, "'allotment'", 1, ALLOTMENT_MOST, &number))
                machine->level_allotment[i] = (uint32_t)number;
            item = allotment->kind == NODE_LIST ? item->next : item;
        }
    }
    machine->levels = count != 0 ? count : LEVELS_DEFAULT;
}

static bool load_word(Loader *loader, const Node *node, const char *label, const char *const *words,
                      size_t count, size_t *found)
{
    if (node->kind == NODE_TEXT)
        for (*found = 0; *found < count; ++*found)
            if (strcmp(words[*found], node->text) == 0)
                return true;
    return loader_fail(loader, node, loader_suggest(loader, node->text, words, count),
                       "%s needs one of %s; found %s", label, loader_list(loader, words, count),
                       loader_found(loader, node));
}

static void load_parameters(Loader *loader, const Node *map)
{
    static const char *const queues[] = {"core", "global"}, *const ends[] = {"tail", "head"},
                             *const draws[] = {"own", "python"};
    MachineDef *machine = &loader->scenario->machine;
    const Node *queue = node_get(map, "queue"), *slice = node_get(map, "slice"),
               *align = node_get(map, "align"), *boost = node_get(map, "boost"),
               *stay = node_get(map, "stay"), *io = node_get(map, "io"),
               *draw = node_get(map, "draws"), *peek = node_get(map, "peek"),
               *shuffle = node_get(map, "shuffle");
    size_t found;
    if (queue != NULL && load_word(loader, queue, "'queue'", queues, 2, &found))
        machine->global_queue = found == 1;
    if (machine->scheduler == SCHEDULER_MLFQ)
        load_levels(loader, map);
    else if (slice != NULL)
        load_slice(loader, slice);
    if (align != NULL)
        value_bool(loader, align, "'align'", &machine->aligned_slices);
    if (boost != NULL)
        value_duration(loader, boost, "'boost'", slice_least_ns, slice_most_ns, &machine->boost_ns);
    if (stay != NULL)
        value_bool(loader, stay, "'stay'", &machine->io_renews);
    if (io != NULL && load_word(loader, io, "'io'", ends, 2, &found))
        machine->io_first = found == 1;
    if (peek != NULL)
        value_duration(loader, peek, "'peek'", slice_least_ns, slice_most_ns, &machine->peek_ns);
    if (shuffle != NULL)
        value_bool(loader, shuffle, "'shuffle'", &machine->shuffled);
    if (draw != NULL && load_word(loader, draw, "'draws'", draws, 2, &found))
        machine->python_draws = found == 1;
    machine->python_seed = loader->scenario->seed; // unless a workload has its own
}

void scheduler_load(Loader *loader, const Node *node)
{
    if (node->kind != NODE_MAP) {
        load_policy(loader, node, "'scheduler'");
        return;
    }
    bool good = loader_keys(loader, node, SECTION_SCHEDULER, node->key);
    const Node *policy = node_get(node, "policy");
    if (policy != NULL && load_policy(loader, policy, "'policy'") &&
        check_parameters(loader, node) && good)
        load_parameters(loader, node);
}

void scheduler_defaults(MachineDef *machine)
{
    const SchedulerInfo *info = scheduler_info(machine->scheduler);
    if (machine->slice_ns == 0 && machine->scheduler != SCHEDULER_EEVDF &&
        takes(info->parameters, "slice"))
        machine->slice_ns = slice_default_ns;
    machine->unit_ns = machine->scheduler == SCHEDULER_MULTI ? 1000000 : 1;
    if (machine->levels == 0)
        machine->levels = LEVELS_DEFAULT;
    for (int i = 0; i < SCHED_LEVELS_MAX; i++) {
        if (machine->level_slice_ns[i] == 0)
            machine->level_slice_ns[i] = slice_default_ns;
        if (machine->level_allotment[i] == 0)
            machine->level_allotment[i] = 1;
    }
}
