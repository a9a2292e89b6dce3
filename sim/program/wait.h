// The op `wait`, which waits for a condition or for an event: what each kind does.
#pragma once
#include "sim/program/program.h"

// op->arg: what it waits for, a timeout (Dist index1 or 0), the first op of `else` (or 0).
StepResult condition_wait(Machine *machine, Task *task, const Op *op, SyncId id);
StepResult event_wait(Machine *machine, Task *task, const Op *op, SyncId id);
