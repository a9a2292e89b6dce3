// What multiprocessing keeps: the messages that are on their way, each process's buffers of queues,
// and pools with their jobs. Nothing here takes time or blocks: that is done by library code
// (sim/scenario/library.h) and its steps (sim/program/steps_library.c).
//
// Bytes in the simulated pipes have no content. What they mean travels beside them: a list of
// messages for each connection, in the order in which they are written.
// (CPython Lib/multiprocessing/connection.py, queues.py, pool.py)
#pragma once
#include "sim/kernel/machine.h"
#include "sim/kernel/process.h"
#include "sim/python/pool.h"

enum {
    MESSAGE_HEADER_BYTES = 4,       // the length before each message
    MESSAGE_SMALL_BYTES = 16 << 10, // up to here it goes out with its header in one write
    MESSAGE_OBJECT_BYTES = 64,      // an object that the scenario says nothing of, when packed
    MESSAGE_TASK_BYTES = 64,        // a pool's task besides its items: (job, i, func, args, kwds)
    MESSAGE_RESULT_BYTES = 16,      // its result besides theirs: (job, i, (True, result))
    MESSAGE_ITEM_BYTES = 16,        // an item or a result that the scenario says nothing of
    MESSAGE_STOP_BYTES = 4          // None
};

typedef enum MessageKind {
    MESSAGE_OBJECT,
    MESSAGE_CHUNK,   // a task of a pool, or its result
    MESSAGE_REQUEST, // to a manager, or its answer
    MESSAGE_CALL,    // an item of an executor, or its result
    MESSAGE_STOP,    // there will be no more
    MESSAGE_LAST     // the same, for a feeder
} MessageKind;

typedef struct Message {
    uint32_t next; // in a pipe's or a buffer's list
    uint8_t kind;  // MessageKind
    uint8_t users; // who has it: its sender, up to the end of his write, and its receiver
    uint64_t bytes;
    uint64_t left;         // of its header or of itself, while it is read
    uint32_t objects;      // that it is made of
    uint32_t function;     // OBJECT: the first op of what its receiver does; 0: nothing
    uint32_t job;          // CHUNK; CALL: the WorkItem
    uint64_t answer;       // REQUEST: how long the answer will be
    uint32_t first, count; // REQUEST: the number of its connection; CHUNK: its items, from 0 on
} Message;

// First in, first out, linked through `next`; 0: empty.
typedef struct MessageList {
    uint32_t first, last;
} MessageList;

// A process's end of a queue: what its feeder has yet to send.
typedef struct Feeder {
    bool started;
    MessageList buffer;
} Feeder;

// What somebody wants of a pool: `count` items, of which he waits for the results.
typedef struct Job {
    uint32_t next;                // of those that the task handler has yet to take
    uint32_t pool, work;          // WorkDef (index1): what to do with the items
    uint32_t count, chunk, given; // items: all, in a message, in messages so far
    uint32_t done;                // chunks whose results are there
    uint32_t left;                // chunks whose results are not
    uint32_t taken;               // chunks whose results have been used: of `imap`
    bool abandoned;               // nobody waits for its results any more
    uint32_t exception;           // the first that an item has raised; EXCEPTION_NONE
    bool streamed;                // its results are used one by one
    bool ordered;                 // they are used in the order of the items
    uint8_t *arrived;             // of an ordered one: by chunk
    uint64_t item_bytes, result_bytes;
    WaitList waiters; // at most one
} Job;

typedef struct WorkerPool {
    bool opened;
    bool closing;                     // its result handler has been told that there will be no more
    Pid by;                           // who has opened it
    uint32_t jobs;                    // that are not over
    uint32_t asked_first, asked_last; // jobs that the task handler has yet to take
    uint32_t current;                 // the one that it deals out
} WorkerPool;

// What an executor of processes has besides its Executor.
typedef struct ProcessPool {
    bool managed;     // its manager runs
    uint32_t calls;   // on their way to a process, in one, or on their way back:
    uint32_t running; // the first of their items, the one that was submitted first
    uint32_t watched; // how many processes were alive when the manager last went to sleep
    WaitList polling; // the manager, while it sleeps until a result is there or it is woken
} ProcessPool;

typedef struct Manager {
    bool begun; // its process runs
    bool ended; // for good
    Pid by;     // who has started it
    uint32_t connected;
    TaskId *clients; // by connection
} Manager;

typedef struct Multiprocessing {
    Pool messages, jobs;
    Manager *managers;      // by manager
    ProcessPool *executors; // by executor
    MessageList *sent;      // by PipeId: on their way
    WorkerPool *pools;      // by pool
} Multiprocessing;

void multiprocessing_init(Machine *machine);
void multiprocessing_free(Machine *machine);

static inline const ConnectionDef *connection_def(const Machine *machine, uint32_t connection)
{
    return &machine->scenario->connections[connection - 1];
}

static inline const PoolDef *pool_def(const Machine *machine, uint32_t pool)
{
    return &machine->scenario->pools[pool - 1];
}

static inline WorkerPool *worker_pool(const Machine *machine, uint32_t pool)
{
    return &machine->multiprocessing->pools[pool - 1];
}

static inline ProcessPool *process_pool(const Machine *machine, uint32_t executor)
{
    return &machine->multiprocessing->executors[executor - 1];
}

static inline Message *message_at(const Machine *machine, uint32_t id)
{
    return pool_at(&machine->multiprocessing->messages, id);
}

static inline Job *job_at(const Machine *machine, uint32_t id)
{
    return pool_at(&machine->multiprocessing->jobs, id);
}

// A new message in nobody's hands.
uint32_t message_make(Machine *machine, MessageKind kind, uint64_t bytes, uint32_t objects);
// The answer to a task: of the same kind, about the same items or item; the task is dropped.
uint32_t message_answer(Machine *machine, uint32_t id, uint64_t bytes);
// One of its users needs it no longer.
void message_drop(Machine *machine, uint32_t id);
void message_list_add(Machine *machine, MessageList *list, uint32_t id);
// The oldest; 0: there is none.
uint32_t message_list_take(Machine *machine, MessageList *list);

// The process's end of a queue, made when first asked for.
Feeder *feeder_of(Machine *machine, Process *process, uint32_t connection);

// A new job, in the list of those that the pool's task handler takes. `chunk`: how many items go
// together; 0: Pool.map's own choice, a quarter of each process's share, rounded up.
uint32_t job_make(Machine *machine, uint32_t pool, uint32_t work, uint32_t count, uint32_t chunk,
                  bool ordered);
// The first job that the pool's task handler has yet to take, no longer in that list; 0: none.
uint32_t job_take(Machine *machine, uint32_t pool);
// Its next chunk, as a message; 0: it has been dealt out.
uint32_t job_next_chunk(Machine *machine, uint32_t id);
// The results of a chunk are there, counted by its first item.
void job_chunk_done(Machine *machine, uint32_t id, uint32_t first);
// Whether the results of the chunk that is used next are there; those of all of them.
bool job_has_next(const Machine *machine, uint32_t id);
bool job_over(const Machine *machine, uint32_t id);
void job_drop(Machine *machine, uint32_t id);
// The same, as soon as all its results are there.
void job_abandon(Machine *machine, uint32_t id);
// What is done with an item: the first op of its function.
uint32_t job_function(const Machine *machine, const Job *job, uint32_t item);
