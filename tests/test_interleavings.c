// Every interleaving of two or three small threads (once four) that synchronise: see search.h.
#include "tests/search.h"

#include <stdio.h>

// ---- locks

static void locks_exclude(void **state)
{
    (void)state;
    search_ends(
        "locks: { l: lock }\nthreads:\n"
        "  - { name: t, count: 2, run: [ { repeat: { times: 3, do: [ { with: { lock: l, do: "
        "[ { compute: 1ns } ] } } ] } } ] }\n");
    search_ends(
        "locks: { l: lock }\nthreads:\n"
        "  - { name: t, count: 3, run: [ { repeat: { times: 2, do: [ { with: { lock: l, do: "
        "[ { compute: 1ns } ] } } ] } } ] }\n");
    search_ends(
        "locks: { l: spin }\nthreads:\n"
        "  - { name: t, count: 3, run: [ { repeat: { times: 3, do: [ { with: { lock: l, do: "
        "[ { compute: 1ns } ] } } ] } } ] }\n");
    // The inner one is no second lock; the thread without it comes in between and never within.
    search_ends(
        "locks: { l: rlock }\nthreads:\n"
        "  - { name: t, count: 2, run: [ { with: { lock: l, do: [ { compute: 1ns }, { with: "
        "{ lock: l, do: [ { compute: 1ns } ] } }, { compute: 1ns } ] } } ] }\n"
        "  - { name: u, run: [ { lock: l }, { unlock: l } ] }\n");
}

static void two_orders_of_two_locks_may_deadlock(void **state)
{
    (void)state;
    const char *program = "locks: { a: %s, b: %s }\nthreads:\n"
                          "  - { name: t, run: [ { with: { lock: a, do: [ { with: { lock: b, do: [ "
                          "{ mark: m } ] } } ] } } ] }\n"
                          "  - { name: u, run: [ { with: { lock: %s, do: [ { with: { lock: %s, do: "
                          "[ { mark: m } ] } } ] } } ] }\n";
    char text[1024];
    snprintf(text, sizeof text, program, "lock", "lock", "b", "a");
    search_may_hang(text);
    snprintf(text, sizeof text, program, "lock", "rlock", "a", "b");
    search_ends(text);
    assert_int_equal(searched.marks_least[0], 2);
}

static void readers_and_writers_exclude(void **state)
{
    (void)state;
    const char *kinds[] = {"rwlock", "{ kind: rwlock, prefer: writers }"};
    for (int i = 0; i < 2; i++) {
        char text[1024];
        const char *write = "{ with: { lock: l, do: [ { compute: 1ns } ] } }";
        const char *read = "{ with: { lock: l, mode: read, do: [ { compute: 1ns } ] } }";
        const char *const programs[][3] = {
            {read, read, write}, {read, write, write}, {write, write, write}, {read, read, read}};
        for (int p = 0; p < 4; p++) {
            snprintf(text, sizeof text,
                     "locks: { l: %s }\nthreads:\n  - { name: a, run: [ %s, %s ] }\n"
                     "  - { name: b, run: [ %s, %s ] }\n  - { name: c, run: [ %s ] }\n",
                     kinds[i], programs[p][0], programs[p][0], programs[p][1], programs[p][1],
                     programs[p][2]);
            search_ends(text);
        }
        // Each does both.
        snprintf(text, sizeof text,
                 "locks: { l: %s }\nthreads:\n  - { name: a, count: 2, run: [ %s, %s, %s ] }\n",
                 kinds[i], read, write, read);
        search_ends(text);
    }
}

// ---- semaphores and events

static void semaphores_count(void **state)
{
    (void)state;
    for (int value = 1; value <= 2; value++) {
        char text[1024];
        snprintf(text, sizeof text,
                 "semaphores: { s: %d }\nthreads:\n"
                 "  - { name: t, count: 3, run: [ { repeat: { times: 2, do: [ { acquire: s }, "
                 "{ compute: 1ns }, { release: s } ] } } ] }\n",
                 value);
        search_ends(text);
    }
    // Two wait for what the third one gives, at once or one by one.
    search_ends(
        "semaphores: { s: 0 }\nthreads:\n  - { name: t, count: 2, run: [ { acquire: s } ] }\n"
        "  - { name: g, run: [ { release: { semaphore: s, count: 2 } } ] }\n");
    // One of two stays where there is only one to have.
    search_all("semaphores: { s: 0 }\nthreads:\n"
               "  - { name: t, count: 2, run: [ { acquire: s }, { mark: m } ] }\n"
               "  - { name: g, run: [ { release: s } ] }\n",
               true);
    assert_int_equal(searched.finished, 0);
}

