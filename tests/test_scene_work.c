// What the scene, the timeline and the answers to "why?" say of work that is handed over:
// executors, pools of processes, streams.
#include "sim/analysis/scene_text.h"
#include "sim/analysis/timeline.h"
#include "sim/analysis/why.h"
#include "sim/base/rng.h"
#include "tests/hand_trace.h"
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

static void fold_hand(HandTrace *trace, Scene *scene, size_t next)
{
    scene_open(scene, &trace->scenario);
    while (scene->next < next) {
        scene_fold(scene, &trace->records.at[scene->next]);
        assert_null(scene_laws(scene));
    }
}

// ---- executors, by hand

// Thread 1 submits three items to an executor of two threads, 2 and 3.
static const char executor_yaml[] =
    "runtime: cpython-3.12\nexecutors: { pool: 2 }\nfunctions: { f: [ { compute: 1ms } ] }\n"
    "threads: [ { name: m, run: [ { submit: { to: pool, run: f, count: 3, as: fs } },\n"
    "                             { result: fs } ] } ]\n";

// The op that begins behind all those of functions.
static uint32_t op_of(const Scenario *scenario, OpCode code)
{
    for (uint32_t i = 1; i < scenario->op_count; i++)
        if (scenario->ops[i].code == code)
            return i;
    fail_msg("no such op");
    return 0;
}

static void hand_executor(HandTrace *trace)
{
    hand_open(trace, executor_yaml);
    const Scenario *scenario = &trace->scenario;
    uint32_t pool = scenario->executors[0].name.index1,
             worker = scenario->executors[0].worker.index1;
    hand(trace, 0, EVENT_TASK_CREATED, CORE_NONE, 1, 1, created_pack(1, false, 0));
    hand(trace, 0, EVENT_TASK_CREATED, CORE_NONE, 2, worker, created_pack(1, false, 1));
    hand(trace, 0, EVENT_TASK_CREATED, CORE_NONE, 3, worker, created_pack(2, false, 1));
    hand(trace, 1, EVENT_OP_BEGUN, 0, 1, op_of(scenario, OP_SUBMIT), 0);
    for (uint32_t item = 1; item <= 3; item++) // records 5, 6, 7
        hand(trace, 1 + item, EVENT_EXECUTOR_SUBMITTED, 0, 1, pool, item);
    hand(trace, 10, EVENT_EXECUTOR_RUN, 0, 3, pool, 2); // 8: one that has overtaken the other
    hand(trace, 11, EVENT_EXECUTOR_RUN, 1, 2, pool, 1);
    hand(trace, 20, EVENT_EXECUTOR_DONE, 1, 2, pool, 1); // 10
    hand(trace, 21, EVENT_EXECUTOR_RUN, 1, 2, pool, 3);
    hand(trace, 30, EVENT_EXECUTOR_DONE, 0, 3, pool, 2);
    hand(trace, 31, EVENT_TASK_KILLED, CORE_NONE, 2, 0, 0); // with its item
}

static void items_of_an_executor(void **state)
{
    (void)state;
    HandTrace trace;
    Scene scene;
    hand_executor(&trace);
    fold_hand(&trace, &scene, 7);
    assert_int_equal(scene_items_in(&scene, 1, 1, WORK_QUEUED), 3);
    const SceneItem *item = scene_item(&scene, 2);
    assert_int_equal(item->serial, 2);
    assert_int_equal(item->by, 1);
    assert_int_equal(item->batch, 1); // all three come of one `submit`
    assert_int_equal(item->nth, 2);
    assert_int_equal(item->since_ns, 3 * US);
    // They are waited for in the order of their submission.
    assert_int_equal(scene_item_named(&scene, 1, 1)->serial, 1);
    assert_null(scene_item_of(&scene, 2));
    scene_free(&scene);

    fold_hand(&trace, &scene, 9);
    assert_int_equal(scene_items_in(&scene, 1, 1, WORK_RUNS), 2);
    assert_int_equal(scene_items_in(&scene, 1, 1, WORK_QUEUED), 1);
    assert_int_equal(scene_item_of(&scene, 3)->serial, 2);
    assert_int_equal(scene_item_of(&scene, 3)->since_ns, 10 * US);
    assert_int_equal(scene_item_of(&scene, 2)->serial, 1);
    scene_free(&scene);

    fold_hand(&trace, &scene, 11);
    assert_null(scene_item(&scene, 1));
    assert_int_equal(scene_item_named(&scene, 1, 1)->serial, 2);
    assert_int_equal(scene_item_of(&scene, 2)->serial, 3);
    scene_free(&scene);

    fold_hand(&trace, &scene, 13);
    assert_int_equal(scene.python.work.over, 3);
    assert_null(scene_item_named(&scene, 1, 1));
    assert_null(scene_item_of(&scene, 2));
    scene_free(&scene);
    hand_free(&trace);
}

