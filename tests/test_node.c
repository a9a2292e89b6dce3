// Node's loop: the order in which functions are called, in programs small enough to be followed by
// hand; most were run in Node 20 as well (the JavaScript is in the comment). Random programs of
// timers, intervals, immediates, ticks, microtasks and what takes them back are the same in Node 20
// on a virtual clock, but for one thing: its libuv, 1.46, calls a timer that has become due while
// the timers phase ran in that phase still, and from 1.48 on in the next turn's, as here.
#include "sim/analysis/scene_text.h"
#include "tests/prints.h"
#include "tests/recorded.h"
#include "tests/scene_laws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static Simulated run;

static void expect(const char *functions, const char *prints)
{
    char yaml[4096];
    snprintf(yaml, sizeof yaml,
             "machine: { costs: zero }\nruntime: node\nfunctions:\n%s"
             "threads: [ { name: main, run: [ { node.run: script }, { print: closed } ] } ]\n",
             functions);
    simulate(&run, yaml);
    assert_string_equal(prints_of(&run), prints);
    simulated_free(&run);
}

#define SAYS(name) "  " name ": [ { print: " name " } ]\n"

static void ticks_come_before_microtasks(void **state)
{
    (void)state;
    // process.nextTick(a); Promise.resolve().then(b); process.nextTick(c); setTimeout(d, 0);
    // The script is first, then all ticks, then microtasks. The timer is due after 1 ms.
    expect(SAYS("a") SAYS("b") SAYS("c") SAYS(
               "d") "  script: [ { next_tick: a }, { queue_microtask: b }, { next_tick: c },\n"
                    "            { set_timeout: { after: 0s, run: d } }, { print: script } ]\n",
           "script@0 a@0 c@0 b@0 d@1 closed@1");
}

static void what_is_put_off_may_put_off_more(void **state)
{
    (void)state;
    // Promise.resolve().then(m); m puts off a tick and a microtask: the microtasks come to their
    // end first, and then the tick; whose microtask is behind it.
    expect(SAYS("n") SAYS("o")
               SAYS("p") "  t: [ { print: t }, { queue_microtask: p } ]\n"
                         "  m: [ { print: m }, { next_tick: t }, { queue_microtask: n } ]\n"
                         "  script: [ { queue_microtask: m }, { queue_microtask: o } ]\n",
           "m@0 o@0 n@0 t@0 p@0 closed@0");
}

static void immediates_come_right_after_the_poll(void **state)
{
    (void)state;
    // In a callback of a timer, setImmediate comes before setTimeout(0), always. One that an
    // immediate asks for comes in the next turn; ticks come between two of one turn.
    expect(SAYS("late") SAYS("tick") SAYS("b") SAYS(
               "next") "  a: [ { print: a }, { set_immediate: next }, { next_tick: tick } ]\n"
                       "  t: [ { set_timeout: { after: 0s, run: late } }, { set_immediate: a },\n"
                       "       { set_immediate: b } ]\n"
                       "  script: [ { set_timeout: { after: 5ms, run: t } } ]\n",
           "a@5 tick@5 b@5 next@5 late@6 closed@6");
}

static void timers_are_first_if_they_are_due(void **state)
{
    (void)state;
    // The script takes 3 ms: the timer of 1 ms is due before the first turn, and so before the
    // immediate. Without that it comes after.
    expect(SAYS("t") SAYS("i") "  script: [ { set_timeout: { after: 1ms, run: t } }, { "
                               "set_immediate: i }, { compute: 3ms } "
                               "]\n",
           "t@3 i@3 closed@3");
    expect(SAYS("t") SAYS(
               "i") "  script: [ { set_timeout: { after: 1ms, run: t } }, { set_immediate: i } ]\n",
           "i@0 t@1 closed@1");
}

