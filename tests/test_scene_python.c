// What the scene, the timeline and the answers to "why?" say of GILs, loops and coroutines; and the
// laws of the records that they are made from, over shipped and random scenarios.
#include "sim/analysis/scene_text.h"
#include "sim/analysis/timeline.h"
#include "sim/analysis/why.h"
#include "sim/base/rng.h"
#include "tests/asyncio_program.h"
#include "tests/hand_trace.h"
#include "tests/python_laws.h"
#include "tests/recorded.h"
#include "tests/scene_laws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { US = 1000, MS = 1000000 };

static Recorded recorded;

static void scene_at(Scene *scene, int64_t time_ns)
{
    scene_open(scene, &recorded.run.scenario);
    recording_seek_time(&recorded.recording, scene, time_ns);
}

static const char *name_of(const Scene *scene, uint32_t serial, char text[static 96])
{
    const SceneCoroutine *coroutine = scene_coroutine(scene, serial);
    Names names = {scene->scenario, &recorded.recording.tasks, &recorded.recording.processes};
    assert_non_null(coroutine);
    return narrate_argument(&names, ARG_COROUTINE, coroutine_pack(serial, coroutine->function),
                            text, 96);
}

// ---- the GIL, by hand

// Task 1 holds the GIL, 2 and 3 want it.
static const char three_yaml[] = "machine: { cores: 3 }\nruntime: cpython-3.12\n"
                                 "threads: [ { name: t, count: 3, run: [ { compute: 9ms } ] } ]\n";

static void fold_hand(HandTrace *trace, Scene *scene, size_t next)
{
    scene_open(scene, &trace->scenario);
    while (scene->next < next) {
        scene_fold(scene, &trace->records.at[scene->next]);
        assert_null(scene_laws(scene));
    }
}

static void gil_changes_hands(void **state)
{
    (void)state;
    HandTrace trace;
    Scene scene;
    hand_open(&trace, three_yaml);
    for (uint32_t task = 1; task <= 3; task++)
        hand(&trace, 0, EVENT_TASK_CREATED, CORE_NONE, task, 1, created_pack(task, false, 0));
    hand(&trace, 1, EVENT_GIL_TAKEN, 0, 1, 1, 0);
    hand(&trace, 2, EVENT_GIL_WAIT, 1, 2, 1, 1);
    hand(&trace, 3, EVENT_TIMER_SET, 1, 2, 5000 * US, 0);
    hand(&trace, 4, EVENT_GIL_WAIT, 2, 3, 1, 1); // record 6
    hand(&trace, 5003, EVENT_GIL_ASKED, 1, 2, 1, 1);
    hand(&trace, 5010, EVENT_GIL_DROPPED, 0, 1, 1, 0);
    hand(&trace, 5020, EVENT_GIL_TAKEN, 1, 2, 1, 0); // record 9
    hand(&trace, 5030, EVENT_GIL_RELEASED, 1, 2, 1, 0);

    fold_hand(&trace, &scene, 7);
    const SceneGil *gil = scene_gil(&scene, 1);
    assert_int_equal(gil->holder, 1);
    assert_int_equal(gil->since_ns, 1 * US);
    assert_int_equal(gil->waiting, 2);
    assert_int_equal(gil->first, 2); // it came first
    assert_int_equal(scene_task(&scene, 2)->gil_next, 3);
    assert_int_equal(scene_task(&scene, 2)->gil_since_ns, 2 * US);
    assert_int_equal(gil->interval_ns, 5 * MS); // CPython's default
    // Its timer, set at 3 us, runs for 5 ms; thread 3 has not set its own yet.
    assert_int_equal(scene_gil_asks_ns(&scene, 2), 5003 * US);
    assert_int_equal(scene_gil_asks_ns(&scene, 3), -1);
    assert_int_equal(scene_gil_asks_ns(&scene, 1), -1);
    assert_int_equal(gil->asked_ns, -1);
    scene_free(&scene);

    fold_hand(&trace, &scene, 9); // asked and dropped
    gil = scene_gil(&scene, 1);
    assert_int_equal(gil->holder, 0);
    assert_int_equal(gil->since_ns, 5010 * US);
    assert_int_equal(gil->asker, 2);
    assert_int_equal(gil->asked_ns, 5003 * US);
    assert_int_equal(gil->dropper, 1);
    assert_int_equal(gil->waiting, 2);
    scene_free(&scene);

    fold_hand(&trace, &scene, 10); // taken
    gil = scene_gil(&scene, 1);
    assert_int_equal(gil->holder, 2);
    assert_int_equal(gil->last_holder, 1);
    assert_int_equal(gil->taken, 2);
    assert_int_equal(gil->dropper, 0);
    assert_int_equal(gil->asked_ns, -1);
    assert_int_equal(gil->waiting, 1);
    assert_int_equal(gil->first, 3);
    scene_free(&scene);
    hand_free(&trace);
}

