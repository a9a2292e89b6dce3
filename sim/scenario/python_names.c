#include "sim/scenario/python_names.h"

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
    "thread",
    "os",
    "signal",
    "Pipe",
    "line",
    // of the parts for multiprocessing
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
    [PYTHON_FUNCTION] = "_",       [PYTHON_TASK] = "_task",     [PYTHON_SYNC] = "_object",
    [PYTHON_VARIABLE] = "_value",  [PYTHON_THREAD] = "_thread", [PYTHON_THREADS] = "_threads",
    [PYTHON_EXCEPTION] = "_error", [PYTHON_PIPE] = "_pipe",
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
    return kind > PYTHON_VARIABLE;
}

const char *python_name(const Scenario *scenario, Arena *arena, PythonNameKind kind, StringId name)
{
    const char *text = spelled(arena, scenario_string(scenario, name));
    if (kind == PYTHON_EXCEPTION && !is_reserved(text) && text[0] >= 'A' && text[0] <= 'Z')
        return text;
    bool suffix = is_reserved(text) || is_taken(scenario, kind, name, text);
    return suffix ? arena_format(arena, "%s%s", text, suffixes[kind]) : text;
}
