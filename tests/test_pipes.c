// Pipes and message queues: what goes in comes out or is still inside, small writes stay whole,
// both ends block, and the end of either side is noticed. Timelines are worked out beside each
// test.
#include "hand_trace.h"
#include "simulate.h"

#include "sim/analysis/report.h"
#include "sim/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { KIB = 1024, CAPACITY = 64 * KIB };

// The bytes of each record of `kind` by `thread`: "4096 100".
static const char *pieces(const Simulated *run, EventKind kind, const char *thread)
{
    static char text[4096];
    size_t at = 0;
    text[0] = 0;
    for (uint64_t i = 0; i < run->memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run->memory, i);
        if (record->kind == kind && strcmp(simulated_name(run, record->task), thread) == 0)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%d", at > 0 ? " " : "",
                                   (int)record->b);
    }
    return text;
}

// ---- one writer, one reader

static void a_full_pipe_blocks_the_writer(void **state)
{
    (void)state;
    Simulated run;
    // 64 KiB fit at once; the byte more waits for the reader, which comes at 5 ms.
    simulate(&run,
             "machine: { cores: 2, costs: zero }\npipes: [ p ]\n"
             "threads:\n"
             "  - { name: w, run: [ { write: { pipe: p, size: 65537B } } ] }\n"
             "  - { name: r, run: [ { sleep: 5ms }, { read: { pipe: p, size: 100KiB } } ] }\n");
    assert_string_equal(pieces(&run, EVENT_PIPE_WRITTEN, "w"), "65536 1");
    assert_string_equal(pieces(&run, EVENT_PIPE_READ, "r"), "65536");
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "w"), 5000000);
    simulated_free(&run);
}

static void an_empty_pipe_blocks_the_reader(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { cores: 2, costs: zero }\npipes: [ p ]\n"
                   "threads:\n"
                   "  - { name: r, run: [ { read: { pipe: p, size: 4KiB } } ] }\n"
                   "  - { name: w, run: [ { sleep: 3ms }, { write: { pipe: p, size: 10B } } ] }\n");
    assert_string_equal(pieces(&run, EVENT_PIPE_READ, "r"), "10"); // part of what it asked for
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "r"), 3000000);
    simulated_free(&run);
}

// One byte there and back by one thread: two calls of 100 ns, 100 ns of pipe each, no copy worth a
// nanosecond (400 / 4096). 64 KiB: 16 pages of 400 ns each way.
static void bytes_cost_their_copy(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { costs: { base: zero, syscall: 100ns, pipe_write: 100ns, pipe_read: "
                   "100ns, copy_page: 400ns } }\npipes: [ p ]\n"
                   "threads:\n  - name: a\n    run:\n"
                   "      - { write: { pipe: p, size: 1B } }\n"
                   "      - { read: { pipe: p, size: 1B } }\n"
                   "      - mark: small\n"
                   "      - { write: { pipe: p, size: 64KiB } }\n"
                   "      - { read: { pipe: p, size: 64KiB } }\n");
    assert_int_equal(simulated_time_of(&run, EVENT_MARK, "a"), 400);
    // The process's end costs nothing here.
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "a"), 400 + 400 + 2 * 16 * 400);
    simulated_free(&run);
}

static void small_writes_stay_whole(void **state)
{
    (void)state;
    Simulated run;
    // 62 KiB inside: 4 KiB do not fit and wait, whole; 1 KiB behind them do. The large write takes
    // the last KiB at once. At 5 ms 62 KiB go: now the rest of both.
    simulate(&run, "machine: { cores: 4, costs: zero }\npipes: [ p ]\n"
                   "threads:\n"
                   "  - { name: fill, run: [ { write: { pipe: p, size: 62KiB } } ] }\n"
                   "  - { name: whole, start: 1ms, run: [ { write: { pipe: p, size: 4KiB } } ] }\n"
                   "  - { name: small, start: 2ms, run: [ { write: { pipe: p, size: 1KiB } } ] }\n"
                   "  - { name: large, start: 3ms, run: [ { write: { pipe: p, size: 5KiB } } ] }\n"
                   "  - { name: r, start: 5ms, run: [ { read: { pipe: p, size: 62KiB } } ] }\n");
    assert_string_equal(pieces(&run, EVENT_PIPE_WRITTEN, "whole"), "4096");
    assert_string_equal(pieces(&run, EVENT_PIPE_WRITTEN, "small"), "1024");
    assert_string_equal(pieces(&run, EVENT_PIPE_WRITTEN, "large"), "1024 4096");
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "small"), 2000000);
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "whole"), 5000000);
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "large"), 5000000);
    simulated_free(&run);
}

