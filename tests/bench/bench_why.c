// The critical path of a run, and the question why at random instants about random threads, in ten
// million records, for a few threads and for ten thousand. Times are CPU time.
//
// How to run: tests/bench_why [--smoke: a hundredth of it]. Run an -O2 build.
#include "sim/analysis/critical_path.h"
#include "sim/analysis/why.h"
#include "sim/base/rng.h"
#include "tests/bench/timed.h"

#include <stdio.h>

enum { QUESTIONS = 1000 };

static void bench_questions(const Recording *recording)
{
    static double now_ms[QUESTIONS], wait_ms[QUESTIONS];
    Scene scene;
    Why why = {0};
    Rng rng = rng_make(1, 1);
    scene_open(&scene, recording->scenario);
    for (int i = 0; i < QUESTIONS; i++) {
        int64_t ns = (int64_t)rng_below(&rng, (uint64_t)recording->end_ns);
        uint32_t task = 1 + (uint32_t)rng_below(&rng, recording->tasks.count);
        recording_seek_time(recording, &scene, ns);
        double begin = cpu_ms();
        why_now(&why, recording, &scene, task);
        now_ms[i] = cpu_ms() - begin;
        begin = cpu_ms();
        why_so_long(&why, recording, &scene, task);
        wait_ms[i] = cpu_ms() - begin;
    }
    why_free(&why);
    scene_free(&scene);
    printf("  why now:     %s\n", quantiles(now_ms, QUESTIONS));
    printf("  why so long: %s\n", quantiles(wait_ms, QUESTIONS));
}

static void bench(const char *name, const char *yaml, uint64_t records)
{
    TimedRun run;
    timed_run(&run, yaml, records);
    const Recording *recording = &run.recording;
    CriticalPath path;
    double begin = cpu_ms();
    critical_path_of_run(&path, recording);
    double took_ms = cpu_ms() - begin;
    printf("%s: %llu records, %u tasks\n", name, (unsigned long long)recording->count,
           recording->tasks.count);
    printf("  critical path of the run: %zu segments in %.1f ms, %.1f ns a record\n",
           path.segments.count, took_ms, took_ms * 1e6 / (double)recording->count);
    critical_path_free(&path);
    bench_questions(recording);
    timed_run_free(&run);
}

int main(int argc, char **argv)
{
    uint64_t records = only_smoke(argc, argv) ? 100000 : 10000000;
    bench("few threads", few_threads, records);
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
    bench("ten thousand threads", many_threads, records);
    return 0;
}
