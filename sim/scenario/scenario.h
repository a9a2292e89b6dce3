// A compiled scenario: what the YAML said, checked, with every name resolved to an id and every
// op list flattened. Immutable once loaded; any number of runs may share one.
#pragma once
#include "sim/base/arena.h"
#include "sim/base/diag.h"
#include "sim/base/ids.h"
#include "sim/base/rng.h"
#include "sim/base/time.h"
#include "sim/scenario/executors.h"
#include "sim/scenario/multiprocessing.h"
#include "sim/trace/vocabulary.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum CostId {
#define COST(id, name, typical_ns, text, probe) COST_##id,
#include "sim/scenario/costs.def"
#undef COST
    COST_COUNT
} CostId;

typedef struct CostInfo {
    const char *name;
    int64_t typical_ns;
    const char *text, *probe;
} CostInfo;

const CostInfo *cost_info(CostId id);

typedef enum OpCode {
    OP_RETURN, // ends a function or a thread's run list; at index 0, so that entry 0 means none
#define OP(id, ...) OP_##id,
#include "sim/scenario/ops.def"
#undef OP
    // arg[0]: the op that owns the block; its step decides what follows, but behind an `else`
    // (arg[1] is 1) it is the op after the owner.
    OP_BLOCK_END,
    // One `except:` of a `try`: arg[0] the exception (ExceptionId), arg[1] its ops, arg[2] the
    // `try`.
    OP_EXCEPT,
// What only library code does.
#define LIBRARY_OP(id) OP_##id,
#include "sim/scenario/library_ops.def"
#undef LIBRARY_OP
    OP_CODE_COUNT
} OpCode;

enum { OP_FIELDS_MAX = 6 };

// One compiled op. A block's ops follow its owner directly and end with OP_BLOCK_END; when an op
// has several blocks they follow one another. `next` is the op after this one and all its blocks.
typedef struct Op {
    uint16_t code;    // OpCode
    uint16_t asyncio; // 1: what it names first is one of asyncio's objects
    uint32_t next;
    uint32_t arg[OP_FIELDS_MAX];
} Op;

typedef enum FieldType {
    FIELD_NONE,
    FIELD_DURATION,
    FIELD_COUNT,
    FIELD_CHANCE,
    FIELD_TEXT,
    FIELD_NAME,
    FIELD_BLOCK,
    FIELD_FUNCTION,
    FIELD_LOCK,
    FIELD_THREAD,
    FIELD_SPAWNED,
    FIELD_MODE,
    FIELD_SEMAPHORE,
    FIELD_CONDITION,
    FIELD_EVENT,
    FIELD_WAITED,
    FIELD_BARRIER,
    FIELD_QUEUE,
    FIELD_TEST,
    FIELD_VARIABLE,
    FIELD_INTEGER,
    FIELD_SIZE,
    FIELD_CODE,
    FIELD_FLAG,
    FIELD_SYSCALL,
    FIELD_ACCESS,
    FIELD_SIGNAL,
    FIELD_PIPE_END,
    FIELD_MEMORY,
    FIELD_NEW_MEMORY,
    FIELD_CHILD,
    FIELD_PROCESS,
    FIELD_PIPE,
    FIELD_MESSAGES,
    FIELD_COROUTINE,
    FIELD_NEW_TASK,
    FIELD_TASK_NAME,
    FIELD_AWAITED,
    FIELD_RETURN_WHEN,
    FIELD_EXCEPTION,
    FIELD_HANDLERS,
    FIELD_START_METHOD,
    FIELD_EVENT_LOOP,
    FIELD_CONNECTION,
    FIELD_POOL,
    FIELD_WORK,
    FIELD_MANAGER,
    FIELD_EXECUTOR,
    FIELD_NEW_FUTURES,
    FIELD_FUTURES,
    FIELD_TYPE_COUNT
} FieldType;

enum { FIELD_REQUIRED = 1, FIELD_SHORT = 2 };

typedef struct OpField {
    const char *name;
    FieldType type;
    unsigned flags;
    const char *text;
} OpField;

typedef struct OpInfo {
    const char *name, *group, *text, *example;
    OpField fields[OP_FIELDS_MAX]; // name NULL from the first unused one on
} OpInfo;

// The row of a language op, NULL for OP_RETURN, OP_BLOCK_END and values out of range.
const OpInfo *op_info(unsigned code);

