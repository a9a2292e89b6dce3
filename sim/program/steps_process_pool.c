// The steps of what only executors of processes do: their manager, their processes, and submit.
// CPython 3.12 Lib/concurrent/futures/process.py; the order of it all is in
// sim/scenario/process_pool.c.
#include "sim/base/check.h"
#include "sim/kernel/pipe.h"
#include "sim/kernel/process_end.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/signal.h"
#include "sim/kernel/wait_list.h"
#include "sim/program/executors.h"
#include "sim/program/futex.h"
#include "sim/program/library.h"
#include "sim/python/multiprocessing.h"

static StepResult go_if(Task *task, const Op *op, bool holds, uint32_t place)
{
    if (!holds)
        return program_done(task, op);
    task->op = place;
    task->phase = PHASE_ENTER;
    return STEP_NEXT;
}

static const ExecutorDef *def_of(const Machine *machine, const Op *op)
{
    return &machine->scenario->executors[op->arg[0] - 1];
}

// The process's executor, shut down or not.
static uint32_t executor_of(const Machine *machine, const Task *task, const Op *op)
{
    return executor_last(machine, task->process, op->arg[0], 0);
}

// ---- submit

// The item is the stage of the op that has called this code.
StepResult step_LIB_ADD_CALL(Machine *machine, Task *task, const Op *op)
{
    uint32_t id = executor_of(machine, task, op);
    uint32_t item = (uint32_t)program_frame(machine, task)->value;
    Executor *executor = executor_at(machine, id);
    simple_queue_add(machine, &executor->queue, item);
    executor->queue.count++;
    executors_emit_item(machine, task, EVENT_EXECUTOR_SUBMITTED, item);
    executors_emit_queue(machine, task, EVENT_QUEUE_PUT, executor_at(machine, id));
    return program_done(task, op);
}

StepResult step_LIB_WAKEUP(Machine *machine, Task *task, const Op *op)
{
    task->message = message_make(machine, MESSAGE_OBJECT, 0, 1);
    return program_done(task, op);
}

// A token of an idle process saves starting one.
StepResult step_LIB_UNLESS_SHORT(Machine *machine, Task *task, const Op *op)
{
    Executor *executor = executor_at(machine, executor_of(machine, task, op));
    bool idle = executor->idle > 0,
         is_short = !idle && executor->threads < def_of(machine, op)->workers;
    executor->idle -= idle;
    executor->threads += is_short;
    return go_if(task, op, !is_short, op->arg[1]);
}

StepResult step_LIB_UNLESS_MANAGED(Machine *machine, Task *task, const Op *op)
{
    ProcessPool *pool = process_pool(machine, op->arg[0]);
    const ExecutorDef *def = def_of(machine, op);
    Executor *executor = executor_at(machine, executor_of(machine, task, op));
    bool managed = pool->managed;
    pool->managed = true;
    if (!managed && !def->on_demand)
        executor->threads = def->workers;
    return go_if(task, op, managed, op->arg[1]);
}

// ---- the manager

StepResult step_LIB_DROP(Machine *machine, Task *task, const Op *op)
{
    message_drop(machine, task->message);
    task->message = 0;
    return program_done(task, op);
}

static bool readable(const Machine *machine, uint32_t pipe)
{
    return pipe_at(machine, (PipeId){pipe})->level > 0;
}

static ProcessId process_def(const Machine *machine, const ExecutorDef *def)
{
    return machine->scenario->threads[def->child.index1 - 1].process;
}

// The executor's processes that have not ended, one after the other; NULL behind the last.
static Process *next_process(const Machine *machine, const Task *task, const ExecutorDef *def,
                             const Process *before)
{
    Pid pid = before == NULL ? process_of(machine, task)->first_child : before->next_sibling;
    ProcessId wanted = process_def(machine, def);
    for (; !ID_NONE(pid); pid = process_at(machine, pid)->next_sibling) {
        Process *process = process_at(machine, pid);
        if (ID_EQUAL(process->def, wanted) && process->state == PROCESS_ALIVE)
            return process;
    }
    return NULL;
}

static uint32_t alive(const Machine *machine, const Task *task, const ExecutorDef *def)
{
    uint32_t count = 0;
    for (Process *process = NULL; (process = next_process(machine, task, def, process)) != NULL;)
        count++;
    return count;
}

