// asyncio: what is printed when, in programs small enough to be followed by hand, on a machine
// where nothing but the program's own operations takes time. That CPython orders all of it alike is
// the business of test_asyncio_differential.c.
#include "tests/prints.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static Simulated run;

// Runs functions of which `main` is asyncio.run's, in this version of CPython.
static void expect_in(const char *version, const char *functions, const char *prints)
{
    expect_prints(version, "", functions, prints);
}

static void expect(const char *functions, const char *prints)
{
    expect_in("3.12", functions, prints);
}

static const char *failing(const char *functions)
{
    char yaml[4096];
    snprintf(yaml, sizeof yaml,
             "machine: { costs: zero }\nruntime: cpython-3.12\nfunctions:\n%s"
             "threads: [ { name: t, run: [ { asyncio.run: main } ] } ]\n",
             functions);
    return simulate_failing(yaml);
}

#define SLEEPER(name, time)                                                                        \
    "  " name ": [ { print: " name " }, { await: { sleep: " time " } }, { print: " name "! } ]\n"

// ---- tasks

static void tasks_take_turns_at_awaits(void **state)
{
    (void)state;
    // main runs first and to its await; then a and b, in the order in which they were made.
    expect(SLEEPER("a", "1ms") SLEEPER("b", "2ms") "  main: [ { create_task: { run: a, as: t } }, "
                                                   "{ create_task: { run: b, as: u } },\n"
                                                   "          { print: m }, { await: t }, { print: "
                                                   "t }, { await: u }, { print: u } ]\n",
           "m@0 a@0 b@0 a!@1 t@1 b!@2 u@2");
}

static void a_blocking_call_stops_the_loop(void **state)
{
    (void)state;
    // a computes until 5 ms; b's sleep of 2 ms began at 0, and is seen at 5.
    expect("  a: [ { await: { sleep: 1ms } }, { print: a }, { compute: 4ms }, { print: a! } "
           "]\n" SLEEPER("b", "2ms") "  main: [ { gather: [ a, b ] }, { print: end } ]\n",
           "b@0 a@1 a!@5 b!@5 end@5");
    // time.sleep does the same: two of 2 s take 4 s, two of asyncio's 2 s.
    expect("  a: [ { sleep: 2s }, { print: a } ]\n  main: [ { gather: [ a, a ] } ]\n",
           "a@2000 a@4000");
    expect("  a: [ { await: { sleep: 2s } }, { print: a } ]\n  main: [ { gather: [ a, a ] } ]\n",
           "a@2000 a@2000");
}

static void epoll_waits_whole_milliseconds(void **state)
{
    (void)state;
    // 1.2 ms are rounded up to 2, and 100 us to 1: the loop wakes up for both at 1, when the longer
    // one has 0.2 ms left, which are rounded up to 1.
    expect("  a: [ { await: { sleep: 1200us } }, { print: a } ]\n"
           "  b: [ { await: { sleep: 100us } }, { print: b } ]\n"
           "  main: [ { gather: [ a, b ] } ]\n",
           "b@1 a@2");
}

static void a_call_is_no_task(void **state)
{
    (void)state;
    // f runs in main's task: other, made before, has its turn only at f's await.
    expect("  f: [ { print: f }, { await: { sleep: 0s } }, { print: f! } ]\n"
           "  other: [ { print: o } ]\n"
           "  main: [ { create_task: other }, { call: f }, { print: m }, { await: f } ]\n",
           "f@0 o@0 f!@0 m@0 f@0 f!@0");
}

static void a_name_means_the_tasks_made_last(void **state)
{
    (void)state;
    expect("  f: [ { await: { sleep: uniform(1ms, 3ms) } } ]\n"
           "  g: [ { await: { sleep: 5ms } }, { print: g } ]\n"
           "  main: [ { create_task: { run: f, as: t, count: 3 } },\n"
           "          { create_task: { run: g, as: t } }, { await: t }, { print: m } ]\n",
           "g@5 m@5");
}

