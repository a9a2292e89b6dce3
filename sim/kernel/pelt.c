#include "sim/kernel/pelt.h"

#include "sim/base/wide.h"

enum { HALF_LIFE_NS = 32000000, STEP_NS = 1000000 };

// 2^(-k/32), Q32.
static const uint32_t decay_step[33] = {
    0xffffffffu, 0xfa83b2dbu, 0xf5257d15u, 0xefe4b99cu, 0xeac0c6e8u, 0xe5b906e7u, 0xe0ccdeecu,
    0xdbfbb798u, 0xd744fccbu, 0xd2a81d92u, 0xce248c15u, 0xc9b9bd86u, 0xc5672a11u, 0xc12c4ccau,
    0xbd08a39fu, 0xb8fbaf47u, 0xb504f334u, 0xb123f582u, 0xad583eeau, 0xa9a15ab5u, 0xa5fed6a9u,
    0xa2704303u, 0x9ef53260u, 0x9b8d39bau, 0x9837f052u, 0x94f4efa9u, 0x91c3d373u, 0x8ea4398bu,
    0x8b95c1e4u, 0x88980e81u, 0x85aac368u, 0x82cd8699u, 0x80000000u};

uint32_t pelt_decay_q32(int64_t dt_ns)
{
    int64_t halvings = dt_ns / HALF_LIFE_NS;
    if (halvings >= 32)
        return 0;
    int64_t rest = dt_ns % HALF_LIFE_NS;
    int64_t step = rest / STEP_NS, part = rest % STEP_NS;
    // Straight between two steps: off by less than 2^-13 of the step's 2 %.
    int64_t high = decay_step[step], low = decay_step[step + 1];
    return (uint32_t)((high - (high - low) * part / STEP_NS) >> halvings);
}

static int64_t toward(int64_t x, int64_t state, uint32_t decay_q32)
{
    // Multiplying the distance keeps x between its old value and the state. The load of thousands
    // of tasks times a Q32 factor leaves 64 bits.
    return state + (int64_t)(((Int128)(x - state) * decay_q32) >> 32);
}

void pelt_update_task(Task *task, Instant now, bool running, bool runnable)
{
    int64_t dt = now.ns - task->load.since_ns;
    if (dt <= 0)
        return;
    uint32_t decay = pelt_decay_q32(dt);
    task->load.since_ns = now.ns;
    task->load.util = (int32_t)toward(task->load.util, running ? PELT_FULL : 0, decay);
    task->load.runnable = (int32_t)toward(task->load.runnable, runnable ? PELT_FULL : 0, decay);
}

void pelt_update_queue(RunQueue *queue, Instant now, bool running, uint64_t weight)
{
    int64_t dt = now.ns - queue->load_since_ns;
    if (dt <= 0)
        return;
    uint32_t decay = pelt_decay_q32(dt);
    queue->load_since_ns = now.ns;
    queue->util = (int32_t)toward(queue->util, running ? PELT_FULL : 0, decay);
    queue->load_runnable =
        toward(queue->load_runnable, (int64_t)queue->runnable * PELT_FULL, decay);
    queue->load = toward(queue->load, (int64_t)weight << 10, decay);
}

static int64_t task_load(const Task *task)
{
    return (int64_t)task->load.runnable * task->fair.weight / 1024;
}

void pelt_attach(RunQueue *queue, const Task *task)
{
    queue->util += task->load.util;
    queue->load_runnable += task->load.runnable;
    queue->load += task_load(task);
}

static int64_t at_least_zero(int64_t x)
{
    return x > 0 ? x : 0;
}

void pelt_detach(RunQueue *queue, const Task *task)
{
    queue->util = (int32_t)at_least_zero(queue->util - task->load.util);
    queue->load_runnable = at_least_zero(queue->load_runnable - task->load.runnable);
    queue->load = at_least_zero(queue->load - task_load(task));
}

void pelt_init_task(Task *task, const RunQueue *queue, Instant now)
{
    int64_t spare = at_least_zero(PELT_FULL - queue->util);
    task->load = (TaskLoad){now.ns, (int32_t)(spare / 2), PELT_FULL};
}
