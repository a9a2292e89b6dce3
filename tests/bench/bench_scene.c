// The scene and the recording: nanoseconds a record folded, and how long a seek to a random instant
// takes in ten million records, for a few threads, for ten thousand, for ten thousand coroutines,
// and for a million of them, which wait. Goal: a seek in 5 ms, of the last in 50. Times are CPU
// time.
//
// How to run: tests/bench_scene [--smoke: a hundredth of it]. Run an -O2 build.
#include "sim/analysis/rewind.h"
#include "sim/base/rng.h"
#include "tests/bench/timed.h"

#include <stdio.h>

enum { SEEKS = 200 };

static double seek_one(const Recording *recording, Scene *scene, Rng *rng)
{
    int64_t ns = (int64_t)rng_below(rng, (uint64_t)recording->end_ns);
    double begin = cpu_ms();
    recording_seek_time(recording, scene, ns);
    return cpu_ms() - begin;
}

static void bench_seeks(const Recording *recording)
{
    static double took_ms[SEEKS];
    Scene scene;
    scene_open(&scene, recording->scenario);
    Rng rng = rng_make(1, 1);
    seek_one(recording, &scene, &rng); // its memory is there from now on
    for (int i = 0; i < SEEKS; i++)
        took_ms[i] = seek_one(recording, &scene, &rng);
    printf("  seek to a random instant: %s\n", quantiles(took_ms, SEEKS));

    double begin = cpu_ms();
    for (int i = 0; i < SEEKS; i++)
        recording_seek(recording, &scene, scene.next > 0 ? scene.next - 1 : 0);
    printf("  step back by a seek: %.3f ms", (cpu_ms() - begin) / SEEKS);
    Rewind rewind;
    rewind_open(&rewind, recording);
    begin = cpu_ms();
    for (int i = 0; i < SEEKS; i++)
        rewind_seek(&rewind, &scene, scene.next > 0 ? scene.next - 1 : 0);
    printf("; by a rewind: %.4f ms\n", (cpu_ms() - begin) / SEEKS);
    rewind_free(&rewind);
    scene_free(&scene);
}

static void bench(const char *name, const char *yaml, uint64_t records)
{
    TimedRun run;
    timed_run(&run, yaml, records);
    const Recording *recording = &run.recording;
    printf("%s: %llu records, %u tasks\n", name, (unsigned long long)recording->count,
           recording->tasks.count);
    printf("  recording made in %.1f ms: %.1f ns a record; %zu key frames, %.1f MB of them for "
           "%.1f MB of records\n",
           run.recording_ms, run.recording_ms * 1e6 / (double)recording->count,
           recording->key_frames.count, (double)recording->key_bytes / 1e6,
           (double)recording->count * sizeof(TraceRecord) / 1e6);
    bench_seeks(recording);
    timed_run_free(&run);
}

int main(int argc, char **argv)
{
    uint64_t records = only_smoke(argc, argv) ? 100000 : 10000000;
    bench("few threads", few_threads, records);
    bench("ten thousand threads", many_threads, records);
    bench("ten thousand coroutines",
          "runtime: cpython-3.12\n"
          "functions:\n"
          "  waiter: [ { forever: [ { compute: 10us }, { await: { sleep: exp(50ms) } } ] } ]\n"
          "  main: [ { create_task: { run: waiter, as: t, count: 10000 } }, { await: t } ]\n"
          "threads: [ { name: main, run: [ { asyncio.run: main } ] } ]\n",
          records);
    bench("a million coroutines",
          "machine: { costs: zero }\nruntime: cpython-3.12\n"
          "functions:\n"
          "  waiter: [ { await: { sleep: \"uniform(1s, 2s)\" } } ]\n"
          "  main: [ { create_task: { run: waiter, as: t, count: 1000000 } }, { await: t } ]\n"
          "threads: [ { name: main, run: [ { asyncio.run: main } ] } ]\n",
          records);
    return 0;
}
