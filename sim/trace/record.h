// One trace record, its kinds and what their arguments mean. The trace is all that lies between a
// machine, simulated or real, and the readers: no reader may ask which machine wrote it.
#pragma once
#include "sim/base/ids.h"
#include "sim/base/time.h"
#include "sim/trace/vocabulary.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct TraceRecord {
    int64_t time_ns; // since the run began; never decreases along a trace
    uint16_t kind;   // EventKind
    int16_t core;    // CORE_NONE when there is none
    uint32_t task;   // TaskId.index1; 0 when there is none
    uint64_t a, b;   // meaning: the kind's row in events.def
} TraceRecord;

_Static_assert(sizeof(TraceRecord) == 32, "records are 32 bytes on disk");

typedef enum EventKind {
    EVENT_NONE, // never written; a zeroed record is invalid
#define EVENT(id, name, a_type, a_name, b_type, b_name, sentence) EVENT_##id,
#include "sim/trace/events.def"
#undef EVENT
    EVENT_KIND_COUNT
} EventKind;

typedef enum ArgType {
    ARG_NONE,
    ARG_TASK,
    ARG_CORE,
    ARG_DEF,
    ARG_LOCK,
    ARG_TEXT,
    ARG_NS,
    ARG_COUNT,
    ARG_VTIME,
    ARG_SWITCH_REASON,
    ARG_SYSCALL,
    ARG_IRQ,
    ARG_MIGRATION_REASON,
    ARG_LIMIT,
    ARG_END_REASON,
    ARG_SYNC,
    ARG_OP,
    ARG_WAIT_END,
    ARG_ACCESS,
    ARG_VALUE,
    ARG_PROCESS,
    ARG_MEMORY_BYTES,
    ARG_PIPE,
    ARG_MESSAGES,
    ARG_STATUS,
    ARG_FAULT,
    ARG_SIGNAL,
    ARG_KILL_REASON,
    ARG_PIPE_END,
    ARG_COROUTINE,
    ARG_EXCEPTION,
    ARG_CALLBACK,
    ARG_FILE,
    ARG_EPOLL,
    ARG_ITEMS,
    ARG_INTERPRETER,
    ARG_UV_QUEUE,
    ARG_TYPE_COUNT
} ArgType;

typedef struct EventInfo {
    const char *id;   // "SWITCH_IN"
    const char *name; // "switch in"
    struct {
        ArgType type;
        const char *name; // "" when not used
    } arg[2];
    const char *sentence;
} EventInfo;

// Who held the lock of a LOCK_RELEASED up to now: almost always who releases it.
static inline uint32_t released_holder(const TraceRecord *record)
{
    return record->b != 0 ? (uint32_t)record->b : record->task;
}

// An ACCESS argument: a variable (VariableId.index1) and the op that accesses it.
static inline uint64_t access_pack(uint32_t variable, uint32_t op)
{
    return (uint64_t)op << 32 | variable;
}

static inline uint32_t access_variable(uint64_t access)
{
    return (uint32_t)access;
}

static inline uint32_t access_op(uint64_t access)
{
    return (uint32_t)(access >> 32);
}

// An ITEMS argument: so many items of a pool's job, from `first` (counted from 1) on.
static inline uint64_t items_pack(uint32_t first, uint32_t count)
{
    return (uint64_t)count << 32 | first;
}

static inline uint32_t items_first(uint64_t items)
{
    return (uint32_t)items;
}

static inline uint32_t items_count(uint64_t items)
{
    return (uint32_t)(items >> 32);
}

// What TASK_CREATED says of a task besides its def. `creator` is the task that made it, below 2^31;
// 0: the scenario did.
static inline uint64_t created_pack(uint32_t instance, bool daemon, uint32_t creator)
{
    return (uint64_t)creator << 33 | (uint64_t)daemon << 32 | instance;
}

static inline uint32_t created_instance(uint64_t created)
{
    return (uint32_t)created;
}

static inline bool created_daemon(uint64_t created)
{
    return created >> 32 & 1;
}

static inline uint32_t created_by(uint64_t created)
{
    return (uint32_t)(created >> 33);
}

// A COROUTINE argument: its number, from 1 in the order in which the run makes them, and its
// function (FunctionDef's index1).
static inline uint64_t coroutine_pack(uint32_t serial, uint32_t function)
{
    return (uint64_t)function << 32 | serial;
}

static inline uint32_t coroutine_serial(uint64_t coroutine)
{
    return (uint32_t)coroutine;
}

static inline uint32_t coroutine_function(uint64_t coroutine)
{
    return (uint32_t)(coroutine >> 32);
}

// A FILE argument: its FileKind and its number, a PipeId for one.
static inline uint64_t file_pack(unsigned kind, uint32_t id)
{
    return (uint64_t)kind << 32 | id;
}

static inline unsigned file_kind(uint64_t file)
{
    return (unsigned)(file >> 32);
}

static inline uint32_t file_id(uint64_t file)
{
    return (uint32_t)file;
}

// An EPOLL argument: the number of a set, from 1 in the order in which the run makes them, and what
// it says of a file: bits of EPOLL_EVENTS, none when it does not watch it any more.
static inline uint64_t epoll_pack(uint32_t epoll, unsigned events)
{
    return (uint64_t)epoll << 8 | events;
}

static inline uint32_t epoll_set(uint64_t argument)
{
    return (uint32_t)(argument >> 8);
}

static inline unsigned epoll_events(uint64_t argument)
{
    return argument & 0xff;
}

// The row of `kind`; kinds out of range give the row of EVENT_NONE.
const EventInfo *event_info(unsigned kind);

// Words of the vocabularies; "?" for a value out of range.
const char *switch_reason_word(unsigned reason);
const char *switch_reason_sentence(unsigned reason);
const char *syscall_name(unsigned id);
const char *irq_name(unsigned id);
const char *migration_reason_text(unsigned reason);
const char *limit_name(unsigned id);
const char *end_reason_text(unsigned reason);
const char *sync_kind_word(unsigned kind);
const char *wait_end_text(unsigned end);
const char *fault_word(unsigned kind);
const char *fault_sentence(unsigned kind);
const char *signal_name(unsigned id);
int signal_number(unsigned id); // Linux's on x86-64; 0 for a value out of range
const char *kill_reason_sentence(unsigned reason);
const char *pipe_end_name(unsigned end);
const char *uv_queue_name(unsigned queue);
const char *callback_sentence(unsigned kind);
const char *file_sentence(unsigned kind);
// Python's exceptions; NULL for those that the scenario names.
const char *exception_name(unsigned id);
