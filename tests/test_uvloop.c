// uvloop's loop, `loop: libuv`: asyncio's coroutines in libuv's phases. Programs small enough to be
// followed by hand; where the order is not asyncio's, asyncio's is beside it. (Random programs are
// the same, to the nanosecond, in uvloop 0.17 over libuv 1.48 and 1.44 on a virtual clock; but for
// streams, see sim/python/uvloop.h, and for timeouts whose floating-point rest decides how half a
// millisecond is rounded.)
#include "tests/asyncio_program.h"
#include "tests/prints.h"
#include "tests/python_laws.h"
#include "tests/recorded.h"
#include "tests/scene_laws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static Simulated run;

static void simulate_loop(const char *loop, const char *functions)
{
    char yaml[4096];
    snprintf(yaml, sizeof yaml,
             "machine: { costs: zero }\nruntime: cpython-3.12\nfunctions:\n%s"
             "threads: [ { name: t, run: [ { asyncio.run: { main: main, loop: %s } } ] } ]\n",
             functions, loop);
    simulate(&run, yaml);
}

static void expect(const char *functions, const char *libuv, const char *asyncio)
{
    simulate_loop("libuv", functions);
    assert_string_equal(prints_of(&run), libuv);
    simulated_free(&run);
    simulate_loop("asyncio", functions);
    assert_string_equal(prints_of(&run), asyncio);
    simulated_free(&run);
}

#define SAYS(name) "  " name ": [ { print: " name " } ]\n"

// round() of 2.5 and 1.5 is 2, of 0.6 it is 1, of 0.5 it is 0: d is ready at once. c was set first.
static void delays_are_whole_milliseconds(void **state)
{
    (void)state;
    expect(SAYS("a") SAYS("b") SAYS("c") SAYS("d") //
           "  main: [ { call_later: { after: 2500us, run: c } },\n"
           "          { call_later: { after: 1500us, run: b } },\n"
           "          { call_later: { after: 600us, run: a } },\n"
           "          { call_later: { after: 500us, run: d } }, { await: { sleep: 5ms } } ]\n",
           "d@0 a@1 c@2 b@2",
           // asyncio's epoll_wait rounds its wait up: at 1 ms both d and a are due, at 2 b, at 3 c.
           "d@1 a@1 b@2 c@3");
}

// At 0.9 ms libuv's clock says 0: 1 ms from then is 1. At 1 ms, when main sleeps, it says 1: the
// timer is due. And 3 ms from then are 4.
static void a_timer_may_be_early(void **state)
{
    (void)state;
    expect(SAYS("a") "  main: [ { compute: 900us }, { call_later: { after: 1ms, run: a } },\n"
                     "          { compute: 100us }, { await: { sleep: 3ms } }, { print: main } ]\n",
           "a@1 main@4",
           // 1.9 ms; epoll_wait of 0.9 ms from 1 on is 1 ms, and then 2 ms more.
           "a@2 main@4");
}

// main computes up to 3 ms and then waits for a, whose timer was set at 0. libuv's clock says 0
// still as it waits: 4 ms from 3 on.
static void it_waits_by_an_old_clock(void **state)
{
    (void)state;
    expect(
        "  a: [ { print: a }, { cancel: t } ]\n  b: [ { forever: [ { await: { sleep: 1h } } ] } ]\n"
        "  main: [ { create_task: { run: b, as: t } }, { await: { sleep: 0s } },\n"
        "          { call_later: { after: 4ms, run: a } }, { compute: 3ms },\n"
        "          { asyncio.wait: { tasks: t } } ]\n",
        "a@7", "a@4");
}

// At 2 ms b and main's next step are ready, and the timer is due: libuv calls what it is for in
// this turn's timers phase, asyncio behind what is ready.
static void timers_come_before_what_is_ready(void **state)
{
    (void)state;
    expect(SAYS("a") SAYS("b") //
           "  main: [ { call_later: { after: 1ms, run: a } }, { compute: 2ms },\n"
           "          { call_soon: b }, { await: { sleep: 0s } }, { print: main } ]\n",
           "a@2 b@2 main@2", "b@2 main@2 a@2");
}

// Those due as the phase begins, even if one of them takes long: b, which a sets for 1 ms, is due
// when a has taken 2, and comes in the next turn's, after what a has made ready.
static void a_timer_set_by_a_timer_waits(void **state)
{
    (void)state;
    expect(SAYS("b") SAYS("c") SAYS("soon") //
           "  a: [ { call_later: { after: 1ms, run: b } }, { call_soon: soon }, { compute: 2ms },\n"
           "       { print: a } ]\n"
           "  main: [ { call_later: { after: 1ms, run: a } }, { call_later: { after: 1ms, run: c } "
           "},\n"
           "          { await: { sleep: 9ms } } ]\n",
           "a@3 c@3 soon@3 b@3", "a@3 c@3 soon@3 b@3");
}

