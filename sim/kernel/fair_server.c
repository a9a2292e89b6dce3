#include "sim/kernel/fair_server.h"

#include "sim/kernel/sched.h"

enum {
    RUNTIME_NS = 50000000, // fair_server/runtime in debugfs
    PERIOD_NS = 1000000000 // fair_server/period
};

static bool has_tasks(const Machine *machine, const RunQueue *queue)
{
    return run_queue_current(queue, SCHED_CLASS_NORMAL) != NULL ||
           machine->policies[SCHED_CLASS_NORMAL]->count(queue) > 0;
}

static void begin_period(const Machine *machine, FairServer *server)
{
    server->deadline = instant_add(machine->now, (Duration){PERIOD_NS});
    server->left_ns = RUNTIME_NS;
    server->running = false;
}

// When it is due at the latest: if it begins then it can just give the rest by its deadline.
static Instant latest_start(const FairServer *server)
{
    return (Instant){server->deadline.ns - server->left_ns};
}

static void charge(Machine *machine, RunQueue *queue)
{
    FairServer *server = &queue->server;
    if (run_queue_current(queue, SCHED_CLASS_NORMAL) != NULL)
        server->left_ns -= machine->now.ns - server->since.ns;
    server->since = machine->now;
    if (server->left_ns <= 0) {
        bool was_running = server->running;
        begin_period(machine, server);
        if (was_running && queue->current != NULL)
            sched_resched(machine, queue->core, SWITCH_PREEMPTED_SLICE);
    } else if (!server->running && machine->now.ns >= latest_start(server).ns) {
        server->running = true;
        if (queue->current != NULL)
            sched_resched(machine, queue->core, SWITCH_PREEMPTED_SERVER);
    }
}

void fair_server_update(Machine *machine, RunQueue *queue)
{
    FairServer *server = &queue->server;
    if (!has_tasks(machine, queue)) {
        server->active = server->running = false;
    } else if (!server->active) {
        server->active = true;
        server->since = machine->now;
        begin_period(machine, server);
    } else {
        charge(machine, queue);
    }
    server->due = server->active && !server->running ? latest_start(server) : INSTANT_NEVER;
    run_queue_refresh_due(queue);
    machine_refresh(machine, queue->core);
}
