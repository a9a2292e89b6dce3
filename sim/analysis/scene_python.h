// What a scene knows of Python: who has each GIL and who waits for it, asyncio's loops with what is
// ready and which timers are set, and the coroutines that have not ended. Told by the records of
// GILs, loops and coroutines alone; which thread does what on which core is the rest of the scene.
//
// References are TaskIds, serials of coroutines, and indexes plus 1 into the scene's arrays (0:
// none), so that a scene can be copied.
#pragma once
#include "sim/analysis/scene_work.h"
#include "sim/trace/vocabulary.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Scene Scene;

// One a process, from its first record of a GIL on.
typedef struct SceneGil {
    uint32_t process;     // Pid
    uint32_t interpreter; // its number in the process; 0: the main one
    uint32_t next;        // index plus 1 of the process's next one
    uint32_t holder;      // TaskId; 0: it is free
    uint32_t last_holder; // TaskId: who has dropped it last; 0: nobody ever
    // Who waits for it, in the order of coming: links are `gil_next` of the tasks.
    uint32_t first, last, waiting;
    uint32_t asker;   // TaskId that has asked the holder to drop it; 0: nobody has
    uint32_t dropper; // TaskId that has dropped it on request, and goes on only when another thread
                      // has taken it ("forced switching"); 0: nobody
    uint32_t taken;   // how often it has been
    uint32_t unused;
    int64_t since_ns;    // held by the holder, or free
    int64_t asked_ns;    // when the drop was asked for; -1: it is not
    int64_t interval_ns; // the switch interval: what its waiters wait before they ask
} SceneGil;

// Where a loop is in its turn. X(ID, "word")
#define LOOP_PHASES(X)                                                                             \
    X(BEGINS, "begins")       /* between asyncio.run and the first turn, and at its end */         \
    X(TURN, "turn")           /* a turn has begun: looks at what is ready, and at the timers */    \
    X(POLLS, "polls")         /* asks the selector for events, or waits there */                   \
    X(CALLBACKS, "callbacks") /* calls what was ready */                                           \
    X(EVENTS, "events")       /* of libuv: calls what events are for */                            \
    X(TIMERS, "timers")       /* of libuv: calls what timers that are due are for */

typedef enum LoopPhase {
#define X(id, word) LOOP_PHASE_##id,
    LOOP_PHASES(X)
#undef X
        LOOP_PHASE_COUNT
} LoopPhase;

const char *loop_phase_word(unsigned phase);

// What a coroutine is doing. X(ID, "word", "sentence part after 'NAME '")
#define COROUTINE_STATES(X)                                                                        \
    X(READY, "ready", "is ready to go on")                                                         \
    X(RUNNING, "running", "runs")                                                                  \
    X(SLEEPS, "sleeps", "sleeps")                                                                  \
    X(WAITS_TASK, "waits for task", "waits for others to end")                                     \
    X(WAITS_OBJECT, "waits at object", "waits at an object")                                       \
    X(WAITS_ITEM, "waits for executor", "waits for what an executor does")                         \
    X(WAITS_STREAM, "waits for stream", "waits for a stream")                                      \
    X(WAITS, "waits", "waits")                                                                     \
    X(ENDED, "ended", "has ended")

typedef enum CoroutineState {
#define X(id, word, sentence) COROUTINE_STATE_##id,
    COROUTINE_STATES(X)
#undef X
        COROUTINE_STATE_COUNT
} CoroutineState;

const char *coroutine_state_word(unsigned state);
const char *coroutine_state_sentence(unsigned state);

// An event loop that a thread runs. Gone when it is closed: its place may be another's then.
typedef struct SceneLoop {
    uint32_t thread; // TaskId; 0: there is no loop here
    uint32_t main;   // serial of the coroutine that asyncio.run was given; 0: not told yet
    uint32_t phase;  // LoopPhase
    uint32_t turns;
    uint32_t first, last, ready; // its ready list: indexes plus 1 into `ready`, in order
    uint32_t snapshot;           // how many of those it calls in this turn
    uint32_t running;            // serial of the coroutine that runs now; 0: none
    uint32_t callback;           // CallbackKind plus 1 of the callback that it calls now; 0: none
    uint32_t about;              // serial of the coroutine that the callback is about; 0: none
    uint32_t timers;             // that are set, cancelled ones left out
    uint32_t in_state[COROUTINE_STATE_COUNT]; // how many of its coroutines; ENDED: since it began
    uint32_t watched;                         // files that its selector watches
    uint32_t function; // FunctionDef's index1 of `about`, or of the plain function that it calls; 0
    uint32_t libuv;    // 1: it is uvloop's
    int64_t started_ns, phase_since_ns;
    int64_t calls_since_ns; // the callback; 0: calls none
    int64_t poll_until_ns;  // while it polls: no longer than that; -1: without end
} SceneLoop;

// An entry of a ready list.
typedef struct SceneReady {
    uint32_t next;      // index plus 1
    uint32_t callback;  // CallbackKind
    uint32_t coroutine; // serial: which it resumes, or is about; 0: none
    uint32_t function; // FunctionDef's index1 of that, or of the plain function to call; 0: neither
    int64_t since_ns;
} SceneReady;

// By the timer's number - 1.
typedef struct SceneTimer {
    uint32_t loop;      // index plus 1; 0: it is not set
    uint32_t coroutine; // serial: who ran when it was set; 0: the loop
    int64_t due_ns;
} SceneTimer;

