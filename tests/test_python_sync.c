// The objects of Python's threading and queue, built as CPython builds them: whom a notification
// goes to, who is overtaken, what is lost, and what 2.7 does differently. Timelines are in
// microseconds; with `costs: zero` what is not computation or sleep takes no time. The same orders
// were seen in CPython 3.8, 3.12 and 3.13.
#include "tests/one_run.h"

#include <stdio.h>
#include <string.h>

#define PYTHON "runtime: cpython-3.12\n"
#define TWO    "runtime: cpython-2.7\n"

static int64_t marked(const char *thread)
{
    return simulated_time_of(&run, EVENT_MARK, thread);
}

// ---- the end of a thread

// sys.exit is an exception: A leaves at 5, which releases x, and at 5 + 5 has done the `finally`
// around it; its `except` is not for this. B waits for x from 1 to 5. At 10 A releases y, too.
static void exit_releases_what_with_holds(void **state)
{
    (void)state;
    one_run(ZERO("2") PYTHON "locks: { x: lock, y: rlock }\n"
                             "functions:\n"
                             "  leave: [ { with: { lock: y, do: [ exit ] } } ]\n"
                             "threads:\n"
                             "  - name: A\n"
                             "    run:\n"
                             "      - with:\n"
                             "          lock: y\n"
                             "          do:\n"
                             "            - try:\n"
                             "                do: [ { with: { lock: x, do: [ { sleep: 5us },\n"
                             "                      { call: leave } ] } } ]\n"
                             "                except: { error: [ { mark: never } ] }\n"
                             "                finally: [ { sleep: 5us } ]\n"
                             "      - mark: never\n"
                             "  - { name: B, start: 1us, run: [ { lock: x }, { mark: x } ] }\n"
                             "  - { name: C, start: 1us, run: [ { lock: y }, { mark: y } ] }\n");
    assert_int_equal(marked("B"), 5 * US);
    assert_int_equal(marked("C"), 10 * US);
    assert_int_equal(simulated_count(&run, EVENT_MARK, "A"), 0);
    expect_end(END_DONE, 10 * US);
}

// In C a thread that ends keeps what it has.
static void in_c_exit_releases_nothing(void **state)
{
    (void)state;
    one_run(ZERO("2") LOCK "threads:\n"
                           "  - { name: A, run: [ { with: { lock: x, do: [ exit ] } } ] }\n"
                           "  - { name: B, start: 1us, run: [ { lock: x } ] }\n");
    expect_end(END_DEADLOCK, 1 * US);
}

// ---- conditions

// W1, W2 and W3 wait from 1, 2 and 3 on. N has the lock from 10 to 15 and at 10 notifies two: W1
// and W2 wake up, find the lock taken, and get it one after the other, at 15 and, as each computes
// for 1, at 16. W3 is notified at 20.
static void notified_in_the_order_of_their_coming(void **state)
{
    (void)state;
    one_run(
        ZERO("4") PYTHON LOCK
        "conditions: { c: x }\n"
        "functions:\n"
        "  w: [ { with: { lock: x, do: [ { wait: c }, { mark: m }, { native: 1us } ] } } ]\n"
        "threads:\n"
        "  - { name: W1, start: 1us, run: [ { call: w } ] }\n"
        "  - { name: W2, start: 2us, run: [ { call: w } ] }\n"
        "  - { name: W3, start: 3us, run: [ { call: w } ] }\n"
        "  - { name: N, start: 10us, run: [\n"
        "      { with: { lock: x, do: [ { notify: { condition: c, count: 2 } }, { native: 5us }\n"
        "        ] } }, { sleep: 5us }, { with: { lock: x, do: [ { notify: c } ] } } ] }\n");
    assert_int_equal(marked("W1"), 15 * US);
    assert_int_equal(marked("W2"), 16 * US);
    assert_int_equal(marked("W3"), 20 * US);
    expect_end(END_DONE, 21 * US);
}

