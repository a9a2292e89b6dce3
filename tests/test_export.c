// The Chrome Trace Event export, read back by a strict JSON parser and held against the format's
// rules, and track for track against what hand-written records must give.
#include "hand_trace.h"
#include "simulate.h"

#include "sim/analysis/export_chrome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define US 1000

static const char yaml[] = "title: \"By hand, \\\"quoted\\\"\"\n"
                           "machine: { cores: 2 }\n"
                           "processes:\n"
                           "  - name: app\n"
                           "    locks: { cache: lock }\n"
                           "    threads:\n"
                           "      - name: a\n"
                           "        run: [ { mark: pass }, { print: \"say \\\"x\\\"\" } ]\n"
                           "      - name: b\n"
                           "        count: 2\n"
                           "        run:\n"
                           "          - span: { name: render, do: [ { compute: 1ms } ] }\n"
                           "  - name: other\n"
                           "    threads:\n"
                           "      - name: c\n"
                           "        run: [ { compute: 1ms } ]\n";

enum { A = 1, B = 2, C = 3 }; // ThreadDefIds

// --- the format's rules -------------------------------------------------------------------------

enum { TRACKS_MAX = 64, DEPTH_MAX = 8, IDS_MAX = 4096 };

typedef struct Track {
    int64_t pid, tid;
    double last_ts;
    int depth;
    bool named;
} Track;

typedef struct Checker {
    Track tracks[TRACKS_MAX];
    int track_count;
    double flow_begin[IDS_MAX];
    bool flow_begun[IDS_MAX], flow_ended[IDS_MAX];
    int flows, slices, spans, instants;
    char open_spans[IDS_MAX][32];
    int open_span_count;
    double counter_ts;
} Checker;

static Track *track_of(Checker *checker, int64_t pid, int64_t tid)
{
    for (int i = 0; i < checker->track_count; i++)
        if (checker->tracks[i].pid == pid && checker->tracks[i].tid == tid)
            return &checker->tracks[i];
    assert_in_range(checker->track_count, 0, TRACKS_MAX - 1);
    Track *track = &checker->tracks[checker->track_count++];
    *track = (Track){.pid = pid, .tid = tid};
    return track;
}

static void check_flow(Checker *checker, const json_t *event, double ts, bool begins)
{
    int64_t id = json_integer_value(json_object_get(event, "id"));
    assert_in_range(id, 1, IDS_MAX - 1);
    if (begins) {
        assert_false(checker->flow_begun[id]);
        checker->flow_begun[id] = true;
        checker->flow_begin[id] = ts;
        return;
    }
    assert_true(checker->flow_begun[id]);
    assert_false(checker->flow_ended[id]);
    assert_true(ts >= checker->flow_begin[id]);
    assert_string_equal(json_string_value(json_object_get(event, "bp")), "e");
    checker->flow_ended[id] = true;
    checker->flows++;
}

static void check_span(Checker *checker, const json_t *event, bool begins)
{
    const char *id = json_string_value(json_object_get(event, "id"));
    assert_non_null(id);
    assert_int_equal(strlen(id), 18);
    if (begins) { // one of the same id that is open would enclose it
        assert_in_range(checker->open_span_count, 0, IDS_MAX - 1);
        strcpy(checker->open_spans[checker->open_span_count++], id);
        return;
    }
    int i = checker->open_span_count - 1;
    while (i >= 0 && strcmp(checker->open_spans[i], id) != 0)
        i--;
    assert_true(i >= 0);
    checker->open_span_count--;
    memmove(checker->open_spans[i], checker->open_spans[i + 1],
            (size_t)(checker->open_span_count - i) * sizeof checker->open_spans[0]);
    checker->spans++;
}

