// Ops of coroutines on streams: reader.read and its like, writer.write, writer.drain, writer.close.
// CPython Lib/asyncio/streams.py; the connecting is loop.connect_read_pipe and connect_write_pipe
// of unix_events.py, by the first op on an end of a pipe.
#include "sim/base/check.h"
#include "sim/program/coroutines.h"
#include "sim/program/files.h"
#include "sim/program/stream_callbacks.h"
#include "sim/program/unwind.h"

// Phases of all of them.
enum {
    CONNECTED = 1,
    JOINED,
    FAILED,
    BEGIN,
    LOOK,
    WAIT,
    WOKEN,
    TAKE,
    TAKEN,
    WRITTEN,
    BUFFER,
    YIELDED,
    DRAIN,
    DRAINED,
    CLOSED,
    RAISE,
    RESUME = 20, // three phases each
    RESUME_FOR_MORE = RESUME + 3,
    WATCH_OUT = RESUME_FOR_MORE + 3,
    UNWATCH_IN = WATCH_OUT + 3,
    UNWATCH_BROKEN = UNWATCH_IN + 3,
    WRITING = UNWATCH_BROKEN + 3, // four
    RESUME_AND_RAISE = WRITING + 4,
    UNWATCH_FAILED = RESUME_AND_RAISE + 3, // the last three
};

static uint64_t size_of(const Machine *machine, const Op *op, int arg)
{
    return machine->scenario->sizes[op->arg[arg] - 1];
}

// ---- connecting

static StepResult connected(Machine *machine, Task *task, const Op *op, Stream *stream)
{
    Coroutine *coroutine = coroutine_at(machine, task->coroutine);
    future_drop(machine, coroutine->local[0]);
    if (coroutine->thrown == EXCEPTION_NONE) {
        if (task->phase == CONNECTED)
            stream_connected(machine, stream);
        return program_go(task, BEGIN);
    }
    if (task->phase == JOINED)
        return coroutines_over(machine, task, op);
    stream->closing = true; // nobody will ever have it
    return program_go(task, UNWATCH_FAILED);
}

static StepResult connect_failed(Machine *machine, Task *task, const Op *op, Loop *loop,
                                 const Stream *stream)
{
    loop_call_soon(machine, loop, (Callback){CALLBACK_STREAM_LOST, stream_number(loop, stream)}, 0);
    return coroutines_over(machine, task, op);
}

// The first who uses it connects it; others who come meanwhile wait until that one goes on.
static StepResult connect(Machine *machine, Task *task, const Op *op, Stream *stream)
{
    Coroutine *coroutine = coroutine_at(machine, task->coroutine);
    Loop *loop = loop_at(machine, task->loop);
    if (task->phase == CONNECTED || task->phase == JOINED)
        return connected(machine, task, op, stream);
    if (task->phase == FAILED)
        return connect_failed(machine, task, op, loop, stream);
    if (task->phase >= UNWATCH_FAILED)
        return stream_unwatch(machine, task, loop, stream, EPOLL_IN, UNWATCH_FAILED, FAILED);
    if (stream->state == STREAM_OPEN)
        return program_go(task, BEGIN);
    if (stream->state == STREAM_CONNECTING) {
        coroutine->local[0] = future_hold(machine, stream->connected);
        return coroutines_await(machine, task, coroutine->local[0], JOINED);
    }
    if (!file_is_open(machine, task, op, (PipeEnd)stream->end))
        return STEP_ENDED;
    coroutine->local[0] = stream_connect(machine, loop, stream);
    return coroutines_await(machine, task, coroutine->local[0], CONNECTED);
}

// Whether the op is still at that.
static bool connects(const Task *task)
{
    return task->phase < BEGIN || task->phase >= UNWATCH_FAILED;
}

// ---- reading

typedef enum Wanted { ANY, A_LINE, EXACTLY } Wanted;

typedef struct Read {
    Wanted wanted;
    uint64_t size;
    uint32_t block;     // done after each, up to the end of the stream; 0: it is one read
    uint32_t otherwise; // done at the end of the stream; 0: nothing
    bool raises;        // an incomplete read does
} Read;

