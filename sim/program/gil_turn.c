#include "sim/program/gil_turn.h"

#include "sim/base/check.h"
#include "sim/kernel/process_data.h"
#include "sim/kernel/sched.h"
#include "sim/program/futex.h"
#include "sim/program/object_lock.h"
#include "sim/program/turn.h"
#include "sim/program/world.h"

// ---- beginning and ending

static Gil *gil_of(Machine *machine, const Task *task)
{
    return &interpreter_of(machine, process_of(machine, task))->gils[task->gil];
}

static const Runtime *runtime_of(Machine *machine, const Task *task)
{
    return interpreter_of(machine, process_of(machine, task))->runtime;
}

static StepResult go(Task *task, GilStep step, uint8_t phase)
{
    task->turn->step = (uint8_t)step;
    task->phase = phase;
    return STEP_NEXT;
}

// Whether Python has ended, and this is not who ends it. (2.7 does not look.)
static bool comes_too_late(Machine *machine, const Task *task)
{
    const Interpreter *interpreter = interpreter_of(machine, process_of(machine, task));
    return !ID_NONE(interpreter->finalizer) && interpreter->runtime->major > 2 &&
           !ID_EQUAL(interpreter->finalizer, task->id);
}

static StepResult go_take(Machine *machine, Task *task)
{
    if (comes_too_late(machine, task))
        return go(task, GONE, PHASE_ENTER);
    return task->turn->ticks ? go(task, WAIT_POST, PHASE_ENTER) : go(task, TAKE_LOCK, LOCK_BEGIN);
}

GilTurn *turn_of(Machine *machine, Task *task)
{
    if (task->turn == NULL) {
        task->turn = ARENA_NEW(&machine->arena, GilTurn);
        task->turn->ticks = runtime_of(machine, task)->major == 2;
    }
    return task->turn;
}

void turn_begin(Machine *machine, Task *task, GilGoal goal)
{
    CHECK(!task->in_turn && !task->in_kernel);
    GilTurn *turn = turn_of(machine, task);
    turn->goal = (uint8_t)goal;
    turn->waited = false;
    turn->phase = task->phase;
    turn->restart = task->restart;
    turn->slept = task->slept;
    turn->saved_depth = task->saved_depth;
    turn->scratch = task->scratch;
    turn->wait_until = task->wait_until;
    turn->unfinished = task->unfinished;
    task->unfinished = (Duration){0};
    task->in_turn = true;
}

static StepResult begin(Machine *machine, Task *task, GilGoal goal)
{
    turn_begin(machine, task, goal);
    if (goal == GOAL_TAKE)
        return go_take(machine, task);
    return task->turn->ticks ? go(task, POST, PHASE_ENTER) : go(task, DROP_LOCK, LOCK_BEGIN);
}

bool gil_turn_passes(Machine *machine, const Task *task)
{
    unsigned other = task->attention & ~(unsigned)(ATTENTION_GIL_DROP | ATTENTION_SIGNAL);
    if (other != 0 || task->in_turn || task->attending != 0)
        return false;
    uint16_t code = machine->scenario->ops[task->op].code;
    bool straight = code == OP_LOAD || code == OP_STORE || code == OP_ADD || code == OP_IF;
    const Process *process = process_of(machine, task);
    return straight && runtime_looks_up_seldom(&process_family(machine, process)->runtime);
}

StepResult gil_turn_begin(Machine *machine, Task *task)
{
    bool asked = (task->attention & ATTENTION_GIL_DROP) != 0;
    if (world_may_stop(machine, task))
        return world_attach(machine, task);
    return begin(machine, task, asked ? GOAL_SWITCH : GOAL_TAKE);
}

StepResult turn_end(Machine *machine, Task *task)
{
    const GilTurn *turn = task->turn;
    task->phase = turn->phase;
    task->restart = turn->restart;
    task->slept = turn->slept;
    task->saved_depth = turn->saved_depth;
    task->scratch = turn->scratch;
    task->wait_until = turn->wait_until;
    task->in_turn = false;
    if (turn->goal == GOAL_CALL)
        return program_enter_kernel(machine, task, turn->call, turn->length, turn->call_phase);
    if (task->attention & ATTENTION_SIGNAL) {
        task->unfinished = turn->unfinished; // the signal comes first
        return STEP_NEXT;
    }
    return program_work(machine, task, false, turn->unfinished, task->phase);
}

