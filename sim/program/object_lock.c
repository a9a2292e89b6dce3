#include "sim/program/object_lock.h"

#include "sim/base/check.h"
#include "sim/kernel/process_data.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/wait_list.h"
#include "sim/program/futex.h"
#include "sim/program/turn.h"
#include "sim/program/world.h"

enum { SPINS_MOST = 40 };     // MAX_SPIN_COUNT
#define FAIR_AFTER_NS 1000000 // TIME_TO_BE_FAIR_NS

// How a thread that sleeps for a lock was let go on: GilTurn.unparked.
enum { NOT_UNPARKED, UNPARKED, HANDED_OVER };

static SharedObject *object_of(const Machine *machine, const Task *task, uint32_t variable)
{
    const Process *process = process_of(machine, task);
    return &process->interpreter
                ->objects[variable - 1 - process_family(machine, process)->variable_first];
}

static SyncId lock_of(uint32_t variable)
{
    return (SyncId){SYNC_OF_OBJECT | variable};
}

static Sync *lock_at(const Machine *machine, const Task *task, uint32_t variable)
{
    return sync_of(machine, task, lock_of(variable));
}

bool object_shared(const Machine *machine, const Task *task, uint32_t variable)
{
    const VariableDef *def = &machine->scenario->variables[variable - 1];
    return !def->of_thread && !def->shared && world_may_stop(machine, task);
}

Duration object_reference_cost(const Machine *machine, const Task *task, uint32_t variable)
{
    bool own = ID_EQUAL(object_of(machine, task, variable)->maker, task->id);
    return own ? (Duration){0} : machine_cost(machine, COST_SHARED_REFERENCE);
}

void object_value_made(const Machine *machine, const Task *task, uint32_t variable)
{
    object_of(machine, task, variable)->maker = task->id;
}

static StepResult go(Task *task, GilStep step)
{
    task->turn->step = (uint8_t)step;
    task->phase = PHASE_ENTER;
    return STEP_NEXT;
}

// ---- taking

StepResult object_lock(Machine *machine, Task *task, uint32_t variable, uint8_t phase)
{
    Sync *lock = lock_at(machine, task, variable);
    task->phase = phase;
    if (ID_NONE(lock->owner)) {
        lock->owner = task->id;
        return STEP_NEXT;
    }
    machine_emit(machine, EVENT_OBJECT_WAIT, task->core, task->id, access_pack(variable, task->op),
                 lock->owner.index1);
    turn_begin(machine, task, GOAL_OBJECT);
    task->turn->object = variable;
    task->turn->spins = 0;
    task->turn->fair_at = instant_add(machine->now, (Duration){FAIR_AFTER_NS});
    return go(task, OBJECT_SPIN);
}

static void park(Machine *machine, Task *task, SharedObject *object)
{
    GilTurn *turn = task->turn;
    turn->unparked = NOT_UNPARKED;
    turn->next_parked = (TaskId){0};
    if (ID_NONE(object->last_parked))
        object->first_parked = task->id;
    else
        task_at(machine, object->last_parked)->turn->next_parked = task->id;
    object->last_parked = task->id;
    world_detach(machine, task, ATTENTION_GIL_TAKE);
    go(task, OBJECT_PARK);
}

// Looks again: it has the lock, lets others go first, or goes to sleep. Who finds that others sleep
// already does not spin; who spins knows what it has seen before.
static StepResult spin(Machine *machine, Task *task)
{
    enum { IN_KERNEL = 1, RETURNED };
    SharedObject *object = object_of(machine, task, task->turn->object);
    Sync *lock = lock_at(machine, task, task->turn->object);
    Duration call = machine_cost(machine, COST_SYSCALL);
    bool has_spun = task->turn->spins == SPINS_MOST, looks = task->turn->spins == 0 || has_spun;
    switch (task->phase) {
    case PHASE_ENTER:
        if (looks && ID_NONE(lock->owner)) {
            lock->owner = task->id;
            return turn_end(machine, task);
        }
        if (has_spun || (looks && !ID_NONE(object->first_parked))) {
            park(machine, task, object);
            return STEP_NEXT;
        }
        task->turn->spins++;
        return program_enter_kernel(machine, task, SYSCALL_SCHED_YIELD,
                                    duration_add(call, machine_cost(machine, COST_YIELD)),
                                    IN_KERNEL);
    case IN_KERNEL:
        task->phase = RETURNED;
        sched_yield_to_others(machine, task);
        return STEP_BLOCKED; // still runnable
    default:
        program_syscall_over(machine, task);
        return go(task, OBJECT_SPIN);
    }
}

