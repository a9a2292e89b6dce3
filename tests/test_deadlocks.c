// Deadlocks: which threads are reported and when, and what reports say of them and of locks that
// are never released. Timelines are in microseconds and worked out in the comments; with `costs:
// zero` what is not computation or sleep takes no time.
#include "tests/hand_trace.h"
#include "tests/one_run.h"

#include "sim/analysis/deadlocks.h"
#include "sim/analysis/report.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- deadlocks

// The DEADLOCK records: "B x A, A y B" says that B waits for x, which A holds, and so on round.
static const char *circle(void)
{
    static char text[1024];
    size_t length = 0;
    text[0] = '\0';
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        if (record->kind != EVENT_DEADLOCK)
            continue;
        const char *lock =
            record->a == 0 ? "join"
                           : scenario_string(&run.scenario, run.scenario.syncs[record->a - 1].name);
        char waiter[96];
        snprintf(waiter, sizeof waiter, "%s", simulated_name(&run, record->task));
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s %s %s",
                                   length > 0 ? ", " : "", waiter, lock,
                                   simulated_name(&run, (uint32_t)record->b));
    }
    return text;
}

#define CROSSED                                                                                    \
    "threads:\n"                                                                                   \
    "  - { name: A, run: [ { lock: x }, { sleep: 1ms }, { lock: y } ] }\n"                         \
    "  - { name: B, run: [ { lock: y }, { sleep: 1ms }, { lock: x } ] }\n"

// Both wake at 1 ms; A waits for y, and B closes the circle at that instant.
static void two_locks_in_two_orders(void **state)
{
    (void)state;
    one_run(ZERO("1") LOCKS CROSSED);
    assert_string_equal(circle(), "B x A, A y B");
    expect_end(END_DEADLOCK, 1 * MS);
}

// Five philosophers, each with the fork to the left in hand, for the fork to the right.
static void five_philosophers(void **state)
{
    (void)state;
    one_run("machine: { cores: 5, scheduler: eevdf, costs: zero }\n"
            "locks: { f1: lock, f2: lock, f3: lock, f4: lock, f5: lock }\n"
            "threads:\n"
            "  - { name: P1, run: [ { lock: f1 }, { sleep: 1ms }, { lock: f2 } ] }\n"
            "  - { name: P2, run: [ { lock: f2 }, { sleep: 1ms }, { lock: f3 } ] }\n"
            "  - { name: P3, run: [ { lock: f3 }, { sleep: 1ms }, { lock: f4 } ] }\n"
            "  - { name: P4, run: [ { lock: f4 }, { sleep: 1ms }, { lock: f5 } ] }\n"
            "  - { name: P5, run: [ { lock: f5 }, { sleep: 1ms }, { lock: f1 } ] }\n");
    assert_string_equal(circle(), "P5 f1 P1, P1 f2 P2, P2 f3 P3, P3 f4 P4, P4 f5 P5");
    expect_end(END_DEADLOCK, 1 * MS);
}

static void a_lock_taken_twice(void **state)
{
    (void)state;
    one_run(ZERO("1") LOCK
            "threads:\n"
            "  - { name: A, run: [ { lock: x }, { compute: 1us }, { lock: x } ] }\n");
    assert_string_equal(circle(), "A x A");
    expect_end(END_DEADLOCK, 1 * US);
}

// A ends with the lock: B waits for ever. There is no circle, so all who wait are named, with the
// holder that is no more.
static void a_lock_whose_holder_has_ended(void **state)
{
    (void)state;
    one_run(ZERO("1") LOCK "threads:\n"
                           "  - { name: A, run: [ { lock: x }, { compute: 1us } ] }\n"
                           "  - { name: B, run: [ { compute: 1us }, { lock: x } ] }\n");
    assert_string_equal(circle(), "B x A");
    expect_end(END_DEADLOCK, 2 * US);
}

// main waits for f to end, and f for main's lock.
static void a_deadlock_through_a_join(void **state)
{
    (void)state;
    one_run(ZERO("1") LOCK "functions: { f: [ { lock: x } ] }\n"
                           "threads:\n"
                           "  - { name: main, run: [ { lock: x }, { spawn: f }, { join: f } ] }\n");
    assert_string_equal(circle(), "main join f, f x main");
    expect_end(END_DEADLOCK, 0);
}

