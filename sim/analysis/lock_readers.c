#include "sim/analysis/lock_readers.h"

enum { SEEN_MAX = 256 };

// Whose records are about the lock, reading back: those of threads that mean this number. Before
// the fork at which a process got its copy, that is its parent's lock.
typedef struct Search {
    uint32_t number;         // of the lock
    uint32_t forker, forked; // the forking thread, and who has in the copy what that one had
    uint32_t seen[SEEN_MAX]; // TaskIds whose last deed with the lock has been found
    uint32_t seen_count;
} Search;

static void pass_fork(Search *search, const Scene *scene, const TraceRecord *record)
{
    const SceneProcess *child = scene_process(scene, (uint32_t)record->a);
    Instance lock = instances_sync_at(&scene->instances, search->number);
    if (child == NULL || lock.pid != record->a)
        return;
    if (search->forker != child->first_task) // else what a grandchild has comes from further back
        search->forked = child->first_task;
    search->forker = record->task;
    search->number = instances_sync_of(&scene->instances, (uint32_t)record->b, lock.id);
}

static bool is_new(Search *search, uint32_t task)
{
    for (uint32_t i = 0; i < search->seen_count; i++)
        if (search->seen[i] == task)
            return false;
    search->seen[search->seen_count++] = task;
    return true;
}

uint32_t lock_readers(const Recording *recording, const Scene *scene, uint32_t number,
                      uint32_t *readers, uint32_t most)
{
    Search search = {.number = number};
    uint32_t id = instances_sync_at(&scene->instances, number).id, count = 0;
    for (uint64_t i = scene->next; i > 0 && count < most && search.seen_count < SEEN_MAX; i--) {
        const TraceRecord *record = recording_at(recording, i - 1);
        if (record->kind == EVENT_PROCESS_COPIED)
            pass_fork(&search, scene, record);
        bool reads = record->kind == EVENT_LOCK_READ;
        if ((!reads && record->kind != EVENT_LOCK_READ_RELEASED) || record->a != id ||
            instances_sync(&scene->instances, record->task, id) != search.number)
            continue;
        uint32_t reader = record->task == search.forker ? search.forked : record->task;
        if (is_new(&search, reader) && reads)
            readers[count++] = reader;
    }
    return count;
}
