// Why a thread waits, as a person finds it out from the scenario: chains over locks, priorities,
// queues, pipes, joins and schedulers; and what the answers must be like whatever the trace is.
#include "sim/analysis/why.h"
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

enum { US = 1000, MS = 1000000 };

#define ZERO(cores, scheduler)                                                                     \
    "machine: { cores: " cores ", scheduler: " scheduler ", costs: zero }\nprocesses:\n"           \
    "  - name: app\n"

static Recorded recorded;
static Why why;

// The lines, each behind two spaces a step of depth.
static const char *lines_text(void)
{
    static char text[1 << 14];
    size_t used = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < why.count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%*s%s\n",
                                 2 * (int)why.lines[i].depth, "", why.lines[i].text);
    return text;
}

static void seek(Scene *scene, int64_t at_ns)
{
    scene_open(scene, &recorded.run.scenario);
    recording_seek_time(&recorded.recording, scene, at_ns);
}

static void expect_now(const char *thread, int64_t at_ns, const char *expected)
{
    Scene scene;
    seek(&scene, at_ns);
    why_now(&why, &recorded.recording, &scene, recorded_task(&recorded, thread));
    scene_free(&scene);
    assert_string_equal(lines_text(), expected);
}

static bool tell_wait(const char *thread, int64_t at_ns)
{
    Scene scene;
    seek(&scene, at_ns);
    bool waits = why_so_long(&why, &recorded.recording, &scene, recorded_task(&recorded, thread));
    scene_free(&scene);
    return waits;
}

static void expect_wait(const char *thread, int64_t at_ns, const char *expected)
{
    assert_int_equal(tell_wait(thread, at_ns), expected[0] != 0);
    assert_string_equal(lines_text(), expected);
}

static int end(void **state)
{
    (void)state;
    why_free(&why);
    recorded_free(&recorded);
    return 0;
}

// Three threads on three cores take a lock for 2 ms each, all at 1 ms: a has it until 3 ms, b until
// 5, c until 7. (Line 8 is the thread's only one.)
static void lock_convoy(void **state)
{
    (void)state;
    record_run(&recorded, ZERO("3", "fifo") "    locks: { x: lock }\n"
                                            "    threads:\n"
                                            "      - name: w\n"
                                            "        count: 3\n"
                                            "        run: [ { compute: 1ms }, { with: { lock: x, "
                                            "do: [ { compute: 2ms } ] } } ]\n");
    expect_now("w-3", 2 * MS,
               "w-3 waits for lock x since 1 ms; w-1 holds it since 1 ms.\n"
               "  w-1 runs on core 0 since 0 ns, at line 8 (compute).\n");
    expect_wait("w-3", 2 * MS,
                "w-3 waited for lock x for 4 ms, from 1 ms to 5 ms.\n"
                "It ended at 5 ms: w-2 releases lock x.\n"
                "  From 1 ms to 3 ms it took w-1: running 2 ms. Then w-1 releases lock x.\n"
                "  From 3 ms to 5 ms it took w-2: running 2 ms.\n");
    expect_now("w-1", 4 * MS, "w-1 has ended at 3 ms.\n");
    expect_wait("w-1", 2 * MS, "");
}

// first releases the lock at 1 ms and takes it again at once, before second is on its core:
// unlocking wakes, and hands nothing over. From 1 ms on second waits once more, until 2 ms.
static void woken_in_vain(void **state)
{
    (void)state;
    record_run(
        &recorded,
        ZERO("2", "fifo") "    locks: { x: lock }\n"
                          "    threads:\n"
                          "      - name: first\n"
                          "        run: [ { repeat: { times: 2, do: [ { with: { lock: x, do: "
                          "[ { compute: 1ms } ] } } ] } } ]\n"
                          "      - { name: second, run: [ { lock: x }, { unlock: x } ] }\n");
    expect_wait("second", 500 * US,
                "second waited for lock x for 1 ms, from 0 ns to 1 ms.\n"
                "It ended at 1 ms: first releases lock x.\n"
                "It was woken in vain: at 1 ms second must wait for lock x, which first holds.\n"
                "  From 0 ns to 1 ms it took first: running 1 ms.\n");
    expect_now("second", 1500 * US,
               "second waits for lock x since 1 ms, and has wanted it since 0 ns; first holds it "
               "since 1 ms.\n"
               "  first runs on core 0 since 0 ns, at line 7 (compute).\n");
}