static void timers_of_one_instant_keep_their_order(void **state)
{
    (void)state;
    // 5 ms set at 0, and 2 ms set at 3: both due at 5; 1.9 ms are 1.
    expect(SAYS("a") SAYS("b")
               SAYS("c") "  s: [ { set_timeout: { after: 2ms, run: b } } ]\n"
                         "  script: [ { set_timeout: { after: 5ms, run: a } }, { set_timeout: { "
                         "after: 3ms, run: s } },\n"
                         "            { set_timeout: { after: 1900us, run: c } } ]\n",
           "c@1 a@5 b@5 closed@5");
}

static void timers_of_one_duration_come_together(void **state)
{
    (void)state;
    // setTimeout(a, 5); and at 1 ms s: setTimeout(c, 5), setTimeout(b, 2), and 9 ms of work. At 10
    // all are due: a since 5, b since 3, c since 6. The list of 2 ms is due first, then that of 5:
    // a, c. Then with a and b exchanged: the list of 5 has a, which was due at 5, and c with it; b,
    // set at 4 ms, was due at 6.
    expect(SAYS("a") SAYS("b")
               SAYS("c") "  s: [ { set_timeout: { after: 5ms, run: c } },\n"
                         "       { set_timeout: { after: 2ms, run: b } }, { compute: 9ms } ]\n"
                         "  script: [ { set_timeout: { after: 5ms, run: a } },\n"
                         "            { set_timeout: { after: 1ms, run: s } } ]\n",
           "b@10 a@10 c@10 closed@10");
    expect(SAYS("a") SAYS("b")
               SAYS("c") "  s: [ { set_timeout: { after: 5ms, run: c } }, { compute: 3ms },\n"
                         "       { set_timeout: { after: 2ms, run: b } }, { compute: 6ms } ]\n"
                         "  script: [ { set_timeout: { after: 5ms, run: a } },\n"
                         "            { set_timeout: { after: 1ms, run: s } } ]\n",
           "a@10 c@10 b@10 closed@10");
}

static void who_clears_itself_ends_its_list(void **state)
{
    static const char *const first[] = {"", "{ clear_timeout: x }, "};
    static const char *const prints[] = {"c@10 b@10 closed@10", "b@10 c@10 closed@10"};
    (void)state;
    // x = setTimeout(a, 5); in a, as the first thing or not, clearTimeout(x); then setTimeout(b,
    // 5), a millisecond of work, setTimeout(c, 4). At 10 ms both are due. The list of 5 ms goes
    // behind that of 4 ms when a has returned; but if a has cleared x, nothing is left in it, and b
    // begins a new one, which stands before c's.
    for (size_t i = 0; i < 2; i++) {
        char functions[512];
        snprintf(functions, sizeof functions,
                 SAYS("b") SAYS("c") "  a: [ %s{ set_timeout: { after: 5ms, run: b } },\n"
                                     "       { compute: 1ms }, { set_timeout: { after: 4ms, run: c "
                                     "} } ]\n"
                                     "  script: [ { set_timeout: { after: 5ms, run: a, as: x } } "
                                     "]\n",
                 first[i]);
        expect(functions, prints[i]);
    }
}

static void too_long_is_short(void **state)
{
    (void)state;
    // setTimeout(a, 2 ** 31); setTimeout(b, 0); setTimeout(c, 2): 2^31 ms do not fit, and become 1.
    expect(SAYS("a") SAYS("b") SAYS("c") "  script: [ { set_timeout: { after: 2147483648ms, run: a "
                                         "} }, { set_timeout: { after: 0s, run: b } },\n"
                                         "            { set_timeout: { after: 2ms, run: c } } ]\n",
           "a@1 b@1 c@2 closed@2");
}