// W1's time is over at 10, but N has the lock from 8 to 20, so that W1 is still in the queue when N
// notifies one at 15: the notification goes to W1, which takes the lock at 20 and says that its
// time was over, and is lost. W2 waits until its own time is over, at 51.
#define LATE_WAITER                                                                                \
    LOCK "conditions: { c: x }\n"                                                                  \
         "threads:\n"                                                                              \
         "  - { name: W1, run: [ { with: { lock: x, do: [\n"                                       \
         "      { wait: { for: c, timeout: 10us, else: [ { mark: late } ] } } ] } } ] }\n"         \
         "  - { name: W2, start: 1us, run: [ { with: { lock: x, do: [\n"                           \
         "      { wait: { for: c, timeout: 50us, else: [ { mark: late } ] } } ] } } ] }\n"         \
         "  - { name: N, start: 8us, run: [ { with: { lock: x, do: [\n"                            \
         "      { native: 7us }, { notify: c }, { native: 5us } ] } } ] }\n"

static void a_notification_may_go_to_one_whose_time_is_over(void **state)
{
    (void)state;
    one_run(ZERO("4") PYTHON LATE_WAITER);
    assert_int_equal(marked("W1"), 20 * US);
    assert_int_equal(marked("W2"), 51 * US);
    expect_end(END_DONE, 51 * US);
}

// In C the kernel has taken W1 off the condition at 10, and the notification wakes W2.
static void in_c_it_does_not(void **state)
{
    (void)state;
    one_run(ZERO("4") LATE_WAITER);
    assert_int_equal(marked("W1"), 20 * US);
    assert_int_equal(simulated_count(&run, EVENT_MARK, "W2"), 0);
    expect_end(END_DONE, 20 * US);
}

// Who holds the re-entrant lock twice gives it up whole, and has it twice again: N takes it at 5.
static void a_wait_gives_up_a_reentrant_lock_whole(void **state)
{
    (void)state;
    one_run(ZERO("2") PYTHON
            "locks: { x: rlock }\n"
            "conditions: { c: x }\n"
            "threads:\n"
            "  - { name: W, run: [ { lock: x }, { lock: x }, { wait: c }, { unlock: x },\n"
            "                      { native: 2us }, { unlock: x } ] }\n"
            "  - { name: N, start: 5us, run: [ { with: { lock: x, do: [ { notify: c } ] } },\n"
            "      { lock: x }, { mark: m }, { unlock: x } ] }\n");
    assert_int_equal(marked("N"), 5 * US); // before W is back: it only tries when it runs again
    expect_end(END_DONE, 7 * US);
}

// ---- a Lock knows no owner, an RLock does

static void a_lock_may_be_released_by_another(void **state)
{
    (void)state;
    one_run(ZERO("2") PYTHON LOCK
            "threads:\n"
            "  - { name: A, run: [ { lock: x }, { lock: x }, { mark: m }, { unlock: x } ] }\n"
            "  - { name: B, start: 5us, run: [ { unlock: x } ] }\n");
    assert_int_equal(marked("A"), 5 * US);
    expect_end(END_DONE, 5 * US);
    // Held by A from 0 to 5, though B releases it, and from 5 to 5.
    assert_int_equal(metrics.syncs[1].holds.total, 2);
    assert_int_equal(metrics.syncs[1].holds.max, 5 * US);
}

// RuntimeError, which in the language is `error`.
static void an_rlock_may_not(void **state)
{
    (void)state;
    one_run(ZERO("2") PYTHON
            "locks: { x: rlock, y: lock }\n"
            "functions: { no: [ { mark: m } ] }\n"
            "threads:\n"
            "  - { name: A, run: [ { lock: x }, { native: 9us }, { unlock: x } ] }\n"
            "  - { name: B, start: 5us, run: [ { try: { do: [ { unlock: x } ], except: { error: [ "
            "{ mark: m } ] } } } ] }\n"
            "  - { name: C, start: 6us, run: [ { try: { do: [ { unlock: y } ], except: { error: [ "
            "{ mark: m } ] } } } ] }\n");
    assert_int_equal(marked("B"), 5 * US);
    assert_int_equal(marked("C"), 6 * US); // it is not even taken
    assert_int_equal(simulated_time_of(&run, EVENT_LOCK_RELEASED, "A"), 9 * US);
    expect_end(END_DONE, 9 * US);
}

static void in_c_the_run_fails(void **state)
{
    (void)state;
    const char *messages =
        simulate_failing(ZERO("2") LOCK "threads:\n"
                                        "  - { name: A, run: [ { lock: x }, { sleep: 9us } ] }\n"
                                        "  - { name: B, start: 5us, run: [ { unlock: x } ] }\n");
    assert_non_null(strstr(messages, "unlocks 'x', which it does not hold"));
}