// low takes the lock at 0; at 1 ms high preempts it and waits; at 2 ms middle preempts low and runs
// for 50 ms: high, the most urgent of all, waits for middle.
#define INVERSION(kind)                                                                            \
    ZERO("1", "eevdf")                                                                             \
    "    locks: { x: " kind " }\n"                                                                 \
    "    threads:\n"                                                                               \
    "      - { name: low, policy: fifo 10, run: [ { with: { lock: x, do: [ { compute: "            \
    "10ms "                                                                                        \
    "} ] } } ] }\n"                                                                                \
    "      - { name: high, policy: fifo 30, start: 1ms, run: [ { with: { lock: x, do: "            \
    "[ { "                                                                                         \
    "compute: 5ms } ] } } ] }\n"                                                                   \
    "      - { name: middle, policy: fifo 20, start: 2ms, run: [ { compute: 50ms } ] "             \
    "}\n"

static void priority_inversion(void **state)
{
    (void)state;
    record_run(&recorded, INVERSION("lock"));
    expect_now("high", 20 * MS,
               "high waits for lock x since 1 ms; low holds it since 0 ns.\n"
               "  low is runnable on core 0 since 2 ms behind middle, whose priority is higher (20 "
               "against 10).\n"
               "    middle runs on core 0 since 2 ms, at line 8 (compute).\n");
    // low needs 8 ms more after middle's end at 52 ms.
    expect_wait("high", 20 * MS,
                "high waited for lock x for 59 ms, from 1 ms to 60 ms.\n"
                "It ended at 60 ms: low releases lock x.\n"
                "  From 1 ms to 60 ms it took low: running 9 ms, runnable 50 ms.\n"
                "    For 50 ms its core ran middle, whose priority is higher (20 against 10).\n");
    expect_wait("low", 20 * MS,
                "low was runnable for 50 ms, from 2 ms to 52 ms.\n"
                "  For 50 ms its core ran middle, whose priority is higher (20 against 10).\n");
}

// The same with inheritance: middle waits for low, which has high's priority.
static void priority_inheritance(void **state)
{
    (void)state;
    record_run(&recorded, INVERSION("pi"));
    expect_now("middle", 5 * MS,
               "middle is runnable on core 0 since 2 ms behind low, which runs with the priority "
               "of high, because that one waits for a lock that it holds.\n"
               "  low runs on core 0 since 1 ms, at line 6 (compute).\n");
    expect_wait("high", 5 * MS,
                "high waited for lock x for 9 ms, from 1 ms to 10 ms.\n"
                "It ended at 10 ms: low releases lock x.\n"
                "  From 1 ms to 10 ms it took low: running 9 ms.\n");
}

// Each takes one fork at 0 and wants the other one at 1 ms.
static void philosophers(void **state)
{
    (void)state;
    record_run(&recorded,
               ZERO("2", "fifo") "    locks: { left: lock, right: lock }\n"
                                 "    threads:\n"
                                 "      - name: kant\n"
                                 "        run: [ { lock: left }, { compute: 1ms }, { lock: right } "
                                 "]\n"
                                 "      - name: hegel\n"
                                 "        run: [ { lock: right }, { compute: 1ms }, { lock: left } "
                                 "]\n");
    expect_now("kant", 1 * MS,
               "kant waits for lock right since 1 ms; hegel holds it since 0 ns.\n"
               "  hegel waits for lock left since 1 ms; kant holds it since 0 ns.\n"
               "    And kant is where this began: they wait for each other in a circle, a "
               "deadlock.\n");
    assert_true(why.circle);
}