static void what_is_late_comes_at_once(void **state)
{
    (void)state;
    // f, at 2, sets 5 ms: due at 7. g, at 3, takes 10 ms: at 13 Node tells libuv to call at 7,
    // libuv's clock says 3 still, so that there are 4 ms to wait; but before it waits it looks at
    // what there is and at the clock, and 10 ms have passed.
    expect(SAYS("late") "  f: [ { set_timeout: { after: 5ms, run: late } } ]\n"
                        "  g: [ { compute: 10ms } ]\n"
                        "  script: [ { set_timeout: { after: 2ms, run: f } },\n"
                        "            { set_timeout: { after: 3ms, run: g } } ]\n",
           "late@13 closed@13");
}

static void timers_are_taken_back(void **state)
{
    (void)state;
    // b is cleared by a of the same list; the name x means the timer that was set last, c's.
    expect(
        SAYS("b") SAYS("c") SAYS(
            "d") "  a: [ { print: a }, { clear_timeout: y } ]\n"
                 "  script: [ { clear_timeout: x }, { set_timeout: { after: 2ms, run: d, as: x } "
                 "},\n"
                 "            { set_timeout: { after: 3ms, run: c, as: x } },\n"
                 "            { set_timeout: { after: 1ms, run: a } },\n"
                 "            { set_timeout: { after: 1ms, run: b, as: y } },\n"
                 "            { clear_timeout: x } ]\n",
        "a@1 d@2 closed@2");
    // Nothing is left: no turn.
    expect(SAYS("a") "  script: [ { set_timeout: { after: 9ms, run: a, as: x } }, { clear_timeout: "
                     "x } ]\n",
           "closed@0");
}

static void intervals_count_from_their_calls(void **state)
{
    (void)state;
    // Called at 3, i takes 1 ms; the next 3 ms count from 3: 6, 9; at 10 it is cleared. One that
    // clears itself is called once.
    expect("  i: [ { print: i }, { compute: 1ms } ]\n"
           "  once: [ { print: once }, { clear_timeout: y } ]\n"
           "  stop: [ { clear_timeout: x } ]\n"
           "  script: [ { set_interval: { every: 3ms, run: i, as: x } },\n"
           "            { set_interval: { every: 5ms, run: once, as: y } },\n"
           "            { set_timeout: { after: 10ms, run: stop } } ]\n",
           "i@3 once@5 i@6 i@9 closed@10");
}

static void immediates_are_taken_back(void **state)
{
    (void)state;
    // Also by one before it in the same check phase; and when it has been called, nothing happens.
    expect(
        SAYS("b") SAYS("c") SAYS("d") //
        "  a: [ { print: a }, { clear_immediate: y }, { clear_immediate: x } ]\n"
        "  script: [ { set_immediate: { run: a, as: x } }, { set_immediate: { run: b, as: y } },\n"
        "            { set_immediate: c }, { set_immediate: { run: d, as: z } },\n"
        "            { clear_immediate: z } ]\n",
        "a@0 c@0 closed@0");
}

// Three immediates that ask for themselves again: never none are queued, for 100 turns. The one
// taken back is among the last three.
static void immediates_go_on_for_long(void **state)
{
    (void)state;
    simulate(&run, "machine: { costs: zero }\nruntime: node\nvariables: { n: 0 }\nfunctions:\n"
                   "  f:\n    - add: { to: n, value: 1 }\n"
                   "    - if: { test: n <= 297, then: [ { set_immediate: { run: f, as: x } } ] }\n"
                   "    - if: { test: n == 298, then: [ { clear_immediate: x } ] }\n"
                   "  script: [ { repeat: { times: 3, do: [ { set_immediate: f } ] } } ]\n"
                   "threads: [ { name: main, run: [ { node.run: script },\n"
                   "           { if: { test: n == 299, then: [ { print: right } ] } } ] } ]\n");
    // 298 is the last but two; the one asked for last, the 300th, is not called.
    assert_string_equal(prints_of(&run), "right@0");
    simulated_free(&run);
}

#define POOL "machine: { costs: zero, cores: 8 }\nruntime: node\nfunctions:\n"

