// What a process of Python has of multiprocessing, compiled: connections, pools and managers. What
// their threads and processes do stands as operations behind one another like all else ("library
// code", library.h): CPython has written it in Python too.
#pragma once
#include "sim/base/ids.h"
#include "sim/trace/vocabulary.h"

#include <stdbool.h>
#include <stdint.h>

// How a process begins. X(ID, "word")
#define START_METHODS(X) X(FORK, "fork") X(SPAWN, "spawn")

typedef enum StartMethod {
#define X(id, word) START_##id,
    START_METHODS(X)
#undef X
        START_METHOD_COUNT
} StartMethod;

// What processes hand each other objects by. X(ID, "word", "what it is")
#define CONNECTION_KINDS(X)                                                                        \
    X(PIPE, "pipe", "Pipe(duplex=False): the sender writes into a pipe, the receiver reads it")    \
    X(SIMPLE_QUEUE, "simple_queue", "SimpleQueue: a pipe, with a lock at each end")                \
    X(QUEUE, "queue",                                                                              \
      "Queue: a buffer in each process, which a thread of its own (the feeder) empties into a "    \
      "pipe")

typedef enum ConnectionKind {
#define X(id, word, text) CONNECTION_##id,
    CONNECTION_KINDS(X)
#undef X
        CONNECTION_KIND_COUNT
} ConnectionKind;

// By numbers from 1 on (index1) in Scenario.connections; so are the other two.
typedef struct ConnectionDef {
    StringId name;
    ProcessId process;
    SourceAt at;
    ConnectionKind kind;
    bool library;      // of an executor, not of the scenario
    uint32_t capacity; // a queue's; 0: without a bound
    PipeId pipe;
    SyncId read_lock, write_lock; // semaphores; none of a pipe
    // A queue's: how many more fit in, and of each process its buffer's mutex and condition.
    SyncId room, mutex, filled;
    ThreadDefId feeder;
    uint32_t send, receive; // library code: the first op of each
} ConnectionDef;

typedef struct PoolDef {
    StringId name;
    ProcessId process;
    SourceAt at;
    uint32_t workers;
    StartMethod start;
    PipeId tasks, results;
    SyncId done; // who waits for a job's end waits there: one list for each job
    SyncId task_lock, result_lock, change, jobs; // where its workers and handlers wait
    ThreadDefId worker;
    ThreadDefId worker_handler, task_handler, result_handler;
    uint32_t open, submit, close; // library code
} PoolDef;

enum { MANAGER_CLIENTS_MAX = 100 };

typedef struct ManagerDef {
    StringId name;
    ProcessId process;
    SourceAt at;
    uint32_t clients; // threads that may have a connection to it
    StartMethod start;
    ThreadDefId server;
    // Library code: its start, its end; of each client `client_ops` ops, whose call is `call_ops`
    // further on.
    uint32_t begin, finish, client, client_ops, call_ops;
} ManagerDef;

// What a pool's items are: a list of functions, in turn.
typedef struct WorkDef {
    uint32_t function; // FunctionDef (index1)
    bool last;
} WorkDef;
