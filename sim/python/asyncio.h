// What asyncio keeps: futures with their callbacks, loops with their ready lists and timers, and
// coroutines with the place where each has stopped. The order of everything is CPython's
// (Lib/asyncio of 3.8 to 3.13). How coroutines are run is sim/program's business: steps_asyncio.c.
//
// Futures are counted references, as Python's objects are: whoever keeps a future's number holds
// it, and drops it after.
#pragma once
#include "sim/kernel/socket_pair.h"
#include "sim/python/pool.h"
#include "sim/python/timer_queue.h"
#include "sim/python/uv_timers.h"

typedef enum FutureKind {
    FUTURE_PLAIN,    // what sleep, wait and locks wait for
    FUTURE_TASK,     // the end of a coroutine
    FUTURE_GATHER,   // of all of its children, or the first failure
    FUTURE_WAIT,     // of enough of its children
    FUTURE_COMPLETED // nothing: what as_completed has to give
} FutureKind;

typedef enum FutureState { FUTURE_PENDING, FUTURE_DONE, FUTURE_CANCELLED } FutureState;

// What the loop is to call, and what it is about: a future, which counts as held, or for some kinds
// the loop, a TimeoutScope, a Member or a FunctionDef.
typedef struct Callback {
    uint32_t kind; // CallbackKind
    uint32_t target;
} Callback;

static inline bool callback_holds(Callback callback)
{
    return callback.kind != CALLBACK_STOP && callback.kind != CALLBACK_RUNNER &&
           callback.kind != CALLBACK_TIMEOUT && callback.kind != CALLBACK_MEMBER &&
           callback.kind != CALLBACK_EXECUTOR_STOPPED && callback.kind != CALLBACK_EXECUTOR_JOIN &&
           callback.kind != CALLBACK_CALL && callback.kind != CALLBACK_READ_SELF &&
           callback.kind != CALLBACK_READ_READY && callback.kind != CALLBACK_WRITE_READY &&
           callback.kind != CALLBACK_STREAM_MADE && callback.kind != CALLBACK_STREAM_WATCH &&
           callback.kind != CALLBACK_LOOP_STOP && callback.kind != CALLBACK_STREAM_EOF &&
           callback.kind != CALLBACK_STREAM_LOST;
}

// A callback of a future that is not done yet.
typedef struct DoneCallback {
    uint32_t next;
    Callback callback;
} DoneCallback;

typedef struct Future {
    uint8_t kind, state;
    bool counted; // by the gather or wait that is being made
    uint32_t loop;
    uint32_t references;
    uint32_t exception;   // ExceptionId, once it is done
    uint32_t first, last; // its callbacks, in the order in which they were added
    // TASK: its coroutine, 0 when that has ended; GATHER: its Gather; WAIT: its Wait;
    // COMPLETED: its Completed
    uint32_t data;
} Future;

// A future in a list: one of gather's or wait's.
typedef struct Link {
    uint32_t future, next;
} Link;

typedef struct Gather {
    uint32_t first; // Link: its children, in the order in which they were given
    uint32_t children, finished;
    bool return_exceptions;
    bool cancel_requested;
} Gather;

typedef struct Wait {
    uint32_t timer;      // 0: none
    uint32_t pending;    // of its futures
    uint8_t return_when; // ReturnWhen
} Wait;

// asyncio.as_completed: its tasks, and a queue of those that have ended.
typedef struct Completed {
    uint32_t tasks;       // Links: all of them
    uint32_t todo;        // how many have yet to end
    uint32_t first, last; // Links: those that have, in that order
    uint32_t late;        // how many will not be waited for: the time is over
    uint32_t getter;      // the future of who waits for the next; 0: nobody
    uint32_t timer;       // 0: none
} Completed;

// A timer: on the loop's heap, then on its ready list.
typedef struct Timer {
    uint32_t references;
    uint32_t loop;
    Callback callback;
    bool cancelled;
    bool scheduled; // it is on the heap
} Timer;

// One entry of the ready list. `argument`: the future that is done, which counts as held; `timer`:
// the one whose callback this is.
typedef struct Ready {
    Callback callback;
    uint32_t argument, timer;
    uint64_t subject; // the COROUTINE that it is about, for the trace
} Ready;

