#include "tests/laws.h"

// ---- blocking and waking

static void block(Laws *laws, LawTask *task, Waits waits, uint32_t call)
{
    LAW(task->in_call && task->call == call, "kernel: blocks outside of its system call");
    LAW(task->waits == WAITS_NOT, "wakeup: blocks twice");
    task->waits = task->waited = waits;
}

void laws_on_timer_set(Laws *laws, const TraceRecord *record, LawTask *task)
{
    block(laws, task, WAITS_TIMER, SYSCALL_CLOCK_NANOSLEEP);
    int64_t latency =
        later(laws_cost(laws, COST_TIMER_LATENCY), laws_cost(laws, COST_TIMER_LATENCY_IDLE));
    task->timer_from_ns = record->time_ns + (int64_t)record->a;
    task->timer_to_ns = task->timer_from_ns + (int64_t)record->b + latency;
    bool exact = laws_scheduled(laws, task)->policy >= POLICY_FIFO;
    LAW((int64_t)record->b == (exact ? 0 : laws_cost(laws, COST_TIMER_SLACK)),
        "wakeup: another slack");
}

// Whom a blocked task waits for to release a lock; 0 when nobody, or when it is not such a task.
static uint32_t waits_for(const Laws *laws, uint32_t id)
{
    const LawTask *task = &laws->tasks[id];
    if (task->waits != WAITS_LOCK)
        return 0;
    uint32_t holder = laws->holders[task->lock - 1];
    return holder != 0 && laws->tasks[holder].work.alive ? holder : 0;
}

void laws_on_lock_wait(Laws *laws, const TraceRecord *record, LawTask *task)
{
    LAW(record->b != 0 && record->b == laws->holders[record->a - 1], "lock: another has it");
    LAW(!task->owes_lock || task->lock == record->a, "lock: it waits for another one already");
    block(laws, task, WAITS_LOCK, SYSCALL_FUTEX_WAIT);
    task->lock = (uint32_t)record->a;
    task->owes_lock = true;
    task->lock_order = ++laws->order;
    uint32_t at = record->task;
    for (uint32_t steps = 0; steps <= laws->task_count; steps++) {
        at = waits_for(laws, at);
        if (at == 0)
            return;
        if (at == record->task) {
            laws->circle_first = laws->circle_next = at;
            return;
        }
    }
}

void laws_on_lock_taken(Laws *laws, const TraceRecord *record, LawTask *task)
{
    uint32_t *holder = &laws->holders[record->a - 1];
    LAW(*holder == 0, "lock: task %u has it", *holder);
    LAW(!task->owes_lock || task->lock == record->a, "lock: it waits for another one");
    *holder = record->task;
    task->owes_lock = false;
}

void laws_on_lock_released(Laws *laws, const TraceRecord *record)
{
    uint32_t *holder = &laws->holders[record->a - 1];
    LAW(*holder == released_holder(record), "lock: released, but task %u has it", *holder);
    *holder = 0;
}

void laws_on_join_wait(Laws *laws, const TraceRecord *record, LawTask *task)
{
    uint32_t def = (uint32_t)record->a;
    uint32_t alive = laws_members(laws, def) - laws->groups[def - 1].ended;
    LAW(record->b == alive && alive > 0, "join: %u are alive", alive);
    block(laws, task, WAITS_JOIN, SYSCALL_FUTEX_WAIT);
    task->join = def;
}

static void check_waker(Laws *laws, const TraceRecord *record)
{
    int core = (int)record->b - 1;
    LAW(core >= 0 && core < (int)laws->scenario->machine.cores, "wakeup: from no core");
    if (!laws->report->hold || record->a == 0)
        return;
    LAW(record->a <= laws->task_count && laws->cores[core].task == record->a,
        "wakeup: the waker does not run there");
}

void laws_on_wakeup(Laws *laws, const TraceRecord *record, LawTask *task)
{
    LAW(task->waits != WAITS_NOT, "wakeup: it is not blocked");
    check_waker(laws, record);
    if (!laws->report->hold)
        return;
    const LawTask *waker = record->a == 0 ? NULL : &laws->tasks[record->a];
    if (task->waits == WAITS_TIMER) {
        LAW(waker == NULL, "wakeup: a sleeper is woken by a task");
        LAW(record->time_ns >= task->timer_from_ns, "wakeup: before its timer");
        LAW(record->time_ns <= task->timer_to_ns, "wakeup: long after its timer");
    } else if (task->waits == WAITS_LOCK) {
        LAW(waker != NULL && waker->in_call && waker->call == SYSCALL_FUTEX_WAKE,
            "wakeup: not by a futex wake");
        for (uint32_t i = 1; i <= laws->task_count; i++) {
            const LawTask *other = &laws->tasks[i];
            LAW(other->waits != WAITS_LOCK || other->lock != task->lock ||
                    other->lock_order >= task->lock_order,
                "wakeup: task %u waits longer", i);
        }
    } else {
        LAW(waker != NULL && !waker->work.alive && waker->work.def == task->join,
            "join: woken by another");
        LAW(laws->groups[task->join - 1].ended == laws_members(laws, task->join),
            "join: woken before all have ended");
    }
    task->waits = WAITS_NOT;
    task->woken = true;
    task->joins = record->core;
}

// ---- deadlocks

void laws_on_deadlock(Laws *laws, const TraceRecord *record, LawTask *task)
{
    LAW(!task->reported, "deadlock: reported twice");
    task->reported = true;
    LAW(task->waits != WAITS_NOT, "deadlock: it is not blocked");
    if (task->waits == WAITS_LOCK) {
        LAW(record->a == task->lock, "deadlock: it waits for lock %u", task->lock);
        LAW(record->b == laws->holders[task->lock - 1], "deadlock: another has it");
    } else {
        LAW(record->a == 0 && task->waits == WAITS_JOIN, "deadlock: it waits for no lock");
        LAW(record->b == 0 || laws->tasks[record->b].work.def == task->join,
            "deadlock: it does not wait for that one");
    }
    if (laws->circle_next == 0)
        return;
    LAW(laws->circle_next == record->task, "deadlock: the circle goes on with task %u",
        laws->circle_next);
    laws->circle_next = waits_for(laws, record->task);
    if (laws->circle_next == laws->circle_first)
        laws->circle_next = 0;
}

void laws_deadlock_end(Laws *laws)
{
    for (uint32_t i = 1; i <= laws->task_count; i++) {
        const LawTask *task = &laws->tasks[i];
        if (!task->work.alive)
            continue;
        LAW(task->waits == WAITS_LOCK || task->waits == WAITS_JOIN,
            "deadlock: the run ends, but task %u can go on", i);
        if (task->waits == WAITS_LOCK)
            LAW(laws->holders[task->lock - 1] != 0, "lock: task %u sleeps on a free lock", i);
    }
}
