// The library code of a pool of processes: multiprocessing.Pool, as Lib/multiprocessing/pool.py of
// CPython 3.12 has it. One function here is one there.
#include "sim/scenario/library.h"

// pool.py worker.
static uint32_t emit_worker(Loader *loader, const PoolDef *def, uint32_t pool)
{
    SourceAt at = def->at;
    uint32_t entry = library_op(loader, at, OP_LIB_BOOT, def->start, 0, 0);
    uint32_t next = library_op(loader, at, OP_ACQUIRE, def->task_lock.index1, 0, 0);
    multiprocessing_emit_read(loader, at, def->tasks);
    library_op(loader, at, OP_RELEASE, def->task_lock.index1, 0, 0);
    library_op(loader, at, OP_LIB_UNPICKLE, 0, 0, 0);
    uint32_t stop = library_op(loader, at, OP_LIB_IF_STOP, 0, 0, 0);
    library_op(loader, at, OP_LIB_COST, COST_POOL_TASK, 0, 0);
    library_op(loader, at, OP_LIB_RUN_CHUNK, pool, 0, 0);
    multiprocessing_emit_write(loader, at, def->results, def->result_lock);
    library_op(loader, at, OP_LIB_GOTO, next, 0, 0);
    library_aim(loader, stop, 0, library_here(loader));
    library_op(loader, at, OP_RETURN, 0, 0, 0);
    return entry;
}

// Pool._handle_tasks.
static uint32_t emit_task_handler(Loader *loader, const PoolDef *def, uint32_t pool)
{
    SourceAt at = def->at;
    uint32_t entry = library_op(loader, at, OP_GET, def->jobs.index1, 0, 0);
    uint32_t none = library_op(loader, at, OP_LIB_TAKE_JOB, pool, 0, 0);
    uint32_t chunk = library_op(loader, at, OP_LIB_NEXT_CHUNK, pool, entry, 0);
    library_op(loader, at, OP_LIB_COST, COST_POOL_TASK, 0, 0);
    multiprocessing_emit_write(loader, at, def->tasks, (SyncId){0});
    library_op(loader, at, OP_LIB_GOTO, chunk, 0, 0);
    library_aim(loader, none, 1, library_here(loader));
    library_op(loader, at, OP_LIB_STOP, 0, 0, 0);
    multiprocessing_emit_write(loader, at, def->results, def->result_lock);
    uint32_t repeat = library_repeat(loader, at, def->workers);
    library_op(loader, at, OP_LIB_STOP, 0, 0, 0);
    multiprocessing_emit_write(loader, at, def->tasks, (SyncId){0});
    library_repeated(loader, at, repeat);
    library_op(loader, at, OP_RETURN, 0, 0, 0);
    return entry;
}

// Pool._handle_results.
static uint32_t emit_result_handler(Loader *loader, const PoolDef *def, uint32_t pool)
{
    SourceAt at = def->at;
    uint32_t entry = library_here(loader);
    multiprocessing_emit_read(loader, at, def->results);
    library_op(loader, at, OP_LIB_UNPICKLE, 0, 0, 0);
    uint32_t stop = library_op(loader, at, OP_LIB_IF_STOP, 0, pool, entry);
    library_op(loader, at, OP_LIB_COST, COST_POOL_TASK, 0, 0);
    uint32_t last = library_op(loader, at, OP_LIB_SET_RESULT, pool, 0, 0);
    library_op(loader, at, OP_LIB_GOTO, entry, 0, 0);
    library_aim(loader, stop, 0, library_here(loader));
    library_aim(loader, last, 1, library_here(loader));
    library_op(loader, at, OP_RETURN, 0, 0, 0);
    return entry;
}

// Pool._handle_workers. CPython's also wakes up at every result, because it watches their pipe, and
// finds nothing to do: ours sleeps until the pool is closed. It does not start a process in place
// of one that has died, as CPython's does; what that one had in hand is lost in both, and who waits
// for it waits for ever.
static uint32_t emit_worker_handler(Loader *loader, const PoolDef *def)
{
    SourceAt at = def->at;
    uint32_t entry = library_op(loader, at, OP_ACQUIRE, def->change.index1, 0, 0);
    library_op(loader, at, OP_PUT, def->jobs.index1, 0, 0);
    library_op(loader, at, OP_RETURN, 0, 0, 0);
    return entry;
}

// Pool.__init__: workers first.
static uint32_t emit_open(Loader *loader, const PoolDef *def)
{
    SourceAt at = def->at;
    uint32_t entry = library_repeat(loader, at, def->workers);
    library_op(loader, at, OP_LIB_COST, COST_PROCESS_START, 0, 0);
    library_op(loader, at, def->start == START_SPAWN ? OP_SPAWN_PROCESS : OP_FORK, 0,
               def->worker.index1, 1);
    library_repeated(loader, at, entry);
    library_op(loader, at, OP_SPAWN, 0, def->worker_handler.index1, 1);
    library_op(loader, at, OP_SPAWN, 0, def->task_handler.index1, 1);
    library_op(loader, at, OP_SPAWN, 0, def->result_handler.index1, 1);
    library_op(loader, at, OP_RETURN, 0, 0, 0);
    return entry;
}

// Pool.close and join.
static uint32_t emit_close(Loader *loader, const PoolDef *def)
{
    SourceAt at = def->at;
    uint32_t entry = library_op(loader, at, OP_RELEASE, def->change.index1, 0, 0);
    library_op(loader, at, OP_JOIN, def->worker_handler.index1, 0, 0);
    library_op(loader, at, OP_JOIN, def->task_handler.index1, 0, 0);
    library_op(loader, at, OP_JOIN, def->result_handler.index1, 0, 0);
    ProcessId workers = {0};
    if (!ID_NONE(def->worker))
        workers = loader->threads.at[def->worker.index1 - 1].process;
    library_op(loader, at, OP_LIB_JOIN_CHILDREN, workers.index1, 0, 0);
    library_op(loader, at, OP_RETURN, 0, 0, 0);
    return entry;
}

void pool_emit(Loader *loader, PoolDef *def, uint32_t pool)
{
    SourceAt at = def->at;
    ProcessId process = def->process;
    def->tasks = library_pipe(loader, process, at, def->name, "tasks");
    def->results = library_pipe(loader, process, at, def->name, "results");
    def->task_lock = library_semaphore(loader, process, at, def->name, "task-lock", 1);
    def->result_lock = library_semaphore(loader, process, at, def->name, "result-lock", 1);
    def->change = library_semaphore(loader, process, at, def->name, "change", 0);
    def->jobs = library_sync(loader, process, at, def->name, "jobs", (SyncDef){.kind = SYNC_QUEUE});
    def->done = library_sync(loader, process, at, def->name, "done", (SyncDef){.kind = SYNC_EVENT});
    def->worker = library_child(loader, process, at, def->name, "worker", def->workers > 1,
                                emit_worker(loader, def, pool));
    def->worker_handler = library_thread(loader, process, at, def->name, "worker-handler",
                                         emit_worker_handler(loader, def));
    def->task_handler = library_thread(loader, process, at, def->name, "task-handler",
                                       emit_task_handler(loader, def, pool));
    def->result_handler = library_thread(loader, process, at, def->name, "result-handler",
                                         emit_result_handler(loader, def, pool));
    def->open = emit_open(loader, def);
    def->submit = library_op(loader, at, OP_LIB_COST, COST_POOL_SUBMIT, 0, 0);
    library_op(loader, at, OP_PUT, def->jobs.index1, 0, 0);
    library_op(loader, at, OP_RETURN, 0, 0, 0);
    def->close = emit_close(loader, def);
}
