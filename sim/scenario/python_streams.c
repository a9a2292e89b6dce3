// Pipes, streams over them, and signals of a loop, in the program that `ringside python` writes. A
// pipe is an object whose ends are connected to the loop when they are first used as streams.
#include "sim/scenario/python_writer.h"

#include "sim/trace/record.h"

#include <inttypes.h>

// ---- which pipes

static bool is_plain_op(const Op *op)
{
    return op->code == OP_WRITE || op->code == OP_READ || op->code == OP_READ_UNTIL_EOF ||
           op->code == OP_CLOSE;
}

static bool is_stream_op(const Op *op)
{
    return op->code >= OP_READER_READ && op->code <= OP_WRITER_CLOSE;
}

static bool uses_pipe(const Python *python, const PipeUse *use, uint32_t pipe)
{
    return use->pipe.index1 == pipe &&
           ID_EQUAL(python->scenario->processes[use->process.index1 - 1].family, python->process);
}

// Whether the scenario's operations use it: Python's own libraries have pipes, too.
static bool is_used(const Python *python, uint32_t pipe)
{
    for (uint32_t i = 0; i < python->scenario->op_count; i++) {
        const Op *op = &python->scenario->ops[i];
        if ((is_plain_op(op) || is_stream_op(op)) && op->arg[0] == pipe)
            return true;
    }
    return false;
}

bool python_has_pipe(const Python *python, uint32_t pipe)
{
    const PipeDef *def = &python->scenario->pipes[pipe - 1];
    if (python->whole || ID_EQUAL(def->process, python->process))
        return true;
    bool others = !ID_NONE(def->process);
    for (uint32_t i = 0; i < python->scenario->pipe_use_count; i++) {
        const PipeUse *use = &python->scenario->pipe_uses[i];
        others |= use->pipe.index1 == pipe && !uses_pipe(python, use, pipe);
    }
    return !others;
}

static const char *pipe_name(Python *python, uint32_t pipe)
{
    return python_name(python, PYTHON_PIPE, python->scenario->pipes[pipe - 1].name);
}

void python_pipes(Python *python)
{
    for (uint32_t pipe = 1; pipe <= python->scenario->pipe_count; pipe++)
        if (is_used(python, pipe) && python_has_pipe(python, pipe))
            python_line(python, "%s = Pipe()", pipe_name(python, pipe));
}

void python_close_unused(Python *python)
{
    for (uint32_t pipe = 1; pipe <= python->scenario->pipe_count; pipe++) {
        ProcessId owner = python->scenario->pipes[pipe - 1].process;
        bool own = !ID_NONE(owner) && ID_EQUAL(owner, python->process);
        if (!is_used(python, pipe))
            continue;
        bool uses[PIPE_END_COUNT] = {[PIPE_END_READ] = own, [PIPE_END_WRITE] = own};
        for (uint32_t i = 0; i < python->scenario->pipe_use_count; i++) {
            const PipeUse *use = &python->scenario->pipe_uses[i];
            for (int end = 0; end < PIPE_END_COUNT && uses_pipe(python, use, pipe); end++)
                uses[end] |= use->end[end];
        }
        if (!uses[PIPE_END_READ])
            python_line(python, "os.close(%s.read_end)", pipe_name(python, pipe));
        if (!uses[PIPE_END_WRITE])
            python_line(python, "os.close(%s.write_end)", pipe_name(python, pipe));
    }
}

// ---- operations of threads

static uint64_t size_of(const Python *python, const Op *op)
{
    return python->scenario->sizes[op->arg[1] - 1];
}

// The bytes of a write.
static const char *bytes_of(Python *python, const Op *op)
{
    uint64_t size = size_of(python, op);
    if (op->arg[2] == 0)
        return arena_format(python->arena, "b\"x\" * %" PRIu64, size);
    const char *line = arena_format(python->arena, "b\"x\" * %" PRIu64 " + b\"\\n\"", size - 1);
    return op->arg[2] == 1 ? line : arena_format(python->arena, "(%s) * %u", line, op->arg[2]);
}

static bool write_plain(Python *python, const Op *op)
{
    const char *pipe = pipe_name(python, op->arg[0]);
    switch (op->code) {
    case OP_WRITE:
        python_line(python, "os.write(%s.write_end, %s)", pipe, bytes_of(python, op));
        return true;
    case OP_READ:
        python_line(python, "os.read(%s.read_end, %" PRIu64 ")", pipe, size_of(python, op));
        return true;
    case OP_READ_UNTIL_EOF:
        python_line(python, "while os.read(%s.read_end, %" PRIu64 "):", pipe, size_of(python, op));
        python_block(python, op->arg[2]);
        return true;
    default:
        python_line(python, "os.close(%s.%s_end)", pipe,
                    op->arg[1] == PIPE_END_READ + 1 ? "read" : "write");
        return true;
    }
}

// ---- operations of streams

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
                    signal_name(op->arg[0] - 1), python_function_name(python, op->arg[1]));
        return true;
    }
    bool plain = is_plain_op(op);
    if (!plain && !is_stream_op(op))
        return false;
    if (!python_has_pipe(python, op->arg[0]))
        return python_has_no_form(python, op, " of a pipe to another process",
                                  "a program of this process alone does not have it");
    if (plain)
        return write_plain(python, op);
    python->streams = true;
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
