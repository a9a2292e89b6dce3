// The timeline: intervals of a few traces by hand, and what must hold for every run, on random
// scenarios: a row's states add up to what the metrics counted, also between any two instants;
// every interval is what the scene at its instants says; and bins of any zoom are what a walk over
// the intervals gives. RINGSIDE_SEEDS says how many scenarios (150).
#include "tests/hand_trace.h"
#include "tests/random_scenario.h"
#include "tests/recorded.h"
#include "tests/simulate.h"

#include "sim/analysis/timeline.h"
#include "sim/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static Recording recording;
static Timeline timeline;

static void open_hand(const HandTrace *trace)
{
    TraceFile file = {.records = trace->records.at, .count = trace->records.count};
    recording_of_file(&recording, &trace->scenario, &file);
    timeline_open(&timeline, &recording);
}

static void close_both(void)
{
    timeline_free(&timeline);
    recording_free(&recording);
}

// "user(1) 0 | kernel(1) 10 | …": states by their words, subjects in brackets when there are any,
// times in microseconds.
static const char *row_text(const TimelineRow *row)
{
    static char text[4096];
    size_t length = 0;
    text[0] = 0;
    for (size_t i = 0; i < row->intervals.count && length < sizeof text - 64; i++) {
        const TimelineInterval *at = &row->intervals.at[i];
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", i > 0 ? " | " : "",
                                   timeline_state_word(at->state));
        if (at->subject != 0)
            length += (size_t)snprintf(text + length, sizeof text - length, "(%u)", at->subject);
        length += (size_t)snprintf(text + length, sizeof text - length, " %g",
                                   (double)at->begin_ns / 1000);
    }
    return text;
}

static const TimelineRow *row_named(const char *name)
{
    char text[128];
    for (size_t i = 0; i < timeline.rows.count; i++)
        if (strcmp(timeline_row_name(&timeline, &timeline.rows.at[i], text), name) == 0)
            return &timeline.rows.at[i];
    fail_msg("no row %s", name);
    return NULL;
}

#define EXPECT_ROW(name, expected) assert_string_equal(row_text(row_named(name)), expected)

// ---- by hand

static const char two_yaml[] = "title: Two\n"
                               "machine: { cores: 2 }\n"
                               "locks: { cache: lock, other: lock }\n"
                               "threads:\n"
                               "  - name: a\n"
                               "    run: [ { mark: here }, { span: { name: render, do: [ { span: { "
                               "name: inner, do: [ { compute: 1us } ] } } ] } } ]\n"
                               "  - name: b\n"
                               "    run: [ { lock: cache }, { unlock: cache }, { lock: other } ]\n";

// a computes from 0 to 10, is in the kernel to 12, sleeps to 30, waits to run to 31 and ends at 40.
static void a_thread_and_its_core(void **state)
{
    (void)state;
    HandTrace trace;
    hand_open(&trace, two_yaml);
    hand(&trace, 0, EVENT_TASK_CREATED, CORE_NONE, 1, 1, 1);
    hand(&trace, 0, EVENT_ENQUEUED, 0, 1, 0, 0);
    hand(&trace, 0, EVENT_SWITCH_IN, 0, 1, 0, 0);
    hand(&trace, 10, EVENT_KERNEL_ENTER, 0, 1, SYSCALL_CLOCK_NANOSLEEP, 0);
    hand(&trace, 12, EVENT_SWITCH_OUT, 0, 1, SWITCH_BLOCKED_SLEEP, 0);
    hand(&trace, 30, EVENT_WAKEUP, 0, 1, 0, 1);
    hand(&trace, 30, EVENT_ENQUEUED, 0, 1, 0, 0);
    hand(&trace, 31, EVENT_SWITCH_IN, 0, 1, 1, 0);
    hand(&trace, 33, EVENT_KERNEL_EXIT, 0, 1, 0, 0);
    hand(&trace, 40, EVENT_TASK_EXITED, 0, 1, 0, 0);
    hand(&trace, 40, EVENT_SWITCH_OUT, 0, 1, SWITCH_EXITED, 0);
    hand(&trace, 50, EVENT_RUN_END, CORE_NONE, 0, END_DONE, 0);
    open_hand(&trace);

    EXPECT_ROW("a", "running(1) 0 | in kernel(1) 10 | sleeps 12 | runnable 30 | in kernel(1) 31 | "
                    "running(1) 33 | ended 40");
    EXPECT_ROW("core 0", "running(1) 0 | in kernel(1) 10 | idle 12 | in kernel(1) 31 | "
                         "running(1) 33 | idle 40");
    EXPECT_ROW("core 1", "idle 0");
    assert_int_equal(timeline.rows.count, 3); // nobody touches the locks, b is never created
    assert_int_equal(timeline.task_first, 2);
    assert_ptr_equal(timeline_task_row(&timeline, 1), &timeline.rows.at[2]);
    assert_null(timeline_task_row(&timeline, 2));
    assert_null(timeline_task_row(&timeline, 0));

    const TimelineRow *a = row_named("a");
    int64_t ns[TIMELINE_STATE_COUNT];
    timeline_sums(&timeline, a, 5000, 32000, ns); // 5 user, 2 kernel, 18 asleep, 1 waits, 1 kernel
    assert_int_equal(ns[TASK_STATE_RUNNING_USER], 5000);
    assert_int_equal(ns[TASK_STATE_RUNNING_KERNEL], 3000);
    assert_int_equal(ns[TASK_STATE_SLEEPS], 18000);
    assert_int_equal(ns[TASK_STATE_RUNNABLE], 1000);
    assert_int_equal(timeline_at(&timeline, a, 9999), 0);
    assert_int_equal(timeline_at(&timeline, a, 10000), 1);
    assert_int_equal(timeline_at(&timeline, a, 50000), SIZE_MAX);
    assert_int_equal(timeline_interval_end(&timeline, a, 6), 50000);

    TimelineItems wakes = timeline_wakeups(&timeline, 1, 0, 50000);
    assert_int_equal(wakes.count, 1);
    assert_int_equal(timeline.wakeups.at[wakes.ids[0]].time_ns, 30000);
    assert_int_equal(timeline.wakeups.at[wakes.ids[0]].waker, 0);
    assert_int_equal(timeline_wakeups(&timeline, 1, 30000, 30000).count, 0);
    assert_int_equal(timeline_wakeups(&timeline, 1, 30000, 30001).count, 1);
    assert_int_equal(timeline_wakeups(&timeline, 9, 0, 50000).count, 0);
    close_both();
    hand_free(&trace);
}

