#include "sim/analysis/own_sync.h"

static bool is_one_for_all(const Scene *scene, uint32_t sync)
{
    const Scenario *scenario = scene->scenario;
    return scenario->syncs[sync - 1].shared || scene->processes.count <= scenario->process_count;
}

// What is still to be found out, reading back.
typedef struct Search {
    OwnSync found;
    bool holder_known, level_known;
    int64_t reads; // begun less ended
} Search;

static void look_at(Search *search, const TraceRecord *record)
{
    switch ((EventKind)record->kind) {
    case EVENT_LOCK_TAKEN:
        if (!search->holder_known) {
            search->found.holder = record->task;
            search->found.held_since_ns = record->time_ns;
        }
        search->holder_known = true;
        break;
    case EVENT_LOCK_RELEASED:
        search->holder_known = true;
        break;
    case EVENT_LOCK_READ:
        search->reads++;
        break;
    case EVENT_LOCK_READ_RELEASED:
        search->reads--;
        break;
    case EVENT_SYNC_LEVEL:
        if (!search->level_known)
            search->found.level = (int64_t)record->b;
        search->level_known = true;
        break;
    default:
        break;
    }
}

// A lock that many read at a time is known only once all of its records have been read.
static bool is_complete(const Search *search, SyncKind kind)
{
    if (kind == SYNC_RWLOCK)
        return false;
    return sync_is_lock(kind) ? search->holder_known : search->level_known;
}

OwnSync own_sync(const Recording *recording, const Scene *scene, const SceneTask *task,
                 uint32_t sync)
{
    const SyncDef *def = &scene->scenario->syncs[sync - 1];
    if (is_one_for_all(scene, sync)) {
        const SceneSync *one = &scene->syncs[sync - 1];
        return (OwnSync){one->holder, one->held_since_ns, one->readers, one->level};
    }
    Search search = {.found.level = def->kind == SYNC_SEMAPHORE ? def->parameter : 0};
    for (uint64_t i = scene->next; i > 0 && !is_complete(&search, def->kind); i--) {
        const TraceRecord *record = recording_at(recording, i - 1);
        const SceneTask *other = scene_task(scene, record->task);
        // Not every kind of record names an object, but those that are looked at do.
        if (record->a == sync && other != NULL && other->process == task->process)
            look_at(&search, record);
    }
    search.found.readers = search.reads > 0 ? (uint32_t)search.reads : 0;
    return search.found;
}

static bool has(const uint32_t *ids, uint32_t count, uint32_t id)
{
    for (uint32_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

uint32_t own_sync_readers(const Recording *recording, const Scene *scene, const SceneTask *task,
                          uint32_t sync, uint32_t *readers, uint32_t most)
{
    enum { SEEN_MAX = 256 };
    uint32_t seen[SEEN_MAX], seen_count = 0, count = 0;
    bool shared = scene->scenario->syncs[sync - 1].shared;
    for (uint64_t i = scene->next; i > 0 && count < most && seen_count < SEEN_MAX; i--) {
        const TraceRecord *record = recording_at(recording, i - 1);
        bool reads = record->kind == EVENT_LOCK_READ;
        if ((!reads && record->kind != EVENT_LOCK_READ_RELEASED) || record->a != sync ||
            has(seen, seen_count, record->task))
            continue;
        const SceneTask *other = scene_task(scene, record->task);
        if (other == NULL || (!shared && other->process != task->process))
            continue;
        seen[seen_count++] = record->task; // the last that it did with the lock
        if (reads)
            readers[count++] = record->task;
    }
    return count;
}
