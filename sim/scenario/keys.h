// The rows of keys.def as a table, for the schema and the reference. The loader expands keys.def
// itself, because it needs the names only.
#pragma once
#include <stdbool.h>
#include <stddef.h>

typedef enum KeySection {
    KEYS_SCENARIO,
    KEYS_MACHINE,
    KEYS_SCHEDULER,
    KEYS_DEVICE,
    KEYS_COSTS,
    KEYS_PROCESS,
    KEYS_THREAD,
    KEYS_LOCK,
    KEYS_SEMAPHORE,
    KEYS_CONDITION,
    KEYS_EVENT,
    KEYS_BARRIER,
    KEYS_QUEUE,
    KEYS_VARIABLE,
    KEYS_POLICY,
    KEYS_DEADLINE,
    KEYS_WORKLOAD,
    KEYS_RUNTIME,
    KEYS_CONNECTION,
    KEYS_POOL,
    KEYS_MANAGER,
    KEYS_EXECUTOR,
    KEYS_ASYNCIO,
} KeySection;

// What the value of a key is. X(ID, "name in the schema", "for a person")
#define KEY_TYPES(X)                                                                               \
    X(TEXT, "text", "text")                                                                        \
    X(NAME, "name", "name")                                                                        \
    X(SEED, "seed", "whole number, 0 or more")                                                     \
    X(COUNT, "count", "whole number, 1 or more")                                                   \
    X(NICE, "nice", "whole number, -20 to 19")                                                     \
    X(BOOL, "bool", "`true` or `false`")                                                           \
    X(TIME, "time", "duration")                                                                    \
    X(DURATION, "duration", "duration or distribution")                                            \
    X(DEVICE, "device", "map, see [Interrupts](#interrupts)")                                      \
    X(CORE, "core", "core number")                                                                 \
    X(PIPES, "pipes", "list of names: `[ line ]`")                                                 \
    X(MESSAGE_QUEUES, "message_queues", "map of a name to how many messages it holds")             \
    X(SIZE, "size", "size")                                                                        \
    X(MACHINE, "machine", "map, see [Machine](#machine)")                                          \
    X(SCHEDULER, "scheduler", "name, or a map, see [Scheduler](#scheduler)")                       \
    X(POLICY, "policy", "name, see below")                                                         \
    X(TIMES, "times", "duration, or a list of them")                                               \
    X(COUNTS, "counts", "whole number, 1 or more, or a list of them")                              \
    X(QUEUE_PLACE, "queuePlace", "`core` or `global`")                                             \
    X(QUEUE_END, "queueEnd", "`tail` or `head`")                                                   \
    X(DRAWS, "draws", "`own` or `python`")                                                         \
    X(THREAD_POLICY, "threadPolicy", "policy, see [Thread policy](#thread-policy)")                \
    X(DEADLINE, "deadline", "map, see [Deadline](#deadline)")                                      \
    X(WORKLOAD, "workload", "map, see [Workload](#workload)")                                      \
    X(GENERATOR, "generator", "`scheduler`, `mlfq`, `lottery` or `multi`")                         \
    X(COSTS, "costs", "`zero`, `typical`, or a map, see [Costs](#costs)")                          \
    X(PROFILE, "profile", "`zero` or `typical`")                                                   \
    X(LIMITS, "limits", "map, see [Limits](#limits)")                                              \
    X(CORES, "cores", "core number, or a list of them")                                            \
    X(RUNTIME, "runtime",                                                                          \
      "`c`, `node`, `cpython-3.12` and the like, or a map, see [Runtime](#runtime)")               \
    X(PYTHON, "python", "version")                                                                 \
    X(GIL, "gil", "`none`")                                                                        \
    X(LOCKS, "locks", "map of a name to its kind, see [Lock](#lock)")                              \
    X(SEMAPHORES, "semaphores", "map of a name to its value, see [Semaphore](#semaphore)")         \
    X(CONDITIONS, "conditions", "map of a name to its lock, see [Condition](#condition)")          \
    X(EVENTS, "events", "list of names, see [Event](#event)")                                      \
    X(BARRIERS, "barriers",                                                                        \
      "map of a name to how many threads it is for, see [Barrier](#barrier)")                      \
    X(QUEUES, "queues", "map of a name to its capacity, see [Queue](#queue)")                      \
    X(ASYNCIO, "asyncio", "map, see [asyncio](#asyncio)")                                          \
    X(NAMES, "names", "list of names")                                                             \
    X(VARIABLES, "variables", "map of a name to its first value, see [Variable](#variable)")       \
    X(INTEGER, "integer", "whole number")                                                          \
    X(NUMBER, "number", "whole number, 0 or more")                                                 \
    X(LOCK_KIND, "lockKind", "`lock`, `rlock`, `pi`, `spin` or `rwlock`")                          \
    X(PREFERENCE, "preference", "`readers` or `writers`")                                          \
    X(CHANCE, "chance", "probability")                                                             \
    X(CAPACITY, "capacity", "whole number, 1 or more, or `unbounded`")                             \
    X(ORDER, "order", "`fifo` or `priority`")                                                      \
    X(FUNCTIONS, "functions", "map of a name to a list of operations")                             \
    X(OPS, "ops", "list of [operations](#operations)")                                             \
    X(PROCESSES, "processes", "list, see [Process](#process)")                                     \
    X(THREADS, "threads", "list, see [Thread](#thread)")                                           \
    X(CONNECTIONS, "connections", "map of a name to its kind, see [Connection](#connection)")      \
    X(CONNECTION_KIND, "connectionKind", "`pipe`, `simple_queue` or `queue`")                      \
    X(POOLS, "pools", "map of a name to how many processes it has, see [Pool](#pool)")             \
    X(EXECUTORS, "executors",                                                                      \
      "map of a name to how many threads it may have, see [Executor](#executor)")                  \
    X(MANAGERS, "managers",                                                                        \
      "map of a name to how many clients it can have, see [Manager](#manager)")                    \
    X(START_METHOD, "start_method", "`fork` or `spawn`")                                           \
    X(EXPECTS, "expects", "list, see [Expectations](#expectations)")

typedef enum KeyType {
#define X(id, name, text) KEY_##id,
    KEY_TYPES(X)
#undef X
} KeyType;

typedef struct KeyInfo {
    KeySection section;
    const char *name;
    KeyType type;
    bool required;
    const char *value; // the default in words, "" for none
    const char *text;
} KeyInfo;

// The rows in order, `*count` of them.
const KeyInfo *key_infos(size_t *count);
const char *key_type_name(KeyType type);
const char *key_type_text(KeyType type);
