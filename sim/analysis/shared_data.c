#include "sim/analysis/shared_data.h"

#include "sim/base/check.h"

#include <stdio.h>
#include <stdlib.h>

// Room for variables that have come since, as the scenario says they are at first.
static void make_room(SharedData *data)
{
    uint32_t count = instances_variable_count(data->instances);
    if (count == data->variable_count)
        return;
    if (count >= data->variable_room) {
        data->variable_room = count + count / 2 + 1;
        data->variables =
            realloc(data->variables, (size_t)data->variable_room * sizeof *data->variables);
        CHECKF(data->variables != NULL, "out of memory for %u variables", count);
    }
    for (uint32_t i = data->variable_count + 1; i <= count; i++) {
        uint32_t id = instances_variable_at(data->instances, i).id;
        data->variables[i] = (VariableMetrics){.value = data->scenario->variables[id - 1].value};
    }
    data->variable_count = count;
}

void shared_data_open(SharedData *data, const Instances *instances)
{
    *data = (SharedData){.scenario = instances->scenario, .instances = instances};
    make_room(data);
}

void shared_data_free(SharedData *data)
{
    free(data->variables);
    free(data->loaded);
    *data = (SharedData){0};
}

char *variable_name(const Scenario *scenario, uint32_t variable, char text[static 96])
{
    if (variable == 0 || variable > scenario->variable_count) {
        snprintf(text, 96, "variable %u", variable);
        return text;
    }
    const VariableDef *def = &scenario->variables[variable - 1];
    const char *name = scenario_string(scenario, def->name);
    bool shared = false;
    for (uint32_t i = 0; i < scenario->variable_count && !shared; i++)
        shared = ID_EQUAL(scenario->variables[i].name, def->name) && i != variable - 1;
    if (shared)
        snprintf(text, 96, "%s/%s",
                 scenario_string(scenario, scenario->processes[def->process.index1 - 1].name),
                 name);
    else
        snprintf(text, 96, "%s", name);
    return text;
}

// ---- what copies build on

static size_t slot_of(const SharedData *data, uint64_t key)
{
    uint64_t scrambled = key * 0x9e3779b97f4a7c15u;
    size_t at = (scrambled ^ scrambled >> 32) & (data->room - 1);
    while (data->loaded[at].key != 0 && data->loaded[at].key != key)
        at = (at + 1) & (data->room - 1);
    return at;
}

static void grow(SharedData *data)
{
    SharedData old = *data;
    data->room = old.room == 0 ? 64 : old.room * 2;
    data->loaded = calloc(data->room, sizeof *data->loaded);
    CHECKF(data->loaded != NULL, "out of memory for %zu copies", data->room);
    for (size_t i = 0; i < old.room; i++)
        if (old.loaded[i].key != 0)
            data->loaded[slot_of(data, old.loaded[i].key)] = old.loaded[i];
    free(old.loaded);
}

static uint64_t key_of(uint32_t task, uint32_t variable)
{
    return (uint64_t)task << 32 | variable;
}

static void set_loaded(SharedData *data, uint32_t task, uint32_t variable, uint64_t length)
{
    if (data->count * 2 >= data->room)
        grow(data);
    uint64_t key = key_of(task, variable);
    LoadedLength *loaded = &data->loaded[slot_of(data, key)];
    data->count += loaded->key == 0;
    *loaded = (LoadedLength){key, length};
}

// ---- updates

// Whether the op stores a number, or another variable's copy: no update of what it replaces.
static bool replaces(const Scenario *scenario, uint32_t index)
{
    if (index >= scenario->op_count || scenario->ops[index].code != OP_STORE)
        return false;
    const Op *op = &scenario->ops[index];
    return op_has_integer(op->arg[1]) || (op->arg[2] != 0 && op->arg[2] != op->arg[0]);
}

// The length of what a store builds on.
static uint64_t basis(const SharedData *data, const TraceRecord *record, uint32_t id)
{
    uint64_t now = data->variables[id].length;
    if (data->room == 0 || replaces(data->scenario, access_op(record->a)))
        return now;
    const LoadedLength *loaded = &data->loaded[slot_of(data, key_of(record->task, id))];
    return loaded->key == 0 ? now : loaded->length;
}

static void update(SharedData *data, const TraceRecord *record, uint32_t id, uint64_t builds_on)
{
    VariableMetrics *variable = &data->variables[id];
    uint32_t op = access_op(record->a);
    if (builds_on < variable->length && variable->first_lost.task == 0)
        variable->first_lost =
            (LostUpdate){record->time_ns, record->task, op, variable->last_task, variable->last_op};
    variable->last_task = record->task;
    variable->last_op = op;
    variable->value = (int64_t)record->b;
    variable->updates++;
    variable->length = builds_on + 1;
    set_loaded(data, record->task, id, variable->length);
}

// A process begins with copies of another's: their values are what those are now.
static void copied(SharedData *data, const TraceRecord *record)
{
    uint32_t pid = (uint32_t)record->a, from = (uint32_t)record->b;
    for (uint32_t id = 1; id <= data->scenario->variable_count; id++) {
        uint32_t number = instances_variable_of(data->instances, pid, id);
        if (number != id)
            data->variables[number].value =
                data->variables[instances_variable_of(data->instances, from, id)].value;
    }
}

static bool is_access(unsigned kind)
{
    return kind >= EVENT_LOAD && kind <= EVENT_SWAP_FAILED;
}

void shared_data_add(SharedData *data, const TraceRecord *record)
{
    if (data->variables == NULL)
        return;
    make_room(data);
    if (record->kind == EVENT_PROCESS_COPIED && record->a <= UINT32_MAX && record->b <= UINT32_MAX)
        copied(data, record);
    uint32_t id = is_access(record->kind) ? access_variable(record->a) : 0;
    if (id == 0 || id > data->scenario->variable_count)
        return;
    id = instances_variable(data->instances, record->task, id);
    VariableMetrics *variable = &data->variables[id];
    switch ((EventKind)record->kind) {
    case EVENT_LOAD:
        variable->loads++;
        set_loaded(data, record->task, id, variable->length);
        break;
    case EVENT_STORE:
        variable->stores++;
        update(data, record, id, basis(data, record, id));
        break;
    case EVENT_ATOMIC_ADD:
    case EVENT_SWAPPED:
        variable->atomics++;
        update(data, record, id, variable->length);
        break;
    case EVENT_SWAP_FAILED:
        variable->failed_swaps++;
        set_loaded(data, record->task, id, variable->length);
        break;
    default:
        break;
    }
}
