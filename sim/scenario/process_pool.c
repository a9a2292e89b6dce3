// The library code of a ProcessPoolExecutor: Lib/concurrent/futures/process.py of CPython 3.12. A
// thread of its own (the manager) moves items from a dictionary into a queue of the processes,
// which holds one more than there are processes, and results from another to the futures.
#include "sim/scenario/library.h"

enum { EXTRA_QUEUED_CALLS = 1 };

// _process_worker. (CPython's sends its process id when it is told to end; nobody needs it here.)
static uint32_t emit_worker(Loader *loader, const ExecutorDef *def, uint32_t id)
{
    SourceAt at = def->at;
    const ConnectionDef calls = loader->connections.at[def->calls - 1];
    const ConnectionDef results = loader->connections.at[def->returns - 1];
    uint32_t entry = library_op(loader, at, OP_LIB_BOOT, def->start, 0, 0);
    uint32_t next = multiprocessing_emit_take(loader, &calls);
    uint32_t stop = library_op(loader, at, OP_LIB_IF_STOP, 0, 0, 0);
    library_op(loader, at, OP_LIB_COST, COST_POOL_TASK, 0, 0);
    library_op(loader, at, OP_LIB_RUN_CALL, id, 0, 0);
    multiprocessing_emit_write(loader, at, results.pipe, results.write_lock);
    library_op(loader, at, OP_LIB_GOTO, next, 0, 0);
    library_aim(loader, stop, 0, library_here(loader));
    library_op(loader, at, OP_RETURN, 0, 0, 0);
    return entry;
}

// join_executor_internals.
static void emit_join(Loader *loader, const ExecutorDef *def)
{
    SourceAt at = def->at;
    const ConnectionDef calls = loader->connections.at[def->calls - 1];
    multiprocessing_emit_close(loader, &calls, def->calls);
    library_op(loader, at, OP_JOIN, calls.feeder.index1, 0, 0);
    ProcessId children = {0};
    if (!ID_NONE(def->child))
        children = loader->threads.at[def->child.index1 - 1].process;
    library_op(loader, at, OP_LIB_JOIN_CHILDREN, children.index1, 0, 0);
    library_op(loader, at, OP_RETURN, 0, 0, 0);
}

// shutdown_workers, and what follows.
static void emit_end(Loader *loader, const ExecutorDef *def, uint32_t id)
{
    SourceAt at = def->at;
    const ConnectionDef calls = loader->connections.at[def->calls - 1];
    uint32_t stop = library_op(loader, at, OP_LIB_STOP_CALL, id, 0, 0);
    multiprocessing_emit_put(loader, &calls, def->calls);
    library_op(loader, at, OP_LIB_GOTO, stop, 0, 0);
    library_aim(loader, stop, 1, library_here(loader));
    emit_join(loader, def);
}

// terminate_broken: what has been submitted fails, and the other processes are ended.
static void emit_broken(Loader *loader, const ExecutorDef *def, uint32_t id)
{
    SourceAt at = def->at;
    uint32_t take = library_op(loader, at, OP_LIB_TAKE_BROKEN, id, 0, 0);
    library_op(loader, at, OP_LIB_CALL_DONE, id, 0, 0);
    library_op(loader, at, OP_LIB_GOTO, take, 0, 0);
    library_aim(loader, take, 1, library_here(loader));
    library_op(loader, at, OP_LIB_END_CALLS, id, 0, 0);
    emit_join(loader, def);
}

