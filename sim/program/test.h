// What `while` and `if` look at.
#pragma once
#include "sim/kernel/machine.h"

// Whether the scenario's test (index1) looks at a shared variable, which it loads: that takes time.
bool test_loads(const Machine *machine, uint32_t test);
// What that load takes when it begins now: see data_load_cost.
Duration test_load_cost(Machine *machine, const Task *task, uint32_t test);
// Whether the test holds now; `task`, by `op`, does it.
bool test_holds(Machine *machine, Task *task, const Op *op, uint32_t test);
