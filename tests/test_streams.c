// The loop's selector, its self-pipe, streams over pipes, and signals in a loop. Times and numbers
// are worked out beside each test; two sweeps try every order in which a loop and somebody who
// wakes it can act; random programs must lose no byte and keep their buffers within their bounds.
#include "hand_trace.h"
#include "simulate.h"

#include "sim/base/rng.h"
#include "sim/kernel/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KIB = 1024 };

// "100 20 3": the second argument of each record of `kind`, those of `file` only when it is not 0.
static const char *values(const Simulated *run, EventKind kind, uint64_t file)
{
    static char text[4096];
    size_t at = 0;
    text[0] = 0;
    for (uint64_t i = 0; i < run->memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run->memory, i);
        if (record->kind == kind && (file == 0 || record->a == file) && at < sizeof text - 32)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%lld", at > 0 ? " " : "",
                                   (long long)record->b);
    }
    return text;
}

// The instants of the prints: "first@10 second@20", in nanoseconds.
static const char *prints(const Simulated *run)
{
    static char text[4096];
    size_t at = 0;
    text[0] = 0;
    for (uint64_t i = 0; i < run->memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run->memory, i);
        if (record->kind == EVENT_PRINT)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s@%lld", at > 0 ? " " : "",
                                   scenario_string(&run->scenario, (StringId){(uint32_t)record->a}),
                                   (long long)record->time_ns);
    }
    return text;
}

// ---- what is known of bytes

// Against one flag a byte: random pieces with and without lines go from one end to the other.
static void lines_keep_their_ends(void **state)
{
    (void)state;
    enum { ROOM = 200000 };
    static bool ends[ROOM];
    Scenario scenario = {0};
    scenario.limits[LIMIT_MEMORY] = INT64_MAX;
    Machine machine = {.scenario = &scenario};
    Bytes near = {0}, far = {0};
    Rng rng = rng_make(7, 1);
    uint64_t written = 0, taken = 0;
    for (int i = 0; i < 20000; i++) {
        uint64_t size = 1 + rng_u32(&rng) % 30,
                 line = rng_u32(&rng) % 3 ? 1 + rng_u32(&rng) % 8 : 0;
        if (written + size < ROOM && rng_u32(&rng) % 2 == 0) {
            // In two parts, as a pipe without room for all of it would take it.
            uint64_t first = rng_u32(&rng) % (size + 1);
            bytes_add(&machine, &near, first, line, 0);
            bytes_add(&machine, &near, size - first, line, first);
            for (uint64_t b = 1; line != 0 && b <= size; b++)
                ends[written + b - 1] = b % line == 0;
            written += size;
        }
        uint64_t move = bytes_length(&near) == 0 ? 0 : rng_u32(&rng) % bytes_length(&near);
        bytes_move(&machine, &near, move, &far);
        uint64_t expected = 0;
        for (uint64_t b = taken; b < taken + bytes_length(&far) && expected == 0; b++)
            expected = ends[b] ? b + 1 - taken : 0;
        assert_int_equal(bytes_line(&far), expected);
        if (expected != 0 && rng_u32(&rng) % 4 != 0) {
            bytes_move(&machine, &far, expected, NULL);
            taken += expected;
        }
    }
    assert_true(taken > ROOM / 4);
    assert_int_equal(written, taken + bytes_length(&near) + bytes_length(&far));
    bytes_free(&machine, &near);
    bytes_free(&machine, &far);
    assert_int_equal(machine.file_bytes, 0);
}

// ---- the way of a line, step by step