// Of two threads at most two items can be on their way at once: when the fourth is begun, the first
// cannot be among them, and has been cancelled; the second may be.
static void cancelled_items(void **state)
{
    (void)state;
    HandTrace trace;
    Scene scene;
    hand_executor(&trace);
    uint32_t pool = trace.scenario.executors[0].name.index1;
    trace.records.count = 7; // three are submitted
    hand(&trace, 9, EVENT_EXECUTOR_SUBMITTED, 0, 1, pool, 4);
    hand(&trace, 10, EVENT_EXECUTOR_RUN, 0, 3, pool, 4);
    fold_hand(&trace, &scene, 9);
    assert_null(scene_item(&scene, 1));
    assert_int_equal(scene_item(&scene, 2)->state, WORK_QUEUED);
    assert_int_equal(scene_item(&scene, 3)->state, WORK_QUEUED);
    assert_int_equal(scene_item(&scene, 4)->state, WORK_RUNS);
    // The fourth item is the first of another `submit`.
    assert_int_equal(scene_item(&scene, 4)->batch, 4);
    scene_free(&scene);
    hand_free(&trace);
}

// ---- pools, by hand

static const char pool_yaml[] =
    "runtime: cpython-3.12\npools: { p: 2 }\nfunctions: { f: [ { compute: 1ms } ] }\n"
    "threads: [ { name: m, run: [ { pool.map: { pool: p, run: f, items: 6 } } ] } ]\n";

static void items_of_a_pool(void **state)
{
    (void)state;
    HandTrace trace;
    Scene scene;
    hand_open(&trace, pool_yaml);
    const PoolDef *def = &trace.scenario.pools[0];
    uint32_t pool = def->name.index1, worker = def->worker.index1;
    hand(&trace, 0, EVENT_TASK_CREATED, CORE_NONE, 1, 1, created_pack(1, false, 0));
    hand(&trace, 0, EVENT_TASK_CREATED, CORE_NONE, 2, worker, created_pack(1, false, 1));
    hand(&trace, 0, EVENT_TASK_CREATED, CORE_NONE, 3, worker, created_pack(2, false, 1));
    hand(&trace, 1, EVENT_POOL_ASKED, 0, 1, pool, items_pack(1, 6));
    hand(&trace, 5, EVENT_POOL_RUN, 0, 2, pool, items_pack(1, 2)); // 5
    hand(&trace, 6, EVENT_POOL_RUN, 1, 3, pool, items_pack(3, 2));
    hand(&trace, 9, EVENT_POOL_DONE, 0, 2, pool, items_pack(1, 2));
    hand(&trace, 12, EVENT_POOL_RESULT, 0, 1, pool, items_pack(1, 2)); // 8
    fold_hand(&trace, &scene, 3);
    assert_null(scene_pool(&scene, 1));
    scene_free(&scene);
    fold_hand(&trace, &scene, 6);
    const ScenePool *at = scene_pool(&scene, 1);
    assert_int_equal(at->asked, 6);
    assert_int_equal(at->begun, 4);
    assert_int_equal(scene_pool_queued(at), 2);
    assert_int_equal(at->by, 1);
    assert_int_equal(scene_chunk_of(&scene, 3)->first, 3);
    assert_int_equal(scene_chunk_of(&scene, 3)->count, 2);
    assert_int_equal(scene_chunk_of(&scene, 3)->since_ns, 6 * US);
    scene_free(&scene);
    fold_hand(&trace, &scene, 8);
    at = scene_pool(&scene, 1);
    assert_int_equal(at->done, 2);
    assert_int_equal(at->back, 2);
    assert_null(scene_chunk_of(&scene, 2));
    assert_non_null(scene_chunk_of(&scene, 3));
    scene_free(&scene);
    hand_free(&trace);
}

// ---- any records at all keep the laws

static void damaged_traces(void **state)
{
    static const char *const yamls[] = {executor_yaml, pool_yaml};
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        HandTrace trace;
        Scene scene;
        hand_open(&trace, yamls[seed % 2]);
        hand_random(&trace, seed, 3000);
        fold_hand(&trace, &scene, trace.records.count);
        scene_free(&scene);
        hand_free(&trace);
    }
}

