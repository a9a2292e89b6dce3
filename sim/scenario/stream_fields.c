// What the loader knows besides their rows of ops on streams, and of signals that a loop waits for.
#include "sim/scenario/library.h"

bool stream_reads(unsigned code)
{
    return code == OP_READER_READ || code == OP_READER_READLINE || code == OP_READER_READEXACTLY ||
           code == OP_READER_LINES || code == OP_READER_CHUNKS;
}

bool stream_writes(unsigned code)
{
    return code == OP_WRITER_WRITE || code == OP_WRITER_DRAIN || code == OP_WRITER_CLOSE;
}

bool stream_finish_op(Loader *loader, const Op *op, const Node *const given[OP_FIELDS_MAX])
{
    bool lines = op->code == OP_WRITE || op->code == OP_WRITER_WRITE;
    if (!lines || op->arg[1] == 0 || op->arg[2] == 0)
        return true;
    if (loader->sizes.at[op->arg[1] - 1] <= MEMORY_BYTES_MAX / op->arg[2])
        return true;
    return loader_fail(loader, given[2], NULL, "'%s' of so many lines is more than 32TiB at once",
                       op_info(op->code)->name);
}

// Python's handler in C of such a signal: it sends the signal's number to the loop, and that is
// all.
void signal_handlers_finish(Loader *loader)
{
    uint32_t code[SIGNAL_COUNT] = {0};
    size_t count = loader->ops.count;
    for (size_t i = 0; i < count; i++) {
        if (loader->ops.at[i].code != OP_ADD_SIGNAL_HANDLER || loader->ops.at[i].arg[0] == 0)
            continue;
        uint32_t signal = loader->ops.at[i].arg[0] - 1;
        SourceAt at = loader->op_at.at[i];
        if (code[signal] == 0) {
            code[signal] = library_op(loader, at, OP_LIB_WAKEUP_FD, signal, 0, 0);
            library_op(loader, at, OP_RETURN, 0, 0, 0);
        }
        loader->ops.at[i].arg[ADD_SIGNAL_HANDLER_CODE] = code[signal];
    }
}
