// Critical paths: of small runs as a person follows them, and of all shipped and many random ones
// what must hold of every path.
#include "sim/analysis/critical_path.h"
#include "tests/random_scenario.h"
#include "tests/recorded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// ---- what holds of every path

// It tiles its interval, its sums are the interval's length, and each thread was in the state that
// the path says, in the middle of every segment, as the scene knows it.
static void check_path(const Recording *recording, const CriticalPath *path)
{
    Scene scene;
    scene_open(&scene, recording->scenario);
    int64_t at = path->from_ns, states = 0, shares = 0;
    for (size_t i = 0; i < path->segments.count; i++) {
        const PathSegment *segment = &path->segments.at[i];
        assert_int_equal(segment->from_ns, at);
        assert_true(segment->to_ns > segment->from_ns);
        at = segment->to_ns;
        int64_t middle = segment->from_ns + (segment->to_ns - segment->from_ns) / 2;
        recording_seek_time(recording, &scene, middle);
        const SceneTask *task = scene_task(&scene, segment->task);
        unsigned state = task == NULL ? TASK_STATE_NOT_YET : task->state;
        if (state != segment->state)
            fail_msg("%s, thread %u at %lld ns: the path says '%s', the scene '%s'",
                     recording->scenario->title, segment->task, (long long)middle,
                     task_state_word(segment->state), task_state_word(state));
    }
    assert_int_equal(at, path->to_ns);
    for (int s = 0; s < TASK_STATE_COUNT; s++)
        states += path->by_state[s];
    for (size_t i = 0; i < path->shares.count; i++) {
        int64_t sum = 0;
        for (int s = 0; s < TASK_STATE_COUNT; s++)
            sum += path->shares.at[i].by_state[s];
        assert_int_equal(sum, path->shares.at[i].ns);
        shares += sum;
    }
    assert_int_equal(states, path->to_ns - path->from_ns);
    assert_int_equal(shares, path->to_ns - path->from_ns);
    scene_free(&scene);
}

// Each link names the record that it says, and the thread before it is the one of that record,
// unless a thread that took no time stands between them.
static void check_links(const Recording *recording, const CriticalPath *path)
{
    for (size_t i = 0; i < path->segments.count; i++) {
        const PathSegment *segment = &path->segments.at[i];
        bool same = i > 0 && path->segments.at[i - 1].task == segment->task;
        if (segment->link == PATH_SAME) {
            assert_true(i == 0 || same);
            continue;
        }
        const TraceRecord *record = recording_at(recording, segment->record);
        assert_int_equal(record->time_ns, segment->from_ns);
        assert_int_equal(record->kind, segment->link == PATH_WOKEN     ? EVENT_WAKEUP
                                       : segment->link == PATH_CREATED ? EVENT_TASK_CREATED
                                                                       : EVENT_LOCK_RELEASED);
        if (segment->link != PATH_RELEASED)
            assert_int_equal(record->task, segment->task);
    }
}

static void check_recording(const Recording *recording, uint64_t seed)
{
    CriticalPath path;
    critical_path_of_run(&path, recording);
    check_path(recording, &path);
    check_links(recording, &path);
    critical_path_free(&path);
    // Up to 20 places in the trace: how whoever is spoken of there came to it, over any interval.
    Rng rng = rng_make(seed, 7);
    for (int n = 0; n < 20 && recording->count > 1; n++) {
        uint64_t index = rng_below(&rng, recording->count - 1);
        const TraceRecord *record = recording_at(recording, index);
        int64_t from = (int64_t)rng_below(&rng, (uint64_t)record->time_ns + 1);
        if (record->task == 0)
            continue;
        critical_path_of_task(&path, recording, record->task, index + 1, from, record->time_ns);
        check_path(recording, &path);
        critical_path_free(&path);
    }
}

static void shipped_paths_tile(void **state)
{
    (void)state;
    glob_t paths;
    shipped_paths(&paths);
    for (size_t i = 0; i < paths.gl_pathc; i++) {
        char *text = shipped_text(paths.gl_pathv[i]);
        Recorded recorded;
        record_run(&recorded, text);
        check_recording(&recorded.recording, i);
        recorded_free(&recorded);
        free(text);
    }
    globfree(&paths);
}

static void random_paths_tile(void **state)
{
    (void)state;
    static RandomScenario scenario;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        Recorded recorded;
        random_scenario(&scenario, seed);
        record_run(&recorded, scenario.yaml);
        check_recording(&recorded.recording, seed);
        recorded_free(&recorded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_paths_tile),
        cmocka_unit_test(random_paths_tile),
    };
    return cmocka_run_group_tests_name("critical path", tests, NULL, NULL);
}
