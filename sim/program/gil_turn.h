// How a thread of a Python process takes and drops the GIL, step by step: as CPython's take_gil and
// drop_gil do, through mutexes and condition variables over the simulated futex. So what a
// hand-over costs, and who has the GIL next, follows from them and from the scheduler.
//
// When: before its first op; after a system call around which it has released it; and when it is
// asked to drop it, it drops it between two bytecodes, waits until another thread has it, and takes
// it again. (In 2.7 nobody asks: while others wait it lets go of it after a time, and tries to take
// it again at once.) A turn at this is in the middle of an op, whose place is kept meanwhile.
//
// Here Python's handlers of signals run in the thread that gets the signal, on its way back to user
// mode, if that has the GIL; in CPython a flag is set then, and the main thread runs them soon
// after.
#pragma once
#include "sim/program/program.h"
#include "sim/python/gil.h"

typedef struct GilTurn GilTurn;

// Whether the task, in user mode, must have to do with the GIL before it goes on.
static inline bool gil_turn_due(const Task *task)
{
    unsigned due = task->attention & (ATTENTION_GIL_DROP | ATTENTION_GIL_TAKE);
    if (task->phase == PHASE_ENTER)
        due |= task->attention & ATTENTION_GIL_LATER;
    return due != 0;
}

// The task's code in C is over in the middle of an op, which goes on with bytecode: the GIL is due
// now, not at the op's end.
static inline void gil_turn_again(Task *task)
{
    if (task->attention & ATTENTION_GIL_LATER)
        task->attention = (uint8_t)((task->attention & ~ATTENTION_GIL_LATER) | ATTENTION_GIL_TAKE);
}

// Whether `task`, which must see to something, is only asked to drop the GIL or has only a signal
// to handle, and is at an op at which it does not look at that (runtime_looks_up_seldom). What
// loads, adds, stores and tests variables is straight on: under the GIL no other thread comes into
// the middle of x += 1, and with or without it no handler of the same thread does.
bool gil_turn_passes(Machine *machine, const Task *task);
// Begins a turn, for what is due.
StepResult gil_turn_begin(Machine *machine, Task *task);
// Goes on with it; at its end task->in_turn is false, and the op goes on where it was.
StepResult gil_turn_step(Machine *machine, Task *task);

// How much of `length` in user mode `task`, which has had to do with a GIL, does before it must
// look up: less than all under the GIL of 2.7 while another thread waits for it. The rest is
// task->unfinished then.
Duration gil_turn_ticks(Machine *machine, Task *task, Duration length);

// Whether `task`, in user mode, has a GIL to drop before this call.
bool gil_turn_before(Machine *machine, const Task *task, SyscallId call);
// Drops the GIL, then does the call, as program_syscall.
StepResult gil_turn_call(Machine *machine, Task *task, SyscallId call, Duration length,
                         uint8_t phase);
// Drops the GIL, if there is one, for work in C up to the end of the op, which goes on in `phase`.
StepResult gil_turn_leave(Machine *machine, Task *task, uint8_t phase);
