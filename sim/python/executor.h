// concurrent.futures' executors of threads: their queues of items, what they know of their threads,
// and the items themselves, each with its future. What happens to them is CPython's
// (Lib/concurrent/futures/thread.py and _base.py of 3.8 to 3.13, Modules/_queuemodule.c for the
// queue); how threads come to it, with its costs and waits, is sim/program/steps_executor.c's.
//
// Locks that are only ever held by who has the GIL, for some bytecodes (the executor's own, a
// future's condition), are not there: nobody would meet them taken but by a GIL's switch in
// between.
#pragma once
#include "sim/python/pool.h"

typedef enum ItemState { ITEM_PENDING, ITEM_RUNNING, ITEM_DONE, ITEM_CANCELLED } ItemState;

// What was submitted, and its future. Counted references: the queue or the thread that does it has
// one, a name another, and a coroutine that awaits it.
typedef struct WorkItem {
    uint32_t references;
    uint8_t state;         // ItemState
    uint32_t executor;     // ExecutorDef (index1)
    uint32_t serial;       // from 1, in the order of submission
    uint32_t function;     // its first op; 0: no item but the word to a thread that it may end
    uint32_t exception;    // ExceptionId, once it is done
    uint32_t next;         // in the queue; or of those that its processes have
    uint32_t handed_to;    // the Worker that got it without that; 0: none
    uint32_t loop, future; // of asyncio, done when this is; 0: none
    WaitList waiters;      // threads that wait for its result
} WorkItem;

// A queue.SimpleQueue of items. Up to 3.12: a lock that put releases, once, when a getter may wait
// (`locked`); a getter that finds the queue empty takes it, again and again, until an item is
// there, and releases it when it has one: so one who waits is woken, and that one wakes the next.
// From 3.13 on put hands the item to who has waited for longest.
typedef struct SimpleQueue {
    uint32_t first, last;
    uint32_t count; // of items that no thread has got, those on their way to one included
    bool locked;
    bool lock_free;               // the lock: a semaphore of 0 or 1,
    uint32_t waiting;             // those in its slow path
    WaitList sleepers;            // and those of them who sleep
    uint32_t parked, last_parked; // from 3.13 on: the Workers that wait
} SimpleQueue;

// A thread of an executor.
typedef struct Worker {
    uint32_t executor; // Executor's number
    TaskId task;
    uint32_t item;    // that it does, or that it was handed; 0: none
    uint32_t next;    // of those parked
    WaitList sleeper; // itself, while it sleeps parked
} Worker;

typedef struct Executor {
    uint32_t def; // ExecutorDef (index1)
    Pid process;
    uint32_t loop; // whose default it is; 0: none
    SimpleQueue queue;
    uint32_t idle;    // tokens: each saves a submit from starting a thread
    uint32_t threads; // started
    uint32_t serial;  // of the last item
    bool shut_down;
    bool broken; // of processes: one of them has died, and it is shut down
} Executor;

// The futures that a thread has given a name to: a list through `next` from Task.futures.
typedef struct FutureSet {
    uint32_t next;
    uint32_t name; // FutureNameDef (index1)
    uint32_t *items;
    uint32_t count, room;
} FutureSet;

typedef struct Executors {
    ARRAY(Executor *) all;
    Pool items, workers;
    ARRAY(FutureSet) sets;
    uint32_t free_set; // list through `next`
} Executors;

static inline Executor *executor_at(const Machine *machine, uint32_t id)
{
    return machine->executors->all.at[id - 1];
}

static inline WorkItem *item_at(const Machine *machine, uint32_t id)
{
    return pool_at(&machine->executors->items, id);
}

static inline Worker *worker_at(const Machine *machine, uint32_t id)
{
    return pool_at(&machine->executors->workers, id);
}

void executors_free(Machine *machine);
// The executor of the process that `def` (index1) means and that takes items; `loop`: whose default
// it is (0: anyone's). 0 when there is none.
uint32_t executor_find(const Machine *machine, Pid process, uint32_t def, uint32_t loop);
// The same, made when there is none yet. 0: it has been shut down; a loop's default never is while
// the loop runs coroutines.
uint32_t executor_get(Machine *machine, Pid process, uint32_t def, uint32_t loop);
// What a submit raises when there is none (ExceptionId).
uint32_t executor_refusal(const Machine *machine, Pid process, uint32_t def, uint32_t loop);
// The newest, shut down or not; there must be one.
uint32_t executor_last(const Machine *machine, Pid process, uint32_t def, uint32_t loop);

// A new item, at the end of no queue yet; held once. `function` 0: the word to end.
uint32_t item_create(Machine *machine, uint32_t executor, uint32_t function);
uint32_t item_hold(Machine *machine, uint32_t id); // returns `id`
void item_drop(Machine *machine, uint32_t id);
// Future.cancel(): an item that nobody has begun will not be done.
void item_cancel(Machine *machine, uint32_t id);
static inline bool item_is_over(const Machine *machine, uint32_t id)
{
    return item_at(machine, id)->state >= ITEM_DONE;
}

void simple_queue_add(Machine *machine, SimpleQueue *queue, uint32_t item);
// The oldest; there must be one.
uint32_t simple_queue_take(Machine *machine, SimpleQueue *queue);
// From 3.13 on: the worker waits from now; and the one that has waited for longest, 0 for none,
// does no longer.
void simple_queue_park(Machine *machine, SimpleQueue *queue, uint32_t worker);
uint32_t simple_queue_unpark(Machine *machine, SimpleQueue *queue);

// The futures that `task` has under this name; NULL: it has not submitted any. Valid until another
// set is made.
FutureSet *future_set_find(const Machine *machine, const Task *task, uint32_t name);
// An empty set under this name, in place of the one that there was.
void future_set_begin(Machine *machine, Task *task, uint32_t name);
// Adds an item, which counts as held from now, to that set.
void future_set_add(Machine *machine, const Task *task, uint32_t name, uint32_t item);
// The task has ended: its names mean nothing any more.
void future_sets_forget(Machine *machine, Task *task);
