// Ops on memory: alloc, touch, free. A touch goes through a block page by page: what is there takes
// user time, what is not faults. Faults of one kind in a row are taken together, FAULTS_MAX at
// most, so that a gigabyte is thousands of records and not millions; the price is that a task that
// is to be preempted goes on for as long as that many faults take.
#include "sim/kernel/process_end.h"
#include "sim/kernel/sched.h"
#include "sim/program/program.h"

#include <inttypes.h>

static Process *own_process(const Machine *machine, const Task *task)
{
    return process_of(machine, task);
}

static const char *memory_name(const Machine *machine, uint32_t name)
{
    return scenario_string(machine->scenario, machine->scenario->memories[name - 1].name);
}

// A block of the process that the op names; fails the run when it is not there.
static Block *named_block(Machine *machine, Task *task, const Op *op, uint32_t name)
{
    Block *block = address_space_find(machine, own_process(machine, task), (MemoryId){name});
    if (block != NULL)
        return block;
    char text[96];
    machine_fail(machine, machine->scenario->op_at[program_op_index(machine, op)],
                 "at %" PRId64 " ns %s uses '%s', which its process has not allocated",
                 machine->now.ns, machine_task_name(machine, task->id, text),
                 memory_name(machine, name));
    return NULL;
}

StepResult step_ALLOC(Machine *machine, Task *task, const Op *op)
{
    enum { MAPPED = 1 };
    Process *process = own_process(machine, task);
    MemoryId name = {op->arg[1]};
    if (task->phase == PHASE_ENTER) {
        Duration cost =
            duration_add(machine_cost(machine, COST_SYSCALL), machine_cost(machine, COST_MMAP));
        return program_syscall(machine, task, SYSCALL_MMAP, cost, MAPPED);
    }
    if (address_space_find(machine, process, name) != NULL) {
        char text[96];
        machine_fail(machine, machine->scenario->op_at[program_op_index(machine, op)],
                     "at %" PRId64 " ns %s allocates '%s', which its process has already",
                     machine->now.ns, machine_task_name(machine, task->id, text),
                     memory_name(machine, name.index1));
        return STEP_ENDED;
    }
    uint64_t pages = pages_of(machine->scenario->sizes[op->arg[0] - 1]);
    address_space_reserve(machine, process, name, pages, op->arg[2] != 0);
    address_space_say(machine, process, task->id);
    program_syscall_over(machine, task);
    return program_done(task, op);
}

StepResult step_FREE(Machine *machine, Task *task, const Op *op)
{
    enum { UNMAPPED = 1 };
    Process *process = own_process(machine, task);
    MemoryId name = {op->arg[0]};
    Block *block = named_block(machine, task, op, name.index1);
    if (block == NULL)
        return STEP_ENDED;
    if (task->phase == PHASE_ENTER) {
        uint64_t pages = 0;
        for (size_t i = 0; i < block->extents.count; i++)
            pages += block->extents.at[i].count;
        Duration cost = {machine_cost(machine, COST_SYSCALL).ns +
                         machine_cost(machine, COST_MMAP).ns +
                         (int64_t)pages * machine_cost(machine, COST_MUNMAP_PAGE).ns};
        return program_syscall(machine, task, SYSCALL_MUNMAP, cost, UNMAPPED);
    }
    address_space_release(machine, process, name);
    address_space_say(machine, process, task->id);
    program_syscall_over(machine, task);
    return program_done(task, op);
}

// ---- touch

static Duration walk_cost(const Machine *machine, uint64_t pages, bool far)
{
    CostId cost = far ? COST_MEMORY_PAGE_FAR : COST_MEMORY_PAGE;
    return (Duration){(int64_t)pages * machine_cost(machine, cost).ns};
}

static Duration fault_cost(const Machine *machine, FaultKind kind)
{
#define X(id, word, cost, sentence) [FAULT_##id] = COST_##cost,
    static const CostId costs[] = {FAULT_KINDS(X)};
#undef X
    return machine_cost(machine, costs[kind]);
}

// Where a touch is. Its frame keeps the first page and how often it has yet to go through, its
// scratch the next page and the length of the run of pages that is under way: 34 bits of pages, and
// 30 bits above them.
enum { PAGE_BITS = 34, RUN_MAX = (1 << 30) - 1 };

typedef struct TouchPlace {
    Block *block;
    uint64_t from, at, end; // pages
    uint64_t run;
    bool write;
} TouchPlace;

static uint64_t low_part(uint64_t packed)
{
    return packed & ((UINT64_C(1) << PAGE_BITS) - 1);
}

static uint64_t touch_pages(const Machine *machine, const Op *op, const Block *block)
{
    uint64_t asked =
        op->arg[0] == 0 ? UINT64_MAX : pages_of(machine->scenario->sizes[op->arg[0] - 1]);
    return asked < block->pages ? asked : block->pages;
}

static bool touch_place(Machine *machine, Task *task, const Op *op, TouchPlace *place)
{
    uint32_t name = op->arg[1];
    place->block = name != 0
                       ? named_block(machine, task, op, name)
                       : address_space_find(machine, own_process(machine, task), (MemoryId){0});
    if (place->block == NULL)
        return false;
    place->from = low_part(program_frame(machine, task)->value);
    place->end = place->from + touch_pages(machine, op, place->block);
    place->at = low_part(task->scratch);
    place->run = task->scratch >> PAGE_BITS;
    place->write = op->arg[2] != 1;
    return true;
}

