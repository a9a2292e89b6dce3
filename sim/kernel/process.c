#include "sim/kernel/process.h"

#include "sim/base/check.h"
#include "sim/kernel/placement.h"
#include "sim/kernel/priority.h"
#include "sim/kernel/process_data.h"
#include "sim/kernel/process_end.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/wait_list.h"
#include "sim/scenario/python_objects.h"

#include <stdio.h>
#include <stdlib.h>

static const ThreadDef *def_of(const Machine *machine, ThreadDefId def)
{
    return &machine->scenario->threads[def.index1 - 1];
}

// ---- processes

static Process *add_process(Machine *machine, ProcessId def, uint32_t instance)
{
    Process *process = ARENA_NEW(&machine->arena, Process);
    *ARRAY_PUSH(&machine->processes) = process;
    process->pid = (Pid){(uint32_t)machine->processes.count};
    process->def = def;
    process->instance = instance;
    return process;
}

void process_init(Machine *machine)
{
    const Scenario *scenario = machine->scenario;
    machine->process_counts = ARENA_ARRAY(&machine->arena, uint32_t, scenario->process_count + 1);
    for (uint32_t i = 1; i <= scenario->process_count; i++) {
        Process *process = add_process(machine, (ProcessId){i}, 1);
        // A forked one's first place is only its template: no process of the run.
        process->state = scenario->processes[i - 1].forked ? PROCESS_GONE : PROCESS_ALIVE;
    }
}

void process_free(Machine *machine)
{
    ARRAY_FREE(&machine->processes);
    address_space_free(machine);
    memory_free(&machine->memory);
}

Process *process_create(Machine *machine, ProcessId def, Process *parent)
{
    Process *process = add_process(machine, def, ++machine->process_counts[def.index1 - 1]);
    process->parent = parent->pid;
    process->next_sibling = parent->first_child;
    if (!ID_NONE(parent->first_child))
        process_at(machine, parent->first_child)->previous_sibling = process->pid;
    parent->first_child = process->pid;
    parent->children++;
    return process;
}