// An interrupt of 4 at 10, and one of 2 at 12 that waits for it to end: the core has no time for a
// from 10 to 16. One of 5 at 38 is still on when a ends at 40 and keeps the core to 43.
static void interrupts_take_their_time_from_both(void **state)
{
    (void)state;
    HandTrace trace;
    hand_open(&trace, two_yaml);
    hand(&trace, 0, EVENT_TASK_CREATED, CORE_NONE, 1, 1, 1);
    hand(&trace, 2, EVENT_ENQUEUED, 0, 1, 0, 0);
    hand(&trace, 2, EVENT_SWITCH_IN, 0, 1, 0, 0);
    hand(&trace, 10, EVENT_IRQ, 0, 1, IRQ_TICK, 4000);
    hand(&trace, 12, EVENT_IRQ, 0, 1, IRQ_DEVICE, 2000);
    hand(&trace, 38, EVENT_IRQ, 0, 1, IRQ_DEVICE, 5000);
    hand(&trace, 40, EVENT_TASK_EXITED, 0, 1, 0, 0);
    hand(&trace, 40, EVENT_SWITCH_OUT, 0, 1, SWITCH_EXITED, 0);
    hand(&trace, 48, EVENT_IRQ, 1, 0, IRQ_DEVICE, 5000); // longer than the run
    hand(&trace, 50, EVENT_RUN_END, CORE_NONE, 0, END_DONE, 0);
    open_hand(&trace);
    EXPECT_ROW("a", "not yet 0 | running(1) 2 | interrupt(1) 10 | running(1) 16 | "
                    "interrupt(1) 38 | ended 40");
    EXPECT_ROW("core 0", "idle 0 | running(1) 2 | interrupt(1) 10 | running(1) 16 | "
                         "interrupt(1) 38 | interrupt 40 | idle 43");
    EXPECT_ROW("core 1", "idle 0 | interrupt 48");
    close_both();
    hand_free(&trace);
}

// b takes the lock at 5, a wants it at 10, b gives it up at 20 and a has it from 21 to 30.
static void locks_say_who_holds_them(void **state)
{
    (void)state;
    HandTrace trace;
    hand_open(&trace, two_yaml);
    hand(&trace, 0, EVENT_TASK_CREATED, CORE_NONE, 1, 1, 1);
    hand(&trace, 0, EVENT_TASK_CREATED, CORE_NONE, 2, 2, 1);
    hand(&trace, 0, EVENT_ENQUEUED, 0, 1, 0, 0);
    hand(&trace, 0, EVENT_SWITCH_IN, 0, 1, 0, 0);
    hand(&trace, 0, EVENT_ENQUEUED, 1, 2, 0, 0);
    hand(&trace, 0, EVENT_SWITCH_IN, 1, 2, 0, 0);
    hand(&trace, 5, EVENT_LOCK_TAKEN, 1, 2, 1, 0);
    hand(&trace, 10, EVENT_LOCK_WAIT, 0, 1, 1, 2);
    hand(&trace, 10, EVENT_SWITCH_OUT, 0, 1, SWITCH_BLOCKED_LOCK, 1);
    hand(&trace, 20, EVENT_LOCK_RELEASED, 1, 2, 1, 0);
    hand(&trace, 20, EVENT_WAKEUP, 0, 1, 2, 2);
    hand(&trace, 20, EVENT_ENQUEUED, 0, 1, 0, 0);
    hand(&trace, 21, EVENT_SWITCH_IN, 0, 1, 0, 0);
    hand(&trace, 21, EVENT_LOCK_TAKEN, 0, 1, 1, 0);
    hand(&trace, 30, EVENT_LOCK_RELEASED, 0, 1, 1, 0);
    hand(&trace, 50, EVENT_RUN_END, CORE_NONE, 0, END_UNTIL, 0);
    open_hand(&trace);
    EXPECT_ROW("lock cache",
               "free 0 | held(2) 5 | held, others wait(2) 10 | free 20 | held(1) 21 | free 30");
    EXPECT_ROW("a", "running(1) 0 | waits for lock(1) 10 | runnable 20 | running(1) 21");
    assert_int_equal(timeline.rows.count, 5); // the other lock has no row
    // Woken by 2: both have the arrow.
    assert_int_equal(timeline_wakeups(&timeline, 1, 0, 50000).count, 1);
    assert_int_equal(timeline_wakeups(&timeline, 2, 0, 50000).count, 1);
    close_both();
    hand_free(&trace);
}

