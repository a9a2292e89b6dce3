#include "sim/analysis/races.h"

#include "sim/base/check.h"

#include <stdio.h>
#include <stdlib.h>

// A damaged trace may name any process.
enum { PIDS_AHEAD = 1024 };

typedef struct RaceTask {
    TaskRow row;
    uint32_t thread1; // index1 of its RaceThread; 0: it has touched no variable
    bool left_out;
    uint64_t interpreter; // of Python, as records name it, whose GIL it had last; 0: none
    VectorClock clock;
} RaceTask;

// A thread's entry in all clocks.
struct RaceThread {
    uint32_t clock; // at its end
    bool ended;
};

struct RaceSync {
    VectorClock released; // a lock's holders, a semaphore's posters, a queue's putters…
    VectorClock others;   // a rwlock's readers, a bounded queue's getters
    ARRAY(uint32_t) come; // tasks at a barrier
};

// The last access of a thread at a place.
typedef struct Touch {
    uint32_t clock; // 0: none
    uint32_t task;
} Touch;

struct RacePlace {
    uint32_t op, variable; // a number
    AccessKind kind;
    bool writes;
    uint32_t next; // place of the same variable
    uint32_t count;
    Touch *touches; // by thread
};

struct RaceVariable {
    uint32_t places;      // the first
    VectorClock released; // by atomic writes
    // Whether each access so far happened before the last one, or is it: then who comes after that
    // one comes after all.
    bool unordered;
    uint32_t last_thread1, last_clock;
};

static void *zeroed(size_t count, size_t bytes)
{
    void *memory = calloc(count == 0 ? 1 : count, bytes);
    CHECKF(memory != NULL, "out of memory for %zu items of %zu bytes", count, bytes);
    return memory;
}

void races_open(Races *races, const Instances *instances)
{
    const Scenario *scenario = instances->scenario;
    *races = (Races){.scenario = scenario, .instances = instances};
    if (scenario->variable_count == 0)
        return;
    races->tasks.row_bytes = sizeof(RaceTask);
    races->ended = zeroed(scenario->thread_count + 1, sizeof *races->ended);
    races->pipes = zeroed(scenario->pipe_count + 1, sizeof *races->pipes);
    races->messages = zeroed(scenario->message_queue_count + 1, sizeof *races->messages);
    races->place_of = zeroed((size_t)scenario->op_count * 2 + 2, sizeof *races->place_of);
    ARRAY_EXTEND(&races->places);
}

static void free_clocks(Races *races, VectorClock *clocks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        vector_clock_free(&clocks[i], &races->bytes);
    free(clocks);
}

void races_free(Races *races)
{
    const Scenario *scenario = races->scenario;
    if (scenario == NULL || scenario->variable_count == 0)
        return;
    for (uint32_t id = 1; id <= races->tasks.id_max; id++) {
        RaceTask *task = task_table_at(&races->tasks, id);
        if (task != NULL)
            vector_clock_free(&task->clock, &races->bytes);
    }
    task_table_free(&races->tasks);
    for (size_t i = 0; i < races->syncs.count; i++) {
        vector_clock_free(&races->syncs.at[i].released, &races->bytes);
        vector_clock_free(&races->syncs.at[i].others, &races->bytes);
        ARRAY_FREE(&races->syncs.at[i].come);
    }
    ARRAY_FREE(&races->syncs);
    free_clocks(races, races->ended, scenario->thread_count + 1);
    free_clocks(races, races->pipes, scenario->pipe_count + 1);
    free_clocks(races, races->messages, scenario->message_queue_count + 1);
    free_clocks(races, races->processes.at, races->processes.count);
    for (size_t i = 0; i < races->variables.count; i++)
        vector_clock_free(&races->variables.at[i].released, &races->bytes);
    ARRAY_FREE(&races->variables);
    for (size_t i = 0; i < races->places.count; i++)
        free(races->places.at[i].touches);
    ARRAY_FREE(&races->places);
    ARRAY_FREE(&races->threads);
    ARRAY_FREE(&races->found);
    free(races->place_of);
    free(races->pairs);
    *races = (Races){0};
}

static void stop(Races *races, int64_t now)
{
    races->stopped = true;
    races->stopped_ns = now;
}

