#include "sim/program/monitor.h"

#include "sim/base/check.h"
#include "sim/kernel/process.h"
#include "sim/program/gil_turn.h"

// A task's scratch: the number of its Waiter, how many are still to be notified, and what became of
// its wait and of its op.
enum { COUNT_SHIFT = 32, COUNT_BITS = 28 };
#define WAITER_MASK  ((uint64_t)UINT32_MAX)
#define COUNT_MAX    (((uint32_t)1 << COUNT_BITS) - 1)
#define OWN_MARK     ((uint64_t)1 << 60)
#define SECOND_QUEUE ((uint64_t)1 << 61)
#define WAS_NOTIFIED ((uint64_t)1 << 62)
#define HAS_FAILED   ((uint64_t)1 << 63)

static void set_flag(Task *task, uint64_t flag, bool value)
{
    task->scratch = value ? task->scratch | flag : task->scratch & ~flag;
}

static uint32_t number_of(const Task *task)
{
    return (uint32_t)(task->scratch & WAITER_MASK);
}

static void set_waiter(Task *task, uint32_t number)
{
    task->scratch = (task->scratch & ~WAITER_MASK) | number;
}

static uint32_t count_of(const Task *task)
{
    return (uint32_t)(task->scratch >> COUNT_SHIFT) & COUNT_MAX;
}

static void set_count(Task *task, uint32_t count)
{
    uint64_t others = task->scratch & ~((uint64_t)COUNT_MAX << COUNT_SHIFT);
    task->scratch = others | (uint64_t)(count < COUNT_MAX ? count : COUNT_MAX) << COUNT_SHIFT;
}

void monitor_mark(Task *task)
{
    set_flag(task, OWN_MARK, true);
}

bool monitor_marked(const Task *task)
{
    return (task->scratch & OWN_MARK) != 0;
}

bool monitor_was_notified(const Task *task)
{
    return (task->scratch & WAS_NOTIFIED) != 0;
}

bool monitor_failed(const Task *task)
{
    return (task->scratch & HAS_FAILED) != 0;
}

// ---- waiters

static Waiter *waiter_at(const Machine *machine, uint32_t number)
{
    CHECK(number != 0);
    return machine->waiters.at[number - 1];
}

static Waiter *waiter_of(const Machine *machine, const Task *task)
{
    return waiter_at(machine, number_of(task));
}

static void make_waiter(Machine *machine, Task *task, Instant until)
{
    uint32_t number = machine->free_waiter;
    if (number == 0) {
        *ARRAY_PUSH(&machine->waiters) = ARENA_NEW(&machine->arena, Waiter);
        number = (uint32_t)machine->waiters.count;
    }
    Waiter *waiter = waiter_at(machine, number);
    machine->free_waiter = waiter->next;
    *waiter = (Waiter){.until_ns = until.ns};
    set_waiter(task, number);
}

static void drop_waiter(Machine *machine, Task *task)
{
    uint32_t number = number_of(task);
    if (number == 0)
        return;
    waiter_at(machine, number)->next = machine->free_waiter;
    machine->free_waiter = number;
    set_waiter(task, 0);
}

// ---- in a queue

static void list(Machine *machine, Monitor *monitor, uint8_t which, uint32_t number)
{
    WaiterQueue *queue = &monitor->queues[which];
    Waiter *waiter = waiter_at(machine, number);
    waiter->listed = true;
    waiter->queue = which;
    waiter->next = 0;
    waiter->previous = queue->last;
    if (queue->last != 0)
        waiter_at(machine, queue->last)->next = number;
    else
        queue->first = number;
    queue->last = number;
    queue->count++;
}

