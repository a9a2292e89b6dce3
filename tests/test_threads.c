// Locks, spawn and join, daemons and the flow of a program on the simulated machine.
// Timelines are in microseconds and worked out in the comments; with `costs: zero` what is not
// computation or sleep takes no time.
#include "tests/one_run.h"

#include <stdio.h>
#include <string.h>

// ---- locks on the textbook machine

// A holds 0-5; B comes at 1, waits 4 and holds 5-8.
static void a_lock_is_held_by_one(void **state)
{
    (void)state;
    one_run(
        ZERO("2") LOCK
        "threads:\n"
        "  - { name: A, run: [ { with: { lock: x, do: [ { compute: 5us } ] } } ] }\n"
        "  - { name: B, start: 1us, run: [ { with: { lock: x, do: [ { compute: 3us } ] } } ] }\n");
    expect_timeline("A", "in 0, take x 0, release x 5, call futex wake 5, return 5, call exit 5, "
                         "ended 5, out exit 5");
    expect_timeline("B",
                    "in 1, call futex wait 1, wait x 1, out lock 1, woken 5, in 5, return 5, "
                    "take x 5, release x 8, call futex wake 8, return 8, call exit 8, ended 8");
    const SyncMetrics *lock = &metrics.syncs[1];
    assert_int_equal(lock->waits.total, 1);
    assert_int_equal(lock->waits.max, 4 * US);
    assert_int_equal(lock->holds.total, 2);
    assert_int_equal(lock->holds.max, 5 * US);
    assert_int_equal(lock->holds.min, 3 * US);
    expect_end(END_DONE, 8 * US);
}

// C, B and D come in this order while A holds, and get it in this order, 1 us each.
static void waiters_are_served_in_order(void **state)
{
    (void)state;
    one_run(ZERO("4") LOCK
            "functions: { f: [ { with: { lock: x, do: [ { compute: 1us } ] } } ] }\n"
            "threads:\n"
            "  - { name: A, run: [ { with: { lock: x, do: [ { compute: 10us } ] } } ] }\n"
            "  - { name: B, start: 2us, run: [ { call: f } ] }\n"
            "  - { name: C, start: 1us, run: [ { call: f } ] }\n"
            "  - { name: D, start: 3us, run: [ { call: f } ] }\n");
    assert_int_equal(simulated_time_of(&run, EVENT_LOCK_TAKEN, "C"), 10 * US);
    assert_int_equal(simulated_time_of(&run, EVENT_LOCK_TAKEN, "B"), 11 * US);
    assert_int_equal(simulated_time_of(&run, EVENT_LOCK_TAKEN, "D"), 12 * US);
    expect_end(END_DONE, 13 * US);
}

// One core. A sleeps 0-2 with the lock, B meanwhile begins to wait. At 3 A releases and wakes B,
// but goes on running and takes the lock again: nothing is handed over. B has its turn when A has
// ended, at 4, and finds it free.
static void a_running_thread_barges_in(void **state)
{
    (void)state;
    one_run(ZERO("1") LOCK
            "threads:\n"
            "  - { name: A, run: [ { lock: x }, { sleep: 2us }, { compute: 1us }, { unlock: x },\n"
            "                       { lock: x }, { compute: 1us }, { unlock: x } ] }\n"
            "  - { name: B, run: [ { with: { lock: x, do: [ { compute: 1us } ] } } ] }\n");
    expect_timeline("A", "in 0, take x 0, call clock_nanosleep 0, timer 0, out sleep 0, woken 2, "
                         "in 2, return 2, release x 3, call futex wake 3, return 3, take x 3, "
                         "release x 4, call exit 4, ended 4, out exit 4");
    expect_timeline("B",
                    "in 0, call futex wait 0, wait x 0, out lock 0, woken 3, in 4, return 4, "
                    "take x 4, release x 5, call futex wake 5, return 5, call exit 5, ended 5");
}

