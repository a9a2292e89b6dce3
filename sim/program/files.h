// Reading and writing a pipe, as ops do it: one system call, step by step from PHASE_ENTER on, of
// the pipe that op->arg[0] is. At its end `*done` is true, and the task is back in user mode.
#pragma once
#include "sim/program/program.h"

// What copying so many bytes between a process and the kernel takes.
Duration file_copy_cost(const Machine *machine, uint64_t bytes);
// Whether the task's process has its end of the op's pipe open; if not, the run ends.
bool file_is_open(Machine *machine, Task *task, const Op *op, PipeEnd end);

// write(2) of `size` bytes; all of them, unless nobody can read them any more.
StepResult file_write_bytes(Machine *machine, Task *task, const Op *op, uint64_t size, bool *done);
// read(2) of at most `size` bytes. task->scratch is then how many came; 0 at the end of the file.
StepResult file_read_bytes(Machine *machine, Task *task, const Op *op, uint64_t size, bool *done);