static Read read_of(const Machine *machine, const Op *op)
{
    const uint32_t *arg = op->arg;
    switch (op->code) {
    case OP_READER_READ:
        return (Read){.wanted = ANY, .size = size_of(machine, op, 1), .otherwise = arg[2]};
    case OP_READER_CHUNKS:
        return (Read){.wanted = ANY, .size = size_of(machine, op, 1), .block = arg[2]};
    case OP_READER_READLINE:
        return (Read){.wanted = A_LINE, .otherwise = arg[1]};
    case OP_READER_LINES:
        return (Read){.wanted = A_LINE, .block = arg[1]};
    default:
        return (Read){.wanted = EXACTLY,
                      .size = size_of(machine, op, 1),
                      .otherwise = arg[2],
                      .raises = arg[2] == 0};
    }
}

// How many bytes the read can have now; 0: none yet.
static uint64_t available(const Stream *stream, const Read *read)
{
    uint64_t length = bytes_length(&stream->buffer);
    if (read->wanted == ANY)
        return length < read->size ? length : read->size;
    if (read->wanted == EXACTLY)
        return length < read->size ? 0 : read->size;
    uint64_t line = bytes_line(&stream->buffer);
    bool last = line == 0 && stream->eof && length <= STREAM_LIMIT;
    return last ? length : line; // the last one may have no end
}

static void throw_away(Machine *machine, Loop *loop, Stream *stream, uint64_t bytes)
{
    bytes_move(machine, &stream->buffer, bytes, NULL);
    stream_say_level(machine, loop, stream);
}

// _maybe_resume_transport; then the op goes on in `next`, by way of three phases from `watch` on
// when the pipe is to be watched again.
static StepResult maybe_resume(Machine *machine, Task *task, const Loop *loop, Stream *stream,
                               uint8_t watch, uint8_t next)
{
    if (!stream->paused || bytes_length(&stream->buffer) > STREAM_LIMIT)
        return program_go(task, next);
    stream->paused = false;
    stream_say_paused(machine, loop, stream);
    return program_go(task, stream->closing ? next : watch);
}

static StepResult at_end(Machine *machine, Task *task, const Op *op, const Read *read)
{
    if (read->raises)
        return unwind_raise(machine, task, EXCEPTION_ERROR); // IncompleteReadError
    return program_else(task, op, read->otherwise);
}

static StepResult look(Machine *machine, Task *task, const Op *op, Loop *loop, Stream *stream,
                       const Read *read)
{
    uint64_t length = bytes_length(&stream->buffer), bytes = available(stream, read);
    if (stream->broken)
        return unwind_raise(machine, task, EXCEPTION_ERROR);
    if (bytes > 0)
        return program_go(task, TAKE);
    if (read->wanted == A_LINE && length > STREAM_LIMIT) { // ValueError: no line may be so long
        throw_away(machine, loop, stream, length);
        return maybe_resume(machine, task, loop, stream, RESUME_AND_RAISE, RAISE);
    }
    if (stream->eof) {
        if (length > 0)
            throw_away(machine, loop, stream, length);
        return at_end(machine, task, op, read);
    }
    if (stream->waiter != 0) // RuntimeError: another coroutine waits already
        return unwind_raise(machine, task, EXCEPTION_ERROR);
    if (!stream->paused)
        return program_go(task, WAIT);
    stream->paused = false;
    stream_say_paused(machine, loop, stream);
    return program_go(task, RESUME_FOR_MORE);
}

static StepResult wait_for_data(Machine *machine, Task *task, Stream *stream)
{
    Coroutine *coroutine = coroutine_at(machine, task->coroutine);
    stream->waiter = future_create(machine, task->loop, FUTURE_PLAIN);
    coroutine->local[0] = stream->waiter;
    return coroutines_await(machine, task, stream->waiter, WOKEN);
}

static StepResult woken(Machine *machine, Task *task, const Op *op, Stream *stream)
{
    Coroutine *coroutine = coroutine_at(machine, task->coroutine);
    if (stream->waiter == coroutine->local[0])
        stream->waiter = 0;
    future_drop(machine, coroutine->local[0]);
    return coroutine->thrown == EXCEPTION_NONE ? program_go(task, LOOK)
                                               : coroutines_over(machine, task, op);
}

static StepResult take(Machine *machine, Task *task, Loop *loop, Stream *stream, const Read *read)
{
    uint64_t bytes = available(stream, read);
    bool too_long = read->wanted == A_LINE && bytes - 1 > STREAM_LIMIT;
    throw_away(machine, loop, stream, bytes);
    if (too_long)
        return maybe_resume(machine, task, loop, stream, RESUME_AND_RAISE, RAISE);
    machine_emit(machine, EVENT_STREAM_READ, task->core, task->id, stream->pipe.index1, bytes);
    return maybe_resume(machine, task, loop, stream, RESUME, TAKEN);
}

