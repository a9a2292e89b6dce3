// The list of schedulers: each row of schedulers.def is a name that the language knows, a policy of
// that name in one file of sim/kernel/policy, and a scheduler that does its work whatever it is
// given: a new one is one row and one file.
#include "sim/kernel/run_queue.h"
#include "sim/scenario/loader.h"
#include "tests/random_scenario.h"
#include "tests/simulate.h"
#include "tests/trace_laws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>

// How many files of the folder define the policy.
static int files_that_define(const char *name)
{
    static const char folder[] = RINGSIDE_SOURCE_DIR "/sim/kernel/policy";
    char definition[64];
    snprintf(definition, sizeof definition, "const SchedPolicy policy_%s = {", name);
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    int files = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char path[1024];
        static char text[200000];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (file == NULL)
            continue;
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
        files += strstr(text, definition) != NULL;
    }
    closedir(directory);
    return files;
}

static void a_scheduler_is_a_row_and_a_file(void **state)
{
    (void)state;
    assert_true(SCHEDULER_COUNT >= 9);
    for (int i = 0; i < SCHEDULER_COUNT; i++) {
        const SchedulerInfo *info = scheduler_info((SchedulerKind)i);
        const SchedPolicy *policy = sched_policy((unsigned)i);
        assert_string_equal(policy->name, info->name);
        assert_int_equal(policy->sched_class, SCHED_CLASS_NORMAL);
        assert_int_equal(files_that_define(info->name), 1);
        assert_true(strlen(info->sentence) > 20);
    }
}

// Every parameter of a row is a key of `scheduler:`, and every key but `policy` is some row's.
static void parameters_are_keys(void **state)
{
    (void)state;
    const char *names[32];
    size_t count = loader_key_names(SECTION_SCHEDULER, names, 32);
    bool used[32] = {false};
    for (int i = 0; i < SCHEDULER_COUNT; i++) {
        char text[256];
        snprintf(text, sizeof text, "%s", scheduler_info((SchedulerKind)i)->parameters);
        for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
            size_t n = 0;
            while (n < count && strcmp(names[n], word) != 0)
                n++;
            if (n == count)
                fail_msg("%s takes %s, which is no key", scheduler_info((SchedulerKind)i)->name,
                         word);
            used[n] = true;
        }
    }
    for (size_t n = 0; n < count; n++)
        if (!used[n] && strcmp(names[n], "policy") != 0)
            fail_msg("no scheduler takes %s", names[n]);
}

// Threads of all kinds: long, short, sleeping, yielding, locking, arriving late, pinned.
static const char mixed[] =
    "seed: 3\n"
    "locks: { l: lock, p: pi }\n"
    "threads:\n"
    "  - { name: long, count: 3, run: [ { compute: 40ms } ] }\n"
    "  - { name: io, count: 4, tickets: 30, run: [ { repeat: { times: 20, do: [ { compute: 700us "
    "}, "
    "{ sleep: exp(3ms) } ] } } ] }\n"
    "  - { name: polite, count: 2, start: 5ms, nice: 3, run: [ { repeat: { times: 30, do: [ { "
    "compute: 300us }, yield ] } } ] }\n"
    "  - { name: locked, count: 3, run: [ { repeat: { times: 10, do: [ { with: { lock: l, do: [ { "
    "compute: 400us } ] } }, { with: { lock: p, do: [ { compute: 200us }, { sleep: 300us } ] } } ] "
    "} "
    "} ] }\n"
    "  - { name: late, count: 5, start: \"uniform(10ms, 60ms)\", run: [ { compute: exp(2ms) } ] }\n"
    "  - { name: pinned, count: 2, affinity: 0, run: [ { compute: 10ms }, { sleep: 1ms }, { "
    "compute: "
    "5ms } ] }\n";

// All the work gets done, with costs and without, on one core and on three, with a queue for each
// and with one for all; nobody gets more or less than it asked for (costs: zero), and no core is
// idle for long while threads wait.
static void mixed_work_gets_done(void **state)
{
    (void)state;
    for (int i = 0; i < SCHEDULER_COUNT; i++) {
        const SchedulerInfo *info = scheduler_info((SchedulerKind)i);
        bool shares = strstr(info->parameters, "queue") != NULL;
        for (int variant = 0; variant < 8; variant++) {
            bool global = (variant & 1) != 0, costly = (variant & 2) != 0;
            int cores = (variant & 4) != 0 ? 3 : 1;
            if (global && !shares)
                continue;
            char yaml[4096];
            snprintf(yaml, sizeof yaml,
                     "machine: { cores: %d, costs: %s, scheduler: { policy: %s%s } }\n"
                     "limits: { time: 10s }\n%s",
                     cores, costly ? "typical" : "zero", info->name,
                     global ? ", queue: global" : "", mixed);
            Simulated run;
            simulate(&run, yaml);
            if (run.result.end != END_DONE)
                fail_msg("%s, variant %d: it ends with %d", info->name, variant, run.result.end);
            Metrics metrics;
            simulated_measure(&run, &metrics);
            const ThreadMetrics *pinned = simulated_thread(&run, &metrics, "pinned-1");
            if (!costly)
                assert_int_equal(pinned->cpu_user_ns, 15000000);
            // Everything but the pinned threads' 30 ms and the pi lock's sleeps can use every core.
            assert_true(run.result.ended.ns < 450000000);
            metrics_free(&metrics);
            simulated_free(&run);
        }
    }
}

