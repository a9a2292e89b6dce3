// Scenes of small runs, every number of them worked out by hand, and the option that shows them.
#include "sim/analysis/recording.h"
#include "sim/analysis/scene_text.h"
#include "tests/one_run.h"
#include "tests/run_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Recording recording;
static Scene scene;

// Runs `yaml` and goes to an instant.
static void at_us(const char *yaml, int64_t us)
{
    simulate(&run, yaml);
    recording_of_memory(&recording, &run.scenario, &run.memory);
    scene_open(&scene, &run.scenario);
    recording_seek_time(&recording, &scene, us * US);
}

static int end(void **state)
{
    (void)state;
    scene_free(&scene);
    recording_free(&recording);
    simulated_free(&run);
    run = (Simulated){0};
    return 0;
}

static uint32_t id_of(const char *name)
{
    for (uint32_t id = 1; id <= run.result.tasks; id++)
        if (strcmp(simulated_name(&run, id), name) == 0)
            return id;
    fail_msg("there is no thread '%s'", name);
    return 0;
}

static const SceneTask *task(const char *name)
{
    return scene_task(&scene, id_of(name));
}

// The names in a list, "a b c", and that it is as long as it says.
static void expect_list(uint32_t first, uint32_t count, const char *names)
{
    char found[256] = "";
    uint32_t seen = 0;
    for (uint32_t at = first; at != 0; at = scene.tasks.at[at - 1].next, seen++) {
        if (seen > 0)
            strcat(found, " ");
        strcat(found, simulated_name(&run, at));
    }
    assert_string_equal(found, names);
    assert_int_equal(seen, count);
}

static void expect_state(const char *name, TaskState state, int64_t since_us)
{
    assert_string_equal(task_state_word(task(name)->state), task_state_word(state));
    assert_int_equal(task(name)->since_ns, since_us * US);
}

static void expect_times(const char *name, int64_t user_us, int64_t kernel_us, int64_t runnable_us)
{
    TaskTimes times = scene_task_times(&scene, id_of(name));
    assert_int_equal(times.user_ns, user_us * US);
    assert_int_equal(times.kernel_ns, kernel_us * US);
    assert_int_equal(times.runnable_ns, runnable_us * US);
}

// ---- copies of forked processes

#define LOCK_AT_A_FORK                                                                             \
    "machine: { cores: 4, costs: zero }\nlocks: { l: lock, r: rlock }\n"                           \
    "semaphores: { s: 3 }\nvariables: { x: 1 }\n"                                                  \
    "functions:\n"                                                                                 \
    "  child: [ { store: { to: x, value: 3 } }, { release: s }, { with: { lock: l, do: [] } } ]\n" \
    "threads:\n"                                                                                   \
    "  - { name: t, run: [ { with: { lock: l, do: [ { compute: 4ms } ] } } ] }\n"                  \
    "  - { name: main, run: [ { sleep: 1ms }, { store: { to: x, value: 2 } }, { acquire: s }, "    \
    "{ lock: r }, { lock: r }, { fork: child }, { acquire: s }, { with: { lock: l, do: [ { "       \
    "compute: 2ms } ] } } ] }\n"

enum { NUMBER_L = 1, NUMBER_R, NUMBER_S, CHILD_L, CHILD_R, CHILD_S, CHILD_X = 2 };

