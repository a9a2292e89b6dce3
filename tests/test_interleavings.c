// A model check of what threads synchronise by: every interleaving of two or three small threads
// (once four), at the grain of the phases of sim/program (between two of them another thread, on
// another core, may do one of its own). The program layer is the real one; its scheduler is
// replaced by a search that tries whoever can go on, depth first, and turns back at states that it
// has seen.
//
// What must hold in every state is read off the records, see sync_laws.h. What must hold where
// nobody can go on: everybody has ended, or waits for something that is really not there. A lost
// wake-up is a state where that is not so.
//
// (States are told apart by 64-bit hashes; among a million states two have the same one with a
// probability of 3 in 10^8.)
#include "sim/base/check.h"
#include "sim/kernel/process.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/wait_list.h"
#include "sim/program/program.h"
#include "tests/sync_laws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    THREADS_MAX = 4,
    SYNCS_MAX = 5,
    FRAMES_MAX = 32,
    HOLDS_MAX = 8,
    ITEMS_MAX = 16,
    NAMES_MAX = 8
};

typedef enum Going { GOING, ASLEEP, SPINNING, ENDED } Going;

// What the records say so far.
typedef struct Account {
    SyncLaws laws;
    uint32_t marks[NAMES_MAX]; // by the order in which the scenario names them
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
    uint64_t steps, finished, stuck;
    bool may_get_stuck;
    uint32_t marks_most[NAMES_MAX], marks_least[NAMES_MAX]; // where everybody has ended
    char trail[4096];                                       // who went, up to here
    size_t depth;
} Search;

static Search search;

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
        search.finished++;
        for (int i = 0; i < NAMES_MAX; i++) {
            uint32_t marks = state->account.marks[i];
            if (marks > search.marks_most[i])
                search.marks_most[i] = marks;
            if (marks < search.marks_least[i])
                search.marks_least[i] = marks;
        }
        return;
    }
    search.stuck++;
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

// Tries every interleaving of the program. Every cost is 1 ns, so that every phase is a step.
static void check(const char *threads, bool may_get_stuck)
{
    static char yaml[4096];
    int length = snprintf(yaml, sizeof yaml, "machine: { cores: 3, costs: { base: zero");
    for (int c = 0; c < COST_COUNT; c++)
        length += snprintf(yaml + length, sizeof yaml - (size_t)length, ", %s: 1ns",
                           cost_info((CostId)c)->name);
    snprintf(yaml + length, sizeof yaml - (size_t)length, " } }\n%s", threads);
    memset(&search, 0, sizeof search);
    memset(search.marks_least, 0xff, sizeof search.marks_least);
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
                  (unsigned long long)search.steps, (unsigned long long)search.finished,
                  (unsigned long long)search.stuck);
    trace_close(&search.trace);
    free(search.machine.task_chunks.at);
    arena_free(&search.machine.arena);
    free(search.seen);
    scenario_free(&search.scenario);
    diag_free(&search.diag);
    assert_true(search.finished > 0 || may_get_stuck);
}

// Everybody ends, whoever goes when.
static void check_ends(const char *threads)
{
    check(threads, false);
    assert_true(search.finished > 0);
}

// Some interleavings end, and some do not.
static void check_may_hang(const char *threads)
{
    check(threads, true);
    assert_true(search.finished > 0 && search.stuck > 0);
}

// ---- locks

static void locks_exclude(void **state)
{
    (void)state;
    check_ends("locks: { l: lock }\nthreads:\n"
               "  - { name: t, count: 2, run: [ { repeat: { times: 3, do: [ { with: { lock: l, do: "
               "[ { compute: 1ns } ] } } ] } } ] }\n");
    check_ends("locks: { l: lock }\nthreads:\n"
               "  - { name: t, count: 3, run: [ { repeat: { times: 2, do: [ { with: { lock: l, do: "
               "[ { compute: 1ns } ] } } ] } } ] }\n");
    check_ends("locks: { l: spin }\nthreads:\n"
               "  - { name: t, count: 3, run: [ { repeat: { times: 3, do: [ { with: { lock: l, do: "
               "[ { compute: 1ns } ] } } ] } } ] }\n");
    // The inner one is no second lock; the thread without it comes in between and never within.
    check_ends("locks: { l: rlock }\nthreads:\n"
               "  - { name: t, count: 2, run: [ { with: { lock: l, do: [ { compute: 1ns }, { with: "
               "{ lock: l, do: [ { compute: 1ns } ] } }, { compute: 1ns } ] } } ] }\n"
               "  - { name: u, run: [ { lock: l }, { unlock: l } ] }\n");
}

