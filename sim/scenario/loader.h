// What the loader's files share while one scenario is being read. Private to sim/scenario. The
// order of work is scenario.c's: read the tree (node.c), apply overrides (override.c), then the
// machine (machine.c), the processes (processes.c) and their ops (compile.c).
#pragma once
#include "sim/base/array.h"
#include "sim/scenario/node.h"
#include "sim/scenario/scenario.h"

typedef enum SymbolKind {
    SYMBOL_SYNC,
    SYMBOL_FUNCTION,
    SYMBOL_THREAD,
    SYMBOL_PROCESS,
    SYMBOL_VARIABLE,
    SYMBOL_LINE, // of variables
    SYMBOL_MEMORY,
    SYMBOL_CHILD,
    SYMBOL_PIPE,
    SYMBOL_MESSAGES,
    SYMBOL_TASK,
    SYMBOL_CONNECTION,
    SYMBOL_MANAGER,
    SYMBOL_POOL,
    SYMBOL_EXECUTOR,
    SYMBOL_FUTURE,
    SYMBOL_INTERPRETER
} SymbolKind;

// A function of a process, known by name before any op is compiled.
typedef struct Function {
    StringId name;
    ProcessId process;
    const Node *body;
    uint32_t entry; // its first op, once compiled
    bool coroutine; // asyncio_fields.c's
} Function;

// An argument that is known only when all functions of the process are compiled.
typedef struct Fixup {
    uint32_t op, arg;
    uint32_t function;  // index1 of the Function whose entry it is, or 0:
    const Node *thread; // the name of a thread or of a spawn's threads
} Fixup;

// The name of a process, known only when all processes are.
typedef struct ProcessFixup {
    uint32_t op, arg;
    const Node *node;
    const char *label;
} ProcessFixup;

// Something that an op awaits, whose name may belong to a task that a later op names.
typedef struct AwaitedFixup {
    uint32_t awaited; // index1; 0: it is the argument of an op that must name a task
    uint32_t op, arg;
    const Node *node;
    const char *label;
} AwaitedFixup;

// A child that begins as a Process of multiprocessing does.
typedef struct ChildBoot {
    ProcessId process; // whose ops start it
    uint32_t thread;   // ThreadDef (index1)
    StartMethod start;
} ChildBoot;

typedef struct Interned Interned;

typedef struct Loader {
    Scenario *scenario;
    Diag *diag;
    Arena scratch; // gone when the scenario is loaded
    const char *source;
    const char *const *overrides;
    size_t override_count;

    ARRAY(const char *) strings;
    ARRAY(ProcessDef) processes;
    ARRAY(ThreadDef) threads;
    ARRAY(uint32_t) thread_functions; // of each thread: the Function (index1) that it runs, or 0
    ARRAY(SyncDef) syncs;
    bool in_asyncio; // `asyncio:` is being read
    ARRAY(TestDef) tests;
    ARRAY(VariableDef) variables;
    ARRAY(Dist) dists;
    ARRAY(DistChoice) choices;
    ARRAY(CoreSet) core_sets;
    ARRAY(Op) ops;
    ARRAY(SourceAt) op_at;
    ARRAY(Function) functions;
    ARRAY(Fixup) fixups;
    ARRAY(uint64_t) sizes;
    ARRAY(MemoryDef) memories;
    ARRAY(PipeDef) pipes;
    ARRAY(PipeUse) pipe_uses;
    ARRAY(MessageQueueDef) message_queues;
    ARRAY(ProcessFixup) process_fixups;
    ARRAY(TaskNameDef) task_names;
    ARRAY(AwaitedDef) awaited;
    ARRAY(AwaitedFixup) awaited_fixups;
    ARRAY(ConnectionDef) connections;
    ARRAY(PoolDef) pools;
    ARRAY(ManagerDef) managers;
    ARRAY(ExecutorDef) executors;
    ARRAY(uint32_t) timers; // ThreadDefs (index1) of what `timer` starts
    ARRAY(FutureNameDef) future_names;
    ARRAY(WorkDef) works;
    ARRAY(ChildBoot) child_boots;
    Interned *interned;
    const char *field_labels[OP_CODE_COUNT][OP_FIELDS_MAX]; // compile.c's

    bool cores_known;      // machine.cores was right, so that core numbers can be checked
    bool names_incomplete; // a name could not be read, so that unknown names prove nothing
    bool ops_full;         // the limit on ops was reported
    bool spawns_unknown;   // an op was not understood, so that a name may be missing for it
    uint32_t task_group;   // the op `task_group` around the op being compiled; 0: none
    uint32_t timeout;      // the same of `timeout`
    int loops;             // open repeat and forever blocks around the op being compiled
} Loader;

