// Python's multiprocessing: processes, connections, pools, managers. What is worked out by hand
// stands beside each test. Executors of processes are test_process_pool.c's.
#include "sim/base/rng.h"
#include "sim/scenario/python_text.h"
#include "sim/trace/record.h"
#include "tests/one_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PYTHON "runtime: cpython-3.12\n"

// ---- looking at a run

// The b of each record of `kind` by `thread` (NULL: anyone): "4096 100".
static const char *pieces(EventKind kind, const char *thread)
{
    static char text[4096];
    size_t at = 0;
    text[0] = 0;
    for (uint64_t i = 0; i < run.memory.count && at < sizeof text; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        if (record->kind == kind &&
            (thread == NULL || strcmp(simulated_name(&run, record->task), thread) == 0))
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%d", at > 0 ? " " : "",
                                   (int)record->b);
    }
    return text;
}

// The chunks that are begun: "1+7 8+7" are items 1 to 7 and 8 to 14.
static const char *chunks(void)
{
    static char text[1024];
    size_t at = 0;
    text[0] = 0;
    for (uint64_t i = 0; i < run.memory.count && at < sizeof text; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        if (record->kind == EVENT_POOL_RUN)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%u+%u", at > 0 ? " " : "",
                                   items_first(record->b), items_count(record->b));
    }
    return text;
}

static uint64_t sum(EventKind kind)
{
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        bytes += record->kind == kind ? record->b : 0;
    }
    return bytes;
}

// How long the (only or last) span of this name took.
static int64_t length(const char *span)
{
    int64_t begin = -1, end = -1;
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        if (record->kind != EVENT_SPAN_BEGIN && record->kind != EVENT_SPAN_END)
            continue;
        if (strcmp(scenario_string(&run.scenario, (StringId){(uint32_t)record->a}), span) != 0)
            continue;
        *(record->kind == EVENT_SPAN_BEGIN ? &begin : &end) = record->time_ns;
    }
    assert_true(begin >= 0 && end >= begin);
    return end - begin;
}

// All that began has ended and was collected, and nothing is left in a pipe.
static void expect_nothing_left(void)
{
    assert_int_equal(run.result.end, END_DONE);
    assert_int_equal(simulated_count(&run, EVENT_PROCESS_STARTED, NULL),
                     simulated_count(&run, EVENT_PROCESS_REAPED, NULL));
    assert_int_equal(simulated_count(&run, EVENT_PROCESS_ADOPTED, NULL), 0);
    assert_int_equal(sum(EVENT_PIPE_WRITTEN), sum(EVENT_PIPE_READ));
    assert_int_equal(simulated_count(&run, EVENT_OBJECT_SENT, NULL),
                     simulated_count(&run, EVENT_OBJECT_GOT, NULL));
}

// ---- processes

static void starting_costs_by_method(void **state)
{
    (void)state;
    // A fork: 100 us in the parent, 40 us of the call, 500 us in the child. A spawn: 100 us, 20 us,
    // and in the child 300 us of exec, 9 ms of the interpreter and 30 ms of its imports. Joining
    // costs nothing here: the parent waits for the child's end.
    one_run(
        "machine: { cores: 2, costs: { base: zero, process_start: 100us, fork_base: 40us, "
        "process_boot: 500us, vfork: 20us, exec: 300us, python_start: 9ms, python_import: 30ms "
        "} }\n" PYTHON "functions: { work: [ { compute: 1ms } ] }\n"
        "threads:\n  - name: main\n    run:\n"
        "      - span: { name: start, do: [ { start_process: { run: work, as: a, count: 2 } } ] }\n"
        "      - join_process: a\n"
        "      - span: { name: fork, do: [ { start_process: { run: work, as: b } }, { "
        "join_process: b } ] }\n"
        "      - span: { name: spawn, do: [ { start_process: { run: work, as: c, method: spawn "
        "} }, { join_process: c } ] }\n");
    assert_int_equal(length("start"), 2 * 140 * US);
    assert_int_equal(length("fork"), 140 * US + 500 * US + 1 * MS);
    assert_int_equal(length("spawn"), 120 * US + 39300 * US + 1 * MS);
    expect_nothing_left();
}