static const TimelineRow *row_of_kind(const Timeline *timeline, TimelineRowKind kind, uint32_t id)
{
    for (size_t i = 0; i < timeline->rows.count; i++)
        if (timeline->rows.at[i].kind == kind && timeline->rows.at[i].id == id)
            return &timeline->rows.at[i];
    fail_msg("no row of kind %d", kind);
    return NULL;
}

// "gil held(1) 1 | contended(1) 2", times in microseconds.
static void expect_row(const Timeline *timeline, const TimelineRow *row, const char *expected)
{
    char text[1024];
    size_t length = 0;
    text[0] = 0;
    (void)timeline;
    for (size_t i = 0; i < row->intervals.count && length < sizeof text - 64; i++) {
        const TimelineInterval *at = &row->intervals.at[i];
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s(%u) %g",
                                   i > 0 ? " | " : "", timeline_state_word(at->state), at->subject,
                                   (double)at->begin_ns / 1000);
    }
    assert_string_equal(text, expected);
}

static void gil_row(void **state)
{
    (void)state;
    HandTrace trace;
    Recording recording;
    Timeline timeline;
    char name[128];
    hand_open(&trace, three_yaml);
    for (uint32_t task = 1; task <= 3; task++)
        hand(&trace, 0, EVENT_TASK_CREATED, CORE_NONE, task, 1, created_pack(task, false, 0));
    hand(&trace, 1, EVENT_GIL_TAKEN, 0, 1, 1, 0);
    hand(&trace, 2, EVENT_GIL_WAIT, 1, 2, 1, 1);
    hand(&trace, 5003, EVENT_GIL_ASKED, 1, 2, 1, 1);
    hand(&trace, 5010, EVENT_GIL_DROPPED, 0, 1, 1, 0);
    hand(&trace, 5020, EVENT_GIL_TAKEN, 1, 2, 1, 0);
    hand(&trace, 5030, EVENT_TASK_EXITED, 1, 2, 0, 0); // a killed one says nothing of its GIL
    hand(&trace, 5040, EVENT_RUN_END, CORE_NONE, 0, 0, 0);
    TraceFile file = {.records = trace.records.at, .count = trace.records.count};
    recording_of_file(&recording, &trace.scenario, &file);
    timeline_open(&timeline, &recording);
    assert_int_equal(timeline.gil_first, 3); // behind three cores
    assert_int_equal(timeline.object_first, 4);
    const TimelineRow *row = &timeline.rows.at[3];
    assert_int_equal(row->kind, ROW_GIL);
    assert_string_equal(timeline_row_name(&timeline, row, name), "GIL of main");
    expect_row(&timeline, row,
               "free(0) 0 | held(1) 1 | held, others wait(1) 2 | held, asked to drop it(1) 5003 | "
               "free(0) 5010 | held(2) 5020 | free(0) 5030");
    assert_int_equal(timeline.instant_counts[INSTANT_GIL_ASKED], 1);
    timeline_free(&timeline);
    recording_free(&recording);
    hand_free(&trace);
}

// ---- loops

