// What happens to tasks, as the policies' independent part sees it: they start, wake, block, end,
// move, work, and ask for a decision. Who runs then is decided in dispatch.h, what to prefer is the
// policy's business (policy/), where to place a task placement.c's and balance.c's.
#pragma once
#include "sim/kernel/machine.h"

// Makes a new task runnable on `core`; `from_core`: where its creator runs, CORE_NONE when it
// arrives from outside. Returns what that costs the creator, as sched_wake.
Duration sched_start(Machine *machine, Task *task, int core, int from_core);
// Wakes a blocked task. `waker`: the task that does it, none for an interrupt on `waker_core`.
// Returns what it costs the waker (the interrupt that it sends to an idle core).
Duration sched_wake(Machine *machine, Task *task, TaskId waker, int waker_core);
// `task`, running, gives up its core until it is woken. Its core decides anew at this instant.
void sched_block(Machine *machine, Task *task, SwitchReason reason);
// `task`, running, ends.
void sched_exit(Machine *machine, Task *task);
// Removes a task that is not asking for it (a daemon whose process ended), wherever it is.
void sched_kill(Machine *machine, Task *task);
// `task`, which has just been killed on its core, keeps it for `length`, in the kernel.
void sched_linger(Machine *machine, const Task *task, Duration length);
// The timer that `task` waits for, if any, will not wake it.
void sched_cancel_timer(Machine *machine, Task *task);
// `task`, running, lets others go first.
void sched_yield_to_others(Machine *machine, Task *task);
// `task`, running, works for `length` in user or kernel mode from now.
void sched_run(Machine *machine, Task *task, bool in_kernel, Duration length);
// `task`, running, waits in user mode on its core, as if it looked again and again for something,
// until sched_stop_spinning or until it loses the core: then it goes on when it has one again.
void sched_spin(Machine *machine, Task *task);
// `task`, if it spins at the moment, looks again `delay` from now. Returns whether it does.
bool sched_stop_spinning(Machine *machine, Task *task, Duration delay);
// `task`, running, is about to execute in user mode. False: a decision is due first; it must not go
// on, and will be continued when it has a core again.
bool sched_enters_user(Machine *machine, Task *task);
// `task`, blocked or about to block, is woken at `when` or, if it may, up to its timer slack later.
void sched_set_alarm(Machine *machine, Task *task, Instant when);
// How much later than asked its timers may expire: not at all when it is above the normal class.
Duration sched_timer_slack(const Machine *machine, const Task *task);
// `task`, runnable, is to look about it soon: a segment in user mode ends now, and what is left of
// it is task->unfinished. `from_core`: who sends the interrupt for that.
void sched_interrupt(Machine *machine, Task *task, int from_core);
// `task`, runnable, sees something that is written in memory: a segment in user mode ends within
// `delay`, and what is left of it is task->unfinished. Nobody sends an interrupt for that.
void sched_stop_within(Machine *machine, Task *task, Duration delay);
// Asks for a decision on `core`: at once in user mode, on return from the kernel otherwise.
void sched_resched(Machine *machine, int core, SwitchReason reason);
// Moves a queued task to another core.
void sched_move(Machine *machine, Task *task, int to, MigrationReason reason);

// A task changes its class or its priority in it: it leaves its queue, if it is on one, and joins
// it again with the new one. The first returns whether it runs, which the second must be told.
// `lowered`: others may be more urgent now.
bool sched_leave_class(Machine *machine, Task *task);
void sched_join_class(Machine *machine, Task *task, bool running, bool lowered);

// `task`, running, uses its working set from now: what is missing of it becomes task->refill.
void sched_load_working_set(Machine *machine, Task *task);

// For dispatch.c.

// Where a class stands on this queue: the lower runs first.
int sched_precedence(const RunQueue *queue, int sched_class);
// `task` has just become runnable on `core`: preempts, wakes the idle core, or lets it wait.
// Returns what sending an interrupt costs the waker on `from_core`.
Duration sched_notice(Machine *machine, Task *task, int core, int from_core);
// Wakes those whose timers on `core` have expired, or may.
void sched_expire_timers(Machine *machine, int core);
// An interrupt takes `cost` of `core`'s time from now.
void sched_take_interrupt(Machine *machine, int core, IrqId irq, Duration cost);

static inline bool core_is_idle(const Machine *machine, int core)
{
    return machine->idle_cores[core / 64] >> (core % 64) & 1;
}