// ---- ends

static const char parent_and_child[] =
    "machine: { cores: 2, costs: zero }\n"
    "processes:\n"
    "  - name: app\n"
    "    pipes: [ p ]\n"
    "    functions:\n"
    "      child:\n"
    "        - close: { pipe: p, end: write }\n"
    "        - read_until_eof: { pipe: p, size: 4KiB, do: [ { mark: piece }, { compute: 1ms } ] }\n"
    "        - print: eof\n"
    "    threads:\n"
    "      - name: a\n        run:\n"
    "          - fork: child\n"
    "          - repeat: { times: 3, do: [ { write: { pipe: p, size: 4KiB } }, { sleep: 5ms } ] }\n"
    "%s"
    "          - wait_child\n";

static void readers_see_the_end(void **state)
{
    (void)state;
    Simulated run;
    char yaml[2000];
    snprintf(yaml, sizeof yaml, parent_and_child, "          - close: { pipe: p, end: write }\n");
    simulate(&run, yaml);
    assert_int_equal(simulated_count(&run, EVENT_MARK, "child"), 3);
    assert_int_equal(simulated_time_of(&run, EVENT_PIPE_EOF, "child"), 15000000);
    assert_int_equal(run.result.end, END_DONE);
    simulated_free(&run);
}

// The one who waits for the reader has the write end open itself: neither goes on.
static void a_forgotten_end_is_a_deadlock(void **state)
{
    (void)state;
    Simulated run;
    char yaml[2000];
    snprintf(yaml, sizeof yaml, parent_and_child, "");
    simulate(&run, yaml);
    assert_int_equal(run.result.end, END_DEADLOCK);
    assert_int_equal(simulated_count(&run, EVENT_PIPE_EOF, NULL), 0);
    simulated_free(&run);
}

static void the_end_of_a_process_closes_its_ends(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run,
             "machine: { cores: 2, costs: zero }\npipes: [ p ]\n"
             "processes:\n"
             "  - name: w\n    threads: [ { name: w, run: [ { write: { pipe: p, size: 10KiB } }, "
             "{ sleep: 2ms } ] } ]\n"
             "  - name: r\n    threads: [ { name: r, run: [ { read_until_eof: { pipe: p, size: "
             "64KiB } } ] } ]\n");
    assert_int_equal(simulated_time_of(&run, EVENT_PIPE_EOF, "r"), 2000000);
    assert_string_equal(pieces(&run, EVENT_PIPE_READ, "r"), "10240");
    simulated_free(&run);
}

static const char broken[] =
    "machine: { cores: 2, costs: zero }\npipes: [ p ]\n"
    "processes:\n"
    "  - name: w\n"
    "    threads:\n"
    "      - name: w\n"
    "        run:\n"
    "          - %s\n"
    "          - sleep: 2ms\n"
    "          - write: { pipe: p, size: 1KiB }\n"
    "          - print: went on\n"
    "  - name: r\n"
    "    threads: [ { name: r, run: [ { read: { pipe: p, size: 1KiB } } ] } ]\n";

// Python ignores the signal: the write raises an error, and the process goes on.
static void python_raises_an_error_at_a_broken_pipe(void **state)
{
    (void)state;
    Simulated run;
    Metrics metrics;
    simulate(&run,
             "machine: { cores: 2, costs: zero }\npipes: [ p ]\n"
             "processes:\n"
             "  - name: w\n"
             "    runtime: cpython-3.12\n"
             "    threads:\n"
             "      - name: w\n"
             "        run:\n"
             "          - write: { pipe: p, size: 1B }\n"
             "          - sleep: 2ms\n"
             "          - try: { do: [ { write: { pipe: p, size: 1KiB } }, { print: written } "
             "], except: { error: [ { print: broken } ] } }\n"
             "          - print: on\n"
             "  - name: r\n"
             "    threads: [ { name: r, run: [ { read: { pipe: p, size: 1B } } ] } ]\n");
    simulated_measure(&run, &metrics);
    assert_int_equal(metrics.printed_count, 2);
    assert_int_equal(metrics.processes.processes.at[0].status, 0);
    assert_int_equal(metrics.processes.broken_pipes, 1);
    metrics_free(&metrics);
    simulated_free(&run);
}