// A duration that may be random. Parameters by kind; factors are Q32.
typedef enum DistKind {
    DIST_CONSTANT,    // a
    DIST_EXPONENTIAL, // a: mean
    DIST_UNIFORM,     // a: least, b: most, both included
    DIST_NORMAL,      // a: mean, b: standard deviation; below 0 is drawn as 0
    DIST_LOGNORMAL,   // a: median, b: sigma (Q32)
    DIST_PARETO,      // a: minimum, b: alpha (Q32)
    DIST_CHOICE,      // choices first .. first + count
} DistKind;

typedef struct Dist {
    DistKind kind;
    int64_t a, b;
    uint32_t choice_first, choice_count;
} Dist;

typedef struct DistChoice {
    int64_t ns;
    uint64_t weight; // whole-number weights as written, scaled by 10^6
} DistChoice;

typedef struct CoreSet {
    uint64_t words[CORES_MAX / 64];
} CoreSet;

static inline bool core_set_has(const CoreSet *set, int core)
{
    return set->words[core / 64] >> (core % 64) & 1;
}

typedef enum SchedulerKind {
#define SCHEDULER(id, name, parameters, sentence) SCHEDULER_##id,
#include "sim/scenario/schedulers.def"
#undef SCHEDULER
    SCHEDULER_COUNT
} SchedulerKind;

typedef struct SchedulerInfo {
    const char *name;
    const char *parameters; // keys of the map form that it takes, one space between them
    const char *sentence;
} SchedulerInfo;

const SchedulerInfo *scheduler_info(SchedulerKind kind);

// A thread's own policy (sched(7)): NORMAL, BATCH and IDLE are those of the machine's scheduler.
typedef enum ThreadPolicy {
    POLICY_NORMAL,
    POLICY_BATCH, // computes only: its wake-ups preempt nobody
    POLICY_IDLE,  // runs when nobody else wants to
    POLICY_FIFO,
    POLICY_RR,
    POLICY_DEADLINE
} ThreadPolicy;

enum { TICKETS_DEFAULT = 100, TICKETS_MOST = 10000 };

typedef struct ThreadDef {
    StringId name;
    ProcessId process;
    uint32_t count;   // how many start with the process; 0 for a spawn's template
    bool spawned;     // made by a spawn op: `count` is 0, the op says how many
    bool several;     // more than one may be made: their names end in -1, -2, …
    bool daemon;      // killed when the process's last other thread ends
    int8_t nice;      // -20 (favoured) .. 19
    int64_t slice_ns; // custom EEVDF slice, 0: the policy's own
    ThreadPolicy policy;
    uint8_t priority;                           // FIFO and RR: 1 .. 99
    int64_t runtime_ns, deadline_ns, period_ns; // DEADLINE: runtime <= deadline <= period
    uint32_t tickets;                           // its share under lottery and stride; default 100
    int64_t estimate_ns; // what SJF and STCF take for each of its bursts; 0: what it will ask for
    uint32_t start;      // Dist (index1) of its arrival; 0: at once
    uint32_t affinity;   // CoreSet (index1); 0: every core
    uint32_t entry;      // its first op
    uint32_t gil; // whose GIL it needs: a number of its process's interpreters; 0: the main one
    SourceAt at;
    bool library;           // of Python, not of the scenario: a pool's, for one
    bool forked;            // the main thread of the processes that a fork or a spawn_process makes
    uint32_t stack_pages;   // reserved for its stack; 0: STACK_PAGES
    uint32_t stack_touched; // pages of it that it uses; 0: STACK_TOUCHED
    uint64_t working_set;   // bytes; 0: none
} ThreadDef;

// Of Python, in a process, besides its main one.
#define INTERPRETERS_MAX 1000

#define SWITCH_INTERVAL_DEFAULT_NS 5000000 // sys.getswitchinterval()

// What runs a process's code: the machine itself, or an interpreter of Python.
typedef struct Runtime {
    bool python;
    bool node;
    uint8_t major, minor;       // of CPython: 2.7, 3.8 .. 3.14
    bool free_threaded;         // the build without a GIL (3.13t, 3.14t)
    bool has_gil;               // CPython's threads take turns
    int64_t switch_interval_ns; // after which a thread asks for the GIL; default 5 ms
    int64_t check_interval_ns;  // 2.7: after which the holder lets go of it; default 1 us
    uint32_t steal;             // how often who asked gets ahead of who sleeps, see gil_turn.c;
                                // parts per 2^32-1, default 60 %
} Runtime;

// Whether a garbage collection stops all other threads: in the build without a GIL, see
// sim/program/world.h. (With one they stop by waiting for that.)
static inline bool runtime_stops_world(const Runtime *runtime)
{
    return runtime->free_threaded && !runtime->has_gil;
}

