// What the parts of `ringside python` share: the text as it grows, and how values and names are
// spelled in it.
#pragma once
#include "sim/base/array.h"
#include "sim/scenario/scenario.h"

typedef struct Python {
    const Scenario *scenario;
    ProcessId process;   // the one that is being written
    bool whole;          // the program is all processes of the scenario, each in one of its own
    int major, minor;    // of the CPython that it is for,
    const char *version; // "3.13t"
    Arena *arena;
    Diag *diag;
    ARRAY(char) text;
    int groups;                  // that are open
    int depth;                   // of blocks: four blanks each
    uint32_t entry;              // the first op of the function that is being written
    const uint32_t *function_at; // by op index: the FunctionDef (index1) that begins there
    const bool *several;         // by TaskNameDef's index1: it means more than one task
    bool streams;                // some pipe is used as a stream
    bool numbered, closes;       // of several processes: some are sent signals; some have pipes
    bool begins;                 // asyncio.run begins with asyncio's objects
    bool failed;
} Python;

// ---- python_names.c

typedef enum PythonNameKind {
    PYTHON_FUNCTION,
    PYTHON_TASK,
    PYTHON_SYNC,
    PYTHON_VARIABLE,
    PYTHON_MEMORY,
    PYTHON_THREAD,
    PYTHON_THREADS,   // the list of those that a spawn makes
    PYTHON_PROCESSES, // the same of a fork
    PYTHON_EXCEPTION,
    PYTHON_PIPE,
    PYTHON_COPY, // of a variable, a thread's own
    PYTHON_RUN   // what starts the threads of a process, or of an interpreter
} PythonNameKind;

// An identifier for a name of the scenario: the name itself where Python allows it and nothing else
// is called so. In a program of several processes, what more than one of them has is called by the
// process, too: server_main. In the arena.
const char *python_name(const Python *python, PythonNameKind kind, StringId name);
// A name that the program uses for itself, of this process alone: "local", or "server_local".
const char *python_own(const Python *python, const char *name);

// ---- python_writer.c

__attribute__((format(printf, 2, 3))) void python_add(Python *python, const char *format, ...);
// A line of the current block.
__attribute__((format(printf, 2, 3))) void python_line(Python *python, const char *format, ...);
// What is between them is done so many times: in a loop, unless it is once.
void python_loop(Python *python, uint32_t times);
void python_loop_end(Python *python, uint32_t times);
// The beginning of a line and of a call, up to its arguments.
void python_begin_line(Python *python, const char *text);
// Whether the text so far has this name of a module or a function, as a whole word: "os.".
bool python_mentions(const Python *python, const char *word);
// The operation has no Python form: a message, and no program. `what`: " with a timeout", or "";
// `why`: what Python has not. Returns true: the operation is dealt with.
bool python_has_no_form(Python *python, const Op *op, const char *what, const char *why);
// The same of something that the scenario declares: `what` is "the rwlock 'l'".
void python_has_none(Python *python, SourceAt at, const char *what, const char *why);
// Whether the scenario has such an operation.
bool python_uses(const Python *python, OpCode code);
// Whether the program has this declared process.
bool python_has(const Python *python, ProcessId process);
const ProcessDef *python_process(const Python *python);
// A text as a Python literal; UTF-8 stays as it is.
const char *python_literal(Python *python, StringId id);
// Seconds, as short as they can be: "0.005".
const char *python_seconds(Python *python, int64_t ns);
// A queue's capacity as an argument; 0, nothing: it is unbounded.
const char *python_capacity(Python *python, uint32_t capacity);
// A duration (Dist) that may be random, in seconds.
const char *python_duration(Python *python, uint32_t id);
// The names of things of the scenario (index1).
const char *python_sync(Python *python, uint32_t sync);
const char *python_variable(Python *python, uint32_t variable);
const char *python_task(Python *python, uint32_t name);
const char *python_function(Python *python, const FunctionDef *function);
const char *python_exception(Python *python, uint32_t exception);
// The list of the threads made from this (ThreadDef), or of the processes whose main thread it is.
const char *python_threads(Python *python, uint32_t thread);
// The function whose first op is `entry`, and its name.
const FunctionDef *python_function_at(const Python *python, uint32_t entry);
const char *python_function_name(Python *python, uint32_t entry);
// Whether an item of this queue may say what to do with it.
bool python_carries_functions(const Python *python, uint32_t queue);