static void a_timeout_loses_nothing(void **state)
{
    (void)state;
    // Who gives up leaves the value to the other, who always ends.
    search_ends(
        "semaphores: { s: 0 }\nthreads:\n"
        "  - { name: t, run: [ { acquire: { semaphore: s, timeout: 1ms, else: [ { mark: late }, "
        "{ release: s } ] } }, { release: s } ] }\n"
        "  - { name: u, run: [ { acquire: s } ] }\n"
        "  - { name: g, run: [ { release: s } ] }\n");
    assert_int_equal(searched.marks_least[0], 0);
    assert_int_equal(searched.marks_most[0], 1);
    search_ends("queues: { q: 2 }\nthreads:\n"
                "  - { name: t, run: [ { get: { queue: q, timeout: 1ms, else: [ { mark: late }, "
                "{ put: q } ] } }, { put: q } ] }\n"
                "  - { name: u, run: [ { get: q } ] }\n"
                "  - { name: p, run: [ { put: q } ] }\n");
    assert_int_equal(searched.marks_most[0], 1);
}

// Who gives up a lock takes no wake-up with it that another needs, also when its time is over while
// it is on its way: to sleep, or awake, with a third one that has just taken the lock.
static void a_lock_given_up_is_no_lost_wake_up(void **state)
{
    (void)state;
    const char *const kinds[] = {"lock", "rlock", "pi", "rwlock"};
    for (int i = 0; i < 4; i++) {
        char text[1024];
        snprintf(
            text, sizeof text,
            "locks: { l: %s }\nthreads:\n"
            "  - { name: t, run: [ { with: { lock: l, timeout: 1ms, do: [ { compute: 1ns } ], "
            "else: [ { mark: late } ] } } ] }\n"
            "  - { name: u, count: 2, run: [ { with: { lock: l, do: [ { compute: 1ns } ] } } ] "
            "}\n",
            kinds[i]);
        search_ends(text);
        assert_int_equal(searched.marks_least[0], 0);
        assert_int_equal(searched.marks_most[0], 1);
        // All of them may give up, and none holds what it has not.
        snprintf(text, sizeof text,
                 "locks: { l: %s }\nthreads:\n"
                 "  - { name: t, count: 3, run: [ { lock: { lock: l, timeout: 1ms, else: [ { mark: "
                 "late }, { exit: } ] } }, { unlock: l } ] }\n",
                 kinds[i]);
        search_ends(text);
        assert_int_equal(searched.marks_most[0], 2);
    }
    // Two orders of two locks, and one that does not insist.
    search_ends(
        "locks: { a: lock, b: lock }\nthreads:\n"
        "  - { name: t, run: [ { with: { lock: a, do: [ { with: { lock: b, timeout: 1ms, do: "
        "[ { mark: both } ], else: [ { mark: late } ] } } ] } } ] }\n"
        "  - { name: u, run: [ { with: { lock: b, do: [ { with: { lock: a, do: [ { mark: both "
        "} ] } } ] } } ] }\n");
    // Its time is no concern of a condition's wait under the lock.
    search_ends(
        "locks: { l: lock }\nconditions: { c: l }\nevents: [ go ]\nthreads:\n"
        "  - { name: t, run: [ { with: { lock: l, timeout: 1ms, do: [ { while: { test: not go, "
        "do: [ { wait: c } ] } } ] } } ] }\n"
        "  - { name: n, run: [ { with: { lock: l, do: [ { set: go }, { notify: c } ] } } ] }\n");
}