// Without costs: a and b sleep from the instant 0 on, main awaits a.
static const char sleepers[] = "machine: { costs: zero }\nruntime: cpython-3.12\n"
                               "functions:\n"
                               "  a: [ { await: { sleep: 100ms } } ]\n"
                               "  b: [ { await: { sleep: 250ms } } ]\n"
                               "  main:\n"
                               "    - create_task: { run: a, as: ta }\n"
                               "    - create_task: { run: b, as: tb }\n"
                               "    - await: ta\n"
                               "    - await: tb\n"
                               "threads: [ { name: m, run: [ { asyncio.run: main } ] } ]\n";

static void loop_that_polls(void **state)
{
    (void)state;
    char name[96];
    Scene scene;
    record_run(&recorded, sleepers);
    scene_at(&scene, 60 * MS);
    const SceneLoop *loop = scene_loop_of(&scene, recorded_task(&recorded, "m"));
    assert_non_null(loop);
    // Turn 1 ran main, turn 2 a and b; in turn 3 nothing is ready.
    assert_int_equal(loop->turns, 3);
    assert_int_equal(loop->phase, LOOP_PHASE_POLLS);
    assert_int_equal(loop->poll_until_ns, 100 * MS);
    assert_int_equal(loop->ready, 0);
    assert_int_equal(loop->running, 0);
    assert_int_equal(loop->main, 1);
    assert_int_equal(loop->in_state[COROUTINE_STATE_SLEEPS], 2);
    assert_int_equal(loop->in_state[COROUTINE_STATE_WAITS_TASK], 1);
    uint32_t timers[4];
    assert_int_equal(scene_next_timers(&scene, 1, timers, 4), 2);
    assert_int_equal(scene.python.timers.at[timers[0] - 1].due_ns, 100 * MS);
    assert_int_equal(scene.python.timers.at[timers[1] - 1].due_ns, 250 * MS);
    assert_int_equal(scene_next_timers(&scene, 1, timers, 1), 1);
    assert_int_equal(scene.python.timers.at[timers[0] - 1].coroutine, 2);
    assert_string_equal(name_of(&scene, 2, name), "a #2");
    const SceneCoroutine *main = scene_coroutine(&scene, 1), *a = scene_coroutine(&scene, 2);
    assert_int_equal(main->waits_for, 2);
    assert_true(scene_awaited_by(&scene, a, 1));
    assert_false(scene_awaited_by(&scene, scene_coroutine(&scene, 3), 1));
    assert_int_equal(a->creator, 1);
    scene_free(&scene);

    // a has ended, and main awaits b.
    scene_at(&scene, 200 * MS);
    assert_null(scene_coroutine(&scene, 2));
    assert_int_equal(scene_coroutine(&scene, 1)->waits_for, 3);
    assert_int_equal(scene_coroutine(&scene, 1)->since_ns, 100 * MS);
    assert_int_equal(scene_loop_of(&scene, 1)->in_state[COROUTINE_STATE_ENDED], 1);
    scene_free(&scene);
    recorded_free(&recorded);
}

// The rows of the same run. main is made ready at 0, and all that happens there takes no time.
static void loop_rows(void **state)
{
    (void)state;
    Timeline timeline;
    record_run(&recorded, sleepers);
    timeline_open(&timeline, &recorded.recording);
    expect_row(&timeline, row_of_kind(&timeline, ROW_COROUTINE, 1), "joins(2) 0 | joins(3) 100000");
    expect_row(&timeline, row_of_kind(&timeline, ROW_COROUTINE, 2),
               "sleeps(0) 0 | ended(0) 100000");
    expect_row(&timeline, row_of_kind(&timeline, ROW_COROUTINE, 3), "sleeps(0) 0");
    expect_row(&timeline, row_of_kind(&timeline, ROW_LOOP, 1), "polls(0) 0");
    assert_int_equal(timeline.coroutines_left_out, 0);
    timeline_free(&timeline);
    recorded_free(&recorded);
}