// A circle through such locks is no deadlock while another may release one of them: C does, at 9.
static void a_circle_may_be_undone(void **state)
{
    (void)state;
    one_run(ZERO("2") PYTHON LOCKS
            "threads:\n"
            "  - { name: A, run: [ { lock: x }, { sleep: 2us }, { lock: y }, { unlock: y } ] }\n"
            "  - { name: B, run: [ { lock: y }, { sleep: 2us }, { lock: x }, { unlock: x } ] }\n"
            "  - { name: C, start: 9us, run: [ { unlock: x }, { unlock: y } ] }\n");
    assert_int_equal(simulated_count(&run, EVENT_DEADLOCK, NULL), 0);
    expect_end(END_DONE, 9 * US);
}

// A holds the lock for 400 five times in a row; B waits from 100 on. B is woken at each release and
// comes too late, until A is done at 2000. In 3.14 the first release after B has waited for 1 ms,
// the one at 1200, hands it over.
static void a_millisecond_is_enough(void **state)
{
    (void)state;
    static const char program[] =
        "threads:\n"
        "  - { name: A, run: [ { repeat: { times: 5, do: [\n"
        "      { with: { lock: x, do: [ { native: 400us } ] } } ] } } ] }\n"
        "  - { name: B, start: 100us, run: [ { with: { lock: x, do: [ { mark: m } ] } } ] }\n";
    char yaml[1024];
    snprintf(yaml, sizeof yaml, ZERO("2") LOCK PYTHON "%s", program);
    one_run(yaml);
    assert_int_equal(marked("B"), 2000 * US);
    one_run_end(state);
    snprintf(yaml, sizeof yaml, ZERO("2") LOCK "runtime: cpython-3.14\n%s", program);
    one_run(yaml);
    assert_int_equal(marked("B"), 1200 * US);
    assert_int_equal(metrics.syncs[1].waits.max, 1100 * US);
}

// ---- semaphores, events, barriers and queues

// One core. R releases at 10, which wakes W, and acquires again while W is not on the core yet: W
// finds nothing and waits again, until R releases for good at 20.
static void who_runs_overtakes_who_was_woken(void **state)
{
    (void)state;
    one_run(ZERO("1") PYTHON
            "semaphores: { s: 0 }\n"
            "threads:\n"
            "  - { name: W, run: [ { acquire: s }, { mark: m } ] }\n"
            "  - { name: R, start: 10us, run: [ { release: s }, { acquire: s }, { sleep: 10us },\n"
            "                                   { release: s } ] }\n");
    assert_int_equal(marked("W"), 20 * US);
    // It sleeps twice: each time in a futex of its own, and not once for the semaphore's lock.
    assert_int_equal(simulated_count(&run, EVENT_SYNC_WAIT, "W"), 2);
    expect_end(END_DONE, 20 * US);
}

// The event is set and cleared at 10 without a pause: W, which waits, passes all the same. In 2.7
// it looks at the flag when it is back, and does not.
static void set_and_cleared(void **state)
{
    (void)state;
    static const char program[] =
        "events: [ e ]\n"
        "threads:\n"
        "  - { name: W, run: [ { wait: { for: e, else: [ { mark: late } ] } }, { print: on } ] }\n"
        "  - { name: S, start: 10us, run: [ { set: e }, { clear: e } ] }\n";
    char yaml[1024];
    snprintf(yaml, sizeof yaml, ZERO("1") PYTHON "%s", program);
    one_run(yaml);
    assert_int_equal(simulated_count(&run, EVENT_MARK, "W"), 0);
    expect_end(END_DONE, 10 * US);
    one_run_end(state);
    snprintf(yaml, sizeof yaml, ZERO("1") TWO "%s", program);
    one_run(yaml);
    assert_int_equal(simulated_count(&run, EVENT_MARK, "W"), 1);
    expect_end(END_DONE, 10 * US);
}

