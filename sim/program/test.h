// What `while` and `if` look at.
#pragma once
#include "sim/kernel/machine.h"

// Whether the scenario's test (index1) holds now.
bool test_holds(const Machine *machine, uint32_t test);
