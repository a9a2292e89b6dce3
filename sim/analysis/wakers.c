#include "sim/analysis/wakers.h"

// What ends a wait: an operation on the object, which its first field names.
typedef struct Deed {
    OpCode code, other; // `other`: 0 for none
    const char *text;
} Deed;

static Deed deed_at_sync(SyncKind kind, OpCode own)
{
    switch (kind) {
    case SYNC_SEMAPHORE:
        return (Deed){OP_RELEASE, 0, "releases"};
    case SYNC_CONDITION:
        return (Deed){OP_NOTIFY, OP_NOTIFY_ALL, "notifies"};
    case SYNC_EVENT:
        return (Deed){OP_SET, 0, "sets"};
    case SYNC_BARRIER:
        return (Deed){OP_BARRIER, 0, "comes to"};
    case SYNC_QUEUE:
        return own == OP_PUT ? (Deed){OP_GET, 0, "gets an item from"}
                             : (Deed){OP_PUT, 0, "puts an item into"};
    default:
        return (Deed){0};
    }
}

static Deed deed_for(const Scene *scene, const SceneTask *task)
{
    const Scenario *scenario = scene->scenario;
    OpCode own = task->op < scenario->op_count ? (OpCode)scenario->ops[task->op].code : OP_RETURN;
    switch ((PlaceKind)task->place) {
    case PLACE_SYNC:
        return deed_at_sync(scene_sync_def(scene, task->place_id)->kind, own);
    case PLACE_PIPE:
        if (own == OP_LIB_READ || own == OP_LIB_WRITE)
            return own == OP_LIB_WRITE ? (Deed){OP_LIB_READ, 0, "reads from"}
                                       : (Deed){OP_LIB_WRITE, 0, "writes to"};
        return own == OP_WRITE ? (Deed){OP_READ, OP_READ_UNTIL_EOF, "reads from"}
                               : (Deed){OP_WRITE, 0, "writes to"};
    case PLACE_MESSAGES:
        return own == OP_SEND_MESSAGE ? (Deed){OP_RECEIVE_MESSAGE, 0, "receives from"}
                                      : (Deed){OP_SEND_MESSAGE, 0, "sends to"};
    case PLACE_SIGNAL:
        return (Deed){OP_KILL, 0, "sends it a signal"};
    default:
        return (Deed){0};
    }
}

// ---- what a program contains

typedef struct Walk {
    const Scenario *scenario;
    Deed deed;
    uint32_t object;
    uint32_t *seen; // by op: the last `round` in which a function that begins there was looked at
    uint32_t round;
    bool found;
} Walk;

static bool runs_elsewhere(unsigned code)
{
    return code == OP_SPAWN || code == OP_FORK || code == OP_SPAWN_PROCESS;
}

static void look(Walk *walk, uint32_t entry);

// The functions that the op calls in its own thread. Who gets an item does what it says.
static void look_into(Walk *walk, const Op *op)
{
    const Scenario *scenario = walk->scenario;
    const OpInfo *info = op_info(op->code);
    if (info == NULL || runs_elsewhere(op->code))
        return;
    for (int i = 0; i < OP_FIELDS_MAX && info->fields[i].name != NULL; i++)
        if (info->fields[i].type == FIELD_FUNCTION && op->code != OP_PUT)
            look(walk, op->arg[i]);
    for (uint32_t i = 0; op->code == OP_GET && i < scenario->op_count; i++)
        if (scenario->ops[i].code == OP_PUT && scenario->ops[i].arg[0] == op->arg[0])
            look(walk, scenario->ops[i].arg[1]);
}

// A function's operations lie one behind the other, with their blocks between them.
static void look(Walk *walk, uint32_t entry)
{
    const Scenario *scenario = walk->scenario;
    if (entry == 0 || entry >= scenario->op_count || walk->seen[entry] == walk->round)
        return;
    walk->seen[entry] = walk->round;
    for (uint32_t i = entry; i < scenario->op_count && !walk->found; i++) {
        const Op *op = &scenario->ops[i];
        if (op->code == OP_RETURN)
            return;
        if ((op->code == walk->deed.code ||
             (walk->deed.other != 0 && op->code == walk->deed.other)) &&
            op->arg[0] == walk->object)
            walk->found = true;
        look_into(walk, op);
    }
}

static uint32_t object_of(const Scene *scene, const SceneTask *task)
{
    if (task->place == PLACE_SYNC)
        return instances_sync_at(&scene->instances, task->place_id).id;
    if (task->place != PLACE_SIGNAL)
        return task->place_id;
    return task->process - 1 < scene->processes.count ? scene->processes.at[task->process - 1].def
                                                      : 0;
}

static bool has_handlers(const Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->op_count; i++)
        if (scenario->ops[i].code == OP_ON_SIGNAL)
            return true;
    return false;
}

// A handler is done by whichever thread of its process the signal interrupts.
static void look_into_handlers(Walk *walk)
{
    const Scenario *scenario = walk->scenario;
    for (uint32_t i = 0; i < scenario->op_count && !walk->found; i++)
        if (scenario->ops[i].code == OP_ON_SIGNAL)
            look(walk, scenario->ops[i].arg[1]);
}

Wakers wakers_of(Arena *arena, const Scene *scene, const SceneTask *task)
{
    const Scenario *scenario = scene->scenario;
    Walk walk = {.scenario = scenario,
                 .deed = deed_for(scene, task),
                 .object = object_of(scene, task),
                 .seen = ARENA_ARRAY(arena, uint32_t, scenario->op_count)};
    Wakers wakers = {walk.deed.text, ARENA_ARRAY(arena, bool, scenario->thread_count + 1)};
    bool handlers = has_handlers(scenario);
    for (uint32_t i = 0; walk.deed.text != NULL && i < scenario->thread_count; i++) {
        walk.round = i + 1;
        walk.found = false;
        look(&walk, scenario->threads[i].entry);
        if (handlers)
            look_into_handlers(&walk);
        wakers.may[i] = walk.found;
    }
    return wakers;
}
