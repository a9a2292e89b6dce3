// What a thread has from the one that starts it: nice, policy, affinity, tickets. Costs are zero;
// the numbers are worked out beside each test.
#include "tests/one_run.h"

// Under FIFO of the realtime class, priority 10: a, its spawned thread and its forked child go
// before n, which is normal and would else share the core: the three take 3 ms one after the other.
static void a_policy_is_inherited(void **state)
{
    (void)state;
    one_run("machine: { cores: 1, costs: zero }\n"
            "functions: { work: [ { compute: 1ms } ] }\n"
            "threads:\n"
            "  - { name: a, policy: fifo 10, run: [ { spawn: { run: work, as: thread } }, { fork: "
            "{ run: work, "
            "as: child } }, { compute: 1ms } ] }\n"
            "  - { name: n, run: [ { compute: 1ms } ] }\n");
    assert_int_equal(simulated_thread(&run, &metrics, "a")->end_ns, 1 * MS);
    assert_int_equal(simulated_thread(&run, &metrics, "thread")->end_ns, 2 * MS);
    assert_int_equal(simulated_thread(&run, &metrics, "child")->end_ns, 3 * MS);
    assert_int_equal(simulated_thread(&run, &metrics, "n")->end_ns, 4 * MS);
}

// A deadline cannot be shared: what such a thread starts is normal. The realtime hog goes first.
static void a_deadline_is_not_inherited(void **state)
{
    (void)state;
    one_run("machine: { cores: 1, costs: zero }\n"
            "functions: { work: [ { compute: 1ms } ] }\n"
            "threads:\n"
            "  - { name: d, policy: { deadline: { runtime: 2ms, period: 100ms } }, run: [ { spawn: "
            "{ run: "
            "work, as: thread } }, { compute: 1ms } ] }\n"
            "  - { name: hog, policy: fifo 1, run: [ { compute: 5ms } ] }\n");
    assert_int_equal(simulated_thread(&run, &metrics, "d")->end_ns, 1 * MS);
    assert_int_equal(simulated_thread(&run, &metrics, "hog")->end_ns, 6 * MS);
    assert_int_equal(simulated_thread(&run, &metrics, "thread")->end_ns, 7 * MS);
}

// nice 5 is a weight of 335, nice 0 one of 1024: of 40 ms the spawned thread has 335/1359, 9.9 ms,
// to within the tick of 4 ms. Had it nice 0, it would have 20.
static void nice_is_inherited(void **state)
{
    (void)state;
    one_run("machine: { cores: 1, costs: zero }\nuntil: 40ms\n"
            "functions: { work: [ { compute: 1s } ] }\n"
            "threads:\n"
            "  - { name: a, nice: 5, run: [ { spawn: { run: work, as: thread } } ] }\n"
            "  - { name: n, run: [ { compute: 1s } ] }\n");
    int64_t ran_ns = simulated_on_core(&run, "thread");
    assert_in_range(ran_ns, 6 * MS, 14 * MS);
}

// a may run on core 1 only, and so may what it starts: both take turns there, and core 0 is idle.
static void affinity_is_inherited(void **state)
{
    (void)state;
    one_run("machine: { cores: 2, costs: zero }\n"
            "functions: { work: [ { spawn: { run: leaf, as: leaf } }, { compute: 1ms } ], leaf: [ "
            "{ compute: 1ms "
            "} ] }\n"
            "threads: [ { name: a, affinity: 1, run: [ { spawn: { run: work, as: thread } }, { "
            "compute: 1ms } ] "
            "} ]\n");
    assert_int_equal(metrics.cores[0].user_ns, 0);
    assert_int_equal(metrics.cores[1].user_ns, 3 * MS);
}

// Lottery: of 1,000 draws of 1 ms, thread has 300 tickets of 400, as its creator.
static void tickets_are_inherited(void **state)
{
    (void)state;
    one_run("machine: { cores: 1, scheduler: { policy: lottery, slice: 1ms }, costs: zero "
            "}\nuntil: 1s\n"
            "functions: { work: [ { compute: 9s } ] }\n"
            "threads:\n"
            "  - { name: a, tickets: 300, run: [ { spawn: { run: work, as: thread } } ] }\n"
            "  - { name: n, run: [ { compute: 9s } ] }\n");
    // 750 expected; one standard deviation is 13.7.
    assert_in_range(simulated_on_core(&run, "thread"), 700 * MS, 800 * MS);
}

int main(void)
{
#define RUN(test) cmocka_unit_test_teardown(test, one_run_end)
    const struct CMUnitTest tests[] = {
        RUN(a_policy_is_inherited), RUN(a_deadline_is_not_inherited), RUN(nice_is_inherited),
        RUN(affinity_is_inherited), RUN(tickets_are_inherited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
