#include "tests/search.h"
#include "sim/base/check.h"
#include "sim/kernel/process.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/wait_list.h"
#include "sim/program/program.h"
#include "tests/sync_laws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 4, SYNCS_MAX = 5, FRAMES_MAX = 32, HOLDS_MAX = 8, ITEMS_MAX = 16 };

typedef enum Going { GOING, ASLEEP, SPINNING, ENDED } Going;

// What the records say so far.
typedef struct Account {
    SyncLaws laws;
    uint32_t marks[SEARCH_NAMES]; // by the order in which the scenario names them
} Account;

typedef struct State {
    Task tasks[THREADS_MAX];
    Sync syncs[SYNCS_MAX];
    QueueItem items[SYNCS_MAX][ITEMS_MAX];
    Frame frames[FRAMES_MAX];
    size_t frame_count;
    ReadHold holds[HOLDS_MAX];
    size_t hold_count;
    uint32_t free_hold;
    uint32_t free_frame, open_frames;
    uint64_t queued_items;
    Going going[THREADS_MAX];
    Account account;
} State;

typedef struct Search {
    Scenario scenario;
    Machine machine;
    Diag diag;
    Trace trace;
    TraceSink sink;
    State *state; // the current one, of which the machine's arrays are parts
    uint64_t *seen;
    size_t seen_count, seen_room;
    uint64_t steps;
    bool may_get_stuck;
    char trail[4096]; // who went, up to here
    size_t depth;
} Search;

static Search search;
Searched searched;

#define HOLDS(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            search.trail[search.depth] = '\0';                                                     \
            print_error("after the steps of threads %s:\n", search.trail);                         \
            fail_msg(__VA_ARGS__);                                                                 \
        }                                                                                          \
    } while (0)

// ---- the scheduler's place

void __wrap_sched_run(Machine *machine, Task *task, bool in_kernel, Duration length);
void __wrap_sched_spin(Machine *machine, Task *task);
void __wrap_sched_block(Machine *machine, Task *task, SwitchReason reason);
Duration __wrap_sched_wake(Machine *machine, Task *task, TaskId waker, int waker_core);
bool __wrap_sched_enters_user(Machine *machine, Task *task);
bool __wrap_sched_stop_spinning(Machine *machine, Task *task, Duration delay);
void __wrap_sched_cancel_timer(Machine *machine, Task *task);
void __wrap_process_exit(Machine *machine, Task *task);
void __wrap_process_set_timer(Machine *machine, Task *task, Duration length);

static Going *going(const Task *task)
{
    return &search.state->going[task->id.index1 - 1];
}

void __wrap_sched_run(Machine *machine, Task *task, bool in_kernel, Duration length)
{
    (void)machine;
    (void)in_kernel;
    (void)length;
    *going(task) = GOING;
}

void __wrap_sched_spin(Machine *machine, Task *task)
{
    (void)machine;
    *going(task) = SPINNING;
}

void __wrap_sched_block(Machine *machine, Task *task, SwitchReason reason)
{
    (void)machine;
    (void)reason;
    task->state = TASK_BLOCKED;
    *going(task) = ASLEEP;
}

Duration __wrap_sched_wake(Machine *machine, Task *task, TaskId waker, int waker_core)
{
    (void)machine;
    (void)waker;
    (void)waker_core;
    HOLDS(*going(task) == ASLEEP, "thread %u is woken but does not sleep", task->id.index1);
    task->state = TASK_RUNNABLE;
    *going(task) = GOING;
    return (Duration){1};
}

bool __wrap_sched_enters_user(Machine *machine, Task *task)
{
    (void)machine;
    (void)task;
    return true;
}

bool __wrap_sched_stop_spinning(Machine *machine, Task *task, Duration delay)
{
    (void)machine;
    (void)delay;
    if (*going(task) == SPINNING)
        *going(task) = GOING;
    return true;
}

void __wrap_sched_cancel_timer(Machine *machine, Task *task)
{
    (void)machine;
    (void)task;
}

// A timeout may be over at any time: one of the search's steps.
void __wrap_process_set_timer(Machine *machine, Task *task, Duration length)
{
    (void)machine;
    (void)task;
    (void)length;
}

void __wrap_process_exit(Machine *machine, Task *task)
{
    (void)machine;
    task->state = TASK_DEAD;
    *going(task) = ENDED;
}