// t has l from 0 to 4 ms; main forks at 1 ms, when s is at 2 of 3, x at 2, and main has r twice.
static void a_fork_copies_what_there_is(void **state)
{
    (void)state;
    at_us(LOCK_AT_A_FORK, 0);
    assert_int_equal(scene.syncs.count, 3);
    recording_seek_time(&recording, &scene, 3 * MS);
    assert_int_equal(scene.syncs.count, 6);
    assert_int_equal(task("main")->wants, NUMBER_L);
    assert_int_equal(task("child")->wants, CHILD_L);
    expect_list(scene_sync(&scene, NUMBER_L)->first, scene_sync(&scene, NUMBER_L)->waiting, "main");
    expect_list(scene_sync(&scene, CHILD_L)->first, scene_sync(&scene, CHILD_L)->waiting, "child");
    assert_int_equal(scene_sync(&scene, CHILD_L)->holder, id_of("t"));
    assert_int_equal(scene_sync(&scene, CHILD_L)->held_since_ns, 1 * MS);
    assert_true(scene_sync_orphaned(&scene, CHILD_L));
    assert_false(scene_sync_orphaned(&scene, NUMBER_L));
    // What the forking thread has, the child's first thread has.
    assert_int_equal(scene_sync(&scene, NUMBER_R)->holder, id_of("main"));
    assert_int_equal(scene_sync(&scene, CHILD_R)->holder, id_of("child"));
    assert_int_equal(scene_sync(&scene, CHILD_R)->depth, 2);
    assert_false(scene_sync_orphaned(&scene, CHILD_R));
    // main has taken another one, the child has given one back.
    assert_int_equal(scene_sync(&scene, NUMBER_S)->level, 1);
    assert_int_equal(scene_sync(&scene, CHILD_S)->level, 3);
    assert_int_equal(scene.variables.at[0], 2);
    assert_int_equal(scene.variables.at[CHILD_X - 1], 3);
    // t's release, at 4 ms, is of its own l: main has it then, and gives it back at 6.
    recording_seek_time(&recording, &scene, 5 * MS);
    assert_int_equal(scene_sync(&scene, NUMBER_L)->holder, id_of("main"));
    assert_int_equal(scene_sync(&scene, CHILD_L)->holder, id_of("t"));
    recording_seek_time(&recording, &scene, 6 * MS);
    assert_int_equal(scene_sync(&scene, NUMBER_L)->holder, 0);
    assert_int_equal(scene_sync(&scene, CHILD_L)->holder, id_of("t"));
    expect_state("child", TASK_STATE_WAITS_LOCK, 1000);
}

// A process's own are there until it ends or turns into another program, which begins anew.
static void copies_end(void **state)
{
    (void)state;
    at_us(
        "machine: { cores: 2, costs: zero }\nsemaphores: { s: 5 }\n"
        "functions: { child: [ { compute: 1ms }, { exec: again } ], again: [ { compute: 1ms } ] }\n"
        "threads: [ { name: main, run: [ { acquire: s }, { fork: child }, { compute: 3ms } ] } ]\n",
        500);
    assert_true(scene_sync_there(&scene, 1));
    assert_true(scene_sync_there(&scene, 2));
    assert_int_equal(scene_sync(&scene, 2)->level, 4);
    recording_seek_time(&recording, &scene, 1500 * US);
    assert_int_equal(scene.syncs.count, 3);
    assert_false(scene_sync_there(&scene, 2));
    assert_true(scene_sync_there(&scene, 3));
    assert_int_equal(scene_sync(&scene, 3)->level, 5);
    recording_seek_time(&recording, &scene, 2500 * US);
    assert_true(scene_sync_there(&scene, 1));
    assert_false(scene_sync_there(&scene, 3));
}

// ---- cores and run queues

#define ROUND_ROBIN                                                                                \
    "machine: { cores: 1, scheduler: { policy: rr, slice: 10ms }, costs: zero }\n"                 \
    "threads:\n"                                                                                   \
    "  - { name: a, run: [ { compute: 15ms } ] }\n"                                                \
    "  - { name: b, run: [ { compute: 30ms } ] }\n"                                                \
    "  - { name: c, start: 12ms, run: [ { compute: 1ms } ] }\n"

static void before_anything(void **state)
{
    (void)state;
    at_us(ROUND_ROBIN, 0);
    recording_seek(&recording, &scene, 0);
    assert_int_equal(scene.next, 0);
    assert_int_equal(scene.tasks.count, 0);
    assert_null(scene_task(&scene, 1));
    assert_int_equal(scene.core_count, 1);
    assert_int_equal(scene.cores[0].task, 0);
    assert_true(scene_process(&scene, 1) != NULL);
    assert_false(scene.processes.at[0].started);
}

