// Metrics over traces written by hand. Times are in microseconds unless a test says otherwise; the
// sums are worked out in the comments.
#include "hand_trace.h"
#include "simulate.h"

#include "sim/analysis/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define US 1000

static const char two_threads[] = "title: By hand\n"
                                  "machine: { cores: 1 }\n"
                                  "processes:\n"
                                  "  - name: app\n"
                                  "    locks: { cache: lock }\n"
                                  "    threads:\n"
                                  "      - name: a\n"
                                  "        run: [ { compute: 1ms } ]\n"
                                  "      - name: b\n"
                                  "        count: 2\n"
                                  "        run:\n"
                                  "          - span: { name: render, do: [ { compute: 1ms } ] }\n"
                                  "          - mark: pass\n"
                                  "          - mark: never\n"
                                  "          - print: one\n"
                                  "          - print: two\n"
                                  "          - with: { lock: cache, do: [ { compute: 1ms } ] }\n"
                                  "      - name: d\n"
                                  "        daemon: true\n"
                                  "        run: [ { compute: 1ms } ]\n";

enum { A = 1, B = 2, D = 3 }; // ThreadDefIds

static void fold(Metrics *metrics, const HandTrace *trace)
{
    metrics_open(metrics, &trace->scenario);
    // In pieces, as a trace hands them over.
    for (size_t at = 0; at < trace->records.count; at += 3) {
        size_t left = trace->records.count - at;
        assert_true(
            metrics->sink.write(&metrics->sink, &trace->records.at[at], left < 3 ? left : 3));
    }
    metrics_finish(metrics, NULL);
}

static int64_t core_sum(const CoreMetrics *core)
{
    return core->user_ns + core->kernel_ns + core->interrupt_ns + core->idle_ns;
}

