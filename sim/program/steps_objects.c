// Ops on Python's objects: making them, dropping the references to them, and the garbage collector.
// Making them is bytecode, between two of which the GIL may go to another thread. Freeing many of
// them at once and a collection are code in C that keeps the GIL: nobody else runs bytecode before
// it is at its end, and signals' handlers wait, too. In the build without a GIL a collection stops
// all other threads while it goes through the objects, and frees the garbage when they go on.
//
// There threads make objects without waiting for each other: each has a heap of its own. That a
// list into which several of them put theirs has a lock is not modelled here.
#include "sim/kernel/sched.h"
#include "sim/program/program.h"
#include "sim/program/world.h"
#include "sim/python/collector.h"
#include "sim/python/object_memory.h"

#include <inttypes.h>

static Collector *own_collector(Machine *machine, const Task *task)
{
    return collector_of(machine, process_of(machine, task));
}

static Duration each(const Machine *machine, CostId cost, uint64_t count)
{
    Int128 ns = (Int128)machine_cost(machine, cost).ns * (Int128)count;
    return (Duration){ns > DURATION_MAX_NS ? DURATION_MAX_NS : (int64_t)ns};
}

// Work in C with the GIL, after which the op goes on in `phase`, which says that it is over.
static StepResult work_in_c(Machine *machine, Task *task, Duration length, uint8_t phase)
{
    task->in_c = true;
    return program_work(machine, task, false, length, phase);
}

// ---- collecting

static StepResult begin_collection(Machine *machine, Task *task, int generation, uint8_t phase)
{
    Collection found = collector_look(own_collector(machine, task), generation);
    machine_emit(machine, EVENT_GC_BEGUN, task->core, task->id, (uint64_t)generation,
                 found.traversed);
    return work_in_c(machine, task,
                     duration_add(each(machine, COST_GC_OBJECT, found.traversed),
                                  each(machine, COST_OBJECT_FREE, found.freed)),
                     phase);
}

static void end_collection(Machine *machine, Task *task, int generation)
{
    Collector *collector = own_collector(machine, task);
    Collection found = collector_look(collector, generation);
    task->in_c = false;
    collector_collect(collector, generation);
    objects_gone(machine, task, found.freed);
    machine_emit(machine, EVENT_GC_ENDED, task->core, task->id, (uint64_t)generation, found.freed);
}

// The same where it stops the world: from the phase WORLD_STOPS on, up to `*done`.
enum { WORLD_STOPS = 10, GOES_THROUGH, WORLD_STARTS, FREES, ALL_FREED };

static StepResult collect_stopped(Machine *machine, Task *task, bool *done)
{
    enum { GENERATION = GENERATIONS - 1 };
    Collector *collector = own_collector(machine, task);
    Collection found;
    switch (task->phase) {
    case WORLD_STOPS:
        collector->collecting = true;
        return world_stop(machine, task, GOES_THROUGH);
    case GOES_THROUGH:
        found = collector_look(collector, GENERATION);
        collector->found = found.freed;
        machine_emit(machine, EVENT_GC_BEGUN, task->core, task->id, GENERATION, found.traversed);
        return work_in_c(machine, task, each(machine, COST_GC_OBJECT, found.traversed),
                         WORLD_STARTS);
    case WORLD_STARTS:
        collector_collect(collector, GENERATION);
        return world_start(machine, task, FREES);
    case FREES:
        return work_in_c(machine, task, each(machine, COST_OBJECT_FREE, collector->found),
                         ALL_FREED);
    default:
        task->in_c = false;
        collector->collecting = false;
        objects_gone(machine, task, collector->found);
        collector_count(collector, world_objects(machine, task), -(int64_t)collector->found);
        machine_emit(machine, EVENT_GC_ENDED, task->core, task->id, GENERATION, collector->found);
        *done = true;
        return STEP_NEXT;
    }
}

// While another thread collects there is nothing to do: CPython returns at once.
static StepResult collect_world(Machine *machine, Task *task, const Op *op)
{
    bool done = false;
    if (task->phase == PHASE_ENTER && own_collector(machine, task)->collecting)
        return program_done(task, op);
    if (task->phase == PHASE_ENTER)
        task->phase = WORLD_STOPS;
    StepResult result = collect_stopped(machine, task, &done);
    return done ? program_done(task, op) : result;
}

StepResult step_GC_COLLECT(Machine *machine, Task *task, const Op *op)
{
    enum { COLLECTED = 1 };
    if (world_may_stop(machine, task))
        return collect_world(machine, task, op);
    if (task->phase == PHASE_ENTER)
        return begin_collection(machine, task, GENERATIONS - 1, COLLECTED);
    end_collection(machine, task, GENERATIONS - 1);
    return program_done(task, op);
}

// ---- making

// How many it makes before a collection is due, and how many are left then: in task->scratch.
static StepResult make_some(Machine *machine, Task *task, uint32_t left, uint8_t phase)
{
    uint32_t room = collector_room(own_collector(machine, task));
    uint32_t some = room == 0 ? 1 : room < left ? room : left;
    task->scratch = (uint64_t)some << 32 | (left - some);
    return program_work(machine, task, false, each(machine, COST_OBJECT_NEW, some), phase);
}

