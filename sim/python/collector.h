// CPython's objects and its garbage collector: how many objects a program has, by the names that
// the scenario gives them, and in which of the collector's three generations they are. Counts, not
// objects: what takes time is proportional to them. An object that nobody refers to is freed at
// once, by its reference count; in a cycle objects refer to each other, and only the collector
// finds out that nobody else does. What the interpreter itself has is not counted. (CPython
// Modules/gcmodule.c up to 3.11, 3.12 Modules/gcmodule.c and Python/ceval_gil.c)
//
// The build without a GIL has another one (3.13 Python/gc_free_threading.c). It has one generation
// only: each collection goes through all there is. One is due when more objects have come in than
// the threshold, and more than a quarter of those that the last one has left. A thread counts the
// objects that it makes and frees by itself, and tells the collector every 512.
#pragma once
#include "sim/kernel/machine.h"
#include "sim/kernel/process.h"

enum { GENERATIONS = 3 };

typedef struct ObjectGroup {
    uint64_t plain[GENERATIONS];   // alive, in no cycle
    uint64_t cyclic[GENERATIONS];  // alive
    uint64_t garbage[GENERATIONS]; // in cycles that nobody refers to
    uint64_t frozen_plain, frozen_cyclic;
    uint32_t taken; // references to each of them besides the first
} ObjectGroup;

typedef struct Collector {
    bool disabled;
    bool one_generation; // that of the build without a GIL; what it has counted is in `young`
    bool collecting;     // a thread does: another does not begin, see sim/program/world.h
    int64_t young;       // objects made, less freed
    uint64_t found;      // garbage, by the collection that is going on
    uint32_t threshold;  // of the youngest generation
    uint32_t count[GENERATIONS];       // objects made, less freed; collections of the younger one
    uint64_t long_lived, long_pending; // in the oldest: at its last collection; come in since
    ObjectGroup *groups;               // by MemoryId.index1 of their name
    uint32_t group_count;
} Collector;

// What a collection finds.
typedef struct Collection {
    uint64_t traversed, freed;
} Collection;

// The process's, made when first asked for.
Collector *collector_of(Machine *machine, Process *process);
// A forked process has copies of its parent's objects, and its collector is in the same state.
void collector_fork(Machine *machine, const Process *parent, Process *child);
// The process has become another program: its objects are gone.
void collector_forget(const Process *process);

// How many objects more can be made before a collection is due; UINT32_MAX: it is disabled.
uint32_t collector_room(const Collector *collector);
void collector_make(Collector *collector, uint32_t group, uint32_t count, bool cycles);
// One more reference to each of the group's objects, or one less, which must not be the last:
// returns how many objects that are; 0: none, or it would be the last.
uint64_t collector_take(Collector *collector, uint32_t group);
uint64_t collector_give_back(Collector *collector, uint32_t group);
// Nobody refers to the group's objects any more: returns how many of them are freed at once;
// `*garbage` of them are not, as they refer to each other.
uint64_t collector_drop(Collector *collector, uint32_t group, uint64_t *garbage);

// Of the build without a GIL. A thread has made `count` objects, at most collector_batch, or freed
// them (negative); `*counted` is what it has not yet told. True: a collection may be due.
bool collector_count(Collector *collector, int32_t *counted, int64_t count);
// How many it makes until it next tells.
uint32_t collector_batch(int32_t counted);

// The generation that is to be collected now; -1: none.
int collector_due(const Collector *collector);
// What a collection of the generation and all younger ones would find; and doing it: what is alive
// becomes a generation older.
Collection collector_look(const Collector *collector, int generation);
void collector_collect(Collector *collector, int generation);
// All objects there are now are never looked at again.
void collector_freeze(Collector *collector);