static void unlist(Machine *machine, Monitor *monitor, uint32_t number)
{
    Waiter *waiter = waiter_at(machine, number);
    WaiterQueue *queue = &monitor->queues[waiter->queue];
    if (waiter->previous != 0)
        waiter_at(machine, waiter->previous)->next = waiter->next;
    else
        queue->first = waiter->next;
    if (waiter->next != 0)
        waiter_at(machine, waiter->next)->previous = waiter->previous;
    else
        queue->last = waiter->previous;
    waiter->listed = false;
    queue->count--;
}

// ---- waiting

static bool is_python2(const Machine *machine, const Task *task)
{
    return process_family(machine, process_of(machine, task))->runtime.major == 2;
}

bool monitor_has_time(const Machine *machine, const Task *task)
{
    if (number_of(task) == 0)
        return true;
    return waiter_of(machine, task)->until_ns > machine->now.ns;
}

StepResult monitor_wait(Machine *machine, Task *task, SyncId id, SyncId lock, uint8_t queue,
                        uint32_t timeout)
{
    Sync *sync = sync_of(machine, task, lock);
    if (number_of(task) == 0) {
        futex_set_timeout(machine, task, timeout);
        make_waiter(machine, task, task->wait_until);
    }
    Waiter *waiter = waiter_of(machine, task);
    waiter->released = waiter->contended = false;
    waiter->polls = 0;
    list(machine, &sync_of(machine, task, id)->monitor, queue, number_of(task));
    if (sync_def(machine, lock)->kind == SYNC_RLOCK) { // given up whole
        task->saved_depth = sync->mutex.depth;
        sync->mutex.depth = 1;
    }
    return program_work(machine, task, false, half(machine_cost(machine, COST_PYTHON_WAIT), false),
                        MONITOR_MAKE);
}

// 2.7 lets go of the GIL to take the new lock, too, which is free.
static StepResult make_lock(Machine *machine, Task *task)
{
    enum { MADE = MONITOR_MAKE + 1 };
    if (task->phase == MONITOR_MAKE && is_python2(machine, task))
        return gil_turn_leave(machine, task, MADE);
    gil_turn_again(task);
    task->phase = MONITOR_GIVE;
    return STEP_NEXT;
}

enum {
    TRY = MONITOR_SLEEP,
    IN_KERNEL,
    WOKEN,
    RETURNED,
    POLL, // of 2.7
    POLLED,
    LOOKED,
    PAUSE,
    PAUSE_OVER,
    PAUSE_RETURNED,
    ENDED
};

static WaitEnd end_of(Machine *machine, const Task *task, SyncId id, bool notified)
{
    const Sync *sync = sync_of(machine, task, id);
    if (notified && sync_def(machine, id)->kind == SYNC_BARRIER && sync->barrier.broken)
        return WAIT_BROKEN;
    return notified ? WAIT_WOKEN : WAIT_TIMEOUT;
}

static StepResult wait_ended(Machine *machine, Task *task, SyncId id, bool notified)
{
    Waiter *waiter = waiter_of(machine, task);
    waiter->contended = false;
    if (waiter->listed && !notified && is_python2(machine, task)) // it does not wait for the lock
        unlist(machine, &sync_of(machine, task, id)->monitor, number_of(task));
    set_flag(task, WAS_NOTIFIED, notified);
    futex_wait_over(machine, task, id, end_of(machine, task, id, notified));
    gil_turn_again(task);
    task->phase = ENDED;
    return STEP_NEXT;
}

// How long 2.7 sleeps before it looks again.
static Duration pause_of(const Machine *machine, Waiter *waiter)
{
    enum { FIRST_NS = 1000000, LONGEST_NS = 50000000, LONGEST_FROM = 6 };
    Duration left = instant_since((Instant){waiter->until_ns}, machine->now);
    int64_t delay_ns = LONGEST_NS;
    if (waiter->polls < LONGEST_FROM)
        delay_ns = (int64_t)FIRST_NS << waiter->polls++;
    if (left.ns < delay_ns)
        delay_ns = left.ns < 0 ? 0 : left.ns;
    return (Duration){delay_ns};
}