static void check_event(Checker *checker, const json_t *event)
{
    const char *phase = json_string_value(json_object_get(event, "ph"));
    assert_non_null(phase);
    assert_int_equal(strlen(phase), 1);
    assert_true(json_is_integer(json_object_get(event, "pid")));
    assert_true(json_is_integer(json_object_get(event, "tid")));
    Track *track = track_of(checker, json_integer_value(json_object_get(event, "pid")),
                            json_integer_value(json_object_get(event, "tid")));
    if (*phase != 'E')
        assert_true(json_is_string(json_object_get(event, "name")));
    if (*phase == 'M') {
        track->named = true;
        return;
    }
    const json_t *time = json_object_get(event, "ts");
    assert_true(json_is_real(time));
    double ts = json_real_value(time);
    assert_true(track->named); // a track has its name before its first event
    if (ts < track->last_ts)
        fail_msg("%lld/%lld goes back from %f to %f at '%s'", (long long)track->pid,
                 (long long)track->tid, track->last_ts, ts, phase);
    if (*phase != 'C') // counters have a track of their own
        track->last_ts = ts;
    switch (*phase) {
    case 'B':
        track->depth++;
        assert_in_range(track->depth, 1, DEPTH_MAX);
        break;
    case 'E':
        checker->slices++;
        assert_in_range(track->depth--, 1, DEPTH_MAX);
        break;
    case 'X':
        assert_true(json_real_value(json_object_get(event, "dur")) >= 0);
        break;
    case 's':
    case 'f':
        check_flow(checker, event, ts, *phase == 's');
        break;
    case 'b':
    case 'e':
        check_span(checker, event, *phase == 'b');
        break;
    case 'i':
        assert_true(json_is_string(json_object_get(event, "s")));
        checker->instants++;
        break;
    case 'C':
        assert_true(ts >= checker->counter_ts);
        checker->counter_ts = ts;
        assert_true(
            json_integer_value(json_object_get(json_object_get(event, "args"), "running")) >= 0);
        assert_true(
            json_integer_value(json_object_get(json_object_get(event, "args"), "runnable")) >= 0);
        break;
    default:
        fail_msg("an event of phase '%s'", phase);
    }
}

// Exports, parses, checks every rule; returns the document.
static json_t *exported(const HandTrace *t, Checker *checker)
{
    HandText text;
    ChromeExport chrome;
    hand_text_open(&text);
    chrome_open(&chrome, &t->scenario, &text.writer);
    for (size_t at = 0; at < t->records.count; at += 5) {
        size_t left = t->records.count - at;
        assert_true(chrome.sink.write(&chrome.sink, &t->records.at[at], left < 5 ? left : 5));
    }
    chrome_close(&chrome);
    json_error_t error;
    json_t *document = json_loads(hand_text_end(&text), JSON_REJECT_DUPLICATES, &error);
    if (document == NULL)
        fail_msg("line %d: %s", error.line, error.text);
    hand_text_free(&text);

    memset(checker, 0, sizeof *checker);
    size_t index;
    const json_t *event, *events = json_object_get(document, "traceEvents");
    assert_true(json_is_array(events));
    json_array_foreach(events, index, event) check_event(checker, event);
    for (int i = 0; i < checker->track_count; i++)
        assert_int_equal(checker->tracks[i].depth, 0);
    for (int id = 0; id < IDS_MAX; id++)
        assert_true(checker->flow_begun[id] == checker->flow_ended[id]);
    assert_int_equal(checker->open_span_count, 0);
    return document;
}

// The slices of a track, as "a 0 [ switch 0 ] 1 ] 14": name and begin, then the ends. Flows are >
// (leaves) and < (arrives). Lives until the next call.
static const char *track_text(const json_t *document, int64_t pid, int64_t tid)
{
    static char text[2048];
    size_t used = 0, index;
    const json_t *event;
    text[0] = 0;
    json_array_foreach(json_object_get(document, "traceEvents"), index, event)
    {
        if (json_integer_value(json_object_get(event, "pid")) != pid ||
            json_integer_value(json_object_get(event, "tid")) != tid)
            continue;
        char phase = json_string_value(json_object_get(event, "ph"))[0];
        double ts = json_real_value(json_object_get(event, "ts"));
        const char *name = json_string_value(json_object_get(event, "name"));
        if (phase == 'B')
            used += (size_t)snprintf(text + used, sizeof text - used, "%s %g [ ", name, ts);
        else if (phase == 'E')
            used += (size_t)snprintf(text + used, sizeof text - used, "] %g ", ts);
        else if (phase == 's' || phase == 'f')
            used += (size_t)snprintf(text + used, sizeof text - used, "%c %g ",
                                     phase == 's' ? '>' : '<', ts);
        else if (phase == 'i')
            used += (size_t)snprintf(text + used, sizeof text - used, "!%s %g ", name, ts);
    }
    if (used > 0)
        text[used - 1] = 0;
    return text;
}

static const char *core_text(const json_t *document, int core)
{
    return track_text(document, CHROME_PID_CORES, core + 1);
}

// Threads of `app` are process 2.
static const char *thread_text(const json_t *document, int id)
{
    return track_text(document, CHROME_PID_CORES + 1, CHROME_TID_TASKS + id);
}

// --- tests --------------------------------------------------------------------------------------

