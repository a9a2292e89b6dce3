// Data races: two accesses to one shared variable by two threads, at least one of them a plain
// write, of which neither happens before the other. A fold of the trace, exact for the run that it
// saw: every pair of places with such accesses is found, and nothing is reported that some order
// forbids. Not a prediction: a race that this run's locks happened to order is not found.
//
// What orders two threads (happens before, as in C11 and in POSIX 4.12):
// - a lock's release and its next taking; a reader-writer lock's readers are ordered with its
//   writers, not among each other;
// - release and acquire of a semaphore; set of an event and whoever waits for it, or looks and
//   finds it set (`while: { test: not go }`);
// - a notification and the waiter that it wakes; all who come to a barrier and all who leave it;
// - put and get of a queue, and where its capacity is bounded get and put;
// - spawn and what the new thread does; what a thread does and the join that waits for its end;
// - fork and what the child does, what a process does and the wait_child that collects it; write
//   and read of a pipe, its closing and the end of the file; a message sent and received;
// - an atomic write of a variable and a later atomic read of it (compare_and_swap, atomic_add, and
//   load, store and add of a variable that is declared atomic).
// A variable that is not `shared` is another one in each process: the copies do not race.
// Sleeping, and looking whether a lock is taken or how many items a queue or a semaphore has, order
// nothing. reference.c tells users the same.
//
// Two additions (`add`) by threads of one interpreter of Python from 3.10 on are none: under its
// GIL nobody comes into the middle of one. A load or a store beside them is, as ever.
//
// The algorithm is FastTrack's, except that it keeps, for each place (operation) and each thread,
// the last access, not only the last write of all: so that all pairs of places are found and not
// only the first. While all accesses to a variable are ordered, each costs one comparison.
#pragma once
#include "sim/analysis/instances.h"
#include "sim/analysis/task_table.h"
#include "sim/analysis/vector_clock.h"
#include "sim/base/array.h"
#include "sim/trace/record.h"

#include <stdbool.h>

enum {
    RACES_THREADS_MAX = 1024,    // that touch variables; one whose end is known makes room
    RACES_PAIRS_MAX = 10000,     // pairs of places
    RACES_BYTES_MAX = 256 << 20, // of clocks and accesses
};

typedef enum AccessKind { ACCESS_READ, ACCESS_WRITE, ACCESS_ATOMIC } AccessKind;

// One side of a race.
typedef struct RaceSide {
    uint32_t op; // its place: the operation's index
    uint32_t task;
    AccessKind kind;
} RaceSide;

typedef struct Race {
    uint32_t variable; // VariableId.index1
    uint32_t number;   // which one it is, see instances.h
    RaceSide first, second;
    int64_t time_ns; // of the second
} Race;

typedef struct Races {
    const Scenario *scenario;
    const Instances *instances;
    ARRAY(Race) found;     // one a pair of places, in order of discovery
    bool threads_left_out; // more than RACES_THREADS_MAX
    bool stopped;          // another bound was reached: races are looked for up to stopped_ns
    int64_t stopped_ns;
    // Private to races.c:
    TaskTable tasks;               // of RaceTask
    ARRAY(struct RaceSync) syncs;  // by number, see instances.h
    VectorClock *ended;            // by ThreadDefId: what those who have ended knew
    ARRAY(VectorClock) processes;  // by Pid: what those of it who have ended knew
    VectorClock *pipes, *messages; // by PipeId, MessageQueueId: what those knew who wrote or sent
    ARRAY(struct RaceVariable) variables; // by number
    ARRAY(struct RaceThread) threads;
    ARRAY(struct RacePlace) places; // places.at[0] is not used
    uint32_t *place_of; // by op, its reads and its writes: the last of `places` that it was
    uint64_t *pairs;    // a hash set of pairs of ops
    size_t pair_room;
    size_t bytes;
} Races;

// `instances` outlive it. Without variables it stays empty and costs nothing.
void races_open(Races *races, const Instances *instances);
// The next record, which `instances` have had. Whatever its ids refer to, it is taken without harm.
void races_add(Races *races, const TraceRecord *record);
void races_free(Races *races);

// How many of the found races are about the variable: in all processes; about the one with this
// number.
uint32_t races_about(const Races *races, uint32_t variable);
uint32_t races_of_number(const Races *races, uint32_t number);
// Why races may be missing, as a sentence in `text`; NULL when none is.
const char *races_missing(const Races *races, char text[static 160]);
// "writes", "reads", "changes atomically".
const char *access_kind_word(AccessKind kind);
