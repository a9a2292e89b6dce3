#include "sim/program/stream_callbacks.h"

#include "sim/base/check.h"
#include "sim/program/files.h"

// ---- system calls

static Duration entry(const Machine *machine, CostId cost)
{
    return duration_add(half(machine_cost(machine, COST_SYSCALL), false),
                        machine_cost(machine, cost));
}

static StepResult leave(Machine *machine, Task *task, Duration more, uint8_t phase)
{
    Duration rest = half(machine_cost(machine, COST_SYSCALL), true);
    return program_work(machine, task, true, duration_add(rest, more), phase);
}

static StepResult over(Machine *machine, Task *task, uint8_t next)
{
    program_syscall_over(machine, task);
    task->phase = next;
    return STEP_NEXT;
}

enum { CTL_ENTER, CTL_CHANGE, CTL_OVER };

static StepResult skip(Task *task, uint8_t next)
{
    task->phase = next;
    return STEP_NEXT;
}

StepResult stream_watch(Machine *machine, Task *task, Loop *loop, const Stream *stream,
                        EpollMask events, uint8_t first, uint8_t next)
{
    File file = stream_file(stream);
    EpollMask watched = selector_watched(machine, loop, file);
    bool open = pipe_is_open(process_of(machine, task), stream->pipe, (PipeEnd)stream->end);
    Duration cost = {0};
    switch (task->phase - first) {
    case CTL_ENTER:
        if ((watched & events) == events || !open)
            return skip(task, next);
        return program_syscall(machine, task, SYSCALL_EPOLL_CTL,
                               entry(machine, watched == 0 ? COST_EPOLL_ADD : COST_EPOLL_CHANGE),
                               (uint8_t)(first + CTL_CHANGE));
    case CTL_CHANGE:
        if (open)
            cost = selector_add(machine, loop, file, events, stream_number(loop, stream));
        return leave(machine, task, cost, (uint8_t)(first + CTL_OVER));
    default:
        return over(machine, task, next);
    }
}

StepResult stream_unwatch(Machine *machine, Task *task, Loop *loop, const Stream *stream,
                          EpollMask events, uint8_t first, uint8_t next)
{
    File file = stream_file(stream);
    bool watched = (selector_watched(machine, loop, file) & events) != 0;
    switch (task->phase - first) {
    case CTL_ENTER:
        if (!watched)
            return skip(task, next);
        return program_syscall(machine, task, SYSCALL_EPOLL_CTL, entry(machine, COST_EPOLL_CHANGE),
                               (uint8_t)(first + CTL_CHANGE));
    case CTL_CHANGE:
        if (watched)
            selector_remove(machine, loop, file, events);
        return leave(machine, task, (Duration){0}, (uint8_t)(first + CTL_OVER));
    default:
        return over(machine, task, next);
    }
}

enum { WRITE_ENTER, WRITE_LOOK, WRITE_COPIED, WRITE_OVER };

StepResult stream_write(Machine *machine, Task *task, Stream *stream, uint64_t size,
                        const uint64_t *line, uint8_t first, uint8_t next)
{
    const Pipe *pipe = pipe_at(machine, stream->pipe);
    uint32_t room = pipe->open[PIPE_END_READ] == 0 ? 0 : pipe_room(pipe, size, size);
    Duration cost = {0};
    switch (task->phase - first) {
    case WRITE_ENTER:
        return program_syscall(machine, task, SYSCALL_WRITE, entry(machine, COST_PIPE_WRITE),
                               (uint8_t)(first + WRITE_LOOK));
    case WRITE_LOOK: // CPython ignores SIGPIPE: only the call fails
        task->scratch = pipe->open[PIPE_END_READ] == 0 ? STREAM_BROKEN : room;
        if (room == 0)
            return leave(machine, task, cost, (uint8_t)(first + WRITE_OVER));
        return program_work(machine, task, true, file_copy_cost(machine, room),
                            (uint8_t)(first + WRITE_COPIED));
    case WRITE_COPIED: // others may have filled it meanwhile
        task->scratch = room < task->scratch ? room : task->scratch;
        if (task->scratch > 0 && line != NULL)
            cost = pipe_written(machine, task, stream->pipe, (uint32_t)task->scratch, *line, 0);
        else if (task->scratch > 0)
            cost = pipe_written_from(machine, task, stream->pipe, (uint32_t)task->scratch,
                                     &stream->buffer);
        return leave(machine, task, cost, (uint8_t)(first + WRITE_OVER));
    default:
        return over(machine, task, next);
    }
}

