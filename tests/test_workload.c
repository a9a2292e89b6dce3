// Python's random numbers, the jobs that the textbook's programs draw from them, and those
// programs' answers. What is expected here was printed by CPython 3.11 and by the programs
// themselves (scheduler.py, mlfq.py, lottery.py and multi.py of
// github.com/remzi-arpacidusseau/ostep-homework, with -c).
#include "sim/base/mt19937.h"
#include "tests/simulate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MS = 1000000 };

// ---- the numbers

// random.random() is q53 / 2^53, and doubles hold both exactly.
static double next(Mt19937 *mt)
{
    return (double)mt19937_random_q53(mt) / 9007199254740992.0;
}

// random.seed(SEED); [random.random() for _ in range(3)]
static void seeds_are_python_s(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed;
        double numbers[3];
    } cases[] = {
        {0, {0.8444218515250481, 0.7579544029403025, 0.420571580830845}},
        {1, {0.13436424411240122, 0.8474337369372327, 0.763774618976614}},
        {42, {0.6394267984578837, 0.025010755222666936, 0.27502931836911926}},
        {UINT64_C(4294967296), {0.11299430095636409, 0.41782886486292836, 0.0166763664992291}},
        {UINT64_C(4294967301), {0.15727238718789782, 0.2824866316461999, 0.6044540318498407}},
        {UINT64_MAX, {0.021825695401270107, 0.3380953268613758, 0.21196748656082065}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Mt19937 mt;
        mt19937_seed(&mt, cases[i].seed);
        for (int n = 0; n < 3; n++)
            if (next(&mt) != cases[i].numbers[n])
                fail_msg("seed %llu, number %d", (unsigned long long)cases[i].seed, n);
    }
}

// The 1000th number of seed 7, past three refills of the state, and the sum of int(1000 x) of all.
static void later_numbers_are_python_s(void **state)
{
    (void)state;
    Mt19937 mt;
    mt19937_seed(&mt, 7);
    double number = 0;
    int64_t sum = 0;
    for (int n = 0; n < 1000; n++) {
        number = next(&mt);
        sum += (int64_t)(number * 1000);
    }
    assert_true(number == 0.37786262968738116);
    assert_int_equal(sum, 481240);
}

// mt19937_scaled rounds as the floating point expression does.
static void scaling_rounds_as_floating_point(void **state)
{
    (void)state;
    static const uint32_t factors[] = {1, 3, 9, 10, 99, 100, 1000001, 2147483647};
    Mt19937 mt, same;
    mt19937_seed(&mt, 3);
    mt19937_seed(&same, 3);
    for (int round = 0; round < 20000; round++) {
        uint32_t factor = factors[round % 8], offset = (uint32_t)(round / 8 % 2);
        double product = next(&same) * factor;
        product += offset;
        assert_true(mt19937_scaled(&mt, factor, offset) == (uint64_t)product);
    }
}

// random.seed(5); [random.choice(range(n)) for n in (1, 2, 3, 5, 7, 8, 9, 1000000)]: a choice of
// one draws, too, until a bit is 0.
static void choices_are_python_s(void **state)
{
    (void)state;
    static const uint32_t bounds[] = {1, 2, 3, 5, 7, 8, 9, 1000000},
                          chosen[] = {0, 1, 2, 4, 0, 7, 3, 680499};
    Mt19937 mt;
    mt19937_seed(&mt, 5);
    for (int i = 0; i < 8; i++)
        assert_int_equal(mt19937_below(&mt, bounds[i]), chosen[i]);
}

// Seeding and passing over drawn numbers is seeding and drawing them.
static void drawn_numbers_are_passed_over(void **state)
{
    (void)state;
    Mt19937 mt, same;
    mt19937_seed(&mt, 9);
    for (int i = 0; i < 700; i++)
        mt19937_random_q53(&mt);
    mt19937_seed_drawn(&same, 9, 700);
    assert_true(mt19937_u32(&mt) == mt19937_u32(&same));
}

// ---- the programs' answers

typedef struct Answer {
    const char *command;   // what printed it
    const char *scheduler; // perhaps with further keys of `machine:`
    const char *workload;
    struct {
        int response, turnaround; // units of 1 ms; -1: the program does not say
    } jobs[8];
    int count;
} Answer;