// Two cores. A releases at 2, wakes B and takes the lock again at the same instant, on its own
// core; B comes too late, waits anew, and gets it at 5. For the metrics that is one wait, of 4 us.
static void the_woken_thread_may_wait_again(void **state)
{
    (void)state;
    one_run(
        ZERO("2") LOCK
        "threads:\n"
        "  - { name: A, run: [ { lock: x }, { compute: 2us }, { unlock: x },\n"
        "                       { lock: x }, { compute: 3us }, { unlock: x } ] }\n"
        "  - { name: B, start: 1us, run: [ { with: { lock: x, do: [ { compute: 1us } ] } } ] }\n");
    expect_timeline("B",
                    "in 1, call futex wait 1, wait x 1, out lock 1, woken 2, in 2, return 2, "
                    "call futex wait 2, wait x 2, out lock 2, woken 5, in 5, return 5, "
                    "take x 5, release x 6, call futex wake 6, return 6, call exit 6, ended 6");
    assert_int_equal(metrics.syncs[1].waits.total, 1);
    assert_int_equal(metrics.syncs[1].waits.max, 4 * US);
    assert_int_equal(simulated_thread(&run, &metrics, "B")->switches_voluntary, 2);
}

// The futex looks at its value again before it sleeps. B finds the lock taken at 0 and needs
// 1 (half a system call) + 10 to get to sleep, at 11; but A has released at 5 and, its system call
// done at 7, woken nobody. So B goes back, at 12, takes the lock, as contended, holds it 12-15 and
// pays for a wake-up (2) that no one waits for. It never slept.
static void a_futex_checks_before_it_sleeps(void **state)
{
    (void)state;
    one_run("machine: { cores: 2, scheduler: fifo,\n"
            "           costs: { base: zero, syscall: 2us, futex_wait: 10us } }\n" LOCK "threads:\n"
            "  - { name: A, run: [ { with: { lock: x, do: [ { compute: 5us } ] } } ] }\n"
            "  - { name: B, run: [ { with: { lock: x, do: [ { compute: 3us } ] } } ] }\n");
    expect_timeline("A", "in 0, take x 0, release x 5, call futex wake 5, return 7, call exit 7, "
                         "ended 7, out exit 7");
    expect_timeline("B", "in 0, call futex wait 0, return 12, take x 12, release x 15, "
                         "call futex wake 15, return 17, call exit 17, ended 17");
    expect_cpu("B", 3 * US, 14 * US);
}

// A holds x from 0 to 5 us; B asks at 1, sleeps in the kernel, and has x from 5 to 8; who has
// slept for a lock releases it as if others slept too.
static void expect_five_then_three(void)
{
    expect_timeline("A", "in 0, take x 0, release x 5, call futex wake 5, return 5, call exit 5, "
                         "ended 5, out exit 5");
    expect_timeline("B",
                    "in 1, call futex wait 1, wait x 1, out lock 1, woken 5, in 5, return 5, "
                    "take x 5, release x 8, call futex wake 8, return 8, call exit 8, ended 8");
}

// `lock` and `unlock` are worth what `with` is.
static void with_is_lock_and_unlock(void **state)
{
    (void)state;
    one_run(ZERO("2") LOCK
            "threads:\n"
            "  - { name: A, run: [ { lock: x }, { compute: 5us }, { unlock: x } ] }\n"
            "  - { name: B, start: 1us, run: [ { lock: x }, { compute: 3us }, { unlock: x } ] }\n");
    expect_five_then_three();
    one_run_end(state);
    one_run(
        ZERO("2") LOCK
        "threads:\n"
        "  - { name: A, run: [ { with: { lock: x, do: [ { compute: 5us } ] } } ] }\n"
        "  - { name: B, start: 1us, run: [ { with: { lock: x, do: [ { compute: 3us } ] } } ] }\n");
    expect_five_then_three();
}

