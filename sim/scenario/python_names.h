// The identifiers of a Python program that is made from a scenario. Private to python_*.c.
#pragma once
#include "sim/scenario/scenario.h"

typedef enum PythonNameKind {
    PYTHON_FUNCTION,
    PYTHON_TASK,
    PYTHON_SYNC,
    PYTHON_VARIABLE,
    PYTHON_THREAD,
    PYTHON_THREADS, // the list of those that a spawn makes
    PYTHON_EXCEPTION,
    PYTHON_PIPE
} PythonNameKind;

// An identifier for a name of the scenario: the name itself where Python allows it and nothing else
// is called so. In `arena`.
const char *python_name(const Scenario *scenario, Arena *arena, PythonNameKind kind, StringId name);