static const Answer answers[] = {
    {"scheduler.py -s 0 -j 4 -m 12 -p FIFO",
     "fifo",
     "{ generate: scheduler, jobs: 4, maxlen: 12 }",
     {{0, 11}, {11, 21}, {21, 27}, {27, 31}},
     4},
    {"scheduler.py -s 0 -j 4 -m 12 -p SJF",
     "sjf",
     "{ generate: scheduler, jobs: 4, maxlen: 12 }",
     {{20, 31}, {10, 20}, {4, 10}, {0, 4}},
     4},
    {"scheduler.py -s 0 -j 4 -m 12 -p RR -q 3",
     "{ policy: rr, slice: 3ms }",
     "{ generate: scheduler, jobs: 4, maxlen: 12 }",
     {{0, 30}, {3, 31}, {6, 21}, {9, 22}},
     4},
    {"scheduler.py -s 3 -j 4 -m 12 -p FIFO",
     "fifo",
     "{ generate: scheduler, seed: 3, jobs: 4, maxlen: 12 }",
     {{0, 3}, {3, 10}, {10, 15}, {15, 23}},
     4},
    {"scheduler.py -s 3 -j 4 -m 12 -p SJF",
     "sjf",
     "{ generate: scheduler, seed: 3, jobs: 4, maxlen: 12 }",
     {{0, 3}, {8, 15}, {3, 8}, {15, 23}},
     4},
    {"scheduler.py -s 3 -j 4 -m 12 -p RR -q 3",
     "{ policy: rr, slice: 3ms }",
     "{ generate: scheduler, seed: 3, jobs: 4, maxlen: 12 }",
     {{0, 3}, {3, 21}, {6, 17}, {9, 23}},
     4},
    {"mlfq.py -s 1", "mlfq", "{ generate: mlfq, seed: 1 }", {{0, 33}, {8, 226}, {11, 113}}, 3},
    {"mlfq.py -s 3 -j 4 -m 30 -M 6 -Q 2,4,8 -A 2,1,1 -B 25 -i 3",
     "{ policy: mlfq, slice: [2ms, 4ms, 8ms], allotment: [2, 1, 1], boost: 25ms }",
     "{ generate: mlfq, seed: 3, jobs: 4, maxlen: 30, maxio: 6, iotime: 3 }",
     {{0, 20}, {2, 25}, {4, 78}, {5, 6}},
     4},
    {"mlfq.py -s 9 -j 3 -m 40 -M 5 -q 4 -S -I",
     "{ policy: mlfq, slice: 4ms, stay: true, io: head }",
     "{ generate: mlfq, seed: 9, maxlen: 40, maxio: 5 }",
     {{0, 64}, {2, 13}, {6, 7}},
     3},
    {"lottery.py -s 2 -j 4",
     "{ policy: lottery, slice: 1ms, draws: python }",
     "{ generate: lottery, seed: 2, jobs: 4 }",
     {{-1, 24}, {-1, 29}, {-1, 23}, {-1, 18}},
     4},
    {"lottery.py -s 5 -j 4 -q 3 -m 20",
     "{ policy: lottery, slice: 3ms, draws: python }",
     "{ generate: lottery, seed: 5, jobs: 4, maxlen: 20, quantum: 3 }",
     {{-1, 36}, {-1, 45}, {-1, 51}, {-1, 42}},
     4},
    // multi.py shows who runs in each unit (-t): here each job's first and the one after its last.
    {"multi.py -s 1 -t",
     "{ policy: multi, queue: global }, cores: 2, cache: 100KiB, warm_rate: 2, warm_up: 10ms",
     "{ generate: multi, seed: 1 }",
     {{0, 10}, {0, 40}, {10, 35}},
     3},
    {"multi.py -s 2 -n 3 -j 6 -q 5 -w 3 -r 3 -M 150 -t",
     "{ policy: multi, queue: global, slice: 5ms }, cores: 3, cache: 150KiB, warm_rate: 3, "
     "warm_up: 3ms",
     "{ generate: multi, seed: 2, jobs: 6 }",
     {{0, 113}, {0, 1}, {0, 63}, {1, 55}, {5, 54}, {5, 49}},
     6},
    {"multi.py -s 4 -p -P 30 -j 5 -t",
     "{ policy: multi, queue: core, peek: 30ms, draws: python }, cores: 2, cache: 100KiB, "
     "warm_rate: 2, warm_up: 10ms",
     "{ generate: multi, seed: 4, jobs: 5 }",
     {{0, 25}, {0, 50}, {10, 11}, {10, 120}, {11, 56}},
     5},
    {"multi.py -s 6 -n 4 -j 8 -p -P 7 -o -t",
     "{ policy: multi, queue: core, peek: 7ms, shuffle: true, draws: python }, cores: 4, cache: "
     "100KiB, warm_rate: 2, warm_up: 10ms",
     "{ generate: multi, seed: 6, jobs: 8 }",
     {{0, 90}, {0, 40}, {0, 1}, {0, 70}, {10, 50}, {10, 40}, {1, 86}, {10, 70}},
     8},
    {"multi.py -s 8 -n 3 -j 7 -o -R 60 -W 90 -t",
     "{ policy: multi, queue: global, shuffle: true, draws: python }, cores: 3, cache: 100KiB, "
     "warm_rate: 2, warm_up: 10ms",
     "{ generate: multi, seed: 8, jobs: 7, maxlen: 60, maxset: 90 }",
     {{0, 10}, {0, 1}, {0, 1}, {1, 46}, {1, 26}, {10, 30}, {10, 20}},
     7},
};