// A timer that another one of the same instant cancels is not called.
static void a_due_timer_can_be_cancelled(void **state)
{
    (void)state;
    expect(SAYS("b") //
           "  a: [ { print: a }, { cancel: h } ]\n"
           "  main: [ { call_later: { after: 1ms, run: a } },\n"
           "          { call_later: { after: 1ms, run: b, as: h } }, { await: { sleep: 3ms } } ]\n",
           "a@1", "a@1");
}

// So many that they are taken out of the heap before they are due. libuv's timers of one
// millisecond come in the order in which they were set. asyncio has a, c, b and main's left, which
// heapify makes a heap of: it takes a down, past the lesser of c and b, and not up again past b,
// its equal.
static void cancelled_timers_are_forgotten(void **state)
{
    (void)state;
    expect(SAYS("a") SAYS("b") SAYS("c") //
           "  main: [ { call_later: { after: 3ms, run: c } }, { call_later: { after: 2ms, run: a } "
           "},\n"
           "          { repeat: { times: 500, do: [ { call_later: { after: 1h, run: a, as: h } },\n"
           "                                        { cancel: h } ] } },\n"
           "          { call_later: { after: 2ms, run: b } }, { await: { sleep: 5ms } } ]\n",
           "a@2 b@2 c@3", "b@2 a@2 c@3");
}

// Where main has ended, asyncio's callback stops the loop; uvloop's makes one ready that does. So t
// has one turn more before it is cancelled.
static void stopping_takes_a_turn_more(void **state)
{
    (void)state;
    expect("  t: [ { forever: [ { print: t }, { await: { sleep: 0s } } ] } ]\n"
           "  main: [ { create_task: t }, { print: main } ]\n",
           "main@0 t@0 t@0", "main@0 t@0");
}

// main's first step; 1 ms later the timer, in the same turn; main's last; the callback of its end;
// the one that stops: 4. A timer that has been called is closed before the next wait: no turn more
// here, since something is ready. shutdown_asyncgens and shutdown_default_executor take 3 each. In
// asyncio the timer's callback has a turn of its own, and none only stops: 4, 2 and 2.
static void turns_are_counted(void **state)
{
    (void)state;
    const char *functions = "  main: [ { await: { sleep: 1ms } } ]\n";
    simulate_loop("libuv", functions);
    assert_int_equal(simulated_count(&run, EVENT_LOOP_TURN, "t"), 10);
    simulated_free(&run);
    simulate_loop("asyncio", functions);
    assert_int_equal(simulated_count(&run, EVENT_LOOP_TURN, "t"), 8);
    simulated_free(&run);
}

// A turn waits for f's timer and calls it. Nothing is ready then, but the timer is to be closed, so
// that the next turn does not wait; the one after it does, for main's sleep: 3. Then main's last
// step, the callback of its end and the one that stops, 3, and 6 for the other two ends. In asyncio
// a turn waits for f and one for the sleep; main's first step and last, its end, and 4.
static void closing_a_timer_takes_a_turn(void **state)
{
    (void)state;
    const char *functions = "  f: [ ]\n"
                            "  main: [ { call_later: { after: 1ms, run: f } },\n"
                            "          { await: { sleep: 3ms } } ]\n";
    simulate_loop("libuv", functions);
    assert_int_equal(simulated_count(&run, EVENT_LOOP_TURN, "t"), 12);
    simulated_free(&run);
    simulate_loop("asyncio", functions);
    assert_int_equal(simulated_count(&run, EVENT_LOOP_TURN, "t"), 9);
    simulated_free(&run);
}

static uint64_t calls(const char *thread, SyscallId call)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        count += record->kind == EVENT_KERNEL_ENTER && record->a == call &&
                 strcmp(simulated_name(&run, record->task), thread) == 0;
    }
    return count;
}

static const char threads[] =
    "machine: { costs: %s, cores: 2 }\nruntime: cpython-3.12\nfunctions:\n"
    "  f: [ { print: f } ]\n"
    "  main: [ { await: { sleep: 1ms } }, { sleep: 20ms }, { await: { sleep: 10ms } } ]\n"
    "threads:\n  - { name: t, run: [ { asyncio.run: { main: main, loop: %s } } ] }\n"
    "  - { name: other, start: 10ms,\n"
    "      run: [ { repeat: { times: 3, do: [ { call_soon_threadsafe: f } ] } } ] }\n";