// A file that a thread's epoll set watches, as a rule for its loop. In the order of set and file.
typedef struct SceneWatch {
    uint64_t file; // see file_pack
    uint32_t set;
    uint32_t thread; // TaskId
    uint32_t events; // that it watches for: EPOLL_IN and so on
    uint32_t taken;  // events with which epoll_wait handed it over last; 0: it never did
    uint32_t turn;   // of the thread's loop, when it did
    uint32_t unused;
} SceneWatch;

typedef enum UvPhase { UV_PHASE_BEGINS, UV_PHASE_TIMERS, UV_PHASE_POLL, UV_PHASE_CHECK } UvPhase;

// Node's loop of a thread.
typedef struct SceneUv {
    uint32_t thread; // TaskId; 0: there is none here any more
    uint32_t phase;  // UvPhase
    uint32_t turns;
    uint32_t function; // FunctionDef's index1 of its last call in this phase; 0: none yet
    uint32_t from;     // UvQueueKind of that
    uint32_t queued[UV_QUEUE_COUNT]; // functions that it is to call later
    uint32_t unused;
    int64_t since_ns;      // it called that, or the phase began
    int64_t poll_until_ns; // while it polls: no longer than that; -1: without end
} SceneUv;

enum { AWAITED_IN_TURN = 0x7fffffff };

// A coroutine that is a task of a loop. They are in the order of their serials; those in state
// ENDED are gone, and only their places are left for a while.
typedef struct SceneCoroutine {
    uint32_t serial, function; // see coroutine_pack
    uint8_t state;             // CoroutineState
    uint8_t wait;   // while it runs, how it is about to wait: a CoroutineState plus 1; 0: not told
    bool cancelled; // somebody has asked it to cancel itself, and it has not gone on yet
    uint8_t unused;
    uint32_t loop;    // index plus 1
    uint32_t creator; // serial; 0: the loop
    // What it waits for. SLEEPS: number of its timer. WAITS_OBJECT: number of the object, see
    // `syncs` of the scene. WAITS_TASK: serial of the one whose end it awaits; 0: of several ones,
    // see scene_awaited_by. WAITS_ITEM: the item's number (scene_work.h). WAITS_STREAM: PipeId.
    uint32_t waits_for;
    uint32_t awaited_by; // serial of who awaits its end, of several the last that came; 0: nobody
    uint32_t awaited_at; // and what that one's `resumed` was then; AWAITED_IN_TURN: it takes them
                         // as they end, by as_completed, and so awaits this one as long as it does
    uint32_t op;         // where it is, or awaits; 0 before its first operation
    uint32_t waker;      // READY: serial of the coroutine that ran when it became so; 0: none did
    uint32_t resumed;    // how often it has gone on
    // Number of the object at which it waits, or for which it has been woken and is to try again
    // (also in state READY); 0: none.
    uint32_t object;
    uint32_t starter1; // while it begins as an eager task: who has made it, its serial plus 1; 1: a
                       // function that the loop has called; 0: it does not
    uint32_t unused2;
    int64_t since_ns; // in this state
} SceneCoroutine;

typedef struct ScenePython {
    ARRAY(SceneGil) gils;
    ARRAY(SceneLoop) loops;
    ARRAY(SceneReady) ready; // of all loops; free places are a list, too
    ARRAY(SceneTimer) timers;
    ARRAY(SceneCoroutine) coroutines;
    ARRAY(SceneWatch) watches;
    ARRAY(SceneUv) uvs;
    SceneWork work;
    uint32_t ready_free, ready_used; // index plus 1 of the first free place; how many are not free
    uint32_t timers_set;
    uint32_t ended; // how many places of `coroutines` are of those that have ended
} ScenePython;

// Node's loop of the thread; NULL when it runs none.
const SceneUv *scene_uv_of(const Scene *scene, uint32_t task);
// NULL when the thread runs none.
const SceneLoop *scene_loop_of(const Scene *scene, uint32_t task);
// The coroutine with this serial, which has not ended; NULL: there is none.
const SceneCoroutine *scene_coroutine(const Scene *scene, uint32_t serial);
// Where in `coroutines` the first one is whose serial is not below this one.
size_t scene_coroutine_place(const ScenePython *python, uint32_t serial);
// Whether it waits for the end of `coroutine`, which has not ended.
bool scene_awaited_by(const Scene *scene, const SceneCoroutine *coroutine, uint32_t serial);
// The TaskState that is like what the coroutine does: that of its thread, while it runs.
unsigned scene_coroutine_like(const Scene *scene, const SceneCoroutine *coroutine);
// The GIL of an interpreter as an INTERPRETER argument names it: a Pid is the process's main one.
// NULL: it has none, or nobody has needed it yet.
const SceneGil *scene_gil(const Scene *scene, uint64_t interpreter);
// The GIL that the thread has dropped on request and that nobody has taken yet; NULL: none.
const SceneGil *scene_gil_dropped_by(const Scene *scene, uint32_t task);
// Whether the thread waits for a GIL; it may run or be runnable meanwhile, to look or to ask.
bool scene_waits_for_gil(const Scene *scene, uint32_t task);
// The timers of a loop (index plus 1) that are due next: their numbers, at most `most` of them, in
// the order of time, of equal ones in that of their numbers. How many it were. Looks at all timers.
size_t scene_next_timers(const Scene *scene, uint32_t loop, uint32_t *timers, size_t most);
// When the present interval of a thread that waits for a GIL is over: then it asks for a drop,
// unless the GIL has gone to another thread meanwhile. -1: it does not wait, or is about to look.
int64_t scene_gil_asks_ns(const Scene *scene, uint32_t task);
