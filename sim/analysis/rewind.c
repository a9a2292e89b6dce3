#include "sim/analysis/rewind.h"

#include "sim/base/check.h"

// Seeks further back than this are no steps. A stretch is cut into so many parts again and again,
// until one is so short that it is folded each time.
enum { STEP_MOST = 16, PARTS = 4, FOLDED_MOST = 8 };

void rewind_open(Rewind *rewind, const Recording *recording)
{
    *rewind = (Rewind){.recording = recording};
}

void rewind_free(Rewind *rewind)
{
    for (uint32_t i = 0; i < rewind->opened; i++)
        scene_free(&rewind->kept[i]);
    *rewind = (Rewind){0};
}

static void keep(Rewind *rewind, const Scene *scene)
{
    if (rewind->count == REWIND_SCENES ||
        (rewind->count + 1) * scene_bytes(scene) > (size_t)REWIND_BYTES)
        return;
    Scene *kept = &rewind->kept[rewind->count++];
    if (rewind->count > rewind->opened) {
        scene_open(kept, scene->scenario);
        rewind->opened++;
    }
    scene_copy(kept, scene);
}

// How many records are folded in the last key frame at or before `next`.
static uint64_t key_before(const Recording *recording, uint64_t next)
{
    size_t from = 0, to = recording->key_frames.count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (recording->key_frames.at[middle].next <= next)
            from = middle + 1;
        else
            to = middle;
    }
    return from > 0 ? recording->key_frames.at[from - 1].next : 0;
}

// From `scene` on, which is before `next`, by ever smaller parts of the way, which are kept.
static void approach(Rewind *rewind, Scene *scene, uint64_t next)
{
    while (next - scene->next > FOLDED_MOST) {
        uint64_t part = (next - scene->next) / PARTS;
        for (int i = 1; i < PARTS; i++) {
            recording_seek(rewind->recording, scene, scene->next + part);
            keep(rewind, scene);
        }
    }
    recording_seek(rewind->recording, scene, next);
}

void rewind_seek(Rewind *rewind, Scene *scene, uint64_t next)
{
    if (next >= scene->next || scene->next - next > STEP_MOST) {
        recording_seek(rewind->recording, scene, next);
        return;
    }
    CHECK(scene->scenario == rewind->recording->scenario);
    while (rewind->count > 0 && rewind->kept[rewind->count - 1].next > next)
        rewind->count--;
    uint64_t key = key_before(rewind->recording, next);
    if (rewind->count > 0 && rewind->kept[rewind->count - 1].next >= key) {
        scene_copy(scene, &rewind->kept[rewind->count - 1]);
    } else {
        rewind->count = 0; // of another stretch
        recording_seek(rewind->recording, scene, key);
    }
    approach(rewind, scene, next);
}
