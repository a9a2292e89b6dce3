// How long a thread's next burst is: the CPU time of its `compute` operations from where it stands
// to where it next may wait for longer, which is at sleep, join, wait, barrier, acquire, get or
// put, or to its end. Locks do not end a burst, and nothing but `compute` counts. SJF and STCF go
// by it.
//
// A random duration counts with its mean, lognormal and pareto with their median. An `if` counts as
// its likelier branch; one with a test, and `while`, as if the test failed. A loop without end and
// without a wait is longer than anything else.
#include "sim/base/rng.h"
#include "sim/base/wide.h"
#include "sim/program/program.h"

enum {
    DEPTH_MOST = 64,  // lists in each other that are looked into
    STEPS_MOST = 4096 // ops that are looked at; longer programs count up to there
};

#define ENDLESS_NS (INT64_MAX / 4)

typedef struct Burst {
    const Machine *machine;
    int64_t ns;
    uint32_t steps;
    bool over;
} Burst;

static void add_ns(Burst *burst, Int128 ns)
{
    ns += burst->ns;
    burst->ns = ns < ENDLESS_NS ? (int64_t)ns : ENDLESS_NS;
}

static int64_t typical_ns(const Scenario *scenario, uint32_t id)
{
    const Dist *dist = &scenario->dists[id - 1];
    Int128 sum = 0;
    uint64_t weight = 0;
    switch (dist->kind) {
    case DIST_UNIFORM:
        return dist->a / 2 + dist->b / 2 + (dist->a % 2 + dist->b % 2) / 2;
    case DIST_PARETO: {
        // The median is the minimum times 2^(1/alpha); b is alpha * 2^32.
        UInt128 one_over_alpha = ((UInt128)1 << 64) / (UInt128)(dist->b > 0 ? dist->b : 1);
        int64_t exponent = one_over_alpha > INT64_MAX ? INT64_MAX : (int64_t)one_over_alpha;
        return fixed_mul_q32(dist->a, fixed_exp2_q32(exponent));
    }
    case DIST_CHOICE:
        for (uint32_t i = 0; i < dist->choice_count; i++) {
            const DistChoice *choice = &scenario->choices[dist->choice_first + i];
            sum += (Int128)choice->ns * (Int128)choice->weight;
            weight += choice->weight;
        }
        return weight == 0 ? 0 : (int64_t)(sum / (Int128)weight);
    default:
        return dist->a;
    }
}

static uint32_t add_list(Burst *burst, uint32_t at, int depth);

static void add_rounds(Burst *burst, uint32_t body, uint64_t rounds, int depth)
{
    if (rounds == 0)
        return;
    int64_t before = burst->ns;
    add_list(burst, body, depth);
    if (!burst->over)
        add_ns(burst, (Int128)(burst->ns - before) * (Int128)(rounds - 1));
}

static void add_endless(Burst *burst, uint32_t body, int depth)
{
    add_list(burst, body, depth);
    if (!burst->over)
        burst->ns = ENDLESS_NS;
    burst->over = true;
}

static void add_if(Burst *burst, const Op *op, int depth)
{
    bool then = op->arg[3] == 0 && op->arg[0] >= UINT32_MAX / 2;
    if (then)
        add_list(burst, op->arg[1], depth);
    else if (op->arg[2] != 0)
        add_list(burst, op->arg[2], depth);
}

static void add_op(Burst *burst, const Op *op, int depth)
{
    switch (op->code) {
    case OP_COMPUTE:
    case OP_NATIVE:
        add_ns(burst, typical_ns(burst->machine->scenario, op->arg[0]));
        break;
    case OP_REPEAT:
        add_rounds(burst, op->arg[1], op->arg[0], depth + 1);
        break;
    case OP_FOREVER:
        add_endless(burst, op->arg[0], depth + 1);
        break;
    case OP_CALL:
        add_list(burst, op->arg[0], depth + 1);
        break;
    case OP_IF:
        add_if(burst, op, depth + 1);
        break;
    case OP_SPAN:
    case OP_WITH:
        add_list(burst, op->arg[1], depth + 1);
        break;
    case OP_SLEEP:
    case OP_JOIN:
    case OP_WAIT:
    case OP_BARRIER:
    case OP_ACQUIRE:
    case OP_GET:
    case OP_PUT:
    case OP_EXIT:
        burst->over = true;
        break;
    default:
        break;
    }
}

// Adds the ops from `at` to the end of their list, or to the burst's; returns the op where that is.
static uint32_t add_list(Burst *burst, uint32_t at, int depth)
{
    const Op *ops = burst->machine->scenario->ops;
    while (!burst->over && ops[at].code != OP_BLOCK_END && ops[at].code != OP_RETURN) {
        if (depth >= DEPTH_MOST || ++burst->steps > STEPS_MOST) {
            burst->over = true;
            break;
        }
        add_op(burst, &ops[at], depth);
        at = ops[at].next;
    }
    return at;
}

// The rounds that are left of the block that ends, and the op behind it.
static uint32_t leave_block(Burst *burst, uint32_t end, uint32_t *frame)
{
    const Op *ops = burst->machine->scenario->ops;
    const Frame *frames = burst->machine->frames.at;
    uint32_t owner;
    if (ops[end].code == OP_RETURN) {
        if (*frame == 0) {
            burst->over = true;
            return end;
        }
        owner = frames[*frame].op;
    } else {
        owner = ops[end].arg[0];
    }
    if (ops[owner].code == OP_FOREVER)
        add_endless(burst, ops[owner].arg[0], 1);
    if (ops[owner].code == OP_REPEAT)
        add_rounds(burst, ops[owner].arg[1], frames[*frame].value - 1, 1);
    if (*frame != 0 && frames[*frame].op == owner)
        *frame = frames[*frame].parent;
    return ops[owner].next;
}

Duration program_burst(const Machine *machine, const Task *task)
{
    const ThreadDef *def = &machine->scenario->threads[task->def.index1 - 1];
    if (def->estimate_ns != 0)
        return (Duration){def->estimate_ns};
    Burst burst = {.machine = machine};
    const Op *op = &machine->scenario->ops[task->op];
    uint32_t at = task->op, frame = task->frame;
    // One that wakes up goes on behind the operation at which it waited; in a `with`, inside it.
    if (task->phase != PHASE_ENTER)
        at = op->code == OP_WITH ? op->arg[1] : op->next;
    while (!burst.over) {
        uint32_t end = add_list(&burst, at, 0);
        if (!burst.over)
            at = leave_block(&burst, end, &frame);
    }
    return (Duration){burst.ns};
}