static void spans_and_marks(void **state)
{
    (void)state;
    HandTrace trace;
    hand_open(&trace, two_yaml);
    uint32_t render = hand_string(&trace, "render"), inner = hand_string(&trace, "inner");
    hand(&trace, 0, EVENT_TASK_CREATED, CORE_NONE, 1, 1, 1);
    hand(&trace, 0, EVENT_SWITCH_IN, 0, 1, 0, 0);
    hand(&trace, 3, EVENT_MARK, 0, 1, hand_string(&trace, "here"), 0);
    hand(&trace, 5, EVENT_SPAN_BEGIN, 0, 1, render, 1);
    hand(&trace, 7, EVENT_SPAN_BEGIN, 0, 1, inner, 2);
    hand(&trace, 9, EVENT_SPAN_END, 0, 1, inner, 2);
    hand(&trace, 12, EVENT_SPAN_END, 0, 1, render, 1);
    hand(&trace, 15, EVENT_SPAN_BEGIN, 0, 1, render, 3);
    hand(&trace, 20, EVENT_TASK_KILLED, 0, 1, KILL_REASON_EXIT, 0);
    hand(&trace, 20, EVENT_SWITCH_OUT, 0, 1, SWITCH_EXITED, 0);
    hand(&trace, 50, EVENT_RUN_END, CORE_NONE, 0, END_DONE, 0);
    open_hand(&trace);
    char expected[256];
    snprintf(expected, sizeof expected,
             "in no span 0 | in a span(%u) 5 | in a span(%u) 7 | in a span(%u) 9 | in no span 12 | "
             "in a span(%u) 15 | in no span 20",
             render, inner, render, render);
    EXPECT_ROW("spans of a", expected);
    const TimelineRow *a = timeline_task_row(&timeline, 1);
    assert_ptr_equal(row_named("spans of a"), a + 1); // below its thread
    TimelineItems marks = timeline_instants(&timeline, 1, 0, 50000);
    assert_int_equal(marks.count, 1);
    assert_int_equal(timeline.instants.at[marks.ids[0]].kind, INSTANT_MARK);
    assert_int_equal(timeline.instants.at[marks.ids[0]].time_ns, 3000);
    close_both();
    hand_free(&trace);
}

// The queue has 1 item from 10, 3 from 20, none from 40; the pipe 100 bytes from 5 and 60 from 25.
static void what_counts_has_levels(void **state)
{
    (void)state;
    HandTrace trace;
    hand_open(&trace, "title: Levels\n"
                      "queues: { jobs: 5, other: 5 }\n"
                      "pipes: [ first ]\n"
                      "threads: [ { name: a, run: [ { put: jobs }, { put: other },\n"
                      "  { write: { pipe: first, size: 100B } } ] } ]\n");
    hand(&trace, 0, EVENT_TASK_CREATED, CORE_NONE, 1, 1, 1);
    hand(&trace, 5, EVENT_PIPE_WRITTEN, 0, 1, 1, 100);
    hand(&trace, 10, EVENT_SYNC_LEVEL, 0, 1, 1, 1);
    hand(&trace, 20, EVENT_SYNC_LEVEL, 0, 1, 1, 2);
    hand(&trace, 20, EVENT_SYNC_LEVEL, 0, 1, 1, 3);
    hand(&trace, 25, EVENT_PIPE_READ, 0, 1, 1, 40);
    hand(&trace, 40, EVENT_SYNC_LEVEL, 0, 1, 1, 0);
    hand(&trace, 50, EVENT_RUN_END, CORE_NONE, 0, END_UNTIL, 0);
    open_hand(&trace);
    EXPECT_ROW("queue jobs", "level 0 | level(1) 10 | level(3) 20 | level 40");
    EXPECT_ROW("pipe first", "level 0 | level(100) 5 | level(60) 25");
    assert_int_equal(timeline.rows.count, 4); // core 0, and a
    const TimelineRow *jobs = row_named("queue jobs");
    assert_int_equal(jobs->level_most, 3);
    // 15 to 30: 5 us of 1 and 10 us of 3 are 35 in 15 us.
    assert_float_equal(timeline_level(&timeline, jobs, 15000, 30000), 35.0 / 15, 1e-12);
    assert_float_equal(timeline_level(&timeline, jobs, 20000, 20000), 3, 0);
    // Behind the end is nothing: 40 to 50, of which the level is 0.
    assert_float_equal(timeline_level(&timeline, jobs, 40000, 90000), 0, 0);
    close_both();
    hand_free(&trace);
}

