// asyncio.Lock. Whoever releases it wakes the first who waits, and leaves it free: it is taken when
// that one goes on. Nobody who comes meanwhile gets ahead, because the list is not empty.
#include "sim/python/objects.h"

bool async_lock_try(const Machine *machine, AsyncObject *lock)
{
    if (lock->locked || waiters_any(machine, &lock->waiters))
        return false;
    lock->locked = true;
    return true;
}

void async_lock_awaited(Machine *machine, AsyncObject *lock, uint32_t future, bool cancelled)
{
    waiters_remove(machine, &lock->waiters, future);
    if (!cancelled)
        lock->locked = true;
    else if (!lock->locked)
        waiters_wake_first(machine, &lock->waiters); // it may have been its turn
}

void async_lock_release(Machine *machine, AsyncObject *lock)
{
    lock->locked = false;
    waiters_wake_first(machine, &lock->waiters);
}
