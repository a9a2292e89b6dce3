// Typed ids for what is stored or traced; a pointer lives for one call only. 0 is "none", so a
// zeroed struct refers to nothing.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint32_t index1;
} TaskId; // a thread (later: also a coroutine), in order of creation

typedef struct {
    uint32_t index1;
} SyncId;

typedef struct {
    uint32_t index1;
} VariableId; // a variable that threads share

typedef struct {
    uint32_t index1;
} ThreadDefId; // an entry of `threads:` or a `spawn`: all threads made from it

typedef struct {
    uint32_t index1;
} ProcessId;

typedef struct {
    uint32_t index1;
} StringId; // a text of the scenario, interned

typedef struct {
    uint32_t index1;
} Pid; // a process of a run: the declared ones by their ProcessId, then those that are forked

typedef struct {
    uint32_t index1;
} MemoryId; // a name that an `alloc` gives

typedef struct {
    uint32_t index1;
} PipeId;

typedef struct {
    uint32_t index1;
} MessageQueueId;

#define ID_EQUAL(a, b) ((a).index1 == (b).index1)
#define ID_NONE(a)     ((a).index1 == 0)

// Cores are numbered from 0; a record or task on no core says CORE_NONE.
#define CORE_NONE (-1)
#define CORES_MAX 1024
