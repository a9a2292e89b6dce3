#include "sim/program/world.h"

#include "sim/base/check.h"
#include "sim/kernel/process_data.h"
#include "sim/kernel/sched.h"
#include "sim/program/futex.h"
#include "sim/program/object_lock.h"
#include "sim/program/turn.h"

// So often the collector looks whether threads that have been asked to stop have gone into a system
// call instead, of which they do not tell it (stop_the_world's wait_ns).
#define LOOK_AGAIN_NS 1000000

static World *world_of(Machine *machine, const Task *task)
{
    return &interpreter_of(machine, process_of(machine, task))->world;
}

static Sync *sync_at(Machine *machine, const Task *task, GilSync sync)
{
    return sync_of(machine, task, gil_sync(machine, task, sync));
}

bool world_may_stop(const Machine *machine, const Task *task)
{
    return runtime_stops_world(&process_family(machine, process_of(machine, task))->runtime);
}

bool world_attached(const Task *task)
{
    return (task->attention & (ATTENTION_GIL_TAKE | ATTENTION_GIL_LATER)) == 0;
}

static StepResult go(Task *task, GilStep step)
{
    task->turn->step = (uint8_t)step;
    task->phase = PHASE_ENTER;
    return STEP_NEXT;
}

// ---- threads that are to stop

static bool must_wait(Machine *machine, const Task *task)
{
    const World *world = world_of(machine, task);
    return world->stopped || task->turn->suspended;
}

static StepResult attached(Machine *machine, Task *task)
{
    CHECK(!task->turn->counted);
    task->attention &= (uint8_t) ~(ATTENTION_GIL_TAKE | ATTENTION_GIL_LATER | ATTENTION_GIL_DROP);
    return task->turn->goal == GOAL_OBJECT ? object_attached(machine, task)
                                           : turn_end(machine, task);
}

// One less that the collector waits for. Whether it was the last.
static bool stops(Machine *machine, Task *task)
{
    World *world = world_of(machine, task);
    CHECK(world->to_stop > 0);
    task->turn->counted = false;
    return --world->to_stop == 0;
}

StepResult world_attach(Machine *machine, Task *task)
{
    bool begins = task->turn == NULL;
    turn_begin(machine, task, GOAL_TAKE);
    if (begins && !ID_NONE(world_of(machine, task)->stopper))
        task->turn->suspended = true;
    return go(task, WORLD_HOLD);
}

bool world_detach(Machine *machine, Task *task, uint8_t again)
{
    // One that is asked to stop does not see to it here, and does not say that it is detached; but
    // one that ends does.
    task->attention &= (uint8_t)~ATTENTION_GIL_DROP;
    task->attention |= again != 0 ? again : ATTENTION_GIL_LATER;
    if (again != 0 || !task->turn->counted || !stops(machine, task))
        return false;
    turn_begin(machine, task, GOAL_CALL);
    go(task, WORLD_TELL);
    return true;
}

// The last one to stop wakes the collector, if that sleeps or is about to.
static StepResult tell(Machine *machine, Task *task)
{
    enum { IN_KERNEL = 1, WOKE };
    World *world = world_of(machine, task);
    switch (task->phase) {
    case PHASE_ENTER:
        if (world->waits)
            return futex_wake(machine, task, IN_KERNEL);
        break;
    case IN_KERNEL:
        return futex_wake_now(machine, task, &sync_at(machine, task, GIL_WORLD_STOPPED)->waiters, 1,
                              WOKE);
    default:
        program_syscall_over(machine, task);
    }
    return task->turn->goal == GOAL_CALL ? turn_end(machine, task) : go(task, WORLD_HOLD);
}

// It is attached from now, unless it is asked to stop, or the world is stopped.
static StepResult attach(Machine *machine, Task *task, uint8_t in_kernel)
{
    GilTurn *turn = task->turn;
    bool asked = turn->counted, last = asked && stops(machine, task);
    turn->suspended = turn->suspended || asked;
    if (!must_wait(machine, task))
        return attached(machine, task);
    task->attention |= ATTENTION_GIL_TAKE;
    if (!turn->waited)
        machine_emit(machine, EVENT_WORLD_HELD, task->core, task->id, interpreter_pack(task),
                     world_of(machine, task)->stopper.index1);
    turn->waited = true;
    if (last)
        return go(task, WORLD_TELL);
    task->wait_until = INSTANT_NEVER;
    return futex_wait(machine, task, in_kernel);
}

static StepResult hold(Machine *machine, Task *task)
{
    enum { IN_KERNEL = 1, WOKEN, RETURNED };
    SyncId id = gil_sync(machine, task, GIL_WORLD_RUNS);
    const Op *op = &machine->scenario->ops[task->op];
    switch (task->phase) {
    case PHASE_ENTER:
        return attach(machine, task, IN_KERNEL);
    case IN_KERNEL:
        if (must_wait(machine, task))
            return futex_sleep(machine, task, op, id,
                               &sync_at(machine, task, GIL_WORLD_RUNS)->waiters, WOKEN);
        return futex_return(machine, task, RETURNED);
    case WOKEN:
        return futex_return(machine, task, RETURNED);
    default:
        program_syscall_over(machine, task);
        futex_wait_over(machine, task, id, WAIT_WOKEN);
        return go(task, WORLD_HOLD);
    }
}