// A: switched to at 0 (1 us of kernel), user 1..11, an interrupt of 3 us at 11, preempted at 14.
// B: switched to at 14 (1 us), user 15..25, exit call 25..27. A again at 27 (1 us), user 28..38.
// The run ends at 40.
//   A: user 10 + 10 = 20, kernel 1 + 1 = 2, wait 14..27 = 13; 20 + 2 + 13 + 3 of interrupt = 38,
//      its turnaround.
//   B: response 14 = wait, user 10, kernel 1 + 2 = 3; 14 + 10 + 3 = 27.
//   Core: user 30, kernel 5, interrupt 3, idle 2: 40. Busy 38 / 40 = 0.95. Makespan 38.
static void test_two_tasks_and_an_interrupt(void **state)
{
    (void)state;
    HandTrace t;
    hand_open(&t, two_threads);
    hand(&t, 0, EVENT_TASK_CREATED, -1, 1, A, 1);
    hand(&t, 0, EVENT_ENQUEUED, 0, 1, 0, 0);
    hand(&t, 0, EVENT_TASK_CREATED, -1, 2, B, 1);
    hand(&t, 0, EVENT_ENQUEUED, 0, 2, 0, 0);
    hand(&t, 0, EVENT_SWITCH_IN, 0, 1, 1, 0);
    hand(&t, 1, EVENT_KERNEL_EXIT, 0, 1, 0, 0);
    hand(&t, 11, EVENT_IRQ, 0, 1, IRQ_TICK, 3 * US);
    hand(&t, 14, EVENT_SWITCH_OUT, 0, 1, SWITCH_PREEMPTED_TICK, 0);
    hand(&t, 14, EVENT_ENQUEUED, 0, 1, 0, 0); // says what the switch said
    hand(&t, 14, EVENT_SWITCH_IN, 0, 2, 1, 0);
    hand(&t, 15, EVENT_KERNEL_EXIT, 0, 2, 0, 0);
    hand(&t, 25, EVENT_KERNEL_ENTER, 0, 2, SYSCALL_EXIT, 0);
    hand(&t, 27, EVENT_TASK_EXITED, 0, 2, 0, 0);
    hand(&t, 27, EVENT_SWITCH_OUT, 0, 2, SWITCH_EXITED, 0);
    hand(&t, 27, EVENT_SWITCH_IN, 0, 1, 1, 0);
    hand(&t, 28, EVENT_KERNEL_EXIT, 0, 1, 0, 0);
    hand(&t, 38, EVENT_TASK_EXITED, 0, 1, 0, 0);
    hand(&t, 38, EVENT_SWITCH_OUT, 0, 1, SWITCH_EXITED, 0);
    hand(&t, 40, EVENT_RUN_END, -1, 0, END_DONE, 0);

    Metrics m;
    fold(&m, &t);
    const ThreadMetrics *a = metrics_thread(&m, 1), *b = metrics_thread(&m, 2);
    assert_int_equal(a->first_ns - a->start_ns, 0);
    assert_int_equal(a->end_ns - a->start_ns, 38 * US);
    assert_int_equal(a->wait_ns, 13 * US);
    assert_int_equal(a->cpu_user_ns, 20 * US);
    assert_int_equal(a->cpu_kernel_ns, 2 * US);
    assert_int_equal(a->switches_forced, 1);
    assert_int_equal(a->switches_voluntary, 0); // its end is none
    assert_int_equal(b->first_ns - b->start_ns, 14 * US);
    assert_int_equal(b->end_ns - b->start_ns, 27 * US);
    assert_int_equal(b->wait_ns, 14 * US);
    assert_int_equal(b->cpu_user_ns, 10 * US);
    assert_int_equal(b->cpu_kernel_ns, 3 * US);
    assert_int_equal(b->switches_forced + b->switches_voluntary, 0);
    assert_null(metrics_thread(&m, 0));
    assert_null(metrics_thread(&m, 3));
    const CoreMetrics *core = &m.cores[0];
    assert_int_equal(core->user_ns, 30 * US);
    assert_int_equal(core->kernel_ns, 5 * US);
    assert_int_equal(core->interrupt_ns, 3 * US);
    assert_int_equal(core->idle_ns, 2 * US);
    assert_int_equal(core->switches, 3);
    assert_int_equal(core->interrupts, 1);
    assert_true(metrics_utilization(&m, 0) == 0.95);
    assert_int_equal(metrics_makespan_ns(&m), 38 * US);
    assert_int_equal(m.records, 19);
    metrics_free(&m);
    hand_free(&t);
}

// Interrupts of 5 us at 0 and 4 us at 3 have the core until 9. A has it from 2, enters the kernel
// at 8, leaves it at 12; an interrupt of 4 us at 19 lasts beyond A's end at 20, until 23; the run
// ends at 30.
//   Interrupt 9 + 4 = 13; A: kernel 9..12 = 3, user 12..19 = 7; idle 23..30 = 7; 13 + 3 + 7 + 7
//   = 30.
static void test_stacked_interrupts(void **state)
{
    (void)state;
    HandTrace t;
    hand_open(&t, two_threads);
    hand(&t, 0, EVENT_TASK_CREATED, -1, 1, A, 1);
    hand(&t, 0, EVENT_IRQ, 0, 0, IRQ_TIMER, 5 * US);
    hand(&t, 2, EVENT_SWITCH_IN, 0, 1, 0, 0);
    hand(&t, 3, EVENT_IRQ, 0, 1, IRQ_TICK, 4 * US);
    hand(&t, 8, EVENT_KERNEL_ENTER, 0, 1, SYSCALL_WRITE, 0);
    hand(&t, 12, EVENT_KERNEL_EXIT, 0, 1, 0, 0);
    hand(&t, 19, EVENT_IRQ, 0, 1, IRQ_TICK, 4 * US);
    hand(&t, 20, EVENT_TASK_EXITED, 0, 1, 0, 0);
    hand(&t, 20, EVENT_SWITCH_OUT, 0, 1, SWITCH_EXITED, 0);
    hand(&t, 30, EVENT_RUN_END, -1, 0, END_DONE, 0);
    Metrics m;
    fold(&m, &t);
    assert_int_equal(m.cores[0].interrupt_ns, 13 * US);
    assert_int_equal(m.cores[0].user_ns, 7 * US);
    assert_int_equal(m.cores[0].kernel_ns, 3 * US);
    assert_int_equal(m.cores[0].idle_ns, 7 * US);
    assert_int_equal(metrics_thread(&m, 1)->cpu_user_ns, 7 * US);
    assert_int_equal(metrics_thread(&m, 1)->cpu_kernel_ns, 3 * US);
    metrics_free(&m);
    hand_free(&t);
}

