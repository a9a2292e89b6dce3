// Which one of several objects a record is about. Records name variables, locks and the like by the
// scenario's ids; a process that was forked has its own of those that are not `shared`, and so has
// one that began a new program. Each of these has a number here: the scenario's ids first, then the
// others in the order in which their processes began. What an object is like (level, value) is the
// business of who asks.
#pragma once
#include "sim/base/array.h"
#include "sim/scenario/scenario.h"
#include "sim/trace/record.h"

// An object that is not the scenario's first one of its id.
typedef struct Instance {
    uint32_t id;  // VariableId.index1 or SyncId.index1
    uint32_t pid; // whose it is
} Instance;

// Where a process's own objects begin in the lists; NULL family: it uses the first ones.
typedef struct InstanceOwner {
    const ProcessDef *family;
    uint32_t variables, syncs;
} InstanceOwner;

// Zero-initialised, every object is there once.
typedef struct Instances {
    const Scenario *scenario;
    ARRAY(uint32_t) pids;        // by TaskId
    ARRAY(InstanceOwner) owners; // by Pid
    ARRAY(Instance) variables;   // number less the scenario's
    ARRAY(Instance) syncs;
} Instances;

void instances_open(Instances *instances, const Scenario *scenario);
// The next record, before anybody asks about it. Whatever its ids refer to, it is taken without
// harm.
void instances_add(Instances *instances, const TraceRecord *record);
// Makes `to`, open for the same scenario, equal to `from`.
void instances_copy(Instances *to, const Instances *from);
void instances_free(Instances *instances);

// What a copy of them takes.
size_t instances_bytes(const Instances *instances);

// The task's process, 0 when it is not known.
uint32_t instances_pid(const Instances *instances, uint32_t task);
// The number of the object that the process, or the task, means by `id`, a VariableId or a SyncId
// of the scenario.
uint32_t instances_variable_of(const Instances *instances, uint32_t pid, uint32_t id);
uint32_t instances_sync_of(const Instances *instances, uint32_t pid, uint32_t id);
uint32_t instances_variable(const Instances *instances, uint32_t task, uint32_t id);
uint32_t instances_sync(const Instances *instances, uint32_t task, uint32_t id);

// The object with this number, pid 0 for the scenario's first ones. `number` is one that the
// functions above have returned, or at most the count.
Instance instances_variable_at(const Instances *instances, uint32_t number);
Instance instances_sync_at(const Instances *instances, uint32_t number);
uint32_t instances_variable_count(const Instances *instances);
uint32_t instances_sync_count(const Instances *instances);