// ---- the collector

// Those that are not attached have stopped by that.
static void stop_detached(Machine *machine, const Task *collector)
{
    const Process *process = process_of(machine, collector);
    for (TaskId id = process->oldest; !ID_NONE(id); id = task_at(machine, id)->next) {
        Task *task = task_at(machine, id);
        GilTurn *turn = turn_of(machine, task);
        if (task == collector || turn->suspended || world_attached(task))
            continue;
        turn->suspended = true;
        if (turn->counted)
            stops(machine, task);
    }
}

// Asks one that is attached to stop: between two bytecodes, at one that looks up.
static void ask(Machine *machine, Task *task)
{
    task->turn->counted = true;
    task->attention |= ATTENTION_GIL_DROP;
    if (!task->in_turn && !task->in_c)
        sched_stop_within(machine, task, machine_cost(machine, COST_BYTECODE));
}

StepResult world_stop(Machine *machine, Task *task, uint8_t phase)
{
    World *world = world_of(machine, task);
    CHECK(ID_NONE(world->stopper));
    task->phase = phase;
    turn_begin(machine, task, GOAL_STOP);
    task->in_c = true;
    *world = (World){.stopper = task->id};
    stop_detached(machine, task);
    const Process *process = process_of(machine, task);
    for (TaskId id = process->oldest; !ID_NONE(id); id = task_at(machine, id)->next) {
        Task *other = task_at(machine, id);
        if (other == task || other->turn->suspended)
            continue;
        world->to_stop++;
        ask(machine, other);
    }
    machine_emit(machine, EVENT_WORLD_STOP, task->core, task->id, interpreter_pack(task),
                 world->to_stop);
    return go(task, WORLD_STOP);
}

static StepResult all_stopped(Machine *machine, Task *task)
{
    World *world = world_of(machine, task);
    world->waits = false;
    world->stopped = true;
    return turn_end(machine, task);
}

static StepResult wait_for_all(Machine *machine, Task *task)
{
    enum { IN_KERNEL = 1, WOKEN, RETURNED };
    World *world = world_of(machine, task);
    SyncId id = gil_sync(machine, task, GIL_WORLD_STOPPED);
    const Op *op = &machine->scenario->ops[task->op];
    switch (task->phase) {
    case PHASE_ENTER:
        if (world->to_stop == 0)
            return all_stopped(machine, task);
        world->waits = true;
        task->wait_until = instant_add(machine->now, (Duration){LOOK_AGAIN_NS});
        return futex_wait(machine, task, IN_KERNEL);
    case IN_KERNEL:
        if (world->to_stop > 0 && !futex_timed_out(machine, task))
            return futex_sleep(machine, task, op, id,
                               &sync_at(machine, task, GIL_WORLD_STOPPED)->waiters, WOKEN);
        return futex_return(machine, task, RETURNED);
    case WOKEN:
        return futex_return(machine, task, RETURNED);
    default:
        program_syscall_over(machine, task);
        futex_wait_over(machine, task, id, WAIT_WOKEN);
        stop_detached(machine, task);
        return go(task, WORLD_STOP);
    }
}

StepResult world_start(Machine *machine, Task *task, uint8_t phase)
{
    World *world = world_of(machine, task);
    uint64_t held = 0;
    CHECK(ID_EQUAL(world->stopper, task->id));
    task->phase = phase;
    turn_begin(machine, task, GOAL_START);
    const Process *process = process_of(machine, task);
    for (TaskId id = process->oldest; !ID_NONE(id); id = task_at(machine, id)->next) {
        Task *other = task_at(machine, id);
        held += other->in_turn && other != task;
        turn_of(machine, other)->suspended = false;
    }
    *world = (World){0};
    machine_emit(machine, EVENT_WORLD_STARTED, task->core, task->id, interpreter_pack(task), held);
    return go(task, WORLD_START);
}

// Each thread waits at an address of its own: one call for each.
static StepResult let_go(Machine *machine, Task *task)
{
    enum { IN_KERNEL = 1, WOKE };
    WaitList *held = &sync_at(machine, task, GIL_WORLD_RUNS)->waiters;
    if (task->phase == IN_KERNEL)
        return futex_wake_now(machine, task, held, 1, WOKE);
    if (task->phase == WOKE)
        program_syscall_over(machine, task);
    if (!ID_NONE(held->first))
        return futex_wake(machine, task, IN_KERNEL);
    task->in_c = false;
    return turn_end(machine, task);
}

// ---- both

StepResult world_step(Machine *machine, Task *task)
{
    switch ((GilStep)task->turn->step) {
    case WORLD_TELL:
        return tell(machine, task);
    case WORLD_HOLD:
        return hold(machine, task);
    case WORLD_STOP:
        return wait_for_all(machine, task);
    default:
        return let_go(machine, task);
    }
}

int32_t *world_objects(Machine *machine, Task *task)
{
    return &turn_of(machine, task)->objects;
}

void world_restart(Machine *machine, Task *task)
{
    GilTurn *turn = turn_of(machine, task);
    turn->suspended = turn->counted = false;
    turn->objects = 0;
    *world_of(machine, task) = (World){0};
}