static void a_line_takes_two_turns(void **state)
{
    (void)state;
    Simulated run;
    // The writer's sleep takes 50 + 1000 + 50 ns, and its bytes are in the pipe after the way into
    // the kernel, 50 ns: 1150. The loop wakes in epoll_wait, which hands over one event (60) and
    // returns (50): 1260. Asyncio looks at the event (7), and calls the reader: into the kernel
    // (50), read(2) (10), and back (50): 1377. It gets the bytes (5), and the coroutine is ready: a
    // turn, whose epoll_wait with a timeout of 0 takes 50 + 50 into the kernel and 50 back: 1532.
    // The coroutine's own look at the stream (3) was before it waited.
    simulate(&run,
             "machine: { cores: 2, costs: { base: zero, syscall: 100ns, epoll_wait: 50ns, "
             "epoll_event: 60ns, pipe_read: 10ns, selector_event: 7ns, data_received: 5ns, "
             "stream_read: 3ns } }\npipes: [ p ]\nprocesses:\n"
             "  - name: w\n    threads: [ { name: w, run: [ { sleep: 1us }, { write: { pipe: p, "
             "size: 100B, lines: 1 } }, { sleep: 1ms } ] } ]\n"
             "  - name: r\n    runtime: cpython-3.12\n"
             "    functions: { main: [ { reader.readline: p } ] }\n"
             "    threads: [ { name: r, run: [ { asyncio.run: main } ] } ]\n");
    assert_int_equal(simulated_time_of(&run, EVENT_PIPE_WRITTEN, "w"), 1150);
    assert_int_equal(simulated_time_of(&run, EVENT_STREAM_READ, "r"), 1532);
    assert_string_equal(values(&run, EVENT_STREAM_READ, 0), "100");
    simulated_free(&run);
}

// ---- what reads return

static void reads_return_what_is_there(void **state)
{
    (void)state;
    Simulated run;
    // 10 bytes when 10 have come; then 25 at once, in pieces of at most 10; then the end.
    simulate(&run,
             "machine: { cores: 2, costs: zero }\npipes: [ p ]\nprocesses:\n"
             "  - name: w\n    threads: [ { name: w, run: [ { write: { pipe: p, size: 10B } }, { "
             "sleep: 1ms }, { write: { pipe: p, size: 25B } } ] } ]\n"
             "  - name: r\n    runtime: cpython-3.12\n"
             "    functions:\n      main:\n"
             "        - reader.chunks: { from: p, size: 10B, do: [ { print: some } ] }\n"
             "        - reader.read: { from: p, size: 10B, else: [ { print: end } ] }\n"
             "    threads: [ { name: r, run: [ { asyncio.run: main } ] } ]\n");
    assert_string_equal(values(&run, EVENT_STREAM_READ, 0), "10 10 10 5");
    assert_string_equal(prints(&run), "some@0 some@1000000 some@1000000 some@1000000 end@1000000");
    simulated_free(&run);
}

static void the_last_line_may_have_no_end(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run,
             "machine: { cores: 2, costs: zero }\npipes: [ p ]\nprocesses:\n"
             "  - name: w\n    threads: [ { name: w, run: [ { write: { pipe: p, size: 7B, lines: 2 "
             "} }, { write: { pipe: p, size: 3B } } ] } ]\n"
             "  - name: r\n    runtime: cpython-3.12\n"
             "    functions:\n      main:\n"
             "        - reader.lines: { from: p, do: [ { print: line } ] }\n"
             "        - reader.readline: { from: p, else: [ { print: end } ] }\n"
             "    threads: [ { name: r, run: [ { asyncio.run: main } ] } ]\n");
    assert_string_equal(values(&run, EVENT_STREAM_READ, 0), "7 7 3");
    assert_string_equal(prints(&run), "line@0 line@0 line@0 end@0");
    simulated_free(&run);
}

static void a_line_without_end_is_an_error(void **state)
{
    (void)state;
    Simulated run;
    // 64 KiB may be in a line, without its end; a byte more, and readline gives up and throws away
    // what it has: then the next line is whole.
    simulate(
        &run,
        "machine: { cores: 2, costs: zero }\npipes: [ p ]\nprocesses:\n"
        "  - name: w\n    threads: [ { name: w, run: [ { write: { pipe: p, size: 65537B, lines: "
        "1 } }, { write: { pipe: p, size: 64KiB } }, { write: { pipe: p, size: 1B } }, { "
        "sleep: 1ms }, { write: { pipe: p, size: 9B, lines: 1 } } ] } ]\n"
        "  - name: r\n    runtime: cpython-3.12\n"
        "    functions:\n      main:\n"
        "        - reader.readline: p\n"
        "        - try: { do: [ { reader.readline: p } ], except: { error: [ { print: long } ] } "
        "}\n"
        "        - reader.readline: p\n"
        "    threads: [ { name: r, run: [ { asyncio.run: main } ] } ]\n");
    assert_string_equal(values(&run, EVENT_STREAM_READ, 0), "65537 9");
    assert_string_equal(prints(&run), "long@0");
    simulated_free(&run);
}