// ---- python_text.c

// The list of ops that begins at `first` (0: none), further in.
void python_block(Python *python, uint32_t first);
// A function of the program that does the ops from `entry` on.
// Before them it has the line `before`, unless that is NULL.
void python_write_function(Python *python, const char *name, uint32_t entry, bool coroutine,
                           const char *before);

// ---- python_helpers.c

// The whole program, in the arena: behind the scenario's title, its imports and those functions of
// its own that the text mentions, the text.
const char *python_with_helpers(Python *python);

// ---- python_threads.c

// Locks and their like, and the lists of threads.
void python_sync_objects(Python *python);
void python_thread_lists(Python *python);
// Writes an op on threads and what they synchronise by; false: it is none. So do the others.
bool python_thread_op(Python *python, const Op *op);

// ---- python_data.c

// The variables that threads share, and those that each thread has of its own.
void python_variables(Python *python);
void python_thread_locals(Python *python);
bool python_data_op(Python *python, const Op *op);

// ---- python_memory.c

void python_memory_objects(Python *python);
// The name that an `alloc` assigns; NULL: it is none.
const char *python_allocated(Python *python, const Op *op);
bool python_memory_op(Python *python, const Op *op);

// ---- python_processes.c

bool python_process_op(Python *python, const Op *op);
// The numbers of the processes that others send signals to.
void python_process_ids(Python *python);
// Whether the process that is written makes these (ProcessId); and what is said where it does not.
bool python_is_child(const Python *python, uint32_t process);
bool python_no_child(Python *python, const Op *op);
// The ThreadDef (index1) of the main thread of processes that a fork makes.
uint32_t python_main_thread(const Python *python, uint32_t process);
// Whether the processes of this main thread (ThreadDef) are multiprocessing's; else they are
// forked.
bool python_starts(const Python *python, uint32_t thread);
// The function `run` of a program of several processes, which starts them all.
void python_start_processes(Python *python);

// ---- python_main.c

// What each thread does that starts with the process.
void python_thread_functions(Python *python);
// The function that starts all those threads; and one for each of its interpreters.
void python_write_run(Python *python);

// ---- python_executors.c

// What the program has at its top for executors: themselves.
void python_executor_objects(Python *python);
bool python_executor_op(Python *python, const Op *op);

// ---- python_multiprocessing.c

const char *python_method(StartMethod method);
// The same for multiprocessing.
void python_multiprocessing_objects(Python *python);
// At the end of a process its pools do what is left. (Python would cut them off.)
void python_close_pools(Python *python);
bool python_multiprocessing_op(Python *python, const Op *op);

// ---- python_streams.c

// The pipes of the program.
void python_pipes(Python *python);
// The ends that the process has no use for, which it closes before it begins; or, of no process,
// all of them.
void python_close_unused(Python *python);
// Whether the program has this pipe (index1): no process outside it has.
bool python_has_pipe(const Python *python, uint32_t pipe);
// Writes an op on pipes, their streams and signals of a loop; false: it is none.
bool python_stream_op(Python *python, const Op *op);

// ---- python_asyncio.c

// Writes what the program has at its top for asyncio's objects, and those themselves.
void python_asyncio_objects(Python *python);
// The name that the op assigns, of a task or a callback (TaskNameDef); 0: none.
uint32_t python_named(const Op *op);
// Writes an op of asyncio; false: it is none.
bool python_asyncio_op(Python *python, const Op *op);
