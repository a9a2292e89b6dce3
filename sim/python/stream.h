// Streams of asyncio over pipes: what StreamReader and StreamWriter keep, with the transport and
// the protocol between them and the pipe. CPython Lib/asyncio/streams.py, unix_events.py. What they
// do that takes system calls is sim/program/steps_stream.c.
//
// A reader's end is read whenever something is there, up to 256 KiB at once, into a buffer; past
// twice its limit it is not watched any more until the buffer is down to the limit. A writer writes
// at once when its buffer is empty, and what does not fit waits there; past the high-water mark
// drain() waits. A pipe's transport, unlike a socket's, lets drain() go on only when its buffer is
// empty: it looks at the low-water mark (16 KiB) only then.
//
// Streams that the program has not closed when its loop ends leave their pipes open up to the end
// of the process. (CPython closes them when nothing refers to them any more, with a warning.)
#pragma once
#include "sim/kernel/pipe.h"
#include "sim/python/selector.h"

enum { STREAM_READ_MOST = 256 * 1024 }; // at once

typedef enum StreamState { STREAM_UNUSED, STREAM_CONNECTING, STREAM_OPEN } StreamState;

typedef struct Stream {
    PipeId pipe;
    uint8_t end;          // PipeEnd: a reader or a writer
    uint8_t state;        // StreamState
    bool closing;         // the transport reads, or takes, no more
    bool lost;            // connection_lost has been called, and the pipe's end closed,
    bool broken;          // with an error: nobody reads any more
    bool eof;             // there will be no more in the buffer than there is
    bool paused;          // a reader is not watched; a writer's drain() waits
    Bytes buffer;         // read and not yet asked for; written and not yet sent
    uint32_t waiter;      // the future of who waits for data; 0: nobody
    uint32_t connected;   // while connecting, what others who use it wait for; held
    uint32_t first, last; // Links: the futures of those who wait in drain()
} Stream;

// The loop's stream at an end of a pipe, and its number among the loop's, from 1.
Stream *stream_of(Machine *machine, Loop *loop, PipeId pipe, PipeEnd end);
uint32_t stream_number(const Loop *loop, const Stream *stream);
Stream *stream_at(const Loop *loop, uint32_t number);
void streams_free(Machine *machine, Loop *loop);

static inline File stream_file(const Stream *stream)
{
    return (File){stream->end == PIPE_END_READ ? FILE_PIPE_READ : FILE_PIPE_WRITE,
                  stream->pipe.index1};
}

// connect_read_pipe, connect_write_pipe: the future that is done when it is connected, held by the
// caller, who is the first to use the stream and then calls stream_connected.
uint32_t stream_connect(Machine *machine, Loop *loop, Stream *stream);
void stream_connected(Machine *machine, Stream *stream);

// The buffer has changed: that is said.
void stream_say_level(Machine *machine, const Loop *loop, const Stream *stream);
void stream_say_paused(Machine *machine, const Loop *loop, const Stream *stream);
// A reader: who waits for data or the end looks again.
void stream_wake_reader(Machine *machine, Stream *stream);
// A writer: its buffer has grown, or is empty.
void stream_maybe_pause(Machine *machine, const Loop *loop, Stream *stream);
void stream_maybe_resume(Machine *machine, const Loop *loop, Stream *stream);
// What the protocol does when the connection is lost.
void stream_connection_lost(Machine *machine, Stream *stream);
