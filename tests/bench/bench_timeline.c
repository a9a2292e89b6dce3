// The timeline's index: how long it takes to build and how much memory it has, for a million and
// ten million records of 8 cores and 32 threads; and how long the bins of a whole picture take: 40
// rows of 1,500 columns, zoomed out and at random places.
//
// How to run: tests/bench_timeline [--smoke: a small one]. Run an -O2 build.
#include "sim/analysis/timeline.h"
#include "sim/base/rng.h"
#include "tests/bench/timed.h"

#include <inttypes.h>
#include <stdio.h>

enum { ROWS = 40, COLUMNS = 1500, ROUNDS = 200, CHUNK = 64 };

static const char yaml[] = "title: Busy\n"
                           "machine: { cores: 8 }\n"
                           "locks: { cache: lock }\n"
                           "threads:\n"
                           "  - name: worker\n"
                           "    count: 32\n"
                           "    run:\n"
                           "      - forever:\n"
                           "        - compute: exp(40us)\n"
                           "        - sleep: exp(100us)\n"
                           "        - with: { lock: cache, do: [ { compute: 2us } ] }\n";

static uint64_t look(const Timeline *timeline, int64_t from_ns, int64_t to_ns)
{
    uint64_t sum = 0;
    TimelineBin bins[CHUNK];
    for (size_t r = 0; r < ROWS && r < timeline->rows.count; r++) {
        for (size_t x = 0; x < COLUMNS; x += CHUNK) {
            size_t count = COLUMNS - x < CHUNK ? COLUMNS - x : CHUNK;
            timeline_bins(timeline, &timeline->rows.at[r], from_ns, to_ns, COLUMNS, x, count, bins);
            for (size_t i = 0; i < count; i++)
                sum += bins[i].touched;
        }
    }
    return sum;
}

static void bench_bins(const Timeline *timeline, const char *what, bool whole)
{
    static double ms[ROUNDS];
    Rng rng = rng_make(1, 1);
    uint64_t sum = 0;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t end = (uint64_t)timeline->end_ns;
        uint64_t length = whole ? end : end >> rng_below(&rng, 16);
        int64_t from = (int64_t)rng_below(&rng, end - length + 1);
        double begin = cpu_ms();
        sum += look(timeline, from, from + (int64_t)length);
        ms[i] = cpu_ms() - begin;
    }
    printf("  bins %-14s %s  (%" PRIu64 " intervals)\n", what, quantiles(ms, ROUNDS), sum / ROUNDS);
}

static void bench(uint64_t records)
{
    TimedRun run;
    timed_run(&run, yaml, records);
    Timeline timeline;
    double begin = cpu_ms();
    timeline_open(&timeline, &run.recording);
    double built_ms = cpu_ms() - begin;
    size_t bytes = timeline_bytes(&timeline), intervals = 0;
    for (size_t i = 0; i < timeline.rows.count; i++)
        intervals += timeline.rows.at[i].intervals.count;
    printf("%" PRIu64 " records: build %.0f ms (%.0f ns a record; the recording %.0f ms), %.0f MB, "
           "%.1f bytes a record, %zu intervals\n",
           run.recording.count, built_ms, built_ms * 1e6 / (double)run.recording.count,
           run.recording_ms, (double)bytes / 1e6, (double)bytes / (double)run.recording.count,
           intervals);
    bench_bins(&timeline, "zoomed out", true);
    bench_bins(&timeline, "anywhere", false);
    timeline_free(&timeline);
    timed_run_free(&run);
}

int main(int argc, char **argv)
{
    bool smoke = only_smoke(argc, argv);
    bench(smoke ? 20000 : 1000000);
    if (!smoke)
        bench(10000000);
    return 0;
}
