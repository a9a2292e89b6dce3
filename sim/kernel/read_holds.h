// Which reader-writer locks each task reads under. The lock itself only counts its readers, as
// glibc's does, where a thread that unlocks what it never locked takes the place of another that
// reads. Here that is the scenario's mistake, to be told where it happens.
#pragma once
#include "sim/kernel/machine.h"

// `task` reads under `id` from now, or once more.
void read_holds_add(Machine *machine, Task *task, SyncId id);
// Whether it does.
bool read_holds_has(const Machine *machine, const Task *task, SyncId id);
// It does once less; it must.
void read_holds_drop(Machine *machine, Task *task, SyncId id);
// `child`, new, reads under its copies of the locks that `forker` reads under, but for the shared
// ones, which are no copies.
void read_holds_fork(Machine *machine, const Task *forker, Task *child);
// `task` is at its end, or begins another program. (What it read under stays taken for reading.)
void read_holds_forget(Machine *machine, Task *task);
