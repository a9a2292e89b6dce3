// Ops on variables that threads share. A thread works on its own copy, as a register is one: `load`
// and `store` are separate accesses, and between them anything may happen. `add` is x += 1 as a
// compiler translates it: load, add, store. Only `atomic_add` and `compare_and_swap` are one
// access. Each access takes effect at the end of its cost, and a thread may be preempted between
// any two.
//
// A variable lies on a cache line. Who reads what another core has written, and who writes what
// another core has a copy of, waits for the line to come over (COST_LINE_TRANSFER), a wait that is
// spent on the core. The line comes when the access begins: a thread that is preempted then and
// goes on elsewhere does not fetch it twice. Locks and their like have their costs without lines.
//
// Memory is as if there were no caches and no write buffers: a store is seen by all from its
// instant on (sequential consistency). Real processors reorder; we do not, because what goes wrong
// without it is enough to teach, and what goes wrong with it is a race here too.
#include "sim/program/data.h"
#include "sim/program/object_lock.h"

#include "sim/kernel/process_data.h"

#include <inttypes.h>

// ---- copies

// The thread's copy of the variable; NULL when it has none.
static Copy *find_copy(Machine *machine, const Task *task, uint32_t variable)
{
    uint32_t index = task->copies;
    while (index != 0 && machine->copies.at[index].variable != variable)
        index = machine->copies.at[index].next;
    return index == 0 ? NULL : &machine->copies.at[index];
}

// A new one at the front of the list that begins at `*first`.
static Copy *add_copy(Machine *machine, uint32_t *first, uint32_t variable, int64_t value)
{
    if (machine->copies.count == 0)
        ARRAY_EXTEND(&machine->copies); // index 0 is "none"
    uint32_t index = machine->free_copy;
    if (index != 0) {
        machine->free_copy = machine->copies.at[index].next;
    } else {
        ARRAY_EXTEND(&machine->copies);
        index = (uint32_t)machine->copies.count - 1;
    }
    machine->copies.at[index] = (Copy){variable, *first, value};
    *first = index;
    return &machine->copies.at[index];
}

static void set_copy(Machine *machine, Task *task, uint32_t variable, int64_t value)
{
    Copy *copy = find_copy(machine, task, variable);
    if (copy != NULL)
        copy->value = value;
    else
        add_copy(machine, &task->copies, variable, value);
}

// Where the variable lies: in its process, or a thread-local one with its thread. Until the next
// copy is made.
static int64_t *place_of(Machine *machine, Task *task, uint32_t variable)
{
    const VariableDef *def = &machine->scenario->variables[variable - 1];
    if (!def->of_thread)
        return value_of(machine, task, variable);
    uint32_t index = task->locals;
    while (index != 0 && machine->copies.at[index].variable != variable)
        index = machine->copies.at[index].next;
    return index != 0 ? &machine->copies.at[index].value
                      : &add_copy(machine, &task->locals, variable, def->value)->value;
}

void data_forget(Machine *machine, Task *task)
{
    while (task->locals != 0) {
        uint32_t index = task->locals;
        task->locals = machine->copies.at[index].next;
        machine->copies.at[index].next = machine->free_copy;
        machine->free_copy = index;
    }
}

// Whether the thread has loaded the variable; if not, the run ends: it `does` ("stores") what it
// has not.
static bool has_copy(Machine *machine, const Task *task, const Op *op, uint32_t variable,
                     const char *does)
{
    if (find_copy(machine, task, variable) != NULL)
        return true;
    char name[96];
    const Scenario *scenario = machine->scenario;
    machine_fail(machine, scenario->op_at[program_op_index(machine, op)],
                 "at %" PRId64 " ns %s %s its copy of '%s', which it has not loaded",
                 machine->now.ns, machine_task_name(machine, task->id, name), does,
                 scenario_string(scenario, scenario->variables[variable - 1].name));
    return false;
}

