#include "sim/kernel/push_pull.h"

#include "sim/kernel/placement.h"
#include "sim/kernel/sched.h"

// How urgent a task is: the smaller, the more. Normal tasks are all alike, and an idle core comes
// last.
typedef struct Urgency {
    int sched_class; // SCHED_CLASS_COUNT: nothing to do
    int64_t rank;
} Urgency;

static bool more_urgent(Urgency a, Urgency b)
{
    return a.sched_class != b.sched_class ? a.sched_class < b.sched_class : a.rank < b.rank;
}

static Urgency urgency_of(const Machine *machine, const Task *task)
{
    if (task->sched_class == SCHED_CLASS_NORMAL)
        return (Urgency){SCHED_CLASS_NORMAL, 0};
    return (Urgency){task->sched_class, policy_of(machine, task)->rank(machine, task)};
}

// The most urgent of the queued realtime and deadline tasks that may run on `core`.
static Task *first_waiting(const Machine *machine, const RunQueue *queue, int core)
{
    for (int c = 0; c < SCHED_CLASS_NORMAL; c++) {
        const SchedPolicy *policy = machine->policies[c];
        uint32_t count = policy == NULL ? 0 : policy->count(queue);
        for (uint32_t i = 0; i < count; i++) {
            Task *task = task_at(machine, policy->at(queue, i));
            if (placement_allows(machine, task, core))
                return task;
        }
    }
    return NULL;
}

// Of what a core runs or has queued.
static Urgency most_urgent(const Machine *machine, int core)
{
    const RunQueue *queue = &machine->run_queues[core];
    Urgency most = {core_is_idle(machine, core) ? SCHED_CLASS_COUNT : SCHED_CLASS_NORMAL, 0};
    if (queue->current != NULL)
        most = urgency_of(machine, queue->current);
    const Task *waiting = first_waiting(machine, queue, core);
    if (waiting != NULL && more_urgent(urgency_of(machine, waiting), most))
        most = urgency_of(machine, waiting);
    return most;
}

// The core whose business is the least urgent, if it is less so than `than`; else `otherwise`.
static int least_urgent_core(const Machine *machine, const Task *task, Urgency than, int otherwise)
{
    int found = otherwise;
    for (uint32_t i = 0; i < machine->core_count; i++) {
        // Its own core comes first, so that it stays there among equals.
        int core = i == 0 ? task->core : (int)i <= task->core ? (int)i - 1 : (int)i;
        Urgency here = most_urgent(machine, core);
        if (placement_allows(machine, task, core) && more_urgent(than, here)) {
            than = here;
            found = core;
        }
    }
    return found;
}

int push_pull_place(const Machine *machine, const Task *task)
{
    if (machine->single)
        return 0;
    int otherwise = task->core;
    for (uint32_t core = 0; !placement_allows(machine, task, otherwise); core++)
        otherwise = (int)core;
    return least_urgent_core(machine, task, urgency_of(machine, task), otherwise);
}

void push_pull_before(Machine *machine, RunQueue *queue)
{
    Task *found = NULL;
    Urgency most = most_urgent(machine, queue->core);
    for (uint32_t i = 0; i < machine->core_count; i++) {
        if ((int)i == queue->core)
            continue;
        Task *waiting = first_waiting(machine, &machine->run_queues[i], queue->core);
        if (waiting == NULL || !more_urgent(urgency_of(machine, waiting), most))
            continue;
        // A core that has a decision to make will take its first one itself.
        if (machine->cores[i].resched || machine->run_queues[i].current == NULL)
            continue;
        most = urgency_of(machine, waiting);
        found = waiting;
    }
    if (found != NULL)
        sched_move(machine, found, queue->core, MIGRATION_PULL);
}

void push_pull_after(Machine *machine, RunQueue *queue)
{
    for (;;) {
        int target = queue->core;
        Task *task = NULL;
        for (int c = 0; c < SCHED_CLASS_NORMAL && target == queue->core; c++) {
            const SchedPolicy *policy = machine->policies[c];
            uint32_t count = policy == NULL ? 0 : policy->count(queue);
            for (uint32_t i = 0; i < count && target == queue->core; i++) {
                task = task_at(machine, policy->at(queue, i));
                target = least_urgent_core(machine, task, urgency_of(machine, task), queue->core);
            }
        }
        if (target == queue->core)
            return;
        sched_move(machine, task, target, MIGRATION_PUSH);
    }
}