// Of 40 tasks and main, 32 have a row.
static void many_coroutines(void **state)
{
    (void)state;
    Timeline timeline;
    record_run(&recorded,
               "machine: { costs: zero }\nruntime: cpython-3.12\nfunctions:\n"
               "  w: [ { await: { sleep: 1ms } } ]\n"
               "  main: [ { create_task: { run: w, as: t, count: 40 } }, { await: t } ]\n"
               "threads: [ { name: m, run: [ { asyncio.run: main } ] } ]\n");
    timeline_open(&timeline, &recorded.recording);
    size_t rows = 0;
    for (size_t i = 0; i < timeline.rows.count; i++)
        rows += timeline.rows.at[i].kind == ROW_COROUTINE;
    assert_int_equal(rows, TIMELINE_COROUTINES);
    assert_int_equal(timeline.coroutines_left_out, 41 - TIMELINE_COROUTINES);
    timeline_free(&timeline);
    recorded_free(&recorded);
}

// ---- why

static void expect_coroutine(int64_t time_ns, uint32_t serial, const char *expected)
{
    Scene scene;
    Why why = {0};
    scene_at(&scene, time_ns);
    why_coroutine_now(&why, &recorded.recording, &scene, serial);
    expect_why(&why, expected);
    for (uint32_t i = 0; i < why.count; i++)
        assert_true(why.lines[i].task != 0);
    why_free(&why);
    scene_free(&scene);
}

// The whole wait.
static void expect_wait(int64_t time_ns, const char *thread, uint32_t serial, const char *expected)
{
    Scene scene;
    Why why = {0};
    scene_at(&scene, time_ns);
    bool waits = thread != NULL ? why_so_long(&why, &recorded.recording, &scene,
                                              recorded_task(&recorded, thread))
                                : why_coroutine_so_long(&why, &recorded.recording, &scene, serial);
    assert_int_equal(waits, expected[0] != 0);
    expect_why(&why, expected);
    why_free(&why);
    scene_free(&scene);
}

static void expect_thread(int64_t time_ns, const char *thread, const char *expected)
{
    Scene scene;
    Why why = {0};
    scene_at(&scene, time_ns);
    why_now(&why, &recorded.recording, &scene, recorded_task(&recorded, thread));
    expect_why(&why, expected);
    why_free(&why);
    scene_free(&scene);
}

static void why_of_coroutines(void **state)
{
    (void)state;
    record_run(&recorded, sleepers);
    expect_coroutine(60 * MS, 1,
                     "main #1 waits since 0 ns for the end of a #2.\n"
                     "  a #2 sleeps since 0 ns; its timer is due at 100 ms.\n");
    expect_thread(60 * MS, "m",
                  "m waits for events since 0 ns: nothing is ready in its event loop; its next "
                  "timer is due at 100 ms, and was set by a #2.\n");
    recorded_free(&recorded);
}

// Two tasks; the first one's time.sleep stops the loop's only thread.
static void why_of_a_blocking_call(void **state)
{
    (void)state;
    record_run(&recorded, "machine: { costs: zero }\nruntime: cpython-3.12\nfunctions:\n"
                          "  w: [ { sleep: 2s } ]\n"
                          "  main: [ { gather: [ w, w ] } ]\n"
                          "threads: [ { name: m, run: [ { asyncio.run: main } ] } ]\n");
    expect_coroutine(500 * MS, 3,
                     "w #3 is ready since 0 ns, and is the next to be called.\n"
                     "The loop of m runs w #2 since 0 ns, at line 4 (sleep), which blocks its "
                     "thread.\n"
                     "  m sleeps since 0 ns; its timer is due at 2 s.\n");
    // Both of those that main awaits, and then what the loop does.
    expect_coroutine(500 * MS, 1,
                     "main #1 waits since 0 ns for the end of w #2 and w #3.\n"
                     "  w #2 runs since 0 ns, in the event loop of m, at line 4 (sleep).\n"
                     "  Its thread is blocked, so that the loop resumes nobody else.\n"
                     "    m sleeps since 0 ns; its timer is due at 2 s.\n"
                     "  w #3 is ready since 0 ns, and is the next to be called.\n"
                     "  The loop of m runs w #2 since 0 ns, at line 4 (sleep), which blocks its "
                     "thread.\n");
    expect_wait(500 * MS, NULL, 3,
                "w #3 was ready for 2 s, from 0 ns to 2 s.\n"
                "  For 2 s the loop ran w #2.\n");
    expect_wait(500 * MS, NULL, 2, ""); // it runs
    recorded_free(&recorded);
}

