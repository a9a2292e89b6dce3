// Waiting for child processes, as the ops of processes and of multiprocessing do it.
#pragma once
#include "sim/program/program.h"

// Steps from PHASE_ENTER on, with a wait4(2) a child, until no child made from `which` (none: no
// child at all) is left to collect.
StepResult children_join(Machine *machine, Task *task, const Op *op, ProcessId which);
