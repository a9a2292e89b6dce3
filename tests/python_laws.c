#include "tests/python_laws.h"

#include "sim/base/array.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct LawGil {
    uint64_t of;      // as records name its interpreter
    uint32_t holder;  // TaskId
    uint32_t asked;   // how often since it was taken
    uint32_t dropper; // TaskId: who has dropped it on request, and nobody has taken it since
} LawGil;

// Of a process whose collector stops all threads.
typedef struct LawWorld {
    uint32_t stopper; // TaskId; 0: it runs
    bool stopped;
} LawWorld;

typedef struct LawThread {
    uint32_t process;
    uint64_t gil; // the interpreter that it is in, as records name it; 0: not known yet
    bool waits;   // for the GIL
    int64_t waits_since_ns;
    // Of the loop that it runs.
    uint32_t running, resumes; // serials: of who runs, and of who is to be resumed; 0
    uint32_t left;             // callbacks of this turn
    ARRAY(TraceRecord) ready;  // CALLBACK_READY records, the first not yet called at `next`
    size_t next;
} LawThread;

typedef enum LawCoroutine { NOT_MADE, WAITS, READY, RUNS, ENDED } LawCoroutine;

typedef struct LawTimer {
    bool set, cancelled; // one that is cancelled may stay where it is until it is due
    int64_t due_ns;
} LawTimer;

typedef struct PythonLaws {
    const Scenario *scenario;
    ARRAY(LawGil) gils;             // of main interpreters, by Pid
    ARRAY(LawGil) own_gils;         // of others
    ARRAY(LawWorld) worlds;         // by Pid
    ARRAY(uint32_t) defs;           // by Pid: ProcessId that it is made from
    ARRAY(LawThread) threads;       // by TaskId
    ARRAY(LawCoroutine) coroutines; // by serial
    ARRAY(uint32_t) starters;       // by serial, of an eager one that begins: whose serial, plus 1
    ARRAY(LawTimer) timers;         // by number
    const char *broken;
} PythonLaws;

#define LAW(condition, words)                                                                      \
    do {                                                                                           \
        if (!(condition) && laws->broken == NULL)                                                  \
            laws->broken = (words);                                                                \
    } while (0)

#define AT(array, index)                                                                           \
    __extension__({                                                                                \
        while ((array)->count <= (index))                                                          \
            ARRAY_EXTEND(array);                                                                   \
        &(array)->at[index];                                                                       \
    })

static const Runtime *runtime_of(PythonLaws *laws, uint32_t task)
{
    uint32_t pid = AT(&laws->threads, task)->process, def = *AT(&laws->defs, pid);
    if (def == 0)
        return NULL;
    return &laws->scenario->processes[laws->scenario->processes[def - 1].family.index1 - 1].runtime;
}

// ---- processes

static void on_process(PythonLaws *laws, const TraceRecord *record)
{
    uint32_t pid = (uint32_t)record->a;
    if (record->kind == EVENT_TASK_CREATED) {
        uint32_t def = laws->scenario->threads[record->a - 1].process.index1;
        AT(&laws->threads, record->task)->process = def;
        *AT(&laws->defs, def) = def;
    } else if (record->kind == EVENT_PROCESS_STARTED) {
        *AT(&laws->defs, pid) = AT(&laws->threads, record->task)->process;
        AT(&laws->threads, record->task)->process = pid;
    } else if (record->kind == EVENT_PROCESS_JOINED) {
        AT(&laws->threads, record->task)->process = pid;
    }
}

// ---- the GIL

static LawGil *gil_at(PythonLaws *laws, uint64_t interpreter)
{
    if (interpreter >> 32 == 0)
        return AT(&laws->gils, interpreter);
    for (size_t i = 0; i < laws->own_gils.count; i++)
        if (laws->own_gils.at[i].of == interpreter)
            return &laws->own_gils.at[i];
    LawGil *gil = ARRAY_PUSH(&laws->own_gils);
    *gil = (LawGil){.of = interpreter};
    return gil;
}

