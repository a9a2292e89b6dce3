#include "sim/program/wake_loop.h"

#include "sim/base/check.h"
#include "sim/kernel/socket_pair.h"

enum { SEND, SENDING, SENT }; // phases from `first` on; wake_loop's own comes before the last

bool wake_loop_is_open(const Machine *machine, uint32_t loop)
{
    return machine->asyncio->loops.at[loop - 1] != NULL;
}

StepResult wake_loop_send(Machine *machine, Task *task, uint32_t loop, uint8_t byte, uint8_t first,
                          bool *done)
{
    Duration cost = {0};
    *done = false;
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