// One computes 3 ms for each item of 4 KiB; the other one empties the pipe at once.
static void pipeline(void **state)
{
    (void)state;
    record_run(&recorded,
               "machine: { cores: 2, scheduler: fifo, costs: zero }\npipes: [ line ]\nprocesses:\n"
               "  - name: app\n"
               "    threads:\n"
               "      - name: source\n"
               "        run: [ { repeat: { times: 2, do: [ { compute: 3ms }, { write: { pipe: "
               "line, size: 4KiB } } ] } } ]\n"
               "      - name: sink\n"
               "        run: [ { read: { pipe: line, size: 4KiB } }, { read: { pipe: line, size: "
               "4KiB } } ]\n");
    expect_now("sink", 4 * MS,
               "sink waits at the read end of pipe line since 3 ms; 0 B are in it.\n"
               "It goes on when somebody writes to pipe line, or all who could have closed it; "
               "source could.\n"
               "  source runs on core 0 since 0 ns, at line 7 (compute).\n");
    expect_wait("sink", 4 * MS,
                "sink waited for pipe line for 3 ms, from 3 ms to 6 ms.\n"
                "It ended at 6 ms: source writes 4 KiB to pipe line.\n"
                "  From 3 ms to 6 ms it took source: running 3 ms.\n");
}

// A queue of one: the producer puts at 1 ms, which the consumer gets, at 2 ms, and finds it full at
// 3 ms, until the consumer, which takes 5 ms an item, gets the second one at 6 ms.
static void producer_and_consumer(void **state)
{
    (void)state;
    record_run(&recorded,
               ZERO("2", "fifo") "    queues: { jobs: 1 }\n"
                                 "    threads:\n"
                                 "      - name: producer\n"
                                 "        run: [ { repeat: { times: 3, do: [ { compute: 1ms }, { "
                                 "put: jobs } ] } } ]\n"
                                 "      - name: consumer\n"
                                 "        run: [ { repeat: { times: 3, do: [ { get: jobs }, { "
                                 "compute: 5ms } ] } } ]\n");
    expect_now("consumer", 500 * US,
               "consumer waits at queue jobs since 0 ns, which is empty.\n"
               "It goes on when somebody puts an item into queue jobs; producer could.\n"
               "  producer runs on core 0 since 0 ns, at line 7 (compute).\n");
    expect_now("producer", 4 * MS,
               "producer waits at queue jobs since 3 ms, which holds 1 of at most 1.\n"
               "It goes on when somebody gets an item from queue jobs; consumer could.\n"
               "  consumer runs on core 1 since 1 ms, at line 9 (compute).\n");
    expect_wait("producer", 4 * MS,
                "producer waited for queue jobs for 3 ms, from 3 ms to 6 ms.\n"
                "It ended at 6 ms: consumer gets an item from queue jobs.\n"
                "  From 3 ms to 6 ms it took consumer: running 3 ms.\n");
}

// EEVDF on one core has a slice of 700 us, and a new thread's first deadline is half of it away.
// hog joins at 0: deadline 350 us. late joins at 100 us: hog's virtual time is 100 us, the average
// too, so late's deadline is 100 + 350 = 450 us, and hog goes on until the tick at 4 ms.
static void behind_an_earlier_deadline(void **state)
{
    (void)state;
    record_run(&recorded, ZERO("1", "eevdf") "    threads:\n"
                                             "      - { name: hog, run: [ { compute: 10ms } ] }\n"
                                             "      - { name: late, start: 100us, run: [ { "
                                             "compute: 10ms } ] }\n");
    expect_now("late", 1 * MS,
               "late is runnable on core 0 since 100 us behind hog, whose virtual deadline is "
               "earlier (350 us against 450 us).\n"
               "  hog runs on core 0 since 0 ns, at line 5 (compute).\n");
    // Preempted, it has a deadline that no record tells.
    expect_now("hog", 5 * MS,
               "hog is runnable on core 0 since 4 ms behind late; of those that have not had their "
               "share, eevdf runs the one with the earliest virtual deadline.\n"
               "  late runs on core 0 since 4 ms, at line 6 (compute).\n");
    expect_wait("late", 1 * MS,
                "late was runnable for 3.9 ms, from 100 us to 4 ms.\n"
                "  For 3.9 ms its core ran hog, whose virtual deadline is earlier (350 us against "
                "450 us).\n");
}

