// How fast the simulated kernel is at what is dear in a real one: a contended lock, ping-pong over
// pipes, a tree of forks, and spinners, each beside a plain load (hogs and sleepers, as in
// bench_engine) of as many threads and cores. Nanoseconds per event, the best of the repetitions,
// traces off, and how many times those of the plain load. Not a test: nothing here fails because it
// is slow.
//
// How to run: on a quiet machine, from an -O2 build,
//     tests/bench_kernel
//     tests/bench_kernel --only fork      one of the loads, by the beginning of its name
//     tests/bench_kernel --smoke          small and once: that it works at all
#include "sim/ringside.h"
#include "sim/trace/sinks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Load {
    const char *name;
    int cores, threads;
    const char *yaml; // with the number of events
} Load;

static const Load loads[] = {
    {"contended lock", 16, 256,
     "machine: { cores: 16, costs: typical }\nlimits: { events: %" PRId64 " }\nlocks: { l: lock }\n"
     "threads: [ { name: t, count: 256, run: [ { forever: [ { with: { lock: l, do: [ { compute: "
     "2us "
     "} ] } }, { compute: 5us } ] } ] } ]\n"},
    {"pipe ping-pong", 16, 64,
     "machine: { cores: 16, costs: typical }\nlimits: { events: %" PRId64 " }\n"
     "processes:\n"
     "  - name: app\n    pipes: [ a, b ]\n"
     "    threads:\n"
     "      - { name: ping, count: 32, run: [ { forever: [ { write: { pipe: a, size: 1KiB } }, { "
     "read: "
     "{ pipe: b, size: 1KiB } } ] } ] }\n"
     "      - { name: pong, count: 32, run: [ { forever: [ { read: { pipe: a, size: 1KiB } }, { "
     "write: "
     "{ pipe: b, size: 1KiB } } ] } ] }\n"},
    {"fork tree", 16, 64,
     "machine: { cores: 16, costs: typical }\nlimits: { events: %" PRId64 " }\n"
     "functions:\n"
     "  leaf: [ { touch: 64KiB }, { compute: 20us } ]\n"
     "  branch: [ { touch: 128KiB }, { fork: { run: leaf, as: leaf, count: 3 } }, { repeat: { "
     "times: 3, "
     "do: [ wait_child ] } } ]\n"
     "  root: [ { forever: [ { fork: { run: branch, as: branch } }, { touch: { block: b, size: "
     "256KiB } "
     "}, wait_child ] } ]\n"
     "threads: [ { name: t, run: [ { alloc: { size: 1MiB, as: b } }, { touch: { block: b } }, { "
     "fork: "
     "{ run: root, as: root, count: 16 } }, wait_child ] } ]\n"},
    {"spinners", 64, 1000,
     "machine: { cores: 64, costs: typical }\nlimits: { events: %" PRId64 " }\nlocks: { s: spin }\n"
     "threads: [ { name: t, count: 1000, run: [ { forever: [ { with: { lock: s, do: [ { compute: "
     "2us } "
     "] } }, { compute: 50us } ] } ] } ]\n"},
};

static const char plain[] =
    "machine: { cores: %d, costs: typical }\nlimits: { events: %" PRId64 " }\n"
    "threads:\n"
    "  - { name: hog, count: %d, run: [ { forever: [ { compute: 'uniform(50us, 2ms)' } ] } ] }\n"
    "  - { name: sleeper, count: %d, run: [ { forever: [ { compute: 'uniform(50us, 2ms)' }, { "
    "sleep: "
    "'uniform(50us, 2ms)' } ] } ] }\n";

static void fail(Diag *diag)
{
    fputs(diag_text(diag), stderr);
    exit(2);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// Nanoseconds per event, the least of `repeats` runs.
static double measure(const char *yaml, int repeats, uint64_t *events)
{
    Scenario scenario = {0};
    Diag diag = {0};
    if (!scenario_parse(&scenario, "bench", yaml, strlen(yaml), NULL, 0, &diag))
        fail(&diag);
    double least = 0;
    for (int i = 0; i <= repeats; i++) { // the first warms up
        Trace trace;
        RunResult result;
        int64_t begin = now_ns();
        trace_open(&trace, NULL, 0);
        if (!ringside_run(&scenario, &trace, &result, &diag))
            fail(&diag);
        trace_close(&trace);
        double each = (double)(now_ns() - begin) / (double)result.events;
        *events = result.events;
        if (i == 1 || (i > 1 && each < least))
            least = each;
    }
    scenario_free(&scenario);
    diag_free(&diag);
    return least;
}

int main(int argc, char **argv)
{
    bool smoke = argc == 2 && strcmp(argv[1], "--smoke") == 0;
    const char *only = argc == 3 && strcmp(argv[1], "--only") == 0 ? argv[2] : "";
    if (argc > 1 && !smoke && *only == '\0') {
        fprintf(stderr, "Usage: %s [--smoke] [--only LOAD]\n", argv[0]);
        return 2;
    }
    int64_t events = smoke ? 20000 : 1000000;
    int repeats = smoke ? 1 : 5;
    printf("                                       ns per event\n"
           "load             cores threads     events    here   plain   times\n");
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) {
        const Load *load = &loads[i];
        if (strncmp(load->name, only, strlen(only)) != 0)
            continue;
        char text[2000];
        uint64_t done, others;
        snprintf(text, sizeof text, plain, load->cores, events, load->threads / 2,
                 load->threads - load->threads / 2);
        double beside = measure(text, repeats, &others);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof text, load->yaml, events);
#pragma GCC diagnostic pop
        double here = measure(text, repeats, &done);
        printf("%-16s %5d %7d %10" PRIu64 " %7.1f %7.1f %7.2f\n", load->name, load->cores,
               load->threads, done, here, beside, here / beside);
        fflush(stdout);
    }
    return 0;
}
