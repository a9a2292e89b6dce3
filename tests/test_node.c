// Node's loop: the order in which functions are called, in programs small enough to be followed by
// hand; most were run in Node 20 as well (the JavaScript is in the comment).
#include "tests/prints.h"

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
        cmocka_unit_test(a_blocking_function_stops_all),
        cmocka_unit_test(nobody_handles_it),
        cmocka_unit_test(calls_cost_what_the_rows_say),
        cmocka_unit_test(it_needs_its_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
