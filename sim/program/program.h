// Steps the op lists of tasks over the layers below. A task does ops, all at one instant, until
// one takes time, blocks or ends it; it then continues in the same op's next phase.
#pragma once
#include "sim/kernel/machine.h"

typedef enum StepResult {
    STEP_NEXT,    // go on: task->op and task->phase say where
    STEP_WORK,    // a segment was begun with program_work
    STEP_BLOCKED, // the task has given up its core
    STEP_ENDED    // the task is no more
} StepResult;

enum {
    PHASE_ENTER = 0,          // the op is reached
    PHASE_LIBRARY_DONE = 254, // the library code that it called has returned (library.h)
    PHASE_BLOCK_DONE = 255    // one of its blocks came to its end
};

typedef StepResult (*OpStep)(Machine *machine, Task *task, const Op *op);

// One step function an op of ops.def.
#define OP(id, name, group, text, example, ...)                                                    \
    StepResult step_##id(Machine *machine, Task *task, const Op *op);
#include "sim/scenario/ops.def"
#undef OP
#define LIBRARY_OP(id) StepResult step_##id(Machine *machine, Task *task, const Op *op);
#include "sim/scenario/library_ops.def"
#undef LIBRARY_OP
StepResult step_EXCEPT(Machine *machine, Task *task, const Op *op);

// Counts one more op, or one of the many things that an op does, at this instant. True when there
// have been too many: the run has ended.
bool program_stalls(Machine *machine);
// Machine.advance.
void program_advance(Machine *machine, Task *task);

// Machine.burst: the CPU time that `task`, new or about to wake up, will ask for until it next
// sleeps, joins or ends (burst.c says how it counts); or what the scenario's `estimate` says.
Duration program_burst(const Machine *machine, const Task *task);

// Helpers for step functions.

// Goes to the op after this one and its blocks.
StepResult program_done(Task *task, const Op *op);
// Goes to the block that `first` begins, or when there is none (0) to the op after this one.
StepResult program_else(Task *task, const Op *op, uint32_t first);
// Begins `length` of user or kernel work, after which the op continues in `phase`. Work of no
// length is done at once.
StepResult program_work(Machine *machine, Task *task, bool in_kernel, Duration length,
                        uint8_t phase);
// What bytecode that takes `length` takes under the task's interpreter: longer in the builds
// without a GIL, where what protects objects instead costs each thread.
Duration program_bytecode(const Machine *machine, const Task *task, Duration length);
// Enters the kernel for `call`, works there for `length` and continues in `phase`. Before a call
// that Python does without the GIL, a thread that has it drops it.
StepResult program_syscall(Machine *machine, Task *task, SyscallId call, Duration length,
                           uint8_t phase);
// The same, whether it has the GIL or not.
StepResult program_enter_kernel(Machine *machine, Task *task, SyscallId call, Duration length,
                                uint8_t phase);
// Back to user mode: the system call is over.
void program_syscall_over(Machine *machine, Task *task);
// Enters the kernel without a call (a fault, a signal): `kind` is traced with `a` and `b`, and work
// of `length` is done there, after which the op continues in `phase`. program_syscall_over ends it.
StepResult program_trap(Machine *machine, Task *task, EventKind kind, uint64_t a, uint64_t b,
                        Duration length, uint8_t phase);
// `task`, in the kernel, is about to sleep in the call that it is in. True when it must not,
// because a signal came on the way: it returns STEP_NEXT then. A signal that interrupts it makes
// the call begin anew in phase `again`, in the kernel, when it has been handled.
bool program_interrupted(Task *task, uint8_t again);
// Gives up the core; when woken, the op continues in `phase`.
StepResult program_blocked(Task *task, uint8_t phase);

// Opens a frame for `op` (its index) with `value`; false when a limit was reached.
bool program_push(Machine *machine, Task *task, uint32_t op, uint64_t value);
// Closes the innermost frame.
void program_pop(Machine *machine, Task *task);
Frame *program_frame(Machine *machine, const Task *task);
uint32_t program_op_index(const Machine *machine, const Op *op);

// The op continues in `phase`, at once.
static inline StepResult program_go(Task *task, uint8_t phase)
{
    task->phase = phase;
    return STEP_NEXT;
}

static inline Duration half(Duration d, bool second)
{
    return (Duration){second ? d.ns - d.ns / 2 : d.ns / 2};
}