// --- loader.c: messages and tables --------------------------------------------------------------

// An error at `node`. One that came with an override is named instead of a line: "--set
// machine.cores=x: …". `hint` may be NULL. Returns false.
__attribute__((format(printf, 4, 5))) bool loader_fail(Loader *loader, const Node *node,
                                                       const char *hint, const char *format, ...);
// The same at a part of a text: bytes [start, start + length) of it, when its place is known.
__attribute__((format(printf, 6, 7))) bool loader_fail_part(Loader *loader, const Node *node,
                                                            size_t start, size_t length,
                                                            const char *hint, const char *format,
                                                            ...);
// What stands there, for "found …": "'50'", "a list", "nothing".
const char *loader_found(Loader *loader, const Node *node);
// A text of the user's for a message: short, without control characters.
const char *loader_quote(Loader *loader, const char *text);
// "did you mean WORD?", or NULL when `word` is near none of the candidates.
const char *loader_suggest(Loader *loader, const char *word, const char *const *candidates,
                           size_t count);
// "a, b, c" of words that are not NULL.
const char *loader_list(Loader *loader, const char *const *words, size_t count);
// An unknown word: "WHAT 'WORD'", and behind it the nearest right one as a hint or, when none is
// near, "; LISTED a, b, c".
bool loader_unknown(Loader *loader, const Node *word, const char *what, const char *listed,
                    const char *const *candidates, size_t count);

typedef enum Section {
    SECTION_SCENARIO,
    SECTION_MACHINE,
    SECTION_SCHEDULER,
    SECTION_DEVICE,
    SECTION_COSTS,
    SECTION_PROCESS,
    SECTION_THREAD,
    SECTION_LOCK,
    SECTION_SEMAPHORE,
    SECTION_CONDITION,
    SECTION_EVENT,
    SECTION_BARRIER,
    SECTION_QUEUE,
    SECTION_VARIABLE,
    SECTION_POLICY,
    SECTION_DEADLINE,
    SECTION_WORKLOAD,
    SECTION_RUNTIME,
    SECTION_CONNECTION,
    SECTION_POOL,
    SECTION_MANAGER,
    SECTION_EXECUTOR,
    SECTION_ASYNCIO,
} Section;

// Whether `node` is a map; the message calls it `label` ("'machine'").
bool loader_map(Loader *loader, const Node *node, const char *label);
bool loader_items(Loader *loader, const Node *node, const char *label, const char *of_what);
// Checks a map's keys against the rows of keys.def: unknown ones, and required ones that are
// missing, which are reported at `at`.
bool loader_keys(Loader *loader, const Node *map, Section section, const Node *at);
// The names of a section's keys; returns the count (at most `room`).
size_t loader_key_names(Section section, const char **names, size_t room);

// --- intern.c: what is stored once -------------------------------------------------------------

StringId intern_string(Loader *loader, const char *text);
uint32_t intern_dist(Loader *loader, Dist dist);              // index1
uint32_t intern_core_set(Loader *loader, const CoreSet *set); // index1
// Where the id of the symbol `name` of `process` is kept: 0 when it is new. The pointer lives until
// the next call.
uint32_t *intern_symbol(Loader *loader, ProcessId process, SymbolKind kind, StringId name);
// The names of one kind that a process has, in the order in which they came; for messages.
const char **intern_names(Loader *loader, ProcessId process, SymbolKind kind, size_t *count);
void intern_free(Loader *loader);

// --- values.c: one value each. Messages call it `label`, which is quoted already. ----------------

bool value_text(Loader *loader, const Node *node, const char *label, const char **text);
// A name: letters, digits, _ and -; not a digit or - first; at most NAME_BYTES_MAX bytes.
bool value_name(Loader *loader, const Node *node, const char *label, StringId *name);
// The id of a name that the process must have already, among those of one kind: `kind` is its word.
bool value_symbol(Loader *loader, ProcessId process, SymbolKind symbol, const char *kind,
                  const Node *node, const char *label, uint32_t *arg);
