#include "sim/kernel/process_end.h"

#include "sim/base/check.h"
#include "sim/kernel/pass_on.h"
#include "sim/kernel/pipe.h"
#include "sim/kernel/priority.h"
#include "sim/kernel/process_data.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/signal.h"
#include "sim/kernel/wait_list.h"

// ---- killing

static void kill_task(Machine *machine, Process *process, Task *task, KillReason reason)
{
    bool worker = !task->daemon;
    machine_emit(machine, EVENT_TASK_KILLED, CORE_NONE, task->id, reason, 0);
    wait_list_leave(machine, task);
    if (task->waits_sync.index1 != 0)
        priority_give_up(machine, task);
    sched_kill(machine, task);
    machine_free_frames(machine, task);
    if (reason != KILL_REASON_EXEC)
        return;                         // the process's counts no longer matter
    process_count_ended(machine, task); // those who would join it are killed too
    process->alive--;
    process->workers -= worker;
    machine->workers -= worker;
}

void process_kill_tasks(Machine *machine, Process *process, const Task *spared, KillReason reason)
{
    TaskId next;
    for (TaskId id = process->oldest; !ID_NONE(id); id = next) {
        Task *task = task_at(machine, id);
        next = task->next;
        if (task == spared)
            continue;
        kill_task(machine, process, task, reason);
        process_unlist(machine, task);
        process_release_stack(machine, task);
    }
    if (reason == KILL_REASON_EXEC)
        process->leaving = 0; // the one that is left is not
}

// ---- parents and children

// Off its parent's list of those that have ended.
static void unlist_zombie(Machine *machine, Process *parent, Process *child)
{
    Pid *link = &parent->first_zombie, previous = {0};
    while (!ID_EQUAL(*link, child->pid)) {
        previous = *link;
        link = &process_at(machine, previous)->next_zombie;
    }
    *link = child->next_zombie;
    if (ID_EQUAL(parent->last_zombie, child->pid))
        parent->last_zombie = previous;
}

static void list_zombie(Machine *machine, Process *parent, Process *child)
{
    if (ID_NONE(parent->last_zombie))
        parent->first_zombie = child->pid;
    else
        process_at(machine, parent->last_zombie)->next_zombie = child->pid;
    parent->last_zombie = child->pid;
}

void process_reap(Machine *machine, Process *child)
{
    CHECK(child->state == PROCESS_ZOMBIE);
    child->state = PROCESS_GONE;
    if (ID_NONE(child->parent))
        return;
    Process *parent = process_at(machine, child->parent);
    unlist_zombie(machine, parent, child);
    if (ID_NONE(child->previous_sibling))
        parent->first_child = child->next_sibling;
    else
        process_at(machine, child->previous_sibling)->next_sibling = child->next_sibling;
    if (!ID_NONE(child->next_sibling))
        process_at(machine, child->next_sibling)->previous_sibling = child->previous_sibling;
    child->next_sibling = child->previous_sibling = (Pid){0};
}

// Its children are init's now, which collects those that have ended at once.
static void orphan_children(Machine *machine, Process *process)
{
    Pid next;
    for (Pid pid = process->first_child; !ID_NONE(pid); pid = next) {
        Process *child = process_at(machine, pid);
        next = child->next_sibling;
        child->parent = child->next_sibling = child->previous_sibling = (Pid){0};
        machine_emit(machine, EVENT_PROCESS_ADOPTED, CORE_NONE, (TaskId){0}, pid.index1, 0);
        if (child->state == PROCESS_ZOMBIE)
            process_reap(machine, child);
    }
    process->first_child = process->first_zombie = process->last_zombie = (Pid){0};
    process->children = 0;
}

static void wake_all(Machine *machine, WaitList *list, Task *by)
{
    Task *waiter;
    while ((waiter = wait_list_take(machine, list)) != NULL)
        sched_wake(machine, waiter, by != NULL ? by->id : (TaskId){0},
                   by != NULL ? by->core : waiter->core);
}

static void tell_parent(Machine *machine, Process *process, Task *by)
{
    if (ID_NONE(process->parent)) {
        process_reap(machine, process);
        return;
    }
    Process *parent = process_at(machine, process->parent);
    parent->children--;
    list_zombie(machine, parent, process);
    signal_send(machine, parent, SIGNAL_CHLD, by);
    // Every waiter looks again: it may wait for another child than this one.
    wake_all(machine, &parent->waiters, by);
    if (process->poller != NULL)
        wake_all(machine, process->poller, by);
}

static bool is_of(const Process *process, ProcessId def)
{
    return ID_NONE(def) || ID_EQUAL(process->def, def);
}

Process *process_ended_child(const Machine *machine, const Process *process, ProcessId def)
{
    for (Pid pid = process->first_zombie; !ID_NONE(pid);) {
        Process *child = process_at(machine, pid);
        if (is_of(child, def))
            return child;
        pid = child->next_zombie;
    }
    return NULL;
}

bool process_has_child(const Machine *machine, const Process *process, ProcessId def)
{
    for (Pid pid = process->first_child; !ID_NONE(pid);) {
        const Process *child = process_at(machine, pid);
        if (is_of(child, def))
            return true;
        pid = child->next_sibling;
    }
    return false;
}

