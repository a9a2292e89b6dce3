// Every shipped scenario's trace as a recording: stepping forwards and back, seeking, finding, and
// what the scene at the end has in common with the metrics, which are counted by other code.
#include "sim/analysis/rewind.h"
#include "sim/base/rng.h"
#include "tests/hand_trace.h"
#include "tests/recorded.h"
#include "tests/scene_laws.h"
#include "tests/slow_build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Of the shipped scenarios, every `shares`-th from number `share` on: several processes can share
// the work.
static size_t share = 0, shares = SLOW_BUILD_STRIDE;

// Runs `check` on every shipped scenario of this share.
static void each_shipped(void (*check)(const char *path, const Recorded *run))
{
    glob_t paths;
    shipped_paths(&paths);
    assert_true(paths.gl_pathc > 100);
    for (size_t i = share; i < paths.gl_pathc; i += shares) {
        Recorded recorded;
        char *text = shipped_text(paths.gl_pathv[i]);
        record_run(&recorded, text);
        check(paths.gl_pathv[i], &recorded);
        recorded_free(&recorded);
        free(text);
    }
    globfree(&paths);
}

// Scenes of more bytes than this are compared at every `n`-th event, so that the work for an event
// stays the same; of all the others each event is.
enum { HASHED_BYTES = 1 << 14 };

static uint64_t stride_of(const Scene *scene)
{
    return 1 + scene_bytes(scene) / HASHED_BYTES;
}

// The hashes of the scenes before the first record, behind the first, … folded from the start.
static uint64_t *hashes_from_start(const char *path, const Recording *recording)
{
    uint64_t *hashes = calloc(recording->count + 1, sizeof *hashes);
    assert_non_null(hashes);
    Scene scene;
    scene_open(&scene, recording->scenario);
    hashes[0] = scene_hash(&scene);
    while (scene.next < recording->count) {
        scene_fold(&scene, recording_at(recording, scene.next));
        if (scene.next % stride_of(&scene) != 0)
            continue;
        hashes[scene.next] = scene_hash(&scene);
        const char *broken = scene.next % 64 == 0 ? scene_laws(&scene) : NULL;
        if (broken != NULL)
            fail_msg("%s: %s, at record %llu", path, broken, (unsigned long long)scene.next);
    }
    scene_free(&scene);
    return hashes;
}

static void expect_hash(const char *path, const Scene *scene, uint64_t next, uint64_t expected)
{
    if (scene->next != next || (expected != 0 && scene_hash(scene) != expected))
        fail_msg("%s: at record %llu the scene is not the one from the start", path,
                 (unsigned long long)next);
}

// A step back copies a scene. Of scenes with more bytes than STEPPED_BYTES (those of ten thousand
// threads) the usual test steps over runs of STEPS_RUN events and seeks over STEPS_SKIPPED ones
// between them. With the argument --every it steps over each, and with --every I/N over those of
// share I (from 0) of N; only scenes above EVERY_BYTES (those of thirty thousand tasks, which alone
// would take as long as all others) are skipped through then, too.
enum { STEPPED_BYTES = 1 << 17, STEPS_RUN = 64, STEPS_SKIPPED = 64 * 63, EVERY_BYTES = 1 << 21 };

static bool every_step;

// Back from the last event to before the first, one by one, as the window does it.
static void check_back(const char *path, const Recording *recording, const uint64_t *hashes)
{
    Scene scene;
    Rewind rewind;
    scene_open(&scene, recording->scenario);
    rewind_open(&rewind, recording);
    recording_seek(recording, &scene, recording->count);
    expect_hash(path, &scene, recording->count, hashes[recording->count]);
    for (uint64_t next = recording->count, run = 1; next > 0; run++) {
        size_t stepped = every_step ? EVERY_BYTES : STEPPED_BYTES;
        bool skip = run % STEPS_RUN == 0 && scene_bytes(&scene) > stepped;
        next -= skip && next > STEPS_SKIPPED ? STEPS_SKIPPED : 1;
        rewind_seek(&rewind, &scene, next);
        expect_hash(path, &scene, next, hashes[next]);
    }
    rewind_free(&rewind);
    scene_free(&scene);
}

// Steps and leaps in any order; fewer where the scene is large.
static void check_wandering(const char *path, const Recording *recording, const uint64_t *hashes)
{
    enum { STEPS = 1500, LEAP_ONE_IN = 16, NEAR = 24 };
    Scene scene;
    Rewind rewind;
    scene_open(&scene, recording->scenario);
    rewind_open(&rewind, recording);
    recording_seek(recording, &scene, recording->count);
    uint64_t steps = STEPS / stride_of(&scene) + 100, count = recording->count;
    Rng rng = rng_make(5, 5);
    for (uint64_t i = 0; i < steps; i++) {
        uint64_t back = rng_below(&rng, NEAR);
        uint64_t on = rng_below(&rng, NEAR);
        uint64_t to = rng_below(&rng, count + 1);
        bool leap = rng_below(&rng, LEAP_ONE_IN) == 0;
        uint64_t near = (scene.next > back ? scene.next - back : 0) + (back % 4 == 0 ? on : 0);
        uint64_t next = leap ? to : near < count ? near : count;
        // Either way to seek, on the same scene.
        if (back % 8 == 7)
            recording_seek(recording, &scene, next);
        else
            rewind_seek(&rewind, &scene, next);
        expect_hash(path, &scene, next, hashes[next]);
    }
    rewind_free(&rewind);
    scene_free(&scene);
}

