#include "sim/python/stream.h"

#include "sim/base/check.h"

#include <stdlib.h>

// ---- a loop's streams: one for each end of each pipe, from the first use of any

Stream *stream_of(Machine *machine, Loop *loop, PipeId pipe, PipeEnd end)
{
    uint32_t count = machine->scenario->pipe_count * PIPE_END_COUNT;
    if (loop->streams == NULL) {
        loop->streams = calloc(count, sizeof *loop->streams);
        CHECKF(loop->streams != NULL, "out of memory for %u streams", count);
        machine->python_bytes += count * sizeof *loop->streams;
    }
    Stream *stream = &loop->streams[(pipe.index1 - 1) * PIPE_END_COUNT + (uint32_t)end];
    stream->pipe = pipe;
    stream->end = (uint8_t)end;
    return stream;
}

uint32_t stream_number(const Loop *loop, const Stream *stream)
{
    return (uint32_t)(stream - loop->streams) + 1;
}

Stream *stream_at(const Loop *loop, uint32_t number)
{
    return &loop->streams[number - 1];
}

void streams_free(Machine *machine, Loop *loop)
{
    uint32_t count = loop->streams == NULL ? 0 : machine->scenario->pipe_count * PIPE_END_COUNT;
    for (uint32_t i = 0; i < count; i++)
        bytes_free(machine, &loop->streams[i].buffer);
    machine->python_bytes -= count * sizeof *loop->streams;
    free(loop->streams);
    loop->streams = NULL;
}

uint32_t stream_connect(Machine *machine, Loop *loop, Stream *stream)
{
    uint32_t number = stream_number(loop, stream);
    uint32_t waiter = future_create(machine, loop->id, FUTURE_PLAIN);
    stream->state = STREAM_CONNECTING;
    stream->connected = future_create(machine, loop->id, FUTURE_PLAIN);
    loop_call_soon(machine, loop, (Callback){CALLBACK_STREAM_MADE, number}, 0);
    loop_call_soon(machine, loop, (Callback){CALLBACK_STREAM_WATCH, number}, 0);
    future_hold(machine, waiter);
    loop_call_soon(machine, loop, (Callback){CALLBACK_RELEASE, waiter}, 0);
    return waiter;
}

void stream_connected(Machine *machine, Stream *stream)
{
    uint32_t connected = stream->connected;
    stream->state = STREAM_OPEN;
    stream->connected = 0;
    future_set_result(machine, connected);
    future_drop(machine, connected);
}

// ---- what is said

static void emit(Machine *machine, const Loop *loop, EventKind kind, const Stream *stream,
                 uint64_t value)
{
    File file = stream_file(stream);
    machine_emit(machine, kind, task_at(machine, loop->thread)->core, loop->thread,
                 file_pack(file.kind, file.id), value);
}

void stream_say_level(Machine *machine, const Loop *loop, const Stream *stream)
{
    emit(machine, loop, EVENT_STREAM_LEVEL, stream, bytes_length(&stream->buffer));
}

void stream_say_paused(Machine *machine, const Loop *loop, const Stream *stream)
{
    emit(machine, loop, stream->paused ? EVENT_STREAM_PAUSED : EVENT_STREAM_RESUMED, stream, 0);
}

// ---- protocol

static void finish(Machine *machine, uint32_t future, bool failed)
{
    if (future_is_done(machine, future))
        return;
    if (failed)
        future_set_exception(machine, future, EXCEPTION_ERROR);
    else
        future_set_result(machine, future);
}

void stream_wake_reader(Machine *machine, Stream *stream)
{
    uint32_t waiter = stream->waiter;
    stream->waiter = 0;
    if (waiter != 0)
        finish(machine, waiter, stream->broken);
}

static void wake_drains(Machine *machine, Stream *stream)
{
    for (uint32_t at = stream->first; at != 0; at = link_at(machine, at)->next)
        finish(machine, link_at(machine, at)->future, stream->broken);
}

void stream_maybe_pause(Machine *machine, const Loop *loop, Stream *stream)
{
    if (stream->paused || bytes_length(&stream->buffer) <= STREAM_HIGH_WATER)
        return;
    stream->paused = true;
    stream_say_paused(machine, loop, stream);
}

void stream_maybe_resume(Machine *machine, const Loop *loop, Stream *stream)
{
    if (!stream->paused)
        return;
    stream->paused = false;
    stream_say_paused(machine, loop, stream);
    wake_drains(machine, stream);
}

void stream_connection_lost(Machine *machine, Stream *stream)
{
    stream->lost = true;
    if (stream->end == PIPE_END_READ) {
        stream->eof = true;
        stream_wake_reader(machine, stream);
    } else if (stream->paused) {
        wake_drains(machine, stream);
    }
}