// ---- what orders threads

static void acquire(Races *races, RaceTask *task, const VectorClock *from)
{
    vector_clock_join(&task->clock, from, &races->bytes);
}

// What the task does from now on is not in what it has given away before.
static void tick(Races *races, RaceTask *task)
{
    if (task->thread1 == 0)
        return;
    uint32_t own = task->thread1 - 1;
    vector_clock_set(&task->clock, own, vector_clock_get(&task->clock, own) + 1, &races->bytes);
}

static void release(Races *races, RaceTask *task, VectorClock *to)
{
    vector_clock_join(to, &task->clock, &races->bytes);
    tick(races, task);
}

static void spawned(Races *races, RaceTask *task, uint64_t child_id)
{
    RaceTask *child = task_table_at(&races->tasks, child_id);
    if (child != NULL && child != task)
        release(races, task, &child->clock);
}

// What has become known of a process when it is collected.
static VectorClock *process_clock(Races *races, uint64_t pid)
{
    if (pid > races->processes.count + PIDS_AHEAD)
        return NULL;
    while (races->processes.count <= pid)
        ARRAY_EXTEND(&races->processes);
    return &races->processes.at[pid];
}

static void ended(Races *races, RaceTask *task, const TraceRecord *record)
{
    uint32_t pid = instances_pid(races->instances, record->task);
    VectorClock *process = pid == 0 ? NULL : process_clock(races, pid);
    if (record->kind == EVENT_TASK_EXITED)
        vector_clock_join(&races->ended[task->row.def], &task->clock, &races->bytes);
    if (process != NULL) // killed ones too: nothing of a process goes on behind its end
        vector_clock_join(process, &task->clock, &races->bytes);
    if (task->thread1 != 0)
        races->threads.at[task->thread1 - 1] = (struct RaceThread){
            .clock = vector_clock_get(&task->clock, task->thread1 - 1), .ended = true};
    task->thread1 = 0;
    vector_clock_free(&task->clock, &races->bytes);
}

static void barrier_opened(Races *races, struct RaceSync *barrier)
{
    for (size_t i = 0; i < barrier->come.count; i++) {
        RaceTask *task = task_table_at(&races->tasks, barrier->come.at[i]);
        if (task == NULL)
            continue;
        acquire(races, task, &barrier->released);
        tick(races, task);
    }
    barrier->come.count = 0;
    vector_clock_free(&barrier->released, &races->bytes);
}

// A record about an object that threads synchronise by.
static void synchronised(Races *races, RaceTask *task, const TraceRecord *record)
{
    if (record->a == 0 || record->a > races->scenario->sync_count)
        return;
    const SyncDef *def = &races->scenario->syncs[record->a - 1];
    uint32_t number = instances_sync(races->instances, record->task, (uint32_t)record->a);
    while (races->syncs.count <= number)
        ARRAY_EXTEND(&races->syncs);
    struct RaceSync *sync = &races->syncs.at[number];
    switch ((EventKind)record->kind) {
    case EVENT_LOCK_TAKEN:
        acquire(races, task, &sync->released);
        acquire(races, task, &sync->others);
        break;
    case EVENT_LOCK_READ:
    case EVENT_ACQUIRED:
    case EVENT_EVENT_PASSED:
        acquire(races, task, &sync->released);
        break;
    case EVENT_LOCK_RELEASED:
    case EVENT_RELEASED:
    case EVENT_EVENT_SET:
        release(races, task, &sync->released);
        break;
    case EVENT_LOCK_READ_RELEASED:
        release(races, task, &sync->others);
        break;
    case EVENT_NOTIFIED:
        if (record->b > 0)
            release(races, task, &sync->released);
        break;
    case EVENT_SYNC_WAIT_OVER:
        if (def->kind == SYNC_CONDITION && record->b == WAIT_WOKEN)
            acquire(races, task, &sync->released);
        break;
    case EVENT_SYNC_LEVEL: // of a barrier: one more has come; 0 is said when it has opened
        if (def->kind != SYNC_BARRIER || record->b == 0)
            break;
        vector_clock_join(&sync->released, &task->clock, &races->bytes);
        *ARRAY_PUSH(&sync->come) = record->task;
        break;
    case EVENT_BARRIER_OPENED:
        barrier_opened(races, sync);
        break;
    case EVENT_QUEUE_PUT:
        if (def->parameter != 0)
            acquire(races, task, &sync->others);
        release(races, task, &sync->released);
        break;
    case EVENT_QUEUE_GOT:
        acquire(races, task, &sync->released);
        if (def->parameter != 0)
            release(races, task, &sync->others);
        break;
    default:
        break;
    }
}