// While its thread is blocked for 20 ms another one calls call_soon_threadsafe three times: only
// the first writes to the eventfd, which is read once; of asyncio's self-pipe each does.
static void one_write_wakes_it(void **state)
{
    (void)state;
    for (int libuv = 0; libuv < 2; libuv++) {
        char yaml[1024];
        snprintf(yaml, sizeof yaml, threads, "zero", libuv ? "libuv" : "asyncio");
        simulate(&run, yaml);
        assert_string_equal(prints_of(&run), "f@21 f@21 f@21");
        assert_int_equal(calls("other", SYSCALL_WRITE), libuv ? 1 : 0);
        assert_int_equal(calls("other", SYSCALL_SENDTO), libuv ? 0 : 3);
        assert_int_equal(calls("t", SYSCALL_READ), libuv ? 1 : 0);
        simulated_free(&run);
    }
}

// The GIL is held for what is called: three timers of one instant take it three times; asyncio,
// which takes it once after epoll_wait, calls them all.
static void each_timer_takes_the_gil(void **state)
{
    (void)state;
    static const char functions[] =
        "  f: [ ]\n"
        "  main: [ { repeat: { times: 3, do: [ { call_later: { after: 1ms, run: f } } ] } },\n"
        "          { await: { sleep: 1s } } ]\n";
    uint64_t before[2], after[2] = {0};
    for (int libuv = 0; libuv < 2; libuv++) {
        simulate_loop(libuv ? "libuv" : "asyncio", functions);
        before[libuv] = simulated_count(&run, EVENT_GIL_TAKEN, "t");
        for (uint64_t i = 0; i < run.memory.count; i++) {
            const TraceRecord *record = memory_sink_at(&run.memory, i);
            after[libuv] += record->kind == EVENT_GIL_TAKEN && record->time_ns == 1000000;
        }
        assert_true(before[libuv] > after[libuv]);
        simulated_free(&run);
    }
    assert_int_equal(after[1], 3);
    // After the wait; and after the next poll, which waits for the sleep, at its end.
    assert_int_equal(after[0], 1);
}

// One turn of a task that lets others go first: uvloop_turn 200, a callback 100, call_soon 50. With
// the loop's own rows a third of asyncio's, so is the time: but for the turns at the end, which are
// more here (each 200, and 100 and 50 for its callback, as turns_are_counted has it: 3 instead of 2
// for each of three ends).
static void it_costs_what_the_rows_say(void **state)
{
    (void)state;
    static const char yaml[] =
        "machine: { costs: { base: zero, uvloop_turn: 200ns, uvloop_callback: 100ns,\n"
        "                    uvloop_call_soon: 50ns, uvloop_call_later: 30ns, uvloop_timer: 10ns "
        "} }\n"
        "runtime: cpython-3.12\nfunctions:\n"
        "  main:\n"
        "    - span: { name: s, do: [ { repeat: { times: 10, do: [ { await: { sleep: 0s } } ] } } "
        "] "
        "}\n"
        "    - span: { name: l, do: [ { await: { sleep: 1ms } } ] }\n"
        "threads: [ { name: t, run: [ { asyncio.run: { main: main, loop: libuv } } ] } ]\n"
        "expect:\n"
        "  - latency(s) == 3500ns\n"
        // 30 is owed, which is spent before the wait: 3530 + 150 (see below), so the clock says 0;
        // 1 ms from there, less what has passed, is not known to libuv: it waits for 1 ms. Then the
        // timer 10, what it makes ready 50, a turn 200, a callback 100.
        "  - latency(l) == 1000390ns\n";
    simulate(&run, yaml);
    expect_lines_hold(&run);
    simulated_free(&run);
}

// The signal's number comes through the self-pipe, whose callback makes f ready and wakes the loop
// again, by the eventfd: that is read in the next turn, and f called in the one after. Three turns
// from the signal on: what waits, with the self-pipe; the eventfd; f.
static void signals_come_by_the_self_pipe(void **state)
{
    (void)state;
    simulate(
        &run,
        "machine: { costs: zero, cores: 2 }\nprocesses:\n  - name: app\n"
        "    runtime: cpython-3.12\n    functions:\n      f: [ { print: f } ]\n"
        "      main: [ { add_signal_handler: { signal: TERM, run: f } }, { await: { sleep: 1s } "
        "} ]\n"
        "    threads: [ { name: t, run: [ { asyncio.run: { main: main, loop: libuv } } ] } ]\n"
        "  - { name: other, threads: [ { name: k, start: 5ms, run: [ { kill: { process: app, "
        "signal: TERM } } ] } ] }\n");
    assert_string_equal(prints_of(&run), "f@5");
    assert_int_equal(calls("t", SYSCALL_RECVFROM), 2);  // until there is no more
    assert_int_equal(calls("t", SYSCALL_WRITE), 1 + 1); // the eventfd, and the print
    assert_int_equal(calls("t", SYSCALL_READ), 1);
    uint64_t turns = 0;
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        turns += record->kind == EVENT_LOOP_TURN && record->time_ns == 5000000;
    }
    // The turn that waits began before; two more up to f, and the one after it that waits again.
    assert_int_equal(turns, 2);
    simulated_free(&run);
}

