// The machine's memory: pages that are taken and given back, with how many processes have each and
// which, and a limit. It knows no addresses: where a process sees a page is the address space's
// business (sim/kernel/address_space.h).
//
// Pages that follow each other and that the same processes have are a run, and what there is to
// know of it is kept with its first page: forking, and ending, costs by runs and not by pages.
// Pages taken together begin as one run, which is cut where somebody gives up a part; the parts of
// a run stay apart until they are given back.
#pragma once
#include "sim/base/array.h"
#include "sim/base/check.h"

#include <stdbool.h>
#include <stdint.h>

// What is known of the run that begins with this page; of other pages this is not kept up.
typedef struct Page {
    uint32_t run;    // how many pages it has
    uint32_t refs;   // how many processes have it
    uint32_t owners; // their Pids, xor-ed: with one owner, it is that one
} Page;

// Pages [first, first + count).
typedef struct PageRange {
    uint32_t first, count;
} PageRange;

typedef struct Memory {
    uint64_t limit; // pages; 0: none
    uint64_t used;  // pages in use, those without a number included
    ARRAY(Page) pages;
    ARRAY(PageRange) free; // ranges of no runs, the one given back last behind the others
    uint64_t spare;        // pages in them
} Memory;

enum { PAGES_MAX = 1 << 30 };

// How many pages more are within the limit.
static inline uint64_t memory_room(const Memory *memory)
{
    return memory->limit == 0 ? UINT64_MAX : memory->limit - memory->used;
}

// Whether `count` pages more are.
static inline bool memory_has(const Memory *memory, uint64_t count)
{
    return count <= memory_room(memory);
}

// Takes at most `count` pages that follow each other for `owner`, a run; how many is in the result.
// The caller has asked memory_has. Fails the check beyond PAGES_MAX pages, 4 TiB.
PageRange memory_take(Memory *memory, uint64_t count, uint32_t owner);

// The run that begins with page `first`.
static inline PageRange memory_run(const Memory *memory, uint32_t first)
{
    return (PageRange){first, memory->pages.at[first].run};
}

// How many processes have it.
static inline uint32_t memory_refs(const Memory *memory, uint32_t first)
{
    return memory->pages.at[first].refs;
}

// The run that page `number` is in; `first` is a page before it, or itself, with which one begins.
PageRange memory_run_with(const Memory *memory, uint32_t first, uint32_t number);
// Lets a run begin with page `number`; `first` is as above.
void memory_cut(Memory *memory, uint32_t first, uint32_t number);
// `owner` has the run that begins with page `first` too.
void memory_share(Memory *memory, uint32_t first, uint32_t owner);
// `owner` has it no longer, and when it was the last one the pages may be taken again. Returns who
// has it alone now, 0 for nobody or several.
uint32_t memory_drop(Memory *memory, uint32_t first, uint32_t owner);

void memory_free(Memory *memory);