static void the_end_of_a_process_joins_its_children(void **state)
{
    (void)state;
    // Nobody joins the child in the scenario: the main process does so at its end, as atexit has
    // it.
    one_run(ZERO("2") PYTHON "functions: { work: [ { compute: 5ms } ] }\n"
                             "threads: [ { name: main, run: [ { start_process: work } ] } ]\n");
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "main"), 5 * MS);
    expect_nothing_left();
}

// ---- connections

static void a_small_object_is_one_write(void **state)
{
    (void)state;
    // The length, 4 bytes, goes with up to 16 KiB; before more it goes alone.
    one_run(ZERO("2") PYTHON
            "connections: { line: pipe }\n"
            "functions: { reader: [ { receive_object: line }, { receive_object: line } ] }\n"
            "threads:\n  - name: main\n    run:\n"
            "      - send_object: { to: line, size: 16KiB }\n"
            "      - send_object: { to: line, size: 16385B }\n"
            "      - start_process: reader\n");
    assert_string_equal(pieces(EVENT_PIPE_WRITTEN, NULL), "16388 4 16385");
    assert_string_equal(pieces(EVENT_PIPE_READ, NULL), "4 16384 4 16385");
    expect_nothing_left();
}

static void a_large_object_takes_turns(void **state)
{
    (void)state;
    // 200,000 bytes through a pipe of 65,536, whose reader comes at 5 ms. By then the length and
    // 65,532 bytes are in; the reader takes the length, and each then what is there, on one core in
    // turns: 4 bytes of room, and so on. What counts is that nothing is lost, that no write is more
    // than the pipe holds and that one write has become at least 200,000 / 65,536, four.
    one_run(ZERO("1") PYTHON "connections: { line: pipe }\n"
                             "functions: { reader: [ { sleep: 5ms }, { receive_object: line } ] }\n"
                             "threads:\n  - name: main\n    run:\n"
                             "      - start_process: reader\n"
                             "      - send_object: { to: line, size: 200000B }\n");
    assert_int_equal(sum(EVENT_PIPE_WRITTEN), 200004);
    assert_memory_equal(pieces(EVENT_PIPE_WRITTEN, "main"), "4 65532 ", 8);
    assert_true(simulated_count(&run, EVENT_PIPE_WRITTEN, "main") >= 5);
    expect_nothing_left();
}

static void a_round_trip_adds_up(void **state)
{
    (void)state;
    // One way: packing 1500 and Connection.send 500 ns, then write(2) until the bytes are in, 50 +
    // 100 ns. The reader, asleep in its first read(2), wakes after 3 us and goes back to user mode
    // in 50; the second read takes 100 + 100, unpacking 250. Two ways: 2 * 5650 ns. The first trip
    // finds the reader at its beginning, so the last one is looked at.
    one_run(
        "machine: { cores: 2, costs: { base: zero, pickle: 1500ns, unpickle: 250ns, connection: "
        "500ns, syscall: 100ns, pipe_write: 100ns, pipe_read: 100ns, wake_idle: 3us } }\n" PYTHON
        "connections: { there: pipe, back: pipe }\n"
        "functions: { echo: [ { repeat: { times: 5, do: [ { receive_object: there }, { "
        "send_object: back } ] } } ] }\n"
        "threads:\n  - name: main\n    run:\n"
        "      - start_process: echo\n"
        "      - repeat: { times: 5, do: [ { span: { name: trip, do: [ { send_object: there }, { "
        "receive_object: back } ] } } ] }\n");
    assert_int_equal(length("trip"), 2 * 5650);
    expect_nothing_left();
}

