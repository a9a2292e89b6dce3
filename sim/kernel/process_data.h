// What the threads of a process share in its memory and look at without the kernel: the values of
// variables, and the words of locks and the like with the lists of those asleep on them. A declared
// process's lie in the machine. A forked process has copies, made at the fork bit by bit: a lock
// that another thread holds at that instant stays taken in the child, where nobody will release it;
// what the forking thread holds, the child's first thread holds. A program that begins anew (spawn,
// exec) has all of it as the scenario says. What is declared `shared` lies in memory that all these
// processes have mapped (MAP_SHARED, with process-shared objects), and is there once.
#pragma once
#include "sim/kernel/process.h"

static inline const ProcessDef *process_family(const Machine *machine, const Process *process)
{
    const ProcessDef *processes = machine->scenario->processes;
    return &processes[processes[process->def.index1 - 1].family.index1 - 1];
}

// The lock of a Python object, which is a variable: its SyncId is this and the VariableId.
#define SYNC_OF_OBJECT 0x80000000u

// Whether `id` is none of the scenario's objects but one of the process's runtime: those have the
// numbers behind the scenario's. No trace names them.
static inline bool sync_is_runtime(const Machine *machine, SyncId id)
{
    return id.index1 > machine->scenario->sync_count;
}

// The object that `task`'s operations, or its runtime, mean by `id`.
static inline Sync *sync_of(const Machine *machine, const Task *task, SyncId id)
{
    const Process *process = process_of(machine, task);
    if (id.index1 & SYNC_OF_OBJECT)
        return &process->object_locks[(id.index1 & ~SYNC_OF_OBJECT) - 1 -
                                      process_family(machine, process)->variable_first];
    if (sync_is_runtime(machine, id))
        return &process->runtime_syncs[id.index1 - 1 - machine->scenario->sync_count];
    if (process->syncs == NULL || machine->scenario->syncs[id.index1 - 1].shared)
        return &machine->syncs[id.index1 - 1];
    return &process->syncs[id.index1 - 1 - process_family(machine, process)->sync_first];
}

// Where the value lies of the variable (VariableId.index1) that `task`'s operations mean.
static inline int64_t *value_of(const Machine *machine, const Task *task, uint32_t variable)
{
    const Process *process = process_of(machine, task);
    if (process->values == NULL || machine->scenario->variables[variable - 1].shared)
        return &machine->values[variable - 1];
    return &process->values[variable - 1 - process_family(machine, process)->variable_first];
}

// The cache line on which that value lies; NULL when lines cost nothing: on a machine with one
// core, or whose lines move in no time.
static inline SharedLine *line_of(const Machine *machine, const Task *task, uint32_t variable)
{
    const VariableDef *def = &machine->scenario->variables[variable - 1];
    const Process *process = process_of(machine, task);
    if (machine->variable_lines == NULL)
        return NULL;
    if (process->values == NULL || def->shared)
        return &machine->variable_lines[def->line.index1 - 1];
    return &process->variable_lines[def->line.index1 - 1 -
                                    process_family(machine, process)->variable_first];
}

// The machine's own, which declared processes use.
void process_data_init(Machine *machine);
void process_data_free(Machine *machine);
// `child`, whose first task is there, gets copies of what `forker`'s process has now.
void process_data_fork(Machine *machine, const Task *forker, Process *child);
// `process` begins a new program. None of its tasks may be asleep on anything of it.
void process_data_renew(Machine *machine, Process *process);
// `process` has ended: its copies, if it has some, are gone.
void process_data_drop(Machine *machine, Process *process);
