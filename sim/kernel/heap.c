#include "sim/kernel/heap.h"

#include "sim/base/check.h"
#include "sim/kernel/process.h"

// Its block among the process's: no name of a scenario has this number.
#define HEAP_BLOCK ((MemoryId){UINT32_MAX})

// Traces what is alive when that has changed by a page, so that there is a record for several
// objects.
static void say(Machine *machine, const Process *process, Heap *heap)
{
    uint64_t moved = heap->live > heap->said ? heap->live - heap->said : heap->said - heap->live;
    if (moved < PAGE_BYTES && (heap->live > 0 || heap->said == 0))
        return;
    heap->said = heap->live;
    machine_emit(machine, EVENT_HEAP, CORE_NONE, (TaskId){0}, process->pid.index1, heap->live);
}

static Block *own_block(Machine *machine, Process *process, uint32_t arena)
{
    Block *block = address_space_find(machine, process, HEAP_BLOCK);
    return block != NULL ? block
                         : address_space_reserve(machine, process, HEAP_BLOCK, arena, false);
}

void heap_take(Machine *machine, Process *process, Task *task, uint64_t bytes, uint32_t arena)
{
    Heap *heap = &process->heap;
    heap->live += bytes;
    uint64_t pages = pages_of(heap->live);
    if (pages > heap->needed) {
        Block *block = own_block(machine, process, arena);
        while (block->pages < pages) {
            block->pages += arena;
            process->space.reserved += arena;
        }
        heap->needed = pages;
        task->attention |= ATTENTION_MEMORY;
    }
    say(machine, process, heap);
}

void heap_give(Machine *machine, Process *process, uint64_t bytes)
{
    Heap *heap = &process->heap;
    CHECKF(bytes <= heap->live || heap->renewed, "%llu B of %llu", (unsigned long long)bytes,
           (unsigned long long)heap->live);
    heap->live -= bytes < heap->live ? bytes : heap->live;
    say(machine, process, heap);
}

uint32_t heap_claim(Process *process)
{
    Heap *heap = &process->heap;
    uint64_t missing = heap->needed - heap->claimed;
    uint32_t count = missing < FAULTS_MAX ? (uint32_t)missing : FAULTS_MAX;
    heap->claimed += count;
    return count;
}

void heap_fault(Machine *machine, Process *process, uint32_t pages, unsigned node)
{
    Block *block = address_space_find(machine, process, HEAP_BLOCK);
    TouchRun run = {.faults = true, .kind = FAULT_ANON, .count = pages};
    address_space_fault(machine, process, block, process->heap.there, run, node);
    process->heap.there += pages;
}

void heap_fork(const Process *parent, Process *child)
{
    child->heap = parent->heap;
    child->heap.claimed = child->heap.there; // nobody faults in the child yet
    child->heap.said = 0;
}

void heap_clear(Machine *machine, Process *process)
{
    process->heap = (Heap){.said = process->heap.said, .renewed = true};
    say(machine, process, &process->heap);
}