// x has asyncio's lock from 0 to 30 ms; y wants it.
static void why_of_a_lock(void **state)
{
    (void)state;
    record_run(&recorded,
               "machine: { costs: zero }\nruntime: cpython-3.12\nasyncio: { locks: [ l ] }\n"
               "functions:\n"
               "  x: [ { with: { lock: l, do: [ { await: { sleep: 30ms } } ] } } ]\n"
               "  y: [ { with: { lock: l, do: [ { await: { sleep: 30ms } } ] } } ]\n"
               "  main: [ { gather: [ x, y ] } ]\n"
               "threads: [ { name: m, run: [ { asyncio.run: main } ] } ]\n");
    expect_coroutine(20 * MS, 3,
                     "y #3 waits for lock l since 0 ns; x #2 holds it since 0 ns.\n"
                     "  x #2 sleeps since 0 ns; its timer is due at 30 ms.\n");
    // From 30 ms on y has it.
    expect_coroutine(40 * MS, 3, "y #3 sleeps since 30 ms; its timer is due at 60 ms.\n");
    Scene scene;
    scene_at(&scene, 40 * MS);
    assert_int_equal(scene.syncs.at[0].coroutine, 3);
    assert_int_equal(scene.syncs.at[0].coroutines, 0);
    scene_free(&scene);
    recorded_free(&recorded);
}

// Two hogs on two cores, without costs: one holds the GIL from 0, the other asks for it at 5 ms,
// after the switch interval, and gets it at once.
static void why_of_the_gil(void **state)
{
    (void)state;
    record_run(&recorded, "machine: { cores: 2, costs: zero }\nruntime: cpython-3.12\n"
                          "threads: [ { name: hog, count: 2, run: [ { compute: 20ms } ] } ]\n");
    expect_thread(
        3 * MS, "hog-2",
        "hog-2 waits for the GIL since 0 ns; hog-1 holds it since 0 ns; at 5 ms hog-2 asks "
        "for it, if hog-1 still has it.\n"
        "  hog-1 runs on core 0 since 0 ns, at line 3 (compute).\n");
    expect_thread(7 * MS, "hog-1",
                  "hog-1 waits for the GIL since 5 ms; hog-2 holds it since 5 ms; at 10 ms hog-1 "
                  "asks for it, if hog-2 still has it.\n"
                  "  hog-2 runs on core 1 since 5 ms, at line 3 (compute).\n");
    expect_wait(3 * MS, "hog-2", 0,
                "hog-2 waited for the GIL for 5 ms, from 0 ns to 5 ms.\n"
                "  For 5 ms hog-1 had it.\n"
                "It asked for it at 5 ms, after a switch interval.\n"
                "What let it go on, at 5 ms: hog-1 drops the GIL of main, as it was asked to.\n");
    recorded_free(&recorded);
}

// ---- properties

static void check_laws(const char *what)
{
    char text[256];
    size_t count = recorded.recording.count;
    TraceRecord *records = calloc(count + 1, sizeof *records);
    assert_non_null(records);
    for (size_t i = 0; i < count; i++)
        records[i] = *recording_at(&recorded.recording, i);
    const char *broken = python_laws(&recorded.run.scenario, records, count, text);
    free(records);
    if (broken != NULL)
        fail_msg("%s: %s", what, broken);
}

// A trace in which a record is missing breaks a law.
// From 5 to 15 ms main takes Python apart, which stands in no line of the scenario, and ends.
static void what_it_does_at_the_end(void **state)
{
    (void)state;
    char text[96];
    record_run(&recorded, "machine: { cores: 2, costs: { base: zero, python_end: 10ms } }\n"
                          "runtime: cpython-3.12\n"
                          "threads:\n"
                          "  - { name: main, run: [ { native: 5ms } ] }\n"
                          "  - { name: D, daemon: true, run: [ { native: 1s } ] }\n");
    expect_thread(3 * MS, "main", "main runs on core 0 since 0 ns, at line 4 (native).\n");
    expect_thread(7 * MS, "main", "main runs on core 0 since 0 ns.\n");
    Names names = {&recorded.run.scenario, &recorded.recording.tasks,
                   &recorded.recording.processes};
    const TraceRecord *begun = NULL;
    for (size_t i = 0; i < recorded.recording.count; i++)
        if (recording_at(&recorded.recording, i)->kind == EVENT_OP_BEGUN)
            begun = recording_at(&recorded.recording, i);
    assert_int_equal(begun->time_ns, 15 * MS);
    assert_string_equal(narrate_argument(&names, ARG_OP, begun->a, text, sizeof text),
                        "the end of its process");
    recorded_free(&recorded);
}

