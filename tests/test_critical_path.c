// Critical paths: of small runs as a person follows them, and of all shipped and many random ones
// what must hold of every path.
#include "sim/analysis/critical_path.h"
#include "tests/hand_trace.h"
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
        assert_int_equal(record->kind, segment->link == PATH_WOKEN || segment->link == PATH_HELD
                                           ? EVENT_WAKEUP
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

// ---- by hand

// The segments on one line: "low running 0-2, low runnable 2-52" in milliseconds; a link is an
// arrow.
static const char *path_text(const Recording *recording, const CriticalPath *path)
{
    static const char *const links[] = {"", "<-woken ", "<-created ", "<-released "};
    static char text[4096];
    size_t used = 0;
    char name[96];
    text[0] = 0;
    for (size_t i = 0; i < path->segments.count; i++) {
        const PathSegment *segment = &path->segments.at[i];
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%s %s %g-%g",
                                 i == 0 ? "" : ", ", links[segment->link],
                                 recording_task_name(recording, segment->task, name),
                                 task_state_word(segment->state), (double)segment->from_ns / 1e6,
                                 (double)segment->to_ns / 1e6);
    }
    return text;
}

static void expect_path(const char *yaml, const char *expected)
{
    Recorded recorded;
    CriticalPath path;
    record_run(&recorded, yaml);
    critical_path_of_run(&path, &recorded.recording);
    check_path(&recorded.recording, &path);
    assert_string_equal(path_text(&recorded.recording, &path), expected);
    critical_path_free(&path);
    recorded_free(&recorded);
}

#define ZERO(cores)                                                                                \
    "machine: { cores: " cores ", scheduler: fifo, costs: zero }\nprocesses:\n  - name: app\n"

// b takes the lock that a has until 3 ms, and c's 4 ms are short of its end: the path is a, then b.
static void lock_chain(void **state)
{
    (void)state;
    expect_path(
        ZERO("3") "    locks: { x: lock }\n"
                  "    threads:\n"
                  "      - { name: a, run: [ { with: { lock: x, do: [ { compute: 3ms } ] } } "
                  "] }\n"
                  "      - { name: b, run: [ { compute: 1ms }, { with: { lock: x, do: [ { "
                  "compute: 2ms } ] } } ] }\n"
                  "      - { name: c, run: [ { compute: 4ms } ] }\n",
        "a running 0-3, <-woken b running 3-5");
}

// A spinner on a core of its own is let in when the holder releases, at 3 ms.
static void spinning(void **state)
{
    (void)state;
    expect_path(
        ZERO("2") "    locks: { x: spin }\n"
                  "    threads:\n"
                  "      - { name: a, run: [ { with: { lock: x, do: [ { compute: 3ms } ] } } "
                  "] }\n"
                  "      - { name: b, run: [ { compute: 1ms }, { with: { lock: x, do: [ { "
                  "compute: 2ms } ] } } ] }\n",
        "a running 0-3, <-released b running 3-5");
}

// A forked process has a lock of its own: what main does with its one, at 3 ms, lets nobody in.
// child waits for the one that its own thread t has until 4 ms.
static void spinning_for_its_own(void **state)
{
    (void)state;
    expect_path(ZERO("4") "    locks: { x: spin }\n"
                          "    functions:\n"
                          "      t: [ { with: { lock: x, do: [ { compute: 4ms } ] } } ]\n"
                          "      child: [ { spawn: t }, { compute: 1ms }, { with: { lock: x, do: [ "
                          "{ compute: 2ms } ] } } ]\n"
                          "    threads:\n"
                          "      - name: main\n"
                          "        run: [ { fork: child }, { with: { lock: x, do: [ { compute: 3ms "
                          "} ] } }, { compute: 500us }, { with: { lock: x, do: [ { compute: 400us "
                          "} ] } } ]\n",
                "t running 0-4, <-released child running 4-6");
}

// Sleeps and waits for a core are on the path: on one core b, ready at 2 ms, waits for a until 5
// ms.
static void sleeping_and_runnable(void **state)
{
    (void)state;
    expect_path(ZERO("1") "    threads:\n"
                          "      - { name: b, run: [ { sleep: 2ms }, { compute: 1ms } ] }\n"
                          "      - { name: a, run: [ { compute: 5ms } ] }\n",
                "b sleeps 0-2, b runnable 2-5, b running 5-6");
}

// main creates two at 1 ms; the longer one ends at 5 ms and wakes main, which needs 1 ms more.
static void spawn_and_join(void **state)
{
    (void)state;
    expect_path(ZERO("3") "    functions: { s: [ { compute: 2ms } ], l: [ { compute: 4ms } ] }\n"
                          "    threads:\n"
                          "      - name: main\n"
                          "        run: [ { compute: 1ms }, { spawn: s }, { spawn: l }, { join: l "
                          "}, { join: s }, { compute: 1ms } ]\n",
                "main running 0-1, <-created l running 1-5, <-woken main running 5-6");
}