static void behind_other_schedulers(void **state)
{
    (void)state;
    record_run(&recorded,
               ZERO("1", "{ policy: rr, slice: 10ms }") "    threads:\n      - { name: h, count: "
                                                        "3, run: [ { compute: 20ms } ] }\n");
    expect_now("h-2", 1 * MS,
               "h-2 is runnable on core 0 since 0 ns behind h-1, whose slice of 10 ms is not used "
               "up; another waits there too.\n"
               "  h-1 runs on core 0 since 0 ns, at line 5 (compute).\n");
    recorded_free(&recorded);
    record_run(&recorded, ZERO("1", "eevdf") "    threads:\n"
                                             "      - { name: n, run: [ { compute: 20ms } ] }\n"
                                             "      - { name: r, policy: fifo 1, run: [ { "
                                             "compute: 20ms } ] }\n");
    expect_now("n", 1 * MS,
               "n is runnable on core 0 since 0 ns behind r, which is a real-time thread: those go "
               "before normal ones.\n"
               "  r runs on core 0 since 0 ns, at line 6 (compute).\n");
}

// A parent waits for two children, one sleeping until 5 ms, one that computes for 8 ms on its
// parent's core: when it is created the other core is not idle yet.
static void fork_and_wait(void **state)
{
    (void)state;
    record_run(&recorded,
               ZERO("2", "fifo") "    functions:\n"
                                 "      doze: [ { sleep: 5ms } ]\n"
                                 "      work: [ { compute: 8ms } ]\n"
                                 "    threads:\n"
                                 "      - name: main\n"
                                 "        run: [ { fork: doze }, { fork: work }, wait_child, "
                                 "wait_child ]\n");
    expect_now("main", 6 * MS,
               "main waits since 5 ms for a child to end; its children are work.\n"
               "  work runs on core 0 since 0 ns, at line 6 (compute).\n");
    expect_wait("main", 1 * MS,
                "main waited for a child for 5 ms, from 0 ns to 5 ms.\n"
                "It ended at 5 ms: doze ends.\n"
                "  From 0 ns to 5 ms it took doze: sleeps 5 ms.\n");
}

// child has a lock of its own, which its thread t has from 0 on; main's one is another.
static void lock_of_a_forked_process(void **state)
{
    (void)state;
    record_run(&recorded,
               ZERO("4", "fifo") "    locks: { x: lock }\n"
                                 "    functions:\n"
                                 "      t: [ { with: { lock: x, do: [ { compute: 4ms } ] } } ]\n"
                                 "      child: [ { spawn: t }, { compute: 1ms }, { lock: x }, { "
                                 "unlock: x } ]\n"
                                 "    threads:\n"
                                 "      - name: main\n"
                                 "        run: [ { fork: child }, { compute: 500us }, { with: { "
                                 "lock: x, do: [ { compute: 8ms } ] } } ]\n");
    expect_now("child", 2 * MS,
               "child waits for lock child/x since 1 ms; t holds it since 0 ns.\n"
               "  t runs on core 2 since 0 ns, at line 6 (compute).\n");
}

// t holds x from 0 to 4 ms, main forks at 1 ms: the child's x is held and t will release its own.
static void lock_held_at_a_fork(void **state)
{
    (void)state;
    record_run(&recorded,
               ZERO("4", "fifo") "    locks: { x: lock }\n"
                                 "    functions: { child: [ { lock: x } ] }\n"
                                 "    threads:\n"
                                 "      - { name: t, run: [ { lock: x }, { compute: 4ms }, "
                                 "{ unlock: x } ] }\n"
                                 "      - { name: main, run: [ { sleep: 1ms }, { fork: child }, "
                                 "{ lock: x }, { compute: 3ms }, { unlock: x } ] }\n");
    expect_now("main", 2 * MS,
               "main waits for lock x since 1 ms; t holds it since 0 ns.\n"
               "  t runs on core 0 since 0 ns, at line 7 (compute).\n");
    const char *never = "child waits for lock child/x since 1 ms; t held it at the fork, so nobody "
                        "will release the copy.\n";
    expect_now("child", 2 * MS, never);
    expect_now("child", 7 * MS, never);
    // main ends at 7 ms: nobody is left.
    expect_wait("child", 2 * MS,
                "child waited for lock child/x for 6 ms, from 1 ms to the end of the run.\n");
}