static void two_orders_of_two_locks_may_deadlock(void **state)
{
    (void)state;
    const char *program = "locks: { a: %s, b: %s }\nthreads:\n"
                          "  - { name: t, run: [ { with: { lock: a, do: [ { with: { lock: b, do: [ "
                          "{ mark: m } ] } } ] } } ] }\n"
                          "  - { name: u, run: [ { with: { lock: %s, do: [ { with: { lock: %s, do: "
                          "[ { mark: m } ] } } ] } } ] }\n";
    char text[1024];
    snprintf(text, sizeof text, program, "lock", "lock", "b", "a");
    check_may_hang(text);
    snprintf(text, sizeof text, program, "lock", "rlock", "a", "b");
    check_ends(text);
    assert_int_equal(search.marks_least[0], 2);
}

static void readers_and_writers_exclude(void **state)
{
    (void)state;
    const char *kinds[] = {"rwlock", "{ kind: rwlock, prefer: writers }"};
    for (int i = 0; i < 2; i++) {
        char text[1024];
        const char *write = "{ with: { lock: l, do: [ { compute: 1ns } ] } }";
        const char *read = "{ with: { lock: l, mode: read, do: [ { compute: 1ns } ] } }";
        const char *const programs[][3] = {
            {read, read, write}, {read, write, write}, {write, write, write}, {read, read, read}};
        for (int p = 0; p < 4; p++) {
            snprintf(text, sizeof text,
                     "locks: { l: %s }\nthreads:\n  - { name: a, run: [ %s, %s ] }\n"
                     "  - { name: b, run: [ %s, %s ] }\n  - { name: c, run: [ %s ] }\n",
                     kinds[i], programs[p][0], programs[p][0], programs[p][1], programs[p][1],
                     programs[p][2]);
            check_ends(text);
        }
        // Each does both.
        snprintf(text, sizeof text,
                 "locks: { l: %s }\nthreads:\n  - { name: a, count: 2, run: [ %s, %s, %s ] }\n",
                 kinds[i], read, write, read);
        check_ends(text);
    }
}

// ---- semaphores and events

static void semaphores_count(void **state)
{
    (void)state;
    for (int value = 1; value <= 2; value++) {
        char text[1024];
        snprintf(text, sizeof text,
                 "semaphores: { s: %d }\nthreads:\n"
                 "  - { name: t, count: 3, run: [ { repeat: { times: 2, do: [ { acquire: s }, "
                 "{ compute: 1ns }, { release: s } ] } } ] }\n",
                 value);
        check_ends(text);
    }
    // Two wait for what the third one gives, at once or one by one.
    check_ends(
        "semaphores: { s: 0 }\nthreads:\n  - { name: t, count: 2, run: [ { acquire: s } ] }\n"
        "  - { name: g, run: [ { release: { semaphore: s, count: 2 } } ] }\n");
    // One of two stays where there is only one to have.
    check("semaphores: { s: 0 }\nthreads:\n"
          "  - { name: t, count: 2, run: [ { acquire: s }, { mark: m } ] }\n"
          "  - { name: g, run: [ { release: s } ] }\n",
          true);
    assert_int_equal(search.finished, 0);
}

