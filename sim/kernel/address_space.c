#include "sim/kernel/address_space.h"

#include "sim/base/check.h"
#include "sim/kernel/process.h"

#include <string.h>

// ---- extents

// The extent that has page `at`, or the first one behind it.
static size_t extent_index(const Extents *extents, uint64_t at)
{
    size_t low = 0, high = extents->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const Extent *extent = &extents->at[middle];
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
           left->protected == right->protected && left->node == right->node &&
           (left->zero || left->page + left->count == right->page);
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

// Adds a part to those before it, of which there are `*count`.
static void append(Extent *parts, size_t *count, Extent extent)
{
    if (*count > 0 && continues(&parts[*count - 1], &extent))
        parts[*count - 1].count += extent.count;
    else if (extent.count > 0)
        parts[(*count)++] = extent;
}

// The parts come in the place of extents [first, past).
static void replace(Extents *extents, size_t first, size_t past, const Extent *parts, size_t count)
{
    size_t behind = extents->count - past;
    if (count > past - first)
        ARRAY_EXTEND_BY(extents, count - (past - first));
    memmove(&extents->at[first + count], &extents->at[past], behind * sizeof(Extent));
    memcpy(&extents->at[first], parts, count * sizeof(Extent));
    extents->count = first + count + behind;
}

// Makes `extent` what its pages are now, whatever they were.
static void put(Extents *extents, Extent extent)
{
    uint64_t end = extent.at + extent.count;
    size_t first = extent_index(extents, extent.at), past = first, count = 0;
    while (past < extents->count && extents->at[past].at < end)
        past++;
    Extent left = {0}, right = {0};
    if (past > first) {
        left = extent_part(extents->at[first], 0, extent.at);
        right = extent_part(extents->at[past - 1], end, UINT64_MAX);
    }
    Extent parts[5];
    if (first > 0)
        append(parts, &count, extents->at[--first]);
    append(parts, &count, left);
    append(parts, &count, extent);
    append(parts, &count, right);
    if (past < extents->count)
        append(parts, &count, extents->at[past++]);
    replace(extents, first, past, parts, count);
}

// Lets one of memory's runs begin with page `at` of the extent, if it has that page.
static void cut(Machine *machine, const Extent *extent, uint64_t at)
{
    if (at > extent->at && at < extent->at + extent->count)
        memory_cut(&machine->memory, extent->page, extent->page + (uint32_t)(at - extent->at));
}

// ---- blocks

static Block *block_at(const Machine *machine, uint32_t index)
{
    return &machine->blocks.at[index];
}

// A block from the pool, which is in no list yet.
static uint32_t new_block(Machine *machine)
{
    uint32_t index = machine->free_block;
    if (index != 0) {
        machine->free_block = block_at(machine, index)->next;
        return index;
    }
    if (machine->blocks.count == 0)
        ARRAY_EXTEND(&machine->blocks); // index 0 is "none"
    ARRAY_EXTEND(&machine->blocks);
    return (uint32_t)machine->blocks.count - 1;
}

static void fill_block(Block *block, MemoryId name, uint64_t pages, uint32_t shared)
{
    block->name = name;
    block->next = 0;
    block->pages = pages;
    block->shared = shared;
    block->extents.count = 0;
}

// The link to the block of that name, or the one that ends the list.
static uint32_t *find_link(const Machine *machine, uint32_t *link, MemoryId name)
{
    while (*link != 0 && !ID_EQUAL(block_at(machine, *link)->name, name))
        link = &block_at(machine, *link)->next;
    return link;
}

Block *address_space_find(const Machine *machine, const Process *process, MemoryId name)
{
    uint32_t first = process->space.newest;
    uint32_t found = *find_link(machine, &first, name);
    return found == 0 ? NULL : block_at(machine, found);
}

Block *address_space_reserve(Machine *machine, Process *process, MemoryId name, uint64_t pages,
                             bool shared)
{
    AddressSpace *space = &process->space;
    space->reserved += pages;
    Block *block = ID_NONE(name) ? address_space_find(machine, process, name) : NULL;
    if (block != NULL) {
        block->pages += pages;
        return block;
    }
    uint32_t index1 = 0;
    if (shared) {
        ARRAY_PUSH(&machine->shared_pages)->mappings = 1;
        index1 = (uint32_t)machine->shared_pages.count;
    }
    uint32_t index = new_block(machine);
    block = block_at(machine, index);
    fill_block(block, name, pages, index1);
    block->next = space->newest;
    space->newest = index;
    return block;
}

static SharedPages *shared_of(const Machine *machine, const Block *block)
{
    return &machine->shared_pages.at[block->shared - 1];
}

static void tell(Machine *machine, uint32_t pid)
{
    if (pid != 0)
        address_space_say(machine, process_at(machine, (Pid){pid}), (TaskId){0});
}

// `process` gives up its part of the extent's pages. Whoever then has some of them alone is told
// when it is another one than last time, so that a stretch of pages is told once.
static void drop(Machine *machine, Process *process, const Extent *extent, uint32_t *told)
{
    uint32_t page = extent->page;
    for (uint64_t left = extent->count; left > 0;) {
        uint32_t count = memory_run(&machine->memory, page).count;
        bool was_shared = memory_refs(&machine->memory, page) > 1;
        process->space.shared -= was_shared ? count : 0;
        uint32_t alone = memory_drop(&machine->memory, page, process->pid.index1);
        page += count;
        left -= count;
        if (alone == 0)
            continue;
        if (*told != alone)
            tell(machine, *told);
        *told = alone;
        process_at(machine, (Pid){alone})->space.shared -= count;
    }
}

static void release_shared(Machine *machine, Block *block)
{
    SharedPages *shared = shared_of(machine, block);
    if (--shared->mappings > 0)
        return;
    for (size_t i = 0; i < shared->extents.count; i++) {
        const Extent *extent = &shared->extents.at[i];
        for (uint64_t done = 0; done < extent->count;) {
            uint32_t page = extent->page + (uint32_t)done;
            done += memory_run(&machine->memory, page).count;
            memory_drop(&machine->memory, page, 0);
        }
    }
    ARRAY_FREE(&shared->extents);
}

// Returns how many pages were resident.
static uint64_t release(Machine *machine, Process *process, Block *block)
{
    uint64_t resident = 0;
    uint32_t told = 0;
    for (size_t i = 0; i < block->extents.count; i++) {
        const Extent *extent = &block->extents.at[i];
        if (extent->zero)
            continue;
        resident += extent->count;
        if (block->shared == 0)
            drop(machine, process, extent, &told);
    }
    tell(machine, told);
    if (block->shared != 0) {
        process->space.shared -= resident;
        release_shared(machine, block);
    }
    process->space.resident -= resident;
    process->space.reserved -= block->pages;
    return resident;
}

// The block that `link` leads to leaves its process. Returns how many pages were resident.
static uint64_t remove_block(Machine *machine, Process *process, uint32_t *link)
{
    uint32_t index = *link;
    Block *block = block_at(machine, index);
    uint64_t resident = release(machine, process, block);
    *link = block->next;
    block->next = machine->free_block;
    machine->free_block = index;
    return resident;
}

uint64_t address_space_release(Machine *machine, Process *process, MemoryId name)
{
    uint32_t *link = find_link(machine, &process->space.newest, name);
    CHECK(*link != 0);
    return remove_block(machine, process, link);
}

void address_space_clear(Machine *machine, Process *process)
{
    while (process->space.newest != 0)
        remove_block(machine, process, &process->space.newest);
}

void address_space_free(Machine *machine)
{
    for (size_t i = 0; i < machine->blocks.count; i++)
        ARRAY_FREE(&machine->blocks.at[i].extents);
    ARRAY_FREE(&machine->blocks);
    for (size_t i = 0; i < machine->shared_pages.count; i++)
        ARRAY_FREE(&machine->shared_pages.at[i].extents);
    ARRAY_FREE(&machine->shared_pages);
}

// ---- touching

// Page `at` is not in `block`: what happens, for up to `most` pages.
static TouchRun touch_missing(const Machine *machine, const Block *block, uint64_t at,
                              uint64_t most, bool write)
{
    if (block->shared == 0)
        return (TouchRun){.faults = true, .kind = write ? FAULT_ANON : FAULT_ZERO, .count = most};
    uint64_t there = shared_of(machine, block)->count;
    if (at >= there)
        return (TouchRun){.faults = true, .kind = FAULT_SHMEM, .count = most};
    uint64_t count = there - at < most ? there - at : most;
    return (TouchRun){.faults = true, .kind = FAULT_MINOR, .count = count};
}

static TouchRun touch_extent(const Machine *machine, const Extent *extent, uint64_t at,
                             uint64_t most, bool write)
{
    uint64_t left = extent->at + extent->count - at;
    TouchRun run = {.count = most < left ? most : left, .node = extent->node};
    if (!write || !(extent->zero || extent->protected))
        return run;
    run.faults = true;
    run.kind = FAULT_ANON;
    if (extent->zero)
        return run;
    uint32_t page = extent->page + (uint32_t)(at - extent->at);
    PageRange pages = memory_run_with(&machine->memory, extent->page, page);
    left = pages.first + pages.count - page;
    run.count = run.count < left ? run.count : left;
    run.kind = memory_refs(&machine->memory, pages.first) > 1 ? FAULT_COW : FAULT_MINOR;
    return run;
}

static TouchRun touch_part(const Machine *machine, const Block *block, uint64_t at, uint64_t most,
                           bool write)
{
    size_t index = extent_index(&block->extents, at);
    if (index == block->extents.count)
        return touch_missing(machine, block, at, most, write);
    const Extent *extent = &block->extents.at[index];
    if (at >= extent->at)
        return touch_extent(machine, extent, at, most, write);
    uint64_t missing = extent->at - at;
    return touch_missing(machine, block, at, missing < most ? missing : most, write);
}

TouchRun address_space_touch(const Machine *machine, const Block *block, uint64_t at, uint64_t most,
                             bool write)
{
    TouchRun run = touch_part(machine, block, at, most, write);
    if (run.faults && most > FAULTS_MAX)
        most = FAULTS_MAX;
    while (run.count < most) {
        TouchRun next = touch_part(machine, block, at + run.count, most - run.count, write);
        bool alike = next.faults ? next.kind == run.kind : next.node == run.node;
        if (next.faults != run.faults || !alike)
            break;
        run.count += next.count;
    }
    run.count = run.count < most ? run.count : most;
    return run;
}

// New pages of `process` from `at` on.
static void take(Machine *machine, Process *process, Block *block, uint64_t at, uint64_t count,
                 unsigned node)
{
    while (count > 0) {
        PageRange range = memory_take(&machine->memory, count, process->pid.index1);
        put(&block->extents, (Extent){at, range.count, range.first, .node = (uint8_t)node});
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

// Pages that are protected: they get a copy each, or lose the protection when nobody else has them.
// `run` was asked for a moment ago, so all of its pages are alike.
static void fault_copy(Machine *machine, Process *process, Block *block, uint64_t at, TouchRun run,
                       unsigned node)
{
    uint32_t told = 0;
    for (uint64_t end = at + run.count; at < end;) {
        Extent whole = block->extents.at[extent_index(&block->extents, at)];
        Extent old = extent_part(whole, at, end);
        cut(machine, &whole, at);
        cut(machine, &whole, at + old.count);
        if (run.kind == FAULT_MINOR) {
            old.protected = false;
            put(&block->extents, old);
        } else {
            drop(machine, process, &old, &told);
            take(machine, process, block, at, old.count, node);
        }
        at += old.count;
    }
    tell(machine, told);
}

static void fault_shared(Machine *machine, Process *process, Block *block, uint64_t at,
                         uint64_t count, unsigned node)
{
    SharedPages *shared = shared_of(machine, block);
    uint64_t end = at + count;
    process->space.resident += count;
    process->space.shared += count;
    while (shared->count < end) {
        PageRange range = memory_take(&machine->memory, end - shared->count, 0);
        put(&shared->extents,
            (Extent){shared->count, range.count, range.first, .node = (uint8_t)node});
        shared->count += range.count;
    }
    while (at < end) {
        size_t index = extent_index(&shared->extents, at);
        Extent part = extent_part(shared->extents.at[index], at, end);
        put(&block->extents, part);
        at += part.count;
    }
}

void address_space_fault(Machine *machine, Process *process, Block *block, uint64_t at,
                         TouchRun run, unsigned node)
{
    if (block->shared != 0)
        fault_shared(machine, process, block, at, run.count, node);
    else if (run.kind == FAULT_ZERO)
        put(&block->extents, (Extent){at, run.count, .node = NODE_ANY, .zero = true});
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
static void fork_extent(Machine *machine, Process *parent, Process *child, const Extent *extent)
{
    uint32_t page = extent->page;
    for (uint64_t left = extent->count; left > 0;) {
        uint32_t count = memory_run(&machine->memory, page).count;
        bool was_alone = memory_refs(&machine->memory, page) == 1;
        parent->space.shared += was_alone ? count : 0;
        memory_share(&machine->memory, page, child->pid.index1);
        page += count;
        left -= count;
    }
    child->space.shared += extent->count;
    child->space.resident += extent->count;
}

static void fork_extents(Machine *machine, Process *parent, Process *child, Extents *extents,
                         Extents *copy)
{
    size_t kept = 0;
    for (size_t i = 0; i < extents->count; i++) {
        Extent extent = extents->at[i];
        if (!extent.zero) {
            fork_extent(machine, parent, child, &extent);
            extent.protected = true;
        }
        append(extents->at, &kept, extent); // what differed in its protection no longer does
    }
    extents->count = kept;
    if (kept == 0)
        return;
    ARRAY_EXTEND_BY(copy, kept);
    memcpy(copy->at, extents->at, kept * sizeof(Extent));
}

// Returns the child's copy.
static uint32_t fork_block(Machine *machine, Process *parent, Process *child, uint32_t index)
{
    uint32_t copied = new_block(machine); // which may move the others
    Block *block = block_at(machine, index), *copy = block_at(machine, copied);
    fill_block(copy, block->name, block->pages, block->shared);
    child->space.reserved += block->pages;
    if (block->shared != 0) {
        // Linux does not copy the tables of shared memory: the child faults its pages in.
        shared_of(machine, block)->mappings++;
    } else {
        fork_extents(machine, parent, child, &block->extents, &copy->extents);
    }
    return copied;
}

void address_space_fork(Machine *machine, Process *parent, Process *child)
{
    uint32_t last = 0;
    for (uint32_t i = parent->space.newest; i != 0; i = block_at(machine, i)->next) {
        uint32_t copy = fork_block(machine, parent, child, i);
        if (last == 0)
            child->space.newest = copy;
        else
            block_at(machine, last)->next = copy;
        last = copy;
    }
}

uint64_t address_space_copied(const Machine *machine, const Process *process)
{
    uint64_t pages = process->space.resident;
    for (uint32_t i = process->space.newest; i != 0; i = block_at(machine, i)->next) {
        const Block *block = block_at(machine, i);
        for (size_t e = 0; block->shared != 0 && e < block->extents.count; e++)
            pages -= block->extents.at[e].count;
    }
    return pages;
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
