// Signals to processes. What a process has not said otherwise about ends it or is ignored. A
// handler is run by the process's first thread that can, when it is next in user mode: a thread
// that runs is interrupted, one that sleeps in a system call wakes up. After the handler the call
// begins anew, as with SA_RESTART; a sleep goes on with the time that is left (which in C the
// program must ask for: clock_nanosleep ends with EINTR), and `pause` is over.
//
// While a handler runs its own signal is masked in its thread (as without SA_NODEFER): it waits
// until the handler has returned; other signals interrupt the handler. Programs have no other
// masks, and neither a new process nor a new program begins with one. (Linux lets both inherit it.)
// Each signal is pending once, as standard signals are. As in Linux the first thread gets it that
// does not mask it; when all do it waits with the first one alive, not with the whole process.
#pragma once
#include "sim/kernel/process.h"

// Sends `signal` to `process`; nothing happens when it has ended. `by`: who does it, NULL for the
// kernel.
void signal_send(Machine *machine, Process *process, SignalId signal, Task *by);
// What `task` masks from now on, a bit a SignalId; a pending one that it masked before may be due.
void signal_mask(Task *task, uint8_t masked);
// The next pending signal of `task` that it does not mask, which it is to handle now: the handler's
// first op. 0: none.
uint32_t signal_take(Machine *machine, Task *task, SignalId *signal);