// A yields at 10 (runnable again at once), has the core again at 15, sleeps at 20, is woken at 30
// and enqueued at 31, runs at 36 and goes on beyond the end at 50. D is a daemon, enqueued at 0,
// and is never run.
//   A: wait 5 + (36 - 31) = 10; wake latency 36 - 30 = 6; user 10 + 5 + 14 = 29; two voluntary
//   switches. D: wait 50, no response, no end. `until` ended the run: makespan 50.
//   Idle 10..15 and 20..36: 21; 29 + 21 = 50.
static void test_waits_and_the_end(void **state)
{
    (void)state;
    HandTrace t;
    hand_open(&t, two_threads);
    hand(&t, 0, EVENT_TASK_CREATED, -1, 1, A, 1);
    hand(&t, 0, EVENT_TASK_CREATED, -1, 2, D, 1);
    hand(&t, 0, EVENT_ENQUEUED, 0, 2, 0, 0);
    hand(&t, 0, EVENT_WAKEUP, 0, 1, 0, 0); // its creation: no wake-up that counts
    hand(&t, 0, EVENT_SWITCH_IN, 0, 1, 0, 0);
    hand(&t, 10, EVENT_SWITCH_OUT, 0, 1, SWITCH_YIELDED, 0);
    hand(&t, 15, EVENT_SWITCH_IN, 0, 1, 0, 0);
    hand(&t, 20, EVENT_SWITCH_OUT, 0, 1, SWITCH_BLOCKED_SLEEP, 0);
    hand(&t, 30, EVENT_WAKEUP, 0, 1, 0, 1);
    hand(&t, 31, EVENT_MIGRATED, 0, 1, 1, MIGRATION_WAKEUP);
    hand(&t, 31, EVENT_ENQUEUED, 0, 1, 0, 0);
    hand(&t, 36, EVENT_SWITCH_IN, 0, 1, 0, 0);
    hand(&t, 50, EVENT_RUN_END, -1, 0, END_UNTIL, 0);
    hand(&t, 60, EVENT_SWITCH_OUT, 0, 1, SWITCH_YIELDED, 0); // behind the end: not of this run
    Metrics m;
    fold(&m, &t);
    const ThreadMetrics *a = metrics_thread(&m, 1), *d = metrics_thread(&m, 2);
    assert_int_equal(a->wait_ns, 10 * US);
    assert_int_equal(a->cpu_user_ns, 29 * US);
    assert_int_equal(a->switches_voluntary, 2);
    assert_int_equal(a->migrations, 1);
    assert_int_equal(a->wakeups, 1);
    assert_int_equal(a->end_ns, -1);
    assert_int_equal(m.wakes[A].total, 1);
    assert_int_equal(m.wakes[A].max, 6 * US);
    assert_int_equal(d->wait_ns, 50 * US);
    assert_int_equal(d->first_ns, -1);
    assert_int_equal(m.cores[0].idle_ns, 21 * US);
    assert_int_equal(core_sum(&m.cores[0]), 50 * US);
    assert_int_equal(metrics_makespan_ns(&m), 50 * US);
    metrics_free(&m);
    hand_free(&t);
}