// What orders threads of different processes. Pipes and message queues are kernel objects: there is
// one of each.
static void between_processes(Races *races, RaceTask *task, const TraceRecord *record)
{
    const Scenario *scenario = races->scenario;
    VectorClock *pipe = record->a <= scenario->pipe_count ? &races->pipes[record->a] : NULL;
    VectorClock *queue =
        record->a <= scenario->message_queue_count ? &races->messages[record->a] : NULL;
    VectorClock *process;
    switch ((EventKind)record->kind) {
    case EVENT_PROCESS_REAPED:
        process = process_clock(races, record->a);
        if (process != NULL)
            acquire(races, task, process);
        break;
    case EVENT_PIPE_WRITTEN:
    case EVENT_PIPE_CLOSED:
        if (pipe != NULL)
            release(races, task, pipe);
        break;
    case EVENT_PIPE_READ:
    case EVENT_PIPE_EOF:
        if (pipe != NULL)
            acquire(races, task, pipe);
        break;
    case EVENT_MESSAGE_SENT:
        if (queue != NULL)
            release(races, task, queue);
        break;
    default:
        if (queue != NULL)
            acquire(races, task, queue);
        break;
    }
}

// ---- accesses

// Whether all that the ended thread has done is known to the task.
static bool knows_end(const RaceTask *task, const struct RaceThread *thread, uint32_t number)
{
    return thread->ended && vector_clock_get(&task->clock, number) >= thread->clock;
}

// The task's entry in the clocks, at its first access. One who knows the end of another continues
// that one's, as if it were the same thread. False when there are too many.
static bool enter(Races *races, RaceTask *task)
{
    if (task->thread1 != 0 || task->left_out)
        return !task->left_out;
    uint32_t number = 0;
    while (number < races->threads.count && !knows_end(task, &races->threads.at[number], number))
        number++;
    if (number == RACES_THREADS_MAX) {
        races->threads_left_out = task->left_out = true;
        return false;
    }
    if (number == races->threads.count)
        ARRAY_EXTEND(&races->threads);
    races->threads.at[number].ended = false;
    task->thread1 = number + 1;
    tick(races, task);
    return true;
}

static struct RacePlace *place_at(Races *races, uint32_t variable, uint32_t op, AccessKind kind,
                                  bool writes)
{
    uint32_t *last = &races->place_of[(size_t)op * 2 + writes];
    if (*last != 0 && races->places.at[*last].variable == variable)
        return &races->places.at[*last];
    // In another process the op's variable is another one.
    struct RaceVariable *owner = &races->variables.at[variable];
    uint32_t index = owner->places;
    while (index != 0 &&
           (races->places.at[index].op != op || races->places.at[index].writes != writes))
        index = races->places.at[index].next;
    if (index == 0) {
        index = (uint32_t)races->places.count;
        *ARRAY_PUSH(&races->places) = (struct RacePlace){
            .op = op, .variable = variable, .kind = kind, .writes = writes, .next = owner->places};
        owner->places = index;
    }
    *last = index;
    return &races->places.at[index];
}

static void touch(Races *races, struct RacePlace *place, const RaceTask *task, uint32_t id)
{
    uint32_t thread = task->thread1 - 1;
    if (thread >= place->count) {
        uint32_t room = (thread + 8) / 8 * 8;
        Touch *touches = realloc(place->touches, room * sizeof *touches);
        CHECKF(touches != NULL, "out of memory for %u accesses", room);
        for (uint32_t i = place->count; i < room; i++)
            touches[i] = (Touch){0};
        races->bytes += (room - place->count) * sizeof *touches;
        place->touches = touches;
        place->count = room;
    }
    place->touches[thread] = (Touch){vector_clock_get(&task->clock, thread), id};
}