// ---- the mutexes and conditions

static StepResult take_mutex(Machine *machine, Task *task, GilSync mutex, GilStep next,
                             uint8_t phase)
{
    LockEnd end = LOCK_NOT_YET;
    const Op *op = &machine->scenario->ops[task->op];
    if (task->phase == LOCK_BEGIN)
        task->wait_until = INSTANT_NEVER;
    StepResult result = mutex_take(machine, task, op, gil_sync(machine, task, mutex), &end);
    return end == LOCK_HAS ? go(task, next, phase) : result;
}

static StepResult release_mutex(Machine *machine, Task *task, GilSync mutex, bool *done)
{
    const Op *op = &machine->scenario->ops[task->op];
    return mutex_release(machine, task, op, gil_sync(machine, task, mutex), done);
}

static StepResult wait_at(Machine *machine, Task *task, GilSync condition, GilSync mutex,
                          bool *done)
{
    const Op *op = &machine->scenario->ops[task->op];
    return condition_sleep(machine, task, op, gil_sync(machine, task, condition),
                           gil_sync(machine, task, mutex), done);
}

static StepResult tell(Machine *machine, Task *task, GilSync condition, GilStep next)
{
    bool done = false;
    SyncId id = gil_sync(machine, task, condition);
    StepResult result = condition_notify(machine, task, id, false, 1, &done);
    return done ? go(task, next, UNLOCK_BEGIN) : result;
}

// ---- dropping

static void let_go(Machine *machine, Task *task, Gil *gil)
{
    bool asked = task->turn->goal == GOAL_SWITCH && !task->turn->ticks;
    gil_drop(gil, task->id);
    task->attention &= (uint8_t)~ATTENTION_GIL_DROP;
    machine_emit(machine, asked ? EVENT_GIL_DROPPED : EVENT_GIL_RELEASED, task->core, task->id,
                 interpreter_pack(task), 0);
}

// Its mutex is held.
static StepResult drop(Machine *machine, Task *task, Gil *gil)
{
    let_go(machine, task, gil);
    return tell(machine, task, GIL_CONDITION, DROP_UNLOCK);
}

static StepResult dropped(Machine *machine, Task *task)
{
    if (task->turn->goal == GOAL_SWITCH)
        return go_take(machine, task);
    return turn_end(machine, task);
}

static StepResult unlock_dropped(Machine *machine, Task *task, Gil *gil)
{
    bool done = false;
    StepResult result = release_mutex(machine, task, GIL_MUTEX, &done);
    if (!done)
        return result;
    return gil->drop_request ? go(task, GRANT_LOCK, LOCK_BEGIN) : dropped(machine, task);
}

static StepResult grant(Machine *machine, Task *task, Gil *gil)
{
    StepResult result = take_mutex(machine, task, GIL_SWITCH_MUTEX, GRANT_WAIT, PHASE_ENTER);
    if (task->turn->step == GRANT_WAIT && !gil_grants_request(gil, task->id))
        return go(task, GRANT_UNLOCK, UNLOCK_BEGIN);
    return result;
}

static StepResult wait_for_switch(Machine *machine, Task *task)
{
    bool done = false;
    if (task->phase == PHASE_ENTER)
        task->wait_until = INSTANT_NEVER;
    StepResult result = wait_at(machine, task, GIL_SWITCH_CONDITION, GIL_SWITCH_MUTEX, &done);
    return done ? go(task, GRANT_UNLOCK, UNLOCK_BEGIN) : result;
}

static StepResult unlock_granted(Machine *machine, Task *task)
{
    bool done = false;
    StepResult result = release_mutex(machine, task, GIL_SWITCH_MUTEX, &done);
    return done ? dropped(machine, task) : result;
}

// ---- taking

// It must wait: says so, once.
static void say_wait(Machine *machine, Task *task, const Gil *gil)
{
    if (!task->turn->waited)
        machine_emit(machine, EVENT_GIL_WAIT, task->core, task->id, interpreter_pack(task),
                     gil->last_holder.index1);
    task->turn->waited = true;
}

