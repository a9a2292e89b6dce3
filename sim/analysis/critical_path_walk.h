// The walk back along a critical path, which critical_path.c does for threads and
// critical_path_coroutine.c for coroutines. Not for readers of paths.
#pragma once
#include "sim/analysis/critical_path.h"
#include "sim/analysis/instances.h"

// Where a thread is just before a record, as far as the walk back must know it.
typedef enum Where {
    WHERE_NOT_YET,
    WHERE_ON_CORE,
    WHERE_RUNNABLE,
    WHERE_BLOCKED,
    WHERE_ENDED
} Where;

typedef struct Walk {
    const Recording *recording;
    CriticalPath *path;   // its segments latest first until the walk is over
    uint32_t task;        // whose records are followed
    uint32_t coroutine;   // serial: which of its loop's coroutines the path is in; 0: in none
    const uint8_t *loops; // by TaskId: whether it ever resumes a coroutine; NULL: the path is one
                          // of threads alone
    uint64_t at;          // those before this one are still to be read
    int64_t from_ns;      // where the walk ends
    int64_t to_ns;        // what is after this instant has been told
    Where where;          // of the task before record `at`
    size_t stay;          // index of the first segment since the path came to this task
    bool spinning;        // it spins; from the release of the lock on, `released`
    uint64_t released;
    const atomic_bool *given_up; // NULL: nobody can
    Instances instances;         // whose spin lock is which; made when it is first asked for
    bool has_instances;
} Walk;

// The index of the last record of `task` before `at`; RECORD_NONE when there is none.
int64_t path_before(const Recording *recording, uint32_t task, uint64_t at);
Where path_where_is(const Recording *recording, uint32_t task, uint64_t at);
// The task, or the coroutine, has been in `state` from `time_ns` on.
void path_tell(Walk *walk, int64_t time_ns, TaskState state);
// The path goes on with `task`, which has brought the present one here by record `index`, and with
// the coroutine that it runs then, if the path is one of coroutines. Of a task that was on the path
// for no time at all nothing is left.
void path_jump(Walk *walk, uint32_t task, uint64_t index, PathLink link);
// What state record `record` of the walk's task begins, given where the task is behind it. False
// when it begins none.
bool path_begins_state(const Walk *walk, const TraceRecord *record, TaskState *state);
void path_walk_back(Walk *walk);
// The finished path: in order of time, with its sums.
void path_finish(CriticalPath *path, const Recording *recording);

// ---- critical_path_coroutine.c

// The walk's task has come back to record `k`, by which its loop resumes the walk's coroutine: how
// that came to be ready. False: it is none of its resumptions.
bool path_leave_coroutine(Walk *walk, uint64_t k);
// The coroutine that runs in the thread just before a record; 0: none does.
uint32_t path_coroutine_at(const Walk *walk, uint32_t task, uint64_t index);
