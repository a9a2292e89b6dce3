// Narration: every kind of record as its sentence, with the names of a scenario; and any record at
// all as some sentence.
#include "hand_trace.h"

#include "sim/analysis/narrate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char yaml[] = "title: By hand\n"
                           "machine: { cores: 2 }\n"
                           "pipes: [ line ]\n"
                           "message_queues: { letters: 10 }\n"
                           "processes:\n"
                           "  - name: app\n"
                           "    locks: { cache: lock }\n"
                           "    threads:\n"
                           "      - name: main\n"
                           "        run: [ { print: \"a\\tb\\ec\" }, { mark: pass } ]\n"
                           "      - name: hog\n"
                           "        count: 2\n"
                           "        run: [ { compute: 1ms } ]\n";

// What is said of one record more, without its time.
static void says(Narrator *narrator, HandText *text, const TraceRecord *record,
                 const char *expected)
{
    hand_text_end(text);
    size_t before = text->bytes.count;
    narrate(narrator, record);
    const char *line = hand_text_end(text) + before;
    assert_true(strlen(line) > 16);
    char sentence[256];
    snprintf(sentence, sizeof sentence, "%s\n", expected);
    assert_string_equal(line + 18, sentence);
}

static TraceRecord record(EventKind kind, int core, uint32_t task, uint64_t a, uint64_t b)
{
    return (TraceRecord){
        .time_ns = 1, .kind = (uint16_t)kind, .core = (int16_t)core, .task = task, .a = a, .b = b};
}