static void have(Machine *machine, Task *task, Gil *gil)
{
    gil_take(gil, task->id);
    task->attention &= (uint8_t) ~(ATTENTION_GIL_TAKE | ATTENTION_GIL_LATER);
    machine_emit(machine, EVENT_GIL_TAKEN, task->core, task->id, interpreter_pack(task), 0);
}

// Its mutex is held: waits if it is not free.
static StepResult look(Machine *machine, Task *task, const Gil *gil)
{
    GilTurn *turn = task->turn;
    if (comes_too_late(machine, task))
        return go(task, GONE_UNLOCK, UNLOCK_BEGIN);
    if (!gil->locked)
        return go(task, TAKE_SWITCH, LOCK_BEGIN);
    say_wait(machine, task, gil);
    turn->switches = gil->switches;
    int64_t interval = runtime_of(machine, task)->switch_interval_ns;
    task->wait_until = instant_add(machine->now, (Duration){interval});
    return go(task, TAKE_WAIT, PHASE_ENTER);
}

static StepResult lock_and_look(Machine *machine, Task *task, const Gil *gil)
{
    StepResult result = take_mutex(machine, task, GIL_MUTEX, TAKE_WAIT, PHASE_ENTER);
    return task->turn->step == TAKE_WAIT ? look(machine, task, gil) : result;
}

// The holder looks between two bytecodes, or when it is back from a system call.
static void show_request(Machine *machine, Task *task, const Gil *gil)
{
    Task *holder = task_at(machine, gil->last_holder);
    task->turn->asked = false;
    if (!gil->drop_request || !gil->locked)
        return; // it has dropped it of its own accord
    holder->attention |= ATTENTION_GIL_DROP;
    if (!holder->in_turn && !holder->in_c)
        sched_stop_within(machine, holder, machine_cost(machine, COST_BYTECODE));
}

// Who asks goes back to sleep, and the holder, on another core, sees the request and drops the GIL:
// a race of some hundred nanoseconds. If the holder signals before who asked sleeps, that one takes
// the signal and gets ahead of those asleep; else the one who has slept for longest gets it. Which
// it is depends on where in its bytecodes the holder is, and on the caches: finer than the costs
// are here. So it is drawn, with the chance Runtime.steal. (Logged in CPython 3.10 and 3.12, 2900
// hand-overs: who asked got ahead in 74 % of them when the signal came within 0.5 us, in 62 % up to
// 1 us, 27 % up to 2 us, 8 % up to 5 us, and never later.) On one core the holder goes on only when
// who asked is asleep, and nothing is left to chance.
static void ask(Machine *machine, Task *task, Gil *gil)
{
    Interpreter *interpreter = process_of(machine, task)->interpreter;
    gil_ask(gil);
    machine_emit(machine, EVENT_GIL_ASKED, task->core, task->id, interpreter_pack(task),
                 gil->last_holder.index1);
    if (rng_u32(&interpreter->rng) < interpreter->runtime->steal)
        show_request(machine, task, gil);
    else
        task->turn->asked = true;
}

static StepResult wait_for_gil(Machine *machine, Task *task, Gil *gil)
{
    bool done = false;
    StepResult result = wait_at(machine, task, GIL_CONDITION, GIL_MUTEX, &done);
    if (task->turn->asked && (done || result == STEP_BLOCKED))
        show_request(machine, task, gil);
    if (!done)
        return result;
    if (!comes_too_late(machine, task) &&
        gil_should_ask(gil, condition_timed_out(task), task->turn->switches))
        ask(machine, task, gil);
    return look(machine, task, gil);
}

static StepResult take(Machine *machine, Task *task, Gil *gil)
{
    StepResult result = take_mutex(machine, task, GIL_SWITCH_MUTEX, TAKE_TELL, PHASE_ENTER);
    if (task->turn->step != TAKE_TELL)
        return result;
    have(machine, task, gil);
    return STEP_NEXT;
}