// ---- callbacks

enum {
    BEGIN = STREAM_PHASES,
    READ_LOOK,
    READ_COPIED,
    READ_BACK,
    FEED,
    EMPTY_BACK,
    AT_END,
    WROTE,
    OUT_GONE, // it is not watched for writing any more
    IN_GONE,
    CLOSE,
    CLOSING,
    ENDED,
    WATCH_IN, // three phases
    UNWATCH_IN = WATCH_IN + 3,
    UNWATCH_OUT = UNWATCH_IN + 3,
    UNWATCH_LAST = UNWATCH_OUT + 3, // the callback ends with that
    WRITING = UNWATCH_LAST + 3,     // four phases
};

// _read_ready of a reader.
static StepResult read_look(Machine *machine, Task *task, const Stream *stream)
{
    const Pipe *pipe = pipe_at(machine, stream->pipe);
    if (pipe->level > 0) {
        task->scratch = pipe->level < STREAM_READ_MOST ? pipe->level : STREAM_READ_MOST;
        return program_work(machine, task, true, file_copy_cost(machine, task->scratch),
                            READ_COPIED);
    }
    task->scratch = pipe->open[PIPE_END_WRITE] == 0;
    if (task->scratch)
        machine_emit(machine, EVENT_PIPE_EOF, task->core, task->id, stream->pipe.index1, 0);
    return leave(machine, task, (Duration){0}, EMPTY_BACK);
}

static StepResult read_copied(Machine *machine, Task *task, Stream *stream)
{
    const Pipe *pipe = pipe_at(machine, stream->pipe);
    uint32_t bytes = task->scratch < pipe->level ? (uint32_t)task->scratch : pipe->level;
    Duration cost = {0};
    task->scratch = 0; // if another took them meanwhile
    if (bytes > 0)
        cost = pipe_read_into(machine, task, stream->pipe, bytes, &stream->buffer);
    return leave(machine, task, cost, bytes > 0 ? READ_BACK : EMPTY_BACK);
}

// StreamReader.feed_data.
static StepResult feed(Machine *machine, Task *task, Loop *loop, Stream *stream)
{
    stream_say_level(machine, loop, stream);
    stream_wake_reader(machine, stream);
    loop_owe(machine, loop, COST_DATA_RECEIVED);
    if (stream->paused || bytes_length(&stream->buffer) <= 2 * STREAM_LIMIT)
        return skip(task, ENDED);
    stream->paused = true;
    stream_say_paused(machine, loop, stream);
    return skip(task, UNWATCH_LAST);
}

// Nobody will write any more, or there was only nothing to read.
static StepResult at_end(Machine *machine, Task *task, Loop *loop, Stream *stream)
{
    uint32_t number = stream_number(loop, stream);
    if (task->scratch == 0)
        return skip(task, ENDED);
    stream->closing = true;
    loop_call_soon(machine, loop, (Callback){CALLBACK_STREAM_EOF, number}, 0);
    loop_call_soon(machine, loop, (Callback){CALLBACK_STREAM_LOST, number}, 0);
    return skip(task, UNWATCH_LAST);
}

// A writer's buffer is empty, or is thrown away because nobody reads.
static StepResult out_gone(Machine *machine, Task *task, Loop *loop, Stream *stream)
{
    if (!stream->broken)
        stream_maybe_resume(machine, loop, stream);
    return skip(task, stream->closing || stream->broken ? UNWATCH_IN : ENDED);
}

static StepResult in_gone(Machine *machine, Task *task, Loop *loop, Stream *stream)
{
    if (stream->closing && !stream->broken && loop->current.callback.kind == CALLBACK_WRITE_READY)
        return skip(task, CLOSE); // all is sent: closed at once
    stream->closing = true;
    loop_call_soon(machine, loop, (Callback){CALLBACK_STREAM_LOST, stream_number(loop, stream)}, 0);
    return skip(task, ENDED);
}

static StepResult wrote(Machine *machine, Task *task, Loop *loop, Stream *stream)
{
    if (task->scratch == STREAM_BROKEN) {
        stream->broken = true;
        bytes_move(machine, &stream->buffer, bytes_length(&stream->buffer), NULL);
    }
    stream_say_level(machine, loop, stream);
    return skip(task, bytes_length(&stream->buffer) == 0 ? UNWATCH_OUT : ENDED);
}

