// A scene in words, for people who do not see the picture, and for programs that compare scenes.
#pragma once
#include "sim/analysis/recording.h"
#include "sim/analysis/sentence.h"
#include "sim/analysis/writer.h"
#include "sim/trace/trace.h"

// The cores with who runs and who is queued, then what threads wait at, the blocked, the processes
// and the variables; a part that a scenario does not have is left out. `last` is the record that
// happened last, NULL before the first; `records` is how many the trace has.
void scene_text(const Scene *scene, const Names *names, const TraceRecord *last, uint64_t records,
                Writer *writer);

// The name of an object by its number in the scene: "jobs", and a forked process's own one with
// whose it is: "child/jobs". Returns `text`.
enum { SYNC_NAME_SIZE = 200 };
char *scene_sync_name(const Scene *scene, const Names *names, uint32_t number,
                      char text[static SYNC_NAME_SIZE]);

// Which scene of a run is asked for: the one at an instant, or behind so many events. The end when
// neither is given.
typedef struct SceneAt {
    bool by_time, by_event;
    int64_t time_ns;
    uint64_t event;
} SceneAt;

// Reads "12ms" or "event:214"; false when it is neither.
bool scene_at_parse(SceneAt *at, const char *text);

// Folds a run as far as is asked for, so that no record needs to be kept.
typedef struct SceneTeller {
    TraceSink sink; // takes every record
    SceneAt at;
    Scene scene;
    TaskTable tasks;
    ProcessNames processes;
    TraceRecord last; // that the scene has in it
    uint64_t records; // of the whole run
} SceneTeller;

void scene_teller_open(SceneTeller *teller, const Scenario *scenario, SceneAt at);
// The text, once the run is over.
void scene_teller_write(SceneTeller *teller, Writer *writer);
void scene_teller_free(SceneTeller *teller);