// asyncio.timeout(): while a coroutine is in it, a timer that cancels the coroutine.
typedef struct TimeoutScope {
    uint32_t coroutine;
    uint32_t timer;
    uint16_t cancel_requests; // of the coroutine as it came
    bool expiring;            // the timer has cancelled it
} TimeoutScope;

// A task of a group.
typedef struct Member {
    uint32_t group, future;
    uint32_t next, previous;
} Member;

// asyncio.TaskGroup(): the tasks made in it end before the coroutine leaves it.
typedef struct Group {
    uint32_t coroutine;    // whose it is
    uint32_t first, last;  // Members that have not ended, in order of creation
    uint32_t waiter;       // done when the last of them has ended; 0: none
    uint32_t exception;    // that the coroutine leaves with
    bool failed;           // a member has, or the block, other than by being cancelled
    bool aborting;         // its members are cancelled
    bool parent_cancelled; // by the group itself
    bool exiting;
    bool propagate; // the coroutine is being cancelled by somebody else
} Group;

// A coroutine that is a task, and where it goes on.
typedef struct Coroutine {
    uint32_t serial, function;
    uint32_t future;    // its task's; counts as held until the coroutine has ended
    uint32_t waits_for; // the future that it awaits; 0: none
    uint32_t thrown;    // the exception that it is given as it goes on
    uint16_t cancel_requests;
    bool alive;
    bool must_cancel; // it is cancelled as it goes on
    bool started;
    uint8_t phase; // this and the following: as in Task
    uint32_t op, frame, depth, copies;
    uint64_t scratch;
    Rng rng;
    uint32_t local[3]; // of the op that awaits: futures and timers, as that op says
    // Of eager tasks (sim/program/eager.h): whose place it goes back to as it first awaits; whether
    // this is no task but the place of a plain function; how many began one another; and what the
    // op at which it is has made of functions: how many, and the list of Links.
    uint32_t starter;
    bool of_function;
    uint16_t nesting;
    uint32_t made, made_first, made_last;
} Coroutine;

// How far asyncio.run is.
typedef enum RunStage {
    RUN_MAIN,      // until the main task has ended
    RUN_CANCEL,    // until all others have, which are cancelled
    RUN_ASYNCGENS, // until shutdown_asyncgens is done
    RUN_EXECUTOR,  // until shutdown_default_executor is
    RUN_CLOSED
} RunStage;

typedef struct AsyncObject AsyncObject; // objects.h
typedef struct UvLoop UvLoop;           // uv_loop.h

// selector.h
typedef struct Selector {
    uint32_t epoll, self_pipe;
    EpollEvent *events; // that epoll_wait has returned
    uint32_t count, room;
    uint8_t received[SOCKET_PAIR_MESSAGES]; // from the self-pipe
    uint32_t received_count, received_next;
} Selector;

// What is called in which phase of a turn of uvloop's.
typedef enum UvloopPhase { UVLOOP_IDLE, UVLOOP_EVENTS, UVLOOP_TIMERS } UvloopPhase;

// uvloop.h: what libuv keeps of a loop.
typedef struct Uvloop {
    UvTimers timers;  // of Timers
    int64_t now_ms;   // the clock, as of the last look at it
    int64_t due_ms;   // as of the timers phase's begin: what it calls was due then
    uint32_t eventfd; // by which other threads wake it
    uint32_t next;    // of what epoll has returned: twice the index, and 1 for the writer
    uint32_t closing; // timers that are over, and have yet to be closed
    uint8_t phase;    // UvloopPhase
    bool idle;        // the idle phase calls what is ready, and epoll does not wait
    bool stop;        // at this turn's end
    bool woken;       // the eventfd has been written to, and has not been read since
    bool called;      // with the GIL, which is to be let go of
} Uvloop;

