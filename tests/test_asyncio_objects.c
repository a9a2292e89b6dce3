// asyncio's locks, semaphores, conditions, events, barriers, queues and callbacks: who waits, who
// is woken, and what is counted, in programs small enough to be followed by hand. That CPython
// orders all of it alike is the business of test_asyncio_differential.c.
#include "tests/prints.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TOP(objects) "asyncio: { " objects " }\n"
// In a timeout of this long; says T when it was over.
#define WITHIN(time, op)                                                                           \
    "{ try: { do: [ { timeout: { after: " time ", do: [ " op                                       \
    " ] } } ], except: { timeout: [ { print: T } ] } } }"

static void expect(const char *top, const char *functions, const char *prints)
{
    expect_prints("3.12", top, functions, prints);
}

// ---- locks

static void a_lock_goes_round_in_order(void **state)
{
    (void)state;
    // Three tasks of one function, 2 ms each under the lock: they have it in the order in which
    // they asked, and others run meanwhile.
    expect(TOP("locks: [ l ]"),
           "  f: [ { with: { lock: l, do: [ { print: in }, { await: { sleep: 2ms } } ] } } ]\n"
           "  other: [ { await: { sleep: 1ms } }, { print: other } ]\n"
           "  main: [ { gather: [ f, f, f, other ] }, { print: end } ]\n",
           "in@0 other@1 in@2 in@4 end@6");
    // A lock that is released and wanted again at once goes to who has waited.
    expect(
        TOP("locks: [ l ]"),
        "  a: [ { repeat: { times: 2, do: [ { lock: l }, { print: a }, { await: { sleep: 1ms } },"
        " { unlock: l } ] } } ]\n"
        "  b: [ { lock: l }, { print: b }, { unlock: l } ]\n"
        "  main: [ { gather: [ a, b ] } ]\n",
        "a@0 b@1 a@1");
}

static void a_cancelled_waiter_hands_its_turn_on(void **state)
{
    (void)state;
    // a has the lock until 5 ms; b waits until it is cancelled at 2 ms, c gets it then at 5.
    expect(TOP("locks: [ l ]"),
           "  a: [ { with: { lock: l, do: [ { await: { sleep: 5ms } } ] } } ]\n"
           "  b: [ { try: { do: [ { lock: l } ], except: { cancelled: [ { print: b } ] } } } ]\n"
           "  c: [ { with: { lock: l, do: [ { print: c } ] } } ]\n"
           "  main: [ { create_task: a }, { create_task: { run: b, as: t } }, { create_task: c },\n"
           "          { await: { sleep: 2ms } }, { cancel: t }, { await: { sleep: 9ms } } ]\n",
           "b@2 c@5");
    // b is woken by the release and cancelled before it goes on: c is woken in its place.
    expect(TOP("locks: [ l ]"),
           "  b: [ { try: { do: [ { lock: l } ], except: { cancelled: [ { print: b } ] } } } ]\n"
           "  c: [ { with: { lock: l, do: [ { print: c } ] } } ]\n"
           "  main: [ { lock: l }, { create_task: { run: b, as: t } }, { create_task: c },\n"
           "          { await: { sleep: 1ms } }, { unlock: l }, { cancel: t },\n"
           "          { await: { sleep: 1ms } }, { print: end } ]\n",
           "b@1 c@1 end@2");
}

static void a_free_lock_cannot_be_released(void **state)
{
    (void)state;
    expect(
        TOP("locks: [ l ]"),
        "  main: [ { try: { do: [ { unlock: l } ], except: { error: [ { print: e } ] } } },\n"
        "          { try: { do: [ { with: { lock: l, do: [ { unlock: l }, { raise: A } ] } } ],\n"
        "                   except: { A: [ { print: no } ], error: [ { print: E } ] } } } ]\n",
        "e@0 E@0");
    // Another task may release it: a lock knows no owner.
    expect(TOP("locks: [ l ]"),
           "  f: [ { unlock: l } ]\n"
           "  main: [ { lock: l }, { create_task: f }, { lock: l }, { print: m } ]\n",
           "m@0");
}

