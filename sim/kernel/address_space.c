#include "sim/kernel/address_space.h"

#include "sim/base/check.h"
#include "sim/kernel/process.h"

// ---- extents

// The extent that has page `at`, or the first one behind it.
static size_t extent_index(const Block *block, uint64_t at)
{
    size_t low = 0, high = block->extents.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const Extent *extent = &block->extents.at[middle];
        if (extent->at + extent->count <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool continues(const Extent *left, const Extent *right)
{
    return left->at + left->count == right->at && left->zero == right->zero &&
           left->protected == right->protected &&
           (left->zero || left->page + left->count == right->page);
}

static void append(Block *block, Extent extent)
{
    if (extent.count == 0)
        return;
    Extent *last = block->extents.count > 0 ? &block->extents.at[block->extents.count - 1] : NULL;
    if (last != NULL && continues(last, &extent))
        last->count += extent.count;
    else
        *ARRAY_PUSH(&block->extents) = extent;
}

// The part of `extent` within [from, to).
static Extent extent_part(Extent extent, uint64_t from, uint64_t to)
{
    uint64_t end = extent.at + extent.count;
    from = from > extent.at ? from : extent.at;
    to = to < end ? to : end;
    extent.page += extent.zero ? 0 : (uint32_t)(from - extent.at);
    extent.at = from;
    extent.count = to > from ? to - from : 0;
    return extent;
}

// Makes `extent` what its pages are now, whatever they were.
static void put(Block *block, Extent extent)
{
    // Most are behind all others: memory is touched from its start on.
    size_t first = extent_index(block, extent.at);
    if (first == block->extents.count) {
        append(block, extent);
        return;
    }
    uint64_t end = extent.at + extent.count;
    ARRAY(Extent) old = {0};
    for (size_t i = first; i < block->extents.count; i++)
        *ARRAY_PUSH(&old) = block->extents.at[i];
    block->extents.count = first;
    for (size_t i = 0; i < old.count; i++)
        append(block, extent_part(old.at[i], 0, extent.at));
    append(block, extent);
    for (size_t i = 0; i < old.count; i++)
        append(block, extent_part(old.at[i], end, UINT64_MAX));
    ARRAY_FREE(&old);
}

// ---- blocks

static void block_free(Block *block)
{
    ARRAY_FREE(&block->extents);
}

Block *address_space_find(AddressSpace *space, MemoryId name)
{
    for (size_t i = 0; i < space->blocks.count; i++)
        if (ID_EQUAL(space->blocks.at[i].name, name))
            return &space->blocks.at[i];
    return NULL;
}

Block *address_space_reserve(Machine *machine, Process *process, MemoryId name, uint64_t pages,
                             bool shared)
{
    AddressSpace *space = &process->space;
    space->reserved += pages;
    Block *block = ID_NONE(name) ? address_space_find(space, name) : NULL;
    if (block != NULL) {
        block->pages += pages;
        return block;
    }
    block = ARRAY_PUSH(&space->blocks);
    *block = (Block){.name = name, .pages = pages};
    if (shared) {
        ARRAY_PUSH(&machine->shared_pages)->mappings = 1;
        block->shared = (uint32_t)machine->shared_pages.count;
    }
    return block;
}

static SharedPages *shared_of(const Machine *machine, const Block *block)
{
    return &machine->shared_pages.at[block->shared - 1];
}

// `process` gives up its part of page `number`; whoever then has it alone is told when it is
// another one than last time, so that a run of pages is told once.
static void drop(Machine *machine, Process *process, uint32_t number, uint32_t *told)
{
    bool was_shared = machine->memory.pages.at[number].refs > 1;
    process->space.shared -= was_shared;
    uint32_t alone = memory_drop(&machine->memory, number, process->pid.index1);
    if (alone == 0)
        return;
    if (*told != alone && *told != 0)
        address_space_say(machine, process_at(machine, (Pid){*told}), (TaskId){0});
    *told = alone;
    process_at(machine, (Pid){alone})->space.shared--;
}

static void tell(Machine *machine, uint32_t told)
{
    if (told != 0)
        address_space_say(machine, process_at(machine, (Pid){told}), (TaskId){0});
}

static void release_shared(Machine *machine, Block *block)
{
    SharedPages *shared = shared_of(machine, block);
    if (--shared->mappings > 0)
        return;
    for (size_t i = shared->pages.count; i-- > 0;)
        memory_drop(&machine->memory, shared->pages.at[i], 0);
    ARRAY_FREE(&shared->pages);
}

// Returns how many pages were resident.
static uint64_t release(Machine *machine, Process *process, Block *block)
{
    uint64_t resident = 0;
    uint32_t told = 0;
    for (size_t i = block->extents.count; i-- > 0;) {
        const Extent *extent = &block->extents.at[i];
        if (extent->zero)
            continue;
        resident += extent->count;
        for (uint64_t n = extent->count; n-- > 0 && block->shared == 0;)
            drop(machine, process, extent->page + (uint32_t)n, &told);
    }
    tell(machine, told);
    if (block->shared != 0) {
        process->space.shared -= resident;
        release_shared(machine, block);
    }
    process->space.resident -= resident;
    process->space.reserved -= block->pages;
    block_free(block);
    return resident;
}

uint64_t address_space_release(Machine *machine, Process *process, MemoryId name)
{
    AddressSpace *space = &process->space;
    Block *block = address_space_find(space, name);
    CHECK(block != NULL);
    uint64_t resident = release(machine, process, block);
    *block = ARRAY_POP(&space->blocks);
    return resident;
}

void address_space_clear(Machine *machine, Process *process)
{
    while (process->space.blocks.count > 0)
        release(machine, process, &ARRAY_POP(&process->space.blocks));
}

void address_space_free(AddressSpace *space)
{
    for (size_t i = 0; i < space->blocks.count; i++)
        block_free(&space->blocks.at[i]);
    ARRAY_FREE(&space->blocks);
}

// ---- touching

// Page `at` is not in `block`: what happens, for up to `most` pages.
static TouchRun touch_missing(const Machine *machine, const Block *block, uint64_t at,
                              uint64_t most, bool write)
{
    if (block->shared == 0)
        return (TouchRun){.faults = true, .kind = write ? FAULT_ANON : FAULT_ZERO, .count = most};
    uint64_t there = shared_of(machine, block)->pages.count;
    if (at >= there)
        return (TouchRun){.faults = true, .kind = FAULT_SHMEM, .count = most};
    uint64_t count = there - at < most ? there - at : most;
    return (TouchRun){.faults = true, .kind = FAULT_MINOR, .count = count};
}

// Page number `page` is there, and writing to it faults.
static FaultKind protected_kind(const Machine *machine, uint32_t page)
{
    return machine->memory.pages.at[page].refs > 1 ? FAULT_COW : FAULT_MINOR;
}

TouchRun address_space_touch(const Machine *machine, const Block *block, uint64_t at, uint64_t most,
                             bool write)
{
    size_t index = extent_index(block, at);
    if (index == block->extents.count)
        return touch_missing(machine, block, at, most, write);
    const Extent *extent = &block->extents.at[index];
    if (at < extent->at)
        return touch_missing(machine, block, at, extent->at - at < most ? extent->at - at : most,
                             write);
    uint64_t skip = at - extent->at, left = extent->count - skip;
    most = most < left ? most : left;
    if (extent->zero)
        return (TouchRun){.faults = write, .kind = FAULT_ANON, .count = most, .node = NODE_ANY};
    uint32_t page = extent->page + (uint32_t)skip;
    const Page *pages = machine->memory.pages.at;
    TouchRun run = {.faults = write && extent->protected, .count = 1, .node = pages[page].node};
    if (run.faults)
        run.kind = protected_kind(machine, page);
    while (run.count < most && pages[page + run.count].node == run.node &&
           (!run.faults || protected_kind(machine, page + (uint32_t)run.count) == run.kind))
        run.count++;
    return run;
}

// New pages of `process` from `at` on.
static void take(Machine *machine, Process *process, Block *block, uint64_t at, uint64_t count,
                 unsigned node)
{
    while (count > 0) {
        PageRange range = memory_take(&machine->memory, count, process->pid.index1, node);
        put(block, (Extent){.at = at, .count = range.count, .page = range.first});
        at += range.count;
        count -= range.count;
    }
}

static void fault_anon(Machine *machine, Process *process, Block *block, uint64_t at,
                       uint64_t count, unsigned node)
{
    process->space.resident += count;
    take(machine, process, block, at, count, node);
}

// Pages that are protected, of one extent: they get a copy each, or lose the protection when nobody
// else has them. `run` was asked for a moment ago, so all of its pages are alike.
static void fault_copy(Machine *machine, Process *process, Block *block, uint64_t at, TouchRun run,
                       unsigned node)
{
    Extent old = extent_part(block->extents.at[extent_index(block, at)], at, at + run.count);
    if (run.kind == FAULT_MINOR) {
        old.protected = false;
        put(block, old);
        return;
    }
    uint32_t told = 0;
    for (uint64_t i = 0; i < run.count; i++)
        drop(machine, process, old.page + (uint32_t)i, &told);
    take(machine, process, block, at, run.count, node);
    tell(machine, told);
}

static void fault_shared(Machine *machine, Process *process, Block *block, uint64_t at,
                         uint64_t count, unsigned node)
{
    SharedPages *shared = shared_of(machine, block);
    process->space.resident += count;
    process->space.shared += count;
    for (uint64_t i = at; i < at + count; i++) {
        if (i == shared->pages.count) // the pages belong to the block, and to no process
            *ARRAY_PUSH(&shared->pages) = memory_take(&machine->memory, 1, 0, node).first;
        put(block, (Extent){.at = i, .count = 1, .page = shared->pages.at[i]});
    }
}

void address_space_fault(Machine *machine, Process *process, Block *block, uint64_t at,
                         TouchRun run, unsigned node)
{
    if (block->shared != 0)
        fault_shared(machine, process, block, at, run.count, node);
    else if (run.kind == FAULT_ZERO)
        put(block, (Extent){.at = at, .count = run.count, .zero = true});
    else if (run.kind == FAULT_ANON)
        fault_anon(machine, process, block, at, run.count, node);
    else
        fault_copy(machine, process, block, at, run, node);
}

void address_space_stack(Machine *machine, Process *process, int64_t reserved, int64_t resident)
{
    process->space.reserved += (uint64_t)reserved;
    process->space.resident += (uint64_t)resident;
    machine->memory.used += (uint64_t)resident;
}

// ---- forking

// The child has every page that the parent has; from now on both copy what they write.
static void fork_extent(Machine *machine, Process *parent, Process *child, Extent *extent)
{
    if (extent->zero)
        return;
    extent->protected = true;
    for (uint64_t i = 0; i < extent->count; i++) {
        uint32_t number = extent->page + (uint32_t)i;
        parent->space.shared += machine->memory.pages.at[number].refs == 1;
        memory_share(&machine->memory, number, child->pid.index1);
    }
    child->space.shared += extent->count;
    child->space.resident += extent->count;
}

static void fork_block(Machine *machine, Process *parent, Process *child, Block *block)
{
    Block copy = {.name = block->name, .pages = block->pages, .shared = block->shared};
    child->space.reserved += block->pages;
    if (block->shared != 0) {
        // Linux does not copy the tables of shared memory: the child faults its pages in.
        shared_of(machine, block)->mappings++;
    } else {
        for (size_t i = 0; i < block->extents.count; i++) {
            fork_extent(machine, parent, child, &block->extents.at[i]);
            append(&copy, block->extents.at[i]);
        }
    }
    *ARRAY_PUSH(&child->space.blocks) = copy;
}

void address_space_fork(Machine *machine, Process *parent, Process *child)
{
    for (size_t i = 0; i < parent->space.blocks.count; i++)
        fork_block(machine, parent, child, &parent->space.blocks.at[i]);
}

// ---- the trace

static void say(Machine *machine, EventKind kind, const Process *process, TaskId task,
                uint64_t pages, uint64_t *said)
{
    if (*said == pages)
        return;
    *said = pages;
    machine_emit(machine, kind, CORE_NONE, task, process->pid.index1, pages * PAGE_BYTES);
}

void address_space_say(Machine *machine, Process *process, TaskId task)
{
    AddressSpace *space = &process->space;
    if (!machine->scenario->tracks_memory)
        return;
    say(machine, EVENT_MEMORY_RESERVED, process, task, space->reserved, &space->said_reserved);
    // In the order in which the rest, what is private, is at no moment more than it was.
    bool shares = space->shared > space->said_shared;
    if (shares)
        say(machine, EVENT_MEMORY_SHARED, process, task, space->shared, &space->said_shared);
    say(machine, EVENT_MEMORY_RESIDENT, process, task, space->resident, &space->said_resident);
    if (!shares)
        say(machine, EVENT_MEMORY_SHARED, process, task, space->shared, &space->said_shared);
}