static void readers_and_writers_give_up(void **state)
{
    (void)state;
    const char *kinds[] = {"rwlock", "{ kind: rwlock, prefer: writers }"};
    const char *write = "{ with: { lock: l, do: [ { compute: 1ns } ] } }";
    const char *read = "{ with: { lock: l, mode: read, do: [ { compute: 1ns } ] } }";
    const char *tries_to_write = "{ with: { lock: l, timeout: 1ms, do: [ { compute: 1ns } ] } }";
    const char *tries_to_read =
        "{ with: { lock: l, mode: read, timeout: 1ms, do: [ { compute: 1ns } ] } }";
    const char *const programs[][3] = {{tries_to_write, read, read},
                                       {tries_to_write, read, write},
                                       {tries_to_write, tries_to_write, read},
                                       {tries_to_read, write, read},
                                       {tries_to_read, tries_to_write, write}};
    for (int i = 0; i < 2; i++) {
        char text[1024];
        for (int p = 0; p < 5; p++) {
            snprintf(text, sizeof text,
                     "locks: { l: %s }\nthreads:\n  - { name: a, run: [ %s ] }\n"
                     "  - { name: b, run: [ %s ] }\n  - { name: c, run: [ %s ] }\n",
                     kinds[i], programs[p][0], programs[p][1], programs[p][2]);
            search_ends(text);
        }
        // a reads until b has read too. The writer that keeps b out gives up, and b reads with a.
        snprintf(
            text, sizeof text,
            "locks: { l: %s }\nevents: [ e ]\nthreads:\n"
            "  - { name: a, run: [ { with: { lock: l, mode: read, do: [ { wait: e } ] } } ] }\n"
            "  - { name: b, run: [ { with: { lock: l, mode: read, do: [ { set: e } ] } } ] }\n"
            "  - { name: w, run: [ %s ] }\n",
            kinds[i], tries_to_write);
        search_ends(text);
    }
}

static void an_event_lets_everyone_through(void **state)
{
    (void)state;
    search_ends("events: [ e ]\nthreads:\n  - { name: t, count: 2, run: [ { wait: e } ] }\n"
                "  - { name: s, run: [ { set: e } ] }\n");
    // Cleared again, it lets through whom it has woken, and whoever comes later stays.
    search_may_hang("events: [ e ]\nthreads:\n  - { name: t, count: 2, run: [ { wait: e } ] }\n"
                    "  - { name: s, run: [ { set: e }, { clear: e } ] }\n");
    search_ends("events: [ e, f ]\nthreads:\n"
                "  - { name: t, run: [ { set: e }, { wait: f }, { clear: e }, { set: f } ] }\n"
                "  - { name: u, run: [ { wait: e }, { set: f } ] }\n");
}

// ---- barriers

static void a_barrier_waits_for_all(void **state)
{
    (void)state;
    search_ends(
        "barriers: { b: 2 }\nthreads:\n"
        "  - { name: t, count: 2, run: [ { repeat: { times: 3, do: [ { barrier: b } ] } } ] }\n");
    search_ends(
        "barriers: { b: 3 }\nthreads:\n"
        "  - { name: t, count: 3, run: [ { repeat: { times: 2, do: [ { barrier: b } ] } } ] }\n");
    // Nobody is through before the last one has come: with one missing, nobody is.
    search_all("barriers: { b: 3 }\nthreads:\n"
               "  - { name: t, count: 2, run: [ { barrier: b }, { mark: through } ] }\n",
               true);
    assert_int_equal(searched.finished, 0);
    // Any two of three: the third one stays.
    search_all("barriers: { b: 2 }\nthreads:\n  - { name: t, count: 3, run: [ { barrier: b } ] }\n",
               true);
    assert_int_equal(searched.finished, 0);
}

// With one missing, the first whose time is over breaks it for both. With nobody missing both pass,
// or both are told that it is broken; and it stays so.
static void a_barrier_breaks_for_all(void **state)
{
    (void)state;
    search_ends(
        "barriers: { b: 3 }\nthreads:\n"
        "  - { name: t, count: 2, run: [ { barrier: { barrier: b, timeout: 1ms, else: [ { mark: "
        "broken } ] } } ] }\n");
    assert_int_equal(searched.marks_least[0], 2);
    search_ends(
        "barriers: { b: 2 }\nthreads:\n"
        "  - { name: t, run: [ { barrier: { barrier: b, timeout: 1ms, else: [ { mark: broken } "
        "] } } ] }\n"
        "  - { name: u, run: [ { barrier: { barrier: b, else: [ { mark: broken } ] } } ] }\n");
    assert_int_equal(searched.marks_least[0], 0);
    assert_int_equal(searched.marks_most[0], 2);
    search_ends(
        "barriers: { b: 2 }\nthreads:\n"
        "  - { name: t, count: 2, run: [ { repeat: { times: 2, do: [ { barrier: { barrier: b, "
        "timeout: 1ms } } ] } } ] }\n");
}

