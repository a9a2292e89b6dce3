// What a lock, a queue or the like is for one process: forked processes have their own ones of
// those that are not `shared`, while the scene has one of each name.
#pragma once
#include "sim/analysis/recording.h"

typedef struct OwnSync {
    uint32_t holder; // TaskId; 0: nobody has it alone
    int64_t held_since_ns;
    uint32_t readers;
    int64_t level; // see SYNC_LEVEL
} OwnSync;

// The object that `task` of the scene means by `sync`, a SyncId of the scenario. Reads back through
// the trace where processes have been forked.
OwnSync own_sync(const Recording *recording, const Scene *scene, const SceneTask *task,
                 uint32_t sync);
// Who reads under it, a rwlock: the ids of up to `most` of them in `readers`. Returns how many of
// those there are.
uint32_t own_sync_readers(const Recording *recording, const Scene *scene, const SceneTask *task,
                          uint32_t sync, uint32_t *readers, uint32_t most);