static void readexactly_waits_for_all(void **state)
{
    (void)state;
    Simulated run;
    // 150 KiB: more than twice the limit, where the reader pauses its transport; readexactly
    // resumes it, or it would wait for ever. The second one finds only 5 bytes before the end: an
    // error.
    simulate(
        &run,
        "machine: { cores: 2, costs: zero }\npipes: [ p ]\nprocesses:\n"
        "  - name: w\n    threads: [ { name: w, run: [ { write: { pipe: p, size: 150KiB } }, { "
        "sleep: 2ms }, { write: { pipe: p, size: 5B } } ] } ]\n"
        "  - name: r\n    runtime: cpython-3.12\n"
        "    functions:\n      main:\n"
        "        - reader.readexactly: { from: p, size: 150KiB }\n"
        "        - try: { do: [ { reader.readexactly: { from: p, size: 6B } } ], except: { "
        "error: [ { print: incomplete } ] } }\n"
        "    threads: [ { name: r, run: [ { asyncio.run: main } ] } ]\n");
    assert_string_equal(values(&run, EVENT_STREAM_READ, 0), "153600");
    assert_string_equal(prints(&run), "incomplete@2000000");
    simulated_free(&run);
}

static void a_reader_pauses_above_twice_its_limit(void **state)
{
    (void)state;
    Simulated run;
    // 64 KiB at a time: 192 KiB are above 128, and the transport is paused; the pipe takes 64 more.
    // The reader comes at 1 ms and takes 100 KiB: 92 are still above 64. The second time it is down
    // to the limit (0), and the transport goes on. 300 - 192 - 64 = 44 KiB are still with the
    // writer; with the pipe's 64 they make 108 KiB, in two reads of 64 and 44.
    simulate(
        &run,
        "machine: { cores: 2, costs: zero }\npipes: [ p ]\nprocesses:\n"
        "  - name: w\n    threads: [ { name: w, run: [ { write: { pipe: p, size: 300KiB } } ] } ]\n"
        "  - name: r\n    runtime: cpython-3.12\n"
        "    functions:\n      main:\n"
        "        - reader.read: { from: p, size: 1B }\n"
        "        - await: { sleep: 1ms }\n"
        "        - repeat: { times: 2, do: [ { reader.read: { from: p, size: 100KiB } }, { "
        "await: { sleep: 1ms } } ] }\n"
        "        - reader.chunks: { from: p, size: 1MiB, do: [ { print: rest } ] }\n"
        "    threads: [ { name: r, run: [ { asyncio.run: main } ] } ]\n");
    assert_int_equal(simulated_count(&run, EVENT_STREAM_PAUSED, NULL), 1);
    assert_int_equal(simulated_count(&run, EVENT_STREAM_RESUMED, NULL), 1);
    // One byte first: 192 KiB - 1; 100 KiB, then the 92 KiB - 1 that are left.
    assert_string_equal(values(&run, EVENT_STREAM_READ, 0), "1 102400 94207 110592");
    simulated_free(&run);
}

// ---- writing

static void write_order(void **state)
{
    (void)state;
    Simulated run;
    // The first write goes into the pipe in part: 64 of 70 KiB; of the second nothing, as the
    // buffer is not empty. At 1 ms the reader takes 64 KiB, and the transport sends the 16 that it
    // has.
    simulate(&run,
             "machine: { cores: 2, costs: zero }\npipes: [ p ]\nprocesses:\n"
             "  - name: r\n    threads: [ { name: r, run: [ { sleep: 1ms }, { read_until_eof: { "
             "pipe: p, size: 1MiB } } ] } ]\n"
             "  - name: w\n    runtime: cpython-3.12\n"
             "    functions:\n      main:\n"
             "        - writer.write: { to: p, size: 70KiB }\n"
             "        - writer.write: { to: p, size: 10KiB }\n"
             "        - writer.close: p\n"
             "        - await: { sleep: 5ms }\n"
             "    threads: [ { name: w, run: [ { asyncio.run: main } ] } ]\n");
    assert_string_equal(values(&run, EVENT_PIPE_WRITTEN, 0), "65536 16384");
    assert_string_equal(values(&run, EVENT_STREAM_LEVEL, 0), "6144 16384 0");
    // Closed as soon as the buffer is empty: the reader ends then.
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "r"), 1000000);
    simulated_free(&run);
}