// t reads under x when main forks, main reads as well. In the child's copy both still do: t, and
// child in main's place. main wants to write from 2 ms on and has t before it, child it does not.
static void readers_at_a_fork(void **state)
{
    (void)state;
    record_run(
        &recorded,
        ZERO("4", "fifo") "    locks: { x: rwlock }\n"
                          "    functions:\n"
                          "      w: [ { lock: x } ]\n"
                          "      child: [ { spawn: w }, { compute: 6ms } ]\n"
                          "    threads:\n"
                          "      - { name: t, run: [ { lock: { lock: x, mode: read } }, "
                          "{ compute: 4ms }, { unlock: x } ] }\n"
                          "      - { name: main, run: [ { sleep: 1ms }, "
                          "{ lock: { lock: x, mode: read } }, { fork: child }, { unlock: x }, "
                          "{ compute: 1ms }, { lock: x }, { unlock: x } ] }\n");
    expect_now("main", 3 * MS,
               "main waits for lock x since 2 ms; t reads under it.\n"
               "  t runs on core 0 since 0 ns, at line 9 (compute).\n");
    expect_now("w", 3 * MS,
               "w waits for lock child/x since 1 ms; child and t read under it.\n"
               "  child runs on core 2 since 1 ms, at line 7 (compute).\n"
               "  t runs on core 0 since 0 ns, at line 9 (compute).\n");
}

static void join_and_others(void **state)
{
    (void)state;
    record_run(
        &recorded,
        ZERO("2", "fifo") "    semaphores: { s: 0 }\n"
                          "    barriers: { b: 3 }\n"
                          "    functions: { nap: [ { sleep: 9ms } ] }\n"
                          "    threads:\n"
                          "      - name: main\n"
                          "        run: [ { spawn: { run: nap, count: 2 } }, { join: nap } ]\n"
                          "      - { name: stuck, daemon: true, run: [ { acquire: s } ] }\n"
                          "      - { name: first, daemon: true, run: [ { barrier: b } ] }\n"
                          "      - { name: timed, daemon: true, run: [ { acquire: { "
                          "semaphore: s, timeout: 20ms } } ] }\n"
                          "      - { name: later, start: 2ms, run: [ { compute: 1ms } ] }\n");
    expect_now("main", 1 * MS,
               "main waits since 0 ns for nap to end: nap-1 and nap-2 are still there.\n"
               "  nap-1 sleeps since 0 ns; its timer is due at 9 ms.\n"
               "  nap-2 sleeps since 0 ns; its timer is due at 9 ms.\n");
    expect_now("stuck", 1 * MS,
               "stuck waits at semaphore s since 0 ns, which is at 0.\n"
               "It goes on when somebody releases semaphore s; no thread that is there has an "
               "operation for that.\n");
    expect_now("first", 1 * MS,
               "first waits at barrier b since 0 ns, to which 1 of 3 have come.\n"
               "It goes on when somebody comes to barrier b; no thread that is there has an "
               "operation for that.\n");
    expect_now("timed", 1 * MS,
               "timed waits at semaphore s since 0 ns, which is at 0.\n"
               "It goes on when somebody releases semaphore s, or at 20 ms its time is over; no "
               "thread that is there has an operation for that.\n");
    expect_now("later", 1 * MS, "later has not started.\n");
}

// Two read from 0 to 5 ms and to 8 ms; the writer has to wait for both. At the barrier, who has
// come is nobody to wait for.
static void readers_and_barrier(void **state)
{
    (void)state;
    record_run(
        &recorded,
        ZERO("4", "fifo") "    locks: { x: rwlock }\n"
                          "    barriers: { b: 3 }\n"
                          "    functions:\n"
                          "      read: [ { with: { lock: x, mode: read, do: [ { compute: 5ms } "
                          "] } } ]\n"
                          "    threads:\n"
                          "      - { name: r1, run: [ { call: read } ] }\n"
                          "      - { name: r2, run: [ { call: read }, { barrier: b } ] }\n"
                          "      - { name: writer, start: 1ms, run: [ { lock: x }, { unlock: "
                          "x }, { barrier: b } ] }\n"
                          "      - { name: slow, run: [ { compute: 9ms }, { barrier: b } ] }\n");
    expect_now("writer", 2 * MS,
               "writer waits for lock x since 1 ms; r2 and r1 read under it.\n"
               "  r2 runs on core 1 since 0 ns, at line 7 (compute).\n"
               "  r1 runs on core 0 since 0 ns, at line 7 (compute).\n");
    expect_now("writer", 6 * MS,
               "writer waits at barrier b since 5 ms, to which 2 of 3 have come.\n"
               "It goes on when somebody comes to barrier b; slow could.\n"
               "  slow runs on core 2 since 0 ns, at line 12 (compute).\n");
}

