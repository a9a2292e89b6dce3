// The heap of a process: how many bytes of objects are alive in it, and how many pages it has for
// them. Objects that are freed leave room for others, and the process keeps the pages: so what is
// resident is what was needed at most. It knows no addresses: objects lie close together, in the
// order in which they were made, and what an allocator loses between them is in their sizes.
//
// CPython gives an arena back in which nothing is alive any more. We do not, because that depends
// on which objects lie beside each other: of 100,000 tasks made together that have all ended, 11 %
// of the pages stayed (3.12), of 10,000 tasks 72 %.
//
// A page comes with the first object on it, by a fault that the thread takes which makes the object
// (sim/program/attention.c). After a fork the child has the pages too; of those that both have, no
// write is modelled, though Python writes to most of them for its reference counts.
#pragma once
#include "sim/kernel/machine.h"

typedef struct Process Process;

typedef struct Heap {
    uint64_t live; // bytes of objects
    uint64_t said; // of them, as last traced
    // Pages: what was needed at most, what of that was faulted for, what is there. A block of the
    // process's address space has them.
    uint64_t needed, claimed, there;
    bool renewed; // it was emptied: objects of before may still be given back, and are not there
} Heap;

// Makes `bytes` of objects in the heap of `process`, whose `task` does so. The heap's addresses
// grow by `arena` pages at a time.
void heap_take(Machine *machine, Process *process, Task *task, uint64_t bytes, uint32_t arena);
// They are gone. In a process that has begun another program meanwhile they were already.
void heap_give(Machine *machine, Process *process, uint64_t bytes);
// How many pages, FAULTS_MAX at most, the heap needs and does not have: they are on their way from
// now, if somebody faults for them.
uint32_t heap_claim(Process *process);
// `pages` that were claimed are there. The machine must have room.
void heap_fault(Machine *machine, Process *process, uint32_t pages, unsigned node);
// `child`, whose address space is already a copy of that of `parent`, has the same objects.
void heap_fork(const Process *parent, Process *child);
// The process's address space has been cleared.
void heap_clear(Machine *machine, Process *process);