// The trace of test_metrics: A and B take turns on core 0, with an interrupt from 11 to 14.
static void test_two_tasks_and_an_interrupt(void **state)
{
    (void)state;
    HandTrace t;
    hand_open(&t, yaml);
    hand(&t, 0, EVENT_TASK_CREATED, -1, 1, A, 1);
    hand(&t, 0, EVENT_ENQUEUED, 0, 1, 0, 0);
    hand(&t, 0, EVENT_TASK_CREATED, -1, 2, B, 1);
    hand(&t, 0, EVENT_ENQUEUED, 0, 2, 0, 0);
    hand(&t, 0, EVENT_SWITCH_IN, 0, 1, 1, 0);
    hand(&t, 1, EVENT_KERNEL_EXIT, 0, 1, 0, 0);
    hand(&t, 11, EVENT_IRQ, 0, 1, IRQ_TICK, 3 * US);
    hand(&t, 14, EVENT_SWITCH_OUT, 0, 1, SWITCH_PREEMPTED_TICK, 0);
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
    Checker checker;
    json_t *document = exported(&t, &checker);
    assert_string_equal(core_text(document, 0),
                        "a 0 [ context switch 0 [ ] 1 timer tick 11 [ ] 14 ] 14 "
                        "b-1 14 [ context switch 14 [ ] 15 exit 25 [ ] 27 ] 27 "
                        "a 27 [ context switch 27 [ ] 28 ] 38");
    assert_string_equal(core_text(document, 1), "");
    // Runnable for no time at 0: left out.
    assert_string_equal(thread_text(document, 1),
                        "running 0 [ context switch 0 [ ] 1 ] 14 runnable 14 [ ] 27 "
                        "running 27 [ context switch 27 [ ] 28 ] 38");
    assert_string_equal(thread_text(document, 2),
                        "runnable 0 [ ] 14 "
                        "running 14 [ context switch 14 [ ] 15 exit 25 [ ] 27 ] 27");
    json_decref(document);
    hand_free(&t);
}

// Interrupts of 5 us at 0 and 4 us at 3 follow one another, until 9; meanwhile A comes (2) and
// enters the kernel (8): the interrupt's slice is cut there and goes on within the new slices. The
// last interrupt (19, 4 us) is cut by A's end at 20, goes on on the idle core and ends at 23.
static void test_stacked_interrupts(void **state)
{
    (void)state;
    HandTrace t;
    hand_open(&t, yaml);
    hand(&t, 0, EVENT_TASK_CREATED, -1, 1, A, 1);
    hand(&t, 0, EVENT_IRQ, 0, 0, IRQ_TIMER, 5 * US);
    hand(&t, 2, EVENT_SWITCH_IN, 0, 1, 0, 0);
    hand(&t, 3, EVENT_IRQ, 0, 1, IRQ_TICK, 4 * US);
    hand(&t, 8, EVENT_KERNEL_ENTER, 0, 1, SYSCALL_WRITE, 0);
    hand(&t, 12, EVENT_KERNEL_EXIT, 0, 1, 0, 0);
    hand(&t, 19, EVENT_IRQ, 0, 1, IRQ_TICK, 4 * US);
    hand(&t, 20, EVENT_SWITCH_OUT, 0, 1, SWITCH_EXITED, 0);
    hand(&t, 30, EVENT_RUN_END, -1, 0, END_DONE, 0);
    Checker checker;
    json_t *document = exported(&t, &checker);
    assert_string_equal(core_text(document, 0),
                        "timer interrupt 0 [ ] 2 "
                        "a 2 [ timer interrupt 2 [ ] 5 timer tick 5 [ ] 8 "
                        "write 8 [ timer tick 8 [ ] 9 ] 12 timer tick 19 [ ] 20 ] 20 "
                        "timer tick 20 [ ] 23");
    json_decref(document);
    hand_free(&t);
}

// More interrupts at once than are kept apart: the last one stands for the rest. 20 of 1 us, all at
// 0, last until 20, in 16 slices.
static void test_many_interrupts(void **state)
{
    (void)state;
    HandTrace t;
    hand_open(&t, yaml);
    for (int i = 0; i < 20; i++)
        hand(&t, 0, EVENT_IRQ, 0, 0, IRQ_TIMER, US);
    hand(&t, 30, EVENT_RUN_END, -1, 0, END_DONE, 0);
    Checker checker;
    json_t *document = exported(&t, &checker);
    assert_int_equal(checker.slices, CHROME_IRQS);
    const char *text = core_text(document, 0);
    assert_non_null(strstr(text, "timer interrupt 14 [ ] 15 timer interrupt 15 [ ] 20"));
    json_decref(document);
    hand_free(&t);
}