static void a_timeout_loses_nothing(void **state)
{
    (void)state;
    // Who gives up leaves the value to the other, who always ends.
    check_ends(
        "semaphores: { s: 0 }\nthreads:\n"
        "  - { name: t, run: [ { acquire: { semaphore: s, timeout: 1ms, else: [ { mark: late }, "
        "{ release: s } ] } }, { release: s } ] }\n"
        "  - { name: u, run: [ { acquire: s } ] }\n"
        "  - { name: g, run: [ { release: s } ] }\n");
    assert_int_equal(search.marks_least[0], 0);
    assert_int_equal(search.marks_most[0], 1);
    check_ends("queues: { q: 2 }\nthreads:\n"
               "  - { name: t, run: [ { get: { queue: q, timeout: 1ms, else: [ { mark: late }, "
               "{ put: q } ] } }, { put: q } ] }\n"
               "  - { name: u, run: [ { get: q } ] }\n"
               "  - { name: p, run: [ { put: q } ] }\n");
    assert_int_equal(search.marks_most[0], 1);
}

// Who gives up a lock takes no wake-up with it that another needs, also when its time is over while
// it is on its way: to sleep, or awake, with a third one that has just taken the lock.
static void a_lock_given_up_is_no_lost_wake_up(void **state)
{
    (void)state;
    const char *const kinds[] = {"lock", "rlock", "pi", "rwlock"};
    for (int i = 0; i < 4; i++) {
        char text[1024];
        snprintf(
            text, sizeof text,
            "locks: { l: %s }\nthreads:\n"
            "  - { name: t, run: [ { with: { lock: l, timeout: 1ms, do: [ { compute: 1ns } ], "
            "else: [ { mark: late } ] } } ] }\n"
            "  - { name: u, count: 2, run: [ { with: { lock: l, do: [ { compute: 1ns } ] } } ] "
            "}\n",
            kinds[i]);
        check_ends(text);
        assert_int_equal(search.marks_least[0], 0);
        assert_int_equal(search.marks_most[0], 1);
        // All of them may give up, and none holds what it has not.
        snprintf(text, sizeof text,
                 "locks: { l: %s }\nthreads:\n"
                 "  - { name: t, count: 3, run: [ { lock: { lock: l, timeout: 1ms, else: [ { mark: "
                 "late }, { exit: } ] } }, { unlock: l } ] }\n",
                 kinds[i]);
        check_ends(text);
        assert_int_equal(search.marks_most[0], 2);
    }
    // Two orders of two locks, and one that does not insist.
    check_ends(
        "locks: { a: lock, b: lock }\nthreads:\n"
        "  - { name: t, run: [ { with: { lock: a, do: [ { with: { lock: b, timeout: 1ms, do: "
        "[ { mark: both } ], else: [ { mark: late } ] } } ] } } ] }\n"
        "  - { name: u, run: [ { with: { lock: b, do: [ { with: { lock: a, do: [ { mark: both "
        "} ] } } ] } } ] }\n");
    // Its time is no concern of a condition's wait under the lock.
    check_ends(
        "locks: { l: lock }\nconditions: { c: l }\nevents: [ go ]\nthreads:\n"
        "  - { name: t, run: [ { with: { lock: l, timeout: 1ms, do: [ { while: { test: not go, "
        "do: [ { wait: c } ] } } ] } } ] }\n"
        "  - { name: n, run: [ { with: { lock: l, do: [ { set: go }, { notify: c } ] } } ] }\n");
}

static void readers_and_writers_give_up(void **state)
{
    (void)state;
    const char *kinds[] = {"rwlock", "{ kind: rwlock, prefer: writers }"};
    const char *write = "{ with: { lock: l, do: [ { compute: 1ns } ] } }";
    const char *read = "{ with: { lock: l, mode: read, do: [ { compute: 1ns } ] } }";
    const char *tries_to_write = "{ with: { lock: l, timeout: 1ms, do: [ { compute: 1ns } ] } }";
    const char *tries_to_read =
        "{ with: { lock: l, mode: read, timeout: 1ms, do: [ { compute: 1ns } ] } }";
    const char *const programs[][3] = {{tries_to_write, read, read},
                                       {tries_to_write, read, write},
                                       {tries_to_write, tries_to_write, read},
                                       {tries_to_read, write, read},
                                       {tries_to_read, tries_to_write, write}};
    for (int i = 0; i < 2; i++) {
        char text[1024];
        for (int p = 0; p < 5; p++) {
            snprintf(text, sizeof text,
                     "locks: { l: %s }\nthreads:\n  - { name: a, run: [ %s ] }\n"
                     "  - { name: b, run: [ %s ] }\n  - { name: c, run: [ %s ] }\n",
                     kinds[i], programs[p][0], programs[p][1], programs[p][2]);
            check_ends(text);
        }
        // a reads until b has read too. The writer that keeps b out gives up, and b reads with a.
        snprintf(
            text, sizeof text,
            "locks: { l: %s }\nevents: [ e ]\nthreads:\n"
            "  - { name: a, run: [ { with: { lock: l, mode: read, do: [ { wait: e } ] } } ] }\n"
            "  - { name: b, run: [ { with: { lock: l, mode: read, do: [ { set: e } ] } } ] }\n"
            "  - { name: w, run: [ %s ] }\n",
            kinds[i], tries_to_write);
        check_ends(text);
    }
}

