// The Python program that a process of a scenario stands for: the same operations, written as a
// person would write them. It runs in any CPython that has what it uses.
#pragma once
#include "sim/scenario/scenario.h"

// The program of `process`, in `arena`. NULL, with a message for each operation that has no Python
// form, when there are such.
const char *python_text(const Scenario *scenario, ProcessId process, Arena *arena, Diag *diag);
