#include "sim/hardware/memory.h"

#include "sim/base/check.h"

static void own(Memory *memory, PageRange range, uint32_t owner, unsigned node)
{
    for (uint32_t i = 0; i < range.count; i++)
        memory->pages.at[range.first + i] = (Page){owner, 1, node & 255};
    memory->used += range.count;
}

PageRange memory_take(Memory *memory, uint64_t count, uint32_t owner, unsigned node)
{
    CHECKF(count > 0 && memory->pages.count + count <= PAGES_MAX, "%llu pages",
           (unsigned long long)count);
    PageRange range;
    if (memory->free.count > 0) {
        PageRange *last = &memory->free.at[memory->free.count - 1];
        range = *last;
        if (range.count > count) {
            range.count = (uint32_t)count;
            last->first += range.count;
            last->count -= range.count;
        } else {
            memory->free.count--;
        }
    } else {
        range = (PageRange){(uint32_t)memory->pages.count, (uint32_t)count};
        for (uint64_t i = 0; i < count; i++)
            ARRAY_EXTEND(&memory->pages);
    }
    own(memory, range, owner, node);
    return range;
}

void memory_give_back(Memory *memory, uint32_t number)
{
    memory->used--;
    PageRange *last = memory->free.count > 0 ? &memory->free.at[memory->free.count - 1] : NULL;
    if (last != NULL && last->first + last->count == number) {
        last->count++;
    } else if (last != NULL && number + 1 == last->first) {
        last->first--;
        last->count++;
    } else {
        *ARRAY_PUSH(&memory->free) = (PageRange){number, 1};
    }
}

void memory_free(Memory *memory)
{
    ARRAY_FREE(&memory->pages);
    ARRAY_FREE(&memory->free);
}