// Three wake-ups: a wakes b-1, which runs at 7; an interrupt of no length wakes b-2, which never
// runs; and nobody on an idle core wakes b-1 again, from where no arrow can come.
static void test_wakeups(void **state)
{
    (void)state;
    HandTrace t;
    hand_open(&t, yaml);
    hand(&t, 0, EVENT_TASK_CREATED, -1, 1, A, 1);
    hand(&t, 0, EVENT_TASK_CREATED, -1, 2, B, 1);
    hand(&t, 0, EVENT_TASK_CREATED, -1, 3, B, 2);
    hand(&t, 0, EVENT_SWITCH_IN, 0, 1, 0, 0);
    hand(&t, 5, EVENT_WAKEUP, 1, 2, 1, 1);
    hand(&t, 5, EVENT_ENQUEUED, 1, 2, 0, 0);
    hand(&t, 6, EVENT_IRQ, 1, 0, IRQ_TIMER, 0);
    hand(&t, 6, EVENT_WAKEUP, 1, 3, 0, 2);
    hand(&t, 6, EVENT_ENQUEUED, 1, 3, 0, 0);
    hand(&t, 7, EVENT_SWITCH_IN, 1, 2, 0, 0);
    hand(&t, 8, EVENT_SWITCH_OUT, 1, 2, SWITCH_BLOCKED_LOCK, 1);
    hand(&t, 9, EVENT_WAKEUP, 1, 2, 0, 2);
    hand(&t, 9, EVENT_SWITCH_IN, 1, 2, 0, 0);
    hand(&t, 10, EVENT_RUN_END, -1, 0, END_UNTIL, 0);
    Checker checker;
    json_t *document = exported(&t, &checker);
    assert_int_equal(checker.flows, 2);
    assert_string_equal(thread_text(document, 1), "running 0 [ > 5 ] 10");
    assert_string_equal(thread_text(document, 2),
                        "runnable 5 [ ] 7 running 7 [ < 7 ] 8 lock 8 [ ] 9 running 9 [ ] 10");
    assert_string_equal(thread_text(document, 3), "runnable 6 [ < 10 ] 10");
    assert_string_equal(core_text(document, 1),
                        "timer interrupt 6 [ > 6 ] 6 b-1 7 [ ] 8 b-1 9 [ ] 10");
    json_decref(document);
    hand_free(&t);
}

// Spans are asynchronous, an open one is closed at its thread's end; marks and lines are instants,
// written behind the beginning of the slice around them.
static void test_spans_and_instants(void **state)
{
    (void)state;
    HandTrace t;
    hand_open(&t, yaml);
    uint32_t render = hand_string(&t, "render");
    hand(&t, 0, EVENT_TASK_CREATED, -1, 1, A, 1);
    hand(&t, 0, EVENT_SWITCH_IN, 0, 1, 0, 0);
    hand(&t, 1, EVENT_SPAN_BEGIN, 0, 1, render, 1);
    hand(&t, 2, EVENT_SPAN_BEGIN, 0, 1, render, 2);
    hand(&t, 3, EVENT_MARK, 0, 1, hand_string(&t, "pass"), 0);
    hand(&t, 4, EVENT_PRINT, 0, 1, hand_string(&t, "say \"x\""), 0);
    hand(&t, 5, EVENT_SPAN_END, 0, 1, render, 2);
    hand(&t, 6, EVENT_TASK_EXITED, 0, 1, 0, 0);
    hand(&t, 6, EVENT_SWITCH_OUT, 0, 1, SWITCH_EXITED, 0);
    hand(&t, 6, EVENT_RUN_END, -1, 0, END_DONE, 0);
    Checker checker;
    json_t *document = exported(&t, &checker);
    assert_int_equal(checker.spans, 2);
    assert_string_equal(thread_text(document, 1), "running 0 [ !pass 3 !say \"x\" 4 ] 6");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(document, "otherData"), "title")),
        "By hand, \"quoted\"");
    json_decref(document);
    hand_free(&t);
}

