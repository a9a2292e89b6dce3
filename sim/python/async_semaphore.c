// asyncio.Semaphore, which has been mended several times. In 3.8 a release wakes the first waiter,
// and who comes before that goes on may take what was released: the woken one waits again, at the
// end. In 3.9 a flag keeps others out until it goes on. From 3.10 on the one that is woken has it
// already. 3.13 lets a waiter that goes on, or is cancelled, wake as many as there is room for.
#include "sim/python/objects.h"

enum { HAS_FLAG = 9, HANDS_OVER = 10, WAKES_ALL = 13 };

// From 3.10 on: takes one for the first who waits.
static bool hand_over(Machine *machine, AsyncObject *semaphore)
{
    if (waiters_wake(machine, &semaphore->waiters, 1) == 0)
        return false;
    semaphore->value--;
    return true;
}

static void wake_next(Machine *machine, unsigned minor, AsyncObject *semaphore)
{
    if (minor >= HANDS_OVER)
        hand_over(machine, semaphore);
    else if (waiters_pop(machine, &semaphore->waiters) && minor == HAS_FLAG)
        semaphore->wakeup_scheduled = true;
}

bool async_semaphore_try(const Machine *machine, unsigned minor, AsyncObject *semaphore)
{
    bool wait = minor >= HANDS_OVER ? waiters_any(machine, &semaphore->waiters)
                                    : semaphore->wakeup_scheduled;
    if (wait || semaphore->value == 0)
        return false;
    semaphore->value--;
    return true;
}

static SemaphoreEnd awaited_old(Machine *machine, unsigned minor, AsyncObject *semaphore,
                                uint32_t future, bool cancelled)
{
    if (!cancelled) {
        semaphore->wakeup_scheduled = false;
        return SEMAPHORE_AGAIN;
    }
    bool woken = future_at(machine, future)->state != FUTURE_CANCELLED;
    if (minor == HAS_FLAG || (semaphore->value > 0 && woken))
        wake_next(machine, minor, semaphore);
    return SEMAPHORE_RAISES;
}

SemaphoreEnd async_semaphore_awaited(Machine *machine, unsigned minor, AsyncObject *semaphore,
                                     uint32_t future, bool cancelled)
{
    if (minor < HANDS_OVER)
        return awaited_old(machine, minor, semaphore, future, cancelled);
    waiters_remove(machine, &semaphore->waiters, future);
    if (cancelled && future_at(machine, future)->state != FUTURE_CANCELLED) {
        semaphore->value++; // it has been handed over for nothing
        if (minor < WAKES_ALL)
            hand_over(machine, semaphore);
    }
    if (minor < WAKES_ALL && !cancelled && semaphore->value > 0)
        hand_over(machine, semaphore);
    while (minor >= WAKES_ALL && semaphore->value > 0)
        if (!hand_over(machine, semaphore))
            break;
    return cancelled ? SEMAPHORE_RAISES : SEMAPHORE_HAS;
}

void async_semaphore_release(Machine *machine, unsigned minor, AsyncObject *semaphore)
{
    semaphore->value++;
    wake_next(machine, minor, semaphore);
}