static void the_pool_has_four_threads(void **state)
{
    (void)state;
    // Six files of 10 ms: four at once, and then two. Each callback's tick is before the next
    // one's.
    static const char functions[] = "  file: [ { sleep: 10ms } ]\n  tick: [ { print: tick } ]\n"
                                    "  done: [ { print: done }, { next_tick: tick } ]\n"
                                    "  script: [ { repeat: { times: 6, do: [ { queue_work: { run: "
                                    "file, then: done } } ] } } ]\n"
                                    "threads: [ { name: main, run: [ { node.run: %s } ] } ]\n";
    char yaml[1024];
    int length = snprintf(yaml, sizeof yaml, POOL);
    snprintf(yaml + length, sizeof yaml - (size_t)length, functions, "script");
    simulate(&run, yaml);
    assert_string_equal(prints_of(&run),
                        "done@10 tick@10 done@10 tick@10 done@10 tick@10 done@10 tick@10 "
                        "done@20 tick@20 done@20 tick@20");
    // Those who are done at one instant write to the eventfd once in all, if the loop has not read
    // it by then: it is woken by the first, and reads when all four have been.
    simulated_free(&run);
    snprintf(yaml + length, sizeof yaml - (size_t)length, functions, "{ script: script, pool: 6 }");
    simulate(&run, yaml);
    assert_int_equal(run.result.ended.ns, 10000000);
    simulated_free(&run);
}

static void slow_work_has_half_of_the_pool(void **state)
{
    (void)state;
    // Three look-ups of 10 ms, and then a file of 1 ms, in four threads: two look-ups at once, the
    // file beside them, and the third look-up when one of the first is through.
    simulate(&run, POOL "  lookup: [ { sleep: 10ms } ]\n  file: [ { sleep: 1ms } ]\n"
                        "  found: [ { print: found } ]\n  done: [ { print: done } ]\n"
                        "  script:\n"
                        "    - repeat: { times: 3, do: [ { queue_work: { run: lookup, then: found, "
                        "slow: true } } ] }\n"
                        "    - queue_work: { run: file, then: done }\n"
                        "threads: [ { name: main, run: [ { node.run: script } ] } ]\n");
    assert_string_equal(prints_of(&run), "done@1 found@10 found@10 found@20");
    simulated_free(&run);
}

// An exception ends the loop at 1 ms. The pool's threads go on as long as the process: what they do
// is done at 10 ms, and nobody is told.
static void the_pool_outlives_its_loop(void **state)
{
    (void)state;
    simulate(&run, POOL "  file: [ { sleep: 10ms }, { print: read } ]\n  no: [ { print: no } ]\n"
                        "  f: [ { raise: A } ]\n"
                        "  script: [ { queue_work: { run: file, then: no } },\n"
                        "            { set_timeout: { after: 1ms, run: f } } ]\n"
                        "threads: [ { name: main, run: [ { node.run: script } ] },\n"
                        "           { name: other, run: [ { sleep: 20ms } ] } ]\n");
    assert_string_equal(prints_of(&run), "read@10");
    assert_int_equal(run.result.ended.ns, 20000000);
    simulated_free(&run);
}

static void work_costs_what_the_rows_say(void **state)
{
    (void)state;
    // The script, 200; the pool's mutex, 10; the thread's work, 10000, and the mutex again, 10: it
    // is done at 10220. Writing to the eventfd takes 30. The loop, which waits by then, reads it,
    // 30, and calls, 200: 10480. A system call costs nothing here.
    simulate(&run,
             "machine: { cores: 2, costs: { base: zero, uv_callback: 200ns, uv_turn: 400ns, "
             "eventfd: 30ns,\n"
             "            epoll_wait: 50ns, mutex_lock: 4ns, mutex_unlock: 6ns } }\n"
             "runtime: node\nfunctions:\n  work: [ { compute: 10us } ]\n"
             "  done: [ { print: done } ]\n"
             "  script: [ { queue_work: { run: work, then: done } } ]\n"
             "threads: [ { name: main, run: [ { node.run: { script: script, pool: 1 } } ] } ]\n");
    assert_string_equal(prints_of(&run), "done@0.01048");
    simulated_free(&run);
}

