#include "sim/scenario/library.h"

#include <string.h>

// ---- ops

uint32_t library_here(const Loader *loader)
{
    return (uint32_t)loader->ops.count;
}

uint32_t library_op(Loader *loader, SourceAt at, OpCode code, uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t index = library_here(loader);
    if (index >= OPS_MAX) {
        const Node place = {.at = at};
        if (!loader->ops_full)
            loader_fail(loader, &place, NULL, "more than %d operations; use 'repeat' or 'call'",
                        OPS_MAX);
        loader->ops_full = true;
        return 0;
    }
    *ARRAY_PUSH(&loader->ops) = (Op){.code = (uint16_t)code, .next = index + 1, .arg = {a, b, c}};
    *ARRAY_PUSH(&loader->op_at) = at;
    return index;
}

void library_aim(Loader *loader, uint32_t op, int arg, uint32_t value)
{
    if (op != 0)
        loader->ops.at[op].arg[arg] = value;
}

uint32_t library_repeat(Loader *loader, SourceAt at, uint32_t times)
{
    uint32_t repeat = library_op(loader, at, OP_REPEAT, times, 0, 0);
    library_aim(loader, repeat, 1, library_here(loader));
    return repeat;
}

void library_repeated(Loader *loader, SourceAt at, uint32_t repeat)
{
    library_op(loader, at, OP_BLOCK_END, repeat, 0, 0);
    if (repeat != 0)
        loader->ops.at[repeat].next = library_here(loader);
}

// ---- objects

StringId library_name(Loader *loader, StringId owner, const char *what)
{
    const char *text = loader->strings.at[owner.index1 - 1];
    if (what != NULL)
        text = arena_format(&loader->scratch, "%s-%s", text, what);
    return intern_string(loader, text);
}

SyncId library_sync(Loader *loader, ProcessId process, SourceAt at, StringId owner,
                    const char *what, SyncDef def)
{
    def.name = library_name(loader, owner, what);
    def.process = process;
    def.at = at;
    def.library = true;
    *ARRAY_PUSH(&loader->syncs) = def;
    return (SyncId){(uint32_t)loader->syncs.count};
}

SyncId library_semaphore(Loader *loader, ProcessId process, SourceAt at, StringId owner,
                         const char *what, uint32_t value)
{
    return library_sync(loader, process, at, owner, what,
                        (SyncDef){.kind = SYNC_SEMAPHORE, .parameter = value, .shared = true});
}

PipeId library_pipe(Loader *loader, ProcessId process, SourceAt at, StringId owner,
                    const char *what)
{
    *ARRAY_PUSH(&loader->pipes) =
        (PipeDef){.name = library_name(loader, owner, what), .process = process, .at = at};
    return (PipeId){(uint32_t)loader->pipes.count};
}

// ---- threads and processes

ThreadDefId library_thread(Loader *loader, ProcessId process, SourceAt at, StringId owner,
                           const char *what, uint32_t entry)
{
    StringId name = library_name(loader, owner, what);
    ThreadDef *def = processes_add_thread(loader, name, process, 0, at);
    def->spawned = def->daemon = def->library = true;
    def->entry = entry;
    return (ThreadDefId){(uint32_t)loader->threads.count};
}

ThreadDefId library_child(Loader *loader, ProcessId process, SourceAt at, StringId owner,
                          const char *what, bool several, uint32_t entry)
{
    StringId name = library_name(loader, owner, what);
    uint32_t *taken = intern_symbol(loader, (ProcessId){0}, SYMBOL_PROCESS, name);
    if (*taken != 0) {
        const Node place = {.at = at};
        loader_fail(loader, &place, NULL, "the name '%s' belongs to another process (line %u)",
                    loader->strings.at[name.index1 - 1], loader->processes.at[*taken - 1].at.line);
        return (ThreadDefId){0};
    }
    *ARRAY_PUSH(&loader->processes) =
        (ProcessDef){.name = name, .at = at, .forked = true, .family = process};
    *taken = (uint32_t)loader->processes.count;
    ThreadDef *def = processes_add_thread(loader, name, (ProcessId){*taken}, 0, at);
    def->spawned = def->forked = def->library = true;
    def->several = several;
    def->entry = entry;
    return (ThreadDefId){(uint32_t)loader->threads.count};
}
