// The scene: the machine's state at one instant, as a fold of the trace. Whoever draws, tells or
// asks reads it; nobody asks the machine. Not a history: what was before is another scene, and
// `seek` of a recording (recording.h) gives it.
//
// All references are ids and indexes, so that a scene can be copied as a key frame. Lists (who
// waits in a run queue, who waits for a lock) are links in the tasks, in the order of joining. A
// task is in one list at most: the one of its place, when it is `listed`. (Who waits for a GIL is
// in the list of that besides, because it also runs and queues meanwhile: scene_python.h.)
#pragma once
#include "sim/analysis/instances.h"
#include "sim/analysis/scene_python.h"
#include "sim/scenario/scenario.h"
#include "sim/trace/record.h"

#include <stdint.h>

// What a thread is doing. X(ID, "word", "sentence part after 'NAME '")
#define TASK_STATES(X)                                                                             \
    X(NOT_YET, "not yet", "has not started")                                                       \
    X(RUNNING_USER, "running", "runs its program")                                                 \
    X(RUNNING_KERNEL, "in kernel", "is in the kernel")                                             \
    X(SPINNING, "spins", "spins for a lock")                                                       \
    X(RUNNABLE, "runnable", "could run and waits for a core")                                      \
    X(WAITS_LOCK, "waits for lock", "waits for a lock")                                            \
    X(WAITS_GIL, "waits for GIL", "waits for the GIL")                                             \
    X(WAITS_WORLD, "waits for collector", "waits until a garbage collection is over")              \
    X(WAITS_SYNC, "waits", "waits for another thread")                                             \
    X(WAITS_JOIN, "joins", "waits for threads to end")                                             \
    X(WAITS_CHILD, "waits for child", "waits for a child to end")                                  \
    X(WAITS_SIGNAL, "waits for signal", "waits for a signal")                                      \
    X(WAITS_PIPE, "waits for pipe", "waits for a pipe")                                            \
    X(WAITS_MESSAGES, "waits for messages", "waits for a message queue")                           \
    X(WAITS_EVENTS, "waits for events", "waits for events of its files")                           \
    X(THROTTLED, "throttled", "has used up its runtime of this period")                            \
    X(SLEEPS, "sleeps", "sleeps")                                                                  \
    X(ENDED, "ended", "has ended")

typedef enum TaskState {
#define X(id, word, sentence) TASK_STATE_##id,
    TASK_STATES(X)
#undef X
        TASK_STATE_COUNT
} TaskState;

const char *task_state_word(unsigned state);
const char *task_state_sentence(unsigned state);

static inline bool task_state_runs(TaskState state)
{
    return state == TASK_STATE_RUNNING_USER || state == TASK_STATE_RUNNING_KERNEL ||
           state == TASK_STATE_SPINNING;
}

// Not on a core and not able to use one.
static inline bool task_state_blocked(TaskState state)
{
    return state >= TASK_STATE_WAITS_LOCK && state <= TASK_STATE_SLEEPS;
}

// What a thread is in the kernel for. X(ID, "word")
#define KERNEL_ERRANDS(X)                                                                          \
    X(NONE, "")                                                                                    \
    X(SYSCALL, "system call")                                                                      \
    X(SWITCH, "context switch")                                                                    \
    X(FAULT, "page fault")                                                                         \
    X(SIGNAL, "signal")

typedef enum KernelErrand {
#define X(id, word) KERNEL_ERRAND_##id,
    KERNEL_ERRANDS(X)
#undef X
        KERNEL_ERRAND_COUNT
} KernelErrand;

const char *kernel_errand_word(unsigned errand);

// What a blocked thread waits for, and what a list is a list of. A thread that is about to block,
// or that spins, is at the place already while it still runs.
typedef enum PlaceKind {
    PLACE_NONE,
    PLACE_CORE,     // `id` is the core plus 1: runs on it, or waits in its run queue
    PLACE_SYNC,     // the object's number, see `syncs` of the scene
    PLACE_JOIN,     // ThreadDefId
    PLACE_PIPE,     // PipeId
    PLACE_MESSAGES, // MessageQueueId
    PLACE_PROCESS,  // Pid: waits for a child of it
    PLACE_TIMER,    // sleeps
    PLACE_SIGNAL,
    // No thread's, but a row's of a timeline (timeline.h):
    PLACE_LOOP,   // TaskId of who runs the loop
    PLACE_POOL,   // PoolDef's index1
    PLACE_STREAM, // PipeId
    PLACE_COUNT
} PlaceKind;