// ---- ending

// Linux also takes apart the process of a scenario that is about threads alone; we do not, because
// its makespan is about what its threads do. The reference says so (reference.c, add_costs).
static Duration end_cost(const Machine *machine, const Process *process)
{
    if (!machine->scenario->tracks_processes && !machine->scenario->tracks_memory)
        return (Duration){0};
    int64_t page = machine_cost(machine, COST_MUNMAP_PAGE).ns;
    return (Duration){machine_cost(machine, COST_PROCESS_EXIT).ns +
                      (int64_t)process->space.resident * page};
}

Duration process_end_cost(const Machine *machine, const Task *task, bool whole)
{
    const Process *process = process_of(machine, task);
    if (!whole && (task->daemon || process->workers > 1))
        return (Duration){0};
    return end_cost(machine, process);
}

// The last of the process's tasks that has a core: it takes the process apart. NULL: none has.
static Task *undertaker(const Machine *machine, const Process *process)
{
    Task *last = NULL;
    for (TaskId id = process->oldest; !ID_NONE(id); id = task_at(machine, id)->next) {
        Task *task = task_at(machine, id);
        if (ID_EQUAL(machine->cores[task->core].current, id))
            last = task;
    }
    return last;
}

// Kills all of them. That the process ends costs time, as if one of those on a core had called
// exit_group.
static void kill_all(Machine *machine, Process *process, KillReason reason)
{
    Duration cost = end_cost(machine, process);
    Task *last = cost.ns > 0 ? undertaker(machine, process) : NULL;
    if (last != NULL && !last->in_kernel && !machine->cores[last->core].switching)
        machine_emit(machine, EVENT_KERNEL_ENTER, last->core, last->id, SYSCALL_EXIT_GROUP, 0);
    process_kill_tasks(machine, process, NULL, reason);
    if (last != NULL)
        sched_linger(machine, last, cost);
}

void process_end(Machine *machine, Process *process, uint16_t status, KillReason reason, Task *by)
{
    CHECK(process->state == PROCESS_ALIVE);
    process->state = PROCESS_ZOMBIE;
    process->status = status;
    machine->workers -= process->workers; // those that have yet to arrive included
    if (process->alive > 0 && status >= STATUS_SIGNALLED)
        kill_all(machine, process, reason);
    else if (process->alive > 0)
        process_kill_tasks(machine, process, NULL, reason); // who ended it has paid
    bool killed = process->alive > 0;
    process->workers = process->alive = 0;
    process_data_drop(machine, process);
    address_space_clear(machine, process);
    heap_clear(machine, process);
    address_space_say(machine, process, (TaskId){0});
    epoll_shut_all(machine, process->pid);
    pipe_close_all(machine, process, by);
    if (killed)
        pass_on_wakeups(machine, process, by);
    // An end that somebody else brings about is always news.
    if (!machine->scenario->tracks_processes && status < STATUS_SIGNALLED) {
        process->state = PROCESS_GONE;
        return;
    }
    machine_emit(machine, EVENT_PROCESS_ENDED, CORE_NONE, (TaskId){0}, process->pid.index1, status);
    orphan_children(machine, process);
    tell_parent(machine, process, by);
}

// ---- out of memory

static Process *largest_process(const Machine *machine)
{
    Process *largest = NULL;
    for (size_t i = 0; i < machine->processes.count; i++) {
        Process *process = machine->processes.at[i];
        if (process->state == PROCESS_ALIVE &&
            (largest == NULL || process->space.resident > largest->space.resident))
            largest = process;
    }
    CHECK(largest != NULL);
    return largest;
}

bool process_make_room(Machine *machine, Task *task, uint64_t pages)
{
    Pid own = task->process;
    uint64_t numbered = machine->memory.pages.count + pages;
    if (numbered > PAGES_MAX ||
        numbered * sizeof(Page) > (uint64_t)machine->scenario->limits[LIMIT_MEMORY]) {
        machine_limit(machine, LIMIT_MEMORY);
        return false;
    }
    while (!memory_has(&machine->memory, pages)) {
        address_space_say(machine, process_at(machine, own), task->id); // up to the last page
        Process *victim = largest_process(machine);
        uint32_t line = machine->scenario->op_at[task->op].line;
        machine_emit(machine, EVENT_OUT_OF_MEMORY, task->core, task->id, victim->pid.index1, line);
        process_end(machine, victim, STATUS_SIGNALLED + SIGNAL_KILL, KILL_REASON_MEMORY, task);
        if (ID_EQUAL(victim->pid, own))
            return false;
    }
    return true;
}

void process_exit_all(Machine *machine, Task *task, uint16_t code)
{
    Process *process = process_of(machine, task);
    machine_emit(machine, EVENT_TASK_EXITED, task->core, task->id, 0, 0);
    sched_exit(machine, task);
    process_unlist(machine, task);
    process_release_stack(machine, task);
    process->alive--;
    if (!task->daemon) {
        machine->workers--;
        process->workers--;
    }
    process_end(machine, process, code, KILL_REASON_EXIT, task);
}