static StepResult unlock_switched(Machine *machine, Task *task, Gil *gil)
{
    bool done = false;
    StepResult result = release_mutex(machine, task, GIL_SWITCH_MUTEX, &done);
    if (!done)
        return result;
    gil->drop_request = false; // for the one who had it
    return go(task, TAKE_UNLOCK, UNLOCK_BEGIN);
}

static StepResult unlock_taken(Machine *machine, Task *task)
{
    bool done = false;
    StepResult result = release_mutex(machine, task, GIL_MUTEX, &done);
    return done ? turn_end(machine, task) : result;
}

// ---- when Python has ended

static StepResult unlock_gone(Machine *machine, Task *task)
{
    bool done = false;
    StepResult result = release_mutex(machine, task, GIL_MUTEX, &done);
    return done ? go(task, GONE, PHASE_ENTER) : result;
}

// tstate_must_exit: up to 3.13 the thread ends here and now (pthread_exit), whatever locks it has;
// from 3.14 on it sleeps until the process ends.
static StepResult gone(Machine *machine, Task *task)
{
    enum { HANGS_FROM = 14, HANGING = 1 };
    if (runtime_of(machine, task)->minor >= HANGS_FROM) {
        if (task->phase == PHASE_ENTER)
            return program_enter_kernel(machine, task, SYSCALL_PAUSE,
                                        machine_cost(machine, COST_SYSCALL), HANGING);
        sched_block(machine, task, SWITCH_BLOCKED_SIGNAL);
        return program_blocked(task, HANGING);
    }
    task->in_turn = false;
    task->attention &= (uint8_t) ~(ATTENTION_GIL_TAKE | ATTENTION_GIL_LATER | ATTENTION_GIL_DROP |
                                   ATTENTION_SIGNAL);
    task->unfinished = (Duration){0};
    task->loop = task->coroutine = 0;
    machine_free_frames(machine, task);
    task->op = 0; // the end of its list
    task->phase = PHASE_ENTER;
    return STEP_NEXT;
}

// ---- the GIL of 2.7

static Semaphore *semaphore_of(Machine *machine, const Task *task)
{
    return &sync_of(machine, task, gil_sync(machine, task, GIL_SEMAPHORE))->semaphore;
}

static StepResult post(Machine *machine, Task *task, Gil *gil)
{
    bool done = false;
    if (task->phase == SEMAPHORE_POST)
        let_go(machine, task, gil);
    StepResult result =
        semaphore_release(machine, task, gil_sync(machine, task, GIL_SEMAPHORE), &done);
    return done ? dropped(machine, task) : result;
}

// From now on the holder lets go of it from time to time, which it had no need to model as long as
// nobody waited. How many bytecodes it has left until it next does, nobody knows: it is drawn. One
// that is not on a core does it when it is back on one.
static void wake_ticker(Machine *machine, const Gil *gil, const Task *waiter)
{
    Interpreter *interpreter = process_of(machine, waiter)->interpreter;
    Task *holder = task_at(machine, gil->last_holder);
    uint64_t interval = (uint64_t)interpreter->runtime->check_interval_ns;
    Duration left = {(int64_t)((interval * rng_u32(&interpreter->rng)) >> 32)};
    if (!gil->locked || holder->in_turn)
        return;
    holder->attention |= ATTENTION_GIL_DROP;
    if (!holder->in_c)
        sched_stop_within(machine, holder, left);
}

static StepResult wait_post(Machine *machine, Task *task, Gil *gil)
{
    LockEnd end = LOCK_NOT_YET;
    const Op *op = &machine->scenario->ops[task->op];
    const Semaphore *semaphore = semaphore_of(machine, task);
    uint32_t waiting = semaphore->waiting;
    StepResult result =
        semaphore_take(machine, task, op, gil_sync(machine, task, GIL_SEMAPHORE), &end);
    if (end == LOCK_HAS) {
        have(machine, task, gil);
        gil->ticks_ns = runtime_of(machine, task)->check_interval_ns;
        return turn_end(machine, task);
    }
    if (semaphore->waiting > waiting) {
        say_wait(machine, task, gil);
        if (waiting == 0)
            wake_ticker(machine, gil, task);
    }
    return result;
}

