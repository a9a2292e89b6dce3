// The machine's memory: pages that are taken and given back, with how many processes have each and
// which, and a limit. It knows no addresses: where a process sees a page is the address space's
// business (sim/kernel/address_space.h).
#pragma once
#include "sim/base/array.h"
#include "sim/base/check.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Page {
    uint32_t owners;    // the Pids that have it, xor-ed: with one owner, it is that one
    uint32_t refs : 24; // how many have it
    uint32_t node : 8;  // of the machine's memory
} Page;

// Pages [first, first + count).
typedef struct PageRange {
    uint32_t first, count;
} PageRange;

typedef struct Memory {
    uint64_t limit; // pages; 0: none
    uint64_t used;  // pages in use, those without a number included
    ARRAY(Page) pages;
    ARRAY(PageRange) free;
} Memory;

enum { PAGES_MAX = 1 << 30, PAGE_OWNERS_MAX = (1 << 24) - 1 };

// Whether `count` pages more are within the limit.
static inline bool memory_has(const Memory *memory, uint64_t count)
{
    return memory->limit == 0 || memory->used + count <= memory->limit;
}

// Takes at most `count` pages that follow each other for `owner`; how many is in the result. The
// caller has asked memory_has. Fails the check beyond PAGES_MAX pages, 4 TiB.
PageRange memory_take(Memory *memory, uint64_t count, uint32_t owner, unsigned node);
// Page `number`, which nobody has any more, may be taken again.
void memory_give_back(Memory *memory, uint32_t number);

// `owner` has page `number` too.
static inline void memory_share(Memory *memory, uint32_t number, uint32_t owner)
{
    Page *page = &memory->pages.at[number];
    CHECKF(page->refs > 0 && page->refs < PAGE_OWNERS_MAX, "page %u", number);
    page->refs++;
    page->owners ^= owner;
}

// `owner` has page `number` no longer. Returns who has it alone now, 0 for nobody or several.
static inline uint32_t memory_drop(Memory *memory, uint32_t number, uint32_t owner)
{
    Page *page = &memory->pages.at[number];
    CHECKF(page->refs > 0, "page %u", number);
    page->refs--;
    page->owners ^= owner;
    if (page->refs > 0)
        return page->refs == 1 ? page->owners : 0;
    memory_give_back(memory, number);
    return 0;
}

void memory_free(Memory *memory);