static StepResult read_step(Machine *machine, Task *task, const Op *op)
{
    Coroutine *coroutine = coroutines_current(machine, task, op);
    if (coroutine == NULL)
        return STEP_ENDED;
    Loop *loop = loop_at(machine, task->loop);
    Stream *stream = stream_of(machine, loop, (PipeId){op->arg[0]}, PIPE_END_READ);
    Read read = read_of(machine, op);
    if (connects(task) && task->phase != PHASE_BLOCK_DONE)
        return connect(machine, task, op, stream);
    switch (task->phase) {
    case BEGIN:
    case PHASE_BLOCK_DONE:
        return program_work(machine, task, false, machine_cost(machine, COST_STREAM_READ), LOOK);
    case LOOK:
        return look(machine, task, op, loop, stream, &read);
    case WAIT:
        return wait_for_data(machine, task, stream);
    case WOKEN:
        return woken(machine, task, op, stream);
    case TAKE:
        return take(machine, task, loop, stream, &read);
    case TAKEN:
        if (read.block == 0 && op->code != OP_READER_CHUNKS && op->code != OP_READER_LINES)
            return program_done(task, op);
        task->op = read.block != 0 ? read.block : task->op;
        return program_go(task, read.block != 0 ? PHASE_ENTER : BEGIN);
    case RAISE: // ValueError
        return unwind_raise(machine, task, EXCEPTION_ERROR);
    default:
        if (task->phase >= RESUME_AND_RAISE)
            return stream_watch(machine, task, loop, stream, EPOLL_IN, RESUME_AND_RAISE, RAISE);
        if (task->phase >= RESUME_FOR_MORE)
            return stream_watch(machine, task, loop, stream, EPOLL_IN, RESUME_FOR_MORE, WAIT);
        return stream_watch(machine, task, loop, stream, EPOLL_IN, RESUME, TAKEN);
    }
}

StepResult step_READER_READ(Machine *machine, Task *task, const Op *op)
{
    return read_step(machine, task, op);
}

StepResult step_READER_READLINE(Machine *machine, Task *task, const Op *op)
{
    return read_step(machine, task, op);
}

StepResult step_READER_READEXACTLY(Machine *machine, Task *task, const Op *op)
{
    return read_step(machine, task, op);
}

StepResult step_READER_LINES(Machine *machine, Task *task, const Op *op)
{
    return read_step(machine, task, op);
}

StepResult step_READER_CHUNKS(Machine *machine, Task *task, const Op *op)
{
    return read_step(machine, task, op);
}

// ---- writing

typedef struct Write {
    uint64_t size, line; // as of stream_write
} Write;

static Write write_of(const Machine *machine, const Op *op)
{
    uint64_t size = size_of(machine, op, 1);
    return op->arg[2] == 0 ? (Write){size, 0} : (Write){size * op->arg[2], size};
}

// transport.write, when its buffer is not empty.
static StepResult append(Machine *machine, Task *task, const Op *op, Loop *loop, Stream *stream,
                         uint64_t written)
{
    Write write = write_of(machine, op);
    bytes_add(machine, &stream->buffer, write.size - written, write.line, written);
    stream_say_level(machine, loop, stream);
    stream_maybe_pause(machine, loop, stream);
    return program_done(task, op);
}

static StepResult written(Machine *machine, Task *task, const Op *op, Stream *stream)
{
    if (task->scratch == write_of(machine, op).size)
        return program_done(task, op);
    if (task->scratch != STREAM_BROKEN)
        return program_go(task, WATCH_OUT);
    // The transport is closed; nobody is told but who drains.
    stream->broken = stream->closing = true;
    return program_go(task, UNWATCH_BROKEN);
}

static StepResult broken(Machine *machine, Task *task, const Op *op, Loop *loop, Stream *stream)
{
    loop_call_soon(machine, loop, (Callback){CALLBACK_STREAM_LOST, stream_number(loop, stream)}, 0);
    return program_done(task, op);
}