static void a_full_queue_blocks_put(void **state)
{
    (void)state;
    // Two fit in; the third put waits until the reader, at 10 ms, has taken one.
    one_run(
        ZERO("2") PYTHON
        "connections: { letters: { kind: queue, capacity: 2 } }\n"
        "functions: { reader: [ { sleep: 10ms }, { repeat: { times: 3, do: [ { receive_object: "
        "letters } ] } } ] }\n"
        "threads:\n  - name: main\n    run:\n"
        "      - start_process: reader\n"
        "      - span: { name: two, do: [ { repeat: { times: 2, do: [ { send_object: letters } ] "
        "} } ] }\n"
        "      - span: { name: third, do: [ { send_object: letters } ] }\n");
    assert_int_equal(length("two"), 0);
    assert_int_equal(length("third"), 10 * MS);
    expect_nothing_left();
}

static void feeders_send_all_before_the_end(void **state)
{
    (void)state;
    // Three processes put and end; their feeders have written everything by then. Each has one.
    one_run(ZERO("4") PYTHON
            "connections: { letters: queue }\n"
            "functions: { work: [ { repeat: { times: 3, do: [ { send_object: { to: letters, size: "
            "50KiB } } ] } } ] }\n"
            "threads:\n  - name: main\n    run:\n"
            "      - start_process: { run: work, as: child, count: 3 }\n"
            "      - repeat: { times: 9, do: [ { receive_object: letters } ] }\n");
    assert_int_equal(sum(EVENT_PIPE_WRITTEN), 9 * (50 * 1024 + 4));
    assert_int_equal(simulated_count(&run, EVENT_TASK_CREATED, NULL), 1 + 3 + 3);
    expect_nothing_left();
}

static void a_fork_begins_its_queues_anew(void **state)
{
    (void)state;
    // The helper's first put holds the buffer's lock while its feeder starts, which takes 20 ms of
    // bytecode. Main wants the GIL at 1 ms, gets it at 6 and forks. The child's lock is a new one:
    // it starts a feeder of its own, 20 ms, and its object is there at 26; the helper's at 20.
    one_run(
        "machine: { cores: 4, scheduler: fifo, costs: { base: zero, thread_boot: 20ms } }\n" PYTHON
        "connections: { letters: queue }\nfunctions:\n"
        "  child: [ { send_object: letters } ]\n"
        "  helper: [ { send_object: letters } ]\n"
        "threads:\n  - { name: helper, run: helper }\n"
        "  - name: main\n    run:\n"
        "      - sleep: 1ms\n      - start_process: child\n"
        "      - receive_object: letters\n      - print: first\n"
        "      - receive_object: letters\n      - print: second\n");
    assert_string_equal(pieces(EVENT_OBJECT_GOT, NULL), "64 64");
    assert_int_equal(simulated_time_of(&run, EVENT_PRINT, "main"), 26 * MS);
    expect_nothing_left();
}

static void two_readers_of_a_pipe_garble_it(void **state)
{
    (void)state;
    // Both readers wait for a length. The first takes that of the only object; the second takes the
    // object's first 4 bytes for a length.
    const char *said =
        simulate_failing("machine: { cores: 3, costs: { base: zero, syscall: 100ns } }\n" PYTHON
                         "connections: { line: pipe }\n"
                         "functions: { reader: [ { receive_object: line } ] }\n"
                         "threads:\n  - name: main\n    run:\n"
                         "      - start_process: { run: reader, count: 2 }\n"
                         "      - sleep: 1ms\n"
                         "      - send_object: line\n"
                         "      - sleep: 1ms\n");
    assert_non_null(strstr(said, "reads from 'line' what was meant for another"));
}

// ---- pools

static void map_cuts_its_items_into_chunks(void **state)
{
    (void)state;
    // 50 items, 2 processes: 50 / 8 rounded up is 7. With `chunk: 20`: 20, 20 and 10.
    one_run(ZERO("1") PYTHON "pools: { pool: 2 }\nfunctions: { work: [ yield ] }\n"
                             "threads:\n  - name: main\n    run:\n"
                             "      - pool.map: { pool: pool, run: work, items: 50 }\n"
                             "      - pool.map: { pool: pool, run: work, items: 50, chunk: 20 }\n"
                             "      - pool.apply: { pool: pool, run: work }\n");
    assert_string_equal(chunks(), "1+7 8+7 15+7 22+7 29+7 36+7 43+7 50+1 1+20 21+20 41+10 1+1");
    expect_nothing_left();
}