// ---- conditions

static void a_condition_with_a_loop_loses_nothing(void **state)
{
    (void)state;
    const char *const locks[] = {"lock", "rlock"};
    for (int i = 0; i < 2; i++) {
        char text[1024];
        snprintf(
            text, sizeof text,
            "locks: { l: %s }\nconditions: { c: l }\nevents: [ go ]\nthreads:\n"
            "  - { name: t, run: [ { with: { lock: l, do: [ { while: { test: not go, do: [ { "
            "wait: c } ] } } ] } } ] }\n"
            "  - { name: n, run: [ { with: { lock: l, do: [ { set: go }, { notify: c } ] } } ] }\n",
            locks[i]);
        search_ends(text);
    }
    search_ends(
        "locks: { l: lock }\nconditions: { c: l }\nevents: [ go ]\nthreads:\n"
        "  - { name: t, count: 2, run: [ { with: { lock: l, do: [ { while: { test: not go, "
        "do: [ { wait: c } ] } } ] } } ] }\n"
        "  - { name: n, run: [ { with: { lock: l, do: [ { set: go } ] } }, { notify_all: c } "
        "] }\n");
    // Two notifications for two waiters, with or without the lock.
    search_ends("locks: { l: lock }\nconditions: { c: l }\nevents: [ go ]\nthreads:\n"
                "  - { name: t, count: 2, run: [ { with: { lock: l, do: [ { while: { test: not go, "
                "do: [ { wait: c } ] } } ] } } ] }\n"
                "  - { name: n, run: [ { with: { lock: l, do: [ { set: go } ] } }, { notify: { "
                "condition: c, count: 2 } } ] }\n");
    // One notification is not enough for two.
    search_may_hang(
        "locks: { l: lock }\nconditions: { c: l }\nevents: [ go ]\nthreads:\n"
        "  - { name: t, count: 2, run: [ { with: { lock: l, do: [ { while: { test: not "
        "go, do: [ { wait: c } ] } } ] } } ] }\n"
        "  - { name: n, run: [ { with: { lock: l, do: [ { set: go } ] } }, { notify: c } "
        "] }\n");
}

// Two notifiers at once, so that one begins the next group while the other is on its way.
static void signals_of_two_threads_reach_two_groups(void **state)
{
    (void)state;
    search_may_hang("locks: { l: lock }\nconditions: { c: l }\nthreads:\n"
                    "  - { name: t, run: [ { lock: l }, { wait: c }, { unlock: l } ] }\n"
                    "  - { name: n, count: 2, run: [ { notify: c } ] }\n");
    search_all("locks: { l: lock }\nconditions: { c: l }\nthreads:\n"
               "  - { name: t, count: 2, run: [ { lock: l }, { wait: c }, { unlock: l } ] }\n"
               "  - { name: n, count: 2, run: [ { notify: c } ] }\n",
               true);
    assert_true(searched.finished > 0 && searched.stuck > 0);
    // Each waits for the other's notification and then gives it back: a ring of baton passes.
    search_ends(
        "locks: { l: lock }\nconditions: { c: l, d: l }\nevents: [ a, b ]\nthreads:\n"
        "  - { name: t, run: [ { lock: l }, { set: a }, { notify: c }, { while: { test: not "
        "b, do: [ { wait: d } ] } }, { unlock: l } ] }\n"
        "  - { name: u, run: [ { lock: l }, { while: { test: not a, do: [ { wait: c } ] } }, "
        "{ set: b }, { notify: d }, { unlock: l } ] }\n");
}

static void a_notification_before_the_wait_is_lost(void **state)
{
    (void)state;
    search_may_hang("locks: { l: lock }\nconditions: { c: l }\nthreads:\n"
                    "  - { name: t, run: [ { with: { lock: l, do: [ { wait: c } ] } } ] }\n"
                    "  - { name: n, run: [ { with: { lock: l, do: [ { notify: c } ] } } ] }\n");
    // With a timeout it goes on all the same, and takes no signal with it that is another's.
    search_ends("locks: { l: lock }\nconditions: { c: l }\nthreads:\n"
                "  - { name: t, run: [ { with: { lock: l, do: [ { wait: { for: c, timeout: 1ms, "
                "else: [ { mark: late } ] } } ] } } ] }\n"
                "  - { name: n, run: [ { with: { lock: l, do: [ { notify: c } ] } } ] }\n");
    assert_int_equal(searched.marks_least[0], 0);
    assert_int_equal(searched.marks_most[0], 1);
}

