#include "sim/kernel/signal.h"

#include "sim/kernel/process_end.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/wait_list.h"

typedef enum DefaultAction { ENDS, IGNORED } DefaultAction;

static const DefaultAction default_actions[] = {
#define X(id, name, number, action) action,
    SIGNALS(X)
#undef X
};

static Task *first_alive(const Machine *machine, const Process *process)
{
    for (uint32_t i = process->first.index1; i != 0 && i <= machine->task_count; i++) {
        Task *task = task_at(machine, (TaskId){i});
        if (ID_EQUAL(task->process, process->pid) && task->state != TASK_DEAD)
            return task;
    }
    return NULL;
}

// Whether the op that `task` sleeps in ends or begins anew when a signal was handled.
static bool interruptible(const Machine *machine, const Task *task)
{
    switch (machine->scenario->ops[task->op].code) {
    case OP_SLEEP:
    case OP_JOIN:
    case OP_READ:
    case OP_READ_UNTIL_EOF:
    case OP_SEND_MESSAGE:
    case OP_RECEIVE_MESSAGE:
    case OP_WAIT_CHILD:
    case OP_PAUSE:
        return true;
    default:
        return false; // it handles the signal when it has what it waits for
    }
}

static void interrupt(Machine *machine, Task *task, Task *by)
{
    int core = by != NULL ? by->core : task->core;
    if (task->state == TASK_BLOCKED && interruptible(machine, task)) {
        wait_list_leave(machine, task);
        task->waits_join = (ThreadDefId){0};
        sched_cancel_timer(machine, task);
        task->attention |= ATTENTION_INTERRUPTED;
        sched_wake(machine, task, by != NULL ? by->id : (TaskId){0}, core);
    } else if (task->state == TASK_RUNNABLE) {
        sched_interrupt(machine, task, core);
    }
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
    Task *task = first_alive(machine, process);
    if (handler == HANDLER_DEFAULT) {
        process_end(machine, process, (uint16_t)(STATUS_SIGNALLED + signal), KILL_REASON_SIGNAL,
                    by);
        return;
    }
    if (task == NULL)
        return; // its threads have yet to arrive
    task->signals |= (uint8_t)(1u << signal);
    task->attention |= ATTENTION_SIGNAL;
    if (task != by)
        interrupt(machine, task, by);
}

uint32_t signal_take(Machine *machine, Task *task, SignalId *signal)
{
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        if (!(task->signals >> i & 1))
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
