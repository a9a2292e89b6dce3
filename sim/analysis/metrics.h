// Metrics: what a run was worth in numbers, folded from its trace while the records pass. A sink,
// so that a run without a window needs no stored trace; a stored one is fed to the same fold. Not a
// report: nothing here formats.
//
// What the numbers mean where it is not obvious:
// - A thread's time: from SWITCH_IN to SWITCH_OUT it has the core, in the kernel after a SWITCH_IN
//   that says so and between KERNEL_ENTER and KERNEL_EXIT, else in user mode. An interrupt takes
//   its time from both: it begins when its record says, or when the interrupts before it on that
//   core are done, and neither the thread nor its core is in user or kernel mode meanwhile.
// - A thread waits while it is runnable and has no core: from ENQUEUED, or from a SWITCH_OUT that
//   leaves it runnable (preempted or yielded), to SWITCH_IN. The cost of switching to it is its
//   own kernel time, not waiting.
// - Switches: sleep, lock, join and yield are voluntary, preemptions are forced, and the end of a
//   thread is neither. Linux asks for the state in which it left (kernel/sched/core.c __schedule):
//   nvcsw counts who blocks or exits, nivcsw who is still runnable, which after a sched_yield it
//   is. We count by whose decision it was; `nivcsw` is switches_forced and the yields.
// - A wake-up counts when its thread runs next; that of a thread that never ran is its creation,
//   which `response` measures.
// - Core times are over the whole run, up to RUN_END; user + kernel + interrupt + idle is exactly
//   that. Utilization is the part that is not idle, over the run's length.
// - Makespan is the end of the last thread that is not a daemon. When the run did not end by itself
//   (`until`, a limit, a deadlock) it is the end of the run.
// - A daemon that ends with its process has an end and a turnaround like any thread.
#pragma once
#include "sim/analysis/instances.h"
#include "sim/analysis/lock_order.h"
#include "sim/analysis/open_spans.h"
#include "sim/analysis/process_metrics.h"
#include "sim/analysis/races.h"
#include "sim/analysis/samples.h"
#include "sim/analysis/shared_data.h"
#include "sim/analysis/stream_metrics.h"
#include "sim/analysis/sync_metrics.h"
#include "sim/analysis/task_table.h"
#include "sim/base/array.h"
#include "sim/ringside.h"
#include "sim/scenario/expect.h"
#include "sim/scenario/scenario.h"
#include "sim/trace/trace.h"

typedef struct ThreadMetrics {
    TaskRow row;                        // its def and instance
    int64_t start_ns, first_ns, end_ns; // created, first on a core, ended; -1: never
    int64_t wait_ns, cpu_user_ns, cpu_kernel_ns;
    int64_t since_ns;  // while runnable: since when
    int64_t woken_ns;  // woken and not yet on a core; -1: no
    int64_t refill_ns; // loading its working set
    uint32_t lines_moved;
    uint32_t switches_voluntary, switches_forced, migrations, wakeups;
    SyncWait waits_for;
    uint32_t span; // its innermost open span
    uint8_t state; // private to metrics.c
    bool queued;   // enqueued again before it has left its core
    bool daemon;   // its entry says so, or a daemon has started it; until it execs
} ThreadMetrics;

typedef struct CoreMetrics {
    int64_t at_ns;        // accounted for up to here
    int64_t irq_until_ns; // an interrupt has the core until then
    int64_t user_ns, kernel_ns, interrupt_ns, idle_ns;
    int64_t task_user_ns, task_kernel_ns; // of the running task, since it was switched in
    uint64_t switches, interrupts;
    uint32_t task; // TaskId.index1 of who runs
    bool in_kernel;
} CoreMetrics;

// A member of a deadlock.
typedef struct DeadlockMetrics {
    uint32_t task, sync, holder; // sync 0: it joins; holder 0: nobody in particular
    uint32_t number;             // of the sync, see instances.h
    uint32_t op;                 // by which it waits; 0: not known
} DeadlockMetrics;

