// A million asyncio tasks of one loop that sleep random times: events a second, and bytes a task at
// the peak, all in (the loop's lists and timers, futures, coroutines). Fails above 400 bytes a
// task: memory, unlike time, does not depend on how busy the machine is.
//
// How to run: tests/bench_asyncio [--tasks N] [--smoke: 100,000 tasks]. Run one of an -O2 build.
#include "sim/ringside.h"
#include "sim/trace/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BYTES_GOAL = 400 };

// CPU time, which a busy machine stretches less.
static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run(long tasks)
{
    char yaml[512];
    snprintf(yaml, sizeof yaml,
             "runtime: cpython-3.12\n"
             "limits: { stall: 100M }\n"
             "functions:\n"
             "  sleeper: [ { await: { sleep: exp(1s) } }, { await: { sleep: exp(1s) } } ]\n"
             "  main: [ { create_task: { run: sleeper, as: all, count: %ld } }, { await: all } ]\n"
             "threads: [ { name: loop, run: [ { asyncio.run: main } ] } ]\n",
             tasks);
    Scenario scenario;
    Diag diag = {0};
    if (!scenario_parse(&scenario, "bench", yaml, strlen(yaml), NULL, 0, &diag)) {
        fputs(diag_text(&diag), stderr);
        exit(2);
    }
    Trace trace;
    RunResult result;
    trace_open(&trace, NULL, 0);
    double begin = now_s();
    bool good = ringside_run(&scenario, &trace, &result, &diag) && result.end == END_DONE;
    double took = now_s() - begin;
    double bytes = (double)result.bytes / (double)tasks;
    // Each task: a step, and for each sleep a timer's callback and a step.
    double callbacks = 5.0 * (double)tasks;
    printf("%8ld tasks  %5.2f s  %5.2f M callbacks/s  %5.2f M events/s  %4.0f bytes/task%s%s\n",
           tasks, took, callbacks / took / 1e6, (double)result.events / took / 1e6, bytes,
           good ? "" : "  DID NOT END WELL", bytes <= BYTES_GOAL ? "" : "  ABOVE THE GOAL");
    trace_close(&trace);
    scenario_free(&scenario);
    diag_free(&diag);
    return good && bytes <= BYTES_GOAL;
}

int main(int argc, char **argv)
{
    long tasks = 1000000;
    if (argc == 3 && strcmp(argv[1], "--tasks") == 0) {
        tasks = atol(argv[2]);
    } else if (argc == 2 && strcmp(argv[1], "--smoke") == 0) {
        tasks = 100000;
    } else if (argc != 1) {
        fprintf(stderr, "Usage: %s [--tasks N] [--smoke]\n", argv[0]);
        return 2;
    }
    return run(tasks) ? 0 : 1;
}