// a: 0 user 10 kernel 20 user 30. Ten columns of 4 us, of which the last two are behind the end.
static void bins_say_what_a_column_holds(void **state)
{
    (void)state;
    HandTrace trace;
    hand_open(&trace, two_yaml);
    hand(&trace, 2, EVENT_TASK_CREATED, CORE_NONE, 1, 1, 1);
    hand(&trace, 2, EVENT_SWITCH_IN, 0, 1, 0, 0);
    hand(&trace, 9, EVENT_KERNEL_ENTER, 0, 1, SYSCALL_WRITE, 0);
    hand(&trace, 20, EVENT_KERNEL_EXIT, 0, 1, 0, 0);
    hand(&trace, 21, EVENT_KERNEL_ENTER, 0, 1, SYSCALL_WRITE, 0);
    hand(&trace, 22, EVENT_KERNEL_EXIT, 0, 1, 0, 0);
    hand(&trace, 30, EVENT_RUN_END, CORE_NONE, 0, END_UNTIL, 0);
    open_hand(&trace);
    const TimelineRow *a = row_named("a");
    TimelineBin bins[10];
    timeline_bins(&timeline, a, 0, 40000, 10, 0, 10, bins);
    const struct {
        size_t touched, interval;
        unsigned state;
        int64_t user_ns, kernel_ns;
    } expected[10] = {
        {1, 0, TASK_STATE_RUNNING_USER, 2000, 0}, // exists from 2 on
        {1, 0, TASK_STATE_RUNNING_USER, 4000, 0},
        {2, 1, TASK_STATE_RUNNING_KERNEL, 1000, 3000},
        {1, 1, TASK_STATE_RUNNING_KERNEL, 0, 4000},
        {1, 1, TASK_STATE_RUNNING_KERNEL, 0, 4000},
        {3, 2, TASK_STATE_RUNNING_USER, 3000, 1000}, // user 20, kernel 21, user 22
        {1, 4, TASK_STATE_RUNNING_USER, 4000, 0},
        {1, 4, TASK_STATE_RUNNING_USER, 2000, 0}, // the run ends at 30
    };
    for (int i = 0; i < 10; i++) {
        assert_int_equal(bins[i].touched, expected[i].touched);
        assert_int_equal(bins[i].ns[TASK_STATE_RUNNING_USER], expected[i].user_ns);
        assert_int_equal(bins[i].ns[TASK_STATE_RUNNING_KERNEL], expected[i].kernel_ns);
        if (bins[i].touched == 0)
            continue;
        assert_int_equal(bins[i].interval, expected[i].interval);
        assert_int_equal(bins[i].state, expected[i].state);
    }
    // 2 ns in ten columns: most have no length and show what is at their instant.
    timeline_bins(&timeline, a, 8999, 9001, 10, 0, 10, bins);
    for (int i = 0; i < 10; i++)
        assert_int_equal(bins[i].state,
                         i < 5 ? TASK_STATE_RUNNING_USER : TASK_STATE_RUNNING_KERNEL);
    close_both();
    hand_free(&trace);
}

// A run that takes no time: each event has a place. Created at the first, on its core at the third,
// off it at the fifth.
static void a_run_without_time(void **state)
{
    (void)state;
    HandTrace trace;
    hand_open(&trace, "machine: { cores: 1, costs: zero }\n"
                      "threads: [ { name: a, run: [ { compute: 1ms } ] } ]\n");
    hand(&trace, 0, EVENT_TASK_CREATED, CORE_NONE, 1, 1, created_pack(1, false, 0));
    hand(&trace, 0, EVENT_ENQUEUED, 0, 1, 0, 0);
    hand(&trace, 0, EVENT_SWITCH_IN, 0, 1, 0, 0);
    hand(&trace, 0, EVENT_MARK, 0, 1, 1, 0);
    hand(&trace, 0, EVENT_SWITCH_OUT, 0, 1, SWITCH_EXITED, 0);
    hand(&trace, 0, EVENT_RUN_END, CORE_NONE, 0, 0, 0);
    TraceFile file = {.records = trace.records.at, .count = trace.records.count};
    recording_of_file(&recording, &trace.scenario, &file);
    timeline_open(&timeline, &recording);
    assert_true(timeline.by_event);
    assert_int_equal(timeline.end_ns, 7);
    const TimelineRow *core = &timeline.rows.at[0], *a = timeline_task_row(&timeline, 1);
    assert_int_equal(core->intervals.count, 3); // idle, a's, idle
    assert_int_equal(core->intervals.at[1].begin_ns, 3);
    assert_int_equal(core->intervals.at[2].begin_ns, 5);
    assert_int_equal(a->intervals.at[0].begin_ns, 1);
    assert_int_equal(a->intervals.at[0].state, TASK_STATE_NOT_YET);
    assert_int_equal(a->intervals.at[a->intervals.count - 1].begin_ns, 5);
    assert_int_equal(a->intervals.at[a->intervals.count - 1].state, TASK_STATE_ENDED);
    assert_int_equal(timeline.instants.at[0].time_ns, 4);
    close_both();
    hand_free(&trace);
}

