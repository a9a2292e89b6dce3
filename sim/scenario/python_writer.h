// What the parts of `ringside python` share: the text as it grows, and how values and names are
// spelled in it.
#pragma once
#include "sim/base/array.h"
#include "sim/scenario/python_names.h"

typedef struct Python {
    const Scenario *scenario;
    ProcessId process;
    Arena *arena;
    Diag *diag;
    ARRAY(char) text;
    int groups;                  // that are open
    int depth;                   // of blocks: four blanks each
    const uint32_t *function_at; // by op index: the FunctionDef (index1) that begins there
    const bool *several;         // by TaskNameDef's index1: it means more than one task
    bool begins;                 // asyncio.run begins with asyncio's objects
    bool failed;
} Python;

// ---- python_writer.c

__attribute__((format(printf, 2, 3))) void python_add(Python *python, const char *format, ...);
// A line of the current block.
__attribute__((format(printf, 2, 3))) void python_line(Python *python, const char *format, ...);
// The beginning of a line and of a call, up to its arguments.
void python_begin_line(Python *python, const char *text);
// The operation has no Python form: a message, and no program. `what`: " with a timeout"; or "".
bool python_has_no_form(Python *python, const Op *op, const char *what);
// Whether the scenario has such an operation.
bool python_uses(const Python *python, OpCode code);
// A text as a Python literal; UTF-8 stays as it is.
const char *python_literal(Python *python, StringId id);
// Seconds, as short as they can be: "0.005".
const char *python_seconds(Python *python, int64_t ns);
// A duration (Dist) that may be random, in seconds.
const char *python_duration(Python *python, uint32_t id);
// The names of things of the scenario (index1).
const char *python_sync(Python *python, uint32_t sync);
const char *python_variable(Python *python, uint32_t variable);
const char *python_task(Python *python, uint32_t name);
const char *python_function(Python *python, const FunctionDef *function);
const char *python_exception(Python *python, uint32_t exception);
// The function whose first op is `entry`.
const FunctionDef *python_function_at(const Python *python, uint32_t entry);

// ---- python_text.c

// The list of ops that begins at `first` (0: none), further in.
void python_block(Python *python, uint32_t first);

// ---- python_executors.c

// What the program has at its top for executors: their import, and themselves.
void python_executor_imports(Python *python);
void python_executor_objects(Python *python);
// The thread-local variables, with their first values.
void python_thread_locals(Python *python);
// Writes an op on executors or timers; false: it is none.
bool python_executor_op(Python *python, const Op *op);

// ---- python_multiprocessing.c

// The same for multiprocessing.
void python_multiprocessing_imports(Python *python);
void python_multiprocessing_objects(Python *python);
bool python_multiprocessing_op(Python *python, const Op *op);

// ---- python_streams.c

// What the program has at its top for pipes: their import, their class, and themselves.
void python_stream_imports(Python *python);
void python_stream_class(Python *python);
void python_stream_objects(Python *python);
// Writes an op on streams; false: it is none.
bool python_stream_op(Python *python, const Op *op);

// ---- python_asyncio.c

void python_asyncio_imports(Python *python);
// Writes what the program has at its top for asyncio's objects, and those themselves.
void python_asyncio_objects(Python *python);
// The name that the op assigns, of a task or a callback (TaskNameDef); 0: none.
uint32_t python_named(const Op *op);
// Writes an op of asyncio; false: it is none.
bool python_asyncio_op(Python *python, const Op *op);
