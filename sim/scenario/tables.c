// The rows of ops.def and costs.def as tables. Nothing is decided here.
#include "sim/scenario/scenario.h"

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
#define SCHEDULER(id, name, parameters, sentence)                                                  \
    [SCHEDULER_##id] = {#name, parameters, sentence},
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