// ---- semaphores

static void a_semaphore_lets_so_many_in(void **state)
{
    (void)state;
    // 5 tasks of 2 ms, 2 at a time: 2 at 0, 2 at 2, 1 at 4.
    expect(
        TOP("semaphores: { s: 2 }"),
        "  f: [ { with: { lock: s, do: [ { print: in }, { await: { sleep: 2ms } } ] } } ]\n"
        "  main: [ { create_task: { run: f, as: t, count: 5 } }, { await: t }, { print: end } ]\n",
        "in@0 in@0 in@2 in@2 in@4 end@6");
    expect(TOP("semaphores: { s: { value: 1, bounded: true }, u: 1 }"),
           "  main: [ { release: u }, { acquire: u }, { acquire: u }, { print: two },\n"
           "          { try: { do: [ { release: s } ], except: { error: [ { print: e } ] } } } ]\n",
           "two@0 e@0");
}

// Who comes when one has been woken: w waits, main releases and takes one at once. In 3.8 it gets
// it, and w waits on; from 3.9 on w has been promised it, and main waits for w's release at 1 ms.
static void semaphores_have_become_fair(void **state)
{
    (void)state;
    static const char top[] = TOP("semaphores: { s: 0 }");
    static const char functions[] =
        "  w: [ { acquire: s }, { print: w }, { await: { sleep: 1ms } }, { release: s } ]\n"
        "  main: [ { create_task: { run: w, as: t } }, { await: { sleep: 0s } }, { release: s },\n"
        "          { acquire: s }, { print: m }, { release: s }, { await: t } ]\n";
    expect_prints("3.8", top, functions, "m@0 w@0");
    expect_prints("3.9", top, functions, "w@0 m@1");
    expect_prints("3.10", top, functions, "w@0 m@1");
    expect_prints("3.13", top, functions, "w@0 m@1");
}

// w waits; main releases three, of which w has one. a and b come before w goes on, and wait because
// it does. When w goes on (turn 4) it wakes a; in 3.13 b as well, which so runs before x, whose
// turn comes after a's; up to 3.12 a wakes b, behind x.
static void three_thirteen_wakes_all_there_is_room_for(void **state)
{
    (void)state;
    static const char top[] = TOP("semaphores: { s: 0 }");
    static const char functions[] =
        "  w: [ { acquire: s }, { print: w } ]\n  a: [ { acquire: s }, { print: a } ]\n"
        "  x: [ { await: { sleep: 0s } }, { await: { sleep: 0s } }, { print: x } ]\n"
        "  r: [ { release: { semaphore: s, count: 3 } } ]\n"
        "  main: [ { gather: [ w, r, a, a, x ] } ]\n";
    expect_prints("3.12", top, functions, "w@0 a@0 x@0 a@0");
    expect_prints("3.13", top, functions, "w@0 a@0 a@0 x@0");
}

// ---- events, conditions, barriers

static void an_event_lets_all_go(void **state)
{
    (void)state;
    expect(
        TOP("events: [ e ]"),
        "  f: [ { wait: e }, { print: f } ]\n"
        "  main: [ { create_task: { run: f, count: 2 } }, { await: { sleep: 3ms } }, { set: e },\n"
        "          { print: m }, { wait: e }, { clear: e }, { await: { sleep: 1ms } },\n"
        "          " WITHIN("2ms", "{ wait: e }") " ]\n",
        "m@3 f@3 f@3 T@6");
}

