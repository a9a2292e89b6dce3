// The scheduler's policy-independent part: making tasks runnable, waking, blocking, deciding what
// a core runs next, the tick. What to prefer is the policy's business (policy/), where to place a
// task placement.c's and balance.c's.
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
// The timer that `task` waits for, if any, will not wake it.
void sched_cancel_timer(Machine *machine, Task *task);
// `task`, running, lets others go first.
void sched_yield_to_others(Machine *machine, Task *task);
// `task`, running, works for `length` in user or kernel mode from now.
void sched_run(Machine *machine, Task *task, bool in_kernel, Duration length);
// Ends the user work that `task` has begun, before its time: `delay` from now when it is on a core,
// else as soon as it has one. Returns whether it is on one.
bool sched_cut_work(Machine *machine, Task *task, Duration delay);
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

// Event handlers, by class; the last one is the outside world's.
void sched_on_device(Machine *machine, int core);
void sched_on_segment(Machine *machine, int core);
void sched_on_slice(Machine *machine, int core);
void sched_on_tick(Machine *machine, int core);
void sched_on_timer(Machine *machine, int core);
void sched_on_dispatch(Machine *machine, int core);

static inline bool core_is_idle(const Machine *machine, int core)
{
    return machine->idle_cores[core / 64] >> (core % 64) & 1;
}
