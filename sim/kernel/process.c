#include "sim/kernel/process.h"

#include "sim/base/check.h"
#include "sim/kernel/placement.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/wait_list.h"

#include <stdlib.h>

static ThreadGroup *group_of(Machine *machine, ThreadDefId def)
{
    return &machine->groups[def.index1 - 1];
}

static const ThreadDef *def_of(const Machine *machine, ThreadDefId def)
{
    return &machine->scenario->threads[def.index1 - 1];
}

// ---- random numbers

// FNV-1a (Fowler, Noll, Vo), over the text and its zero.
static uint64_t hash_text(uint64_t hash, const char *text)
{
    do
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    while (*text++ != '\0');
    return hash;
}

Rng process_rng(const Scenario *scenario, ThreadDefId def, uint32_t instance)
{
    const ThreadDef *thread = &scenario->threads[def.index1 - 1];
    StringId process = scenario->processes[thread->process.index1 - 1].name;
    uint64_t hash = hash_text(0xcbf29ce484222325u, scenario_string(scenario, process));
    hash = hash_text(hash, scenario_string(scenario, thread->name));
    return rng_make(scenario->seed, hash + instance);
}

// ---- arriving

static int by_time_then_place(const void *left, const void *right)
{
    const Arrival *a = left, *b = right;
    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns ? -1 : 1;
    if (a->def.index1 != b->def.index1)
        return a->def.index1 < b->def.index1 ? -1 : 1;
    return a->instance < b->instance ? -1 : a->instance > b->instance;
}

void process_plan_arrivals(Machine *machine)
{
    const Scenario *scenario = machine->scenario;
    uint64_t total = 0;
    for (uint32_t i = 0; i < scenario->thread_count; i++)
        total += scenario->threads[i].count;
    if (total > (uint64_t)scenario->limits[LIMIT_TASKS]) {
        machine_limit(machine, LIMIT_TASKS);
        return;
    }
    machine->arrivals = ARENA_ARRAY(&machine->arena, Arrival, total > 0 ? total : 1);
    for (uint32_t i = 0; i < scenario->thread_count; i++) {
        const ThreadDef *def = &scenario->threads[i];
        Rng rng = process_rng(scenario, (ThreadDefId){i + 1}, 0);
        for (uint32_t n = 1; n <= def->count; n++) {
            int64_t time = def->start == 0 ? 0 : dist_draw(scenario, def->start, &rng).ns;
            machine->arrivals[machine->arrival_count++] = (Arrival){time, {i + 1}, n};
        }
        Process *process = &machine->processes[def->process.index1 - 1];
        process->alive += def->count;
        process->workers += def->daemon ? 0 : def->count;
        machine->workers += def->daemon ? 0 : def->count;
    }
    qsort(machine->arrivals, machine->arrival_count, sizeof(Arrival), by_time_then_place);
}

Instant process_next_arrival(const Machine *machine)
{
    return machine->arrival_next == machine->arrival_count
               ? INSTANT_NEVER
               : (Instant){machine->arrivals[machine->arrival_next].time_ns};
}

static Task *create(Machine *machine, ThreadDefId def_id, uint32_t instance)
{
    const ThreadDef *def = def_of(machine, def_id);
    if (machine->task_count % TASK_CHUNK == 0) {
        Task *chunk = calloc(TASK_CHUNK, sizeof(Task));
        CHECKF(chunk != NULL, "out of memory for task %u", machine->task_count);
        *ARRAY_PUSH(&machine->task_chunks) = chunk;
    }
    TaskId id = {++machine->task_count};
    Task *task = task_at(machine, id);
    task->id = id;
    task->def = def_id;
    task->instance = instance;
    task->affinity = def->affinity;
    task->daemon = def->daemon;
    task->op = def->entry;
    task->last_ran = (Instant){INT64_MIN / 4}; // never cache-hot
    task->rng = process_rng(machine->scenario, def_id, instance);
    task->sched_class = SCHED_CLASS_NORMAL;
    task->fair.weight = nice_weight(def->nice);
    task->fair.slice_ns = def->slice_ns;
    task->fair.custom_slice = def->slice_ns != 0;
    machine_emit(machine, EVENT_TASK_CREATED, CORE_NONE, id, def_id.index1, instance);
    return task;
}

void process_arrive(Machine *machine)
{
    const Arrival *arrival = &machine->arrivals[machine->arrival_next++];
    const ThreadDef *def = def_of(machine, arrival->def);
    if (def->daemon && machine->processes[def->process.index1 - 1].workers == 0)
        return; // its process has ended
    group_of(machine, arrival->def)->created++;
    Task *task = create(machine, arrival->def, arrival->instance);
    sched_start(machine, task, placement_for_new(machine, task, CORE_NONE), CORE_NONE);
}

Duration process_spawn(Machine *machine, ThreadDefId def_id, Task *creator)
{
    if (machine->task_count >= machine->scenario->limits[LIMIT_TASKS]) {
        machine_limit(machine, LIMIT_TASKS);
        return (Duration){0};
    }
    Process *process = &machine->processes[def_of(machine, def_id)->process.index1 - 1];
    process->alive++;
    Task *task = create(machine, def_id, ++group_of(machine, def_id)->created);
    // A thread that a daemon starts is a daemon too, as in Python's threading.
    task->daemon = creator->daemon;
    if (!task->daemon) {
        process->workers++;
        machine->workers++;
    }
    int core = placement_for_new(machine, task, creator->core);
    return sched_start(machine, task, core, creator->core);
}

// ---- ending

static void kill_daemons(Machine *machine, ProcessId process)
{
    for (uint32_t i = 1; i <= machine->task_count; i++) {
        Task *task = task_at(machine, (TaskId){i});
        if (task->state == TASK_DEAD || !ID_EQUAL(def_of(machine, task->def)->process, process))
            continue;
        machine_emit(machine, EVENT_TASK_KILLED, CORE_NONE, task->id, 0, 0);
        sched_kill(machine, task);
    }
}

void process_exit(Machine *machine, Task *task)
{
    machine_emit(machine, EVENT_TASK_EXITED, task->core, task->id, 0, 0);
    sched_exit(machine, task);
    ThreadGroup *group = group_of(machine, task->def);
    group->ended++;
    const ThreadDef *def = def_of(machine, task->def);
    if (group->ended >= (def->spawned ? group->created : def->count)) {
        Task *joiner;
        while ((joiner = wait_list_take(machine, &group->joiners)) != NULL)
            sched_wake(machine, joiner, task->id, task->core);
    }
    Process *process = &machine->processes[def->process.index1 - 1];
    process->alive--;
    if (task->daemon)
        return;
    machine->workers--;
    if (--process->workers == 0 && process->alive > 0)
        kill_daemons(machine, def->process);
}

// ---- sleeping

void process_set_timer(Machine *machine, Task *task, Duration length)
{
    Duration slack = machine_cost(machine, COST_TIMER_SLACK);
    machine_emit(machine, EVENT_TIMER_SET, task->core, task->id, (uint64_t)length.ns,
                 (uint64_t)slack.ns);
    if (++machine->timer_sequence == 0)
        machine->timer_sequence = 1; // 0 is "no timer"
    task->timer_sequence = machine->timer_sequence;
    TimerEntry entry = {machine->now.ns + length.ns + slack.ns, task->timer_sequence, task->id};
    timer_heap_push(&machine->cores[task->core].timers, entry);
}

void process_sleep(Machine *machine, Task *task, Duration length)
{
    process_set_timer(machine, task, length);
    sched_block(machine, task, SWITCH_BLOCKED_SLEEP);
}
