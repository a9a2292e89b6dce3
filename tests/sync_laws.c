#include "tests/sync_laws.h"

#include <stdio.h>

#define LAW(condition, text)                                                                       \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return (text);                                                                         \
    } while (0)

static const char *on_level(SyncLaws *laws, const SyncDef *def, uint32_t sync, uint64_t level)
{
    laws->level[sync] = (uint32_t)level;
    if (def->asyncio && def->kind != SYNC_QUEUE) {
        // One of a semaphore's may be on its way to who was woken; who comes to a barrier may go.
        LAW(def->kind != SYNC_SEMAPHORE ||
                level + laws->taken[sync] <= def->parameter + laws->given[sync],
            "a semaphore of asyncio's has more than was given back to it");
        LAW(def->kind != SYNC_BARRIER || level <= def->parameter,
            "more have come to a barrier of asyncio's than it is for");
        laws->arrived[sync] = (uint32_t)level;
        return NULL;
    }
    switch (def->kind) {
    case SYNC_SEMAPHORE:
        LAW(level == def->parameter + laws->given[sync] - laws->taken[sync],
            "a semaphore's value is not what was released less what was acquired");
        break;
    case SYNC_QUEUE:
        LAW(level == laws->given[sync] - laws->taken[sync],
            "a queue's length is not what was put less what was got");
        LAW(def->parameter == 0 || level <= def->parameter, "a queue overflows");
        break;
    case SYNC_BARRIER:
        if (level > 0) {
            LAW(level == laws->arrived[sync] + 1, "at a barrier they do not come one by one");
            LAW(level <= def->parameter, "more have come to a barrier than it is for");
        } else {
            LAW(laws->broken[sync] || laws->arrived[sync] == def->parameter,
                "a barrier closes before all have come");
        }
        laws->arrived[sync] = (uint32_t)level;
        break;
    default:
        break;
    }
    return NULL;
}

static void waits(SyncLaws *laws, uint32_t task, uint32_t sync1)
{
    if (task < SYNC_LAWS_TASKS)
        laws->waits_at[task] = sync1;
}

// Of asyncio's objects: `depth` is 1 while a lock is held.
static const char *on_async(SyncLaws *laws, const SyncDef *def, uint32_t sync, bool taken)
{
    laws->taken[sync] += taken;
    laws->given[sync] += !taken;
    if (def->kind == SYNC_SEMAPHORE)
        LAW(laws->taken[sync] <= def->parameter + laws->given[sync],
            "a semaphore of asyncio's lets too many in");
    if (def->kind != SYNC_LOCK)
        return NULL;
    LAW(laws->depth[sync] == !taken, taken ? "a lock of asyncio's is taken that another holds"
                                           : "a lock of asyncio's is released that nobody holds");
    laws->depth[sync] = taken;
    return NULL;
}

const char *sync_laws_add(SyncLaws *laws, const Scenario *scenario, const TraceRecord *record)
{
    uint32_t sync = (uint32_t)record->a - 1, task = record->task;
    switch (record->kind) {
    case EVENT_LOCK_TAKEN:
        LAW(laws->holder[sync] == 0, "a lock is taken that another holds");
        LAW(laws->readers[sync] == 0, "a lock is taken that others read under");
        laws->holder[sync] = task;
        laws->depth[sync] = 1;
        waits(laws, task, 0);
        break;
    case EVENT_LOCK_NESTED:
        LAW(laws->holder[sync] == task, "a re-entrant lock is nested by one who does not hold it");
        LAW(record->b == laws->depth[sync] + 1 || record->b + 1 == laws->depth[sync],
            "a re-entrant lock's depth jumps");
        laws->depth[sync] = (uint32_t)record->b;
        break;
    case EVENT_LOCK_RELEASED:
        LAW(laws->holder[sync] == released_holder(record),
            "a lock is released by one who does not hold it");
        LAW(record->b == 0 || scenario->syncs[sync].handed, "a lock is released by another");
        laws->holder[sync] = 0;
        break;
    case EVENT_LOCK_READ:
        LAW(laws->holder[sync] == 0, "one reads while another writes");
        laws->readers[sync]++;
        waits(laws, task, 0);
        break;
    case EVENT_LOCK_READ_RELEASED:
        LAW(laws->readers[sync] > 0, "nobody reads");
        laws->readers[sync]--;
        break;
    case EVENT_LOCK_WAIT:
    case EVENT_LOCK_SPIN:
        LAW(record->b == laws->holder[sync] && record->b != 0, "it waits for a lock that is free");
        waits(laws, task, sync + 1);
        break;
    case EVENT_SYNC_WAIT:
        waits(laws, task, sync + 1);
        break;
    case EVENT_SYNC_WAIT_OVER:
        LAW(task >= SYNC_LAWS_TASKS || laws->waits_at[task] == sync + 1,
            "a wait is over that has not begun");
        waits(laws, task, 0);
        break;
    case EVENT_ACQUIRED:
    case EVENT_QUEUE_GOT:
        laws->taken[sync]++;
        break;
    case EVENT_RELEASED:
    case EVENT_QUEUE_PUT:
        laws->given[sync]++;
        break;
    case EVENT_ASYNC_TAKEN:
    case EVENT_ASYNC_RELEASED:
        return on_async(laws, &scenario->syncs[sync], sync, record->kind == EVENT_ASYNC_TAKEN);
    case EVENT_BARRIER_BROKEN:
        LAW(!laws->broken[sync], "a barrier breaks twice");
        LAW(laws->arrived[sync] == record->b + 1, "a barrier breaks with others than have come");
        laws->broken[sync] = true;
        break;
    case EVENT_BARRIER_OPENED:
        LAW(!laws->broken[sync], "a broken barrier opens");
        LAW(laws->arrived[sync] == scenario->syncs[sync].parameter,
            "a barrier opens before all have come");
        laws->rounds[sync]++;
        break;
    case EVENT_SYNC_LEVEL:
        return on_level(laws, &scenario->syncs[sync], sync, record->b);
    default:
        break;
    }
    return NULL;
}

const char *sync_laws_stuck(const SyncLaws *laws, const Scenario *scenario)
{
    for (uint32_t task = 0; task < SYNC_LAWS_TASKS; task++) {
        if (laws->waits_at[task] == 0)
            continue;
        uint32_t sync = laws->waits_at[task] - 1;
        const SyncDef *def = &scenario->syncs[sync];
        if (sync_is_lock(def->kind))
            LAW(laws->holder[sync] != 0 || laws->readers[sync] > 0,
                "a thread waits for ever for a lock that is free");
        if (def->kind == SYNC_SEMAPHORE)
            LAW(def->parameter + laws->given[sync] == laws->taken[sync],
                "a thread waits for ever at a semaphore above 0");
        if (def->kind == SYNC_EVENT)
            LAW(laws->level[sync] == 0, "a thread waits for ever for an event that is set");
        if (def->kind == SYNC_QUEUE) // who puts waits at a full one
            LAW(laws->level[sync] == 0 || laws->level[sync] == def->parameter,
                "a thread waits for ever at a queue that is neither empty nor full");
    }
    return NULL;
}
