// A process's memory: the blocks that it reserved, which of their pages it has, and which of those
// it shares with other processes. What a touch of a page would fault on is answered here; the time
// that it takes is the program's business.
//
// Every block is touched from its start on, so what is resident is a few runs of pages (extents).
// Stacks are counted and have no page numbers: nobody shares them. Linux also merges, swaps and
// reclaims pages; we do not, because the lessons are about their first use.
#pragma once
#include "sim/base/array.h"
#include "sim/base/ids.h"
#include "sim/trace/vocabulary.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Machine Machine;
typedef struct Process Process;

enum {
    NODE_ANY = 255, // the page of zeros is near to all
    FAULTS_MAX = 64 // that are taken together
};

// Resident pages at, at + 1, … of a block. Private ones are a whole number of runs of the machine's
// memory (sim/hardware/memory.h).
typedef struct Extent {
    uint64_t at, count;
    uint32_t page;  // number of the first one; of the page of zeros: none
    uint8_t node;   // whose memory it is
    bool zero;      // the page of zeros, which all share and nobody owns
    bool protected; // a write faults: it was there at a fork
} Extent;

typedef ARRAY(Extent) Extents; // ascending

// Pages that processes share by intention. They belong to the block, and to no process.
typedef struct SharedPages {
    Extents extents;
    uint64_t count;    // from the first one on, without gaps
    uint32_t mappings; // how many processes have the block
} SharedPages;

// Blocks of all processes share one pool, where one that is given back keeps its array of extents
// for whoever comes next.
typedef struct Block {
    MemoryId name;   // none: the process's own, which grows with each `touch` without a block
    uint32_t next;   // of the same process, older; 0: none
    uint64_t pages;  // reserved
    uint32_t shared; // index1 into the machine's shared pages; 0: private
    Extents extents;
} Block;

typedef struct AddressSpace {
    uint32_t newest;                                    // of its blocks, in Machine.blocks; 0: none
    uint64_t reserved, resident, shared;                // pages, stacks included
    uint64_t said_reserved, said_resident, said_shared; // as last traced
} AddressSpace;

// The process's block of that name, NULL when it is not there.
Block *address_space_find(const Machine *machine, const Process *process, MemoryId name);
// Adds a block of `pages`; there must be none of that name, unless the name is none: then the
// process's own block grows by as much.
Block *address_space_reserve(Machine *machine, Process *process, MemoryId name, uint64_t pages,
                             bool shared);
// Gives a block back. Returns how many pages were resident in it.
uint64_t address_space_release(Machine *machine, Process *process, MemoryId name);

// What touching page `at` of a block does, and how many pages from there on, at most `most` and of
// those that fault at most FAULTS_MAX, do the same.
typedef struct TouchRun {
    bool faults;
    FaultKind kind;
    uint64_t count;
    unsigned node; // where the pages are, when they are there
} TouchRun;

TouchRun address_space_touch(const Machine *machine, const Block *block, uint64_t at, uint64_t most,
                             bool write);
// Pages that a fault of this kind takes from the machine.
static inline bool fault_takes_page(FaultKind kind)
{
    return kind == FAULT_ANON || kind == FAULT_COW || kind == FAULT_SHMEM;
}
// Does what `run`, just asked for, says of the pages from `at` on. The machine must have room.
void address_space_fault(Machine *machine, Process *process, Block *block, uint64_t at,
                         TouchRun run, unsigned node);

// Stacks: pages without numbers, reserved and resident ones apart.
void address_space_stack(Machine *machine, Process *process, int64_t reserved, int64_t resident);
// `child`, new, gets what `parent` has: shared blocks as they are, all else to be copied on write.
void address_space_fork(Machine *machine, Process *parent, Process *child);
// How many pages' table entries that copies: all that are resident, but those of shared blocks.
uint64_t address_space_copied(const Machine *machine, const Process *process);
// Drops all blocks.
void address_space_clear(Machine *machine, Process *process);
// Frees what the simulator holds for all processes' memory.
void address_space_free(Machine *machine);
// Traces what has changed since it last did.
void address_space_say(Machine *machine, Process *process, TaskId task);