static void tasks_are_counted_by_the_byte(void **state)
{
    (void)state;
    // A chunk of 3 items of 1 KiB: 64 + 3 * 1024; its result 16 + 3 * 10; a length before each. At
    // the end one word to each of 2 processes and one to the result handler, 8 bytes each.
    one_run(
        ZERO("4") PYTHON
        "pools: { pool: 2 }\nfunctions: { work: [ yield ] }\n"
        "threads:\n  - name: main\n    run:\n"
        "      - pool.map: { pool: pool, run: work, items: 6, chunk: 3, size: 1KiB, result: 10B "
        "}\n");
    assert_int_equal(sum(EVENT_PIPE_WRITTEN),
                     2 * (4 + 64 + 3 * 1024) + 2 * (4 + 16 + 3 * 10) + 3 * 8);
    expect_nothing_left();
}

static void closing_a_pool_waits_for_its_processes(void **state)
{
    (void)state;
    // `pool.close` is over when both processes have ended, and the next use starts new ones.
    one_run(ZERO("4") PYTHON "pools: { pool: 2 }\nfunctions: { work: [ { compute: 1ms } ] }\n"
                             "threads:\n  - name: main\n    run:\n"
                             "      - pool.map: { pool: pool, run: work, items: 2 }\n"
                             "      - pool.close: pool\n"
                             "      - sleep: 1ms\n"
                             "      - pool.map: { pool: pool, run: work, items: 2 }\n");
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "pool-worker-1"), 1 * MS);
    assert_int_equal(simulated_count(&run, EVENT_PROCESS_STARTED, NULL), 4);
    assert_int_equal(simulated_time_of(&run, EVENT_TASK_EXITED, "pool-worker-4"), 3 * MS);
    expect_nothing_left();
}

static void an_exception_comes_back_to_the_caller(void **state)
{
    (void)state;
    // Of map when all chunks are done: the good ones of 1 ms, six items over two processes, 2 ms (a
    // bad one takes no time). Of an executor with the future.
    one_run(ZERO("4") PYTHON
            "pools: { pool: 2 }\nexecutors: { other: { processes: 1 } }\n"
            "functions: { good: [ { compute: 1ms } ], bad: [ { raise: Oops } ] }\n"
            "threads:\n  - name: main\n    run:\n"
            "      - span:\n          name: map\n          do:\n"
            "            - try:\n"
            "                do: [ { pool.map: { pool: pool, run: [ bad, good, good ], items: 6, "
            "chunk: 1 } }, { print: wrong } ]\n"
            "                except: { Oops: [ { print: map } ] }\n"
            "      - submit: { to: other, run: bad, as: f }\n"
            "      - try: { do: [ { result: f }, { print: wrong } ], except: { Oops: [ { print: "
            "future } ] } }\n");
    assert_int_equal(metrics.printed.count, 2);
    assert_int_equal(length("map"), 2 * MS);
    expect_nothing_left();
}

static void a_pool_belongs_to_one_process(void **state)
{
    (void)state;
    const char *said = simulate_failing(
        ZERO("2") PYTHON "pools: { pool: 1 }\nfunctions:\n  work: [ yield ]\n"
                         "  child: [ { pool.apply: { pool: pool, run: work } } ]\n"
                         "threads:\n  - name: main\n    run:\n"
                         "      - pool.apply: { pool: pool, run: work }\n"
                         "      - start_process: child\n      - join_process: child\n");
    assert_non_null(strstr(said, "uses the pool 'pool', which another process has opened"));
}

// ---- managers

