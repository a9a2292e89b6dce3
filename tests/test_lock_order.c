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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_semaphore_is_a_gate)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
