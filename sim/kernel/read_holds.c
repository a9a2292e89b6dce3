#include "sim/kernel/read_holds.h"

#include "sim/base/check.h"

// Where the index is kept of the task's newest hold of `id`; of the end of its list when it has
// none.
static uint32_t *find(const Machine *machine, uint32_t *link, SyncId id)
{
    while (*link != 0 && !ID_EQUAL(machine->read_holds.at[*link].sync, id))
        link = &machine->read_holds.at[*link].next;
    return link;
}

void read_holds_add(Machine *machine, Task *task, SyncId id)
{
    if (machine->read_holds.count == 0)
        ARRAY_EXTEND(&machine->read_holds); // index 0 is "none"
    uint32_t index = machine->free_read_hold;
    if (index != 0) {
        machine->free_read_hold = machine->read_holds.at[index].next;
    } else {
        ARRAY_EXTEND(&machine->read_holds);
        index = (uint32_t)machine->read_holds.count - 1;
    }
    machine->read_holds.at[index] = (ReadHold){id, task->read_holds};
    task->read_holds = index;
}

bool read_holds_has(const Machine *machine, const Task *task, SyncId id)
{
    uint32_t first = task->read_holds;
    return *find(machine, &first, id) != 0;
}

void read_holds_drop(Machine *machine, Task *task, SyncId id)
{
    uint32_t *link = find(machine, &task->read_holds, id);
    uint32_t index = *link;
    CHECKF(index != 0, "task %u does not read under %u", task->id.index1, id.index1);
    *link = machine->read_holds.at[index].next;
    machine->read_holds.at[index].next = machine->free_read_hold;
    machine->free_read_hold = index;
}

void read_holds_fork(Machine *machine, const Task *forker, Task *child)
{
    for (uint32_t index = forker->read_holds; index != 0;) {
        ReadHold hold = machine->read_holds.at[index];
        if (!machine->scenario->syncs[hold.sync.index1 - 1].shared)
            read_holds_add(machine, child, hold.sync);
        index = hold.next;
    }
}

void read_holds_forget(Machine *machine, Task *task)
{
    while (task->read_holds != 0)
        read_holds_drop(machine, task, machine->read_holds.at[task->read_holds].sync);
}