// f's timer is due at 1 ms, and f takes 2. Then main's, at 9: libuv looks at its clock at 3, in the
// turn that closes f's timer, and waits for 6 ms.
static void its_scene_has_the_phase(void **state)
{
    (void)state;
    Recorded recorded;
    Scene scene;
    record_run(&recorded,
               "machine: { costs: zero }\nruntime: cpython-3.12\nfunctions:\n"
               "  f: [ { compute: 2ms } ]\n"
               "  main: [ { call_later: { after: 1ms, run: f } }, { await: { sleep: 9ms } },\n"
               "          { compute: 1ms } ]\n"
               "threads: [ { name: t, run: [ { asyncio.run: { main: main, loop: libuv } } ] } ]\n");
    static const struct {
        int64_t ns;
        LoopPhase phase;
        uint32_t callback, timers;
    } at[] = {{500000, LOOP_PHASE_POLLS, 0, 2},
              {2000000, LOOP_PHASE_TIMERS, CALLBACK_CALL + 1, 1},
              {5000000, LOOP_PHASE_POLLS, 0, 1},
              {9500000, LOOP_PHASE_CALLBACKS, CALLBACK_STEP + 1, 0}};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        scene_open(&scene, &recorded.run.scenario);
        recording_seek_time(&recorded.recording, &scene, at[i].ns);
        assert_null(scene_laws(&scene));
        const SceneLoop *loop = scene_loop_of(&scene, recorded_task(&recorded, "t"));
        assert_non_null(loop);
        assert_int_equal(loop->libuv, 1);
        assert_int_equal(loop->phase, at[i].phase);
        assert_int_equal(loop->callback, at[i].callback);
        assert_int_equal(loop->timers, at[i].timers);
        if (at[i].ns == 5000000)
            assert_int_equal(loop->poll_until_ns, 9000000);
        scene_free(&scene);
    }
    recorded_free(&recorded);
}

static void laws_hold_in_random_programs(void **state)
{
    (void)state;
    enum { PROGRAMS = 60, BYTES = 1 << 16 };
    static char program[BYTES], yaml[BYTES + 32], text[256];
    for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
        asyncio_program(seed, 12, program, sizeof program);
        char *at = strstr(program, "asyncio.run: f0 ");
        assert_non_null(at);
        snprintf(yaml, sizeof yaml, "%.*sasyncio.run: { main: f0, loop: libuv } %s",
                 (int)(at - program), program, at + strlen("asyncio.run: f0 "));
        simulate(&run, yaml);
        TraceRecord *records = malloc((run.memory.count + 1) * sizeof *records);
        assert_non_null(records);
        for (uint64_t i = 0; i < run.memory.count; i++)
            records[i] = *memory_sink_at(&run.memory, i);
        const char *broken = python_laws(&run.scenario, records, run.memory.count, text);
        free(records);
        if (broken != NULL)
            fail_msg("program %d: %s", (int)seed, broken);
        simulated_free(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_are_whole_milliseconds),
        cmocka_unit_test(a_timer_may_be_early),
        cmocka_unit_test(it_waits_by_an_old_clock),
        cmocka_unit_test(timers_come_before_what_is_ready),
        cmocka_unit_test(a_timer_set_by_a_timer_waits),
        cmocka_unit_test(a_due_timer_can_be_cancelled),
        cmocka_unit_test(cancelled_timers_are_forgotten),
        cmocka_unit_test(stopping_takes_a_turn_more),
        cmocka_unit_test(turns_are_counted),
        cmocka_unit_test(closing_a_timer_takes_a_turn),
        cmocka_unit_test(one_write_wakes_it),
        cmocka_unit_test(each_timer_takes_the_gil),
        cmocka_unit_test(it_costs_what_the_rows_say),
        cmocka_unit_test(signals_come_by_the_self_pipe),
        cmocka_unit_test(its_scene_has_the_phase),
        cmocka_unit_test(laws_hold_in_random_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