static void an_event_lets_everyone_through(void **state)
{
    (void)state;
    check_ends("events: [ e ]\nthreads:\n  - { name: t, count: 2, run: [ { wait: e } ] }\n"
               "  - { name: s, run: [ { set: e } ] }\n");
    // Cleared again, it lets through whom it has woken, and whoever comes later stays.
    check_may_hang("events: [ e ]\nthreads:\n  - { name: t, count: 2, run: [ { wait: e } ] }\n"
                   "  - { name: s, run: [ { set: e }, { clear: e } ] }\n");
    check_ends("events: [ e, f ]\nthreads:\n"
               "  - { name: t, run: [ { set: e }, { wait: f }, { clear: e }, { set: f } ] }\n"
               "  - { name: u, run: [ { wait: e }, { set: f } ] }\n");
}

// ---- barriers

static void a_barrier_waits_for_all(void **state)
{
    (void)state;
    check_ends(
        "barriers: { b: 2 }\nthreads:\n"
        "  - { name: t, count: 2, run: [ { repeat: { times: 3, do: [ { barrier: b } ] } } ] }\n");
    check_ends(
        "barriers: { b: 3 }\nthreads:\n"
        "  - { name: t, count: 3, run: [ { repeat: { times: 2, do: [ { barrier: b } ] } } ] }\n");
    // Nobody is through before the last one has come: with one missing, nobody is.
    check("barriers: { b: 3 }\nthreads:\n"
          "  - { name: t, count: 2, run: [ { barrier: b }, { mark: through } ] }\n",
          true);
    assert_int_equal(search.finished, 0);
    // Any two of three: the third one stays.
    check("barriers: { b: 2 }\nthreads:\n  - { name: t, count: 3, run: [ { barrier: b } ] }\n",
          true);
    assert_int_equal(search.finished, 0);
}

// With one missing, the first whose time is over breaks it for both. With nobody missing both pass,
// or both are told that it is broken; and it stays so.
static void a_barrier_breaks_for_all(void **state)
{
    (void)state;
    check_ends(
        "barriers: { b: 3 }\nthreads:\n"
        "  - { name: t, count: 2, run: [ { barrier: { barrier: b, timeout: 1ms, else: [ { mark: "
        "broken } ] } } ] }\n");
    assert_int_equal(search.marks_least[0], 2);
    check_ends(
        "barriers: { b: 2 }\nthreads:\n"
        "  - { name: t, run: [ { barrier: { barrier: b, timeout: 1ms, else: [ { mark: broken } "
        "] } } ] }\n"
        "  - { name: u, run: [ { barrier: { barrier: b, else: [ { mark: broken } ] } } ] }\n");
    assert_int_equal(search.marks_least[0], 0);
    assert_int_equal(search.marks_most[0], 2);
    check_ends(
        "barriers: { b: 2 }\nthreads:\n"
        "  - { name: t, count: 2, run: [ { repeat: { times: 2, do: [ { barrier: { barrier: b, "
        "timeout: 1ms } } ] } } ] }\n");
}

// ---- conditions

