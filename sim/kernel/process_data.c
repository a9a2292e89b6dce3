#include "sim/kernel/process_data.h"

#include "sim/base/check.h"
#include "sim/kernel/read_holds.h"

#include <stdlib.h>
#include <string.h>

static void *allocate(size_t count, size_t bytes)
{
    void *memory = calloc(count + 1, bytes);
    CHECKF(memory != NULL, "out of memory for %zu objects", count);
    return memory;
}

// ---- one object

static Sync sync_begin(const SyncDef *def)
{
    Sync sync = {0};
    if (def->kind == SYNC_SEMAPHORE)
        sync.semaphore.value = def->parameter;
    return sync;
}

static void sync_free(Machine *machine, const SyncDef *def, Sync *sync)
{
    if (def->kind != SYNC_QUEUE)
        return;
    machine->queued_items -= sync->queue.count;
    free(sync->queue.items);
    sync->queue = (Queue){0};
}

// Nobody sleeps on the copy. Counts of those who did stay: they are bits like all others. (The
// child of a Python process also has the locks of those who waited at its parent's objects, and may
// notify them for nothing; here they are not on its list.)
static Sync sync_copy(Machine *machine, const SyncDef *def, const Sync *from, TaskId forker,
                      TaskId child)
{
    Sync sync = *from;
    sync.waiters = sync.others = (WaitList){0};
    memset(sync.monitor.queues, 0, sizeof sync.monitor.queues);
    if (ID_EQUAL(sync.owner, forker))
        sync.owner = child;
    if (def->kind == SYNC_QUEUE && sync.queue.room > 0) {
        sync.queue.items = allocate(sync.queue.room, sizeof *sync.queue.items);
        memcpy(sync.queue.items, from->queue.items, sync.queue.room * sizeof *sync.queue.items);
        machine->queued_items += sync.queue.count;
    }
    return sync;
}

// ---- the machine's

void process_data_init(Machine *machine)
{
    const Scenario *scenario = machine->scenario;
    machine->syncs = ARENA_ARRAY(&machine->arena, Sync, scenario->sync_count + 1);
    machine->values = ARENA_ARRAY(&machine->arena, int64_t, scenario->variable_count + 1);
    for (uint32_t i = 0; i < scenario->sync_count; i++)
        machine->syncs[i] = sync_begin(&scenario->syncs[i]);
    for (uint32_t i = 0; i < scenario->variable_count; i++)
        machine->values[i] = scenario->variables[i].value;
    if (scenario->machine.cores > 1 && machine_cost(machine, COST_LINE_TRANSFER).ns > 0)
        machine->variable_lines =
            ARENA_ARRAY(&machine->arena, SharedLine, scenario->variable_count + 1);
}

void process_data_free(Machine *machine)
{
    for (uint32_t i = 0; i < machine->scenario->sync_count; i++)
        sync_free(machine, &machine->scenario->syncs[i], &machine->syncs[i]);
    for (size_t i = 0; i < machine->processes.count; i++)
        process_data_drop(machine, machine->processes.at[i]);
}

// ---- a process's

static uint64_t data_bytes(const Machine *machine, const ProcessDef *family)
{
    uint64_t line = machine->variable_lines == NULL ? 0 : sizeof(SharedLine);
    return family->sync_count * sizeof(Sync) + family->variable_count * (sizeof(int64_t) + line);
}

// Room for copies, if the process is to have any.
static bool make_own(Machine *machine, Process *process)
{
    const ProcessDef *family = process_family(machine, process);
    if (!family->owns_data)
        return false;
    if (process->syncs == NULL) {
        process->syncs = allocate(family->sync_count, sizeof *process->syncs);
        process->values = allocate(family->variable_count, sizeof *process->values);
        if (machine->variable_lines != NULL)
            process->variable_lines =
                allocate(family->variable_count, sizeof *process->variable_lines);
        machine->data_bytes += data_bytes(machine, family);
    }
    return true;
}

void process_data_fork(Machine *machine, const Task *forker, Process *child)
{
    const Scenario *scenario = machine->scenario;
    const ProcessDef *family = process_family(machine, child);
    if (!make_own(machine, child))
        return;
    for (uint32_t i = 0; i < family->sync_count; i++) {
        SyncId id = {family->sync_first + i + 1};
        const SyncDef *def = &scenario->syncs[id.index1 - 1];
        if (def->library && !def->shared) // Python makes its own anew in the child
            child->syncs[i] = sync_begin(def);
        else if (!def->shared)
            child->syncs[i] =
                sync_copy(machine, def, sync_of(machine, forker, id), forker->id, child->first);
    }
    read_holds_fork(machine, forker, task_at(machine, child->first));
    for (uint32_t i = 0; i < family->variable_count; i++)
        child->values[i] = *value_of(machine, forker, family->variable_first + i + 1);
    machine_emit(machine, EVENT_PROCESS_COPIED, CORE_NONE, forker->id, child->pid.index1,
                 forker->process.index1);
}

void process_data_renew(Machine *machine, Process *process)
{
    const Scenario *scenario = machine->scenario;
    const ProcessDef *family = process_family(machine, process);
    if (!make_own(machine, process))
        return;
    for (uint32_t i = 0; i < family->sync_count; i++) {
        const SyncDef *def = &scenario->syncs[family->sync_first + i];
        sync_free(machine, def, &process->syncs[i]);
        process->syncs[i] = sync_begin(def);
    }
    for (uint32_t i = 0; i < family->variable_count; i++)
        process->values[i] = scenario->variables[family->variable_first + i].value;
    if (process->variable_lines != NULL) // other memory, in nobody's cache
        memset(process->variable_lines, 0,
               family->variable_count * sizeof *process->variable_lines);
}

void process_data_drop(Machine *machine, Process *process)
{
    const ProcessDef *family = process_family(machine, process);
    if (process->syncs == NULL)
        return;
    for (uint32_t i = 0; i < family->sync_count; i++)
        sync_free(machine, &machine->scenario->syncs[family->sync_first + i], &process->syncs[i]);
    free(process->syncs);
    free(process->values);
    free(process->variable_lines);
    machine->data_bytes -= data_bytes(machine, family);
    process->syncs = NULL;
    process->values = NULL;
    process->variable_lines = NULL;
}
