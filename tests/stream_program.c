// One process and one loop, so that its pipes have both ends in it and everything that happens is
// the loop's doing: tasks that write, that read line by line, in pieces or exactly, that are
// cancelled or run out of time while they wait, and ends that come early.
#include "tests/stream_program.h"

#include "sim/base/rng.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

enum { PIPES_MOST = 3 };

typedef struct Writer {
    char *text;
    size_t room, length;
    Rng rng;
    int minor;
    int prints;
    bool whole_pages;
} Writer;

__attribute__((format(printf, 2, 3))) static void put(Writer *writer, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    if (writer->length < writer->room)
        writer->length += (size_t)vsnprintf(writer->text + writer->length,
                                            writer->room - writer->length, format, values);
    va_end(values);
}

static uint32_t below(Writer *writer, uint32_t bound)
{
    return rng_u32(&writer->rng) % bound;
}

static void print(Writer *writer, const char *who)
{
    put(writer, "    - print: %s%d\n", who, writer->prints++);
}

// A few bytes, many, or more than the pipe, the buffer or a line may have.
static uint32_t size(Writer *writer)
{
    static const uint32_t most[] = {20, 2000, 70000, 250000};
    return 1 + below(writer, most[below(writer, 4)]);
}

// The same of a write. A pipe of Linux holds sixteen pages, which a write may leave half empty, and
// the simulated one 64 KiB: so a writer here writes little, and never fills it, or whole pages.
static uint32_t write_size(Writer *writer)
{
    return writer->whole_pages ? 4096 * (1 + below(writer, 60)) : 1 + below(writer, 1000);
}

static void write_step(Writer *writer, int pipe)
{
    uint32_t lines = below(writer, 3) == 0 ? 0 : 1 + below(writer, 4);
    switch (below(writer, 5)) {
    case 0:
        put(writer, "    - await: { sleep: %ums }\n", below(writer, 8));
        break;
    case 1:
        put(writer, "    - compute: %uus\n", 1 + below(writer, 3000));
        break;
    case 2:
        put(writer, "    - writer.drain: p%d\n", pipe);
        print(writer, "drained");
        break;
    default:
        put(writer, "    - writer.write: { to: p%d, size: %uB", pipe, write_size(writer));
        if (lines > 0)
            put(writer, ", lines: %u", lines);
        put(writer, " }\n");
        print(writer, "wrote");
    }
}

static void read_step(Writer *writer, int pipe)
{
    switch (below(writer, 7)) {
    case 0:
        put(writer, "    - await: { sleep: %ums }\n", below(writer, 8));
        break;
    case 1:
        put(writer, "    - reader.readline: { from: p%d, else: [ { print: end%d } ] }\n", pipe,
            writer->prints++);
        break;
    case 2:
        put(writer,
            "    - reader.readexactly: { from: p%d, size: %uB, else: [ { print: short%d } ] }\n",
            pipe, size(writer), writer->prints++);
        break;
    case 3:
        put(writer,
            "    - try: { do: [ { reader.readline: p%d } ], except: { error: [ { print: "
            "error%d } ] } }\n",
            pipe, writer->prints++);
        break;
    case 4:
        if (writer->minor >= 11) {
            put(writer,
                "    - try: { do: [ { timeout: { after: %ums, do: [ { reader.readexactly: { from: "
                "p%d, size: %uB } } ] } } ], except: { timeout: [ { print: late%d } ] } }\n",
                1 + below(writer, 9), pipe, size(writer), writer->prints++);
            break;
        }
        // fall through
    default:
        put(writer, "    - reader.read: { from: p%d, size: %uB, else: [ { print: end%d } ] }\n",
            pipe, size(writer), writer->prints++);
    }
    print(writer, "read");
}

static void end_reading(Writer *writer, int pipe)
{
    const char *sleeps = below(writer, 2) == 0 ? ", { await: { sleep: 1ms } }" : "";
    if (below(writer, 3) == 0)
        put(writer, "    - reader.lines: { from: p%d, do: [ { print: line%d }%s ] }\n", pipe,
            writer->prints++, sleeps);
    else
        put(writer, "    - reader.chunks: { from: p%d, size: %uB, do: [ { print: chunk%d }%s ] }\n",
            pipe, 500 + size(writer), writer->prints++, sleeps);
    print(writer, "over");
}

void stream_program(uint64_t seed, int minor, char *text, size_t room)
{
    Writer writer = {.text = text, .room = room, .rng = rng_make(seed, 0x57), .minor = minor};
    int pipes = 1 + (int)below(&writer, PIPES_MOST);
    put(&writer,
        "title: streams\nmachine: { costs: zero }\nruntime: cpython-3.%d\npipes: [ p0, p1, "
        "p2 ]\nfunctions:\n",
        minor);
    for (int pipe = 0; pipe < pipes; pipe++) {
        put(&writer, "  w%d:\n", pipe);
        writer.whole_pages = below(&writer, 3) != 0;
        for (uint32_t i = 0, steps = 1 + below(&writer, 9); i < steps; i++)
            write_step(&writer, pipe);
        if (below(&writer, 5) != 0)
            put(&writer, "    - writer.close: p%d\n", pipe);
        print(&writer, "written");
        put(&writer, "  r%d:\n", pipe);
        for (uint32_t i = 0, steps = 1 + below(&writer, 6); i < steps; i++)
            read_step(&writer, pipe);
        if (below(&writer, 3) != 0)
            end_reading(&writer, pipe);
        print(&writer, "done");
    }
    put(&writer, "  main:\n");
    for (int pipe = 0; pipe < pipes; pipe++) {
        bool reader_first = below(&writer, 2) == 0;
        put(&writer, "    - create_task: { run: %c%d, as: %c }\n", reader_first ? 'r' : 'w', pipe,
            reader_first ? 'a' + pipe : 'k' + pipe);
        put(&writer, "    - create_task: { run: %c%d, as: %c }\n", reader_first ? 'w' : 'r', pipe,
            reader_first ? 'k' + pipe : 'a' + pipe);
    }
    put(&writer, "    - await: { sleep: %ums }\n", 1 + below(&writer, 20));
    if (below(&writer, 2) == 0)
        put(&writer, "    - cancel: %c\n",
            (below(&writer, 2) == 0 ? 'a' : 'k') + (int)below(&writer, (uint32_t)pipes));
    put(&writer, "    - await: { sleep: 1s }\n    - print: main\n"
                 "threads:\n  - { name: main, run: [ { asyncio.run: main } ] }\n");
}
