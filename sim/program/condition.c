// Condition variables as glibc builds them since 2.25 (nptl/pthread_cond_wait.c, see
// kernel/sync.h): a waiter joins a group, gives up the lock, sleeps until there is a signal for its
// group, and takes the lock again. A notification that comes before the wait is lost. A thread that
// has joined its group but does not sleep yet may take a signal meant for a sleeper of that group
// ("steals" it). A wait may also end for no reason, as POSIX allows: here with the chance that the
// scenario gives the condition, as if a signal handler had interrupted the system call.
#include "sim/kernel/sched.h"
#include "sim/program/monitor.h"

#include "sim/program/unwind.h"
#include "sim/program/wait.h"

// The group that the waiter is in, and above that how its wait ended.
enum { END_SHIFT = 60 };

static uint64_t group_of(const Task *task)
{
    return task->scratch & (((uint64_t)1 << END_SHIFT) - 1);
}

static void set_end(Task *task, WaitEnd end)
{
    task->scratch = group_of(task) | (uint64_t)end << END_SHIFT;
}

static WaitEnd end_of(const Task *task)
{
    return (WaitEnd)(task->scratch >> END_SHIFT);
}

static WaitList *sleepers(Sync *sync, uint64_t group)
{
    return group % 2 == 0 ? &sync->waiters : &sync->others;
}

// ---- waiting

// Whether there is a signal for this group's waiters. All of a group that is not the first any more
// have been signalled.
static bool is_signalled(const Condition *condition, uint64_t group)
{
    return group < condition->first || (group == condition->first && condition->signals > 0);
}

static void take_signal(Condition *condition, uint64_t group)
{
    if (group == condition->first)
        condition->signals--;
}

// A waiter goes without a signal.
static void leave_group(Condition *condition, uint64_t group)
{
    if (group == condition->first)
        condition->unsignalled--;
    else
        condition->second--;
}

// In the kernel: whether the timer of who comes to sleep now fires at once, as its time was over on
// the way.
static bool fires_at_once(const Machine *machine, const Task *task)
{
    if (task->wait_until.ns == INSTANT_NEVER.ns)
        return false;
    Instant latest = instant_add(task->wait_until, sched_timer_slack(machine, task));
    return latest.ns <= machine->now.ns;
}

// Whether the wait is over (that its time is, the kernel says, by the timer: glibc does not look at
// the clock itself, and who was woken for nothing goes into the kernel again); if so takes note
// how, and leaves the group.
static bool wait_is_over(Task *task, Condition *condition)
{
    uint64_t group = group_of(task);
    if (is_signalled(condition, group)) {
        take_signal(condition, group);
        set_end(task, WAIT_WOKEN);
        return true;
    }
    if (!task->expired && end_of(task) != WAIT_SPURIOUS)
        return false;
    if (end_of(task) != WAIT_SPURIOUS)
        set_end(task, WAIT_TIMEOUT);
    leave_group(condition, group);
    return true;
}

static bool ends_spuriously(Machine *machine, Task *task, SyncId id)
{
    uint32_t chance = sync_def(machine, id)->spurious;
    return chance != 0 && (chance == UINT32_MAX || rng_u32(&task->rng) < chance);
}

enum {
    LOOK = CONDITION_JOIN + 1,
    IN_KERNEL,
    WOKEN,
    RETURNED,
};