// 2.7's wait with a timeout. In the trace it sleeps, and does not wait at the object.
static StepResult poll(Machine *machine, Task *task, SyncId id)
{
    Waiter *waiter = waiter_of(machine, task);
    Duration call = machine_cost(machine, COST_SYSCALL);
    switch (task->phase) {
    case TRY:
        return program_work(machine, task, false, machine_cost(machine, COST_PYTHON_WAIT), POLL);
    case POLL:
        return gil_turn_leave(machine, task, POLLED);
    case POLLED:
        gil_turn_again(task);
        task->phase = LOOKED;
        return STEP_NEXT;
    case LOOKED:
        if (waiter->released || waiter->until_ns <= machine->now.ns)
            return wait_ended(machine, task, id, waiter->released);
        return program_syscall(machine, task, SYSCALL_CLOCK_NANOSLEEP, half(call, false), PAUSE);
    case PAUSE:
        if (program_interrupted(task, PAUSE))
            return STEP_NEXT;
        process_sleep(machine, task, pause_of(machine, waiter));
        return program_blocked(task, PAUSE_OVER);
    case PAUSE_OVER:
        return program_work(machine, task, true, half(call, true), PAUSE_RETURNED);
    default: // PAUSE_RETURNED
        program_syscall_over(machine, task);
        gil_turn_again(task);
        task->phase = TRY;
        return STEP_NEXT;
    }
}

// Takes the waiter's lock a second time.
static StepResult block(Machine *machine, Task *task, const Op *op, SyncId id)
{
    Waiter *waiter = waiter_of(machine, task);
    switch (task->phase) {
    case TRY:
        if (waiter->released)
            return wait_ended(machine, task, id, true);
        waiter->contended = true;
        task->wait_until = (Instant){waiter->until_ns};
        task->expired = false;
        return futex_wait(machine, task, IN_KERNEL);
    case IN_KERNEL:
        if (!waiter->released && !futex_timed_out(machine, task))
            return futex_sleep(machine, task, op, id, &waiter->sleeper, WOKEN);
        task->expired = !waiter->released;
        return futex_return(machine, task, RETURNED);
    case WOKEN:
        return futex_return(machine, task, RETURNED);
    default: // RETURNED
        program_syscall_over(machine, task);
        if (!waiter->released && !task->expired)
            return futex_wait(machine, task, IN_KERNEL);
        return wait_ended(machine, task, id, !task->expired);
    }
}

static StepResult sleep_on(Machine *machine, Task *task, const Op *op, SyncId id)
{
    bool polls =
        is_python2(machine, task) && waiter_of(machine, task)->until_ns != INSTANT_NEVER.ns;
    if (task->phase != ENDED)
        return polls ? poll(machine, task, id) : block(machine, task, op, id);
    task->wait_until = INSTANT_NEVER; // for the object's lock it waits as long as it takes
    task->phase = MONITOR_RETAKE;
    return STEP_NEXT;
}

// It has the object's lock again.
static StepResult has_again(Machine *machine, Task *task, SyncId id, SyncId lock)
{
    Monitor *monitor = &sync_of(machine, task, id)->monitor;
    if (sync_def(machine, lock)->kind == SYNC_RLOCK)
        sync_of(machine, task, lock)->mutex.depth = task->saved_depth;
    if (waiter_of(machine, task)->listed)
        unlist(machine, monitor, number_of(task));
    return program_work(machine, task, false, half(machine_cost(machine, COST_PYTHON_WAIT), true),
                        MONITOR_AGAIN);
}

// ---- notifying

uint32_t monitor_notify(Machine *machine, Task *task, SyncId id, uint8_t queue, uint32_t count)
{
    uint32_t waiting = sync_of(machine, task, id)->monitor.queues[queue].count;
    uint32_t notified = count < waiting ? count : waiting;
    drop_waiter(machine, task);
    set_count(task, notified);
    set_flag(task, SECOND_QUEUE, queue != 0);
    task->phase = MONITOR_NOTIFY;
    return notified;
}