static StepResult close_file(Machine *machine, Task *task, Stream *stream)
{
    PipeEnd end = (PipeEnd)stream->end;
    Process *process = process_of(machine, task);
    if (task->phase == CLOSE) {
        stream_connection_lost(machine, stream);
        return program_syscall(machine, task, SYSCALL_CLOSE, machine_cost(machine, COST_SYSCALL),
                               CLOSING);
    }
    if (pipe_is_open(process, stream->pipe, end)) {
        machine_emit(machine, EVENT_PIPE_CLOSED, task->core, task->id, stream->pipe.index1, end);
        pipe_close(machine, process, stream->pipe, end, task);
    }
    return over(machine, task, ENDED);
}

// The first step of each callback.
static StepResult begin(Machine *machine, Task *task, Loop *loop, Stream *stream)
{
    EpollMask watched = selector_watched(machine, loop, stream_file(stream));
    switch (loop->current.callback.kind) {
    case CALLBACK_STREAM_MADE: // the protocol only notes it
        return skip(task, ENDED);
    case CALLBACK_STREAM_WATCH:
        return skip(task, stream->closing ? ENDED : WATCH_IN);
    case CALLBACK_STREAM_EOF:
        stream->eof = true;
        stream_wake_reader(machine, stream);
        return skip(task, ENDED);
    case CALLBACK_STREAM_LOST:
        return skip(task, CLOSE);
    case CALLBACK_WRITE_READY:
        return skip(task, watched & EPOLL_OUT ? WRITING : ENDED); // else it was cancelled meanwhile
    default:
        break;
    }
    if (!(watched & EPOLL_IN))
        return skip(task, ENDED);
    if (stream->end == PIPE_END_READ)
        return program_syscall(machine, task, SYSCALL_READ, entry(machine, COST_PIPE_READ),
                               READ_LOOK);
    // The reader has gone: what is in the buffer is lost.
    stream->closing = true;
    stream->broken = bytes_length(&stream->buffer) > 0;
    bytes_move(machine, &stream->buffer, bytes_length(&stream->buffer), NULL);
    return skip(task, UNWATCH_OUT);
}

static StepResult file_step(Machine *machine, Task *task, Loop *loop, Stream *stream)
{
    if (task->phase >= WRITING)
        return stream_write(machine, task, stream, bytes_length(&stream->buffer), NULL, WRITING,
                            WROTE);
    if (task->phase >= UNWATCH_LAST)
        return stream_unwatch(machine, task, loop, stream, EPOLL_IN, UNWATCH_LAST, ENDED);
    if (task->phase >= UNWATCH_OUT)
        return stream_unwatch(machine, task, loop, stream, EPOLL_OUT, UNWATCH_OUT, OUT_GONE);
    if (task->phase >= UNWATCH_IN)
        return stream_unwatch(machine, task, loop, stream, EPOLL_IN, UNWATCH_IN, IN_GONE);
    return stream_watch(machine, task, loop, stream, EPOLL_IN, WATCH_IN, ENDED);
}

StepResult stream_callback(Machine *machine, Task *task, Loop *loop, uint8_t next)
{
    Stream *stream = stream_at(loop, loop->current.callback.target);
    switch (task->phase) {
    case BEGIN:
        return begin(machine, task, loop, stream);
    case READ_LOOK:
        return read_look(machine, task, stream);
    case READ_COPIED:
        return read_copied(machine, task, stream);
    case READ_BACK:
        return over(machine, task, FEED);
    case FEED:
        return feed(machine, task, loop, stream);
    case EMPTY_BACK:
        return over(machine, task, AT_END);
    case AT_END:
        return at_end(machine, task, loop, stream);
    case WROTE:
        return wrote(machine, task, loop, stream);
    case OUT_GONE:
        return out_gone(machine, task, loop, stream);
    case IN_GONE:
        return in_gone(machine, task, loop, stream);
    case CLOSE:
    case CLOSING:
        return close_file(machine, task, stream);
    case ENDED:
        loop_done_with_current(machine, loop);
        return skip(task, next);
    default:
        return file_step(machine, task, loop, stream);
    }
}
