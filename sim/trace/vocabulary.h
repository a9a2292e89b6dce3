// The closed sets of words that trace arguments use: why a task left its core, which system call,
// which interrupt. Each is an X-macro list, so that the enum, the name and the sentence agree.
#pragma once

// Why a task left its core. X(ID, "word for tables", "sentence part after 'leaves the core: '")
#define SWITCH_REASONS(X)                                                                          \
    X(PREEMPTED_TICK, "tick", "the timer tick preempts it")                                        \
    X(PREEMPTED_WAKEUP, "wakeup", "a task that woke up preempts it")                               \
    X(PREEMPTED_SLICE, "slice", "its time slice is used up")                                       \
    X(PREEMPTED_MOVE, "moved", "it must go to another core")                                       \
    X(PREEMPTED_SERVER, "server", "realtime threads have kept normal ones waiting for long")       \
    X(YIELDED, "yield", "it yields")                                                               \
    X(BLOCKED_SLEEP, "sleep", "it sleeps")                                                         \
    X(BLOCKED_LOCK, "lock", "it waits for a lock")                                                 \
    X(BLOCKED_JOIN, "join", "it waits for threads to end")                                         \
    X(EXITED, "exit", "it has ended")                                                              \
    X(BLOCKED_SYNC, "wait", "it waits for another thread")                                         \
    X(THROTTLED, "throttled", "its runtime of this period is used up")                             \
    X(BLOCKED_PIPE, "pipe", "it waits for a pipe")                                                 \
    X(BLOCKED_MESSAGES, "messages", "it waits for a message queue")                                \
    X(BLOCKED_CHILD, "child", "it waits for a child to end")                                       \
    X(BLOCKED_SIGNAL, "signal", "it waits for a signal")                                           \
    X(BLOCKED_EPOLL, "epoll", "it waits in epoll_wait")                                            \
    X(BLOCKED_GIL, "gil", "it waits for the GIL")                                                  \
    X(BLOCKED_START, "start", "it waits for a new thread to begin")                                \
    X(BLOCKED_WORLD, "collector", "it waits until a garbage collection is over")                   \
    X(BLOCKED_OBJECT, "object", "it waits for the lock of an object")

typedef enum SwitchReason {
#define X(id, word, sentence) SWITCH_##id,
    SWITCH_REASONS(X)
#undef X
        SWITCH_REASON_COUNT
} SwitchReason;

// A task that left for one of these reasons gave the core away itself (a voluntary switch). Linux
// counts a yield as an involuntary one: see metrics.h.
static inline int switch_is_voluntary(SwitchReason reason)
{
    return reason >= SWITCH_YIELDED && reason != SWITCH_THROTTLED;
}

// System calls. X(ID, "name")
#define SYSCALLS(X)                                                                                \
    X(CLOCK_NANOSLEEP, "clock_nanosleep")                                                          \
    X(SCHED_YIELD, "sched_yield")                                                                  \
    X(FUTEX_WAIT, "futex wait")                                                                    \
    X(FUTEX_WAKE, "futex wake")                                                                    \
    X(CLONE, "clone")                                                                              \
    X(EXIT, "exit")                                                                                \
    X(WRITE, "write")                                                                              \
    X(READ, "read")                                                                                \
    X(CLOSE, "close")                                                                              \
    X(GETPPID, "getppid")                                                                          \
    X(OPENAT, "openat")                                                                            \
    X(NEWFSTATAT, "newfstatat")                                                                    \
    X(MMAP, "mmap")                                                                                \
    X(MUNMAP, "munmap")                                                                            \
    X(FORK, "fork")                                                                                \
    X(VFORK, "vfork")                                                                              \
    X(EXECVE, "execve")                                                                            \
    X(WAIT4, "wait4")                                                                              \
    X(EXIT_GROUP, "exit_group")                                                                    \
    X(KILL, "kill")                                                                                \
    X(RT_SIGACTION, "rt_sigaction")                                                                \
    X(RT_SIGRETURN, "rt_sigreturn")                                                                \
    X(PAUSE, "pause")                                                                              \
    X(MQ_SEND, "mq_timedsend")                                                                     \
    X(MQ_RECEIVE, "mq_timedreceive")                                                               \
    X(EPOLL_WAIT, "epoll_wait")                                                                    \
    X(EPOLL_CTL, "epoll_ctl")                                                                      \
    X(SENDTO, "sendto")                                                                            \
    X(RECVFROM, "recvfrom")                                                                        \
    X(POLL, "poll")

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
    X(RESCHEDULE, "reschedule interrupt")                                                          \
    X(DEVICE, "device interrupt")                                                                  \
    X(SOFTIRQ, "softirq")

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
    X(SHARED_QUEUE, "it waited in the queue that all cores share")                                 \
    X(PUSH, "it is urgent, and that core runs something that is less so")                          \
    X(PULL, "it is urgent, and that core has nothing that is as much so")                          \
    X(PEEK, "a core whose queue was empty took it")

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