static void a_core_and_its_queue(void **state)
{
    (void)state;
    // a 0-10, b 10-20; c comes at 12 behind a, which came back at 10.
    at_us(ROUND_ROBIN, 13500);
    assert_int_equal(scene.cores[0].task, id_of("b"));
    assert_int_equal(scene.cores[0].since_ns, 10 * MS);
    expect_list(scene.cores[0].first, scene.cores[0].queued, "a c");
    expect_state("a", TASK_STATE_RUNNABLE, 10000);
    expect_state("b", TASK_STATE_RUNNING_USER, 10000);
    expect_state("c", TASK_STATE_RUNNABLE, 12000);
    assert_int_equal(scene.in_state[TASK_STATE_RUNNABLE], 2);
    assert_int_equal(task("a")->place, PLACE_CORE);
    assert_int_equal(task("a")->place_id, 1);
    expect_times("a", 10000, 0, 3500);
    expect_times("b", 3500, 0, 10000);
    expect_times("c", 0, 0, 1500);
    assert_int_equal(task("b")->switches, 1);
    assert_int_equal(scene_core_times(&scene, 0).user_ns, 13500 * US);
    assert_int_equal(scene_core_times(&scene, 0).idle_ns, 0);
    assert_int_equal(scene.processes.at[0].threads, 3);
    // a is done at 25, and c between 25 and 26; b has the rest: 10 + 15 of 30 by 41.
    recording_seek_time(&recording, &scene, 41 * MS);
    expect_state("a", TASK_STATE_ENDED, 25000);
    expect_state("c", TASK_STATE_ENDED, 26000);
    assert_int_equal(scene.processes.at[0].threads, 1);
    expect_times("b", 25000, 0, 10000 + 6000);
    expect_times("a", 15000, 0, 10000);
    assert_false(scene.ended);
    recording_seek_time(&recording, &scene, 1000 * MS);
    assert_int_equal(scene.time_ns, 46 * MS);
    assert_true(scene.ended);
    assert_int_equal(scene.end, END_DONE);
}

static void one_queue_for_all_cores(void **state)
{
    (void)state;
    // a and b have the cores; c and d wait in the one queue, though they came to different cores.
    at_us("machine: { cores: 2, scheduler: { policy: fifo, queue: global }, costs: zero }\n"
          "threads:\n"
          "  - { name: a, run: [ { compute: 4ms } ] }\n"
          "  - { name: b, run: [ { compute: 9ms } ] }\n"
          "  - { name: c, start: 1ms, run: [ { compute: 3ms } ] }\n"
          "  - { name: d, start: 2ms, run: [ { compute: 3ms } ] }\n",
          3000);
    expect_list(scene.cores[0].first, scene.cores[0].queued, "c d");
    assert_int_equal(scene.cores[1].queued, 0);
    recording_seek_time(&recording, &scene, 5 * MS);
    assert_int_equal(scene.cores[0].task, id_of("c"));
    expect_list(scene.cores[0].first, scene.cores[0].queued, "d");
    expect_times("c", 1000, 0, 3000);
}

static void a_core_in_the_kernel(void **state)
{
    (void)state;
    // The first thread pays for no switch: it computes to 1000, and yields from there to 1002.
    at_us("machine: { cores: 1, scheduler: fifo, costs: { base: zero, syscall: 2us, "
          "context_switch: 3us } }\n"
          "threads:\n"
          "  - { name: a, run: [ { compute: 1ms }, { yield: {} }, { compute: 1ms } ] }\n"
          "  - { name: b, run: [ { compute: 1ms } ] }\n",
          1001);
    expect_state("a", TASK_STATE_RUNNING_KERNEL, 1000);
    assert_int_equal(task("a")->errand, KERNEL_ERRAND_SYSCALL);
    assert_int_equal(task("a")->syscall, SYSCALL_SCHED_YIELD + 1);
    assert_int_equal(scene.cores[0].in_kernel, 1);
    expect_times("a", 1000, 1, 0);
    // Then b switches in, for 3.
    recording_seek_time(&recording, &scene, 1004 * US);
    expect_state("b", TASK_STATE_RUNNING_KERNEL, 1002);
    assert_int_equal(task("b")->errand, KERNEL_ERRAND_SWITCH);
    assert_int_equal(task("b")->syscall, 0);
    expect_times("b", 0, 2, 1002);
    expect_state("a", TASK_STATE_RUNNABLE, 1002);
    CoreTimes times = scene_core_times(&scene, 0);
    assert_int_equal(times.user_ns, 1000 * US);
    assert_int_equal(times.kernel_ns, 4 * US);
}

