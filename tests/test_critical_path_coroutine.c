// Critical paths that begin at a coroutine: through others, through the threads and processes of
// executors, through pipes.
#include "sim/analysis/critical_path.h"
#include "tests/asyncio_program.h"
#include "tests/hand_trace.h"
#include "tests/recorded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MS = 1000000 };

// ---- what holds of every path

// It tiles its interval, and a thread or a coroutine was in the state that the path says, in the
// middle of every segment, as the scene knows it: one that has been made ready by something that
// the loop had yet to look at still waits there.
static void check_path(const Recording *recording, const CriticalPath *path)
{
    Scene scene;
    scene_open(&scene, recording->scenario);
    int64_t at = path->from_ns, shares = 0;
    for (size_t i = 0; i < path->segments.count; i++) {
        const PathSegment *segment = &path->segments.at[i];
        assert_int_equal(segment->from_ns, at);
        assert_true(segment->to_ns > segment->from_ns);
        at = segment->to_ns;
        recording_seek_time(recording, &scene,
                            segment->from_ns + (segment->to_ns - segment->from_ns) / 2);
        const SceneTask *task = scene_task(&scene, segment->task);
        const SceneCoroutine *coroutine = scene_coroutine(&scene, segment->coroutine);
        if (segment->coroutine == 0)
            assert_int_equal(segment->state, task == NULL ? TASK_STATE_NOT_YET : task->state);
        else if (coroutine != NULL && coroutine->state == COROUTINE_STATE_RUNNING)
            assert_int_equal(segment->state, task->state);
        else if (coroutine != NULL && segment->state == TASK_STATE_SLEEPS)
            assert_int_equal(coroutine->state, COROUTINE_STATE_SLEEPS);
    }
    assert_int_equal(at, path->to_ns);
    for (size_t i = 0; i < path->shares.count; i++)
        shares += path->shares.at[i].ns;
    assert_int_equal(shares, path->to_ns - path->from_ns);
    scene_free(&scene);
}

// Of up to 20 places where a coroutine goes on or ends, over any interval before.
static void check_recording(const Recording *recording, uint64_t seed)
{
    Rng rng = rng_make(seed, 8);
    int checked = 0;
    for (int n = 0; n < 400 && checked < 20 && recording->count > 1; n++) {
        uint64_t index = rng_below(&rng, recording->count - 1);
        const TraceRecord *record = recording_at(recording, index);
        if (record->kind < EVENT_COROUTINE_CREATED || record->kind > EVENT_COROUTINE_DONE)
            continue;
        CriticalPath path;
        int64_t from = (int64_t)rng_below(&rng, (uint64_t)record->time_ns + 1);
        critical_path_of_coroutine(&path, recording, coroutine_serial(record->a), index + 1, from,
                                   record->time_ns);
        check_path(recording, &path);
        critical_path_free(&path);
        checked++;
    }
}

static void random_programs(void **state)
{
    enum { PROGRAMS = 120, BYTES = 1 << 16 };
    static const int minors[] = {8, 10, 11, 12, 13};
    (void)state;
    char *yaml = calloc(1, BYTES);
    assert_non_null(yaml);
    for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
        Recorded recorded;
        asyncio_program(seed, minors[seed % 5], yaml, BYTES);
        record_run(&recorded, yaml);
        check_recording(&recorded.recording, seed);
        recorded_free(&recorded);
    }
    free(yaml);
}

static void shipped_scenarios(void **state)
{
    enum { RECORDS_MOST = 100000 };
    (void)state;
    glob_t paths;
    shipped_paths(&paths);
    for (size_t i = 0; i < paths.gl_pathc; i++) {
        char *text = shipped_text(paths.gl_pathv[i]);
        Recorded recorded;
        if (strstr(text, "asyncio.run") != NULL) {
            record_run(&recorded, text);
            if (recorded.recording.count <= RECORDS_MOST)
                check_recording(&recorded.recording, i);
            recorded_free(&recorded);
        }
        free(text);
    }
    globfree(&paths);
}

// Any records give some path that tiles its interval, whatever it says.
static void any_records(void **state)
{
    (void)state;
    HandTrace hand;
    hand_open(&hand, "runtime: cpython-3.12\nexecutors: { pool: 2 }\nfunctions:\n"
                     "  f: [ { compute: 1ms } ]\n"
                     "  w: [ { await: { run_in_executor: f, executor: pool } } ]\n"
                     "threads: [ { name: m, run: [ { asyncio.run: w } ] } ]\n");
    for (uint64_t seed = 1; seed <= 200; seed++) {
        hand.records.count = 0;
        hand_random(&hand, seed, 400);
        TraceFile file = {.records = hand.records.at, .count = hand.records.count};
        Recording recording;
        recording_of_file(&recording, &hand.scenario, &file);
        for (uint32_t serial = 1; serial <= 4; serial++) {
            CriticalPath path;
            critical_path_of_coroutine(&path, &recording, serial, recording.count, 0,
                                       recording.end_ns);
            int64_t at = 0;
            for (size_t i = 0; i < path.segments.count; at = path.segments.at[i++].to_ns)
                assert_int_equal(path.segments.at[i].from_ns, at);
            assert_int_equal(at, recording.end_ns);
            critical_path_free(&path);
        }
        recording_free(&recording);
    }
    hand_free(&hand);
}

// ---- by hand