// A is woken at 9 and enqueued at once while it is still leaving its core for a lock, which it does
// at 10; it waits from then to 12, and its wake-up took from 9 to 12.
static void test_woken_while_leaving(void **state)
{
    (void)state;
    HandTrace t;
    hand_open(&t, two_threads);
    hand(&t, 0, EVENT_TASK_CREATED, -1, 1, A, 1);
    hand(&t, 0, EVENT_SWITCH_IN, 0, 1, 0, 0);
    hand(&t, 9, EVENT_WAKEUP, 0, 1, 0, 1);
    hand(&t, 9, EVENT_ENQUEUED, 0, 1, 0, 0);
    hand(&t, 10, EVENT_SWITCH_OUT, 0, 1, SWITCH_BLOCKED_LOCK, 1);
    hand(&t, 12, EVENT_SWITCH_IN, 0, 1, 0, 0);
    hand(&t, 20, EVENT_SWITCH_OUT, 0, 1, SWITCH_BLOCKED_LOCK, 1); // this time nobody wakes it
    hand(&t, 30, EVENT_RUN_END, -1, 0, END_UNTIL, 0);
    Metrics m;
    fold(&m, &t);
    assert_int_equal(metrics_thread(&m, 1)->wait_ns, 2 * US);
    assert_int_equal(metrics_thread(&m, 1)->switches_voluntary, 2);
    assert_int_equal(m.wakes[A].total, 1);
    assert_int_equal(m.wakes[A].max, 3 * US);
    metrics_free(&m);
    hand_free(&t);
}

// The makespan is the last end of a thread that is no daemon (at 20), though the run ends at 25; a
// daemon that is killed in a run queue has waited until then (5..20 = 15) and has an end.
static void test_makespan_and_daemons(void **state)
{
    (void)state;
    HandTrace t;
    hand_open(&t, two_threads);
    hand(&t, 0, EVENT_TASK_CREATED, -1, 1, A, 1);
    hand(&t, 0, EVENT_SWITCH_IN, 0, 1, 0, 0);
    hand(&t, 5, EVENT_TASK_CREATED, -1, 2, D, created_pack(1, true, 1));
    hand(&t, 5, EVENT_ENQUEUED, 0, 2, 0, 0);
    hand(&t, 20, EVENT_TASK_EXITED, 0, 1, 0, 0);
    hand(&t, 20, EVENT_TASK_KILLED, 0, 2, 0, 0);
    hand(&t, 20, EVENT_SWITCH_OUT, 0, 1, SWITCH_EXITED, 0);
    hand(&t, 25, EVENT_RUN_END, -1, 0, END_DONE, 0);
    Metrics m;
    fold(&m, &t);
    assert_int_equal(metrics_makespan_ns(&m), 20 * US);
    assert_int_equal(metrics_thread(&m, 2)->end_ns, 20 * US);
    assert_int_equal(metrics_thread(&m, 2)->wait_ns, 15 * US);
    metrics_free(&m);

    // The same trace cut off before its end: what is known ends with the last record.
    t.records.count -= 3;
    fold(&m, &t);
    assert_int_equal(m.end, END_LIMIT);
    assert_int_equal(metrics_makespan_ns(&m), 20 * US);
    assert_int_equal(core_sum(&m.cores[0]), 20 * US);
    metrics_free(&m);
    hand_free(&t);
}

