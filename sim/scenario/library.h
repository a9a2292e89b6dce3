// Library code: operations that the loader makes itself, for the threads and processes that
// Python's multiprocessing has behind a connection or a pool. CPython writes these in Python, with
// locks, pipes and threads; so does this, with the scenario language's own operations and a few
// that no scenario can name (library_ops.def). What they cost and who waits for whom then follows
// from the machine. Their place in the source is where the connection or the pool is declared.
#pragma once
#include "sim/scenario/loader.h"

// Appends an op and returns its index. At the limit of ops, reported elsewhere, it is index 0.
uint32_t library_op(Loader *loader, SourceAt at, OpCode code, uint32_t a, uint32_t b, uint32_t c);
// The index that the next op will have.
uint32_t library_here(const Loader *loader);
// Sets an argument of an op: a place further down.
void library_aim(Loader *loader, uint32_t op, int arg, uint32_t value);
// `repeat: { times, do }`: what is appended up to library_repeated is repeated.
uint32_t library_repeat(Loader *loader, SourceAt at, uint32_t times);
void library_repeated(Loader *loader, SourceAt at, uint32_t repeat);

// "OWNER-WHAT"; `what` NULL: OWNER.
StringId library_name(Loader *loader, StringId owner, const char *what);
// Objects of `process`, named so. `shared`: between its children, too.
SyncId library_sync(Loader *loader, ProcessId process, SourceAt at, StringId owner,
                    const char *what, SyncDef def);
// One of multiprocessing's locks or semaphores, which all its processes share.
SyncId library_semaphore(Loader *loader, ProcessId process, SourceAt at, StringId owner,
                         const char *what, uint32_t value);
PipeId library_pipe(Loader *loader, ProcessId process, SourceAt at, StringId owner,
                    const char *what);
// A daemon thread that library code starts, from `entry` on.
ThreadDefId library_thread(Loader *loader, ProcessId process, SourceAt at, StringId owner,
                           const char *what, uint32_t entry);
// The main thread of child processes. None, with a message, when the name is taken.
ThreadDefId library_child(Loader *loader, ProcessId process, SourceAt at, StringId owner,
                          const char *what, bool several, uint32_t entry);

// --- multiprocessing_load.c: the parts of which others' code is made, as the functions of that
// name in Lib/multiprocessing
// ---------------------------------------------------------------------------

// Connection._send_bytes and _recv_bytes of what the task has, or then has, in its hands.
void multiprocessing_emit_send(Loader *loader, SourceAt at, PipeId pipe);
void multiprocessing_emit_read(Loader *loader, SourceAt at, PipeId pipe);
// Packs it and sends it, under a lock if there is one.
void multiprocessing_emit_write(Loader *loader, SourceAt at, PipeId pipe, SyncId lock);
// Queue.put; Queue.get, whose first op it returns; Queue.close.
void multiprocessing_emit_put(Loader *loader, const ConnectionDef *def, uint32_t connection);
uint32_t multiprocessing_emit_take(Loader *loader, const ConnectionDef *def);
void multiprocessing_emit_close(Loader *loader, const ConnectionDef *def, uint32_t connection);
// A connection that no scenario names: index1 of loader->connections. `capacity`: of a queue; 0:
// without a bound.
uint32_t multiprocessing_add(Loader *loader, ProcessId process, SourceAt at, StringId owner,
                             const char *what, ConnectionKind kind, uint32_t capacity);

// --- pool_code.c

// The library code of a pool, whose number is `pool`: fills in the rest of `def`.
void pool_emit(Loader *loader, PoolDef *def, uint32_t pool);