static void a_condition_wakes_as_many_as_asked(void **state)
{
    (void)state;
    // Both wait with the lock given up; one is notified at 1 ms, and has the lock when main leaves
    // it at 3. The other one is notified at 4.
    expect(TOP("locks: [ l ], conditions: { c: l }"),
           "  f: [ { with: { lock: l, do: [ { wait: c }, { print: f } ] } } ]\n"
           "  main: [ { create_task: { run: f, as: t, count: 2 } }, { await: { sleep: 1ms } },\n"
           "          { with: { lock: l, do: [ { notify: c }, { await: { sleep: 2ms } } ] } },\n"
           "          { print: m }, { await: { sleep: 1ms } },\n"
           "          { with: { lock: l, do: [ { notify_all: c } ] } }, { await: t } ]\n",
           "m@3 f@3 f@4");
    // Without the lock both are errors.
    expect(TOP("locks: [ l ], conditions: { c: l }"),
           "  main: [ { try: { do: [ { wait: c } ], except: { error: [ { print: w } ] } } },\n"
           "          { try: { do: [ { notify: c } ], except: { error: [ { print: n } ] } } } ]\n",
           "w@0 n@0");
}

static void who_is_cancelled_at_a_condition_has_the_lock(void **state)
{
    (void)state;
    // main has the lock from 1 to 4 ms; f is cancelled at 2 and leaves the `with` at 4.
    expect(TOP("locks: [ l ], conditions: { c: l }"),
           "  f: [ { try: { do: [ { with: { lock: l, do: [ { wait: c } ] } } ],\n"
           "                except: { cancelled: [ { print: f } ] } } } ]\n"
           "  main: [ { create_task: { run: f, as: t } }, { await: { sleep: 1ms } },\n"
           "          { with: { lock: l, do: [ { await: { sleep: 1ms } }, { cancel: t },\n"
           "                                   { await: { sleep: 2ms } } ] } },\n"
           "          { await: t }, { print: m } ]\n",
           "f@4 m@4");
}

// f is notified, and cancelled before it goes on: from 3.13 on g is notified in its place.
static void a_notification_is_not_lost_from_3_13_on(void **state)
{
    (void)state;
    static const char top[] = TOP("locks: [ l ], conditions: { c: l }");
    static const char functions[] =
        "  f: [ { with: { lock: l, do: [ { wait: c }, { print: no } ] } } ]\n"
        "  g: [ { with: { lock: l, do: [ { wait: c }, { print: g } ] } } ]\n"
        "  main: [ { create_task: { run: f, as: t } }, { create_task: g }, { await: { sleep: 1ms } "
        "},\n"
        "          { with: { lock: l, do: [ { notify: c }, { cancel: t } ] } },\n"
        "          { await: { sleep: 1ms } }, { print: end } ]\n";
    expect_prints("3.12", top, functions, "end@2");
    expect_prints("3.13", top, functions, "g@1 end@2");
}

static void a_barrier_opens_for_the_last(void **state)
{
    (void)state;
    // Three come at 1, 2 and 5 ms; a fourth waits for the next round, in vain.
    expect(TOP("barriers: { b: 3 }"),
           "  a: [ { await: { sleep: 1ms } }, { barrier: b }, { print: a } ]\n"
           "  b: [ { await: { sleep: 2ms } }, { barrier: b }, { print: b } ]\n"
           "  c: [ { await: { sleep: 5ms } }, { print: c }, { barrier: b }, { print: c! } ]\n"
           "  main: [ { gather: [ a, b, c ] }, " WITHIN("3ms", "{ barrier: b }") " ]\n",
           "c@5 c!@5 a@5 b@5 T@8");
}

// ---- queues

static void a_full_queue_holds_the_producer_back(void **state)
{
    (void)state;
    // Room for 1. 1 and 2 are put at 0 (the consumer has taken 1 by then), 3 when the consumer is
    // back at 2 ms.
    expect(TOP("queues: { q: 1 }"),
           "  produce: [ { put: q }, { print: 1 }, { put: q }, { print: 2 }, { put: q }, { print: "
           "3 } ]\n"
           "  consume: [ { repeat: { times: 3, do: [ { get: q }, { print: got },\n"
           "                                         { await: { sleep: 2ms } } ] } } ]\n"
           "  main: [ { gather: [ produce, consume ] } ]\n",
           "1@0 got@0 2@0 got@2 3@2 got@4");
}