static void nobody_reads_any_more(void **state)
{
    (void)state;
    Simulated run;
    // The reader goes at 1 ms. The loop sees that by itself, and closes the stream; what is written
    // later is lost without a word, and only drain() says so. No SIGPIPE: Python ignores it.
    simulate(
        &run,
        "machine: { cores: 2, costs: zero }\npipes: [ p ]\nprocesses:\n"
        "  - name: r\n    threads: [ { name: r, run: [ { sleep: 1ms }, { read: { pipe: p, size: "
        "1B } } ] } ]\n"
        "  - name: w\n    runtime: cpython-3.12\n"
        "    functions:\n      main:\n"
        "        - writer.write: { to: p, size: 70KiB }\n"
        "        - await: { sleep: 2ms }\n"
        "        - writer.write: { to: p, size: 1KiB }\n"
        "        - print: written\n"
        "        - try: { do: [ { writer.drain: p } ], except: { error: [ { print: reset } ] } }\n"
        "    threads: [ { name: w, run: [ { asyncio.run: main } ] } ]\n");
    assert_string_equal(prints(&run), "written@2000000 reset@2000000");
    assert_int_equal(simulated_count(&run, EVENT_SIGNAL_SENT, NULL), 0);
    simulated_free(&run);
}

// Several tasks drain one stream, and one of them is cancelled: the others go on in their order.
static void several_drain(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run,
             "machine: { cores: 2, costs: zero }\npipes: [ p ]\nprocesses:\n"
             "  - name: r\n    threads: [ { name: r, run: [ { sleep: 5ms }, { read_until_eof: { "
             "pipe: p, size: 1MiB } } ] } ]\n"
             "  - name: w\n    runtime: cpython-3.12\n"
             "    functions:\n"
             "      a: [ { writer.drain: p }, { print: a } ]\n"
             "      b: [ { writer.drain: p }, { print: b } ]\n"
             "      c: [ { writer.drain: p }, { print: c } ]\n"
             "      main:\n"
             "        - writer.write: { to: p, size: 200KiB }\n"
             "        - create_task: { run: a, as: ta }\n"
             "        - create_task: { run: b, as: tb }\n"
             "        - create_task: { run: c, as: tc }\n"
             "        - await: { sleep: 1ms }\n"
             "        - cancel: tb\n"
             "        - await: tc\n"
             "        - await: ta\n"
             "    threads: [ { name: w, run: [ { asyncio.run: main } ] } ]\n");
    assert_string_equal(prints(&run), "a@5000000 c@5000000");
    simulated_free(&run);
}

// ---- epoll

// Events come in the order in which the files became ready, and files that stay ready go to the
// end: with 3 pipes the loop watches 4 files.
static void events_come_first_come_first_served(void **state)
{
    (void)state;
    Simulated run;
    simulate(
        &run,
        "machine: { cores: 2, costs: zero }\npipes: [ a, b, c ]\nprocesses:\n"
        "  - name: w\n    threads: [ { name: w, run: [ { sleep: 1ms }, { write: { pipe: c, "
        "size: 1B } }, { write: { pipe: a, size: 1B } }, { write: { pipe: b, size: 1B } }, { "
        "sleep: 20ms } ] } ]\n"
        "  - name: r\n    runtime: cpython-3.12\n"
        "    functions:\n"
        "      ra: [ { reader.read: { from: a, size: 1B } }, { print: a } ]\n"
        "      rb: [ { reader.read: { from: b, size: 1B } }, { print: b } ]\n"
        "      rc: [ { reader.read: { from: c, size: 1B } }, { print: c } ]\n"
        "      busy: [ { await: { sleep: 0s } }, { await: { sleep: 0s } }, { compute: 5ms } ]\n"
        "      main: [ { gather: [ ra, rb, rc, busy ] } ]\n"
        "    threads: [ { name: r, run: [ { asyncio.run: main } ] } ]\n");
    // The loop is busy while they come, and then finds all three.
    assert_string_equal(prints(&run), "c@5000000 a@5000000 b@5000000");
    simulated_free(&run);
}

// ---- no wake-up is lost