// Releases the lock of the first in the queue, which then is no longer in it.
static StepResult notify(Machine *machine, Task *task, SyncId id, uint8_t next)
{
    enum { RELEASE = MONITOR_NOTIFY, RELEASED, WAKE, WOKE };
    Monitor *monitor = &sync_of(machine, task, id)->monitor;
    uint32_t first = monitor->queues[(task->scratch & SECOND_QUEUE) != 0].first;
    switch (task->phase) {
    case RELEASE:
        if (count_of(task) == 0 || first == 0) {
            set_waiter(task, 0);
            task->phase = next;
            return STEP_NEXT;
        }
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_UNLOCK),
                            RELEASED);
    case RELEASED:
        if (first == 0) { // 2.7: it gave up meanwhile
            task->phase = RELEASE;
            return STEP_NEXT;
        }
        set_count(task, count_of(task) - 1);
        set_waiter(task, first);
        waiter_at(machine, first)->released = true;
        unlist(machine, monitor, first);
        if (waiter_at(machine, first)->contended)
            return futex_wake(machine, task, WAKE);
        task->phase = RELEASE;
        return STEP_NEXT;
    case WAKE:
        return futex_wake_now(machine, task, &waiter_of(machine, task)->sleeper, 1, WOKE);
    default: // WOKE
        program_syscall_over(machine, task);
        task->phase = RELEASE;
        return STEP_NEXT;
    }
}

// ---- an op's way

StepResult monitor_begin(Machine *machine, Task *task)
{
    task->scratch = 0;
    task->wait_until = INSTANT_NEVER;
    return program_work(machine, task, false, machine_cost(machine, COST_PYTHON_SYNC),
                        MONITOR_ENTER);
}

StepResult monitor_leave(Machine *machine, Task *task, bool failed)
{
    drop_waiter(machine, task);
    set_flag(task, HAS_FAILED, failed);
    task->phase = MONITOR_LEAVE;
    return STEP_NEXT;
}

// Takes the lock in the phases from `base` on; then it goes on in phase `next`.
static StepResult take(Machine *machine, Task *task, const Op *op, SyncId lock, uint8_t base,
                       uint8_t next)
{
    LockEnd end = LOCK_NOT_YET;
    StepResult result = python_lock_take(machine, task, op, lock, base, &end);
    if (end == LOCK_HAS)
        task->phase = next;
    return result;
}

static StepResult release(Machine *machine, Task *task, SyncId lock, uint8_t base, uint8_t next)
{
    bool done = false;
    StepResult result = python_lock_release(machine, task, lock, base, &done);
    if (done)
        task->phase = next;
    return result;
}

StepResult monitor_step(Machine *machine, Task *task, const Op *op, SyncId id, SyncId lock)
{
    uint8_t phase = task->phase;
    if (phase < MONITOR_LOOK)
        return take(machine, task, op, lock, MONITOR_ENTER, MONITOR_LOOK);
    if (phase < MONITOR_GIVE)
        return make_lock(machine, task);
    if (phase < MONITOR_SLEEP)
        return release(machine, task, lock, MONITOR_GIVE, MONITOR_SLEEP);
    if (phase < MONITOR_RETAKE)
        return sleep_on(machine, task, op, id);
    if (phase < MONITOR_BACK)
        return take(machine, task, op, lock, MONITOR_RETAKE, MONITOR_BACK);
    if (phase == MONITOR_BACK)
        return has_again(machine, task, id, lock);
    if (phase < MONITOR_LEAVE)
        return notify(machine, task, id, ID_EQUAL(id, lock) ? MONITOR_LEAVE : MONITOR_LEFT);
    return release(machine, task, lock, MONITOR_LEAVE, MONITOR_LEFT);
}
