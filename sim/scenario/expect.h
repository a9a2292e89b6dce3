// The `expect:` lines: a small language of comparisons over a run's metrics. Parsed and checked
// (names, units) when the scenario is loaded; evaluated over metrics that sim/analysis gives.
//
//   makespan == 100ms ± 3%                       turnaround(batch) <= 1.2s
//   utilization(core 0) + utilization(core 1) <= 1.05      printed == ["a", "b"]
//   latency(render).p99 <= 60ms                  response(worker).max < 5ms
//
// The grammar is in expect.c, the fields (.max, .p99) are in expect_node.h, and scenarios/README.md
// explains them. A metric without a subject (migrations.sum) is about every core, thread or lock.
#pragma once
#include "sim/scenario/scenario.h"

typedef struct ExpectNode ExpectNode;

struct Expect {
    const char *text; // as written
    SourceAt at;
    const ExpectNode *root;
};

// What a metric is asked about.
typedef enum ExpectSubject {
    SUBJECT_NONE,
    SUBJECT_CORE,     // id: core number
    SUBJECT_THREADS,  // id: ThreadDefId; all tasks made from it, or one when instance != 0
    SUBJECT_LOCK,     // id: SyncId
    SUBJECT_NAME,     // id: StringId of a mark or span
    SUBJECT_SYNC,     // id: SyncId of a lock, semaphore, condition, event, barrier or queue
    SUBJECT_VARIABLE, // id: VariableId
    SUBJECT_PROCESS,  // id: ProcessId; all processes made from it, or one when instance != 0
    SUBJECT_PIPE,     // id: PipeId
    SUBJECT_COUNT
} ExpectSubject;

typedef enum ExpectUnit { UNIT_NUMBER, UNIT_TIME, UNIT_RATE, UNIT_SIZE, UNIT_TEXTS } ExpectUnit;