// ---- spawn and join

// Each clone takes 20. main waits from 40; f-1 runs 40-50, f-2 50-60, which wakes main.
static void spawn_makes_as_many_as_asked(void **state)
{
    (void)state;
    one_run(
        "machine: { scheduler: fifo, costs: { base: zero, clone: 20us } }\n"
        "functions: { f: [ { compute: 10us } ] }\n"
        "threads:\n"
        "  - { name: main, run: [ { spawn: { run: f, count: 2 } }, { join: f }, { compute: 1us } "
        "] }\n");
    expect_timeline("main", "in 0, call clone 0, return 20, call clone 20, return 40, "
                            "call futex wait 40, join 40, out join 40, woken 60, in 60, return 60, "
                            "call exit 61, ended 61");
    expect_timeline("f-1", "in 40, call exit 50, ended 50, out exit 50");
    expect_timeline("f-2", "in 50, call exit 60, ended 60, out exit 60");
    assert_int_equal(simulated_thread(&run, &metrics, "f-1")->start_ns, 20 * US);
    assert_int_equal(run.result.tasks, 3);
}

// Nobody is there yet, or no longer: join returns without a system call.
static void joining_nobody_takes_no_time(void **state)
{
    (void)state;
    one_run(
        "machine: { cores: 2, scheduler: fifo, costs: { base: zero, syscall: 2us } }\n"
        "functions: { f: [ { compute: 10us } ] }\n"
        "threads:\n"
        "  - { name: main, run: [ { join: f }, { spawn: f }, { compute: 50us }, { join: f } ] }\n");
    expect_timeline("main", "in 0, call clone 0, return 0, call exit 50, ended 50");
}

// A thread that has yet to arrive is waited for: it comes at 5 and computes 1.
static void join_waits_for_those_to_come(void **state)
{
    (void)state;
    one_run(ZERO("1") "threads:\n"
                      "  - { name: main, run: [ { join: late } ] }\n"
                      "  - { name: late, start: 5us, run: [ { compute: 1us } ] }\n");
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "main"), 6 * US);
    expect_end(END_DONE, 6 * US);
}

// Five that come at different times: whoever is there may have ended long before the next one
// comes, but the join lasts until the last of the five has ended.
static void join_waits_for_all_that_come_apart(void **state)
{
    (void)state;
    one_run(ZERO("1") "threads:\n"
                      "  - { name: main, run: [ { join: w } ] }\n"
                      "  - { name: w, count: 5, start: exp(10ms), run: [ { compute: 1us } ] }\n");
    int64_t last = 0;
    for (uint32_t task = 2; task <= 6; task++) {
        int64_t end = metrics_thread(&metrics, task)->end_ns;
        last = end > last ? end : last;
    }
    assert_int_equal(run.result.tasks, 6);
    assert_int_equal(simulated_thread(&run, &metrics, "main")->end_ns, last);
    assert_int_equal(simulated_count(&run, EVENT_WAKEUP, "main"), 1);
}

// A join waits for the whole group: its threads end at 1, 3 and 6 (one core, in order).
static void join_waits_for_all_of_a_group(void **state)
{
    (void)state;
    one_run(ZERO("1") "functions:\n"
                      "  a: [ { join: w }, { print: a } ]\n"
                      "threads:\n"
                      "  - { name: first, run: [ { call: a } ] }\n"
                      "  - { name: second, run: [ { call: a } ] }\n"
                      "  - { name: w, count: 3, run: [ { compute: 2us } ] }\n");
    // Both joiners wake when w-3 ends, in the order in which they came.
    assert_string_equal(simulated_turns(&run, 0, 1e9),
                        "first@0 second@0 w-1@0 w-2@0.002 w-3@0.004 first@0.006 second@0.006");
}

// ---- daemons