StepResult step_WRITER_WRITE(Machine *machine, Task *task, const Op *op)
{
    Coroutine *coroutine = coroutines_current(machine, task, op);
    if (coroutine == NULL)
        return STEP_ENDED;
    Loop *loop = loop_at(machine, task->loop);
    Stream *stream = stream_of(machine, loop, (PipeId){op->arg[0]}, PIPE_END_WRITE);
    Write write = write_of(machine, op);
    if (connects(task))
        return connect(machine, task, op, stream);
    switch (task->phase) {
    case BEGIN:
        return program_work(machine, task, false, machine_cost(machine, COST_STREAM_WRITE), LOOK);
    case LOOK:
        if (stream->closing)
            return program_done(task, op); // what it writes is lost
        if (bytes_length(&stream->buffer) > 0)
            return append(machine, task, op, loop, stream, 0);
        return program_go(task, WRITING);
    case WRITTEN:
        return written(machine, task, op, stream);
    case BUFFER:
        return append(machine, task, op, loop, stream, task->scratch);
    case CLOSED:
        return broken(machine, task, op, loop, stream);
    default:
        break;
    }
    if (task->phase >= WRITING)
        return stream_write(machine, task, stream, write.size, &write.line, WRITING, WRITTEN);
    if (task->phase >= UNWATCH_BROKEN)
        return stream_unwatch(machine, task, loop, stream, EPOLL_IN, UNWATCH_BROKEN, CLOSED);
    return stream_watch(machine, task, loop, stream, EPOLL_OUT, WATCH_OUT, BUFFER);
}

static StepResult begin_drain(Machine *machine, Task *task, const Op *op, Stream *stream)
{
    Coroutine *coroutine = coroutine_at(machine, task->coroutine);
    if (stream->lost) // ConnectionResetError
        return unwind_raise(machine, task, EXCEPTION_ERROR);
    if (!stream->paused)
        return program_done(task, op); // it does not let others go first
    if (stream->first != 0 && loop_at(machine, task->loop)->runtime->minor < 10)
        return unwind_raise(machine, task, EXCEPTION_ERROR); // an assertion: only one could wait
    uint32_t future = future_create(machine, task->loop, FUTURE_PLAIN);
    coroutine->local[0] = future;
    links_add(machine, &stream->first, &stream->last, future_hold(machine, future));
    return coroutines_await(machine, task, future, DRAINED);
}

static void forget_drain(Machine *machine, Stream *stream, uint32_t future)
{
    uint32_t *at = &stream->first, before = 0;
    while (link_at(machine, *at)->future != future) {
        before = *at;
        at = &link_at(machine, *at)->next;
    }
    uint32_t link = *at;
    *at = link_at(machine, link)->next;
    if (stream->last == link)
        stream->last = before;
    pool_give(&machine->asyncio->links, link);
    future_drop(machine, future);
}

StepResult step_WRITER_DRAIN(Machine *machine, Task *task, const Op *op)
{
    Coroutine *coroutine = coroutines_current(machine, task, op);
    if (coroutine == NULL)
        return STEP_ENDED;
    Stream *stream =
        stream_of(machine, loop_at(machine, task->loop), (PipeId){op->arg[0]}, PIPE_END_WRITE);
    if (connects(task))
        return connect(machine, task, op, stream);
    switch (task->phase) {
    case BEGIN: // sleep(0), so that connection_lost can be called
        return stream->closing ? coroutines_yield(machine, task, YIELDED) : program_go(task, DRAIN);
    case YIELDED:
        return coroutine->thrown == EXCEPTION_NONE ? program_go(task, DRAIN)
                                                   : coroutines_over(machine, task, op);
    case DRAIN:
        return begin_drain(machine, task, op, stream);
    default:
        CHECKF(task->phase == DRAINED, "phase %u", task->phase);
        forget_drain(machine, stream, coroutine->local[0]);
        future_drop(machine, coroutine->local[0]);
        return coroutines_over(machine, task, op);
    }
}

StepResult step_WRITER_CLOSE(Machine *machine, Task *task, const Op *op)
{
    Coroutine *coroutine = coroutines_current(machine, task, op);
    if (coroutine == NULL)
        return STEP_ENDED;
    Loop *loop = loop_at(machine, task->loop);
    Stream *stream = stream_of(machine, loop, (PipeId){op->arg[0]}, PIPE_END_WRITE);
    if (connects(task))
        return connect(machine, task, op, stream);
    switch (task->phase) {
    case BEGIN:
        if (stream->closing)
            return program_done(task, op);
        stream->closing = true; // what is in the buffer is sent first
        return bytes_length(&stream->buffer) > 0 ? program_done(task, op)
                                                 : program_go(task, UNWATCH_IN);
    case CLOSED:
        loop_call_soon(machine, loop, (Callback){CALLBACK_STREAM_LOST, stream_number(loop, stream)},
                       0);
        return program_done(task, op);
    default:
        return stream_unwatch(machine, task, loop, stream, EPOLL_IN, UNWATCH_IN, CLOSED);
    }
}