static uint64_t scrambled(uint64_t key)
{
    key *= 0x9e3779b97f4a7c15u;
    return key ^ key >> 32;
}

// Puts the pair into the set. False when it is in there already.
static bool is_new_pair(Races *races, uint32_t a, uint32_t b)
{
    if (races->found.count * 2 >= races->pair_room) {
        size_t room = races->pair_room == 0 ? 64 : races->pair_room * 2;
        uint64_t *pairs = zeroed(room, sizeof *pairs);
        for (size_t i = 0; i < races->pair_room; i++) {
            if (races->pairs[i] == 0)
                continue;
            size_t at = scrambled(races->pairs[i]) & (room - 1);
            while (pairs[at] != 0)
                at = (at + 1) & (room - 1);
            pairs[at] = races->pairs[i];
        }
        free(races->pairs);
        races->pairs = pairs;
        races->pair_room = room;
    }
    // No op has the index 0: that is OP_RETURN.
    uint64_t key = a < b ? (uint64_t)a << 32 | b : (uint64_t)b << 32 | a;
    size_t at = scrambled(key) & (races->pair_room - 1);
    while (races->pairs[at] != 0 && races->pairs[at] != key)
        at = (at + 1) & (races->pair_room - 1);
    if (races->pairs[at] == key)
        return false;
    races->pairs[at] = key;
    return true;
}

// Whether the task is at an `add` that nobody else of its interpreter comes into the middle of.
static bool adds_whole(const Races *races, const RaceTask *task, uint32_t op)
{
    const Scenario *scenario = races->scenario;
    if (task == NULL || task->interpreter == 0 || scenario->ops[op].code != OP_ADD)
        return false;
    ProcessId process = scenario->threads[task->row.def - 1].process;
    ProcessId family = scenario->processes[process.index1 - 1].family;
    return runtime_looks_up_seldom(&scenario->processes[family.index1 - 1].runtime);
}

// Whether two accesses that nothing orders are additions of which each is whole for the other.
static bool both_whole(const Races *races, const RaceTask *task, uint32_t op, uint32_t other_task,
                       uint32_t other_op)
{
    const RaceTask *other = task_table_at(&races->tasks, other_task);
    return adds_whole(races, task, op) && adds_whole(races, other, other_op) &&
           task->interpreter == other->interpreter;
}

// Compares with the last access of every thread at every place of the variable. Returns whether all
// of them happened before.
static bool compare(Races *races, const RaceTask *task, const struct RacePlace *here,
                    const TraceRecord *record)
{
    bool ordered = true;
    uint32_t id = instances_variable_at(races->instances, here->variable).id;
    for (uint32_t i = races->variables.at[here->variable].places; i != 0;
         i = races->places.at[i].next) {
        const struct RacePlace *place = &races->places.at[i];
        bool conflict = place->kind == ACCESS_WRITE || here->kind == ACCESS_WRITE;
        for (uint32_t thread = 0; thread < place->count; thread++) {
            const Touch *other = &place->touches[thread];
            if (other->clock <= vector_clock_get(&task->clock, thread))
                continue;
            ordered = false;
            if (!conflict)
                break;
            if (both_whole(races, task, here->op, other->task, place->op))
                continue;
            if (races->found.count < RACES_PAIRS_MAX && is_new_pair(races, place->op, here->op))
                *ARRAY_PUSH(&races->found) = (Race){.variable = id,
                                                    .number = here->variable,
                                                    .first = {place->op, other->task, place->kind},
                                                    .second = {here->op, record->task, here->kind},
                                                    .time_ns = record->time_ns};
            break; // the other threads at that place are the same pair
        }
    }
    return ordered;
}

static void judge(Races *races, RaceTask *task, struct RacePlace *place, const TraceRecord *record)
{
    struct RaceVariable *variable = &races->variables.at[place->variable];
    bool after_last =
        variable->last_thread1 == 0 ||
        vector_clock_get(&task->clock, variable->last_thread1 - 1) >= variable->last_clock;
    if (variable->unordered || !after_last)
        variable->unordered = !compare(races, task, place, record);
    variable->last_thread1 = task->thread1;
    variable->last_clock = vector_clock_get(&task->clock, task->thread1 - 1);
    touch(races, place, task, record->task);
}