// t has l from 0 to 4 ms, main forks at 1 ms: the child's l stays t's, and the child waits for it.
// The child's r is never taken and has no row.
static void copies_have_rows_of_their_own(void **state)
{
    (void)state;
    Simulated forked;
    simulate(&forked, "machine: { cores: 4, costs: zero }\nlocks: { l: lock, r: lock }\n"
                      "semaphores: { s: 2 }\n"
                      "functions: { child: [ { compute: 1ms }, { acquire: s }, { lock: l } ] }\n"
                      "threads:\n"
                      "  - { name: t, run: [ { lock: l }, { compute: 4ms }, { unlock: l } ] }\n"
                      "  - { name: main, run: [ { sleep: 1ms }, { fork: child }, { lock: r }, "
                      "{ compute: 5ms } ] }\n");
    recording_of_memory(&recording, &forked.scenario, &forked.memory);
    timeline_open(&timeline, &recording);
    assert_int_equal(timeline.task_first - timeline.object_first, 4);
    EXPECT_ROW("lock l", "held(1) 0 | free 4000");
    EXPECT_ROW("lock child/l", "held(1) 1000 | held, others wait(1) 2000");
    EXPECT_ROW("lock r", "free 0 | held(2) 1000");
    EXPECT_ROW("semaphore child/s", "level(2) 1000 | level(1) 2000");
    // The same in another run of it.
    const TimelineRow *copy = row_named("lock child/l");
    assert_ptr_equal(timeline_like(&timeline, copy), copy);
    assert_ptr_equal(timeline_like(&timeline, row_named("lock l")), row_named("lock l"));
    close_both();
    simulated_free(&forked);
}

// The same scenario where a starts behind b: rows are found by name, not by number.
static void another_run_has_like_rows(void **state)
{
    (void)state;
    HandTrace trace, again;
    hand_open(&trace, two_yaml);
    hand(&trace, 0, EVENT_TASK_CREATED, CORE_NONE, 1, 1, 1);
    hand(&trace, 0, EVENT_TASK_CREATED, CORE_NONE, 2, 2, 1);
    hand(&trace, 1, EVENT_LOCK_TAKEN, CORE_NONE, 1, 2, 0);
    hand(&trace, 9, EVENT_RUN_END, CORE_NONE, 0, END_UNTIL, 0);
    hand_open(&again, two_yaml);
    again.scenario.machine.cores = 1;
    hand(&again, 0, EVENT_TASK_CREATED, CORE_NONE, 1, 2, 1);
    hand(&again, 0, EVENT_TASK_CREATED, CORE_NONE, 2, 1, 1);
    hand(&again, 1, EVENT_LOCK_TAKEN, CORE_NONE, 1, 1, 0);
    hand(&again, 1, EVENT_LOCK_TAKEN, CORE_NONE, 1, 2, 0);
    hand(&again, 9, EVENT_RUN_END, CORE_NONE, 0, END_UNTIL, 0);
    open_hand(&trace);
    Recording other_recording;
    Timeline other;
    TraceFile file = {.records = again.records.at, .count = again.records.count};
    recording_of_file(&other_recording, &again.scenario, &file);
    timeline_open(&other, &other_recording);

    assert_int_equal(timeline_like(&other, row_named("a"))->id, 2);
    assert_int_equal(timeline_like(&other, row_named("b"))->id, 1);
    assert_int_equal(timeline_like(&other, row_named("core 0"))->id, 0);
    assert_null(timeline_like(&other, row_named("core 1")));
    assert_int_equal(timeline_like(&other, row_named("lock other"))->id, 2);
    timeline_free(&other);
    recording_free(&other_recording);
    close_both();
    hand_free(&again);
    hand_free(&trace);
}

static void nothing_happens(void **state)
{
    (void)state;
    HandTrace trace;
    hand_open(&trace, two_yaml);
    open_hand(&trace);
    TimelineBin bins[4];
    timeline_bins(&timeline, &timeline.rows.at[0], 0, 100, 4, 0, 4, bins);
    assert_int_equal(bins[0].touched, 0);
    assert_int_equal(timeline_at(&timeline, &timeline.rows.at[0], 0), SIZE_MAX);
    close_both();
    hand_free(&trace);
}

// ---- properties

static RandomScenario scenario;
static Simulated run;
static uint64_t seed;
static const char *what; // the scenario's text, or its path

#define EXPECT(condition, ...)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            print_error(__VA_ARGS__);                                                              \
            fail_msg("\nseed %llu:\n%s", (unsigned long long)seed, what);                          \
        }                                                                                          \
    } while (0)

// What the metrics would have counted had the run ended at `time_ns`: the independent count that
// the sums are held against.
static void metrics_until(Metrics *metrics, int64_t time_ns)
{
    metrics_open(metrics, &run.scenario);
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        if (record->time_ns > time_ns || record->kind == EVENT_RUN_END)
            break;
        metrics_add(metrics, record, 1);
    }
    TraceRecord end = {
        .time_ns = time_ns, .kind = EVENT_RUN_END, .core = CORE_NONE, .a = END_UNTIL};
    metrics_add(metrics, &end, 1);
    metrics_finish(metrics, NULL);
}