// How a wait ended that did not end with a lock taken. X(ID, "word")
#define WAIT_ENDS(X)                                                                               \
    X(WOKEN, "woken")                                                                              \
    X(CHANGED, "what it waited for came before it slept")                                          \
    X(TIMEOUT, "its time is over")                                                                 \
    X(SPURIOUS, "for no reason")                                                                   \
    X(BROKEN, "the barrier is broken")

typedef enum WaitEnd {
#define X(id, word) WAIT_##id,
    WAIT_ENDS(X)
#undef X
        WAIT_END_COUNT
} WaitEnd;

// Explicit limits of a run. X(ID, "name in the scenario", default, "what it bounds")
#define LIMITS(X)                                                                                  \
    X(EVENTS, "events", 2000000000, "events popped from the queue")                                \
    X(RECORDS, "records", 2000000000, "trace records written")                                     \
    X(MEMORY, "memory", 8000000000, "bytes that the simulated machine's state takes")              \
    X(TASKS, "tasks", 4000000, "tasks created")                                                    \
    X(FRAMES, "frames", 16000000, "open blocks and calls of all tasks together")                   \
    X(STALL, "stall", 10000000, "operations at one instant, with no time passing")                 \
    X(TIME, "time", 604800000000000, "simulated time, a duration")                                 \
    X(ITEMS, "items", 10000000, "items in all queues together (24 bytes each)")                    \
    X(DEPTH, "depth", 10000, "open blocks and calls of one thread: a function that calls itself")

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
    X(LIMIT, "a limit was reached")                                                                \
    X(MISTAKE, "the scenario did something that makes no sense")                                   \
    X(REFUSED, "an output could take no more of the trace")

typedef enum EndReason {
#define X(id, word) END_##id,
    END_REASONS(X)
#undef X
        END_REASON_COUNT
} EndReason;

// What a page fault finds and does. X(ID, "word", cost, "sentence part")
#define FAULT_KINDS(X)                                                                             \
    X(ANON, "anonymous", PF_ANON, "a new page, filled with zeros")                                 \
    X(ZERO, "zero page", PF_ZERO, "the page of zeros, for reading")                                \
    X(COW, "copy on write", PF_COW, "a copy of a page shared since a fork")                        \
    X(SHMEM, "shared memory", PF_SHMEM, "a new page of shared memory")                             \
    X(MINOR, "minor", PF_MINOR, "a page that is in memory already")

typedef enum FaultKind {
#define X(id, word, cost, sentence) FAULT_##id,
    FAULT_KINDS(X)
#undef X
        FAULT_KIND_COUNT
} FaultKind;

// Signals. X(ID, "name", number, what it does to a process that has not said otherwise)
#define SIGNALS(X)                                                                                 \
    X(TERM, "TERM", 15, ENDS)                                                                      \
    X(KILL, "KILL", 9, ENDS)                                                                       \
    X(CHLD, "CHLD", 17, IGNORED)                                                                   \
    X(PIPE, "PIPE", 13, ENDS)                                                                      \
    X(INT, "INT", 2, ENDS)                                                                         \
    X(USR1, "USR1", 10, ENDS)

typedef enum SignalId {
#define X(id, name, number, action) SIGNAL_##id,
    SIGNALS(X)
#undef X
        SIGNAL_COUNT
} SignalId;

// Why a thread was killed. X(ID, "sentence part after 'NAME '")
#define KILL_REASONS(X)                                                                            \
    X(DAEMON, "is a daemon and ends with its process")                                             \
    X(EXIT, "ends because its process exits")                                                      \
    X(SIGNAL, "ends because a signal ends its process")                                            \
    X(MEMORY, "ends because its process is killed to free memory")                                 \
    X(EXEC, "ends because its process becomes another program")

typedef enum KillReason {
#define X(id, sentence) KILL_REASON_##id,
    KILL_REASONS(X)
#undef X
        KILL_REASON_COUNT
} KillReason;

// The ends of a pipe. X(ID, "name")
#define PIPE_ENDS(X) X(READ, "read") X(WRITE, "write")

typedef enum PipeEnd {
#define X(id, name) PIPE_END_##id,
    PIPE_ENDS(X)
#undef X
        PIPE_END_COUNT
} PipeEnd;

