// What must hold in the trace of every simulated run, whatever the scenario: a fold over the
// records that keeps its own picture of cores, tasks, queues and locks, made from the records
// alone, and knows none of the simulator's code. The laws, by the words that a violation is
// reported with:
//
// - time: it never goes back; the last record is RUN_END, at the time and for the reason that the
//   result says; there are as many tasks as the result says.
// - core: it runs one task at a time; SWITCH_IN and SWITCH_OUT alternate; a task is on one core at
//   a time and only where its affinity allows; what a task does, it does on a core.
// - queue: a task is switched in from the queue that it joined; who leaves a core runnable is back
//   on its queue; a migration is of a queued or woken task and leads to the queue where it joins.
// - idle: no core idles with a task on its queue, beyond the latency of a wake-up.
// - kernel: ENTER and EXIT alternate; a task in a system call is not preempted; SWITCH_IN says in
//   which mode the task goes on.
// - wakeup: only a blocked task is woken, by a task that runs or a timer that has expired, and then
//   joins a queue at once; a lock's waiters are woken in the order in which they came.
// - lock: at most one holder; only the holder releases; who waits does nothing else until it has
// it;
//   a run does not get stuck on a free lock.
// - join: the number alive is right; it wakes when the last has ended.
// - life: no record of a task before its creation or after its end; daemons are killed when their
//   process's last other thread ends, at that instant, and only then; DONE when all workers ended.
// - deadlock: a circle of locks is reported at the instant when it closes, and what is reported is
//   one; DEADLOCK ends a run only when nobody can run and nobody will wake.
// - policy: FIFO and RR take the head of the queue; FIFO never preempts; with no costs, RR switches
//   exactly at the end of a slice, and at the first one at which somebody waits.
// - work: what a thread shows of its program is what its program says, in order; the CPU time that
//   it gets, to the nanosecond, is what its ops ask for, user and kernel apart.
// - sum: user + kernel + interrupt + idle of all cores is cores x length of the run.
#pragma once
#include "sim/ringside.h"

enum { LAWS_TASKS_MAX = 4096 };

typedef struct LawsReport {
    bool hold;
    char violated[512];                                // the first: which law, at which record
    int64_t user_ns, kernel_ns, interrupt_ns, idle_ns; // of all cores
    struct {
        int64_t user_ns, kernel_ns;
    } tasks[LAWS_TASKS_MAX]; // by TaskId
} LawsReport;

// `records` are a whole run's, of `scenario`, with fewer than LAWS_TASKS_MAX tasks.
void trace_laws(const Scenario *scenario, const TraceRecord *records, size_t count,
                const RunResult *result, LawsReport *report);