static void answers_are_the_programs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        const Answer *answer = &answers[i];
        char yaml[512];
        snprintf(yaml, sizeof yaml, "machine: { scheduler: %s, costs: zero }\nworkload: %s\n",
                 answer->scheduler, answer->workload);
        Simulated run;
        Metrics metrics;
        simulate(&run, yaml);
        simulated_measure(&run, &metrics);
        assert_int_equal(run.result.tasks, answer->count);
        for (int job = 0; job < answer->count; job++) {
            char name[16];
            snprintf(name, sizeof name, "job%d", job);
            const ThreadMetrics *thread = simulated_thread(&run, &metrics, name);
            int64_t response = (int64_t)answer->jobs[job].response * MS,
                    turnaround = (int64_t)answer->jobs[job].turnaround * MS;
            if (thread->end_ns != turnaround || (response >= 0 && thread->first_ns != response))
                fail_msg("%s: %s begins at %lld and ends at %lld ns", answer->command, name,
                         (long long)thread->first_ns, (long long)thread->end_ns);
        }
        metrics_free(&metrics);
        simulated_free(&run);
    }
}

// Job 0 ( length = 9, tickets = 94 ), Job 1 ( length = 8, tickets = 73 ), … of lottery.py -s 2 -j
// 4; 8 numbers are drawn, none of them again. (int(10 * 0.95…) = 9, int(100 * 0.94…) = 94, …)
static void lengths_and_tickets_are_drawn_in_turn(void **state)
{
    (void)state;
    static const int lengths[] = {9, 8, 6, 6}, tickets[] = {94, 73, 30, 60};
    Simulated run;
    simulate(&run, "machine: { scheduler: lottery, costs: zero }\n"
                   "workload: { generate: lottery, seed: 2, jobs: 4, unit: 1us }\n");
    assert_int_equal(run.scenario.thread_count, 4);
    for (int i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "job%d", i);
        assert_int_equal(run.scenario.threads[i].tickets, tickets[i]);
        assert_int_equal(simulated_on_core(&run, name), lengths[i] * 1000);
    }
    assert_int_equal(run.scenario.machine.python_drawn, 10);
    simulated_free(&run);
}

// The quotient of floating point, int((random() * most) / 10.0) * 10, is what the jobs are made
// with.
static void tens_are_the_program_s(void **state)
{
    (void)state;
    Mt19937 mt, same;
    mt19937_seed(&mt, 4);
    mt19937_seed(&same, 4);
    for (uint32_t round = 0; round < 20000; round++) {
        uint32_t most = 1 + round * 37 % 1000;
        double quotient = next(&same) * most;
        quotient /= 10.0;
        assert_true(mt19937_scaled(&mt, most, 0) / 10 == (uint64_t)quotient);
    }
}

// Job name:0 run_time:20 working_set_size:20, 1: 30 and 30, 2: 0 and 80, … of multi.py -s 4 -p -j
// 5; the third takes one unit all the same.
static void lengths_and_sets_are_drawn_in_turn(void **state)
{
    (void)state;
    static const int lengths[] = {20, 30, 1, 90, 70}, sets[] = {20, 30, 80, 160, 40};
    Simulated run;
    simulate(&run, "machine: { scheduler: fifo, costs: zero }\n"
                   "workload: { generate: multi, seed: 4, jobs: 5, unit: 1us }\n");
    assert_int_equal(run.scenario.thread_count, 5);
    for (int i = 0; i < 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "job%d", i);
        assert_int_equal(run.scenario.threads[i].working_set, sets[i] * 1024);
        assert_int_equal(simulated_on_core(&run, name), lengths[i] * 1000);
    }
    assert_int_equal(run.scenario.machine.python_drawn, 10);
    simulated_free(&run);
}

// Other threads may stand beside the jobs, which come first.
static void other_threads_come_after_the_jobs(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { scheduler: fifo, costs: zero }\n"
                   "workload: { generate: scheduler, jobs: 2, maxlen: 1 }\n"
                   "threads: [ { name: late, run: [ { compute: 1ms } ] } ]\n");
    assert_string_equal(simulated_turns(&run, 0, 1e9), "job0@0 job1@1 late@2");
    simulated_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds_are_python_s),
        cmocka_unit_test(later_numbers_are_python_s),
        cmocka_unit_test(scaling_rounds_as_floating_point),
        cmocka_unit_test(choices_are_python_s),
        cmocka_unit_test(drawn_numbers_are_passed_over),
        cmocka_unit_test(tens_are_the_program_s),
        cmocka_unit_test(answers_are_the_programs),
        cmocka_unit_test(lengths_and_tickets_are_drawn_in_turn),
        cmocka_unit_test(lengths_and_sets_are_drawn_in_turn),
        cmocka_unit_test(other_threads_come_after_the_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