// Two of four come at 0 and 5 and go; C and D, whose round is the second, come at 6 and 8.
static void rounds_of_a_barrier(void **state)
{
    (void)state;
    one_run(ZERO("4") PYTHON "barriers: { b: 2 }\n"
                             "threads:\n"
                             "  - { name: A, run: [ { barrier: b }, { mark: m } ] }\n"
                             "  - { name: B, start: 5us, run: [ { barrier: b }, { mark: m } ] }\n"
                             "  - { name: C, start: 6us, run: [ { barrier: b }, { mark: m } ] }\n"
                             "  - { name: D, start: 8us, run: [ { barrier: b }, { mark: m } ] }\n");
    assert_int_equal(marked("A"), 5 * US);
    assert_int_equal(marked("B"), 5 * US);
    assert_int_equal(marked("C"), 8 * US);
    assert_int_equal(marked("D"), 8 * US);
    assert_int_equal(simulated_count(&run, EVENT_BARRIER_OPENED, NULL), 2);
}

// One core, a barrier of two. B comes second, goes on, and comes again while A, which was woken,
// has not left the first round yet: B waits for that, not in a round. A leaves, and lets B in; C
// completes B's round at 20.
static void the_next_round_waits_for_who_still_leaves(void **state)
{
    (void)state;
    one_run(ZERO("1") PYTHON
            "barriers: { b: 2 }\n"
            "threads:\n"
            "  - { name: A, run: [ { barrier: b }, { mark: m } ] }\n"
            "  - { name: B, start: 5us, run: [ { barrier: b }, { barrier: b }, { mark: m } ] }\n"
            "  - { name: C, start: 20us, run: [ { barrier: b }, { mark: m } ] }\n");
    assert_int_equal(marked("A"), 5 * US);
    assert_int_equal(marked("B"), 20 * US);
    assert_int_equal(marked("C"), 20 * US);
    // B sleeps twice: until A has left, and for its round.
    assert_int_equal(simulated_count(&run, EVENT_SYNC_WAIT, "B"), 2);
}

// A waits at most 10: at 10 it breaks the barrier, for B, which is there, and C, which comes later.
static void a_broken_barrier(void **state)
{
    (void)state;
    one_run(ZERO("4") PYTHON
            "barriers: { b: 3 }\n"
            "functions: { f: [ { barrier: { barrier: b, else: [ { mark: broken } ] } } ] }\n"
            "threads:\n"
            "  - { name: A, run: [ { barrier: { barrier: b, timeout: 10us, else: [ { mark: broken "
            "} ] } } ] }\n"
            "  - { name: B, start: 5us, run: [ { call: f } ] }\n"
            "  - { name: C, start: 20us, run: [ { call: f } ] }\n");
    assert_int_equal(marked("A"), 10 * US);
    assert_int_equal(marked("B"), 10 * US);
    assert_int_equal(marked("C"), 20 * US);
    expect_end(END_DONE, 20 * US);
}

// Room for one. P puts at 0 and must wait with its second until G gets at 10; G's second get finds
// it there at once. G2 waits from 12 and gives up at 15; what is put at 20 stays.
static void a_bounded_queue(void **state)
{
    (void)state;
    one_run(ZERO("4") PYTHON
            "queues: { q: 1 }\n"
            "threads:\n"
            "  - { name: P, run: [ { put: q }, { put: q }, { mark: m }, { sleep: 10us }, { put: q "
            "} ] }\n"
            "  - { name: G, start: 10us, run: [ { get: q }, { sleep: 1us }, { get: q }, { mark: m "
            "} ] }\n"
            "  - { name: G2, start: 12us, run: [\n"
            "      { get: { queue: q, timeout: 3us, else: [ { mark: late } ] } } ] }\n");
    assert_int_equal(marked("P"), 10 * US);
    assert_int_equal(marked("G"), 11 * US);
    assert_int_equal(marked("G2"), 15 * US);
    expect_end(END_DONE, 20 * US);
}

// ---- what it costs

// Python code of 100 an operation and 10 a wait; the lock inside 2 to take and 1 to release. W:
// 100, the lock at 102, half a wait up to 107, the lock's release: it sleeps from 108 on. S begins
// at 200 and has the lock at 302; at 303 it releases W's own lock, which wakes W, and at 304 the
// event's. W takes that, 2, up to 305, does the other half of its wait, 5, and releases it, 1: 311.
static void an_operation_and_a_wait(void **state)
{
    (void)state;
    one_run("machine: { cores: 2, scheduler: fifo, costs: { base: zero, python_sync: 100us,\n"
            "  python_wait: 10us, mutex_lock: 2us, mutex_unlock: 1us } }\n"
            "runtime: { python: \"3.12\", gil: none }\n"
            "events: [ e ]\n"
            "threads:\n"
            "  - { name: W, run: [ { wait: e }, { mark: m } ] }\n"
            "  - { name: S, start: 200us, run: [ { set: e } ] }\n");
    assert_int_equal(simulated_time_of(&run, EVENT_SYNC_WAIT, "W"), 108 * US);
    assert_int_equal(simulated_time_of(&run, EVENT_EVENT_SET, "S"), 302 * US);
    assert_int_equal(simulated_time_of(&run, EVENT_WAKEUP, "W"), 303 * US);
    expect_end(END_DONE, 311 * US);
}