bool value_count(Loader *loader, const Node *node, const char *label, uint64_t least, uint64_t most,
                 uint64_t *count);
bool value_integer(Loader *loader, const Node *node, const char *label, int least, int most,
                   int *value);
bool value_bool(Loader *loader, const Node *node, const char *label, bool *value);
bool value_duration(Loader *loader, const Node *node, const char *label, int64_t least_ns,
                    int64_t most_ns, int64_t *ns);
bool value_chance(Loader *loader, const Node *node, const char *label, uint32_t *parts);
bool value_size(Loader *loader, const Node *node, const char *label, uint64_t least, uint64_t most,
                uint64_t *bytes);
// A duration or a distribution, as an index1 of the scenario's dists.
bool value_dist(Loader *loader, const Node *node, const char *label, uint32_t *dist);
// Reports why `text` (a part of the node's text) is not a duration.
bool value_duration_part(Loader *loader, const Node *node, size_t start, size_t length,
                         const char *label, int64_t *ns);
// The parts of a text behind "name(": see dist_text.c.
bool dist_text(Loader *loader, const Node *node, const char *label, uint32_t *dist);

// Ops of all lists together, and what a name of up to 96 bytes leaves room for: task_name's
// "process/thread-4294967295".
enum { OPS_MAX = 1000 * 1000, NAME_BYTES_MAX = 40 };

// Linux clamps a custom slice like this (sched_setattr: kernel/sched/fair.c, 100 us to 100 ms).
#define EEVDF_SLICE_LEAST_NS 100000
#define EEVDF_SLICE_MOST_NS  100000000

// --- kernel_fields.c: fields that name what the kernel has ---------------------------------------

// Memory of any kind: a quarter of what a process can address on x86-64.
#define MEMORY_BYTES_MAX (UINT64_C(1) << 45)
// Of a machine: each page that a run touches takes the simulator 8 bytes.
#define PHYSICAL_BYTES_MAX (UINT64_C(1) << 42)

bool field_size(Loader *loader, const Node *node, const char *label, uint32_t *arg);
bool field_code(Loader *loader, const Node *node, const char *label, uint32_t *arg);
bool field_flag(Loader *loader, const Node *node, const char *label, uint32_t *arg);
// The words that a field of a closed set may be; none for other types.
const char *const *field_words(FieldType type, size_t *count);
bool field_word(Loader *loader, FieldType type, const Node *node, const char *label, uint32_t *arg);
// `allocates`: it is the name that an alloc gives.
bool field_memory(Loader *loader, ProcessId process, const Node *node, const char *label,
                  bool allocates, uint32_t *arg);
// `function`: what the child runs; `node` may be NULL.
bool field_child(Loader *loader, ProcessId process, uint32_t function, uint32_t op,
                 const Node *node, const char *label, uint32_t *arg);
// `op`: the one that names the pipe, whose end it opens in `process`.
bool field_pipe(Loader *loader, ProcessId process, uint32_t op, const Node *node, const char *label,
                uint32_t *arg);
bool field_messages(Loader *loader, const Node *node, const char *label, uint32_t *arg);
// `pipes:` and `message_queues:` of a map; `owner`: whose the pipes are, none for all processes'.
void kernel_load_names(Loader *loader, ProcessId owner, const Node *map);
// --- asyncio_fields.c: fields that name tasks, coroutines and exceptions
// --------------------------

bool field_coroutine(Loader *loader, ProcessId process, const Node *node, const char *label,
                     uint32_t *arg);
bool field_new_task(Loader *loader, ProcessId process, const Node *node, const char *label,
                    uint32_t *arg);
// `op` and `arg`: where the name's id goes when all names of the process are known.
bool field_task_name(Loader *loader, const Node *node, const char *label, uint32_t op,
                     uint32_t arg);
bool field_awaited(Loader *loader, const Node *node, const char *label, uint32_t *arg);
bool field_exception(Loader *loader, const Node *node, const char *label, uint32_t *arg);
// Whether the process may have this op, by its runtime; else says what it needs.
bool asyncio_allows(Loader *loader, ProcessId process, unsigned code, const Node *key);
// When the fields of the op at `at` are compiled: whether it is on one of asyncio's objects.
void asyncio_finish_op(Loader *loader, uint32_t at, const Node *key,
                       const Node *const given[OP_FIELDS_MAX]);