// Whether CPython looks up, to hand the GIL on or to handle a signal, only where code jumps back,
// calls or is called: so from 3.10 on; before, between most bytecodes.
static inline bool runtime_looks_up_seldom(const Runtime *runtime)
{
    return runtime->python && runtime->major == 3 && runtime->minor >= 10;
}

typedef struct ProcessDef {
    StringId name;
    SourceAt at;
    Runtime runtime;
    bool listed; // an item of `processes:`; else it is the whole scenario's
    bool forked; // made by a fork or a spawn_process of this run, as often as that is done
    // The declared process whose names its operations use: itself, or the one that it comes from.
    ProcessId family;
    // Of a declared one: its objects, as indexes into Scenario.syncs and Scenario.variables, and
    // whether any of them is not `shared`.
    uint32_t sync_first, sync_count, variable_first, variable_count;
    bool owns_data;
    uint32_t interpreters;     // besides the main one
    uint32_t finish;           // library code that its main thread does at its end; 0: none
    SyncId timers;             // where its threads of the op `timer` wait; none: it has none
    uint32_t default_executor; // ExecutorDef (index1) of its event loops; 0: nothing uses it
} ProcessDef;

// An entry of `functions:`.
typedef struct FunctionDef {
    StringId name;
    ProcessId process;
    uint32_t entry; // its first op
    bool coroutine; // it awaits, or is run as a task: a Python `async def`
} FunctionDef;

// A name that create_task and its like give to what they make. It means what was made last.
typedef struct TaskNameDef {
    StringId name;
    ProcessId process;
    SourceAt at;
    bool handle; // of call_later and its like: a callback, no task
    bool used;   // the loader's: some op's `as`
} TaskNameDef;

// What an op awaits: one of a list whose last item says so.
typedef struct AwaitedDef {
    uint32_t name;     // TaskNameDef (index1); 0: a coroutine is made from
    uint32_t function; // FunctionDef (index1)
    bool last;
} AwaitedDef;

// An exception: one of Python's, or EXCEPTION_OWN plus the StringId of the scenario's name for it.
typedef enum ExceptionId {
    EXCEPTION_NONE,
#define X(id, name, python) EXCEPTION_##id,
    EXCEPTIONS(X)
#undef X
        EXCEPTION_OWN
} ExceptionId;

// An argument of OP_CREATE_TASK that no field gives: the OP_TASK_GROUP around it, 0 for none.
enum { CREATE_TASK_GROUP = 3 };

// The same of OP_RESCHEDULE: the OP_TIMEOUT around it.
enum { RESCHEDULE_TIMEOUT = 1 };

// The same of OP_ADD_SIGNAL_HANDLER: library code, the handler in C.
enum { ADD_SIGNAL_HANDLER_CODE = 2 };

// An argument of OP_ASYNCIO_RUN: which loop it runs; 0: asyncio's.
enum { ASYNCIO_RUN_LOOP = 2, ASYNCIO_RUN_EAGER = 3 }; // and whether its tasks are eager
typedef enum EventLoop { EVENT_LOOP_ASYNCIO = 1, EVENT_LOOP_LIBUV } EventLoop;

// When asyncio.wait is over.
typedef enum ReturnWhen {
    RETURN_WHEN_FIRST_COMPLETED,
    RETURN_WHEN_FIRST_EXCEPTION,
    RETURN_WHEN_ALL_COMPLETED
} ReturnWhen;

// A name that an `alloc` gives to memory of the process (and of its forked children).
typedef struct MemoryDef {
    StringId name;
    ProcessId process;
    SourceAt at;
    bool allocated; // some alloc names it; the loader's
} MemoryDef;

typedef struct PipeDef {
    StringId name;
    ProcessId process; // whose it is; none: of the scenario, for every process that uses it
    SourceAt at;
} PipeDef;

typedef struct MessageQueueDef {
    StringId name;
    uint32_t capacity; // messages
    SourceAt at;
} MessageQueueDef;

// Which ends of the scenario's pipes a declared process has open: those that its operations use.
typedef struct PipeUse {
    ProcessId process;
    PipeId pipe;
    bool end[PIPE_END_COUNT];
} PipeUse;

// What Linux and glibc give a thread: 8 MiB of addresses, of which it uses two pages.
enum { PAGE_BYTES = 4096, STACK_PAGES = 8 * 1024 / 4, STACK_TOUCHED = 2 };