// What another thread does to wake a loop are two acts: the callback is on the ready list, and then
// the byte in the self-pipe. The loop looks at its list before it calls epoll_wait, and there at
// the self-pipe before it sleeps. Each act of the other thread is tried at every nanosecond of the
// loop's turns (whose steps take 1 ns each, but the way into epoll_wait 40, so that both acts fit
// into it) and for a while after it has gone to sleep: every order that there is. A wake-up that is
// lost would leave the loop asleep for ever.
static void no_order_loses_a_wake_up(void **state)
{
    (void)state;
    enum { FIRST_MOST = 150, BETWEEN_MOST = 45 };
    for (int python = 12; python <= 13; python++) {
        int slept = 0;
        for (int first = 1; first <= FIRST_MOST; first++) {
            for (int between = 1; between <= BETWEEN_MOST; between++) {
                char yaml[2048];
                snprintf(
                    yaml, sizeof yaml,
                    "machine: { cores: 2, costs: { base: zero, syscall: 2ns, epoll_wait: 40ns, "
                    "epoll_event: 1ns, loop_turn: 1ns, loop_callback: 1ns, task_step: 1ns, "
                    "selector_event: 1ns, socket_pair_send: %dns, socket_pair_receive: 1ns, "
                    "futex_wait: 1ns, futex_wake: 1ns } }\nruntime: cpython-3.%d%s\n"
                    "asyncio: { events: [ ready ] }\nfunctions:\n"
                    "  tell: [ { set: ready } ]\n"
                    "  main: [ { compute: 20ns }, { wait: ready } ]\nthreads:\n"
                    "  - { name: loop, run: [ { asyncio.run: main } ] }\n"
                    "  - { name: other, run: [ { compute: %dns }, { call_soon_threadsafe: "
                    "tell } ] }\n",
                    between, python, python == 13 ? "t" : "", first);
                Simulated run;
                simulate(&run, yaml);
                if (run.result.end != END_DONE)
                    fail_msg("python 3.%d, %d and %d ns: %s", python, first, between,
                             end_reason_text(run.result.end));
                // Nothing waits for a timer: it is all over within a microsecond.
                assert_true(run.result.ended.ns < 2000 + first + 5 * between);
                // Whether the loop has slept at all.
                slept += *values(&run, EVENT_SWITCH_OUT, SWITCH_BLOCKED_EPOLL) != 0;
                simulated_free(&run);
            }
        }
        // Both have happened; with a GIL the other thread, which has it first, always comes in
        // time.
        if (python == 13)
            assert_in_range(slept, 100, FIRST_MOST * BETWEEN_MOST - 100);
    }
}

// The same for a pipe: bytes may come while the loop begins to watch it.
static void no_order_loses_bytes(void **state)
{
    (void)state;
    for (int first = 1; first <= 150; first++) {
        for (int second = 1; second <= 60; second += 7) {
            char yaml[2048];
            snprintf(yaml, sizeof yaml,
                     "machine: { cores: 2, costs: { base: zero, syscall: 2ns, epoll_wait: 1ns, "
                     "epoll_event: 1ns, epoll_add: 1ns, pipe_read: 1ns, pipe_write: 1ns, "
                     "loop_turn: 1ns, "
                     "loop_callback: 1ns, task_step: 1ns, stream_read: 1ns, call_soon: 1ns, "
                     "data_received: 1ns, selector_event: 1ns } }\npipes: [ p ]\nprocesses:\n"
                     "  - name: w\n    threads: [ { name: w, run: [ { compute: %dns }, { write: { "
                     "pipe: p, "
                     "size: 1B } }, { compute: %dns }, { write: { pipe: p, size: 1B, lines: 1 } } "
                     "] } ]\n"
                     "  - name: r\n    runtime: cpython-3.12\n"
                     "    functions: { main: [ { reader.readline: p }, { print: line } ] }\n"
                     "    threads: [ { name: r, run: [ { asyncio.run: main } ] } ]\n",
                     first, second);
            Simulated run;
            simulate(&run, yaml);
            if (run.result.end != END_DONE)
                fail_msg("%d and %d ns: %s", first, second, end_reason_text(run.result.end));
            assert_string_equal(values(&run, EVENT_STREAM_READ, 0), "2");
            simulated_free(&run);
        }
    }
}