// A holds the lock 0..10 and 30..35; b-1 wants it at 4, is woken at 10, finds it taken by b-2
// (10..12), and has it 12..20.
//   Holds 10, 2, 8, 5: mean 25 / 4 = 6.25. Waits: b-1 from 4 to 12, 8; the second LOCK_WAIT is the
//   same wait. The hold of A that the end of the run cuts off is none.
static void test_locks(void **state)
{
    (void)state;
    HandTrace t;
    hand_open(&t, two_threads);
    hand(&t, 0, EVENT_TASK_CREATED, -1, 1, A, 1);
    hand(&t, 0, EVENT_TASK_CREATED, -1, 2, B, 1);
    hand(&t, 0, EVENT_TASK_CREATED, -1, 3, B, 2);
    hand(&t, 0, EVENT_LOCK_TAKEN, 0, 1, 1, 0);
    hand(&t, 4, EVENT_LOCK_WAIT, 0, 2, 1, 1);
    hand(&t, 10, EVENT_LOCK_RELEASED, 0, 1, 1, 0);
    hand(&t, 10, EVENT_LOCK_TAKEN, 0, 3, 1, 0);
    hand(&t, 11, EVENT_LOCK_WAIT, 0, 2, 1, 3);
    hand(&t, 12, EVENT_LOCK_RELEASED, 0, 3, 1, 0);
    hand(&t, 12, EVENT_LOCK_TAKEN, 0, 2, 1, 0);
    hand(&t, 20, EVENT_LOCK_RELEASED, 0, 2, 1, 0);
    hand(&t, 30, EVENT_LOCK_TAKEN, 0, 1, 1, 0);
    hand(&t, 35, EVENT_LOCK_RELEASED, 0, 1, 1, 0);
    hand(&t, 40, EVENT_LOCK_TAKEN, 0, 1, 1, 0);
    hand(&t, 50, EVENT_RUN_END, -1, 0, END_LIMIT, LIMIT_EVENTS);
    Metrics m;
    fold(&m, &t);
    SamplesSummary holds = samples_summary(&m.syncs[1].holds);
    SamplesSummary waits = samples_summary(&m.syncs[1].waits);
    assert_int_equal(holds.count, 4);
    assert_int_equal(holds.mean, 6250);
    assert_int_equal(holds.p50, 5 * US); // 2 5 8 10: the 2nd of 4
    assert_int_equal(holds.max, 10 * US);
    assert_int_equal(waits.count, 1);
    assert_int_equal(waits.max, 8 * US);
    metrics_free(&m);
    hand_free(&t);
}

// Spans of b-1 and b-2 one within another and side by side; one that its thread's end cuts short
// does not count, nor does an end without a beginning.
//   Latencies: serial 2 (b-1, within 1) 3..5 = 2; serial 1 0..9 = 9; serial 3 (b-2) 4..8 = 4.
//   Mean 15 / 3 = 5. Two marks. The run is 10 us long: 3 spans are 300,000 a second.
static void test_spans_and_marks(void **state)
{
    (void)state;
    HandTrace t;
    hand_open(&t, two_threads);
    uint32_t render = hand_string(&t, "render"), pass = hand_string(&t, "pass");
    hand(&t, 0, EVENT_TASK_CREATED, -1, 1, B, 1);
    hand(&t, 0, EVENT_TASK_CREATED, -1, 2, B, 2);
    hand(&t, 0, EVENT_SPAN_BEGIN, 0, 1, render, 1);
    hand(&t, 3, EVENT_SPAN_BEGIN, 0, 1, render, 2);
    hand(&t, 4, EVENT_SPAN_BEGIN, 0, 2, render, 3);
    hand(&t, 5, EVENT_SPAN_END, 0, 1, render, 2);
    hand(&t, 6, EVENT_MARK, 0, 1, pass, 0);
    hand(&t, 6, EVENT_SPAN_END, 0, 1, render, 77);
    hand(&t, 7, EVENT_MARK, 0, 2, pass, 0);
    hand(&t, 8, EVENT_SPAN_END, 0, 2, render, 3);
    hand(&t, 8, EVENT_SPAN_BEGIN, 0, 2, render, 4);
    hand(&t, 9, EVENT_SPAN_END, 0, 1, render, 1);
    hand(&t, 9, EVENT_PRINT, 0, 1, hand_string(&t, "two"), 0);
    hand(&t, 9, EVENT_PRINT, 0, 1, hand_string(&t, "one"), 0);
    hand(&t, 10, EVENT_TASK_EXITED, 0, 2, 0, 0);
    hand(&t, 10, EVENT_TASK_EXITED, 0, 1, 0, 0);
    hand(&t, 10, EVENT_RUN_END, -1, 0, END_DONE, 0);
    Metrics m;
    fold(&m, &t);
    assert_int_equal(m.names.count, 3); // render, pass, never
    const NameMetrics *span = &m.names.at[m.name_of[render] - 1];
    const NameMetrics *mark = &m.names.at[m.name_of[pass] - 1];
    const NameMetrics *never = &m.names.at[m.name_of[hand_string(&t, "never")] - 1];
    assert_true(span->is_span && !span->is_mark && mark->is_mark && never->is_mark);
    SamplesSummary latency = samples_summary(&span->latency);
    assert_int_equal(latency.count, 3);
    assert_int_equal(latency.mean, 5 * US);
    assert_int_equal(latency.p50, 4 * US);
    assert_int_equal(latency.max, 9 * US);
    assert_int_equal(mark->passages, 2);
    assert_int_equal(never->passages, 0);
    double rate = metrics_throughput(&m, latency.count);
    assert_true(rate > 299999.999 && rate < 300000.001);
    ExpectSource source = metrics_expect_source(&m);
    const char *const *lines;
    assert_int_equal(source.texts(source.context, &lines), 2);
    assert_string_equal(lines[0], "two");
    assert_string_equal(lines[1], "one");
    metrics_free(&m);
    hand_free(&t);
}

