#include "sim/kernel/balance.h"

#include "sim/kernel/pelt.h"
#include "sim/kernel/placement.h"
#include "sim/kernel/sched.h"

enum {
    IMBALANCE_PERCENT = 117,       // sd->imbalance_pct within one last-level cache
    CAPACITY = 1024,               // of a core
    BUSY_FACTOR = 16,              // a busy core balances this much less often
    CACHE_HOT_NS = 500000,         // sysctl_sched_migration_cost
    MIGRATE_MAX = 32,              // tasks looked at in one attempt
    IDLE_AVERAGE_MAX_NS = 1000000, // twice the migration cost
    JIFFY_RACE_PERCENT = 20,       // chance that a tick still sees the jiffy before it
    LOAD_NOISE_PER_10000 = 100,    // loads are known to one part in a hundred
    // A pull is not tried by a core that is idle for less than a pull takes, on average. Linux
    // measures the time; we assume it. Recent kernels also try less often where pulls have failed;
    // we do not.
    NEW_IDLE_COST_NS = 20000
};

typedef enum GroupType { HAS_SPARE, FULLY_BUSY, OVERLOADED } GroupType;

// What one attempt may move: tasks, or an amount of load.
typedef struct Imbalance {
    RunQueue *busiest;
    bool by_load;
    int64_t amount;
} Imbalance;

// ---- when

static int64_t jiffy_now(const Machine *machine)
{
    return machine->now.ns / machine->scenario->machine.tick_ns;
}

static int64_t interval_jiffies(const Machine *machine, const RunQueue *queue, bool busy)
{
    int64_t ns = (int64_t)queue->balance_interval_ms * 1000000 * (busy ? BUSY_FACTOR : 1);
    int64_t tick = machine->scenario->machine.tick_ns;
    int64_t jiffies = (ns + tick - 1) / tick - (busy ? 1 : 0);
    return jiffies > 0 ? jiffies : 1;
}

void balance_init(Machine *machine, RunQueue *queue)
{
    queue->balance_interval_ms = machine->core_count;
    queue->next_balance_jiffy = 1;
    queue->idle_average = (Duration){IDLE_AVERAGE_MAX_NS};
}

void balance_note_going_idle(Machine *machine, RunQueue *queue)
{
    int64_t next = jiffy_now(machine) + interval_jiffies(machine, queue, false);
    if (next < queue->next_balance_jiffy)
        queue->next_balance_jiffy = next;
}

void balance_note_idle(RunQueue *queue, Duration idle)
{
    // update_avg: an average over about eight times, capped.
    int64_t average = queue->idle_average.ns + (idle.ns - queue->idle_average.ns) / 8;
    queue->idle_average.ns = average < IDLE_AVERAGE_MAX_NS ? average : IDLE_AVERAGE_MAX_NS;
}

// ---- whom from, and how much

static GroupType classify(const RunQueue *queue)
{
    int64_t util = queue->util >> 10, runnable = queue->load_runnable >> 10;
    if (queue->runnable > 1 && (util * IMBALANCE_PERCENT > CAPACITY * 100 ||
                                runnable * 100 > CAPACITY * IMBALANCE_PERCENT))
        return OVERLOADED;
    if (queue->runnable < 1 || (runnable * 100 <= CAPACITY * IMBALANCE_PERCENT &&
                                util * IMBALANCE_PERCENT < CAPACITY * 100))
        return HAS_SPARE;
    return FULLY_BUSY;
}

static bool busier(const RunQueue *a, GroupType a_type, const RunQueue *b, GroupType b_type)
{
    if (a_type != b_type)
        return a_type > b_type;
    return a_type == HAS_SPARE ? a->runnable > b->runnable : a->load > b->load;
}

static bool find_imbalance(Machine *machine, RunQueue *local, Imbalance *found)
{
    RunQueue *busiest = NULL;
    GroupType busiest_type = HAS_SPARE;
    int64_t total_load = 0;
    for (uint32_t i = 0; i < machine->core_count; i++) {
        RunQueue *queue = &machine->run_queues[i];
        pelt_update_queue(queue, machine->now, queue->current != NULL,
                          machine->weights[queue->core]);
        total_load += queue->load;
        GroupType type = classify(queue);
        if (queue != local && (busiest == NULL || busier(queue, type, busiest, busiest_type))) {
            busiest = queue;
            busiest_type = type;
        }
    }
    GroupType local_type = classify(local);
    if (busiest == NULL || busiest->runnable < 2 || local_type > busiest_type)
        return false;
    found->busiest = busiest;
    if (local_type == HAS_SPARE) {
        found->by_load = false;
        found->amount = ((int64_t)busiest->runnable - (int64_t)local->runnable) >> 1;
        return found->amount > 0;
    }
    // A busy core takes from an overloaded one only.
    int64_t average = total_load / (int64_t)machine->core_count;
    if (busiest_type != OVERLOADED || local->load >= busiest->load || local->load >= average)
        return false;
    if (local_type == OVERLOADED && 100 * busiest->load <= IMBALANCE_PERCENT * local->load)
        return false;
    int64_t surplus = busiest->load - average, deficit = average - local->load;
    // Half the load of a hog's queue, shifted by a failure, is exactly the imbalance of two against
    // one. In Linux the averages step with their periods and the capacity with the interrupts
    // taken, and such a tie falls either way; here a draw decides.
    int64_t noise = (int64_t)rng_below(&machine->balance_rng, 2 * LOAD_NOISE_PER_10000 + 1);
    int64_t least = surplus < deficit ? surplus : deficit;
    found->by_load = true;
    found->amount = least + least * (noise - LOAD_NOISE_PER_10000) / 10000;
    return found->amount > 0;
}