static void accessed(Races *races, RaceTask *task, const TraceRecord *record)
{
    const Scenario *scenario = races->scenario;
    uint32_t id = access_variable(record->a), op = access_op(record->a);
    if (id == 0 || id > scenario->variable_count || op == 0 || op >= scenario->op_count)
        return;
    uint32_t number = instances_variable(races->instances, record->task, id);
    while (races->variables.count <= number)
        ARRAY_EXTEND(&races->variables);
    struct RaceVariable *variable = &races->variables.at[number];
    bool loads = record->kind == EVENT_LOAD, stores = record->kind == EVENT_STORE;
    bool atomic = !(loads || stores) || scenario->variables[id - 1].atomic;
    bool writes = !loads && record->kind != EVENT_SWAP_FAILED;
    AccessKind kind = atomic ? ACCESS_ATOMIC : writes ? ACCESS_WRITE : ACCESS_READ;
    if (atomic && !stores)
        acquire(races, task, &variable->released);
    if (enter(races, task)) {
        judge(races, task, place_at(races, number, op, kind, !loads), record);
    }
    if (atomic && writes) {
        vector_clock_copy(&variable->released, &task->clock, &races->bytes);
        tick(races, task);
    }
}

void races_add(Races *races, const TraceRecord *record)
{
    if (races->place_of == NULL || races->stopped)
        return;
    if (record->kind == EVENT_TASK_CREATED) {
        task_table_add(&races->tasks, races->scenario, record->task, record->a, record->b);
        return;
    }
    RaceTask *task = task_table_at(&races->tasks, record->task);
    if (task == NULL)
        return;
    switch ((EventKind)record->kind) {
    case EVENT_LOAD:
    case EVENT_STORE:
    case EVENT_ATOMIC_ADD:
    case EVENT_SWAPPED:
    case EVENT_SWAP_FAILED:
        accessed(races, task, record);
        break;
    case EVENT_GIL_TAKEN:
        task->interpreter = record->a;
        break;
    case EVENT_SPAWNED:
        spawned(races, task, record->a);
        break;
    case EVENT_JOINED:
        if (record->a != 0 && record->a <= races->scenario->thread_count)
            acquire(races, task, &races->ended[record->a]);
        break;
    case EVENT_TASK_EXITED:
    case EVENT_TASK_KILLED:
        ended(races, task, record);
        break;
    case EVENT_PROCESS_REAPED:
    case EVENT_PIPE_WRITTEN:
    case EVENT_PIPE_CLOSED:
    case EVENT_PIPE_READ:
    case EVENT_PIPE_EOF:
    case EVENT_MESSAGE_SENT:
    case EVENT_MESSAGE_RECEIVED:
        between_processes(races, task, record);
        break;
    default:
        synchronised(races, task, record);
        break;
    }
    if (races->bytes > RACES_BYTES_MAX || races->found.count >= RACES_PAIRS_MAX)
        stop(races, record->time_ns);
}

// ---- for readers

uint32_t races_about(const Races *races, uint32_t variable)
{
    uint32_t count = 0;
    for (size_t i = 0; i < races->found.count; i++)
        count += races->found.at[i].variable == variable;
    return count;
}

uint32_t races_of_number(const Races *races, uint32_t number)
{
    uint32_t count = 0;
    for (size_t i = 0; i < races->found.count; i++)
        count += races->found.at[i].number == number;
    return count;
}

const char *races_missing(const Races *races, char text[static 160])
{
    char time[32];
    if (races->stopped)
        snprintf(text, 160, "races were looked for up to %s only: %s",
                 duration_text(races->stopped_ns, time),
                 races->found.count >= RACES_PAIRS_MAX ? "there are too many"
                                                       : "their bookkeeping fills 256 MiB");
    else if (races->threads_left_out)
        snprintf(text, 160, "races were looked for among the first %d threads only",
                 RACES_THREADS_MAX);
    else
        return NULL;
    return text;
}

const char *access_kind_word(AccessKind kind)
{
    static const char *const words[] = {"reads", "writes", "changes atomically"};
    return words[kind];
}