typedef struct Loop {
    uint32_t id;
    TaskId thread;
    uint64_t stream; // of the thread's random numbers
    const Runtime *runtime;
    Ready *ready; // a ring of `room` entries from `head`
    uint32_t head, count, room;
    uint32_t snapshot; // callbacks of this turn that have yet to run
    TimerQueue timers;
    uint32_t timers_cancelled; // that are still on the heap
    uint8_t stage;             // RunStage
    bool stopping;             // at the end of this turn
    bool polling;              // its thread sleeps in epoll_wait
    Selector selector;
    Uvloop uvloop;
    struct Stream *streams;                  // stream.h; NULL: none is in use
    uint32_t signal_functions[SIGNAL_COUNT]; // FunctionDef (index1) of add_signal_handler; 0: none
    Instant poll_until;                      // when that is over; INSTANT_NEVER: not by itself
    int64_t owed_ns;                         // CPU time of what callbacks have done, not yet spent
    Ready current;                           // the callback that runs
    uint32_t main;                           // the main task's future
    uint32_t exception;                      // what asyncio.run raises at its end
    uint32_t *instances;                     // by FunctionDef: how many coroutines have been made
    struct TaskName {
        uint32_t *futures; // of a handle: timers
        uint32_t count, room;
        bool known;
    } * names; // by TaskNameDef: the tasks that it means; they count as held
    uint32_t tasks_alive;
    AsyncObject *objects; // by SyncDef, those of asyncio; NULL: the scenario has none
    UvLoop *uv;           // it is libuv's, which uses little else of this; NULL: asyncio's
    bool calling;         // a plain function, by call_soon and its like
    bool debug;           // slow callbacks are reported
    bool eager;           // tasks begin as they are made
    bool libuv;           // it is uvloop's: see `uvloop`
    bool timing;          // a callback runs, in debug mode, of `timed`, since `timed_from`
    uint64_t timed;       // as Ready.subject
    Instant timed_from;
    // The thread's own place, while it runs a coroutine.
    uint8_t phase;
    uint32_t op, frame, depth, copies;
    uint64_t scratch;
    Rng rng;
} Loop;

typedef struct Asyncio {
    Pool futures, callbacks, links, gathers, waits, completed, timers, coroutines, scopes, groups,
        members;
    ARRAY(Loop *) loops;             // NULL: closed
    ARRAY(struct UvPool *) uv_pools; // uv_pool.h: of Node's loops; one outlives its loop
    ARRAY(TaskId) threads;           // of the loops, those that are closed included
    uint32_t cancel_depth;           // of tasks that wait for each other, while one is cancelled
    uint32_t coroutine_serial;
} Asyncio;

static inline Future *future_at(const Machine *machine, uint32_t id)
{
    return pool_at(&machine->asyncio->futures, id);
}

static inline Coroutine *coroutine_at(const Machine *machine, uint32_t id)
{
    return pool_at(&machine->asyncio->coroutines, id);
}

static inline Timer *timer_at(const Machine *machine, uint32_t id)
{
    return pool_at(&machine->asyncio->timers, id);
}

static inline Loop *loop_at(const Machine *machine, uint32_t id)
{
    return machine->asyncio->loops.at[id - 1];
}

void asyncio_free(Machine *machine);

// ---- future.c

// A new one, held by the caller.
uint32_t future_create(Machine *machine, uint32_t loop, FutureKind kind);
uint32_t future_hold(Machine *machine, uint32_t id); // returns `id`
void future_drop(Machine *machine, uint32_t id);
static inline bool future_is_done(const Machine *machine, uint32_t id)
{
    return future_at(machine, id)->state != FUTURE_PENDING;
}
// Has `callback` called with the future when it is done: in the loop's next turn, if it is already.
void future_add_callback(Machine *machine, uint32_t id, Callback callback);
// Takes back all equal ones that the loop has not got yet.
void future_remove_callback(Machine *machine, uint32_t id, Callback callback);
void future_set_result(Machine *machine, uint32_t id);
void future_set_exception(Machine *machine, uint32_t id, uint32_t exception);
// It is done, and cancelled.
void future_set_cancelled(Machine *machine, uint32_t id);
// Asks it to cancel itself, as the method cancel does for each kind; false: it is done already.
// `by`: who does, a COROUTINE for the trace.
bool future_cancel(Machine *machine, uint32_t id, uint64_t by);
// The exception that awaiting it raises, now that it is done.
uint32_t future_exception(const Machine *machine, uint32_t id);

// ---- gather.c