static void an_item_says_what_to_do(void **state)
{
    (void)state;
    // The least priority number first; of one priority in the order in which they came.
    expect(TOP("queues: { q: { capacity: unbounded, order: priority } }"),
           "  slow: [ { await: { sleep: 2ms } }, { print: slow } ]\n  fast: [ { print: fast } ]\n"
           "  main: [ { put: { queue: q, run: slow, priority: 2 } },\n"
           "          { put: { queue: q, run: slow, priority: 1 } },\n"
           "          { put: { queue: q, run: fast, priority: 2 } },\n"
           "          { repeat: { times: 3, do: [ { get: q }, { print: got } ] } } ]\n",
           "slow@2 got@2 slow@4 got@4 fast@4 got@4");
}

static void join_waits_for_task_done(void **state)
{
    (void)state;
    expect(
        TOP("queues: { q: unbounded }"),
        "  work: [ { repeat: { times: 2, do: [ { get: q }, { await: { sleep: 3ms } },\n"
        "                                      { task_done: q } ] } } ]\n"
        "  main: [ { queue.join: q }, { print: empty }, { put: q }, { put: q },\n"
        "          { create_task: work }, { queue.join: q }, { print: joined },\n"
        "          { try: { do: [ { task_done: q } ], except: { error: [ { print: e } ] } } } ]\n",
        "empty@0 joined@6 e@6");
}

static void a_cancelled_getter_takes_nothing(void **state)
{
    (void)state;
    // f is woken by the put and cancelled before it goes on: g gets the item.
    expect(TOP("queues: { q: unbounded }"),
           "  f: [ { get: q }, { print: no } ]\n  g: [ { get: q }, { print: g } ]\n"
           "  main: [ { create_task: { run: f, as: t } }, { create_task: g }, { await: { sleep: "
           "1ms } },\n"
           "          { put: q }, { cancel: t }, { await: { sleep: 1ms } }, { print: end } ]\n",
           "g@1 end@2");
}

// Shut down at 2 ms: the getter that waits raises at once; so does who puts; what is there can
// still be got, and then getting raises, too. At once, what is there is thrown away and done with:
// join need not wait.
static void a_queue_is_shut_down(void **state)
{
    (void)state;
    expect_prints(
        "3.13", TOP("queues: { q: 5, e: 5 }"),
        "  g: [ { try: { do: [ { get: e }, { print: got } ], except: { error: [ { print: "
        "empty } ] } } } ]\n"
        "  p: [ { try: { do: [ { put: q }, { print: put } ], except: { error: [ { print: "
        "shut } ] } } } ]\n"
        "  main: [ { create_task: { run: g, as: t } }, { put: q }, { await: { sleep: 2ms "
        "} }, { queue.shutdown: e }, { queue.shutdown: q }, { await: t }, { await: p }, { "
        "get: q }, { print: last }, { try: { do: [ { get: q } ], except: { error: [ { "
        "print: none } ] } } } ]\n",
        "empty@2 shut@2 last@2 none@2");
    expect_prints(
        "3.13", TOP("queues: { q: 5 }"),
        "  j: [ { queue.join: q }, { print: joined } ]\n"
        "  main: [ { put: q }, { put: q }, { create_task: { run: j, as: t } }, { await: { "
        "sleep: 3ms } }, { queue.shutdown: { queue: q, immediate: true } }, { await: t } "
        "]\n",
        "joined@3");
}