// What epoll can watch. X(ID, "sentence part")
#define FILE_KINDS(X)                                                                              \
    X(PIPE_READ, "the read end of pipe")                                                           \
    X(PIPE_WRITE, "the write end of pipe")                                                         \
    X(SELF_PIPE, "self-pipe")                                                                      \
    X(EVENTFD, "eventfd")

typedef enum FileKind {
#define X(id, sentence) FILE_##id,
    FILE_KINDS(X)
#undef X
        FILE_KIND_COUNT
} FileKind;

// Where a function that Node's loop calls comes from. X(ID, "name")
#define UV_QUEUES(X)                                                                               \
    X(SCRIPT, "the script")                                                                        \
    X(TICK, "nextTick")                                                                            \
    X(MICROTASK, "microtask")                                                                      \
    X(IMMEDIATE, "immediate")                                                                      \
    X(TIMER, "timer")                                                                              \
    X(WORK, "thread pool")

typedef enum UvQueueKind {
#define X(id, name) UV_QUEUE_##id,
    UV_QUEUES(X)
#undef X
        UV_QUEUE_COUNT
} UvQueueKind;

// What epoll says of a file. X(ID, bit, "word"). Errors and hang-ups are said without being asked
// for.
#define EPOLL_EVENTS(X)                                                                            \
    X(IN, 1, "readable")                                                                           \
    X(OUT, 2, "writable")                                                                          \
    X(ERR, 4, "broken")                                                                            \
    X(HUP, 8, "hung up")

enum {
#define X(id, bit, word) EPOLL_##id = (bit),
    EPOLL_EVENTS(X)
#undef X
        EPOLL_ALWAYS = EPOLL_ERR | EPOLL_HUP
};

// What a callback of asyncio's loop does. X(ID, "sentence part after 'the loop is to '")
#define CALLBACK_KINDS(X)                                                                          \
    X(STEP, "resume")                                                                              \
    X(SET_RESULT, "end the sleep of")                                                              \
    X(RELEASE, "release the waiter for")                                                           \
    X(GATHER, "tell gather of the end of")                                                         \
    X(WAIT, "tell wait of the end of")                                                             \
    X(STOP, "stop, because of the end of")                                                         \
    X(RUNNER, "run a step of asyncio.run")                                                         \
    X(TIMEOUT, "end the time of")                                                                  \
    X(MEMBER, "tell the group of the end of")                                                      \
    X(COMPLETED, "tell as_completed of the end of")                                                \
    X(LATE, "end the time of as_completed of")                                                     \
    X(SHIELD_INNER, "tell shield of the end of")                                                   \
    X(SHIELD_OUTER, "let go of the shield of")                                                     \
    X(CALL, "call")                                                                                \
    X(READ_SELF, "read what woke")                                                                 \
    X(READ_READY, "read a stream for")                                                             \
    X(WRITE_READY, "write to a stream for")                                                        \
    X(STREAM_MADE, "connect a stream for")                                                         \
    X(STREAM_WATCH, "begin to watch a stream for")                                                 \
    X(STREAM_EOF, "end a stream for")                                                              \
    X(STREAM_LOST, "close a stream for")                                                           \
    X(EXECUTOR_DONE, "take the result of an executor for")                                         \
    X(EXECUTOR_CHECK, "see whether what it awaits of an executor was cancelled, for")              \
    X(EXECUTOR_STOPPED, "end the wait for its executor's end")                                     \
    X(EXECUTOR_JOIN, "join the thread that has shut its executor down")                            \
    X(LOOP_STOP, "stop at the end of its ready list")

typedef enum CallbackKind {
#define X(id, sentence) CALLBACK_##id,
    CALLBACK_KINDS(X)
#undef X
        CALLBACK_KIND_COUNT
} CallbackKind;

// Python's exceptions that the scenario language knows. X(ID, "name in the scenario", "in Python")
#define EXCEPTIONS(X)                                                                              \
    X(CANCELLED, "cancelled", "asyncio.CancelledError")                                            \
    X(TIMEOUT, "timeout", "asyncio.TimeoutError")                                                  \
    X(GROUP, "group", "ExceptionGroup")                                                            \
    X(ERROR, "error", "Exception")                                                                 \
    X(BROKEN, "broken", "BrokenProcessPool")

// How a process ended, in one number: its exit code, or 256 plus the SignalId that killed it.
enum { STATUS_SIGNALLED = 256 };

// The marks of asyncio's streams: a reader with more than twice its limit in its buffer does not
// read its pipe until it is down to the limit; past a writer's high-water mark drain() waits.
// (CPython Lib/asyncio/streams.py, transports.py)
enum { STREAM_LIMIT = 64 * 1024, STREAM_HIGH_WATER = 64 * 1024 };