static void a_condition_with_a_loop_loses_nothing(void **state)
{
    (void)state;
    const char *const locks[] = {"lock", "rlock"};
    for (int i = 0; i < 2; i++) {
        char text[1024];
        snprintf(
            text, sizeof text,
            "locks: { l: %s }\nconditions: { c: l }\nevents: [ go ]\nthreads:\n"
            "  - { name: t, run: [ { with: { lock: l, do: [ { while: { test: not go, do: [ { "
            "wait: c } ] } } ] } } ] }\n"
            "  - { name: n, run: [ { with: { lock: l, do: [ { set: go }, { notify: c } ] } } ] }\n",
            locks[i]);
        check_ends(text);
    }
    check_ends(
        "locks: { l: lock }\nconditions: { c: l }\nevents: [ go ]\nthreads:\n"
        "  - { name: t, count: 2, run: [ { with: { lock: l, do: [ { while: { test: not go, "
        "do: [ { wait: c } ] } } ] } } ] }\n"
        "  - { name: n, run: [ { with: { lock: l, do: [ { set: go } ] } }, { notify_all: c } "
        "] }\n");
    // Two notifications for two waiters, with or without the lock.
    check_ends("locks: { l: lock }\nconditions: { c: l }\nevents: [ go ]\nthreads:\n"
               "  - { name: t, count: 2, run: [ { with: { lock: l, do: [ { while: { test: not go, "
               "do: [ { wait: c } ] } } ] } } ] }\n"
               "  - { name: n, run: [ { with: { lock: l, do: [ { set: go } ] } }, { notify: { "
               "condition: c, count: 2 } } ] }\n");
    // One notification is not enough for two.
    check_may_hang(
        "locks: { l: lock }\nconditions: { c: l }\nevents: [ go ]\nthreads:\n"
        "  - { name: t, count: 2, run: [ { with: { lock: l, do: [ { while: { test: not "
        "go, do: [ { wait: c } ] } } ] } } ] }\n"
        "  - { name: n, run: [ { with: { lock: l, do: [ { set: go } ] } }, { notify: c } "
        "] }\n");
}

// Two notifiers at once, so that one begins the next group while the other is on its way.
static void signals_of_two_threads_reach_two_groups(void **state)
{
    (void)state;
    check_may_hang("locks: { l: lock }\nconditions: { c: l }\nthreads:\n"
                   "  - { name: t, run: [ { lock: l }, { wait: c }, { unlock: l } ] }\n"
                   "  - { name: n, count: 2, run: [ { notify: c } ] }\n");
    check("locks: { l: lock }\nconditions: { c: l }\nthreads:\n"
          "  - { name: t, count: 2, run: [ { lock: l }, { wait: c }, { unlock: l } ] }\n"
          "  - { name: n, count: 2, run: [ { notify: c } ] }\n",
          true);
    assert_true(search.finished > 0 && search.stuck > 0);
    // Each waits for the other's notification and then gives it back: a ring of baton passes.
    check_ends(
        "locks: { l: lock }\nconditions: { c: l, d: l }\nevents: [ a, b ]\nthreads:\n"
        "  - { name: t, run: [ { lock: l }, { set: a }, { notify: c }, { while: { test: not "
        "b, do: [ { wait: d } ] } }, { unlock: l } ] }\n"
        "  - { name: u, run: [ { lock: l }, { while: { test: not a, do: [ { wait: c } ] } }, "
        "{ set: b }, { notify: d }, { unlock: l } ] }\n");
}

static void a_notification_before_the_wait_is_lost(void **state)
{
    (void)state;
    check_may_hang("locks: { l: lock }\nconditions: { c: l }\nthreads:\n"
                   "  - { name: t, run: [ { with: { lock: l, do: [ { wait: c } ] } } ] }\n"
                   "  - { name: n, run: [ { with: { lock: l, do: [ { notify: c } ] } } ] }\n");
    // With a timeout it goes on all the same, and takes no signal with it that is another's.
    check_ends("locks: { l: lock }\nconditions: { c: l }\nthreads:\n"
               "  - { name: t, run: [ { with: { lock: l, do: [ { wait: { for: c, timeout: 1ms, "
               "else: [ { mark: late } ] } } ] } } ] }\n"
               "  - { name: n, run: [ { with: { lock: l, do: [ { notify: c } ] } } ] }\n");
    assert_int_equal(search.marks_least[0], 0);
    assert_int_equal(search.marks_most[0], 1);
}