static void laws_can_break(void **state)
{
    static const EventKind kinds[] = {
        EVENT_GIL_WAIT,          EVENT_GIL_TAKEN,         EVENT_GIL_ASKED,
        EVENT_GIL_DROPPED,       EVENT_CALLBACK_READY,    EVENT_CALLBACK_RUN,
        EVENT_COROUTINE_CREATED, EVENT_COROUTINE_RESUMED, EVENT_COROUTINE_SUSPENDED,
        EVENT_LOOP_SNAPSHOT,     EVENT_LOOP_TIMER_SET};
    (void)state;
    record_run(&recorded, "machine: { cores: 2 }\nruntime: cpython-3.12\nfunctions:\n"
                          "  w: [ { await: { sleep: 1ms } }, { compute: 1ms } ]\n"
                          "  main: [ { gather: [ w, w ] } ]\n"
                          "threads:\n  - { name: hog, run: [ { compute: 30ms } ] }\n"
                          "  - { name: m, run: [ { asyncio.run: main } ] }\n");
    check_laws("whole");
    size_t count = recorded.recording.count;
    TraceRecord *records = calloc(count, sizeof *records);
    assert_non_null(records);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        size_t kept = 0, left_out = 0;
        for (size_t i = 0; i < count; i++) {
            records[kept] = *recording_at(&recorded.recording, i);
            bool drop = records[kept].kind == kinds[k] && left_out++ == 0;
            kept += !drop;
        }
        char text[256];
        assert_true(left_out > 0);
        if (python_laws(&recorded.run.scenario, records, kept, text) == NULL)
            fail_msg("no law needs a %s", event_info(kinds[k])->id);
    }
    free(records);
    recorded_free(&recorded);
}

// Scenes from the start, and the same ones by seeks to and fro.
static void check_scenes(const char *what, uint64_t seed)
{
    Scene scene, sought;
    const Recording *recording = &recorded.recording;
    scene_open(&scene, recording->scenario);
    scene_open(&sought, recording->scenario);
    uint64_t *hashes = calloc(recording->count + 1, sizeof *hashes);
    assert_non_null(hashes);
    hashes[0] = scene_hash(&scene);
    while (scene.next < recording->count) {
        scene_fold(&scene, recording_at(recording, scene.next));
        hashes[scene.next] = scene_hash(&scene);
        const char *broken = scene_laws(&scene);
        if (broken != NULL)
            fail_msg("%s: %s, at record %llu", what, broken, (unsigned long long)scene.next);
    }
    Rng rng = rng_make(seed, 3);
    for (int i = 0; i < 50; i++) {
        uint64_t next = rng_below(&rng, recording->count + 1);
        recording_seek(recording, &sought, next);
        if (scene_hash(&sought) != hashes[next])
            fail_msg("%s: record %llu differs", what, (unsigned long long)next);
    }
    free(hashes);
    scene_free(&scene);
    scene_free(&sought);
}

// Any question about any coroutine at any instant has an answer.
static void check_answers(uint64_t seed)
{
    Scene scene;
    Why why = {0};
    HandText text;
    Rng rng = rng_make(seed, 4);
    scene_open(&scene, recorded.recording.scenario);
    Names names = {scene.scenario, &recorded.recording.tasks, &recorded.recording.processes};
    for (int i = 0; i < 20; i++) {
        recording_seek(&recorded.recording, &scene, rng_below(&rng, recorded.recording.count + 1));
        for (size_t k = 0; k < scene.python.coroutines.count; k++) {
            why_coroutine_now(&why, &recorded.recording, &scene,
                              scene.python.coroutines.at[k].serial);
            assert_true(why.count > 0);
        }
        hand_text_open(&text);
        scene_text(&scene, &names, NULL, recorded.recording.count, &text.writer);
        assert_true(strlen(hand_text_end(&text)) > 0);
        hand_text_free(&text);
    }
    why_free(&why);
    scene_free(&scene);
}