// ---- the account

static uint32_t mark_index(uint64_t string)
{
    uint32_t index = 0;
    for (uint32_t i = 1; i < search.scenario.op_count; i++) {
        const Op *op = &search.scenario.ops[i];
        if (op->code != OP_MARK)
            continue;
        bool before = false;
        for (uint32_t j = 1; j < i; j++)
            before = before || (search.scenario.ops[j].code == OP_MARK &&
                                search.scenario.ops[j].arg[0] == op->arg[0]);
        if (before)
            continue;
        if (op->arg[0] == string)
            return index;
        index++;
    }
    fail_msg("no mark %u", (unsigned)string);
    return 0;
}

static void on_record(const TraceRecord *record)
{
    Account *account = &search.state->account;
    const char *violated = sync_laws_add(&account->laws, &search.scenario, record);
    HOLDS(violated == NULL, "%s (%s of thread %u)", violated, event_info(record->kind)->name,
          record->task);
    if (record->kind == EVENT_MARK)
        account->marks[mark_index(record->a)]++;
}

static bool write_records(TraceSink *sink, const TraceRecord *records, size_t count)
{
    (void)sink;
    for (size_t i = 0; i < count; i++)
        on_record(&records[i]);
    return true;
}

// ---- states

static void enter(State *state)
{
    Machine *machine = &search.machine;
    search.state = state;
    *ARRAY_PUSH(&machine->task_chunks) = state->tasks;
    machine->task_chunks.count = 0;
    machine->syncs = state->syncs;
    machine->frames.at = state->frames;
    machine->frames.count = state->frame_count;
    machine->frames.capacity = FRAMES_MAX;
    machine->read_holds.at = state->holds;
    machine->read_holds.count = state->hold_count;
    machine->read_holds.capacity = HOLDS_MAX;
    machine->free_read_hold = state->free_hold;
    machine->free_frame = state->free_frame;
    machine->open_frames = state->open_frames;
    machine->queued_items = state->queued_items;
    for (uint32_t i = 0; i < search.scenario.sync_count; i++)
        if (search.scenario.syncs[i].kind == SYNC_QUEUE)
            state->syncs[i].queue.items = state->items[i];
    // Where a task waits is a pointer into the state that this one is a copy of.
    for (uint32_t i = 0; i < machine->task_count; i++) {
        Task *task = &state->tasks[i];
        if (task->waits_in == NULL)
            continue;
        Sync *sync = &state->syncs[task->waits_sync.index1 - 1];
        bool first = false;
        for (TaskId id = sync->waiters.first; id.index1 != 0;
             id = state->tasks[id.index1 - 1].next_waiter)
            first = first || ID_EQUAL(id, task->id);
        task->waits_in = first ? &sync->waiters : &sync->others;
    }
}

static void leave(State *state)
{
    state->frame_count = search.machine.frames.count;
    state->hold_count = search.machine.read_holds.count;
    state->free_hold = search.machine.free_read_hold;
    state->free_frame = search.machine.free_frame;
    state->open_frames = search.machine.open_frames;
    state->queued_items = search.machine.queued_items;
}

// FNV-1a over 8 bytes at a time, finished as splitmix64 does.
static uint64_t hash_state(const State *state)
{
    State copy = *state;
    for (int i = 0; i < THREADS_MAX; i++)
        copy.tasks[i].waits_in = NULL;
    for (int i = 0; i < SYNCS_MAX; i++)
        if (search.scenario.sync_count > (uint32_t)i && search.scenario.syncs[i].kind == SYNC_QUEUE)
            copy.syncs[i].queue.items = NULL;
    uint64_t hash = 0xcbf29ce484222325u, word;
    for (size_t at = 0; at + 8 <= sizeof copy; at += 8) {
        memcpy(&word, (const char *)&copy + at, 8);
        hash = (hash ^ word) * 0x100000001b3u;
        hash ^= hash >> 29;
    }
    hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ hash >> 27) * 0x94d049bb133111ebu;
    hash ^= hash >> 31;
    return hash == 0 ? 1 : hash;
}

static bool put_hash(uint64_t *table, size_t room, uint64_t hash)
{
    size_t at = hash % room;
    while (table[at] != 0 && table[at] != hash)
        at = (at + 1) % room;
    bool fresh = table[at] == 0;
    table[at] = hash;
    return fresh;
}