// A name that marks or spans use (one name may be both).
typedef struct NameMetrics {
    uint32_t name; // StringId.index1
    bool is_mark, is_span;
    uint64_t passages; // of the mark
    Samples latency;   // of the span; `latency.total` is how often it ended
} NameMetrics;

enum { PRINTED_MAX = 1 << 22, DEADLOCKS_MAX = 4096 };

typedef struct MetricsValues {
    MetricId metric;
    uint32_t id, instance;
    double *values;
    size_t count;
} MetricsValues;

// A callback that an event loop warns of.
typedef struct SlowCallback {
    uint64_t coroutine;
    int64_t took_ns, time_ns;
} SlowCallback;

enum { SLOW_CALLBACKS_MAX = 10 };

typedef struct Metrics {
    TraceSink sink;
    const Scenario *scenario;
    TaskTable threads; // of ThreadMetrics
    CoreMetrics cores[CORES_MAX];
    uint32_t core_count; // the scenario's, or more when the trace has more
    Instances instances;
    SyncMetrics *syncs; // by number, see instances.h: the scenario's by SyncId, then copies
    uint32_t sync_count, sync_room;
    Samples *wakes;    // by ThreadDefId, owned by instance
    uint32_t *name_of; // by StringId: index1 into `names`
    ARRAY(NameMetrics) names;
    ARRAY(uint32_t) printed; // StringId.index1, the first PRINTED_MAX lines
    uint64_t printed_count;
    OpenSpans spans;
    ProcessTable processes;
    StreamTable streams;
    ARRAY(MetricsValues) answers; // given to expectations
    ARRAY(const char *) lines;

    int64_t now_ns;         // of the last record
    int64_t worker_exit_ns; // of the last thread that is not a daemon; -1: none ended
    uint64_t records;
    uint64_t slow_callbacks;               // of event loops in debug mode
    SlowCallback slow[SLOW_CALLBACKS_MAX]; // the first ones
    uint32_t deadlocked;
    ARRAY(DeadlockMetrics) deadlocks; // the first DEADLOCKS_MAX members
    LockOrder lock_order;
    SharedData data;
    Races races;
    bool ended; // RUN_END was seen
    EndReason end;
    LimitId limit;
    bool has_events;
    uint64_t events;
} Metrics;

// `scenario` outlives the metrics. Feed records through `metrics->sink` or metrics_add, in order;
// whatever their ids refer to, they are taken without harm. Memory: below 200 bytes a thread.
void metrics_open(Metrics *metrics, const Scenario *scenario);
void metrics_add(Metrics *metrics, const TraceRecord *records, size_t count);
// Closes what is still open at the end of the trace. Once, before anything is read. `result` is
// NULL for a trace that was read from a file: then the number of events is not known.
void metrics_finish(Metrics *metrics, const RunResult *result);
void metrics_free(Metrics *metrics);

int64_t metrics_makespan_ns(const Metrics *metrics);
// The thread with this id (1 .. threads.id_max); NULL when there is none.
const ThreadMetrics *metrics_thread(const Metrics *metrics, uint32_t id);
// Busy share of the run, 0 .. 1; -1 when the run had no length. core < core_count.
double metrics_utilization(const Metrics *metrics, uint32_t core);
// Per second of makespan; -1 when there was none.
double metrics_throughput(const Metrics *metrics, uint64_t count);

// Whether the object or the variable with this number (see instances.h) is worth telling of: the
// scenario's own ones are, a forked process's copies when it has used them.
bool metrics_tells_sync(const Metrics *metrics, uint32_t number);
bool metrics_tells_variable(const Metrics *metrics, uint32_t number);
// Its name; "process/name" of a copy. Returns `text`.
char *metrics_sync_name(const Metrics *metrics, uint32_t number, char text[static 192]);
char *metrics_variable_name(const Metrics *metrics, uint32_t number, char text[static 192]);

// Who has what the member of a deadlock waits for: a TaskId.index1, or 0. `*op`: by which operation
// that one took it, or 0.
uint32_t metrics_holder(const Metrics *metrics, const DeadlockMetrics *member, uint32_t *op);

// For expect lines. What it returns lives as long as the metrics.
ExpectSource metrics_expect_source(Metrics *metrics);
