#include "sim/analysis/wakers.h"

enum { DEED_CODES = 7 };

// What ends a wait: one of these operations on the object, which its first field names.
typedef struct Deed {
    const char *text;
    OpCode codes[DEED_CODES]; // 0 behind the last
} Deed;

// By which bytes come into a pipe, and out of it.
static const Deed writes = {"writes to", {OP_WRITE, OP_WRITER_WRITE, OP_LIB_WRITE}};
static const Deed reads = {"reads from",
                           {OP_READ, OP_READ_UNTIL_EOF, OP_READER_READ, OP_READER_READLINE,
                            OP_READER_READEXACTLY, OP_READER_LINES, OP_READER_CHUNKS}};

static Deed deed_at_sync(const SyncDef *def, OpCode own)
{
    switch (def->kind) {
    case SYNC_LOCK: // Python's has no owner
        return def->python ? (Deed){"unlocks", {OP_UNLOCK}} : (Deed){0};
    case SYNC_SEMAPHORE:
        return (Deed){"releases", {OP_RELEASE}};
    case SYNC_CONDITION:
        return (Deed){"notifies", {OP_NOTIFY, OP_NOTIFY_ALL}};
    case SYNC_EVENT:
        return (Deed){"sets", {OP_SET}};
    case SYNC_BARRIER:
        return (Deed){"comes to", {OP_BARRIER}};
    case SYNC_QUEUE:
        return own == OP_PUT ? (Deed){"gets an item from", {OP_GET}}
                             : (Deed){"puts an item into", {OP_PUT}};
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
        return deed_at_sync(scene_sync_def(scene, task->place_id), own);
    case PLACE_PIPE:
        if (own == OP_LIB_WRITE)
            return (Deed){"reads from", {OP_LIB_READ}};
        return own == OP_WRITE ? reads : writes;
    case PLACE_MESSAGES:
        return own == OP_SEND_MESSAGE ? (Deed){"receives from", {OP_RECEIVE_MESSAGE}}
                                      : (Deed){"sends to", {OP_SEND_MESSAGE}};
    case PLACE_SIGNAL:
        return (Deed){"sends it a signal", {OP_KILL}};
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
    return code == OP_SPAWN || code == OP_FORK || code == OP_SPAWN_PROCESS ||
           code == OP_START_PROCESS || code == OP_SUBMIT;
}

static void look(Walk *walk, uint32_t entry);

// The coroutines of a list of what is awaited; tasks by their names have been made by another op.
static void look_into_awaited(Walk *walk, uint32_t first)
{
    const Scenario *scenario = walk->scenario;
    for (uint32_t i = first; i - 1 < scenario->awaited_count; i++) {
        const AwaitedDef *awaited = &scenario->awaited[i - 1];
        if (awaited->name == 0 && awaited->function - 1 < scenario->function_count)
            look(walk, scenario->functions[awaited->function - 1].entry);
        if (awaited->last)
            return;
    }
}

// The functions that the op calls in its own thread, as coroutines or not. Who gets an item does
// what it says.
static void look_into(Walk *walk, const Op *op)
{
    const Scenario *scenario = walk->scenario;
    const OpInfo *info = op_info(op->code);
    if (info == NULL || runs_elsewhere(op->code))
        return;
    if (op->code == OP_SEND_OBJECT && op->arg[0] - 1 < scenario->connection_count)
        look(walk, scenario->connections[op->arg[0] - 1].send);
    if (op->code == OP_RECEIVE_OBJECT && op->arg[0] - 1 < scenario->connection_count)
        look(walk, scenario->connections[op->arg[0] - 1].receive);
    for (int i = 0; i < OP_FIELDS_MAX && info->fields[i].name != NULL; i++) {
        FieldType type = info->fields[i].type;
        if (type == FIELD_FUNCTION && op->code != OP_PUT)
            look(walk, op->arg[i]);
        else if (type == FIELD_COROUTINE && op->arg[i] - 1 < scenario->function_count)
            look(walk, scenario->functions[op->arg[i] - 1].entry);
        else if (type == FIELD_AWAITED)
            look_into_awaited(walk, op->arg[i]);
    }
    for (uint32_t i = 0; op->code == OP_GET && i < scenario->op_count; i++)
        if (scenario->ops[i].code == OP_PUT && scenario->ops[i].arg[0] == op->arg[0])
            look(walk, scenario->ops[i].arg[1]);
}

static bool does(const Deed *deed, const Op *op)
{
    for (int i = 0; i < DEED_CODES && deed->codes[i] != 0; i++)
        if (op->code == deed->codes[i])
            return true;
    return false;
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
        if (op->code == OP_LIB_GOTO) { // how a process begins: on to its function
            look(walk, op->arg[0]);
            return;
        }
        walk->found = walk->found || (does(&walk->deed, op) && op->arg[0] == walk->object);
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

static Wakers find(Arena *arena, const Scene *scene, const Deed *deed, uint32_t object)
{
    const Scenario *scenario = scene->scenario;
    Walk walk = {.scenario = scenario,
                 .deed = *deed,
                 .object = object,
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

Wakers wakers_of(Arena *arena, const Scene *scene, const SceneTask *task)
{
    Deed deed = deed_for(scene, task);
    return find(arena, scene, &deed, object_of(scene, task));
}

Wakers wakers_of_stream(Arena *arena, const Scene *scene, uint32_t pipe, PipeEnd end)
{
    return find(arena, scene, end == PIPE_END_READ ? &writes : &reads, pipe);
}
