#include "sim/kernel/machine.h"

#include "sim/kernel/epoll.h"
#include "sim/kernel/read_holds.h"

#include <stdio.h>

void machine_limit(Machine *machine, LimitId limit)
{
    if (machine->ended)
        return;
    machine->ended = true;
    machine->end = END_LIMIT;
    machine->limit = limit;
}

void machine_fail(Machine *machine, SourceAt at, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    const char *text = arena_vformat(&machine->arena, format, values);
    va_end(values);
    machine->failed = diag_fail(machine->diag, at, "%s", text) || true;
    machine->ended = true;
    machine->end = END_MISTAKE;
}

// Gives the task's copies of variables back to the pool.
static void free_copies(Machine *machine, Task *task)
{
    while (task->copies != 0) {
        uint32_t index = task->copies;
        task->copies = machine->copies.at[index].next;
        machine->copies.at[index].next = machine->free_copy;
        machine->free_copy = index;
    }
}

void machine_free_frames(Machine *machine, Task *task)
{
    free_copies(machine, task);
    read_holds_forget(machine, task);
    while (task->frame != 0) {
        uint32_t parent = machine->frames.at[task->frame].parent;
        machine->frames.at[task->frame].parent = machine->free_frame;
        machine->free_frame = task->frame;
        machine->open_frames--;
        task->frame = parent;
    }
    task->depth = 0;
}

char *machine_task_name(const Machine *machine, TaskId id, char text[static 96])
{
    if (id.index1 == 0) {
        snprintf(text, 96, "nobody");
        return text;
    }
    const Task *task = task_at(machine, id);
    return task_name(machine->scenario, task->def, task->instance, text);
}

void machine_refresh(Machine *machine, int core_number)
{
    // The core whose event is being handled changes several times; its key is set once, after.
    if (core_number == machine->handling)
        return;
    Core *core = &machine->cores[core_number];
    core->slice_end = machine->run_queues[core_number].slice_end;
    core->due = machine->run_queues[core_number].due_first;
    CostId latency = core->current.index1 != 0 ? COST_TIMER_LATENCY : COST_TIMER_LATENCY_IDLE;
    event_queue_set(&machine->queue, (uint32_t)core_number,
                    core_next_key(core, machine->now, machine_cost(machine, latency)));
}

uint64_t machine_bytes(const Machine *machine)
{
    uint64_t bytes = machine->arena.bytes + machine->frames.capacity * sizeof(Frame) +
                     machine->copies.capacity * sizeof(Copy) +
                     machine->read_holds.capacity * sizeof(ReadHold) +
                     machine->waiters.capacity * sizeof(Waiter *) + machine->data_bytes +
                     machine->python_bytes + machine->positions.at.capacity * sizeof(uint32_t) +
                     machine->task_chunks.count * TASK_CHUNK * sizeof(Task);
    bytes += machine->file_bytes + epolls_bytes(machine) +
             machine->memory.pages.capacity * sizeof(Page) +
             machine->memory.free.capacity * sizeof(PageRange) +
             machine->blocks.capacity * sizeof(Block);
    for (uint32_t i = 0; i < machine->core_count; i++)
        bytes += machine->cores[i].timers.entries.capacity * sizeof(TimerEntry);
    return bytes;
}
