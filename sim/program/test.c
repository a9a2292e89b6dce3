#include "sim/program/test.h"

#include "sim/base/check.h"

static bool is_true(const Machine *machine, SyncId id)
{
    const Sync *sync = &machine->syncs[id.index1 - 1];
    SyncKind kind = machine->scenario->syncs[id.index1 - 1].kind;
    switch (kind) {
    case SYNC_EVENT:
        return sync->event.set;
    case SYNC_QUEUE:
        return sync->queue.count > 0;
    case SYNC_SEMAPHORE:
        return sync->semaphore.value > 0;
    default:
        CHECKF(sync_is_lock(kind), "kind %d", kind);
        return sync->owner.index1 != 0;
    }
}

bool test_holds(const Machine *machine, uint32_t test)
{
    const TestDef *def = &machine->scenario->tests[test - 1];
    return is_true(machine, def->sync) != def->negated;
}
