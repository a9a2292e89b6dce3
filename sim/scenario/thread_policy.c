// A thread's `policy:` (sched(7)): a word, a word and a priority, or a map for a deadline.
#include "sim/scenario/loader.h"

#include <string.h>

enum { PRIORITY_MOST = 99 };

// sched_setattr(2) refuses less than 1024 ns, and more than about 4 s as a period.
static const int64_t runtime_least_ns = 1024, period_most_ns = 4000000000;

static const char *const words[] = {
    [POLICY_NORMAL] = "normal", [POLICY_BATCH] = "batch", [POLICY_IDLE] = "idle",
    [POLICY_FIFO] = "fifo",     [POLICY_RR] = "rr",
};

enum { WORDS = sizeof words / sizeof words[0] };

static bool unknown(Loader *loader, const Node *node)
{
    return loader_fail(
        loader, node, loader_suggest(loader, node->text, words, WORDS),
        "'policy' needs normal, batch, idle, fifo and a priority, rr and a priority, "
        "or a map with 'deadline'; found %s",
        loader_found(loader, node));
}

static bool load_priority(Loader *loader, const Node *node, const char *text, ThreadDef *def)
{
    int priority = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < '0' || *c > '9' || priority > PRIORITY_MOST)
            return unknown(loader, node);
        priority = priority * 10 + (*c - '0');
    }
    if (priority < 1 || priority > PRIORITY_MOST)
        return loader_fail(loader, node, NULL,
                           "'policy': %s needs a priority from 1 (least) to 99, as in '%s 50'; "
                           "found %s",
                           words[def->policy], words[def->policy], loader_found(loader, node));
    def->priority = (uint8_t)priority;
    return true;
}

static bool load_word(Loader *loader, const Node *node, ThreadDef *def)
{
    size_t length = strcspn(node->text, " ");
    for (int i = 0; i < WORDS; i++) {
        if (strlen(words[i]) != length || strncmp(words[i], node->text, length) != 0)
            continue;
        const char *rest = node->text + length + strspn(node->text + length, " ");
        def->policy = (ThreadPolicy)i;
        if (i == POLICY_FIFO || i == POLICY_RR)
            return load_priority(loader, node, rest, def);
        return *rest == '\0' || unknown(loader, node);
    }
    return unknown(loader, node);
}

static void load_deadline(Loader *loader, const Node *map, ThreadDef *def)
{
    def->policy = POLICY_DEADLINE;
    if (!loader_map(loader, map, "'deadline'") ||
        !loader_keys(loader, map, SECTION_DEADLINE, map->key))
        return;
    const Node *runtime = node_get(map, "runtime"), *deadline = node_get(map, "deadline"),
               *period = node_get(map, "period");
    if (!value_duration(loader, period, "'period'", runtime_least_ns, period_most_ns,
                        &def->period_ns))
        return;
    def->deadline_ns = def->period_ns;
    if (deadline != NULL && !value_duration(loader, deadline, "'deadline'", runtime_least_ns,
                                            def->period_ns, &def->deadline_ns))
        return;
    value_duration(loader, runtime, "'runtime'", runtime_least_ns, def->deadline_ns,
                   &def->runtime_ns);
    if (def->affinity != 0)
        loader_fail(loader, map->key, NULL,
                    "a deadline thread may run on every core: it cannot have an 'affinity'");
}

void thread_policy_load(Loader *loader, const Node *node, ThreadDef *def)
{
    if (node->kind == NODE_TEXT && !node_is_null(node)) {
        load_word(loader, node, def);
    } else if (node->kind == NODE_MAP) {
        loader_keys(loader, node, SECTION_POLICY, node->key);
        const Node *deadline = node_get(node, "deadline");
        if (deadline != NULL)
            load_deadline(loader, deadline, def);
    } else {
        unknown(loader, node);
    }
}

// Linux admits deadline threads up to 95 % of all cores (sched_rt_runtime_us).
void thread_policy_admit(Loader *loader)
{
    uint32_t cores = loader->scenario->machine.cores;
    double asked = 0;
    for (size_t i = 0; i < loader->threads.count; i++) {
        const ThreadDef *def = &loader->threads.at[i];
        if (def->policy != POLICY_DEADLINE || def->period_ns == 0)
            continue;
        asked += (double)def->count * (double)def->runtime_ns / (double)def->period_ns;
        if (asked <= 0.95 * cores)
            continue;
        const Node place = {.at = def->at};
        loader_fail(loader, &place, NULL,
                    "the deadline threads up to this one ask for %.0f%% of a core; 95%% of %u may "
                    "be given away",
                    asked * 100, cores);
        return;
    }
}