// What the op asyncio.run at index `at` asks for is there in the process's Python.
void asyncio_check_run(Loader *loader, ProcessId process, uint32_t at,
                       const Node *const given[OP_FIELDS_MAX]);
// What the fields' types do not say of the asyncio ops.
bool asyncio_check_op(Loader *loader, unsigned code, const Node *key,
                      const Node *const given[OP_FIELDS_MAX]);
// Once all of a process's ops are compiled: whom its names mean, which of its functions are
// coroutines, and whether they are used as such. Its functions and threads are those from
// `first_function` and `first_thread` on.
void asyncio_finish(Loader *loader, ProcessId process, size_t first_function, size_t first_thread);

// The library code of an executor of processes, whose number is `id`: fills in the rest of `def`.
void process_pool_emit(Loader *loader, ExecutorDef *def, uint32_t id);

// --- multiprocessing_load.c: connections, pools, and the ops that name them ----------------------

// Processes of a pool, and items of `imap`, each of which takes a byte.
enum { POOL_PROCESSES_MAX = 10000, POOL_STREAM_MAX = 10 * 1000 * 1000 };

// `connections:` and `pools:` of a process (or the scenario), with their library code.
void multiprocessing_load(Loader *loader, ProcessId process, const Node *owner);
bool field_connection(Loader *loader, ProcessId process, const Node *node, const char *label,
                      uint32_t *arg);
bool field_pool(Loader *loader, ProcessId process, const Node *node, const char *label,
                uint32_t *arg);
// A function's name, or a list of them: index1 of the first WorkDef.
bool field_work(Loader *loader, ProcessId process, const Node *node, const char *label,
                uint32_t *arg);
// Whether the process may have this op, by its runtime; else says what it needs.
bool multiprocessing_allows(Loader *loader, ProcessId process, unsigned code, const Node *key);
// --- manager_code.c
void managers_load_one(Loader *loader, ProcessId process, const Node *node);
bool field_manager(Loader *loader, ProcessId process, const Node *node, const char *label,
                   uint32_t *arg);
bool managers_any(const Loader *loader, ProcessId process);
// What the end of the process does about them.
void managers_emit_finish(Loader *loader, ProcessId process);
// What the fields' types do not say of `op`.
void multiprocessing_check_op(Loader *loader, ProcessId process, uint32_t op, const Node *key);
// Once all of a process's ops are compiled: how its children begin, and how it ends.
void multiprocessing_finish(Loader *loader, ProcessId process);

// --- executors.c: executors of threads, and the ops that name them or futures
// ---------------------

// `executors:` of a process (or the scenario), and its loops' default executor if something uses
// it, with their library code.
void executors_load(Loader *loader, ProcessId process, const Node *owner);
bool field_executor(Loader *loader, ProcessId process, const Node *node, const char *label,
                    uint32_t *arg);
// A name of futures; `submits`: the op gives it.
bool field_future(Loader *loader, ProcessId process, const Node *node, const char *label,
                  bool submits, uint32_t *arg);
// Whether the process may have this op, by its runtime; else says what it needs.
bool executors_allow(Loader *loader, ProcessId process, unsigned code, const Node *key);
// What the fields' types do not say of the op at `op`.
void executors_check_op(Loader *loader, ProcessId process, uint32_t op, const Node *key,
                        const Node *const given[OP_FIELDS_MAX]);
// Once all of a process's ops are compiled: whether each name of futures is given by a submit.
void executors_finish(Loader *loader, ProcessId process);
// Whether the process has executors; and the library code by which it shuts them down at its end.
bool executors_any(const Loader *loader, ProcessId process);
void executors_emit_finish(Loader *loader, ProcessId process);
// Once all processes are compiled: the library code with which threads of Python begin.
void executors_emit_boot(Loader *loader);

// --- stream_fields.c

// Whether the op uses an end of a pipe as a stream.
bool stream_reads(unsigned code);
bool stream_writes(unsigned code);
// When the fields of an op are compiled: whether they go together.
bool stream_finish_op(Loader *loader, const Op *op, const Node *const given[OP_FIELDS_MAX]);
// When all processes are loaded: the library code of signals that loops wait for.
void signal_handlers_finish(Loader *loader);