#define SAYS(kind, core, task, a, b, expected)                                                     \
    do {                                                                                           \
        TraceRecord said = record(EVENT_##kind, core, task, a, b);                                 \
        says(&narrator, &text, &said, expected);                                                   \
    } while (0)

static void test_sentences(void **state)
{
    (void)state;
    HandTrace t;
    HandText text;
    Narrator narrator;
    hand_open(&t, yaml);
    hand_text_open(&text);
    narrator_open(&narrator, &t.scenario, &text.writer);
    uint32_t line = hand_string(&t, "a\tb\x1b"
                                    "c"),
             pass = hand_string(&t, "pass");

    SAYS(TASK_CREATED, -1, 1, 1, 1, "main is created");
    SAYS(TASK_CREATED, -1, 2, 2, 2, "hog-2 is created");
    SAYS(TASK_CREATED, -1, 3, 2, created_pack(1, false, 1), "main creates hog-1");
    SAYS(ENQUEUED, 1, 2, 0, 0, "hog-2 joins the run queue of core 1");
    SAYS(SWITCH_IN, 0, 1, 0, 0, "core 0 switches to main");
    SAYS(SWITCH_OUT, 0, 1, SWITCH_PREEMPTED_TICK, 0,
         "main leaves core 0: the timer tick preempts it");
    SAYS(WAKEUP, 1, 2, 1, 1, "main wakes hog-2 for core 1");
    SAYS(WAKEUP, 1, 2, 0, 1, "an interrupt wakes hog-2 for core 1");
    SAYS(MIGRATED, 1, 2, 1, MIGRATION_NEW_IDLE,
         "hog-2 moves from core 0 to core 1: a core that ran out of work pulled it");
    SAYS(KERNEL_ENTER, 0, 1, SYSCALL_FUTEX_WAIT, 0, "main enters the kernel: futex wait");
    SAYS(KERNEL_EXIT, 0, 1, 0, 0, "main returns to user space");
    SAYS(IRQ, 1, 0, IRQ_TIMER, 1500, "timer interrupt on core 1 takes 1.5 us");
    SAYS(TIMER_SET, 0, 1, 2000000, 50000, "main sets a timer for 2 ms from now");
    SAYS(LOCK_WAIT, 0, 2, 1, 1, "hog-2 must wait for lock cache, which main holds");
    SAYS(LOCK_TAKEN, 0, 1, 1, 0, "main takes lock cache");
    SAYS(LOCK_RELEASED, 0, 1, 1, 0, "main releases lock cache");
    SAYS(JOIN_WAIT, 0, 1, 2, 2, "main waits for hog to end (2 alive)");
    SAYS(PRINT, 0, 1, line, 0, "main prints \"a\\tb\\x1bc\"");
    SAYS(MARK, 0, 1, pass, 0, "main passes mark pass");
    SAYS(SPAN_BEGIN, 0, 1, pass, 7, "main begins pass");
    SAYS(SPAN_END, 0, 1, pass, 7, "main ends pass");
    SAYS(TASK_EXITED, 0, 1, 0, 0, "main ends");
    SAYS(TASK_KILLED, 0, 2, 0, 0, "hog-2 is a daemon and ends with its process");
    SAYS(DEADLOCK, -1, 1, 1, 2, "deadlock: main waits for cache, which hog-2 has");
    SAYS(DEADLOCK, -1, 1, 0, 2, "deadlock: main waits for hog-2 to end");
    SAYS(DEADLOCK, -1, 1, 1, 0, "deadlock: main waits for cache, and nobody is left to wake it");
    SAYS(LOCK_SPIN, 0, 2, 1, 1, "hog-2 spins for lock cache, which main holds");
    SAYS(LOCK_NESTED, 0, 1, 1, 3, "main holds lock cache 3 deep");
    SAYS(LOCK_READ, 0, 1, 1, 0, "main takes lock cache for reading");
    SAYS(SYNC_WAIT, 0, 1, 1, 0, "main waits at lock cache");
    SAYS(SYNC_WAIT, 0, 1, 7, 0, "main waits at object number 7");
    SAYS(SYNC_WAIT_OVER, 0, 1, 1, WAIT_TIMEOUT,
         "main need not wait at lock cache any more: its time is over");
    SAYS(SYNC_LEVEL, 0, 1, 1, 4, "lock cache is at 4");
    SAYS(NOTIFIED, 0, 1, 1, 2, "main notifies 2 of those who wait at lock cache");
    SAYS(NOTIFIED, 0, 1, 1, 0, "main notifies lock cache, where nobody waits: it is lost");
    SAYS(BARRIER_OPENED, 0, 1, 1, 5, "main is the last one at lock cache: round 5 is over");
    SAYS(QUEUE_PUT, 0, 1, 1, 0, "main puts an item into lock cache");
    SAYS(DEADLOCK_PLACE, -1, 1, 1 << 30, 0, "deadlock: main waits at operation 1073741824");
    SAYS(RUN_END, -1, 0, END_DONE, 0, "the run ends: every thread ended");
    SAYS(RUN_END, -1, 0, END_LIMIT, LIMIT_RECORDS, "the run ends: a limit was reached: records");

    // Memory and processes: the declared one is number 1, the forked ones are called as their first
    // threads. (There is no entry of a fork here: hog stands for one.)
    SAYS(PAGE_FAULT, 0, 1, FAULT_COW, 3,
         "main has 3 page fault(s): a copy of a page shared since a fork");
    SAYS(MEMORY_RESERVED, -1, 1, 1, 8 << 20, "app has 8 MiB of memory reserved");
    SAYS(MEMORY_RESIDENT, -1, 1, 1, 12 << 10, "app has 12 KiB of memory resident");
    SAYS(MEMORY_SHARED, -1, 1, 1, 1536, "app shares 1.5 KiB of its memory with other processes");
    SAYS(OUT_OF_MEMORY, 0, 1, 1, 9,
         "memory runs out under main at line 9: app, the largest process, must go");
    SAYS(PROCESS_STARTED, -1, 2, 2, 1, "hog-2 is the first thread of hog-2, a child of app");
    SAYS(PROCESS_JOINED, -1, 1, 2, 0, "main is a thread of hog-2");
    SAYS(PROCESS_EXECED, 0, 2, 2, 0, "hog-2 turns hog-2 into another program");
    SAYS(PROCESS_ENDED, -1, 0, 2, 3, "hog-2 ends: exit code 3");
    SAYS(PROCESS_ENDED, -1, 0, 1, STATUS_SIGNALLED + SIGNAL_TERM, "app ends: killed by TERM");
    SAYS(PROCESS_ADOPTED, -1, 0, 2, 0, "hog-2 has lost its parent: init adopts it");
    SAYS(PROCESS_REAPED, 0, 1, 2, 0, "main collects the end of hog-2: exit code 0");
    SAYS(CHILD_WAIT, 0, 1, 1, 4, "main waits for a child of app to end (4 alive)");
    SAYS(SIGNAL_SENT, 0, 1, SIGNAL_TERM, 2, "TERM is sent to hog-2");
    SAYS(SIGNAL_HANDLED, 0, 2, SIGNAL_CHLD, 0, "hog-2 stops what it does to handle CHLD");
    SAYS(TASK_KILLED, -1, 2, KILL_REASON_MEMORY, 0,
         "hog-2 ends because its process is killed to free memory");
    SAYS(PROCESS_ENDED, -1, 0, 77, 0, "process 77 ends: exit code 0");
    SAYS(PIPE_WRITTEN, 0, 1, 1, 4096, "main writes 4 KiB to pipe line");
    SAYS(PIPE_READ, 0, 1, 1, 12, "main reads 12 B from pipe line");
    SAYS(PIPE_WAIT, 0, 1, 1, PIPE_END_READ, "main must wait at the read end of pipe line");
    SAYS(PIPE_CLOSED, 0, 1, 1, PIPE_END_WRITE, "main closes the write end of pipe line");
    SAYS(PIPE_EOF, 0, 1, 1, 0, "main is at the end of pipe line");
    SAYS(PIPE_BROKEN, 0, 1, 1, 7,
         "main writes to pipe line at line 7, and nobody has its read end open");
    SAYS(PIPE_EOF, 0, 1, 5, 0, "main is at the end of pipe number 5");
    SAYS(MESSAGE_SENT, 0, 1, 1, 1024, "main sends a message of 1 KiB to letters");
    SAYS(MESSAGE_RECEIVED, 0, 1, 1, 1024, "main receives a message of 1 KiB from letters");
    SAYS(CACHE_REFILL, 0, 1, 256 << 10, 16000,
         "main must load 256 KiB of its working set into the cache of core 0: 16 us");
    SAYS(LINE_MOVED, 0, 1, pass, 2, "core 0 takes cache line pass from core 1 for main");
    SAYS(LINE_MOVED, 0, 1, pass, 0, "core 0 takes cache line pass from core none for main");
    SAYS(MESSAGE_WAIT, 0, 1, 1, 10, "main must wait at letters, which holds 10");

    // What refers to nothing is said by its number.
    SAYS(SWITCH_IN, -1, 99, 0, 0, "core none switches to thread 99");
    SAYS(LOCK_TAKEN, 0, 0, 12, 0, "nobody takes lock number 12");
    SAYS(JOIN_WAIT, 0, 1, 9, 0, "main waits for threads of entry 9 to end (0 alive)");
    SAYS(MARK, 0, 1, 1 << 30, 0, "main passes mark text 1073741824");
    SAYS(SWITCH_OUT, 0, 1, 77, 0, "main leaves core 0: ?");
    TraceRecord unknown = {.kind = 9999};
    says(&narrator, &text, &unknown, "nothing");
    narrator_free(&narrator);
    hand_text_free(&text);
    hand_free(&t);
}

// As text of any size: "main prints "ä"" is cut behind a whole character (ä is two bytes).
static void test_as_text(void **state)
{
    (void)state;
    HandTrace t;
    hand_open(&t, "threads:\n  - { name: main, run: [ { print: \"a\u00e4b\" } ] }\n");
    TaskTable tasks = {.row_bytes = sizeof(TaskRow)};
    ProcessNames processes = {0};
    task_table_add(&tasks, &t.scenario, 1, 1, 1);
    Names names = {&t.scenario, &tasks, &processes};
    TraceRecord said = record(EVENT_PRINT, 0, 1, hand_string(&t, "a\u00e4b"), 0);
    char text[64];
    assert_string_equal(narrate_sentence(&names, &said, text, sizeof text),
                        "main prints \"a\u00e4b\"");
    // 14 bytes up to the a, then ä: room for 15 holds half of it, and for 16 all.
    assert_string_equal(narrate_sentence(&names, &said, text, 16), "main prints \"a");
    assert_string_equal(narrate_sentence(&names, &said, text, 17), "main prints \"a\u00e4");
    assert_string_equal(narrate_sentence(&names, &said, text, 1), "");
    assert_string_equal(narrate_argument(&names, ARG_NS, 1500, text, sizeof text), "1.5 us");
    task_table_free(&tasks);
    hand_free(&t);
}

// 12,345,678 ns are 12.345678 ms; the columns stay in line up to 999999 ms.
static void test_time(void **state)
{
    (void)state;
    HandTrace t;
    HandText text;
    Narrator narrator;
    hand_open(&t, yaml);
    hand_text_open(&text);
    narrator_open(&narrator, &t.scenario, &text.writer);
    narrate(&narrator, &(TraceRecord){.time_ns = 12345678, .kind = EVENT_RUN_END});
    narrate(&narrator, &(TraceRecord){.time_ns = 123000000042, .kind = EVENT_RUN_END});
    assert_string_equal(hand_text_end(&text),
                        "    12.345678 ms  the run ends: every thread ended\n"
                        "123000.000042 ms  the run ends: every thread ended\n");
    narrator_free(&narrator);
    hand_text_free(&text);
    hand_free(&t);
}

// A line a record and no byte that moves a cursor, whatever the records are.
static void test_any_records(void **state)
{
    (void)state;
    HandTrace t;
    hand_open(&t, yaml);
    for (uint64_t seed = 1; seed <= 200; seed++) {
        HandText text;
        Narrator narrator;
        t.records.count = 0;
        hand_random(&t, seed, 200);
        hand_text_open(&text);
        narrator_open(&narrator, &t.scenario, &text.writer);
        assert_true(narrator.sink.write(&narrator.sink, t.records.at, t.records.count));
        size_t lines = 0;
        for (const char *c = hand_text_end(&text); *c != 0; c++) {
            lines += *c == '\n';
            assert_true(*c == '\n' || (unsigned char)*c >= 0x20);
        }
        assert_int_equal(lines, t.records.count);
        narrator_free(&narrator);
        hand_text_free(&text);
    }
    hand_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_as_text),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_any_records),
    };
    return cmocka_run_group_tests_name("narrate", tests, NULL, NULL);
}
