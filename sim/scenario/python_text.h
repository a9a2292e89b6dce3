// The Python program that a scenario, or a process of it, stands for: the same operations, written
// as a person would write them. It runs in the CPython of its processes, mostly in a newer one too.
#pragma once
#include "sim/scenario/scenario.h"

// The program of `process`, or, with none, of all that the scenario declares, each of which it
// starts as a process. In `arena`. NULL, with a message for each operation that has no Python form,
// when there are such; and when no one interpreter could run all processes.
const char *python_text(const Scenario *scenario, ProcessId process, Arena *arena, Diag *diag);