// _ExecutorManagerThread.run.
static uint32_t emit_manager(Loader *loader, const ExecutorDef *def, uint32_t id)
{
    SourceAt at = def->at;
    const ConnectionDef calls = loader->connections.at[def->calls - 1];
    const ConnectionDef results = loader->connections.at[def->returns - 1];
    // add_call_item_to_queue
    uint32_t entry = library_op(loader, at, OP_LIB_TAKE_CALL, id, 0, 0);
    multiprocessing_emit_put(loader, &calls, def->calls);
    library_op(loader, at, OP_LIB_GOTO, entry, 0, 0);
    // wait_result_broken_or_wakeup
    library_aim(loader, entry, 1, library_here(loader));
    library_op(loader, at, OP_LIB_COST, COST_MANAGER_TURN, 0, 0);
    library_op(loader, at, OP_LIB_POLL, results.pipe.index1, def->wakeup.index1, id);
    uint32_t result = library_op(loader, at, OP_LIB_IF_READABLE, results.pipe.index1, 0, 0);
    uint32_t woken = library_op(loader, at, OP_LIB_IF_READABLE, def->wakeup.index1, 0, 0);
    uint32_t broken = library_op(loader, at, OP_LIB_IF_BROKEN, id, 0, 0);
    uint32_t over = library_op(loader, at, OP_LIB_IF_CALLS_OVER, id, 0, 0);
    library_op(loader, at, OP_LIB_GOTO, entry, 0, 0);
    library_aim(loader, woken, 1, library_here(loader));
    multiprocessing_emit_read(loader, at, def->wakeup);
    library_op(loader, at, OP_LIB_DROP, 0, 0, 0);
    library_op(loader, at, OP_LIB_GOTO, woken, 0, 0);
    library_aim(loader, result, 1, library_here(loader));
    multiprocessing_emit_read(loader, at, results.pipe);
    library_op(loader, at, OP_LIB_UNPICKLE, 0, 0, 0);
    library_op(loader, at, OP_LIB_COST, COST_POOL_TASK, 0, 0);
    library_op(loader, at, OP_LIB_CALL_DONE, id, 0, 0);
    library_op(loader, at, OP_LIB_GOTO, over, 0, 0);
    library_aim(loader, over, 1, library_here(loader));
    emit_end(loader, def, id);
    library_aim(loader, broken, 1, library_here(loader));
    emit_broken(loader, def, id);
    return entry;
}

static void emit_start(Loader *loader, const ExecutorDef *def)
{
    library_op(loader, def->at, OP_LIB_COST, COST_PROCESS_START, 0, 0);
    library_op(loader, def->at, def->start == START_SPAWN ? OP_SPAWN_PROCESS : OP_FORK, 0,
               def->child.index1, 1);
}

// submit, behind what makes the future: with fork, and always in 3.8, all processes are there
// before the manager is; else there is another one whenever none is known to be idle. (The first
// releases of 3.9 to 3.11 did so with fork too.)
static uint32_t emit_submit(Loader *loader, const ExecutorDef *def, uint32_t id)
{
    SourceAt at = def->at;
    uint32_t entry = library_op(loader, at, OP_LIB_ADD_CALL, id, 0, 0);
    library_op(loader, at, OP_LIB_WAKEUP, 0, 0, 0);
    multiprocessing_emit_send(loader, at, def->wakeup);
    if (def->on_demand) {
        uint32_t enough = library_op(loader, at, OP_LIB_UNLESS_SHORT, id, 0, 0);
        emit_start(loader, def);
        library_aim(loader, enough, 1, library_here(loader));
    }
    uint32_t managed = library_op(loader, at, OP_LIB_UNLESS_MANAGED, id, 0, 0);
    if (!def->on_demand) {
        uint32_t repeat = library_repeat(loader, at, def->workers);
        emit_start(loader, def);
        library_repeated(loader, at, repeat);
    }
    library_op(loader, at, OP_SPAWN, 0, def->worker.index1, 1);
    library_aim(loader, managed, 1, library_here(loader));
    library_op(loader, at, OP_RETURN, 0, 0, 0);
    return entry;
}

void process_pool_emit(Loader *loader, ExecutorDef *def, uint32_t id)
{
    SourceAt at = def->at;
    def->on_demand = def->start != START_FORK &&
                     loader->processes.at[def->process.index1 - 1].runtime.minor >= 9;
    def->calls = multiprocessing_add(loader, def->process, at, def->name, "calls", CONNECTION_QUEUE,
                                     def->workers + EXTRA_QUEUED_CALLS);
    def->returns = multiprocessing_add(loader, def->process, at, def->name, "returns",
                                       CONNECTION_SIMPLE_QUEUE, 0);
    def->wakeup = library_pipe(loader, def->process, at, def->name, "wakeup");
    uint32_t work = emit_worker(loader, def, id);
    def->child =
        library_child(loader, def->process, at, def->name, "worker", def->workers > 1, work);
    uint32_t manage = emit_manager(loader, def, id);
    def->worker = library_thread(loader, def->process, at, def->name, "manager", manage);
    def->submit = emit_submit(loader, def, id);
    def->stop = library_op(loader, at, OP_LIB_WAKEUP, 0, 0, 0);
    multiprocessing_emit_send(loader, at, def->wakeup);
    library_op(loader, at, OP_RETURN, 0, 0, 0);
}