static int64_t user_of(const int64_t *ns)
{
    return ns[TASK_STATE_RUNNING_USER] + ns[TASK_STATE_SPINNING];
}

static void expect_sums(int64_t from_ns, int64_t to_ns)
{
    static Metrics before, after;
    metrics_until(&before, from_ns);
    metrics_until(&after, to_ns);
    int64_t ns[TIMELINE_STATE_COUNT];
    for (uint32_t i = 0; i < run.scenario.machine.cores; i++) {
        const CoreMetrics *a = &before.cores[i], *b = &after.cores[i];
        timeline_sums(&timeline, &timeline.rows.at[i], from_ns, to_ns, ns);
        EXPECT(user_of(ns) == b->user_ns - a->user_ns &&
                   ns[TASK_STATE_RUNNING_KERNEL] == b->kernel_ns - a->kernel_ns &&
                   ns[TIMELINE_INTERRUPT] == b->interrupt_ns - a->interrupt_ns &&
                   ns[TIMELINE_IDLE] == b->idle_ns - a->idle_ns,
               "core %u from %lld to %lld", i, (long long)from_ns, (long long)to_ns);
    }
    for (uint32_t id = 1; id <= after.threads.id_max; id++) {
        const ThreadMetrics *a = metrics_thread(&before, id), *b = metrics_thread(&after, id);
        static const ThreadMetrics none;
        a = a != NULL ? a : &none;
        timeline_sums(&timeline, timeline_task_row(&timeline, id), from_ns, to_ns, ns);
        EXPECT(user_of(ns) == b->cpu_user_ns - a->cpu_user_ns &&
                   ns[TASK_STATE_RUNNING_KERNEL] == b->cpu_kernel_ns - a->cpu_kernel_ns &&
                   ns[TASK_STATE_RUNNABLE] == b->wait_ns - a->wait_ns,
               "thread %u from %lld to %lld: user %lld %lld kernel %lld %lld waits %lld %lld", id,
               (long long)from_ns, (long long)to_ns, (long long)user_of(ns),
               (long long)(b->cpu_user_ns - a->cpu_user_ns),
               (long long)ns[TASK_STATE_RUNNING_KERNEL],
               (long long)(b->cpu_kernel_ns - a->cpu_kernel_ns), (long long)ns[TASK_STATE_RUNNABLE],
               (long long)(b->wait_ns - a->wait_ns));
    }
    metrics_free(&before);
    metrics_free(&after);
}

// Intervals follow one another, none is empty, and neighbours differ.
static void expect_intervals(void)
{
    for (size_t r = 0; r < timeline.rows.count; r++) {
        const TimelineRow *row = &timeline.rows.at[r];
        for (size_t i = 0; i < row->intervals.count; i++) {
            const TimelineInterval *at = &row->intervals.at[i];
            EXPECT(at->begin_ns < timeline_interval_end(&timeline, row, i), "row %zu: empty %zu", r,
                   i);
            EXPECT(i == 0 || at->state != at[-1].state || at->subject != at[-1].subject,
                   "row %zu: %zu goes on as before", r, i);
            EXPECT(row->states >> at->state & 1, "row %zu: state %u", r, at->state);
        }
    }
}

// Objects are as the scene says.
static void expect_objects(const Scene *scene, int64_t time_ns)
{
    for (size_t i = timeline.object_first; i < timeline.task_first; i++) {
        const TimelineRow *row = &timeline.rows.at[i];
        size_t at = timeline_at(&timeline, row, time_ns);
        if (at == SIZE_MAX)
            continue;
        const TimelineInterval *interval = &row->intervals.at[at];
        if (row->place == PLACE_PIPE)
            EXPECT(interval->subject == scene->pipes[row->id - 1].bytes, "pipe %u", row->id);
        if (row->place == PLACE_MESSAGES)
            EXPECT(interval->subject == scene->messages[row->id - 1].count, "queue %u", row->id);
        if (row->place != PLACE_SYNC)
            continue;
        uint32_t number = row->process == 0
                              ? row->id
                              : instances_sync_of(&scene->instances, row->process, row->id);
        const SceneSync *sync = scene_sync(scene, number);
        if (row->kind == ROW_LEVEL)
            EXPECT(interval->subject == sync->level, "level of %u", row->id);
        else if (scene_coroutine(scene, sync->coroutine) != NULL)
            EXPECT((interval->state == TIMELINE_CONTENDED) == (sync->coroutines > 0) &&
                       interval->subject != 0,
                   "lock %u at %lld: held by a coroutine", row->id, (long long)time_ns);
        else if (sync->holder != 0)
            EXPECT(interval->subject == sync->holder &&
                       (interval->state == TIMELINE_CONTENDED) == (sync->waiting > 0),
                   "lock %u at %lld: held", row->id, (long long)time_ns);
        else
            EXPECT(interval->state == (sync->readers > 0 ? TIMELINE_READ : TIMELINE_FREE) &&
                       interval->subject == sync->readers,
                   "lock %u at %lld: free", row->id, (long long)time_ns);
    }
}