// ---- rows of the timeline

static void expect_row(const Timeline *timeline, const char *name, const char *expected)
{
    char text[1024], found[128];
    size_t length = 0;
    text[0] = 0;
    for (size_t r = 0; r < timeline->rows.count; r++) {
        const TimelineRow *row = &timeline->rows.at[r];
        if (strcmp(timeline_row_name(timeline, row, found), name) != 0)
            continue;
        for (size_t i = 0; i < row->intervals.count && length < sizeof text - 64; i++)
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%u@%g",
                                       i > 0 ? " " : "", row->intervals.at[i].subject,
                                       (double)row->intervals.at[i].begin_ns / MS);
    }
    assert_string_equal(text, expected);
}

// Six tasks of 10 ms, one each, two processes, without costs: two are begun at 0, at 10 and at
// 20 ms. Of what the library waits at nothing has a row.
static void row_of_a_pool(void **state)
{
    (void)state;
    Timeline timeline;
    char name[128];
    record_run(&recorded,
               "machine: { cores: 8, costs: zero }\nruntime: cpython-3.12\npools: { p: 2 }\n"
               "functions: { f: [ { compute: 10ms } ] }\nthreads: [ { name: m, run: [\n"
               "  { pool.map: { pool: p, run: f, items: 6, chunk: 1 } } ] } ]\n");
    timeline_open(&timeline, &recorded.recording);
    expect_row(&timeline, "pool p", "4@0 2@10 0@20");
    for (size_t i = timeline.object_first; i < timeline.task_first; i++) {
        timeline_row_name(&timeline, &timeline.rows.at[i], name);
        assert_true(strncmp(name, "pool ", 5) == 0 || strncmp(name, "pipe ", 5) == 0);
    }
    timeline_free(&timeline);
    recorded_free(&recorded);
}

// A coroutine writes 64 KiB three times at once, without costs: the pipe takes 64 KiB, its buffer
// the rest. The reader takes 64 KiB at 1 ms and at 2 ms.
static const char writer_yaml[] =
    "machine: { cores: 2, costs: zero }\npipes: [ out ]\nprocesses:\n"
    "  - name: reader\n"
    "    threads: [ { name: reader, run: [ { sleep: 1ms },\n"
    "      { read_until_eof: { pipe: out, size: 64KiB, do: [ { sleep: 1ms } ] } } ] } ]\n"
    "  - name: server\n"
    "    runtime: cpython-3.12\n"
    "    functions:\n"
    "      main: [ { repeat: { times: 3, do: [ { writer.write: { to: out, size: 64KiB } },\n"
    "                                          { writer.drain: out } ] } } ]\n"
    "    threads: [ { name: server, run: [ { asyncio.run: main } ] } ]\n";