// ---- the end of asyncio.run

static void what_is_left_is_cancelled(void **state)
{
    (void)state;
    expect("  f: [ { try: { do: [ { await: { sleep: 1s } }, { print: no } ],\n"
           "                finally: [ { print: f } ] } } ]\n"
           "  main: [ { create_task: f }, { await: { sleep: 1ms } }, { print: m } ]\n",
           "m@1 f@1");
    // It has not begun: then it never does.
    expect("  f: [ { try: { do: [ { print: no } ], finally: [ { print: no } ] } } ]\n"
           "  main: [ { create_task: { run: f, as: t } }, { cancel: t }, { print: m } ]\n",
           "m@0");
}

static void run_raises_what_main_raises(void **state)
{
    (void)state;
    static const char yaml[] =
        "machine: { costs: zero }\nruntime: cpython-3.12\n"
        "functions: { main: [ { await: { sleep: 1ms } }, { raise: Oops } ] }\n"
        "threads:\n"
        "  - name: t\n"
        "    run:\n"
        "      - try: { do: [ { asyncio.run: main } ], except: { Oops: [ { print: caught } ] } }\n"
        "      - asyncio.run: main\n"
        "      - print: never\n";
    simulate(&run, yaml);
    assert_string_equal(prints_of(&run), "caught@1"); // the second one ends the thread
    assert_int_equal(run.result.ended.ns, 2000000);
    simulated_free(&run);
}

// ---- exceptions

static void exceptions_go_outwards(void **state)
{
    (void)state;
    // Through a call, a loop and a span to the handler that knows it; then on behind the try.
    expect(
        "  f: [ { repeat: { times: 2, do: [ { span: { name: s, do: [ { print: f }, { raise: A } ] "
        "} } ] } } ]\n"
        "  main:\n"
        "    - try:\n"
        "        do: [ { try: { do: [ { call: f } ], except: { B: [ { print: no } ] },\n"
        "                       finally: [ { print: finally } ] } }, { print: no } ]\n"
        "        except: { B: [ { print: no } ], A: [ { print: A } ], error: [ { print: no } ] }\n"
        "        finally: [ { print: over } ]\n"
        "    - print: end\n",
        "f@0 finally@0 A@0 over@0 end@0");
    // One of a handler or of `finally` takes the place of the first.
    expect("  main:\n"
           "    - try:\n"
           "        do: [ { try: { do: [ { raise: A } ], except: { A: [ { raise: B } ] },\n"
           "                       finally: [ { print: f } ] } } ]\n"
           "        except: { B: [ { print: B } ] }\n"
           "    - try: { do: [ { try: { do: [ { raise: A } ], finally: [ { raise: C } ] } } ],\n"
           "             except: { C: [ { print: C } ] } }\n",
           "f@0 B@0 C@0");
    // `error` is any but `cancelled`.
    expect(
        "  main: [ { try: { do: [ { raise: timeout } ], except: { error: [ { print: t } ] } } },\n"
        "          { try: { do: [ { raise: cancelled } ], except: { error: [ { print: no } ],\n"
        "                   cancelled: [ { print: c } ] } } } ]\n",
        "t@0 c@0");
}

static void a_lock_is_released_on_the_way(void **state)
{
    (void)state;
    static const char yaml[] =
        "machine: { costs: zero }\nlocks: { l: lock }\nthreads:\n"
        "  - name: t\n    run:\n"
        "      - try: { do: [ { with: { lock: l, do: [ { compute: 1ms }, { raise: A } ] } } ],\n"
        "               except: { A: [ { print: A } ] } }\n"
        "      - with: { lock: l, do: [ { print: again } ] }\n";
    simulate(&run, yaml);
    assert_string_equal(prints_of(&run), "A@1 again@1");
    simulated_free(&run);
}

// ---- cancelling and waiting for a limited time