static void an_interrupt_has_the_core(void **state)
{
    (void)state;
    // A tick of 10 us at 4 ms: nobody's time but the core's.
    at_us("machine: { cores: 1, tick: 4ms, costs: { base: zero, tick: 10us } }\n"
          "threads: [ { name: a, count: 2, run: [ { compute: 6ms } ] } ]\n",
          4004);
    assert_true(scene_core_interrupted(&scene, 0));
    assert_int_equal(scene.cores[0].irq, IRQ_TICK);
    assert_int_equal(scene.cores[0].irq_until_ns, 4010 * US);
    assert_int_equal(scene_core_times(&scene, 0).irq_ns, 4 * US);
    assert_int_equal(scene_core_times(&scene, 0).user_ns, 4 * MS);
    recording_seek_time(&recording, &scene, 4012 * US);
    assert_false(scene_core_interrupted(&scene, 0));
    assert_int_equal(scene_core_times(&scene, 0).irq_ns, 10 * US);
}

// ---- waiting

#define QUEUE_FOR_A_LOCK                                                                           \
    ZERO("3")                                                                                      \
    "locks: { x: lock }\n"                                                                         \
    "threads:\n"                                                                                   \
    "  - { name: h, run: [ { with: { lock: x, do: [ { compute: 10ms } ] } } ] }\n"                 \
    "  - { name: a, start: 2ms, run: [ { with: { lock: x, do: [ { compute: 5ms } ] } } ] }\n"      \
    "  - { name: b, start: 1ms, run: [ { with: { lock: x, do: [ { compute: 5ms } ] } } ] }\n"

static void a_lock_has_a_holder_and_waiters(void **state)
{
    (void)state;
    at_us(QUEUE_FOR_A_LOCK, 6000);
    assert_int_equal(scene.syncs.at[0].holder, id_of("h"));
    assert_int_equal(scene.syncs.at[0].held_since_ns, 0);
    expect_list(scene.syncs.at[0].first, scene.syncs.at[0].waiting, "b a");
    expect_state("b", TASK_STATE_WAITS_LOCK, 1000);
    assert_int_equal(task("b")->wants, 1);
    assert_int_equal(task("b")->holder, id_of("h"));
    assert_int_equal(task("b")->syscall, SYSCALL_FUTEX_WAIT + 1);
    // b is woken at 10, by h, and has it at once.
    recording_seek_time(&recording, &scene, 12 * MS);
    assert_int_equal(scene.syncs.at[0].holder, id_of("b"));
    assert_int_equal(scene.syncs.at[0].held_since_ns, 10 * MS);
    expect_list(scene.syncs.at[0].first, scene.syncs.at[0].waiting, "a");
    assert_int_equal(task("b")->wants, 0);
    assert_int_equal(task("b")->waker, id_of("h"));
    const TraceRecord *wakeup = recording_at(&recording, task("b")->waker_record - 1);
    assert_int_equal(wakeup->kind, EVENT_WAKEUP);
    assert_int_equal(wakeup->task, id_of("b"));
    recording_seek_time(&recording, &scene, 20 * MS);
    assert_int_equal(scene.syncs.at[0].holder, 0);
}