static void row_of_a_stream(void **state)
{
    (void)state;
    Timeline timeline;
    record_run(&recorded, writer_yaml);
    timeline_open(&timeline, &recorded.recording);
    // At 1 ms the pipe has room for 64 of the 128 KiB, at 2 ms for the rest.
    expect_row(&timeline, "stream to out", "131072@0 65536@1 0@2");
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

// Two coroutines want 20 ms each of an executor of one thread, without costs: the first item is
// done from 0 to 20 ms.
static void why_of_an_executor(void **state)
{
    (void)state;
    record_run(&recorded, "machine: { cores: 1, costs: zero }\nruntime: cpython-3.12\n"
                          "executors: { pool: 1 }\nfunctions:\n"
                          "  work: [ { sleep: 20ms } ]\n"
                          "  wait: [ { await: { run_in_executor: work, executor: pool } } ]\n"
                          "  main: [ { gather: [ wait, wait ] } ]\n"
                          "threads: [ { name: m, run: [ { asyncio.run: main } ] } ]\n");
    expect_coroutine(10 * MS, 2,
                     "wait #2 waits since 0 ns for item 1 of executor pool, which pool-1 does "
                     "since 0 ns.\n"
                     "  pool-1 sleeps since 0 ns; its timer is due at 20 ms.\n");
    expect_coroutine(10 * MS, 3,
                     "wait #3 waits since 0 ns for item 2 of executor pool, which waits its turn "
                     "since 0 ns: 0 are before it in the queue, 1 is being done.\n"
                     "  pool-1 sleeps since 0 ns; its timer is due at 20 ms.\n");
    expect_coroutine(30 * MS, 3,
                     "wait #3 waits since 0 ns for item 2 of executor pool, which pool-1 does "
                     "since 20 ms.\n"
                     "  pool-1 sleeps since 20 ms; its timer is due at 40 ms.\n");
    recorded_free(&recorded);
}

// The executor's thread sleeps until 3 ms and then computes; a hog comes at 4 ms, asks for the GIL
// at 9 ms, after a switch interval, and has it: whoever awaits the item waits for the hog.
static void why_through_the_gil(void **state)
{
    (void)state;
    Scene scene;
    Why why = {0};
    record_run(&recorded, "machine: { cores: 2, costs: zero }\nruntime: cpython-3.12\n"
                          "executors: { pool: 1 }\nfunctions:\n"
                          "  work: [ { sleep: 3ms }, { compute: 20ms } ]\n"
                          "  main: [ { await: { run_in_executor: work, executor: pool } } ]\n"
                          "threads:\n  - { name: m, run: [ { asyncio.run: main } ] }\n"
                          "  - { name: hog, start: 4ms, run: [ { compute: 20ms } ] }\n");
    scene_at(&scene, 11 * MS);
    why_coroutine_now(&why, &recorded.recording, &scene, 1);
    assert_int_equal(why.count, 3);
    assert_string_equal(why.lines[0].text, "main #1 waits since 0 ns for item 1 of executor pool, "
                                           "which pool-1 does since 0 ns.");
    assert_string_equal(why.lines[1].text,
                        "pool-1 waits for the GIL since 9 ms; hog holds it since 9 ms; at 14 ms "
                        "pool-1 asks for it, if hog still has it.");
    assert_int_equal(why.lines[1].depth, 1);
    assert_int_equal(why.lines[1].coroutine, 0);
    assert_non_null(strstr(why.lines[2].text, "hog runs on core "));
    assert_int_equal(why.lines[2].depth, 2);
    why_free(&why);
    scene_free(&scene);
    recorded_free(&recorded);
}

// The executor's process is begun at 5 ms and computes from then on: the answer goes on there.
static void why_into_a_process(void **state)
{
    (void)state;
    Scene scene;
    Why why = {0};
    record_run(&recorded, "machine: { cores: 4, costs: zero }\nruntime: cpython-3.12\n"
                          "executors: { pool: { processes: 1 } }\nfunctions:\n"
                          "  work: [ { compute: 20ms } ]\n"
                          "  main: [ { await: { sleep: 5ms } },\n"
                          "          { await: { run_in_executor: work, executor: pool } } ]\n"
                          "threads: [ { name: m, run: [ { asyncio.run: main } ] } ]\n");
    scene_at(&scene, 15 * MS);
    why_coroutine_now(&why, &recorded.recording, &scene, 1);
    assert_int_equal(why.count, 2);
    assert_string_equal(why.lines[0].text, "main #1 waits since 5 ms for item 1 of executor pool, "
                                           "which pool-worker does since 5 ms.");
    assert_non_null(strstr(why.lines[1].text, "pool-worker runs on core "));
    assert_non_null(strstr(why.lines[1].text, " since 5 ms, at line 5 (compute)."));
    assert_int_equal(why.lines[1].task, recorded_task(&recorded, "pool-worker"));
    assert_true(scene_task(&scene, why.lines[1].task)->process !=
                scene_task(&scene, recorded_task(&recorded, "m"))->process);
    why_free(&why);
    scene_free(&scene);
    recorded_free(&recorded);
}

// Three futures of 10 ms and two threads: from 10 ms on main waits for the third, of which the
// first thread has begun at 10 ms; the second finds nothing more to do.
static void why_of_a_result(void **state)
{
    (void)state;
    record_run(&recorded,
               "machine: { cores: 1, costs: zero }\nruntime: cpython-3.12\n"
               "executors: { pool: 2 }\nfunctions: { f: [ { sleep: 10ms } ] }\n"
               "threads: [ { name: main, run: [ { submit: { to: pool, run: f, count: 3, as: fs } "
               "},\n"
               "                                { result: fs } ] } ]\n");
    expect_thread(15 * MS, "main",
                  "main waits since 10 ms for item 3 of executor pool, which pool-1 does since "
                  "10 ms.\n"
                  "  pool-1 sleeps since 10 ms; its timer is due at 20 ms.\n");
    expect_thread(15 * MS, "pool-2",
                  "pool-2 waits since 10 ms for something to do: nothing is left for it in the "
                  "queue of executor pool.\n");
    recorded_free(&recorded);
}

// Three tasks of 10 ms, one each, of two processes: at 15 ms two are back and the third is being
// done by one of them, and the other has nothing to do.
static void why_of_a_pool(void **state)
{
    (void)state;
    Scene scene;
    Why why = {0};
    record_run(&recorded,
               "machine: { cores: 8, costs: zero }\nruntime: cpython-3.12\npools: { p: 2 }\n"
               "functions: { f: [ { compute: 10ms } ] }\nthreads: [ { name: m, run: [\n"
               "  { pool.map: { pool: p, run: f, items: 3, chunk: 1 } } ] } ]\n");
    scene_at(&scene, 15 * MS);
    why_now(&why, &recorded.recording, &scene, recorded_task(&recorded, "m"));
    assert_int_equal(why.count, 2);
    assert_string_equal(why.lines[0].text,
                        "m waits since 0 ns for results of pool p: of 3 items that it was asked "
                        "for 2 are back, 0 on their way, 1 being done, and 0 wait their turn.");
    uint32_t busy = why.lines[1].task;
    assert_int_equal(scene_chunk_of(&scene, busy)->first, 3);
    assert_non_null(strstr(why.lines[1].text, "at line 4 (compute)"));
    uint32_t idle = recorded_task(&recorded, "p-worker-1");
    idle = idle == busy ? recorded_task(&recorded, "p-worker-2") : idle;
    why_now(&why, &recorded.recording, &scene, idle);
    assert_int_equal(why.count, 1);
    assert_non_null(
        strstr(why.lines[0].text,
               "waits since 10 ms for something to do: pool p has no task for it yet."));
    why_free(&why);
    scene_free(&scene);
    recorded_free(&recorded);
}

static void why_of_streams(void **state)
{
    (void)state;
    record_run(&recorded, writer_yaml);
    // Of 192 KiB the pipe has 64.
    expect_coroutine(500 * US, 1,
                     "main #1 waits since 0 ns in drain() until the buffer of its stream to pipe "
                     "out is empty: 128 KiB are in it, and 64 KiB in the pipe, from which nobody "
                     "has read them.\n"
                     "It goes on when somebody reads from it: reader.\n"
                     "  reader sleeps since 0 ns; its timer is due at 1 ms.\n");
    recorded_free(&recorded);
    record_run(&recorded,
               "machine: { cores: 2, costs: zero }\npipes: [ in ]\nprocesses:\n"
               "  - name: client\n"
               "    threads: [ { name: client, run: [ { sleep: 1ms },\n"
               "      { write: { pipe: in, size: 10B } }, { sleep: 5ms } ] } ]\n"
               "  - name: server\n"
               "    runtime: cpython-3.12\n"
               "    functions: { main: [ { reader.readexactly: { from: in, size: 20B, else: [ { "
               "print: short } ] } } ] }\n"
               "    threads: [ { name: server, run: [ { asyncio.run: main } ] } ]\n");
    // It has waited since it began; 10 of its 20 bytes have come at 1 ms.
    expect_coroutine(3 * MS, 1,
                     "main #1 waits since 1 ms for bytes of pipe in: 10 B are in its stream's "
                     "buffer, 0 B in the pipe.\n"
                     "It goes on when somebody writes to it: client.\n"
                     "  client sleeps since 1 ms; its timer is due at 6 ms.\n");
    recorded_free(&recorded);
}

// A queue's feeder has written 64 KiB of an object, which is all that its pipe holds; who receives
// it sleeps until 100 ms.
static void why_of_a_feeder(void **state)
{
    (void)state;
    record_run(&recorded,
               "machine: { cores: 4, costs: zero }\nruntime: cpython-3.12\n"
               "connections: { letters: queue }\nfunctions:\n"
               "  reader: [ { sleep: 100ms }, { receive_object: letters } ]\n"
               "threads: [ { name: m, run: [ { start_process: reader },\n"
               "  { send_object: { to: letters, size: 1MiB } }, { join_process: reader } ] } ]\n");
    expect_thread(50 * MS, "letters-feeder",
                  "letters-feeder waits at the write end of pipe letters since 0 ns; 64 KiB are in "
                  "it.\n"
                  "It goes on when somebody reads from pipe letters, or all who could have closed "
                  "it; reader could.\n"
                  "  reader sleeps since 0 ns; its timer is due at 100 ms.\n");
    recorded_free(&recorded);
}

// as_completed: at 15 ms the first has ended, and main, which computes nothing, waits for the next.
static void why_of_as_completed(void **state)
{
    (void)state;
    record_run(&recorded, "machine: { costs: zero }\nruntime: cpython-3.12\nfunctions:\n"
                          "  a: [ { await: { sleep: 10ms } } ]\n"
                          "  b: [ { await: { sleep: 20ms } } ]\n"
                          "  c: [ { await: { sleep: 30ms } } ]\n"
                          "  main: [ { as_completed: { tasks: [ a, b, c ] } } ]\n"
                          "threads: [ { name: m, run: [ { asyncio.run: main } ] } ]\n");
    expect_coroutine(5 * MS, 1,
                     "main #1 waits since 0 ns for the first to end of a #2, b #3 and c #4.\n"
                     "  a #2 sleeps since 0 ns; its timer is due at 10 ms.\n"
                     "  b #3 sleeps since 0 ns; its timer is due at 20 ms.\n"
                     "  c #4 sleeps since 0 ns; its timer is due at 30 ms.\n");
    expect_coroutine(25 * MS, 1,
                     "main #1 waits since 20 ms for the end of c #4.\n"
                     "  c #4 sleeps since 0 ns; its timer is due at 30 ms.\n");
    recorded_free(&recorded);
}

// ---- the scenarios that ship

// Scenes from the start keep the laws, and seeks give the same ones; any question has an answer.
static void check_scenes(const char *what)
{
    enum { SEEKS = 12 };
    Scene scene, sought;
    Why why = {0};
    HandText text;
    const Recording *recording = &recorded.recording;
    Names names = {recording->scenario, &recording->tasks, &recording->processes};
    scene_open(&scene, recording->scenario);
    scene_open(&sought, recording->scenario);
    Rng rng = rng_make(1, 5);
    for (int i = 1; i <= SEEKS; i++) {
        uint64_t next = recording->count * (uint64_t)i / SEEKS;
        while (scene.next < next) {
            scene_fold(&scene, recording_at(recording, scene.next));
            const char *broken = scene.next % 7 == 0 ? scene_laws(&scene) : NULL;
            if (broken != NULL)
                fail_msg("%s: %s, at record %llu", what, broken, (unsigned long long)scene.next);
        }
        recording_seek(recording, &sought, rng_below(&rng, recording->count + 1));
        recording_seek(recording, &sought, next);
        if (scene_hash(&sought) != scene_hash(&scene))
            fail_msg("%s: record %llu differs", what, (unsigned long long)next);
        for (uint32_t id = 1; id <= scene.tasks.count && id <= 40; id++) {
            why_now(&why, recording, &scene, id);
            assert_true(why.count > 0);
        }
        hand_text_open(&text);
        scene_text(&scene, &names, NULL, recording->count, &text.writer);
        assert_true(strlen(hand_text_end(&text)) > 0);
        hand_text_free(&text);
    }
    why_free(&why);
    scene_free(&scene);
    scene_free(&sought);
}

static void shipped_scenarios(void **state)
{
    enum { RECORDS_MOST = 60000 };
    (void)state;
    glob_t paths;
    size_t seen = 0;
    shipped_paths(&paths);
    for (size_t i = 0; i < paths.gl_pathc; i++) {
        char *text = shipped_text(paths.gl_pathv[i]);
        if (strstr(text, "executor") != NULL || strstr(text, "to_thread") != NULL ||
            strstr(text, "pool.") != NULL || strstr(text, "reader.") != NULL ||
            strstr(text, "writer.") != NULL) {
            record_run(&recorded, text);
            if (recorded.recording.count <= RECORDS_MOST) {
                check_scenes(paths.gl_pathv[i]);
                seen++;
            }
            recorded_free(&recorded);
        }
        free(text);
    }
    assert_true(seen > 15);
    globfree(&paths);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_of_an_executor), cmocka_unit_test(cancelled_items),
        cmocka_unit_test(items_of_a_pool),      cmocka_unit_test(damaged_traces),
        cmocka_unit_test(row_of_a_pool),        cmocka_unit_test(row_of_a_stream),
        cmocka_unit_test(why_of_an_executor),   cmocka_unit_test(why_through_the_gil),
        cmocka_unit_test(why_into_a_process),   cmocka_unit_test(why_of_a_result),
        cmocka_unit_test(why_of_a_pool),        cmocka_unit_test(why_of_streams),
        cmocka_unit_test(why_of_as_completed),  cmocka_unit_test(why_of_a_feeder),
        cmocka_unit_test(shipped_scenarios),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
