// Signals to processes. What a process has not said otherwise about ends it or is ignored. A
// handler is run by the process's first thread that can, when it is next in user mode: a thread
// that runs is interrupted, one that sleeps in a system call wakes up. After the handler the call
// begins anew, as with SA_RESTART; a sleep goes on with the time that is left (which in C the
// program must ask for: clock_nanosleep ends with EINTR), and `pause` is over.
//
// Each signal is pending once, as standard signals are. Linux prefers the main thread and then any
// other that does not block the signal; we have no masks and take the first one alive.
#pragma once
#include "sim/kernel/process.h"

// Sends `signal` to `process`; nothing happens when it has ended. `by`: who does it, NULL for the
// kernel.
void signal_send(Machine *machine, Process *process, SignalId signal, Task *by);
// The next pending signal of `task`, which it is to handle now: the handler's first op. 0: none.
uint32_t signal_take(Machine *machine, Task *task, SignalId *signal);