// ---- whatever the trace is

// Every sentence ends as one does, and none is longer than a few lines.
static void check_lines(void)
{
    assert_in_range(why.count, 0, WHY_LINES_MAX);
    for (uint32_t i = 0; i < why.count; i++) {
        const char *text = why.lines[i].text;
        size_t length = strlen(text);
        assert_in_range(length, 5, 1000);
        assert_true(text[length - 1] == '.' || text[length - 1] == ':');
        assert_null(strchr(text, '\n'));
    }
}

static void ask_everywhere(const Recording *recording, uint64_t seed, int times)
{
    Scene scene;
    Rng rng = rng_make(seed, 3);
    scene_open(&scene, recording->scenario);
    for (int n = 0; n < times; n++) {
        recording_seek(recording, &scene, rng_below(&rng, recording->count + 1));
        uint32_t task = 1 + (uint32_t)rng_below(&rng, scene.tasks.count + 1);
        why_now(&why, recording, &scene, task);
        assert_true(why.count > 0);
        check_lines();
        why_so_long(&why, recording, &scene, task);
        check_lines();
    }
    scene_free(&scene);
    why_free(&why);
}

static void any_scenario(void **state)
{
    (void)state;
    static RandomScenario scenario;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        random_scenario(&scenario, seed);
        record_run(&recorded, scenario.yaml);
        ask_everywhere(&recorded.recording, seed, 30);
        recorded_free(&recorded);
    }
}

static void any_records(void **state)
{
    (void)state;
    HandTrace hand;
    hand_open(&hand, "pipes: [ line ]\nmessage_queues: { letters: 10 }\nprocesses:\n"
                     "  - name: app\n    locks: { cache: lock, s: spin }\n    queues: { q: 1 }\n"
                     "    threads:\n      - { name: a, count: 2, run: [ { compute: 1ms } ] }\n");
    for (uint64_t seed = 1; seed <= 200; seed++) {
        hand.records.count = 0;
        hand_random(&hand, seed, 300);
        TraceFile file = {.records = hand.records.at, .count = hand.records.count};
        Recording recording;
        recording_of_file(&recording, &hand.scenario, &file);
        ask_everywhere(&recording, seed, 20);
        recording_free(&recording);
    }
    hand_free(&hand);
}

// A Lock of Python has no owner. w has it from 0 on and wants it again; o unlocks it at 5 ms, and w
// has it a second time when it ends. x waits for it from 6 ms on, which nobody ends any more.
static void a_lock_of_python(void **state)
{
    (void)state;
    record_run(&recorded,
               "machine: { cores: 2, costs: zero }\n"
               "runtime: cpython-3.12\n"
               "locks: { g: lock }\n"
               "threads:\n"
               "  - { name: w, run: [ { lock: g }, { lock: g } ] }\n"
               "  - { name: o, run: [ { sleep: 5ms }, { unlock: g } ] }\n"
               "  - { name: x, start: 6ms, run: [ { lock: { lock: g, timeout: 9ms } } ] }\n");
    expect_now("w", 3 * MS,
               "w waits for lock g since 0 ns, which it holds itself.\n"
               "It goes on when somebody unlocks lock g; o could.\n"
               "  o sleeps since 0 ns; its timer is due at 5 ms.\n");
    assert_false(why.circle);
    expect_now("x", 8 * MS,
               "x waits for lock g since 6 ms; w held it when it ended.\n"
               "It goes on when somebody unlocks lock g, or at 15 ms its time is over; no thread "
               "that is there has an operation for that.\n");
}