// A parent that waits for its child: created at 2 ms, it ends at 5 ms.
static void fork_and_wait(void **state)
{
    (void)state;
    expect_path(ZERO("2") "    functions: { work: [ { compute: 3ms } ] }\n"
                          "    threads:\n"
                          "      - name: main\n"
                          "        run: [ { compute: 2ms }, { fork: work }, wait_child, { compute: "
                          "1ms } ]\n",
                "main running 0-2, <-created work running 2-5, <-woken main running 5-6");
}

// A pipeline of two: what the sink does for the last item is behind what the source did for all.
static void pipeline(void **state)
{
    (void)state;
    expect_path(
        "machine: { cores: 2, scheduler: fifo, costs: zero }\npipes: [ line ]\n"
        "processes:\n  - name: app\n    threads:\n"
        "      - name: source\n"
        "        run: [ { repeat: { times: 2, do: [ { compute: 3ms }, { write: { pipe: line, "
        "size: 4KiB } } ] } } ]\n"
        "      - name: sink\n"
        "        run: [ { repeat: { times: 2, do: [ { read: { pipe: line, size: 4KiB } }, { "
        "compute: 1ms } ] } } ]\n",
        "source running 0-6, <-woken sink running 6-7");
}

// A span that a waits through: of its 4 ms b's lock took the first 2.
static void span_instance(void **state)
{
    (void)state;
    Recorded recorded;
    CriticalPath path;
    record_run(&recorded,
               ZERO("2") "    locks: { x: lock }\n"
                         "    threads:\n"
                         "      - name: b\n"
                         "        run: [ { with: { lock: x, do: [ { compute: 3ms } ] } } ]\n"
                         "      - name: a\n"
                         "        run: [ { compute: 1ms }, { span: { name: work, do: [ { with: { "
                         "lock: x, do: [ { compute: 2ms } ] } } ] } }, { span: { name: work, do: [ "
                         "{ compute: 1ms } ] } } ]\n");
    int64_t begin = critical_path_longest_span(&recorded.recording, "work");
    assert_true(begin >= 0);
    assert_int_equal(recording_at(&recorded.recording, (uint64_t)begin)->time_ns, 1000000);
    assert_true(critical_path_of_span(&path, &recorded.recording, (uint64_t)begin));
    check_path(&recorded.recording, &path);
    assert_string_equal(path_text(&recorded.recording, &path),
                        "b running 1-3, <-woken a running 3-5");
    // By thread, of equals the first: 2 ms each.
    assert_int_equal(path.shares.count, 2);
    assert_int_equal(path.shares.at[0].ns, 2000000);
    assert_int_equal(path.by_state[TASK_STATE_RUNNING_USER], 4000000);
    critical_path_free(&path);
    assert_int_equal(critical_path_longest_span(&recorded.recording, "play"), RECORD_NONE);
    assert_false(critical_path_of_span(&path, &recorded.recording, 0));
    critical_path_free(&path);
    recorded_free(&recorded);
}

// Two threads that wait for each other from 1 ms on: what was last done is what b did.
static void deadlock(void **state)
{
    (void)state;
    expect_path(
        ZERO("2") "    locks: { x: lock, y: lock }\n"
                  "    threads:\n"
                  "      - { name: a, run: [ { lock: x }, { compute: 1ms }, { lock: y } ] }\n"
                  "      - { name: b, run: [ { lock: y }, { compute: 2ms }, { lock: x } ] }\n",
        "b running 0-2");
}

// Any records give some path that tiles its interval, whatever it says.
static void any_records(void **state)
{
    (void)state;
    HandTrace hand;
    hand_open(&hand, "processes:\n  - name: app\n    locks: { cache: lock, s: spin }\n"
                     "    threads:\n      - { name: a, count: 2, run: [ { compute: 1ms } ] }\n");
    for (uint64_t seed = 1; seed <= 300; seed++) {
        hand.records.count = 0;
        hand_random(&hand, seed, 300);
        TraceFile file = {.records = hand.records.at, .count = hand.records.count};
        Recording recording;
        CriticalPath path;
        recording_of_file(&recording, &hand.scenario, &file);
        critical_path_of_run(&path, &recording);
        int64_t at = 0;
        for (size_t i = 0; i < path.segments.count; at = path.segments.at[i++].to_ns)
            assert_int_equal(path.segments.at[i].from_ns, at);
        assert_int_equal(at, recording.end_ns);
        critical_path_free(&path);
        recording_free(&recording);
    }
    hand_free(&hand);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lock_chain),
        cmocka_unit_test(spinning),
        cmocka_unit_test(spinning_for_its_own),
        cmocka_unit_test(sleeping_and_runnable),
        cmocka_unit_test(spawn_and_join),
        cmocka_unit_test(fork_and_wait),
        cmocka_unit_test(pipeline),
        cmocka_unit_test(span_instance),
        cmocka_unit_test(deadlock),
        cmocka_unit_test(any_records),
        cmocka_unit_test(shipped_paths_tile),
        cmocka_unit_test(random_paths_tile),
    };
    return cmocka_run_group_tests_name("critical path", tests, NULL, NULL);
}