// One metric of the language: X(ID, "name", subject, unit, "what it is")
#define METRICS(X)                                                                                 \
    X(MAKESPAN, "makespan", NONE, TIME, "when the last thread that is not a daemon ended")         \
    X(EVENTS, "events", NONE, NUMBER, "events popped from the queue")                              \
    X(PRINTED, "printed", NONE, TEXTS, "the printed lines in order")                               \
    X(DEADLOCKED, "deadlocked", NONE, NUMBER, "threads that nobody will ever wake: 0 when none")   \
    X(UTILIZATION, "utilization", CORE, NUMBER, "share of the run that the core was busy")         \
    X(TURNAROUND, "turnaround", THREADS, TIME, "from start to end")                                \
    X(RESPONSE, "response", THREADS, TIME, "from start to the first time on a core")               \
    X(WAIT, "wait", THREADS, TIME, "time runnable without running")                                \
    X(FINISH, "finish", THREADS, TIME, "when it ended, since the run began")                       \
    X(CPU_USER, "cpu_user", THREADS, TIME, "time in user mode")                                    \
    X(CPU_KERNEL, "cpu_kernel", THREADS, TIME, "time in the kernel, context switches included")    \
    X(CPU, "cpu", THREADS, TIME, "cpu_user + cpu_kernel")                                          \
    X(SWITCHES_VOLUNTARY, "switches_voluntary", THREADS, NUMBER,                                   \
      "times it gave the core away, yields included (Linux counts those as nonvoluntary)")         \
    X(SWITCHES_FORCED, "switches_forced", THREADS, NUMBER,                                         \
      "times it was preempted, yields not included")                                               \
    X(MIGRATIONS, "migrations", THREADS, NUMBER, "moves from core to core")                        \
    X(WAKE_LATENCY, "wake_latency", THREADS, TIME, "each time from a wake-up to running")          \
    X(LOCK_WAIT, "lock_wait", LOCK, TIME, "each wait for the lock")                                \
    X(LOCK_HOLD, "lock_hold", LOCK, TIME, "each time that the lock was held")                      \
    X(WAITED, "waited", SYNC, TIME, "each wait for a lock, at a semaphore, a queue, …")            \
    X(HELD, "held", SYNC, TIME, "each time that a lock or a semaphore's slot was held")            \
    X(LEVEL_MIN, "level_min", SYNC, NUMBER, "least semaphore value, queue length, …")              \
    X(LEVEL_MAX, "level_max", SYNC, NUMBER, "greatest; of a lock: holders, or depth")              \
    X(LEVEL_MEAN, "level_mean", SYNC, NUMBER, "mean over the time of the run")                     \
    X(WAVES, "waves", SYNC, NUMBER, "longest chain of those who let each other in")                \
    X(LOST_NOTIFIES, "lost_notifies", SYNC, NUMBER, "notifications when nobody waited")            \
    X(SLOW_CALLBACKS, "slow_callbacks", NONE, NUMBER,                                              \
      "callbacks that asyncio's debug mode has warned of")                                         \
    X(LOCK_CIRCLES, "lock_circles", NONE, NUMBER, "circles in the order of taking locks")          \
    X(VALUE, "value", VARIABLE, NUMBER, "what a shared variable is in the end")                    \
    X(LOST_UPDATES, "lost_updates", VARIABLE, NUMBER,                                              \
      "updates its last value does not build on: see Lost updates")                                \
    X(RACES, "races", VARIABLE, NUMBER, "pairs of places that race: see Races")                    \
    X(COUNT, "count", NAME, NUMBER, "passages of a mark, ends of a span")                          \
    X(THROUGHPUT, "throughput", NAME, RATE, "count over makespan")                                 \
    X(LATENCY, "latency", NAME, TIME, "each time from a span's begin to its end")                  \
    X(RESERVED, "reserved", PROCESS, SIZE, "most memory that it had reserved, stacks included")    \
    X(RESIDENT, "resident", PROCESS, SIZE, "most memory that it had resident")                     \
    X(PRIVATE, "private", PROCESS, SIZE, "most that was resident and not shared")                  \
    X(SHARED, "shared", PROCESS, SIZE, "most that it shared with other processes")                 \
    X(HEAP, "heap", PROCESS, SIZE, "most in Python's objects at a time, to a page")                \
    X(PAGE_FAULTS, "page_faults", PROCESS, NUMBER, "page faults of its threads")                   \
    X(PAGES_COPIED, "pages_copied", PROCESS, NUMBER, "pages that it copied because of a fork")     \
    X(EXIT_CODE, "exit_code", PROCESS, NUMBER, "its exit code, when it has ended with one")        \
    X(KILLED_BY, "killed_by", PROCESS, NUMBER, "number of the signal that ended it: TERM is 15")   \
    X(ZOMBIES, "zombies", NONE, NUMBER, "processes that ended and whose end nobody collected")     \
    X(OOM_KILLS, "oom_kills", NONE, NUMBER, "processes killed because memory ran out")             \
    X(BROKEN_PIPES, "broken_pipes", NONE, NUMBER, "writes to pipes that nobody could read")        \
    X(WRITTEN, "written", PIPE, SIZE, "bytes written to the pipe")                                 \
    X(READ, "read", PIPE, SIZE, "bytes read from the pipe")                                        \
    X(CACHE_REFILL, "cache_refill", THREADS, TIME, "time for loading its working set again")       \
    X(LINES_MOVED, "lines_moved", THREADS, NUMBER, "cache lines that it took from other cores")    \
    X(RETURNED, "returned", PIPE, SIZE, "what each read of the pipe's stream returned")            \
    X(UNREAD, "unread", PIPE, SIZE, "most in the buffer of the pipe's stream reader")              \
    X(UNSENT, "unsent", PIPE, SIZE, "most in the buffer of the pipe's stream writer")

typedef enum MetricId {
#define X(id, name, subject, unit, text) METRIC_##id,
    METRICS(X)
#undef X
        METRIC_KINDS // how many there are; METRIC_COUNT is the metric called count
} MetricId;

typedef struct MetricInfo {
    const char *name;
    ExpectSubject subject;
    ExpectUnit unit;
    const char *text;
} MetricInfo;

const MetricInfo *metric_info(MetricId id);

// Where values come from. `samples` gives one value a task (or a wait, a span…) for the subject, in
// any order, in nanoseconds, per second or plain numbers; they live as long as the source. It is
// asked about one core, def, lock or name at a time, several times about the same one.
// `texts` gives the printed lines. Both return the count.
typedef struct ExpectSource {
    void *context;
    size_t (*samples)(void *context, MetricId metric, ExpectSubject subject, uint32_t id,
                      uint32_t instance, const double **values);
    size_t (*texts)(void *context, const char *const **lines);
} ExpectSource;

// Parses one line at `at` of the source; `scenario` must already have its names. Returns false
// with a message in `diag`.
bool expect_parse(Scenario *scenario, const char *text, SourceAt at, Expect *expect, Diag *diag);

// Whether the line holds. `found` (in `arena`) says what both sides were: "makespan = 103.2 ms".
bool expect_holds(const Scenario *scenario, const Expect *expect, const ExpectSource *source,
                  Arena *arena, const char **found);
