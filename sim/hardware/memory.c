#include "sim/hardware/memory.h"

static PageRange new_range(Memory *memory, uint64_t count)
{
    PageRange range = {(uint32_t)memory->pages.count, (uint32_t)count};
    ARRAY_EXTEND_BY(&memory->pages, count);
    return range;
}

// The range that was given back last, or as much as is asked for of its beginning.
static PageRange used_range(Memory *memory, uint64_t count)
{
    PageRange *last = &memory->free.at[memory->free.count - 1];
    PageRange range = *last;
    if (range.count <= count) {
        memory->free.count--;
        return range;
    }
    range.count = (uint32_t)count;
    last->first += range.count;
    last->count -= range.count;
    return range;
}

PageRange memory_take(Memory *memory, uint64_t count, uint32_t owner)
{
    CHECKF(count > 0 && memory->pages.count + count <= PAGES_MAX, "%llu pages",
           (unsigned long long)count);
    PageRange range = memory->free.count > 0 ? used_range(memory, count) : new_range(memory, count);
    memory->pages.at[range.first] = (Page){.run = range.count, .refs = 1, .owners = owner};
    memory->used += range.count;
    return range;
}

static void give_back(Memory *memory, PageRange range)
{
    memory->used -= range.count;
    PageRange *last = memory->free.count > 0 ? &memory->free.at[memory->free.count - 1] : NULL;
    if (last != NULL && last->first + last->count == range.first) {
        last->count += range.count;
    } else if (last != NULL && range.first + range.count == last->first) {
        last->first = range.first;
        last->count += range.count;
    } else {
        *ARRAY_PUSH(&memory->free) = range;
    }
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