// A coroutine that runs is where its loop's thread is, also when that sleeps in its midst.
static void expect_coroutines(const Scene *scene, int64_t time_ns)
{
    for (size_t i = 0; i < timeline.rows.count; i++) {
        const TimelineRow *row = &timeline.rows.at[i];
        if (row->kind != ROW_COROUTINE)
            continue;
        const SceneCoroutine *coroutine = scene_coroutine(scene, row->id);
        size_t at = timeline_at(&timeline, row, time_ns);
        if (at == SIZE_MAX || coroutine == NULL || coroutine->state != COROUTINE_STATE_RUNNING)
            continue;
        uint32_t thread = scene->python.loops.at[coroutine->loop - 1].thread;
        EXPECT(row->intervals.at[at].state == scene_task(scene, thread)->state,
               "coroutine %u at %lld: %s", row->id, (long long)time_ns,
               timeline_state_word(row->intervals.at[at].state));
    }
}

// Every thread is in the state that the scene says, and has the core that the scene says.
static void expect_scene(int64_t time_ns)
{
    Scene scene;
    scene_open(&scene, &run.scenario);
    if (timeline.by_event) // as many have happened
        recording_seek(&recording, &scene,
                       (uint64_t)time_ns < recording.count ? (uint64_t)time_ns : recording.count);
    else
        recording_seek_time(&recording, &scene, time_ns);
    expect_objects(&scene, time_ns);
    expect_coroutines(&scene, time_ns);
    for (uint32_t id = 1; id <= scene.tasks.count; id++) {
        const SceneTask *task = scene_task(&scene, id);
        const TimelineRow *row = timeline_task_row(&timeline, id);
        size_t at = row == NULL ? SIZE_MAX : timeline_at(&timeline, row, time_ns);
        if (at == SIZE_MAX)
            continue;
        const TimelineInterval *interval = &row->intervals.at[at];
        // One that was killed while it ran has its core until it is switched out.
        bool runs = task->core >= 0 && scene.cores[task->core].task == id;
        if (interval->state == TIMELINE_INTERRUPT)
            EXPECT(runs && scene_core_interrupted(&scene, (uint32_t)task->core), "interrupt");
        else
            EXPECT(interval->state == task->state || (runs && task->state == TASK_STATE_ENDED),
                   "thread %u at %lld: %s, not %s", id, (long long)time_ns,
                   timeline_state_word(interval->state), task_state_word(task->state));
        if (runs)
            EXPECT(interval->subject == (uint32_t)task->core + 1, "thread %u: core", id);
    }
    scene_free(&scene);
}

// The bin as a walk over all intervals of the row gives it.
static TimelineBin slow_bin(const TimelineRow *row, int64_t from_ns, int64_t to_ns)
{
    TimelineBin bin = {.touched = 0};
    int64_t longest = -1;
    for (size_t i = 0; i < row->intervals.count; i++) {
        int64_t begin = row->intervals.at[i].begin_ns;
        int64_t end = timeline_interval_end(&timeline, row, i);
        bool meets =
            from_ns < to_ns ? begin < to_ns && end > from_ns : begin <= from_ns && from_ns < end;
        if (!meets)
            continue;
        int64_t ns = (end < to_ns ? end : to_ns) - (begin > from_ns ? begin : from_ns);
        bin.ns[row->intervals.at[i].state] += ns;
        if (bin.touched++ < 2 && ns > longest) {
            longest = ns;
            bin.interval = i;
        }
    }
    for (unsigned i = 1; i < TIMELINE_STATE_COUNT; i++)
        if (bin.ns[i] > bin.ns[bin.state])
            bin.state = (uint8_t)i;
    if (bin.touched == 1 || bin.touched == 2)
        bin.state = row->intervals.at[bin.interval].state;
    return bin;
}

static void expect_bins(int64_t from_ns, int64_t to_ns, size_t of, size_t first, size_t count)
{
    enum { MOST = 256 };
    static TimelineBin bins[MOST];
    for (size_t r = 0; r < timeline.rows.count; r++) {
        const TimelineRow *row = &timeline.rows.at[r];
        timeline_bins(&timeline, row, from_ns, to_ns, of, first, count, bins);
        for (size_t i = 0; i < count; i++) {
            TimelineBin slow = slow_bin(row, timeline_bin_ns(from_ns, to_ns, of, first + i),
                                        timeline_bin_ns(from_ns, to_ns, of, first + i + 1));
            EXPECT(memcmp(slow.ns, bins[i].ns, sizeof slow.ns) == 0 &&
                       slow.touched == bins[i].touched &&
                       (slow.touched == 0 || slow.state == bins[i].state) &&
                       (slow.touched == 0 || slow.touched > 2 || slow.interval == bins[i].interval),
                   "row %zu, bin %zu of %zu in %lld .. %lld: %zu intervals, not %zu", r, first + i,
                   of, (long long)from_ns, (long long)to_ns, bins[i].touched, slow.touched);
        }
    }
}

