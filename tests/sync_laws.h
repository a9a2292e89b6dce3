// What must hold in every trace of threads that synchronise, record by record: a lock has one
// holder, or readers and no writer; a semaphore's value and a queue's length are what was given
// less what was taken; a barrier opens when as many have come as it is for. Read off the records
// alone.
#pragma once
#include "sim/scenario/scenario.h"
#include "sim/trace/record.h"

enum { SYNC_LAWS_MAX = 12, SYNC_LAWS_TASKS = 64 };

typedef struct SyncLaws {
    uint32_t holder[SYNC_LAWS_MAX], readers[SYNC_LAWS_MAX], depth[SYNC_LAWS_MAX];
    uint32_t taken[SYNC_LAWS_MAX], given[SYNC_LAWS_MAX], level[SYNC_LAWS_MAX];
    uint32_t arrived[SYNC_LAWS_MAX], rounds[SYNC_LAWS_MAX];
    bool broken[SYNC_LAWS_MAX];         // a barrier
    uint32_t waits_at[SYNC_LAWS_TASKS]; // by TaskId: SyncId.index1 of what it waits at, 0: nothing
} SyncLaws;

// Zero-initialise; a semaphore's first value comes from the scenario. Returns what is violated, or
// NULL. Scenarios of up to SYNC_LAWS_MAX objects; tasks above SYNC_LAWS_TASKS are not followed.
const char *sync_laws_add(SyncLaws *laws, const Scenario *scenario, const TraceRecord *record);
// Nobody can go on any more: whether somebody waits for something that is there (a lost wake-up).
const char *sync_laws_stuck(const SyncLaws *laws, const Scenario *scenario);