static void each_thread_has_a_connection_to_a_manager(void **state)
{
    (void)state;
    // The manager's process and, in it, a thread for main and one for the child; they end with it.
    // Each call of 1 ms is served by a thread of its own, but under one GIL: the child's, which
    // comes at the same time as main's second, is answered last, after both.
    one_run(ZERO("4") PYTHON "managers: { registry: 2 }\nfunctions:\n"
                             "  method: [ { compute: 1ms } ]\n"
                             "  child: [ { manager.call: { manager: registry, run: method } } ]\n"
                             "threads:\n  - name: main\n    run:\n"
                             "      - manager.call: { manager: registry, run: method }\n"
                             "      - start_process: child\n"
                             "      - manager.call: { manager: registry, run: method }\n"
                             "      - join_process: child\n");
    assert_int_equal(simulated_count(&run, EVENT_PROCESS_STARTED, NULL), 2);
    assert_int_equal(simulated_count(&run, EVENT_TASK_CREATED, NULL), 2 + 1 + 2);
    assert_int_equal(run.result.ended.ns, 3 * MS);
    expect_nothing_left();
}

static void a_manager_ends_with_who_started_it(void **state)
{
    (void)state;
    const char *said = simulate_failing(
        ZERO("4") PYTHON "managers: { registry: 2 }\nfunctions:\n"
                         "  child: [ { sleep: 1ms }, { manager.call: registry } ]\n"
                         "threads:\n  - name: main\n    run:\n"
                         "      - manager.call: registry\n      - start_process: child\n");
    assert_non_null(strstr(said, "that one should join its children first"));
    said = simulate_failing(ZERO("4") PYTHON
                            "managers: { registry: 1 }\nfunctions:\n"
                            "  child: [ { manager.call: registry } ]\n"
                            "threads:\n  - name: main\n    run:\n"
                            "      - manager.call: registry\n      - start_process: child\n"
                            "      - join_process: child\n");
    assert_non_null(strstr(said, "is one client too many for the manager 'registry'"));
}

// ---- the Python program

static void it_is_written_as_a_program(void **state)
{
    (void)state;
    one_run(
        ZERO("2") PYTHON
        "connections: { wire: pipe, letters: { kind: queue, capacity: 3 } }\npools: { pool: 2 }\n"
        "executors: { other: { processes: 3 } }\nfunctions:\n"
        "  work: [ yield ]\n"
        "  child: [ { send_object: { to: wire, size: 1KiB, run: work } }, { send_object: letters } "
        "]\n"
        "threads:\n  - name: main\n    run:\n"
        "      - start_process: child\n"
        "      - receive_object: wire\n      - receive_object: letters\n"
        "      - join_process: child\n"
        "      - pool.map: { pool: pool, run: work, items: 4, chunk: 2 }\n");
    Arena arena = {0};
    Diag diag = {0};
    const char *text = python_text(&run.scenario, (ProcessId){1}, &arena, &diag);
    assert_non_null(text);
    static const char *const parts[] = {
        "wire_reader, wire_writer = multiprocessing.Pipe(duplex=False)\n",
        "letters = multiprocessing.Queue(3)\n",
        "other = ProcessPoolExecutor(3, multiprocessing.get_context(\"fork\"))\n",
        "    wire_writer.send((work, bytes(1024)))\n    letters.put((None, bytes(0)))\n",
        "multiprocessing.get_context(\"fork\").Process(target=child)",
        "    received, _ = letters.get()\n    if received is not None:\n        received()\n",
        "pool_of(\"pool\", 2, \"fork\").map(run_item, pool_items([work], 4, 0, 0), 2)\n",
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(text, parts[i]) == NULL)
            fail_msg("no %s in\n%s", parts[i], text);
    arena_free(&arena);
    diag_free(&diag);
}

// ---- random programs