// Many threads wake one loop: the self-pipe overflows (278 bytes), and no callback is lost.
static void a_full_self_pipe_loses_nothing(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { cores: 2, costs: zero }\nruntime: { python: \"3.13\", gil: none }\n"
                   "asyncio: { events: [ never ] }\nfunctions:\n"
                   "  tell: [ { mark: told } ]\n"
                   "  main: [ { compute: 5ms }, { await: { sleep: 1ms } } ]\nthreads:\n"
                   "  - { name: loop, run: [ { asyncio.run: main } ] }\n"
                   "  - { name: other, run: [ { sleep: 1ms }, { repeat: { times: 1000, do: [ { "
                   "call_soon_threadsafe: tell } ] } } ] }\n");
    assert_int_equal(run.result.end, END_DONE);
    assert_int_equal(simulated_count(&run, EVENT_MARK, "loop"), 1000);
    simulated_free(&run);
}

static void there_must_be_a_loop(void **state)
{
    (void)state;
    const char *text = simulate_failing(
        "runtime: cpython-3.12\nfunctions:\n  tell: [ { mark: told } ]\n  main: [ { await: { "
        "sleep: 1ms } } ]\n"
        "threads:\n  - { name: loop, run: [ { asyncio.run: main } ] }\n"
        "  - { name: other, run: [ { sleep: 5ms }, { call_soon_threadsafe: tell } ] }\n");
    assert_non_null(strstr(text, "7:45: error: 'call_soon_threadsafe': this process runs no event "
                                 "loop now"));
}

// ---- signals

// A signal's callback is called between others, and a blocked loop calls it late.
static void signals_wait_for_the_loop(void **state)
{
    (void)state;
    Simulated run;
    simulate(
        &run,
        "machine: { cores: 2, costs: zero }\nprocesses:\n"
        "  - name: k\n    threads: [ { name: k, run: [ { sleep: 1ms }, { kill: { process: s, "
        "signal: USR1 } }, { sleep: 2ms }, { kill: { process: s, signal: INT } }, { sleep: 1ms "
        "}, { kill: s } ] } ]\n"
        "  - name: s\n    runtime: cpython-3.12\n    asyncio: { events: [ stop ] }\n"
        "    functions:\n"
        "      usr1: [ { print: usr1 } ]\n      int: [ { print: int } ]\n"
        "      term: [ { print: term }, { set: stop } ]\n"
        "      main:\n"
        "        - add_signal_handler: { signal: USR1, run: usr1 }\n"
        "        - add_signal_handler: { signal: INT, run: int }\n"
        "        - add_signal_handler: { signal: TERM, run: term }\n"
        "        - await: { sleep: 2ms }\n"
        "        - compute: 5ms\n"
        "        - print: computed\n"
        "        - wait: stop\n"
        "    threads: [ { name: s, run: [ { asyncio.run: main } ] } ]\n");
    // USR1 at 1 ms finds the loop in epoll_wait. INT at 3 and TERM at 4 ms find it computing, from
    // 2 to 7 ms: their numbers wait in the self-pipe. main waits first, as it goes on in its turn.
    assert_string_equal(prints(&run), "usr1@1000000 computed@7000000 int@7000000 term@7000000");
    simulated_free(&run);
}

// ---- random programs

// A process that writes lines, a loop that passes them on through a second pipe, and a loop that
// reads them. Sizes and speeds are random; writers drain.
static void make_random(uint64_t seed, char *yaml, size_t room, uint64_t *lines, uint64_t *size,
                        uint64_t *batch)
{
    Rng rng = rng_make(seed, 3);
    *lines = 1 + rng_u32(&rng) % 200;
    *size = rng_u32(&rng) % 4 == 0 ? 1 + rng_u32(&rng) % 60000 : 1 + rng_u32(&rng) % 3000;
    *batch = 1 + rng_u32(&rng) % 5;
    snprintf(yaml, room,
             "seed: %llu\nmachine: { cores: %u, costs: %s }\npipes: [ p, q ]\nprocesses:\n"
             "  - name: w\n    threads:\n      - name: w\n        run: [ { repeat: { times: %llu, "
             "do: [ { "
             "write: { pipe: p, size: %lluB, lines: %llu } }, { sleep: exp(%uus) } ] } } ]\n"
             "  - name: m\n    runtime: cpython-3.%u\n    functions:\n"
             "      main: [ { reader.lines: { from: p, do: [ { writer.write: { to: q, size: %lluB, "
             "lines: "
             "1 } }, { writer.drain: q } ] } }, { writer.close: q }, { await: { sleep: 100s } } ]\n"
             "    threads: [ { name: m, run: [ { asyncio.run: main } ] } ]\n"
             "  - name: r\n    runtime: cpython-3.12\n    functions:\n"
             "      main: [ { reader.lines: { from: q, do: [ { await: { sleep: exp(%uus) } }, { "
             "mark: got "
             "} ] } }, { print: end } ]\n"
             "    threads: [ { name: r, run: [ { asyncio.run: main } ] } ]\n",
             (unsigned long long)seed, 1 + rng_u32(&rng) % 3,
             rng_u32(&rng) % 2 ? "zero" : "typical", (unsigned long long)*lines,
             (unsigned long long)*size, (unsigned long long)*batch, 1 + rng_u32(&rng) % 300,
             8 + rng_u32(&rng) % 6, (unsigned long long)*size, 1 + rng_u32(&rng) % 600);
}