// The segments on one line, in milliseconds; a link is an arrow.
static void expect_path(const char *yaml, uint32_t serial, double to_ms, const char *expected)
{
    static const char *const links[] = {"",       "<-woken ", "<-created ", "<-released ",
                                        "<-gil ", "<-ready ", "<-result ",  "<-input "};
    char text[2048];
    size_t used = 0;
    Arena arena = {0};
    Recorded recorded;
    CriticalPath path;
    int64_t to_ns = (int64_t)(to_ms * MS);
    record_run(&recorded, yaml);
    const Recording *recording = &recorded.recording;
    critical_path_of_coroutine(&path, recording, serial, recording_by(recording, to_ns), 0, to_ns);
    check_path(recording, &path);
    text[0] = 0;
    for (size_t i = 0; i < path.segments.count; i++) {
        const PathSegment *segment = &path.segments.at[i];
        used += (size_t)snprintf(
            text + used, sizeof text - used, "%s%s%s %s %g-%g", i == 0 ? "" : ", ",
            links[segment->link],
            critical_path_name(&arena, recording, segment->task, segment->coroutine),
            task_state_word(segment->state), (double)segment->from_ns / MS,
            (double)segment->to_ns / MS);
    }
    assert_string_equal(text, expected);
    critical_path_free(&path);
    arena_free(&arena);
    recorded_free(&recorded);
}

// y wants the lock that x has from 0 to 30 ms, and then sleeps as long itself; main waits for both.
static void a_lock(void **state)
{
    static const char yaml[] =
        "machine: { costs: zero }\nruntime: cpython-3.12\nasyncio: { locks: [ l ] }\nfunctions:\n"
        "  x: [ { with: { lock: l, do: [ { await: { sleep: 30ms } } ] } } ]\n"
        "  y: [ { with: { lock: l, do: [ { await: { sleep: 30ms } } ] } } ]\n"
        "  main: [ { gather: [ x, y ] }, { compute: 5ms } ]\n"
        "threads: [ { name: m, run: [ { asyncio.run: main } ] } ]\n";
    (void)state;
    expect_path(yaml, 3, 60, "x #2 sleeps 0-30, <-ready y #3 sleeps 30-60");
    expect_path(yaml, 1, 65,
                "x #2 sleeps 0-30, <-ready y #3 sleeps 30-60, <-ready main #1 running 60-65");
}

// b is ready at 10 ms, but a has the loop until 40 ms: b waits its turn.
static void a_busy_loop(void **state)
{
    (void)state;
    expect_path("machine: { costs: zero }\nruntime: cpython-3.12\nfunctions:\n"
                "  a: [ { compute: 40ms } ]\n"
                "  b: [ { await: { sleep: 10ms } }, { compute: 5ms } ]\n"
                "  main: [ { gather: [ b, a ] } ]\n"
                "threads: [ { name: m, run: [ { asyncio.run: main } ] } ]\n",
                2, 45, "b #2 sleeps 0-40, b #2 running 40-45");
}

// Two coroutines want 20 ms each of an executor of one thread: the second waits for all that this
// thread does.
static void a_thread_of_an_executor(void **state)
{
    (void)state;
    expect_path("machine: { cores: 1, costs: zero }\nruntime: cpython-3.12\n"
                "executors: { pool: 1 }\nfunctions:\n"
                "  work: [ { sleep: 20ms } ]\n"
                "  wait: [ { await: { run_in_executor: work, executor: pool } }, { compute: 3ms } "
                "]\n"
                "  main: [ { gather: [ wait, wait ] } ]\n"
                "threads: [ { name: m, run: [ { asyncio.run: main } ] } ]\n",
                3, 43, "pool-1 sleeps 0-40, <-result wait #3 running 40-43");
}

// The same of a process, which computes. It has begun and waits for its task when the feeder writes
// that, at 5 ms; the manager of the executor, whom its result wakes, takes no time without costs.
static void a_process_of_an_executor(void **state)
{
    (void)state;
    expect_path("machine: { cores: 4, costs: zero }\nruntime: cpython-3.12\n"
                "executors: { pool: { processes: 1 } }\nfunctions:\n"
                "  work: [ { compute: 20ms } ]\n"
                "  main: [ { await: { sleep: 5ms } },\n"
                "          { await: { run_in_executor: work, executor: pool } }, { compute: 3ms } "
                "]\n"
                "threads: [ { name: m, run: [ { asyncio.run: main } ] } ]\n",
                1, 28,
                "main #1 sleeps 0-5, <-woken pool-worker running 5-25, <-result main #1 running "
                "25-28");
}

// A line comes at 7 ms.
static void a_pipe(void **state)
{
    (void)state;
    expect_path("machine: { cores: 2, costs: zero }\npipes: [ in ]\nprocesses:\n"
                "  - name: client\n"
                "    threads: [ { name: client, run: [ { compute: 7ms },\n"
                "      { write: { pipe: in, size: 20B } } ] } ]\n"
                "  - name: server\n"
                "    runtime: cpython-3.12\n"
                "    functions: { main: [ { reader.readexactly: { from: in, size: 20B, else: [ { "
                "print: short } ] } }, { compute: 2ms } ] }\n"
                "    threads: [ { name: server, run: [ { asyncio.run: main } ] } ]\n",
                1, 9, "client running 0-7, <-input main #1 running 7-9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock),
        cmocka_unit_test(a_busy_loop),
        cmocka_unit_test(a_thread_of_an_executor),
        cmocka_unit_test(a_process_of_an_executor),
        cmocka_unit_test(a_pipe),
        cmocka_unit_test(any_records),
        cmocka_unit_test(random_programs),
        cmocka_unit_test(shipped_scenarios),
    };
    return cmocka_run_group_tests_name("critical path of coroutines", tests, NULL, NULL);
}