// Notes that this state was reached; false when it was before.
static bool is_new(uint64_t hash)
{
    if (search.seen_count * 2 >= search.seen_room) {
        size_t room = search.seen_room == 0 ? 1 << 12 : search.seen_room * 2;
        uint64_t *table = calloc(room, sizeof *table);
        assert_non_null(table);
        for (size_t i = 0; i < search.seen_room; i++)
            if (search.seen[i] != 0)
                put_hash(table, room, search.seen[i]);
        free(search.seen);
        search.seen = table;
        search.seen_room = room;
    }
    bool fresh = put_hash(search.seen, search.seen_room, hash);
    search.seen_count += fresh;
    return fresh;
}

// ---- the search

// What a thread that sleeps for ever waits for must not be there.
static void check_sleeper(const State *state, const Task *task)
{
    const Sync *sync = &state->syncs[task->waits_sync.index1 - 1];
    const SyncDef *def = &search.scenario.syncs[task->waits_sync.index1 - 1];
    uint32_t id = task->id.index1;
    switch (def->kind) {
    case SYNC_SEMAPHORE:
        HOLDS(sync->semaphore.value == 0, "thread %u sleeps, the semaphore is not 0", id);
        break;
    case SYNC_EVENT:
        HOLDS(!sync->event.set, "thread %u sleeps, the event is set", id);
        break;
    case SYNC_QUEUE:
        if (task->waits_in == &sync->waiters)
            HOLDS(sync->queue.count == 0, "thread %u sleeps, there are items", id);
        else
            HOLDS(sync->queue.count == def->parameter, "thread %u sleeps, there is room", id);
        break;
    case SYNC_RWLOCK:
        HOLDS(sync->owner.index1 != 0 || sync->rwlock.readers > 0,
              "thread %u sleeps, the lock is free", id);
        break;
    case SYNC_CONDITION: {
        uint64_t group = task->scratch & (UINT64_MAX >> 4);
        HOLDS(group > sync->condition.first ||
                  (group == sync->condition.first && sync->condition.signals == 0),
              "thread %u sleeps, there is a signal for its group", id);
        break;
    }
    case SYNC_BARRIER:
        HOLDS(!sync->barrier.broken, "thread %u sleeps, the barrier is broken", id);
        break;
    default:
        HOLDS(sync->owner.index1 != 0, "thread %u sleeps, the lock is free", id);
    }
}

static void nobody_goes(const State *state)
{
    uint32_t threads = search.machine.task_count, ended = 0;
    for (uint32_t i = 0; i < threads; i++) {
        if (state->going[i] == ENDED)
            ended++;
        else
            check_sleeper(state, &state->tasks[i]);
    }
    if (ended == threads) {
        searched.finished++;
        for (int i = 0; i < SEARCH_NAMES; i++) {
            uint32_t marks = state->account.marks[i];
            if (marks > searched.marks_most[i])
                searched.marks_most[i] = marks;
            if (marks < searched.marks_least[i])
                searched.marks_least[i] = marks;
        }
        return;
    }
    searched.stuck++;
    HOLDS(search.may_get_stuck, "%u of %u threads can never go on", threads - ended, threads);
}

static void explore(const State *from);

// Does the step from a copy of the state, and looks at what follows.
static void try_step(const State *from, uint32_t thread, bool timeout)
{
    State *state = malloc(sizeof *state);
    assert_non_null(state);
    memcpy(state, from, sizeof *state);
    enter(state);
    Task *task = &state->tasks[thread];
    search.trail[search.depth] = (char)((timeout ? 'a' : '1') + thread);
    search.depth++;
    assert_true(search.depth < sizeof search.trail - 1);
    search.steps++;
    if (timeout) {
        task->wait_until = (Instant){0};
        if (state->going[thread] == ASLEEP) {
            wait_list_leave(&search.machine, task);
            task->state = TASK_RUNNABLE;
            state->going[thread] = GOING;
        }
    } else {
        search.machine.stalled_ops = 0;
        program_advance(&search.machine, task);
        trace_flush(&search.trace);
        HOLDS(!search.machine.ended, "the run ends: %s", diag_text(&search.diag));
    }
    leave(state);
    if (is_new(hash_state(state)))
        explore(state);
    search.depth--;
    free(state);
}