static void nobody_reads_is_a_broken_pipe(void **state)
{
    (void)state;
    Simulated run;
    Metrics metrics;
    HandText text;
    char yaml[2000];
    snprintf(yaml, sizeof yaml, broken, "{ write: { pipe: p, size: 1KiB } }");
    simulate(&run, yaml);
    simulated_measure(&run, &metrics);
    hand_text_open(&text);
    report_summary(&(Report){.scenario = &run.scenario, .metrics = &metrics}, &text.writer);
    assert_non_null(strstr(hand_text_end(&text),
                           "broken pipe: at 2 ms w writes to p (test.yaml:10), and nobody has its "
                           "read end open\n"));
    assert_int_equal(metrics.printed_count, 0);
    assert_int_equal(metrics.processes.processes.at[0].status, STATUS_SIGNALLED + SIGNAL_PIPE);
    assert_int_equal(metrics.processes.broken_pipes, 1);
    hand_text_free(&text);
    metrics_free(&metrics);
    simulated_free(&run);
}

static void who_ignores_it_goes_on(void **state)
{
    (void)state;
    Simulated run;
    char yaml[2000];
    snprintf(yaml, sizeof yaml, broken, "{ on_signal: PIPE }\n          - kill: { process: r }");
    simulate(&run, yaml);
    assert_int_equal(simulated_count(&run, EVENT_PIPE_BROKEN, "w"), 1);
    assert_int_equal(simulated_count(&run, EVENT_PRINT, "w"), 1);
    simulated_free(&run);
}

// A writer that sleeps on a full pipe wakes up when its last reader goes, and finds it broken.
static void a_waiting_writer_finds_it_broken(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run,
             "machine: { cores: 2, costs: zero }\npipes: [ p ]\n"
             "processes:\n"
             "  - name: w\n    threads: [ { name: w, run: [ { write: { pipe: p, size: 1MiB } } ] "
             "} ]\n"
             "  - name: r\n    threads: [ { name: r, run: [ { sleep: 3ms }, { read: { pipe: p, "
             "size: 1KiB } } ] } ]\n");
    assert_int_equal(simulated_time_of(&run, EVENT_PIPE_BROKEN, "w"), 3000000);
    assert_int_equal(run.result.end, END_DONE);
    simulated_free(&run);
}

static void a_closed_end_cannot_be_used(void **state)
{
    (void)state;
    const char *message = simulate_failing("machine: { costs: zero }\npipes: [ p ]\n"
                                           "threads:\n  - name: a\n    run:\n"
                                           "      - close: { pipe: p, end: write }\n"
                                           "      - write: { pipe: p, size: 1B }\n");
    assert_non_null(strstr(message, "test.yaml:7:9: error: at 0 ns a uses the write end of 'p', "
                                    "which its process has closed\n"));
}

// ---- message queues

// Two fit. The third waits until the reader takes the first one at 10 ms.
static void a_message_queue_is_bounded(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { cores: 2, costs: zero }\nmessage_queues: { q: 2 }\n"
                   "threads:\n"
                   "  - name: s\n    run:\n"
                   "      - send_message: { queue: q, size: 1KiB }\n"
                   "      - send_message: { queue: q, size: 2KiB }\n"
                   "      - send_message: { queue: q, size: 3KiB }\n"
                   "  - name: r\n    run:\n"
                   "      - sleep: 10ms\n"
                   "      - repeat: { times: 3, do: [ { receive_message: q } ] }\n");
    assert_string_equal(pieces(&run, EVENT_MESSAGE_RECEIVED, "r"), "1024 2048 3072");
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "s"), 10000000);
    simulated_free(&run);
}

// s sends at 2 ms, which wakes r1 on the same core, and kills it before it can run: the message is
// r2's.
static void a_killed_receiver_passes_its_wakeup_on(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run,
             "machine: { cores: 1, scheduler: fifo, costs: zero }\n"
             "message_queues: { q: 4 }\n"
             "processes:\n"
             "  - { name: r1, threads: [ { name: a, run: [ { receive_message: q } ] } ] }\n"
             "  - { name: r2, threads: [ { name: b, start: 1ms, run: [ { receive_message: q } "
             "] } ] }\n"
             "  - { name: s, threads: [ { name: c, start: 2ms, run: [ { send_message: { queue: "
             "q, size: 1B } }, { kill: { process: r1, signal: KILL } } ] } ] }\n");
    assert_int_equal(run.result.end, END_DONE);
    assert_int_equal(run.result.ended.ns, 2000000);
    assert_string_equal(pieces(&run, EVENT_MESSAGE_RECEIVED, "b"), "1");
    simulated_free(&run);
}