// One item, two who want it. Whoever finds it gone waits again; one whose wait ended for no reason
// and who does not look again believes that it has something.
static void a_spurious_wake_up_needs_a_loop(void **state)
{
    (void)state;
    const char *program =
        "locks: { l: lock }\nconditions: { c: { lock: l, spurious: 100%% } }\nevents: [ go ]\n"
        "threads:\n"
        "  - { name: t, run: [ { with: { lock: l, do: [ %s, { if: { test: not go, then: [ { mark: "
        "wrong } ] } } ] } } ] }\n"
        "  - { name: n, run: [ { with: { lock: l, do: [ { set: go }, { notify: c } ] } } ] }\n";
    char text[1024];
    snprintf(text, sizeof text, program, "{ while: { test: not go, do: [ { wait: c } ] } }");
    check_ends(text);
    assert_int_equal(search.marks_most[0], 0);
    snprintf(text, sizeof text, program, "{ if: { test: not go, then: [ { wait: c } ] } }");
    check_ends(text);
    assert_int_equal(search.marks_most[0], 1);
}

// ---- queues

static void queues_lose_nothing(void **state)
{
    (void)state;
    check_ends("queues: { q: 1 }\nthreads:\n"
               "  - { name: p, run: [ { repeat: { times: 3, do: [ { put: q } ] } } ] }\n"
               "  - { name: g, run: [ { repeat: { times: 3, do: [ { get: q } ] } } ] }\n");
    check_ends("queues: { q: 1 }\nthreads:\n"
               "  - { name: p, count: 2, run: [ { put: q } ] }\n"
               "  - { name: g, run: [ { get: q }, { get: q } ] }\n");
    check_ends("queues: { q: 2 }\nthreads:\n"
               "  - { name: p, run: [ { put: q }, { put: q }, { put: q }, { put: q } ] }\n"
               "  - { name: g, count: 2, run: [ { get: q }, { get: q } ] }\n");
    check_ends(
        "queues: { q: { capacity: 1, order: priority } }\nthreads:\n"
        "  - { name: p, count: 2, run: [ { put: { queue: q, priority: 2 } }, { put: { queue: "
        "q, priority: 1 } } ] }\n"
        "  - { name: g, run: [ { repeat: { times: 4, do: [ { get: q } ] } } ] }\n");
    // An item's function is called by the one who gets the item.
    check_ends(
        "queues: { q: 1 }\nfunctions: { f: [ { mark: done } ] }\nthreads:\n"
        "  - { name: p, run: [ { put: { queue: q, run: f } }, { put: { queue: q, run: f } } ] }\n"
        "  - { name: g, count: 2, run: [ { get: q } ] }\n");
    assert_int_equal(search.marks_least[0], 2);
    // More got than put: who is left sleeps on an empty queue.
    check("queues: { q: 1 }\nthreads:\n  - { name: p, run: [ { put: q } ] }\n"
          "  - { name: g, count: 2, run: [ { get: q } ] }\n",
          true);
    assert_int_equal(search.finished, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locks_exclude),
        cmocka_unit_test(two_orders_of_two_locks_may_deadlock),
        cmocka_unit_test(readers_and_writers_exclude),
        cmocka_unit_test(semaphores_count),
        cmocka_unit_test(a_timeout_loses_nothing),
        cmocka_unit_test(a_lock_given_up_is_no_lost_wake_up),
        cmocka_unit_test(readers_and_writers_give_up),
        cmocka_unit_test(a_barrier_breaks_for_all),
        cmocka_unit_test(an_event_lets_everyone_through),
        cmocka_unit_test(a_barrier_waits_for_all),
        cmocka_unit_test(a_condition_with_a_loop_loses_nothing),
        cmocka_unit_test(signals_of_two_threads_reach_two_groups),
        cmocka_unit_test(a_notification_before_the_wait_is_lost),
        cmocka_unit_test(a_spurious_wake_up_needs_a_loop),
        cmocka_unit_test(queues_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