static void a_spinner_stays_on_its_core(void **state)
{
    (void)state;
    at_us(ZERO("2") "locks: { x: spin }\n"
                    "threads:\n"
                    "  - { name: h, run: [ { with: { lock: x, do: [ { compute: 4ms } ] } } ] }\n"
                    "  - { name: s, start: 1ms, run: [ { with: { lock: x, do: [] } } ] }\n",
          3000);
    expect_state("s", TASK_STATE_SPINNING, 1000);
    assert_true(task_state_runs((TaskState)task("s")->state));
    expect_list(scene.syncs.at[0].first, scene.syncs.at[0].waiting, "s");
    assert_int_equal(scene.cores[task("s")->core].task, id_of("s"));
    expect_times("s", 2000, 0, 0);
}

static void readers_are_counted(void **state)
{
    (void)state;
    at_us(ZERO("4") "locks: { x: rwlock }\n"
                    "threads:\n"
                    "  - { name: r, count: 3, run: [ { with: { lock: x, mode: read, do: [ { "
                    "compute: 4ms } ] } } ] }\n"
                    "  - { name: w, start: 1ms, run: [ { with: { lock: x, do: [ { compute: 1ms } "
                    "] } } ] }\n",
          2000);
    assert_int_equal(scene.syncs.at[0].readers, 3);
    assert_int_equal(scene.syncs.at[0].holder, 0);
    expect_list(scene.syncs.at[0].first, scene.syncs.at[0].waiting, "w");
    recording_seek_time(&recording, &scene, 4500 * US);
    assert_int_equal(scene.syncs.at[0].readers, 0);
    assert_int_equal(scene.syncs.at[0].holder, id_of("w"));
}

static void objects_have_levels(void **state)
{
    (void)state;
    // Three items by 3 ms; two of the semaphore's three are taken; two of the barrier's three are
    // there; the event is clear, and w waits for it.
    at_us(ZERO("6") "queues: { jobs: 5 }\n"
                    "semaphores: { slots: 3 }\n"
                    "barriers: { gate: 3 }\n"
                    "events: [ go ]\n"
                    "threads:\n"
                    "  - { name: p, run: [ { repeat: { times: 3, do: [ { compute: 1ms }, { put: "
                    "jobs } ] } }, { sleep: 9ms } ] }\n"
                    "  - { name: t, count: 2, run: [ { acquire: slots }, { barrier: gate } ] }\n"
                    "  - { name: w, run: [ { wait: go } ] }\n"
                    "  - { name: m, start: 4ms, run: [ { set: go }, { barrier: gate } ] }\n",
          3000);
    int64_t levels[4];
    for (uint32_t i = 0; i < 4; i++)
        levels[run.scenario.syncs[i].kind - SYNC_SEMAPHORE -
               (run.scenario.syncs[i].kind > SYNC_CONDITION)] = scene.syncs.at[i].level;
    assert_int_equal(levels[0], 1); // semaphore
    assert_int_equal(levels[1], 0); // event
    assert_int_equal(levels[2], 2); // barrier
    assert_int_equal(levels[3], 3); // queue
    expect_state("w", TASK_STATE_WAITS_SYNC, 0);
    expect_state("t-1", TASK_STATE_WAITS_SYNC, 0);
    assert_int_equal(run.scenario.syncs[task("t-1")->wants - 1].kind, SYNC_BARRIER);
    recording_seek_time(&recording, &scene, 4500 * US);
    expect_state("w", TASK_STATE_ENDED, 4000);
    expect_state("t-2", TASK_STATE_ENDED, 4000);
}

static void sleepers_and_joiners_are_blocked(void **state)
{
    (void)state;
    at_us(ZERO("1") "functions: { work: [ { sleep: 5ms } ] }\n"
                    "threads:\n"
                    "  - { name: main, run: [ { spawn: { run: work, as: w } }, { join: w } ] }\n"
                    "  - { name: z, run: [ { compute: 1ms }, { sleep: 7ms } ] }\n",
          3000);
    expect_list(scene.first_blocked, scene.blocked, "main z w");
    expect_state("main", TASK_STATE_WAITS_JOIN, 0);
    assert_int_equal(task("main")->place, PLACE_JOIN);
    assert_int_equal(task("main")->place_id, task("w")->def);
    expect_state("z", TASK_STATE_SLEEPS, 1000);
    assert_int_equal(task("z")->wakes_ns, 8 * MS);
    // w began its sleep when z had the core no more.
    assert_int_equal(task("w")->wakes_ns, 6 * MS);
    assert_int_equal(task("main")->wakes_ns, -1);
    assert_int_equal(scene.cores[0].task, 0);
    assert_int_equal(scene_core_times(&scene, 0).idle_ns, 2 * MS);
}