// The same with the other thread of r1 calling exec at 2 ms, after a message at that instant: a,
// woken, dies of it, and b gets the message.
static void a_receiver_that_exec_kills_passes_its_wakeup_on(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run,
             "machine: { cores: 1, scheduler: fifo, costs: zero }\n"
             "message_queues: { q: 4 }\n"
             "processes:\n"
             "  - name: r1\n"
             "    functions: { other: [ { compute: 1ms } ] }\n"
             "    threads:\n"
             "      - { name: a, run: [ { receive_message: q } ] }\n"
             "      - { name: x, start: 2ms, run: [ { send_message: { queue: q, size: 1B } }, "
             "{ exec: other } ] }\n"
             "  - { name: r2, threads: [ { name: b, start: 1ms, run: [ { receive_message: q } "
             "] } ] }\n");
    assert_int_equal(run.result.end, END_DONE);
    assert_int_equal(run.result.ended.ns, 3000000);
    assert_string_equal(pieces(&run, EVENT_MESSAGE_RECEIVED, "b"), "1");
    simulated_free(&run);
}

// ---- whatever happens

static void put_scenario(char *yaml, size_t room, uint64_t seed)
{
    static const char *const costs[] = {"zero", "typical",
                                        "{ base: typical, copy_page: 30us, pipe_write: 5us }"};
    static const char *const sizes[] = {"1B", "100B", "4KiB", "4097B", "20KiB", "64KiB", "200KiB"};
    Rng rng = rng_make(seed, 3);
    // One draw a line: the order in which a call's arguments are evaluated is the compiler's.
    int cores = 1 + (int)rng_below(&rng, 4);
    const char *scheduler = rng_below(&rng, 2) ? "eevdf" : "rr";
    const char *cost = costs[rng_below(&rng, 3)];
    int messages = 1 + (int)rng_below(&rng, 3);
    int at = snprintf(yaml, room,
                      "machine: { cores: %d, scheduler: %s, costs: %s }\nseed: %d\nuntil: 100ms\n"
                      "pipes: [ p, q ]\nmessage_queues: { m: %d }\nprocesses:\n",
                      cores, scheduler, cost, (int)seed, messages);
    int processes = 2 + (int)rng_below(&rng, 4);
    for (int p = 0; p < processes; p++) {
        at += snprintf(yaml + at, room - (size_t)at, "  - name: p%d\n    threads:\n", p);
        int threads = 1 + (int)rng_below(&rng, 3);
        for (int t = 0; t < threads; t++) {
            at += snprintf(yaml + at, room - (size_t)at,
                           "      - { name: t%d, run: [ { on_signal: PIPE }", t);
            int ops = 1 + (int)rng_below(&rng, 6);
            for (int i = 0; i < ops; i++) {
                const char *pipe = rng_below(&rng, 2) ? "p" : "q";
                const char *size = sizes[rng_below(&rng, sizeof sizes / sizeof sizes[0])];
                switch (rng_below(&rng, 7)) {
                case 0:
                case 1:
                    at += snprintf(yaml + at, room - (size_t)at,
                                   ", { write: { pipe: %s, size: %s } }", pipe, size);
                    break;
                case 2:
                case 3:
                    at += snprintf(yaml + at, room - (size_t)at,
                                   ", { read: { pipe: %s, size: %s } }", pipe, size);
                    break;
                case 4:
                    at += snprintf(yaml + at, room - (size_t)at, ", { sleep: %dus }",
                                   (int)rng_below(&rng, 900));
                    break;
                case 5:
                    at += snprintf(yaml + at, room - (size_t)at,
                                   ", { read_until_eof: { pipe: %s, size: %s } }", pipe, size);
                    break;
                default:
                    at +=
                        snprintf(yaml + at, room - (size_t)at,
                                 rng_below(&rng, 2) ? ", { send_message: { queue: m, size: 1KiB } }"
                                                    : ", { receive_message: m }");
                    break;
                }
            }
            at += snprintf(yaml + at, room - (size_t)at, "%s ] }\n",
                           rng_below(&rng, 8) == 0 ? ", { exit: 1 }" : "");
        }
    }
}