// A touch without a block is of new memory: what it reserves at the end of the process's own.
static bool touch_begin(Machine *machine, Task *task, const Op *op)
{
    uint64_t times = op->arg[3] == 0 ? 1 : op->arg[3];
    uint64_t from = 0;
    if (op->arg[1] == 0) {
        uint64_t pages = pages_of(machine->scenario->sizes[op->arg[0] - 1]);
        Process *process = own_process(machine, task);
        const Block *own = address_space_find(machine, process, (MemoryId){0});
        if (own != NULL && own->pages + pages >= UINT64_C(1) << PAGE_BITS) {
            machine_fail(machine, machine->scenario->op_at[program_op_index(machine, op)],
                         "a process touches more than 64 TiB of new memory");
            return false;
        }
        from = address_space_reserve(machine, process, (MemoryId){0}, pages, false)->pages - pages;
    }
    task->scratch = from;
    return program_push(machine, task, program_op_index(machine, op), from | times << PAGE_BITS);
}

// Memory runs out at the page that does not fit, and not at the beginning of its run.
static void fit(const Machine *machine, TouchRun *run)
{
    uint64_t room = memory_room(&machine->memory);
    if (run->faults && fault_takes_page(run->kind) && run->count > room)
        run->count = room > 0 ? room : 1;
}

// The faults of a run, when its time is up: whatever is still missing of it, since another thread
// may have been quicker.
static bool touch_commit(Machine *machine, Task *task, const TouchPlace *place)
{
    Process *process = own_process(machine, task);
    for (uint64_t at = place->at, end = at + place->run; at < end;) {
        TouchRun run = address_space_touch(machine, place->block, at, end - at, place->write);
        if (run.faults) {
            fit(machine, &run);
            if (fault_takes_page(run.kind) && !process_make_room(machine, task, run.count))
                return false;
            address_space_fault(machine, process, place->block, at, run,
                                machine_node(machine, task->core));
        }
        at += run.count;
    }
    address_space_say(machine, process, task->id);
    return true;
}

enum { TOUCH_NEXT = 1, TOUCH_FAULTED, TOUCH_WALKED };

// Begins the next run of pages that do the same.
static StepResult touch_run(Machine *machine, Task *task, TouchPlace *place)
{
    TouchRun run =
        address_space_touch(machine, place->block, place->at, place->end - place->at, place->write);
    run.count = run.count < RUN_MAX ? run.count : RUN_MAX;
    fit(machine, &run);
    task->scratch = place->at | run.count << PAGE_BITS;
    bool far = run.node != NODE_ANY && run.node != machine_node(machine, task->core);
    if (!run.faults)
        return program_work(machine, task, false, walk_cost(machine, run.count, far), TOUCH_WALKED);
    Duration cost = {fault_cost(machine, run.kind).ns * (int64_t)run.count};
    return program_trap(machine, task, EVENT_PAGE_FAULT, run.kind, run.count, cost, TOUCH_FAULTED);
}

StepResult step_TOUCH(Machine *machine, Task *task, const Op *op)
{
    TouchPlace place;
    if (task->phase == PHASE_ENTER) {
        if ((op->arg[1] != 0 && named_block(machine, task, op, op->arg[1]) == NULL) ||
            !touch_begin(machine, task, op))
            return STEP_ENDED;
        task->phase = TOUCH_NEXT;
    }
    if (!touch_place(machine, task, op, &place))
        return STEP_ENDED;
    if (task->phase == TOUCH_FAULTED) {
        if (!touch_commit(machine, task, &place))
            return STEP_ENDED;
        program_syscall_over(machine, task);
        return program_work(machine, task, false, walk_cost(machine, place.run, false),
                            TOUCH_WALKED);
    }
    if (task->phase == TOUCH_WALKED)
        place.at += place.run;
    if (place.at < place.end)
        return touch_run(machine, task, &place);
    Frame *frame = program_frame(machine, task);
    frame->value -= UINT64_C(1) << PAGE_BITS;
    if (frame->value >> PAGE_BITS == 0) {
        program_pop(machine, task);
        return program_done(task, op);
    }
    task->scratch = place.from;
    task->phase = TOUCH_NEXT;
    return STEP_NEXT;
}

// ---- caches

StepResult step_WORKING_SET(Machine *machine, Task *task, const Op *op)
{
    task->working_set = machine->scenario->sizes[op->arg[0] - 1];
    sched_load_working_set(machine, task);
    return program_done(task, op);
}

// A write takes the line, if another core has it, and its own time; both are spent on the core.
StepResult step_WRITE_LINE(Machine *machine, Task *task, const Op *op)
{
    enum { WRITTEN = 1 };
    uint32_t times = op->arg[1] == 0 ? 1 : op->arg[1];
    if (task->phase == PHASE_ENTER)
        task->scratch = 0;
    else if (++task->scratch == times)
        return program_done(task, op);
    CacheLine *line = &machine->lines[op->arg[0]];
    int from1 = line->owner1;
    Instant ready =
        cache_line_take(line, task->core, machine->now, machine_cost(machine, COST_LINE_TRANSFER));
    if (from1 != 0 && from1 != task->core + 1)
        machine_emit(machine, EVENT_LINE_MOVED, task->core, task->id, op->arg[0], (uint64_t)from1);
    Duration own = {1};
    if (op->arg[2] != 0)
        own = dist_draw(machine->scenario, op->arg[2], &task->rng);
    return program_work(machine, task, false, duration_add(instant_since(ready, machine->now), own),
                        WRITTEN);
}