static bool may_time_out(const State *state, uint32_t thread)
{
    const Task *task = &state->tasks[thread];
    bool waits = state->going[thread] == ASLEEP || state->going[thread] == GOING;
    return waits && task->wait_until.ns != INSTANT_NEVER.ns && task->wait_until.ns != 0;
}

static void explore(const State *from)
{
    bool any = false;
    for (uint32_t i = 0; i < search.machine.task_count; i++) {
        bool late = may_time_out(from, i);
        any = any || from->going[i] == GOING || (late && from->going[i] == ASLEEP);
        if (from->going[i] == GOING)
            try_step(from, i, false);
        if (late)
            try_step(from, i, true);
    }
    if (!any) {
        State copy = *from;
        enter(&copy);
        nobody_goes(&copy);
    }
}

// ---- one program

static void begin(State *first)
{
    Machine *machine = &search.machine;
    const Scenario *scenario = &search.scenario;
    *machine = (Machine){.scenario = scenario, .trace = &search.trace, .diag = &search.diag};
    machine->core_count = THREADS_MAX;
    machine->cores = ARENA_ARRAY(&machine->arena, Core, THREADS_MAX);
    static Process process = {.pid = {1}, .def = {1}};
    static Process *processes[] = {&process};
    machine->processes.at = processes;
    machine->processes.count = 1;
    memset(first, 0, sizeof *first);
    first->frame_count = 1;
    assert_true(scenario->sync_count <= SYNCS_MAX);
    for (uint32_t i = 0; i < scenario->sync_count; i++) {
        if (scenario->syncs[i].kind == SYNC_SEMAPHORE)
            first->syncs[i].semaphore.value = scenario->syncs[i].parameter;
        if (scenario->syncs[i].kind == SYNC_QUEUE)
            first->syncs[i].queue.room = ITEMS_MAX;
    }
    for (uint32_t def = 0; def < scenario->thread_count; def++) {
        for (uint32_t n = 1; n <= scenario->threads[def].count; n++) {
            uint32_t i = machine->task_count++;
            assert_true(i < THREADS_MAX);
            first->tasks[i] = (Task){.id = {i + 1},
                                     .process = {1},
                                     .def = {def + 1},
                                     .scheduled_as = {def + 1},
                                     .instance = n,
                                     .core = (int16_t)i,
                                     .op = scenario->threads[def].entry,
                                     .wait_until = INSTANT_NEVER};
        }
    }
}

void search_all(const char *threads, bool may_get_stuck)
{
    static char yaml[16384];
    int length = snprintf(yaml, sizeof yaml, "machine: { cores: 3, costs: { base: zero");
    for (int c = 0; c < COST_COUNT && (size_t)length < sizeof yaml / 2; c++)
        length += snprintf(yaml + length, sizeof yaml - (size_t)length, ", %s: 1ns",
                           cost_info((CostId)c)->name);
    assert_true(strlen(threads) + (size_t)length + 16 < sizeof yaml);
    snprintf(yaml + length, sizeof yaml - (size_t)length, " } }\n%s", threads);
    memset(&search, 0, sizeof search);
    searched = (Searched){0};
    memset(searched.marks_least, 0xff, sizeof searched.marks_least);
    search.may_get_stuck = may_get_stuck;
    if (!scenario_parse(&search.scenario, "t.yaml", yaml, strlen(yaml), NULL, 0, &search.diag))
        fail_msg("%s", diag_text(&search.diag));
    search.sink.write = write_records;
    TraceSink *sinks[] = {&search.sink};
    trace_open(&search.trace, sinks, 1);
    static State first;
    begin(&first);
    explore(&first);
    print_message("%zu states, %llu steps, ends: %llu, stuck: %llu\n", search.seen_count,
                  (unsigned long long)search.steps, (unsigned long long)searched.finished,
                  (unsigned long long)searched.stuck);
    trace_close(&search.trace);
    free(search.machine.task_chunks.at);
    arena_free(&search.machine.arena);
    free(search.seen);
    scenario_free(&search.scenario);
    diag_free(&search.diag);
    assert_true(searched.finished > 0 || may_get_stuck);
}

void search_ends(const char *threads)
{
    search_all(threads, false);
    assert_true(searched.finished > 0);
}

void search_may_hang(const char *threads)
{
    search_all(threads, true);
    assert_true(searched.finished > 0 && searched.stuck > 0);
}