static inline uint32_t thread_stack_pages(const ThreadDef *def)
{
    return def->stack_pages == 0 ? STACK_PAGES : def->stack_pages;
}

static inline uint32_t thread_stack_touched(const ThreadDef *def)
{
    uint32_t touched = def->stack_touched == 0 ? STACK_TOUCHED : def->stack_touched;
    return touched < thread_stack_pages(def) ? touched : thread_stack_pages(def);
}

static inline uint64_t pages_of(uint64_t bytes)
{
    return bytes / PAGE_BYTES + (bytes % PAGE_BYTES != 0);
}

// Something that threads synchronise by: a lock, a semaphore, a queue…
typedef struct SyncDef {
    StringId name;
    ProcessId process;
    SourceAt at;
    SyncKind kind;
    uint32_t parameter;  // a semaphore's value, a barrier's threads, a queue's capacity (0: none)
    SyncId lock;         // a condition's
    uint32_t spurious;   // a condition: chance that a wait ends for no reason, parts per 2^32-1
    bool prefer_writers; // a rwlock
    bool by_priority;    // a queue
    bool shared;         // there is one for all processes that are forked; else each has its own
    bool library;        // of Python, not of the scenario
    bool python;         // one of threading's or queue's, built as CPython builds it
    bool handed;         // a Lock of Python's that an `unlock` names, perhaps another thread's
    bool asyncio;        // coroutines wait at it, not threads: each event loop has its own
    bool bounded;        // one of asyncio's semaphores: its value never exceeds the first
} SyncDef;

// A variable that the threads of a process share.
typedef struct VariableDef {
    StringId name;
    ProcessId process;
    SourceAt at;
    int64_t value;      // at first
    bool atomic;        // every load and store of it is an atomic access
    bool shared;        // there is one for all processes that are forked; else each has its own
    bool of_thread;     // each thread has its own
    StringId line_name; // of its cache line; none: a line of its own
    VariableId line;    // the first variable on that line: perhaps itself
} VariableDef;

// An INTEGER field, which may be negative: 0 in Op.arg stands for "not given".
static inline bool op_has_integer(uint32_t arg)
{
    return arg != 0;
}

static inline int64_t op_integer(uint32_t arg)
{
    return (int32_t)(arg ^ (uint32_t)INT32_MIN);
}

// How a test compares a variable with a number. X(ID, "operator")
#define COMPARISONS(X)                                                                             \
    X(EQUAL, "==")                                                                                 \
    X(NOT_EQUAL, "!=")                                                                             \
    X(AT_MOST, "<=")                                                                               \
    X(AT_LEAST, ">=")                                                                              \
    X(BELOW, "<")                                                                                  \
    X(ABOVE, ">")

typedef enum Comparison {
#define X(id, word) COMPARE_##id,
    COMPARISONS(X)
#undef X
        COMPARISON_COUNT
} Comparison;

// What `while` and `if` look at: whether an event is set, a queue has items, a semaphore's value is
// above 0.
typedef struct TestDef {
    SyncId sync; // none: it compares a variable
    bool negated;
    Comparison comparison;
    VariableId variable;
    int64_t value;
} TestDef;

enum { SCHED_LEVELS_MAX = 16 };

typedef struct MachineDef {
    uint32_t cores;          // 1 .. CORES_MAX; default 1
    SchedulerKind scheduler; // default EEVDF
    int64_t slice_ns;        // RR, lottery, stride: default 10 ms; EEVDF: base, 0: from the cores
    bool global_queue;       // normal threads wait in one queue for all cores
    bool aligned_slices;     // RR: slices end at multiples of the slice
    uint32_t levels;         // MLFQ: 1 .. SCHED_LEVELS_MAX, default 3; the next two by level, from
                             // the highest, which is 0
    int64_t level_slice_ns[SCHED_LEVELS_MAX];
    uint32_t level_allotment[SCHED_LEVELS_MAX]; // in slices; default 1
    int64_t boost_ns;   // MLFQ: every thread to the highest level so often; 0: never
    bool io_first;      // MLFQ: who comes back from blocking goes to the head of its level
    bool io_renews;     // MLFQ: who blocks has a whole allotment again
    int64_t peek_ns;    // multi: how often a core whose list is empty looks at another's; 0: never
    bool shuffled;      // multi: cores that are free at one instant choose in a random order
    int64_t unit_ns;    // of the clock of the exercise that the machine is for; default 1 ns,
                        // multi: 1 ms
    uint32_t warm_rate; // how many times as fast threads run whose working set is in the cache;
                        // default 1
    int64_t warm_up_ns; // how long they run until it is; default 10 ms
    bool python_draws;  // lottery: draws as lottery.py does, from Python's random numbers
    uint64_t python_seed;  // seeded so,
    uint64_t python_drawn; // after so many others have been drawn
    int64_t tick_ns;       // default 4 ms (250 Hz)
    int64_t costs[COST_COUNT];
    uint64_t memory_pages; // 0: without limit
    uint32_t nodes;        // of memory: each is near to its part of the cores
    uint64_t cache_bytes;  // of each core
    uint32_t device_every; // Dist (index1) between the interrupts of a device; 0: there is none
    uint32_t device_core;
    int64_t device_irq_ns, device_softirq_ns;
} MachineDef;