// One that has ended may have been collected by another thread since.
static bool has_ended_one(const Machine *machine, const Task *task, uint32_t executor)
{
    const ExecutorDef *def = &machine->scenario->executors[executor - 1];
    return process_ended_child(machine, process_of(machine, task), process_def(machine, def)) !=
               NULL ||
           alive(machine, task, def) < process_pool(machine, executor)->watched;
}

static void watch_processes(Machine *machine, const Task *task, uint32_t executor)
{
    const ExecutorDef *def = &machine->scenario->executors[executor - 1];
    ProcessPool *pool = process_pool(machine, executor);
    for (Process *process = NULL; (process = next_process(machine, task, def, process)) != NULL;)
        process->poller = &pool->polling;
    pool->watched = alive(machine, task, def);
}

// connection.wait, which asks poll(2) for all of them, and for the ends of the processes.
StepResult step_LIB_POLL(Machine *machine, Task *task, const Op *op)
{
    enum { LOOK = 1, RETURNED };
    Duration call = machine_cost(machine, COST_SYSCALL);
    WaitList *list = &process_pool(machine, op->arg[2])->polling;
    bool any = readable(machine, op->arg[0]) || readable(machine, op->arg[1]) ||
               has_ended_one(machine, task, op->arg[2]);
    switch (task->phase) {
    case PHASE_ENTER:
        return program_syscall(
            machine, task, SYSCALL_POLL,
            duration_add(half(call, false), machine_cost(machine, COST_EPOLL_WAIT)), LOOK);
    case LOOK:
        if (any)
            return program_work(machine, task, true, half(call, true), RETURNED);
        if (program_interrupted(task, LOOK))
            return STEP_NEXT;
        for (int i = 0; i < 2; i++)
            pipe_at(machine, (PipeId){op->arg[i]})->poller = list;
        watch_processes(machine, task, op->arg[2]);
        machine_emit(machine, EVENT_PIPE_WAIT, task->core, task->id, op->arg[0], PIPE_END_READ);
        wait_list_add(machine, list, task);
        sched_block(machine, task, SWITCH_BLOCKED_PIPE);
        return program_blocked(task, LOOK);
    default:
        program_syscall_over(machine, task);
        return program_done(task, op);
    }
}

StepResult step_LIB_IF_READABLE(Machine *machine, Task *task, const Op *op)
{
    return go_if(task, op, readable(machine, op->arg[0]), op->arg[1]);
}

// The oldest item, unless it has been cancelled; 0: there is none.
static uint32_t take_item(Machine *machine, Task *task, uint32_t executor)
{
    SimpleQueue *queue = &executor_at(machine, executor)->queue;
    while (queue->first != 0) {
        uint32_t item = simple_queue_take(machine, queue);
        queue->count--;
        executors_emit_queue(machine, task, EVENT_QUEUE_GOT, executor_at(machine, executor));
        if (item_at(machine, item)->state != ITEM_CANCELLED)
            return item;
        item_drop(machine, item);
    }
    return 0;
}

// The processes have it from now on, or it is on its way to one.
static void add_running(Machine *machine, uint32_t executor, uint32_t item)
{
    ProcessPool *pool = process_pool(machine, executor);
    uint32_t *link = &pool->running;
    while (*link != 0)
        link = &item_at(machine, *link)->next;
    *link = item;
    item_at(machine, item)->next = 0;
    pool->calls++;
}

static void take_running(Machine *machine, uint32_t executor, uint32_t item)
{
    ProcessPool *pool = process_pool(machine, executor);
    uint32_t *link = &pool->running;
    while (*link != item)
        link = &item_at(machine, *link)->next;
    *link = item_at(machine, item)->next;
    pool->calls--;
}

// As many as the queue to the processes has room for.
StepResult step_LIB_TAKE_CALL(Machine *machine, Task *task, const Op *op)
{
    const ConnectionDef *calls = connection_def(machine, def_of(machine, op)->calls);
    bool full = sync_of(machine, task, calls->room)->semaphore.value == 0;
    uint32_t item = full ? 0 : take_item(machine, task, executor_of(machine, task, op));
    if (item == 0)
        return go_if(task, op, true, op->arg[1]);
    item_at(machine, item)->state = ITEM_RUNNING; // what Future.running() says from now
    add_running(machine, op->arg[0], item);
    task->message = message_make(machine, MESSAGE_CALL, MESSAGE_TASK_BYTES, 1);
    message_at(machine, task->message)->job = item;
    return program_done(task, op);
}