ThreadGroup *process_group(Machine *machine, Pid pid, ThreadDefId def)
{
    uint32_t index = def.index1 - 1;
    if (pid.index1 <= machine->scenario->process_count)
        return &machine->groups[index];
    Process *process = process_at(machine, pid);
    if (process->groups == NULL)
        process->groups =
            ARENA_ARRAY(&machine->arena, ThreadGroup, machine->scenario->thread_count);
    return &process->groups[index];
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
        Process *process = process_at(machine, (Pid){def->process.index1});
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

// What a thread of Python has besides its stack. The main thread's belongs to the interpreter.
static uint32_t heap_bytes(const Machine *machine, const Process *process, const Task *task)
{
    const Runtime *runtime = &process_family(machine, process)->runtime;
    return ID_EQUAL(process->first, task->id) ? 0
                                              : python_object_bytes(runtime, PYTHON_OBJECT_THREAD);
}

// A thread's memory comes when it first runs; until then it is addresses only.
static void reserve_stack(Machine *machine, Process *process, Task *task)
{
    const ThreadDef *def = def_of(machine, task->def);
    if (!machine->scenario->tracks_memory)
        return;
    address_space_stack(machine, process, thread_stack_pages(def), 0);
    address_space_say(machine, process, task->id);
    task->attention |= ATTENTION_MEMORY;
}

void process_stack_there(Machine *machine, Task *task)
{
    Process *process = process_of(machine, task);
    uint32_t bytes = heap_bytes(machine, process, task);
    address_space_stack(machine, process, 0, thread_stack_touched(def_of(machine, task->def)));
    task->stack_there = true;
    if (bytes > 0)
        heap_take(machine, process, task, bytes,
                  python_arena_pages(&process_family(machine, process)->runtime));
}

void process_release_stack(Machine *machine, Task *task)
{
    const ThreadDef *def = def_of(machine, task->def);
    Process *process = process_of(machine, task);
    if (!machine->scenario->tracks_memory)
        return;
    address_space_stack(machine, process, -(int64_t)thread_stack_pages(def),
                        task->stack_there ? -(int64_t)thread_stack_touched(def) : 0);
    if (task->stack_there)
        heap_give(machine, process, heap_bytes(machine, process, task));
    address_space_say(machine, process, task->id);
}

// A thread that another starts, and a forked process, are scheduled as that one is (clone(2) copies
// nice, policy and affinity: kernel/sched/core.c sched_fork). A deadline thread has a bandwidth
// that it cannot share: Linux lets it clone only with SCHED_FLAG_RESET_ON_FORK, which begins as
// normal.
static ThreadDefId scheduled_as(const Machine *machine, ThreadDefId def, TaskId creator)
{
    if (ID_NONE(creator) || thread_policy(machine, task_at(machine, creator)) == POLICY_DEADLINE)
        return def;
    return task_at(machine, creator)->scheduled_as;
}

static void list_task(Machine *machine, Process *process, Task *task)
{
    task->previous = process->newest;
    if (ID_NONE(process->newest))
        process->oldest = task->id;
    else
        task_at(machine, process->newest)->next = task->id;
    process->newest = task->id;
}

void process_unlist(Machine *machine, Task *task)
{
    Process *process = process_of(machine, task);
    if (ID_NONE(task->previous))
        process->oldest = task->next;
    else
        task_at(machine, task->previous)->next = task->next;
    if (ID_NONE(task->next))
        process->newest = task->previous;
    else
        task_at(machine, task->next)->previous = task->previous;
    task->next = task->previous = (TaskId){0};
}

static Task *create(Machine *machine, Process *process, ThreadDefId def_id, uint32_t instance,
                    bool daemon, TaskId creator)
{
    const ThreadDef *def = def_of(machine, def_id);
    if (machine->task_count % TASK_CHUNK == 0) {
        Task *chunk = calloc(TASK_CHUNK, sizeof(Task));
        CHECKF(chunk != NULL, "out of memory for task %u", machine->task_count);
        *ARRAY_PUSH(&machine->task_chunks) = chunk;
        if (machine_bytes(machine) > (uint64_t)machine->scenario->limits[LIMIT_MEMORY])
            machine_limit(machine, LIMIT_MEMORY);
    }
    TaskId id = {++machine->task_count};
    Task *task = task_at(machine, id);
    task->id = id;
    task->process = process->pid;
    task->def = def_id;
    task->instance = instance;
    task->scheduled_as = scheduled_as(machine, def_id, creator);
    const ThreadDef *scheduled = def_of(machine, task->scheduled_as);
    task->affinity = scheduled->affinity;
    task->working_set = def->working_set;
    task->daemon = daemon;
    task->op = def->entry;
    task->gil = def->spawned && !ID_NONE(creator) ? task_at(machine, creator)->gil : def->gil;
    const Runtime *runtime = &process_family(machine, process)->runtime;
    if (runtime->has_gil || runtime_stops_world(runtime))
        task->attention = ATTENTION_GIL_TAKE;
    task->last_ran = (Instant){INT64_MIN / 4}; // never cache-hot
    task->rng = process_rng(machine->scenario, def_id, instance);
    priority_begin(task, scheduled);
    task->fair.slice_ns = scheduled->slice_ns;
    task->fair.custom_slice = scheduled->slice_ns != 0;
    machine_emit(machine, EVENT_TASK_CREATED, CORE_NONE, id, def_id.index1,
                 created_pack(instance, daemon, creator.index1));
    list_task(machine, process, task);
    bool first = ID_NONE(process->first);
    if (first)
        process->first = id;
    if (def->forked && machine->scenario->tracks_processes)
        machine_emit(machine, EVENT_PROCESS_STARTED, CORE_NONE, id, process->pid.index1,
                     process->parent.index1);
    else if (process->pid.index1 != def->process.index1)
        machine_emit(machine, EVENT_PROCESS_JOINED, CORE_NONE, id, process->pid.index1, 0);
    reserve_stack(machine, process, task);
    return task;
}

void process_arrive(Machine *machine)
{
    const Arrival *arrival = &machine->arrivals[machine->arrival_next++];
    const ThreadDef *def = def_of(machine, arrival->def);
    Process *process = process_at(machine, (Pid){def->process.index1});
    if (process->state != PROCESS_ALIVE)
        return; // it has ended
    machine->groups[arrival->def.index1 - 1].created++;
    Task *task =
        create(machine, process, arrival->def, arrival->instance, def->daemon, (TaskId){0});
    sched_start(machine, task, placement_for_new(machine, task, CORE_NONE), CORE_NONE);
}

bool process_has_room(Machine *machine)
{
    if (machine->task_count < machine->scenario->limits[LIMIT_TASKS])
        return true;
    machine_limit(machine, LIMIT_TASKS);
    return false;
}

Duration process_add_task(Machine *machine, Process *process, ThreadDefId def_id, Task *creator)
{
    process->alive++;
    uint32_t instance = def_of(machine, def_id)->forked
                            ? process->instance
                            : ++process_group(machine, process->pid, def_id)->created;
    // A thread that a daemon starts is a daemon too, as in Python's threading; a process is not.
    bool daemon = (creator->daemon && ID_EQUAL(creator->process, process->pid)) ||
                  def_of(machine, def_id)->daemon;
    Task *task = create(machine, process, def_id, instance, daemon, creator->id);
    if (!task->daemon) {
        process->workers++;
        machine->workers++;
    }
    int core = placement_for_new(machine, task, creator->core);
    return sched_start(machine, task, core, creator->core);
}

Duration process_spawn(Machine *machine, ThreadDefId def_id, Task *creator)
{
    if (!process_has_room(machine))
        return (Duration){0};
    return process_add_task(machine, process_of(machine, creator), def_id, creator);
}

// ---- ending

ThreadGroup *process_count_ended(Machine *machine, const Task *task)
{
    bool declared = task->process.index1 <= machine->scenario->process_count;
    if (!declared && process_of(machine, task)->groups == NULL)
        return NULL;
    ThreadGroup *group = process_group(machine, task->process, task->def);
    group->ended++;
    return group;
}

static void tell_joiners(Machine *machine, const Task *task)
{
    const ThreadDef *def = def_of(machine, task->def);
    ThreadGroup *group = process_count_ended(machine, task);
    if (group == NULL || group->ended < (def->spawned ? group->created : def->count))
        return;
    Task *joiner;
    while ((joiner = wait_list_take(machine, &group->joiners)) != NULL)
        sched_wake(machine, joiner, task->id, task->core);
}

void process_exit(Machine *machine, Task *task)
{
    machine_emit(machine, EVENT_TASK_EXITED, task->core, task->id, 0, 0);
    sched_exit(machine, task);
    Process *process = process_of(machine, task);
    process_unlist(machine, task);
    tell_joiners(machine, task);
    process->alive--;
    process_release_stack(machine, task);
    if (!task->daemon) {
        machine->workers--;
        process->workers--;
        process->leaving--;
    }
    if (process->workers == 0 && process->state == PROCESS_ALIVE)
        process_end(machine, process, 0, KILL_REASON_DAEMON, task);
}

// ---- sleeping

void process_set_timer(Machine *machine, Task *task, Duration length)
{
    machine_emit(machine, EVENT_TIMER_SET, task->core, task->id, (uint64_t)length.ns,
                 (uint64_t)sched_timer_slack(machine, task).ns);
    sched_set_alarm(machine, task, instant_add(machine->now, length));
}

void process_sleep(Machine *machine, Task *task, Duration length)
{
    process_set_timer(machine, task, length);
    sched_block(machine, task, SWITCH_BLOCKED_SLEEP);
}
