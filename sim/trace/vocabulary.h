// The closed sets of words that trace arguments use: why a task left its core, which system call,
// which interrupt. Each is an X-macro list, so that the enum, the name and the sentence agree.
#pragma once

// Why a task left its core. X(ID, "word for tables", "sentence part after 'leaves the core: '")
#define SWITCH_REASONS(X)                                                                          \
    X(PREEMPTED_TICK, "tick", "the timer tick preempts it")                                        \
    X(PREEMPTED_WAKEUP, "wakeup", "a task that woke up preempts it")                               \
    X(PREEMPTED_SLICE, "slice", "its time slice is used up")                                       \
    X(PREEMPTED_MOVE, "moved", "it must go to another core")                                       \
    X(YIELDED, "yield", "it yields")                                                               \
    X(BLOCKED_SLEEP, "sleep", "it sleeps")                                                         \
    X(BLOCKED_LOCK, "lock", "it waits for a lock")                                                 \
    X(BLOCKED_JOIN, "join", "it waits for threads to end")                                         \
    X(EXITED, "exit", "it has ended")                                                              \
    X(BLOCKED_SYNC, "wait", "it waits for another thread")

typedef enum SwitchReason {
#define X(id, word, sentence) SWITCH_##id,
    SWITCH_REASONS(X)
#undef X
        SWITCH_REASON_COUNT
} SwitchReason;

// A task that left for one of these reasons gave the core away itself (a voluntary switch).
static inline int switch_is_voluntary(SwitchReason reason)
{
    return reason >= SWITCH_YIELDED;
}

// System calls. X(ID, "name")
#define SYSCALLS(X)                                                                                \
    X(CLOCK_NANOSLEEP, "clock_nanosleep")                                                          \
    X(SCHED_YIELD, "sched_yield")                                                                  \
    X(FUTEX_WAIT, "futex wait")                                                                    \
    X(FUTEX_WAKE, "futex wake")                                                                    \
    X(CLONE, "clone")                                                                              \
    X(EXIT, "exit")                                                                                \
    X(WRITE, "write")

typedef enum SyscallId {
#define X(id, name) SYSCALL_##id,
    SYSCALLS(X)
#undef X
        SYSCALL_COUNT
} SyscallId;

// Interrupts. X(ID, "name")
#define IRQS(X)                                                                                    \
    X(TICK, "timer tick")                                                                          \
    X(TIMER, "timer interrupt")                                                                    \
    X(RESCHEDULE, "reschedule interrupt")

typedef enum IrqId {
#define X(id, name) IRQ_##id,
    IRQS(X)
#undef X
        IRQ_COUNT
} IrqId;

// Why a task moved to another core. X(ID, "word")
#define MIGRATION_REASONS(X)                                                                       \
    X(WAKEUP, "wake-up placement")                                                                 \
    X(BALANCE, "periodic load balancing")                                                          \
    X(NEW_IDLE, "a core that ran out of work pulled it")                                           \
    X(AFFINITY, "its affinity")                                                                    \
    X(SHARED_QUEUE, "it waited in the queue that all cores share")

typedef enum MigrationReason {
#define X(id, word) MIGRATION_##id,
    MIGRATION_REASONS(X)
#undef X
        MIGRATION_REASON_COUNT
} MigrationReason;

// What threads synchronise by. X(ID, "word")
#define SYNC_KINDS(X)                                                                              \
    X(LOCK, "lock")                                                                                \
    X(RLOCK, "rlock")                                                                              \
    X(PI, "pi")                                                                                    \
    X(SPIN, "spin")                                                                                \
    X(RWLOCK, "rwlock")                                                                            \
    X(SEMAPHORE, "semaphore")                                                                      \
    X(CONDITION, "condition")                                                                      \
    X(EVENT, "event")                                                                              \
    X(BARRIER, "barrier")                                                                          \
    X(QUEUE, "queue")

typedef enum SyncKind {
#define X(id, word) SYNC_##id,
    SYNC_KINDS(X)
#undef X
        SYNC_KIND_COUNT
} SyncKind;

// The kinds that `lock`, `unlock` and `with` work on come first.
static inline int sync_is_lock(SyncKind kind)
{
    return kind <= SYNC_RWLOCK;
}

// How a wait that is not for a lock ended. X(ID, "word")
#define WAIT_ENDS(X)                                                                               \
    X(WOKEN, "woken")                                                                              \
    X(CHANGED, "what it waited for came before it slept")                                          \
    X(TIMEOUT, "its time is over")                                                                 \
    X(SPURIOUS, "for no reason")

typedef enum WaitEnd {
#define X(id, word) WAIT_##id,
    WAIT_ENDS(X)
#undef X
        WAIT_END_COUNT
} WaitEnd;

// Explicit limits of a run. X(ID, "name in the scenario", default, "what it bounds")
#define LIMITS(X)                                                                                  \
    X(EVENTS, "events", 2000000000, "events popped from the queue")                                \
    X(RECORDS, "records", 100000000, "trace records kept in memory (32 bytes each)")               \
    X(TASKS, "tasks", 4000000, "tasks created")                                                    \
    X(FRAMES, "frames", 16000000, "open blocks and calls of all tasks together")                   \
    X(STALL, "stall", 10000000, "operations at one instant, with no time passing")                 \
    X(TIME, "time", 604800000000000, "simulated time, a duration")                                 \
    X(ITEMS, "items", 10000000, "items in all queues together (24 bytes each)")

typedef enum LimitId {
#define X(id, name, value, text) LIMIT_##id,
    LIMITS(X)
#undef X
        LIMIT_COUNT
} LimitId;

// How a run ended. X(ID, "word")
#define END_REASONS(X)                                                                             \
    X(DONE, "every thread ended")                                                                  \
    X(UNTIL, "the end of simulated time was reached")                                              \
    X(DEADLOCK, "every thread is blocked with nothing to wake it")                                 \
    X(LIMIT, "a limit was reached")

typedef enum EndReason {
#define X(id, word) END_##id,
    END_REASONS(X)
#undef X
        END_REASON_COUNT
} EndReason;