// The one thread of the executor begins the second item at 10 ms and has it done at 20.
static void what_an_executor_does(void **state)
{
    (void)state;
    record_run(&recorded, "machine: { cores: 1, costs: zero }\n"
                          "runtime: cpython-3.12\n"
                          "executors: { pool: 1 }\n"
                          "functions: { nap: [ { sleep: 10ms } ] }\n"
                          "threads:\n"
                          "  - name: main\n"
                          "    run:\n"
                          "      - submit: { to: pool, run: nap, as: naps, count: 2 }\n"
                          "      - result: naps\n");
    expect_wait("main", 15 * MS,
                "main waited for event pool-results for 10 ms, from 10 ms to 20 ms.\n"
                "It ended at 20 ms: pool-1 has done item 2 of pool.\n"
                "  From 10 ms to 20 ms it took pool-1: sleeps 10 ms.\n");
}

// Without a GIL: b stops at 10 ms for a's collection, which is at work until 14 ms. It says so to
// a, 10 us, and goes to sleep, 5 us. d finds at 21 ms that c changes x, 20 ms long from 20 ms on;
// it tries forty times, 10 us each, and goes to sleep. (Times are shown with four digits.)
static void what_threads_without_a_gil_wait_for(void **state)
{
    (void)state;
    record_run(&recorded,
               "machine: { cores: 4, costs: { base: zero, object_new: 100ns, gc_object: 40ns, "
               "syscall: 10us, store: 20ms } }\nruntime: cpython-3.13t\nvariables: { x: 0 }\n"
               "threads:\n"
               "  - name: a\n"
               "    run: [ gc.disable, { new_objects: { count: 100000, as: o } }, gc.collect ]\n"
               "  - { name: b, run: [ { compute: 60ms } ] }\n"
               "  - { name: c, start: 20ms, run: [ { store: { to: x, value: 1 } } ] }\n"
               "  - { name: d, start: 21ms, run: [ { store: { to: x, value: 2 } } ] }\n");
    expect_now("b", 12 * MS,
               "b waits since 10.02 ms: a collects garbage, and until it is done no other thread "
               "executes bytecode.\n"
               "  a runs on core 0 since 0 ns, at line 6 (gc.collect).\n");
    // That takes 4 ms, and little besides.
    tell_wait("b", 12 * MS);
    assert_non_null(strstr(lines_text(), "b waited for the collector for 4.0"));
    assert_non_null(strstr(lines_text(), ": a lets the threads of main go on: 1 have waited.\n"));
    expect_now("d", 30 * MS,
               "d waits since 21.41 ms for an object that c changes.\n"
               "  c runs on core 0 since 20 ms, at line 8 (store).\n");
    recorded_free(&recorded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_threads_without_a_gil_wait_for),
        cmocka_unit_test_teardown(a_lock_of_python, end),
        cmocka_unit_test_teardown(what_an_executor_does, end),
        cmocka_unit_test_teardown(lock_convoy, end),
        cmocka_unit_test_teardown(woken_in_vain, end),
        cmocka_unit_test_teardown(priority_inversion, end),
        cmocka_unit_test_teardown(priority_inheritance, end),
        cmocka_unit_test_teardown(philosophers, end),
        cmocka_unit_test_teardown(pipeline, end),
        cmocka_unit_test_teardown(producer_and_consumer, end),
        cmocka_unit_test_teardown(behind_an_earlier_deadline, end),
        cmocka_unit_test_teardown(behind_other_schedulers, end),
        cmocka_unit_test_teardown(fork_and_wait, end),
        cmocka_unit_test_teardown(lock_of_a_forked_process, end),
        cmocka_unit_test_teardown(lock_held_at_a_fork, end),
        cmocka_unit_test_teardown(readers_at_a_fork, end),
        cmocka_unit_test_teardown(join_and_others, end),
        cmocka_unit_test_teardown(readers_and_barrier, end),
        cmocka_unit_test(any_scenario),
        cmocka_unit_test(any_records),
    };
    return cmocka_run_group_tests_name("why", tests, NULL, NULL);
}