// `runtime:` of a process; false when it cannot be read.
bool runtime_load(Loader *loader, const Node *node, Runtime *runtime);
// `interpreter:` of a thread.
void runtime_load_interpreter(Loader *loader, const Node *node, ThreadDef *def);
// Whether an op on Python's objects is one of the process's runtime.
bool runtime_allows(Loader *loader, ProcessId process, unsigned code, const Node *key);

// Fills in argument `arg` of `op` when all processes are known.
bool field_process(Loader *loader, const Node *node, const char *label, uint32_t op, uint32_t arg);
// What the fields' types do not say: which of them go together.
void kernel_check_op(Loader *loader, unsigned code, const Node *key,
                     const Node *const given[OP_FIELDS_MAX]);
// What can only be checked at the end of a process, and of all.
void kernel_finish_process(Loader *loader, ProcessId process);
void kernel_finish(Loader *loader);

// --- the parts of a scenario --------------------------------------------------------------------

// Changes the tree as the overrides say.
void overrides_apply(Loader *loader, Node *root);
void machine_load(Loader *loader, const Node *root);
void scheduler_load(Loader *loader, const Node *node);
// What the scheduler's parameters are when the file does not say.
void scheduler_defaults(MachineDef *machine);
void limits_load(Loader *loader, const Node *node);
// A thread's policy; its affinity must be known.
void thread_policy_load(Loader *loader, const Node *node, ThreadDef *def);
// When all threads are loaded: whether the deadline threads ask for no more than there is.
void thread_policy_admit(Loader *loader);
// Adds the jobs of `workload:` to the threads.
void workload_load(Loader *loader, Node *root);
void processes_load(Loader *loader, const Node *root);
// A new thread (or template of threads) with what every one of them has that says nothing of its
// own; it runs `function`, an index1, or what its `entry` will be (0). Valid until the next one is
// added.
ThreadDef *processes_add_thread(Loader *loader, StringId name, ProcessId process, uint32_t function,
                                SourceAt at);
// Reads what the threads of `process` synchronise by from its map (or the scenario's).
void syncs_load(Loader *loader, ProcessId process, const Node *owner);
// When all ops are there: which objects are Python's.
void syncs_finish(Loader *loader);
// The object of the process that `text`, of `node`, names: of one of `kinds` (bit set by SyncKind).
bool sync_named(Loader *loader, ProcessId process, const Node *node, const char *text,
                const char *label, unsigned kinds, uint32_t *sync);
// Whether it names one of asyncio's.
bool sync_is_asyncio(Loader *loader, ProcessId process, const Node *node);
enum { SYNC_SET_LOCKS = (1 << (SYNC_RWLOCK + 1)) - 1 };
// What `while` and `if` look at: a name, perhaps with "not" before it. `*test`: index1 of the
// tests.
bool sync_test(Loader *loader, ProcessId process, const Node *node, const char *label,
               uint32_t *test);
// Reads the variables that the threads of `process` share from its map (or the scenario's).
void variables_load(Loader *loader, ProcessId process, const Node *owner);
// The variable of the process that `node` names.
bool variable_named(Loader *loader, ProcessId process, const Node *node, const char *label,
                    uint32_t *variable);
// A whole number within +-2147483647, as op_integer reads it.
bool variable_integer(Loader *loader, const Node *node, const char *label, uint32_t *arg);
// Whether the test is a comparison ("x >= 30"), and what it compares.
bool variable_is_test(const Node *node);
bool variable_test(Loader *loader, ProcessId process, const Node *node, const char *label,
                   uint32_t *test);
// Whether the fields given to an op on variables fit together; else says how they do.
bool variable_fields(Loader *loader, unsigned code, const Node *key, const Node *const *given);
// Compiles a list of ops and the return behind it; `*entry` is its first op.
void compile_ops(Loader *loader, ProcessId process, const Node *list, const char *label,
                 uint32_t *entry);
// Finds a function by name; reports an unknown one.
bool compile_function(Loader *loader, ProcessId process, const Node *node, const char *label,
                      uint32_t *function);
// Fills in what had to wait for the end of the process: entries of functions, names of threads.
void compile_finish(Loader *loader, ProcessId process);
