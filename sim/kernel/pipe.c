#include "sim/kernel/pipe.h"

#include "sim/base/check.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/wait_list.h"

// ---- ends

static uint8_t *ends_of(Machine *machine, Process *process)
{
    if (process->pipe_ends == NULL)
        process->pipe_ends =
            ARENA_ARRAY(&machine->arena, uint8_t, machine->scenario->pipe_count + 1);
    return process->pipe_ends;
}

bool pipe_is_open(const Process *process, PipeId pipe, PipeEnd end)
{
    return process->pipe_ends != NULL && (process->pipe_ends[pipe.index1] >> end & 1);
}

static void open_end(Machine *machine, Process *process, PipeId pipe, PipeEnd end)
{
    uint8_t *ends = ends_of(machine, process);
    if (ends[pipe.index1] >> end & 1)
        return;
    ends[pipe.index1] |= (uint8_t)(1u << end);
    pipe_at(machine, pipe)->open[end]++;
}

void pipe_init(Machine *machine)
{
    const Scenario *scenario = machine->scenario;
    machine->pipes = ARENA_ARRAY(&machine->arena, Pipe, scenario->pipe_count + 1);
    for (uint32_t i = 0; i < scenario->pipe_count; i++) {
        ProcessId owner = scenario->pipes[i].process;
        for (int end = 0; end < PIPE_END_COUNT && !ID_NONE(owner); end++)
            open_end(machine, process_at(machine, (Pid){owner.index1}), (PipeId){i + 1},
                     (PipeEnd)end);
    }
    for (uint32_t i = 0; i < scenario->pipe_use_count; i++) {
        const PipeUse *use = &scenario->pipe_uses[i];
        for (int end = 0; end < PIPE_END_COUNT; end++)
            if (use->end[end])
                open_end(machine, process_at(machine, (Pid){use->process.index1}), use->pipe,
                         (PipeEnd)end);
    }
}

void pipe_free(Machine *machine)
{
    for (uint32_t i = 1; i <= machine->scenario->pipe_count; i++)
        bytes_free(machine, &pipe_at(machine, (PipeId){i})->text);
}

void pipe_fork(Machine *machine, const Process *parent, Process *child)
{
    for (uint32_t i = 1; parent->pipe_ends != NULL && i <= machine->scenario->pipe_count; i++)
        for (int end = 0; end < PIPE_END_COUNT; end++)
            if (pipe_is_open(parent, (PipeId){i}, (PipeEnd)end))
                open_end(machine, child, (PipeId){i}, (PipeEnd)end);
}

// ---- waking

static Duration wake(Machine *machine, Task *task, Task *by)
{
    wait_list_leave(machine, task);
    return sched_wake(machine, task, by != NULL ? by->id : (TaskId){0},
                      by != NULL ? by->core : task->core);
}

// The other side is gone: all who wait at `end` find out.
static void wake_all(Machine *machine, Pipe *pipe, PipeEnd end, Task *by)
{
    while (!ID_NONE(pipe->waiters[end].first))
        wake(machine, task_at(machine, pipe->waiters[end].first), by);
}

// The first reader, when there is something to read.
static Duration wake_reader(Machine *machine, Pipe *pipe, Task *by)
{
    TaskId first = pipe->waiters[PIPE_END_READ].first;
    if (pipe->level == 0 || ID_NONE(first))
        return (Duration){0};
    return wake(machine, task_at(machine, first), by);
}

// The first writer for whom there is room. A small write that does not fit yet lets those behind it
// go first, as it would have to wait in any case.
static Duration wake_writer(Machine *machine, Pipe *pipe, Task *by)
{
    for (TaskId id = pipe->waiters[PIPE_END_WRITE].first; !ID_NONE(id);) {
        Task *task = task_at(machine, id);
        if (pipe_room(pipe, task->writing, task->writing) > 0)
            return wake(machine, task, by);
        id = task->next_waiter;
    }
    return (Duration){0};
}

// ---- epoll

EpollMask pipe_ready(const Pipe *pipe, PipeEnd end)
{
    EpollMask events = 0;
    if (end == PIPE_END_READ) {
        events |= pipe->level > 0 ? EPOLL_IN : 0;
        events |= pipe->open[PIPE_END_WRITE] == 0 ? EPOLL_HUP : 0;
    } else {
        events |= pipe->level + PIPE_ATOMIC_BYTES <= PIPE_BYTES ? EPOLL_OUT : 0;
        events |= pipe->open[PIPE_END_READ] == 0 ? EPOLL_ERR : 0;
    }
    return events;
}

static File file_of(PipeId id, PipeEnd end)
{
    return (File){end == PIPE_END_READ ? FILE_PIPE_READ : FILE_PIPE_WRITE, id.index1};
}

static Duration tell_watchers(Machine *machine, PipeId id, PipeEnd end, Task *by)
{
    Pipe *pipe = pipe_at(machine, id);
    EpollMask events = pipe_ready(pipe, end);
    if (pipe->watchers[end] == 0 || events == 0)
        return (Duration){0};
    return epoll_changed(machine, file_of(id, end), events, by);
}