// 1..100: the nearest ranks are the percentages themselves; the mean 50.5 is rounded up.
static void test_percentiles(void **state)
{
    (void)state;
    Samples samples = {0};
    for (int64_t i = 0; i < 100; i++)
        samples_add(&samples, 1 + i * 37 % 100, 0); // 37 and 100 have no common factor: all of them
    SamplesSummary s = samples_summary(&samples);
    assert_int_equal(s.count, 100);
    assert_int_equal(s.mean, 51);
    assert_int_equal(s.p50, 50);
    assert_int_equal(s.p90, 90);
    assert_int_equal(s.p99, 99);
    assert_int_equal(s.max, 100);
    samples_free(&samples);
    // One sample is every percentile.
    samples_add(&samples, 7, 0);
    s = samples_summary(&samples);
    assert_int_equal(s.p50 + s.p90 + s.p99 + s.max + s.mean, 5 * 7);
    samples_free(&samples);
}

// Four times as many samples as are kept, a ramp 1 .. N: count, mean and greatest are exact, the
// percentiles within four standard errors of rank, 4 sqrt(0.25 / 2^20) = 0.2 % at the median.
static void test_reservoir(void **state)
{
    (void)state;
    Samples samples = {.owned = true};
    int64_t n = 4 * (int64_t)SAMPLES_MAX;
    for (int64_t i = 1; i <= n; i++)
        samples_add(&samples, i, (uint32_t)(1 + i % 2));
    assert_int_equal(samples.kept, SAMPLES_MAX);
    SamplesSummary s = samples_summary(&samples);
    assert_int_equal(s.count, n);
    assert_int_equal(s.mean, (n + 1 + 1) / 2); // (n + 1) / 2, rounded up from a half
    assert_int_equal(s.max, n);
    assert_in_range(s.p50, n / 2 - n / 500, n / 2 + n / 500);
    assert_in_range(s.p99, n * 99 / 100 - n / 2500, n * 99 / 100 + n / 2500);
    double *values = malloc(SAMPLES_MAX * sizeof *values), least = 1e18, greatest = 0;
    assert_int_equal(samples_values(&samples, 0, values), SAMPLES_MAX);
    for (int i = 0; i < SAMPLES_MAX; i++) {
        least = values[i] < least ? values[i] : least;
        greatest = values[i] > greatest ? values[i] : greatest;
    }
    assert_true(least == 1 && greatest == (double)n);
    // Half of them are of each owner: 2^19, four standard deviations of sqrt(2^20) / 2 = 512.
    size_t of_one = samples_values(&samples, 1, values);
    assert_in_range(of_one, (1 << 19) - 2048, (1 << 19) + 2048);
    free(values);
    samples_free(&samples);
}