// How many futures the list has, each counted once; those that are pending (`done_too`: and those
// that are done) get the callback. Their marks are taken off with links_unmark.
uint32_t links_count(Machine *machine, uint32_t first, bool done_too, Callback callback);
void links_unmark(Machine *machine, uint32_t first);
// asyncio.gather() of the futures of the list that begins at `first`, which it takes over; held by
// the caller.
uint32_t gather_create(Machine *machine, uint32_t loop, uint32_t first, bool return_exceptions);
// One of its children is done.
void gather_child_done(Machine *machine, uint32_t outer, uint32_t child);
bool gather_cancel(Machine *machine, uint32_t outer, uint64_t by);
void gather_free(Machine *machine, uint32_t gather);

// Adds a future, which counts as held from now, to the list that begins at `*first`.
void links_add(Machine *machine, uint32_t *first, uint32_t *last, uint32_t future);
void links_free(Machine *machine, uint32_t first);
static inline Link *link_at(const Machine *machine, uint32_t id)
{
    return pool_at(&machine->asyncio->links, id);
}

// asyncio.wait(): the future that is done when enough of the list's are; held by the caller.
uint32_t wait_create(Machine *machine, uint32_t loop, uint32_t first, ReturnWhen return_when);
// It is done after this time at the latest.
void wait_limit(Machine *machine, uint32_t waiter, Duration timeout);
void wait_child_done(Machine *machine, uint32_t waiter, uint32_t child);
// It has ended: the list's futures do not report to it any more.
void wait_end(Machine *machine, uint32_t waiter, uint32_t first);

// ---- timeout.c

// The coroutine enters a scope that lasts `after` at most; its number.
uint32_t timeout_enter(Machine *machine, Loop *loop, uint32_t coroutine, Duration after);
// The time is over so long from now instead. False: it is already, and the task is being cancelled.
bool timeout_reschedule(Machine *machine, Loop *loop, uint32_t scope, Duration after);
// Its timer is due.
void timeout_expire(Machine *machine, uint32_t scope);
// The coroutine leaves it, with an exception or none: what goes on instead.
uint32_t timeout_leave(Machine *machine, Loop *loop, uint32_t scope, uint32_t exception);

// ---- group.c

uint32_t group_enter(Machine *machine, uint32_t coroutine);
static inline Group *group_at(const Machine *machine, uint32_t id)
{
    return pool_at(&machine->asyncio->groups, id);
}
// Whether it takes no more tasks.
bool group_is_closed(const Machine *machine, uint32_t group);
void group_add(Machine *machine, uint32_t group, uint32_t future);
// One of its tasks has ended.
void group_member_done(Machine *machine, uint32_t member);
// The coroutine is at the block's end, with an exception or none.
void group_begin_exit(Machine *machine, const Loop *loop, uint32_t group, uint32_t exception);
// It was cancelled while it waited for the members.
void group_cancelled(Machine *machine, uint32_t group);
// All have ended: what the coroutine leaves with. The group is no more.
uint32_t group_leave(Machine *machine, const Loop *loop, uint32_t group);

// ---- as_completed.c

// Of the tasks of the list that begins at `first`, which it takes over; held by the caller.
// `count`: how many there are.
uint32_t completed_create(Machine *machine, uint32_t loop, uint32_t first, uint32_t *count);
void completed_limit(Machine *machine, uint32_t id, Duration timeout);
void completed_task_done(Machine *machine, uint32_t id, uint32_t task);
void completed_expire(Machine *machine, uint32_t id);
// Takes the next one: true, and what awaiting it raises.
bool completed_take(Machine *machine, uint32_t id, uint32_t *exception);
// The future that is done when there is a next one, held by `id`; and its end.
uint32_t completed_getter(Machine *machine, uint32_t id);
void completed_got(Machine *machine, uint32_t id);
void completed_free(Machine *machine, uint32_t completed);

// ---- shield.c

// asyncio.shield(): a future for this one, that can be cancelled without it; held by the caller.
uint32_t shield_create(Machine *machine, uint32_t inner);
void shield_inner_done(Machine *machine, uint32_t outer, uint32_t inner);
void shield_outer_done(Machine *machine, uint32_t outer, uint32_t inner);

// ---- loop.c