// Follows every byte of the trace. Small writes are one piece; the pipe is never below empty or
// above full; messages come out in order. At a deadlock nobody waits who could go on.
static void follow(const Simulated *run, uint64_t seed)
{
    uint64_t level[3] = {0}, messages = 0, sent = 0, received = 0;
    uint32_t waits_at[64] = {0}; // pipe * 2 + end, plus 1
    for (uint64_t i = 0; i < run->memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run->memory, i);
        switch ((EventKind)record->kind) {
        case EVENT_PIPE_WRITTEN:
            level[record->a] += record->b;
            if (level[record->a] > CAPACITY || record->b == 0)
                fail_msg("seed %d: the pipe overflows", (int)seed);
            break;
        case EVENT_PIPE_READ:
            if (record->b > level[record->a] || record->b == 0)
                fail_msg("seed %d: bytes from nowhere", (int)seed);
            level[record->a] -= record->b;
            break;
        case EVENT_PIPE_WAIT:
            if (record->b == PIPE_END_READ && level[record->a] > 0)
                fail_msg("seed %d: waits although there are bytes", (int)seed);
            if (record->b == PIPE_END_WRITE && level[record->a] <= CAPACITY - 4096)
                fail_msg("seed %d: waits although there is room", (int)seed);
            waits_at[record->task] = (uint32_t)(record->a * 2 + record->b + 1);
            break;
        case EVENT_PIPE_EOF:
            if (level[record->a] > 0)
                fail_msg("seed %d: an end before the end", (int)seed);
            break;
        case EVENT_MESSAGE_SENT:
            sent++;
            if (++messages > run->scenario.message_queues[0].capacity)
                fail_msg("seed %d: the message queue overflows", (int)seed);
            break;
        case EVENT_MESSAGE_RECEIVED:
            received++;
            if (messages-- == 0)
                fail_msg("seed %d: a message from nowhere", (int)seed);
            break;
        case EVENT_WAKEUP:
        case EVENT_TASK_KILLED:
            waits_at[record->task] = 0;
            break;
        default:
            break;
        }
    }
    if (sent != received + messages)
        fail_msg("seed %d: messages are lost", (int)seed);
    if (run->result.end != END_DEADLOCK)
        return;
    for (uint32_t task = 1; task <= run->result.tasks && task < 64; task++) {
        if (waits_at[task] == 0)
            continue;
        uint32_t pipe = (waits_at[task] - 1) / 2, end = (waits_at[task] - 1) % 2;
        // A lost wake-up: it sleeps for ever beside bytes, or beside room for any write.
        if ((end == PIPE_END_READ && level[pipe] > 0) ||
            (end == PIPE_END_WRITE && level[pipe] <= CAPACITY - 4096))
            fail_msg("seed %d: thread %u sleeps on pipe %u with %d bytes in it", (int)seed, task,
                     pipe, (int)level[pipe]);
    }
}

static void what_is_written_is_read_or_inside(void **state)
{
    (void)state;
    static char yaml[20000];
    int deadlocks = 0, ends = 0, breaks = 0;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        Simulated run;
        Metrics metrics;
        put_scenario(yaml, sizeof yaml, seed);
        simulate(&run, yaml);
        follow(&run, seed);
        simulated_measure(&run, &metrics);
        for (uint32_t i = 1; i <= 2; i++)
            assert_true(metrics.processes.pipes[i].written - metrics.processes.pipes[i].read <=
                        CAPACITY);
        deadlocks += run.result.end == END_DEADLOCK;
        ends += run.result.end == END_DONE;
        breaks += metrics.processes.broken_pipes > 0;
        metrics_free(&metrics);
        simulated_free(&run);
    }
    if (deadlocks < 40 || ends < 40 || breaks < 40)
        fail_msg("%d deadlocks, %d ends, %d broken pipes: too few of a kind to say anything",
                 deadlocks, ends, breaks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_pipe_blocks_the_writer),
        cmocka_unit_test(an_empty_pipe_blocks_the_reader),
        cmocka_unit_test(bytes_cost_their_copy),
        cmocka_unit_test(small_writes_stay_whole),
        cmocka_unit_test(readers_see_the_end),
        cmocka_unit_test(a_forgotten_end_is_a_deadlock),
        cmocka_unit_test(the_end_of_a_process_closes_its_ends),
        cmocka_unit_test(nobody_reads_is_a_broken_pipe),
        cmocka_unit_test(python_raises_an_error_at_a_broken_pipe),
        cmocka_unit_test(who_ignores_it_goes_on),
        cmocka_unit_test(a_waiting_writer_finds_it_broken),
        cmocka_unit_test(a_closed_end_cannot_be_used),
        cmocka_unit_test(a_message_queue_is_bounded),
        cmocka_unit_test(a_killed_receiver_passes_its_wakeup_on),
        cmocka_unit_test(a_receiver_that_exec_kills_passes_its_wakeup_on),
        cmocka_unit_test(what_is_written_is_read_or_inside),
    };
    return cmocka_run_group_tests_name("pipes", tests, NULL, NULL);
}
