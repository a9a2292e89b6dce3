#include "sim/hardware/memory.h"

// How many of the ranges that were given back last are looked at.
enum { LOOK = 8 };

static PageRange new_range(Memory *memory, uint64_t count)
{
    PageRange range = {(uint32_t)memory->pages.count, (uint32_t)count};
    ARRAY_EXTEND_BY(&memory->pages, count);
    return range;
}

// The beginning of a free range, or all of it.
static PageRange used_range(Memory *memory, PageRange *free, uint64_t count)
{
    PageRange range = *free;
    if (range.count > count) {
        range.count = (uint32_t)count;
        free->first += range.count;
        free->count -= range.count;
    } else {
        *free = ARRAY_POP(&memory->free);
    }
    memory->spare -= range.count;
    return range;
}

// New numbers are better than a run in pieces, as long as there are not more free than used ones.
static PageRange find_range(Memory *memory, uint64_t count)
{
    size_t ranges = memory->free.count;
    for (size_t i = ranges; i-- > 0 && i + LOOK >= ranges;)
        if (memory->free.at[i].count >= count)
            return used_range(memory, &memory->free.at[i], count);
    if (memory->spare <= memory->pages.count / 2)
        return new_range(memory, count);
    return used_range(memory, &memory->free.at[ranges - 1], count);
}

PageRange memory_take(Memory *memory, uint64_t count, uint32_t owner)
{
    CHECKF(count > 0 && memory->pages.count + count <= PAGES_MAX, "%llu pages",
           (unsigned long long)count);
    PageRange range = find_range(memory, count);
    memory->pages.at[range.first] = (Page){.run = range.count, .refs = 1, .owners = owner};
    memory->used += range.count;
    return range;
}

static void give_back(Memory *memory, PageRange range)
{
    memory->used -= range.count;
    memory->spare += range.count;
    size_t ranges = memory->free.count;
    for (size_t i = ranges; i-- > 0 && i + LOOK >= ranges;) {
        PageRange *free = &memory->free.at[i];
        if (free->first + free->count != range.first && range.first + range.count != free->first)
            continue;
        free->first = free->first < range.first ? free->first : range.first;
        free->count += range.count;
        return;
    }
    *ARRAY_PUSH(&memory->free) = range;
}

PageRange memory_run_with(const Memory *memory, uint32_t first, uint32_t number)
{
    PageRange run = memory_run(memory, first);
    while (run.first + run.count <= number)
        run = memory_run(memory, run.first + run.count);
    return run;
}

void memory_cut(Memory *memory, uint32_t first, uint32_t number)
{
    PageRange run = memory_run_with(memory, first, number);
    uint32_t before = number - run.first;
    if (before == 0)
        return;
    Page *page = &memory->pages.at[run.first];
    memory->pages.at[number] = *page;
    memory->pages.at[number].run -= before;
    page->run = before;
}

void memory_share(Memory *memory, uint32_t first, uint32_t owner)
{
    Page *page = &memory->pages.at[first];
    CHECKF(page->refs > 0 && page->refs < UINT32_MAX, "page %u", first);
    page->refs++;
    page->owners ^= owner;
}

uint32_t memory_drop(Memory *memory, uint32_t first, uint32_t owner)
{
    Page *page = &memory->pages.at[first];
    CHECKF(page->refs > 0, "page %u", first);
    page->refs--;
    page->owners ^= owner;
    if (page->refs > 0)
        return page->refs == 1 ? page->owners : 0;
    give_back(memory, (PageRange){first, page->run});
    return 0;
}

void memory_free(Memory *memory)
{
    ARRAY_FREE(&memory->pages);
    ARRAY_FREE(&memory->free);
}