static void check_stepping(const char *path, const Recorded *run)
{
    uint64_t *hashes = hashes_from_start(path, &run->recording);
    check_back(path, &run->recording, hashes);
    check_wandering(path, &run->recording, hashes);
    free(hashes);
}

static void test_steps_of_every_shipped_scenario(void **state)
{
    (void)state;
    each_shipped(check_stepping);
}

// Processes that come, get copies of what there is, turn into other programs and end.
static const char forks[] =
    "machine: { cores: 4 }\nlocks: { l: lock, r: rwlock }\nsemaphores: { s: 3 }\n"
    "queues: { q: 9 }\nvariables: { x: 1, y: 2 }\n"
    "functions:\n"
    "  child: [ { put: q }, { repeat: { times: 20, do: [ { add: x }, { with: { lock: l, do: [ { "
    "compute: 50us } ] } } ] } }, { if: { chance: 30%, then: [ { exec: again } ] } } ]\n"
    "  again: [ { acquire: s }, { with: { lock: r, do: [ { store: { to: y, value: 5 } } ] } } ]\n"
    "threads:\n"
    "  - { name: m, run: [ { repeat: { times: 40, do: [ { fork: child }, { add: x }, { with: { "
    "lock: "
    "l, do: [ { compute: 20us } ] } } ] } }, { repeat: { times: 40, do: [ wait_child ] } } ] }\n";

static void test_steps_over_forks(void **state)
{
    (void)state;
    Recorded recorded;
    record_run(&recorded, forks);
    assert_true(recorded.recording.key_frames.count > 1);
    check_stepping("forks", &recorded);
    recorded_free(&recorded);
}

// Whatever is said of processes, lists stay lists.
static void test_damaged_forks(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        HandTrace trace;
        hand_open(&trace, forks);
        hand_random(&trace, seed, 3000);
        TraceFile file = {.records = trace.records.at, .count = trace.records.count};
        Recording recording;
        recording_of_file(&recording, &trace.scenario, &file);
        free(hashes_from_start("damaged forks", &recording));
        recording_free(&recording);
        hand_free(&trace);
    }
}

// ---- the end of a run, counted twice

static void check_against_metrics(const char *path, const Recorded *recorded)
{
    static Metrics metrics;
    const Simulated *run = &recorded->run;
    Scene scene;
    scene_open(&scene, &run->scenario);
    recording_seek(&recorded->recording, &scene, recorded->recording.count);
    simulated_measure(run, &metrics);
    for (uint32_t i = 0; i < run->scenario.machine.cores; i++) {
        CoreTimes times = scene_core_times(&scene, i);
        const CoreMetrics *core = &metrics.cores[i];
        if (times.user_ns != core->user_ns || times.kernel_ns != core->kernel_ns ||
            times.irq_ns != core->interrupt_ns || times.idle_ns != core->idle_ns)
            fail_msg("%s: core %u has other times", path, i);
    }
    for (uint32_t id = 1; id <= run->result.tasks; id++) {
        TaskTimes times = scene_task_times(&scene, id);
        const ThreadMetrics *thread = metrics_thread(&metrics, id);
        if (times.user_ns != thread->cpu_user_ns || times.kernel_ns != thread->cpu_kernel_ns ||
            times.runnable_ns != thread->wait_ns)
            fail_msg("%s: thread %u has other times", path, id);
    }
    metrics_free(&metrics);
    scene_free(&scene);
}

static void test_times_are_the_metrics(void **state)
{
    (void)state;
    each_shipped(check_against_metrics);
}

// ---- seeking and finding

static const char three[] = "machine: { cores: 2, costs: zero }\n"
                            "threads:\n"
                            "  - { name: a, count: 2, run: [ { compute: 5ms } ] }\n"
                            "  - { name: b, start: 2ms, run: [ { compute: 1ms }, { mark: m } ] }\n";

static uint64_t how_many_by(const Simulated *run, int64_t time_ns)
{
    uint64_t count = 0;
    while (count < run->memory.count && memory_sink_at(&run->memory, count)->time_ns <= time_ns)
        count++;
    return count;
}

