// What a task sees to between its ops, on its way back to user mode: a program to load, the pages
// of a new stack, the GIL, signals. All but the GIL take a segment of kernel time, during which
// Task.attending says what it is; how a thread comes to the GIL is gil_turn.h's.
#pragma once
#include "sim/program/gil_turn.h"

// Whether the task must see to something before it does its next op.
static inline bool attention_due(const Task *task)
{
    unsigned due = task->in_c ? 0 : task->attention;
    if ((due & ATTENTION_GIL_LATER) &&
        task->phase != PHASE_ENTER) // code in C that Python has called
        due &= due & ATTENTION_RESTART ? ~(unsigned)ATTENTION_GIL_LATER : 0;
    return task->in_turn || task->attending != 0 || (due & ATTENTION_INTERRUPTED) != 0 ||
           (due != 0 && !task->in_kernel);
}

// Sees to it, or goes on with it.
StepResult attention_step(Machine *machine, Task *task);
// A signal's handler is at its end: back to what it interrupted. The frame on top is the signal's.
StepResult attention_handler_returns(Machine *machine, Task *task);
