// How processes end: by their last thread, by an exit code, killed. What they leave: a zombie until
// the parent asks for it, and children that init adopts.
//
// A killed process dies at once, wherever its threads are, and its core is busy for as long as
// tearing it down takes when one of them has one. (Linux lets a thread that is inside a system call
// finish it first, wakes up those that wait so that they end themselves, and tells the parent when
// the memory is gone. Here a process that has no core when it is killed costs nobody its time.)
#pragma once
#include "sim/kernel/process.h"

// `process`, which is alive, ends now; its tasks that are left are killed for `reason`. `by`: the
// task that did it, for who wakes whom; none is an interrupt.
void process_end(Machine *machine, Process *process, uint16_t status, KillReason reason, Task *by);
// Kills all tasks of `process` but `spared` (NULL: none).
void process_kill_tasks(Machine *machine, Process *process, const Task *spared, KillReason reason);
// `task`, running, ends its whole process with this exit code.
void process_exit_all(Machine *machine, Task *task, uint16_t code);
// What the end of `task` costs besides its own when its process ends with it: it is the last one
// that is not a daemon, or it ends the whole process.
Duration process_end_cost(const Machine *machine, const Task *task, bool whole);

// The child of `process` that ended first of those that nobody has collected (Linux: the one that
// was started first); made from `def` unless that is none. NULL: none has.
Process *process_ended_child(const Machine *machine, const Process *process, ProcessId def);
// Whether it has a child, ended or not, that a wait may still collect.
bool process_has_child(const Machine *machine, const Process *process, ProcessId def);
// `child`, a zombie, is gone.
void process_reap(Machine *machine, Process *child);

// Makes room for `pages` more, killing the process with the most memory as often as it takes. The
// one to blame is `task`, which needs them. False when that was its own end, or when there are more
// pages than the simulator can number: then the run has ended.
bool process_make_room(Machine *machine, Task *task, uint64_t pages);