// One item, two who want it. Whoever finds it gone waits again; one whose wait ended for no reason
// and who does not look again believes that it has something.
static void a_spurious_wake_up_needs_a_loop(void **state)
{
    (void)state;
    const char *program =
        "locks: { l: lock }\nconditions: { c: { lock: l, spurious: 100%% } }\nevents: [ go ]\n"
        "threads:\n"
        "  - { name: t, run: [ { with: { lock: l, do: [ %s, { if: { test: not go, then: [ { mark: "
        "wrong } ] } } ] } } ] }\n"
        "  - { name: n, run: [ { with: { lock: l, do: [ { set: go }, { notify: c } ] } } ] }\n";
    char text[1024];
    snprintf(text, sizeof text, program, "{ while: { test: not go, do: [ { wait: c } ] } }");
    search_ends(text);
    assert_int_equal(searched.marks_most[0], 0);
    snprintf(text, sizeof text, program, "{ if: { test: not go, then: [ { wait: c } ] } }");
    search_ends(text);
    assert_int_equal(searched.marks_most[0], 1);
}

// ---- queues

static void queues_lose_nothing(void **state)
{
    (void)state;
    search_ends("queues: { q: 1 }\nthreads:\n"
                "  - { name: p, run: [ { repeat: { times: 3, do: [ { put: q } ] } } ] }\n"
                "  - { name: g, run: [ { repeat: { times: 3, do: [ { get: q } ] } } ] }\n");
    search_ends("queues: { q: 1 }\nthreads:\n"
                "  - { name: p, count: 2, run: [ { put: q } ] }\n"
                "  - { name: g, run: [ { get: q }, { get: q } ] }\n");
    search_ends("queues: { q: 2 }\nthreads:\n"
                "  - { name: p, run: [ { put: q }, { put: q }, { put: q }, { put: q } ] }\n"
                "  - { name: g, count: 2, run: [ { get: q }, { get: q } ] }\n");
    search_ends(
        "queues: { q: { capacity: 1, order: priority } }\nthreads:\n"
        "  - { name: p, count: 2, run: [ { put: { queue: q, priority: 2 } }, { put: { queue: "
        "q, priority: 1 } } ] }\n"
        "  - { name: g, run: [ { repeat: { times: 4, do: [ { get: q } ] } } ] }\n");
    // An item's function is called by the one who gets the item.
    search_ends(
        "queues: { q: 1 }\nfunctions: { f: [ { mark: done } ] }\nthreads:\n"
        "  - { name: p, run: [ { put: { queue: q, run: f } }, { put: { queue: q, run: f } } ] }\n"
        "  - { name: g, count: 2, run: [ { get: q } ] }\n");
    assert_int_equal(searched.marks_least[0], 2);
    // More got than put: who is left sleeps on an empty queue.
    search_all("queues: { q: 1 }\nthreads:\n  - { name: p, run: [ { put: q } ] }\n"
               "  - { name: g, count: 2, run: [ { get: q } ] }\n",
               true);
    assert_int_equal(searched.finished, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locks_exclude),
        cmocka_unit_test(two_orders_of_two_locks_may_deadlock),
        cmocka_unit_test(readers_and_writers_exclude),
        cmocka_unit_test(semaphores_count),
        cmocka_unit_test(a_timeout_loses_nothing),
        cmocka_unit_test(a_lock_given_up_is_no_lost_wake_up),
        cmocka_unit_test(readers_and_writers_give_up),
        cmocka_unit_test(a_barrier_breaks_for_all),
        cmocka_unit_test(an_event_lets_everyone_through),
        cmocka_unit_test(a_barrier_waits_for_all),
        cmocka_unit_test(a_condition_with_a_loop_loses_nothing),
        cmocka_unit_test(signals_of_two_threads_reach_two_groups),
        cmocka_unit_test(a_notification_before_the_wait_is_lost),
        cmocka_unit_test(a_spurious_wake_up_needs_a_loop),
        cmocka_unit_test(queues_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