typedef struct Expect Expect; // expect.h

typedef struct Scenario {
    Arena arena;
    const char *path, *source; // as read
    const char *overrides;     // "key=value\n" lines, "" when none
    const char *title, *lesson;
    uint64_t seed;    // default 1
    int64_t until_ns; // end of simulated time; 0: none given
    int64_t limits[LIMIT_COUNT];
    MachineDef machine;

    // Arrays indexed by id.index1 - 1, but ops by op index (ops[0] is OP_RETURN).
    const char **strings;
    uint32_t string_count;
    ProcessDef *processes;
    uint32_t process_count;
    ThreadDef *threads;
    uint32_t thread_count;
    SyncDef *syncs;
    uint32_t sync_count;
    TestDef *tests;
    uint32_t test_count;
    VariableDef *variables;
    uint32_t variable_count;
    Dist *dists;
    uint32_t dist_count;
    DistChoice *choices;
    uint32_t choice_count;
    CoreSet *core_sets;
    uint32_t core_set_count;
    Op *ops;
    SourceAt *op_at; // where each op stands in the source
    uint32_t op_count;
    Expect *expects;
    uint32_t expect_count;

    uint64_t *sizes; // bytes that ops name
    uint32_t size_count;
    MemoryDef *memories;
    uint32_t memory_count;
    PipeDef *pipes;
    uint32_t pipe_count;
    PipeUse *pipe_uses;
    uint32_t pipe_use_count;
    MessageQueueDef *message_queues;
    uint32_t message_queue_count;
    FunctionDef *functions;
    uint32_t function_count;
    TaskNameDef *task_names;
    uint32_t task_name_count;
    AwaitedDef *awaited;
    uint32_t awaited_count;
    ConnectionDef *connections;
    uint32_t connection_count;
    ManagerDef *managers;
    uint32_t manager_count;
    PoolDef *pools;
    uint32_t pool_count;
    ExecutorDef *executors;
    uint32_t executor_count;
    FutureNameDef *future_names;
    uint32_t future_name_count;
    uint32_t thread_boot; // library code with which a thread of Python begins; 0: there is none
    WorkDef *works;
    uint32_t work_count;
    bool names_memory;     // it speaks of memory itself
    bool tracks_memory;    // it does, or of processes, so that memory is accounted and traced
    bool tracks_processes; // it speaks of processes beginning and ending, so that both are traced
} Scenario;

// Reads, checks and compiles. `overrides` are "machine.cores=4" texts. On false the Diag says why,
// with places; it also collects warnings. The scenario owns all it points to.
bool scenario_load(Scenario *scenario, const char *path, const char *const *overrides,
                   size_t override_count, Diag *diag);
// The same from text; `path` is for messages. Any bytes give a result or messages.
bool scenario_parse(Scenario *scenario, const char *path, const char *text, size_t length,
                    const char *const *overrides, size_t override_count, Diag *diag);
void scenario_free(Scenario *scenario);

static inline const char *scenario_string(const Scenario *scenario, StringId id)
{
    return id.index1 == 0 || id.index1 > scenario->string_count ? "?"
                                                                : scenario->strings[id.index1 - 1];
}

// A draw of at least 0 and at most DURATION_MAX_NS, integers only.
Duration dist_draw(const Scenario *scenario, uint32_t dist_index1, Rng *rng);

// A limit's bound for a person: "10,000,000", and for simulated time "168h", as a scenario says it.
// Returns `text`.
char *limit_text(LimitId limit, int64_t bound, char text[static 32]);

// The name of the `instance`-th (from 1) task made from `def`: "hog", or "hog-2" when there are
// several. Prefixed "process/" when another process has a thread of that name. Returns `text`.
char *task_name(const Scenario *scenario, ThreadDefId def, uint32_t instance, char text[static 96]);
