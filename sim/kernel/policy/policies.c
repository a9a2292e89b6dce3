// The table of scheduling policies: a new one is its file and its row in schedulers.def.
#include "sim/base/check.h"
#include "sim/kernel/run_queue.h"
#include "sim/scenario/scenario.h"

#define SCHEDULER(id, name, parameters, sentence) extern const SchedPolicy policy_##name;
#include "sim/scenario/schedulers.def"
#undef SCHEDULER

static const SchedPolicy *const policies[SCHEDULER_COUNT] = {
#define SCHEDULER(id, name, parameters, sentence) [SCHEDULER_##id] = &policy_##name,
#include "sim/scenario/schedulers.def"
#undef SCHEDULER
};

const SchedPolicy *sched_policy(unsigned scheduler_kind)
{
    CHECKF(scheduler_kind < SCHEDULER_COUNT, "%u", scheduler_kind);
    return policies[scheduler_kind];
}

uint32_t nice_weight(int nice)
{
    static const uint32_t weights[40] = {88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705,
                                         14949, 11916, 9548,  7620,  6100,  4904,  3906,  3121,
                                         2501,  1991,  1586,  1277,  1024,  820,   655,   526,
                                         423,   335,   272,   215,   172,   137,   110,   87,
                                         70,    56,    45,    36,    29,    23,    18,    15};
    CHECKF(nice >= -20 && nice <= 19, "nice %d", nice);
    return weights[nice + 20];
}
