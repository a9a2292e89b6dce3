// A run: builds the machine that a scenario describes, handles events in order until it ends, and
// frees it. The only place that sees every layer.
#include "sim/base/check.h"
#include "sim/kernel/balance.h"
#include "sim/kernel/deadlock.h"
#include "sim/kernel/dispatch.h"
#include "sim/kernel/eventfd.h"
#include "sim/kernel/message_queue.h"
#include "sim/kernel/pipe.h"
#include "sim/kernel/process_data.h"
#include "sim/kernel/socket_pair.h"
#include "sim/kernel/warmth.h"
#include "sim/program/program.h"
#include "sim/python/asyncio.h"
#include "sim/python/executor.h"
#include "sim/python/multiprocessing.h"
#include "sim/ringside.h"

#include <stdlib.h>

// ---- building and freeing

static void init_policies(Machine *machine, RunQueue *queue)
{
    for (int c = 0; c < SCHED_CLASS_COUNT; c++) {
        if (machine->policies[c] == NULL)
            continue;
        if (c == SCHED_CLASS_NORMAL && machine->shared_queue && queue->core > 0)
            queue->state[c] = machine->run_queues[0].state[c];
        else
            machine->policies[c]->init(machine, queue, &machine->arena);
    }
}

static void free_policies(Machine *machine, RunQueue *queue)
{
    for (int c = 0; c < SCHED_CLASS_COUNT; c++) {
        bool shared = c == SCHED_CLASS_NORMAL && machine->shared_queue && queue->core > 0;
        if (machine->policies[c] != NULL && !shared)
            machine->policies[c]->free(queue);
    }
}

// The classes above the normal one, when a thread of the scenario is of one.
static void use_urgent_classes(Machine *machine)
{
    for (uint32_t i = 0; i < machine->scenario->thread_count; i++) {
        ThreadPolicy policy = machine->scenario->threads[i].policy;
        if (policy == POLICY_DEADLINE)
            machine->policies[SCHED_CLASS_DEADLINE] = &policy_deadline;
        else if (policy == POLICY_FIFO || policy == POLICY_RR)
            machine->policies[SCHED_CLASS_REALTIME] = &policy_realtime;
    }
    machine->fair_server = machine->policies[SCHED_CLASS_REALTIME] != NULL;
    machine->urgent_classes =
        machine->fair_server || machine->policies[SCHED_CLASS_DEADLINE] != NULL;
    machine->uses_tick = machine->uses_tick || machine->urgent_classes;
}

static void init_cores(Machine *machine)
{
    uint32_t count = machine->scenario->machine.cores;
    machine->core_count = count;
    machine->single = count == 1;
    machine->cores = ARENA_ARRAY(&machine->arena, Core, count);
    machine->run_queues = ARENA_ARRAY(&machine->arena, RunQueue, count);
    machine->weights = ARENA_ARRAY(&machine->arena, uint64_t, count);
    machine->caches = ARENA_ARRAY(&machine->arena, Cache, count);
    for (uint32_t i = 0; i < count; i++)
        machine->caches[i].size = machine->scenario->machine.cache_bytes;
    machine->lines = ARENA_ARRAY(&machine->arena, CacheLine, machine->scenario->string_count + 1);
    machine->idle_cores = ARENA_ARRAY(&machine->arena, uint64_t, CORES_MAX / 64 + 1);
    machine->idle_count = count;
    const SchedPolicy *normal = sched_policy(machine->scenario->machine.scheduler);
    machine->policies[SCHED_CLASS_NORMAL] = normal;
    machine->uses_tick = normal->uses_tick;
    machine->shared_queue =
        count > 1 && (normal->one_state || machine->scenario->machine.global_queue);
    use_urgent_classes(machine);
    for (uint32_t i = 0; i < count; i++) {
        Core *core = &machine->cores[i];
        core->segment_end = core->next_tick = core->slice_end = core->dispatch_at = INSTANT_NEVER;
        core->due = INSTANT_NEVER;
        RunQueue *queue = &machine->run_queues[i];
        queue->core = (int)i;
        queue->slice_end = INSTANT_NEVER;
        run_queue_init_due(queue);
        init_policies(machine, queue);
        balance_init(machine, queue);
        machine->idle_cores[i / 64] |= (uint64_t)1 << (i % 64);
    }
}