// ---- bytes

uint32_t pipe_room(const Pipe *pipe, uint64_t size, uint64_t left)
{
    uint32_t room = PIPE_BYTES - pipe->level;
    if (size <= PIPE_ATOMIC_BYTES)
        return room >= left ? (uint32_t)left : 0;
    return room < left ? room : (uint32_t)left;
}

// Both ends look: what one of them has left over is the next one's.
static Duration changed(Machine *machine, Task *task, Pipe *pipe)
{
    Duration cost = wake_reader(machine, pipe, task);
    return duration_add(cost, wake_writer(machine, pipe, task));
}

// One that sleeps in poll(2), there being something to read.
static Duration wake_poller(Machine *machine, const Pipe *pipe, Task *by)
{
    if (pipe->poller == NULL || ID_NONE(pipe->poller->first))
        return (Duration){0};
    return wake(machine, task_at(machine, pipe->poller->first), by);
}

static Duration written(Machine *machine, Task *task, PipeId id, uint32_t bytes)
{
    Pipe *pipe = pipe_at(machine, id);
    pipe->level += bytes;
    CHECKF(bytes > 0 && pipe->level <= PIPE_BYTES && bytes_length(&pipe->text) == pipe->level,
           "%u bytes", bytes);
    machine_emit(machine, EVENT_PIPE_WRITTEN, task->core, task->id, id.index1, bytes);
    Duration cost = duration_add(changed(machine, task, pipe), wake_poller(machine, pipe, task));
    return duration_add(cost, tell_watchers(machine, id, PIPE_END_READ, task));
}

Duration pipe_written(Machine *machine, Task *task, PipeId id, uint32_t bytes, uint64_t line,
                      uint64_t done)
{
    bytes_add(machine, &pipe_at(machine, id)->text, bytes, line, done);
    return written(machine, task, id, bytes);
}

Duration pipe_written_from(Machine *machine, Task *task, PipeId id, uint32_t bytes, Bytes *from)
{
    bytes_move(machine, from, bytes, &pipe_at(machine, id)->text);
    return written(machine, task, id, bytes);
}

Duration pipe_read_into(Machine *machine, Task *task, PipeId id, uint32_t bytes, Bytes *to)
{
    Pipe *pipe = pipe_at(machine, id);
    CHECKF(bytes > 0 && pipe->level >= bytes, "%u bytes", bytes);
    pipe->level -= bytes;
    bytes_move(machine, &pipe->text, bytes, to);
    machine_emit(machine, EVENT_PIPE_READ, task->core, task->id, id.index1, bytes);
    Duration cost = changed(machine, task, pipe);
    return duration_add(cost, tell_watchers(machine, id, PIPE_END_WRITE, task));
}

Duration pipe_read(Machine *machine, Task *task, PipeId id, uint32_t bytes)
{
    return pipe_read_into(machine, task, id, bytes, NULL);
}

void pipe_wait(Machine *machine, Task *task, PipeId id, PipeEnd end)
{
    machine_emit(machine, EVENT_PIPE_WAIT, task->core, task->id, id.index1, end);
    wait_list_add(machine, &pipe_at(machine, id)->waiters[end], task);
    sched_block(machine, task, SWITCH_BLOCKED_PIPE);
}

// ---- closing

void pipe_close(Machine *machine, Process *process, PipeId id, PipeEnd end, Task *by)
{
    Pipe *pipe = pipe_at(machine, id);
    CHECK(pipe_is_open(process, id, end) && pipe->open[end] > 0);
    process->pipe_ends[id.index1] &= (uint8_t) ~(1u << end);
    if (--pipe->open[end] > 0)
        return;
    PipeEnd other = end == PIPE_END_READ ? PIPE_END_WRITE : PIPE_END_READ;
    wake_all(machine, pipe, other, by);
    epoll_forget(machine, file_of(id, end));
    tell_watchers(machine, id, other, by);
}

// One that was woken and did not live to take its turn passes it on.
static void pass_on(Machine *machine, Pipe *pipe, Task *by)
{
    wake_reader(machine, pipe, by);
    wake_writer(machine, pipe, by);
}

void pipe_close_all(Machine *machine, Process *process, Task *by)
{
    for (uint32_t i = 1; process->pipe_ends != NULL && i <= machine->scenario->pipe_count; i++) {
        for (int end = 0; end < PIPE_END_COUNT; end++)
            if (pipe_is_open(process, (PipeId){i}, (PipeEnd)end))
                pipe_close(machine, process, (PipeId){i}, (PipeEnd)end, by);
        pass_on(machine, pipe_at(machine, (PipeId){i}), by);
    }
}

void pipe_pass_on(Machine *machine, const Process *process, Task *by)
{
    for (uint32_t i = 1; process->pipe_ends != NULL && i <= machine->scenario->pipe_count; i++)
        pass_on(machine, pipe_at(machine, (PipeId){i}), by);
}