// ---- processes, pipes, data

static void pipes_hold_bytes(void **state)
{
    (void)state;
    at_us(
        ZERO("2") "processes:\n"
                  "  - name: app\n"
                  "    pipes: [ line ]\n"
                  "    threads:\n"
                  "      - { name: w, run: [ { write: { pipe: line, size: 12KiB } }, { sleep: 5ms "
                  "}, { close: { pipe: line, end: write } }, { sleep: 5ms } ] }\n"
                  "      - { name: r, start: 1ms, run: [ { read: { pipe: line, size: 4KiB } }, { "
                  "sleep: 1ms }, { read: { pipe: line, size: 8KiB } }, { read: { pipe: line, "
                  "size: 1KiB } } ] }\n",
        500);
    assert_int_equal(scene.pipes[0].bytes, 12 * 1024);
    recording_seek_time(&recording, &scene, 1500 * US);
    assert_int_equal(scene.pipes[0].bytes, 8 * 1024);
    recording_seek_time(&recording, &scene, 4 * MS);
    assert_int_equal(scene.pipes[0].bytes, 0);
    expect_list(scene.pipes[0].first, scene.pipes[0].waiting, "r");
    expect_state("r", TASK_STATE_WAITS_PIPE, 2000);
    assert_false(scene.pipes[0].closed[PIPE_END_WRITE]);
    recording_seek_time(&recording, &scene, 6 * MS);
    assert_true(scene.pipes[0].closed[PIPE_END_WRITE]);
    expect_state("r", TASK_STATE_ENDED, 5000);
}

static void processes_begin_end_and_are_collected(void **state)
{
    (void)state;
    // The child ends at 2 ms with 7; its parent collects it at 5.
    at_us(ZERO("2") "functions: { child: [ { compute: 2ms }, { exit: 7 } ] }\n"
                    "threads:\n"
                    "  - { name: p, run: [ { fork: child }, { sleep: 5ms }, wait_child, { sleep: "
                    "1ms } ] }\n",
          1000);
    uint32_t pid = task("child")->process;
    assert_int_equal(pid, 3); // 1 is main, 2 the child's template
    assert_null(scene_process(&scene, 2));
    const SceneProcess *child = scene_process(&scene, pid);
    assert_non_null(child);
    assert_int_equal(child->parent, 1);
    assert_int_equal(child->first_task, id_of("child"));
    assert_int_equal(child->threads, 1);
    assert_int_equal(scene.processes.at[0].threads, 1);
    recording_seek_time(&recording, &scene, 3 * MS);
    child = scene_process(&scene, pid);
    assert_true(child->ended && !child->reaped);
    assert_int_equal(child->status, 7);
    assert_int_equal(child->threads, 0);
    recording_seek_time(&recording, &scene, 5500 * US);
    assert_true(scene_process(&scene, pid)->reaped);
}

static void memory_is_the_process_s(void **state)
{
    (void)state;
    at_us(ZERO("1") "threads: [ { name: a, run: [ { alloc: { size: 1MiB, as: data } }, { touch: { "
                    "block: data, size: 64KiB } }, { sleep: 1ms } ] } ]\n",
          500);
    // 8 MiB of stack and the block; two pages of stack and 16 of the block.
    assert_int_equal(scene.processes.at[0].reserved, 9 << 20);
    assert_int_equal(scene.processes.at[0].resident, (2 + 16) * 4096);
    assert_int_equal(scene.processes.at[0].shared, 0);
}