// As a processor adds: round and round.
static int64_t sum(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

// ---- accesses

static void emit(Machine *machine, const Task *task, const Op *op, EventKind kind,
                 uint32_t variable, int64_t value)
{
    if (machine->scenario->variables[variable - 1].of_thread)
        return; // nobody else sees it
    machine_emit(machine, kind, task->core, task->id,
                 access_pack(variable, program_op_index(machine, op)), (uint64_t)value);
}

// A variable's line and what it is called: its own is called as the variable is.
static Duration fetch(Machine *machine, const Task *task, uint32_t variable, bool writes)
{
    SharedLine *line = line_of(machine, task, variable);
    if (line == NULL)
        return (Duration){0};
    const VariableDef *def = &machine->scenario->variables[variable - 1];
    if (def->of_thread)
        return (Duration){0};
    StringId name = ID_NONE(def->line_name) ? def->name : def->line_name;
    Duration transfer = machine_cost(machine, COST_LINE_TRANSFER);
    int from1;
    Instant ready = writes ? shared_line_write(line, task->core, machine->now, transfer, &from1)
                           : shared_line_read(line, task->core, machine->now, transfer, &from1);
    if (from1 != 0)
        machine_emit(machine, EVENT_LINE_MOVED, task->core, task->id, name.index1, (uint64_t)from1);
    return instant_since(ready, machine->now);
}

static Duration access_cost(Machine *machine, const Task *task, uint32_t variable, bool writes,
                            CostId cost)
{
    return duration_add(fetch(machine, task, variable, writes), machine_cost(machine, cost));
}

// Where Python has no GIL a load counts a reference, which it writes.
Duration data_load_cost(Machine *machine, const Task *task, uint32_t variable)
{
    bool counts = object_shared(machine, task, variable);
    Duration cost = access_cost(machine, task, variable, counts, COST_LOAD);
    return counts ? duration_add(cost, object_reference_cost(machine, task, variable)) : cost;
}

int64_t data_load(Machine *machine, Task *task, const Op *op, uint32_t variable)
{
    int64_t value = *place_of(machine, task, variable);
    set_copy(machine, task, variable, value);
    emit(machine, task, op, EVENT_LOAD, variable, value);
    return value;
}

// The thread knows what it has stored: its copy is the new value.
static void change(Machine *machine, Task *task, const Op *op, EventKind kind, uint32_t variable,
                   int64_t value)
{
    *place_of(machine, task, variable) = value;
    set_copy(machine, task, variable, value);
    emit(machine, task, op, kind, variable, value);
}

void data_ordered(Machine *machine, const Task *task, const Op *op, EventKind kind, uint64_t by)
{
    if (machine->scenario->variable_count > 0)
        machine_emit(machine, kind, task->core, task->id, by, program_op_index(machine, op));
}

// ---- ops

StepResult step_LOAD(Machine *machine, Task *task, const Op *op)
{
    enum { LOADED = 1 };
    if (task->phase == PHASE_ENTER)
        return program_work(machine, task, false, data_load_cost(machine, task, op->arg[0]),
                            LOADED);
    data_load(machine, task, op, op->arg[0]);
    return program_done(task, op);
}

// A store, from the phase STORE_BEGINS on. Where Python has no GIL the object is locked for it: the
// lock is on the same cache line. The value is stored in phase STORES, after which STORE_ENDS is
// due.
enum { STORE_BEGINS = 10, LOCK_COMES, STORE_LOCKED, STORES, STORE_ENDS };

static StepResult store_begin(Machine *machine, Task *task, uint32_t variable)
{
    switch (task->phase) {
    case STORE_BEGINS:
        if (object_shared(machine, task, variable))
            return program_work(machine, task, false,
                                access_cost(machine, task, variable, true, COST_OBJECT_LOCK),
                                LOCK_COMES);
        break;
    case LOCK_COMES:
        return object_lock(machine, task, variable, STORE_LOCKED);
    default:
        break;
    }
    return program_work(machine, task, false,
                        access_cost(machine, task, variable, true, COST_STORE), STORES);
}

static StepResult store_end(Machine *machine, Task *task, const Op *op, uint32_t variable,
                            int64_t value)
{
    change(machine, task, op, EVENT_STORE, variable, value);
    if (!object_shared(machine, task, variable))
        return program_done(task, op);
    object_value_made(machine, task, variable);
    return object_unlock(machine, task, variable, STORE_ENDS);
}

StepResult step_STORE(Machine *machine, Task *task, const Op *op)
{
    uint32_t to = op->arg[0], from = op->arg[2] != 0 ? op->arg[2] : to;
    if (task->phase == PHASE_ENTER) {
        if (!op_has_integer(op->arg[1]) && !has_copy(machine, task, op, from, "stores"))
            return STEP_ENDED;
        task->phase = STORE_BEGINS;
    }
    if (task->phase < STORES)
        return store_begin(machine, task, to);
    if (task->phase == STORE_ENDS)
        return program_done(task, op);
    int64_t value;
    if (op_has_integer(op->arg[1]))
        value = op_integer(op->arg[1]);
    else
        value = sum(find_copy(machine, task, from)->value,
                    op_has_integer(op->arg[3]) ? op_integer(op->arg[3]) : 0);
    return store_end(machine, task, op, to, value);
}

static int64_t added(const Op *op)
{
    return op_has_integer(op->arg[1]) ? op_integer(op->arg[1]) : 1;
}

StepResult step_ADD(Machine *machine, Task *task, const Op *op)
{
    enum { LOADED = 1, ADDED };
    uint32_t variable = op->arg[0];
    switch (task->phase) {
    case PHASE_ENTER:
        return program_work(machine, task, false, data_load_cost(machine, task, variable), LOADED);
    case LOADED:
        data_load(machine, task, op, variable);
        return program_work(machine, task, false, machine_cost(machine, COST_ADD), ADDED);
    case ADDED: {
        Copy *copy = find_copy(machine, task, variable);
        copy->value = sum(copy->value, added(op));
        task->phase = STORE_BEGINS;
        return store_begin(machine, task, variable);
    }
    case STORES:
        return store_end(machine, task, op, variable, find_copy(machine, task, variable)->value);
    case STORE_ENDS:
        return program_done(task, op);
    default:
        return store_begin(machine, task, variable);
    }
}

StepResult step_ATOMIC_ADD(Machine *machine, Task *task, const Op *op)
{
    enum { ADDED = 1 };
    uint32_t variable = op->arg[0];
    if (task->phase == PHASE_ENTER)
        return program_work(machine, task, false,
                            access_cost(machine, task, variable, true, COST_ATOMIC), ADDED);
    change(machine, task, op, EVENT_ATOMIC_ADD, variable,
           sum(*place_of(machine, task, variable), added(op)));
    return program_done(task, op);
}

// A swap that fails tells the thread what it has found, as x86's cmpxchg does.
static StepResult swap(Machine *machine, Task *task, const Op *op)
{
    uint32_t variable = op->arg[0];
    int64_t found = *place_of(machine, task, variable);
    int64_t expected = op_has_integer(op->arg[1]) ? op_integer(op->arg[1])
                                                  : find_copy(machine, task, variable)->value;
    if (found == expected) {
        int64_t value = op_has_integer(op->arg[2]) ? op_integer(op->arg[2])
                                                   : sum(found, op_integer(op->arg[3]));
        change(machine, task, op, EVENT_SWAPPED, variable, value);
        return program_done(task, op);
    }
    set_copy(machine, task, variable, found);
    emit(machine, task, op, EVENT_SWAP_FAILED, variable, found);
    return program_else(task, op, op->arg[4] != 0 ? op->arg[4] : op->arg[5]);
}

StepResult step_COMPARE_AND_SWAP(Machine *machine, Task *task, const Op *op)
{
    enum { SWAP = 1 };
    if (task->phase == SWAP)
        return swap(machine, task, op);
    if (!op_has_integer(op->arg[1]) && !has_copy(machine, task, op, op->arg[0], "compares with"))
        return STEP_ENDED;
    // One that fails takes the line too: the processor locks it before it compares.
    return program_work(machine, task, false,
                        access_cost(machine, task, op->arg[0], true, COST_ATOMIC), SWAP);
}
