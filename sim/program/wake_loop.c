#include "sim/program/wake_loop.h"

#include "sim/base/check.h"
#include "sim/kernel/eventfd.h"
#include "sim/kernel/socket_pair.h"

enum { SEND, SENDING, SENT }; // phases from `first` on; wake_loop's own comes before the last

bool wake_loop_is_open(const Machine *machine, uint32_t loop)
{
    return machine->asyncio->loops.at[loop - 1] != NULL;
}

// Once it is closed, there is no difference any more.
static bool is_libuv(const Machine *machine, uint32_t loop)
{
    return wake_loop_is_open(machine, loop) && loop_at(machine, loop)->libuv;
}

// uv_async_send: writes to the loop's eventfd, unless the loop has yet to read what another has
// written.
static StepResult write_eventfd(Machine *machine, Task *task, uint32_t loop, uint8_t first,
                                bool *done)
{
    Uvloop *uv = &loop_at(machine, loop)->uvloop;
    Duration cost;
    switch (task->phase - first) {
    case SEND:
        *done = uv->woken;
        if (uv->woken)
            return STEP_NEXT;
        uv->woken = true;
        return program_syscall(machine, task, SYSCALL_WRITE,
                               duration_add(half(machine_cost(machine, COST_SYSCALL), false),
                                            machine_cost(machine, COST_EVENTFD)),
                               (uint8_t)(first + SENDING));
    case SENDING:
        cost = eventfd_write(machine, uv->eventfd, task);
        return program_work(machine, task, true,
                            duration_add(half(machine_cost(machine, COST_SYSCALL), true), cost),
                            (uint8_t)(first + SENT));
    default:
        program_syscall_over(machine, task);
        task->phase = first;
        *done = true;
        return STEP_NEXT;
    }
}

StepResult wake_loop_send(Machine *machine, Task *task, uint32_t loop, uint8_t byte, uint8_t first,
                          bool *done)
{
    Duration cost = {0};
    *done = false;
    if (byte == 0 && is_libuv(machine, loop))
        return write_eventfd(machine, task, loop, first, done);
    switch (task->phase - first) {
    case SEND:
        return program_syscall(machine, task, SYSCALL_SENDTO,
                               duration_add(half(machine_cost(machine, COST_SYSCALL), false),
                                            machine_cost(machine, COST_SOCKET_PAIR_SEND)),
                               (uint8_t)(first + SENDING));
    case SENDING: // when it is full, the loop has enough to wake up by
        if (wake_loop_is_open(machine, loop))
            socket_pair_send(machine, loop_at(machine, loop)->selector.self_pipe, byte, task,
                             &cost);
        return program_work(machine, task, true,
                            duration_add(half(machine_cost(machine, COST_SYSCALL), true), cost),
                            (uint8_t)(first + SENT));
    default:
        CHECKF(task->phase == first + SENT, "phase %u", task->phase);
        program_syscall_over(machine, task);
        task->phase = first;
        *done = true;
        return STEP_NEXT;
    }
}

StepResult wake_loop(Machine *machine, Task *task, uint32_t loop, Callback callback,
                     uint32_t argument, uint8_t first, bool *done)
{
    if (task->phase == first && !wake_loop_is_open(machine, loop)) {
        *done = true;
        return STEP_NEXT;
    }
    if (task->phase == first)
        loop_call_soon_threadsafe(machine, loop_at(machine, loop), callback, argument);
    return wake_loop_send(machine, task, loop, 0, first, done);
}