static void refresh_world(Machine *machine)
{
    int64_t until = machine->scenario->until_ns;
    EventKey key = event_key(process_next_arrival(machine), CLASS_ARRIVAL);
    EventKey end = event_key(until == 0 ? INSTANT_NEVER : (Instant){until}, CLASS_END);
    key = key < end ? key : end;
    EventKey device = event_key(machine->device_at, CLASS_TIMER);
    event_queue_set(&machine->queue, machine->core_count, key < device ? key : device);
}

// The machine's device: its next interrupt is a draw from now.
static void arm_device(Machine *machine)
{
    uint32_t every = machine->scenario->machine.device_every;
    machine->device_at = INSTANT_NEVER;
    if (every != 0)
        machine->device_at =
            instant_add(machine->now, dist_draw(machine->scenario, every, &machine->device_rng));
}

// Whether nothing is left to happen but the device's interrupts, which wake nobody.
static bool only_device_left(const Machine *machine)
{
    for (uint32_t i = 0; i < machine->core_count; i++)
        if (event_queue_key(&machine->queue, i) != EVENT_KEY_NEVER)
            return false;
    return machine->scenario->until_ns == 0 && process_next_arrival(machine).ns == INSTANT_NEVER.ns;
}

static void machine_build(Machine *machine, const Scenario *scenario, Trace *trace, Diag *diag)
{
    *machine = (Machine){.scenario = scenario, .trace = trace, .diag = diag};
    machine->advance = program_advance;
    machine->burst = program_burst;
    machine->handling = CORE_NONE;
    machine->idle_balanced_at = (Instant){-1};
    machine->balance_rng = rng_make(scenario->seed, UINT64_MAX); // no task has this stream
    Arena *arena = &machine->arena;
    process_data_init(machine);
    machine->groups = ARENA_ARRAY(arena, ThreadGroup, scenario->thread_count + 1);
    machine->memory.limit = scenario->machine.memory_pages;
    process_init(machine);
    pipe_init(machine);
    message_queue_init(machine);
    multiprocessing_init(machine);
    ARRAY_EXTEND(&machine->frames); // index 0 is "none"
    init_cores(machine);
    warmth_init(machine);
    event_queue_init(&machine->queue, arena, machine->core_count + 1);
    process_plan_arrivals(machine);
    machine->device_rng = rng_make(scenario->seed, 0xdef1ce);
    arm_device(machine);
    refresh_world(machine);
}

static void machine_free(Machine *machine)
{
    for (uint32_t i = 0; i < machine->core_count; i++) {
        timer_heap_free(&machine->cores[i].timers);
        cache_free(&machine->caches[i]);
        free_policies(machine, &machine->run_queues[i]);
    }
    warmth_free(machine);
    process_data_free(machine);
    for (size_t i = 0; i < machine->task_chunks.count; i++)
        free(machine->task_chunks.at[i]);
    process_free(machine);
    executors_free(machine);
    asyncio_free(machine);
    multiprocessing_free(machine);
    epolls_free(machine);
    pipe_free(machine);
    socket_pairs_free(machine);
    eventfds_free(machine);
    ARRAY_FREE(&machine->task_chunks);
    ARRAY_FREE(&machine->positions.at);
    ARRAY_FREE(&machine->frames);
    ARRAY_FREE(&machine->copies);
    ARRAY_FREE(&machine->read_holds);
    ARRAY_FREE(&machine->waiters);
    arena_free(&machine->arena);
}

// ---- running

