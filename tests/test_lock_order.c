// What keeps a circle of lock orders from being reported: see sim/analysis/lock_order.h.
#include "tests/one_run.h"

#include <stdio.h>

static size_t circles(const char *semaphore, const char *other)
{
    char yaml[2048];
    snprintf(yaml, sizeof yaml,
             "machine: { cores: 1, costs: zero }\nlocks: { a: lock, b: lock, c: lock }\n"
             "semaphores: { s: %s }\n"
             "threads:\n"
             "  - { name: t, run: [ { acquire: s }, { lock: a }, { lock: b }, { unlock: b }, { "
             "unlock: a }, { "
             "release: s } ] }\n"
             "  - { name: u, run: [ { acquire: s }, { lock: b }, { lock: a }, { unlock: a }, { "
             "unlock: b }, { "
             "release: s } ] }\n"
             "%s",
             semaphore, other);
    one_run(yaml);
    size_t count = metrics.lock_order.circles.count;
    one_run_end(NULL);
    return count;
}

// A circle of two needs two threads in it: a semaphore of 1 lets in too few, one of 2 does not. One
// that a third thread releases, which has not acquired it, may let in any number.
static void a_semaphore_is_a_gate(void **state)
{
    (void)state;
    assert_int_equal(circles("1", ""), 0);
    assert_int_equal(circles("2", ""), 1);
    assert_int_equal(circles("1", "  - { name: v, run: [ { release: s } ] }\n"), 1);
}

static size_t circles_of(const char *yaml)
{
    one_run(yaml);
    size_t count = metrics.lock_order.circles.count;
    one_run_end(NULL);
    return count;
}

// y is spawned when x has both locks for the last time: whatever y does, x waits for nothing any
// more. Spawned before, they may meet, although here y comes a millisecond later.
static void a_spawn_orders(void **state)
{
    (void)state;
#define SPAWNER(run)                                                                               \
    "machine: { cores: 2, costs: zero }\nlocks: { a: lock, b: lock }\n"                            \
    "functions:\n"                                                                                 \
    "  ab: [ { lock: a }, { lock: b }, { unlock: b }, { unlock: a } ]\n"                           \
    "  ba: [ { compute: 1ms }, { lock: b }, { lock: a }, { unlock: a }, { unlock: b } ]\n"         \
    "  middle: [ { spawn: { run: ba, as: y } } ]\n"                                                \
    "threads: [ { name: x, run: [ " run " ] } ]\n"
    assert_int_equal(circles_of(SPAWNER("{ call: ab }, { spawn: { run: ba, as: z } }")), 0);
    assert_int_equal(circles_of(SPAWNER("{ call: ab }, { spawn: { run: middle, as: z } }")), 0);
    assert_int_equal(circles_of(SPAWNER("{ spawn: { run: ba, as: z } }, { call: ab }")), 1);
    assert_int_equal(
        circles_of(SPAWNER("{ call: ab }, { spawn: { run: ba, as: z } }, { call: ab }")), 1);
}

// a reads l and then m; b goes the other way. Nobody waits for a lock that is read and wanted for
// reading: not even if b writes m, since it gets l. With a writer of l that goes before readers, b
// may wait for that one, which waits for a, which waits for b's m.
static void readers_do_not_wait_for_readers(void **state)
{
    (void)state;
#define READERS(l, m_mode, last)                                                                   \
    "machine: { cores: 2, costs: zero }\n"                                                         \
    "locks: { l: { kind: rwlock, prefer: " l " }, m: rwlock }\nthreads:\n"                         \
    "  - { name: a, run: [ { lock: { lock: l, mode: read } }, { lock: { lock: m, mode: read } }, " \
    "{ unlock: m }, { unlock: l } ] }\n"                                                           \
    "  - { name: b, start: 1ms, run: [ { lock: { lock: m, mode: " m_mode " } }, { lock: { lock: "  \
    "l, mode: read } }, { unlock: l }, { unlock: m } ] }\n" last
#define WRITER "  - { name: w, start: 2ms, run: [ { lock: l }, { unlock: l } ] }\n"
    assert_int_equal(circles_of(READERS("readers", "read", "")), 0);
    assert_int_equal(circles_of(READERS("readers", "write", WRITER)), 0);
    assert_int_equal(circles_of(READERS("writers", "write", "")), 0);
    assert_int_equal(circles_of(READERS("writers", "write", WRITER)), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_semaphore_is_a_gate),
                                       cmocka_unit_test(a_spawn_orders),
                                       cmocka_unit_test(readers_do_not_wait_for_readers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
