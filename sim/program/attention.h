// What a task sees to between its ops, on its way back to user mode: a program to load, the pages
// of a new stack, signals. Each takes a segment of kernel time, during which Task.attending says
// what it is.
#pragma once
#include "sim/program/program.h"

// Whether the task must see to something before it does its next op.
static inline bool attention_due(const Task *task)
{
    return task->attending != 0 || (task->attention & ATTENTION_INTERRUPTED) != 0 ||
           (task->attention != 0 && !task->in_kernel);
}

// Sees to it, or goes on with it.
StepResult attention_step(Machine *machine, Task *task);
// A signal's handler is at its end: back to what it interrupted. The frame on top is the signal's.
StepResult attention_handler_returns(Machine *machine, Task *task);