// The mean as a walk over all intervals gives it, to what doubles can tell.
static void expect_levels(int64_t from_ns, int64_t to_ns)
{
    for (size_t i = timeline.object_first; i < timeline.task_first; i++) {
        const TimelineRow *row = &timeline.rows.at[i];
        double sum = 0, ns = 0;
        for (size_t k = 0; row->kind == ROW_LEVEL && k < row->intervals.count; k++) {
            int64_t begin = row->intervals.at[k].begin_ns;
            int64_t end = timeline_interval_end(&timeline, row, k);
            begin = begin > from_ns ? begin : from_ns;
            end = end < to_ns ? end : to_ns;
            if (begin >= end)
                continue;
            sum += (double)row->intervals.at[k].subject * (double)(end - begin);
            ns += (double)(end - begin);
        }
        if (ns <= 0)
            continue;
        double mean = timeline_level(&timeline, row, from_ns, to_ns), error = mean - sum / ns;
        EXPECT(error < 1e-6 * row->level_most && error > -1e-6 * row->level_most,
               "level of %u: %g, not %g", row->id, mean, sum / ns);
    }
}

static void expect_random_zooms(Rng *rng)
{
    for (int i = 0; i < 6; i++) {
        uint64_t end = (uint64_t)timeline.end_ns + 2;
        int64_t from = (int64_t)rng_below(rng, end);
        int64_t to = (int64_t)rng_below(rng, end + end / 4);
        if (i % 2 == 1) // close by
            to = from + (int64_t)rng_below(rng, 1 + end / 64);
        if (to < from) {
            int64_t swap = from;
            from = to;
            to = swap;
        }
        size_t of = 1 + (size_t)rng_below(rng, 200);
        size_t first = (size_t)rng_below(rng, of);
        size_t count = 1 + (size_t)rng_below(rng, of - first);
        expect_bins(from, to, of, first, count);
        if (i == 0 && to <= recording.end_ns && !timeline.by_event)
            expect_sums(from, to);
        expect_scene(from);
        expect_levels(from, to);
    }
}

static void expect_all(void)
{
    recording_of_memory(&recording, &run.scenario, &run.memory);
    timeline_open(&timeline, &recording);
    Rng rng = rng_make(seed, 1);
    expect_intervals();
    expect_sums(0, recording.end_ns);
    expect_random_zooms(&rng);
    close_both();
}

static void random_scenarios(void **state)
{
    (void)state;
    const char *seeds = getenv("RINGSIDE_SEEDS");
    uint64_t count = seeds != NULL ? strtoull(seeds, NULL, 10) : 400;
    for (seed = 1; seed <= count; seed++) {
        random_scenario(&scenario, seed);
        what = scenario.yaml;
        simulate(&run, scenario.yaml);
        expect_all();
        simulated_free(&run);
    }
}

static void shipped_scenarios(void **state)
{
    (void)state;
    glob_t paths;
    shipped_paths(&paths);
    for (size_t i = 0; i < paths.gl_pathc; i++) {
        what = paths.gl_pathv[i];
        char *text = shipped_text(what);
        simulate(&run, text);
        recording_of_memory(&recording, &run.scenario, &run.memory);
        timeline_open(&timeline, &recording);
        expect_intervals();
        expect_sums(0, recording.end_ns);
        expect_sums(recording.end_ns / 3, recording.end_ns / 2);
        expect_scene(recording.end_ns / 3);
        expect_levels(recording.end_ns / 3, recording.end_ns / 2);
        close_both();
        simulated_free(&run);
        free(text);
    }
    globfree(&paths);
}

// Records that mean nothing together harm nobody, and what is true of intervals stays so.
static void damaged_traces(void **state)
{
    (void)state;
    static const char forks[] =
        "machine: { cores: 2 }\nlocks: { l: lock, r: rwlock }\nsemaphores: { s: 2 }\n"
        "functions: { child: [ { with: { lock: l, do: [] } } ] }\n"
        "threads: [ { name: a, run: [ { fork: child }, { exec: child } ] } ]\n";
    for (seed = 1; seed <= 100; seed++) {
        HandTrace trace;
        what = seed % 2 == 0 ? two_yaml : forks;
        hand_open(&trace, what);
        hand_random(&trace, seed, 2000);
        open_hand(&trace);
        expect_intervals();
        expect_bins(0, recording.end_ns, 100, 0, 100);
        close_both();
        hand_free(&trace);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_and_its_core),
        cmocka_unit_test(interrupts_take_their_time_from_both),
        cmocka_unit_test(locks_say_who_holds_them),
        cmocka_unit_test(spans_and_marks),
        cmocka_unit_test(what_counts_has_levels),
        cmocka_unit_test(bins_say_what_a_column_holds),
        cmocka_unit_test(a_run_without_time),
        cmocka_unit_test(copies_have_rows_of_their_own),
        cmocka_unit_test(another_run_has_like_rows),
        cmocka_unit_test(nothing_happens),
        cmocka_unit_test(random_scenarios),
        cmocka_unit_test(shipped_scenarios),
        cmocka_unit_test(damaged_traces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
