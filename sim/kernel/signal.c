#include "sim/kernel/signal.h"

#include "sim/kernel/priority.h"
#include "sim/kernel/process_end.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/wait_list.h"

typedef enum DefaultAction { ENDS, IGNORED } DefaultAction;

static const DefaultAction default_actions[] = {
#define X(id, name, number, action) action,
    SIGNALS(X)
#undef X
};

// Whom a signal is for: the first task alive that does not mask it, else the first one alive.
static Task *recipient(const Machine *machine, const Process *process, SignalId signal)
{
    for (TaskId id = process->oldest; !ID_NONE(id); id = task_at(machine, id)->next)
        if (!(task_at(machine, id)->masked >> signal & 1))
            return task_at(machine, id);
    return ID_NONE(process->oldest) ? NULL : task_at(machine, process->oldest);
}

// Every sleep in a system call is interruptible here. (In Linux a page fault's or a disk's is not.)
static void interrupt(Machine *machine, Task *task, Task *by)
{
    int core = by != NULL ? by->core : task->core;
    if (task->state == TASK_DEAD || task->in_turn)
        return;
    // One that may not run for now (SWITCH_THROTTLED) is stopped in its work, and does not sleep.
    if (task->state == TASK_RUNNABLE || task->out_reason == SWITCH_THROTTLED) {
        sched_interrupt(machine, task, core);
        return;
    }
    wait_list_leave(machine, task);
    if (task->waits_sync.index1 != 0)
        priority_give_up(machine, task);
    task->waits_sync = (SyncId){0};
    task->waits_join = (ThreadDefId){0};
    sched_cancel_timer(machine, task);
    task->attention |= ATTENTION_INTERRUPTED;
    sched_wake(machine, task, by != NULL ? by->id : (TaskId){0}, core);
}

void signal_send(Machine *machine, Process *process, SignalId signal, Task *by)
{
    if (process->state != PROCESS_ALIVE)
        return;
    uint32_t handler = process->handlers[signal];
    bool ignored = handler == HANDLER_IGNORE ||
                   (handler == HANDLER_DEFAULT && default_actions[signal] == IGNORED);
    if (ignored && signal == SIGNAL_CHLD)
        return; // so it is with every child that ends; no news
    machine_emit(machine, EVENT_SIGNAL_SENT, by != NULL ? by->core : CORE_NONE,
                 by != NULL ? by->id : (TaskId){0}, signal, process->pid.index1);
    if (ignored)
        return;
    if (handler == HANDLER_DEFAULT) {
        process_end(machine, process, (uint16_t)(STATUS_SIGNALLED + signal), KILL_REASON_SIGNAL,
                    by);
        return;
    }
    Task *task = recipient(machine, process, signal);
    if (task == NULL)
        return; // its threads have yet to arrive
    task->signals |= (uint8_t)(1u << signal);
    if (task->masked >> signal & 1)
        return;
    task->attention |= ATTENTION_SIGNAL;
    if (task != by)
        interrupt(machine, task, by);
}

uint32_t signal_take(Machine *machine, Task *task, SignalId *signal)
{
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        if (!((task->signals & ~task->masked) >> i & 1))
            continue;
        task->signals &= (uint8_t) ~(1u << i);
        uint32_t handler = process_of(machine, task)->handlers[i];
        *signal = (SignalId)i;
        if (handler != HANDLER_DEFAULT && handler != HANDLER_IGNORE)
            return handler;
    }
    task->attention &= (uint8_t)~ATTENTION_SIGNAL;
    return 0;
}

void signal_mask(Task *task, uint8_t masked)
{
    task->masked = masked;
    if (task->signals & ~masked)
        task->attention |= ATTENTION_SIGNAL;
    else
        task->attention &= (uint8_t)~ATTENTION_SIGNAL;
}