// Producers and consumers over a queue, in threads and processes, with a pool beside them.
static void random_program(Rng *rng, char yaml[static 2000])
{
    uint32_t producers = 1 + rng_u32(rng) % 3, each = 1 + rng_u32(rng) % 6;
    uint32_t size = 1 + rng_u32(rng) % 200000, capacity = 1 + rng_u32(rng) % 4;
    uint32_t cores = 1 + rng_u32(rng) % 4, items = 1 + rng_u32(rng) % 20;
    uint32_t processes = 1 + rng_u32(rng) % 3, kind = rng_u32(rng) % 3, spawn = rng_u32(rng) % 2;
    char connection[100];
    snprintf(connection, sizeof connection,
             kind == 0   ? "simple_queue"
             : kind == 1 ? "queue"
                         : "{ kind: queue, capacity: %u }",
             capacity);
    snprintf(yaml, 2000,
             "machine: { cores: %u }\n" PYTHON "connections: { letters: %s }\npools: { pool: %u }\n"
             "executors: { other: { processes: %u, start: %s } }\n"
             "functions:\n  work: [ { compute: uniform(1us, 2ms) } ]\n"
             "  producer: [ { repeat: { times: %u, do: [ { compute: uniform(1us, 1ms) }, { "
             "send_object: { to: letters, size: %uB, run: work } } ] } } ]\n"
             "  consumer: [ { repeat: { times: %u, do: [ { receive_object: letters } ] } } ]\n"
             "  mapper: [ { pool.imap: { pool: pool, run: work, items: %u } }, { pool.map: { pool: "
             "pool, run: work, items: %u } } ]\n"
             "threads:\n  - name: main\n    run:\n"
             "      - start_process: { run: producer, count: %u, method: %s }\n"
             "      - spawn: { run: mapper, count: 2 }\n"
             "      - submit: { to: other, run: work, as: f, count: %u }\n"
             "      - call: consumer\n      - join: mapper\n      - result: f\n",
             cores, connection, processes, processes, spawn ? "spawn" : "fork", each, size,
             producers * each, items, items, producers, spawn ? "fork" : "spawn", items);
}

static void nothing_is_lost_in_random_programs(void **state)
{
    (void)state;
    const char *wanted = getenv("RINGSIDE_SEEDS");
    uint64_t seeds = wanted == NULL ? 400 : strtoull(wanted, NULL, 10);
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        char yaml[2000];
        Rng rng = rng_make(seed, 0);
        random_program(&rng, yaml);
        one_run(yaml);
        uint64_t hash = simulated_hash(&run);
        expect_nothing_left();
        one_run_end(NULL);
        one_run(yaml);
        assert_int_equal(simulated_hash(&run), hash);
        one_run_end(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(starting_costs_by_method, one_run_end),
        cmocka_unit_test_teardown(the_end_of_a_process_joins_its_children, one_run_end),
        cmocka_unit_test_teardown(a_small_object_is_one_write, one_run_end),
        cmocka_unit_test_teardown(a_large_object_takes_turns, one_run_end),
        cmocka_unit_test_teardown(a_round_trip_adds_up, one_run_end),
        cmocka_unit_test_teardown(a_full_queue_blocks_put, one_run_end),
        cmocka_unit_test_teardown(feeders_send_all_before_the_end, one_run_end),
        cmocka_unit_test_teardown(a_fork_begins_its_queues_anew, one_run_end),
        cmocka_unit_test(two_readers_of_a_pipe_garble_it),
        cmocka_unit_test_teardown(map_cuts_its_items_into_chunks, one_run_end),
        cmocka_unit_test_teardown(tasks_are_counted_by_the_byte, one_run_end),
        cmocka_unit_test_teardown(closing_a_pool_waits_for_its_processes, one_run_end),
        cmocka_unit_test_teardown(an_exception_comes_back_to_the_caller, one_run_end),
        cmocka_unit_test(a_pool_belongs_to_one_process),
        cmocka_unit_test_teardown(each_thread_has_a_connection_to_a_manager, one_run_end),
        cmocka_unit_test(a_manager_ends_with_who_started_it),
        cmocka_unit_test_teardown(it_is_written_as_a_program, one_run_end),
        cmocka_unit_test(nothing_is_lost_in_random_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