// A timeout of 5 ms is given 5 ms more at 3 ms, and is over at 8 ms; with 1 ms it is over at 4 ms.
static void a_timeout_gets_another_time(void **state)
{
    (void)state;
    static const struct {
        const char *more, *prints;
    } cases[] = {{"5ms", "T@8"}, {"1ms", "T@4"}, {"20ms", "end@13"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char functions[512];
        snprintf(functions, sizeof functions,
                 "  main: [ " WITHIN("5ms",
                                     "{ await: { sleep: 3ms } }, { reschedule: %s }, { await: "
                                     "{ sleep: 10ms } }, { print: end }") " ]\n",
                 cases[i].more);
        expect("", functions, cases[i].prints);
    }
}

static void nobody_puts(void **state)
{
    (void)state;
    expect(TOP("queues: { q: 1 }"), "  main: [ { print: m }, { get: q } ]\n",
           "m@0 every thread is blocked with nothing to wake it");
}

// ---- callbacks

static void the_loop_calls_functions(void **state)
{
    (void)state;
    // In the turn after the one in which they are asked for; timers when they are due, in order.
    expect(
        "",
        "  f: [ { print: f } ]\n  g: [ { print: g }, { call_soon: f }, { print: g! } ]\n"
        "  main: [ { call_later: { after: 5ms, run: f } }, { call_at: { at: 3ms, run: g } },\n"
        "          { call_soon: f }, { print: m }, { await: { sleep: 9ms } }, { print: end } ]\n",
        "m@0 f@0 g@3 g!@3 f@3 f@5 end@9");
    // An instant that is over: at once. An exception ends the function, and nothing else.
    expect("",
           "  f: [ { print: f }, { raise: A }, { print: no } ]\n"
           "  main: [ { await: { sleep: 2ms } }, { call_at: { at: 1ms, run: f } },\n"
           "          { await: { sleep: 1ms } }, { print: end } ]\n",
           "f@2 end@3");
}

static void a_callback_can_be_taken_back(void **state)
{
    (void)state;
    expect("",
           "  f: [ { print: f } ]\n"
           "  main: [ { call_later: { after: 2ms, run: f, as: h } }, { call_soon: { run: f, as: s "
           "} },\n"
           "          { cancel: s }, { await: { sleep: 1ms } }, { cancel: h }, { cancel: h },\n"
           "          { await: { sleep: 5ms } }, { print: end } ]\n",
           "end@6");
}

static void a_callback_wakes_and_makes_tasks(void **state)
{
    (void)state;
    expect(TOP("events: [ e ]"),
           "  f: [ { set: e }, { create_task: g }, { compute: 1ms } ]\n  g: [ { print: g } ]\n"
           "  main: [ { call_later: { after: 2ms, run: f } }, { wait: e }, { print: m } ]\n",
           "m@3 g@3");
}

// A callback that takes 100 ms by the loop's clock is told of, whatever it did: f computes 60 ms
// and blocks for 40, g waits 300 ms but not in one step, h takes 99 ms.
static void slow_callbacks_are_reported(void **state)
{
    (void)state;
    static const char yaml[] =
        "machine: { costs: zero }\nruntime: cpython-3.12\nfunctions:\n"
        "  f: [ { compute: 60ms }, { sleep: 40ms } ]\n  g: [ { await: { sleep: 300ms } } ]\n"
        "  h: [ { compute: 99ms } ]\n  k: [ { sleep: 2s } ]\n"
        "  main: [ { call_soon: k }, { gather: [ f, g, h ] } ]\n"
        "threads: [ { name: t, run: [ { asyncio.run: { main: main, debug: %s } } ] } ]\n"
        "expect:\n  - slow_callbacks == %d\n";
    char text[sizeof yaml + 20];
    snprintf(text, sizeof text, yaml, "true", 2);
    Simulated run;
    simulate(&run, text);
    expect_lines_hold(&run);
    int64_t took[2] = {0};
    int count = 0;
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        if (record->kind == EVENT_SLOW_CALLBACK && count < 2)
            took[count++] = (int64_t)record->b;
    }
    assert_int_equal(took[0], 2000000000); // k is ready before f
    assert_int_equal(took[1], 100000000);
    simulated_free(&run);
    snprintf(text, sizeof text, yaml, "false", 0);
    simulate(&run, text);
    expect_lines_hold(&run);
    simulated_free(&run);
}

// ---- what is counted, and what is refused

