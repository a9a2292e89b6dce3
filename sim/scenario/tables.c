// The rows of ops.def and costs.def as tables, and how a limit's bound is written. Nothing is
// decided here.
#include "sim/base/count.h"
#include "sim/scenario/scenario.h"

#include <inttypes.h>
#include <stdio.h>

#define REQUIRED FIELD_REQUIRED
#define SHORT    FIELD_SHORT
#define FIELD(name, type, flags, text)                                                             \
    {                                                                                              \
        name, FIELD_##type, flags, text                                                            \
    }
#define NO_FIELDS                                                                                  \
    {                                                                                              \
        NULL, FIELD_NONE, 0, NULL                                                                  \
    }

static const OpInfo ops[OP_CODE_COUNT] = {
#define OP(id, name, group, text, example, ...)                                                    \
    [OP_##id] = {name, group, text, example, {__VA_ARGS__}},
#include "sim/scenario/ops.def"
#undef OP
};

const OpInfo *op_info(unsigned code)
{
    return code < OP_CODE_COUNT && ops[code].name != NULL ? &ops[code] : NULL;
}

static const SchedulerInfo schedulers[SCHEDULER_COUNT] = {
#define SCHEDULER(id, name, parameters, sentence) [SCHEDULER_##id] = {#name, parameters, sentence},
#include "sim/scenario/schedulers.def"
#undef SCHEDULER
};

const SchedulerInfo *scheduler_info(SchedulerKind kind)
{
    return &schedulers[kind];
}

static const CostInfo costs[COST_COUNT] = {
#define COST(id, name, typical_ns, text, probe) [COST_##id] = {name, typical_ns, text, probe},
#include "sim/scenario/costs.def"
#undef COST
};

const CostInfo *cost_info(CostId id)
{
    return &costs[id];
}

char *limit_text(LimitId limit, int64_t bound, char text[static 32])
{
    static const struct {
        int64_t ns;
        const char *name;
    } units[] = {{3600000000000, "h"}, {1000000000, "s"}, {1000000, "ms"}, {1000, "us"}, {1, "ns"}};
    if (limit != LIMIT_TIME)
        return count_text(bound < 0 ? 0 : (uint64_t)bound, text);
    // To the last digit: the greatest unit of which it is a whole number.
    size_t i = 0;
    while (bound % units[i].ns != 0)
        i++;
    snprintf(text, 32, "%" PRId64 "%s", bound / units[i].ns, units[i].name);
    return text;
}
