// The scene and the recording: nanoseconds a record folded, and how long a seek to a random instant
// takes in ten million records, for a few threads, for ten thousand, and for ten thousand
// coroutines. Goal: a seek in 5 ms.
//
// Times are CPU time, so that what else the machine does then does not count.
//
// How to run: tests/bench_scene [--smoke: a hundredth of it]. Run an -O2 build.
#include "sim/analysis/rewind.h"
#include "sim/base/check.h"
#include "sim/base/rng.h"
#include "sim/ringside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SEEKS = 1000 };

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double seek_one(const Recording *recording, Scene *scene, Rng *rng)
{
    int64_t ns = (int64_t)rng_below(rng, (uint64_t)recording->end_ns);
    double begin = now_s();
    recording_seek_time(recording, scene, ns);
    return now_s() - begin;
}

static void bench_seeks(const Recording *recording)
{
    static double took_s[SEEKS];
    Scene scene;
    scene_open(&scene, recording->scenario);
    Rng rng = rng_make(1, 1);
    seek_one(recording, &scene, &rng); // its memory is there from now on
    for (int i = 0; i < SEEKS; i++)
        took_s[i] = seek_one(recording, &scene, &rng);
    qsort(took_s, SEEKS, sizeof *took_s, by_value);
    printf("  seek to a random instant: p50 %.3f ms, p99 %.3f ms, max %.3f ms\n",
           took_s[SEEKS / 2] * 1e3, took_s[SEEKS * 99 / 100] * 1e3, took_s[SEEKS - 1] * 1e3);

    double begin = now_s();
    for (int i = 0; i < SEEKS; i++)
        recording_seek(recording, &scene, scene.next > 0 ? scene.next - 1 : 0);
    printf("  step back by a seek: %.3f ms", (now_s() - begin) * 1e3 / SEEKS);
    Rewind rewind;
    rewind_open(&rewind, recording);
    begin = now_s();
    for (int i = 0; i < SEEKS; i++)
        rewind_seek(&rewind, &scene, scene.next > 0 ? scene.next - 1 : 0);
    printf("; by a rewind: %.4f ms\n", (now_s() - begin) * 1e3 / SEEKS);
    rewind_free(&rewind);
    scene_free(&scene);
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

    double begin = now_s();
    Recording recording;
    recording_of_memory(&recording, &scenario, &memory);
    double took_s = now_s() - begin;
    printf("%s: %llu records, %u tasks\n", name, (unsigned long long)recording.count,
           recording.tasks.count);
    printf("  recording made in %.1f ms: %.1f ns a record; %zu key frames, %.1f MB of them for "
           "%.1f MB of records\n",
           took_s * 1e3, took_s * 1e9 / (double)recording.count, recording.key_frames.count,
           (double)recording.key_bytes / 1e6, (double)recording.count * sizeof(TraceRecord) / 1e6);
    bench_seeks(&recording);
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
    bench("ten thousand threads",
          "machine: { cores: 8 }\n"
          "threads:\n"
          "  - name: waiter\n"
          "    count: 10000\n"
          "    run: [ { forever: [ { compute: 10us }, { sleep: exp(50ms) } ] } ]\n",
          records);
    bench("ten thousand coroutines",
          "runtime: cpython-3.12\n"
          "functions:\n"
          "  waiter: [ { forever: [ { compute: 10us }, { await: { sleep: exp(50ms) } } ] } ]\n"
          "  main: [ { create_task: { run: waiter, as: t, count: 10000 } }, { await: t } ]\n"
          "threads: [ { name: main, run: [ { asyncio.run: main } ] } ]\n",
          records);
    return 0;
}