static void waits_and_levels_are_counted(void **state)
{
    (void)state;
    // Three items at 0, one every 2 ms gone: 3, 2, 1 items for 2 ms each (the first is taken at 0,
    // so 2, 1, 0). The getter waits 4 ms for the fourth, put at 8 ms, having come back at 4.
    static const char yaml[] =
        "machine: { costs: zero }\nruntime: cpython-3.12\n"
        "asyncio: { queues: { q: 5 }, locks: [ l ], semaphores: { s: 2 } }\nfunctions:\n"
        "  get: [ { repeat: { times: 3, do: [ { get: q }, { await: { sleep: 2ms } } ] } }, { get: "
        "q } ]\n"
        "  hold: [ { with: { lock: l, do: [ { await: { sleep: 3ms } } ] } },\n"
        "          { with: { lock: s, do: [ { await: { sleep: 2ms } } ] } } ]\n"
        "  main: [ { put: q }, { put: q }, { put: q }, { create_task: { run: hold, as: h, count: 3 "
        "} },\n"
        "          { create_task: { run: get, as: t } }, { await: { sleep: 8ms } }, { put: q },\n"
        "          { await: t }, { await: h } ]\n"
        "threads: [ { name: t, run: [ { asyncio.run: main } ] } ]\n"
        "expect:\n"
        "  - level_max(q) == 3\n  - level_min(q) == 0\n  - waited(q).count == 1\n  - waited(q) == "
        "2ms\n"
        "  - held(l).count == 3\n  - held(l).max == 3ms\n"
        "  - waited(l).sum == 9ms\n  - waves(l) == 3\n" // 3 ms and 6 ms
        "  - level_min(s) == 1\n  - held(s).sum == 6ms\n";
    Simulated run;
    simulate(&run, yaml);
    expect_lines_hold(&run);
    simulated_free(&run);
}

static void objects_are_the_loops(void **state)
{
    (void)state;
    // Each asyncio.run has its own, as they are at first.
    static const char yaml[] =
        "machine: { costs: zero }\nruntime: cpython-3.12\nasyncio: { semaphores: { s: 1 } }\n"
        "functions: { main: [ { acquire: s }, { print: m } ] }\n"
        "threads: [ { name: t, run: [ { asyncio.run: main }, { asyncio.run: main } ] } ]\n";
    Simulated run;
    simulate(&run, yaml);
    assert_string_equal(prints_of(&run), "m@0 m@0");
    simulated_free(&run);
    const char *message = simulate_failing(
        "machine: { costs: zero }\nruntime: cpython-3.12\nasyncio: { events: [ e ] }\n"
        "threads: [ { name: t, run: [ { set: e } ] } ]\n");
    assert_non_null(strstr(message, "this thread runs no event loop"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_goes_round_in_order),
        cmocka_unit_test(a_cancelled_waiter_hands_its_turn_on),
        cmocka_unit_test(a_free_lock_cannot_be_released),
        cmocka_unit_test(a_semaphore_lets_so_many_in),
        cmocka_unit_test(semaphores_have_become_fair),
        cmocka_unit_test(three_thirteen_wakes_all_there_is_room_for),
        cmocka_unit_test(an_event_lets_all_go),
        cmocka_unit_test(a_condition_wakes_as_many_as_asked),
        cmocka_unit_test(who_is_cancelled_at_a_condition_has_the_lock),
        cmocka_unit_test(a_notification_is_not_lost_from_3_13_on),
        cmocka_unit_test(a_barrier_opens_for_the_last),
        cmocka_unit_test(a_full_queue_holds_the_producer_back),
        cmocka_unit_test(an_item_says_what_to_do),
        cmocka_unit_test(join_waits_for_task_done),
        cmocka_unit_test(a_cancelled_getter_takes_nothing),
        cmocka_unit_test(a_queue_is_shut_down),
        cmocka_unit_test(a_timeout_gets_another_time),
        cmocka_unit_test(nobody_puts),
        cmocka_unit_test(the_loop_calls_functions),
        cmocka_unit_test(a_callback_can_be_taken_back),
        cmocka_unit_test(a_callback_wakes_and_makes_tasks),
        cmocka_unit_test(slow_callbacks_are_reported),
        cmocka_unit_test(waits_and_levels_are_counted),
        cmocka_unit_test(objects_are_the_loops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
