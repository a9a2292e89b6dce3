// The op `manager.call`, and the steps of what only a manager does (sim/scenario/manager_code.c).
#include "sim/program/library.h"
#include "sim/python/multiprocessing.h"

#include <inttypes.h>

static const ManagerDef *def_of(const Machine *machine, const Op *op)
{
    return &machine->scenario->managers[op->arg[0] - 1];
}

static Manager *manager_of(const Machine *machine, const Op *op)
{
    return &machine->multiprocessing->managers[op->arg[0] - 1];
}

static StepResult go_if(Task *task, const Op *op, bool holds, uint32_t place)
{
    if (!holds)
        return program_done(task, op);
    task->op = place;
    task->phase = PHASE_ENTER;
    return STEP_NEXT;
}

// ---- clients

enum { STAGE_BEGUN, STAGE_CONNECTED, STAGE_ANSWERED };

static StepResult too_many(Machine *machine, const Task *task, const Op *op)
{
    char name[96];
    machine_fail(machine, machine->scenario->op_at[program_op_index(machine, op)],
                 "at %" PRId64 " ns %s is one client too many for the manager '%s', which can have "
                 "%u: say `clients: %u`",
                 machine->now.ns, machine_task_name(machine, task->id, name),
                 scenario_string(machine->scenario, def_of(machine, op)->name),
                 def_of(machine, op)->clients, def_of(machine, op)->clients + 1);
    return STEP_ENDED;
}

static StepResult gone(Machine *machine, const Task *task, const Op *op)
{
    char name[96];
    machine_fail(machine, machine->scenario->op_at[program_op_index(machine, op)],
                 "at %" PRId64
                 " ns %s calls the manager '%s', which has ended with the process that "
                 "started it: that one should join its children first",
                 machine->now.ns, machine_task_name(machine, task->id, name),
                 scenario_string(machine->scenario, def_of(machine, op)->name));
    return STEP_ENDED;
}

// The task's connection; that there is one now if there was none is in `*is_new`.
static uint32_t slot_of(Manager *manager, TaskId task, uint32_t most, bool *is_new)
{
    uint32_t slot = 0;
    while (slot < manager->connected && !ID_EQUAL(manager->clients[slot], task))
        slot++;
    *is_new = slot == manager->connected;
    if (*is_new && slot < most) {
        manager->clients[slot] = task;
        manager->connected++;
    }
    return slot;
}

static StepResult call(Machine *machine, Task *task, const Op *op)
{
    const ManagerDef *def = def_of(machine, op);
    bool is_new;
    uint32_t slot = slot_of(manager_of(machine, op), task->id, def->clients, &is_new);
    if (slot == def->clients)
        return too_many(machine, task, op);
    uint32_t entry = def->client + slot * def->client_ops + (is_new ? 0 : def->call_ops);
    if (!library_call(machine, task, op, entry, is_new ? STAGE_CONNECTED : STAGE_ANSWERED))
        return STEP_ENDED;
    uint64_t bytes =
        op->arg[2] == 0 ? MESSAGE_OBJECT_BYTES : machine->scenario->sizes[op->arg[2] - 1];
    if (is_new) // the connection comes first
        bytes = MESSAGE_OBJECT_BYTES;
    task->message = message_make(machine, MESSAGE_REQUEST, bytes, 1);
    Message *request = message_at(machine, task->message);
    request->function = op->arg[1];
    request->first = slot;
    request->answer =
        op->arg[3] == 0 ? MESSAGE_OBJECT_BYTES : machine->scenario->sizes[op->arg[3] - 1];
    return STEP_NEXT;
}

StepResult step_MANAGER_CALL(Machine *machine, Task *task, const Op *op)
{
    Manager *manager = manager_of(machine, op);
    if (task->phase == PHASE_LIBRARY_DONE && task->scratch == STAGE_ANSWERED)
        return program_done(task, op);
    if (manager->ended)
        return gone(machine, task, op);
    if (manager->begun)
        return call(machine, task, op);
    *manager = (Manager){.begun = true, .by = task->process, .clients = manager->clients};
    return library_call(machine, task, op, def_of(machine, op)->begin, STAGE_BEGUN) ? STEP_NEXT
                                                                                    : STEP_ENDED;
}

StepResult step_LIB_UNLESS_BEGUN(Machine *machine, Task *task, const Op *op)
{
    Manager *manager = manager_of(machine, op);
    bool own = manager->begun && ID_EQUAL(manager->by, task->process);
    if (own) {
        manager->begun = false;
        manager->ended = true;
    }
    return go_if(task, op, !own, op->arg[1]);
}

// ---- the server

StepResult step_LIB_UNLESS_SLOT(Machine *machine, Task *task, const Op *op)
{
    return go_if(task, op, message_at(machine, task->message)->first != op->arg[0], op->arg[1]);
}

StepResult step_LIB_SERVE(Machine *machine, Task *task, const Op *op)
{
    Message *request = message_at(machine, task->message);
    if (task->phase != PHASE_LIBRARY_DONE && request->function != 0)
        return library_call(machine, task, op, request->function, 0) ? STEP_NEXT : STEP_ENDED;
    task->message = message_answer(machine, task->message, request->answer);
    return program_done(task, op);
}