// The same up to where the thread tells the collector of them.
static StepResult make_batch(Machine *machine, Task *task, uint32_t left, uint8_t phase)
{
    uint32_t room = collector_batch(*world_objects(machine, task));
    uint32_t some = room < left ? room : left;
    task->scratch = (uint64_t)some << 32 | (left - some);
    Duration length = each(machine, COST_OBJECT_NEW, some);
    return program_work(machine, task, false, program_bytecode(machine, task, length), phase);
}

static StepResult new_objects_world(Machine *machine, Task *task, const Op *op)
{
    enum { MADE = 1 };
    Collector *collector = own_collector(machine, task);
    uint32_t made = (uint32_t)(task->scratch >> 32), left = (uint32_t)task->scratch;
    if (task->phase == PHASE_ENTER)
        return make_batch(machine, task, op->arg[0], MADE);
    if (task->phase == MADE) {
        collector_make(collector, op->arg[1], made, op->arg[2] != 0);
        objects_made(machine, task, made);
        bool told = collector_count(collector, world_objects(machine, task), made);
        if (told && collector_due(collector) >= 0)
            task->phase = WORLD_STOPS;
    }
    if (task->phase >= WORLD_STOPS) {
        bool done = false;
        StepResult result = collect_stopped(machine, task, &done);
        if (!done)
            return result;
    }
    return left == 0 ? program_done(task, op) : make_batch(machine, task, left, MADE);
}

StepResult step_NEW_OBJECTS(Machine *machine, Task *task, const Op *op)
{
    enum { MADE = 1, COLLECTED_0, COLLECTED_1, COLLECTED_2 };
    if (world_may_stop(machine, task))
        return new_objects_world(machine, task, op);
    Collector *collector = own_collector(machine, task);
    uint32_t left = (uint32_t)task->scratch;
    int due;
    switch (task->phase) {
    case PHASE_ENTER:
        return make_some(machine, task, op->arg[0], MADE);
    case MADE:
        collector_make(collector, op->arg[1], (uint32_t)(task->scratch >> 32), op->arg[2] != 0);
        objects_made(machine, task, task->scratch >> 32);
        due = collector_due(collector);
        if (due >= 0)
            return begin_collection(machine, task, due, (uint8_t)(COLLECTED_0 + due));
        break;
    default:
        end_collection(machine, task, task->phase - COLLECTED_0);
    }
    return left == 0 ? program_done(task, op) : make_some(machine, task, left, MADE);
}

// ---- references

// `does`: "drops". The process has no objects of the name.
static StepResult fail_without_objects(Machine *machine, const Task *task, const Op *op,
                                       const char *does)
{
    char text[96];
    StringId name = machine->scenario->memories[op->arg[0] - 1].name;
    machine_fail(machine, machine->scenario->op_at[program_op_index(machine, op)],
                 "at %" PRId64 " ns %s %s '%s', of which its process has no objects",
                 machine->now.ns, machine_task_name(machine, task->id, text), does,
                 scenario_string(machine->scenario, name));
    return STEP_ENDED;
}

StepResult step_TAKE(Machine *machine, Task *task, const Op *op)
{
    enum { TAKEN = 1 };
    if (task->phase == TAKEN) {
        task->in_c = false;
        return program_done(task, op);
    }
    uint64_t count = collector_take(own_collector(machine, task), op->arg[0]);
    if (count == 0)
        return fail_without_objects(machine, task, op, "takes");
    return work_in_c(machine, task, each(machine, COST_OBJECT_REFERENCE, count), TAKEN);
}

StepResult step_DROP(Machine *machine, Task *task, const Op *op)
{
    enum { FREED = 1 };
    Collector *collector = own_collector(machine, task);
    uint64_t garbage, freed;
    if (task->phase == FREED) {
        task->in_c = false;
        return program_done(task, op);
    }
    uint64_t given = collector_give_back(collector, op->arg[0]);
    if (given > 0)
        return work_in_c(machine, task, each(machine, COST_OBJECT_REFERENCE, given), FREED);
    freed = collector_drop(collector, op->arg[0], &garbage);
    objects_gone(machine, task, freed);
    uint32_t name = machine->scenario->memories[op->arg[0] - 1].name.index1;
    if (freed == 0 && garbage == 0)
        return fail_without_objects(machine, task, op, "drops");
    if (world_may_stop(machine, task))
        collector_count(collector, world_objects(machine, task), -(int64_t)freed);
    if (garbage > 0)
        machine_emit(machine, EVENT_OBJECTS_LEFT, task->core, task->id, name, garbage);
    if (freed > 0)
        machine_emit(machine, EVENT_OBJECTS_FREED, task->core, task->id, name, freed);
    return work_in_c(machine, task, each(machine, COST_OBJECT_FREE, freed), FREED);
}

// ---- switches

StepResult step_GC_DISABLE(Machine *machine, Task *task, const Op *op)
{
    own_collector(machine, task)->disabled = true;
    return program_done(task, op);
}

StepResult step_GC_ENABLE(Machine *machine, Task *task, const Op *op)
{
    own_collector(machine, task)->disabled = false;
    return program_done(task, op);
}

StepResult step_GC_FREEZE(Machine *machine, Task *task, const Op *op)
{
    collector_freeze(own_collector(machine, task));
    return program_done(task, op);
}