Duration gil_turn_ticks(Machine *machine, Task *task, Duration length)
{
    if (!task->turn->ticks || task->in_turn || task->in_c)
        return length;
    Gil *gil = gil_of(machine, task);
    if (!gil_has(gil, task->id) || semaphore_of(machine, task)->waiting == 0)
        return length;
    Duration left = {gil->ticks_ns};
    if (length.ns < left.ns) {
        gil->ticks_ns -= length.ns;
        return length;
    }
    task->unfinished = duration_add(task->unfinished, (Duration){length.ns - left.ns});
    task->attention |= ATTENTION_GIL_DROP;
    return left;
}

StepResult gil_turn_step(Machine *machine, Task *task)
{
    Gil *gil = gil_of(machine, task);
    switch ((GilStep)task->turn->step) {
    case DROP_LOCK:
        return take_mutex(machine, task, GIL_MUTEX, DROP_TELL, PHASE_ENTER);
    case DROP_TELL:
        return task->phase == PHASE_ENTER ? drop(machine, task, gil)
                                          : tell(machine, task, GIL_CONDITION, DROP_UNLOCK);
    case DROP_UNLOCK:
        return unlock_dropped(machine, task, gil);
    case GRANT_LOCK:
        return grant(machine, task, gil);
    case GRANT_WAIT:
        return wait_for_switch(machine, task);
    case GRANT_UNLOCK:
        return unlock_granted(machine, task);
    case TAKE_LOCK:
        return lock_and_look(machine, task, gil);
    case TAKE_WAIT:
        return wait_for_gil(machine, task, gil);
    case TAKE_SWITCH:
        return take(machine, task, gil);
    case TAKE_TELL:
        return tell(machine, task, GIL_SWITCH_CONDITION, TAKE_SWITCHED);
    case TAKE_SWITCHED:
        return unlock_switched(machine, task, gil);
    case TAKE_UNLOCK:
        return unlock_taken(machine, task);
    case GONE_UNLOCK:
        return unlock_gone(machine, task);
    case GONE:
        return gone(machine, task);
    case POST:
        return post(machine, task, gil);
    case WAIT_POST:
        return wait_post(machine, task, gil);
    case WORLD_TELL:
    case WORLD_HOLD:
    case WORLD_STOP:
    case WORLD_START:
        return world_step(machine, task);
    case OBJECT_SPIN:
    case OBJECT_PARK:
    case OBJECT_WAKE:
        return object_step(machine, task);
    }
    CHECKF(false, "step %d", task->turn->step);
    return STEP_ENDED;
}

// ---- around system calls and work in C

static bool has_gil(Machine *machine, const Task *task)
{
    if (task->turn == NULL || task->in_turn)
        return false;
    return world_may_stop(machine, task) ? world_attached(task)
                                         : gil_has(gil_of(machine, task), task->id);
}

bool gil_turn_before(Machine *machine, const Task *task, SyscallId call)
{
    return has_gil(machine, task) && gil_around(call) != GIL_KEPT;
}

StepResult gil_turn_call(Machine *machine, Task *task, SyscallId call, Duration length,
                         uint8_t phase)
{
    static const uint8_t needs_again[] = {
        [GIL_RELEASED] = ATTENTION_GIL_TAKE,
        [GIL_LEFT] = ATTENTION_GIL_LATER,
        [GIL_GIVEN_BACK] = 0,
    };
    GilAround around = gil_around(call);
    if (world_may_stop(machine, task)) {
        if (!world_detach(machine, task, needs_again[around]))
            return program_enter_kernel(machine, task, call, length, phase);
    } else {
        begin(machine, task, GOAL_CALL);
        task->attention |= needs_again[around];
    }
    task->turn->call = call;
    task->turn->length = length;
    task->turn->call_phase = phase;
    return STEP_NEXT;
}

StepResult gil_turn_leave(Machine *machine, Task *task, uint8_t phase)
{
    task->phase = phase;
    if (!has_gil(machine, task))
        return STEP_NEXT;
    if (world_may_stop(machine, task)) {
        world_detach(machine, task, ATTENTION_GIL_LATER);
        return STEP_NEXT;
    }
    begin(machine, task, GOAL_LEAVE);
    task->attention |= ATTENTION_GIL_LATER;
    return STEP_NEXT;
}