// No field has room before it, so that equal tasks are equal bytes; the same goes for those below.
typedef struct SceneTask {
    uint8_t state;  // TaskState
    uint8_t place;  // PlaceKind of what it waits for, or where it runs
    uint8_t errand; // KernelErrand, while it is in the kernel or blocked there
    bool daemon;
    bool ran;          // since `vruntime` was told: it is more by now
    bool listed;       // in the list of its place
    bool spins;        // for `wants`, also while it is preempted
    bool deadlocked;   // a DEADLOCK record names it
    int16_t core;      // where it runs or is queued, or ran last; CORE_NONE before
    uint16_t syscall;  // SyscallId plus 1 while it is in a system call, also a blocking one; 0
    uint32_t place_id; // see PlaceKind
    uint32_t next, previous;         // TaskIds: neighbours in the list of its place; 0: none
    uint32_t def, instance, process; // ThreadDefId, from 1; Pid
    uint32_t op;                     // where in the scenario it is; 0 before its first operation
    uint32_t wants;        // number of the object that it waits for and has not got, also while it
                           // tries again; 0
    uint32_t holder;       // TaskId that it was told has what it waits for; 0
    uint32_t lender;       // TaskId with whose priority it runs; 0
    uint32_t waker;        // TaskId that woke it last; 0: a timer, or nobody
    uint32_t waker_record; // index + 1 of that WAKEUP in the trace; 0. (32 bits: 4 billion records)
    uint32_t switches;     // onto a core
    uint32_t gil;          // that it has or waits for: index plus 1 into the scene's; 0
    uint32_t gil_next, gil_previous;         // TaskIds: neighbours among those who wait for it
    uint32_t loop;                           // that it runs: index plus 1 into the scene's; 0
    int64_t gil_since_ns;                    // when it began to wait for the GIL
    int64_t since_ns;                        // in this state
    int64_t wants_since_ns;                  // when it began to wait for `wants`
    int64_t user_ns, kernel_ns, runnable_ns; // see scene_task_times
    int64_t vruntime, deadline;              // as last told; ns at nice 0
    int64_t wakes_ns;                        // when its timer is due; -1: none
} SceneTask;

typedef struct SceneCore {
    uint32_t task;        // who runs, or has ended and not left yet; 0: idle
    uint32_t first, last; // its run queue, in the order of joining; TaskIds. With one queue for all
                          // cores (machine.global_queue) that is core 0's.
    uint32_t queued;
    int64_t since_ns;                   // with this task, or idle
    int64_t irq_until_ns;               // an interrupt has it until then
    uint32_t irq;                       // IrqId of the last interrupt
    uint32_t in_kernel;                 // 1: its task is in the kernel
    int64_t at_ns;                      // its time is shared out up to here
    int64_t user_ns, kernel_ns, irq_ns; // see scene_core_times
} SceneCore;

typedef struct SceneSync {
    uint32_t holder;      // of a lock that one holds; TaskId
    uint32_t depth;       // of a re-entrant one
    uint32_t readers;     // of a rwlock
    uint32_t first, last; // who waits, in the order of coming; TaskIds
    uint32_t waiting;
    int64_t level; // see SYNC_LEVEL
    int64_t held_since_ns;
    uint32_t coroutine;  // of asyncio's lock: serial of who holds it
    uint32_t coroutines; // that wait at it
} SceneSync;

typedef struct ScenePipe {
    uint64_t bytes;
    uint32_t first, last, waiting;
    uint8_t closed[PIPE_END_COUNT]; // told so at least once
    uint8_t unused[2];
} ScenePipe;

typedef struct SceneMessages {
    uint32_t count;
    uint32_t first, last, waiting;
} SceneMessages;

typedef struct SceneProcess {
    uint32_t def;        // ProcessId that it is made from; 0: no such process
    uint32_t parent;     // Pid; 0: none, or init
    uint32_t first_task; // TaskId; of a forked one
    uint32_t threads;    // alive
    bool started, ended, reaped, execed;
    uint32_t status;
    uint32_t first_gil;                  // index plus 1 into the scene's; 0: none yet
    uint32_t gils;                       // how many
    uint32_t in_state[TASK_STATE_COUNT]; // how many of its threads
    uint64_t reserved, resident, shared; // bytes; 0 in scenarios that do not speak of memory
    uint64_t heap;                       // bytes of objects
} SceneProcess;