static void on_gil(PythonLaws *laws, const TraceRecord *record)
{
    LawGil *gil = gil_at(laws, record->a);
    LawThread *thread = AT(&laws->threads, record->task);
    const Runtime *runtime = runtime_of(laws, record->task);
    LAW(thread->process == (uint32_t)record->a, "gil: another process's");
    LAW(thread->gil == 0 || thread->gil == record->a || record->a >> 32 == 0,
        "gil: another interpreter's"); // who execs is in the main one
    thread->gil = record->a;
    LAW(runtime != NULL && runtime->has_gil, "gil: its process has none");
    if (runtime == NULL)
        return;
    switch ((EventKind)record->kind) {
    case EVENT_GIL_WAIT:
        LAW(gil->holder == record->b && gil->holder != 0, "gil: waits for another than its holder");
        LAW(!thread->waits, "gil: waits twice");
        thread->waits = true;
        thread->waits_since_ns = record->time_ns;
        break;
    case EVENT_GIL_ASKED:
        LAW(thread->waits, "gil: asks and does not wait");
        LAW(gil->holder == record->b && gil->holder != 0, "gil: asks another than its holder");
        LAW(record->time_ns - thread->waits_since_ns >= runtime->switch_interval_ns,
            "gil: asks before a switch interval is over");
        thread->waits_since_ns = record->time_ns;
        gil->asked++;
        break;
    case EVENT_GIL_TAKEN:
        LAW(gil->holder == 0, "gil: taken from its holder");
        LAW(gil->dropper != record->task || runtime->major < 3,
            "gil: taken again by who dropped it on request, and nobody has had it since");
        *gil = (LawGil){.of = gil->of, .holder = record->task};
        thread->waits = false;
        break;
    default:
        LAW(gil->holder == record->task, "gil: let go by who does not hold it");
        if (record->kind == EVENT_GIL_DROPPED && runtime->major >= 3) {
            LAW(gil->asked > 0, "gil: dropped on request without one");
            gil->dropper = record->task;
        }
        gil->holder = 0;
        break;
    }
}

static void on_world(PythonLaws *laws, const TraceRecord *record)
{
    LawWorld *world = AT(&laws->worlds, record->a);
    const Runtime *runtime = runtime_of(laws, record->task);
    LAW(AT(&laws->threads, record->task)->process == record->a, "world: another process's");
    LAW(runtime != NULL && runtime_stops_world(runtime), "world: its process has a GIL");
    switch ((EventKind)record->kind) {
    case EVENT_WORLD_STOP:
        LAW(world->stopper == 0, "world: stopped by two");
        *world = (LawWorld){.stopper = record->task};
        break;
    case EVENT_WORLD_HELD:
        LAW(world->stopper != 0 && world->stopper == record->b, "world: waits and need not");
        LAW(world->stopper != record->task, "world: its stopper waits");
        break;
    default:
        LAW(world->stopper == record->task && world->stopped, "world: started by another");
        *world = (LawWorld){0};
        break;
    }
}

static void on_collection(PythonLaws *laws, const TraceRecord *record)
{
    LawWorld *world = AT(&laws->worlds, AT(&laws->threads, record->task)->process);
    const Runtime *runtime = runtime_of(laws, record->task);
    if (runtime == NULL || !runtime_stops_world(runtime))
        return;
    LAW(world->stopper == record->task, "world: a collection begins while it runs");
    world->stopped = true;
}

static void needs_world(PythonLaws *laws, const TraceRecord *record)
{
    const LawWorld *world = AT(&laws->worlds, AT(&laws->threads, record->task)->process);
    LAW(!world->stopped || world->stopper == record->task,
        "world: bytecode is executed while it is stopped");
}

static void needs_gil(PythonLaws *laws, const TraceRecord *record)
{
    const Runtime *runtime = runtime_of(laws, record->task);
    needs_world(laws, record);
    if (runtime == NULL || !runtime->has_gil)
        return;
    const LawThread *thread = AT(&laws->threads, record->task);
    LAW(thread->gil != 0 && gil_at(laws, thread->gil)->holder == record->task,
        "bytecode: executed without the GIL");
}

// A thread that is killed does not say that it lets go of the GIL.
static void on_end(PythonLaws *laws, const TraceRecord *record)
{
    LawThread *thread = AT(&laws->threads, record->task);
    LawGil *gil = gil_at(laws, thread->gil);
    thread->waits = false;
    if (gil->holder != record->task)
        return;
    gil->holder = 0;
    // The last one of a process may end with it.
    for (size_t i = 0; record->kind == EVENT_TASK_EXITED && i < laws->threads.count; i++)
        LAW(!laws->threads.at[i].waits || laws->threads.at[i].process != thread->process,
            "gil: its holder has ended, and others wait for it");
}