static void variables_have_values(void **state)
{
    (void)state;
    at_us(ZERO("1") "variables: { x: 5 }\n"
                    "threads: [ { name: a, run: [ { compute: 1ms }, { add: { to: x, value: 3 "
                    "} }, { compute: 1ms } ] } ]\n",
          500);
    assert_int_equal(scene.variables.at[0], 5);
    recording_seek_time(&recording, &scene, 1500 * US);
    assert_int_equal(scene.variables.at[0], 8);
}

static void a_deadlock_names_its_members(void **state)
{
    (void)state;
    at_us(ZERO("2") LOCKS
          "threads:\n"
          "  - { name: a, run: [ { with: { lock: x, do: [ { compute: 1ms }, { lock: y } ] } } ] }\n"
          "  - { name: b, run: [ { with: { lock: y, do: [ { compute: 1ms }, { lock: x } ] } } ] }\n"
          "  - { name: c, run: [ { compute: 3ms } ] }\n",
          9000);
    assert_true(scene.ended);
    assert_int_equal(scene.end, END_DEADLOCK);
    assert_int_equal(scene.deadlocked, 2);
    assert_true(task("a")->deadlocked && task("b")->deadlocked);
    assert_false(task("c")->deadlocked);
    assert_int_equal(task("a")->holder, id_of("b"));
}

static void a_lent_priority_shows(void **state)
{
    (void)state;
    at_us("machine: { cores: 1, costs: zero }\n"
          "locks: { x: pi }\n"
          "threads:\n"
          "  - { name: low, policy: fifo 10, run: [ { with: { lock: x, do: [ { compute: 5ms } ] } "
          "} ] }\n"
          "  - { name: high, policy: fifo 30, start: 1ms, run: [ { with: { lock: x, do: [ { "
          "compute: 1ms } ] } } ] }\n",
          2000);
    assert_int_equal(task("low")->lender, id_of("high"));
    // The lock is handed over before its new holder runs.
    recording_seek_time(&recording, &scene, 5500 * US);
    assert_int_equal(task("low")->lender, 0);
    assert_int_equal(scene.syncs.at[0].holder, id_of("high"));
}

// ---- in words

static const char *in_words(void)
{
    static char text[8192];
    static Writer writer;
    FILE *file = fmemopen(text, sizeof text, "w");
    Names names = {&run.scenario, &recording.tasks, &recording.processes};
    writer_open_file(&writer, file);
    scene_text(&scene, &names, scene.next > 0 ? recording_at(&recording, scene.next - 1) : NULL,
               recording.count, &writer);
    writer_flush(&writer);
    fclose(file);
    return text;
}

static void it_says_all_of_it(void **state)
{
    (void)state;
    at_us(QUEUE_FOR_A_LOCK, 6000);
    // Records by 6 ms: h is created, joins, is switched in, begins `with`, takes the lock and
    // begins to compute: 6. The others come to the idle core 1, are created, join, are switched in,
    // begin, enter the kernel, must wait and leave: 7 each.
    assert_string_equal(
        in_words(), "at 6.000000 ms, after event 20 of 51: a leaves core 1: it waits for a lock\n"
                    "cores\n"
                    "  core 0                h, for 6 ms, in user mode, at line 4 (compute)\n"
                    "  core 1                idle for 4 ms\n"
                    "  core 2                idle for 6 ms\n"
                    "locks and queues\n"
                    "  lock x                h has it for 6 ms; waiting: b (5 ms), a (4 ms)\n"
                    "processes\n"
                    "  main                  3 threads\n"
                    "threads\n"
                    "  1 running, 2 waits for lock\n");
    end(NULL);
    at_us(ROUND_ROBIN, 13500);
    assert_non_null(strstr(in_words(), "run queue: a (waits for 3.5 ms), c (waits for 1.5 ms)\n"));
}