static void a_thread_that_joins_itself(void **state)
{
    (void)state;
    one_run(ZERO("1") "threads:\n"
                      "  - { name: A, run: [ { compute: 1us }, { join: A } ] }\n");
    assert_string_equal(circle(), "A join A");
    expect_end(END_DEADLOCK, 1 * US);
}

// The circle is reported when it closes, at 1 ms; C computes on, and the run ends when it is done,
// at 10 ms, long before its `until`. D waits for a lock of the circle, but is no member.
static void others_go_on_beside_a_deadlock(void **state)
{
    (void)state;
    one_run(ZERO("2") "until: 1s\n" LOCKS CROSSED "  - { name: C, run: [ { compute: 10ms } ] }\n"
                      "  - { name: D, start: 2ms, run: [ { lock: x } ] }\n");
    assert_string_equal(circle(), "B x A, A y B");
    assert_int_equal(simulated_time_of(&run, EVENT_DEADLOCK, "B"), 1 * MS);
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "C"), 10 * MS);
    expect_end(END_DEADLOCK, 10 * MS);
}

// A daemon that never rests keeps the run going to its `until`.
static void a_daemon_goes_on_beside_a_deadlock(void **state)
{
    (void)state;
    one_run(
        ZERO("1") "until: 5ms\n" LOCKS CROSSED
                  "  - { name: back, daemon: true, run: [ { forever: [ { sleep: 1ms } ] } ] }\n");
    assert_string_equal(circle(), "B x A, A y B");
    expect_end(END_UNTIL, 5 * MS);
}

// A deadlock ends the run at once, though a thread that was killed would have slept for an hour.
static void the_timer_of_a_dead_thread_wakes_nobody(void **state)
{
    (void)state;
    one_run("machine: { scheduler: fifo, costs: { base: zero, timer_irq: 1us } }\n"
            "processes:\n"
            "  - name: p\n"
            "    threads:\n"
            "      - { name: back, daemon: true, run: [ { sleep: 1h } ] }\n"
            "      - { name: main, run: [ { compute: 1us } ] }\n"
            "  - name: q\n"
            "    locks: { x: lock }\n"
            "    threads:\n"
            "      - { name: A, run: [ { compute: 2us }, { lock: x }, { lock: x } ] }\n");
    expect_timeline("back", "in 0, call clock_nanosleep 0, timer 0, out sleep 0, killed 1");
    expect_end(END_DEADLOCK, 3 * US);
    assert_int_equal(simulated_count(&run, EVENT_IRQ, NULL), 0);
}

// ---- what is said of them

// All members on one line, as on standard error.
static void expect_words(const char *expected)
{
    Arena arena = {0};
    assert_string_equal(deadlocks_text(&metrics, &arena), expected);
    arena_free(&arena);
}

// The summary has these lines, and the JSON the cause of each member.
static void expect_summary(const char *lines)
{
    Report report = {.scenario = &run.scenario, .metrics = &metrics};
    HandText text;
    hand_text_open(&text);
    report_summary(&report, &text.writer);
    if (strstr(hand_text_end(&text), lines) == NULL)
        fail_msg("no\n%s in\n%s", lines, text.bytes.at);
    hand_text_free(&text);
}

static json_t *document(void)
{
    Report report = {.scenario = &run.scenario, .metrics = &metrics};
    HandText text;
    hand_text_open(&text);
    report_json(&report, &text.writer);
    json_t *json = json_loads(hand_text_end(&text), 0, NULL);
    assert_non_null(json);
    hand_text_free(&text);
    return json;
}

static void expect_json(const char *list, size_t index, const char *key, const char *expected)
{
    json_t *json = document();
    json_t *value = json_object_get(json_array_get(json_object_get(json, list), index), key);
    assert_non_null(value);
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    assert_string_equal(text, expected);
    free(text);
    json_decref(json);
}