static void random_streams_keep_every_byte(void **state)
{
    (void)state;
    uint64_t paused = 0;
    for (uint64_t seed = 1; seed <= 120; seed++) {
        char yaml[4096];
        uint64_t lines, size, batch, last = 0;
        make_random(seed, yaml, sizeof yaml, &lines, &size, &batch);
        Simulated run;
        simulate(&run, yaml);
        int64_t inside[3][2] = {{0}}; // by PipeId: in the pipe; and by FileKind, in the buffers
        uint64_t level[2][3] = {{0}}, read[3] = {0}, written[3] = {0}, whole = 0;
        for (uint64_t i = 0; i < run.memory.count; i++) {
            const TraceRecord *record = memory_sink_at(&run.memory, i);
            if (record->kind == EVENT_PIPE_WRITTEN)
                written[record->a] += record->b;
            if (record->kind == EVENT_PIPE_WRITTEN || record->kind == EVENT_PIPE_READ)
                inside[record->a][0] +=
                    record->kind == EVENT_PIPE_WRITTEN ? (int64_t)record->b : -(int64_t)record->b;
            if (record->kind == EVENT_STREAM_LEVEL) {
                uint64_t *at = &level[file_kind(record->a)][file_id(record->a)];
                // A reader that is past twice its limit reads no more; a writer drains after a
                // line.
                uint64_t most =
                    file_kind(record->a) == FILE_PIPE_READ ? 192 * KIB : 64 * KIB + size;
                if (record->b > most)
                    fail_msg("seed %d: %d bytes in a buffer", (int)seed, (int)record->b);
                *at = record->b;
            }
            if (record->kind == EVENT_STREAM_READ) {
                read[record->a] += record->b;
                whole += record->b == size;
            }
            paused += record->kind == EVENT_STREAM_PAUSED;
            assert_true(inside[1][0] >= 0 && inside[1][0] <= 64 * KIB);
            assert_true(inside[2][0] >= 0 && inside[2][0] <= 64 * KIB);
            last = record->kind == EVENT_PRINT ? i : last;
        }
        uint64_t all = lines * batch * size;
        if (read[1] != all || read[2] != all || whole != 2 * lines * batch || last == 0)
            fail_msg("seed %d: %d and %d of %d bytes, %d lines", (int)seed, (int)read[1],
                     (int)read[2], (int)all, (int)whole);
        assert_int_equal(written[1], all);
        assert_int_equal(written[2], all);
        for (int end = 0; end < 2; end++)
            assert_true(level[end][1] == 0 && level[end][2] == 0);
        assert_int_equal(simulated_count(&run, EVENT_MARK, "r"), lines * batch);
        simulated_free(&run);
    }
    assert_true(paused > 20); // some are not too small to be of interest
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_keep_their_ends),
        cmocka_unit_test(a_line_takes_two_turns),
        cmocka_unit_test(reads_return_what_is_there),
        cmocka_unit_test(the_last_line_may_have_no_end),
        cmocka_unit_test(a_line_without_end_is_an_error),
        cmocka_unit_test(readexactly_waits_for_all),
        cmocka_unit_test(a_reader_pauses_above_twice_its_limit),
        cmocka_unit_test(write_order),
        cmocka_unit_test(nobody_reads_any_more),
        cmocka_unit_test(several_drain),
        cmocka_unit_test(events_come_first_come_first_served),
        cmocka_unit_test(no_order_loses_a_wake_up),
        cmocka_unit_test(no_order_loses_bytes),
        cmocka_unit_test(a_full_self_pipe_loses_nothing),
        cmocka_unit_test(there_must_be_a_loop),
        cmocka_unit_test(signals_wait_for_the_loop),
        cmocka_unit_test(random_streams_keep_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