static const char expecting[] = "title: By hand\n"
                                "machine: { cores: 2 }\n"
                                "processes:\n"
                                "  - name: app\n"
                                "    locks: { cache: lock }\n"
                                "    threads:\n"
                                "      - name: a\n"
                                "        count: 2\n"
                                "        run:\n"
                                "          - span: { name: render, do: [ { compute: 1ms } ] }\n"
                                "          - mark: pass\n"
                                "          - print: hello\n"
                                "expect:\n"
                                "  - makespan == 20us\n"
                                "  - utilization(core 0) == 1\n"
                                "  - utilization(core 0) + utilization(core 1) == 1\n"
                                "  - turnaround(a).max == 20us\n"
                                "  - turnaround(a-1) == 10us\n"
                                "  - finish(a-2) == 20us\n"
                                "  - response(a).mean == 5us\n"
                                "  - wait(a).sum == 10us\n"
                                "  - cpu(a).min == 10us\n"
                                "  - switches_forced(a).sum == 0\n"
                                "  - count(render) == 1\n"
                                "  - latency(render) == 8us\n"
                                "  - count(pass) == 0\n"
                                "  - throughput(render) == 50000/s\n"
                                "  - printed == [\"hello\"]\n"
                                "  - deadlocked == 0\n"
                                "  - makespan < 20us\n"
                                "  - lock_wait(cache).max < 1s\n";

// a-1 has core 0 from 0 to 10, a-2 from 10 to 20. One span of 8 us: 1 / 20 us = 50,000 a second.
// All lines hold but the last two: a wrong one, and one about waits that never were.
static void test_expectations(void **state)
{
    (void)state;
    HandTrace t;
    hand_open(&t, expecting);
    uint32_t render = hand_string(&t, "render");
    hand(&t, 0, EVENT_TASK_CREATED, -1, 1, A, 1);
    hand(&t, 0, EVENT_TASK_CREATED, -1, 2, A, 2);
    hand(&t, 0, EVENT_ENQUEUED, 0, 2, 0, 0);
    hand(&t, 0, EVENT_SWITCH_IN, 0, 1, 0, 0);
    hand(&t, 1, EVENT_SPAN_BEGIN, 0, 1, render, 1);
    hand(&t, 9, EVENT_SPAN_END, 0, 1, render, 1);
    hand(&t, 9, EVENT_PRINT, 0, 1, hand_string(&t, "hello"), 0);
    hand(&t, 10, EVENT_TASK_EXITED, 0, 1, 0, 0);
    hand(&t, 10, EVENT_SWITCH_OUT, 0, 1, SWITCH_EXITED, 0);
    hand(&t, 10, EVENT_SWITCH_IN, 0, 2, 0, 0);
    hand(&t, 20, EVENT_TASK_EXITED, 0, 2, 0, 0);
    hand(&t, 20, EVENT_SWITCH_OUT, 0, 2, SWITCH_EXITED, 0);
    hand(&t, 20, EVENT_RUN_END, -1, 0, END_DONE, 0);
    Metrics m;
    fold(&m, &t);
    ExpectSource source = metrics_expect_source(&m);
    Arena arena = {0};
    const Scenario *s = &t.scenario;
    for (uint32_t i = 0; i < s->expect_count; i++) {
        const char *found = "";
        bool holds = expect_holds(s, &s->expects[i], &source, &arena, &found);
        if (holds != (i + 2 < s->expect_count))
            fail_msg("'%s': found %s", s->expects[i].text, found);
    }
    arena_free(&arena);
    metrics_free(&m);
    hand_free(&t);
}

