// Starting threads and joining them, as steps of an op. In a process of Python a thread begins as
// Thread.start has it: the new thread says that it has begun, and who starts it waits for that. So
// each start costs two hand-overs of the GIL, and the new thread runs first. (CPython
// Lib/threading.py, Thread.start and _bootstrap_inner)
#pragma once
#include "sim/program/program.h"

enum { THREAD_START = 64, THREAD_JOIN = 80 };

// Steps from phase THREAD_START on, until a thread of `def` has been started; then `*done`.
// `value`: what its program finds as its scratch.
StepResult thread_start(Machine *machine, Task *task, const Op *op, ThreadDefId def, uint64_t value,
                        bool *done);
// Steps from phase THREAD_JOIN on, until every thread of `def` has ended.
StepResult thread_join(Machine *machine, Task *task, const Op *op, ThreadDefId def, bool *done);