// Each member with its line: the deadlock of two locks.
static void a_circle_in_words(void **state)
{
    (void)state;
    one_run(ZERO("2") LOCKS CROSSED);
    expect_words("2 threads wait for each other in a circle: "
                 "B waits for lock x (test.yaml:5), which A holds (test.yaml:4); "
                 "A waits for lock y (test.yaml:4), which B holds (test.yaml:5)");
    expect_summary("\ndeadlock: 2 threads wait for each other in a circle\n"
                   "  B waits for lock x (test.yaml:5), which A holds (test.yaml:4)\n"
                   "  A waits for lock y (test.yaml:4), which B holds (test.yaml:5)\n");
    expect_json("deadlock", 0, "cause", "\"circle\"");
}

// Three circles in one run are three: two of two threads and one of a thread alone.
static void circles_are_told_apart(void **state)
{
    (void)state;
    one_run(ZERO("5") "locks: { x: lock, y: lock, u: lock, v: lock, w: lock }\nthreads:\n"
                      "  - { name: A, run: [ { lock: x }, { sleep: 1ms }, { lock: y } ] }\n"
                      "  - { name: B, run: [ { lock: y }, { sleep: 2ms }, { lock: x } ] }\n"
                      "  - { name: C, run: [ { lock: u }, { sleep: 3ms }, { lock: v } ] }\n"
                      "  - { name: D, run: [ { lock: v }, { sleep: 4ms }, { lock: u } ] }\n"
                      "  - { name: E, run: [ { lock: w }, { sleep: 5ms }, { lock: w } ] }\n");
    expect_words("2 threads wait for each other in a circle: "
                 "B waits for lock x (test.yaml:5), which A holds (test.yaml:4); "
                 "A waits for lock y (test.yaml:4), which B holds (test.yaml:5); "
                 "2 threads wait for each other in a circle: "
                 "D waits for lock u (test.yaml:7), which C holds (test.yaml:6); "
                 "C waits for lock v (test.yaml:6), which D holds (test.yaml:7); "
                 "E waits for lock w (test.yaml:8), which it holds itself (test.yaml:8)");
    expect_summary("\ndeadlock: E waits for itself\n"
                   "  E waits for lock w (test.yaml:8), which it holds itself (test.yaml:8)\n");
    expect_json("deadlock", 4, "cause", "\"itself\"");
}

static void a_thread_that_joins_itself_in_words(void **state)
{
    (void)state;
    one_run(ZERO("1") "threads:\n  - { name: A, run: [ { join: A } ] }\n");
    expect_words("A waits for itself to end (test.yaml:3)");
    expect_summary("\ndeadlock: A waits for itself\n  A waits for itself to end (test.yaml:3)\n");
}

// kant ends with fork2, for which plato waits with q, for which third waits, for which joiner
// waits.
static void a_holder_that_has_ended_in_words(void **state)
{
    (void)state;
    one_run(
        ZERO("2") "locks: { fork2: lock, q: lock }\nthreads:\n"
                  "  - { name: kant, run: [ { lock: fork2 }, { compute: 1ms } ] }\n"
                  "  - { name: plato, run: [ { compute: 1ms }, { lock: q }, { lock: fork2 } ] }\n"
                  "  - { name: third, run: [ { compute: 2ms }, { lock: q } ] }\n"
                  "  - { name: joiner, run: [ { join: third } ] }\n");
    expect_words("plato waits for lock fork2 (test.yaml:5), which kant held when it ended "
                 "(test.yaml:4); 2 threads wait for others who never go on: "
                 "third waits for lock q (test.yaml:6), which plato holds (test.yaml:5); "
                 "joiner waits for third to end (test.yaml:7)");
    expect_summary("\ndeadlock: plato waits for something whose holder has ended\n"
                   "  plato waits for lock fork2 (test.yaml:5), which kant held when it ended "
                   "(test.yaml:4)\n"
                   "deadlock: 2 threads wait for others who never go on\n");
    expect_json("deadlock", 0, "holder", "\"kant\"");
    expect_json("deadlock", 0, "cause", "\"ended\"");
    expect_json("deadlock", 1, "cause", "\"stuck\"");
    expect_json("deadlock", 2, "cause", "\"stuck\"");
}