// Once the lock is free: until the wait is over. Then the lock is next.
static StepResult sleep_on(Machine *machine, Task *task, const Op *op, SyncId id)
{
    Sync *sync = sync_of(machine, task, id);
    switch (task->phase) {
    case IN_KERNEL:
        if (is_signalled(&sync->condition, group_of(task)))
            return futex_return(machine, task, RETURNED);
        if (fires_at_once(machine, task)) {
            task->expired = true;
            return program_work(machine, task, true, machine_cost(machine, COST_TIMER_IRQ), WOKEN);
        }
        if (ends_spuriously(machine, task, id)) {
            machine_emit(machine, EVENT_SYNC_WAIT, task->core, task->id, id.index1,
                         program_op_index(machine, op));
            task->slept = true;
            set_end(task, WAIT_SPURIOUS);
            return futex_return(machine, task, RETURNED);
        }
        return futex_sleep(machine, task, op, id, sleepers(sync, group_of(task)), WOKEN);
    case WOKEN:
        return futex_return(machine, task, RETURNED);
    case RETURNED:
        program_syscall_over(machine, task);
        break;
    default: // LOOK
        break;
    }
    if (!wait_is_over(task, &sync->condition))
        return futex_wait(machine, task, IN_KERNEL);
    futex_wait_over(machine, task, id, end_of(task));
    task->wait_until = INSTANT_NEVER; // for the lock it waits as long as it takes
    task->phase = LOCK_BEGIN;
    return STEP_NEXT;
}

static void join_group(Machine *machine, Task *task, SyncId id)
{
    Condition *condition = &sync_of(machine, task, id)->condition;
    task->scratch = condition->first + 1;
    task->expired = false;
    condition->second++;
}

StepResult condition_sleep(Machine *machine, Task *task, const Op *op, SyncId id, SyncId lock,
                           bool *done)
{
    Mutex *mutex = &sync_of(machine, task, lock)->mutex;
    bool released = false;
    StepResult result;
    if (task->phase == PHASE_ENTER)
        return program_work(machine, task, false, sync_cost(machine, task, id, COST_MUTEX_LOCK),
                            CONDITION_JOIN);
    if (task->phase == CONDITION_JOIN) {
        join_group(machine, task, id);
        task->saved_depth = mutex->depth; // of a re-entrant lock, which is given up whole
        mutex->depth = 1;
        task->phase = UNLOCK_BEGIN;
    }
    if (task->phase >= UNLOCK_BEGIN && task->phase < SYNC_PHASES) {
        result = lock_release(machine, task, op, lock, &released);
        if (released)
            task->phase = LOOK;
        return result;
    }
    if (task->phase >= SYNC_PHASES)
        return sleep_on(machine, task, op, id);
    LockEnd end = LOCK_NOT_YET;
    result = lock_take(machine, task, op, lock, false, &end);
    *done = end == LOCK_HAS;
    if (*done)
        mutex->depth = task->saved_depth;
    return result;
}

bool condition_timed_out(const Task *task)
{
    return end_of(task) == WAIT_TIMEOUT;
}

StepResult condition_wait(Machine *machine, Task *task, const Op *op, SyncId id)
{
    SyncId lock = sync_def(machine, id)->lock;
    bool done = false;
    if (sync_def(machine, id)->python)
        return python_condition_wait(machine, task, op, id);
    if (task->phase == PHASE_ENTER &&
        !lock_owned(machine, task, op, lock, "waits without the lock"))
        return STEP_ENDED;
    if (task->phase == CONDITION_JOIN)
        futex_set_timeout(machine, task, op->arg[1]);
    StepResult result = condition_sleep(machine, task, op, id, lock, &done);
    if (!done)
        return result;
    return program_else(task, op, condition_timed_out(task) ? op->arg[2] : 0);
}

// ---- notifying

// All of the first group have been signalled: the second is next.
static void next_group(Condition *condition)
{
    condition->first++;
    condition->unsignalled = condition->second;
    condition->second = 0;
    condition->signals = 0;
}

// One signal more, if there is a waiter for it.
static bool signal_one(Condition *condition)
{
    if (condition->unsignalled == 0) {
        if (condition->second == 0)
            return false;
        next_group(condition);
    }
    condition->unsignalled--;
    condition->signals++;
    return true;
}

