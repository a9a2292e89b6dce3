#include "tests/program_walk.h"

#include "sim/base/check.h"
#include "sim/kernel/process.h"

enum { OPS_MAX = 1000000 };

static void show(Walk *walk, uint16_t kind, uint64_t a)
{
    if (!walk->stopped)
        walk->stopped = !walk->step(walk->context, (WalkStep){kind, a});
}

static int64_t draw(Walk *walk, uint32_t dist)
{
    return dist_draw(walk->scenario, dist, &walk->rng).ns;
}

static void walk_exit(Walk *walk)
{
    show(walk, EVENT_KERNEL_ENTER, SYSCALL_EXIT);
    show(walk, EVENT_TASK_EXITED, 0);
    walk->ended = !walk->stopped;
    walk->stopped = true;
}

static void walk_list(Walk *walk, uint32_t index);

static void walk_lock(Walk *walk, uint32_t lock)
{
    walk->totals.locks++;
    show(walk, EVENT_LOCK_TAKEN, lock);
}

static void walk_unlock(Walk *walk, uint32_t lock)
{
    walk->totals.unlocks++;
    show(walk, EVENT_LOCK_RELEASED, lock);
}

// One access of a shared variable by the op, after `costs`.
static void walk_access(Walk *walk, const Op *op, EventKind kind, int64_t costs)
{
    walk->totals.access_ns += costs;
    show(walk, (uint16_t)kind, access_pack(op->arg[0], (uint32_t)(op - walk->scenario->ops)));
}

static void walk_if(Walk *walk, const Op *op)
{
    bool holds = op->arg[0] == UINT32_MAX || rng_u32(&walk->rng) < op->arg[0];
    if (holds)
        walk_list(walk, op->arg[1]);
    else if (op->arg[2] != 0)
        walk_list(walk, op->arg[2]);
}

static void walk_op(Walk *walk, const Op *op)
{
    const int64_t *costs = walk->scenario->machine.costs;
    show(walk, EVENT_OP_BEGUN, (uint64_t)(op - walk->scenario->ops));
    switch (op->code) {
    case OP_COMPUTE:
        walk->totals.compute_ns += draw(walk, op->arg[0]);
        break;
    case OP_LOAD:
        walk_access(walk, op, EVENT_LOAD, costs[COST_LOAD]);
        break;
    case OP_STORE:
        walk_access(walk, op, EVENT_STORE, costs[COST_STORE]);
        break;
    case OP_ADD:
        walk_access(walk, op, EVENT_LOAD, costs[COST_LOAD]);
        walk_access(walk, op, EVENT_STORE, costs[COST_ADD] + costs[COST_STORE]);
        break;
    case OP_ATOMIC_ADD:
        walk_access(walk, op, EVENT_ATOMIC_ADD, costs[COST_ATOMIC]);
        break;
    case OP_SLEEP:
        show(walk, EVENT_KERNEL_ENTER, SYSCALL_CLOCK_NANOSLEEP);
        if (!walk->stopped)
            show(walk, EVENT_TIMER_SET, (uint64_t)draw(walk, op->arg[0]));
        break;
    case OP_YIELD:
        show(walk, EVENT_KERNEL_ENTER, SYSCALL_SCHED_YIELD);
        break;
    case OP_REPEAT:
        for (uint32_t i = 0; i < op->arg[0] && !walk->stopped; i++)
            walk_list(walk, op->arg[1]);
        break;
    case OP_FOREVER:
        while (!walk->stopped)
            walk_list(walk, op->arg[0]);
        break;
    case OP_CALL:
        walk_list(walk, op->arg[0]);
        break;
    case OP_IF:
        walk_if(walk, op);
        break;
    case OP_EXIT:
        walk_exit(walk);
        break;
    case OP_PRINT:
        show(walk, EVENT_KERNEL_ENTER, SYSCALL_WRITE);
        show(walk, EVENT_PRINT, op->arg[0]);
        break;
    case OP_MARK:
        show(walk, EVENT_MARK, op->arg[0]);
        break;
    case OP_SPAN:
        show(walk, EVENT_SPAN_BEGIN, op->arg[0]);
        walk_list(walk, op->arg[1]);
        show(walk, EVENT_SPAN_END, op->arg[0]);
        break;
    case OP_SPAWN:
        for (uint32_t i = 0; i < (op->arg[2] == 0 ? 1 : op->arg[2]); i++)
            show(walk, EVENT_KERNEL_ENTER, SYSCALL_CLONE);
        break;
    case OP_JOIN:
        show(walk, WALK_JOIN, op->arg[0]);
        break;
    case OP_LOCK:
        walk_lock(walk, op->arg[0]);
        break;
    case OP_UNLOCK:
        walk_unlock(walk, op->arg[0]);
        break;
    case OP_WITH:
        walk_lock(walk, op->arg[0]);
        walk_list(walk, op->arg[1]);
        if (!walk->stopped)
            walk_unlock(walk, op->arg[0]);
        break;
    default:
        CHECKF(false, "op %u", op->code);
    }
}

static void walk_list(Walk *walk, uint32_t index)
{
    const Op *ops = walk->scenario->ops;
    while (!walk->stopped && ops[index].code != OP_RETURN && ops[index].code != OP_BLOCK_END) {
        if (++walk->ops > OPS_MAX)
            walk->stopped = true;
        else
            walk_op(walk, &ops[index]);
        index = ops[index].next;
    }
}

bool program_walk(Walk *walk, ThreadDefId def, uint32_t instance)
{
    walk->rng = process_rng(walk->scenario, def, instance);
    walk_list(walk, walk->scenario->threads[def.index1 - 1].entry);
    if (!walk->stopped)
        walk_exit(walk);
    return walk->ended;
}

bool program_walk_shows(const TraceRecord *record)
{
    switch (record->kind) {
    case EVENT_KERNEL_ENTER:
        return record->a != SYSCALL_FUTEX_WAIT && record->a != SYSCALL_FUTEX_WAKE;
    case EVENT_OP_BEGUN:
    case EVENT_TIMER_SET:
    case EVENT_PRINT:
    case EVENT_MARK:
    case EVENT_SPAN_BEGIN:
    case EVENT_SPAN_END:
    case EVENT_LOCK_TAKEN:
    case EVENT_LOCK_RELEASED:
    case EVENT_LOAD:
    case EVENT_STORE:
    case EVENT_ATOMIC_ADD:
    case EVENT_TASK_EXITED:
        return true;
    default:
        return false;
    }
}
