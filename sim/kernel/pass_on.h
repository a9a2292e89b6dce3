// Wake-ups that are not lost: who is woken looks again at what it waited for, and one that is
// killed before it can has taken the wake-up of others who use the same thing from other processes.
// When a process has ended, whoever could go on now and sleeps is woken instead.
//
// The kernel does so for pipes (pipe.h). Elsewhere this is kinder than the real thing: Linux hands
// a message to the receiver that it wakes, with whom it is lost; and a futex's wake-up is lost with
// its task, but for a robust mutex (handle_futex_death in kernel/futex/core.c), so that glibc's
// process-shared locks, semaphores and conditions may leave sleepers behind. A reader-writer lock
// that was handed over to the one who is killed stays taken here too, as does whatever it held.
#pragma once
#include "sim/kernel/process.h"

// The tasks of `process`, or all but one of them (exec), have been killed. `by`: the task that did
// it, for who wakes whom; NULL: an interrupt.
void pass_on_wakeups(Machine *machine, Process *process, const Task *by);