// A signal for everyone. Returns how many that are.
static uint32_t signal_all(Condition *condition)
{
    uint32_t count = condition->unsignalled + condition->second;
    condition->signals += condition->unsignalled;
    condition->unsignalled = 0;
    if (condition->second > 0) {
        next_group(condition);
        condition->signals = condition->unsignalled;
        condition->unsignalled = 0;
    }
    return count;
}

// While it notifies, task->scratch counts the signals and says to which group's list the last one
// went: another thread may begin the next group before this one is in the kernel.
enum { ODD_GROUP = 1, ONE_SIGNAL = 2 };

StepResult condition_notify(Machine *machine, Task *task, SyncId id, bool all, uint32_t wanted,
                            bool *done)
{
    enum { SIGNAL = SYNC_PHASES, ONE, OLD, NEW, LAST };
    Sync *sync = sync_of(machine, task, id);
    uint32_t count;
    switch (task->phase) {
    case PHASE_ENTER:
        task->scratch = 0;
        return program_work(machine, task, false, sync_cost(machine, task, id, COST_MUTEX_UNLOCK),
                            SIGNAL);
    case SIGNAL:
        count = all ? signal_all(&sync->condition) : signal_one(&sync->condition);
        if (!sync_is_runtime(machine, id))
            machine_emit(machine, EVENT_NOTIFIED, task->core, task->id, id.index1, count);
        if (count == 0) {
            *done = true;
            return STEP_NEXT;
        }
        task->scratch = (task->scratch & ~(uint64_t)ODD_GROUP) | (sync->condition.first & 1);
        return futex_wake(machine, task, all ? OLD : ONE);
    case ONE:
        return futex_wake_now(machine, task, sleepers(sync, task->scratch & ODD_GROUP), 1, LAST);
    case OLD: // both groups, the one that has waited longer first
        return futex_wake_now(machine, task, sleepers(sync, (task->scratch & ODD_GROUP) + 1),
                              UINT32_MAX, NEW);
    case NEW:
        return futex_wake_now(machine, task, sleepers(sync, task->scratch & ODD_GROUP), UINT32_MAX,
                              LAST);
    default:
        program_syscall_over(machine, task);
        task->scratch += ONE_SIGNAL;
        if (all || task->scratch / ONE_SIGNAL == wanted) {
            *done = true;
            return STEP_NEXT;
        }
        return program_work(machine, task, false, sync_cost(machine, task, id, COST_MUTEX_UNLOCK),
                            SIGNAL);
    }
}

// Python's condition may only be notified by who holds its lock (RuntimeError); glibc's by anybody.
static bool may_notify(Machine *machine, const Task *task, const Op *op)
{
    SyncId lock = sync_def(machine, (SyncId){op->arg[0]})->lock;
    return task->phase != PHASE_ENTER ||
           !process_family(machine, process_of(machine, task))->runtime.python ||
           ID_EQUAL(sync_of(machine, task, lock)->owner, task->id);
}

StepResult step_NOTIFY(Machine *machine, Task *task, const Op *op)
{
    SyncId id = {op->arg[0]};
    uint32_t wanted = op->arg[1] == 0 ? 1 : op->arg[1];
    if (sync_def(machine, id)->python)
        return python_condition_notify(machine, task, op, id, wanted);
    if (!may_notify(machine, task, op))
        return unwind_raise(machine, task, EXCEPTION_ERROR);
    bool done = false;
    StepResult result = condition_notify(machine, task, id, false, wanted, &done);
    return done ? program_done(task, op) : result;
}

StepResult step_NOTIFY_ALL(Machine *machine, Task *task, const Op *op)
{
    SyncId id = {op->arg[0]};
    if (sync_def(machine, id)->python)
        return python_condition_notify(machine, task, op, id, UINT32_MAX);
    if (!may_notify(machine, task, op))
        return unwind_raise(machine, task, EXCEPTION_ERROR);
    bool done = false;
    StepResult result = condition_notify(machine, task, id, true, 0, &done);
    return done ? program_done(task, op) : result;
}
