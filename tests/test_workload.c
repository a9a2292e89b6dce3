// Python's random numbers, the jobs that the textbook's programs draw from them, and those
// programs' answers. What is expected here was printed by CPython 3.11 and by the programs
// themselves (scheduler.py, mlfq.py and lottery.py of
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

// ---- the programs' answers

typedef struct Answer {
    const char *command; // what printed it
    const char *scheduler, *workload;
    struct {
        int response, turnaround; // units of 1 ms; -1: the program does not say
    } jobs[5];
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
        cmocka_unit_test(answers_are_the_programs),
        cmocka_unit_test(lengths_and_tickets_are_drawn_in_turn),
        cmocka_unit_test(other_threads_come_after_the_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