// Whatever the records say, the times of each core add up to the run's length to the nanosecond,
// no time is negative, and no thread has more than there was.
static void test_any_records(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        HandTrace t;
        hand_open(&t, two_threads);
        hand_random(&t, seed, 200);
        Metrics m;
        fold(&m, &t);
        for (uint32_t i = 0; i < m.core_count; i++) {
            const CoreMetrics *core = &m.cores[i];
            assert_int_equal(core_sum(core), m.now_ns);
            assert_true(core->user_ns >= 0 && core->kernel_ns >= 0 && core->idle_ns >= 0 &&
                        core->interrupt_ns >= 0);
        }
        for (uint32_t id = 1; id <= m.threads.id_max; id++) {
            const ThreadMetrics *thread = metrics_thread(&m, id);
            if (thread == NULL)
                continue;
            assert_in_range(thread->wait_ns, 0, m.now_ns - thread->start_ns);
            assert_true(thread->cpu_user_ns >= 0 && thread->cpu_kernel_ns >= 0);
        }
        metrics_free(&m);
        hand_free(&t);
    }
}

// Silberschatz, Operating System Concepts, ch. 5: first come, first served with bursts of 24, 3 and
// 3 ms in this order. Waits 0, 24, 27, turnarounds 24, 27, 30; responses are the waits.
static void test_first_come_first_served(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "title: FCFS\n"
                   "machine: { cores: 1, scheduler: fifo, costs: zero }\n"
                   "processes:\n"
                   "  - name: app\n"
                   "    threads:\n"
                   "      - { name: p1, run: [ { compute: 24ms } ] }\n"
                   "      - { name: p2, run: [ { compute: 3ms } ] }\n"
                   "      - { name: p3, run: [ { compute: 3ms } ] }\n");
    static const int64_t burst[] = {24, 3, 3}, wait[] = {0, 24, 27}, turnaround[] = {24, 27, 30};
    Metrics m;
    metrics_open(&m, &run.scenario);
    for (uint64_t i = 0; i < run.memory.count; i++)
        metrics_add(&m, memory_sink_at(&run.memory, i), 1);
    metrics_finish(&m, &run.result);
    for (uint32_t i = 0; i < 3; i++) {
        const ThreadMetrics *thread = metrics_thread(&m, i + 1);
        assert_int_equal(thread->wait_ns, wait[i] * 1000 * US);
        assert_int_equal(thread->first_ns - thread->start_ns, wait[i] * 1000 * US);
        assert_int_equal(thread->end_ns - thread->start_ns, turnaround[i] * 1000 * US);
        assert_int_equal(thread->cpu_user_ns, burst[i] * 1000 * US);
        assert_int_equal(thread->cpu_kernel_ns, 0);
    }
    assert_int_equal(metrics_makespan_ns(&m), 30 * 1000 * US);
    assert_true(metrics_utilization(&m, 0) == 1.0);
    assert_int_equal(m.events, run.result.events);
    metrics_free(&m);
    simulated_free(&run);
}

// A thread costs its row, a sample of one wake-up (8 + 4 bytes, in arrays that double) and one open
// span at a time, in a pool that grows by half.
static void test_memory(void **state)
{
    (void)state;
    assert_in_range(sizeof(ThreadMetrics) + 2 * 12 + 3 * sizeof(OpenSpan) / 2, 0, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_tasks_and_an_interrupt),
        cmocka_unit_test(test_stacked_interrupts),
        cmocka_unit_test(test_waits_and_the_end),
        cmocka_unit_test(test_woken_while_leaving),
        cmocka_unit_test(test_makespan_and_daemons),
        cmocka_unit_test(test_locks),
        cmocka_unit_test(test_spans_and_marks),
        cmocka_unit_test(test_percentiles),
        cmocka_unit_test(test_reservoir),
        cmocka_unit_test(test_expectations),
        cmocka_unit_test(test_any_records),
        cmocka_unit_test(test_first_come_first_served),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
