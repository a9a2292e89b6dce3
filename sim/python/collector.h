// CPython's objects and its garbage collector: how many objects a program has, by the names that
// the scenario gives them, and in which of the collector's three generations they are. Counts, not
// objects: what takes time is proportional to them. An object that nobody refers to is freed at
// once, by its reference count; in a cycle objects refer to each other, and only the collector
// finds out that nobody else does. What the interpreter itself has is not counted. (CPython
// Modules/gcmodule.c up to 3.11, 3.12 Modules/gcmodule.c and Python/ceval_gil.c)
#pragma once
#include "sim/kernel/machine.h"
#include "sim/kernel/process.h"

enum { GENERATIONS = 3 };

typedef struct ObjectGroup {
    uint64_t plain[GENERATIONS];   // alive, in no cycle
    uint64_t cyclic[GENERATIONS];  // alive
    uint64_t garbage[GENERATIONS]; // in cycles that nobody refers to
    uint64_t frozen_plain, frozen_cyclic;
} ObjectGroup;

typedef struct Collector {
    bool disabled;
    uint32_t threshold;                // of the youngest generation
    uint32_t count[GENERATIONS];       // objects made, less freed; collections of the younger one
    uint64_t long_lived, long_pending; // in the oldest: at its last collection; come in since
    ObjectGroup *groups;               // by MemoryId.index1 of their name
    uint32_t group_count;
} Collector;

// What a collection finds.
typedef struct Collection {
    uint64_t traversed, freed;
} Collection;

// The process's, made when first asked for. A forked process begins without objects: which of its
// parent's it has copies of is not modelled.
Collector *collector_of(Machine *machine, Process *process);
// The process has become another program: its objects are gone.
void collector_forget(const Process *process);

// How many objects more can be made before a collection is due; UINT32_MAX: it is disabled.
uint32_t collector_room(const Collector *collector);
void collector_make(Collector *collector, uint32_t group, uint32_t count, bool cycles);
// Nobody refers to the group's objects any more: returns how many of them are freed at once;
// `*garbage` of them are not, as they refer to each other.
uint64_t collector_drop(Collector *collector, uint32_t group, uint64_t *garbage);

// The generation that is to be collected now; -1: none.
int collector_due(const Collector *collector);
// What a collection of the generation and all younger ones would find; and doing it: what is alive
// becomes a generation older.
Collection collector_look(const Collector *collector, int generation);
void collector_collect(Collector *collector, int generation);
// All objects there are now are never looked at again.
void collector_freeze(Collector *collector);