// main ends at 1 ms; the daemon needs 5 and is killed in the middle; nothing after that.
static void a_daemon_ends_with_its_process(void **state)
{
    (void)state;
    one_run(ZERO("2") "threads:\n"
                      "  - { name: main, run: [ { compute: 1ms } ] }\n"
                      "  - { name: back, daemon: true, run: [ { compute: 5ms } ] }\n");
    expect_timeline("back", "in 0, killed 1000");
    expect_end(END_DONE, 1 * MS);
    expect_cpu("back", 1 * MS, 0);
}

static void a_thread_that_is_no_daemon_is_waited_for(void **state)
{
    (void)state;
    one_run(ZERO("2") "threads:\n"
                      "  - { name: main, run: [ { compute: 1ms } ] }\n"
                      "  - { name: back, run: [ { compute: 5ms } ] }\n");
    expect_end(END_DONE, 5 * MS);
}

// Killed wherever they are: running on another core, queued, asleep, waiting for a lock and waiting
// in a join; one that has not come yet never does. The other process goes on.
static void daemons_are_killed_wherever_they_are(void **state)
{
    (void)state;
    one_run(
        "machine: { cores: 2, scheduler: fifo, costs: zero }\n"
        "processes:\n"
        "  - name: p\n"
        "    locks: { x: lock }\n"
        "    threads:\n"
        "      - { name: main, affinity: 0, run: [ { sleep: 1us }, { compute: 1us } ] }\n"
        "      - { name: runs, affinity: 1, daemon: true, run: [ { compute: 1s } ] }\n"
        "      - { name: queued, affinity: 1, daemon: true, run: [ { compute: 1s } ] }\n"
        "      - { name: sleeps, affinity: 0, daemon: true, run: [ { sleep: 1h } ] }\n"
        "      - { name: holds, affinity: 0, daemon: true, run: [ { lock: x }, { sleep: 1h } ] }\n"
        "      - { name: waits, affinity: 0, daemon: true, run: [ { lock: x } ] }\n"
        "      - { name: joins, affinity: 0, daemon: true, run: [ { join: main }, { lock: x } ] }\n"
        "      - { name: late, start: 5us, daemon: true, run: [ { compute: 1s } ] }\n"
        "  - name: q\n"
        "    threads:\n"
        "      - { name: other, affinity: 1, run: [ { compute: 3us } ] }\n");
    expect_timeline("main", "in 0, call clock_nanosleep 0, timer 0, out sleep 0, woken 1, in 1, "
                            "return 1, call exit 2, ended 2, out exit 2");
    expect_timeline("runs", "in 0, killed 2, out exit 2");
    expect_timeline("queued", "killed 2");
    expect_timeline("sleeps", "in 0, call clock_nanosleep 0, timer 0, out sleep 0, killed 2");
    expect_timeline("waits", "in 0, call futex wait 0, wait x 0, out lock 0, killed 2");
    expect_timeline("joins", "in 0, call futex wait 0, join 0, out join 0, woken 2, killed 2");
    expect_timeline("other", "in 2, call exit 5, ended 5");
    assert_int_equal(run.result.tasks, 8); // not `late`
    expect_end(END_DONE, 5 * US);
}

// What a daemon starts is a daemon.
static void a_daemons_threads_are_daemons(void **state)
{
    (void)state;
    one_run(ZERO("3") "functions: { f: [ { compute: 1s } ] }\n"
                      "threads:\n"
                      "  - { name: main, run: [ { compute: 2us } ] }\n"
                      "  - { name: back, daemon: true, run: [ { spawn: f }, { compute: 1s } ] }\n");
    expect_timeline("f", "in 0, killed 2");
    expect_end(END_DONE, 2 * US);
    // The trace says so, not only the scenario: the entry `f` does not.
    assert_true(simulated_thread(&run, &metrics, "f")->daemon);
    assert_true(simulated_thread(&run, &metrics, "back")->daemon);
    assert_false(simulated_thread(&run, &metrics, "main")->daemon);
    assert_int_equal(metrics_makespan_ns(&metrics), 2 * US);
}

