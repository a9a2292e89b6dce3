// The critical path of a run, and the question why at random instants about random threads, in ten
// million records, for a few threads and for ten thousand.
//
// How to run: tests/bench_why [--smoke: a hundredth of it]. Run an -O2 build on a quiet machine.
#include "sim/analysis/critical_path.h"
#include "sim/analysis/why.h"
#include "sim/base/check.h"
#include "sim/base/rng.h"
#include "sim/ringside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUESTIONS = 1000 };

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_times(const char *what, double took_s[QUESTIONS])
{
    qsort(took_s, QUESTIONS, sizeof *took_s, by_value);
    printf("  %s: p50 %.3f ms, p99 %.3f ms, max %.3f ms\n", what, took_s[QUESTIONS / 2] * 1e3,
           took_s[QUESTIONS * 99 / 100] * 1e3, took_s[QUESTIONS - 1] * 1e3);
}

static void bench_questions(const Recording *recording)
{
    static double now_took_s[QUESTIONS], wait_took_s[QUESTIONS];
    Scene scene;
    Why why = {0};
    Rng rng = rng_make(1, 1);
    scene_open(&scene, recording->scenario);
    for (int i = 0; i < QUESTIONS; i++) {
        int64_t ns = (int64_t)rng_below(&rng, (uint64_t)recording->end_ns);
        uint32_t task = 1 + (uint32_t)rng_below(&rng, recording->tasks.count);
        recording_seek_time(recording, &scene, ns);
        double begin = now_s();
        why_now(&why, recording, &scene, task);
        now_took_s[i] = now_s() - begin;
        begin = now_s();
        why_so_long(&why, recording, &scene, task);
        wait_took_s[i] = now_s() - begin;
    }
    why_free(&why);
    scene_free(&scene);
    print_times("why now", now_took_s);
    print_times("why so long", wait_took_s);
}

static void bench(const char *name, const char *yaml, uint64_t records)
{
    Scenario scenario;
    RunResult result;
    MemorySink memory;
    Diag diag = {0};
    CHECK(scenario_parse(&scenario, name, yaml, strlen(yaml), NULL, 0, &diag));
    scenario.limits[LIMIT_RECORDS] = (int64_t)records;
    memory_sink_open(&memory, records);
    TraceSink *sinks[] = {&memory.sink};
    Trace trace;
    trace_open(&trace, sinks, 1);
    CHECK(ringside_run(&scenario, &trace, &result, &diag));
    trace_close(&trace);

    Recording recording;
    CriticalPath path;
    recording_of_memory(&recording, &scenario, &memory);
    double begin = now_s();
    critical_path_of_run(&path, &recording);
    double took_s = now_s() - begin;
    printf("%s: %llu records, %u tasks\n", name, (unsigned long long)recording.count,
           recording.tasks.count);
    printf("  critical path of the run: %zu segments in %.1f ms, %.1f ns a record\n",
           path.segments.count, took_s * 1e3, took_s * 1e9 / (double)recording.count);
    critical_path_free(&path);
    bench_questions(&recording);
    recording_free(&recording);
    memory_sink_free(&memory);
    scenario_free(&scenario);
    diag_free(&diag);
}

int main(int argc, char **argv)
{
    bool smoke = argc == 2 && strcmp(argv[1], "--smoke") == 0;
    if (argc != 1 && !smoke) {
        fprintf(stderr, "Usage: %s [--smoke]\n", argv[0]);
        return 2;
    }
    uint64_t records = smoke ? 100000 : 10000000;
    bench("few threads",
          "machine: { cores: 8 }\n"
          "locks: { cache: lock }\n"
          "threads:\n"
          "  - name: worker\n"
          "    count: 20\n"
          "    run:\n"
          "      - forever:\n"
          "          - compute: exp(200us)\n"
          "          - with: { lock: cache, do: [ { compute: 20us } ] }\n"
          "          - sleep: exp(500us)\n",
          records);
    bench("few threads that spin",
          "machine: { cores: 8 }\n"
          "locks: { cache: spin }\n"
          "threads:\n"
          "  - name: worker\n"
          "    count: 8\n"
          "    run:\n"
          "      - forever:\n"
          "          - compute: exp(20us)\n"
          "          - with: { lock: cache, do: [ { compute: 20us } ] }\n",
          records);
    bench("ten thousand threads",
          "machine: { cores: 8 }\n"
          "threads:\n"
          "  - name: waiter\n"
          "    count: 10000\n"
          "    run: [ { forever: [ { compute: 10us }, { sleep: exp(50ms) } ] } ]\n",
          records);
    return 0;
}