static void random_asyncio(void **state)
{
    enum { PROGRAMS = 200, BYTES = 1 << 16 };
    static const int minors[] = {8, 10, 11, 12, 13};
    (void)state;
    char *yaml = calloc(1, BYTES), what[64];
    assert_non_null(yaml);
    for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
        asyncio_program(seed, minors[seed % 5], yaml, BYTES);
        record_run(&recorded, yaml);
        snprintf(what, sizeof what, "program %llu", (unsigned long long)seed);
        check_laws(what);
        check_scenes(what, seed);
        check_answers(seed);
        recorded_free(&recorded);
    }
    free(yaml);
}

// Threads that compute, sleep, work in C and print beside each other.
static void random_threads(void **state)
{
    static const char *const ops[] = {"{ compute: uniform(10us, 8ms) }",
                                      "{ sleep: exp(2ms) }",
                                      "{ native: 1ms }",
                                      "{ print: here }",
                                      "{ add: x }",
                                      "{ with: { lock: l, do: [ { compute: 200us } ] } }"};
    (void)state;
    char yaml[4096], what[64];
    for (uint64_t seed = 1; seed <= 150; seed++) {
        Rng rng = rng_make(seed, 9);
        size_t used = (size_t)snprintf(
            yaml, sizeof yaml,
            "machine: { cores: %u }\nruntime: { python: \"3.12\", switch_interval: %ums }\n"
            "locks: { l: lock }\nvariables: { x: 0 }\nthreads:\n",
            (unsigned)(1 + rng_below(&rng, 4)), (unsigned)(1 + rng_below(&rng, 5)));
        unsigned threads = (unsigned)(1 + rng_below(&rng, 5));
        for (unsigned t = 0; t < threads; t++) {
            used += (size_t)snprintf(yaml + used, sizeof yaml - used,
                                     "  - { name: t%u, run: [ { repeat: { times: 6, do: [ ", t);
            for (uint64_t k = 1 + rng_below(&rng, 3); k > 0; k--)
                used += (size_t)snprintf(yaml + used, sizeof yaml - used, "%s%s",
                                         ops[rng_below(&rng, sizeof ops / sizeof *ops)],
                                         k > 1 ? ", " : "");
            used += (size_t)snprintf(yaml + used, sizeof yaml - used, " ] } } ] }\n");
        }
        record_run(&recorded, yaml);
        snprintf(what, sizeof what, "threads %llu", (unsigned long long)seed);
        check_laws(what);
        check_scenes(what, seed);
        recorded_free(&recorded);
    }
}

static void shipped_scenarios(void **state)
{
    (void)state;
    glob_t paths;
    size_t python = 0;
    shipped_paths(&paths);
    for (size_t i = 0; i < paths.gl_pathc; i++) {
        char *text = shipped_text(paths.gl_pathv[i]);
        if (strstr(text, "cpython") != NULL || strstr(text, "python:") != NULL) {
            python++;
            record_run(&recorded, text);
            check_laws(paths.gl_pathv[i]);
            recorded_free(&recorded);
        }
        free(text);
    }
    assert_true(python > 20);
    globfree(&paths);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gil_changes_hands),      cmocka_unit_test(gil_row),
        cmocka_unit_test(loop_that_polls),        cmocka_unit_test(loop_rows),
        cmocka_unit_test(many_coroutines),        cmocka_unit_test(why_of_coroutines),
        cmocka_unit_test(why_of_a_blocking_call), cmocka_unit_test(why_of_a_lock),
        cmocka_unit_test(why_of_the_gil),         cmocka_unit_test(what_it_does_at_the_end),
        cmocka_unit_test(laws_can_break),         cmocka_unit_test(random_asyncio),
        cmocka_unit_test(random_threads),         cmocka_unit_test(shipped_scenarios),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