// It sleeps, not attached to the interpreter, until it is let go on; then it attaches.
static StepResult sleep_parked(Machine *machine, Task *task)
{
    enum { IN_KERNEL = 1, WOKEN, RETURNED };
    GilTurn *turn = task->turn;
    Sync *lock = lock_at(machine, task, turn->object);
    const Op *op = &machine->scenario->ops[task->op];
    switch (task->phase) {
    case PHASE_ENTER:
        task->wait_until = INSTANT_NEVER;
        return futex_wait(machine, task, IN_KERNEL);
    case IN_KERNEL:
        if (turn->unparked == NOT_UNPARKED)
            return futex_sleep(machine, task, op, lock_of(turn->object), &lock->waiters, WOKEN);
        return futex_return(machine, task, RETURNED);
    case WOKEN:
        return futex_return(machine, task, RETURNED);
    default:
        program_syscall_over(machine, task);
        futex_wait_over(machine, task, lock_of(turn->object), WAIT_WOKEN);
        return go(task, WORLD_HOLD);
    }
}

StepResult object_attached(Machine *machine, Task *task)
{
    return task->turn->unparked == HANDED_OVER ? turn_end(machine, task) : go(task, OBJECT_SPIN);
}

// ---- letting go

// The one who has slept for longest may try again, or has it.
static Task *unpark(Machine *machine, SharedObject *object, Sync *lock)
{
    Task *next = task_at(machine, object->first_parked);
    GilTurn *turn = next->turn;
    object->first_parked = turn->next_parked;
    if (ID_NONE(object->first_parked))
        object->last_parked = (TaskId){0};
    bool handed = turn->fair_at.ns < machine->now.ns;
    turn->unparked = handed ? HANDED_OVER : UNPARKED;
    lock->owner = handed ? next->id : (TaskId){0};
    return next;
}

StepResult object_unlock(Machine *machine, Task *task, uint32_t variable, uint8_t phase)
{
    SharedObject *object = object_of(machine, task, variable);
    Sync *lock = lock_at(machine, task, variable);
    CHECK(ID_EQUAL(lock->owner, task->id));
    task->phase = phase;
    lock->owner = (TaskId){0};
    if (ID_NONE(object->first_parked))
        return STEP_NEXT;
    Task *next = unpark(machine, object, lock);
    turn_begin(machine, task, GOAL_OBJECT);
    task->turn->next_parked = next->id;
    return go(task, OBJECT_WAKE);
}

static StepResult wake(Machine *machine, Task *task)
{
    enum { IN_KERNEL = 1, WOKE };
    Task *next = task_at(machine, task->turn->next_parked);
    Duration cost = {0};
    switch (task->phase) {
    case PHASE_ENTER:
        return futex_wake(machine, task, IN_KERNEL);
    case IN_KERNEL:
        if (next->state == TASK_BLOCKED) {
            wait_list_leave(machine, next);
            cost = sched_wake(machine, next, task->id, task->core);
        }
        return program_work(machine, task, true, cost, WOKE);
    default:
        program_syscall_over(machine, task);
        return turn_end(machine, task);
    }
}

StepResult object_step(Machine *machine, Task *task)
{
    switch ((GilStep)task->turn->step) {
    case OBJECT_SPIN:
        return spin(machine, task);
    case OBJECT_PARK:
        return sleep_parked(machine, task);
    default:
        return wake(machine, task);
    }
}