// t has l until 4 ms, and the child's copy for ever; main has waited for its own since 1 ms.
static void it_names_copies(void **state)
{
    (void)state;
    at_us(LOCK_AT_A_FORK, 3000);
    assert_non_null(strstr(in_words(),
                           "locks and queues\n"
                           "  lock l                t has it for 3 ms; waiting: main (2 ms)\n"
                           "  rlock r               main has it for 2 ms, 2 deep\n"
                           "  semaphore s           1 left\n"
                           "  lock child/l          t had it at the fork, and nobody will release "
                           "it, for 2 ms; waiting: child (2 ms)\n"
                           "  rlock child/r         child has it for 2 ms, 2 deep\n"
                           "  semaphore child/s     3 left\n"));
    assert_non_null(strstr(in_words(), "variables\n  x = 2\n  child/x = 3\n"));
}

static void when_it_is_asked_for(void **state)
{
    (void)state;
    SceneAt at;
    assert_true(scene_at_parse(&at, "1.5ms") && at.by_time && !at.by_event);
    assert_int_equal(at.time_ns, 1500 * US);
    assert_true(scene_at_parse(&at, "event:214") && at.by_event && !at.by_time);
    assert_int_equal(at.event, 214);
    const char *const wrong[] = {"", "5", "event:", "event:x", "event:-1", "event:1 ", "-1ms"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(scene_at_parse(&at, wrong[i]));
}

// Runs, expects these two texts in what is printed, and says what it was.
static char *shown(const char *input, const char *option, const char *part)
{
    Ran ran = program_run("run", input, option, "--quiet", NULL);
    assert_int_equal(ran.status, 0);
    assert_contains(ran.out, part);
    char *out = strdup(ran.out);
    program_free(&ran);
    return out;
}

// A run and its saved trace say the same; by time and by event.
static void the_command_shows_it(void **state)
{
    (void)state;
    file_write("lock.yaml", QUEUE_FOR_A_LOCK);
    ASSERT_RUN(0, "", "run", "lock.yaml", "--save=lock.trace", "--quiet");
    const char *at_six = "at 6.000000 ms, after event 20 of 51: a leaves core 1";
    char *first = shown("lock.yaml", "--at=6ms", at_six);
    char *saved = shown("lock.trace", "--at=6ms", at_six);
    char *event = shown("lock.trace", "--at=event:20", "after event 20 of 51: a leaves core 1");
    assert_string_equal(first, saved);
    free(first);
    free(saved);
    free(event);
    free(shown("lock.yaml", "--at=event:0", "at 0.000000 ms, after event 0 of 51\ncores\n"));
    free(shown("lock.yaml", "--at=event:0", "threads\n  none yet\n"));
    // Behind the end it is the end, as when nothing is asked for.
    free(shown("lock.trace", "--at=1h", "at 20.000000 ms, after event 51 of 51: the run ends"));
    free(shown("lock.trace", "--scene", "at 20.000000 ms, after event 51 of 51: the run ends"));
    ASSERT_RUN(2, "--at needs a time or an event, as in 12ms or event:214; found '6'", "run",
               "lock.yaml", "--at=6");
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(before_anything),
        TEST(a_fork_copies_what_there_is),
        TEST(copies_end),
        TEST(it_names_copies),
        TEST(a_core_and_its_queue),
        TEST(one_queue_for_all_cores),
        TEST(a_core_in_the_kernel),
        TEST(an_interrupt_has_the_core),
        TEST(a_lock_has_a_holder_and_waiters),
        TEST(a_spinner_stays_on_its_core),
        TEST(readers_are_counted),
        TEST(objects_have_levels),
        TEST(sleepers_and_joiners_are_blocked),
        TEST(pipes_hold_bytes),
        TEST(processes_begin_end_and_are_collected),
        TEST(memory_is_the_process_s),
        TEST(variables_have_values),
        TEST(a_deadlock_names_its_members),
        TEST(a_lent_priority_shows),
        TEST(it_says_all_of_it),
        cmocka_unit_test(when_it_is_asked_for),
        cmocka_unit_test_setup_teardown(the_command_shows_it, program_set_up, program_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
