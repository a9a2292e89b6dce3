// Streams over pipes, and signals of a loop, in the program that `ringside python` writes. A pipe
// is an object whose ends are connected to the loop when they are first used. The program is one
// process: a pipe between two has no form in it.
#include "sim/scenario/python_writer.h"

#include "sim/trace/record.h"

#include <inttypes.h>

static const char pipe_class[] =
    "\n\nclass Pipe:\n"
    "    \"\"\"A pipe, whose ends become streams of the loop when they are first used.\"\"\"\n"
    "\n"
    "    def __init__(self):\n"
    "        self.read_end, self.write_end = os.pipe()\n"
    "        self.streams = {}\n"
    "\n"
    "    async def reader(self):\n"
    "        if \"r\" not in self.streams:\n"
    "            loop = asyncio.get_running_loop()\n"
    "            self.streams[\"r\"] = loop.create_future()\n"
    "            stream = asyncio.StreamReader()\n"
    "            await loop.connect_read_pipe(\n"
    "                lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(self.read_end, "
    "\"rb\", 0)\n"
    "            )\n"
    "            self.streams[\"r\"].set_result(stream)\n"
    "        return await self.streams[\"r\"]\n"
    "\n"
    "    async def writer(self):\n"
    "        if \"w\" not in self.streams:\n"
    "            loop = asyncio.get_running_loop()\n"
    "            self.streams[\"w\"] = loop.create_future()\n"
    "            transport, protocol = await loop.connect_write_pipe(\n"
    "                asyncio.streams.FlowControlMixin, os.fdopen(self.write_end, \"wb\", 0)\n"
    "            )\n"
    "            stream = asyncio.StreamWriter(transport, protocol, None, loop)\n"
    "            self.streams[\"w\"].set_result(stream)\n"
    "        return await self.streams[\"w\"]\n";

static bool is_stream_op(const Op *op)
{
    return op->code >= OP_READER_READ && op->code <= OP_WRITER_CLOSE;
}

// Whether the program has this pipe (index1): it is the process's alone, and used as a stream.
static bool has_pipe(const Python *python, uint32_t pipe)
{
    const Scenario *scenario = python->scenario;
    bool own = ID_EQUAL(scenario->pipes[pipe - 1].process, python->process);
    for (uint32_t i = 0; i < scenario->op_count && (own || scenario->process_count == 1); i++)
        if (is_stream_op(&scenario->ops[i]) && scenario->ops[i].arg[0] == pipe)
            return true;
    return false;
}

static bool has_pipes(const Python *python)
{
    for (uint32_t pipe = 1; pipe <= python->scenario->pipe_count; pipe++)
        if (has_pipe(python, pipe))
            return true;
    return false;
}

static const char *pipe_name(Python *python, uint32_t pipe)
{
    return python_name(python->scenario, python->arena, PYTHON_PIPE,
                       python->scenario->pipes[pipe - 1].name);
}

void python_stream_imports(Python *python)
{
    if (has_pipes(python))
        python_add(python, "import os\n");
    if (python_uses(python, OP_ADD_SIGNAL_HANDLER))
        python_add(python, "import signal\n");
}

void python_stream_class(Python *python)
{
    if (has_pipes(python))
        python_add(python, "%s", pipe_class);
}

void python_stream_objects(Python *python)
{
    for (uint32_t pipe = 1; pipe <= python->scenario->pipe_count; pipe++)
        if (has_pipe(python, pipe))
            python_line(python, "%s = Pipe()", pipe_name(python, pipe));
}

// The bytes of a write.
static const char *bytes_of(Python *python, const Op *op)
{
    uint64_t size = python->scenario->sizes[op->arg[1] - 1];
    if (op->arg[2] == 0)
        return arena_format(python->arena, "b\"x\" * %" PRIu64, size);
    return arena_format(python->arena, "(b\"x\" * %" PRIu64 " + b\"\\n\") * %u", size - 1,
                        op->arg[2]);
}

static void write_exactly(Python *python, const Op *op, const char *pipe, uint64_t size)
{
    const char *read = arena_format(
        python->arena, "await (await %s.reader()).readexactly(%" PRIu64 ")", pipe, size);
    if (op->arg[2] == 0) {
        python_line(python, "%s", read);
        return;
    }
    python_line(python, "try:");
    python_line(python, "    %s", read);
    python_line(python, "except asyncio.IncompleteReadError:");
    python_block(python, op->arg[2]);
}

// A read, and what is done at the end of the stream.
static void write_read(Python *python, const char *pipe, const char *method, uint32_t otherwise)
{
    const char *read = arena_format(python->arena, "await (await %s.reader()).%s", pipe, method);
    if (otherwise == 0) {
        python_line(python, "%s", read);
        return;
    }
    python_line(python, "if not %s:", read);
    python_block(python, otherwise);
}

bool python_stream_op(Python *python, const Op *op)
{
    if (op->code == OP_ADD_SIGNAL_HANDLER) {
        python_line(python, "asyncio.get_running_loop().add_signal_handler(signal.SIG%s, %s)",
                    signal_name(op->arg[0] - 1),
                    python_function(python, python_function_at(python, op->arg[1])));
        return true;
    }
    if (!is_stream_op(op))
        return false;
    if (!has_pipe(python, op->arg[0])) {
        python_has_no_form(python, op, " from another process");
        return true;
    }
    const char *pipe = pipe_name(python, op->arg[0]);
    uint64_t size = op->arg[1] == 0 || op->arg[1] > python->scenario->size_count
                        ? 0
                        : python->scenario->sizes[op->arg[1] - 1];
    const char *read = arena_format(python->arena, "read(%" PRIu64 ")", size);
    switch (op->code) {
    case OP_READER_READ:
        write_read(python, pipe, read, op->arg[2]);
        break;
    case OP_READER_READLINE:
        write_read(python, pipe, "readline()", op->arg[1]);
        break;
    case OP_READER_READEXACTLY:
        write_exactly(python, op, pipe, size);
        break;
    case OP_READER_LINES:
        python_line(python, "async for line in await %s.reader():", pipe);
        python_block(python, op->arg[1]);
        break;
    case OP_READER_CHUNKS:
        python_line(python, "while await (await %s.reader()).%s:", pipe, read);
        python_block(python, op->arg[2]);
        break;
    case OP_WRITER_WRITE:
        python_line(python, "(await %s.writer()).write(%s)", pipe, bytes_of(python, op));
        break;
    case OP_WRITER_DRAIN:
        python_line(python, "await (await %s.writer()).drain()", pipe);
        break;
    default:
        python_line(python, "(await %s.writer()).close()", pipe);
    }
    return true;
}
