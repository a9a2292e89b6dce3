// What a thread of Python keeps while it is in the middle of an op and has to do with others of its
// interpreter first: with the GIL (gil_turn.c), or in the build without one with a collector that
// stops the world (world.c). Private to those two.
#pragma once
#include "sim/program/gil_turn.h"

// What a turn does after its current step.
typedef enum GilStep {
    DROP_LOCK, // drop_gil: lets go of it under its mutex, and tells one who waits
    DROP_TELL,
    DROP_UNLOCK,
    GRANT_LOCK, // it was asked to: waits until another thread has taken it
    GRANT_WAIT,
    GRANT_UNLOCK,
    TAKE_LOCK, // take_gil: waits under its mutex until it is free
    TAKE_WAIT,
    TAKE_SWITCH, // has it, and says so to who has dropped it for others
    TAKE_TELL,
    TAKE_SWITCHED,
    TAKE_UNLOCK,
    GONE_UNLOCK, // a daemon that comes when Python has ended: lets go of the mutex,
    GONE,        // and ends, or sleeps for ever
    POST,        // of 2.7: lets go of the semaphore, and wakes one who waits
    WAIT_POST,   // waits for it
    WORLD_TELL,  // world.c: tells the collector that the last thread has stopped
    WORLD_HOLD,  // waits until the collector starts the world again
    WORLD_STOP,  // the collector: waits until all have stopped
    WORLD_START, // lets them go on
    OBJECT_SPIN, // object_lock.c: tries to take an object's lock
    OBJECT_PARK, // sleeps until it is let go of
    OBJECT_WAKE  // has let go of it, and wakes one who sleeps
} GilStep;

typedef enum GilGoal {
    GOAL_TAKE,
    GOAL_SWITCH, // drop it on request, and take it again
    GOAL_CALL,   // drop it, and do a system call
    GOAL_LEAVE,  // drop it, and go on
    GOAL_STOP,   // the world; and then work in C
    GOAL_START,  // the world
    GOAL_OBJECT  // has to do with an object's lock
} GilGoal;

struct GilTurn {
    uint8_t goal, step; // GilGoal, GilStep
    bool waited;        // it has been said that it must wait
    bool asked;         // the holder will only see that when it sleeps
    bool ticks;         // it is that of 2.7
    bool suspended;     // it has stopped, or stood still when the world was: it must wait
    bool counted;       // a collector waits until it stops
    int32_t objects;    // that it has made, less freed, and not yet told the collector
    uint64_t switches;  // of the GIL, when its wait began
    // GOAL_OBJECT: of which variable; how often it has tried; whether it may stop sleeping, and
    // from when on it is handed the lock; who sleeps behind it, or who is to be woken.
    uint32_t object;
    uint8_t spins, unparked;
    Instant fair_at;
    TaskId next_parked;
    // GOAL_CALL.
    SyscallId call;
    Duration length;
    uint8_t call_phase;
    // The task's place in its op, and what belongs to that.
    uint8_t phase, restart;
    bool slept;
    uint32_t saved_depth;
    uint64_t scratch;
    Instant wait_until;
    Duration unfinished;
};

// The task's, made when it first has to do with either.
struct GilTurn *turn_of(Machine *machine, Task *task);
// Begins one: keeps where the task is in its op.
void turn_begin(Machine *machine, Task *task, GilGoal goal);
// Ends it: the op goes on where it was.
StepResult turn_end(Machine *machine, Task *task);
