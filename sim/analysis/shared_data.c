#include "sim/analysis/shared_data.h"

#include "sim/base/check.h"

#include <stdio.h>
#include <stdlib.h>

void shared_data_open(SharedData *data, const Scenario *scenario)
{
    *data = (SharedData){.scenario = scenario};
    if (scenario->variable_count == 0)
        return;
    data->variables = calloc(scenario->variable_count + 1, sizeof *data->variables);
    CHECK(data->variables != NULL);
    for (uint32_t i = 0; i < scenario->variable_count; i++)
        data->variables[i + 1].value = scenario->variables[i].value;
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
    variable->value = (int64_t)record->b;
    variable->updates++;
    variable->length = builds_on + 1;
    set_loaded(data, record->task, id, variable->length);
}

void shared_data_add(SharedData *data, const TraceRecord *record)
{
    if (data->variables == NULL)
        return;
    uint32_t id = access_variable(record->a);
    if (id == 0 || id > data->scenario->variable_count)
        return;
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