static void cancelled_where_it_waits(void **state)
{
    (void)state;
    expect(
        "  f: [ { try: { do: [ { await: { sleep: 9ms } } ],\n"
        "                except: { cancelled: [ { print: f }, { raise: cancelled } ] } } } ]\n"
        "  main: [ { create_task: { run: f, as: t } }, { await: { sleep: 2ms } }, { cancel: t },\n"
        "          { print: m }, { try: { do: [ { await: t } ],\n"
        "                                 except: { cancelled: [ { print: c } ] } } } ]\n",
        "m@2 f@2 c@2");
}

static void wait_for_gives_up(void **state)
{
    (void)state;
    static const char functions[] =
        "  f: [ { try: { do: [ { await: { sleep: 9ms } } ], finally: [ { print: f } ] } } ]\n"
        "  main: [ { try: { do: [ { wait_for: { task: f, timeout: 3ms } } ],\n"
        "                   except: { timeout: [ { print: late } ] } } },\n"
        "          { wait_for: { task: f, timeout: 30ms } }, { print: end } ]\n";
    expect_in("3.11", functions, "f@3 late@3 f@12 end@12");
    expect_in("3.12", functions, "f@3 late@3 f@12 end@12");
}

// In 3.11 f is a task of its own, so that what is ready runs before it; in 3.12 it is not.
static void wait_for_has_changed(void **state)
{
    (void)state;
    static const char functions[] =
        "  f: [ { print: f } ]\n  g: [ { print: g } ]\n"
        "  main: [ { create_task: g }, { wait_for: { task: f, timeout: 1ms } } ]\n";
    expect_in("3.11", functions, "g@0 f@0");
    expect_in("3.12", functions, "f@0 g@0");
}

static void a_timeout_ends_what_is_in_it(void **state)
{
    (void)state;
    expect(
        "  main:\n"
        "    - try: { do: [ { timeout: { after: 5ms, do: [ { await: { sleep: 3ms } }, { print: a "
        "},\n"
        "               { await: { sleep: 3ms } }, { print: no } ] } } ],\n"
        "             except: { timeout: [ { print: t } ] } }\n"
        "    - timeout: { after: 5ms, do: [ { await: { sleep: 3ms } } ] }\n"
        "    - print: end\n",
        "a@3 t@5 end@8");
}

static void wait_is_over_early(void **state)
{
    (void)state;
    expect(
        SLEEPER("a", "1ms") SLEEPER(
            "b",
            "3ms") "  main: [ { create_task: { run: a, as: t } }, { create_task: { run: b, as: u } "
                   "},\n"
                   "          { asyncio.wait: { tasks: [ t, u ], return_when: first_completed } }, "
                   "{ print: m "
                   "},\n"
                   "          { asyncio.wait: { tasks: [ t, u ], timeout: 1ms } }, { print: n },\n"
                   "          { asyncio.wait: [ t, u ] }, { print: end } ]\n",
        "a@0 b@0 a!@1 m@1 n@2 b!@3 end@3");
}

static void gather_fails_with_the_first(void **state)
{
    (void)state;
    static const char functions[] =
        "  bad: [ { await: { sleep: 1ms } }, { raise: Bad } ]\n"
        "  good: [ { await: { sleep: 2ms } }, { print: good } ]\n"
        "  main: [ { try: { do: [ { gather: [ good, bad ] } ], except: { Bad: [ { print: bad } ] } "
        "} },\n"
        "          { gather: { tasks: [ bad, good ], return_exceptions: true } }, { print: end } "
        "]\n";
    // The good one goes on: its print comes 2 ms after its start.
    expect(functions, "bad@1 good@2 good@3 end@3");
}

