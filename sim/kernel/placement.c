#include "sim/kernel/placement.h"

#include "sim/base/check.h"
#include "sim/kernel/push_pull.h"
#include "sim/kernel/sched.h"

// Linux's imbalance_pct within one last-level cache.
enum { IMBALANCE_PERCENT = 117 };

bool placement_allows(const Machine *machine, const Task *task, int core)
{
    return task->affinity == 0 ||
           core_set_has(&machine->scenario->core_sets[task->affinity - 1], core);
}

bool placement_can_take(const Machine *machine, const Task *task, int core)
{
    return placement_allows(machine, task, core) &&
           (task->core == core || !ID_EQUAL(machine->cores[task->core].current, task->id));
}

static int first_allowed(const Machine *machine, const Task *task)
{
    for (uint32_t core = 0; core < machine->core_count; core++)
        if (placement_allows(machine, task, (int)core))
            return (int)core;
    CHECKF(false, "task %u may run nowhere", task->id.index1);
    return 0;
}

int placement_idle_core(const Machine *machine, const Task *task, int from)
{
    if (machine->idle_count == 0)
        return CORE_NONE;
    int count = (int)machine->core_count;
    for (int step = 0; step < count;) {
        int core = (from + step) % count;
        uint64_t word = machine->idle_cores[core / 64] >> (core % 64);
        if (word == 0) { // nothing idle up to the end of this word
            int skip = 64 - core % 64;
            step += core + skip > count ? count - core : skip;
            continue;
        }
        int ahead = __builtin_ctzll(word);
        step += ahead;
        core += ahead;
        if (core < count && step < count && placement_allows(machine, task, core))
            return core;
        step++;
    }
    return CORE_NONE;
}

static bool idle_and_allowed(const Machine *machine, const Task *task, int core)
{
    return core_is_idle(machine, core) && placement_allows(machine, task, core);
}

// wake_affine: the waker's core, or the one the task last ran on.
static int affine_target(const Machine *machine, const Task *task, int waker_core)
{
    int previous = task->core;
    if (waker_core == CORE_NONE || waker_core == previous ||
        !placement_allows(machine, task, waker_core))
        return previous;
    if (core_is_idle(machine, waker_core))
        return core_is_idle(machine, previous) ? previous : waker_core;
    if (core_is_idle(machine, previous))
        return previous;
    int64_t task_load = (int64_t)task->load.runnable * task->fair.weight / 1024;
    int64_t here = (machine->run_queues[waker_core].load + task_load) * 100;
    int64_t there =
        (machine->run_queues[previous].load - task_load) * (100 + (IMBALANCE_PERCENT - 100) / 2);
    return here < there ? waker_core : previous;
}

int placement_for_wakeup(const Machine *machine, const Task *task, int waker_core)
{
    if (machine->single)
        return 0;
    if (task->sched_class != SCHED_CLASS_NORMAL)
        return push_pull_place(machine, task);
    int target = affine_target(machine, task, waker_core);
    // select_idle_sibling. Linux also looks at a recently used core, and gives up the scan early
    // in an overloaded domain; we do neither, because both only save time.
    if (idle_and_allowed(machine, task, target))
        return target;
    if (idle_and_allowed(machine, task, task->core))
        return task->core;
    int idle = placement_idle_core(machine, task, (target + 1) % (int)machine->core_count);
    if (idle != CORE_NONE)
        return idle;
    return placement_allows(machine, task, target) ? target : first_allowed(machine, task);
}

// The first of the lightest queues. Threads that start together fill the queues in turn, so the
// search goes on from where the last one ended.
static int lightest(Machine *machine)
{
    const uint64_t *weights = machine->weights;
    uint32_t core = machine->least_from, count = machine->core_count;
    while (core < count && weights[core] != machine->least_weight)
        core++;
    if (core == count) {
        core = 0;
        for (uint32_t i = 1; i < count; i++)
            core = weights[i] < weights[core] ? i : core;
        machine->least_weight = weights[core];
    }
    machine->least_from = core;
    return (int)core;
}

static int lightest_allowed(const Machine *machine, const Task *task)
{
    int best = CORE_NONE;
    for (uint32_t core = 0; core < machine->core_count; core++)
        if (placement_allows(machine, task, (int)core) &&
            (best == CORE_NONE || machine->weights[core] < machine->weights[best]))
            best = (int)core;
    return best;
}

int placement_for_new(Machine *machine, const Task *task, int parent_core)
{
    if (machine->single)
        return 0;
    if (task->sched_class != SCHED_CLASS_NORMAL)
        return push_pull_place(machine, task);
    const SchedPolicy *policy = policy_of(machine, task);
    int own = policy->place_new == NULL ? CORE_NONE : policy->place_new(machine, task);
    if (own != CORE_NONE)
        return own;
    int idle = placement_idle_core(machine, task, 0);
    if (idle != CORE_NONE)
        return idle;
    int best = task->affinity == 0 ? lightest(machine) : lightest_allowed(machine, task);
    CHECKF(best != CORE_NONE, "task %u may run nowhere", task->id.index1);
    // It stays with its creator unless the other core is lighter by more than 17 % of one nice-0
    // task.
    if (parent_core != CORE_NONE && placement_allows(machine, task, parent_core) &&
        machine->weights[parent_core] <=
            machine->weights[best] + 1024 * (IMBALANCE_PERCENT - 100) / 100)
        return parent_core;
    return best;
}
