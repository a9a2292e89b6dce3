#include "sim/kernel/fork.h"

#include "sim/kernel/pass_on.h"
#include "sim/kernel/pipe.h"
#include "sim/kernel/process_data.h"
#include "sim/kernel/process_end.h"
#include "sim/kernel/signal.h"

#include <string.h>

Duration fork_cost(const Machine *machine, const Process *process)
{
    uint64_t pages = address_space_copied(machine, process);
    return (Duration){machine_cost(machine, COST_FORK_BASE).ns +
                      (int64_t)pages * machine_cost(machine, COST_FORK_PAGE).ns};
}

Duration fork_start(Machine *machine, Task *creator, ThreadDefId def, bool copy)
{
    if (!process_has_room(machine))
        return (Duration){0};
    Process *parent = process_of(machine, creator);
    ProcessId template = machine->scenario->threads[def.index1 - 1].process;
    Process *child = process_create(machine, template, parent);
    memcpy(child->handlers, parent->handlers, sizeof child->handlers);
    pipe_fork(machine, parent, child);
    if (copy) {
        address_space_fork(machine, parent, child);
        heap_fork(parent, child);
    }
    Duration cost = process_add_task(machine, child, def, creator);
    if (copy)
        process_data_fork(machine, creator, child);
    else
        process_data_renew(machine, child);
    if (!copy && !ID_NONE(child->first))
        task_at(machine, child->first)->attention |= ATTENTION_EXEC;
    address_space_say(machine, child, creator->id);
    address_space_say(machine, parent, creator->id);
    return cost;
}

// Who calls exec is the new program's main thread (de_thread in Linux's fs/exec.c lets it take the
// place of the old one), so that the program does not end before it.
static void become_worker(Machine *machine, Process *process, Task *task)
{
    if (!task->daemon)
        return;
    task->daemon = false;
    process->workers++;
    machine->workers++;
}

void fork_exec(Machine *machine, Task *task)
{
    Process *process = process_of(machine, task);
    process_kill_tasks(machine, process, task, KILL_REASON_EXEC);
    pipe_pass_on(machine, process, task);
    epoll_shut_all(machine, process->pid);
    process->wakeup_loop = 0;
    pass_on_wakeups(machine, process, task);
    become_worker(machine, process, task);
    process_data_renew(machine, process);
    address_space_clear(machine, process);
    heap_clear(machine, process);
    // Handlers are code that is gone; what is ignored stays ignored.
    for (int i = 0; i < SIGNAL_COUNT; i++)
        if (process->handlers[i] != HANDLER_IGNORE)
            process->handlers[i] = HANDLER_DEFAULT;
    signal_mask(task, 0);
    // A new stack, at the place of the old one.
    if (task->stack_there) {
        const ThreadDef *def = &machine->scenario->threads[task->def.index1 - 1];
        address_space_stack(machine, process, 0, -(int64_t)thread_stack_touched(def));
        task->stack_there = false;
        task->attention |= ATTENTION_MEMORY;
    }
    machine_emit(machine, EVENT_PROCESS_EXECED, task->core, task->id, process->pid.index1, 0);
    address_space_say(machine, process, task->id);
}