static void a_blocking_function_stops_all(void **state)
{
    (void)state;
    expect(
        SAYS("t") "  i: [ { sleep: 50ms }, { print: i } ]\n"
                  "  script: [ { set_timeout: { after: 10ms, run: t } }, { set_immediate: i } ]\n",
        "i@50 t@50 closed@50");
}

static void nobody_handles_it(void **state)
{
    (void)state;
    // The rest is not run, the thread ends.
    expect(
        SAYS("no") "  f: [ { raise: A } ]\n"
                   "  script: [ { set_immediate: f }, { set_timeout: { after: 1ms, run: no } } ]\n",
        "");
}

// 1000 ticks of 80 ns, and what calls the script: a turn is not begun, because nothing is left.
static void calls_cost_what_the_rows_say(void **state)
{
    (void)state;
    simulate(
        &run,
        "machine: { costs: { base: zero, next_tick: 80ns, uv_callback: 200ns, uv_turn: 400ns "
        "} }\nruntime: node\n"
        "functions: { f: [ ], script: [ { repeat: { times: 1000, do: [ { next_tick: f } ] } } ] }\n"
        "threads: [ { name: main, run: [ { node.run: script } ] } ]\n");
    assert_int_equal(run.result.ended.ns, 200 + 1000 * 80);
    simulated_free(&run);
    // An immediate: the script, a turn, a call.
    simulate(&run,
             "machine: { costs: { base: zero, next_tick: 80ns, uv_callback: 200ns, uv_turn: 400ns "
             "} }\nruntime: node\n"
             "functions: { f: [ ], script: [ { set_immediate: f } ] }\n"
             "threads: [ { name: main, run: [ { node.run: script } ] } ]\n");
    assert_int_equal(run.result.ended.ns, 200 + 400 + 200);
    simulated_free(&run);
}

// What the scene has of the loop at an instant; false: no loop. Each prefix is a scene in order.
static bool scene_says(Recorded *recorded, double ms, SceneUv *uv)
{
    Scene scene;
    scene_open(&scene, &recorded->run.scenario);
    recording_seek_time(&recorded->recording, &scene, (int64_t)(ms * 1e6));
    assert_null(scene_laws(&scene));
    const SceneUv *found = scene_uv_of(&scene, recorded_task(recorded, "main"));
    if (found != NULL)
        *uv = *found;
    scene_free(&scene);
    return found != NULL;
}

