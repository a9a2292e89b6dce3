#include "tests/bench/timed.h"

#include "sim/ringside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double quantile(const double *sorted_ms, int count, int percent)
{
    return sorted_ms[percent < 100 ? count * percent / 100 : count - 1];
}

const char *quantiles(double *ms, int count)
{
    static char text[96];
    qsort(ms, (size_t)count, sizeof *ms, by_size);
    snprintf(text, sizeof text, "p50 %6.3f ms, p99 %6.3f ms, max %6.3f ms", quantile(ms, count, 50),
             quantile(ms, count, 99), quantile(ms, count, 100));
    return text;
}

bool only_smoke(int argc, char **argv)
{
    bool smoke = argc == 2 && strcmp(argv[1], "--smoke") == 0;
    if (argc != 1 && !smoke) {
        fprintf(stderr, "Usage: %s [--smoke]\n", argv[0]);
        exit(2);
    }
    return smoke;
}

void timed_run(TimedRun *run, const char *yaml, uint64_t records)
{
    Diag diag = {.path = "bench.yaml", .source = yaml};
    RunResult result;
    Trace trace;
    *run = (TimedRun){0};
    TraceSink *sinks[] = {&run->memory.sink};
    memory_sink_open(&run->memory, records);
    trace_open(&trace, sinks, 1);
    bool good = scenario_parse(&run->scenario, "bench.yaml", yaml, strlen(yaml), NULL, 0, &diag);
    run->scenario.limits[LIMIT_RECORDS] = (int64_t)records;
    if (!good || !ringside_run(&run->scenario, &trace, &result, &diag)) {
        fputs(diag_text(&diag), stderr);
        exit(1);
    }
    trace_close(&trace);
    diag_free(&diag);
    double begin = cpu_ms();
    recording_of_memory(&run->recording, &run->scenario, &run->memory);
    run->recording_ms = cpu_ms() - begin;
}

void timed_run_free(TimedRun *run)
{
    recording_free(&run->recording);
    memory_sink_free(&run->memory);
    scenario_free(&run->scenario);
}

const char few_threads[] = "machine: { cores: 8 }\n"
                           "locks: { cache: lock }\n"
                           "threads:\n"
                           "  - name: worker\n"
                           "    count: 20\n"
                           "    run:\n"
                           "      - forever:\n"
                           "          - compute: exp(200us)\n"
                           "          - with: { lock: cache, do: [ { compute: 20us } ] }\n"
                           "          - sleep: exp(500us)\n";

const char many_threads[] =
    "machine: { cores: 8 }\n"
    "threads:\n"
    "  - name: waiter\n"
    "    count: 10000\n"
    "    run: [ { forever: [ { compute: 10us }, { sleep: exp(50ms) } ] } ]\n";