struct Scene {
    const Scenario *scenario;
    uint64_t next;   // how many records are folded: the index of the next one
    int64_t time_ns; // of the last folded record, or what a seek to a time asked for
    bool ended;
    uint8_t end;                   // EndReason
    ARRAY(SceneTask) tasks;        // by TaskId - 1; those with `def` 0 do not exist
    ARRAY(SceneProcess) processes; // by Pid - 1
    SceneCore *cores;              // by number
    uint32_t core_count;           // the machine's, or more if the trace names more
    ScenePipe *pipes;              // by PipeId - 1; one block of memory with those below
    SceneMessages *messages;       // by MessageQueueId - 1
    // What threads synchronise by, and values of variables: by their numbers in `instances` less 1.
    // Those are the scenario's ids, and behind them the copies that processes have of their own.
    Instances instances;
    ARRAY(SceneSync) syncs;
    ARRAY(int64_t) variables;
    ScenePython python;
    // Who waits at nothing of the above: for a time, a join, a child or a signal.
    uint32_t first_blocked, last_blocked, blocked;
    uint32_t in_state[TASK_STATE_COUNT]; // how many tasks
    uint32_t deadlocked;                 // threads named in DEADLOCK records
};

// A scene before the first record. `scenario` outlives it.
void scene_open(Scene *scene, const Scenario *scenario);
void scene_free(Scene *scene);
// `to` is open, of the same scenario.
void scene_copy(Scene *to, const Scene *from);
// Folds the next record. Records of a trace that trace_file_read has accepted but that contradict
// what came before (damage) change nothing or what they can; they never crash. (scene_fold.c)
void scene_fold(Scene *scene, const TraceRecord *record);
// A hash of all that a reader can see: equal scenes have equal hashes.
uint64_t scene_hash(const Scene *scene);
// Objects that `instances` have and the scene has not yet, as they begin. (For scene_fold.)
void scene_open_instances(Scene *scene);
// What a copy of it takes.
size_t scene_bytes(const Scene *scene);

// NULL for ids that the scene does not know.
static inline const SceneTask *scene_task(const Scene *scene, uint32_t id)
{
    return id - 1 < scene->tasks.count && scene->tasks.at[id - 1].def != 0
               ? &scene->tasks.at[id - 1]
               : NULL;
}

static inline const SceneProcess *scene_process(const Scene *scene, uint32_t pid)
{
    return pid - 1 < scene->processes.count && scene->processes.at[pid - 1].def != 0
               ? &scene->processes.at[pid - 1]
               : NULL;
}

// The object with this number, NULL when there is none; what it is like in the scenario.
static inline const SceneSync *scene_sync(const Scene *scene, uint32_t number)
{
    return number - 1 < scene->syncs.count ? &scene->syncs.at[number - 1] : NULL;
}

static inline const SyncDef *scene_sync_def(const Scene *scene, uint32_t number)
{
    return number - 1 < scene->syncs.count
               ? &scene->scenario->syncs[instances_sync_at(&scene->instances, number).id - 1]
               : NULL;
}

// Whether the object or the variable with this number is still anybody's: a process's own are gone
// when it has ended, or has turned into another program.
bool scene_sync_there(const Scene *scene, uint32_t number);
bool scene_variable_there(const Scene *scene, uint32_t number);
// Whether a lock is a copy that was made while a thread of the parent held it: that one releases
// its own process's, so that this one stays held.
bool scene_sync_orphaned(const Scene *scene, uint32_t number);

// Whether its vruntime is one that its scheduler goes by, and still what was told last.
bool scene_knows_vruntime(const Scene *scene, const SceneTask *task);

// Times up to the scene's instant. Those of a task leave out what interrupts took from it.
typedef struct TaskTimes {
    int64_t user_ns, kernel_ns, runnable_ns;
    int64_t state_ns; // in its state so far
} TaskTimes;

typedef struct CoreTimes {
    int64_t user_ns, kernel_ns, irq_ns, idle_ns;
} CoreTimes;

TaskTimes scene_task_times(const Scene *scene, uint32_t task); // zeroes for no task
CoreTimes scene_core_times(const Scene *scene, uint32_t core); // core < core_count
// An interrupt has the core at the scene's instant.
bool scene_core_interrupted(const Scene *scene, uint32_t core);
