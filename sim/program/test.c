#include "sim/program/test.h"

#include "sim/base/check.h"
#include "sim/kernel/process_data.h"
#include "sim/program/data.h"
#include "sim/program/steps_asyncio_objects.h"

static bool is_true(const Machine *machine, const Task *task, SyncId id)
{
    const Sync *sync = sync_of(machine, task, id);
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

static bool compares(Comparison comparison, int64_t a, int64_t b)
{
    switch (comparison) {
    case COMPARE_EQUAL:
        return a == b;
    case COMPARE_NOT_EQUAL:
        return a != b;
    case COMPARE_AT_MOST:
        return a <= b;
    case COMPARE_AT_LEAST:
        return a >= b;
    case COMPARE_BELOW:
        return a < b;
    default:
        CHECKF(comparison == COMPARE_ABOVE, "comparison %d", comparison);
        return a > b;
    }
}

bool test_loads(const Machine *machine, uint32_t test)
{
    return machine->scenario->tests[test - 1].variable.index1 != 0;
}

Duration test_load_cost(Machine *machine, const Task *task, uint32_t test)
{
    return data_load_cost(machine, task, machine->scenario->tests[test - 1].variable.index1);
}

bool test_holds(Machine *machine, Task *task, const Op *op, uint32_t test)
{
    const TestDef *def = &machine->scenario->tests[test - 1];
    if (def->variable.index1 != 0)
        return compares(def->comparison, data_load(machine, task, op, def->variable.index1),
                        def->value);
    bool asyncio = machine->scenario->syncs[def->sync.index1 - 1].asyncio;
    if (asyncio && coroutines_loop(machine, task, op) == NULL)
        return false;
    if (asyncio)
        return async_object_test(machine, task, def->sync) != def->negated;
    bool found = is_true(machine, task, def->sync);
    // Who finds an event set goes on because it is, as who waits for it does.
    if (found && machine->scenario->syncs[def->sync.index1 - 1].kind == SYNC_EVENT)
        data_ordered(machine, task, op, EVENT_EVENT_PASSED, def->sync.index1);
    return found != def->negated;
}
