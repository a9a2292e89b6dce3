#include "sim/analysis/instances.h"

#include <string.h>

enum {
    IDS_AHEAD = 1024,       // a damaged trace may name any process or task
    INSTANCES_MAX = 1 << 20 // beyond, processes are taken to use the first ones
};

void instances_open(Instances *instances, const Scenario *scenario)
{
    *instances = (Instances){.scenario = scenario};
}

#define COPY_ITEMS(to, from)                                                                       \
    do {                                                                                           \
        (to)->count = 0;                                                                           \
        ARRAY_EXTEND_BY(to, (from)->count);                                                        \
        if ((from)->count > 0)                                                                     \
            memcpy((to)->at, (from)->at, (from)->count * sizeof *(to)->at);                        \
    } while (0)

void instances_copy(Instances *to, const Instances *from)
{
    COPY_ITEMS(&to->pids, &from->pids);
    COPY_ITEMS(&to->owners, &from->owners);
    COPY_ITEMS(&to->variables, &from->variables);
    COPY_ITEMS(&to->syncs, &from->syncs);
}

void instances_free(Instances *instances)
{
    ARRAY_FREE(&instances->pids);
    ARRAY_FREE(&instances->owners);
    ARRAY_FREE(&instances->variables);
    ARRAY_FREE(&instances->syncs);
}

size_t instances_bytes(const Instances *instances)
{
    return instances->pids.count * sizeof(uint32_t) +
           instances->owners.count * sizeof(InstanceOwner) +
           (instances->variables.count + instances->syncs.count) * sizeof(Instance);
}

// ---- who is in which process

uint32_t instances_pid(const Instances *instances, uint32_t task)
{
    return task < instances->pids.count ? instances->pids.at[task] : 0;
}

static void set_pid(Instances *instances, uint32_t task, uint64_t pid)
{
    if (task > instances->pids.count + IDS_AHEAD || pid > UINT32_MAX)
        return;
    while (instances->pids.count <= task)
        *ARRAY_PUSH(&instances->pids) = 0;
    instances->pids.at[task] = (uint32_t)pid;
}

// ---- objects of its own

static void begin_program(Instances *instances, uint64_t pid, const ProcessDef *family)
{
    if (pid > instances->owners.count + IDS_AHEAD || !family->owns_data ||
        instances->variables.count + family->variable_count > INSTANCES_MAX ||
        instances->syncs.count + family->sync_count > INSTANCES_MAX)
        return;
    while (instances->owners.count <= pid)
        ARRAY_EXTEND(&instances->owners);
    instances->owners.at[pid] = (InstanceOwner){.family = family,
                                                .variables = (uint32_t)instances->variables.count,
                                                .syncs = (uint32_t)instances->syncs.count};
    for (uint32_t i = 1; i <= family->variable_count; i++)
        *ARRAY_PUSH(&instances->variables) = (Instance){family->variable_first + i, (uint32_t)pid};
    for (uint32_t i = 1; i <= family->sync_count; i++)
        *ARRAY_PUSH(&instances->syncs) = (Instance){family->sync_first + i, (uint32_t)pid};
}

static const ProcessDef *family_of(const Scenario *scenario, uint32_t process)
{
    return &scenario->processes[scenario->processes[process - 1].family.index1 - 1];
}

void instances_add(Instances *instances, const TraceRecord *record)
{
    const Scenario *scenario = instances->scenario;
    uint32_t pid = instances_pid(instances, record->task);
    switch ((EventKind)record->kind) {
    case EVENT_TASK_CREATED: // in its entry's process, unless the next record says otherwise
        if (scenario->tracks_processes && record->a != 0 && record->a <= scenario->thread_count)
            set_pid(instances, record->task, scenario->threads[record->a - 1].process.index1);
        break;
    case EVENT_PROCESS_STARTED:
        if (pid == 0 || pid > scenario->process_count || record->a <= scenario->process_count)
            break;
        set_pid(instances, record->task, record->a);
        begin_program(instances, record->a, family_of(scenario, pid));
        break;
    case EVENT_PROCESS_JOINED:
        set_pid(instances, record->task, record->a);
        break;
    case EVENT_PROCESS_EXECED:
        if (record->a > 0 && record->a <= scenario->process_count)
            begin_program(instances, record->a, family_of(scenario, (uint32_t)record->a));
        else if (record->a < instances->owners.count && instances->owners.at[record->a].family)
            begin_program(instances, record->a, instances->owners.at[record->a].family);
        break;
    default:
        break;
    }
}

// ---- asking

static const InstanceOwner *owner_of(const Instances *instances, uint32_t pid)
{
    if (pid >= instances->owners.count || instances->owners.at[pid].family == NULL)
        return NULL;
    return &instances->owners.at[pid];
}

uint32_t instances_variable_of(const Instances *instances, uint32_t pid, uint32_t id)
{
    const InstanceOwner *owner = owner_of(instances, pid);
    if (owner == NULL || instances->scenario->variables[id - 1].shared ||
        id - 1 - owner->family->variable_first >= owner->family->variable_count)
        return id;
    return instances->scenario->variable_count + owner->variables + id -
           owner->family->variable_first;
}

uint32_t instances_sync_of(const Instances *instances, uint32_t pid, uint32_t id)
{
    const InstanceOwner *owner = owner_of(instances, pid);
    if (owner == NULL || instances->scenario->syncs[id - 1].shared ||
        id - 1 - owner->family->sync_first >= owner->family->sync_count)
        return id;
    return instances->scenario->sync_count + owner->syncs + id - owner->family->sync_first;
}

uint32_t instances_variable(const Instances *instances, uint32_t task, uint32_t id)
{
    return instances_variable_of(instances, instances_pid(instances, task), id);
}

uint32_t instances_sync(const Instances *instances, uint32_t task, uint32_t id)
{
    return instances_sync_of(instances, instances_pid(instances, task), id);
}

Instance instances_variable_at(const Instances *instances, uint32_t number)
{
    uint32_t first = instances->scenario->variable_count;
    return number <= first ? (Instance){number, 0} : instances->variables.at[number - first - 1];
}

Instance instances_sync_at(const Instances *instances, uint32_t number)
{
    uint32_t first = instances->scenario->sync_count;
    return number <= first ? (Instance){number, 0} : instances->syncs.at[number - first - 1];
}

uint32_t instances_variable_count(const Instances *instances)
{
    return instances->scenario->variable_count + (uint32_t)instances->variables.count;
}

uint32_t instances_sync_count(const Instances *instances)
{
    return instances->scenario->sync_count + (uint32_t)instances->syncs.count;
}