// ---- the flow of a program

// `exit` leaves all blocks and calls at once: the span has no end, and what follows is not done.
// Its frames are free again: a hundred such threads, one after another, need no more than three.
static void exit_leaves_nested_blocks(void **state)
{
    (void)state;
    one_run(
        ZERO("1") "limits: { frames: 3 }\n"
                  "functions:\n"
                  "  f: [ { span: { name: s, do: [ { compute: 1us }, exit, { mark: no } ] } }, { "
                  "mark: no } ]\n"
                  "threads:\n"
                  "  - { name: w, count: 100, run: [ { repeat: { times: 2, do: [ { call: f } ] } "
                  "}, { mark: no } ] }\n");
    expect_end(END_DONE, 100 * US);
    assert_int_equal(simulated_count(&run, EVENT_SPAN_BEGIN, NULL), 100);
    assert_int_equal(simulated_count(&run, EVENT_SPAN_END, NULL), 0);
    assert_int_equal(simulated_count(&run, EVENT_MARK, NULL), 0);
}

// 2 x 3 rounds of 1 us, and the mark after each inner loop.
static void loops_nest(void **state)
{
    (void)state;
    one_run(ZERO(
        "1") "threads:\n"
             "  - { name: A, run: [ { repeat: { times: 2, do: [\n"
             "      { repeat: { times: 3, do: [ { compute: 1us } ] } }, { mark: m } ] } } ] }\n");
    expect_timeline("A", "in 0, mark 3, mark 6, call exit 6, ended 6");
}

static void certain_and_impossible_chances(void **state)
{
    (void)state;
    one_run(ZERO(
        "1") "threads:\n"
             "  - { name: A, run: [ { repeat: { times: 1000, do: [\n"
             "      { if: { chance: 100%, then: [ { mark: m } ], else: [ { compute: 1s } ] } },\n"
             "      { if: { chance: 0%, then: [ { compute: 1s } ] } } ] } } ] }\n");
    assert_int_equal(simulated_count(&run, EVENT_MARK, "A"), 1000);
    expect_end(END_DONE, 0);
}

// A chance of 30 % in 10,000 tries: mean 3000, standard deviation sqrt(10000 * 0.3 * 0.7) = 45.8;
// six of them either way are 2725 to 3275.
static void a_chance_is_met(void **state)
{
    (void)state;
    one_run(ZERO("1") "threads:\n"
                      "  - { name: A, run: [ { repeat: { times: 10000, do: [\n"
                      "      { if: { chance: 30%, then: [ { mark: m } ] } } ] } } ] }\n");
    assert_in_range(simulated_count(&run, EVENT_MARK, "A"), 2725, 3275);
}

int main(void)
{
#define RUN(test) cmocka_unit_test_teardown(test, one_run_end)
    const struct CMUnitTest tests[] = {
        RUN(a_lock_is_held_by_one),
        RUN(waiters_are_served_in_order),
        RUN(a_running_thread_barges_in),
        RUN(the_woken_thread_may_wait_again),
        RUN(a_futex_checks_before_it_sleeps),
        RUN(with_is_lock_and_unlock),
        RUN(spawn_makes_as_many_as_asked),
        RUN(joining_nobody_takes_no_time),
        RUN(join_waits_for_those_to_come),
        RUN(join_waits_for_all_that_come_apart),
        RUN(join_waits_for_all_of_a_group),
        RUN(a_daemon_ends_with_its_process),
        RUN(a_thread_that_is_no_daemon_is_waited_for),
        RUN(daemons_are_killed_wherever_they_are),
        RUN(a_daemons_threads_are_daemons),
        RUN(exit_leaves_nested_blocks),
        RUN(loops_nest),
        RUN(certain_and_impossible_chances),
        RUN(a_chance_is_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
