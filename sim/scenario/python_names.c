// The identifiers of the program: names of the scenario, spelled so that Python takes them and that
// no two things have one.
#include "sim/scenario/python_writer.h"

#include <string.h>

// Keywords, and what the program uses under its own name.
static const char *const reserved[] = {
    "False",
    "None",
    "True",
    "and",
    "as",
    "assert",
    "async",
    "await",
    "break",
    "class",
    "continue",
    "def",
    "del",
    "elif",
    "else",
    "except",
    "finally",
    "for",
    "from",
    "global",
    "if",
    "import",
    "in",
    "is",
    "lambda",
    "not",
    "or",
    "pass",
    "raise",
    "return",
    "try",
    "while",
    "with",
    "yield",
    "nonlocal",
    "asyncio",
    "begin",
    "begun",
    "native",
    "hashlib",
    "hash_for",
    "hash_round",
    "round",
    "loop",
    "itertools",
    "next",
    "order",
    "perform",
    "isinstance",
    "tuple",
    "uvloop",
    "compute",
    "contextlib",
    "group",
    "math",
    "print",
    "random",
    "range",
    "run",
    "threading",
    "time",
    "sys",
    "queue",
    "max",
    "task",
    "Exception",
    "__name__",
    "ExceptionGroup",
    "mark",
    "span",
    "kept",
    "future",
    "local",
    "Local",
    "futures",
    "ThreadPoolExecutor",
    "FutureTimeout",
    "BrokenProcessPool",
    "thread",
    "os",
    "signal",
    "Pipe",
    "line",
    "send_signal",
    "fork",
    "atomic_of_all",
    "close_pipes",
    "traceback",
    "adopt",
    "kept_by",
    "len",
    "finish",
    "wait_child",
    "exit_process",
    "process_ids",
    "start_processes",
    "programs",
    "pin",
    "touch",
    "look",
    "make_objects",
    "carry_out",
    "atomic",
    "swapped",
    "item",
    "zero",
    "null",
    "time_for",
    "count",
    "hashes_a_second",
    "rounds_a_second",
    "xrange",
    "unicode_literals",
    "gc",
    "mmap",
    "runpy",
    "interpreters",
    "run_interpreter",
    "bytes",
    "open",
    "exec",
    "list",
    "sorted",
    "object",
    "super",
    "globals",
    "OSError",
    "BaseException",
    "SystemExit",
    "managers",
    "Manager",
    "Kept",
    "multiprocessing",
    "get_context",
    "ProcessPoolExecutor",
    "pools",
    "pool_of",
    "close_pool",
    "run_item",
    "pool_items",
    "received",
    "child_process",
};

static const char *const suffixes[] = {
    [PYTHON_FUNCTION] = "_",           [PYTHON_TASK] = "_task",       [PYTHON_SYNC] = "_object",
    [PYTHON_VARIABLE] = "_value",      [PYTHON_THREAD] = "_thread",   [PYTHON_THREADS] = "_threads",
    [PYTHON_PROCESSES] = "_processes", [PYTHON_EXCEPTION] = "_error", [PYTHON_PIPE] = "_pipe",
    [PYTHON_MEMORY] = "_memory",       [PYTHON_COPY] = "_copy",       [PYTHON_RUN] = "_run",
};

static bool is_reserved(const char *text)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strcmp(reserved[i], text) == 0)
            return true;
    return false;
}

// "a-b" is a_b, and letters beyond ASCII are written by their bytes.
static const char *spelled(Arena *arena, const char *name)
{
    const char *text = "";
    for (const char *c = name; *c != '\0'; c++) {
        if (*c == '-')
            text = arena_format(arena, "%s_", text);
        else if ((unsigned char)*c >= 0x80)
            text = arena_format(arena, "%su%02x", text, (unsigned char)*c);
        else
            text = arena_format(arena, "%s%c", text, *c);
    }
    return text;
}

// Whether something else of the scenario is called `text`, or has this name and another kind that
// comes first.
static bool is_taken(const Scenario *scenario, PythonNameKind kind, StringId name, const char *text)
{
    for (uint32_t i = 0; i < scenario->string_count; i++)
        if (i + 1 != name.index1 && strcmp(scenario->strings[i], text) == 0)
            return true;
    for (uint32_t i = 0; kind > PYTHON_FUNCTION && i < scenario->function_count; i++)
        if (ID_EQUAL(scenario->functions[i].name, name))
            return true;
    for (uint32_t i = 0; kind > PYTHON_TASK && i < scenario->task_name_count; i++)
        if (ID_EQUAL(scenario->task_names[i].name, name))
            return true;
    for (uint32_t i = 0; kind > PYTHON_SYNC && i < scenario->sync_count; i++)
        if (ID_EQUAL(scenario->syncs[i].name, name))
            return true;
    for (uint32_t i = 0; kind > PYTHON_VARIABLE && i < scenario->variable_count; i++)
        if (ID_EQUAL(scenario->variables[i].name, name))
            return true;
    return kind > PYTHON_MEMORY;
}

// ---- programs of several processes

static bool is_others(const Python *python, ProcessId process)
{
    ProcessId family = python->scenario->processes[process.index1 - 1].family;
    return !ID_EQUAL(family, python->process);
}

#define OTHERS_HAVE(list, count)                                                                   \
    for (uint32_t i = 0; i < scenario->count; i++)                                                 \
        if (ID_EQUAL(scenario->list[i].name, name) &&                                              \
            is_others(python, scenario->list[i].process))                                          \
            return true;

// Whether another process of the program has something of this name.
static bool others_have(const Python *python, StringId name)
{
    const Scenario *scenario = python->scenario;
    OTHERS_HAVE(functions, function_count)
    OTHERS_HAVE(task_names, task_name_count)
    OTHERS_HAVE(syncs, sync_count)
    OTHERS_HAVE(variables, variable_count)
    OTHERS_HAVE(threads, thread_count)
    OTHERS_HAVE(memories, memory_count)
    OTHERS_HAVE(future_names, future_name_count)
    OTHERS_HAVE(connections, connection_count)
    OTHERS_HAVE(executors, executor_count)
    return false;
}

static const char *of_process(const Python *python, const char *text)
{
    return arena_format(
        python->arena, "%s_%s",
        spelled(python->arena, scenario_string(python->scenario, python_process(python)->name)),
        text);
}

const char *python_own(const Python *python, const char *name)
{
    return python->whole ? of_process(python, name) : name;
}

static bool has_suffix(PythonNameKind kind)
{
    return kind == PYTHON_PROCESSES || kind == PYTHON_COPY || kind == PYTHON_RUN;
}

const char *python_name(const Python *python, PythonNameKind kind, StringId name)
{
    const char *text = spelled(python->arena, scenario_string(python->scenario, name));
    bool prefixed = python->whole && kind != PYTHON_EXCEPTION && kind != PYTHON_PIPE &&
                    others_have(python, name);
    if (prefixed)
        text = of_process(python, text);
    if (kind == PYTHON_EXCEPTION && !is_reserved(text) && text[0] >= 'A' && text[0] <= 'Z')
        return text;
    bool suffix =
        has_suffix(kind) || is_reserved(text) || is_taken(python->scenario, kind, name, text);
    return suffix ? arena_format(python->arena, "%s%s", text, suffixes[kind]) : text;
}