// The same with realtime and deadline threads above them.
static void urgent_threads_above_any_scheduler(void **state)
{
    (void)state;
    for (int i = 0; i < SCHEDULER_COUNT; i++)
        for (int variant = 0; variant < 4; variant++) {
            const SchedulerInfo *info = scheduler_info((SchedulerKind)i);
            char yaml[4096];
            snprintf(
                yaml, sizeof yaml,
                "machine: { cores: %d, costs: %s, scheduler: %s }\nlimits: { time: 20s }\n%s"
                "  - { name: fifo, count: 2, policy: fifo 30, run: [ { repeat: { times: 15, do: [ "
                "{ with: { lock: p, do: [ { compute: 1ms } ] } }, { sleep: 5ms } ] } } ] }\n"
                "  - { name: rr, count: 3, policy: rr 20, start: 20ms, run: [ { compute: 120ms } ] "
                "}\n"
                "  - { name: dl, policy: { deadline: { runtime: 1ms, period: 7ms } }, run: [ { "
                "repeat: { times: 40, do: [ { compute: 600us }, yield ] } } ] }\n",
                (variant & 1) != 0 ? 3 : 1, (variant & 2) != 0 ? "typical" : "zero", info->name,
                mixed);
            Simulated run;
            simulate(&run, yaml);
            if (run.result.end != END_DONE)
                fail_msg("%s, variant %d: it ends with %d", info->name, variant, run.result.end);
            simulated_free(&run);
        }
}

// ---- what must hold in every run

static RandomScenario random_text;
static LawsReport laws;
static TraceRecord *records;

// Runs the random scenario of `seed` with the overrides and looks at its trace.
static void expect_laws(uint64_t seed, const char *const *overrides, size_t count)
{
    random_scenario(&random_text, seed);
    Simulated run = {0};
    Diag diag = {0};
    Trace trace;
    if (!scenario_parse(&run.scenario, "random.yaml", random_text.yaml, random_text.length,
                        overrides, count, &diag))
        fail_msg("%s", diag_text(&diag));
    memory_sink_open(&run.memory, 5000000);
    TraceSink *sinks[] = {&run.memory.sink};
    trace_open(&trace, sinks, 1);
    if (!ringside_run(&run.scenario, &trace, &run.result, &diag))
        fail_msg("%s", diag_text(&diag));
    trace_close(&trace);
    records = realloc(records, (run.memory.count + 1) * sizeof *records);
    assert_non_null(records);
    for (uint64_t i = 0; i < run.memory.count; i++)
        records[i] = *memory_sink_at(&run.memory, i);
    trace_laws(&run.scenario, records, run.memory.count, &run.result, &laws);
    if (!laws.hold)
        fail_msg("seed %llu, %s%s%s: %s\n%s", (unsigned long long)seed, overrides[0],
                 count > 1 ? ", " : "", count > 1 ? overrides[1] : "", laws.violated,
                 random_text.yaml);
    diag_free(&diag);
    simulated_free(&run);
}

static void laws_hold_under_every_scheduler(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++)
        for (int i = 0; i < SCHEDULER_COUNT; i++) {
            const SchedulerInfo *info = scheduler_info((SchedulerKind)i);
            char scheduler[128];
            const char *overrides[] = {scheduler};
            snprintf(scheduler, sizeof scheduler, "machine.scheduler=%s", info->name);
            expect_laws(seed, overrides, 1);
            if (strstr(info->parameters, "queue") == NULL)
                continue;
            snprintf(scheduler, sizeof scheduler, "machine.scheduler={ policy: %s, queue: global }",
                     info->name);
            expect_laws(seed, overrides, 1);
        }
}

// Whether the first thread of the random scenario is pinned, as a deadline thread must not be.
static bool first_is_pinned(void)
{
    const char *line = random_text.yaml + random_text.first_thread, *end = strchr(line, '\n');
    const char *pinned = strstr(line, "affinity");
    return pinned != NULL && (end == NULL || pinned < end);
}

static void laws_hold_with_urgent_threads(void **state)
{
    (void)state;
    static const char *const policies[] = {"fifo 50", "rr 50", "idle", "batch",
                                           "{ deadline: { runtime: 1ms, period: 9ms } }"};
    for (uint64_t seed = 1; seed <= 300; seed++) {
        char scheduler[128], policy[128];
        const char *overrides[] = {scheduler, policy, "processes.0.threads.0.count=1"};
        random_scenario(&random_text, seed);
        size_t kind = first_is_pinned() ? seed % 4 : seed % 5;
        snprintf(scheduler, sizeof scheduler, "machine.scheduler=%s",
                 scheduler_info((SchedulerKind)(seed % SCHEDULER_COUNT))->name);
        snprintf(policy, sizeof policy, "processes.0.threads.0.policy=%s", policies[kind]);
        expect_laws(seed, overrides, kind == 4 ? 3 : 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scheduler_is_a_row_and_a_file),
        cmocka_unit_test(parameters_are_keys),
        cmocka_unit_test(mixed_work_gets_done),
        cmocka_unit_test(urgent_threads_above_any_scheduler),
        cmocka_unit_test(laws_hold_under_every_scheduler),
        cmocka_unit_test(laws_hold_with_urgent_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