StepResult step_LIB_CALL_DONE(Machine *machine, Task *task, const Op *op)
{
    bool done = false;
    uint32_t item = message_at(machine, task->message)->job;
    StepResult result = executors_item_done(machine, task, op, item, &done);
    if (!done)
        return result;
    take_running(machine, op->arg[0], item);
    item_drop(machine, item);
    message_drop(machine, task->message);
    task->message = 0;
    executor_at(machine, executor_of(machine, task, op))->idle++;
    return program_done(task, op);
}

// ---- a process that has died

StepResult step_LIB_IF_BROKEN(Machine *machine, Task *task, const Op *op)
{
    return go_if(task, op, has_ended_one(machine, task, op->arg[0]), op->arg[1]);
}

// In the order in which they were submitted: first what the processes have.
StepResult step_LIB_TAKE_BROKEN(Machine *machine, Task *task, const Op *op)
{
    uint32_t id = executor_of(machine, task, op);
    Executor *executor = executor_at(machine, id);
    ProcessPool *pool = process_pool(machine, op->arg[0]);
    executor->broken = executor->shut_down = true;
    if (pool->running == 0) {
        uint32_t next = take_item(machine, task, id);
        if (next == 0)
            return go_if(task, op, true, op->arg[1]);
        add_running(machine, op->arg[0], next);
    }
    item_at(machine, pool->running)->exception = EXCEPTION_BROKEN;
    task->message = message_make(machine, MESSAGE_CALL, 0, 1);
    message_at(machine, task->message)->job = pool->running;
    return program_done(task, op);
}

// The oldest of its processes with a number above this one that has not ended; none: 0.
static Pid process_above(Machine *machine, const Task *task, const ExecutorDef *def, uint64_t last)
{
    Pid oldest = {0};
    for (Process *process = NULL; (process = next_process(machine, task, def, process)) != NULL;)
        if (process->pid.index1 > last && (ID_NONE(oldest) || process->pid.index1 < oldest.index1))
            oldest = process->pid;
    return oldest;
}

// Each is sent SIGTERM once, in the order in which they began: what ignores it goes on.
StepResult step_LIB_END_CALLS(Machine *machine, Task *task, const Op *op)
{
    enum { SENT = 1, NEXT };
    if (task->phase == SENT) {
        Process *process = process_at(machine, (Pid){(uint32_t)task->scratch});
        if (process->state == PROCESS_ALIVE)
            signal_send(machine, process, SIGNAL_TERM, task);
        program_syscall_over(machine, task);
        task->phase = NEXT;
        return STEP_NEXT;
    }
    if (task->phase == PHASE_ENTER)
        task->scratch = 0;
    Pid next = process_above(machine, task, def_of(machine, op), task->scratch);
    if (ID_NONE(next))
        return program_done(task, op);
    task->scratch = next.index1;
    return program_syscall(
        machine, task, SYSCALL_KILL,
        duration_add(machine_cost(machine, COST_SYSCALL), machine_cost(machine, COST_KILL)), SENT);
}

StepResult step_LIB_IF_CALLS_OVER(Machine *machine, Task *task, const Op *op)
{
    const Executor *executor = executor_at(machine, executor_of(machine, task, op));
    bool over = executor->shut_down && executor->queue.first == 0 &&
                process_pool(machine, op->arg[0])->calls == 0;
    return go_if(task, op, over, op->arg[1]);
}

StepResult step_LIB_STOP_CALL(Machine *machine, Task *task, const Op *op)
{
    Executor *executor = executor_at(machine, executor_of(machine, task, op));
    if (executor->threads == 0)
        return go_if(task, op, true, op->arg[1]);
    executor->threads--;
    task->message = message_make(machine, MESSAGE_STOP, MESSAGE_STOP_BYTES, 1);
    return program_done(task, op);
}

// ---- a process

StepResult step_LIB_RUN_CALL(Machine *machine, Task *task, const Op *op)
{
    uint32_t id = message_at(machine, task->message)->job;
    if (task->phase == PHASE_LIBRARY_DONE) {
        task->message = message_answer(machine, task->message, MESSAGE_TASK_BYTES);
        return program_done(task, op);
    }
    executors_emit_item(machine, task, EVENT_EXECUTOR_RUN, id);
    return library_call(machine, task, op, item_at(machine, id)->function, 0) ? STEP_NEXT
                                                                              : STEP_ENDED;
}

StepResult process_pool_returns(Machine *machine, Task *task, uint32_t exception)
{
    const Op *op = &machine->scenario->ops[program_frame(machine, task)->op];
    StepResult result = library_returns(machine, task, op);
    item_at(machine, message_at(machine, task->message)->job)->exception = exception;
    return result;
}
