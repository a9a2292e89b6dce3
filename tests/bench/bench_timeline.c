// The timeline's index: how long it takes to build and how much memory it has, for a million and
// ten million records of 8 cores and 32 threads; and how long the bins of a whole picture take: 40
// rows of 1,500 columns, zoomed out and at random places.
//
// How to run: tests/bench_timeline [RECORDS...] (default 1000000 10000000). Numbers are of an -O2
// build.
#include "sim/analysis/timeline.h"
#include "sim/base/rng.h"
#include "sim/ringside.h"
#include "sim/trace/sinks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

// CPU time: what else the machine does then does not count.
static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void simulate(Scenario *scenario, MemorySink *memory, uint64_t records)
{
    Diag diag = {.path = "bench.yaml", .source = yaml};
    Trace trace;
    RunResult result;
    TraceSink *sinks[] = {&memory->sink};
    memory_sink_open(memory, records);
    trace_open(&trace, sinks, 1);
    if (!scenario_parse(scenario, "bench.yaml", yaml, strlen(yaml), NULL, 0, &diag) ||
        !ringside_run(scenario, &trace, &result, &diag)) {
        fprintf(stderr, "%s", diag_text(&diag));
        exit(1);
    }
    trace_close(&trace);
}

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
        double begin = now_ms();
        sum += look(timeline, from, from + (int64_t)length);
        ms[i] = now_ms() - begin;
    }
    qsort(ms, ROUNDS, sizeof ms[0], by_size);
    printf("  bins %-14s p50 %6.2f ms  p99 %6.2f ms  max %6.2f ms  (%" PRIu64 " intervals)\n", what,
           ms[ROUNDS / 2], ms[ROUNDS * 99 / 100], ms[ROUNDS - 1], sum / ROUNDS);
}

static void bench(uint64_t records)
{
    Scenario scenario;
    MemorySink memory;
    simulate(&scenario, &memory, records);
    Recording recording;
    Timeline timeline;
    double begin = now_ms();
    recording_of_memory(&recording, &scenario, &memory);
    double recorded = now_ms();
    timeline_open(&timeline, &recording);
    double built = now_ms();
    size_t bytes = timeline_bytes(&timeline), intervals = 0;
    for (size_t i = 0; i < timeline.rows.count; i++)
        intervals += timeline.rows.at[i].intervals.count;
    printf("%" PRIu64 " records: build %.0f ms (%.0f ns a record; the recording %.0f ms), %.0f MB, "
           "%.1f bytes a record, %zu intervals\n",
           recording.count, built - recorded, (built - recorded) * 1e6 / (double)recording.count,
           recorded - begin, (double)bytes / 1e6, (double)bytes / (double)recording.count,
           intervals);
    bench_bins(&timeline, "zoomed out", true);
    bench_bins(&timeline, "anywhere", false);
    timeline_free(&timeline);
    recording_free(&recording);
    memory_sink_free(&memory);
    scenario_free(&scenario);
}

int main(int argc, char **argv)
{
    if (argc == 1) {
        bench(1000000);
        bench(10000000);
    }
    for (int i = 1; i < argc; i++)
        bench(strtoull(argv[i], NULL, 10));
    return 0;
}