// ---- loops and coroutines

static void on_loop(PythonLaws *laws, const TraceRecord *record)
{
    LawThread *loop = AT(&laws->threads, record->task);
    switch ((EventKind)record->kind) {
    case EVENT_CALLBACK_READY:
        *ARRAY_PUSH(&loop->ready) = *record;
        if (record->a == CALLBACK_STEP) {
            LawCoroutine *state = AT(&laws->coroutines, coroutine_serial(record->b));
            LAW(*state == WAITS || *state == RUNS, "coroutine: made ready when it does not wait");
            if (*state == WAITS)
                *state = READY;
        }
        break;
    case EVENT_LOOP_TURN:
        LAW(loop->running == 0, "loop: a turn begins while a coroutine runs");
        loop->left = 0;
        break;
    case EVENT_LOOP_SNAPSHOT:
        loop->left = (uint32_t)record->a;
        break;
    case EVENT_CALLBACK_RUN:
        needs_gil(laws, record);
        LAW(loop->left > 0, "loop: calls more than was ready as the turn began");
        loop->left -= loop->left > 0;
        // Those in between have been cancelled.
        while (loop->next < loop->ready.count && (loop->ready.at[loop->next].a != record->a ||
                                                  loop->ready.at[loop->next].b != record->b))
            loop->next++;
        LAW(loop->next < loop->ready.count, "loop: calls what is not ready, or not in its order");
        loop->next++;
        loop->resumes = record->a == CALLBACK_STEP ? coroutine_serial(record->b) : 0;
        break;
    case EVENT_LOOP_CALLS:
        needs_gil(laws, record);
        LAW(record->a != CALLBACK_STEP, "loop: a coroutine goes on that was not ready");
        LAW(loop->running == 0, "loop: calls while a coroutine runs");
        break;
    case EVENT_LOOP_ENDED:
        LAW(loop->running == 0, "loop: ends while a coroutine runs");
        loop->ready.count = loop->next = 0;
        break;
    default:
        break;
    }
}

// An eager one begins as it is made; who has made it goes on when it first awaits or has ended.
static void on_begun(PythonLaws *laws, const TraceRecord *record, LawThread *loop)
{
    uint32_t serial = coroutine_serial(record->a), starter = coroutine_serial(record->b);
    LawCoroutine *state = AT(&laws->coroutines, serial);
    needs_gil(laws, record);
    LAW(*state == WAITS, "coroutine: begins and is not new");
    LAW(loop->running == starter, "coroutine: begun by another than who runs");
    *AT(&laws->starters, serial) = starter + 1;
    loop->running = serial;
    *state = RUNS;
}

// Who runs when this one does no more.
static uint32_t runs_then(PythonLaws *laws, uint32_t serial)
{
    uint32_t *starter = AT(&laws->starters, serial), then = *starter == 0 ? 0 : *starter - 1;
    *starter = 0;
    return then;
}

static void on_coroutine(PythonLaws *laws, const TraceRecord *record)
{
    LawThread *loop = AT(&laws->threads, record->task);
    uint32_t serial = coroutine_serial(record->a);
    LawCoroutine *state = AT(&laws->coroutines, serial);
    switch ((EventKind)record->kind) {
    case EVENT_COROUTINE_BEGUN:
        on_begun(laws, record, loop);
        break;
    case EVENT_COROUTINE_CREATED:
        LAW(*state == NOT_MADE, "coroutine: made twice");
        *state = WAITS;
        break;
    case EVENT_COROUTINE_RESUMED:
        needs_gil(laws, record);
        LAW(*state == READY, "coroutine: goes on and was not ready");
        LAW(loop->running == 0, "coroutine: goes on while another one runs");
        LAW(loop->resumes == serial, "coroutine: goes on and is not called");
        loop->running = serial;
        loop->resumes = 0;
        *state = RUNS;
        break;
    case EVENT_COROUTINE_SUSPENDED:
        LAW(loop->running == serial && *state == RUNS, "coroutine: awaits and does not run");
        loop->running = runs_then(laws, serial);
        *state = WAITS;
        // It may have been made ready just before: asyncio.sleep(0).
        for (size_t i = loop->ready.count; i > loop->next; i--)
            if (loop->ready.at[i - 1].a == CALLBACK_STEP &&
                coroutine_serial(loop->ready.at[i - 1].b) == serial)
                *state = READY;
        break;
    default:
        LAW(loop->running == serial && *state == RUNS, "coroutine: ends and does not run");
        loop->running = runs_then(laws, serial);
        *state = ENDED;
        break;
    }
}