// A loop for `thread`, asyncio's or uvloop's; its number.
uint32_t loop_open(Machine *machine, Task *thread, bool libuv);
// The same, without what asyncio has: no selector, no objects.
uint32_t loop_open_bare(Machine *machine, Task *thread);
void loop_close(Machine *machine, uint32_t id);
// Puts the callback at the end of the ready list. `argument`: a future that is done, or 0.
void loop_call_soon(Machine *machine, Loop *loop, Callback callback, uint32_t argument);
// The same for a callback that is made already: that costs nothing.
void loop_add_callback(Machine *machine, Loop *loop, Callback callback);
// A timer that nothing calls yet; held by the caller, and once more by who is to call it.
uint32_t loop_make_timer(Machine *machine, const Loop *loop, Callback callback);
// Says that loop->current, which does not come from the ready list, is called now.
void loop_call_current(Machine *machine, Loop *loop);
// A timer that calls back `after` from now; held by the caller, and by the loop.
uint32_t loop_call_later(Machine *machine, Loop *loop, Duration after, Callback callback);
// The same at an instant, which may be over.
uint32_t loop_call_at(Machine *machine, Loop *loop, Instant when, Callback callback);
// The same as soon as what is ready has run.
uint32_t loop_call_soon_timer(Machine *machine, Loop *loop, Callback callback);
// The timer will not call back.
void loop_stop_timer(Machine *machine, Loop *loop, uint32_t timer);
// The timer will not call back; the caller lets it go.
void loop_cancel_timer(Machine *machine, Loop *loop, uint32_t timer);
void loop_drop_timer(Machine *machine, uint32_t timer);
// What a name of the scenario means is let go: tasks, or timers.
void loop_drop_named(Machine *machine, Loop *loop, uint32_t name);
// The first steps of a turn: forgets timers that are cancelled.
void loop_begin_turn(Machine *machine, Loop *loop);
// For how many milliseconds epoll may wait: 0 not at all, -1 without end.
int64_t loop_poll_ms(const Machine *machine, const Loop *loop);
// After epoll: the callbacks of timers that are due are ready; then how many callbacks there are is
// the turn's snapshot.
void loop_end_poll(Machine *machine, Loop *loop);
// The next callback of the turn becomes loop->current; false when there is none left, or it is
// cancelled (*again: look again).
bool loop_next(Machine *machine, Loop *loop, bool *again);
// In debug mode: the clock at a callback's begin and, if it has run, at its end.
void loop_time_callback(const Machine *machine, Loop *loop);
void loop_time_over(Machine *machine, Loop *loop);
// Lets go of loop->current, which has run.
void loop_done_with_current(Machine *machine, Loop *loop);
// What something costs that the loop itself does.
Duration loop_cost(const Machine *machine, const Loop *loop, CostId cost);
// What to do later costs CPU time, which the loop spends before its next callback.
void loop_owe(Machine *machine, Loop *loop, CostId cost);
// How much that is, which is spent now.
static inline Duration loop_owed(Loop *loop)
{
    Duration owed = {loop->owed_ns};
    loop->owed_ns = 0;
    return owed;
}

// ---- coroutine.c

// A task of a new coroutine that runs a function: its future, held by the caller. `creator`: 0 for
// none. Its first step is ready.
uint32_t coroutine_create(Machine *machine, Loop *loop, uint32_t function, uint32_t creator);
// Task.cancel().
bool coroutine_cancel(Machine *machine, uint32_t id, uint64_t by);
// Task.uncancel(): how many requests to cancel it are left.
uint16_t coroutine_uncancel(Machine *machine, const Loop *loop, uint32_t id);
// The coroutine has ended, with an exception or none: its future is done, and it is no more.
void coroutine_end(Machine *machine, uint32_t id, uint32_t exception);
// The task's place in a coroutine's program, into the coroutine and back.
void coroutine_save(const Task *task, Coroutine *coroutine);
void coroutine_load(Task *task, const Coroutine *coroutine);
// For the trace; 0 for none.
uint64_t coroutine_argument(const Machine *machine, uint32_t id);
// Cancels all tasks of the loop that have not ended, in the order of their creation (CPython's is
// that of a set), and returns a gather of them, held by the caller; 0 when there are none.
uint32_t coroutine_cancel_all(Machine *machine, Loop *loop);
