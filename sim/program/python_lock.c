// threading.Lock and RLock, and the locks inside of Python's other objects: see monitor.h.
//
// In 3.14 a Lock and an RLock are a PyMutex: who has waited for a millisecond is handed it, and
// nobody gets ahead any more (Python/lock.c, TIME_TO_BE_FAIR_NS). Here so for `lock` and `with`,
// but not for who comes back from a condition, nor for the locks inside of other objects, which are
// held for less than a microsecond. PyMutex's spinning in the build without a GIL is left out.
#include "sim/program/gil_turn.h"
#include "sim/program/monitor.h"

static bool is_python2(const Machine *machine, const Task *task)
{
    return process_family(machine, process_of(machine, task))->runtime.major == 2;
}

static bool is_lock(const Machine *machine, SyncId id)
{
    return sync_is_lock(sync_def(machine, id)->kind);
}

static bool holds_reentrant(Machine *machine, const Task *task, SyncId id)
{
    return sync_def(machine, id)->kind == SYNC_RLOCK &&
           ID_EQUAL(sync_of(machine, task, id)->owner, task->id);
}

bool python_lock_may_release(Machine *machine, const Task *task, SyncId id)
{
    if (sync_def(machine, id)->kind == SYNC_RLOCK)
        return holds_reentrant(machine, task, id);
    return sync_of(machine, task, id)->monitor.lock.taken;
}

// The owner of a re-entrant lock takes it again, or gives one of several back.
static void change_depth(Machine *machine, const Task *task, SyncId id, uint32_t depth)
{
    sync_of(machine, task, id)->mutex.depth = depth;
    machine_emit(machine, EVENT_LOCK_NESTED, task->core, task->id, id.index1, depth);
}

static void taken(Machine *machine, Task *task, const Op *op, SyncId id)
{
    Sync *sync = sync_of(machine, task, id);
    sync->monitor.lock.taken = true;
    sync->monitor.lock.handed_to = (TaskId){0};
    if (!is_lock(machine, id)) {
        futex_wait_over(machine, task, id, WAIT_WOKEN);
        return;
    }
    sync->mutex.depth = 1;
    task->slept = false;
    lock_taken(machine, task, op, id);
}

// ---- 3.14's PyMutex

static bool is_fair(const Machine *machine, const Task *task, SyncId id)
{
    enum { FAIR_FROM = 14 };
    const Runtime *runtime = &process_family(machine, process_of(machine, task))->runtime;
    uint16_t code = machine->scenario->ops[task->op].code;
    return is_lock(machine, id) && runtime->major == 3 && runtime->minor >= FAIR_FROM &&
           (code == OP_LOCK || code == OP_WITH);
}

// Such an op has its scratch for this: from when on it is handed the lock.
static void begin_to_wait(Machine *machine, Task *task, SyncId id)
{
    enum { FAIR_NS = 1000000 };
    sync_of(machine, task, id)->monitor.lock.waiting++;
    task->expired = false;
    if (is_fair(machine, task, id))
        task->scratch = (uint64_t)instant_add(machine->now, (Duration){FAIR_NS}).ns;
}

// Hands the lock to the first who sleeps for it, if it is time for that.
static bool hand_over(Machine *machine, const Task *task, SyncId id)
{
    Sync *sync = sync_of(machine, task, id);
    const Task *first = ID_NONE(sync->waiters.first) ? NULL : task_at(machine, sync->waiters.first);
    if (first == NULL || !is_fair(machine, first, id) || (int64_t)first->scratch > machine->now.ns)
        return false;
    sync->monitor.lock.handed_to = first->id;
    return true;
}

// ---- taking and releasing

// Another has it, or is about to.
static bool is_held(const PythonLock *lock, const Task *task)
{
    return lock->taken && !ID_EQUAL(lock->handed_to, task->id);
}

// The code in C is over: with the GIL it goes on in `phase`.
static StepResult back_in_python(Task *task, uint8_t phase)
{
    gil_turn_again(task);
    task->phase = phase;
    return STEP_NEXT;
}

StepResult python_lock_take(Machine *machine, Task *task, const Op *op, SyncId id, uint8_t base,
                            LockEnd *end)
{
    enum { BEGIN, OPEN, TRY, IN_KERNEL, WOKEN, RETURNED, HAS, GAVE_UP };
    Sync *sync = sync_of(machine, task, id);
    PythonLock *lock = &sync->monitor.lock;
    switch (task->phase - base) {
    case BEGIN:
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_LOCK),
                            base + OPEN);
    case OPEN:
        if (holds_reentrant(machine, task, id)) {
            change_depth(machine, task, id, sync->mutex.depth + 1);
            *end = LOCK_HAS;
            return STEP_NEXT;
        }
        task->phase = base + TRY;
        return is_python2(machine, task) ? gil_turn_leave(machine, task, base + TRY) : STEP_NEXT;
    case TRY:
        if (!lock->taken) {
            taken(machine, task, op, id);
            return back_in_python(task, base + HAS);
        }
        begin_to_wait(machine, task, id);
        return futex_wait(machine, task, base + IN_KERNEL);
    case IN_KERNEL:
        if (is_held(lock, task) && !futex_timed_out(machine, task))
            return futex_sleep(machine, task, op, id, &sync->waiters, base + WOKEN);
        task->expired = is_held(lock, task);
        return futex_return(machine, task, base + RETURNED);
    case WOKEN:
        return futex_return(machine, task, base + RETURNED);
    case RETURNED:
        program_syscall_over(machine, task);
        if (is_held(lock, task) && !task->expired)
            return futex_wait(machine, task, base + IN_KERNEL);
        lock->waiting--;
        if (task->expired && !ID_EQUAL(lock->handed_to, task->id)) { // it does not look once more
            futex_wait_over(machine, task, id, WAIT_TIMEOUT);
            return back_in_python(task, base + GAVE_UP);
        }
        taken(machine, task, op, id);
        return back_in_python(task, base + HAS);
    default:
        *end = task->phase == base + HAS ? LOCK_HAS : LOCK_GAVE_UP;
        return STEP_NEXT;
    }
}

StepResult python_lock_release(Machine *machine, Task *task, SyncId id, uint8_t base, bool *done)
{
    enum { BEGIN, RELEASE, IN_KERNEL, WOKE };
    Sync *sync = sync_of(machine, task, id);
    switch (task->phase - base) {
    case BEGIN:
        return program_work(machine, task, false, machine_cost(machine, COST_MUTEX_UNLOCK),
                            base + RELEASE);
    case RELEASE:
        if (is_lock(machine, id) && sync->mutex.depth > 1) {
            change_depth(machine, task, id, sync->mutex.depth - 1);
            break;
        }
        sync->monitor.lock.taken = hand_over(machine, task, id);
        if (is_lock(machine, id)) {
            sync->mutex.depth = 0;
            lock_released(machine, task, id);
        }
        if (sync->monitor.lock.waiting > 0)
            return futex_wake(machine, task, base + IN_KERNEL);
        break;
    case IN_KERNEL:
        return futex_wake_now(machine, task, &sync->waiters, 1, base + WOKE);
    default:
        program_syscall_over(machine, task);
    }
    *done = true;
    return STEP_NEXT;
}