static void on_timer(PythonLaws *laws, const TraceRecord *record)
{
    LawTimer *timer = AT(&laws->timers, record->a);
    if (record->kind == EVENT_LOOP_TIMER_SET) {
        LAW(!timer->set, "timer: set twice");
        *timer = (LawTimer){true, false, record->time_ns + (int64_t)record->b};
        return;
    }
    LAW(timer->set || timer->cancelled, "timer: fires or is cancelled, and is not set");
    // BaseEventLoop takes those for due that are within the clock's resolution, 1 ns.
    LAW(record->kind != EVENT_LOOP_TIMER_FIRED || record->time_ns + 1 >= timer->due_ns,
        "timer: fires too early");
    timer->set = false;
    timer->cancelled = record->kind == EVENT_LOOP_TIMER_CANCELLED;
}

static void on_record(PythonLaws *laws, const TraceRecord *record)
{
    switch ((EventKind)record->kind) {
    case EVENT_TASK_CREATED:
    case EVENT_PROCESS_STARTED:
    case EVENT_PROCESS_JOINED:
        on_process(laws, record);
        break;
    case EVENT_GIL_WAIT:
    case EVENT_GIL_ASKED:
    case EVENT_GIL_TAKEN:
    case EVENT_GIL_DROPPED:
    case EVENT_GIL_RELEASED:
        on_gil(laws, record);
        break;
    case EVENT_WORLD_STOP:
    case EVENT_WORLD_HELD:
    case EVENT_WORLD_STARTED:
        on_world(laws, record);
        break;
    case EVENT_GC_BEGUN:
        on_collection(laws, record);
        break;
    case EVENT_OP_BEGUN:
        needs_world(laws, record);
        break;
    case EVENT_LOAD:
    case EVENT_STORE:
        needs_gil(laws, record);
        break;
    case EVENT_TASK_EXITED:
    case EVENT_TASK_KILLED:
        on_end(laws, record);
        break;
    case EVENT_CALLBACK_READY:
    case EVENT_CALLBACK_RUN:
    case EVENT_LOOP_CALLS:
    case EVENT_LOOP_TURN:
    case EVENT_LOOP_SNAPSHOT:
    case EVENT_LOOP_ENDED:
        on_loop(laws, record);
        break;
    case EVENT_COROUTINE_CREATED:
    case EVENT_COROUTINE_BEGUN:
    case EVENT_COROUTINE_RESUMED:
    case EVENT_COROUTINE_SUSPENDED:
    case EVENT_COROUTINE_DONE:
        on_coroutine(laws, record);
        break;
    case EVENT_LOOP_TIMER_SET:
    case EVENT_LOOP_TIMER_FIRED:
    case EVENT_LOOP_TIMER_CANCELLED:
        on_timer(laws, record);
        break;
    default:
        break;
    }
}

const char *python_laws(const Scenario *scenario, const TraceRecord *records, size_t count,
                        char text[static 256])
{
    PythonLaws laws = {.scenario = scenario};
    size_t i = 0;
    for (; i < count && laws.broken == NULL; i++)
        on_record(&laws, &records[i]);
    if (laws.broken != NULL)
        snprintf(text, 256, "%s, at record %zu, %s of task %u at %lld ns", laws.broken, i - 1,
                 event_info(records[i - 1].kind)->id, records[i - 1].task,
                 (long long)records[i - 1].time_ns);
    for (size_t k = 0; k < laws.threads.count; k++)
        ARRAY_FREE(&laws.threads.at[k].ready);
    ARRAY_FREE(&laws.gils);
    ARRAY_FREE(&laws.own_gils);
    ARRAY_FREE(&laws.worlds);
    ARRAY_FREE(&laws.defs);
    ARRAY_FREE(&laws.threads);
    ARRAY_FREE(&laws.coroutines);
    ARRAY_FREE(&laws.starters);
    ARRAY_FREE(&laws.timers);
    return laws.broken != NULL ? text : NULL;
}