static void test_instants(void **state)
{
    (void)state;
    Simulated run;
    Recording recording;
    Scene scene;
    simulate(&run, three);
    recording_of_memory(&recording, &run.scenario, &run.memory);
    scene_open(&scene, &run.scenario);
    const int64_t instants[] = {0, 1, 1999999, 2000000, 2000001, 4000000, 1 << 30};
    for (size_t i = 0; i < sizeof instants / sizeof *instants; i++) {
        assert_int_equal(recording_by(&recording, instants[i]), how_many_by(&run, instants[i]));
        recording_seek_time(&recording, &scene, instants[i]);
        assert_int_equal(scene.next, how_many_by(&run, instants[i]));
        assert_int_equal(scene.time_ns,
                         instants[i] < recording.end_ns ? instants[i] : recording.end_ns);
    }
    recording_seek_time(&recording, &scene, -5);
    assert_int_equal(scene.time_ns, 0);
    assert_int_equal(recording_by(&recording, -1), 0);
    // To a record between two instants the time is that record's.
    recording_seek_time(&recording, &scene, 1000000);
    uint64_t next = scene.next;
    recording_seek(&recording, &scene, next);
    assert_int_equal(scene.time_ns, 0);
    scene_free(&scene);
    recording_free(&recording);
    simulated_free(&run);
}

static void expect_found(const Recording *recording, const RecordFilter *filter, uint64_t from,
                         int direction)
{
    int64_t expected = RECORD_NONE;
    for (uint64_t i = 0; i < recording->count; i++) {
        if (!record_wanted(filter, recording_at(recording, i)))
            continue;
        if (direction > 0 && i >= from && expected == RECORD_NONE)
            expected = (int64_t)i;
        if (direction < 0 && i < from)
            expected = (int64_t)i;
    }
    assert_int_equal(recording_find(recording, from, direction, filter), expected);
}

static void test_filters(void **state)
{
    (void)state;
    Simulated run;
    Recording recording;
    simulate(&run, three);
    recording_of_memory(&recording, &run.scenario, &run.memory);
    RecordFilter filters[] = {
        {.core = CORE_NONE},
        {.core = CORE_NONE, .task = 3},
        {.core = 1},
        {.core = CORE_NONE, .by_kind = true},
        {.core = CORE_NONE, .by_kind = true, .kinds = {[EVENT_SWITCH_IN] = true}},
        {.core = 0, .task = 3, .by_kind = true, .kinds = {[EVENT_MARK] = true}},
    };
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        for (uint64_t from = 0; from <= recording.count + 1; from++) {
            expect_found(&recording, &filters[i], from, 1);
            expect_found(&recording, &filters[i], from, -1);
        }
    }
    // The mark of b is its only one.
    RecordFilter mark = {.core = CORE_NONE, .by_kind = true, .kinds = {[EVENT_MARK] = true}};
    int64_t found = recording_find(&recording, 0, 1, &mark);
    assert_int_equal(recording_at(&recording, (uint64_t)found)->task, 3);
    assert_int_equal(recording_find(&recording, (uint64_t)found + 1, 1, &mark), RECORD_NONE);
    char name[96];
    assert_string_equal(recording_task_name(&recording, 3, name), "b");
    assert_string_equal(recording_task_name(&recording, 9, name), "thread 9");
    recording_free(&recording);
    simulated_free(&run);
}

// The frames of a scene with many threads come further apart.
static void test_key_frames_are_bounded(void **state)
{
    (void)state;
    Simulated run;
    Recording recording;
    simulate(&run, "machine: { cores: 8, costs: zero }\n"
                   "until: 300ms\n"
                   "threads:\n"
                   "  - name: a\n"
                   "    count: 2000\n"
                   "    run: [ { forever: [ { compute: 1us }, { sleep: 20ms } ] } ]\n");
    recording_of_memory(&recording, &run.scenario, &run.memory);
    assert_true(recording.key_frames.count > 2);
    assert_true(recording.key_bytes <= recording.count * sizeof(TraceRecord) / 2);
    uint64_t before = 0;
    for (size_t i = 0; i < recording.key_frames.count; i++) {
        const Scene *frame = &recording.key_frames.at[i];
        assert_true(frame->next - before >= KEY_RECORDS_LEAST);
        assert_true(frame->next - before >= scene_bytes(frame) / KEY_FRAME_SHARE);
        before = frame->next;
    }
    recording_free(&recording);
    simulated_free(&run);
}

// Reads I/N, I below N.
static bool read_share(const char *text)
{
    char *end;
    share = strtoul(text, &end, 10);
    if (*end != '/')
        return false;
    shares = strtoul(end + 1, &end, 10);
    return *end == '\0' && share < shares;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_instants),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_key_frames_are_bounded),
        cmocka_unit_test(test_times_are_the_metrics),
        cmocka_unit_test(test_steps_over_forks),
        cmocka_unit_test(test_damaged_forks),
        cmocka_unit_test(test_steps_of_every_shipped_scenario),
    };
    const struct CMUnitTest steps[] = {
        cmocka_unit_test(test_steps_of_every_shipped_scenario),
    };
    every_step = argc > 1 && strcmp(argv[1], "--every") == 0;
    if (!every_step)
        return cmocka_run_group_tests(tests, NULL, NULL);
    shares = 1;
    if (argc > 2 && !read_share(argv[2])) {
        fprintf(stderr, "usage: test_recording [--every [SHARE/SHARES]]\n");
        return 2;
    }
    return cmocka_run_group_tests(steps, NULL, NULL);
}