static void its_scene_has_what_is_queued(void **state)
{
    (void)state;
    // The script computes from 0 to 2 ms, with all put off. Then the tick, 1 ms, and the microtask,
    // 1 ms, to 4; the first timer, due since 1, up to 5, and the immediate's 1 ms. The file is read
    // by 12, while the loop waits for the other timer, at 30. That is taken back, and nothing is
    // left.
    static const char yaml[] =
        "machine: { costs: zero, cores: 2 }\nruntime: node\nfunctions:\n"
        "  work: [ { compute: 1ms } ]\n  file: [ { sleep: 12ms } ]\n"
        "  done: [ { clear_timeout: late }, { compute: 1ms } ]\n"
        "  script:\n    - queue_work: { run: file, then: done }\n"
        "    - set_timeout: { after: 30ms, run: work, as: late }\n"
        "    - set_timeout: { after: 1ms, run: work }\n    - set_immediate: work\n"
        "    - next_tick: work\n    - queue_microtask: work\n    - compute: 2ms\n"
        "threads: [ { name: main, run: [ { node.run: script }, { sleep: 5ms } ] } ]\n";
    static const struct {
        double ms;
        uint32_t phase, from, ticks, microtasks, immediates, timers, work;
    } at[] = {
        {1.5, UV_PHASE_BEGINS, UV_QUEUE_SCRIPT, 1, 1, 1, 2, 1},
        {2.5, UV_PHASE_BEGINS, UV_QUEUE_TICK, 0, 1, 1, 2, 1},
        {3.5, UV_PHASE_BEGINS, UV_QUEUE_MICROTASK, 0, 0, 1, 2, 1},
        {4.5, UV_PHASE_TIMERS, UV_QUEUE_TIMER, 0, 0, 1, 1, 1},
        {5.5, UV_PHASE_CHECK, UV_QUEUE_IMMEDIATE, 0, 0, 0, 1, 1},
        {12.5, UV_PHASE_POLL, UV_QUEUE_WORK, 0, 0, 0, 0, 0},
    };
    Recorded recorded;
    SceneUv uv;
    record_run(&recorded, yaml);
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        assert_true(scene_says(&recorded, at[i].ms, &uv));
        assert_int_equal(uv.phase, at[i].phase);
        assert_int_equal(uv.from, at[i].from);
        assert_int_not_equal(uv.function, 0);
        assert_int_equal(uv.queued[UV_QUEUE_TICK], at[i].ticks);
        assert_int_equal(uv.queued[UV_QUEUE_MICROTASK], at[i].microtasks);
        assert_int_equal(uv.queued[UV_QUEUE_IMMEDIATE], at[i].immediates);
        assert_int_equal(uv.queued[UV_QUEUE_TIMER], at[i].timers);
        assert_int_equal(uv.queued[UV_QUEUE_WORK], at[i].work);
    }
    assert_true(scene_says(&recorded, 8, &uv));
    assert_int_equal(uv.phase, UV_PHASE_POLL);
    assert_int_equal(uv.poll_until_ns, 30000000);
    assert_false(scene_says(&recorded, 13.5, &uv)); // its thread sleeps on
    recorded_free(&recorded);
}

static void it_needs_its_loop(void **state)
{
    (void)state;
    const char *message =
        simulate_failing("runtime: node\nfunctions: { f: [ yield ] }\n"
                         "threads: [ { name: t, run: [ { set_immediate: f } ] } ]\n");
    assert_non_null(strstr(message, "this thread runs no event loop"));
    message = simulate_failing("runtime: node\nfunctions: { f: [ { node.run: f } ] }\n"
                               "threads: [ { name: t, run: [ { node.run: f } ] } ]\n");
    assert_non_null(strstr(message, "runs an event loop already"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_come_before_microtasks),
        cmocka_unit_test(what_is_put_off_may_put_off_more),
        cmocka_unit_test(immediates_come_right_after_the_poll),
        cmocka_unit_test(timers_are_first_if_they_are_due),
        cmocka_unit_test(timers_of_one_instant_keep_their_order),
        cmocka_unit_test(timers_of_one_duration_come_together),
        cmocka_unit_test(who_clears_itself_ends_its_list),
        cmocka_unit_test(too_long_is_short),
        cmocka_unit_test(what_is_late_comes_at_once),
        cmocka_unit_test(timers_are_taken_back),
        cmocka_unit_test(intervals_count_from_their_calls),
        cmocka_unit_test(immediates_are_taken_back),
        cmocka_unit_test(immediates_go_on_for_long),
        cmocka_unit_test(the_pool_has_four_threads),
        cmocka_unit_test(slow_work_has_half_of_the_pool),
        cmocka_unit_test(the_pool_outlives_its_loop),
        cmocka_unit_test(work_costs_what_the_rows_say),
        cmocka_unit_test(a_blocking_function_stops_all),
        cmocka_unit_test(nobody_handles_it),
        cmocka_unit_test(calls_cost_what_the_rows_say),
        cmocka_unit_test(its_scene_has_what_is_queued),
        cmocka_unit_test(it_needs_its_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