static void handle_world(Machine *machine, EventClass class)
{
    if (class == CLASS_END) {
        machine->ended = true;
        machine->end = END_UNTIL;
        return;
    }
    if (class == CLASS_TIMER) {
        if (only_device_left(machine)) {
            deadlock_at_end(machine);
            return;
        }
        dispatch_on_device(machine, (int)machine->scenario->machine.device_core);
        arm_device(machine);
        refresh_world(machine);
        return;
    }
    process_arrive(machine);
    refresh_world(machine);
}

static void handle_core(Machine *machine, int core, EventClass class)
{
    machine->handling = core;
    switch (class) {
    case CLASS_SEGMENT:
        dispatch_on_segment(machine, core);
        break;
    case CLASS_SLICE:
        dispatch_on_slice(machine, core);
        break;
    case CLASS_TICK:
        dispatch_on_tick(machine, core);
        break;
    case CLASS_TIMER:
        dispatch_on_timer(machine, core);
        break;
    case CLASS_DISPATCH:
        dispatch_decide(machine, core);
        break;
    default:
        CHECKF(false, "class %d", class);
    }
    machine->handling = CORE_NONE;
    machine_refresh(machine, core);
}

static void check_over(Machine *machine)
{
    if (machine->ended)
        return;
    if (machine->workers == 0) {
        machine->ended = true;
        machine->end = END_DONE;
    } else if (machine->events >= (uint64_t)machine->scenario->limits[LIMIT_EVENTS]) {
        machine_limit(machine, LIMIT_EVENTS);
    } else if (machine->trace->refused) {
        machine->ended = true;
        machine->end = END_REFUSED;
    } else if (trace_records(machine->trace) >=
               (uint64_t)machine->scenario->limits[LIMIT_RECORDS]) {
        machine_limit(machine, LIMIT_RECORDS);
    }
}

// Whether nothing but the end of simulated time, if that, is still to come.
static bool nothing_will_happen(const Machine *machine, uint32_t slot, EventKey key)
{
    if (key == EVENT_KEY_NEVER)
        return true;
    if (slot != machine->core_count || event_key_class(key) != CLASS_END)
        return false;
    for (uint32_t i = 0; i < machine->core_count; i++)
        if (event_queue_key(&machine->queue, i) != EVENT_KEY_NEVER)
            return false;
    return process_next_arrival(machine).ns == INSTANT_NEVER.ns;
}

// Handles the earliest event.
static void handle_next(Machine *machine)
{
    uint32_t slot = event_queue_first(&machine->queue);
    EventKey key = event_queue_key(&machine->queue, slot);
    if (nothing_will_happen(machine, slot, key)) {
        deadlock_at_end(machine);
        return;
    }
    Instant time = event_key_time(key);
    CHECKF(time.ns >= machine->now.ns, "time goes back from %lld to %lld",
           (long long)machine->now.ns, (long long)time.ns);
    if (time.ns > machine->scenario->limits[LIMIT_TIME]) {
        machine->now = (Instant){machine->scenario->limits[LIMIT_TIME]};
        machine_limit(machine, LIMIT_TIME);
        return;
    }
    if (time.ns != machine->now.ns)
        machine->stalled_ops = 0;
    machine->now = time;
    machine->events++;
    if (slot == machine->core_count)
        handle_world(machine, event_key_class(key));
    else
        handle_core(machine, (int)slot, event_key_class(key));
}

bool ringside_run(const Scenario *scenario, Trace *trace, RunResult *result, Diag *diag)
{
    Machine machine;
    machine_build(&machine, scenario, trace, diag);
    check_over(&machine);
    while (!machine.ended) {
        handle_next(&machine);
        check_over(&machine);
    }
    machine_emit(&machine, EVENT_RUN_END, CORE_NONE, (TaskId){0}, machine.end,
                 machine.end == END_LIMIT ? machine.limit : 0);
    trace_flush(trace);
    *result = (RunResult){.end = machine.end,
                          .limit = machine.limit,
                          .ended = machine.now,
                          .events = machine.events,
                          .bytes = machine_bytes(&machine),
                          .tasks = machine.task_count};
    bool failed = machine.failed;
    machine_free(&machine);
    return !failed;
}