// Names that are no UTF-8 or have control characters must not break the document: broken bytes
// become U+FFFD each, the rest is escaped. Overlong forms and surrogates are broken too.
static void test_names(void **state)
{
    (void)state;
    HandTrace t;
    hand_open(&t, yaml);
    t.scenario.strings[hand_string(&t, "pass") - 1] = "\xff"
                                                      "a\xc3"
                                                      "b\xc0\xaf"
                                                      "\xed\xa0\x80"
                                                      "\xe2\x82"
                                                      "\xc3\xbc\"\\\n\x01";
    hand(&t, 0, EVENT_TASK_CREATED, -1, 1, A, 1);
    uint32_t pass = 1;
    while (t.scenario.strings[pass - 1][0] != '\xff')
        pass++;
    hand(&t, 0, EVENT_MARK, 0, 1, pass, 0);
    hand(&t, 6, EVENT_RUN_END, -1, 0, END_DONE, 0);
    Checker checker;
    json_t *document = exported(&t, &checker);
#define R "\xef\xbf\xbd"
    assert_string_equal(thread_text(document, 1),
                        "!" R "a" R "b" R R R R R R R "\xc3\xbc\"\\\n\x01 0");
    json_decref(document);
    hand_free(&t);
}

// Times are written from integers: the last nanosecond of the longest run is exact, where a double
// (53 bits) would be off by hundreds.
static void test_exact_times(void **state)
{
    (void)state;
    HandTrace t;
    HandText text;
    ChromeExport chrome;
    hand_open(&t, yaml);
    hand_text_open(&text);
    chrome_open(&chrome, &t.scenario, &text.writer);
    TraceRecord end = {.time_ns = INT64_MAX / 2, .kind = EVENT_RUN_END, .core = -1};
    chrome_add(&chrome, &end, 1);
    chrome_close(&chrome);
    // (2^63 - 1) / 2 = 4611686018427387903 ns
    assert_non_null(strstr(hand_text_end(&text), "\"ts\":4611686018427387.903,"));
    hand_text_free(&text);
    hand_free(&t);
}

// Every rule holds for a trace of the simulated machine that has everything, and it has arrows from
// threads and from interrupts, spans and instants.
static void test_simulated(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "title: Everything\n"
                   "machine: { cores: 2 }\n"
                   "processes:\n"
                   "  - name: app\n"
                   "    locks: { cache: lock }\n"
                   "    functions:\n"
                   "      help: [ { compute: 100us }, { print: helped } ]\n"
                   "    threads:\n"
                   "      - name: hog\n"
                   "        count: 3\n"
                   "        run:\n"
                   "          - repeat:\n"
                   "              times: 5\n"
                   "              do:\n"
                   "                - compute: 3ms\n"
                   "                - with: { lock: cache, do: [ { compute: 200us } ] }\n"
                   "      - name: sleeper\n"
                   "        count: 2\n"
                   "        run:\n"
                   "          - repeat:\n"
                   "              times: 20\n"
                   "              do:\n"
                   "                - sleep: exp(500us)\n"
                   "                - span:\n"
                   "                    name: work\n"
                   "                    do:\n"
                   "                      - with: { lock: cache, do: [ { compute: 50us } ] }\n"
                   "                      - yield\n"
                   "                - mark: turn\n"
                   "          - spawn: { run: help, as: helper, count: 2 }\n"
                   "          - join: helper\n"
                   "      - name: forever\n"
                   "        daemon: true\n"
                   "        run: [ { forever: [ { sleep: 1ms }, { compute: 10us } ] } ]\n");
    HandTrace t = {.scenario = run.scenario};
    for (uint64_t i = 0; i < run.memory.count; i++)
        *ARRAY_PUSH(&t.records) = *memory_sink_at(&run.memory, i);
    Checker checker;
    json_t *document = exported(&t, &checker);
    assert_int_equal(checker.spans, 2 * 20);
    assert_true(checker.flows >= 2 * 20); // each sleep ends in a wake-up, from an interrupt
    assert_true(checker.slices > 200 && checker.instants >= 2 * 20 + 2 * 2);
    json_decref(document);
    ARRAY_FREE(&t.records);
    simulated_free(&run);
}

// Every rule holds for any records.
static void test_any_records(void **state)
{
    (void)state;
    int flows = 0, spans = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        HandTrace t;
        Checker checker;
        hand_open(&t, yaml);
        hand_random(&t, seed, 600);
        json_decref(exported(&t, &checker));
        flows += checker.flows;
        spans += checker.spans;
        hand_free(&t);
    }
    assert_true(flows > 100 && spans > 100); // the test does see some
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_tasks_and_an_interrupt),
        cmocka_unit_test(test_stacked_interrupts),
        cmocka_unit_test(test_many_interrupts),
        cmocka_unit_test(test_wakeups),
        cmocka_unit_test(test_spans_and_instants),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_exact_times),
        cmocka_unit_test(test_simulated),
        cmocka_unit_test(test_any_records),
    };
    return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