static void nobody_left_to_wake_it_in_words(void **state)
{
    (void)state;
    one_run(ZERO("1") "semaphores: { s: 0 }\nthreads:\n"
                      "  - { name: A, count: 2, run: [ { acquire: s } ] }\n");
    expect_words("2 threads wait, and nobody is left to wake them: "
                 "A-1 waits for semaphore s (test.yaml:4), and nobody is left to wake it; "
                 "A-2 waits for semaphore s (test.yaml:4), and nobody is left to wake it");
    expect_json("deadlock", 1, "cause", "\"nobody\"");
    expect_json("objects", 0, "open_waits", "2");
    expect_json("objects", 0, "waits", "0");
}

// ---- locks that are held, and waited for, to the end

#define WIDE "                                " // up to the last digit of that column

// Held by A from 0 and waited for by B and C when `until` comes, at 1 ms. (Before, that was
// "held 0, waited for 0".) y is taken and released once, and again held by D.
static void open_holds_and_waits_are_counted(void **state)
{
    (void)state;
    one_run(ZERO("4") "until: 1ms\n" LOCKS "threads:\n"
                      "  - { name: A, run: [ { lock: x }, { compute: 1s } ] }\n"
                      "  - { name: B, run: [ { lock: x } ] }\n"
                      "  - { name: C, run: [ { lock: x } ] }\n"
                      "  - { name: D, run: [ { lock: y }, { compute: 1us }, { unlock: y },\n"
                      "                      { lock: y }, { compute: 1s } ] }\n");
    expect_summary("     held  mean hold  longest  waited for  mean wait  longest  still held by  "
                   "still waited "
                   "for by\n"
                   "  x     0          -        -           0          -        -  A" WIDE "2\n"
                   "  y     1       1 us     1 us           0          -        -  D" WIDE "0\n");
    expect_json("locks", 0, "open_holds", "1");
    expect_json("locks", 0, "held_by", "\"A\"");
    expect_json("locks", 0, "open_waits", "2");
    expect_json("locks", 0, "holds", "0");
    expect_json("locks", 1, "holds", "1");
    expect_json("locks", 1, "open_holds", "1");
    expect_json("locks", 1, "open_waits", "0");
}

// A rwlock has several holders; who ends with a lock holds it for ever; who is killed while it
// waits does not wait any more; and where all is released, there is no such column.
static void who_still_holds_and_waits(void **state)
{
    (void)state;
    one_run(ZERO("4") "until: 1ms\nlocks: { r: rwlock, x: lock }\nthreads:\n"
                      "  - { name: A, count: 3, run: [ { lock: { lock: r, mode: read } },\n"
                      "                               { compute: 1s } ] }\n"
                      "  - { name: B, run: [ { lock: x } ] }\n");
    expect_summary("  r     0          -        -           0          -        -  A-1 and 2 more");
    expect_json("locks", 0, "open_holds", "3");
    expect_json("locks", 1, "held_by", "\"B\"");
    one_run_end(state);
    one_run(ZERO("2") LOCK
            "threads:\n"
            "  - { name: main, run: [ { lock: x }, { compute: 1us }, { unlock: x } ] }\n"
            "  - { name: back, daemon: true, start: 500ns, run: [ { lock: x } ] }\n");
    expect_json("locks", 0, "open_holds", "0");
    expect_json("locks", 0, "held_by", "null");
    expect_json("locks", 0, "open_waits", "0");
    expect_summary("  x     1       1 us     1 us           0          -        -\n");
}

int main(void)
{
#define RUN(test) cmocka_unit_test_teardown(test, one_run_end)
    const struct CMUnitTest tests[] = {
        RUN(two_locks_in_two_orders),
        RUN(five_philosophers),
        RUN(a_lock_taken_twice),
        RUN(a_lock_whose_holder_has_ended),
        RUN(a_deadlock_through_a_join),
        RUN(a_thread_that_joins_itself),
        RUN(others_go_on_beside_a_deadlock),
        RUN(a_daemon_goes_on_beside_a_deadlock),
        RUN(the_timer_of_a_dead_thread_wakes_nobody),
        RUN(a_circle_in_words),
        RUN(circles_are_told_apart),
        RUN(a_thread_that_joins_itself_in_words),
        RUN(a_holder_that_has_ended_in_words),
        RUN(nobody_left_to_wake_it_in_words),
        RUN(open_holds_and_waits_are_counted),
        RUN(who_still_holds_and_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