// ---- which

// The queued task that joined or ran here longest ago, but later than `after`. Linux keeps such a
// list (cfs_tasks) and takes from its tail; looking for it here keeps switches cheap.
static Task *next_candidate(Machine *machine, const RunQueue *queue, uint64_t after)
{
    Task *best = NULL;
    uint32_t count = machine->policies[SCHED_CLASS_NORMAL]->count(queue);
    for (uint32_t i = 0; i < count; i++) {
        Task *task = task_at(machine, machine->policies[SCHED_CLASS_NORMAL]->at(queue, i));
        if (!task->fair.delayed && task->recency > after &&
            (best == NULL || task->recency < best->recency))
            best = task;
    }
    return best;
}

// Only where ticks let an idle core look again: the textbook's schedulers have none, and there a
// thread left behind for its warm cache would wait until something else happens.
static bool cache_hot(const Machine *machine, const Task *task)
{
    return machine->uses_tick && machine->now.ns - task->last_ran.ns < CACHE_HOT_NS;
}

// Moves queued tasks to `local`; returns how many.
static uint32_t pull(Machine *machine, RunQueue *local, Imbalance *imbalance,
                     MigrationReason reason)
{
    RunQueue *busiest = imbalance->busiest;
    uint32_t moved = 0;
    uint64_t after = 0;
    for (int looked = 0; looked < MIGRATE_MAX && imbalance->amount > 0 && busiest->runnable > 1;
         looked++) {
        Task *task = next_candidate(machine, busiest, after);
        if (task == NULL)
            break;
        after = task->recency;
        if (!placement_allows(machine, task, local->core))
            continue;
        if (cache_hot(machine, task) && local->balance_failed <= 1)
            continue;
        int64_t share = 1;
        if (imbalance->by_load) {
            share = busiest->load * (int64_t)task->fair.weight /
                    (int64_t)machine->weights[busiest->core];
            uint32_t shift = local->balance_failed < 62 ? local->balance_failed : 62;
            if (share >> shift > imbalance->amount)
                continue;
        }
        sched_move(machine, task, local->core, reason);
        imbalance->amount -= share;
        moved++;
    }
    return moved;
}

// ---- the occasions

static void balance(Machine *machine, RunQueue *queue)
{
    bool busy = queue->runnable > 0;
    Imbalance imbalance;
    if (machine->overloaded > 0 && find_imbalance(machine, queue, &imbalance)) {
        if (pull(machine, queue, &imbalance, MIGRATION_BALANCE) > 0)
            queue->balance_failed = 0;
        else
            queue->balance_failed++;
        queue->balance_interval_ms = machine->core_count;
    } else {
        queue->balance_failed = 0;
        queue->balance_interval_ms *= 2;
        if (queue->balance_interval_ms > 2 * machine->core_count)
            queue->balance_interval_ms = 2 * machine->core_count;
    }
    queue->next_balance_jiffy = jiffy_now(machine) + interval_jiffies(machine, queue, busy);
}

static void balance_idle_cores(Machine *machine)
{
    // The ticking core kicks the idle ones (nohz balancing), once an instant.
    if (machine->idle_balanced_at.ns == machine->now.ns)
        return;
    machine->idle_balanced_at = machine->now;
    int64_t jiffy = jiffy_now(machine);
    for (uint32_t core = 0; core < machine->core_count && machine->overloaded > 0; core++) {
        RunQueue *queue = &machine->run_queues[core];
        if (core_is_idle(machine, (int)core) && jiffy >= queue->next_balance_jiffy)
            balance(machine, queue);
    }
}

// All cores tick at one instant, and one of them counts the jiffies; another may read the count
// before it has been raised. Traces of real kernels show intervals longer by a jiffy about as
// often (measured: intervals of 32 and 64 ms among those of 28 and 60 ms; one in five fits).
// Without this race, cores would balance in lockstep for ever.
static int64_t jiffy_seen(Machine *machine)
{
    bool early = rng_below(&machine->balance_rng, 100) < JIFFY_RACE_PERCENT;
    return jiffy_now(machine) - (early ? 1 : 0);
}

void balance_tick(Machine *machine, RunQueue *queue)
{
    if (jiffy_now(machine) >= queue->next_balance_jiffy &&
        jiffy_seen(machine) >= queue->next_balance_jiffy)
        balance(machine, queue);
    if (machine->overloaded > 0 && machine->idle_count > 0)
        balance_idle_cores(machine);
}

bool balance_new_idle(Machine *machine, RunQueue *queue)
{
    if (machine->overloaded == 0)
        return false;
    // As above: what is not pulled now is not pulled later, where there are no ticks.
    if (machine->uses_tick && queue->idle_average.ns < NEW_IDLE_COST_NS)
        return false;
    Imbalance imbalance;
    return find_imbalance(machine, queue, &imbalance) &&
           pull(machine, queue, &imbalance, MIGRATION_NEW_IDLE) > 0;
}