// ---- Python 2.7

// It looks at 0, after 1 ms more, after 2, 4, 8 …: at 0, 1, 3, 7 and 15 ms. The event that is set
// at 5.2 ms is seen at 7.
static void a_wait_with_a_timeout_polls(void **state)
{
    (void)state;
    one_run(ZERO("2") TWO
            "events: [ e ]\n"
            "threads:\n"
            "  - { name: W, run: [ { wait: { for: e, timeout: 1s } }, { mark: m } ] }\n"
            "  - { name: S, start: 5200us, run: [ { set: e } ] }\n");
    assert_int_equal(marked("W"), 7 * MS);
    // Without a timeout it is woken.
    one_run_end(state);
    one_run(ZERO("2") TWO "events: [ e ]\n"
                          "threads:\n"
                          "  - { name: W, run: [ { wait: e }, { mark: m } ] }\n"
                          "  - { name: S, start: 5200us, run: [ { set: e } ] }\n");
    assert_int_equal(marked("W"), 5200 * US);
}

// 1 + 2 + 4 + 8 + 16 + 32 = 63 ms, then 50 ms each: 113, 163, and what is left up to 200: nine
// sleeps.
static void at_most_fifty_milliseconds_at_a_time(void **state)
{
    (void)state;
    one_run(
        ZERO("1") TWO
        "semaphores: { s: 0 }\n"
        "events: [ e ]\n"
        "threads:\n"
        "  - { name: W, run: [ { wait: { for: e, timeout: 200ms, else: [ { mark: m } ] } } ] }\n");
    assert_int_equal(marked("W"), 200 * MS);
    assert_int_equal(simulated_count(&run, EVENT_TIMER_SET, "W"), 9);
    expect_end(END_DONE, 200 * MS);
}

// A free lock: from 3.2 on the GIL stays; 2.7 lets go of it to try. Besides that it is let go of at
// the thread's end only.
static void a_free_lock_and_the_gil(void **state)
{
    (void)state;
    one_run(ZERO("1") PYTHON LOCK
            "threads: [ { name: A, run: [ { lock: x }, { unlock: x }, { lock: x } ] } ]\n");
    assert_int_equal(simulated_count(&run, EVENT_GIL_RELEASED, "A"), 1);
    one_run_end(state);
    one_run(ZERO("1") TWO LOCK
            "threads: [ { name: A, run: [ { lock: x }, { unlock: x }, { lock: x } ] } ]\n");
    assert_int_equal(simulated_count(&run, EVENT_GIL_RELEASED, "A"), 3);
}

#define TEST(function) cmocka_unit_test_teardown(function, one_run_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exit_releases_what_with_holds),
        TEST(in_c_exit_releases_nothing),
        TEST(notified_in_the_order_of_their_coming),
        TEST(a_notification_may_go_to_one_whose_time_is_over),
        TEST(in_c_it_does_not),
        TEST(a_wait_gives_up_a_reentrant_lock_whole),
        TEST(a_lock_may_be_released_by_another),
        TEST(an_rlock_may_not),
        cmocka_unit_test(in_c_the_run_fails),
        TEST(a_circle_may_be_undone),
        TEST(a_millisecond_is_enough),
        TEST(who_runs_overtakes_who_was_woken),
        TEST(set_and_cleared),
        TEST(rounds_of_a_barrier),
        TEST(the_next_round_waits_for_who_still_leaves),
        TEST(a_broken_barrier),
        TEST(a_bounded_queue),
        TEST(an_operation_and_a_wait),
        TEST(a_wait_with_a_timeout_polls),
        TEST(at_most_fifty_milliseconds_at_a_time),
        TEST(a_free_lock_and_the_gil),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