static void a_group_waits_and_cancels(void **state)
{
    (void)state;
    expect(SLEEPER("a", "2ms") "  main: [ { task_group: [ { create_task: a }, { print: m } ] }, { "
                               "print: end } ]\n",
           "m@0 a@0 a!@2 end@2");
    // When one fails the other is cancelled, where gather lets it go on; and so is main's own wait.
    expect(
        "  bad: [ { await: { sleep: 1ms } }, { raise: Bad } ]\n"
        "  good: [ { try: { do: [ { await: { sleep: 2ms } }, { print: no } ],\n"
        "                   except: { cancelled: [ { print: c }, { raise: cancelled } ] } } } ]\n"
        "  main: [ { try: { do: [ { task_group: [ { create_task: bad }, { create_task: good },\n"
        "                                         { await: { sleep: 9ms } }, { print: no } ] } ],\n"
        "                   except: { group: [ { print: g } ] } } }, { print: end } ]\n",
        "c@1 g@1 end@1");
}

static void a_shielded_task_goes_on(void **state)
{
    (void)state;
    expect("  work: [ { await: { sleep: 5ms } }, { print: done } ]\n"
           "  f: [ { try: { do: [ { shield: t } ], except: { cancelled: [ { print: c } ] } } } ]\n"
           "  main: [ { create_task: { run: work, as: t } }, { create_task: { run: f, as: u } },\n"
           "          { await: { sleep: 1ms } }, { cancel: u }, { await: u }, { await: t } ]\n",
           "c@1 done@5");
}

// ---- mistakes that only running shows

static void mistakes(void **state)
{
    (void)state;
    assert_non_null(strstr(failing("  f: [ yield ]\n"
                                   "  main: [ { if: { chance: 0%, then: [ { create_task: { run: f, "
                                   "as: t } } ] } }, { await: t } ]\n"),
                           "'await': there is no task 't' yet"));
    assert_non_null(
        strstr(failing("  f: [ { await: { sleep: 1ms } }, { await: t } ]\n"
                       "  main: [ { create_task: { run: f, as: t } }, { await: t } ]\n"),
               "a task waits for itself"));
    assert_non_null(strstr(failing("  inner: [ { await: { sleep: 1ms } } ]\n"
                                   "  main: [ { asyncio.run: inner } ]\n"),
                           "'asyncio.run' in a thread that runs an event loop already"));
    // Two that wait for each other cannot be cancelled; Python says RecursionError.
    assert_non_null(strstr(failing("  f: [ { await: { sleep: 1ms } }, { await: u } ]\n"
                                   "  g: [ { await: { sleep: 1ms } }, { await: t } ]\n"
                                   "  main: [ { create_task: { run: f, as: t } }, { create_task: { "
                                   "run: g, as: u } }, { await: { sleep: 2ms } } ]\n"),
                           "1000 deep"));
}

// Nobody will wake it: the run says so.
static void a_loop_can_wait_for_ever(void **state)
{
    (void)state;
    expect("  f: [ { await: { sleep: 1ms } }, { await: u } ]\n"
           "  g: [ { await: { sleep: 1ms } }, { await: t } ]\n"
           "  main: [ { create_task: { run: f, as: t } }, { create_task: { run: g, as: u } },\n"
           "          { print: m }, { await: t } ]\n",
           "m@0 every thread is blocked with nothing to wake it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_take_turns_at_awaits),
        cmocka_unit_test(a_blocking_call_stops_the_loop),
        cmocka_unit_test(epoll_waits_whole_milliseconds),
        cmocka_unit_test(a_call_is_no_task),
        cmocka_unit_test(a_name_means_the_tasks_made_last),
        cmocka_unit_test(what_is_left_is_cancelled),
        cmocka_unit_test(run_raises_what_main_raises),
        cmocka_unit_test(exceptions_go_outwards),
        cmocka_unit_test(a_lock_is_released_on_the_way),
        cmocka_unit_test(cancelled_where_it_waits),
        cmocka_unit_test(wait_for_gives_up),
        cmocka_unit_test(wait_for_has_changed),
        cmocka_unit_test(a_timeout_ends_what_is_in_it),
        cmocka_unit_test(wait_is_over_early),
        cmocka_unit_test(gather_fails_with_the_first),
        cmocka_unit_test(a_group_waits_and_cancels),
        cmocka_unit_test(a_shielded_task_goes_on),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(a_loop_can_wait_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
